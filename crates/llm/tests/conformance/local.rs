//! Answers that the gateway gives itself: Echo, and the lists of models.

use pillion_llm::{Dialect, Envelope, ModelEntry, echo, encode_model, encode_models, outline};
use serde_json::{Value, json};

use crate::corpus::CASES;
use crate::drive::bytes;
use crate::frames;
use crate::grammar::grammar;
use crate::parties::{call, dialects, framings};
use crate::replies::required;
use crate::schema::{self, Book, What};
use crate::view::{self, counted};

#[test]
fn echo_answers_as_the_vendor_would_whole_and_streamed() {
    let (mut said, mut asked) = (0, 0);
    for case in CASES.iter().filter(|case| case.wire.envelope == Envelope::None && case.ok()) {
        let (Some(body), format) = (&case.request, case.format()) else { continue };
        let mut request: Value = serde_json::from_slice(body).unwrap();
        let framings = framings(format).iter().map(|framing| (true, *framing));
        for (stream, framing) in framings.chain([(false, format.framing())]) {
            asked += 1;
            if !format.asks_in_path() {
                request["stream"] = json!(stream);
            }
            if format == pillion_llm::Format::OpenAIChat {
                request["stream_options"] = if stream { json!({"include_usage": true}) } else { Value::Null };
            }
            let body = bytes(&request);
            let outline = outline(format, &body).unwrap().told_by(&call(format, Some("m"), stream, framing));
            let answer = echo(format, &body, &outline).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            let whole = answer.chunks.concat();
            let view = if stream {
                assert_eq!(answer.content_type, framing.content_type());
                grammar(format, framing, &whole).unwrap_or_else(|why| panic!("{}: {why}", case.id));
                view::of_stream(format, &frames::events(framing, &whole)).unwrap()
            } else {
                assert_eq!((answer.content_type, answer.chunks.len()), ("application/json", 1));
                let reply: Value = serde_json::from_slice(&whole).unwrap();
                required(format, &reply).unwrap();
                schema::check(Book::of(format), What::Reply, &reply).unwrap_or_else(|why| panic!("{}: {why}", case.id));
                view::of_reply(format, &reply)
            };
            assert!(view.finish.is_some(), "{}: {view:?}", case.id);
            said += usize::from(!(view.text.is_empty() && view.calls.is_empty()));
            assert_eq!(view.usage, counted(Some(answer.usage)), "{}", case.id);
        }
    }
    // A last turn without text has nothing to be echoed.
    assert!(said * 10 > asked * 8, "{said} of {asked} answers say something");
}

/// Where a dialect's list has its models, and what names them.
fn list(dialect: Dialect) -> (&'static str, &'static str, fn(&str) -> String) {
    match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI | Dialect::Anthropic => ("data", "id", str::to_owned),
        Dialect::Gemini => ("models", "name", |id| format!("models/{id}")),
        Dialect::VertexAI => ("publisherModels", "name", |id| format!("publishers/google/models/{id}")),
        Dialect::Bedrock => ("modelSummaries", "modelId", str::to_owned),
        Dialect::Cohere => ("models", "name", str::to_owned),
    }
}

/// The document that describes a dialect's list, where there is one.
fn book(dialect: Dialect) -> Book {
    match dialect {
        Dialect::OpenAI | Dialect::AzureOpenAI => Book::OpenAIChat,
        Dialect::Anthropic => Book::Anthropic,
        Dialect::Gemini => Book::Gemini,
        Dialect::VertexAI => Book::Vertex,
        Dialect::Bedrock => Book::Bedrock,
        Dialect::Cohere => Book::Cohere,
    }
}

#[test]
fn lists_of_models_are_what_the_vendors_document() {
    let models =
        ["gpt-4o", "claude-sonnet-4-5"].map(|id| ModelEntry { id: id.to_owned(), owned_by: "team".to_owned() });
    for dialect in dialects() {
        let (member, name, named) = list(dialect);
        for list in [&models[..], &models[..1], &[]] {
            let found: Value = serde_json::from_slice(&encode_models(dialect, list)).unwrap();
            schema::check(book(dialect), What::Models, &found)
                .unwrap_or_else(|why| panic!("{dialect}: {why} in {found}"));
            let ids: Vec<_> = found[member]
                .as_array()
                .unwrap()
                .iter()
                .map(|model| model[name].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(ids, list.iter().map(|model| named(&model.id)).collect::<Vec<_>>());
        }
        let found: Value = serde_json::from_slice(&encode_model(dialect, &models[0])).unwrap();
        schema::check(book(dialect), What::Model, &found).unwrap_or_else(|why| panic!("{dialect}: {why} in {found}"));
        assert_eq!(found[name], json!(named("gpt-4o")));
    }
}
