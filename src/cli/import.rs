//! `peeksim import`: converts other data into the formats that peeksim reads.

use super::messages::status;
use super::output::rows_of;
use super::{CliError, Output, unknown, wrong};
use crate::config::settings::{flattened, in_a_line};
use crate::config::toml::quote;
use crate::config::{ConfigNode, Decoder, Location, Problems, Value};
use crate::core::units::decimal;
use crate::import::{
    self, AppMapping, Folder, ImportError, ImportKind, ImportNotes, ImportPlan, ImportedProfile,
    ImporterEntry,
};
use crate::offloading;
use crate::output::{atomic, packed};
use clap::Args;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The kind that is neither a trace nor a profile.
const M4A1: &str = "m4a1";
const M4A1_SUMMARY: &str =
    "the dialogues of M4A1: the TMO authors' JSON, or a table of its numbers";

/// The kinds that are not in the registry of importers.
pub(super) const OTHER_KINDS: [&str; 2] = [M4A1, offloading::import_dialogues::ENTRY.name];

/// Every kind but that of M4A1.
fn entries() -> impl Iterator<Item = &'static ImporterEntry> {
    import::ENTRIES.iter().chain([&offloading::import_dialogues::ENTRY])
}

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = kinds())]
pub(super) struct ImportArgs {
    /// What the files are; see below.
    kind: String,
    /// The files, plain or compressed with gzip or zstd; traces are merged by time.
    #[arg(required = true)]
    files: Vec<String>,
    /// The trace, table or profile folder to write; `.gz` and `.zst` compress.
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
    max_bad_rows: Option<u64>,
    /// Which column is what, as `arrival=t_s`; of JSON, which key.
    #[arg(long = "column", value_name = "WHAT=COLUMN")]
    columns: Vec<String>,
    /// How a column counts time, as `arrival=ms`: s, ms, us, ns, or date.
    #[arg(long = "unit", value_name = "WHAT=UNIT")]
    units: Vec<String>,
    /// What is between the cells of a table: a character, or comma, semicolon, tab, pipe;
    /// recognised by default.
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<String>,
    /// The first line of a table is a row; columns are called by their numbers, from 1 on.
    #[arg(long)]
    no_header: bool,
    /// Files of one name are one model; by default they are refused.
    #[arg(long)]
    merge_keys: bool,
    /// A setting of the kind.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

/// The list of kinds for the help.
fn kinds() -> String {
    let mut text = format!("Kinds, and their settings (--set):\n  {M4A1}: {M4A1_SUMMARY}\n");
    for entry in entries() {
        let settings = in_a_line(&flattened(entry.settings));
        text.push_str(&format!("  {}: {}\n      {settings}\n", entry.name, entry.summary));
    }
    text + "\ntraces/importing.md says where each is found and what becomes of it.\n\nExample:\n  \
            peeksim import azure-llm AzureLLMInferenceTrace_conv.csv --app chat --out chat.csv"
}

pub(super) fn main(args: &ImportArgs, out: &mut Output) -> Result<(), CliError> {
    if let Some(path) = &args.out {
        super::check_compression("--out", path)?;
    }
    if args.kind == M4A1 {
        return dialogues(args, out);
    }
    let Some(entry) = entries().find(|entry| entry.name == args.kind) else {
        let known = [M4A1].into_iter().chain(entries().map(|entry| entry.name));
        return Err(unknown("import", "kind", &args.kind, known).into());
    };
    let settings = settings(args)?;
    let path = || args.out.as_deref().ok_or_else(|| wrong("--out", "nothing", "where to write it"));
    match entry.form {
        ImportKind::Trace(_) => trace(entry, args, &settings, path()?, out),
        ImportKind::Profile(make) => profile(entry, make, (args, &settings), path()?, out),
        ImportKind::Table(make) => table(entry, make, args, &settings, out),
    }
}

fn trace(
    entry: &ImporterEntry,
    args: &ImportArgs,
    settings: &ConfigNode,
    path: &Path,
    out: &mut Output,
) -> Result<(), CliError> {
    let plan = ImportPlan {
        files: &args.files,
        settings,
        apps: &args.apps,
        map: map(args)?,
        max_bad_rows: args.max_bad_rows.unwrap_or(0),
        merge_keys: args.merge_keys,
        out: path,
    };
    let imported = import::import(entry, &plan).map_err(|error| match error {
        ImportError::Input(problems) => CliError::Input(problems),
        ImportError::Write(error) => error.into(),
    })?;
    let (bad, skipped) = &imported.skipped;
    skipped.iter().for_each(|problem| out.note(format!("skipped: {problem}")));
    imported.notes.notes.iter().for_each(|note| out.note(note));
    out.set("requests", imported.requests);
    out.set("seconds", imported.last_ns as f64 / 1e9);
    out.set("rate_rps", imported.rate_rps());
    out.set("keys", imported.keys);
    out.set("bad_rows", *bad);
    out.set("facts", imported.notes.facts.clone());
    out.push("written", path.to_string_lossy());
    let rate = imported.rate_rps().map_or(String::new(), |rps| format!(" ({} rps)", digits(rps)));
    status(&format!(
        "{} requests over {} s{rate}, {} keys, {bad} bad rows skipped{}",
        imported.requests,
        decimal(imported.last_ns, 9),
        imported.keys,
        facts(&imported.notes)
    ));
    Ok(())
}

/// A number with four significant digits.
fn digits(value: f64) -> String {
    let before = libm::log10(value).floor() as i32 + 1;
    let text = format!("{value:.places$}", places = (4 - before).clamp(0, 12) as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

fn facts(notes: &ImportNotes) -> String {
    notes.facts.iter().map(|fact| format!("; {fact}")).collect()
}

fn profile(
    entry: &ImporterEntry,
    make: fn(&[String], &mut Decoder<'_>) -> Option<Folder>,
    (args, settings): (&ImportArgs, &ConfigNode),
    path: &Path,
    out: &mut Output,
) -> Result<(), CliError> {
    refuse(&[
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--max-bad-rows", args.max_bad_rows.is_some()),
        ("--merge-keys", args.merge_keys),
    ])?;
    import::distinct(&args.files, None)?;
    let folder = import::decoded(entry, settings, |decoder| make(&args.files, decoder))?;
    atomic::new_folder(path, &folder.files)?;
    folder.notes.iter().for_each(|note| out.note(note));
    folder
        .files
        .iter()
        .for_each(|(name, _)| out.push("written", path.join(name).to_string_lossy()));
    status(&format!("wrote {} files to {}", folder.files.len(), path.display()));
    Ok(())
}

/// Refuses the given ones of these options, which a kind does not have.
fn refuse(options: &[(&str, bool)]) -> Result<(), Problems> {
    let mut problems = Problems::default();
    for (option, _) in options.iter().filter(|(_, given)| *given) {
        problems.push(wrong(option, "an option", "none of this kind"));
    }
    problems.check(Some(()))
}

/// The options of traces alone, and whether they are given.
fn trace_options(args: &ImportArgs) -> [(&'static str, bool); 4] {
    [
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--max-bad-rows", args.max_bad_rows.is_some()),
        ("--merge-keys", args.merge_keys),
    ]
}

fn map(args: &ImportArgs) -> Result<AppMapping, Problems> {
    let Some(name) = &args.map else { return Ok(AppMapping::default()) };
    let found = AppMapping::ALL.iter().find(|(known, _)| known == name).map(|(_, map)| *map);
    let known = AppMapping::ALL.iter().map(|(name, _)| *name);
    found.ok_or_else(|| unknown("--map", "way", name, known).into())
}

/// The settings of the kind as one table.
fn settings(args: &ImportArgs) -> Result<ConfigNode, Problems> {
    let mut node = ConfigNode::empty(Location::file("--set"));
    let mut problems = Problems::default();
    for (option, prefix, given) in [
        ("--set", "", &args.set),
        ("--column", "column", &args.columns),
        ("--unit", "unit", &args.units),
    ] {
        if !prefix.is_empty() && !given.is_empty() {
            node.set(prefix, ConfigNode::empty(Location::file(option)))?;
        }
        for text in given {
            let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
                problems.push(wrong(option, format!("`{text}`"), "KEY=VALUE"));
                continue;
            };
            let place = Location::file(option).field(key);
            let (path, value) = match prefix {
                "" => (key.to_owned(), ConfigNode::parse_override(value)),
                _ => (format!("{prefix}.{key}"), words(given, key)),
            };
            let set = node.set(&path, value.relocated(&place));
            set.unwrap_or_else(|problem| problems.push(problem));
        }
    }
    let mut set = |key: &str, value: Value| {
        let place = Location::file(&format!("--{}", key.replace('_', "-")));
        node.set(key, ConfigNode { place, value }).unwrap_or_else(|problem| problems.push(problem));
    };
    if let Some(delimiter) = &args.delimiter {
        set("delimiter", Value::Text(delimiter.clone()));
    }
    if args.no_header {
        set("no_header", Value::Bool(true));
    }
    problems.check(Some(node))
}

/// The values given for a key, a list if there are several. Names of columns are texts, whatever
/// they look like.
fn words(given: &[String], key: &str) -> ConfigNode {
    let pairs = given.iter().filter_map(|text| text.split_once('='));
    let words: Vec<String> =
        pairs.filter(|(known, _)| *known == key).map(|(_, value)| quote(value)).collect();
    match words.as_slice() {
        [word] => ConfigNode::parse_override(word),
        _ => ConfigNode::parse_override(&format!("[{}]", words.join(", "))),
    }
}

/// Makes a table of one file.
fn table(
    entry: &ImporterEntry,
    make: fn(&str, &mut Decoder<'_>) -> Option<ImportedProfile>,
    args: &ImportArgs,
    settings: &ConfigNode,
    out: &mut Output,
) -> Result<(), CliError> {
    refuse(&[
        ("--app", !args.apps.is_empty()),
        ("--map", args.map.is_some()),
        ("--max-bad-rows", args.max_bad_rows.is_some()),
        ("--merge-keys", args.merge_keys),
    ])?;
    let file = one_file(args)?;
    let table = import::decoded(entry, settings, |decoder| make(file, decoder))?;
    write(args, &table.text, out)?;
    table.notes.notes.iter().for_each(|note| out.note(note));
    out.set("summary", table.summary.as_str());
    out.set("facts", table.notes.facts.clone());
    status(&format!("{}{}", table.summary, facts(&table.notes)));
    Ok(())
}

/// The only file of a kind that takes one, which is not the one that is written.
fn one_file(args: &ImportArgs) -> Result<&str, Problems> {
    let [file] = args.files.as_slice() else {
        return Err(wrong(&args.kind, format!("{} files", args.files.len()), "one").into());
    };
    import::distinct(&args.files, args.out.as_deref())?;
    Ok(file)
}

fn write(args: &ImportArgs, text: &str, out: &mut Output) -> Result<(), CliError> {
    match &args.out {
        Some(path) => {
            atomic::with(path, |file| {
                packed::write(path, file, |packed| packed.write_all(text.as_bytes()))
            })?;
            out.push("written", path.to_string_lossy());
        }
        None => {
            out.write_all(text.as_bytes())?;
            if out.is_json() {
                out.set("rows", rows_of(text));
            }
        }
    }
    Ok(())
}

fn dialogues(args: &ImportArgs, out: &mut Output) -> Result<(), CliError> {
    let [app, map, bad_rows, merge_keys] = trace_options(args);
    refuse(&[
        app,
        map,
        bad_rows,
        ("--column", !args.columns.is_empty()),
        ("--unit", !args.units.is_empty()),
        ("--set", !args.set.is_empty()),
        ("--delimiter", args.delimiter.is_some()),
        ("--no-header", args.no_header),
        merge_keys,
    ])?;
    let workload = offloading::import::load(one_file(args)?)?;
    write(args, &workload.to_csv(), out)?;
    out.set("dialogues", workload.dialogues.len());
    out.set("turns", workload.turns());
    out.set("tasks", workload.tasks.len());
    out.set("views", workload.actions.views());
    status(&format!(
        "{} dialogues, {} turns, {} tasks, {} views",
        workload.dialogues.len(),
        workload.turns(),
        workload.tasks.len(),
        workload.actions.views()
    ));
    Ok(())
}
