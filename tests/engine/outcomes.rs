//! Where answers come from: what is drawn agrees with what was promised, and what schedulers were
//! shown is scored apart from what came true.

use crate::support::common::queueing_support::{interval, mean};
use crate::support::common::{Log, V, World};
use peeksim::core::ids::TrueClass;
use peeksim::metrics::Cell;
use peeksim::system::catalog::OutcomeModel;
use peeksim::traces::recorded::{RecordedTrace, SourceSplit};
use std::sync::Arc;

const REPLICATES: u64 = 20;
const REQUESTS: u32 = 2_000;

/// One application of two classes with two variants: which is better depends on the class.
fn world() -> World {
    World::new().app(
        "a",
        &[
            V("x", 1, &[(1, 2.0), (4, 5.0)], 0.0, &[0.9, 0.3]),
            V("y", 1, &[(1, 3.0)], 0.0, &[0.5, 0.7]),
        ],
    )
}

fn scheduler(accuracy: &str) -> String {
    format!("{{ name = 'lo-edf', accuracy = '{accuracy}', mode = 'dispatch' }}")
}

/// The log of each replicate.
fn logs<'a>(world: &'a World, scheduler: &'a str) -> impl Iterator<Item = Log> + 'a {
    (0..REPLICATES).map(move |seed| World { seed, ..world.clone() }.run(scheduler))
}

fn by_replicate(world: &World, scheduler: &str, value: impl Fn(&mut Log) -> f64) -> Vec<f64> {
    logs(world, scheduler).map(|mut log| value(&mut log)).collect()
}

/// Requests some of which cannot be answered on time, so that penalties matter.
fn busy(mut world: World) -> World {
    for at in 0..REQUESTS {
        let budget = if at % 2 == 0 { 10.0 } else { 2.5 };
        world = world.request(0, f64::from(at) * 2.0, budget, (at % 3 == 0).into());
    }
    world
}

/// If beliefs are the probabilities by which answers are drawn, belief and truth differ by chance
/// alone.
#[test]
fn drawn_outcomes_are_what_an_oracle_of_labels_believes() {
    let mut world = busy(world());
    world.setup.outcome = OutcomeModel::Drawn;
    let scheduler = scheduler("oracle-label");
    let gap = |log: &mut Log| log.number("utility_mean") - log.number("utility_predicted_mean");
    let (gap, tolerance) = interval(&by_replicate(&world, &scheduler, gap));
    assert!(gap.abs() < tolerance && tolerance < 0.02, "{gap} ± {tolerance}");
    let believed = |log: &mut Log| log.number("utility_predicted_mean");
    let believed = mean(by_replicate(&world, &scheduler, believed).into_iter());
    let late = |log: &mut Log| log.number("deadline_miss_ratio");
    let late = mean(by_replicate(&world, &scheduler, late).into_iter());
    assert!(believed > 0.3 && late > 0.1, "{believed}, {late}: nothing to tell apart");
    for mut log in logs(&world, &scheduler) {
        assert_eq!(log.cell("estimation_error_mean"), Cell::Number(0.0));
        assert_eq!(log.cell("outcome_source"), Cell::Word("drawn"));
    }
}

/// Profiled accuracy, 0.6 for both variants, is off by 0.3 and 0.3, or by 0.1 and 0.1.
#[test]
fn the_error_of_an_estimate_is_measured_against_the_true_class() {
    let world = world().request(0, 0.0, 100.0, 0).request(0, 50.0, 100.0, 1);
    for (variant, error) in [("x", 0.3), ("y", 0.1)] {
        let mut log = world.run(&format!("{{ name = 'edf', variant = '{variant}' }}"));
        let told = log.number("estimation_error_mean");
        assert!((told - error).abs() < 1e-12, "{variant}: {told}");
        // Both were shown 0.6, and are on time.
        assert!((log.number("utility_predicted_mean") - 0.6).abs() < 1e-12);
    }
}

/// A trace on which x is right on 7 of 10 rows of class 0 and 2 of 10 of class 1, and never one
/// of class 2; the profile says otherwise.
fn recorded() -> World {
    let right = [7, 2];
    let rows: Vec<(u16, u16)> = (0..20u16)
        .map(|row| (row / 10, if row % 10 < right[usize::from(row / 10)] { row / 10 } else { 2 }))
        .collect();
    let votes = [0.0; 3];
    let said: Vec<[u16; 1]> = rows.iter().map(|(_, said)| [*said]).collect();
    let table: Vec<(u16, &[f64], &[u16])> = rows
        .iter()
        .zip(&said)
        .map(|((class, _), said)| (*class, votes.as_slice(), said.as_slice()))
        .collect();
    World::new().app("a", &[V("x", 1, &[(1, 1.0)], 0.0, &[0.5, 0.5, 0.8])]).trace(&table)
}

/// Requests of one class; every recorded row of it equally often.
fn of_class(mut world: World, class: u16) -> World {
    for at in 0..REQUESTS {
        world = world.request(0, f64::from(at) * 5.0, 10.0, class);
        let arrival = world.arrivals.last_mut().expect("a request");
        let row = u32::from(class) * 10 + at % 10;
        arrival.truth.row = if class < 2 { row } else { TrueClass::NO_ROW };
    }
    world
}

#[test]
fn stream_recall_is_the_recorded_share_of_every_class() {
    for (class, exact) in [(0, 0.7), (1, 0.2), (2, 0.8)] {
        let mut world = of_class(recorded(), class);
        let accuracy = |log: &mut Log| log.number("accuracy_mean");
        if class < 2 {
            let replayed = world.run("fcfs").number("accuracy_mean");
            assert!((replayed - exact).abs() < 1e-12, "class {class}: {replayed}");
        }
        world.setup.outcome = OutcomeModel::StreamRecall;
        let (drawn, tolerance) = interval(&by_replicate(&world, "fcfs", accuracy));
        assert!((drawn - exact).abs() < tolerance, "class {class}: {drawn} ± {tolerance}");
        assert!(tolerance < 0.02, "class {class}: ± {tolerance} tells nothing");
        assert_eq!(world.run("fcfs").cell("outcome_source"), Cell::Word("stream-recall"));
    }
}

/// Sources of five, five and ten rows: x is right on all rows of class 0 of the first, and on two
/// of five of the second; class 1 is in the third alone.
#[test]
fn stream_recall_counts_the_sources_that_arrive() {
    let halves = [(SourceSplit::Odd, [1.0, 0.2]), (SourceSplit::Even, [0.4, 0.5])];
    for (sources, class, exact) in
        halves.iter().flat_map(|(sources, exact)| (0..2).map(move |c| (*sources, c, exact[c])))
    {
        let mut world = of_class(recorded(), class as u16);
        let app = &mut world.setup.apps[0];
        let mut trace = RecordedTrace::clone(app.trace.as_ref().expect("a trace"));
        trace.sources = vec![0..5, 5..10, 10..20];
        app.trace = Some(Arc::new(trace));
        (world.setup.outcome, world.setup.sources) = (OutcomeModel::StreamRecall, sources);
        let accuracy = |log: &mut Log| log.number("accuracy_mean");
        let (drawn, tolerance) = interval(&by_replicate(&world, "fcfs", accuracy));
        let gap = (drawn - exact).abs();
        assert!(gap <= tolerance, "{sources:?}, {class}: {drawn} ± {tolerance}, not {exact}");
        // All rows together give 0.7 and 0.2.
        assert!(tolerance < 0.05, "± {tolerance} tells nothing");
    }
}

/// Draws have the same keys in both modes: where the recall is the same, so are the answers.
#[test]
fn drawn_and_stream_recall_are_paired() {
    let mut world = of_class(recorded(), 2);
    let mut correct = |outcome| {
        world.setup.outcome = outcome;
        world.run("fcfs").events
    };
    assert_eq!(correct(OutcomeModel::Drawn), correct(OutcomeModel::StreamRecall));
}

#[test]
fn what_was_not_recorded_is_drawn_and_said_so() {
    let mut world = recorded().app("b", &[V("z", 1, &[(1, 1.0)], 0.0, &[0.5])]);
    world.setup.outcome = OutcomeModel::StreamRecall;
    let catalog = world.catalog();
    assert_eq!(catalog.outcome(), "mixed");
    let notes: Vec<&str> = catalog.notes().iter().map(|note| note.text.as_str()).collect();
    assert_eq!(notes, ["nothing is recorded and outcomes are drawn of b (z)"]);
}
