//! Exact search over group orders and variants, the whole window on one worker.
//!
//! All G! orders, and for each all Π variants, in listing order; the first best wins (by ties).
//! Prefixes of a plan are placed once. Source: dndfrink/SERIF bd12bb8 (grouped schedulers).

use crate::contract::{Timeline, View};
use crate::core::ids::{Request, VariantId, WorkerId};
use crate::core::units::Time;
use crate::scheduler::planners::group_planner::{Group, VariantFilter, place};
use crate::scheduler::planners::planning_window::PlanningWindow;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::TieBreak;

/// More plans than this are never searched.
pub(in crate::scheduler) const LIMIT: u64 = 2_000_000;
/// `search = "auto"` searches up to this many plans.
pub(in crate::scheduler) const AUTO_LIMIT: u64 = 10_000;

/// How many plans there are for groups that may be served so: orders × variants × workers.
pub(in crate::scheduler) fn count(
    view: &View<'_>,
    groups: &(impl Iterator<Item = VariantFilter> + Clone),
) -> u64 {
    let workers = view.catalog().worker_ids();
    workers.fold(0u64, |sum, worker| {
        let plans = groups.clone().enumerate().fold(1u64, |product, (at, allowed)| {
            let variants = allowed.on(view, worker).count() as u64;
            product.saturating_mul(variants).saturating_mul(at as u64 + 1)
        });
        sum.saturating_add(plans)
    })
}

/// Keeps the oldest requests, as many as can be searched one by one, and at least one.
pub(in crate::scheduler) fn shorten(view: &View<'_>, requests: &mut Vec<Request>) {
    while requests.len() > 1 && count(view, &requests.iter().map(VariantFilter::any)) > LIMIT {
        requests.pop();
    }
}

/// The best plan: its worker and its groups in order with their variants.
pub(in crate::scheduler) fn search(
    view: &View<'_>,
    groups: &[Group],
    cursors: &[Timeline],
    window: PlanningWindow,
    ties: TieBreak,
) -> Option<(WorkerId, Vec<(usize, VariantId)>)> {
    let mut best: Option<Best> = None;
    for (at, cursor) in cursors.iter().enumerate() {
        let worker = WorkerId(at as u16);
        let variants: Vec<Vec<VariantId>> =
            groups.iter().map(|g| g.allowed.on(view, worker).collect()).collect();
        if variants.iter().any(Vec::is_empty) {
            // This worker cannot serve the whole window.
            continue;
        }
        let mut stack = vec![Timeline::default(); groups.len() + 1];
        stack[0].copy_from(cursor);
        let mut order: Vec<usize> = (0..groups.len()).collect();
        loop {
            let mut search = Search {
                view,
                groups,
                order: &order,
                variants: &variants,
                worker,
                window,
                ties,
                stack: &mut stack,
                chosen: Vec::new(),
                best: &mut best,
            };
            search.deeper(Score::default(), Time::ZERO);
            if !next_permutation(&mut order) {
                break;
            }
        }
    }
    best.map(|best| (best.worker, best.steps))
}

struct Best {
    sum: Score,
    finish: Time,
    worker: WorkerId,
    steps: Vec<(usize, VariantId)>,
}

struct Search<'s, 'v> {
    view: &'s View<'v>,
    groups: &'s [Group],
    order: &'s [usize],
    variants: &'s [Vec<VariantId>],
    worker: WorkerId,
    window: PlanningWindow,
    ties: TieBreak,
    /// The timeline before each position.
    stack: &'s mut [Timeline],
    chosen: Vec<VariantId>,
    best: &'s mut Option<Best>,
}

impl Search<'_, '_> {
    fn deeper(&mut self, sum: Score, finish: Time) {
        let depth = self.chosen.len();
        let Some(group) = self.order.get(depth).copied() else {
            let best = self.best.as_ref().map(|best| (best.sum, best.finish));
            if self.ties.beats(sum, finish, best) {
                let steps = self.order.iter().copied().zip(self.chosen.iter().copied()).collect();
                *self.best = Some(Best { sum, finish, worker: self.worker, steps });
            }
            return;
        };
        for at in 0..self.variants[group].len() {
            let variant = self.variants[group][at];
            let largest = self.window.largest(self.view, self.worker, variant);
            let (before, after) = self.stack.split_at_mut(depth + 1);
            after[0].copy_from(&before[depth]);
            let requests = &self.groups[group].requests;
            let mut sum = sum;
            let end = place(self.view, &mut after[0], variant, requests, largest, &mut sum);
            self.chosen.push(variant);
            self.deeper(sum, end);
            self.chosen.pop();
        }
    }
}

/// The next permutation in lexicographic order; false after the last.
fn next_permutation(order: &mut [usize]) -> bool {
    let Some(at) = (1..order.len()).rev().find(|at| order[at - 1] < order[*at]) else {
        return false;
    };
    let swap = (at..order.len()).rev().find(|with| order[*with] > order[at - 1]).unwrap_or(at);
    order.swap(at - 1, swap);
    order[at..].reverse();
    true
}

#[cfg(test)]
mod tests {
    use super::next_permutation;

    #[test]
    fn permutations_come_in_lexicographic_order() {
        let mut order = vec![0, 1, 2];
        let mut all = vec![order.clone()];
        while next_permutation(&mut order) {
            all.push(order.clone());
        }
        assert_eq!(all.len(), 6);
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
