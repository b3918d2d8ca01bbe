//! Applications take turns in the order in which they are listed; one without waiting requests is
//! passed over. Fixed variant, as many requests as fit.
//!
//! A control: fair in batches, and it looks neither at queues nor at deadlines. O(applications) per
//! batch and O(log n) per request.

use crate::core::ids::AppId;
use crate::scheduler::dispatch::dispatcher::FIXED;
use crate::scheduler::published::fixed_variant::{Candidate, Turn, read};
use crate::scheduler::{MAX_BATCH_SETTING, SchedulerEntry};

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "round-robin",
    summary: "applications take turns, fixed variant",
    source: "ours, control",
    settings: &[FIXED, &[MAX_BATCH_SETTING]],
    accuracy: None,
    build: |fields, context| {
        let mut last = None;
        read(fields, context, move |candidates, _| {
            let at = turn(candidates, last);
            last = Some(candidates[at].app);
            Turn::Serve(at)
        })
    },
};

/// The candidate after the application that was served last.
pub fn turn(candidates: &[Candidate], last: Option<AppId>) -> usize {
    candidates.iter().position(|candidate| Some(candidate.app) > last).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::units::Time;

    #[test]
    fn applications_take_turns() {
        let of = |app| Candidate { app: AppId(app), waiting: 1, oldest: Time::ZERO, largest: 4 };
        let candidates = [of(0), of(2), of(3)];
        let after = |last: Option<u16>| turn(&candidates, last.map(AppId));
        assert_eq!([None, Some(0), Some(1), Some(2), Some(3)].map(after), [0, 1, 1, 2, 0]);
    }
}
