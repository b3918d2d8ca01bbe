//! Recorded requests of one application: `traces/<app>.csv`.
//!
//! | column | content |
//! |---|---|
//! | `source` | the patient, user or speaker; rows of a source are consecutive |
//! | `offset_s` | seconds on the source's own clock; never going backwards within a source |
//! | `class` | the true class |
//! | `votes_<class>` | votes of the SneakPeek model's neighbours (all classes or none) |
//! | `feature_<name>` | what a SneakPeek model can compute with; any number of either sign |
//! | `predicted_<variant>` | what the variant answered |

use crate::config::csv::{Row, Table};
use crate::config::source::Source;
use crate::config::{Problem, Problems};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// The sources (users, patients, speakers) whose recorded requests arrive, by their place in the
/// trace file, counted from 1 for each application. Odd and even are halves without a source in
/// common: one to tune on, one to test on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum SourceSplit {
    /// All sources.
    #[default]
    All,
    /// The first, third, fifth… source.
    Odd,
    /// The second, fourth, sixth… source.
    Even,
    /// Sources whose class mix is at least this far from the profile's, in total variation: half
    /// the sum of the absolute differences of shares, between 0 and 1.
    Drifted(f64),
}

impl SourceSplit {
    /// Every choice that is a word, with its name; the first is the default.
    pub const WORDS: [(&'static str, Self); 3] =
        [("all", Self::All), ("odd", Self::Odd), ("even", Self::Even)];

    /// Whether rows of the source at this index, counted from 0, arrive; `drift` tells how far its
    /// class mix is from the profile's.
    fn holds(self, index: usize, drift: impl FnOnce() -> f64) -> bool {
        match self {
            Self::All => true,
            Self::Odd => index.is_multiple_of(2),
            Self::Even => !index.is_multiple_of(2),
            Self::Drifted(least) => drift() >= least,
        }
    }
}

/// Half the sum of |share among these classes − share of the profile|, between 0 and 1.
fn total_variation(profile: &[f64], classes: impl Iterator<Item = usize>) -> f64 {
    let mut counts = vec![0.0; profile.len()];
    classes.for_each(|class| counts[class] += 1.0);
    let total: f64 = counts.iter().sum();
    let gaps = counts.iter().zip(profile).map(|(count, share)| (count / total - share).abs());
    gaps.sum::<f64>() / 2.0
}

/// A trace, column by column.
#[derive(Clone, Debug, Default)]
pub struct RecordedTrace {
    /// Rows of each source.
    pub sources: Vec<Range<u32>>,
    /// Name of each source.
    pub source_names: Vec<String>,
    /// Nanoseconds on the source's clock, by row.
    pub offset_ns: Vec<u64>,
    /// True class, by row.
    pub class: Vec<u16>,
    /// Votes, row by row; empty if none were recorded.
    pub votes: Vec<f64>,
    /// Name and values by row of every feature.
    pub features: Vec<(String, Vec<f64>)>,
    /// By variant of the profile, what it answered for each row, if recorded.
    pub predicted: Vec<Option<Arc<[u16]>>>,
}

impl RecordedTrace {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.class.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.class.is_empty()
    }

    /// The votes of a row; empty if none were recorded.
    #[inline]
    pub fn votes(&self, row: u32, classes: usize) -> &[f64] {
        let at = row as usize * classes;
        self.votes.get(at..at + classes).unwrap_or(&[])
    }

    /// The rows of the sources that are chosen, in order. `frequencies` are the shares of the
    /// classes in the profile.
    pub fn rows_of<'a>(
        &'a self,
        sources: SourceSplit,
        frequencies: &'a [f64],
    ) -> impl Iterator<Item = u32> + 'a {
        let drift = |rows: &Range<u32>| {
            let classes = self.class[rows.start as usize..rows.end as usize].iter();
            total_variation(frequencies, classes.map(|class| usize::from(*class)))
        };
        let chosen = move |(at, rows): &(usize, &Range<u32>)| sources.holds(*at, || drift(rows));
        self.sources.iter().enumerate().filter(chosen).flat_map(|(_, rows)| rows.clone())
    }

    /// How often a variant answered correctly on `rows`, by true class of `classes`: `None` for a
    /// class without a row. `None` altogether if the variant's predictions were not recorded.
    pub fn recall(
        &self,
        variant: usize,
        classes: usize,
        rows: impl Iterator<Item = u32>,
    ) -> Option<Vec<Option<f64>>> {
        let predicted = self.predicted[variant].as_ref()?;
        let mut counts = vec![(0u32, 0u32); classes];
        for row in rows {
            let (class, said) = (self.class[row as usize], predicted[row as usize]);
            let (all, right) = &mut counts[usize::from(class)];
            *all += 1;
            *right += u32::from(class == said);
        }
        let share = |(all, right)| (all > 0).then(|| f64::from(right) / f64::from(all));
        Some(counts.into_iter().map(share).collect())
    }

    /// Reads a trace of an application with these classes and variants.
    ///
    /// # Errors
    /// Lists the first bad columns or rows.
    pub fn read(
        source: &Source,
        classes: &[String],
        variants: &[String],
    ) -> Result<Self, Problems> {
        let table = Table::parse(source)?;
        let columns = Columns::find(&table, classes, variants)?;
        let features = columns.features.iter().map(|(name, _)| (name.clone(), Vec::new()));
        let features = features.collect();
        let mut trace = Self { features, predicted: vec![None; variants.len()], ..Self::default() };
        let mut predicted: Vec<Vec<u16>> = vec![Vec::new(); columns.predicted.len()];
        let (mut seen, mut problems) = (BTreeSet::new(), Problems::default());
        for row in table.rows() {
            let pushed = trace.push(row, &columns, classes, &mut predicted, &mut seen);
            if let Err(problem) = pushed {
                problems.push(problem);
            }
            if problems.is_full() {
                break;
            }
        }
        for ((variant, _), column) in columns.predicted.iter().zip(predicted) {
            trace.predicted[*variant] = Some(column.into());
        }
        problems.check(Some(trace))
    }

    fn push(
        &mut self,
        row: Row<'_>,
        columns: &Columns,
        classes: &[String],
        predicted: &mut [Vec<u16>],
        seen: &mut BTreeSet<String>,
    ) -> Result<(), Problem> {
        let offset = row.decimal(columns.offset, 9)?;
        let source = row.filled(columns.source, "a name")?;
        if offset > MAX_OFFSET_NS {
            return Err(row.problem(columns.offset, "at most 1e9 seconds, some 30 years"));
        }
        let class = row.name(columns.class, "class", classes)? as u16;
        for column in &columns.votes {
            self.votes.push(row.number(*column)?);
        }
        for ((_, column), (_, into)) in columns.features.iter().zip(&mut self.features) {
            into.push(row.signed(*column)?);
        }
        for ((_, column), into) in columns.predicted.iter().zip(predicted) {
            into.push(row.name(*column, "class", classes)? as u16);
        }
        let at = self.class.len() as u32;
        if self.source_names.last().is_some_and(|last| last == source) {
            if self.offset_ns.last().is_some_and(|before| *before > offset) {
                let expected = "time that does not go backwards within a source";
                return Err(row.problem(columns.offset, expected));
            }
            if let Some(range) = self.sources.last_mut() {
                range.end = at + 1;
            }
        } else {
            if !seen.insert(source.to_owned()) {
                return Err(row.problem(columns.source, "the rows of a source one after another"));
            }
            self.source_names.push(source.to_owned());
            self.sources.push(at..at + 1);
        }
        self.offset_ns.push(offset);
        self.class.push(class);
        Ok(())
    }
}

/// The clock of a source ends here: 64 bits of nanoseconds must hold it many times over.
const MAX_OFFSET_NS: u64 = 1_000_000_000_000_000_000;

/// Where the columns of a trace are.
struct Columns {
    source: usize,
    offset: usize,
    class: usize,
    votes: Vec<usize>,
    /// (name, column)
    features: Vec<(String, usize)>,
    /// (variant of the profile, column)
    predicted: Vec<(usize, usize)>,
}

impl Columns {
    fn find(table: &Table, classes: &[String], variants: &[String]) -> Result<Self, Problem> {
        let mut known: Vec<String> =
            ["source", "offset_s", "class"].iter().map(ToString::to_string).collect();
        known.extend(classes.iter().map(|class| format!("votes_{class}")));
        known.extend(variants.iter().map(|variant| format!("predicted_{variant}")));
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let feature =
            |name: &str| name.strip_prefix("feature_").is_some_and(|name| !name.is_empty());
        let known = |name: &str| names.contains(&name) || feature(name);
        if let Some(problem) = table.refuse_unknown(known, &names) {
            return Err(problem);
        }
        let features = table
            .names()
            .enumerate()
            .filter_map(|(at, name)| Some((name.strip_prefix("feature_")?.to_owned(), at)));
        let votes: Vec<String> = classes.iter().map(|class| format!("votes_{class}")).collect();
        let votes = if votes.iter().any(|name| table.optional(name).is_some()) {
            votes.iter().map(|name| table.column(name)).collect::<Result<_, _>>()?
        } else {
            Vec::new()
        };
        let predicted = variants.iter().enumerate().filter_map(|(at, variant)| {
            Some((at, table.optional(&format!("predicted_{variant}"))?))
        });
        let (features, predicted) = (features.collect(), predicted.collect());
        let [source, offset, class] = table.columns(["source", "offset_s", "class"])?;
        Ok(Self { source, offset, class, votes, features, predicted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<RecordedTrace, Problems> {
        let source = Source { path: "t.csv".into(), text: text.into(), sha256: String::new() };
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        RecordedTrace::read(&source, &names(&["a", "b"]), &names(&["m", "n"]))
    }

    #[test]
    fn columns_become_vectors() {
        let trace = read(
            "source,offset_s,class,votes_a,votes_b,predicted_n\r\n\
             x,0.5,a,2,3,b\r\nx,0.5,b,0,5,b\r\ny,0,b,1,1,a\r\n",
        )
        .unwrap();
        assert_eq!(trace.sources, [0..2, 2..3]);
        assert_eq!(trace.offset_ns, [500_000_000, 500_000_000, 0]);
        assert_eq!(trace.votes(1, 2), [0.0, 5.0]);
        assert_eq!(trace.predicted[0], None);
        assert_eq!(trace.predicted[1].as_deref(), Some(&[1u16, 1, 0][..]));
        // The one of class a was answered b, and so was one of two of class b.
        assert_eq!(trace.recall(1, 3, 0..3), Some(vec![Some(0.0), Some(0.5), None]));
        assert_eq!(trace.recall(0, 3, 0..3), None);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, expected) in [
            ("source,offset_s,class\nx,2,a\nx,1,a\n", "t.csv:3: `offset_s`"),
            ("source,offset_s,class\nx,2,a\ny,1,a\nx,3,a\n", "t.csv:4: `source`"),
            ("source,offset_s,class\nx,2,c\n", "t.csv:2: `class`"),
            ("source,offset_s,class\nx,-2,a\n", "t.csv:2: `offset_s`"),
            ("source,offset_s,class\nx,2\n", "t.csv:2"),
            ("source,offset_s,class\n,2,a\n", "t.csv:2: `source`"),
            ("source,offset_s,class\nx,1e10,a\n", "t.csv:2: `offset_s`"),
            ("source,offset_s,klass\nx,2,a\n", "t.csv:1: `klass`"),
            ("source,offset_s,class,votes_a\nx,2,a,1\n", "t.csv:1: `votes_b`"),
            ("source,offset_s,class\n", "t.csv"),
        ] {
            let problems = read(text).unwrap_err();
            let first = problems.iter().next().unwrap();
            assert_eq!(first.place.to_string(), expected, "{first}");
        }
    }
}
