//! Random numbers that do not depend on the scheduler or on the order of draws.
//!
//! Two kinds, both derived from one root seed per experiment:
//!
//! - **Sequential** draws (arrival gaps, start offsets): one ChaCha8 stream per
//!   (root, replicate, label).
//! - **Keyed** draws (outcome of a request on a variant, service noise of a batch): a 64-bit
//!   counter mixer of (root, replicate, request, variant, label). A keyed ChaCha block would cost
//!   about half of the time budget of a request.
//!
//! **Invariant:** neither kind is keyed by the scheduler or by the order of draws. Arrivals, noise
//! and outcomes are the same under every scheduler, so that comparisons are paired.

use rand::{Rng as _, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream of draws is for. Labels never change meaning, or results would change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// Gaps between arrivals, choice of application and row.
    Arrivals = 1,
    /// Deadline budgets.
    Budgets = 2,
    /// Start offsets of recorded sources.
    Offsets = 3,
    /// Whether a variant answers a request correctly, where no prediction was recorded.
    Outcome = 4,
    /// Service time of a batch around its table.
    Noise = 5,
    /// Votes of the SneakPeek model where none were recorded.
    Evidence = 6,
    /// A scheduler's own draws.
    Scheduler = 7,
    /// The seed of one replicate.
    Replicate = 8,
    /// Which recorded requests are left out.
    Thinning = 16,
    /// Class mixes that are drawn.
    Mixes = 17,
    /// The difficulty that a request has for all variants.
    Difficulty = 18,
    /// Which batches stall.
    Stalls = 19,
    /// The error of beliefs, by variant.
    Beliefs = 20,
    /// Service time of a batch around its mean, by the spread of the profile.
    Spread = 21,
    /// The delay of the host after a batch.
    HostDelay = 22,
    /// The blocks of a recording that make a replicate.
    Blocks = 24,
    /// Dialogues made from statistics.
    Dialogues = 32,
    /// Which dialogues are for training and which for testing.
    Split = 33,
    /// An offloading policy's own draws, by dialogue and turn.
    Policy = 34,
    /// The initial parameters of a network.
    Parameters = 35,
    /// A learner's exploration and choice of samples.
    Learner = 36,
    /// The episodes of an environment.
    Episodes = 37,
    /// The values of a bootstrap resample.
    Bootstrap = 48,
    /// The requests and think times of a client of a closed loop.
    Clients = 60,
    /// The sources of requests, where they are drawn.
    Sources = 61,
}

/// The random numbers of one run.
#[derive(Clone, Copy, Debug)]
pub struct Rng {
    run: u64,
}

impl Rng {
    /// The generator of one replicate of the experiment with seed `root`.
    pub fn new(root: u64, replicate: u64) -> Self {
        Self { run: mix(mix(root ^ golden(Label::Replicate as u64)) ^ golden(replicate)) }
    }

    /// The generator of a training episode, different from that of any replicate.
    pub fn episode(number: u64) -> Self {
        Self { run: mix(mix(number ^ golden(Label::Episodes as u64)) ^ golden(0)) }
    }

    /// The seed that names this run in the results.
    pub fn seed(self) -> u64 {
        self.run
    }

    /// A sequential stream for one purpose.
    pub fn stream(self, label: Label) -> ChaCha8Rng {
        self.stream_of(label, 0)
    }

    /// A sequential stream for one purpose and one named thing; `key` is a [`name_key`].
    pub fn stream_of(self, label: Label, key: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.run);
        rng.set_stream(key << 8 | label as u64);
        rng
    }

    /// 64 random bits for (label, `a`, `b`); `a` is a request, `b` a variant or a counter.
    #[inline]
    pub fn keyed(self, label: Label, a: u64, b: u64) -> u64 {
        // Two rounds, each a bijection of 64 bits with full avalanche, so that no two keys of one
        // label collide in a pattern and neighbouring requests are independent for our purposes.
        mix(mix(self.run ^ golden(a)) ^ golden((b << 8) | label as u64))
    }

    /// A number in [0, 1) for (label, `a`, `b`).
    #[inline]
    pub fn keyed_unit(self, label: Label, a: u64, b: u64) -> f64 {
        unit_of(self.keyed(label, a, b))
    }
}

/// The number in [0, 1) of 64 random bits, as `random` draws it.
#[inline]
pub fn unit_of(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

/// A whole number from `low` to `high`, as `random_range` draws it: Canon's method
/// (<https://github.com/apple/swift/pull/39143>), one step. The bias is below 2^−64.
#[inline]
pub fn uniform_integer(low: u64, high: u64, rng: &mut ChaCha8Rng) -> u64 {
    let range = high.wrapping_sub(low).wrapping_add(1);
    if range == 0 {
        return rng.next_u64();
    }
    let product = u128::from(rng.next_u64()) * u128::from(range);
    let (whole, rest) = ((product >> 64) as u64, product as u64);
    if rest <= range.wrapping_neg() {
        return low.wrapping_add(whole);
    }
    let more = (u128::from(rng.next_u64()) * u128::from(range)) >> 64;
    low.wrapping_add(whole + u64::from(rest.checked_add(more as u64).is_none()))
}

/// A key for [`Rng::keyed`] that stands for a name, so that draws do not depend on positions in
/// lists. 48 bits: a label and a counter fit next to it.
pub fn name_key(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0, |key, byte| mix(key ^ golden(u64::from(byte)))) >> 16
}

/// An exponential draw with mean 1 from a number in [0, 1).
///
/// By inversion with `libm`: table-driven samplers use the platform's logarithm in their tails, and
/// results would differ between machines.
#[inline]
pub fn exponential(unit: f64) -> f64 {
    -libm::log(1.0 - unit)
}

/// A standard normal draw from two numbers in [0, 1) (Box and Muller 1958).
pub fn standard_normal(first: f64, second: f64) -> f64 {
    libm::sqrt(2.0 * exponential(first)) * libm::cos(std::f64::consts::TAU * second)
}

/// A gamma draw with this shape and scale 1 (Marsaglia and Tsang, ACM TOMS 2000); below
/// shape 1 by the power of a uniform draw given there.
pub fn gamma(shape: f64, rng: &mut ChaCha8Rng) -> f64 {
    if shape < 1.0 {
        let power = libm::exp(-exponential(rng.random()) / shape);
        return gamma(shape + 1.0, rng) * power;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = standard_normal(rng.random(), rng.random());
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        if -exponential(rng.random()) < x * x / 2.0 + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// Spreads a small counter over 64 bits (multiples of the golden ratio are well apart).
#[inline]
fn golden(value: u64) -> u64 {
    value.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// The finaliser of the `SplitMix64` generator (Steele, Lea, Flood, OOPSLA 2014).
#[inline]
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_those_of_random_range() {
        let (mut ours, mut theirs) =
            (Rng::new(3, 0).stream(Label::Budgets), Rng::new(3, 0).stream(Label::Budgets));
        for bits in 0..64 {
            for low in [0, 5] {
                let high = (u64::MAX >> bits).max(low);
                for _ in 0..200 {
                    let expected = theirs.random_range(low..=high);
                    assert_eq!(uniform_integer(low, high, &mut ours), expected);
                }
            }
        }
    }

    #[test]
    fn keyed_draws_are_uniform_and_uncorrelated() {
        let rng = Rng::new(7, 3);
        let n = 200_000u32;
        let draws: Vec<f64> =
            (0..n).map(|i| rng.keyed_unit(Label::Outcome, u64::from(i), 2)).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        // Standard error of a uniform mean is 1/sqrt(12 n) = 0.00065; five of them.
        assert!((mean - 0.5).abs() < 0.0033, "{mean}");
        let lag: f64 = draws.windows(2).map(|w| (w[0] - 0.5) * (w[1] - 0.5)).sum::<f64>();
        let correlation = lag / f64::from(n) * 12.0;
        // Standard error of a sample correlation is 1/sqrt(n) = 0.0022; five of them.
        assert!(correlation.abs() < 0.0112, "{correlation}");
    }

    #[test]
    fn laws_have_their_moments() {
        let rng = Rng::new(11, 0);
        let n = 100_000u32;
        let unit = |i: u32, salt| rng.keyed_unit(Label::Noise, u64::from(i), salt);
        let mean = |law: &dyn Fn(u32) -> f64| (0..n).map(law).sum::<f64>() / f64::from(n);
        // Five standard errors: 1/sqrt(n) = 0.0032 for both means, sqrt(2/n) for the square.
        assert!((mean(&|i| exponential(unit(i, 0))) - 1.0).abs() < 0.016);
        let normal = |i| standard_normal(unit(i, 0), unit(i, 1));
        assert!(mean(&normal).abs() < 0.016);
        assert!((mean(&|i| normal(i) * normal(i)) - 1.0).abs() < 0.023);
    }

    #[test]
    fn gamma_has_its_moments() {
        let mut rng = Rng::new(3, 0).stream(Label::Arrivals);
        let n = 200_000u32;
        for shape in [0.0625, 0.5, 1.0, 4.0] {
            let draws: Vec<f64> = (0..n).map(|_| gamma(shape, &mut rng)).collect();
            let mean = draws.iter().sum::<f64>() / f64::from(n);
            let square = draws.iter().map(|x| (x - shape).powi(2)).sum::<f64>() / f64::from(n);
            // Mean k, variance k, fourth central moment 3k² + 6k; five standard errors.
            let error = (shape / f64::from(n)).sqrt();
            assert!((mean - shape).abs() < 5.0 * error, "{shape}: {mean}");
            let error = ((2.0 * shape * shape + 6.0 * shape) / f64::from(n)).sqrt();
            assert!((square - shape).abs() < 5.0 * error, "{shape}: {square}");
        }
    }

    #[test]
    fn keys_replicates_and_labels_differ() {
        let rng = Rng::new(7, 3);
        assert_ne!(rng.keyed(Label::Outcome, 1, 2), rng.keyed(Label::Outcome, 2, 1));
        assert_ne!(rng.keyed(Label::Outcome, 1, 2), rng.keyed(Label::Noise, 1, 2));
        assert_ne!(rng.seed(), Rng::new(7, 4).seed());
        assert_ne!(rng.seed(), Rng::new(8, 3).seed());
    }
}
