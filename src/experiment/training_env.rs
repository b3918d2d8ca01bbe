//! An experiment as a learning environment: runs of its configurations follow one another; an
//! action is the choice of a variant for the head of the queue.
//!
//! The reward of an action is the expected utility of the batch, by the accuracies that the run
//! grants and the worker's timeline, less its price, less the utility of the most accurate variants
//! at once. So a perfect choice loses nothing, and policies are ordered by their utility. The
//! reward comes with the action, not with the answers, which may come fifty actions later and
//! depend on chance. Random numbers are those of no replicate.

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

/// The most actions in a run. Overloaded runs have fewer and larger batches than idle ones; both
/// should weigh the same in training.
const BATCHES: usize = 256;
/// The discount for each request that is served. A discount for each action would reward policies
/// that postpone requests or let queues grow.
const DISCOUNT: f64 = 0.99;
/// Training works best with rewards of about 1.
const SCALE: f64 = 0.1;

/// Runs of all configurations in random order, repeatedly.
pub struct SchedulingEnvironment<'a> {
    configs: &'a [RunConfig],
    run: Run,
    cost_weight: f64,
    /// Draws the runs that follow.
    rng: ChaCha8Rng,
    /// The configurations that have not had a run in this round.
    left: Vec<usize>,
}

/// A run that stops where an action is due.
struct Run {
    sim: Simulation,
    dispatcher: SteppedDispatcher,
    plan: Plan,
    cost_weight: f64,
    /// The discount of the last action.
    discount: f64,
    /// The number of actions.
    batches: usize,
    over: bool,
}

impl Run {
    fn new(config: &RunConfig, rng: Rng, cost_weight: f64) -> Result<Self, Problems> {
        let arrivals = config.arrivals.build(&config.truth, rng)?;
        let dispatcher = SteppedDispatcher::new(&config.truth.believed(rng));
        let truth = Arc::clone(&config.truth);
        let sim = Simulation::new(truth, arrivals, config.info, rng, "training");
        let (plan, discount) = (Plan::default(), 1.0);
        let mut run =
            Self { sim, dispatcher, plan, cost_weight, discount, batches: 0, over: false };
        run.proceed();
        Ok(run)
    }

    /// Goes to the next action that is due, or to the end.
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

    /// The expected utility that the requests of the plan lose against the most accurate available
    /// variant at once and for free; and the number of these requests.
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
    /// The environment of an experiment, whose configurations must have one policy signature.
    ///
    /// # Errors
    ///
    /// If they have not, or the first run cannot be built.
    pub fn new(sweep: &'a Sweep, cost_weight: f64) -> Result<Self, Problems> {
        let configs = sweep.scheduling()?;
        let expected = policy_catalogue(&configs[0].catalog, configs[0].info);
        for (other, settings) in configs.iter().zip(&sweep.points).skip(1) {
            let found = policy_catalogue(&other.catalog, other.info);
            if let Some((at, _)) = expected.iter().zip(&found).find(|(a, b)| a != b) {
                let place = Location::file(&sweep.experiment.path);
                let found = format!("`{}` differ at {}", at.0, settings.labels.join(", "));
                let expected = "applications, variants, workers, penalty and accuracy that do not \
                              vary";
                return Err(Problem::new(place, found, expected).into());
            }
        }
        let run = Run::new(&configs[0], Rng::episode(0), cost_weight)?;
        let rng = ChaCha8Rng::seed_from_u64(0);
        Ok(Self { configs, run, cost_weight, rng, left: Vec::new() })
    }

    /// The signature of policies that are trained here.
    pub fn catalogue(&self) -> PolicySignature {
        policy_catalogue(&self.configs[0].catalog, self.configs[0].info)
    }
}

impl SchedulingEnvironment<'_> {
    /// Begins the next run.
    fn next(&mut self) {
        if self.left.is_empty() {
            self.left.extend(0..self.configs.len());
        }
        let at = self.rng.random_range(0..self.left.len());
        let config = &self.configs[self.left.swap_remove(at)];
        let number = self.rng.random_range(0..u64::MAX);
        match Run::new(config, Rng::episode(number), self.cost_weight) {
            Ok(run) => self.run = run,
            // Every run could be built when the sweep was checked.
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

    fn action_features(&self) -> usize {
        self.run.dispatcher.by_output()
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
            return Transition { reward: 0.0, done: true, discount: 1.0 };
        }
        let reward = self.run.step(action);
        // The episode goes on in the next run: otherwise postponing requests would be best.
        if self.run.over {
            self.next();
        }
        Transition { reward, done: self.run.over, discount: self.run.discount as f32 }
    }
}

/// Mean utility of a network over the first replicate of every configuration.
pub fn utility(sweep: &Sweep, network: &Mlp) -> Result<f64, String> {
    let mut sum = 0.0;
    let configs = sweep.scheduling().map_err(|problem| problem.to_string())?;
    for config in configs {
        let mut summary = Summary::new(&config.catalog);
        let mut scheduler = trained(&config.catalog, network.clone());
        let rng = Rng::new(sweep.experiment.seed, 0);
        super::simulate_with(config, rng, scheduler.as_mut(), config.info, &mut summary)?;
        sum += summary.cell("utility_mean").and_then(Cell::number).unwrap_or(0.0);
    }
    Ok(sum / configs.len() as f64)
}
