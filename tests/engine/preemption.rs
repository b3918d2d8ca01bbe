//! Batches that a scheduler ends, by hand. All times are in milliseconds; the format is described
//! in `common/text.rs`.

use crate::support::common::text::check;

/// One worker; a batch of x takes 4, of y 3.
const WORLD: &str = "variant a x 1:4,2:5
                     variant b y 1:3
                     worker
                     request a 0 100
                     request b 1 100
                     request a 2 100
                     at 0 assign 0 x 0";

/// What happens first in all of them.
const BEFORE: &str = "0 load w0 x until 0
                      0 loaded w0 x
                      0 start w0.0 x [0]";

/// Request 0 has run from 0 to 1 in vain, and runs again together with 2.
#[test]
fn requests_of_a_batch_that_is_ended_wait_again() {
    check(
        &format!(
            "{WORLD}
             preemption
             at 1 preempt 0 0
             at 1 assign 0 y 1
             at 4 assign 0 x 0 2"
        ),
        &format!(
            "{BEFORE}
             1 lose w0.0 [0]
             1 back 0
             1 load w0 y until 1
             1 loaded w0 y
             1 start w0.0 y [1]
             4 end w0.0 [1]
             4 start w0.0 x [0 2]
             9 end w0.0 [0 2]"
        ),
    );
}

/// What waits for the lane starts at once, before what the same plan assigns later.
#[test]
fn the_backlog_goes_on() {
    check(
        &format!(
            "{WORLD}
             preemption
             at 1 assign 0 y 1
             at 2 preempt 0 0
             at 2 assign 0 x 2 0"
        ),
        &format!(
            "{BEFORE}
             1 load w0 y until 1
             1 loaded w0 y
             2 lose w0.0 [0]
             2 back 0
             2 start w0.0 y [1]
             5 end w0.0 [1]
             5 start w0.0 x [2 0]
             10 end w0.0 [2 0]"
        ),
    );
}

#[test]
fn what_does_not_run_cannot_be_ended() {
    let refused = |steps: &str, message: &str| {
        check(
            &format!("{WORLD}\n{steps}"),
            &format!(
                "{BEFORE}\nerror scheduler `script` at 0.001 s: preempt the batch on {message}"
            ),
        );
    };
    refused(
        "at 1 preempt 0 0",
        "lane 0 of worker `unit-0`: the experiment has no `preemption = true`",
    );
    refused("preemption\nat 1 preempt 0 1", "lane 1 of worker `unit-0`: its lanes are 0 to 0");
    refused("preemption\nat 1 preempt 1 0", "lane 0 of worker #1: there is no such worker");
    check(
        &format!("{WORLD}\npreemption\nat 4 preempt 0 0"),
        &format!(
            "{BEFORE}
             4 end w0.0 [0]
             error scheduler `script` at 0.004 s: preempt the batch on lane 0 of worker `unit-0`: \
             nothing runs there"
        ),
    );
}
