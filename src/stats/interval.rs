//! Which interval a metric gets.

use super::bootstrap::{LEAST, studentised};
use super::estimate::Estimate;

/// A bootstrap-t interval that is more than this many times as wide as Student's t is not used: its
/// ends come from a few resamples that hardly vary. For samples of skewed laws that bootstrap-t
/// serves well, such as ten exponential numbers, this happens to one in a hundred.
pub const WIDEST: f64 = 3.0;

/// How an interval was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntervalMethod {
    /// Student's t over replicates.
    T,
    /// The studentised bootstrap over replicates.
    BootstrapT,
}

impl IntervalMethod {
    /// The word for it in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::T => "t",
            Self::BootstrapT => "bootstrap-t",
        }
    }
}

/// Why a skewed metric has Student's t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodReason {
    /// There are fewer than ten values.
    Few,
    /// All values but a few agree, so that many resamples do not vary.
    Agree,
    /// Bootstrap-t is more than three times as wide.
    Wide,
}

impl MethodReason {
    /// The word for it in result files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Few => "few",
            Self::Agree => "agree",
            Self::Wide => "wide",
        }
    }
}

/// What is known of a metric before it is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricShape {
    /// Whether it is skewed over replicates by nature.
    pub skewed: bool,
    /// Where its values lie, and so its mean.
    pub range: (f64, f64),
}

/// A two-sided 95 % interval of a mean over replicates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
    /// How it was found.
    pub method: IntervalMethod,
    /// Why it is Student's t, for a skewed metric.
    pub reason: Option<MethodReason>,
    /// Whether the lower end, and the upper, was beyond the range of the metric and put back to it.
    pub clipped: [bool; 2],
}

impl Interval {
    /// Of some values: by the bootstrap where they are skewed by nature and it can be had, else by
    /// Student's t. `None` for fewer than two, and where nothing varies. `key` names the stream of
    /// the resamples.
    ///
    /// What is skewed is said beforehand, by metric: to choose by the values at hand would choose
    /// the narrower interval too often.
    pub fn of(values: &[f64], law: MetricShape, key: u64) -> Option<Self> {
        let estimate = Estimate::of(values)?;
        estimate.half_width?;
        let t = (estimate.low(), estimate.high());
        let width = |(low, high): (f64, f64)| high - low;
        let resampled = if law.skewed { studentised(values, key) } else { None };
        let ((low, high), method, reason) = match resampled {
            Some(ends) if width(ends) <= WIDEST * width(t) => {
                (ends, IntervalMethod::BootstrapT, None)
            }
            Some(_) => (t, IntervalMethod::T, Some(MethodReason::Wide)),
            None if !law.skewed => (t, IntervalMethod::T, None),
            None if values.len() < LEAST => (t, IntervalMethod::T, Some(MethodReason::Few)),
            None => (t, IntervalMethod::T, Some(MethodReason::Agree)),
        };
        let (least, most) = law.range;
        let clipped = [low < least, high > most];
        Some(Self { low: low.max(least), high: high.min(most), method, reason, clipped })
    }

    /// Half of its width.
    pub fn half_width(&self) -> f64 {
        (self.high - self.low) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEAN: MetricShape = MetricShape { skewed: false, range: (0.0, f64::INFINITY) };
    const SKEWED: MetricShape = MetricShape { skewed: true, ..MEAN };

    #[test]
    fn the_method_is_said() {
        let values: Vec<f64> = (0..10).map(|i| f64::from(i * i)).collect();
        let found = |values, law| Interval::of(values, law, 1).map(|i| (i.method, i.reason));
        assert_eq!(found(&values, MEAN), Some((IntervalMethod::T, None)));
        assert_eq!(found(&values, SKEWED), Some((IntervalMethod::BootstrapT, None)));
        assert_eq!(found(&values[1..], SKEWED), Some((IntervalMethod::T, Some(MethodReason::Few))));
        assert_eq!(found(&values[..1], SKEWED), None);
        assert_eq!(found(&[0.5; 12], SKEWED), None, "nothing varies");
        let mut rare = [0.5; 12];
        rare[7] = 0.6;
        assert_eq!(found(&rare, SKEWED), Some((IntervalMethod::T, Some(MethodReason::Agree))));
        let t = Interval::of(&values, MEAN, 1).unwrap();
        let estimate = Estimate::of(&values).unwrap();
        assert!((t.half_width() - estimate.half_width.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn what_is_far_too_wide_is_replaced_and_said() {
        // Accuracies of ten runs, of which nine agree within half a percent.
        let mut values: Vec<f64> = (0..10).map(|i| 0.77 + f64::from(i) * 5e-4).collect();
        values[3] = 0.88;
        let (low, high) = studentised(&values, 1).expect("an interval");
        let t = Estimate::of(&values).unwrap();
        assert!(high - low > 3.0 * (t.high() - t.low()), "{low} {high}");
        let found = Interval::of(&values, SKEWED, 1).unwrap();
        assert_eq!((found.method, found.reason), (IntervalMethod::T, Some(MethodReason::Wide)));
        assert_eq!((found.low, found.high), (t.low(), t.high()));
    }

    #[test]
    fn ends_stay_within_the_range() {
        let law = MetricShape { skewed: false, range: (0.0, 1.0) };
        let found = Interval::of(&[0.0, 0.0, 0.9], law, 1).unwrap();
        assert_eq!((found.low, found.high), (0.0, 1.0));
        assert_eq!(found.clipped, [true, true]);
        let inside = Interval::of(&[0.4, 0.5, 0.6], law, 1).unwrap();
        assert_eq!(inside.clipped, [false, false]);
    }
}
