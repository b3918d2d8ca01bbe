//! An experiment as an environment to learn in: an episode is a run of one of its configurations,
//! a step is the choice of a variant for the head of the line.
//!
//! The reward of a step is the mean utility of what was answered between it and the next choice,
//! 0 if nothing was. A sum would pay for waiting: later rewards count less, choice by choice, and
//! who lets lines grow serves more requests by each choice. Random numbers of episodes are those of
//! no replicate.

use super::config::Prepared;
use super::pool::Sweep;
use crate::input::{Place, Problem, Problems};
use crate::learn::net::Mlp;
use crate::learn::store::Catalogue;
use crate::learn::{Environment, Step};
use crate::metrics::{COLUMNS, Cell, Summary};
use crate::model::catalog::Catalog;
use crate::policy::{Event, Observer, Plan};
use crate::rng::Rng;
use crate::sched::{Desk, policy_catalogue, trained};
use crate::sim::{self, Simulation};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

/// Episodes are runs of configurations drawn uniformly.
pub struct Practice<'a> {
    prepared: &'a [Prepared],
    run: Run,
}

/// A run that stops where a choice is due.
struct Run {
    sim: Simulation,
    desk: Desk,
    plan: Plan,
    earned: Earned,
    over: bool,
}

/// What was answered since it was last asked for.
struct Earned {
    catalog: Arc<Catalog>,
    utility: f64,
    answers: u32,
}

impl Earned {
    /// The mean utility of an answer.
    fn take(&mut self) -> f64 {
        let utility = std::mem::take(&mut self.utility);
        utility / f64::from(std::mem::take(&mut self.answers).max(1))
    }
}

impl Observer for Earned {
    fn on(&mut self, event: Event<'_>) {
        let Event::Completed(done) = event else { return };
        self.answers += 1;
        if done.correct {
            let (deadline, budget) = (done.request.deadline, done.request.budget());
            self.utility += 1.0 - self.catalog.penalty.gamma(done.finished, deadline, budget);
        }
    }
}

impl Run {
    fn new(prepared: &Prepared, rng: Rng) -> Result<Self, Problems> {
        let catalog = prepared.catalog.believed(rng);
        let arrivals = prepared.arrivals.build(&catalog, rng)?;
        let desk = Desk::new(&catalog);
        let earned = Earned { catalog: Arc::clone(&catalog), utility: 0.0, answers: 0 };
        let sim = Simulation::new(catalog, arrivals, prepared.info, rng, "practice");
        let mut run = Self { sim, desk, plan: Plan::default(), earned, over: false };
        run.proceed();
        Ok(run)
    }

    /// Goes to the next choice that is due, or to the end.
    fn proceed(&mut self) {
        while matches!(self.sim.advance(&mut self.earned), Ok(sim::Step::Decide)) {
            let due = self.desk.decide(&self.sim.view(), self.sim.trigger(), &mut self.plan);
            let done = self.sim.apply(&mut self.plan, &mut self.earned);
            if done.is_ok() && due {
                return;
            }
        }
        self.over = true;
    }

    fn step(&mut self, action: usize) -> Step {
        let due = self.desk.go_on(&self.sim.view(), action, &mut self.plan);
        let done = self.sim.apply(&mut self.plan, &mut self.earned);
        if !due || done.is_err() {
            self.proceed();
        }
        Step { reward: self.earned.take() as f32, done: self.over }
    }
}

impl<'a> Practice<'a> {
    /// In the runs of an experiment, whose configurations must be of one catalogue.
    pub fn new(sweep: &'a Sweep) -> Result<Self, Problems> {
        let prepared = sweep.prepared.as_slice();
        let expected = policy_catalogue(&prepared[0].catalog);
        for (other, settings) in prepared.iter().zip(&sweep.configurations).skip(1) {
            let found = policy_catalogue(&other.catalog);
            if let Some((at, _)) = expected.iter().zip(&found).find(|(a, b)| a != b) {
                let place = Place::file(&sweep.experiment.path);
                let said = format!("`{}` differ at {}", at.0, settings.labels.join(", "));
                let wanted = "applications, variants and workers that do not vary";
                return Err(Problem::new(place, said, wanted).into());
            }
        }
        Ok(Self { prepared, run: Run::new(&prepared[0], Rng::episode(0))? })
    }

    /// What a policy that is trained here depends on.
    pub fn catalogue(&self) -> Catalogue {
        policy_catalogue(&self.prepared[0].catalog)
    }
}

impl Environment for Practice<'_> {
    fn observation_len(&self) -> usize {
        self.run.desk.inputs()
    }

    fn actions(&self) -> usize {
        self.run.desk.outputs()
    }

    fn reset(&mut self, coins: &mut ChaCha8Rng) {
        let prepared = &self.prepared[coins.random_range(0..self.prepared.len())];
        let number = coins.random_range(0..u64::MAX);
        match Run::new(prepared, Rng::episode(number)) {
            Ok(run) => self.run = run,
            // What could be built once can be built again; else the episode is over at once.
            Err(_) => self.run.over = true,
        }
    }

    fn observe(&self, into: &mut [f32]) {
        into.fill(0.0);
        if !self.run.over {
            self.run.desk.observe(into);
        }
    }

    fn mask(&self, allowed: &mut [bool]) {
        allowed.fill(true);
        if !self.run.over {
            self.run.desk.mask(allowed);
        }
    }

    fn step(&mut self, action: usize) -> Step {
        if self.run.over { Step { reward: 0.0, done: true } } else { self.run.step(action) }
    }
}

/// Mean utility of a network over the first replicate of every configuration.
pub fn utility(sweep: &Sweep, network: &Mlp) -> Result<f64, String> {
    let column = COLUMNS.iter().position(|column| column.name == "utility_mean").unwrap_or(0);
    let mut sum = 0.0;
    for prepared in &sweep.prepared {
        let mut summary = Summary::new(&prepared.catalog);
        let mut scheduler = trained(&prepared.catalog, network.clone());
        let rng = Rng::new(sweep.experiment.seed, 0);
        super::simulate_with(prepared, rng, scheduler.as_mut(), prepared.info, &mut summary)?;
        if let Cell::Number(mean) = summary.cells(None)[column] {
            sum += mean;
        }
    }
    Ok(sum / sweep.prepared.len() as f64)
}
