//! Same wire in and out: the client's bytes go up save a closed list of splices, upstream's bytes come back save the
//! usage chunk that we asked for. Never parses a body whole.

mod observe;
mod splice;

pub(crate) use observe::Observer;
pub(crate) use splice::{Splices, splice_envelope, splice_model, splice_params, splice_usage, with_model};
