//! Means and intervals over replicates.
//!
//! Requests within a run are autocorrelated; replicates are independent. All intervals are
//! Student's t over replicates, two-sided 95 %.
//!
//! Where all replicates agree there is no interval: values without scatter say nothing about how
//! far their mean is from that of the law, and an interval of no width would claim certainty.

use statrs::distribution::{ContinuousCDF, StudentsT};
use std::sync::OnceLock;

/// Numbers that agree to this share of their size are equal: sums that were added in another order
/// differ in their last digits.
pub(super) const EQUAL: f64 = 1e-9;

/// The largest of some numbers without their signs.
fn size(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |size: f64, value| size.max(value.abs()))
}

/// Whether some values differ by more than a billionth of `scale`.
fn differ(values: &[f64], scale: f64) -> bool {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most - least > EQUAL * scale
}

/// Whether some values differ by more than rounding does, a billionth of their size.
pub fn varies(values: &[f64]) -> bool {
    differ(values, size(values))
}

/// Mean, standard deviation and half width of the 95 % interval of some replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Sample standard deviation, 0 where nothing varies; `None` for a single value.
    pub deviation: Option<f64>,
    /// Half width of the interval; `None` for a single value and where nothing varies.
    pub half_width: Option<f64>,
    /// How many values.
    pub count: usize,
}

impl Estimate {
    /// Of some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        Self::at_scale(values, size(values))
    }

    /// Of differences between numbers of this size, whose rounding remains in them; `None` if
    /// there are none.
    pub fn at_scale(values: &[f64], scale: f64) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n;
        if count == 1 {
            return Some(Self { mean, deviation: None, half_width: None, count });
        }
        if !differ(values, scale) {
            return Some(Self { mean: values[0], deviation: Some(0.0), half_width: None, count });
        }
        let squares: f64 = values.iter().map(|v| (v - mean) * (v - mean)).sum();
        let deviation = libm::sqrt(squares / (n - 1.0));
        let half_width = t_975(count - 1) * deviation / libm::sqrt(n);
        Some(Self { mean, deviation: Some(deviation), half_width: Some(half_width), count })
    }

    /// The lower end of the interval, the mean if there is none.
    pub fn low(&self) -> f64 {
        self.mean - self.half_width.unwrap_or(0.0)
    }

    /// The upper end of the interval, the mean if there is none.
    pub fn high(&self) -> f64 {
        self.mean + self.half_width.unwrap_or(0.0)
    }
}

/// The 97.5 % quantile of Student's t.
pub fn t_975(degrees: usize) -> f64 {
    // All intervals of a sweep have the same degrees of freedom, and the inverse takes long.
    static KNOWN: [OnceLock<f64>; 256] = [const { OnceLock::new() }; 256];
    let inverse =
        || StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::NAN, |t| t.inverse_cdf(0.975));
    KNOWN.get(degrees).map_or_else(inverse, |known| *known.get_or_init(inverse))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_students() {
        // t(0.975, 9) from tables: 2.262157.
        assert!((t_975(9) - 2.262_157).abs() < 1e-5);
        let estimate = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
        assert_eq!((estimate.mean, estimate.deviation), (2.0, Some(1.0)));
        // 4.302653 / sqrt(3)
        assert!((estimate.half_width.unwrap() - 2.484_138).abs() < 1e-5);
        assert_eq!(Estimate::of(&[5.0]).unwrap().half_width, None);
        let single = Estimate::of(&[5.0]).unwrap();
        assert_eq!((single.low(), single.high()), (5.0, 5.0));
        assert_eq!(Estimate::of(&[]), None);
    }

    #[test]
    fn where_nothing_varies_there_is_no_interval() {
        let of = |values: &[f64]| Estimate::of(values).map(|e| (e.mean, e.deviation, e.half_width));
        assert_eq!(of(&[0.1; 10]), Some((0.1, Some(0.0), None)));
        assert_eq!(of(&[0.0, 0.0]), Some((0.0, Some(0.0), None)));
        // An ulp is rounding, at any scale; a millionth is not.
        for scale in [1e-30, 1.0, 1e30] {
            let close = [0.9 * scale, f64::next_up(0.9 * scale)];
            assert!(!varies(&close) && Estimate::of(&close).unwrap().half_width.is_none());
            assert!(varies(&[0.9 * scale, 0.900_001 * scale]));
        }
        // Differences keep the rounding of what was subtracted.
        let differences = [0.9 - 0.8, 0.7 - 0.6, 0.3 - 0.2];
        assert_eq!(Estimate::at_scale(&differences, 0.9).unwrap().half_width, None);
        let noise = [0.0, 1e-16];
        assert!(Estimate::of(&noise).unwrap().half_width.is_some());
        assert_eq!(Estimate::at_scale(&noise, 0.9).unwrap().half_width, None);
    }
}
