//! Heat maps: shares between 0 and 1 by row and column, a panel for each setting, with the number
//! in every cell.

use super::layout::{PAD, WIDTH};
use super::scene::{Anchor, Drawing, Mark, Scene};
use super::style::{BLACK, GREY, Ink, TITLE, WHITE};
use super::text::{Face, Fonts};
use super::{DrawError, paint, pdf};

/// A row of cells, empty where there is no number.
pub type HeatRow = Vec<Option<f64>>;

/// Shares by row and column.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatMap {
    /// Heading above everything.
    pub title: String,
    /// Small print below everything.
    pub note: String,
    /// The names of the rows.
    pub rows: Vec<String>,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// Each with its title, and the cells by row and column.
    pub panels: Vec<(String, Vec<HeatRow>)>,
}

/// Of the page that names of rows take.
const NAMES: f64 = 190.0;
/// Panels beside each other.
const ACROSS: usize = 3;
/// Height of a row.
const ROW: f64 = 17.0;
/// Between panels.
const GAP: f64 = 10.0;
const LABEL: Face = Face::regular(13.0);
const NUMBER: Face = Face::regular(12.0);
/// The colour of 1.
const DARK: Ink = (0x08, 0x4c, 0x8a);

impl HeatMap {
    /// The map as an SVG document, 680 user pixels wide.
    ///
    /// # Errors
    ///
    /// A fault of the drawing library or of the build.
    pub fn svg(&self) -> Result<String, DrawError> {
        paint::svg(&self.scene(&Fonts::load()?))
    }

    /// The map as an 8-bit RGB PNG, 1360 pixels wide.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`], and if the image cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, DrawError> {
        let fonts = Fonts::load()?;
        paint::png(&self.scene(&fonts), &fonts)
    }

    /// The map as a PDF document of one page, 3.4 inches wide.
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
        let mut y = PAD + TITLE.size;
        for line in fonts.wrap(&self.title, TITLE, WIDTH - 2.0 * PAD, 3) {
            drawing.write((WIDTH / 2.0, y), Anchor::Middle, TITLE, BLACK, &line);
            y += TITLE.leading();
        }
        let across = self.panels.len().clamp(1, ACROSS) as f64;
        let width = (WIDTH - PAD - NAMES - (across - 1.0) * GAP) / across;
        for panels in self.panels.chunks(ACROSS) {
            let titles: Vec<Vec<String>> =
                panels.iter().map(|(title, _)| fonts.wrap(title, LABEL, width, 3)).collect();
            let lines = titles.iter().map(Vec::len).max().unwrap_or(0) as f64;
            let top = y + (lines + 1.0) * LABEL.leading();
            for (row, name) in self.rows.iter().enumerate() {
                let words = fonts.wrap(name, LABEL, NAMES - 2.0 * PAD, 1).concat();
                let at = (NAMES - PAD, top + (row as f64 + 0.5) * ROW + LABEL.cap() / 2.0);
                drawing.write(at, Anchor::End, LABEL, BLACK, &words);
            }
            for (at, ((_, cells), title)) in panels.iter().zip(titles).enumerate() {
                let left = NAMES + at as f64 * (width + GAP);
                for (line, words) in title.iter().enumerate() {
                    let at = (left + width / 2.0, y + line as f64 * LABEL.leading());
                    drawing.write(at, Anchor::Middle, LABEL, BLACK, words);
                }
                self.panel(&mut drawing, fonts, cells, (left, top, width));
            }
            y = top + ROW * self.rows.len() as f64 + LABEL.leading() + GAP;
        }
        drawing.foot(fonts, &self.note, y)
    }

    /// The cells of a panel below the names of the columns.
    fn panel(
        &self,
        drawing: &mut Drawing,
        fonts: &Fonts,
        cells: &[HeatRow],
        (left, top, width): (f64, f64, f64),
    ) {
        let step = width / self.columns.len().max(1) as f64;
        let middle = |column: usize| left + (column as f64 + 0.5) * step;
        for (column, name) in self.columns.iter().enumerate() {
            let words = fonts.wrap(name, NUMBER, step, 1).concat();
            drawing.write((middle(column), top - PAD / 2.0), Anchor::Middle, NUMBER, GREY, &words);
        }
        for (row, cells) in cells.iter().enumerate() {
            let (from, to) = (top + ROW * row as f64, top + ROW * (row as f64 + 1.0));
            for (column, value) in cells.iter().enumerate() {
                let Some(value) = value.filter(|value| value.is_finite()) else { continue };
                let (x, end) = (left + step * column as f64, left + step * (column as f64 + 1.0));
                let points = vec![(x, from), (end, from), (end, to), (x, to)];
                let share = value.clamp(0.0, 1.0);
                drawing.shapes.push(Mark::Area { points, ink: blend(share), opacity: 1.0 });
                let ink = if share > 0.5 { WHITE } else { BLACK };
                let at = (middle(column), f64::midpoint(from, to) + NUMBER.cap() / 2.0);
                let text = format!("{value:.2}");
                drawing.write(at, Anchor::Middle, NUMBER, ink, text.trim_start_matches('0'));
            }
        }
        let bottom = top + ROW * cells.len() as f64;
        let (right, frame) = (left + width, bottom);
        let outline = [(left, top), (right, top), (right, frame), (left, frame), (left, top)];
        drawing.line(&outline, 1.0, GREY);
    }
}

/// The colour of a share: from white to dark.
fn blend(share: f64) -> Ink {
    let part = |white: u8, dark: u8| {
        (f64::from(white) + share * (f64::from(dark) - f64::from(white))).round() as u8
    };
    (part(WHITE.0, DARK.0), part(WHITE.1, DARK.1), part(WHITE.2, DARK.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_their_numbers_and_colours() {
        assert_eq!((blend(0.0), blend(1.0)), (WHITE, DARK));
        let cells = vec![vec![Some(1.0), Some(0.25)], vec![None, Some(0.0)]];
        let map = HeatMap {
            title: "Rules".to_owned(),
            note: "Small print.".to_owned(),
            rows: vec!["edf".to_owned(), "symphony".to_owned()],
            columns: vec!["best".to_owned(), "fastest".to_owned()],
            panels: (0..5).map(|at| (format!("load = {at}"), cells.clone())).collect(),
        };
        let scene = map.scene(&Fonts::load().unwrap());
        let count = |words: &str| scene.texts.iter().filter(|text| text.words == words).count();
        assert_eq!((count("1.00"), count(".25"), count(".00"), count("edf")), (5, 5, 5, 2));
        let inside = |text: &super::super::scene::Text| {
            (0.0..WIDTH).contains(&text.at.0) && (0.0..scene.height).contains(&text.at.1)
        };
        assert!(scene.texts.iter().all(inside));
        map.png().unwrap();
    }
}
