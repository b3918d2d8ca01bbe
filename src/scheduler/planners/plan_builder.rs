//! The common part of planners: the requests of a window and the plan that is built of them.

use super::contenders::Contenders;
use super::planning_window::{Placement, PlanningWindow};
use super::priority::RequestOrder;
use crate::config::Decoder;
use crate::contract::{Plan, Timeline, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::Time;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::{PlanValue, TieBreak};

/// A window and its plan: batches in the order of each worker.
pub struct PlanBuilder {
    pub window: PlanningWindow,
    pub tie_break: TieBreak,
    pub requests: Vec<Request>,
    /// By worker, its expected timeline with the plan so far.
    pub timelines: Vec<Timeline>,
    contenders: Contenders,
    trial: Timeline,
    batches: Vec<PlannedBatch>,
}

struct PlannedBatch {
    placement: Placement,
    requests: Vec<RequestId>,
}

impl PlanBuilder {
    pub fn new(tie_break: TieBreak, window: PlanningWindow) -> Self {
        Self {
            window,
            tie_break,
            requests: Vec::new(),
            timelines: Vec::new(),
            contenders: Contenders::default(),
            trial: Timeline::default(),
            batches: Vec::new(),
        }
    }

    pub fn read(fields: &mut Decoder<'_>) -> Self {
        Self::new(TieBreak::read(fields), PlanningWindow::read(fields))
    }

    /// Begins an empty plan of the waiting requests, in arrival order, if the window is open.
    pub fn open(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        let is_open = self.window.is_open(view, trigger, plan);
        if is_open {
            self.window.fill(view, &mut self.requests);
            self.timelines.resize_with(view.workers().count(), Timeline::default);
            for (worker, timeline) in view.workers().zip(&mut self.timelines) {
                view.backlog_end(worker.id, timeline);
            }
            self.contenders.begin(view, &self.timelines);
            self.batches.clear();
        }
        is_open
    }

    pub fn sort(&mut self, view: &View<'_>, order: RequestOrder) {
        order.sort(view, &mut self.requests, self.tie_break == TieBreak::Listed);
    }

    /// Whether the plan has no batches.
    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }

    /// Puts the timelines back to what they were.
    pub fn restore(&mut self, timelines: Vec<Timeline>) {
        self.timelines = timelines;
        self.contenders.renew(&self.timelines);
    }

    /// Appends requests to the timeline of their placement.
    pub fn append<T>(
        &mut self,
        placement: Placement,
        append: impl FnOnce(&mut Timeline) -> T,
    ) -> T {
        let timeline = &mut self.timelines[placement.worker.index()];
        let appended = append(timeline);
        self.contenders.update(placement.worker, timeline);
        appended
    }

    /// Drops all batches; timelines stay as they are.
    pub fn clear(&mut self) {
        self.batches.clear();
    }

    /// Adds a batch; timelines stay as they are.
    pub fn push(&mut self, placement: Placement, requests: impl Iterator<Item = RequestId>) {
        self.batches.push(PlannedBatch { placement, requests: requests.collect() });
    }

    /// Adds requests as batches of the largest size; timelines stay as they are.
    pub fn push_group(&mut self, view: &View<'_>, placement: Placement, requests: &[Request]) {
        for batch in self.window.batches(view, placement, requests) {
            self.push(placement, batch.iter().map(|request| request.id));
        }
    }

    /// The best next placement among the `variants` of each worker, listed by worker, then variant.
    /// Values do not rise with the end.
    fn best_placement<V: Iterator<Item = VariantId>>(
        &self,
        variants: impl Fn(WorkerId) -> V,
        mut value: impl FnMut(&Timeline, Placement) -> PlanValue,
    ) -> Option<(PlanValue, Placement)> {
        let mut best: Option<(PlanValue, Placement)> = None;
        for &worker in self.contenders.workers() {
            let timeline = &self.timelines[worker.index()];
            // `for_each` instead of a loop: filters and chains are inlined.
            variants(worker).for_each(|variant| {
                let placement = Placement { worker, variant };
                let value = value(timeline, placement);
                if self.tie_break.beats(value, best.map(|(value, _)| value)) {
                    best = Some((value, placement));
                }
            });
        }
        best
    }

    /// The best next placement of one request alone, by a score of its variant and end.
    pub fn best_request_placement(
        &self,
        view: &View<'_>,
        request: &Request,
        score: impl Fn(VariantId, Time) -> Score,
    ) -> Option<Placement> {
        let variants = |worker| view.variants(worker, request.app);
        let best = self.best_placement(variants, |timeline, Placement { variant, .. }| {
            let finish = view.finish(timeline, variant, 1);
            PlanValue { sum: score(variant, finish), finish }
        });
        best.map(|(_, placement)| placement)
    }

    /// Appends requests to the timeline of their best placement, and returns it with its value:
    /// `score` is that of a batch on a variant with this end, `total` what their sum is worth.
    pub fn place<V: Iterator<Item = VariantId>>(
        &mut self,
        view: &View<'_>,
        variants: impl Fn(WorkerId) -> V,
        requests: &[Request],
        score: impl Fn(VariantId, &[Request], Time) -> Score,
        total: impl Fn(VariantId, Score) -> Score,
    ) -> Option<(Placement, Score)> {
        let window = self.window;
        let mut trial = std::mem::take(&mut self.trial);
        let best = self.best_placement(variants, |timeline, placement| {
            let variant = placement.variant;
            let mut batches = window.batches(view, placement, requests);
            let score = |batch: &[Request], finish| score(variant, batch, finish);
            let value = if batches.len() == 1 {
                // A single batch needs no copy of the timeline.
                let finish = view.finish(timeline, variant, requests.len());
                PlanValue { sum: score(requests, finish), finish }
            } else {
                trial.copy_from(timeline);
                append_batches(view, &mut trial, variant, &mut batches, score)
            };
            PlanValue { sum: total(variant, value.sum), ..value }
        });
        self.trial = trial;
        let (value, placement) = best?;
        self.append(placement, |timeline| {
            for batch in window.batches(view, placement, requests) {
                view.estimate_append(timeline, placement.variant, batch.len());
            }
        });
        Some((placement, value.sum))
    }

    pub fn emit(&mut self, view: &View<'_>, plan: &mut Plan) {
        self.batches.sort_by_key(|batch| batch.placement.worker);
        let mut batches = self.batches.drain(..).peekable();
        while let Some(PlannedBatch { placement, mut requests }) = batches.next() {
            let Placement { worker, variant } = placement;
            let largest = self.window.largest(view, worker, variant);
            while let Some(next) = batches.next_if(|next| {
                let joined = requests.len() + next.requests.len();
                self.window.merge && next.placement == placement && joined <= largest
            }) {
                requests.extend(next.requests);
            }
            plan.assign(worker, variant, requests);
        }
    }
}

/// Appends batches on a variant to a timeline. `score` is of a batch and its end. Returns the sum
/// over all requests and the end of the last batch.
#[inline]
pub fn append_batches<'r>(
    view: &View<'_>,
    timeline: &mut Timeline,
    variant: VariantId,
    batches: impl Iterator<Item = &'r [Request]>,
    score: impl Fn(&'r [Request], Time) -> Score,
) -> PlanValue {
    let mut value = PlanValue::default();
    for batch in batches {
        value.finish = view.estimate_append(timeline, variant, batch.len());
        value.sum += score(batch, value.finish);
    }
    value
}

/// [`append_batches`] with the expected utility of each request.
pub fn append_utilities<'r>(
    view: &View<'_>,
    timeline: &mut Timeline,
    variant: VariantId,
    batches: impl Iterator<Item = &'r [Request]>,
) -> PlanValue {
    append_batches(view, timeline, variant, batches, |batch, finish| {
        view.utilities(batch, variant, finish).map(Score::of).sum()
    })
}
