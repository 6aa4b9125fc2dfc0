//! InvokeModel streams, of our own making and recorded.

use super::*;
use crate::ErrorKind;
use crate::framing::Splitter;
use std::path::PathBuf;

const WIRE: Format = Format::AnthropicMessages;

fn chunk(event: &str) -> Bytes {
    let encoded = base64::engine::general_purpose::STANDARD.encode(event);
    event_stream::write_event("chunk", json!({"bytes": encoded, "p": "abc"}).to_string().as_bytes())
}

/// The events of some pieces, as text.
fn unwrap(pieces: &[Bytes]) -> Result<Vec<String>, UpstreamFault> {
    let mut unwrap = Unwrap::new(Envelope::BedrockInvoke, WIRE).unwrap();
    let mut out = Vec::new();
    for piece in pieces {
        unwrap.push(piece.clone(), &mut out)?;
    }
    unwrap.finish()?;
    Ok(out.iter().map(|event| String::from_utf8(event.to_vec()).unwrap()).collect())
}

#[test]
fn chunks_become_the_vendors_events() {
    let first = chunk(r#"{"type":"message_start","message":{}}"#);
    let second = chunk("{\"type\":\"ping\",\r\n \"x\":\"ü\"}");
    let other = event_stream::write_event("tomorrow", b"");
    let expected = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{}}\n\n",
        "event: ping\ndata: {\"type\":\"ping\",\"x\":\"ü\"}\n\n",
    ];
    assert_eq!(unwrap(&[first, other, second]).unwrap(), expected);
}

#[test]
fn exceptions_cuts_and_nonsense_are_faults() {
    let slow = event_stream::write_exception("throttlingException", br#"{"message":"slow"}"#);
    let fault = unwrap(&[slow]).unwrap_err();
    assert!(
        matches!(fault, UpstreamFault::Reported(error) if error.kind == ErrorKind::RateLimited && error.message == "slow")
    );
    let whole = chunk("{\"type\":\"ping\"}");
    assert_eq!(unwrap(&[whole.slice(..whole.len() - 1)]), Err(UpstreamFault::Truncated));
    for payload in ["{", "{\"bytes\":\"%\"}", "{\"bytes\":\"YQ==\"}"] {
        let message = event_stream::write_event("chunk", payload.as_bytes());
        assert!(matches!(unwrap(&[message]), Err(UpstreamFault::Malformed { .. })), "{payload}");
    }
    let mut broken = whole.to_vec();
    broken[20] ^= 1;
    assert!(matches!(unwrap(&[broken.into()]), Err(UpstreamFault::Malformed { .. })));
}

#[test]
fn betas_are_told_by_cloud() {
    let asked = ["context-1m-2025-08-07", "web-search-2025-03-05", "x"].map(str::to_owned);
    let betas = |envelope: Envelope| {
        let mut report = Report::default();
        (envelope.betas(&asked, "anthropic.claude-sonnet-4-20250514-v1:0", &mut report), report.dropped.len())
    };
    assert_eq!(betas(Envelope::None), (None, 0));
    assert_eq!(betas(Envelope::BedrockInvoke), (Some(json!(["context-1m-2025-08-07"])), 1));
    let vertex = json!(["context-1m-2025-08-07", "web-search-2025-03-05"]);
    assert_eq!(betas(Envelope::VertexRawPredict), (Some(vertex), 1));
    assert_eq!(Envelope::BedrockInvoke.betas(&[], "m", &mut Report::default()), None);
}

#[test]
fn recorded_streams_of_claude_are_whole_wherever_they_are_cut() {
    let usual = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/fixtures");
    let folder = std::env::var_os("PILLION_CORPUS").map_or_else(usual, PathBuf::from);
    let Ok(entries) = std::fs::read_dir(folder.join("bedrock/invoke-with-response-stream")) else {
        assert!(std::env::var_os("CI").is_none_or(|value| value != "true"), "{} is absent", folder.display());
        return;
    };
    let mut seen = 0;
    for entry in entries {
        let folder = entry.unwrap().path();
        let Ok(text) = std::fs::read(folder.join("response.eventstream.b64")) else { continue };
        let text: Vec<u8> = text.into_iter().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let stream = Bytes::from(base64::engine::general_purpose::STANDARD.decode(text).unwrap());
        let events = unwrap(&[stream.clone()]).unwrap();
        for cut in (0..stream.len()).step_by((stream.len() / 100).max(1)) {
            assert_eq!(unwrap(&[stream.slice(..cut), stream.slice(cut..)]).unwrap(), events, "{}", folder.display());
        }
        if events.first().is_some_and(|event| event.starts_with("event: message_start")) {
            let mut stream = crate::formats::StreamDecoder::new(WIRE, crate::formats::Restore::default());
            let mut out = Vec::new();
            let mut splitter = Splitter::new(Framing::Sse);
            for event in &events {
                let each = |piece: Bytes| stream.push(&sse::read(&piece), &mut out).unwrap();
                splitter.push(Bytes::copy_from_slice(event.as_bytes()), each).unwrap();
            }
            stream.finish(&mut out).unwrap();
            assert!(stream.usage().is_some_and(|usage| usage.input > 0 && usage.output > 0));
            seen += 1;
        }
    }
    assert!(seen >= 2, "{seen}");
}
