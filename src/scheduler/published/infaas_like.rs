//! INFaaS: a request states how accurate and how fast its answer must be, and gets the slowest
//! variant in memory that still is.
//!
//! ```text
//! lat(v)    slope · b + intercept of the table, at the batch b = min(32, the largest)
//! recent    of the last five variants used, the first that is accurate and fast enough and runs;
//!           as a new replica where it is too slow lately
//! search    by rising accuracy, the first max(3, floor(0.15 · target / 0.6 ms)) that are accurate
//!           enough: of those that run and are fast enough `target - lat`, of those that do not
//!           `1000 ms + load + lat` if their largest batch is smaller than that of any before;
//!           the least wins
//! too slow  the mean of a variant's last ten batches is above the target
//! ```
//!
//! Source: Romero et al., ATC 2021; stanford-mast/INFaaS 4c5ff7b, `master/queryfe_server.cc`.
//! Constants of the code. Its variants for CPUs (largest batch above 64) count with the request's
//! own batch, never replicate, and are a way out for targets above 100 ms, for which it refuses
//! variants faster than 100 ms: [`choose`] has that, the scheduler has no such variants.
//!
//! Adapted: the target is the budget of the head; its accuracy is stated relative to the variants
//! of its application, as a quantile. A variant runs if it is in the memory of the worker that is
//! free, or its load takes no time. The slope is that of least squares. The head is served with as
//! many of its application as fit; the application with the oldest head is first. A new replica is
//! a load on another worker. Not here: the autoscaler, which adds machines, and would load variants
//! that the search does not take. Not verified: anything but the choice.
//!
//! O(variants log variants) per batch.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{
    BatchCompletion, Decision, Plan, RejectReason, Scheduler, Trigger, View, WorkerView,
};
use crate::core::ids::{AppId, Request, VariantId, WorkerId};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::published::measured_spans::MeasuredSpans;
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

const INSTEAD: [(&str, Instead); 2] = [("fastest", Instead::Fastest), ("reject", Instead::Reject)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "infaas-like",
    summary: "the slowest variant in memory that is accurate and fast enough",
    source: "Romero et al., ATC 2021; stanford-mast/INFaaS 4c5ff7b",
    settings: &[
        &[
            Setting::number("accuracy_quantile", [0.0, 1.0], 0.5).means(
                "How accurate an answer must be: as the variant at this quantile of the \
                 accuracies of its application's variants.",
            ),
            Setting::choice("unserved", &names(&INSTEAD)).means(
                "What becomes of a request that no variant serves accurately and fast enough.",
            ),
        ],
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Infaas::read(fields, context)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Instead {
    Fastest,
    Reject,
}

/// A variant as the search sees it; milliseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Offer {
    /// The probability of a right answer, in any unit.
    pub accuracy: f64,
    /// The largest batch.
    pub largest: usize,
    /// Latency per request of a batch, and of an empty one.
    pub slope: f64,
    /// The latency of an empty batch.
    pub intercept: f64,
    /// The time of a load.
    pub load: f64,
    /// Whether it is in memory.
    pub is_running: bool,
    /// Whether it is leaving the memory.
    pub is_unloading: bool,
    /// Whether it is too slow lately.
    pub is_slow: bool,
}

/// What a request states.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Query {
    /// The least accuracy.
    pub accuracy: f64,
    /// The longest latency in milliseconds.
    pub target: f64,
    /// Its own number of inputs.
    pub batch: usize,
    /// Whether fast variants are refused for long targets.
    pub refuses_fast: bool,
}

/// The variant that serves a request, and whether it runs already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The index of the variant.
    pub variant: usize,
    /// Otherwise it is loaded, or a replica of it is.
    pub is_running: bool,
}

/// The target from which on fast variants are refused, and what counts as fast.
const LONG: f64 = 100.0;

impl Offer {
    fn is_cpu(&self) -> bool {
        self.largest > 64
    }

    fn latency(&self, query: &Query) -> f64 {
        let batch = if self.is_cpu() { query.batch } else { self.largest.min(32) };
        self.slope * batch as f64 + self.intercept
    }

    fn is_fast_enough(&self, query: &Query) -> bool {
        let latency = self.latency(query);
        let is_refused = query.refuses_fast && query.target > LONG && latency < LONG;
        latency <= query.target && !is_refused
    }
}

/// The choice for a request; `recent` are the variants used last, most recent first.
pub fn choose(offers: &[Offer], query: &Query, recent: &[usize]) -> Option<Choice> {
    let chosen = recent.iter().find_map(|variant| {
        let offer = offers.get(*variant)?;
        let suits = offer.accuracy >= query.accuracy
            && offer.largest >= query.batch
            && offer.is_fast_enough(query);
        let is_there = offer.is_running && !offer.is_unloading;
        (suits && is_there && !(offer.is_slow && offer.is_cpu()))
            .then_some(Choice { variant: *variant, is_running: !offer.is_slow })
    });
    chosen.or_else(|| search(offers, query))
}

/// The search over all variants.
fn search(offers: &[Offer], query: &Query) -> Option<Choice> {
    let accurate = |v: &usize| offers[*v].accuracy >= query.accuracy;
    let mut order: Vec<usize> = (0..offers.len()).filter(accurate).collect();
    order.sort_by(|a, b| offers[*a].accuracy.total_cmp(&offers[*b].accuracy));
    order.truncate(((0.15 * query.target / 0.6) as usize).max(3));
    // The least so far, and the least of the CPU variants that would have to be loaded.
    let (mut best, mut slow): (Option<Scored>, Option<Scored>) = (None, None);
    let (mut smallest, mut is_covered) = (usize::MAX, false);
    for variant in order {
        let offer = &offers[variant];
        if offer.largest < query.batch {
            continue;
        }
        let is_smallest = offer.largest < smallest;
        smallest = smallest.min(offer.largest);
        let is_left_out = offer.is_running && offer.is_unloading;
        if !offer.is_fast_enough(query) || is_left_out {
            continue;
        }
        let latency = offer.latency(query);
        let (total, slack) = (1000.0 + offer.load + latency, query.target - latency);
        let choice = Choice { variant, is_running: offer.is_running && !offer.is_slow };
        is_covered |= choice.is_running || offer.is_running && offer.is_cpu();
        match (offer.is_running, offer.is_slow && offer.is_cpu()) {
            (true, true) => {}
            (true, false) => keep_least(&mut best, (slack, choice)),
            (false, _) => {
                if is_smallest {
                    keep_least(&mut best, (total, choice));
                }
                if offer.largest == 128 {
                    keep_least(&mut slow, (total, choice));
                }
            }
        }
    }
    let way_out = slow.filter(|_| query.refuses_fast && query.target > LONG && !is_covered);
    way_out.or(best).map(|(_, choice)| choice)
}

/// What the choice costs, in milliseconds.
type Scored = (f64, Choice);

fn keep_least(least: &mut Option<Scored>, one: Scored) {
    if least.is_none_or(|(other, _)| one.0 < other) {
        *least = Some(one);
    }
}

/// Puts the variant used last to the front of the last five.
pub fn remember<V: PartialEq>(recent: &mut Vec<V>, variant: V) {
    recent.retain(|other| *other != variant);
    recent.insert(0, variant);
    recent.truncate(5);
}

/// Slope and intercept of latencies of batches from 1, by least squares.
pub fn fit(latencies: &[f64]) -> (f64, f64) {
    let count = latencies.len() as f64;
    let (mean_x, mean_y) =
        (f64::midpoint(count, 1.0), latencies.iter().sum::<f64>() / count.max(1.0));
    let points = || (1..).zip(latencies).map(|(x, y)| (f64::from(x) - mean_x, y - mean_y));
    let spread: f64 = points().map(|(x, _)| x * x).sum();
    let joint: f64 = points().map(|(x, y)| x * y).sum();
    let slope = if spread > 0.0 { joint / spread } else { 0.0 };
    (slope, mean_y - slope * mean_x)
}

struct Infaas {
    quantile: f64,
    unserved: Instead,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    spans: MeasuredSpans,
    /// By application, the variants used last.
    recent: Vec<Vec<VariantId>>,
    /// By worker and application, the variants, and what of them does not change.
    offers: Vec<(Vec<VariantId>, Vec<Offer>)>,
    /// Workers and variants of which another worker should have a replica.
    replicas: Vec<(WorkerId, VariantId)>,
}

impl Infaas {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        Self {
            quantile: fields.number("accuracy_quantile"),
            unserved: fields.choice("unserved", &INSTEAD),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_arrival(catalog),
            lanes: FreeLanes::new(catalog),
            spans: MeasuredSpans::default(),
            recent: catalog.app_ids().map(|_| Vec::new()).collect(),
            offers: Vec::new(),
            replicas: Vec::new(),
        }
    }

    /// The variants of an application that can run on a worker.
    fn offers(
        &self,
        view: &View<'_>,
        worker: WorkerId,
        app: AppId,
    ) -> (Vec<VariantId>, Vec<Offer>) {
        let is_loaded = |variant: &VariantId| !view.catalog().is_peek(*variant);
        let variants: Vec<VariantId> = view.variants(worker, app).filter(is_loaded).collect();
        let offer = |variant: &VariantId| {
            let largest = view.max_batch(worker, *variant).min(self.max_batch);
            let latency = |batch| view.expected_latency(worker, *variant, batch).as_ms();
            let latencies: Vec<f64> = (1..=largest).map(latency).collect();
            let (slope, intercept) = fit(&latencies);
            Offer {
                accuracy: view.catalog().variant(*variant).accuracy,
                largest,
                slope,
                intercept,
                load: view.load_span(worker, *variant).as_ms(),
                is_running: false,
                is_unloading: false,
                is_slow: false,
            }
        };
        let offers = variants.iter().map(offer).collect();
        (variants, offers)
    }

    fn choose(&self, lane: &FreeLane<'_>, head: &Request) -> Option<(VariantId, bool)> {
        let apps = self.recent.len();
        let (variants, offers) = &self.offers[lane.worker.index() * apps + head.app.index()];
        let target = head.budget();
        let offer = |(variant, offer): (&VariantId, &Offer)| Offer {
            is_running: offer.load == 0.0 || lane.timeline.memory().contains(*variant),
            is_slow: self.spans.mean(lane.worker, *variant).is_some_and(|mean| mean > target),
            ..*offer
        };
        let offers: Vec<Offer> = variants.iter().zip(offers).map(offer).collect();
        let mut accuracies: Vec<f64> = offers.iter().map(|offer| offer.accuracy).collect();
        accuracies.sort_by(f64::total_cmp);
        let at = (self.quantile * accuracies.len().checked_sub(1)? as f64) as usize;
        let query = Query {
            accuracy: accuracies[at],
            target: target.as_ms(),
            batch: 1,
            refuses_fast: false,
        };
        let place = |variant: &VariantId| variants.iter().position(|other| other == variant);
        let recent: Vec<usize> = self.recent[head.app.index()].iter().filter_map(place).collect();
        let chosen = choose(&offers, &query, &recent);
        let is_slow = |choice: &Choice| offers[choice.variant].is_slow;
        chosen.map(|choice| (variants[choice.variant], is_slow(&choice)))
    }

    /// Serves the oldest request, with others of its application.
    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        loop {
            let (view, worker, apps) = (lane.view, lane.worker, self.recent.len());
            let variants = |app: &AppId| &self.offers[worker.index() * apps + app.index()].0;
            let served = self.lines.apps().filter(|app| !variants(app).is_empty());
            let heads = served.filter_map(|app| self.lines.first(app));
            let Some(head) = heads.min_by_key(|head| (head.arrival, head.id)).copied() else {
                return false;
            };
            let (variant, is_slow) = match self.choose(&lane, &head) {
                Some(chosen) => chosen,
                None if self.unserved == Instead::Reject => {
                    lane.plan.reject(head.id, RejectReason::Admission);
                    self.lines.pop(head.app);
                    continue;
                }
                None => {
                    let alone = |v: &&VariantId| view.expected_latency(worker, **v, 1);
                    let fastest = variants(&head.app).iter().min_by_key(alone);
                    let Some(fastest) = fastest else { return false };
                    (*fastest, false)
                }
            };
            remember(&mut self.recent[head.app.index()], variant);
            let most = view.max_batch(worker, variant).min(self.max_batch);
            if is_slow {
                self.replicas.push((worker, variant));
            }
            lane.assign(variant, self.lines.take(head.app, most));
            return true;
        }
    }
}

impl Scheduler for Infaas {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn on_completion(&mut self, ended: &BatchCompletion) {
        self.spans.add(ended);
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if self.offers.is_empty() {
            let pairs = view
                .catalog()
                .worker_ids()
                .flat_map(|worker| view.catalog().app_ids().map(move |app| (worker, app)));
            self.offers = pairs.map(|(worker, app)| self.offers(view, worker, app)).collect();
        }
        self.lines.take_in(view, trigger);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
        for (worker, variant) in self.replicas.drain(..) {
            let is_given = |id| {
                let mut decisions = plan.decisions().iter();
                decisions.any(|d| matches!(d, Decision::Assign { worker, .. } if *worker == id))
            };
            let can = |other: &WorkerView<'_>| {
                let is_free = other.is_idle() && other.running().next().is_none();
                is_free && view.max_batch(other.id, variant) > 0 && !other.holds(variant)
            };
            let others = view.workers().filter(|other| other.id != worker);
            let replica = others.filter(can).find(|other| !is_given(other.id));
            if let Some(other) = replica {
                plan.preload(other.id, variant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_fitted_exactly() {
        assert_eq!(fit(&[5.0, 7.0, 9.0]), (2.0, 3.0));
        assert_eq!(fit(&[5.0]), (0.0, 5.0));
    }
}
