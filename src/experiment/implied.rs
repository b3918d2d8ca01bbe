//! The axes of figures and claims that name none, from what varies.

use super::spelling::is_label;
use crate::config::{ConfigNode, Problem, Problems};
use crate::metrics::Study;

/// An axis: its key and its labels.
pub type AxisLabels = (String, Vec<String>);

/// The index of the axis of numbers with the most values, the first of several.
pub fn axis_of_numbers(axes: &[AxisLabels]) -> Option<usize> {
    let number = |label: &String| label.parse().is_ok_and(f64::is_finite);
    let of_numbers = |at: &usize| axes[*at].1.iter().all(number);
    let places = (0..axes.len()).filter(of_numbers);
    places.max_by_key(|at| (axes[*at].1.len(), std::cmp::Reverse(*at)))
}

/// Whether the values of an axis decide: schedulers, or offloading policies.
fn decides(key: &str) -> bool {
    Study::ALL.iter().any(|(_, study)| study.decider() == key)
}

/// The axis `scheduler` or `policy`, else the first that is not in `shown`, else none.
pub fn other_axis(axes: &[AxisLabels], shown: &[&str]) -> String {
    let mut others = axes.iter().map(|(key, _)| key).filter(|key| !shown.contains(&key.as_str()));
    let scheduler = others.clone().find(|key| decides(key));
    scheduler.or_else(|| others.next()).cloned().unwrap_or_default()
}

/// The horizontal axis of a figure of lines that names none.
pub(super) fn axis_of_lines(
    figure: &ConfigNode,
    axes: &[AxisLabels],
    usual: &str,
    problems: &mut Problems,
) -> String {
    if axes.iter().any(|(key, _)| key == usual) {
        return usual.to_owned();
    }
    if let Some(at) = axis_of_numbers(axes) {
        return axes[at].0.clone();
    }
    let found = "a figure of lines, and no axis of numbers to draw them against";
    let expected = "an axis of numbers, or `kind = \"pareto\"` or `\"cdf\"`";
    let place = figure.place.clone().field("figure.x");
    problems.push(Problem::new(place, found, expected));
    String::new()
}

/// The axis of a claim that names none: `scheduler` or `policy`, or else the first that has both
/// values.
pub(super) fn axis_of_claim(
    claim: &ConfigNode,
    values: [&str; 2],
    axes: &[AxisLabels],
    problems: &mut Problems,
) -> Option<String> {
    if let Some((key, _)) = axes.iter().find(|(key, _)| decides(key)) {
        return Some(key.clone());
    }
    let takes = |labels: &[String], value| labels.iter().any(|label| is_label(label, value));
    let both = |axis: &&AxisLabels| values.iter().all(|value| takes(&axis.1, value));
    if let Some((key, _)) = axes.iter().find(both) {
        return Some(key.clone());
    }
    let [left, right] = values;
    let keys: Vec<&str> = axes.iter().map(|(key, _)| key.as_str()).collect();
    let known = if keys.is_empty() { "none varies".to_owned() } else { keys.join(", ") };
    let found = format!("no axis that takes the values `{left}` and `{right}`");
    let expected = format!("values of one of the axes ({known})");
    let place = claim.get("claim").unwrap_or(claim).place.clone().field("expect.claim");
    problems.push(Problem::new(place, found, expected));
    None
}
