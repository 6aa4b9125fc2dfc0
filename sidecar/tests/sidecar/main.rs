//! The sidecar as applications, providers, kubelet and the operator see it: over real sockets, each in the test's hands.

#![allow(clippy::panic, clippy::unwrap_used, reason = "clippy knows test functions, not the helpers of a test target")]

mod bodies;
mod cancel;
mod conversations;
mod credentials;
mod failover;
mod identities;
mod native;
mod operator;
mod pages;
mod relay;
mod shutdown;
mod soak;
mod standalone;
mod streamed_keys;
mod streaming;
mod support;
mod timeouts;
mod translation;
mod upstreams;
