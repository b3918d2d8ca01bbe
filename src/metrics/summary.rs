//! The totals of a run, gathered from its events; `columns.rs` makes its row of them.

use super::answer_totals::AnswerTotals;
use super::column::{Cell, ratio};
use super::latencies::QUANTILES;
use super::measured_events::{MeasuredEvents, last_instant};
use super::queue_length::QueueLength;
use super::warmup::MeasurementWindow;
use crate::contract::{Event, Observer};
use crate::core::ids::{Answered, BatchAnswer, Request};
use crate::core::units::{NS_PER_S, Span, Time, rate_rps};
use crate::system::catalog::{Catalog, Worker};
use std::sync::Arc;

/// Totals of an application.
#[derive(Clone, Copy, Debug, Default)]
struct AppTotals {
    arrived: u64,
    utility: f64,
}

/// Totals of a worker.
#[derive(Clone, Copy, Debug, Default)]
struct WorkerTotals {
    /// Requests answered.
    served: u64,
    /// Lane time computing.
    busy_ns: u128,
    loading_ns: u128,
    sending_ns: u128,
    /// Energy of computing, loading and the host's work, where the profile has the power by
    /// variant.
    joules: Option<f64>,
}

impl WorkerTotals {
    fn spend(&mut self, power_w: Option<f64>, ns: f64) {
        if let Some(power) = power_w {
            *self.joules.get_or_insert(0.0) += power * ns / NS_PER_S as f64;
        }
    }
}

/// Totals of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    apps: Vec<AppTotals>,
    workers: Vec<WorkerTotals>,
    pub answers: AnswerTotals,
    pub rejected: u64,
    pub unfinished: u64,
    pub loads: u64,
    pub load_ns: u128,
    pub load_bytes: u64,
    /// Batches of variants, and the requests in them.
    pub batches: u64,
    pub batched: u64,
    /// Requests answered by the SneakPeek model.
    pub short_circuited: u64,
    pub uploaded_bytes: u64,
    pub decisions: u64,
    /// The last instant with an arrival, an answer, or the end of a batch or load.
    pub end: Time,
    /// Arrivals of the whole run: how many, the first and the last.
    arrivals: (u64, Option<Time>, Time),
    pub queue: QueueLength,
}

/// Gathers the totals of a run.
#[derive(Clone, Debug)]
pub struct Summary {
    pub(super) catalog: Arc<Catalog>,
    pub(super) totals: Totals,
    pub(super) bound: Option<f64>,
    /// Windows that the scheduler searched exactly, if it does so.
    pub(super) windows_solved_exactly: Option<u64>,
    measured: MeasuredEvents,
}

impl Summary {
    /// Totals of a run that has not begun.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        let totals = Totals {
            apps: vec![AppTotals::default(); catalog.app_ids().len()],
            workers: vec![WorkerTotals::default(); catalog.worker_ids().len()],
            ..Totals::default()
        };
        let measured = MeasuredEvents::new(MeasurementWindow::whole());
        let catalog = Arc::clone(catalog);
        Self { catalog, totals, bound: None, windows_solved_exactly: None, measured }
    }

    /// With an upper bound on the utility per request.
    pub fn with_bound(self, bound: Option<f64>) -> Self {
        Self { bound, ..self }
    }

    /// Of a part of the run.
    pub fn with_window(mut self, window: MeasurementWindow) -> Self {
        self.totals.queue.skip = window.skip;
        Self { measured: MeasuredEvents::new(window), ..self }
    }

    /// The part of the run that counts.
    pub fn window(&self) -> MeasurementWindow {
        self.measured.window()
    }

    /// Whether no request counts.
    pub fn is_empty(&self) -> bool {
        self.arrived() == 0
    }

    /// Latency in milliseconds at each of [`QUANTILES`]; empty if nothing completed.
    pub fn latency_quantiles(&mut self) -> Vec<f64> {
        self.sort();
        QUANTILES.iter().filter_map(|q| self.totals.answers.latencies.quantile_ms(*q)).collect()
    }

    /// Must be called before quantiles are asked for.
    pub(super) fn sort(&mut self) {
        self.totals.answers.latencies.sort();
        self.totals.answers.late.tardiness.sort();
    }

    /// Counts the requests of a batch that are answered.
    #[expect(clippy::inline_always, reason = "once a batch")]
    #[inline(always)]
    fn answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        let (catalog, totals) = (&*self.catalog, &mut self.totals);
        let app = catalog.variant(batch.variant).app;
        let utility = &mut totals.apps[app.index()].utility;
        totals.answers.count(catalog, batch, answers, utility);
        let count = answers.len() as u64;
        match batch.worker {
            Some(worker) => totals.workers[worker.index()].served += count,
            None => totals.short_circuited += count,
        }
    }

    /// As an observer of a whole run; `None` if a part of it does not count.
    pub fn whole_run(&mut self) -> Option<WholeRun<'_>> {
        self.measured.is_whole().then_some(WholeRun(self))
    }
}

/// What columns are computed from.
impl Summary {
    pub(super) fn arrived(&self) -> u64 {
        self.totals.apps.iter().map(|app| app.arrived).sum()
    }

    pub(super) fn utility(&self) -> f64 {
        self.totals.apps.iter().map(|app| app.utility).sum()
    }

    /// Late, rejected and unfinished requests.
    pub(super) fn misses(&self) -> u64 {
        self.totals.answers.late.count + self.totals.rejected + self.totals.unfinished
    }

    pub(super) fn on_time(&self) -> u64 {
        self.totals.answers.completed - self.totals.answers.late.count
    }

    /// Events per second of the measured part.
    pub(super) fn per_second(&self, count: u64) -> Cell {
        match self.totals.end.since(self.measured.start()) {
            Span::ZERO => Cell::Empty,
            span => Cell::Number(count as f64 / span.as_s()),
        }
    }

    /// The largest of some spans of completed requests, in ms.
    pub(super) fn largest_ms(&self, span: Span) -> Cell {
        if self.totals.answers.completed == 0 { Cell::Empty } else { Cell::Number(span.as_ms()) }
    }

    pub(super) fn latency_quantile(&self, q: f64) -> Cell {
        self.totals.answers.latencies.quantile_ms(q).into()
    }

    /// A quantile of tardiness over completed requests, most of which are not late.
    pub(super) fn tardiness_quantile(&self, q: f64) -> Cell {
        let AnswerTotals { completed, late, .. } = &self.totals.answers;
        let (tardiness, late) = (&late.tardiness, &late.count);
        let at = q * completed.saturating_sub(1) as f64;
        let on_time = (completed - late) as f64;
        match (completed, late) {
            (0, _) => Cell::Empty,
            (_, late) if at <= on_time - 1.0 || *late == 0 => Cell::Number(0.0),
            // Between the last zero and the first late one.
            (..) if at < on_time => {
                let first = tardiness.quantile_ms(0.0).unwrap_or(0.0);
                Cell::Number(first * (at - on_time + 1.0))
            }
            (_, late) => {
                let rest = (at - on_time) / late.saturating_sub(1).max(1) as f64;
                tardiness.quantile_ms(rest).into()
            }
        }
    }

    /// (n − 1) / (last − first) over all arrivals of the run, whatever rate was asked for.
    pub(super) fn realised_rate(&self) -> Cell {
        let (count, first, last) = self.totals.arrivals;
        rate_rps(count, last.since(first.unwrap_or(last))).into()
    }

    fn workers(&self) -> impl Iterator<Item = (&Worker, &WorkerTotals)> {
        let workers = self.catalog.worker_ids().map(|id| self.catalog.worker(id));
        workers.zip(&self.totals.workers)
    }

    fn has_link(&self) -> bool {
        self.workers().any(|(worker, _)| worker.link.is_some())
    }

    pub(super) fn offloaded_ratio(&self) -> Cell {
        let remote = self.workers().filter(|(worker, _)| worker.link.is_some());
        let served: u64 = remote.map(|(_, totals)| totals.served).sum();
        if self.has_link() {
            ratio(served as f64, self.totals.answers.completed)
        } else {
            Cell::Empty
        }
    }

    pub(super) fn uploaded_bytes(&self) -> Cell {
        if self.has_link() { Cell::Count(self.totals.uploaded_bytes) } else { Cell::Empty }
    }

    /// From the start of a worker, or of the measured part, to the end.
    fn open(&self, worker: &Worker) -> Span {
        self.totals.end.since(worker.ready.max(self.measured.start()))
    }

    /// Computing, then loading, as shares of lane time; `None` if there was none.
    pub(super) fn lane_time_shares(&self) -> [Option<f64>; 2] {
        let (mut available, mut busy, mut loading) = (0, 0, 0);
        for (worker, totals) in self.workers() {
            let lanes = u128::from(worker.lanes);
            available += u128::from(self.open(worker).0) * lanes;
            busy += totals.busy_ns;
            // A load occupies every lane.
            loading += totals.loading_ns * lanes;
        }
        [busy, loading].map(|ns| (available > 0).then(|| ns as f64 / available as f64))
    }

    pub(super) fn idle_share(&self) -> Cell {
        let [busy, loading] = self.lane_time_shares();
        busy.zip(loading).map(|(busy, loading)| (1.0 - busy - loading).max(0.0)).into()
    }

    /// The mean utilities of applications that had requests.
    pub(super) fn app_utilities(&self) -> impl Iterator<Item = f64> {
        let apps = self.totals.apps.iter().filter(|app| app.arrived > 0);
        apps.map(|app| app.utility / app.arrived as f64)
    }

    /// (Σx)² / (n Σx²) of the applications' mean utilities.
    pub(super) fn fairness(&self) -> Cell {
        let (count, sum) = (self.app_utilities().count(), self.app_utilities().sum::<f64>());
        let squares: f64 = self.app_utilities().map(|x| x * x).sum();
        (squares != 0.0).then(|| sum * sum / (count as f64 * squares)).into()
    }

    pub(super) fn energy(&self) -> Cell {
        let seconds = |ns: u128| ns as f64 / NS_PER_S as f64;
        let mut total = None;
        for (worker, totals) in self.workers() {
            let busy_s = seconds(totals.busy_ns) / f64::from(worker.lanes);
            let active_s = busy_s + seconds(totals.loading_ns);
            let idle_s = self.open(worker).as_s() - active_s;
            let sender_w = worker.link.as_ref().and_then(|link| link.power_w);
            let sending_s = seconds(totals.sending_ns);
            let spent = |power: Option<f64>, seconds: f64| power.map(|power| power * seconds);
            let active = spent(worker.power_w, active_s).or(totals.joules);
            let all = [active, spent(worker.idle_w, idle_s), spent(sender_w, sending_s)];
            for joules in all.into_iter().flatten() {
                *total.get_or_insert(0.0) += joules;
            }
        }
        total.into()
    }

    pub(super) fn correct_on_time_per_joule(&self) -> Cell {
        // Times that cancel leave rounding.
        let joules = self.energy().number().filter(|joules| *joules > 1e-9);
        joules.map(|joules| self.totals.answers.correct_on_time() as f64 / joules).into()
    }

    pub(super) fn cost(&self) -> Cell {
        let prices = self
            .workers()
            .filter_map(|(worker, totals)| Some(worker.usd_per_request? * totals.served as f64));
        prices.fold(None, |total, price| Some(total.unwrap_or(0.0) + price)).into()
    }
}

impl Observer for Summary {
    // Where the event is made its kind is known: the match costs nothing, nor do most events.
    #[expect(clippy::inline_always, reason = "half of a run's time is spent in events")]
    #[inline(always)]
    fn on(&mut self, event: Event<'_>) {
        if self.measured.is_whole() { self.count_all(event) } else { self.count_measured(event) }
    }
}

/// A [`Summary`] of a whole run as an observer that does not check whether each event counts.
#[derive(Debug)]
pub struct WholeRun<'a>(&'a mut Summary);

impl Observer for WholeRun<'_> {
    #[expect(clippy::inline_always, reason = "as `Summary::on`")]
    #[inline(always)]
    fn on(&mut self, event: Event<'_>) {
        self.0.count_all(event);
    }

    fn on_arrivals(&mut self, requests: &[Request]) {
        let totals = &mut self.0.totals;
        let (Some(first), Some(last)) = (requests.first(), requests.last()) else { return };
        totals.arrivals.0 += requests.len() as u64;
        totals.arrivals.1.get_or_insert(first.arrival);
        totals.arrivals.2 = last.arrival;
        totals.queue.arrive(requests.len() as u64);
        totals.end = last.arrival;
        match totals.apps.as_mut_slice() {
            [only] => only.arrived += requests.len() as u64,
            apps => requests.iter().for_each(|request| apps[request.app.index()].arrived += 1),
        }
    }

    #[expect(clippy::inline_always, reason = "as `Summary::on`")]
    #[inline(always)]
    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        self.0.answers(batch, answers);
        self.0.totals.queue.depart(answers.len() as u64);
        self.0.totals.end = batch.finished;
    }
}

impl Summary {
    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count_all(&mut self, event: Event<'_>) {
        self.count_whole_run(&event);
        self.count(event);
    }

    /// Counts what a warm-up does not change.
    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count_whole_run(&mut self, event: &Event<'_>) {
        if let Event::Arrived { request } = event {
            let (count, first, last) = &mut self.totals.arrivals;
            *count += 1;
            first.get_or_insert(request.arrival);
            *last = request.arrival;
        }
        self.totals.queue.on(event);
    }

    #[inline(never)]
    fn count_measured(&mut self, event: Event<'_>) {
        self.count_whole_run(&event);
        let catalog = Arc::clone(&self.catalog);
        let whole = MeasuredEvents::new(MeasurementWindow::whole());
        let mut measured = std::mem::replace(&mut self.measured, whole);
        measured.forward(&catalog, event, &mut |event| self.count(event));
        self.measured = measured;
    }

    #[expect(clippy::inline_always, reason = "as `on`")]
    #[inline(always)]
    fn count(&mut self, event: Event<'_>) {
        let totals = &mut self.totals;
        if let Some(at) = last_instant(&event) {
            totals.end = at;
        }
        match event {
            Event::Arrived { request } => totals.apps[request.app.index()].arrived += 1,
            Event::Completed(completion) => {
                let (batch, answered) = completion.parts();
                self.answers(&batch, &[answered]);
            }
            Event::BatchEnded { at, worker, started, variant, batch, .. } => {
                if !self.catalog.is_peek(variant) {
                    totals.batches += 1;
                    totals.batched += batch as u64;
                }
                let ns = at.since(started).0;
                totals.workers[worker.index()].busy_ns += u128::from(ns);
                if self.catalog.has_power() {
                    let own = self.catalog.worker(worker);
                    let power = self.catalog.power(worker, variant);
                    let before = self.catalog.host(worker, variant).before(batch).0;
                    let totals = &mut totals.workers[worker.index()];
                    totals.spend(power.busy_w, ns as f64 / f64::from(own.lanes));
                    totals.spend(power.host_w, before as f64);
                }
            }
            Event::ResponseArrived { worker, variant, host, .. } if self.catalog.has_power() => {
                let power_w = self.catalog.power(worker, variant).host_w;
                totals.workers[worker.index()].spend(power_w, host.0 as f64);
            }
            // Time of a lost batch was spent, too.
            Event::BatchLost { at, worker, started, variant, .. } => {
                let ns = at.since(started).0;
                totals.workers[worker.index()].busy_ns += u128::from(ns);
                if self.catalog.has_power() {
                    let own = self.catalog.worker(worker);
                    let power = self.catalog.power(worker, variant);
                    let totals = &mut totals.workers[worker.index()];
                    totals.spend(power.busy_w, ns as f64 / f64::from(own.lanes));
                }
            }
            Event::LoadStarted { variant, .. } => {
                totals.loads += 1;
                let bytes = self.catalog.variant(variant).bytes;
                totals.load_bytes = totals.load_bytes.saturating_add(bytes);
            }
            Event::LoadEnded { at, worker, started, variant }
            | Event::LoadLost { at, worker, started, variant, .. } => {
                let ns = u128::from(at.since(started).0);
                totals.load_ns += ns;
                let power_w = self.catalog.power(worker, variant).busy_w;
                let totals = &mut totals.workers[worker.index()];
                totals.loading_ns += ns;
                totals.spend(power_w, ns as f64);
            }
            Event::UploadQueued { worker, bytes, start, end, .. } => {
                totals.uploaded_bytes += bytes;
                totals.workers[worker.index()].sending_ns += u128::from(end.since(start).0);
            }
            Event::UploadAborted { worker, bytes, start, end, .. } => {
                let sending = &mut totals.workers[worker.index()].sending_ns;
                *sending = sending.saturating_sub(u128::from(end.since(start).0));
                totals.uploaded_bytes = totals.uploaded_bytes.saturating_sub(bytes);
            }
            Event::Rejected { .. } => totals.rejected += 1,
            Event::Unfinished { .. } => totals.unfinished += 1,
            Event::Decided { decisions, .. } => totals.decisions += decisions as u64,
            _ => {}
        }
    }
}
