//! The bundled fonts: how wide a text is, where its lines break, and its glyphs as dots.
//!
//! Widths decide the layout, so they come from the bundled font, never from one that happens to
//! be installed. The PNG is set in that font. The SVG asks for it by name and falls back to
//! fonts that are as wide or narrower.

use ab_glyph::{Font, FontRef, GlyphId, InvalidFont, PxScale, ScaleFont, point};

static REGULAR: &[u8] = include_bytes!("fonts/DejaVuSans.ttf");
static BOLD: &[u8] = include_bytes!("fonts/DejaVuSans-Bold.ttf");

/// Families an SVG viewer should try in turn. Verdana has the widths of the bundled font.
pub(super) const FAMILIES: &str = "DejaVu Sans, Verdana, sans-serif";

/// Weight and size of a text; the size is that of the em, in design pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    pub size: f64,
    pub bold: bool,
}

impl Face {
    pub(super) const fn regular(size: f64) -> Self {
        Self { size, bold: false }
    }

    pub(super) const fn bold(size: f64) -> Self {
        Self { size, bold: true }
    }

    /// Distance from one baseline to the next.
    pub(super) fn leading(self) -> f64 {
        (self.size * 1.25).round()
    }

    /// Height of a capital letter above the baseline.
    pub(super) fn cap(self) -> f64 {
        self.size * 0.73
    }
}

/// The fonts, read and ready.
pub(super) struct Fonts {
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

/// A glyph of a text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct PlacedGlyph {
    /// Its number in the font.
    pub id: u16,
    /// What it stands for.
    pub letter: char,
    /// Where it begins.
    pub at: f64,
    /// How far the next one is without kerning.
    pub advance: f64,
    /// The same in ems.
    pub em_advance: f64,
}

impl Fonts {
    pub(super) fn load() -> Result<Self, InvalidFont> {
        Ok(Self {
            regular: FontRef::try_from_slice(REGULAR)?,
            bold: FontRef::try_from_slice(BOLD)?,
        })
    }

    fn font(&self, face: Face) -> &FontRef<'static> {
        if face.bold { &self.bold } else { &self.regular }
    }

    /// Width of a text in design pixels.
    pub(super) fn width(&self, text: &str, face: Face) -> f64 {
        let font = self.font(face);
        let scale = em_scale(font, face.size);
        let mut end = 0.0;
        walk(font, scale, text, |id, caret| {
            end = caret + font.as_scaled(scale).h_advance(id);
        });
        f64::from(end)
    }

    /// The glyphs of a text with their places along the baseline, in design pixels.
    pub(super) fn placed(&self, text: &str, face: Face) -> Vec<PlacedGlyph> {
        let font = self.font(face);
        let scale = em_scale(font, face.size);
        let mut glyphs = Vec::new();
        let mut letters = text.chars();
        walk(font, scale, text, |id, caret| {
            let advance = f64::from(font.as_scaled(scale).h_advance(id));
            glyphs.push(PlacedGlyph {
                id: id.0,
                letter: letters.next().unwrap_or(' '),
                at: f64::from(caret),
                advance,
                em_advance: advance / face.size,
            });
        });
        glyphs
    }

    /// The box that every glyph fits in, at the size of the face: left, bottom, right, top.
    pub(super) fn bounds(&self, face: Face) -> [f64; 4] {
        let font = self.font(face);
        let scaled = font.as_scaled(em_scale(font, face.size));
        let (bottom, top) = (f64::from(scaled.descent()), f64::from(scaled.ascent()));
        [-face.size, bottom, 2.0 * face.size, top]
    }

    /// The font as a file.
    pub(super) fn program(face: Face) -> &'static [u8] {
        if face.bold { BOLD } else { REGULAR }
    }

    /// Breaks a text into lines no wider than `room`, at spaces where it can, and into `most`
    /// lines at most; what is left out then shows as an ellipsis.
    pub(super) fn wrap(&self, text: &str, face: Face, room: f64, most: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
            if word.is_empty() {
                continue;
            }
            if let Some(line) = lines.last_mut() {
                let longer = format!("{line} {word}");
                if self.width(&longer, face) <= room {
                    *line = longer;
                    continue;
                }
            }
            self.break_word(word, face, room, &mut lines);
            if lines.len() > most {
                break;
            }
        }
        if lines.len() > most {
            lines.truncate(most);
            if let Some(line) = lines.last_mut() {
                while !line.is_empty() && self.width(&format!("{line}…"), face) > room {
                    line.pop();
                }
                line.push('…');
            }
        }
        lines
    }

    /// Starts a new line with a word, and more lines if the word alone is too wide.
    fn break_word(&self, word: &str, face: Face, room: f64, lines: &mut Vec<String>) {
        if self.width(word, face) <= room {
            return lines.push(word.to_owned());
        }
        let mut line = String::new();
        for letter in word.chars() {
            line.push(letter);
            if line.chars().count() > 1 && self.width(&line, face) > room {
                line.pop();
                lines.push(std::mem::replace(&mut line, letter.to_string()));
            }
        }
        lines.push(line);
    }

    /// Calls `dot` with every image dot the text touches, relative to the start of the baseline,
    /// x along the text and y down, and how much of it the text covers. `scale` is the number of
    /// image dots to the design pixel.
    pub(super) fn dots(
        &self,
        text: &str,
        face: Face,
        scale: f64,
        mut dot: impl FnMut(i32, i32, f32),
    ) {
        let font = self.font(face);
        let size = em_scale(font, face.size * scale);
        walk(font, size, text, |id, caret| {
            let glyph = id.with_scale_and_position(size, point(caret, 0.0));
            let Some(outline) = font.outline_glyph(glyph) else {
                return;
            };
            let bounds = outline.px_bounds();
            let (left, top) = (bounds.min.x as i32, bounds.min.y as i32);
            outline.draw(|x, y, cover| dot(left + x.cast_signed(), top + y.cast_signed(), cover));
        });
    }
}

/// Visits every glyph of a text with the place where it starts.
fn walk(font: &FontRef<'_>, scale: PxScale, text: &str, mut visit: impl FnMut(GlyphId, f32)) {
    let scaled = font.as_scaled(scale);
    let mut caret = 0.0;
    let mut before = None;
    for letter in text.chars() {
        let id = scaled.glyph_id(letter);
        if let Some(before) = before {
            caret += scaled.kern(before, id);
        }
        visit(id, caret);
        caret += scaled.h_advance(id);
        before = Some(id);
    }
}

/// The scale that makes the em this large; the font library scales by line height instead.
fn em_scale(font: &FontRef<'_>, em: f64) -> PxScale {
    let units = font.units_per_em().unwrap_or(1.0).max(1.0);
    PxScale::from(em as f32 * font.height_unscaled() / units)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACE: Face = Face::regular(16.0);

    #[test]
    fn lines_fit_and_lose_no_word() -> Result<(), InvalidFont> {
        let fonts = Fonts::load()?;
        let text = "bands are 95 % confidence intervals over independent seeds of one workload";
        let lines = fonts.wrap(text, FACE, 200.0, 9);
        assert!(lines.len() > 2);
        assert!(lines.iter().all(|line| fonts.width(line, FACE) <= 200.0));
        assert_eq!(lines.join(" "), text);
        assert!(fonts.wrap(" \n", FACE, 200.0, 9).is_empty());
        Ok(())
    }

    #[test]
    fn words_without_spaces_break_and_excess_is_marked() -> Result<(), InvalidFont> {
        let fonts = Fonts::load()?;
        let lines = fonts.wrap(&"m".repeat(100), FACE, 100.0, 3);
        assert_eq!(lines.len(), 3);
        assert!(lines[2].ends_with('…'));
        assert!(lines.iter().all(|line| fonts.width(line, FACE) <= 100.0));
        Ok(())
    }
}
