//! Schedulers: one per file, one line each in [`REGISTRY`].
//!
//! The command line lists the registry, experiments are decoded by it, tables of the documentation
//! are generated from it, and every property test runs through it.
//!
//! Ties between equal plans or variants are broken in `tie_break.rs`; `dispatch/dispatcher.rs`
//! decides which requests are late or hopeless (the parameter `drop_policy`), and
//! `planners/planning_window.rs` when a window is planned.

/// A program of the user's own.
mod external;
mod score;
mod tie_break;

/// Dispatchers: one batch at a time, for a lane that is idle.
mod dispatch {
    mod app_queue;
    pub mod dispatcher;
    pub mod edf;
    pub mod fcfs;
    pub mod random;
    pub mod shadow_price;
}

/// Planners: all waiting requests of a window at once.
mod planners {
    pub mod class_mix_estimator;
    pub mod contenders;
    pub mod exhaustive;
    pub mod group_planner;
    pub mod grouped;
    pub mod lo_edf;
    pub mod lo_priority;
    pub mod locally_optimal;
    pub mod maxacc_edf;
    pub mod minlat_edf;
    pub mod optimal_window;
    pub mod peek_plus;
    pub mod plan_builder;
    pub mod planning_window;
    pub mod priority;
    pub mod sneakpeek;

    /// The search for the best plan of a window.
    pub mod search {
        pub mod beam_search;
        pub mod bounds;
        pub mod enumerate;
        pub mod group_moves;
        pub mod label_setting;
        pub mod memory_states;
        pub mod request_moves;
        pub mod window_problem;
    }
}

/// Learned dispatchers.
mod learned {
    pub mod features;
    pub mod tmo_rl;
}

/// Published systems and controls. The decision of each is a function of numbers, so that it can be
/// held against what the authors' own code returned.
pub mod published {
    pub mod acc_scale;
    pub mod alpaserve_like;
    pub mod alpaserve_plan;
    pub(in crate::scheduler) mod app_lines;
    pub(in crate::scheduler) mod arrival_rates;
    pub mod batch_timeout;
    pub mod clipper_like;
    pub mod clockwork_infer;
    pub mod clockwork_like;
    pub mod clockwork_load;
    pub mod das_like;
    pub mod edgeserving_like;
    mod fixed_variant;
    pub(in crate::scheduler) mod free_lanes;
    pub mod he_like;
    mod hosting;
    pub mod infaas_like;
    pub mod jellyfish_like;
    pub mod jellyfish_plan;
    pub(in crate::scheduler) mod last_question;
    pub mod longest_queue;
    mod measured_spans;
    pub mod model_switching_like;
    pub mod nexus_like;
    pub mod nexus_plan;
    pub mod nexus_timer;
    pub mod octopinf_like;
    pub mod octopinf_plan;
    mod planning_period;
    pub mod proteus_like;
    pub mod proteus_plan;
    pub mod round_robin;
    pub mod routebalance_like;
    pub mod shepherd_like;
    pub mod slackfit_like;
    pub mod symphony;
    mod ways;
    mod weighted_turns;

    pub use fixed_variant::{Candidate, Turn};
}

pub use learned::features::catalogue as policy_catalogue;
pub use learned::tmo_rl::{SteppedDispatcher, trained};

use crate::config::settings::{EntrySettings, Lists, Registry, flattened, names};
use crate::config::{
    ConfigNode, Decoder, Entries, Group, Kind, Named, Problem, Problems, Setting, decode,
};
use crate::contract::{AccuracySource, Scheduler};
use crate::core::rng::Rng;
use crate::system::catalog::Catalog;

/// The default of `max_batch`.
pub const MAX_BATCH: u64 = 32;

/// The setting of that limit.
const MAX_BATCH_SETTING: Setting = Setting::integer("max_batch", [1, 4096], MAX_BATCH)
    .means("The most requests of a batch; the profile of a variant may allow fewer.");

const ACCURACY: Setting = Setting::choice("accuracy", &names(&AccuracySource::ALL)).means(
    "The accuracies that the scheduler sees: those of the profile, corrected by the class \
     posterior of each request, of the true class, or of the true outcome.",
);

/// The keys of every scheduler.
pub const COMMON: Group = Group::named("scheduler")
    .of(&[&[Setting::required("name", Kind::Text).means("Which scheduler.")]]);

/// The schedulers as tables of an experiment.
pub const SCHEDULERS: Registry = Registry {
    name: "scheduler",
    tag: "name",
    common: &COMMON,
    entries: || ENTRIES.iter().map(SchedulerEntry::described).collect(),
    optional: false,
};

/// One line of the list of schedulers.
pub struct SchedulerEntry {
    /// The name in experiments.
    pub name: &'static str,
    /// Its description in a line.
    pub summary: &'static str,
    /// Its source in the literature.
    pub source: &'static str,
    /// Its settings, besides `name` and `accuracy`.
    pub settings: Lists,
    /// The default source of accuracies; `None` if it uses none.
    pub accuracy: Option<AccuracySource>,
    /// Reads its parameters and builds it.
    pub build: fn(&mut Decoder<'_>, &BuildContext<'_>) -> Box<dyn Scheduler>,
}

impl SchedulerEntry {
    /// Its settings, `accuracy` included.
    pub fn described(&self) -> EntrySettings {
        let accuracy = self.accuracy.map(|source| ACCURACY.or(source.name()));
        let settings = accuracy.into_iter().chain(flattened(self.settings)).collect();
        EntrySettings { name: self.name, summary: self.summary, settings }
    }
}

/// The facts on which a scheduler may depend when it is built.
pub struct BuildContext<'a> {
    /// The tables.
    pub catalog: &'a Catalog,
    /// The run's random numbers, for a scheduler that draws.
    pub rng: Rng,
}

/// The schedulers that ship.
pub const REGISTRY: &[SchedulerEntry] = &[
    dispatch::fcfs::ENTRY,
    dispatch::edf::ENTRY,
    dispatch::random::ENTRY,
    planners::maxacc_edf::ENTRY,
    planners::minlat_edf::ENTRY,
    planners::lo_edf::ENTRY,
    planners::lo_priority::ENTRY,
    planners::grouped::ENTRY,
    planners::sneakpeek::ENTRY,
    planners::peek_plus::ENTRY,
    dispatch::shadow_price::ENTRY,
    planners::exhaustive::ENTRY,
    planners::optimal_window::ENTRY,
    learned::tmo_rl::ENTRY,
    published::batch_timeout::ENTRY,
    published::longest_queue::ENTRY,
    published::round_robin::ENTRY,
    published::edgeserving_like::ENTRY,
    published::symphony::ENTRY,
    published::proteus_like::ENTRY,
    published::slackfit_like::ENTRY,
    published::clipper_like::ENTRY,
    published::octopinf_like::ENTRY,
    published::he_like::ENTRY,
    published::das_like::ENTRY,
    published::jellyfish_like::ENTRY,
    published::alpaserve_like::ENTRY,
    published::nexus_like::ENTRY,
    published::clockwork_like::ENTRY,
    published::infaas_like::ENTRY,
    published::model_switching_like::ENTRY,
    published::shepherd_like::ENTRY,
    published::routebalance_like::ENTRY,
    external::ENTRY,
];

/// Those that ship, and those of a program that has its own.
pub static ENTRIES: Entries<SchedulerEntry> = Entries::of("scheduler", REGISTRY);

impl Named for SchedulerEntry {
    fn name(&self) -> &'static str {
        self.name
    }
}

/// A scheduler of an experiment.
pub struct BuiltScheduler {
    /// Its entry in the registry.
    pub entry: &'static SchedulerEntry,
    /// The source of its accuracies.
    pub info: AccuracySource,
    /// The scheduler itself.
    pub scheduler: Box<dyn Scheduler>,
}

/// Builds the scheduler of `"edf"` or `{ name = "edf", … }`.
pub fn read(
    node: &ConfigNode,
    context: &BuildContext<'_>,
    problems: &mut Problems,
) -> Option<BuiltScheduler> {
    let table = decode::named(node, "name");
    let Some(named) = table.get("name") else {
        let expected = "a scheduler: \"edf\" or { name = \"edf\", … }";
        problems.push(decode::mismatch(node, expected));
        return None;
    };
    let name = decode::text(named, problems)?;
    let Some(entry) = ENTRIES.find(name) else {
        let names = ENTRIES.names();
        problems.push(Problem::unknown(named.place.clone(), "scheduler", name, names));
        return None;
    };
    Some(build(entry, &table, context, problems))
}

/// Builds the scheduler of an entry from its table.
pub fn build(
    entry: &'static SchedulerEntry,
    table: &ConfigNode,
    context: &BuildContext<'_>,
    problems: &mut Problems,
) -> BuiltScheduler {
    let mut fields = Decoder::new(table, &COMMON, problems);
    fields.describe(entry.name, entry.settings);
    fields.take("name");
    let info = match entry.accuracy {
        Some(default) => {
            fields.describe(entry.name, &[&[ACCURACY]]);
            fields.optional_choice("accuracy", &AccuracySource::ALL).unwrap_or(default)
        }
        None => AccuracySource::Profiled,
    };
    let scheduler = (entry.build)(&mut fields, context);
    fields.finish();
    check_evidence(table, info, context, problems);
    BuiltScheduler { entry, info, scheduler }
}

/// Refuses `accuracy = "posterior"` for applications without evidence.
fn check_evidence(
    node: &ConfigNode,
    info: AccuracySource,
    context: &BuildContext<'_>,
    problems: &mut Problems,
) {
    let catalog = context.catalog;
    let without = catalog.app_ids().find(|app| !catalog.has_evidence(*app));
    if let (AccuracySource::Posterior, Some(app)) = (info, without) {
        let found =
            format!("accuracy = \"posterior\", and no votes for `{}`", catalog.app(app).name);
        let expected = "a trace with votes_<class> columns, or another `peek.kind`";
        problems.push(Problem::new(node.place.clone(), found, expected));
    }
}
