//! Whole attempts at Bedrock, from the client's bytes to the client's bytes.

use super::*;
use crate::framing::{event_stream, sse};
use crate::{ErrorInfo, ErrorKind, Operation, Outline, Prepared, Target, UpstreamFault, prepare, provider};
use base64::Engine as _;
use bytes::Bytes;
use serde_json::json;

fn attempt(client: Format, body: &str, betas: &[&str], stream: bool, model: &str) -> Prepared {
    with_params(client, body, betas, stream, model, &Object::new()).unwrap()
}

fn with_params(
    client: Format,
    body: &str,
    betas: &[&str],
    stream: bool,
    model: &str,
    overrides: &Object,
) -> Result<Prepared, BodyError> {
    let provider = provider("Bedrock").unwrap();
    let wire = provider.wire(model, Operation::Chat, client).unwrap();
    let body = Bytes::copy_from_slice(body.as_bytes());
    let betas = betas.iter().map(|beta| (*beta).to_owned()).collect();
    let outline = Outline { betas, stream, ..crate::outline(client, &body)? };
    let defaults = Object::new();
    let target = Target { provider, wire, model: Some(model), defaults: &defaults, overrides, ask_usage: true };
    prepare(client, &body, &outline, &target)
}

fn sent(prepared: &Prepared) -> Value {
    serde_json::from_slice(&prepared.body).unwrap()
}

#[test]
fn anthropics_body_goes_to_claude_as_it_is_in_the_clouds_envelope() {
    let body = r#"{"model":"claude","stream":true, "max_tokens" : 5,"messages":[]}"#;
    let prepared = attempt(ANTHROPIC, body, &["context-1m-2025-08-07", "claude-code-20250219"], true, CLAUDE);
    let expected = r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"], "max_tokens" : 5,"messages":[]}"#;
    assert_eq!(prepared.body, expected);
    assert_eq!(prepared.dropped, ["anthropic-beta"]);
    let own = r#"{"anthropic_version":"x","anthropic_beta":["y"],"max_tokens":5,"messages":[]}"#;
    assert_eq!(attempt(ANTHROPIC, own, &["context-1m-2025-08-07"], false, CLAUDE).body, own);
}

#[test]
fn marks_that_the_cloud_refuses_are_taken_out_and_the_rest_of_the_envelope_stays() {
    let body = json!({"model": "claude", "max_tokens": 5, "messages": [],
                      "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "scope": "global"}}]});
    let prepared = attempt(ANTHROPIC, &body.to_string(), &[], false, CLAUDE);
    let expected = json!({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 5, "messages": [],
                          "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]});
    assert_eq!(sent(&prepared), expected);
    assert_eq!(prepared.dropped, ["cache_control.scope"]);
}

#[test]
fn streams_of_invoke_model_are_anthropics_events_to_the_client() {
    let prepared = attempt(ANTHROPIC, r#"{"model":"c","max_tokens":5,"messages":[]}"#, &[], true, CLAUDE);
    assert_eq!(prepared.exchange.upstream_framing(), Framing::EventStream);
    assert_eq!(prepared.exchange.client_framing(), Framing::Sse);
    let mut stream = prepared.exchange.stream();
    let mut out = Vec::new();
    for event in [
        json!({"type": "message_start", "message": {"model": "claude", "usage": {"input_tokens": 3}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {}}),
    ] {
        let bytes = base64::engine::general_purpose::STANDARD.encode(event.to_string());
        let payload = json!({"bytes": bytes, "p": "ab"}).to_string();
        stream.push(event_stream::write_event("chunk", payload.as_bytes()), &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    let names: Vec<_> = out.iter().filter_map(|event| sse::read(event).name).collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"]);
    let usage = stream.usage().unwrap();
    assert_eq!((usage.input, usage.output, stream.finish_reason()), (3, 2, Some("end_turn")));
}

#[test]
fn answers_get_an_id_and_a_model_where_converse_names_neither() {
    let body = r#"{"model":"m","messages":[{"role":"user","content":"q"}]}"#;
    let exchange = attempt(OPENAI, body, &[], true, CLAUDE).exchange.at(7);
    let reply =
        json!({"output": {"message": {"role": "assistant", "content": [{"text": "a"}]}}, "stopReason": "end_turn"});
    let reply = exchange.reply(&crate::json::bytes(&reply)).unwrap();
    let whole: Value = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((reply.model, whole["model"].as_str()), (None, Some(CLAUDE)));
    let id = whole["id"].as_str().unwrap();
    assert_eq!(id.len(), 18);
    let mut stream = exchange.stream();
    let mut out = Vec::new();
    for (name, value) in [
        ("messageStart", json!({"role": "assistant"})),
        ("contentBlockDelta", json!({"contentBlockIndex": 0, "delta": {"text": "a"}})),
        ("messageStop", json!({"stopReason": "end_turn"})),
    ] {
        stream.push(event_stream::write_event(name, value.to_string().as_bytes()), &mut out).unwrap();
    }
    stream.finish(&mut out).unwrap();
    for event in &out[..out.len() - 1] {
        let chunk: Value = serde_json::from_slice(&sse::read(event).data.unwrap()).unwrap();
        assert_eq!((chunk["id"].as_str(), chunk["model"].as_str()), (Some(id), Some(CLAUDE)));
    }
    let other = attempt(OPENAI, &body.replace('q', "r"), &[], true, CLAUDE).exchange.at(7);
    let reply: Value = serde_json::from_slice(
        &other
            .reply(&crate::json::bytes(&json!({
                "output": {"message": {"role": "assistant", "content": []}}, "stopReason": "end_turn",
            })))
            .unwrap()
            .body,
    )
    .unwrap();
    assert_ne!(reply["id"].as_str(), Some(id));
}

#[test]
fn converses_own_bodies_and_streams_are_relayed_byte_for_byte() {
    let body = "{ \"messages\":[], \"inferenceConfig\": {\"maxTokens\": 5} }";
    let prepared = attempt(BEDROCK, body, &[], true, "amazon.nova-pro-v1:0");
    assert_eq!(prepared.body, body);
    let overrides = object(json!({"max_tokens": 3, "guardrailConfig": {"guardrailIdentifier": "g"}}));
    let forced = with_params(BEDROCK, body, &[], true, "amazon.nova-pro-v1:0", &overrides).unwrap();
    assert_eq!(
        forced.body,
        "{\"guardrailConfig\":{\"guardrailIdentifier\":\"g\"}, \"messages\":[], \"inferenceConfig\": {\"maxTokens\": 3} }"
    );
    let mut stream = prepared.exchange.stream();
    let mut out = Vec::new();
    let start = event_stream::write_event("messageStart", b"{\"role\":\"assistant\"}");
    let delta = event_stream::write_event("contentBlockDelta", b"{\"contentBlockIndex\":0,\"delta\":{\"text\":\"a\"}}");
    stream.push(start.clone(), &mut out).unwrap();
    stream.push(delta.clone(), &mut out).unwrap();
    assert_eq!(out, [start, delta]);
    assert_eq!(stream.finish(&mut out), Err(UpstreamFault::Truncated));
    stream.fail(&ErrorInfo::new(ErrorKind::Overloaded, "gone"), &mut out);
    let last = event_stream::read(out.last().unwrap()).unwrap();
    assert_eq!((last.exception, last.name.as_deref()), (true, Some("serviceUnavailableException")));
}

#[test]
fn a_routes_guardrail_wins_over_the_clients() {
    let body =
        json!({"messages": [{"role": "user", "content": "q"}], "guardrailConfig": {"guardrailIdentifier": "mine"}});
    let overrides = object(json!({"guardrailConfig": {"guardrailIdentifier": "theirs", "guardrailVersion": "1"}}));
    let prepared = with_params(OPENAI, &body.to_string(), &[], false, CLAUDE, &overrides).unwrap();
    assert_eq!(sent(&prepared)["guardrailConfig"], overrides["guardrailConfig"]);
    let body = json!({"messages": [{"role": "user", "content": "q"}], "n": 1});
    let prepared =
        with_params(OPENAI, &body.to_string(), &["context-1m-2025-08-07"], false, CLAUDE, &overrides).unwrap();
    let betas = json!({"anthropic_beta": ["context-1m-2025-08-07"]});
    assert_eq!(sent(&prepared)["additionalModelRequestFields"], betas);
}

#[test]
fn signatures_of_claude_are_anthropics_wherever_it_answers() {
    assert_eq!(formats::signer(BEDROCK, CLAUDE), ANTHROPIC);
    assert_eq!(formats::signer(BEDROCK, "us.amazon.nova-2-lite-v1:0"), BEDROCK);
    assert_eq!(formats::signer(BEDROCK, "arn:aws:bedrock:us-east-1:1:application-inference-profile/x"), BEDROCK);
    assert_eq!(formats::signer(OPENAI, CLAUDE), OPENAI);
}
