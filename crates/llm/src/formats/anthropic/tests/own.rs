//! What this format's own clients ask of others.

use super::{ANTHROPIC, OPENAI, survives, user};
use crate::formats::encode_request;
use crate::formats::tests::recorded::{RULES, decoded, translated};
use crate::model::{Names, Report};
use serde_json::{Value, json};

#[test]
fn a_document_that_is_written_out_is_its_text() {
    let document = |content: Value| {
        json!({"type": "document", "title": "T", "source": {"type": "content", "content": content},
            "cache_control": {"type": "ephemeral"}, "context": "c"})
    };
    let block = |text: &str| json!({"type": "text", "text": text});
    for (content, text) in [(json!("a"), "T\n\na"), (json!([block("a"), block("b")]), "T\n\na\nb")] {
        let body = user(json!([document(content)]));
        survives(&body);
        let (body, report) = translated(ANTHROPIC, OPENAI, "m", &body);
        assert_eq!(body["messages"][0]["content"], json!([block(text)]));
        assert_eq!(report.dropped, ["cache_control", "messages[].content[].context"]);
    }
    let image = json!({"type": "image", "source": {"type": "url", "url": "https://i"}});
    survives(&user(json!([document(json!([block("a"), image])), document(json!([])), document(json!(1))])));
}

#[test]
fn what_stands_beside_a_search_result_is_reported() {
    let inner = json!({"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}});
    let search = json!({"type": "search_result", "source": "https://s", "title": "T", "content": [inner],
        "citations": {"enabled": true}, "score": 1});
    let body = user(json!([search]));
    survives(&body);
    let (body, report) = translated(ANTHROPIC, OPENAI, "m", &body);
    assert_eq!(body["messages"][0]["content"], json!([{"type": "text", "text": "T\n\nhttps://s\na"}]));
    let dropped = ["cache_control", "messages[].content[].citations", "messages[].content[].score"];
    assert_eq!(report.dropped, dropped);
}

#[test]
fn settings_of_wrong_types_are_refused_by_name_where_they_would_be_lost() {
    for (key, value, message) in [
        ("max_tokens", json!(-5), "must be a whole number, not below 0"),
        ("max_tokens", json!(1.5), "must be a whole number, not below 0"),
        ("temperature", json!("hot"), "must be a number"),
        ("top_p", json!([1]), "must be a number"),
        ("stop_sequences", json!("END"), "must be a list of strings"),
        ("stop_sequences", json!(["a", 1]), "must be a list of strings"),
    ] {
        let mut body = user(json!("x"));
        body[key] = value;
        survives(&body);
        let request = decoded(ANTHROPIC, &body);
        let error = encode_request(OPENAI, request, RULES, &mut Names::default(), &mut Report::default()).unwrap_err();
        assert_eq!((error.param.as_deref(), error.message.as_str()), (Some(key), message));
    }
    let mut body = user(json!("x"));
    for key in ["max_tokens", "temperature", "top_p", "top_k", "stop_sequences"] {
        body[key] = Value::Null;
    }
    survives(&body);
    let (_, report) = translated(ANTHROPIC, OPENAI, "m", &body);
    assert_eq!(report, Report::default());
}
