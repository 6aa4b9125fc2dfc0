//! Medians and their intervals, without an assumption on the distribution.

/// A median and the 95 % interval around it.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Median {
    /// The median.
    pub(crate) median: f64,
    /// Lower bound of the interval.
    pub(crate) low: f64,
    /// Upper bound of the interval.
    pub(crate) high: f64,
}

/// The median of `values` with the interval of order statistics that holds it with 95 %: ranks
/// n/2 ∓ 0.98·√n, from the binomial distribution.
pub(crate) fn median(values: &[f64]) -> Median {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if n == 0 {
        return Median { median: f64::NAN, low: f64::NAN, high: f64::NAN };
    }
    let middle = f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]);
    let half = 0.98 * (n as f64).sqrt();
    let low = ((n as f64 / 2.0 - half).floor().max(0.0)) as usize;
    let high = ((n as f64 / 2.0 + half).ceil() as usize).min(n - 1);
    Median { median: middle, low: sorted[low], high: sorted[high] }
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
    fn the_interval_of_twenty_values_is_that_of_the_binomial_table() {
        let values: Vec<f64> = (1..=20).map(f64::from).collect();
        assert_eq!(median(&values), Median { median: 10.5, low: 6.0, high: 16.0 });
    }

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let mut values: Vec<f64> = (0..=100).rev().map(f64::from).collect();
        assert_eq!(quantile(&mut values, 0.99), 99.0);
        assert!(quantile(&mut [], 0.5).is_nan());
    }
}
