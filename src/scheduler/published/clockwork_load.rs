//! Clockwork: which model a worker loads, and which it evicts.
//!
//! Every request demands time of its model: `exec = L C / (time to its deadline)`, and, as long as
//! a load could still help it, `load = L C / (that time)`, with C nanoseconds of capacity. Demand
//! for execution is spread over the workers that hold the model by their weights; a worker's weight
//! is C over what it is given.
//!
//! ```text
//! priority   load demand - sum over holders of C · floor(load demand · share) / given
//! load       of models that are not there: with demand first, then by priority, then the one used
//!            last; none without demand, or whose demand the holders satisfy (priority <= 0)
//! evict      of those there: without demand first, then the one used longest ago
//! spread     at every change of a model: what its holders are given is taken off and divided again
//! ```
//!
//! The code's test of "satisfied" compares a pointer and never holds; `ignores_holders` has that.
//! Whole numbers throughout, truncated as there.
//!
//! Source: malixian/clockwork 5917620, `controller/load_tracker.cpp`.
//! O(models) per question, O(workers) per change.

use std::collections::BTreeMap;

/// What a request demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Demand {
    /// The index of the model.
    pub model: usize,
    exec: i128,
    load: i128,
}

#[derive(Clone, Debug, Default)]
struct Model {
    /// Demand outstanding, for execution and for loads.
    exec: i128,
    load: i128,
    /// What ended since demand was spread: executed, begun to run, expired.
    executed: i128,
    begun: i128,
    expired: i128,
    priority: i128,
    is_stale: bool,
    /// By worker.
    on: Vec<Holder>,
}

#[derive(Clone, Debug, Default)]
struct Holder {
    is_there: bool,
    given: i128,
    /// A running number of its last use.
    used: u64,
}

/// A worker: what it is given, and its weight.
#[derive(Clone, Debug)]
struct Worker {
    given: i128,
    weight: f64,
}

/// Demands and what is where.
#[derive(Clone, Debug)]
pub struct LoadTracker {
    capacity: i128,
    models: Vec<Model>,
    workers: Vec<Worker>,
    /// Demands for loads by the instant at which they expire.
    expiring: BTreeMap<(u64, u64), Demand>,
    /// A running number.
    uses: u64,
    requests: u64,
}

impl LoadTracker {
    /// No demand, and no model on any worker.
    pub fn new(models: usize, workers: usize, capacity: u64) -> Self {
        let used = |model: usize, worker| (model * workers + worker) as u64;
        let holder =
            |model| move |worker| Holder { used: used(model, worker), ..Holder::default() };
        let model = |at| Model { on: (0..workers).map(holder(at)).collect(), ..Model::default() };
        Self {
            capacity: i128::from(capacity),
            models: (0..models).map(model).collect(),
            workers: vec![Worker { given: 1_000_000, weight: 0.01 }; workers],
            expiring: BTreeMap::new(),
            uses: (models * workers) as u64,
            requests: 0,
        }
    }

    /// A request that takes `latency`, to be begun within `exec_by`, with a model loaded by
    /// `load_by` from now.
    pub fn request(
        &mut self,
        now: u64,
        model: usize,
        latency: u64,
        exec_by: u64,
        load_by: u64,
    ) -> Demand {
        self.expire(now);
        let part = |by: u64| i128::from(latency) * self.capacity / i128::from(by.max(1));
        let demand = Demand { model, exec: part(exec_by), load: part(load_by) };
        self.models[model].exec += demand.exec;
        self.models[model].load += demand.load;
        self.requests += 1;
        self.expiring.insert((now.saturating_add(load_by), self.requests), demand);
        self.spread(model);
        demand
    }

    /// Ends demands for loads that would come too late.
    pub fn expire(&mut self, now: u64) {
        while let Some(first) = self.expiring.first_entry()
            && first.key().0 < now
        {
            let demand = first.remove();
            self.models[demand.model].expired += demand.load;
            self.spread(demand.model);
        }
    }

    /// A request begins to run on a worker.
    pub fn begins(&mut self, demand: Demand, worker: usize) {
        self.models[demand.model].begun += demand.load;
        self.touch(demand.model, worker);
    }

    /// A request has been executed on a worker, or by none.
    pub fn ends(&mut self, demand: Demand, worker: Option<usize>) {
        self.models[demand.model].executed += demand.exec;
        match worker {
            Some(worker) => self.touch(demand.model, worker),
            None => self.spread(demand.model),
        }
    }

    /// A load begins or has ended.
    pub fn loads(&mut self, model: usize, worker: usize) {
        self.models[model].on[worker].is_there = true;
        self.touch(model, worker);
    }

    /// Whether a model is on a worker now.
    pub fn set(&mut self, model: usize, worker: usize, is_there: bool) {
        let holder = &mut self.models[model].on[worker];
        if holder.is_there != is_there {
            holder.is_there = is_there;
            self.spread(model);
        }
    }

    fn touch(&mut self, model: usize, worker: usize) {
        self.models[model].on[worker].used = self.uses;
        self.uses += 1;
        self.spread(model);
    }

    /// The sum of the weights of a model's holders.
    fn weight(&self, model: usize) -> f64 {
        let holders = self.models[model].on.iter().zip(&self.workers);
        holders.filter(|(on, _)| on.is_there).map(|(_, worker)| worker.weight).sum()
    }

    fn spread(&mut self, at: usize) {
        let model = &mut self.models[at];
        model.exec -= std::mem::take(&mut model.executed);
        let gone = model.begun.max(model.expired);
        model.load -= gone;
        model.begun -= gone;
        model.expired -= gone;
        model.is_stale = true;
        for (on, worker) in model.on.iter_mut().zip(&mut self.workers) {
            worker.given -= std::mem::take(&mut on.given);
        }
        let weight = self.weight(at);
        let model = &mut self.models[at];
        for (on, worker) in model.on.iter_mut().zip(&mut self.workers).filter(|(on, _)| on.is_there)
        {
            on.given = (model.exec as f64 * (worker.weight / weight)) as i128;
            worker.given += on.given;
            worker.weight = self.capacity as f64 / worker.given as f64;
        }
    }

    /// Computes the priorities of models that have changed.
    fn refresh(&mut self) {
        for at in 0..self.models.len() {
            if !self.models[at].is_stale {
                continue;
            }
            let (weight, load) = (self.weight(at), self.models[at].load);
            let holders =
                self.models[at].on.iter().zip(&self.workers).filter(|(on, _)| on.is_there);
            let satisfied = holders.map(|(_, worker)| {
                let share = (load as f64 * (worker.weight / weight)) as i128;
                self.capacity.saturating_mul(share) / worker.given.max(1)
            });
            let priority = load - satisfied.fold(0, i128::saturating_add);
            let model = &mut self.models[at];
            (model.priority, model.is_stale) = (priority, false);
        }
    }

    fn has_demand(&self, model: usize) -> bool {
        self.models[model].load != 0 || self.models[model].exec != 0
    }

    /// The model that a worker should load, of those that may be; with `ignores_holders` also one
    /// whose demand its holders satisfy.
    pub fn to_load(
        &mut self,
        worker: usize,
        ignores_holders: bool,
        may: impl Fn(usize) -> bool,
    ) -> Option<usize> {
        self.refresh();
        let elsewhere = (0..self.models.len()).filter(|at| !self.models[*at].on[worker].is_there);
        let best = elsewhere.filter(|at| may(*at)).max_by_key(|at| {
            let model = &self.models[*at];
            (self.has_demand(*at), model.priority, model.on[worker].used)
        })?;
        let is_worth = ignores_holders || self.models[best].priority > 0;
        (self.has_demand(best) && is_worth).then_some(best)
    }

    /// The model that a worker should evict, of those that may be.
    pub fn to_evict(&self, worker: usize, may: impl Fn(usize) -> bool) -> Option<usize> {
        let there = (0..self.models.len()).filter(|at| self.models[*at].on[worker].is_there);
        let used = |at: &usize| (self.has_demand(*at), self.models[*at].on[worker].used);
        there.filter(|at| may(*at)).min_by_key(used)
    }
}
