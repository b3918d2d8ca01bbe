//! The requests of several files merged by time, without bad rows. The result is as ordered as the
//! files are.

use super::{ImportNotes, ImportedRequest, OpenTrace, RequestReader, stem};
use crate::config::{Location, Problem, Problems};

/// Bad rows that are reported one by one.
const MAX_REPORTED: usize = 20;

/// Several files, merged by time; a tie goes to the file named first.
pub(super) struct Merge {
    files: Vec<File>,
    /// How many bad rows may be skipped.
    allowed: u64,
    /// Whether files of one name are one key.
    one_key: bool,
    /// How many bad rows there were, and the first of them.
    bad: u64,
    reported: Vec<Problem>,
}

struct File {
    path: String,
    requests: Box<dyn RequestReader>,
    next: Option<ImportedRequest>,
    /// Whether its name is the key of its requests.
    named: bool,
}

impl Merge {
    /// Opens the files.
    pub(super) fn open(
        paths: &[String],
        open: &OpenTrace,
        (allowed, one_key): (u64, bool),
    ) -> Result<Self, Problems> {
        let mut merge = Self { files: Vec::new(), allowed, one_key, bad: 0, reported: Vec::new() };
        let mut problems = Problems::default();
        for (at, path) in paths.iter().enumerate() {
            let before = paths[..at].iter().filter(|before| stem(before) == stem(path)).count();
            match open(path, before) {
                Ok(requests) => {
                    let path = path.clone();
                    merge.files.push(File { path, requests, next: None, named: false });
                }
                Err(problem) => problems.push(problem),
            }
        }
        problems.check(Some(()))?;
        (0..merge.files.len()).try_for_each(|at| merge.advance(at))?;
        Ok(merge)
    }

    /// The next request and its place; `None` at the end.
    pub(super) fn next_request(&mut self) -> Result<Option<(ImportedRequest, Location)>, Problems> {
        let waiting = |(at, file): (usize, &File)| Some((file.next.as_ref()?.time_ns, at));
        let Some((_, at)) = self.files.iter().enumerate().filter_map(waiting).min() else {
            return if self.bad > self.allowed { Err(self.too_many()) } else { Ok(None) };
        };
        let place = self.files[at].requests.lines().place();
        let request = self.files[at].next.take();
        self.advance(at)?;
        Ok(request.map(|request| (request, place)))
    }

    fn advance(&mut self, at: usize) -> Result<(), Problems> {
        loop {
            let file = &mut self.files[at];
            match file.requests.next_request() {
                Ok(mut next) => {
                    if let Some(request) = next.as_mut().filter(|request| request.key.is_empty()) {
                        stem(&file.path).clone_into(&mut request.key);
                        if !file.named {
                            file.named = true;
                            self.check_name(at)?;
                        }
                    }
                    self.files[at].next = next;
                    return Ok(());
                }
                Err(problem) if file.requests.lines().is_broken() => {
                    self.reported.truncate(MAX_REPORTED - 1);
                    self.reported.push(problem);
                    return Err(self.problems(None));
                }
                Err(problem) => self.skip(problem)?,
            }
        }
    }

    /// Refuses a name that is the key of another file, too.
    fn check_name(&self, at: usize) -> Result<(), Problem> {
        let path = &self.files[at].path;
        let same =
            |file: &&File| file.named && file.path != *path && stem(&file.path) == stem(path);
        match self.files.iter().find(same).filter(|_| !self.one_key) {
            Some(other) => {
                let found =
                    format!("the key `{}`, which is that of {}, too", stem(path), other.path);
                let expected = "files of other names, or `--merge-keys` if they are one";
                Err(Problem::new(Location::file(path), found, expected))
            }
            None => Ok(()),
        }
    }

    /// Counts a bad row; an error once there are too many, and enough to tell.
    pub(super) fn skip(&mut self, problem: Problem) -> Result<(), Problems> {
        self.bad += 1;
        if self.reported.len() < MAX_REPORTED {
            self.reported.push(problem);
        }
        let enough = self.bad > self.allowed && self.reported.len() == MAX_REPORTED;
        if enough { Err(self.too_many()) } else { Ok(()) }
    }

    fn too_many(&self) -> Problems {
        let first = (self.allowed > 0).then(|| {
            let found = format!("more than {} rows that cannot be read", self.allowed);
            Problem::new(
                Location::file("--max-bad-rows"),
                found,
                "a better file, or a larger number",
            )
        });
        self.problems(first)
    }

    fn problems(&self, first: Option<Problem>) -> Problems {
        let mut problems = Problems::default();
        first
            .into_iter()
            .chain(self.reported.iter().cloned())
            .for_each(|problem| problems.push(problem));
        problems
    }

    /// How many bad rows there were, and the first of them.
    pub(super) fn skipped(&self) -> (u64, &[Problem]) {
        (self.bad, &self.reported)
    }

    /// What was assumed of the files; facts that all of them share once.
    pub(super) fn notes(&self) -> ImportNotes {
        let notes = self.files.iter().map(|file| (file.path.as_str(), file.requests.notes()));
        let notes: Vec<(&str, ImportNotes)> = notes.collect();
        let same = notes.iter().all(|(_, other)| other.facts == notes[0].1.facts);
        let mut all = ImportNotes::default();
        for (at, (path, own)) in notes.into_iter().enumerate() {
            let prefixed = |text: String| format!("{path}: {text}");
            match (same, at) {
                (true, 0) => all.facts = own.facts,
                (true, _) => {}
                (false, _) => all.facts.extend(own.facts.into_iter().map(prefixed)),
            }
            all.notes.extend(own.notes.into_iter().map(prefixed));
        }
        all
    }

    /// (path, SHA-256) of the files.
    pub(super) fn files(&self) -> impl Iterator<Item = (&str, String)> {
        let hash = |file: &File| file.requests.lines().sha256().unwrap_or_default();
        self.files.iter().map(move |file| (file.path.as_str(), hash(file)))
    }
}
