//! Incremental decoders: bytes cut anywhere go in, whole frames come out.

pub mod sse;
