//! The sentence on lines that cannot be told apart: which, and over which part of the x axis.
//!
//! Two lines coincide from one value of x to another if at every value between they are closer than
//! a line is wide, at two values at least. Lines of which every two coincide over a range are a
//! group; the groups that hide most are named.

use super::axis::{Axis, in_words};
use super::{Chart, ChartKind, Point};
use std::collections::{BTreeMap, BTreeSet};

/// Lines closer than this share of the height of a plot look like one: two design pixels of 300.
const ALONE: f64 = 2.0 / 300.0;
/// The same of a panel, which is lower.
const IN_PANEL: f64 = 2.0 / 160.0;
/// The most groups that are named.
const MOST_GROUPS: usize = 4;
/// Of a group of more lines the few that are not in it are named, or else so many that are.
const MANY: usize = 6;

/// First and last place among the values of x.
type Range = (usize, usize);

/// Lines that coincide, by their places in the legend.
#[derive(Debug, PartialEq)]
struct Coinciding {
    range: Range,
    lines: Vec<usize>,
}

/// The sentences on the lines of a chart that coincide; empty if none do.
pub(super) fn sentences(
    chart: &Chart,
    shown: &[Vec<Vec<Point>>],
    (x, y): (&Axis, &Axis),
) -> String {
    if chart.kind != ChartKind::Lines || chart.series.len() < 2 {
        return String::new();
    }
    let name = |lines: &[usize]| named(chart, lines);
    if let [panel] = shown {
        let values = values_of(panel);
        let mut groups = groups(&pairs(panel, &values, y, ALONE));
        let size = |group: &Coinciding| (group.range.1 - group.range.0 + 1) * group.lines.len();
        groups.sort_by_key(|group| (std::cmp::Reverse(size(group)), group.range));
        let left_out = groups.len() > MOST_GROUPS;
        groups.truncate(MOST_GROUPS);
        groups.sort_by_key(|group| group.range);
        let mut text = String::new();
        let mut before = None;
        for group in &groups {
            let words = if before == Some(group.range) {
                format!("And {}.", name(&group.lines))
            } else {
                let range = over(chart, x, &values, group.range);
                format!("Coinciding {range}: {}.", name(&group.lines))
            };
            text += if text.is_empty() { "" } else { " " };
            text += &words;
            before = Some(group.range);
        }
        return text + if left_out { " Others coincide over shorter parts." } else { "" };
    }
    // Of panels only what holds in each is said.
    let mut common: Option<BTreeSet<(usize, usize)>> = None;
    for panel in shown {
        let values = values_of(panel);
        let whole = (0, values.len().saturating_sub(1));
        let pairs = pairs(panel, &values, y, IN_PANEL).into_iter();
        let own = pairs.filter(|(_, ranges)| ranges.contains(&whole)).map(|(pair, _)| pair);
        let own: BTreeSet<(usize, usize)> = own.collect();
        common = Some(common.map_or(own.clone(), |common| &common & &own));
    }
    let pairs = common.unwrap_or_default().into_iter().map(|pair| (pair, vec![(0, 1)])).collect();
    let groups = groups(&pairs);
    let all: Vec<String> =
        groups.iter().take(MOST_GROUPS).map(|group| name(&group.lines)).collect();
    if all.is_empty() {
        return String::new();
    }
    format!("Coinciding in all panels: {}.", all.join(". And "))
}

/// The values of x at which there are points, rising.
fn values_of(panel: &[Vec<Point>]) -> Vec<f64> {
    let mut values: Vec<f64> = panel.iter().flatten().map(|point| point.x).collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// Each pair of lines with the ranges over which it coincides.
fn pairs(
    panel: &[Vec<Point>],
    values: &[f64],
    axis: &Axis,
    near: f64,
) -> BTreeMap<(usize, usize), Vec<Range>> {
    // Where each line is on the page, at each value of x.
    let places: Vec<Vec<Option<f64>>> = panel
        .iter()
        .map(|points| {
            let at = |x: &f64| points.iter().find(|point| point.x == *x);
            let place = |x: &f64| axis.place(at(x)?.y).filter(|place| (0.0..=1.0).contains(place));
            values.iter().map(place).collect()
        })
        .collect();
    let mut pairs = BTreeMap::new();
    for one in 0..places.len() {
        for other in one + 1..places.len() {
            let close = |at: &usize| match (places[one][*at], places[other][*at]) {
                (Some(a), Some(b)) => (a - b).abs() <= near,
                _ => false,
            };
            let mut ranges: Vec<Range> = Vec::new();
            for at in (0..values.len()).filter(close) {
                match ranges.last_mut() {
                    Some(range) if range.1 + 1 == at => range.1 = at,
                    _ => ranges.push((at, at)),
                }
            }
            ranges.retain(|range| range.1 > range.0);
            if !ranges.is_empty() {
                pairs.insert((one, other), ranges);
            }
        }
    }
    pairs
}

/// Groups of lines of which every two coincide over a range, and some two not beyond it.
fn groups(pairs: &BTreeMap<(usize, usize), Vec<Range>>) -> Vec<Coinciding> {
    let ranges: BTreeSet<Range> = pairs.values().flatten().copied().collect();
    let mut groups = Vec::new();
    for range in ranges {
        let holds = |own: &Range| own.0 <= range.0 && own.1 >= range.1;
        let within = |a: usize, b: usize| {
            let ranges = pairs.get(&(a.min(b), a.max(b)));
            ranges.is_some_and(|ranges| ranges.iter().any(holds))
        };
        let exact = |a: usize, b: usize| {
            pairs.get(&(a.min(b), a.max(b))).is_some_and(|ranges| ranges.contains(&range))
        };
        let members: BTreeSet<usize> = pairs.keys().flat_map(|(a, b)| [*a, *b]).collect();
        let mut cliques: Vec<Vec<usize>> = Vec::new();
        for line in members {
            let fits = |clique: &&mut Vec<usize>| clique.iter().all(|other| within(line, *other));
            match cliques.iter_mut().find(fits) {
                Some(clique) => clique.push(line),
                None => cliques.push(vec![line]),
            }
        }
        for lines in cliques {
            let is_own = lines.iter().any(|a| lines.iter().any(|b| a < b && exact(*a, *b)));
            groups.extend(is_own.then_some(Coinciding { range, lines }));
        }
    }
    groups
}

/// The names of lines; of many, those of the few others.
fn named(chart: &Chart, lines: &[usize]) -> String {
    let labels = |places: &[usize]| {
        let labels: Vec<&str> = places.iter().map(|at| chart.series[*at].label.as_str()).collect();
        labels.join("; ")
    };
    let others: Vec<usize> = (0..chart.series.len()).filter(|at| !lines.contains(at)).collect();
    match others.len() {
        0 if lines.len() > 2 => "all lines".to_owned(),
        1..=2 if lines.len() > MANY => format!("all but {}", labels(&others)),
        _ if lines.len() > MANY + 1 => {
            format!("{}; and {} more", labels(&lines[..MANY]), lines.len() - MANY)
        }
        _ => labels(lines),
    }
}

/// `up to 300 requests/s`, from the title of the x axis.
fn over(chart: &Chart, axis: &Axis, values: &[f64], (first, last): Range) -> String {
    let (words, unit) = chart.x_label.rsplit_once(" (").unwrap_or((&chart.x_label, ""));
    let unit = unit.strip_suffix(')').filter(|unit| !unit.contains(' '));
    let number = |at: usize| {
        let value = values[at];
        if axis.has_at_foot(value) { "0".to_owned() } else { in_words(value) }
    };
    let shown = |number: String| match unit {
        Some(unit) => format!("{number} {unit}"),
        None => format!("{number} ({words})"),
    };
    match (first == 0, last + 1 == values.len()) {
        (true, true) => "everywhere".to_owned(),
        (true, false) => format!("up to {}", shown(number(last))),
        (false, true) => format!("from {}", shown(number(first))),
        (false, false) => format!("from {} to {}", number(first), shown(number(last))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::figure::Series;

    const X: [f64; 4] = [10.0, 30.0, 100.0, 300.0];

    fn chart(lines: &[(&str, [f64; 4])]) -> (Chart, Vec<Vec<Vec<Point>>>) {
        let series = lines.iter().map(|(label, ys)| {
            let point = |(x, y): (f64, f64)| Point {
                x,
                x_low: x,
                x_high: x,
                y,
                low: y,
                high: y,
                ringed: false,
            };
            let points = X.into_iter().zip(*ys).map(point).collect();
            Series { label: (*label).to_owned(), points }
        });
        let series: Vec<Series> = series.collect();
        let shown = vec![series.iter().map(|line| line.points.clone()).collect()];
        let chart = Chart {
            kind: ChartKind::Lines,
            title: String::new(),
            note: String::new(),
            x_label: "rate (requests/s)".to_owned(),
            y_label: String::new(),
            x_log: true,
            y_log: false,
            y_range: None,
            hulls: Vec::new(),
            series,
        };
        (chart, shown)
    }

    fn said(lines: &[(&str, [f64; 4])]) -> String {
        let (chart, shown) = chart(lines);
        let y = Axis::fit([0.0, 1.0].into_iter(), false, Some((0.0, 1.0)));
        let x = Axis::fit(X.into_iter(), true, None);
        sentences(&chart, &shown, (&x, &y))
    }

    #[test]
    fn lines_that_coincide_are_named_with_the_range() {
        let text = said(&[
            ("a", [0.9, 0.9, 0.5, 0.1]),
            ("b, batched", [0.9, 0.901, 0.7, 0.3]),
            ("c", [0.902, 0.9, 0.6, 0.305]),
            ("d", [0.2, 0.2, 0.2, 0.2]),
        ]);
        assert_eq!(text, "Coinciding up to 30 requests/s: a; b, batched; c.");
        let five = ["a", "b", "c", "d", "e"].map(|label| (label, [0.5; 4]));
        assert_eq!(said(&five), "Coinciding everywhere: all lines.");
        let mut many: Vec<(String, [f64; 4])> =
            (0..9).map(|at| (format!("l{at}"), [0.5; 4])).collect();
        many.extend((0..3).map(|at| (format!("m{at}"), [0.1 * f64::from(at); 4])));
        let many: Vec<(&str, [f64; 4])> =
            many.iter().map(|(label, ys)| (label.as_str(), *ys)).collect();
        let text = "Coinciding everywhere: l0; l1; l2; l3; l4; l5; and 3 more.";
        assert_eq!(said(&many), text);
        let text = "Coinciding everywhere: all but m0; m1.";
        assert_eq!(said(&many[..11]), text);
        let text = said(&[
            ("a", [0.9, 0.9, 0.9, 0.1]),
            ("b", [0.9, 0.9, 0.9, 0.2]),
            ("c", [0.3, 0.9, 0.9, 0.3]),
            ("d", [0.1, 0.2, 0.301, 0.4]),
            ("e", [0.2, 0.3, 0.302, 0.4]),
        ]);
        assert_eq!(
            text,
            "Coinciding up to 100 requests/s: a; b. Coinciding from 30 to 100 requests/s: a; b; c. \
             Coinciding from 100 requests/s: d; e."
        );
    }

    #[test]
    fn lines_that_only_cross_or_are_cut_off_do_not_coincide() {
        assert_eq!(said(&[("a", [0.1, 0.5, 0.9, 0.9]), ("b", [0.9, 0.5, 0.1, 0.1])]), "");
        assert_eq!(said(&[("a", [1.5, 1.5, 0.9, 0.5]), ("b", [1.5, 1.5, 0.1, 0.1])]), "");
        assert_eq!(said(&[("a", [0.1; 4])]), "");
    }

    #[test]
    fn of_panels_only_what_holds_in_each_is_said() {
        let (chart, mut shown) =
            chart(&[("a", [0.5; 4]), ("b", [0.5; 4]), ("c", [0.505; 4]), ("d", [0.9; 4])]);
        shown.push(shown[0].clone());
        shown[1][2].iter_mut().for_each(|point| point.y = 0.7);
        let axis = Axis::fit([0.0, 1.0].into_iter(), false, None);
        let text = sentences(&chart, &shown, (&axis, &axis));
        assert_eq!(text, "Coinciding in all panels: a; b.");
    }
}
