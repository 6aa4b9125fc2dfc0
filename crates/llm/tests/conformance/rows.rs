//! The rows of the checklist of translation cases that concern these two formats, each with small bodies, as data in `rows/`.

use pillion_llm::{Format, Framing};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::drive::{bytes, drive, exchange, exchange_without_usage, prepared};
use crate::excluded::say;
use crate::frames;
use crate::grammar::grammar;
use crate::parties::vendor;
use crate::view::{self, Counts, counted};

/// The notation of the checklist.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Wire {
    O,
    A,
}

impl Wire {
    fn format(self) -> Format {
        match self {
            Self::O => Format::OpenAIChat,
            Self::A => Format::AnthropicMessages,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RequestRow {
    row: String,
    case: String,
    client: Wire,
    wire: Wire,
    model: Option<String>,
    body: Map<String, Value>,
    /// A fragment: objects may have more members, lists may not have more items.
    #[serde(default)]
    expect: Value,
    /// Pointers to what must not be there.
    #[serde(default)]
    absent: Vec<String>,
    /// Names that one of the two reports has.
    #[serde(default)]
    reported: Vec<String>,
    /// The param of the 400.
    refused: Option<String>,
}

#[test]
fn requests_by_row() {
    let rows: Vec<RequestRow> = serde_json::from_str(include_str!("rows/requests.json")).unwrap();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), |row| {
        let (client, wire) = (row.client.format(), row.wire.format());
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]});
        if client == Format::AnthropicMessages {
            body["max_tokens"] = json!(100);
        }
        body.as_object_mut().unwrap().extend(row.body.clone());
        let model =
            row.model.as_deref().or(Some(if wire == Format::OpenAIChat { "gpt-4o" } else { "claude-sonnet-4-5" }));
        let result = prepared(client, &bytes(&body), vendor(wire), wire, model);
        if let Some(param) = &row.refused {
            return match result {
                Ok(prepared) => Err(format!("not refused: {}", String::from_utf8_lossy(&prepared.body))),
                Err(error) if error.param.as_ref() == Some(param) => Ok(()),
                Err(error) => Err(format!("refused for {:?}: {error}", error.param)),
            };
        }
        let prepared = result.map_err(|error| format!("refused: {:?} {error}", error.param))?;
        let found = serde_json::from_slice(&prepared.body).unwrap();
        has(&found, &row.expect, "").map_err(|why| format!("{why} in {found}"))?;
        if let Some(pointer) = row.absent.iter().find(|pointer| found.pointer(pointer).is_some()) {
            return Err(format!("{pointer} is there: {found}"));
        }
        let reported = [prepared.dropped, prepared.approximated].concat();
        match row.reported.iter().find(|name| !reported.contains(name)) {
            Some(name) => Err(format!("'{name}' is not in {reported:?}")),
            None => Ok(()),
        }
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReplyRow {
    row: String,
    case: String,
    client: Wire,
    wire: Wire,
    reply: Value,
    #[serde(default)]
    expect: Value,
    #[serde(default)]
    absent: Vec<String>,
    /// A text of the fault, where the reply is none.
    fault: Option<String>,
}

#[test]
fn replies_by_row() {
    let rows: Vec<ReplyRow> = serde_json::from_str(include_str!("rows/replies.json")).unwrap();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), |row| {
        let (client, wire) = (row.client.format(), row.wire.format());
        let mut reply = match wire {
            Format::OpenAIChat => json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}),
            _ => {
                json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
            }
        };
        match &row.reply {
            Value::Object(members) => reply.as_object_mut().unwrap().extend(members.clone()),
            other => reply = other.clone(),
        }
        let result = exchange(client, vendor(wire), wire).reply(&bytes(&reply));
        match (result, &row.fault) {
            (Err(fault), Some(words)) if fault.to_string().contains(words) => Ok(()),
            (Err(fault), _) => Err(format!("a fault: {fault}")),
            (Ok(reply), Some(_)) => Err(format!("no fault: {}", String::from_utf8_lossy(&reply.body))),
            (Ok(reply), None) => {
                let found = serde_json::from_slice(&reply.body).unwrap();
                has(&found, &row.expect, "").map_err(|why| format!("{why} in {found}"))?;
                match row.absent.iter().find(|pointer| found.pointer(pointer).is_some()) {
                    Some(pointer) => Err(format!("{pointer} is there: {found}")),
                    None => Ok(()),
                }
            }
        }
    });
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamRow {
    row: String,
    case: String,
    client: Wire,
    wire: Wire,
    /// Events: data as JSON, or raw text of the stream.
    stream: Vec<Value>,
    /// Whether the client asks for usage.
    #[serde(default)]
    usage: bool,
    /// The events that come out, as fragments.
    #[serde(default)]
    events: Option<Vec<Value>>,
    /// The whole reply that they add up to, as a fragment.
    #[serde(default)]
    adds_up_to: Value,
    /// What of input, output and cached tokens is told to the gateway.
    counted: Option<[u64; 3]>,
    /// A text of the fault that ends it.
    fault: Option<String>,
}

#[test]
fn streams_by_row() {
    let rows: Vec<StreamRow> = serde_json::from_str(include_str!("rows/streams.json")).unwrap();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), |row| {
        let (client, wire) = (row.client.format(), row.wire.format());
        let exchange = if row.usage { exchange } else { exchange_without_usage }(client, vendor(wire), wire);
        let stream: String = row.stream.iter().map(|event| written(wire, event)).collect();
        let driven = drive(&exchange, [stream.as_bytes()]);
        let out = String::from_utf8_lossy(&driven.out).into_owned();
        match (&driven.fault, &row.fault) {
            (None, None) if client != wire => {
                grammar(client, Framing::Sse, &driven.out).map_err(|why| format!("{why} in\n{out}"))?
            }
            (None, None) => {}
            (Some(fault), Some(words)) if fault.contains(words) => {}
            (fault, words) => return Err(format!("the fault is {fault:?}, expected {words:?} in\n{out}")),
        }
        let events = frames::events(Framing::Sse, &driven.out);
        if let Some(expected) = &row.events {
            let found = events.iter().map(|event| event.json().unwrap_or(json!(event.data))).collect();
            has(&Value::Array(found), &Value::Array(expected.clone()), "").map_err(|why| format!("{why} in\n{out}"))?;
        }
        if !row.adds_up_to.is_null() {
            let whole = view::aggregate(client, &events)?;
            has(&whole, &row.adds_up_to, "").map_err(|why| format!("{why} in {whole}"))?;
        }
        let expected = row.counted.map(|[input, output, cached]| Counts { input, output, cached });
        match expected {
            Some(_) if counted(driven.usage) != expected => {
                Err(format!("counted {:?}, expected {expected:?}", driven.usage))
            }
            _ => Ok(()),
        }
    });
}

fn written(wire: Format, event: &Value) -> String {
    match (event, wire) {
        (Value::String(raw), _) => raw.clone(),
        (event, Format::AnthropicMessages) => format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()),
        (event, _) => {
            let mut chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"});
            chunk.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
            format!("data: {chunk}\n\n")
        }
    }
}

#[track_caller]
fn each<'a, T: 'a>(
    rows: impl Iterator<Item = (&'a String, &'a String, &'a T)>,
    check: impl Fn(&T) -> Result<(), String>,
) {
    let mut problems = Vec::new();
    let mut count = 0;
    for (row, case, data) in rows {
        count += 1;
        if let Err(why) = check(data) {
            problems.push(format!("row {row}, {case}: {why}"));
        }
    }
    say(&format!("rows: {} of {count}", count - problems.len()));
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// Whether `found` has the fragment: objects may have more members, lists may not have more items.
fn has(found: &Value, fragment: &Value, at: &str) -> Result<(), String> {
    match (found, fragment) {
        (_, Value::Null) if at.is_empty() => Ok(()),
        (Value::Object(found), Value::Object(fragment)) => {
            fragment.iter().try_for_each(|(key, value)| match found.get(key) {
                Some(inside) => has(inside, value, &format!("{at}/{key}")),
                None => Err(format!("{at}/{key} is missing")),
            })
        }
        (Value::Array(found), Value::Array(fragment)) if found.len() == fragment.len() => found
            .iter()
            .zip(fragment)
            .enumerate()
            .try_for_each(|(nth, (found, value))| has(found, value, &format!("{at}/{nth}"))),
        (found, fragment) if found == fragment => Ok(()),
        (found, fragment) => Err(format!("{at} is {found}, expected {fragment}")),
    }
}
