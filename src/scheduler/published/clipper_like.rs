//! Clipper: the size of batches follows what batches take, and nothing else is known.
//!
//! Additive increase and multiplicative decrease, in three forms:
//!
//! - `ladder`: sizes 1, 2, 4, 8. A batch starts when that many requests wait. As it starts, the
//!   size goes one step down if the table says that a member will be late, and up otherwise. A
//!   batch holds at most the largest size that takes less than half the budget; the size that is
//!   waited for may be larger. Requests older than twice their budget are dropped, and no other: a
//!   lone request waits for company for ever. At the last question of a run all of them are
//!   rejected.
//! - `paper`: an idle worker takes what waits, up to a size that grows by one after each batch that
//!   took no more than the budget, and else falls to nine tenths.
//! - `released`: 0.92 of what the head's deadline leaves is the budget of a batch. If it is more
//!   than any batch took yet, a larger size is explored: the largest so far until it has five
//!   samples, then one more below ten, then about a tenth more. Otherwise the size comes from a
//!   regression of sizes on latencies, each the mean of its size and three pooled deviations. Late
//!   requests are removed.
//!
//! Source: `ladder`: the AIMD baseline of UMass-LIDS/Proteus 6967c93, `core/predictor.py`. `paper`:
//! Crankshaw et al., NSDI 2017, as remembered, not verified. `released`: ucbrise/clipper 9f25e3f,
//! `containers.cpp`, read and not run. Constants are those of the respective code.
//!
//! Adapted: the variant is fixed. Every worker has sizes of its own for every application; of the
//! applications that are ready the one with the oldest request goes first, since here they share
//! workers, which there they do not. A batch that is left with fewer requests takes the time of
//! these. The regression is by least squares, that of the code by kernels. Not verified: anything
//! but sizes, members and drops of `ladder` on one worker with one application.
//!
//! O(applications) per batch, O(requests of the application) where drops are looked for.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{BatchCompletion, Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::rng::{Label, standard_normal};
use crate::core::rounding::rounded;
use crate::core::units::{Span, Time};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;

/// The sizes of the ladder.
pub const SIZES: [usize; 4] = [1, 2, 4, 8];

const FORMS: [(&str, Form); 3] =
    [("ladder", Form::Ladder), ("paper", Form::Paper), ("released", Form::Released)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "clipper-like",
    summary: "batch sizes by additive increase and multiplicative decrease, fixed variant",
    source: "Crankshaw et al., NSDI 2017; UMass-LIDS/Proteus 6967c93 (AIMD)",
    settings: &[
        &[Setting::choice("form", &names(&FORMS)).means(
            "Which form of the rule: steps of 1, 2, 4, 8 as a later system's baseline has it, the \
             paper's, or that of the released code.",
        )],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(Clipper::read(fields, context)),
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Ladder,
    Paper,
    Released,
}

/// A size that climbs and falls by steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ladder {
    /// The index into the sizes.
    step: usize,
}

impl Ladder {
    /// How many requests must wait before a batch starts.
    pub fn wanted(self, sizes: &[usize]) -> usize {
        sizes.get(self.step).copied().unwrap_or(1)
    }

    /// After a batch has been formed: down if a member will be late, else up.
    pub fn step(&mut self, any_late: bool, sizes: &[usize]) {
        self.step = if any_late {
            self.step.saturating_sub(1)
        } else {
            (self.step + 1).min(sizes.len().saturating_sub(1))
        };
    }
}

/// Whether the ladder drops a request that has waited this long.
pub fn is_given_up(wait: u64, budget: u64) -> bool {
    wait > budget.saturating_mul(2)
}

/// The largest of the sizes that takes less than half the budget; the first if none does.
pub fn half_budget(sizes: &[usize], latency: impl Fn(usize) -> u64, budget: u64) -> usize {
    let fits = sizes.iter().rev().find(|size| latency(**size).saturating_mul(2) < budget);
    fits.or(sizes.first()).copied().unwrap_or(1)
}

/// The paper's next size.
pub fn additive(size: usize, took: u64, budget: u64) -> usize {
    if took <= budget { size + 1 } else { (size * 9 / 10).max(1) }
}

/// What is known of the latencies of each size, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Samples {
    /// By size: how many, their sum, their sum of squares.
    sizes: BTreeMap<usize, (u32, f64, f64)>,
    worst: f64,
}

impl Samples {
    /// Adds a batch that ended.
    pub fn add(&mut self, size: usize, latency: f64) {
        let (count, sum, squares) = self.sizes.entry(size).or_default();
        (*count, *sum, *squares) = (*count + 1, *sum + latency, *squares + latency * latency);
        self.worst = self.worst.max(latency);
    }

    /// The released code's next size; `normal` draws a standard normal number.
    pub fn size(&self, budget: f64, normal: impl FnOnce() -> f64) -> usize {
        let Some((&largest, &(count, ..))) = self.sizes.last_key_value() else { return 1 };
        if budget <= self.worst {
            return self.regression(budget);
        }
        if count < 5 {
            largest
        } else if largest < 10 {
            largest + 1
        } else {
            let growth = (0.1 + 0.05 * normal()).max(0.0);
            rounded(largest as f64 * (1.0 + growth)) as usize
        }
    }

    /// The size whose latency, three pooled deviations above its mean, is the budget, on the line
    /// of least squares.
    fn regression(&self, budget: f64) -> usize {
        let all: f64 = self.sizes.values().map(|(count, ..)| f64::from(*count)).sum();
        let within =
            |(count, sum, squares): &(u32, f64, f64)| squares - sum * sum / f64::from(*count);
        let freedom = (all - self.sizes.len() as f64).max(1.0);
        let deviation = (self.sizes.values().map(within).sum::<f64>().max(0.0) / freedom).sqrt();
        let points = || {
            self.sizes.iter().map(|(size, (count, sum, _))| {
                (sum / f64::from(*count) + 3.0 * deviation, *size as f64)
            })
        };
        let count = self.sizes.len() as f64;
        let mean_x = points().map(|(x, _)| x).sum::<f64>() / count;
        let mean_y = points().map(|(_, y)| y).sum::<f64>() / count;
        let spread: f64 = points().map(|(x, _)| (x - mean_x) * (x - mean_x)).sum();
        let joint: f64 = points().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
        let slope = if spread > 0.0 { joint / spread } else { 0.0 };
        rounded(mean_y + slope * (budget - mean_x)).max(1.0) as usize
    }
}

/// What a worker has learned of an application.
#[derive(Clone, Debug, Default)]
struct Learned {
    ladder: Ladder,
    /// The paper's size; 0 before the first batch.
    size: usize,
    samples: Samples,
}

struct Clipper {
    form: Form,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    variants: FixedVariants,
    /// By worker and application.
    learned: Vec<Learned>,
    /// The application of each variant, and the budget with which it counts.
    apps: Vec<AppId>,
    budgets: Vec<Span>,
    rng: ChaCha8Rng,
}

impl Clipper {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let budget = |app| catalog.app(app).budget.planning();
        let pairs = catalog.worker_ids().len() * catalog.app_ids().len();
        Self {
            form: fields.choice("form", &FORMS),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_arrival(catalog),
            lanes: FreeLanes::new(catalog),
            variants: FixedVariants::read(fields, catalog),
            learned: vec![Learned::default(); pairs],
            apps: catalog.variant_ids().map(|variant| catalog.variant(variant).app).collect(),
            budgets: catalog.app_ids().map(budget).collect(),
            rng: context.rng.stream(Label::Scheduler),
        }
    }

    fn learned(&mut self, worker: WorkerId, app: AppId) -> &mut Learned {
        &mut self.learned[worker.index() * self.budgets.len() + app.index()]
    }

    /// The application with the oldest request among those whose batch may start.
    fn ready(&mut self, lane: &FreeLane<'_>) -> Option<(AppId, VariantId)> {
        let mut first: Option<((Time, RequestId), AppId, VariantId)> = None;
        for app in self.lines.apps() {
            let Some(head) = self.lines.first(app).map(|head| (head.arrival, head.id)) else {
                continue;
            };
            let found = self.variants.variant(lane.view, lane.worker, app);
            let Some(variant) = found else { continue };
            let waiting = self.lines.len(app);
            let most = lane.view.max_batch(lane.worker, variant).min(self.max_batch);
            let waits = self.form == Form::Ladder
                && waiting < self.learned(lane.worker, app).ladder.wanted(sizes(most));
            if !waits && first.is_none_or(|(other, ..)| head < other) {
                first = Some((head, app, variant));
            }
        }
        first.map(|(_, app, variant)| (app, variant))
    }

    /// Rejects the requests of an application that are given up.
    fn drop(&mut self, lane: &mut FreeLane<'_>, app: AppId) {
        let (now, form) = (lane.view.now(), self.form);
        let is_dropped = |request: &Request| match form {
            Form::Ladder => is_given_up(now.since(request.arrival).0, request.budget().0),
            Form::Released => request.deadline < now,
            Form::Paper => false,
        };
        self.lines.drop_where(app, is_dropped, |id| lane.plan.reject(id, RejectReason::Late));
    }

    /// The largest batch of an application.
    fn size(&mut self, lane: &FreeLane<'_>, app: AppId, variant: VariantId) -> usize {
        let most = lane.view.max_batch(lane.worker, variant).min(self.max_batch);
        let latency = |size| lane.view.expected_latency(lane.worker, variant, size).0;
        match self.form {
            Form::Ladder => {
                let sizes = sizes(most);
                let largest = half_budget(sizes, latency, self.budgets[app.index()].0);
                self.learned(lane.worker, app).ladder.wanted(sizes).min(largest)
            }
            Form::Paper => self.learned(lane.worker, app).size.clamp(1, most),
            Form::Released => {
                let now = lane.view.now();
                let head = self.lines.first(app).map_or(now, |head| head.deadline);
                let budget = 0.92 * head.since(now).as_ms();
                let at = lane.worker.index() * self.budgets.len() + app.index();
                let rng = &mut self.rng;
                let normal = || standard_normal(rng.random(), rng.random());
                self.learned[at].samples.size(budget, normal).clamp(1, most)
            }
        }
    }

    fn fill(&mut self, mut lane: FreeLane<'_>) -> bool {
        while let Some((app, variant)) = self.ready(&lane) {
            self.drop(&mut lane, app);
            if self.lines.len(app) == 0 {
                continue;
            }
            let size = self.size(&lane, app, variant).min(self.lines.len(app));
            if self.form == Form::Ladder {
                let most = lane.view.max_batch(lane.worker, variant).min(self.max_batch);
                let finish = lane.view.finish(lane.timeline, variant, size);
                let late = self.lines.walk(app).take(size).any(|r| finish > r.deadline);
                self.learned(lane.worker, app).ladder.step(late, sizes(most));
            }
            lane.assign(variant, self.lines.take(app, size));
            return true;
        }
        false
    }
}

/// The sizes of the ladder that a variant can run.
fn sizes(most: usize) -> &'static [usize] {
    &SIZES[..SIZES.partition_point(|size| *size <= most)]
}

impl Scheduler for Clipper {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn on_completion(&mut self, feedback: &BatchCompletion) {
        let app = self.apps[feedback.variant.index()];
        let budget = self.budgets[app.index()];
        let took = feedback.finished.since(feedback.started);
        let learned = self.learned(feedback.worker, app);
        learned.size = additive(learned.size.max(1), took.0, budget.0);
        learned.samples.add(feedback.batch, took.as_ms());
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
        // It asks for no wake-up: nothing else will happen, and no other request will join them.
        let is_last = trigger.woken && plan.requests().is_empty();
        if self.form == Form::Ladder && is_last {
            for app in self.lines.apps() {
                self.lines.drop_where(app, |_| true, |id| plan.reject(id, RejectReason::Late));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_s_size_grows_by_one_and_falls_by_a_tenth() {
        assert_eq!(
            [(4, 9, 10), (4, 10, 10), (40, 11, 10), (1, 11, 10)]
                .map(|(size, took, budget)| { additive(size, took, budget) }),
            [5, 5, 36, 1]
        );
    }

    #[test]
    fn larger_sizes_are_explored_while_there_is_time() {
        let mut samples = Samples::default();
        let none = || -> f64 { panic!("no draw") };
        assert_eq!(samples.size(100.0, none), 1);
        (0..4).for_each(|_| samples.add(1, 10.0));
        assert_eq!(samples.size(100.0, none), 1);
        samples.add(1, 10.0);
        assert_eq!(samples.size(100.0, none), 2);
        (0..5).for_each(|_| samples.add(20, 29.0));
        assert_eq!(samples.size(100.0, || 0.0), 22);
        assert_eq!(samples.size(100.0, || -3.0), 20);
        // Ten milliseconds and one for each further request, without deviation.
        assert_eq!(samples.size(20.0, none), 11);
        assert_eq!(samples.size(1.0, none), 1);
    }
}
