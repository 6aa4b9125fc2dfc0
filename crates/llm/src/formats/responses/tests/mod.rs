//! What this format's decoders and encoders do, by table, by recorded traffic, and on the way to other formats.

mod corpus;
mod hostile;
mod kept;
mod replies;
mod requests;
mod round_trips;
mod streams;
mod written;

use super::*;
use crate::formats::{self, Encoded, ServerRules};
use crate::json::Object;
use crate::model::{Names, Report};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// Rules of a server that wants nothing in particular.
const RULES: ServerRules = ServerRules { max_tokens: "max_tokens", stream_usage: false, cloud: false };

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// A request of one format as another's, and what was not told.
fn try_request(from: Format, to: Format, body: Value) -> Result<(Value, Report), BodyError> {
    let mut report = Report::default();
    let request = formats::decode_request(from, object(body))?;
    let Encoded { body, .. } = formats::encode_request(to, request, RULES, &mut Names::default(), &mut report)?;
    Ok((body, report))
}

#[track_caller]
fn request(from: Format, to: Format, body: Value) -> (Value, Report) {
    try_request(from, to, body).unwrap()
}

#[track_caller]
fn refused(from: Format, to: Format, body: Value) -> (String, String) {
    let error = try_request(from, to, body).unwrap_err();
    (error.param.unwrap_or_default(), error.code.unwrap_or_default())
}
