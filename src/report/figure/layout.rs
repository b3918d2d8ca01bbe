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

/// Width of the canvas.
pub(super) const WIDTH: f64 = 680.0;
/// Height of the canvas unless it has to grow.
const HEIGHT: f64 = 460.0;
/// The plot is never lower than this.
const LEAST_HEIGHT: f64 = 250.0;
/// A legend at the right must leave the plot at least this width.
const LEAST_WIDTH: f64 = 360.0;
/// Between the edge of the canvas and anything on it.
pub(super) const PAD: f64 = 8.0;
/// Between blocks.
const GAP: f64 = 8.0;
/// Below the last block, which ends with a gap already.
const FOOT: f64 = 2.0;
/// Length of a tick.
pub(super) const TICK_LENGTH: f64 = 5.0;
/// Between a tick and its label.
const TICK_SPACE: f64 = 4.0;
/// Left of the plot before its tick labels are known; only used to compare legends.
const USUAL_LEFT: f64 = 80.0;

/// Lines of text below one another, with the baseline of the first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lines {
    /// The broken text.
    pub lines: Vec<String>,
    /// First baseline; for the y title the x of a baseline that runs upwards.
    pub baseline: f64,
}

/// The whole arrangement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layout {
    /// Height of the canvas.
    pub height: f64,
    /// The plotting area.
    pub plot: Rect,
    /// The heading.
    pub title: Lines,
    /// The small print.
    pub note: Lines,
    /// Title of the x axis.
    pub x_title: Lines,
    /// Title of the y axis.
    pub y_title: Lines,
    /// Ticks of the x axis.
    pub x_ticks: Ticks,
    /// Ticks of the y axis.
    pub y_ticks: Ticks,
    /// The legend, if there is one.
    pub legend: Option<(Legend, Xy)>,
}

/// A legend and the side it goes to.
struct Choice {
    legend: Option<Legend>,
    below: bool,
}

impl Layout {
    /// Baseline of the labels below the x axis.
    pub(super) fn x_label_baseline(&self) -> f64 {
        (self.plot.bottom + TICK_LENGTH + TICK_SPACE + TICK.cap()).round()
    }

    /// Where the labels left of the y axis end.
    pub(super) fn y_label_end(&self) -> f64 {
        self.plot.left - TICK_LENGTH - TICK_SPACE
    }

    /// Arranges a chart whose axes are known.
    pub(super) fn of(chart: &Chart, fonts: &Fonts, x_axis: &Axis, y_axis: &Axis) -> Self {
        let room = WIDTH - 2.0 * PAD;
        let title = fonts.wrap(&chart.title, TITLE, room, 3);
        let note = fonts.wrap(&chart.note, NOTE, room, 12);
        let x_title = fonts.wrap(&chart.x_label, AXIS, room - USUAL_LEFT, 2);
        let top = PAD + block(&title, TITLE).max(TICK.size / 2.0);
        let axis_height = TICK_LENGTH + TICK_SPACE + TICK.leading() + block(&x_title, AXIS);
        let fixed = top + axis_height + block(&note, NOTE) + FOOT;
        let choice = choose(chart, fonts, HEIGHT - fixed);
        let (legend_width, legend_height) = choice.room();
        let plot_height = (HEIGHT - fixed - legend_height).max(LEAST_HEIGHT);
        let bottom = top + plot_height;

        let y_title = fonts.wrap(&chart.y_label, AXIS, plot_height, 3);
        let y_ticks = y_axis.ticks(if plot_height > 300.0 { 6 } else { 5 });
        let left = PAD + block(&y_title, AXIS) + widest(&y_ticks, fonts) + TICK_LENGTH + TICK_SPACE;
        let right = WIDTH - legend_width - PAD;
        let (x_ticks, overhang) = fitting_ticks(x_axis, fonts, right - left);
        let plot = Rect {
            left: left.ceil(),
            top: top.ceil(),
            right: (right - overhang).floor(),
            bottom: bottom.ceil(),
        };

        let below_axis = plot.bottom + TICK_LENGTH + TICK_SPACE + TICK.leading();
        let after_axis = below_axis + block(&x_title, AXIS);
        let legend_at = choice.corner(&plot, after_axis);
        let after_legend = after_axis + legend_height;
        Self {
            height: (after_legend + block(&note, NOTE) + FOOT).ceil(),
            plot,
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
    fn corner(&self, plot: &Rect, below: f64) -> Xy {
        match &self.legend {
            Some(legend) if self.below => (((WIDTH - legend.width) / 2.0).floor(), below),
            Some(legend) => (WIDTH - PAD - legend.width, plot.top),
            None => (0.0, 0.0),
        }
    }
}

/// The legend that leaves the plot the largest area, weighed by how large its type is.
fn choose(chart: &Chart, fonts: &Fonts, height: f64) -> Choice {
    let labels: Vec<&str> = chart.series.iter().map(|series| series.label.as_str()).collect();
    let width = WIDTH - USUAL_LEFT - 2.0 * PAD;
    let (mut best, mut most) = (Choice { legend: None, below: true }, 0.0);
    for legend in Legend::plans(&labels, fonts, WIDTH - 2.0 * PAD) {
        let narrow = width - legend.width - GAP;
        let low = (height - legend.height - GAP).max(LEAST_HEIGHT / 4.0);
        let beside = narrow >= LEAST_WIDTH && legend.height <= height;
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

/// As many x ticks as have labels that keep apart, and how far the last label may stick out.
fn fitting_ticks(axis: &Axis, fonts: &Fonts, width: f64) -> (Ticks, f64) {
    let mut wanted = 8;
    loop {
        let ticks = axis.ticks(wanted);
        let overhang = widest(&ticks, fonts) / 2.0;
        let inner = width - overhang;
        let apart = ticks.major.windows(2).all(|pair| {
            let ends: Option<Vec<f64>> = pair.iter().map(|tick| axis.place(tick.0)).collect();
            let distance = ends.map_or(0.0, |ends| (ends[1] - ends[0]) * inner);
            let labels: f64 = pair.iter().map(|tick| fonts.width(&tick.1, TICK) / 2.0).sum();
            distance >= labels + TICK.size
        });
        if apart || wanted <= 2 {
            return (ticks, overhang);
        }
        wanted -= 1;
    }
}

fn widest(ticks: &Ticks, fonts: &Fonts) -> f64 {
    ticks.major.iter().map(|(_, label)| fonts.width(label, TICK)).fold(0.0, f64::max)
}

/// Height of some lines and the gap that parts them from the next block; nothing for none.
fn block(lines: &[String], face: Face) -> f64 {
    if lines.is_empty() {
        return 0.0;
    }
    face.leading() * f64::from(u32::try_from(lines.len()).unwrap_or(0)) + GAP
}

/// Lines whose block starts at `top`.
fn lines(lines: Vec<String>, top: f64, face: Face) -> Lines {
    Lines { lines, baseline: (top + face.cap() + (face.leading() - face.size) / 2.0).round() }
}
