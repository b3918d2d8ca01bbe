//! Puts a catalog together from what an experiment asks for, and says what does not fit.

use super::{
    App, AppSpec, Catalog, ClassCost, OutcomeModel, SystemSpec, Variant, Worker, WorkerSpec,
};
use crate::classifier::model::{ClassifierHost, Prior, ShortCircuit};
use crate::classifier::posterior::expected_accuracy;
use crate::config::note::Note;
use crate::config::{Location, Problem, Problems};
use crate::core::ids::{AppId, VariantId};
use crate::core::rng::name_key;
use crate::core::units::Span;
use crate::system::correlated_outcomes;
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::latency::LatencyTable;
use crate::system::truths::{VariantTruth, WorkerTruth};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Catalog {
    /// Says which outcomes are drawn although recorded ones were asked for.
    pub(super) fn note_drawn(&mut self, setup: &SystemSpec, truths: &[VariantTruth]) {
        let (outcome, serving) = (setup.outcome, &truths[..usize::from(self.first_peek)]);
        if setup.outcome_correlation > 0.0 && serving.iter().all(|v| v.recorded.is_some()) {
            let note = "outcome_correlation changes nothing: every outcome is recorded";
            self.notes.push(Note::new("outcome_correlation", note));
        }
        let mut all = Vec::new();
        for app in self.app_ids() {
            let variants = self.variants_of(app).map(|v| self.variant(v));
            let drawn: Vec<&str> =
                variants.filter(|v| v.outcome != outcome).map(|v| v.name.as_str()).collect();
            if !drawn.is_empty() {
                all.push(format!("{} ({})", self.app(app).name, drawn.join(", ")));
            }
        }
        if !all.is_empty() {
            let text = format!("nothing is recorded and outcomes are drawn of {}", all.join("; "));
            self.notes.push(Note::new("outcome", text));
        }
    }

    /// Works out when requests are due: proportions are to the shortest latency of a lone request
    /// on any worker, with the variant that is named or the most accurate that can run.
    pub(super) fn resolve_budgets(&mut self, setup: &SystemSpec, problems: &mut Problems) {
        for (id, app) in self.app_ids().zip(&setup.apps) {
            let lone = |name: Option<&str>| {
                let named = |v: &VariantId| name.is_none_or(|name| self.variant(*v).name == name);
                let shortest = |v| self.worker_ids().filter_map(|w| self.lone(w, v)).min();
                let runs = self.variants_of(id).filter(named);
                let runs = runs.filter_map(|v| Some((self.variant(v).accuracy, shortest(v)?)));
                // Of equally accurate ones the first.
                let best = runs.reduce(|best, other| if other.0 > best.0 { other } else { best });
                best.map(|(_, span)| span).ok_or_else(|| {
                    let place = Location::file(&format!("budget_ms of `{}`", app.profile.name));
                    let said = name.unwrap_or("the most accurate variant");
                    let known: Vec<&str> = self
                        .variants_of(id)
                        .filter(|v| shortest(*v).is_some())
                        .map(|v| self.variant(v).name.as_str())
                        .collect();
                    let expected = format!("a variant that can run here: {}", known.join(", "));
                    Problem::new(place, format!("proportions to `{said}`"), expected)
                })
            };
            let budget = app.budget.as_ref().unwrap_or(&app.profile.budget);
            match budget.resolve(&lone) {
                Ok(budget) => self.apps[id.index()].budget = budget,
                Err(problem) => problems.push(problem),
            }
        }
    }

    /// Every application needs a variant that fits a worker; variants that fit none are noted.
    pub(super) fn check_fit(&mut self, setup: &SystemSpec, beside: &str, problems: &mut Problems) {
        let mut unfit = Vec::new();
        for app in self.app_ids() {
            let fits = |v: VariantId| self.worker_ids().any(|w| self.usable(w, v));
            let (usable, useless): (Vec<_>, Vec<_>) = self.variants_of(app).partition(|v| fits(*v));
            let name = &self.apps[app.index()].name;
            let names = |ids: &[VariantId]| {
                ids.iter().map(|v| self.variant(*v).name.as_str()).collect::<Vec<_>>().join(", ")
            };
            if usable.is_empty() {
                let place = setup.workers.first().map(|w| w.place.clone()).unwrap_or_default();
                let runs = |v: &VariantId| self.worker_ids().any(|w| self.cost(w, *v).is_some());
                let profiled = self.variants_of(app).filter(runs);
                let (found, expected) = match profiled.map(|v| self.variant(v).bytes).min() {
                    Some(least) => (
                        format!("no worker with the memory for any variant of `{name}`"),
                        format!("memory_bytes of {least} or more{beside}"),
                    ),
                    None => {
                        let known = setup.apps[app.index()].profile.worker_classes();
                        let known = known.into_iter().collect::<Vec<_>>().join(", ");
                        (format!("no worker class on which `{name}` was profiled"), known)
                    }
                };
                problems.push(Problem::new(place, found, expected));
            } else if !useless.is_empty() {
                unfit.push(format!("{name} ({})", names(&useless)));
            }
        }
        if !unfit.is_empty() {
            let text = format!("no worker has the memory, or a profile, for {}", unfit.join("; "));
            self.notes.push(Note::new("memory_bytes", text));
        }
    }
}

pub(super) fn build_apps(
    setup: &SystemSpec,
    problems: &mut Problems,
) -> (Vec<App>, Vec<(Variant, VariantTruth)>, u16) {
    let (mut apps, mut variants) = (Vec::new(), Vec::<(Variant, VariantTruth)>::new());
    for (at, app) in setup.apps.iter().enumerate() {
        let profile = &app.profile;
        let names = profile.variant_names();
        for name in app.variants.iter().filter(|name| !names.contains(name)) {
            let place = Location::file(&format!("variants of `{}`", profile.name));
            let known = names.iter().map(String::as_str);
            problems.push(Problem::unknown(place, "variant", name, known));
        }
        let first = variants.len() as u16;
        for (index, variant) in profile.variants.iter().enumerate() {
            if !app.variants.is_empty() && !app.variants.contains(&variant.name) {
                continue;
            }
            let (outcome, recorded, drawn) = answers(app, index, setup);
            let truth = VariantTruth {
                key: name_key(&[&profile.name, &variant.name]),
                recorded,
                quantiles: match setup.outcome_correlation {
                    0.0 => Vec::new(),
                    _ => drawn.iter().map(|right| correlated_outcomes::quantile(*right)).collect(),
                },
                drawn,
            };
            let known = Variant {
                name: variant.name.clone(),
                app: AppId(at as u16),
                bytes: variant.bytes,
                accuracy: variant.accuracy,
                recall: variant.recall.clone(),
                samples: variant.samples.clone(),
                outcome,
            };
            variants.push((known, truth));
        }
        apps.push(App {
            name: profile.name.clone(),
            classes: profile.classes.clone(),
            // Resolved when the workers are known.
            budget: DeadlineBudget::Fixed(Span::ZERO),
            frequencies: Prior::Profile(1.0).of(&profile.prior),
            prior: app.peek.prior.of(&profile.prior),
            precision: app.peek.precision(&app.peek.prior.of(&profile.prior)),
            offer: None,
            payload_bytes: app.payload_bytes,
            answers: None,
            look: match app.peek.latency {
                Some(Span::ZERO) => None,
                Some(each) => Some(LatencyTable::one_by_one(each)),
                None => profile.peek.as_ref().map(|points| points.fit(setup.latency_fit)),
            },
            peek: app.peek.clone(),
            evidence: app.peek.sees(app.trace.as_deref()),
            variants: first..variants.len() as u16,
        });
    }
    let first_peek = variants.len() as u16;
    for (at, app) in apps.iter_mut().enumerate() {
        let peek = peek_variant(app, AppId(at as u16), &variants, problems);
        variants.extend(peek);
    }
    if variants.len() > 60_000 {
        let place = Location::file("profiles");
        problems.push(Problem::new(place, format!("{} variants", variants.len()), "60000 at most"));
    }
    (apps, variants, first_peek)
}

/// What stands for the SneakPeek model where it runs on workers or its answer may be taken. Its
/// answers take no time and no memory; what it takes to look is the look's.
fn peek_variant(
    app: &mut App,
    id: AppId,
    known: &[(Variant, VariantTruth)],
    problems: &mut Problems,
) -> Option<(Variant, VariantTruth)> {
    let peek = &app.peek;
    let offered = matches!(peek.short_circuit, ShortCircuit::Precision | ShortCircuit::Posterior);
    if peek.runs_on != ClassifierHost::Worker && peek.short_circuit == ShortCircuit::Never {
        return None;
    }
    if known[usize::from(app.variants.start)..usize::from(app.variants.end)]
        .iter()
        .any(|(variant, _)| variant.name == PEEK)
    {
        let place = Location::file(&format!("variants of `{}`", app.name));
        let found = format!("a variant called `{PEEK}`");
        problems.push(Problem::new(place, found, "another name: so the SneakPeek model is called"));
    }
    let answers = VariantId(known.len() as u16);
    let recall = peek.recall(app.classes.len());
    app.answers = Some(answers);
    app.offer = offered.then_some(answers);
    let known = Variant {
        name: PEEK.to_owned(),
        app: id,
        bytes: 0,
        accuracy: expected_accuracy(&app.frequencies, &recall),
        recall,
        samples: Vec::new(),
        outcome: OutcomeModel::Drawn,
    };
    let truth = VariantTruth {
        key: name_key(&[&app.name, PEEK]),
        recorded: None,
        drawn: Vec::new(),
        quantiles: Vec::new(),
    };
    Some((known, truth))
}

/// The name of the variant that stands for the SneakPeek model.
const PEEK: &str = "peek";

/// Where the answers of a variant come from: as asked for if there are recorded predictions. Then
/// these, if they are replayed, and the recalls by which answers are drawn otherwise.
fn answers(
    app: &AppSpec,
    variant: usize,
    setup: &SystemSpec,
) -> (OutcomeModel, Option<Arc<[u16]>>, Vec<f64>) {
    let (asked, recall) = (setup.outcome, &app.profile.variants[variant].recall);
    let Some(trace) = app.trace.as_ref().filter(|trace| trace.predicted[variant].is_some()) else {
        return (OutcomeModel::Drawn, None, recall.clone());
    };
    let replayed = trace.predicted[variant].clone().filter(|_| asked == OutcomeModel::Recorded);
    let frequencies = Prior::Profile(1.0).of(&app.profile.prior);
    let rows = trace.rows_of(setup.sources, &frequencies);
    let counted = match asked {
        OutcomeModel::StreamRecall => trace.recall(variant, recall.len(), rows),
        _ => None,
    };
    let drawn = match counted {
        Some(counted) => counted.iter().zip(recall).map(|(c, r)| c.unwrap_or(*r)).collect(),
        None => recall.clone(),
    };
    (asked, replayed, drawn)
}

pub(super) fn build_worker(setup: &WorkerSpec, class_index: usize, at: usize) -> Worker {
    Worker {
        name: format!("{}-{at}", setup.name),
        class: setup.class.clone(),
        memory_bytes: setup.memory_bytes,
        speed: setup.speed,
        lanes: setup.lanes,
        power_w: setup.power_w,
        idle_w: setup.idle_w,
        link: setup.link.clone(),
        title: setup.name.clone(),
        usd_per_request: setup.usd_per_request,
        resident: Vec::new(),
        ready: setup.ready,
        class_index,
    }
}

pub(super) fn worker_truth(setup: &WorkerSpec) -> WorkerTruth {
    WorkerTruth {
        slowdown: setup.slowdown,
        outages: setup.outages.clone(),
        class_key: name_key(&[&setup.class]),
    }
}

pub(super) fn build_costs(
    setup: &SystemSpec,
    classes: &[&WorkerSpec],
    variants: usize,
    problems: &mut Problems,
) -> Vec<Option<ClassCost>> {
    let mut costs = Vec::with_capacity(classes.len() * variants);
    for worker in classes {
        let mut any = false;
        for app in &setup.apps {
            for variant in &app.profile.variants {
                if !app.variants.is_empty() && !app.variants.contains(&variant.name) {
                    continue;
                }
                let cost = variant.costs.iter().find(|cost| cost.worker_class == worker.class);
                any |= cost.is_some();
                let has = |name: &String| *name == variant.name;
                let here = worker.variants.is_empty() || worker.variants.iter().any(has);
                let cost = cost.filter(|_| here);
                costs.push(cost.map(|cost| {
                    ClassCost {
                        latency: match (setup.batch_scaling, cost.latency.fit(setup.latency_fit)) {
                            (Some(eta), table) => table.with_growth(eta),
                            (None, table) => table,
                        }
                        .scaled(1.0 / worker.speed),
                        load: match cost.load_cold {
                            Some(cold) if setup.cold_loads => cold,
                            _ => cost.load,
                        }
                        .scale(1.0 / worker.speed),
                    }
                }));
            }
        }
        let latency = LatencyTable::one_by_one(Span::ZERO);
        let answer = ClassCost { latency, load: Span::ZERO };
        costs.resize(costs.len().next_multiple_of(variants.max(1)), Some(answer));
        if !any {
            let known: BTreeSet<&str> =
                setup.apps.iter().flat_map(|app| app.profile.worker_classes()).collect();
            let place = worker.place.clone();
            problems.push(Problem::unknown(place, "worker class", &worker.class, known));
        }
    }
    costs
}
