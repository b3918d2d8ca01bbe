//! The setting `workers`: who computes, how fast, and how far away.

use super::faults::{self, FAILURE, SLOWDOWN};
use super::input_cache::InputCache;
use crate::config::settings::TEXTS;
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, Value, decode};
use crate::core::units::{Span, Time};
use crate::system::catalog::{AppSpec, Resident, ResidentVariant, WorkerSpec};
use crate::system::link::{self, Link, Uplink};

/// Workers have numbers of 16 bits, and schedulers look at each of them.
const MAX_WORKERS: u64 = 4096;
/// All failures of a run are in its queue from the start.
const MAX_FAILURES: u64 = 1_000_000;
/// Everything that a memory takes is there from the start.
const ALL_THAT_FIT: &str = "all-that-fit";
/// Money, watts.
const AMOUNTS: Kind = Kind::Number(0.0, 1e12);
const MBPS: Kind = Kind::Number(*link::MBPS.start(), *link::MBPS.end());

/// An item of `workers`.
pub(super) const WORKER: Group = Group::new(
    "worker",
    &[&[
        Setting::required("class", Kind::Text)
            .means("The class of the worker, as `worker_class` in latency.csv of profiles."),
        Setting::optional("name", Kind::Text, "the class").means("The name in logs and tables."),
        Setting::integer("count", [1, 1024], 1).means("The number of equal workers."),
        Setting::integer("lanes", [1, 1024], 1)
            .means("The number of batches that it runs at once."),
        Setting::integer("memory_bytes", [1, u64::MAX / 2], u64::MAX / 2)
            .means("The memory for variants."),
        Setting::number("speedup", [1e-6, 1e6], 1.0)
            .means("How many times as fast as profiled it computes and loads."),
        Setting::optional("variants", TEXTS, "all").means("The variants that it can run."),
        Setting::optional("link", Kind::Table(&LINK), "none: the worker is where requests arrive")
            .means("The network between the requests and the worker."),
        Setting::optional("power_w", AMOUNTS, "energy is not counted")
            .means("The power while all lanes compute, or a variant is loaded."),
        Setting::optional("idle_w", AMOUNTS, "energy is not counted")
            .means("The power while idle."),
        Setting::optional("usd_per_request", AMOUNTS, "no price").means("The price of a request."),
        Setting::optional(
            "resident",
            Kind::OneOf(&[Kind::Choice(&[ALL_THAT_FIT]), TEXTS]),
            "none, or with `load_times = \"warm\"` what fits, in the order of listing",
        )
        .means("The variants in memory at the start, as \"application/variant\"."),
        Setting::number("available_from_s", [0.0, 1e9], 0.0)
            .means("When the worker becomes available."),
        Setting::optional("slowdown", Kind::Table(&SLOWDOWN), "none")
            .means("A lasting change of speed that schedulers do not know."),
        Setting::optional("failures", Kind::List(&Kind::Table(&FAILURE)), "none")
            .means("When the worker fails: in order, each after the worker is back."),
    ]],
);

/// `link` of a worker.
const LINK: Group = Group::new(
    "link",
    &[&[
        Setting::number("rtt_ms", [0.0, 3_600_000.0], 0.0).means(
            "The round-trip time; half of it passes on the way to the worker, half on the way \
             back.",
        ),
        Setting::optional("uplink_mbps", Kind::OneOf(&[MBPS, Kind::Text]), "sending takes no time")
            .means(
                "The rate of the uplink, which sends one payload after the other: a number, or the \
             file of a table `time_s,mbps`.",
            ),
        Setting::optional("power_w", AMOUNTS, "energy is not counted")
            .means("The power while the uplink sends."),
    ]],
);

/// Reads `[{ class, count, memory_bytes, … }]`.
pub(super) fn read(
    read: &mut Decoder<'_>,
    apps: &[AppSpec],
    inputs: &mut InputCache,
) -> Vec<WorkerSpec> {
    let Some(list) = read.require("workers", "a list: [{ class, count, memory_bytes }]") else {
        return Vec::new();
    };
    let mut workers = Vec::new();
    for item in decode::array(list, read.problems()) {
        workers.push(one(item, apps, inputs, read.problems()));
    }
    if matches!(&list.value, Value::Array(items) if items.is_empty()) {
        read.problems().push(Problem::new(list.place.clone(), "no worker", "at least one"));
    }
    let count: u64 = workers.iter().map(|worker: &WorkerSpec| u64::from(worker.count)).sum();
    if count > MAX_WORKERS {
        let (found, expected) =
            (format!("{count} workers"), format!("at most {MAX_WORKERS} in all"));
        read.problems().push(Problem::new(list.place.clone(), found, expected));
    }
    let failures = |worker: &WorkerSpec| u64::from(worker.count) * worker.outages.len() as u64;
    let failures: u64 = workers.iter().map(failures).sum();
    if failures > MAX_FAILURES {
        let found = format!("{failures} failures of all workers");
        let expected = format!("at most {MAX_FAILURES} in all");
        read.problems().push(Problem::new(list.place.clone(), found, expected));
    }
    workers
}

fn one(
    item: &ConfigNode,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> WorkerSpec {
    let mut read = Decoder::new(item, &WORKER, problems);
    let class = read.require("class", "a class of workers, as in latency.csv");
    let class = class.and_then(|node| decode::text(node, read.problems())).unwrap_or_default();
    let name = match read.take("name") {
        Some(node) => name(node, read.problems()),
        None => class.to_owned(),
    };
    let variants = read.take("variants").map_or(Vec::new(), |n| variants(n, apps, read.problems()));
    let resident = read.take("resident");
    let resident = resident.map(|node| resident_of(node, apps, read.problems()));
    let link = read.take("link").map(|node| link(node, inputs, read.problems()));
    let worker = WorkerSpec {
        class: class.to_owned(),
        name,
        speed: read.number("speedup"),
        variants,
        link,
        count: read.integer("count") as u16,
        memory_bytes: read.integer("memory_bytes"),
        lanes: read.integer("lanes") as u16,
        power_w: read.optional_number("power_w"),
        idle_w: read.optional_number("idle_w"),
        usd_per_request: read.optional_number("usd_per_request"),
        resident: resident.unwrap_or_default(),
        ready: Time::ZERO + Span::from_s(read.number("available_from_s")),
        slowdown: faults::read_slowdown(&mut read),
        outages: faults::read_outages(&mut read),
        place: item.get("class").unwrap_or(item).place.clone(),
    };
    read.finish();
    worker
}

/// What workers are called in logs and tables.
fn name(node: &ConfigNode, problems: &mut Problems) -> String {
    let text = decode::text(node, problems).unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '"';
    if text.is_empty() || text.contains(odd) {
        problems.push(decode::mismatch(node, "a name without blanks, commas and quotes"));
    }
    text.to_owned()
}

/// The variants that a worker has; each must be one of some application's.
fn variants(node: &ConfigNode, apps: &[AppSpec], problems: &mut Problems) -> Vec<String> {
    let known: Vec<String> = apps.iter().flat_map(|app| app.profile.variant_names()).collect();
    let kept = decode::texts(node, problems);
    if matches!(&node.value, Value::Array(items) if items.is_empty()) {
        problems.push(Problem::new(node.place.clone(), "no variant", "at least one"));
    }
    // Where no profile could be read, that is the problem.
    let unknown = kept.iter().find(|name| !known.is_empty() && !known.contains(name));
    if let Some(name) = unknown {
        let known = known.iter().map(String::as_str);
        problems.push(Problem::unknown(node.place.clone(), "variant", name, known));
    }
    kept
}

/// `"all-that-fit"`, or a list of `"application/variant"`.
fn resident_of(node: &ConfigNode, apps: &[AppSpec], problems: &mut Problems) -> Resident {
    if let Value::Text(text) = &node.value {
        if text != ALL_THAT_FIT {
            let known = [ALL_THAT_FIT];
            problems.push(Problem::unknown(node.place.clone(), "value", text, known));
        }
        return Resident::AllThatFit;
    }
    let known: Vec<String> = apps
        .iter()
        .flat_map(|app| {
            let name = |variant: &String| format!("{}/{variant}", app.profile.name);
            app.profile.variant_names().iter().map(name).collect::<Vec<_>>()
        })
        .collect();
    let mut list = Vec::new();
    for item in decode::array(node, problems) {
        let Some(text) = decode::text(item, problems) else { continue };
        // Where no profile could be read, that is the problem.
        if !known.is_empty() && !known.iter().any(|name| name == text) {
            let known = known.iter().map(String::as_str);
            let what = "application/variant";
            problems.push(Problem::unknown(item.place.clone(), what, text, known));
        }
        if let Some((app, variant)) = text.split_once('/') {
            let (app, variant) = (app.to_owned(), variant.to_owned());
            list.push(ResidentVariant { app, variant, place: item.place.clone() });
        }
    }
    Resident::Listed(list)
}

/// `{ rtt_ms, uplink_mbps, power_w }`: the rate is a number or the file of a table.
fn link(node: &ConfigNode, inputs: &mut InputCache, problems: &mut Problems) -> Link {
    let mut read = Decoder::new(node, &LINK, problems);
    let uplink = read.take("uplink_mbps").map(|node| uplink(node, inputs, read.problems()));
    let link = Link {
        rtt: Span::from_ms(read.number("rtt_ms")),
        uplink: uplink.unwrap_or(Uplink::Endless),
        power_w: read.optional_number("power_w"),
    };
    read.finish();
    link
}

fn uplink(node: &ConfigNode, inputs: &mut InputCache, problems: &mut Problems) -> Uplink {
    if !matches!(node.value, Value::Text(_)) {
        let mbps = decode::number(node, &link::MBPS, problems);
        return mbps.map_or(Uplink::Endless, |mbps| Uplink::Constant(link::bps(mbps)));
    }
    let Some(path) = decode::text(node, problems) else { return Uplink::Endless };
    match inputs.bandwidth(path) {
        Ok(table) => Uplink::Table(table),
        Err(more) => {
            problems.extend(more);
            Uplink::Endless
        }
    }
}
