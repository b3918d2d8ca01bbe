//! The plan of Nexus, squishy bin packing: which sessions share a worker, and with which batches.
//!
//! A session is the stream of requests of a variant. One that keeps a worker busy has it alone.
//! Others run in turn: a worker's duty cycle is the shortest of its sessions', in which each of
//! them runs one batch of what arrives during a cycle.
//!
//! ```text
//! b_max    the largest b with L(b) <= (budget - network - around) / 2, one at least
//! alone    at a rate of 0 or at least b_max / L(b_max): b_max in a cycle of L(b_max), again and
//!          again; else the largest b <= b_max with (b - 1) / rate + L(b) + around <= budget, in a
//!          cycle of min(budget - L(b) - around, b / rate)
//! shared   the shortest cycle; batches of ceil(cycle · workload), where an excess below 0.001 does
//!          not count unless nothing else is left; busy for the sum of their latencies
//! fits     not there already, not busy for the whole cycle, and busy no longer than the new one
//! place    by falling rate, until the rate is covered: the worker with the highest throughput if
//!          even that is below the rate, else the one that is then busy for the largest share
//! ```
//!
//! Source: uwsampl/nexus b436191, `scheduler/backend_delegate.cpp`, `scheduler/scheduler.cpp`,
//! `common/model_db.cpp`. Ours: the memory of a worker holds the variants of all its sessions.
//! O(sessions · workers²).

/// A rate below which nothing is left, in requests per second.
const COVERED: f64 = 1e-3;

use crate::core::rounding::rounded;

/// The stream of requests of a variant; nanoseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    /// Requests per second.
    pub rate: f64,
    /// The deadline budget.
    pub budget: u64,
    /// The time before and after the batch.
    pub around: u64,
    /// What is taken off the budget for the largest batch, besides.
    pub network: u64,
    /// The memory that it needs.
    pub bytes: u64,
    /// By worker, the latencies of batches from 1; none where it cannot run.
    pub latencies: Vec<Vec<u64>>,
}

/// A session on a worker; nanoseconds, and requests per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// The index of the session.
    pub session: usize,
    /// The index of the worker.
    pub worker: usize,
    /// Requests per cycle.
    pub batch: usize,
    /// The largest batch.
    pub largest: usize,
    /// What it serves.
    pub throughput: f64,
    /// What arrives.
    pub workload: f64,
    /// The longest cycle.
    pub duty: f64,
}

/// The sessions of a worker; nanoseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cycle {
    /// In the order in which they were placed, with their batches in the cycle.
    pub placed: Vec<Placed>,
    /// The length of the cycle; 0 without sessions.
    pub duty: f64,
    /// The time for which the worker is busy in a cycle.
    pub busy: f64,
    /// Whether a batch would be larger than the largest.
    pub is_overloaded: bool,
}

/// Who runs where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Packing {
    /// By worker.
    pub cycles: Vec<Cycle>,
    /// Every session on a worker, as it was placed.
    pub placed: Vec<Placed>,
    /// Sessions of which something is left, and its rate.
    pub left: Vec<(usize, f64)>,
}

/// The largest batch that takes half of what is left of the budget; 0 without latencies.
pub fn largest(latencies: &[u64], left: u64) -> usize {
    let half = left / 2;
    let fits = latencies.iter().rposition(|latency| *latency <= half);
    fits.map_or(1, |at| at + 1).min(latencies.len())
}

/// A session with a rate on a worker of its own.
fn alone(sessions: &[Session], at: (usize, usize), rate: f64) -> Option<Placed> {
    let (session, worker) = at;
    let Session { budget, around, network, ref latencies, .. } = sessions[session];
    let latencies = &latencies[worker];
    let largest = largest(latencies, budget.saturating_sub(network).saturating_sub(around));
    let time = *latencies.get(largest.checked_sub(1)?)? as f64;
    let (most, per_ns) = (largest as f64 / time * 1e9, rate / 1e9);
    let rest = |batch: usize| budget as f64 - latencies[batch - 1] as f64 - around as f64;
    let placed = Placed {
        session,
        worker,
        batch: largest,
        largest,
        throughput: most,
        workload: most,
        duty: time,
    };
    if rate == 0.0 || !is_less(rate, most) {
        return Some(placed);
    }
    let is_late = |b: &usize| is_less(rest(*b), (b - 1) as f64 / per_ns);
    let batch = (1..=largest).find(is_late).map_or(largest, |first| first - 1);
    batch.checked_sub(1)?;
    let duty = rest(batch).min(batch as f64 / per_ns);
    let throughput = batch as f64 / duty * 1e9;
    Some(Placed { batch, throughput, workload: rate, duty, ..placed })
}

/// Up to the next whole number; an excess below 0.001 does not count, unless that gives 0.
fn batch_of(requests: f64) -> usize {
    let whole = requests.floor();
    let cut = requests - whole < 1e-3 && whole > 0.0;
    if cut { whole as usize } else { (whole as usize).saturating_add(1) }
}

/// Whether a number is less than another by more than an error of rounding.
pub(super) fn is_less(a: f64, b: f64) -> bool {
    rounded(a) < rounded(b)
}

impl Cycle {
    /// These sessions in one cycle.
    fn of(mut placed: Vec<Placed>, sessions: &[Session]) -> Self {
        let duty = placed.iter().map(|p| p.duty).fold(f64::INFINITY, f64::min);
        let (mut busy, mut is_overloaded) = (0.0, false);
        for p in &mut placed {
            p.batch = batch_of(duty * p.workload / 1e9);
            is_overloaded |= p.batch > p.largest;
            busy += sessions[p.session].latencies[p.worker][p.batch.min(p.largest) - 1] as f64;
        }
        Self { placed, duty, busy, is_overloaded }
    }

    /// The cycle with one more session, and what it serves there; nothing if it does not fit.
    fn with(&self, mut new: Placed, sessions: &[Session], memory: u64) -> Option<(Self, Placed)> {
        let is_there = self.placed.iter().any(|p| p.session == new.session);
        let all = self.placed.iter().chain([&new]).map(|p| sessions[p.session].bytes);
        let bytes = all.fold(0u64, u64::saturating_add);
        if is_there || bytes > memory || self.duty > 0.0 && !is_less(self.busy, self.duty) {
            return None;
        }
        let placed = self.placed.iter().copied().chain([new]).collect();
        let cycle = Self::of(placed, sessions);
        if is_less(cycle.duty, cycle.busy) {
            return None;
        }
        if self.duty > 0.0 && !is_less(new.duty, self.duty) {
            new.batch = cycle.placed.last().map_or(new.batch, |p| p.batch);
            new.throughput = new.batch as f64 / cycle.duty * 1e9;
        }
        Some((cycle, new))
    }
}

/// Packs sessions onto workers with so much memory each.
pub fn pack(memory: &[u64], sessions: &[Session]) -> Packing {
    let mut packing =
        Packing { cycles: vec![Cycle::default(); memory.len()], ..Packing::default() };
    let mut order: Vec<usize> = (0..sessions.len()).collect();
    order.sort_by(|a, b| sessions[*b].rate.total_cmp(&sessions[*a].rate));
    for session in order {
        let mut rate = sessions[session].rate;
        while rate > COVERED {
            let Some((cycle, placed)) = packing.best(memory, sessions, session, rate) else {
                packing.left.push((session, rate));
                break;
            };
            packing.cycles[placed.worker] = cycle;
            packing.placed.push(placed);
            rate -= placed.throughput;
        }
    }
    packing
}

impl Packing {
    /// The best place for the rest of a session: the first one on ties.
    fn best(
        &self,
        memory: &[u64],
        sessions: &[Session],
        session: usize,
        rate: f64,
    ) -> Option<(Cycle, Placed)> {
        let fits = (0..).zip(&self.cycles).filter_map(|(worker, cycle)| {
            let new = alone(sessions, (session, worker), rate)?;
            cycle.with(new, sessions, memory[worker])
        });
        let fits: Vec<(Cycle, Placed)> = fits.collect();
        let first_by = |key: &dyn Fn(&(Cycle, Placed)) -> f64| {
            fits.iter().reduce(|best, one| if is_less(key(best), key(one)) { one } else { best })
        };
        let fastest = first_by(&|(_, placed)| placed.throughput)?;
        let fullest = first_by(&|(cycle, _)| cycle.busy / cycle.duty)?;
        let chosen = if is_less(fastest.1.throughput, rate) { fastest } else { fullest };
        Some(chosen.clone())
    }
}
