//! Conversations that Anthropic keeps: `thread` beside only the newest messages, as its SDKs' tool runners ask by
//! themselves. Anywhere else the conversation before them would be lost; told so, the SDKs send it whole.

use crate::error::BodyError;
use crate::{Envelope, Format, Outline, Wire};

/// By this code, within an error's `details`, the SDKs know that they must go on without threads.
pub(crate) const UNSUPPORTED: &str = "thread_unsupported_request";

/// Refuses a thread where it is not kept.
///
/// # Errors
/// A 400 with [`UNSUPPORTED`].
pub(crate) fn refuse(client: Format, body: &[u8], outline: &Outline, wire: Wire) -> Result<(), BodyError> {
    let kept = wire.format == Format::AnthropicMessages && wire.envelope == Envelope::None;
    if client != Format::AnthropicMessages || kept {
        return Ok(());
    }
    let asked = outline.members.get("thread")?.and_then(|member| body.get(member.value.clone()));
    if asked.is_none_or(|value| value.trim_ascii() == b"null") {
        return Ok(());
    }
    let message = "'thread' is only possible with Anthropic's own API: the conversation is kept there";
    Err(BodyError { code: Some(UNSUPPORTED.to_owned()), ..BodyError::field("thread", message) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorInfo, outline};
    use serde_json::json;

    #[test]
    fn a_thread_is_refused_in_words_by_which_sdks_go_on_without_it() {
        let refused = |body: &str, wire: Wire| {
            let outline = outline(Format::AnthropicMessages, body.as_bytes()).unwrap();
            refuse(Format::AnthropicMessages, body.as_bytes(), &outline, wire)
        };
        let cloud = Wire { format: Format::AnthropicMessages, envelope: Envelope::BedrockInvoke };
        for thread in [r#"{"type":"create"}"#, r#"{"type":"continue","previous_message_id":"m"}"#] {
            let body = format!(r#"{{"model":"m","messages":[],"thread":{thread}}}"#);
            for wire in [Format::OpenAIChat.into(), cloud] {
                let error = ErrorInfo::from(refused(&body, wire).unwrap_err());
                let told = crate::formats::anthropic::error_body(&error);
                assert_eq!(told["error"]["type"], "invalid_request_error");
                let details = json!({"error_code": "thread_unsupported_request", "unsupported": ["thread"]});
                assert_eq!(told["error"]["details"], details);
            }
            assert_eq!(refused(&body, Format::AnthropicMessages.into()), Ok(()));
        }
        assert_eq!(refused(r#"{"model":"m","thread":null}"#, cloud), Ok(()));
    }
}
