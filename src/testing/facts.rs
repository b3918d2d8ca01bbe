//! What checkers know of a world: plain numbers that were drawn, not read back from the simulator.

use super::penalty_formula::Late;

/// A world in plain numbers; times in ns.
#[derive(Clone, Debug)]
pub struct Facts {
    pub variants: Vec<VariantFacts>,
    pub workers: Vec<WorkerFacts>,
    /// Bytes of a request, by application.
    pub payloads: Vec<u64>,
    /// By number, that is in order of arrival.
    pub requests: Vec<RequestFacts>,
    pub late: Late,
    /// Whether service times vary around their tables.
    pub noise: bool,
    /// What a plan takes: as such, and for every request it assigns.
    pub overhead: (u64, u64),
    /// Where late requests are dropped, the shortest latency of each application, as believed.
    pub drops: Option<Vec<u64>>,
}

#[derive(Clone, Debug)]
pub struct VariantFacts {
    pub app: u16,
    pub bytes: u64,
    /// Variants with the same number share their weights.
    pub weights: u16,
    /// By class of workers; `None` if it was not profiled there.
    pub costs: Vec<Option<CostFacts>>,
}

#[derive(Clone, Debug)]
pub struct CostFacts {
    /// (batch, latency), measured.
    pub points: Vec<(u64, u64)>,
    pub load: u64,
}

#[derive(Clone, Debug)]
pub struct WorkerFacts {
    pub class: usize,
    pub lanes: usize,
    pub memory: u64,
    pub ready: u64,
    pub link: Option<LinkFacts>,
    /// What is in memory at the start, least recently used first.
    pub resident: Vec<u16>,
    /// When it fails and for how long, in order.
    pub outages: Vec<(u64, u64)>,
}

/// The way to a worker elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct LinkFacts {
    /// Half a round trip, in ns.
    pub one_way: u64,
    /// Bits per second; `None` if sending takes no time.
    pub bps: Option<u64>,
}

impl LinkFacts {
    /// How long it takes to send bytes, to the nearest ns.
    pub fn sends(&self, bytes: u64) -> u64 {
        let ns = |bps: u64| (bytes as f64 * 8e9 / bps as f64).round() as u64;
        self.bps.map_or(0, ns)
    }
}

#[derive(Clone, Debug)]
pub struct RequestFacts {
    pub app: u16,
    pub arrival: u64,
    pub budget: u64,
    /// Whether each variant of the application answers it correctly, where that was recorded.
    pub outcomes: Option<Vec<bool>>,
}

impl Facts {
    /// What the variant costs on the worker, if it can ever run there.
    pub fn cost(&self, worker: u16, variant: u16) -> Option<&CostFacts> {
        let worker = &self.workers[usize::from(worker)];
        let variant = &self.variants[usize::from(variant)];
        let fits = variant.bytes <= worker.memory;
        variant.costs[worker.class].as_ref().filter(|_| fits)
    }

    /// Where the weights of a variant are in a list of loaded variants.
    pub fn place(&self, memory: &[u16], variant: u16) -> Option<usize> {
        memory.iter().position(|held| self.is_same(*held, variant))
    }

    /// Whether two variants have the same weights.
    pub fn is_same(&self, one: u16, other: u16) -> bool {
        let weights = |v: u16| self.variants[usize::from(v)].weights;
        weights(one) == weights(other)
    }

    /// Whether any variant of the application can run on the worker.
    pub fn serves(&self, worker: u16, app: u16) -> bool {
        let own = |at: &usize| self.variants[*at].app == app;
        let all = 0..self.variants.len();
        all.filter(own).any(|at| self.cost(worker, at as u16).is_some())
    }

    /// The shortest latency of an application; on a measured table it is at a point.
    pub fn shortest(&self, app: u16) -> Option<u64> {
        let workers = 0..self.workers.len() as u16;
        let own = (0u16..).zip(&self.variants).filter(|(_, v)| v.app == app);
        let costs = own.flat_map(|(v, _)| workers.clone().filter_map(move |w| self.cost(w, v)));
        costs.flat_map(|cost| cost.points.iter().map(|(_, latency)| *latency)).min()
    }

    /// The recorded outcome of a request on a variant.
    pub fn outcome(&self, request: u32, variant: u16) -> Option<bool> {
        let request = &self.requests[request as usize];
        let first = self.variants.iter().position(|v| v.app == request.app)?;
        Some(request.outcomes.as_ref()?[usize::from(variant) - first])
    }
}

impl CostFacts {
    pub fn max_batch(&self) -> u64 {
        self.points.last().map_or(0, |(batch, _)| *batch)
    }

    /// The latency of a batch: on the straight line between the points around it, up or down.
    pub fn latency(&self, batch: u64) -> f64 {
        let above = self.points.iter().position(|(b, _)| *b >= batch).expect("a batch in range");
        let (b1, l1) = self.points[above];
        if b1 == batch {
            return l1 as f64;
        }
        let (b0, l0) = self.points[above - 1];
        l0 as f64 + (l1 as f64 - l0 as f64) * (batch - b0) as f64 / (b1 - b0) as f64
    }
}
