//! The timeline of a run in the Trace Event format, which Perfetto and `chrome://tracing` open.
//!
//! Events stand in the order in which they happened, so that a reader can follow the run through
//! the file. Times are microseconds with three decimals: nanoseconds, exactly.
//!
//! - The process `scheduler` has the tracks `decisions`, each with its plan, and `classifier` with
//!   peeks on the host, a track for every request from its arrival to its answer, and the counter
//!   of requests without a decision.
//! - A worker is a process. Its tracks are its lanes with batches, `loads`, `link` with uploads and
//!   `failures`; its counters are the bytes in memory, and the requests that are assigned to it
//!   and not started.
//!
//! An arrow leads from the decision about a request to its batch.

use crate::contract::{Decision, Event, Observer, Plan, Trigger, View};
use crate::core::ids::{Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// The process of the scheduler; workers follow.
const SCHEDULER: usize = 1;
const DECISIONS: usize = 1;
const CLASSIFIER: usize = 2;
const REQUESTS: usize = 3;
/// Tracks of a worker after its lanes.
const LOADS: usize = 1;
const LINK: usize = 2;
const FAILURES: usize = 3;
/// A decision that takes no time is drawn this long: arrows begin at something.
const LEAST: Span = Span(1);

/// Something on its way to a worker.
#[derive(Clone, Copy, Debug)]
struct Upload {
    worker: WorkerId,
    bytes: u64,
    start: Time,
    end: Time,
}

/// Writes the timeline of a run.
pub struct TraceEvents<W: Write> {
    catalog: Arc<Catalog>,
    out: W,
    error: Option<io::Error>,
    is_first: bool,
    now: Time,
    /// Requests without a decision.
    waiting: u64,
    /// By worker: bytes in memory, and requests that are assigned and not started.
    memory: Vec<u64>,
    assigned: Vec<u64>,
    /// Uploads that have not ended.
    uploads: Vec<Upload>,
    /// Slices that are open, by process and track: their names and arguments.
    open: BTreeMap<(usize, usize), (String, Value)>,
    batches: u64,
}

impl<W: Write> TraceEvents<W> {
    /// A timeline of a run on these workers.
    pub fn new(catalog: &Arc<Catalog>, out: W) -> Self {
        let bytes = |worker: WorkerId| {
            let mut weights = Vec::new();
            let mut sum = 0;
            for variant in &catalog.worker(worker).resident {
                if !weights.contains(&catalog.weights(*variant)) {
                    weights.push(catalog.weights(*variant));
                    sum += catalog.variant(*variant).bytes;
                }
            }
            sum
        };
        let mut own = Self {
            memory: catalog.worker_ids().map(bytes).collect(),
            assigned: vec![0; catalog.worker_ids().len()],
            catalog: Arc::clone(catalog),
            out,
            error: None,
            is_first: true,
            now: Time::ZERO,
            waiting: 0,
            uploads: Vec::new(),
            open: BTreeMap::new(),
            batches: 0,
        };
        own.text("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
        own.name_tracks();
        own
    }

    /// Writes the end and gives the sink back.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.uploaded(Time::MAX);
        self.text("\n]}\n");
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    /// Adds a decision: what the scheduler was told, and its plan.
    pub fn decided(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &Plan) {
        self.pass(view.now());
        let numbers = |ids: &[RequestId]| ids.iter().map(|id| id.number()).collect::<Vec<_>>();
        let workers = |ids: &[WorkerId]| ids.iter().map(|id| self.worker(*id)).collect::<Vec<_>>();
        let told = json!({
            "arrived": numbers(trigger.arrived),
            "freed": workers(trigger.freed),
            "loaded": workers(trigger.loaded),
            "dropped": trigger.dropped.iter().map(|r| r.id.number()).collect::<Vec<_>>(),
            "woken": trigger.woken,
        });
        let planned: Vec<Value> =
            plan.decisions().iter().map(|decision| self.decision(plan, decision)).collect();
        if planned.is_empty() {
            let args = json!({ "told": told });
            self.instant(SCHEDULER, DECISIONS, "no decision", &args);
            return;
        }
        let overhead = self.catalog.overhead.of(plan.requests().len()).max(LEAST);
        let args = json!({ "told": told, "plan": planned });
        self.slice(SCHEDULER, DECISIONS, "decide", (view.now(), overhead), &args);
        for decision in plan.decisions() {
            // The SneakPeek model answers without a batch.
            if let Decision::Assign { variant, requests, .. } = decision
                && self.catalog.is_peek(*variant)
            {
                self.waiting -= requests.len() as u64;
                self.count_waiting();
            }
        }
        for id in plan.requests() {
            let flow = json!({ "ph": "s", "cat": "request", "name": "assigned" });
            self.flow(flow, *id, (SCHEDULER, DECISIONS));
        }
    }

    fn decision(&self, plan: &Plan, decision: &Decision) -> Value {
        match *decision {
            Decision::Assign { worker, variant, ref requests } => {
                let requests = &plan.requests()[requests.clone()];
                let requests: Vec<u32> = requests.iter().map(|id| id.number()).collect();
                let (worker, variant) = (self.worker(worker), self.variant(variant));
                json!({ "assign": requests, "to": worker, "with": variant })
            }
            Decision::Preload { worker, variant } => {
                json!({ "preload": self.variant(variant), "on": self.worker(worker) })
            }
            Decision::Evict { worker, variant } => {
                json!({ "evict": self.variant(variant), "on": self.worker(worker) })
            }
            Decision::Preempt { worker, lane } => {
                json!({ "preempt": lane, "on": self.worker(worker) })
            }
            Decision::Reject { request, reason } => {
                json!({ "reject": request.number(), "reason": reason.name() })
            }
            Decision::WakeAt(time) => json!({ "wake_at_us": micros(time) }),
            Decision::Abort(ref why) => json!({ "abort": why }),
        }
    }

    fn worker(&self, worker: WorkerId) -> &str {
        &self.catalog.worker(worker).name
    }

    /// Application and variant.
    fn variant(&self, variant: VariantId) -> String {
        let own = self.catalog.variant(variant);
        format!("{}/{}", self.catalog.app(own.app).name, own.name)
    }

    fn lanes(&self, worker: WorkerId) -> usize {
        usize::from(self.catalog.worker(worker).lanes)
    }

    fn name_tracks(&mut self) {
        let mut names = vec![
            (SCHEDULER, None, "scheduler".to_owned()),
            (SCHEDULER, Some(DECISIONS), "decisions".to_owned()),
            (SCHEDULER, Some(CLASSIFIER), "classifier".to_owned()),
            (SCHEDULER, Some(REQUESTS), "requests".to_owned()),
        ];
        for id in self.catalog.worker_ids() {
            let (worker, process) = (self.catalog.worker(id), process(id));
            let lanes = self.lanes(id);
            names.push((process, None, worker.name.clone()));
            names.extend((0..lanes).map(|at| (process, Some(at + 1), format!("lane {at}"))));
            names.push((process, Some(lanes + LOADS), "loads".to_owned()));
            if worker.link.is_some() {
                names.push((process, Some(lanes + LINK), "link".to_owned()));
            }
            names.push((process, Some(lanes + FAILURES), "failures".to_owned()));
        }
        for (process, track, name) in names {
            let kind = if track.is_some() { "thread_name" } else { "process_name" };
            let args = json!({ "name": name });
            let mut event = json!({ "ph": "M", "pid": process, "name": kind, "args": args });
            if let Some(track) = track {
                event["tid"] = json!(track);
            }
            self.write(&event);
        }
        for id in self.catalog.worker_ids() {
            self.count_memory(id);
        }
    }

    fn text(&mut self, text: &str) {
        if self.error.is_none() {
            self.error = self.out.write_all(text.as_bytes()).err();
        }
    }

    fn write(&mut self, event: &Value) {
        let separator = if std::mem::take(&mut self.is_first) { "" } else { ",\n" };
        self.text(&format!("{separator}{event}"));
    }

    /// Writes an event of this instant.
    fn event(&mut self, process: usize, track: usize, mut event: Value) {
        event["pid"] = json!(process);
        event["tid"] = json!(track);
        event["ts"] = json!(micros(self.now));
        self.write(&event);
    }

    fn instant(&mut self, process: usize, track: usize, name: &str, args: &Value) {
        self.event(process, track, json!({ "ph": "i", "s": "t", "name": name, "args": args }));
    }

    fn slice(
        &mut self,
        process: usize,
        track: usize,
        name: &str,
        (start, span): (Time, Span),
        args: &Value,
    ) {
        let (ts, dur) = (micros(start), micros(Time(span.0)));
        self.write(&json!({
            "ph": "X", "pid": process, "tid": track, "ts": ts, "dur": dur, "name": name,
            "args": args,
        }));
    }

    fn flow(&mut self, mut flow: Value, id: RequestId, (process, track): (usize, usize)) {
        flow["id"] = json!(id.number());
        self.event(process, track, flow);
    }

    /// An event of the track of a request.
    fn request(&mut self, phase: &str, id: RequestId, name: &str, args: &Value) {
        let id = id.number();
        let event = json!({ "ph": phase, "cat": "request", "id": id, "name": name, "args": args });
        self.event(SCHEDULER, REQUESTS, event);
    }

    fn end(&mut self, request: &Request, args: &Value) {
        let catalog = Arc::clone(&self.catalog);
        self.request("e", request.id, &catalog.app(request.app).name, args);
    }

    fn count(&mut self, process: usize, name: &str, value: u64) {
        self.event(process, 0, json!({ "ph": "C", "name": name, "args": { "value": value } }));
    }

    fn count_waiting(&mut self) {
        self.count(SCHEDULER, "requests without a decision", self.waiting);
    }

    fn count_memory(&mut self, worker: WorkerId) {
        self.count(process(worker), "memory (bytes)", self.memory[worker.index()]);
    }

    fn count_assigned(&mut self, worker: WorkerId) {
        self.count(process(worker), "assigned, not started", self.assigned[worker.index()]);
    }

    fn pass(&mut self, at: Time) {
        if at > self.now {
            self.uploaded(at);
            self.now = at;
        }
    }

    /// Writes the uploads that ended by an instant.
    fn uploaded(&mut self, by: Time) {
        let (ended, open): (Vec<_>, Vec<_>) =
            self.uploads.drain(..).partition(|upload| upload.end <= by);
        self.uploads = open;
        for upload in ended {
            self.upload(upload);
        }
    }

    fn upload(&mut self, Upload { worker, bytes, start, end }: Upload) {
        let track = self.lanes(worker) + LINK;
        let span = (start, end.since(start));
        self.slice(process(worker), track, "upload", span, &json!({ "bytes": bytes }));
    }

    fn abort(&mut self, worker: WorkerId, (start, end): (Time, Time), bytes: u64) {
        let is_it = |upload: &Upload| upload.worker == worker && upload.end == end;
        if let Some(place) = self.uploads.iter().position(is_it) {
            let upload = self.uploads.remove(place);
            if upload.start < self.now {
                self.upload(Upload { end: self.now, bytes: upload.bytes - bytes, ..upload });
            }
        }
        let args =
            json!({ "unsent_bytes": bytes, "start_us": micros(start), "end_us": micros(end) });
        self.instant(process(worker), self.lanes(worker) + LINK, "upload aborted", &args);
    }

    fn start(&mut self, worker: WorkerId, lane: usize, variant: VariantId, ids: &[RequestId]) {
        let requests: Vec<u32> = ids.iter().map(|id| id.number()).collect();
        let (name, own) = (self.variant(variant), process(worker));
        let is_peek = self.catalog.is_peek(variant);
        let mut args = json!({ "requests": requests, "size": ids.len() });
        if !is_peek {
            let expected = self.now + self.catalog.latency(worker, variant, ids.len());
            args["batch"] = json!(self.batches);
            args["expected_end_us"] = json!(micros(expected));
            self.batches += 1;
        }
        self.begin((own, lane + 1), name, args);
        if is_peek {
            return;
        }
        for id in ids {
            let flow = json!({ "ph": "f", "bp": "e", "cat": "request", "name": "assigned" });
            self.flow(flow, *id, (own, lane + 1));
        }
        self.assigned[worker.index()] -= ids.len() as u64;
        self.count_assigned(worker);
    }

    /// Begins a slice of a track.
    fn begin(&mut self, (process, track): (usize, usize), name: String, args: Value) {
        self.event(process, track, json!({ "ph": "B", "name": &name, "args": &args }));
        self.open.insert((process, track), (name, args));
    }

    /// Ends the slice of a track that is open, with the same name and arguments: some readers find
    /// its beginning by them.
    fn close(&mut self, worker: WorkerId, track: usize, is_lost: bool) {
        let process = process(worker);
        let Some((name, args)) = self.open.remove(&(process, track)) else { return };
        if is_lost {
            self.instant(process, track, "lost", &json!({}));
        }
        self.event(process, track, json!({ "ph": "E", "name": name, "args": args }));
    }
}

fn process(worker: WorkerId) -> usize {
    SCHEDULER + 1 + worker.index()
}

/// Microseconds.
fn micros(time: Time) -> f64 {
    time.0 as f64 / 1e3
}

impl<W: Write> Observer for TraceEvents<W> {
    #[expect(clippy::too_many_lines, reason = "an arm for every kind of event")]
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => {
                self.pass(request.arrival);
                let catalog = Arc::clone(&self.catalog);
                let args = json!({ "deadline_us": micros(request.deadline) });
                self.request("b", request.id, &catalog.app(request.app).name, &args);
            }
            Event::ReadyToSchedule { at, request } => {
                self.pass(at);
                self.request("n", request.id, "ready", &json!({}));
                self.waiting += 1;
                self.count_waiting();
            }
            Event::RequestRequeued { at, request } => {
                self.pass(at);
                self.request("n", request.id, "waits again", &json!({}));
                self.waiting += 1;
                self.count_waiting();
            }
            Event::PeekStarted { at, end, requests } => {
                self.pass(at);
                let requests: Vec<u32> = requests.iter().map(|id| id.number()).collect();
                let args = json!({ "requests": requests });
                self.slice(SCHEDULER, CLASSIFIER, "peek", (at, end.since(at)), &args);
            }
            Event::Assigned { at, worker, requests, .. } => {
                self.pass(at);
                self.waiting -= requests.len() as u64;
                self.assigned[worker.index()] += requests.len() as u64;
                self.count_waiting();
                self.count_assigned(worker);
            }
            Event::LoadStarted { at, worker, variant, end } => {
                self.pass(at);
                let bytes = self.catalog.variant(variant).bytes;
                let args = json!({ "bytes": bytes, "expected_end_us": micros(end) });
                let (name, track) = (self.variant(variant), self.lanes(worker) + LOADS);
                self.begin((process(worker), track), name, args);
                self.memory[worker.index()] += bytes;
                self.count_memory(worker);
            }
            Event::LoadEnded { at, worker, .. } => {
                self.pass(at);
                self.close(worker, self.lanes(worker) + LOADS, false);
            }
            Event::LoadLost { at, worker, .. } => {
                self.pass(at);
                self.close(worker, self.lanes(worker) + LOADS, true);
            }
            Event::Evicted { at, worker, variant } => {
                self.pass(at);
                let args = json!({ "variant": self.variant(variant) });
                self.instant(process(worker), self.lanes(worker) + LOADS, "evict", &args);
                self.memory[worker.index()] -= self.catalog.variant(variant).bytes;
                self.count_memory(worker);
            }
            Event::UploadQueued { at, worker, bytes, start, end } => {
                self.pass(at);
                self.uploads.push(Upload { worker, bytes, start, end });
                let args = json!({
                    "bytes": bytes, "start_us": micros(start), "end_us": micros(end),
                });
                self.instant(process(worker), self.lanes(worker) + LINK, "upload queued", &args);
            }
            Event::UploadAborted { at, worker, bytes, start, end } => {
                self.pass(at);
                self.abort(worker, (start, end), bytes);
            }
            Event::ResponseArrived { at, worker, variant, .. } => {
                self.pass(at);
                let args = json!({ "variant": self.variant(variant) });
                self.instant(process(worker), self.lanes(worker) + LINK, "answers arrived", &args);
            }
            Event::BatchStarted { at, worker, lane, variant, requests } => {
                self.pass(at);
                self.start(worker, lane, variant, requests);
            }
            Event::BatchEnded { at, worker, lane, .. } => {
                self.pass(at);
                self.close(worker, lane + 1, false);
            }
            Event::BatchLost { at, worker, lane, .. } => {
                self.pass(at);
                self.close(worker, lane + 1, true);
            }
            Event::WorkerFailed { at, worker, until } => {
                self.pass(at);
                let track = self.lanes(worker) + FAILURES;
                let span = (at, until.since(at));
                self.slice(process(worker), track, "down", span, &json!({}));
                self.assigned[worker.index()] = 0;
                self.count_assigned(worker);
            }
            Event::Completed(completion) => {
                self.pass(completion.finished);
                let request = completion.request;
                let late = self.catalog.penalty.tardiness(completion.finished, request.deadline);
                let args = json!({
                    "outcome": "completed", "correct": completion.correct,
                    "late": late > Span::ZERO, "variant": self.variant(completion.variant),
                    "worker": completion.worker.map(|worker| self.worker(worker)),
                    "class": completion.truth.class, "start_us": micros(completion.started),
                });
                self.end(request, &args);
            }
            Event::Rejected { at, request, reason } => {
                self.pass(at);
                let args = json!({ "outcome": "rejected", "reason": reason.name() });
                self.end(request, &args);
                self.waiting -= 1;
                self.count_waiting();
            }
            Event::Unfinished { at, request } => {
                self.pass(at);
                self.end(request, &json!({ "outcome": "unfinished" }));
            }
            Event::Decided { .. } => {}
        }
    }
}
