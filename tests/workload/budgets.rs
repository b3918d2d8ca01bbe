//! Budgets in proportion to a lone request on the workers that there are: by hand, in ms.

use crate::support::common::{V, World};
use peeksim::config::source::Source;
use peeksim::core::units::Span;
use peeksim::system::catalog::WorkerSpec;
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::ground_truth::GroundTruth;
use peeksim::system::link::{Bandwidth, Link, Uplink};
use std::sync::Arc;

/// A variant of 12 ms that is right most often, of 8 ms and of 4 ms, of 3, 2 and 1 bytes.
fn world() -> World {
    let variants = [
        V("small", 1, &[(1, 4.0)], 50.0, &[0.6]),
        V("large", 3, &[(1, 12.0)], 50.0, &[0.9]),
        V("middle", 2, &[(1, 8.0)], 50.0, &[0.8]),
    ];
    let mut world = World::new().app("app", &variants);
    world.setup.apps[0].budget = Some(DeadlineBudget::Proportional(5.0, None));
    world.setup.apps[0].payload_bytes = 2_500;
    world
}

fn built(world: &World) -> Result<DeadlineBudget, String> {
    let truth = GroundTruth::build(&world.setup).map_err(|problems| problems.to_string())?;
    let catalog = truth.catalog();
    let app = catalog.app_ids().next().expect("an application");
    Ok(catalog.app(app).budget.clone())
}

fn budget_ms(change: impl FnOnce(&mut World)) -> f64 {
    let mut world = world().workers(1, 1, 10);
    change(&mut world);
    match built(&world) {
        Ok(DeadlineBudget::Fixed(span)) => span.as_ms(),
        other => panic!("{other:?}"),
    }
}

fn link(rtt_ms: f64, uplink: Uplink) -> Link {
    Link { rtt: Span::from_ms(rtt_ms), uplink, power_w: None }
}

#[test]
fn a_lone_request_is_as_fast_as_the_workers_are() {
    assert_eq!(budget_ms(|_| {}), 60.0);
    assert_eq!(budget_ms(|world| world.setup.workers[0].speed = 0.5), 120.0);
    assert_eq!(budget_ms(|world| world.setup.workers[0].speed = 4.0), 15.0);
    // The fastest of several.
    let add = |world: &mut World, speed| {
        world.setup.workers.push(WorkerSpec { speed, ..world.setup.workers[0].clone() });
    };
    assert_eq!(budget_ms(|world| add(world, 2.0)), 30.0);
    assert_eq!(budget_ms(|world| add(world, 0.1)), 60.0);
}

#[test]
fn only_variants_that_can_run_count() {
    // 3 bytes do not fit: the most accurate that does takes 8 ms.
    assert_eq!(budget_ms(|world| world.setup.workers[0].memory_bytes = 2), 40.0);
    assert_eq!(budget_ms(|world| world.setup.workers[0].memory_bytes = 1), 20.0);
    let only = |name: &str| vec![name.to_owned()];
    assert_eq!(budget_ms(|world| world.setup.workers[0].variants = only("small")), 20.0);
    assert_eq!(budget_ms(|world| world.setup.apps[0].variants = only("middle")), 40.0);
    // A slow worker is the only one that has the memory.
    let two = |world: &mut World| {
        let slow = WorkerSpec { speed: 0.5, ..world.setup.workers[0].clone() };
        world.setup.workers[0].memory_bytes = 2;
        world.setup.workers.push(slow);
    };
    assert_eq!(budget_ms(two), 120.0);
    let named = |name: &str| Some(DeadlineBudget::Proportional(2.0, Some(name.to_owned())));
    assert_eq!(budget_ms(|world| world.setup.apps[0].budget = named("small")), 8.0);
    let mut world = world().workers(1, 1, 2);
    world.setup.apps[0].budget = named("large");
    let said = built(&world).expect_err("refused");
    assert!(said.contains("found proportions to `large`, expected a variant that can run here"));
    assert!(said.contains("small, middle"), "{said}");
}

#[test]
fn a_lone_request_travels_there_and_back() {
    // 40 ms of round trip, and 2,500 bytes at 10 Mbit/s take 2 ms.
    let far =
        |uplink| move |world: &mut World| world.setup.workers[0].link = Some(link(40.0, uplink));
    assert_eq!(budget_ms(far(Uplink::Endless)), 5.0 * 52.0);
    assert_eq!(budget_ms(far(Uplink::Constant(10_000_000))), 5.0 * 54.0);
    // Half of the time at 15 Mbit/s, half at 5: 10 on average.
    let text = "time_s,mbps\n0,15\n3,5\n".to_owned();
    let source = Source { path: "b.csv".into(), text, sha256: String::new() };
    let table = Arc::new(Bandwidth::parse(&source).expect("a table"));
    assert_eq!(budget_ms(far(Uplink::Table(table))), 5.0 * 54.0);
    // Four times as fast, but far away; and near, but slow.
    let both = |speed| {
        move |world: &mut World| {
            let near = WorkerSpec { speed, ..world.setup.workers[0].clone() };
            world.setup.workers[0].speed = 4.0;
            world.setup.workers[0].link = Some(link(40.0, Uplink::Constant(10_000_000)));
            world.setup.workers.push(near);
        }
    };
    assert_eq!(budget_ms(both(0.5)), 5.0 * 24.0);
    assert_eq!(budget_ms(both(0.1)), 5.0 * 45.0);
}

/// What an uplink does not carry no worker behind it answers.
#[test]
fn a_link_limits_what_is_offered_as_load() {
    let capacity = |uplink, payload: u64| {
        let mut world = world().workers(1, 3, 10);
        world.setup.apps[0].payload_bytes = payload;
        world.setup.workers[0].link = uplink;
        let catalog = world.catalog();
        let app = catalog.app_ids().next().expect("an application");
        catalog.capacity_rps(app)
    };
    // Three lanes with 4 ms each; 2,500 bytes are 20,000 bits.
    let close = |found: f64, expected: f64| {
        assert!((found / expected - 1.0).abs() < 1e-12, "{found}, not {expected}");
    };
    close(capacity(None, 2_500), 750.0);
    close(capacity(Some(link(40.0, Uplink::Endless)), 2_500), 750.0);
    close(capacity(Some(link(40.0, Uplink::Constant(20_000_000))), 2_500), 750.0);
    close(capacity(Some(link(40.0, Uplink::Constant(1_000_000))), 2_500), 50.0);
    close(capacity(Some(link(40.0, Uplink::Constant(1_000_000))), 0), 750.0);
}
