//! The neutral model: what every format's decoder makes and every encoder takes. Small and lossless: what only one
//! format knows stays in `extras` and comes out again when that format is written, and is reported when it is not.

mod collect;
mod event;
mod names;
mod reply;
mod report;
mod request;
mod settings;
mod signature;
mod usage;

pub use event::{Event, PartDelta, PartStart};
pub use names::{NameRules, Names};
pub(crate) use names::{mint, plain_id};
pub use reply::{Answer, Finish, FinishKind};
pub use report::Report;
pub(crate) use report::{OWN_NOTE, says_nothing};
pub use request::{Arguments, Citation, Content, Form, Message, Part, PartKind, Request, Role, Source, Tool, ToolKind};
pub use settings::{Reasoning, ResponseFormat, Settings, Stop, ToolChoice};
pub(crate) use signature::{MARK, MARK_BASE64, has_foreign_signature, unwrap_signature, wrap_signature};
pub use usage::Usage;
