//! The application with the most waiting requests is served, the first listed of equals, with a
//! fixed variant and as many requests as fit.
//!
//! A control: it looks at all queues, and at no deadline. O(applications) per batch and O(log n)
//! per request.

use crate::scheduler::dispatch::dispatcher::FIXED;
use crate::scheduler::published::fixed_variant::{Candidate, Turn, read};
use crate::scheduler::{MAX_BATCH_SETTING, SchedulerEntry};
use std::cmp::Reverse;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "longest-queue",
    summary: "the application with the most waiting requests, fixed variant",
    source: "ours, control",
    settings: &[FIXED, &[MAX_BATCH_SETTING]],
    accuracy: None,
    build: |fields, context| read(fields, context, |candidates, _| turn(candidates)),
};

/// Whose turn it is.
pub fn turn(candidates: &[Candidate]) -> Turn {
    let longest = (0..).zip(candidates).min_by_key(|(_, candidate)| Reverse(candidate.waiting));
    Turn::Serve(longest.map_or(0, |(at, _)| at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::AppId;
    use crate::core::units::Time;

    #[test]
    fn the_longest_queue_is_served_and_the_first_of_equals() {
        let of =
            |app, waiting| Candidate { app: AppId(app), waiting, oldest: Time::ZERO, largest: 4 };
        assert_eq!(turn(&[of(0, 2), of(1, 3), of(2, 3)]), Turn::Serve(1));
    }
}
