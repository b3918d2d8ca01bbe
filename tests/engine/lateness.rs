//! What counts as late: an answer after its deadline by the penalty's tolerance or more. Engine,
//! schedulers and tables agree. All times are in milliseconds.

use crate::support::common::text::check;
use crate::support::common::{V, World};
use crate::support::shell::Shell;
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use peeksim::core::ids::WorkerId;
use peeksim::core::units::{Span, Time};
use peeksim::system::penalty::Penalty;

fn penalty(text: &str) -> Penalty {
    let mut problems = Problems::default();
    let penalty = Penalty::read(&ConfigNode::parse_override(text), &mut problems);
    assert!(problems.is_empty(), "{problems}");
    penalty
}

/// One request that is answered 10 after its arrival, with this budget and tolerance.
fn one(budget: f64, tolerance: f64) -> World {
    let mut world = World::new().app("a", &[V("v", 1, &[(1, 10.0)], 0.0, &[1.0, 1.0])]);
    world = world.trace(&[(0, &[], &[0])]).request(0, 0.0, budget, 0);
    world.arrivals[0].truth.row = 0;
    world.setup.penalty = penalty(&format!("{{ name = 'step', tolerance_ms = {tolerance} }}"));
    world
}

#[test]
fn an_answer_within_the_tolerance_is_on_time_in_every_column() {
    // Late by 0.05 and by 0.1: a tolerance of 0.1 covers what is less.
    for (budget, tolerance, late) in
        [(10.0, 0.0, 0.0), (9.95, 0.0, 1.0), (9.95, 0.1, 0.0), (9.9, 0.1, 1.0)]
    {
        let mut log = one(budget, tolerance).run("edf");
        let on_time = 1.0 - late;
        let tardiness = late * (10.0 - budget);
        for (column, expected) in [
            ("late", late),
            ("deadline_misses", late),
            ("slo_attainment", on_time),
            ("effective_accuracy", on_time),
            ("utility_mean", on_time),
            ("goodput_rps", on_time / 0.01),
            ("goodput_correct_rps", on_time / 0.01),
            ("tardiness_ms_mean", tardiness),
            ("tardiness_ms_max", tardiness),
            ("tardiness_ms_p99", tardiness),
        ] {
            let found = log.number(column);
            assert!((found - expected).abs() < 1e-9, "{budget}, {tolerance}: {column} is {found}");
        }
    }
}

/// `drop_policy = "late"` and `batch = "deadline-aware"` ask whether an answer would count as late.
#[test]
fn dispatchers_know_the_tolerance() {
    let world = |tolerance: &str, scheduler: &str| {
        format!(
            "variant a v 1:10,2:12
             worker
             penalty {{ name = 'step', tolerance_ms = {tolerance} }}
             request a 0 9.95
             request a 20 11.95
             request a 20 50
             scheduler {{ name = 'edf', {scheduler} }}"
        )
    };
    check(
        &world("0", "drop_policy = 'late', batch = 'deadline-aware'"),
        "0 reject 0
         20 load w0 v until 20
         20 loaded w0 v
         20 start w0.0 v [1]
         30 end w0.0 [1]
         30 start w0.0 v [2]
         40 end w0.0 [2]",
    );
    check(
        &world("0.1", "drop_policy = 'late', batch = 'deadline-aware'"),
        "0 load w0 v until 0
         0 loaded w0 v
         0 start w0.0 v [0]
         10 end w0.0 [0]
         20 start w0.0 v [1 2]
         32 end w0.0 [1 2]",
    );
}

const EXPERIMENT: &str = r#"
replicates = 1
tables = ["apps"]
timeseries_ms = 40

[base]
apps = ["voice", "activity"]
budget_ms = 10
workload = { arrivals = "bursts", burst = 40, period_ms = 150, requests = 200 }
workers = [{ class = "edge-cpu" }]
scheduler = { name = "random" }
penalty = { tolerance_ms = 57 }
"#;

#[test]
fn tables_count_late_as_the_row_does() {
    let shell = Shell::new();
    shell.write("x.toml", EXPERIMENT);
    shell.ok("sweep x.toml --out o");
    shell.ok("inspect x.toml --requests r.csv");
    let numbers = |file: &str, name: &str| -> Vec<f64> {
        let column = crate::support::shell::column(&shell.read(file), name);
        column.iter().map(|cell| cell.parse().expect("a number")).collect()
    };
    let (finish, deadline) = (numbers("r.csv", "finish_s"), numbers("r.csv", "deadline_s"));
    let after = |ms: f64| {
        let late = finish.iter().zip(&deadline).filter(|(f, d)| (*f - *d) * 1e3 > ms - 1e-9);
        late.count() as f64
    };
    let late = numbers("o/runs.csv", "late")[0];
    assert_eq!(late, after(57.0));
    assert!(after(1e-6) > late, "the tolerance matters");
    assert_eq!(numbers("o/apps.csv", "late").iter().sum::<f64>(), late);
    assert_eq!(numbers("o/timeseries.csv", "deadline_misses").iter().sum::<f64>(), late);
    let sum: f64 = numbers("r.csv", "utility").iter().sum();
    assert!((sum - numbers("o/runs.csv", "utility_sum")[0]).abs() < 1e-9);
}

/// The published score divides lateness by the time that was left when the window was planned.
#[test]
fn the_published_score_is_a_column() {
    // The worker is there at 8 and the decision is made then, with 2 left; the answer comes at 12,
    // late by 2: a fifth of the budget, and all of what was left.
    let mut world = one(10.0, 0.0).workers(1, 1, 10);
    world.setup.apps[0] = World::new()
        .app("a", &[V("v", 1, &[(1, 4.0)], 0.0, &[1.0, 1.0])])
        .trace(&[(0, &[], &[0])])
        .setup
        .apps
        .remove(0);
    world.setup.workers[0].ready = Time::ZERO + Span::from_ms(8.0);
    for base in ["budget", "remaining"] {
        world.setup.penalty = penalty(&format!("{{ name = 'linear', base = '{base}' }}"));
        for scheduler in ["edf", "grouped", "optimal-window"] {
            let mut log = world.run(scheduler);
            assert!((log.number("utility_mean") - 0.8).abs() < 1e-9, "{base}, {scheduler}");
            assert!(log.number("utility_remaining_mean").abs() < 1e-9, "{base}, {scheduler}");
        }
        // Planned at the arrival, while the worker is away, all of the budget is left.
        let mut log = world.run("{ name = 'grouped', plan_when_busy = true }");
        assert!((log.number("utility_remaining_mean") - 0.8).abs() < 1e-9, "{base}");
    }
}

/// Waits until 50, asks what an answer at 125 would cost, and starts a batch that ends then.
#[derive(Default)]
struct Asks(Vec<f64>);

impl Scheduler for Asks {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let at = |ms| Time::ZERO + Span::from_ms(ms);
        let Some(request) = view.pending().next() else { return };
        if view.now() < at(50.0) {
            plan.wake_at(at(50.0));
            return;
        }
        self.0.push(view.penalty(request, at(125.0)));
        let variant = view.variants(WorkerId(0), request.app).next().expect("a variant");
        plan.assign(WorkerId(0), variant, [request.id]);
    }
}

/// 25 late of a budget of 100, of which 50 are left at 50.
#[test]
fn lateness_is_relative_to_the_budget_or_to_what_is_left_of_it() {
    for (base, believed) in [("budget", 0.25), ("remaining", 0.5)] {
        let mut world = World::new().app("a", &[V("v", 1, &[(1, 75.0)], 0.0, &[1.0, 1.0])]);
        world = world.trace(&[(0, &[], &[0])]).request(0, 0.0, 100.0, 0);
        world.arrivals[0].truth.row = 0;
        world.setup.penalty = penalty(&format!("{{ name = 'linear', base = '{base}' }}"));
        let mut asks = Asks::default();
        let mut log = world.drive(&mut asks).expect("a run");
        assert_eq!(asks.0, [believed], "{base}");
        // Results: always of the budget, and in a column of its own of what was left.
        assert_eq!(log.number("utility_mean"), 0.75, "{base}");
        assert_eq!(log.number("utility_remaining_mean"), 0.5, "{base}");
    }
}

/// Answers one request at 10, on time, and one at 20, late; refuses one and leaves one.
struct Leaves;

impl Scheduler for Leaves {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if let [first, second, third, _] = trigger.arrived {
            let app = view.request(*first).expect("a request").app;
            let variant = view.variants(WorkerId(0), app).next().expect("a variant");
            plan.assign(WorkerId(0), variant, [*first]);
            plan.assign(WorkerId(0), variant, [*second]);
            plan.reject(*third, RejectReason::Admission);
        }
    }
}

#[test]
fn what_is_late_refused_or_left_has_missed() {
    let mut world = World::new().app("a", &[V("v", 1, &[(1, 10.0)], 0.0, &[1.0])]);
    for budget in [100.0, 15.0, 100.0, 100.0] {
        world = world.request(0, 0.0, budget, 0);
    }
    let mut log = world.drive(&mut Leaves).expect("a run");
    for (column, expected) in [
        ("late", 1.0),
        ("rejected", 1.0),
        ("unfinished", 1.0),
        ("deadline_misses", 3.0),
        ("deadline_miss_ratio", 0.75),
        ("slo_attainment", 0.25),
    ] {
        assert_eq!(log.number(column), expected, "{column}");
    }
}
