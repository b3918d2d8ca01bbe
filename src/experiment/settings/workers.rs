//! The setting `workers`: their speed, memory, links and failures.

use super::faults::{self, FAILURE, SLOWDOWN};
use super::names::{index_of, items};
use crate::config::settings::TEXTS;
use crate::config::{ConfigNode, Decoder, Group, Kind, Problem, Problems, Setting, Value, decode};
use crate::core::units::{Span, Time};
use crate::experiment::input_cache::InputCache;
use crate::system::catalog::{AppSpec, Resident, ResidentVariant, WorkerSpec};
use crate::system::link::{self, Link, Uplink};

/// Worker indices have 16 bits, and schedulers consider each worker.
const MAX_WORKERS: u64 = 4096;
/// The event queue of a run holds all failures from the start.
const MAX_FAILURES: u64 = 1_000_000;
/// The value of `resident` by which variants are loaded at the start until memory is full.
const ALL_THAT_FIT: &str = "all-that-fit";
/// US dollars or watts.
const AMOUNTS: Kind = Kind::Number(0.0, 1e12);
const MBPS: Kind = Kind::Number(*link::MBPS.start(), *link::MBPS.end());

/// Settings that devices and clouds of dialogues have, too.
pub(super) const LANES: Setting =
    Setting::integer("lanes", [1, 1024], 1).means("The number of batches that it runs at once.");
pub(super) const MEMORY_BYTES: Setting =
    Setting::integer("memory_bytes", [1, u64::MAX / 2], u64::MAX / 2)
        .means("The memory for variants.");
pub(super) const SPEEDUP: Setting = Setting::number("speedup", [1e-6, 1e6], 1.0)
    .means("How many times as fast as profiled it computes and loads.");
pub(super) const NETWORK: Setting =
    Setting::optional("link", Kind::Table(&LINK), "none: the worker is where requests arrive")
        .means("The network between the requests and the worker.");
/// When it is there, and how fast.
pub(super) const AVAILABILITY: &[Setting] = &[
    Setting::number("available_from_s", [0.0, 1e9], 0.0)
        .means("When the worker becomes available."),
    Setting::optional("slowdown", Kind::Table(&SLOWDOWN), "none")
        .means("A lasting change of speed that schedulers do not know."),
    Setting::optional("failures", Kind::List(&Kind::Table(&FAILURE)), "none")
        .means("When the worker fails: in order, each after the worker is back."),
];

/// An item of `workers`.
pub(super) const WORKER: Group = Group::named("worker").of(&[
    &[
        Setting::required("class", Kind::Text)
            .means("The class of the worker, as `worker_class` in latency.csv of profiles."),
        Setting::optional("power_mode", Kind::Text, "the class has no power modes")
            .means("The power mode of the worker, as `power_mode` in latency.csv of profiles."),
        Setting::optional("name", Kind::Text, "the class").means("The name in logs and tables."),
        Setting::integer("count", [1, 1024], 1).means("The number of equal workers."),
        LANES,
        MEMORY_BYTES,
        SPEEDUP,
        Setting::optional("variants", TEXTS, "all").means("The variants that it can run."),
        NETWORK,
        Setting::optional("power_w", AMOUNTS, "`busy_w` of device.csv; else energy is not counted")
            .means("The power while all lanes compute, or a variant is loaded."),
        Setting::optional("idle_w", AMOUNTS, "`idle_w` of device.csv; else energy is not counted")
            .means("The power while idle."),
        Setting::optional("usd_per_request", AMOUNTS, "no price").means("The price of a request."),
        Setting::optional(
            "resident",
            Kind::OneOf(&[Kind::Choice(&[ALL_THAT_FIT]), TEXTS]),
            "none, or with `load_times = \"warm\"` what fits, in the order of listing",
        )
        .means("The variants in memory at the start, as \"application/variant\"."),
    ],
    AVAILABILITY,
]);

/// `link` of a worker.
const LINK: Group = Group::named("link").of(&[&[
    Setting::number("rtt_ms", [0.0, 3_600_000.0], 0.0).means(
        "The round-trip time; half of it passes on the way to the worker, half on the way back.",
    ),
    Setting::optional("uplink_mbps", Kind::OneOf(&[MBPS, Kind::Text]), "sending takes no time")
        .means(
            "The rate of the uplink, which sends one payload after the other: a number, or the \
             file of a table `time_s,mbps`.",
        ),
    Setting::optional("power_w", AMOUNTS, "energy is not counted")
        .means("The power while the uplink sends."),
]]);

/// Reads `[{ class, count, memory_bytes, … }]`.
pub(super) fn read(
    read: &mut Decoder<'_>,
    apps: &[AppSpec],
    inputs: &mut InputCache,
) -> Vec<WorkerSpec> {
    let Some(list) = read.require("workers", "a list: [{ class, count, memory_bytes }]") else {
        return Vec::new();
    };
    let mut workers: Vec<WorkerSpec> = Vec::new();
    for item in items(list, "no worker", "at least one", read.problems()) {
        workers.push(read_worker(item, apps, inputs, read.problems()));
    }
    let sum = |of: fn(&WorkerSpec) -> u64| {
        workers.iter().map(|worker| u64::from(worker.count) * of(worker)).sum::<u64>()
    };
    let failures = sum(|worker| worker.outages.len() as u64);
    for (count, what, most) in
        [(sum(|_| 1), "workers", MAX_WORKERS), (failures, "failures of all workers", MAX_FAILURES)]
    {
        if count > most {
            let (found, expected) = (format!("{count} {what}"), format!("at most {most} in all"));
            read.problems().push(Problem::new(list.place.clone(), found, expected));
        }
    }
    workers
}

fn read_worker(
    item: &ConfigNode,
    apps: &[AppSpec],
    inputs: &mut InputCache,
    problems: &mut Problems,
) -> WorkerSpec {
    let mut read = Decoder::new(item, &WORKER, problems);
    let class = read.require("class", "a class of workers, as in latency.csv");
    let class = class.and_then(|node| decode::text(node, read.problems())).unwrap_or_default();
    let name = read.take("name");
    let name = name.map_or(class.to_owned(), |node| read_name(node, read.problems()));
    let power_mode = read.take("power_mode");
    let power_mode = power_mode.and_then(|node| decode::text(node, read.problems()));
    let power_mode = power_mode.unwrap_or_default().to_owned();
    let variants = read.take("variants");
    let variants = variants.map(|node| read_variants(node, apps, read.problems()));
    let resident = read.take("resident");
    let resident = resident.map(|node| read_resident(node, apps, read.problems()));
    let capacity = read_capacity(&mut read, WorkerSpec::new(class), inputs);
    let worker = WorkerSpec {
        name,
        power_mode,
        variants: variants.unwrap_or_default(),
        count: read.integer("count") as u16,
        power_w: read.optional_number("power_w"),
        idle_w: read.optional_number("idle_w"),
        usd_per_request: read.optional_number("usd_per_request"),
        resident: resident.unwrap_or_default(),
        place: item.get("class").unwrap_or(item).place.clone(),
        ..capacity
    };
    read.finish();
    worker
}

/// Lanes, memory, speed, link and availability, as far as the table has them; the rest is that of
/// `worker`.
pub(super) fn read_capacity(
    read: &mut Decoder<'_>,
    worker: WorkerSpec,
    inputs: &mut InputCache,
) -> WorkerSpec {
    let has = ["link", "memory_bytes"].map(|key| read.describes(key));
    let link = if has[0] { read.take("link") } else { None };
    let link = link.map(|node| read_link(node, inputs, read.problems()));
    WorkerSpec {
        speed: read.number("speedup"),
        link,
        memory_bytes: if has[1] { read.integer("memory_bytes") } else { worker.memory_bytes },
        lanes: read.integer("lanes") as u16,
        ready: Time::ZERO + Span::from_s(read.number("available_from_s")),
        slowdown: faults::read_slowdown(read),
        outages: faults::read_outages(read),
        ..worker
    }
}

/// The name of workers in logs and tables.
fn read_name(node: &ConfigNode, problems: &mut Problems) -> String {
    let text = decode::text(node, problems).unwrap_or_default();
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == ',' || c == '"';
    if text.is_empty() || text.contains(odd) {
        problems.push(decode::mismatch(node, "a name without blanks, commas and quotes"));
    }
    text.to_owned()
}

/// The variants that a worker can run, each of some application.
fn read_variants(node: &ConfigNode, apps: &[AppSpec], problems: &mut Problems) -> Vec<String> {
    let known: Vec<String> = apps.iter().flat_map(|app| app.profile.variant_names()).collect();
    let items = items(node, "no variant", "at least one", problems).iter();
    let variants: Vec<String> =
        items.filter_map(|item| decode::text(item, problems).map(str::to_owned)).collect();
    // If no profile could be read, the names are not known.
    let unknown = variants.iter().find(|name| !known.is_empty() && !known.contains(name));
    if let Some(name) = unknown {
        index_of(name, &known, "variant", &node.place, problems);
    }
    variants
}

/// `"all-that-fit"`, or a list of `"application/variant"`.
fn read_resident(node: &ConfigNode, apps: &[AppSpec], problems: &mut Problems) -> Resident {
    if let Value::Text(text) = &node.value {
        index_of(text, &[ALL_THAT_FIT.to_owned()], "value", &node.place, problems);
        return Resident::AllThatFit;
    }
    let mut known = Vec::new();
    for app in apps {
        let name = |variant| format!("{}/{variant}", app.profile.name);
        known.extend(app.profile.variant_names().into_iter().map(name));
    }
    let mut list = Vec::new();
    for item in decode::array(node, problems) {
        let Some(text) = decode::text(item, problems) else { continue };
        // If no profile could be read, the names are not known.
        if !known.is_empty() {
            index_of(text, &known, "application/variant", &item.place, problems);
        }
        if let Some((app, variant)) = text.split_once('/') {
            let (app, variant) = (app.to_owned(), variant.to_owned());
            list.push(ResidentVariant { app, variant, place: item.place.clone() });
        }
    }
    Resident::Listed(list)
}

/// `{ rtt_ms, uplink_mbps, power_w }`: the rate is a number or the file of a table.
fn read_link(node: &ConfigNode, inputs: &mut InputCache, problems: &mut Problems) -> Link {
    let mut read = Decoder::new(node, &LINK, problems);
    let uplink = read.take("uplink_mbps").map(|node| read_uplink(node, inputs, read.problems()));
    let link = Link {
        rtt: Span::from_ms(read.number("rtt_ms")),
        uplink: uplink.unwrap_or(Uplink::Endless),
        power_w: read.optional_number("power_w"),
    };
    read.finish();
    link
}

fn read_uplink(node: &ConfigNode, inputs: &mut InputCache, problems: &mut Problems) -> Uplink {
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
