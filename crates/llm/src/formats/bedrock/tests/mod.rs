//! Rows of requests, replies and streams; recorded traffic; pairs with other formats.

mod corpus;
mod exchange;
mod pairs;
mod replies;
mod rows;
mod streams;

use crate::formats::{self, Encoded, ReplyContext, Restore, ServerRules};
use crate::framing::Framing;
use crate::json::Object;
use crate::model::{Names, Report};
use crate::{BodyError, Format};
use serde_json::Value;

const BEDROCK: Format = Format::BedrockConverse;
const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;
const RULES: ServerRules = ServerRules { max_tokens: "max_tokens", stream_usage: true, cloud: false };

const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        _ => Object::new(),
    }
}

/// A body of `from` for a model on Bedrock.
fn to_bedrock(from: Format, model: &str, body: Value) -> Result<(Encoded, Report, Names), BodyError> {
    let mut request = formats::decode_request(from, object(body))?;
    request.model = Some(model.to_owned());
    let (mut names, mut report) = (Names::default(), Report::default());
    let encoded = formats::encode_request(BEDROCK, request, RULES, &mut names, &mut report)?;
    Ok((encoded, report, names))
}

/// A body of Converse's for another wire.
fn from_bedrock(wire: Format, model: &str, body: Value) -> Result<(Value, Report), BodyError> {
    let mut request = formats::decode_request(BEDROCK, object(body))?;
    request.model = Some(model.to_owned());
    let mut report = Report::default();
    let encoded = formats::encode_request(wire, request, RULES, &mut Names::default(), &mut report)?;
    Ok((encoded.body, report))
}

fn context(origin: Format) -> ReplyContext {
    ReplyContext {
        origin,
        now: 1,
        show_usage: true,
        framing: Framing::EventStream,
        request: None,
        model: "m".to_owned(),
    }
}

fn with_json_tool() -> Restore {
    Restore { json_tool: true, ..Restore::default() }
}
