//! `manifest.toml`: what is needed to reproduce the results.

use super::revision::Revision;
use crate::config::source;
use crate::config::toml::quote;
use crate::config::{ConfigNode, Location, Problem, Problems, Value};
use crate::experiment::{Experiment, SCHEMA_VERSION, Sweep, build_id};
use crate::output::atomic::{self, WriteError};
use std::path::Path;

/// Writes the manifest of a sweep of `runs` runs.
///
/// # Errors
/// Says why it could not be written.
pub fn write(
    sweep: &Sweep,
    runs: usize,
    revision: Option<&Revision>,
    folder: &Path,
) -> Result<(), WriteError> {
    atomic::write(&folder.join("manifest.toml"), text(sweep, runs, revision).as_bytes())
}

/// Writes the manifest of a sweep of which this process runs a shard.
///
/// # Errors
/// The folder has the manifest of another sweep or another build.
pub fn agree(sweep: &Sweep, folder: &Path) -> Result<(), ManifestError> {
    let path = folder.join("manifest.toml").to_string_lossy().into_owned();
    if !source::exists(&path) {
        atomic::folder(folder)?;
        let revision = Revision::of(sweep);
        return Ok(write(sweep, sweep.units().count(), revision.as_ref(), folder)?);
    }
    let planned = read(folder)?;
    let inputs = sweep.inputs.files().iter().map(|(path, hash)| (path.clone(), hash.clone()));
    let inputs: Vec<(String, String)> = inputs.collect();
    let [was, is] = [&planned.experiment, &sweep.experiment].map(|own| own.resolved.canonical());
    let own = "those of this sweep";
    let differs = [
        ("build", planned.build != build_id(), planned.build.as_str(), build_id()),
        ("inputs", planned.inputs != inputs, "other files", own),
        ("resolved", was != is, "other settings", own),
    ];
    let mut problems = Problems::default();
    for (field, _, found, expected) in differs.into_iter().filter(|(_, differs, ..)| *differs) {
        let expected = format!("{expected}: plan again, or take another folder");
        problems.push(Problem::new(Location::file(&path).field(field), found, expected));
    }
    Ok(problems.check(Some(()))?)
}

/// The settings on which the rows of `runs.csv` depend, sorted; the others say how many there are
/// and how they are shown.
const OF_ROWS: [&str; 5] = ["axis", "base", "search", "seed", "zip"];

/// What a folder into which a sweep will write holds.
#[derive(Debug)]
pub enum FolderContents {
    /// No results.
    Nothing,
    /// Results of the same settings, by a build.
    Same(Box<Manifest>),
    /// Results of other settings, or of unknown ones.
    Other(Problem),
}

/// The results that a sweep into `folder` would replace.
pub fn held(sweep: &Sweep, folder: &Path) -> FolderContents {
    let path = folder.join("manifest.toml").to_string_lossy().into_owned();
    let expected = "an empty folder: name another with `--out`, or replace it with `--overwrite`";
    let problem = |field: &str, found: String| {
        FolderContents::Other(Problem::new(Location::file(&path).field(field), found, expected))
    };
    if !folder.join("manifest.toml").is_file() {
        if folder.join("runs.csv").is_file() {
            return problem("", "a runs.csv without manifest".into());
        }
        return FolderContents::Nothing;
    }
    let manifest = match read(folder) {
        Ok(manifest) => manifest,
        Err(problems) => {
            let first = problems.iter().next().map_or(String::new(), ToString::to_string);
            return problem("", format!("results of unknown settings ({first})"));
        }
    };
    let [old, new] = [&manifest.experiment, &sweep.experiment].map(|experiment| {
        let key = |key: &&str| Some(((*key).to_owned(), experiment.resolved.get(key)?.clone()));
        let entries: Vec<(String, ConfigNode)> = OF_ROWS.iter().filter_map(key).collect();
        ConfigNode { place: Location::default(), value: Value::table(entries) }
    });
    match old.difference(&new) {
        None => FolderContents::Same(Box::new(manifest)),
        Some((key, was, is)) => {
            problem(&key, format!("results of other settings, {was} where now {is}"))
        }
    }
}

/// A manifest that could not be written, or says something else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It is not a manifest, or of another sweep or build.
    #[error(transparent)]
    Input(#[from] Problems),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn text(sweep: &Sweep, runs: usize, revision: Option<&Revision>) -> String {
    let (experiment, inputs) = (&sweep.experiment, &sweep.inputs);
    let mut text = format!(
        "# What it takes to make these results again.\nschema_version = {SCHEMA_VERSION}\n\
         build = {}\nexperiment = {}\nruns = {runs}\n",
        quote(build_id()),
        quote(&experiment.path)
    );
    let mut table = |comment: &str, name: &str, lines: Vec<String>| {
        text.push_str(&format!("\n# {comment}\n[{name}]\n"));
        lines.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    };
    let line = |key: &str, value: &str| format!("{} = {}", quote(key), quote(value));
    let hashes = inputs.files().iter().map(|(path, hash)| line(path, hash));
    table("SHA-256 of every input.", "inputs", hashes.collect());
    let origins = inputs.origins().map(|(name, origin)| line(name, origin.name()));
    let comment = "Where the files and folders were that the experiment names.";
    table(comment, "origins", origins.collect());
    if !inputs.imports().is_empty() {
        let imports = inputs.imports().iter();
        let imports = imports.map(|(path, node)| format!("{} = {}", quote(path), node.canonical()));
        let comment = "How files of requests were made from data of others.";
        table(comment, "imports", imports.collect());
    }
    if let Some(Revision { commit, is_dirty }) = revision {
        let lines = vec![line("commit", commit), format!("dirty = {is_dirty}")];
        let comment = "The commit of the experiment; dirty: it lacks something that was read.";
        table(comment, "git", lines);
    }
    let settings = match &experiment.resolved.value {
        Value::Table(entries) => entries.as_slice(),
        _ => &[],
    };
    let settings = settings.iter().map(|(key, node)| format!("{key} = {}", node.canonical()));
    table("The experiment with all overrides.", "resolved", settings.collect());
    text
}

/// What a manifest says.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// The experiment as it was run.
    pub experiment: Experiment,
    /// The build that ran it.
    pub build: String,
    /// (path, SHA-256) of its inputs.
    pub inputs: Vec<(String, String)>,
    /// The commit of its experiment, if that is known.
    pub revision: Option<Revision>,
}

/// Reads the manifest in a results folder.
///
/// # Errors
/// Lists what cannot be read.
pub fn read(folder: &Path) -> Result<Manifest, Problems> {
    let path = folder.join("manifest.toml").to_string_lossy().into_owned();
    let node = ConfigNode::parse_long(&source::read_own(&path)?)?;
    let text = |key: &str| node.get(key).map(ConfigNode::cell).unwrap_or_default();
    let Some(resolved) = node.get("resolved") else {
        let expected = "a manifest with a table [resolved]";
        return Err(Problem::new(Location::file(&path), "no [resolved]", expected).into());
    };
    let mut problems = Problems::default();
    let experiment = Experiment::read(resolved, &text("experiment"), &mut problems);
    let inputs = match node.get("inputs").map(|inputs| &inputs.value) {
        Some(Value::Table(entries)) => {
            entries.iter().map(|(path, hash)| (path.clone(), hash.cell())).collect()
        }
        _ => Vec::new(),
    };
    let build = text("build");
    let revision = node.get("git").and_then(Revision::read);
    problems.check(Some(Manifest { experiment, build, inputs, revision }))
}
