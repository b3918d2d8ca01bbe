//! Utilities in fixed point with 40 binary places, which planners compare.
//!
//! Utilities that are equal in theory (of two variants of equal pooled accuracy, of two plans that
//! serve the same requests equally well) become equal numbers, so that ties are broken by a rule
//! and not by the last bit; and sums do not depend on the order of summation. Two utilities are
//! equal if they round to the same multiple of 2⁻⁴⁰ (9e-13), which is transitive; see
//! [`crate::core::rounding`].

use crate::core::ids::Request;
use crate::core::units::Time;
use std::cmp::Ordering;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Sub};

/// A utility, or a sum of up to sixteen million of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score(u64);

impl Score {
    const PLACES: u32 = 40;
    const ONE: f64 = (1u64 << Self::PLACES) as f64;

    /// A number from 0 to 1, rounded to nearest.
    #[inline]
    pub fn of(utility: f64) -> Self {
        Self((utility * Self::ONE + 0.5) as u64)
    }

    /// The earlier, the higher; exact.
    #[inline]
    pub fn sooner(finish: Time) -> Self {
        Self(u64::MAX - finish.0)
    }

    /// The product with a number from 0 to 1.
    #[inline]
    pub fn times(self, share: Self) -> Self {
        Self(((u128::from(self.0) * u128::from(share.0)) >> Self::PLACES) as u64)
    }

    /// As a number.
    #[inline]
    pub fn value(self) -> f64 {
        self.0 as f64 / Self::ONE
    }
}

impl Add for Score {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Score {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Score {
    #[inline]
    fn sum<I: Iterator<Item = Self>>(scores: I) -> Self {
        scores.fold(Self::default(), Add::add)
    }
}

impl Sub for Score {
    type Output = Self;
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The order of groups by mean deadline, compared as fractions of integers: ties are exact.
pub fn by_mean_deadline(a: &[Request], b: &[Request]) -> Ordering {
    let sum =
        |requests: &[Request]| requests.iter().map(|r| u128::from(r.deadline.0)).sum::<u128>();
    (sum(a) * b.len() as u128).cmp(&(sum(b) * a.len() as u128))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_bits_do_not_count() {
        assert_eq!(Score::of(0.1 + 0.2), Score::of(0.3));
        assert_eq!(Score::of(1.0 - f64::EPSILON), Score::of(1.0));
        assert!(Score::of(0.5 + 2e-12) > Score::of(0.5));
        let thirds = Score::of(1.0 / 3.0) + Score::of(1.0 / 3.0) + Score::of(1.0 / 3.0);
        assert!((thirds.value() - 1.0).abs() < 2e-12);
    }

    #[test]
    fn products_and_instants() {
        assert_eq!((Score::of(0.5) + Score::of(1.0)).times(Score::of(0.5)), Score::of(0.75));
        assert_eq!(Score::of(0.9).times(Score::of(1.0)), Score::of(0.9));
        assert!(Score::sooner(Time(1)) > Score::sooner(Time(2)));
        assert_eq!(Score::of(0.25) - Score::of(0.5), Score::default());
    }
}
