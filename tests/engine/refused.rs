//! Decisions that break a rule of the simulated world end the run, and the message names the
//! scheduler, the instant, the decision and the rule.

use crate::support::common::World;
use crate::support::common::queueing_support::service;
use crate::support::common::text::check;
use peeksim::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use peeksim::core::rng::Rng;
use peeksim::core::units::Span;
use peeksim::engine::{self, Simulation};
use peeksim::workload::Listed;

/// Two workers, two applications; `huge` fits no worker. Request 0 is served with `x` from 0 to 4
/// whatever else the script does; request 1 and, of application b, request 2 come at 5.
const WORLD: &str = "variant a x 1:4,2:5
                     variant a huge 1:4 bytes=9
                     variant b y 1:3 load=6
                     worker memory=2
                     worker memory=2
                     request a 0 100
                     request a 5 100
                     request b 5 100
                     at 0 assign 0 x 0";

/// What happens in every one of the worlds before anything goes wrong.
const BEFORE: &str = "0 load w0 x until 0
                      0 loaded w0 x
                      0 start w0.0 x [0]";

/// The script's next steps and the message that must come of them while request 0 runs.
fn refused_early(steps: &str, message: &str) {
    check(&format!("{WORLD}\n{steps}"), &format!("{BEFORE}\nerror {message}"));
}

/// The same after request 0 has been answered.
fn refused_late(steps: &str, message: &str) {
    check(&format!("{WORLD}\n{steps}"), &format!("{BEFORE}\n4 end w0.0 [0]\nerror {message}"));
}

#[test]
fn a_request_that_is_unknown_or_gone() {
    refused_late(
        "at 5 assign 0 x 7",
        "scheduler `script` at 0.005 s: assign requests [7] to worker `unit-0` with variant `x` \
         of `a`: request 7 is not pending",
    );
    refused_late(
        "at 5 assign 1 x 0",
        "scheduler `script` at 0.005 s: assign requests [0] to worker `unit-1` with variant `x` \
         of `a`: request 0 is not pending",
    );
    refused_late(
        "at 5 reject 0",
        "scheduler `script` at 0.005 s: reject request 0: request 0 is not pending",
    );
}

#[test]
fn a_request_assigned_twice() {
    let twice = "request 0 is assigned already";
    refused_early(
        "at 0 assign 1 x 0",
        &format!(
            "scheduler `script` at 0 s: assign requests [0] to worker `unit-1` with variant `x` \
             of `a`: {twice}"
        ),
    );
    refused_early(
        "at 0 reject 0",
        &format!("scheduler `script` at 0 s: reject request 0: {twice}"),
    );
    refused_late(
        "at 5 assign 0 x 1 1",
        "scheduler `script` at 0.005 s: assign requests [1, 1] to worker `unit-0` with variant \
         `x` of `a`: request 1 is assigned already",
    );
}

#[test]
fn a_batch_that_is_too_large_or_empty() {
    // The profile is asked before the requests are, so that ids do not matter here.
    refused_late(
        "at 5 assign 0 x 0 1 2",
        "scheduler `script` at 0.005 s: assign requests [0, 1, 2] to worker `unit-0` with \
         variant `x` of `a`: the profile ends at batch 2",
    );
    refused_late(
        "at 5 assign 0 x",
        "scheduler `script` at 0.005 s: assign requests [] to worker `unit-0` with variant `x` \
         of `a`: a batch holds at least one request",
    );
}

#[test]
fn a_variant_of_another_application() {
    refused_late(
        "at 5 assign 1 y 1",
        "scheduler `script` at 0.005 s: assign requests [1] to worker `unit-1` with variant `y` \
         of `b`: the variant serves `b`, request 1 does not",
    );
}

#[test]
fn a_variant_too_large_for_the_memory() {
    let why = "the variant has no profile on this class of workers or needs more than its 2 bytes \
               of memory";
    refused_late(
        "at 5 assign 0 huge 1",
        &format!(
            "scheduler `script` at 0.005 s: assign requests [1] to worker `unit-0` with variant \
             `huge` of `a`: {why}"
        ),
    );
    refused_late(
        "at 5 preload 1 huge",
        &format!(
            "scheduler `script` at 0.005 s: preload variant `huge` of `a` on worker `unit-1`: \
             {why}"
        ),
    );
}

#[test]
fn an_eviction_of_what_runs_loads_or_is_not_there() {
    refused_early(
        "at 0 evict 0 x",
        "scheduler `script` at 0 s: evict variant `x` of `a` from worker `unit-0`: it is running",
    );
    refused_late(
        "at 5 evict 0 y",
        "scheduler `script` at 0.005 s: evict variant `y` of `b` from worker `unit-0`: it is not \
         in the worker's memory",
    );
    check(
        &format!("{WORLD}\nat 0 preload 1 y\nat 5 evict 1 y"),
        &format!(
            "{BEFORE}
             0 load w1 y until 6
             4 end w0.0 [0]
             error scheduler `script` at 0.005 s: evict variant `y` of `b` from worker `unit-1`: \
             it is being loaded"
        ),
    );
}

#[test]
fn a_wake_up_that_is_not_in_the_future() {
    for (time, text) in [("5", "0.005 s"), ("4.5", "0.0045 s")] {
        refused_late(
            &format!("at 5 wake {time}"),
            &format!("scheduler `script` at 0.005 s: wake at {text}: a wake-up lies in the future"),
        );
    }
}

#[test]
fn a_worker_or_a_variant_that_does_not_exist() {
    refused_late(
        "at 5 assign 2 x 1",
        "scheduler `script` at 0.005 s: assign requests [1] to worker #2 with variant `x` of \
         `a`: there is no such worker",
    );
    refused_late(
        "at 5 preload 0 3",
        "scheduler `script` at 0.005 s: preload variant #3 on worker `unit-0`: there is no such \
         variant",
    );
}

/// Decisions are done one by one: those before the bad one have happened.
#[test]
fn what_came_before_the_mistake_is_done() {
    check(
        &format!("{WORLD}\nat 5 reject 2\nat 5 evict 1 x\nat 5 assign 0 x 1"),
        &format!(
            "{BEFORE}
             4 end w0.0 [0]
             5 reject 2
             error scheduler `script` at 0.005 s: evict variant `x` of `a` from worker `unit-1`: \
             it is not in the worker's memory"
        ),
    );
}

/// Asks to be woken a nanosecond later, whatever happens.
struct Restless(u32);

impl Scheduler for Restless {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        self.0 += 1;
        plan.wake_at(view.now() + Span(1));
    }
}

#[test]
fn a_scheduler_that_is_woken_for_nothing_is_stopped() {
    let world: World = service(&[(1, 1.0)]).workers(1, 1, 1).request(0, 0.0, 100.0, 0);
    let arrivals = Box::new(Listed::new(world.arrivals.clone()));
    let rng = Rng::new(1, 0);
    let mut sim =
        Simulation::new(world.truth(), arrivals, AccuracySource::Profiled, rng, "restless");
    let mut restless = Restless(0);
    let error = engine::run(&mut sim, &mut restless, &mut ()).expect_err("no end");
    // The question of the arrival, and a million after wake-ups.
    assert_eq!(restless.0, 1_000_001);
    let said = error.to_string();
    assert!(said.starts_with("scheduler `restless` at ") && said.contains("a million times"));
}
