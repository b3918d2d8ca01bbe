//! The table `workload`: when requests arrive, and which.

use super::workload_settings::{
    CLASS_DISTRIBUTION, DRIFT, MAX_REQUESTS, PER, SOURCES, WORKLOAD, ZIPF,
};
use crate::config::{ConfigNode, Decoder, Problem, Problems, Value, decode};
use crate::core::ids::AppId;
use crate::core::units::{Span, Time};
use crate::experiment::input_cache::InputCache;
use crate::system::catalog::{AppSpec, SystemSpec};
use crate::system::profile;
use crate::traces::trace_file::TraceFile;
use crate::workload::{
    self, ARRIVALS, ArrivalEntry, ClassFilter, Drift, DriftSchedule, Process, RateSpec,
    SourceSplit, WorkloadSpec, zipf,
};
use std::sync::Arc;

/// Decodes the arrivals of an experiment: `"recorded"` or `{ arrivals = "recorded", … }`.
pub(super) fn read(
    node: &ConfigNode,
    setup: &SystemSpec,
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<WorkloadSpec> {
    let node = &*decode::named(node, "arrivals");
    if !matches!(node.value, Value::Table(_)) {
        problems.push(decode::mismatch(node, "a table: { arrivals, rate_rps, requests }"));
        return None;
    }
    let apps = setup.apps.as_slice();
    let mut read = Decoder::new(node, &WORKLOAD, problems);
    let processes = read_source(&mut read, node, apps);
    let pace = read_pace(&mut read);
    let file = read.take("file").and_then(|file| {
        let fits = node.get("arrivals").is_some_and(|process| process.cell() == "file");
        read_file(file, fits, apps, inputs, read.problems())
    });
    let most = file.as_ref().map_or(MAX_REQUESTS, |file| file.requests.min(MAX_REQUESTS));
    let default = file.as_ref().map_or(10_000, |_| most);
    let requests = read.take("requests");
    let requests = requests.and_then(|n| decode::integer(n, &(1..=most), read.problems()));
    let sources =
        read.take("source_split").map_or(SourceSplit::All, |n| read_sources(n, read.problems()));
    if let (Some(mix), Some(_)) = (node.get("mix"), &file) {
        let problem = Problem::new(mix.place.clone(), "a mix", "that of `file`, as it stands");
        read.problems().push(problem);
    }
    let mix = read_mix(&mut read, node, apps);
    let mut classes = vec![ClassFilter::All; apps.len()];
    let (only, weights) = (read.take("classes"), read.take("class_mix"));
    if let Some(node) = only {
        each_app(node, apps, read.problems(), |app, node, problems| {
            classes[app.index()] = read_classes(node, &apps[app.index()], problems);
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
        file,
        place: node.place.clone(),
    })
}

/// The requests of a file, all of applications that are there.
fn read_file(
    node: &ConfigNode,
    fits: bool,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> Option<Arc<TraceFile>> {
    if !fits {
        let found = "`file` for another process";
        problems.push(Problem::new(node.place.clone(), found, "`arrivals = \"file\"`"));
        return None;
    }
    match inputs.requests(decode::text(node, problems)?) {
        Ok(file) => {
            let known = |app: &AppSpec| (app.profile.name.clone(), app.profile.classes.clone());
            let known: Vec<(String, Vec<String>)> = apps.iter().map(known).collect();
            file.check_names(&known, problems);
            Some(file)
        }
        Err(more) => {
            problems.extend(more);
            None
        }
    }
}

/// The process: a name whose settings stand beside it in `workload`, `{ name, … }` with its
/// settings, or one of these by application. With `per = "app"` each application has one of its
/// own.
fn read_source(
    read: &mut Decoder<'_>,
    trace: &ConfigNode,
    apps: &[AppSpec],
) -> Option<Vec<Process>> {
    let own = read.choice("per", &PER);
    let node = read.take("arrivals");
    let table = node.filter(|node| matches!(node.value, Value::Table(_)));
    let process = match table {
        None => {
            let name = node.map_or(Some("poisson"), |n| decode::text(n, read.problems()));
            let entry = find(name?, node.unwrap_or(trace), read.problems());
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
            each_app(table, apps, read.problems(), |app, node, problems| {
                each[app.index()] = match node.value {
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
    let entry = ARRIVALS.iter().find(|entry| entry.name == name);
    if entry.is_none() {
        let place = node.place.clone();
        let known = ARRIVALS.iter().map(|entry| entry.name);
        problems.push(Problem::unknown(place, "arrival process", name, known));
    }
    entry
}

/// `{ name = "gamma", cv = 4 }`
fn read_process(table: &ConfigNode, problems: &mut Problems) -> Option<Process> {
    let mut read = Decoder::new(table, &workload::PROCESS, problems);
    let name = read.require("name", "the name of an arrival process")?;
    let entry = find(decode::text(name, read.problems())?, name, read.problems())?;
    read.describe(entry.name, entry.settings);
    let process = (entry.read)(&mut read);
    read.finish();
    Some(process)
}

/// `rate_rps`, or `load`.
fn read_pace(read: &mut Decoder<'_>) -> RateSpec {
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
fn read_mix(read: &mut Decoder<'_>, trace: &ConfigNode, apps: &[AppSpec]) -> Vec<f64> {
    let node = read.take("mix");
    let mut shares = vec![1.0; apps.len()];
    if let Some(law) = node.filter(|node| node.get("zipf").is_some()) {
        let mut law = Decoder::new(law, &ZIPF, read.problems());
        shares = zipf(law.number("zipf"), apps.len());
        law.finish();
    } else if let Some(node) = node {
        shares = vec![0.0; apps.len()];
        each_app(node, apps, read.problems(), |app, node, problems| {
            shares[app.index()] = decode::number(node, &(0.0..=1e9), problems).unwrap_or(0.0);
        });
    }
    let total: f64 = shares.iter().sum();
    if total <= 0.0 && !apps.is_empty() {
        let place = node.unwrap_or(trace).place.clone();
        read.problems().push(Problem::new(place, "no share above 0", "an application to arrive"));
    }
    shares.iter().map(|share| share / total).collect()
}

/// A law for the classes of all applications, or weights or a law by application.
fn read_class_mix(
    node: &ConfigNode,
    apps: &[AppSpec],
    classes: &mut [ClassFilter],
    problems: &mut Problems,
) {
    if is_law(node) {
        for (app, classes) in apps.iter().zip(classes) {
            *classes = read_weights(node, app, problems);
        }
    } else {
        each_app(node, apps, problems, |app, node, problems| {
            classes[app.index()] = read_weights(node, &apps[app.index()], problems);
        });
    }
}

/// Whether a table names a law of class mixes.
fn is_law(node: &ConfigNode) -> bool {
    node.get("zipf").is_some() || node.get("dirichlet").is_some()
}

/// `{ zipf = s }` in the order of the classes, or `{ dirichlet = α }`.
fn read_law(node: &ConfigNode, count: usize, problems: &mut Problems) -> ClassFilter {
    let mut law = Decoder::new(node, &CLASS_DISTRIBUTION, problems);
    let filter = match law.optional_number("dirichlet") {
        Some(alpha) => ClassFilter::Dirichlet(alpha),
        None => ClassFilter::Mix(zipf(law.number("zipf"), count)),
    };
    law.finish();
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

/// Calls `each` for the applications named by the keys of a table.
fn each_app(
    node: &ConfigNode,
    apps: &[AppSpec],
    problems: &mut Problems,
    mut each: impl FnMut(AppId, &ConfigNode, &mut Problems),
) {
    for (name, node) in decode::table(node, problems) {
        match apps.iter().position(|app| app.profile.name == *name) {
            Some(at) => each(AppId(at as u16), node, problems),
            None => {
                let known = apps.iter().map(|app| app.profile.name.as_str());
                problems.push(Problem::unknown(node.place.clone(), "application", name, known));
            }
        }
    }
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

fn read_classes(node: &ConfigNode, app: &AppSpec, problems: &mut Problems) -> ClassFilter {
    let names = &app.profile.classes;
    let mut keep = vec![false; names.len()];
    for item in decode::array(node, problems) {
        let Some(name) = decode::text(item, problems) else { continue };
        match names.iter().position(|class| class == name) {
            Some(at) => keep[at] = true,
            None => {
                let known = names.iter().map(String::as_str);
                problems.push(Problem::unknown(item.place.clone(), "class", name, known));
            }
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
    if is_law(node) {
        return read_law(node, names.len(), problems);
    }
    if matches!(node.value, Value::Array(_)) {
        return ClassFilter::Mix(profile::prior(node, names.len(), problems));
    }
    let mut weights = vec![0.0; names.len()];
    for (name, node) in decode::table(node, problems) {
        match names.iter().position(|class| class == name) {
            Some(at) => {
                weights[at] = decode::number(node, &(0.0..=1e12), problems).unwrap_or(0.0);
            }
            None => {
                let known = names.iter().map(String::as_str);
                problems.push(Problem::unknown(node.place.clone(), "class", name, known));
            }
        }
    }
    if weights.iter().sum::<f64>() <= 0.0 {
        let found = "no weight above 0";
        problems.push(Problem::new(node.place.clone(), found, "a class that arrives"));
    }
    ClassFilter::Mix(weights)
}
