//! What workers did over time: a row for each lane, a bar for each batch, load or outage.

use super::axis::Axis;
use super::layout::{PAD, TICK_LENGTH, WIDTH};
use super::scene::{Anchor, Drawing, Mark, Scene};
use super::style::{AXIS, BLACK, GREY, GRID, Ink, NOTE, THIN, TICK, TITLE, WHITE, of_kind};
use super::text::{Face, Fonts};
use super::{DrawError, paint, pdf};

/// What a bar shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum GanttKind {
    /// A batch of the application at this place in [`GanttChart::apps`].
    Batch(usize),
    /// A load of a variant.
    Load,
    /// A batch of peeks.
    Peek,
    /// The worker was down.
    Outage,
}

/// A bar.
#[derive(Clone, Debug, PartialEq)]
pub struct GanttBar {
    /// The row.
    pub row: usize,
    /// When it began, in the unit of the axis.
    pub start: f64,
    /// When it ended.
    pub end: f64,
    /// What it shows.
    pub kind: GanttKind,
    /// What stands in it, if there is room.
    pub text: String,
    /// Whether it ended without a result.
    pub is_lost: bool,
}

/// An excerpt of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct GanttChart {
    /// Heading above everything.
    pub title: String,
    /// Small print below everything.
    pub note: String,
    /// Title of the time axis.
    pub x_label: String,
    /// The ends of the time axis.
    pub ends: (f64, f64),
    /// The names of the rows.
    pub rows: Vec<String>,
    /// The applications, in the order of their colours.
    pub apps: Vec<String>,
    /// The bars; what is beyond the ends is cut.
    pub bars: Vec<GanttBar>,
}

/// Of the page that names take.
const NAMES: f64 = 150.0;
const LABEL: Face = Face::regular(13.0);
const INSIDE: Face = Face::regular(10.0);
/// Height of a bar.
const BAR: f64 = 22.0;
/// Between two rows.
const GAP: f64 = 8.0;
/// Of a bar that ended without a result.
const LOST: f64 = 0.3;

impl GanttChart {
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
        let (left, right) = (NAMES, WIDTH - 3.0 * PAD);
        let axis = Axis::fit([self.ends.0, self.ends.1].into_iter(), false, Some(self.ends));
        let place =
            |value: f64| left + axis.place(value).unwrap_or(0.0).clamp(0.0, 1.0) * (right - left);
        let mut y = PAD + TITLE.size;
        for line in fonts.wrap(&self.title, TITLE, WIDTH - 2.0 * PAD, 3) {
            drawing.write((WIDTH / 2.0, y), Anchor::Middle, TITLE, BLACK, &line);
            y += TITLE.leading();
        }
        y = self.legend(&mut drawing, fonts, y);
        let top = y + PAD;
        let bottom = top + (BAR + GAP) * self.rows.len() as f64 + GAP;
        for (value, label) in &axis.ticks(6).major {
            let x = place(*value);
            drawing.line(&[(x, top), (x, bottom)], 1.0, GRID);
            drawing.line(&[(x, bottom), (x, bottom + TICK_LENGTH)], 1.0, BLACK);
            let at = (x, bottom + TICK_LENGTH + TICK.leading());
            drawing.write(at, Anchor::Middle, TICK, BLACK, label);
        }
        let row_top = |row: usize| top + GAP + (BAR + GAP) * row as f64;
        for (row, name) in self.rows.iter().enumerate() {
            let middle = row_top(row) + BAR / 2.0 + LABEL.cap() / 2.0;
            let words = fonts.wrap(name, LABEL, NAMES - 2.0 * PAD, 1).concat();
            drawing.write((NAMES - PAD, middle), Anchor::End, LABEL, BLACK, &words);
        }
        for bar in self.bars.iter().filter(|bar| bar.start < self.ends.1 && bar.end > self.ends.0) {
            let ends = (place(bar.start), place(bar.end));
            draw_bar(&mut drawing, fonts, bar, ends, row_top(bar.row));
        }
        drawing.line(&[(left, top), (left, bottom), (right, bottom)], THIN, BLACK);
        y = bottom + TICK_LENGTH + TICK.leading() + AXIS.leading();
        let middle = f64::midpoint(left, right);
        drawing.write((middle, y), Anchor::Middle, AXIS, BLACK, &self.x_label);
        drawing.foot(fonts, &self.note, y + NOTE.leading() + PAD)
    }

    /// The kinds that occur, with their colours; the baseline of the last line.
    fn legend(&self, drawing: &mut Drawing, fonts: &Fonts, mut y: f64) -> f64 {
        let occurs = |kind: GanttKind| self.bars.iter().any(|bar| bar.kind == kind);
        let apps = self.apps.iter().enumerate();
        let apps = apps.map(|(at, name)| (GanttKind::Batch(at), name.as_str()));
        let others =
            [(GanttKind::Load, "load"), (GanttKind::Peek, "peek"), (GanttKind::Outage, "down")];
        let mut x = PAD;
        for (kind, name) in apps.chain(others).filter(|(kind, _)| occurs(*kind)) {
            let width = 7.0 * PAD + fonts.width(name, LABEL);
            if x + width > WIDTH && x > PAD {
                (x, y) = (PAD, y + LABEL.leading() + 2.0);
            }
            area(drawing, (x, x + 3.0 * PAD), (y - 12.0, y), ink(kind), false);
            drawing.write((x + 4.0 * PAD, y), Anchor::Start, LABEL, GREY, name);
            x += width;
        }
        y
    }
}

fn draw_bar(
    drawing: &mut Drawing,
    fonts: &Fonts,
    bar: &GanttBar,
    (left, right): (f64, f64),
    top: f64,
) {
    area(drawing, (left, right), (top, top + BAR), ink(bar.kind), bar.is_lost);
    // Neighbours of one colour are two batches.
    drawing.line(&[(left, top), (left, top + BAR)], 1.0, WHITE);
    if fonts.width(&bar.text, INSIDE) + 4.0 <= right - left {
        let at = (f64::midpoint(left, right), top + BAR / 2.0 + INSIDE.cap() / 2.0);
        let ink = if is_dark(bar.kind) && !bar.is_lost { WHITE } else { BLACK };
        drawing.write(at, Anchor::Middle, INSIDE, ink, &bar.text);
    }
}

fn ink(kind: GanttKind) -> Ink {
    match kind {
        GanttKind::Batch(app) => of_kind(app),
        GanttKind::Load => (0xb0, 0xb0, 0xb0),
        GanttKind::Peek => (0xdd, 0xdd, 0xdd),
        GanttKind::Outage => BLACK,
    }
}

/// Whether white text is read best on it.
fn is_dark(kind: GanttKind) -> bool {
    let (red, green, blue) = ink(kind);
    u32::from(red) * 3 + u32::from(green) * 6 + u32::from(blue) < 1200
}

fn area(
    drawing: &mut Drawing,
    (left, right): (f64, f64),
    (top, bottom): (f64, f64),
    ink: Ink,
    is_lost: bool,
) {
    let points = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
    let opacity = if is_lost { LOST } else { 1.0 };
    drawing.shapes.push(Mark::Area { points, ink, opacity });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_lie_between_their_times_and_are_cut_at_the_ends() {
        let bar = |row, start, end, kind| {
            let text = format!("{start}");
            GanttBar { row, start, end, kind, text, is_lost: false }
        };
        let chart = GanttChart {
            title: "A run".to_owned(),
            note: String::new(),
            x_label: "time (ms)".to_owned(),
            ends: (10.0, 20.0),
            rows: vec!["w-0, lane 0".to_owned(), "w-0, lane 1".to_owned()],
            apps: vec!["a".to_owned(), "b".to_owned()],
            bars: vec![
                bar(0, 5.0, 15.0, GanttKind::Batch(0)),
                bar(1, 12.0, 18.0, GanttKind::Load),
                bar(1, 21.0, 22.0, GanttKind::Outage),
            ],
        };
        let scene = chart.scene(&Fonts::load().unwrap());
        let areas = scene.shapes.iter().filter_map(|mark| match mark {
            Mark::Area { points, .. } => Some((points[0].0, points[1].0)),
            _ => None,
        });
        let areas: Vec<(f64, f64)> = areas.collect();
        let (left, right) = (NAMES, WIDTH - 3.0 * PAD);
        let at = |share: f64| left + share * (right - left);
        // The legend has what occurs, then the bars; the one beyond the end is left out.
        assert_eq!(areas.len(), 3 + 2);
        assert_eq!(areas[3..], [(left, at(0.5)), (at(0.2), at(0.8))]);
        assert!(scene.texts.iter().all(|text| (0.0..scene.height).contains(&text.at.1)));
        chart.png().unwrap();
        assert_eq!(chart.pdf().unwrap(), chart.pdf().unwrap());
    }
}
