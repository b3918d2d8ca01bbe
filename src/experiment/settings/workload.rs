//! The table `workload`: when requests arrive, and which.

use super::names::{app_names, by_name, index_of};
use crate::config::settings::{Preset, Registry, TEXTS, names};
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, Value, decode};
use crate::core::units::{Span, Time};
use crate::experiment::input_cache::InputCache;
use crate::system::catalog::AppSpec;
use crate::system::profile;
use crate::traces::trace_file::TraceFile;
use crate::workload::{
    self, ArrivalEntry, ClassFilter, Drift, DriftSchedule, MAX_REQUESTS, PROCESSES, Process,
    RateSpec, RequestSources, SourceSplit, WorkloadSpec, zipf,
};
use std::sync::Arc;

/// Whether every application has a process of its own.
const PER: [(&str, bool); 2] = [("total", false), ("app", true)];
const EXPONENT: Kind = Kind::Number(0.0, 100.0);
const MIX_BY_CLASS: Kind = Kind::OneOf(&[
    Kind::List(&Kind::Number(0.0, 1e12)),
    Kind::ByName("class", &Kind::Number(0.0, 1e12)),
    Kind::Table(&CLASS_DISTRIBUTION),
]);
const CLASS_MIX: Kind =
    Kind::OneOf(&[Kind::Table(&CLASS_DISTRIBUTION), Kind::ByName("application", &MIX_BY_CLASS)]);
const PROCESS: Kind = Kind::Registry(&PROCESSES);

/// The keys of `workload`, whatever the process.
const WORKLOAD: Group = Group::named("workload").of(&[&[
    Setting::new(
        "arrivals",
        Kind::OneOf(&[PROCESS, Kind::ByName("application", &PROCESS)]),
        Preset::Text("poisson"),
    )
    .means(
        "The arrival process: its name, with its settings next to it in this table; a table with \
         `name` and settings; or a table with one of these for every application.",
    ),
    Setting::choice("per", &names(&PER)).means(
        "Whether one process makes the arrivals of all applications, or each application has its \
         own.",
    ),
    Setting::optional(
        "rate_rps",
        Kind::Number(1e-9, 1e9),
        "as recorded, or as the settings of the process say",
    )
    .means("The mean rate over all applications."),
    Setting::optional("load", Kind::Number(1e-6, 1e6), "`rate_rps` counts").means(
        "The rate as a multiple of the most that all workers could serve, instead of `rate_rps`.",
    ),
    Setting::optional("file", Kind::Text, "none")
        .means("The file of requests of `arrivals = \"file\"`, as `peeksim import` writes it."),
    Setting::optional("requests", Kind::Integer(1, MAX_REQUESTS), "10000, or all of `file`")
        .means("The number of requests of a run."),
    Setting::new(
        "source_split",
        Kind::OneOf(&[Kind::Choice(&names(&SourceSplit::WORDS)), Kind::Table(&SOURCES)]),
        Preset::Text("all"),
    )
    .means(
        "Which recorded sources (users, patients, speakers) arrive: all, those at odd or even \
         places of the trace, or those whose class mix has drifted.",
    ),
    Setting::new(
        "sources",
        Kind::OneOf(&[
            Kind::Choice(&names(&RequestSources::WORDS)),
            SENDERS[0],
            SENDERS[1],
            Kind::ByName("application", &Kind::OneOf(&SENDERS)),
        ]),
        Preset::Text("none"),
    )
    .means(
        "Which sources (cameras, users, clients) the requests of an application have: none, those \
         of the process (recorded sources, clients of a closed loop), a number of sources, or a \
         list of their weights; the source of a request is then drawn.",
    ),
    Setting::optional(
        "mix",
        Kind::OneOf(&[Kind::Table(&ZIPF), Kind::ByName("application", &Kind::Number(0.0, 1e9))]),
        "equal shares",
    )
    .means("The shares of the applications."),
    Setting::optional("classes", Kind::ByName("application", &TEXTS), "all")
        .means("The only classes that arrive."),
    Setting::optional("class_mix", CLASS_MIX, "as recorded, or the prior of the profile")
        .means("The weights of the classes: one for each by application, or a distribution."),
    Setting::optional("drift", Kind::Table(&DRIFT), "none")
        .means("How the class mix changes during a run."),
    Setting::number("class_autocorrelation", [0.0, 0.999_999], 0.0).means(
        "The probability that a request has the class of the one before it of its application.",
    ),
]]);

/// `workload` with the settings of its process.
pub(super) const WORKLOADS: Registry = Registry {
    name: "workload",
    tag: "arrivals",
    common: &WORKLOAD,
    entries: || workload::ENTRIES.iter().map(ArrivalEntry::described).collect(),
    optional: true,
};

/// A number of sources, or their weights.
const SENDERS: [Kind; 2] =
    [Kind::Integer(1, RequestSources::MOST), Kind::List(&Kind::Number(0.0, 1e9))];

const SOURCES: Group =
    Group::named("source_split").of(&[&[Setting::required("drift", Kind::Number(0.0, 1.0))
        .means("The least total variation between the class mix of a source and the profile's.")]]);

const ZIPF: Group =
    Group::named("mix").of(&[&[Setting::new("zipf", EXPONENT, Preset::Number(1.0))
        .means("The exponent of Zipf shares, in the order of `apps`.")]]);

const CLASS_DISTRIBUTION: Group = Group::named("class_mix").of(&[&[
    Setting::new("zipf", EXPONENT, Preset::Number(1.0))
        .means("The exponent of Zipf weights, in the order of the classes."),
    Setting::optional("dirichlet", Kind::Number(0.001, 1e6), "`zipf` counts").means(
        "α of a Dirichlet distribution around the class frequencies of the profile, from which \
         each replicate draws its mix; the smaller, the fewer classes prevail.",
    ),
]]);

const SECONDS: Kind = Kind::Number(0.0, 1e9);

const DRIFT: Group = Group::named("drift").of(&[&[
    Setting::optional("random_walk_sd", Kind::Number(0.0, 100.0), "no random walk").means(
        "The standard deviation of a move of a random walk of the logarithms of the weights.",
    ),
    Setting::optional("step_s", Kind::Number(1e-3, 1e9), "required with `random_walk_sd`")
        .means("The time between two moves of the random walk."),
    Setting::optional("to", CLASS_MIX, "required without `random_walk_sd`")
        .means("The class mix towards which requests drift."),
    Setting::optional("at_s", SECONDS, "none").means("When the other mix takes over at once."),
    Setting::optional("from_s", SECONDS, "0").means("When an even change begins."),
    Setting::optional("until_s", SECONDS, "none").means("When an even change ends."),
    Setting::optional("period_s", SECONDS, "none")
        .means("The period in which the mix goes to the other and back, by a cosine."),
]]);

/// Reads the workload: `"recorded"` or `{ arrivals = "recorded", … }`.
pub(in crate::experiment) fn read(
    node: &ConfigNode,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<WorkloadSpec> {
    let node = &*decode::named(node, "arrivals");
    if !matches!(node.value, Value::Table(_)) {
        problems.push(decode::mismatch(node, "a table: { arrivals, rate_rps, requests }"));
        return None;
    }
    let mut read = Decoder::new(node, &WORKLOAD, problems);
    let processes = read_processes(&mut read, node, apps);
    let pace = read_rate(&mut read);
    let file = read.take("file").and_then(|file| {
        if node.get("arrivals").is_none_or(|process| process.cell() != "file") {
            let expected = "`arrivals = \"file\"`";
            let place = file.place.clone();
            read.problems().push(Problem::new(place, "`file` for another process", expected));
            return None;
        }
        read_file(file, apps, inputs, read.problems())
    });
    let most = file.as_ref().map_or(MAX_REQUESTS, |file| file.requests.min(MAX_REQUESTS));
    let default = file.as_ref().map_or(10_000, |_| most);
    let requests = read.take("requests");
    let requests = requests.and_then(|n| decode::integer(n, &(1..=most), read.problems()));
    let sources =
        read.take("source_split").map_or(SourceSplit::All, |n| read_sources(n, read.problems()));
    let request_sources = read.take("sources");
    let request_sources =
        request_sources.map(|node| read_request_sources(node, apps, read.problems()));
    if let (Some(mix), Some(_)) = (node.get("mix"), &file) {
        let problem = Problem::new(mix.place.clone(), "a mix", "that of `file`, as it stands");
        read.problems().push(problem);
    }
    let mix = read_mix(&mut read, node, apps);
    let mut classes = vec![ClassFilter::All; apps.len()];
    let (only, weights) = (read.take("classes"), read.take("class_mix"));
    if let Some(node) = only {
        by_app(node, apps, read.problems(), |at, node, problems| {
            classes[at] = read_classes(node, &apps[at], problems);
        });
    }
    if let Some(node) = weights {
        read_class_mix(node, apps, &mut classes, read.problems());
    }
    let drift = read.take("drift").and_then(|n| read_drift(n, apps, read.problems()));
    let sticky = read.number("class_autocorrelation");
    read.finish();
    Some(WorkloadSpec {
        processes: processes?,
        pace,
        requests: requests.unwrap_or(default),
        mix,
        classes,
        drift,
        sticky,
        sources,
        request_sources: request_sources.unwrap_or_default(),
        file,
        place: node.place.clone(),
    })
}

/// The requests of a file, all of which must be of these applications.
fn read_file(
    node: &ConfigNode,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<Arc<TraceFile>> {
    let file = inputs.requests(decode::text(node, problems)?);
    let file = file.map_err(|more| problems.extend(more)).ok()?;
    let known = |app: &AppSpec| (app.profile.name.clone(), app.profile.classes.clone());
    file.check_names(&apps.iter().map(known).collect::<Vec<_>>(), problems);
    Some(file)
}

/// The process: a name whose settings stand next to it in `workload`, `{ name, … }` with its
/// settings, or one of these by application. With `per = "app"` each application has its own.
fn read_processes(
    read: &mut Decoder<'_>,
    workload: &ConfigNode,
    apps: &[AppSpec],
) -> Option<Vec<Process>> {
    let own = read.choice("per", &PER);
    let node = read.take("arrivals");
    let table = node.filter(|node| matches!(node.value, Value::Table(_)));
    let process = match table {
        None => {
            let name = node.map_or(Some("poisson"), |n| decode::text(n, read.problems()));
            let entry = find(name?, node.unwrap_or(workload), read.problems());
            entry.map(|entry| {
                read.describe(entry.name, entry.settings);
                (entry.read)(read)
            })
        }
        Some(table) if apps.iter().all(|app| table.get(&app.profile.name).is_none()) => {
            read_process(table, read.problems())
        }
        Some(table) => {
            let mut each: Vec<Option<Process>> = vec![None; apps.len()];
            by_app(table, apps, read.problems(), |at, node, problems| {
                each[at] = match node.value {
                    Value::Table(_) | Value::Text(_) => {
                        read_process(&decode::named(node, "name"), problems)
                    }
                    _ => decode::text(node, problems).and(None),
                };
            });
            if each.iter().any(Option::is_none) && read.problems().is_empty() {
                let expected = "`name`, or a process for every application";
                let place = table.place.clone();
                read.problems().push(Problem::new(place, table.canonical(), expected));
            }
            return each.into_iter().collect();
        }
    }?;
    let count = if own { apps.len() } else { 1 };
    Some(vec![process; count])
}

fn find(name: &str, node: &ConfigNode, problems: &mut Problems) -> Option<&'static ArrivalEntry> {
    let entry = workload::ENTRIES.find(name);
    if entry.is_none() {
        let place = node.place.clone();
        let known = workload::ENTRIES.names();
        problems.push(Problem::unknown(place, "arrival process", name, known));
    }
    entry
}

/// `{ name = "gamma", cv = 4 }`
fn read_process(table: &ConfigNode, problems: &mut Problems) -> Option<Process> {
    let mut read = Decoder::new(table, &workload::PROCESS, problems);
    let name = read.require("name", "the name of an arrival process")?;
    let entry = find(decode::text(name, read.problems())?, name, read.problems())?;
    Some(workload::build(entry, table, read.problems()))
}

/// `rate_rps`, or `load`.
fn read_rate(read: &mut Decoder<'_>) -> RateSpec {
    let (rate, load) = (read.take("rate_rps"), read.take("load"));
    if let (Some(_), Some(node)) = (rate, load) {
        let found = "`load` beside `rate_rps`";
        read.problems().push(Problem::new(node.place.clone(), found, "one of them"));
    }
    let rate = rate.and_then(|node| read.number_at("rate_rps", node));
    let load = load.and_then(|node| read.number_at("load", node));
    rate.map(RateSpec::Rate).or(load.map(RateSpec::Load)).unwrap_or(RateSpec::Own)
}

/// Shares by application, or `{ zipf = s }` in the order of the applications.
fn read_mix(read: &mut Decoder<'_>, workload: &ConfigNode, apps: &[AppSpec]) -> Vec<f64> {
    let node = read.take("mix");
    let mut shares = vec![1.0; apps.len()];
    if let Some(law) = node.filter(|node| node.get("zipf").is_some()) {
        let mut law = Decoder::new(law, &ZIPF, read.problems());
        shares = zipf(law.number("zipf"), apps.len());
        law.finish();
    } else if let Some(node) = node {
        shares = vec![0.0; apps.len()];
        by_app(node, apps, read.problems(), |at, node, problems| {
            shares[at] = decode::number(node, &(0.0..=1e9), problems).unwrap_or(0.0);
        });
    }
    let total: f64 = shares.iter().sum();
    if total <= 0.0 && !apps.is_empty() {
        let place = node.unwrap_or(workload).place.clone();
        read.problems().push(Problem::new(place, "no share above 0", "an application to arrive"));
    }
    shares.iter().map(|share| share / total).collect()
}

/// A distribution for the classes of all applications, or weights or a distribution for each.
fn read_class_mix(
    node: &ConfigNode,
    apps: &[AppSpec],
    classes: &mut [ClassFilter],
    problems: &mut Problems,
) {
    if is_distribution(node) {
        for (app, classes) in apps.iter().zip(classes) {
            *classes = read_weights(node, app, problems);
        }
    } else {
        by_app(node, apps, problems, |at, node, problems| {
            classes[at] = read_weights(node, &apps[at], problems);
        });
    }
}

/// Whether a table is a distribution of class mixes.
fn is_distribution(node: &ConfigNode) -> bool {
    node.get("zipf").is_some() || node.get("dirichlet").is_some()
}

/// `{ zipf = s }` in the order of the classes, or `{ dirichlet = α }`.
fn read_distribution(node: &ConfigNode, count: usize, problems: &mut Problems) -> ClassFilter {
    let mut read = Decoder::new(node, &CLASS_DISTRIBUTION, problems);
    let filter = match read.optional_number("dirichlet") {
        Some(alpha) => ClassFilter::Dirichlet(alpha),
        None => ClassFilter::Mix(zipf(read.number("zipf"), count)),
    };
    read.finish();
    filter
}

/// `{ to, at_s }`, `{ to, from_s, until_s }`, `{ to, period_s }` or `{ random_walk_sd, step_s }`.
fn read_drift(node: &ConfigNode, apps: &[AppSpec], problems: &mut Problems) -> Option<Drift> {
    let mut read = Decoder::new(node, &DRIFT, problems);
    if let Some(walk) = read.take("random_walk_sd") {
        let deviation = read.number_at("random_walk_sd", walk);
        let expected = "seconds from one move of the class mix to the next";
        let step = read.required_number("step_s", expected);
        read.finish();
        return Some(Drift::Walk { deviation: deviation?, step: Span::from_s(step?) });
    }
    let mut to = vec![ClassFilter::All; apps.len()];
    if let Some(mix) = read.require("to", "the class mix to which requests drift") {
        read_class_mix(mix, apps, &mut to, read.problems());
    }
    let mut second = |key| Some(Span::from_s(read.optional_number(key)?));
    let (at, from, until) = (second("at_s"), second("from_s"), second("until_s"));
    let period = second("period_s");
    let after = |span: Span| Time::ZERO + span;
    let schedule = match (at, from, until, period) {
        (Some(at), None, None, None) => Some(DriftSchedule::Abrupt(after(at))),
        (None, from, Some(until), None) if from.unwrap_or(Span::ZERO) < until => {
            Some(DriftSchedule::Linear(after(from.unwrap_or(Span::ZERO)), after(until)))
        }
        (None, None, None, Some(period)) if period > Span::ZERO => {
            Some(DriftSchedule::Periodic(period))
        }
        _ => {
            let expected = "at_s; or from_s (0) and a later until_s; or period_s above 0";
            let problem = Problem::new(node.place.clone(), node.canonical(), expected);
            read.problems().push(problem);
            None
        }
    };
    read.finish();
    schedule.map(|schedule| Drift::To { to, schedule })
}

/// Calls `each` with the index of every application that is a key of a table.
fn by_app(
    node: &ConfigNode,
    apps: &[AppSpec],
    problems: &mut Problems,
    each: impl FnMut(usize, &ConfigNode, &mut Problems),
) {
    by_name(node, &app_names(apps), "application", problems, each);
}

/// `"odd"`, or `{ drift = 0.3 }`.
fn read_sources(node: &ConfigNode, problems: &mut Problems) -> SourceSplit {
    if !matches!(node.value, Value::Table(_)) {
        return decode::choice(node, &SourceSplit::WORDS, problems).unwrap_or(SourceSplit::All);
    }
    let mut read = Decoder::new(node, &SOURCES, problems);
    let expected = "the least total variation from the profile's class mix";
    let drift = read.required_number("drift", expected);
    read.finish();
    drift.map_or(SourceSplit::All, SourceSplit::Drifted)
}

/// A word, or for all applications or each of them a number of sources or their weights.
fn read_request_sources(
    node: &ConfigNode,
    apps: &[AppSpec],
    problems: &mut Problems,
) -> RequestSources {
    let mut drawn = vec![Vec::new(); apps.len()];
    match &node.value {
        Value::Text(_) => {
            return decode::choice(node, &RequestSources::WORDS, problems).unwrap_or_default();
        }
        Value::Table(_) => by_app(node, apps, problems, |at, node, problems| {
            drawn[at] = read_source_weights(node, problems);
        }),
        _ => drawn.fill(read_source_weights(node, problems)),
    }
    RequestSources::Drawn(drawn)
}

/// A number of sources with equal weights, or the weight of each.
fn read_source_weights(node: &ConfigNode, problems: &mut Problems) -> Vec<f64> {
    let most = RequestSources::MOST;
    let Value::Array(items) = &node.value else {
        let count = decode::integer(node, &(1..=most), problems);
        return vec![1.0; count.unwrap_or(1) as usize];
    };
    let number = |item| decode::number(item, &(0.0..=1e9), problems);
    let weights: Vec<f64> = items.iter().filter_map(number).collect();
    let is_read = weights.len() == items.len();
    if is_read && (weights.len() as u64 > most || weights.iter().sum::<f64>() <= 0.0) {
        let expected = format!("1 to {most} weights, one of them above 0");
        problems.push(Problem::new(
            node.place.clone(),
            format!("{} weights", items.len()),
            expected,
        ));
    }
    weights
}

fn read_classes(node: &ConfigNode, app: &AppSpec, problems: &mut Problems) -> ClassFilter {
    let names = &app.profile.classes;
    let mut keep = vec![false; names.len()];
    for item in decode::array(node, problems) {
        let Some(name) = decode::text(item, problems) else { continue };
        if let Some(at) = index_of(name, names, "class", &item.place, problems) {
            keep[at] = true;
        }
    }
    // Recorded requests are looked up by class, others are drawn by the prior.
    let drawn = app.profile.prior.iter().zip(&keep).any(|(weight, keep)| *keep && *weight > 0.0);
    if app.trace.is_none() && !drawn {
        let found = "no class with a prior above 0";
        problems.push(Problem::new(node.place.clone(), found, "a class that arrives"));
    }
    ClassFilter::Only(keep)
}

fn read_weights(node: &ConfigNode, app: &AppSpec, problems: &mut Problems) -> ClassFilter {
    let names = &app.profile.classes;
    if is_distribution(node) {
        return read_distribution(node, names.len(), problems);
    }
    if matches!(node.value, Value::Array(_)) {
        return ClassFilter::Mix(profile::prior(node, names.len(), problems));
    }
    let mut weights = vec![0.0; names.len()];
    by_name(node, names, "class", problems, |at, node, problems| {
        weights[at] = decode::number(node, &(0.0..=1e12), problems).unwrap_or(0.0);
    });
    if weights.iter().sum::<f64>() <= 0.0 {
        let found = "no weight above 0";
        problems.push(Problem::new(node.place.clone(), found, "a class that arrives"));
    }
    ClassFilter::Mix(weights)
}
