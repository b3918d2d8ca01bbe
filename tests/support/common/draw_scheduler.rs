//! Schedulers with settings drawn from a seed.

use peeksim::config::Setting;
use peeksim::config::settings::Preset;
use peeksim::contract::AccuracySource;
use peeksim::scheduler::{REGISTRY, SchedulerEntry};
use peeksim::testing::draw::Case;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fn pick<T: Copy>(rng: &mut ChaCha8Rng, items: &[T]) -> T {
    items[rng.random_range(0..items.len())]
}

/// Every scheduler that decides by itself: `external` asks a program, see `tests/cli/external.rs`.
pub fn built_in() -> impl Iterator<Item = &'static SchedulerEntry> {
    REGISTRY.iter().filter(|entry| entry.name != "external")
}

/// Every source of accuracy that the scheduler takes; none if it uses none.
pub fn sources(entry: &SchedulerEntry) -> Vec<Option<(&'static str, AccuracySource)>> {
    match entry.accuracy {
        Some(_) => AccuracySource::ALL.into_iter().map(Some).collect(),
        None => vec![None],
    }
}

/// Values to try for parameters, wherever a scheduler's list of parameters names them.
const PARAMETERS: &[(&str, &[&str])] = &[
    ("variant", &["'fastest'", "'best'"]),
    ("max_batch", &["1", "2", "32"]),
    ("batch", &["'full'", "'deadline-aware'"]),
    ("drop_policy", &["'never'", "'hopeless'"]),
    ("tie_break", &["'earliest-finish'", "'listed'"]),
    ("window_ms", &["0", "5", "17"]),
    ("window_requests", &["1", "3", "8"]),
    ("window_max", &["1", "3", "1000"]),
    ("plan_when_busy", &["false", "true"]),
    ("merge_adjacent", &["false", "true"]),
    ("group_by", &["'app'", "'class'", "'by-variant'"]),
    ("split", &["false", "true"]),
    ("search", &["'greedy'", "'auto'"]),
    ("order", &["'deadline'", "'priority'"]),
    ("group_order", &["'deadline'", "'priority'"]),
    (
        "priority",
        &[
            "'acc-deadline'",
            "'acc-slack'",
            "'util-deadline'",
            "'util-range'",
            "'util-max'",
            "'util-rate'",
        ],
    ),
    ("priority_accuracy", &["'profiled'", "'scheduler'"]),
    ("timeout_ms", &["0", "3", "20"]),
    (
        "score",
        &["'stability'", "'lyapunov'", "'longest'", "'longest-deepest'", "'longest-shallowest'"],
    ),
    ("exit_batch", &["'limit'", "'actual'"]),
    ("drop", &["'window'", "'timeout'"]),
    ("start", &["'frontrun'", "'target'", "'now'", "'latest'"]),
    ("jitter_ms", &["0", "1", "5"]),
    ("rate_bin_ms", &["2", "10", "50"]),
    ("buckets", &["1", "4", "50"]),
    ("swap", &["'free'", "'real'"]),
    ("rule", &["'slackfit'", "'max-acc'"]),
    ("reject_late", &["false", "true"]),
    ("form", &["'ladder'", "'paper'", "'released'"]),
    ("period_s", &["0.03", "0.3", "1.5"]),
    ("plan_at_bursts", &["false", "true"]),
    ("beta", &["0.5", "1.05", "2"]),
    ("static_batch", &["0", "2", "8"]),
    ("slots", &["false", "true"]),
    ("objective", &["'on-time'", "'completion'"]),
    ("max_window", &["1", "5", "64"]),
    ("round_ms", &["0", "5", "40"]),
    ("rounds", &["1", "15"]),
    ("clients", &["1", "10"]),
    ("threshold", &["0.5", "1"]),
    ("early_drop", &["'window'", "'earliest'"]),
    ("unplaced", &["'serve'", "'reject'"]),
    ("margin", &["1", "2"]),
    ("network_ms", &["0", "2", "10"]),
    ("ahead_ms", &["0", "10", "40"]),
    ("max_exec_ms", &["5", "250"]),
    ("ignore_holders", &["false", "true"]),
    ("accuracy_quantile", &["0", "0.5", "1"]),
    ("unserved", &["'fastest'", "'reject'"]),
    ("counts_waiting", &["false", "true"]),
    ("quality_weight", &["0", "0.3", "2"]),
    ("cost_weight", &["0", "0.2"]),
    ("latency_weight", &["0", "0.3"]),
    ("balance_weight", &["0", "0.2"]),
    ("quality_norm", &["'raw'", "'min-max'"]),
];

/// Parameters that are spans, whose defaults do not scale with time.
const SPANS: [&str; 8] = [
    "timeout_ms",
    "jitter_ms",
    "rate_bin_ms",
    "period_s",
    "round_ms",
    "network_ms",
    "ahead_ms",
    "max_exec_ms",
];

/// Schedulers that search every plan of a window.
const SEARCHES: [&str; 2] = ["exhaustive", "optimal-window"];

/// Schedulers that refuse more than one worker with one lane.
pub const ALONE: [&str; 1] = ["optimal-window"];

/// The world with as many workers and lanes as the scheduler takes.
pub fn for_entry(case: &Case, entry: &SchedulerEntry) -> Case {
    if ALONE.contains(&entry.name) { case.alone() } else { case.clone() }
}

/// How times are written into a scheduler's parameters.
#[derive(Clone, Copy, Debug)]
pub struct Units {
    /// Spans are multiplied by this.
    pub scale: u64,
    /// Priorities depend on the unit of time.
    pub seconds: bool,
}

impl Units {
    pub const PLAIN: Self = Self { scale: 1, seconds: true };
}

/// A scheduler as an experiment would write it, with some of its parameters drawn.
pub fn scheduler(seed: u64, entry: &SchedulerEntry, source: Option<&str>, units: Units) -> String {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let mut text = format!("{{ name = '{}'", entry.name);
    if let Some(source) = source {
        text += &format!(", accuracy = '{source}'");
    }
    let settings = entry.described().settings;
    let has = |name: &str| settings.iter().any(|setting| setting.key == name);
    // `mode = dispatch` has settings of its own.
    let (weighs, modes) = (has("priority"), has("mode"));
    let dispatches = modes && (units.seconds || !weighs) && rng.random_bool(0.4);
    let dispatching = ["max_batch", "batch", "drop_policy"];
    let named = |name: &str| match (modes, dispatches) {
        (true, true) => dispatching.contains(&name),
        (true, false) => has(name) && !dispatching[1..].contains(&name),
        _ => has(name),
    };
    if dispatches {
        text += ", mode = 'dispatch'";
        if weighs && rng.random_bool(0.5) {
            text += ", priority = 'acc-slack'";
        }
    }
    // Priorities where nothing is ordered by them are refused, and so are accuracies of those that
    // weigh none.
    let by_priority = |setting: &Setting| setting.default == Preset::Text("priority");
    let order = settings.iter().find(|setting| setting.key == "order");
    let mut ordered = order.is_none_or(by_priority);
    let (mut varies, mut stable) = (true, true);
    for (name, values) in PARAMETERS {
        let (named, mut wanted) = (named(name), rng.random_bool(0.6));
        let mut value = pick(rng, values);
        if SEARCHES.contains(&entry.name) && *name == "window_max" {
            // Without a bound it searches millions of plans, or refuses to.
            (value, wanted) = (pick(rng, &["1", "3", "4"]), true);
        }
        let mut value = value.to_owned();
        let scales = SPANS.contains(name);
        wanted |= scales && !units.seconds;
        if *name == "window_ms" || scales {
            value = (value.parse::<f64>().expect("a number") * units.scale as f64).to_string();
        }
        if *name == "priority" && !units.seconds {
            (value, wanted) = ("'util-max'".to_owned(), true);
        }
        match *name {
            "order" if named && wanted => ordered = value == "'priority'",
            "group_order" if wanted => ordered |= value == "'priority'",
            "priority" => {
                wanted &= ordered;
                varies = !wanted || value.starts_with("'acc");
            }
            "priority_accuracy" => wanted &= ordered && varies,
            // The second score weighs requests per millisecond against requests.
            "score" if value == "'lyapunov'" && !units.seconds => wanted = false,
            "score" => stable = !wanted || value == "'stability'",
            "exit_batch" => wanted &= stable,
            _ => {}
        }
        if named && wanted {
            text += &format!(", {name} = {value}");
        }
    }
    text + " }"
}
