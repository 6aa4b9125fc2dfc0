# syntax=docker/dockerfile:1
# The two images, each one static binary on nothing:
#   docker build --target operator -t pillion:0.1.0 .
#   docker build --target sidecar -t pillion-sidecar:0.1.0 .
FROM rust:1.95.0-slim-bookworm AS build
WORKDIR /src
COPY . .
# A static glibc binary needs the target spelled out, or build scripts and macros would be built static too.
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    target="$(rustc -vV | sed -n 's/^host: //p')" \
    && RUSTFLAGS="-C target-feature=+crt-static" cargo build --release --locked --target "$target" \
         --package pillion-operator --package pillion-sidecar \
    && mkdir /out && cp "target/$target/release/pillion" "target/$target/release/pillion-sidecar" /out/

FROM scratch AS operator
COPY --from=build /out/pillion /pillion
USER 65532:65532
ENTRYPOINT ["/pillion"]

FROM scratch AS sidecar
COPY --from=build /out/pillion-sidecar /pillion-sidecar
USER 65532:65532
ENTRYPOINT ["/pillion-sidecar"]
