//! Everything a run knows before it starts: applications, variants, workers, costs.
//!
//! **Invariant:** a catalog holds beliefs (profiles) and recorded outcomes side by side, but the
//! recorded outcomes are private to the engine; a scheduler's view gives out beliefs only.

pub use super::setup::{AppSetup, Outcome, Overhead, Setup, WorkerSetup};

use super::budget::Budget;
use super::latency::LatencyTable;
use super::peek::{Peek, Prior};
use super::penalty::Penalty;
use super::trace::RecordedTrace;
use crate::domain::{AppId, Truth, VariantId, WorkerId};
use crate::input::{Place, Problem, Problems};
use crate::rng::{Label, Rng, name_key, standard_normal};
use crate::units::{Span, Time};
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

/// An application.
#[derive(Clone, Debug)]
pub struct App {
    /// Its name.
    pub name: String,
    /// Class names.
    pub classes: Vec<String>,
    /// Deadline budget.
    pub budget: Budget,
    /// Class frequencies of the profile; sum 1.
    pub frequencies: Vec<f64>,
    /// Dirichlet prior over the classes.
    pub prior: Vec<f64>,
    /// How its requests are looked at.
    pub peek: Peek,
    /// Latency of its SneakPeek model; `None` if that takes no time.
    pub look: Option<LatencyTable>,
    variants: Range<u16>,
    trace: Option<Arc<RecordedTrace>>,
}

/// A variant.
#[derive(Clone, Debug)]
pub struct Variant {
    /// Its name, unique within the application.
    pub name: String,
    /// The application it serves.
    pub app: AppId,
    /// Bytes of memory it takes.
    pub bytes: u64,
    /// Profiled accuracy.
    pub accuracy: f64,
    /// Profiled probability of a right answer by true class.
    pub recall: Vec<f64>,
    /// On how many profiled requests each recall was measured; empty if none was.
    pub samples: Vec<f64>,
    /// Stands for application and variant in keyed draws.
    key: u64,
    /// Where its answers come from, as far as anything was recorded.
    outcome: Outcome,
    recorded: Option<Arc<[u16]>>,
    /// Probability of a right answer by true class, where answers are drawn.
    drawn: Vec<f64>,
}

/// A worker.
#[derive(Clone, Debug)]
pub struct Worker {
    /// Its name: the class and a number.
    pub name: String,
    /// Its class.
    pub class: String,
    /// Memory for variants.
    pub memory_bytes: u64,
    /// Batches that can run at once.
    pub lanes: u16,
    /// Power while computing or loading, in watts.
    pub power_w: Option<f64>,
    /// Price of a request, in US dollars.
    pub usd_per_request: Option<f64>,
    /// When it starts to be available.
    pub ready: Time,
    class_index: usize,
    /// Stands for the class in keyed draws.
    class_key: u64,
}

/// Latency and load time of a variant on a class of workers.
#[derive(Clone, Debug)]
struct ClassCost {
    latency: LatencyTable,
    load: Span,
}

/// The tables of a run.
#[derive(Clone, Debug)]
pub struct Catalog {
    apps: Vec<App>,
    variants: Vec<Variant>,
    workers: Vec<Worker>,
    /// By class of workers, then by variant.
    costs: Vec<Option<ClassCost>>,
    /// What lateness costs.
    pub penalty: Penalty,
    /// What deciding takes.
    pub overhead: Overhead,
    /// Mean 1 log-normal noise on service times: the standard deviation of its logarithm.
    noise_sigma: f64,
    notes: Vec<String>,
}

impl Catalog {
    /// Builds the tables, or says what does not fit together.
    pub fn build(setup: &Setup) -> Result<Self, Problems> {
        let mut problems = Problems::default();
        let (apps, variants) = build_apps(setup, &mut problems);
        let mut classes: Vec<&WorkerSetup> = Vec::new();
        let mut workers: Vec<Worker> = Vec::new();
        for worker in &setup.workers {
            let known = classes.iter().position(|c| c.class == worker.class);
            let class_index = known.unwrap_or_else(|| {
                classes.push(worker);
                classes.len() - 1
            });
            // Numbers go on where the class, if it was listed before, left off: names are unique.
            let first = workers.iter().filter(|w| w.class_index == class_index).count();
            let numbers = first..first + usize::from(worker.count);
            workers.extend(numbers.map(|at| build_worker(worker, class_index, at)));
        }
        let costs = build_costs(setup, &classes, variants.len(), &mut problems);
        let cv = setup.noise_cv;
        let mut catalog = Self {
            apps,
            variants,
            workers,
            costs,
            penalty: setup.penalty.clone(),
            overhead: setup.overhead,
            noise_sigma: libm::sqrt(libm::log1p(cv * cv)),
            notes: Vec::new(),
        };
        if problems.is_empty() {
            catalog.check_fit(setup, &mut problems);
            catalog.note_drawn(setup.outcome);
        }
        problems.check(Some(catalog))
    }

    /// Says which outcomes are drawn although recorded ones were asked for.
    fn note_drawn(&mut self, outcome: Outcome) {
        for app in self.app_ids() {
            let variants = self.variants_of(app).map(|v| self.variant(v));
            let drawn: Vec<&str> =
                variants.filter(|v| v.outcome != outcome).map(|v| v.name.as_str()).collect();
            if !drawn.is_empty() {
                let name = &self.app(app).name;
                let note =
                    format!("{name}: nothing recorded, outcomes drawn: {}", drawn.join(", "));
                self.notes.push(note);
            }
        }
    }

    /// Every application needs a variant that fits a worker; variants that fit none are noted.
    fn check_fit(&mut self, setup: &Setup, problems: &mut Problems) {
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
                        format!("memory_bytes of {least} or more"),
                    ),
                    None => {
                        let known = setup.apps[app.index()].profile.worker_classes();
                        let known = known.into_iter().collect::<Vec<_>>().join(", ");
                        (format!("no worker class on which `{name}` was profiled"), known)
                    }
                };
                problems.push(Problem::new(place, found, expected));
            } else if !useless.is_empty() {
                let note = format!(
                    "{name}: no worker has the memory, or a profile, for {}",
                    names(&useless)
                );
                self.notes.push(note);
            }
        }
    }

    /// What a user should know about this combination.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The applications in order.
    pub fn app_ids(&self) -> impl ExactSizeIterator<Item = AppId> + use<> {
        (0..self.apps.len() as u16).map(AppId)
    }

    /// The variants of all applications, in order.
    pub fn variant_ids(&self) -> impl ExactSizeIterator<Item = VariantId> + use<> {
        (0..self.variants.len() as u16).map(VariantId)
    }

    /// The workers in order.
    pub fn worker_ids(&self) -> impl ExactSizeIterator<Item = WorkerId> + use<> {
        (0..self.workers.len() as u16).map(WorkerId)
    }

    /// One application.
    #[inline]
    pub fn app(&self, app: AppId) -> &App {
        &self.apps[app.index()]
    }

    /// One variant.
    #[inline]
    pub fn variant(&self, variant: VariantId) -> &Variant {
        &self.variants[variant.index()]
    }

    /// One worker.
    #[inline]
    pub fn worker(&self, worker: WorkerId) -> &Worker {
        &self.workers[worker.index()]
    }

    /// The application called `name`.
    pub fn app_named(&self, name: &str) -> Option<AppId> {
        self.app_ids().find(|app| self.app(*app).name == name)
    }

    /// The variant of `app` called `name`.
    pub fn variant_named(&self, app: AppId, name: &str) -> Option<VariantId> {
        self.variants_of(app).find(|variant| self.variant(*variant).name == name)
    }

    /// The variants that serve `app`, in profile order.
    #[inline]
    pub fn variants_of(&self, app: AppId) -> impl ExactSizeIterator<Item = VariantId> + use<> {
        self.apps[app.index()].variants.clone().map(VariantId)
    }

    /// The index of a variant among those of its application.
    #[inline]
    pub fn variant_offset(&self, variant: VariantId) -> usize {
        let app = self.variant(variant).app;
        usize::from(variant.0 - self.apps[app.index()].variants.start)
    }

    /// Whether the worker can ever run the variant: profiled on its class and small enough.
    pub fn usable(&self, worker: WorkerId, variant: VariantId) -> bool {
        self.cost(worker, variant).is_some()
            && self.variant(variant).bytes <= self.worker(worker).memory_bytes
    }

    /// The largest batch of the variant on the worker; 0 if it cannot run there.
    #[inline]
    pub fn max_batch(&self, worker: WorkerId, variant: VariantId) -> usize {
        if self.variant(variant).bytes > self.worker(worker).memory_bytes {
            return 0;
        }
        self.cost(worker, variant).map_or(0, |cost| cost.latency.max_batch())
    }

    /// Expected latency of a batch of 1 ≤ `batch` ≤ [`Self::max_batch`].
    #[inline]
    pub fn latency(&self, worker: WorkerId, variant: VariantId, batch: usize) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.latency.latency(batch))
    }

    /// Time to load the variant into the worker's memory.
    #[inline]
    pub fn load(&self, worker: WorkerId, variant: VariantId) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.load)
    }

    #[inline]
    fn cost(&self, worker: WorkerId, variant: VariantId) -> Option<&ClassCost> {
        let class = self.workers[worker.index()].class_index;
        self.costs[class * self.variants.len() + variant.index()].as_ref()
    }

    /// Where answers come from: a name of [`Outcome`], or `mixed` if it depends on the variant.
    pub fn outcome(&self) -> &'static str {
        let mut outcomes = self.variants.iter().map(|variant| variant.outcome);
        let first = outcomes.next().unwrap_or(Outcome::Drawn);
        if outcomes.all(|outcome| outcome == first) { first.name() } else { "mixed" }
    }

    /// What is true of a recorded request of `app`: for arrivals that name rows themselves.
    pub fn row(&self, app: AppId, row: u32) -> Option<Truth> {
        let class = *self.trace(app)?.class.get(row as usize)?;
        Some(Truth { class, row })
    }

    pub(crate) fn trace(&self, app: AppId) -> Option<&Arc<RecordedTrace>> {
        self.apps[app.index()].trace.as_ref()
    }

    /// Whether looking at requests of `app` can tell schedulers something.
    pub fn has_evidence(&self, app: AppId) -> bool {
        self.app(app).peek.sees(self.trace(app).map(Arc::as_ref))
    }

    /// Whether the variant answers the request correctly: as recorded, or drawn with a key that
    /// does not depend on the scheduler.
    #[inline]
    pub(crate) fn correct(&self, variant: VariantId, truth: Truth, number: u32, rng: Rng) -> bool {
        let chosen = &self.variants[variant.index()];
        match &chosen.recorded {
            Some(recorded) if truth.row != Truth::NO_ROW => {
                recorded[truth.row as usize] == truth.class
            }
            _ => {
                let draw = rng.keyed_unit(Label::Outcome, u64::from(number), chosen.key);
                draw < chosen.drawn[usize::from(truth.class)]
            }
        }
    }

    /// The true service time of a batch whose lowest request is `number`.
    pub(crate) fn service(
        &self,
        worker: WorkerId,
        variant: VariantId,
        batch: usize,
        number: u32,
        rng: Rng,
    ) -> Span {
        let table = self.latency(worker, variant, batch);
        if self.noise_sigma == 0.0 {
            return table;
        }
        let key = self.variants[variant.index()].key ^ self.workers[worker.index()].class_key;
        let unit = |salt: u64| rng.keyed_unit(Label::Noise, u64::from(number), key | salt << 48);
        let standard = standard_normal(unit(0), unit(1));
        let sigma = self.noise_sigma;
        table.scale(libm::exp(sigma * standard - sigma * sigma / 2.0))
    }
}

fn build_apps(setup: &Setup, problems: &mut Problems) -> (Vec<App>, Vec<Variant>) {
    let (mut apps, mut variants) = (Vec::new(), Vec::<Variant>::new());
    for (at, app) in setup.apps.iter().enumerate() {
        let profile = &app.profile;
        let names = profile.variant_names();
        for name in app.variants.iter().filter(|name| !names.contains(name)) {
            let place = Place::file(&format!("variants of `{}`", profile.name));
            let known = names.iter().map(String::as_str);
            problems.push(Problem::unknown(place, "variant", name, known));
        }
        let first = variants.len() as u16;
        for (index, variant) in profile.variants.iter().enumerate() {
            if !app.variants.is_empty() && !app.variants.contains(&variant.name) {
                continue;
            }
            let (outcome, recorded, drawn) = answers(app, index, setup.outcome);
            variants.push(Variant {
                name: variant.name.clone(),
                app: AppId(at as u16),
                bytes: variant.bytes,
                accuracy: variant.accuracy,
                recall: variant.recall.clone(),
                samples: variant.samples.clone(),
                key: name_key(&[&profile.name, &variant.name]),
                outcome,
                recorded,
                drawn,
            });
        }
        apps.push(App {
            name: profile.name.clone(),
            classes: profile.classes.clone(),
            budget: app.budget.unwrap_or(profile.budget),
            frequencies: Prior::Profile(1.0).of(&profile.prior),
            prior: app.peek.prior.of(&profile.prior),
            look: match app.peek.latency {
                Some(Span::ZERO) => None,
                Some(each) => Some(LatencyTable::one_by_one(each)),
                None => profile.peek.clone(),
            },
            peek: app.peek.clone(),
            variants: first..variants.len() as u16,
            trace: app.trace.clone(),
        });
    }
    if variants.len() > 60_000 {
        let place = Place::file("profiles");
        problems.push(Problem::new(place, format!("{} variants", variants.len()), "60000 at most"));
    }
    (apps, variants)
}

/// Where the answers of a variant come from: as asked for if there are recorded predictions. Then
/// these, if they are replayed, and the recalls by which answers are drawn otherwise.
fn answers(
    app: &AppSetup,
    variant: usize,
    asked: Outcome,
) -> (Outcome, Option<Arc<[u16]>>, Vec<f64>) {
    let recall = &app.profile.variants[variant].recall;
    let Some(trace) = app.trace.as_ref().filter(|trace| trace.predicted[variant].is_some()) else {
        return (Outcome::Drawn, None, recall.clone());
    };
    let replayed = trace.predicted[variant].clone().filter(|_| asked == Outcome::Recorded);
    let counted = trace.recall(variant, recall.len()).filter(|_| asked == Outcome::StreamRecall);
    let drawn = match counted {
        Some(counted) => counted.iter().zip(recall).map(|(c, r)| c.unwrap_or(*r)).collect(),
        None => recall.clone(),
    };
    (asked, replayed, drawn)
}

fn build_worker(setup: &WorkerSetup, class_index: usize, at: usize) -> Worker {
    Worker {
        name: format!("{}-{at}", setup.class),
        class: setup.class.clone(),
        memory_bytes: setup.memory_bytes,
        lanes: setup.lanes,
        power_w: setup.power_w,
        usd_per_request: setup.usd_per_request,
        ready: setup.ready,
        class_index,
        class_key: name_key(&[&setup.class]),
    }
}

fn build_costs(
    setup: &Setup,
    classes: &[&WorkerSetup],
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
                costs.push(cost.map(|cost| ClassCost {
                    latency: match setup.batch_eta {
                        Some(eta) => cost.latency.with_growth(eta),
                        None => cost.latency.clone(),
                    },
                    load: if setup.cold_loads {
                        cost.load_cold.unwrap_or(cost.load)
                    } else {
                        cost.load
                    },
                }));
            }
        }
        if !any {
            let known: BTreeSet<&str> =
                setup.apps.iter().flat_map(|app| app.profile.worker_classes()).collect();
            let place = worker.place.clone();
            problems.push(Problem::unknown(place, "worker class", &worker.class, known));
        }
    }
    costs
}

#[cfg(test)]
impl Catalog {
    /// A catalog of nothing.
    pub(crate) fn empty() -> Self {
        Self {
            apps: Vec::new(),
            variants: Vec::new(),
            workers: Vec::new(),
            costs: Vec::new(),
            penalty: Penalty::sigmoid(),
            overhead: Overhead::default(),
            noise_sigma: 0.0,
            notes: Vec::new(),
        }
    }
}
