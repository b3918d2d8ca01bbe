//! Windows of planners: their triggers, requests and batch sizes.

use crate::config::{Decoder, Kind, Setting};
use crate::contract::{Plan, Trigger, View};
use crate::core::ids::{Request, VariantId, WorkerId};
use crate::core::units::Span;
use crate::scheduler::MAX_BATCH_SETTING;
use std::slice::Chunks;

/// When to plan, and which requests.
///
/// With `window_ms` alone, plans are made at multiples of it; at 0, whenever a worker is idle. With
/// `window_requests`, a plan is made as soon as that many requests wait, or the oldest of them has
/// waited for `window_ms` since its arrival; at 0 waiting time opens no window, and too few
/// requests at the end of a run are planned when no other event is left. In all cases a worker must
/// be idle, unless `plan_when_busy`.
#[derive(Clone, Copy, Debug)]
pub struct PlanningWindow {
    /// Plans are made at multiples of this; with `count`, the longest wait. Zero for neither.
    every: Span,
    /// Waiting requests that make a window.
    count: Option<usize>,
    /// The most requests of a plan, the oldest first.
    max: usize,
    plan_when_busy: bool,
    /// Whether equal neighbours of a plan become one batch.
    pub merge: bool,
    max_batch: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    pub worker: WorkerId,
    pub variant: VariantId,
}

pub const WINDOW: &[Setting] = &[
    Setting::number("window_ms", [0.0, 1e9], 0.0).means(
        "Plans are made at multiples of this; at 0, whenever a worker is idle and a request waits. \
         With `window_requests`, the longest time that a request waits for others.",
    ),
    Setting::optional("window_requests", Kind::Integer(1, 4_000_000_000), "not counted")
        .means("A plan is made as soon as this many requests wait."),
    Setting::integer("window_max", [1, u64::MAX], u64::MAX)
        .means("The most requests that are planned at once, the oldest first."),
    Setting::flag("plan_when_busy", false)
        .means("Whether plans are made while all workers are busy."),
    MAX_BATCH_SETTING,
];

/// The setting that [`PlanningWindow::read`] has besides.
pub const MERGE: &[Setting] = &[Setting::flag("merge_adjacent", false)
    .means("Whether neighbours of a plan with the same worker and variant become one batch.")];

impl PlanningWindow {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let window = Self::read_up_to(fields, u64::MAX);
        Self { merge: fields.flag("merge_adjacent"), ..window }
    }

    /// For planners that never merge batches; `window_max` is `largest` at most.
    pub fn read_up_to(fields: &mut Decoder<'_>, largest: u64) -> Self {
        Self {
            every: Span::from_ms(fields.number("window_ms")),
            count: fields.optional_integer("window_requests").map(|count| count as usize),
            max: fields.integer_up_to("window_max", largest) as usize,
            plan_when_busy: fields.flag("plan_when_busy"),
            merge: false,
            max_batch: fields.integer("max_batch") as usize,
        }
    }

    /// Whether to plan now: a request waits, a worker is idle (unless `plan_when_busy`), and the
    /// window is over. If only the last is missing, it asks for a wake-up at its end.
    pub fn is_open(&self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        let ready = self.plan_when_busy || view.idle_workers().next().is_some();
        let Some(oldest) = view.pending().next().filter(|_| ready) else { return false };
        let now = view.now();
        let start = match self.count {
            None => now.round_up(self.every),
            Some(count) if view.pending_len() >= count => now,
            Some(_) if self.every > Span::ZERO => oldest.arrival + self.every,
            // There are no wake-ups in this mode: this is the last decision of the run.
            Some(_) if trigger.woken => now,
            Some(_) => return false,
        };
        if start > now {
            plan.wake_at(start);
        }
        start <= now
    }

    /// Whether no plan is made while all workers are busy.
    pub fn waits_for_idle_workers(&self) -> bool {
        !self.plan_when_busy
    }

    pub fn fill(&self, view: &View<'_>, into: &mut Vec<Request>) {
        into.clear();
        into.extend(view.pending().take(self.max).copied());
    }

    /// The largest batch of a variant in a plan.
    #[inline]
    pub fn largest(&self, view: &View<'_>, worker: WorkerId, variant: VariantId) -> usize {
        self.max_batch.min(view.max_batch(worker, variant))
    }

    /// Requests as batches of the largest size.
    #[inline]
    pub fn batches<'r>(
        &self,
        view: &View<'_>,
        placement: Placement,
        requests: &'r [Request],
    ) -> Chunks<'r, Request> {
        requests.chunks(self.largest(view, placement.worker, placement.variant).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ConfigNode, Group, Problems};

    const GROUP: Group = Group::named("window").of(&[WINDOW, MERGE]);

    #[test]
    fn missing_settings_have_their_defaults() {
        let (node, mut problems) = (ConfigNode::parse_override("{}"), Problems::default());
        let default = PlanningWindow::read(&mut Decoder::new(&node, &GROUP, &mut problems));
        assert!(!default.merge && !default.plan_when_busy && default.count.is_none());
        assert_eq!((default.every, default.max_batch, default.max), (Span::ZERO, 32, usize::MAX));
    }

    #[test]
    fn settings_have_their_ranges() {
        let accepted = |text: &str| {
            let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
            PlanningWindow::read(&mut Decoder::new(&node, &GROUP, &mut problems));
            problems.is_empty()
        };
        for (inside, outside) in [
            ("{ window_ms = 1000000000 }", "{ window_ms = 1000000001 }"),
            ("{ window_requests = 4000000000 }", "{ window_requests = 4000000001 }"),
            ("{ window_max = 1 }", "{ window_max = 0 }"),
            ("{ max_batch = 4096 }", "{ max_batch = 4097 }"),
        ] {
            assert!(accepted(inside), "{inside}");
            assert!(!accepted(outside), "{outside}");
        }
    }
}
