//! How many replicates it takes to tell two rows apart.

use super::estimate::Estimate;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The power that is asked for: the chance of finding a difference of this size.
pub const POWER: f64 = 0.8;
/// More replicates than this are not counted.
const MOST: u64 = 1_000_000;

/// The replicates with which a two-sided t test at `level` finds a true mean difference as large as
/// this estimate's, with the scatter of this estimate, with a power of 0.8. `None` without scatter
/// or difference, and beyond a million.
///
/// The smallest n with n ≥ ((t(1 − level/2) + t(0.8)) s / d)², both quantiles at n − 1 degrees of
/// freedom: the usual approximation by the central t. At 5 % it agrees with tables of the exact
/// power; at stricter levels and few replicates the power is a little less, 0.78 instead of 0.8.
pub fn replicates_to_separate(difference: &Estimate, level: f64) -> Option<u64> {
    difference.half_width?;
    let ratio = difference.deviation? / difference.mean.abs();
    let is_enough = |count: u64| {
        let quantiles = StudentsT::new(0.0, 1.0, (count - 1) as f64)
            .map(|t| t.inverse_cdf(1.0 - level / 2.0) + t.inverse_cdf(POWER));
        quantiles.is_ok_and(|sum| count as f64 >= (sum * ratio) * (sum * ratio))
    };
    if !ratio.is_finite() || !is_enough(MOST) {
        return None;
    }
    let (mut few, mut enough) = (1, MOST);
    while enough - few > 1 {
        let middle = u64::midpoint(few, enough);
        if is_enough(middle) { enough = middle } else { few = middle }
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(mean: f64, deviation: f64, count: usize) -> Estimate {
        Estimate { mean, deviation: Some(deviation), half_width: Some(1.0), count }
    }

    #[test]
    fn replicates_are_those_of_published_tables() {
        // Cohen, Statistical Power Analysis (1988): paired t, two-sided 5 %, power 80 %.
        for (effect, count) in [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (2.0, 5)] {
            for sign in [1.0, -1.0] {
                let found = replicates_to_separate(&of(sign * effect * 3.0, 3.0, 7), 0.05);
                assert_eq!(found, Some(count), "{effect}");
            }
        }
        let strict = replicates_to_separate(&of(0.5, 1.0, 7), 0.01);
        assert!(strict > Some(34));
    }

    #[test]
    fn nothing_separates_what_does_not_differ() {
        assert_eq!(replicates_to_separate(&of(0.0, 1.0, 7), 0.05), None);
        assert_eq!(replicates_to_separate(&of(1e-9, 1.0, 7), 0.05), None);
        let constant = Estimate { half_width: None, ..of(1.0, 0.0, 7) };
        assert_eq!(replicates_to_separate(&constant, 0.05), None);
    }
}
