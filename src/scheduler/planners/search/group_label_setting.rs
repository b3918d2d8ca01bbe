//! Exact search over group orders and variants when there are too many plans to try one by one:
//! a dynamic programme over subsets of the groups, the whole window on one worker of one lane.
//!
//! A label is (end, utility) of having served a set of groups with some content of memory. Of two
//! labels of one set and one content, the one that ends no earlier with no more utility is
//! dropped, since no penalty improves with time; so is one of another content of a single variant
//! if the other has time to load that first. A label is dropped, too, if all that the rest could
//! be worth after it does not reach the best plan known, which is that of a beam: the same search
//! with few labels of each size.
//!
//! Equal plans: the earlier end unless `tie_break = "listed"`, then the first in the order in which
//! enumeration lists them, by order of groups, then by variants. So of two labels of equal utility
//! one is dropped only if it would lose that, too: a beginning that is listed first is listed first
//! whatever follows.
//!
//! O(2^G · variants · contents · labels · G · Σ|M|) at worst; bounds leave little of it.
//! Source: ours; it finds the plan that the enumeration of [`super::exact`] finds.

use crate::contract::{Timeline, View};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::planners::group_planner::Group;
use crate::scheduler::planners::planning_window::PlanningWindow;
use crate::scheduler::planners::search::label_setting::members;
use crate::scheduler::planners::search::memory_states::MemoryStates;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::TieBreak;
use crate::system::lru_memory::LruMemory;
use std::cmp::{Ordering, Reverse};

/// More groups than this are not searched.
pub(in crate::scheduler) const MOST: usize = 12;
/// More labels than this are not kept: the search gives up.
const LABELS: usize = 200_000;
/// Labels of each size in the beam.
const BEAM: usize = 32;
/// At so many instants upper bounds are kept.
const INSTANTS: u64 = 48;

/// Contents of memory, each with the time in which any other becomes it, if one load does.
type ReachableMemory = MemoryStates<Option<Span>>;

/// One way to have served a set of groups.
#[derive(Clone, Copy)]
struct Label {
    end: Time,
    sum: Score,
    /// Which content the memory has.
    content: u32,
    /// The label before, the group served then, and on what.
    last: Option<(usize, usize, VariantId)>,
}

/// The groups of a window, as one worker could serve them.
struct GroupProblem<'w, 'v> {
    view: &'w View<'v>,
    groups: &'w [Group],
    worker: WorkerId,
    window: PlanningWindow,
    ties: TieBreak,
    /// By group: what can serve it, and how long that computes.
    choices: Vec<Vec<(VariantId, Span)>>,
    /// By group: the shortest of these.
    shortest: Vec<Span>,
    start: Time,
    /// From one instant of `hopes` to the next.
    gap: Span,
    /// By instant, then group: what the group is worth at best if it begins then or later.
    hopes: Vec<Score>,
    /// The contents of memory, each with the time in which any other becomes it.
    contents: ReachableMemory,
}

/// The best order and variants on `worker`, whose timeline ends at `cursor`, if it is at least
/// as good as `known`; `None` if there is none, or too many groups, lanes or labels.
pub(in crate::scheduler) fn search(
    view: &View<'_>,
    groups: &[Group],
    (worker, cursor): (WorkerId, &Timeline),
    (window, ties): (PlanningWindow, TieBreak),
    known: Score,
) -> Option<Vec<(usize, VariantId)>> {
    if groups.len() > MOST || cursor.lanes() != 1 {
        return None;
    }
    let mut instance = GroupProblem::new(view, groups, (worker, cursor), (window, ties))?;
    let beam = instance.grow(known, BEAM).and_then(|labels| labels.best());
    let known = beam.map_or(known, |best| known.max(best.sum));
    let labels = instance.grow(known, usize::MAX)?;
    let best = labels.best()?;
    let (groups, variants) = labels.listed(&best);
    Some(groups.into_iter().zip(variants).collect())
}

/// What a search keeps.
struct Labels {
    ties: TieBreak,
    all: Vec<Label>,
    /// By set of groups: the labels that nothing dominates.
    open: Vec<Vec<usize>>,
}

impl Labels {
    /// The best label of all groups.
    fn best(&self) -> Option<Label> {
        let ends = self.open.last()?.iter().map(|at| self.all[*at]);
        ends.reduce(|best, label| {
            let tied =
                (Reverse(label.sum), self.end(&label)).cmp(&(Reverse(best.sum), self.end(&best)));
            if tied.then_with(|| self.listed(&label).cmp(&self.listed(&best))).is_lt() {
                label
            } else {
                best
            }
        })
    }

    /// The end of a label as far as it tells equal plans apart.
    fn end(&self, label: &Label) -> Option<Time> {
        (self.ties == TieBreak::EarliestFinish).then_some(label.end)
    }

    /// The groups and variants that led to a label, in order: its place in listing order.
    fn listed(&self, label: &Label) -> (Vec<usize>, Vec<VariantId>) {
        let (mut groups, mut variants) = (Vec::new(), Vec::new());
        let mut last = label.last;
        while let Some((before, group, variant)) = last {
            groups.push(group);
            variants.push(variant);
            last = self.all[before].last;
        }
        groups.reverse();
        variants.reverse();
        (groups, variants)
    }

    /// Keeps a label unless another of its set is as good. `contents` tell the
    /// time in which any other becomes one.
    fn keep(&mut self, set: u32, label: Label, contents: &ReachableMemory) {
        let mut front = std::mem::take(&mut self.open[set as usize]);
        if !front.iter().any(|at| self.as_good(&self.all[*at], &label, contents)) {
            front.retain(|at| !self.as_good(&label, &self.all[*at], contents));
            front.push(self.all.len());
            self.all.push(label);
        }
        self.open[set as usize] = front;
    }

    /// Whether no plan that begins as `b` does is better than the one that begins as `a` does and
    /// goes on in the same way.
    #[inline]
    fn as_good(&self, a: &Label, b: &Label, contents: &ReachableMemory) -> bool {
        let extra =
            if a.content == b.content { Some(Span::ZERO) } else { *contents.fact(b.content) };
        let Some(end) = extra.map(|extra| a.end + extra).filter(|end| *end <= b.end) else {
            return false;
        };
        match a.sum.cmp(&b.sum) {
            Ordering::Less => false,
            Ordering::Greater => true,
            Ordering::Equal if self.ties == TieBreak::EarliestFinish && end < b.end => true,
            Ordering::Equal => self.listed(a) <= self.listed(b),
        }
    }
}

impl<'w, 'v> GroupProblem<'w, 'v> {
    /// `None` if the worker cannot serve every group.
    fn new(
        view: &'w View<'v>,
        groups: &'w [Group],
        (worker, cursor): (WorkerId, &Timeline),
        (window, ties): (PlanningWindow, TieBreak),
    ) -> Option<Self> {
        let span = |group: &Group, variant| {
            let batches = group.requests.chunks(window.largest(view, worker, variant).max(1));
            batches.fold(Span::ZERO, |sum, b| sum + view.expected_latency(worker, variant, b.len()))
        };
        let choices = |group: &Group| -> Vec<(VariantId, Span)> {
            group.allowed.on(view, worker).map(|variant| (variant, span(group, variant))).collect()
        };
        let choices: Vec<_> = groups.iter().map(choices).collect();
        let shortest = choices.iter().map(|own| own.iter().map(|(_, span)| *span).min());
        let mut instance = Self {
            shortest: shortest.collect::<Option<_>>()?,
            view,
            groups,
            worker,
            window,
            ties,
            choices,
            start: cursor.free_at(),
            gap: Span(1),
            hopes: Vec::new(),
            contents: MemoryStates::new(cursor.memory().clone(), |content| {
                Self::reach(view, worker, content)
            }),
        };
        instance.upper_bound();
        Some(instance)
    }

    /// Tabulates what groups are worth at best, at instants from the start to well after the last
    /// deadline.
    fn upper_bound(&mut self) {
        let requests = self.groups.iter().flat_map(|group| &group.requests);
        let last = requests.map(|request| request.deadline.since(self.start)).max();
        self.gap = Span(last.unwrap_or_default().scale(2.0).0 / INSTANTS + 1);
        for instant in 0..INSTANTS {
            let now = self.start + Span(self.gap.0 * instant);
            for group in 0..self.groups.len() {
                let served = |(variant, _): &(VariantId, Span)| self.serve(group, *variant, now).1;
                let best = self.choices[group].iter().map(served).max();
                self.hopes.push(best.unwrap_or_default());
            }
        }
    }

    /// When a group that begins to compute at `now` ends, and what it is worth.
    fn serve(&self, group: usize, variant: VariantId, now: Time) -> (Time, Score) {
        let (mut end, mut sum) = (now, Score::default());
        let largest = self.window.largest(self.view, self.worker, variant);
        for batch in self.groups[group].requests.chunks(largest.max(1)) {
            end += self.view.expected_latency(self.worker, variant, batch.len());
            batch.iter().for_each(|r| sum += Score::of(self.view.utility(r, variant, end)));
        }
        (end, sum)
    }

    /// What a group is worth at best if it begins at `now` or later.
    fn hoped(&self, group: usize, now: Time) -> Score {
        let instant = (now.since(self.start).0 / self.gap.0).min(INSTANTS - 1) as usize;
        self.hopes[instant * self.groups.len() + group]
    }

    /// What the groups of a set are worth at best after `now`: one of them begins then, the others
    /// when at least the shortest has been computed.
    fn bound(&self, set: u32, now: Time) -> Score {
        let Some(shortest) = members(set).map(|group| self.shortest[group]).min() else {
            return Score::default();
        };
        let (mut sum, mut first) = (Score::default(), Score::default());
        for group in members(set) {
            let later = self.hoped(group, now + shortest);
            sum += later;
            first = first.max(self.hoped(group, now) - later);
        }
        sum + first
    }

    /// The time in which any other content of memory becomes this one, if one load always does:
    /// where no two variants fit together, loading one makes it the whole content.
    fn reach(view: &View<'_>, worker: WorkerId, content: &LruMemory) -> Option<Span> {
        let catalog = view.catalog();
        let bytes = |variant: VariantId| catalog.variant(variant).bytes;
        let loaded = catalog.variant_ids().filter(|variant| !catalog.is_peek(*variant));
        let least = loaded.map(bytes).min().unwrap_or(0);
        let room = catalog.worker(worker).memory_bytes;
        let only = content.iter().next().filter(|only| bytes(*only).saturating_add(least) > room);
        only.map(|only| view.load_span(worker, only))
    }

    /// The time to load a variant into a memory of this content, and the content after it ran.
    fn run(&mut self, content: u32, variant: VariantId) -> (Span, u32) {
        let (view, worker) = (self.view, self.worker);
        let load = view.load_span(worker, variant);
        self.contents.run(view, content, (variant, load), |new| Self::reach(view, worker, new))
    }

    /// Every label that may lead to a plan of at least `known`; of each size only the `width` most
    /// promising are extended. `None` if there are too many.
    fn grow(&mut self, known: Score, width: usize) -> Option<Labels> {
        let count = self.groups.len();
        let all = (1u32 << count) - 1;
        let root = Label { end: self.start, sum: Score::default(), content: 0, last: None };
        let open = vec![Vec::new(); 1 << count];
        let mut labels = Labels { ties: self.ties, all: vec![root], open };
        labels.open[0].push(0);
        let mut sets: Vec<u32> = (0..all).collect();
        sets.sort_by_key(|set| set.count_ones());
        for level in sets.chunk_by(|a, b| a.count_ones() == b.count_ones()) {
            for (set, from) in self.promising(&mut labels, level, all, width) {
                self.extend(&mut labels, set, from, all, known);
            }
            if labels.all.len() > LABELS {
                return None;
            }
        }
        Some(labels)
    }

    /// The labels of sets of one size that are worth most, with what the rest may add.
    fn promising(
        &self,
        labels: &mut Labels,
        level: &[u32],
        all: u32,
        width: usize,
    ) -> Vec<(u32, usize)> {
        let mut found = Vec::new();
        for set in level {
            let fronts = std::mem::take(&mut labels.open[*set as usize]);
            found.extend(fronts.into_iter().map(|at| (*set, at)));
        }
        if found.len() > width {
            let promise = |(set, at): &(u32, usize)| {
                let label = &labels.all[*at];
                Reverse(label.sum + self.bound(all & !set, label.end))
            };
            found.sort_by_cached_key(promise);
            found.truncate(width);
        }
        found
    }

    /// Serves each of the other groups after a label, on each variant.
    fn extend(&mut self, labels: &mut Labels, set: u32, from: usize, all: u32, known: Score) {
        let label = labels.all[from];
        for group in members(all & !set) {
            let next = set | 1 << group;
            for at in 0..self.choices[group].len() {
                let (variant, span) = self.choices[group][at];
                let (load, content) = self.run(label.content, variant);
                let begin = label.end + load;
                let rest = self.bound(all & !next, begin + span);
                if label.sum + self.hoped(group, begin) + rest < known {
                    continue;
                }
                let (end, worth) = self.serve(group, variant, begin);
                let sum = label.sum + worth;
                if sum + rest >= known {
                    let last = Some((from, group, variant));
                    labels.keep(next, Label { end, sum, content, last }, &self.contents);
                }
            }
        }
    }
}
