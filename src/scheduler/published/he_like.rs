//! He et al.: the best batches for the requests of each network that are there.
//!
//! Of the paper only the abstract can be read: batching of all requests of one network for the sum
//! of completion times or for the number on time, several networks, and a part of the work at the
//! client. Each rule here is ours and is optimal for its case:
//!
//! ```text
//! completion  F(j) = min over b <= B of F(j - b) + j · L(b)          j requests are left
//! on time     by deadline; G(j, s) = the earliest end of the first j, all but s on time:
//!             G(j+1, s+1) <- G(j, s);   G(j+b, s) <- G(j, s) + L(b) if <= the deadline of j+1;
//!             the least s with G(all, s)
//! networks    the first batch with the least (load + latency) / size goes first; then all again
//! places      a batch stays here unless another worker would end it earlier; behind a link only
//! ```
//!
//! Source: He, Yang, He, Baig, Qiu, MASS 2023, arXiv 2304.09961, the abstract alone. Checked
//! against enumeration of all batches, which is our reading, too.
//!
//! Adapted: variants are fixed. At most `max_window` requests of an application with the earliest
//! deadlines count. For the number on time, requests that are worth nothing even alone are
//! rejected; if none can be on time, the largest batch runs. Layers that networks share, and layers
//! at the client, need profiles by layer and are left out.
//!
//! O(n B) for completion and O(n s B) on time, by application, batch and free lane.

use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, RejectReason, Scheduler, Timeline, Trigger, View, WorkerView};
use crate::core::ids::{AppId, Request, VariantId};
use crate::scheduler::dispatch::dispatcher::{FIXED, FixedVariants};
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};
use crate::scheduler::{BuildContext, MAX_BATCH_SETTING, SchedulerEntry};

const OBJECTIVES: [(&str, Objective); 2] =
    [("on-time", Objective::OnTime), ("completion", Objective::Completion)];

/// Its line in the registry.
pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "he-like",
    summary: "the batches that are best for all that wait of an application, fixed variant",
    source: "He et al., MASS 2023, from the abstract",
    settings: &[
        &[
            Setting::choice("objective", &names(&OBJECTIVES)).means(
                "What batches are best for: the number of requests on time, or the sum of \
                 completion times.",
            ),
            Setting::integer("max_window", [1, 4096], 64)
                .means("The most waiting requests of an application that are looked at."),
        ],
        FIXED,
        &[MAX_BATCH_SETTING],
    ],
    accuracy: None,
    build: |fields, context| Box::new(HeLike::read(fields, context)),
};

/// What batches are best for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objective {
    OnTime,
    Completion,
}

/// The least sum of completion times of so many requests that are all there, and the batches, with
/// latencies by size from 1.
pub fn least_completion(latencies: &[u64], requests: usize) -> (u64, Vec<usize>) {
    let mut least = vec![(0_u64, 0); requests + 1];
    for left in 1..=requests {
        let of = |size: usize| {
            let all = latencies[size - 1].saturating_mul(left as u64);
            (least[left - size].0.saturating_add(all), size)
        };
        least[left] = (1..=left.min(latencies.len())).map(of).min().unwrap_or((u64::MAX, left));
    }
    let (mut left, mut batches) = (requests, Vec::new());
    while left > 0 {
        batches.push(least[left].1);
        left -= least[left].1;
    }
    (least[requests].0, batches)
}

/// The most requests that are on time, and the batches as indices of the first member and sizes;
/// deadlines ascend. With one more left out each time, until the others are on time.
pub fn most_on_time(latencies: &[u64], deadlines: &[u64]) -> (usize, Vec<(usize, usize)>) {
    let all = deadlines.len();
    // By how many are left out, then by how many are seen: the earliest end, and the size of the
    // batch that ends there; 0 for a request left out.
    let mut ends: Vec<Vec<(u64, usize)>> = Vec::new();
    loop {
        let mut own = vec![(u64::MAX, 0); all + 1];
        match ends.last() {
            None => own[0] = (0, 0),
            Some(before) => {
                own[1..].iter_mut().zip(before).for_each(|(own, (end, _))| *own = (*end, 0));
            }
        }
        for seen in 0..all {
            let (end, deadline) = (own[seen].0, deadlines[seen]);
            if end >= deadline {
                continue;
            }
            for (later, (size, latency)) in own[seen + 1..].iter_mut().zip((1..).zip(latencies)) {
                let end = end.saturating_add(*latency);
                if end <= deadline && end < later.0 {
                    *later = (end, size);
                }
            }
        }
        let is_enough = own[all].0 < u64::MAX;
        ends.push(own);
        if is_enough {
            break;
        }
    }
    let (mut seen, mut left_out, mut batches) = (all, ends.len() - 1, Vec::new());
    while seen > 0 {
        let size = ends[left_out][seen].1;
        if size == 0 {
            (seen, left_out) = (seen - 1, left_out - 1);
        } else {
            seen -= size;
            batches.push((seen, size));
        }
    }
    batches.reverse();
    (all + 1 - ends.len(), batches)
}

/// A batch that could run next: of the waiting requests of an application by deadline, those from
/// `skip` on.
#[derive(Clone, Copy)]
struct Next {
    app: AppId,
    variant: VariantId,
    skip: usize,
    size: usize,
}

struct HeLike {
    objective: Objective,
    max_window: usize,
    max_batch: usize,
    lines: AppLines,
    lanes: FreeLanes,
    variants: FixedVariants,
    latencies: Vec<u64>,
    deadlines: Vec<u64>,
    /// That of another worker.
    timeline: Timeline,
}

impl HeLike {
    fn read(fields: &mut Decoder<'_>, context: &BuildContext<'_>) -> Self {
        let catalog = context.catalog;
        Self {
            objective: fields.choice("objective", &OBJECTIVES),
            max_window: fields.integer("max_window") as usize,
            max_batch: fields.integer("max_batch") as usize,
            lines: AppLines::by_deadline(catalog),
            lanes: FreeLanes::new(catalog),
            variants: FixedVariants::read(fields, catalog),
            latencies: Vec::new(),
            deadlines: Vec::new(),
            timeline: Timeline::default(),
        }
    }

    /// The next batch of an application.
    fn next(&mut self, lane: &mut FreeLane<'_>, app: AppId, variant: VariantId) -> Option<Next> {
        let view = lane.view;
        let most = view.max_batch(lane.worker, variant).min(self.max_batch);
        if self.objective == Objective::OnTime {
            let soonest = view.soonest(lane.timeline, variant, most);
            let is_hopeless = |head: &Request| view.penalty(head, soonest) >= 1.0;
            while self.lines.first(app).is_some_and(is_hopeless) {
                let head = self.lines.pop(app)?;
                lane.plan.reject(head, RejectReason::Hopeless);
            }
        }
        let waiting = self.lines.len(app).min(self.max_window);
        if waiting == 0 {
            return None;
        }
        let latency = |size| view.expected_latency(lane.worker, variant, size).0;
        self.latencies.clear();
        self.latencies.extend((1..=most.min(waiting)).map(latency));
        let (skip, size) = match self.objective {
            Objective::Completion => (0, least_completion(&self.latencies, waiting).1[0]),
            Objective::OnTime => {
                let before = view.now() + lane.delay(variant) + view.catalog().overhead.of(waiting);
                let deadlines = self.lines.walk(app).take(waiting);
                self.deadlines.clear();
                self.deadlines.extend(deadlines.map(|r| r.deadline.since(before).0));
                let (_, batches) = most_on_time(&self.latencies, &self.deadlines);
                batches.first().copied().unwrap_or((0, most.min(waiting)))
            }
        };
        Some(Next { app, variant, skip, size })
    }

    /// Whether no other worker would end the batch earlier. Those that were offered before have
    /// had their turn.
    fn stays(&mut self, lane: &FreeLane<'_>, next: Next) -> bool {
        let view = lane.view;
        let here = view.finish(lane.timeline, next.variant, next.size);
        let has_turn = |worker: &WorkerView<'_>| {
            worker.id > lane.worker || (worker.id != lane.worker && !worker.is_idle())
        };
        view.workers().filter(has_turn).all(|worker| {
            let Some(variant) = self.variants.variant(view, worker.id, next.app) else {
                return true;
            };
            view.backlog_end(worker.id, &mut self.timeline);
            let fits = next.size <= view.max_batch(worker.id, variant);
            !fits || view.finish(&self.timeline, variant, next.size) >= here
        })
    }

    fn fill(&mut self, mut lane: FreeLane<'_>, has_links: bool) -> bool {
        let mut best: Option<(f64, Next)> = None;
        for app in self.lines.apps() {
            if self.lines.len(app) == 0 {
                continue;
            }
            let found = self.variants.variant(lane.view, lane.worker, app);
            let Some(variant) = found else { continue };
            let Some(next) = self.next(&mut lane, app, variant) else { continue };
            let latency = lane.view.expected_latency(lane.worker, variant, next.size);
            let each = (latency + lane.delay(variant)).0 as f64 / next.size as f64;
            let is_best = best.is_none_or(|(other, _)| each < other);
            if is_best && (!has_links || self.stays(&lane, next)) {
                best = Some((each, next));
            }
        }
        let Some((_, next)) = best else { return false };
        let taken = self.lines.take_behind(next.app, next.skip, next.size);
        lane.assign(next.variant, taken);
        true
    }
}

impl Scheduler for HeLike {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        self.lines.take_in(view, trigger);
        let has_links = view.workers().any(|worker| worker.is_remote());
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.offer(view, plan, |lane| self.fill(lane, has_links));
        self.lanes = lanes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_worth_their_wait() {
        // A second request costs one more, so that both wait for a batch of two.
        assert_eq!(least_completion(&[10, 11], 2), (22, vec![2]));
        assert_eq!(least_completion(&[10, 30], 2), (30, vec![1, 1]));
        // The first cannot wait for the others, which go together.
        assert_eq!(most_on_time(&[10, 12], &[10, 22, 22]), (3, vec![(0, 1), (1, 2)]));
        // One of the first two is left out.
        assert_eq!(most_on_time(&[10], &[10, 12, 20]), (2, vec![(0, 1), (2, 1)]));
        assert_eq!(most_on_time(&[10], &[9]), (0, vec![]));
    }
}
