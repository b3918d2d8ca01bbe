//! Where within an interval the requests of a count arrive.

use super::stem;
use crate::config::csv::{Row, whole};
use crate::config::settings::names;
use crate::config::{Problem, Setting};
use crate::core::rng::{Label, Rng, name_key};

/// The most requests in an interval; a larger number is no count.
const MAX_COUNT: u64 = 1_000_000;
/// All columns or functions of an interval together: they are in memory at once, 16 bytes each.
pub(super) const MAX_AT_ONCE: u64 = 1 << 22;

/// The count in a cell.
pub(super) fn request_count(row: Row<'_>, column: usize) -> Result<u64, Problem> {
    whole(row.text(column))
        .filter(|count| *count <= MAX_COUNT)
        .ok_or_else(|| row.problem(column, format!("a whole number of requests up to {MAX_COUNT}")))
}

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
    /// Independently and uniformly: a Poisson process, given the count.
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

    /// The requests of an interval in order: their times and the numbers of their columns, from
    /// (number, count) of each column.
    pub(super) fn requests(
        self,
        rng: Rng,
        [start_ns, length_ns]: [i64; 2],
        interval: u64,
        counts: impl IntoIterator<Item = (u32, u64)>,
    ) -> Vec<(i64, u32)> {
        let mut requests = Vec::new();
        for (column, count) in counts {
            let draws = [interval, u64::from(column)];
            let offsets = self.offsets(count, length_ns.cast_unsigned(), rng, draws);
            let time = |offset| (start_ns.saturating_add_unsigned(offset), column);
            requests.extend(offsets.into_iter().map(time));
        }
        requests.sort_unstable();
        requests
    }

    /// Nanoseconds into the interval, in order. Draws are those of (`rng`, `interval`, `column`).
    fn offsets(
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
