//! The Pareto hull of a group of series: a stair through those of its points than which no other is
//! better in both metrics, and the area of what they exceed.

use super::Point;
use super::geometry::{Rect, Xy};

/// A group of series with its hull.
#[derive(Debug, Clone, PartialEq)]
pub struct Hull {
    /// The name in the legend.
    pub label: String,
    /// Places in the list of series.
    pub members: Vec<usize>,
    /// Whether more is better, along x and along y.
    pub more: [bool; 2],
}

impl Hull {
    /// The points of these series that no other exceeds, the best along x first.
    pub(super) fn front(&self, shown: &[Vec<Point>]) -> Vec<Point> {
        let [x_sign, y_sign] = self.more.map(|more| if more { 1.0 } else { -1.0 });
        let members = self.members.iter().filter_map(|at| shown.get(*at));
        let mut points: Vec<Point> = members.flatten().copied().collect();
        let order = |a: &Point, b: &Point| {
            let along_x = (x_sign * b.x).total_cmp(&(x_sign * a.x));
            along_x.then((y_sign * b.y).total_cmp(&(y_sign * a.y)))
        };
        points.sort_by(order);
        let mut best = f64::NEG_INFINITY;
        points.retain(|point| {
            let is_better = y_sign * point.y > best;
            best = best.max(y_sign * point.y);
            is_better
        });
        points
    }

    /// The stair through the front, whose places on the canvas these are, to the edges of the plot.
    pub(super) fn stair(&self, front: &[Xy], plot: &Rect) -> Vec<Xy> {
        let (Some(first), Some(last)) = (front.first(), front.last()) else { return Vec::new() };
        let mut stair = vec![(first.0, if self.more[1] { plot.bottom } else { plot.top })];
        for (at, point) in front.iter().enumerate() {
            stair.extend(at.checked_sub(1).map(|before| (point.0, front[before].1)));
            stair.push(*point);
        }
        stair.push((if self.more[0] { plot.left } else { plot.right }, last.1));
        stair
    }

    /// The corner of the plot in which both metrics are worst.
    pub(super) fn worst(&self, plot: &Rect) -> Xy {
        let x = if self.more[0] { plot.left } else { plot.right };
        (x, if self.more[1] { plot.bottom } else { plot.top })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(list: &[(f64, f64)]) -> Vec<Point> {
        let point = |&(x, y)| Point { x, x_low: x, x_high: x, y, low: y, high: y, ringed: false };
        list.iter().map(point).collect()
    }

    /// Misses along x, accuracy along y: by hand.
    #[test]
    fn a_front_has_no_point_that_another_exceeds() {
        let shown =
            [points(&[(0.1, 0.5), (0.3, 0.9)]), points(&[(0.0, 1.0)]), points(&[(0.2, 0.4)])];
        let hull = Hull { label: String::new(), members: vec![0, 2], more: [false, true] };
        let front: Vec<(f64, f64)> = hull.front(&shown).iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(front, [(0.1, 0.5), (0.3, 0.9)]);
        let all = Hull { members: vec![0, 1, 2], ..hull.clone() };
        assert_eq!(all.front(&shown).len(), 1, "one point exceeds all");
        let none = Hull { members: Vec::new(), ..hull.clone() };
        assert!(none.front(&shown).is_empty());
        // More of both: the best along x first.
        let more = Hull { more: [true, true], members: vec![0, 1, 2], ..hull };
        let front: Vec<(f64, f64)> = more.front(&shown).iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(front, [(0.3, 0.9), (0.0, 1.0)]);
    }

    #[test]
    fn a_stair_goes_from_edge_to_edge() {
        let plot = Rect { left: 0.0, top: 0.0, right: 10.0, bottom: 10.0 };
        let hull = Hull { label: String::new(), members: Vec::new(), more: [false, true] };
        let stair = hull.stair(&[(2.0, 6.0), (5.0, 3.0)], &plot);
        assert_eq!(stair, [(2.0, 10.0), (2.0, 6.0), (5.0, 6.0), (5.0, 3.0), (10.0, 3.0)]);
        assert_eq!(hull.worst(&plot), (10.0, 10.0));
        assert!(hull.stair(&[], &plot).is_empty());
    }
}
