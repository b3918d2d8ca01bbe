//! An experiment as an environment to learn in: runs of its configurations follow one another,
//! a step is the choice of a variant for the head of the line.
//!
//! The reward of a step is what the batch will earn, as expected by the accuracies that the run
//! grants and by the worker's timeline, less its price, less what the most accurate variants would
//! earn at once: nothing is lost by a perfect choice, and the order of policies is that of their
//! utility. It comes with the choice, not when answers do, which may be fifty choices later, and
//! no luck with answers is mixed in. Random numbers are those of no replicate.

use super::run_config::RunConfig;
use super::sweep::Sweep;
use crate::config::{Location, Problem, Problems};
use crate::contract::{Decision, Plan, Timeline};
use crate::core::rng::Rng;
use crate::engine::{self, Simulation};
use crate::metrics::{Cell, Summary};
use crate::rl::checkpoint::PolicySignature;
use crate::rl::net::Mlp;
use crate::rl::{Environment, Transition};
use crate::scheduler::{SteppedDispatcher, policy_catalogue, trained};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// No more batches than this are chosen in a run: a crowded one makes few of many requests, and
/// should not be learned from less than an idle one.
const BATCHES: usize = 256;
/// What a reward is worth when one more request was served. Counted by choices instead, whoever
/// leaves a request to be decided about later, or lets lines grow, would lose less by each choice.
const DISCOUNT: f64 = 0.99;
/// Rewards of about 1 are learned best.
const SCALE: f64 = 0.1;

/// Runs of all configurations, in an order that is drawn, and again.
pub struct SchedulingEnvironment<'a> {
    prepared: &'a [RunConfig],
    run: Run,
    cost_weight: f64,
    /// What the runs that follow are drawn by.
    rng: ChaCha8Rng,
    /// The configurations that are still to come before all have been.
    left: Vec<usize>,
}

/// A run that stops where a choice is due.
struct Run {
    sim: Simulation,
    dispatcher: SteppedDispatcher,
    plan: Plan,
    cost_weight: f64,
    /// What a reward is worth after the last choice.
    discount: f64,
    /// Batches that were chosen.
    batches: usize,
    over: bool,
}

impl Run {
    fn new(prepared: &RunConfig, rng: Rng, cost_weight: f64) -> Result<Self, Problems> {
        let arrivals = prepared.arrivals.build(&prepared.truth, rng)?;
        let dispatcher = SteppedDispatcher::new(&prepared.truth.believed(rng));
        let truth = Arc::clone(&prepared.truth);
        let sim = Simulation::new(truth, arrivals, prepared.info, rng, "training");
        let (plan, discount) = (Plan::default(), 1.0);
        let mut run =
            Self { sim, dispatcher, plan, cost_weight, discount, batches: 0, over: false };
        run.proceed();
        Ok(run)
    }

    /// Goes to the next choice that is due, or to the end.
    fn proceed(&mut self) {
        while matches!(self.sim.advance(&mut ()), Ok(engine::StepOutcome::Decide)) {
            let due = self.dispatcher.decide(&self.sim.view(), self.sim.trigger(), &mut self.plan);
            let done = self.sim.apply(&mut self.plan, &mut ());
            if done.is_ok() && due {
                return;
            }
        }
        self.over = true;
    }

    fn step(&mut self, action: usize) -> f32 {
        let due = self.dispatcher.go_on(&self.sim.view(), action, &mut self.plan);
        let (given_up, served) = self.given_up();
        self.discount = libm::pow(DISCOUNT, served as f64);
        let done = self.sim.apply(&mut self.plan, &mut ());
        if !due || done.is_err() {
            self.proceed();
        }
        self.batches += usize::from(served > 0);
        self.over |= self.batches == BATCHES;
        (-SCALE * given_up) as f32
    }

    /// What the requests of the plan will earn less, together, than the most accurate variant that
    /// is to be had would earn at once and for nothing; and how many they are.
    fn given_up(&self) -> (f64, usize) {
        let (view, mut timeline) = (self.sim.view(), Timeline::default());
        let (mut given_up, mut served) = (0.0, 0);
        for decision in self.plan.decisions() {
            let Decision::Assign { worker, variant, requests } = decision else { continue };
            view.backlog_end(*worker, &mut timeline);
            let finish = view.estimate_append(&mut timeline, *variant, requests.len());
            let price = view.catalog().worker(*worker).usd_per_request.unwrap_or(0.0);
            let ids = self.plan.requests()[requests.clone()].iter();
            for request in ids.filter_map(|id| view.request(*id)) {
                let best = view
                    .workers()
                    .flat_map(|worker| view.variants(worker.id, request.app))
                    .map(|variant| view.accuracy(request.id, variant))
                    .fold(0.0, f64::max);
                let earned = view.utility(request, *variant, finish);
                given_up += best - earned + self.cost_weight * price;
                served += 1;
            }
        }
        (given_up, served)
    }
}

impl<'a> SchedulingEnvironment<'a> {
    /// In the runs of an experiment, whose configurations must be of one catalogue.
    pub fn new(sweep: &'a Sweep, cost_weight: f64) -> Result<Self, Problems> {
        let prepared = sweep.prepared.as_slice();
        let expected = policy_catalogue(&prepared[0].catalog, prepared[0].info);
        for (other, settings) in prepared.iter().zip(&sweep.configurations).skip(1) {
            let found = policy_catalogue(&other.catalog, other.info);
            if let Some((at, _)) = expected.iter().zip(&found).find(|(a, b)| a != b) {
                let place = Location::file(&sweep.experiment.path);
                let said = format!("`{}` differ at {}", at.0, settings.labels.join(", "));
                let wanted = "applications, variants, workers, penalty and accuracy that do not \
                              vary";
                return Err(Problem::new(place, said, wanted).into());
            }
        }
        let run = Run::new(&prepared[0], Rng::episode(0), cost_weight)?;
        let rng = ChaCha8Rng::seed_from_u64(0);
        Ok(Self { prepared, run, cost_weight, rng, left: Vec::new() })
    }

    /// What a policy that is trained here depends on.
    pub fn catalogue(&self) -> PolicySignature {
        policy_catalogue(&self.prepared[0].catalog, self.prepared[0].info)
    }
}

impl SchedulingEnvironment<'_> {
    /// Begins another run.
    fn next(&mut self) {
        if self.left.is_empty() {
            self.left.extend(0..self.prepared.len());
        }
        let at = self.rng.random_range(0..self.left.len());
        let prepared = &self.prepared[self.left.swap_remove(at)];
        let number = self.rng.random_range(0..u64::MAX);
        match Run::new(prepared, Rng::episode(number), self.cost_weight) {
            Ok(run) => self.run = run,
            // What could be built once can be built again; else the episode is over at once.
            Err(_) => self.run.over = true,
        }
    }
}

impl Environment for SchedulingEnvironment<'_> {
    fn observation_len(&self) -> usize {
        self.run.dispatcher.inputs()
    }

    fn actions(&self) -> usize {
        self.run.dispatcher.outputs()
    }

    fn by_action(&self) -> usize {
        self.run.dispatcher.by_output()
    }

    fn discount(&self) -> f32 {
        self.run.discount as f32
    }

    fn reset(&mut self, rng: &mut ChaCha8Rng) {
        self.rng = ChaCha8Rng::seed_from_u64(rng.random_range(0..u64::MAX));
        self.left.clear();
        self.next();
    }

    fn observe(&self, into: &mut [f32]) {
        into.fill(0.0);
        if !self.run.over {
            self.run.dispatcher.observe(into);
        }
    }

    fn mask(&self, allowed: &mut [bool]) {
        allowed.fill(true);
        if !self.run.over {
            self.run.dispatcher.mask(allowed);
        }
    }

    fn step(&mut self, action: usize) -> Transition {
        if self.run.over {
            return Transition { reward: 0.0, done: true };
        }
        let reward = self.run.step(action);
        // One run follows the other: to leave requests to the end of all days would else be best.
        if self.run.over {
            self.next();
        }
        Transition { reward, done: self.run.over }
    }
}

/// Mean utility of a network over the first replicate of every configuration.
pub fn utility(sweep: &Sweep, network: &Mlp) -> Result<f64, String> {
    let mut sum = 0.0;
    for prepared in &sweep.prepared {
        let mut summary = Summary::new(&prepared.catalog);
        let mut scheduler = trained(&prepared.catalog, network.clone());
        let rng = Rng::new(sweep.experiment.seed, 0);
        super::simulate_with(prepared, rng, scheduler.as_mut(), prepared.info, &mut summary)?;
        sum += summary.cell("utility_mean").and_then(Cell::number).unwrap_or(0.0);
    }
    Ok(sum / sweep.prepared.len() as f64)
}
