//! What is wrong with an input, and where.

use super::shown::shown;
use std::fmt;

/// At most this many problems are collected before giving up.
pub const MAX_PROBLEMS: usize = 20;

/// No name that a person meant is longer, in bytes.
const MAX_NAME: usize = 200;

/// The place of a value in an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// The file, or `--set` for a command-line override.
    pub file: String,
    /// 1-based line, 0 if the problem is with the file as a whole.
    pub line: u64,
    /// 1-based column in characters, 0 if unknown.
    pub column: u64,
    /// The key, column or field.
    pub field: String,
}

impl Location {
    /// The file as a whole.
    pub fn file(file: &str) -> Self {
        Self { file: file.to_owned(), ..Self::default() }
    }

    /// One line of the file.
    pub fn line(file: &str, line: u64) -> Self {
        Self { file: file.to_owned(), line, ..Self::default() }
    }

    /// The same place, naming a field.
    pub fn field(mut self, field: &str) -> Self {
        field.clone_into(&mut self.field);
        self
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.file))?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if self.column > 0 {
            write!(f, ":{}", self.column)?;
        }
        if !self.field.is_empty() {
            write!(f, ": `{}`", shown(&self.field))?;
        }
        Ok(())
    }
}

/// One thing that is wrong with an input: where, what was found, what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{place}: found {}, expected {}{}",
    shown(found),
    shown(expected),
    nearest_hint(nearest.as_deref())
)]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub place: Location,
    /// What was found there.
    pub found: String,
    /// What was expected.
    pub expected: String,
    /// The known name closest to what was found.
    pub nearest: Option<String>,
}

impl Problem {
    /// A problem without a near name.
    pub fn new(place: Location, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { place, found: found.into(), expected: expected.into(), nearest: None }
    }

    /// An unknown `name` where one of `known` was expected.
    pub fn unknown<'a>(
        place: Location,
        what: &str,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let list = if known.len() > 24 {
            format!("{}, … ({} in all)", known[..24].join(", "), known.len())
        } else {
            known.join(", ")
        };
        let expected =
            if known.is_empty() { format!("no {what} here") } else { format!("one of {list}") };
        Self {
            place,
            found: format!("unknown {what} `{name}`"),
            expected,
            nearest: nearest(name, &known),
        }
    }

    /// The same problem, saying whose name it is that is unknown.
    pub fn of(mut self, owner: &str) -> Self {
        self.found.push_str(&format!(" of `{owner}`"));
        self
    }
}

fn nearest_hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{}`?", shown(name))).unwrap_or_default()
}

/// The known name closest to `name`, if any is close enough to be meant.
fn nearest(name: &str, known: &[&str]) -> Option<String> {
    // Comparing takes the product of the lengths.
    if name.len() > MAX_NAME {
        return None;
    }
    let name = name.to_lowercase();
    known
        .iter()
        .map(|candidate| {
            let known = candidate.to_lowercase();
            let distance = strsim::damerau_levenshtein(&name, &known);
            // The beginning of a name often lacks its unit, as `rate` of `rate_rps`.
            let begins = name.len() > 1 && known.starts_with(&name);
            (if begins { distance.min(1) } else { distance }, distance, *candidate)
        })
        .filter(|(rank, _, candidate)| *rank <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, _, candidate)| candidate.to_owned())
}

/// Everything found wrong with the inputs of a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.lines())]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem; beyond [`MAX_PROBLEMS`], or if it is known already, it is dropped.
    pub fn push(&mut self, problem: Problem) {
        if self.0.len() < MAX_PROBLEMS && !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }

    /// Takes over the problems of `other`.
    pub fn extend(&mut self, other: Self) {
        other.0.into_iter().for_each(|problem| self.push(problem));
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether no more problems will be taken.
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX_PROBLEMS
    }

    /// The problems in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// `value` if nothing is wrong.
    pub fn check<T>(self, value: Option<T>) -> Result<T, Self> {
        match value {
            Some(value) if self.is_empty() => Ok(value),
            _ => Err(self),
        }
    }

    fn lines(&self) -> String {
        let mut text = self.0.iter().map(|p| format!("error: {p}")).collect::<Vec<_>>().join("\n");
        if self.is_full() {
            text.push_str("\nerror: more problems may follow; these are the first 20");
        }
        text
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_offered() {
        let p = Problem::unknown(Location::file("x.toml"), "key", "requets", ["requests", "rate"]);
        assert_eq!(
            p.to_string(),
            "x.toml: found unknown key `requets`, expected one of requests, rate; \
             did you mean `requests`?"
        );
        let far = Problem::unknown(Location::file("x.toml"), "key", "zzz", ["requests", "rate"]);
        assert_eq!(far.nearest, None);
        let near = |name: &str, known: &[&str]| {
            Problem::unknown(Location::file("x.toml"), "key", name, known.iter().copied()).nearest
        };
        // A beginning, whatever is missing of the end; of several the shortest.
        assert_eq!(near("rate", &["source", "rate_rps"]).as_deref(), Some("rate_rps"));
        assert_eq!(near("Mem", &["mix", "memory_bytes"]).as_deref(), Some("memory_bytes"));
        assert_eq!(near("late", &["late_by_more", "late_by"]).as_deref(), Some("late_by"));
        assert_eq!(near("rat", &["rate_rps", "rats"]).as_deref(), Some("rats"));
        assert_eq!(near("r", &["rate_rps"]), None);
    }
}
