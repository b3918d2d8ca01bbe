//! Data of others as files of requests and as profiles.
//!
//! A kind is one file with an [`Entry`] and one line in [`KINDS`]. It reads its format a row at a
//! time and yields [`Request`]s; merging, ordering, applications, bad rows and writing are the
//! same for all. `traces/importing.md` says where each format is found and what becomes of it.

mod azure_functions;
mod azure_llm;
mod burstgpt;
mod counts;
mod csv;
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
use crate::input::{Fields, Node, Problem, Problems};

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
}

/// Opens one file of a kind.
pub type Open = Box<dyn Fn(&str) -> Result<Box<dyn Requests>, Problem>>;

/// What a kind becomes.
pub enum Form {
    /// A file of requests; decodes the settings of the kind.
    Trace(fn(&mut Fields<'_>) -> Open),
    /// A profile folder, from files and settings.
    Profile(fn(&[String], &mut Fields<'_>) -> Option<Folder>),
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
    burstgpt::ENTRY,
    mooncake::ENTRY,
    counts::ENTRY,
    video_counts::ENTRY,
    csv::ENTRY,
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
    let mut problems = Problems::default();
    let mut read = Fields::new(settings, &mut problems);
    let folder = make(files, &mut read);
    // What stopped early has not asked for all its settings.
    if folder.is_some() {
        read.finish();
    }
    problems.check(folder)
}

/// The name of a file without its folder and its endings.
fn stem(path: &str) -> &str {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name.split('.').next().unwrap_or(name)
}
