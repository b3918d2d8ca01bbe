//! The lanes that can begin a batch now, one after the other, with what this plan gave them so far.

use crate::contract::{Plan, Timeline, View};
use crate::core::ids::{RequestId, VariantId, WorkerId};
use crate::core::units::Span;
use crate::system::catalog::Catalog;

/// Timelines by worker; those of workers that are not idle are not up to date.
#[derive(Default)]
pub struct FreeLanes(Vec<Timeline>);

/// A free lane, and where its batch is written.
pub struct FreeLane<'a> {
    pub view: &'a View<'a>,
    pub worker: WorkerId,
    pub timeline: &'a mut Timeline,
    pub plan: &'a mut Plan,
}

impl FreeLanes {
    pub fn new(catalog: &Catalog) -> Self {
        Self(catalog.worker_ids().map(|_| Timeline::default()).collect())
    }

    /// Offers every free lane to `fill`, which says whether it began a batch there; if not, the
    /// next worker is offered.
    pub fn offer(
        &mut self,
        view: &View<'_>,
        plan: &mut Plan,
        mut fill: impl FnMut(FreeLane<'_>) -> bool,
    ) {
        for worker in view.idle_workers().map(|id| view.worker(id)) {
            let timeline = &mut self.0[worker.id.index()];
            view.backlog_end(worker.id, timeline);
            for _ in 0..worker.free_lanes() {
                // The next batch would wait for the link or the host: it is decided when that is
                // free.
                if worker.has_way_in() && !timeline.is_open(view.now()) {
                    break;
                }
                if !fill(FreeLane { view, worker: worker.id, timeline, plan }) {
                    break;
                }
            }
        }
    }
}

impl FreeLane<'_> {
    /// Begins a batch.
    pub fn assign(self, variant: VariantId, requests: impl IntoIterator<Item = RequestId>) {
        let before = self.plan.requests().len();
        self.plan.assign(self.worker, variant, requests);
        let batch = self.plan.requests().len() - before;
        self.view.estimate_append(self.timeline, variant, batch);
    }

    /// The time to the start of a batch beyond deciding: a load, or the way to the worker and back.
    pub fn delay(&self, variant: VariantId) -> Span {
        let finish = self.view.finish(self.timeline, variant, 1);
        let alone = self.view.expected_latency(self.worker, variant, 1);
        Span(finish.since(self.view.now()).0.saturating_sub(alone.0))
    }
}
