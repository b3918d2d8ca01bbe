//! The contract between schedulers and the engine.
//!
//! The engine calls [`Scheduler::decide`] once per instant in which anything happened. A scheduler
//! reads the [`View`] (what a real server would know) and writes decisions into the [`Plan`].
//!
//! **Invariant:** what a scheduler believes and what happens are different types: no method of the
//! view reaches the truth of a request unless the run granted it ([`AccuracySource`]).

pub mod event;
pub mod plan;
pub(crate) mod state;
mod timeline;
mod view;

pub use event::{Event, Observer};
pub use plan::{Decision, Plan, RejectReason};
pub use timeline::Timeline;
pub use view::{View, WorkerView};

use crate::core::ids::{RequestId, VariantId, WorkerId};
use crate::core::units::Time;

/// A scheduling policy.
///
/// ```
/// use peeksim::contract::{Plan, Scheduler, Trigger, View};
///
/// /// Serves the oldest request with the first variant of its application.
/// struct Oldest;
///
/// impl Scheduler for Oldest {
///     fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
///         let mut waiting = view.pending();
///         for worker in view.idle_workers() {
///             let Some(request) = waiting.next() else { return };
///             if let Some(variant) = view.variants(worker, request.app).next() {
///                 plan.assign(worker, variant, [request.id]);
///             }
///         }
///     }
/// }
/// ```
pub trait Scheduler: Send {
    /// Called once per instant in which anything happened, after all of it was applied.
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan);

    /// What a real server would learn when a batch ends; called before the `decide` of the same
    /// instant.
    fn on_completion(&mut self, _feedback: &BatchCompletion) {}

    /// Whether all decisions wait for an idle worker: while there is none, `decide` only takes note
    /// of what arrived, and would take the same note later. Then it is called once for all requests
    /// that arrived since a worker was idle, rather than for each.
    fn waits_for_idle_workers(&self) -> bool {
        false
    }

    /// Counts worth a column: the number of windows that were searched exactly.
    fn windows_solved_exactly(&self) -> Option<u64> {
        None
    }
}

/// What happened at this instant.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Trigger<'a> {
    /// Requests that became visible, or were assigned to a worker that failed and wait again.
    pub arrived: &'a [RequestId],
    /// Workers on which a batch ended, which became available, or whose part of a plan may begin
    /// since the time to decide on it is over.
    pub freed: &'a [WorkerId],
    /// Workers on which a load ended.
    pub loaded: &'a [WorkerId],
    /// A wake-up asked for has come, or nothing else will ever happen.
    pub woken: bool,
}

impl<'a> Trigger<'a> {
    pub(crate) fn new(
        arrived: &'a [RequestId],
        freed: &'a [WorkerId],
        loaded: &'a [WorkerId],
        woken: bool,
    ) -> Self {
        Self { arrived, freed, loaded, woken }
    }
}

/// A batch that ended.
#[derive(Clone, Copy, Debug)]
pub struct BatchCompletion {
    /// Where it ran.
    pub worker: WorkerId,
    /// What ran.
    pub variant: VariantId,
    /// How many requests.
    pub batch: usize,
    /// When it started to compute.
    pub started: Time,
    /// When it ended.
    pub finished: Time,
}

/// Where the accuracy that a scheduler sees comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AccuracySource {
    /// The accuracy measured on the profile split: the same for every request.
    Profiled,
    /// The profiled recalls weighted by the request's class posterior.
    Posterior,
    /// The profiled recall of the request's true class.
    OracleLabel,
    /// 1 if the variant will answer this request correctly, else 0.
    OracleOutcome,
}

impl AccuracySource {
    /// Every source of accuracy with its name; the first is the default.
    pub const ALL: [(&'static str, Self); 4] = [
        ("profiled", Self::Profiled),
        ("posterior", Self::Posterior),
        ("oracle-label", Self::OracleLabel),
        ("oracle-outcome", Self::OracleOutcome),
    ];

    /// The name in experiments and results.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, info)| *info == self).map_or("", |(name, _)| name)
    }
}
