//! Means and intervals over replicates.
//!
//! Requests within a run are autocorrelated; replicates are independent. All intervals are
//! Student's t over replicates, two-sided 95 %.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// Mean, standard deviation and half width of the 95 % interval of some replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Sample standard deviation; `None` for a single value.
    pub deviation: Option<f64>,
    /// Half width of the interval; `None` for a single value.
    pub half_width: Option<f64>,
    /// How many values.
    pub count: usize,
}

impl Estimate {
    /// Of some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        if count == 0 {
            return None;
        }
        let n = count as f64;
        let mean = values.iter().sum::<f64>() / n;
        if count == 1 {
            return Some(Self { mean, deviation: None, half_width: None, count });
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
    StudentsT::new(0.0, 1.0, degrees as f64).map_or(f64::NAN, |t| t.inverse_cdf(0.975))
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
        assert_eq!(Estimate::of(&[]), None);
    }
}
