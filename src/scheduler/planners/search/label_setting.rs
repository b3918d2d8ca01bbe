//! The best plan of a window, proved: a dynamic programme over subsets of its requests.
//!
//! A state is the set of requests served so far and the content of the memory; its labels are
//! (time, utility) pairs, of which only the non-dominated are kept: whoever is there earlier and
//! with no less utility can do whatever another can, and no penalty improves with time. A label is
//! extended by every subset of one application's unserved requests, up to the largest batch, on
//! every variant. A label is dropped if its utility and all that the rest could be worth, each
//! request by itself at once, fall short of a plan that is known already.
//!
//! Of labels that are equal, the one whose plan comes first in listing order is kept: batch by
//! batch by variant, then by requests. Ties are broken alike whatever the memory holds.
//!
//! Of requests that are alike, the earlier numbered is served first: exchanging them changes
//! nothing. No other exchange argument holds for every penalty.
//!
//! O(3ⁿ · variants · contents of memory · labels) at worst.

use crate::core::units::{Span, Time};
use crate::scheduler::planners::search::window_problem::{
    PlanStep, PlanValue, VariantOption, WindowMemories, WindowProblem,
};
use crate::scheduler::score::Score;

/// The most requests that are tried.
pub(in crate::scheduler) const MOST: usize = 16;
/// The most labels kept, some 100 MB.
const LABELS: usize = 1 << 20;
/// The most extensions tried, some seconds.
const EXTENSIONS: u64 = 1 << 26;

/// One way to have served a set of requests.
#[derive(Clone, Copy, Debug)]
struct Label {
    time: Time,
    sum: Score,
    /// The batch that led here.
    last: Node,
}

/// The last batch of a label, and the node of the one before.
#[derive(Clone, Copy, Debug)]
struct Node {
    before: u32,
    batch: u32,
    choice: Option<VariantOption>,
}

/// The non-dominated labels of a set and a content of memory, earliest and least worth first.
#[derive(Debug)]
struct State {
    memory: u32,
    labels: Vec<Label>,
}

/// The unserved requests of one application while a set is extended.
struct Batches {
    part: usize,
    left: usize,
    /// Subsets that may be the next batch.
    subsets: Vec<u32>,
}

/// What is extended.
#[derive(Clone, Copy)]
struct Origin<'l> {
    served: u32,
    memory: u32,
    label: &'l Label,
    /// Where its last batch is kept.
    node: u32,
}

/// What a batch of some size on some variant comes to, whoever is in it.
#[derive(Clone, Copy)]
struct Size {
    time: Time,
    /// The utility before, and what all that is unserved may be worth after `time`.
    most: Score,
    /// When the whole plan ends at the earliest.
    least_finish: Time,
    /// By request: its utility in the batch, and its hope if it is left for later.
    worth: [(Score, Score); MOST],
}

struct Search<'i, 'v> {
    instance: &'i WindowProblem<'v>,
    /// A plan that is known.
    known: PlanValue,
    memories: WindowMemories,
    /// By set of served requests.
    open: Vec<Vec<State>>,
    nodes: Vec<Node>,
    /// By request: the one before it that is alike, as a set.
    twin: [u32; MOST],
    labels: usize,
    extensions: u64,
}

/// The best plan of at most [`MOST`] requests, at least as good as one of value `known`; `None`
/// if it takes too long to prove one.
pub(in crate::scheduler) fn search(
    instance: &WindowProblem<'_>,
    known: PlanValue,
) -> Option<(PlanValue, Vec<PlanStep>)> {
    if instance.len() > MOST {
        return None;
    }
    let all = (1usize << instance.len()) - 1;
    let mut search = Search {
        instance,
        known,
        memories: WindowMemories::new(instance),
        open: Vec::new(),
        nodes: Vec::new(),
        twin: twins(instance),
        labels: 1,
        extensions: 0,
    };
    search.open.resize_with(all + 1, Vec::new);
    let last = Node { before: u32::MAX, batch: 0, choice: None };
    let root = Label { time: instance.start, sum: Score::default(), last };
    search.open[0].push(State { memory: 0, labels: vec![root] });
    for served in 0..all {
        search.extend(served as u32)?;
    }
    search.best()
}

/// By request: the one before it that is alike, as a set; empty if there is none.
fn twins(instance: &WindowProblem<'_>) -> [u32; MOST] {
    let mut twin = [0; MOST];
    for part in &instance.parts {
        for member in part.members.clone() {
            let before = part.members.start..member;
            let alike = before.rev().find(|other| instance.alike(*other, member));
            twin[member] = alike.map_or(0, |other| 1 << other);
        }
    }
    twin
}

impl Search<'_, '_> {
    /// Extends every label of a set by every batch.
    fn extend(&mut self, served: u32) -> Option<()> {
        let states = std::mem::take(&mut self.open[served as usize]);
        if states.is_empty() {
            return Some(());
        }
        let batches = self.batches(served);
        for state in states {
            self.labels -= state.labels.len();
            for label in &state.labels {
                let node = self.nodes.len() as u32;
                self.nodes.push(label.last);
                let from = Origin { served, memory: state.memory, label, node };
                for batches in &batches {
                    for at in 0..self.instance.parts[batches.part].choices.len() {
                        let choice = self.instance.parts[batches.part].choices[at];
                        self.batch(from, batches, choice);
                    }
                }
                if self.nodes.len() + self.labels > LABELS || self.extensions > EXTENSIONS {
                    return None;
                }
            }
        }
        Some(())
    }

    /// The subsets of each application's unserved requests.
    fn batches(&self, served: u32) -> Vec<Batches> {
        let parts = self.instance.parts.iter().enumerate();
        let batches = parts.map(|(part, of)| {
            let own = ((1u32 << of.members.len()) - 1) << of.members.start;
            let left = own & !served;
            let mut subsets = Vec::new();
            let mut subset = left;
            while subset != 0 {
                // A request goes with or after those before it that are alike.
                let fits = members(subset).all(|m| self.twin[m] & left & !subset == 0);
                if fits {
                    subsets.push(subset);
                }
                subset = (subset - 1) & left;
            }
            subsets.reverse();
            Batches { part, left: left.count_ones() as usize, subsets }
        });
        batches.filter(|batches| batches.left > 0).collect()
    }

    /// Extends a label by every batch of one application on one variant.
    fn batch(&mut self, from: Origin<'_>, batches: &Batches, choice: VariantOption) {
        let (load, memory) = self.memories.run(self.instance, from.memory, choice);
        let largest = choice.largest.min(batches.left);
        let after = Origin { memory, ..from };
        let size = |size| self.size(after, batches, choice, load, size);
        let sizes: Vec<Size> = (1..=largest).map(size).collect();
        for subset in &batches.subsets {
            let Some(size) = sizes.get(subset.count_ones() as usize - 1) else { continue };
            let (mut sum, mut most) = (from.label.sum, size.most);
            for member in members(*subset) {
                let (worth, hope) = size.worth[member];
                sum += worth;
                most = most + worth - hope;
            }
            self.extensions += 1;
            if !self.known.beats(PlanValue { sum: most, finish: size.least_finish }) {
                let last = Node { before: from.node, batch: *subset, choice: Some(choice) };
                let label = Label { time: size.time, sum, last };
                self.keep(from.served | subset, memory, label);
            }
        }
    }

    /// A batch of `size` with the label before it and the content of memory after it.
    fn size(
        &self,
        after: Origin<'_>,
        batches: &Batches,
        choice: VariantOption,
        load: Span,
        size: usize,
    ) -> Size {
        let instance = self.instance;
        let time = after.label.time + load + instance.latency(choice, size);
        let (mut most, mut least_finish) = (after.label.sum, time);
        let mut worth = [Default::default(); MOST];
        for (at, part) in instance.parts.iter().enumerate() {
            let wait = self.memories.waits(after.memory)[at];
            let row = instance.row(time + wait);
            let mut left = 0;
            for member in part.members.clone().filter(|m| after.served & (1 << m) == 0) {
                let next = member + 1;
                let rest = if next < part.members.end { row[next] } else { Score::default() };
                let hope = row[member] - rest;
                most += hope;
                left += 1;
                if at == batches.part {
                    worth[member] = (instance.worth(member, choice, time), hope);
                }
            }
            left -= if at == batches.part { size } else { 0 };
            if left > 0 {
                least_finish = least_finish + wait + instance.least(at, left);
            }
        }
        Size { time, most, least_finish, worth }
    }

    /// Keeps a label unless another is there as early with as much.
    fn keep(&mut self, served: u32, memory: u32, label: Label) {
        let mut states = std::mem::take(&mut self.open[served as usize]);
        let at = match states.binary_search_by_key(&memory, |state| state.memory) {
            Ok(at) => at,
            Err(at) => {
                states.insert(at, State { memory, labels: Vec::new() });
                at
            }
        };
        self.add(&mut states[at].labels, label);
        self.open[served as usize] = states;
    }

    /// Adds a label to those that it does not dominate and that do not dominate it.
    fn add(&mut self, labels: &mut Vec<Label>, label: Label) {
        let at = labels.partition_point(|other| other.time < label.time);
        if labels[..at].last().is_some_and(|earlier| earlier.sum >= label.sum) {
            return;
        }
        if let Some(other) = labels.get(at).filter(|other| other.time == label.time) {
            let listed = other.sum == label.sum && self.listed_before(&label, other);
            if other.sum >= label.sum && !listed {
                return;
            }
        }
        let less = labels[at..].iter().take_while(|other| other.sum <= label.sum).count();
        self.labels = self.labels + 1 - less;
        labels.splice(at..at + less, [label]);
    }

    /// Whether the plan of one label comes before that of another for the same requests.
    fn listed_before(&self, a: &Label, b: &Label) -> bool {
        let key = |node: Node| (node.choice.map(|choice| choice.variant), node.batch);
        if a.last.before == b.last.before {
            return key(a.last) < key(b.last);
        }
        let path = |label: &Label| {
            // Batches stand at the end of the array, in order.
            let (mut path, mut first) = ([(None, 0); MOST], MOST);
            let mut last = label.last;
            while last.choice.is_some() {
                first -= 1;
                path[first] = key(last);
                last = self.nodes[last.before as usize];
            }
            (path, first)
        };
        let ((a, first_a), (b, first_b)) = (path(a), path(b));
        a[first_a..] < b[first_b..]
    }

    /// The best label of all requests, and its batches.
    fn best(&self) -> Option<(PlanValue, Vec<PlanStep>)> {
        let labels = self.open.last()?.iter().flat_map(|state| &state.labels);
        let value = |label: &Label| PlanValue { sum: label.sum, finish: label.time };
        let best = labels.reduce(|best, label| {
            let equal = value(label) == value(best);
            let beats = value(label).beats(value(best)) || equal && self.listed_before(label, best);
            if beats { label } else { best }
        })?;
        let (mut steps, mut last) = (Vec::new(), best.last);
        while let Some(choice) = last.choice {
            let members = members(last.batch).collect();
            steps.push(PlanStep { variant: choice.variant, members });
            last = self.nodes[last.before as usize];
        }
        steps.reverse();
        Some((value(best), steps))
    }
}

/// The members of a set, lowest first.
pub(in crate::scheduler) fn members(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let member = (set != 0).then(|| set.trailing_zeros() as usize);
        set &= set.wrapping_sub(1);
        member
    })
}
