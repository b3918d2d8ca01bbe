//! Notes on what becomes of measured tables.

use super::{AppSpec, SystemSpec};
use crate::config::note::Note;
use crate::system::latency::{FitChange, LatencyPoints};

/// Larger relative changes are counted apart.
const LARGE: f64 = 0.1;

/// A latency that the fit changes.
struct Cell<'a> {
    app: &'a str,
    table: String,
    moved: FitChange,
}

/// The measured tables of an application: their names, points, and largest batches that count.
fn tables<'a>(
    spec: &SystemSpec,
    app: &'a AppSpec,
) -> impl Iterator<Item = (String, &'a LatencyPoints, u64)> {
    // Scaling replaces all but batch 1.
    let largest = if spec.batch_scaling.is_some() { 1 } else { u64::MAX };
    let of_variants = app.profile.variants.iter().flat_map(move |variant| {
        let table = |class: &str| format!("`{}` on {class}", variant.name);
        variant.costs.iter().map(move |c| (table(&c.worker_class), &c.latency, largest))
    });
    let peek = app.profile.peek.iter().map(|peek| ("peek.csv".to_owned(), peek, u64::MAX));
    of_variants.chain(peek)
}

/// A note on latencies that the fit changes.
pub(super) fn fit(spec: &SystemSpec) -> Option<Note> {
    let fit = spec.latency_fit;
    let (mut cells, mut all, mut by_app) = (Vec::new(), 0, Vec::new());
    for app in &spec.apps {
        let (name, before) = (app.profile.name.as_str(), cells.len());
        for (table, points, largest) in tables(spec, app) {
            all += points.points().iter().filter(|point| point.batch <= largest).count();
            let moved = points.moved(fit).filter(|moved| moved.batch <= largest);
            cells.extend(moved.map(|moved| Cell { app: name, table: table.clone(), moved }));
        }
        if cells.len() > before {
            by_app.push(format!("{name} {}", cells.len() - before));
        }
    }
    let change = |cell: &Cell<'_>| cell.moved.ratio().abs();
    let Cell { app, table, moved } = cells.iter().max_by(|a, b| change(a).total_cmp(&change(b)))?;
    let large = cells.iter().filter(|cell| change(cell) > LARGE).count();
    let text = format!(
        "latency_fit = {} changes {} of {all} measured latencies ({}), {large} of them by \
         more than 10 %; most of all {app}, {table}, batch {}: {} to {} ms ({:+.0} %)",
        fit.name(),
        cells.len(),
        by_app.join(", "),
        moved.batch,
        moved.from.as_ms(),
        moved.to.as_ms(),
        100.0 * moved.ratio(),
    );
    // One note per fit.
    Some(Note::new(fit.name(), text))
}

/// A note on variants without a cold load time although loads come from storage.
pub(super) fn cold(spec: &SystemSpec) -> Option<Note> {
    let mut warm = Vec::new();
    for app in spec.apps.iter().filter(|_| spec.cold_loads) {
        for variant in &app.profile.variants {
            let lacks = variant.costs.iter().any(|cost| cost.load_cold.is_none());
            warm.extend(lacks.then(|| format!("{} {}", app.profile.name, variant.name)));
        }
    }
    let list = warm.join(", ");
    let text =
        format!("load_times = cold: no cold load time was measured, the warm one is taken: {list}");
    (!warm.is_empty()).then(|| Note::new("load", text))
}
