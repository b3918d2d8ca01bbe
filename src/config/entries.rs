//! The entries of a registry: those that ship, and those of a program of one's own.

use super::{Location, Problem, Problems};
use std::sync::OnceLock;

/// The entries of one registry. Those of a program are added once, before anything reads the
/// registry, and never change: a name means the same in all of a process.
#[derive(Debug)]
pub struct Entries<T: 'static> {
    /// What an entry is, such as `scheduler`.
    what: &'static str,
    shipped: &'static [T],
    own: OnceLock<&'static [T]>,
}

/// An entry of a registry.
pub trait Named {
    /// The name in experiments or on the command line.
    fn name(&self) -> &'static str;
}

impl<T: Named> Entries<T> {
    /// The entries that ship.
    pub const fn of(what: &'static str, shipped: &'static [T]) -> Self {
        Self { what, shipped, own: OnceLock::new() }
    }

    /// Every entry: those that ship, then those of the program, each in its order.
    pub fn iter(&self) -> impl Iterator<Item = &'static T> + use<T> {
        self.shipped.iter().chain(self.own.get().copied().unwrap_or_default())
    }

    /// The names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<T> {
        self.iter().map(Named::name)
    }

    /// The entry called `name`.
    pub fn find(&self, name: &str) -> Option<&'static T> {
        self.iter().find(|entry| entry.name() == name)
    }

    /// Adds the entries of the program.
    ///
    /// # Errors
    /// A name that another entry has or that is no name, and entries that were added before.
    pub fn add(&self, own: &'static [T]) -> Result<(), Problems> {
        let mut problems = Problems::default();
        let what = self.what;
        let mut known: Vec<&str> = self.shipped.iter().map(Named::name).collect();
        for name in own.iter().map(Named::name) {
            let place = || Location::file(&format!("extensions: {what} `{name}`"));
            if known.contains(&name) {
                problems.push(Problem::new(place(), "a name that is taken", "another name"));
            }
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || !name.chars().all(plain) {
                let expected = "lower-case letters, digits and hyphens";
                problems.push(Problem::new(place(), "no name", expected));
            }
            known.push(name);
        }
        if problems.is_empty() && !own.is_empty() && self.own.set(own).is_err() {
            let place = Location::file(&format!("extensions: {what}"));
            problems.push(Problem::new(place, "entries a second time", "one call of `main_with`"));
        }
        problems.check(Some(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Entry(&'static str);

    impl Named for Entry {
        fn name(&self) -> &'static str {
            self.0
        }
    }

    #[test]
    fn names_are_checked_and_nothing_is_added_if_one_is_wrong() {
        static ENTRIES: Entries<Entry> = Entries::of("scheduler", &[Entry("edf")]);
        let refused = |own: &'static [Entry]| ENTRIES.add(own).unwrap_err();
        let said = refused(&[Entry("mine"), Entry("edf"), Entry("mine"), Entry("My own")]);
        let said = said.to_string();
        let lines: Vec<&str> = said.lines().collect();
        let taken = "found a name that is taken, expected another name";
        let [one, two, none] = lines.as_slice() else { panic!("{said}") };
        assert_eq!(*one, format!("error: extensions: scheduler `edf`: {taken}"));
        assert_eq!(*two, format!("error: extensions: scheduler `mine`: {taken}"));
        let expected = "found no name, expected lower-case letters, digits and hyphens";
        assert_eq!(*none, format!("error: extensions: scheduler `My own`: {expected}"));
        assert!(ENTRIES.names().eq(["edf"]));
        ENTRIES.add(&[Entry("mine")]).unwrap();
        assert!(ENTRIES.names().eq(["edf", "mine"]) && ENTRIES.find("mine").is_some());
        let again = refused(&[Entry("more")]).to_string();
        assert!(again.ends_with("found entries a second time, expected one call of `main_with`"));
    }
}
