//! What streams lose, and what they must not say.

use super::{ANTHROPIC, GEMINI, OPENAI, reply, web};
use crate::formats::tests::recorded::{events, grammatical, streamed};
use crate::formats::{Restore, decode_reply};
use crate::model::{Citation, Event, Finish, FinishKind, PartDelta, PartStart, Report};
use serde_json::{Value, json};

fn stream(events: &[Value]) -> String {
    events.iter().map(|event| format!("event: x\ndata: {event}\n\n")).collect()
}

#[test]
fn a_stream_loses_under_the_names_of_a_whole_reply() {
    let call = json!({"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}});
    let found = json!({"type": "web_search_tool_result", "tool_use_id": "s", "content": []});
    let edited = json!({"applied_edits": [{"type": "clear_tool_uses_20250919"}]});
    let (container, usage) = (json!({"id": "c"}), json!({"server_tool_use": {"web_search_requests": 1}}));
    let mut whole = reply(json!([call, found, {"type": "text", "text": "a"}, {"type": "new"}]));
    whole["container"] = container.clone();
    whole["context_management"] = edited.clone();
    whole["usage"] = usage.clone();
    let mut report = Report::default();
    decode_reply(ANTHROPIC, whole, &Restore::default(), &mut report).unwrap();

    let block = |index: u64, block: &Value| {
        [
            json!({"type": "content_block_start", "index": index, "content_block": block}),
            json!({"type": "content_block_stop", "index": index}),
        ]
    };
    let zero = json!({"server_tool_use": {"web_search_requests": 0}, "input_tokens": 1});
    let message = json!({"id": "i", "type": "message", "role": "assistant", "model": "c", "content": [],
        "stop_reason": null, "container": null, "usage": zero});
    let mut told = vec![json!({"type": "message_start", "message": message})];
    let blocks = [call, found, json!({"type": "text", "text": "a"}), json!({"type": "new"})];
    told.extend((0..).zip(&blocks).flat_map(|(index, inner)| block(index, inner)));
    let delta = json!({"stop_reason": "end_turn", "stop_sequence": null, "container": container});
    told.push(json!({"type": "message_delta", "delta": delta, "usage": usage, "context_management": edited}));
    told.push(json!({"type": "message_stop"}));
    let events = events(ANTHROPIC, [stream(&told).as_bytes()]).unwrap();
    grammatical(&events, "lost");
    let mut lost: Vec<&str> = events.iter().filter_map(lost_name).collect();
    lost.sort_unstable();
    let expected = [
        "container",
        "content[].new",
        "content[].server_tool_use",
        "content[].web_search_tool_result",
        "context_management",
        "usage.server_tool_use",
    ];
    assert_eq!(lost, expected);
    report.dropped.sort_unstable();
    assert_eq!(report.dropped, expected);
}

fn lost_name(event: &Event) -> Option<&str> {
    match event {
        Event::Lost(name) => Some(name),
        _ => None,
    }
}

#[test]
fn thinking_cites_nothing() {
    for (origin, range) in [(OPENAI, None), (GEMINI, Some((0, 1)))] {
        let citation =
            Citation { url: Some("https://a".into()), native: web("https://a"), range, ..Citation::default() };
        let part = 0;
        let told = vec![
            Event::Start { id: "i".into(), model: "m".into(), created: None, usage: None },
            Event::PartStart { part, start: PartStart::Thinking },
            Event::PartDelta { part, delta: PartDelta::Text("t".into()) },
            Event::PartDelta { part, delta: PartDelta::Citation(citation) },
            Event::PartEnd { part },
            Event::Finish(Finish::new(FinishKind::Stop, "stop")),
            Event::End,
        ];
        let written = String::from_utf8(streamed(ANTHROPIC, origin, told)).unwrap();
        assert!(written.contains("thinking_delta"), "{written}");
        assert!(!written.contains("citations_delta"), "{written}");
    }
}
