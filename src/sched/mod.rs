//! Schedulers: one per file, one line each in [`REGISTRY`].
//!
//! The registry is what the command line lists, experiments decode, the README's table is made
//! from and every property test runs through.

mod beam;
mod contents;
mod dispatch;
mod edf;
mod exact;
mod exhaustive;
mod fcfs;
mod group_search;
mod grouped;
mod groups;
mod instance;
mod lo;
mod lo_edf;
mod lo_priority;
mod maxacc_edf;
mod minlat_edf;
mod optimal_window;
mod peek_plus;
mod pool;
mod priority;
mod random;
mod score;
mod sight;
mod sneakpeek;
mod subset_search;
mod tmo_rl;
mod window;

pub use tmo_rl::{Desk, policy_catalogue, trained};

use crate::input::{Fields, Node, Problem, Problems, fields};
use crate::model::catalog::Catalog;
use crate::policy::{Info, Scheduler};
use crate::rng::Rng;

/// Batches have this many requests at most unless `max_batch` says otherwise.
pub const MAX_BATCH: u64 = 32;

/// One line of the list of schedulers.
pub struct Entry {
    /// The name in experiments.
    pub name: &'static str,
    /// What it does, in a line.
    pub summary: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The parameters with their defaults, in a line.
    pub params: &'static str,
    /// Where its accuracy comes from unless the experiment says otherwise; `None` if it uses none.
    pub accuracy: Option<Info>,
    /// Reads its parameters and makes it.
    pub build: fn(&mut Fields<'_>, &Context<'_>) -> Box<dyn Scheduler>,
}

/// What a scheduler may look at while it is made.
pub struct Context<'a> {
    /// The tables.
    pub catalog: &'a Catalog,
    /// The run's random numbers, for a scheduler that tosses coins.
    pub rng: Rng,
}

/// Every scheduler.
pub const REGISTRY: &[Entry] = &[
    fcfs::ENTRY,
    edf::ENTRY,
    random::ENTRY,
    maxacc_edf::ENTRY,
    minlat_edf::ENTRY,
    lo_edf::ENTRY,
    lo_priority::ENTRY,
    grouped::ENTRY,
    sneakpeek::ENTRY,
    peek_plus::ENTRY,
    exhaustive::ENTRY,
    optimal_window::ENTRY,
    tmo_rl::ENTRY,
];

/// The entry called `name`.
pub fn find(name: &str) -> Option<&'static Entry> {
    REGISTRY.iter().find(|entry| entry.name == name)
}

/// A scheduler as an experiment asks for it.
pub struct Chosen {
    /// Its line of the registry.
    pub entry: &'static Entry,
    /// What it may know.
    pub info: Info,
    /// Ready to decide.
    pub scheduler: Box<dyn Scheduler>,
}

/// Makes the scheduler of `"edf"` or `{ name = "edf", … }`.
pub fn read(node: &Node, context: &Context<'_>, problems: &mut Problems) -> Option<Chosen> {
    let table = fields::named(node, "name");
    let Some(named) = table.get("name") else {
        let expected = "a scheduler: \"edf\" or { name = \"edf\", … }";
        problems.push(fields::mismatch(node, expected));
        return None;
    };
    let name = fields::text(named, problems)?;
    let Some(entry) = find(name) else {
        let names = REGISTRY.iter().map(|entry| entry.name);
        problems.push(Problem::unknown(named.place.clone(), "scheduler", name, names));
        return None;
    };
    let mut fields = Fields::new(&table, problems);
    fields.take("name");
    let info = match entry.accuracy {
        Some(default) => fields
            .take("accuracy")
            .and_then(|node| fields::choice(node, &Info::ALL, fields.problems()))
            .unwrap_or(default),
        None => Info::Profiled,
    };
    let scheduler = (entry.build)(&mut fields, context);
    fields.finish();
    check_evidence(node, info, context, problems);
    Some(Chosen { entry, info, scheduler })
}

/// A posterior needs something to look at.
fn check_evidence(node: &Node, info: Info, context: &Context<'_>, problems: &mut Problems) {
    let catalog = context.catalog;
    let blind = catalog.app_ids().find(|app| !catalog.has_evidence(*app));
    if let (Info::Posterior, Some(app)) = (info, blind) {
        let found =
            format!("accuracy = \"posterior\", and no votes for `{}`", catalog.app(app).name);
        let expected = "a trace with votes_<class> columns, or another `peek.kind`";
        problems.push(Problem::new(node.place.clone(), found, expected));
    }
}
