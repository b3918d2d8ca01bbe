//! When two numbers count as equal.
//!
//! Numbers that are equal in theory differ in their last bits if they were added or multiplied in
//! another order. Where ties are broken by a rule, numbers are rounded, and the rounded ones are
//! compared exactly. Unlike a comparison with a tolerance this is transitive, so that it can sort.
//! Rounding is to nearest: numbers of few digits lie in the middle of what rounds to them. Two
//! numbers that differ in their last bits alone round apart with probability 10⁻⁴ or so.
//!
//! Schedulers compare utilities in fixed point with an absolute tolerance of the same size
//! (`scheduler/score.rs`); priorities have no scale and are rounded here relatively.

/// A number with 41 instead of 53 significant binary digits: a relative error of 2⁻⁴¹ (5e-13) at
/// most. The order of numbers is kept, except for those that become equal.
#[inline]
pub fn rounded(x: f64) -> f64 {
    const DROPPED: u64 = 1 << 12;
    if !x.is_finite() {
        return x;
    }
    // A carry out of the digits goes into the exponent, which is what rounding up to the next
    // power of two is.
    f64::from_bits((x.to_bits() + DROPPED / 2) & !(DROPPED - 1))
}

#[cfg(test)]
mod tests {
    use super::rounded;

    #[test]
    fn what_differs_in_the_last_bits_is_equal() {
        for (a, b) in [(0.1 + 0.2, 0.3), (1.0 - 0.9, 0.1), (3.0 * (1.0 / 3.0), 1.0), (1e-44, 1e-44)]
        {
            assert_eq!(rounded(a), rounded(b));
        }
        assert!(rounded(1.0 - f64::EPSILON) == 1.0 && rounded(1.0 + f64::EPSILON) == 1.0);
    }

    #[test]
    fn the_order_is_kept_and_little_is_lost() {
        let mut x = 1e-300;
        let mut last = 0.0;
        while x < 1e300 {
            let now = rounded(x);
            assert!((now / x - 1.0).abs() <= 2f64.powi(-41) && now > last);
            assert_eq!(rounded(-x), -now);
            // A step of 2e-12 is more than is rounded away.
            assert!(rounded(x * (1.0 + 2e-12)) > now);
            (x, last) = (x * 1.7, now);
        }
        assert_eq!([0.0, f64::INFINITY, f64::MAX].map(rounded)[..2], [0.0, f64::INFINITY]);
        assert!(rounded(f64::NAN).is_nan() && rounded(f64::MAX).is_infinite());
    }
}
