//! Messages as Converse wants them: turns that alternate and begin with the user's, results of calls first in the turn
//! behind the calls and in their order, no empty text.

use super::blocks::{Blocks, PLACEHOLDER};
use super::call_id;
use crate::model::{Content, Message, PartKind, Role};
use crate::{BodyError, Format};
use serde_json::{Value, json};

/// The turns so far.
#[derive(Default)]
pub(super) struct Turns {
    turns: Vec<Turn>,
}

#[derive(Default)]
struct Turn {
    user: bool,
    results: Vec<Answered>,
    blocks: Vec<Value>,
    /// Ids of the calls made.
    calls: Vec<String>,
}

/// The result of a call.
struct Answered {
    id: String,
    block: Value,
    mark: Option<Value>,
}

impl Turns {
    pub(super) fn has_begun(&self) -> bool {
        !self.turns.is_empty()
    }

    pub(super) fn push(&mut self, message: Message, blocks: &mut Blocks<'_>) -> Result<(), BodyError> {
        let mut extras = message.extras;
        if extras.shift_remove("role").is_some() {
            blocks.report.approximate("messages[].role");
        }
        if message.role == Role::Assistant {
            // They were decoded, and stay for the origin's own requests.
            for key in ["reasoning_content", "thinking_blocks", "reasoning", "refusal"] {
                extras.shift_remove(key);
            }
        }
        blocks.report.drop_extras("messages[].", &extras);
        match message.role {
            Role::Assistant => self.assistant(message.content, message.cache, blocks),
            _ => self.user(message.content, message.cache, blocks),
        }
    }

    fn turn(&mut self, user: bool) -> &mut Turn {
        if self.turns.last().is_none_or(|turn| turn.user != user) {
            self.turns.push(Turn { user, ..Turn::default() });
        }
        self.turns.last_mut().expect("a turn was pushed if there was none")
    }

    fn user(&mut self, content: Content, cache: Option<Value>, blocks: &mut Blocks<'_>) -> Result<(), BodyError> {
        let (results, rest): (Vec<_>, Vec<_>) =
            content.parts.into_iter().partition(|part| matches!(part.kind, PartKind::ToolResult { .. }));
        let answers = !results.is_empty();
        let only_answers = answers && rest.is_empty();
        let mut cache = cache;
        for mut part in results {
            let mark = part.cache.take().or_else(|| if only_answers { cache.take() } else { None });
            let inner = inner_mark(&part.kind);
            let PartKind::ToolResult { id, .. } = &part.kind else { continue };
            let id = call_id(id);
            let Some(block) = blocks.block(part)? else { continue };
            let mark = blocks.mark(mark.or(inner));
            self.result(Answered { id, block, mark }, blocks);
        }
        if only_answers {
            return Ok(());
        }
        let mut said = blocks.content(Content { parts: rest, form: content.form })?;
        if said.is_empty() && !answers {
            blocks.report.approximate("messages[].content");
            said.push(json!({"text": PLACEHOLDER}));
        }
        said.extend(blocks.mark(cache));
        self.turn(true).blocks.extend(said);
        Ok(())
    }

    /// A result stands in the turn behind its call; of two for one call the last counts; one without a call (history
    /// was trimmed) becomes text.
    fn result(&mut self, answered: Answered, blocks: &mut Blocks<'_>) {
        let calls = self.turns.iter().rev().take(2).find(|turn| !turn.user).map(|turn| turn.calls.as_slice());
        if calls.is_none_or(|calls| !calls.contains(&answered.id)) {
            let of_message = blocks.origin == Format::OpenAIChat;
            blocks.report.approximate(if of_message {
                "messages[].tool_call_id"
            } else {
                "messages[].content[].tool_result"
            });
            let content = answered.block.pointer("/toolResult/content").and_then(Value::as_array);
            let texts = content.into_iter().flatten().filter_map(|block| block.get("text")?.as_str());
            let text = format!("Result of an earlier tool call: {}", texts.collect::<Vec<_>>().join("\n"));
            self.turn(true).blocks.push(json!({"text": text}));
            return;
        }
        let turn = self.turn(true);
        match turn.results.iter_mut().find(|known| known.id == answered.id) {
            Some(known) => {
                *known = answered;
                let of_message = blocks.origin == Format::OpenAIChat;
                blocks.report.drop(if of_message {
                    "messages[].tool_call_id"
                } else {
                    "messages[].content[].tool_result"
                });
            }
            None => turn.results.push(answered),
        }
    }

    fn assistant(&mut self, content: Content, cache: Option<Value>, blocks: &mut Blocks<'_>) -> Result<(), BodyError> {
        blocks.said = true;
        let said = blocks.content(content);
        blocks.said = false;
        let mut said = said?;
        if said.iter().all(is_mark) {
            return Ok(());
        }
        said.extend(blocks.mark(cache));
        let ids = said.iter().filter_map(|block| block.pointer("/toolUse/toolUseId")?.as_str());
        let calls: Vec<String> = ids.map(str::to_owned).collect();
        let turn = self.turn(false);
        turn.calls.extend(calls);
        turn.blocks.extend(said);
        Ok(())
    }

    /// Whether the last turn answers calls that came without the thinking before them.
    pub(super) fn ends_in_unsigned_calls(&self) -> bool {
        let [.., calling, answering] = self.turns.as_slice() else { return false };
        let thought = calling.blocks.first().is_some_and(|block| block.get("reasoningContent").is_some());
        !answering.results.is_empty() && !calling.calls.is_empty() && !thought
    }

    /// The messages. A conversation that is all system prompt, or that the model begins, gets a user's turn.
    pub(super) fn finish(
        mut self,
        thinks: bool,
        system: &mut Vec<Value>,
        blocks: &mut Blocks<'_>,
    ) -> Result<Vec<Value>, BodyError> {
        if let Some(last) = self.turns.last_mut()
            && !last.user
            && last.calls.is_empty()
        {
            if thinks {
                // The API refuses a begun answer while the model thinks.
                self.turns.pop();
                blocks.report.drop("messages[].content");
            } else if let Some(Value::String(text)) = last.blocks.last_mut().and_then(|block| block.get_mut("text")) {
                text.truncate(text.trim_end().len());
            }
        }
        if self.turns.is_empty() {
            system.retain(|block| !is_mark(block));
            let Some(block) = system.pop() else {
                return Err(BodyError::field("messages", "'messages' has nothing to answer"));
            };
            blocks.report.approximate("messages[].role");
            self.turn(true).blocks.push(block);
        } else if self.turns.first().is_some_and(|turn| !turn.user) {
            blocks.report.approximate("messages");
            let text = json!({"text": PLACEHOLDER});
            self.turns.insert(0, Turn { user: true, blocks: vec![text], ..Turn::default() });
        }
        let mut calls = Vec::new();
        let mut out = Vec::with_capacity(self.turns.len());
        for mut turn in self.turns {
            turn.results.sort_by_key(|result| calls.iter().position(|id| *id == result.id));
            calls = std::mem::take(&mut turn.calls);
            out.push(turn.into_message(blocks));
        }
        Ok(out)
    }
}

impl Turn {
    fn into_message(self, blocks: &mut Blocks<'_>) -> Value {
        let role = if self.user { "user" } else { "assistant" };
        let mut content: Vec<Value> = Vec::with_capacity(self.results.len() + self.blocks.len());
        for Answered { block, mark, .. } in self.results {
            content.push(block);
            content.extend(mark);
        }
        content.extend(self.blocks);
        // A mark marks what stands before it, once.
        let mut marked = true;
        content.retain(|block| {
            let again = is_mark(block) && marked;
            marked = is_mark(block);
            !again
        });
        let has = |key: &str| content.iter().any(|block| block.get(key).is_some());
        if has("document") && !has("text") {
            // The API wants words beside a document.
            blocks.report.approximate("messages[].content");
            content.push(json!({"text": PLACEHOLDER}));
        }
        json!({"role": role, "content": content})
    }
}

/// The mark within a result, which has no place there: it goes behind the result.
fn inner_mark(kind: &PartKind) -> Option<Value> {
    let PartKind::ToolResult { content, .. } = kind else { return None };
    content.parts.iter().rev().find_map(|part| part.cache.clone())
}

fn is_mark(block: &Value) -> bool {
    block.get("cachePoint").is_some()
}
