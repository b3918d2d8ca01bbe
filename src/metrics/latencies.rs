//! Latencies of completed requests: exact up to a million, a histogram with three digits beyond.
//!
//! Memory: 8 bytes per request up to a million, then a histogram of constant size.

use super::histogram::Histogram;
use crate::core::units::{NS_PER_MS, Span};

/// Up to this many latencies are kept one by one.
pub const EXACT_LIMIT: usize = 1_000_000;

/// The quantiles of a latency distribution that a figure of it is drawn from.
pub const QUANTILES: [f64; 41] = {
    let mut q = [0.0; 41];
    let mut at = 0;
    while at < 38 {
        q[at] = at as f64 * 0.025;
        at += 1;
    }
    (q[38], q[39], q[40]) = (0.95, 0.99, 1.0);
    q
};

/// Latencies in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    exact: Vec<u64>,
    histogram: Option<Histogram>,
}

impl Latencies {
    #[inline]
    pub fn push(&mut self, latency: Span) {
        if let Some(histogram) = &mut self.histogram {
            histogram.record(latency.0);
            return;
        }
        self.exact.push(latency.0);
        if self.exact.len() > EXACT_LIMIT {
            self.spill();
        }
    }

    /// Adds the latencies of a batch.
    #[inline]
    pub fn extend(&mut self, latencies: impl ExactSizeIterator<Item = Span>) {
        match &mut self.histogram {
            Some(histogram) => histogram.extend(latencies.map(|latency| latency.0)),
            None => {
                self.exact.extend(latencies.map(|latency| latency.0));
                if self.exact.len() > EXACT_LIMIT {
                    self.spill();
                }
            }
        }
    }

    #[cold]
    fn spill(&mut self) {
        let mut histogram = Histogram::default();
        std::mem::take(&mut self.exact).into_iter().for_each(|latency| histogram.record(latency));
        self.histogram = Some(histogram);
    }

    /// Must be called before [`Self::quantile_ms`].
    pub fn sort(&mut self) {
        self.exact.sort_unstable();
    }

    /// A quantile in milliseconds; `None` if nothing completed.
    pub fn quantile_ms(&self, q: f64) -> Option<f64> {
        match &self.histogram {
            Some(histogram) => Some(histogram.quantile(q) as f64 / NS_PER_MS as f64),
            None => quantile_sorted(&self.exact, q).map(|ns| ns / NS_PER_MS as f64),
        }
    }

    /// How quantiles were found, for the column `percentile_method`.
    pub fn method(&self) -> &'static str {
        if self.histogram.is_some() { "hdr3" } else { "exact" }
    }
}

/// The quantile of sorted values by linear interpolation (type 7 of Hyndman and Fan 1996, the
/// default of R, numpy and pandas).
pub fn quantile_sorted(sorted: &[u64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let at = q.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (at.floor() as usize, at - at.floor());
    let (a, b) = (sorted[low] as f64, sorted[(low + 1).min(last)] as f64);
    Some(a + (b - a) * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_type_7() {
        let sorted = [1, 2, 3, 4];
        assert_eq!(quantile_sorted(&sorted, 0.5), Some(2.5));
        assert_eq!(quantile_sorted(&sorted, 0.95), Some(3.849_999_999_999_999_6));
        assert_eq!(quantile_sorted(&sorted, 1.0), Some(4.0));
        assert_eq!(quantile_sorted(&[], 0.5), None);
    }

    #[test]
    fn beyond_a_million_three_digits_hold() {
        let mut latencies = Latencies::default();
        for i in 0..=(EXACT_LIMIT as u64) {
            latencies.push(Span(1_000 + i));
        }
        assert_eq!(latencies.method(), "hdr3");
        assert!(latencies.exact.capacity() == 0);
        let p99 = latencies.quantile_ms(0.99).unwrap() * NS_PER_MS as f64;
        assert!((p99 / 991_000.0 - 1.0).abs() < 1e-3, "{p99}");
    }
}
