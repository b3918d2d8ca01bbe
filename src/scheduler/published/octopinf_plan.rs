//! The two plans of OctopInf: batches and replicas by workload (CWD), and time slots on lanes of an
//! accelerator (CORAL).
//!
//! CWD starts every model of a chain with batches of one and as many replicas as its rate needs,
//! and doubles batches one model after the other, in sweeps, while that lowers the cost:
//!
//! ```text
//! p, I, o       times per request to prepare, infer and finish it, at a batch size; rates in 1/s
//! replicas      first while 0.8 R/p < rate, then while 0.8 R/(p+I+o) or 0.95 R/p < rate: one more
//! queue         u^2 / (1-u) / rate with u = rate p / R; endless if u >= 1
//! process       batch (p + I + o);    cost   p + I + o + transfer
//! a doubling    stays if the chain takes less than the bound, and 0.98 of its cost is below the
//!               best so far or another one of the sweep has stayed; then replicas are removed
//!               while 0.7 (R-1)/(p+I+o) and 0.9 (R-1)/p are enough
//! ```
//!
//! That a doubling may stay whatever it costs once another has stayed is as the code has it.
//!
//! CORAL gives each model a portion of a lane's cycle. Free portions are tried shortest first. The
//! first model of a lane sets its cycle and must leave twice that of its budget; what is left of a
//! portion on either side is free if it is at least a millisecond long.
//!
//! Source: Nguyen et al., PerCom 2025; tungngreen/PipelineScheduler 2ca4d58,
//! `libs/controller/systems/scheduling_ppp.cpp`, `libs/controller/controller.cpp`. Single precision
//! and whole microseconds as there.
//!
//! O(models · doublings) for CWD, O(models · portions) for CORAL.

/// Times of a batch size in microseconds per request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profiled {
    /// The number of requests.
    pub batch: u64,
    /// Before inference.
    pub prepare: u64,
    /// Inference.
    pub infer: u64,
    /// After it.
    pub finish: u64,
}

impl Profiled {
    fn all(&self) -> u64 {
        self.prepare + self.infer + self.finish
    }
}

/// A model of a chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Requests per second.
    pub rate: f32,
    /// The way to the model in microseconds.
    pub transfer: u64,
    /// By batch size, each twice the one before; one at least.
    pub profile: Vec<Profiled>,
}

/// What was decided of a model; times in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizing {
    /// The index into its profile.
    pub step: usize,
    /// The number of replicas.
    pub replicas: u64,
    /// How long a request waits to be prepared.
    pub queue: u64,
    /// How long a batch takes.
    pub process: u64,
}

/// The plan of a chain; times in microseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainPlan {
    /// By model.
    pub models: Vec<Sizing>,
    /// From end to end.
    pub latency: u64,
    /// The cost of all models.
    pub cost: u64,
}

/// A queue that cannot be served.
const ENDLESS: u64 = 999_999_999;

/// Times per second that something of so many microseconds can be done.
fn per_second(replicas: u64, us: u64) -> f32 {
    replicas as f32 * 1e6 / us as f32
}

impl Model {
    fn profiled(&self, sizing: Sizing) -> Profiled {
        self.profile[sizing.step]
    }

    /// The sizing with its times, and with the replicas that preparing needs.
    fn timed(&self, mut sizing: Sizing, most: u64) -> Sizing {
        let profiled = self.profiled(sizing);
        let of = |replicas| per_second(replicas, profiled.prepare);
        while 0.8 * of(sizing.replicas) < self.rate && sizing.replicas < most {
            sizing.replicas += 1;
        }
        let load = self.rate / of(sizing.replicas);
        sizing.queue = if load >= 1.0 {
            ENDLESS
        } else {
            (load * load / (1.0 - load) / self.rate * 1e6) as u64
        };
        sizing.process = profiled.batch * profiled.all();
        sizing
    }

    fn with_enough(&self, mut sizing: Sizing, most: u64) -> Sizing {
        let profiled = self.profiled(sizing);
        let is_too_slow = |replicas| {
            0.8 * per_second(replicas, profiled.all()) < self.rate
                || 0.95 * per_second(replicas, profiled.prepare) < self.rate
        };
        while is_too_slow(sizing.replicas) && sizing.replicas < most {
            sizing.replicas += 1;
        }
        sizing
    }

    fn without_spare(&self, mut sizing: Sizing) -> Sizing {
        let profiled = self.profiled(sizing);
        let is_enough = |replicas| {
            0.7 * per_second(replicas, profiled.all()) >= self.rate
                && 0.9 * per_second(replicas, profiled.prepare) >= self.rate
        };
        while sizing.replicas > 1 && is_enough(sizing.replicas - 1) {
            sizing.replicas -= 1;
        }
        sizing
    }
}

fn totals(models: &[Model], sizings: &[Sizing]) -> (u64, u64) {
    let parts = models.iter().zip(sizings).map(|(model, sizing)| {
        let latency = sizing.queue + sizing.process + model.transfer;
        (latency, model.profiled(*sizing).all() + model.transfer)
    });
    parts.fold((0, 0), |sum, part| (sum.0 + part.0, sum.1 + part.1))
}

/// Batches and replicas for a chain that shall take less than `bound`, with at most so many
/// replicas of a model.
pub fn size_chain(models: &[Model], bound: u64, most: u64) -> ChainPlan {
    let first = Sizing { replicas: 1, ..Sizing::default() };
    let timed = models.iter().map(|model| model.timed(first, most));
    let mut sizings: Vec<Sizing> = timed.collect();
    for (model, sizing) in models.iter().zip(&mut sizings) {
        *sizing = model.with_enough(*sizing, most);
    }
    let mut best = totals(models, &sizings).1;
    loop {
        let mut has_improved = false;
        for (at, model) in models.iter().enumerate() {
            let before = sizings[at];
            if before.step + 1 >= model.profile.len() {
                continue;
            }
            sizings[at] = model.timed(Sizing { step: before.step + 1, ..before }, most);
            let (latency, cost) = totals(models, &sizings);
            let is_in_time = latency < bound;
            if is_in_time && 0.98 * (cost as f64) < best as f64 {
                (best, has_improved) = (cost, true);
            }
            sizings[at] = if is_in_time && has_improved {
                model.without_spare(sizings[at])
            } else {
                model.timed(Sizing { step: before.step, ..sizings[at] }, most)
            };
        }
        if !has_improved {
            break;
        }
    }
    let (latency, cost) = totals(models, &sizings);
    ChainPlan { models: sizings, latency, cost }
}

/// What a model needs of a lane; microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Portion {
    /// Its start in the cycle.
    pub start: u64,
    /// Its end.
    pub end: u64,
    /// The cycle of the model.
    pub cycle: u64,
    /// Its budget.
    pub budget: u64,
}

/// A free portion of a lane; without an end until the lane has a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// The lane.
    pub lane: usize,
    /// Its start.
    pub start: u64,
    /// Its end.
    pub end: Option<u64>,
}

impl Free {
    fn length(&self) -> u64 {
        self.end.map_or(u64::MAX, |end| end - self.start)
    }
}

/// A budget of less than twice the cycle of the lane that the model would open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSlack;

/// The lanes of an accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lanes {
    /// Shortest first.
    free: Vec<Free>,
    /// The cycle of each lane; 0 while it is empty.
    cycles: Vec<u64>,
}

impl Lanes {
    const SHORTEST: u64 = 1000;

    /// So many empty lanes.
    pub fn new(lanes: usize) -> Self {
        let free = (0..lanes).map(|lane| Free { lane, start: 0, end: None }).collect();
        Self { free, cycles: vec![0; lanes] }
    }

    /// The free portions, shortest first.
    pub fn free(&self) -> &[Free] {
        &self.free
    }

    /// The cycle of each lane; 0 while it is empty.
    pub fn cycles(&self) -> &[u64] {
        &self.cycles
    }

    /// Places a model; the lane, or nothing if no free portion takes it.
    ///
    /// # Errors
    /// It would open a lane with a cycle of more than half its budget.
    pub fn place(&mut self, wanted: &Portion) -> Result<Option<usize>, NoSlack> {
        let takes = |free: &Free| {
            free.start <= wanted.start
                && free.end.is_none_or(|end| end >= wanted.end)
                && self.cycles[free.lane] <= wanted.cycle
        };
        let Some(at) = self.free.iter().position(takes) else { return Ok(None) };
        let Free { lane, start, end } = self.free[at];
        if self.cycles[lane] == 0 {
            if wanted.budget < 2 * wanted.cycle {
                return Err(NoSlack);
            }
            self.cycles[lane] = wanted.cycle;
        }
        self.free.remove(at);
        let end = end.unwrap_or(self.cycles[lane]);
        for (start, end) in [(start, wanted.start), (wanted.end, end)] {
            if end.saturating_sub(start) >= Self::SHORTEST {
                let piece = Free { lane, start, end: Some(end) };
                let longer = |free: &Free| free.length() >= piece.length();
                let at = self.free.iter().position(longer).unwrap_or(self.free.len());
                self.free.insert(at, piece);
            }
        }
        Ok(Some(lane))
    }
}
