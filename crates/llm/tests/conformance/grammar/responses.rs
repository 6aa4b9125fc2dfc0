//! Responses: numbered events; items from `added` to `done`, their parts within, their deltas within these; the terminal event
//! repeats every item.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::frames::Event;
use crate::replies::equal;

/// What was said of each part of an item, by the member it is in and its number.
type Parts = HashMap<(String, u64), String>;

#[derive(Default)]
struct Machine {
    /// Items that are done, by their number.
    done: Vec<Value>,
    /// Items that are open: number, id, and what their parts have said so far, by member and number of the part.
    open: HashMap<u64, (String, Parts)>,
    next: u64,
    ended: bool,
}

pub(super) fn order(events: &[Event]) -> Result<(), String> {
    let mut machine = Machine::default();
    let mut number = None;
    for (at, event) in events.iter().enumerate() {
        let value = event.json()?;
        let kind = value["type"].as_str().ok_or("an event without a type")?.to_owned();
        equal("the event's name", &event.name, &Some(kind.clone()))?;
        let this = value["sequence_number"].as_u64().ok_or(format!("'{kind}' without a number"))?;
        if number.is_some_and(|last| this != last + 1) {
            return Err(format!("'{kind}' has number {this} behind {number:?}"));
        }
        number = Some(this);
        equal("created first, and once", &(kind == "response.created"), &(at == 0))?;
        if machine.ended {
            return Err(format!("'{kind}' behind the end"));
        }
        machine.take(&kind, &value).map_err(|why| format!("{why} in {value}"))?;
    }
    equal("the end came", &machine.ended, &true)
}

impl Machine {
    fn take(&mut self, kind: &str, value: &Value) -> Result<(), String> {
        match kind {
            "response.created" | "response.in_progress" | "response.queued" => equal(
                "status",
                &["in_progress", "queued"].contains(&value["response"]["status"].as_str().unwrap_or_default()),
                &true,
            ),
            "response.output_item.added" => {
                equal("output_index", &value["output_index"], &json!(self.next))?;
                let id = value["item"]["id"].as_str().unwrap_or_default().to_owned();
                self.open.insert(self.next, (id, HashMap::new()));
                self.next += 1;
                Ok(())
            }
            "response.output_item.done" => {
                let index = value["output_index"].as_u64().ok_or("no output_index")?;
                let (id, said) = self.open.remove(&index).ok_or("an item that is not open")?;
                equal("the item's id", &value["item"]["id"].as_str().unwrap_or_default(), &id.as_str())?;
                whole(&value["item"], &said)?;
                self.done.push(value["item"].clone());
                Ok(())
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.ended = true;
                equal("items that are open", &self.open.len(), &0)?;
                equal("status", &value["response"]["status"], &json!(kind.trim_start_matches("response.")))?;
                if kind == "response.failed" {
                    return Ok(());
                }
                let output = value["response"]["output"].as_array().cloned().unwrap_or_default();
                let seen = |items: &[Value]| items.iter().map(without_encrypted).collect::<Vec<_>>();
                equal("the items", &seen(&output), &seen(&self.done))?;
                // Null or nothing where upstream told none.
                let usage = value["response"].get("usage");
                equal("usage is counts", &usage.is_none_or(|usage| usage.is_object() || usage.is_null()), &true)
            }
            "error" => Err("an error".into()),
            _ => self.part(kind, value),
        }
    }

    /// An event of a part of an item: it must be open, and what is said piece by piece is said again as a whole.
    fn part(&mut self, kind: &str, value: &Value) -> Result<(), String> {
        let Some(index) = value["output_index"].as_u64() else { return Ok(()) };
        let (id, said) = self.open.get_mut(&index).ok_or("an event of an item that is not open")?;
        equal("item_id", &value["item_id"].as_str().unwrap_or_default(), &id.as_str())?;
        let number = value["content_index"].as_u64().or_else(|| value["summary_index"].as_u64()).unwrap_or_default();
        let (member, step) = kind.trim_start_matches("response.").rsplit_once('.').ok_or("an event without a step")?;
        let key = (member.to_owned(), number);
        match step {
            // Of an annotation there is no more than that it is added.
            "added" if member.ends_with("annotation") => Ok(()),
            "added" => match said.insert(key, String::new()) {
                None => Ok(()),
                Some(_) => Err("a part that is there".into()),
            },
            "delta" => {
                let delta = value["delta"].as_str().ok_or("a delta that is no text")?;
                said.entry(key).or_default().push_str(delta);
                Ok(())
            }
            "done" => {
                let text = ["text", "refusal", "arguments", "input"].iter().find_map(|member| value[member].as_str());
                match text {
                    Some(text) => equal("the whole", &text, &said.get(&key).map(String::as_str).unwrap_or_default()),
                    None => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

/// An item as far as it can be read: OpenAI encrypts again what it says again.
fn without_encrypted(item: &Value) -> Value {
    let mut item = item.clone();
    if let Value::Object(members) = &mut item {
        members.shift_remove("encrypted_content");
    }
    item
}

/// Whether an item that is done says what its deltas said.
fn whole(item: &Value, said: &HashMap<(String, u64), String>) -> Result<(), String> {
    for ((member, number), text) in said {
        let at = usize::try_from(*number).unwrap();
        let found = match member.as_str() {
            "output_text" => &item["content"][at]["text"],
            "refusal" => &item["content"][at]["refusal"],
            "reasoning_summary_text" => &item["summary"][at]["text"],
            "reasoning_text" => &item["content"][at]["text"],
            "function_call_arguments" => &item["arguments"],
            _ => continue,
        };
        equal(member, &found.as_str().unwrap_or_default(), &text.as_str())?;
    }
    Ok(())
}
