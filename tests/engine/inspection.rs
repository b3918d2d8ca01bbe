//! One run in detail: what latencies are spent on, why requests are late, and the timeline.

use crate::support::common::check::{self, Promise};
use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::queueing_support::service;
use crate::support::common::recorder::Scribe;
use crate::support::common::{Told as Failed, V, World, trace_reader};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::inspection::{Explanation, Record, TraceEvents, Verdict, Work};
use peeksim::metrics::Part;
use peeksim::system::faults::Outage;
use peeksim::system::link::{Link, Uplink};
use peeksim::workload::Listed;
use std::sync::Arc;

const ONE: &str = "{ name = 'edf', max_batch = 1 }";

/// Runs a world, and asks about a request.
fn explain(world: &World, scheduler: &str, number: u32) -> Explanation {
    let (truth, rng) = (world.truth(), Rng::new(world.seed, 0));
    let mut chosen = world.choose(&truth.believed(rng), scheduler);
    let arrivals = Box::new(Listed::new(world.arrivals.clone()));
    let mut sim = Simulation::new(Arc::clone(&truth), arrivals, chosen.info, rng, "test");
    let mut record = Record::new(truth.catalog(), &[number]);
    let scheduler = chosen.scheduler.as_mut();
    engine::run_watched(&mut sim, scheduler, &mut record, Record::decided).expect("a run");
    Explanation::new(&record, number, &truth, rng).expect("the request arrived")
}

/// Parts of a latency in ms, and why an answer was late.
type Told<'a> = (Vec<(Part, f64)>, Option<(Part, &'a str)>);

/// The parts of the latency in ms, and why the answer was late.
fn parts(own: &Explanation) -> Told<'_> {
    let parts = own.breakdown().parts().map(|(part, span)| (part, span.as_ms())).collect();
    (parts, own.cause.as_ref().map(|cause| (cause.part, cause.text.as_str())))
}

#[test]
fn a_request_queues_behind_two_batches() {
    let world = service(&[(1, 10.0)]).workers(1, 1, 1);
    let world = world.request(0, 0.0, 15.0, 0).request(0, 1.0, 15.0, 0).request(0, 2.0, 15.0, 0);
    let own = explain(&world, ONE, 2);
    let cause = Some((Part::Queue, "queueing behind 2 batches of app/only on unit-0"));
    assert_eq!(parts(&own), (vec![(Part::Queue, 18.0), (Part::Service, 10.0)], cause));
    // Of the first batch it waits 8 of 10 ms, of the second all.
    let waits: Vec<(Work, f64)> =
        own.before.iter().map(|(own, span)| (own.work, span.as_ms())).collect();
    assert_eq!(waits, [(Work::Batch(0, 1), 8.0), (Work::Batch(1, 1), 10.0)]);
    assert_eq!((own.breakdown().batch, own.breakdown().waiting), (Some((0, 2)), 1));
    assert_eq!(own.tardiness, Span::from_ms(13.0));
    // It was decided when the worker was free, and 10 ms were expected.
    let choice = own.choice().expect("a decision");
    assert_eq!(choice.at, Time::ZERO + Span::from_ms(20.0));
    assert_eq!(choice.candidates[0].finish, Time::ZERO + Span::from_ms(30.0));
    assert!(choice.candidates[0].is_chosen && choice.waiting == 1);
    assert!(matches!(choice.verdict, Verdict::Assigned(_, _, 1)));
}

#[test]
fn a_request_waits_for_a_load() {
    let world = World::new().app("a", &[V("v", 1, &[(1, 10.0)], 50.0, &[1.0])]);
    let own = explain(&world.workers(1, 1, 1).request(0, 0.0, 30.0, 0), ONE, 0);
    let cause = Some((Part::Load, "the load of a/v on unit-0"));
    assert_eq!(parts(&own), (vec![(Part::Load, 50.0), (Part::Service, 10.0)], cause));
}

#[test]
fn a_request_waits_for_the_window() {
    let world = service(&[(1, 10.0)]).workers(1, 1, 1).request(0, 5.0, 30.0, 0);
    let own = explain(&world, "{ name = 'lo-edf', window_ms = 100 }", 0);
    let cause = Some((Part::Window, "it waited for a decision although a worker was idle"));
    assert_eq!(parts(&own), (vec![(Part::Window, 95.0), (Part::Service, 10.0)], cause));
}

#[test]
fn a_request_is_held_by_its_batch() {
    let world = service(&[(1, 10.0), (4, 40.0)]).workers(1, 1, 1);
    let world = (0..4).fold(world, |world, _| world.request(0, 0.0, 30.0, 0));
    let own = explain(&world, "{ name = 'edf', max_batch = 4 }", 2);
    let cause = Some((Part::Batch, "its batch of 4 takes longer than it takes alone"));
    assert_eq!(parts(&own), (vec![(Part::Batch, 30.0), (Part::Service, 10.0)], cause));
}

#[test]
fn a_request_travels_over_a_link() {
    let mut world = service(&[(1, 10.0)]).workers(1, 1, 1).request(0, 0.0, 30.0, 0);
    let uplink = Uplink::Constant(1_000_000);
    world.setup.workers[0].link = Some(Link { rtt: Span::from_ms(40.0), uplink, power_w: None });
    let own = explain(&world, ONE, 0);
    let cause = Some((Part::Link, "the link to unit-0"));
    assert_eq!(parts(&own), (vec![(Part::Link, 40.0), (Part::Service, 10.0)], cause));
}

/// 10,000 bytes at 8 Mbit/s are 10 ms. The link takes one batch after another, and the scheduler
/// decides when it is free, though both lanes are idle nearly all the time.
#[test]
fn a_request_waits_for_the_link_of_others() {
    let mut world = service(&[(1, 1.0)]).workers(1, 2, 1);
    world.setup.apps[0].payload_bytes = 10_000;
    let uplink = Uplink::Constant(8_000_000);
    world.setup.workers[0].link = Some(Link { rtt: Span::ZERO, uplink, power_w: None });
    let world = (0..3).fold(world, |world, _| world.request(0, 0.0, 30.0, 0));
    let own = explain(&world, ONE, 2);
    let cause = Some((Part::Link, "the link to unit-0"));
    assert_eq!(parts(&own), (vec![(Part::Link, 30.0), (Part::Service, 1.0)], cause));
    let ms = |at: f64| Time::ZERO + Span::from_ms(at);
    assert_eq!(own.choice().expect("a decision").upload, Some((ms(20.0), ms(30.0))));
}

#[test]
fn a_request_is_lost_with_its_worker() {
    let mut world = service(&[(1, 10.0)]).workers(1, 1, 1).request(0, 0.0, 30.0, 0);
    let outage = Outage { from: Time::ZERO + Span::from_ms(4.0), span: Span::from_ms(60.0) };
    world.setup.workers[0].outages = vec![outage];
    let own = explain(&world, ONE, 0);
    let cause = Some((Part::Failure, "a failure: unit-0 was down"));
    // 4 ms in the lost batch, 60 ms until the worker is back.
    assert_eq!(parts(&own), (vec![(Part::Failure, 64.0), (Part::Service, 10.0)], cause));
    let lost: Vec<Option<Time>> = own.followed.choices.iter().map(|own| own.lost).collect();
    assert_eq!(lost, [Some(Time::ZERO + Span::from_ms(4.0)), None], "it was decided about twice");
}

#[test]
fn what_other_variants_would_have_given() {
    let points: [&[(u64, f64)]; 2] = [&[(1, 10.0)], &[(1, 50.0)]];
    let world = World::new()
        .app("a", &[V("fast", 1, points[0], 0.0, &[0.5]), V("slow", 1, points[1], 0.0, &[1.0])])
        .trace(&[(0, &[], &[1, 0])])
        .workers(1, 1, 1);
    let mut world = world.request(0, 0.0, 100.0, 0);
    world.arrivals[0].truth.row = 0;
    let own = explain(&world, ONE, 0);
    let all: Vec<(bool, f64, f64, bool)> = own
        .alternatives
        .iter()
        .map(|own| (own.is_correct, own.finish.as_s() * 1e3, own.utility, own.is_own))
        .collect();
    // The fast variant was wrong; the slow one would have been right and in time.
    assert_eq!(all, [(false, 10.0, 0.0, true), (true, 50.0, 1.0, false)]);
    assert_eq!((own.regret(), own.utility, own.cause.is_none()), (Some(1.0), 0.0, true));
    assert_eq!(own.class.as_deref(), Some("0"));
}

#[test]
fn a_refused_request_has_a_decision_and_no_cause() {
    let world = service(&[(1, 10.0)]).workers(1, 1, 1).request(0, 0.0, 5.0, 0);
    let own = explain(&world, "{ name = 'edf', drop_policy = 'late' }", 0);
    let choice = own.choice().expect("a decision");
    assert!(matches!(choice.verdict, Verdict::Rejected(_)));
    assert_eq!(choice.candidates.len(), 1);
    assert!(own.cause.is_none() && own.regret().is_none() && own.class.is_none());
}

/// The timeline of a run as a file.
fn timeline(world: &World, scheduler: &str) -> String {
    let (truth, rng) = (world.truth(), Rng::new(world.seed, 0));
    let mut chosen = world.choose(&truth.believed(rng), scheduler);
    let arrivals = Box::new(Listed::new(world.arrivals.clone()));
    let mut sim = Simulation::new(Arc::clone(&truth), arrivals, chosen.info, rng, "test");
    let mut timeline = TraceEvents::new(truth.catalog(), Vec::new());
    // With a recorder before it, the scheduler is asked at every instant.
    let mut scribe = Scribe::new(chosen.scheduler.as_mut(), &Arc::default());
    engine::run_watched(&mut sim, &mut scribe, &mut timeline, TraceEvents::decided).expect("a run");
    String::from_utf8(timeline.finish().expect("memory")).expect("UTF-8")
}

/// Gives applications and variants names of their own: drawn ones share theirs.
fn name_all(world: &mut World) {
    for (app, spec) in world.setup.apps.iter_mut().enumerate() {
        let profile = Arc::make_mut(&mut spec.profile);
        profile.name = format!("app {app}");
        for (at, variant) in profile.variants.iter_mut().enumerate() {
            variant.name = format!("v{at}");
        }
    }
}

/// Every scheduler without peeks, in drawn worlds with links and failures: the file alone says
/// what happened, and what it says keeps the rules of the simulated world.
#[test]
fn timelines_keep_the_rules_of_the_world() {
    let mut events = 0;
    for seed in 0..40 {
        let (links, faults) = (seed % 3 != 0, seed % 3 != 1);
        let limits = Limits { links, faults, residents: true, shares: true, ..Limits::ALL };
        let mut case = Case::draw(seed, limits);
        name_all(&mut case.world);
        for (at, entry) in (0u64..).zip(draw::built_in()) {
            let case = draw::for_entry(&case, entry);
            let is_plain = |source: &Option<_>| source.is_none_or(|(name, _)| name == "profiled");
            for source in draw::sources(entry).into_iter().filter(is_plain) {
                let name = source.map(|(name, _)| name);
                let scheduler = draw::scheduler(seed * 100 + at, entry, name, Units::PLAIN);
                let _told = Failed(format!("seed {seed}, {scheduler}"));
                let text = timeline(&case.world, &scheduler);
                let log = trace_reader::read(&case.world.catalog(), &text);
                events += log.events.len();
                assert_eq!(log.events, case.world.run(&scheduler).events);
                let verdict = check::world(&case.facts, &log, Promise::default())
                    .and_then(|()| check::little(&log));
                verdict.unwrap_or_else(|why| panic!("{why}"));
            }
        }
    }
    assert!(events > 100_000, "{events}");
}

#[test]
fn a_timeline_that_breaks_a_rule_is_found() {
    let case = Case::draw(1, Limits::ALL);
    let text = timeline(&case.world, "fcfs");
    let first = text.find("\"ph\":\"E\"").expect("an end");
    let from = text[first..].find("\"ts\":").expect("a time") + first + 5;
    let end = text[from..].find('}').expect("an end of the event") + from;
    let time: f64 = text[from..end].parse().expect("a number");
    let moved = format!("{}{}{}", &text[..from], time + 1.0, &text[end..]);
    let log = trace_reader::read(&case.world.catalog(), &moved);
    assert!(check::world(&case.facts, &log, Promise::default()).is_err());
}
