//! What the simulator relies on in an arrival process.

use super::draw::{Case, Limits};
use super::draw_settings::settings;
use super::violation::{self, Violation};
use crate::config::{ConfigNode, Location, Problems};
use crate::core::ids::Arrival;
use crate::core::rng::Rng;
use crate::system::ground_truth::GroundTruth;
use crate::workload::{
    self, ArrivalEntry, ClassFilter, RateSpec, RequestSources, SourceSplit, WorkloadSpec,
};
use std::sync::Arc;

/// The requests of a run, and its rate.
const REQUESTS: u64 = 200;
const RATE_RPS: f64 = 100.0;

/// Draws requests of an arrival process in worlds drawn from seeds, with its settings drawn within
/// their ranges. It checks that instants never decrease, that applications and classes exist, that
/// no more requests come than were asked for, and that the same seed gives the same requests.
///
/// # Errors
///
/// The first violation, with its case; so also where the process refuses the world.
pub fn check_arrivals(entry: &'static ArrivalEntry, worlds: u64) -> Result<(), Violation> {
    (0..worlds).try_for_each(|seed| {
        let text = settings(seed, &entry.described(), &[]);
        let case = format!("world {seed}, arrivals = {text}, {RATE_RPS} requests per second");
        violation::check(case, || rules(entry, seed, &text))
    })
}

fn rules(entry: &'static ArrivalEntry, seed: u64, text: &str) -> Result<(), String> {
    let truth = Case::draw(seed, Limits::ALL).world.truth();
    let arrivals = drawn(entry, &truth, seed, text)?;
    let catalog = truth.catalog();
    let mut before = None;
    for (number, arrival) in (1u64..).zip(&arrivals) {
        let what = || format!("request {number} at {}", arrival.time);
        if number > REQUESTS {
            return Err(format!("more than {REQUESTS} requests"));
        }
        if before.is_some_and(|before| arrival.time < before) {
            return Err(format!("{} comes before the one that was given first", what()));
        }
        let Some(app) = catalog.app_ids().find(|app| *app == arrival.app) else {
            return Err(format!("{} has no application", what()));
        };
        let classes = catalog.app(app).classes.len();
        if usize::from(arrival.truth.class) >= classes {
            return Err(format!("{} has none of the {classes} classes", what()));
        }
        before = Some(arrival.time);
    }
    if arrivals != drawn(entry, &truth, seed, text)? {
        return Err("the same seed gives other requests".to_owned());
    }
    Ok(())
}

/// The requests of a run, and one more if there is one.
fn drawn(
    entry: &'static ArrivalEntry,
    truth: &Arc<GroundTruth>,
    seed: u64,
    text: &str,
) -> Result<Vec<Arrival>, String> {
    let apps = truth.catalog().app_ids().count();
    let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
    let process = workload::build(entry, &node, &mut problems);
    let process = problems.check(Some(process)).map_err(|problems| problems.to_string())?;
    let spec = WorkloadSpec {
        processes: vec![process],
        pace: RateSpec::Rate(RATE_RPS),
        requests: REQUESTS,
        mix: vec![1.0 / apps as f64; apps],
        classes: (0..apps).map(|_| ClassFilter::All).collect(),
        drift: None,
        sticky: 0.0,
        sources: SourceSplit::All,
        request_sources: RequestSources::None,
        file: None,
        place: Location::file("testing"),
    };
    let arrivals = spec.build(truth, Rng::new(seed, 0));
    let mut arrivals = arrivals.map_err(|problems| problems.to_string())?;
    let next = std::iter::from_fn(|| arrivals.next_arrival());
    Ok(next.take(REQUESTS as usize + 1).collect())
}
