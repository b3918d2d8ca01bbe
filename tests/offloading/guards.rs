//! Guards and masks: no policy that follows the rule exceeds a budget that local answers keep.

use super::{costs, physical, published, synthetic_costs};
use peeksim::core::rng::{Label, Rng};
use peeksim::offloading::evaluate::{DialogueResult, evaluate};
use peeksim::offloading::generate::{SyntheticShape, like_m4a1, synthetic};
use peeksim::offloading::network_policy::NetworkPolicy;
use peeksim::offloading::policies::build;
use peeksim::offloading::training_env::{
    BudgetDistribution, Constraint, DialogueEnvironment, StateTransition, TrainingPlan,
};
use peeksim::offloading::{
    Cost, DialogueModel, LocalFormula, ModelParams, OffloadPolicy, Scorer, Split, TEST_SHARE,
    TurnContext, Workload,
};
use peeksim::rl::Environment;
use peeksim::rl::net::{Activation, Mlp};
use rand::RngExt;
use std::sync::Arc;

/// Dialogues of 2 to 12 turns, as many of each length.
fn mixed(seed: u64) -> Workload {
    let part = |turns: usize| {
        let shape = SyntheticShape { views: 2, tasks: 3, turns };
        synthetic(shape, 5, Rng::new(seed, turns as u64))
    };
    let mut all = part(2);
    for turns in 3..=12 {
        all.dialogues.extend(part(turns).dialogues);
    }
    all
}

fn masked(model: &DialogueModel, seed: u64) -> NetworkPolicy {
    let plan = TrainingPlan {
        transition: StateTransition::OnPolicy,
        constraint: Constraint::Mask,
        draw: BudgetDistribution::Uniform,
        raw_budget: false,
    };
    let mut rng = Rng::new(seed, 0).stream(Label::Parameters);
    let sizes = [plan.observation_len(model), 8, model.actions().len()];
    NetworkPolicy::new(Mlp::uniform(&sizes, Activation::Tanh, &mut rng), plan)
}

fn results(model: &DialogueModel, test: &[usize], name: &str, budget: Cost) -> Vec<DialogueResult> {
    let mut policy: Box<dyn OffloadPolicy> = match name {
        "masked" => Box::new(masked(model, 1)),
        _ => build(name, model, Rng::new(1, 0)).expect("a policy"),
    };
    evaluate(model, Scorer::Estimator(model), test, policy.as_mut(), budget)
}

/// Drawn budgets, and some that equal the cost of a number of local answers to the last digit.
fn budgets(model: &DialogueModel, seed: u64) -> Vec<Cost> {
    let mut rng = Rng::new(seed, 0).stream(Label::Noise);
    let most = model.spend(model.actions().len() - 1).times(12.0);
    let mut all: Vec<Cost> = (0..12)
        .map(|_| Cost {
            latency_s: most.latency_s * rng.random_range(0.0..1.0),
            usage_usd: most.usage_usd * rng.random_range(0.0..1.0),
        })
        .collect();
    for turns in [2, 5, 7, 12] {
        let local = model.spend(0).times(f64::from(turns));
        all.push(local);
        all.push(Cost { latency_s: most.latency_s, ..local });
        all.push(Cost { usage_usd: most.usage_usd, ..local });
    }
    all
}

#[test]
fn no_dialogue_is_beyond_a_budget_that_local_answers_keep_to() {
    let (mut held, mut used) = (0, 0);
    for seed in 0..3 {
        let workload = Arc::new(mixed(seed));
        let costs = [synthetic_costs(2), costs(LocalFormula::Physical, "Jetson TX2", "WiFi")];
        for costs in costs {
            let Split { train, test } = workload.split(Rng::new(seed, 0), TEST_SHARE);
            let model = DialogueModel::new(Arc::clone(&workload), &train, ModelParams::new(costs))
                .expect("a model");
            for budget in budgets(&model, seed) {
                let local = results(&model, &test, "local", budget);
                for name in ["greedy-knn-guarded", "tmo-rl-plus", "masked"] {
                    let found = results(&model, &test, name, budget);
                    for (result, local) in found.iter().zip(&local) {
                        if local.spent.within(budget) {
                            let turns = result.actions.len();
                            let said = format!("{name}, {turns} turns, {budget:?}: {result:?}");
                            assert!(result.spent.within(budget), "{said}");
                            held += 1;
                            used += usize::from(result.actions != local.actions);
                        }
                    }
                }
            }
        }
    }
    assert!(used > held / 4, "guards that only answer locally test nothing: {used} of {held}");
}

/// An agent in training that takes any action its mask allows keeps the budget, too.
#[test]
fn an_agent_in_training_is_offered_nothing_that_breaks_its_budget() {
    let workload = Arc::new(mixed(3));
    let all = workload.whole().train;
    let model =
        DialogueModel::new(workload, &all, ModelParams::new(synthetic_costs(2))).expect("a model");
    let mut rng = Rng::new(5, 0).stream(Label::Episodes);
    for budget in budgets(&model, 4) {
        let draw = BudgetDistribution::Fixed(budget);
        let plan = TrainingPlan {
            transition: StateTransition::OnPolicy,
            constraint: Constraint::Mask,
            draw,
            raw_budget: true,
        };
        let mut env = DialogueEnvironment::new(&model, &all, plan).expect("dialogues");
        for _ in 0..40 {
            env.reset(&mut rng);
            let (mut spent, mut turns, mut done) = (Cost::default(), 0, false);
            while !done {
                let mut open = vec![false; env.actions()];
                env.mask(&mut open);
                let open: Vec<usize> = (0..open.len()).filter(|action| open[*action]).collect();
                let action = open[rng.random_range(0..open.len())];
                spent = spent.plus(model.spend(action));
                turns += 1;
                done = env.step(action).done;
            }
            if model.spend(0).times(f64::from(turns)).within(budget) {
                assert!(spent.within(budget), "{turns} turns: {spent:?} of {budget:?}");
            }
        }
    }
}

#[test]
fn a_guard_pays_at_every_length() {
    let budget = Cost { latency_s: 12.0, usage_usd: 0.02 };
    for turns in 2..=12 {
        let shape = SyntheticShape { views: 3, tasks: 3, turns };
        let workload = Arc::new(synthetic(shape, 100, Rng::new(40_001, 0)));
        let split = workload.split(Rng::new(40_001, 0), TEST_SHARE);
        let params = ModelParams::new(synthetic_costs(3));
        let model = DialogueModel::new(workload, &split.train, params).expect("a model");
        let mean = |name: &str| {
            let results = results(&model, &split.test, name, budget);
            assert!(results.iter().all(|result| result.spent.within(budget)), "{name}, {turns}");
            results.iter().map(|result| result.reward).sum::<f64>() / results.len() as f64
        };
        let local = mean("local");
        for name in ["greedy-knn-guarded", "tmo-rl-plus"] {
            let found = mean(name);
            assert!(found > local, "{name}, {turns} turns: {found}, local {local}");
        }
    }
}

/// Takes the best allowed action by shrunk scores.
struct ByShrunkScores;

impl OffloadPolicy for ByShrunkScores {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        let mut scores = Vec::new();
        context.model.shrunk_responses(context.state, &mut scores);
        let reward = |action: usize| {
            context.model.reward(scores[action], context.model.mean_association(), action)
        };
        let allowed = (0..scores.len()).filter(|action| context.allows(*action));
        allowed.fold(0, |best, action| if reward(action) > reward(best) { action } else { best })
    }
}

#[test]
fn tmo_rl_plus_decides_by_shrunk_scores_among_allowed_actions() {
    let workload = Arc::new(like_m4a1(100, Rng::new(6, 0)));
    let Split { train, test } = workload.split(Rng::new(6, 0), TEST_SHARE);
    let params = ModelParams::new(published());
    let model = DialogueModel::new(workload, &train, params).expect("a model");
    for budget in [Cost::PUBLISHED, Cost { latency_s: 10.0, usage_usd: 0.01 }] {
        let scorer = Scorer::Estimator(&model);
        let expected = evaluate(&model, scorer, &test, &mut ByShrunkScores, budget);
        assert_eq!(results(&model, &test, "tmo-rl-plus", budget), expected);
        assert_ne!(results(&model, &test, "greedy-knn-guarded", budget), expected);
    }
}

/// The reserve is for the longest dialogue of the workload, whatever the length of the one at hand.
#[test]
fn a_guard_does_not_know_how_long_the_dialogue_is() {
    let mut workload = like_m4a1(40, Rng::new(2, 0));
    let budget = Cost { latency_s: 12.0, usage_usd: 0.012 };
    let train: Vec<usize> = (0..30).collect();
    let choices = |workload: &Workload, dialogue: usize, name: &str| {
        let params = ModelParams::new(published());
        let model =
            DialogueModel::new(Arc::new(workload.clone()), &train, params).expect("a model");
        results(&model, &[dialogue], name, budget).remove(0).actions
    };
    let long = (30..40).find(|d| workload.dialogues[*d].turns.len() == 5).expect("five turns");
    for name in ["greedy-knn-guarded", "tmo-rl-plus", "masked"] {
        let whole = choices(&workload, long, name);
        for turns in 1..5 {
            let mut short = workload.clone();
            short.dialogues[long].turns.truncate(turns);
            assert_eq!(choices(&short, long, name), whole[..turns], "{name}");
        }
    }
    // A longer one anywhere takes more of the budget as a reserve.
    let turn = workload.dialogues[0].turns[0].clone();
    workload.dialogues[29].turns.extend(vec![turn; 20]);
    let params = ModelParams::new(physical());
    let model = DialogueModel::new(Arc::new(workload), &train, params).expect("a model");
    let enough = model.spend(0).times(model.longest() as f64);
    let actions = |budget| results(&model, &[long], "greedy-knn-guarded", budget).remove(0).actions;
    assert_eq!(actions(enough), [0; 5]);
    assert_ne!(actions(enough.plus(Cost { latency_s: 30.0, usage_usd: 0.1 })), [0; 5]);
}
