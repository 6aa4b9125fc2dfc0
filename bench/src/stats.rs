//! Medians and their intervals, without an assumption on the distribution.

use serde::{Deserialize, Serialize};

/// A median and the 95 % interval around it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Median {
    /// The median.
    pub(crate) median: f64,
    /// Lower bound of the interval; of fewer than six values, the least.
    pub(crate) low: f64,
    /// Upper bound of the interval; of fewer than six values, the greatest.
    pub(crate) high: f64,
    /// How many values there were.
    pub(crate) values: usize,
}

/// Of fewer values, not even the least and the greatest hold the median between them with 95 %.
pub(crate) const FEWEST: usize = 6;

/// The median of `values` with the narrowest interval of order statistics that holds it with at least 95 %; none of no
/// values.
pub(crate) fn median(values: &[f64]) -> Option<Median> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let last = n.checked_sub(1)?;
    let out = outside(n);
    let median = f64::midpoint(sorted[last / 2], sorted[n / 2]);
    Some(Median { median, low: sorted[out], high: sorted[last - out], values: n })
}

/// How many of `n` sorted values may be left off at each end: the most, k, for which at most k of n throws of a coin are
/// heads (so many values lie below the true median) no more often than 2.5 %.
fn outside(n: usize) -> usize {
    // Of exactly k heads, and of at most k.
    let mut exactly = 0.5f64.powf(n as f64);
    let (mut at_most, mut k) = (exactly, 0);
    while 2 * k + 2 < n {
        exactly *= (n - k) as f64 / (k + 1) as f64;
        at_most += exactly;
        if at_most > 0.025 {
            break;
        }
        k += 1;
    }
    k
}

/// The value below which `share` (0…1) of `values` lie.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = ((values.len() as f64 - 1.0) * share).round().max(0.0) as usize;
    values.get(at).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_those_of_the_binomial_table() {
        // Ranks of the 95 % interval of a median, as tables of the sign test print them.
        for (n, low, high) in
            [(6, 1, 6), (8, 1, 8), (9, 2, 8), (10, 2, 9), (15, 4, 12), (20, 6, 15), (25, 8, 18), (50, 18, 33)]
        {
            let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            let found = median(&values).unwrap();
            assert_eq!((found.low, found.high), (f64::from(low), f64::from(high)), "{n} values");
            assert_eq!(found.median, f64::from(n + 1) / 2.0);
        }
    }

    #[test]
    fn few_values_lie_between_the_least_and_the_greatest() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]).unwrap(), Median { median: 3.0, low: 3.0, high: 3.0, values: 1 });
        assert_eq!(median(&[9.0, 1.0, 4.0]).unwrap(), Median { median: 4.0, low: 1.0, high: 9.0, values: 3 });
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let mut values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.99), 99.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
