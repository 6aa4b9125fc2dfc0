//! The messages of a foreign request as items: calls and results apart, what a model said as one text.

use super::CUSTOM_INPUT;
use super::annotations::{object, output_text};
use super::encode_parts::takes_marks;
use super::reasoning;
use super::tools::ToolEncoder;
use crate::formats::openai::{foreign_name, is_billing, kind_name};
use crate::model::{Arguments, Content, Form, Message, Names, Part, PartKind, Report, Role, mint, unwrap_signature};
use crate::{BodyError, Format};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The longest id of a call that the API takes.
const LONGEST_ID: usize = 64;

/// Writes messages one after the other.
pub(super) struct Input<'a> {
    pub(super) origin: Format,
    /// Whether the model takes explicit marks of the prompt cache.
    pub(super) marks: bool,
    names: &'a mut Names,
    pub(super) report: &'a mut Report,
    pub(super) items: Vec<Value>,
    /// Calls by the id that is sent: whether they are of a custom tool.
    calls: HashMap<String, bool>,
    /// Where the result of a call stands.
    results: HashMap<String, usize>,
}

impl<'a> Input<'a> {
    pub(super) fn new(origin: Format, model: &str, names: &'a mut Names, report: &'a mut Report) -> Self {
        let marks = takes_marks(model);
        Self { origin, marks, names, report, items: Vec::new(), calls: HashMap::new(), results: HashMap::new() }
    }

    /// The system prompt that stood beside the messages. With marks of the prompt cache it becomes an item, for a bare
    /// text has no place for them.
    pub(super) fn instructions(&mut self, system: Content) -> Option<String> {
        if self.marks && system.parts.iter().any(|part| part.cache.is_some()) {
            self.system(Role::System, system);
            return None;
        }
        let parts = self.system_parts(system);
        if parts.iter().any(|(_, cache)| cache.is_some()) {
            self.report.drop("cache_control");
        }
        let texts: Vec<String> = parts.into_iter().map(|(text, _)| text).collect();
        (!texts.is_empty()).then(|| texts.join("\n\n"))
    }

    /// Texts and their marks. Claude Code's own block is of no meaning to other vendors.
    fn system_parts(&mut self, system: Content) -> Vec<(String, Option<Value>)> {
        let mut texts = Vec::new();
        for part in system.parts {
            if is_billing(&part) {
                self.report.drop("system.x-anthropic-billing-header");
                continue;
            }
            self.report.drop_extras("messages[].content[].", &part.extras);
            match part.kind {
                PartKind::Text(text) => texts.push((text, part.cache)),
                other => self.report.drop(format!("messages[].content[].{}", kind_name(&other))),
            }
        }
        texts
    }

    pub(super) fn message(&mut self, message: Message) -> Result<(), BodyError> {
        let Message { role, mut content, cache, mut extras } = message;
        if role == Role::Assistant {
            // These are parts too.
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
        }
        self.report.drop_extras("messages[].", &extras);
        if let (Some(cache), Some(last)) = (cache, content.parts.last_mut()) {
            last.cache.get_or_insert(cache);
        }
        match role {
            Role::System | Role::Developer => self.system(role, content),
            Role::Assistant => self.assistant(content)?,
            Role::User | Role::Tool => self.user(content)?,
        }
        Ok(())
    }

    fn system(&mut self, role: Role, content: Content) {
        let form = content.form;
        let role = if role == Role::Developer { "developer" } else { "system" };
        let mut parts = Vec::new();
        for (text, cache) in self.system_parts(content) {
            let part = object([("type", json!("input_text")), ("text", json!(text))]);
            parts.push(self.marked(part, cache));
        }
        if !parts.is_empty() {
            self.items.push(json!({"role": role, "content": written(form, parts)}));
        }
    }

    /// Results first: they belong to the calls before.
    fn user(&mut self, content: Content) -> Result<(), BodyError> {
        let form = content.form;
        let (results, rest): (Vec<Part>, Vec<Part>) =
            content.parts.into_iter().partition(|part| matches!(part.kind, PartKind::ToolResult { .. }));
        let answered = !results.is_empty();
        for result in results {
            self.result(result)?;
        }
        let mut parts = Vec::new();
        for part in rest {
            parts.extend(self.part(part)?);
        }
        if !(answered && parts.is_empty()) {
            self.items.push(json!({"role": "user", "content": written(form, parts)}));
        }
        Ok(())
    }

    /// The result of a call. Of two for one call the last counts; one without a call (history was trimmed) becomes
    /// text, for the API refuses it.
    fn result(&mut self, part: Part) -> Result<(), BodyError> {
        let PartKind::ToolResult { id, content, is_error } = part.kind else { return Ok(()) };
        let id = call_id(&id);
        if part.cache.is_some() {
            self.report.drop("cache_control");
        }
        self.report.drop_extras("messages[].content[].", &part.extras);
        let mut parts = Vec::new();
        for part in content.parts {
            parts.extend(self.part(part)?);
        }
        let mut output = match texts(&parts) {
            Some(texts) => json!(texts.join("\n")),
            None => Value::Array(parts),
        };
        if is_error == Some(true) {
            self.report.approximate("messages[].content[].is_error");
            mark_error(&mut output);
        }
        let Some(custom) = self.calls.get(&id) else {
            self.report.approximate("messages[].tool_call_id");
            self.items.push(orphan(output));
            return Ok(());
        };
        let kind = if *custom { "custom_tool_call_output" } else { "function_call_output" };
        let item = json!({"type": kind, "call_id": id, "output": output});
        match self.results.get(&id).and_then(|at| self.items.get_mut(*at)) {
            Some(earlier) => {
                *earlier = item;
                self.report.drop("messages[].tool_call_id");
            }
            None => {
                self.results.insert(id, self.items.len());
                self.items.push(item);
            }
        }
        Ok(())
    }

    /// Texts between thinking and calls are one message each.
    fn assistant(&mut self, content: Content) -> Result<(), BodyError> {
        let mut said = Vec::new();
        for part in content.parts {
            let Part { kind, cache, signature, extras, citations } = part;
            if cache.is_some() {
                self.report.drop("cache_control");
            }
            if signature.is_some() {
                self.report.drop("messages[].content[].signature");
            }
            if !citations.is_empty() {
                self.report.drop("messages[].content[].citations");
            }
            let item = match kind {
                PartKind::Text(_) | PartKind::Refusal(_) => {
                    self.report.drop_extras("messages[].content[].", &extras);
                    said.push(kind);
                    continue;
                }
                PartKind::Thinking { text, signature } => self.thinking(&text, signature.as_deref()),
                PartKind::ToolCall { id, name, arguments } => {
                    self.report.drop_extras("messages[].tool_calls[].", &extras);
                    Some(self.call(&id, &name, arguments))
                }
                PartKind::Foreign(value) => self.custom_call(&value),
                other => {
                    self.report.drop(format!("messages[].content[].{}", kind_name(&other)));
                    None
                }
            };
            if let Some(item) = item {
                self.say(std::mem::take(&mut said));
                self.items.push(item);
            }
        }
        self.say(said);
        Ok(())
    }

    /// What a model said. The one form that every server takes is a string, and it has no place for a refusal.
    fn say(&mut self, said: Vec<PartKind>) {
        let refused = said.iter().any(|kind| matches!(kind, PartKind::Refusal(_)));
        if !refused {
            let text: String = said.iter().filter_map(text_of).collect();
            if !text.is_empty() {
                self.items.push(json!({"role": "assistant", "content": text}));
            }
            return;
        }
        let content: Vec<Value> = said
            .iter()
            .filter_map(|kind| match kind {
                PartKind::Refusal(text) => Some(json!({"type": "refusal", "refusal": text})),
                kind => text_of(kind).map(|text| output_text(text, Vec::new(), &[])),
            })
            .collect();
        let id = format!("msg_{}", mint("", self.items.len() as u64));
        self.items.push(json!({
            "type": "message", "id": id, "role": "assistant", "status": "completed", "content": content,
        }));
    }

    /// Only thinking that came from this format, encrypted, goes back into it.
    fn thinking(&mut self, text: &str, signature: Option<&str>) -> Option<Value> {
        let own = match signature.and_then(unwrap_signature) {
            Some((Format::OpenAIResponses, Some(bare))) => reasoning::split(bare),
            _ => {
                self.report.drop(match signature {
                    Some(_) => "messages[].content[].thinking",
                    None => "messages[].reasoning_content",
                });
                return None;
            }
        };
        let (id, encrypted) = own;
        Some(reasoning::item(id, text, Some(encrypted)))
    }

    fn call(&mut self, id: &str, name: &str, arguments: Arguments) -> Value {
        let id = call_id(id);
        let mut tools = ToolEncoder { origin: self.origin, names: self.names, report: self.report };
        let name = tools.name(name);
        let arguments = match arguments.into_text() {
            empty if empty.trim().is_empty() => "{}".to_owned(),
            text => text,
        };
        let item = json!({"type": "function_call", "call_id": id, "name": name, "arguments": arguments});
        self.called(id, false);
        item
    }

    /// Some servers give the calls of every turn the same ids: the next result is this call's.
    fn called(&mut self, id: String, custom: bool) {
        self.results.remove(&id);
        self.calls.insert(id, custom);
    }

    /// OpenAI Chat's calls of custom tools.
    fn custom_call(&mut self, value: &Value) -> Option<Value> {
        let custom = value.get("custom").filter(|_| value.get("type") == Some(&json!("custom")));
        let item = custom.and_then(|custom| {
            let id = call_id(value.get("id")?.as_str()?);
            let item = json!({
                "type": "custom_tool_call", "call_id": id,
                "name": custom.get("name")?.as_str()?, CUSTOM_INPUT: custom.get("input")?.as_str()?,
            });
            self.called(id, true);
            Some(item)
        });
        if item.is_none() {
            self.report.drop(format!("messages[].content[].{}", foreign_name(value)));
        }
        item
    }
}

fn text_of(kind: &PartKind) -> Option<&str> {
    match kind {
        PartKind::Text(text) => Some(text),
        _ => None,
    }
}

/// The id to send for a call: its own, where it is not too long.
fn call_id(id: &str) -> String {
    if id.is_empty() || id.len() > LONGEST_ID { mint(id, 0) } else { id.to_owned() }
}

/// Content as the origin wrote it: a bare text stays one.
fn written(form: Form, mut parts: Vec<Value>) -> Value {
    if parts.is_empty() {
        return json!("");
    }
    let plain = |part: &Value| part.as_object().is_some_and(|part| part.len() == 2 && part.contains_key("text"));
    match parts.as_mut_slice() {
        [part] if form != Form::List && plain(part) => part.get_mut("text").map(Value::take).unwrap_or_default(),
        _ => Value::Array(parts),
    }
}

/// The texts of parts that are nothing else.
fn texts(parts: &[Value]) -> Option<Vec<&str>> {
    parts
        .iter()
        .map(|part| part.get("text").filter(|_| part.get("prompt_cache_breakpoint").is_none())?.as_str())
        .collect()
}

/// A result that failed says so, for there is no flag.
fn mark_error(output: &mut Value) {
    let says = |text: &str| text.to_ascii_lowercase().contains("error");
    match output {
        Value::String(text) if !says(text) => text.insert_str(0, "Error: "),
        Value::Array(parts) if !parts.iter().any(|part| says(crate::json::text(part, "text"))) => {
            parts.insert(0, json!({"type": "input_text", "text": "Error:"}));
        }
        _ => {}
    }
}

fn orphan(output: Value) -> Value {
    const HEAD: &str = "Result of an earlier tool call:";
    let content = match output {
        Value::String(text) => json!(format!("{HEAD} {text}")),
        Value::Array(mut parts) => {
            parts.insert(0, json!({"type": "input_text", "text": HEAD}));
            Value::Array(parts)
        }
        other => other,
    };
    json!({"role": "user", "content": content})
}
