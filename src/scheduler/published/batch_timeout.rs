//! Batches that are full or have waited: the oldest request of an application waits for company at
//! most `timeout_ms`, or until `max_batch` requests wait. Among the applications that are due, the
//! one whose oldest request arrived first is served.
//!
//! A control: what a server does with a batch size and a timeout and without any model of time.
//! O(applications) per batch and O(log n) per request.

use crate::config::Setting;
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::FIXED;
use crate::scheduler::published::fixed_variant::{Candidate, Turn, read};
use crate::scheduler::{MAX_BATCH_SETTING, SchedulerEntry};

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "batch-timeout",
    summary: "a batch starts when it is full or its oldest request has waited, fixed variant",
    source: "ours, control",
    settings: &[
        &[Setting::number("timeout_ms", [0.0, 1e9], 5.0)
            .means("The longest time that a request waits for others while a lane is free.")],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| {
        let timeout = Span::from_ms(fields.number("timeout_ms"));
        read(fields, context, move |candidates, now| turn(candidates, now, timeout))
    },
};

/// Whose turn it is.
pub fn turn(candidates: &[Candidate], now: Time, timeout: Span) -> Turn {
    let due = |c: &Candidate| if c.waiting >= c.largest { now } else { c.oldest + timeout };
    let ready = (0..).zip(candidates).filter(|(_, candidate)| due(candidate) <= now);
    match ready.min_by_key(|(_, candidate)| (candidate.oldest, candidate.app)) {
        Some((at, _)) => Turn::Serve(at),
        None => Turn::WaitUntil(candidates.iter().map(due).min().unwrap_or(Time::MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::ids::AppId;

    #[test]
    fn a_batch_starts_when_it_is_full_or_old() {
        let of = |app, waiting, oldest| Candidate {
            app: AppId(app),
            waiting,
            oldest: Time(oldest),
            largest: 4,
        };
        let timeout = Span(10);
        let both = [of(0, 3, 5), of(1, 4, 7)];
        assert_eq!(turn(&both, Time(14), timeout), Turn::Serve(1));
        assert_eq!(turn(&both, Time(15), timeout), Turn::Serve(0));
        assert_eq!(turn(&[of(0, 3, 5), of(1, 3, 7)], Time(14), timeout), Turn::WaitUntil(Time(15)));
    }
}
