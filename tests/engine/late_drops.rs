//! Late requests that are dropped, by hand. All times are in milliseconds; the format is described
//! in `common/text.rs`.

use crate::support::common::text::check;
use crate::support::common::{Happened, V, World};
use peeksim::core::units::{Span, Time};
use peeksim::system::faults::Outage;

/// A batch of x takes 4, of y 3; request 0 runs until 4.
const WORLD: &str = "variant a x 1:4,2:5
                     variant b y 1:3
                     worker resident=x,y
                     drop_late
                     show asks
                     request a 0 100
                     at 0 assign 0 x 0";

/// What happens first in all of them.
const BEFORE: &str = "0 ask arrived [0]
                      0 start w0.0 x [0]";

/// Alone and at once request 1 would end at 5, then at 8, and request 2 at 8.
#[test]
fn a_request_is_dropped_when_it_is_late_at_a_question() {
    check(
        &format!(
            "{WORLD}
             request a 1 6
             request a 1 7
             at 4 assign 0 x 2"
        ),
        &format!(
            "{BEFORE}
             1 ask arrived [1 2]
             4 end w0.0 [0]
             4 reject 1
             4 ask freed [0] dropped [1]
             4 start w0.0 x [2]
             8 end w0.0 [2]
             8 ask freed [0]"
        ),
    );
}

/// Late by the tolerance is late, by less is not.
#[test]
fn late_is_what_the_penalty_calls_late() {
    check(
        &format!(
            "{WORLD}
             penalty {{ name = 'step', tolerance_ms = 2 }}
             request a 1 5
             request a 1 5.5
             at 4 assign 0 x 2"
        ),
        &format!(
            "{BEFORE}
             1 ask arrived [1 2]
             4 end w0.0 [0]
             4 reject 1
             4 ask freed [0] dropped [1]
             4 start w0.0 x [2]
             8 end w0.0 [2]
             8 ask freed [0]"
        ),
    );
}

/// Of two that arrive together one is late at once. The other application has a faster variant.
#[test]
fn what_is_late_when_it_arrives_is_never_seen() {
    check(
        &format!(
            "{WORLD}
             request a 1 3
             request b 1 4
             request a 2 3.5"
        ),
        &format!(
            "{BEFORE}
             1 reject 1
             1 ask arrived [2]
             2 reject 3
             2 ask
             4 end w0.0 [0]
             4 reject 2
             4 ask freed [0] dropped [2]"
        ),
    );
}

/// The load of y (20), what runs, and the second worker, which comes too late, do not count.
#[test]
fn the_fastest_variant_on_any_worker_counts_and_nothing_before_it() {
    check(
        "variant a x 1:4
         variant a y 1:1 load=20
         worker resident=x
         worker ready=50 resident=y
         drop_late
         request a 0 100
         request a 0 4.5
         request a 0 5
         at 0 assign 0 x 0
         at 4 assign 0 x 2",
        "0 start w0.0 x [0]
         4 end w0.0 [0]
         4 reject 1
         4 start w0.0 x [2]
         8 end w0.0 [2]",
    );
}

/// A table that falls: a batch of two is in time where a request alone is not.
#[test]
fn a_request_that_is_in_time_in_a_larger_batch_is_not_dropped() {
    check(
        "variant a x 1:4,2:3
         worker resident=x
         as_measured
         drop_late
         request a 0 3
         request a 0 3
         request a 0 2
         at 0 assign 0 x 0 1",
        "0 reject 2
         0 start w0.0 x [0 1]
         3 end w0.0 [0 1]",
    );
}

/// Request 0 returns at 1, when it would end at 5; at the next question it is dropped.
#[test]
fn a_request_whose_batch_is_ended_may_be_dropped() {
    check(
        "variant a x 1:4
         variant b y 1:3
         worker resident=x,y
         preemption
         drop_late
         show asks
         request a 0 4
         request b 1 100
         at 0 assign 0 x 0
         at 1 preempt 0 0
         at 1 assign 0 y 1",
        "0 ask arrived [0]
         0 start w0.0 x [0]
         1 ask arrived [1]
         1 lose w0.0 [0]
         1 back 0
         1 start w0.0 y [1]
         4 end w0.0 [1]
         4 reject 0
         4 ask freed [0] dropped [0]",
    );
}

/// Request 0 is loaded for until 3 and lost at 4, when it would end at 14. The worker is back at
/// 10.
#[test]
fn a_request_whose_worker_fails_may_be_dropped() {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 10.0)], 3.0, &[1.0])]);
    world = world.workers(1, 1, 1).request(0, 0.0, 13.0, 0).request(0, 1.0, 100.0, 0);
    let from = Time::ZERO + Span::from_ms(4.0);
    world.setup.workers[0].outages = vec![Outage { from, span: Span::from_ms(6.0) }];
    world.setup.drop_late = true;
    let log = world.run("fcfs");
    assert_eq!(log.timeline(), [(13.0, 23.0, "v".to_owned(), vec![1])]);
    let rejected = Happened::Rejected { at: 4_000_000, request: 0 };
    assert!(log.events.contains(&rejected));
    // It has heard of it, but does not have it any more.
    assert!(log.asked.iter().all(|ask| ask.dropped.is_empty()));
}
