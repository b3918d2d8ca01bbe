//! A small world for tests: applications, workers and arrivals in a few lines, any scheduler on
//! them, and the log of what happened.

pub mod arrivals;
pub mod check;
pub mod draw;
pub mod draw_scheduler;
pub mod event_record;
pub mod facts;
pub mod ledger;
pub mod link_checker;
pub mod penalty_formula;
pub mod queueing_support;
pub mod recorder;
pub mod recounted_row;
pub mod recounted_tables;
pub mod text;
pub mod trace_reader;

pub use event_record::Happened;

use peeksim::classifier::model::{Classifier, ClassifierHost, ClassifierKind, VoteModel};
use peeksim::classifier::posterior::Evidence;
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::{AccuracySource, Event, Observer, Scheduler};
use peeksim::core::ids::{AppId, Arrival, TrueClass, VariantId};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Counts, SimError, Simulation};
use peeksim::metrics::{Cell, LatencyBreakdowns, Summary};
use peeksim::scheduler::{self, BuildContext, BuiltScheduler};
use peeksim::system::catalog::{AppSpec, Catalog, OutcomeModel, SystemSpec, WorkerSpec};
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::ground_truth::GroundTruth;
use peeksim::system::latency::LatencyPoints;
use peeksim::system::profile::{Profile, VariantCost, VariantProfile};
use peeksim::traces::recorded::RecordedTrace;
use peeksim::workload::{Arrivals, Listed};
use recorder::{Asked, Scribe};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The class of every worker of a test world.
pub const CLASS: &str = "unit";

/// A world under construction.
#[derive(Clone)]
pub struct World {
    pub setup: SystemSpec,
    pub arrivals: Vec<Arrival>,
    pub seed: u64,
}

/// One variant: name, bytes, latency points in ms, load in ms, recall by class.
pub struct V<'a>(pub &'a str, pub u64, pub &'a [(u64, f64)], pub f64, pub &'a [f64]);

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// No application, one worker with one lane and endless memory, the published sigmoid.
    pub fn new() -> Self {
        let setup = SystemSpec {
            outcome: OutcomeModel::Recorded,
            ..SystemSpec::new(Vec::new(), Vec::new())
        };
        Self { setup, arrivals: Vec::new(), seed: 1 }
    }

    /// Adds an application; its prior is uniform, and a peek is right with probability 0.9.
    pub fn app(mut self, name: &str, variants: &[V<'_>]) -> Self {
        let classes = variants[0].4.len();
        let variants = variants.iter().map(|V(name, bytes, points, load_ms, recall)| {
            let points = points.iter().map(|(b, ms)| (*b, Span::from_ms(*ms))).collect();
            let cost = VariantCost::new(
                CLASS,
                LatencyPoints::new(points).expect("a latency table"),
                Span::from_ms(*load_ms),
            );
            VariantProfile {
                name: (*name).to_owned(),
                shares: None,
                bytes: *bytes,
                payload_bytes: None,
                accuracy: recall.iter().sum::<f64>() / classes as f64,
                recall: recall.to_vec(),
                samples: vec![1000.0; classes],
                costs: vec![cost],
            }
        });
        let profile = Profile {
            name: name.to_owned(),
            summary: String::new(),
            source: String::new(),
            classes: (0..classes).map(|class| class.to_string()).collect(),
            budget: DeadlineBudget::Fixed(Span::from_ms(100.0)),
            prior: vec![1.0 / classes as f64; classes],
            variants: variants.collect(),
            peek: None,
            peek_confusion: None,
            reference: None,
            warnings: Vec::new(),
            files: Vec::new(),
        };
        let app = AppSpec {
            profile: Arc::new(profile),
            trace: None,
            budget: None,
            variants: Vec::new(),
            peek: Classifier {
                kind: ClassifierKind::Confusion(VoteModel::recall(classes, 0.9)),
                evidence: Evidence::Counts,
                runs_on: ClassifierHost::Free,
                ..Classifier::default()
            },
            payload_bytes: 0,
        };
        self.setup.apps.push(app);
        self
    }

    /// Gives the last application a trace: rows of (class, votes, predicted by variant).
    pub fn trace(mut self, rows: &[(u16, &[f64], &[u16])]) -> Self {
        let app = self.setup.apps.last_mut().expect("an application");
        let variants = app.profile.variants.len();
        let predicted = |v: usize| rows.iter().map(|row| row.2[v]).collect::<Vec<u16>>().into();
        let recorded = rows.iter().all(|row| row.2.len() == variants);
        if rows.iter().any(|row| !row.1.is_empty()) {
            app.peek.kind = ClassifierKind::Recorded;
        }
        app.trace = Some(Arc::new(RecordedTrace {
            sources: std::iter::once(0..rows.len() as u32).collect(),
            source_names: vec!["s".to_owned()],
            offset_ns: (0..rows.len() as u64).collect(),
            class: rows.iter().map(|row| row.0).collect(),
            features: Vec::new(),
            votes: rows.iter().flat_map(|row| row.1.iter().copied()).collect(),
            predicted: (0..variants).map(|v| recorded.then(|| predicted(v))).collect(),
        }));
        self
    }

    /// Adds `count` workers of `lanes` lanes with `memory_bytes`.
    pub fn workers(mut self, count: u16, lanes: u16, memory_bytes: u64) -> Self {
        self.setup.workers.push(WorkerSpec {
            count,
            lanes,
            memory_bytes,
            ..WorkerSpec::new(CLASS)
        });
        self
    }

    /// Adds a request of application number `app`: arrival and budget in ms, class.
    pub fn request(mut self, app: u16, arrival_ms: f64, budget_ms: f64, class: u16) -> Self {
        self.arrivals.push(Arrival {
            time: Time::ZERO + Span::from_ms(arrival_ms),
            app: AppId(app),
            source: None,
            budget: Span::from_ms(budget_ms),
            truth: TrueClass { class, row: TrueClass::NO_ROW },
        });
        self
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(self.truth().catalog())
    }

    pub fn truth(&self) -> Arc<GroundTruth> {
        let mut setup = self.setup.clone();
        if setup.workers.is_empty() {
            setup = Self { setup, arrivals: Vec::new(), seed: 0 }.workers(1, 1, u64::MAX / 2).setup;
        }
        Arc::new(GroundTruth::build(&setup).unwrap_or_else(|problems| panic!("{problems}")))
    }

    /// Runs the listed arrivals through a scheduler written as in an experiment.
    pub fn run(&self, scheduler: &str) -> Log {
        self.run_with(scheduler, Box::new(Listed::new(self.arrivals.clone())))
    }

    /// Runs other arrivals through a scheduler written as in an experiment.
    pub fn run_with(&self, scheduler: &str, arrivals: Box<dyn Arrivals>) -> Log {
        let catalog = self.truth().believed(Rng::new(self.seed, 0));
        let mut chosen = self.choose(&catalog, scheduler);
        let (info, name) = (chosen.info, chosen.entry.name);
        let scheduler = chosen.scheduler.as_mut();
        let (mut log, result) = self.observe((info, name), scheduler, arrivals);
        result.unwrap_or_else(|error| panic!("{error}"));
        let counters = chosen.scheduler.counters();
        let named = counters.iter().find(|(name, _)| *name == "windows_solved_exactly");
        log.windows_solved_exactly = named.map(|(_, count)| *count);
        log
    }

    /// The events of the same run without the recorder between engine and scheduler, so that the
    /// engine may hand over arrivals together; and whether it does.
    pub fn run_unwatched(&self, scheduler: &str) -> (Vec<Happened>, bool) {
        let rng = Rng::new(self.seed, 0);
        let catalog = self.truth().believed(rng);
        let mut chosen = self.choose(&catalog, scheduler);
        let arrivals = Box::new(Listed::new(self.arrivals.clone()));
        let name = chosen.entry.name;
        let mut sim = Simulation::new(self.truth(), arrivals, chosen.info, rng, name);
        let mut log = Log::new(&self.catalog());
        let scheduler = chosen.scheduler.as_mut();
        let collects = scheduler.waits_for_idle_workers();
        engine::run(&mut sim, scheduler, &mut log).unwrap_or_else(|error| panic!("{error}"));
        (log.events, collects)
    }

    /// The scheduler as an experiment would write it.
    pub fn choose(&self, catalog: &Catalog, scheduler: &str) -> BuiltScheduler {
        let node = ConfigNode::parse_override(scheduler);
        let mut problems = Problems::default();
        let context = BuildContext { catalog, rng: Rng::new(self.seed, 0) };
        let chosen = scheduler::read(&node, &context, &mut problems);
        problems.check(chosen).unwrap_or_else(|problems| panic!("{problems}"))
    }

    /// Runs the listed arrivals through a scheduler of the test's own.
    pub fn drive(&self, scheduler: &mut dyn Scheduler) -> Result<Log, SimError> {
        let arrivals = Box::new(Listed::new(self.arrivals.clone()));
        let (log, result) = self.observe((AccuracySource::Profiled, "test"), scheduler, arrivals);
        result.map(|()| log)
    }

    /// Runs any scheduler on any arrivals: what happened until the end or the error.
    pub fn observe(
        &self,
        (info, name): (AccuracySource, &str),
        scheduler: &mut dyn Scheduler,
        arrivals: Box<dyn Arrivals>,
    ) -> (Log, Result<(), SimError>) {
        let rng = Rng::new(self.seed, 0);
        let mut sim = Simulation::new(self.truth(), arrivals, info, rng, name);
        // What happened is told by the true tables, whatever schedulers believe.
        let mut log = Log::new(&self.catalog());
        let mut scribe = Scribe::new(scheduler, &log.logged);
        let counts = engine::run(&mut sim, &mut scribe, &mut log);
        log.told_late = scribe.late;
        log.asked = scribe.asked;
        let result = counts.map(|counts| log.counts = counts);
        (log, result)
    }
}

/// Says which case it was if something panics, be it the simulator.
pub struct Told(pub String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("failed: {}", self.0);
        }
    }
}

/// The events of a run and its row.
pub struct Log {
    pub events: Vec<Happened>,
    /// What the scheduler was asked and answered.
    pub asked: Vec<Asked>,
    /// Late answers of workers, as the scheduler was told when batches ended, and as they came.
    pub told_late: usize,
    pub late: usize,
    pub summary: Summary,
    pub counts: Counts,
    pub windows_solved_exactly: Option<u64>,
    /// Sum over completed requests of shown accuracy × (1 − penalty): what a planner believed.
    pub believed: f64,
    /// The accuracy that the scheduler was shown of the variant that answered, by request.
    pub shown: BTreeMap<u32, f64>,
    pub logged: Arc<AtomicUsize>,
    catalog: Arc<Catalog>,
    breakdowns: LatencyBreakdowns,
}

impl Log {
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        Self {
            events: Vec::new(),
            asked: Vec::new(),
            told_late: 0,
            late: 0,
            summary: Summary::new(catalog),
            counts: Counts::default(),
            windows_solved_exactly: None,
            believed: 0.0,
            shown: BTreeMap::new(),
            logged: Arc::default(),
            catalog: Arc::clone(catalog),
            breakdowns: LatencyBreakdowns::new(catalog),
        }
    }

    /// A metric cell by column name.
    pub fn cell(&mut self, name: &str) -> Cell {
        self.summary.cell(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// A metric as a number.
    pub fn number(&mut self, name: &str) -> f64 {
        let cell = self.cell(name);
        cell.number().unwrap_or_else(|| panic!("{name} is {cell:?}"))
    }

    /// The batches in order of start: (start ms, end ms, variant name, request numbers).
    pub fn timeline(&self) -> Vec<(f64, f64, String, Vec<u32>)> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let mut open: Vec<(u64, u16, usize, u16, Vec<u32>)> = Vec::new();
        let mut done = Vec::new();
        for event in &self.events {
            match event {
                Happened::BatchStarted { at, worker, lane, variant, requests } => {
                    open.push((*at, *worker, *lane, *variant, requests.clone()));
                }
                Happened::BatchEnded { at, worker, lane, .. } => {
                    let place = open.iter().position(|o| o.1 == *worker && o.2 == *lane);
                    let (start, _, _, variant, requests) = open.remove(place.expect("a start"));
                    let name = self.catalog.variant(VariantId(variant)).name.clone();
                    done.push((ms(start), ms(*at), name, requests));
                }
                Happened::BatchLost { worker, lane, .. } => {
                    open.retain(|o| (o.1, o.2) != (*worker, *lane));
                }
                _ => {}
            }
        }
        done.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.3.cmp(&b.3)));
        done
    }
}

impl Observer for Log {
    #[expect(clippy::too_many_lines, reason = "an arm for every kind of event")]
    fn on(&mut self, event: Event<'_>) {
        self.summary.on(event);
        if let Event::Completed(c) = event {
            // What a latency was spent on is all of it.
            let breakdown = self.breakdowns.ended(c.request, c.finished);
            let parts: u64 = breakdown.parts().map(|(_, span)| span.0).sum();
            assert_eq!(parts, c.finished.since(c.request.arrival).0, "{breakdown:?}");
        }
        self.breakdowns.on(event);
        let happened = match event {
            Event::Arrived { request: r } => Happened::Arrived {
                at: r.arrival.0,
                request: r.id.number(),
                app: r.app.0,
                deadline: r.deadline.0,
            },
            Event::ReadyToSchedule { at, request } => {
                Happened::Visible { at: at.0, request: request.id.number() }
            }
            Event::LoadStarted { at, worker, variant, end } => {
                Happened::LoadStarted { at: at.0, worker: worker.0, variant: variant.0, end: end.0 }
            }
            Event::LoadEnded { at, worker, variant, .. } => {
                Happened::LoadEnded { at: at.0, worker: worker.0, variant: variant.0 }
            }
            Event::Evicted { at, worker, variant } => {
                Happened::Evicted { at: at.0, worker: worker.0, variant: variant.0 }
            }
            Event::UploadQueued { at, worker, bytes, start, end } => {
                Happened::Sent { at: at.0, worker: worker.0, bytes, sending: (start.0, end.0) }
            }
            Event::UploadAborted { at, worker, bytes, start, end } => {
                Happened::SendLost { at: at.0, worker: worker.0, bytes, sending: (start.0, end.0) }
            }
            Event::ResponseArrived { at, worker, .. } => {
                Happened::Back { at: at.0, worker: worker.0 }
            }
            Event::BatchStarted { at, worker, lane, variant, requests } => Happened::BatchStarted {
                at: at.0,
                worker: worker.0,
                lane,
                variant: variant.0,
                requests: requests.iter().map(|id| id.number()).collect(),
            },
            Event::BatchEnded { at, worker, lane, variant, started, batch } => {
                Happened::BatchEnded {
                    at: at.0,
                    worker: worker.0,
                    lane,
                    variant: variant.0,
                    started: started.0,
                    batch,
                }
            }
            Event::WorkerFailed { at, worker, until } => {
                Happened::WorkerFailed { at: at.0, worker: worker.0, until: until.0 }
            }
            Event::BatchLost { at, worker, lane, variant, started, requests } => {
                Happened::BatchLost {
                    at: at.0,
                    worker: worker.0,
                    lane,
                    variant: variant.0,
                    started: started.0,
                    requests: requests.iter().map(|id| id.number()).collect(),
                }
            }
            Event::LoadLost { at, worker, variant, end, .. } => {
                Happened::LoadLost { at: at.0, worker: worker.0, variant: variant.0, end: end.0 }
            }
            Event::RequestRequeued { at, request } => {
                Happened::Returned { at: at.0, request: request.id.number() }
            }
            Event::Completed(c) => {
                let penalty =
                    self.catalog.penalty.gamma(c.finished, c.request.deadline, c.request.budget());
                self.shown.insert(c.request.id.number(), c.estimated);
                let tardiness = self.catalog.penalty.tardiness(c.finished, c.request.deadline);
                self.late += usize::from(c.worker.is_some() && tardiness > Span::ZERO);
                self.believed += c.estimated * (1.0 - penalty);
                Happened::Completed {
                    at: c.finished.0,
                    request: c.request.id.number(),
                    worker: c.worker.map_or(u16::MAX, |worker| worker.0),
                    variant: c.variant.0,
                    started: c.started.0,
                    correct: c.correct,
                    class: c.truth.class,
                }
            }
            Event::Rejected { at, request, .. } => {
                Happened::Rejected { at: at.0, request: request.id.number() }
            }
            Event::Unfinished { at, request } => {
                Happened::Unfinished { at: at.0, request: request.id.number() }
            }
            _ => return,
        };
        self.events.push(happened);
        self.logged.store(self.events.len(), Ordering::Relaxed);
    }
}
