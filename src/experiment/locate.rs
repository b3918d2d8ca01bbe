//! Finds the files that an experiment names: in the folder of the experiment's file, else in the
//! working directory, else inside the program. A note says which of different files was taken.

use crate::config::source;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a file or folder was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileOrigin {
    /// The folder of the experiment's file.
    Experiment,
    /// The working directory.
    WorkingDirectory,
    /// Inside the program.
    Program,
}

impl FileOrigin {
    /// The words for manifests and notes.
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
    /// Its path.
    pub path: String,
    /// Where that is.
    pub origin: FileOrigin,
}

/// Looks names up and keeps the results.
#[derive(Debug, Default)]
pub(super) struct Locator {
    /// The folder of the experiment's file, if that is not the working directory.
    folder: Option<PathBuf>,
    found: BTreeMap<String, Located>,
    notes: Vec<String>,
}

impl Locator {
    /// A locator for the experiment at `path`.
    pub fn new(path: &str) -> Self {
        let folder = Path::new(path).parent().filter(|folder| !folder.as_os_str().is_empty());
        let on_disk = folder.filter(|_| Path::new(path).is_file());
        Self { folder: on_disk.map(Path::to_owned), ..Self::default() }
    }

    /// Finds a file or folder of this name; if there is none, opening its own path will fail.
    pub fn locate(&mut self, name: &str) -> Located {
        if let Some(located) = self.found.get(name) {
            return located.clone();
        }
        let own = self.folder.as_ref().map(|folder| folder.join(name));
        let own = own.filter(|path| path.exists() && !source::is_same(path, Path::new(name)));
        let own = own.map(|path| (path.to_string_lossy().into_owned(), FileOrigin::Experiment));
        let here =
            Path::new(name).exists().then(|| (name.to_owned(), FileOrigin::WorkingDirectory));
        let shipped = source::is_shipped(name).then(|| (name.to_owned(), FileOrigin::Program));
        let mut places = [own, here, shipped].into_iter().flatten();
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

    /// Finds a file of this name on disk, if there is one.
    pub fn locate_on_disk(&mut self, name: &str) -> Option<Located> {
        let own = self.folder.as_ref().map(|folder| folder.join(name));
        let here = Some(PathBuf::from(name));
        let is_there = [own, here].into_iter().flatten().any(|path| path.is_file());
        is_there.then(|| self.locate(name)).filter(|located| Path::new(&located.path).is_file())
    }

    /// Whether a folder of the user has the name of a shipped one and other files.
    pub fn is_own(&mut self, name: &str) -> bool {
        let Located { path, origin } = self.locate(name);
        origin != FileOrigin::Program && source::differs_from_shipped(&path, name)
    }

    /// Drops a file that is not used.
    pub fn forget(&mut self, name: &str) {
        self.found.remove(name);
    }

    /// Adds a note.
    pub fn add_note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// Names that several different files have.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The path of a file on disk by its name, or by that of a folder in which it lies; none of a
    /// file inside the program.
    pub fn path_on_disk(&self, name: &str) -> Option<PathBuf> {
        let own = Path::new(name).ancestors().find_map(|above| {
            let located = self.found.get(above.to_str()?)?;
            Some((located, Path::new(name).strip_prefix(above).ok()?))
        });
        match own {
            None => Some(name.into()),
            Some((located, _)) if located.origin == FileOrigin::Program => None,
            Some((located, inner)) if inner.as_os_str().is_empty() => Some((&located.path).into()),
            Some((located, inner)) => Some(Path::new(&located.path).join(inner)),
        }
    }

    /// The origin of everything that was found, by name.
    pub fn origins(&self) -> impl Iterator<Item = (&str, FileOrigin)> {
        self.found.iter().map(|(name, located)| (name.as_str(), located.origin))
    }
}
