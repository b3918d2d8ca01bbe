//! A beam search for a good plan of a window, without proof; the requests of an application are
//! served by deadline.
//!
//! A label has the number of requests of each application that it has passed; it is extended by a
//! batch of the next ones of one application on one variant. Worthless requests are skipped and
//! appended at the end. Of the labels that have passed equally many requests, those with the
//! highest bound (utility so far, plus an upper bound of the rest) are kept.
//!
//! With n requests and a width of w, O(n · w · variants · largest batch · log). The width falls
//! as n grows.

use super::bounds::RequestBounds;
use super::memory_states::MemoryStates;
use super::window_problem::{PlanStep, VariantOption, WindowProblem};
use crate::core::units::Time;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::PlanValue;

const WIDEST: usize = 300;
const NARROWEST: usize = 4;
/// The number of labels that are extended, between these widths.
const LABELS: usize = 1 << 13;

/// One way to have served some of the requests.
#[derive(Clone, Debug)]
struct Label {
    /// The number of passed requests by application.
    passed: Vec<usize>,
    memory: u32,
    value: PlanValue,
    bound: Score,
    last: Option<Batch>,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    before: usize,
    option: VariantOption,
    first: usize,
    size: usize,
}

struct Search<'p, 'v> {
    problem: &'p WindowProblem<'v>,
    bounds: &'p RequestBounds,
    memories: MemoryStates,
    open: Vec<Vec<Label>>,
    done: Vec<Label>,
}

/// A plan of all requests and its value.
pub fn search(problem: &WindowProblem<'_>, bounds: &RequestBounds) -> (PlanValue, Vec<PlanStep>) {
    let count = problem.requests.len();
    let width = (LABELS / count.max(1)).clamp(NARROWEST, WIDEST);
    let memories = MemoryStates::new(problem);
    let mut search = Search { problem, bounds, memories, open: Vec::new(), done: Vec::new() };
    search.open.resize_with(count + 1, Vec::new);
    let value = PlanValue { sum: Score::default(), finish: problem.start };
    let passed = vec![0; problem.parts.len()];
    search.push(Label { passed, memory: 0, value, bound: Score::default(), last: None });
    for level in 0..count {
        for label in best(std::mem::take(&mut search.open[level]), width) {
            search.extend(label);
        }
    }
    search.plan()
}

/// The best labels, at most `width`.
fn best(mut labels: Vec<Label>, width: usize) -> Vec<Label> {
    let key = |label: &Label| (std::cmp::Reverse(label.bound), label.value.finish);
    labels.sort_by_key(key);
    labels.dedup_by(|a, b| key(a) == key(b) && (&a.passed, a.memory) == (&b.passed, b.memory));
    labels.truncate(width);
    labels
}

/// Sizes of batches to try: all up to eight, then powers of two, and the largest.
fn sizes(largest: usize) -> impl Iterator<Item = usize> {
    (1..=largest).filter(move |size| *size <= 8 || size.is_power_of_two() || *size == largest)
}

impl Search<'_, '_> {
    /// Skips worthless requests, and opens the label.
    fn push(&mut self, mut label: Label) {
        let row = self.bounds.row(label.value.finish);
        label.bound = label.value.sum;
        for (passed, part) in label.passed.iter_mut().zip(&self.problem.parts) {
            let rest = |at: usize| row[part.members.clone()].get(at).copied().unwrap_or_default();
            while *passed < part.members.len() && rest(*passed) == rest(*passed + 1) {
                *passed += 1;
            }
            label.bound += rest(*passed);
        }
        let level: usize = label.passed.iter().sum();
        self.open[level].push(label);
    }

    fn extend(&mut self, label: Label) {
        let before = self.done.len();
        for (at, part) in self.problem.parts.iter().enumerate() {
            let left = part.members.len() - label.passed[at];
            let first = part.members.start + label.passed[at];
            for option in part.options.iter().copied().filter(|_| left > 0) {
                let (load, memory) = self.memories.run(self.problem, label.memory, option);
                for size in sizes(option.largest.min(left)) {
                    let finish = label.value.finish + load + self.problem.latency(option, size);
                    let sum = (first..first + size).fold(label.value.sum, |sum, member| {
                        sum + self.problem.utility(member, option, finish)
                    });
                    let mut passed = label.passed.clone();
                    passed[at] += size;
                    let last = Some(Batch { before, option, first, size });
                    let value = PlanValue { sum, finish };
                    self.push(Label { passed, memory, value, bound: sum, last });
                }
            }
        }
        self.done.push(label);
    }

    /// The plan of the best label that passed all requests, skipped ones last.
    fn plan(mut self) -> (PlanValue, Vec<PlanStep>) {
        let labels = self.open.pop().unwrap_or_default();
        let Some(mut label) = best(labels, 1).pop() else {
            return (PlanValue { sum: Score::default(), finish: self.problem.start }, Vec::new());
        };
        let (mut value, mut memory) = (label.value, label.memory);
        let mut steps = Vec::new();
        let mut worthless = vec![true; self.problem.requests.len()];
        while let Some(Batch { before, option, first, size }) = label.last {
            let members: Vec<usize> = (first..first + size).collect();
            worthless[first..first + size].fill(false);
            steps.push(PlanStep { variant: option.variant, members });
            label = self.done[before].clone();
        }
        steps.reverse();
        for part in &self.problem.parts {
            let left: Vec<usize> = part.members.clone().filter(|m| worthless[*m]).collect();
            let Some(option) = self.soonest(&part.options, memory, value.finish, left.len()) else {
                continue;
            };
            for batch in left.chunks(option.largest) {
                let load;
                (load, memory) = self.memories.run(self.problem, memory, option);
                value.finish += load + self.problem.latency(option, batch.len());
                for member in batch {
                    value.sum += self.problem.utility(*member, option, value.finish);
                }
                steps.push(PlanStep { variant: option.variant, members: batch.to_vec() });
            }
        }
        (value, steps)
    }

    /// The variant with the earliest end of `count` requests.
    fn soonest(
        &mut self,
        options: &[VariantOption],
        memory: u32,
        start: Time,
        count: usize,
    ) -> Option<VariantOption> {
        let finish = |option: &VariantOption| {
            let (full, rest) = (count / option.largest, count % option.largest);
            let mut finish = start + self.memories.run(self.problem, memory, *option).0;
            (0..full).for_each(|_| finish += self.problem.latency(*option, option.largest));
            if rest > 0 { finish + self.problem.latency(*option, rest) } else { finish }
        };
        options.iter().copied().min_by_key(finish)
    }
}
