//! Bootstrap intervals of a mean where Student's t is wrong: skewed samples, ratios near 0 or 1.
//!
//! The studentised (bootstrap-t) interval of Hall, Annals of Statistics 16, 1988; Efron and
//! Tibshirani, An Introduction to the Bootstrap, 1993, section 12.5: t itself is resampled, so
//! that its skewness moves the ends. Percentile and `BCa` intervals are narrower than Student's t
//! for the ten to thirty replicates that sweeps have, and cover less: `BCa` 89 % for ten normal
//! numbers, where this covers 95.
//!
//! The resamples come from a stream that `key` names, which stands for the metric and the
//! configuration: the same values give the same interval, and intervals of different metrics or
//! configurations do not share their resamples. Cost: [`RESAMPLES`] × n.
//!
//! **Where it fails.** A resample whose own standard error is next to nothing has an enormous t.
//! Where all values but one or two agree, more than 2.5 % of the resamples are such, and an end
//! would say how closely the others happen to agree. Resamples with less than
//! [`DEGENERATE`] of the sample's standard error therefore count as infinite, and there is no
//! interval where an end is. Of what remains the caller refuses what is far too wide
//! (`interval.rs`).

use super::estimate::varies;
use crate::core::rng::{Label, Rng};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;

/// Fewer values than this say too little about their law to be resampled.
pub const LEAST: usize = 10;
/// One less than a multiple of 40, so that 2.5 % and 97.5 % are order statistics.
const RESAMPLES: usize = 1999;
/// The order statistic at 2.5 %, counted from 1, from either end.
const TAIL: usize = (RESAMPLES + 1) / 40;
/// A resample whose standard error is at most this share of the sample's does not vary.
const DEGENERATE: f64 = 0.01;
/// Resamples that are summed side by side: none waits for the additions of another.
const ABREAST: usize = 4;
/// The bytes of a draw.
const WORD: usize = size_of::<u32>();

/// The ends of the 95 % interval of the mean. `None` below ten values, where nothing varies, and
/// where an end is not finite because too many resamples do not vary.
pub fn studentised(values: &[f64], key: u64) -> Option<(f64, f64)> {
    let n = values.len();
    if n < LEAST || !varies(values) {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
    let error = libm::sqrt(squares / (n as f64 - 1.0) / n as f64);
    // Distances from the mean in standard errors of it: no rounding at the scale of the values.
    let distances: Vec<f64> = values.iter().map(|value| (value - mean) / error).collect();
    let mut rng = Rng::new(0, n as u64).stream_of(Label::Bootstrap, key);
    let mut ratios = ratios(&distances, RESAMPLES, &mut rng);
    let low = *ratios.select_nth_unstable_by(TAIL - 1, f64::total_cmp).1;
    // What lies below is smaller than the other end.
    let above = &mut ratios[TAIL..];
    let high = *above.select_nth_unstable_by(RESAMPLES - 2 * TAIL, f64::total_cmp).1;
    (low.is_finite() && high.is_finite()).then_some((mean - high * error, mean - low * error))
}

/// The t of `count` resamples of distances from the mean in its standard errors, each of which has
/// the draws that follow those of the one before.
fn ratios(distances: &[f64], count: usize, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let size = distances.len();
    // A distance beside its square: a draw is one look-up.
    let pairs: Vec<[f64; 2]> = distances.iter().map(|own| [*own, own * own]).collect();
    let mut words = vec![0; ABREAST * size * WORD];
    let mut ratios = Vec::with_capacity(count + ABREAST);
    while ratios.len() < count {
        rng.fill_bytes(&mut words);
        let [first, second, third, fourth] = split(&words);
        let mut sums = [[0.0; 2]; ABREAST];
        for (((a, b), c), d) in first.iter().zip(second).zip(third).zip(fourth) {
            for (sum, word) in sums.iter_mut().zip([a, b, c, d]) {
                // 32 bits are fast, and their remainder is no matter for samples of replicates.
                let at = (u64::from(u32::from_le_bytes(*word)) * size as u64) >> 32;
                let [distance, square] = pairs[at as usize];
                sum[0] += distance;
                sum[1] += square;
            }
        }
        ratios.extend(sums.map(|sums| ratio(sums, size)));
    }
    ratios.truncate(count);
    ratios
}

/// The draws of resamples that are summed side by side.
fn split(bytes: &[u8]) -> [&[[u8; WORD]]; ABREAST] {
    let (words, _) = bytes.as_chunks();
    let (first, second) = words.split_at(words.len() / 2);
    let (a, b) = first.split_at(first.len() / 2);
    let (c, d) = second.split_at(second.len() / 2);
    [a, b, c, d]
}

/// The t of a resample with this sum and this sum of squares; infinite where it does not vary.
fn ratio([sum, squares]: [f64; 2], n: usize) -> f64 {
    let mean = sum / n as f64;
    let variance = (squares - sum * mean) / (n as f64 - 1.0) / n as f64;
    if variance > DEGENERATE * DEGENERATE {
        mean / libm::sqrt(variance)
    } else {
        f64::INFINITY.copysign(mean)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::exponential;

    fn sample(replicate: u64, n: u64, law: impl Fn(f64) -> f64) -> Vec<f64> {
        let rng = Rng::new(17, replicate);
        (0..n).map(|i| law(rng.keyed_unit(Label::Noise, i, 0))).collect()
    }

    #[test]
    fn skew_moves_the_ends() {
        let values = sample(0, 20, exponential);
        let (low, high) = studentised(&values, 1).unwrap();
        let mean = values.iter().sum::<f64>() / 20.0;
        assert!(low < mean && high - mean > 1.2 * (mean - low), "{low} {mean} {high}");
        assert_eq!(studentised(&values, 1), Some((low, high)), "the same key");
        assert_ne!(studentised(&values, 2), Some((low, high)), "resamples of its own");
        // Scales and shifts with its values.
        let moved: Vec<f64> = values.iter().map(|v| 3.0 - 2.0 * v).collect();
        let (other_low, other_high) = studentised(&moved, 1).unwrap();
        assert!((other_low - (3.0 - 2.0 * high)).abs() < 0.1 && other_high > other_low);
    }

    #[test]
    fn a_skewed_law_is_covered_better_than_by_students_t() {
        let count = 2_000;
        let covered = (0..count)
            .filter(|replicate| {
                let ends = studentised(&sample(*replicate, 10, exponential), *replicate);
                ends.is_some_and(|(l, h)| l <= 1.0 && 1.0 <= h)
            })
            .count();
        // Student's t covers 90 %. Standard error of the share: half a percent.
        assert!((0.93..=0.97).contains(&(covered as f64 / count as f64)), "{covered}");
    }

    /// 49 of the 1,999 resampled t lie beyond either end.
    #[test]
    fn ends_are_order_statistics_from_either_end() {
        let values = sample(3, 12, exponential);
        let (low, high) = studentised(&values, 7).unwrap();
        let mean = values.iter().sum::<f64>() / 12.0;
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let error = libm::sqrt(squares / 11.0 / 12.0);
        let distances: Vec<f64> = values.iter().map(|value| (value - mean) / error).collect();
        let mut rng = Rng::new(0, 12).stream_of(Label::Bootstrap, 7);
        let ratios = ratios(&distances, 1999, &mut rng);
        let beyond = |so: &dyn Fn(f64) -> bool| ratios.iter().filter(|t| so(**t)).count();
        // The low end comes from the large t, the high end from the small ones.
        let (large, small) = ((mean - low) / error, (mean - high) / error);
        assert_eq!(beyond(&|t| t > large + 1e-9), 49);
        assert_eq!(beyond(&|t| t > large - 1e-9), 50);
        assert_eq!(beyond(&|t| t < small - 1e-9), 49);
        assert_eq!(beyond(&|t| t < small + 1e-9), 50);
    }

    #[test]
    fn a_resample_that_does_not_vary_has_an_infinite_t_of_its_sign() {
        let mut rng = Rng::new(0, 1).stream_of(Label::Bootstrap, 1);
        assert_eq!(ratios(&[2.0; 10], 1, &mut rng), [f64::INFINITY]);
        assert_eq!(ratios(&[-2.0; 10], 1, &mut rng), [f64::NEG_INFINITY]);
        // Of 1 and 3: mean 2, variance 2, standard error of the mean 1.
        let some = ratios(&[1.0, 3.0], 50, &mut rng);
        assert!(some.iter().all(|t| *t == f64::INFINITY || (t - 2.0).abs() < 1e-12), "{some:?}");
        assert!(some.contains(&f64::INFINITY) && some.iter().any(|t| t.is_finite()));
        // Of ten values 1 and 1 + d the standard error is at most d / 6: below 0.01, or about 0.03.
        let two = |d: f64| (0..10).map(|i| 1.0 + f64::from(i % 2) * d).collect::<Vec<_>>();
        assert_eq!(ratios(&two(0.05), 1, &mut rng), [f64::INFINITY]);
        assert!((10.0..100.0).contains(&ratios(&two(0.2), 1, &mut rng)[0]));
    }

    /// However many are summed side by side.
    #[test]
    fn a_resample_has_the_draws_that_follow_those_of_the_one_before() {
        let distances = sample(4, 11, exponential);
        let stream = || Rng::new(0, 11).stream_of(Label::Bootstrap, 3);
        let mut rng = stream();
        let one = |_| {
            let draws: Vec<f64> = (0..11)
                .map(|_| distances[((u64::from(rng.next_u32()) * 11) >> 32) as usize])
                .collect();
            let squares = draws.iter().fold(0.0, |sum, draw| sum + draw * draw);
            ratio([draws.iter().fold(0.0, |sum, draw| sum + draw), squares], 11)
        };
        let one_by_one: Vec<f64> = (0..1999).map(one).collect();
        assert_eq!(ratios(&distances, 1999, &mut stream()), one_by_one);
    }

    #[test]
    fn too_little_to_resample() {
        assert_eq!(studentised(&[0.1; 9], 1), None);
        assert_eq!(studentised(&[0.1; 10], 1), None, "nothing varies");
        let mut rare = [0.0; 10];
        rare[3] = 0.01;
        assert_eq!(studentised(&rare, 1), None, "a third of the resamples are all zeros");
    }

    #[test]
    fn degeneracy_is_relative_to_the_scale() {
        // An ulp apart.
        let ulp: Vec<f64> =
            (0..10).map(|i| if i % 2 == 0 { 0.000_05 } else { 0.000_05f64.next_up() }).collect();
        assert_eq!(studentised(&ulp, 1), None);
        // All but one agree to a millionth of what the one differs by: a share of fairness.
        let rare: Vec<f64> =
            (0..10).map(|i| 1.0 / 3.0 + if i == 4 { 1e-5 } else { f64::from(i) * 1e-12 }).collect();
        assert_eq!(studentised(&rare, 1), None);
        // The same shape at any scale gives the same interval.
        let values = sample(5, 12, exponential);
        let tiny: Vec<f64> = values.iter().map(|v| v * 1e-30).collect();
        let (found, scaled) = (studentised(&values, 1).unwrap(), studentised(&tiny, 1).unwrap());
        assert!((scaled.0 / found.0 / 1e-30 - 1.0).abs() < 1e-9);
        assert!((scaled.1 / found.1 / 1e-30 - 1.0).abs() < 1e-9);
    }
}
