//! The clock of one file: the unit of its times is given, recognised from the first of them, or
//! that of the kind. The unit that was assumed is reported, with reasons to doubt it.

use super::time::TimeUnit;
use crate::config::csv::Row;
use crate::config::settings::names;
use crate::config::{Decoder, Group, Kind, Problem, Setting};

/// Times that are searched for a decimal point.
const SAMPLED_TIMES: u64 = 1000;
/// A local time that goes back by this many nanoseconds repeats an hour: the end of summer time.
const HOUR_BACK_NS: std::ops::RangeInclusive<i64> = 1_800_000_000_000..=3_600_000_000_000;
/// A file in which that happens more often is unordered.
const MAX_HOURS_BACK: u32 = 4;
/// Requests per second that no published trace of large models comes near.
const DOUBTFUL_RPS: f64 = 200.0;

/// Reads the times of one file.
#[derive(Debug)]
pub(super) struct TimeReader {
    /// The name of the column for `--unit`.
    what: &'static str,
    given: Option<TimeUnit>,
    default: TimeUnit,
    /// The unit, from the first time on.
    unit: Option<TimeUnit>,
    /// The unit that the magnitude of the first time suggests if it counts from 1970.
    epoch: Option<TimeUnit>,
    count: u64,
    /// The earliest, the latest and the last time.
    range: (i64, i64, i64),
    decimals: bool,
    /// How often a local time went back by about an hour, and the line of the first such time.
    back: (u32, u64),
}

const TIME_UNIT: Kind = Kind::Choice(&names(&TimeUnit::ALL));
const SPAN_UNITS: [&str; 4] = {
    let all = names(&TimeUnit::ALL);
    [all[0], all[1], all[2], all[3]]
};

/// Rates by unit, in megabits per second.
pub(super) const RATES: [(&str, f64); 3] = [("mbps", 1.0), ("kbps", 1e3), ("bps", 1e6)];

/// What `--unit` may hold; each kind takes some of the keys.
pub(super) const UNIT: Group = Group::named("unit").of(&[&[
    Setting::optional("arrival", TIME_UNIT, "recognised, or s").means("The unit of arrival times."),
    Setting::optional("time", TIME_UNIT, "recognised, or s").means("The unit of times."),
    Setting::optional("duration", Kind::Choice(&SPAN_UNITS), "that of the arrival")
        .means("The unit of durations."),
    Setting::optional("budget", Kind::Choice(&SPAN_UNITS), "ms").means("The unit of budgets."),
    Setting::choice("rate", &names(&RATES)).means("The unit of rates."),
]]);

/// The setting that [`units`] reads.
pub(super) const UNITS: &[Setting] =
    &[Setting::optional("unit", Kind::Table(&UNIT), "each as said there")
        .means("The units of times (--unit).")];

/// Decodes `--unit`, by what the units are of: the first is a time, others are spans.
pub(super) fn units<const N: usize>(
    settings: &mut Decoder<'_>,
    names: [&'static str; N],
) -> [Option<TimeUnit>; N] {
    let mut units = settings.inner("unit", &UNIT);
    let mut found = [None; N];
    for (at, name) in names.into_iter().enumerate() {
        let choices = if at == 0 { &TimeUnit::ALL[..] } else { &TimeUnit::ALL[..4] };
        found[at] = units.optional_choice(name, choices);
    }
    units.finish();
    found
}

impl TimeReader {
    /// A clock whose column has this unit, or else, if it is not recognised, the default.
    pub(super) fn new(what: &'static str, given: Option<TimeUnit>, default: TimeUnit) -> Self {
        Self {
            what,
            given,
            default,
            unit: None,
            epoch: None,
            count: 0,
            range: (i64::MAX, i64::MIN, i64::MIN),
            decimals: false,
            back: (0, 0),
        }
    }

    /// The time in a cell.
    pub(super) fn cell(&mut self, row: Row<'_>, column: usize) -> Result<i64, Problem> {
        let read = self.read(row.text(column), row.line());
        read.map_err(|expected| row.problem(column, expected))
    }

    /// A time in nanoseconds.
    ///
    /// # Errors
    /// Says what is expected instead.
    pub(super) fn read(&mut self, text: &str, line: u64) -> Result<i64, String> {
        let unit = self.unit.unwrap_or_else(|| self.recognise(text));
        let Some(time) = unit.parse(text) else { return Err(self.expected(unit, text)) };
        if self.unit.is_none() {
            (self.unit, self.epoch) = (Some(unit), TimeUnit::of_epoch(text));
        }
        let (low, high, last) = self.range;
        if unit == TimeUnit::Date {
            let back = self.count > 0 && HOUR_BACK_NS.contains(&last.saturating_sub(time));
            if back && is_local(text) {
                let first = if self.back.0 == 0 { line } else { self.back.1 };
                self.back = (self.back.0 + 1, first);
            }
        } else if self.count < SAMPLED_TIMES {
            self.decimals |= text.contains('.');
        }
        self.count += 1;
        self.range = (low.min(time), high.max(time), time);
        Ok(time)
    }

    /// A span in the unit of the clock, or in its own.
    pub(super) fn span(
        &self,
        row: Row<'_>,
        column: usize,
        own: Option<TimeUnit>,
    ) -> Result<i64, Problem> {
        let unit = own.or(self.unit).filter(|unit| *unit != TimeUnit::Date);
        let span = unit.unwrap_or(TimeUnit::Decimal(9)).parse(row.text(column));
        span.ok_or_else(|| row.problem(column, "a time ≥ 0"))
    }

    fn recognise(&self, text: &str) -> TimeUnit {
        let date = || Some(TimeUnit::Date).filter(|date| date.parse(text).is_some());
        let found = self.given.or_else(|| TimeUnit::of_epoch(text)).or_else(date);
        found.unwrap_or(self.default)
    }

    fn expected(&self, unit: TimeUnit, text: &str) -> String {
        let what = self.what;
        if unit == TimeUnit::Date {
            return "a date such as 2023-11-16 18:15:46.680590".to_owned();
        }
        if TimeUnit::Date.parse(text).is_some() {
            return format!("a number: `--unit {what}=date` reads dates");
        }
        let name = unit.name();
        match (TimeUnit::of_epoch(text), text.parse::<f64>()) {
            (Some(epoch), _) if epoch != unit => {
                let looks = epoch.name();
                format!(
                    "a time in {name}: it looks like {looks} since 1970, `--unit {what}={looks}`"
                )
            }
            (_, Ok(number)) if number > 0.0 => format!("a time within 292 years, in {name}"),
            _ => "a time ≥ 0".to_owned(),
        }
    }

    /// Which unit was assumed, unless it was given.
    pub(super) fn fact(&self) -> Option<String> {
        let unit = self.unit.filter(|_| self.given.is_none())?;
        let (what, name) = (self.what, unit.name());
        match unit {
            TimeUnit::Date if self.default == TimeUnit::Date => None,
            TimeUnit::Date => Some(format!("{what} as dates, recognised")),
            _ if self.epoch == Some(unit) => {
                Some(format!("{what} in {name} since 1970, recognised by magnitude"))
            }
            TimeUnit::Decimal(_) => Some(format!("{what} in {name} by default")),
        }
    }

    /// Reasons to doubt the unit.
    pub(super) fn notes(&self) -> Vec<String> {
        let (what, (low, high, _)) = (self.what, self.range);
        let (Some(unit), false) = (self.unit, self.count == 0) else { return Vec::new() };
        let mut notes = Vec::new();
        if let Some(epoch) = self.epoch.filter(|epoch| *epoch != unit) {
            let (found, looks) = (unit.name(), epoch.name());
            notes.push(format!(
                "{what} was read in {found}, but looks like {looks} since 1970: `--unit \
                 {what}={looks}`"
            ));
        }
        let assumed = self.given.is_none() && self.epoch.is_none();
        let rps = (self.count - 1) as f64 / (high.saturating_sub(low).max(1) as f64 / 1e9);
        let fast = self.count > 1 && rps > DOUBTFUL_RPS;
        if assumed && unit == TimeUnit::Decimal(6) && (fast || self.decimals) {
            let why = if fast { format!("{rps:.0} requests a second") } else { "decimals".into() };
            notes.push(format!(
                "{what} was read in ms by default, which gives {why}: `--unit {what}=s` if it is \
                 in seconds"
            ));
        }
        let (times, line) = self.back;
        if (1..=MAX_HOURS_BACK).contains(&times) {
            notes.push(format!(
                "line {line}: {what} goes back by up to an hour and has no offset: an hour of \
                 local time that came twice is read as one; give times in UTC or with an offset"
            ));
        }
        notes
    }
}

/// Whether a date has no offset.
fn is_local(date: &str) -> bool {
    !date.ends_with('Z') && !date.get(10..).is_some_and(|time| time.contains(['+', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(given: Option<TimeUnit>, default: TimeUnit, times: &[&str]) -> TimeReader {
        let mut clock = TimeReader::new("arrival", given, default);
        for (at, time) in times.iter().enumerate() {
            clock.read(time, at as u64 + 2).unwrap();
        }
        clock
    }

    #[test]
    fn the_unit_is_given_or_recognised_or_that_of_the_kind() {
        let (s, ms) = (TimeUnit::Decimal(9), TimeUnit::Decimal(6));
        let fact = |given, default, time: &str| clock(given, default, &[time]).fact();
        assert_eq!(fact(None, s, "5").as_deref(), Some("arrival in s by default"));
        assert_eq!(fact(Some(ms), s, "5"), None);
        let since = "arrival in us since 1970, recognised by magnitude";
        assert_eq!(fact(None, ms, "1700000000000000").as_deref(), Some(since));
        let date = "2024-01-01 00:00:00";
        assert_eq!(fact(None, s, date).as_deref(), Some("arrival as dates, recognised"));
        // The first time decides for all.
        let mut clock = clock(None, s, &["0"]);
        assert_eq!(clock.read("1700000000", 3), Ok(1_700_000_000 * 1_000_000_000));
    }

    #[test]
    fn a_wrong_unit_is_named_whether_it_can_be_read_or_not() {
        let (s, ms) = (TimeUnit::Decimal(9), TimeUnit::Decimal(6));
        let said =
            TimeReader::new("arrival", Some(s), s).read("1700000000000000000", 2).unwrap_err();
        assert_eq!(said, "a time in s: it looks like ns since 1970, `--unit arrival=ns`");
        let notes = clock(Some(ms), s, &["1700000000", "1700000060"]).notes();
        assert_eq!(notes.len(), 1);
        assert!(notes[0].contains("looks like s since 1970"), "{notes:?}");
        assert!(clock(Some(s), s, &["1700000000"]).notes().is_empty());
    }

    #[test]
    fn an_hour_that_comes_twice_is_told() {
        let times = |end: &str| {
            let times = ["01:58:00", "01:03:00", "01:59:59", "02:00:00"];
            times.map(|time| format!("2024-10-27 {time}{end}"))
        };
        let notes = |times: &[String]| {
            let times: Vec<&str> = times.iter().map(String::as_str).collect();
            clock(None, TimeUnit::Date, &times).notes()
        };
        assert!(notes(&times(""))[0].starts_with("line 3: arrival goes back"));
        assert!(notes(&times("Z")).is_empty() && notes(&times("+01:00")).is_empty());
        // A file without order has no such hour.
        assert!(notes(&std::iter::repeat_n(times(""), 6).flatten().collect::<Vec<_>>()).is_empty());
    }
}
