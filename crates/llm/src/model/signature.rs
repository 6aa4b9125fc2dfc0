//! Signatures over thinking, away from home: a format that demands one gets a wrapped one, which says where the
//! thinking came from, and which is unwrapped for its own format only.

use crate::Format;

/// No vendor's signature holds a colon: they are base64.
pub(crate) const MARK: &str = "pillion:";
/// The mark where a format takes signatures in base64 only: the first letters of it, whatever follows.
pub(crate) const MARK_BASE64: &str = "cGlsbGlvbj";

/// The signature to give to a format that is not `origin`.
pub(crate) fn wrap_signature(origin: Format, signature: Option<&str>) -> String {
    format!("{MARK}{origin}:{}", signature.unwrap_or_default())
}

/// The origin and the bare signature of one that was wrapped.
pub(crate) fn unwrap_signature(signature: &str) -> Option<(Format, Option<&str>)> {
    let (origin, bare) = signature.strip_prefix(MARK)?.split_once(':')?;
    let origin = Format::ALL.iter().copied().find(|format| format.as_str() == origin)?;
    Some((origin, (!bare.is_empty()).then_some(bare)))
}

/// Whether a body may hold a wrapped signature. Cheap; text that only looks like one is no harm.
pub(crate) fn has_foreign_signature(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"\"pillion:").is_some() || memchr::memmem::find(body, b"\"cGlsbGlvbj").is_some()
}
