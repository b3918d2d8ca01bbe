//! What tests against queueing theory share: arrivals and service times drawn by the test, a
//! first-come line of the test's own, waits and sojourns of every request, and the comparison of
//! replicate means with an exact value.

use super::{CLASS, V, World};
use peeksim::contract::{
    AccuracySource, Event, Observer, Plan, RejectReason, Scheduler, Trigger, View,
};
use peeksim::core::ids::{AppId, Arrival, RequestId, TrueClass, VariantId};
use peeksim::core::rng::Rng;
use peeksim::core::units::{Span, Time};
use peeksim::engine::{self, Simulation};
use peeksim::workload::Listed;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Exp1};
use statrs::distribution::{ContinuousCDF, StudentsT};

/// The chance that a correct simulator fails one comparison, were the seeds not fixed.
const ALPHA: f64 = 1e-6;

/// The random numbers of one replicate of a test, unrelated to the simulator's and to those of
/// tests with another number.
pub fn rng(test: u64, replicate: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(0x5EED_0000 + replicate);
    rng.set_stream(test);
    rng
}

/// Exponential numbers with a mean.
pub fn exponential(rng: &mut ChaCha8Rng, mean: f64) -> f64 {
    let unit: f64 = Exp1.sample(rng);
    unit * mean
}

/// `count` Poisson arrivals of application 0 with a mean gap and a budget in ms.
pub fn poisson(rng: &mut ChaCha8Rng, count: usize, gap_ms: f64, budget_ms: f64) -> Vec<Arrival> {
    let mut at_ms = 0.0;
    let mut next = || {
        at_ms += exponential(rng, gap_ms);
        arrival(at_ms, 0, budget_ms)
    };
    (0..count).map(|_| next()).collect()
}

/// One arrival, in ms.
pub fn arrival(at_ms: f64, app: u16, budget_ms: f64) -> Arrival {
    Arrival {
        time: Time::ZERO + Span::from_ms(at_ms),
        app: AppId(app),
        source: None,
        budget: Span::from_ms(budget_ms),
        truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
    }
}

/// One application with a variant for every request, whose latency is the service time drawn for
/// it; loads take no time. With [`Line`], request i gets service i exactly.
pub fn services(ms: &[f64]) -> World {
    let points: Vec<[(u64, f64); 1]> = ms.iter().map(|ms| [(1, *ms)]).collect();
    let variants: Vec<V<'_>> = points.iter().map(|p| V("own", 1, p, 0.0, &[1.0])).collect();
    World::new().app("app", &variants)
}

/// One application with one variant.
pub fn service(points: &[(u64, f64)]) -> World {
    World::new().app("app", &[V("only", 1, points, 0.0, &[1.0])])
}

/// First come, first served, one by one: request i runs on variant i modulo their number. Who
/// finds more than `room` waiting is refused.
pub struct Line {
    room: usize,
    preloaded: bool,
}

impl Line {
    /// Everybody may wait.
    pub fn endless() -> Self {
        Self { room: usize::MAX, preloaded: false }
    }

    /// At most `room` may wait.
    pub fn with_room(room: usize) -> Self {
        Self { room, ..Self::endless() }
    }
}

impl Scheduler for Line {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let variants = view.catalog().variant_ids().len() as u32;
        if !std::mem::replace(&mut self.preloaded, true) {
            // A load would wait for all lanes; loads of no time before the first batch do not
            // matter. With memory for one variant, lanes are single and there is nothing to do.
            for worker in view.workers().filter(|worker| worker.free_lanes() > 1) {
                view.catalog().variant_ids().for_each(|v| plan.preload(worker.id, v));
            }
        }
        let mut waiting = view.pending();
        for worker in view.workers() {
            for _ in 0..worker.free_lanes() {
                let Some(request) = waiting.next() else { return };
                let variant = VariantId((request.id.number() % variants) as u16);
                plan.assign(worker.id, variant, [request.id]);
            }
        }
        waiting.skip(self.room).for_each(|r| plan.reject(r.id, RejectReason::Admission));
    }
}

/// When each request arrived, started and finished, in ns, by number; `None` if it never did.
#[derive(Clone, Debug, Default)]
pub struct Times {
    pub arrival: Vec<u64>,
    pub start: Vec<Option<u64>>,
    pub finish: Vec<Option<u64>>,
    /// Sizes of the batches in order of their ends.
    pub batches: Vec<usize>,
}

impl Times {
    /// Runs the world's arrivals through a scheduler written as in an experiment.
    pub fn of(world: &World, scheduler: &str) -> Self {
        let catalog = world.catalog();
        let mut chosen = world.choose(&catalog, scheduler);
        Self::with(world, chosen.scheduler.as_mut())
    }

    /// Runs the world's arrivals through a scheduler of the test's own.
    pub fn with(world: &World, scheduler: &mut dyn Scheduler) -> Self {
        let arrivals = Box::new(Listed::new(world.arrivals.clone()));
        let rng = Rng::new(world.seed, 0);
        let mut sim =
            Simulation::new(world.truth(), arrivals, AccuracySource::Profiled, rng, CLASS);
        let mut times = Self::default();
        engine::run(&mut sim, scheduler, &mut times).unwrap_or_else(|error| panic!("{error}"));
        times
    }

    /// Waits of the requests from number `first` on that were served, in ms.
    pub fn waits(&self, first: usize) -> impl Iterator<Item = f64> + '_ {
        self.until(&self.start, first)
    }

    /// Sojourns of the requests from number `first` on that were served, in ms.
    pub fn sojourns(&self, first: usize) -> impl Iterator<Item = f64> + '_ {
        self.until(&self.finish, first)
    }

    fn until<'a>(
        &'a self,
        ends: &'a [Option<u64>],
        first: usize,
    ) -> impl Iterator<Item = f64> + 'a {
        let pairs = self.arrival.iter().zip(ends).skip(first);
        pairs.filter_map(|(arrival, end)| Some((end.as_ref()? - arrival) as f64 / 1e6))
    }

    fn place(&mut self, id: RequestId) -> usize {
        let at = id.number() as usize;
        let len = self.arrival.len().max(at + 1);
        self.arrival.resize(len, 0);
        self.start.resize(len, None);
        self.finish.resize(len, None);
        at
    }
}

impl Observer for Times {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => {
                let at = self.place(request.id);
                self.arrival[at] = request.arrival.0;
            }
            Event::BatchEnded { batch, .. } => self.batches.push(batch),
            Event::Completed(completion) => {
                let at = self.place(completion.request.id);
                self.start[at] = Some(completion.started.0);
                self.finish[at] = Some(completion.finished.0);
            }
            _ => {}
        }
    }
}

pub fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u32), |(sum, count), x| (sum + x, count + 1));
    sum / f64::from(count)
}

/// The share of the values that are so.
pub fn share(values: impl Iterator<Item = f64>, so: impl Fn(f64) -> bool) -> f64 {
    mean(values.map(|x| f64::from(u8::from(so(x)))))
}

/// The mean of independent replicates and how far from it the expectation may lie, by Student's
/// t: a correct simulator is farther off with probability [`ALPHA`].
pub fn interval(replicates: &[f64]) -> (f64, f64) {
    let count = replicates.len() as f64;
    let mean = mean(replicates.iter().copied());
    let squares: f64 = replicates.iter().map(|x| (x - mean) * (x - mean)).sum();
    let error = (squares / (count - 1.0) / count).sqrt();
    let student = StudentsT::new(0.0, 1.0, count - 1.0).expect("degrees of freedom");
    (mean, student.inverse_cdf(1.0 - ALPHA / 2.0) * error)
}

/// The replicate means agree with the exact value, and are sharp enough to say so: the interval
/// is narrower than 5 % of it.
pub fn agree(what: &str, replicates: &[f64], exact: f64) {
    let (mean, tolerance) = interval(replicates);
    println!("{what}: {mean:.6} ± {tolerance:.6}, exactly {exact:.6}");
    assert!((mean - exact).abs() < tolerance, "{what}: {mean} ± {tolerance}, exactly {exact}");
    assert!(tolerance < 0.05 * exact, "{what}: ± {tolerance} is too wide to tell");
}
