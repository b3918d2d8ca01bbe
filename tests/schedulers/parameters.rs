//! Every parameter of every scheduler does something: in every mode a value of it changes some
//! decision in some drawn world, or it is refused, or it is listed here with the reason.

use crate::support::common::World;
use crate::support::common::draw::{self, Case, Limits};
use peeksim::config::{ConfigNode, Problems};
use peeksim::core::rng::Rng;
use peeksim::scheduler::{self, BuildContext, SchedulerEntry};
use peeksim::workload::Listed;
use std::collections::BTreeMap;
use std::sync::Arc;

const SEEDS: u64 = 80;

/// Values of every parameter, other than its default in at least one scheduler.
const VALUES: &[(&str, &[&str])] = &[
    ("accuracy", &["'profiled'", "'oracle-label'", "'oracle-outcome'"]),
    ("variant", &["'best'"]),
    ("max_batch", &["1", "2"]),
    ("batch", &["'deadline-aware'"]),
    ("drop_policy", &["'hopeless'", "'late'"]),
    ("tie_break", &["'listed'"]),
    ("window_ms", &["5", "17"]),
    ("window_requests", &["3", "8"]),
    ("window_max", &["1", "2"]),
    ("plan_when_busy", &["true"]),
    ("merge_adjacent", &["true"]),
    ("group_by", &["'app'", "'class'", "'by-variant'"]),
    ("split", &["true"]),
    ("search", &["'auto'", "'greedy'"]),
    ("order", &["'deadline'", "'priority'"]),
    ("group_order", &["'priority'"]),
    ("priority", &["'acc-slack'", "'util-deadline'", "'util-max'", "'util-rate'", "'util-range'"]),
    ("priority_accuracy", &["'scheduler'"]),
    ("mode", &["'dispatch'"]),
    ("class_mix_horizon", &["1", "5"]),
    ("recall_shrinkage", &["0", "10000"]),
    ("local_search", &["false"]),
    ("drain_budgets", &["0.01", "10"]),
    ("oversize_window", &["'beam'"]),
    ("policy", &["'no-such.policy'"]),
    ("timeout_ms", &["0", "20"]),
    ("score", &["'lyapunov'", "'longest'", "'longest-deepest'", "'longest-shallowest'"]),
    ("exit_batch", &["'actual'"]),
    ("drop", &["'timeout'"]),
    ("start", &["'target'", "'now'", "'latest'"]),
    ("jitter_ms", &["0", "3"]),
    ("rate_bin_ms", &["2", "10"]),
    ("buckets", &["1", "50"]),
    ("swap", &["'real'"]),
    ("rule", &["'max-acc'"]),
    ("reject_late", &["true"]),
    ("form", &["'paper'", "'released'"]),
    ("period_s", &["0.01", "0.1"]),
    ("plan_at_bursts", &["false"]),
    ("beta", &["0.3", "3"]),
    ("static_batch", &["2", "8"]),
    ("slots", &["false"]),
    ("objective", &["'completion'"]),
    ("max_window", &["1", "3"]),
    ("round_ms", &["0", "100"]),
    ("rounds", &["1", "100"]),
    ("clients", &["1", "3"]),
    ("threshold", &["0.1", "0.5"]),
    ("early_drop", &["'earliest'"]),
    ("unplaced", &["'reject'"]),
    ("margin", &["2"]),
    ("network_ms", &["0", "1000"]),
    ("ahead_ms", &["0", "50"]),
    ("max_exec_ms", &["0", "5"]),
    ("ignore_holders", &["true"]),
    ("accuracy_quantile", &["0", "1"]),
    ("unserved", &["'reject'"]),
    ("counts_waiting", &["true"]),
    ("lambda", &["1", "100"]),
    ("quality_weight", &["0", "3"]),
    ("cost_weight", &["0", "3"]),
    ("latency_weight", &["0", "3"]),
    ("balance_weight", &["0", "3"]),
    ("quality_norm", &["'min-max'"]),
];

/// The settings by which other parameters of a scheduler mean different things.
fn modes(entry: &SchedulerEntry) -> Vec<Vec<(&'static str, &'static str)>> {
    match entry.name {
        "maxacc-edf" | "minlat-edf" | "lo-edf" | "lo-priority" => {
            vec![vec![], vec![("merge_adjacent", "true")], vec![("mode", "'dispatch'")]]
        }
        "grouped" | "sneakpeek" => vec![
            vec![],
            vec![("order", "'priority'")],
            vec![("order", "'deadline'"), ("group_order", "'priority'")],
            vec![("order", "'deadline'")],
            vec![("group_by", "'by-variant'")],
            vec![("split", "true")],
            vec![("search", "'auto'"), ("order", "'priority'")],
            // Windows of few requests: otherwise millions of plans would be tried.
            vec![("search", "'exact'"), ("window_max", "4")],
        ],
        "exhaustive" => {
            vec![vec![("window_max", "4")], vec![("window_max", "4"), ("merge_adjacent", "true")]]
        }
        "optimal-window" => vec![vec![("window_max", "4")]],
        "peek-plus" => vec![vec![], vec![("class_mix_horizon", "1")]],
        "edgeserving-like" => vec![vec![], vec![("score", "'lyapunov'")]],
        "clipper-like" => vec![vec![], vec![("form", "'paper'")], vec![("form", "'released'")]],
        "symphony" => vec![vec![], vec![("drop", "'timeout'")]],
        "proteus-like" | "octopinf-like" | "jellyfish-like" | "alpaserve-like" => {
            vec![vec![], vec![("period_s", "0.05")]]
        }
        "he-like" => vec![vec![], vec![("objective", "'completion'")]],
        "nexus-like" => vec![vec![("period_s", "0.03")]],
        "model-switching-like" => vec![vec![], vec![("period_s", "0.03")]],
        _ => vec![vec![]],
    }
}

const SINGLE: &str =
    "the plan is of single requests, which keeps every limit: see `merge_adjacent = true`";

const WHOLE: &str = "a group runs as full batches already: no two neighbours fit into one";
const GREEDY: &str = "for the greedy search that takes over where plans are too many, as they are \
                      for `sneakpeek` with `search = auto`";
const DEADLINE: &str = "requests of one application have one variance of profiled accuracies: the \
                        default priority is their deadline order, unless deadlines are so far that \
                        exp(-d) is the same";

/// Parameters that are accepted and change nothing, in the modes whose settings contain these.
const INERT: &[(&str, &str, &str, &str)] = &[
    ("grouped", "", "order", DEADLINE),
    ("grouped", "split=true", "order", DEADLINE),
    ("grouped", "", "merge_adjacent", WHOLE),
    ("grouped", "order=priority", "merge_adjacent", WHOLE),
    ("grouped", "order=deadline group_order=priority", "merge_adjacent", WHOLE),
    ("grouped", "order=deadline", "merge_adjacent", WHOLE),
    ("grouped", "group_by=by-variant", "merge_adjacent", WHOLE),
    ("grouped", "search=auto order=priority", "merge_adjacent", WHOLE),
    ("grouped", "search=exact window_max=4", "merge_adjacent", WHOLE),
    ("sneakpeek", "group_by=by-variant", "merge_adjacent", WHOLE),
    ("grouped", "search=auto order=priority", "split", GREEDY),
    ("grouped", "search=auto order=priority", "group_order", GREEDY),
    ("grouped", "search=exact window_max=4", "split", GREEDY),
    ("grouped", "search=exact window_max=4", "group_order", GREEDY),
    ("sneakpeek", "search=exact window_max=4", "split", GREEDY),
    ("sneakpeek", "search=exact window_max=4", "group_order", GREEDY),
    (
        "peek-plus",
        "",
        "recall_shrinkage",
        "the mix hardly moves in a short run: see `class_mix_horizon = 1`",
    ),
    ("maxacc-edf", "", "max_batch", SINGLE),
    ("minlat-edf", "", "max_batch", SINGLE),
    ("lo-edf", "", "max_batch", SINGLE),
    ("lo-priority", "", "max_batch", SINGLE),
    ("exhaustive", "window_max=4", "max_batch", SINGLE),
    ("optimal-window", "window_max=4", "oversize_window", "windows of four are always proved"),
    ("symphony", "", "rate_bin_ms", "the target is the largest batch: budgets are generous here"),
    ("proteus-like", "", "plan_at_bursts", LONG_PERIOD),
    ("proteus-like", "", "beta", LONG_PERIOD),
    ("octopinf-like", "", "plan_at_bursts", NO_RATES),
    ("octopinf-like", "period_s=0.05", "plan_at_bursts", NO_RATES),
    ("jellyfish-like", "", "plan_at_bursts", LONG_PERIOD),
    ("jellyfish-like", "", "clients", LONG_PERIOD),
    ("jellyfish-like", "", "threshold", LONG_PERIOD),
    ("alpaserve-like", "", "plan_at_bursts", LONG_PERIOD),
    ("alpaserve-like", "period_s=0.05", "plan_at_bursts", FULL_MEMORY),
    ("symphony", "drop=timeout", "rate_bin_ms", "the target is one request"),
    ("model-switching-like", "", "counts_waiting", "no second choice is made in a short run"),
    (
        "nexus-like",
        "period_s=0.03",
        "plan_at_bursts",
        "ten requests more per thirtieth of a period do not arrive in a short run",
    ),
];

const LONG_PERIOD: &str = "no bin of the published period is ever over: see a shorter one";

const NO_RATES: &str = "batches hardly depend on rates, which place applications behind a link";

const FULL_MEMORY: &str = "memories are filled, with much the same whatever was asked last";

type Settings = BTreeMap<&'static str, &'static str>;

fn text(entry: &SchedulerEntry, settings: &Settings) -> String {
    let set = settings.iter().map(|(key, value)| format!(", {key} = {value}"));
    format!("{{ name = '{}'{} }}", entry.name, set.collect::<String>())
}

/// Everything the scheduler decided, or nothing if the experiment would be refused.
fn decisions(world: &World, scheduler: &str) -> Option<String> {
    let catalog = world.catalog();
    let mut problems = Problems::default();
    let context = BuildContext { catalog: &catalog, rng: Rng::new(world.seed, 0) };
    let chosen = scheduler::read(&ConfigNode::parse_override(scheduler), &context, &mut problems);
    let mut chosen = problems.check(chosen).ok()?;
    let arrivals = Box::new(Listed::new(world.arrivals.clone()));
    let told = (chosen.info, chosen.entry.name);
    let (log, result) = world.observe(told, chosen.scheduler.as_mut(), arrivals);
    let asked = log.asked.iter().filter(|ask| !ask.decisions.is_empty());
    let asked: String = asked.map(|ask| format!("{} {:?}\n", ask.at, ask.decisions)).collect();
    Some(format!("{asked}{:?}", result.err()))
}

/// Makes all variants of an application equally accurate, so that there are ties.
fn alike(world: &mut World) {
    for app in &mut world.setup.apps {
        let variants = &mut Arc::make_mut(&mut app.profile).variants;
        let (recall, accuracy) = (variants[0].recall.clone(), variants[0].accuracy);
        for variant in variants {
            (variant.recall, variant.accuracy) = (recall.clone(), accuracy);
        }
    }
}

/// What became of a parameter in a mode.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Refused,
    Inert,
    Changes,
}

fn fate(
    entry: &SchedulerEntry,
    mode: &Settings,
    key: &'static str,
    values: &[&'static str],
) -> Fate {
    let mut fate = Fate::Refused;
    for seed in 0..SEEDS {
        let mut case = draw::for_entry(&Case::draw(seed, Limits::ALL), entry);
        if seed % 4 == 3 {
            alike(&mut case.world);
        }
        let plain = decisions(&case.world, &text(entry, mode)).expect("the mode is valid");
        for value in values {
            let mut settings = mode.clone();
            settings.insert(key, value);
            match decisions(&case.world, &text(entry, &settings)) {
                None => {}
                Some(other) if other != plain => return Fate::Changes,
                Some(_) => fate = Fate::Inert,
            }
        }
        if fate == Fate::Refused {
            return fate;
        }
    }
    fate
}

#[test]
fn every_parameter_changes_something_or_is_refused() {
    let (mut wrong, mut changes) = (Vec::new(), 0);
    let mut told: Vec<(&str, String, &str)> = Vec::new();
    for entry in draw::built_in() {
        for mode in modes(entry) {
            let name: Vec<String> = mode
                .iter()
                .map(|(key, value)| format!("{key}={}", value.trim_matches('\'')))
                .collect();
            let name = name.join(" ");
            // What a mode sets is tried in the modes that do not.
            let own: Vec<&str> = mode.iter().map(|(key, _)| *key).collect();
            let mut mode: Settings = mode.into_iter().collect();
            if entry.accuracy.is_some() {
                mode.insert("accuracy", "'posterior'");
            }
            for (key, values) in VALUES.iter().filter(|(key, _)| !own.contains(key)) {
                let listed = INERT
                    .iter()
                    .any(|inert| (inert.0, inert.1, inert.2) == (entry.name, name.as_str(), *key));
                let fate = fate(entry, &mode, key, values);
                changes += usize::from(fate == Fate::Changes);
                if (fate == Fate::Inert) != listed {
                    wrong
                        .push(format!("{} [{name}] {key}: {fate:?}, listed: {listed}", entry.name));
                }
                if listed {
                    told.push((entry.name, name.clone(), key));
                }
            }
        }
    }
    assert_eq!(told.len(), INERT.len(), "a line of the list fits no mode: {told:?}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(changes > 150, "{changes}");
}

/// The settings that are described.
fn named(entry: &SchedulerEntry) -> Vec<&'static str> {
    entry.described().settings.iter().map(|setting| setting.key).collect()
}

/// What the registry says of parameters is what is read, and this test knows all of it.
#[test]
fn parameters_that_are_named_are_read() {
    let world = Case::draw(0, Limits::ALL);
    for entry in draw::built_in() {
        let world = draw::for_entry(&world, entry).world;
        assert!(!named(entry).is_empty(), "{}", entry.name);
        for name in named(entry) {
            let known = VALUES.iter().find(|(key, _)| *key == name);
            let (key, values) = known.unwrap_or_else(|| panic!("{name} of {}", entry.name));
            let reads = |mode: Vec<(&'static str, &'static str)>| {
                let mut settings: Settings = mode.into_iter().collect();
                values.iter().any(|value| {
                    settings.insert(key, value);
                    decisions(&world, &text(entry, &settings)).is_some()
                })
            };
            // A file that is not there is refused for what it is.
            assert!(*key == "policy" || modes(entry).into_iter().any(reads), "{name}");
        }
    }
}
