//! One window on one worker: the problem that all searches for its best plan solve.
//!
//! A plan is a sequence of batches, each of requests of one part on one variant, after the worker's
//! backlog. A part is either an application, whose requests may be divided into batches in any way,
//! or a group, whose requests are served one batch after another on one variant. Requests are
//! numbered part by part.

use crate::contract::{Timeline, View};
use crate::core::ids::{AppId, Request, RequestId, VariantId, WorkerId};
use crate::core::units::{Span, Time};
use crate::scheduler::planners::planning_window::PlanningWindow;
use crate::scheduler::score::Score;
use crate::scheduler::tie_break::{PlanValue, TieBreak};
use std::ops::Range;

/// Which variants may serve the requests of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantFilter {
    pub app: AppId,
    /// This variant only, if there is one.
    pub only: Option<VariantId>,
}

impl VariantFilter {
    pub fn any(app: AppId) -> Self {
        Self { app, only: None }
    }

    /// The allowed variants that can run on a worker, in profile order.
    pub fn on<'v>(
        self,
        view: &View<'v>,
        worker: WorkerId,
    ) -> impl Iterator<Item = VariantId> + use<'v> {
        let fits = move |variant: &VariantId| self.only.is_none_or(|only| only == *variant);
        view.variants(worker, self.app).filter(fits)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct VariantOption {
    pub variant: VariantId,
    /// The largest batch of it in a plan.
    pub largest: usize,
    pub load: Span,
    /// The time to compute the whole part in batches of the largest size, without loads.
    pub whole: Span,
}

/// The requests of one application or group.
#[derive(Debug)]
pub struct Part {
    /// Indices into `WindowProblem::requests`.
    pub members: Range<usize>,
    /// The variants that can serve them, in profile order.
    pub options: Vec<VariantOption>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    pub variant: VariantId,
    /// Indices into `WindowProblem::requests`.
    pub members: Vec<usize>,
}

pub struct WindowProblem<'v> {
    pub view: View<'v>,
    pub worker: WorkerId,
    pub tie_break: TieBreak,
    /// The worker's timeline at the end of its backlog.
    pub backlog: Timeline,
    pub start: Time,
    pub requests: Vec<Request>,
    pub parts: Vec<Part>,
}

impl<'v> WindowProblem<'v> {
    /// A problem without parts on a worker with this timeline of its backlog.
    pub fn new(view: &View<'v>, worker: WorkerId, backlog: &Timeline, tie_break: TieBreak) -> Self {
        Self {
            view: *view,
            worker,
            tie_break,
            start: backlog.all_free_at(),
            backlog: backlog.clone(),
            requests: Vec::new(),
            parts: Vec::new(),
        }
    }

    /// Adds a part for each application, earliest deadline first, without requests that no variant
    /// can serve on the worker.
    pub fn with_applications(mut self, window: &PlanningWindow, requests: &[Request]) -> Self {
        let mut sorted = requests.to_vec();
        sorted.sort_by_key(|request| (request.app, request.deadline, request.id));
        for own in sorted.chunk_by(|a, b| a.app == b.app) {
            self.add_part(window, VariantFilter::any(own[0].app), own);
        }
        self
    }

    /// Adds a part; false if no variant can serve it on the worker.
    pub fn add_part(
        &mut self,
        window: &PlanningWindow,
        allowed: VariantFilter,
        requests: &[Request],
    ) -> bool {
        let variants = allowed.on(&self.view, self.worker);
        let options: Vec<VariantOption> =
            variants.map(|variant| self.option(window, variant, requests)).collect();
        let can_be_served = !options.is_empty();
        if can_be_served {
            let first = self.requests.len();
            self.requests.extend_from_slice(requests);
            self.parts.push(Part { members: first..self.requests.len(), options });
        }
        can_be_served
    }

    fn option(
        &self,
        window: &PlanningWindow,
        variant: VariantId,
        requests: &[Request],
    ) -> VariantOption {
        let (view, worker) = (&self.view, self.worker);
        let largest = window.largest(view, worker, variant).max(1);
        let batches = requests.chunks(largest);
        let spans = batches.map(|batch| view.expected_latency(worker, variant, batch.len()));
        let whole = spans.fold(Span::ZERO, |sum, span| sum + span);
        VariantOption { variant, largest, load: view.load_span(worker, variant), whole }
    }

    pub fn ids<'a>(&'a self, members: &'a [usize]) -> impl Iterator<Item = RequestId> + 'a {
        members.iter().map(|member| self.requests[*member].id)
    }

    /// The latency of a batch without a load.
    #[inline]
    pub fn latency(&self, option: VariantOption, batch: usize) -> Span {
        self.view.expected_latency(self.worker, option.variant, batch)
    }

    /// The shortest latency of any batch of a part without a load: a larger batch may take less
    /// time than one request.
    pub fn shortest(&self, option: VariantOption, part: &Part) -> Span {
        let most = option.largest.min(part.members.len());
        self.view.catalog().shortest(self.worker, option.variant, most)
    }

    /// The utility of answering a request at `finish`.
    #[inline]
    pub fn utility(&self, member: usize, option: VariantOption, finish: Time) -> Score {
        Score::of(self.view.utility(&self.requests[member], option.variant, finish))
    }

    /// The utility and the end of a whole part whose first batch starts at `begin`.
    pub fn serve_whole(&self, part: usize, option: VariantOption, begin: Time) -> PlanValue {
        let mut value = PlanValue { sum: Score::default(), finish: begin };
        let members = self.parts[part].members.clone();
        for batch in self.requests[members].chunks(option.largest) {
            value.finish += self.latency(option, batch.len());
            let utilities = self.view.utilities(batch, option.variant, value.finish);
            value.sum += utilities.map(Score::of).sum();
        }
        value
    }

    /// The batches of a plan that serves whole parts, each on one of its options, in this order.
    pub fn steps_of_parts(&self, plan: impl Iterator<Item = (usize, VariantId)>) -> Vec<PlanStep> {
        let mut steps = Vec::new();
        for (part, variant) in plan {
            let Part { members, options } = &self.parts[part];
            let largest = options.iter().find(|option| option.variant == variant);
            let members: Vec<usize> = members.clone().collect();
            for batch in members.chunks(largest.map_or(1, |option| option.largest)) {
                steps.push(PlanStep { variant, members: batch.to_vec() });
            }
        }
        steps
    }
}
