//! What the tests of several formats share.

pub(crate) mod recorded;
