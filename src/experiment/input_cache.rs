//! Profiles and traces, each read once and shared by all runs.

use super::locate::{FileOrigin, Located, Locator};
use crate::config::note::Note;
use crate::config::{ConfigNode, Location, Problem, Problems, Value, source};
use crate::offloading::agent_cache::AgentCache;
use crate::offloading::{self, ActionList, Workload};
use crate::system::link::Bandwidth;
use crate::system::profile::Profile;
use crate::traces::recorded::RecordedTrace;
use crate::traces::trace_file::TraceFile;
use std::collections::BTreeMap;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

type Read<T> = Result<Arc<T>, Problems>;

/// The inputs of an experiment.
#[derive(Debug, Default)]
pub struct InputCache {
    profiles: BTreeMap<String, Read<Profile>>,
    traces: BTreeMap<String, Option<Read<RecordedTrace>>>,
    bandwidths: BTreeMap<String, Read<Bandwidth>>,
    requests: BTreeMap<String, Read<TraceFile>>,
    /// By path and names of actions.
    dialogues: BTreeMap<(String, Option<Vec<String>>), Read<Workload>>,
    agents: AgentCache,
    imports: BTreeMap<String, ConfigNode>,
    files: BTreeMap<String, String>,
    locator: Locator,
}

impl InputCache {
    /// The inputs of the experiment at `path`.
    pub fn of(path: &str) -> Self {
        Self { locator: Locator::new(path), ..Self::default() }
    }

    /// The path of a file that the experiment names.
    pub fn locate(&mut self, name: &str) -> String {
        self.locator.locate(name).path
    }

    /// The origin of every file and folder that the experiment names, by name.
    pub fn origins(&self) -> impl Iterator<Item = (&str, FileOrigin)> {
        self.locator.origins()
    }

    /// The profile in `folder`.
    pub fn profile(&mut self, folder: &str) -> Read<Profile> {
        if let Some(profile) = self.profiles.get(folder) {
            return profile.clone();
        }
        let path = self.locate(folder);
        let profile = Profile::read(&path).map(Arc::new);
        if let Ok(profile) = &profile {
            // By the name in the experiment: ids of runs do not depend on the working directory.
            let named = |(file, hash): &(String, String)| {
                (format!("{folder}{}", &file[path.len()..]), hash.clone())
            };
            self.files.extend(profile.files.iter().map(named));
        }
        self.profiles.insert(folder.to_owned(), profile.clone());
        profile
    }

    /// The trace of an application in a folder, plain or compressed; `None` if there is no such
    /// file. A shipped trace belongs to the shipped profile, not to another of its name.
    pub fn trace(
        &mut self,
        profiles: &str,
        folder: &str,
        profile: &Profile,
    ) -> Option<Read<RecordedTrace>> {
        let stem = format!("{folder}/{}.csv", profile.name);
        if let Some(trace) = self.traces.get(&stem) {
            return trace.clone();
        }
        let trace = self.find_trace(profiles, &stem, profile).map(|(path, name)| {
            let source = source::read(&path)?;
            self.files.insert(name, source.sha256.clone());
            RecordedTrace::read(&source, &profile.classes, &profile.variant_names()).map(Arc::new)
        });
        self.traces.insert(stem, trace.clone());
        trace
    }

    /// The path of a trace, and its name in the experiment.
    fn find_trace(
        &mut self,
        profiles: &str,
        stem: &str,
        profile: &Profile,
    ) -> Option<(String, String)> {
        let names = ["", ".gz", ".zst"].map(|end| format!("{stem}{end}"));
        let located = names.into_iter().map(|name| (self.locator.locate(&name), name));
        let mut found: Vec<(Located, String)> =
            located.filter(|(located, _)| source::exists(&located.path)).collect();
        // One on disk, compressed or not, before one that ships.
        let on_disk = found.iter().position(|(place, _)| place.origin != FileOrigin::Program);
        let at = on_disk.unwrap_or(0);
        let (located, name) = if at < found.len() { found.swap_remove(at) } else { return None };
        found.iter().for_each(|(_, name)| self.locator.forget(name));
        let own = format!("{profiles}/{}", profile.name);
        if located.origin == FileOrigin::Program && self.locator.is_own(&own) {
            self.locator.add_note(format!(
                "{name} inside the program was recorded with the profile inside the program, and \
                 {own} is another: it goes without a trace"
            ));
            self.locator.forget(&name);
            return None;
        }
        Some((located.path, name))
    }

    /// The table of a link's rates.
    pub fn bandwidth(&mut self, path: &str) -> Read<Bandwidth> {
        if let Some(table) = self.bandwidths.get(path) {
            return table.clone();
        }
        let table = source::read(&self.locate(path)).and_then(|source| {
            let table = Bandwidth::parse(&source).map(Arc::new)?;
            self.files.insert(path.to_owned(), source.sha256);
            Ok(table)
        });
        let table = table.map_err(Problems::from);
        self.bandwidths.insert(path.to_owned(), table.clone());
        table
    }

    /// The dialogues of a table, with the actions of a list, if there is one.
    pub fn dialogues(&mut self, path: &str, list: Option<&ActionList>) -> Read<Workload> {
        let names = list.map(|list| list.names.clone());
        let key = (path.to_owned(), names);
        if let Some(workload) = self.dialogues.get(&key) {
            return workload.clone();
        }
        let located = self.locate(path);
        let workload = offloading::import::load_with(&located, list).map(Arc::new);
        self.note(path);
        self.dialogues.insert(key, workload.clone());
        workload
    }

    /// The agents that runs of the experiment train.
    pub fn agents(&self) -> &AgentCache {
        &self.agents
    }

    /// The requests of a file, checked, and the record of its import if there is one.
    pub fn requests(&mut self, path: &str) -> Read<TraceFile> {
        if let Some(file) = self.requests.get(path) {
            return file.clone();
        }
        let file = TraceFile::check(&self.locate(path)).and_then(|file| {
            self.files.insert(path.to_owned(), file.sha256.clone());
            self.import(&file)?;
            Ok(Arc::new(file))
        });
        self.requests.insert(path.to_owned(), file.clone());
        file
    }

    fn import(&mut self, file: &TraceFile) -> Result<(), Problem> {
        // The trace may have been compressed after it was imported.
        let names = [file.path.as_str(), source::without_compression(&file.path)];
        let mut records = names.iter().map(|name| format!("{name}.import.toml"));
        let Some(record) = records.find(|record| source::exists(record)) else { return Ok(()) };
        let source = source::read(&record)?;
        let node = ConfigNode::parse(&source)?;
        if node.get("sha256").map(ConfigNode::cell).as_deref() != Some(&file.sha256) {
            let found = format!("the record of another file than {}", file.path);
            let expected = "its own: import again, or remove the record";
            return Err(Problem::new(Location::file(&record), found, expected));
        }
        self.files.insert(record, source.sha256);
        self.imports.insert(file.path.clone(), node);
        Ok(())
    }

    /// The records of imports, by the path of the trace.
    pub fn imports(&self) -> &BTreeMap<String, ConfigNode> {
        &self.imports
    }

    /// Adds a file that is read elsewhere, so that run ids depend on it.
    pub fn note(&mut self, name: &str) {
        // Its reader reports problems.
        if let Ok(source) = source::read(&self.locate(name)) {
            self.files.insert(name.to_owned(), source.sha256);
        }
    }

    /// An argument of a program: if it names a file on disk, the path of it, whose content run ids
    /// depend on; else itself.
    pub fn argument(&mut self, word: &str) -> String {
        let Some(Located { path, .. }) = self.locator.locate_on_disk(word) else {
            return word.to_owned();
        };
        // One that cannot be read is refused when the program is started.
        if let Ok(hash) = source::file_hash(Path::new(&path)) {
            self.files.insert(word.to_owned(), hash);
        }
        path
    }

    /// (path, SHA-256) of every file read, by path.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// The paths of the files that were read from disk, and not from inside the program.
    pub fn on_disk(&self) -> impl Iterator<Item = PathBuf> {
        let paths = self.files.keys().filter_map(|name| self.locator.path_on_disk(name));
        paths.filter(|path| path.is_file())
    }

    /// What a user should know about the profiles, each once.
    pub fn warnings(&self) -> Vec<Note> {
        let profiles = self.profiles.values().filter_map(|profile| profile.as_ref().ok());
        let skipped = self.imports.iter().filter_map(|(path, node)| {
            let Value::Integer(rows @ 1..) = node.get("skipped_rows")?.value else { return None };
            Some(format!("{path} was imported without {rows} rows that could not be read"))
        });
        let places = self.locator.notes().iter().cloned();
        let profiles = profiles.flat_map(|profile| profile.warnings.iter().cloned());
        places.chain(profiles).chain(skipped).map(|text| Note::new("", text)).collect()
    }
}
