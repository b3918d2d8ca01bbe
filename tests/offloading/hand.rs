//! Dialogues and policies whose timelines can be worked out by hand.

use peeksim::core::units::{Span, Time};
use peeksim::offloading::cost::Costs;
use peeksim::offloading::evaluate::DialogueResult;
use peeksim::offloading::multi_user::{self, MultiUserSpec};
use peeksim::offloading::{
    Actions, Cost, Dialogue, DialogueModel, ModelParams, OffloadPolicy, Scorer, Turn, TurnContext,
    Workload,
};
use std::sync::Arc;

/// 2 s on the device; 3, 4, 5 and 6 in the cloud with 0 to 3 views.
pub fn table() -> Costs {
    let latency_s = vec![2.0, 3.0, 4.0, 5.0, 6.0];
    Costs { latency_s, usage_usd: vec![0.0, 0.001, 0.002, 0.003, 0.004], link: None }
}

/// Dialogues of these lengths.
pub fn dialogues(lengths: &[usize], costs: Costs) -> (DialogueModel, Vec<usize>) {
    let turn = |at: usize| Turn {
        task: 0,
        action: Actions::new(3).get(at % 9),
        raw: 1.0,
        score: 0.5 + 0.05 * (at % 9) as f64,
        time_s: 1.0,
        cost_usd: 0.0,
        association: vec![0.2, 0.1, 0.1],
    };
    let dialogue =
        |length: &usize| Dialogue { id: "d".into(), turns: (0..*length).map(turn).collect() };
    let workload = Workload {
        tasks: vec!["t".into()],
        actions: Actions::new(3),
        dialogues: lengths.iter().map(dialogue).collect(),
        truth: None,
    };
    let all: Vec<usize> = (0..lengths.len()).collect();
    let params = ModelParams::new(costs);
    (DialogueModel::new(Arc::new(workload), &all, params).unwrap(), all)
}

/// Takes actions from a list, in order of decisions, and keeps what it is told about waits.
pub struct Says {
    actions: Vec<usize>,
    /// By decision, then by kind of call.
    pub told: Vec<Vec<f64>>,
}

impl Says {
    pub fn new(actions: &[usize]) -> Self {
        Self { actions: actions.to_vec(), told: Vec::new() }
    }
}

impl OffloadPolicy for Says {
    fn choose(&mut self, context: &TurnContext<'_>) -> usize {
        self.told.push(context.waits_s.to_vec());
        self.actions[self.told.len() - 1]
    }
}

pub fn run(
    model: &DialogueModel,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    spec: &MultiUserSpec,
) -> Vec<DialogueResult> {
    let budget = Cost { latency_s: 1e3, usage_usd: 1.0 };
    multi_user::evaluate(model, Scorer::Estimator(model), dialogues, policy, budget, spec).unwrap()
}

pub fn deadline(seconds: f64) -> Time {
    Time::ZERO + Span::from_s(seconds)
}

/// To nine digits.
#[track_caller]
pub fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 2e-9 * expected.abs().max(1.0), "{found} {expected}");
}
