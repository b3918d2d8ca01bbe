//! Stalls, slow workers, workers that fail, and wrong beliefs, by hand.

use crate::engine::measured::measured;
use crate::support::common::{CLASS, Happened, Log, V, World};
use peeksim::classifier::model::ClassifierHost;
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::system::faults::{BeliefError, Outage, Slowdown, Stalls};
use peeksim::system::latency::LatencyPoints;
use peeksim::system::link::{Link, Uplink};
use std::sync::Arc;

fn outage(from_ms: f64, span_ms: f64) -> Outage {
    Outage { from: Time::ZERO + Span::from_ms(from_ms), span: Span::from_ms(span_ms) }
}

/// One worker that loads in 3 ms and computes in 10, and fails when it is told to.
fn fails(outages: &[Outage]) -> World {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 10.0)], 3.0, &[1.0])]);
    world = world.workers(1, 1, 1);
    world.setup.workers[0].outages = outages.to_vec();
    world
}

/// Batches that ended: start and end in ms, and their requests.
fn batches(log: &Log) -> Vec<(f64, f64, Vec<u32>)> {
    log.timeline().into_iter().map(|(start, end, _, requests)| (start, end, requests)).collect()
}

/// What was lost, in words.
fn losses(log: &Log) -> Vec<String> {
    let ms = |ns: &u64| format!("{}ms", ns / 1_000_000);
    let words = |event: &Happened| match event {
        Happened::WorkerFailed { until, .. } => Some(format!("fails until {}", ms(until))),
        Happened::BatchLost { started, requests, .. } => {
            Some(format!("lost {requests:?} since {}", ms(started)))
        }
        Happened::LoadLost { end, .. } => Some(format!("load lost, due {}", ms(end))),
        Happened::Evicted { variant, .. } => Some(format!("forgets {variant}")),
        Happened::Returned { request, .. } => Some(format!("back {request}")),
        _ => None,
    };
    let told = |event: &Happened| Some(format!("{} {}", ms(&event.at()), words(event)?));
    log.events.iter().filter_map(told).collect()
}

#[test]
fn a_batch_is_lost_with_its_worker_and_done_again() {
    // Loaded 0 to 3, would run to 13; gone 4 to 10; loaded to 13, run to 23; the second after it.
    let world = fails(&[outage(4.0, 6.0)]).request(0, 0.0, 100.0, 0).request(0, 1.0, 100.0, 0);
    for scheduler in ["fcfs", "grouped", "{ name = 'lo-edf', plan_when_busy = true }"] {
        let mut log = world.run(scheduler);
        assert_eq!(batches(&log), [(13.0, 23.0, vec![0]), (23.0, 33.0, vec![1])], "{scheduler}");
        let mut expected =
            vec!["4ms fails until 10ms", "4ms lost [0] since 3ms", "4ms forgets 0", "4ms back 0"];
        if scheduler.contains("plan_when_busy") {
            expected.push("4ms back 1");
        }
        assert_eq!(losses(&log), expected, "{scheduler}");
        // 1 ms in vain and 20 of use in 33; two loads of 3 ms.
        assert!((log.number("utilization_mean") - 21.0 / 33.0).abs() < 1e-12);
        assert!((log.number("model_load_ms_sum") - 6.0).abs() < 1e-12);
        assert!((log.number("wait_ms_mean") - f64::midpoint(13.0, 22.0)).abs() < 1e-12);
    }
}

/// Request 1 is due first and runs; 0 waits behind it. Both come back in the order of arrival.
#[test]
fn what_comes_back_is_told_in_the_order_of_arrival() {
    let world = fails(&[outage(4.0, 6.0)]).request(0, 0.0, 200.0, 0).request(0, 0.0, 50.0, 0);
    let log = world.run("{ name = 'lo-edf', plan_when_busy = true }");
    let expected = [
        "4ms fails until 10ms",
        "4ms lost [1] since 3ms",
        "4ms forgets 0",
        "4ms back 0",
        "4ms back 1",
    ];
    assert_eq!(losses(&log), expected);
    let told = log.asked.iter().find(|asked| asked.at == 4_000_000).expect("a question");
    assert_eq!(told.arrived, [0, 1]);
    assert_eq!(batches(&log), [(13.0, 23.0, vec![1]), (23.0, 33.0, vec![0])]);
}

#[test]
fn a_load_is_lost_with_its_worker() {
    let mut log = fails(&[outage(2.0, 1.0)]).request(0, 0.0, 100.0, 0).run("fcfs");
    assert_eq!(batches(&log), [(6.0, 16.0, vec![0])]);
    let expected = ["2ms fails until 3ms", "2ms load lost, due 3ms", "2ms forgets 0", "2ms back 0"];
    assert_eq!(losses(&log), expected);
    assert_eq!(log.number("model_loads"), 2.0);
    assert!((log.number("model_load_ms_sum") - 5.0).abs() < 1e-12);
}

#[test]
fn what_ends_at_the_instant_of_the_failure_has_ended() {
    let world = fails(&[outage(13.0, 5.0)]).request(0, 0.0, 100.0, 0).request(0, 14.0, 100.0, 0);
    let log = world.run("fcfs");
    assert_eq!(batches(&log), [(3.0, 13.0, vec![0]), (21.0, 31.0, vec![1])]);
    assert_eq!(losses(&log), ["13ms fails until 18ms", "13ms forgets 0"]);
    // Nothing is left to do: nothing is told, and the run ends with its last batch.
    let mut log = fails(&[outage(40.0, 5.0)]).request(0, 0.0, 100.0, 0).run("fcfs");
    assert_eq!(losses(&log), Vec::<String>::new());
    assert!((log.number("makespan_s") - 0.013).abs() < 1e-12);
}

#[test]
fn failures_come_again_and_another_worker_takes_over() {
    // Alone the worker would never finish: it is back for 12 ms at a time and needs 13.
    let outages: Vec<Outage> = (0..5).map(|i| outage(12.0 + 13.0 * f64::from(i), 1.0)).collect();
    let world = fails(&outages).request(0, 0.0, 1000.0, 0);
    let log = world.run("fcfs");
    assert_eq!(batches(&log), [(68.0, 78.0, vec![0])]);
    assert_eq!(losses(&log).iter().filter(|loss| loss.contains("lost [0]")).count(), 5);
    let two = world.workers(1, 1, 1);
    let log = two.run("fcfs");
    assert_eq!(batches(&log), [(15.0, 25.0, vec![0])]);
    assert_eq!(losses(&log).iter().filter(|loss| loss.contains("fails")).count(), 1);
}

#[test]
fn looks_that_are_lost_begin_again() {
    let mut world = fails(&[outage(4.0, 6.0)]).request(0, 0.0, 100.0, 0).request(0, 1.0, 100.0, 0);
    let app = &mut world.setup.apps[0];
    app.peek.runs_on = ClassifierHost::Worker;
    let table = LatencyPoints::one_by_one(Span::from_ms(3.0));
    Arc::make_mut(&mut app.profile).peek = Some(table);
    let log = world.run("{ name = 'lo-edf', mode = 'dispatch', accuracy = 'posterior' }");
    let visible: Vec<(u64, u32)> = log
        .events
        .iter()
        .filter_map(|event| match event {
            Happened::Visible { at, request } => Some((at / 1_000_000, *request)),
            _ => None,
        })
        .collect();
    // Seen at 3, the first waits for its load, which the failure ends; the other's peek comes when
    // the worker is back, before the backlog's turn or after the load.
    assert_eq!(visible[0], (3, 0));
    assert!(visible.len() == 2 && visible[1].1 == 1 && visible[1].0 >= 13, "{visible:?}");
    assert_eq!(log.counts.completed, 2);
    assert!(losses(&log).contains(&"4ms back 0".to_owned()), "{:?}", losses(&log));
}

/// What is lost counts from the end of the warm-up until the failure.
#[test]
fn what_is_lost_after_a_warmup_began_before_it() {
    // A load from 0 to 3 that is lost at 2, begun before the request at 1; again from 3 to 6.
    let two = |from, span, at| {
        fails(&[outage(from, span)]).request(0, 0.0, 100.0, 0).request(0, at, 100.0, 0)
    };
    let number = measured(&two(2.0, 1.0, 1.0), "fcfs", 1);
    assert_eq!((number("model_loads"), number("model_load_ms_sum")), (1.0, 4.0));
    // Begun at 3 and lost at 7, it counts from 5 on; then 11 to 31.
    let number = measured(&two(7.0, 1.0, 5.0), "fcfs", 1);
    assert!((number("utilization_mean") - 22.0 / 26.0).abs() < 1e-12);
    // Payloads of 4 ms from 0 and, of the request at 1, from 4; both again from 3 on. Of the first
    // 2,500 bytes are sent from 1 to 3.
    let mut world = two(3.0, 1.0, 1.0);
    world.setup.apps[0].payload_bytes = 5_000;
    let uplink = Uplink::Constant(10_000_000);
    world.setup.workers[0].link = Some(Link { rtt: Span::ZERO, uplink, power_w: None });
    let number = measured(&world, "{ name = 'lo-edf', plan_when_busy = true }", 1);
    assert_eq!(number("uploaded_bytes"), 12_500.0);
}

#[test]
fn stalled_and_slow_batches_take_as_much_longer_as_was_said() {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 1.0)], 0.0, &[1.0])]);
    world = world.workers(1, 1, 1);
    let n = 4000u32;
    for i in 0..n {
        world = world.request(0, 20.0 * f64::from(i), 100.0, 0);
    }
    world.setup.stalls = Stalls { probability: 0.1, factor: 5.0 };
    let half = 10.0 * f64::from(n);
    let from = Time::ZERO + Span::from_ms(half);
    world.setup.workers[0].slowdown = Some(Slowdown { from, factor: 2.0 });
    let mut stalled = 0;
    for (start, end, _) in batches(&world.run("fcfs")) {
        let slow = if start >= half { 2.0 } else { 1.0 };
        let times = (end - start) / slow;
        assert!((times - 1.0).abs() < 1e-9 || (times - 5.0).abs() < 1e-9, "{times}");
        stalled += u32::from(times > 2.0);
    }
    // Binomial: standard error √(0.09 / n) = 0.0047; five of them.
    let share = f64::from(stalled) / f64::from(n);
    assert!((share - 0.1).abs() < 0.024, "{share}");
}

#[test]
fn beliefs_are_wrong_and_the_truth_is_not() {
    let mut world = World::new().app(
        "app",
        &[V("a", 1, &[(1, 10.0), (4, 40.0)], 0.0, &[0.8]), V("b", 1, &[(1, 10.0)], 0.0, &[0.9])],
    );
    world = world.workers(1, 1, 2).request(0, 0.0, 100.0, 0);
    world.setup.belief_error = BeliefError { latency: 0.4, accuracy: 0.5 };
    let (truth, system) = (world.catalog(), world.truth());
    let app = truth.app_ids().next().unwrap();
    let (a, b) = (truth.variant_named(app, "a").unwrap(), truth.variant_named(app, "b").unwrap());
    let worker = truth.worker_ids().next().unwrap();
    let n = 4000u32;
    let (mut sum, mut square, mut together, mut capped) = (0.0, 0.0, 0.0, 0);
    for replicate in 0..n {
        let believed = system.believed(Rng::new(1, u64::from(replicate)));
        let epsilon = |v| believed.latency(worker, v, 1).as_ms() / 10.0 - 1.0;
        let (one, four) = (epsilon(a), believed.latency(worker, a, 4).as_ms() / 40.0 - 1.0);
        assert!((one - four).abs() < 1e-6 && one.abs() <= 0.4 + 1e-6);
        (sum, square, together) = (sum + one, square + one * one, together + one * epsilon(b));
        let accuracy = believed.variant(b).accuracy;
        assert!((0.45..=1.0).contains(&accuracy) && believed.variant(b).recall[0] == accuracy);
        capped += u32::from(accuracy == 1.0);
    }
    // Uniform within ±0.4: mean 0, variance 0.16 / 3, variants independent; five standard errors.
    let (n, variance) = (f64::from(n), 0.16 / 3.0);
    assert!((sum / n).abs() < 5.0 * f64::sqrt(variance / n));
    assert!((square / n - variance).abs() < 5.0 * f64::sqrt(0.8 * variance * variance / n));
    assert!((together / n).abs() < 5.0 * variance / n.sqrt());
    // 0.9 (1 + ε) ≥ 1 from ε = 1/9 on, of ±0.5.
    let share: f64 = 0.5 - 1.0 / 9.0;
    assert!((f64::from(capped) / n - share).abs() < 5.0 * f64::sqrt(share * (1.0 - share) / n));
    let log = world.run("{ name = 'edf', variant = 'a' }");
    assert_eq!(batches(&log), [(0.0, 10.0, vec![0])]);
    assert_eq!(CLASS, truth.worker(worker).class);
}

/// Which variant comes next is decided by the class of the last request that was seen: that of
/// request 1, not that of request 0, which comes back later but was seen before.
#[test]
fn what_comes_back_is_not_learned_from_again() {
    let variants = [
        V("first", 1, &[(1, 10.0), (2, 12.0)], 0.0, &[1.0, 0.2]),
        V("second", 1, &[(1, 10.0), (2, 12.0)], 0.0, &[0.2, 1.0]),
    ];
    let mut world = World::new().app("app", &variants).workers(1, 1, 2);
    world.setup.workers[0].outages = vec![outage(4.0, 6.0)];
    let world = world.request(0, 0.0, 100.0, 0).request(0, 1.0, 100.0, 1);
    let log = world.run("{ name = 'peek-plus', class_mix_horizon = 1, accuracy = 'oracle-label' }");
    let ran: Vec<_> = log.timeline().into_iter().map(|(_, _, what, who)| (what, who)).collect();
    assert_eq!(ran, [("second".to_owned(), vec![0, 1])]);
}
