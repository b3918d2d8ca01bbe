//! Upper bounds on utility at evenly spaced instants. Penalties never fall with time, so that the
//! bound at an instant holds until the next.

use super::window_problem::{Part, VariantOption, WindowProblem};
use crate::core::units::{Span, Time};
use crate::scheduler::score::Score;

/// Instants in a table of requests.
const REQUEST_INSTANTS: usize = 256;
/// The most entries of a table of requests of more than one instant.
const REQUEST_ENTRIES: usize = 1 << 20;
/// Instants of the bounds of a part.
const PART_INSTANTS: usize = 48;

/// Evenly spaced instants, from each of which on a bound holds until the next.
pub struct TimeGrid {
    start: Time,
    /// From one instant to the next.
    gap: Span,
    count: usize,
}

impl TimeGrid {
    /// Instants from `start` to `horizon` after it.
    fn new(start: Time, horizon: u64, count: usize) -> Self {
        Self { start, gap: Span(horizon / count as u64 + 1), count }
    }

    /// The index of the last instant that is no later than `time`.
    #[inline]
    fn index(&self, time: Time) -> usize {
        (time.since(self.start).0 / self.gap.0).min(self.count as u64 - 1) as usize
    }

    fn at(&self, index: usize) -> Time {
        self.start + Span(self.gap.0.saturating_mul(index as u64))
    }
}

/// Upper bounds on the utility of requests, by instant.
pub struct RequestBounds {
    instants: TimeGrid,
    /// The number of requests.
    width: usize,
    /// By instant, then request: the utility of it and of those after it in its part, each started
    /// alone at the instant on its best variant without a load.
    entries: Vec<Score>,
}

impl RequestBounds {
    pub fn new(problem: &WindowProblem<'_>) -> Self {
        let fastest = |part: &Part| {
            let span = |option: &VariantOption| option.load + problem.shortest(*option, part);
            part.options.iter().map(span).min().unwrap_or_default()
        };
        let serially = |part: &Part| fastest(part).0.saturating_mul(part.members.len() as u64);
        let horizon = problem.parts.iter().map(serially).fold(0u64, u64::saturating_add);
        let width = problem.requests.len();
        let count = (REQUEST_ENTRIES / width.max(1)).clamp(1, REQUEST_INSTANTS);
        let instants = TimeGrid::new(problem.start, horizon, count);
        let mut entries = vec![Score::default(); count * width];
        for (index, row) in entries.chunks_mut(width.max(1)).enumerate() {
            let now = instants.at(index);
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
        }
        Self { instants, width, entries }
    }

    /// The row of bounds that holds from `time` on.
    #[inline]
    pub fn row(&self, time: Time) -> &[Score] {
        let row = self.instants.index(time);
        &self.entries[row * self.width..(row + 1) * self.width]
    }
}

/// Upper bounds on the utility of whole parts, by instant up to well after the last deadline; each
/// is computed when it is first needed.
pub struct PartBounds {
    instants: TimeGrid,
    /// By part, then instant.
    entries: Vec<Option<Score>>,
}

impl PartBounds {
    pub fn new(problem: &WindowProblem<'_>) -> Self {
        let start = problem.start;
        let last = problem.requests.iter().map(|request| request.deadline.since(start)).max();
        let horizon = last.unwrap_or_default().scale(2.0).0;
        Self {
            instants: TimeGrid::new(start, horizon, PART_INSTANTS),
            entries: vec![None; PART_INSTANTS * problem.parts.len()],
        }
    }

    /// A bound at `time` from what is computed already; `None` if nothing is.
    #[inline]
    pub fn known(&self, part: usize, time: Time) -> Option<Score> {
        let first = part * PART_INSTANTS;
        let until = first + self.instants.index(time);
        self.entries[first..=until].iter().rev().find_map(|entry| *entry)
    }

    /// The most utility of a part on its best variant if its first batch starts at `time` or later.
    #[inline]
    pub fn of(&mut self, problem: &WindowProblem<'_>, part: usize, time: Time) -> Score {
        let index = self.instants.index(time);
        let now = self.instants.at(index);
        *self.entries[part * PART_INSTANTS + index].get_or_insert_with(|| {
            let utility = |option: &VariantOption| problem.serve_whole(part, *option, now).sum;
            problem.parts[part].options.iter().map(utility).max().unwrap_or_default()
        })
    }
}
