//! What planners do, on tiny worlds worked out by hand. All times are in milliseconds; the
//! format is described in `common/text.rs`.

use crate::support::common::text::check;

/// Four requests of one application, two of them due soon, and two variants: small is worth 0.6
/// and takes 2 (3 for two, 5 for four), big is worth 0.9 and takes 10 (12 for two).
fn soon_and_late(scheduler: &str, expect: &str) {
    let world = "variant a small 1:2,2:3,4:5 recall=0.6
         variant a big 1:10,2:12 recall=0.9
         worker
         penalty { name = 'step' }
         request a 0 9
         request a 0 100
         request a 0 9
         request a 0 100
         scheduler";
    check(&format!("{world} {scheduler}"), expect);
}

#[test]
fn a_group_has_one_variant() {
    // Small for all is worth 4 · 0.6 = 2.4, big 2 · 0.9 = 1.8.
    soon_and_late(
        "grouped",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2 1 3]
         5 end w0.0 [0 2 1 3]",
    );
}

#[test]
fn requests_that_choose_the_same_variant_are_a_group() {
    // Alone and at once, big ends at 10: too late for 0 and 2, best for 1 and 3.
    soon_and_late(
        "{ name = 'grouped', group_by = 'by-variant' }",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2]
         0 load w0 big until 0
         0 loaded w0 big
         3 end w0.0 [0 2]
         3 start w0.0 big [1 3]
         15 end w0.0 [1 3]",
    );
}

#[test]
fn a_group_is_halved_where_that_is_worth_more() {
    // In order of deadlines the halves are 0 2 and 1 3: 2 · 0.6 + 2 · 0.9 = 3.0, more than 2.4.
    // Halved again neither half gains, so batches of two remain.
    soon_and_late(
        "{ name = 'grouped', split = true }",
        "0 load w0 small until 0
         0 loaded w0 small
         0 start w0.0 small [0 2]
         0 load w0 big until 0
         0 loaded w0 big
         3 end w0.0 [0 2]
         3 start w0.0 big [1 3]
         15 end w0.0 [1 3]",
    );
}

/// Requests at 1, 2, 3 and 7, 20 and 40, each done in 4 by one worker.
fn by_count(scheduler: &str, expect: &str) {
    let world = "variant a x 1:4,3:4
         worker
         request a 1 100
         request a 2 100
         request a 3 100
         request a 7 100
         request a 20 100
         request a 40 100
         show asks
         scheduler";
    check(&format!("{world} {scheduler}"), expect);
}

#[test]
fn windows_open_by_count() {
    // The third request makes a window, and 3, 4 and 5 another one at 40, though the worker has
    // been idle since 7.
    by_count(
        "{ name = 'grouped', window_requests = 3 }",
        "1 ask arrived [0]
         2 ask arrived [1]
         3 ask arrived [2]
         3 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [0 1 2]
         7 end w0.0 [0 1 2]
         7 ask arrived [3] freed [0]
         20 ask arrived [4]
         40 ask arrived [5]
         40 start w0.0 x [3 4 5]
         44 end w0.0 [3 4 5]
         44 ask freed [0]",
    );
}

#[test]
fn the_last_window_by_count_need_not_be_full() {
    // Four wait at 7, and are planned. Nothing happens after 40, and two still wait.
    by_count(
        "{ name = 'grouped', window_requests = 4 }",
        "1 ask arrived [0]
         2 ask arrived [1]
         3 ask arrived [2]
         7 ask arrived [3]
         7 load w0 x until 7
         7 loaded w0 x
         7 start w0.0 x [0 1 2]
         11 end w0.0 [0 1 2]
         11 start w0.0 x [3]
         11 ask freed [0]
         15 end w0.0 [3]
         15 ask freed [0]
         20 ask arrived [4]
         40 ask arrived [5]
         40 ask woken
         40 start w0.0 x [4 5]
         44 end w0.0 [4 5]
         44 ask freed [0]",
    );
}

#[test]
fn windows_by_count_open_for_who_waits_too_long() {
    // Request 3 came at 7, and is planned at 17; 4 at 30, and 5 at 50.
    by_count(
        "{ name = 'grouped', window_requests = 3, window_ms = 10 }",
        "1 ask arrived [0]
         2 ask arrived [1]
         3 ask arrived [2]
         3 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [0 1 2]
         7 end w0.0 [0 1 2]
         7 ask arrived [3] freed [0]
         11 ask woken
         17 ask woken
         17 start w0.0 x [3]
         20 ask arrived [4]
         21 end w0.0 [3]
         21 ask freed [0]
         30 ask woken
         30 start w0.0 x [4]
         34 end w0.0 [4]
         34 ask freed [0]
         40 ask arrived [5]
         50 ask woken
         50 start w0.0 x [5]
         54 end w0.0 [5]
         54 ask freed [0]",
    );
}

/// Who has waited too long while the worker was busy is planned as soon as it is idle.
#[test]
fn a_window_by_count_opens_when_the_worker_is_idle() {
    check(
        "variant a x 1:8
         worker
         request a 0 100
         request a 1 100
         scheduler { name = 'lo-edf', window_requests = 5, window_ms = 3 }",
        "3 load w0 x until 3
         3 loaded w0 x
         3 start w0.0 x [0]
         11 end w0.0 [0]
         11 start w0.0 x [1]
         19 end w0.0 [1]",
    );
}

/// Of two requests the one whose variants differ goes first, though it is due later.
#[test]
fn the_head_of_the_line_is_that_of_highest_priority() {
    // The sample variance of 0.2 and 1 is 0.32, and ln 1.32 is 0.278 s: request 1 stands at 22 and
    // 2 at 72, between the deadlines of 3 and 0. The batch of 1 takes 2 along.
    check(
        "variant a cheap 1:1,2:2 recall=0.2
         variant a dear 1:10,2:12 recall=1
         variant b other 1:5 recall=0.5
         worker
         request b 0 100
         request a 0 300
         request a 0 350
         request b 0 20
         scheduler { name = 'lo-priority', mode = 'dispatch' }",
        "0 load w0 other until 0
         0 loaded w0 other
         0 start w0.0 other [3]
         5 end w0.0 [3]
         5 load w0 dear until 5
         5 loaded w0 dear
         5 start w0.0 dear [1 2]
         17 end w0.0 [1 2]
         17 start w0.0 other [0]
         22 end w0.0 [0]",
    );
}
