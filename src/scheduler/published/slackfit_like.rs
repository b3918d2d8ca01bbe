//! SlackFit: the time that the earliest deadline leaves decides variant and batch at once.
//!
//! Latencies of all variants and batches span an interval, which is divided into buckets. A bucket
//! knows in advance the largest batch that takes no longer than its lower bound, on the most
//! accurate variant that manages it. At a decision the slack of the request that is due first picks
//! the bucket: much slack is spent on accuracy and large batches, little on speed.
//!
//! ```text
//! lo, hi     the least and the largest latency of all (variant, batch)
//! entry k    among latencies <= lo + k (hi - lo) / buckets: the largest batch, then the highest
//!            accuracy, then the first listed
//! slack < lo the fastest variant alone, or rejected with `reject_late`
//! else       entry min(buckets, floor((slack - lo) / width)), by deadline
//! ```
//!
//! Source: Khare et al., SuperServe (NSDI 2025, arXiv 2312.16733), from the text; no code is
//! public.
//! Sixteen buckets are our default; the order of ties and `floor` are our reading of the text.
//!
//! Adapted: each application has its own table, of the variants that no other beats in accuracy and
//! in the latency of the largest batch. `swap = "free"` is the published setting, a supernet whose
//! variants share weights: loads are not looked at (with real loads in the profile they are paid
//! all the same, unless the profile says by `shares` that there is one set of weights).
//! `swap = "real"` takes the load of the entry's own variant off the slack, and the way to a worker
//! behind a link.
//! `rule = "max-acc"` is an ablation: within a bucket the highest accuracy counts before the batch.
//! The ablation with the largest batch and without buckets is this rule with very many of them. Not
//! verified against anything but our reading.
//!
//! O(buckets · variants · batches) once per application and worker; then O(buckets) per batch and
//! O(log n) per request.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::rounding::rounded;
use crate::core::units::{NS_PER_MS, Span};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

const SWAPS: [(&str, Swap); 2] = [("free", Swap::Free), ("real", Swap::Real)];
const RULES: [(&str, Rule); 2] = [("slackfit", Rule::SlackFit), ("max-acc", Rule::MaxAccuracy)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "slackfit-like",
    summary: "the slack of the earliest deadline picks variant and batch from a table of buckets",
    source: "Khare et al. (SuperServe), NSDI 2025, from the text",
    settings: &[
        &[
            Setting::integer("buckets", [1, 10_000], 16)
                .means("Into how many buckets the span of latencies is divided."),
            Setting::choice("swap", &names(&SWAPS)).means(
                "Whether a change of variant takes no time, as published, or the load of the \
                 variant is taken off the slack.",
            ),
            Setting::choice("rule", &names(&RULES)).means(
                "On what the slack of a bucket is spent first: on the largest batch, as published, \
                 or on the most accurate variant.",
            ),
            Setting::flag("reject_late", false)
                .means("Whether heads are rejected whose slack is too little for every variant."),
        ],
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(SlackFit::read(fields, context)),
};

/// What a change of variant costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Swap {
    Free,
    Real,
}

/// On what the slack of a bucket is spent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// On the batch.
    SlackFit,
    /// On accuracy.
    MaxAccuracy,
}

/// A variant: its accuracy, and its latencies in milliseconds by batch size from 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Ladder {
    /// The probability of a right answer.
    pub accuracy: f64,
    /// Latencies of batches of 1, 2 and so on.
    pub latency: Vec<f64>,
}

/// A variant and a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The index of the variant.
    pub variant: usize,
    /// The number of requests at most.
    pub batch: usize,
}

/// What is chosen for each slack.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    low: f64,
    width: f64,
    /// By bucket; never empty.
    entries: Vec<Entry>,
    /// What is left where nothing is in time.
    fastest: Entry,
}

impl Buckets {
    /// The table of these variants; `None` without latencies.
    pub fn new(variants: &[Ladder], buckets: usize, rule: Rule) -> Option<Self> {
        let all = || {
            (0..).zip(variants).flat_map(|(variant, ladder)| {
                let sizes = (1..).zip(&ladder.latency);
                sizes.map(move |(batch, latency)| (Entry { variant, batch }, *latency))
            })
        };
        let low = all().map(|(_, latency)| latency).min_by(f64::total_cmp)?;
        let high = all().map(|(_, latency)| latency).max_by(f64::total_cmp)?;
        let alone = all().filter(|(entry, _)| entry.batch == 1);
        let (fastest, _) = alone.min_by(|a, b| a.1.total_cmp(&b.1))?;
        let width = (high - low) / buckets as f64;
        let accuracy = |entry: &Entry| variants[entry.variant].accuracy;
        // The better one; of equals the first listed.
        let is_better = |entry: &Entry, than: &Entry| {
            let batch = entry.batch.cmp(&than.batch);
            let accuracy = accuracy(entry).total_cmp(&accuracy(than));
            let order = match rule {
                Rule::SlackFit => batch.then(accuracy),
                Rule::MaxAccuracy => accuracy.then(batch),
            };
            order.is_gt()
        };
        let entry = |bucket: usize| {
            let bound = rounded(low + bucket as f64 * width);
            let fits =
                all().filter(|(_, latency)| rounded(*latency) <= bound).map(|(entry, _)| entry);
            let best =
                fits.reduce(|best, entry| if is_better(&entry, &best) { entry } else { best });
            best.unwrap_or(fastest)
        };
        let entries = (0..=buckets).map(entry).collect();
        Some(Self { low, width, entries, fastest })
    }

    /// The bucket of a slack; `None` if not even the least latency fits into it.
    pub fn bucket(&self, slack: f64) -> Option<usize> {
        if rounded(slack) < rounded(self.low) {
            return None;
        }
        let last = self.entries.len() - 1;
        // Without a width every slack is beyond the last bound.
        let at = rounded((slack - self.low) / self.width);
        Some(if at < last as f64 { at as usize } else { last })
    }

    /// The bound of a bucket.
    pub fn bound(&self, bucket: usize) -> f64 {
        self.low + bucket as f64 * self.width
    }

    /// What is chosen for a slack; `None` if it is below the least latency.
    pub fn choose(&self, slack: f64) -> Option<Entry> {
        self.bucket(slack).map(|bucket| self.entries[bucket])
    }

    /// The same where a variant costs a load: the entry of the highest bucket into which the slack
    /// falls once the load of the entry's own variant is taken off.
    pub fn choose_with_loads(&self, slack: f64, load: impl Fn(usize) -> f64) -> Option<Entry> {
        let highest = self.bucket(slack)?;
        let affords = |bucket: &usize| {
            let left = slack - load(self.entries[*bucket].variant);
            self.bucket(left).is_some_and(|own| own >= *bucket)
        };
        (0..=highest).rev().find(affords).map(|bucket| self.entries[bucket])
    }

    /// The fastest variant alone.
    pub fn fastest(&self) -> Entry {
        self.fastest
    }
}

/// The variants that no other beats in both accuracy and latency of the largest batch.
pub fn undominated(variants: &[Ladder]) -> Vec<usize> {
    let beats =
        |a: &Ladder, b: &Ladder| a.accuracy > b.accuracy && a.latency.last() < b.latency.last();
    let kept = (0..variants.len()).filter(|at| !variants.iter().any(|a| beats(a, &variants[*at])));
    kept.collect()
}

/// The table of an application on a worker, with the variants of its entries.
struct Table {
    buckets: Buckets,
    variants: Vec<VariantId>,
}

struct SlackFit {
    buckets: usize,
    swap: Swap,
    rule: Rule,
    drops: bool,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    /// By worker and application; nothing where no variant can run.
    tables: Vec<Option<Table>>,
}

impl SlackFit {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        let mut own = Self {
            buckets: fields.integer("buckets") as usize,
            swap: fields.choice("swap", &SWAPS),
            rule: fields.choice("rule", &RULES),
            drops: fields.flag("reject_late"),
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_deadline(catalog),
            lanes: FreeLanes::new(catalog),
            tables: Vec::new(),
        };
        for worker in catalog.worker_ids() {
            let tables = catalog.app_ids().map(|app| own.table(context, worker, app));
            let tables: Vec<Option<Table>> = tables.collect();
            own.tables.extend(tables);
        }
        own
    }

    fn table(&self, context: &BuildContext<'_>, worker: WorkerId, app: AppId) -> Option<Table> {
        let catalog = context.catalog;
        let usable = catalog.variants_of(app).filter(|v| catalog.usable(worker, *v));
        let variants: Vec<VariantId> = usable.collect();
        let ladder = |variant: &VariantId| {
            let most = catalog.max_batch(worker, *variant).min(self.max_batch);
            let latency = |batch| catalog.latency(worker, *variant, batch).as_ms();
            let accuracy = catalog.variant(*variant).accuracy;
            Ladder { accuracy, latency: (1..=most).map(latency).collect() }
        };
        let ladders: Vec<Ladder> = variants.iter().map(ladder).collect();
        let kept = undominated(&ladders);
        let ladders: Vec<Ladder> = kept.iter().map(|at| ladders[*at].clone()).collect();
        let buckets = Buckets::new(&ladders, self.buckets, self.rule)?;
        Some(Table { buckets, variants: kept.iter().map(|at| variants[*at]).collect() })
    }

    /// Serves the request that is due first, with others of its application.
    fn fill(&mut self, lane: FreeLane<'_>) -> bool {
        let apps = self.lines.apps().count();
        loop {
            let (view, worker) = (lane.view, lane.worker);
            let tables = &self.tables[worker.index() * apps..][..apps];
            let served = self.lines.apps().filter(|app| tables[app.index()].is_some());
            let heads = served.filter_map(|app| self.lines.first(app));
            let head = heads.min_by_key(|head| (head.deadline, head.id)).copied();
            let Some(head) = head else { return false };
            let Some(table) = &tables[head.app.index()] else { return false };
            let Table { buckets, variants } = table;
            let overhead = view.catalog().overhead.of(1);
            let free = lane.timeline.free_at().max(view.now());
            let slack = (head.deadline.0 as f64 - (free + overhead).0 as f64) / NS_PER_MS as f64;
            let load = |at: usize| {
                let delay = lane.delay(variants[at]);
                Span(delay.0.saturating_sub(free.since(view.now()).0)).as_ms()
            };
            let entry = match self.swap {
                Swap::Free => buckets.choose(slack),
                Swap::Real => buckets.choose_with_loads(slack, load),
            };
            if entry.is_none() && self.drops {
                lane.plan.reject(head.id, RejectReason::Late);
                self.lines.pop(head.app);
                continue;
            }
            let Entry { variant, batch } = entry.unwrap_or_else(|| buckets.fastest());
            lane.assign(variants[variant], self.lines.take(head.app, batch));
            return true;
        }
    }
}

impl Scheduler for SlackFit {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane));
        self.lanes = lanes;
    }
}
