//! Rules that choose whose turn it is, and nothing else: requests wait by arrival, the variant of
//! an application is fixed, and a batch holds as many requests as fit.

use crate::config::Decoder;
use crate::contract::{Plan, Scheduler, Trigger, View};
use crate::core::ids::{AppId, VariantId};
use crate::core::units::Time;
use crate::scheduler::BuildContext;
use crate::scheduler::dispatch::dispatcher::FixedVariants;
use crate::scheduler::published::app_lines::AppLines;
use crate::scheduler::published::free_lanes::{FreeLane, FreeLanes};

/// An application with waiting requests that a free lane can serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The application.
    pub app: AppId,
    /// The number of its waiting requests.
    pub waiting: usize,
    /// The arrival of the oldest of them.
    pub oldest: Time,
    /// The largest batch.
    pub largest: usize,
}

/// What a free lane does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It serves this candidate.
    Serve(usize),
    /// It waits until then.
    WaitUntil(Time),
}

/// Whose turn it is at this instant; there is a candidate.
pub trait TurnRule: FnMut(&[Candidate], Time) -> Turn + Send + 'static {}

impl<F: FnMut(&[Candidate], Time) -> Turn + Send + 'static> TurnRule for F {}

struct FixedVariantServer<R> {
    rule: R,
    lines: AppLines,
    lanes: FreeLanes,
    variants: FixedVariants,
    max_batch: usize,
    /// By candidate.
    candidates: Vec<Candidate>,
    chosen: Vec<VariantId>,
}

/// A scheduler with the settings `variant` and `max_batch`.
pub fn read(
    fields: &mut Decoder<'_>,
    context: &BuildContext<'_>,
    rule: impl TurnRule,
) -> Box<dyn Scheduler> {
    Box::new(FixedVariantServer {
        rule,
        lines: AppLines::by_arrival(context.catalog),
        lanes: FreeLanes::new(context.catalog),
        variants: FixedVariants::read(fields, context.catalog),
        max_batch: fields.integer("max_batch") as usize,
        candidates: Vec::new(),
        chosen: Vec::new(),
    })
}

impl<R: TurnRule> Scheduler for FixedVariantServer<R> {
    fn waits_for_idle_workers(&self) -> bool {
        true
    }

    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        let Self { rule, lines, lanes, variants, max_batch, candidates, chosen } = self;
        lines.take_in(view, trigger);
        let mut wake = Time::MAX;
        lanes.offer(view, plan, |lane: FreeLane<'_>| {
            candidates.clear();
            chosen.clear();
            for app in lines.apps() {
                if let Some(first) = lines.first(app)
                    && let Some(variant) = variants.variant(view, lane.worker, app)
                {
                    let largest = view.max_batch(lane.worker, variant).min(*max_batch);
                    let (waiting, oldest) = (lines.len(app), first.arrival);
                    candidates.push(Candidate { app, waiting, oldest, largest });
                    chosen.push(variant);
                }
            }
            if candidates.is_empty() {
                return false;
            }
            match rule(candidates, view.now()) {
                Turn::Serve(at) => {
                    let Candidate { app, largest, .. } = candidates[at];
                    lane.assign(chosen[at], lines.take(app, largest));
                    true
                }
                Turn::WaitUntil(time) => {
                    wake = wake.min(time);
                    false
                }
            }
        });
        if wake < Time::MAX {
            plan.wake_at(wake);
        }
    }
}
