//! Which tables there are, and where their numbers are kept.

use super::{Column, Label, Row, Table};

const QUICKSTART_PAGE: &str = "docs/src/quickstart.md";
const EDGE_CLOUD_PAGE: &str = "docs/src/edge-cloud.md";
const QUICKSTART: &str = "results/quickstart/summary.csv";
const KNEES: &str = "results/knees/summary.csv";
const EDGE_CLOUD: &str = "results/edge-cloud/summary.csv";
const EDGE_ALONE: &str = "results/edge-alone/summary.csv";
const EDGE_5G: &str = "results/edge-cloud-5g/summary.csv";
const AXES: &str = "results/edge-cloud-axes/summary.csv";
const SUSTAINED: &str = "results/sustained/capacity_summary.csv";
const SHIFT: &str = "results/activity-shift/summary.csv";
const ARENA_PAGE: &str = "docs/src/arena.md";
const ARENA: &str = "results/arena/arena-edge/summary.csv";
const THRASH: &str = "results/load-thrash/summary.csv";

const FIDELITY_PAGE: &str = "docs/src/fidelity.md";
const EDGE_MEDIANS: &str = "results/edge/medians.csv";
const EDGE_MODELS: &str = "results/edge/models.csv";
const EDGE_CONSTANTS: &str = "results/edge/constants.csv";
const EDGE_DEVICES: &str = "results/edge-devices/summary.csv";
const ERROR: &str = "{error_median percent}";
const PER_JOULE: &str = "{correct_on_time_per_joule 0.1}";
const ORIN: &[Label] = &[("workers.0", "Orin Nano 15 W")];

/// Errors at a load of cells with an isolated latency, or without.
const fn edge(name: &'static str, load: &'static str, basis: &'static [Label]) -> Row {
    Row { name, file: EDGE_MEDIANS, label: ("load", load), also: basis }
}

const ISOLATED: &[Label] = &[("basis", "isolated")];
const RUNS_ALONE: &[Label] = &[("basis", "loads")];

/// Errors of a metric.
const fn metric(heading: &'static str, metric: &'static str, cell: &'static str) -> Column {
    Column { heading, file: "", label: ("metric", metric), cell }
}

/// Errors of a model.
const fn model(name: &'static str, model: &'static str) -> Row {
    Row { name, file: EDGE_MODELS, label: ("model", model), also: &[("metric", "mean_ms")] }
}

/// Errors with constants.
const fn constants(name: &'static str, chosen_for: Label, also: &'static [Label]) -> Row {
    Row { name, file: EDGE_CONSTANTS, label: chosen_for, also }
}

/// What a cell says at a load of devices.
const fn sustained(heading: &'static str, load: &'static str) -> Column {
    Column { heading, file: "", label: ("load", load), cell: ERROR }
}

/// Right answers per joule at a load.
const fn joule(heading: &'static str, load: &'static str) -> Column {
    Column { heading, file: "", label: ("workload.load", load), cell: PER_JOULE }
}

/// A scheduler on the Orin Nano.
const fn orin(name: &'static str, scheduler: &'static str) -> Row {
    Row { name, file: EDGE_DEVICES, label: ("scheduler", scheduler), also: ORIN }
}

const OFFLOADING_PAGE: &str = "docs/src/offloading.md";
const USERS: &str = "results/offloading-users/summary.csv";
const WITH_SECONDS: &str = "{reward_mean ±} ({latency_s_mean 0.1} s; {over_budget_ratio .2})";

const UTILITY: &str = "{utility_mean ±}";
const MISSED: &str = "{deadline_miss_ratio .2}";
const WITH_MISSED: &str = "{utility_mean ±} ({deadline_miss_ratio .2})";
const WITH_CLOUD: &str = "{utility_mean ±} ({deadline_miss_ratio .2}; {offloaded_ratio .2})";
const RIGHT_IN_TIME: &str = "{effective_accuracy ±}";
const OFFLOADED: &str = "{utility_mean ±} ({offloaded_ratio .2})";

/// Numbers of a scheduler.
const fn row(name: &'static str, file: &'static str, scheduler: &'static str) -> Row {
    Row { name, file, label: ("scheduler", scheduler), also: &[] }
}

/// Numbers at a setting.
const fn at(name: &'static str, file: &'static str, label: (&'static str, &'static str)) -> Row {
    Row { name, file, label, also: &[] }
}

/// What a cell says at a load.
const fn rate(heading: &'static str, rate: &'static str, cell: &'static str) -> Column {
    Column { heading, file: "", label: ("workload.rate_rps", rate), cell }
}

/// What a cell says at a load as a share of what workers can do.
const fn load(heading: &'static str, load: &'static str) -> Column {
    Column { heading, file: "", label: ("workload.load", load), cell: RIGHT_IN_TIME }
}

/// What a cell says, whatever else is kept of the row.
const fn all(heading: &'static str, file: &'static str, cell: &'static str) -> Column {
    Column { heading, file, label: ("", ""), cell }
}

/// What a cell says of a scheduler.
const fn scheduler(heading: &'static str, scheduler: &'static str, cell: &'static str) -> Column {
    Column { heading, file: "", label: ("scheduler", scheduler), cell }
}

/// A tuned row of the arena.
const fn tuned(label: &'static str) -> Row {
    row(label, ARENA, label)
}

/// The loads of the arena.
const LOADS: &[Column] = &[
    load("load .05", "0.05"),
    load(".1", "0.1"),
    load(".2", "0.2"),
    load(".4", "0.4"),
    load(".6", "0.6"),
    load(".95", "0.95"),
    load("1.4", "1.4"),
];

/// A policy of the experiment about many users.
const fn policy(name: &'static str, policy: &'static str, known: &'static [Label]) -> Row {
    Row { name, file: USERS, label: ("policy", policy), also: known }
}

/// What a cell says at a number of users.
const fn users(heading: &'static str, count: &'static str) -> Column {
    Column { heading, file: "", label: ("users.count", count), cell: WITH_SECONDS }
}

const KNOWN: &[Label] = &[("users.queue_info", "true")];
const HIDDEN: &[Label] = &[("users.queue_info", "false")];

pub(super) const TABLES: &[Table] = &[
    Table {
        document: FIDELITY_PAGE,
        name: "edge-errors",
        head: "Load, and what is known",
        columns: &[
            metric("mean", "mean_ms", ERROR),
            metric("repeats", "mean_ms", "{repeats_median percent}"),
            metric("p50", "p50_ms", ERROR),
            metric("p95", "p95_ms", ERROR),
            metric("p99", "p99_ms", ERROR),
            metric("watts", "watts", ERROR),
        ],
        rows: &[
            edge("25 %, isolated latency (fitted)", "0.25", ISOLATED),
            edge("50 %, isolated latency", "0.5", ISOLATED),
            edge("75 %, isolated latency", "0.75", ISOLATED),
            edge("100 %, isolated latency", "1", ISOLATED),
            edge("25 %, runs alone (fitted)", "0.25", RUNS_ALONE),
            edge("50 %, runs alone (fitted)", "0.5", RUNS_ALONE),
            edge("75 %, runs alone", "0.75", RUNS_ALONE),
            edge("100 %, runs alone", "1", RUNS_ALONE),
        ],
    },
    Table {
        document: FIDELITY_PAGE,
        name: "edge-models",
        head: "Model",
        columns: &[
            sustained("25 % (fitted)", "0.25"),
            sustained("50 %", "0.5"),
            sustained("75 %", "0.75"),
            sustained("100 %", "1"),
        ],
        rows: &[
            model("`service`", "service"),
            model("`delay`", "delay"),
            model("`blocking`", "blocking"),
            model("`reaction`", "reaction"),
            model("`host`", "host"),
            model("`occupied`", "occupied"),
        ],
    },
    Table {
        document: FIDELITY_PAGE,
        name: "edge-constants",
        head: "Constants",
        columns: &[sustained("50 %", "0.5"), sustained("75 %", "0.75"), sustained("100 %", "1")],
        rows: &[
            constants("chosen on the other devices", ("chosen_for", "each-by-others"), &[]),
            constants(
                "0.12 and 2.5",
                ("chosen_for", ""),
                &[("blocking_share", "0.12"), ("idle_slowdown", "2.5")],
            ),
        ],
    },
    Table {
        document: FIDELITY_PAGE,
        name: "edge-devices",
        head: "Scheduler",
        columns: &[
            joule("0.1", "0.1"),
            joule("0.2", "0.2"),
            joule("0.4", "0.4"),
            joule("0.6", "0.6"),
            joule("0.8", "0.8"),
            joule("1.0", "1"),
            joule("1.2", "1.2"),
        ],
        rows: &[
            orin("`edf` mobilenet-v2-050", "edf mobilenet-v2-050"),
            orin("`edf` mobilenet-v2-100", "edf mobilenet-v2-100"),
            orin("`edf` efficientnet-b4", "edf most accurate"),
            orin("`lo-edf`", "lo-edf"),
            orin("`grouped`", "grouped"),
            orin("`shadow-price`", "shadow-price"),
            orin("`edgeserving-like`", "edgeserving-like"),
            orin("`slackfit-like`", "slackfit-like"),
            orin("`jellyfish-like`", "jellyfish-like"),
            orin("`model-switching-like`", "model-switching-like"),
            orin("`proteus-like`", "proteus-like"),
        ],
    },
    Table {
        document: OFFLOADING_PAGE,
        name: "offloading-users",
        head: "policy",
        columns: &[
            users("1 user", "1"),
            users("10 users", "10"),
            users("50 users", "50"),
            users("200 users", "200"),
        ],
        rows: &[
            policy("`local`", "local", KNOWN),
            policy("`greedy-knn-guarded`", "greedy-knn-guarded", KNOWN),
            policy("the same, waits hidden", "greedy-knn-guarded", HIDDEN),
            policy("`tmo-rl-plus`", "tmo-rl-plus", KNOWN),
            policy("the same, waits hidden", "tmo-rl-plus", HIDDEN),
        ],
    },
    Table {
        document: QUICKSTART_PAGE,
        name: "quickstart",
        head: "scheduler",
        columns: &[
            rate("10/s", "10", UTILITY),
            rate("100/s", "100", UTILITY),
            rate("1,000/s", "1000", UTILITY),
            rate("10,000/s", "10000", UTILITY),
            rate("missed at 10,000/s", "10000", MISSED),
            all("knee (95 % of utility)", KNEES, "{utility_mean knee}"),
            all("knee (5 % missed)", KNEES, "{deadline_miss_ratio knee}"),
        ],
        rows: &[
            row(
                "`maxacc-edf`, no batching (accuracy-profiled)",
                QUICKSTART,
                "maxacc-edf, no batching",
            ),
            row("`maxacc-edf`, batched", QUICKSTART, "maxacc-edf, batched"),
            row("`lo-edf`, no batching", QUICKSTART, "lo-edf, no batching"),
            row("`lo-edf`, merged", QUICKSTART, "lo-edf, merged"),
            row("`lo-edf`, batched", QUICKSTART, "lo-edf, batched"),
            row("`lo-priority`, no batching", QUICKSTART, "lo-priority, no batching"),
            row("`edf`, one forest for all, no batching", QUICKSTART, "edf rf20, no batching"),
            row("`edf`, one forest for all, batched", QUICKSTART, "edf rf20, batched"),
            row("`edf`, variants picked by hand, batched", QUICKSTART, "edf picked, batched"),
            row("`tmo-rl`, a network trained here", QUICKSTART, "tmo-rl"),
            row("`grouped`", QUICKSTART, "grouped"),
            row("`grouped`, exact search", QUICKSTART, "grouped exact"),
            row("`grouped` with the posterior", QUICKSTART, "grouped posterior"),
            row("`sneakpeek`", QUICKSTART, "sneakpeek"),
            row("`sneakpeek`, merged", QUICKSTART, "sneakpeek, merged"),
            row("the same with oracle labels", QUICKSTART, "oracle labels, merged"),
        ],
    },
    Table {
        document: QUICKSTART_PAGE,
        name: "activity-shift",
        head: "`activity-shift`",
        columns: &[
            rate("10/s", "10", WITH_MISSED),
            rate("30/s", "30", WITH_MISSED),
            rate("100/s", "100", WITH_MISSED),
            rate("300/s", "300", WITH_MISSED),
        ],
        rows: &[
            row("`grouped`", SHIFT, "grouped"),
            row("`grouped` with the posterior", SHIFT, "grouped posterior"),
            row("`sneakpeek`", SHIFT, "sneakpeek"),
            row("the same with oracle labels", SHIFT, "oracle labels"),
        ],
    },
    Table {
        document: QUICKSTART_PAGE,
        name: "load-thrash",
        head: "`load-thrash`",
        columns: &[
            rate("10/s", "10", WITH_MISSED),
            rate("100/s", "100", WITH_MISSED),
            rate("1,000/s", "1000", WITH_MISSED),
            rate("3,000/s", "3000", WITH_MISSED),
        ],
        rows: &[
            row("`grouped`", THRASH, "grouped"),
            row("`grouped` with the posterior", THRASH, "grouped posterior"),
            row("`sneakpeek`", THRASH, "sneakpeek"),
            row("`sneakpeek`, merged", THRASH, "sneakpeek, merged"),
            row("the same with oracle labels", THRASH, "oracle labels, merged"),
        ],
    },
    Table {
        document: EDGE_CLOUD_PAGE,
        name: "edge-cloud",
        head: "scheduler",
        columns: &[
            rate("100/s", "100", WITH_CLOUD),
            rate("1,000/s", "1000", WITH_CLOUD),
            rate("10,000/s", "10000", WITH_CLOUD),
        ],
        rows: &[
            row("`grouped`", EDGE_CLOUD, "grouped"),
            row("`grouped` without the cloud", EDGE_ALONE, "grouped"),
            row("`grouped`, uplink as variable as 5G", EDGE_5G, "grouped"),
            row("`sneakpeek`", EDGE_CLOUD, "sneakpeek"),
            row("`sneakpeek` without the cloud", EDGE_ALONE, "sneakpeek"),
            row("the same with oracle labels", EDGE_CLOUD, "oracle labels"),
            row("`lo-edf`, no batching", EDGE_CLOUD, "lo-edf, no batching"),
            row("`lo-edf`, batched", EDGE_CLOUD, "lo-edf, batched"),
            row("`lo-edf`, batched, without the cloud", EDGE_ALONE, "lo-edf, batched"),
            row("`maxacc-edf`, batched", EDGE_CLOUD, "maxacc-edf, batched"),
            row("`edf`, fastest variants, batched", EDGE_CLOUD, "edf fastest, batched"),
            row("`tmo-rl`, chosen on the other people", EDGE_CLOUD, "tmo-rl"),
        ],
    },
    Table {
        document: EDGE_CLOUD_PAGE,
        name: "edge-cloud-axes",
        head: "",
        columns: &[
            scheduler("`sneakpeek`", "sneakpeek", OFFLOADED),
            scheduler("`grouped`", "grouped", OFFLOADED),
            scheduler("`lo-edf`, batched", "lo-edf, batched", OFFLOADED),
        ],
        rows: &[
            Row {
                name: "20 Mbit/s, 40 ms, 8 times, 16 kB",
                file: AXES,
                label: ("workers.cloud.link.uplink_mbps", "20"),
                also: &[
                    ("workers.cloud.link.rtt_ms", "40"),
                    ("workers.cloud.speedup", "8"),
                    ("workers.cloud.usd_per_request", "0.000001"),
                    ("payload_bytes.voice", "16000"),
                ],
            },
            at("50 Mbit/s", AXES, ("workers.cloud.link.uplink_mbps", "50")),
            at("as variable as 5G", AXES, ("workers.cloud.link.uplink_mbps", DRAWN_5G)),
            at("5 Mbit/s", AXES, ("workers.cloud.link.uplink_mbps", "5")),
            at("1 Mbit/s", AXES, ("workers.cloud.link.uplink_mbps", "1")),
            at("round trip 0 ms", AXES, ("workers.cloud.link.rtt_ms", "0")),
            at("80 ms", AXES, ("workers.cloud.link.rtt_ms", "80")),
            at("120 ms", AXES, ("workers.cloud.link.rtt_ms", "120")),
            at("as fast as the edge", AXES, ("workers.cloud.speedup", "1")),
            at("payload of voice 64 kB", AXES, ("payload_bytes.voice", "64000")),
            at("ten times the price", AXES, ("workers.cloud.usd_per_request", "0.00001")),
        ],
    },
    Table {
        document: QUICKSTART_PAGE,
        name: "sustained",
        head: "scheduler",
        columns: &[
            all("requests/s", "", "{highest_passing_mean rate ±}"),
            all("searches that found an edge", "", "{found .2}"),
        ],
        rows: &[
            row("`edf`, variants picked by hand, batched", SUSTAINED, "edf picked, batched"),
            row("`edf`, one forest for all, batched", SUSTAINED, "edf rf20, batched"),
            row("`edf`, one forest for all, no batching", SUSTAINED, "edf rf20, no batching"),
            row("`maxacc-edf`, batched", SUSTAINED, "maxacc-edf, batched"),
            row("`lo-edf`, merged", SUSTAINED, "lo-edf, merged"),
            row("`lo-edf`, batched", SUSTAINED, "lo-edf, batched"),
            row("`grouped`", SUSTAINED, "grouped"),
            row("`sneakpeek`", SUSTAINED, "sneakpeek"),
            row("`sneakpeek`, merged", SUSTAINED, "sneakpeek, merged"),
        ],
    },
    Table {
        document: ARENA_PAGE,
        name: "arena",
        head: "row",
        columns: LOADS,
        rows: &[
            row("edf picked", ARENA, "edf picked"),
            row("edf picked, late dropped", ARENA, "edf picked, late dropped"),
            row("batch-timeout picked", ARENA, "batch-timeout picked"),
            row("longest-queue picked", ARENA, "longest-queue picked"),
            row("round-robin picked", ARENA, "round-robin picked"),
            row("edgeserving-like", ARENA, "edgeserving-like"),
            row("edgeserving-like, limit 32", ARENA, "edgeserving-like, limit 32"),
            row("symphony picked", ARENA, "symphony picked"),
            row("symphony fastest", ARENA, "symphony fastest"),
            row("shepherd-like picked", ARENA, "shepherd-like picked"),
            row("nexus-like picked", ARENA, "nexus-like picked"),
            row("clockwork-like picked, limit 32", ARENA, "clockwork-like picked, limit 32"),
            row("octopinf-like picked, every .02 s", ARENA, "octopinf-like picked, every .02 s"),
            row("he-like picked", ARENA, "he-like picked"),
            row("model-switching-like, waiting", ARENA, "model-switching-like, waiting"),
            row("infaas-like, any accuracy", ARENA, "infaas-like, any accuracy"),
            row("proteus-like, every .02 s", ARENA, "proteus-like, every .02 s"),
            row("jellyfish-like, every .02 s", ARENA, "jellyfish-like, every .02 s"),
            row("alpaserve-like picked, every .02 s", ARENA, "alpaserve-like picked, every .02 s"),
            row("routebalance-like", ARENA, "routebalance-like"),
            row("slackfit-like, real loads", ARENA, "slackfit-like, real loads"),
            row("clipper-like picked, paper", ARENA, "clipper-like picked, paper"),
            row("das-like", ARENA, "das-like"),
            row("sneakpeek, window 0", ARENA, "sneakpeek, window 0"),
            row("grouped", ARENA, "grouped"),
            row("lo-edf", ARENA, "lo-edf"),
            row("peek-plus", ARENA, "peek-plus"),
            row("shadow-price", ARENA, "shadow-price"),
        ],
    },
    Table {
        document: ARENA_PAGE,
        name: "arena-tuned",
        head: "row",
        columns: LOADS,
        rows: &[
            tuned("edgeserving-like, tuned"),
            tuned("symphony picked, tuned"),
            tuned("shepherd-like picked, tuned"),
            tuned("nexus-like picked, tuned"),
            tuned("clockwork-like picked, tuned"),
            tuned("octopinf-like picked, every .02 s, tuned"),
            tuned("he-like picked, tuned"),
            tuned("model-switching-like, tuned"),
            tuned("infaas-like, median accuracy, tuned"),
            tuned("proteus-like, every .02 s, tuned"),
            tuned("jellyfish-like, every .02 s, tuned"),
            tuned("alpaserve-like picked, every .02 s, tuned"),
            tuned("routebalance-like, tuned"),
            tuned("slackfit-like, tuned"),
            tuned("clipper-like picked, tuned"),
            tuned("das-like, tuned"),
            tuned("sneakpeek, tuned"),
            tuned("grouped, tuned"),
            tuned("lo-edf, tuned"),
            tuned("peek-plus, tuned"),
            tuned("shadow-price, tuned"),
        ],
    },
];

const DRAWN_5G: &str = "experiments/links/drawn-5g.csv";
