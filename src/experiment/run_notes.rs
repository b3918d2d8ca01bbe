//! What a user should know about the settings of a run although nothing is wrong.

use crate::classifier::model::ClassifierHost;
use crate::config::note::Note;
use crate::config::{ConfigNode, Problems, decode};
use crate::contract::AccuracySource;
use crate::core::ids::AppId;
use crate::core::units::Span;
use crate::scheduler::{BuiltScheduler, MAX_BATCH, SchedulerEntry};
use crate::system::catalog::{AppSpec, Catalog, SystemSpec};

/// The notes of a run with this scheduler, whose settings are `node`.
pub(super) fn notes(
    node: &ConfigNode,
    scheduler: &BuiltScheduler,
    system: &SystemSpec,
    catalog: &Catalog,
) -> Vec<Note> {
    let posterior = scheduler.info == AccuracySource::Posterior;
    let own = [
        window(node, catalog),
        if posterior { peeks(system, catalog) } else { None },
        policy(node, scheduler.entry.name),
        batches(node, scheduler.entry, catalog),
    ];
    catalog.notes().iter().cloned().chain(own.into_iter().flatten()).collect()
}

/// Peeks whose time was neither measured nor given take none.
fn peeks(system: &SystemSpec, catalog: &Catalog) -> Option<Note> {
    let free = |app: &AppId| {
        let AppSpec { profile, peek, .. } = &system.apps[app.index()];
        let timed = peek.latency.is_some() || profile.peek.is_some();
        !timed && peek.runs_on != ClassifierHost::Free && catalog.has_evidence(*app)
    };
    let apps = catalog.app_ids().filter(free).map(|app| catalog.app(app).name.as_str());
    let apps = apps.collect::<Vec<_>>().join(", ");
    let text = format!("peeks take no time without peek.csv or peek.latency_ms: {apps}");
    (!apps.is_empty()).then(|| Note::new("peek", text))
}

/// Without a policy nothing was learned.
fn policy(scheduler: &ConfigNode, name: &str) -> Option<Note> {
    let blank = name == "tmo-rl" && scheduler.get("policy").is_none();
    let text = format!("{name} without `policy` takes the first variant of each application");
    blank.then(|| Note::new("policy", text))
}

/// Batches are limited by the scheduler and by the profiles.
fn batches(scheduler: &ConfigNode, entry: &SchedulerEntry, catalog: &Catalog) -> Option<Note> {
    let value = |key: &str| scheduler.get(key).map(ConfigNode::cell);
    let given = value("max_batch");
    let most = given.as_ref().map_or(Some(MAX_BATCH), |text| text.parse().ok())?;
    // A planner whose batches are not merged makes them of one request each.
    let has = |key: &str| entry.settings.iter().any(|list| list.iter().any(|s| s.key == key));
    let merges = !has("merge_adjacent")
        || value("merge_adjacent").as_deref() == Some("true")
        || value("mode").as_deref() == Some("dispatch");
    if !has("max_batch") || !merges {
        return None;
    }
    let largest = |app: AppId| {
        let sizes = catalog.variants_of(app).flat_map(|variant| {
            catalog.worker_ids().map(move |worker| catalog.max_batch(worker, variant) as u64)
        });
        sizes.max().unwrap_or(0)
    };
    let app = catalog.app_ids().max_by_key(|app| largest(*app))?;
    let (name, profiled) = (&catalog.app(app).name, largest(app));
    let text = match given {
        None if profiled > most => format!(
            "batches have {most} requests at most unless `max_batch` says otherwise; the profiles \
             have larger ones, up to {profiled} ({name})"
        ),
        Some(_) if profiled < most => format!(
            "max_batch = {most} changes nothing beyond {profiled}, the largest batch of the \
             profiles ({name})"
        ),
        _ => return None,
    };
    Some(Note::new("max_batch", text))
}

/// The time until the next window is lost from the budget of a request.
fn window(scheduler: &ConfigNode, catalog: &Catalog) -> Option<Note> {
    let node = scheduler.get("window_ms")?;
    let window = Span::from_ms(decode::number(node, &(0.0..=1e9), &mut Problems::default())?);
    let app = catalog.app_ids().map(|app| catalog.app(app)).min_by_key(|app| app.budget.low())?;
    let low = app.budget.low();
    let (name, window_ms, low_ms) = (&app.name, window.as_ms(), low.as_ms());
    let text =
        format!("window_ms = {window_ms} is more than half of the budget of {name}, {low_ms} ms");
    (window.0 > low.0 / 2).then(|| Note::new("window_ms", text))
}
