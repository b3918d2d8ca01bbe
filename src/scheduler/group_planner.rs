//! Grouped planning: requests of a window in groups, one variant and one place per group.
//!
//! A group is an application, or an application and the most likely class, or the requests that
//! would choose the same variant. A group runs as consecutive batches of at most `max_batch`, so
//! that `max_batch = 1` is the published sequential completion. Greedy search takes the groups in
//! order and gives each the worker and variant of highest summed utility given those before:
//! O(groups · workers · (variants + n)). Exact search is in [`super::exact`].
//!
//! `group_by = "by-variant"` selects first and groups after: every request chooses the variant that
//! would be best for it alone, were it served next and by itself on any worker; a group is those
//! of one choice, and keeps that variant: the search is for its worker only. It sees a load as paid
//! by each request, not shared.
//!
//! `split = true` halves a group, in its order, where greedy search finds that its halves, each
//! placed at its best one after the other, are worth more than the whole, and halves again. What
//! a further halving of the first half costs the second is not weighed. Exact search never splits.
//!
//! Both look at their window alone. Utility it gains by loads and small batches is paid by the
//! next: at 1,000 requests/s of the quickstart (windows of 20 ms, five replicates of 10,000)
//! splitting costs `grouped` 10 points, and groups by variant cost `sneakpeek` 17.
//!
//! Source: dndfrink/SERIF bd12bb8 (grouped schedulers; its greedy form is disabled there for more
//! than four groups, where we use it). Groups by variant and splitting are ours.

use super::planning_window::{PlanBuilder, PlanningWindow, TieBreak, best_place, tails};
use super::priority::{Priority, RequestOrder};
use super::score::{Score, by_mean_deadline};
use super::{enumerate, group_label_setting};
use crate::config::settings::names;
use crate::config::{Decoder, Setting};
use crate::contract::{Plan, Scheduler, Timeline, Trigger, View};
use crate::core::ids::{AppId, Request, VariantId, WorkerId};
use crate::core::rounding::rounded;
use crate::core::units::Time;

/// Which requests are served alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GroupBy {
    /// Those of one application.
    App,
    /// Those of one application and most likely class.
    Class,
    /// Those that would choose the same variant.
    Variant,
    /// Every request by itself.
    Request,
}

/// How groups are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SearchMode {
    /// One group after another.
    Greedy,
    /// All orders and variants one by one, up to [`exact::LIMIT`] plans; beyond, over subsets of
    /// the groups, up to [`group_search::MOST`] of them on one worker; greedy beyond that.
    Exact,
    /// The same with [`exact::AUTO_LIMIT`] plans one by one.
    Auto,
}

/// In which order greedy search takes the groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GroupOrder {
    /// Earliest mean deadline first.
    Deadline,
    /// Highest mean priority first.
    Priority,
}

/// What a group may be served with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VariantFilter {
    app: AppId,
    /// This variant; any of the application's if there is none.
    only: Option<VariantId>,
}

impl VariantFilter {
    /// Any variant that serves the request.
    pub fn any(request: &Request) -> Self {
        Self { app: request.app, only: None }
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

/// Requests that are served alike.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub allowed: VariantFilter,
    /// Tells apart groups of the same application.
    part: usize,
    pub requests: Vec<Request>,
}

/// The planner behind `grouped` and `sneakpeek`.
pub(super) struct GroupPlanner {
    key: GroupBy,
    order: RequestOrder,
    priority: Priority,
    group_order: GroupOrder,
    search: SearchMode,
    split: bool,
    ties: TieBreak,
    window: PlanningWindow,
    windows_solved_exactly: u64,
    requests: Vec<Request>,
    groups: Vec<Group>,
    cursors: Vec<Timeline>,
    trial: Timeline,
    draft: PlanBuilder,
    /// What greedy search planned is worth.
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
pub(super) const GROUP_BY: Setting = Setting::choice(
    "group_by",
    &names(&KEYS),
    "What the requests of a group share: the application, also the most likely class, or also the \
     variant that is best for each alone.",
);
/// In which order the requests of a group go.
pub(super) const ORDER: Setting =
    Setting::choice("order", &names(&ORDERS), "The order of the requests of a group.");
/// The settings of [`GroupPlanner::read`]; entries put [`GROUP_BY`] and [`ORDER`] before them.
pub(super) const GROUPS: &[Setting] = &[
    Setting::flag("split", false, "Whether the requests of one group may go to several workers."),
    Setting::choice(
        "search",
        &names(&SEARCHES),
        "How the plan is found: groups are placed one after another, or all plans are compared, \
         or that only where they are few enough.",
    ),
    Setting::choice(
        "group_order",
        &names(&GROUP_ORDERS),
        "The order in which groups are placed: earliest mean deadline or highest mean priority \
         first.",
    ),
];

impl GroupPlanner {
    /// Reads the parameters.
    pub fn read(fields: &mut Decoder<'_>) -> Self {
        let key = fields.choice("group_by", &KEYS);
        let by_priority = fields.choice("order", &ORDERS);
        let group_order = fields.choice("group_order", &GROUP_ORDERS);
        let used = by_priority || group_order == GroupOrder::Priority;
        let priority = Priority::read(fields, used);
        Self {
            key,
            order: if by_priority {
                RequestOrder::Priority(priority)
            } else {
                RequestOrder::Deadline
            },
            priority,
            group_order,
            search: fields.choice("search", &SEARCHES),
            split: fields.flag("split"),
            ..Self::one_by_one(fields)
        }
    }

    /// Every request is a group, and all plans are searched: the brute force.
    pub fn one_by_one(fields: &mut Decoder<'_>) -> Self {
        Self {
            key: GroupBy::Request,
            order: RequestOrder::Arrival,
            priority: Priority::PROFILED,
            group_order: GroupOrder::Deadline,
            search: SearchMode::Exact,
            split: false,
            ties: TieBreak::read(fields),
            window: PlanningWindow::read(fields),
            windows_solved_exactly: 0,
            requests: Vec::new(),
            groups: Vec::new(),
            cursors: Vec::new(),
            trial: Timeline::default(),
            draft: PlanBuilder::default(),
            planned: Score::default(),
        }
    }

    /// Sorts the window's requests into groups, listed by first member; members keep their order.
    fn group(&mut self, view: &View<'_>) {
        for group in &mut self.groups {
            group.requests.clear();
        }
        let mut used = 0;
        for request in &self.requests {
            let part = match self.key {
                GroupBy::App | GroupBy::Variant => 0,
                GroupBy::Class => view.likely_class(request),
                GroupBy::Request => request.id.number() as usize,
            };
            let mut allowed = VariantFilter::any(request);
            if self.key == GroupBy::Variant {
                allowed.only = self.favourite(view, request);
            }
            let same = |g: &Group| g.allowed == allowed && g.part == part;
            let at = self.groups[..used].iter().position(same).unwrap_or_else(|| {
                if used == self.groups.len() {
                    self.groups.push(Group { allowed, part, requests: Vec::new() });
                }
                (self.groups[used].allowed, self.groups[used].part) = (allowed, part);
                used += 1;
                used - 1
            });
            self.groups[at].requests.push(*request);
        }
        self.groups.truncate(used);
    }

    /// The variant of highest utility for a request if it were served next, alone.
    fn favourite(&self, view: &View<'_>, request: &Request) -> Option<VariantId> {
        let variants = |worker| view.variants(worker, request.app);
        let best = best_place(&self.cursors, self.ties, variants, |cursor, _, variant| {
            let finish = view.finish(cursor, variant, 1);
            (Score::of(view.utility(request, variant, finish)), finish)
        });
        best.map(|(_, variant)| variant)
    }

    /// The order in which greedy search takes the groups; those that tie stay as listed.
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
            self.serve(view, groups[at].allowed, &groups[at].requests);
        }
        self.groups = groups;
    }

    /// Plans requests behind those planned before, whole or in halves.
    fn serve(&mut self, view: &View<'_>, allowed: VariantFilter, requests: &[Request]) {
        let halves = requests.split_at(requests.len().div_ceil(2));
        if self.split && requests.len() > 1 {
            let together = self.worth(view, allowed, &[requests]);
            if self.worth(view, allowed, &[halves.0, halves.1]) > together {
                self.serve(view, allowed, halves.0);
                self.serve(view, allowed, halves.1);
                return;
            }
        }
        if let Some((worker, variant)) = self.best(view, allowed, requests) {
            let largest = self.window.largest(view, worker, variant);
            let cursor = &mut self.cursors[worker.index()];
            place(view, cursor, variant, requests, largest, &mut self.planned);
            push(&mut self.draft, worker, variant, requests, largest);
        }
    }

    /// The worker and variant of highest summed utility for requests that come next.
    fn best(
        &mut self,
        view: &View<'_>,
        allowed: VariantFilter,
        requests: &[Request],
    ) -> Option<(WorkerId, VariantId)> {
        let (window, trial) = (self.window, &mut self.trial);
        let variants = |worker| allowed.on(view, worker);
        best_place(&self.cursors, self.ties, variants, |cursor, worker, variant| {
            trial.copy_from(cursor);
            let mut sum = Score::default();
            let largest = window.largest(view, worker, variant);
            let finish = place(view, trial, variant, requests, largest, &mut sum);
            (sum, finish)
        })
    }

    /// What parts of a group are worth, each placed at its best one after the other.
    fn worth(&mut self, view: &View<'_>, allowed: VariantFilter, parts: &[&[Request]]) -> Score {
        let before = self.cursors.clone();
        let mut sum = Score::default();
        for part in parts {
            if let Some((worker, variant)) = self.best(view, allowed, part) {
                let largest = self.window.largest(view, worker, variant);
                let cursor = &mut self.cursors[worker.index()];
                place(view, cursor, variant, part, largest, &mut sum);
            }
        }
        self.cursors = before;
        sum
    }

    /// True if the window was searched exactly.
    fn exact(&mut self, view: &View<'_>) -> bool {
        let limit = match self.search {
            SearchMode::Greedy => return false,
            SearchMode::Exact => enumerate::LIMIT,
            SearchMode::Auto => enumerate::AUTO_LIMIT,
        };
        if enumerate::count(view, &self.groups.iter().map(|group| group.allowed)) > limit {
            return false;
        }
        let best = enumerate::search(view, &self.groups, &self.cursors, self.window, self.ties);
        let Some((worker, steps)) = best else { return false };
        self.emit_steps(view, worker, &steps);
        true
    }

    /// Too many plans to try one by one: true if a search over subsets of the groups, on the only
    /// worker, proves a plan that is at least as good as the greedy one.
    fn subsets(&mut self, view: &View<'_>) -> bool {
        if self.search == SearchMode::Greedy || self.cursors.len() != 1 {
            return false;
        }
        let worker = WorkerId(0);
        view.backlog_end(worker, &mut self.trial);
        // It adds up latencies and knows no way.
        if self.trial.is_remote() {
            return false;
        }
        let (groups, window) = (&self.groups, self.window);
        let best = group_label_setting::search(
            view,
            groups,
            (worker, &self.trial),
            (window, self.ties),
            self.planned,
        );
        let Some(steps) = best else { return false };
        self.emit_steps(view, worker, &steps);
        true
    }

    /// Makes groups with their variants, in order, the whole plan.
    fn emit_steps(&mut self, view: &View<'_>, worker: WorkerId, steps: &[(usize, VariantId)]) {
        self.draft.clear();
        for (group, variant) in steps {
            let largest = self.window.largest(view, worker, *variant);
            push(&mut self.draft, worker, *variant, &self.groups[*group].requests, largest);
        }
    }
}

impl Scheduler for GroupPlanner {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !self.window.is_open(view, trigger, plan) {
            return;
        }
        self.window.fill(view, &mut self.requests);
        if self.key == GroupBy::Request {
            enumerate::shorten(view, &mut self.requests);
        }
        let listing = self.ties == TieBreak::Listed;
        self.order.sort(view, &mut self.requests, listing);
        tails(view, &mut self.cursors);
        self.group(view);
        self.draft.clear();
        let exact = self.exact(view) || {
            self.greedy(view);
            self.subsets(view)
        };
        self.windows_solved_exactly += u64::from(exact);
        self.window.emit(view, &self.draft, plan);
    }

    fn windows_solved_exactly(&self) -> Option<u64> {
        Some(self.windows_solved_exactly)
    }
}

/// Runs a group on a cursor in batches of at most `largest`, adds its utilities to `sum`, and
/// returns its end.
pub(super) fn place(
    view: &View<'_>,
    cursor: &mut Timeline,
    variant: VariantId,
    requests: &[Request],
    largest: usize,
    sum: &mut Score,
) -> Time {
    let mut finish = Time::ZERO;
    for batch in requests.chunks(largest.max(1)) {
        finish = view.estimate_append(cursor, variant, batch.len());
        let utility = |request| Score::of(view.utility(request, variant, finish));
        batch.iter().for_each(|request| *sum += utility(request));
    }
    finish
}

fn push(
    draft: &mut PlanBuilder,
    worker: WorkerId,
    variant: VariantId,
    requests: &[Request],
    largest: usize,
) {
    for batch in requests.chunks(largest.max(1)) {
        draft.push(worker, variant, batch.iter().map(|r| r.id));
    }
}
