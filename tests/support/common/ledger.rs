//! What happened in a run, put together from its log: requests, batches, loads and payloads, each
//! as a span of time, and which part of them counts after a warm-up.
//!
//! Shares no code with the simulator's metrics. Times in ns.

use super::draw::Case;
use super::recorder::Decided;
use super::{Happened, Log};
use std::collections::BTreeMap;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// Worker `u16::MAX` if the SneakPeek model answered.
    Completed {
        worker: u16,
        variant: u16,
        started: u64,
        correct: bool,
        class: u16,
        shown: f64,
    },
    Rejected,
    Unfinished,
}

#[derive(Clone, Debug)]
pub struct Request {
    pub app: usize,
    pub arrival: u64,
    pub deadline: u64,
    /// When and how it ended.
    pub end: Option<(u64, End)>,
    /// By how much it was answered late.
    pub late: u64,
    /// When it was assigned for the last time.
    pub decided: Option<u64>,
    /// From when to when it waited to be started; it waits again if its batch is lost.
    pub waits: Vec<(u64, Option<u64>)>,
}

impl Request {
    pub fn finish(&self) -> u64 {
        self.end.expect("an end").0
    }

    /// If it was answered: correctly or not.
    pub fn answer(&self) -> Option<bool> {
        match self.end {
            Some((_, End::Completed { correct, .. })) => Some(correct),
            _ => None,
        }
    }

    pub fn is_late(&self) -> bool {
        self.answer().is_some() && self.late > 0
    }
}

#[derive(Clone, Debug)]
pub struct Batch {
    pub worker: u16,
    pub variant: u16,
    pub size: usize,
    pub span: (u64, u64),
    pub lost: bool,
    /// The place of its end in the log.
    pub place: usize,
}

#[derive(Clone, Debug)]
pub struct Load {
    pub worker: u16,
    pub variant: u16,
    pub span: (u64, u64),
    /// The place of its beginning in the log.
    pub place: usize,
    /// Whether the variant had left this worker less than a second before.
    pub again: bool,
}

#[derive(Clone, Debug)]
struct Payload {
    worker: u16,
    bytes: u64,
    span: (u64, u64),
    /// When its worker failed before all of it had been sent.
    cut: Option<u64>,
    place: usize,
}

/// A run, and where the part of it that counts begins.
pub struct Ledger<'a> {
    pub case: &'a Case,
    /// Arrivals that do not count.
    pub skip: usize,
    /// When the measured part begins, and at which place of the log.
    pub from: u64,
    pub place: usize,
    /// When the run ends.
    pub end: u64,
    /// By number.
    pub requests: Vec<Request>,
    pub batches: Vec<Batch>,
    pub loads: Vec<Load>,
    payloads: Vec<Payload>,
    pub decisions: usize,
    /// Instants at which something happened that a time series has.
    pub touched: Vec<u64>,
}

impl<'a> Ledger<'a> {
    pub fn new(case: &'a Case, log: &Log, skip: usize) -> Self {
        let first = |event: &Happened| match event {
            Happened::Arrived { request, .. } => *request as usize == skip,
            _ => false,
        };
        let place = log.events.iter().position(first).unwrap_or(log.events.len());
        let (from, place) = match skip {
            0 => (0, 0),
            _ => (log.events.get(place).map_or(0, Happened::at), place),
        };
        let counted = log.asked.iter().filter(|ask| ask.place > place || skip == 0);
        let mut ledger = Self {
            case,
            skip,
            from,
            place,
            end: 0,
            requests: Vec::new(),
            batches: Vec::new(),
            loads: Vec::new(),
            payloads: Vec::new(),
            decisions: counted.map(|ask| ask.decisions.len()).sum(),
            touched: Vec::new(),
        };
        ledger.read(log);
        ledger.assigned(log);
        ledger
    }

    /// The requests that count.
    pub fn counted(&self) -> impl Iterator<Item = &Request> {
        self.requests.iter().skip(self.skip)
    }

    /// How much of a span counts.
    pub fn overlap(&self, (start, end): (u64, u64)) -> u64 {
        end.saturating_sub(start.max(self.from))
    }

    /// Batches that ended where that counts, peeks included.
    pub fn ended(&self) -> impl Iterator<Item = &Batch> {
        self.batches.iter().filter(|batch| !batch.lost && batch.place >= self.place)
    }

    /// Loads that began where that counts.
    pub fn begun(&self) -> impl Iterator<Item = &Load> {
        self.loads.iter().filter(|load| load.place >= self.place)
    }

    /// Lane time that a worker computed, and time that it loaded.
    pub fn busy(&self, worker: usize) -> (u64, u64) {
        let own = |at: &u16| usize::from(*at) == worker;
        let batches = self.batches.iter().filter(|batch| own(&batch.worker));
        let loads = self.loads.iter().filter(|load| own(&load.worker));
        (
            batches.map(|batch| self.overlap(batch.span)).sum(),
            loads.map(|load| self.overlap(load.span)).sum(),
        )
    }

    /// How long a worker could have worked.
    pub fn open(&self, worker: usize) -> u64 {
        self.end.saturating_sub(self.case.facts.workers[worker].ready.max(self.from))
    }

    /// The time a worker's link sent, and the bytes.
    pub fn sent(&self, worker: usize) -> (u64, u64) {
        let Some(link) = self.case.facts.workers[worker].link else { return (0, 0) };
        let (mut time, mut bytes) = (0, 0);
        for payload in self.payloads.iter().filter(|p| usize::from(p.worker) == worker) {
            let (start, end) = payload.span;
            // Whole bytes that have left before an instant.
            let before = |at: u64| match link.bps {
                _ if at >= end => payload.bytes,
                Some(bps) if at > start => {
                    let bits = u128::from(at - start) * u128::from(bps) / 1_000_000_000;
                    payload.bytes.min((bits / 8) as u64)
                }
                _ => 0,
            };
            let until = payload.cut.unwrap_or(end);
            let early = if payload.place < self.place { before(self.from) } else { 0 };
            time += self.overlap((start, until.max(start)));
            bytes += before(until).saturating_sub(early);
        }
        (time, bytes)
    }

    fn read(&mut self, log: &Log) {
        let mut running: BTreeMap<(u16, usize), (u64, u16, Vec<u32>)> = BTreeMap::new();
        let mut loading: BTreeMap<u16, usize> = BTreeMap::new();
        let mut left: BTreeMap<(u16, u16), u64> = BTreeMap::new();
        for (place, event) in log.events.iter().enumerate() {
            self.count(place, event);
            match event {
                Happened::Arrived { at, request, app, deadline } => {
                    assert_eq!(self.requests.len(), *request as usize);
                    let (app, arrival, deadline) = (usize::from(*app), *at, *deadline);
                    let waits = vec![(arrival, None)];
                    let (end, late, decided) = (None, 0, None);
                    let request = Request { app, arrival, deadline, end, late, decided, waits };
                    self.requests.push(request);
                }
                Happened::BatchStarted { at, worker, lane, variant, requests } => {
                    running.insert((*worker, *lane), (*at, *variant, requests.clone()));
                    if !self.is_look(*variant) {
                        requests.iter().for_each(|id| self.stop_waiting(*id, *at));
                    }
                }
                Happened::BatchEnded { at, worker, lane, .. }
                | Happened::BatchLost { at, worker, lane, .. } => {
                    let (started, variant, requests) =
                        running.remove(&(*worker, *lane)).expect("a start");
                    let lost = matches!(event, Happened::BatchLost { .. });
                    let (worker, size, span) = (*worker, requests.len(), (started, *at));
                    self.batches.push(Batch { worker, variant, size, span, lost, place });
                    if lost && !self.is_look(variant) {
                        let waits = |id: u32| self.requests[id as usize].waits.push((*at, None));
                        requests.into_iter().for_each(waits);
                    }
                }
                Happened::LoadStarted { at, worker, variant, .. } => {
                    let (worker, variant) = (*worker, *variant);
                    let again =
                        left.get(&(worker, variant)).is_some_and(|t| at - t < 1_000_000_000);
                    loading.insert(worker, self.loads.len());
                    self.loads.push(Load { worker, variant, span: (*at, *at), place, again });
                }
                Happened::LoadEnded { at, worker, .. } | Happened::LoadLost { at, worker, .. } => {
                    let load = loading.remove(worker).expect("a load that began");
                    self.loads[load].span.1 = *at;
                }
                Happened::Evicted { at, worker, variant } => {
                    left.insert((*worker, *variant), *at);
                }
                Happened::Sent { worker, bytes, sending, .. } => {
                    let (worker, bytes, span) = (*worker, *bytes, *sending);
                    self.payloads.push(Payload { worker, bytes, span, cut: None, place });
                }
                Happened::WorkerFailed { at, worker, .. } => {
                    let unsent = |p: &&mut Payload| p.worker == *worker && p.span.1 > *at;
                    let mine = self.payloads.iter_mut().filter(|p| p.cut.is_none()).filter(unsent);
                    mine.for_each(|payload| payload.cut = Some(*at));
                }
                Happened::Completed { at, request, .. }
                | Happened::Rejected { at, request }
                | Happened::Unfinished { at, request } => self.over(*request, *at, event, log),
                _ => {}
            }
        }
    }

    /// Notes how a request ended.
    fn over(&mut self, request: u32, at: u64, event: &Happened, log: &Log) {
        self.stop_waiting(request, at);
        let end = match event {
            Happened::Completed { worker, variant, started, correct, class, .. } => {
                End::Completed {
                    worker: *worker,
                    variant: *variant,
                    started: *started,
                    correct: *correct,
                    class: *class,
                    shown: log.shown[&request],
                }
            }
            Happened::Rejected { .. } => End::Rejected,
            _ => End::Unfinished,
        };
        let request = &mut self.requests[request as usize];
        assert!(request.end.is_none(), "ended twice");
        request.end = Some((at, end));
        let (latency, budget) = (at - request.arrival, request.deadline - request.arrival);
        request.late = self.case.facts.late.late_ns(latency, budget);
    }

    /// Notes when requests were assigned.
    fn assigned(&mut self, log: &Log) {
        for ask in &log.asked {
            for decision in &ask.decisions {
                let Decided::Assign { requests, .. } = decision else { continue };
                requests.iter().for_each(|id| self.requests[*id as usize].decided = Some(ask.at));
            }
        }
    }

    fn stop_waiting(&mut self, request: u32, at: u64) {
        let last = self.requests[request as usize].waits.last_mut().expect("a wait");
        last.1.get_or_insert(at);
    }

    pub fn is_look(&self, variant: u16) -> bool {
        usize::from(variant) >= self.case.facts.variants.len()
    }

    /// When the run ends, and at which instants a time series has something to say.
    fn count(&mut self, place: usize, event: &Happened) {
        let own = match event {
            Happened::Arrived { request, .. }
            | Happened::Completed { request, .. }
            | Happened::Rejected { request, .. }
            | Happened::Unfinished { request, .. } => *request as usize >= self.skip,
            _ => place >= self.place,
        };
        if !own {
            return;
        }
        let work = match event {
            Happened::BatchStarted { variant, .. } | Happened::BatchLost { variant, .. } => {
                !self.is_look(*variant)
            }
            _ => true,
        };
        let ends = matches!(
            event,
            Happened::Arrived { .. }
                | Happened::Completed { .. }
                | Happened::BatchEnded { .. }
                | Happened::BatchLost { .. }
                | Happened::LoadEnded { .. }
                | Happened::LoadLost { .. }
                | Happened::Back { .. }
        );
        let touches = matches!(
            event,
            Happened::Arrived { .. }
                | Happened::Completed { .. }
                | Happened::Rejected { .. }
                | Happened::Unfinished { .. }
                | Happened::BatchStarted { .. }
                | Happened::BatchLost { .. }
                | Happened::LoadStarted { .. }
        );
        if ends {
            self.end = event.at();
        }
        if touches && work {
            self.touched.push(event.at());
        }
    }

    /// The application of a variant, its name and its bytes; the SneakPeek models come last.
    pub fn variant(&self, id: usize) -> (usize, String, u64) {
        let setup = &self.case.world.setup;
        if let Some(variant) = self.case.facts.variants.get(id) {
            let app = usize::from(variant.app);
            return (
                app,
                setup.apps[app].profile.variants[self.offset(id)].name.clone(),
                variant.bytes,
            );
        }
        (self.peeks()[id - self.case.facts.variants.len()], "peek".to_owned(), 0)
    }

    /// The place of a variant among those of its application.
    pub fn offset(&self, id: usize) -> usize {
        let variants = &self.case.facts.variants;
        id - variants.iter().position(|v| v.app == variants[id].app).expect("a variant")
    }

    /// Applications whose SneakPeek model stands in the catalog.
    fn peeks(&self) -> Vec<usize> {
        use peeksim::classifier::model::{ClassifierHost, ShortCircuit};
        let stands = |app: &usize| {
            let peek = &self.case.world.setup.apps[*app].peek;
            peek.runs_on == ClassifierHost::Worker || peek.short_circuit != ShortCircuit::Never
        };
        (0..self.case.world.setup.apps.len()).filter(stands).collect()
    }

    /// How many variants the catalog has.
    pub fn variants(&self) -> usize {
        self.case.facts.variants.len() + self.peeks().len()
    }

    /// What an answer is worth at most: 1 − penalty.
    pub fn worth(&self, request: &Request) -> f64 {
        let budget = request.deadline - request.arrival;
        1.0 - self.case.facts.late.gamma(request.finish() - request.arrival, budget)
    }

    /// What a request was worth by the time that was left when it was assigned.
    pub fn utility_remaining(&self, request: &Request) -> f64 {
        if request.answer() != Some(true) {
            return 0.0;
        }
        let decided = request.decided.unwrap_or(request.finish());
        1.0 - self.case.facts.late.lost(request.late, request.deadline.saturating_sub(decided))
    }

    /// What a request was worth.
    pub fn utility(&self, request: &Request) -> f64 {
        if request.answer() == Some(true) { self.worth(request) } else { 0.0 }
    }
}

/// A percentile by linear interpolation between order statistics, the customary type 7.
pub fn percentile(mut values: Vec<f64>, p: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let place = p * (values.len().checked_sub(1)? as f64);
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(values.len() - 1);
    Some(values[low] + part * (values[high] - values[low]))
}

/// A mean; nothing of nothing.
pub fn over(value: f64, of: usize) -> Option<f64> {
    (of > 0).then(|| value / of as f64)
}
