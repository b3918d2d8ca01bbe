//! `external` against a scheduler of the program in drawn worlds: what it is told and what becomes
//! of its plans.

use crate::support::common::Told;
use crate::support::common::draw::{Case, Limits};
use crate::support::common::text::check;
use crate::support::python::python;
use crate::support::shell::repository;

#[test]
fn the_example_in_python_decides_as_edf_does_in_drawn_worlds() {
    let Some(python) = python("json") else { return };
    let program = python.get_program().to_str().expect("UTF-8");
    let example = repository("examples/external_scheduler.py");
    let command = format!("command = ['{program}', '{}']", example.display());
    let mut decided = 0;
    for seed in 0..30 {
        let limits =
            Limits { links: false, faults: seed % 2 == 0, shares: seed % 3 == 0, ..Limits::ALL };
        let world = Case::draw(seed, limits).world;
        for max_batch in [1, 32] {
            let _told = Told(format!("seed {seed}, max_batch {max_batch}"));
            let edf = world.run(&format!("{{ name = 'edf', max_batch = {max_batch} }}"));
            for more in ["", ", only_when_idle = true"] {
                let settings = format!("settings = {{ max_batch = {max_batch} }}{more}");
                let scheduler = format!("{{ name = 'external', {command}, {settings} }}");
                let external = world.run(&scheduler);
                assert!(external.events == edf.events, "{scheduler}");
            }
            decided += edf.events.len();
        }
    }
    assert!(decided > 1000, "{decided}");
}

/// Answers with the next plan of the settings at its instant.
const SCRIPT: &str = "import json, sys
plans = json.loads(sys.stdin.readline())['settings']['plans']
print(json.dumps({'version': 1}), flush=True)
for line in sys.stdin:
    view, plan = json.loads(line), []
    if plans and plans[0]['at'] * 1000000 == view['now_ns']:
        plan = plans.pop(0)['plan']
    print(json.dumps({'decision': view['decision'], 'plan': plan}), flush=True)
";

/// Checks a scenario in which a program decides: instants in ms and plans, as TOML.
fn check_plans(scenario: &str, plans: &[(u64, &str)], expect: &str) {
    let Some(python) = python("json") else { return };
    let program = python.get_program().to_str().expect("UTF-8");
    let plans = plans.iter().map(|(at, plan)| format!("{{ at = {at}, plan = [{plan}] }}"));
    let plans = plans.collect::<Vec<_>>().join(", ");
    let scheduler = format!(
        "scheduler {{ name = 'external', command = ['{program}', '-c', {SCRIPT:?}], \
         settings = {{ plans = [{plans}] }} }}"
    );
    check(&format!("{scenario}\n{scheduler}"), expect);
}

/// As `engine::scenarios::a_script_preloads_evicts_rejects_and_wakes`, by hand.
#[test]
fn plans_preload_evict_reject_and_wake() {
    check_plans(
        "variant a x 1:2 load=4
         variant a y 1:3 load=2
         worker memory=1
         request a 0 100
         request a 6 100
         request a 12 100
         show asks",
        &[
            (
                0,
                "{ preload = { worker = 0, variant = 0 } }, { wake_at_ns = 30000000 }, \
                 { wake_at_ns = 10000000 }, { wake_at_ns = 20000000 }",
            ),
            (6, "{ reject = { request = 1, reason = 'hopeless' } }"),
            (
                10,
                "{ evict = { worker = 0, variant = 0 } }, \
                 { assign = { worker = 0, variant = 1, requests = [0] } }",
            ),
            (12, "{ preload = { worker = 0, variant = 1 } }"),
            (15, "{ preload = { worker = 0, variant = 0 } }"),
            (19, "{ assign = { worker = 0, variant = 0, requests = [2] } }"),
        ],
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
         19 start w0.0 x [2]
         21 end w0.0 [2]
         21 ask freed [0]",
    );
}

/// As `engine::preemption::requests_of_a_batch_that_is_ended_wait_again`, and the requests of the
/// batch are assigned by the plan that ends it.
#[test]
fn plans_preempt_and_assign_again() {
    check_plans(
        "variant a x 1:4,2:5
         variant b y 1:3
         worker
         request a 0 100
         request b 1 100
         request a 2 100
         preemption",
        &[
            (0, "{ assign = { worker = 0, variant = 0, requests = [0] } }"),
            (1, "{ assign = { worker = 0, variant = 1, requests = [1] } }"),
            (
                2,
                "{ preempt = { worker = 0, lane = 0 } }, \
                 { assign = { worker = 0, variant = 0, requests = [2, 0] } }",
            ),
        ],
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         1 load w0 y until 1
         1 loaded w0 y
         2 lose w0.0 [0]
         2 back 0
         2 start w0.0 y [1]
         5 end w0.0 [1]
         5 start w0.0 x [2 0]
         10 end w0.0 [2 0]",
    );
}
