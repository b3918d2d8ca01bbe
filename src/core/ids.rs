//! Ids and plain records: what a request, an arrival and a completion are. No tables, no rules.

use crate::core::units::{Span, Time};
use std::fmt;
use std::num::NonZeroU32;

macro_rules! catalog_index {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The index into the catalog's list.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    )*};
}

catalog_index! {
    /// An application: an index into the catalog's applications.
    AppId;
    /// A model that can serve an application: an index into the variants of all applications.
    VariantId;
    /// An executor with memory: an index into the catalog's workers.
    WorkerId;
}

/// What sends requests of an application: a camera, a user, a client. Sources of an application are
/// numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(NonZeroU32);

impl SourceId {
    /// The source of a number; the last number of all stands for its neighbour, too.
    #[inline]
    pub fn new(number: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(number))
    }

    /// Its number among the sources of the application.
    #[inline]
    pub fn number(self) -> u32 {
        self.0.get() - 1
    }

    /// The number as an index.
    #[inline]
    pub fn index(self) -> usize {
        self.number() as usize
    }
}

/// A request of the running simulation, ordered by arrival.
///
/// It holds the arrival number, which never repeats within a run, and the slot in the engine's
/// table, which does: finding a request takes one index, and a stale id is detected. The number is
/// in the upper half of the bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

impl RequestId {
    pub(crate) fn new(number: u32, slot: u32) -> Self {
        Self(u64::from(number) << 32 | u64::from(slot))
    }

    /// The arrival number: 0 for the first request of the run.
    #[inline]
    pub fn number(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    pub(crate) fn slot(self) -> usize {
        self.0 as u32 as usize
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

/// What a scheduler may know of a request without a peek at its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The arrival number and the slot.
    pub id: RequestId,
    /// The application whose variants can answer it.
    pub app: AppId,
    /// What sent it; `None` where requests have no sources.
    pub source: Option<SourceId>,
    /// When it arrived.
    pub arrival: Time,
    /// When its answer is due (absolute).
    pub deadline: Time,
}

impl Request {
    /// Deadline minus arrival.
    pub fn budget(&self) -> Span {
        self.deadline.since(self.arrival)
    }
}

/// The truth of a request, hidden from schedulers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrueClass {
    /// The true class.
    pub class: u16,
    /// The row of the application's trace that the request replays, or [`TrueClass::NO_ROW`].
    pub row: u32,
}

impl TrueClass {
    /// The row of a request that was drawn, not replayed.
    pub const NO_ROW: u32 = u32::MAX;
}

/// One request as an arrival process makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it arrives; never earlier than the one before.
    pub time: Time,
    /// The application whose variants can answer it.
    pub app: AppId,
    /// What sends it; `None` where requests have no sources.
    pub source: Option<SourceId>,
    /// Deadline minus arrival.
    pub budget: Span,
    /// Its true class and recorded row.
    pub truth: TrueClass,
}

impl Arrival {
    /// The request that it becomes.
    #[inline]
    pub fn request(&self, id: RequestId) -> Request {
        let Self { time, app, source, budget, .. } = *self;
        Request { id, app, source, arrival: time, deadline: time + budget }
    }
}

/// What the answers of one batch have in common. They all end at once.
#[derive(Clone, Copy, Debug)]
pub struct BatchAnswer {
    /// Where it ran; nowhere if the SneakPeek model answered.
    pub worker: Option<WorkerId>,
    /// Which variant answered.
    pub variant: VariantId,
    /// Size of the batch.
    pub batch: u32,
    /// When the decision was made that assigned it; if the SneakPeek model answered without being
    /// asked, when that was.
    pub decided: Time,
    /// When it started to compute (loading excluded).
    pub started: Time,
    /// When it ended.
    pub finished: Time,
}

/// One request of a batch that was answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered {
    /// The request.
    pub request: Request,
    /// What is true of it.
    pub truth: TrueClass,
    /// Whether the answer was right.
    pub correct: bool,
    /// The probability of a right answer that the scheduler was shown.
    pub estimated: f64,
}

impl BatchAnswer {
    /// One of its requests as a completion.
    #[inline]
    pub fn completion<'a>(&self, answered: &'a Answered) -> Completion<'a> {
        let Self { worker, variant, batch, decided, started, finished } = *self;
        let Answered { ref request, truth, correct, estimated } = *answered;
        Completion {
            request,
            truth,
            worker,
            variant,
            batch,
            decided,
            started,
            finished,
            correct,
            estimated,
        }
    }
}

impl Completion<'_> {
    /// What it has in common with its batch, and the rest.
    #[inline]
    pub fn parts(&self) -> (BatchAnswer, Answered) {
        let Self { request, truth, worker, variant, batch, decided, started, .. } = *self;
        let Self { finished, correct, estimated, .. } = *self;
        let answer = BatchAnswer { worker, variant, batch, decided, started, finished };
        (answer, Answered { request: *request, truth, correct, estimated })
    }
}

/// How a completed request went.
#[derive(Clone, Copy, Debug)]
pub struct Completion<'a> {
    /// The request.
    pub request: &'a Request,
    /// Its true class and recorded row.
    pub truth: TrueClass,
    /// The worker that computed it; `None` if the SneakPeek model answered.
    pub worker: Option<WorkerId>,
    /// The variant that answered.
    pub variant: VariantId,
    /// Requests in its batch.
    pub batch: u32,
    /// When the scheduler assigned it; the time of the answer if the SneakPeek model answered
    /// before scheduling.
    pub decided: Time,
    /// When its batch started to compute (loading excluded).
    pub started: Time,
    /// When its batch ended.
    pub finished: Time,
    /// Whether the answer was right.
    pub correct: bool,
    /// The probability of a right answer that the scheduler was shown.
    pub estimated: f64,
}
