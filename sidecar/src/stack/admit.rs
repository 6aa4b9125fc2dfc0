//! Admission: every byte held for a call is taken from one budget, so that memory is bounded by refusal, not by the
//! kernel.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a call costs before its body: connection buffers, headers, stream state.
const CALL: u64 = 64 << 10;

/// A request body is held at most this many times over: the client's bytes, and the upstream's while they are sent.
const COPIES: u64 = 2;

/// What one JSON value costs while a body is parsed for translation, its key aside.
const VALUE: u64 = 72;

/// No request body is larger, however large the budget.
const LARGEST_BODY: u64 = 64 << 20;

/// The bytes that all calls of this process may hold together.
#[derive(Debug)]
pub(crate) struct Budget {
    total: u64,
    used: AtomicU64,
}

/// The call cannot be held now; it could later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exhausted;

impl Budget {
    pub(crate) fn new(total: u64) -> Arc<Self> {
        Arc::new(Self { total, used: AtomicU64::new(0) })
    }

    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The largest body that could ever be held: beyond it the answer is 413, not 503.
    pub(crate) fn largest_body(&self) -> u64 {
        (self.total.saturating_sub(CALL) / COPIES).min(LARGEST_BODY)
    }

    /// Admits a call without its body.
    pub(crate) fn admit(self: &Arc<Self>) -> Result<Permit, Exhausted> {
        let mut permit = Permit { budget: self.clone(), held: 0 };
        permit.grow(CALL)?;
        Ok(permit)
    }
}

/// What one call holds of the budget; given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<Budget>,
    held: u64,
}

impl Permit {
    /// Holds `bytes` more of the budget, or none of them.
    pub(crate) fn grow(&mut self, bytes: u64) -> Result<(), Exhausted> {
        let total = self.budget.total;
        let fits = |used: u64| used.checked_add(bytes).filter(|used| *used <= total);
        self.budget.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).map_err(|_| Exhausted)?;
        self.held += bytes;
        Ok(())
    }

    /// Holds `bytes` more of a request body.
    pub(crate) fn grow_body(&mut self, bytes: u64) -> Result<(), Exhausted> {
        self.grow(bytes * COPIES)
    }

    /// Holds what parsing this body for translation may take: a body of small values takes many times its length.
    pub(crate) fn grow_parsed(&mut self, body: &[u8]) -> Result<(), Exhausted> {
        let values = body.iter().filter(|byte| matches!(byte, b',' | b'{' | b'[')).count();
        self.grow(body.len() as u64 + values as u64 * VALUE)
    }
}

impl Permit {
    /// Gives back what the body took: it was sent, and no other attempt needs it.
    pub(crate) fn keep_call_only(&mut self) {
        let body = self.held.saturating_sub(CALL);
        self.budget.used.fetch_sub(body, Ordering::Relaxed);
        self.held -= body;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let budget = Budget::new(1 << 20);
        let mut permit = budget.admit().unwrap();
        permit.grow_body(1000).unwrap();
        assert_eq!(budget.used(), CALL + 2000);
        drop(permit);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn growth_beyond_the_budget_is_refused_and_takes_nothing() {
        let budget = Budget::new(CALL + 100);
        let mut permit = budget.admit().unwrap();
        assert_eq!(permit.grow(101), Err(Exhausted));
        assert_eq!(budget.used(), CALL);
        assert_eq!(permit.grow(u64::MAX), Err(Exhausted));
        assert!(permit.grow(100).is_ok());
        assert_eq!(budget.admit().unwrap_err(), Exhausted);
    }

    #[test]
    fn a_body_of_many_small_values_costs_what_they_take_parsed() {
        let budget = Budget::new(1 << 30);
        let mut permit = budget.admit().unwrap();
        permit.grow_parsed(&[b','; 1000]).unwrap();
        assert_eq!(budget.used(), CALL + 1000 + 72_000);
    }
}
