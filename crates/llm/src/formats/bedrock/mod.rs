//! Bedrock Converse. SKELETON
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
pub fn encode_request(request: Request, names: &mut Names, report: &mut Report) -> Result<Encoded, BodyError> {
    Ok(Encoded { body: Value::Null, json_tool: false })
}
pub(crate) fn encode_params(params: Object, model: &str, report: &mut Report) -> Result<Object, BodyError> {
    Ok(Object::new())
}
pub fn decode_reply(body: Value, restore: &Restore, report: &mut Report) -> Result<Answer, UpstreamFault> {
    Err(UpstreamFault::malformed(Format::BedrockConverse, "not yet"))
}
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    Value::Null
}
pub fn error_body(error: &ErrorInfo) -> Value {
    Value::Null
}
pub fn read_error(value: &Value, status: u16) -> Option<ErrorInfo> {
    None
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
    pub fn new(restore: Restore) -> Self {
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
pub fn error_type(kind: crate::ErrorKind) -> &'static str {
    "InternalServerException"
}
pub(crate) fn exception(name: &str, value: &Value) -> ErrorInfo {
    ErrorInfo::new(crate::ErrorKind::Server, name)
}
pub(crate) fn kind_of(name: &str) -> Option<crate::ErrorKind> {
    None
}
