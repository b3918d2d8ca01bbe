//! Data of others as files of requests and as profiles.
//!
//! A kind is one file with an [`Entry`] and one line in [`KINDS`]. It reads its format a row at a
//! time and yields [`Request`]s; merging, ordering, applications, bad rows and writing are the
//! same for all. `traces/importing.md` says where each format is found and what becomes of it.

mod azure_functions;
mod azure_functions_2019;
mod azure_llm;
mod bandwidth;
mod burstgpt;
mod clock;
mod columns;
mod counts;
mod csv;
mod jsonl;
mod keys;
mod merge;
mod mooncake;
mod nexus;
mod profile;
mod splitwise;
mod spread;
mod table;
mod time;
mod trace;
mod video_counts;

pub use keys::Map;
pub use profile::Folder;
pub use trace::{Import, ImportError, Imported, WINDOW, import};

use crate::input::lines::Lines;
use crate::input::{Fields, Node, Place, Problem, Problems, source};
use std::path::Path;

/// One request as a source tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
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
pub trait Requests {
    /// The next request; `None` at the end. Behind a bad row one may read on.
    fn next_request(&mut self) -> Result<Option<Request>, Problem>;

    /// The lines that were read, with their hash.
    fn lines(&self) -> &Lines;

    /// What the file was read as, at its end.
    fn told(&self) -> Told;
}

/// What a file was read as, where nobody said so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// Units and delimiters that were taken.
    pub facts: Vec<String>,
    /// What makes them doubtful.
    pub notes: Vec<String>,
}

/// Opens one file of a kind; the number is how many files of its name were opened before.
pub type Open = Box<dyn Fn(&str, usize) -> Result<Box<dyn Requests>, Problem>>;

/// A table that was made of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Made {
    /// Its text.
    pub text: String,
    /// What it holds.
    pub said: String,
    /// What the file was read as.
    pub told: Told,
}

/// What a kind becomes.
pub enum Form {
    /// A file of requests; decodes the settings of the kind.
    Trace(fn(&mut Fields<'_>) -> Open),
    /// A profile folder, from files and settings.
    Profile(fn(&[String], &mut Fields<'_>) -> Option<Folder>),
    /// A table of one file.
    Table(fn(&str, &mut Fields<'_>) -> Option<Made>),
}

/// One line of the list of kinds.
pub struct Entry {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it reads, in a line.
    pub summary: &'static str,
    /// Its settings with their defaults.
    pub settings: &'static str,
    /// What it becomes.
    pub form: Form,
}

/// Every kind.
pub const KINDS: &[Entry] = &[
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

/// Decodes the settings of a trace kind.
fn settings(decode: fn(&mut Fields<'_>) -> Open, settings: &Node) -> Result<Open, Problems> {
    let mut problems = Problems::default();
    let mut read = Fields::new(settings, &mut problems);
    let open = decode(&mut read);
    read.finish();
    problems.check(Some(open))
}

/// The profile folder that a kind makes of files.
pub fn import_profile(
    make: fn(&[String], &mut Fields<'_>) -> Option<Folder>,
    files: &[String],
    settings: &Node,
) -> Result<Folder, Problems> {
    distinct(files, None)?;
    made(settings, |read| make(files, read))
}

/// The table that a kind makes of a file.
pub fn import_table(
    make: fn(&str, &mut Fields<'_>) -> Option<Made>,
    file: &str,
    settings: &Node,
) -> Result<Made, Problems> {
    made(settings, |read| make(file, read))
}

fn made<T>(
    settings: &Node,
    make: impl FnOnce(&mut Fields<'_>) -> Option<T>,
) -> Result<T, Problems> {
    let mut problems = Problems::default();
    let mut read = Fields::new(settings, &mut problems);
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
            problems.push(Problem::new(Place::file(file), found, "each file once"));
        }
    }
    let record = out.and_then(trace::record_path);
    for written in out.filter(|out| out.is_file()).into_iter().chain(record.as_deref()) {
        let read = source::identity(written).and_then(|identity| known.get(&identity).copied());
        if let Some(read) = read {
            let found = format!("`{}`, which would replace {read}", written.display());
            problems.push(Problem::new(Place::file("--out"), found, "another file"));
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
