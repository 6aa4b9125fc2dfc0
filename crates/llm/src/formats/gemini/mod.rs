//! Gemini generateContent, of the Gemini API and of Vertex AI.

mod capabilities;
mod citations;
mod decode_parts;
mod decode_reply;
mod decode_request;
mod decode_settings;
mod decode_stream;
mod decode_tools;
mod encode_parts;
mod encode_reply;
mod encode_request;
mod encode_settings;
mod encode_stream;
mod encode_tools;
mod error;
mod finish;
mod ids;
mod leave;
mod logprobs;
mod media;
mod notes;
mod observe;
mod own;
mod partial;
mod schema;
mod signature;
mod spelling;
#[cfg(test)]
mod tests;
mod thinking;
mod time;
mod turns;
mod usage;
mod vendor;

pub use decode_reply::decode_reply;
pub use decode_request::decode_request;
pub use decode_stream::StreamDecoder;
pub use encode_reply::encode_reply;
pub(crate) use encode_request::encode_params;
pub use encode_request::encode_request;
pub use encode_stream::StreamEncoder;
pub use error::{error_body, error_frame, read_error, retry_after};
pub(crate) use leave::for_others;
pub(crate) use observe::{observe, observe_reply};
pub(crate) use spelling::spellings;
