//! OpenAI Chat: one role, one finish, at most one usage behind it, `[DONE]`.

use serde_json::json;

use crate::frames::Event;
use crate::replies::equal;

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let (last, chunks) = events.split_last().ok_or("no event")?;
    equal("the last event", &last.data.as_str(), &"[DONE]")?;
    let (mut roles, mut finishes, mut usages, mut head) = (0, 0, 0, None);
    let mut calls: Vec<u64> = Vec::new();
    for event in chunks {
        equal("an event's name", &event.name, &None)?;
        let chunk = event.json()?;
        equal("object", &chunk["object"], &json!("chat.completion.chunk"))?;
        let this = (chunk["id"].clone(), chunk["created"].clone(), chunk["model"].clone());
        equal("id, created and model", &this, head.get_or_insert_with(|| this.clone()))?;
        let choices = chunk["choices"].as_array().ok_or("'choices' is no list")?;
        if usages > 0 {
            return Err(format!("a chunk behind the usage: {chunk}"));
        }
        if choices.is_empty() {
            usages += usize::from(chunk["usage"].is_object());
            continue;
        }
        for choice in choices {
            let delta = &choice["delta"];
            roles += usize::from(!delta["role"].is_null());
            if finishes > 0 {
                return Err(format!("a choice behind the finish: {chunk}"));
            }
            finishes += usize::from(!choice["finish_reason"].is_null());
            for call in delta["tool_calls"].as_array().into_iter().flatten() {
                let index = call["index"].as_u64().ok_or("a call without an index")?;
                let begins = !call["id"].is_null();
                equal("a call begins once", &begins, &!calls.contains(&index))?;
                equal("a name comes with the id", &!call["function"]["name"].is_null(), &begins)?;
                if begins {
                    equal("index of a call", &index, &(calls.len() as u64))?;
                    calls.push(index);
                }
            }
        }
    }
    equal("roles", &roles, &1)?;
    equal("finishes", &finishes, &1)
}
