//! Converse: `messageStart (contentBlockStart? contentBlockDelta* contentBlockStop)* messageStop metadata`; a tool's block has
//! a start, a text's has none.

use serde_json::json;

use crate::frames::Event;
use crate::replies::equal;

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let (mut state, mut index) = ("begin", 0);
    // The kind of the block that is open.
    let mut open: Option<String> = None;
    for event in events {
        let value = event.json()?;
        let kind = event.name.as_deref().ok_or("an event without a type")?;
        if event.exception {
            return Err(format!("an exception: {kind} {value}"));
        }
        if kind.starts_with("contentBlock") {
            equal("contentBlockIndex", &value["contentBlockIndex"], &json!(index))?;
        }
        let first = |member: &str| value[member].as_object().and_then(|object| object.keys().next().cloned());
        state = match (state, kind) {
            ("begin", "messageStart") => {
                equal("the role", &value["role"], &json!("assistant"))?;
                "blocks"
            }
            ("blocks", "contentBlockStart") if open.is_none() => {
                open = Some(first("start").ok_or("a start of nothing")?);
                "blocks"
            }
            ("blocks", "contentBlockDelta") => {
                let delta = first("delta").ok_or("a delta of nothing")?;
                let kind = open.get_or_insert_with(|| delta.clone());
                // Sources come between the text that rests on them.
                let cited = ["text", "citation"];
                if *kind != delta && !(cited.contains(&kind.as_str()) && cited.contains(&delta.as_str())) {
                    return Err(format!("a delta of '{delta}' in a block of '{kind}'"));
                }
                if delta == "toolUse" && !value["delta"]["toolUse"]["input"].is_string() {
                    return Err(format!("input that is no text: {value}"));
                }
                "blocks"
            }
            ("blocks", "contentBlockStop") => {
                if open.take().is_none() {
                    return Err(format!("a stop of block {index}, which said nothing"));
                }
                index += 1;
                "blocks"
            }
            ("blocks", "messageStop") if open.is_none() => "stopped",
            ("stopped", "metadata") => "ended",
            (state, kind) => return Err(format!("'{kind}' in state '{state}' (open: {open:?})")),
        };
    }
    equal("the state at the end", &state, &"ended")
}
