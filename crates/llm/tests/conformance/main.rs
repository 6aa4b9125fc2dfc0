//! Conformance: recorded traffic, the vendors' schemas, generated conversations and hostile bytes against the public API.

#![allow(clippy::panic, clippy::unwrap_used)] // All of this crate is tests.

mod carried;
mod consistent;
mod corpus;
mod drive;
mod emitted;
mod errors;
mod excluded;
mod facts;
mod frames;
mod garbage;
mod grammar;
mod hostile;
mod local;
mod made;
mod matrix;
mod mutants;
mod nearest;
mod parties;
mod refusals;
mod replies;
mod requests;
mod round_trip;
mod rows;
mod schema;
mod streams;
mod table;
mod unmodelled;
mod usage;
mod vendors;
mod view;
