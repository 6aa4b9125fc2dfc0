//! What the sidecar's cost is held against: the ratio to nginx that a kind of case may have, and the verdict on it.
//!
//! A verdict is printed and written down, and fails nothing: time on a shared machine is no test. What fails a build is
//! the count of instructions (`tests/instructions.rs`), which no load can change.

use crate::cases::{Case, Traffic};
use crate::stats::{FEWEST, Median};
use serde::{Deserialize, Serialize};

/// A request whose bytes pass: one more parse than nginx, the splices, a log line, the metrics.
const RELAYED_REQUEST: f64 = 2.5;
/// A delta whose bytes pass: it is looked at, and sent on in the same wake-up.
const RELAYED_DELTA: f64 = 1.3;
/// A request of 1 KB and its reply, decoded from one format and encoded in another. Of larger prompts the ratio says how
/// long the prompt is, not how well it is translated: they have no target but the instructions' budget.
const TRANSLATED_REQUEST: f64 = 3.5;
/// A delta, decoded and encoded.
const TRANSLATED_DELTA: f64 = 2.0;

/// How a median stands to its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Verdict {
    /// The upper bound of the interval is within the target.
    Holds,
    /// The target is inside the interval, or there were too few pairs for one.
    Open,
    /// The lower bound of the interval is beyond the target.
    Missed,
}

/// The target of the sidecar in a case, where there is one.
pub(crate) fn of(case: &Case) -> Option<f64> {
    match (case.traffic, case.relays()) {
        (Traffic::Requests { .. }, true) => Some(RELAYED_REQUEST),
        (Traffic::Streams { .. }, true) => Some(RELAYED_DELTA),
        (Traffic::Requests { prompt, .. }, false) if prompt <= 1024 => Some(TRANSLATED_REQUEST),
        (Traffic::Streams { .. }, false) => Some(TRANSLATED_DELTA),
        _ => None,
    }
}

/// Says whether `ratio` shows that `target` holds.
pub(crate) fn verdict(ratio: &Median, target: f64) -> Verdict {
    if ratio.values < FEWEST {
        Verdict::Open
    } else if ratio.high <= target {
        Verdict::Holds
    } else if ratio.low > target {
        Verdict::Missed
    } else {
        Verdict::Open
    }
}

impl Verdict {
    /// A word for the table.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Open => "open",
            Self::Missed => "missed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::choose;

    #[test]
    fn a_target_holds_when_the_upper_bound_does() {
        let ratio = |low, high, values| Median { median: f64::midpoint(low, high), low, high, values };
        for (low, high, values, expected) in [
            (1.9, 2.5, 20, Verdict::Holds),
            (2.0, 2.6, 20, Verdict::Open),
            (2.5, 2.5, 20, Verdict::Holds),
            (2.51, 2.9, 20, Verdict::Missed),
            (1.0, 1.1, 5, Verdict::Open),
            (f64::NAN, f64::NAN, 20, Verdict::Open),
        ] {
            assert_eq!(verdict(&ratio(low, high, values), 2.5), expected, "{low}–{high} of {values}");
        }
    }

    #[test]
    fn targets_follow_what_is_done_with_the_bytes() {
        let target = |name: &str| {
            let cases = choose(&[name.to_owned()]).unwrap();
            of(cases.iter().find(|case| case.name == name).unwrap())
        };
        assert_eq!(target("openai-1k"), Some(2.5));
        assert_eq!(target("openai-stream-100"), Some(1.3));
        assert_eq!(target("anthropic-to-openai-1k"), Some(3.5));
        assert_eq!(target("openai-to-anthropic-50k"), None);
        assert_eq!(target("openai-to-anthropic-stream-100"), Some(2.0));
        assert_eq!(target("memory"), None);
        assert_eq!(target("start"), None);
    }
}
