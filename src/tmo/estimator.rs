//! What an answer would be worth: a distance-weighted mean over the nearest recorded turns.
//!
//! A point is a state and a decision, all coordinates small integers, and the score that came of
//! it. Of the five points nearest to a query by plain Euclidean distance d, each counts with weight
//! 1 / (d + 1e-6) (the authors' `tmo/env.py`). Distances are integers squared, so ties are exact.
//! They are frequent, and the published code breaks them by the order of its tree; see [`Ties`].
//!
//! A query looks at every distinct point and stops at the coordinate where it is too far away:
//! O(points), a few microseconds for the 282 points of the data set.

/// How many neighbours count.
const NEIGHBOURS: usize = 5;
/// Added to distances, so that an exact match has a finite weight.
const SOFTENING: f64 = 1e-6;
/// Coordinates compared between two looks at the bound.
const CHUNK: usize = 16;

/// Which of several points at the same distance count, when there are more than places left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ties {
    /// Ours: all of them share the places left, so that the order of the points does not matter.
    #[default]
    Shared,
    /// Those that come first, the points sorted by their coordinates, the last one first.
    LowestIndex,
}

/// The recorded points.
#[derive(Clone, Debug)]
pub struct Estimator {
    ties: Ties,
    /// Coordinates of a point, rounded up to whole chunks.
    stride: usize,
    /// Points one after the other, the most telling coordinates, which are last, first.
    points: Vec<i8>,
    /// Score sum and count of the turns at each point.
    values: Vec<(f64, u32)>,
}

/// The nearest points so far: squared distance, score sum, count; by distance.
#[derive(Default)]
struct Nearest {
    groups: Vec<(i32, f64, u32)>,
}

impl Estimator {
    /// From the coordinates of recorded turns, one slice each, all of one length, and their scores.
    pub fn new<'a>(turns: impl Iterator<Item = (&'a [i8], f64)>, ties: Ties) -> Self {
        let mut sorted: Vec<(Vec<i8>, f64)> =
            turns.map(|(point, score)| (reversed(point), score)).collect();
        // Sorting is stable: equal points keep the order of the turns.
        sorted.sort_by(|a, b| a.0.cmp(&b.0));
        let mut values: Vec<(f64, u32)> = Vec::new();
        let mut points: Vec<i8> = Vec::new();
        let mut last: Option<Vec<i8>> = None;
        let stride = sorted.first().map_or(CHUNK, |(point, _)| point.len());
        for (point, score) in sorted {
            match values.last_mut() {
                Some(value) if ties == Ties::Shared && last.as_ref() == Some(&point) => {
                    *value = (value.0 + score, value.1 + 1);
                }
                _ => {
                    points.extend_from_slice(&point);
                    values.push((score, 1));
                    last = Some(point);
                }
            }
        }
        Self { ties, stride, points, values }
    }

    /// The expected score at `query`, 0 if there are no points.
    pub fn score(&self, query: &[i8]) -> f64 {
        let query = reversed(query);
        let mut nearest = Nearest::default();
        let mut bound = i32::MAX;
        for (point, (sum, count)) in self.points.chunks_exact(self.stride).zip(&self.values) {
            let Some(distance) = distance(point, &query, bound) else { continue };
            bound = nearest.add(distance, *sum, *count, self.ties);
        }
        nearest.mean()
    }
}

/// The coordinates from the last to the first, padded with zeros to whole chunks.
fn reversed(point: &[i8]) -> Vec<i8> {
    let mut all: Vec<i8> = point.iter().rev().copied().collect();
    all.resize(point.len().next_multiple_of(CHUNK), 0);
    all
}

/// The squared distance, unless it is beyond `bound`.
fn distance(point: &[i8], query: &[i8], bound: i32) -> Option<i32> {
    let mut sum = 0;
    for (a, b) in point.chunks_exact(CHUNK).zip(query.chunks_exact(CHUNK)) {
        let squares = a.iter().zip(b).map(|(a, b)| {
            let d = i16::from(*a) - i16::from(*b);
            i32::from(d) * i32::from(d)
        });
        sum += squares.sum::<i32>();
        if sum > bound {
            return None;
        }
    }
    Some(sum)
}

impl Nearest {
    /// Takes a point in and says how far away the next may be.
    fn add(&mut self, distance: i32, sum: f64, count: u32, ties: Ties) -> i32 {
        let at = self.groups.partition_point(|group| match ties {
            Ties::Shared => group.0 < distance,
            Ties::LowestIndex => group.0 <= distance,
        });
        match self.groups.get_mut(at) {
            Some(group) if ties == Ties::Shared && group.0 == distance => {
                *group = (distance, group.1 + sum, group.2 + count);
            }
            _ => self.groups.insert(at, (distance, sum, count)),
        }
        let mut places = 0;
        let kept = self.groups.iter().position(|group| {
            places += group.2 as usize;
            places >= NEIGHBOURS
        });
        let Some(last) = kept else { return i32::MAX };
        self.groups.truncate(last + 1);
        self.groups[last].0
    }

    fn mean(&self) -> f64 {
        let (mut score, mut weight, mut left) = (0.0, 0.0, NEIGHBOURS as f64);
        for (distance, sum, count) in &self.groups {
            let count = f64::from(*count);
            let places = count.min(left);
            let w = places / (libm::sqrt(f64::from(*distance)) + SOFTENING);
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
    use crate::rng::{Label, Rng};

    /// The definition, written out: sort all points, take five, share what is left.
    fn by_hand(points: &[(Vec<i8>, f64)], query: &[i8], ties: Ties) -> f64 {
        let mut order: Vec<(i32, Vec<i8>, f64)> = points
            .iter()
            .map(|(p, y)| {
                let d = p.iter().zip(query).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2));
                (d.sum(), p.iter().rev().copied().collect(), *y)
            })
            .collect();
        order.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let fifth = order[4.min(order.len() - 1)].0;
        let weight = |d: i32| 1.0 / (f64::from(d).sqrt() + 1e-6);
        let (mut score, mut sum) = (0.0, 0.0);
        let before: Vec<_> = order.iter().filter(|p| p.0 < fifth).collect();
        for p in &before {
            score += weight(p.0) * p.2;
            sum += weight(p.0);
        }
        let tied: Vec<_> = order.iter().filter(|p| p.0 == fifth).collect();
        let places = (5 - before.len()).min(tied.len());
        match ties {
            Ties::Shared => {
                let mean = tied.iter().map(|p| p.2).sum::<f64>() / tied.len() as f64;
                score += places as f64 * weight(fifth) * mean;
            }
            Ties::LowestIndex => {
                score += tied[..places].iter().map(|p| weight(fifth) * p.2).sum::<f64>();
            }
        }
        score / (sum + places as f64 * weight(fifth))
    }

    #[test]
    fn queries_are_the_definition() {
        let rng = Rng::new(3, 0);
        let cell = |i: u64, at: u64| (rng.keyed(Label::Noise, i, at) % 3) as i8 - 1;
        for size in [1, 4, 5, 6, 40, 300] {
            let points: Vec<(Vec<i8>, f64)> = (0..size)
                .map(|i| {
                    let point = (0..7).map(|at| cell(i, at)).collect();
                    (point, rng.keyed_unit(Label::Outcome, i, 0))
                })
                .collect();
            for ties in [Ties::Shared, Ties::LowestIndex] {
                let turns = points.iter().map(|(p, y)| (p.as_slice(), *y));
                let estimator = Estimator::new(turns, ties);
                for i in 1000..1200 {
                    let query: Vec<i8> = (0..7).map(|at| cell(i, at)).collect();
                    let (found, expected) =
                        (estimator.score(&query), by_hand(&points, &query, ties));
                    assert!((found - expected).abs() < 1e-9, "{size} {ties:?}: {found} {expected}");
                }
            }
        }
        assert_eq!(Estimator::new(std::iter::empty(), Ties::Shared).score(&[0; 29]), 0.0);
    }
}
