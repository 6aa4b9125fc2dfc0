//! Answers that the gateway gives itself: Echo, and the lists of models.

use pillion_llm::{Dialect, Format, ModelEntry, echo, encode_model, encode_models};
use serde_json::{Value, json};

use crate::corpus::CASES;
use crate::drive::bytes;
use crate::replies::{counted, required};
use crate::schema::{self, What};
use crate::sse;
use crate::streams::grammar;
use crate::view;

#[test]
fn echo_answers_as_the_vendor_would_whole_and_streamed() {
    let (mut said, mut asked) = (0, 0);
    for case in CASES.iter() {
        let Some(body) = &case.request else { continue };
        let mut request: Value = serde_json::from_slice(body).unwrap();
        for stream in [false, true] {
            asked += 1;
            request["stream"] = json!(stream);
            if case.format == Format::OpenAIChat {
                request["stream_options"] = if stream { json!({"include_usage": true}) } else { Value::Null };
            }
            let answer = echo(case.format, &bytes(&request)).unwrap_or_else(|error| panic!("{}: {error}", case.id));
            let whole = answer.chunks.concat();
            let view = if stream {
                assert!(answer.content_type.starts_with("text/event-stream"), "{}", answer.content_type);
                grammar(case.format, &whole).unwrap_or_else(|why| panic!("{}: {why}", case.id));
                view::of_stream(case.format, &sse::events(&whole)).unwrap()
            } else {
                assert_eq!((answer.content_type, answer.chunks.len()), ("application/json", 1));
                let reply: Value = serde_json::from_slice(&whole).unwrap();
                required(case.format, &reply).unwrap();
                schema::check(case.format, What::Reply, &reply).unwrap_or_else(|why| panic!("{}: {why}", case.id));
                view::of_reply(case.format, &reply)
            };
            assert!(view.finish.is_some(), "{}: {view:?}", case.id);
            said += usize::from(!(view.text.is_empty() && view.calls.is_empty()));
            assert_eq!(view.usage, counted(Some(answer.usage)), "{}", case.id);
        }
    }
    // A last turn without text has nothing to be echoed.
    assert!(said * 10 > asked * 8, "{said} of {asked} answers say something");
}

#[test]
fn lists_of_models_are_what_the_vendors_document() {
    let models =
        ["gpt-4o", "claude-sonnet-4-5"].map(|id| ModelEntry { id: id.to_owned(), owned_by: "team".to_owned() });
    for (dialect, format) in [(Dialect::OpenAI, Format::OpenAIChat), (Dialect::Anthropic, Format::AnthropicMessages)] {
        for list in [&models[..], &models[..1], &[]] {
            let found: Value = serde_json::from_slice(&encode_models(dialect, list)).unwrap();
            schema::check(format, What::Models, &found).unwrap_or_else(|why| panic!("{dialect}: {why} in {found}"));
            let ids: Vec<_> =
                found["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
            assert_eq!(ids, list.iter().map(|model| model.id.as_str()).collect::<Vec<_>>());
        }
        let found: Value = serde_json::from_slice(&encode_model(dialect, &models[0])).unwrap();
        schema::check(format, What::Model, &found).unwrap_or_else(|why| panic!("{dialect}: {why} in {found}"));
        assert_eq!(found["id"], "gpt-4o");
    }
}
