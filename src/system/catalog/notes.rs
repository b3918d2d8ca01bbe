//! What a user should know about what is made of measured tables.

use super::SystemSpec;
use crate::config::note::Note;
use crate::system::latency::{FitChange, LatencyPoints};

/// A change by more than this share of what was measured is counted apart.
const LARGE: f64 = 0.1;

/// A latency that the fit changes, with the table it stands in.
struct Cell<'a> {
    app: &'a str,
    table: String,
    moved: FitChange,
}

/// Says in one sentence what the fit of latencies changes.
pub(super) fn fit(setup: &SystemSpec) -> Option<Note> {
    let fit = setup.latency_fit;
    let (mut cells, mut all) = (Vec::new(), 0);
    for app in &setup.apps {
        let mut take = |table: String, points: &LatencyPoints, most: u64| {
            let within = |batch: u64| batch <= most;
            all += points.points().iter().filter(|point| within(point.batch)).count();
            let moved = points.moved(fit).filter(|moved| within(moved.batch));
            let cell = |moved| Cell { app: &app.profile.name, table: table.clone(), moved };
            cells.extend(moved.map(cell));
        };
        for variant in &app.profile.variants {
            for cost in &variant.costs {
                let table = format!("`{}` on {}", variant.name, cost.worker_class);
                // A growth takes the place of all but batch 1.
                take(
                    table,
                    &cost.latency,
                    if setup.batch_scaling.is_some() { 1 } else { u64::MAX },
                );
            }
        }
        if let Some(peek) = &app.profile.peek {
            take("peek.csv".to_owned(), peek, u64::MAX);
        }
    }
    let most = cells.iter().max_by(|a, b| change(a).total_cmp(&change(b)))?;
    let by_app = setup.apps.iter().map(|app| app.profile.name.as_str());
    let by_app = by_app.map(|name| (name, cells.iter().filter(|cell| cell.app == name).count()));
    let by_app: Vec<String> =
        by_app.filter(|(_, count)| *count > 0).map(|(name, n)| format!("{name} {n}")).collect();
    let large = cells.iter().filter(|cell| change(cell) > LARGE).count();
    let (Cell { app, table, moved }, count) = (most, cells.len());
    let text = format!(
        "latency_fit = {} changes {count} of {all} measured latencies ({}), {large} of them by \
         more than 10 %; most of all {app}, {table}, batch {}: {} to {} ms ({:+.0} %)",
        fit.name(),
        by_app.join(", "),
        moved.batch,
        moved.from.as_ms(),
        moved.to.as_ms(),
        100.0 * moved.ratio(),
    );
    // Fits are few, and each is a choice of its own.
    Some(Note::new(fit.name(), text))
}

/// How much a latency changes, up or down.
fn change(cell: &Cell<'_>) -> f64 {
    cell.moved.ratio().abs()
}

/// Says which variants have no cold load time although loads come from storage.
pub(super) fn cold(setup: &SystemSpec) -> Option<Note> {
    let mut warm = Vec::new();
    for app in setup.apps.iter().filter(|_| setup.cold_loads) {
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
