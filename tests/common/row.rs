//! The row of a run worked out again from what happened.

use super::check::Verdict;
use super::facts::Facts;
use super::scribe::Decided;
use super::{Happened, Log};
use peeksim::metrics::Cell;
use std::collections::BTreeMap;

/// Sums over the events of a run.
#[derive(Default)]
struct Sums {
    completed: f64,
    rejected: f64,
    unfinished: f64,
    correct: f64,
    correct_on_time: f64,
    late: f64,
    latencies_ms: Vec<f64>,
    wait_ms: f64,
    tardiness_ms: Vec<f64>,
    utility: Vec<f64>,
    /// Utility by the time that was left when a request was assigned.
    remaining: f64,
    swaps: f64,
    swap_ms: f64,
    batches: f64,
    busy_ns: u64,
    end_ns: u64,
    uploaded: f64,
    remote: f64,
}

impl Sums {
    fn of(facts: &Facts, log: &Log) -> Self {
        let apps = facts.requests.iter().map(|r| usize::from(r.app) + 1).max().unwrap_or(0);
        let mut sums = Self { utility: vec![0.0; apps], ..Self::default() };
        let assigned = decided(log);
        for event in &log.events {
            // A worker that fails, or is back, ends nothing, and nor do refusals then.
            let idle = matches!(
                event,
                Happened::WorkerFailed { .. }
                    | Happened::Evicted { .. }
                    | Happened::SendLost { .. }
                    | Happened::Returned { .. }
                    | Happened::Rejected { .. }
                    | Happened::Unfinished { .. }
            );
            if !idle {
                sums.end_ns = sums.end_ns.max(event.at());
            }
            match event {
                Happened::Completed { at, request, worker, started, correct, .. } => {
                    let served = facts.workers.get(usize::from(*worker));
                    let remote = served.is_some_and(|worker| worker.link.is_some());
                    sums.remote += f64::from(u8::from(remote));
                    let decided = assigned.get(request).copied().unwrap_or(*at);
                    let request = &facts.requests[*request as usize];
                    sums.complete(facts, request, [decided, *started, *at], *correct);
                }
                Happened::LoadStarted { at, end, .. } => {
                    sums.swaps += 1.0;
                    sums.swap_ms += (end - at) as f64 / 1e6;
                }
                Happened::LoadLost { at, end, .. } => sums.swap_ms -= (end - at) as f64 / 1e6,
                Happened::BatchLost { at, started, .. } => sums.busy_ns += at - started,
                Happened::BatchEnded { at, started, .. } => {
                    sums.batches += 1.0;
                    sums.busy_ns += at - started;
                }
                Happened::Sent { bytes, .. } => sums.uploaded += *bytes as f64,
                Happened::SendLost { bytes, .. } => sums.uploaded -= *bytes as f64,
                Happened::Rejected { .. } => sums.rejected += 1.0,
                Happened::Unfinished { .. } => sums.unfinished += 1.0,
                _ => {}
            }
        }
        sums
    }

    fn complete(
        &mut self,
        facts: &Facts,
        request: &super::facts::RequestFacts,
        [decided, started, finish]: [u64; 3],
        correct: bool,
    ) {
        let latency = finish - request.arrival;
        let late = facts.late.late_ns(latency, request.budget);
        self.completed += 1.0;
        self.latencies_ms.push(latency as f64 / 1e6);
        self.wait_ms += (started - request.arrival) as f64 / 1e6;
        self.tardiness_ms.push(late as f64 / 1e6);
        self.late += f64::from(u8::from(late > 0));
        if correct {
            self.correct += 1.0;
            self.correct_on_time += f64::from(u8::from(late == 0));
            self.utility[usize::from(request.app)] +=
                1.0 - facts.late.gamma(latency, request.budget);
            let left = (request.arrival + request.budget).saturating_sub(decided);
            self.remaining += 1.0 - facts.late.lost(late, left);
        }
    }

    /// Percentile by linear interpolation between order statistics, the customary type 7.
    fn percentile(&self, p: f64) -> Option<f64> {
        let mut sorted = self.latencies_ms.clone();
        sorted.sort_by(f64::total_cmp);
        let place = p * (sorted.len().checked_sub(1)? as f64);
        let (low, part) = (place.floor() as usize, place.fract());
        let high = (low + 1).min(sorted.len() - 1);
        Some(sorted[low] + part * (sorted[high] - sorted[low]))
    }

    /// (Σx)² / (n Σx²) of the mean utilities of applications that were asked for.
    fn jain(&self, facts: &Facts) -> Option<f64> {
        let asked =
            |app: usize| facts.requests.iter().filter(|r| usize::from(r.app) == app).count() as f64;
        let means: Vec<f64> = (0..self.utility.len())
            .filter(|app| asked(*app) > 0.0)
            .map(|app| self.utility[app] / asked(app))
            .collect();
        let squares: f64 = means.iter().map(|x| x * x).sum();
        let sum: f64 = means.iter().sum();
        (squares > 0.0).then(|| sum * sum / (means.len() as f64 * squares))
    }
}

/// When each request was assigned for the last time.
fn decided(log: &Log) -> BTreeMap<u32, u64> {
    let mut decided = BTreeMap::new();
    for ask in &log.asked {
        for decision in &ask.decisions {
            if let Decided::Assign { requests, .. } = decision {
                decided.extend(requests.iter().map(|request| (*request, ask.at)));
            }
        }
    }
    decided
}

/// Every measured column is what its meaning says.
pub fn row(facts: &Facts, log: &mut Log) -> Verdict {
    let sums = Sums::of(facts, log);
    let total = facts.requests.len() as f64;
    let per = |value: f64, of: f64| (of > 0.0).then(|| value / of);
    let of_completed = |value: f64| per(value, sums.completed);
    let largest = |values: &[f64]| values.iter().copied().reduce(f64::max);
    let utility: f64 = sums.utility.iter().sum();
    let misses = sums.late + sums.rejected + sums.unfinished;
    let available: u64 =
        facts.workers.iter().map(|w| sums.end_ns.saturating_sub(w.ready) * w.lanes as u64).sum();
    let decisions: usize = log.asked.iter().map(|ask| ask.decisions.len()).sum();
    let end_s = sums.end_ns as f64 / 1e9;
    let linked = facts.workers.iter().any(|worker| worker.link.is_some());
    let expected = [
        ("requests_total", Some(total)),
        ("completed", Some(sums.completed)),
        ("rejected", Some(sums.rejected)),
        ("unfinished", Some(sums.unfinished)),
        ("utility_sum", Some(utility)),
        ("utility_mean", per(utility, total)),
        ("utility_remaining_mean", per(sums.remaining, total)),
        ("late", Some(sums.late)),
        ("accuracy_mean", of_completed(sums.correct)),
        ("effective_accuracy", per(sums.correct_on_time, total)),
        ("deadline_misses", Some(misses)),
        ("deadline_miss_ratio", per(misses, total)),
        ("slo_attainment", per(total - misses, total)),
        ("goodput_rps", per(sums.completed - sums.late, end_s)),
        ("latency_ms_mean", of_completed(sums.latencies_ms.iter().sum())),
        ("latency_ms_p50", sums.percentile(0.5)),
        ("latency_ms_p95", sums.percentile(0.95)),
        ("latency_ms_p99", sums.percentile(0.99)),
        ("latency_ms_max", largest(&sums.latencies_ms)),
        ("wait_ms_mean", of_completed(sums.wait_ms)),
        ("tardiness_ms_mean", of_completed(sums.tardiness_ms.iter().sum())),
        ("tardiness_ms_max", largest(&sums.tardiness_ms)),
        ("swaps", Some(sums.swaps)),
        ("swap_ms_sum", Some(sums.swap_ms)),
        ("batch_size_mean", per(sums.completed, sums.batches)),
        ("utilization_mean", per(sums.busy_ns as f64, available as f64)),
        ("makespan_s", Some(end_s)),
        ("fairness_jain", sums.jain(facts)),
        ("decisions", Some(decisions as f64)),
        ("utility_believed_mean", per(log.believed, total)),
        ("offloaded_ratio", of_completed(sums.remote).filter(|_| linked)),
        ("uploaded_bytes", linked.then_some(sums.uploaded)),
    ];
    for (name, expected) in expected {
        let told = match log.cell(name) {
            Cell::Empty => None,
            Cell::Count(count) => Some(count as f64),
            Cell::Number(number) => Some(number),
            Cell::Word(word) => return Err(format!("{name} is {word}")),
        };
        let same = match (told, expected) {
            (Some(told), Some(expected)) => {
                (told - expected).abs() <= 1e-9 * expected.abs().max(1.0)
            }
            (told, expected) => told == expected,
        };
        if !same {
            return Err(format!("{name} is {told:?}, not {expected:?}"));
        }
    }
    Ok(())
}
