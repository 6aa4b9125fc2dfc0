//! The time of day, which can be wrong and can jump. How long something lasts is told by tokio's clock instead.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

/// Tells the time of day.
#[derive(Clone)]
pub(crate) struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// The machine's.
    pub(crate) fn system() -> Self {
        Self(Arc::new(SystemTime::now))
    }

    #[cfg(test)]
    pub(crate) fn of(time: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(time))
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// `a - b` in seconds; negative where `a` is earlier.
pub(crate) fn seconds_between(a: SystemTime, b: SystemTime) -> i64 {
    let whole = |duration: std::time::Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match a.duration_since(b) {
        Ok(later) => whole(later),
        Err(earlier) => -whole(earlier.duration()),
    }
}

/// `time` moved by seconds, as far as it can be told.
pub(crate) fn shifted(time: SystemTime, seconds: i64) -> SystemTime {
    let by = std::time::Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 { time.checked_sub(by) } else { time.checked_add(by) };
    moved.unwrap_or(time)
}
