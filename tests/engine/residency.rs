//! What is in memory: loads that take no time, and variants that are resident at the start. All
//! times are in milliseconds.

use crate::support::common::queueing_support::{Times, arrival};
use crate::support::common::text::check;
use crate::support::common::{Happened, V, World};
use crate::support::shell::{Shell, column};
use peeksim::classifier::model::ClassifierHost;
use peeksim::config::Location;
use peeksim::contract::{Plan, Scheduler, Trigger, View};
use peeksim::core::ids::AppId;
use peeksim::core::units::{Span, Time};
use peeksim::system::catalog::{Resident, ResidentVariant};
use peeksim::system::faults::Outage;
use peeksim::system::ground_truth::GroundTruth;
use peeksim::system::latency::LatencyPoints;
use std::sync::Arc;

/// The second application is served on the second lane at once.
#[test]
fn a_load_of_no_time_waits_for_no_lane() {
    check(
        "variant a x 1:5
         variant b y 1:4
         worker lanes=2 memory=2
         request a 0 100
         request b 1 100
         scheduler fcfs",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         1 load w0 y until 1
         1 loaded w0 y
         1 start w0.1 y [1]
         5 end w0.0 [0]
         5 end w0.1 [1]",
    );
    // Neither does one that nothing is computed for.
    check(
        "variant a x 1:5
         variant b y 1:4
         worker memory=2
         request a 0 100
         at 0 assign 0 x 0
         at 0 preload 0 y",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         0 load w0 y until 0
         0 loaded w0 y
         5 end w0.0 [0]",
    );
}

/// x runs until 5, and y has no room beside it; the second x comes behind y.
#[test]
fn a_load_of_no_time_waits_for_memory() {
    check(
        "variant a x 1:5
         variant b y 1:4
         worker lanes=3 memory=1
         request a 0 100
         request b 1 100
         request a 2 100
         at 0 assign 0 x 0
         at 1 assign 0 y 1
         at 2 assign 0 x 2",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         5 end w0.0 [0]
         5 evict w0 x
         5 load w0 y until 5
         5 loaded w0 y
         5 start w0.0 y [1]
         9 end w0.0 [1]
         9 evict w0 y
         9 load w0 x until 9
         9 loaded w0 x
         9 start w0.0 x [2]
         14 end w0.0 [2]",
    );
}

/// At 4 nobody needs z, but x was used longer ago, and runs until 10: y waits for it. What is
/// resident depends on the sequence of jobs alone.
#[test]
fn the_least_recently_used_goes_although_another_could() {
    check(
        "variant a x 1:10
         variant b z 1:2
         variant c y 1:1
         worker lanes=3 memory=2
         request a 0 100
         request b 1 100
         request c 4 100
         scheduler fcfs",
        "0 load w0 x until 0
         0 loaded w0 x
         0 start w0.0 x [0]
         1 load w0 z until 1
         1 loaded w0 z
         1 start w0.1 z [1]
         3 end w0.1 [1]
         10 end w0.0 [0]
         10 evict w0 x
         10 load w0 y until 10
         10 loaded w0 y
         10 start w0.0 y [2]
         11 end w0.0 [2]",
    );
}

/// On the lanes of one worker requests of sixty applications start when they do on as many
/// workers.
#[test]
fn lanes_are_worth_as_much_as_workers() {
    let mut world = World::new();
    for app in 0..60 {
        world = world.app(&format!("app{app}"), &[V("v", 1, &[(1, 40.0)], 0.0, &[1.0])]);
    }
    world.arrivals = (0..3_000u32)
        .map(|at| {
            let mut one = arrival(f64::from(at) * 1.15 + f64::from(at * 7 % 5), 0, 1e6);
            one.app = AppId((at * 31 % 60) as u16);
            one
        })
        .collect();
    world.arrivals.sort_by_key(|arrival| arrival.time);
    let on = |workers, lanes| {
        let world = world.clone().workers(workers, lanes, 1_000);
        Times::of(&world, "{ name = 'fcfs', max_batch = 1 }")
    };
    let (lanes, workers) = (on(1, 34), on(34, 1));
    assert_eq!(lanes.start, workers.start);
    assert!(lanes.start.iter().zip(&lanes.arrival).any(|(start, at)| *start > Some(*at)));
}

/// x and y are there at the start; z takes the place of x, the first of the list, unless that was
/// used.
#[test]
fn what_is_resident_at_the_start_is_not_loaded() {
    let world = "variant a x 1:2 load=3
                 variant b y 1:2 load=3
                 variant c z 1:2 load=3
                 worker memory=2 resident=x,y
                 request b 0 100
                 request c 1 100
                 request b 6 100";
    check(
        &format!("{world}\nscheduler fcfs"),
        "0 start w0.0 y [0]
         2 end w0.0 [0]
         2 evict w0 x
         2 load w0 z until 5
         5 loaded w0 z
         5 start w0.0 z [1]
         7 end w0.0 [1]
         7 start w0.0 y [2]
         9 end w0.0 [2]",
    );
    check(
        &format!("{}\nscheduler fcfs", world.replace("resident=x,y", "resident=y,x")),
        "0 start w0.0 y [0]
         2 end w0.0 [0]
         2 evict w0 x
         2 load w0 z until 5
         5 loaded w0 z
         5 start w0.0 z [1]
         7 end w0.0 [1]
         7 start w0.0 y [2]
         9 end w0.0 [2]",
    );
    check(
        &format!("{}\nscheduler fcfs", world.replace("request b 0 100", "request a 0 100")),
        "0 start w0.0 x [0]
         2 end w0.0 [0]
         2 evict w0 y
         2 load w0 z until 5
         5 loaded w0 z
         5 start w0.0 z [1]
         7 end w0.0 [1]
         7 evict w0 x
         7 load w0 y until 10
         10 loaded w0 y
         10 start w0.0 y [2]
         12 end w0.0 [2]",
    );
}

/// Variants of 3, 3 and 2 bytes of one application, and of 1 byte of another.
fn four(memory: u64) -> World {
    let one = |name, bytes| V(name, bytes, &[(1, 10.0)], 4.0, &[0.5, 0.5]);
    let world = World::new().app("a", &[one("p", 3), one("q", 3), one("r", 2)]);
    world.app("b", &[one("s", 1)]).workers(1, 1, memory).request(0, 0.0, 100.0, 0)
}

/// What a scheduler is told at the first question, least recently used first.
fn seen(world: &World) -> Vec<String> {
    struct Resident(Vec<u16>);
    impl Scheduler for Resident {
        fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, _: &mut Plan) {
            self.0 = view.workers().flat_map(|w| w.resident()).map(|v| v.0).collect();
        }
    }
    let mut resident = Resident(Vec::new());
    world.drive(&mut resident).expect("a run");
    let names = ["p", "q", "r", "s"];
    resident.0.into_iter().map(|at| names[usize::from(at)].to_owned()).collect()
}

#[test]
fn all_that_fit_are_taken_in_listing_order() {
    for (memory, expected) in [
        (9, vec!["p", "q", "r", "s"]),
        (8, vec!["p", "q", "r"]),
        // What is too large is passed over.
        (7, vec!["p", "q", "s"]),
        (5, vec!["p", "r"]),
        (2, vec!["r"]),
    ] {
        let mut world = four(memory);
        world.setup.workers[0].resident = Resident::AllThatFit;
        assert_eq!(seen(&world), expected, "{memory}");
        let mut log = world.run("{ name = 'edf', variant = 'fastest' }");
        let held = expected.contains(&"p");
        assert_eq!(log.number("model_loads"), f64::from(u8::from(!held && memory > 2)), "{memory}");
    }
    // A worker has the variants that it may have.
    let mut world = four(9);
    world.setup.workers[0].resident = Resident::AllThatFit;
    world.setup.workers[0].variants = vec!["q".into(), "s".into()];
    assert_eq!(seen(&world), ["q", "s"]);
}

/// A SneakPeek model that workers run takes its memory first.
#[test]
fn peeks_leave_less_memory_for_residents() {
    let mut world = four(9);
    world.setup.workers[0].resident = Resident::AllThatFit;
    for app in &mut world.setup.apps {
        app.peek.runs_on = ClassifierHost::Worker;
        app.peek.memory_bytes = 2;
        let table = LatencyPoints::new(vec![(1, Span::from_ms(1.0))]).expect("a table");
        Arc::make_mut(&mut app.profile).peek = Some(table);
    }
    // 9 − 2 · 2 bytes hold p and r: best, the first of equals, is p.
    let mut log = world.run("{ name = 'lo-edf', accuracy = 'posterior' }");
    assert_eq!(log.number("model_loads"), 0.0);
    world.setup.workers[0].memory_bytes = 6;
    let mut log = world.run("{ name = 'edf', variant = 'fastest' }");
    assert_eq!(log.number("model_loads"), 0.0);
}

/// Nothing is resident after a failure, whatever was at the start.
#[test]
fn a_worker_that_failed_is_empty() {
    let mut world = four(9).request(0, 30.0, 100.0, 0);
    world.setup.workers[0].resident = Resident::AllThatFit;
    let from = Time::ZERO + Span::from_ms(20.0);
    world.setup.workers[0].outages = vec![Outage { from, span: Span::from_ms(5.0) }];
    let log = world.run("{ name = 'edf', variant = 'fastest' }");
    let spans: Vec<(f64, f64)> = log.timeline().iter().map(|batch| (batch.0, batch.1)).collect();
    assert_eq!(spans, [(0.0, 10.0), (34.0, 44.0)]);
    let gone = log.events.iter().filter(|event| matches!(event, Happened::Evicted { .. }));
    assert_eq!(gone.count(), 4);
}

#[test]
fn lists_are_checked() {
    let held = |app: &str, variant: &str| ResidentVariant {
        app: app.into(),
        variant: variant.into(),
        place: Location::default(),
    };
    let refused = |list: &[(&str, &str)], variants: &[&str], said: &str| {
        let mut world = four(5);
        let list = list.iter().map(|(app, variant)| held(app, variant)).collect();
        world.setup.workers[0].resident = Resident::Listed(list);
        world.setup.workers[0].variants = variants.iter().map(ToString::to_string).collect();
        let found = GroundTruth::build(&world.setup).expect_err("refused").to_string();
        assert!(found.contains(said), "{found}");
    };
    refused(&[("c", "p")], &[], "did you mean");
    refused(&[("a", "s")], &[], "unknown variant `s`");
    refused(&[("a", "p"), ("a", "q")], &[], "found variants of 6 bytes");
    refused(&[("a", "p"), ("a", "p")], &[], "`a/p` twice");
    refused(&[("a", "p")], &["q", "s"], "found `a/p`");
}

/// As an experiment writes it, and as an axis.
#[test]
fn experiments_say_what_is_resident() {
    let shell = Shell::small();
    let text = "replicates = 1
[base]
apps = ['voice', 'activity']
load_times = 'cold'
workload = { arrivals = 'poisson', rate_rps = 20, requests = 20 }
workers = [{ class = 'edge-cpu' }]
scheduler = { name = 'edf', variant = 'gnb' }
[[axis]]
key = 'workers.0.resident'
values = [[], ['voice/gnb'], 'all-that-fit']
";
    shell.write("x.toml", text);
    shell.ok("sweep x.toml --out o");
    let runs = shell.read("o/runs.csv");
    let swaps = column(&runs, "model_loads");
    assert_eq!((swaps[0].as_str(), swaps[1].as_str(), swaps[2].as_str()), ("2", "1", "0"));
}
