//! `report.html`: the results of a folder as one page that needs no network.
//!
//! Everything is read from the files of the folder, so that the page can be made again from them.
//! The template renders what a reader without scripts sees; the scripts read the same data as JSON
//! and draw charts with uPlot (`page/vendor/uplot`).

use super::best::best_rows;
use super::claims::judge;
use super::figure::SeriesStyle;
use super::manifest::{self, Manifest};
use super::plots;
use super::results::{ResultRow, Results};
use super::row_notes::row_notes;
use super::summary::{Cell, cells};
use crate::config::csv::Table;
use crate::config::{ConfigNode, Problems, Value as Setting, source};
use crate::experiment::{Expectation, Experiment, build_id};
use crate::metrics::{QUANTILES, Study, axis_title, column_named, metric_shape, more_is_better};
use crate::output::atomic::{self, WriteError};
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The name of the file.
pub const NAME: &str = "report.html";

const TEMPLATE: &str = include_str!("page/page.html");
const STYLE: &str = include_str!("page/page.css");
const SCRIPTS: [&str; 7] = [
    include_str!("page/data.js"),
    include_str!("page/state.js"),
    include_str!("page/plot.js"),
    include_str!("page/charts.js"),
    include_str!("page/latency.js"),
    include_str!("page/tables.js"),
    include_str!("page/page.js"),
];
const CHART_SCRIPT: &str = include_str!("page/vendor/uplot/uPlot.iife.min.js");
const CHART_STYLE: &str = include_str!("page/vendor/uplot/uPlot.min.css");

/// Numbers that a page holds at most: more metrics than fit are left to `summary.csv`.
const MOST_NUMBERS: usize = 40_000;

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// A file of the folder cannot be read.
    #[error(transparent)]
    Input(#[from] Problems),
    /// The template and the data do not fit together: a defect of this program.
    #[error("the report cannot be rendered: {0:#}; this is a defect, please report it")]
    Template(#[from] minijinja::Error),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Writes the report of a results folder, whose results these are, into it.
///
/// # Errors
/// Files of the folder that cannot be read, or a report that cannot be written.
pub fn write(results: &Results, folder: &Path) -> Result<(), ReportError> {
    let manifest = manifest::read(folder)?;
    let page = render(&data(folder, results, &manifest)?)?;
    Ok(atomic::write(&folder.join(NAME), page.as_bytes())?)
}

/// The page of some data.
fn render(data: &Value) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template(NAME, TEMPLATE)?;
    let mut context = data.clone();
    context["css"] = json!(STYLE);
    context["js"] = json!(SCRIPTS.join("\n"));
    context["chart_js"] = json!(CHART_SCRIPT);
    context["chart_css"] = json!(CHART_STYLE);
    context["data_json"] = json!(inside_script(&data.to_string()));
    environment.get_template(NAME)?.render(Serde(context))
}

/// JSON that no tag and no line terminator of JavaScript can end early.
fn inside_script(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", c as u32));
            }
            c => text.push(c),
        }
    }
    text
}

fn data(folder: &Path, results: &Results, manifest: &Manifest) -> Result<Value, Problems> {
    let experiment = &manifest.experiment;
    let cells = cells(&results.rows);
    let labels = results.axes_with_labels();
    let places: Places =
        labels.iter().map(|(_, labels)| labels.iter().cloned().zip(0..).collect()).collect();
    let decider = results.axis(results.study.decider()).filter(|at| labels[*at].1.len() > 1);
    let (metrics, left_out) = metrics(results, cells.len());
    let mut notes = row_notes(results);
    if left_out > 0 {
        let all = metrics.len() + left_out;
        notes.push(format!(
            "this page holds {} of {all} metrics; summary.csv has all of them",
            metrics.len()
        ));
    }
    if manifest.build != build_id() {
        let (then, now) = (&manifest.build, build_id());
        notes.push(format!("the results are of build {then}, this page of {now}"));
    }
    let axes = labels.iter().map(|(key, labels)| {
        let numbers: Option<Vec<f64>> = labels.iter().map(|label| label.parse().ok()).collect();
        let numbers = numbers.filter(|numbers| numbers.iter().all(|number| number.is_finite()));
        json!({ "key": key, "title": axis_title(key), "labels": labels, "numbers": numbers })
    });
    let styled = results.axes.get(decider.unwrap_or(0)).map_or("", String::as_str);
    let styles =
        plots::axis_styles(styled, &experiment.figures, &experiment.styles, results).into_iter();
    let chosen: Vec<&str> = results.study.closing_table().iter().map(|(name, _)| *name).collect();
    Ok(json!({
        "schema": 1,
        "name": experiment.name,
        "title": if experiment.title.is_empty() { &experiment.name } else { &experiment.title },
        "note": experiment.note,
        "study": if results.study == Study::Scheduling { "scheduling" } else { "offloading" },
        "samples": results.study.samples(),
        "decider": decider,
        "setup": setup(experiment, results),
        "axes": axes.collect::<Vec<_>>(),
        "metrics": metrics.iter().map(|name| metric(name)).collect::<Vec<_>>(),
        "chosen": chosen.iter().filter(|name| metrics.contains(name)).collect::<Vec<_>>(),
        "cells": cells.iter().map(|cell| values(cell, &places, &metrics)).collect::<Vec<_>>(),
        "style": styles.map(|(_, own)| style(&own)).collect::<Vec<_>>(),
        "best": decider.map_or(Vec::new(), |axis| best(results, axis, &places, &chosen)),
        "claims": claims(experiment, results),
        "latency": latency(results, &cells, &places),
        "late_because": late_because(folder, results, &places)?,
        "notes": notes,
        "settings": experiment.departures(),
        "again": again(folder, manifest),
    }))
}

/// By axis: the place of each label.
type Places = Vec<BTreeMap<String, usize>>;

fn at(labels: &[String], places: &Places) -> Vec<Option<usize>> {
    labels.iter().zip(places).map(|(label, places)| places.get(label).copied()).collect()
}

/// The metrics of the page, those of the closing table first if not all fit; and how many are left
/// out.
fn metrics(results: &Results, cells: usize) -> (Vec<&'static str>, usize) {
    let all: Vec<&'static str> =
        results.study.numbers().filter(|name| results.columns.contains(name)).collect();
    let most = (MOST_NUMBERS / cells.max(1)).max(results.study.closing_table().len());
    if all.len() <= most {
        return (all, 0);
    }
    let closing = results.study.closing_table();
    let is_first = |name: &&&'static str| closing.iter().any(|(first, _)| *first == **name);
    let (mut kept, rest): (Vec<_>, Vec<_>) = all.iter().partition(is_first);
    kept.extend(rest.into_iter().take(most - kept.len()));
    let left_out = all.len() - kept.len();
    (all.iter().filter(|name| kept.contains(name)).copied().collect(), left_out)
}

fn metric(name: &str) -> Value {
    let better = match more_is_better(name) {
        Some(true) => json!("more"),
        Some(false) => json!("less"),
        None => Value::Null,
    };
    let meaning = column_named(name).map_or("", |column| column.meaning);
    json!({ "name": name, "title": axis_title(name), "meaning": meaning, "better": better })
}

/// The means of a cell with the ends of their t intervals.
fn values(cell: &Cell<'_>, places: &Places, metrics: &[&str]) -> Value {
    let value = |name: &&str| {
        let estimate = cell.estimate(name)?;
        let (least, most) = metric_shape(name).range;
        let ends = [estimate.low().max(least), estimate.high().min(most)];
        Some(match estimate.half_width {
            Some(_) => vec![estimate.mean, ends[0], ends[1]],
            None => vec![estimate.mean],
        })
    };
    json!({
        "at": at(cell.labels, places), "n": cell.rows.len(), "grows": cell.grows(),
        "values": metrics.iter().map(value).collect::<Vec<_>>(),
    })
}

fn style(own: &SeriesStyle) -> Value {
    let look = own.look();
    json!({
        "color": look.color, "dark": look.dark_color, "dash": look.dash, "marker": look.marker,
        "filled": look.filled,
    })
}

fn best(results: &Results, axis: usize, places: &Places, metrics: &[&str]) -> Vec<Value> {
    let directed = metrics.iter().filter(|name| more_is_better(name).is_some());
    let of_metric = |metric: &&str| {
        let settings = best_rows(results, axis, metric).into_iter().map(|row| {
            let mut labels = row.setting.clone();
            labels.insert(axis, row.label.clone());
            let mut setting = at(&labels, places);
            let best = setting[axis].take();
            let others = row.others.iter().map(|other| {
                let own = &other.difference;
                json!({
                    "label": places[axis].get(&own.left),
                    "difference": own.estimate.map(|e| e.mean),
                    "low": own.ends.map(|(low, _)| low), "high": own.ends.map(|(_, high)| high),
                    "p_holm": other.p_holm, "verdict": other.standing.name(),
                    "needed": other.needed,
                })
            });
            json!({
                "at": setting, "n": row.count, "best": best, "mean": row.mean,
                "others": others.collect::<Vec<_>>(),
            })
        });
        json!({ "metric": metric, "settings": settings.collect::<Vec<_>>() })
    };
    directed.map(of_metric).collect()
}

fn claims(experiment: &Experiment, results: &Results) -> Vec<Value> {
    let of = |claim: &Expectation| {
        let settings = judge(results, claim).into_iter().map(|own| {
            json!({
                "verdict": own.verdict.name(), "difference": own.difference_text(),
                "setting": own.setting,
            })
        });
        json!({
            "claim": claim.claim, "metric": claim.metric, "gate": claim.gate,
            "settings": settings.collect::<Vec<_>>(),
        })
    };
    experiment.expectations.iter().map(of).collect()
}

/// Means over replicates of the quantiles of latency.
fn latency(results: &Results, cells: &[Cell<'_>], places: &Places) -> Value {
    if results.quantiles.is_empty() {
        return Value::Null;
    }
    let of = |cell: &Cell<'_>| {
        let own = |row: &&ResultRow| results.quantiles.get(row.id());
        let runs: Vec<&Vec<f64>> = cell.rows.iter().filter_map(own).collect();
        let mean = |at: usize| runs.iter().map(|run| run[at]).sum::<f64>() / runs.len() as f64;
        let ms: Vec<f64> = (0..QUANTILES.len()).map(mean).collect();
        (!runs.is_empty()).then(|| json!({ "at": at(cell.labels, places), "ms": ms }))
    };
    let cells: Vec<Value> = cells.iter().filter_map(of).collect();
    json!({ "shares": QUANTILES.as_slice(), "cells": cells })
}

/// The late answers of a setting by cause, and the replicates that were counted.
#[derive(Default)]
struct LateCell {
    counts: Vec<f64>,
    replicates: Vec<String>,
}

/// The causes of late answers by setting, summed over replicates and applications.
fn late_because(folder: &Path, results: &Results, places: &Places) -> Result<Value, Problems> {
    let path = folder.join("late_because.csv").to_string_lossy().into_owned();
    if !source::exists(&path) {
        return Ok(Value::Null);
    }
    let table = Table::parse_any(&source::read_own(&path)?)?;
    let [cause, late, replicate] = table.columns(["cause", "late", "replicate"])?;
    let axes: Vec<usize> = results
        .axes
        .iter()
        .filter_map(|axis| table.names().position(|name| name == axis))
        .collect();
    let mut causes: Vec<String> = Vec::new();
    let mut cells: BTreeMap<Vec<Option<usize>>, LateCell> = BTreeMap::new();
    for row in table.rows() {
        let name = row.text(cause);
        let place = causes.iter().position(|own| own == name).unwrap_or_else(|| {
            causes.push(name.to_owned());
            causes.len() - 1
        });
        let labels: Vec<String> = axes.iter().map(|at| row.text(*at).to_owned()).collect();
        let LateCell { counts, replicates } = cells.entry(at(&labels, places)).or_default();
        counts.resize(counts.len().max(place + 1), 0.0);
        counts[place] += row.number(late)?;
        let own = row.text(replicate);
        if !replicates.iter().any(|known| known == own) {
            replicates.push(own.to_owned());
        }
    }
    let cells = cells.into_iter().map(|(at, LateCell { mut counts, replicates })| {
        counts.resize(causes.len(), 0.0);
        let sum: f64 = counts.iter().sum();
        let share = |count: &f64| if sum > 0.0 { count / sum } else { 0.0 };
        let shares: Vec<f64> = counts.iter().map(share).collect();
        json!({ "at": at, "late": sum / replicates.len() as f64, "shares": shares })
    });
    Ok(json!({ "causes": causes, "cells": cells.collect::<Vec<_>>() }))
}

/// What was simulated, in a few lines.
fn setup(experiment: &Experiment, results: &Results) -> Vec<[String; 2]> {
    let text = |key: &str| match &experiment.base.get(key)?.value {
        _ if experiment.varies(key) => None,
        // What an axis replaces says nothing about the runs.
        Setting::Table(entries) => {
            let own = entries.iter().filter(|(own, _)| !experiment.varies(&format!("{key}.{own}")));
            let own = own.map(|(own, node)| format!("{own} = {}", node.canonical()));
            Some(own.collect::<Vec<_>>().join(", "))
        }
        _ => experiment.base.get(key).map(ConfigNode::canonical),
    };
    let mut lines = vec![
        [results.study.samples().to_owned(), experiment.replicates.to_string()],
        ["seed".to_owned(), experiment.seed.to_string()],
    ];
    if results.study == Study::Scheduling {
        lines.insert(0, ["runs".to_owned(), results.rows.len().to_string()]);
    } else {
        lines[0] = ["rows".to_owned(), results.rows.len().to_string()];
    }
    let keys = ["apps", "workers", "workload", "penalty", "data", "devices"];
    lines.extend(keys.iter().filter_map(|key| Some([(*key).to_owned(), text(key)?])));
    lines
}

/// How to make the results again.
fn again(folder: &Path, manifest: &Manifest) -> Map<String, Value> {
    let shown = folder.display().to_string();
    let quoted =
        shlex::try_quote(&shown).map_or_else(|_| shown.clone(), std::borrow::Cow::into_owned);
    let mut commands = Vec::new();
    // The file may have changed since, or options may have changed its settings.
    let path = &manifest.experiment.path;
    let is_same = Experiment::load(path, &[])
        .is_ok_and(|own| own.resolved.canonical() == manifest.experiment.resolved.canonical());
    if is_same && let Ok(path) = shlex::try_quote(path) {
        commands.push(format!("peeksim sweep {path}"));
    }
    commands.push(format!("peeksim verify {quoted}"));
    commands.push(format!("peeksim report {quoted}"));
    let inputs: Vec<[&String; 2]> =
        manifest.inputs.iter().map(|(path, hash)| [path, hash]).collect();
    let all = json!({ "commands": commands, "build": manifest.build, "inputs": inputs });
    all.as_object().cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_end_its_script() {
        let text = inside_script(&json!({ "a": "</script><!--&\u{2028}" }).to_string());
        assert_eq!(text, r#"{"a":"\u003c/script\u003e\u003c!--\u0026\u2028"}"#);
        let back: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(back["a"], "</script><!--&\u{2028}");
    }
}
