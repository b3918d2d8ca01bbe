//! Workers behind a link: the engine's timeline against closed forms, and the view's foresight
//! against the engine's timeline.

use crate::support::common::draw::{Case, Limits};
use crate::support::common::queueing_support::{Times, arrival, service};
use crate::support::common::{Happened, Log, World};
use peeksim::config::source::Source;
use peeksim::contract::{Plan, Scheduler, Timeline, Trigger, View};
use peeksim::core::ids::VariantId;
use peeksim::core::units::{Span, Time};
use peeksim::system::catalog::DecisionOverhead;
use peeksim::system::faults::{Outage, Slowdown};
use peeksim::system::link::{Bandwidth, Link, Uplink};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::sync::Arc;

const MS: u64 = 1_000_000;

/// A service of `ms` behind a link of `mbps` and `rtt_ms`, with payloads of `bytes`.
fn remote(ms: f64, lanes: u16, rtt_ms: f64, mbps: u64, bytes: u64) -> World {
    let mut world = service(&[(1, ms)]).workers(1, lanes, 1);
    world.setup.apps[0].payload_bytes = bytes;
    world.setup.workers[0].link = Some(Link {
        rtt: Span::from_ms(rtt_ms),
        uplink: Uplink::Constant(mbps * 1_000_000),
        power_w: None,
    });
    world
}

const ONE: &str = "{ name = 'edf', max_batch = 1 }";

/// Upload 2,500 · 8 / 10⁷ s = 2 ms, half of 40 ms there, 5 ms of service, the other half back.
#[test]
fn one_request_takes_upload_service_and_round_trip() {
    let mut world = remote(5.0, 1, 40.0, 10, 2_500);
    world.arrivals = vec![arrival(3.0, 0, 100.0)];
    let times = Times::of(&world, ONE);
    assert_eq!(times.start, [Some((3 + 2 + 20) * MS)]);
    assert_eq!(times.finish, [Some((3 + 2 + 20 + 5 + 20) * MS)]);
}

/// D/D/1 with the link as the server: uploads of u every g < u, on a worker that is never full.
/// Upload i ends at i · g + u + i · (u − g), whatever happens behind it.
#[test]
fn the_link_is_a_queue_of_its_own() {
    let (u, g, s, rtt) = (2, 1, 3, 14);
    let mut world = remote(s as f64, 64, rtt as f64, 8, u * 1_000);
    world.arrivals = (0..500).map(|i| arrival((i * g) as f64, 0, 1e6)).collect();
    for scheduler in [ONE, "{ name = 'lo-edf' }", "{ name = 'grouped', max_batch = 1 }"] {
        let times = Times::of(&world, scheduler);
        for (i, finish) in (0u64..).zip(&times.finish) {
            let sent = i * g + u + i * (u - g);
            assert_eq!(*finish, Some((sent + rtt / 2 + s + rtt / 2) * MS), "request {i}");
        }
    }
}

/// With service s > u on one lane, the worker is the bottleneck: request i starts behind the one
/// before it, the first when it has arrived.
#[test]
fn the_worker_is_the_queue_where_it_is_slower() {
    let (u, s, rtt) = (2, 5, 10);
    let mut world = remote(s as f64, 1, rtt as f64, 8, u * 1_000);
    world.arrivals = (0..200).map(|i: u32| arrival(f64::from(i), 0, 1e6)).collect();
    let times = Times::of(&world, "{ name = 'lo-edf', plan_when_busy = true }");
    for (i, start) in (0u64..).zip(&times.start) {
        assert_eq!(*start, Some((u + rtt / 2 + i * s) * MS), "request {i}");
    }
}

/// Gives everything that waits to workers and variants by chance, one by one, and notes when the
/// view says that this will end.
struct Prophet {
    coins: ChaCha8Rng,
    cursors: Vec<Timeline>,
    told: Vec<(u32, u64)>,
}

impl Scheduler for Prophet {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        self.cursors.resize_with(view.workers().count(), Timeline::default);
        for worker in view.workers() {
            view.backlog_end(worker.id, &mut self.cursors[worker.id.index()]);
        }
        for request in view.pending() {
            let workers: Vec<_> = view
                .workers()
                .filter(|w| view.variants(w.id, request.app).next().is_some())
                .map(|w| w.id)
                .collect();
            let worker = workers[self.coins.random_range(0..workers.len())];
            let variants: Vec<VariantId> = view.variants(worker, request.app).collect();
            let variant = variants[self.coins.random_range(0..variants.len())];
            let cursor = &mut self.cursors[worker.index()];
            let next = view.finish(cursor, variant, 1);
            let finish = view.estimate_append(cursor, variant, 1);
            // What comes next ends as `finish` says, but for lanes that wait for others to load.
            assert_eq!(next, finish);
            self.told.push((request.id.number(), finish.0));
            plan.assign(worker, variant, [request.id]);
        }
    }
}

#[test]
fn what_the_view_foresees_happens() {
    let mut remote = 0;
    for seed in 0..400 {
        let limits = Limits {
            noise: false,
            residents: seed % 2 == 0,
            shares: seed % 3 == 0,
            ..Limits::WIDE
        };
        let mut case = Case::draw(seed, limits);
        case.world.setup.overhead = DecisionOverhead::default();
        let coins = ChaCha8Rng::seed_from_u64(seed);
        let mut prophet = Prophet { coins, cursors: Vec::new(), told: Vec::new() };
        let log = case.world.drive(&mut prophet).unwrap_or_else(|error| panic!("{error}"));
        for event in &log.events {
            let Happened::Completed { at, request, worker, .. } = event else { continue };
            let told = prophet.told.iter().find(|(number, _)| number == request);
            assert_eq!(told, Some(&(*request, *at)), "seed {seed}");
            let link = case.facts.workers[usize::from(*worker)].link;
            remote += u32::from(link.is_some());
        }
    }
    assert!(remote > 1_000, "only {remote} requests travelled");
}

/// A table that falls from 8 to 2 Mbit/s after 10 ms: three payloads of 5,000 bytes take 5 ms each
/// at first; the third begins at 10 and takes 20. A view at 7 expects 15, at 12
/// that 12 of its 20 ms … are left at the new rate: the view never knows what the table will say.
#[test]
fn a_table_is_what_happens_and_its_rate_of_the_moment_what_is_believed() {
    let text = "time_s,mbps\n0,8\n0.01,2\n100,8\n".to_owned();
    let source = Source { path: "b.csv".into(), text, sha256: String::new() };
    let table = Arc::new(Bandwidth::parse(&source).expect("a table"));
    let mut world = remote(1.0, 8, 0.0, 1, 5_000);
    world.setup.workers[0].link =
        Some(Link { rtt: Span::ZERO, uplink: Uplink::Table(table), power_w: None });
    world.arrivals = [0.0, 0.0, 0.0, 7.0, 14.0].map(|at| arrival(at, 0, 1e6)).to_vec();
    let coins = ChaCha8Rng::seed_from_u64(1);
    let mut prophet = Prophet { coins, cursors: Vec::new(), told: Vec::new() };
    let log = world.drive(&mut prophet).expect("a run");
    let told: Vec<u64> = prophet.told.iter().map(|(_, at)| at / MS).collect();
    // At 0 a payload takes 5 ms each; at 7 the fourth is behind 8 ms of others; at 14, at 2 Mbit/s,
    // the third has 16 ms to go and the fourth and fifth 20 each.
    assert_eq!(told, [6, 11, 16, 21, 14 + 16 + 20 + 20 + 1]);
    let ends: Vec<u64> = log
        .events
        .iter()
        .filter_map(|event| match event {
            Happened::Completed { at, .. } => Some(at / MS),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [6, 11, 31, 51, 71]);
}

/// A service of 5 ms, 10 ms away, that gets a request of 2,500 bytes in 2 ms; it fails at an
/// instant for a while, in ms.
fn failing(lanes: u16, (from, span): (f64, f64), arrivals: &[f64]) -> World {
    let mut world = remote(5.0, lanes, 20.0, 10, 2_500);
    let from = Time::ZERO + Span::from_ms(from);
    world.setup.workers[0].outages = vec![Outage { from, span: Span::from_ms(span) }];
    world.setup.workers[0].link.as_mut().expect("a link").power_w = Some(1.0);
    world.arrivals = arrivals.iter().map(|at| arrival(*at, 0, 1e6)).collect();
    world
}

/// Ends in ms, by request; the losses on the way as (at ms, bytes); bytes sent; ms of sending.
fn ends(log: &mut Log) -> (Vec<u64>, Vec<(u64, u64)>, f64, f64) {
    let mut ends = Vec::new();
    let mut lost = Vec::new();
    for event in &log.events {
        match event {
            Happened::Completed { at, request, .. } => ends.push((*request, at / MS)),
            Happened::SendLost { at, bytes, .. } => lost.push((at / MS, *bytes)),
            _ => {}
        }
    }
    ends.sort_unstable();
    let ends = ends.into_iter().map(|(_, at)| at).collect();
    // A watt for a millisecond.
    let sending = (log.number("energy_j") * 1e6).round() / 1e3;
    (ends, lost, log.number("uploaded_bytes"), sending)
}

const AT_ONCE: &str = "{ name = 'lo-edf', plan_when_busy = true }";

/// Without a failure a request that comes at 0 has been sent at 2, begins at 12, has been computed
/// at 17 and is answered at 27.
#[test]
fn what_is_under_way_to_a_worker_that_fails_is_sent_again() {
    for (fails, scheduler, expected) in [
        // Half sent. Who sends at once has sent again at 3; who waits for the worker, from 7 to 9.
        ((1.0, 6.0), AT_ONCE, (vec![28], vec![(1, 1_250)], 3_750.0, 3.0)),
        ((1.0, 6.0), ONE, (vec![34], vec![(1, 1_250)], 3_750.0, 3.0)),
        // Wholly sent and not arrived; just arrived, where it began and is lost at once; computing.
        ((2.0, 1.0), ONE, (vec![30], vec![], 5_000.0, 4.0)),
        ((5.0, 1.0), ONE, (vec![33], vec![], 5_000.0, 4.0)),
        ((12.0, 1.0), ONE, (vec![40], vec![], 5_000.0, 4.0)),
        ((14.0, 1.0), ONE, (vec![42], vec![], 5_000.0, 4.0)),
        // It is back long after the payload has arrived.
        ((1.0, 99.0), AT_ONCE, (vec![115], vec![(1, 1_250)], 3_750.0, 3.0)),
    ] {
        let mut log = failing(1, fails, &[0.0]).run(scheduler);
        assert_eq!(ends(&mut log), expected, "{fails:?} {scheduler}");
    }
}

#[test]
fn answers_under_way_outlive_their_worker() {
    for from in [17.0, 20.0, 27.0] {
        let mut log = failing(1, (from, 100.0 - from), &[0.0, 28.0]).run(ONE);
        assert_eq!(ends(&mut log), (vec![27, 127], vec![], 5_000.0, 4.0), "{from}");
    }
}

/// Three payloads in line, from 0 to 6; at 3 the first is in the air, the second half sent. All go
/// again from 3 on and are sent at 5, 7 and 9.
#[test]
fn the_line_is_cut_and_free() {
    let mut log = failing(8, (3.0, 1.0), &[0.0; 3]).run(AT_ONCE);
    let lost = vec![(3, 1_250), (3, 2_500)];
    assert_eq!(ends(&mut log), (vec![30, 32, 34], lost, 11_250.0, 9.0));
}

/// At 8 Mbit/s until 10 ms, then 2: of 5,000 bytes from 8 on, 2,000 are sent at 10, 1,000 more at
/// 14, when the worker fails.
#[test]
fn what_a_table_has_sent_is_counted_to_the_byte() {
    let text = "time_s,mbps\n0,8\n0.01,2\n100,8\n".to_owned();
    let source = Source { path: "b.csv".into(), text, sha256: String::new() };
    let table = Arc::new(Bandwidth::parse(&source).expect("a table"));
    let mut world = failing(1, (14.0, 2.0), &[8.0]);
    world.setup.apps[0].payload_bytes = 5_000;
    world.setup.workers[0].link.as_mut().expect("a link").uplink = Uplink::Table(table);
    // Again from 16 on: 20 ms at 2 Mbit/s, 10 there, 5, 10 back.
    let expected = (vec![61], vec![(14, 2_000)], 8_000.0, 26.0);
    assert_eq!(ends(&mut world.run(ONE)), expected);
}

/// A stalled or slow worker is slow when a batch begins there, not when it is sent.
#[test]
fn slow_from_the_instant_at_which_it_computes() {
    for (from, end) in [(13.0, 27), (12.0, 32), (2.0, 32)] {
        let mut world = remote(5.0, 1, 20.0, 10, 2_500);
        let from = Time::ZERO + Span::from_ms(from);
        world.setup.workers[0].slowdown = Some(Slowdown { from, factor: 2.0 });
        world.arrivals = vec![arrival(0.0, 0, 1e6)];
        assert_eq!(Times::of(&world, ONE).finish, [Some(end * MS)]);
    }
}
