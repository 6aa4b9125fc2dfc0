//! A request of this format's before it goes to another vendor: what says nothing there is taken out, and what a client
//! took apart is put together again.

use super::decode_parts::{is_foreign_thinking, is_unsigned_thinking};
use super::signature::SKIP;
use crate::model::{Message, Part, PartKind, Request, Role, Tool, ToolKind};
use serde_json::Value;

/// Makes a request ready for another vendor.
pub(crate) fn for_others(request: &mut Request) {
    forget_missing_signatures(&mut request.messages);
    join_thinking(&mut request.messages);
    forget_empty_tools(&mut request.tools);
}

/// The word that stands for a lost signature says nothing to other vendors.
fn forget_missing_signatures(messages: &mut [Message]) {
    for part in messages.iter_mut().flat_map(|message| &mut message.content.parts) {
        part.signature = part.signature.take().filter(|signature| signature != SKIP);
    }
}

/// Google's Python SDK gives each chunk of a stream back as a content of its own, so that another vendor's thinking comes
/// back in several contents, the last of which is signed: one again, in that one.
pub(super) fn join_thinking(messages: &mut Vec<Message>) {
    let mut joined: Vec<Message> = Vec::with_capacity(messages.len());
    for mut message in std::mem::take(messages) {
        let first = message.content.parts.first_mut().filter(|part| is_foreign_thinking(part));
        if message.role == Role::Assistant
            && let Some(Part { kind: PartKind::Thinking { text, .. }, .. }) = first
        {
            *text = unsigned_thinking(&mut joined) + text;
        }
        joined.push(message);
    }
    *messages = joined;
}

/// Takes the unsigned thinking out in which the model's last messages end; those that said nothing else go with it.
fn unsigned_thinking(messages: &mut Vec<Message>) -> String {
    let mut said = String::new();
    while let Some(last) = messages.last_mut().filter(|last| last.role == Role::Assistant) {
        let parts = &mut last.content.parts;
        let begin = parts.iter().rposition(|part| !is_unsigned_thinking(part)).map_or(0, |before| before + 1);
        if begin == parts.len() {
            break;
        }
        let texts = parts.drain(begin..).filter_map(|part| match part.kind {
            PartKind::Thinking { text, .. } => Some(text),
            _ => None,
        });
        said = texts.collect::<String>() + &said;
        if begin > 0 {
            break;
        }
        messages.pop();
    }
    said
}

/// A list of no declarations declares nothing, and an object with nothing else in it is no tool.
fn forget_empty_tools(tools: &mut Option<Vec<Tool>>) {
    let Some(list) = tools.as_mut().filter(|list| !list.is_empty()) else { return };
    for tool in list.iter_mut() {
        if let ToolKind::Foreign(Value::Object(members)) = &mut tool.kind
            && members.get("functionDeclarations").is_some_and(declares_nothing)
        {
            members.shift_remove("functionDeclarations");
        }
    }
    list.retain(|tool| !matches!(&tool.kind, ToolKind::Foreign(Value::Object(members)) if members.is_empty()));
    if list.is_empty() {
        *tools = None;
    }
}

fn declares_nothing(declarations: &Value) -> bool {
    declarations.is_null() || declarations.as_array().is_some_and(Vec::is_empty)
}
