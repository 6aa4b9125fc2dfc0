//! An OpenAI Responses stream becomes neutral events. Servers that imitate it leave out events, indexes and ids, or
//! give an item another id in each event; what is missing is taken from the event that has it whole.

use super::decode_reply::{created, response_error};
use super::finish::read_finish;
use super::stream_items::{Items, Kind, Where};
use super::usage::read_usage;
use crate::formats::openai::read_error;
use crate::framing::Frame;
use crate::json::text;
use crate::model::{Event, Names, Usage};
use crate::{ErrorInfo, ErrorKind, Format, UpstreamFault};
use serde_json::Value;

/// Decodes one stream.
#[derive(Debug)]
pub struct StreamDecoder {
    started: bool,
    ended: bool,
    items: Items,
    usage: Option<Usage>,
}

impl StreamDecoder {
    /// A decoder that restores tool names.
    #[must_use]
    pub fn new(names: Names) -> Self {
        Self { started: false, ended: false, items: Items::new(names), usage: None }
    }

    /// Takes one event.
    ///
    /// # Errors
    /// When its data is not JSON.
    pub fn push(&mut self, event: &Frame, out: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        let Some(data) = event.data.as_ref().filter(|data| !data.trim_ascii().is_empty()) else { return Ok(()) };
        if self.ended {
            return Ok(());
        }
        // Not the API's, but some servers write what OpenAI Chat's do.
        if data.trim_ascii() == b"[DONE]" {
            return self.finish(out);
        }
        let mut value: Value = serde_json::from_slice(data)
            .map_err(|_| UpstreamFault::malformed(Format::OpenAIResponses, "an event's data is not JSON"))?;
        let response = value.get_mut("response").map(Value::take).unwrap_or_default();
        let kind = text(&value, "type");
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => self.start(&response, out),
            "response.completed" | "response.incomplete" => self.end(response, out),
            "response.failed" | "response.cancelled" => {
                self.usage = response.get("usage").and_then(read_usage);
                self.fail(response_error(&response), out);
            }
            "error" => self.fail(read_error(&value, 502), out),
            "keepalive" => out.push(Event::Ping),
            "" => {
                if let Some(error) = read_error(&value, 502) {
                    self.fail(Some(error), out);
                }
            }
            kind => {
                let kind = kind.to_owned();
                self.item_event(&kind, &mut value, out);
            }
        }
        Ok(())
    }

    /// Whether the answer is whole.
    #[must_use]
    pub fn has_finish(&self) -> bool {
        self.ended
    }

    /// Tokens as far as upstream has told.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Takes upstream's end.
    ///
    /// # Errors
    /// When the answer has not ended.
    pub fn finish(&mut self, _: &mut Vec<Event>) -> Result<(), UpstreamFault> {
        if self.ended { Ok(()) } else { Err(UpstreamFault::Truncated) }
    }

    fn start(&mut self, response: &Value, out: &mut Vec<Event>) {
        if self.started {
            return;
        }
        self.started = true;
        text(response, "id").clone_into(&mut self.items.reply);
        out.push(Event::Start {
            id: text(response, "id").to_owned(),
            model: text(response, "model").to_owned(),
            created: created(response),
            usage: None,
        });
    }

    fn fail(&mut self, error: Option<ErrorInfo>, out: &mut Vec<Event>) {
        self.ended = true;
        let unnamed = || ErrorInfo { status: 502, ..ErrorInfo::new(ErrorKind::Server, "the response has failed") };
        out.push(Event::Error(error.unwrap_or_else(unnamed)));
    }

    /// An event of an item or of a part of one.
    fn item_event(&mut self, kind: &str, value: &mut Value, out: &mut Vec<Event>) {
        let Some(kind) = kind.strip_prefix("response.") else { return };
        self.start(&Value::Null, out);
        let place = Where::of(value);
        let mut take = |key: &str| value.get_mut(key).map(Value::take).unwrap_or_default();
        let said = |value: Value| match value {
            Value::String(text) => text,
            _ => String::new(),
        };
        match kind {
            "output_item.added" => self.items.add(&place, take("item"), out),
            "output_item.done" => self.items.complete(&place, take("item"), out),
            "output_text.delta" => {
                self.items.say(&place, Kind::Text, said(take("delta")), out);
                self.items.weigh(&place, &take("logprobs"), out);
            }
            "output_text.annotation.added" => self.items.cite(&place, take("annotation"), out),
            "output_text.done" => self.items.say_whole(&place, Kind::Text, said(take("text")), out),
            "refusal.delta" => self.items.say(&place, Kind::Refusal, said(take("delta")), out),
            "refusal.done" => self.items.say_whole(&place, Kind::Refusal, said(take("refusal")), out),
            "content_part.done" => self.items.complete_part(&place, take("part"), out),
            "reasoning_summary_text.delta" | "reasoning_text.delta" => {
                self.items.say(&place, Kind::Thinking, said(take("delta")), out);
            }
            "function_call_arguments.delta" => self.items.argue(&place, said(take("delta")), out),
            "custom_tool_call_input.delta" => self.items.input(&place, &said(take("delta")), out),
            _ => {}
        }
    }

    fn end(&mut self, mut response: Value, out: &mut Vec<Event>) {
        if let Some(error) = response_error(&response).filter(|_| response.get("error").is_some_and(Value::is_object)) {
            return self.fail(Some(error), out);
        }
        self.start(&response, out);
        self.ended = true;
        if let Some(Value::Array(output)) = response.get_mut("output").map(Value::take) {
            self.items.end(output, out);
        }
        self.usage = response.get("usage").and_then(read_usage);
        let tier = response.get("service_tier").and_then(Value::as_str);
        out.extend(tier.map(|tier| Event::ServiceTier(tier.to_owned())));
        out.push(Event::Finish(read_finish(&response, self.items.has(Kind::Call), self.items.has(Kind::Refusal))));
        out.extend(self.usage.map(Event::Usage));
        out.push(Event::End);
    }
}
