//! The contract between schedulers and the engine.
//!
//! The engine calls [`Scheduler::decide`] once per instant with events. A scheduler reads the
//! [`View`] (what a real server would know) and writes decisions into the [`Plan`].
//!
//! **Invariant:** beliefs and truth are different types: no method of the view reaches the truth of
//! a request unless the run grants it ([`AccuracySource`]).

pub mod event;
pub mod plan;
pub(crate) mod state;
mod timeline;
mod view;

pub use event::{Event, Observer};
pub use plan::{Decision, Plan, RejectReason};
pub use timeline::Timeline;
pub use view::{View, WorkerView};

use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::Time;

/// A scheduling policy.
///
/// ```
/// use peeksim::prelude::*;
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
    /// Called once per instant with events, after all of them were applied.
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan);

    /// Feedback on a batch that ended; called before the `decide` of the same instant.
    ///
    /// ```
    /// use peeksim::prelude::*;
    ///
    /// /// Counts the batches that each worker computed.
    /// #[derive(Default)]
    /// struct Counting(std::collections::BTreeMap<WorkerId, u64>);
    ///
    /// impl Scheduler for Counting {
    ///     fn decide(&mut self, _: &View<'_>, _: Trigger<'_>, _: &mut Plan) {}
    ///     fn on_completion(&mut self, feedback: &BatchCompletion) {
    ///         *self.0.entry(feedback.worker).or_default() += 1;
    ///     }
    /// }
    /// ```
    fn on_completion(&mut self, _feedback: &BatchCompletion) {}

    /// Whether all decisions wait for an idle worker: while there is none, `decide` only takes note
    /// of what arrived, and would take the same note later. Then it is called once for all requests
    /// that arrived since a worker was idle, rather than for each.
    fn waits_for_idle_workers(&self) -> bool {
        false
    }

    /// Counts over the run by name; the column `windows_solved_exactly` is one of them.
    fn counters(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// The events of one instant.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Trigger<'a> {
    /// Requests that became visible, or wait again since their worker failed.
    pub arrived: &'a [RequestId],
    /// Workers on which a batch ended, that became available, or whose batches may begin since the
    /// decision overhead is over.
    pub freed: &'a [WorkerId],
    /// Workers on which a load ended.
    pub loaded: &'a [WorkerId],
    /// Requests of earlier instants that waited and were dropped since they are late: with
    /// `drop_late = true` in the experiment. [`View::request`] does not have them any more. One
    /// that is late when it becomes visible is neither here nor in [`Self::arrived`].
    pub dropped: &'a [Request],
    /// Whether a wake-up is due, or no other event will follow.
    pub woken: bool,
}

/// A batch that ended.
#[derive(Clone, Copy, Debug)]
pub struct BatchCompletion {
    /// The worker that computed it.
    pub worker: WorkerId,
    /// The lane of the worker; `None` for the answer of a SneakPeek model, which takes no lane.
    pub lane: Option<usize>,
    /// Its variant.
    pub variant: VariantId,
    /// Its number of requests.
    pub batch: usize,
    /// The start of its computation.
    pub started: Time,
    /// Its end.
    pub finished: Time,
    /// How many of its answers come after their deadline; those of a worker behind a link still
    /// have their way back, which counts. 0 for a batch of peeks.
    pub late: usize,
}

/// The source of the accuracies that a scheduler sees.
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
        Self::ALL.iter().find(|(_, source)| *source == self).map_or("", |(name, _)| name)
    }
}
