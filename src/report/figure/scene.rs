//! A finished picture as plain data: shapes in painting order, and texts on top of them.
//!
//! Between drawing and painting lies nothing but this, so a test can ask where things ended up,
//! and both output formats show the same.

use super::geometry::Xy;
use super::layout::{PAD, WIDTH};
use super::style::{GREY, Ink, NOTE};
use super::text::{Face, Fonts};
use crate::experiment::FigureSize;

/// A picture; lengths are in design pixels.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scene {
    /// Its size on paper.
    pub size: FigureSize,
    pub width: f64,
    pub height: f64,
    /// Shapes, bottom to top.
    pub shapes: Vec<Mark>,
    pub texts: Vec<Text>,
}

/// A shape to paint.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Mark {
    /// A filled polygon.
    Area {
        points: Vec<Xy>,
        ink: Ink,
        /// 0 leaves no trace, 1 covers.
        opacity: f64,
    },
    Stroke {
        points: Vec<Xy>,
        ink: Ink,
        width: f64,
    },
    /// A filled circle.
    Disc {
        centre: Xy,
        radius: f64,
        ink: Ink,
    },
}

/// Which point of a text its position means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// One line of text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// A point on the baseline.
    pub at: Xy,
    pub anchor: Anchor,
    pub face: Face,
    pub ink: Ink,
    /// Whether it runs upwards instead of rightwards.
    pub upright: bool,
    pub words: String,
}

/// A picture that is being drawn, without its height.
#[derive(Debug, Default)]
pub(super) struct Drawing {
    pub shapes: Vec<Mark>,
    texts: Vec<Text>,
}

impl Drawing {
    pub(super) fn line(&mut self, points: &[Xy], width: f64, ink: Ink) {
        self.shapes.push(Mark::Stroke { points: points.to_vec(), ink, width });
    }

    pub(super) fn write(&mut self, at: Xy, anchor: Anchor, face: Face, ink: Ink, words: &str) {
        self.texts.push(Text { at, anchor, face, ink, upright: false, words: words.to_owned() });
    }

    /// Ends the picture with small print, whose first baseline is `y`.
    pub(super) fn foot(mut self, fonts: &Fonts, note: &str, mut y: f64) -> Scene {
        for line in fonts.wrap(note, NOTE, WIDTH - 2.0 * PAD, 12) {
            self.write((PAD, y), Anchor::Start, NOTE, GREY, &line);
            y += NOTE.leading();
        }
        Scene {
            size: FigureSize::default(),
            width: WIDTH,
            height: y.ceil(),
            shapes: self.shapes,
            texts: self.texts,
        }
    }
}
