//! Figures: one [`Chart`] in, one SVG text, PDF document or PNG image out.
//!
//! A chart is data and words only. [`svg`], [`pdf()`] and [`png()`] turn it into a scene, a list of
//! filled areas, strokes, discs and texts with all positions settled, and then paint that scene.
//! All outputs come from the same scene, so they never disagree about ticks, legend or markers.
//!
//! Lengths inside this module are *design pixels*. A figure is usually 680 of them wide and meant
//! for a paper's column of 3.4 inches, hence 200 design pixels to the inch. Type has fixed sizes in
//! design pixels, 17 for axis titles. Another width or size of type makes the figure so many design
//! pixels wide that type comes out in the asked size at the asked width. The SVG keeps quarters of
//! a design pixel, the PNG has two image pixels to each. Data keeps the units of the caller, who
//! names them in the axis titles.
//!
//! Nothing depends on the fonts, the clock or the locale of the machine: the same chart gives
//! the same bytes.
//!
//! | file | what it holds |
//! |------|---------------|
//! | `axis` | the range of an axis, its ticks and their labels |
//! | `style` | colours, dash patterns, markers, type sizes |
//! | `assignment` | which label has which style |
//! | `notes` | sentences on points that an axis cannot show |
//! | `coinciding` | the sentence on lines that cannot be told apart |
//! | `geometry` | clipping, dashing and thinning of lines |
//! | `text` | the bundled fonts: widths, line breaking, glyphs |
//! | `legend` | the block that explains the lines, always beside or below the plot |
//! | `layout` | where everything goes |
//! | `draw` | from the chart to the scene |
//! | `bars` | horizontal bars |
//! | `gantt` | what workers did over time |
//! | `heat_map` | shares by row and column |
//! | `hull` | the best points of a group |
//! | `ranks` | the diagram of mean ranks |
//! | `scene` | a finished picture as plain data |
//! | `paint` | the scene as SVG or PNG |
//! | `pdf` | the scene as PDF |

mod assignment;
mod axis;
mod bars;
mod coinciding;
mod draw;
mod gantt;
mod geometry;
mod heat_map;
mod hull;
mod layout;
mod legend;
mod notes;
mod paint;
mod pdf;
mod ranks;
mod scene;
mod style;
#[cfg(test)]
mod tests;
mod text;

pub use assignment::{SeriesLook, assign, look_of};
pub(in crate::report) use axis::in_words;
pub use bars::{Bar, BarChart};
pub use gantt::{GanttBar, GanttChart, GanttKind};
pub use heat_map::{HeatMap, HeatRow};
pub use hull::Hull;
pub use ranks::RankDiagram;
pub use style::SeriesStyle;

use crate::experiment::FigureSize;

/// The most series one chart may have; a legend longer than that is a table, not a figure.
pub const MAX_SERIES: usize = 48;

/// One line of a chart, with its confidence band.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// The name in the legend.
    pub label: String,
    /// The points in drawing order; those that are not finite are skipped.
    pub points: Vec<Point>,
}

/// One point and the 95 % interval around it.
///
/// An end equals the mean where there is no interval. An end that is not finite counts as such.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Mean along the x axis.
    pub x: f64,
    /// Lower end of the interval along x; only [`ChartKind::Scatter`] draws it.
    pub x_low: f64,
    /// Upper end of the interval along x; only [`ChartKind::Scatter`] draws it.
    pub x_high: f64,
    /// Mean along the y axis.
    pub y: f64,
    /// Lower end of the interval along y.
    pub low: f64,
    /// Upper end of the interval along y.
    pub high: f64,
    /// Whether it has a ring, whose meaning the note of the chart gives.
    pub ringed: bool,
}

/// How the points of a series become ink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartKind {
    /// Straight lines between points, a marker at each (at some of them when there are many) and
    /// a band between the interval ends.
    Lines,
    /// A marker per point with error bars both ways, joined in order by a thin line.
    Scatter,
}

/// A figure to draw.
///
/// Words wrap where they have to and take no room when empty; what exceeds a dozen lines of note,
/// or a few lines elsewhere, ends in an ellipsis.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// How points are drawn.
    pub kind: ChartKind,
    /// Heading above the plot.
    pub title: String,
    /// Small print below everything.
    pub note: String,
    /// Title of the x axis, with its unit.
    pub x_label: String,
    /// Title of the y axis, with its unit.
    pub y_label: String,
    /// Whether x is logarithmic; points at or below zero are then drawn at its edge, as open
    /// markers, and the note says how many.
    pub x_log: bool,
    /// Whether y is logarithmic; points at or below zero are then drawn as for x.
    pub y_log: bool,
    /// Ends of the y axis; taken from the data if absent or unusable (not finite, not rising,
    /// at or below zero on a logarithmic axis). Data beyond the ends is clipped.
    pub y_range: Option<(f64, f64)>,
    /// The hulls of groups of series, after the lines in the legend.
    pub hulls: Vec<Hull>,
    /// The lines, in legend order.
    pub series: Vec<Series>,
}

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The bundled font cannot be read.
    #[error("the bundled font cannot be read")]
    Font(#[from] ab_glyph::InvalidFont),
    /// The part of the bundled font that a document needs cannot be made.
    #[error("the bundled font cannot be cut down: {0}")]
    Subset(#[from] subsetter::Error),
    /// There are more series than a legend can explain.
    #[error("{count} series in one chart, at most {MAX_SERIES} can be told apart")]
    TooManySeries {
        /// How many the chart has.
        count: usize,
    },
    /// The drawing library refused.
    #[error("drawing failed: {0}")]
    Backend(String),
    /// The image could not be encoded.
    #[error("encoding the image failed")]
    Encode(#[from] png::EncodingError),
}

/// How a chart is shown, besides what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Presentation {
    /// The width, and the size of type.
    pub size: FigureSize,
    /// The style of each series; if empty, the styles of their labels.
    pub styles: Vec<SeriesStyle>,
    /// Of [`ChartKind::Lines`]: whether x is a setting, at whose values ticks stand.
    pub x_is_setting: bool,
    /// Of [`ChartKind::Scatter`]: whether an arrow shows the order of the points of each series.
    pub has_arrows: bool,
}

impl Default for Presentation {
    fn default() -> Self {
        let size = FigureSize::default();
        Self { size, styles: Vec::new(), x_is_setting: true, has_arrows: false }
    }
}

/// Panels of a chart, each a title and series.
pub type Panels<'a> = &'a [(&'a str, &'a [Series])];

/// Draws the chart as an SVG document of the width that is asked for, usually 680 user pixels, with
/// a panel for each title and its series. Panels share axes, words and the legend, which names the
/// series of `chart`: those of every panel must be in its order.
///
/// # Errors
///
/// [`DrawError::TooManySeries`] beyond [`MAX_SERIES`]; any other error is a fault of the drawing
/// library or of the build.
pub fn svg(chart: &Chart, panels: Panels<'_>, how: &Presentation) -> Result<String, DrawError> {
    let fonts = text::Fonts::load()?;
    paint::svg(&draw::scene(chart, panels, how, &fonts)?)
}

/// Draws the chart as an 8-bit RGB PNG, two image pixels to the design pixel, usually 1360 wide,
/// with the density that makes it as wide as asked for; panels as in [`svg`].
///
/// # Errors
///
/// As [`svg`], and [`DrawError::Encode`] if the image cannot be encoded.
pub fn png(chart: &Chart, panels: Panels<'_>, how: &Presentation) -> Result<Vec<u8>, DrawError> {
    let fonts = text::Fonts::load()?;
    paint::png(&draw::scene(chart, panels, how, &fonts)?, &fonts)
}

/// Draws the chart as a PDF document of one page, which is as wide as asked for, with embedded
/// fonts; panels as in [`svg`].
///
/// # Errors
///
/// As [`svg`], and [`DrawError::Font`] or [`DrawError::Subset`] if a font cannot be embedded.
pub fn pdf(chart: &Chart, panels: Panels<'_>, how: &Presentation) -> Result<Vec<u8>, DrawError> {
    let fonts = text::Fonts::load()?;
    pdf::pdf(&draw::scene(chart, panels, how, &fonts)?, &fonts)
}
