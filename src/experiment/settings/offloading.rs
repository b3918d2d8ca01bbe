//! The settings of a run of an offloading study: dialogues, costs, reward, policy, who scores.

use super::users::USERS;
use crate::config::settings::{Preset, TEXTS, names};
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Setting, Value, decode, source};
use crate::core::rng::Rng;
use crate::experiment::input_cache::InputCache;
use crate::offloading::dialogue_source::{CostModel, CostSource, DialogueSource};
use crate::offloading::estimator::{Metric, NeighbourTies};
use crate::offloading::folds::{FOLDS, MAX_FOLDS, TEST_SHARE, read_folds};
use crate::offloading::model::{MAX_NEIGHBOURS, MAX_WINDOW, NEIGHBOURS, Normalisation, WINDOW};
use crate::offloading::policy_spec::POLICY;
use crate::offloading::{ActionList, Cost, Costs, Evaluation, FoldPlan, ModelParams};

/// The settings of a run of an offloading study.
pub const OFFLOADING: Group = Group::named("offloading").of(&[&[
    Setting::required("dialogues", Kind::Text).means(
        "The dialogues: a table, `m4a1-like` for generated ones with the statistics of M4A1, or \
         `sweep:X,Y,T` for the published generator with X views, Y tasks and T turns. Generated \
         dialogues are drawn for each replicate.",
    ),
    Setting::integer("generated_dialogues", [1, 1_000_000], 100)
        .means("The number of generated dialogues."),
    Setting::required("policy", Kind::Registry(&POLICY))
        .means("The policy that decides about every turn."),
    Setting::choice("evaluation", &names(&Evaluation::ALL)).means(
        "Who scores the answers: an estimator of dialogues that neither taught the policy nor are \
         tested, the estimator that the policy decides by (as published), or the law that \
         generated the dialogues.",
    ),
    Setting::integer("folds", [2, MAX_FOLDS as u64], FOLDS as u64).means(
        "The folds of the dialogues: each is tested once; with `cross-fitted` the policy learns \
         from half of the others, and the rest scores.",
    ),
    Setting::number("test_share", [1e-6, 0.999_999], TEST_SHARE)
        .means("The share of the dialogues that `self` tests."),
    Setting::optional("fold_file", Kind::Text, "dialogues are dealt out at random").means(
        "A table `dialogue,fold` that deals the dialogues out; with `self`, replicate r tests fold \
         r, from the first on again after the last.",
    ),
    Setting::optional("budget", Kind::Table(&BUDGET), "30 s and 0.05 US$")
        .means("The budget of a dialogue."),
    Setting::optional("reward", Kind::Table(&REWARD), "as published")
        .means("The reward of a turn, and the estimator of scores."),
    Setting::optional("users", Kind::Table(&USERS), "dialogues one at a time")
        .means("Concurrent users, whose turns wait in queues of a device and a cloud."),
    Setting::optional("actions", TEXTS, "every set of views, of up to 12")
        .means("The actions that policies choose among, as `cloud+0+2`."),
    Setting::choice("costs", &names(&CostModel::ALL)).means(
        "Time and money of a call: by the published formula, the means of the dialogues, or with \
         the operations of every token of a local call.",
    ),
    Setting::optional("devices", Kind::Text, "the published ones, profiles/offloading.toml")
        .means("The file of devices, networks and prices."),
    Setting::optional("device", Kind::Text, "Jetson TX2; of an own file the first")
        .means("The device."),
    Setting::optional("network", Kind::Text, "Wired; of an own file the first")
        .means("The network."),
]]);

/// `budget`
const BUDGET: Group = Group::named("budget").of(&[&[
    Setting::number("latency_s", [f64::MIN_POSITIVE, 1e15], Cost::PUBLISHED.latency_s)
        .means("Seconds of all calls of a dialogue together."),
    Setting::number("usage_usd", [f64::MIN_POSITIVE, 1e15], Cost::PUBLISHED.usage_usd)
        .means("The price of all calls of a dialogue together."),
]]);

const WEIGHT: [f64; 2] = [0.0, 1e9];
const THIRD: f64 = 1.0 / 3.0;

/// `reward`
const REWARD: Group = Group::named("reward").of(&[&[
    Setting::number("response", WEIGHT, 1.0).means("Weight of the score of an answer."),
    Setting::number("association", WEIGHT, THIRD)
        .means("Weight of the association of the uploaded views with the question, 0 to 1."),
    Setting::number("latency", WEIGHT, THIRD).means("Weight of the time of a call."),
    Setting::number("usage", WEIGHT, THIRD).means("Weight of the price of a call."),
    Setting::choice("normalise", &names(&Normalisation::ALL)).means(
        "What a time or a price of 1 is: the range over the kinds of calls, as published, the \
         budget of a dialogue, or a second and a US dollar.",
    ),
    Setting::integer("window", [1, MAX_WINDOW as u64], WINDOW as u64)
        .means("Turns of history in a state."),
    Setting::integer("neighbours", [1, MAX_NEIGHBOURS as u64], NEIGHBOURS as u64)
        .means("Recorded turns of which the score of an answer is estimated."),
    Setting::choice("metric", &names(&Metric::ALL))
        .means("The distance of two turns in the estimator."),
    Setting::new("ties", Kind::Choice(&names(&NeighbourTies::ALL)), Preset::Text("shared")).means(
        "Which recorded turns of the same distance count: all share the rest of the weight, or the \
         first ones.",
    ),
]]);

/// Where dialogues come from; generators have their costs, files are noted as inputs.
pub(in crate::experiment) fn read_dialogues(
    read: &mut Decoder<'_>,
    inputs: &mut InputCache,
) -> Option<DialogueSource> {
    let count = read.integer("generated_dialogues") as usize;
    let list = read.take("actions").map(|node| ActionList {
        names: decode::texts(node, read.problems()),
        place: node.place.clone(),
    });
    let node = read.require("dialogues", "a table of dialogues, or the name of a generator")?;
    let name = decode::text(node, read.problems())?;
    let parsed = if DialogueSource::is_generator(name) {
        DialogueSource::parse(name, count, list.as_ref())
    } else {
        inputs.dialogues(name, list.as_ref()).map(DialogueSource::Recorded)
    };
    parsed.map_err(|problems| read.problems().extend(problems)).ok()
}

/// Costs, reward and estimator.
pub(in crate::experiment) fn read_model(
    read: &mut Decoder<'_>,
    costs: Option<Costs>,
    budget: Cost,
) -> Option<ModelParams> {
    let mut reward = read.inner("reward", &REWARD);
    let mut params = ModelParams::new(costs.unwrap_or_else(|| Costs::of(Cost::default(), [])));
    params.weights.response = reward.number("response");
    params.weights.association = reward.number("association");
    params.weights.latency = reward.number("latency");
    params.weights.usage = reward.number("usage");
    params.normalisation = match reward.choice("normalise", &Normalisation::ALL) {
        Normalisation::Budget(_) => Normalisation::Budget(budget),
        other => other,
    };
    params.window = reward.integer("window") as usize;
    params.neighbours = reward.integer("neighbours") as usize;
    params.metric = reward.choice("metric", &Metric::ALL);
    params.ties = reward.choice("ties", &NeighbourTies::ALL);
    reward.finish();
    (!params.costs.latency_s.is_empty()).then_some(params)
}

/// What costs are found by.
pub(in crate::experiment) fn read_costs(
    base: &ConfigNode,
    read: &mut Decoder<'_>,
    dialogues: Option<&DialogueSource>,
    inputs: &mut InputCache,
) -> Option<Costs> {
    let file = read.optional_text("devices").map(|path| {
        inputs.note(path);
        inputs.locate(path)
    });
    let source = CostSource {
        model: read.choice("costs", &CostModel::ALL),
        file,
        device: read.optional_text("device").map(str::to_owned),
        network: read.optional_text("network").map(str::to_owned),
    };
    let dialogues = dialogues?;
    // Of a generator, the means of one draw stand for those of its law.
    match source.costs(dialogues, &dialogues.workload(Rng::new(0, 0))) {
        Ok(costs) => Some(costs),
        Err(problems) => {
            let found = problems.iter().map(|problem| at_setting(base, problem.clone()));
            found.for_each(|problem| read.problems().push(problem));
            None
        }
    }
}

/// The budget of a dialogue.
pub(in crate::experiment) fn read_budget(read: &mut Decoder<'_>) -> Cost {
    let mut budget = read.inner("budget", &BUDGET);
    let cost =
        Cost { latency_s: budget.number("latency_s"), usage_usd: budget.number("usage_usd") };
    budget.finish();
    cost
}

/// Who scores, and how dialogues are dealt out.
pub(in crate::experiment) fn read_fold_plan(
    base: &ConfigNode,
    read: &mut Decoder<'_>,
    dialogues: Option<&DialogueSource>,
    inputs: &mut InputCache,
) -> FoldPlan {
    let evaluation = match base.get("evaluation").map(|node| &node.value) {
        // `--set evaluation=true` is read as a flag.
        Some(Value::Bool(true)) => {
            read.take("evaluation");
            Evaluation::True
        }
        _ => read.choice("evaluation", &Evaluation::ALL),
    };
    let mut plan = FoldPlan::new(evaluation);
    plan.folds = read.integer("folds") as usize;
    plan.test_share = read.number("test_share");
    let Some(path) = read.optional_text("fold_file") else { return plan };
    let Some(DialogueSource::Recorded(workload)) = dialogues else {
        let place = read.place().clone().field("base.fold_file");
        let found = "a file of folds for generated dialogues, which have no names";
        read.problems().push(Problem::new(place, found, "a table of dialogues"));
        return plan;
    };
    inputs.note(path);
    let assigned = source::read(&inputs.locate(path)).and_then(|file| read_folds(&file, workload));
    match assigned {
        Ok(assigned) => plan.assigned = Some(assigned),
        Err(problem) => read.problems().push(problem),
    }
    plan
}

/// The words in the places of problems that say which setting they are about.
const KEYS: [&str; 7] =
    ["evaluation", "folds", "policy", "device", "network", "dialogues", "users"];

/// A problem of settings that do not fit each other, at the setting that says so.
pub(in crate::experiment) fn at_setting(base: &ConfigNode, problem: Problem) -> Problem {
    // Problems within files keep their places.
    if problem.place.line != 0 {
        return problem;
    }
    let words = problem.place.file.as_str();
    let key = KEYS.into_iter().find(|key| words.trim_start_matches('-').starts_with(key));
    let Some(key) = key else { return problem };
    let own = base.get(key).unwrap_or(base);
    Problem { place: own.place.clone().field(&format!("base.{key}")), ..problem }
}
