//! Bodies made to mislead or to exhaust: two truths in one body, depth, breadth.

use bytes::Bytes;
use pillion_llm::{Format, outline};
use serde_json::{Value, json};

use crate::drive::{bytes, drive, exchange, prepared};
use crate::parties::{others, vendor};

const O: Format = Format::OpenAIChat;
const A: Format = Format::AnthropicMessages;

#[track_caller]
fn refused(format: Format, body: &str) {
    assert!(outline(format, body.as_bytes()).is_err(), "the outline takes {body}");
    translation_refused(format, body);
}

#[track_caller]
fn translation_refused(format: Format, body: &str) {
    for wire in others(format) {
        let result = prepared(format, &Bytes::copy_from_slice(body.as_bytes()), vendor(wire), wire, None);
        assert!(result.is_err(), "the translation to {wire} takes {body}");
    }
}

#[test]
fn a_body_with_two_truths_is_refused() {
    let messages = r#""messages":[{"role":"user","content":"q"}]"#;
    for format in [O, A] {
        refused(format, &format!(r#"{{"model":"a","model":"b","max_tokens":9,{messages}}}"#));
        refused(format, &format!(r#"{{"model":"a","mod\u0065l":"b","max_tokens":9,{messages}}}"#));
        refused(format, &format!(r#"{{"model":"a","stream":true,"stream":false,"max_tokens":9,{messages}}}"#));
        refused(format, &format!(r#"{{"model":"a","max_tokens":9,{messages}}} {{"model":"b"}}"#));
        refused(format, &format!("\u{feff}{{\"model\":\"a\",\"max_tokens\":9,{messages}}}"));
        refused(format, "");
        refused(format, "[]");
        refused(format, "null");
        refused(format, r#"{"model":7}"#);
        refused(format, r#"{"model":"a""#);
        translation_refused(format, &format!(r#"{{"model":"a","max_tokens":9,{messages},{messages}}}"#));
        translation_refused(format, r#"{"model":"a","max_tokens":9}"#);
        translation_refused(format, r#"{"model":"a","max_tokens":9,"messages":"q"}"#);
        translation_refused(format, r#"{"model":"a","max_tokens":9,"messages":[7]}"#);
    }
    refused(
        O,
        &format!(r#"{{"model":"a","stream_options":{{"include_usage":true,"include_usage":false}},{messages}}}"#),
    );
}

#[test]
fn depth_is_refused_and_never_overflows() {
    let deep = "[".repeat(200_000);
    let closed = format!("{deep}{}", "]".repeat(200_000));
    for format in [O, A] {
        for body in [format!(r#"{{"model":"a","messages":{closed}}}"#), format!(r#"{{"model":"a","messages":{deep}"#)] {
            refused(format, &body);
        }
        for client in [O, A] {
            let exchange = exchange(client, vendor(format), format);
            for reply in [closed.clone(), format!(r#"{{"choices":{closed},"content":{closed}}}"#)] {
                drop(exchange.reply(&Bytes::from(reply.clone())));
                drop(exchange.error(500, &http::HeaderMap::new(), reply.as_bytes()));
                drive(&exchange, [format!("data: {reply}\n\n").as_bytes()]);
            }
        }
    }
}

#[test]
fn a_schema_that_refers_to_itself_costs_no_more_than_its_length() {
    let mut definitions = serde_json::Map::new();
    for nth in 0..40 {
        let next = json!({"$ref": format!("#/$defs/d{}", (nth + 1) % 40)});
        definitions.insert(format!("d{nth}"), json!({"type": "object", "properties": {"left": next, "right": next}}));
    }
    let schema = json!({"type": "object", "properties": {"tree": {"$ref": "#/$defs/d0"}}, "$defs": definitions});
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "q"}],
        "tools": [{"type": "function", "function": {"name": "f", "strict": true, "parameters": schema}}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}});
    let body = bytes(&body);
    for model in ["claude-3-haiku-20240307", "claude-sonnet-4-5"] {
        let sent = prepared(O, &body, vendor(A), A, Some(model)).unwrap().body;
        assert!(sent.len() < 3 * body.len(), "{} bytes became {}", body.len(), sent.len());
    }
}

#[test]
fn an_event_without_an_end_is_a_fault_not_memory() {
    for (client, wire) in [(O, A), (A, O), (O, O), (A, A)] {
        let piece = vec![b'x'; 1 << 20];
        let begin: &[u8] = b"data: ";
        let pieces = std::iter::once(begin).chain(std::iter::repeat_n(piece.as_slice(), 80));
        let driven = drive(&exchange(client, vendor(wire), wire), pieces);
        assert!(driven.fault.is_some_and(|fault| fault.starts_with("TooLarge")), "{client} from {wire}");
    }
}

#[test]
fn every_prefix_of_a_body_is_read_without_panic() {
    for case in crate::corpus::CASES.iter().filter(|case| case.ours) {
        let body = case.request.as_ref().unwrap();
        for end in 0..body.len() {
            let prefix = body.slice(..end);
            for wire in [O, A] {
                let result = prepared(case.format(), &prefix, vendor(wire), wire, Some("m"));
                let complete = serde_json::from_slice::<Value>(&prefix).is_ok();
                assert_eq!(result.is_ok(), complete, "{} up to {end}", case.id);
            }
        }
    }
}
