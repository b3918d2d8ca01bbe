//! The row of a run, gathered from its events.

use super::latencies::{Latencies, QUANTILES};
use super::warmup::Window;
use crate::domain::{Completion, WorkerId};
use crate::model::catalog::Catalog;
use crate::policy::{Event, Observer};
use crate::units::{NS_PER_MS, Span, Time};
use std::sync::Arc;

/// A result column: its name with the unit at the end, and what it means.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// The name in `runs.csv`.
    pub name: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

const fn column(name: &'static str, meaning: &'static str) -> Column {
    Column { name, meaning }
}

/// The measured columns of `runs.csv`, in order.
pub const COLUMNS: &[Column] = &[
    column(
        "answers",
        "where answers come from: recorded, drawn, stream-recall, or mixed by variant",
    ),
    column("requests_total", "requests that arrived (after the warm-up, if there is one)"),
    column("completed", "requests answered, on time or late"),
    column("rejected", "requests refused by the scheduler"),
    column("unfinished", "requests never served"),
    column("utility_sum", "sum of correct × (1 − penalty) over completed requests"),
    column("utility_mean", "utility_sum over all arrived requests"),
    column("accuracy_mean", "share of completed requests answered correctly"),
    column("accuracy_estimated_mean", "mean accuracy the scheduler was shown, over completed"),
    column("calibration_brier", "mean of (accuracy shown − correct)² over completed"),
    column("calibration_ece", "expected calibration error over completed, ten equal bins"),
    column("effective_accuracy", "requests answered correctly and on time, over all arrived"),
    column("deadline_misses", "late, rejected and unfinished requests"),
    column("deadline_miss_ratio", "deadline_misses over all arrived requests"),
    column("slo_attainment", "1 − deadline_miss_ratio"),
    column("goodput_rps", "requests answered on time per second of the run"),
    column("latency_ms_mean", "mean of finish − arrival over completed"),
    column("latency_ms_p50", "median latency"),
    column("latency_ms_p95", "95th percentile of latency"),
    column("latency_ms_p99", "99th percentile of latency"),
    column("latency_ms_max", "largest latency"),
    column("percentiles", "how percentiles were found: exact, or hdr3 (3 digits)"),
    column("wait_ms_mean", "mean of start − arrival over completed (loading included)"),
    column("tardiness_ms_mean", "mean of max(0, finish − deadline) over completed"),
    column("tardiness_ms_max", "largest tardiness"),
    column("swaps", "loads of a variant into memory"),
    column("swap_ms_sum", "time spent loading"),
    column("batch_size_mean", "completed requests per batch, those short-circuited apart"),
    column("utilization_mean", "lane time spent computing over lane time until the end"),
    column("makespan_s", "instant of the last event"),
    column("fairness_jain", "Jain index of the applications' mean utilities"),
    column(
        "energy_j",
        "power × (lane time computing / lanes + time loading) + idle power × all other time + \
         power of links × time sending; empty if no power known",
    ),
    column("cost_usd", "price of all requests together; empty if no price is known"),
    column("decisions", "decisions taken"),
    column("exact_windows", "windows searched exactly; empty for schedulers that never do"),
    column(
        "utility_believed_mean",
        "accuracy shown × (1 − penalty) of completed requests, over all arrived",
    ),
    column(
        "estimation_error_mean",
        "mean distance of accuracy shown from profiled recall of the true class, over served",
    ),
    column(
        "utility_bound_mean",
        "what no scheduler's utility_mean can exceed; empty unless bound = fluid",
    ),
    column("short_circuit_ratio", "share of completed requests answered by the SneakPeek model"),
    column(
        "offloaded_ratio",
        "share of completed requests answered behind a link; empty if there is no link",
    ),
    column("uploaded_bytes", "bytes sent to workers behind a link; empty if there is no link"),
    column("warmup_requests", "arrivals at the beginning of the run that do not count"),
    column(
        "warmup_rule",
        "how they were found: none, fixed, mser-5; or beyond-half: mser-5 wanted more than half",
    ),
];

/// The columns that hold a word, not a number.
pub const WORDS: [&str; 3] = ["answers", "percentiles", "warmup_rule"];

/// One cell of a result row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// Not defined here.
    Empty,
    /// A whole number.
    Count(u64),
    /// A measured number, written with as few digits as name it exactly.
    Number(f64),
    /// A word.
    Word(&'static str),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Count(count) => write!(f, "{count}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}

/// Completed requests that were shown an accuracy of about the same height.
#[derive(Clone, Copy, Debug, Default)]
struct Bin {
    estimated: f64,
    correct: u64,
}

impl Bin {
    /// |mean shown − mean correct| times the number of requests.
    fn gap(&self) -> f64 {
        (self.estimated - self.correct as f64).abs()
    }
}

/// Gathers a run's row. Sums of times are integers, so that no order of adding matters.
#[derive(Clone, Debug)]
pub struct Summary {
    catalog: Arc<Catalog>,
    arrived: Vec<u64>,
    utility: Vec<f64>,
    completed: u64,
    rejected: u64,
    unfinished: u64,
    correct: u64,
    correct_on_time: u64,
    late: u64,
    estimated: f64,
    believed: f64,
    estimation_error: f64,
    brier: f64,
    bins: [Bin; 10],
    latencies: Latencies,
    latency_ns: u128,
    wait_ns: u128,
    tardiness_ns: u128,
    tardiness_max: Span,
    latency_max: Span,
    swaps: u64,
    swap: Span,
    batches: u64,
    /// Lane time computing, then loading, by worker.
    busy: Vec<Span>,
    loading: Vec<Span>,
    served: Vec<u64>,
    /// Time sending, by worker.
    sending: Vec<Span>,
    uploaded_bytes: u64,
    /// Requests in batches of variants.
    batched: u64,
    /// Requests answered by the SneakPeek model.
    short_circuited: u64,
    end: Time,
    decisions: u64,
    bound: Option<f64>,
    window: Window,
}

impl Summary {
    /// Nothing has happened yet.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        let (apps, workers) = (catalog.app_ids().len(), catalog.worker_ids().len());
        Self {
            catalog: Arc::clone(catalog),
            arrived: vec![0; apps],
            utility: vec![0.0; apps],
            completed: 0,
            rejected: 0,
            unfinished: 0,
            correct: 0,
            correct_on_time: 0,
            late: 0,
            estimated: 0.0,
            believed: 0.0,
            estimation_error: 0.0,
            brier: 0.0,
            bins: [Bin::default(); 10],
            latencies: Latencies::default(),
            latency_ns: 0,
            wait_ns: 0,
            tardiness_ns: 0,
            tardiness_max: Span::ZERO,
            latency_max: Span::ZERO,
            swaps: 0,
            swap: Span::ZERO,
            batches: 0,
            busy: vec![Span::ZERO; workers],
            loading: vec![Span::ZERO; workers],
            served: vec![0; workers],
            sending: vec![Span::ZERO; workers],
            uploaded_bytes: 0,
            batched: 0,
            short_circuited: 0,
            end: Time::ZERO,
            decisions: 0,
            bound: None,
            window: Window::whole(),
        }
    }

    /// With an upper bound on the utility per request.
    pub fn with_bound(self, bound: Option<f64>) -> Self {
        Self { bound, ..self }
    }

    /// Of a part of the run.
    pub fn with_window(self, window: Window) -> Self {
        Self { window, ..self }
    }

    /// Whether no request counts.
    pub fn is_empty(&self) -> bool {
        self.arrived.iter().all(|count| *count == 0)
    }

    #[inline(never)]
    fn complete(&mut self, completion: &Completion<'_>) {
        let request = completion.request;
        let (finish, deadline) = (completion.finished, request.deadline);
        let late = finish.since(deadline);
        let latency = finish.since(request.arrival);
        self.completed += 1;
        match completion.worker {
            Some(worker) => self.served[worker.index()] += 1,
            None => self.short_circuited += 1,
        }
        self.estimated += completion.estimated;
        let correct = f64::from(u8::from(completion.correct));
        self.brier += (completion.estimated - correct) * (completion.estimated - correct);
        let bin = &mut self.bins[((completion.estimated * 10.0) as usize).min(9)];
        bin.estimated += completion.estimated;
        bin.correct += u64::from(completion.correct);
        self.latency_ns += u128::from(latency.0);
        self.latency_max = self.latency_max.max(latency);
        self.wait_ns += u128::from(completion.started.since(request.arrival).0);
        self.latencies.push(latency);
        if late > Span::ZERO {
            self.late += 1;
            self.tardiness_ns += u128::from(late.0);
            self.tardiness_max = self.tardiness_max.max(late);
        }
        let penalty = self.catalog.penalty.gamma(finish, deadline, request.budget());
        self.believed += completion.estimated * (1.0 - penalty);
        if completion.worker.is_some() {
            let recall = &self.catalog.variant(completion.variant).recall;
            let profiled = recall[usize::from(completion.truth.class)];
            self.estimation_error += (completion.estimated - profiled).abs();
        }
        if completion.correct {
            self.correct += 1;
            self.correct_on_time += u64::from(late == Span::ZERO);
            self.utility[request.app.index()] += 1.0 - penalty;
        }
    }

    /// The cells of [`COLUMNS`], in order.
    pub fn cells(&mut self, exact_windows: Option<u64>) -> Vec<Cell> {
        self.latencies.sort();
        let arrived: u64 = self.arrived.iter().sum();
        let utility: f64 = self.utility.iter().sum();
        let served = self.completed - self.short_circuited;
        let misses = self.late + self.rejected + self.unfinished;
        let on_time = self.completed - self.late;
        let watched = self.end.since(self.window.start());
        let ms = |ns: u128| ns as f64 / NS_PER_MS as f64;
        let quantile = |q| self.latencies.quantile_ms(q).map_or(Cell::Empty, Cell::Number);
        let counted = |count: u64| Cell::Count(count);
        let per_request = |value: f64| ratio(value, arrived);
        let per_completed = |value: f64| ratio(value, self.completed);
        let some = |span: Span| {
            if self.completed == 0 { Cell::Empty } else { Cell::Number(span.as_ms()) }
        };
        vec![
            Cell::Word(self.catalog.outcome()),
            counted(arrived),
            counted(self.completed),
            counted(self.rejected),
            counted(self.unfinished),
            Cell::Number(utility),
            per_request(utility),
            per_completed(self.correct as f64),
            per_completed(self.estimated),
            per_completed(self.brier),
            per_completed(self.bins.iter().map(Bin::gap).sum()),
            per_request(self.correct_on_time as f64),
            counted(misses),
            per_request(misses as f64),
            per_request((arrived - misses) as f64),
            if watched == Span::ZERO {
                Cell::Empty
            } else {
                Cell::Number(on_time as f64 / watched.as_s())
            },
            per_completed(ms(self.latency_ns)),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
            some(self.latency_max),
            Cell::Word(self.latencies.method()),
            per_completed(ms(self.wait_ns)),
            per_completed(ms(self.tardiness_ns)),
            some(self.tardiness_max),
            counted(self.swaps),
            Cell::Number(self.swap.as_ms()),
            ratio(self.batched as f64, self.batches),
            self.utilization(),
            Cell::Number(self.end.as_s()),
            self.fairness(),
            self.energy(),
            self.cost(),
            counted(self.decisions),
            exact_windows.map_or(Cell::Empty, Cell::Count),
            per_request(self.believed),
            ratio(self.estimation_error, served),
            self.bound.map_or(Cell::Empty, Cell::Number),
            per_completed(self.short_circuited as f64),
            self.offloaded(),
            if self.has_link() { counted(self.uploaded_bytes) } else { Cell::Empty },
            counted(u64::from(self.window.skip)),
            Cell::Word(self.window.rule),
        ]
    }

    fn has_link(&self) -> bool {
        self.catalog.worker_ids().any(|worker| self.catalog.worker(worker).link.is_some())
    }

    fn offloaded(&self) -> Cell {
        if !self.has_link() {
            return Cell::Empty;
        }
        let remote = |worker: &WorkerId| self.catalog.worker(*worker).link.is_some();
        let remote = self.catalog.worker_ids().filter(remote);
        let served: u64 = remote.map(|worker| self.served[worker.index()]).sum();
        ratio(served as f64, self.completed)
    }

    /// Latency in milliseconds at each of [`QUANTILES`]; empty if nothing completed.
    pub fn latency_quantiles(&mut self) -> Vec<f64> {
        self.latencies.sort();
        QUANTILES.iter().filter_map(|q| self.latencies.quantile_ms(*q)).collect()
    }

    fn utilization(&self) -> Cell {
        let catalog = &self.catalog;
        let lane_ns = |w| u128::from(catalog.worker(w).lanes);
        let open_ns = |w| {
            let from = catalog.worker(w).ready.max(self.window.start());
            u128::from(self.end.since(from).0)
        };
        let available: u128 = catalog.worker_ids().map(|w| open_ns(w) * lane_ns(w)).sum();
        let busy: u128 = self.busy.iter().map(|span| u128::from(span.0)).sum();
        if available == 0 { Cell::Empty } else { Cell::Number(busy as f64 / available as f64) }
    }

    /// (Σx)² / (n Σx²) of the mean utilities of applications that had requests.
    fn fairness(&self) -> Cell {
        let means = || {
            let apps = self.arrived.iter().zip(&self.utility).filter(|(n, _)| **n > 0);
            apps.map(|(n, sum)| sum / *n as f64)
        };
        let (count, sum) = (means().count(), means().sum::<f64>());
        let squares: f64 = means().map(|x| x * x).sum();
        if squares == 0.0 {
            Cell::Empty
        } else {
            Cell::Number(sum * sum / (count as f64 * squares))
        }
    }

    fn energy(&self) -> Cell {
        let mut total = None;
        for worker in self.catalog.worker_ids() {
            let (of, at) = (self.catalog.worker(worker), worker.index());
            let active_s = self.busy[at].as_s() / f64::from(of.lanes) + self.loading[at].as_s();
            let idle_s = self.end.since(of.ready).as_s() - active_s;
            let sender_w = of.link.as_ref().and_then(|link| link.power_w);
            for (power, seconds) in
                [(of.power_w, active_s), (of.idle_w, idle_s), (sender_w, self.sending[at].as_s())]
            {
                if let Some(power) = power {
                    *total.get_or_insert(0.0) += power * seconds;
                }
            }
        }
        total.map_or(Cell::Empty, Cell::Number)
    }

    fn cost(&self) -> Cell {
        let mut total = None;
        for worker in self.catalog.worker_ids() {
            if let Some(price) = self.catalog.worker(worker).usd_per_request {
                *total.get_or_insert(0.0) += price * self.served[worker.index()] as f64;
            }
        }
        total.map_or(Cell::Empty, Cell::Number)
    }
}

fn ratio(value: f64, of: u64) -> Cell {
    if of == 0 { Cell::Empty } else { Cell::Number(value / of as f64) }
}

impl Observer for Summary {
    // Where it is told, the kind of event is known: the match costs nothing, nor do most events.
    #[expect(clippy::inline_always, reason = "half of a run's time is spent in events")]
    #[inline(always)]
    fn on(&mut self, event: Event<'_>) {
        if self.window.is_whole() { self.count(event) } else { self.count_admitted(event) }
    }
}

impl Summary {
    #[inline(never)]
    fn count_admitted(&mut self, event: Event<'_>) {
        if let Some(event) = self.window.admit(event) {
            self.count(event);
        }
    }

    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => {
                self.arrived[request.app.index()] += 1;
                self.end = self.end.max(request.arrival);
            }
            Event::Completed(completion) => self.complete(completion),
            Event::BatchEnded { at, worker, started, variant, batch, .. } => {
                if !self.catalog.is_peek(variant) {
                    self.batches += 1;
                    self.batched += batch as u64;
                }
                self.busy[worker.index()] += at.since(started);
                self.end = at;
            }
            Event::LoadStarted { at, worker, end, .. } => {
                self.swaps += 1;
                self.swap += end.since(at);
                self.loading[worker.index()] += end.since(at);
            }
            Event::LoadEnded { at, .. } | Event::Back { at, .. } => self.end = at,
            Event::Sent { worker, bytes, start, end, .. } => {
                self.uploaded_bytes += bytes;
                self.sending[worker.index()] += end.since(start);
            }
            // Time that was spent in vain was spent all the same.
            Event::BatchLost { at, worker, started, .. } => {
                self.busy[worker.index()] += at.since(started);
                self.end = at;
            }
            Event::LoadLost { at, worker, end, .. } => {
                let left = end.since(at);
                self.swap = self.swap - left;
                self.loading[worker.index()] = self.loading[worker.index()] - left;
                self.end = at;
            }
            Event::Rejected { .. } => self.rejected += 1,
            Event::Unfinished { .. } => self.unfinished += 1,
            Event::Decided { decisions, .. } => self.decisions += decisions as u64,
            _ => {}
        }
    }
}
