//! Label-setting over whole groups on one worker with one lane and no link. It finds the same plan
//! as [`super::enumerate`].
//!
//! In the bound of a label one of the unserved groups begins at once, the others after the fastest
//! of them. A beam search gives the first lower bound.
//!
//! O(2^G · variants · contents · labels · G · Σ|M|) at worst; bounds leave little of it. Source:
//! ours.

use super::bounds::PartBounds;
use super::label_setting::{
    self, Extension, Labels, Limits, Moves, Origin, PartBatches, Step, members,
};
use super::memory_states::MemoryStates;
use super::window_problem::{PlanStep, VariantOption, WindowProblem};
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::PlanValue;
use std::cmp::Ordering;

const MOST: usize = 12;
const BEAM: usize = 32;
/// Up to this many groups, a beam search costs as much as the whole one.
const FEW: usize = 4;

struct GroupMoves<'p, 'v> {
    problem: &'p WindowProblem<'v>,
    bounds: PartBounds,
    memories: MemoryStates,
    /// By group, the shortest time to compute it.
    shortest: Vec<Span>,
}

/// The best order and variants of the groups with a utility of at least `least`, and its value;
/// `None` if there is no such plan, too many groups or labels, several lanes, or a link.
pub fn search(problem: &WindowProblem<'_>, mut least: Score) -> Option<(PlanValue, Vec<PlanStep>)> {
    let backlog = &problem.backlog;
    if problem.parts.len() > MOST || backlog.lanes() != 1 || backlog.is_remote() {
        return None;
    }
    let shortest = problem.parts.iter().map(|part| part.options.iter().map(|o| o.whole).min());
    let mut moves = GroupMoves {
        shortest: shortest.collect::<Option<_>>()?,
        problem,
        bounds: PartBounds::new(problem),
        memories: MemoryStates::new(problem),
    };
    // Plans of the known utility are kept, however late they end.
    let known = |sum| PlanValue { sum, finish: Time::MAX };
    if problem.parts.len() > FEW {
        let beam = label_setting::search(&mut moves, known(least), BEAM);
        least = beam.map_or(least, |(best, _)| least.max(best.sum));
    }
    let (value, steps) = label_setting::search(&mut moves, known(least), usize::MAX)?;
    let parts = steps.iter().map(|step| (step.batch.trailing_zeros() as usize, step.variant));
    Some((value, problem.steps_of_parts(parts)))
}

impl GroupMoves<'_, '_> {
    /// An upper bound on the utility of the groups of a set after `now`: one of them begins then,
    /// the others after the shortest.
    fn bound(&mut self, set: u32, now: Time) -> Score {
        self.bound_by(set, now, |moves, group, time| moves.bounds.of(moves.problem, group, time))
    }

    /// A bound that is no lower, from bounds of groups that are computed already.
    fn loose_bound(&mut self, set: u32, now: Time) -> Score {
        self.bound_by(set, now, Self::loose_bound_of)
    }

    fn loose_bound_of(&mut self, group: usize, time: Time) -> Score {
        let known = self.bounds.known(group, time);
        known.unwrap_or_else(|| self.bounds.of(self.problem, group, self.problem.start))
    }

    fn bound_by(
        &mut self,
        set: u32,
        now: Time,
        of: impl Fn(&mut Self, usize, Time) -> Score,
    ) -> Score {
        let Some(shortest) = members(set).map(|group| self.shortest[group]).min() else {
            return Score::default();
        };
        let (mut sum, mut first) = (Score::default(), Score::default());
        for group in members(set) {
            let later = of(self, group, now + shortest);
            sum += later;
            first = first.max(of(self, group, now) - later);
        }
        sum + first
    }
}

impl Moves for GroupMoves<'_, '_> {
    const LIMITS: Limits = Limits { inserted: 200_000, kept: usize::MAX, extensions: u64::MAX };

    fn problem(&self) -> &WindowProblem<'_> {
        self.problem
    }

    fn items(&self) -> usize {
        self.problem.parts.len()
    }

    fn batches(&self, served: u32) -> Vec<PartBatches> {
        let groups = (0..self.items()).filter(|group| served & (1 << group) == 0);
        groups.map(|part| PartBatches { part, left: 1, subsets: vec![1 << part] }).collect()
    }

    fn extend(
        &mut self,
        origin: &Origin,
        batches: &PartBatches,
        option: VariantOption,
        labels: &mut Labels,
    ) {
        let (group, batch) = (batches.part, 1 << batches.part);
        let begin = origin.value.finish + self.memories.load(self.problem, origin.memory, option);
        let left = !(origin.served | batch) & ((1u32 << self.items()) - 1);
        let loose = self.loose_bound(left, begin + option.whole);
        let at_best = origin.value.sum + self.loose_bound_of(group, begin) + loose;
        if !labels.may_be_best(at_best, begin) {
            return;
        }
        let PlanValue { sum, finish } = self.problem.serve_whole(group, option, begin);
        let value = PlanValue { sum: origin.value.sum + sum, finish };
        if !labels.may_be_best(value.sum + loose, finish) {
            return;
        }
        let bound = value.sum + self.bound(left, finish);
        if labels.may_be_best(bound, finish) {
            let step = Step { variant: option.variant, batch };
            let memory = self.memories.after(self.problem, origin.memory, option);
            labels.keep(self, origin, &Extension { step, memory, value, bound });
        }
    }

    fn reach(&self, memory: u32) -> Option<Span> {
        self.memories.reach(memory)
    }

    /// By the order of groups, then by variants.
    fn listing_order(a: &[Step], b: &[Step]) -> Ordering {
        let groups = a.iter().map(|step| step.batch).cmp(b.iter().map(|step| step.batch));
        let variants = || a.iter().map(|step| step.variant).cmp(b.iter().map(|step| step.variant));
        groups.then_with(variants)
    }
}
