//! One axis: its range, the way from a value to a place on it, and its ticks.
//!
//! A tick is held as a whole number times a power of ten, and its label is written from those
//! digits: binary fractions such as 0.30000000000000004 cannot appear.

use libm::log10;

/// Numbers beyond this are no measurements, and their differences would overflow.
const HUGE: f64 = 1e100;
/// Positive numbers below this are zero for a logarithmic axis.
const TINY: f64 = 1e-100;

/// The share of a logarithmic axis between zeros at its foot and the least number above zero.
const STRIP: f64 = 0.12;

/// More values of a setting than this are a continuous axis.
const MOST_VALUES: usize = 24;

/// The range of an axis, linear or logarithmic.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// The label of the foot of a logarithmic axis, if points are there.
    foot: Option<&'static str>,
    /// The values of the setting that the axis is of, rising; ticks stand at them.
    values: Vec<f64>,
    /// Whether there are whole numbers on it alone.
    whole: bool,
}

/// The ticks of an axis.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Ticks {
    /// Values with a label, rising.
    pub major: Vec<(f64, String)>,
    /// Values with only a faint line.
    pub minor: Vec<f64>,
}

impl Axis {
    /// The range that shows all values with a little space around them. Values that the axis cannot
    /// show are ignored; a usable `fixed` range takes precedence over the data.
    pub(super) fn fit(
        values: impl Iterator<Item = f64>,
        log: bool,
        fixed: Option<(f64, f64)>,
    ) -> Self {
        if let Some((low, high)) = fixed
            && shows(low, log)
            && shows(high, log)
            && high - low > 1e-9 * low.abs().max(high.abs())
        {
            return Self::from_to(low, high, log);
        }
        let ends = values.filter(|value| shows(*value, log)).fold(None, |ends, value| {
            let (low, high) = ends.unwrap_or((value, value));
            Some((value.min(low), value.max(high)))
        });
        let (low, high) = match (ends, log) {
            (None, false) => (0.0, 1.0),
            (None, true) => (1.0, 10.0),
            (Some(ends), false) => padded(ends),
            (Some(ends), true) => padded_log(ends),
        };
        Self::from_to(low, high, log)
    }

    fn from_to(low: f64, high: f64, log: bool) -> Self {
        Self { low, high, log, foot: None, values: Vec::new(), whole: false }
    }

    /// Of a setting that takes these values.
    pub(super) fn of_setting(self, values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.filter(|value| shows(*value, self.log)).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        let whole = !values.is_empty() && values.iter().all(|value| value.fract() == 0.0);
        if values.len() > MOST_VALUES {
            values.clear();
        }
        Self { values, whole, ..self }
    }

    /// Whether the axis leaves out numbers between 0 and its low end.
    pub(super) fn is_cut(&self) -> bool {
        !self.log && self.low > 0.0
    }

    /// A tick for every value of the setting; none if the axis is of no setting.
    pub(super) fn value_ticks(&self) -> Vec<(f64, String)> {
        let thousands = self.values.iter().any(|value| value.abs() >= 1e4);
        let label = |value: &f64| (*value, value_label(*value, thousands));
        let foot = self.foot.filter(|_| !self.values.is_empty());
        let foot = foot.map(|label| (0.0, label.to_owned()));
        foot.into_iter().chain(self.values.iter().map(label)).collect()
    }

    /// With a place for these values at the foot, if it is logarithmic and some of them are at or
    /// below zero.
    pub(super) fn with_foot(self, values: impl Iterator<Item = f64>) -> Self {
        let least = values.filter(|value| at_foot(*value, self.log)).reduce(f64::min);
        Self { foot: least.map(|least| if least < 0.0 { "≤ 0" } else { "0" }), ..self }
    }

    /// Where on the axis a value lies, 0 at the low end and 1 at the high end; beyond that range
    /// outside the axis. Nothing if the axis cannot show the value at all.
    pub(super) fn place(&self, value: f64) -> Option<f64> {
        if self.foot.is_none() {
            return self.part(value);
        }
        if at_foot(value, self.log) {
            return Some(0.0);
        }
        let part = self.part(value)?;
        // What is beyond a fixed range stays beyond it.
        Some(if part < 0.0 { part } else { STRIP + (1.0 - STRIP) * part })
    }

    /// Where a value lies between the ends of the range.
    fn part(&self, value: f64) -> Option<f64> {
        let (low, high, at) = match (shows(value, self.log), self.log) {
            (false, _) => return None,
            (true, false) => (self.low, self.high, value),
            (true, true) => (log10(self.low), log10(self.high), log10(value)),
        };
        Some((at - low) / (high - low))
    }

    /// Whether a value is at the foot, which is not to scale.
    pub(super) fn has_at_foot(&self, value: f64) -> bool {
        self.foot.is_some() && at_foot(value, self.log)
    }

    /// As [`Axis::place`], but numbers at or below zero go to the foot of a logarithmic axis;
    /// for interval ends, which may reach there although the mean does not.
    pub(super) fn place_end(&self, value: f64) -> Option<f64> {
        if self.log && value < TINY { Some(0.0) } else { self.place(value) }
    }

    /// About `wanted` labelled ticks at round values.
    pub(super) fn ticks(&self, wanted: u32) -> Ticks {
        let mut ticks = if self.log { self.log_ticks(wanted) } else { self.linear_ticks(wanted) };
        if let Some(label) = self.foot {
            ticks.major.insert(0, (0.0, label.to_owned()));
        }
        ticks
    }

    fn linear_ticks(&self, wanted: u32) -> Ticks {
        let raw = (self.high - self.low) / f64::from(wanted.max(1));
        let exponent = log10(raw).floor() as i32;
        // The slack keeps a step that is round but for rounding from going up to the next one.
        let lead = raw / power(exponent) * (1.0 - 1e-9);
        let digit = [1, 2, 5].into_iter().find(|digit| *digit as f64 >= lead);
        let (digit, exponent) = digit.map_or((1, exponent + 1), |digit: i64| (digit, exponent));
        // There is nothing between whole numbers.
        let (digit, exponent) = if self.whole && exponent < 0 { (1, 0) } else { (digit, exponent) };
        let step = scaled(digit, exponent);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let digits: Vec<i64> = (first..=last).map(|index| index * digit).collect();
        let unit = Unit::of(&digits, exponent);
        let major = digits.iter().map(|&d| (scaled(d, exponent), unit.label(d, exponent)));
        Ticks { major: major.collect(), minor: Vec::new() }
    }

    fn log_ticks(&self, wanted: u32) -> Ticks {
        let inside =
            |value: f64| self.part(value).is_some_and(|at| (-1e-9..=1.0 + 1e-9).contains(&at));
        let [low, high] = [self.low, self.high].map(|end| log10(end).floor() as i32);
        let decades: Vec<i32> = (low..=high + 1).collect();
        let shown = decades.iter().filter(|e| inside(power(**e))).count();
        let every = |digits: &[i64]| -> Vec<(i64, i32)> {
            let all = decades.iter().flat_map(|&e| digits.iter().map(move |&d| (d, e)));
            all.filter(|&(d, e)| inside(scaled(d, e))).collect()
        };
        let wanted = wanted.max(1) as usize;
        let stride = shown.div_ceil(wanted + 1).max(1);
        let fine = every(&[1, 2, 5]);
        let coarse: Vec<(i64, i32)> = every(&[1]).into_iter().step_by(stride).collect();
        let chosen =
            if self.high / self.low < 101.0 && fine.len() <= wanted + 1 { fine } else { coarse };
        if chosen.len() < 2 {
            // Less than a decade is nearly straight; round linear steps read best there.
            return self.linear_ticks(wanted.min(4) as u32);
        }
        let rest = match stride {
            1 => every(&[1, 2, 3, 4, 5, 6, 7, 8, 9]),
            2..=6 => every(&[1]),
            // More lines than that are a grey sheet.
            _ => Vec::new(),
        };
        let minor = rest.into_iter().filter(|tick| !chosen.contains(tick));
        Ticks {
            minor: minor.map(|(d, e)| scaled(d, e)).collect(),
            major: chosen.into_iter().map(|(d, e)| (scaled(d, e), compact(d, e))).collect(),
        }
    }
}

/// Whether an axis can show the value at all.
pub(super) fn shows(value: f64, log: bool) -> bool {
    // The comparison is false for NaN.
    value.abs() < HUGE && (!log || value > TINY)
}

/// Whether a point goes to the foot of the axis: a logarithmic one has no place for it.
pub(super) fn at_foot(value: f64, log: bool) -> bool {
    log && value <= TINY && value > -HUGE
}

/// A linear range with some air around the data. It starts at zero when the data comes close.
fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let size = low.abs().max(high.abs());
    if size < TINY {
        return (0.0, 1.0);
    }
    if high - low <= 1e-9 * size {
        return (low - 0.1 * size, high + 0.1 * size);
    }
    let air = 0.04 * (high - low);
    let from_zero = low >= 0.0 && low <= 0.25 * high;
    (if from_zero { 0.0 } else { low - air }, high + air)
}

/// A logarithmic range with some air around the data.
fn padded_log((low, high): (f64, f64)) -> (f64, f64) {
    let decades = log10(high / low);
    let air = if decades < 1e-6 { 2.0 } else { libm::pow(10.0, 0.03 * decades) };
    (low / air, high * air)
}

/// What the labels of a linear axis count in.
struct Unit {
    exponent: i32,
    suffix: String,
}

impl Unit {
    fn of(digits: &[i64], exponent: i32) -> Self {
        let largest = digits.iter().map(|d| d.abs()).max().unwrap_or(0);
        let size = exponent + largest.checked_ilog10().unwrap_or(0).cast_signed();
        let (exponent, suffix) = match size {
            _ if largest == 0 => (0, String::new()),
            -3..=3 => (0, String::new()),
            4..=5 => (3, "k".to_owned()),
            6..=8 => (6, "M".to_owned()),
            9..=11 => (9, "G".to_owned()),
            _ => (size, format!("e{size}")),
        };
        Self { exponent, suffix }
    }

    fn label(&self, digits: i64, exponent: i32) -> String {
        if digits == 0 && !self.suffix.is_empty() {
            return "0".to_owned();
        }
        decimal(digits, exponent - self.exponent) + &self.suffix
    }
}

/// A number in a sentence: `30,000`.
pub(in crate::report) fn in_words(value: f64) -> String {
    let text = value.to_string();
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text;
    }
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}{rest}")
}

/// The label of a value of a setting, as it was written; large ones in thousands or millions.
fn value_label(value: f64, thousands: bool) -> String {
    let size = value.abs();
    let text = match size {
        _ if value == 0.0 => "0".to_owned(),
        _ if size < 1e-4 => format!("{value:e}"),
        _ if size >= 1e12 => format!("{value:e}"),
        _ if size >= 1e9 => format!("{}G", value / 1e9),
        _ if size >= 1e6 => format!("{}M", value / 1e6),
        _ if size >= 1e3 && thousands => format!("{}k", value / 1e3),
        _ => value.to_string(),
    };
    text.replace('-', "\u{2212}").replace("e\u{2212}", "e-")
}

/// The label of a logarithmic tick: plain up to 100, then 1k, 10k, 1M.
fn compact(digit: i64, exponent: i32) -> String {
    match exponent {
        -3..=2 => decimal(digit, exponent),
        3..=5 => decimal(digit, exponent - 3) + "k",
        6..=8 => decimal(digit, exponent - 6) + "M",
        9..=11 => decimal(digit, exponent - 9) + "G",
        _ => format!("{digit}e{exponent}"),
    }
}

/// Writes `digits` times ten to the `exponent`, exactly.
fn decimal(digits: i64, exponent: i32) -> String {
    let sign = if digits < 0 { "\u{2212}" } else { "" };
    let mut text = digits.unsigned_abs().to_string();
    if exponent >= 0 {
        let zeros = if digits == 0 { 0 } else { exponent as usize };
        text.push_str(&"0".repeat(zeros));
    } else {
        let decimals = exponent.unsigned_abs() as usize;
        text = format!("{text:0>width$}", width = decimals + 1);
        text.insert(text.len() - decimals, '.');
    }
    format!("{sign}{text}")
}

/// `digits` times ten to the `exponent`. Dividing by a power of ten that is exact rounds once;
/// multiplying by its inexact inverse would round twice.
fn scaled(digits: i64, exponent: i32) -> f64 {
    let digits = digits as f64;
    if exponent < 0 { digits / power(-exponent) } else { digits * power(exponent) }
}

fn power(exponent: i32) -> f64 {
    10_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(ticks: &Ticks) -> Vec<&str> {
        ticks.major.iter().map(|(_, label)| label.as_str()).collect()
    }

    fn linear(low: f64, high: f64) -> Axis {
        Axis::from_to(low, high, false)
    }

    fn log(low: f64, high: f64) -> Axis {
        Axis::from_to(low, high, true)
    }

    #[test]
    fn linear_labels_are_round_and_alike() {
        let unit = linear(0.0, 1.0).ticks(5);
        assert_eq!(labels(&unit), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(unit.major[3].0.to_bits(), 0.6_f64.to_bits());
        assert_eq!(labels(&linear(-1.0, 1.0).ticks(4)), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
        assert_eq!(labels(&linear(0.0, 26_000.0).ticks(3)), ["0", "10k", "20k"]);
        assert_eq!(labels(&linear(0.0, 5e6).ticks(5)), ["0", "1M", "2M", "3M", "4M", "5M"]);
        assert_eq!(labels(&linear(0.0, 4e-5).ticks(4)), ["0", "1e-5", "2e-5", "3e-5", "4e-5"]);
        assert_eq!(labels(&linear(0.90, 0.97).ticks(4)), ["0.90", "0.92", "0.94", "0.96"]);
        assert_eq!(labels(&linear(0.0, 4_000.0).ticks(4)), ["0", "1000", "2000", "3000", "4000"]);
    }

    #[test]
    fn decades_are_labelled_plainly() {
        let rates = [10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 3e4];
        let ticks = Axis::fit(rates.into_iter(), true, None).ticks(6);
        assert_eq!(labels(&ticks), ["10", "100", "1k", "10k"]);
        assert!(ticks.minor.contains(&300.0) && ticks.minor.contains(&20_000.0));
        assert_eq!(labels(&log(0.001, 1.0).ticks(6)), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(&log(1e-5, 1e-3).ticks(3)), ["1e-5", "1e-4", "0.001"]);
    }

    #[test]
    fn short_and_long_log_ranges_stay_readable() {
        assert_eq!(labels(&log(20.0, 900.0).ticks(6)), ["20", "50", "100", "200", "500"]);
        assert_eq!(labels(&log(310.0, 390.0).ticks(6)), ["320", "340", "360", "380"]);
        let wide = log(1e-12, 1e12).ticks(6);
        assert!((2..=8).contains(&wide.major.len()), "{wide:?}");
    }

    #[test]
    fn ticks_of_a_setting_are_its_values() {
        let of = |values: &[f64], log| {
            Axis::fit(values.iter().copied(), log, None).of_setting(values.iter().copied())
        };
        let ticks = |axis: &Axis| -> Vec<String> {
            axis.value_ticks().into_iter().map(|(_, label)| label).collect()
        };
        assert_eq!(ticks(&of(&[1.0, 2.0, 4.0, 2.0], false)), ["1", "2", "4"]);
        assert_eq!(ticks(&of(&[0.1, 0.25, 1.0], false)), ["0.1", "0.25", "1"]);
        assert_eq!(ticks(&of(&[100.0, 3000.0], false)), ["100", "3000"]);
        assert_eq!(ticks(&of(&[100.0, 3000.0, 30_000.0], true)), ["100", "3k", "30k"]);
        assert_eq!(ticks(&of(&[1e-6, 2.5e6], false)), ["1e-6", "2.5M"]);
        let zero = of(&[0.0, 1.0, 10.0], true).with_foot([0.0].into_iter());
        assert_eq!(ticks(&zero), ["0", "1", "10"]);
        // Too many for ticks of their own; whole numbers stay whole.
        let twice: Vec<f64> = (0..40).map(|at| f64::from(at % 2 + 1)).collect();
        assert_eq!(ticks(&of(&twice, false)), ["1", "2"]);
        let many: Vec<f64> = (1..40).map(f64::from).collect();
        assert!(ticks(&of(&many, false)).is_empty());
        let whole = Axis { whole: true, ..linear(1.0, 3.0) };
        assert_eq!(labels(&whole.ticks(8)), ["1", "2", "3"]);
        assert_eq!(labels(&linear(1.0, 3.0).ticks(4)), ["1.0", "1.5", "2.0", "2.5", "3.0"]);
    }

    #[test]
    fn numbers_in_sentences_have_their_thousands() {
        let all = [5.0, 1000.0, 30_000.0, 1_234_567.5, 0.25, -4500.0];
        assert_eq!(all.map(in_words), ["5", "1,000", "30,000", "1,234,567.5", "0.25", "-4,500"]);
    }

    #[test]
    fn any_data_gives_a_range() {
        let odd = [
            vec![],
            vec![0.0],
            vec![f64::NAN, f64::INFINITY],
            vec![7.0, 7.0],
            vec![-3.0],
            vec![1e300, 5.0],
            vec![1e9, 1e9 + 1e-6],
            vec![5e-324],
            vec![-1e99, 1e99],
        ];
        for values in odd {
            for is_log in [false, true] {
                let axis = Axis::fit(values.iter().copied(), is_log, Some((1.0, f64::NAN)));
                assert!(axis.low < axis.high, "{values:?} {axis:?}");
                let ticks = axis.ticks(5);
                assert!((1..20).contains(&ticks.major.len()), "{values:?} {ticks:?}");
            }
        }
    }

    #[test]
    fn a_usable_fixed_range_wins() {
        let fixed = Axis::fit([5.0].into_iter(), false, Some((0.0, 1.0)));
        assert_eq!(fixed, linear(0.0, 1.0));
        assert_eq!(fixed.place(0.25), Some(0.25));
        assert_eq!(Axis::fit([5.0].into_iter(), true, Some((0.0, 1.0))), log(2.5, 10.0));
    }

    #[test]
    fn zeros_have_a_foot_of_their_own() {
        let axis = log(1.0, 100.0).with_foot([5.0, 0.0, f64::NAN].into_iter());
        assert_eq!(axis.place(0.0), Some(0.0));
        assert_eq!([axis.place(1.0), axis.place(100.0)], [Some(STRIP), Some(1.0)]);
        assert!(axis.place(0.5).is_some_and(|at| at < 0.0), "beyond the range");
        assert_eq!(labels(&axis.ticks(3)), ["0", "1", "10", "100"]);
        let negative = log(1.0, 100.0).with_foot([0.0, -2.0].into_iter());
        assert_eq!(labels(&negative.ticks(3)), ["≤ 0", "1", "10", "100"]);
        let without = [5.0, f64::NEG_INFINITY].into_iter();
        assert_eq!(log(1.0, 100.0).with_foot(without), log(1.0, 100.0));
        assert_eq!(linear(-1.0, 1.0).with_foot([0.0].into_iter()), linear(-1.0, 1.0));
    }

    #[test]
    fn a_log_axis_has_no_place_for_zero() {
        assert_eq!(log(1.0, 100.0).place(0.0), None);
        assert_eq!(log(1.0, 100.0).place_end(-1.0), Some(0.0));
        assert_eq!(log(1.0, 100.0).place(10.0), Some(0.5));
        assert_eq!(linear(0.0, 1.0).place(f64::NAN), None);
    }
}
