//! Anthropic Messages: `message_start (content_block_start delta* content_block_stop)* message_delta message_stop`.

use serde_json::json;

use crate::frames::Event;
use crate::replies::equal;

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let mut expected_index = 0;
    let mut open = false;
    let mut state = "begin";
    for event in events {
        let value = event.json()?;
        let kind = value["type"].as_str().ok_or("an event without a type")?.to_owned();
        equal("the event's name", &event.name, &Some(kind.clone()))?;
        if kind == "ping" {
            continue;
        }
        if kind.starts_with("content_block") {
            equal("index", &value["index"], &json!(expected_index))?;
        }
        state = match (state, kind.as_str(), open) {
            ("begin", "message_start", _) => "blocks",
            ("blocks", "content_block_start", false) => {
                open = true;
                "blocks"
            }
            ("blocks", "content_block_delta", true) => "blocks",
            ("blocks", "content_block_stop", true) => {
                open = false;
                expected_index += 1;
                "blocks"
            }
            ("blocks", "message_delta", false) => "ended",
            ("ended", "message_stop", _) => "stopped",
            (state, kind, open) => return Err(format!("'{kind}' in state '{state}' (a block is open: {open})")),
        };
    }
    equal("the state at the end", &state, &"stopped")
}
