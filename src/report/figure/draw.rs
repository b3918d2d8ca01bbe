//! From the chart to the scene: which ink goes where, in which order.

use super::assignment::assign;
use super::axis::{Axis, Ticks, at_foot, shows};
use super::geometry::{Rect, Xy, clip_area, clip_line, dashes, thin};
use super::layout::{self, Layout, Lines, Panel, TICK_LENGTH};
use super::legend::{Legend, SAMPLE};
use super::scene::{Anchor, Mark, Scene, Text};
use super::style::{self, AXIS, Ink, MARKER, Marker, NOTE, SeriesStyle, TICK, TITLE};
use super::text::{Face, Fonts};
use super::{Chart, ChartKind, DrawError, Hull, MAX_SERIES, Panels, Point, Presentation, Series};
use super::{coinciding, notes};
use crate::experiment::{Shape, Styles};

/// Lines with more points than this get spread-out markers instead of one per point.
const FEW_POINTS: usize = 16;
/// How many spread-out markers a line gets.
const SPREAD: usize = 8;
/// Data further off than this many plots counts as that far: where a line to it leaves the plot
/// hardly changes, and clipping keeps its precision.
const FAR: f64 = 1e4;
/// Half the width of the cap of an error bar.
const CAP: f64 = 3.5;
/// Width of the white rim that keeps a marker apart from what lies under it.
const RIM: f64 = 1.25;
/// Radius of the ring around a point.
const RING: f64 = 8.5;
/// Corners of a ring.
const RING_CORNERS: usize = 24;
/// Half the length of the head of an arrow.
const ARROW: f64 = 6.0;
/// A step of a line that is shorter has no arrow: its markers would hide it.
const LEAST_STEP: f64 = 24.0;
/// The break of an axis is so far from its foot.
const BREAK: f64 = 11.0;
/// The gap in the axis there.
const BREAK_GAP: f64 = 4.5;
/// Half the length of the strokes beside the gap, and how far they slant.
const BREAK_LENGTH: f64 = 5.0;
const BREAK_SLANT: f64 = 2.0;
/// Width of the strokes of open markers and crosses.
const PEN: f64 = 2.0;

/// Arranges a chart with these panels, each a title and series.
pub(super) fn scene(
    chart: &Chart,
    panels: Panels<'_>,
    how: &Presentation,
    fonts: &Fonts,
) -> Result<Scene, DrawError> {
    let count = chart.series.len();
    if count > MAX_SERIES {
        return Err(DrawError::TooManySeries { count });
    }
    let usable = |(_, series): &(&str, &[Series])| -> Vec<Vec<Point>> {
        series.iter().map(|series| usable(chart, series)).collect()
    };
    let shown: Vec<Vec<Vec<Point>>> = panels.iter().map(usable).collect();
    let all = || shown.iter().flatten().flatten();
    let x_axis = match chart.kind {
        ChartKind::Scatter => {
            Axis::fit(all().flat_map(|p| [p.x, p.x_low, p.x_high]), chart.x_log, None)
        }
        ChartKind::Lines => Axis::fit(all().map(|p| p.x), chart.x_log, None),
    };
    let x_axis = match chart.kind {
        ChartKind::Lines if how.x_is_setting => x_axis.of_setting(all().map(|p| p.x)),
        _ => x_axis,
    };
    let y_values = all().flat_map(|p| [p.y, p.low, p.high]);
    let x_axis = x_axis.with_foot(all().map(|p| p.x));
    let y_axis = Axis::fit(y_values, chart.y_log, chart.y_range).with_foot(all().map(|p| p.y));
    let mut notes = vec![notes::of_foot(chart, all()), notes::of_cut(chart, &y_axis, all())];
    if how.x_is_setting {
        notes.push(coinciding::sentences(chart, &shown, (&x_axis, &y_axis)));
    }
    let chart = &notes::added(chart, &notes);
    let styles = if how.styles.len() == count {
        how.styles.clone()
    } else {
        let labels: Vec<String> = chart.series.iter().map(|series| series.label.clone()).collect();
        assign(&labels, &[(0..count).collect()], &Styles::default())
    };
    let titles: Vec<&str> = panels.iter().map(|(title, _)| *title).collect();
    let width = how.size.canvas();
    let layout = Layout::of(chart, &titles, fonts, (&x_axis, &y_axis), width);
    let frame = Frame { x_axis: &x_axis, y_axis: &y_axis, plot: layout.plot };
    let has_arrows = how.has_arrows;
    let mut pen = Pen { frame, styles, has_arrows, shapes: Vec::new(), texts: Vec::new() };
    for (panel, shown) in layout.panels.iter().zip(&shown) {
        pen.frame.plot = panel.plot;
        pen.grid(&layout, panel);
        pen.hulls(&chart.hulls, shown);
        pen.data(chart.kind, shown);
    }
    pen.frame.plot = layout.plot;
    pen.words(&layout);
    if let Some((legend, corner)) = &layout.legend {
        pen.legend(legend, *corner, (chart.kind, count));
    }
    for (panel, shown) in layout.panels.iter().zip(&shown) {
        if shown.iter().all(Vec::is_empty) {
            pen.frame.plot = panel.plot;
            pen.no_data();
        }
    }
    let Pen { shapes, texts, .. } = pen;
    Ok(Scene { size: how.size, width, height: layout.height, shapes, texts })
}

/// The points both axes can show, with interval ends that are none replaced by the mean.
fn usable(chart: &Chart, series: &Series) -> Vec<Point> {
    let end = |end: f64, mean: f64| if shows(end, false) { end } else { mean };
    let is_shown = |value: f64, log: bool| shows(value, log) || at_foot(value, log);
    let shown = series.points.iter();
    let shown = shown.filter(|p| is_shown(p.x, chart.x_log) && is_shown(p.y, chart.y_log));
    shown
        .map(|p| Point {
            x_low: end(p.x_low, p.x),
            x_high: end(p.x_high, p.x),
            low: end(p.low, p.y),
            high: end(p.high, p.y),
            ..*p
        })
        .collect()
}

/// The way from data to canvas.
#[derive(Debug, Clone, Copy)]
struct Frame<'a> {
    x_axis: &'a Axis,
    y_axis: &'a Axis,
    plot: Rect,
}

impl Frame<'_> {
    fn x(&self, value: f64) -> Option<f64> {
        let at = self.x_axis.place_end(value)?.clamp(-FAR, FAR);
        Some(self.plot.left + at * self.plot.width())
    }

    fn y(&self, value: f64) -> Option<f64> {
        let at = self.y_axis.place_end(value)?.clamp(-FAR, FAR);
        Some(self.plot.bottom - at * self.plot.height())
    }

    /// Whether a point is at the foot of an axis that is logarithmic.
    fn is_at_foot(&self, point: &Point) -> bool {
        self.x_axis.has_at_foot(point.x) || self.y_axis.has_at_foot(point.y)
    }

    fn path(&self, points: &[Point], value: impl Fn(&Point) -> f64) -> Vec<Xy> {
        let place = |p: &Point| Some((self.x(p.x)?, self.y(value(p))?));
        points.iter().filter_map(place).collect()
    }
}

/// Collects the marks.
struct Pen<'a> {
    frame: Frame<'a>,
    /// Of each series.
    styles: Vec<SeriesStyle>,
    /// Whether arrows show the order of points.
    has_arrows: bool,
    shapes: Vec<Mark>,
    texts: Vec<Text>,
}

impl Pen<'_> {
    fn stroke(&mut self, points: Vec<Xy>, ink: Ink, width: f64) {
        self.shapes.push(Mark::Stroke { points, ink, width });
    }

    /// Grid, axis lines, ticks and tick labels of a panel. Whole pixels keep the thin lines sharp.
    fn grid(&mut self, layout: &Layout, panel: &Panel) {
        let frame = self.frame;
        let plot = frame.plot;
        let x_of = |value: f64| frame.x(value).map(f64::round);
        let y_of = |value: f64| frame.y(value).map(f64::round);
        for (major, ink) in [(false, style::FAINT), (true, style::GRID)] {
            for x in values(&layout.x_ticks, major).filter_map(x_of) {
                self.stroke(vec![(x, plot.top), (x, plot.bottom)], ink, 1.0);
            }
            for y in values(&layout.y_ticks, major).filter_map(y_of) {
                self.stroke(vec![(plot.left, y), (plot.right, y)], ink, 1.0);
            }
        }
        for (value, label) in &layout.x_ticks.major {
            let Some(x) = x_of(*value) else { continue };
            let end = plot.bottom + TICK_LENGTH;
            self.stroke(vec![(x, plot.bottom), (x, end)], style::BLACK, 1.0);
            if panel.x_labels {
                let at = (x, layout::x_label_baseline(&plot));
                self.texts.push(text(at, Anchor::Middle, TICK, style::BLACK, label));
            }
        }
        for (value, label) in &layout.y_ticks.major {
            let Some(y) = y_of(*value) else { continue };
            let end = plot.left - TICK_LENGTH;
            self.stroke(vec![(plot.left, y), (end, y)], style::BLACK, 1.0);
            if panel.y_labels {
                let at = (layout::y_label_end(&plot), y + TICK.cap() / 2.0);
                self.texts.push(text(at, Anchor::End, TICK, style::BLACK, label));
            }
        }
        let corner = [(plot.left, plot.top), (plot.left, plot.bottom), (plot.right, plot.bottom)];
        self.stroke(corner.to_vec(), style::BLACK, 1.25);
        if frame.y_axis.is_cut() {
            self.axis_break((plot.left, plot.bottom - BREAK), (0.0, -1.0));
        }
        if frame.x_axis.is_cut() {
            self.axis_break((plot.left + BREAK, plot.bottom), (1.0, 0.0));
        }
    }

    /// Two slanting strokes over a gap in an axis, which say that it does not begin at 0.
    fn axis_break(&mut self, (x, y): Xy, along: Xy) {
        let across = (-along.1, along.0);
        let at = |a: f64, b: f64| (x + a * along.0 + b * across.0, y + a * along.1 + b * across.1);
        let half = BREAK_GAP / 2.0;
        self.stroke(vec![at(-half, 0.0), at(half, 0.0)], style::WHITE, 3.0);
        for side in [-half, half] {
            let ends =
                vec![at(side - BREAK_SLANT, -BREAK_LENGTH), at(side + BREAK_SLANT, BREAK_LENGTH)];
            self.stroke(ends, style::BLACK, style::THIN);
        }
    }

    /// The hulls of groups, under all points.
    fn hulls(&mut self, hulls: &[Hull], shown: &[Vec<Point>]) {
        let plot = self.frame.plot;
        let paths: Vec<Vec<Xy>> =
            hulls.iter().map(|hull| self.frame.path(&hull.front(shown), |p| p.y)).collect();
        let stairs: Vec<Vec<Xy>> =
            hulls.iter().zip(&paths).map(|(hull, path)| hull.stair(path, &plot)).collect();
        for (at, stair) in stairs.iter().enumerate().filter(|(_, stair)| !stair.is_empty()) {
            let mut outline = stair.clone();
            outline.push(hulls[at].worst(&plot));
            let (points, (ink, _)) = (clip_area(&outline, &plot), style::of_hull(at));
            self.shapes.push(Mark::Area { points, ink, opacity: style::WITHIN });
        }
        for (at, stair) in stairs.iter().enumerate() {
            let (ink, dash) = style::of_hull(at);
            for points in clip_line(stair, &plot).iter().flat_map(|part| dashes(part, dash)) {
                self.stroke(points, ink, style::HULL);
            }
        }
    }

    /// Bands under lines under markers, so that no series hides the values of another.
    fn data(&mut self, kind: ChartKind, shown: &[Vec<Point>]) {
        let styles: Vec<(SeriesStyle, &Vec<Point>)> =
            shown.iter().enumerate().map(|(index, points)| (self.styles[index], points)).collect();
        for (style, points) in &styles {
            match kind {
                ChartKind::Scatter => self.error_bars(*style, points),
                ChartKind::Lines => self.band(*style, points),
            }
        }
        for (style, points) in &styles {
            self.line(kind, *style, points);
        }
        // Filled markers first: open ones and crosses on top of them leave both to be seen.
        for solid in [true, false] {
            for (index, (style, points)) in styles.iter().enumerate() {
                if style.marker.solid() == solid {
                    self.markers(kind, index, *style, points);
                }
            }
        }
    }

    /// The area between the interval ends; a lone point has none and gets an error bar.
    fn band(&mut self, style: SeriesStyle, points: &[Point]) {
        if points.iter().all(|p| p.low >= p.high) {
            return;
        }
        if points.len() == 1 {
            return self.error_bars(style, points);
        }
        let mut outline = thin(&self.frame.path(points, |p| p.high));
        outline.extend(thin(&self.frame.path(points, |p| p.low)).into_iter().rev());
        let points = clip_area(&outline, &self.frame.plot);
        if points.len() > 2 {
            self.shapes.push(Mark::Area { points, ink: style.ink, opacity: style::BAND });
        }
    }

    fn line(&mut self, kind: ChartKind, style: SeriesStyle, points: &[Point]) {
        let path = self.frame.path(points, |p| p.y);
        let width = if kind == ChartKind::Scatter { style::THIN } else { style::LINE };
        for part in clip_line(&thin(&path), &self.frame.plot) {
            self.dashed(&part, style, width);
        }
        if kind == ChartKind::Scatter && self.has_arrows {
            self.arrow(&path, style.ink);
        }
    }

    /// The head of an arrow in the middle of the longest visible step of a line, in its direction.
    fn arrow(&mut self, path: &[Xy], ink: Ink) {
        let plot = self.frame.plot;
        let length = |(from, to): (Xy, Xy)| (to.0 - from.0).hypot(to.1 - from.1);
        let steps = path.windows(2).map(|pair| (pair[0], pair[1]));
        let steps = steps.filter(|(from, to)| plot.holds(*from) && plot.holds(*to));
        // Of several the first.
        let longest = steps.reduce(|a, b| if length(b) > length(a) { b } else { a });
        let Some((from, to)) = longest.filter(|step| length(*step) >= LEAST_STEP) else { return };
        let (dx, dy) = ((to.0 - from.0) / length((from, to)), (to.1 - from.1) / length((from, to)));
        let middle = (f64::midpoint(from.0, to.0), f64::midpoint(from.1, to.1));
        let at = |along: f64, across: f64| {
            (middle.0 + along * dx - across * dy, middle.1 + along * dy + across * dx)
        };
        let points = vec![at(ARROW, 0.0), at(-ARROW, 0.7 * ARROW), at(-ARROW, -0.7 * ARROW)];
        self.shapes.push(Mark::Area { points, ink, opacity: 1.0 });
    }

    fn dashed(&mut self, path: &[Xy], style: SeriesStyle, width: f64) {
        for points in dashes(path, style.pattern()) {
            self.stroke(points, style.ink, width);
        }
    }

    /// Error bars both ways with caps, clipped to the plot; none where the interval is empty.
    fn error_bars(&mut self, style: SeriesStyle, points: &[Point]) {
        let frame = self.frame;
        for p in points {
            let (Some(x), Some(y)) = (frame.x(p.x), frame.y(p.y)) else {
                continue;
            };
            if p.low < p.high {
                let (from, to) = (frame.y(p.low).unwrap_or(y), frame.y(p.high).unwrap_or(y));
                self.bar([(x, from), (x, to)], (CAP, 0.0), style.ink);
            }
            if p.x_low < p.x_high {
                let (from, to) = (frame.x(p.x_low).unwrap_or(x), frame.x(p.x_high).unwrap_or(x));
                self.bar([(from, y), (to, y)], (0.0, CAP), style.ink);
            }
        }
    }

    fn bar(&mut self, ends: [Xy; 2], cap: Xy, ink: Ink) {
        let caps = ends.map(|(x, y)| [(x - cap.0, y - cap.1), (x + cap.0, y + cap.1)]);
        for line in [ends, caps[0], caps[1]] {
            for part in clip_line(&line, &self.frame.plot) {
                self.stroke(part, ink, style::THIN);
            }
        }
    }

    fn markers(&mut self, kind: ChartKind, series: usize, style: SeriesStyle, points: &[Point]) {
        let path = self.frame.path(points, |p| p.y);
        let few = match kind {
            ChartKind::Lines => FEW_POINTS,
            ChartKind::Scatter => usize::MAX,
        };
        for index in marked(path.len(), few, series) {
            let (Some(&at), Some(point)) = (path.get(index), points.get(index)) else { continue };
            if self.frame.plot.holds(at) {
                // An open marker says that its place is not to scale.
                let filled = style.marker.filled && !self.frame.is_at_foot(point);
                self.marker(at, SeriesStyle { marker: Marker { filled, ..style.marker }, ..style });
            }
        }
        let ringed: Vec<Point> = points.iter().filter(|point| point.ringed).copied().collect();
        for at in self.frame.path(&ringed, |p| p.y) {
            if self.frame.plot.holds(at) {
                self.ring(at);
            }
        }
    }

    fn marker(&mut self, at: Xy, style: SeriesStyle) {
        let SeriesStyle { ink, marker, .. } = style;
        for (ink, width) in [(style::WHITE, PEN + 2.0 * RIM), (ink, PEN)] {
            for ends in style::strokes(marker.shape, at, MARKER) {
                self.stroke(ends.to_vec(), ink, width);
            }
        }
        let layers = [(MARKER + RIM, style::WHITE), (MARKER, ink), (MARKER - PEN, style::WHITE)];
        let used = if marker.filled { 2 } else { 3 };
        for (radius, ink) in layers.into_iter().take(used) {
            if marker.shape == Shape::Circle {
                self.shapes.push(Mark::Disc { centre: at, radius, ink });
            }
            let points = style::corners(marker.shape, at, radius);
            if !points.is_empty() {
                self.shapes.push(Mark::Area { points, ink, opacity: 1.0 });
            }
        }
    }

    /// A thin circle around a marker, on a rim that keeps it apart from lines.
    fn ring(&mut self, (x, y): Xy) {
        let corner = |at: usize| {
            let angle = std::f64::consts::TAU * at as f64 / RING_CORNERS as f64;
            (x + RING * libm::cos(angle), y + RING * libm::sin(angle))
        };
        let circle: Vec<Xy> = (0..=RING_CORNERS).map(corner).collect();
        self.stroke(circle.clone(), style::WHITE, style::THIN + RIM);
        self.stroke(circle, style::BLACK, style::THIN);
    }

    /// Heading, axis titles and small print.
    fn words(&mut self, layout: &Layout) {
        let plot = self.frame.plot;
        let middle = f64::midpoint(plot.left, plot.right);
        self.block(&layout.title, TITLE, style::BLACK, (layout.width / 2.0, Anchor::Middle));
        self.block(&layout.x_title, AXIS, style::BLACK, (middle, Anchor::Middle));
        self.block(&layout.note, NOTE, style::GREY, (layout::PAD, Anchor::Start));
        for panel in &layout.panels {
            let middle = f64::midpoint(panel.plot.left, panel.plot.right);
            self.block(&panel.title, TICK, style::BLACK, (middle, Anchor::Middle));
        }
        let mut x = layout.y_title.baseline;
        for line in &layout.y_title.lines {
            let at = (x, f64::midpoint(plot.top, plot.bottom));
            let upright = text(at, Anchor::Middle, AXIS, style::BLACK, line);
            self.texts.push(Text { upright: true, ..upright });
            x += AXIS.leading();
        }
    }

    fn block(&mut self, block: &Lines, face: Face, ink: Ink, (x, anchor): (f64, Anchor)) {
        let mut y = block.baseline;
        for line in &block.lines {
            self.texts.push(text((x, y), anchor, face, ink, line));
            y += face.leading();
        }
    }

    /// The names of the first series, as many as asked for, and then of the hulls.
    fn legend(&mut self, legend: &Legend, corner: Xy, (kind, count): (ChartKind, usize)) {
        let width = if kind == ChartKind::Scatter { style::THIN } else { style::LINE };
        for entry in &legend.entries {
            let (x, y) = (corner.0 + entry.sample.0, (corner.1 + entry.sample.1).round());
            let sample = [(x, y), (x + SAMPLE, y)];
            if let Some(hull) = entry.series.checked_sub(count) {
                let (ink, dash) = style::of_hull(hull);
                dashes(&sample, dash).into_iter().for_each(|p| self.stroke(p, ink, style::HULL));
            } else {
                let style = self.styles[entry.series];
                self.dashed(&sample, style, width);
                self.marker((x + SAMPLE / 2.0, y), style);
            }
            let at = (corner.0 + entry.text.0, corner.1 + entry.text.1);
            let lines = Lines { lines: entry.lines.clone(), baseline: at.1 };
            self.block(&lines, legend.face(), style::BLACK, (at.0, Anchor::Start));
        }
    }

    fn no_data(&mut self) {
        let Rect { left, top, right, bottom } = self.frame.plot;
        let at = (f64::midpoint(left, right), f64::midpoint(top, bottom));
        self.texts.push(text(at, Anchor::Middle, AXIS, style::GREY, "no data"));
    }
}

/// Which of `count` points get a marker. Beyond `few`, some are picked evenly and a little
/// differently in each series, so that markers of lines close together fall apart.
fn marked(points: usize, few: usize, series: usize) -> Vec<usize> {
    if points <= few {
        return (0..points).collect();
    }
    // Offsets run through thirds of the distance between two markers.
    let parts = SPREAD * 6;
    let index = |place: usize| (6 * place + 1 + 2 * (series % 3)) * points / parts;
    (0..SPREAD).map(index).collect()
}

/// The ticks with a label, or those without.
fn values(ticks: &Ticks, major: bool) -> impl Iterator<Item = f64> {
    let labelled = ticks.major.iter().map(|(value, _)| *value).filter(move |_| major);
    labelled.chain(ticks.minor.iter().copied().filter(move |_| !major))
}

fn text(at: Xy, anchor: Anchor, face: Face, ink: Ink, words: &str) -> Text {
    Text { at, anchor, face, ink, upright: false, words: words.to_owned() }
}
