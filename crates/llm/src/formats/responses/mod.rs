//! OpenAI Responses. SKELETON
#![allow(missing_docs, unused_variables, unused_imports, dead_code)]
use crate::formats::seen::{Noted, Observed, Seen};
use crate::formats::{Encoded, ReplyContext, Restore, ServerRules};
use crate::framing::{Frame, Framing};
use crate::json::Object;
use crate::model::{Answer, Event, Names, Report, Request};
use crate::{BodyError, ErrorInfo, Format, UpstreamFault, Usage};
use bytes::Bytes;
use serde_json::Value;

pub fn decode_request(body: Object) -> Result<Request, BodyError> {
    Err(BodyError::new("not yet"))
}
pub fn encode_request(request: Request, names: &mut Names, report: &mut Report) -> Result<Value, BodyError> {
    Ok(Value::Null)
}
pub(crate) fn encode_params(params: Object, model: &str, report: &mut Report) -> Result<Object, BodyError> {
    Ok(Object::new())
}
pub fn decode_reply(body: Value, names: &Names, report: &mut Report) -> Result<Answer, UpstreamFault> {
    Err(UpstreamFault::malformed(Format::OpenAIResponses, "not yet"))
}
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    Value::Null
}

pub fn error_frame(error: &ErrorInfo) -> Bytes {
    Bytes::new()
}
pub(crate) fn observe(frame: &Bytes, noted: &mut Noted) -> Seen {
    Seen::Keep
}
pub(crate) fn observe_reply(body: &str) -> Result<Observed, UpstreamFault> {
    Ok(Observed::default())
}
#[derive(Debug)]
pub struct StreamDecoder;
impl StreamDecoder {
    pub fn new(names: Names) -> Self {
        Self
    }
    pub fn push(&mut self, frame: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        Ok(())
    }
    pub fn finish(&mut self, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        Ok(())
    }
    pub fn usage(&self) -> Option<Usage> {
        None
    }
}
#[derive(Debug)]
pub struct StreamEncoder;
impl StreamEncoder {
    pub fn new(context: ReplyContext) -> Self {
        Self
    }
    pub fn push(&mut self, event: Event, out: &mut Vec<Bytes>) {}
}
pub(crate) fn repeated(body: Object) -> Result<Object, BodyError> {
    Ok(body)
}
