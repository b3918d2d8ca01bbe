//! EdgeServing: its stability score, the second score, and four baselines of its repository. One of
//! them, a batch rule after Symphony, is no setting of the scheduler and stands here.

use super::{close, keys, list, number, numbers, same, text_of, whole};
use peeksim::scheduler::published::edgeserving_like::{
    Choice, Exit, ExitBatch, ExitRule, Queue, Waiting, longest_queue, lyapunov, scores, stability,
};
use serde_json::Value;
use std::cmp::Reverse;

/// Scores are printed with seven digits.
const TOLERANCE: f64 = 1e-6;

/// Their exits, shallow to deep: keys of tables are sorted when they are read.
const EXITS: [&str; 4] = ["layer1", "layer2", "layer3", "final"];

fn queues(input: &Value) -> Vec<Queue> {
    let budget = number(&input["slo_ms"]);
    let models = keys(&input["models"]).into_iter().map(|name| &input["models"][name]);
    let queue = |model: &Value| {
        let exit = |name: &&str| Exit {
            latency: numbers(&model["latency_ms"][name]),
            load: 0.0,
            accuracy: number(&model["accuracy"][name]),
        };
        let waits = numbers(&model["waits_ms"]).into_iter();
        Queue {
            waiting: waits.map(|wait| Waiting { wait, budget }).collect(),
            exits: EXITS.iter().map(exit).collect(),
            budget,
            late: number(&model["z"]),
            ..Queue::default()
        }
    };
    models.map(queue).collect()
}

/// A batch as the file has it: queue, exit, members.
type Decision = Option<(usize, usize, Vec<usize>)>;

fn theirs(decision: &Value, input: &Value) -> Decision {
    let decision = Some(decision).filter(|decision| !decision.is_null())?;
    let models = keys(&input["models"]);
    let queue = models.iter().position(|name| *name == text_of(&decision["model"]));
    let exit = EXITS.iter().position(|name| *name == text_of(&decision["exit"]));
    let members: Vec<usize> = list(&decision["requests"]).iter().map(whole).collect();
    Some((queue.expect("a model"), exit.expect("an exit"), members))
}

fn ours(choice: Option<Choice>) -> Decision {
    choice.map(|Choice { queue, exit, batch }| (queue, exit, (0..batch).collect()))
}

/// Slack, batch and queue.
type Urgency = (f64, Reverse<usize>, Reverse<usize>);

/// The queue that is out of slack, if any is, on the deepest exit: with the least slack, then the
/// largest batch, then the most requests. Members that are late already are dropped.
fn symphony_es(queues: &[Queue], limit: usize) -> Decision {
    let mut best: Option<(Urgency, usize)> = None;
    for (at, queue) in (0..).zip(queues).filter(|(_, queue)| !queue.waiting.is_empty()) {
        let (most, oldest) = (queue.waiting.len().min(limit), queue.waiting[0]);
        let deepest = queue.exits.last().expect("an exit");
        let slack =
            |batch: usize| oldest.budget - oldest.wait - deepest.time((batch + 1).min(most));
        if let Some(batch) = (1..=most).find(|batch| slack(*batch) <= 0.0) {
            let key = (slack(batch), Reverse(batch), Reverse(queue.waiting.len()));
            if best.is_none_or(|(other, _)| key < other) {
                best = Some((key, at));
            }
        }
    }
    let ((_, Reverse(batch), _), at) = best?;
    let on_time = |member: &usize| {
        let Waiting { wait, budget } = queues[at].waiting[*member];
        wait <= budget
    };
    let members: Vec<usize> = (0..batch).filter(on_time).collect();
    (!members.is_empty()).then(|| (at, queues[at].exits.len() - 1, members))
}

pub fn compare(case: &Value) -> Result<(), String> {
    let (input, expect) = (&case["input"], &case["expect"]);
    let (queues, limit) = (queues(input), whole(&input["max_batch"]));
    let score = scores(&queues, limit);
    for (name, ours) in keys(&input["models"]).into_iter().zip(&score) {
        let theirs = number(&expect["edgeserving"]["scores"][name]);
        close(&format!("score of {name}"), *ours, theirs, TOLERANCE)?;
    }
    // Of theirs, an empty queue may win, and then nothing is served.
    let least = (0..queues.len()).min_by(|a, b| score[*a].total_cmp(&score[*b]));
    let is_empty = least.is_none_or(|at| queues[at].waiting.is_empty());
    let served = stability(&queues, limit, ExitBatch::Limit).filter(|_| !is_empty);
    let longest = |exit| ours(longest_queue(&queues, limit, exit));
    let rules = [
        ("edgeserving", ours(served)),
        ("lyapunov", ours(lyapunov(&queues, limit))),
        ("lqf_exit", longest(ExitRule::Depth)),
        ("all_final", longest(ExitRule::Deepest)),
        ("all_early", longest(ExitRule::Shallowest)),
        ("symphony_es", symphony_es(&queues, limit)),
    ];
    for (name, ours) in rules {
        let decision = &expect[name];
        let decision = if name == "edgeserving" { &decision["decision"] } else { decision };
        same(name, &ours, &theirs(decision, input))?;
    }
    Ok(())
}
