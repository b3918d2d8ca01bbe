//! Label-setting over single requests: batches are any subsets of an application's requests.
//!
//! In the bound of a label each unserved request begins alone after the least load of its
//! application. Of identical requests, the one with the lower index is served first: exchanging
//! them has no effect. No other exchange argument holds for every penalty.
//!
//! O(3ⁿ · variants · contents of memory · labels) at worst. Source: ours; dynamic programmes over
//! subsets go back to Held and Karp, J. SIAM 1962.

use super::bounds::RequestBounds;
use super::label_setting::{
    self, Extension, Labels, Limits, MOST_ITEMS, Moves, Origin, PartBatches, Step, members,
};
use super::memory_states::MemoryStates;
use super::window_problem::{PlanStep, VariantOption, WindowProblem};
use crate::core::ids::Request;
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::PlanValue;
use std::cmp::Ordering;

pub const MOST: usize = MOST_ITEMS;

/// A batch of some size on some variant, for any requests in it.
#[derive(Clone, Copy)]
struct BatchSize {
    finish: Time,
    /// The utility before, plus an upper bound of all unserved requests after `finish`.
    most: Score,
    /// The earliest end of the whole plan.
    least_finish: Time,
    /// By request: its utility in the batch, and its bound if it is served later.
    utilities: [(Score, Score); MOST],
}

struct RequestMoves<'p, 'v> {
    problem: &'p WindowProblem<'v>,
    bounds: &'p RequestBounds,
    memories: MemoryStates,
    /// By part, the least time to compute 0, 1, 2, … of its requests, without loads.
    least: Vec<Vec<Span>>,
    /// By request: the last identical one before it, as a set; empty if there is none.
    twin: [u32; MOST],
}

/// The best plan of at most [`MOST`] requests, at least as good as `known`; `None` if the proof
/// takes too long.
pub fn search(
    problem: &WindowProblem<'_>,
    bounds: &RequestBounds,
    known: PlanValue,
) -> Option<Vec<PlanStep>> {
    if problem.requests.len() > MOST {
        return None;
    }
    let (memories, least) = (MemoryStates::new(problem), least(problem));
    let mut moves = RequestMoves { problem, bounds, memories, least, twin: twins(problem) };
    let (_, steps) = label_setting::search(&mut moves, known, usize::MAX)?;
    let step =
        |step: Step| PlanStep { variant: step.variant, members: members(step.batch).collect() };
    Some(steps.into_iter().map(step).collect())
}

fn least(problem: &WindowProblem<'_>) -> Vec<Vec<Span>> {
    let mut by_part = Vec::new();
    for part in &problem.parts {
        let mut least = vec![Span::ZERO];
        for count in 1..=part.members.len() {
            let batches = part.options.iter().flat_map(|option| {
                let sizes = 1..=option.largest.min(count);
                sizes.map(|size| problem.latency(*option, size) + least[count - size])
            });
            least.push(batches.min().unwrap_or(Span::ZERO));
        }
        by_part.push(least);
    }
    by_part
}

fn twins(problem: &WindowProblem<'_>) -> [u32; MOST] {
    let mut twin = [0; MOST];
    for part in &problem.parts {
        for member in part.members.clone() {
            let before = part.members.start..member;
            let last = before.rev().find(|other| are_identical(problem, *other, member));
            twin[member] = last.map_or(0, |other| 1 << other);
        }
    }
    twin
}

/// Whether two requests have the same utility on every variant at every instant.
fn are_identical(problem: &WindowProblem<'_>, a: usize, b: usize) -> bool {
    let (view, a, b) = (&problem.view, &problem.requests[a], &problem.requests[b]);
    let accuracy = |request: &Request, variant| view.accuracy(request.id, variant).to_bits();
    (a.app, a.deadline, a.arrival) == (b.app, b.deadline, b.arrival)
        && view.variants(problem.worker, a.app).all(|v| accuracy(a, v) == accuracy(b, v))
}

impl RequestMoves<'_, '_> {
    /// A batch of `size` after a label, with the content of memory after it.
    fn batch_size(
        &self,
        origin: &Origin,
        memory: u32,
        part: usize,
        option: VariantOption,
        finish: Time,
        size: usize,
    ) -> BatchSize {
        let problem = self.problem;
        let (mut most, mut least_finish) = (origin.value.sum, finish);
        let mut utilities = [Default::default(); MOST];
        for (at, of) in problem.parts.iter().enumerate() {
            let wait = self.memories.waits(memory)[at];
            let row = self.bounds.row(finish + wait);
            let mut left = 0;
            for member in of.members.clone().filter(|m| origin.served & (1 << m) == 0) {
                let next = member + 1;
                let rest = if next < of.members.end { row[next] } else { Score::default() };
                let bound = row[member] - rest;
                most += bound;
                left += 1;
                if at == part {
                    utilities[member] = (problem.utility(member, option, finish), bound);
                }
            }
            left -= if at == part { size } else { 0 };
            if left > 0 {
                least_finish = least_finish + wait + self.least[at][left];
            }
        }
        BatchSize { finish, most, least_finish, utilities }
    }
}

impl Moves for RequestMoves<'_, '_> {
    /// About 100 MB, and several seconds.
    const LIMITS: Limits = Limits { inserted: usize::MAX, kept: 1 << 20, extensions: 1 << 26 };

    fn problem(&self) -> &WindowProblem<'_> {
        self.problem
    }

    fn items(&self) -> usize {
        self.problem.requests.len()
    }

    /// The subsets of each application's unserved requests.
    fn batches(&self, served: u32) -> Vec<PartBatches> {
        let parts = self.problem.parts.iter().enumerate();
        let batches = parts.map(|(part, of)| {
            let own = ((1u32 << of.members.len()) - 1) << of.members.start;
            let left = own & !served;
            let mut subsets = Vec::new();
            let mut subset = left;
            while subset != 0 {
                // A request is served with or after identical ones of lower index.
                if members(subset).all(|m| self.twin[m] & left & !subset == 0) {
                    subsets.push(subset);
                }
                subset = (subset - 1) & left;
            }
            subsets.reverse();
            PartBatches { part, left: left.count_ones() as usize, subsets }
        });
        batches.filter(|batches| batches.left > 0).collect()
    }

    fn extend(
        &mut self,
        origin: &Origin,
        batches: &PartBatches,
        option: VariantOption,
        labels: &mut Labels,
    ) {
        let (load, memory) = self.memories.run(self.problem, origin.memory, option);
        let begin = origin.value.finish + load;
        let size = |size| {
            let finish = begin + self.problem.latency(option, size);
            self.batch_size(origin, memory, batches.part, option, finish, size)
        };
        let sizes: Vec<BatchSize> = (1..=option.largest.min(batches.left)).map(size).collect();
        for batch in &batches.subsets {
            let Some(size) = sizes.get(batch.count_ones() as usize - 1) else { continue };
            let (mut sum, mut bound) = (origin.value.sum, size.most);
            for member in members(*batch) {
                let (utility, later) = size.utilities[member];
                sum += utility;
                bound = bound + utility - later;
            }
            if labels.may_be_best(bound, size.least_finish) {
                let step = Step { variant: option.variant, batch: *batch };
                let value = PlanValue { sum, finish: size.finish };
                labels.keep(self, origin, &Extension { step, memory, value, bound });
            }
        }
    }

    /// Batch by batch by variant, then by requests.
    fn listing_order(a: &[Step], b: &[Step]) -> Ordering {
        a.cmp(b)
    }
}
