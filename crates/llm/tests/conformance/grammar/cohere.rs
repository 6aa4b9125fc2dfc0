//! Cohere: `message-start`, then the plan, contents, calls and citations, each from its start to its end, `message-end`.

use serde_json::json;

use crate::frames::Event;
use crate::replies::equal;

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let (mut state, mut contents, mut calls) = ("begin", 0, 0);
    // Servers of Cohere's end their streams as OpenAI's do.
    let events = match events {
        [events @ .., last] if last.data == "[DONE]" => events,
        events => events,
    };
    for event in events {
        let value = event.json()?;
        let kind = value["type"].as_str().ok_or("an event without a type")?.to_owned();
        equal("the event's name", &event.name, &Some(kind.clone()))?;
        let index = |expected: u64| equal("index", &value["index"], &json!(expected));
        state = match (state, kind.as_str()) {
            ("begin", "message-start") => {
                equal("the role", &value["delta"]["message"]["role"], &json!("assistant"))?;
                "message"
            }
            ("message", "content-start") => {
                index(contents)?;
                "content"
            }
            ("content", "content-delta") => {
                index(contents)?;
                "content"
            }
            ("content", "content-end") => {
                index(contents)?;
                contents += 1;
                "message"
            }
            ("message", "tool-plan-delta") => "message",
            ("message", "tool-call-start") => {
                index(calls)?;
                let call = &value["delta"]["message"]["tool_calls"];
                if !(call["id"].is_string() && call["function"]["name"].is_string()) {
                    return Err(format!("a call without id or name: {value}"));
                }
                "call"
            }
            ("call", "tool-call-delta") => {
                index(calls)?;
                "call"
            }
            ("call", "tool-call-end") => {
                index(calls)?;
                calls += 1;
                "message"
            }
            // Within the content that rests on them.
            ("content" | "message", "citation-start" | "citation-end") => state,
            ("message", "message-end") => "ended",
            (state, kind) => return Err(format!("'{kind}' in state '{state}'")),
        };
    }
    equal("the state at the end", &state, &"ended")
}
