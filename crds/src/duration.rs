//! Durations as Gateway API writes them: `10s`, `1m30s`, `250ms`.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A duration string of GEP-2257: one to four pairs of a number (at most five digits) and `h`, `m`, `s` or `ms`.
/// <https://gateway-api.sigs.k8s.io/geps/gep-2257/>
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(pub String);

/// A string that is not a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseDurationError(String);

impl std::fmt::Display for ParseDurationError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}' is not a duration such as 10s, 1m30s or 250ms", self.0)
    }
}

impl std::error::Error for ParseDurationError {}

impl Duration {
    /// The pattern that the API server holds it to.
    pub const PATTERN: &'static str = "^([0-9]{1,5}(h|ms|m|s)){1,4}$";

    /// Length in milliseconds.
    ///
    /// # Errors
    /// The string does not follow [`Self::PATTERN`]: possible offline and in objects stored under another schema.
    pub fn milliseconds(&self) -> Result<u64, ParseDurationError> {
        let error = || ParseDurationError(self.0.chars().take(40).collect());
        let (mut rest, mut total, mut pairs) = (self.0.as_str(), 0u64, 0);
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u64 = rest[..digits].parse().map_err(|_| error())?;
            rest = &rest[digits..];
            let (unit, scale) = [("ms", 1), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)]
                .into_iter()
                .find(|(unit, _)| rest.starts_with(unit))
                .ok_or_else(error)?;
            rest = &rest[unit.len()..];
            total += number * scale;
            pairs += 1;
            if digits > 5 || pairs > 4 {
                return Err(error());
            }
        }
        if pairs == 0 { Err(error()) } else { Ok(total) }
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "maxLength": 32, "pattern": Self::PATTERN})
    }
}
