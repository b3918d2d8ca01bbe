//! `peeksim inspect --gantt`: what workers did in an excerpt of a run, as a picture.

use super::{CliError, setting, wrong};
use crate::config::Problem;
use crate::core::ids::WorkerId;
use crate::core::units::{Span, Time};
use crate::experiment::{RunSpec, Sweep, simulate};
use crate::inspection::{Occupation, Record, Work};
use crate::output::atomic;
use crate::report::figure::{GanttBar, GanttChart, GanttKind};
use crate::system::catalog::Catalog;
use std::path::Path;

/// Bars of an excerpt whose end is not given.
const BARS: usize = 60;

/// Refuses formats that are not drawn.
pub(super) fn check_format(path: &Path) -> Result<(), Problem> {
    let known =
        ["svg", "png", "pdf"].iter().any(|known| path.extension().is_some_and(|e| e == *known));
    let found = || format!("`{}`", path.display());
    if known {
        Ok(())
    } else {
        Err(wrong("--gantt", found(), "a file that ends in .svg, .png or .pdf"))
    }
}

/// Draws the run from `from` until `until`, or as long as some dozens of bars.
pub(super) fn write(
    sweep: &Sweep,
    spec: RunSpec,
    path: &Path,
    (from, until): (Span, Option<Span>),
) -> Result<(), CliError> {
    let config = &sweep.scheduling()?[spec.configuration];
    let mut record = Record::new(&config.catalog, &[]);
    simulate(config, sweep.rng(spec), &mut record).map_err(CliError::Failed)?;
    let mut all = record.occupations;
    all.sort_by_key(|own| (own.start, own.worker, own.lane));
    let from = Time::ZERO + from;
    let later: Vec<Occupation> = all.into_iter().filter(|own| own.end > from).collect();
    let last = later.get(BARS).or(later.last()).map_or(from, |own| own.start.max(from));
    let until = until.map_or(last + Span(1), |until| Time::ZERO + until);
    if until <= from {
        let found = format!("{} s, which is not before {} s", from.as_s(), until.as_s());
        return Err(wrong("--from", found, "a time before `--until`").into());
    }
    if later.iter().all(|own| own.start >= until) {
        let found = format!("{} s to {} s, in which no worker is busy", from.as_s(), until.as_s());
        return Err(wrong("--from, --until", found, "a time of the run").into());
    }
    let title = format!("run {}: {}", sweep.run_id(spec), setting(sweep, spec));
    let chart = chart(&config.catalog, &later, (from, until), title);
    let failed = |error: crate::report::figure::DrawError| CliError::Failed(error.to_string());
    let bytes = match path.extension().and_then(|ending| ending.to_str()) {
        Some("png") => chart.png().map_err(failed)?,
        Some("pdf") => chart.pdf().map_err(failed)?,
        _ => chart.svg().map_err(failed)?.into_bytes(),
    };
    Ok(atomic::write(path, &bytes)?)
}

fn chart(
    catalog: &Catalog,
    occupations: &[Occupation],
    (from, until): (Time, Time),
    title: String,
) -> GanttChart {
    // A row for each lane up to the last that is used; loads and outages take all lanes.
    let shown: Vec<&Occupation> = occupations.iter().filter(|own| own.start < until).collect();
    let used = |worker: WorkerId| {
        let own = shown.iter().filter(move |own| own.worker == worker);
        own.filter_map(|own| own.lane).max().map_or(1, |last| last + 1)
    };
    let used: Vec<usize> = catalog.worker_ids().map(used).collect();
    let lanes = |worker: WorkerId| used[worker.index()];
    let first =
        |worker: WorkerId| -> usize { catalog.worker_ids().take(worker.index()).map(lanes).sum() };
    let rows = catalog.worker_ids().flat_map(|worker| {
        let name = catalog.worker(worker).name.clone();
        (0..lanes(worker)).map(move |lane| match lane {
            0 => name.clone(),
            lane => format!("lane {lane}"),
        })
    });
    let bars = shown.iter().flat_map(|own| {
        let rows = match own.lane {
            Some(lane) => lane..lane + 1,
            None => 0..lanes(own.worker),
        };
        rows.map(|lane| bar(catalog, own, first(own.worker) + lane))
    });
    GanttChart {
        title,
        note: "A bar is a batch, with its variant and its size, the load of a variant, a batch of \
               peeks, or an outage. Pale: lost."
            .to_owned(),
        x_label: "time (ms)".to_owned(),
        ends: (from.as_s() * 1e3, until.as_s() * 1e3),
        rows: rows.collect(),
        apps: catalog.app_ids().map(|app| catalog.app(app).name.clone()).collect(),
        bars: bars.collect(),
    }
}

fn bar(catalog: &Catalog, own: &Occupation, row: usize) -> GanttBar {
    let variant = own.variant.map(|id| catalog.variant(id));
    let name = variant.map_or("", |variant| variant.name.as_str());
    let app = variant.map_or(0, |variant| variant.app.index());
    let (kind, text) = match own.work {
        Work::Batch(_, size) => (GanttKind::Batch(app), format!("{name} ×{size}")),
        Work::Peek(size) => (GanttKind::Peek, format!("×{size}")),
        Work::Load => (GanttKind::Load, name.to_owned()),
        Work::Outage => (GanttKind::Outage, String::new()),
    };
    let ms = |time: Time| time.as_s() * 1e3;
    let (start, end, is_lost) = (ms(own.start), ms(own.end), own.is_lost);
    GanttBar { row, start, end, kind, text, is_lost }
}
