//! Symphony: a batch starts as late as its first deadline allows, so that others may join it.
//!
//! Each application has one candidate: which of its waiting requests go together, and when. A free
//! worker begins the candidates whose start has come, the one first that becomes invalid first; it
//! idles on purpose as long as none has.
//!
//! ```text
//! fin(b)      max(t + c + d b, free) + L(b)           c, d: overhead of a decision, of a request
//! prefix      by deadline, those that could not be on time with all that follow them
//! b           min(target, rest); the first of the prefix are dropped while late even with b;
//!             then one more while the first deadline D allows it
//! latest      D - jitter - L(b)           frontrun    D - jitter - L(b + 1) - d
//! start       max(t + c + d b, free, min(x, latest)),      x by the setting `start`
//! invalid     after D - L(b)
//! target      the batch that a worker should reach at the rate r: with n = r L(b) / b, the largest
//!             b with L(b) (1 + 1 / max(1, n)) <= budget - c - d b; if n at the first size beyond
//!             is at most 1, the largest b with L(b) + b / r + d b <= budget - c
//! ```
//!
//! Source: Chen et al., Symphony (arXiv 2308.07470); abcdabcd987/nexuslb dbb9043 by its first
//! author, `dispatcher/batch_policy.cpp`, `batch_size_estimator.cpp`, `rankmt/model_thread.cpp`,
//! `rank_thread.cpp`. Constants of the code: jitter 0.1 ms, rates over 100 bins of 50 ms.
//!
//! Adapted: the variant is fixed; the network terms c and d are the overhead of deciding, zero
//! unless set; a load, or the way to a worker and back, delays `free`. Requests that are late even
//! alone are rejected when a free worker looks at them. A full batch cannot grow and starts at
//! once. Before the first bin is over the target is the largest batch within half the budget, as in
//! the code. Workers are asked in order; workers that are alike are the published setting. Not
//! here: replicas, scaling, and several threads. Not verified: rates, and the order of candidates.
//!
//! O(requests of the application) for each application and free lane.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId};
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

const DROPS: [(&str, WindowDrop); 2] =
    [("window", WindowDrop::Window), ("timeout", WindowDrop::Timeout)];

const STARTS: [(&str, StartRule); 4] = [
    ("frontrun", StartRule::Frontrun),
    ("target", StartRule::Target),
    ("now", StartRule::Now),
    ("latest", StartRule::Latest),
];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "symphony",
    summary: "a batch starts as late as its first deadline allows, fixed variant",
    source: "Chen et al., arXiv 2308.07470; abcdabcd987/nexuslb dbb9043",
    settings: &[
        &[
            Setting::choice("drop", &names(&DROPS)).means(
                "Which requests are given up for a larger batch: those that keep it from the size \
                 that the rate asks for, or only those that are late even alone.",
            ),
            Setting::choice("start", &names(&STARTS)).means(
                "When a batch starts: when one more request would make it late, the same unless \
                 it has the size that the rate asks for, at once, or as late as possible.",
            ),
            Setting::number("jitter_ms", [0.0, 1e9], 0.1)
                .means("By how much a batch starts before the last instant."),
            Setting::number("rate_bin_ms", [1e-3, 1e9], 50.0)
                .means("The length of the 100 bins in which arrivals are counted."),
        ],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Symphony::read(fields, context)),
};

/// Which requests are given up for a larger batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowDrop {
    /// Those that keep it from the size that the rate asks for.
    Window,
    /// None.
    Timeout,
}

/// When a batch starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartRule {
    /// When one more request would make it late.
    Frontrun,
    /// The same, or at once if it has the size that the rate asks for.
    Target,
    /// At once.
    Now,
    /// As late as possible.
    Latest,
}

/// What the composition of a batch depends on, besides its latencies; nanoseconds.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The current instant.
    pub now: u64,
    /// When the worker can compute.
    pub free: u64,
    /// The overhead of a decision.
    pub control: u64,
    /// The overhead of a request.
    pub data: u64,
    /// By how much a batch starts before the last instant.
    pub jitter: u64,
    /// The size that the rate asks for.
    pub target: usize,
    /// Deadlines of the waiting requests, the earliest first.
    pub deadlines: &'a [u64],
}

/// A batch and its window of starts; nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// So many requests with the earliest deadlines are dropped.
    pub dropped: usize,
    /// The next so many run together.
    pub batch: usize,
    /// The earliest deadline of these.
    pub deadline: u64,
    /// The earliest start.
    pub earliest: u64,
    /// When one more request would make it late.
    pub frontrun: u64,
    /// The last start, less the jitter.
    pub latest: u64,
    /// The last start.
    pub invalid_after: u64,
}

/// Latencies by batch size from 1; nothing is known of larger ones.
fn latency(latencies: &[u64], batch: usize) -> Option<u64> {
    latencies.get(batch.checked_sub(1)?).copied()
}

/// The size that a rate asks for.
pub fn target(
    latencies: &[u64],
    budget: u64,
    (control, data): (u64, u64),
    rate_rps: Option<f64>,
) -> usize {
    let sizes = latencies.len();
    let Some(rate_rps) = rate_rps else {
        let half = latencies.iter().rposition(|latency| 2 * latency <= budget);
        return half.map_or(1, |at| at + 1);
    };
    let rate = rate_rps / 1e9;
    let (budget, control) = (budget as f64, control as f64);
    let rest = |batch: usize| budget - control - data as f64 * batch as f64;
    let time = |batch: usize| latencies[batch - 1] as f64;
    // Batches that run while one more gathers: a table that ends counts as endless time.
    let others = |batch: usize| {
        if batch > sizes { f64::INFINITY } else { rate * time(batch) / batch as f64 }
    };
    let beyond = (1..=sizes)
        .find(|b| time(*b) * (1.0 + 1.0 / others(*b).max(1.0)) > rest(*b))
        .unwrap_or(sizes + 1);
    if others(beyond) > 1.0 {
        return (beyond - 1).max(1);
    }
    let gathers = |b: &usize| time(*b) + *b as f64 / rate > rest(*b);
    (2..=sizes).find(gathers).unwrap_or(sizes + 1) - 1
}

/// Which requests go together, and when; `None` if all of them are late even alone.
pub fn candidate(at: &Situation<'_>, latencies: &[u64]) -> Option<Candidate> {
    let Situation { now, free, control, data, jitter, target, deadlines } = *at;
    let all = deadlines.len();
    let earliest = |batch: usize| (now + control + data * batch as u64).max(free);
    let finish = |batch| {
        latency(latencies, batch).map_or(u64::MAX, |time| earliest(batch).saturating_add(time))
    };
    let late = (0..).zip(deadlines).take_while(|(first, d)| **d < finish(all - first));
    let prefix = late.count();
    let mut batch = target.min(all - prefix);
    if batch == 0 {
        return None;
    }
    let dropped = deadlines[..prefix].iter().take_while(|d| **d < finish(batch)).count();
    let deadline = deadlines[dropped];
    while batch < all - dropped && deadline >= finish(batch + 1) {
        batch += 1;
    }
    let time = latency(latencies, batch)?;
    let last = deadline.saturating_sub(jitter);
    // A batch that cannot grow has nothing to wait for.
    let frontrun = latency(latencies, batch + 1)
        .map_or(0, |more| last.saturating_sub(more).saturating_sub(data));
    Some(Candidate {
        dropped,
        batch,
        deadline,
        earliest: earliest(batch),
        frontrun,
        latest: last.saturating_sub(time),
        invalid_after: deadline.saturating_sub(time),
    })
}

impl Candidate {
    /// When it starts.
    pub fn start(&self, rule: StartRule, target: usize) -> u64 {
        let wish = match rule {
            StartRule::Latest => self.latest,
            StartRule::Frontrun => self.frontrun,
            StartRule::Target if self.batch < target => self.frontrun,
            StartRule::Now | StartRule::Target => 0,
        };
        self.earliest.max(wish.min(self.latest))
    }
}

struct Symphony {
    drop: WindowDrop,
    start: StartRule,
    jitter: Span,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    rates: ArrivalRates,
    variants: FixedVariants,
    latencies: Vec<u64>,
    deadlines: Vec<u64>,
}

/// A candidate of an application that may start now.
struct Ready {
    app: AppId,
    variant: VariantId,
    candidate: Candidate,
}

impl Symphony {
    const BINS: u64 = 100;

    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let bin = Span::from_ms(fields.number("rate_bin_ms"));
        Self {
            drop: fields.choice("drop", &DROPS),
            start: fields.choice("start", &STARTS),
            jitter: Span::from_ms(fields.number("jitter_ms")),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_deadline(catalog),
            lanes: FreeLanes::new(catalog),
            rates: ArrivalRates::new(catalog, bin, Self::BINS),
            variants: FixedVariants::read(fields, catalog),
            latencies: Vec::new(),
            deadlines: Vec::new(),
        }
    }

    /// The candidate of an application on a lane and its target; without one, all of its requests
    /// are late and are rejected.
    fn candidate(
        &mut self,
        lane: &mut FreeLane<'_>,
        app: AppId,
        variant: VariantId,
    ) -> Option<(Candidate, usize)> {
        let view = lane.view;
        let most = view.max_batch(lane.worker, variant).min(self.max_batch);
        let latency = |batch| view.expected_latency(lane.worker, variant, batch).0;
        self.latencies.clear();
        self.latencies.extend((1..=most).map(latency));
        self.deadlines.clear();
        self.deadlines.extend(self.lines.walk(app).map(|request| request.deadline.0));
        let overhead = view.catalog().overhead;
        let (control, data) = (overhead.constant.0, overhead.per_request.0);
        let target = match self.drop {
            WindowDrop::Timeout => 1,
            WindowDrop::Window => {
                let rate = self.rates.mean_rps(app, view.now());
                target(&self.latencies, view.planning_budget(app).0, (control, data), rate)
            }
        };
        let situation = Situation {
            now: view.now().0,
            free: (view.now() + lane.delay(variant)).0,
            control,
            data,
            jitter: self.jitter.0,
            target,
            deadlines: &self.deadlines,
        };
        let candidate = candidate(&situation, &self.latencies);
        let dropped = candidate.map_or(self.deadlines.len(), |candidate| candidate.dropped);
        self.lines.take(app, dropped).for_each(|id| lane.plan.reject(id, RejectReason::Late));
        candidate.map(|candidate| (candidate, target))
    }

    /// Begins the candidate that becomes invalid first among those whose start has come; otherwise
    /// lowers `wake` to the first start.
    fn fill(&mut self, mut lane: FreeLane<'_>, wake: &mut Time) -> bool {
        let now = lane.view.now();
        let mut first: Option<Ready> = None;
        for app in self.lines.apps() {
            if self.lines.len(app) == 0 {
                continue;
            }
            let found = self.variants.variant(lane.view, lane.worker, app);
            let Some(variant) = found else { continue };
            let Some((candidate, target)) = self.candidate(&mut lane, app, variant) else {
                continue;
            };
            let start = candidate.start(self.start, target);
            if start > candidate.earliest {
                *wake = (*wake).min(now + Span(start - candidate.earliest));
            } else if first
                .as_ref()
                .is_none_or(|ready| candidate.invalid_after < ready.candidate.invalid_after)
            {
                first = Some(Ready { app, variant, candidate });
            }
        }
        let Some(Ready { app, variant, candidate }) = first else { return false };
        lane.assign(variant, self.lines.take(app, candidate.batch));
        true
    }
}

impl Scheduler for Symphony {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        self.rates.take_in(view, trigger);
        let mut wake = Time::MAX;
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane, &mut wake));
        self.lanes = lanes;
        if wake < Time::MAX {
            plan.wake_at(wake);
        }
    }
}
