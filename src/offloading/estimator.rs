//! The expected score of an answer: a distance-weighted mean over the nearest recorded turns.
//!
//! A point is a state and a decision, all coordinates small integers, and the score of the answer.
//! Of the points nearest to a query (five in the published code) by a [`Metric`], each counts with
//! weight 1 / (d + 1e-6)
//! (the authors' `tmo/env.py`, where d is Euclidean). Distances are functions of integers, so ties
//! are exact. They are frequent, and the published code breaks them by the order of its tree; see
//! [`NeighbourTies`].
//!
//! A query scans all distinct points and leaves a point at the coordinate where it is too far away:
//! O(points), a few microseconds for the 282 points of the data set. All decisions in one state
//! share the scan of the states. Points with the same decision and the same recent turns are stored
//! together, and are skipped together.

use std::ops::Range;

/// Added to distances, so that an exact match has a finite weight.
const SOFTENING: f64 = 1e-6;
/// A shrunk score is the mean over these multiples of the number of neighbours.
const SCALES: [usize; 3] = [1, 2, 4];
/// Added to the distances of a shrunk score: an exact match counts as a few close ones do.
const SHRUNK_SOFTENING: f64 = 0.3;
/// Number of coordinates between two comparisons with the bound.
const CHUNK: usize = 16;
/// Number of coordinates in which all points of a run agree.
const PREFIX: usize = 6;

/// The distance of two points: a function of a sum over their coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Metric {
    /// The square root of the sum of squared differences, as published.
    #[default]
    Euclidean,
    /// The sum of absolute differences.
    Manhattan,
    /// The number of different coordinates: unlike in the other two, all tasks are equally far
    /// apart. Ours.
    Hamming,
}

impl Metric {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 3] = [
        ("euclidean", Self::Euclidean),
        ("manhattan", Self::Manhattan),
        ("hamming", Self::Hamming),
    ];

    /// The sum over the coordinates of two slices of the same length.
    fn sum(self, a: &[i8], b: &[i8]) -> i32 {
        fn over(a: &[i8], b: &[i8], of: impl Fn(i16) -> i32) -> i32 {
            a.iter().zip(b).map(|(a, b)| of(i16::from(*a) - i16::from(*b))).sum()
        }
        match self {
            Self::Euclidean => over(a, b, |d| i32::from(d) * i32::from(d)),
            Self::Manhattan => over(a, b, |d| i32::from(d.abs())),
            Self::Hamming => over(a, b, |d| i32::from(d != 0)),
        }
    }

    /// The distance that follows from a sum.
    fn distance(self, sum: i32) -> f64 {
        match self {
            Self::Euclidean => libm::sqrt(f64::from(sum)),
            Self::Manhattan | Self::Hamming => f64::from(sum),
        }
    }
}

/// Which points of the same distance count, if there are more than neighbours needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NeighbourTies {
    /// Ours: all of them share the rest of the weight, so that the order of points does not matter.
    #[default]
    Shared,
    /// The first ones, points sorted by their coordinates, the last coordinate first.
    LowestIndex,
}

impl NeighbourTies {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 2] =
        [("shared", Self::Shared), ("lowest-index", Self::LowestIndex)];
}

/// The state, the decision and the score of a recorded turn.
pub type Record = (Vec<i8>, Vec<i8>, f64);

/// The recorded points, in an order for fast queries.
#[derive(Clone, Debug)]
pub struct Estimator {
    /// Number of neighbours that count.
    neighbours: usize,
    ties: NeighbourTies,
    metric: Metric,
    /// Number of coordinates of a state, rounded up to whole chunks.
    stride: usize,
    /// States of the points one after the other, each from its last coordinate, the most recent
    /// one, to its first.
    states: Vec<i8>,
    points: Vec<Point>,
    /// Ranges of points with the same decision and the same most recent coordinates.
    runs: Vec<Range<usize>>,
    /// The distinct decisions of the points.
    decisions: Vec<Vec<i8>>,
}

/// All turns recorded at one point.
#[derive(Clone, Copy, Debug)]
struct Point {
    /// Index into the decisions of the estimator.
    decision: usize,
    /// Sum of their scores.
    sum: f64,
    /// Number of turns.
    count: u32,
}

/// The nearest points of a scan, nearest first: sum of the metric, sum of scores, number of turns.
#[derive(Clone, Default)]
struct Nearest {
    groups: Vec<(i32, f64, u32)>,
}

impl Estimator {
    /// An estimator of recorded turns. All states have the same length, and all decisions.
    pub fn new(
        mut records: Vec<Record>,
        neighbours: usize,
        metric: Metric,
        ties: NeighbourTies,
    ) -> Self {
        // The last coordinate first. Sorting is stable: equal points keep the order of the turns.
        let key = |(state, decision, _): &Record| -> Vec<i8> {
            decision.iter().rev().chain(state.iter().rev()).copied().collect()
        };
        records.sort_by_cached_key(key);
        let mut decisions: Vec<Vec<i8>> = records.iter().map(|record| record.1.clone()).collect();
        decisions.sort();
        decisions.dedup();
        let (mut states, mut points) = (Vec::new(), Vec::<Point>::new());
        for (at, (state, decision, score)) in records.iter().enumerate() {
            let same = |before: &Record| before.0 == *state && before.1 == *decision;
            let again = at > 0 && same(&records[at - 1]);
            match points.last_mut() {
                Some(point) if ties == NeighbourTies::Shared && again => {
                    point.sum += score;
                    point.count += 1;
                }
                _ => {
                    let decision = decisions.binary_search(decision).unwrap_or_default();
                    points.push(Point { decision, sum: *score, count: 1 });
                    states.extend(reversed(state));
                }
            }
        }
        let stride = records.first().map_or(CHUNK, |(state, ..)| reversed(state).len());
        let alike = |a: &usize, b: &usize| {
            let prefix = |at: usize| &states[at * stride..][..PREFIX.min(stride)];
            points[*a].decision == points[*b].decision && prefix(*a) == prefix(*b)
        };
        let order: Vec<usize> = (0..points.len()).collect();
        let runs = order.chunk_by(alike).map(|run| run[0]..run[0] + run.len()).collect();
        Self { neighbours, ties, metric, stride, states, points, runs, decisions }
    }

    /// Writes the expected scores of `decisions` in `state`, 0 if there are no points.
    pub fn scores(&self, state: &[i8], decisions: &[Vec<i8>], into: &mut Vec<f64>) {
        let nearest = self.nearest(state, decisions, self.neighbours);
        let mean = |near: &Nearest| near.mean(self.metric, self.neighbours, SOFTENING);
        into.clear();
        into.extend(nearest.iter().map(mean));
    }

    /// Writes the same, shrunk towards the means of more neighbours: the mean of the scores by 1, 2
    /// and 4 times as many neighbours, in which close ones count less. Ours: the errors of few
    /// neighbours are not repeated by another sample of dialogues.
    pub fn shrunk(&self, state: &[i8], decisions: &[Vec<i8>], into: &mut Vec<f64>) {
        let nearest = self.nearest(state, decisions, SCALES[SCALES.len() - 1] * self.neighbours);
        let mean = |near: &Nearest| {
            let by = |scale| near.mean(self.metric, scale * self.neighbours, SHRUNK_SOFTENING);
            SCALES.map(by).iter().sum::<f64>() / SCALES.len() as f64
        };
        into.clear();
        into.extend(nearest.iter().map(mean));
    }

    /// The nearest points of each decision in a state, up to `neighbours` turns.
    fn nearest(&self, state: &[i8], decisions: &[Vec<i8>], neighbours: usize) -> Vec<Nearest> {
        let state = reversed(state);
        // By decision of the points, and by decision of the query.
        let apart: Vec<i32> = (self.decisions.iter())
            .flat_map(|known| decisions.iter().map(|asked| self.metric.sum(known, asked)))
            .collect();
        let mut nearest = vec![Nearest::default(); decisions.len()];
        let mut bounds = vec![i32::MAX; decisions.len()];
        for run in &self.runs {
            let apart = &apart[self.points[run.start].decision * decisions.len()..];
            let largest = |bounds: &[i32]| {
                bounds.iter().zip(apart).map(|(bound, apart)| bound - apart).max().unwrap_or(-1)
            };
            let known = &self.states[run.start * self.stride..run.end * self.stride];
            let prefix = PREFIX.min(self.stride);
            if self.metric.sum(&known[..prefix], &state[..prefix]) > largest(&bounds) {
                continue;
            }
            let points = &self.points[run.clone()];
            for (known, point) in known.chunks_exact(self.stride).zip(points) {
                let Some(here) = self.apart(known, &state, largest(&bounds)) else { continue };
                for ((nearest, bound), apart) in nearest.iter_mut().zip(&mut bounds).zip(apart) {
                    if here + apart <= *bound {
                        let known = (point.sum, point.count);
                        *bound = nearest.add(here + apart, known, neighbours, self.ties);
                    }
                }
            }
        }
        nearest
    }

    /// The sum of the metric over two states, unless it is beyond `bound`.
    fn apart(&self, a: &[i8], b: &[i8], bound: i32) -> Option<i32> {
        let mut sum = 0;
        for (a, b) in a.chunks_exact(CHUNK).zip(b.chunks_exact(CHUNK)) {
            sum += self.metric.sum(a, b);
            if sum > bound {
                return None;
            }
        }
        Some(sum)
    }
}

/// The coordinates from the last to the first, padded with zeros to whole chunks.
fn reversed(point: &[i8]) -> Vec<i8> {
    let mut all: Vec<i8> = point.iter().rev().copied().collect();
    all.resize(point.len().next_multiple_of(CHUNK), 0);
    all
}

impl Nearest {
    /// Adds a point; the largest sum of the metric that the next point may have.
    fn add(
        &mut self,
        distance: i32,
        (sum, count): (f64, u32),
        neighbours: usize,
        ties: NeighbourTies,
    ) -> i32 {
        let at = self.groups.partition_point(|group| match ties {
            NeighbourTies::Shared => group.0 < distance,
            NeighbourTies::LowestIndex => group.0 <= distance,
        });
        match self.groups.get_mut(at) {
            Some(group) if ties == NeighbourTies::Shared && group.0 == distance => {
                *group = (distance, group.1 + sum, group.2 + count);
            }
            _ => self.groups.insert(at, (distance, sum, count)),
        }
        let mut places = 0;
        let kept = self.groups.iter().position(|group| {
            places += group.2 as usize;
            places >= neighbours
        });
        let Some(last) = kept else { return i32::MAX };
        self.groups.truncate(last + 1);
        self.groups[last].0
    }

    fn mean(&self, metric: Metric, neighbours: usize, softening: f64) -> f64 {
        let (mut score, mut weight, mut left) = (0.0, 0.0, neighbours as f64);
        for (distance, sum, count) in &self.groups {
            if left <= 0.0 {
                break;
            }
            let count = f64::from(*count);
            let places = count.min(left);
            let w = places / (metric.distance(*distance) + softening);
            score += w * (sum / count);
            weight += w;
            left -= places;
        }
        if weight > 0.0 { score / weight } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    /// The definition, written out: sort all points, take the nearest, share what is left.
    fn by_hand(
        points: &[Record],
        state: &[i8],
        decision: &[i8],
        how: (Metric, NeighbourTies),
        (neighbours, softening): (usize, f64),
    ) -> f64 {
        let query: Vec<i8> = [state, decision].concat();
        let apart = |point: &[i8]| {
            let differences =
                point.iter().zip(&query).map(|(a, b)| (i32::from(*a) - i32::from(*b)).abs());
            match how.0 {
                Metric::Euclidean => differences.map(|d| d * d).sum::<i32>(),
                Metric::Manhattan => differences.sum(),
                Metric::Hamming => differences.map(|d| i32::from(d > 0)).sum(),
            }
        };
        let mut order: Vec<(i32, Vec<i8>, f64)> = points
            .iter()
            .map(|(state, decision, y)| {
                let point = [state.as_slice(), decision].concat();
                (apart(&point), point.iter().rev().copied().collect(), *y)
            })
            .collect();
        order.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let farthest = order[(neighbours - 1).min(order.len() - 1)].0;
        let length = |d: i32| match how.0 {
            Metric::Euclidean => f64::from(d).sqrt(),
            _ => f64::from(d),
        };
        let weight = |d: i32| 1.0 / (length(d) + softening);
        let (mut score, mut sum) = (0.0, 0.0);
        let before: Vec<_> = order.iter().filter(|p| p.0 < farthest).collect();
        for p in &before {
            score += weight(p.0) * p.2;
            sum += weight(p.0);
        }
        let tied: Vec<_> = order.iter().filter(|p| p.0 == farthest).collect();
        let places = (neighbours - before.len()).min(tied.len());
        match how.1 {
            NeighbourTies::Shared => {
                let mean = tied.iter().map(|p| p.2).sum::<f64>() / tied.len() as f64;
                score += places as f64 * weight(farthest) * mean;
            }
            NeighbourTies::LowestIndex => {
                score += tied[..places].iter().map(|p| weight(farthest) * p.2).sum::<f64>();
            }
        }
        score / (sum + places as f64 * weight(farthest))
    }

    #[test]
    fn queries_are_the_definition() {
        let rng = Rng::new(3, 0);
        let cell = |i: u64, at: u64| (rng.keyed(Label::Noise, i, at) % 4) as i8 - 1;
        let part =
            |i, range: std::ops::Range<u64>| range.map(|at| cell(i, at)).collect::<Vec<i8>>();
        let decisions: Vec<Vec<i8>> = (0..6).map(|i| part(2000 + i, 5..7)).collect();
        for size in [1, 4, 5, 6, 40, 300] {
            let points: Vec<Record> = (0..size)
                .map(|i| (part(i, 0..5), part(i, 5..7), rng.keyed_unit(Label::Outcome, i, 0)))
                .collect();
            let ways = Metric::ALL
                .into_iter()
                .flat_map(|(_, metric)| NeighbourTies::ALL.map(|(_, ties)| (metric, ties)));
            for (how, neighbours) in ways.flat_map(|how| [1, 5, 17].map(|count| (how, count))) {
                let estimator = Estimator::new(points.clone(), neighbours, how.0, how.1);
                let (mut found, mut alone, mut shrunk) = (Vec::new(), Vec::new(), Vec::new());
                for state in (1000..1100).map(|i| part(i, 0..5)) {
                    estimator.scores(&state, &decisions, &mut found);
                    estimator.shrunk(&state, &decisions, &mut shrunk);
                    for ((decision, found), shrunk) in decisions.iter().zip(&found).zip(&shrunk) {
                        let by = |neighbours, softening| {
                            by_hand(&points, &state, decision, how, (neighbours, softening))
                        };
                        let mean =
                            [1, 2, 4].map(|scale| by(scale * neighbours, 0.3)).iter().sum::<f64>()
                                / 3.0;
                        assert!((shrunk - mean).abs() < 1e-9, "{size} {how:?}: {shrunk} {mean}");
                        let expected = by(neighbours, 1e-6);
                        let near = (found - expected).abs() < 1e-9;
                        assert!(near, "{size} {how:?}: {found} {expected}");
                        estimator.scores(&state, std::slice::from_ref(decision), &mut alone);
                        assert_eq!(alone, [*found]);
                    }
                }
            }
        }
        let mut scores = Vec::new();
        let none = Estimator::new(Vec::new(), 5, Metric::Euclidean, NeighbourTies::Shared);
        none.scores(&[0; 25], &decisions, &mut scores);
        assert_eq!(scores, [0.0; 6]);
    }
}
