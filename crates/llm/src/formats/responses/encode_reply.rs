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
    let mut output = Output { ids: Ids::new(&head.id), custom: Custom::of(context), logprobs, context, report };
    let items = output.items(parts, &finish);
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
    ids: Ids,
    custom: Custom,
    /// Of the first text, where they are not told by text.
    logprobs: Vec<Value>,
    context: &'a ReplyContext,
    report: &'a mut Report,
}

impl Output<'_> {
    /// Texts that follow each other are one message.
    fn items(&mut self, parts: Vec<Part>, finish: &Finish) -> Vec<Value> {
        let cut = if status(finish).0 == "incomplete" { "incomplete" } else { "completed" };
        let last = parts.len().saturating_sub(1);
        let mut items: Vec<Value> = Vec::with_capacity(parts.len());
        let mut open = None;
        for (at, part) in parts.into_iter().enumerate() {
            let status = if at == last { cut } else { "completed" };
            let Part { kind, citations, signature, .. } = part;
            let signed = signature.map(|signature| self.signed(&signature));
            match kind {
                PartKind::Text(text) => {
                    let content = self.text(&text, &citations);
                    self.say(content, status, &mut open, &mut items);
                }
                PartKind::Refusal(text) => {
                    self.say(json!({"type": "refusal", "refusal": text}), status, &mut open, &mut items);
                }
                PartKind::Foreign(value) if self.own() => {
                    open = None;
                    items.push(value);
                }
                kind => {
                    open = None;
                    let (before, after) = match kind {
                        PartKind::ToolCall { .. } => (signed.clone(), None),
                        _ => (None, signed.clone()),
                    };
                    items.extend(before);
                    items.extend(self.item(kind, status));
                    items.extend(after);
                    continue;
                }
            }
            if let Some(item) = signed {
                open = None;
                items.push(item);
            }
        }
        items
    }

    fn own(&self) -> bool {
        self.context.origin == Format::OpenAIResponses
    }

    /// Adds content to the open message, or to a new one.
    fn say(&mut self, content: Value, status: &str, open: &mut Option<usize>, items: &mut Vec<Value>) {
        match open.and_then(|at| items.get_mut(at)) {
            Some(item) => {
                if let Some(Value::Array(list)) = item.get_mut("content") {
                    list.push(content);
                }
                item["status"] = json!(status);
            }
            None => {
                *open = Some(items.len());
                items.push(message(&self.ids.mint("msg"), status, &[content]));
            }
        }
    }

    fn text(&mut self, text: &str, citations: &[crate::model::Citation]) -> Value {
        let characters = text.chars().count() as u64;
        let mut annotations = Vec::with_capacity(citations.len());
        for citation in citations {
            match encode_annotation(citation, characters, self.own()) {
                Some(annotation) => annotations.push(annotation),
                None => self.report.drop("output[].content[].annotations"),
            }
        }
        output_text(text, annotations, &std::mem::take(&mut self.logprobs))
    }

    /// An item of thinking that has nothing but the signature over a part that has no place for it.
    fn signed(&mut self, signature: &str) -> Value {
        let id = self.ids.mint("rs");
        reasoning::item(&id, "", Some(&sealed(self.context.origin, Some(signature))))
    }

    fn item(&mut self, kind: PartKind, status: &str) -> Option<Value> {
        Some(match kind {
            PartKind::Thinking { text, signature } => match signature.as_deref().map(reasoning::split) {
                Some((id, encrypted)) if self.own() => reasoning::item(id, &text, Some(encrypted)),
                None if self.own() => reasoning::item(&self.ids.mint("rs"), &text, None),
                _ => {
                    let encrypted = sealed(self.context.origin, signature.as_deref());
                    reasoning::item(&self.ids.mint("rs"), &text, Some(&encrypted))
                }
            },
            PartKind::RedactedThinking(data) => {
                let encrypted = sealed_whole(self.context.origin, &data);
                reasoning::item(&self.ids.mint("rs"), "", Some(&encrypted))
            }
            PartKind::ToolCall { id, name, arguments } => self.call(&id, &name, arguments, status),
            PartKind::Foreign(value) => {
                let kind = value.get("type").and_then(Value::as_str).unwrap_or("unknown");
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
