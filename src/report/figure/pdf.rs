//! A scene as a PDF document of one page: shapes as paths, texts as texts in the bundled fonts.
//!
//! Each font is cut down to the glyphs that the page shows and embedded, with the table by which
//! viewers find the letters again: text can be searched and copied. Nothing in the document depends
//! on when or where it is made.

use super::DrawError;
use super::geometry::Xy;
use super::scene::{Anchor, Mark, Scene, Text};
use super::style::Ink;
use super::text::{Face, Fonts, PlacedGlyph};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{CidFontType, FontFlags, LineJoinStyle, SystemInfo, UnicodeCmap};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str};
use std::collections::BTreeMap;
use std::io::Write;
use subsetter::GlyphRemapper;

/// Control points of a quarter of a circle lie so far along its tangents.
const QUARTER: f64 = 0.552_284_75;
/// Sizes in a font program are in thousandths of the em.
const EM: f32 = 1000.0;

/// The scene as a document.
pub(super) fn pdf(scene: &Scene, fonts: &Fonts) -> Result<Vec<u8>, DrawError> {
    let mut next = Ref::new(1);
    let mut id = || next.bump();
    let [catalog, pages, page_id, content_id] = [id(), id(), id(), id()];
    let mut used = [UsedFont::new(false), UsedFont::new(true)];
    let mut opacities: Vec<f64> = Vec::new();
    let content = content(scene, fonts, &mut used, &mut opacities);

    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(pages);
    pdf.pages(pages).kids([page_id]).count(1);
    let font_ids: Vec<Ref> = used.iter().map(|_| id()).collect();
    let state_ids: Vec<Ref> = opacities.iter().map(|_| id()).collect();
    let point = scene.size.point();
    let mut page = pdf.page(page_id);
    let (width, height) = (scene.size.points() as f32, (scene.height * point) as f32);
    page.media_box(Rect::new(0.0, 0.0, width, height)).parent(pages).contents(content_id);
    let mut resources = page.resources();
    let mut listed = resources.fonts();
    for (font, id) in used.iter().zip(&font_ids) {
        listed.pair(Name(font.name()), *id);
    }
    listed.finish();
    let mut listed = resources.ext_g_states();
    for (at, id) in state_ids.iter().enumerate() {
        listed.pair(Name(state_name(at).as_bytes()), *id);
    }
    listed.finish();
    resources.finish();
    page.finish();
    for (opacity, id) in opacities.iter().zip(state_ids) {
        pdf.ext_graphics(id).non_stroking_alpha(*opacity as f32);
    }
    for (font, own) in used.iter().zip(font_ids) {
        font.write(&mut pdf, fonts, own, [id(), id(), id(), id()])?;
    }
    let packed = deflated(&content);
    pdf.stream(content_id, &packed).filter(Filter::FlateDecode);
    Ok(pdf.finish())
}

fn state_name(at: usize) -> String {
    format!("O{at}")
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// The drawing instructions of the page.
fn content(
    scene: &Scene,
    fonts: &Fonts,
    used: &mut [UsedFont; 2],
    opacities: &mut Vec<f64>,
) -> Vec<u8> {
    let mut content = Content::new();
    let point = scene.size.point();
    // Design pixels, y downwards.
    let (scale, top) = (point as f32, (scene.height * point) as f32);
    content.transform([scale, 0.0, 0.0, -scale, 0.0, top]);
    content.set_line_join(LineJoinStyle::RoundJoin);
    for mark in &scene.shapes {
        match mark {
            Mark::Stroke { points, ink, width } => {
                let [red, green, blue] = parts(*ink);
                content.set_stroke_rgb(red, green, blue).set_line_width(*width as f32);
                path(&mut content, points);
                content.stroke();
            }
            Mark::Area { points, ink, opacity } => {
                let at = opacities.iter().position(|known| known == opacity);
                let at = at.unwrap_or_else(|| {
                    opacities.push(*opacity);
                    opacities.len() - 1
                });
                content.save_state().set_parameters(Name(state_name(at).as_bytes()));
                let [red, green, blue] = parts(*ink);
                content.set_fill_rgb(red, green, blue);
                path(&mut content, points);
                content.close_path().fill_nonzero().restore_state();
            }
            Mark::Disc { centre, radius, ink } => {
                let [red, green, blue] = parts(*ink);
                content.set_fill_rgb(red, green, blue);
                circle(&mut content, *centre, *radius);
                content.fill_nonzero();
            }
        }
    }
    for text in &scene.texts {
        write_text(&mut content, text, fonts, used);
    }
    content.finish().into_vec()
}

fn parts((red, green, blue): Ink) -> [f32; 3] {
    [red, green, blue].map(|part| f32::from(part) / 255.0)
}

/// Hundredths of a design pixel are finer than any printer.
fn rounded(length: f64) -> f32 {
    ((length * 100.0).round() / 100.0) as f32
}

fn path(content: &mut Content, points: &[Xy]) {
    for (at, (x, y)) in points.iter().enumerate() {
        let (x, y) = (rounded(*x), rounded(*y));
        if at == 0 {
            content.move_to(x, y)
        } else {
            content.line_to(x, y)
        };
    }
}

fn circle(content: &mut Content, centre: Xy, radius: f64) {
    let at = |dx: f64, dy: f64| (rounded(centre.0 + radius * dx), rounded(centre.1 + radius * dy));
    let start = at(1.0, 0.0);
    content.move_to(start.0, start.1);
    let ends = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0), (1.0, 0.0)];
    for pair in ends.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        let one = at(from.0 + QUARTER * to.0, from.1 + QUARTER * to.1);
        let two = at(to.0 + QUARTER * from.0, to.1 + QUARTER * from.1);
        let end = at(to.0, to.1);
        content.cubic_to(one.0, one.1, two.0, two.1, end.0, end.1);
    }
    content.close_path();
}

fn write_text(content: &mut Content, text: &Text, fonts: &Fonts, used: &mut [UsedFont; 2]) {
    let width = fonts.width(&text.words, text.face);
    let back = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    };
    let (x, y) = text.at;
    let font = &mut used[usize::from(text.face.bold)];
    let [red, green, blue] = parts(text.ink);
    content.set_fill_rgb(red, green, blue).begin_text();
    content.set_font(Name(font.name()), text.face.size as f32);
    // The page is upside down, the letters are not.
    content.set_text_matrix(if text.upright {
        [0.0, -1.0, -1.0, 0.0, rounded(x), rounded(y + back)]
    } else {
        [1.0, 0.0, 0.0, -1.0, rounded(x - back), rounded(y)]
    });
    let mut shown = content.show_positioned();
    let mut items = shown.items();
    let mut end = 0.0;
    for glyph in fonts.placed(&text.words, text.face) {
        // What the glyphs before it do not advance, by kerning.
        let moved = ((glyph.at - end) / text.face.size * f64::from(EM)).round();
        if moved != 0.0 {
            items.adjust(-moved as f32);
        }
        items.show(Str(&font.code(&glyph).to_be_bytes()));
        end = glyph.at + glyph.advance;
    }
    items.finish();
    shown.finish();
    content.end_text();
}

/// The part of a font that a page needs.
struct UsedFont {
    bold: bool,
    glyphs: GlyphRemapper,
    /// The letter and the advance, in thousandths of the em, of each glyph by its code.
    letters: BTreeMap<u16, (char, f32)>,
}

impl UsedFont {
    fn new(bold: bool) -> Self {
        Self { bold, glyphs: GlyphRemapper::new(), letters: BTreeMap::new() }
    }

    fn name(&self) -> &'static [u8] {
        if self.bold { b"B" } else { b"R" }
    }

    /// The code of a glyph in the cut-down font.
    fn code(&mut self, glyph: &PlacedGlyph) -> u16 {
        let code = self.glyphs.remap(glyph.id);
        self.letters.entry(code).or_insert((glyph.letter, glyph.em_advance as f32 * EM));
        code
    }

    /// Writes the font and what belongs to it.
    fn write(
        &self,
        pdf: &mut Pdf,
        fonts: &Fonts,
        own: Ref,
        [cid, descriptor, map, file]: [Ref; 4],
    ) -> Result<(), DrawError> {
        let face = Face { size: f64::from(EM), bold: self.bold };
        // Six letters mark a part of a font.
        let base: &[u8] = if self.bold { b"PEEKSI+DejaVuSans-Bold" } else { b"PEEKSI+DejaVuSans" };
        pdf.type0_font(own)
            .base_font(Name(base))
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let system =
            SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };
        let mut font = pdf.cid_font(cid);
        font.subtype(CidFontType::Type2)
            .base_font(Name(base))
            .system_info(system)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let mut widths = font.widths();
        for (code, (_, advance)) in &self.letters {
            widths.consecutive(*code, [*advance]);
        }
        widths.finish();
        font.finish();
        let [left, bottom, right, top] = fonts.bounds(face).map(|end| end as f32);
        pdf.font_descriptor(descriptor)
            .name(Name(base))
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(left, bottom, right, top))
            .italic_angle(0.0)
            .ascent(top)
            .descent(bottom)
            .cap_height(face.cap() as f32)
            .stem_v(if self.bold { 160.0 } else { 90.0 })
            .font_file2(file);
        let mut letters = UnicodeCmap::new(Name(b"Custom"), system);
        self.letters.iter().for_each(|(code, (letter, _))| letters.pair(*code, *letter));
        pdf.cmap(map, &letters.finish());
        let program = subsetter::subset(Fonts::program(face), 0, &self.glyphs)?;
        let packed = deflated(&program);
        pdf.stream(file, &packed)
            .filter(Filter::FlateDecode)
            .pair(Name(b"Length1"), i32::try_from(program.len()).unwrap_or(i32::MAX));
        Ok(())
    }
}
