//! Rules that `docs/src/scheduling-rules.md` states and that no other test holds by itself. All
//! times are in milliseconds; the format is described in `common/text.rs`.

use crate::support::common::queueing_support::service;
use crate::support::common::recorder::Decided;
use crate::support::common::text::check;

#[test]
fn window_max_takes_the_oldest() {
    // Request 2 is due first and has to wait for the next plan: it arrived last.
    check(
        "variant a x 1:4,2:5
         worker ready=2
         request a 0 100
         request a 1 90
         request a 2 10
         scheduler { name = 'grouped', window_max = 2 }",
        "2 load w0 x until 2
         2 loaded w0 x
         2 start w0.0 x [1 0]
         7 end w0.0 [1 0]
         7 start w0.0 x [2]
         11 end w0.0 [2]",
    );
}

#[test]
fn a_window_of_zero_plans_whenever_a_worker_is_idle() {
    check(
        "variant a x 1:4
         worker
         request a 1 100
         request a 2 100
         request a 3 100
         scheduler { name = 'grouped', window_ms = 0, max_batch = 1 }",
        "1 load w0 x until 1
         1 loaded w0 x
         1 start w0.0 x [0]
         5 end w0.0 [0]
         5 start w0.0 x [1]
         9 end w0.0 [1]
         9 start w0.0 x [2]
         13 end w0.0 [2]",
    );
}

#[test]
fn a_dispatcher_judges_the_head_by_the_batch_that_would_run() {
    // Alone, good ends at 6 and is worth more. With the second request beside it, which is what
    // would run, it ends at 20, too late for the head (due at 10).
    let world = "variant a quick 1:2,2:3 recall=0.6
         variant a good 1:6,2:20 recall=0.9
         worker
         penalty { name = 'step' }
         request a 0 10
         scheduler { name = 'lo-edf', mode = 'dispatch' }";
    check(
        world,
        "0 load w0 good until 0
         0 loaded w0 good
         0 start w0.0 good [0]
         6 end w0.0 [0]",
    );
    check(
        &world.replace("scheduler", "request a 0 100\n scheduler"),
        "0 load w0 quick until 0
         0 loaded w0 quick
         0 start w0.0 quick [0 1]
         3 end w0.0 [0 1]",
    );
}

#[test]
fn a_dispatcher_gives_one_batch_to_every_free_lane() {
    check(
        "variant a x 1:4,2:5
         worker lanes=2
         request a 0 100
         request a 0 100
         request a 0 100
         request a 0 100
         request a 0 100
         scheduler { name = 'edf', max_batch = 2 }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0 1]
         0 start w0.1 x [2 3]
         5 end w0.0 [0 1]
         5 end w0.1 [2 3]
         5 start w0.0 x [4]
         9 end w0.0 [4]",
    );
}

#[test]
fn deadline_aware_batches_keep_only_the_head_on_time() {
    // Due at 5, the head allows two. Request 2, late in any case at 9, does not shrink its batch.
    check(
        "variant a x 1:4,2:5,4:7
         worker
         request a 0 5
         request a 0 6
         request a 0 7
         request a 0 50
         request a 0 60
         scheduler { name = 'edf', batch = 'deadline-aware' }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0 1]
         5 end w0.0 [0 1]
         5 start w0.0 x [2 3 4]
         11 end w0.0 [2 3 4]",
    );
}

#[test]
fn hopeless_heads_have_no_utility_even_alone_and_at_once() {
    // Linear: nothing is left from twice the budget on. Alone and at once both would end at 4:
    // request 0 at twice its budget, 1 a little before.
    let world = |drop: &str| {
        format!(
            "variant a x 1:4
             worker
             penalty {{ name = 'linear' }}
             request a 0 2
             request a 0 2.1
             scheduler {{ name = 'edf', drop_policy = '{drop}' }}"
        )
    };
    check(
        &world("hopeless"),
        "0 reject 0
         0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [1]
         4 end w0.0 [1]",
    );
    check(&world("late"), "0 reject 0\n0 reject 1");
}

#[test]
fn merging_joins_whole_neighbours_of_one_plan() {
    // In order of deadlines: a, a, b, a. The first two are neighbours on one variant; the last is
    // not, and request 4, which is planned at 9, was not part of that plan.
    check(
        "variant a x 1:4,3:5
         variant b y 1:2
         worker
         request a 0 10
         request a 0 11
         request b 0 12
         request a 0 13
         request a 1 100
         scheduler { name = 'lo-edf', merge_adjacent = true }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0 1]
         0 load w0 y until 0
         0 loaded w0 y
         4.5 end w0.0 [0 1]
         4.5 start w0.0 y [2]
         6.5 end w0.0 [2]
         6.5 start w0.0 x [3]
         10.5 end w0.0 [3]
         10.5 start w0.0 x [4]
         14.5 end w0.0 [4]",
    );
}

#[test]
fn the_largest_listed_batch_is_the_cap() {
    // Sizes between those listed lie on the line: three take 5; more than three never run at once.
    check(
        "variant a x 1:4,3:5
         worker
         request a 0 100
         request a 0 100
         request a 0 100
         request a 0 100
         request a 0 100
         scheduler { name = 'edf', max_batch = 32 }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0 1 2]
         5 end w0.0 [0 1 2]
         5 start w0.0 x [3 4]
         9.5 end w0.0 [3 4]",
    );
}

/// A budget of 10 and γ = x: an answer at 19.5 is still worth 0.05, one at 20 nothing.
#[test]
fn hopeless_is_what_is_worth_nothing_at_all() {
    let world = |ms: &str| {
        format!(
            "variant a x 1:{ms}
             worker
             penalty {{ name = 'linear' }}
             request a 0 10
             scheduler {{ name = 'edf', drop_policy = 'hopeless' }}"
        )
    };
    let served = "0 load w0 x until 0\n0 loaded w0 x\n0 start w0.0 x [0]\n19.5 end w0.0 [0]";
    check(&world("19.5"), served);
    check(&world("20"), "0 reject 0");
}

/// The mean utility of an application's variants, not their sum: of equals the first goes first.
#[test]
fn util_deadline_is_a_mean_over_variants() {
    check(
        "variant a x 1:4 recall=0.8
         variant b y 1:4 recall=0.8
         variant b z 1:4 recall=0.8
         worker
         request a 0 100
         request b 0 100
         scheduler { name = 'lo-priority', priority = 'util-deadline' }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         0 load w0 y until 0
         0 loaded w0 y
         4 end w0.0 [0]
         4 start w0.0 y [1]
         8 end w0.0 [1]",
    );
    // Less time left is more urgent.
    check(
        "variant a x 1:4 recall=0.8
         variant a y 1:5 recall=0.7
         worker
         request a 0 100
         request a 0 50
         scheduler { name = 'lo-priority', priority = 'util-deadline' }",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [1]
         4 end w0.0 [1]
         4 start w0.0 x [0]
         8 end w0.0 [0]",
    );
}

/// Ten requests have 10! > 2,000,000 orders: the oldest nine are planned first.
#[test]
fn exhaustive_search_keeps_as_many_of_the_oldest_as_it_can_search() {
    let mut world = service(&[(1, 4.0)]).workers(1, 1, 1);
    for _ in 0..10 {
        world = world.request(0, 0.0, 1000.0, 0);
    }
    let log = world.run("exhaustive");
    let given = |decided: &Decided| match decided {
        Decided::Assign { requests, .. } => requests.clone(),
        _ => Vec::new(),
    };
    let mut planned: Vec<u32> = log.asked[0].decisions.iter().flat_map(given).collect();
    planned.sort_unstable();
    assert_eq!(planned, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(log.counts.completed, 10);
}

/// Seventeen requests, more than are searched exactly: by deadline all of them are on time, and in
/// no other order.
#[test]
fn the_beam_serves_the_first_request_first() {
    let mut world = service(&[(1, 4.0)]).workers(1, 1, 1);
    for place in 1..=17 {
        world = world.request(0, 0.0, 4.0 * f64::from(place), 0);
    }
    let mut log = world.run("{ name = 'optimal-window', oversize_window = 'beam' }");
    assert_eq!(log.number("late"), 0.0);
    let ran: Vec<u32> = log.timeline().into_iter().flat_map(|batch| batch.3).collect();
    assert_eq!(ran, (0..17).collect::<Vec<u32>>());
}
