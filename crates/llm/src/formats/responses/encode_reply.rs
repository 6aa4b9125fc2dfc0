//! A neutral answer becomes a whole OpenAI Responses reply.

use super::annotations::{encode_annotation, output_text};
use super::finish::status;
use super::reasoning::{self, sealed, sealed_whole};
use super::usage::usage_object;
use super::{CUSTOM_INPUT, repeated};
use crate::Format;
use crate::formats::ReplyContext;
use crate::model::{Answer, Arguments, Finish, Part, PartKind, Report, Usage, mint};
use serde_json::{Value, json};
use std::collections::HashSet;

/// Encodes an answer.
#[must_use]
pub fn encode_reply(answer: Answer, context: &ReplyContext, report: &mut Report) -> Value {
    let Answer { id, model, created, parts, finish, usage, service_tier, logprobs } = answer;
    let head = Head::new(&id, &model, created, context);
    if !logprobs.is_empty() && !parts.iter().any(|part| matches!(part.kind, PartKind::Text(_))) {
        report.drop("logprobs");
    }
    let items = Output::new(&head, logprobs, context, report).items(parts, &finish);
    let end = End { finish: Some(&finish), usage, service_tier: service_tier.as_deref() };
    head.response(context, &end, items)
}

/// What a response says of itself before it has an answer.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) model: String,
    pub(super) created: u64,
}

/// How a response ended.
#[derive(Debug, Default)]
pub(super) struct End<'a> {
    /// `None` while it is made.
    pub(super) finish: Option<&'a Finish>,
    pub(super) usage: Option<Usage>,
    pub(super) service_tier: Option<&'a str>,
}

impl Head {
    /// Upstream's id, with the prefix by which clients know what they may go on with.
    pub(super) fn new(id: &str, model: &str, created: Option<u64>, context: &ReplyContext) -> Self {
        let id = match id {
            "" => format!("resp_{}", mint(model, created.unwrap_or(context.now))),
            id if id.starts_with("resp_") => id.to_owned(),
            id => format!("resp_{id}"),
        };
        let model = if model.is_empty() { &context.model } else { model };
        Self { id, model: model.to_owned(), created: created.unwrap_or(context.now) }
    }

    /// The response object. `usage` is left out until it is known, for it is no null in the schema.
    pub(super) fn response(&self, context: &ReplyContext, end: &End<'_>, output: Vec<Value>) -> Value {
        let mut out = repeated::members(context.request.as_deref());
        let (status, details) = end.finish.map_or(("in_progress", Value::Null), status);
        let completed = (status == "completed").then(|| context.now.max(self.created));
        let mut put = |key: &str, value: Value| out.insert(key.to_owned(), value);
        put("id", json!(self.id));
        put("object", json!("response"));
        put("created_at", json!(self.created));
        put("completed_at", json!(completed));
        put("status", json!(status));
        put("error", Value::Null);
        put("incomplete_details", details);
        put("model", json!(self.model));
        put("output", Value::Array(output));
        if let Some(usage) = end.usage {
            put("usage", usage_object(&usage));
        }
        if let Some(tier) = service_tier(end.service_tier) {
            put("service_tier", json!(tier));
        }
        Value::Object(out)
    }
}

/// The other vendors' tiers in OpenAI's words; what is not one of these is not told.
fn service_tier(tier: Option<&str>) -> Option<&str> {
    match tier? {
        "standard" => Some("default"),
        tier @ ("auto" | "default" | "flex" | "scale" | "priority" | "fast" | "ultrafast") => Some(tier),
        _ => None,
    }
}

/// Ids of items: from the response's and a number, so that no state is needed to tell them again.
#[derive(Debug)]
pub(super) struct Ids {
    reply: String,
    next: u64,
}

impl Ids {
    pub(super) fn new(reply: &str) -> Self {
        Self { reply: reply.to_owned(), next: 0 }
    }

    pub(super) fn mint(&mut self, prefix: &str) -> String {
        self.next += 1;
        format!("{prefix}_{}", mint(&self.reply, self.next))
    }
}

/// The client's custom tools, which other formats know as functions of one text.
#[derive(Debug)]
pub(super) struct Custom(HashSet<String>);

impl Custom {
    pub(super) fn of(context: &ReplyContext) -> Self {
        let tools = context.request.as_ref().and_then(|request| request.get("tools")?.as_array());
        let custom = tools.into_iter().flatten().filter(|tool| tool.get("type").is_some_and(|kind| kind == "custom"));
        Self(custom.filter_map(|tool| tool.get("name")?.as_str().map(str::to_owned)).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The input of a custom tool, from the arguments of the function that stood for it.
pub(super) fn custom_input(arguments: &str) -> String {
    match serde_json::from_str(arguments) {
        Ok(Value::Object(mut object)) => match object.get_mut(CUSTOM_INPUT).map(Value::take) {
            Some(Value::String(text)) => text,
            _ => arguments.to_owned(),
        },
        _ => arguments.to_owned(),
    }
}

/// An item of a call, with its arguments or input. A custom tool's has no status.
pub(super) fn call(id: &str, call_id: &str, name: &str, arguments: &str, custom: bool, status: &str) -> Value {
    if custom {
        return json!({
            "id": id, "type": "custom_tool_call", "call_id": call_id, "name": name, CUSTOM_INPUT: arguments,
        });
    }
    json!({
        "id": id, "type": "function_call", "status": status, "call_id": call_id, "name": name, "arguments": arguments,
    })
}

/// A message of the model's.
pub(super) fn message(id: &str, status: &str, content: &[Value]) -> Value {
    json!({"id": id, "type": "message", "status": status, "role": "assistant", "content": content})
}

/// Writes the items of one answer.
struct Output<'a> {
    items: Vec<Value>,
    /// Content of the message that is not yet an item, and the characters of its last text.
    said: Vec<Value>,
    characters: u64,
    ids: Ids,
    custom: Custom,
    /// Of the first text, for they are not told by text.
    logprobs: Vec<Value>,
    context: &'a ReplyContext,
    report: &'a mut Report,
}

impl<'a> Output<'a> {
    fn new(head: &Head, logprobs: Vec<Value>, context: &'a ReplyContext, report: &'a mut Report) -> Self {
        Self {
            items: Vec::new(),
            said: Vec::new(),
            characters: 0,
            ids: Ids::new(&head.id),
            custom: Custom::of(context),
            logprobs,
            context,
            report,
        }
    }

    /// The items of all parts. What follows each other is one message, and of it texts are one text. Where the answer
    /// was cut, so was its last item.
    fn items(mut self, parts: Vec<Part>, finish: &Finish) -> Vec<Value> {
        let cut = status(finish).0;
        let last = parts.len().saturating_sub(1);
        for (at, part) in parts.into_iter().enumerate() {
            let Part { kind, citations, signature, .. } = part;
            match kind {
                PartKind::Text(text) => self.text(&text, &citations),
                PartKind::Refusal(text) => self.said.push(json!({"type": "refusal", "refusal": text})),
                kind => {
                    self.end_message("completed");
                    if let (PartKind::ToolCall { .. }, Some(signature)) = (&kind, &signature) {
                        self.signed(signature);
                    }
                    let item = self.item(kind, if at == last { cut } else { "completed" });
                    self.items.extend(item);
                    continue;
                }
            }
            if let Some(signature) = signature {
                self.end_message("completed");
                self.signed(&signature);
            }
        }
        self.end_message(cut);
        self.items
    }

    fn own(&self) -> bool {
        self.context.origin == Format::OpenAIResponses
    }

    fn text(&mut self, text: &str, citations: &[crate::model::Citation]) {
        let goes_on = self.said.last().is_some_and(|content| content["type"] == "output_text");
        if !goes_on {
            self.characters = 0;
            self.said.push(output_text("", Vec::new(), &std::mem::take(&mut self.logprobs)));
        }
        let before = self.characters;
        self.characters += text.chars().count() as u64;
        let Some(content) = self.said.last_mut() else { return };
        if let Some(Value::String(all)) = content.get_mut("text") {
            all.push_str(text);
        }
        let own = self.context.origin == Format::OpenAIResponses;
        for citation in citations {
            match (encode_annotation(citation, before, self.characters, own), content.get_mut("annotations")) {
                (Some(annotation), Some(Value::Array(all))) => all.push(annotation),
                _ => self.report.drop("output[].content[].annotations"),
            }
        }
    }

    fn end_message(&mut self, status: &str) {
        if !self.said.is_empty() {
            let content = std::mem::take(&mut self.said);
            self.items.push(message(&self.ids.mint("msg"), status, &content));
        }
    }

    /// An item of thinking that has nothing but the signature over a part that has no place for it.
    fn signed(&mut self, signature: &str) {
        let id = self.ids.mint("rs");
        self.items.push(reasoning::item(&id, "", sealed(self.context.origin, Some(signature)).as_deref()));
    }

    fn item(&mut self, kind: PartKind, status: &str) -> Option<Value> {
        Some(match kind {
            PartKind::Thinking { text, signature } => {
                let encrypted = sealed(self.context.origin, signature.as_deref());
                reasoning::item(&self.ids.mint("rs"), &text, encrypted.as_deref())
            }
            PartKind::RedactedThinking(data) => {
                let encrypted = sealed_whole(self.context.origin, &data);
                reasoning::item(&self.ids.mint("rs"), "", Some(&encrypted))
            }
            PartKind::ToolCall { id, name, arguments } => self.call(&id, &name, arguments, status),
            PartKind::Foreign(value) if self.own() => value,
            PartKind::Foreign(value) => {
                let kind = crate::json::kind(&value);
                self.report.drop(format!("content[].{kind}"));
                return None;
            }
            _ => {
                self.report.drop("content[]");
                return None;
            }
        })
    }

    fn call(&mut self, call_id: &str, name: &str, arguments: Arguments, status: &str) -> Value {
        let arguments = match arguments.into_text() {
            empty if empty.is_empty() => "{}".to_owned(),
            text => text,
        };
        if self.custom.has(name) {
            return call(&self.ids.mint("ctc"), call_id, name, &custom_input(&arguments), true, status);
        }
        call(&self.ids.mint("fc"), call_id, name, &arguments, false, status)
    }
}
