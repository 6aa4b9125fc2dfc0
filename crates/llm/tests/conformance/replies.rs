//! Whole replies: relayed byte for byte, or translated with nothing lost, usage and the reason of the end included.

use pillion_llm::Format;
use serde_json::Value;

use crate::corpus::Case;
use crate::drive::exchange;
use crate::excluded::over_cases;
use crate::schema::{self, What};
use crate::view::{self, Counts, View};

fn whole(case: &Case) -> bool {
    case.ok() && !case.streaming
}

/// Whether a body is a reply of its format at all: some recorded ones are not.
fn is_reply(case: &Case) -> Option<Value> {
    let reply: Value = serde_json::from_slice(&case.response).ok()?;
    let list = match case.format {
        Format::OpenAIChat => &reply["choices"],
        Format::AnthropicMessages => &reply["content"],
    };
    list.is_array().then_some(reply)
}

#[test]
fn relayed_replies_are_the_same_bytes_and_tell_usage_and_finish() {
    over_cases("reply-relay", whole, |case| {
        let result = exchange(case.format, case.provider(), case.format).reply(&case.response);
        let Some(expected) = is_reply(case) else {
            return result
                .map(|_| ())
                .map_or_else(|_| Ok(()), |()| Err("a body of no format is taken for a reply".into()));
        };
        let reply = result.map_err(|fault| fault.to_string())?;
        equal("bytes", &reply.body, &case.response)?;
        let finish = match case.format {
            Format::OpenAIChat => &expected["choices"][0]["finish_reason"],
            Format::AnthropicMessages => &expected["stop_reason"],
        };
        equal("finish", &reply.finish.as_deref(), &finish.as_str())?;
        equal("model", &reply.model.as_deref(), &expected["model"].as_str())?;
        equal("usage", &counted(reply.usage), &counts(case.format, &expected["usage"]))
    });
}

#[test]
fn translated_replies_say_the_same_in_the_other_format() {
    over_cases("reply-translation", whole, |case| {
        let result = exchange(case.other(), case.provider(), case.format).reply(&case.response);
        let Some(expected) = is_reply(case) else {
            return result
                .map(|_| ())
                .map_or_else(|_| Ok(()), |()| Err("a body of no format is taken for a reply".into()));
        };
        let reply = result.map_err(|fault| fault.to_string())?;
        let body: Value = serde_json::from_slice(&reply.body).map_err(|error| error.to_string())?;
        equal("usage told", &counted(reply.usage), &counts(case.format, &expected["usage"]))?;
        same(
            case.format,
            &view::of_reply(case.format, &expected),
            &view::of_reply(case.other(), &body),
            &reply.dropped,
        )?;
        parts_are_told(&expected, &reply.dropped)?;
        required(case.other(), &body)?;
        schema::check(case.other(), What::Reply, &body)
    });
}

/// Compares two views, the second one translated from `wire`.
pub(crate) fn same(wire: Format, upstream: &View, client: &View, dropped: &[String]) -> Result<(), String> {
    equal("text", &client.text, &upstream.text)?;
    if client.thinking != upstream.thinking && dropped.is_empty() {
        equal("thinking", &client.thinking, &upstream.thinking)?;
    }
    equal("calls", &client.calls, &upstream.calls)?;
    // A reply that calls tools has ended to have them called, whatever some servers of OpenAI's format say.
    let calls = wire == Format::OpenAIChat && !upstream.calls.is_empty() && upstream.finish.as_deref() == Some("stop");
    let finish = if calls { Some("tool_calls") } else { upstream.finish.as_deref() };
    equal("finish", &client.finish.as_deref(), &finish.map(known))?;
    if wire == Format::AnthropicMessages || upstream.usage.is_some() {
        // Some servers count more cached tokens than tokens; counts are never negative.
        let sane = upstream.usage.map(|usage| Counts { input: usage.input.max(usage.cached), ..usage });
        equal("usage", &client.usage, &sane)?;
    }
    Ok(())
}

/// Finish reasons outside of OpenAI's own list count as the plain end.
fn known(finish: &str) -> &str {
    match finish {
        "stop" | "length" | "tool_calls" | "content_filter" => finish,
        "function_call" => "tool_calls",
        _ => "stop",
    }
}

/// Blocks that OpenAI's format has no place for are named.
fn parts_are_told(upstream: &Value, dropped: &[String]) -> Result<(), String> {
    let blocks = upstream["content"].as_array().into_iter().flatten();
    for kind in blocks.filter_map(|block| block["type"].as_str()) {
        if !["text", "thinking", "tool_use"].contains(&kind) && !dropped.iter().any(|name| name.contains(kind)) {
            return Err(format!("a block '{kind}' is neither in the translation nor in {dropped:?}"));
        }
    }
    Ok(())
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
    };
    match members.iter().find(|member| body.pointer(member).is_none()) {
        Some(member) => Err(format!("'{member}' is missing: {body}")),
        None => Ok(()),
    }
}

fn counts(format: Format, usage: &Value) -> Option<Counts> {
    match format {
        Format::OpenAIChat => view::openai_counts(usage),
        Format::AnthropicMessages => view::anthropic_counts(usage),
    }
}

pub(crate) fn counted(usage: Option<pillion_llm::Usage>) -> Option<Counts> {
    usage.map(|usage| Counts { input: usage.input, output: usage.output, cached: usage.cached_input })
}

pub(crate) fn equal<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let short = |value: &T| format!("{value:?}").chars().take(400).collect::<String>();
    Err(format!("{what} is {}, expected {}", short(found), short(expected)))
}
