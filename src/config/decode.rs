//! Decoding a [`ConfigNode`] by hand: every missing, mistyped, out-of-range or unknown key becomes
//! a [`Problem`] with its position, and decoding goes on, so that many problems are shown at once.
//!
//! Derived deserialisers stop at the first error, and forget positions in tagged enums.

use super::error::{Location, Problem, Problems};
use super::path::join;
use super::settings::{Group, Lists, Preset, Setting, integer_range, number_range};
use super::toml::{ConfigNode, Value};
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Every whole number up to this one is a float of its own, in both directions.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The keys of one table, taken one by one; the rest is unknown at [`Decoder::finish`].
/// Every key that is taken is described: its range, default and choices are those of its
/// [`Setting`].
pub struct Decoder<'a> {
    entries: &'a [(String, ConfigNode)],
    place: Location,
    described: Vec<(&'static str, Lists)>,
    taken: Vec<&'static str>,
    problems: &'a mut Problems,
}

impl<'a> Decoder<'a> {
    /// The keys of `node`, which must be a table of this group.
    pub fn new(node: &'a ConfigNode, group: &'static Group, problems: &'a mut Problems) -> Self {
        let entries = table(node, problems);
        let described = vec![(group.name, group.settings)];
        Self { entries, place: node.place.clone(), described, taken: Vec::new(), problems }
    }

    /// Adds the settings of an entry of a registry, which take precedence.
    pub fn describe(&mut self, entry: &'static str, settings: Lists) {
        self.described.insert(0, (entry, settings));
    }

    /// Whether `key` has a description: readers that several groups share ask only for the keys
    /// that a group has.
    pub fn describes(&self, key: &str) -> bool {
        let mut settings = self.described.iter().flat_map(|(_, lists)| lists.iter().copied());
        settings.any(|list| list.iter().any(|setting| setting.key == key))
    }

    /// The description of `key`.
    fn setting(&self, key: &'static str) -> Option<&'static Setting> {
        let mut all = self.described.iter().flat_map(|(owner, lists)| {
            lists.iter().flat_map(|list| list.iter()).map(move |setting| (*owner, setting))
        });
        let found = all.find(|(_, setting)| setting.key == key);
        debug_assert!(found.is_some(), "`{key}` of {:?} has no description", self.described[0].0);
        #[cfg(test)]
        if let Some((owner, setting)) = found {
            record::took(owner, setting.key);
        }
        found.map(|(_, setting)| setting)
    }

    fn default(&self, key: &'static str) -> Preset {
        self.setting(key).map_or(Preset::Required, |setting| setting.default)
    }

    fn default_text(&self, key: &'static str) -> &'static str {
        if let Preset::Text(default) = self.default(key) { default } else { "" }
    }

    /// The value of `key`, marked as known.
    pub fn take(&mut self, key: &'static str) -> Option<&'a ConfigNode> {
        self.setting(key);
        self.taken.push(key);
        self.entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The table that is the value of `key`; an empty one at the option `--key` if it is absent.
    pub fn inner(&mut self, key: &'static str, group: &'static Group) -> Decoder<'_> {
        if let Some(node) = self.take(key) {
            return Decoder::new(node, group, self.problems);
        }
        let place = Location::file(&format!("--{key}"));
        let described = vec![(group.name, group.settings)];
        Decoder { entries: &[], place, described, taken: Vec::new(), problems: self.problems }
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

    /// The place of the table.
    pub fn place(&self) -> &Location {
        &self.place
    }

    /// A number within the range of `key`, or its default.
    pub fn number(&mut self, key: &'static str) -> f64 {
        let default = if let Preset::Number(default) = self.default(key) { default } else { 0.0 };
        self.optional_number(key).unwrap_or(default)
    }

    /// A number within the range of `key`, if there is one.
    pub fn optional_number(&mut self, key: &'static str) -> Option<f64> {
        let node = self.take(key)?;
        self.number_at(key, node)
    }

    /// A number within the range of `key`, whose absence is a problem.
    pub fn required_number(&mut self, key: &'static str, expected: &str) -> Option<f64> {
        let node = self.require(key, expected)?;
        self.number_at(key, node)
    }

    /// The number that `node`, the value of `key` or an item of it, is.
    pub fn number_at(&mut self, key: &'static str, node: &ConfigNode) -> Option<f64> {
        let kind = self.setting(key)?.kind;
        let (low, high) = kind.numbers()?;
        number(node, &(low..=high), self.problems)
    }

    /// A whole number within the range of `key`, or its default.
    pub fn integer(&mut self, key: &'static str) -> u64 {
        self.integer_up_to(key, u64::MAX)
    }

    /// As [`Self::integer`], of numbers up to `most` if that is less than the range ends with.
    pub fn integer_up_to(&mut self, key: &'static str, most: u64) -> u64 {
        let setting = self.setting(key);
        let (low, high) = setting.and_then(|own| own.kind.integers()).unwrap_or((0, u64::MAX));
        let default = if let Preset::Integer(default) = self.default(key) { default } else { 0 };
        let range = low..=high.min(most);
        self.take(key).and_then(|node| integer(node, &range, self.problems)).unwrap_or(default)
    }

    /// A whole number within the range of `key`, if there is one.
    pub fn optional_integer(&mut self, key: &'static str) -> Option<u64> {
        let node = self.take(key)?;
        self.integer_at(key, node)
    }

    /// A whole number within the range of `key`, whose absence is a problem.
    pub fn required_integer(&mut self, key: &'static str, expected: &str) -> Option<u64> {
        let node = self.require(key, expected)?;
        self.integer_at(key, node)
    }

    /// The whole number that `node`, the value of `key` or an item of it, is.
    pub fn integer_at(&mut self, key: &'static str, node: &ConfigNode) -> Option<u64> {
        let kind = self.setting(key)?.kind;
        let (low, high) = kind.integers()?;
        integer(node, &(low..=high), self.problems)
    }

    /// `true` or `false`, or the default of `key`.
    pub fn flag(&mut self, key: &'static str) -> bool {
        let default = self.default(key) == Preset::Flag(true);
        let Some(node) = self.take(key) else { return default };
        if let Value::Bool(flag) = node.value {
            return flag;
        }
        self.problems.push(mismatch(node, "true or false"));
        default
    }

    /// A string, or the default of `key`.
    pub fn text(&mut self, key: &'static str) -> String {
        let default = self.default_text(key);
        self.text_or(key, default)
    }

    /// A string, or `default`, which depends on other settings.
    pub fn text_or(&mut self, key: &'static str, default: &str) -> String {
        self.optional_text(key).unwrap_or(default).to_owned()
    }

    /// A string, if there is one.
    pub fn optional_text(&mut self, key: &'static str) -> Option<&'a str> {
        self.take(key).and_then(|node| text(node, self.problems))
    }

    /// One of `choices`, by name, or the one that is the default of `key`.
    pub fn choice<T: Clone>(&mut self, key: &'static str, choices: &[(&str, T)]) -> T {
        let default = self.default_text(key);
        let default = choices.iter().find(|(name, _)| *name == default);
        let default = default.unwrap_or(&choices[0]).1.clone();
        self.optional_choice(key, choices).unwrap_or(default)
    }

    /// One of `choices`, by name, if there is one.
    pub fn optional_choice<T: Clone>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        self.take(key).and_then(|node| choice(node, choices, self.problems))
    }

    /// A list of strings, or an empty list.
    pub fn texts(&mut self, key: &'static str) -> Vec<String> {
        self.take(key).map(|node| texts(node, self.problems)).unwrap_or_default()
    }

    /// Reports the keys that were not taken.
    pub fn finish(self) {
        for (key, node) in self.entries {
            if !self.taken.contains(&key.as_str()) {
                let known = self.taken.iter().copied();
                self.problems.push(Problem::unknown(node.place.clone(), "key", key, known));
            }
        }
    }
}

/// What decoders took, for the test that compares it with the descriptions.
#[cfg(test)]
pub mod record {
    use std::collections::BTreeSet;
    use std::sync::{Mutex, PoisonError};

    static TAKEN: Mutex<BTreeSet<(&str, &str)>> = Mutex::new(BTreeSet::new());

    /// A decoder asked for this key of a group or of an entry of a registry.
    pub fn took(owner: &'static str, key: &'static str) {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).insert((owner, key));
    }

    /// Everything that was asked for.
    pub fn taken() -> BTreeSet<(&'static str, &'static str)> {
        TAKEN.lock().unwrap_or_else(PoisonError::into_inner).clone()
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
        problems.push(mismatch(node, number_range(*range.start(), *range.end())));
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
        let expected = integer_range(*range.start(), *range.end());
        let inexact = matches!(node.value, Value::Float(number) if number > EXACT);
        let digits = if inexact { ", written in digits: floats skip some here" } else { "" };
        let expected = expected + digits;
        problems.push(mismatch(node, expected));
    }
    valid
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
