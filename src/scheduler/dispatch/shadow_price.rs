//! Shadow-price, our own: an idle worker runs the batch with most right answers above the price of
//! the time that it takes. A fluid plan of the waiting requests sets the price.
//!
//! ```text
//! plan      maximise  Σ a_m x_m    subject to    Σ_m x_m <= waiting requests, by application
//!                                                Σ c_m x_m <= drain_budgets · their mean budget
//! c_m       (L_m(b) + load) / b with all that wait in batches of b, as large as they can be
//! price     right answers of a nanosecond at the margin of the plan, 0 if there is time for all
//! score     Σ accuracy of the batch - max(price · L_m(b) + P · load, lost)
//! load      its time, divided by the batches that share it: those of the application at its rate,
//!           if the variant stays for as long as it has not been loaded
//! P         the greater of the price and that of a plan of the requests that arrive in that time
//! lost      waiting requests that no variant can answer in time after this batch, and those that
//!           would arrive and wait too long for it; divided by the number of lanes
//! ```
//!
//! For every application and variant the candidate is the largest batch in deadline order that is
//! on time, without the requests in front that a full batch would make late. The highest score
//! begins, the earlier end on ties, also if it is negative: an idle worker earns nothing. Requests
//! that no worker can answer in time are rejected.
//!
//! Why it works: the plan asks what the waiting requests would gain from a little more time if they
//! had to be answered within a third of a budget. While few wait there is time for the best
//! variants and the price is zero; then what counts is whether others come too late. In overload
//! requests gather until the price is what another application or a better variant would make of
//! the same time: the variants become faster first where an answer loses least by it, and the
//! applications that earn least wait until they are late. So the mix of variants follows the load
//! without an estimate of it, and batches grow before accuracy is given up. A load is paid by the
//! batches that follow it, at the price of the present rate if that is higher: otherwise two
//! variants that do not fit together are loaded in turn whenever few requests wait, and the first
//! request of a run brings a variant whose load delays the next thousand.
//!
//! The plan is that of `fluid_bound`: a multiple-choice knapsack in its linear relaxation, solved
//! by hulls (Sinha and Zoltners, Operations Research 1979). Lanes of other workers count by their
//! speed relative to the idle one. Links, memory and deadlines are in the score and not in the
//! plan. Answers count if they are in time, whatever the penalty is. The defaults were chosen on
//! the odd sources of `experiments/arena`.
//!
//! With A applications of V variants and batches of b, O(A (V log V + h)) for the first h =
//! [`HEADS`] deadlines, and with accuracies by request O(A V b) more.

use crate::config::{Decoder, Setting};
use crate::contract::{AccuracySource, Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::last_question::reject_the_rest;
use crate::scheduler::score::Score;
use crate::scheduler::{BuildContext, SchedulerEntry};
use crate::system::catalog::Catalog;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "shadow-price",
    summary: "the batch with most right answers above the price of the worker's time",
    source: "ours",
    settings: &[&[
        Setting::number("drain_budgets", [1e-3, 1e6], 0.35)
            .means("The time in which the plan answers what waits, in mean deadline budgets."),
        Setting::integer("max_batch", [1, 4096], 64)
            .means("The most requests of a batch; the profile of a variant may allow fewer."),
    ]],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| Box::new(ShadowPrice::read(fields, context)),
};

/// So many deadlines of an application are looked at.
const HEADS: usize = 256;

/// A way to answer requests of an application.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// Nanoseconds of a worker for an answer.
    pub cost_ns: f64,
    /// Right answers for an answer.
    pub accuracy: f64,
}

/// More right answers of an application for more time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    cost_ns: f64,
    accuracy: f64,
    /// For so many requests.
    requests: f64,
}

impl Step {
    fn slope(&self) -> f64 {
        if self.cost_ns > 0.0 { self.accuracy / self.cost_ns } else { f64::INFINITY }
    }
}

/// Appends to `steps` the upper hull of the offers of an application, from nothing upwards.
pub fn hull(offers: &mut [Offer], requests: f64, steps: &mut Vec<Step>) {
    offers.sort_by(|a, b| a.cost_ns.total_cmp(&b.cost_ns).then(b.accuracy.total_cmp(&a.accuracy)));
    let first = steps.len();
    let mut best = Offer { cost_ns: 0.0, accuracy: 0.0 };
    for offer in offers.iter() {
        if offer.accuracy <= best.accuracy {
            continue;
        }
        let (cost_ns, accuracy) = (offer.cost_ns - best.cost_ns, offer.accuracy - best.accuracy);
        let mut step = Step { cost_ns, accuracy, requests };
        // A step that is steeper than the one before swallows it.
        while let Some(last) = steps[first..].last().copied()
            && last.slope() <= step.slope()
        {
            steps.pop();
            step.cost_ns += last.cost_ns;
            step.accuracy += last.accuracy;
        }
        steps.push(step);
        best = *offer;
    }
}

/// Right answers of a nanosecond at the margin of the plan for so much time; zero if there is time
/// for all.
///
/// In the middle of the step that fits in part the price is its slope, at its ends the mean with
/// the next slope there. At the slope itself two variants are worth the same; so the better one is
/// chosen while most of the step fits, and the faster one when requests have gathered.
pub fn price(steps: &mut [Step], time_ns: f64) -> f64 {
    steps.sort_by(|a, b| b.slope().total_cmp(&a.slope()));
    let mut left_ns = time_ns;
    for (at, step) in steps.iter().enumerate() {
        let needed_ns = step.cost_ns * step.requests;
        if left_ns < needed_ns {
            let slope = |at: usize| steps.get(at).map_or(0.0, Step::slope);
            let share = left_ns / needed_ns;
            let (next, weight) = if share < 0.5 {
                (slope(at.saturating_sub(1)), 0.5 - share)
            } else {
                (slope(at + 1), share - 0.5)
            };
            return step.slope() + (next - step.slope()) * weight;
        }
        left_ns -= needed_ns;
    }
    0.0
}

struct ShadowPrice {
    drain_budgets: f64,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    /// Since the first arrival.
    rates: Option<ArrivalRates>,
    /// By application, its shortest latency on any worker; empty before the first decision.
    shortest: Vec<Span>,
    /// Of all workers.
    lane_count: f64,
    /// Of all workers, the sum of their speeds.
    speed_sum: f64,
    workers: Vec<WorkerState>,
    steps: Vec<Step>,
    offers: Vec<Offer>,
    /// By application, what the idle worker could do.
    heads: Vec<Heads>,
}

/// What is kept of a worker.
struct WorkerState {
    /// By application, requests per nanosecond with the fastest variant.
    speeds: Vec<f64>,
    /// Their sum over the applications of which requests have arrived.
    speed: f64,
    /// By variant, the last decision for a batch that needs a load.
    loaded: Vec<Option<Time>>,
}

/// The first waiting requests of an application, seen from an idle worker.
#[derive(Clone, Default)]
struct Heads {
    deadlines: Vec<Time>,
    /// How long the worker takes for one of them at least; nothing if it cannot serve them.
    quickest: Option<Span>,
    has_arrived: bool,
    /// Arrivals per nanosecond, once that is known.
    rate: Option<f64>,
}

/// A batch that could begin.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    app: AppId,
    variant: VariantId,
    /// Requests in front of it that stay.
    skip: usize,
    batch: usize,
    finish: Time,
}

impl ShadowPrice {
    /// Arrivals are counted in so many bins, each of a tenth of the time of the plan.
    const BINS: u64 = 40;

    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let lanes = catalog.worker_ids().map(|worker| f64::from(catalog.worker(worker).lanes));
        Self {
            drain_budgets: fields.number("drain_budgets"),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_deadline(catalog),
            lanes: FreeLanes::new(catalog),
            rates: None,
            shortest: Vec::new(),
            lane_count: lanes.sum(),
            speed_sum: 0.0,
            workers: catalog.worker_ids().map(|id| WorkerState::new(catalog, id)).collect(),
            steps: Vec::new(),
            offers: Vec::new(),
            heads: vec![Heads::default(); catalog.app_ids().len()],
        }
    }

    /// Adds what arrived to the lines and counts it.
    fn take_in(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        self.lines.take_in(view, trigger);
        if self.rates.is_none()
            && let Some(first) = trigger.arrived.iter().find_map(|id| view.request(*id))
        {
            let drain = view.planning_budget(first.app).scale(self.drain_budgets);
            let bin = Span((drain.0 / 10).max(1));
            let rates = ArrivalRates::from_first_arrival(view.catalog(), bin, Self::BINS);
            self.rates = Some(rates);
        }
        let Some(rates) = &mut self.rates else { return };
        let apps = || self.lines.apps();
        let before = apps().filter(|app| rates.has_arrived(*app)).count();
        rates.take_in(view, trigger);
        if apps().filter(|app| rates.has_arrived(*app)).count() > before {
            for worker in &mut self.workers {
                let each = apps().filter(|app| rates.has_arrived(*app));
                worker.speed = each.map(|app| worker.speeds[app.index()]).sum();
            }
            self.speed_sum = self.workers.iter().map(|worker| worker.speed).sum();
        }
    }

    /// The time in which the plan answers what waits, in ns.
    fn drain_ns(&self, view: &View<'_>) -> f64 {
        let apps = || self.lines.apps().map(|app| (app, self.lines.len(app) as f64));
        let budgets = apps().map(|(app, waiting)| view.planning_budget(app).0 as f64 * waiting);
        let waiting: f64 = apps().map(|(_, waiting)| waiting).sum();
        budgets.sum::<f64>() / waiting.max(1.0) * self.drain_budgets
    }

    /// Rejects the requests that no worker can answer in time.
    fn expire(&mut self, view: &View<'_>, plan: &mut Plan) {
        if self.shortest.is_empty() {
            self.shortest = self.lines.apps().map(|app| shortest(view, app)).collect();
        }
        for app in self.lines.apps() {
            let soonest = view.now() + self.shortest[app.index()];
            while self.lines.first(app).is_some_and(|first| view.is_late(first, soonest)) {
                self.lines.pop(app).into_iter().for_each(|id| plan.reject(id, RejectReason::Late));
            }
        }
    }

    /// The share of a load that a batch is charged with; nothing if the variant is resident.
    fn load_share(&self, lane: &FreeLane<'_>, variant: VariantId, batch: usize) -> f64 {
        let FreeLane { view, worker, .. } = *lane;
        if view.worker(worker).holds(variant) {
            return 0.0;
        }
        let app = view.catalog().variant(variant).app;
        let rate = self.heads[app.index()].rate.unwrap_or(0.0);
        let first = self.rates.as_ref().and_then(ArrivalRates::first_arrival);
        let loaded = self.workers[worker.index()].loaded[variant.index()].or(first);
        let stay = view.now().since(loaded.unwrap_or(view.now()));
        let batches = (rate * stay.0 as f64 / batch as f64).max(1.0);
        view.load_span(worker, variant).0 as f64 / batches
    }

    /// The price of a nanosecond of the lane's worker: in a plan of the requests that wait, and in
    /// one of those that arrive within as long as it takes. Of applications whose rate is unknown
    /// yet, any number may arrive.
    fn prices(&mut self, lane: &FreeLane<'_>) -> (f64, f64) {
        let drain_ns = self.drain_ns(lane.view);
        let waiting = self.price(lane, drain_ns, |planner, app| planner.lines.len(app) as f64);
        let arriving = self.price(lane, drain_ns, |planner, app| {
            let heads = &planner.heads[app.index()];
            let unknown = if heads.has_arrived { f64::INFINITY } else { 0.0 };
            heads.rate.map_or(unknown, |rate| rate * drain_ns)
        });
        (waiting, waiting.max(arriving))
    }

    fn price(
        &mut self,
        lane: &FreeLane<'_>,
        drain_ns: f64,
        requests: impl Fn(&Self, AppId) -> f64,
    ) -> f64 {
        let FreeLane { view, worker, .. } = *lane;
        let (mut steps, mut offers) =
            (std::mem::take(&mut self.steps), std::mem::take(&mut self.offers));
        steps.clear();
        for app in self.lines.apps() {
            let requests = requests(self, app);
            if requests <= 0.0 {
                continue;
            }
            offers.clear();
            offers.extend(view.variants(worker, app).map(|variant| {
                let most = view.max_batch(worker, variant).min(self.max_batch);
                let batch = (requests as usize).clamp(1, most);
                let latency = view.expected_latency(worker, variant, batch).0 as f64;
                let load = self.load_share(lane, variant, batch);
                let accuracy = view.catalog().variant(variant).accuracy;
                Offer { cost_ns: (latency + load) / batch as f64, accuracy }
            }));
            hull(&mut offers, requests, &mut steps);
        }
        let lanes = self.speed_sum / self.workers[worker.index()].speed;
        let price = price(&mut steps, drain_ns * lanes);
        (self.steps, self.offers) = (steps, offers);
        price
    }

    /// Looks at the first waiting requests from the lane's worker.
    fn look(&mut self, lane: &FreeLane<'_>) {
        let FreeLane { view, worker, ref timeline, .. } = *lane;
        for (app, heads) in (0..).map(AppId).zip(&mut self.heads) {
            let ends = view.variants(worker, app).map(|v| view.soonest(timeline, v, 1));
            heads.quickest = ends.min().map(|soonest| soonest.since(view.now()));
            let rates = self.rates.as_ref();
            heads.has_arrived = rates.is_some_and(|rates| rates.has_arrived(app));
            let rate = rates.and_then(|rates| rates.mean_rps(app, view.now()));
            heads.rate = rate.map(|rate| rate / 1e9);
            heads.deadlines.clear();
            let first = self.lines.walk(app).take(HEADS);
            heads.deadlines.extend(first.map(|request| request.deadline));
        }
    }

    /// The batch of a variant that could begin, if one would be on time.
    fn candidate(&self, lane: &FreeLane<'_>, app: AppId, variant: VariantId) -> Option<Candidate> {
        let FreeLane { view, worker, ref timeline, .. } = *lane;
        let deadlines = &self.heads[app.index()].deadlines;
        let first = *deadlines.first()?;
        let most = view.max_batch(worker, variant).min(self.max_batch).min(self.lines.len(app));
        let finish = |batch| view.finish(timeline, variant, batch);
        let full = finish(most);
        let skip = deadlines.partition_point(|deadline| *deadline < full);
        let batch = most.min(self.lines.len(app) - skip);
        if skip < deadlines.len() && batch > 0 {
            return Some(Candidate { app, variant, skip, batch, finish: finish(batch) });
        }
        let batch = (1..=most).rev().find(|batch| first >= finish(*batch))?;
        Some(Candidate { app, variant, skip: 0, batch, finish: finish(batch) })
    }

    /// Right answers of a batch.
    fn worth(&self, view: &View<'_>, candidate: Candidate) -> f64 {
        let Candidate { app, variant, skip, batch, .. } = candidate;
        if view.info() == AccuracySource::Profiled {
            let accuracy = Score::of(view.catalog().variant(variant).accuracy);
            return accuracy.value() * batch as f64;
        }
        let requests = self.lines.walk(app).skip(skip).take(batch);
        let each = requests.map(|request| Score::of(view.accuracy(request.id, variant)));
        each.sum::<Score>().value()
    }

    /// Answers that are lost while the worker is busy with a batch.
    fn lost(&self, view: &View<'_>, candidate: Candidate) -> f64 {
        let each = (0..).map(AppId).zip(&self.heads).map(|(app, heads)| {
            let Some(quickest) = heads.quickest else { return 0.0 };
            let next = candidate.finish + quickest;
            let late = heads.deadlines.partition_point(|deadline| *deadline < next);
            let own = late.saturating_sub(candidate.skip).min(candidate.batch);
            let own = if app == candidate.app { own } else { 0 };
            let blocked = next.since(view.now()).0.saturating_sub(view.planning_budget(app).0);
            (late - own) as f64 + heads.rate.unwrap_or(0.0) * blocked as f64
        });
        each.sum()
    }

    /// Begins the batch of the highest score.
    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let FreeLane { view, worker, .. } = lane;
        self.expire(view, lane.plan);
        self.look(&lane);
        let (price, load_price) = self.prices(&lane);
        let mut best: Option<(f64, Candidate)> = None;
        for app in self.lines.apps() {
            for variant in view.variants(worker, app) {
                let Some(candidate) = self.candidate(&lane, app, variant) else { continue };
                let batch = candidate.batch;
                let latency = view.expected_latency(worker, variant, batch).0 as f64;
                let load = self.load_share(&lane, variant, batch);
                let lost = self.lost(view, candidate) / self.lane_count;
                let taken = (price * latency + load_price * load).max(lost);
                let score = self.worth(view, candidate) - taken;
                let is_better = |(highest, other): (f64, Candidate)| {
                    score > highest || score == highest && candidate.finish < other.finish
                };
                if best.is_none_or(is_better) {
                    best = Some((score, candidate));
                }
            }
        }
        let Some((_, Candidate { app, variant, skip, batch, .. })) = best else { return false };
        if !view.worker(worker).holds(variant) {
            self.workers[worker.index()].loaded[variant.index()] = Some(view.now());
        }
        lane.assign(variant, self.lines.take_behind(app, skip, batch));
        true
    }
}

impl WorkerState {
    fn new(catalog: &Catalog, worker: WorkerId) -> Self {
        let lanes = f64::from(catalog.worker(worker).lanes);
        let share = |v| catalog.least_share_ns(worker, v);
        let speed = |app| lanes / catalog.variants_of(app).map(share).fold(f64::INFINITY, f64::min);
        Self {
            speeds: catalog.app_ids().map(speed).collect(),
            speed: 0.0,
            loaded: vec![None; catalog.variant_ids().count()],
        }
    }
}

/// The shortest latency of an application on any worker.
fn shortest(view: &View<'_>, app: AppId) -> Span {
    let each = view.catalog().worker_ids().flat_map(|worker| {
        let latency = move |variant| view.catalog().shortest(worker, variant, usize::MAX);
        view.variants(worker, app).map(latency)
    });
    each.min().unwrap_or_default()
}

impl Scheduler for ShadowPrice {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.take_in(view, trigger);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
        reject_the_rest(view, trigger, plan);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(apps: &[(f64, &[(f64, f64)])]) -> Vec<Step> {
        let mut steps = Vec::new();
        for (requests, offers) in apps {
            let offer =
                |(cost_ns, accuracy): &(f64, f64)| Offer { cost_ns: *cost_ns, accuracy: *accuracy };
            let mut offers: Vec<Offer> = offers.iter().map(offer).collect();
            hull(&mut offers, *requests, &mut steps);
        }
        steps
    }

    #[test]
    fn the_hull_leaves_out_offers_that_are_never_the_best() {
        // From nothing to (10, 0.5), then to (30, 0.9): the others lie below these lines.
        let hull = steps(&[(4.0, &[(30.0, 0.9), (10.0, 0.5), (20.0, 0.6), (25.0, 0.4)])]);
        let seen: Vec<(f64, f64)> = hull.iter().map(|s| (s.cost_ns, s.requests)).collect();
        assert_eq!(seen, [(10.0, 4.0), (20.0, 4.0)]);
        assert!((hull[0].slope() - 0.05).abs() < 1e-12 && (hull[1].slope() - 0.02).abs() < 1e-12);
        // A steeper second step swallows the first.
        let hull = steps(&[(1.0, &[(10.0, 0.1), (20.0, 0.8)])]);
        assert_eq!(hull.len(), 1);
        assert!((hull[0].slope() - 0.04).abs() < 1e-12);
    }

    #[test]
    fn the_price_is_the_slope_of_the_step_that_fits_in_part() {
        // Steps of 40 ns at 0.05, 80 ns at 0.02, and another application's 100 ns at 0.01.
        let apps: [(f64, &[(f64, f64)]); 2] =
            [(4.0, &[(10.0, 0.5), (30.0, 0.9)]), (10.0, &[(10.0, 0.1)])];
        let at = |time_ns| price(&mut steps(&apps), time_ns);
        let near = |time_ns, price: f64| assert!((at(time_ns) - price).abs() < 1e-12, "{time_ns}");
        near(20.0, 0.05);
        near(40.0, 0.035);
        near(80.0, 0.02);
        near(100.0, 0.02 + (0.01 - 0.02) * 0.25);
        near(170.0, 0.01);
        near(219.999_999_999_999, 0.005);
        near(220.0, 0.0);
        // Before the first step there is none to go to.
        near(0.0, 0.05);
        assert!(at(60.0) > at(80.0) && at(80.0) > at(100.0));
    }
}
