//! The optimal plan of a window: a dynamic programme over sets of items, which are single requests
//! ([`super::request_moves`]) or whole groups ([`super::group_moves`]), on one worker with one
//! lane.
//!
//! A label is (end, utility) after a set of items, with the content of the memory. Of two labels of
//! one set and one content, the one that ends no earlier with no more utility is dominated, since
//! penalties never fall with time; so is one of another content if the other has time to load that
//! content first (`Moves::reach`). A label is also dropped if its utility and an upper bound of the
//! rest are below a known plan.
//!
//! Of labels of equal value, the one whose plan is first in listing order is kept, for any content
//! of memory: listing order is that of prefixes.
//!
//! With a limited `width` only that many labels of sets of equal size are extended, those with the
//! highest bound: a beam search without proof.
//!
//! The two kinds of moves differ in batches, bounds and listing order: enumeration lists plans of
//! groups by groups, then variants, and a batch of requests is any subset of an application. A
//! common bound would be weaker, and the search slower.

use super::window_problem::{VariantOption, WindowProblem};
use crate::core::ids::VariantId;
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::{PlanValue, TieBreak};
use std::cmp::{Ordering, Reverse};

/// The most items of any problem.
pub const MOST_ITEMS: usize = 16;

/// The items of a problem, and how labels are extended.
pub trait Moves {
    const LIMITS: Limits;

    fn problem(&self) -> &WindowProblem<'_>;

    fn items(&self) -> usize;

    /// The batches of items that may come next, by part.
    fn batches(&self, served: u32) -> Vec<PartBatches>;

    /// Extends a label by every batch of a part on one variant.
    fn extend(
        &mut self,
        origin: &Origin,
        batches: &PartBatches,
        option: VariantOption,
        labels: &mut Labels,
    );

    /// The time of a load that turns any content of memory into this one, if there is one.
    fn reach(&self, _memory: u32) -> Option<Span> {
        None
    }

    /// Which of two plans of the same items is listed first.
    fn listing_order(a: &[Step], b: &[Step]) -> Ordering;
}

/// A search that exceeds a limit fails.
pub struct Limits {
    /// Labels, including those that were dropped later.
    pub inserted: usize,
    /// Labels that are not dominated.
    pub kept: usize,
    pub extensions: u64,
}

/// Items of one part that may be served next.
pub struct PartBatches {
    pub part: usize,
    /// The number of unserved items of the part.
    pub left: usize,
    /// Sets of items that may be the next batch.
    pub subsets: Vec<u32>,
}

/// A batch of items on a variant. The order is by variant, then by items.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    pub variant: VariantId,
    /// The items, as a set.
    pub batch: u32,
}

/// The last step of a label, and the node of the one before.
#[derive(Clone, Copy, Debug)]
struct Node {
    before: u32,
    step: Step,
}

/// The node of the first label.
const ROOT: Node = Node { before: u32::MAX, step: Step { variant: VariantId(0), batch: 0 } };

/// A sequence of steps that serves a set of items.
#[derive(Clone, Copy, Debug)]
struct Label {
    value: PlanValue,
    /// An upper bound on the utility of a whole plan.
    bound: Score,
    /// The number of labels inserted before.
    number: u32,
    last: Node,
}

/// The non-dominated labels of a set and a content of memory, by end and utility.
#[derive(Debug)]
struct State {
    memory: u32,
    labels: Vec<Label>,
}

pub struct Origin {
    pub served: u32,
    pub memory: u32,
    pub value: PlanValue,
    bound: Score,
    number: u32,
    /// Index into `Labels::nodes`.
    node: u32,
}

pub struct Extension {
    pub step: Step,
    pub memory: u32,
    pub value: PlanValue,
    /// An upper bound on the utility of a whole plan.
    pub bound: Score,
}

pub struct Labels {
    pub known: PlanValue,
    tie_break: TieBreak,
    /// By set of served items.
    open: Vec<Vec<State>>,
    /// Of the labels that were extended.
    nodes: Vec<Node>,
    inserted: usize,
    kept: usize,
    extensions: u64,
}

/// The best plan and its value; `None` if no plan is as good as `known`, or a limit is exceeded.
pub fn search<M: Moves>(
    moves: &mut M,
    known: PlanValue,
    width: usize,
) -> Option<(PlanValue, Vec<Step>)> {
    let all = (1u32 << moves.items()) - 1;
    let mut labels = Labels::new(moves.problem(), known, all);
    let mut sets: Vec<u32> = (0..all).collect();
    sets.sort_by_key(|set| set.count_ones());
    for level in sets.chunk_by(|a, b| a.count_ones() == b.count_ones()) {
        let origins = labels.close(level, width);
        for of_one_set in origins.chunk_by(|a, b| a.served == b.served) {
            let batches = moves.batches(of_one_set[0].served);
            for origin in of_one_set {
                for batches in &batches {
                    for at in 0..moves.problem().parts[batches.part].options.len() {
                        let option = moves.problem().parts[batches.part].options[at];
                        moves.extend(origin, batches, option, &mut labels);
                    }
                }
                if labels.exceed(&M::LIMITS) {
                    return None;
                }
            }
        }
    }
    labels.best::<M>()
}

impl Labels {
    fn new(problem: &WindowProblem<'_>, known: PlanValue, all: u32) -> Self {
        let mut open = Vec::new();
        open.resize_with(all as usize + 1, Vec::new);
        let value = PlanValue { sum: Score::default(), finish: problem.start };
        let root = Label { value, bound: Score::default(), number: 0, last: ROOT };
        open[0].push(State { memory: 0, labels: vec![root] });
        let tie_break = problem.tie_break;
        Self { known, tie_break, open, nodes: Vec::new(), inserted: 1, kept: 1, extensions: 0 }
    }

    fn exceed(&self, limits: &Limits) -> bool {
        self.inserted > limits.inserted
            || self.kept > limits.kept
            || self.extensions > limits.extensions
    }

    /// Removes the labels of the sets of a level, and returns those to be extended, at most
    /// `width`.
    fn close(&mut self, level: &[u32], width: usize) -> Vec<Origin> {
        let mut origins = Vec::new();
        for served in level {
            let first = origins.len();
            for State { memory, labels } in std::mem::take(&mut self.open[*served as usize]) {
                for Label { value, bound, number, last } in labels {
                    let node = self.nodes.len() as u32;
                    self.nodes.push(last);
                    origins.push(Origin { served: *served, memory, value, bound, number, node });
                }
            }
            origins[first..].sort_unstable_by_key(|origin| origin.number);
        }
        if origins.len() > width {
            origins.sort_by_key(|origin| Reverse(origin.bound));
            origins.truncate(width);
        }
        origins
    }

    /// Counts an extension; whether a plan that continues it may be as good as the known one, given
    /// an upper bound of its utility and the earliest end.
    #[inline]
    pub fn may_be_best(&mut self, most: Score, finish: Time) -> bool {
        self.extensions += 1;
        (self.known.sum, finish) <= (most, self.known.finish)
    }

    /// Keeps a label unless it is dominated by another of its set, and drops those it dominates.
    pub fn keep<M: Moves>(&mut self, moves: &M, origin: &Origin, extension: &Extension) {
        let Extension { step, memory, value, bound } = *extension;
        let last = Node { before: origin.node, step };
        let label = Label { value, bound, number: self.inserted as u32, last };
        let served = (origin.served | step.batch) as usize;
        let mut states = std::mem::take(&mut self.open[served]);
        let place = states.binary_search_by_key(&memory, |state| state.memory);
        let own = place.ok().map(|at| (&states[at], Span::ZERO));
        let others = moves.reach(memory).into_iter().flat_map(|load| {
            let others = states.iter().filter(|state| state.memory != memory);
            others.map(move |state| (state, load))
        });
        let mut rivals = own.into_iter().chain(others);
        if !rivals.any(|(state, load)| self.is_dominated::<M>(state, load, &label)) {
            let at = place.unwrap_or_else(|at| {
                states.insert(at, State { memory, labels: Vec::new() });
                at
            });
            for state in states.iter_mut().filter(|state| state.memory != memory) {
                if let Some(load) = moves.reach(state.memory) {
                    let dominated = self.dominated::<M>(state, load, &label);
                    self.kept -= dominated.len();
                    state.labels.drain(dominated);
                }
            }
            let dominated = self.dominated::<M>(&states[at], Span::ZERO, &label);
            self.kept = self.kept + 1 - dominated.len();
            self.inserted += 1;
            states[at].labels.splice(dominated, [label]);
        }
        self.open[served] = states;
    }

    /// Whether a label of `state` dominates `label`, whose content it reaches by `load`. The last
    /// one that ends early enough is the best of those.
    #[inline]
    fn is_dominated<M: Moves>(&self, state: &State, load: Span, label: &Label) -> bool {
        let at = state.labels.partition_point(|o| o.value.finish + load <= label.value.finish);
        state.labels[..at].last().is_some_and(|other| self.as_good::<M>(other, label, load))
    }

    /// The labels of `state` that `label` dominates, if it reaches their content by `load`.
    #[inline]
    fn dominated<M: Moves>(
        &self,
        state: &State,
        load: Span,
        label: &Label,
    ) -> std::ops::Range<usize> {
        let finish = label.value.finish + load;
        let first = state.labels.partition_point(|other| other.value.finish < finish);
        let later = state.labels[first..].iter();
        first..first + later.take_while(|other| self.as_good::<M>(label, other, load)).count()
    }

    /// Whether no plan with the prefix `b` is better than the one with the prefix `a`, `load` after
    /// it, and the same continuation.
    #[inline]
    fn as_good<M: Moves>(&self, a: &Label, b: &Label, load: Span) -> bool {
        let after = PlanValue { finish: a.value.finish + load, ..a.value };
        let order = self.tie_break.compare(after, b.value);
        order.then_with(|| self.listing_order::<M>(b, a)).is_ge()
    }

    /// The listing order of the plans of two labels of the same items.
    fn listing_order<M: Moves>(&self, a: &Label, b: &Label) -> Ordering {
        if a.last.before == b.last.before {
            return a.last.step.cmp(&b.last.step);
        }
        let ((a, first_a), (b, first_b)) = (self.path(a), self.path(b));
        M::listing_order(&a[first_a..], &b[first_b..])
    }

    /// The steps of a label in order, from an index on.
    fn path(&self, label: &Label) -> ([Step; MOST_ITEMS], usize) {
        let (mut path, mut first) = ([ROOT.step; MOST_ITEMS], MOST_ITEMS);
        let mut last = label.last;
        while last.before != ROOT.before {
            first -= 1;
            path[first] = last.step;
            last = self.nodes[last.before as usize];
        }
        (path, first)
    }

    fn best<M: Moves>(&self) -> Option<(PlanValue, Vec<Step>)> {
        let labels = self.open.last()?.iter().flat_map(|state| &state.labels);
        let best = labels.reduce(|best, label| {
            let order = self.tie_break.compare(label.value, best.value);
            if order.then_with(|| self.listing_order::<M>(best, label)).is_gt() {
                label
            } else {
                best
            }
        })?;
        let (path, first) = self.path(best);
        Some((best.value, path[first..].to_vec()))
    }
}

/// The members of a set, lowest first.
pub fn members(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let member = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        member
    })
}
