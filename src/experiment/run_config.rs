//! The settings of a run: `[base]` with one value of each axis, decoded and checked.

use super::arrivals;
use super::by_app::by_app;
use super::faults;
use super::input_cache::InputCache;
use super::settings::{BASE, BOUNDS, LOAD_TIMES, OVERHEAD, PAYLOAD_BYTES};
use super::warmup::Warmup;
use super::{classifiers, workers};
use crate::classifier::model::{Classifier, ClassifierHost, ShortCircuit};
use crate::config::note::Note;
use crate::config::{ConfigNode, Decoder, Problem, Problems, Value, decode};
use crate::contract::AccuracySource;
use crate::core::ids::AppId;
use crate::core::rng::Rng;
use crate::core::units::Span;
use crate::scheduler::{self, BuildContext};
use crate::system::catalog::{AppSpec, Catalog, DecisionOverhead, OutcomeModel, SystemSpec};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::LatencyFit;
use crate::system::penalty::Penalty;
use crate::workload::{SharedByReplicates, SourceSplit, WorkloadSpec};
use std::sync::Arc;

/// A configuration ready to run.
#[derive(Clone, Debug)]
pub struct RunConfig {
    /// The tables.
    pub catalog: Arc<Catalog>,
    /// What is true beyond the tables.
    pub truth: Arc<GroundTruth>,
    /// The arrivals.
    pub arrivals: WorkloadSpec,
    /// The scheduler, as written; made anew for each run.
    pub scheduler: ConfigNode,
    /// The scheduler's name.
    pub scheduler_name: &'static str,
    /// What the scheduler may know.
    pub info: AccuracySource,
    notes: Vec<Note>,
    /// Whether to bound the utility that any scheduler could reach.
    pub bound: bool,
    /// What of the beginning of a run does not count.
    pub warmup: Warmup,
}

impl RunConfig {
    /// Decodes a configuration and checks that a run of it can start.
    pub fn read(node: &ConfigNode, inputs: &mut InputCache) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let mut read = Decoder::new(node, &BASE, &mut problems);
        let mut setup = read_setup(&mut read, inputs);
        let bound = read_bound(&mut read, setup.noise_cv, &setup.apps);
        let workload = read.require("workload", "a table: { arrivals, rate_rps, requests }");
        let scheduler = read.require("scheduler", "the name of a scheduler").cloned();
        let arrivals = workload.and_then(|w| arrivals::read(w, &setup, inputs, read.problems()));
        let requests = arrivals.as_ref().map_or(u64::MAX, |arrivals| arrivals.requests);
        let warmup = Warmup::take(&mut read, requests, bound);
        read.finish();
        let (Some(arrivals), Some(scheduler)) = (arrivals, scheduler) else { return Err(problems) };
        if !problems.is_empty() {
            return Err(problems);
        }
        setup.sources = arrivals.sources;
        let truth = Arc::new(GroundTruth::build(&setup)?);
        let catalog = Arc::clone(truth.catalog());
        let rng = Rng::new(0, 0);
        let context = BuildContext { catalog: &catalog, rng };
        let mut placed = scheduler.clone();
        if let Some(ConfigNode { value: Value::Text(path), .. }) = placed.get_mut("policy") {
            inputs.note(path);
            *path = inputs.locate(path);
        }
        let chosen = scheduler::read(&placed, &context, &mut problems);
        match arrivals.build(&truth, rng) {
            Ok(built) if bound && built.observes_completions() => {
                let place = arrivals.place.clone().field("workload.arrivals");
                let found = "bound = \"fluid\" with a closed loop";
                let expected = "arrivals that do not depend on answers";
                problems.push(Problem::new(place, found, expected));
            }
            Ok(_) => {}
            Err(more) => problems.extend(more),
        }
        if chosen.as_ref().is_some_and(|chosen| chosen.info == AccuracySource::Posterior) {
            Arc::clone(&catalog).check_peeks(&setup, &mut problems);
        }
        let mut notes = catalog.notes().to_vec();
        notes.extend(note_window(&scheduler, &catalog));
        if chosen.as_ref().is_some_and(|chosen| chosen.info == AccuracySource::Posterior) {
            notes.extend(note_looks(&setup, &catalog));
        }
        if let Some(chosen) = &chosen {
            notes.extend(note_policy(&scheduler, chosen.entry.name));
            notes.extend(note_batches(&scheduler, chosen.entry, &catalog));
        }
        let prepared = chosen.map(|chosen| Self {
            notes,
            catalog,
            truth,
            arrivals,
            scheduler: placed,
            scheduler_name: chosen.entry.name,
            info: chosen.info,
            bound,
            warmup,
        });
        problems.check(prepared)
    }

    /// What a user should know about the replicates of this configuration.
    pub fn repeats(&self) -> Option<String> {
        let same = match self.arrivals.repeats(&self.truth) {
            SharedByReplicates::Nothing => return None,
            SharedByReplicates::Times => "arrives at the same instants",
            SharedByReplicates::Requests => "has the same requests at the same instants",
        };
        Some(format!(
            "every replicate {same}: what does not vary over replicates has no interval and no \
             p-value, and decides no claim; of a file, or an exact replay, `workload.resample_s` \
             draws blocks"
        ))
    }

    /// What a user should know about this configuration.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// What the catalog is made of.
fn read_setup(read: &mut Decoder<'_>, inputs: &mut InputCache) -> SystemSpec {
    let apps = read_apps(read, inputs);
    let workers = workers::read(read, &apps, inputs);
    let penalty = match read.take("penalty") {
        Some(node) => Penalty::read(node, read.problems()),
        None => Penalty::sigmoid(),
    };
    let outcome = read.choice("outcome", &OutcomeModel::ALL);
    let cold_loads = read.choice("load_times", &LOAD_TIMES);
    let latency_fit = read.choice("latency_fit", &LatencyFit::ALL);
    let batch_scaling = read.optional_number("batch_scaling");
    SystemSpec {
        apps,
        workers,
        penalty,
        outcome,
        sources: SourceSplit::All,
        cold_loads,
        latency_fit,
        batch_scaling,
        noise_cv: read.number("noise_cv"),
        stalls: faults::read_stalls(read),
        belief_error: faults::read_belief_error(read),
        outcome_correlation: read.number("outcome_correlation"),
        overhead: read_overhead(read),
    }
}

/// Looks whose time nobody measured or gave take none.
fn note_looks(setup: &SystemSpec, catalog: &Catalog) -> Option<Note> {
    let free = |app: &AppId| {
        let AppSpec { profile, peek, .. } = &setup.apps[app.index()];
        let timed = peek.latency.is_some() || profile.peek.is_some();
        !timed && peek.runs_on != ClassifierHost::Free && catalog.has_evidence(*app)
    };
    let apps = catalog.app_ids().filter(free).map(|app| catalog.app(app).name.as_str());
    let apps: Vec<&str> = apps.collect();
    (!apps.is_empty()).then(|| {
        let list = apps.join(", ");
        let text = format!("looks take no time without peek.csv or peek.latency_ms: {list}");
        Note::new("peek", text)
    })
}

/// Without a policy there is nothing that was learned.
fn note_policy(scheduler: &ConfigNode, name: &str) -> Option<Note> {
    let blank = name == "tmo-rl" && scheduler.get("policy").is_none();
    let text = format!("{name} without `policy` takes the first variant of each application");
    blank.then(|| Note::new("policy", text))
}

/// Two limits of batches: the scheduler's, unless it was given, and that of the tables.
fn note_batches(
    scheduler: &ConfigNode,
    entry: &scheduler::SchedulerEntry,
    catalog: &Catalog,
) -> Option<Note> {
    let given = scheduler.get("max_batch").map(ConfigNode::cell);
    let most = given.as_ref().map_or(Some(scheduler::MAX_BATCH), |text| text.parse().ok())?;
    let is_set = |key: &str| scheduler.get(key).map(ConfigNode::cell);
    // A planner whose batches are not merged makes them of one request each.
    let has = |key: &str| entry.settings.iter().any(|list| list.iter().any(|s| s.key == key));
    let merges = !has("merge_adjacent")
        || is_set("merge_adjacent").as_deref() == Some("true")
        || is_set("mode").as_deref() == Some("dispatch");
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

/// Who waits for a window has that much less of its budget left.
fn note_window(scheduler: &ConfigNode, catalog: &Catalog) -> Option<Note> {
    let node = scheduler.get("window_ms")?;
    let window = Span::from_ms(decode::number(node, &(0.0..=1e9), &mut Problems::default())?);
    let budget = |app: &AppId| catalog.app(*app).budget.low();
    let app = catalog.app_ids().min_by_key(budget)?;
    (window.0 > budget(&app).0 / 2).then(|| {
        let (name, low) = (&catalog.app(app).name, budget(&app).as_ms());
        let window = window.as_ms();
        let text =
            format!("window_ms = {window} is more than half of the budget of {name}, {low} ms");
        Note::new("window_ms", text)
    })
}

/// A bound holds for the service times of the tables, and where variants give all answers.
fn read_bound(read: &mut Decoder<'_>, noise_cv: f64, apps: &[AppSpec]) -> bool {
    let Some(node) = read.take("bound") else { return false };
    let fluid = decode::choice(node, &BOUNDS, read.problems());
    let bound = fluid.unwrap_or(false);
    if bound && noise_cv > 0.0 {
        let found = format!("bound = \"fluid\" with noise_cv = {noise_cv}");
        read.problems().push(Problem::new(node.place.clone(), found, "noise_cv = 0"));
    }
    if bound && apps.iter().any(|app| app.peek.short_circuit != ShortCircuit::Never) {
        let found = "bound = \"fluid\" with short_circuit";
        read.problems().push(Problem::new(node.place.clone(), found, "one of them"));
    }
    bound
}

fn read_apps(read: &mut Decoder<'_>, inputs: &mut InputCache) -> Vec<AppSpec> {
    let profiles = read.text("profiles");
    let traces = read.text("traces");
    let names = read.require("apps", "the list of applications, folders of profiles/");
    let (budgets, variants, looks) =
        (read.take("budget_ms"), read.take("variants"), read.take("peek"));
    let payloads = read.take("payload_bytes");
    let Some(names) = names else { return Vec::new() };
    let mut apps: Vec<AppSpec> = Vec::new();
    let items = decode::array(names, read.problems());
    for name in items {
        let Some(text) = decode::text(name, read.problems()) else { continue };
        if text.is_empty() || text.starts_with('.') || text.contains(['/', '\\']) {
            let expected = format!("the name of a folder of {profiles}/");
            read.problems().push(decode::mismatch(name, expected));
            continue;
        }
        if apps.iter().any(|app| app.profile.name == text) {
            let found = format!("`{text}` twice");
            read.problems().push(Problem::new(name.place.clone(), found, "each once"));
            continue;
        }
        match inputs.profile(&format!("{profiles}/{text}")) {
            Ok(profile) => {
                let trace = match inputs.trace(&profiles, &traces, &profile) {
                    Some(Ok(trace)) => Some(trace),
                    Some(Err(more)) => {
                        read.problems().extend(more);
                        None
                    }
                    None => None,
                };
                apps.push(AppSpec {
                    profile,
                    trace,
                    budget: None,
                    variants: Vec::new(),
                    peek: Classifier::default(),
                    payload_bytes: 0,
                });
            }
            Err(more) => unknown_app(name, text, &profiles, more, read.problems()),
        }
    }
    if matches!(&names.value, Value::Array(items) if items.is_empty()) {
        let expected = "at least one application";
        read.problems().push(Problem::new(names.place.clone(), "no application", expected));
    }
    if let Some(node) = budgets {
        if matches!(&node.value, Value::Table(_)) && !DeadlineBudget::is_distribution(node) {
            by_app(node, &mut apps, read.problems(), |app, node, problems| {
                app.budget = DeadlineBudget::read(node, problems);
            });
        } else {
            let budget = DeadlineBudget::read(node, read.problems());
            apps.iter_mut().for_each(|app| app.budget.clone_from(&budget));
        }
    }
    if let Some(node) = payloads {
        read_payloads(node, &mut apps, read.problems());
    }
    if let Some(node) = variants {
        by_app(node, &mut apps, read.problems(), |app, node, problems| {
            app.variants = read_variants(node, &app.profile.variant_names(), problems);
        });
    }
    if let Some(node) = looks {
        classifiers::read(node, &mut apps, read.problems());
    }
    apps
}

/// Bytes for all applications, or by application.
fn read_payloads(node: &ConfigNode, apps: &mut [AppSpec], problems: &mut Problems) {
    let one = |app: &mut AppSpec, node: &ConfigNode, problems: &mut Problems| {
        app.payload_bytes = decode::integer(node, &PAYLOAD_BYTES, problems).unwrap_or(0);
    };
    if matches!(&node.value, Value::Table(_)) {
        by_app(node, apps, problems, one);
    } else {
        apps.iter_mut().for_each(|app| one(app, node, problems));
    }
}

/// The variants to keep.
fn read_variants(node: &ConfigNode, known: &[String], problems: &mut Problems) -> Vec<String> {
    let items = decode::array(node, problems);
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        problems.push(Problem::new(node.place.clone(), "no variant", "at least one"));
    }
    let mut kept = Vec::new();
    for item in items {
        let Some(name) = decode::text(item, problems) else { continue };
        if !known.iter().any(|variant| variant == name) {
            let known = known.iter().map(String::as_str);
            problems.push(Problem::unknown(item.place.clone(), "variant", name, known));
        }
        kept.push(name.to_owned());
    }
    kept
}

/// A name without a folder is a slip of the pen; a folder with problems has its own messages.
fn unknown_app(
    node: &ConfigNode,
    name: &str,
    folder: &str,
    found: Problems,
    problems: &mut Problems,
) {
    let path = format!("{folder}/{name}/app.toml");
    if crate::config::source::exists(&path) {
        problems.extend(found);
        return;
    }
    let shipped = crate::config::source::embedded_paths("/app.toml");
    let known = shipped
        .iter()
        .filter_map(|p| p.strip_prefix("profiles/"))
        .filter_map(|p| p.strip_suffix("/app.toml"));
    let mut problem = Problem::unknown(node.place.clone(), "application", name, known);
    problem.expected = format!("a folder {folder}/{name} with app.toml, or {}", problem.expected);
    problems.push(problem);
}

/// A number of milliseconds for every plan, or `{ constant, per_request }`.
fn read_overhead(read: &mut Decoder<'_>) -> DecisionOverhead {
    let Some(node) = read.take("overhead_ms") else { return DecisionOverhead::default() };
    if !matches!(node.value, Value::Table(_)) {
        let constant = read.number_at("overhead_ms", node).unwrap_or(0.0);
        return DecisionOverhead { constant: Span::from_ms(constant), per_request: Span::ZERO };
    }
    let mut parts = Decoder::new(node, &OVERHEAD, read.problems());
    let overhead = DecisionOverhead {
        constant: Span::from_ms(parts.number("constant")),
        per_request: Span::from_ms(parts.number("per_request")),
    };
    parts.finish();
    overhead
}
