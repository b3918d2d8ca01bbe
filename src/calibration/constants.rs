//! How the two constants of the model were chosen: B, by which overhead occupies the worker, and
//! G, by which it takes longer on an unused device.
//!
//! Both are the same for all devices. A grid is tried on cells with an isolated latency. Out of
//! sample, each device is predicted with the constants that are best on all other devices.

use super::assess::{Assessment, CellAssessment, FitPlan, MEAN, assess};
use super::fit::{Model, NESTED, Overhead};
use super::loads::Cell;
use super::predict::PredictError;
use crate::stats::Median;
use std::fmt::Write as _;

/// Values of B.
pub const SHARES: [f64; 5] = [0.0, 0.06, 0.09, 0.12, 0.15];
/// Repeats of each load that are simulated for each choice.
const REPEATS: usize = 5;
/// Values of G.
pub const SLOWDOWNS: [f64; 5] = [0.0, 1.5, 2.0, 2.5, 3.0];

/// A choice of constants with the errors of mean latency.
#[derive(Clone, Debug)]
struct Choice {
    share: f64,
    slowdown: f64,
    assessment: Assessment,
}

/// Medians of absolute errors of mean latency, by load that was not fitted.
fn medians(cells: &[&CellAssessment], loads: &[f64]) -> Vec<Option<f64>> {
    let at = |load: &f64| {
        let own = cells.iter().flat_map(|cell| &cell.loads);
        let own = own.filter(|own| !own.is_fitted && (own.load - load).abs() < 1e-9);
        let errors: Vec<f64> =
            own.filter_map(|own| Some(own.metrics[MEAN].error()?.abs())).collect();
        Median::of(&errors).map(|median| median.value)
    };
    loads.iter().map(at).collect()
}

/// The score of a choice, less is better: the sum of its median errors over the loads.
fn score(medians: &[Option<f64>]) -> f64 {
    medians.iter().flatten().sum()
}

/// The grid as CSV text, a row for each choice and load, and of each device the choice that is best
/// on the others; then the medians over all devices predicted that way.
///
/// # Errors
/// A fit that no device can have.
pub fn grid_csv(cells: &[Cell], plan: &FitPlan) -> Result<String, PredictError> {
    let cells: Vec<Cell> = cells.iter().filter(|cell| cell.isolated.is_some()).cloned().collect();
    let mut choices = Vec::new();
    for share in SHARES {
        for slowdown in SLOWDOWNS {
            let (overhead, idle_slowdown) = (Overhead::Blocking(share), slowdown);
            let model = Model { overhead, idle_slowdown, ..NESTED[3] };
            let plan =
                FitPlan { model, draws: 1, repeats: plan.repeats.min(REPEATS), ..plan.clone() };
            choices.push(Choice { share, slowdown, assessment: assess(&cells, &plan)? });
        }
    }
    let Some(first) = choices.first() else { return Ok(String::new()) };
    let mut loads = first.assessment.loads();
    loads.retain(|load| {
        let mut own = first.assessment.cells.iter().flat_map(|cell| &cell.loads);
        own.any(|own| !own.is_fitted && (own.load - load).abs() < 1e-9)
    });
    let mut devices: Vec<&str> =
        first.assessment.cells.iter().map(|cell| cell.cell.key.device.as_str()).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut text = String::from("chosen_for,blocking_share,idle_slowdown,load,error_median\n");
    let mut rows = |name: &str, constants: [String; 2], medians: &[Option<f64>]| {
        for (load, median) in loads.iter().zip(medians) {
            let median = median.map_or_else(String::new, |median| format!("{median:.5}"));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name},{},{load},{median}", constants.join(","));
        }
    };
    let named = |choice: &Choice| [choice.share.to_string(), choice.slowdown.to_string()];
    for choice in &choices {
        let medians = medians(&choice.assessment.cells.iter().collect::<Vec<_>>(), &loads);
        rows("", named(choice), &medians);
    }
    let mut predicted = Vec::new();
    for device in &devices {
        let is_own = |cell: &&CellAssessment| cell.cell.key.device == *device;
        let others = |choice: &Choice| {
            let cells = choice.assessment.cells.iter().filter(|cell| !is_own(cell));
            score(&medians(&cells.collect::<Vec<_>>(), &loads))
        };
        let best = choices.iter().min_by(|a, b| others(a).total_cmp(&others(b))).unwrap_or(first);
        let own: Vec<&CellAssessment> = best.assessment.cells.iter().filter(is_own).collect();
        rows(device, named(best), &medians(&own, &loads));
        predicted.extend(own);
    }
    rows("each-by-others", [String::new(), String::new()], &medians(&predicted, &loads));
    Ok(text)
}
