//! Closed loops against their closed forms: clients that think, and one server.

use crate::support::common::World;
use crate::support::common::queueing_support::{
    Line, Times, agree, exponential, mean, rng, service, services,
};
use peeksim::config::{ConfigNode, Decoder, Problems};
use peeksim::contract::{
    AccuracySource, Event, Observer, Plan, RejectReason, Scheduler, Trigger, View,
};
use peeksim::core::ids::RequestId;
use peeksim::core::rng::Rng;
use peeksim::engine::{self, Simulation};
use peeksim::workload::{
    ARRIVALS, ClassFilter, PROCESS, RateSpec, RequestSources, SourceSplit, WorkloadSpec,
};

fn plan(count: u32, think_ms: f64, steady: bool, requests: u64) -> WorkloadSpec {
    let think = if steady { "constant" } else { "exponential" };
    of_apps(count, think_ms, think, requests, 1)
}

/// Clients that think exponentially and ask for each of so many applications as often.
pub fn clients(count: u32, think_ms: f64, requests: u64, apps: usize) -> WorkloadSpec {
    of_apps(count, think_ms, "exponential", requests, apps)
}

fn of_apps(count: u32, think_ms: f64, think: &str, requests: u64, apps: usize) -> WorkloadSpec {
    let entry = ARRIVALS.iter().find(|entry| entry.name == "closed").expect("closed loops");
    let text = format!("{{ clients = {count}, think_ms = {think_ms}, think = '{think}' }}");
    let (node, mut problems) = (ConfigNode::parse_override(&text), Problems::default());
    let mut fields = Decoder::new(&node, &PROCESS, &mut problems);
    fields.describe(entry.name, entry.settings);
    let process = (entry.read)(&mut fields);
    assert!(problems.is_empty(), "{problems}");
    WorkloadSpec {
        processes: vec![process],
        pace: RateSpec::Own,
        requests,
        mix: vec![1.0 / apps as f64; apps],
        classes: (0..apps).map(|_| ClassFilter::All).collect(),
        drift: None,
        sticky: 0.0,
        sources: SourceSplit::All,
        request_sources: RequestSources::None,
        file: None,
        place: peeksim::config::Location::default(),
    }
}

fn run(world: &World, plan: &WorkloadSpec, seed: u64, scheduler: &mut dyn Scheduler) -> Times {
    let (truth, rng) = (world.truth(), Rng::new(seed, 0));
    let arrivals = plan.build(&truth, rng).expect("arrivals");
    let mut sim = Simulation::new(truth, arrivals, AccuracySource::Profiled, rng, "test");
    let mut times = Times::default();
    engine::run(&mut sim, scheduler, &mut times).unwrap_or_else(|error| panic!("{error}"));
    times
}

/// M/M/1//N, the machine repair model (Kleinrock, Queueing Systems 1, 1975, section 3.8): with
/// think rate λ, service rate μ and N clients, p₀ = 1 / Σ N! / (N − k)! (λ/μ)ᵏ, throughput
/// X = μ (1 − p₀) and mean sojourn N / X − 1 / λ.
#[test]
fn the_machine_repair_model() {
    const REQUESTS: usize = 20_000;
    let (think, s) = (5.0, 1.0);
    for clients in [1u32, 4, 10] {
        let (mut sum, mut term) = (1.0, 1.0);
        for k in 0..clients {
            term *= f64::from(clients - k) * s / think;
            sum += term;
        }
        let per_ms = (1.0 - 1.0 / sum) / s;
        let rows: Vec<[f64; 2]> = (0..60)
            .map(|replicate| {
                let mut rng = rng(61, replicate);
                let drawn: Vec<f64> = (0..REQUESTS).map(|_| exponential(&mut rng, s)).collect();
                let world = services(&drawn).workers(1, 1, 1);
                let plan = plan(clients, think, false, REQUESTS as u64);
                let times = run(&world, &plan, replicate, &mut Line::endless());
                // Ends rather than arrivals: at the end clients stop sending, not waiting.
                let ends: Vec<u64> = times.finish.iter().flatten().copied().collect();
                let (warm, last) = (1_000, REQUESTS - 100);
                let span_ms = (ends[last] - ends[warm]) as f64 / 1e6;
                let sojourns = times.sojourns(warm).take(last - warm);
                [(last - warm) as f64 / span_ms, mean(sojourns)]
            })
            .collect();
        let column = |at: usize| rows.iter().map(|row| row[at]).collect::<Vec<f64>>();
        agree(&format!("M/M/1//{clients} throughput"), &column(0), per_ms);
        let sojourn = f64::from(clients) / per_ms - think;
        agree(&format!("M/M/1//{clients} mean sojourn"), &column(1), sojourn);
    }
}

/// One client that always thinks as long: request i is sent (i + 1) thinks and i services after
/// the start.
#[test]
fn one_steady_client_exactly() {
    let world = service(&[(1, 3.0)]);
    let times = run(&world, &plan(1, 10.0, true, 50), 1, &mut Line::endless());
    for (i, (arrival, finish)) in (0u64..).zip(times.arrival.iter().zip(&times.finish)) {
        assert_eq!(*arrival, ((i + 1) * 10 + i * 3) * 1_000_000);
        assert_eq!(*finish, Some(arrival + 3_000_000));
    }
    assert_eq!(times.arrival.len(), 50);
}

/// Nobody has more requests in the system than there are clients, whoever answers or refuses, and
/// without thinking the server never rests.
#[test]
fn clients_have_one_request_each() {
    struct Most(usize, usize);
    impl Observer for Most {
        fn on(&mut self, event: Event<'_>) {
            match event {
                Event::Arrived { .. } => self.0 += 1,
                Event::Completed(_) | Event::Rejected { .. } => self.0 -= 1,
                _ => {}
            }
            self.1 = self.1.max(self.0);
        }
    }
    /// Refuses every third request.
    struct Picky(Line);
    impl Scheduler for Picky {
        fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
            let third = |id: &&RequestId| id.number().is_multiple_of(3);
            if let Some(id) = trigger.arrived.iter().find(third) {
                plan.reject(*id, RejectReason::Admission);
                return;
            }
            self.0.decide(view, trigger, plan);
        }
    }
    let world = service(&[(1, 2.0)]);
    let (truth, rng) = (world.truth(), Rng::new(5, 0));
    for (clients, think) in [(1, 0.0), (7, 0.0), (7, 3.0)] {
        let arrivals = plan(clients, think, false, 300).build(&truth, rng).expect("arrivals");
        let mut sim =
            Simulation::new(truth.clone(), arrivals, AccuracySource::Profiled, rng, "test");
        let mut most = Most(0, 0);
        let mut picky = Picky(Line::endless());
        let counts = engine::run(&mut sim, &mut picky, &mut most).expect("a run");
        assert_eq!((counts.arrived, counts.unfinished, most.1), (300, 0, clients as usize));
    }
    let times = run(&world, &plan(4, 0.0, true, 100), 1, &mut Line::endless());
    assert_eq!(times.finish.iter().flatten().max(), Some(&200_000_000));
}
