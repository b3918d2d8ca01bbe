//! Times of published traces, in nanoseconds on a clock of 64 bits.

use crate::core::units::{NS_PER_S, parse_decimal};

/// How a column counts time: digits of the unit that make a nanosecond, or a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeUnit {
    /// A decimal of seconds (9), milliseconds (6), microseconds (3) or nanoseconds (0).
    Decimal(u32),
    /// `2023-11-16 18:15:46.680590`, taken as UTC unless it ends in an offset.
    Date,
}

impl TimeUnit {
    /// Every unit, by name.
    pub(super) const ALL: [(&'static str, Self); 5] = [
        ("s", Self::Decimal(9)),
        ("ms", Self::Decimal(6)),
        ("us", Self::Decimal(3)),
        ("ns", Self::Decimal(0)),
        ("date", Self::Date),
    ];

    /// Its name for `--unit`.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, unit)| *unit == self).map_or("", |(name, _)| name)
    }

    /// The time in a cell.
    #[inline]
    pub(super) fn parse(self, text: &str) -> Option<i64> {
        match self {
            Self::Decimal(digits) => {
                parse_decimal(text, digits).and_then(|ns| i64::try_from(ns).ok())
            }
            Self::Date => date(text),
        }
    }

    /// The unit of a number that counts from 1970 to a year from 2001 to 2128.
    pub(super) fn of_epoch(text: &str) -> Option<Self> {
        let value: f64 = text.parse().ok()?;
        let units = [(1e9, 9), (1e12, 6), (1e15, 3), (1e18, 0)];
        let found = units.iter().find(|(from, _)| (*from..5.0 * from).contains(&value));
        found.map(|(_, digits)| Self::Decimal(*digits))
    }
}

/// Nanoseconds since 1970 of `YYYY-MM-DD HH:MM:SS[.fraction][Z|+HH:MM|-HH:MM]`.
pub(super) fn date(text: &str) -> Option<i64> {
    let (day, time) = text.split_once([' ', 'T'])?;
    let (time, offset_s) = match time.rfind(['+', '-']) {
        Some(at) => {
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let seconds = number(hours, 0..=23)? * 3600 + number(minutes, 0..=59)? * 60;
            (&time[..at], if time.as_bytes()[at] == b'-' { -seconds } else { seconds })
        }
        None => (time.strip_suffix('Z').unwrap_or(time), 0),
    };
    let mut parts = day.splitn(3, '-');
    let year = number(parts.next()?, 1970..=2200)?;
    let month = number(parts.next()?, 1..=12)?;
    let day = number(parts.next()?, 1..=days_of(year, month))?;
    let mut parts = time.splitn(3, ':');
    let hour = number(parts.next()?, 0..=23)?;
    let minute = number(parts.next()?, 0..=59)?;
    let second = parts.next()?;
    let within = i64::try_from(parse_decimal(second, 9)?).ok()?;
    if within > 60 * NS_PER_S.cast_signed() || second.split('.').next()?.len() != 2 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60;
    Some((seconds - offset_s) * NS_PER_S.cast_signed() + within)
}

fn number(text: &str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| digits && range.contains(value))
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        2 => 28 + i64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_since_1970_are_known_by_their_magnitude() {
        let unit = |text: &str| TimeUnit::of_epoch(text).map(TimeUnit::name);
        for (text, name) in [
            ("1700000000", Some("s")),
            ("1700000000.25", Some("s")),
            ("1700000000250", Some("ms")),
            ("1.70000000025e15", Some("us")),
            ("1700000000250000000", Some("ns")),
            ("27482", None),
            ("999999999", None),
            ("x", None),
            ("-1700000000", None),
        ] {
            assert_eq!(unit(text), name, "{text}");
        }
    }

    #[test]
    fn dates_count_from_1970() {
        let s = NS_PER_S.cast_signed();
        assert_eq!(date("1970-01-01 00:00:00"), Some(0));
        // From `date -u -d @1700158546` and its like.
        assert_eq!(date("2023-11-16 18:15:46.6805900"), Some(1_700_158_546 * s + 680_590_000));
        assert_eq!(date("2024-02-29T23:59:59Z"), Some(1_709_251_199 * s));
        assert_eq!(date("2024-05-10 00:00:00.009930+00:00"), Some(1_715_299_200 * s + 9_930_000));
        assert_eq!(date("2024-05-10 02:00:00+02:00"), Some(1_715_299_200 * s));
        for bad in [
            "",
            "2023-02-29 00:00:00",
            "2023-11-16",
            "2023-11-16 24:00:00",
            "2023-11-16 18:15:61",
            "2023-11-16 18:15",
            "1969-12-31 00:00:00",
            "2023-13-01 00:00:00",
            "2023-11-16 18:15:46+0100",
            "-023-11-16 18:15:46",
        ] {
            assert_eq!(date(bad), None, "{bad}");
        }
    }
}
