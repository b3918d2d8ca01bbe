//! The settings of `workload`.

use crate::config::settings::{Preset, Registry, TEXTS, names};
use crate::config::{Group, Kind, Setting};
use crate::workload::{ARRIVALS, ArrivalEntry, PROCESSES, SourceSplit};

/// Request numbers have 32 bits.
pub(super) const MAX_REQUESTS: u64 = 4_000_000_000;
/// Whether every application has a process of its own.
pub(super) const PER: [(&str, bool); 2] = [("total", false), ("app", true)];
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
pub(super) const WORKLOAD: Group = Group::new(
    "workload",
    &[&[
        Setting::new(
            "arrivals",
            Kind::OneOf(&[PROCESS, Kind::ByName("application", &PROCESS)]),
            Preset::Text("poisson"),
        )
        .means(
            "The arrival process: its name, with its settings next to it in this table; a table \
             with `name` and settings; or a table with one of these for every application.",
        ),
        Setting::choice("per", &names(&PER)).means(
            "Whether one process makes the arrivals of all applications, or each application has \
             its own.",
        ),
        Setting::optional(
            "rate_rps",
            Kind::Number(1e-9, 1e9),
            "as recorded, or as the settings of the process say",
        )
        .means("The mean rate over all applications."),
        Setting::optional("load", Kind::Number(1e-6, 1e6), "`rate_rps` counts").means(
            "The rate as a multiple of the most that all workers could serve, instead of \
             `rate_rps`.",
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
        Setting::optional(
            "mix",
            Kind::OneOf(&[
                Kind::Table(&ZIPF),
                Kind::ByName("application", &Kind::Number(0.0, 1e9)),
            ]),
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
    ]],
);

/// `workload` with the settings of its process.
pub(super) const WORKLOADS: Registry = Registry {
    name: "workload",
    tag: "arrivals",
    common: &WORKLOAD,
    entries: || ARRIVALS.iter().map(ArrivalEntry::described).collect(),
    optional: true,
};

pub(super) const SOURCES: Group = Group::new(
    "source_split",
    &[&[Setting::required("drift", Kind::Number(0.0, 1.0))
        .means("The least total variation between the class mix of a source and the profile's.")]],
);

pub(super) const ZIPF: Group = Group::new(
    "mix",
    &[&[Setting::new("zipf", EXPONENT, Preset::Number(1.0))
        .means("The exponent of Zipf shares, in the order of `apps`.")]],
);

pub(super) const CLASS_DISTRIBUTION: Group = Group::new(
    "class_mix",
    &[&[
        Setting::new("zipf", EXPONENT, Preset::Number(1.0))
            .means("The exponent of Zipf weights, in the order of the classes."),
        Setting::optional("dirichlet", Kind::Number(0.001, 1e6), "`zipf` counts").means(
            "α of a Dirichlet distribution around the class frequencies of the profile, from which \
             each replicate draws its mix; the smaller, the fewer classes prevail.",
        ),
    ]],
);

const SECONDS: Kind = Kind::Number(0.0, 1e9);

pub(super) const DRIFT: Group = Group::new(
    "drift",
    &[&[
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
    ]],
);
