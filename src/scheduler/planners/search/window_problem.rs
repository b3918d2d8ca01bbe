//! One window on one worker with one lane, as the searches for its best plan see it.
//!
//! A plan is a sequence of batches, each of one application on one variant; it starts when the
//! worker's backlog ends. Requests are numbered by application, then deadline, then id, so that
//! those of one application are neighbours.

use crate::contract::{Timeline, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::planners::planning_window::PlanningWindow;
use crate::scheduler::planners::search::memory_states::MemoryStates;
use crate::scheduler::score::Score;
use crate::system::lru_memory::LruMemory;
use std::ops::Range;

/// Upper bounds are kept at this many instants,
const INSTANTS: usize = 256;
/// and for so many instants and requests in all, but at least at one.
const HOPES: usize = 1 << 20;

/// A variant and the largest batch of it in a plan.
#[derive(Clone, Copy, Debug)]
pub(in crate::scheduler) struct VariantOption {
    pub variant: VariantId,
    pub largest: usize,
    load: Span,
}

/// The requests of one application.
#[derive(Debug)]
pub(in crate::scheduler) struct AppRequests {
    /// Their numbers, earliest deadline first.
    pub members: Range<usize>,
    /// What can serve them, in profile order.
    pub choices: Vec<VariantOption>,
    /// The least time that computing 0, 1, 2, … of them takes.
    least: Vec<Span>,
}

/// A batch of a plan: a variant and the numbers of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scheduler) struct PlanStep {
    pub variant: VariantId,
    pub members: Vec<usize>,
}

/// What a plan is worth, and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scheduler) struct PlanValue {
    pub sum: Score,
    pub finish: Time,
}

impl PlanValue {
    /// Whether this is better: a higher sum, then an earlier end.
    pub fn beats(self, other: Self) -> bool {
        (self.sum, other.finish) > (other.sum, self.finish)
    }
}

/// The window.
pub(in crate::scheduler) struct WindowProblem<'v> {
    view: View<'v>,
    worker: WorkerId,
    requests: Vec<Request>,
    pub parts: Vec<AppRequests>,
    /// When the worker's backlog ends.
    pub start: Time,
    /// What is in memory then.
    pub resident: LruMemory,
    /// Rows by instant: what a request could be worth at best if it were started then on its
    /// quickest way, summed from it to the last of its part.
    hopes: Vec<Score>,
    rows: usize,
    /// From one row to the next.
    gap: Span,
}

impl<'v> WindowProblem<'v> {
    /// Requests that nothing can serve on the worker are left out.
    pub fn new(
        view: &View<'v>,
        worker: WorkerId,
        window: &PlanningWindow,
        requests: &[Request],
        tail: &Timeline,
    ) -> Self {
        let mut instance = Self {
            view: *view,
            worker,
            requests: requests.to_vec(),
            parts: Vec::new(),
            start: tail.all_free_at(),
            resident: tail.memory().clone(),
            hopes: Vec::new(),
            rows: 1,
            gap: Span(1),
        };
        instance.requests.retain(|request| view.variants(worker, request.app).next().is_some());
        instance.requests.sort_by_key(|request| (request.app, request.deadline, request.id));
        instance.divide(window);
        instance.upper_bound();
        instance
    }

    fn divide(&mut self, window: &PlanningWindow) {
        let (view, worker) = (self.view, self.worker);
        let mut end = 0;
        for requests in self.requests.chunk_by(|a, b| a.app == b.app) {
            let choice = |variant| VariantOption {
                variant,
                largest: window.largest(&view, worker, variant),
                load: view.load_span(worker, variant),
            };
            let choices: Vec<VariantOption> =
                view.variants(worker, requests[0].app).map(choice).collect();
            let mut least = vec![Span::ZERO];
            for count in 1..=requests.len() {
                let batches = choices.iter().flat_map(|choice| {
                    let sizes = 1..=choice.largest.min(count);
                    sizes.map(|b| {
                        view.expected_latency(worker, choice.variant, b) + least[count - b]
                    })
                });
                least.push(batches.min().unwrap_or(Span::ZERO));
            }
            let members = end..end + requests.len();
            end = members.end;
            self.parts.push(AppRequests { members, choices, least });
        }
    }

    /// Tabulates what the requests could be worth at best.
    fn upper_bound(&mut self) {
        let quickest = |part: &AppRequests| {
            let one = |c: &VariantOption| c.load + self.shortest(*c, part);
            part.choices.iter().map(one).min().unwrap_or_default()
        };
        let serially =
            |part: &AppRequests| quickest(part).0.saturating_mul(part.members.len() as u64);
        let horizon = self.parts.iter().map(serially).fold(0u64, u64::saturating_add);
        let count = self.len().max(1);
        self.rows = (HOPES / count).clamp(1, INSTANTS);
        self.gap = Span(horizon / self.rows as u64 + 1);
        let mut hopes = vec![Score::default(); self.rows * self.len()];
        for (row, hopes) in hopes.chunks_mut(count).enumerate() {
            let time = self.start + Span(self.gap.0.saturating_mul(row as u64));
            for part in &self.parts {
                let mut sum = Score::default();
                for member in part.members.clone().rev() {
                    let one =
                        |c: &VariantOption| self.worth(member, *c, time + self.shortest(*c, part));
                    sum += part.choices.iter().map(one).max().unwrap_or_default();
                    hopes[member] = sum;
                }
            }
        }
        self.hopes = hopes;
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.requests.len()
    }

    /// Their ids.
    pub fn ids<'a>(&'a self, members: &'a [usize]) -> impl Iterator<Item = RequestId> + 'a {
        members.iter().map(|member| self.requests[*member].id)
    }

    /// The latency of a batch, loading excluded.
    #[inline]
    pub fn latency(&self, choice: VariantOption, batch: usize) -> Span {
        self.view.expected_latency(self.worker, choice.variant, batch)
    }

    /// The shortest latency of any batch of a part, loading excluded: a larger batch may take less
    /// time than one request.
    fn shortest(&self, choice: VariantOption, part: &AppRequests) -> Span {
        let most = choice.largest.min(part.members.len());
        self.view.catalog().shortest(self.worker, choice.variant, most)
    }

    /// What answering a request at `finish` is worth.
    #[inline]
    pub fn worth(&self, member: usize, choice: VariantOption, finish: Time) -> Score {
        Score::of(self.view.utility(&self.requests[member], choice.variant, finish))
    }

    /// Whether two requests are worth the same on every variant at every instant.
    pub fn alike(&self, a: usize, b: usize) -> bool {
        let (view, a, b) = (&self.view, &self.requests[a], &self.requests[b]);
        let accuracy = |r: &Request, variant| view.accuracy(r.id, variant).to_bits();
        (a.app, a.deadline, a.arrival) == (b.app, b.deadline, b.arrival)
            && view.variants(self.worker, a.app).all(|v| accuracy(a, v) == accuracy(b, v))
    }

    /// The row of bounds that holds from `time` on.
    #[inline]
    pub fn row(&self, time: Time) -> &[Score] {
        let row = (time.since(self.start).0 / self.gap.0).min(self.rows as u64 - 1) as usize;
        &self.hopes[row * self.len()..(row + 1) * self.len()]
    }

    /// By part, the least load before a batch of it if this is in memory.
    fn waits(&self, content: &LruMemory) -> Vec<Span> {
        let load =
            |c: &VariantOption| if content.contains(c.variant) { Span::ZERO } else { c.load };
        let wait = |part: &AppRequests| part.choices.iter().map(load).min().unwrap_or_default();
        self.parts.iter().map(wait).collect()
    }

    /// The least time it takes to compute `count` requests of a part, loads left out.
    #[inline]
    pub fn least(&self, part: usize, count: usize) -> Span {
        self.parts[part].least[count]
    }
}

/// The contents of the worker's memory, each with the least load before a batch of each part.
pub(in crate::scheduler) struct WindowMemories(MemoryStates<Vec<Span>>);

impl WindowMemories {
    pub fn new(instance: &WindowProblem<'_>) -> Self {
        Self(MemoryStates::new(instance.resident.clone(), |content| instance.waits(content)))
    }

    /// By part, the least time that loading takes before a batch of it can begin.
    #[inline]
    pub fn waits(&self, memory: u32) -> &[Span] {
        self.0.fact(memory)
    }

    /// The time it takes to load a variant, none if it is resident, and the content after it ran.
    #[inline]
    pub fn run(
        &mut self,
        instance: &WindowProblem<'_>,
        memory: u32,
        choice: VariantOption,
    ) -> (Span, u32) {
        let what = (choice.variant, choice.load);
        self.0.run(&instance.view, memory, what, |content| instance.waits(content))
    }
}
