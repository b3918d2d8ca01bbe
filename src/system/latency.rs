//! Latency of a batch: measured points, and the table that is fitted to them, with a latency for
//! every size up to the largest measured. Between two sizes it is on the straight line.
//!
//! Measured points scatter, and a larger batch that seems faster is most often noise:
//!
//! | fit | what it does |
//! |---|---|
//! | `isotonic` | the non-decreasing points nearest to those measured, by least squares |
//! | `as-measured` | nothing: a larger batch may take less time than a smaller one |
//! | `running-max` | each point is raised to the highest of a smaller batch |
//!
//! Least squares among non-decreasing sequences: pool adjacent violators (Ayer, Brunk, Ewing, Reid,
//! Silverman, Annals of Mathematical Statistics 1955). The weight of a point is its number of
//! timings, if that is known, else 1. O(points).
//!
//! Units: milliseconds in files, integer nanoseconds here.

use crate::core::units::Span;

/// The largest batch a table may reach: tables are kept dense.
pub const MAX_BATCH: u64 = 4096;
/// The most timings of a point: weighted sums fit 128 bits.
pub const MAX_COUNT: u64 = 1_000_000;

/// How a table is fitted to measured points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LatencyFit {
    /// The nearest non-decreasing points.
    #[default]
    Isotonic,
    /// The points themselves.
    AsMeasured,
    /// The highest point so far.
    RunningMax,
}

impl LatencyFit {
    /// Every fit with its name; the first is the default.
    pub const ALL: [(&'static str, Self); 3] = [
        ("isotonic", Self::Isotonic),
        ("as-measured", Self::AsMeasured),
        ("running-max", Self::RunningMax),
    ];

    /// The name in experiments.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, fit)| *fit == self).map_or("", |(name, _)| name)
    }
}

/// A measured point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LatencyPoint {
    /// Requests in the batch.
    pub batch: u64,
    /// Time from its start to its end.
    pub latency: Span,
    /// The number of timings, 1 to [`MAX_COUNT`].
    pub count: u64,
}

/// Measured latencies by batch size, of 1 and any larger sizes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyPoints {
    /// Smallest batch first.
    points: Vec<LatencyPoint>,
}

/// A measured point that a fit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FitChange {
    /// Requests in the batch.
    pub batch: u64,
    /// As measured.
    pub from: Span,
    /// As fitted.
    pub to: Span,
}

impl FitChange {
    /// The change as a share of what was measured.
    pub fn ratio(self) -> f64 {
        self.to.0 as f64 / self.from.0 as f64 - 1.0
    }
}

/// Why measured points are no latency table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// No point at batch 1, so that small batches would be guessed.
    #[error("no row for batch 1")]
    NoBatchOne,
    /// Two points of one size.
    #[error("two rows for batch {0}")]
    Twice(u64),
}

impl LatencyPoints {
    /// Points of (batch, latency) with equal weights.
    ///
    /// # Errors
    /// No point for batch 1, or two for one size.
    pub fn new(points: Vec<(u64, Span)>) -> Result<Self, TableError> {
        let point = |(batch, latency)| LatencyPoint { batch, latency, count: 1 };
        Self::counted(points.into_iter().map(point).collect())
    }

    /// Points weighted by their numbers of timings.
    ///
    /// # Errors
    /// No point for batch 1, or two for one size.
    pub fn counted(mut points: Vec<LatencyPoint>) -> Result<Self, TableError> {
        points.sort_unstable();
        if points.first().is_none_or(|point| point.batch != 1) {
            return Err(TableError::NoBatchOne);
        }
        match points.windows(2).find(|pair| pair[0].batch == pair[1].batch) {
            Some(pair) => Err(TableError::Twice(pair[0].batch)),
            None => Ok(Self { points }),
        }
    }

    /// The points of a variant that takes requests one at a time.
    pub fn one_by_one(latency: Span) -> Self {
        Self { points: vec![LatencyPoint { batch: 1, latency, count: 1 }] }
    }

    /// The points, smallest batch first.
    pub fn points(&self) -> &[LatencyPoint] {
        &self.points
    }

    /// The table for every size up to the largest measured.
    pub fn fit(&self, fit: LatencyFit) -> LatencyTable {
        let fitted = self.fitted(fit);
        let mut spans = vec![fitted[0]];
        for (points, ends) in self.points.windows(2).zip(fitted.windows(2)) {
            let width = u128::from(points[1].batch - points[0].batch);
            let rise = u128::from(ends[0].0.abs_diff(ends[1].0));
            for step in 1..=width {
                let part = Span(((rise * step + width / 2) / width) as u64);
                spans.push(if ends[1] < ends[0] { ends[0] - part } else { ends[0] + part });
            }
        }
        LatencyTable::of(spans)
    }

    /// The points that a fit moves.
    pub fn moved(&self, fit: LatencyFit) -> impl Iterator<Item = FitChange> + use<'_> {
        let pairs = self.points.iter().zip(self.fitted(fit));
        let changes =
            pairs.map(|(point, to)| FitChange { batch: point.batch, from: point.latency, to });
        changes.filter(|change| change.from != change.to)
    }

    fn fitted(&self, fit: LatencyFit) -> Vec<Span> {
        let measured = self.points.iter().map(|point| point.latency);
        match fit {
            LatencyFit::AsMeasured => measured.collect(),
            LatencyFit::RunningMax => {
                let mut highest = Span::ZERO;
                let raised = measured.map(|span| {
                    highest = highest.max(span);
                    highest
                });
                raised.collect()
            }
            LatencyFit::Isotonic => self.isotonic(),
        }
    }

    /// Pools neighbours while the first has the higher mean (pool adjacent violators).
    fn isotonic(&self) -> Vec<Span> {
        let mut pools: Vec<Pool> = Vec::with_capacity(self.points.len());
        for point in &self.points {
            let weight = u128::from(point.count);
            let mut pool = Pool { sum: u128::from(point.latency.0) * weight, weight, points: 1 };
            while let Some(before) = pools.pop_if(|before| before.is_above(&pool)) {
                pool.sum += before.sum;
                pool.weight += before.weight;
                pool.points += before.points;
            }
            pools.push(pool);
        }
        let means = pools.iter().map(|pool| std::iter::repeat_n(pool.mean(), pool.points));
        means.flatten().collect()
    }
}

/// Neighbouring points that share their mean.
struct Pool {
    sum: u128,
    weight: u128,
    points: usize,
}

impl Pool {
    /// Whether the mean is above that of another.
    fn is_above(&self, other: &Self) -> bool {
        self.sum * other.weight > other.sum * self.weight
    }

    /// The mean to the nearest nanosecond, which keeps the order of means.
    fn mean(&self) -> Span {
        Span(((self.sum + self.weight / 2) / self.weight) as u64)
    }
}

/// Latency by batch size, for every size from 1 to the largest measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyTable {
    /// `spans[b - 1]` is the latency of a batch of b.
    spans: Vec<Span>,
    /// Whether any batch takes less than one of one request fewer.
    falls: bool,
}

impl LatencyTable {
    fn of(spans: Vec<Span>) -> Self {
        Self { falls: !spans.is_sorted(), spans }
    }

    /// The same sizes with L(b) = L(1) · (1 + eta · (b − 1)): `eta` = 1 means that a batch saves
    /// nothing.
    pub fn with_growth(&self, eta: f64) -> Self {
        let grown = |extra: usize| self.spans[0].scale(1.0 + eta * extra as f64);
        Self::of((0..self.spans.len()).map(grown).collect())
    }

    /// All latencies times `factor`; those above 0 stay above 0.
    pub fn scaled(&self, factor: f64) -> Self {
        let scaled = |span: &Span| Span(span.scale(factor).0.max(span.0.min(1)));
        Self::of(self.spans.iter().map(scaled).collect())
    }

    /// The table of a variant that takes requests one at a time.
    pub fn one_by_one(latency: Span) -> Self {
        Self::of(vec![latency])
    }

    /// The latency of a batch of `batch` requests, 1 ≤ `batch` ≤ [`Self::max_batch`].
    ///
    /// # Panics
    /// Outside of that range, which the engine has checked.
    #[inline]
    pub fn latency(&self, batch: usize) -> Span {
        self.spans[batch - 1]
    }

    /// The shortest latency of any batch of at most `most` requests, 1 ≤ `most`.
    #[inline]
    pub fn shortest(&self, most: usize) -> Span {
        if !self.falls {
            return self.spans[0];
        }
        let within = &self.spans[..most.clamp(1, self.spans.len())];
        within.iter().copied().min().unwrap_or_default()
    }

    /// Whether some batch takes less time than a smaller one.
    #[inline]
    pub fn falls(&self) -> bool {
        self.falls
    }

    /// The largest batch that was measured.
    pub fn max_batch(&self) -> usize {
        self.spans.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(points: &[(u64, u64)]) -> LatencyPoints {
        let points = points.iter().map(|(batch, ns)| (*batch, Span(*ns))).collect();
        LatencyPoints::new(points).expect("a table")
    }

    fn spans(table: &LatencyTable) -> Vec<u64> {
        (1..=table.max_batch()).map(|batch| table.latency(batch).0).collect()
    }

    #[test]
    fn a_growth_replaces_all_but_the_first() {
        let table = points(&[(1, 100), (4, 500)]).fit(LatencyFit::Isotonic);
        assert_eq!(spans(&table.with_growth(0.25)), [100, 125, 150, 175]);
    }

    #[test]
    fn between_points_it_is_linear_and_rounded() {
        let points = points(&[(8, 2_200_000), (1, 800_000)]);
        for (_, fit) in LatencyFit::ALL {
            assert_eq!(points.moved(fit).count(), 0);
            let table = points.fit(fit);
            for batch in 1..=8u64 {
                assert_eq!(table.latency(batch as usize), Span(600_000 + 200_000 * batch));
            }
            assert_eq!(table.max_batch(), 8);
            assert!(!table.falls() && table.shortest(8) == Span(800_000));
        }
    }

    #[test]
    fn a_dip_is_pooled_or_kept_or_raised() {
        let points = points(&[(1, 10), (2, 8), (4, 20)]);
        let [pooled, kept, raised] = LatencyFit::ALL.map(|(_, fit)| points.fit(fit));
        assert_eq!(spans(&pooled), [9, 9, 15, 20]);
        assert_eq!(spans(&kept), [10, 8, 14, 20]);
        assert_eq!(spans(&raised), [10, 10, 15, 20]);
        assert!(kept.falls() && !pooled.falls() && !raised.falls());
        assert_eq!([1, 2, 4, 99].map(|most| kept.shortest(most).0), [10, 8, 8, 8]);
        let moved: Vec<_> = points.moved(LatencyFit::Isotonic).map(|m| (m.batch, m.to)).collect();
        assert_eq!(moved, [(1, Span(9)), (2, Span(9))]);
    }

    #[test]
    fn one_high_point_moves_its_neighbours_a_little() {
        // Heart beats on 20 trees, median of the best round: batch 4 alone is slow.
        let measured = [(1, 1967), (2, 1760), (4, 2529), (8, 1746), (16, 1735), (32, 1816)];
        let table = points(&measured).fit(LatencyFit::RunningMax);
        assert_eq!([4, 8, 16, 32].map(|batch| table.latency(batch).0), [2529; 4]);
        let table = points(&measured).fit(LatencyFit::Isotonic);
        // (1967 + 1760) / 2, and (2529 + 1746 + 1735 + 1816) / 4.
        let found = [1, 2, 4, 8, 16, 32].map(|batch| table.latency(batch).0);
        assert_eq!(found, [1864, 1864, 1957, 1957, 1957, 1957]);
    }

    #[test]
    fn counts_are_weights() {
        let point = |batch, ns, count| LatencyPoint { batch, latency: Span(ns), count };
        let counted = LatencyPoints::counted(vec![point(1, 10, 3), point(2, 6, 1)]).unwrap();
        assert_eq!(spans(&counted.fit(LatencyFit::Isotonic)), [9, 9]);
        let most = point(1, 86_400_000_000_000, MAX_COUNT);
        let pooled: Vec<LatencyPoint> =
            (1..=MAX_BATCH).map(|batch| LatencyPoint { batch, latency: Span(1), ..most }).collect();
        let mut pooled = pooled;
        pooled[0] = most;
        let table = LatencyPoints::counted(pooled).unwrap().fit(LatencyFit::Isotonic);
        assert_eq!(table.latency(1), table.latency(MAX_BATCH as usize));
    }

    /// Against all ways to cut the points into runs of equal latency, each at its mean.
    #[test]
    fn no_non_decreasing_points_are_nearer() {
        let mut state = 7u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..300 {
            let count = 1 + next(7);
            let measured: Vec<LatencyPoint> = (1..=count)
                .map(|batch| LatencyPoint {
                    batch,
                    latency: Span(5_000 + 40 * batch + next(900)),
                    count: 1 + next(4),
                })
                .collect();
            let error = |fitted: &[f64]| -> f64 {
                let each = measured.iter().zip(fitted);
                each.map(|(p, x)| p.count as f64 * (p.latency.0 as f64 - x).powi(2)).sum()
            };
            let mut best = f64::INFINITY;
            for cuts in 0..1u64 << (count - 1) {
                let (mut fitted, mut run) = (Vec::new(), Vec::new());
                for (at, point) in measured.iter().enumerate() {
                    run.push(point);
                    if at as u64 + 1 == count || cuts & 1 << at != 0 {
                        let weight: f64 = run.iter().map(|p| p.count as f64).sum();
                        let sum: f64 = run.iter().map(|p| (p.count * p.latency.0) as f64).sum();
                        fitted.resize(fitted.len() + run.len(), sum / weight);
                        run.clear();
                    }
                }
                if fitted.is_sorted() {
                    best = best.min(error(&fitted));
                }
            }
            let points = LatencyPoints::counted(measured.clone()).expect("a table");
            let fitted = points.isotonic();
            assert!(fitted.is_sorted());
            let found = error(&fitted.iter().map(|span| span.0 as f64).collect::<Vec<_>>());
            // Rounding to a nanosecond: at most a quarter of the weight.
            assert!(found - best < 28.0 / 4.0 + 1e-6, "{measured:?}: {found}, best {best}");
        }
    }

    #[test]
    fn holes_and_doubles_are_refused() {
        let refused = |points: Vec<(u64, Span)>| LatencyPoints::new(points).expect_err("no table");
        assert_eq!(refused(vec![(2, Span(1))]), TableError::NoBatchOne);
        assert_eq!(refused(vec![]), TableError::NoBatchOne);
        assert_eq!(refused(vec![(1, Span(1)), (1, Span(2))]), TableError::Twice(1));
    }
}
