//! The median of a sample with its interval by order statistics, which assumes no law.

use statrs::distribution::{Binomial, DiscreteCDF};

/// A median with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Median {
    /// The middle value, or the mean of the two in the middle.
    pub value: f64,
    /// The interval: two values of the sample; `None` for fewer than six.
    pub ends: Option<(f64, f64)>,
    /// How many values.
    pub count: usize,
}

impl Median {
    /// Of some values; `None` if there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        let count = values.len();
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let value = f64::midpoint(*sorted.get(count.checked_sub(1)? / 2)?, *sorted.get(count / 2)?);
        // So many values at either end are outside: no more than 2.5 % of samples have as few
        // values beyond their median.
        let outside = Binomial::new(0.5, count as u64).ok()?.inverse_cdf(0.025) as usize;
        let inside = outside.checked_sub(1);
        let ends = inside.map(|from| (sorted[from], sorted[count - 1 - from]));
        Some(Self { value, ends, count })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interval of six values is all of them (1 − 2 / 2⁶ = 96.9 %), of ten the second to the
    /// ninth (97.9 %), as tables of the sign test have it.
    #[test]
    fn intervals_are_those_of_tables() {
        let of = |count: u32| Median::of(&(1..=count).map(f64::from).collect::<Vec<_>>());
        assert_eq!(of(0), None);
        assert_eq!(of(5), Some(Median { value: 3.0, ends: None, count: 5 }));
        assert_eq!(of(6), Some(Median { value: 3.5, ends: Some((1.0, 6.0)), count: 6 }));
        assert_eq!(of(10), Some(Median { value: 5.5, ends: Some((2.0, 9.0)), count: 10 }));
        assert_eq!(of(20).and_then(|m| m.ends), Some((6.0, 15.0)));
    }
}
