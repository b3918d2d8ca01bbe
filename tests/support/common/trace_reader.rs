//! Reads a timeline in the Trace Event format back into a log, which the checkers replay. It knows
//! the format and the names of the world, and nothing of the engine.

use super::recorder::{Asked, Decided};
use super::{Happened, Log};
use peeksim::core::ids::{AppId, VariantId, WorkerId};
use peeksim::engine::Counts;
use peeksim::system::catalog::Catalog;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The log of a timeline.
pub fn read(catalog: &Arc<Catalog>, text: &str) -> Log {
    let document: Value = serde_json::from_str(text).expect("JSON");
    let mut reader = Reader::new(catalog);
    for event in document["traceEvents"].as_array().expect("events") {
        reader.event(event);
    }
    reader.log.counts = reader.counts;
    reader.log
}

struct Reader {
    log: Log,
    counts: Counts,
    apps: BTreeMap<String, u16>,
    variants: BTreeMap<String, u16>,
    workers: BTreeMap<String, u16>,
    /// Names of processes, and of threads by process.
    processes: BTreeMap<u64, String>,
    threads: BTreeMap<(u64, u64), String>,
    /// What is open on a thread: the variant, when it began, and its requests.
    open: BTreeMap<(u64, u64), (u16, u64, Vec<u32>)>,
    /// Threads whose open slice ends without a result.
    lost: BTreeSet<(u64, u64)>,
    /// Ends of batches since the last decision.
    told: usize,
}

fn ns(value: &Value) -> u64 {
    (value.as_f64().expect("microseconds") * 1e3).round() as u64
}

fn numbers(value: &Value) -> Vec<u32> {
    let list = value.as_array().expect("a list").iter();
    list.map(|number| number.as_u64().expect("a number") as u32).collect()
}

impl Reader {
    fn new(catalog: &Arc<Catalog>) -> Self {
        let app = |id: AppId| (catalog.app(id).name.clone(), id.0);
        let variant = |id: VariantId| {
            let own = catalog.variant(id);
            (format!("{}/{}", catalog.app(own.app).name, own.name), id.0)
        };
        let worker = |id: WorkerId| (catalog.worker(id).name.clone(), id.0);
        Self {
            log: Log::new(catalog),
            counts: Counts::default(),
            apps: catalog.app_ids().map(app).collect(),
            variants: catalog.variant_ids().map(variant).collect(),
            workers: catalog.worker_ids().map(worker).collect(),
            processes: BTreeMap::new(),
            threads: BTreeMap::new(),
            open: BTreeMap::new(),
            lost: BTreeSet::new(),
            told: 0,
        }
    }

    fn event(&mut self, event: &Value) {
        let text = |key: &str| event[key].as_str().unwrap_or("").to_owned();
        let (phase, name) = (text("ph"), text("name"));
        let number = |key: &str| event[key].as_u64().unwrap_or(0);
        let thread = (number("pid"), number("tid"));
        let args = &event["args"];
        if phase == "M" {
            let shown = args["name"].as_str().expect("a name").to_owned();
            match name.as_str() {
                "process_name" => drop(self.processes.insert(thread.0, shown)),
                _ => drop(self.threads.insert(thread, shown)),
            }
            return;
        }
        let at = ns(&event["ts"]);
        let worker = self.workers.get(&self.processes[&thread.0]).copied();
        let track = self.threads.get(&thread).cloned().unwrap_or_default();
        match (worker, phase.as_str()) {
            // Arrows and counters say again what events say.
            (_, "C" | "s" | "f") => {}
            (None, "b" | "n" | "e") => self.request(at, &phase, &name, number("id") as u32, args),
            (None, _) if track == "decisions" => self.decision(at, args),
            (None, _) => {}
            (Some(worker), "B") => self.begin(at, thread, (worker, &track), &name, args),
            (Some(worker), "E") => self.end(at, thread, (worker, &track)),
            (Some(_), _) if name == "lost" => drop(self.lost.insert(thread)),
            (Some(worker), _) => match name.as_str() {
                "evict" => {
                    let variant = self.variants[args["variant"].as_str().expect("a variant")];
                    self.push(Happened::Evicted { at, worker, variant });
                }
                "upload queued" => {
                    let sending = (ns(&args["start_us"]), ns(&args["end_us"]));
                    let bytes = args["bytes"].as_u64().expect("bytes");
                    self.push(Happened::Sent { at, worker, bytes, sending });
                }
                "upload aborted" => {
                    let sending = (ns(&args["start_us"]), ns(&args["end_us"]));
                    let bytes = args["unsent_bytes"].as_u64().expect("bytes");
                    self.push(Happened::SendLost { at, worker, bytes, sending });
                }
                "answers arrived" => self.push(Happened::Back { at, worker }),
                "down" => {
                    let until = at + ns(&event["dur"]);
                    self.push(Happened::WorkerFailed { at, worker, until });
                }
                // A slice of what was queued.
                "upload" => {}
                other => panic!("{other} on a worker"),
            },
        }
    }

    fn push(&mut self, event: Happened) {
        self.log.events.push(event);
    }

    fn request(&mut self, at: u64, phase: &str, name: &str, request: u32, args: &Value) {
        let event = match (phase, name) {
            ("b", app) => {
                self.counts.arrived += 1;
                let (app, deadline) = (self.apps[app], ns(&args["deadline_us"]));
                Happened::Arrived { at, request, app, deadline }
            }
            ("n", "ready") => Happened::Visible { at, request },
            ("n", "waits again") => Happened::Returned { at, request },
            ("e", _) => match args["outcome"].as_str().expect("an outcome") {
                "completed" => {
                    self.counts.completed += 1;
                    let worker = args["worker"].as_str().map_or(u16::MAX, |own| self.workers[own]);
                    Happened::Completed {
                        at,
                        request,
                        worker,
                        variant: self.variants[args["variant"].as_str().expect("a variant")],
                        started: ns(&args["start_us"]),
                        correct: args["correct"].as_bool().expect("a flag"),
                        class: args["class"].as_u64().expect("a class") as u16,
                    }
                }
                "rejected" => {
                    self.counts.rejected += 1;
                    Happened::Rejected { at, request }
                }
                _ => {
                    self.counts.unfinished += 1;
                    Happened::Unfinished { at, request }
                }
            },
            other => panic!("{other:?} of a request"),
        };
        self.push(event);
    }

    fn begin(
        &mut self,
        at: u64,
        thread: (u64, u64),
        (worker, track): (u16, &str),
        name: &str,
        args: &Value,
    ) {
        let variant = self.variants[name];
        if track == "loads" {
            self.open.insert(thread, (variant, at, Vec::new()));
            let end = ns(&args["expected_end_us"]);
            return self.push(Happened::LoadStarted { at, worker, variant, end });
        }
        let (lane, requests) = (lane(track), numbers(&args["requests"]));
        self.open.insert(thread, (variant, at, requests.clone()));
        self.push(Happened::BatchStarted { at, worker, lane, variant, requests });
    }

    fn end(&mut self, at: u64, thread: (u64, u64), (worker, track): (u16, &str)) {
        let (variant, started, requests) = self.open.remove(&thread).expect("a beginning");
        let is_lost = self.lost.remove(&thread);
        let event = match (track == "loads", is_lost) {
            (true, false) => Happened::LoadEnded { at, worker, variant },
            (true, true) => {
                let loads = self.log.events.iter().rev();
                let mut ends = loads.filter_map(|event| match event {
                    Happened::LoadStarted { worker: own, end, .. } if *own == worker => Some(*end),
                    _ => None,
                });
                let end = ends.next().expect("a load");
                Happened::LoadLost { at, worker, variant, end }
            }
            (false, false) => {
                self.told += 1;
                let (lane, batch) = (lane(track), requests.len());
                Happened::BatchEnded { at, worker, lane, variant, started, batch }
            }
            (false, true) => {
                let lane = lane(track);
                Happened::BatchLost { at, worker, lane, variant, started, requests }
            }
        };
        self.push(event);
    }

    fn decision(&mut self, at: u64, args: &Value) {
        let told = &args["told"];
        let workers = |key: &str| -> Vec<u16> {
            let names = told[key].as_array().expect("a list").iter();
            names.map(|name| self.workers[name.as_str().expect("a name")]).collect()
        };
        let decisions = args["plan"].as_array().map_or(&[][..], Vec::as_slice).iter();
        let asked = Asked {
            at,
            place: self.log.events.len(),
            arrived: numbers(&told["arrived"]),
            freed: workers("freed"),
            loaded: workers("loaded"),
            dropped: numbers(&told["dropped"]),
            woken: told["woken"].as_bool().expect("a flag"),
            told: std::mem::take(&mut self.told),
            decisions: decisions.map(|own| self.decided(own)).collect(),
        };
        self.log.asked.push(asked);
    }

    fn decided(&self, own: &Value) -> Decided {
        let worker = |key: &str| self.workers[own[key].as_str().expect("a worker")];
        let variant = |key: &str| self.variants[own[key].as_str().expect("a variant")];
        if own.get("assign").is_some() {
            let requests = numbers(&own["assign"]);
            return Decided::Assign { worker: worker("to"), variant: variant("with"), requests };
        }
        if own.get("preload").is_some() {
            return Decided::Preload { worker: worker("on"), variant: variant("preload") };
        }
        if own.get("evict").is_some() {
            return Decided::Evict { worker: worker("on"), variant: variant("evict") };
        }
        if let Some(lane) = own["preempt"].as_u64() {
            return Decided::Preempt { worker: worker("on"), lane: lane as usize };
        }
        if let Some(request) = own["reject"].as_u64() {
            return Decided::Reject { request: request as u32 };
        }
        Decided::WakeAt { at: ns(&own["wake_at_us"]) }
    }
}

fn lane(track: &str) -> usize {
    track.strip_prefix("lane ").and_then(|at| at.parse().ok()).expect("a lane")
}
