//! The messages of an external scheduler: the system, what it sees at an instant, and its plan.

use crate::config::json_lines::VERSION;
use crate::contract::{
    AccuracySource, BatchCompletion, Plan, RejectReason, Timeline, Trigger, View, WorkerView,
};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The first message: what does not change during a run.
#[derive(Serialize)]
pub struct Hello<'a> {
    protocol: &'static str,
    version: u32,
    seed: u64,
    settings: &'a Value,
    accuracy: &'static str,
    preemption: bool,
    apps: Vec<AppEntry<'a>>,
    variants: Vec<VariantEntry<'a>>,
    workers: Vec<WorkerEntry<'a>>,
}

#[derive(Serialize)]
struct AppEntry<'a> {
    name: &'a str,
    classes: &'a [String],
    budget_ns: u64,
    /// Those that can be assigned, in the order of the accuracies of a request.
    variants: Vec<u16>,
}

#[derive(Serialize)]
struct VariantEntry<'a> {
    name: &'a str,
    app: u16,
    bytes: u64,
    accuracy: f64,
    /// The first variant that has the same weights in memory.
    weights: u16,
}

#[derive(Serialize)]
struct WorkerEntry<'a> {
    name: &'a str,
    class: &'a str,
    memory_bytes: u64,
    lanes: u16,
    remote: bool,
    variants: Vec<CostEntry>,
}

/// A variant that can run on a worker.
#[derive(Serialize)]
struct CostEntry {
    variant: u16,
    load_ns: u64,
    /// By size of the batch, from 1 to the largest.
    latency_ns: Vec<u64>,
}

impl<'a> Hello<'a> {
    pub fn new(view: &View<'a>, seed: u64, settings: &'a Value) -> Self {
        let catalog = view.catalog();
        let app = |id: AppId| AppEntry {
            name: &catalog.app(id).name,
            classes: &catalog.app(id).classes,
            budget_ns: view.planning_budget(id).0,
            variants: assignable(view, id).map(|variant| variant.0).collect(),
        };
        let variant = |id: VariantId| {
            let variant = catalog.variant(id);
            VariantEntry {
                name: &variant.name,
                app: variant.app.0,
                bytes: variant.bytes,
                accuracy: variant.accuracy,
                weights: catalog.weights(id).0,
            }
        };
        let cost = |worker: WorkerId, variant: VariantId| CostEntry {
            variant: variant.0,
            load_ns: view.load_span(worker, variant).0,
            latency_ns: (1..=view.max_batch(worker, variant))
                .map(|batch| view.expected_latency(worker, variant, batch).0)
                .collect(),
        };
        let worker = |id: WorkerId| {
            let runs = |variant: &VariantId| {
                view.max_batch(id, *variant) > 0 && !catalog.is_peek(*variant)
            };
            let worker = catalog.worker(id);
            WorkerEntry {
                name: &worker.name,
                class: &worker.class,
                memory_bytes: worker.memory_bytes,
                lanes: worker.lanes,
                remote: worker.link.is_some(),
                variants: catalog.variant_ids().filter(runs).map(|v| cost(id, v)).collect(),
            }
        };
        Self {
            protocol: "peeksim-scheduler",
            version: VERSION,
            seed,
            settings,
            accuracy: view.info().name(),
            preemption: catalog.preemption,
            apps: catalog.app_ids().map(app).collect(),
            variants: catalog.variant_ids().map(variant).collect(),
            workers: catalog.worker_ids().map(worker).collect(),
        }
    }
}

/// The variants of an application; last that of the SneakPeek model, where it may be chosen.
fn assignable<'a>(view: &View<'a>, app: AppId) -> impl Iterator<Item = VariantId> + use<'a> {
    let catalog = view.catalog();
    let peek = view.variants(WorkerId(0), app).filter(|variant| catalog.is_peek(*variant));
    catalog.variants_of(app).chain(peek)
}

/// What a scheduler sees at an instant.
#[derive(Serialize)]
pub struct Question<'a> {
    decision: u64,
    now_ns: u64,
    trigger: TriggerEntry<'a>,
    pending: Vec<RequestEntry<'a>>,
    workers: Vec<WorkerNow>,
}

#[derive(Serialize)]
struct TriggerEntry<'a> {
    arrived: Vec<u32>,
    freed: Vec<u16>,
    loaded: Vec<u16>,
    dropped: Vec<u32>,
    completed: &'a [Completed],
    woken: bool,
}

/// A batch that ended since the last message.
#[derive(Serialize)]
pub struct Completed {
    worker: u16,
    lane: Option<usize>,
    variant: u16,
    batch: usize,
    started_ns: u64,
    finished_ns: u64,
    late: usize,
}

impl From<&BatchCompletion> for Completed {
    fn from(ended: &BatchCompletion) -> Self {
        Self {
            worker: ended.worker.0,
            lane: ended.lane,
            variant: ended.variant.0,
            batch: ended.batch,
            started_ns: ended.started.0,
            finished_ns: ended.finished.0,
            late: ended.late,
        }
    }
}

#[derive(Serialize)]
struct RequestEntry<'a> {
    id: u32,
    app: u16,
    source: Option<u32>,
    arrival_ns: u64,
    deadline_ns: u64,
    /// In the order of the variants of the application, where they differ between requests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    accuracy: Vec<f64>,
    #[serde(skip_serializing_if = "<[f64]>::is_empty")]
    posterior: &'a [f64],
}

/// A worker at this instant.
#[derive(Serialize)]
struct WorkerNow {
    idle: bool,
    free_lanes: usize,
    resident: Vec<u16>,
    loading: Option<LoadingEntry>,
    running: Vec<RunningEntry>,
    backlog: usize,
    free_ns: u64,
}

#[derive(Serialize)]
struct LoadingEntry {
    variant: u16,
    end_ns: u64,
}

#[derive(Serialize)]
struct RunningEntry {
    lane: usize,
    variant: u16,
    end_ns: u64,
    requests: Vec<u32>,
}

impl<'a> Question<'a> {
    pub fn new(
        view: &View<'a>,
        trigger: Trigger<'_>,
        decision: u64,
        completed: &'a [Completed],
    ) -> Self {
        let differs = view.info() != AccuracySource::Profiled;
        let request = |request: &'a Request| RequestEntry {
            id: request.id.number(),
            app: request.app.0,
            source: request.source.map(crate::core::ids::SourceId::number),
            arrival_ns: request.arrival.0,
            deadline_ns: request.deadline.0,
            accuracy: assignable(view, request.app)
                .filter(|_| differs)
                .map(|variant| view.accuracy(request.id, variant))
                .collect(),
            posterior: view.posterior(request),
        };
        let mut timeline = Timeline::default();
        Self {
            decision,
            now_ns: view.now().0,
            trigger: TriggerEntry {
                arrived: trigger.arrived.iter().map(|id| id.number()).collect(),
                freed: trigger.freed.iter().map(|id| id.0).collect(),
                loaded: trigger.loaded.iter().map(|id| id.0).collect(),
                dropped: trigger.dropped.iter().map(|request| request.id.number()).collect(),
                completed,
                woken: trigger.woken,
            },
            pending: view.pending().map(request).collect(),
            workers: view.workers().map(|at| WorkerNow::new(view, &at, &mut timeline)).collect(),
        }
    }
}

impl WorkerNow {
    fn new(view: &View<'_>, worker: &WorkerView<'_>, timeline: &mut Timeline) -> Self {
        view.backlog_end(worker.id, timeline);
        let lanes = 0..usize::from(view.catalog().worker(worker.id).lanes);
        let running = lanes.filter_map(|lane| {
            let (variant, end, requests) = view.batch_on(worker.id, lane)?;
            let requests = requests.map(|request| request.id.number()).collect();
            Some(RunningEntry { lane, variant: variant.0, end_ns: end.0, requests })
        });
        let loading = worker.loading();
        Self {
            idle: worker.is_idle(),
            free_lanes: worker.free_lanes(),
            resident: worker.resident().map(|variant| variant.0).collect(),
            loading: loading.map(|(of, end)| LoadingEntry { variant: of.0, end_ns: end.0 }),
            running: running.collect(),
            backlog: worker.backlog_len(),
            free_ns: timeline.free_at().0,
        }
    }
}

/// The answer to a question.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub decision: u64,
    plan: Vec<Step>,
}

/// A decision, in the terms of [`Plan`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Step {
    Assign {
        worker: u16,
        variant: u16,
        requests: Vec<u32>,
    },
    Preload {
        worker: u16,
        variant: u16,
    },
    Evict {
        worker: u16,
        variant: u16,
    },
    Preempt {
        worker: u16,
        lane: usize,
    },
    Reject {
        request: u32,
        #[serde(default)]
        reason: Reason,
    },
    WakeAtNs(u64),
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    Hopeless,
    Late,
    #[default]
    Admission,
}

impl Answer {
    /// Writes the decisions into a plan. The engine says which of them break a rule.
    pub fn add_to(&self, view: &View<'_>, plan: &mut Plan) {
        let ids = known_ids(view);
        let id = |number: &u32| {
            let found = ids.binary_search_by_key(number, |id| id.number());
            // The engine refuses what it does not have, by its number.
            found.map_or(RequestId::new(*number, u32::MAX), |at| ids[at])
        };
        for step in &self.plan {
            match step {
                Step::Assign { worker, variant, requests } => {
                    plan.assign(WorkerId(*worker), VariantId(*variant), requests.iter().map(id));
                }
                Step::Preload { worker, variant } => {
                    plan.preload(WorkerId(*worker), VariantId(*variant));
                }
                Step::Evict { worker, variant } => {
                    plan.evict(WorkerId(*worker), VariantId(*variant));
                }
                Step::Preempt { worker, lane } => plan.preempt(WorkerId(*worker), *lane),
                Step::Reject { request, reason } => {
                    let reason = match reason {
                        Reason::Hopeless => RejectReason::Hopeless,
                        Reason::Late => RejectReason::Late,
                        Reason::Admission => RejectReason::Admission,
                    };
                    plan.reject(id(request), reason);
                }
                Step::WakeAtNs(time) => plan.wake_at(Time(*time)),
            }
        }
    }
}

/// The requests that a plan may name, by number: those that wait, and those in batches that it may
/// end first.
fn known_ids(view: &View<'_>) -> Vec<RequestId> {
    let mut ids: Vec<RequestId> = view.pending().map(|request| request.id).collect();
    if view.catalog().preemption {
        for worker in view.catalog().worker_ids() {
            for lane in 0..usize::from(view.catalog().worker(worker).lanes) {
                let batch = view.batch_on(worker, lane);
                ids.extend(batch.into_iter().flat_map(|(.., requests)| requests).map(|r| r.id));
            }
        }
        ids.sort_unstable();
    }
    ids
}
