# The commands of the README. `cargo xtask` does the work and installs what is missing; `cargo xtask help` lists the rest.

.PHONY: demo test test-all cargo

# Standalone, with no cluster and no key. CLUSTER=1: on a real one-node Kubernetes (Debian, as root). ONCE=1: ends after the show.
demo: cargo
	cargo xtask demo $(if $(filter 1,$(CLUSTER)),--cluster) $(if $(filter 1,$(ONCE)),--once)

# Unit, kube-apiserver, chart, SDK and cluster tests.
test: cargo
	cargo xtask test

# The same and the long suites.
test-all: cargo
	cargo xtask test all

cargo:
	@command -v cargo >/dev/null || { echo "cargo is missing; install Rust: https://rustup.rs (rust-toolchain.toml picks the version)" >&2; exit 1; }
	@cargo build --package xtask
