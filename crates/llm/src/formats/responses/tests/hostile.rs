//! Bodies and events with anything missing or of another type: an error or an answer, never a panic.

use super::corpus::cases;
use super::*;
use crate::framing::{self, Framing, Splitter};
use bytes::Bytes;

/// A value with one member or element after the other taken out or replaced.
fn spoiled(value: &Value, each: &mut impl FnMut(Value)) {
    let whole = value.clone();
    let mut paths = Vec::new();
    pointers(value, String::new(), &mut paths);
    for path in paths {
        for other in [Value::Null, json!(7), json!("x"), json!([{}])] {
            let mut body = whole.clone();
            if let Some(place) = body.pointer_mut(&path) {
                *place = other;
                each(body);
            }
        }
    }
}

fn pointers(value: &Value, at: String, out: &mut Vec<String>) {
    let inside: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(key, value)| (key.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => items.iter().take(4).enumerate().map(|(at, value)| (at.to_string(), value)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in inside {
        let path = format!("{at}/{key}");
        // Schemas of tools are not read.
        if !path.contains("/parameters/") && !path.contains("/schema/") {
            out.push(path.clone());
            pointers(value, path, out);
        }
    }
}

#[test]
fn spoiled_requests_are_refused_or_understood() {
    for case in cases() {
        let Some(body) = case.request.filter(|body| body.to_string().len() < 1500) else { continue };
        spoiled(&body, &mut |body| {
            if !body.is_object() {
                return;
            }
            for to in [Format::OpenAIResponses, Format::OpenAIChat, Format::AnthropicMessages] {
                let told = try_request(Format::OpenAIResponses, to, body.clone());
                if to == Format::OpenAIResponses
                    && let Ok((back, _)) = told
                {
                    assert_eq!(back, body, "{}", case.id);
                }
            }
        });
    }
}

#[test]
fn spoiled_replies_and_events_are_refused_or_understood() {
    for case in cases() {
        if let Some(reply) = case.reply.filter(|reply| reply.to_string().len() < 3000) {
            spoiled(&reply, &mut |body| {
                let _ = observe_reply(&body.to_string());
                let _ = decode_reply(body, &Names::default(), &mut Report::default());
            });
        }
        let Some(stream) = case.stream.filter(|stream| stream.len() < 10_000) else { continue };
        let mut frames = Vec::new();
        Splitter::new(Framing::Sse).push(Bytes::from(stream), |frame| frames.push(framing::sse::read(&frame))).unwrap();
        for left_out in 0..frames.len() {
            let mut decoder = StreamDecoder::new(Names::default());
            let mut out = Vec::new();
            let mut kept = frames.iter().enumerate().filter(|(at, _)| *at != left_out);
            let result = kept.try_for_each(|(_, frame)| decoder.push(frame, &mut out));
            let truncated = result == Err(crate::UpstreamFault::Truncated);
            assert!(truncated || result.is_ok(), "{}: {result:?}", case.id);
            let starts = out.iter().filter(|event| matches!(event, crate::model::Event::Start { .. })).count();
            assert!(starts <= 1, "{}", case.id);
        }
        let Some(data) = frames.last().and_then(|frame| frame.data.clone()) else { continue };
        let Ok(last) = serde_json::from_slice::<Value>(&data) else { continue };
        if data.len() > 3000 {
            continue;
        }
        spoiled(&last, &mut |event| {
            let mut noted = formats::seen::Noted::default();
            let _ = observe(&framing::sse::write(None, event.to_string().as_bytes()), &mut noted);
            let frame = framing::Frame { data: Some(Bytes::from(event.to_string())), ..framing::Frame::default() };
            let _ = StreamDecoder::new(Names::default()).push(&frame, &mut Vec::new());
        });
    }
}
