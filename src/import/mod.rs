//! Published data as trace files and as profiles.
//!
//! A kind is one file with an [`ImporterEntry`] and one line in [`KINDS`]. It reads its format a
//! row at a time and yields [`ImportedRequest`]s; merging, ordering, applications, bad rows and
//! writing are the same for all. `traces/importing.md` says where each format is found and how it
//! is converted. A table of one's own timings ([`MeasuredLatencies`]) is no kind: `peeksim init`
//! makes a study of it.

mod app_mapping;
mod azure_functions;
mod azure_functions_2019;
mod azure_llm;
mod bandwidth;
mod burstgpt;
mod columns;
mod counts;
mod csv;
mod jsonl;
mod latencies;
mod merge;
mod mooncake;
mod nexus;
mod profile;
mod splitwise;
mod spread_counts;
mod table;
mod time;
mod time_reader;
mod trace;
mod video_counts;

pub use app_mapping::AppMapping;
pub use jsonl::find;
pub use latencies::{LATENCY_COLUMNS, MeasuredApp, MeasuredLatencies};
pub use profile::Folder;
pub(crate) use profile::{GIVEN, Measured};
pub use trace::{ImportError, ImportPlan, ImportSummary, WINDOW, import};

use crate::config::lines::LineReader;
use crate::config::settings::Lists;
use crate::config::{
    ConfigNode, Decoder, Entries, Group, Location, Named, Problem, Problems, source,
};
use std::path::Path;

/// One request as its source records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRequest {
    /// Arrival in nanoseconds on the source's clock, whose zero is arbitrary.
    pub time_ns: i64,
    /// The model or function that was called; empty if the source has only one.
    pub key: String,
    /// The true class, if recorded.
    pub class: Option<String>,
    /// Deadline minus arrival in nanoseconds, if recorded.
    pub budget_ns: Option<u64>,
}

impl ImportedRequest {
    /// A request without class and budget.
    pub fn new(time_ns: i64, key: impl Into<String>) -> Self {
        Self { time_ns, key: key.into(), class: None, budget_ns: None }
    }
}

/// The requests of one file, in its order.
pub trait RequestReader {
    /// The next request; `None` at the end. Reading may go on after a bad row.
    ///
    /// # Errors
    /// Says what is wrong with a row.
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem>;

    /// The lines that were read, with their hash.
    fn lines(&self) -> &LineReader;

    /// What was assumed of the file; complete at its end.
    fn notes(&self) -> ImportNotes;
}

/// What was assumed of a file where no setting says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportNotes {
    /// Units and delimiters that were assumed or recognised.
    pub facts: Vec<String>,
    /// Reasons to doubt them.
    pub notes: Vec<String>,
}

/// Opens one file of a kind; the number counts files of the same name that were opened before.
pub type OpenTrace = Box<dyn Fn(&str, usize) -> Result<Box<dyn RequestReader>, Problem>>;

/// A table converted from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedProfile {
    /// Its text.
    pub text: String,
    /// How many rows it has, as printed.
    pub summary: String,
    /// What was assumed of the file.
    pub notes: ImportNotes,
}

/// What a kind is converted to.
pub enum ImportKind {
    /// A trace file; decodes the settings of the kind.
    Trace(fn(&mut Decoder<'_>) -> OpenTrace),
    /// A profile folder, from files and settings.
    Profile(fn(&[String], &mut Decoder<'_>) -> Option<Folder>),
    /// A table of one file.
    Table(fn(&str, &mut Decoder<'_>) -> Option<ImportedProfile>),
}

/// One line of the list of kinds.
pub struct ImporterEntry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it reads, in a line.
    pub summary: &'static str,
    /// Its settings.
    pub settings: Lists,
    /// What it is converted to.
    pub form: ImportKind,
}

/// The kinds that ship.
pub const KINDS: &[ImporterEntry] = &[
    azure_llm::ENTRY,
    azure_functions::ENTRY,
    azure_functions_2019::ENTRY,
    burstgpt::ENTRY,
    mooncake::ENTRY,
    counts::ENTRY,
    video_counts::ENTRY,
    csv::ENTRY,
    jsonl::ENTRY,
    bandwidth::ENTRY,
    nexus::ENTRY,
    splitwise::ENTRY,
];

/// Those that ship, and those of a program that has its own.
pub static ENTRIES: Entries<ImporterEntry> = Entries::of("importer", KINDS);

impl Named for ImporterEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// What all kinds have in common: no setting.
const SETTINGS: Group = Group::named("import").of(&[]);

/// Decodes the settings of a kind with `decode`, which may read files too.
///
/// # Errors
/// Lists what is wrong with settings and files.
pub fn decoded<T>(
    entry: &ImporterEntry,
    settings: &ConfigNode,
    decode: impl FnOnce(&mut Decoder<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let mut problems = Problems::default();
    let mut decoder = Decoder::new(settings, &SETTINGS, &mut problems);
    decoder.describe(entry.name, entry.settings);
    let value = decode(&mut decoder);
    // A decoder that stopped early has not taken all its settings.
    if value.is_some() {
        decoder.finish();
    }
    problems.check(value)
}

/// Checks that no file is given twice, and that the output replaces none of them.
///
/// # Errors
/// Names the files.
pub fn distinct(files: &[String], out: Option<&Path>) -> Result<(), Problems> {
    let mut problems = Problems::default();
    let mut known = std::collections::BTreeMap::new();
    for file in files {
        let Some(identity) = source::identity(Path::new(file)) else { continue };
        if let Some(first) = known.insert(identity, file) {
            let found = format!("the same file as {first}");
            problems.push(Problem::new(Location::file(file), found, "each file once"));
        }
    }
    let record = out.and_then(trace::record_path);
    for written in out.filter(|out| out.is_file()).into_iter().chain(record.as_deref()) {
        let read = source::identity(written).and_then(|identity| known.get(&identity).copied());
        if let Some(read) = read {
            let found = format!("`{}`, which would replace {read}", written.display());
            problems.push(Problem::new(Location::file("--out"), found, "another file"));
        }
    }
    problems.check(Some(()))
}

/// Endings that say how a file is written, not what it holds.
const ENDINGS: [&str; 12] =
    ["csv", "tsv", "psv", "txt", "dat", "log", "json", "jsonl", "ndjson", "gz", "zst", "zstd"];

/// The name of a file without its folder and without endings that are known.
fn stem(path: &str) -> &str {
    let mut name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    while let Some((rest, ending)) = name.rsplit_once('.')
        && !rest.is_empty()
        && ENDINGS.contains(&ending.to_ascii_lowercase().as_str())
    {
        name = rest;
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_known_endings_only() {
        for (path, name) in [
            ("a/llama-3.1-8B.csv", "llama-3.1-8B"),
            ("llama-3.2-3B.jsonl.gz", "llama-3.2-3B"),
            ("x.CSV.zst", "x"),
            ("v1.5", "v1.5"),
            ("t.csv.d01", "t.csv.d01"),
            (".csv", ".csv"),
        ] {
            assert_eq!(stem(path), name);
        }
    }
}
