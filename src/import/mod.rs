//! Data of others as files of requests and as profiles.
//!
//! A kind is one file with an [`ImporterEntry`] and one line in [`KINDS`]. It reads its format a
//! row at a time and yields [`ImportedRequest`]s; merging, ordering, applications, bad rows and
//! writing are the same for all. `traces/importing.md` says where each format is found and what
//! becomes of it.

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
pub use profile::Folder;
pub use trace::{ImportError, ImportPlan, ImportSummary, WINDOW, import};

use crate::config::lines::LineReader;
use crate::config::settings::Lists;
use crate::config::{ConfigNode, Decoder, Group, Location, Problem, Problems, source};
use std::path::Path;

/// One request as a source tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedRequest {
    /// Nanoseconds on the source's clock, wherever that begins.
    pub time_ns: i64,
    /// The model or function that was asked; empty if the source has but one.
    pub key: String,
    /// The true class, if the source tells it.
    pub class: Option<String>,
    /// Deadline minus arrival in nanoseconds, if the source tells it.
    pub budget_ns: Option<u64>,
}

/// The requests of one file, in its order.
pub trait RequestReader {
    /// The next request; `None` at the end. Behind a bad row one may read on.
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem>;

    /// The lines that were read, with their hash.
    fn lines(&self) -> &LineReader;

    /// What the file was read as, at its end.
    fn told(&self) -> ImportNotes;
}

/// What a file was read as where no setting says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportNotes {
    /// Units and delimiters that were taken.
    pub facts: Vec<String>,
    /// What makes them doubtful.
    pub notes: Vec<String>,
}

/// Opens one file of a kind; the number is how many files of its name were opened before.
pub type OpenTrace = Box<dyn Fn(&str, usize) -> Result<Box<dyn RequestReader>, Problem>>;

/// A table that was made of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportedProfile {
    /// Its text.
    pub text: String,
    /// What it holds.
    pub said: String,
    /// What the file was read as.
    pub told: ImportNotes,
}

/// What a kind becomes.
pub enum ImportKind {
    /// A file of requests; decodes the settings of the kind.
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
    /// What it becomes.
    pub form: ImportKind,
}

/// Every kind.
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

/// What all kinds have in common: no setting.
const SETTINGS: Group = Group::named("import").of(&[]);

/// Decodes the settings of a trace kind.
fn settings(
    entry: &ImporterEntry,
    decode: fn(&mut Decoder<'_>) -> OpenTrace,
    settings: &ConfigNode,
) -> Result<OpenTrace, Problems> {
    let mut problems = Problems::default();
    let mut read = Decoder::new(settings, &SETTINGS, &mut problems);
    read.describe(entry.name, entry.settings);
    let open = decode(&mut read);
    read.finish();
    problems.check(Some(open))
}

/// The profile folder that a kind makes of files.
pub fn import_profile(
    entry: &ImporterEntry,
    make: fn(&[String], &mut Decoder<'_>) -> Option<Folder>,
    files: &[String],
    settings: &ConfigNode,
) -> Result<Folder, Problems> {
    distinct(files, None)?;
    made(entry, settings, |read| make(files, read))
}

/// The table that a kind makes of a file.
pub fn import_table(
    entry: &ImporterEntry,
    make: fn(&str, &mut Decoder<'_>) -> Option<ImportedProfile>,
    file: &str,
    settings: &ConfigNode,
) -> Result<ImportedProfile, Problems> {
    made(entry, settings, |read| make(file, read))
}

fn made<T>(
    entry: &ImporterEntry,
    settings: &ConfigNode,
    make: impl FnOnce(&mut Decoder<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let mut problems = Problems::default();
    let mut read = Decoder::new(settings, &SETTINGS, &mut problems);
    read.describe(entry.name, entry.settings);
    let made = make(&mut read);
    // What stopped early has not asked for all its settings.
    if made.is_some() {
        read.finish();
    }
    problems.check(made)
}

/// Checks that no file is given twice, and that none of them is replaced by what is written.
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
