//! Scenarios as text: a small world, a scheduler or a script of decisions, and the timeline that
//! somebody worked out by hand.
//!
//! ```text
//! variant a small 1:5,2:6 load=2 bytes=1 recall=0.7   application, name, latencies in ms
//! variant a exit 1:3 shares=small                     with the weights of another variant
//! worker lanes=1 memory=2 ready=0 resident=small,big  one line per worker
//! overhead 2 0.5                                      what a plan takes, and each of its requests
//! peek a 1:2                                          the host peeks at requests of `a` first
//! peek a 1:2 memory=1                                 workers do, with this in their memory
//! request a 0 100                                     application, arrival, budget in ms
//! scheduler { name = "edf" }                          or a script:
//! at 5 assign 0 small 0 1                             worker 0, variant, requests
//! drop_late                                           late requests are dropped
//! as_measured                                         tables that fall stay so
//! at 5 preload 0 small | evict 0 small | reject 1 | wake 9
//! last assign 0 small 0                               when nothing else will happen
//! show asks                                           also list what the scheduler was asked
//! ```

use super::recorder::Asked;
use super::{Happened, Log, V, World};
use peeksim::classifier::model::{ClassifierHost, ClassifierKind, VoteModel};
use peeksim::config::{ConfigNode, Location, Problems};
use peeksim::contract::{AccuracySource, Plan, RejectReason, Scheduler, Trigger, View};
use peeksim::core::ids::{RequestId, VariantId, WorkerId};
use peeksim::core::units::{Span, Time};
use peeksim::system::catalog::{Resident, ResidentVariant};
use peeksim::system::latency::{LatencyFit, LatencyPoints};
use peeksim::system::penalty::Penalty;
use peeksim::workload::Listed;
use std::sync::Arc;

/// Runs a scenario and compares its timeline, line by line.
pub fn check(scenario: &str, expect: &str) {
    let timeline = Scenario::read(scenario).run();
    let expected: Vec<&str> = lines(expect).collect();
    assert!(
        timeline == expected,
        "expected:\n  {}\nhappened:\n  {}",
        expected.join("\n  "),
        timeline.join("\n  ")
    );
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty())
}

fn parse<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("not a number: {text}"))
}

fn points(text: &str) -> Vec<(u64, f64)> {
    let pair = |text: &str| {
        let (batch, ms) = text.split_once(':').expect("batch:ms");
        (parse(batch), parse(ms))
    };
    text.split(',').map(pair).collect()
}

/// The value of `key=value` among the words.
fn option(words: &[&str], key: &str) -> Option<f64> {
    words.iter().find_map(|w| w.strip_prefix(key)?.strip_prefix('=').map(parse))
}

#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line of its own")]
struct Scenario {
    /// (application, its variants: name, bytes, points, load, recall).
    apps: Vec<(String, Vec<Variant>)>,
    /// Which variants share the weights of which others.
    shares: Vec<(String, String)>,
    workers: Vec<(u16, u64, f64, Vec<String>)>,
    peeks: Vec<Look>,
    requests: Vec<(String, f64, f64)>,
    scheduler: Option<String>,
    penalty: Option<String>,
    overhead: (f64, f64),
    preemption: bool,
    drop_late: bool,
    as_measured: bool,
    script: Vec<Step>,
    asks: bool,
}

/// Application, latencies, memory if workers peek.
type Look = (String, Vec<(u64, f64)>, Option<f64>);

type Variant = (String, u64, Vec<(u64, f64)>, f64, f64);

impl Scenario {
    fn read(text: &str) -> Self {
        let mut scenario = Self::default();
        for line in lines(text) {
            let words: Vec<&str> = line.split_whitespace().collect();
            scenario.line(line, &words);
        }
        scenario
    }

    fn line(&mut self, line: &str, words: &[&str]) {
        let rest = |word: &str| line[word.len()..].trim().to_owned();
        match words[0] {
            "variant" => {
                if self.apps.last().is_none_or(|(app, _)| app != words[1]) {
                    self.apps.push((words[1].to_owned(), Vec::new()));
                }
                let own = &self.apps.last().expect("an application").1;
                let named = words.iter().find_map(|word| word.strip_prefix("shares="));
                let named =
                    named.map(|named| own.iter().find(|v| v.0 == named).expect("a variant"));
                let bytes = option(words, "bytes").unwrap_or(1.0) as u64;
                let load = option(words, "load").unwrap_or(0.0);
                let (bytes, load) = named.map_or((bytes, load), |named| (named.1, named.3));
                self.shares.extend(named.map(|named| (words[2].to_owned(), named.0.clone())));
                let recall = option(words, "recall").unwrap_or(0.5);
                let variant = (words[2].to_owned(), bytes, points(words[3]), load, recall);
                self.apps.last_mut().expect("an application").1.push(variant);
            }
            "worker" => self.workers.push((
                option(words, "lanes").unwrap_or(1.0) as u16,
                option(words, "memory").unwrap_or(1e9) as u64,
                option(words, "ready").unwrap_or(0.0),
                words
                    .iter()
                    .filter_map(|word| word.strip_prefix("resident="))
                    .flat_map(|names| names.split(',').map(str::to_owned))
                    .collect(),
            )),
            "peek" => {
                let memory = option(words, "memory");
                self.peeks.push((words[1].to_owned(), points(words[2]), memory));
            }
            "request" => {
                self.requests.push((words[1].to_owned(), parse(words[2]), parse(words[3])));
            }
            "scheduler" => self.scheduler = Some(rest("scheduler")),
            "overhead" => self.overhead = (parse(words[1]), parse(words[2])),
            "preemption" => self.preemption = true,
            "drop_late" => self.drop_late = true,
            "as_measured" => self.as_measured = true,
            "penalty" => self.penalty = Some(rest("penalty")),
            "at" => {
                let at = Span::from_ms(parse(words[1]));
                self.script.push(Step::new(Some(Time::ZERO + at), &words[2..]));
            }
            "last" => self.script.push(Step::new(None, &words[1..])),
            "show" => self.asks = true,
            other => panic!("no such line: {other}"),
        }
    }

    fn world(&self) -> World {
        let mut world = World::new();
        world.setup.preemption = self.preemption;
        world.setup.drop_late = self.drop_late;
        if self.as_measured {
            world.setup.latency_fit = LatencyFit::AsMeasured;
        }
        for (name, variants) in &self.apps {
            let recalls: Vec<[f64; 2]> = variants.iter().map(|v| [v.4; 2]).collect();
            let built: Vec<V<'_>> = variants
                .iter()
                .zip(&recalls)
                .map(|((name, bytes, points, load, _), recall)| {
                    V(name, *bytes, points, *load, recall)
                })
                .collect();
            world = world.app(name, &built);
            let profile = &mut world.setup.apps.last_mut().expect("an application").profile;
            for variant in &mut Arc::make_mut(profile).variants {
                let named = self.shares.iter().find(|(own, _)| *own == variant.name);
                variant.shares =
                    named.and_then(|(_, named)| variants.iter().position(|v| v.0 == *named));
            }
        }
        for (lanes, memory, ready, resident) in &self.workers {
            world = world.workers(1, *lanes, *memory);
            let held = |variant: &String| {
                let mut apps = self.apps.iter();
                let app = apps.find(|(_, variants)| variants.iter().any(|v| v.0 == *variant));
                let (app, variant) = (app.expect("a variant").0.clone(), variant.clone());
                ResidentVariant { app, variant, place: Location::default() }
            };
            let worker = world.setup.workers.last_mut().expect("a worker");
            worker.ready = Time::ZERO + Span::from_ms(*ready);
            worker.resident = Resident::Listed(resident.iter().map(held).collect());
        }
        let place = |name: &str| self.apps.iter().position(|(app, _)| app == name);
        for (app, points, memory) in &self.peeks {
            let at = place(app).expect("an application");
            let points = points.iter().map(|(b, ms)| (*b, Span::from_ms(*ms))).collect();
            let table = LatencyPoints::new(points).expect("a latency table");
            let app = &mut world.setup.apps[at];
            Arc::make_mut(&mut app.profile).peek = Some(table);
            app.peek.runs_on =
                if memory.is_some() { ClassifierHost::Worker } else { ClassifierHost::Host };
            app.peek.memory_bytes = memory.unwrap_or(0.0) as u64;
            app.peek.kind = ClassifierKind::Confusion(VoteModel::recall(2, 1.0));
        }
        for (app, arrival, budget) in &self.requests {
            let at = place(app).expect("an application") as u16;
            world = world.request(at, *arrival, *budget, 0);
        }
        let (constant, per_request) = self.overhead;
        world.setup.overhead.constant = Span::from_ms(constant);
        world.setup.overhead.per_request = Span::from_ms(per_request);
        if let Some(penalty) = &self.penalty {
            let mut problems = Problems::default();
            let node = ConfigNode::parse_override(penalty);
            world.setup.penalty = Penalty::read(&node, &mut problems);
            assert!(problems.is_empty(), "{problems}");
        }
        world
    }

    fn run(self) -> Vec<String> {
        let world = self.world();
        let catalog = world.catalog();
        let arrivals = Box::new(Listed::new(world.arrivals.clone()));
        let names: Vec<String> =
            catalog.variant_ids().map(|v| catalog.variant(v).name.clone()).collect();
        let (log, result) = if let Some(scheduler) = &self.scheduler {
            let mut chosen = world.choose(&catalog, scheduler);
            let told = (chosen.info, chosen.entry.name);
            world.observe(told, chosen.scheduler.as_mut(), arrivals)
        } else {
            let mut script = Script { steps: self.script, names: names.clone(), ids: foreign() };
            let run = world.observe((AccuracySource::Profiled, "script"), &mut script, arrivals);
            assert!(script.steps.is_empty() || run.1.is_err(), "never asked: {:?}", script.steps);
            run
        };
        let mut timeline = timeline(&log, &names, self.asks);
        timeline.extend(result.err().map(|error| format!("error {error}")));
        timeline
    }
}

/// Ids of requests that never were in the world under test, to be named by mistake.
fn foreign() -> Vec<RequestId> {
    struct Collect(Vec<RequestId>);
    impl Scheduler for Collect {
        fn decide(&mut self, _: &View<'_>, trigger: Trigger<'_>, _: &mut Plan) {
            self.0.extend(trigger.arrived);
        }
    }
    let mut world = World::new().app("other", &[V("v", 1, &[(1, 1.0)], 0.0, &[1.0])]);
    for _ in 0..10 {
        world = world.request(0, 0.0, 1.0, 0);
    }
    let mut collect = Collect(Vec::new());
    world.drive(&mut collect).expect("a run");
    collect.0
}

/// One decision of a script: at an instant, or when nothing else will happen.
#[derive(Debug)]
struct Step {
    at: Option<Time>,
    words: Vec<String>,
}

impl Step {
    fn new(at: Option<Time>, words: &[&str]) -> Self {
        Self { at, words: words.iter().map(|w| (*w).to_owned()).collect() }
    }
}

/// A scheduler that does what it is told.
struct Script {
    steps: Vec<Step>,
    names: Vec<String>,
    ids: Vec<RequestId>,
}

impl Script {
    fn act(&self, words: &[String], plan: &mut Plan) {
        let id = |text: &String| self.ids[parse::<usize>(text)];
        // A number is an index that may not exist.
        let variant = |text: &String| {
            let known = self.names.iter().position(|name| name == text);
            VariantId(known.map_or_else(|| parse(text), |at| at as u16))
        };
        let worker = |text: &String| WorkerId(parse(text));
        match words[0].as_str() {
            "assign" => {
                plan.assign(worker(&words[1]), variant(&words[2]), words[3..].iter().map(id));
            }
            "preload" => plan.preload(worker(&words[1]), variant(&words[2])),
            "evict" => plan.evict(worker(&words[1]), variant(&words[2])),
            "preempt" => plan.preempt(worker(&words[1]), parse(&words[2])),
            "reject" => plan.reject(id(&words[1]), RejectReason::Admission),
            "wake" => plan.wake_at(Time::ZERO + Span::from_ms(parse(&words[1]))),
            other => panic!("no such decision: {other}"),
        }
    }
}

impl Scheduler for Script {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for id in trigger.arrived {
            self.ids[id.number() as usize] = *id;
        }
        let now = Some(view.now());
        let due = if self.steps.iter().any(|step| step.at == now) { now } else { None };
        if due.is_none() && !trigger.woken {
            return;
        }
        let (act, wait) = std::mem::take(&mut self.steps).into_iter().partition(|s| s.at == due);
        self.steps = wait;
        let act: Vec<Step> = act;
        act.iter().for_each(|step| self.act(&step.words, plan));
    }
}

fn ms(at: u64) -> f64 {
    at as f64 / 1e6
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What happened, a line each.
fn timeline(log: &Log, names: &[String], asks: bool) -> Vec<String> {
    let mut asked = log.asked.iter().filter(|_| asks).peekable();
    let mut lines = Vec::new();
    let mut running = Vec::new();
    for (place, event) in log.events.iter().enumerate() {
        while let Some(ask) = asked.next_if(|ask| ask.place <= place) {
            lines.push(line_of_ask(ask));
        }
        lines.extend(line_of_event(event, names, log, &mut running));
    }
    lines.extend(asked.map(line_of_ask));
    lines
}

fn line_of_ask(ask: &Asked) -> String {
    let mut parts = vec![ms(ask.at).to_string(), "ask".to_owned()];
    let mut part = |name: &str, ids: String| {
        if !ids.is_empty() {
            parts.push(format!("{name} [{ids}]"));
        }
    };
    part("arrived", list(&ask.arrived));
    part("freed", list(&ask.freed));
    part("loaded", list(&ask.loaded));
    part("dropped", list(&ask.dropped));
    if ask.woken {
        parts.push("woken".to_owned());
    }
    parts.join(" ")
}

/// The line of an event; arrivals and single answers are left out, as they say nothing new.
fn line_of_event(
    event: &Happened,
    names: &[String],
    log: &Log,
    running: &mut Vec<(u16, usize, Vec<u32>)>,
) -> Option<String> {
    let name = |variant: &u16| &names[usize::from(*variant)];
    let what = match event {
        Happened::Arrived { .. } | Happened::Completed { .. } => return None,
        Happened::Visible { at, request } => {
            let arrival = Happened::arrival(&log.events, *request);
            if arrival == Some(*at) {
                return None;
            }
            format!("see {request}")
        }
        Happened::LoadStarted { worker, variant, end, .. } => {
            format!("load w{worker} {} until {}", name(variant), ms(*end))
        }
        Happened::LoadEnded { worker, variant, .. } => {
            format!("loaded w{worker} {}", name(variant))
        }
        Happened::Evicted { worker, variant, .. } => format!("evict w{worker} {}", name(variant)),
        Happened::BatchStarted { worker, lane, variant, requests, .. } => {
            running.push((*worker, *lane, requests.clone()));
            format!("start w{worker}.{lane} {} [{}]", name(variant), list(requests))
        }
        Happened::BatchEnded { worker, lane, .. } => {
            let at = running.iter().position(|r| (r.0, r.1) == (*worker, *lane));
            let (_, _, requests) = running.remove(at.expect("a batch that started"));
            format!("end w{worker}.{lane} [{}]", list(&requests))
        }
        Happened::Sent { worker, bytes, sending: (start, end), .. } => {
            format!("send w{worker} {bytes} bytes from {} until {}", ms(*start), ms(*end))
        }
        Happened::SendLost { worker, bytes, .. } => format!("lose w{worker} {bytes} bytes"),
        Happened::Back { worker, .. } => format!("back w{worker}"),
        Happened::WorkerFailed { worker, until, .. } => {
            format!("fail w{worker} until {}", ms(*until))
        }
        Happened::BatchLost { worker, lane, requests, .. } => {
            running.retain(|r| (r.0, r.1) != (*worker, *lane));
            format!("lose w{worker}.{lane} [{}]", list(requests))
        }
        Happened::LoadLost { worker, variant, .. } => {
            format!("lose w{worker} {}", name(variant))
        }
        Happened::Returned { request, .. } => format!("back {request}"),
        Happened::Rejected { request, .. } => format!("reject {request}"),
        Happened::Unfinished { request, .. } => format!("unfinished {request}"),
    };
    Some(format!("{} {what}", ms(event.at())))
}
