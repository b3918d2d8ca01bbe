//! Tiny worlds in which workers peek at requests, worked out by hand as in `scenarios.rs`.

use crate::support::common::text::check;

/// Peeks on workers alternate with the backlog.
#[test]
fn a_worker_looks_between_its_batches() {
    // Requests 1 and 2 wait until the worker is free at 6, then are seen together, in 3. Request 2
    // is due first. Request 3 comes at 10 and is peeked at before the backlog goes on at 15.
    check(
        "variant a x 1:4
         worker
         peek a 1:2,2:3 memory=1
         request a 0 100
         request a 1 100
         request a 1 50
         request a 10 100
         scheduler { name = 'sneakpeek', max_batch = 1 }",
        "0 start w0.0 peek [0]
         2 end w0.0 [0]
         2 see 0
         2 load w0 x until 2
         2 loaded w0 x
         2 start w0.0 x [0]
         6 end w0.0 [0]
         6 start w0.0 peek [1 2]
         9 end w0.0 [1 2]
         9 see 1
         9 see 2
         9 start w0.0 x [2]
         13 end w0.0 [2]
         13 start w0.0 peek [3]
         15 end w0.0 [3]
         15 see 3
         15 start w0.0 x [1]
         19 end w0.0 [1]
         19 start w0.0 x [3]
         23 end w0.0 [3]",
    );
}

/// The SneakPeek model takes its memory from variants, but only for schedulers with posteriors.
#[test]
fn a_model_on_the_worker_takes_memory() {
    // Memory for two: the SneakPeek model of a, and x or y. The peek at 0 comes before y, which was
    // assigned at the same instant.
    let world = "variant a x 1:4 load=1
                 variant b y 1:3 load=1
                 worker memory=2
                 peek a 1:2 memory=1
                 request b 0 100
                 request a 0 100";
    check(
        &format!("{world}\nscheduler {{ name = 'sneakpeek', max_batch = 1 }}"),
        "0 start w0.0 peek [1]
         2 end w0.0 [1]
         2 see 1
         2 load w0 y until 3
         3 loaded w0 y
         3 start w0.0 y [0]
         6 end w0.0 [0]
         6 evict w0 y
         6 load w0 x until 7
         7 loaded w0 x
         7 start w0.0 x [1]
         11 end w0.0 [1]",
    );
    check(
        &format!("{world}\nscheduler fcfs"),
        "0 load w0 y until 1
         1 loaded w0 y
         1 start w0.0 y [0]
         4 end w0.0 [0]
         4 load w0 x until 5
         5 loaded w0 x
         5 start w0.0 x [1]
         9 end w0.0 [1]",
    );
}

/// The end of a worker's backlog includes the peek in progress.
#[test]
fn planners_foresee_a_look_in_progress() {
    // Request 1 is of b, which is seen at once. On w0, which peeks until 5, it would end at 7; on
    // w1, which is there from 4 on, it ends at 6.
    check(
        "variant a z 1:1
         variant b x 1:2
         worker
         worker ready=4
         peek a 1:5 memory=0
         request a 0 100
         request b 1 100
         scheduler { name = 'sneakpeek', plan_when_busy = true }",
        "0 start w0.0 peek [0]
         4 load w1 x until 4
         4 loaded w1 x
         4 start w1.0 x [1]
         5 end w0.0 [0]
         5 see 0
         5 load w0 z until 5
         5 loaded w0 z
         5 start w0.0 z [0]
         6 end w1.0 [1]
         6 end w0.0 [0]",
    );
}
