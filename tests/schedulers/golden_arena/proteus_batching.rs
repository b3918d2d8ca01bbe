//! The batching rules of Proteus' repository on whole traces: one worker, one variant, and the end
//! of a batch before an arrival, before a timer of the same instant.
//!
//! Compared: `accscale`; `aimd`, the ladder of `clipper-like`, by itself and through the engine;
//! `nexus`.

use super::{list, number, numbers, same, whole};
use crate::support::common::{Happened, V, World};
use peeksim::core::ids::{AppId, Arrival, TrueClass};
use peeksim::core::units::{Span, Time};
use peeksim::scheduler::published::acc_scale::{AccScale, AllowedBatch, Member, Step};
use peeksim::scheduler::published::clipper_like::{Ladder, SIZES, is_given_up};
use peeksim::scheduler::published::nexus_timer::NexusTimer;
use peeksim::system::deadline_budget::DeadlineBudget;
use peeksim::system::latency::LatencyFit;
use serde_json::Value;

/// Times are printed with three digits behind the point, in milliseconds.
const TOLERANCE: f64 = 2e-3;

/// A batch: its start and end in milliseconds, the size that is charged, its members.
type Batch = (f64, f64, usize, Vec<usize>);

/// What a rule did with a trace.
#[derive(Default)]
struct Trace {
    batches: Vec<Batch>,
    dropped: Vec<usize>,
    left: Vec<usize>,
}

struct Input {
    sizes: Vec<usize>,
    largest: usize,
    latency: Vec<f64>,
    budget: f64,
    arrivals: Vec<f64>,
}

impl Input {
    fn read(input: &Value) -> Self {
        Self {
            sizes: list(&input["allowed_batches"]).iter().map(whole).collect(),
            largest: whole(&input["max_batch"]),
            latency: numbers(&input["latency_ms"]),
            budget: number(&input["slo_ms"]),
            arrivals: numbers(&input["arrivals_ms"]),
        }
    }

    fn time(&self, size: usize) -> f64 {
        let at = self.sizes.iter().position(|s| *s == size);
        self.latency[at.expect("a size of the table")]
    }
}

fn ns(ms: f64) -> u64 {
    (ms * 1e6).round() as u64
}

/// A rule with timers.
trait Timed {
    fn arrive(&mut self, now: u64, member: Member<usize>, is_idle: bool) -> Step<usize>;
    fn ended(&mut self, now: u64) -> Step<usize>;
    fn timer(&mut self, now: u64, is_idle: bool) -> Step<usize>;
    fn next_timer(&self) -> Option<u64>;
    fn left(&self) -> Vec<usize>;
}

macro_rules! timed {
    ($($rule:ident),+) => {
        $(impl Timed for $rule<usize> {
            fn arrive(&mut self, now: u64, member: Member<usize>, is_idle: bool) -> Step<usize> {
                self.arrive(now, member, is_idle)
            }
            fn ended(&mut self, now: u64) -> Step<usize> {
                self.ended(now)
            }
            fn timer(&mut self, now: u64, is_idle: bool) -> Step<usize> {
                self.timer(now, is_idle)
            }
            fn next_timer(&self) -> Option<u64> {
                self.next_timer()
            }
            fn left(&self) -> Vec<usize> {
                self.waiting().map(|member| member.id).collect()
            }
        })+
    };
}

timed!(AccScale, NexusTimer);

fn batches(input: &Input) -> Vec<AllowedBatch> {
    let sizes = input.sizes.iter().filter(|size| **size <= input.largest);
    let batch = |size: &usize| AllowedBatch { size: *size, latency: ns(input.time(*size)) };
    sizes.map(batch).collect()
}

/// The trace that a rule with timers makes.
fn timed(mut line: impl Timed, input: &Input) -> Trace {
    let (mut trace, mut next, mut busy) = (Trace::default(), 0, None);
    let ms = |ns: u64| ns as f64 / 1e6;
    loop {
        let arrival = input.arrivals.get(next).map(|ms| ns(*ms));
        let instants = [busy, arrival, line.next_timer()];
        let Some(now) = instants.into_iter().flatten().min() else {
            trace.left = line.left();
            return trace;
        };
        let step = if busy == Some(now) {
            busy = None;
            line.ended(now)
        } else if arrival == Some(now) {
            let member = Member { id: next, arrival: now, deadline: now + ns(input.budget) };
            next += 1;
            line.arrive(now, member, busy.is_none())
        } else {
            line.timer(now, busy.is_none())
        };
        trace.dropped.extend(step.dropped);
        if let Some((size, members)) = step.batch {
            let end = now + ns(input.time(size));
            trace.batches.push((ms(now), ms(end), size, members));
            busy = Some(end);
        }
    }
}

/// The ladder: a batch starts when as many requests wait as it wants.
fn aimd(input: &Input) -> Trace {
    let (mut trace, mut ladder) = (Trace::default(), Ladder::default());
    let (mut queue, mut next, mut busy): (Vec<usize>, usize, Option<f64>) = (Vec::new(), 0, None);
    loop {
        let arrival = input.arrivals.get(next).copied().unwrap_or(f64::INFINITY);
        let end = busy.unwrap_or(f64::INFINITY);
        let now = arrival.min(end);
        if now == f64::INFINITY {
            trace.left = queue;
            return trace;
        }
        if end == now {
            busy = None;
        } else {
            queue.push(next);
            next += 1;
        }
        let wanted = ladder.wanted(&input.sizes);
        if busy.is_some() || queue.len() < wanted {
            continue;
        }
        let wait = |request: usize| ns(now - input.arrivals[request]);
        queue.retain(|request| {
            let is_dropped = is_given_up(wait(*request), ns(input.budget));
            trace.dropped.extend(is_dropped.then_some(*request));
            !is_dropped
        });
        let size = wanted.min(input.largest);
        let members: Vec<usize> = queue.drain(..size.min(queue.len())).collect();
        if !members.is_empty() {
            let end = now + input.time(size);
            let is_late = |r: &usize| end > input.arrivals[*r] + input.budget;
            ladder.step(members.iter().any(is_late), &input.sizes);
            trace.batches.push((now, end, size, members));
            busy = Some(end);
        }
    }
}

fn agree(rule: &str, ours: &Trace, theirs: &Value) -> Result<(), String> {
    if let Some(error) = theirs["error"].as_str() {
        println!("{rule}: the authors' code ends in an error, only batches before count: {error}");
    }
    let batches = list(&theirs["batches"]);
    for (at, (batch, theirs)) in ours.batches.iter().zip(batches).enumerate() {
        let (start, end, size, members) = batch;
        let what = format!("{rule}, batch {at}");
        same(&what, size, &whole(&theirs["charged_batch"]))?;
        let their_members: Vec<usize> = list(&theirs["requests"]).iter().map(whole).collect();
        same(&what, members, &their_members)?;
        for (time, key) in [(start, "start_ms"), (end, "finish_ms")] {
            let off = (time - number(&theirs[key])).abs();
            if off > TOLERANCE {
                return Err(format!("{what}: {key} ours {time}, theirs {}", theirs[key]));
            }
        }
    }
    if !theirs["error"].is_null() {
        return Ok(());
    }
    same(&format!("{rule}, batches"), &ours.batches.len(), &batches.len())?;
    let mut dropped = ours.dropped.clone();
    let mut theirs_dropped: Vec<usize> =
        list(&theirs["drops"]).iter().map(|drop| whole(&drop[1])).collect();
    dropped.sort_unstable();
    theirs_dropped.sort_unstable();
    same(&format!("{rule}, drops"), &dropped, &theirs_dropped)?;
    let never: Vec<usize> = list(&theirs["never_served"]).iter().map(whole).collect();
    same(&format!("{rule}, never served"), &ours.left, &never)
}

pub fn compare(case: &Value) -> Result<(), String> {
    let input = Input::read(&case["input"]);
    let line = AccScale::new(batches(&input)).ok_or("no sizes")?;
    agree("accscale", &timed(line, &input), &case["expect"]["accscale"])?;
    let line = NexusTimer::new(batches(&input)).ok_or("no sizes")?;
    agree("nexus", &timed(line, &input), &case["expect"]["nexus"])?;
    agree("aimd", &aimd(&input), &case["expect"]["aimd"])
}

/// The trace as a world: one worker, one lane, the table of the case, no noise.
fn world(input: &Input) -> World {
    let sizes = input.sizes.iter().map(|size| *size as u64);
    let points: Vec<(u64, f64)> = sizes.zip(input.latency.iter().copied()).collect();
    let variant = V("v", 1, &points, 0.0, &[1.0, 1.0]);
    let mut world = World::new().app("app", &[variant]).workers(1, 1, 1);
    world.setup.latency_fit = LatencyFit::AsMeasured;
    let budget = Span(ns(input.budget));
    world.setup.apps[0].budget = Some(DeadlineBudget::Fixed(budget));
    let arrival = |ms: &f64| Arrival {
        time: Time(ns(*ms)),
        app: AppId(0),
        source: None,
        budget,
        truth: TrueClass { class: 0, row: TrueClass::NO_ROW },
    };
    world.arrivals = input.arrivals.iter().map(arrival).collect();
    world
}

/// The rows whose rules are on the traces: the rule, and the scheduler.
pub const ROWS: [(&str, &str); 2] = [
    ("aimd", "{ name = 'clipper-like', form = 'ladder' }"),
    ("accscale", "{ name = 'proteus-like' }"),
];

/// The same trace through the engine. What the authors never serve is rejected at the last
/// question. A batch is charged for its members here: traces in which one has fewer than it is
/// charged for are not compared.
pub fn replay(case: &Value, (rule, scheduler): (&str, &str)) -> Result<bool, String> {
    let (input, expect) = (Input::read(&case["input"]), &case["expect"][rule]);
    let is_full = |b: &Value| list(&b["requests"]).len() == whole(&b["charged_batch"]);
    let batches = list(&expect["batches"]);
    if input.sizes != SIZES || !batches.iter().all(is_full) || !expect["error"].is_null() {
        return Ok(false);
    }
    let log = world(&input).run(scheduler);
    let mut found = Trace::default();
    for (start, end, _, members) in log.timeline() {
        let members: Vec<usize> = members.into_iter().map(|r| r as usize).collect();
        found.batches.push((start, end, members.len(), members));
    }
    let never: Vec<usize> = list(&expect["never_served"]).iter().map(whole).collect();
    for event in &log.events {
        if let Happened::Rejected { request, .. } = event {
            let request = *request as usize;
            let left = if never.contains(&request) { &mut found.left } else { &mut found.dropped };
            left.push(request);
        }
    }
    agree(&format!("{rule}, replayed"), &found, expect).map(|()| true)
}
