//! Latency of a batch as a table: any measured sizes, linear between them, never decreasing,
//! refused beyond the largest.
//!
//! Units: milliseconds in files, integer nanoseconds here.

use crate::units::Span;

/// The largest batch a table may reach: tables are kept dense.
pub const MAX_BATCH: u64 = 4096;

/// Latency by batch size, for every size from 1 to the largest measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyTable {
    /// `spans[b - 1]` is the latency of a batch of b.
    spans: Vec<Span>,
}

/// Why measured points are no latency table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No point at batch 1, so that small batches would be guessed.
    #[error("no row for batch 1")]
    NoBatchOne,
    /// Two points for one size.
    #[error("two rows for batch {0}")]
    Twice(u64),
}

impl LatencyTable {
    /// Interpolates measured (batch, latency) points. The flag says whether a latency had to be
    /// raised to that of a smaller batch: a larger batch never takes less time.
    pub fn new(mut points: Vec<(u64, Span)>) -> Result<(Self, bool), TableError> {
        points.sort_unstable();
        if points.first().is_none_or(|(batch, _)| *batch != 1) {
            return Err(TableError::NoBatchOne);
        }
        if let Some(pair) = points.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(TableError::Twice(pair[0].0));
        }
        let mut raised = false;
        for at in 1..points.len() {
            if points[at].1 < points[at - 1].1 {
                points[at].1 = points[at - 1].1;
                raised = true;
            }
        }
        let mut spans = vec![points[0].1];
        for pair in points.windows(2) {
            let ((b0, l0), (b1, l1)) = (pair[0], pair[1]);
            for batch in b0 + 1..=b1 {
                let part = u128::from(l1.0 - l0.0) * u128::from(batch - b0);
                let rounded = (part + u128::from(b1 - b0) / 2) / u128::from(b1 - b0);
                spans.push(l0 + Span(rounded as u64));
            }
        }
        Ok((Self { spans }, raised))
    }

    /// The same sizes, with L(b) = L(1) · (1 + eta · (b − 1)): what if batching were worth more,
    /// or less. `eta` = 1 means that a batch saves nothing.
    pub fn with_growth(&self, eta: f64) -> Self {
        let grown = |extra: usize| self.spans[0].scale(1.0 + eta * extra as f64);
        Self { spans: (0..self.spans.len()).map(grown).collect() }
    }

    /// The same sizes, each taking this many times as long; what takes time keeps taking some.
    pub fn scaled(&self, factor: f64) -> Self {
        let least = |span: &Span| span.0.min(1);
        let scaled = |span: &Span| Span(span.scale(factor).0.max(least(span)));
        Self { spans: self.spans.iter().map(scaled).collect() }
    }

    /// The table of what takes requests one at a time.
    pub fn one_by_one(latency: Span) -> Self {
        Self { spans: vec![latency] }
    }

    /// The latency of a batch of `batch` requests, 1 ≤ `batch` ≤ [`Self::max_batch`].
    ///
    /// # Panics
    /// Outside of that range; plans are validated before they get here.
    #[inline]
    pub fn latency(&self, batch: usize) -> Span {
        self.spans[batch - 1]
    }

    /// The largest batch that was measured.
    pub fn max_batch(&self) -> usize {
        self.spans.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growth_replaces_all_but_the_first() {
        let (table, _) = LatencyTable::new(vec![(1, Span(100)), (4, Span(500))]).unwrap();
        let grown = table.with_growth(0.25);
        let spans: Vec<u64> = (1..=4).map(|batch| grown.latency(batch).0).collect();
        assert_eq!(spans, [100, 125, 150, 175]);
    }

    #[test]
    fn between_points_it_is_linear_and_rounded() {
        let points = vec![(8, Span(2_200_000)), (1, Span(800_000))];
        let (table, raised) = LatencyTable::new(points).unwrap();
        assert!(!raised);
        for batch in 1..=8u64 {
            assert_eq!(table.latency(batch as usize), Span(600_000 + 200_000 * batch));
        }
        assert_eq!(table.max_batch(), 8);
    }

    #[test]
    fn dips_are_raised() {
        let points = vec![(1, Span(10)), (2, Span(8)), (4, Span(20))];
        let (table, raised) = LatencyTable::new(points).unwrap();
        assert!(raised);
        let spans: Vec<u64> = (1..=4).map(|b| table.latency(b).0).collect();
        assert_eq!(spans, [10, 10, 15, 20]);
    }

    #[test]
    fn holes_and_doubles_are_refused() {
        assert_eq!(LatencyTable::new(vec![(2, Span(1))]), Err(TableError::NoBatchOne));
        assert_eq!(LatencyTable::new(vec![]), Err(TableError::NoBatchOne));
        let twice = vec![(1, Span(1)), (1, Span(2))];
        assert_eq!(LatencyTable::new(twice), Err(TableError::Twice(1)));
    }
}
