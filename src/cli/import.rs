//! `peeksim import`: data of others in the form that peeksim reads.

use super::{Failure, say};
use crate::import::{self, Entry, Folder, Form, Import, ImportError, KINDS, Map};
use crate::input::source;
use crate::input::toml::quote;
use crate::input::{Fields, Node, Place, Problem, Problems};
use crate::model::link;
use crate::output::atomic;
use crate::tmo;
use crate::units::decimal;
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The kind that is neither a trace nor a profile.
const M4A1: &str = "m4a1";
const M4A1_SUMMARY: &str =
    "the dialogues of M4A1: the TMO authors' JSON, or a table of its numbers";

/// So is this, a table for a link.
const BANDWIDTH: &str = "bandwidth";
const BANDWIDTH_SUMMARY: &str =
    "one of the traces of a file `trace,time_s,mbps`, for a link's `uplink_mbps`";

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = kinds())]
pub(super) struct ImportArgs {
    /// What the files are; see below.
    kind: String,
    /// The files, plain or compressed with gzip or zstd; traces are merged by time.
    #[arg(required = true)]
    files: Vec<String>,
    /// The trace, table or profile folder to write.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// An application for the requests (several: dealt out by --map), or KEY=NAME for those of one
    /// model or function; by default keys are applications.
    #[arg(long = "app", value_name = "[KEY=]NAME")]
    apps: Vec<String>,
    /// How keys become applications: round-robin, stripes, or requests in turn.
    #[arg(long, value_name = "HOW")]
    map: Option<String>,
    /// Leave out up to this many rows that cannot be read, and count them.
    #[arg(long, value_name = "N")]
    skip_bad: Option<u64>,
    /// Which column is what, as `arrival=t_s`.
    #[arg(long = "column", value_name = "WHAT=COLUMN")]
    columns: Vec<String>,
    /// How a column counts time, as `arrival=ms`: s, ms, us, ns, or date.
    #[arg(long = "unit", value_name = "WHAT=UNIT")]
    units: Vec<String>,
    /// A setting of the kind.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// The list of kinds for the help.
fn kinds() -> String {
    let mut text = format!("Kinds, and their settings (--set):\n  {M4A1}: {M4A1_SUMMARY}\n");
    text.push_str(&format!("  {BANDWIDTH}: {BANDWIDTH_SUMMARY}\n      trace = 1\n"));
    for entry in KINDS {
        text.push_str(&format!("  {}: {}\n      {}\n", entry.name, entry.summary, entry.settings));
    }
    text + "\ntraces/importing.md says where each is found and what becomes of it."
}

pub(super) fn main(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    match args.kind.as_str() {
        M4A1 => return dialogues(args, out),
        BANDWIDTH => return bandwidth(args, out),
        _ => {}
    }
    let Some(entry) = KINDS.iter().find(|entry| entry.name == args.kind) else {
        let known = [M4A1, BANDWIDTH].into_iter().chain(KINDS.iter().map(|entry| entry.name));
        let problem = Problem::unknown(Place::file("import"), "kind", &args.kind, known);
        return Err(problem.into());
    };
    let settings = settings(args)?;
    let Some(path) = &args.out else {
        return Err(Problem::new(Place::file("--out"), "nothing", "where to write it").into());
    };
    match entry.form {
        Form::Trace(_) => trace(entry, args, &settings, path),
        Form::Profile(make) => profile(make, args, &settings, path),
    }
}

fn trace(entry: &Entry, args: &ImportArgs, settings: &Node, out: &Path) -> Result<(), Failure> {
    let plan = Import {
        files: &args.files,
        settings,
        apps: &args.apps,
        map: map(args)?,
        skip_bad: args.skip_bad.unwrap_or(0),
        out,
    };
    let imported = import::import(entry, &plan).map_err(|error| match error {
        ImportError::Input(problems) => Failure::Input(problems),
        ImportError::Write(error) => error.into(),
    })?;
    let (bad, told) = imported.skipped;
    told.iter().for_each(|problem| say(&format!("skipped: {problem}")));
    say(&format!(
        "{} requests over {} s, {} keys, {bad} bad rows skipped",
        imported.requests,
        decimal(imported.last_ns, 9),
        imported.keys,
    ));
    Ok(())
}

fn profile(
    make: fn(&[String], &mut Fields<'_>) -> Option<Folder>,
    args: &ImportArgs,
    settings: &Node,
    out: &Path,
) -> Result<(), Failure> {
    refuse(&[
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--skip-bad", args.skip_bad.is_some()),
    ])?;
    let folder = import::import_profile(make, &args.files, settings)?;
    atomic::new_folder(out, &folder.files)?;
    folder.notes.iter().for_each(|note| say(&format!("note: {note}")));
    say(&format!("wrote {} files to {}", folder.files.len(), out.display()));
    Ok(())
}

/// The options that this kind does not have.
fn refuse(options: &[(&str, bool)]) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for (option, _) in options.iter().filter(|(_, given)| *given) {
        problems.push(Problem::new(Place::file(option), "an option", "none of this kind"));
    }
    problems.check(Some(()))
}

fn map(args: &ImportArgs) -> Result<Map, Problems> {
    let Some(name) = &args.map else { return Ok(Map::default()) };
    let found = Map::ALL.iter().find(|(known, _)| known == name).map(|(_, map)| *map);
    let known = Map::ALL.iter().map(|(name, _)| *name);
    found.ok_or_else(|| Problem::unknown(Place::file("--map"), "way", name, known).into())
}

/// The settings of the kind as one table.
fn settings(args: &ImportArgs) -> Result<Node, Problems> {
    let mut node = Node::empty(Place::file("--set"));
    let mut problems = Problems::default();
    for (option, prefix, given) in [
        ("--set", "", &args.set),
        ("--column", "column", &args.columns),
        ("--unit", "unit", &args.units),
    ] {
        if !prefix.is_empty() && !given.is_empty() {
            node.set(prefix, Node::empty(Place::file(option)))?;
        }
        for text in given {
            let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                let expected = "KEY=VALUE";
                problems.push(Problem::new(Place::file(option), format!("`{text}`"), expected));
                continue;
            };
            let place = Place::file(option).field(key);
            let (path, value) = match prefix {
                "" => (key.to_owned(), Node::parse_override(value)),
                // Names of columns are words, whatever they look like.
                _ => (format!("{prefix}.{key}"), Node::parse_override(&quote(value))),
            };
            if let Err(problem) = node.set(&path, value.relocated(&place)) {
                problems.push(problem);
            }
        }
    }
    problems.check(Some(node))
}

fn bandwidth(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    refuse(&[
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--skip-bad", args.skip_bad.is_some()),
        ("--column", !args.columns.is_empty()),
        ("--unit", !args.units.is_empty()),
    ])?;
    let [file] = args.files.as_slice() else {
        let found = format!("{} files", args.files.len());
        return Err(Problem::new(Place::file(BANDWIDTH), found, "one").into());
    };
    let (settings, mut problems) = (settings(args)?, Problems::default());
    let mut read = Fields::new(&settings, &mut problems);
    let trace = read.take("trace").map_or("1".to_owned(), Node::cell);
    read.finish();
    problems.check(Some(()))?;
    let (text, left_out) = link::import(&source::read(file)?, &trace)?;
    match &args.out {
        Some(path) => atomic::write(path, text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    let left_out = match left_out {
        0 => "",
        _ => "; the first of the file, a constant before the measurement, is left out",
    };
    say(&format!("trace {trace}: {} rows{left_out}", text.lines().count() - 1));
    Ok(())
}

fn dialogues(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    refuse(&[
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--skip-bad", args.skip_bad.is_some()),
        ("--column", !args.columns.is_empty()),
        ("--unit", !args.units.is_empty()),
        ("--set", !args.set.is_empty()),
    ])?;
    let [file] = args.files.as_slice() else {
        let found = format!("{} files", args.files.len());
        return Err(Problem::new(Place::file(M4A1), found, "one").into());
    };
    let workload = tmo::import::load(file)?;
    let text = workload.to_csv();
    match &args.out {
        Some(path) => atomic::write(path, text.as_bytes())?,
        None => out.write_all(text.as_bytes())?,
    }
    say(&format!(
        "{} dialogues, {} turns, {} tasks, {} views",
        workload.dialogues.len(),
        workload.turns(),
        workload.tasks.len(),
        workload.actions.views()
    ));
    Ok(())
}
