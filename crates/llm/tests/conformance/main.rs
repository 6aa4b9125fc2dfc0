//! Conformance: recorded traffic, the vendors' schemas, generated conversations and hostile bytes against the public API.

#![allow(clippy::panic, clippy::unwrap_used)] // All of this crate is tests.

mod carried;
mod corpus;
mod drive;
mod errors;
mod excluded;
mod facts;
mod garbage;
mod hostile;
mod local;
mod replies;
mod requests;
mod round_trip;
mod rows;
mod schema;
mod sse;
mod streams;
mod view;
