//! Bootstrap intervals of a mean where Student's t is wrong: skewed samples, ratios near 0 or 1.
//!
//! The studentised (bootstrap-t) interval of Hall, Annals of Statistics 16, 1988; Efron and
//! Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5: t itself is resampled, so
//! that its skewness moves the ends. Percentile and `BCa` intervals are narrower than Student's t
//! for the ten to thirty replicates that sweeps have, and cover less: `BCa` 89 % for ten normal
//! numbers, where this covers 95.
//!
//! The resamples come from a fixed seed: the same values give the same interval. Cost:
//! [`RESAMPLES`] × n.

use crate::rng::{Label, Rng};
use rand::RngExt;

/// Fewer values than this say too little about their law to be resampled.
pub const LEAST: usize = 10;
/// One less than a multiple of 40, so that 2.5 % and 97.5 % are order statistics.
const RESAMPLES: usize = 1999;
/// The order statistic at 2.5 %, counted from 1, from either end.
const TAIL: usize = (RESAMPLES + 1) / 40;

/// The ends of the 95 % interval of the mean. `None` below ten values, and where so many
/// resamples are of one value only that an end is not finite: t is infinite for them.
pub fn studentised(values: &[f64]) -> Option<(f64, f64)> {
    let n = values.len();
    if n < LEAST {
        return None;
    }
    if constant(values) {
        return Some((values[0], values[0]));
    }
    let (mean, error) = moments(values);
    let mut rng = Rng::new(0, n as u64).stream(Label::Bootstrap);
    let mut drawn = vec![0.0; n];
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            drawn.iter_mut().for_each(|value| *value = values[rng.random_range(0..n)]);
            let (own, error) = moments(&drawn);
            // Rounding would make an error of its own.
            let error = if constant(&drawn) { 0.0 } else { error };
            if own == mean { 0.0 } else { (own - mean) / error }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    let (low, high) = (ratios[TAIL - 1], ratios[RESAMPLES - TAIL]);
    (low.is_finite() && high.is_finite()).then_some((mean - high * error, mean - low * error))
}

/// The mean and its standard error.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    (mean, libm::sqrt(squares / (count - 1.0) / count))
}

fn constant(values: &[f64]) -> bool {
    values.iter().all(|value| *value == values[0])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::exponential;

    fn sample(replicate: u64, n: u64, law: impl Fn(f64) -> f64) -> Vec<f64> {
        let rng = Rng::new(17, replicate);
        (0..n).map(|i| law(rng.keyed_unit(Label::Noise, i, 0))).collect()
    }

    #[test]
    fn skew_moves_the_ends() {
        let values = sample(0, 20, exponential);
        let (low, high) = studentised(&values).unwrap();
        let mean = values.iter().sum::<f64>() / 20.0;
        assert!(low < mean && high - mean > 1.2 * (mean - low), "{low} {mean} {high}");
        assert_eq!(studentised(&values), Some((low, high)), "a fixed seed");
        // Scales and shifts with its values.
        let moved: Vec<f64> = values.iter().map(|v| 3.0 - 2.0 * v).collect();
        let (other_low, other_high) = studentised(&moved).unwrap();
        assert!((other_low - (3.0 - 2.0 * high)).abs() < 0.1 && other_high > other_low);
    }

    #[test]
    fn a_skewed_law_is_covered_better_than_by_students_t() {
        let count = 2_000;
        let covered = (0..count)
            .map(|replicate| sample(replicate, 10, exponential))
            .filter(|values| studentised(values).is_some_and(|(l, h)| l <= 1.0 && 1.0 <= h))
            .count();
        // Student's t covers 90 %. Standard error of the share: half a percent.
        assert!((0.93..=0.97).contains(&(covered as f64 / f64::from(count as u32))), "{covered}");
    }

    #[test]
    fn too_little_to_resample() {
        assert_eq!(studentised(&[0.1; 9]), None);
        assert_eq!(studentised(&[0.1; 10]), Some((0.1, 0.1)));
        let mut rare = [0.0; 10];
        rare[3] = 0.01;
        assert_eq!(studentised(&rare), None, "a third of the resamples are all zeros");
    }
}
