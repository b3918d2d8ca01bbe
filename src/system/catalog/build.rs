//! Builds a catalog from a specification, and reports parts that do not fit together.

use super::{
    App, AppSpec, Catalog, ClassCost, Execution, OutcomeModel, SystemSpec, Variant, Worker,
    WorkerSpec,
};
use crate::classifier::model::{Classifier, ClassifierHost, Prior, ShortCircuit};
use crate::classifier::posterior::expected_accuracy;
use crate::config::note::Note;
use crate::config::{Location, Problem, Problems};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::rng::name_key;
use crate::core::units::Span;
use crate::system::correlated_outcomes;
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::device::{HostTimes, Power};
use crate::system::latency::LatencyTable;
use crate::system::lru_memory::SharedWeights;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use crate::system::spec::lists;
use crate::system::truths::{CostTruth, VariantTruth};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

impl Catalog {
    /// Notes outcomes that are drawn although the specification asks for recorded ones.
    pub(super) fn note_drawn(&mut self, spec: &SystemSpec, truths: &[VariantTruth]) {
        let mut on_workers = self.app_ids().flat_map(|app| self.variants_of(app));
        let all_recorded = on_workers.all(|variant| truths[variant.index()].recorded.is_some());
        if spec.outcome_correlation > 0.0 && all_recorded {
            let note = "outcome_correlation changes nothing: every outcome is recorded";
            self.notes.push(Note::new("outcome_correlation", note));
        }
        let is_drawn = |variant: &VariantId| self.variant(*variant).outcome != spec.outcome;
        let drawn = self.lists_of(is_drawn);
        if !drawn.is_empty() {
            let text = format!("nothing is recorded and outcomes are drawn of {drawn}");
            self.notes.push(Note::new("outcome", text));
        }
    }

    /// The names of some variants by application: `app (one, other); …`.
    fn lists_of(&self, filter: impl Fn(&VariantId) -> bool) -> String {
        let lists = self.app_ids().filter_map(|app| {
            let names = self.names(self.variants_of(app).filter(&filter));
            (!names.is_empty()).then(|| format!("{} ({names})", self.app(app).name))
        });
        lists.collect::<Vec<_>>().join("; ")
    }

    fn names(&self, variants: impl Iterator<Item = VariantId>) -> String {
        variants.map(|v| self.variant(v).name.as_str()).collect::<Vec<_>>().join(", ")
    }

    /// Fills in what follows for workers from the costs of variants on them.
    pub(super) fn fill_devices(&mut self, spec: &SystemSpec, problems: &mut Problems) {
        let places = spec
            .workers
            .iter()
            .flat_map(|worker| std::iter::repeat_n(&worker.place, usize::from(worker.count)));
        for (at, place) in places.enumerate().take(self.workers.len()) {
            let worker = WorkerId(at as u16);
            let own = self.variant_ids().filter_map(|variant| self.cost(worker, variant));
            let (mut host, mut idle_w, mut has_power) = ([false; 2], None, false);
            for cost in own {
                host[0] |= cost.host.before > Span::ZERO;
                host[1] |= cost.host.after > Span::ZERO || cost.host.delay > Span::ZERO;
                idle_w = idle_w.or(cost.power.idle_w);
                has_power |= cost.power.busy_w.or(cost.power.host_w).is_some();
            }
            self.devices.host |= host != [false; 2];
            self.devices.power |= has_power;
            let worker = &mut self.workers[at];
            worker.host = host;
            worker.idle_w = worker.idle_w.or(idle_w);
            if host[0] && worker.link.is_some() {
                let found = format!("a link to class `{}`, which has host_before_ms", worker.class);
                let expected = "a link, or a class without host_before_ms in device.csv";
                problems.push(Problem::new(place.clone(), found, expected));
            }
        }
    }

    /// Resolves deadline budgets that are proportional to the shortest latency of a lone request on
    /// any worker, with the variant that is named or the most accurate that can run.
    pub(super) fn resolve_budgets(&mut self, spec: &SystemSpec, problems: &mut Problems) {
        for (id, app) in self.app_ids().zip(&spec.apps) {
            let lone = |name: Option<&str>| self.shortest_lone(id, name);
            let budget = app.budget.as_ref().unwrap_or(&app.profile.budget);
            match budget.resolve(&lone) {
                Ok(budget) => self.apps[id.index()].budget = budget,
                Err(problem) => problems.push(problem),
            }
        }
    }

    fn shortest_lone(&self, app: AppId, name: Option<&str>) -> Result<Span, Problem> {
        let shortest = |v: VariantId| self.worker_ids().filter_map(|w| self.lone(w, v)).min();
        let is_named = |v: &VariantId| name.is_none_or(|name| self.variant(*v).name == name);
        let runs = self.variants_of(app).filter(is_named);
        let runs = runs.filter_map(|v| Some((self.variant(v).accuracy, shortest(v)?)));
        // Of equally accurate variants the first.
        let best = runs.reduce(|best, other| if other.0 > best.0 { other } else { best });
        best.map(|(_, span)| span).ok_or_else(|| {
            let place = Location::file(&format!("budget_ms of `{}`", self.app(app).name));
            let named = name.unwrap_or("the most accurate variant");
            let known = self.names(self.variants_of(app).filter(|v| shortest(*v).is_some()));
            let expected = format!("a variant that can run here: {known}");
            Problem::new(place, format!("proportions to `{named}`"), expected)
        })
    }

    /// Every application needs a variant that fits a worker; variants that fit none are noted.
    /// `suffix` ends the message.
    pub(super) fn check_fit(&mut self, spec: &SystemSpec, suffix: &str, problems: &mut Problems) {
        let fits = |v: VariantId| self.worker_ids().any(|w| self.usable(w, v));
        let is_served = |app| self.variants_of(app).any(fits);
        for (app, app_spec) in self.app_ids().zip(&spec.apps).filter(|(app, _)| !is_served(*app)) {
            let place = spec.workers.first().map(|w| w.place.clone()).unwrap_or_default();
            let is_profiled = |v: &VariantId| self.worker_ids().any(|w| self.cost(w, *v).is_some());
            let profiled = self.variants_of(app).filter(is_profiled);
            let name = &self.app(app).name;
            let (found, expected) = match profiled.map(|v| self.variant(v).bytes).min() {
                Some(least) => (
                    format!("no worker with the memory for any variant of `{name}`"),
                    format!("memory_bytes of {least} or more{suffix}"),
                ),
                None => {
                    let known: Vec<&str> = app_spec.profile.worker_classes().into_iter().collect();
                    (format!("no worker class on which `{name}` was profiled"), known.join(", "))
                }
            };
            problems.push(Problem::new(place, found, expected));
        }
        let is_noted = |v: &VariantId| !fits(*v) && is_served(self.variant(*v).app);
        let unfit = self.lists_of(is_noted);
        if !unfit.is_empty() {
            let text = format!("no worker has the memory, or a profile, for {unfit}");
            self.notes.push(Note::new("memory_bytes", text));
        }
    }
}

/// The applications, and the variants of all of them: those of SneakPeek models last.
pub(super) fn build_apps(
    spec: &SystemSpec,
    problems: &mut Problems,
) -> (Vec<App>, Vec<(Variant, VariantTruth)>) {
    let (mut apps, mut variants) = (Vec::new(), Vec::<(Variant, VariantTruth)>::new());
    for (id, app) in (0..).map(AppId).zip(&spec.apps) {
        let profile = &app.profile;
        let names = profile.variant_names();
        for name in app.variants.iter().filter(|name| !names.contains(name)) {
            let place = Location::file(&format!("variants of `{}`", profile.name));
            let known = names.iter().map(String::as_str);
            problems.push(Problem::unknown(place, "variant", name, known));
        }
        let first = variants.len() as u16;
        let chosen = (0..profile.variants.len()).filter(|at| app.has(&profile.variants[*at]));
        variants.extend(chosen.map(|at| build_variant(spec, app, id, at)));
        apps.push(build_app(spec, app, profile, first..variants.len() as u16));
    }
    for (id, app) in (0..).map(AppId).zip(&mut apps) {
        let peek = peek_variant(app, id, &variants, problems);
        variants.extend(peek);
    }
    if variants.len() > 60_000 {
        let place = Location::file("profiles");
        problems.push(Problem::new(place, format!("{} variants", variants.len()), "60000 at most"));
    }
    (apps, variants)
}

/// By variant of the catalog, the first of its application with the same weights; empty if none
/// are shared.
pub(super) fn shared_weights(spec: &SystemSpec, variants: usize) -> SharedWeights {
    let mut first: Vec<VariantId> = Vec::with_capacity(variants);
    for app in &spec.apps {
        let own = first.len();
        let all = app.profile.variants.iter().enumerate().filter(|(_, variant)| app.has(variant));
        let weights: Vec<usize> = all.map(|(at, variant)| variant.shares.unwrap_or(at)).collect();
        let place = |of: &usize| weights.iter().position(|other| other == of).unwrap_or(0);
        first.extend(weights.iter().map(|of| VariantId((own + place(of)) as u16)));
    }
    let is_shared = first.iter().enumerate().any(|(at, first)| first.index() != at);
    if is_shared { first.into() } else { SharedWeights::default() }
}

fn build_app(spec: &SystemSpec, app: &AppSpec, profile: &Profile, variants: Range<u16>) -> App {
    let prior = app.peek.prior.of(&profile.prior);
    App {
        name: profile.name.clone(),
        classes: profile.classes.clone(),
        // Resolved when the workers are known.
        budget: DeadlineBudget::Fixed(Span::ZERO),
        // Both are filled in when the variants are known.
        accuracy_spread: 1.0,
        recalls: Vec::new(),
        frequencies: Prior::Profile(1.0).of(&profile.prior),
        precision: app.peek.precision(&prior),
        prior,
        peek_latency: match app.peek.latency {
            Some(Span::ZERO) => None,
            Some(each) => Some(LatencyTable::one_by_one(each)),
            None => profile.peek.as_ref().map(|points| points.fit(spec.latency_fit)),
        },
        peek_variant: None,
        peek_is_offered: false,
        payload_bytes: app.payload_bytes,
        classifier: app.peek.clone(),
        evidence: app.peek.has_votes(app.trace.as_deref()),
        variants,
    }
}

/// The variant at an index into the profile's variants.
fn build_variant(
    spec: &SystemSpec,
    app: &AppSpec,
    id: AppId,
    index: usize,
) -> (Variant, VariantTruth) {
    let VariantProfile { name, bytes, payload_bytes, accuracy, recall, samples, .. } =
        app.profile.variants[index].clone();
    let payload_bytes = payload_bytes.unwrap_or(app.payload_bytes);
    let Answers { outcome, recorded, drawn } = Answers::new(spec, app, index);
    let key = name_key(&[&app.profile.name, &name]);
    let quantiles = match spec.outcome_correlation {
        0.0 => Vec::new(),
        _ => drawn.iter().map(|right| correlated_outcomes::quantile(*right)).collect(),
    };
    let execution = Execution::OnWorker;
    let known = Variant {
        name,
        app: id,
        execution,
        bytes,
        payload_bytes,
        accuracy,
        recall,
        samples,
        outcome,
    };
    (known, VariantTruth { key, recorded, drawn, quantiles })
}

/// The variant of the SneakPeek model, where that runs on workers or its answer may be taken.
fn peek_variant(
    app: &mut App,
    id: AppId,
    known: &[(Variant, VariantTruth)],
    problems: &mut Problems,
) -> Option<(Variant, VariantTruth)> {
    let Classifier { runs_on, short_circuit, .. } = app.classifier;
    if runs_on != ClassifierHost::Worker && short_circuit == ShortCircuit::Never {
        return None;
    }
    let name = "peek";
    if known.iter().any(|(variant, _)| variant.app == id && variant.name == name) {
        let place = Location::file(&format!("variants of `{}`", app.name));
        let found = format!("a variant called `{name}`");
        problems.push(Problem::new(place, found, "another name: so the SneakPeek model is called"));
    }
    app.peek_variant = Some(VariantId(known.len() as u16));
    app.peek_is_offered =
        matches!(short_circuit, ShortCircuit::Precision | ShortCircuit::Posterior);
    let recall = app.classifier.recall(app.classes.len());
    let known = Variant {
        name: name.to_owned(),
        app: id,
        execution: Execution::AtArrival,
        bytes: 0,
        payload_bytes: app.payload_bytes,
        accuracy: expected_accuracy(&app.frequencies, &recall),
        recall,
        samples: Vec::new(),
        outcome: OutcomeModel::Drawn,
    };
    let (drawn, quantiles) = (Vec::new(), Vec::new());
    let key = name_key(&[&app.name, name]);
    Some((known, VariantTruth { key, recorded: None, drawn, quantiles }))
}

/// The source of a variant's answers: that of the specification if predictions were recorded.
struct Answers {
    outcome: OutcomeModel,
    /// Predictions by row of the trace, if they are replayed.
    recorded: Option<Arc<[u16]>>,
    /// Probability of a right answer by true class, where it is drawn.
    drawn: Vec<f64>,
}

impl Answers {
    fn new(spec: &SystemSpec, app: &AppSpec, variant: usize) -> Self {
        let recall = &app.profile.variants[variant].recall;
        let mut answers =
            Self { outcome: OutcomeModel::Drawn, recorded: None, drawn: recall.clone() };
        let Some(trace) = &app.trace else { return answers };
        let Some(predicted) = &trace.predicted[variant] else { return answers };
        answers.outcome = spec.outcome;
        match spec.outcome {
            OutcomeModel::Drawn => {}
            OutcomeModel::Recorded => answers.recorded = Some(Arc::clone(predicted)),
            OutcomeModel::StreamRecall => {
                let frequencies = Prior::Profile(1.0).of(&app.profile.prior);
                let rows = trace.rows_of(spec.sources, &frequencies);
                let counted = trace.recall(variant, recall.len(), rows).into_iter().flatten();
                for (drawn, counted) in answers.drawn.iter_mut().zip(counted) {
                    *drawn = counted.unwrap_or(*drawn);
                }
            }
        }
        answers
    }
}

pub(super) fn build_worker(spec: &WorkerSpec, class_index: usize, number: usize) -> Worker {
    Worker {
        name: format!("{}-{number}", spec.name),
        class: spec.class.clone(),
        power_mode: spec.power_mode.clone(),
        memory_bytes: spec.memory_bytes,
        speed: spec.speed,
        lanes: spec.lanes,
        power_w: spec.power_w,
        idle_w: spec.idle_w,
        link: spec.link.clone(),
        spec_name: spec.name.clone(),
        usd_per_request: spec.usd_per_request,
        resident: Vec::new(),
        ready: spec.ready,
        // Filled in when the costs are known.
        host: [false; 2],
        class_index,
    }
}

/// Costs by class of workers, then by variant; the answers of SneakPeek models cost nothing.
pub(super) fn build_costs(
    spec: &SystemSpec,
    classes: &[&WorkerSpec],
    variants: usize,
    problems: &mut Problems,
) -> Vec<(Option<ClassCost>, CostTruth)> {
    let mut costs = Vec::with_capacity(classes.len() * variants);
    for worker in classes {
        let mut is_profiled = false;
        for app in &spec.apps {
            for variant in app.profile.variants.iter().filter(|variant| app.has(variant)) {
                let cost = variant.costs.iter().find(|cost| {
                    (&cost.worker_class, &cost.power_mode) == (&worker.class, &worker.power_mode)
                });
                is_profiled |= cost.is_some();
                let cost = cost.filter(|_| lists(&worker.variants, &variant.name));
                let truth = cost.map(CostTruth::new).unwrap_or_default();
                costs.push((cost.map(|cost| class_cost(spec, worker, cost)), truth));
            }
        }
        let answer = ClassCost {
            latency: LatencyTable::one_by_one(Span::ZERO),
            load: Span::ZERO,
            host: HostTimes::default(),
            power: Power::default(),
        };
        let answer = (Some(answer), CostTruth::default());
        costs.resize(costs.len().next_multiple_of(variants.max(1)), answer);
        if !is_profiled {
            problems.push(not_profiled(spec, worker));
        }
    }
    costs
}

/// The problem of a worker class, or a power mode of it, on which nothing was measured.
fn not_profiled(spec: &SystemSpec, worker: &WorkerSpec) -> Problem {
    let (place, class) = (worker.place.clone(), &worker.class);
    let profiles = || spec.apps.iter().map(|app| &app.profile);
    let modes: BTreeSet<&str> = profiles().flat_map(|app| app.power_modes(class)).collect();
    if modes.is_empty() {
        let known: BTreeSet<&str> = profiles().flat_map(|app| app.worker_classes()).collect();
        return Problem::unknown(place, "worker class", class, known);
    }
    if worker.power_mode.is_empty() {
        let known = modes.into_iter().collect::<Vec<_>>().join(", ");
        let found = format!("class `{class}` without power_mode");
        return Problem::new(place, found, format!("power_mode: one of {known}"));
    }
    let known: BTreeSet<&str> = modes.into_iter().filter(|mode| !mode.is_empty()).collect();
    if known.is_empty() {
        let found = format!("power_mode `{}` of class `{class}`", worker.power_mode);
        return Problem::new(place, found, "no power_mode: the class was profiled in one");
    }
    Problem::unknown(place, "power mode", &worker.power_mode, known).of(class)
}

fn class_cost(spec: &SystemSpec, worker: &WorkerSpec, cost: &VariantCost) -> ClassCost {
    let fitted = cost.latency.fit(spec.latency_fit);
    let latency = match spec.batch_scaling {
        Some(eta) => fitted.with_growth(eta),
        None => fitted,
    };
    let load = cost.load_cold.filter(|_| spec.cold_loads).unwrap_or(cost.load);
    let factor = 1.0 / worker.speed;
    let HostTimes { before, after, delay } = cost.device.host;
    let [before, after, delay] = [before, after, delay].map(|span| span.scale(factor));
    ClassCost {
        latency: latency.scaled(factor),
        load: load.scale(factor),
        host: HostTimes { before, after, delay },
        power: cost.device.power,
    }
}
