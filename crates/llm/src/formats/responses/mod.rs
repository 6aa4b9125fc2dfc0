//! OpenAI Responses.
//!
//! Every item of a request is one neutral message, so that it goes back as it came; on the way to another format
//! [`for_other`] makes turns of them. Custom tools are functions of one text everywhere else, and become custom ones
//! again in the reply, which knows the client's tools from its request.

mod annotations;
mod decode_items;
mod decode_reply;
mod decode_request;
mod decode_stream;
mod encode_input;
mod encode_items;
mod encode_parts;
mod encode_reply;
mod encode_request;
mod encode_settings;
mod encode_stream;
mod error;
mod finish;
mod for_other;
mod members;
mod observe;
mod open_part;
mod reasoning;
mod repeated;
pub mod state;
mod stream_items;
mod tools;
mod usage;

pub use decode_reply::decode_reply;
pub use decode_request::decode_request;
pub use decode_stream::StreamDecoder;
pub use encode_reply::encode_reply;
pub(crate) use encode_request::encode_params;
pub use encode_request::encode_request;
pub use encode_stream::StreamEncoder;
pub use error::error_frame;
pub(crate) use for_other::for_other;
pub(crate) use observe::{observe, observe_reply};
pub(crate) use repeated::repeated;
pub use usage::{read_usage, usage_object};

/// The key under which the text of a call of a custom tool stands among its arguments: for every other format a
/// custom tool is a function of one text.
const CUSTOM_INPUT: &str = "input";

#[cfg(test)]
mod tests;
