//! Offloading of dialogues: queries of the estimator, steps of the environment, steps of training,
//! and inputs of a layer of 64 times 64 weights, with tanh or the positive part of its sums.
//!
//! The workload is a hundred made-up dialogues after the statistics of M4A1, 280 points or so.
//! The published code, on another machine, takes 415 us for a query and 468 us for a step, and
//! trains 639 (A2C), 686 (PPO) and 827 (DQN) steps per second.

use divan::{Bencher, counter::ItemsCount};
use peeksim::core::rng::{Label, Rng};
use peeksim::offloading::cost::{DEVICES, NETWORKS};
use peeksim::offloading::generate::like_m4a1;
use peeksim::offloading::training_env::{DialogueEnvironment, TrainingPlan};
use peeksim::offloading::{Costs, DialogueModel, ModelParams, Split, TEST_SHARE};
use peeksim::rl::net::{Activation, Activations, Mlp};
use peeksim::rl::{Algorithm, Environment, Training};
use rand::RngExt;
use std::sync::Arc;

const STEPS: usize = 10_000;

fn main() {
    divan::main();
}

fn model() -> (DialogueModel, Split) {
    let workload = Arc::new(like_m4a1(100, Rng::new(1, 0)));
    let split = workload.split(Rng::new(1, 0), TEST_SHARE);
    let params = ModelParams::new(Costs::paper(DEVICES[3], NETWORKS[0]));
    (DialogueModel::new(workload, &split.train, params).expect("costs for all views"), split)
}

#[divan::bench]
fn query(bencher: Bencher<'_, '_>) {
    let (model, split) = model();
    let mut coins = Rng::new(2, 0).stream(Label::Policy);
    let states: Vec<Vec<i8>> = (0..1000)
        .map(|_| {
            let dialogue = &model.workload.dialogues[split.test[coins.random_range(0..20)]];
            let turn = coins.random_range(0..dialogue.turns.len());
            let past: Vec<usize> = (0..turn).map(|_| coins.random_range(0..9)).collect();
            let mut state = Vec::new();
            model.state(dialogue, &past, &mut state);
            state
        })
        .collect();
    bencher.counter(ItemsCount::new(9 * states.len())).bench_local(|| {
        let ask = |state: &Vec<i8>| (0..9).map(|a| model.response(state, a)).sum::<f64>();
        states.iter().map(ask).sum::<f64>()
    });
}

#[divan::bench]
fn step(bencher: Bencher<'_, '_>) {
    let (model, split) = model();
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        let mut env = DialogueEnvironment::new(&model, &split.train, TrainingPlan::published(true))
            .expect("dialogues");
        let mut coins = Rng::new(2, 0).stream(Label::Policy);
        env.reset(&mut coins);
        let mut seen = vec![0.0; env.observation_len()];
        for _ in 0..STEPS {
            env.observe(&mut seen);
            if env.step(coins.random_range(0..9)).done {
                env.reset(&mut coins);
            }
        }
    });
}

#[divan::bench(args = ["a2c", "ppo", "dqn"])]
fn train(bencher: Bencher<'_, '_>, name: &str) {
    let (model, split) = model();
    let (_, algorithm) = Algorithm::ALL.into_iter().find(|(known, _)| *known == name).expect("one");
    bencher.counter(ItemsCount::new(STEPS)).bench_local(|| {
        let mut env = DialogueEnvironment::new(&model, &split.train, TrainingPlan::published(true))
            .expect("dialogues");
        let mut training = Training::new(algorithm, &env, STEPS, 1);
        training.finish(&mut env);
        training.done()
    });
}

/// One input at once, as an agent decides, and 64, as it learns.
#[divan::bench(args = [("relu", 1), ("tanh", 1), ("relu", 64), ("tanh", 64)])]
fn layer(bencher: Bencher<'_, '_>, (name, inputs): (&str, usize)) {
    let activation = if name == "tanh" { Activation::Tanh } else { Activation::Relu };
    let mut coins = Rng::new(2, 0).stream(Label::Policy);
    let network = Mlp::uniform(&[64, 64, 1], activation, &mut coins);
    let inputs: Vec<f32> = (0..64 * inputs).map(|_| coins.random_range(-1.0..1.0)).collect();
    let mut activations = Activations::default();
    bencher
        .counter(ItemsCount::new(inputs.len() / 64))
        .bench_local(|| network.forward(&inputs, &mut activations)[0]);
}
