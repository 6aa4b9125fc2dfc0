//! Kubernetes quantities (`10m`, `128Mi`, `1e3`), parsed only to be compared.

/// An amount in billionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// Parses a non-negative quantity; `None` where the API server would refuse it. Parts below a billionth are
    /// dropped.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, suffix) = text.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let mantissa: i128 = digits.parse().ok()?;
        let scaled = mantissa.checked_mul(multiplier(suffix)?)?;
        let divisor = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
        Some(Self(scaled / divisor))
    }

    /// Reads a quantity as it may stand in JSON: a string or a plain number.
    #[must_use]
    pub fn of(value: &serde_json::Value) -> Option<Self> {
        match value {
            serde_json::Value::String(text) => Self::parse(text),
            serde_json::Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }
}

fn multiplier(suffix: &str) -> Option<i128> {
    let binary = |power: u32| NANO.checked_mul(1024_i128.pow(power));
    match suffix {
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "" => Some(NANO),
        "k" => Some(NANO * 1_000),
        "M" => Some(NANO * 1_000_000),
        "G" => Some(NANO * NANO),
        "T" => Some(NANO * NANO * 1_000),
        "P" => Some(NANO * NANO * 1_000_000),
        "E" => Some(NANO * NANO * NANO),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            10_i128.checked_pow(u32::try_from(power.checked_add(9)?).ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn equal(one: &str, other: &str) {
        assert!(Quantity::parse(one).is_some(), "{one}");
        assert_eq!(Quantity::parse(one), Quantity::parse(other));
    }

    #[test]
    fn quantities_are_compared_by_what_they_mean() {
        equal("1", "1000m");
        equal("0.5", "500m");
        equal("1Ki", "1024");
        equal("1.5Gi", "1536Mi");
        equal("1e3", "1k");
        equal("1E", "1e18");
        equal(".5", "500m");
        assert!(Quantity::parse("129Mi") > Quantity::parse("128Mi"));
    }

    #[test]
    fn what_is_no_quantity_is_none() {
        for text in ["", "m", "lots", "1 Gi", "-1", "1.2.3", "1Zi", "e3", "99999999999999999999999999999999999999999E"]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }
}
