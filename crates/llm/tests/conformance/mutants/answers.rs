//! What a reply says in the neutral model, line by line.

use pillion_llm::formats::decode_reply;
use pillion_llm::model::{Answer, Part, PartKind, Report};
use pillion_llm::{Format, formats::Restore};
use serde_json::Value;

/// The lines of a reply; none where it is no reply.
pub(super) fn lines(format: Format, reply: &Value) -> Vec<String> {
    let answer = decode_reply(format, reply.clone(), &Restore::default(), &mut Report::default());
    answer.map(said).unwrap_or_default()
}

fn said(answer: Answer) -> Vec<String> {
    let Answer { id, model, created, parts, finish, usage, service_tier, logprobs } = answer;
    let mut lines = vec![
        format!("id {id}"),
        format!("model {model}"),
        format!("created {created:?}"),
        format!("finish {:?}", finish.kind),
        format!("stop {:?}", finish.stop_sequence),
        format!("tier {service_tier:?}"),
    ];
    if let Some(usage) = usage {
        let counts = [usage.input, usage.output, usage.cached_input, usage.cache_creation, usage.reasoning];
        lines.extend(
            ["input", "output", "cached", "created", "reasoning"]
                .iter()
                .zip(counts)
                .map(|(name, count)| format!("{name} {count}")),
        );
    }
    for token in logprobs {
        lines.push(format!("token {} {}", token["token"], token["logprob"]));
    }
    for (at, part) in parts.iter().enumerate() {
        lines.push(format!("part {at} {}", kind(part)));
        let signature = match &part.kind {
            PartKind::Thinking { signature, .. } => signature.as_deref().or(part.signature.as_deref()),
            PartKind::RedactedThinking(data) => Some(data.as_str()),
            _ => part.signature.as_deref(),
        };
        // Of another vendor's signature the name is before it.
        lines.extend(signature.map(|signature| format!("signed {}", signature.rsplit(':').next().unwrap_or_default())));
        for (nth, citation) in part.citations.iter().enumerate() {
            lines.push(format!("url {nth} {:?}", citation.url));
            lines.push(format!("title {nth} {:?}", citation.title));
            lines.push(format!("cited {nth} {:?}", citation.cited));
            lines.push(format!("range {nth} {:?}", citation.range));
        }
    }
    lines
}

fn kind(part: &Part) -> String {
    match &part.kind {
        PartKind::ToolCall { id, name, arguments } => {
            let mut arguments = Value::Object(arguments.clone().into_object().unwrap_or_default());
            arguments.sort_all_objects();
            format!("call {id} {name} {arguments}")
        }
        PartKind::Thinking { text, .. } => format!("thinking {text}"),
        PartKind::RedactedThinking(_) => "thinking that is not shown".to_owned(),
        kind => format!("{kind:?}"),
    }
}
