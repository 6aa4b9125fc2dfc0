//! What the tests share: real Kubernetes programs as fixtures, a server that replays recorded provider replies, and the vendors' SDKs as clients.
//!
//! ```text
//! tools ─▶ process ─▶ apiserver ─▶ cluster ◀─ images ◀─ build
//!                        ▲            ▲
//!                       pki        provider (recorded replies), sdk and intruder (programs)
//! ```

pub mod apiserver;
pub mod build;
pub mod client;
pub mod cluster;
pub mod images;
pub mod installed;
pub mod intruder;
pub mod jwt;
pub mod operator;
pub mod pki;
pub mod process;
pub mod provider;
pub mod sdk;
pub mod standalone;
pub mod tools;
pub mod wait;
pub mod workspace;
