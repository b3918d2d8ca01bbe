//! SneakPeek models in whole runs: perfect ones, those that run on workers, and those that answer.

use crate::support::common::check::{self, Verdict};
use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::{Happened, Log, Told, V, World};
use peeksim::classifier::model::{ClassifierHost, ClassifierKind, Prior, ShortCircuit, VoteModel};
use peeksim::classifier::posterior::Evidence;
use peeksim::contract::AccuracySource;
use peeksim::core::units::{Span, Time};
use std::collections::BTreeSet;

/// A model that always sees the true class, believed without reserve, is an oracle of labels.
#[test]
fn a_perfect_model_is_an_oracle_of_labels() {
    let mut compared = 0;
    for seed in 0..60 {
        let mut case = Case::draw(seed, Limits::ALL);
        for app in &mut case.world.setup.apps {
            let classes = app.profile.classes.len();
            app.peek.kind = ClassifierKind::Confusion(VoteModel::quality(classes, 1.0));
            app.peek.evidence = Evidence::OneHot;
            app.peek.prior = Prior::Profile(1e-300);
            app.peek.runs_on = ClassifierHost::Free;
        }
        for entry in draw::built_in().filter(|entry| entry.accuracy.is_some()) {
            let case = draw::for_entry(&case, entry);
            let run = |source: &str| {
                let scheduler = draw::scheduler(seed, entry, Some(source), Units::PLAIN);
                let _told = Told(format!("seed {seed}, {scheduler}"));
                case.world.run(&scheduler)
            };
            let (mut peek, mut oracle) = (run("posterior"), run("oracle-label"));
            assert_eq!(peek.events, oracle.events, "seed {seed}, {}", entry.name);
            for cell in ["accuracy_predicted_mean", "calibration_brier", "utility_sum"] {
                assert_eq!(peek.cell(cell), oracle.cell(cell), "seed {seed}, {}", entry.name);
            }
            compared += 1;
        }
    }
    assert!(compared >= 300, "{compared}");
}

/// A lane does one thing at a time, loads have the worker to themselves, requests are peeked at
/// once, before they are served, and nobody is lost.
fn orderly(case: &Case, log: &Log) -> Verdict {
    check::little(log)?;
    let variants = case.facts.variants.len();
    let mut busy = BTreeSet::new();
    let (mut loading, mut seen, mut over) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut peeked = BTreeSet::new();
    for event in &log.events {
        let fine = match event {
            Happened::BatchStarted { worker, lane, variant, requests, .. } => {
                let is_peek = usize::from(*variant) >= variants;
                let ready = |request: &u32| {
                    seen.contains(request) != is_peek && (!is_peek || peeked.insert(*request))
                };
                requests.iter().all(ready)
                    && busy.insert((*worker, *lane))
                    && !loading.contains(worker)
            }
            Happened::BatchEnded { worker, lane, .. } => busy.remove(&(*worker, *lane)),
            Happened::LoadStarted { at, worker, end, .. } => {
                let idle = busy.iter().all(|(other, _)| other != worker);
                loading.insert(*worker) && (idle || end == at)
            }
            Happened::LoadEnded { worker, .. } => loading.remove(worker),
            Happened::Visible { request, .. } => seen.insert(*request),
            Happened::Completed { request, .. }
            | Happened::Rejected { request, .. }
            | Happened::Unfinished { request, .. } => over.insert(*request),
            // Workers of these cases do not fail, and are here.
            Happened::Sent { .. }
            | Happened::Back { .. }
            | Happened::WorkerFailed { .. }
            | Happened::BatchLost { .. }
            | Happened::LoadLost { .. }
            | Happened::SendLost { .. }
            | Happened::Returned { .. } => false,
            Happened::Arrived { .. } | Happened::Evicted { .. } => true,
        };
        if !fine {
            return Err(format!("{event:?}"));
        }
    }
    let all = case.facts.requests.len();
    let counts = log.counts;
    let told = counts.completed + counts.rejected + counts.unfinished;
    if over.len() == all && told == all as u64 { Ok(()) } else { Err(format!("{counts:?}")) }
}

#[test]
fn peeks_on_workers_and_short_circuits_keep_the_rules() {
    let (mut peeks, mut answers) = (0, 0);
    for seed in 0..150 {
        let mut case = Case::draw(seed, Limits::ALL);
        for (at, app) in (seed..).zip(&mut case.world.setup.apps) {
            let matrix = vec![vec![1.0; app.profile.classes.len()]; app.profile.classes.len()];
            app.peek.matrix = Some(matrix);
            app.peek.runs_on =
                [ClassifierHost::Worker, ClassifierHost::Host][usize::from(at % 5 == 0)];
            app.peek.memory_bytes = at % 2;
            app.peek.short_circuit = [
                ShortCircuit::Never,
                ShortCircuit::Precision,
                ShortCircuit::Posterior,
                ShortCircuit::Threshold(0.8),
            ][(at % 4) as usize];
        }
        for entry in draw::built_in().filter(|entry| entry.accuracy.is_some()) {
            let case = draw::for_entry(&case, entry);
            let scheduler = draw::scheduler(seed, entry, Some("posterior"), Units::PLAIN);
            let _told = Told(format!("seed {seed}, {scheduler}"));
            let log = case.world.run(&scheduler);
            orderly(&case, &log).unwrap_or_else(|why| panic!("{why}"));
            let variants = case.facts.variants.len();
            for event in &log.events {
                match event {
                    Happened::BatchStarted { variant, .. } => {
                        peeks += usize::from(usize::from(*variant) >= variants);
                    }
                    Happened::Completed { worker, .. } => {
                        answers += usize::from(*worker == u16::MAX);
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(peeks > 1000 && answers > 1000, "{peeks} peeks, {answers} answers");
}

/// Schedulers without posteriors neither pay for peeks nor may choose their answers.
#[test]
fn schedulers_that_do_not_look_do_not_notice() {
    for seed in 0..30 {
        let plain = Case::draw(seed, Limits::ALL);
        let mut other = plain.clone();
        for app in &mut other.world.setup.apps {
            app.peek.runs_on = ClassifierHost::Worker;
            app.peek.memory_bytes = 1;
            let classes = app.profile.classes.len();
            app.peek.matrix = Some(vec![vec![1.0; classes]; classes]);
            app.peek.short_circuit = ShortCircuit::Precision;
        }
        for entry in draw::built_in() {
            for source in draw::sources(entry)
                .into_iter()
                .filter(|source| source.is_none_or(|(_, info)| info != AccuracySource::Posterior))
            {
                let name = source.map(|(name, _)| name);
                let scheduler = draw::scheduler(seed, entry, name, Units::PLAIN);
                let run = |case: &Case| draw::for_entry(case, entry).world.run(&scheduler);
                let (one, two) = (run(&plain), run(&other));
                assert_eq!(one.events, two.events, "seed {seed}, {scheduler}");
            }
        }
    }
}

/// Two classes, votes that say class 0, 0, 1, 1 of requests that are 0, 1, 1, 0; one variant that
/// takes 4 ms and is right.
fn answering(short_circuit: ShortCircuit) -> World {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 4.0)], 0.0, &[0.7, 0.7])]).trace(&[
        (0, &[1.0, 0.0], &[0]),
        (1, &[1.0, 0.0], &[1]),
        (1, &[0.0, 1.0], &[1]),
        (0, &[0.0, 1.0], &[0]),
    ]);
    for (row, class) in [0u16, 1, 1, 0].into_iter().enumerate() {
        world = world.request(0, 10.0 * row as f64, 50.0, class);
        world.arrivals[row].truth.row = row as u32;
    }
    let peek = &mut world.setup.apps[0].peek;
    peek.evidence = Evidence::OneHot;
    peek.prior = Prior::Given(vec![0.9, 0.1]);
    peek.matrix = Some(vec![vec![8.0, 2.0], vec![1.0, 9.0]]);
    peek.short_circuit = short_circuit;
    world
}

/// (when, answered by the SneakPeek model, right) by request.
fn ends(log: &Log) -> Vec<(f64, bool, bool)> {
    let mut ends: Vec<(u32, (f64, bool, bool))> = Vec::new();
    for event in &log.events {
        if let Happened::Completed { at, request, worker, correct, .. } = event {
            ends.push((*request, (*at as f64 / 1e6, *worker == u16::MAX, *correct)));
        }
    }
    ends.sort_by_key(|(request, _)| *request);
    ends.into_iter().map(|(_, end)| end).collect()
}

#[test]
fn an_answer_is_taken_where_its_class_is_precise() {
    // Answer 0 is right 72 times of 73, answer 1 one time of three, the variant in 0.7.
    let world = answering(ShortCircuit::Precision);
    for scheduler in ["lo-edf", "sneakpeek", "grouped", "maxacc-edf", "lo-priority", "exhaustive"] {
        let mut log = world.run(&format!("{{ name = '{scheduler}', accuracy = 'posterior' }}"));
        let expected =
            [(0.0, true, true), (10.0, true, false), (24.0, false, true), (34.0, false, true)];
        assert_eq!(ends(&log), expected, "{scheduler}");
        assert_eq!(log.number("short_circuit_ratio"), 0.5);
        assert_eq!((log.number("model_loads"), log.number("batch_size_mean")), (1.0, 1.0));
        let shown = (72.0 / 73.0 * 2.0 + 1.4) / 4.0;
        assert!((log.number("accuracy_predicted_mean") - shown).abs() < 1e-12);
    }
    // Without batching by hand: a dispatcher that may answer goes on to the next of its line.
    let burst = World {
        arrivals: world
            .arrivals
            .iter()
            .map(|a| peeksim::core::ids::Arrival { time: Time::ZERO, ..*a })
            .collect(),
        ..world
    };
    for scheduler in [
        "{ name = 'lo-edf', mode = 'dispatch', accuracy = 'posterior' }",
        "{ name = 'lo-edf', window_max = 1, accuracy = 'posterior' }",
    ] {
        let log = burst.run(scheduler);
        let peeked: Vec<f64> = ends(&log).iter().filter(|end| end.1).map(|end| end.0).collect();
        assert_eq!(peeked, [0.0, 0.0], "{scheduler}");
        assert_eq!(log.counts.completed, 4);
    }
}

/// Half a vote for the true class on a prior of .9 and .1: of requests of class 1 the votes say 1,
/// and the posterior (.9, .6) / 1.5 still favours 0. What is answered is what the votes say.
#[test]
fn the_answer_is_that_of_the_votes_not_the_likeliest_class() {
    let mut world = answering(ShortCircuit::Precision).trace(&[
        (0, &[0.5, 0.0], &[0]),
        (1, &[0.0, 0.5], &[1]),
        (1, &[0.0, 0.5], &[1]),
        (0, &[0.5, 0.0], &[0]),
    ]);
    let peek = &mut world.setup.apps[0].peek;
    peek.evidence = Evidence::Counts;
    peek.matrix = Some(vec![vec![10.0, 0.0], vec![0.0, 10.0]]);
    let mut log = world.run("{ name = 'lo-edf', accuracy = 'posterior' }");
    let at = [0.0, 10.0, 20.0, 30.0];
    assert_eq!(ends(&log), at.map(|ms| (ms, true, true)));
    // By a matrix without errors either answer is right for certain.
    assert_eq!(log.number("accuracy_predicted_mean"), 1.0);
}

/// The worker is there from 20 ms on. Budgets of 15.9 ms: the variant, done at 24 ms, is worth
/// .330; answer 1 is worth 1/3 at once and would be worth .320 at 20 ms. So nobody waits.
#[test]
fn an_answer_does_not_wait_for_the_worker() {
    let mut world = answering(ShortCircuit::Precision).workers(1, 1, 10);
    world.setup.workers[0].ready = Time::ZERO + Span::from_ms(20.0);
    for arrival in &mut world.arrivals {
        (arrival.time, arrival.budget) = (Time::ZERO, Span::from_ms(15.9));
    }
    for scheduler in ["optimal-window", "exhaustive", "sneakpeek", "lo-edf"] {
        let log = world.run(&format!(
            "{{ name = '{scheduler}', accuracy = 'posterior', plan_when_busy = true }}"
        ));
        let at_once = ends(&log).iter().filter(|end| (end.0, end.1) == (0.0, true)).count();
        assert_eq!(at_once, 4, "{scheduler}");
    }
}

#[test]
fn by_the_posterior_an_answer_judges_itself() {
    // One-hot on a prior of weight 1: .95 and .55 for the class seen. Answer 0: .95 · .8 + .05 · .9
    // = .805; answer 1: .45 · .8 + .55 · .9 = .855. Both beat 0.7, wrong or not.
    let mut log =
        answering(ShortCircuit::Posterior).run("{ name = 'lo-edf', accuracy = 'posterior' }");
    assert_eq!(log.number("short_circuit_ratio"), 1.0);
    assert_eq!(log.number("accuracy_mean"), 0.5);
    assert!((log.number("accuracy_predicted_mean") - 0.83).abs() < 1e-12);
}

#[test]
fn a_threshold_answers_before_scheduling() {
    for (threshold, expected) in [
        (
            0.6,
            vec![(0.0, true, true), (10.0, true, false), (24.0, false, true), (34.0, false, true)],
        ),
        (
            0.5,
            vec![(0.0, true, true), (10.0, true, false), (20.0, true, true), (30.0, true, false)],
        ),
        (
            0.96,
            vec![(4.0, false, true), (14.0, false, true), (24.0, false, true), (34.0, false, true)],
        ),
    ] {
        let world = answering(ShortCircuit::Threshold(threshold));
        let mut log = world.run("{ name = 'sneakpeek' }");
        assert_eq!(ends(&log), expected, "{threshold}");
        let share = expected.iter().filter(|end| end.1).count() as f64 / 4.0;
        assert_eq!(log.number("short_circuit_ratio"), share);
        // Those answered are never seen by the scheduler.
        let seen = log.events.iter().filter(|e| matches!(e, Happened::Visible { .. })).count();
        assert_eq!(seen as f64, 4.0 - 4.0 * share);
    }
}

/// With a strong prior the likeliest class is not the one that the votes answer with. The answer
/// that is given is the model's own, whatever takes it.
#[test]
fn short_circuits_give_the_answer_of_the_votes() {
    // One vote on (1.8, 0.2): (.93, .07) for class 0, (.6, .4) for class 1. Answers are 0, 0, 1, 1,
    // of requests that are 0, 1, 1, 0. As precise as .998 and .917.
    let world = |short_circuit| {
        let mut world = answering(short_circuit);
        let peek = &mut world.setup.apps[0].peek;
        peek.prior = Prior::Given(vec![1.8, 0.2]);
        peek.matrix = Some(vec![vec![9.9, 0.1], vec![0.1, 9.9]]);
        world
    };
    let peeked = [(0.0, true, true), (10.0, true, false), (20.0, true, true), (30.0, true, false)];
    // 1.2 / 3 is a little less than .4, in its last bit.
    for short_circuit in [ShortCircuit::Threshold(0.4), ShortCircuit::Precision] {
        let log = world(short_circuit).run("{ name = 'lo-edf', accuracy = 'posterior' }");
        assert_eq!(ends(&log), peeked, "{short_circuit:?}");
    }
    // Class 0 has a posterior of .6 where the answer is 1: that is not the answer's.
    let mut log = world(ShortCircuit::Threshold(0.5)).run("{ name = 'sneakpeek' }");
    assert_eq!(log.number("short_circuit_ratio"), 0.5);
    assert!(ends(&log).iter().zip(peeked).take(2).all(|(end, peeked)| *end == peeked));
}

/// Without votes there is no answer of its own to give.
#[test]
fn who_does_not_vote_does_not_answer() {
    for short_circuit in
        [ShortCircuit::Threshold(0.0), ShortCircuit::Precision, ShortCircuit::Posterior]
    {
        let row: (u16, &[f64], &[u16]) = (0, &[0.0, 0.0], &[0]);
        let mut world = answering(short_circuit).trace(&[row; 4]);
        world.setup.apps[0].peek.prior = Prior::Given(vec![0.9, 0.1]);
        let mut log = world.run("{ name = 'lo-edf', accuracy = 'posterior' }");
        assert_eq!(log.number("short_circuit_ratio"), 0.0, "{short_circuit:?}");
    }
}
