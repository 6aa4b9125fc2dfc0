//! Why an answer ended.

use crate::model::{Finish, FinishKind};
use crate::{ErrorInfo, ErrorKind};
use serde_json::Value;

/// The word of a `finishReason`; servers asked for numbers in the place of enums give those.
pub(super) fn word(reason: &Value) -> Option<String> {
    let word = match reason {
        Value::String(word) => word,
        Value::Number(number) => match number.as_u64()? {
            0 => return None,
            1 => "STOP",
            2 => "MAX_TOKENS",
            3 => "SAFETY",
            4 => "RECITATION",
            _ => "OTHER",
        },
        _ => return None,
    };
    Some(word.to_owned())
}

/// A `finishReason`. A call says `STOP` like any other answer. One of tomorrow ends the answer too.
pub(super) fn read(reason: &str, calls: bool) -> Finish {
    let kind = match reason {
        "MAX_TOKENS" | "CONTINUATION" => FinishKind::Length,
        "SAFETY"
        | "RECITATION"
        | "LANGUAGE"
        | "BLOCKLIST"
        | "PROHIBITED_CONTENT"
        | "SPII"
        | "MODEL_ARMOR"
        | "IMAGE_SAFETY"
        | "IMAGE_PROHIBITED_CONTENT"
        | "IMAGE_RECITATION"
        | "ESCALATION" => FinishKind::Refusal,
        _ if calls => FinishKind::ToolCalls,
        _ => FinishKind::Stop,
    };
    Finish::new(kind, reason)
}

/// What a finish is when nothing but thoughts was produced before it: reasons that are failures of the model are errors.
pub(super) fn failure(reason: &str, message: Option<&str>) -> Option<ErrorInfo> {
    let failed = matches!(
        reason,
        "MALFORMED_FUNCTION_CALL"
            | "UNEXPECTED_TOOL_CALL"
            | "TOO_MANY_TOOL_CALLS"
            | "MISSING_THOUGHT_SIGNATURE"
            | "MALFORMED_RESPONSE"
            | "OTHER"
            | "IMAGE_OTHER"
            | "NO_IMAGE"
    );
    failed.then(|| {
        let message = match message {
            Some(message) => format!("the model gave no answer ({reason}): {message}"),
            None => format!("the model gave no answer ({reason})"),
        };
        ErrorInfo { status: 502, ..ErrorInfo::new(ErrorKind::Server, message).with_code(reason) }
    })
}

/// The name of the words about a finish, where they are told to nobody.
pub(super) const MESSAGE: &str = "candidates[].finishMessage";

/// Whether the words about a finish are lost: those about an answer that is complete say nothing.
pub(super) fn is_lost(reason: &str, message: Option<&str>) -> bool {
    reason != "STOP" && message.is_some_and(|message| !message.is_empty())
}

/// The finish of a prompt that was blocked, and the vendor's words for it.
pub(super) fn blocked(feedback: &Value) -> (Finish, Option<String>) {
    let reason = feedback.get("blockReason").and_then(Value::as_str).unwrap_or("BLOCK_REASON_UNSPECIFIED");
    let message = feedback.get("blockReasonMessage").and_then(Value::as_str);
    (Finish::new(FinishKind::Refusal, reason), message.map(str::to_owned))
}

/// The `finishReason` of an answer that came in another format.
pub(super) fn write(kind: FinishKind) -> &'static str {
    match kind {
        FinishKind::Stop | FinishKind::StopSequence | FinishKind::ToolCalls | FinishKind::Pause => "STOP",
        FinishKind::Length | FinishKind::ContextFull => "MAX_TOKENS",
        FinishKind::Refusal => "SAFETY",
    }
}
