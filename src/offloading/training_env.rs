//! Dialogues as an environment of reinforcement learning.
//!
//! The next state follows from the agent's own action (`on-policy`), or from the recorded one
//! (`logged`, as in the authors' training, where the agent faces a contextual bandit). A
//! [`Constraint`] enforces the budget while learning; only `zero` is the authors'. With a budget,
//! what is left of it is part of the observation.

use super::cost::Cost;
use super::generate::{normal, unit};
use super::model::DialogueModel;
use super::policy::TurnContext;
use crate::config::{Location, Problem};
use crate::core::rng::exponential;
use crate::rl::{DISCOUNT, Environment, Transition};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Which action the next state of a training episode follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateTransition {
    /// That of the agent.
    OnPolicy,
    /// That of the data.
    Logged,
}

impl StateTransition {
    /// All of them, by name.
    pub const ALL: [(&str, Self); 2] = [("on-policy", Self::OnPolicy), ("logged", Self::Logged)];
}

/// How a budget is enforced while learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    /// Not at all, and the budget is not observed.
    Free,
    /// Rewards are 0 once the budget is exceeded (the authors' code).
    Zero,
    /// The excess is taken off the reward: [`PENALTY`] times its share of the highest cost of a
    /// history. Ours.
    Penalty,
    /// Only actions that leave enough for local answers are allowed, also after training. Ours.
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

/// The distribution of budgets over training episodes, between the cost of a history of local calls
/// and that of a history of cloud calls with every view.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BudgetDistribution {
    /// Normal around the middle, with a sixth of the range as deviation, clipped.
    Normal,
    /// Uniform.
    Uniform,
    /// Half normal, three tenths uniform, the rest near the ends.
    ExtremeAware,
    /// Always this budget.
    Fixed(Cost),
}

/// The distributions without parameters, by name.
pub const DISTRIBUTIONS: [(&str, BudgetDistribution); 3] = [
    ("normal", BudgetDistribution::Normal),
    ("uniform", BudgetDistribution::Uniform),
    ("extreme-aware", BudgetDistribution::ExtremeAware),
];

/// Reward taken off for an excess of the highest cost of a history.
pub const PENALTY: f64 = 10.0;
/// Change of a price per episode and share of the highest cost of a history.
const DUAL_RATE: f64 = 0.02;

/// How an agent is trained on dialogues.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrainingPlan {
    /// Which action the next state follows from.
    pub transition: StateTransition,
    /// How budgets are enforced.
    pub constraint: Constraint,
    /// How budgets are drawn.
    pub draw: BudgetDistribution,
    /// Whether the rest of the budget is observed in seconds and dollars, as published, and not as
    /// a share of the highest cost of a history.
    pub raw_budget: bool,
}

impl TrainingPlan {
    /// The authors' training without budget, and with it.
    pub fn published(constrained: bool) -> Self {
        Self {
            transition: StateTransition::Logged,
            constraint: if constrained { Constraint::Zero } else { Constraint::Free },
            draw: BudgetDistribution::Normal,
            raw_budget: true,
        }
    }

    /// Length of an observation: the state, and the two parts of the rest of the budget.
    pub fn observation_len(&self, model: &DialogueModel) -> usize {
        model.state_len() + if self.constraint == Constraint::Free { 0 } else { 2 }
    }

    /// Writes an observation: the state, and what is left of the budget.
    pub(super) fn observe(
        &self,
        model: &DialogueModel,
        state: &[i8],
        left: Cost,
        into: &mut [f32],
    ) {
        into.iter_mut().zip(state).for_each(|(x, coordinate)| *x = f32::from(*coordinate));
        if self.constraint != Constraint::Free {
            let raw = self.raw_budget;
            let parts = if raw { left.parts() } else { left.shares(highest_cost(model)) };
            let slots = &mut into[state.len()..];
            slots.iter_mut().zip(parts).for_each(|(x, part)| *x = part as f32);
        }
    }

    /// Writes which actions are allowed.
    pub(super) fn mask(&self, context: &TurnContext<'_>, allowed: &mut [bool]) {
        let masked = self.constraint == Constraint::Mask;
        for (action, open) in allowed.iter_mut().enumerate() {
            *open = !masked || context.allows(action);
        }
    }
}

/// The highest cost of the calls of a full history.
pub(super) fn highest_cost(model: &DialogueModel) -> Cost {
    model.spend(model.actions().len() - 1).times(model.params.window as f64)
}

/// Episodes are training dialogues, drawn uniformly.
pub struct DialogueEnvironment<'a> {
    model: &'a DialogueModel,
    /// Training dialogues, indices into the workload.
    dialogues: &'a [usize],
    plan: TrainingPlan,
    /// The current dialogue.
    dialogue: usize,
    /// The actions that the state follows from.
    past: Vec<usize>,
    state: Vec<i8>,
    spent: Cost,
    budget: Cost,
    /// Reward charged for the highest cost of a history, of time and of money.
    prices: [f32; 2],
}

impl<'a> DialogueEnvironment<'a> {
    /// The environment of some dialogues.
    ///
    /// # Errors
    /// There are no dialogues; states are to follow a recorded action that is none of the model's.
    pub fn new(
        model: &'a DialogueModel,
        dialogues: &'a [usize],
        plan: TrainingPlan,
    ) -> Result<Self, Problem> {
        let Some(dialogue) = dialogues.first().copied() else {
            let place = Location::file("workload");
            return Err(Problem::new(place, "no dialogues to learn from", "one or more"));
        };
        let turns = dialogues.iter().flat_map(|at| &model.workload.dialogues[*at].turns);
        let mut recorded = turns.map(|turn| turn.action);
        let unknown = recorded.find(|action| model.actions().index(*action).is_none());
        if let (StateTransition::Logged, Some(action)) = (plan.transition, unknown) {
            let found = format!("`logged`, and a recorded action `{action}` that is not listed");
            let expected = "`on-policy`, or a list of actions with all recorded ones";
            return Err(Problem::new(Location::file("--transition"), found, expected));
        }
        let (spent, budget) = (Cost::default(), Cost::PUBLISHED);
        let (past, state, prices) = (Vec::new(), Vec::new(), [0.0; 2]);
        Ok(Self { model, dialogues, plan, dialogue, past, state, spent, budget, prices })
    }

    /// The prices of the Lagrangian for the highest cost of a history, of time and of money.
    pub fn prices(&self) -> [f64; 2] {
        self.prices.map(f64::from)
    }

    fn context(&self) -> TurnContext<'_> {
        let Self { model, dialogue, past, state, spent, budget, .. } = self;
        let (dialogue, spent, budget) = (*dialogue, *spent, *budget);
        TurnContext { model, dialogue, past, state, spent, budget, waits_s: &[] }
    }

    fn draw_budget(&self, rng: &mut ChaCha8Rng) -> Cost {
        let local = self.model.spend(0).times(self.model.params.window as f64);
        let cloud = highest_cost(self.model);
        let draws: [Draw; 2] = match self.plan.draw {
            BudgetDistribution::Fixed(budget) => return budget,
            BudgetDistribution::Normal => [central, central],
            BudgetDistribution::Uniform => [uniform, uniform],
            BudgetDistribution::ExtremeAware => match (unit(rng), unit(rng)) {
                (kind, _) if kind < 0.5 => [central, central],
                (kind, _) if kind < 0.8 => [uniform, uniform],
                (kind, side) if kind < 0.9 && side < 0.5 => [near_end, uniform],
                (kind, _) if kind < 0.9 => [uniform, near_end],
                _ => [near_end, near_end],
            },
        };
        let (low, high) = (local.zip(cloud, f64::min).parts(), local.zip(cloud, f64::max).parts());
        let mut drawn = |at: usize| draws[at](low[at], high[at], rng).clamp(low[at], high[at]);
        Cost { latency_s: drawn(0), usage_usd: drawn(1) }
    }

    /// The reward under the constraint, once a call is paid.
    fn constrained(&self, reward: f64, call: Cost) -> f64 {
        let most = highest_cost(self.model);
        match self.plan.constraint {
            Constraint::Free | Constraint::Mask => reward,
            Constraint::Zero if self.spent.within(self.budget) => reward,
            Constraint::Zero => 0.0,
            Constraint::Penalty => {
                let before = self.spent.minus(call).beyond(self.budget);
                let [time, money] = self.spent.beyond(self.budget).minus(before).shares(most);
                reward - PENALTY * (time + money)
            }
            Constraint::Lagrangian => {
                let ([time, money], prices) = (call.shares(most), self.prices());
                reward - prices[0] * time - prices[1] * money
            }
        }
    }

    /// Moves to the state after an action; whether the episode has ended.
    fn move_on(&mut self, action: usize) -> bool {
        let dialogue = &self.model.workload.dialogues[self.dialogue];
        self.past.push(match self.plan.transition {
            StateTransition::OnPolicy => action,
            StateTransition::Logged => {
                let logged = dialogue.turns[self.past.len()].action;
                self.model.actions().index(logged).unwrap_or_default()
            }
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

/// Draws a number between two others.
type Draw = fn(f64, f64, &mut ChaCha8Rng) -> f64;

fn central(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    normal(rng, f64::midpoint(low, high), (high - low) / 6.0)
}

fn uniform(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    low + (high - low) * unit(rng)
}

/// At an exponential distance from one of the ends, a tenth of the range on average.
fn near_end(low: f64, high: f64, rng: &mut ChaCha8Rng) -> f64 {
    let (side, distance) = (unit(rng), 0.1 * (high - low) * exponential(unit(rng)));
    if side < 0.5 { low + distance } else { high - distance }
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
        self.budget = self.draw_budget(rng);
        self.spent = Cost::default();
        self.past.clear();
        self.model.state(&self.model.workload.dialogues[self.dialogue], &[], &mut self.state);
    }

    fn observe(&self, into: &mut [f32]) {
        if self.past.len() == self.model.workload.dialogues[self.dialogue].turns.len() {
            into.fill(-1.0);
        } else {
            self.plan.observe(self.model, &self.state, self.budget.minus(self.spent), into);
        }
    }

    fn mask(&self, allowed: &mut [bool]) {
        self.plan.mask(&self.context(), allowed);
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
            let gap = self.spent.minus(self.budget).shares(highest_cost(self.model));
            for (price, gap) in self.prices.iter_mut().zip(gap) {
                *price = (*price + (DUAL_RATE * gap) as f32).max(0.0);
            }
        }
        Transition { reward, done, discount: DISCOUNT }
    }

    fn save_state(&self) -> Vec<f32> {
        self.prices.to_vec()
    }

    fn load_state(&mut self, state: &[f32]) {
        self.prices.iter_mut().zip(state).for_each(|(price, value)| *price = *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};
    use crate::offloading::action::Action;
    use crate::offloading::generate::like_m4a1;
    use crate::offloading::model::ModelParams;
    use std::sync::Arc;

    fn model() -> DialogueModel {
        let workload = Arc::new(like_m4a1(30, Rng::new(2, 0)));
        let params = ModelParams::published().unwrap();
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
            let agent = model.actions().get(action);
            env.step(action);
            let mut seen = vec![0.0; env.observation_len()];
            env.observe(&mut seen);
            let entered = if transition == StateTransition::OnPolicy { agent } else { logged };
            let uploads = |view| f32::from(u8::from(entered.uploads(view)));
            let expected =
                [f32::from(u8::from(entered != Action::Local)), uploads(0), uploads(1), uploads(2)];
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
        for (name, draw) in DISTRIBUTIONS {
            let plan = TrainingPlan { draw, ..TrainingPlan::published(true) };
            let env = DialogueEnvironment::new(&model, &all, plan).unwrap();
            let drawn: Vec<Cost> = (0..20_000).map(|_| env.draw_budget(&mut rng)).collect();
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
