//! Whole replies: relayed byte for byte, or translated with nothing lost, usage and the reason of the end included.

use pillion_llm::{Format, Reply};
use serde_json::Value;

use crate::consistent;
use crate::corpus::Case;
use crate::drive::{NOW, exchange};
use crate::excluded::{over_cases, over_pairs};
use crate::parties::others;
use crate::schema::{self, Book, What};
use crate::view::{self, Counts, View, counted, is_reply};

fn whole(case: &Case) -> bool {
    case.ok() && !case.streaming
}

#[test]
fn relayed_replies_are_the_same_bytes_and_tell_usage_and_finish() {
    over_cases("reply-relay", whole, |case| {
        let format = case.format();
        let result = exchange(format, case.provider(), case.wire).reply(&case.response);
        let Some(expected) = is_reply(format, &case.response) else { return is_fault(result.map(drop)) };
        let reply = result.map_err(|fault| fault.to_string())?;
        equal("bytes", &reply.body, &case.response)?;
        let (finish, model) = view::native(format, &expected);
        equal("finish", &reply.finish, &finish)?;
        equal("model", &reply.model, &model)?;
        equal("usage", &counted(reply.usage), &view::counts(format, &expected))
    });
}

/// What is no reply of the format must not pass for one.
fn is_fault<E>(result: Result<(), E>) -> Result<(), String> {
    match result {
        Ok(()) => Err("a body of no format is taken for a reply".into()),
        Err(_) => Ok(()),
    }
}

#[test]
fn translated_replies_say_the_same_in_the_clients_format() {
    over_pairs(
        "reply-translation",
        whole,
        |case| others(case.format()),
        |case, client| match answered(case, *client)? {
            Some((reply, body)) => judged(case, *client, &reply, &body),
            None => Ok(()),
        },
    );
}

/// The reply of a case for a client; `None` where upstream's is none, which is noticed.
pub(crate) fn answered(case: &Case, client: Format) -> Result<Option<(Reply, Value)>, String> {
    let result = exchange(client, case.provider(), case.wire).reply(&case.response);
    if is_reply(case.format(), &case.response).is_none() {
        return is_fault(result.map(drop)).map(|()| None);
    }
    let reply = result.map_err(|fault| fault.to_string())?;
    let body: Value = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
    Ok(Some((reply, body)))
}

/// Whether a client's body says what upstream's did, and is what the client's SDK expects.
pub(crate) fn judged(case: &Case, client: Format, reply: &Reply, body: &Value) -> Result<(), String> {
    let format = case.format();
    let expected = is_reply(format, &case.response).ok_or("upstream's is no reply")?;
    equal("usage told", &counted(reply.usage), &view::counts(format, &expected))?;
    let upstream = view::of_reply(format, &expected);
    same(format, &upstream, client, &view::of_reply(client, body), &reply.lost.dropped)?;
    parts_are_told(&upstream, &reply.lost.dropped)?;
    required(client, body)?;
    consistent::whole(client, body)?;
    // Who does not say when it was made was asked now.
    let time = |of: &Value| [&of["created"], &of["created_at"]].into_iter().find_map(Value::as_f64);
    if expected["createTime"].is_null() {
        let made = time(&expected).unwrap_or(NOW as f64);
        equal("the time", &time(body).unwrap_or(made), &made)?;
    }
    schema::check(Book::of(client), What::Reply, body)
}

/// Compares two views, the second one translated from `wire` for `client`.
pub(crate) fn same(
    wire: Format,
    upstream: &View,
    client: Format,
    view: &View,
    dropped: &[String],
) -> Result<(), String> {
    equal("text", &view.text, &upstream.text)?;
    if bare(&view.thinking) != bare(&upstream.thinking) && dropped.is_empty() {
        equal("thinking", &view.thinking, &upstream.thinking)?;
    }
    let calls = |view: &View| -> Vec<(String, Value)> {
        view.calls.iter().map(|(_, name, arguments)| (name.clone(), arguments.clone())).collect()
    };
    equal("calls", &calls(view), &calls(upstream))?;
    for ((id, ..), (expected, ..)) in view.calls.iter().zip(&upstream.calls) {
        // Vendors without ids get some; vendors with a rule for them get others.
        if id.is_empty() && client != Format::GeminiGenerateContent
            || !expected.is_empty() && is_plain(expected) && id != expected
        {
            equal("the call's id", id, expected)?;
        }
    }
    let told = |word: &str| dropped.iter().any(|name| name.contains(word));
    if upstream.citations > 0 && view.citations == 0 && !told("itation") && !told("nnotation") && !told("rounding") {
        return Err(format!("{} citations are neither in the translation nor in {dropped:?}", upstream.citations));
    }
    if upstream.logprobs > 0 && view.logprobs == 0 && !told("logprobs") {
        return Err(format!("{} logprobs are neither in the translation nor in {dropped:?}", upstream.logprobs));
    }
    // A reply that calls tools has ended to have them called, whatever some servers of OpenAI's format say.
    // Gemini and Responses have no word of their own for it: a call says it.
    let implied = matches!(client, Format::GeminiGenerateContent | Format::OpenAIResponses);
    let calls = !upstream.calls.is_empty() && upstream.finish.as_deref() == Some("stop");
    let calls = calls && (implied || wire == Format::OpenAIChat);
    let finish = if calls { Some("tool_calls") } else { upstream.finish.as_deref() };
    // Cohere has no word for a refusal.
    let finish = finish.map(known).map(|finish| match finish {
        "content_filter" if client == Format::CohereChat => "stop",
        finish => finish,
    });
    equal("finish", &view.finish.as_deref(), &finish)?;
    if upstream.usage.is_some() {
        // Some servers count more cached tokens than tokens; counts are never negative.
        let sane = upstream.usage.map(|usage| Counts { input: usage.input.max(usage.cached), ..usage });
        if view.usage != upstream.usage {
            equal("usage", &view.usage, &sane)?;
        }
    }
    Ok(())
}

/// Formats part thinking differently.
fn bare(thinking: &str) -> String {
    thinking.chars().filter(|letter| !letter.is_whitespace()).collect()
}

fn is_plain(id: &str) -> bool {
    id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Finish reasons outside of OpenAI's own list count as the plain end.
fn known(finish: &str) -> &str {
    match finish {
        "stop" | "length" | "tool_calls" | "content_filter" => finish,
        "function_call" => "tool_calls",
        _ => "stop",
    }
}

/// Parts that no other format has a place for are named.
fn parts_are_told(upstream: &View, dropped: &[String]) -> Result<(), String> {
    match upstream.others.iter().find(|kind| !dropped.iter().any(|name| name.contains(kind.as_str()))) {
        Some(kind) => Err(format!("a part '{kind}' is neither in the translation nor in {dropped:?}")),
        None => Ok(()),
    }
}

/// Members that clients rely on: present, and null rather than absent where they say nothing.
pub(crate) fn required(format: Format, body: &Value) -> Result<(), String> {
    let members: &[&str] = match format {
        Format::OpenAIChat => &[
            "/id",
            "/object",
            "/created",
            "/model",
            "/choices/0/index",
            "/choices/0/message/role",
            "/choices/0/message/content",
            "/choices/0/finish_reason",
        ],
        Format::OpenAIResponses => &[
            "/id",
            "/object",
            "/created_at",
            "/model",
            "/status",
            "/output",
            "/error",
            "/incomplete_details",
            "/instructions",
            "/metadata",
            "/parallel_tool_calls",
            "/temperature",
            "/tool_choice",
            "/tools",
            "/top_p",
            // What the vendor's servers always repeat.
            "/text/format/type",
            "/truncation",
            "/background",
        ],
        Format::AnthropicMessages => &[
            "/id",
            "/type",
            "/role",
            "/model",
            "/content",
            "/stop_reason",
            "/stop_sequence",
            "/usage/input_tokens",
            "/usage/output_tokens",
        ],
        Format::GeminiGenerateContent => {
            &["/candidates/0/finishReason", "/candidates/0/index", "/modelVersion", "/responseId"]
        }
        Format::BedrockConverse => &[
            "/output/message/role",
            "/output/message/content",
            "/stopReason",
            "/usage/inputTokens",
            "/usage/outputTokens",
            "/usage/totalTokens",
            "/metrics/latencyMs",
        ],
        Format::CohereChat => &["/id", "/finish_reason", "/message/role"],
    };
    match members.iter().find(|member| body.pointer(member).is_none()) {
        Some(member) => Err(format!("'{member}' is missing: {body}")),
        None => Ok(()),
    }
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(400).collect::<String>();
    Err(format!("{what} is {}, expected {}", short(found), short(expected)))
}
