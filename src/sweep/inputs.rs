//! Profiles and traces, each read once and shared by all runs.

use crate::input::Problems;
use crate::input::source;
use crate::model::link::Bandwidth;
use crate::model::profile::Profile;
use crate::model::trace::RecordedTrace;
use std::collections::BTreeMap;
use std::sync::Arc;

type Read<T> = Result<Arc<T>, Problems>;

/// The inputs of an experiment.
#[derive(Debug, Default)]
pub struct Inputs {
    profiles: BTreeMap<String, Read<Profile>>,
    traces: BTreeMap<String, Option<Read<RecordedTrace>>>,
    bandwidths: BTreeMap<String, Read<Bandwidth>>,
    files: BTreeMap<String, String>,
}

impl Inputs {
    /// The profile in `folder`.
    pub fn profile(&mut self, folder: &str) -> Read<Profile> {
        if let Some(profile) = self.profiles.get(folder) {
            return profile.clone();
        }
        let profile = Profile::read(folder).map(Arc::new);
        if let Ok(profile) = &profile {
            self.files.extend(profile.files.iter().cloned());
        }
        self.profiles.insert(folder.to_owned(), profile.clone());
        profile
    }

    /// The trace of an application in a folder, plain or gzipped; `None` if there is no such file.
    pub fn trace(&mut self, folder: &str, profile: &Profile) -> Option<Read<RecordedTrace>> {
        let stem = format!("{folder}/{}.csv", profile.name);
        if let Some(trace) = self.traces.get(&stem) {
            return trace.clone();
        }
        let path = [stem.clone(), format!("{stem}.gz")].into_iter().find(|p| source::exists(p));
        let trace = path.map(|path| {
            let source = source::read(&path)?;
            self.files.insert(source.path.clone(), source.sha256.clone());
            RecordedTrace::read(&source, &profile.classes, &profile.variant_names()).map(Arc::new)
        });
        self.traces.insert(stem, trace.clone());
        trace
    }

    /// The table of a link's rates.
    pub fn bandwidth(&mut self, path: &str) -> Read<Bandwidth> {
        if let Some(table) = self.bandwidths.get(path) {
            return table.clone();
        }
        let table = source::read(path).and_then(|source| {
            let table = Bandwidth::parse(&source).map(Arc::new)?;
            self.files.insert(source.path, source.sha256);
            Ok(table)
        });
        let table = table.map_err(Problems::from);
        self.bandwidths.insert(path.to_owned(), table.clone());
        table
    }

    /// Notes a file that a scheduler reads by itself, so that a run is another when it changes.
    pub fn note(&mut self, path: &str) {
        // Who reads it says what is wrong with it.
        if let Ok(source) = source::read(path) {
            self.files.insert(source.path, source.sha256);
        }
    }

    /// (path, SHA-256) of every file read, by path.
    pub fn files(&self) -> &BTreeMap<String, String> {
        &self.files
    }

    /// What a user should know about the profiles, each once.
    pub fn warnings(&self) -> Vec<String> {
        let profiles = self.profiles.values().filter_map(|profile| profile.as_ref().ok());
        profiles.flat_map(|profile| profile.warnings.iter().cloned()).collect()
    }
}
