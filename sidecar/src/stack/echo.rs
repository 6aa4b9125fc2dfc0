//! Providers that answer here, without any upstream.

use super::respond::Answer;
use crate::error::Cause;
use bytes::Bytes;
use pillion_llm::{Format, Outline};

/// The local provider's answer.
pub(crate) fn answer(format: Format, body: &Bytes, outline: &Outline) -> Result<Answer, Cause> {
    let answer = pillion_llm::echo(format, body, outline).map_err(|error| Cause::BadRequest(Box::new(error.into())))?;
    Ok(Answer::ready(answer.content_type, answer.chunks, Some(answer.usage)))
}
