//! Decoding a [`ConfigNode`] by hand: every missing, mistyped, out-of-range or unknown key becomes
//! a [`Problem`] with its position, and decoding goes on, so that many problems are shown at once.
//!
//! Derived deserialisers stop at the first error, and forget positions in tagged enums.

use super::error::{Location, Problem, Problems};
use super::path::join;
use super::toml::{ConfigNode, Value};
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Every whole number up to this one is a float of its own, in both directions.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The keys of one table, taken one by one; what is left over at [`Decoder::finish`] is unknown.
pub struct Decoder<'a> {
    entries: &'a [(String, ConfigNode)],
    place: Location,
    taken: Vec<&'static str>,
    problems: &'a mut Problems,
}

impl<'a> Decoder<'a> {
    /// The keys of `node`, which must be a table.
    pub fn new(node: &'a ConfigNode, problems: &'a mut Problems) -> Self {
        let entries = if let Value::Table(entries) = &node.value {
            entries.as_slice()
        } else {
            problems.push(mismatch(node, "a table"));
            &[]
        };
        Self { entries, place: node.place.clone(), taken: Vec::new(), problems }
    }

    /// The value of `key`, marked as known.
    pub fn take(&mut self, key: &'static str) -> Option<&'a ConfigNode> {
        self.taken.push(key);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value of `key`, whose absence is a problem.
    pub fn require(&mut self, key: &'static str, expected: &str) -> Option<&'a ConfigNode> {
        let node = self.take(key);
        if node.is_none() {
            let mut place = self.place.clone();
            place.field = join(&place.field, key);
            self.problems.push(Problem::new(place, "nothing", expected));
        }
        node
    }

    /// The same collector of problems, for decoding inner values.
    pub fn problems(&mut self) -> &mut Problems {
        self.problems
    }

    /// Where the table stands.
    pub fn place(&self) -> &Location {
        &self.place
    }

    /// A number within `range`, or `default` if the key is absent.
    pub fn number(&mut self, key: &'static str, range: RangeInclusive<f64>, default: f64) -> f64 {
        self.take(key).and_then(|n| number(n, &range, self.problems)).unwrap_or(default)
    }

    /// A whole number within `range`, or `default`.
    pub fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>, default: u64) -> u64 {
        self.take(key).and_then(|n| integer(n, &range, self.problems)).unwrap_or(default)
    }

    /// `true` or `false`, or `default`.
    pub fn flag(&mut self, key: &'static str, default: bool) -> bool {
        match self.take(key).map(|node| (node, &node.value)) {
            None => default,
            Some((_, Value::Bool(flag))) => *flag,
            Some((node, _)) => {
                self.problems.push(mismatch(node, "true or false"));
                default
            }
        }
    }

    /// A string, or `default`.
    pub fn text(&mut self, key: &'static str, default: &str) -> String {
        match self.take(key) {
            None => default.to_owned(),
            Some(node) => text(node, self.problems).unwrap_or(default).to_owned(),
        }
    }

    /// One of `choices`, by name; the first is the default.
    pub fn choice<T: Clone>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        self.choice_or(key, choices, choices[0].1.clone())
    }

    /// One of `choices`, by name, or `default`.
    pub fn choice_or<T: Clone>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
        default: T,
    ) -> T {
        self.take(key).and_then(|node| choice(node, choices, self.problems)).unwrap_or(default)
    }

    /// A list of strings, or an empty list.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.take(key).map(|node| texts(node, self.problems)).unwrap_or_default()
    }

    /// Reports the keys nobody asked for.
    pub fn finish(self) {
        for (key, node) in self.entries {
            if !self.taken.contains(&key.as_str()) {
                let known = self.taken.iter().copied();
                self.problems.push(Problem::unknown(node.place.clone(), "key", key, known));
            }
        }
    }
}

/// A value of the wrong kind.
pub fn mismatch(node: &ConfigNode, expected: impl Into<String>) -> Problem {
    let long = |text: &String| text.chars().count() > 40;
    let found = match (&node.value, node.canonical()) {
        (Value::Array(_) | Value::Table(_), text) if long(&text) => node.value.kind().to_owned(),
        (_, text) => text,
    };
    Problem::new(node.place.clone(), found, expected)
}

/// The items of a list; a problem and nothing otherwise.
pub fn array<'a>(node: &'a ConfigNode, problems: &mut Problems) -> &'a [ConfigNode] {
    if let Value::Array(items) = &node.value {
        items
    } else {
        problems.push(mismatch(node, "a list"));
        &[]
    }
}

/// The entries of a table; a problem and nothing otherwise.
pub fn table<'a>(node: &'a ConfigNode, problems: &mut Problems) -> &'a [(String, ConfigNode)] {
    if let Value::Table(entries) = &node.value {
        entries
    } else {
        problems.push(mismatch(node, "a table"));
        &[]
    }
}

/// A table; a bare string is short for the table that has it as the value of `key`.
pub fn named<'a>(node: &'a ConfigNode, key: &str) -> Cow<'a, ConfigNode> {
    if !matches!(node.value, Value::Text(_)) {
        return Cow::Borrowed(node);
    }
    let value = Value::table(vec![(key.to_owned(), node.clone())]);
    Cow::Owned(ConfigNode { place: node.place.clone(), value })
}

/// A string.
pub fn text<'a>(node: &'a ConfigNode, problems: &mut Problems) -> Option<&'a str> {
    if let Value::Text(text) = &node.value {
        return Some(text);
    }
    problems.push(mismatch(node, "a string"));
    None
}

/// A list of strings.
pub fn texts(node: &ConfigNode, problems: &mut Problems) -> Vec<String> {
    let items = array(node, problems).iter();
    items.filter_map(|item| text(item, problems).map(str::to_owned)).collect()
}

/// One of `choices`, by name.
pub fn choice<T: Clone>(
    node: &ConfigNode,
    choices: &[(&str, T)],
    problems: &mut Problems,
) -> Option<T> {
    let name = text(node, problems)?;
    let found = choices.iter().find(|(known, _)| *known == name);
    if found.is_none() {
        let known = choices.iter().map(|(name, _)| *name);
        problems.push(Problem::unknown(node.place.clone(), "value", name, known));
    }
    found.map(|(_, value)| value.clone())
}

/// A finite number within `range`.
pub fn number(
    node: &ConfigNode,
    range: &RangeInclusive<f64>,
    problems: &mut Problems,
) -> Option<f64> {
    let value = match node.value {
        Value::Integer(number) => Some(number as f64),
        Value::Float(number) => Some(number),
        _ => None,
    };
    let valid = value.filter(|v| v.is_finite() && range.contains(v));
    if valid.is_none() {
        problems.push(mismatch(node, number_range(range)));
    }
    valid
}

/// The whole number that a float is: `8e9` has no fraction and is exact.
pub fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

/// A whole number within `range`; a float without a fraction is one, as far as floats are exact.
pub fn integer(
    node: &ConfigNode,
    range: &RangeInclusive<u64>,
    problems: &mut Problems,
) -> Option<u64> {
    let number = match node.value {
        Value::Integer(number) => Some(number),
        Value::Float(number) => whole(number),
        _ => None,
    };
    let value = number.and_then(|number| u64::try_from(number).ok());
    let valid = value.filter(|v| range.contains(v));
    if valid.is_none() {
        let expected = if *range.end() >= i64::MAX as u64 {
            format!("a whole number ≥ {}", range.start())
        } else {
            format!("a whole number from {} to {}", range.start(), range.end())
        };
        let inexact = matches!(node.value, Value::Float(number) if number > EXACT);
        let digits = if inexact { ", written in digits: floats skip some here" } else { "" };
        let expected = expected + digits;
        problems.push(mismatch(node, expected));
    }
    valid
}

fn number_range(range: &RangeInclusive<f64>) -> String {
    let (low, high) = (*range.start(), *range.end());
    match (low == f64::MIN_POSITIVE, high == f64::MAX) {
        (true, true) => "a number > 0".to_owned(),
        (true, false) => format!("a number > 0 and ≤ {high}"),
        (false, true) => format!("a number ≥ {low}"),
        (false, false) => format!("a number from {low} to {high}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_without_a_fraction_are_whole() {
        let read = |text: &str| {
            let mut problems = Problems::default();
            let all = 0..=u64::MAX;
            let value = integer(&ConfigNode::parse_override(text), &all, &mut problems);
            problems.check(value).map_err(|problems| problems.to_string())
        };
        for (text, value) in [("8e9", 8_000_000_000), ("512.0", 512), ("0.0", 0), ("-0.0", 0)] {
            assert_eq!(read(text), Ok(value), "{text}");
        }
        assert_eq!(read("9007199254740992.0"), Ok(1 << 53));
        for text in ["8.5", "-1.0", "nan", "1e-3", "true", "eight"] {
            assert!(read(text).unwrap_err().ends_with("a whole number ≥ 0"), "{text}");
        }
        assert!(read("9007199254740994.0").unwrap_err().contains("written in digits"));
    }
}
