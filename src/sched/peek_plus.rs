//! Peek-plus

use super::foresight::{Course, outlook};
use super::pool::Pool;
use super::priority::Order;
use super::window::{Draft, Ties, Window, tails};
use super::{Context, Entry};
use crate::domain::{AppId, Request, VariantId, WorkerId};
use crate::input::Fields;
use crate::policy::{Cursor, Info, Plan, Scheduler, Trigger, View};
use crate::units::{Span, Time};

pub(super) const ENTRY: Entry = Entry {
    name: "peek-plus",
    summary: "groups by application, accuracies at the pooled class mix, whole plans improved",
    source: "ours",
    params: "pool = 200, shrink = 50, ahead = 2, ties = finish, window_ms = 0, window_max, \
             while_busy = false, max_batch = 32, merge = false",
    accuracy: Some(Info::Posterior),
    build: |fields, context| Box::new(PeekPlus::read(fields, context)),
};

/// More rounds of improvement are not tried.
const ROUNDS: usize = 3;

/// The requests of one application.
#[derive(Debug)]
struct Group {
    app: AppId,
    requests: Vec<Request>,
    /// Accuracy by variant of the application.
    accuracy: Vec<f64>,
    rate: f64,
    budget: Span,
}

/// One group's place in a plan.
#[derive(Clone, Copy, Debug)]
struct Step {
    group: usize,
    worker: WorkerId,
    variant: VariantId,
}

struct PeekPlus {
    pool: Pool,
    ahead: f64,
    improve: bool,
    margin: f64,
    ties: Ties,
    window: Window,
    requests: Vec<Request>,
    groups: Vec<Group>,
    tails: Vec<Cursor>,
    trial: Vec<Cursor>,
    courses: Vec<Course>,
    draft: Draft,
}

impl PeekPlus {
    fn read(fields: &mut Fields<'_>, context: &Context<'_>) -> Self {
        let length = fields.number("pool", 1.0..=1e9, 200.0);
        let shrink = fields.number("shrink", 0.0..=1e9, 50.0);
        Self {
            pool: Pool::new(context.catalog, length, shrink),
            ahead: fields.number("ahead", 0.0..=1e6, 2.0),
            improve: fields.choice("improve", &[("on", true), ("off", false)]),
            margin: fields.number("margin", 0.0..=1.0, 0.0),
            ties: Ties::read(fields),
            window: Window::read(fields),
            requests: Vec::new(),
            groups: Vec::new(),
            tails: Vec::new(),
            trial: Vec::new(),
            courses: Vec::new(),
            draft: Draft::default(),
        }
    }

    /// Sorts the window's requests into groups, listed by mean time to the deadline.
    fn group(&mut self, view: &View<'_>) {
        let catalog = view.catalog();
        self.groups.clear();
        for app in catalog.app_ids() {
            let own = self.requests.iter().filter(|request| request.app == app);
            let requests: Vec<Request> = own.copied().collect();
            if requests.is_empty() {
                continue;
            }
            let accuracy =
                catalog.variants_of(app).map(|v| self.pool.accuracy(catalog, v)).collect();
            let (rate, budget) = (self.pool.rate(app), self.pool.budget(app));
            self.groups.push(Group { app, requests, accuracy, rate, budget });
        }
        let now = view.now();
        let left = |r: &Request| r.deadline.since(now).as_s() - now.since(r.deadline).as_s();
        let mean = |g: &Group| g.requests.iter().map(left).sum::<f64>() / g.requests.len() as f64;
        self.groups.sort_by(|a, b| mean(a).total_cmp(&mean(b)).then(a.app.cmp(&b.app)));
    }

    /// Runs a group on a cursor; (summed utility, end).
    fn place(
        &self,
        view: &View<'_>,
        cursor: &mut Cursor,
        step: Step,
    ) -> (f64, Time) {
        let group = &self.groups[step.group];
        let largest = self.window.largest(view, step.worker, step.variant).max(1);
        let accuracy = group.accuracy[view.catalog().variant_offset(step.variant)];
        let (mut kept, mut finish) = (0.0, Time::ZERO);
        for batch in group.requests.chunks(largest) {
            finish = view.append(cursor, step.variant, batch.len());
            kept += batch.iter().map(|r| 1.0 - view.penalty(r, finish)).sum::<f64>();
        }
        (accuracy * kept, finish)
    }

    /// Group by group the best worker and variant given those before.
    fn greedy(&mut self, view: &View<'_>) -> Vec<Step> {
        let mut cursors = self.tails.clone();
        let mut steps = Vec::new();
        let mut trial = Cursor::default();
        for group in 0..self.groups.len() {
            let mut best: Option<(f64, Time, Step)> = None;
            for (worker, cursor) in view.catalog().worker_ids().zip(&cursors) {
                for variant in view.variants(worker, self.groups[group].app) {
                    trial.copy_from(cursor);
                    let step = Step { group, worker, variant };
                    let (utility, finish) = self.place(view, &mut trial, step);
                    if self.ties.beats(utility, finish, best.map(|(u, f, _)| (u, f))) {
                        best = Some((utility, finish, step));
                    }
                }
            }
            if let Some((_, _, step)) = best {
                self.place(view, &mut cursors[step.worker.index()], step);
                steps.push(step);
            }
        }
        steps
    }

    /// The value of a whole plan and the end of its last batch.
    fn value(&mut self, view: &View<'_>, steps: &[Step]) -> (f64, Time) {
        let mut trial = std::mem::take(&mut self.trial);
        trial.resize_with(self.tails.len(), Cursor::default);
        trial.iter_mut().zip(&self.tails).for_each(|(into, from)| into.copy_from(from));
        let (mut utility, mut last) = (0.0, Time::ZERO);
        for step in steps {
            let (own, finish) = self.place(view, &mut trial[step.worker.index()], *step);
            utility += own;
            last = last.max(finish);
        }
        if self.ahead > 0.0 {
            utility += self.later(view, steps, &mut trial);
        }
        self.trial = trial;
        (utility, last)
    }

    /// What those who come later can expect, for as many as are expected until the horizon.
    fn later(&mut self, view: &View<'_>, steps: &[Step], trial: &mut [Cursor]) -> f64 {
        let longest = self.groups.iter().map(|group| group.budget).max().unwrap_or_default();
        let horizon = longest.scale(self.ahead);
        let rate: f64 = self.groups.iter().map(|group| group.rate).sum();
        let (mut number, mut utility) = (0.0, 0.0);
        for (worker, cursor) in view.catalog().worker_ids().zip(trial) {
            self.courses.clear();
            for step in steps.iter().filter(|step| step.worker == worker) {
                let group = &self.groups[step.group];
                self.courses.push(Course {
                    variant: step.variant,
                    accuracy: group.accuracy[view.catalog().variant_offset(step.variant)],
                    rate: group.rate,
                    budget: group.budget,
                    waiting: 0.0,
                });
            }
            let end = view.now() + horizon;
            let (n, u) = outlook(view, self.window, worker, cursor, &mut self.courses, end);
            number += n;
            utility += u;
        }
        if number > 0.0 { utility / number * rate * horizon.as_s() } else { 0.0 }
    }

    /// Changes one group's worker and variant, or swaps neighbours, as long as that helps.
    fn better(&mut self, view: &View<'_>, mut steps: Vec<Step>) -> Vec<Step> {
        let first = steps.clone();
        let mut best = self.value(view, &steps);
        let start = best.0;
        for _ in 0..ROUNDS {
            let before = best;
            for at in 0..steps.len() {
                let app = self.groups[steps[at].group].app;
                for worker in view.catalog().worker_ids() {
                    for variant in view.variants(worker, app) {
                        let old = steps[at];
                        steps[at] = Step { worker, variant, ..old };
                        best = self.keep_if_better(view, &mut steps, best, |s| s[at] = old);
                    }
                }
            }
            for at in 1..steps.len() {
                steps.swap(at - 1, at);
                best = self.keep_if_better(view, &mut steps, best, |s| s.swap(at - 1, at));
            }
            if best == before {
                break;
            }
        }
        if best.0 > start * (1.0 + self.margin) { steps } else { first }
    }

    fn keep_if_better(
        &mut self,
        view: &View<'_>,
        steps: &mut [Step],
        best: (f64, Time),
        undo: impl FnOnce(&mut [Step]),
    ) -> (f64, Time) {
        let value = self.value(view, steps);
        if value.0 > best.0 + 1e-9 {
            return value;
        }
        undo(steps);
        best
    }
}

impl Scheduler for PeekPlus {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        for request in trigger.arrived.iter().filter_map(|id| view.request(*id)) {
            self.pool.observe(view, request);
        }
        if !self.window.is_open(view, plan) {
            return;
        }
        self.window.fill(view, &mut self.requests);
        Order::Deadline.sort(view, &mut self.requests, false);
        self.group(view);
        tails(view, &mut self.tails);
        let mut steps = self.greedy(view);
        if self.improve {
            steps = self.better(view, steps);
        }
        self.draft.clear();
        for step in &steps {
            let largest = self.window.largest(view, step.worker, step.variant).max(1);
            for batch in self.groups[step.group].requests.chunks(largest) {
                self.draft.push(step.worker, step.variant, batch.iter().map(|r| r.id));
            }
        }
        self.window.emit(view, &self.draft, plan);
    }
}
