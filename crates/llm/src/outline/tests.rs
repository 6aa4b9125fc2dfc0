//! The outline of good, odd and hostile bodies.

use super::*;
use proptest::prelude::*;
use serde_json::Value;

#[track_caller]
fn check(body: &str, model: Option<&str>, stream: bool, include_usage: bool) {
    let outline = outline(Format::OpenAIChat, body.as_bytes()).unwrap();
    assert_eq!((outline.model.as_deref(), outline.stream, outline.include_usage), (model, stream, include_usage));
}

#[test]
fn model_and_stream_are_read_wherever_they_stand() {
    check("{}", None, false, false);
    check(r#" { } "#, None, false, false);
    check(r#"{"model":"m","stream":true}"#, Some("m"), true, false);
    check(r#"{"messages":[{"model":"inner","stream":true}],"model":"m"}"#, Some("m"), false, false);
    check("{\n\"stream\" : false ,\r\n\t\"model\" : \"a\\u0062\" }\n", Some("ab"), false, false);
    check(r#"{"model":null,"stream":null,"stream_options":null}"#, None, false, false);
    check(r#"{"\u006dodel":"m"}"#, Some("m"), false, false);
    check(r#"{"stream":true,"stream_options":{"x":1,"include_usage":true}}"#, None, true, true);
    check(r#"{"x":"\\","model":"\"m\""}"#, Some("\"m\""), false, false);
}

#[track_caller]
fn refuse(body: &[u8], param: Option<&str>, message: &str) {
    let error = outline(Format::OpenAIChat, body).unwrap_err();
    assert_eq!(error.param.as_deref(), param, "{error}");
    assert!(error.message.contains(message), "{error}");
}

#[test]
fn bodies_with_two_truths_are_refused() {
    refuse(br#"{"model":"a","model":"b"}"#, Some("model"), "twice");
    refuse(br#"{"model":"a","\u006dodel":"b"}"#, Some("model"), "twice");
    refuse(br#"{"stream":true,"stream":false}"#, Some("stream"), "twice");
    refuse(br#"{"stream_options":{"include_usage":true,"include_usage":false}}"#, Some("include_usage"), "twice");
    refuse(br#"{"model":"a"}{"model":"b"}"#, None, "follows");
    refuse(br#"{"model":"a"} x"#, None, "follows");
    refuse(b"\xEF\xBB\xBF{}", None, "byte order mark");
}

#[test]
fn bodies_that_are_no_object_are_refused() {
    refuse(b"", None, "empty");
    refuse(b"  ", None, "empty");
    refuse(b"[]", None, "not a JSON object");
    refuse(b"hello", None, "not a JSON object");
    refuse(b"{", None, "not valid JSON");
    refuse(br#"{"a"}"#, None, "':'");
    refuse(br#"{"a":}"#, None, "not valid JSON");
    refuse(br#"{"a":1,}"#, None, "name");
    refuse(br#"{"a":[}"#, None, "not valid JSON");
    refuse(br#"{"a":"x"#, None, "does not end");
    refuse(br#"{"a":"x\"#, None, "does not end");
    refuse(br#"{"model":7}"#, Some("model"), "a string");
    refuse(br#"{"stream":"yes"}"#, Some("stream"), "a boolean");
    refuse(br#"{"model":nul}"#, Some("model"), "a string");
}

#[test]
fn nesting_and_members_are_bounded() {
    let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    assert!(outline(Format::OpenAIChat, nested(126).as_bytes()).is_ok());
    refuse(nested(128).as_bytes(), None, "deeper");
    refuse(nested(1_000_000).as_bytes(), None, "deeper");
    let many: Vec<String> = (0..1025).map(|n| format!("\"k{n}\":1")).collect();
    refuse(format!("{{{}}}", many.join(",")).as_bytes(), None, "more than 1024");
}

proptest! {
    #[test]
    fn no_bytes_panic_the_scanner(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = outline(Format::OpenAIChat, &body);
    }

    #[test]
    fn the_scanner_agrees_with_a_full_parser(body in r#"\{("(model|stream|a)":("m"|true|[1-9]|\[\]|\{"model":1\}),?){0,4}\}"#) {
        let scanned = outline(Format::AnthropicMessages, body.as_bytes());
        if let Ok(outline) = scanned {
            let parsed: Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(outline.model.as_deref(), parsed.get("model").and_then(Value::as_str));
            prop_assert_eq!(outline.stream, parsed.get("stream") == Some(&Value::Bool(true)));
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_string_ends_where_a_plain_search_finds_it(text in proptest::collection::vec(proptest::sample::select(&b"\"\\ax!]\x80\xdc"[..]), 0..200)) {
        let plain = text.iter().position(|byte| matches!(byte, b'"' | b'\\'));
        proptest::prop_assert_eq!(super::quote_or_backslash(&text), plain);
        let far = [vec![b'x'; 100], text.clone()].concat();
        proptest::prop_assert_eq!(super::quote_or_backslash(&far), plain.map(|at| at + 100));
    }
}
