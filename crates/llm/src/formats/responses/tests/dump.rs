//! scratch
use super::*;
use crate::formats::{ReplyContext, Restore, StreamDecoder as D, StreamEncoder as E};
use crate::framing::{self, Framing, Splitter};
use bytes::Bytes;
use std::io::Write;
use std::sync::Arc;

const G: &[(&str, Format)] = &[
    ("openai/chat-completions", Format::OpenAIChat),
    ("groq/chat-completions", Format::OpenAIChat),
    ("mistral/chat-completions", Format::OpenAIChat),
    ("deepseek/chat-completions", Format::OpenAIChat),
    ("openrouter/chat-completions", Format::OpenAIChat),
    ("xai/chat-completions", Format::OpenAIChat),
    ("anthropic/messages", Format::AnthropicMessages),
    ("openai/responses", Format::OpenAIResponses),
    ("azure_openai/responses", Format::OpenAIResponses),
    ("xai/responses", Format::OpenAIResponses),
    ("deepseek/responses", Format::OpenAIResponses),
    ("bedrock/mantle-responses", Format::OpenAIResponses),
];

#[test]
fn dump() {
    let Some(out) = std::env::var_os("DUMP") else { return };
    let mut out = std::fs::File::create(out).unwrap();
    for (group, format) in G {
        let root = std::path::Path::new("/work/shared/fixtures").join(group);
        let mut dirs: Vec<_> = std::fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
        dirs.sort();
        for dir in dirs {
            let id = format!("{group}/{}", dir.file_name().unwrap().to_string_lossy());
            let meta: Value = serde_json::from_slice(&std::fs::read(dir.join("meta.json")).unwrap()).unwrap();
            let ok = meta["status"].as_u64().unwrap_or(200) == 200;
            let req: Option<Value> =
                std::fs::read(dir.join("request.json")).ok().map(|b| serde_json::from_slice(&b).unwrap());
            let mut repeated_request = None;
            if let Some(req) = &req {
                for to in [Format::OpenAIChat, Format::OpenAIResponses, Format::AnthropicMessages] {
                    if to == *format {
                        continue;
                    }
                    let line = match try_request(*format, to, req.clone()) {
                        Ok((body, report)) => {
                            json!({"id": id, "what": "request", "to": to.as_str(), "in": req, "body": body, "dropped": report.dropped, "approx": report.approximated})
                        }
                        Err(e) => {
                            json!({"id": id, "what": "refused", "to": to.as_str(), "in": req, "error": e.message, "param": e.param})
                        }
                    };
                    writeln!(out, "{line}").unwrap();
                    if to == Format::OpenAIResponses {
                        repeated_request = line.get("body").cloned();
                    }
                }
            }
            if !ok {
                continue;
            }
            let clients: &[Format] = if *format == Format::OpenAIResponses {
                &[Format::OpenAIChat, Format::AnthropicMessages]
            } else {
                &[Format::OpenAIResponses]
            };
            for client in clients {
                let request = repeated_request
                    .clone()
                    .and_then(|r| r.as_object().cloned())
                    .map(|r| Arc::new(repeated(r).unwrap()));
                let context = ReplyContext {
                    origin: *format,
                    now: 1_800_000_000,
                    show_usage: true,
                    framing: Framing::Sse,
                    request,
                    model: "asked".to_owned(),
                };
                if let Ok(b) = std::fs::read(dir.join("response.json")) {
                    let reply: Value = serde_json::from_slice(&b).unwrap();
                    let mut report = Report::default();
                    let line = match formats::decode_reply(*format, reply.clone(), &Restore::default(), &mut report) {
                        Ok(answer) => {
                            let body = formats::encode_reply(*client, answer, &context, &mut report);
                            json!({"id": id, "what": "reply", "to": client.as_str(), "in": reply, "body": body, "dropped": report.dropped})
                        }
                        Err(e) => json!({"id": id, "what": "fault", "error": e.to_string()}),
                    };
                    writeln!(out, "{line}").unwrap();
                }
                if let Ok(b) = std::fs::read(dir.join("response.sse")) {
                    let mut d = D::new(*format, Restore::default());
                    let mut e = E::new(*client, context.clone());
                    let mut s = Splitter::new(Framing::Sse);
                    let mut frames = Vec::new();
                    s.push(Bytes::from(b), |f| frames.push(f)).unwrap();
                    let mut bytes = Vec::new();
                    let mut fault = None;
                    let mut run = |events: Vec<crate::model::Event>, bytes: &mut Vec<Bytes>| {
                        for ev in events {
                            e.push(ev, bytes)
                        }
                    };
                    for f in frames {
                        let mut evs = Vec::new();
                        if let Err(x) = d.push(&framing::read(Framing::Sse, &f).unwrap(), &mut evs) {
                            fault = Some(x.to_string());
                        }
                        run(evs, &mut bytes);
                    }
                    let mut evs = Vec::new();
                    if let Err(x) = d.finish(&mut evs) {
                        fault = Some(x.to_string());
                    }
                    run(evs, &mut bytes);
                    let events: Vec<Value> = bytes
                        .iter()
                        .flat_map(|b| {
                            let mut all = Vec::new();
                            Splitter::new(Framing::Sse)
                                .push(b.clone(), |f| {
                                    if let Some(d) = framing::sse::read(&f).data {
                                        all.push(serde_json::from_slice(&d).unwrap_or(json!("[DONE]")))
                                    }
                                })
                                .unwrap();
                            all
                        })
                        .collect();
                    writeln!(
                        out,
                        "{}",
                        json!({"id": id, "what": "stream", "to": client.as_str(), "events": events, "fault": fault})
                    )
                    .unwrap();
                }
            }
        }
    }
}
