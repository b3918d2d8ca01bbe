//! A scene as SVG or PNG; the only place that knows the drawing library.
//!
//! The library counts in whole dots. To place ink finer than design pixels, scenes are painted at
//! four times their size: the SVG is then shown at a quarter, and the PNG averages two by two
//! dots into one, which smooths all edges alike.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::DrawError;
use super::geometry::Xy;
use super::scene::{Anchor, Mark, Scene, Text};
use super::style::Ink;
use super::text::{FAMILIES, Fonts};

/// Dots to the design pixel.
const FINE: u32 = 4;
/// Dots to the image pixel, along x and along y.
const MERGE: usize = 2;
/// The library's font size for an em of one dot.
const LIBRARY_EM: f64 = 1.24;
/// The library puts the baseline of text with a top anchor this many ems below the anchor.
const TOP_TO_BASELINE: f64 = 0.76;

type Canvas<B> = DrawingArea<B, Shift>;

/// The scene as an SVG document.
pub(super) fn svg(scene: &Scene) -> Result<String, DrawError> {
    let (width, height) = (dots(scene.width), dots(scene.height));
    let mut document = String::new();
    {
        let canvas = SVGBackend::with_string(&mut document, (width, height)).into_drawing_area();
        canvas.fill(&WHITE).map_err(refused)?;
        for mark in &scene.shapes {
            vector(&canvas, mark)?;
        }
        for text in &scene.texts {
            words(&canvas, text)?;
        }
        canvas.present().map_err(refused)?;
    }
    // The viewBox keeps counting in dots; only the size it is shown at changes.
    let painted = format!("width=\"{width}\" height=\"{height}\"");
    let [shown_width, shown_height] = scene.size.shown(scene.height);
    let shown = format!("width=\"{shown_width}\" height=\"{shown_height}\"");
    Ok(document.replacen(&painted, &shown, 1))
}

/// The scene as a PNG image.
pub(super) fn png(scene: &Scene, fonts: &Fonts) -> Result<Vec<u8>, DrawError> {
    let (width, height) = (dots(scene.width), dots(scene.height));
    let row = width as usize * 3;
    let mut image = vec![0xff; row * height as usize];
    {
        let canvas = BitMapBackend::with_buffer(&mut image, (width, height)).into_drawing_area();
        for mark in &scene.shapes {
            raster(&canvas, mark)?;
        }
        canvas.present().map_err(refused)?;
    }
    for text in &scene.texts {
        glyphs(&mut image, row, text, fonts);
    }
    let (width, height) = (width / MERGE as u32, height / MERGE as u32);
    let metres = scene.size.points() / 72.0 * 0.0254;
    let density = (f64::from(width) / metres).round() as u32;
    encode(&merged(&image, row), (width, height), density)
}

/// Paints a shape where lines can be lines.
fn vector(canvas: &Canvas<SVGBackend<'_>>, mark: &Mark) -> Result<(), DrawError> {
    match mark {
        Mark::Stroke { points, ink, width } => {
            let pen =
                ShapeStyle { color: colour(*ink, 1.0), filled: false, stroke_width: dots(*width) };
            canvas.draw(&PathElement::new(places(points), pen)).map_err(refused)
        }
        _ => solid(canvas, mark),
    }
}

/// Paints a shape into dots. The library turns a wide line into a single polygon that cuts holes
/// into itself at narrow bends; here each piece is painted alone, with a disc at each bend.
fn raster(canvas: &Canvas<BitMapBackend<'_>>, mark: &Mark) -> Result<(), DrawError> {
    let Mark::Stroke { points, ink, width } = mark else {
        return solid(canvas, mark);
    };
    for pair in points.windows(2) {
        let points = slab(pair[0], pair[1], *width);
        solid(canvas, &Mark::Area { points, ink: *ink, opacity: 1.0 })?;
    }
    let inner = points.len().saturating_sub(2);
    for &centre in points.iter().skip(1).take(inner) {
        solid(canvas, &Mark::Disc { centre, radius: width / 2.0, ink: *ink })?;
    }
    Ok(())
}

/// A straight piece of line as the rectangle that it covers. The library paints the dots on both
/// edges of a polygon, so the rectangle is a dot narrower and half a dot up and to the left; an
/// upright or level line then fills whole image pixels.
fn slab(from: Xy, to: Xy, width: f64) -> Vec<Xy> {
    let dot = 1.0 / f64::from(FINE);
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let half = (width - dot).max(0.0) / 2.0 / dx.hypot(dy).max(f64::MIN_POSITIVE);
    let (across_x, across_y) = (-dy * half, dx * half);
    let corner =
        |(x, y): Xy, side: f64| (x + side * across_x - dot / 2.0, y + side * across_y - dot / 2.0);
    vec![corner(from, 1.0), corner(to, 1.0), corner(to, -1.0), corner(from, -1.0)]
}

/// Paints a filled shape on either canvas.
fn solid<B: DrawingBackend>(canvas: &Canvas<B>, mark: &Mark) -> Result<(), DrawError> {
    match mark {
        Mark::Area { points, ink, opacity } => {
            let fill = colour(*ink, *opacity).filled();
            canvas.draw(&Polygon::new(places(points), fill)).map_err(refused)
        }
        Mark::Disc { centre, radius, ink } => {
            let fill = colour(*ink, 1.0).filled();
            canvas.draw(&Circle::new(place(*centre), dots(*radius), fill)).map_err(refused)
        }
        Mark::Stroke { .. } => Ok(()),
    }
}

/// Writes a text that the viewer of the SVG will set.
fn words(canvas: &Canvas<SVGBackend<'_>>, text: &Text) -> Result<(), DrawError> {
    let weight = if text.face.bold { FontStyle::Bold } else { FontStyle::Normal };
    let size = text.face.size * f64::from(FINE) * LIBRARY_EM;
    let turn = if text.upright { FontTransform::Rotate270 } else { FontTransform::None };
    let font = FontDesc::new(FontFamily::Name(FAMILIES), size, weight).transform(turn);
    let anchored = match text.anchor {
        Anchor::Start => HPos::Left,
        Anchor::Middle => HPos::Center,
        Anchor::End => HPos::Right,
    };
    let ink = colour(text.ink, 1.0);
    let style = TextStyle::from(font).color(&ink).pos(Pos::new(anchored, VPos::Top));
    let rise = TOP_TO_BASELINE * text.face.size;
    let (x, y) = text.at;
    let anchor = if text.upright { (x - rise, y) } else { (x, y - rise) };
    canvas.draw_text(&text.words, &style, place(anchor)).map_err(refused)
}

/// Sets a text into the image. The library's own way drops the space to the left of each letter.
fn glyphs(image: &mut [u8], row: usize, text: &Text, fonts: &Fonts) {
    let width = fonts.width(&text.words, text.face);
    let back = match text.anchor {
        Anchor::Start => 0.0,
        Anchor::Middle => width / 2.0,
        Anchor::End => width,
    };
    let (x, y) = text.at;
    let start = place(if text.upright { (x, y + back) } else { (x - back, y) });
    fonts.dots(&text.words, text.face, f64::from(FINE), |along, down, cover| {
        let (x, y) = if text.upright {
            (start.0 + down, start.1 - 1 - along)
        } else {
            (start.0 + along, start.1 + down)
        };
        let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
            return;
        };
        let column = x * 3;
        if column < row
            && let Some(dot) = image.get_mut(y * row + column..y * row + column + 3)
        {
            let ink = [text.ink.0, text.ink.1, text.ink.2];
            for (below, above) in dot.iter_mut().zip(ink) {
                *below = blend(*below, above, cover);
            }
        }
    });
}

/// A dot of one colour partly covered by another.
fn blend(below: u8, above: u8, cover: f32) -> u8 {
    let cover = cover.clamp(0.0, 1.0);
    let mixed = f32::from(below) * (1.0 - cover) + f32::from(above) * cover;
    mixed.round() as u8
}

/// Averages squares of dots into image pixels.
fn merged(image: &[u8], row: usize) -> Vec<u8> {
    let mut small = Vec::with_capacity(image.len() / (MERGE * MERGE));
    for band in image.chunks_exact(row * MERGE) {
        for left in (0..row).step_by(3 * MERGE) {
            for channel in 0..3 {
                let mut sum = 0_usize;
                for dot in 0..MERGE * MERGE {
                    let at = (dot / MERGE) * row + left + (dot % MERGE) * 3 + channel;
                    sum += band.get(at).copied().map_or(255, usize::from);
                }
                let count = MERGE * MERGE;
                small.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    small
}

/// `density` is in image pixels to the metre.
fn encode(image: &[u8], (width, height): (u32, u32), density: u32) -> Result<Vec<u8>, DrawError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_pixel_dims(Some(png::PixelDimensions {
        xppu: density,
        yppu: density,
        unit: png::Unit::Meter,
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image)?;
    writer.finish()?;
    Ok(bytes)
}

fn refused(error: impl std::fmt::Display) -> DrawError {
    DrawError::Backend(error.to_string())
}

fn colour((red, green, blue): Ink, opacity: f64) -> RGBAColor {
    RGBColor(red, green, blue).mix(opacity)
}

fn places(points: &[Xy]) -> Vec<(i32, i32)> {
    points.iter().copied().map(place).collect()
}

/// A place in dots.
fn place((x, y): Xy) -> (i32, i32) {
    let dot = |length: f64| (length * f64::from(FINE)).round() as i32;
    (dot(x), dot(y))
}

/// A length in dots; never negative.
fn dots(length: f64) -> u32 {
    (length.max(0.0) * f64::from(FINE)).round() as u32
}
