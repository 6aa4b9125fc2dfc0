//! Every flow against every trouble that a token service can make: mock services in this process, on paused time. The
//! tables are data, a cell is a case, and how many passed is printed.
//!
//! ```text
//! flow × step × { statuses, hang, reset, garbage, huge, expiries }   troubles.rs
//! flow × { what its own service says in its own words }              words.rs
//! flow × { file missing, empty, rotated, expired; clock ±10 min;
//!          the same token again }                                    surroundings.rs
//! ```

mod flows;
mod harness;
mod mock;
mod surroundings;
mod troubles;
mod words;
