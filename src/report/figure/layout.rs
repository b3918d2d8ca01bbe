//! Where everything goes on the canvas.
//!
//! Words come first, since they must fit; the plot takes the room they leave. Should that be too
//! little, the canvas grows downwards rather than the type shrink below what print can carry.

use super::Chart;
use super::axis::{Axis, Ticks};
use super::geometry::{Rect, Xy};
use super::legend::Legend;
use super::style::{AXIS, NOTE, TICK, TITLE};
use super::text::{Face, Fonts};

/// The usual width of the canvas.
pub(super) const WIDTH: f64 = 680.0;
/// Height of the canvas for its width, unless it has to grow.
const ASPECT: f64 = 460.0 / 680.0;
/// The canvas is never lower than this.
const LOWEST: f64 = 360.0;
/// Panels are never narrower than this.
const LEAST_PANEL: f64 = 130.0;
/// The plot is never lower than this.
const LEAST_HEIGHT: f64 = 250.0;
/// A legend at the right must leave the plot at least this width.
const LEAST_WIDTH: f64 = 360.0;
/// Between the edge of the canvas and anything on it.
pub(super) const PAD: f64 = 8.0;
/// Between blocks.
const GAP: f64 = 8.0;
/// Height of a panel among several.
const PANEL_HEIGHT: f64 = 160.0;
/// Below the last block, which ends with a gap already.
const FOOT: f64 = 2.0;
pub(super) const TICK_LENGTH: f64 = 5.0;
/// Between a tick and its label.
const TICK_SPACE: f64 = 4.0;
/// Left of the plot before its tick labels are known; only used to compare legends.
const USUAL_LEFT: f64 = 80.0;

/// Lines of text below one another, with the baseline of the first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    pub lines: Vec<String>,
    /// First baseline; for the y title the x of a baseline that runs upwards.
    pub baseline: f64,
}

/// Positions of all parts of a figure, in design pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    pub width: f64,
    pub height: f64,
    /// Bounding box of all plotting areas.
    pub plot: Rect,
    /// The plotting areas, row by row.
    pub panels: Vec<Panel>,
    pub title: Lines,
    /// The note below everything.
    pub note: Lines,
    pub x_title: Lines,
    pub y_title: Lines,
    pub x_ticks: Ticks,
    pub y_ticks: Ticks,
    pub legend: Option<(Legend, Xy)>,
}

/// One plotting area.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panel {
    pub plot: Rect,
    /// Above it.
    pub title: Lines,
    /// Whether it has labels of the x axis, which it has if no panel is below it.
    pub x_labels: bool,
    /// Whether it has labels of the y axis, which it has if no panel is left of it.
    pub y_labels: bool,
}

/// A legend and the side it goes to.
struct Choice {
    legend: Option<Legend>,
    below: bool,
}

impl Layout {
    /// Arranges a chart whose axes are known, with a panel for every title.
    pub(super) fn of(
        chart: &Chart,
        titles: &[&str],
        fonts: &Fonts,
        (x_axis, y_axis): (&Axis, &Axis),
        width: f64,
    ) -> Self {
        let (grid, height) = (Grid::of(titles.len(), width), (width * ASPECT).max(LOWEST));
        let room = width - 2.0 * PAD;
        let title = fonts.wrap(&chart.title, TITLE, room, 3);
        let note = fonts.wrap(&chart.note, NOTE, room, 12);
        let x_title = fonts.wrap(&chart.x_label, AXIS, room - USUAL_LEFT, 2);
        let top = PAD + block(&title, TITLE).max(TICK.size / 2.0);
        let axis_height = TICK_LENGTH + TICK_SPACE + TICK.leading() + block(&x_title, AXIS);
        let fixed = top + axis_height + block(&note, NOTE) + FOOT;
        let choice = choose(chart, fonts, (width, height - fixed), titles.len() <= 1);
        let (legend_width, legend_height) = choice.room();
        let rows = |panel: f64| {
            let words = grid.words(titles, fonts);
            (words, panel + words, (panel + words) * grid.rows as f64)
        };
        let (words, pitch, plot_height) = match grid.rows {
            1 if grid.columns == 1 => rows((height - fixed - legend_height).max(LEAST_HEIGHT)),
            1 => rows(LEAST_HEIGHT * (width / WIDTH).max(1.0)),
            _ => rows(PANEL_HEIGHT * (width / WIDTH).max(1.0)),
        };

        let y_title = fonts.wrap(&chart.y_label, AXIS, plot_height, 3);
        let y_ticks = y_axis.ticks(match pitch - words {
            high if high > 300.0 => 6,
            high if high > PANEL_HEIGHT => 5,
            _ => 4,
        });
        let left = PAD + block(&y_title, AXIS) + widest(&y_ticks, fonts) + TICK_LENGTH + TICK_SPACE;
        let right = width - legend_width - PAD;
        let (x_ticks, overhang, step) = grid.columns_of(x_axis, fonts, right - left);
        let heads = grid.title(titles, fonts);
        let panel = |at: usize| {
            let (row, column) = ((at / grid.columns) as f64, at % grid.columns);
            let from = left + step.0 * column as f64;
            let last = column + 1 == grid.columns;
            let to = if last { right - overhang } else { from + step.1 };
            let above = top + row * pitch + heads;
            let (from_y, to_y) = (above.ceil(), (above + pitch - words).ceil());
            let plot = Rect { left: from.ceil(), top: from_y, right: to.floor(), bottom: to_y };
            let title = titles.get(at).copied().unwrap_or_default();
            Panel {
                title: title_above(&plot, title, fonts),
                plot,
                x_labels: at + grid.columns >= titles.len(),
                y_labels: column == 0,
            }
        };
        let panels: Vec<Panel> = (0..titles.len().max(1)).map(panel).collect();
        let ends = |end: fn(&Rect) -> f64| panels.iter().map(move |panel| end(&panel.plot));
        let plot = Rect {
            left: left.ceil(),
            top: panels[0].plot.top,
            right: ends(|plot| plot.right).fold(0.0, f64::max),
            bottom: ends(|plot| plot.bottom).fold(0.0, f64::max),
        };

        let below_axis = plot.bottom + TICK_LENGTH + TICK_SPACE + TICK.leading();
        let after_axis = below_axis + block(&x_title, AXIS);
        let legend_at = choice.corner(&plot, after_axis, width);
        let after_legend = after_axis + legend_height;
        Self {
            width,
            height: (after_legend + block(&note, NOTE) + FOOT).ceil(),
            plot,
            panels,
            title: lines(title, PAD, TITLE),
            x_title: lines(x_title, below_axis, AXIS),
            y_title: lines(y_title, PAD, AXIS),
            note: lines(note, after_legend, NOTE),
            x_ticks,
            y_ticks,
            legend: choice.legend.map(|legend| (legend, legend_at)),
        }
    }
}

/// A title that ends just above a panel.
fn title_above(plot: &Rect, title: &str, fonts: &Fonts) -> Lines {
    let title = fonts.wrap(title, TICK, plot.right - plot.left, 2);
    let top = plot.top - TICK.leading() * title.len() as f64 - TICK_SPACE;
    lines(title, top, TICK)
}

/// Baseline of the labels below the x axis of a panel.
pub(super) fn x_label_baseline(plot: &Rect) -> f64 {
    (plot.bottom + TICK_LENGTH + TICK_SPACE + TICK.cap()).round()
}

/// Where the labels left of the y axis of a panel end.
pub(super) fn y_label_end(plot: &Rect) -> f64 {
    plot.left - TICK_LENGTH - TICK_SPACE
}

/// How panels are arranged.
struct Grid {
    columns: usize,
    rows: usize,
    /// Whether the last row has gaps, above which panels have labels.
    gaps: bool,
    width: f64,
}

impl Grid {
    fn of(panels: usize, width: f64) -> Self {
        let columns = match panels {
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let most = ((width - USUAL_LEFT) / LEAST_PANEL) as usize;
        let columns = columns.min(most.max(1));
        let rows = panels.max(1).div_ceil(columns);
        Self { columns, rows, gaps: panels > 1 && !panels.is_multiple_of(columns), width }
    }

    /// The height of the titles of a row.
    fn title(&self, titles: &[&str], fonts: &Fonts) -> f64 {
        // A little less than any panel is wide.
        let room = (self.width - USUAL_LEFT) / self.columns as f64 - 3.0 * TICK.size;
        let most = titles.iter().map(|title| fonts.wrap(title, TICK, room, 2).len()).max();
        match most.unwrap_or(0) {
            0 => 0.0,
            most => TICK.leading() * most as f64 + TICK_SPACE,
        }
    }

    /// What a row takes besides its panel: the titles, and the labels above a gap.
    fn words(&self, titles: &[&str], fonts: &Fonts) -> f64 {
        let several = if self.rows > 1 { GAP } else { 0.0 };
        let labels = if self.gaps { TICK_LENGTH + TICK_SPACE + TICK.leading() } else { 0.0 };
        self.title(titles, fonts) + several + labels
    }

    /// The ticks of the x axis, how far the last label may stick out, and how far a panel is from
    /// the one before it and how wide.
    fn columns_of(&self, axis: &Axis, fonts: &Fonts, room: f64) -> (Ticks, f64, (f64, f64)) {
        let columns = self.columns as f64;
        // Labels at the ends of neighbours must keep apart.
        let wide = |overhang: f64| {
            let between = 2.0 * overhang + TICK.size;
            ((room - overhang - (columns - 1.0) * between) / columns, between)
        };
        let (_, most) = fitting_ticks(axis, fonts, room / columns);
        let (ticks, overhang) = fitting_ticks(axis, fonts, wide(most).0 + most);
        let (width, between) = wide(overhang);
        (ticks, overhang, (width + between, width))
    }
}

impl Choice {
    /// What the legend takes from the width and from the height.
    fn room(&self) -> (f64, f64) {
        match &self.legend {
            None => (0.0, 0.0),
            Some(legend) if self.below => (0.0, legend.height + GAP),
            Some(legend) => (legend.width + GAP, 0.0),
        }
    }

    /// Where the upper left corner of the legend goes.
    fn corner(&self, plot: &Rect, below: f64, width: f64) -> Xy {
        match &self.legend {
            Some(legend) if self.below => (((width - legend.width) / 2.0).floor(), below),
            Some(legend) => (width - PAD - legend.width, plot.top),
            None => (0.0, 0.0),
        }
    }
}

/// The legend that leaves the plot the largest area, weighed by how large its type is; where there
/// are several panels, below them.
fn choose(chart: &Chart, fonts: &Fonts, (page, height): (f64, f64), alone: bool) -> Choice {
    let series = chart.series.iter().map(|series| series.label.as_str());
    let hulls = chart.hulls.iter().map(|hull| hull.label.as_str());
    let labels: Vec<&str> = series.chain(hulls).collect();
    let width = page - USUAL_LEFT - 2.0 * PAD;
    let (mut best, mut most) = (Choice { legend: None, below: true }, 0.0);
    for legend in Legend::plans(&labels, fonts, page - 2.0 * PAD) {
        let narrow = width - legend.width - GAP;
        let low = (height - legend.height - GAP).max(LEAST_HEIGHT / 4.0);
        let beside = alone && narrow >= LEAST_WIDTH && legend.height <= height;
        let area_below = width * low * legend.size;
        let area_beside = if beside { narrow * height * legend.size } else { 0.0 };
        let area = area_below.max(area_beside);
        if area > most {
            most = area;
            best = Choice { legend: Some(legend), below: area_below >= area_beside };
        }
    }
    best
}

/// As many x ticks as have labels that keep apart, and how far the last label may stick out: at
/// the values of a setting, if the axis is of one.
fn fitting_ticks(axis: &Axis, fonts: &Fonts, width: f64) -> (Ticks, f64) {
    let labels = axis.value_ticks();
    let most = labels.iter().map(|(_, label)| fonts.width(label, TICK)).fold(0.0, f64::max);
    let is_apart = |ticks: &[(f64, String)]| are_apart(axis, ticks, fonts, width - most / 2.0);
    if let Some(major) = thinned(&labels, is_apart) {
        let minor = labels.iter().map(|(value, _)| *value);
        let minor = minor.filter(|value| major.iter().all(|(shown, _)| shown != value));
        return (Ticks { minor: minor.collect(), major }, most / 2.0);
    }
    let mut wanted = 8;
    loop {
        let ticks = axis.ticks(wanted);
        let overhang = widest(&ticks, fonts) / 2.0;
        if wanted <= 2 || are_apart(axis, &ticks.major, fonts, width - overhang) {
            return (ticks, overhang);
        }
        wanted -= 1;
    }
}

/// Whether the labels of ticks keep apart on an axis of this length.
fn are_apart(axis: &Axis, ticks: &[(f64, String)], fonts: &Fonts, length: f64) -> bool {
    ticks.windows(2).all(|pair| {
        let ends: Option<Vec<f64>> = pair.iter().map(|tick| axis.place(tick.0)).collect();
        let distance = ends.map_or(0.0, |ends| (ends[1] - ends[0]) * length);
        let labels: f64 = pair.iter().map(|tick| fonts.width(&tick.1, TICK) / 2.0).sum();
        distance >= labels + TICK.size / 2.0
    })
}

/// Ticks whose labels keep apart: every one, every second, and so on; or from the last one down
/// those that find room, if these are more, as of values that double.
fn thinned(
    all: &[(f64, String)],
    is_apart: impl Fn(&[(f64, String)]) -> bool,
) -> Option<Vec<(f64, String)>> {
    if all.is_empty() {
        return None;
    }
    let every = |step| all.iter().step_by(step).cloned().collect::<Vec<_>>();
    let even = (1..=all.len()).map(every).find(|kept| is_apart(kept)).unwrap_or_default();
    let mut kept: Vec<(f64, String)> = Vec::new();
    for tick in all.iter().rev() {
        kept.insert(0, tick.clone());
        if !is_apart(&kept) {
            kept.remove(0);
        }
    }
    Some(if even.len() >= kept.len() { even } else { kept })
}

fn widest(ticks: &Ticks, fonts: &Fonts) -> f64 {
    ticks.major.iter().map(|(_, label)| fonts.width(label, TICK)).fold(0.0, f64::max)
}

/// Height of some lines and the gap that parts them from the next block; nothing for none.
fn block(lines: &[String], face: Face) -> f64 {
    if lines.is_empty() {
        return 0.0;
    }
    face.leading() * lines.len() as f64 + GAP
}

/// Lines whose block starts at `top`.
fn lines(lines: Vec<String>, top: f64, face: Face) -> Lines {
    Lines { lines, baseline: (top + face.cap() + (face.leading() - face.size) / 2.0).round() }
}
