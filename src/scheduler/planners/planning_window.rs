//! When windows are planned, over which requests, and in batches of which size.

use crate::config::{Decoder, Kind, Setting};
use crate::contract::{Plan, Trigger, View};
use crate::core::ids::{Request, VariantId, WorkerId};
use crate::core::units::Span;
use crate::scheduler::MAX_BATCH_SETTING;
use std::slice::Chunks;

/// When to plan, and over which requests.
///
/// With `window_ms` alone, plans are made at multiples of it; at 0, whenever a worker is idle. With
/// `window_requests`, a plan is made as soon as that many requests wait, or the oldest of them has
/// waited for `window_ms` since its arrival; at 0 waiting time opens no window, and requests that
/// are too few at the end of a run are planned when no other event is left. In all cases a worker
/// must be idle, unless `plan_when_busy`.
#[derive(Clone, Copy, Debug)]
pub struct PlanningWindow {
    /// Multiples of this, or the longest wait if windows are counted; zero for neither.
    every: Span,
    /// This many waiting requests make a window, if windows are counted.
    count: Option<usize>,
    /// At most this many requests are planned at once, the oldest first.
    max: usize,
    /// Plan as soon as a request waits, even if every worker is busy.
    plan_when_busy: bool,
    /// Equal neighbours of a plan become one batch.
    pub merge: bool,
    /// The largest batch a plan may make.
    pub max_batch: usize,
}

/// Where requests are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    pub worker: WorkerId,
    pub variant: VariantId,
}

/// The settings of [`PlanningWindow::read_up_to`].
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

    /// For plans whose batches are not to be merged; `window_max` is `largest` at most.
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

    /// Whether to plan now: a request waits, a worker is idle (or that does not matter), and the
    /// window is over. If only the last is missing, asks to be woken at its end.
    pub fn is_open(&self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) -> bool {
        let ready = self.plan_when_busy || view.idle_workers().next().is_some();
        let Some(oldest) = view.pending().next().filter(|_| ready) else { return false };
        let now = view.now();
        let start = match self.count {
            None => now.round_up(self.every),
            Some(count) if view.pending_len() >= count => now,
            Some(_) if self.every > Span::ZERO => oldest.arrival + self.every,
            // No wake-up was asked for: this is the last decision, and no other request will come.
            Some(_) if trigger.woken => now,
            Some(_) => return false,
        };
        if start > now {
            plan.wake_at(start);
        }
        start <= now
    }

    /// The requests to plan, in arrival order.
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
    fn what_is_not_said_is_the_default() {
        let (node, mut problems) = (ConfigNode::parse_override("{}"), Problems::default());
        let usual = PlanningWindow::read(&mut Decoder::new(&node, &GROUP, &mut problems));
        assert!(!usual.merge && !usual.plan_when_busy && usual.count.is_none());
        assert_eq!((usual.every, usual.max_batch, usual.max), (Span::ZERO, 32, usize::MAX));
    }

    #[test]
    fn settings_end_where_they_are_said_to() {
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
