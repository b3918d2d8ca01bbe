//! Where the files that an experiment names are: beside the experiment's own file, else in the
//! working directory, else inside the program. A name that leads to different files is told.

use crate::config::source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which of the places a file or folder was taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrigin {
    /// The folder of the experiment's file.
    Experiment,
    /// The working directory.
    WorkingDirectory,
    /// What ships inside the program.
    Program,
}

impl FileOrigin {
    /// Its words, for manifests and notes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Experiment => "beside the experiment",
            Self::WorkingDirectory => "working directory",
            Self::Program => "program",
        }
    }
}

/// A file or folder, found.
#[derive(Clone, Debug)]
pub(super) struct Located {
    /// Where it is read.
    pub path: String,
    /// Which place that is.
    pub origin: FileOrigin,
}

/// Looks names up and remembers what it found.
#[derive(Debug, Default)]
pub(super) struct Locator {
    /// The folder of the experiment's file, if that is not the working directory.
    beside: Option<PathBuf>,
    found: BTreeMap<String, Located>,
    notes: Vec<String>,
}

impl Locator {
    /// For the names in the experiment at `path`.
    pub fn new(path: &str) -> Self {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let on_disk = folder.filter(|_| Path::new(path).is_file());
        Self { beside: on_disk.map(Path::to_owned), ..Self::default() }
    }

    /// Where a file or folder of this name is; its own path if it is nowhere, so that whoever
    /// opens it says so.
    pub fn locate(&mut self, name: &str) -> Located {
        if let Some(located) = self.found.get(name) {
            return located.clone();
        }
        let beside = self.beside.as_ref().map(|folder| folder.join(name));
        let beside = beside.filter(|path| path.exists() && !source::is_same(path, Path::new(name)));
        let beside =
            beside.map(|path| (path.to_string_lossy().into_owned(), FileOrigin::Experiment));
        let here =
            Path::new(name).exists().then(|| (name.to_owned(), FileOrigin::WorkingDirectory));
        let shipped = source::is_shipped(name).then(|| (name.to_owned(), FileOrigin::Program));
        let mut places = [beside, here, shipped].into_iter().flatten();
        let Some((path, origin)) = places.next() else {
            return Located { path: name.to_owned(), origin: FileOrigin::WorkingDirectory };
        };
        let others: Vec<&str> = places
            .filter(|(other, at)| {
                *at != FileOrigin::Program || source::differs_from_shipped(&path, other)
            })
            .map(|(_, origin)| origin.name())
            .collect();
        if !others.is_empty() {
            self.notes.push(format!(
                "{name} exists more than once: {path} was taken ({}), not another one ({})",
                origin.name(),
                others.join(", ")
            ));
        }
        let located = Located { path, origin };
        self.found.insert(name.to_owned(), located.clone());
        located
    }

    /// Whether a folder of a user has the name of one that ships, and holds other files.
    pub fn is_own(&mut self, name: &str) -> bool {
        let Located { path, origin } = self.locate(name);
        origin != FileOrigin::Program && source::differs_from_shipped(&path, name)
    }

    /// Tells that something is not taken after all.
    pub fn skip_shipped(&mut self, name: &str) {
        self.found.remove(name);
    }

    /// Adds a note.
    pub fn record_origin(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// What a user should know about the places.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// (name, place) of everything that was found, by name.
    pub fn origins(&self) -> impl Iterator<Item = (&str, FileOrigin)> {
        self.found.iter().map(|(name, located)| (name.as_str(), located.origin))
    }
}
