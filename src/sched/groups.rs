//! Grouped planning: requests of a window in groups, one variant and one place per group.
//!
//! A group is an application, or an application and the most likely class. A group runs as
//! consecutive batches of at most `max_batch`, so that `max_batch = 1` is the published sequential
//! completion. Greedy search takes the groups in order and gives each the worker and variant of
//! highest summed utility given those before: O(groups · workers · (variants + n)). Exact search
//! is in [`super::exact`].
//!
//! Source: dndfrink/SERIF bd12bb8 (grouped schedulers; its greedy form is disabled there for more
//! than four groups, where we use it).

use super::exact;
use super::priority::{Order, Priority};
use super::window::{Draft, Ties, Window, tails};
use crate::domain::{AppId, Request, VariantId, WorkerId};
use crate::input::Fields;
use crate::policy::{Cursor, Plan, Scheduler, Trigger, View};
use crate::units::Time;
use std::ops::{Add, AddAssign, Sub};

/// Which requests are served alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Those of one application.
    App,
    /// Those of one application and most likely class.
    Class,
    /// Every request by itself.
    Request,
}

/// How groups are placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// One group after another.
    Greedy,
    /// All orders and variants, unless there are more than [`exact::LIMIT`].
    Exact,
    /// Exact up to [`exact::AUTO_LIMIT`] plans, else greedy.
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

/// Requests that are served alike.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub app: AppId,
    class: usize,
    pub requests: Vec<Request>,
}

/// The planner behind `grouped` and `sneakpeek`.
pub(super) struct GroupPlanner {
    key: Key,
    order: Order,
    priority: Priority,
    group_order: GroupOrder,
    search: Search,
    ties: Ties,
    window: Window,
    exact_windows: u64,
    requests: Vec<Request>,
    groups: Vec<Group>,
    cursors: Vec<Cursor>,
    trial: Cursor,
    draft: Draft,
}

impl GroupPlanner {
    /// Reads the parameters; `order` inside a group is by priority unless the experiment says
    /// otherwise.
    pub fn read(fields: &mut Fields<'_>, key: Key, by_priority: bool) -> Self {
        let priority = Priority::read(fields);
        let orders = [("deadline", false), ("priority", true)];
        let by_priority = match fields.take("order") {
            Some(node) => {
                crate::input::fields::choice(node, &orders, fields.problems()).unwrap_or(false)
            }
            None => by_priority,
        };
        let searches =
            [("greedy", Search::Greedy), ("exact", Search::Exact), ("auto", Search::Auto)];
        let group_orders = [("deadline", GroupOrder::Deadline), ("priority", GroupOrder::Priority)];
        Self {
            key,
            order: if by_priority { Order::Priority(priority) } else { Order::Deadline },
            priority,
            group_order: fields.choice("group_order", &group_orders),
            search: fields.choice("search", &searches),
            ..Self::one_by_one(fields)
        }
    }

    /// Every request is a group, and all plans are searched: the brute force.
    pub fn one_by_one(fields: &mut Fields<'_>) -> Self {
        Self {
            key: Key::Request,
            order: Order::Arrival,
            priority: Priority::PROFILED,
            group_order: GroupOrder::Deadline,
            search: Search::Exact,
            ties: Ties::read(fields),
            window: Window::read(fields),
            exact_windows: 0,
            requests: Vec::new(),
            groups: Vec::new(),
            cursors: Vec::new(),
            trial: Cursor::default(),
            draft: Draft::default(),
        }
    }

    /// Sorts the window's requests into groups, listed by first member; members keep their order.
    fn group(&mut self, view: &View<'_>) {
        for group in &mut self.groups {
            group.requests.clear();
        }
        let mut used = 0;
        for request in &self.requests {
            let class = match self.key {
                Key::App => 0,
                Key::Class => view.likely_class(request),
                Key::Request => request.id.number() as usize,
            };
            let same = |g: &Group| g.app == request.app && g.class == class;
            let at = self.groups[..used].iter().position(same).unwrap_or_else(|| {
                if used == self.groups.len() {
                    self.groups.push(Group { app: request.app, class, requests: Vec::new() });
                }
                (self.groups[used].app, self.groups[used].class) = (request.app, class);
                used += 1;
                used - 1
            });
            self.groups[at].requests.push(*request);
        }
        self.groups.truncate(used);
    }

    /// The order in which greedy search takes the groups.
    fn sort_groups(&mut self, view: &View<'_>) {
        match self.group_order {
            GroupOrder::Deadline => {
                // Means are compared as fractions of integers: groups that tie stay as listed,
                // whatever the unit of time.
                let sum =
                    |g: &Group| g.requests.iter().map(|r| u128::from(r.deadline.0)).sum::<u128>();
                let count = |g: &Group| g.requests.len() as u128;
                self.groups.sort_by(|a, b| (sum(a) * count(b)).cmp(&(sum(b) * count(a))));
            }
            GroupOrder::Priority => {
                let priority = self.priority;
                let value = |r: &Request| priority.of(view, r);
                let mean =
                    |g: &Group| g.requests.iter().map(value).sum::<f64>() / g.requests.len() as f64;
                self.groups.sort_by(|a, b| mean(b).total_cmp(&mean(a)));
            }
        }
    }

    fn greedy(&mut self, view: &View<'_>) {
        self.sort_groups(view);
        for group in &self.groups {
            let mut best: Option<(f64, Time, usize, VariantId)> = None;
            for (at, cursor) in self.cursors.iter().enumerate() {
                for variant in view.variants(WorkerId(at as u16), group.app) {
                    self.trial.copy_from(cursor);
                    let largest = self.window.largest(view, WorkerId(at as u16), variant);
                    let mut sum = Sum::default();
                    let requests = &group.requests;
                    let finish = place(view, &mut self.trial, variant, requests, largest, &mut sum);
                    let utility = sum.value();
                    if self.ties.beats(utility, finish, best.map(|(u, f, _, _)| (u, f))) {
                        best = Some((utility, finish, at, variant));
                    }
                }
            }
            if let Some((_, _, at, variant)) = best {
                let worker = WorkerId(at as u16);
                let largest = self.window.largest(view, worker, variant);
                let cursor = &mut self.cursors[at];
                place(view, cursor, variant, &group.requests, largest, &mut Sum::default());
                push(&mut self.draft, worker, variant, &group.requests, largest);
            }
        }
    }

    /// True if the window was searched exactly.
    fn exact(&mut self, view: &View<'_>) -> bool {
        let limit = match self.search {
            Search::Greedy => return false,
            Search::Exact => exact::LIMIT,
            Search::Auto => exact::AUTO_LIMIT,
        };
        if exact::count(view, &self.groups.iter().map(|group| group.app)) > limit {
            return false;
        }
        let best = exact::search(view, &self.groups, &self.cursors, self.window, self.ties);
        let Some((worker, steps)) = best else { return false };
        for (group, variant) in steps {
            let largest = self.window.largest(view, worker, variant);
            push(&mut self.draft, worker, variant, &self.groups[group].requests, largest);
        }
        true
    }
}

impl Scheduler for GroupPlanner {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        if !self.window.is_open(view, plan) {
            return;
        }
        self.window.fill(view, &mut self.requests);
        if self.key == Key::Request {
            exact::shorten(view, &mut self.requests);
        }
        let listing = self.ties == Ties::Listing;
        self.order.sort(view, &mut self.requests, listing);
        self.group(view);
        tails(view, &mut self.cursors);
        self.draft.clear();
        if self.exact(view) {
            self.exact_windows += 1;
        } else {
            self.greedy(view);
        }
        self.window.emit(view, &self.draft, plan);
    }

    fn exact_windows(&self) -> Option<u64> {
        Some(self.exact_windows)
    }
}

/// A sum of utilities that does not depend on the order of adding: plans that serve the same
/// requests equally well tie exactly, and the rule for ties decides, not rounding.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sum(u128);

impl Sum {
    /// Utilities are kept to 60 binary places.
    const ONE: f64 = (1u64 << 60) as f64;

    /// One utility.
    #[inline]
    pub fn of(utility: f64) -> Self {
        Self(u128::from((utility * Self::ONE) as u64))
    }

    /// The sum, rounded once.
    #[inline]
    pub fn value(self) -> f64 {
        self.0 as f64 / Self::ONE
    }
}

impl Add for Sum {
    type Output = Self;
    #[inline]
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Sum {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sub for Sum {
    type Output = Self;
    /// The other is a part of this sum.
    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

/// Runs a group on a cursor in batches of at most `largest`, adds its utilities to `sum`, and
/// returns its end.
pub(super) fn place(
    view: &View<'_>,
    cursor: &mut Cursor,
    variant: VariantId,
    requests: &[Request],
    largest: usize,
    sum: &mut Sum,
) -> Time {
    let mut finish = Time::ZERO;
    for batch in requests.chunks(largest.max(1)) {
        finish = view.append(cursor, variant, batch.len());
        let utility = |request| Sum::of(view.utility(request, variant, finish));
        batch.iter().for_each(|request| *sum += utility(request));
    }
    finish
}

fn push(
    draft: &mut Draft,
    worker: WorkerId,
    variant: VariantId,
    requests: &[Request],
    largest: usize,
) {
    for batch in requests.chunks(largest.max(1)) {
        draft.push(worker, variant, batch.iter().map(|r| r.id));
    }
}
