//! How long a credential lasts, told by the clock that cannot jump, whatever the time of day here and there.

use super::clock::seconds_between;
use super::error::{ExchangeError, Pace};
use http::{HeaderMap, header};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A credential is not used in its last seconds, or the last tenth of a short life: the request has still to arrive.
pub(crate) const MARGIN: Duration = Duration::from_secs(10);

/// Where clocks differ by less, ours is believed.
pub(crate) const BELIEVED: i64 = 60;

/// No credential is believed to last longer.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);

/// When a credential ends, as its issuer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// So long after it was issued; negative where it had ended by then.
    In(i64),
    /// At this time of day.
    At(SystemTime),
}

/// When a reply was asked for, when it came, and what its issuer's clock said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) asked: Instant,
    pub(crate) answered: Instant,
    /// Our time of day when it came.
    pub(crate) wall: SystemTime,
    /// The issuer's, from its `Date` header.
    pub(crate) date: Option<SystemTime>,
}

impl Received {
    /// The issuer's clock minus ours in seconds, where it says and they differ.
    pub(crate) fn skew(&self) -> Option<i64> {
        let skew = seconds_between(self.date?, self.wall);
        (skew.abs() > BELIEVED).then_some(skew)
    }

    /// Seconds that are left of a credential; negative where none are.
    pub(crate) fn left(&self, expiry: Expiry) -> i64 {
        match expiry {
            Expiry::In(seconds) => seconds,
            Expiry::At(end) => seconds_between(end, self.wall).saturating_sub(self.skew().unwrap_or_default()),
        }
    }

    /// When the credential must no longer be used; an error where that is now. A relative time counts from the middle
    /// of the exchange: the issuer looked at its clock between our question and its answer.
    pub(crate) fn deadline(&self, expiry: Expiry) -> Result<Instant, ExchangeError> {
        let left = u64::try_from(self.left(expiry)).unwrap_or_default();
        let left = Duration::from_secs(left).min(LONGEST);
        if left <= MARGIN {
            let what = format!("a credential came that lasts {} s", self.left(expiry));
            return Err(ExchangeError::new("expired_on_arrival", Pace::Soon, what));
        }
        let travelled = self.answered.saturating_duration_since(self.asked);
        let counted_from = match expiry {
            Expiry::In(_) => self.answered.checked_sub(travelled / 2).unwrap_or(self.answered),
            Expiry::At(_) => self.answered,
        };
        Ok(counted_from + left)
    }
}

/// The issuer's time of day; none in a reply out of a cache, which is of another time.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    if headers.contains_key(header::AGE) {
        return None;
    }
    httpdate::parse_http_date(headers.get(header::DATE)?.to_str().ok()?).ok()
}

/// How long to wait, from `Retry-After`: seconds, or a date by the issuer's own clock.
pub(crate) fn retry_after(headers: &HeaderMap, wall: SystemTime) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let until = httpdate::parse_http_date(text).ok()?;
            u64::try_from(seconds_between(until, date(headers).unwrap_or(wall))).ok()?
        }
    };
    Some(Duration::from_secs(seconds))
}

/// A number of seconds, which some services write as a string and some with a fraction.
pub(crate) fn seconds(value: &Value) -> Option<i64> {
    match value {
        // A float casts to the nearest whole number there is.
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|float| float as i64)),
        Value::String(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<f64>().ok().filter(|float| float.is_finite()).map(|f| f as i64))
        }
        _ => None,
    }
}

/// A point in time as RFC 3339 writes it.
pub(crate) fn timestamp(text: &str) -> Option<SystemTime> {
    text.trim().parse::<Timestamp>().ok().map(SystemTime::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_800_000_000;

    fn at(seconds: i64) -> SystemTime {
        let seconds = NOW.checked_add_signed(seconds).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_deadline_is_told_by_the_clock_that_cannot_jump() {
        let asked = Instant::now();
        let answered = asked + Duration::from_secs(4);
        let none = None;
        for (expiry, date, expected) in [
            (Expiry::In(3600), none, Some(3602)),
            (Expiry::In(3600), Some(at(600)), Some(3602)),
            (Expiry::At(at(3600)), none, Some(3604)),
            (Expiry::At(at(3600)), Some(at(30)), Some(3604)),
            (Expiry::At(at(3600)), Some(at(600)), Some(3004)),
            (Expiry::At(at(3600)), Some(at(-600)), Some(4204)),
            (Expiry::At(at(300)), Some(at(600)), None),
            (Expiry::In(0), none, None),
            (Expiry::In(10), none, None),
            (Expiry::In(-5), none, None),
            (Expiry::In(i64::MIN), none, None),
            (Expiry::In(i64::MAX), none, Some(7 * 24 * 3600 + 2)),
            (Expiry::At(SystemTime::UNIX_EPOCH), none, None),
        ] {
            let received = Received { asked, answered, wall: at(0), date };
            let deadline = received.deadline(expiry).ok().map(|deadline| (deadline - asked).as_secs());
            assert_eq!(deadline, expected, "{expiry:?} {date:?}");
        }
    }

    #[test]
    fn seconds_are_read_as_services_write_them() {
        for (value, expected) in [
            (json!(3599), Some(3599)),
            (json!("86399"), Some(86399)),
            (json!(" 86399 "), Some(86399)),
            (json!(3599.9), Some(3599)),
            (json!("3599.5"), Some(3599)),
            (json!(-1), Some(-1)),
            (json!(u64::MAX), Some(i64::MAX)),
            (json!("NaN"), None),
            (json!("soon"), None),
            (json!(null), None),
        ] {
            assert_eq!(seconds(&value), expected, "{value}");
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_by_the_issuers_clock() {
        let headers = |pairs: &[(&'static str, String)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        };
        let date = |seconds| httpdate::fmt_http_date(at(seconds));
        for (pairs, expected) in [
            (vec![("retry-after", "120".to_owned())], Some(120)),
            (vec![("retry-after", date(30))], Some(30)),
            (vec![("retry-after", date(630)), ("date", date(600))], Some(30)),
            (vec![("retry-after", date(-30))], None),
            (vec![("retry-after", "later".to_owned())], None),
            (vec![], None),
        ] {
            let found = retry_after(&headers(&pairs), at(0)).map(|wait| wait.as_secs());
            assert_eq!(found, expected, "{pairs:?}");
        }
    }

    #[test]
    fn timestamps_are_read_with_fractions_and_offsets() {
        for (text, expected) in [
            ("2027-01-15T08:00:00Z", Some(at(0))),
            ("2027-01-15T08:00:00.000Z", Some(at(0))),
            ("2027-01-15T10:00:00+02:00", Some(at(0))),
            ("2027-01-15", None),
            ("", None),
        ] {
            assert_eq!(timestamp(text), expected, "{text}");
        }
    }
}
