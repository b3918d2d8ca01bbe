//! The row of a run, gathered from its events.

use super::column::{Cell, ratio};
use super::columns::COLUMNS;
use super::latencies::{Latencies, QUANTILES};
use super::measured_events::{MeasuredEvents, last_instant};
use super::queue_length::QueueLength;
use super::realised_rate::RealisedRate;
use super::warmup::MeasurementWindow;
use crate::contract::{Event, Observer};
use crate::core::ids::{Answered, BatchAnswer, WorkerId};
use crate::core::units::{NS_PER_MS, NS_PER_S, Span, Time};
use crate::system::catalog::Catalog;
use std::sync::Arc;

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

/// Sums over answered requests.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    /// Utility with lateness relative to the time that was left at the decision.
    remaining: f64,
    completed: u64,
    correct: u64,
    correct_on_time: u64,
    late: u64,
    estimated: f64,
    believed: f64,
    estimation_error: f64,
    brier: f64,
    latency_ns: u128,
    wait_ns: u128,
    tardiness_ns: u128,
    tardiness_max: Span,
    latency_max: Span,
}

/// Gathers a run's row. Sums of times are integers, so that no order of adding matters.
#[derive(Clone, Debug)]
pub struct Summary {
    catalog: Arc<Catalog>,
    arrived: Vec<u64>,
    utility: Vec<f64>,
    rejected: u64,
    unfinished: u64,
    sums: Sums,
    bins: [Bin; 10],
    /// The last accuracy that was shown, and its bin.
    bin: (f64, usize),
    latencies: Latencies,
    tardiness: Latencies,
    swaps: u64,
    swap_ns: u128,
    swap_bytes: u64,
    batches: u64,
    /// Lane time computing, then loading, by worker, in ns.
    busy_ns: Vec<u128>,
    loading_ns: Vec<u128>,
    served: Vec<u64>,
    /// Time sending, by worker, in ns.
    sending_ns: Vec<u128>,
    uploaded_bytes: u64,
    /// Requests in batches of variants.
    batched: u64,
    /// Requests answered by the SneakPeek model.
    short_circuited: u64,
    end: Time,
    decisions: u64,
    bound: Option<f64>,
    /// Of the whole run.
    arrivals: RealisedRate,
    queue: QueueLength,
    watch: MeasuredEvents,
}

impl Summary {
    /// Nothing has happened yet.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        let (apps, workers) = (catalog.app_ids().len(), catalog.worker_ids().len());
        Self {
            catalog: Arc::clone(catalog),
            arrived: vec![0; apps],
            utility: vec![0.0; apps],
            rejected: 0,
            unfinished: 0,
            sums: Sums::default(),
            bins: [Bin::default(); 10],
            bin: (0.0, 0),
            latencies: Latencies::default(),
            tardiness: Latencies::default(),
            swaps: 0,
            swap_ns: 0,
            swap_bytes: 0,
            batches: 0,
            busy_ns: vec![0; workers],
            loading_ns: vec![0; workers],
            served: vec![0; workers],
            sending_ns: vec![0; workers],
            uploaded_bytes: 0,
            batched: 0,
            short_circuited: 0,
            end: Time::ZERO,
            decisions: 0,
            bound: None,
            arrivals: RealisedRate::default(),
            queue: QueueLength::default(),
            watch: MeasuredEvents::new(MeasurementWindow::whole()),
        }
    }

    /// With an upper bound on the utility per request.
    pub fn with_bound(self, bound: Option<f64>) -> Self {
        Self { bound, ..self }
    }

    /// Of a part of the run.
    pub fn with_window(mut self, window: MeasurementWindow) -> Self {
        self.queue.skip = window.skip;
        Self { watch: MeasuredEvents::new(window), ..self }
    }

    /// The part of the run that counts.
    pub fn window(&self) -> MeasurementWindow {
        self.watch.window()
    }

    /// Whether no request counts.
    pub fn is_empty(&self) -> bool {
        self.arrived.iter().all(|count| *count == 0)
    }

    /// Counts the requests of a batch that are answered.
    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn answers<'a>(&mut self, batch: &BatchAnswer, answers: impl Iterator<Item = Answered<'a>>) {
        let BatchAnswer { worker, variant, decided, started, finished, .. } = *batch;
        let penalty = &self.catalog.penalty;
        let recall = worker.map(|_| self.catalog.variant(variant).recall.as_slice());
        let sums = &mut self.sums;
        let before = sums.completed;
        for Answered { request, truth, correct, estimated } in answers {
            let (deadline, budget) = (request.deadline, request.budget());
            let late = penalty.tardiness(finished, deadline);
            let latency = finished.since(request.arrival);
            sums.completed += 1;
            sums.estimated += estimated;
            let right = f64::from(u8::from(correct));
            sums.brier += (estimated - right) * (estimated - right);
            // Most requests were shown the same accuracy as the one before.
            if estimated != self.bin.0 {
                self.bin = (estimated, ((estimated * 10.0) as usize).min(9));
            }
            let bin = &mut self.bins[self.bin.1];
            bin.estimated += estimated;
            bin.correct += u64::from(correct);
            sums.latency_ns += u128::from(latency.0);
            sums.latency_max = sums.latency_max.max(latency);
            sums.wait_ns += u128::from(started.since(request.arrival).0);
            self.latencies.push(latency);
            let mut kept = [1.0; 2];
            if late > Span::ZERO {
                sums.late += 1;
                sums.tardiness_ns += u128::from(late.0);
                sums.tardiness_max = sums.tardiness_max.max(late);
                self.tardiness.push(late);
                // By the budget, and by what was left of it at the decision.
                kept = [budget, deadline.since(decided)]
                    .map(|scale| 1.0 - penalty.gamma(finished, deadline, scale));
            }
            sums.believed += estimated * kept[0];
            if let Some(recall) = recall {
                sums.estimation_error += (estimated - recall[usize::from(truth.class)]).abs();
            }
            if correct {
                sums.correct += 1;
                sums.correct_on_time += u64::from(late == Span::ZERO);
                self.utility[request.app.index()] += kept[0];
                sums.remaining += kept[1];
            }
        }
        let count = sums.completed - before;
        match worker {
            Some(worker) => self.served[worker.index()] += count,
            None => self.short_circuited += count,
        }
    }

    /// The cells of [`COLUMNS`](super::COLUMNS), in order.
    pub fn cells(&mut self, windows_solved_exactly: Option<u64>) -> Vec<Cell> {
        self.latencies.sort();
        self.tardiness.sort();
        let arrived: u64 = self.arrived.iter().sum();
        let utility: f64 = self.utility.iter().sum();
        let served = self.sums.completed - self.short_circuited;
        let misses = self.sums.late + self.rejected + self.unfinished;
        let on_time = self.sums.completed - self.sums.late;
        let ms = |ns: u128| ns as f64 / NS_PER_MS as f64;
        let quantile = |q| self.latencies.quantile_ms(q).map_or(Cell::Empty, Cell::Number);
        let counted = |count: u64| Cell::Count(count);
        let per_request = |value: f64| ratio(value, arrived);
        let [busy, _] = self.shares();
        let per_completed = |value: f64| ratio(value, self.sums.completed);
        let some = |span: Span| {
            if self.sums.completed == 0 { Cell::Empty } else { Cell::Number(span.as_ms()) }
        };
        let mut cells = vec![
            Cell::Word(self.catalog.outcome()),
            counted(arrived),
            counted(self.sums.completed),
            counted(self.rejected),
            counted(self.unfinished),
            Cell::Number(utility),
            per_request(utility),
            per_completed(self.sums.correct as f64),
            per_completed(self.sums.estimated),
            per_completed(self.sums.brier),
            per_completed(self.bins.iter().map(Bin::gap).sum()),
            per_request(self.sums.correct_on_time as f64),
            counted(misses),
            per_request(misses as f64),
            per_request((arrived - misses) as f64),
            self.per_second(on_time),
            per_completed(ms(self.sums.latency_ns)),
            quantile(0.5),
            quantile(0.95),
            quantile(0.99),
            some(self.sums.latency_max),
            Cell::Word(self.latencies.method()),
            per_completed(ms(self.sums.wait_ns)),
            per_completed(ms(self.sums.tardiness_ns)),
            some(self.sums.tardiness_max),
            counted(self.swaps),
            Cell::Number(ms(self.swap_ns)),
            ratio(self.batched as f64, self.batches),
            busy.map_or(Cell::Empty, Cell::Number),
            Cell::Number(self.end.as_s()),
            self.fairness(),
            self.energy(),
            self.cost(),
            counted(self.decisions),
            windows_solved_exactly.map_or(Cell::Empty, Cell::Count),
            per_request(self.sums.believed),
            ratio(self.sums.estimation_error, served),
            self.bound.map_or(Cell::Empty, Cell::Number),
            per_completed(self.short_circuited as f64),
            self.offloaded(),
            if self.has_link() { counted(self.uploaded_bytes) } else { Cell::Empty },
            counted(u64::from(self.window().skip)),
            Cell::Word(self.window().rule),
        ];
        cells.extend(self.punctuality(on_time));
        cells.extend(self.loads(arrived));
        cells.push(self.arrivals.rate());
        cells.push(Cell::Word(self.queue.stationary().name()));
        cells.push(per_request(self.sums.remaining));
        cells
    }

    /// The cell of a column of [`COLUMNS`](super::COLUMNS) by its name; `None` if there is no such
    /// column. The number of windows searched exactly, which a scheduler knows, is empty.
    pub fn cell(&mut self, name: &str) -> Option<Cell> {
        let at = COLUMNS.iter().position(|column| column.name == name)?;
        self.cells(None).get(at).copied()
    }

    fn punctuality(&self, on_time: u64) -> [Cell; 6] {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        [
            Cell::Count(self.sums.late),
            ratio(self.sums.correct_on_time as f64, on_time),
            self.per_second(self.sums.correct_on_time),
            number(self.latencies.quantile_ms(0.999)),
            self.tardiness_quantile(0.99),
            number(self.app_utilities().reduce(f64::min)),
        ]
    }

    fn loads(&self, arrived: u64) -> [Cell; 6] {
        let number = |value: Option<f64>| value.map_or(Cell::Empty, Cell::Number);
        let per_1000 = |value: f64| ratio(1000.0 * value, arrived);
        let [busy, loading] = self.shares();
        [
            number(loading),
            number(busy.zip(loading).map(|(busy, loading)| (1.0 - busy - loading).max(0.0))),
            Cell::Count(self.swap_bytes),
            per_1000(self.swaps as f64),
            per_1000(self.swap_bytes as f64),
            per_1000(self.swap_ns as f64 / NS_PER_MS as f64),
        ]
    }

    fn per_second(&self, count: u64) -> Cell {
        match self.end.since(self.watch.start()) {
            Span::ZERO => Cell::Empty,
            watched => Cell::Number(count as f64 / watched.as_s()),
        }
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
        ratio(served as f64, self.sums.completed)
    }

    /// Latency in milliseconds at each of [`QUANTILES`]; empty if nothing completed.
    pub fn latency_quantiles(&mut self) -> Vec<f64> {
        self.latencies.sort();
        QUANTILES.iter().filter_map(|q| self.latencies.quantile_ms(*q)).collect()
    }

    /// Computing, then loading, as shares of lane time; `None` if there was none.
    fn shares(&self) -> [Option<f64>; 2] {
        let catalog = &self.catalog;
        let lanes = |w| u128::from(catalog.worker(w).lanes);
        let open_ns = |w| {
            let from = catalog.worker(w).ready.max(self.watch.start());
            u128::from(self.end.since(from).0)
        };
        let available: u128 = catalog.worker_ids().map(|w| open_ns(w) * lanes(w)).sum();
        let busy: u128 = self.busy_ns.iter().sum();
        let loading = catalog.worker_ids().zip(&self.loading_ns);
        // A load occupies every lane.
        let loading: u128 = loading.map(|(w, ns)| ns * lanes(w)).sum();
        [busy, loading].map(|ns| (available > 0).then(|| ns as f64 / available as f64))
    }

    /// A quantile of tardiness over completed requests.
    fn tardiness_quantile(&self, q: f64) -> Cell {
        let at = q * self.sums.completed.saturating_sub(1) as f64;
        let on_time = (self.sums.completed - self.sums.late) as f64;
        match (self.sums.completed, self.sums.late) {
            (0, _) => Cell::Empty,
            (_, late) if at <= on_time - 1.0 || late == 0 => Cell::Number(0.0),
            // Between the last zero and the first late one.
            (..) if at < on_time => {
                let first = self.tardiness.quantile_ms(0.0).unwrap_or(0.0);
                Cell::Number(first * (at - on_time + 1.0))
            }
            (_, late) => {
                let rest = (at - on_time) / late.saturating_sub(1).max(1) as f64;
                self.tardiness.quantile_ms(rest).map_or(Cell::Empty, Cell::Number)
            }
        }
    }

    /// The mean utilities of applications that had requests.
    fn app_utilities(&self) -> impl Iterator<Item = f64> {
        let apps = self.arrived.iter().zip(&self.utility).filter(|(n, _)| **n > 0);
        apps.map(|(n, sum)| sum / *n as f64)
    }

    /// (Σx)² / (n Σx²) of the applications' mean utilities.
    fn fairness(&self) -> Cell {
        let (count, sum) = (self.app_utilities().count(), self.app_utilities().sum::<f64>());
        let squares: f64 = self.app_utilities().map(|x| x * x).sum();
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
            let seconds = |ns: u128| ns as f64 / NS_PER_S as f64;
            let (busy_s, loading_s) = (seconds(self.busy_ns[at]), seconds(self.loading_ns[at]));
            let active_s = busy_s / f64::from(of.lanes) + loading_s;
            let open = self.end.since(of.ready.max(self.watch.start()));
            let idle_s = open.as_s() - active_s;
            let sending_s = seconds(self.sending_ns[at]);
            let sender_w = of.link.as_ref().and_then(|link| link.power_w);
            for (power, seconds) in
                [(of.power_w, active_s), (of.idle_w, idle_s), (sender_w, sending_s)]
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

impl Observer for Summary {
    // Where it is told, the kind of event is known: the match costs nothing, nor do most events.
    #[expect(clippy::inline_always, reason = "half of a run's time is spent in events")]
    #[inline(always)]
    fn on(&mut self, event: Event<'_>) {
        if self.watch.is_whole() {
            self.count_all(event);
        } else {
            self.count_measured(event);
        }
    }
}

/// A [`Summary`] of a whole run as an observer that does not ask of each event whether it counts.
#[derive(Debug)]
pub struct WholeRun<'a>(&'a mut Summary);

impl Observer for WholeRun<'_> {
    #[expect(clippy::inline_always, reason = "as `Summary::on`")]
    #[inline(always)]
    fn on(&mut self, event: Event<'_>) {
        self.0.count_all(event);
    }

    #[expect(clippy::inline_always, reason = "as `Summary::on`")]
    #[inline(always)]
    fn on_answers<'a>(&mut self, batch: &BatchAnswer, answers: impl Iterator<Item = Answered<'a>>) {
        let before = self.0.sums.completed;
        self.0.answers(batch, answers);
        self.0.queue.depart(self.0.sums.completed - before);
        self.0.end = batch.finished;
    }
}

impl Summary {
    /// As an observer of a whole run; `None` if a part of it does not count.
    pub fn whole_run(&mut self) -> Option<WholeRun<'_>> {
        self.watch.is_whole().then(|| WholeRun(self))
    }

    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count_all(&mut self, event: Event<'_>) {
        if let Event::Arrived { request } = &event {
            self.arrivals.push(request.arrival);
        }
        self.queue.on(&event);
        self.count(event);
    }
}

impl Summary {
    #[inline(never)]
    fn count_measured(&mut self, event: Event<'_>) {
        if let Event::Arrived { request } = &event {
            self.arrivals.push(request.arrival);
        }
        self.queue.on(&event);
        let catalog = Arc::clone(&self.catalog);
        let mut watch =
            std::mem::replace(&mut self.watch, MeasuredEvents::new(MeasurementWindow::whole()));
        watch.forward(&catalog, event, &mut |event| self.count(event));
        self.watch = watch;
    }

    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count(&mut self, event: Event<'_>) {
        if let Some(at) = last_instant(&event) {
            self.end = at;
        }
        match event {
            Event::Arrived { request } => self.arrived[request.app.index()] += 1,
            Event::Completed(completion) => {
                let (batch, answered) = completion.parts();
                self.answers(&batch, std::iter::once(answered));
            }
            Event::BatchEnded { at, worker, started, variant, batch, .. } => {
                if !self.catalog.is_peek(variant) {
                    self.batches += 1;
                    self.batched += batch as u64;
                }
                self.busy_ns[worker.index()] += u128::from(at.since(started).0);
            }
            // Time that was spent in vain was spent all the same.
            Event::BatchLost { at, worker, started, .. } => {
                self.busy_ns[worker.index()] += u128::from(at.since(started).0);
            }
            Event::LoadStarted { variant, .. } => {
                self.swaps += 1;
                self.swap_bytes =
                    self.swap_bytes.saturating_add(self.catalog.variant(variant).bytes);
            }
            Event::LoadEnded { at, worker, started, .. }
            | Event::LoadLost { at, worker, started, .. } => {
                let ns = u128::from(at.since(started).0);
                self.swap_ns += ns;
                self.loading_ns[worker.index()] += ns;
            }
            Event::UploadQueued { worker, bytes, start, end, .. } => {
                self.uploaded_bytes += bytes;
                self.sending_ns[worker.index()] += u128::from(end.since(start).0);
            }
            Event::UploadAborted { worker, bytes, start, end, .. } => {
                let sending = &mut self.sending_ns[worker.index()];
                *sending = sending.saturating_sub(u128::from(end.since(start).0));
                self.uploaded_bytes = self.uploaded_bytes.saturating_sub(bytes);
            }
            Event::Rejected { .. } => self.rejected += 1,
            Event::Unfinished { .. } => self.unfinished += 1,
            Event::Decided { decisions, .. } => self.decisions += decisions as u64,
            _ => {}
        }
    }
}
