//! Follows the events of a run.

use super::clocks::{ACTIVITIES, ASSIGNED, Activity, AppClock, Assigned, Sums, WorkerClock};
use super::{LatencyBreakdown, Part};
use crate::contract::{Event, Observer};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use crate::system::link::Link;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

/// Where a request is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Not ready.
    Hidden(Time),
    /// Without a decision, with the sums of its application then.
    Undecided(Time, Sums),
    /// In a batch of a worker.
    Assigned,
    /// Computed.
    Answering(Time, WorkerId),
}

#[derive(Clone, Copy, Debug)]
struct Tracked {
    place: Place,
    breakdown: LatencyBreakdown,
}

/// Follows a run and breaks the latency of every request down.
#[derive(Debug)]
pub struct LatencyBreakdowns {
    catalog: Arc<Catalog>,
    apps: Vec<AppClock>,
    workers: Vec<WorkerClock>,
    /// When workers will be back, and the links to them and their hosts free.
    due: BinaryHeap<Reverse<(Time, usize)>>,
    /// By slot.
    requests: Vec<Tracked>,
    waiting: u64,
    batches: u64,
    spare: Vec<Vec<RequestId>>,
}

impl LatencyBreakdowns {
    /// Of a run on these workers.
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        let serves = |worker: WorkerId, app: AppId| {
            catalog.variants_of(app).any(|variant| catalog.max_batch(worker, variant) > 0)
        };
        let mut due = BinaryHeap::new();
        let workers = catalog.worker_ids().map(|id| {
            let worker = catalog.worker(id);
            let is_down = worker.ready > Time::ZERO;
            due.extend(is_down.then_some(Reverse((worker.ready, id.index()))));
            WorkerClock {
                activity: if is_down { Activity::Down } else { Activity::Idle },
                down_until: worker.ready,
                entry_until: Time::ZERO,
                is_loading: false,
                since: Time::ZERO,
                sums: [0; ACTIVITIES],
                assigned: VecDeque::new(),
                unknown: 0,
                running: (0..worker.lanes).map(|_| None).collect(),
                apps: catalog.app_ids().filter(|app| serves(id, *app)).collect(),
                before: match &worker.link {
                    Some(_) => Part::Link,
                    None if worker.host[0] => Part::Host,
                    None => Part::Overhead,
                },
            }
        });
        let workers: Vec<WorkerClock> = workers.collect();
        let app = |app: AppId| {
            let own = workers.iter().filter(|worker| worker.apps.contains(&app));
            let mut clock = AppClock {
                workers: 0,
                counts: [0; ACTIVITIES],
                since: Time::ZERO,
                sums: [0; ACTIVITIES],
            };
            for worker in own {
                clock.workers += 1;
                clock.counts[worker.activity as usize] += 1;
            }
            clock
        };
        Self {
            apps: catalog.app_ids().map(app).collect(),
            workers,
            due,
            requests: Vec::new(),
            waiting: 0,
            batches: 0,
            spare: Vec::new(),
            catalog: Arc::clone(catalog),
        }
    }

    /// The parts of a latency that ends now; to be asked before the next event.
    pub fn ended(&mut self, request: &Request, at: Time) -> LatencyBreakdown {
        self.recover(at);
        let Tracked { place, mut breakdown } = self.requests[request.id.slot()];
        match place {
            Place::Hidden(since) => breakdown.add(Part::Peek, at.since(since)),
            Place::Undecided(since, sums) => {
                let app = &mut self.apps[request.app.index()];
                app.advance(at);
                app.waited(&sums, at.since(since), &mut breakdown);
            }
            Place::Assigned => {}
            Place::Answering(since, worker) => {
                let rest = at.since(since);
                let link = self.catalog.worker(worker).link.as_ref().map(Link::one_way);
                let link = link.unwrap_or(Span::ZERO).min(rest);
                breakdown.add(Part::Link, link);
                breakdown.add(Part::Host, rest - link);
            }
        }
        breakdown
    }

    /// Follows a change of what a worker does.
    fn note(&mut self, worker: usize, at: Time) {
        let clock = &mut self.workers[worker];
        let new = clock.now_at(at);
        if new == clock.activity {
            return;
        }
        clock.advance(at);
        let old = std::mem::replace(&mut clock.activity, new);
        for app in &clock.apps {
            let app = &mut self.apps[app.index()];
            app.advance(at);
            app.counts[old as usize] -= 1;
            app.counts[new as usize] += 1;
        }
    }

    /// Changes of what workers do that time alone makes, up to an instant.
    fn recover(&mut self, at: Time) {
        while let Some(Reverse((until, worker))) = self.due.peek().copied()
            && until <= at
        {
            self.due.pop();
            self.note(worker, until);
        }
    }

    /// Adds what a batch waited for between its decision and an instant.
    fn settle(&mut self, worker: usize, batch: &Assigned, at: Time) {
        let clock = &mut self.workers[worker];
        let before = batch.not_before.min(at).since(batch.at);
        let base = batch.base.unwrap_or(clock.sums);
        let mut all = LatencyBreakdown::default();
        all.add(clock.before, before);
        for ((to, from), part) in clock.sums.iter().zip(base).zip(ASSIGNED) {
            all.add(part, Span(to.wrapping_sub(from)));
        }
        if all.parts().next().is_some() {
            for id in &batch.requests {
                let own = &mut self.requests[id.slot()].breakdown;
                all.parts().for_each(|(part, span)| own.add(part, span));
            }
        }
    }

    fn assign(&mut self, worker: WorkerId, requests: &[RequestId], at: Time, not_before: Time) {
        let mut own = self.spare.pop().unwrap_or_default();
        own.extend_from_slice(requests);
        let clock = &mut self.workers[worker.index()];
        clock.advance(at);
        let base = (not_before <= at).then_some(clock.sums);
        clock.unknown += usize::from(base.is_none());
        if clock.before == Part::Host {
            clock.entry_until = not_before;
            self.due.push(Reverse((not_before, worker.index())));
        }
        clock.assigned.push_back(Assigned { requests: own, at, not_before, base });
        self.note(worker.index(), at);
    }

    /// Ends the wait of requests of one application for a decision.
    fn decide(&mut self, app: AppId, requests: &[RequestId], at: Time) {
        let app = &mut self.apps[app.index()];
        app.advance(at);
        for id in requests {
            let Tracked { place, breakdown } = &mut self.requests[id.slot()];
            if let Place::Undecided(since, sums) = place {
                app.waited(sums, at.since(*since), breakdown);
            }
            *place = Place::Assigned;
        }
    }

    fn start(&mut self, worker: usize, lane: usize, requests: &[RequestId], at: Time) {
        let clock = &mut self.workers[worker];
        clock.advance(at);
        let is_it = |batch: &Assigned| batch.requests.first() == requests.first();
        let place = clock.assigned.iter().position(is_it);
        let Some(batch) = place.and_then(|place| clock.assigned.remove(place)) else { return };
        self.settle(worker, &batch, at);
        for id in &batch.requests {
            self.requests[id.slot()].breakdown.batch = Some((lane, self.batches));
        }
        self.batches += 1;
        self.waiting -= batch.requests.len() as u64;
        self.workers[worker].running[lane] = Some((at, batch.requests));
    }

    /// Takes a batch off its lane: when it started, and its requests.
    fn stop(&mut self, worker: usize, lane: usize, at: Time) -> (Time, Vec<RequestId>) {
        let running = self.workers[worker].running[lane].take();
        self.note(worker, at);
        running.unwrap_or_default()
    }

    fn put_back(&mut self, mut requests: Vec<RequestId>) {
        requests.clear();
        self.spare.push(requests);
    }
}

impl LatencyBreakdowns {
    fn arrive(&mut self, request: &Request) {
        let slot = request.id.slot();
        let breakdown = LatencyBreakdown { waiting: self.waiting, ..Default::default() };
        let tracked = Tracked { place: Place::Hidden(request.arrival), breakdown };
        if slot >= self.requests.len() {
            self.requests.resize(slot + 1, tracked);
        }
        self.requests[slot] = tracked;
        self.waiting += 1;
    }

    /// A request can be scheduled, for the first time or again.
    fn wait(&mut self, request: &Request, at: Time) {
        let app = &mut self.apps[request.app.index()];
        app.advance(at);
        let tracked = &mut self.requests[request.id.slot()];
        if let Place::Hidden(since) = tracked.place {
            tracked.breakdown.add(Part::Peek, at.since(since));
        }
        tracked.place = Place::Undecided(at, app.sums);
    }

    fn end(&mut self, worker: WorkerId, lane: usize, variant: VariantId, at: Time) {
        let (started, requests) = self.stop(worker.index(), lane, at);
        let all = at.since(started);
        let latency = |batch| u128::from(self.catalog.latency(worker, variant, batch).0);
        let alone = match requests.len() {
            0 | 1 => all,
            batch => {
                let [one, full] = [latency(1), latency(batch).max(1)];
                Span((u128::from(all.0) * one.min(full) / full) as u64)
            }
        };
        for id in &requests {
            let tracked = &mut self.requests[id.slot()];
            tracked.breakdown.add(Part::Service, alone);
            tracked.breakdown.add(Part::Batch, all - alone);
            tracked.place = Place::Answering(at, worker);
        }
        self.put_back(requests);
    }

    fn lose(&mut self, worker: usize, lane: usize, at: Time) {
        let (started, requests) = self.stop(worker, lane, at);
        let is_down = self.workers[worker].activity == Activity::Down;
        let part = if is_down { Part::Failure } else { Part::Preemption };
        for id in &requests {
            self.requests[id.slot()].breakdown.add(part, at.since(started));
        }
        self.waiting += requests.len() as u64;
        self.put_back(requests);
    }

    fn load(&mut self, worker: WorkerId, is_loading: bool, at: Time) {
        self.workers[worker.index()].is_loading = is_loading;
        self.note(worker.index(), at);
    }

    fn fail(&mut self, worker: usize, at: Time, until: Time) {
        self.workers[worker].advance(at);
        self.workers[worker].unknown = 0;
        for batch in std::mem::take(&mut self.workers[worker].assigned) {
            self.settle(worker, &batch, at);
        }
        self.due.push(Reverse((until, worker)));
        (self.workers[worker].down_until, self.workers[worker].entry_until) = (until, at);
        self.note(worker, at);
    }
}

impl Observer for LatencyBreakdowns {
    fn on(&mut self, event: Event<'_>) {
        if !self.due.is_empty()
            && let Some(at) = changes_at(&event)
        {
            self.recover(at);
        }
        match event {
            Event::Arrived { request } => self.arrive(request),
            Event::ReadyToSchedule { at, request } | Event::RequestRequeued { at, request } => {
                self.wait(request, at);
            }
            Event::Assigned { at, worker, variant, requests, not_before } => {
                self.decide(self.catalog.variant(variant).app, requests, at);
                self.assign(worker, requests, at, not_before);
            }
            Event::UploadQueued { at, worker, end, .. } => {
                self.workers[worker.index()].entry_until = end;
                self.due.push(Reverse((end, worker.index())));
                self.note(worker.index(), at);
            }
            Event::BatchStarted { at, worker, lane, variant, requests } => {
                let worker = worker.index();
                if self.catalog.is_peek(variant) {
                    self.workers[worker].running[lane] = Some((at, Vec::new()));
                } else {
                    self.start(worker, lane, requests, at);
                }
                self.note(worker, at);
            }
            Event::BatchEnded { at, worker, lane, variant, .. } => {
                self.end(worker, lane, variant, at);
            }
            Event::BatchLost { at, worker, lane, .. } => self.lose(worker.index(), lane, at),
            Event::LoadStarted { at, worker, .. } => self.load(worker, true, at),
            Event::LoadEnded { at, worker, .. } | Event::LoadLost { at, worker, .. } => {
                self.load(worker, false, at);
            }
            Event::WorkerFailed { at, worker, until } => self.fail(worker.index(), at, until),
            Event::Completed(completion) => {
                // An answer of the SneakPeek model was never in a batch.
                let place = self.requests[completion.request.id.slot()].place;
                if !matches!(place, Place::Answering(..)) {
                    self.waiting -= 1;
                }
            }
            Event::Rejected { .. } => self.waiting -= 1,
            _ => {}
        }
    }
}

/// The instant of an event that reads or changes what workers do.
fn changes_at(event: &Event<'_>) -> Option<Time> {
    match *event {
        Event::Arrived { request } => Some(request.arrival),
        Event::Completed(completion) => Some(completion.finished),
        Event::ReadyToSchedule { at, .. }
        | Event::RequestRequeued { at, .. }
        | Event::Assigned { at, .. }
        | Event::UploadQueued { at, .. }
        | Event::BatchStarted { at, .. }
        | Event::BatchEnded { at, .. }
        | Event::BatchLost { at, .. }
        | Event::LoadStarted { at, .. }
        | Event::LoadEnded { at, .. }
        | Event::LoadLost { at, .. }
        | Event::WorkerFailed { at, .. } => Some(at),
        _ => None,
    }
}
