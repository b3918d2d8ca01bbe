//! Upper bounds on the utility of requests: tables over evenly spaced instants. Penalties never
//! fall with time, so that the bound at an instant holds until the next.

use super::window_problem::{Part, VariantOption, WindowProblem};
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;

/// Instants of a table of requests.
const REQUEST_INSTANTS: usize = 256;
/// The most entries of a table of requests of more than one instant.
const REQUEST_ENTRIES: usize = 1 << 20;
/// Instants of a table of groups.
const GROUP_INSTANTS: usize = 48;

/// Upper bounds by instant; a row has one for each request, or for each part.
pub struct BoundTable {
    start: Time,
    /// From one instant to the next.
    gap: Span,
    instants: usize,
    width: usize,
    entries: Vec<Score>,
}

impl BoundTable {
    /// Rows from `start` on, evenly spaced up to `horizon`, each filled for its instant.
    fn new(
        start: Time,
        horizon: u64,
        instants: usize,
        width: usize,
        fill: impl Fn(Time, &mut [Score]),
    ) -> Self {
        let gap = Span(horizon / instants as u64 + 1);
        let mut entries = vec![Score::default(); instants * width];
        for (row, entries) in entries.chunks_mut(width.max(1)).enumerate() {
            fill(start + Span(gap.0.saturating_mul(row as u64)), entries);
        }
        Self { start, gap, instants, width, entries }
    }

    /// For each request, the utility of it and of those after it in its part, each started alone at
    /// the instant on its best variant without a load.
    pub fn of_requests(problem: &WindowProblem<'_>) -> Self {
        let fastest = |part: &Part| {
            let span = |option: &VariantOption| option.load + problem.shortest(*option, part);
            part.options.iter().map(span).min().unwrap_or_default()
        };
        let serially = |part: &Part| fastest(part).0.saturating_mul(part.members.len() as u64);
        let horizon = problem.parts.iter().map(serially).fold(0u64, u64::saturating_add);
        let width = problem.requests.len();
        let instants = (REQUEST_ENTRIES / width.max(1)).clamp(1, REQUEST_INSTANTS);
        Self::new(problem.start, horizon, instants, width, |now, row| {
            for part in &problem.parts {
                let mut sum = Score::default();
                for member in part.members.clone().rev() {
                    let utility = |option: &VariantOption| {
                        let finish = now + problem.shortest(*option, part);
                        problem.utility(member, *option, finish)
                    };
                    sum += part.options.iter().map(utility).max().unwrap_or_default();
                    row[member] = sum;
                }
            }
        })
    }

    /// For each part, its utility on its best variant if its first batch starts at the instant; up
    /// to well after the last deadline.
    pub fn of_parts(problem: &WindowProblem<'_>) -> Self {
        let start = problem.start;
        let last = problem.requests.iter().map(|request| request.deadline.since(start)).max();
        let horizon = last.unwrap_or_default().scale(2.0).0;
        Self::new(start, horizon, GROUP_INSTANTS, problem.parts.len(), |now, row| {
            for (at, (part, bound)) in problem.parts.iter().zip(row).enumerate() {
                let utility = |option: &VariantOption| problem.serve_whole(at, *option, now).sum;
                *bound = part.options.iter().map(utility).max().unwrap_or_default();
            }
        })
    }

    /// The row of bounds that holds from `time` on.
    #[inline]
    pub fn row(&self, time: Time) -> &[Score] {
        let row = (time.since(self.start).0 / self.gap.0).min(self.instants as u64 - 1) as usize;
        &self.entries[row * self.width..(row + 1) * self.width]
    }
}
