//! Cohere chat against recorded traffic, its document, and the other formats.

mod conversations;
mod settings;
mod streams;

use crate::Format;
use crate::formats::tests::recorded::{self, cases};

const COHERE: Format = Format::CohereChat;
const OPENAI: Format = Format::OpenAIChat;
const ANTHROPIC: Format = Format::AnthropicMessages;
const GROUPS: &[&str] = &["cohere/v2-chat"];

/// Members of a request that the neutral model has a place for.
const KNOWN: &[&str] = &[
    "documents",
    "frequency_penalty",
    "k",
    "logprobs",
    "max_tokens",
    "messages",
    "model",
    "p",
    "presence_penalty",
    "response_format",
    "seed",
    "stop_sequences",
    "stream",
    "strict_tools",
    "temperature",
    "thinking",
    "tool_choice",
    "tools",
];

#[test]
fn recorded_requests_come_out_as_they_went_in() {
    recorded::requests_survive(COHERE, &cases(GROUPS), KNOWN);
}

#[test]
fn recorded_replies_are_read_and_written_again() {
    recorded::replies_survive(COHERE, &cases(GROUPS));
}

#[test]
fn recorded_streams_say_the_same_whatever_the_cuts() {
    recorded::streams_survive(COHERE, &cases(GROUPS));
}

#[test]
fn recorded_errors_tell_message_and_kind() {
    for case in cases(GROUPS).iter().filter(|case| !case.ok()) {
        let error = crate::error::decode_error(COHERE.into(), case.status, &http::HeaderMap::new(), &case.response);
        assert_eq!(error.message, case.reply()["message"].as_str().unwrap(), "{}", case.id);
        assert_eq!(error.status, case.status);
    }
}

#[test]
fn requests_with_something_wrong_in_them_break_nothing() {
    recorded::mutated_requests_survive(COHERE, &cases(GROUPS));
}
