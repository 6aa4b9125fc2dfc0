//! Wire formats, one neutral model, translation and providers: bytes in, bytes out. Never does I/O, reads no clock.
//!
//! ```text
//!  request line ──classify──▶ Call ─┐
//!  client's body ──outline──▶ Outline (model, stream, spans; no full parse)
//!                                   │
//!                     prepare(client format, body, outline, target)
//!                        │ same wire                      │ other wire
//!                     relay: splices            decode ▶ model::Request ▶ encode
//!                        └────────────▶ Prepared { body, exchange } ◀──┘
//!                                                     │
//!      upstream's reply ──▶ Exchange::reply / stream / error ──▶ the client's format
//! ```
//!
//! Every format has one decoder and one encoder against [`model`], so N formats need 2N translators. What a target
//! cannot say is named in `dropped`, what it can say only nearly in `approximated`; nothing is lost in silence.

mod call;
mod envelope;
mod error;
mod exchange;
pub mod formats;
pub mod framing;
mod ids;
mod json;
pub mod model;
mod models;
mod named;
mod outline;
mod params;
pub mod providers;
mod relay;
mod reply_stream;
mod sketch;
mod threads;
mod translate;

pub use call::{Call, classify};
pub use error::{BodyError, ErrorInfo, ErrorKind, UpstreamFault, encode_error, error_headers};
pub use exchange::{Exchange, Prepared, Reply, Streamed, Target, prepare};
pub use framing::Framing;
pub use ids::{Dialect, Envelope, Format, Operation, UnknownOperation, Wire};
pub use model::Usage;
pub use models::{ModelEntry, encode_model, encode_models};
pub use outline::{Outline, outline};
pub use params::lost_params;
pub use providers::echo::{EchoAnswer, echo};
pub use providers::{ApiKeyDefault, Ask, Descriptor, Options, OptionsError, provider, providers};
pub use reply_stream::ReplyStream;
