//! The rows of the checklist of translation cases, each with small bodies, as data in `rows/`.

use pillion_llm::{Descriptor, Format, outline, provider};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::drive::{bytes, drive, exchange, exchange_without_usage, prepared_as};
use crate::excluded::say;
use crate::frames;
use crate::grammar::grammar;
use crate::parties::{TARGETS, call, plain_request, vendor};
use crate::schema::{self, Book, What};
use crate::view::{self, Counts, counted};

/// The notation of the checklist.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
enum Wire {
    O,
    R,
    A,
    G,
    B,
    C,
}

impl Wire {
    fn format(self) -> Format {
        match self {
            Self::O => Format::OpenAIChat,
            Self::R => Format::OpenAIResponses,
            Self::A => Format::AnthropicMessages,
            Self::G => Format::GeminiGenerateContent,
            Self::B => Format::BedrockConverse,
            Self::C => Format::CohereChat,
        }
    }

    /// The model of a row that names none.
    fn model(self) -> &'static str {
        match self {
            Self::O | Self::R => "gpt-4o",
            Self::A => "claude-sonnet-4-5",
            Self::G => "gemini-2.5-flash",
            Self::B => "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            Self::C => "command-a-03-2025",
        }
    }
}

/// What a row says of what comes out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// A fragment: objects may have more members, lists may not have more items.
    #[serde(default)]
    expect: Value,
    /// Fragments of which one is there: several ways are right.
    #[serde(default)]
    any: Vec<Value>,
    /// Pointers to what must not be there.
    #[serde(default)]
    absent: Vec<String>,
    /// Texts that stand within some string.
    #[serde(default)]
    holds: Vec<String>,
    /// The same whatever the case of their letters.
    #[serde(default)]
    holds_folded: Vec<String>,
    /// Texts that stand within no string.
    #[serde(default)]
    lacks: Vec<String>,
    /// Texts that are no string.
    #[serde(default)]
    lacks_exact: Vec<String>,
    /// Pointers to two values that are the same.
    alike: Option<[String; 2]>,
    /// Pointers to two values that differ.
    distinct: Option<[String; 2]>,
}

impl Expected {
    fn check(&self, found: &Value) -> Result<(), String> {
        has(found, &self.expect, "").map_err(|why| format!("{why} in {found}"))?;
        if !self.any.is_empty() && !self.any.iter().any(|fragment| has(found, fragment, "").is_ok()) {
            return Err(format!("none of the fragments is in {found}"));
        }
        let mut strings = Vec::new();
        collect(found, &mut strings);
        let within = |text: &String| strings.iter().any(|string| string.contains(text.as_str()));
        let folded = |text: &String| strings.iter().any(|string| string.to_lowercase().contains(text.as_str()));
        let wrong = self
            .absent
            .iter()
            .find(|pointer| found.pointer(pointer).is_some())
            .map(|pointer| format!("{pointer} is there"))
            .or_else(|| self.holds.iter().find(|text| !within(text)).map(|text| format!("'{text}' is lost")))
            .or_else(|| self.holds_folded.iter().find(|text| !folded(text)).map(|text| format!("'{text}' is lost")))
            .or_else(|| self.lacks.iter().find(|text| within(text)).map(|text| format!("'{text}' is there")))
            .or_else(|| {
                let mut lacks = self.lacks_exact.iter();
                lacks.find(|text| strings.contains(text)).map(|text| format!("'{text}' is there"))
            });
        if let Some(wrong) = wrong {
            return Err(format!("{wrong}: {found}"));
        }
        let same = |[left, right]: &[String; 2]| {
            let (left, right) = (found.pointer(left), found.pointer(right));
            left.is_some() && left == right
        };
        match (&self.alike, &self.distinct) {
            (Some(pair), _) if !same(pair) => Err(format!("{pair:?} differ: {found}")),
            (_, Some(pair)) if same(pair) => Err(format!("{pair:?} are alike: {found}")),
            _ => Ok(()),
        }
    }
}

fn collect(value: &Value, strings: &mut Vec<String>) {
    match value {
        Value::String(text) => strings.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| collect(item, strings)),
        Value::Object(object) => object.values().for_each(|item| collect(item, strings)),
        _ => {}
    }
}

#[derive(Deserialize)]
struct RequestRow {
    row: String,
    case: String,
    client: Wire,
    wire: Wire,
    /// The provider, if it is not the format's own vendor.
    provider: Option<String>,
    model: Option<String>,
    body: Map<String, Value>,
    /// Names that one of the two reports has.
    #[serde(default)]
    reported: Vec<String>,
    /// The param of the 400.
    refused: Option<String>,
    /// It is either refused, and this is the param, or sent and reported.
    refused_or_reported: Option<String>,
    #[serde(flatten)]
    expected: Expected,
}

#[test]
fn requests_by_row() {
    let files = [
        include_str!("rows/requests.json"),
        include_str!("rows/requests-responses.json"),
        include_str!("rows/requests-gemini.json"),
        include_str!("rows/requests-bedrock.json"),
        include_str!("rows/requests-cohere.json"),
    ];
    let rows: Vec<RequestRow> = files.iter().flat_map(|file| rows(file)).collect();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), request_row);
}

/// The members of all rows; a member of another name would say nothing, unseen.
const MEMBERS: &[&str] = &[
    "row",
    "case",
    "client",
    "wire",
    "provider",
    "model",
    "body",
    "reply",
    "stream",
    "usage",
    "reported",
    "refused",
    "refused_or_reported",
    "fault",
    "events",
    "adds_up_to",
    "calls",
    "counted",
    "last_exception",
    "expect",
    "any",
    "absent",
    "holds",
    "holds_folded",
    "lacks",
    "lacks_exact",
    "alike",
    "distinct",
];

fn rows<T: serde::de::DeserializeOwned>(file: &str) -> Vec<T> {
    let rows: Vec<Map<String, Value>> = serde_json::from_str(file).unwrap();
    if let Some(member) = rows.iter().flat_map(Map::keys).find(|member| !MEMBERS.contains(&member.as_str())) {
        panic!("a row has '{member}'");
    }
    serde_json::from_value(rows.into_iter().map(Value::Object).collect()).unwrap()
}

fn request_row(row: &RequestRow) -> Result<(), String> {
    let (client, wire) = (row.client.format(), row.wire.format());
    let mut body = plain_request(client, false);
    body.as_object_mut().unwrap().extend(row.body.clone());
    let body = bytes(&body);
    let provider: &Descriptor = row.provider.as_deref().map_or_else(|| vendor(wire), |id| provider(id).unwrap());
    let model = row.model.as_deref().unwrap_or(row.wire.model());
    let outline = outline(client, &body).map_err(|error| error.to_string())?;
    let outline = outline.told_by(&call(client, Some("m"), false, client.framing()));
    let result = prepared_as(client, &body, &outline, provider, wire, Some(model));
    let prepared = match (result, &row.refused, &row.refused_or_reported) {
        (Err(error), Some(param), _) if error.param.as_ref() == Some(param) => return Ok(()),
        (Err(error), _, Some(_)) if error.code.as_deref() == Some("unsupported_parameter") => return Ok(()),
        (Err(error), ..) => return Err(format!("refused for {:?}: {error}", error.param)),
        (Ok(prepared), Some(_), _) => {
            return Err(format!("not refused: {}", String::from_utf8_lossy(&prepared.body)));
        }
        (Ok(prepared), None, _) => prepared,
    };
    let found = serde_json::from_slice(&prepared.body).unwrap();
    row.expected.check(&found)?;
    let reported = [prepared.dropped, prepared.approximated].concat();
    if let Some(name) = row.reported.iter().find(|name| !reported.contains(name)) {
        return Err(format!("'{name}' is not in {reported:?}"));
    }
    if let Some(name) = &row.refused_or_reported
        && reported.is_empty()
    {
        return Err(format!("'{name}' is lost in silence: {found}"));
    }
    if client == wire {
        return Ok(());
    }
    let of = |id: &str| TARGETS.iter().find(|target| target.provider == id && target.wire.format == wire);
    let book = row.provider.as_deref().and_then(of).map_or_else(|| Book::of(wire), |target| target.book);
    schema::check(book, What::Request, &found).map_err(|why| format!("{why} in {found}"))
}

#[derive(Deserialize)]
struct ReplyRow {
    row: String,
    case: String,
    client: Wire,
    wire: Wire,
    reply: Value,
    /// A text of the fault, where the reply is none.
    fault: Option<String>,
    #[serde(flatten)]
    expected: Expected,
}

#[test]
fn replies_by_row() {
    let files = [
        include_str!("rows/replies.json"),
        include_str!("rows/replies-responses.json"),
        include_str!("rows/replies-gemini.json"),
        include_str!("rows/replies-bedrock.json"),
        include_str!("rows/replies-cohere.json"),
    ];
    let rows: Vec<ReplyRow> = files.iter().flat_map(|file| rows(file)).collect();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), |row| {
        let (client, wire) = (row.client.format(), row.wire.format());
        let mut reply = match wire {
            Format::OpenAIChat => json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}),
            Format::AnthropicMessages => {
                json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [],
                "stop_reason": "end_turn", "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
            }
            _ => json!({}),
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
            (Ok(reply), None) => row.expected.check(&serde_json::from_slice(&reply.body).unwrap()),
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
    /// Events: data as JSON, or raw text of the stream. Converse's by their names, `exception` with its `type`.
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
    /// The arguments of the calls in it.
    calls: Option<Vec<Value>>,
    /// Texts that stand within some string of it.
    #[serde(default)]
    holds: Vec<String>,
    /// What of input, output and cached tokens is told to the gateway.
    counted: Option<[u64; 3]>,
    /// A text of the fault that ends it.
    fault: Option<String>,
    /// The name of the exception that comes out last.
    last_exception: Option<String>,
}

#[test]
fn streams_by_row() {
    let files = [
        include_str!("rows/streams.json"),
        include_str!("rows/streams-responses.json"),
        include_str!("rows/streams-gemini.json"),
        include_str!("rows/streams-bedrock.json"),
        include_str!("rows/streams-cohere.json"),
    ];
    let rows: Vec<StreamRow> = files.iter().flat_map(|file| rows(file)).collect();
    each(rows.iter().map(|row| (&row.row, &row.case, row)), stream_row);
}

fn stream_row(row: &StreamRow) -> Result<(), String> {
    let (client, wire) = (row.client.format(), row.wire.format());
    let exchange = if row.usage { exchange } else { exchange_without_usage }(client, vendor(wire), wire);
    let stream: Vec<u8> = row.stream.iter().flat_map(|event| written(wire, event)).collect();
    let driven = drive(&exchange, [&stream[..]]);
    let framing = exchange.client_framing();
    let out = String::from_utf8_lossy(&driven.out).into_owned();
    match (&driven.fault, &row.fault) {
        (None, None) if client != wire => {
            grammar(client, framing, &driven.out).map_err(|why| format!("{why} in\n{out}"))?
        }
        (None, None) => {}
        (Some(fault), Some(words)) if fault.contains(words) => {}
        (fault, words) => return Err(format!("the fault is {fault:?}, expected {words:?} in\n{out}")),
    }
    let events = frames::events(framing, &driven.out);
    if let Some(expected) = &row.events {
        let found = events.iter().map(|event| event.json().unwrap_or(json!(event.data))).collect();
        has(&Value::Array(found), &Value::Array(expected.clone()), "").map_err(|why| format!("{why} in\n{out}"))?;
    }
    if let Some(name) = &row.last_exception {
        let last = events.last().filter(|event| event.exception).and_then(|event| event.name.as_ref());
        if last != Some(name) {
            return Err(format!("the last event is {:?}", events.last()));
        }
    }
    if row.fault.is_none() {
        let whole = view::aggregate(client, &events)?;
        has(&whole, &row.adds_up_to, "").map_err(|why| format!("{why} in {whole}"))?;
        let mut strings = Vec::new();
        collect(&whole, &mut strings);
        if let Some(text) = row.holds.iter().find(|text| !strings.iter().any(|string| string.contains(text.as_str()))) {
            return Err(format!("'{text}' is lost: {whole}"));
        }
        let calls: Vec<Value> = view::of_reply(client, &whole).calls.into_iter().map(|(.., input)| input).collect();
        if row.calls.as_ref().is_some_and(|expected| *expected != calls) {
            return Err(format!("the calls are {calls:?}"));
        }
    }
    let expected = row.counted.map(|[input, output, cached]| Counts { input, output, cached });
    match expected {
        Some(_) if counted(driven.usage) != expected => {
            Err(format!("counted {:?}, expected {expected:?}", driven.usage))
        }
        _ => Ok(()),
    }
}

/// An event as its vendor would write it.
pub(crate) fn written(wire: Format, event: &Value) -> Vec<u8> {
    let sse = |name: Option<&str>, data: &Value| {
        let name = name.map(|name| format!("event: {name}\n")).unwrap_or_default();
        format!("{name}data: {data}\n\n").into_bytes()
    };
    match (event, wire) {
        (Value::String(raw), _) => raw.clone().into_bytes(),
        (event, Format::AnthropicMessages | Format::OpenAIResponses | Format::CohereChat) => {
            sse(event["type"].as_str(), event)
        }
        (event, Format::GeminiGenerateContent) => sse(None, event),
        (event, Format::BedrockConverse) => {
            let (name, payload) = event.as_object().unwrap().iter().next().unwrap();
            match payload["type"].as_str() {
                Some(kind) if name == "exception" => {
                    frames::message(kind, true, &json!({"message": payload["message"]}))
                }
                _ => frames::message(name, false, payload),
            }
        }
        (event, Format::OpenAIChat) => {
            let mut chunk = json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"});
            chunk.as_object_mut().unwrap().extend(event.as_object().unwrap().clone());
            sse(None, &chunk)
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
        // One number in two spellings.
        (Value::Number(found), Value::Number(fragment)) if found.as_f64() == fragment.as_f64() => Ok(()),
        (found, fragment) if found == fragment => Ok(()),
        (found, fragment) => Err(format!("{at} is {found}, expected {fragment}")),
    }
}
