//! The diagram of mean ranks with the critical difference (Demšar 2006): a line of ranks, a label
//! for each method, and bars that join those which are not told apart.

use super::layout::{PAD, TICK_LENGTH, WIDTH};
use super::scene::{Anchor, Drawing, Scene};
use super::style::{BLACK, GREY, LINE, NOTE, THIN, TICK, TITLE};
use super::text::{Face, Fonts};
use super::{DrawError, paint, pdf};

/// Mean ranks to draw.
#[derive(Clone, Debug, PartialEq)]
pub struct RankDiagram {
    /// Heading above the line.
    pub title: String,
    /// Small print below the labels.
    pub note: String,
    /// Methods with their mean ranks, the best first.
    pub methods: Vec<(String, f64)>,
    /// Methods whose ranks differ by less are joined.
    pub critical_difference: f64,
}

/// Of the page that each half of the labels takes.
const LABELS: f64 = 230.0;
const LABEL: Face = Face::regular(14.0);
/// A bar is as far below the one before.
const BAR_STEP: f64 = 7.0;

impl RankDiagram {
    /// The diagram as an SVG document, 680 user pixels wide.
    ///
    /// # Errors
    ///
    /// A fault of the drawing library or of the build.
    pub fn svg(&self) -> Result<String, DrawError> {
        paint::svg(&self.scene(&Fonts::load()?))
    }

    /// The diagram as an 8-bit RGB PNG, 1360 pixels wide.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`], and if the image cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, DrawError> {
        let fonts = Fonts::load()?;
        paint::png(&self.scene(&fonts), &fonts)
    }

    /// The diagram as a PDF document of one page, 3.4 inches wide.
    ///
    /// # Errors
    ///
    /// As [`Self::svg`].
    pub fn pdf(&self) -> Result<Vec<u8>, DrawError> {
        let fonts = Fonts::load()?;
        pdf::pdf(&self.scene(&fonts), &fonts)
    }

    /// Runs of methods, as first and last place, that are not told apart and no longer run holds.
    fn alike(&self) -> Vec<(usize, usize)> {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (first, (_, rank)) in self.methods.iter().enumerate() {
            let near = |(_, other): &&(String, f64)| other - rank < self.critical_difference;
            let last = first + self.methods[first..].iter().take_while(near).count() - 1;
            if last > first && runs.last().is_none_or(|(_, before)| last > *before) {
                runs.push((first, last));
            }
        }
        runs
    }

    fn scene(&self, fonts: &Fonts) -> Scene {
        let mut drawing = Drawing::default();
        let count = self.methods.len();
        let (left, right) = (LABELS, WIDTH - LABELS);
        let place =
            |rank: f64| left + (rank - 1.0) / (count as f64 - 1.0).max(1.0) * (right - left);
        let mut y = PAD + TITLE.size;
        for line in fonts.wrap(&self.title, TITLE, WIDTH - 2.0 * PAD, 3) {
            drawing.write((WIDTH / 2.0, y), Anchor::Middle, TITLE, BLACK, &line);
            y += TITLE.leading();
        }
        // The critical difference, to scale.
        y += TICK.leading() / 2.0;
        let width = place(1.0 + self.critical_difference) - left;
        let words = format!("critical difference {:.2}", self.critical_difference);
        drawing.write((left, y), Anchor::Start, NOTE, GREY, &words);
        y += NOTE.leading() / 2.0;
        drawing.line(&[(left, y), (left + width.min(right - left), y)], LINE, GREY);
        // The line of ranks.
        y += TICK.leading() * 1.6;
        drawing.line(&[(left, y), (right, y)], THIN, BLACK);
        let step = count.div_ceil(8).max(1);
        for rank in (1..=count).step_by(step) {
            let x = place(rank as f64);
            drawing.line(&[(x, y - TICK_LENGTH), (x, y)], THIN, BLACK);
            drawing.write(
                (x, y - 2.0 * TICK_LENGTH),
                Anchor::Middle,
                TICK,
                BLACK,
                &rank.to_string(),
            );
        }
        // Bars of those that are alike, then labels below all bars.
        let bars = self.alike();
        for (level, (first, last)) in bars.iter().enumerate() {
            let at = y + BAR_STEP * (level as f64 + 1.0);
            let ends = [first, last].map(|method| place(self.methods[*method].1));
            drawing.line(&[(ends[0] - 3.0, at), (ends[1] + 3.0, at)], 2.0 * LINE, GREY);
        }
        let top = y + BAR_STEP * (bars.len() as f64 + 1.0) + LABEL.leading();
        let half = count.div_ceil(2);
        for (method, (name, rank)) in self.methods.iter().enumerate() {
            let x = place(*rank);
            let is_left = method < half;
            let row = if is_left { method } else { count - 1 - method };
            let at = top + row as f64 * LABEL.leading();
            let edge = if is_left { left - PAD } else { right + PAD };
            drawing.line(&[(x, y), (x, at), (edge, at)], THIN / 2.0, BLACK);
            let anchor = if is_left { Anchor::End } else { Anchor::Start };
            let from = if is_left { edge - 4.0 } else { edge + 4.0 };
            let rank = format!(" ({rank:.2})");
            let room = LABELS - 3.0 * PAD - fonts.width(&rank, LABEL);
            let words = fonts.wrap(name, LABEL, room, 1).concat() + &rank;
            drawing.write((from, at + LABEL.cap() / 2.0), anchor, LABEL, BLACK, &words);
        }
        drawing.foot(fonts, &self.note, top + half as f64 * LABEL.leading() + PAD)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Text;
    use super::*;

    fn diagram(ranks: &[f64], critical_difference: f64) -> RankDiagram {
        let methods = ranks.iter().map(|rank| (format!("method {rank}"), *rank)).collect();
        let (title, note) = ("Ranks".to_owned(), "Small print.".to_owned());
        RankDiagram { title, note, methods, critical_difference }
    }

    #[test]
    fn bars_join_the_longest_runs_that_are_not_told_apart() {
        let found = diagram(&[1.0, 1.5, 2.2, 4.0, 4.1], 1.0).alike();
        assert_eq!(found, [(0, 1), (1, 2), (3, 4)]);
        assert_eq!(diagram(&[1.0, 1.5, 1.9], 1.0).alike(), [(0, 2)]);
        assert_eq!(diagram(&[1.0, 3.0], 1.0).alike(), []);
    }

    #[test]
    fn every_method_has_a_label_on_the_page_and_no_two_share_a_place() {
        let ranks: Vec<f64> = (0..31).map(|at| 1.0 + f64::from(at) / 2.0).collect();
        let scene = diagram(&ranks, 3.0).scene(&Fonts::load().unwrap());
        let labels: Vec<&Text> =
            scene.texts.iter().filter(|text| text.words.starts_with("method")).collect();
        assert_eq!(labels.len(), 31);
        for (at, one) in labels.iter().enumerate() {
            assert!(one.at.1 < scene.height && one.at.0 > 0.0 && one.at.0 < WIDTH);
            assert!(labels[..at].iter().all(|other| other.at != one.at));
        }
    }
}
