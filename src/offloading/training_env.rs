//! Dialogues as an environment to learn in.
//!
//! The transition is `rolled` (the agent's own decision enters the next state) or `compat` (the
//! logged one does, as in the authors' training: the agent then faces a bandit). How a budget is
//! enforced while learning is a [`Constraint`]; only `zero` is the authors'. With a budget, what
//! remains of it is part of the observation.

use super::model::{Cost, DialogueModel};
use super::policy::TurnContext;
use crate::config::{Location, Problem};
use crate::core::rng::{exponential, standard_normal};
use crate::rl::{Environment, Transition};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// How the state moves on while learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateTransition {
    /// By what the agent decided.
    OnPolicy,
    /// By what the data's log says was decided.
    Logged,
}

impl StateTransition {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 2] = [("rolled", Self::OnPolicy), ("compat", Self::Logged)];
}

/// How a budget is enforced while learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Not at all, and the budget is not seen.
    Free,
    /// Once it is exceeded, rewards are 0 (the authors' code).
    Zero,
    /// What is exceeded is taken off the reward, [`PENALTY`] per share of the most that can be
    /// spent. Ours.
    Penalty,
    /// Only decisions that leave enough for local answers can be taken, also afterwards. Ours.
    Mask,
    /// Costs have prices that rise while the budget is exceeded on average and fall while it is
    /// not: dual ascent on the Lagrangian (Altman, Constrained Markov Decision Processes, 1999).
    /// Ours.
    Lagrangian,
}

impl Constraint {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 5] = [
        ("free", Self::Free),
        ("zero", Self::Zero),
        ("penalty", Self::Penalty),
        ("mask", Self::Mask),
        ("lagrangian", Self::Lagrangian),
    ];
}

/// Where an episode's budget comes from while learning. Between all calls of a full history local
/// (`lo`) and all in the cloud with every view (`hi`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetDistribution {
    /// Normal around the middle, a sixth of the range wide, clipped.
    Normal,
    /// Uniform.
    Uniform,
    /// Half normal, three tenths uniform, the rest near the ends.
    ExtremeAware,
    /// Always this one.
    Fixed(Cost),
}

/// The draws that have a name.
pub const DRAWS: [(&str, BudgetDistribution); 3] = [
    ("normal", BudgetDistribution::Normal),
    ("uniform", BudgetDistribution::Uniform),
    ("extreme-aware", BudgetDistribution::ExtremeAware),
];

/// Reward taken off for exceeding a budget by the most that can be spent.
pub const PENALTY: f64 = 10.0;
/// How much a price moves with an episode and a share of the most that can be spent.
const DUAL_RATE: f64 = 0.02;

/// How a training goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingPlan {
    /// How the state moves on.
    pub transition: StateTransition,
    /// How budgets are enforced.
    pub constraint: Constraint,
    /// Where they come from.
    pub draw: BudgetDistribution,
    /// Whether what remains is seen in seconds and dollars, as published, rather than as a share of
    /// the most that can be spent.
    pub raw_budget: bool,
}

impl TrainingPlan {
    /// The authors' training without budget, and with it.
    pub fn published(constrained: bool) -> Self {
        let constraint = if constrained { Constraint::Zero } else { Constraint::Free };
        Self {
            transition: StateTransition::Logged,
            constraint,
            draw: BudgetDistribution::Normal,
            raw_budget: true,
        }
    }

    /// What an observation has: the state, and the two parts of what remains.
    pub fn observation_len(&self, model: &DialogueModel) -> usize {
        model.state_len() + if self.constraint == Constraint::Free { 0 } else { 2 }
    }

    /// Writes what is seen: the state, and what is left of the budget.
    pub(super) fn observe(
        &self,
        model: &DialogueModel,
        state: &[i8],
        left: Cost,
        into: &mut [f32],
    ) {
        into.iter_mut().zip(state).for_each(|(x, coordinate)| *x = f32::from(*coordinate));
        if self.constraint != Constraint::Free {
            let parts = if self.raw_budget {
                [left.latency_s, left.usage_usd]
            } else {
                left.shares(most(model))
            };
            let slots = &mut into[state.len()..];
            slots.iter_mut().zip(parts).for_each(|(x, part)| *x = part as f32);
        }
    }
}

/// The most that a full history of calls can take.
pub(super) fn most(model: &DialogueModel) -> Cost {
    model.spend(model.actions().len() - 1).times(model.params.window as f64)
}

/// Training dialogues, drawn uniformly.
pub struct DialogueEnvironment<'a> {
    model: &'a DialogueModel,
    dialogues: &'a [usize],
    plan: TrainingPlan,
    dialogue: usize,
    /// What the state follows from.
    past: Vec<usize>,
    state: Vec<i8>,
    spent: Cost,
    budget: Cost,
    /// Reward per most that can be spent, of time and of money.
    prices: [f32; 2],
}

impl<'a> DialogueEnvironment<'a> {
    /// On these dialogues, of which there must be some.
    pub fn new(
        model: &'a DialogueModel,
        dialogues: &'a [usize],
        plan: TrainingPlan,
    ) -> Result<Self, Problem> {
        let Some(dialogue) = dialogues.first().copied() else {
            let place = Location::file("workload");
            return Err(Problem::new(place, "no dialogues to learn from", "one or more"));
        };
        let (spent, budget) = (Cost::default(), Cost::PUBLISHED);
        let (past, state, prices) = (Vec::new(), Vec::new(), [0.0; 2]);
        Ok(Self { model, dialogues, plan, dialogue, past, state, spent, budget, prices })
    }

    /// What the Lagrangian charges for the most that can be spent, of time and of money.
    pub fn prices(&self) -> [f64; 2] {
        self.prices.map(f64::from)
    }

    fn context(&self) -> TurnContext<'_> {
        let Self { model, dialogue, past, state, spent, budget, .. } = self;
        let (dialogue, spent, budget) = (*dialogue, *spent, *budget);
        TurnContext { model, dialogue, past, state, spent, budget, waits_s: [0.0; 2] }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Cost {
        let low = self.model.spend(0).times(self.model.params.window as f64);
        let high = most(self.model);
        let (near, far) = ([low.latency_s, low.usage_usd], [high.latency_s, high.usage_usd]);
        let ways: [Law; 2] = match self.plan.draw {
            BudgetDistribution::Fixed(budget) => return budget,
            BudgetDistribution::Normal => [normal, normal],
            BudgetDistribution::Uniform => [uniform, uniform],
            BudgetDistribution::ExtremeAware => match (unit(rng), unit(rng)) {
                (kind, _) if kind < 0.5 => [normal, normal],
                (kind, _) if kind < 0.8 => [uniform, uniform],
                (kind, side) if kind < 0.9 && side < 0.5 => [edge, uniform],
                (kind, _) if kind < 0.9 => [uniform, edge],
                _ => [edge, edge],
            },
        };
        let mut drawn = |at: usize| {
            let (low, high) = (near[at].min(far[at]), near[at].max(far[at]));
            ways[at](low, high, rng).clamp(low, high)
        };
        Cost { latency_s: drawn(0), usage_usd: drawn(1) }
    }

    /// What the budget makes of a reward, once a call is charged.
    fn constrained(&self, reward: f64, call: Cost) -> f64 {
        let most = most(self.model);
        let sum = |parts: [f64; 2]| parts[0] + parts[1];
        match self.plan.constraint {
            Constraint::Free | Constraint::Mask => reward,
            Constraint::Zero if self.spent.within(self.budget) => reward,
            Constraint::Zero => 0.0,
            Constraint::Penalty => {
                let before = self.spent.plus(call.times(-1.0)).beyond(self.budget);
                let more = self.spent.beyond(self.budget).plus(before.times(-1.0));
                reward - PENALTY * sum(more.shares(most))
            }
            Constraint::Lagrangian => {
                let shares = call.shares(most);
                let prices = self.prices();
                reward - prices[0] * shares[0] - prices[1] * shares[1]
            }
        }
    }

    /// The state and the end of the episode after a decision.
    fn move_on(&mut self, action: usize) -> bool {
        let dialogue = &self.model.workload.dialogues[self.dialogue];
        let logged = dialogue.turns[self.past.len()].action;
        self.past.push(match self.plan.transition {
            StateTransition::OnPolicy => action,
            StateTransition::Logged => logged,
        });
        let done = self.past.len() == dialogue.turns.len();
        if done {
            self.state.fill(-1);
        } else {
            self.model.state(dialogue, &self.past, &mut self.state);
        }
        done
    }
}

/// How a number between two others is drawn.
type Law = fn(f64, f64, &mut ChaCha8Rng) -> f64;

/// A number in [0, 1).
fn unit(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

fn normal(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    let (first, second) = (unit(rng), unit(rng));
    f64::midpoint(low, high) + (high - low) / 6.0 * standard_normal(first, second)
}

fn uniform(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    low + (high - low) * unit(rng)
}

/// Inwards from one of the ends, a tenth of the range on average.
fn edge(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    let (side, inwards) = (unit(rng), 0.1 * (high - low) * exponential(unit(rng)));
    if side < 0.5 { low + inwards } else { high - inwards }
}

impl Environment for DialogueEnvironment<'_> {
    fn observation_len(&self) -> usize {
        self.plan.observation_len(self.model)
    }

    fn actions(&self) -> usize {
        self.model.actions().len()
    }

    fn reset(&mut self, rng: &mut ChaCha8Rng) {
        self.dialogue = self.dialogues[rng.random_range(0..self.dialogues.len())];
        self.budget = self.draw(rng);
        self.spent = Cost::default();
        self.past.clear();
        self.model.state(&self.model.workload.dialogues[self.dialogue], &[], &mut self.state);
    }

    fn observe(&self, into: &mut [f32]) {
        let over = self.past.len() == self.model.workload.dialogues[self.dialogue].turns.len();
        if over {
            into.fill(-1.0);
        } else {
            let left = self.budget.plus(self.spent.times(-1.0));
            self.plan.observe(self.model, &self.state, left, into);
        }
    }

    fn mask(&self, allowed: &mut [bool]) {
        let masked = self.plan.constraint == Constraint::Mask;
        for (action, open) in allowed.iter_mut().enumerate() {
            *open = !masked || self.context().allows(action);
        }
    }

    fn step(&mut self, action: usize) -> Transition {
        let turn = self.context().turn();
        let response = self.model.response(&self.state, action);
        let reward = self.model.reward(response, &turn.association, action);
        let call = self.model.spend(action);
        self.spent = self.spent.plus(call);
        let reward = self.constrained(reward, call) as f32;
        let done = self.move_on(action);
        if done && self.plan.constraint == Constraint::Lagrangian {
            let gap = self.spent.plus(self.budget.times(-1.0)).shares(most(self.model));
            for (price, gap) in self.prices.iter_mut().zip(gap) {
                *price = (*price + (DUAL_RATE * gap) as f32).max(0.0);
            }
        }
        Transition { reward, done }
    }

    fn save_state(&self) -> Vec<f32> {
        self.prices.to_vec()
    }

    fn load_state(&mut self, memory: &[f32]) {
        for (price, value) in self.prices.iter_mut().zip(memory) {
            *price = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};
    use crate::offloading::cost::{Costs, DEVICES, NETWORKS};
    use crate::offloading::generate::like_m4a1;
    use crate::offloading::model::ModelParams;
    use std::sync::Arc;

    fn model() -> DialogueModel {
        let workload = Arc::new(like_m4a1(30, Rng::new(2, 0)));
        let params = ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0]));
        DialogueModel::new(workload, &(0..30).collect::<Vec<_>>(), params).unwrap()
    }

    fn plan(transition: StateTransition, constraint: Constraint, usage_usd: f64) -> TrainingPlan {
        let draw = BudgetDistribution::Fixed(Cost { latency_s: 100.0, usage_usd });
        TrainingPlan { transition, constraint, draw, raw_budget: true }
    }

    /// The rewards of one action all along the first episode, and of its free twin.
    fn rewards(constraint: Constraint, usage_usd: f64, action: usize) -> Vec<(f64, f64)> {
        let model = model();
        let all: Vec<usize> = (0..30).collect();
        let run = |constraint| {
            let plan = plan(StateTransition::OnPolicy, constraint, usage_usd);
            let mut env = DialogueEnvironment::new(&model, &all, plan).unwrap();
            env.reset(&mut Rng::new(3, 0).stream(Label::Episodes));
            let mut found = Vec::new();
            loop {
                let step = env.step(action);
                found.push(f64::from(step.reward));
                if step.done {
                    return found;
                }
            }
        };
        run(constraint).into_iter().zip(run(Constraint::Free)).collect()
    }

    #[test]
    fn beyond_the_budget_rewards_are_zero_or_penalised() {
        // Every call costs 0.005; two fit.
        for (at, (zero, free)) in rewards(Constraint::Zero, 0.01, 2).into_iter().enumerate() {
            assert_eq!(zero, if at < 2 { free } else { 0.0 });
        }
        // Each further call exceeds by 0.005 of the 0.0684 that can be spent.
        for (at, (less, free)) in rewards(Constraint::Penalty, 0.01, 2).into_iter().enumerate() {
            let expected = if at < 2 { 0.0 } else { PENALTY * 0.005 / 0.0684 };
            assert!((free - less - expected).abs() < 1e-6, "{at}: {free} {less}");
        }
    }

    #[test]
    fn prices_rise_while_the_budget_is_exceeded_and_fall_after() {
        let model = model();
        let all: Vec<usize> = (0..30).collect();
        let plan = plan(StateTransition::OnPolicy, Constraint::Lagrangian, 0.01);
        let mut env = DialogueEnvironment::new(&model, &all, plan).unwrap();
        let mut rng = Rng::new(3, 0).stream(Label::Episodes);
        let mut episode = |env: &mut DialogueEnvironment<'_>, action| {
            env.reset(&mut rng);
            while !env.step(action).done {}
        };
        for _ in 0..50 {
            episode(&mut env, 8);
        }
        let high = env.prices();
        // The budget of time is ample.
        assert!(high[0] == 0.0 && high[1] > 0.1, "{high:?}");
        let memory = env.save_state();
        for _ in 0..2000 {
            episode(&mut env, 0);
        }
        assert_eq!(env.prices(), [0.0, 0.0]);
        env.load_state(&memory);
        assert_eq!(env.prices(), high);
    }

    #[test]
    fn states_follow_the_agent_or_the_log() {
        let model = model();
        let all: Vec<usize> = (0..30).collect();
        for (transition, action) in [(StateTransition::OnPolicy, 7), (StateTransition::Logged, 7)] {
            let plan = plan(transition, Constraint::Zero, 0.05);
            let mut env = DialogueEnvironment::new(&model, &all, plan).unwrap();
            env.reset(&mut Rng::new(3, 0).stream(Label::Episodes));
            let logged = model.workload.dialogues[env.dialogue].turns[0].action;
            env.step(action);
            let mut seen = vec![0.0; env.observation_len()];
            env.observe(&mut seen);
            let entered = if transition == StateTransition::OnPolicy { action } else { logged };
            let subset = model.actions().subset(entered);
            let expected = [
                f32::from(u8::from(entered > 0)),
                f32::from(subset & 1),
                f32::from(subset >> 1 & 1),
                f32::from(subset >> 2 & 1),
            ];
            assert_eq!(seen[20..24], expected);
            // What remains is what the agent's own calls left.
            assert!((f64::from(seen[26]) - (0.05 - 0.00945)).abs() < 1e-6, "{seen:?}");
            assert_eq!(seen.len(), 27);
        }
    }

    #[test]
    fn budgets_are_drawn_as_published() {
        let model = model();
        let all: Vec<usize> = (0..30).collect();
        let mut rng = Rng::new(3, 0).stream(Label::Episodes);
        for (name, draw) in DRAWS {
            let plan = TrainingPlan { draw, ..TrainingPlan::published(true) };
            let env = DialogueEnvironment::new(&model, &all, plan).unwrap();
            let drawn: Vec<Cost> = (0..20_000).map(|_| env.draw(&mut rng)).collect();
            let seconds: Vec<f64> = drawn.iter().map(|budget| budget.latency_s).collect();
            let mean = seconds.iter().sum::<f64>() / 20_000.0;
            let spread = seconds.iter().map(|s| (s - mean) * (s - mean)).sum::<f64>() / 20_000.0;
            let deviation = libm::sqrt(spread);
            // All three are symmetric about the middle of 0.0571 to 34.9106.
            assert!((mean - 17.484).abs() < 0.5, "{name}: {mean}");
            let range = 34.8534;
            let expected = match draw {
                BudgetDistribution::Normal => range / 6.0,
                BudgetDistribution::Uniform => range / libm::sqrt(12.0),
                // Half normal; 35 % uniform; 15 % near an end, where the mean square distance
                // from the middle is 0.5² - 0.1 + 2 · 0.1² of the range squared.
                _ => range * libm::sqrt(0.5 / 36.0 + 0.35 / 12.0 + 0.15 * 0.17),
            };
            assert!((deviation / expected - 1.0).abs() < 0.03, "{name}: {deviation} {expected}");
            assert!(seconds.iter().all(|s| (0.0571..34.9106).contains(s)), "{name}");
        }
    }
}
