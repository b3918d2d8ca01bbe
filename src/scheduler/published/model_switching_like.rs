//! Model-Switching: under load a faster variant gives more right answers in time, and a table says
//! from which load on.
//!
//! ```text
//! EA_m(load)   accuracy of m · share of requests that m would answer in time at this load
//! every period the variant with the highest EA at the present load, if that is more than 1 % above
//!              the EA of the variant in use
//! ```
//!
//! The shares are found beforehand: 2,000 Poisson arrivals at each of twelve loads, one worker and
//! one application, first come first served in batches as full as possible, latencies of the table.
//! At a rate that full batches do not keep up with the queue grows for ever, and the share is 0.
//! Between loads they are interpolated; beyond the last they are those of the last.
//!
//! Source: Zhang et al., HotCloud 2020, from the abstract; no code is known. The period, the window
//! of five periods, 1 % and the loads are ours.
//!
//! Adapted: a load of 1 is what the workers can do with the fastest variants in their best batches.
//! Applications share workers by the time that these would take: so all of them see the load of
//! all. Loads are not in the table: where the chosen variants do not fit together, they are paid.
//! Before the first choice the fastest variants are used. `counts_waiting` adds the requests that
//! wait to those of the last period (MS+). The application with the oldest request is served first.
//! A variant is loaded by its first batch. Not verified against anything.
//!
//! O(variants · 24,000) per application and class of workers at the start; O(variants) per period.

use crate::config::{Decoder, Setting};
use crate::contract::{Plan, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::rng::{Label, exponential};
use crate::core::units::{NS_PER_S, Span, Time};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::arrival_rates::ArrivalRates;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};
use crate::system::catalog::Catalog;
use rand::RngExt;

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "model-switching-like",
    summary: "the variant whose answers are most often right and in time at the present load",
    source: "Zhang et al., HotCloud 2020, from the abstract",
    settings: &[
        &[
            Setting::number("period_s", [1e-3, 1e6], 1.0)
                .means("The time from one choice of variants to the next."),
            Setting::flag("counts_waiting", false)
                .means("Whether requests that wait count as if they arrived in the coming period."),
        ],
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(ModelSwitching::read(fields, context)),
};

/// The loads of the table.
const LOADS: [f64; 12] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2];

/// Arrivals per load.
const ARRIVALS: usize = 2000;

/// The share of requests that are answered in time: latencies by batch size from 1 and the budget
/// in nanoseconds, gaps with mean 1.
pub fn on_time_share(latencies: &[u64], budget: u64, rate_rps: f64, gaps: &[f64]) -> f64 {
    let mut arrived = 0.0;
    let arrival = |gap: &f64| {
        arrived += gap / rate_rps * NS_PER_S as f64;
        arrived.round() as u64
    };
    let arrivals: Vec<u64> = gaps.iter().map(arrival).collect();
    let (mut first, mut free, mut on_time) = (0, 0, 0);
    while let Some(oldest) = arrivals.get(first) {
        let start = free.max(*oldest);
        let waiting = arrivals[first..].partition_point(|arrival| *arrival <= start);
        let batch = waiting.min(latencies.len());
        let Some(latency) = batch.checked_sub(1).map(|at| latencies[at]) else { return 0.0 };
        free = start.saturating_add(latency);
        let members = &arrivals[first..first + batch];
        on_time += members.iter().filter(|arrival| free - **arrival <= budget).count();
        first += batch;
    }
    on_time as f64 / gaps.len().max(1) as f64
}

/// Requests per second in the best batch.
fn most_rps(latencies: &[u64]) -> f64 {
    let rates = (1..).zip(latencies);
    rates.map(|(batch, ns)| f64::from(batch) / *ns as f64 * NS_PER_S as f64).fold(0.0, f64::max)
}

/// The effective accuracy of a variant by load.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Its accuracy where all answers are in time.
    pub accuracy: f64,
    /// The share of answers in time at no load and at each load of the table.
    pub shares: Vec<(f64, f64)>,
}

impl Curve {
    /// Its effective accuracy at a load.
    pub fn at(&self, load: f64) -> f64 {
        let next = self.shares.partition_point(|(other, _)| *other < load);
        let last = self.shares.len().saturating_sub(1);
        let (before, after) = (next.saturating_sub(1), next.min(last));
        let (Some((x0, y0)), Some((x1, y1))) = (self.shares.get(before), self.shares.get(after))
        else {
            return 0.0;
        };
        let part = if x1 > x0 { ((load - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { 0.0 };
        self.accuracy * (y0 + part * (y1 - y0))
    }
}

/// The variant to use at a load; the first of equals.
pub fn switch(curves: &[Curve], current: Option<usize>, load: f64) -> Option<usize> {
    let values = (0..).zip(curves).map(|(at, curve)| (at, curve.at(load)));
    let best = values.reduce(|best, one| if one.1 > best.1 { one } else { best });
    let (best, value) = best?;
    let stays = current.and_then(|at| curves.get(at)).is_some_and(|c| value <= 1.01 * c.at(load));
    if stays { current } else { Some(best) }
}

/// An application on a worker.
#[derive(Clone)]
struct Choices {
    variants: Vec<VariantId>,
    curves: Vec<Curve>,
    /// Requests per second with the fastest variant in its best batch.
    fastest_rps: f64,
    current: Option<usize>,
}

struct ModelSwitching {
    period: Span,
    counts_waiting: bool,
    max_batch: usize,
    next: Option<Time>,
    lines: AppLines,
    lanes: FreeLanes,
    rates: ArrivalRates,
    /// By worker and application.
    choices: Vec<Choices>,
}

impl ModelSwitching {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let period = Span::from_s(fields.number("period_s"));
        let tenth = Span((period.0 / 10).max(1));
        let mut rng = context.rng.stream(Label::Scheduler);
        let gaps: Vec<f64> = (0..ARRIVALS).map(|_| exponential(rng.random())).collect();
        let mut own = Self {
            period,
            counts_waiting: fields.flag("counts_waiting"),
            max_batch: fields.integer("max_batch") as usize,
            next: None,
            lines: AppLines::by_arrival(catalog),
            lanes: FreeLanes::new(catalog),
            rates: ArrivalRates::new(catalog, tenth, 50),
            choices: Vec::new(),
        };
        let apps = catalog.app_ids().len();
        for worker in catalog.worker_ids() {
            let class = catalog.class_index(worker);
            let twin = catalog.worker_ids().take(worker.index()).find(|other| {
                catalog.class_index(*other) == class && same_memory(catalog, *other, worker)
            });
            let choices: Vec<Choices> = match twin {
                Some(twin) => own.choices[twin.index() * apps..][..apps].to_vec(),
                None => catalog.app_ids().map(|a| own.choices(catalog, worker, a, &gaps)).collect(),
            };
            own.choices.extend(choices);
        }
        own
    }

    fn choices(&self, catalog: &Catalog, worker: WorkerId, app: AppId, gaps: &[f64]) -> Choices {
        let usable = catalog.variants_of(app).filter(|v| catalog.usable(worker, *v));
        let variants: Vec<VariantId> = usable.collect();
        let latencies = |variant: &VariantId| -> Vec<u64> {
            let most = catalog.max_batch(worker, *variant).min(self.max_batch);
            (1..=most).map(|batch| catalog.latency(worker, *variant, batch).0).collect()
        };
        let tables: Vec<Vec<u64>> = variants.iter().map(latencies).collect();
        let rates: Vec<f64> = tables.iter().map(|table| most_rps(table)).collect();
        let fastest_rps = rates.iter().copied().fold(0.0, f64::max);
        let fastest = rates.iter().position(|rate| *rate == fastest_rps);
        let budget = catalog.app(app).budget.planning().0;
        let curve = |(variant, table): (&VariantId, &Vec<u64>)| {
            let alone = table.first().is_some_and(|ns| *ns <= budget);
            let most = most_rps(table);
            let share = |load| {
                let rate = load * fastest_rps;
                let keeps_up = rate < most;
                (load, if keeps_up { on_time_share(table, budget, rate, gaps) } else { 0.0 })
            };
            let at_rest = (0.0, f64::from(u8::from(alone)));
            Curve {
                accuracy: catalog.variant(*variant).accuracy,
                shares: std::iter::once(at_rest).chain(LOADS.map(share)).collect(),
            }
        };
        let curves = variants.iter().zip(&tables).map(curve).collect();
        Choices { variants, curves, fastest_rps, current: fastest }
    }

    /// The load of all applications on all workers.
    fn load(&self, now: Time) -> f64 {
        let apps = self.lines.apps().count();
        let part = |app: AppId| {
            let own = self.choices.iter().skip(app.index()).step_by(apps);
            let most: f64 = own.map(|choices| choices.fastest_rps).sum();
            let waiting = if self.counts_waiting { self.lines.len(app) as f64 } else { 0.0 };
            let rate = self.rates.mean_rps(app, now).unwrap_or(0.0) + waiting / self.period.as_s();
            if most > 0.0 { rate / most } else { 0.0 }
        };
        self.lines.apps().map(part).sum()
    }

    /// Serves the oldest request that the worker can serve, with others of its application.
    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let apps = self.lines.apps().count();
        let choices = &self.choices[lane.worker.index() * apps..][..apps];
        let variant = |app: AppId| {
            let own = &choices[app.index()];
            own.variants.get(own.current?).copied()
        };
        let heads = self.lines.apps().filter_map(|app| {
            let (head, variant) = (self.lines.first(app)?, variant(app)?);
            Some(((head.arrival, head.id), app, variant))
        });
        let Some((_, app, variant)) = heads.min_by_key(|(head, ..)| *head) else { return false };
        let most = lane.view.max_batch(lane.worker, variant).min(self.max_batch);
        lane.assign(variant, self.lines.take(app, most));
        true
    }
}

/// Whether two workers can hold the same variants.
fn same_memory(catalog: &Catalog, a: WorkerId, b: WorkerId) -> bool {
    catalog.worker(a).memory_bytes == catalog.worker(b).memory_bytes
}

impl Scheduler for ModelSwitching {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        self.rates.take_in(view, trigger);
        let now = view.now();
        // The first choice is made after a tenth of a period.
        let next = *self.next.get_or_insert(now + Span(self.period.0 / 10));
        if now >= next {
            self.next = Some(now + self.period);
            let load = self.load(now);
            for choices in &mut self.choices {
                choices.current = switch(&choices.curves, choices.current, load);
            }
        }
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_as_full_as_possible() {
        // Arrivals at 10, 20, 30 and 100 ns: the first alone until 40, the next two until 55.
        let gaps = [1.0, 1.0, 1.0, 7.0];
        let share = |budget| on_time_share(&[30, 15], budget, 1e8, &gaps);
        assert_eq!([29, 30, 34, 35].map(share), [0.25, 0.75, 0.75, 1.0]);
    }

    #[test]
    fn a_faster_variant_takes_over_where_it_gains_enough() {
        let curve = |accuracy, end| Curve { accuracy, shares: vec![(0.0, 1.0), (1.0, end)] };
        let curves = [curve(0.8, 0.9), curve(0.9, 0.1)];
        assert_eq!(curves[1].at(0.5), 0.9 * 0.55);
        assert_eq!(curves[1].at(2.0), 0.9 * 0.1);
        assert_eq!(switch(&curves, None, 0.0), Some(1));
        assert_eq!(switch(&curves, Some(1), 0.5), Some(0));
        // 0.72 is not more than 1 % above 0.72.
        assert_eq!(switch(&[curve(0.8, 0.9), curve(0.9, 0.8)], Some(1), 1.0), Some(1));
        assert_eq!(switch(&[], None, 1.0), None);
    }
}
