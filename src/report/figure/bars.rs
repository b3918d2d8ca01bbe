//! Horizontal bars: a name at the left, its bars below each other, and the number of each at its
//! end. A bar without an upper end is drawn to the edge of the plot.

use super::axis::Axis;
use super::layout::{PAD, TICK_LENGTH, WIDTH};
use super::scene::{Anchor, Drawing, Mark, Scene};
use super::style::{AXIS, BLACK, GREY, GRID, NOTE, THIN, TICK, TITLE, of_kind};
use super::text::{Face, Fonts};
use super::{DrawError, paint, pdf};

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// Its length.
    pub value: f64,
    /// The ends of its interval, if there is one.
    pub ends: Option<(f64, f64)>,
    /// What stands at its end.
    pub text: String,
    /// Whether it is longer by an unknown length.
    pub is_open: bool,
}

/// Bars of several kinds for several names.
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// Heading above everything.
    pub title: String,
    /// Small print below everything.
    pub note: String,
    /// Title of the horizontal axis.
    pub x_label: String,
    /// The kinds of bar, in the order of the bars of a name.
    pub kinds: Vec<String>,
    /// The end of the axis, which begins at 0.
    pub most: f64,
    /// The names, each with a bar of every kind, if it has that.
    pub rows: Vec<(String, Vec<Option<Bar>>)>,
}

/// Of the page that names take.
const NAMES: f64 = 244.0;
/// Of the page that the longest number takes.
const NUMBERS: f64 = 96.0;
const LABEL: Face = Face::regular(13.0);
const NUMBER: Face = Face::regular(12.0);
/// Height of a bar.
const BAR: f64 = 12.0;
/// Between the bars of two names.
const GAP: f64 = 7.0;
/// Half the height of the cap of an interval.
const CAP: f64 = 3.0;

impl BarChart {
    /// The chart as an SVG document, 680 user pixels wide.
    ///
    /// # Errors
    ///
    /// A fault of the drawing library or of the build.
    pub fn svg(&self) -> Result<String, DrawError> {
        paint::svg(&self.scene(&Fonts::load()?))
    }

    /// The chart as an 8-bit RGB PNG, 1360 pixels wide.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`], and if the image cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, DrawError> {
        let fonts = Fonts::load()?;
        paint::png(&self.scene(&fonts), &fonts)
    }

    /// The chart as a PDF document of one page, 3.4 inches wide.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`].
    pub fn pdf(&self) -> Result<Vec<u8>, DrawError> {
        let fonts = Fonts::load()?;
        pdf::pdf(&self.scene(&fonts), &fonts)
    }

    pub(super) fn scene(&self, fonts: &Fonts) -> Scene {
        let mut drawing = Drawing::default();
        let (left, right) = (NAMES, WIDTH - NUMBERS);
        let axis = Axis::fit([0.0, self.most].into_iter(), false, Some((0.0, self.most)));
        let place =
            |value: f64| left + axis.place(value).unwrap_or(0.0).clamp(0.0, 1.0) * (right - left);
        let mut y = PAD + TITLE.size;
        for line in fonts.wrap(&self.title, TITLE, WIDTH - 2.0 * PAD, 3) {
            drawing.write((WIDTH / 2.0, y), Anchor::Middle, TITLE, BLACK, &line);
            y += TITLE.leading();
        }
        self.legend(&mut drawing, fonts, (left, y));
        let top = y + LABEL.leading();
        let pitch = BAR * self.kinds.len() as f64 + GAP;
        let bottom = top + pitch * self.rows.len() as f64 + GAP;
        for (value, label) in &axis.ticks(6).major {
            let x = place(*value);
            drawing.line(&[(x, top), (x, bottom)], 1.0, GRID);
            drawing.line(&[(x, bottom), (x, bottom + TICK_LENGTH)], 1.0, BLACK);
            let at = (x, bottom + TICK_LENGTH + TICK.leading());
            drawing.write(at, Anchor::Middle, TICK, BLACK, label);
        }
        for (row, (name, bars)) in self.rows.iter().enumerate() {
            let from = top + GAP + pitch * row as f64;
            let middle = from + (pitch - GAP) / 2.0 + LABEL.cap() / 2.0;
            let words = fonts.wrap(name, LABEL, NAMES - 2.0 * PAD, 1).concat();
            drawing.write((NAMES - PAD, middle), Anchor::End, LABEL, BLACK, &words);
            for (kind, bar) in bars.iter().enumerate() {
                let Some(bar) = bar else { continue };
                let end = if bar.is_open { right } else { place(bar.value) };
                let band = (from + BAR * kind as f64, from + BAR * (kind as f64 + 1.0) - 1.0);
                draw_bar(&mut drawing, kind, (left, end), band);
                let middle = f64::midpoint(band.0, band.1);
                let mut after = end;
                if let Some((low, high)) = bar.ends {
                    let (low, high) = (place(low), place(high));
                    after = after.max(high);
                    drawing.line(&[(low, middle), (high, middle)], THIN, BLACK);
                    for x in [low, high] {
                        drawing.line(&[(x, middle - CAP), (x, middle + CAP)], THIN, BLACK);
                    }
                }
                let at = (after + PAD / 2.0, middle + NUMBER.cap() / 2.0);
                drawing.write(at, Anchor::Start, NUMBER, BLACK, &bar.text);
            }
        }
        drawing.line(&[(left, top), (left, bottom), (right, bottom)], THIN, BLACK);
        y = bottom + TICK_LENGTH + TICK.leading() + AXIS.leading();
        let middle = f64::midpoint(left, right);
        drawing.write((middle, y), Anchor::Middle, AXIS, BLACK, &self.x_label);
        drawing.foot(fonts, &self.note, y + NOTE.leading() + PAD)
    }

    /// The kinds with their colours, in a line.
    fn legend(&self, drawing: &mut Drawing, fonts: &Fonts, (mut x, y): (f64, f64)) {
        for (kind, name) in self.kinds.iter().enumerate() {
            draw_bar(drawing, kind, (x, x + 3.0 * PAD), (y - BAR, y - 1.0));
            x += 4.0 * PAD;
            drawing.write((x, y), Anchor::Start, LABEL, GREY, name);
            x += fonts.width(name, LABEL) + 3.0 * PAD;
        }
    }
}

/// A bar of a kind, between these places along x and y.
fn draw_bar(
    drawing: &mut Drawing,
    kind: usize,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
) {
    let points = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    let ink = of_kind(kind);
    drawing.shapes.push(Mark::Area { points, ink, opacity: 0.75 });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_end_at_their_values_and_open_ones_at_the_edge() {
        let bar = |value, is_open| {
            Some(Bar { value, ends: Some((0.4, 0.6)), text: format!("{value}"), is_open })
        };
        let chart = BarChart {
            title: "Knees".to_owned(),
            note: "Small print.".to_owned(),
            x_label: "load".to_owned(),
            kinds: vec!["99 %".to_owned(), "95 %".to_owned()],
            most: 1.0,
            rows: vec![
                ("a".to_owned(), vec![bar(0.5, false), bar(0.9, true)]),
                ("b".to_owned(), vec![None, bar(0.25, false)]),
            ],
        };
        let scene = chart.scene(&Fonts::load().unwrap());
        let areas: Vec<f64> = scene
            .shapes
            .iter()
            .filter_map(|mark| match mark {
                Mark::Area { points, .. } => Some(points[1].0),
                _ => None,
            })
            .collect();
        let (left, right) = (NAMES, WIDTH - NUMBERS);
        let at = |share: f64| left + share * (right - left);
        // Two samples of the legend, then the bars.
        assert_eq!(areas[2..], [at(0.5), right, at(0.25)]);
        let inside = |text: &super::super::scene::Text| {
            (0.0..WIDTH).contains(&text.at.0) && (0.0..scene.height).contains(&text.at.1)
        };
        assert!(scene.texts.iter().all(inside));
        assert_eq!(chart.svg().unwrap(), chart.clone().svg().unwrap());
        chart.png().unwrap();
    }
}
