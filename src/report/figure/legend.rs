//! The legend: sample lines with their names, in columns, as a block of its own.
//!
//! A legend inside the plot sooner or later covers data. This one is planned as a block from the
//! widths of its labels; the layout then chooses between a column at the right and columns below.

use super::geometry::Xy;
use super::style;
use super::text::{Face, Fonts};

pub(super) const SAMPLE: f64 = 49.5;
/// Between the sample line and its name.
const SPACE: f64 = 6.0;
/// Between columns.
const GAP: f64 = 16.0;
/// More lines than this for one name are cut.
const MOST_LINES: usize = 4;

/// A planned legend; its positions count from its upper left corner.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Legend {
    pub size: f64,
    pub width: f64,
    pub height: f64,
    pub entries: Vec<LegendEntry>,
}

/// One name in the legend.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LegendEntry {
    /// Its place among series and then hulls.
    pub series: usize,
    /// Left end of the sample line.
    pub sample: Xy,
    /// Start of the first baseline.
    pub text: Xy,
    /// The name, broken to the width of the column.
    pub lines: Vec<String>,
}

impl Legend {
    pub(super) fn face(&self) -> Face {
        Face::regular(self.size)
    }

    /// For every type size, the legend with the most columns that fits the width and the one
    /// with a single column; none if there is nothing to name.
    pub(super) fn plans(labels: &[&str], fonts: &Fonts, room: f64) -> Vec<Self> {
        let mut plans = Vec::new();
        for size in style::LEGEND_SIZES {
            let names = names(labels, fonts, Face::regular(size), room - SAMPLE - SPACE);
            let count = names.len();
            let mut plans_of_size = (1..=count).map(|rows| Self::plan(&names, size, rows));
            plans.extend(plans_of_size.find(|plan| plan.width <= room));
            if count > 0 {
                plans.push(Self::plan(&names, size, count));
            }
        }
        plans
    }

    /// A legend with this number of rows, read down the columns.
    fn plan(names: &[Name], size: f64, rows: usize) -> Self {
        let mut legend = Self { size, ..Self::default() };
        let face = legend.face();
        let mut left = 0.0;
        for column in names.chunks(rows.max(1)) {
            let mut top = 0.0;
            for name in column {
                let middle = top + face.leading() / 2.0;
                legend.entries.push(LegendEntry {
                    series: name.series,
                    sample: (left, middle),
                    text: (left + SAMPLE + SPACE, middle + face.cap() / 2.0),
                    lines: name.lines.clone(),
                });
                top += face.leading() * name.lines.len() as f64;
            }
            let widest = column.iter().map(|name| name.width).fold(0.0, f64::max);
            legend.height = legend.height.max(top);
            legend.width = left + SAMPLE + SPACE + widest;
            left = legend.width + GAP;
        }
        legend
    }
}

/// A label broken into lines.
struct Name {
    series: usize,
    lines: Vec<String>,
    width: f64,
}

/// The labels that say something, each broken to the room there is.
fn names(labels: &[&str], fonts: &Fonts, face: Face, room: f64) -> Vec<Name> {
    let all = labels.iter().enumerate().map(|(series, label)| {
        let lines = fonts.wrap(label, face, room, MOST_LINES);
        let width = lines.iter().map(|line| fonts.width(line, face)).fold(0.0, f64::max);
        Name { series, lines, width }
    });
    all.filter(|name| !name.lines.is_empty()).collect()
}
