//! `manifest.toml`: what it takes to make the results again.

use crate::config::source;
use crate::config::toml::quote;
use crate::config::{ConfigNode, Location, Problem, Problems, Value};
use crate::experiment::{BUILD, Experiment, SCHEMA_VERSION, Sweep};
use crate::output::atomic::{self, WriteError};
use std::fmt::Write as _;
use std::path::Path;

/// Writes the manifest of a sweep of `runs` runs.
pub fn write(sweep: &Sweep, runs: usize, folder: &Path) -> Result<(), WriteError> {
    atomic::write(&folder.join("manifest.toml"), text(sweep, runs).as_bytes())
}

/// Writes the manifest of a sweep of which this process does a share; refused if the folder has
/// that of another sweep or another build.
pub fn agree(sweep: &Sweep, folder: &Path) -> Result<(), ManifestError> {
    let path = folder.join("manifest.toml").to_string_lossy().into_owned();
    if !source::exists(&path) {
        atomic::folder(folder)?;
        return Ok(write(sweep, sweep.units().count(), folder)?);
    }
    let planned = read(folder)?;
    let inputs: Vec<(String, String)> =
        sweep.inputs.files().iter().map(|(path, hash)| (path.clone(), hash.clone())).collect();
    let settings = &sweep.experiment.resolved;
    let differs = [
        ("build", planned.build != BUILD, planned.build.as_str(), BUILD),
        ("inputs", planned.inputs != inputs, "other files", "those of this sweep"),
        (
            "resolved",
            planned.experiment.resolved.canonical() != settings.canonical(),
            "other settings",
            "those of this sweep",
        ),
    ];
    let mut problems = Problems::default();
    for (field, _, found, expected) in differs.into_iter().filter(|(_, differs, ..)| *differs) {
        let expected = format!("{expected}: plan again, or take another folder");
        problems.push(Problem::new(Location::file(&path).field(field), found, expected));
    }
    Ok(problems.check(Some(()))?)
}

/// The settings on which the rows of `runs.csv` depend; the others say how much of it is made and
/// how it is shown.
const OF_ROWS: [&str; 5] = ["seed", "base", "axis", "zip", "search"];

/// What stands in a folder into which a sweep will write.
#[derive(Debug)]
pub enum FolderContents {
    /// No results.
    Nothing,
    /// Results of the same settings, by a build.
    Same(Box<Manifest>),
    /// Results of other settings, or of unknown ones.
    Other(Problem),
}

/// Looks at the results that a sweep into `folder` would replace.
pub fn held(sweep: &Sweep, folder: &Path) -> FolderContents {
    let path = folder.join("manifest.toml").to_string_lossy().into_owned();
    let expected = "an empty folder: name another with `--out`, or replace it with `--overwrite`";
    let problem = |field: &str, found: String| {
        FolderContents::Other(Problem::new(Location::file(&path).field(field), found, expected))
    };
    if !folder.join("manifest.toml").is_file() {
        let alone = folder.join("runs.csv").is_file();
        return if alone {
            problem("", "a runs.csv without manifest".into())
        } else {
            FolderContents::Nothing
        };
    }
    let manifest = match read(folder) {
        Ok(manifest) => manifest,
        Err(problems) => {
            let first = problems.iter().next().map_or(String::new(), ToString::to_string);
            return problem("", format!("results of unknown settings ({first})"));
        }
    };
    let [old, new] = [&manifest.experiment, &sweep.experiment].map(|experiment| {
        let key = |key: &str| Some((key.to_owned(), experiment.resolved.get(key)?.clone()));
        let mut entries: Vec<(String, ConfigNode)> =
            OF_ROWS.iter().filter_map(|k| key(k)).collect();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
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
    /// It is of another sweep or build, or none.
    #[error(transparent)]
    Input(#[from] Problems),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn text(sweep: &Sweep, runs: usize) -> String {
    let experiment = &sweep.experiment;
    let mut text = String::from("# What it takes to make these results again.\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "schema_version = {SCHEMA_VERSION}");
    let _ = writeln!(text, "build = {}", quote(BUILD));
    let _ = writeln!(text, "experiment = {}", quote(&experiment.path));
    let _ = writeln!(text, "runs = {runs}");
    let _ = writeln!(text, "\n# SHA-256 of every input.\n[inputs]");
    for (path, hash) in sweep.inputs.files() {
        let _ = writeln!(text, "{} = {}", quote(path), quote(hash));
    }
    let _ = writeln!(
        text,
        "\n# Where the files and folders were that the experiment names.\n[origins]"
    );
    for (name, origin) in sweep.inputs.origins() {
        let _ = writeln!(text, "{} = {}", quote(name), quote(origin.name()));
    }
    if !sweep.inputs.imports().is_empty() {
        let _ =
            writeln!(text, "\n# How files of requests were made from data of others.\n[imports]");
    }
    for (path, node) in sweep.inputs.imports() {
        let _ = writeln!(text, "{} = {}", quote(path), node.canonical());
    }
    let _ = writeln!(text, "\n# The experiment with all overrides.\n[resolved]");
    if let Value::Table(entries) = &experiment.resolved.value {
        for (key, node) in entries.iter() {
            let _ = writeln!(text, "{key} = {}", node.canonical());
        }
    }
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
}

/// Reads the manifest in a results folder.
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
    problems.check(Some(Manifest { experiment, build, inputs }))
}
