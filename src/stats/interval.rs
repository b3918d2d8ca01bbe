//! Which interval a metric gets.

use super::bootstrap::studentised;
use super::estimate::Estimate;

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Student's t over replicates.
    T,
    /// The studentised bootstrap over replicates.
    BootstrapT,
}

impl Method {
    /// The word for it in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::T => "t",
            Self::BootstrapT => "bootstrap-t",
        }
    }
}

/// A two-sided 95 % interval of a mean over replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How it was found.
    pub method: Method,
}

impl Interval {
    /// Of some values: by the bootstrap where they are `skewed` by nature and it can be had,
    /// else by Student's t. `None` for fewer than two.
    ///
    /// What is skewed is said beforehand, by metric: to choose by the values at hand would choose
    /// the narrower interval too often.
    pub fn of(values: &[f64], skewed: bool) -> Option<Self> {
        let estimate = Estimate::of(values)?;
        estimate.half_width?;
        let t = (estimate.low(), estimate.high(), Method::T);
        let resampled = if skewed { studentised(values) } else { None };
        let (low, high, method) = resampled.map_or(t, |(l, h)| (l, h, Method::BootstrapT));
        Some(Self { low, high, method })
    }

    /// Half of its width.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_method_is_said() {
        let values: Vec<f64> = (0..10).map(|i| f64::from(i * i)).collect();
        let method = |values, skewed| Interval::of(values, skewed).map(|i| i.method);
        assert_eq!(method(&values, false), Some(Method::T));
        assert_eq!(method(&values, true), Some(Method::BootstrapT));
        assert_eq!(method(&values[1..], true), Some(Method::T), "too few to resample");
        assert_eq!(method(&values[..1], true), None);
        let t = Interval::of(&values, false).unwrap();
        let estimate = Estimate::of(&values).unwrap();
        assert!((t.half_width() - estimate.half_width.unwrap()).abs() < 1e-12);
    }
}
