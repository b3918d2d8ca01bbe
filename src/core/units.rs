//! Time as integer nanoseconds, and the decimal text it is read from and written to.
//!
//! **Invariant:** no simulated time is ever a float. Files carry decimal seconds or milliseconds;
//! both are parsed digit by digit, so that `0.1` s is exactly 100 000 000 ns on every machine.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// Nanoseconds in a second.
pub const NS_PER_S: u64 = 1_000_000_000;
/// Nanoseconds in a millisecond.
pub const NS_PER_MS: u64 = 1_000_000;

/// An instant of simulated time, in nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A length of simulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Time {
    /// The start of a run.
    pub const ZERO: Self = Self(0);
    /// Later than every event.
    pub const MAX: Self = Self(u64::MAX);

    /// The span since `earlier`, zero if `earlier` is not earlier.
    pub fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// Seconds as a float, for formulas and reports only.
    pub fn as_s(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }

    /// The first multiple of `grid` at or after this instant; the instant itself if `grid` is zero.
    pub fn round_up(self, grid: Span) -> Self {
        if grid.0 == 0 {
            return self;
        }
        Self(self.0.div_ceil(grid.0).saturating_mul(grid.0))
    }
}

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// A span of `s` seconds rounded to the nanosecond; zero for negative input and NaN.
    pub fn from_s(s: f64) -> Self {
        Self::from_ns(s * NS_PER_S as f64)
    }

    /// A span of `ms` milliseconds, as [`Self::from_s`].
    pub fn from_ms(ms: f64) -> Self {
        Self::from_ns(ms * NS_PER_MS as f64)
    }

    /// A span of `ns` nanoseconds, rounded to the nearest, halves up; zero for negative input or
    /// none, the longest span if it does not fit. As `f64::round`, without its call.
    #[inline]
    pub fn from_ns(ns: f64) -> Self {
        if ns >= (1_u64 << 62) as f64 {
            return Self(ns as u64);
        }
        // Signed numbers convert in one step. What is left is exact below 2^53, and 0 above.
        let whole = ns as i64;
        Self((whole + i64::from(ns - whole as f64 >= 0.5)).max(0) as u64)
    }

    /// Seconds as a float, for formulas and reports only.
    pub fn as_s(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }

    /// Milliseconds as a float, for formulas and reports only.
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / NS_PER_MS as f64
    }

    /// The span times `factor`, rounded to the nanosecond.
    pub fn scale(self, factor: f64) -> Self {
        Self::from_ns(self.0 as f64 * factor)
    }
}

/// Events per second of `count` events, the last of which comes `span` after the first:
/// (count − 1) / span. `None` for fewer than two, or if all come at once.
pub fn rate_rps(count: u64, span: Span) -> Option<f64> {
    (count > 1 && span > Span::ZERO).then(|| (count - 1) as f64 / span.as_s())
}

impl Add<Span> for Time {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", decimal(self.0, 9))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", decimal(self.0, 6))
    }
}

/// Reads a non-negative decimal such as `12`, `0.25` or `1.5e-3` as an integer count of
/// 10^-`digits` of its unit: `parse_decimal("0.25", 6)` is 250 000 nanoseconds in a millisecond.
///
/// Digits beyond the resolution are rounded half up. `None` if the text is not such a number or
/// does not fit 64 bits.
pub fn parse_decimal(text: &str, digits: u32) -> Option<u64> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let bytes = || whole.bytes().chain(fraction.bytes());
    if whole.len() + fraction.len() == 0 || !bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // The number of the mantissa's digits at or above the resolution.
    let keep = i64::try_from(whole.len()).ok()? + i64::from(exponent) + i64::from(digits);
    let (mut value, mut round_up) = (0u64, false);
    let mut place = 0i64;
    for digit in bytes() {
        let digit = u64::from(digit - b'0');
        if place < keep {
            value = value.checked_mul(10)?.checked_add(digit)?;
        } else if place == keep {
            round_up = digit >= 5;
        }
        place += 1;
    }
    while value != 0 && place < keep {
        value = value.checked_mul(10)?;
        place += 1;
    }
    value.checked_add(u64::from(round_up))
}

/// Writes an integer count of 10^-`digits` as a decimal without trailing zeros: the inverse of
/// [`parse_decimal`].
pub fn decimal(value: u64, digits: u32) -> String {
    let unit = 10u64.pow(digits);
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let text = format!("{whole}.{rest:0width$}", width = digits as usize);
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(parse_decimal("0.1", 9), Some(100_000_000));
        assert_eq!(parse_decimal("12", 6), Some(12_000_000));
        assert_eq!(parse_decimal("0.28", 6), Some(280_000));
        assert_eq!(parse_decimal("1.5e-3", 6), Some(1_500));
        assert_eq!(parse_decimal("1.5E3", 0), Some(1_500));
        assert_eq!(parse_decimal("0.0000005", 6), Some(1));
        assert_eq!(parse_decimal("0.00000049", 6), Some(0));
        assert_eq!(parse_decimal(".5", 1), Some(5));
        assert_eq!(parse_decimal("0e999999999", 6), Some(0));
        for bad in ["", ".", "-1", "+1", "1.2.3", "nan", "inf", "1e", "1 ", "99999999999999999999"]
        {
            assert_eq!(parse_decimal(bad, 6), None, "{bad}");
        }
    }

    #[test]
    fn decimal_is_the_inverse() {
        for ns in [0, 1, 10, 999_999, 1_000_000, 123_456_789_012] {
            assert_eq!(parse_decimal(&decimal(ns, 6), 6), Some(ns));
        }
        assert_eq!(decimal(1_500_000, 6), "1.5");
    }

    #[test]
    fn round_up_meets_the_grid() {
        assert_eq!(Time(41).round_up(Span(20)), Time(60));
        assert_eq!(Time(40).round_up(Span(20)), Time(40));
        assert_eq!(Time(41).round_up(Span::ZERO), Time(41));
    }
}
