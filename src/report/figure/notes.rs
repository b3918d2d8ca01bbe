//! Sentences that drawing adds to the small print.

use super::axis::{Axis, at_foot};
use super::{Chart, Point};

/// The chart with more sentences in its note.
pub(super) fn added(chart: &Chart, more: &[String]) -> Chart {
    let all = [&chart.note].into_iter().chain(more).filter(|note| !note.is_empty());
    let note = all.map(String::as_str).collect::<Vec<_>>().join(" ");
    Chart { note, ..chart.clone() }
}

/// A sentence on the points beyond the ends of the vertical axis.
pub(super) fn of_cut<'p>(
    chart: &Chart,
    axis: &Axis,
    points: impl Iterator<Item = &'p Point>,
) -> String {
    if chart.y_range.is_none() {
        return String::new();
    }
    let (mut all, mut below, mut above) = (0, 0, 0);
    for place in points.filter_map(|p| axis.place(p.y)) {
        all += 1;
        below += usize::from(place < -1e-9);
        above += usize::from(place > 1.0 + 1e-9);
    }
    let side = |count: usize, side: &str| (count > 0).then(|| format!("{count} {side}"));
    let sides = [side(below, "below"), side(above, "above")];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    if sides.is_empty() {
        return String::new();
    }
    format!("Not shown of {all} points: {} the axis.", sides.join(" and "))
}

/// A sentence on the points at the foot of a logarithmic axis.
pub(super) fn of_foot<'p>(chart: &Chart, points: impl Iterator<Item = &'p Point>) -> String {
    let at_foot = |p: &&Point| at_foot(p.x, chart.x_log) || at_foot(p.y, chart.y_log);
    let (mut count, mut negative) = (0, false);
    for p in points.filter(at_foot) {
        count += 1;
        negative |= (chart.x_log && p.x < 0.0) || (chart.y_log && p.y < 0.0);
    }
    match (count, negative) {
        (0, _) => String::new(),
        (1, false) => "1 zero is drawn at the edge of the logarithmic axis.".to_owned(),
        (_, false) => format!("{count} zeros are drawn at the edge of the logarithmic axis."),
        (_, true) => format!("Drawn at the edge of the logarithmic axis, at or below 0: {count}."),
    }
}
