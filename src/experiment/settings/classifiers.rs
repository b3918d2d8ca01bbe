//! The setting `peek`: the SneakPeek model of an application.

use super::names::index_of;
use crate::classifier::knn::VoteTies;
use crate::classifier::model::{
    Classifier, ClassifierHost, ClassifierKind, Knn, Prior, ShortCircuit, ThresholdRule, VoteModel,
};
use crate::classifier::posterior::{Evidence, TWO_CLASS_THRESHOLD};
use crate::config::settings::{EntrySettings, Lists, Preset, Registry, flattened, names};
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use crate::core::units::Span;
use crate::system::catalog::AppSpec;
use crate::system::profile;
use std::sync::Arc;

const EVIDENCE: [(&str, Evidence); 2] =
    [("onehot", Evidence::OneHot), ("counts", Evidence::Counts)];
const HOSTS: [(&str, ClassifierHost); 3] = [
    ("host", ClassifierHost::Host),
    ("free", ClassifierHost::Free),
    ("worker", ClassifierHost::Worker),
];
const VOTE_TIES: [(&str, VoteTies); 2] =
    [("lowest-index", VoteTies::LowestIndex), ("average", VoteTies::Average)];
const SHORT_CIRCUITS: [(&str, ShortCircuit); 3] = [
    ("never", ShortCircuit::Never),
    ("precision", ShortCircuit::Precision),
    ("posterior", ShortCircuit::Posterior),
];
const PRIORS: [&str; 2] = ["profile", "uninformative"];
const KINDS: [&str; 4] = ["recorded", "knn", "confusion", "rule"];
const SHARE: Kind = Kind::Number(0.0, 1.0);
const WEIGHTS: Kind = Kind::List(&Kind::Number(0.0, 1e12));
const WEIGHT: Kind = Kind::Number(f64::MIN_POSITIVE, 1e9);

/// The keys of `peek`, whatever the kind.
const PEEK: Group = Group::named("peek").of(&[&[
    Setting::optional(
        "kind",
        Kind::Choice(&KINDS),
        "`recorded` where votes are recorded, else `confusion` if its settings are there",
    )
    .means("The SneakPeek model."),
    Setting::optional(
        "latency_ms",
        Kind::Number(0.0, 86_400_000.0),
        "the table peek.csv of the profile, or no time without it",
    )
    .means("The time of a peek; peeks on the host run one after the other."),
    Setting::optional(
        "matrix",
        Kind::List(&WEIGHTS),
        "peek_confusion.csv of the profile, if there is one",
    )
    .means("The confusion matrix: a row of weights for each true class."),
    Setting::new(
        "short_circuit",
        Kind::OneOf(&[Kind::Choice(&names(&SHORT_CIRCUITS)), Kind::Table(&THRESHOLD)]),
        Preset::Text("never"),
    )
    .means(
        "Whether the model's own answer may be the answer to a request: never, where schedulers \
         choose it (they believe its precision, or the posterior), or by a threshold.",
    ),
    Setting::choice("evidence", &names(&EVIDENCE)).means(
        "What the posterior counts: one observation of the class that the votes answer with, or \
         every vote.",
    ),
    Setting::new(
        "two_class_threshold",
        Kind::OneOf(&[SHARE, Kind::Choice(&["none"])]),
        Preset::Number(TWO_CLASS_THRESHOLD),
    )
    .means(
        "With two classes, the second is the answer where its share of the votes is above this; \
         `none`: where it has most votes.",
    ),
    Setting::new(
        "prior",
        Kind::OneOf(&[Kind::Choice(&PRIORS), WEIGHTS, Kind::Table(&SCALED_PRIOR)]),
        Preset::Text(PRIORS[0]),
    )
    .means(
        "The Dirichlet prior of the posterior: the class frequencies of the profile, every class \
         alike, or a weight for each class.",
    ),
    Setting::new("prior_weight", WEIGHT, Preset::Number(1.0))
        .means("The sum of the weights of a prior that is a name, in votes."),
    Setting::choice("runs_on", &names(&HOSTS)).means(
        "Where the model runs: on a serial lane of the host, in no time, or on the workers in \
         turns with their backlog.",
    ),
    Setting::integer("memory_bytes", [0, u64::MAX / 2], 0)
        .means("The memory that the model takes on every worker where it runs."),
]]);

/// `peek` with the settings of its kind.
pub const PEEKS: Registry =
    Registry { name: "peek", tag: "kind", common: &PEEK, entries: kinds, optional: true };

const CONFUSION: Lists = &[&[
    Setting::optional("quality", SHARE, "`matrix` or `recall` counts")
        .means("How good votes are, from 0 (chance) to 1 (perfect)."),
    Setting::optional("recall", SHARE, "`matrix` or `quality` counts")
        .means("The probability that a vote is right; wrong ones are even over the other classes."),
    Setting::integer("votes", [1, 1000], 1).means("The number of votes on a request."),
    Setting::number("correlation", [0.0, 1.0], 0.0)
        .means("The probability that a vote after the first copies the first."),
]];

const KNN: Lists = &[&[
    Setting::optional("k", Kind::Integer(1, u64::MAX), "5, or all samples if there are fewer")
        .means("The number of nearest samples of reference.csv that vote."),
    Setting::choice("ties", &names(&VOTE_TIES)).means(
        "Which samples at the distance of the k-th vote: those listed first, or all of them with \
         equal parts of the votes that are left.",
    ),
]];

const RULE: Lists = &[&[
    Setting::required("feature", Kind::Text).means("The feature of the trace that decides."),
    Setting::required("threshold", Kind::Number(-1e15, 1e15))
        .means("The value of the feature that separates the two classes."),
    Setting::required("below", Kind::Text).means("The class below the threshold."),
    Setting::required("above", Kind::Text).means("The class from the threshold on."),
]];

fn kinds() -> Vec<EntrySettings> {
    let entry = |name, summary, settings: Lists| EntrySettings {
        name,
        summary,
        settings: flattened(settings),
    };
    vec![
        entry("recorded", "the votes of the trace", &[]),
        entry("knn", "the nearest samples of the profile vote", KNN),
        entry("confusion", "votes are drawn by a confusion matrix", CONFUSION),
        entry("rule", "a threshold on one feature", RULE),
    ]
}

const THRESHOLD: Group =
    Group::named("short_circuit").of(&[&[Setting::required("threshold", SHARE).means(
        "The least posterior probability of the model's own answer with which a request is \
         answered before it is scheduled.",
    )]]);

const SCALED_PRIOR: Group = Group::named("prior").of(&[&[Setting::required("scale", WEIGHT)
    .means("What the class frequencies of the profile are multiplied by.")]]);

/// `"knn"` or `{ kind = "knn", … }`
pub(super) fn read(node: &ConfigNode, app: &AppSpec, problems: &mut Problems) -> Classifier {
    let node = &decode::named(node, "kind");
    let mut read = Decoder::new(node, &PEEK, problems);
    let latency = read.optional_number("latency_ms");
    let node = read.take("matrix");
    let classes = app.profile.classes.len();
    let rows = node.and_then(|node| read_rows(node, classes, read.problems()));
    let matrix = Matrix { node, rows };
    let kind = kind(&mut read, app, &matrix);
    let matrix = match &kind {
        ClassifierKind::Confusion(model) => model.confusion(),
        _ => matrix.rows.or_else(|| app.profile.peek_confusion.clone()),
    };
    let peek = Classifier {
        short_circuit: short_circuit(&mut read, app, matrix.is_some()),
        kind,
        matrix,
        evidence: read.choice("evidence", &EVIDENCE),
        threshold: two_class_threshold(&mut read),
        prior: prior(&mut read, classes),
        runs_on: read.choice("runs_on", &HOSTS),
        memory_bytes: read.integer("memory_bytes"),
        latency: latency.map(Span::from_ms),
    };
    read.finish();
    peek
}

/// The confusion matrix of `peek`, as written and as read.
struct Matrix<'a> {
    node: Option<&'a ConfigNode>,
    rows: Option<Vec<Vec<f64>>>,
}

fn kind(read: &mut Decoder<'_>, app: &AppSpec, matrix: &Matrix<'_>) -> ClassifierKind {
    let recorded = app.trace.as_ref().is_some_and(|trace| !trace.votes.is_empty());
    let Some(node) = read.take("kind") else {
        let model = vote_model(read, app, matrix, None).filter(|_| !recorded);
        return model.map_or(ClassifierKind::Recorded, ClassifierKind::Confusion);
    };
    let place = &node.place;
    let kind = match decode::text(node, read.problems()) {
        Some("knn") => knn(read, app, place).map(ClassifierKind::Knn),
        Some("confusion") => {
            vote_model(read, app, matrix, Some(place)).map(ClassifierKind::Confusion)
        }
        Some("rule") => rule(read, app).map(ClassifierKind::Rule),
        Some("recorded") => {
            if !recorded {
                let found = format!("\"recorded\", and no votes for `{}`", app.profile.name);
                let expected = "a trace with votes_<class> columns";
                read.problems().push(Problem::new(place.clone(), found, expected));
            }
            None
        }
        Some(other) => {
            read.problems().push(Problem::unknown(place.clone(), "value", other, KINDS));
            None
        }
        None => None,
    };
    kind.unwrap_or(ClassifierKind::Recorded)
}

fn knn(read: &mut Decoder<'_>, app: &AppSpec, place: &Location) -> Option<Knn> {
    read.describe("knn", KNN);
    let k = read.take("k");
    let ties = read.choice("ties", &VOTE_TIES);
    let name = &app.profile.name;
    let Some(reference) = &app.profile.reference else {
        let found = format!("\"knn\", and no reference.csv in the profile of `{name}`");
        let expected = "a file with `class` and features";
        read.problems().push(Problem::new(place.clone(), found, expected));
        return None;
    };
    let samples = reference.len() as u64;
    let k = match k {
        Some(node) => decode::integer(node, &(1..=samples), read.problems())?,
        None => samples.min(5),
    };
    let features = reference.features.iter();
    let columns: Option<Vec<usize>> =
        features.map(|name| feature_index(name, app, place, read.problems())).collect();
    Some(Knn { reference: Arc::clone(reference), k: k as usize, ties, columns: columns? })
}

/// The index of a feature in the trace of the application.
fn feature_index(
    name: &str,
    app: &AppSpec,
    place: &Location,
    problems: &mut Problems,
) -> Option<usize> {
    let features = app.trace.iter().flat_map(|trace| &trace.features);
    let known: Vec<&str> = features.map(|(name, _)| name.as_str()).collect();
    let at = known.iter().position(|known| *known == name);
    if at.is_none() {
        let problem = Problem::unknown(place.clone(), "feature in the trace", name, known);
        problems.push(problem.of(&app.profile.name));
    }
    at
}

/// The distribution of votes, if one is given; the place `required` says that one must be.
fn vote_model(
    read: &mut Decoder<'_>,
    app: &AppSpec,
    matrix: &Matrix<'_>,
    required: Option<&Location>,
) -> Option<VoteModel> {
    read.describe("confusion", CONFUSION);
    let classes = app.profile.classes.len();
    let (quality, recall) = (read.take("quality"), read.take("recall"));
    let votes = read.integer("votes");
    let correlation = read.number("correlation");
    let problems = read.problems();
    let given: Vec<&ConfigNode> = [matrix.node, quality, recall].into_iter().flatten().collect();
    match (given.as_slice(), required) {
        ([_, second, ..], _) => {
            let found = "two of `matrix`, `quality` and `recall`";
            problems.push(Problem::new(second.place.clone(), found, "one of them"));
        }
        ([], Some(place)) => {
            let expected = "`matrix`, `quality` or `recall` beside it";
            problems.push(Problem::new(place.clone(), "\"confusion\" alone", expected));
        }
        _ => {}
    }
    let mut model = if let Some(node) = quality {
        VoteModel::quality(classes, read.number_at("quality", node)?)
    } else if let Some(node) = recall {
        VoteModel::recall(classes, read.number_at("recall", node)?)
    } else {
        VoteModel::matrix(matrix.rows.as_ref()?)
    };
    (model.votes, model.correlation) = (votes, correlation);
    Some(model)
}

/// A confusion matrix: a row of weights for each true class.
fn read_rows(node: &ConfigNode, classes: usize, problems: &mut Problems) -> Option<Vec<Vec<f64>>> {
    let items = decode::array(node, problems);
    if items.len() != classes {
        let found = format!("a matrix of {} rows", items.len());
        let expected = format!("{classes}, one for each class");
        problems.push(Problem::new(node.place.clone(), found, expected));
        return None;
    }
    let rows: Vec<Vec<f64>> =
        items.iter().map(|row| profile::prior(row, classes, problems)).collect();
    rows.iter().all(|row| row.len() == classes).then_some(rows)
}

fn rule(read: &mut Decoder<'_>, app: &AppSpec) -> Option<ThresholdRule> {
    read.describe("rule", RULE);
    let feature = read.require("feature", "the name of a feature of the trace");
    let at = read.require("threshold", "where the feature parts the classes");
    let [below, above] = ["below", "above"].map(|key| {
        let node = read.require(key, "a class")?;
        let name = decode::text(node, read.problems())?;
        index_of(name, &app.profile.classes, "class", &node.place, read.problems())
    });
    let at = read.number_at("threshold", at?);
    let name = decode::text(feature?, read.problems())?;
    let column = feature_index(name, app, &feature?.place, read.problems());
    let (below, above) = (below? as u16, above? as u16);
    Some(ThresholdRule { column: column?, at: at?, below, above })
}

/// `known` says whether the confusion matrix of the model's answers is known.
fn short_circuit(read: &mut Decoder<'_>, app: &AppSpec, known: bool) -> ShortCircuit {
    let Some(node) = read.take("short_circuit") else { return ShortCircuit::Never };
    let problems = read.problems();
    if matches!(node.value, Value::Table(_)) {
        let mut table = Decoder::new(node, &THRESHOLD, problems);
        let expected = "the least posterior probability of the model's own answer";
        let threshold = table.required_number("threshold", expected);
        table.finish();
        return threshold.map_or(ShortCircuit::Never, ShortCircuit::Threshold);
    }
    let chosen = decode::choice(node, &SHORT_CIRCUITS, problems);
    let needs = matches!(chosen, Some(ShortCircuit::Precision | ShortCircuit::Posterior));
    if needs && !known {
        let name = &app.profile.name;
        let found = format!("no confusion matrix of the SneakPeek model of `{name}`");
        let expected = "`matrix`, or peek_confusion.csv in the profile; of `confusion` \
                        votes = 1 or correlation = 1";
        problems.push(Problem::new(node.place.clone(), found, expected));
    }
    chosen.unwrap_or(ShortCircuit::Never)
}

fn two_class_threshold(read: &mut Decoder<'_>) -> Option<f64> {
    match read.take("two_class_threshold") {
        None => Some(TWO_CLASS_THRESHOLD),
        Some(node) if matches!(&node.value, Value::Text(text) if text == "none") => None,
        Some(node) => read.number_at("two_class_threshold", node),
    }
}

fn prior(read: &mut Decoder<'_>, classes: usize) -> Prior {
    let weight = read.take("prior_weight");
    let node = read.take("prior");
    let problems = read.problems();
    let given = match node.map(|node| (node, &node.value)) {
        Some((node, Value::Array(_))) => {
            Some(Prior::Given(profile::prior(node, classes, problems)))
        }
        Some((node, Value::Table(_))) => {
            let mut table = Decoder::new(node, &SCALED_PRIOR, problems);
            let expected = "by how much to multiply the class frequencies";
            let scale = table.required_number("scale", expected);
            table.finish();
            Some(Prior::Profile(scale.unwrap_or(1.0)))
        }
        _ => None,
    };
    if let (Some(given), Some(weight)) = (&given, weight) {
        let found = "a weight beside a prior that has one";
        problems.push(Problem::new(weight.place.clone(), found, "one of them"));
        return given.clone();
    }
    let weight = weight.and_then(|node| read.number_at("prior_weight", node)).unwrap_or(1.0);
    let named = [(PRIORS[0], Prior::Profile(weight)), (PRIORS[1], Prior::Uninformative(weight))];
    let [(_, default), _] = named.clone();
    given.or_else(|| decode::choice(node?, &named, read.problems())).unwrap_or(default)
}
