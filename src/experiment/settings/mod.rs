//! The settings of `[base]`: their descriptions, and the decoders of their values.

mod apps;
mod classifiers;
mod faults;
mod names;
pub(super) mod offloading;
pub(super) mod system;
mod users;
mod warmup;
mod workers;
pub(super) mod workload;

pub use classifiers::PEEKS;
pub(super) use names::items;
pub use offloading::OFFLOADING;
pub use users::{USERS, read as read_users};
pub use warmup::Warmup;

use crate::config::settings::{Preset, TEXTS, names};
use crate::config::{Group, Kind, Setting};
use crate::scheduler::SCHEDULERS;
use crate::system::catalog::OutcomeModel;
use crate::system::deadline_budget::{BUDGET, BUDGETS};
use crate::system::latency::LatencyFit;
use crate::system::penalty::SHAPES;
use faults::{BELIEF_ERROR, STALLS};
use std::ops::RangeInclusive;
use warmup::WARMUP;
use workers::WORKER;
use workload::WORKLOADS;

/// Whether loads come from storage, not from the page cache.
const LOAD_TIMES: [(&str, bool); 2] = [("warm", false), ("cold", true)];
/// Whether the fluid bound is computed.
const BOUNDS: [(&str, bool); 2] = [("none", false), ("fluid", true)];

/// Bytes that a request may have to send.
const PAYLOAD_BYTES: RangeInclusive<u64> = 0..=1_000_000_000;
const PAYLOAD: Kind = Kind::Integer(*PAYLOAD_BYTES.start(), *PAYLOAD_BYTES.end());
/// Milliseconds: a second for each of 32 bits of requests fits the clock.
const OVERHEAD_MS: [f64; 2] = [0.0, 1000.0];

/// The settings of a run.
pub const BASE: Group = Group::named("base").of(&[APPLICATIONS, SYSTEM, RUN]);

/// The applications, and where they are.
const APPS: Setting =
    Setting::required("apps", TEXTS).means("The applications: names of folders of `profiles`.");
const PROFILES: Setting =
    Setting::text("profiles", "profiles").means("The folder of the profiles.");
const TRACES: Setting =
    Setting::text("traces", "traces").means("The folder of the recorded requests.");

const APPLICATIONS: &[Setting] = &[
    APPS,
    PROFILES,
    TRACES,
    Setting::optional(
        "budget_ms",
        Kind::OneOf(&[
            BUDGET,
            Kind::List(&BUDGET),
            Kind::ByName("application", &Kind::OneOf(&BUDGETS)),
        ]),
        "as in the profile",
    )
    .means(
        "The deadline budget of a request: the time from its arrival to its deadline; a list has \
         one for each source of the application, from the first on again where there are more.",
    ),
    Setting::optional("variants", Kind::ByName("application", &TEXTS), "all")
        .means("The variants of an application that are used."),
    Setting::optional(
        "peek",
        Kind::OneOf(&[
            Kind::Registry(&PEEKS),
            Kind::ByName("application", &Kind::Registry(&PEEKS)),
        ]),
        "the recorded votes, if there are any",
    )
    .means("The SneakPeek model, which classifies requests before they are scheduled."),
    Setting::new(
        "payload_bytes",
        Kind::OneOf(&[PAYLOAD, Kind::ByName("application", &PAYLOAD)]),
        Preset::Integer(0),
    )
    .means("What a request sends over the link of a worker."),
];

const SYSTEM: &[Setting] = &[
    Setting::required("workers", Kind::List(&Kind::Table(&WORKER))).means("The workers."),
    Setting::new("penalty", Kind::Registry(&SHAPES), Preset::Text("sigmoid"))
        .means("What lateness costs."),
    Setting::choice("outcome", &names(&OutcomeModel::ALL)).means(
        "Whether an answer is right: as recorded, drawn by the recall of the profile, or drawn by \
         the recall on the recorded stream.",
    ),
    Setting::choice("load_times", &names(&LOAD_TIMES)).means(
        "Which column of load.csv counts: variants are read from the page cache, or from storage.",
    ),
    Setting::choice("latency_fit", &names(&LatencyFit::ALL)).means(
        "What becomes of measured latencies that fall with the batch size: the nearest \
         non-decreasing ones, as measured, or the largest so far.",
    ),
    Setting::optional("batch_scaling", Kind::Number(0.0, 1.0), "as measured")
        .means("η of L(b) = L(1)·(1 + η·(b − 1)), instead of the measured latencies of batches."),
    Setting::number("noise_cv", [0.0, 10.0], 0.0)
        .means("The coefficient of variation of log-normal factors of service times."),
    Setting::optional("stalls", Kind::Table(&STALLS), "none")
        .means("Batches that take much longer than others, at random."),
    Setting::optional("belief_error", Kind::Table(&BELIEF_ERROR), "none")
        .means("By how much schedulers are wrong about the variants."),
    Setting::number("outcome_correlation", [0.0, 1.0], 0.0).means(
        "How much the drawn mistakes of variants on one request go together (Gaussian copula).",
    ),
    Setting::new(
        "overhead_ms",
        Kind::OneOf(&[Kind::Number(OVERHEAD_MS[0], OVERHEAD_MS[1]), Kind::Table(&OVERHEAD)]),
        Preset::Number(0.0),
    )
    .means("The time that a decision takes: its batches begin that much later."),
    Setting::flag("preemption", false)
        .means("Whether a scheduler may end a batch that runs: its work is lost."),
    Setting::flag("drop_late", false).means(
        "Whether a waiting request is rejected, whatever the scheduler, once no worker could \
         answer it in time even if it ran at once and alone.",
    ),
];

const RUN: &[Setting] = &[
    Setting::choice("bound", &names(&BOUNDS))
        .means("Whether `utility_bound_mean` is computed, which no scheduler can exceed."),
    Setting::required("workload", Kind::Registry(&WORKLOADS))
        .means("When requests arrive, and which."),
    Setting::required("scheduler", Kind::Registry(&SCHEDULERS))
        .means("The scheduler: its name, or a table with its name and settings."),
    WARMUP,
];

/// `overhead_ms` as a table.
const OVERHEAD: Group = Group::named("overhead_ms").of(&[&[
    Setting::number("constant", OVERHEAD_MS, 0.0).means("Milliseconds of every decision."),
    Setting::number("per_request", OVERHEAD_MS, 0.0)
        .means("Milliseconds for each request that the decision assigns."),
]]);
