//! `peeksim league`: the schedulers of one or several results folders, ranked.

use super::output::rows_of_file;
use super::{CliError, Output, unknown, wrong};
use crate::config::path;
use crate::report::league::{Block, League, METRICS, Walls, read_walls};
use crate::report::{ResultRow, Results};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `league`.
#[derive(Debug, Args)]
pub(super) struct LeagueArgs {
    /// Results folders with runs.csv, each an experiment with an axis of schedulers.
    #[arg(required = true)]
    folders: Vec<PathBuf>,
    /// The metric that ranks are by.
    #[arg(long, default_value = "effective_accuracy")]
    metric: String,
    /// Only rows with this value of an axis; several values of one axis are alternatives.
    #[arg(long = "where", value_name = "COLUMN=VALUE")]
    filter: Vec<String>,
    /// The axis of what is ranked.
    #[arg(long, default_value = "scheduler")]
    axis: String,
    /// The folder of the tables and the diagram; `league` in the only results folder by default.
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn main(args: &LeagueArgs, out: &mut Output) -> Result<(), CliError> {
    let known = METRICS.map(|metric| metric.0);
    let metric = METRICS.into_iter().find(|metric| metric.0 == args.metric);
    let Some(metric) = metric else {
        return Err(unknown("--metric", "metric of a league", &args.metric, known).into());
    };
    let folder = match (&args.out, args.folders.as_slice()) {
        (Some(folder), _) => folder.clone(),
        (None, [only]) => only.join("league"),
        (None, _) => {
            let expected = "--out DIR beside several results folders";
            return Err(wrong("--out", "nothing", expected).into());
        }
    };
    let results: Vec<Results> =
        args.folders.iter().map(|folder| Results::load(folder)).collect::<Result<_, _>>()?;
    let walls: Vec<Walls> =
        args.folders.iter().map(|folder| read_walls(folder)).collect::<Result<_, _>>()?;
    let names = args.folders.iter().map(|folder| name(folder));
    let named: Vec<(String, &Results)> = names.zip(&results).collect();
    let filters = filters(args, &named)?;
    let rows: Vec<Vec<&ResultRow>> =
        named.iter().zip(&filters).map(|((_, results), own)| results.filtered(own)).collect();
    let mut blocks = Vec::new();
    for (((name, results), rows), walls) in named.iter().zip(&rows).zip(&walls) {
        let known = results.axes.iter().map(String::as_str);
        let Some(axis) = results.axis(&args.axis) else {
            return Err(unknown(&format!("--axis in {name}"), "axis", &args.axis, known).into());
        };
        if rows.is_empty() {
            let found = format!("no row of {name}");
            return Err(wrong("--where", found, "a filter that some rows pass").into());
        }
        blocks.push(Block { name, results, rows, axis, walls });
    }
    let league = League::new(&blocks, metric);
    let written = league.write(&folder)?;
    write!(out, "{}", league.text())?;
    league.notes().iter().for_each(|note| out.note(note));
    if out.is_json() {
        let ranks = league.ranks().iter();
        let rank = |(name, rank): &(String, f64)| json!({ "scheduler": name, "mean_rank": rank });
        out.set("metric", metric.0);
        out.set("ranks", ranks.map(rank).collect::<Vec<_>>());
        out.set("rows", rows_of_file(&folder.join("league.csv"))?);
    }
    for file in written {
        out.wrote(&folder.join(file))?;
    }
    Ok(())
}

/// The last name of a folder.
fn name(folder: &Path) -> String {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

/// Axes, each with the labels that pass.
type Filter = Vec<(String, Vec<String>)>;

/// For each block, the part of the filter that its axes know; every key must be known to some.
fn filters(args: &LeagueArgs, blocks: &[(String, &Results)]) -> Result<Vec<Filter>, CliError> {
    let mut wanted: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for text in &args.filter {
        let Some((key, value)) = path::assignment(text) else {
            return Err(wrong("--where", format!("`{text}`"), "column=value").into());
        };
        wanted.entry(path::spelled(key)).or_default().push(value.to_owned());
    }
    for key in wanted.keys() {
        if blocks.iter().all(|(_, results)| results.axis(key).is_none()) {
            let known = blocks.iter().flat_map(|(_, results)| results.axes.iter());
            return Err(unknown("--where", "axis", key, known.map(String::as_str)).into());
        }
    }
    let own = |results: &Results| {
        let known = wanted.iter().filter(|(key, _)| results.axis(key).is_some());
        known.map(|(key, values)| (key.clone(), values.clone())).collect()
    };
    Ok(blocks.iter().map(|(_, results)| own(results)).collect())
}
