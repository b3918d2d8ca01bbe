//! What the simulator relies on in a penalty.

use super::draw_settings::settings;
use super::violation::{self, Violation};
use crate::config::{ConfigNode, Problems};
use crate::core::units::{Span, Time};
use crate::system::penalty::{self, PenaltyEntry};

/// Checks that a penalty is in [0, 1], 0 for an answer on time, never decreases with lateness and
/// depends on nothing else, with its settings drawn from seeds within their ranges.
///
/// # Errors
///
/// The first violation, with its case.
pub fn check_penalty(entry: &'static PenaltyEntry, draws: u64) -> Result<(), Violation> {
    (0..draws).try_for_each(|seed| {
        let text = settings(seed, &entry.described(), &[]);
        violation::check(format!("penalty = {text}"), || rules(entry, &text))
    })
}

fn rules(entry: &'static PenaltyEntry, text: &str) -> Result<(), String> {
    let (node, mut problems) = (ConfigNode::parse_override(text), Problems::default());
    let penalty = penalty::build(entry, &node, &mut problems);
    let penalty = problems.check(Some(penalty)).map_err(|problems| problems.to_string())?;
    let (budget, deadline) = (Span(1_000_000), Time(5_000_000));
    let gamma = |lateness: f64| {
        let late = Span::from_ns(lateness * budget.0 as f64);
        penalty.gamma(deadline + late, deadline, budget)
    };
    if gamma(0.0) != 0.0 {
        return Err(format!("an answer at the deadline loses {}", gamma(0.0)));
    }
    let mut before = 0.0;
    // From a thousandth of the budget to a thousand budgets.
    for step in 0..=600 {
        let lateness = libm::pow(10.0, f64::from(step) / 100.0 - 3.0);
        let lost = gamma(lateness);
        let at = format!("at {lateness:.4} budgets after the deadline");
        if !(0.0..=1.0).contains(&lost) {
            return Err(format!("{lost} {at}, which is not within 0 and 1"));
        }
        if lost < before {
            return Err(format!("{lost} {at}, less than {before} before"));
        }
        if lost != gamma(lateness) {
            return Err(format!("two values {at}"));
        }
        before = lost;
    }
    Ok(())
}
