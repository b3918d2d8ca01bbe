//! What of a run counts after a warm-up, by hand. All times are in milliseconds.

use crate::support::common::{V, World};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::metrics::{COLUMNS, Cell, MeasurementWindow, Study, Summary, TABLES, Tables};
use peeksim::system::faults::Outage;
use peeksim::system::link::{Link, Uplink};
use peeksim::workload::Listed;

/// The row of a run, and the cells of the first row of each table, without its first arrivals.
pub fn measured(world: &World, scheduler: &str, skip: u32) -> impl Fn(&str) -> f64 + use<> {
    let catalog = world.catalog();
    let mut chosen = world.choose(&catalog, scheduler);
    let arrivals = Box::new(Listed::new(world.arrivals.clone()));
    let rng = Rng::new(world.seed, 0);
    let mut sim = Simulation::new(world.truth(), arrivals, chosen.info, rng, "test");
    let mut summary = Summary::new(&catalog).with_window(MeasurementWindow::after(skip));
    let entries = TABLES.iter().copied().filter(|entry| entry.study() == Study::Scheduling);
    let entries: Vec<_> = entries.collect();
    let mut tables =
        Tables::new(&entries, &catalog, Span::from_ms(10.0), MeasurementWindow::after(skip));
    engine::run(&mut sim, chosen.scheduler.as_mut(), &mut (&mut summary, &mut tables))
        .expect("a run");
    let cells: Vec<String> = summary.cells(None).iter().map(Cell::to_string).collect();
    let tables = tables.rows();
    move |name| {
        let (table, column) = name.split_once('.').unwrap_or(("", name));
        let cell = if let Some(at) = entries.iter().position(|entry| entry.name == table) {
            let place = entries[at].columns.iter().position(|c| c.name == column);
            &tables[at][0][place.expect("a column")]
        } else {
            &cells[COLUMNS.iter().position(|c| c.name == column).expect("a column")]
        };
        cell.parse().unwrap_or_else(|_| panic!("{name} is `{cell}`"))
    }
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{found}, not {expected}");
}

/// One request an hour after the start, and ten every 10 ms after another hour: each takes 5.
#[test]
fn a_worker_idles_from_the_first_request_that_counts() {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 5.0)], 0.0, &[1.0])]);
    world = world.workers(1, 1, 1);
    world.setup.workers[0].idle_w = Some(5.0);
    world = world.request(0, 3_600_000.0, 100.0, 0);
    for at in 0..10 {
        world = world.request(0, 7_200_000.0 + 10.0 * f64::from(at), 100.0, 0);
    }
    // 95 ms, of which it works 50.
    let of = measured(&world, "fcfs", 1);
    close(of("energy_j"), 5.0 * 0.045);
    close(of("utilization_mean"), 50.0 / 95.0);
    close(of("idle_share"), 45.0 / 95.0);
    close(of("workers.busy_share"), 50.0 / 95.0);
    close(of("workers.idle_share"), 45.0 / 95.0);
    close(of("goodput_rps"), 10.0 / 0.095);
    // The series begins with what counts.
    close(of("timeseries.start_s"), 7_200.0);
    close(of("apps.arrived"), 10.0);
    close(of("variants.requests"), 10.0);
    // Without a warm-up all two hours are idle but for 55 ms.
    let whole = measured(&world, "fcfs", 0);
    close(whole("energy_j"), 5.0 * (7_200.095 - 0.055));
    close(whole("workers.batches"), 11.0);
}

/// A load from 0 to 8, a batch from 8 to 20; the measured part begins at 5 and at 12.
#[test]
fn spans_count_as_far_as_they_are_measured() {
    let world = |at| {
        let world = World::new().app("app", &[V("v", 7, &[(1, 12.0)], 8.0, &[1.0])]);
        let mut world = world.workers(1, 1, 7).request(0, 0.0, 100.0, 0).request(0, at, 100.0, 0);
        world.setup.workers[0].power_w = Some(2.0);
        world.setup.workers[0].idle_w = Some(1.0);
        world
    };
    // 5 to 8 loading, 8 to 32 computing; the load began before.
    let of = measured(&world(5.0), "fcfs", 1);
    close(of("model_loads"), 0.0);
    close(of("model_load_bytes_sum"), 0.0);
    close(of("model_load_ms_sum"), 3.0);
    close(of("loading_share"), 3.0 / 27.0);
    close(of("utilization_mean"), 24.0 / 27.0);
    close(of("idle_share"), 0.0);
    close(of("energy_j"), 2.0 * 0.027);
    close(of("workers.model_load_ms_sum"), 3.0);
    close(of("workers.loading_share"), 3.0 / 27.0);
    close(of("variants.model_load_ms_sum"), 3.0);
    close(of("timeseries.model_loads"), 0.0);
    // 12 to 32; the batch that ends at 20 counts with its size, its request does not.
    let of = measured(&world(12.0), "fcfs", 1);
    close(of("utilization_mean"), 1.0);
    close(of("workers.batches"), 2.0);
    close(of("workers.requests"), 1.0);
    close(of("batch_size_mean"), 1.0);
    close(of("completed"), 1.0);
    // At 40 both are over: 8 to load nothing, 28 to 40 idle do not count.
    let of = measured(&world(40.0), "fcfs", 1);
    close(of("energy_j"), 2.0 * 0.012);
    close(of("model_load_ms_sum"), 0.0);
}

/// Payloads of 5,000 bytes, 4 ms each, from 0 to 4 and from 4 to 8; measured from 1, and from 5.
#[test]
fn bytes_count_as_far_as_they_are_sent_then() {
    let world = |at| {
        let world = World::new().app("app", &[V("v", 1, &[(1, 1.0)], 0.0, &[1.0])]);
        let mut world = world.workers(1, 4, 1).request(0, 0.0, 100.0, 0).request(0, 0.0, 100.0, 0);
        world.setup.apps[0].payload_bytes = 5_000;
        world.setup.workers[0].link = Some(Link {
            rtt: Span::ZERO,
            uplink: Uplink::Constant(10_000_000),
            power_w: Some(1.0),
        });
        world.request(0, at, 100.0, 0)
    };
    let ahead = "{ name = 'lo-edf', plan_when_busy = true }";
    // The third goes from 8 to 12.
    let of = measured(&world(1.0), ahead, 2);
    close(of("uploaded_bytes"), 3_750.0 + 5_000.0 + 5_000.0);
    close(of("energy_j"), 0.011);
    let of = measured(&world(5.0), ahead, 2);
    close(of("uploaded_bytes"), 3_750.0 + 5_000.0);
    close(of("energy_j"), 0.007);
    let of = measured(&world(50.0), ahead, 2);
    close(of("uploaded_bytes"), 5_000.0);
    close(of("energy_j"), 0.004);
}

/// A worker of two lanes is there from 20 on and computes on one of them from 30 to 40.
#[test]
fn a_lane_is_a_share_of_its_worker_which_idles_from_when_it_is_ready() {
    let mut world = World::new().app("app", &[V("v", 1, &[(1, 10.0)], 0.0, &[1.0])]);
    world = world.workers(1, 2, 1).request(0, 30.0, 100.0, 0);
    let worker = &mut world.setup.workers[0];
    worker.ready = Time::ZERO + Span::from_ms(20.0);
    (worker.power_w, worker.idle_w) = (Some(4.0), Some(1.0));
    let of = measured(&world, "fcfs", 0);
    // 10 ms of one lane of two are 5 ms of the worker; 15 of its 20 ms are idle.
    close(of("energy_j"), 4.0 * 0.005 + 1.0 * 0.015);
    close(of("utilization_mean"), 0.25);
    close(of("idle_share"), 0.75);
    close(of("workers.busy_share"), 0.25);
    close(of("workers.idle_share"), 0.75);
}

/// A payload of 40 ms is lost at 10, within the warm-up, and sent again until 50; the request that
/// counts arrives at 20, and its payload goes from 50 to 90.
#[test]
fn what_was_lost_in_the_warm_up_does_not_count() {
    let world = |link: bool| {
        let world = World::new().app("app", &[V("v", 1, &[(1, 10.0)], 15.0, &[1.0])]);
        let mut world = world.workers(1, 1, 1).request(0, 0.0, 500.0, 0);
        let worker = &mut world.setup.workers[0];
        let from = Time::ZERO + Span::from_ms(10.0);
        worker.outages = vec![Outage { from, span: Span::from_ms(1.0) }];
        let uplink = Uplink::Constant(10_000_000);
        worker.link = link.then_some(Link { rtt: Span::ZERO, uplink, power_w: Some(1.0) });
        world.setup.apps[0].payload_bytes = if link { 50_000 } else { 0 };
        world.request(0, 20.0, 500.0, 0)
    };
    let of = measured(&world(true), "{ name = 'lo-edf', plan_when_busy = true }", 1);
    close(of("uploaded_bytes"), 37_500.0 + 50_000.0);
    close(of("energy_j"), 0.070);
    // Without the link: a load from 0 that is lost at 10, and one from 11 to 26, of which 6 count.
    let of = measured(&world(false), "fcfs", 1);
    close(of("model_load_ms_sum"), 6.0);
    close(of("model_loads"), 0.0);
    close(of("loading_share"), 6.0 / 26.0);
    close(of("workers.model_load_ms_sum"), 6.0);
}
