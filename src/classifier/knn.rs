//! Nearest neighbours, exactly: the k reference samples closest to a query vote for their classes.
//!
//! Distances are squared Euclidean. Samples lie in blocks of `LANES`, inside a block feature by
//! feature, so that the loop over a block keeps its sums in vector registers. O(samples ·
//! features) for the distances, O(samples + k² log(samples / k)) on average to select.
//!
//! `reference.csv` of a profile: `class,<feature>…`, a row for each sample of the training split.

use crate::config::csv::Table;
use crate::config::source::Source;
use crate::config::{Location, Problem, Problems};

/// Samples in a block.
const LANES: usize = 8;

/// Labelled samples.
#[derive(Clone, Debug)]
pub struct Reference {
    /// The names of the features.
    pub features: Vec<String>,
    class: Vec<u16>,
    /// Block by block, feature by feature; beyond the last sample infinitely far away.
    blocks: Vec<[f64; LANES]>,
}

/// The samples that vote when several are as far away as the k-th.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoteTies {
    /// The first listed of them.
    LowestIndex,
    /// All of them, with equal shares of the remaining votes.
    Average,
}

/// Buffers of a query, for reuse.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    distances: Vec<f64>,
    /// (distance, sample), nearest first.
    nearest: Vec<(f64, usize)>,
}

impl Reference {
    /// Samples of (class, features), as many features each as there are names.
    pub fn new(features: Vec<String>, samples: &[(u16, Vec<f64>)]) -> Self {
        let mut blocks = Vec::new();
        for block in samples.chunks(LANES) {
            for feature in 0..features.len() {
                let mut lanes = [f64::INFINITY; LANES];
                for (lane, (_, values)) in lanes.iter_mut().zip(block) {
                    *lane = values[feature];
                }
                blocks.push(lanes);
            }
        }
        Self { features, class: samples.iter().map(|sample| sample.0).collect(), blocks }
    }

    /// Reads `reference.csv` of an application with these classes.
    ///
    /// # Errors
    /// Cells that are no class or no number, and tables without a feature.
    pub fn read(source: &Source, classes: &[String]) -> Result<Self, Problems> {
        let table = Table::parse(source)?;
        let class = table.column("class")?;
        let others = table.names().enumerate().filter(|(column, _)| *column != class);
        let (columns, features): (Vec<usize>, Vec<String>) =
            others.map(|(column, name)| (column, name.to_owned())).unzip();
        if columns.is_empty() {
            let place = Location::line(&source.path, 1);
            return Err(Problem::new(place, "no feature", "a column for each feature").into());
        }
        let (mut samples, mut problems) = (Vec::new(), Problems::default());
        for row in table.rows() {
            let class = row.name(class, "class", classes);
            let values: Result<Vec<f64>, _> = columns.iter().map(|at| row.signed(*at)).collect();
            match class.and_then(|class| Ok((class as u16, values?))) {
                Ok(sample) => samples.push(sample),
                Err(problem) => problems.push(problem),
            }
        }
        problems.check(Some(Self::new(features, &samples)))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// Adds the votes of the `k` nearest samples to `votes`, by class.
    pub fn vote(
        &self,
        query: &[f64],
        k: usize,
        ties: VoteTies,
        votes: &mut [f64],
        scratch: &mut Scratch,
    ) {
        let k = k.min(self.len());
        self.measure(query, &mut scratch.distances);
        select(k, scratch);
        let Some((last, _)) = scratch.nearest.last().copied() else { return };
        for (distance, sample) in &scratch.nearest {
            if ties == VoteTies::LowestIndex || *distance < last {
                votes[usize::from(self.class[*sample])] += 1.0;
            }
        }
        if ties == VoteTies::Average {
            let votes_left = scratch.nearest.iter().filter(|(d, _)| *d == last).count();
            let tied = || self.class.iter().zip(&scratch.distances).filter(|(_, d)| **d == last);
            let share = votes_left as f64 / tied().count() as f64;
            tied().for_each(|(class, _)| votes[usize::from(*class)] += share);
        }
    }

    /// The squared distance of every sample.
    fn measure(&self, query: &[f64], into: &mut Vec<f64>) {
        into.clear();
        for block in self.blocks.chunks_exact(self.features.len().max(1)) {
            let mut sums = [0.0; LANES];
            for (lanes, value) in block.iter().zip(query) {
                for (sum, lane) in sums.iter_mut().zip(lanes) {
                    *sum += (lane - value) * (lane - value);
                }
            }
            into.extend_from_slice(&sums);
        }
    }
}

/// Finds the `k` nearest samples; of equally distant ones the first listed.
fn select(k: usize, scratch: &mut Scratch) {
    let Scratch { distances, nearest } = scratch;
    nearest.clear();
    let mut bound = f64::INFINITY;
    for (block, lanes) in distances.chunks_exact(LANES).enumerate() {
        // Most blocks hold no near sample: one branch per block, not one per sample.
        if lanes.iter().copied().fold(f64::INFINITY, f64::min) >= bound {
            continue;
        }
        for (lane, distance) in lanes.iter().enumerate() {
            if *distance < bound {
                nearest.truncate(k.saturating_sub(1));
                let at = nearest.partition_point(|(nearer, _)| nearer <= distance);
                nearest.insert(at, (*distance, block * LANES + lane));
                if nearest.len() >= k {
                    bound = nearest[nearest.len() - 1].0;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    fn line(samples: &[(u16, f64)]) -> Reference {
        let samples: Vec<_> = samples.iter().map(|(class, x)| (*class, vec![*x])).collect();
        Reference::new(vec!["x".to_owned()], &samples)
    }

    fn votes(reference: &Reference, x: f64, k: usize, ties: VoteTies) -> Vec<f64> {
        let mut votes = vec![0.0; 3];
        reference.vote(&[x], k, ties, &mut votes, &mut Scratch::default());
        votes
    }

    #[test]
    fn ties_at_the_last_distance_go_to_the_first_or_are_shared() {
        let reference = line(&[(0, 1.0), (1, -1.0), (2, 0.5), (1, 1.0), (0, 9.0)]);
        assert_eq!(votes(&reference, 0.0, 2, VoteTies::LowestIndex), [1.0, 0.0, 1.0]);
        // One vote is left for three samples at distance 1, two of them of class 1.
        assert_eq!(votes(&reference, 0.0, 2, VoteTies::Average), [1.0 / 3.0, 2.0 / 3.0, 1.0]);
        assert_eq!(votes(&reference, 0.0, 4, VoteTies::Average), [1.0, 2.0, 1.0]);
        assert_eq!(votes(&reference, 0.0, 99, VoteTies::LowestIndex), [2.0, 2.0, 1.0]);
    }

    #[test]
    fn neighbours_are_those_of_a_full_sort() {
        let rng = Rng::new(3, 0);
        // A coarse grid, so that distances often tie.
        let value = |i: u64, f: u64| (rng.keyed_unit(Label::Evidence, i, f) * 4.0).floor();
        let point = |i: u64| (0..5).map(|f| value(i, f)).collect::<Vec<f64>>();
        let samples: Vec<(u16, Vec<f64>)> = (0..203).map(|i| ((i % 3) as u16, point(i))).collect();
        let names = (0..5).map(|f| f.to_string()).collect();
        let reference = Reference::new(names, &samples);
        let mut scratch = Scratch::default();
        for (query, k) in (1000..1200).zip((1..40).cycle()) {
            let query = point(query);
            let distance = |sample: &(u16, Vec<f64>)| -> f64 {
                sample.1.iter().zip(&query).map(|(a, b)| (a - b) * (a - b)).sum()
            };
            let mut sorted: Vec<(f64, usize)> =
                samples.iter().map(distance).zip(0..samples.len()).collect();
            sorted.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let mut expected = vec![0.0; 3];
            sorted[..k].iter().for_each(|(_, at)| expected[usize::from(samples[*at].0)] += 1.0);
            let mut found = vec![0.0; 3];
            reference.vote(&query, k, VoteTies::LowestIndex, &mut found, &mut scratch);
            assert_eq!(found, expected);
            let mut shared = vec![0.0; 3];
            reference.vote(&query, k, VoteTies::Average, &mut shared, &mut scratch);
            assert!((shared.iter().sum::<f64>() - k as f64).abs() < 1e-9);
        }
    }
}
