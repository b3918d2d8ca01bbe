//! Exact search over group orders and variants, the whole window on one worker.
//!
//! All G! orders, and for each all Π variants, in listing order; the first best wins (by
//! `tie_break`). Common prefixes of plans of one order are evaluated once. Source:
//! dndfrink/SERIF bd12bb8 (grouped schedulers).

use super::window_problem::{PlanStep, VariantFilter, WindowProblem};
use crate::contract::{Timeline, View};
use crate::core::ids::{Request, VariantId};
use crate::scheduler::planners::plan_builder::append_utilities;
use crate::scheduler::tie_break::PlanValue;

/// The most plans that are searched.
pub const LIMIT: u64 = 2_000_000;
/// `search = "auto"` searches up to this many plans.
pub const AUTO_LIMIT: u64 = 10_000;

/// The number of plans of groups with these filters: orders × variants, over all workers.
pub fn count(view: &View<'_>, groups: &(impl Iterator<Item = VariantFilter> + Clone)) -> u64 {
    let workers = view.catalog().worker_ids();
    workers.fold(0u64, |sum, worker| {
        let plans = groups.clone().enumerate().fold(1u64, |product, (at, allowed)| {
            let variants = allowed.on(view, worker).count() as u64;
            product.saturating_mul(variants).saturating_mul(at as u64 + 1)
        });
        sum.saturating_add(plans)
    })
}

/// Keeps the oldest requests, as many as can be enumerated, and at least one.
pub fn shorten(view: &View<'_>, requests: &mut Vec<Request>) {
    let any = |request: &Request| VariantFilter::any(request.app);
    while requests.len() > 1 && count(view, &requests.iter().map(any)) > LIMIT {
        requests.pop();
    }
}

/// The best plan and its value; `None` if there are no parts.
pub fn search(problem: &WindowProblem<'_>) -> Option<(PlanValue, Vec<PlanStep>)> {
    let mut timelines = vec![Timeline::default(); problem.parts.len() + 1];
    timelines[0].copy_from(&problem.backlog);
    let mut search = Enumeration { problem, timelines, chosen: Vec::new(), best: None };
    let mut order: Vec<usize> = (0..problem.parts.len()).collect();
    search.place_next(&order, PlanValue::default());
    while next_permutation(&mut order) {
        search.place_next(&order, PlanValue::default());
    }
    let (value, parts) = search.best?;
    Some((value, problem.steps_of_parts(parts.into_iter())))
}

struct Enumeration<'p, 'v> {
    problem: &'p WindowProblem<'v>,
    /// The timeline before each position of the order.
    timelines: Vec<Timeline>,
    chosen: Vec<VariantId>,
    /// Its value, and its parts in order with their variants.
    best: Option<(PlanValue, Vec<(usize, VariantId)>)>,
}

impl Enumeration<'_, '_> {
    /// Tries every variant for the next part of the order, behind those placed so far.
    fn place_next(&mut self, order: &[usize], value: PlanValue) {
        let (problem, depth) = (self.problem, self.chosen.len());
        let Some(part) = order.get(depth).map(|part| &problem.parts[*part]) else {
            if problem.tie_break.beats(value, self.best.as_ref().map(|(value, _)| *value)) {
                let parts = order.iter().copied().zip(self.chosen.iter().copied()).collect();
                self.best = Some((value, parts));
            }
            return;
        };
        let requests = &problem.requests[part.members.clone()];
        for option in &part.options {
            let (before, after) = self.timelines.split_at_mut(depth + 1);
            after[0].copy_from(&before[depth]);
            let batches = requests.chunks(option.largest);
            let own = append_utilities(&problem.view, &mut after[0], option.variant, batches);
            self.chosen.push(option.variant);
            self.place_next(order, PlanValue { sum: value.sum + own.sum, ..own });
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
