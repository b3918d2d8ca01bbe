//! Counts of verdicts and of compared cells.

use super::super::claims::Verdict;
use super::moved::TableComparison;
use std::fmt::{self, Display};

/// Counts with their words, `3 held, 0 contradicted`.
fn counted(counts: &[(usize, &str)]) -> String {
    counts.iter().map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

/// How often each verdict was given; a claim counts once for each of its settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts([usize; Verdict::ALL.len()]);

impl Verdicts {
    /// How often `verdict` was given.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.0[verdict as usize]
    }
}

impl Extend<Verdict> for Verdicts {
    fn extend<I: IntoIterator<Item = Verdict>>(&mut self, verdicts: I) {
        verdicts.into_iter().for_each(|verdict| self.0[verdict as usize] += 1);
    }
}

impl FromIterator<Verdict> for Verdicts {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut counts = Self::default();
        counts.extend(verdicts);
        counts
    }
}

impl Display for Verdicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words =
            ["held", "contradicted", "undecided", "reported", "without data", "not transposable"];
        let mut counts: Vec<_> = self.0.into_iter().zip(words).collect();
        if self.count(Verdict::NotTransposable) == 0 {
            counts.truncate(5);
        }
        // Claims about runs always have targets and data.
        if self.count(Verdict::Reported) + self.count(Verdict::NoData) == 0 {
            counts.drain(3..5);
        }
        f.write_str(&counted(&counts))
    }
}

/// How many cells were compared, and how many of them moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    /// Cells that both tables have.
    pub compared: usize,
    /// Cells that differ.
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
