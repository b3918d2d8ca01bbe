//! Type sizes, colours, dash patterns and markers.
//!
//! Three independent cues tell series apart: a reader who sees no colour, or prints in grey,
//! still has the dash pattern and the marker. Which series has which is decided in `assignment`.

use super::geometry::Xy;
use super::text::Face;
use crate::experiment::{DASHES, Dash, Shape};

/// An opaque colour: red, green, blue.
pub(super) type Ink = (u8, u8, u8);

/// Text and axis lines.
pub(super) const BLACK: Ink = (0x1a, 0x1a, 0x1a);
/// Secondary text.
pub(super) const GREY: Ink = (0x55, 0x55, 0x55);
/// Grid lines with a label.
pub(super) const GRID: Ink = (0xd6, 0xd6, 0xd6);
/// Grid lines without one.
pub(super) const FAINT: Ink = (0xec, 0xec, 0xec);
/// Paper.
pub(super) const WHITE: Ink = (0xff, 0xff, 0xff);

pub(super) const TITLE: Face = Face::bold(18.0);
pub(super) const AXIS: Face = Face::regular(17.0);
pub(super) const TICK: Face = Face::regular(16.0);
/// Small print.
pub(super) const NOTE: Face = Face::regular(13.0);
/// Sizes the legend may be set in, best first.
pub(super) const LEGEND_SIZES: [f64; 4] = [16.0, 15.0, 14.0, 13.0];

pub(super) const LINE: f64 = 2.25;
/// Width of the line that joins scatter points, and of error bars.
pub(super) const THIN: f64 = 1.25;
/// Opacity of a confidence band.
pub(super) const BAND: f64 = 0.15;
/// Radius of the disc a marker fits in.
pub(super) const MARKER: f64 = 5.0;

/// Okabe and Ito's colours, safe for the common kinds of colour blindness; without their yellow,
/// which vanishes on white paper.
pub(super) const INKS: [Ink; 7] = [
    (0x00, 0x72, 0xb2),
    (0xd5, 0x5e, 0x00),
    (0x00, 0x9e, 0x73),
    (0x00, 0x00, 0x00),
    (0xcc, 0x79, 0xa7),
    (0xe6, 0x9f, 0x00),
    (0x56, 0xb4, 0xe9),
];

/// Lengths of ink and gap in turn; none is a solid line. Each looks alike from both ends when
/// cut to the length of the sample line in the legend.
pub(super) fn pattern(dash: Dash) -> &'static [f64] {
    match dash {
        Dash::Solid => &[],
        Dash::Dashed => &[7.0, 3.5],
        Dash::Dotted => &[2.5, 2.75],
        Dash::DashDot => &[10.0, 3.5, 2.5, 3.5],
        Dash::Long => &[14.0, 4.0],
    }
}

/// A marker: a shape, filled or as an outline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Marker {
    pub shape: Shape,
    /// Whether the inside is filled; means nothing for bare strokes.
    pub filled: bool,
}

impl Marker {
    /// Whether it hides what lies inside its outline.
    pub(super) fn solid(self) -> bool {
        self.filled && !matches!(self.shape, Shape::Plus | Shape::Cross)
    }
}

const fn marker(shape: Shape, filled: bool) -> Marker {
    Marker { shape, filled }
}

/// The upright cross comes late: among error bars it is the hardest to make out.
pub(super) const MARKERS: [Marker; 12] = [
    marker(Shape::Circle, true),
    marker(Shape::Square, false),
    marker(Shape::Up, true),
    marker(Shape::Diamond, false),
    marker(Shape::Down, true),
    marker(Shape::Circle, false),
    marker(Shape::Square, true),
    marker(Shape::Cross, true),
    marker(Shape::Diamond, true),
    marker(Shape::Up, false),
    marker(Shape::Plus, true),
    marker(Shape::Down, false),
];

/// Width of the line of a hull.
pub(super) const HULL: f64 = 3.0;
/// Opacity of the area that a hull encloses.
pub(super) const WITHIN: f64 = 0.06;

/// Style of one series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeriesStyle {
    /// Colour of line, band and marker.
    pub(super) ink: Ink,
    /// The pattern of the line.
    pub(super) dash: Dash,
    /// The marker at its points.
    pub(super) marker: Marker,
}

impl SeriesStyle {
    /// Ink and gap lengths of the line, in design pixels.
    pub(super) fn pattern(&self) -> &'static [f64] {
        pattern(self.dash)
    }
}

/// The colour of the bars of the kind at this place.
pub(super) fn of_kind(index: usize) -> Ink {
    INKS[index % INKS.len()]
}

/// Ink and dashes of the hull at this place in the list.
pub(super) fn of_hull(index: usize) -> (Ink, &'static [f64]) {
    const HULLS: [usize; 4] = [3, 1, 0, 2];
    (INKS[HULLS[index % HULLS.len()]], pattern(DASHES[index % DASHES.len()].1))
}

/// Corners of the outline around a centre, none for shapes that are no polygon. Sizes are
/// chosen so that all shapes look equally heavy.
pub(super) fn corners(shape: Shape, (x, y): Xy, radius: f64) -> Vec<Xy> {
    let around =
        |unit: &[Xy]| unit.iter().map(|&(dx, dy)| (x + dx * radius, y + dy * radius)).collect();
    match shape {
        Shape::Circle | Shape::Plus | Shape::Cross => Vec::new(),
        Shape::Square => around(&[(-0.88, -0.88), (0.88, -0.88), (0.88, 0.88), (-0.88, 0.88)]),
        Shape::Up => around(&[(0.0, -1.2), (1.1, 0.75), (-1.1, 0.75)]),
        Shape::Down => around(&[(0.0, 1.2), (1.1, -0.75), (-1.1, -0.75)]),
        Shape::Diamond => around(&[(0.0, -1.25), (1.1, 0.0), (0.0, 1.25), (-1.1, 0.0)]),
    }
}

/// The strokes of a cross, none for the other shapes.
pub(super) fn strokes(shape: Shape, (x, y): Xy, radius: f64) -> Vec<[Xy; 2]> {
    let long = radius * 1.15;
    let slant = radius * 0.9;
    match shape {
        Shape::Plus => vec![[(x - long, y), (x + long, y)], [(x, y - long), (x, y + long)]],
        Shape::Cross => vec![
            [(x - slant, y - slant), (x + slant, y + slant)],
            [(x - slant, y + slant), (x + slant, y - slant)],
        ],
        _ => Vec::new(),
    }
}
