//! What a device does besides computing, by hand: the host's work before and after batches, the
//! spread of service times, service that depends on recent use, power, and power modes.

use crate::support::common::queueing_support::{
    Line, Times, agree, arrival, mean, poisson, rng, service, services,
};
use crate::support::common::{CLASS, Happened, V, World};
use crate::support::shell::Shell;
use peeksim::config::{ConfigNode, Problems};
use peeksim::contract::{Plan, Scheduler, Timeline, Trigger, View};
use peeksim::core::ids::{RequestId, VariantId};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::metrics::fluid_bound;
use peeksim::system::catalog::{AppSpec, WorkerSpec};
use peeksim::system::device::{DeviceCost, HostTimes, Power, Quantiles, Reaction, Spread};
use peeksim::system::faults::Outage;
use peeksim::system::penalty::Penalty;
use peeksim::system::profile::{Profile, VariantCost};
use peeksim::workload::Listed;
use std::sync::Arc;

const MS: u64 = 1_000_000;
const ONE: &str = "{ name = 'edf', max_batch = 1 }";
const AT_ONCE: &str = "{ name = 'lo-edf', plan_when_busy = true }";

/// Changes what a variant of the last application costs.
fn with_cost(mut world: World, variant: usize, change: impl FnOnce(&mut VariantCost)) -> World {
    let app = world.setup.apps.last_mut().expect("an application");
    change(&mut Arc::make_mut(&mut app.profile).variants[variant].costs[0]);
    world
}

/// The host's work in ms: before and after each request, and the delay of each batch.
fn host([before, after, delay]: [f64; 3]) -> HostTimes {
    let [before, after, delay] = [before, after, delay].map(Span::from_ms);
    HostTimes { before, after, delay }
}

/// A service of `ms` on one worker, with work of its host.
fn hosted(ms: f64, lanes: u16, times: [f64; 3]) -> World {
    let world = service(&[(1, ms)]).workers(1, lanes, 1);
    with_cost(world, 0, |cost| cost.device.host = host(times))
}

/// A service whose times spread, on one lane.
fn spreading(points: &[(u64, f64)], spread: Vec<(u64, Spread)>) -> World {
    with_cost(service(points).workers(1, 1, 1), 0, |cost| cost.spread = spread)
}

/// A service of 10 ms that is slower after little use, by factors of 1 + a slowdown.
fn reacting(lanes: u16, service_by: f64, host_by: f64, inertia_ms: f64) -> World {
    let world = service(&[(1, 10.0)]).workers(1, lanes, 1);
    let inertia = Span::from_ms(inertia_ms);
    let reaction = Reaction { service: service_by, host: host_by, inertia };
    with_cost(world, 0, |cost| cost.device.reaction = reaction)
}

/// With arrivals in ms, whose budgets are longer than any run.
fn arriving(mut world: World, at_ms: impl IntoIterator<Item = f64>) -> World {
    world.arrivals = at_ms.into_iter().map(|at| arrival(at, 0, 1e6)).collect();
    world
}

fn ms(times: &[u64]) -> Vec<Option<u64>> {
    times.iter().map(|at| Some(at * MS)).collect()
}

/// From the start of each request to its end, in ms.
fn spans(times: &Times) -> Vec<f64> {
    let pairs = times.start.iter().zip(&times.finish);
    pairs
        .map(|(start, end)| (end.expect("an end") - start.expect("a start")) as f64 / 1e6)
        .collect()
}

/// Two roundings to a nanosecond may lie between them.
fn close(found_ms: f64, expected_ms: f64) {
    assert!((found_ms - expected_ms).abs() < 3e-6, "{found_ms}, not {expected_ms}");
}

/// The mean of independent values is the expected one, within four standard errors.
fn near(values: &[f64], expected: f64) {
    let (count, found) = (values.len() as f64, mean(values.iter().copied()));
    let squares: f64 = values.iter().map(|x| (x - found).powi(2)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    assert!((found - expected).abs() < 4.0 * error, "{found} ± {error}, not {expected}");
}

/// Computed from 0 to 5 and from 5 to 10; each answer comes 20 later.
#[test]
fn a_delay_holds_the_answer_and_not_the_lane() {
    let times = Times::of(&arriving(hosted(5.0, 1, [0.0, 0.0, 20.0]), [0.0, 0.0]), ONE);
    assert_eq!((times.start, times.finish), (ms(&[0, 5]), ms(&[25, 30])));
    // One batch of two, from 0 to 6: 3 for each request, one after another, and 20 for the batch.
    let world = service(&[(1, 5.0), (2, 6.0)]).workers(1, 1, 1);
    let world = with_cost(world, 0, |cost| cost.device.host = host([0.0, 3.0, 20.0]));
    let times = Times::of(&arriving(world, [0.0, 0.0]), "edf");
    assert_eq!(times.finish, ms(&[32, 32]));
}

/// Three batches end at 5; their host takes 4 for each, and is free when the fourth ends at 35.
#[test]
fn the_host_answers_one_request_after_another() {
    for (delay, expected) in [(0.0, [9, 13, 17, 39]), (2.0, [11, 15, 19, 41])] {
        let world = arriving(hosted(5.0, 3, [0.0, 4.0, delay]), [0.0, 0.0, 0.0, 30.0]);
        let times = Times::of(&world, ONE);
        assert_eq!((times.start, times.finish), (ms(&[0, 0, 0, 30]), ms(&expected)));
    }
}

/// The ends of requests at 0 that are prepared in `before` ms and computed in `ms`: the slower of
/// host and lane is never idle, the k-th ends at before + ms + (k − 1) · max(before, ms).
fn prepared_ahead(scheduler: &str) {
    for (before, lane) in [(2u64, 5u64), (5, 2), (3, 3)] {
        let world = hosted(lane as f64, 1, [before as f64, 0.0, 0.0]);
        let times = Times::of(&arriving(world, [0.0; 20]), scheduler);
        let end = |k: u64| before + lane + (k - 1) * before.max(lane);
        let ends: Vec<u64> = (1..=20).map(end).collect();
        assert_eq!(times.finish, ms(&ends), "{scheduler}, {before} and {lane} ms");
    }
}

#[test]
fn the_host_prepares_what_planners_plan_while_the_worker_computes() {
    for scheduler in ["{ name = 'lo-edf' }", AT_ONCE, "{ name = 'grouped', max_batch = 1 }"] {
        prepared_ahead(scheduler);
    }
}

#[test]
fn dispatchers_have_the_next_batch_prepared_while_one_is_computed() {
    for scheduler in [ONE, "{ name = 'fcfs', max_batch = 1 }"] {
        prepared_ahead(scheduler);
    }
}

/// Delays with a coefficient of variation of 1, on requests that end 1 ms apart.
#[test]
fn answers_may_overtake_and_delays_belong_to_requests() {
    let requests = 2_000u32;
    let world = with_cost(hosted(1.0, 1, [0.0, 0.0, 50.0]), 0, |cost| cost.device.delay_cv = 1.0);
    let mut world = arriving(world, (0..requests).map(f64::from));
    let times = Times::of(&world, ONE);
    let finish: Vec<u64> = times.finish.iter().map(|end| end.expect("an end")).collect();
    assert!(!finish.is_sorted());
    let delays: Vec<f64> = spans(&times).iter().map(|span| span - 1.0).collect();
    near(&delays, 50.0);
    assert_eq!(times.finish, Times::of(&world, "{ name = 'fcfs', max_batch = 1 }").finish);
    // Each request is answered once.
    let log = world.run(ONE);
    let answered = log.events.iter().filter_map(|event| match event {
        Happened::Completed { request, .. } => Some(*request),
        _ => None,
    });
    let mut answered: Vec<u32> = answered.collect();
    answered.sort_unstable();
    assert_eq!(answered, (0..requests).collect::<Vec<u32>>());
    // In the opposite order all start at other times, with the same delays.
    for (at, arrival) in (0..requests).zip(&mut world.arrivals) {
        (arrival.time, arrival.budget) = (Time::ZERO, Span::from_ms(f64::from(9_000 - at)));
    }
    let reversed = Times::of(&world, ONE);
    assert!(reversed.start[0] > reversed.start[1]);
    assert_eq!(spans(&reversed), spans(&times));
}

/// The worker is away from 10 to 110; the answer of a batch that ended at 5 comes at 25, and so
/// does one that the host works on.
#[test]
fn answers_on_their_way_outlive_their_worker() {
    for times in [[0.0, 0.0, 20.0], [0.0, 20.0, 0.0]] {
        let mut world = arriving(hosted(5.0, 1, times), [0.0, 11.0]);
        let (from, span) = (Time(10 * MS), Span(100 * MS));
        world.setup.workers[0].outages = vec![Outage { from, span }];
        assert_eq!(Times::of(&world, ONE).finish, ms(&[25, 135]));
    }
    // Away from 4 to 6: what was to be prepared by 10 is prepared from 6 to 16.
    let mut world = arriving(hosted(5.0, 1, [10.0, 0.0, 0.0]), [0.0]);
    world.setup.workers[0].outages = vec![Outage { from: Time(4 * MS), span: Span(2 * MS) }];
    assert_eq!(Times::of(&world, ONE).finish, ms(&[21]));
}

/// Unused, the worker takes 15 ms instead of 10. Its use rises until 15, and falls until 25.
#[test]
fn a_worker_is_slow_after_little_use() {
    for inertia in [20.0, 200.0] {
        let world = arriving(reacting(1, 0.5, 0.0, inertia), [0.0, 25.0]);
        let found = spans(&Times::of(&world, ONE));
        close(found[0], 15.0);
        let recent = (1.0 - libm::exp(-15.0 / inertia)) * libm::exp(-10.0 / inertia);
        close(found[1], 10.0 * (1.0 + 0.5 * (1.0 - recent)));
    }
    // One after another: what is missing to full use falls by exp(−t / 20) in each batch.
    let found = spans(&Times::of(&arriving(reacting(1, 0.5, 0.0, 20.0), [0.0; 80]), ONE));
    let mut missing = 1.0;
    for span in &found {
        close(*span, 10.0 * (1.0 + 0.5 * missing));
        missing *= libm::exp(-span / 20.0);
    }
    close(found[79], 10.0);
    // On one lane of two, use rises to a half.
    let found = spans(&Times::of(&arriving(reacting(2, 1.0, 0.0, 10.0), [0.0, 20.0]), ONE));
    close(found[0], 20.0);
    close(found[1], 10.0 * (2.0 - 0.5 * (1.0 - libm::exp(-2.0))));
}

/// Computed from 0 to 10; then 4 for the request and 20 for the batch take longer.
#[test]
fn a_host_is_slow_after_little_use() {
    let world = with_cost(reacting(1, 0.0, 1.0, 10.0), 0, |cost| {
        cost.device.host = host([0.0, 4.0, 20.0]);
    });
    let found = spans(&Times::of(&arriving(world, [0.0]), ONE));
    close(found[0], 10.0 + 24.0 * (1.0 + libm::exp(-1.0)));
}

#[test]
fn a_slowdown_of_nothing_changes_nothing() {
    let at: Vec<f64> = (0..50).map(|i| f64::from(i * i % 7 + 8 * i)).collect();
    let plain = arriving(service(&[(1, 10.0)]).workers(1, 2, 1), at.clone());
    let world = arriving(reacting(2, 0.0, 0.0, 5.0), at);
    assert_eq!(world.run("edf").events, plain.run("edf").events);
}

/// Use is of the worker: a batch of a variant that does not react counts as well.
#[test]
fn every_batch_is_use() {
    let world = with_cost(services(&[10.0, 10.0]).workers(1, 1, 1), 1, |cost| {
        cost.device.reaction = Reaction { service: 1.0, host: 0.0, inertia: Span(1_000 * MS) };
    });
    let found = spans(&Times::with(&arriving(world, [0.0, 0.0]), &mut Line::endless()));
    close(found[0], 10.0);
    close(found[1], 10.0 * (1.0 + libm::exp(-0.01)));
}

/// Busy from 0 until it fails at 5, away until 105.
#[test]
fn a_worker_that_failed_is_not_in_use() {
    let mut world = arriving(reacting(1, 1.0, 0.0, 10.0), [0.0]);
    world.setup.workers[0].outages = vec![Outage { from: Time(5 * MS), span: Span(100 * MS) }];
    let times = Times::of(&world, ONE);
    assert_eq!(times.start, ms(&[105]));
    close(spans(&times)[0], 10.0 * (2.0 - (1.0 - libm::exp(-0.5)) * libm::exp(-10.0)));
}

#[test]
fn service_times_spread_around_the_table() {
    let alone = (0..4_000).map(|i| f64::from(i) * 100.0);
    let world = arriving(spreading(&[(1, 10.0)], vec![(1, Spread::of_cv(0.5))]), alone.clone());
    let found = spans(&Times::of(&world, ONE));
    near(&found, 10.0);
    // The kurtosis of a log-normal is w⁴ + 2w³ + 3w² − 3, with w = 1 + cv²: 8.0 here. The standard
    // error of the deviation is 5 √((8.0 − 1) / (4 · 4000)) = 0.105; four of them.
    let square = mean(found.iter().map(|x| (x - 10.0) * (x - 10.0)));
    assert!((square.sqrt() - 5.0).abs() < 0.42, "{square}");
    assert_eq!(found, spans(&Times::of(&world, "{ name = 'fcfs', max_batch = 1 }")));
    // Quantiles of any unit, scaled to the mean of the table: of 1, 2 and 4 it is 2.3.
    let quantiles = Quantiles::new(vec![(0.1, 1.0), (0.5, 2.0), (0.9, 4.0)]);
    let spread = vec![(1, Spread::Quantiles(quantiles))];
    let found = spans(&Times::of(&arriving(spreading(&[(1, 10.0)], spread), alone), ONE));
    near(&found, 10.0);
    let (least, most) = (10.0 / 2.3, 40.0 / 2.3);
    assert!(found.iter().all(|span| (least - 1e-5..most + 1e-5).contains(span)));
    for (value, share) in [(least, 0.1), (20.0 / 2.3, 0.5), (most - 1e-5, 0.9)] {
        let below: Vec<f64> =
            found.iter().map(|span| f64::from(u8::from(*span <= value + 1e-6))).collect();
        near(&below, share);
    }
}

/// Batches of one take the table; two is the least size with a spread, and four has another.
#[test]
fn a_spread_holds_from_its_batch_size_on() {
    let points = [(1, 10.0), (2, 12.0), (4, 20.0)];
    let four = Spread::Quantiles(Quantiles::new(vec![(0.5, 1.0)]));
    let world = spreading(&points, vec![(1, Spread::None), (2, Spread::of_cv(0.3)), (4, four)]);
    for (size, table) in [(1, 10.0), (2, 12.0), (3, 16.0), (4, 20.0)] {
        let at = (0..100).flat_map(|i| vec![f64::from(i) * 1_000.0; size]);
        let times = Times::of(&arriving(world.clone(), at), "edf");
        assert_eq!(times.batches, vec![size; 100]);
        let found: Vec<f64> = spans(&times).into_iter().step_by(size).collect();
        if [2, 3].contains(&size) {
            near(&found, table);
            assert!(found.windows(2).all(|pair| pair[0] != pair[1]));
        } else {
            assert!(found.iter().all(|span| *span == table), "{size}: {found:?}");
        }
    }
}

/// M/G/1 with spread and a delay that holds no lane: by Pollaczek and Khinchine the mean wait is
/// λ s² (1 + cv²) / (2 (1 − λ s)), and the mean sojourn W + s + delay.
#[test]
fn mg1_with_spread_and_delay() {
    let (s, rho, cv, delay) = (1.0, 0.6, 0.8, 3.0);
    let (requests, warm) = (20_000, 1_500);
    let world = with_cost(hosted(s, 1, [0.0, 0.0, delay]), 0, |cost| {
        cost.spread = vec![(1, Spread::of_cv(cv))];
        cost.device.delay_cv = 0.5;
    });
    let replicate = |replicate| {
        let mut world = world.clone();
        world.seed = replicate;
        world.arrivals = poisson(&mut rng(300, replicate), requests, s / rho, 1e9);
        let times = Times::of(&world, "{ name = 'fcfs', max_batch = 1 }");
        [mean(times.waits(warm)), mean(times.sojourns(warm))]
    };
    let rows: Vec<[f64; 2]> = (0..100).map(replicate).collect();
    let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
    let wait = rho / s * s * s * (1.0 + cv * cv) / (2.0 * (1.0 - rho));
    agree("M/G/1 with spread, mean wait", &column(0), wait);
    agree("M/G/1 with spread and delay, mean sojourn", &column(1), wait + s + delay);
}

fn joules(world: &World, expected: f64) {
    let found = world.run(ONE).number("energy_j");
    assert!((found - expected).abs() < 1e-12, "{found} J, not {expected}");
}

/// Prepared from 0 to 1, computed to 6, answered from 6 to 9 and delayed to 11: 10 W for 5 ms, 4 W
/// for the other 6, and 2 W more for the 6 of the host.
#[test]
fn power_is_that_of_the_profile_unless_the_worker_has_its_own() {
    let power = Power { idle_w: Some(4.0), busy_w: Some(10.0), host_w: Some(2.0) };
    let world = with_cost(hosted(5.0, 1, [1.0, 3.0, 2.0]), 0, |cost| cost.device.power = power);
    let mut world = arriving(world, [0.0]);
    joules(&world, 0.050 + 0.024 + 0.012);
    world.setup.workers[0].idle_w = Some(1.0);
    joules(&world, 0.050 + 0.006 + 0.012);
    // The worker's own power takes the place of all that the profile says of work.
    world.setup.workers[0].power_w = Some(20.0);
    joules(&world, 0.100 + 0.006);
    world.setup.workers[0].idle_w = None;
    joules(&world, 0.100 + 0.024);
    // A load from 0 to 8 on both lanes, and 5 ms on one of them, which are 2.5 of the worker.
    let world = with_cost(service(&[(1, 5.0)]).workers(1, 2, 1), 0, |cost| {
        (cost.load, cost.device.power) = (Span(8 * MS), power);
    });
    joules(&arriving(world, [0.0]), 0.080 + 0.025 + 4.0 * 0.0025);
}

/// Appends what waits in batches of two, and notes the ends that the view expects.
#[derive(Default)]
struct Foreteller {
    cursor: Timeline,
    told: Vec<(u32, u64)>,
}

impl Scheduler for Foreteller {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let worker = view.workers().next().expect("a worker").id;
        view.backlog_end(worker, &mut self.cursor);
        let pending: Vec<RequestId> = view.pending().map(|request| request.id).collect();
        for batch in pending.chunks(2) {
            let variant = VariantId((batch[0].number() / 3 % 2) as u16);
            let next = view.finish(&self.cursor, variant, batch.len());
            let end = view.estimate_append(&mut self.cursor, variant, batch.len());
            assert_eq!(next, end);
            self.told.extend(batch.iter().map(|id| (id.number(), end.0)));
            plan.assign(worker, variant, batch.iter().copied());
        }
    }
}

/// Two variants that take turns in memory, and work of the host that never waits after a batch.
#[test]
fn what_the_view_expects_of_a_host_happens() {
    let variants = [
        V("a", 1, &[(1, 5.0), (2, 6.0)], 3.0, &[1.0]),
        V("b", 1, &[(1, 7.0), (2, 9.0)], 2.0, &[1.0]),
    ];
    for (lanes, gap, [a, b]) in [
        (1, 5.0, [[4.0, 2.0, 7.0], [1.0, 1.0, 0.0]]),
        (1, 12.0, [[4.0, 2.0, 7.0], [0.0, 0.0, 3.0]]),
        (1, 30.0, [[9.0, 0.0, 0.0], [2.0, 2.0, 1.0]]),
        (2, 4.0, [[4.0, 0.0, 7.0], [1.0, 0.0, 2.0]]),
    ] {
        let mut world = World::new().app("app", &variants).workers(1, lanes, 1);
        for (variant, times) in [a, b].into_iter().enumerate() {
            world = with_cost(world, variant, |cost| cost.device.host = host(times));
        }
        let world = arriving(world, (0..80).map(|i| gap * f64::from(i / 2)));
        let mut foreteller = Foreteller::default();
        let log = world.drive(&mut foreteller).unwrap_or_else(|error| panic!("{error}"));
        let ended = log.events.iter().filter_map(|event| match event {
            Happened::Completed { at, request, .. } => Some((*request, *at)),
            _ => None,
        });
        let mut ended: Vec<(u32, u64)> = ended.collect();
        ended.sort_unstable();
        assert_eq!(ended, foreteller.told, "{lanes} lanes, {gap} ms");
    }
    // When a batch ends, its scheduler is told that its answer will be late.
    let mut world = arriving(hosted(5.0, 1, [1.0, 1.0, 20.0]), [0.0, 30.0]);
    world.arrivals[0].budget = Span(26 * MS);
    let log = world.run(AT_ONCE);
    assert_eq!((log.told_late, log.late), (1, 1));
}

/// The most utility of any scheduler.
fn bound(world: &World) -> f64 {
    let mut arrivals = Listed::new(world.arrivals.clone());
    let bound = fluid_bound(&world.truth(), &mut arrivals, Rng::new(world.seed, 0));
    bound.expect("requests arrive")
}

#[test]
fn no_run_is_above_the_bound_of_a_host() {
    let step =
        Penalty::read(&ConfigNode::parse_override("{ name = 'step' }"), &mut Problems::default());
    // Prepared while the worker is away until 100, and computed until 110.
    let mut early = arriving(hosted(10.0, 1, [10.0, 0.0, 0.0]), [0.0]);
    early.setup.workers[0].ready = Time(100 * MS);
    early.arrivals[0].budget = Span(112 * MS);
    // One application needs the host for 10 ms and the lane for 1, the other the reverse. Taking
    // turns, the k-th pair ends at 10 + 11 k.
    let mut turns = World::new();
    for (name, before, lane) in [("host", 10.0, 1.0), ("lane", 1.0, 10.0)] {
        turns = turns.app(name, &[V("only", 1, &[(1, lane)], 0.0, &[1.0])]);
        turns = with_cost(turns, 0, |cost| cost.device.host = host([before, 0.0, 0.0]));
    }
    turns = turns.workers(1, 1, 2);
    turns.arrivals = (0..10).map(|i| arrival(0.0, i % 2, 66.0 + f64::from(i) / 100.0)).collect();
    for mut world in [early, turns] {
        world.setup.penalty = step.clone();
        let found = world.run(AT_ONCE).number("utility_mean");
        assert!(found <= bound(&world) + 1e-9, "{found} above {}", bound(&world));
    }
}

/// A profile folder of one variant with these rows of `latency.csv` and `device.csv`.
fn profile(latency: &str, device: &str) -> Profile {
    let shell = Shell::new();
    shell.write("own/app.toml", "classes = [\"any\"]\nbudget_ms = 100\n");
    shell.write("own/variants.csv", "variant,bytes,accuracy\nonly,1,1\n");
    shell.write("own/load.csv", "worker_class,variant,load_ms\nunit,only,0\n");
    shell.write("own/latency.csv", latency);
    shell.write("own/device.csv", device);
    let folder = shell.path("own");
    Profile::read(folder.to_str().expect("UTF-8")).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_worker_takes_the_tables_of_its_power_mode() {
    let profile = Arc::new(profile(
        "worker_class,variant,batch,latency_ms,power_mode\nunit,only,1,9,low\nunit,only,1,4,high\n",
        "worker_class,variant,power_mode,delay_ms\nunit,only,low,3\n",
    ));
    let mut world = arriving(World::new(), [0.0, 0.0]);
    world.setup.apps = vec![AppSpec::new(profile)];
    for mode in ["low", "high"] {
        let power_mode = mode.to_owned();
        world.setup.workers.push(WorkerSpec { power_mode, ..WorkerSpec::new(CLASS) });
    }
    assert_eq!(Times::of(&world, ONE).finish, ms(&[12, 4]));
}

#[test]
fn every_column_of_a_device_is_read() {
    let profile = profile(
        "worker_class,variant,batch,latency_ms,latency_ms_sd,latency_ms_p10,latency_ms_p90\n\
         unit,only,1,4,2,,\nunit,only,2,6,,3,9\n",
        "worker_class,variant,delay_ms,delay_ms_sd,host_before_ms,host_after_ms,idle_slowdown,\
         idle_host_slowdown,inertia_ms,idle_w,busy_w,host_w\n\
         unit,only,20,10,1,2,0.3,0.4,,5,9,\n",
    );
    let cost = &profile.variants[0].costs[0];
    let quantiles = Quantiles::new(vec![(0.1, 3.0), (0.9, 9.0)]);
    assert_eq!(cost.spread, [(1, Spread::of_cv(0.5)), (2, Spread::Quantiles(quantiles))]);
    let expected = DeviceCost {
        host: host([1.0, 2.0, 20.0]),
        delay_cv: 0.5,
        reaction: Reaction { service: 0.3, host: 0.4, inertia: Span(1_000 * MS) },
        power: Power { idle_w: Some(5.0), busy_w: Some(9.0), host_w: None },
    };
    assert_eq!(cost.device, expected);
}
