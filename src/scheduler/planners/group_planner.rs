//! Grouped planning: requests of a window in groups, one variant and one place per group.
//!
//! A group is an application, or an application and the most likely class, or the requests that
//! have the same best variant. A group runs as consecutive batches of at most `max_batch`, so that
//! `max_batch = 1` is the published sequential completion. Greedy search takes the groups in
//! order and gives each the worker and variant of highest summed utility given those before:
//! O(groups · workers · (variants + n)). Exact search is in [`super::search`].
//!
//! `group_by = "by-variant"` selects a variant for each request before it groups: the best one if
//! the request were served next and alone on any worker. A group keeps its variant, and the search
//! is for its worker only. Loads count for each request, not once for the group.
//!
//! `split = true` halves a group, in its order, where the utility of its halves, each at its best
//! placement one after the other, is higher than that of the whole, and recursively. The cost of a
//! further halving of the first half to the second is ignored. Exact search never splits.
//!
//! Both optimise one window; the next pays for loads and small batches: at 1,000 requests/s of the
//! quickstart (windows of 20 ms, five replicates of 10,000) splitting costs `grouped` 10 points,
//! and groups by variant cost `sneakpeek` 17.
//!
//! Source: dndfrink/SERIF bd12bb8 (grouped schedulers; its greedy form is disabled there for more
//! than four groups, where we use it). Groups by variant and splitting are ours.

use super::plan_builder::PlanBuilder;
use super::planning_window::Placement;
use super::priority::{Priority, RequestOrder};
use super::search::window_problem::{PlanStep, VariantFilter, WindowProblem};
use super::search::{enumerate, group_moves};
use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{Request, WorkerId};
use crate::core::rounding::rounded;
use crate::scheduler::score::{Score, by_mean_deadline};
use crate::scheduler::tie_break::PlanValue;

/// What the requests of a group share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupBy {
    App,
    /// Application and most likely class.
    Class,
    /// The best variant of each alone.
    Variant,
    /// Every request is a group.
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SearchMode {
    Greedy,
    /// All plans up to [`enumerate::LIMIT`] of them, and beyond with few groups and one worker;
    /// greedy beyond that.
    Exact,
    /// The same with [`enumerate::AUTO_LIMIT`].
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupOrder {
    Deadline,
    Priority,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupKey {
    pub allowed: VariantFilter,
    /// Distinguishes groups with the same filter.
    pub salt: usize,
}

/// Requests that are served on one variant.
#[derive(Clone, Debug)]
pub struct Group {
    pub key: GroupKey,
    pub requests: Vec<Request>,
}

/// The planner behind `grouped`, `sneakpeek` and `exhaustive`.
pub struct GroupPlanner {
    group_by: GroupBy,
    order: RequestOrder,
    priority: Priority,
    group_order: GroupOrder,
    search: SearchMode,
    split: bool,
    windows_solved_exactly: u64,
    groups: Vec<Group>,
    builder: PlanBuilder,
    /// The summed utility of the greedy plan.
    planned: Score,
}

const KEYS: [(&str, GroupBy); 3] =
    [("app", GroupBy::App), ("class", GroupBy::Class), ("by-variant", GroupBy::Variant)];
/// Whether requests go by priority.
const ORDERS: [(&str, bool); 2] = [("deadline", false), ("priority", true)];
const SEARCHES: [(&str, SearchMode); 3] =
    [("greedy", SearchMode::Greedy), ("exact", SearchMode::Exact), ("auto", SearchMode::Auto)];
const GROUP_ORDERS: [(&str, GroupOrder); 2] =
    [("deadline", GroupOrder::Deadline), ("priority", GroupOrder::Priority)];

/// What a group is.
pub const GROUP_BY: Setting = Setting::choice("group_by", &names(&KEYS)).means(
    "What the requests of a group share: the application, also the most likely class, or also the \
     variant that is best for each alone.",
);
pub const ORDER: Setting =
    Setting::choice("order", &names(&ORDERS)).means("The order of the requests of a group.");
/// The settings of [`GroupPlanner::read`]; entries put [`GROUP_BY`] and [`ORDER`] before them.
pub const GROUPS: &[Setting] = &[
    Setting::flag("split", false)
        .means("Whether the requests of one group may go to several workers."),
    Setting::choice("search", &names(&SEARCHES)).means(
        "How the plan is found: groups are placed one after another, or all plans are compared, or \
         that only where they are few enough.",
    ),
    Setting::choice("group_order", &names(&GROUP_ORDERS)).means(
        "The order in which groups are placed: earliest mean deadline or highest mean priority \
         first.",
    ),
];

impl GroupPlanner {
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let group_by = fields.choice("group_by", &KEYS);
        let by_priority = fields.choice("order", &ORDERS);
        let group_order = fields.choice("group_order", &GROUP_ORDERS);
        let is_used = by_priority || group_order == GroupOrder::Priority;
        let priority = Priority::read(fields, is_used);
        let by_priority = by_priority.then_some(RequestOrder::Priority(priority));
        Self {
            group_by,
            order: by_priority.unwrap_or(RequestOrder::Deadline),
            priority,
            group_order,
            search: fields.choice("search", &SEARCHES),
            split: fields.flag("split"),
            ..Self::one_by_one(fields)
        }
    }

    /// Brute force: every request is a group, and all plans are searched.
    pub fn one_by_one(fields: &mut Decoder<'_>) -> Self {
        Self {
            group_by: GroupBy::Request,
            order: RequestOrder::Arrival,
            priority: Priority::DEFAULT,
            group_order: GroupOrder::Deadline,
            search: SearchMode::Exact,
            split: false,
            windows_solved_exactly: 0,
            groups: Vec::new(),
            builder: PlanBuilder::read(fields),
            planned: Score::default(),
        }
    }

    fn key(&self, view: &View<'_>, request: &Request) -> GroupKey {
        let mut key = GroupKey { allowed: VariantFilter::any(request.app), salt: 0 };
        match self.group_by {
            GroupBy::App => {}
            GroupBy::Variant => {
                // The variant of highest utility if the request were served next, alone.
                let best = self.builder.best_request_placement(view, request, |variant, finish| {
                    Score::of(view.utility(request, variant, finish))
                });
                key.allowed.only = best.map(|placement| placement.variant);
            }
            GroupBy::Class => key.salt = view.likely_class(request),
            GroupBy::Request => key.salt = request.id.number() as usize,
        }
        key
    }

    /// The order of groups in greedy search, as indices; ties stay as listed.
    fn sorted(&self, view: &View<'_>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        let requests = |at: usize| self.groups[at].requests.as_slice();
        match self.group_order {
            GroupOrder::Deadline => {
                order.sort_by(|a, b| by_mean_deadline(requests(*a), requests(*b)));
            }
            GroupOrder::Priority => {
                let priority = self.priority;
                let value = |r: &Request| priority.of(view, r);
                let sum = |at: usize| requests(at).iter().map(value).sum::<f64>();
                let mean = |at: usize| rounded(sum(at) / requests(at).len() as f64);
                order.sort_by(|a, b| mean(*b).total_cmp(&mean(*a)));
            }
        }
        order
    }

    fn greedy(&mut self, view: &View<'_>) {
        self.planned = Score::default();
        let order = self.sorted(view);
        let groups = std::mem::take(&mut self.groups);
        for at in order {
            self.serve(view, groups[at].key.allowed, &groups[at].requests);
        }
        self.groups = groups;
    }

    /// Plans requests after those planned before, whole or in halves.
    fn serve(&mut self, view: &View<'_>, allowed: VariantFilter, requests: &[Request]) {
        let halves = requests.split_at(requests.len().div_ceil(2));
        if self.split && requests.len() > 1 {
            let together = self.utility(view, allowed, &[requests]);
            if self.utility(view, allowed, &[halves.0, halves.1]) > together {
                self.serve(view, allowed, halves.0);
                self.serve(view, allowed, halves.1);
                return;
            }
        }
        if let Some((placement, utility)) = self.place(view, allowed, requests) {
            self.planned += utility;
            self.builder.push_group(view, placement, requests);
        }
    }

    /// Appends requests to the timeline of their best placement, and returns it with their utility.
    fn place(
        &mut self,
        view: &View<'_>,
        allowed: VariantFilter,
        requests: &[Request],
    ) -> Option<(Placement, Score)> {
        let variants = |worker| allowed.on(view, worker);
        let utility = |variant, batch: &[Request], finish| {
            view.utilities(batch, variant, finish).map(Score::of).sum()
        };
        self.builder.place(view, variants, requests, utility, |_, sum| sum)
    }

    /// The utility of parts of a group, each placed at its best one after the other.
    fn utility(&mut self, view: &View<'_>, allowed: VariantFilter, parts: &[&[Request]]) -> Score {
        let before = self.builder.timelines.clone();
        let mut sum = Score::default();
        for part in parts {
            sum += self.place(view, allowed, part).map_or(Score::default(), |(_, utility)| utility);
        }
        self.builder.restore(before);
        sum
    }

    /// The groups as a problem on one worker; `None` if it cannot serve all of them.
    fn problem<'v>(
        &self,
        view: &View<'v>,
        worker: WorkerId,
        backlog: &Timeline,
    ) -> Option<WindowProblem<'v>> {
        let PlanBuilder { window, tie_break, .. } = &self.builder;
        let mut problem = WindowProblem::new(view, worker, backlog, *tie_break);
        let mut add = |group: &Group| problem.add_part(window, group.key.allowed, &group.requests);
        self.groups.iter().all(&mut add).then_some(problem)
    }

    /// Replaces the greedy plan by the best of all plans that serve whole groups one after another
    /// on one worker; false if there are too many of them, or no worker can serve all groups.
    fn search_exactly(&mut self, view: &View<'_>) -> bool {
        let limit = match self.search {
            SearchMode::Greedy => return false,
            SearchMode::Exact => enumerate::LIMIT,
            SearchMode::Auto => enumerate::AUTO_LIMIT,
        };
        let allowed = self.groups.iter().map(|group| group.key.allowed);
        let are_few = enumerate::count(view, &allowed) <= limit;
        let is_alone = self.builder.timelines.len() == 1;
        if !are_few && !is_alone {
            return false;
        }
        // The greedy plan of a single group is the best.
        if is_alone && self.groups.len() == 1 && !self.split {
            return !self.builder.is_empty();
        }
        // On several workers the greedy plan may be none of those searched.
        let least = if is_alone { self.planned } else { Score::default() };
        let tie_break = self.builder.tie_break;
        let mut best: Option<(PlanValue, WindowProblem<'_>, Vec<PlanStep>)> = None;
        let mut backlog = Timeline::default();
        for worker in view.catalog().worker_ids() {
            view.backlog_end(worker, &mut backlog);
            let Some(problem) = self.problem(view, worker, &backlog) else { continue };
            let found = group_moves::search(&problem, least)
                .or_else(|| are_few.then(|| enumerate::search(&problem)).flatten());
            let Some((value, steps)) = found else { continue };
            if tie_break.beats(value, best.as_ref().map(|(value, ..)| *value)) {
                best = Some((value, problem, steps));
            }
        }
        if let Some((_, problem, steps)) = &best {
            self.replace_plan(problem, steps);
        }
        best.is_some()
    }

    fn replace_plan(&mut self, problem: &WindowProblem<'_>, steps: &[PlanStep]) {
        self.builder.clear();
        for PlanStep { variant, members } in steps {
            let placement = Placement { worker: problem.worker, variant: *variant };
            self.builder.push(placement, problem.ids(members));
        }
    }
}

impl Scheduler for GroupPlanner {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !self.builder.open(view, trigger, plan) {
            return;
        }
        if self.group_by == GroupBy::Request {
            enumerate::shorten(view, &mut self.builder.requests);
        }
        self.builder.sort(view, self.order);
        let mut groups = std::mem::take(&mut self.groups);
        divide(&self.builder.requests, |request| self.key(view, request), &mut groups);
        self.groups = groups;
        self.greedy(view);
        self.windows_solved_exactly += u64::from(self.search_exactly(view));
        self.builder.emit(view, plan);
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.builder.window.waits_for_idle_workers()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("windows_solved_exactly", self.windows_solved_exactly)]
    }
}

/// Divides requests into groups, listed by first member; members keep their order.
pub fn divide(requests: &[Request], key: impl Fn(&Request) -> GroupKey, groups: &mut Vec<Group>) {
    groups.iter_mut().for_each(|group| group.requests.clear());
    let mut used = 0;
    for request in requests {
        let key = key(request);
        let at = groups[..used].iter().position(|group| group.key == key).unwrap_or_else(|| {
            if used == groups.len() {
                groups.push(Group { key, requests: Vec::new() });
            }
            groups[used].key = key;
            used += 1;
            used - 1
        });
        groups[at].requests.push(*request);
    }
    groups.truncate(used);
}
