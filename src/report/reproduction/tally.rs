//! What a reproduction comes to, in a few lines.

use super::super::claims::{ClaimResult, Verdict};
use super::moved::TableComparison;
use std::fmt::{self, Display};

/// Counts with their words, `3 held, 0 contradicted`.
pub fn counted(counts: &[(usize, &str)]) -> String {
    counts.iter().map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// How many claims have which verdict, a claim counted at each of its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    held: usize,
    contradicted: usize,
    undecided: usize,
}

impl Verdicts {
    /// Counts these, too.
    pub fn add(&mut self, judged: &[ClaimResult]) {
        for judged in judged {
            match judged.verdict {
                Verdict::Holds => self.held += 1,
                Verdict::Contradicted => self.contradicted += 1,
                Verdict::Undecided => self.undecided += 1,
            }
        }
    }
}

impl Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { held, contradicted, undecided } = *self;
        let words = [(held, "held"), (contradicted, "contradicted"), (undecided, "undecided")];
        f.write_str(&counted(&words))
    }
}

/// How many cells were compared, and how many of them moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Compared.
    pub compared: usize,
    /// Not as they were.
    pub moved: usize,
}

impl Cells {
    /// These, and those of a comparison.
    pub fn with(self, compared: &TableComparison) -> Self {
        let (cells, moved) = (compared.cells, compared.moved.len());
        Self { compared: self.compared + cells, moved: self.moved + moved }
    }
}

impl Display for Cells {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&counted(&[(self.compared, "compared"), (self.moved, "moved")]))
    }
}
