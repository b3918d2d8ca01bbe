//! Where within an interval the requests of a count arrive.

use super::stem;
use crate::config::Setting;
use crate::config::settings::names;
use crate::core::rng::{Label, Rng, name_key};

/// More requests in an interval than that are no count.
pub(super) const MAX_COUNT: u64 = 1_000_000;
/// All columns or functions of an interval together: they are in memory at once, 16 bytes each.
pub(super) const MAX_AT_ONCE: u64 = 1 << 22;

/// The draws of a file, by its name and how many files of this name came before it.
pub(super) fn draws(seed: u64, path: &str, nth: usize) -> Rng {
    match nth {
        0 => Rng::new(seed, name_key(&[stem(path)])),
        _ => Rng::new(seed, name_key(&[stem(path), &nth.to_string()])),
    }
}

/// How the requests of an interval lie in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spread {
    /// At equal distances, the first at the beginning.
    Even,
    /// Independently and uniformly: a Poisson process that is known to have as many.
    Uniform,
    /// All at the beginning.
    Start,
}

/// The settings of a spread.
pub(super) const SPREAD: &[Setting] = &[
    Setting::choice("spread", &names(&Spread::ALL)).means(
        "When the requests of an interval arrive: evenly, at uniform draws, or at its start.",
    ),
    Setting::integer("seed", [0, u64::MAX], 0).means("The seed of the draws."),
];

impl Spread {
    /// Every way, by name; the first is the default.
    pub(super) const ALL: [(&'static str, Self); 3] =
        [("even", Self::Even), ("uniform", Self::Uniform), ("start", Self::Start)];

    /// Nanoseconds into the interval, in order. Draws are those of (`rng`, `interval`, `column`).
    pub(super) fn offsets(
        self,
        count: u64,
        length_ns: u64,
        rng: Rng,
        [interval, column]: [u64; 2],
    ) -> Vec<u64> {
        let length = u128::from(length_ns);
        let even = |at: u64| (u128::from(at) * length / u128::from(count)) as u64;
        let drawn = |at: u64| {
            let bits = rng.keyed(Label::Arrivals, interval, column << 24 | at);
            ((u128::from(bits) * length) >> 64) as u64
        };
        let mut offsets: Vec<u64> = match self {
            Self::Even => (0..count).map(even).collect(),
            Self::Uniform => (0..count).map(drawn).collect(),
            Self::Start => vec![0; count as usize],
        };
        offsets.sort_unstable();
        offsets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lie_within_their_interval() {
        let rng = Rng::new(1, 2);
        assert_eq!(Spread::Even.offsets(4, 1000, rng, [0, 0]), [0, 250, 500, 750]);
        assert_eq!(Spread::Start.offsets(2, 1000, rng, [0, 0]), [0, 0]);
        let drawn = Spread::Uniform.offsets(10_000, 1000, rng, [3, 0]);
        assert!(drawn.is_sorted() && drawn.iter().all(|offset| *offset < 1000));
        let mean = drawn.iter().sum::<u64>() as f64 / 1e4;
        // The standard error of the mean of 10,000 uniform draws is 2.9.
        assert!((mean - 499.5).abs() < 12.0, "{mean}");
        assert_ne!(drawn, Spread::Uniform.offsets(10_000, 1000, rng, [4, 0]));
    }
}
