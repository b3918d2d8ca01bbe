//! Tiny worlds whose timelines were worked out by hand. All times are in milliseconds; the format
//! is described in `common/text.rs`.

use crate::support::common::text::check;

/// Earliest deadline first, and whoever of the same application is due next rides along.
#[test]
fn edf_orders_by_deadline_and_batches_one_application() {
    // At 4 request 2 (due 12) is the head and 3 (due 23) rides, though 4 of the other application
    // is due at 15. A batch of 2 takes 5. At 9 request 4 is due before 1 (due 51); its variant
    // takes 1 to load.
    check(
        "variant a fast 1:4,2:5,4:7
         variant b other 1:3 load=1
         worker
         request a 0 100
         request a 1 50
         request a 2 10
         request a 3 20
         request b 3 12
         scheduler { name = 'edf', max_batch = 2 }",
        "0 load w0 fast until 0
         0 loaded w0 fast
         0 start w0.0 fast [0]
         4 end w0.0 [0]
         4 start w0.0 fast [2 3]
         9 end w0.0 [2 3]
         9 load w0 other until 10
         10 loaded w0 other
         10 start w0.0 other [4]
         13 end w0.0 [4]
         13 start w0.0 fast [1]
         17 end w0.0 [1]",
    );
}

/// Every load is paid for, and the variant used longest ago makes room.
#[test]
fn swaps_cost_their_load_and_evict_the_least_recently_used() {
    // Memory for two of a, b, c. At 12 both a and b are there; a came first but ran last (10 to
    // 12), so b goes. At 17 a (used at 10) goes before c, at 22 c (used at 15) before b. At 27 d
    // takes the room of two: b (used at 20) goes before a (used at 25).
    check(
        "variant a A 1:2 load=3
         variant b B 1:2 load=3
         variant c C 1:2 load=3
         variant d D 1:2 load=3 bytes=2
         worker memory=2
         request a 0 1000
         request b 1 1000
         request a 2 1000
         request c 3 1000
         request b 4 1000
         request a 5 1000
         request d 6 1000
         scheduler fcfs",
        "0 load w0 A until 3
         3 loaded w0 A
         3 start w0.0 A [0]
         5 end w0.0 [0]
         5 load w0 B until 8
         8 loaded w0 B
         8 start w0.0 B [1]
         10 end w0.0 [1]
         10 start w0.0 A [2]
         12 end w0.0 [2]
         12 evict w0 B
         12 load w0 C until 15
         15 loaded w0 C
         15 start w0.0 C [3]
         17 end w0.0 [3]
         17 evict w0 A
         17 load w0 B until 20
         20 loaded w0 B
         20 start w0.0 B [4]
         22 end w0.0 [4]
         22 evict w0 C
         22 load w0 A until 25
         25 loaded w0 A
         25 start w0.0 A [5]
         27 end w0.0 [5]
         27 evict w0 B
         27 evict w0 A
         27 load w0 D until 30
         30 loaded w0 D
         30 start w0.0 D [6]
         32 end w0.0 [6]",
    );
}

/// A load occupies the whole worker: it waits for all lanes and holds back what comes after it.
#[test]
fn a_load_waits_for_all_lanes() {
    // y, assigned at 5, has to wait until both lanes are idle at 9, though one is from 8 on; the
    // second x batch behind it does not overtake. x, evicted for y, is loaded again at 16, and
    // then both of its batches run side by side.
    check(
        "variant a x 1:5 load=3
         variant b y 1:4 load=3
         worker lanes=2 memory=1
         request a 0 100
         request a 4 100
         request b 5 100
         request a 6 100
         request a 7 100
         at 0 assign 0 x 0
         at 4 assign 0 x 1
         at 5 assign 0 y 2
         at 6 assign 0 x 3
         at 7 assign 0 x 4",
        "0 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [0]
         4 start w0.1 x [1]
         8 end w0.0 [0]
         9 end w0.1 [1]
         9 evict w0 x
         9 load w0 y until 12
         12 loaded w0 y
         12 start w0.0 y [2]
         16 end w0.0 [2]
         16 evict w0 y
         16 load w0 x until 19
         19 loaded w0 x
         19 start w0.0 x [3]
         19 start w0.1 x [4]
         24 end w0.0 [3]
         24 end w0.1 [4]",
    );
}

/// Preloads, evictions, refusals and wake-ups, each asked for by a script.
#[test]
fn a_script_preloads_evicts_rejects_and_wakes() {
    // Of the wake-ups at 30, 10 and 20 the earliest wins and answers all. The preload at 12 finds
    // its variant in memory by the time it comes, and does nothing; that at 15 takes 4.
    check(
        "variant a x 1:2 load=4
         variant a y 1:3 load=2
         worker memory=1
         request a 0 100
         request a 6 100
         request a 12 100
         at 0 preload 0 x
         at 0 wake 30
         at 0 wake 10
         at 0 wake 20
         at 6 reject 1
         at 10 evict 0 x
         at 10 assign 0 y 0
         at 12 preload 0 y
         at 15 preload 0 x
         last assign 0 x 2
         show asks",
        "0 ask arrived [0]
         0 load w0 x until 4
         4 loaded w0 x
         4 ask loaded [0]
         6 ask arrived [1]
         6 reject 1
         10 ask woken
         10 evict w0 x
         10 load w0 y until 12
         12 loaded w0 y
         12 start w0.0 y [0]
         12 ask arrived [2] loaded [0]
         15 end w0.0 [0]
         15 ask freed [0]
         15 evict w0 y
         15 load w0 x until 19
         19 loaded w0 x
         19 ask loaded [0]
         19 ask woken
         19 start w0.0 x [2]
         21 end w0.0 [2]
         21 ask freed [0]",
    );
}

/// A planner with a window plans at multiples of it, and only when a worker is idle.
#[test]
fn windows_open_on_a_grid() {
    // Requests 0 and 1 wait for the grid at 10. Request 2 comes while the worker is busy until 18,
    // and waits for the grid at 20. Request 3 comes on the grid and is planned at once.
    check(
        "variant a x 1:4
         worker
         request a 3 100
         request a 5 100
         request a 12 100
         request a 30 100
         scheduler { name = 'lo-edf', window_ms = 10 }
         show asks",
        "3 ask arrived [0]
         5 ask arrived [1]
         10 ask woken
         10 load w0 x until 10
         10 loaded w0 x
         10 start w0.0 x [0]
         12 ask arrived [2]
         14 end w0.0 [0]
         14 start w0.0 x [1]
         14 ask freed [0]
         18 end w0.0 [1]
         18 ask freed [0]
         20 ask woken
         20 start w0.0 x [2]
         24 end w0.0 [2]
         24 ask freed [0]
         30 ask arrived [3]
         30 start w0.0 x [3]
         34 end w0.0 [3]
         34 ask freed [0]",
    );
}

/// Everything that happens at an instant is told in one question.
#[test]
fn one_decision_per_instant() {
    // At 10 a batch ends, a load ends, two requests arrive and a wake-up comes.
    check(
        "variant a x 1:8 load=2
         variant a y 1:5 load=10
         worker
         worker
         request a 0 100
         request a 10 100
         request a 10 100
         at 0 assign 0 x 0
         at 0 preload 1 y
         at 0 wake 10
         at 10 assign 1 y 2
         at 10 assign 0 x 1
         show asks",
        "0 ask arrived [0]
         0 load w0 x until 2
         0 load w1 y until 10
         2 loaded w0 x
         2 start w0.0 x [0]
         2 ask loaded [0]
         10 end w0.0 [0]
         10 loaded w1 y
         10 ask arrived [1 2] freed [0] loaded [1] woken
         10 start w1.0 y [2]
         10 start w0.0 x [1]
         15 end w1.0 [2]
         15 ask freed [1]
         18 end w0.0 [1]
         18 ask freed [0]",
    );
}

/// When nothing else will happen, the scheduler is asked once more; what it leaves stays undone.
#[test]
fn the_last_question_is_asked_once() {
    check(
        "variant a x 1:4
         worker
         request a 0 100
         request a 2 100
         last assign 0 x 0
         show asks",
        "0 ask arrived [0]
         2 ask arrived [1]
         2 ask woken
         2 load w0 x until 2
         2 loaded w0 x
         2 start w0.0 x [0]
         6 end w0.0 [0]
         6 ask freed [0]
         6 ask woken
         6 unfinished 1",
    );
    // A wake-up is no event of the world: after it nobody is asked a second time.
    check(
        "variant a x 1:4
         worker
         request a 0 100
         last wake 5
         show asks",
        "0 ask arrived [0]
         0 ask woken
         5 ask woken
         5 unfinished 0",
    );
}

/// A batch is kept small enough for its head to be on time, unless the head is late anyway.
#[test]
fn a_hopeless_head_does_not_shrink_its_batch() {
    // All are there at 0. With head 0 due at 7, two take 6 and three take 8: a batch of two. At 6
    // the head is 2, due at 7: even alone it would end at 10, so all three run, in 8.
    let requests = "request a 0 7
                    request a 0 7
                    request a 0 7
                    request a 0 50
                    request a 0 50";
    let edf = "variant a x 1:4,2:6,4:10
               worker
               penalty { name = 'step' }";
    let first = "0 load w0 x until 0
                 0 loaded w0 x
                 0 start w0.0 x [0 1]
                 6 end w0.0 [0 1]";
    check(
        &format!("{edf}\n{requests}\nscheduler {{ name = 'edf', batch = 'deadline-aware' }}"),
        &format!("{first}\n6 start w0.0 x [2 3 4]\n14 end w0.0 [2 3 4]"),
    );
    // With `drop`, the hopeless head is refused instead; two take 6.
    let drop = "scheduler { name = 'edf', batch = 'deadline-aware', drop_policy = 'hopeless' }";
    check(
        &format!("{edf}\n{requests}\n{drop}"),
        &format!("{first}\n6 reject 2\n6 start w0.0 x [3 4]\n12 end w0.0 [3 4]"),
    );
}

/// The variant of highest expected utility under the published penalty.
#[test]
fn lo_edf_trades_accuracy_for_time() {
    // Both due at 10. Request 0: big ends at 12, lateness 0.2 budgets, penalty 1/(1 + 4³) = 1/65,
    // utility 0.886 against 0.6. Request 1, after it: big would end at 24, worth nothing; small
    // ends at 18, lateness 0.8, penalty 64/65, utility 0.6/65.
    check(
        "variant a big 1:12 recall=0.9
         variant a small 1:6 recall=0.6
         worker
         request a 0 10
         request a 0 10
         scheduler lo-edf",
        "0 load w0 big until 0
         0 loaded w0 big
         0 start w0.0 big [0]
         0 load w0 small until 0
         0 loaded w0 small
         12 end w0.0 [0]
         12 start w0.0 small [1]
         18 end w0.0 [1]",
    );
}

/// Requests are peeked at on the host, in order and in batches, before they can be scheduled.
#[test]
fn a_request_is_visible_when_its_peek_ends() {
    // The host peeks at 0 and 1 together, in 3, and then at 2, in 2. Request 1 is due first and
    // has the higher priority. A scheduler without posterior does not wait for the host.
    let world = "variant a x 1:4,2:4
                 worker
                 peek a 1:2,2:3
                 request a 0 100
                 request a 0 50
                 request a 1 100";
    check(
        &format!("{world}\nscheduler {{ name = 'sneakpeek', max_batch = 1 }}"),
        "3 see 0
         3 see 1
         3 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [1]
         5 see 2
         7 end w0.0 [1]
         7 start w0.0 x [0]
         11 end w0.0 [0]
         11 start w0.0 x [2]
         15 end w0.0 [2]",
    );
    check(
        &format!("{world}\nscheduler {{ name = 'fcfs', max_batch = 2 }}"),
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0 1]
         4 end w0.0 [0 1]
         4 start w0.0 x [2]
         8 end w0.0 [2]",
    );
}

/// A peek that takes no time belongs to the instant of the arrival: one decision, not two.
#[test]
fn a_peek_of_no_time_delays_nothing() {
    check(
        "variant a x 1:4
         worker
         peek a 1:0
         request a 0 100
         request a 4 100
         scheduler { name = 'sneakpeek', max_batch = 1 }
         show asks",
        "0 ask arrived [0]
         0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         4 end w0.0 [0]
         4 ask arrived [1] freed [0]
         4 start w0.0 x [1]
         8 end w0.0 [1]
         8 ask freed [0]",
    );
}

/// A worker that becomes available later is not used before, and tells when it is.
#[test]
fn a_worker_that_is_not_ready_waits() {
    check(
        "variant a x 1:4 load=1
         worker ready=5
         request a 2 100
         scheduler fcfs
         show asks",
        "2 ask arrived [0]
         5 ask freed [0]
         5 load w0 x until 6
         6 loaded w0 x
         6 start w0.0 x [0]
         6 ask loaded [0]
         10 end w0.0 [0]
         10 ask freed [0]",
    );
}

/// Deciding takes 2 and 0.5 for every request; batches begin when it is over.
#[test]
fn deciding_takes_time() {
    // Request 0 is decided on until 2.5, and runs after its load from 3.5 to 7.5. Then two are
    // decided on, until 7.5 + 2 + 2 · 0.5.
    check(
        "variant a x 1:4,2:5 load=1
         worker
         request a 0 100
         request a 1 100
         request a 3 100
         overhead 2 0.5
         scheduler { name = 'fcfs', variant = 'x' }
         show asks",
        "0 ask arrived [0]
         1 ask arrived [1]
         2.5 load w0 x until 3.5
         2.5 ask freed [0]
         3 ask arrived [2]
         3.5 loaded w0 x
         3.5 start w0.0 x [0]
         3.5 ask loaded [0]
         7.5 end w0.0 [0]
         7.5 ask freed [0]
         10.5 start w0.0 x [1 2]
         10.5 ask freed [0]
         15.5 end w0.0 [1 2]
         15.5 ask freed [0]",
    );
}

/// What earlier plans wait for is foreseen; what this one takes is not.
#[test]
fn plans_foresee_the_decisions_before_them() {
    // Request 0 runs big from 2 to 8. At 1 request 1 (due 13) would end at 14 with big and at 12
    // with small: counted from 6, when request 0 would end had its plan taken no time, big would
    // do. At 20 request 2 (due 27) should end at 26, but its own plan takes until 22.
    check(
        "variant a small 1:4 recall=0.6
         variant a big 1:6 recall=0.9
         worker
         penalty { name = 'step' }
         overhead 2 0
         request a 0 100
         request a 1 12
         request a 20 7
         scheduler { name = 'lo-edf', plan_when_busy = true }",
        "2 load w0 big until 2
         2 loaded w0 big
         2 start w0.0 big [0]
         3 load w0 small until 3
         3 loaded w0 small
         8 end w0.0 [0]
         8 start w0.0 small [1]
         12 end w0.0 [1]
         22 start w0.0 big [2]
         28 end w0.0 [2]",
    );
}

/// A worker with a lane to spare is heard of again when its batch begins.
#[test]
fn a_second_lane_does_not_wait_for_the_first_batch_to_end() {
    // Request 1 comes while request 0 is decided on; the next decision is at 3, and takes until 6.
    check(
        "variant a x 1:10
         worker lanes=2
         overhead 3 0
         request a 0 100
         request a 1 100
         scheduler fcfs",
        "3 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [0]
         6 start w0.1 x [1]
         13 end w0.0 [0]
         16 end w0.1 [1]",
    );
}
