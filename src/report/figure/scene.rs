//! A finished picture as plain data: shapes in painting order, and texts on top of them.
//!
//! Between drawing and painting lies nothing but this, so a test can ask where things ended up,
//! and both output formats show the same.

use super::geometry::Xy;
use super::style::Ink;
use super::text::Face;

/// Everything to paint, with nothing left to decide.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// Width of the canvas in design pixels.
    pub width: f64,
    /// Height of the canvas in design pixels.
    pub height: f64,
    /// Shapes, bottom to top.
    pub shapes: Vec<Mark>,
    /// Texts, above all shapes.
    pub texts: Vec<Text>,
}

/// A shape to paint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A filled polygon.
    Area {
        /// Corners.
        points: Vec<Xy>,
        /// Colour.
        ink: Ink,
        /// 0 leaves no trace, 1 covers.
        opacity: f64,
    },
    /// A line.
    Stroke {
        /// Corners.
        points: Vec<Xy>,
        /// Colour.
        ink: Ink,
        /// Width.
        width: f64,
    },
    /// A filled circle.
    Disc {
        /// Centre.
        centre: Xy,
        /// Radius.
        radius: f64,
        /// Colour.
        ink: Ink,
    },
}

/// Which point of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// Where it starts.
    Start,
    /// Its middle.
    Middle,
    /// Where it ends.
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// A point on the baseline.
    pub at: Xy,
    /// Which one.
    pub anchor: Anchor,
    /// Weight and size.
    pub face: Face,
    /// Colour.
    pub ink: Ink,
    /// Whether it runs upwards instead of rightwards.
    pub upright: bool,
    /// The words.
    pub words: String,
}
