//! Synthetic dialogues: with the statistics of the data set M4A1, so that everything runs without
//! it, and by the rule of the authors' synthetic sweep (`custom/run_custom.py`).

use super::action::{Action, Actions, MAX_VIEWS, MAX_VIEWS_OF_ALL, Views};
use super::true_responses::{TrueResponses, mean_of_capped_exponential, mean_of_clamped};
use super::workload::{Dialogue, MAX_TURNS, Turn, Workload};
use crate::core::rng::{Label, Rng, standard_normal};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// A number in [0, 1).
pub(super) fn unit(rng: &mut ChaCha8Rng) -> f64 {
    rng.random_range(0.0..1.0)
}

/// A draw of the normal distribution.
pub(super) fn normal(rng: &mut ChaCha8Rng, mean: f64, deviation: f64) -> f64 {
    let (first, second) = (unit(rng), unit(rng));
    mean + deviation * standard_normal(first, second)
}

/// An index drawn in proportion to `counts`.
fn weighted(rng: &mut ChaCha8Rng, counts: &[u32]) -> usize {
    let mut left = rng.random_range(0..counts.iter().sum());
    let drawn = counts.iter().position(|count| {
        let is_here = left < *count;
        left = left.saturating_sub(*count);
        is_here
    });
    drawn.unwrap_or(0)
}

/// Distribution of raw scores: the share of zeros, and mean and standard deviation of the logarithm
/// of the others.
type RawScores = (f64, f64, f64);

/// Answers of M4A1 to a task, on the device or in the cloud.
struct Answers {
    /// Share of refusals, which score 0 by the keyword rule.
    refused: f64,
    /// Raw scores of other answers, and of refusals.
    raw: [RawScores; 2],
}

impl Answers {
    /// The mean score after the keyword rule.
    fn mean_score(&self) -> f64 {
        let (zeros, mean, deviation) = self.raw[0];
        let positive = mean_of_capped_exponential(mean, deviation, TOP_SCORE);
        (1.0 - self.refused) * (1.0 - zeros) * positive
    }
}

/// A task of M4A1: name, number of its turns of 352, local and cloud answers.
type Task = (&'static str, u32, [Answers; 2]);

const fn answers(refused: f64, others: RawScores, refusals: RawScores) -> Answers {
    Answers { refused, raw: [others, refusals] }
}

/// Raw scores of refusals where there was one at most.
const RARE: RawScores = (0.0, -0.5, 0.5);
const TASKS: [Task; 4] = [
    (
        "Assistive System",
        99,
        [
            answers(0.184, (0.0, -0.135, 0.586), (0.111, -0.041, 0.506)),
            answers(0.0, (0.02, 0.353, 0.615), RARE),
        ],
    ),
    (
        "Message Editing",
        82,
        [
            answers(0.175, (0.0, -0.436, 0.441), (0.0, -0.198, 0.571)),
            answers(0.024, (0.0, -0.033, 0.307), RARE),
        ],
    ),
    (
        "Query",
        80,
        [
            answers(0.543, (0.062, -0.670, 0.975), (0.263, -1.231, 0.789)),
            answers(0.0, (0.0, -0.165, 0.706), RARE),
        ],
    ),
    (
        "Recommendation",
        91,
        [
            answers(0.283, (0.061, -0.139, 0.707), (0.154, -0.720, 0.499)),
            answers(0.022, (0.023, 0.021, 0.572), RARE),
        ],
    ),
];
/// Numbers of 100 dialogues that have 2, 3, 4 and 5 turns.
const LENGTHS: [u32; 4] = [20, 32, 24, 24];
/// Numbers of turns answered locally, and in the cloud with 0 to 3 views.
const CALLS: [u32; 5] = [170, 85, 19, 31, 47];
/// Mean and standard deviation of the logarithm of the seconds of each kind of call.
const LOG_TIME: [(f64, f64); 5] =
    [(1.728, 0.822), (1.928, 0.756), (1.753, 0.434), (1.917, 0.325), (2.078, 0.381)];
/// Mean and standard deviation of the US dollars of each kind of call.
const COST: [(f64, f64); 5] = [
    (5.17e-5, 1.28e-5),
    (4.82e-4, 1.07e-4),
    (5.72e-3, 3.09e-3),
    (1.02e-2, 3.34e-3),
    (1.37e-2, 1.33e-4),
];
/// Mean association of each view, and the standard deviations of the common part of the views of a
/// turn and of the part of a view alone.
const ASSOCIATION: ([f64; 3], f64, f64) = ([0.2172, 0.2055, 0.2041], 0.0192, 0.0158);
/// The highest raw score of the data.
const TOP_SCORE: f64 = 9.0;

/// `count` dialogues with the task mix, lengths, calls, scores and associations of M4A1.
///
/// Tasks, calls and scores are drawn independently by turn: the data show no clear pattern beyond
/// that. The first dialogues of a seed do not depend on `count`.
pub fn like_m4a1(count: usize, rng: Rng) -> Workload {
    let actions = Actions::new(3);
    let mut rng = rng.stream(Label::Dialogues);
    let dialogues = (0..count)
        .map(|id| {
            let turns = weighted(&mut rng, &LENGTHS) + 2;
            let turns = (0..turns).map(|_| turn_like_m4a1(&actions, &mut rng)).collect();
            Dialogue { id: id.to_string(), turns }
        })
        .collect();
    let tasks = TASKS.iter().map(|task| task.0.to_owned()).collect();
    let means = TASKS.iter().map(|task| task.2.each_ref().map(Answers::mean_score)).collect();
    let truth = Some(TrueResponses::ByTask(means));
    Workload { tasks, actions, dialogues, truth }
}

fn turn_like_m4a1(actions: &Actions, rng: &mut ChaCha8Rng) -> Turn {
    let task = weighted(rng, &TASKS.each_ref().map(|task| task.1));
    let call = weighted(rng, &CALLS);
    let action = match call.checked_sub(1) {
        None => Action::Local,
        Some(views) => {
            let of_kind: Vec<Action> =
                actions.iter().skip(1).filter(|action| action.uploaded() == views).collect();
            of_kind[rng.random_range(0..of_kind.len())]
        }
    };
    let answers = &TASKS[task].2[usize::from(action != Action::Local)];
    let refused = unit(rng) < answers.refused;
    let (zeros, mean, deviation) = answers.raw[usize::from(refused)];
    let positive = libm::exp(normal(rng, mean, deviation)).min(TOP_SCORE);
    let raw = if unit(rng) < zeros { 0.0 } else { positive };
    let (means, common, own) = &ASSOCIATION;
    let common = normal(rng, 0.0, *common);
    Turn {
        task,
        action,
        raw,
        score: if refused { 0.0 } else { raw },
        time_s: libm::exp(normal(rng, LOG_TIME[call].0, LOG_TIME[call].1)),
        cost_usd: normal(rng, COST[call].0, COST[call].1).max(COST[0].0),
        association: means.iter().map(|mean| normal(rng, mean + common, *own).max(0.0)).collect(),
    }
}

/// Largest number of tasks of a synthetic workload: their names have two digits.
const MAX_SWEEP_TASKS: usize = 100;

/// The shape of a synthetic workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyntheticShape {
    /// Number of views, at most 64; with more than 12 policies need a list of actions.
    pub views: usize,
    /// Number of tasks, 1 to 100.
    pub tasks: usize,
    /// Number of turns of every dialogue, at least 1.
    pub turns: usize,
}

impl SyntheticShape {
    /// Reads `X,Y,T`: views, tasks, turns.
    pub fn parse(text: &str) -> Option<Self> {
        let numbers: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok()).collect();
        let [views, tasks, turns] = numbers?[..] else { return None };
        let fits = views <= MAX_VIEWS
            && (1..=MAX_SWEEP_TASKS).contains(&tasks)
            && (1..=MAX_TURNS).contains(&turns);
        fits.then_some(Self { views, tasks, turns })
    }
}

/// Mean score of a local answer in the published sweep, of a cloud answer without views, what each
/// view uploaded so far adds, the standard deviation, and the highest score.
const LOCAL_MEAN: f64 = 0.7;
const CLOUD_MEAN: f64 = 1.0;
const PER_UPLOAD: f64 = 0.1;
const DEVIATION: f64 = 0.3;
const TOP: f64 = 2.0;

/// `count` dialogues by the published rule: tasks uniform, half of the turns in the cloud, 70 % of
/// those with 1 to X views; the mean score of a cloud answer grows by 0.1 with every view uploaded
/// so far in the dialogue, this turn included. Times and costs are not part of the rule and are 0.
///
/// Policies choose among all actions; of more than 12 views the first 12 count, see
/// [`synthetic_of`].
pub fn synthetic(shape: SyntheticShape, count: usize, rng: Rng) -> Workload {
    let views = shape.views.min(MAX_VIEWS_OF_ALL);
    synthetic_of(SyntheticShape { views, ..shape }, Actions::new(views), count, rng)
}

/// The same where policies choose among `actions`, which are over the views of the shape.
pub fn synthetic_of(shape: SyntheticShape, actions: Actions, count: usize, rng: Rng) -> Workload {
    let mut rng = rng.stream(Label::Dialogues);
    let dialogues = (0..count)
        .map(|id| {
            let mut uploads = 0;
            let turns = 0..shape.turns;
            let turns = turns.map(|_| synthetic_turn(shape, &mut uploads, &mut rng));
            Dialogue { id: id.to_string(), turns: turns.collect() }
        })
        .collect();
    let tasks = (0..shape.tasks).map(|task| format!("task {task:02}")).collect();
    let truth = Some(TrueResponses::ByUploads {
        local: mean_of_clamped(LOCAL_MEAN, DEVIATION, TOP),
        base: CLOUD_MEAN,
        per_upload: PER_UPLOAD,
        deviation: DEVIATION,
        top: TOP,
    });
    Workload { tasks, actions, dialogues, truth }
}

fn synthetic_turn(shape: SyntheticShape, uploads: &mut usize, rng: &mut ChaCha8Rng) -> Turn {
    let task = rng.random_range(0..shape.tasks);
    let cloud = unit(rng) < 0.5;
    let mut subset: Views = 0;
    if cloud && shape.views > 0 && unit(rng) < 0.7 {
        let mut views: Vec<usize> = (0..shape.views).collect();
        for _ in 0..rng.random_range(1..=shape.views) {
            subset |= 1 << views.swap_remove(rng.random_range(0..views.len()));
        }
    }
    *uploads += subset.count_ones() as usize;
    let mean = if cloud { CLOUD_MEAN + PER_UPLOAD * *uploads as f64 } else { LOCAL_MEAN };
    let raw = normal(rng, mean, DEVIATION).clamp(0.0, TOP);
    Turn {
        task,
        action: if cloud { Action::Cloud(subset) } else { Action::Local },
        raw,
        score: raw,
        time_s: 0.0,
        cost_usd: 0.0,
        association: (0..shape.views).map(|_| rng.random_range(0.1..0.5)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: impl Iterator<Item = f64>) -> f64 {
        let values: Vec<f64> = values.collect();
        values.iter().sum::<f64>() / values.len() as f64
    }

    #[test]
    fn synthetic_dialogues_have_the_statistics_of_m4a1() {
        let workload = like_m4a1(5000, Rng::new(1, 0));
        let turns: Vec<&Turn> = workload.dialogues.iter().flat_map(|d| &d.turns).collect();
        // Tolerances are five standard errors of some 17,600 turns.
        let near = |found: f64, published: f64, tolerance: f64| {
            assert!((found - published).abs() < tolerance, "{found} for {published}");
        };
        near(turns.len() as f64 / 5000.0, 3.52, 0.075);
        let group = |calls: std::ops::RangeInclusive<usize>| {
            let call = |t: &&Turn| t.action.call_kind();
            turns.iter().filter(move |t| calls.contains(&call(t))).copied().collect::<Vec<_>>()
        };
        let (local, cloud) = (group(0..=0), group(1..=4));
        near(local.len() as f64 / turns.len() as f64, 170.0 / 352.0, 0.019);
        near(mean(local.iter().map(|t| t.raw)), 0.814, 0.06);
        near(mean(local.iter().map(|t| t.score)), 0.654, 0.06);
        near(mean(cloud.iter().map(|t| t.score)), 1.257, 0.06);
        for (task, local_score, cloud_score) in
            [(0, 0.845, 1.769), (1, 0.584, 0.990), (2, 0.333, 1.046), (3, 0.757, 1.152)]
        {
            let of =
                |group: &[&Turn]| mean(group.iter().filter(|t| t.task == task).map(|t| t.score));
            // Means are fitted through logarithms, which alone costs up to 5 %.
            near(of(&local), local_score, 0.1 * local_score + 0.02);
            near(of(&cloud), cloud_score, 0.1 * cloud_score);
        }
        for (view, published) in [0.2172, 0.2055, 0.2041].into_iter().enumerate() {
            near(mean(turns.iter().map(|t| t.association[view])), published, 0.001);
        }
        let first = like_m4a1(10, Rng::new(1, 0)).dialogues;
        assert_eq!(first[..], workload.dialogues[..10]);
    }

    #[test]
    fn the_synthetic_rule_is_the_published_one() {
        let shape = SyntheticShape::parse("3,4,5").unwrap();
        let workload = synthetic(shape, 4000, Rng::new(1, 0));
        let turns: Vec<&Turn> = workload.dialogues.iter().flat_map(|d| &d.turns).collect();
        assert_eq!(turns.len(), 20_000);
        let share = |f: &dyn Fn(&Turn) -> bool| {
            turns.iter().filter(|t| f(t)).count() as f64 / turns.len() as f64
        };
        // Five standard errors of a share are 0.018 at most.
        assert!((share(&|t| t.action != Action::Local) - 0.5).abs() < 0.018);
        let uploads = |t: &Turn, k| t.action.uploaded() == k;
        for k in 1..=3 {
            assert!((share(&|t| uploads(t, k)) - 0.35 / 3.0).abs() < 0.012, "{k}");
        }
        let local = turns.iter().filter(|t| t.action == Action::Local).map(|t| t.raw);
        // Clipping at 0 moves the mean of N(0.7, 0.3) by 0.0006.
        assert!((mean(local) - 0.7).abs() < 0.016);
        for bad in ["", "3", "3,4", "65,1,1", "1,101,1", "1,0,1", "1,1,0", "1,1,1,1", "a,1,1"] {
            assert_eq!(SyntheticShape::parse(bad), None, "{bad}");
        }
    }
}
