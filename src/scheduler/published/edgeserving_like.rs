//! EdgeServing: before an idle worker serves one queue, it looks at what that does to all others.
//!
//! For each application the rule imagines its next batch, on the deepest exit that keeps its oldest
//! request on time, and sums how urgent all requests become that still wait when that batch ends.
//! The application that leaves the least urgency behind is served. It never drops and never waits.
//!
//! ```text
//! depth(a, b, w)  deepest exit with w + L(exit, b) <= budget, else the shallowest
//! T(a)            L(depth(a, min(queue, limit), wait of the oldest), min(queue, limit))
//! score(a)        sum over all that remain of min(10, exp((wait + T(a)) / budget - 1))
//! serve           the least score, the first listed of equals, on depth(a, limit, wait)
//! ```
//!
//! `score = "lyapunov"` is the second rule of the same code: among the longest queues, if one is
//! longer than the limit, else among all, it takes the application, exit and batch with the largest
//! queue · batch · accuracy / L − Z · late + 0.05 · Z · batch. Z counts the late requests of an
//! application less a twentieth of those served, from 0 to 1000. The other rules are its baselines:
//! the longest queue, with the exit by the same rule, the deepest or the shallowest.
//!
//! Source: Cao et al., arXiv 2605.05527 (ICCCN 2026); dododo99k/EdgeServing c3ab335,
//! `multi_model_dev.py`, which carries the paper's name and method; that it is the authors' own is
//! inferred. Constants of the code: limit 10, urgency at most 10, the exit of the batch that is
//! served chosen for the limit and not for the batch (`exit_batch`), 0.05 and 1000.
//!
//! Adapted: exits are the variants of an application by rising accuracy, and latencies include a
//! load where one is needed (exits of one network share weights: for the published setting the
//! profile says so, by `shares`). The budget is each request's own. An application without waiting
//! requests cannot be chosen; in the code it can, and then nothing is served. Several workers are
//! asked in order. Late requests of the second rule are counted when a batch ends.
//! Not verified: anything beyond one choice, and the measured tables (95 % quantiles there).
//!
//! O(applications · (applications + requests)) per batch, with an exponential for each request that
//! is not urgent in any case.

use crate::config::settings::names;
use crate::config::{Decoder, Problem, Setting};
use crate::contract::{BatchCompletion, Plan, Scheduler, Trigger, View};
use crate::core::ids::{AppId, Request, VariantId, WorkerId};
use crate::core::rounding::rounded;
use crate::core::units::Time;
use crate::scheduler::published::app_lines::{AppLines, LineKey};
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::catalog::Catalog;

const SCORES: [(&str, ScoreRule); 5] = [
    ("stability", ScoreRule::Stability),
    ("lyapunov", ScoreRule::Lyapunov),
    ("longest", ScoreRule::Longest(ExitRule::Depth)),
    ("longest-deepest", ScoreRule::Longest(ExitRule::Deepest)),
    ("longest-shallowest", ScoreRule::Longest(ExitRule::Shallowest)),
];

const EXIT_BATCHES: [(&str, ExitBatch); 2] =
    [("limit", ExitBatch::Limit), ("actual", ExitBatch::Actual)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "edgeserving-like",
    summary: "the batch that leaves the least urgency behind in all queues, deepest exit in time",
    source: "Cao et al., arXiv 2605.05527; dododo99k/EdgeServing c3ab335",
    settings: &[&[
        Setting::choice("score", &names(&SCORES)).means(
            "By what the application is chosen: the urgency that its batch leaves behind, a drift \
             plus penalty, or the longest queue, with the exit by the deadline, the deepest or the \
             shallowest.",
        ),
        Setting::choice("exit_batch", &names(&EXIT_BATCHES)).means(
            "The batch for which the exit is chosen, for `score = \"stability\"`: the largest, as \
             published, or the one that is served.",
        ),
        Setting::integer("max_batch", [1, 4096], 10)
            .means("The most requests of a batch; the profile of a variant may allow fewer."),
    ]],
    accuracy: None,
    build: |fields, context| Box::new(EdgeServing::read(fields, context)),
};

/// By what an application is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreRule {
    /// The urgency that its batch leaves behind.
    Stability,
    /// Drift plus penalty.
    Lyapunov,
    /// The number of waiting requests.
    Longest(ExitRule),
}

/// How the exit of the longest queue is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitRule {
    /// The deepest that keeps the oldest request on time.
    Depth,
    /// The deepest.
    Deepest,
    /// The shallowest.
    Shallowest,
}

/// The batch for which the exit is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitBatch {
    /// The largest.
    Limit,
    /// The one that is served.
    Actual,
}

/// A waiting request, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Waiting {
    /// The time since its arrival.
    pub wait: f64,
    /// Its deadline less its arrival.
    pub budget: f64,
}

/// An exit of a network.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exit {
    /// Latencies in milliseconds of batches of 1, 2 and so on.
    pub latency: Vec<f64>,
    /// The load that is needed before, in milliseconds.
    pub load: f64,
    /// The probability of a right answer.
    pub accuracy: f64,
}

/// The queue of an application.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    /// The oldest first, without those of `urgent`.
    pub waiting: Vec<Waiting>,
    /// Further requests that count 10 whatever is served, behind so many of `waiting`: (behind,
    /// how many).
    pub urgent: (usize, usize),
    /// The shallowest first; an application without exits is not served.
    pub exits: Vec<Exit>,
    /// The budget of the application, for the exit of a queue without requests.
    pub budget: f64,
    /// The late requests that the second rule has counted.
    pub late: f64,
}

/// A batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The queue.
    pub queue: usize,
    /// Its exit.
    pub exit: usize,
    /// How many of its requests, the oldest first.
    pub batch: usize,
}

impl Exit {
    /// The time of a batch; of one beyond the table, the nearest.
    pub fn time(&self, batch: usize) -> f64 {
        let at = batch.clamp(1, self.latency.len().max(1)) - 1;
        self.load + self.latency.get(at).copied().unwrap_or(f64::INFINITY)
    }
}

impl Queue {
    fn is_served(&self) -> bool {
        !self.waiting.is_empty() && !self.exits.is_empty()
    }

    /// The number of requests that wait.
    fn len(&self) -> usize {
        self.waiting.len() + self.urgent.1
    }

    /// The deepest exit that keeps the oldest request on time with this batch, else the shallowest.
    pub fn depth(&self, batch: usize) -> usize {
        let none = Waiting { wait: 0.0, budget: self.budget };
        let oldest = self.waiting.first().copied().unwrap_or(none);
        let on_time = |exit: &Exit| oldest.wait + exit.time(batch) <= oldest.budget;
        self.exits.iter().rposition(on_time).unwrap_or(0)
    }

    /// How urgent its requests are after each of these times; after the one at `own` the first
    /// `batch` are served.
    fn urgencies(&self, afters: &[f64], own: usize, batch: usize) -> Vec<f64> {
        let (mut budget, mut growth) = (f64::NAN, vec![1.0; afters.len()]);
        let mut sums = vec![0.0; afters.len()];
        for (place, request) in self.waiting.iter().enumerate() {
            // Most requests of an application have the same budget.
            if request.budget != budget {
                budget = request.budget;
                growth.iter_mut().zip(afters).for_each(|(g, after)| *g = libm::exp(after / budget));
            }
            let now = urgency(request.wait / budget);
            sums.iter_mut().zip(&growth).for_each(|(sum, growth)| *sum += (now * growth).min(10.0));
            if place + 1 == batch {
                sums[own] = 0.0;
            }
            if place + 1 == self.urgent.0 {
                sums.iter_mut().for_each(|sum| *sum += 10.0 * self.urgent.1 as f64);
            }
        }
        sums
    }
}

/// A request that has waited for so many budgets counts 10 whatever is served: exp(2.4) > 11.
const URGENT: f64 = 3.4;

/// exp(x - 1), which grows by exp(after / budget); endless where it counts as 10 in any case.
fn urgency(x: f64) -> f64 {
    if x > URGENT { f64::INFINITY } else { libm::exp(x - 1.0) }
}

/// The urgency that a batch of each queue leaves behind; infinite where there is no exit.
pub fn scores(queues: &[Queue], limit: usize) -> Vec<f64> {
    let batch = |queue: &Queue| queue.len().min(limit);
    let time = |queue: &Queue| Some(queue.exits.get(queue.depth(batch(queue)))?.time(batch(queue)));
    let times: Vec<Option<f64>> = queues.iter().map(time).collect();
    let afters: Vec<f64> = times.iter().map(|time| time.unwrap_or(0.0)).collect();
    let mut scores = vec![0.0; queues.len()];
    for (at, queue) in queues.iter().enumerate() {
        let left = queue.urgencies(&afters, at, batch(queue));
        scores.iter_mut().zip(left).for_each(|(score, left)| *score += left);
    }
    let score = |(time, score): (Option<f64>, f64)| time.map_or(f64::INFINITY, |_| rounded(score));
    times.into_iter().zip(scores).map(score).collect()
}

/// The batch of the queue with the least score, the first listed of equals.
pub fn stability(queues: &[Queue], limit: usize, exit_batch: ExitBatch) -> Option<Choice> {
    let scored = scores(queues, limit);
    let served = (0..queues.len()).filter(|at| queues[*at].is_served());
    let queue = served.min_by(|a, b| scored[*a].total_cmp(&scored[*b]))?;
    let batch = queues[queue].len().min(limit);
    let exit = queues[queue].depth(if exit_batch == ExitBatch::Limit { limit } else { batch });
    Some(Choice { queue, exit, batch })
}

/// The batch with the largest drift plus penalty, the first listed of equals.
pub fn lyapunov(queues: &[Queue], limit: usize) -> Option<Choice> {
    let longest = longest(queues)?.len();
    let mut best: Option<(f64, Choice)> = None;
    for (queue, own) in (0..).zip(queues).filter(|(_, queue)| queue.is_served()) {
        let waiting = own.len();
        if longest > limit && waiting < longest {
            continue;
        }
        for (exit, own_exit) in (0..).zip(&own.exits) {
            for batch in 1..=waiting.min(limit) {
                let time = own_exit.time(batch).max(1e-6);
                let late = own.waiting[..batch].iter().filter(|r| r.wait + time > r.budget).count();
                let gain = waiting as f64 * batch as f64 * own_exit.accuracy / time;
                let value = gain - own.late * late as f64 + 0.05 * own.late * batch as f64;
                let value = rounded(value);
                if best.is_none_or(|(other, _)| value > other) {
                    best = Some((value, Choice { queue, exit, batch }));
                }
            }
        }
    }
    best.map(|(_, choice)| choice)
}

/// What the second rule has counted of an application after a batch of which `late` are late.
pub fn counted(before: f64, late: usize, served: usize) -> f64 {
    (before + late as f64 - 0.05 * served as f64).clamp(0.0, 1000.0)
}

/// The queue with the most waiting requests, the first listed of equals.
fn longest(queues: &[Queue]) -> Option<&Queue> {
    let served = queues.iter().filter(|queue| queue.is_served());
    served.rev().max_by_key(|queue| queue.len())
}

/// The batch of the longest queue, the first listed of equals.
pub fn longest_queue(queues: &[Queue], limit: usize, exit: ExitRule) -> Option<Choice> {
    let longest = longest(queues)?;
    let queue = queues.iter().position(|queue| std::ptr::eq(queue, longest))?;
    let batch = longest.len().min(limit);
    let exit = match exit {
        ExitRule::Depth => longest.depth(batch),
        ExitRule::Deepest => longest.exits.len() - 1,
        ExitRule::Shallowest => 0,
    };
    Some(Choice { queue, exit, batch })
}

struct EdgeServing {
    score: ScoreRule,
    exit_batch: ExitBatch,
    limit: usize,
    lines: AppLines,
    /// By application, those at its head that count 10 whatever is served.
    urgent: Vec<UrgentHead>,
    lanes: FreeLanes,
    /// By application; what the rule looks at.
    queues: Vec<Queue>,
    /// The variants of the exits, by application.
    variants: Vec<Vec<VariantId>>,
    /// By variant.
    apps: Vec<AppId>,
}

impl EdgeServing {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let score = fields.choice("score", &SCORES);
        let exit_batch = fields.choice("exit_batch", &EXIT_BATCHES);
        if score != ScoreRule::Stability
            && let Some(node) = fields.take("exit_batch")
        {
            let found = "`exit_batch` for another score";
            let expected = "score = \"stability\" beside it";
            fields.problems().push(Problem::new(node.place.clone(), found, expected));
        }
        Self {
            score,
            exit_batch,
            limit: fields.integer("max_batch") as usize,
            lines: AppLines::by_arrival(catalog),
            urgent: vec![UrgentHead::default(); catalog.app_ids().len()],
            lanes: FreeLanes::new(catalog),
            queues: catalog.app_ids().map(|app| empty(catalog, app)).collect(),
            variants: vec![Vec::new(); catalog.app_ids().len()],
            apps: catalog.variant_ids().map(|id| catalog.variant(id).app).collect(),
        }
    }
}

/// The requests at the head of a line that count 10 whatever is served. They stay urgent until they
/// are served, so that they need not be walked again.
#[derive(Clone, Copy, Debug, Default)]
struct UrgentHead {
    count: usize,
    last: Option<LineKey>,
}

impl UrgentHead {
    /// Follows what returned or was dropped.
    fn take_in(heads: &mut [Self], lines: &AppLines, view: &View<'_>, trigger: Trigger<'_>) {
        let is_in = |head: &Self, request| head.last.is_some_and(|last| lines.key(request) <= last);
        for request in trigger.dropped {
            let head = &mut heads[request.app.index()];
            head.count -= usize::from(is_in(head, request));
        }
        // A request that returned may be anywhere: the line is walked from its first one again.
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            let head = &mut heads[request.app.index()];
            if is_in(head, request) {
                *head = Self::default();
            }
        }
    }

    /// Takes in the next requests that have become urgent.
    fn advance(&mut self, lines: &AppLines, app: AppId, now: Time) {
        let is_urgent = |request: &&Request| {
            let Waiting { wait, budget } = waiting(request, now);
            wait / budget > URGENT
        };
        for request in lines.walk_after(app, self.last).take_while(is_urgent) {
            self.last = Some(lines.key(request));
            self.count += 1;
        }
    }

    /// Puts the requests of a line into a queue: all, or the first `limit` of the urgent ones, how
    /// many more there are, and the rest.
    fn fill(self, queue: &mut Queue, lines: &AppLines, app: AppId, (now, limit): (Time, usize)) {
        let is_long = self.count > limit;
        let first = lines.walk(app).take(if is_long { limit } else { usize::MAX });
        let rest = lines.walk_after(app, self.last).take(if is_long { usize::MAX } else { 0 });
        queue.waiting.clear();
        queue.waiting.extend(first.chain(rest).map(|request| waiting(request, now)));
        queue.urgent = if is_long { (limit, self.count - limit) } else { (0, 0) };
    }
}

fn waiting(request: &Request, now: Time) -> Waiting {
    let (wait, budget) = (now.since(request.arrival).as_ms(), request.budget().as_ms());
    Waiting { wait, budget }
}

fn empty(catalog: &Catalog, app: AppId) -> Queue {
    Queue { budget: catalog.app(app).budget.planning().as_ms(), ..Queue::default() }
}

/// The variants of an application on a worker by rising accuracy, the first listed of equals first.
fn exits(view: &View<'_>, worker: WorkerId, app: AppId, into: &mut Vec<VariantId>) {
    into.clear();
    into.extend(view.variants(worker, app));
    let accuracy = |variant: &VariantId| view.catalog().variant(*variant).accuracy;
    into.sort_by(|a, b| accuracy(a).total_cmp(&accuracy(b)));
}

/// Latencies of an exit up to a batch, and what comes before.
fn time_table(lane: &FreeLane<'_>, variant: VariantId, limit: usize, exit: &mut Exit) {
    let most = lane.view.max_batch(lane.worker, variant).min(limit);
    let latency = |batch| lane.view.expected_latency(lane.worker, variant, batch).as_ms();
    exit.latency.clear();
    exit.latency.extend((1..=most).map(latency));
    exit.load = lane.delay(variant).as_ms();
    exit.accuracy = lane.view.catalog().variant(variant).accuracy;
}

impl Scheduler for EdgeServing {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn on_completion(&mut self, feedback: &BatchCompletion) {
        let queue = &mut self.queues[self.apps[feedback.variant.index()].index()];
        queue.late = counted(queue.late, feedback.late, feedback.batch);
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let Self { score, exit_batch, limit, lines, urgent, lanes, queues, variants, .. } = self;
        lines.take_in(view, trigger);
        UrgentHead::take_in(urgent, lines, view, trigger);
        lanes.offer(view, plan, |lane| {
            for app in lines.apps() {
                let (queue, own) = (&mut queues[app.index()], &mut variants[app.index()]);
                exits(view, lane.worker, app, own);
                queue.exits.resize_with(own.len(), Exit::default);
                for (variant, exit) in own.iter().zip(&mut queue.exits) {
                    time_table(&lane, *variant, *limit, exit);
                }
                let head = &mut urgent[app.index()];
                head.advance(lines, app, view.now());
                head.fill(queue, lines, app, (view.now(), *limit));
            }
            let choice = match *score {
                ScoreRule::Stability => stability(queues, *limit, *exit_batch),
                ScoreRule::Lyapunov => lyapunov(queues, *limit),
                ScoreRule::Longest(exit) => longest_queue(queues, *limit, exit),
            };
            let Some(Choice { queue: at, exit, batch }) = choice else { return false };
            let (app, variant) = (AppId(at as u16), variants[at][exit]);
            let batch = batch.min(view.max_batch(lane.worker, variant));
            urgent[at].count = urgent[at].count.saturating_sub(batch);
            lane.assign(variant, lines.take(app, batch));
            true
        });
    }
}
