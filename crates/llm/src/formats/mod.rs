//! One folder a wire format: a decoder and an encoder of its requests, replies, streams and errors.

pub mod anthropic;
pub mod openai;
