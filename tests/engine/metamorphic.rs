//! What must not change when the world changes in a way that does not matter, for every
//! registered scheduler with every source of accuracy, in worlds drawn from seeds.

use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::{self, Happened, Log, Told, V, World, run_unwatched};
use peeksim::classifier::model::{ClassifierHost, ClassifierKind, VoteModel};
use peeksim::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use peeksim::core::ids::VariantId;
use peeksim::core::units::{Span, Time};
use peeksim::scheduler::SchedulerEntry;
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::faults::BeliefError;
use peeksim::system::latency::LatencyPoints;
use peeksim::workload::Listed;
use rand::RngExt;
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 120;
const CALM: Limits = Limits { noise: false, ..Limits::ALL };

/// Calls `test` with a drawn world, an entry, the name of a source of accuracy and a seed.
fn for_all(limits: Limits, test: impl Fn(&Case, &SchedulerEntry, Option<&str>, u64)) {
    for seed in 0..SEEDS {
        let case = Case::draw(seed, limits);
        for (at, entry) in (0u64..).zip(draw::built_in()) {
            let case = draw::for_entry(&case, entry);
            for source in draw::sources(entry) {
                let name = source.map(|(name, _)| name);
                let _told = Told(format!("seed {seed}, {} {name:?}", entry.name));
                test(&case, entry, name, seed * 100 + at);
            }
        }
    }
}

/// How every request ended: (finish, worker, variant, correct), or nothing if it was refused.
fn ends(log: &Log) -> BTreeMap<u32, Option<(u64, u16, u16, bool)>> {
    let end = |event: &Happened| match event {
        Happened::Completed { at, request, worker, variant, correct, .. } => {
            Some((*request, Some((*at, *worker, *variant, *correct))))
        }
        Happened::Rejected { request, .. } | Happened::Unfinished { request, .. } => {
            Some((*request, None))
        }
        _ => None,
    };
    log.events.iter().filter_map(end).collect()
}

#[test]
fn the_same_seed_gives_the_same_run() {
    for_all(Limits::ALL, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let (first, again) = (case.world.run(&scheduler), case.world.run(&scheduler));
        assert_eq!(first.events, again.events, "{scheduler}");
        assert_eq!(first.asked, again.asked, "{scheduler}");
    });
}

/// The engine hands arrivals over together where no decision depends on when they are.
#[test]
fn events_are_the_same_whether_arrivals_are_handed_over_together() {
    let together = std::cell::Cell::new(0);
    for_all(Limits::ALL, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let (events, collects) = run_unwatched(&case.world, &scheduler);
        let watched = case.world.run(&scheduler).events;
        let differ = events.iter().zip(&watched).find(|(one, other)| one != other);
        assert!(differ.is_none() && events.len() == watched.len(), "{scheduler}: {differ:?}");
        together.set(together.get() + usize::from(collects));
    });
    assert!(together.get() >= 500, "{}", together.get());
}

/// All spans of the world times k.
fn scaled(world: &World, k: u64) -> World {
    let table = |points: &LatencyPoints| {
        // Every size, since interpolated latencies are rounded.
        let table = points.fit(world.setup.latency_fit);
        let points = (1..=table.max_batch()).map(|b| (b as u64, Span(table.latency(b).0 * k)));
        LatencyPoints::new(points.collect()).expect("a latency table")
    };
    let mut world = world.clone();
    for arrival in &mut world.arrivals {
        arrival.time.0 *= k;
        arrival.budget.0 *= k;
    }
    for app in &mut world.setup.apps {
        let profile = Arc::make_mut(&mut app.profile);
        // What planners expect of budgets.
        let budget = app.budget.as_ref().unwrap_or(&profile.budget);
        app.budget = Some(DeadlineBudget::Fixed(Span(budget.planning().0 * k)));
        profile.peek = profile.peek.as_ref().map(table);
        for cost in profile.variants.iter_mut().flat_map(|variant| &mut variant.costs) {
            (cost.latency, cost.load) = (table(&cost.latency), Span(cost.load.0 * k));
        }
    }
    world.setup.workers.iter_mut().for_each(|worker| worker.ready.0 *= k);
    world.setup.penalty.tolerance.0 *= k;
    world.setup.overhead.constant.0 *= k;
    world.setup.overhead.per_request.0 *= k;
    world
}

/// Published systems with constants in units of time: whole requests per second, milliseconds. And
/// those that count arrivals in bins of whole nanoseconds, or rates in whole cells.
const WITH_UNITS: [&str; 7] = [
    "proteus-like",
    "octopinf-like",
    "clockwork-like",
    "infaas-like",
    "routebalance-like",
    "shadow-price",
    "jellyfish-like",
];

/// Without noise, whose rounding does not scale, and without the priorities that weigh seconds
/// against accuracies, a world k times slower is the same world.
#[test]
fn time_has_no_unit() {
    for_all(CALM, |case, entry, source, seed| {
        if WITH_UNITS.contains(&entry.name) {
            return;
        }
        let k = [2, 3, 10][(seed % 3) as usize];
        let scheduler =
            |scale| draw::scheduler(seed, entry, source, Units { scale, seconds: false });
        let mut expected = ends(&case.world.run(&scheduler(1)));
        for end in expected.values_mut().flatten() {
            end.0 *= k;
        }
        let found = ends(&scaled(&case.world, k).run(&scheduler(k)));
        assert_eq!(found, expected, "{}, {k} times slower", scheduler(1));
    });
}

/// The start of the run is no special instant, but for windows, which open on a grid.
#[test]
fn time_has_no_origin() {
    for_all(Limits::ALL, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        // A common multiple of the windows that are drawn.
        let later = 3_600 * 5 * 17 * 1_000_000;
        let mut world = case.world.clone();
        world.arrivals.iter_mut().for_each(|arrival| arrival.time.0 += later);
        let ready = world.setup.workers.iter_mut().filter(|worker| worker.ready > Time::ZERO);
        ready.for_each(|worker| worker.ready.0 += later);
        let mut expected = ends(&case.world.run(&scheduler));
        for end in expected.values_mut().flatten() {
            end.0 += later;
        }
        assert_eq!(ends(&world.run(&scheduler)), expected, "{scheduler}");
    });
}

#[test]
fn an_application_that_nobody_asks_for_changes_nothing() {
    for_all(Limits::ALL, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let (plain, quick) = (V("plain", 1, &[(1, 1.0)], 1.0, &[0.9; 5]), [(1, 0.1), (8, 0.2)]);
        let unused = [plain, V("quick", 1, &quick, 0.0, &[1.0; 5])];
        let world = case.world.clone().app("unused", &unused);
        let (found, expected) = (world.run(&scheduler), case.world.run(&scheduler));
        assert_eq!(found.events, expected.events, "{scheduler}");
        assert_eq!(found.asked, expected.asked, "{scheduler}");
    });
}

/// Dispatchers without a preference among applications do not care in which order these are
/// listed. (Planners do, where plans are equally good.)
#[test]
fn the_order_of_applications_does_not_matter() {
    for_all(CALM, |case, entry, source, seed| {
        if !["fcfs", "edf"].contains(&entry.name) {
            return;
        }
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let mut world = case.world.clone();
        world.setup.apps.reverse();
        let last = world.setup.apps.len() as u16 - 1;
        world.arrivals.iter_mut().for_each(|arrival| arrival.app.0 = last - arrival.app.0);
        let places = |log: &Log| -> Vec<Option<(u64, u16)>> {
            ends(log).values().map(|end| end.map(|(at, worker, _, _)| (at, worker))).collect()
        };
        let expected = places(&case.world.run(&scheduler));
        assert_eq!(places(&world.run(&scheduler)), expected, "{scheduler}");
    });
}

/// On workers with one lane, where a load that takes no time does not wait for others.
#[test]
fn loads_of_no_time_are_endless_memory() {
    for_all(Limits { lanes: 1, ..Limits::ALL }, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let mut world = case.world.clone();
        for app in &mut world.setup.apps {
            let profile = Arc::make_mut(&mut app.profile);
            let costs = profile.variants.iter_mut().flat_map(|variant| &mut variant.costs);
            costs.for_each(|cost| cost.load = Span::ZERO);
        }
        let mut with_memory = |bytes: u64| {
            world.setup.workers.iter_mut().for_each(|worker| worker.memory_bytes = bytes);
            ends(&world.run(&scheduler))
        };
        // No variant is larger than 3, so that every one can run in either world.
        assert_eq!(with_memory(3), with_memory(1_000), "{scheduler}");
    });
}

/// A single variant stays in memory whatever its load costs and however many lanes there are.
#[test]
fn one_variant_needs_no_more_memory_than_its_own() {
    for_all(Limits::ALL, |case, entry, source, seed| {
        let scheduler = draw::scheduler(seed, entry, source, Units::PLAIN);
        let mut world = case.world.clone();
        world.setup.apps.truncate(1);
        let profile = Arc::make_mut(&mut world.setup.apps[0].profile);
        profile.variants.truncate(1);
        profile.variants[0].bytes = 1;
        // The trace still predicts for the variants that are gone.
        let app = &mut world.setup.apps[0];
        app.trace = None;
        app.peek.kind =
            ClassifierKind::Confusion(VoteModel::recall(app.profile.classes.len(), 0.8));
        world.arrivals.iter_mut().for_each(|arrival| {
            arrival.app.0 = 0;
            arrival.truth.row = peeksim::core::ids::TrueClass::NO_ROW;
            arrival.truth.class %= 2;
        });
        let unprofiled = profile_lacks(&world);
        world.setup.workers.retain(|worker| worker.class != unprofiled);
        let mut with_memory = |bytes: u64| {
            world.setup.workers.iter_mut().for_each(|worker| worker.memory_bytes = bytes);
            world.run(&scheduler).events
        };
        assert_eq!(with_memory(1), with_memory(1_000), "{scheduler}");
    });
}

/// The class of workers for which the only variant has no profile, if there is one.
fn profile_lacks(world: &World) -> String {
    let costs = &world.setup.apps[0].profile.variants[0].costs;
    let known = |class: &str| costs.iter().any(|cost| cost.worker_class == class);
    let mut classes = world.setup.workers.iter().map(|worker| worker.class.as_str());
    classes.find(|class| !known(class)).unwrap_or_default().to_owned()
}

/// Whether a variant answers a request correctly is settled before anybody decides: whoever asks
/// it, whenever, wherever and in whatever batch, gets the same answer.
#[test]
fn outcomes_do_not_depend_on_the_scheduler() {
    for seed in 0..SEEDS {
        let case = Case::draw(seed, Limits::ALL);
        let mut outcomes = BTreeMap::new();
        let mut agreed = 0;
        for (at, entry) in (0u64..).zip(draw::built_in()) {
            let case = draw::for_entry(&case, entry);
            for source in draw::sources(entry) {
                let source = source.map(|(name, _)| name);
                let scheduler = draw::scheduler(seed * 100 + at, entry, source, Units::PLAIN);
                for (request, end) in ends(&case.world.run(&scheduler)) {
                    let Some((_, _, variant, correct)) = end else { continue };
                    let known = *outcomes.entry((request, variant)).or_insert(correct);
                    assert_eq!(known, correct, "seed {seed}, {scheduler}: request {request}");
                    agreed += 1;
                }
            }
        }
        assert!(agreed > 2 * outcomes.len(), "seed {seed}: hardly anything was compared");
    }
}

/// Serves whoever waits on the first worker with a variant fixed by the request's number.
struct Fixed;

impl Scheduler for Fixed {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let Some(worker) = view.idle_workers().next() else { return };
        for request in view.pending() {
            let usable: Vec<VariantId> = view.variants(worker, request.app).collect();
            if !usable.is_empty() {
                let variant = usable[request.id.number() as usize % usable.len()];
                plan.assign(worker, variant, [request.id]);
            }
        }
    }
}

/// What a scheduler is told does not change what happens if it decides the same.
#[test]
fn beliefs_do_not_change_what_happens() {
    for seed in 0..SEEDS {
        let mut case = Case::draw(seed, Limits::ALL);
        // Peeks on the host take time, which is no belief.
        for app in &mut case.world.setup.apps {
            app.peek.runs_on = ClassifierHost::Free;
        }
        let run = |info| {
            let arrivals = Box::new(Listed::new(case.world.arrivals.clone()));
            let (log, result) = case.world.observe((info, "fixed"), &mut Fixed, arrivals);
            result.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            log.events
        };
        let expected = run(AccuracySource::Profiled);
        for (name, info) in AccuracySource::ALL {
            assert_eq!(run(info), expected, "seed {seed}, {name}");
        }
    }
}

/// Checks that what it is told of requests follows from the tables that it is shown.
#[derive(Default)]
struct Auditor {
    checked: usize,
}

impl Scheduler for Auditor {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let catalog = view.catalog();
        for request in view.pending() {
            let posterior = view.posterior(request);
            let mut accuracies = Vec::new();
            for variant in catalog.variants_of(request.app) {
                let of = catalog.variant(variant);
                let expected: f64 = posterior.iter().zip(&of.recall).map(|(p, r)| p * r).sum();
                assert_eq!(view.accuracy(request.id, variant), expected);
                accuracies.push(of.accuracy);
                self.checked += 1;
            }
            let count = accuracies.len() as f64;
            let mean = accuracies.iter().sum::<f64>() / count;
            let squares: f64 = accuracies.iter().map(|a| (a - mean) * (a - mean)).sum();
            let spread = if count < 2.0 { 1.0 } else { 1.0 + squares / (count - 1.0) };
            assert_eq!(catalog.app(request.app).accuracy_spread, spread);
        }
        Fixed.decide(view, trigger, plan);
    }
}

/// Where beliefs are wrong, everything that is derived from them is wrong alike.
#[test]
fn what_is_told_of_requests_follows_from_the_tables_that_are_shown() {
    let mut auditor = Auditor::default();
    for seed in 0..SEEDS {
        let mut case = Case::draw(seed, Limits::ALL);
        case.world.setup.belief_error = BeliefError { latency: 0.5, accuracy: 0.3 };
        for info in [AccuracySource::Posterior, AccuracySource::OracleLabel] {
            let arrivals = Box::new(Listed::new(case.world.arrivals.clone()));
            let (_, result) = case.world.observe((info, "auditor"), &mut auditor, arrivals);
            result.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        }
    }
    assert!(auditor.checked > 10_000, "{}", auditor.checked);
}

/// Serves one request after the other on two lanes and compares what it is told of running
/// batches with the tables.
#[derive(Default)]
struct Doubter {
    /// Expected ends of what runs, by the tables.
    ends: Vec<Time>,
    /// How often a batch ran longer than expected.
    overdue: usize,
}

impl Scheduler for Doubter {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let worker = view.worker(peeksim::core::ids::WorkerId(0));
        for (_, _, end) in worker.running() {
            assert!(self.ends.contains(&end), "{end} is not from the table");
            self.overdue += usize::from(end < view.now());
        }
        for request in view.pending().take(worker.free_lanes()) {
            let latency = view.expected_latency(worker.id, VariantId(0), 1);
            self.ends.push(view.now() + latency);
            plan.assign(worker.id, VariantId(0), [request.id]);
        }
    }
}

#[test]
fn nobody_is_told_of_the_noise_in_advance() {
    let recall = [0.5, 0.5];
    let mut world = World::new().app("app", &[V("a", 1, &[(1, 2.0)], 0.0, &recall)]);
    world = world.workers(1, 2, 1);
    world.setup.noise_cv = 0.5;
    for at in 0..500 {
        world = world.request(0, f64::from(at), 10.0, 0);
    }
    let mut doubter = Doubter::default();
    let log = world.drive(&mut doubter).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(log.counts.completed, 500);
    assert!(doubter.overdue > 50, "{}", doubter.overdue);
}

/// Knowing the outcome, a scheduler that maximises it on time is right whenever it can be.
#[test]
fn an_oracle_of_outcomes_is_told_the_truth() {
    let mut rng = common::queueing_support::rng(200, 0);
    let recall = [0.5, 0.5];
    let mut world = World::new()
        .app("app", &[V("a", 1, &[(1, 1.0)], 0.0, &recall), V("b", 1, &[(1, 1.0)], 0.0, &recall)]);
    for at in 0..2_000 {
        world = world.request(0, f64::from(at) * 3.0, 100.0, rng.random_range(0..2));
    }
    let log = world.run("{ name = 'lo-edf', accuracy = 'oracle-outcome' }");
    let right = ends(&log).values().flatten().filter(|end| end.3).count();
    // What was believed is what came true; one of two coins is heads three times in four, with a
    // standard deviation of √(2000 · 3/16) = 19.4, of which 5 are allowed.
    assert_eq!(log.believed, right as f64);
    assert!((right as f64 - 1_500.0).abs() < 97.0, "{right} of 2000");
}
