//! What the simulator relies on in a scheduler.

use super::check::{self, Promise};
use super::draw::{Case, Limits};
use super::draw_settings::settings;
use super::violation::{self, Violation};
use super::world::World;
use crate::config::{ConfigNode, Problems};
use crate::contract::AccuracySource;
use crate::core::rng::Rng;
use crate::scheduler::{self, BuildContext, SchedulerEntry};

/// Simulates a scheduler on worlds drawn from seeds, with every source of accuracy that it takes
/// and with its settings drawn within their ranges.
///
/// The worlds differ in applications, workers, lanes, memory, links, failures, noise and late
/// requests that are dropped. In each it is checked that
///
/// - the scheduler's decisions keep the rules of the engine,
/// - a checker that shares no code with the engine finds the log of events possible, with every
///   request accounted for, and Little's law holds exactly,
/// - a second run gives the same events,
/// - if [`Scheduler::waits_for_idle_workers`](crate::contract::Scheduler) says so, a run in which
///   it is called only then gives the same events.
///
/// A world that the scheduler refuses when it is built is left out.
///
/// # Errors
///
/// The first violation, with its case; and where a setting has no meaning in words, or the
/// scheduler refuses more than nine of ten worlds.
pub fn check_scheduler(entry: &'static SchedulerEntry, worlds: u64) -> Result<(), Violation> {
    violation::check(format!("scheduler `{}`", entry.name), || described(entry))?;
    let (mut refused, mut last) = (0, String::new());
    for seed in 0..worlds {
        let limits = Limits {
            links: seed % 3 != 0,
            faults: seed % 3 != 1,
            residents: seed.is_multiple_of(2),
            shares: seed.is_multiple_of(3),
            ..Limits::ALL
        };
        let case = Case::draw(seed, limits);
        for source in sources(entry) {
            let given = source.map(|(name, _)| ("accuracy", name));
            let text = settings(seed, &entry.described(), given.as_slice());
            let peeks = source.is_some_and(|(_, info)| info == AccuracySource::Posterior);
            let case = if seed % 5 == 4 { case.with_drops(peeks) } else { case.clone() };
            let drops = case.world.setup.drop_late;
            let named = format!("world {seed}, scheduler = {text}, drop_late = {drops}");
            violation::check(named, || {
                if let Err(problems) = build(entry, &case.world, &text) {
                    (refused, last) = (refused + 1, problems.to_string());
                    return Ok(());
                }
                rules(entry, &case, &text, peeks)
            })?;
        }
    }
    let all = worlds * sources(entry).len() as u64;
    violation::check(format!("{refused} of {all} worlds"), || {
        let enough = 10 * refused <= 9 * all;
        enough.then_some(()).ok_or_else(|| format!("the scheduler refuses them: {last}"))
    })
}

/// Every source of accuracy that a scheduler takes; none if it uses none.
fn sources(entry: &SchedulerEntry) -> Vec<Option<(&'static str, AccuracySource)>> {
    match entry.accuracy {
        Some(_) => AccuracySource::ALL.into_iter().map(Some).collect(),
        None => vec![None],
    }
}

fn described(entry: &SchedulerEntry) -> Result<(), String> {
    if entry.summary.trim().is_empty() || entry.source.trim().is_empty() {
        return Err("it needs a summary and a source".to_owned());
    }
    let settings = entry.described().settings;
    match settings.iter().find(|setting| setting.meaning.trim().is_empty()) {
        Some(setting) => Err(format!("the setting `{}` needs a meaning", setting.key)),
        None => Ok(()),
    }
}

fn build(
    entry: &'static SchedulerEntry,
    world: &World,
    text: &str,
) -> Result<scheduler::BuiltScheduler, Problems> {
    let rng = Rng::new(world.seed, 0);
    let catalog = &world.truth().believed(rng);
    let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
    let built = scheduler::build(entry, &node, &BuildContext { catalog, rng }, &mut problems);
    problems.check(Some(built))
}

fn rules(
    entry: &'static SchedulerEntry,
    case: &Case,
    text: &str,
    peeks: bool,
) -> Result<(), String> {
    let built = || build(entry, &case.world, text).map_err(|problems| problems.to_string());
    let log = case.world.watched(built()?);
    let log = log.map_err(|error| error.to_string())?;
    check::world(&case.facts, &log, Promise { works: false, peeks })?;
    check::little(&log)?;
    let again = case.world.unwatched(built()?).map_err(|error| error.to_string())?;
    if again == log.events {
        return Ok(());
    }
    let second = case.world.watched(built()?).map_err(|error| error.to_string())?;
    let at = |events: &[_]| log.events.iter().zip(events).position(|(one, other)| one != other);
    Err(if second.events == log.events {
        let at = at(&again);
        format!(
            "it says that it waits for idle workers, and calls at other times change its \
             decisions, from event {at:?} on"
        )
    } else {
        format!("a second run differs from event {:?} on", at(&second.events))
    })
}
