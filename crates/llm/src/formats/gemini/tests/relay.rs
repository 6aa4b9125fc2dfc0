//! Whole exchanges: relayed bodies and their splices, streams in both framings, ends that are none.

use super::*;
use crate::{ErrorInfo, ErrorKind, Prepared, Target, Wire, classify, outline, prepare, provider};
use http::{HeaderMap, Method};

/// What a client of the Gemini API sends to a provider, with a route's params.
fn attempt(query: Option<&str>, id: &str, wire: Format, body: &str, params: [Value; 2]) -> Prepared {
    let path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let call = classify(&Method::POST, path, query, &HeaderMap::new());
    let body = Bytes::copy_from_slice(body.as_bytes());
    let outline = outline(GEMINI, &body).unwrap().told_by(&call);
    let [defaults, overrides] = params.map(|params| params.as_object().cloned().unwrap_or_default());
    let wire = Wire::from(wire);
    let target = Target {
        provider: provider(id).unwrap(),
        wire,
        model: Some("m"),
        defaults: &defaults,
        overrides: &overrides,
        ask_usage: true,
    };
    prepare(GEMINI, &body, &outline, &target).unwrap()
}

const NO_PARAMS: [Value; 2] = [Value::Null, Value::Null];

#[test]
fn params_are_spliced_into_either_spelling() {
    let body = |body: &str, defaults: Value, overrides: Value| {
        let prepared = attempt(None, "Gemini", GEMINI, body, [defaults, overrides]);
        String::from_utf8(prepared.body.to_vec()).unwrap()
    };
    let same = r#"{ "contents" : [] }"#;
    assert_eq!(body(same, Value::Null, Value::Null), same);
    let fill = json!({"temperature": 0.5, "max_tokens": 9});
    assert_eq!(
        body(r#"{"contents":[]}"#, fill.clone(), Value::Null),
        r#"{"generationConfig":{"maxOutputTokens":9,"temperature":0.5},"contents":[]}"#
    );
    assert_eq!(
        body(r#"{"generationConfig":{"temperature":0},"contents":[]}"#, fill.clone(), Value::Null),
        r#"{"generationConfig":{"maxOutputTokens":9,"temperature":0},"contents":[]}"#
    );
    assert_eq!(
        body(r#"{"generation_config":{"max_output_tokens":1},"contents":[]}"#, fill.clone(), Value::Null),
        r#"{"generation_config":{"temperature":0.5,"max_output_tokens":1},"contents":[]}"#
    );
    assert_eq!(
        body(r#"{"generation_config":{"max_output_tokens":1},"contents":[]}"#, Value::Null, json!({"max_tokens": 2})),
        r#"{"generation_config":{"max_output_tokens":2},"contents":[]}"#
    );
}

#[test]
fn only_foreign_thinking_changes_a_relayed_body() {
    let wrapped = super::super::signature::write(Format::AnthropicMessages, Some("sig")).unwrap();
    let said = json!({"role": "model", "parts": [{"text": "hm", "thought": true, "thoughtSignature": wrapped},
        {"functionCall": {"name": "f"}, "thoughtSignature": "own"}]});
    let prepared = attempt(None, "Gemini", GEMINI, &json!({ "contents": [said] }).to_string(), NO_PARAMS);
    let body: Value = serde_json::from_slice(&prepared.body).unwrap();
    let call = json!({"functionCall": {"name": "f"}, "thoughtSignature": "own"});
    assert_eq!(body, json!({"contents": [{"role": "model", "parts": [call]}]}));
    assert_eq!(prepared.dropped, ["contents[].parts[].thought"]);
}

const OPENAI_STREAM: &str = concat!(
    "data: {\"id\":\"c\",\"model\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hel\"}}]}\n\n",
    "data: {\"id\":\"c\",\"model\":\"g\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"lo\"}}]}\n\n",
    "data: {\"id\":\"c\",\"model\":\"g\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n",
    "data: [DONE]\n\n",
);

#[test]
fn a_client_without_alt_sse_gets_one_array_and_its_error_keeps_it_valid() {
    let prepared = attempt(None, "OpenAI", Format::OpenAIChat, r#"{"contents":[{"parts":[{"text":"q"}]}]}"#, NO_PARAMS);
    assert_eq!(prepared.exchange.client_framing(), Framing::JsonArray);
    assert_eq!(prepared.exchange.upstream_framing(), Framing::Sse);
    let texts = |out: &[Bytes]| -> Vec<Value> { serde_json::from_slice(&out.concat()).expect("one array") };
    let mut stream = prepared.exchange.stream();
    let mut out = Vec::new();
    stream.push(Bytes::from_static(OPENAI_STREAM.as_bytes()), &mut out).unwrap();
    stream.finish(&mut out).unwrap();
    let chunks = texts(&out);
    assert_eq!(chunks[0]["candidates"][0]["content"]["parts"][0]["text"], "hel");
    assert_eq!(chunks.last().unwrap()["candidates"][0]["finishReason"], "STOP");
    for cut in [0, 100, 200] {
        let mut stream = prepared.exchange.stream();
        let mut out = Vec::new();
        stream.push(Bytes::from_static(&OPENAI_STREAM.as_bytes()[..cut]), &mut out).unwrap();
        stream.fail(&ErrorInfo::new(ErrorKind::Timeout, "late"), &mut out);
        let chunks = texts(&out);
        assert_eq!(chunks.last().unwrap()["error"]["status"], "DEADLINE_EXCEEDED", "cut at {cut}");
    }
}

#[test]
fn relayed_streams_are_the_same_bytes_and_their_errors_googles_own() {
    let body = r#"{"contents":[]}"#;
    let chunk = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
    let error = r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#;
    let sse = attempt(Some("alt=sse"), "Gemini", GEMINI, body, NO_PARAMS).exchange;
    let array = attempt(None, "Gemini", GEMINI, body, NO_PARAMS).exchange;
    assert_eq!((sse.upstream_framing(), array.upstream_framing()), (Framing::Sse, Framing::JsonArray));
    for (exchange, text) in [(&sse, format!("data: {chunk}\r\n\r\n")), (&array, format!("[{chunk}\n]\n"))] {
        let mut stream = exchange.stream();
        let mut out = Vec::new();
        for byte in text.bytes() {
            stream.push(Bytes::copy_from_slice(&[byte]), &mut out).unwrap();
        }
        stream.finish(&mut out).unwrap();
        assert_eq!(out.concat(), text.as_bytes());
        assert_eq!((stream.finish_reason(), stream.has_delta()), (Some("STOP"), true));
    }
    for (exchange, text) in [(&sse, format!("{error}\n")), (&array, format!("[{error}"))] {
        let mut stream = exchange.stream();
        let mut out = Vec::new();
        let pushed = stream.push(Bytes::from(text), &mut out);
        let fault = pushed.and_then(|()| stream.finish(&mut out)).unwrap_err();
        assert!(matches!(&fault, UpstreamFault::Reported(error) if error.kind == ErrorKind::Overloaded), "{fault}");
        assert!(out.is_empty(), "another attempt may be made");
        stream.fail(&ErrorInfo::from(&fault), &mut out);
        let sent: Value = serde_json::from_slice(&out.concat()).unwrap();
        let expected: Value = serde_json::from_str(error).unwrap();
        assert_eq!(sent, if sent.is_array() { json!([expected]) } else { expected });
    }
}
