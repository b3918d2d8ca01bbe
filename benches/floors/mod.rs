//! Loops that do the job of `experiments/speed.toml` with nothing around it: what the engine is
//! measured against.
//!
//! One worker, EDF, batches of at most 8, a batch of b takes 0.6 ms + 0.2 ms b, Poisson at load
//! 0.9, budgets uniform from 1 to 21 ms.

use peeksim::core::log::exponentials;
use peeksim::core::rng::{Label, Rng, name_key, uniform_integer, unit_of};
use rand::{Rng as _, RngExt};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const RATE_RPS: f64 = 3272.7;
const BUDGET_NS: (u64, u64) = (1_000_000, 21_000_000);
const MOST: usize = 8;
const RECALL: f64 = 0.9;
/// The accuracy that the scheduler sees.
const SHOWN: f64 = 0.9;

fn latency_ns(batch: usize) -> u64 {
    600_000 + 200_000 * batch as u64
}

/// Arrivals with the ziggurat, one heap of deadlines, and two sums: of latency and of misses.
pub fn bare_heap(requests: u64) -> (u64, u64) {
    let rng = Rng::new(1, 0);
    let (mut gaps, mut slacks) = (rng.stream(Label::Arrivals), rng.stream(Label::Budgets));
    let mut next = |now: u64| {
        let gap: f64 = Exp1.sample(&mut gaps);
        let arrival = now + (gap * 1e9 / RATE_RPS) as u64;
        (arrival, arrival + slacks.random_range(BUDGET_NS.0..=BUDGET_NS.1))
    };
    let mut waiting: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let (mut latency, mut late, mut free) = (0u64, 0u64, 0u64);
    let mut left = requests;
    let mut coming = next(0);
    while left > 0 || !waiting.is_empty() {
        if waiting.is_empty() {
            free = free.max(coming.0);
        }
        while left > 0 && coming.0 <= free {
            waiting.push(Reverse((coming.1, coming.0)));
            left -= 1;
            coming = next(coming.0);
        }
        let batch = waiting.len().min(MOST);
        free += latency_ns(batch);
        for _ in 0..batch {
            if let Some(Reverse((deadline, arrival))) = waiting.pop() {
                latency += free - arrival;
                late += u64::from(free > deadline);
            }
        }
    }
    (latency, late)
}

/// A request of [`same_job`].
#[derive(Clone, Copy)]
struct Waiting {
    deadline: u64,
    number: u64,
    arrival: u64,
}

/// The arrivals of the experiment, from its own draws, in blocks.
struct Arrivals {
    left: u64,
    number: u64,
    now: u64,
    gaps: ChaCha8Rng,
    budgets: ChaCha8Rng,
    block: Vec<f64>,
    at: usize,
}

impl Arrivals {
    fn next(&mut self) -> Option<Waiting> {
        self.left = self.left.checked_sub(1)?;
        if self.at == self.block.len() {
            self.block.clear();
            for _ in 0..256 {
                self.block.push(unit_of(self.gaps.next_u64()));
                // The draw of the only class.
                self.gaps.next_u32();
                self.gaps.next_u64();
            }
            exponentials(&mut self.block);
            self.at = 0;
        }
        self.now += (self.block[self.at] * (1e9 / RATE_RPS)).round() as u64;
        let budget = uniform_integer(BUDGET_NS.0, BUDGET_NS.1, &mut self.budgets);
        let (number, arrival) = (self.number, self.now);
        (self.at, self.number) = (self.at + 1, self.number + 1);
        Some(Waiting { deadline: arrival + budget, number, arrival })
    }
}

/// What the closing table of a run is made of.
#[derive(Clone, Debug)]
pub struct Figures {
    pub completed: u64,
    pub correct: u64,
    pub correct_on_time: u64,
    pub late: u64,
    pub utility: f64,
    pub utility_by_time_left: f64,
    pub utility_predicted: f64,
    pub estimated: f64,
    pub brier: f64,
    pub estimation_error: f64,
    /// Of the only bin of calibration that is not empty.
    pub bin: (f64, u64),
    pub latency_ns: u128,
    pub latency_max_ns: u64,
    pub wait_ns: u128,
    pub tardiness_ns: u128,
    pub tardiness_max_ns: u64,
    /// Counts by bucket of three significant digits.
    pub latencies: Vec<u64>,
    pub tardinesses: Vec<u64>,
    pub batches: u64,
    pub busy_ns: u128,
    pub end_ns: u64,
    pub first_ns: u64,
    pub last_ns: u64,
    /// Sums of the queue's length as arrivals find it, each over as many arrivals.
    pub queue: Vec<u64>,
}

/// The bucket of a value: all below 2048, then eleven leading bits.
fn bucket(value: u64) -> usize {
    let dropped = 53 - (value | 2047).leading_zeros();
    (dropped as usize * 1024) + (value >> dropped) as usize
}

fn penalty(late_ns: u64, scale_ns: u64) -> f64 {
    if scale_ns == 0 {
        return 1.0;
    }
    let x = late_ns as f64 / scale_ns as f64;
    if x >= 1.0 { 1.0 } else { 1.0 / (1.0 + libm::pow(x / (1.0 - x), -3.0)) }
}

/// The queue's length over time.
struct Queue {
    present: u64,
    sum: u64,
    left: u64,
    batch: u64,
}

impl Queue {
    fn arrive(&mut self, sums: &mut Vec<u64>) {
        self.sum += self.present;
        self.present += 1;
        self.left -= 1;
        if self.left == 0 {
            sums.push(std::mem::take(&mut self.sum));
            if sums.len() == 64 {
                *sums = sums.chunks(2).map(|pair| pair[0] + pair[1]).collect();
                self.batch *= 2;
            }
            self.left = self.batch;
        }
    }
}

/// The same draws and figures as a run of the experiment, for this worker and scheduler alone: a
/// short sorted list of requests, no events, no checks.
pub fn same_job(seed: u64, requests: u64) -> Figures {
    let rng = Rng::new(seed, 0);
    let key = name_key(&["affine", "model"]);
    let (gaps, budgets) = (rng.stream(Label::Arrivals), rng.stream(Label::Budgets));
    let (block, at) = (Vec::new(), 0);
    let mut arrivals = Arrivals { left: requests, number: 0, now: 0, gaps, budgets, block, at };
    let mut f = Figures {
        completed: 0,
        correct: 0,
        correct_on_time: 0,
        late: 0,
        utility: 0.0,
        utility_by_time_left: 0.0,
        utility_predicted: 0.0,
        estimated: 0.0,
        brier: 0.0,
        estimation_error: 0.0,
        bin: (0.0, 0),
        latency_ns: 0,
        latency_max_ns: 0,
        wait_ns: 0,
        tardiness_ns: 0,
        tardiness_max_ns: 0,
        latencies: vec![0; 55 * 1024],
        tardinesses: vec![0; 55 * 1024],
        batches: 0,
        busy_ns: 0,
        end_ns: 0,
        first_ns: 0,
        last_ns: 0,
        queue: Vec::with_capacity(64),
    };
    let mut queue = Queue { present: 0, sum: 0, left: 8, batch: 8 };
    // The first to be served is the last of the list.
    let mut waiting: Vec<Waiting> = Vec::new();
    let mut next = arrivals.next();
    f.first_ns = next.map_or(0, |next| next.arrival);
    let mut now = 0;
    loop {
        if waiting.is_empty() {
            let Some(first) = next else { return f };
            now = now.max(first.arrival);
        }
        admit(now + 1, &mut next, &mut arrivals, &mut waiting, &mut queue, &mut f);
        let batch = waiting.split_off(waiting.len() - waiting.len().min(MOST));
        let end = now + latency_ns(batch.len());
        admit(end, &mut next, &mut arrivals, &mut waiting, &mut queue, &mut f);
        for request in batch.iter().rev() {
            f.answer(request, (now, end), rng.keyed_unit(Label::Outcome, request.number, key));
        }
        queue.present -= batch.len() as u64;
        f.batches += 1;
        f.busy_ns += u128::from(end - now);
        f.end_ns = end;
        now = end;
    }
}

/// Takes in what arrives before an instant.
fn admit(
    until: u64,
    next: &mut Option<Waiting>,
    arrivals: &mut Arrivals,
    waiting: &mut Vec<Waiting>,
    queue: &mut Queue,
    figures: &mut Figures,
) {
    while let Some(request) = next.filter(|next| next.arrival < until) {
        let after =
            |other: &Waiting| (other.deadline, other.number) > (request.deadline, request.number);
        let at = waiting.iter().position(|other| !after(other)).unwrap_or(waiting.len());
        waiting.insert(at, request);
        queue.arrive(&mut figures.queue);
        figures.last_ns = request.arrival;
        *next = arrivals.next();
    }
}

impl Figures {
    fn answer(&mut self, request: &Waiting, (start, end): (u64, u64), draw: f64) {
        let Waiting { deadline, arrival, .. } = *request;
        let correct = draw < RECALL;
        let right = f64::from(u8::from(correct));
        let latency = end - arrival;
        self.completed += 1;
        self.estimated += SHOWN;
        self.brier += (SHOWN - right) * (SHOWN - right);
        self.bin.0 += SHOWN;
        self.bin.1 += u64::from(correct);
        self.estimation_error += (SHOWN - RECALL).abs();
        self.latency_ns += u128::from(latency);
        self.latency_max_ns = self.latency_max_ns.max(latency);
        self.wait_ns += u128::from(start - arrival);
        self.latencies[bucket(latency)] += 1;
        let late = end.saturating_sub(deadline);
        let mut kept = [1.0; 2];
        if late > 0 {
            self.late += 1;
            self.tardiness_ns += u128::from(late);
            self.tardiness_max_ns = self.tardiness_max_ns.max(late);
            self.tardinesses[bucket(late)] += 1;
            kept = [deadline - arrival, deadline.saturating_sub(start)]
                .map(|scale| 1.0 - penalty(late, scale));
        }
        self.utility_predicted += SHOWN * kept[0];
        if correct {
            self.correct += 1;
            self.correct_on_time += u64::from(late == 0);
            self.utility += kept[0];
            self.utility_by_time_left += kept[1];
        }
    }
}
