//! What happened in a run, as far as it takes to explain some of its requests.

use crate::contract::{Decision, Event, Observer, Plan, RejectReason, Timeline, Trigger, View};
use crate::core::ids::{Completion, Request, RequestId, TrueClass, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::metrics::{LatencyBreakdown, LatencyBreakdowns};
use crate::system::catalog::Catalog;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What occupied a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// A batch of this size, by number in order of start.
    Batch(u64, usize),
    /// A batch of peeks.
    Peek(usize),
    /// The load of a variant.
    Load,
    /// It was down.
    Outage,
}

/// Something that occupied a worker for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occupation {
    /// The worker.
    pub worker: WorkerId,
    /// The lane; `None` if all lanes are occupied.
    pub lane: Option<usize>,
    /// What it did.
    pub work: Work,
    /// The variant; `None` of an outage.
    pub variant: Option<VariantId>,
    /// When it began.
    pub start: Time,
    /// When it ended.
    pub end: Time,
    /// Whether it ended without a result.
    pub is_lost: bool,
}

/// A way to answer a request that there was when it was decided about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The worker.
    pub worker: WorkerId,
    /// The variant.
    pub variant: VariantId,
    /// The size of the batch: that of the chosen one, or the largest of this variant.
    pub batch: usize,
    /// The expected end.
    pub finish: Time,
    /// The accuracy that the scheduler was shown.
    pub accuracy: f64,
    /// The utility that the scheduler could expect.
    pub utility: f64,
    /// Whether it was chosen.
    pub is_chosen: bool,
}

/// What was decided about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was assigned to a worker, in a batch of this size.
    Assigned(WorkerId, VariantId, usize),
    /// It was refused.
    Rejected(RejectReason),
}

/// A decision about a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// When.
    pub at: Time,
    /// Requests that waited for a decision then, this one included.
    pub waiting: usize,
    /// What was decided.
    pub verdict: Verdict,
    /// What there was to choose from.
    pub candidates: Vec<Candidate>,
    /// Class probabilities that the scheduler was shown; empty if there were none.
    pub posterior: Vec<f64>,
    /// When the payload of its batch was sent, from and until, over a link.
    pub upload: Option<(Time, Time)>,
    /// When it waited again: its worker failed, or the scheduler ended its batch.
    pub lost: Option<Time>,
}

impl Choice {
    /// The worker to which it was assigned.
    pub fn worker(&self) -> Option<WorkerId> {
        match self.verdict {
            Verdict::Assigned(worker, ..) => Some(worker),
            Verdict::Rejected(_) => None,
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// It was answered.
    Completed {
        /// The worker; `None` if the SneakPeek model answered.
        worker: Option<WorkerId>,
        /// The variant.
        variant: VariantId,
        /// The size of its batch.
        batch: usize,
        /// When its batch began to compute.
        started: Time,
        /// When it was answered.
        finished: Time,
        /// Whether the answer was right.
        is_correct: bool,
        /// Its true class.
        truth: TrueClass,
    },
    /// It was refused.
    Rejected(Time, RejectReason),
    /// It was never served.
    Unfinished(Time),
}

/// A request that is followed.
#[derive(Clone, Debug)]
pub struct Followed {
    /// The request.
    pub request: Request,
    /// When it could be scheduled first.
    pub ready: Option<Time>,
    /// The decisions about it; several if its worker failed or its batch was ended.
    pub choices: Vec<Choice>,
    /// How it ended.
    pub end: Option<End>,
    /// What its latency was spent on.
    pub breakdown: LatencyBreakdown,
}

/// Records a run and follows some of its requests.
#[derive(Debug)]
pub struct Record {
    catalog: Arc<Catalog>,
    breakdowns: LatencyBreakdowns,
    /// By number; `None` before it arrives.
    followed: BTreeMap<u32, Option<Followed>>,
    /// Everything that occupied workers, by end.
    pub occupations: Vec<Occupation>,
    /// By worker and lane.
    running: Vec<Vec<Option<(Time, Work)>>>,
    batches: u64,
    /// Requests that arrived.
    pub arrived: u32,
    /// The last upload that was queued, from and until: that of the batch that is assigned next.
    upload: Option<(Time, Time)>,
    timeline: Timeline,
}

impl Record {
    /// Follows the requests of these numbers.
    pub fn new(catalog: &Arc<Catalog>, requests: &[u32]) -> Self {
        let lanes = |worker| vec![None; usize::from(catalog.worker(worker).lanes)];
        Self {
            breakdowns: LatencyBreakdowns::new(catalog),
            followed: requests.iter().map(|number| (*number, None)).collect(),
            occupations: Vec::new(),
            running: catalog.worker_ids().map(lanes).collect(),
            batches: 0,
            arrived: 0,
            upload: None,
            timeline: Timeline::default(),
            catalog: Arc::clone(catalog),
        }
    }

    /// A request that was followed, if it arrived.
    pub fn followed(&self, number: u32) -> Option<&Followed> {
        self.followed.get(&number)?.as_ref()
    }

    fn of(&mut self, id: RequestId) -> Option<&mut Followed> {
        self.followed.get_mut(&id.number())?.as_mut()
    }

    /// Adds a decision, before it is applied.
    pub fn decided(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &Plan) {
        for (place, decision) in plan.decisions().iter().enumerate() {
            match *decision {
                Decision::Assign { worker, variant, ref requests } => {
                    let ids = &plan.requests()[requests.clone()];
                    for id in ids {
                        let verdict = Verdict::Assigned(worker, variant, ids.len());
                        self.choose(view, (plan, place), *id, verdict);
                    }
                }
                Decision::Reject { request, reason } => {
                    self.choose(view, (plan, place), request, Verdict::Rejected(reason));
                }
                _ => {}
            }
        }
    }

    fn choose(
        &mut self,
        view: &View<'_>,
        planned: (&Plan, usize),
        id: RequestId,
        verdict: Verdict,
    ) {
        let Some(request) = self.of(id).map(|own| own.request) else { return };
        let mut candidates = Vec::new();
        let mut timeline = std::mem::take(&mut self.timeline);
        for worker in view.workers() {
            before(view, planned, worker.id, &mut timeline);
            for variant in view.variants(worker.id, request.app) {
                let is_chosen =
                    matches!(verdict, Verdict::Assigned(w, v, _) if (w, v) == (worker.id, variant));
                let batch = match verdict {
                    Verdict::Assigned(_, _, batch) => batch,
                    Verdict::Rejected(_) => 1,
                };
                let most = view.max_batch(worker.id, variant).max(1);
                let batch = if is_chosen { batch } else { batch.min(most) };
                let finish = view.finish(&timeline, variant, batch);
                candidates.push(Candidate {
                    worker: worker.id,
                    variant,
                    batch,
                    finish,
                    accuracy: view.accuracy(id, variant),
                    utility: view.utility(&request, variant, finish),
                    is_chosen,
                });
            }
        }
        self.timeline = timeline;
        let posterior = view.posterior(&request).to_vec();
        let choice = Choice {
            at: view.now(),
            waiting: view.pending_len(),
            verdict,
            candidates,
            posterior,
            upload: None,
            lost: None,
        };
        if let Some(own) = self.of(id) {
            own.choices.push(choice);
        }
    }

    fn ended(&mut self, request: &Request, at: Time, end: End) {
        if self.of(request.id).is_none() {
            return;
        }
        let breakdown = self.breakdowns.ended(request, at);
        if let Some(own) = self.of(request.id) {
            (own.end, own.breakdown) = (Some(end), breakdown);
        }
    }

    fn completed(&mut self, completion: &Completion<'_>) {
        let Completion { request, truth, worker, variant, batch, started, finished, .. } =
            *completion;
        let (batch, is_correct) = (batch as usize, completion.correct);
        let end = End::Completed { worker, variant, batch, started, finished, is_correct, truth };
        self.ended(request, finished, end);
    }

    fn start(&mut self, worker: WorkerId, lane: usize, variant: VariantId, size: usize, at: Time) {
        let work = if self.catalog.is_peek(variant) {
            Work::Peek(size)
        } else {
            self.batches += 1;
            Work::Batch(self.batches - 1, size)
        };
        self.running[worker.index()][lane] = Some((at, work));
    }

    /// Adds what occupied all lanes of a worker.
    fn occupy(
        &mut self,
        worker: WorkerId,
        (work, variant): (Work, Option<VariantId>),
        (start, end): (Time, Time),
        is_lost: bool,
    ) {
        let lane = None;
        self.occupations.push(Occupation { worker, lane, work, variant, start, end, is_lost });
    }

    fn stop(
        &mut self,
        (worker, lane): (WorkerId, usize),
        variant: VariantId,
        end: Time,
        is_lost: bool,
    ) {
        if let Some((start, work)) = self.running[worker.index()][lane].take() {
            let (variant, lane) = (Some(variant), Some(lane));
            self.occupations.push(Occupation { worker, lane, work, variant, start, end, is_lost });
        }
    }
}

/// Sets `timeline` to the expected end of a worker's backlog after the decisions of a plan before a
/// place.
fn before(
    view: &View<'_>,
    (plan, place): (&Plan, usize),
    worker: WorkerId,
    timeline: &mut Timeline,
) {
    view.backlog_end(worker, timeline);
    for decision in &plan.decisions()[..place] {
        match *decision {
            Decision::Assign { worker: own, variant, ref requests } if own == worker => {
                view.estimate_append(timeline, variant, requests.len());
            }
            Decision::Preload { worker: own, variant } if own == worker => {
                view.estimate_append(timeline, variant, 0);
            }
            Decision::Evict { worker: own, variant } if own == worker => timeline.evict(variant),
            _ => {}
        }
    }
}

impl Observer for Record {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => {
                self.arrived = request.id.number() + 1;
                if let Some(own) = self.followed.get_mut(&request.id.number()) {
                    let (ready, choices, end) = (None, Vec::new(), None);
                    let breakdown = LatencyBreakdown::default();
                    *own = Some(Followed { request: *request, ready, choices, end, breakdown });
                }
            }
            Event::ReadyToSchedule { at, request } => {
                if let Some(own) = self.of(request.id) {
                    own.ready = Some(at);
                }
            }
            Event::UploadQueued { start, end, .. } => self.upload = Some((start, end)),
            Event::Assigned { requests, .. } => {
                let upload = self.upload.take();
                for id in requests {
                    let last = self.of(*id).and_then(|own| own.choices.last_mut());
                    last.into_iter().for_each(|choice| choice.upload = upload);
                }
            }
            Event::RequestRequeued { at, request } => {
                let last = self.of(request.id).and_then(|own| own.choices.last_mut());
                last.into_iter().for_each(|choice| choice.lost = Some(at));
            }
            Event::BatchStarted { at, worker, lane, variant, requests } => {
                self.start(worker, lane, variant, requests.len(), at);
            }
            Event::BatchEnded { at, worker, lane, variant, .. } => {
                self.stop((worker, lane), variant, at, false);
            }
            Event::BatchLost { at, worker, lane, variant, .. } => {
                self.stop((worker, lane), variant, at, true);
            }
            Event::LoadEnded { at: end, worker, variant, started: start } if end > start => {
                self.occupy(worker, (Work::Load, Some(variant)), (start, end), false);
            }
            Event::LoadLost { at: end, worker, variant, started: start, .. } => {
                self.occupy(worker, (Work::Load, Some(variant)), (start, end), true);
            }
            Event::WorkerFailed { at: start, worker, until: end } => {
                self.occupy(worker, (Work::Outage, None), (start, end), false);
            }
            Event::Completed(completion) => self.completed(completion),
            Event::Rejected { at, request, reason } => {
                self.ended(request, at, End::Rejected(at, reason));
            }
            Event::Unfinished { at, request } => self.ended(request, at, End::Unfinished(at)),
            _ => {}
        }
        self.breakdowns.on(event);
    }
}

/// The latest answers of a run.
#[derive(Debug)]
pub struct Latest {
    catalog: Arc<Catalog>,
    /// (tardiness, number) of late answers.
    late: Vec<(Span, u32)>,
    /// (time left, number) of the answer nearest to its deadline.
    nearest: Option<(Span, u32)>,
}

impl Latest {
    /// Of a run with this catalog.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        Self { catalog: Arc::clone(catalog), late: Vec::new(), nearest: None }
    }

    /// The numbers of the latest answers, the latest first, at most so many; and how many answers
    /// were late.
    pub fn worst(&mut self, most: usize) -> (Vec<u32>, usize) {
        self.late.sort_by_key(|(tardiness, number)| (std::cmp::Reverse(*tardiness), *number));
        let numbers = self.late.iter().take(most).map(|(_, number)| *number);
        (numbers.collect(), self.late.len())
    }

    /// The answer that was nearest to its deadline without being late.
    pub fn nearest(&self) -> Option<u32> {
        self.nearest.map(|(_, number)| number)
    }
}

impl Observer for Latest {
    fn on(&mut self, event: Event<'_>) {
        let Event::Completed(completion) = event else { return };
        let (deadline, number) = (completion.request.deadline, completion.request.id.number());
        let tardiness = self.catalog.penalty.tardiness(completion.finished, deadline);
        if tardiness > Span::ZERO {
            self.late.push((tardiness, number));
        } else {
            let left = (deadline.since(completion.finished), number);
            self.nearest = Some(self.nearest.map_or(left, |nearest| nearest.min(left)));
        }
    }
}
