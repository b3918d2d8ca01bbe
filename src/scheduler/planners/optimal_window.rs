//! The optimum of a window: the plan of highest summed expected utility, by the beliefs of the run,
//! of all plans of its requests on one worker with one lane, with batches, loads and the content of
//! memory, from any backlog. Proved by a dynamic programme ([`super::search::request_moves`]) with
//! a beam search as its first lower bound.
//!
//! A reference for one window, not for a run: the next window is ignored. Every plan serves all
//! requests of the window; worthless ones may come last. Ties: higher utility, then earlier end,
//! then listing order.
//!
//! A window is that of all planners: all waiting requests, or the oldest `window_max`. No optimum
//! is proved for more than [`MOST`] requests, and for rare smaller windows with too many plans:
//! `oversize_window = "refuse"` ends the run with an error (and refuses a larger `window_max`),
//! `oversize_window = "beam"` takes the plan of the beam search ([`super::search::beam_search`]).
//! The column `windows_solved_exactly` counts proved windows.
//!
//! Source: ours; dynamic programmes over subsets go back to Held and Karp, J. SIAM 1962.

use super::plan_builder::PlanBuilder;
use super::planning_window::{PlanningWindow, WINDOW};
use super::search::beam_search;
use super::search::bounds::RequestBounds;
use super::search::request_moves::{self, MOST};
use super::search::window_problem::{PlanStep, WindowProblem};
use crate::config::settings::names;
use crate::config::{Decoder, Problem, Setting};
use crate::contract::{AccuracySource, Plan, Scheduler, Trigger, View};
use crate::core::ids::WorkerId;
use crate::scheduler::tie_break::TieBreak;
use crate::scheduler::{BuildContext, SchedulerEntry};

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "optimal-window",
    summary: "the proved optimum of each window, batches and loads included (one worker, one lane)",
    source: "ours; dynamic programme over subsets after Held and Karp, J. SIAM 1962",
    settings: &[
        &[Setting::choice("oversize_window", &names(&OVERSIZE_WINDOWS)).means(
            "What happens with a window of more requests than can be solved exactly (16): the run \
             fails, or beam search plans it. With `refuse`, `window_max` is 16 at most.",
        )],
        WINDOW,
    ],
    accuracy: Some(AccuracySource::Profiled),
    build: |fields, context| {
        check_workers(fields, context);
        Box::new(OptimalWindow::read(fields))
    },
};

/// Whether windows that are too large for a proof are planned by beam search.
const OVERSIZE_WINDOWS: [(&str, bool); 2] = [("refuse", false), ("beam", true)];

struct OptimalWindow {
    /// Whether beam search plans windows without a proof; otherwise the run fails.
    takes_beam: bool,
    builder: PlanBuilder,
    windows_solved_exactly: u64,
}

/// Refuses several workers or lanes: plans are sequences of batches.
fn check_workers(fields: &mut Decoder<'_>, context: &BuildContext<'_>) {
    let catalog = context.catalog;
    let workers = catalog.worker_ids().len();
    let lanes = catalog.worker_ids().map(|worker| catalog.worker(worker).lanes).max();
    let found = match (workers, lanes) {
        (2.., _) => format!("`optimal-window` on {workers} workers"),
        (_, Some(lanes @ 2..)) => format!("`optimal-window` on a worker with {lanes} lanes"),
        _ if catalog.worker_ids().any(|worker| catalog.worker(worker).link.is_some()) => {
            "`optimal-window` on a worker behind a link".to_owned()
        }
        _ if catalog.worker_ids().any(|worker| catalog.worker(worker).host != [false; 2]) => {
            "`optimal-window` on a worker whose host works before or after batches".to_owned()
        }
        _ => return,
    };
    let problem = Problem::new(fields.place().clone(), found, "one worker with one lane");
    fields.problems().push(problem);
}

impl OptimalWindow {
    fn read(fields: &mut Decoder<'_>) -> Self {
        let takes_beam = fields.choice("oversize_window", &OVERSIZE_WINDOWS);
        let largest = if takes_beam { u64::MAX } else { MOST as u64 };
        let window = PlanningWindow::read_up_to(fields, largest);
        let builder = PlanBuilder::new(TieBreak::EarliestFinish, window);
        Self { takes_beam, builder, windows_solved_exactly: 0 }
    }

    /// The steps of the best plan, or why there is none.
    fn plan(&mut self, problem: &WindowProblem<'_>) -> Result<Vec<PlanStep>, String> {
        let bounds = RequestBounds::new(problem);
        let (known, steps) = beam_search::search(problem, &bounds);
        if let Some(proved) = request_moves::search(problem, &bounds, known) {
            self.windows_solved_exactly += 1;
            return Ok(proved);
        }
        if self.takes_beam {
            return Ok(steps);
        }
        let count = problem.requests.len();
        let why = if count > MOST {
            format!("{count} requests wait, and the best plan is proved for {MOST} at most")
        } else {
            format!("too many plans of {count} requests to prove the best")
        };
        Err(format!("{why}: set `window_max` to less, or oversize_window = \"beam\""))
    }
}

impl Scheduler for OptimalWindow {
    fn decide(&mut self, view: &View<'_>, trigger: Trigger<'_>, plan: &mut Plan) {
        if !self.builder.open(view, trigger, plan) {
            return;
        }
        let PlanBuilder { window, tie_break, requests, timelines, .. } = &self.builder;
        let worker = WorkerId(0);
        let problem = WindowProblem::new(view, worker, &timelines[0], *tie_break)
            .with_applications(window, requests);
        match self.plan(&problem) {
            Ok(steps) => {
                for PlanStep { variant, members } in &steps {
                    plan.assign(worker, *variant, problem.ids(members));
                }
            }
            Err(why) => plan.abort(why),
        }
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.builder.window.waits_for_idle_workers()
    }

    fn counters(&self) -> Vec<(&'static str, u64)> {
        vec![("windows_solved_exactly", self.windows_solved_exactly)]
    }
}
