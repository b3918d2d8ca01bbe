//! A small world: applications, workers and arrivals in a few lines, any scheduler on them.

use super::event_record::Happened;
use super::log::Log;
use super::recorder::Scribe;
use crate::classifier::model::{Classifier, ClassifierHost, ClassifierKind, VoteModel};
use crate::classifier::posterior::Evidence;
use crate::config::{ConfigNode, Problems};
use crate::contract::{AccuracySource, Scheduler};
use crate::core::ids::{AppId, Arrival, TrueClass};
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::engine::{self, SimError, Simulation};
use crate::scheduler::{self, BuildContext, BuiltScheduler};
use crate::system::catalog::{AppSpec, Catalog, OutcomeModel, SystemSpec, WorkerSpec};
use crate::system::deadline_budget::DeadlineBudget;
use crate::system::ground_truth::GroundTruth;
use crate::system::latency::LatencyPoints;
use crate::system::profile::{Profile, VariantCost, VariantProfile};
use crate::traces::recorded::RecordedTrace;
use crate::workload::{Arrivals, Listed};
use std::sync::Arc;

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
            memory_bytes,
            lanes,
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
        let log = self.watched_on(self.choose(&catalog, scheduler), arrivals);
        log.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs the listed arrivals through a scheduler: what happened, and what it was asked.
    ///
    /// # Errors
    /// Why the run failed.
    pub fn watched(&self, chosen: BuiltScheduler) -> Result<Log, SimError> {
        self.watched_on(chosen, Box::new(Listed::new(self.arrivals.clone())))
    }

    fn watched_on(
        &self,
        mut chosen: BuiltScheduler,
        arrivals: Box<dyn Arrivals>,
    ) -> Result<Log, SimError> {
        let (info, name) = (chosen.info, chosen.entry.name);
        let (mut log, result) = self.observe((info, name), chosen.scheduler.as_mut(), arrivals);
        result?;
        let counters = chosen.scheduler.counters();
        let named = counters.iter().find(|(name, _)| *name == "windows_solved_exactly");
        log.windows_solved_exactly = named.map(|(_, count)| *count);
        Ok(log)
    }

    /// The events of the same run without the recorder between engine and scheduler, so that the
    /// engine may hand over arrivals together.
    ///
    /// # Errors
    /// Why the run failed.
    pub fn unwatched(&self, mut chosen: BuiltScheduler) -> Result<Vec<Happened>, SimError> {
        let arrivals = Box::new(Listed::new(self.arrivals.clone()));
        let (rng, name) = (Rng::new(self.seed, 0), chosen.entry.name);
        let mut sim = Simulation::new(self.truth(), arrivals, chosen.info, rng, name);
        let mut log = Log::new(&self.catalog());
        engine::run(&mut sim, chosen.scheduler.as_mut(), &mut log)?;
        Ok(log.events)
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
