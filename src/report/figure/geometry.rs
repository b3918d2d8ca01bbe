//! Points, rectangles, and what has to be done to lines before they are ink.

/// A place on the canvas in design pixels, y downwards.
pub(super) type Xy = (f64, f64);

/// Points closer than this, in design pixels, are one point on paper.
const SAME: f64 = 0.5;

/// An upright rectangle in design pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub(super) fn width(&self) -> f64 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f64 {
        self.bottom - self.top
    }

    /// Whether a point lies inside or, up to rounding, on the edge.
    pub(super) fn holds(&self, (x, y): Xy) -> bool {
        let slack = 1e-6;
        x >= self.left - slack
            && x <= self.right + slack
            && y >= self.top - slack
            && y <= self.bottom + slack
    }
}

/// Drops points that fall on their predecessor; the first and the last always stay.
///
/// A line of ten thousand points has far more of them than the page has dots.
pub(super) fn thin(points: &[Xy]) -> Vec<Xy> {
    let mut kept: Vec<Xy> = Vec::new();
    for (index, &point) in points.iter().enumerate() {
        let near = |&(x, y): &Xy| (x - point.0).abs() < SAME && (y - point.1).abs() < SAME;
        if !kept.last().is_some_and(near) {
            kept.push(point);
        } else if index + 1 == points.len() && kept.len() > 1 {
            kept.pop();
            kept.push(point);
        }
    }
    kept
}

/// The parts of a line inside the rectangle.
pub(super) fn clip_line(points: &[Xy], rect: &Rect) -> Vec<Vec<Xy>> {
    let mut runs: Vec<Vec<Xy>> = Vec::new();
    let mut joined = false;
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let Some((start, end)) = clip_segment(from, to, rect) else {
            joined = false;
            continue;
        };
        match runs.last_mut() {
            Some(run) if joined => run.push(end),
            _ => runs.push(vec![start, end]),
        }
        // A cut end means that the line leaves here and comes back elsewhere.
        joined = end == to;
    }
    runs
}

/// The part of a segment inside the rectangle (Liang and Barsky).
fn clip_segment(from: Xy, to: Xy, rect: &Rect) -> Option<(Xy, Xy)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let sides = [
        (-dx, from.0 - rect.left),
        (dx, rect.right - from.0),
        (-dy, from.1 - rect.top),
        (dy, rect.bottom - from.1),
    ];
    let (mut enter, mut leave) = (0.0_f64, 1.0_f64);
    for (outward, room) in sides {
        if outward == 0.0 {
            if room < 0.0 {
                return None;
            }
        } else if outward < 0.0 {
            enter = enter.max(room / outward);
        } else {
            leave = leave.min(room / outward);
        }
    }
    if enter > leave {
        return None;
    }
    let at = |part: f64| (from.0 + part * dx, from.1 + part * dy);
    let start = if enter > 0.0 { at(enter) } else { from };
    let end = if leave < 1.0 { at(leave) } else { to };
    Some((start, end))
}

/// The part of an area inside the rectangle (Sutherland and Hodgman).
pub(super) fn clip_area(points: &[Xy], rect: &Rect) -> Vec<Xy> {
    let left = cut(points, |p| p.0 - rect.left);
    let right = cut(&left, |p| rect.right - p.0);
    let top = cut(&right, |p| p.1 - rect.top);
    cut(&top, |p| rect.bottom - p.1)
}

/// Keeps what lies on the side where `inside` is not negative.
fn cut(points: &[Xy], inside: impl Fn(Xy) -> f64) -> Vec<Xy> {
    let Some(&last) = points.last() else {
        return Vec::new();
    };
    let mut kept = Vec::with_capacity(points.len() + 4);
    let mut before = last;
    for &point in points {
        let (a, b) = (inside(before), inside(point));
        if (a < 0.0) != (b < 0.0) {
            let part = a / (a - b);
            kept.push((
                before.0 + part * (point.0 - before.0),
                before.1 + part * (point.1 - before.1),
            ));
        }
        if b >= 0.0 {
            kept.push(point);
        }
        before = point;
    }
    kept
}

/// The inked parts of a line under a pattern of ink and gap lengths; all of it if the pattern is
/// empty.
pub(super) fn dashes(points: &[Xy], pattern: &[f64]) -> Vec<Vec<Xy>> {
    let usable = pattern.iter().all(|length| *length > 0.0);
    let (Some(&first), Some(&start), true) = (pattern.first(), points.first(), usable) else {
        return vec![points.to_vec()];
    };
    let mut parts = vec![vec![start]];
    let (mut phase, mut left) = (0, first);
    for pair in points.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let part = done / length;
            let at = (from.0 + part * (to.0 - from.0), from.1 + part * (to.1 - from.1));
            if phase % 2 == 0 {
                extend(&mut parts, at);
            } else {
                parts.push(vec![at]);
            }
            phase = (phase + 1) % pattern.len();
            left = pattern[phase];
        }
        left -= length - done;
        if phase % 2 == 0 {
            extend(&mut parts, to);
        }
    }
    parts.retain(|part| part.len() > 1);
    parts
}

fn extend(parts: &mut [Vec<Xy>], at: Xy) {
    if let Some(part) = parts.last_mut() {
        part.push(at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: Rect = Rect { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };

    #[test]
    fn a_line_that_leaves_and_returns_is_two_lines() {
        let runs = clip_line(&[(1.0, 5.0), (3.0, 15.0), (5.0, 5.0)], &UNIT);
        assert_eq!(runs, vec![vec![(1.0, 5.0), (2.0, 10.0)], vec![(4.0, 10.0), (5.0, 5.0)]]);
    }

    #[test]
    fn a_line_inside_stays_whole() {
        let line = [(1.0, 1.0), (2.0, 9.0), (9.0, 9.0)];
        assert_eq!(clip_line(&line, &UNIT), vec![line.to_vec()]);
        assert!(clip_line(&[(11.0, 1.0), (12.0, 9.0)], &UNIT).is_empty());
    }

    #[test]
    fn an_area_is_cut_at_the_edge() {
        let cut = clip_area(&[(2.0, 5.0), (8.0, 5.0), (8.0, 20.0), (2.0, 20.0)], &UNIT);
        assert!(cut.iter().all(|&point| UNIT.holds(point)), "{cut:?}");
        assert_eq!(cut.len(), 4);
    }

    #[test]
    fn dashes_carry_over_corners() {
        let parts = dashes(&[(0.0, 0.0), (3.0, 0.0), (3.0, 4.0)], &[4.0, 2.0]);
        assert_eq!(
            parts,
            vec![vec![(0.0, 0.0), (3.0, 0.0), (3.0, 1.0)], vec![(3.0, 3.0), (3.0, 4.0)]]
        );
    }

    #[test]
    fn thinning_keeps_both_ends() {
        let line = [(0.0, 0.0), (0.1, 0.0), (5.0, 0.0), (5.1, 0.1)];
        assert_eq!(thin(&line), vec![(0.0, 0.0), (5.1, 0.1)]);
        assert_eq!(thin(&line[..1]), vec![(0.0, 0.0)]);
    }
}
