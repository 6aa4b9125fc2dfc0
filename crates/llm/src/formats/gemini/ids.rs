//! Ids of calls that came without one: different in each reply of a conversation, and the same whenever the same reply is
//! read, whole or as a stream.

use crate::json::text;
use crate::model::mint;
use serde_json::Value;

/// What tells a reply from the others of its conversation. Its id alone may be missing, or come again.
#[derive(Debug, Default)]
pub(super) struct Seed {
    id: String,
    /// When it was made, to the microsecond; Vertex AI alone tells it.
    time: String,
    /// The tokens of the prompt, which grows with each turn.
    prompt: String,
}

impl Seed {
    /// Takes what a reply, or a chunk of one, tells of it.
    pub(super) fn take(&mut self, reply: &Value) {
        for (member, key) in [(&mut self.id, "responseId"), (&mut self.time, "createTime")] {
            if member.is_empty() {
                text(reply, key).clone_into(member);
            }
        }
        if self.prompt.is_empty() {
            let prompt = reply.pointer("/usageMetadata/promptTokenCount");
            self.prompt = prompt.map(Value::to_string).unwrap_or_default();
        }
    }

    /// The id of the `nth` call of the reply.
    pub(super) fn call(&self, name: &str, args: Option<&Value>, nth: u64) -> String {
        let Self { id, time, prompt } = self;
        if !time.is_empty() {
            // Who tells the time counts the prompt at a stream's end, and sends arguments in pieces behind the name.
            return mint(&format!("{id}/{time}/{name}"), nth);
        }
        let args = args.filter(|args| args.is_object()).map(Value::to_string).unwrap_or_default();
        mint(&format!("{id}/{prompt}/{name}/{args}"), nth)
    }
}
