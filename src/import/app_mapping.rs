//! Which application the requests of a model or function belong to.

use crate::config::{Location, Problem, Problems};
use std::collections::BTreeMap;

/// The most models and functions; a column with more distinct texts holds no names.
const MAX_KEYS: usize = 1_000_000;

/// How keys that no `--app KEY=NAME` names are assigned to the other applications.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppMapping {
    /// Keys in turn, in the order in which they first appear.
    #[default]
    RoundRobin,
    /// The same number of neighbouring keys to each application.
    Stripes,
    /// Requests in turn, whatever their key.
    Requests,
}

impl AppMapping {
    /// Every way, by name.
    pub const ALL: [(&'static str, Self); 3] = [
        ("round-robin", Self::RoundRobin),
        ("stripes", Self::Stripes),
        ("requests", Self::Requests),
    ];
}

/// Keys in the order of their first appearance.
#[derive(Debug, Default)]
pub(super) struct Keys {
    numbers: BTreeMap<String, u32>,
    names: Vec<String>,
    last: u32,
}

impl Keys {
    /// The number of a key; `None` if there are too many.
    pub(super) fn number(&mut self, key: &str) -> Option<u32> {
        if self.names.get(self.last as usize).is_some_and(|last| last == key) {
            return Some(self.last);
        }
        self.last = match self.numbers.get(key) {
            Some(number) => *number,
            None if self.names.len() == MAX_KEYS => return None,
            None => {
                let number = self.names.len() as u32;
                self.numbers.insert(key.to_owned(), number);
                self.names.push(key.to_owned());
                number
            }
        };
        Some(self.last)
    }

    /// Every key.
    pub(super) fn names(&self) -> &[String] {
        &self.names
    }
}

/// The applications of an import.
#[derive(Debug)]
pub(super) struct Apps {
    named: Vec<(String, String)>,
    list: Vec<String>,
    map: AppMapping,
    /// How many keys there are, for stripes.
    keys: usize,
    /// Requests assigned in turn so far.
    assigned: usize,
}

impl Apps {
    /// Decodes `--app NAME` and `--app KEY=NAME`.
    pub(super) fn read(given: &[String], map: AppMapping) -> Result<Self, Problems> {
        let mut apps = Self { named: Vec::new(), list: Vec::new(), map, keys: 0, assigned: 0 };
        let mut problems = Problems::default();
        for text in given {
            let (key, name) = text
                .rsplit_once('=')
                .map_or((None, text.as_str()), |(key, name)| (Some(key), name));
            if !is_name(name) {
                let found = format!("`{name}`");
                problems.push(Problem::new(Location::file("--app"), found, NAME));
            }
            match key {
                None => apps.list.push(name.to_owned()),
                Some(key) if apps.named.iter().any(|(known, _)| known == key) => {
                    let found = format!("`{key}` twice");
                    problems.push(Problem::new(Location::file("--app"), found, "each key once"));
                }
                Some(key) => apps.named.push((key.to_owned(), name.to_owned())),
            }
        }
        if apps.list.is_empty() && map != AppMapping::RoundRobin {
            let expected = "applications to deal out: `--app NAME`";
            let place = Location::file("--map");
            problems.push(Problem::new(place, "no list of applications", expected));
        }
        problems.check(Some(apps))
    }

    /// Whether the number of keys must be known before the first request is assigned.
    pub(super) fn needs_key_count(&self) -> bool {
        self.map == AppMapping::Stripes
    }

    /// With the number of keys.
    pub(super) fn with_keys(mut self, keys: usize) -> Self {
        self.keys = keys;
        self
    }

    /// The application of the next request, whose key is this; `None` if it has none.
    pub(super) fn next<'a>(&'a mut self, number: usize, key: &'a str) -> Option<&'a str> {
        if let Some((_, name)) = self.named.iter().find(|(known, _)| known == key) {
            return Some(name);
        }
        let count = self.list.len();
        if count == 0 {
            return (self.named.is_empty() && is_name(key)).then_some(key);
        }
        let at = match self.map {
            AppMapping::RoundRobin => number % count,
            AppMapping::Stripes => number * count / self.keys.max(number + 1),
            AppMapping::Requests => {
                self.assigned += 1;
                (self.assigned - 1) % count
            }
        };
        Some(&self.list[at])
    }
}

/// What names of applications and classes may be: they become cells of tables and parts of paths.
pub(super) const NAME: &str = "a name without blanks, commas, slashes and quotes";

pub(super) fn is_name(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control() || [',', '"', '/', '\\'].contains(&c);
    !text.is_empty() && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dealt(given: &[&str], map: AppMapping, keys: &[&str]) -> Vec<Option<String>> {
        let given: Vec<String> = given.iter().map(ToString::to_string).collect();
        let mut apps = Apps::read(&given, map).unwrap().with_keys(keys.len());
        let deal = |(at, key): (usize, &&str)| apps.next(at, key).map(str::to_owned);
        keys.iter().enumerate().map(deal).collect()
    }

    #[test]
    fn keys_are_dealt_out() {
        let some = |names: &[&str]| names.iter().map(|n| Some(n.to_string())).collect::<Vec<_>>();
        let keys = ["k0", "k1", "k2", "k3", "k4"];
        let of = |given: &[&str], map| dealt(given, map, &keys);
        assert_eq!(of(&["a", "b"], AppMapping::RoundRobin), some(&["a", "b", "a", "b", "a"]));
        assert_eq!(of(&["a", "b"], AppMapping::Stripes), some(&["a", "a", "a", "b", "b"]));
        assert_eq!(
            of(&["a", "k0=z", "b"], AppMapping::RoundRobin),
            some(&["z", "b", "a", "b", "a"])
        );
        assert_eq!(of(&[], AppMapping::RoundRobin), some(&keys));
        assert_eq!(
            dealt(&["k=a"], AppMapping::RoundRobin, &["k", "l"]),
            [Some("a".to_owned()), None]
        );
        assert_eq!(dealt(&["a", "b"], AppMapping::Requests, &["k"; 3]), some(&["a", "b", "a"]));
        assert_eq!(dealt(&[], AppMapping::RoundRobin, &["a/b"]), [None]);
    }
}
