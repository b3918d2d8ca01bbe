//! Tests of whole figures: what they say, that odd input draws, that nothing leaves the canvas.

use super::scene::{Anchor, Mark, Scene};
use super::text::Fonts;
use super::*;

fn svg(chart: &Chart) -> Result<String, DrawError> {
    super::svg(chart, &[("", &chart.series)], &Presentation::default())
}

fn png(chart: &Chart) -> Result<Vec<u8>, DrawError> {
    super::png(chart, &[("", &chart.series)], &Presentation::default())
}

fn point(x: f64, y: f64) -> Point {
    Point { x, x_low: x * 0.9, x_high: x * 1.1, y, low: y - 0.05, high: y + 0.05, ringed: false }
}

fn series(label: &str, points: &[(f64, f64)]) -> Series {
    Series { label: label.to_owned(), points: points.iter().map(|&(x, y)| point(x, y)).collect() }
}

fn chart(kind: ChartKind, series: Vec<Series>) -> Chart {
    Chart {
        kind,
        title: "Utility against load".to_owned(),
        note: "Bands are 95 % confidence intervals over 20 seeds.".to_owned(),
        x_label: "rate (requests/s)".to_owned(),
        y_label: "utility (share of offered)".to_owned(),
        x_log: true,
        y_log: false,
        y_range: None,
        hulls: Vec::new(),
        series,
    }
}

fn many(count: usize) -> Vec<Series> {
    let label = |index: usize| format!("scheduler-{index}[accuracy=posterior merge]");
    let points = [(10.0, 0.9), (100.0, 0.7), (1000.0, 0.4), (10_000.0, 0.2)];
    // Each a little lower, so that they do not coincide.
    let lower = |index: usize| points.map(|(x, y)| (x, y - 0.03 * index as f64));
    (0..count).map(|index| series(&label(index), &lower(index))).collect()
}

const KINDS: [ChartKind; 2] = [ChartKind::Lines, ChartKind::Scatter];

fn scene_of(chart: &Chart) -> Result<(Scene, Fonts), DrawError> {
    let fonts = Fonts::load()?;
    Ok((draw::scene(chart, &[("", &chart.series)], &Presentation::default(), &fonts)?, fonts))
}

#[test]
fn svg_names_everything() -> Result<(), DrawError> {
    let chart = chart(ChartKind::Lines, many(12));
    let text = svg(&chart)?;
    assert!(text.starts_with("<svg width=\"680\" "), "{}", &text[..80]);
    for words in [&chart.title, &chart.note, &chart.x_label, &chart.y_label] {
        assert!(text.contains(words.as_str()), "{words}");
    }
    for series in &chart.series {
        assert!(text.contains(&series.label), "{}", series.label);
    }
    Ok(())
}

#[test]
fn svg_escapes_labels() -> Result<(), DrawError> {
    let text = svg(&chart(ChartKind::Lines, vec![series("a<b & \"c\"", &[(1.0, 1.0)])]))?;
    assert!(text.contains("a&lt;b &amp; &quot;c&quot;"));
    Ok(())
}

#[test]
fn same_chart_same_bytes() -> Result<(), DrawError> {
    let chart = chart(ChartKind::Scatter, many(3));
    assert_eq!(svg(&chart)?, svg(&chart.clone())?);
    assert_eq!(png(&chart)?, png(&chart.clone())?);
    Ok(())
}

#[test]
fn png_is_an_rgb_image_at_twice_the_size() -> Result<(), DrawError> {
    let bytes = png(&chart(ChartKind::Lines, many(2)))?;
    assert_eq!(bytes.get(..8), Some(&b"\x89PNG\r\n\x1a\n"[..]));
    assert_eq!(bytes.get(16..20), Some(&1360_u32.to_be_bytes()[..]));
    // Bit depth, then colour type 2: red, green, blue.
    assert_eq!(bytes.get(24..26), Some(&[8, 2][..]));
    Ok(())
}

#[test]
fn odd_charts_draw() -> Result<(), DrawError> {
    let odd_values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -1.0, 1e300, 5e-324];
    let odd_points: Vec<(f64, f64)> =
        odd_values.iter().flat_map(|&x| odd_values.map(|y| (x, y))).collect();
    let cases = [
        vec![],
        vec![series("", &[])],
        vec![series("one point", &[(10.0, 0.5)])],
        vec![series("constant", &[(1.0, 0.5), (2.0, 0.5), (3.0, 0.5)])],
        vec![series("zero", &[(1.0, 0.0), (2.0, 0.0)])],
        vec![series("same x", &[(5.0, 0.0), (5.0, 1.0)])],
        vec![series("odd", &odd_points), series("fine", &[(1.0, 0.3), (2.0, 0.4)])],
    ];
    let ranges = [None, Some((0.0, 1.0)), Some((1.0, 0.0)), Some((f64::NAN, 1.0))];
    for (index, series) in cases.into_iter().enumerate() {
        for kind in KINDS {
            for (x_log, y_log, y_range) in
                ranges.iter().flat_map(|r| [(false, true, *r), (true, false, *r)])
            {
                let chart = Chart { x_log, y_log, y_range, ..chart(kind, series.clone()) };
                assert!(svg(&chart)?.ends_with("</svg>\n"), "case {index} {kind:?}");
                assert_inside(&scene_of(&chart)?.0);
            }
        }
        png(&Chart { y_range: Some((0.0, 1.0)), ..chart(ChartKind::Lines, series) })?;
    }
    Ok(())
}

/// Fails if a shape leaves the canvas.
fn assert_inside(scene: &Scene) {
    let canvas = geometry::Rect { left: 0.0, top: 0.0, right: scene.width, bottom: scene.height };
    for mark in &scene.shapes {
        let inside = match mark {
            Mark::Area { points, .. } | Mark::Stroke { points, .. } => {
                points.iter().all(|&point| canvas.holds(point))
            }
            Mark::Disc { centre, .. } => canvas.holds(*centre),
        };
        assert!(inside, "{mark:?}");
    }
}

#[test]
fn a_single_point_has_a_marker() -> Result<(), DrawError> {
    for kind in KINDS {
        let none = scene_of(&chart(kind, vec![series("sneakpeek", &[])]))?.0;
        let one = scene_of(&chart(kind, vec![series("sneakpeek", &[(10.0, 0.5)])]))?.0;
        let discs = |scene: &Scene| {
            scene.shapes.iter().filter(|mark| matches!(mark, Mark::Disc { .. })).count()
        };
        assert_eq!((discs(&none), discs(&one)), (2, 4), "{kind:?}: two in the legend");
    }
    Ok(())
}

/// A series of zeros is as visible on a logarithmic axis as the others, and counted.
#[test]
fn zeros_are_drawn_at_the_edge_of_a_logarithmic_axis() -> Result<(), DrawError> {
    let flat = |p: Point| Point { low: p.y, high: p.y, ..p };
    let of = |label: &str, ys: [f64; 3]| {
        let points = [10.0, 20.0, 40.0].into_iter().zip(ys);
        let points = points.map(|(x, y)| flat(point(x, y))).collect();
        Series { label: label.to_owned(), points }
    };
    for kind in KINDS {
        let shown = vec![of("sneakpeek", [0.0; 3]), of("other", [0.0, 0.01, 0.3])];
        let chart = Chart { x_log: false, y_log: true, ..chart(kind, shown) };
        let (scene, fonts) = scene_of(&chart)?;
        assert_inside(&scene);
        assert_apart(&scene, &fonts);
        let label = scene.texts.iter().find(|text| text.words == "0" && text.anchor == Anchor::End);
        let label = label.map(|text| text.at.1);
        let zero = label.expect("a tick of zero") - style::TICK.cap() / 2.0;
        // The first series has discs. Open ones have a white disc inside.
        let discs = scene.shapes.iter().filter_map(|mark| match mark {
            Mark::Disc { centre, radius, ink } => Some((*centre, *radius, *ink)),
            _ => None,
        });
        let open = |(centre, radius, ink): &((f64, f64), f64, style::Ink)| {
            (centre.1 - zero).abs() <= 1.0 && *radius < style::MARKER && *ink == style::WHITE
        };
        assert_eq!(discs.filter(open).count(), 3, "{kind:?}");
        let text = svg(&chart)?;
        assert!(text.contains("4 zeros are drawn at the edge"), "{kind:?}");
        let without = Chart { y_log: false, ..chart.clone() };
        assert!(!svg(&without)?.contains("at the edge"));
        let panels = [("a", &chart.series[..1]), ("b", &chart.series[..])];
        assert!(
            super::svg(&chart, &panels, &Presentation::default())?.contains("7 zeros are drawn"),
            "{kind:?}"
        );
    }
    let one = chart(ChartKind::Lines, vec![of("a", [0.5, 0.2, 0.3]), series("b", &[(0.0, 0.5)])]);
    assert!(svg(&one)?.contains("1 zero is drawn at the edge"));
    let negative = chart(ChartKind::Lines, vec![series("b", &[(-1.0, 0.5), (10.0, 0.5)])]);
    let (scene, _) = scene_of(&negative)?;
    let words: Vec<&str> = scene.texts.iter().map(|text| text.words.as_str()).collect();
    // The small print may break into lines.
    assert!(words.contains(&"≤ 0") && words.join(" ").contains("at or below 0: 1."), "{words:?}");
    Ok(())
}

#[test]
fn too_many_series_are_refused() {
    let result = svg(&chart(ChartKind::Lines, many(MAX_SERIES + 1)));
    assert!(matches!(result, Err(DrawError::TooManySeries { count: 49 })));
    assert!(svg(&chart(ChartKind::Lines, many(MAX_SERIES))).is_ok());
}

#[test]
fn no_text_leaves_the_canvas_or_meets_another() -> Result<(), DrawError> {
    let long = "a rather long explanation of what is on this axis and why ".repeat(4);
    for count in [0, 1, 3, 8, 12, 48] {
        for words in ["", "short", &long] {
            let mut chart = chart(ChartKind::Lines, many(count));
            for field in [&mut chart.title, &mut chart.note, &mut chart.x_label, &mut chart.y_label]
            {
                words.clone_into(field);
            }
            if let Some(first) = chart.series.first_mut() {
                first.label.push_str(words);
            }
            let (scene, fonts) = scene_of(&chart)?;
            assert_apart(&scene, &fonts);
        }
    }
    Ok(())
}

/// Fails if a text leaves the canvas or meets another.
fn assert_apart(scene: &Scene, fonts: &Fonts) {
    let boxes = text_boxes(scene, fonts);
    for (index, (rect, text)) in boxes.iter().enumerate() {
        let inside = rect.left >= 0.0
            && rect.top >= 0.0
            && rect.right <= scene.width
            && rect.bottom <= scene.height;
        assert!(inside, "{text} {rect:?}");
        for (other, other_text) in &boxes[index + 1..] {
            let apart = rect.right <= other.left
                || other.right <= rect.left
                || rect.bottom <= other.top
                || other.bottom <= rect.top;
            assert!(apart, "{text} {rect:?} on {other_text} {other:?}");
        }
    }
}

fn text_boxes(scene: &Scene, fonts: &Fonts) -> Vec<(geometry::Rect, String)> {
    let area = |text: &scene::Text| {
        let width = fonts.width(&text.words, text.face);
        let before = match text.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => width / 2.0,
            Anchor::End => width,
        };
        let (x, y) = text.at;
        let (up, down) = (text.face.cap(), text.face.size * 0.24);
        if text.upright {
            geometry::Rect {
                left: x - up,
                right: x + down,
                top: y - before,
                bottom: y - before + width,
            }
        } else {
            geometry::Rect {
                left: x - before,
                right: x - before + width,
                top: y - up,
                bottom: y + down,
            }
        }
    };
    scene.texts.iter().map(|text| (area(text), text.words.clone())).collect()
}

/// Panels beside and above each other: one legend, nothing over anything else, nothing outside.
#[test]
fn panels_share_axes_and_legend() -> Result<(), DrawError> {
    let fonts = Fonts::load()?;
    for (count, columns) in [(1, 1), (2, 2), (3, 3), (4, 2), (7, 3)] {
        for kind in KINDS {
            let mut frame = chart(kind, many(4));
            frame.y_range = Some((0.0, 1.0));
            let titles: Vec<String> = (0..count).map(|at| format!("memory = {at} MB")).collect();
            let mut each = vec![frame.series.clone(); count];
            // One that is not there in the last panel keeps its look in the others.
            each[count - 1][0].points.clear();
            let panels: Vec<(&str, &[Series])> =
                titles.iter().map(String::as_str).zip(each.iter().map(Vec::as_slice)).collect();
            let scene = draw::scene(&frame, &panels, &Presentation::default(), &fonts)?;
            assert_inside(&scene);
            assert_apart(&scene, &fonts);
            let at = |words: &str| -> Vec<(f64, f64)> {
                let own = scene.texts.iter().filter(|text| text.words == words);
                own.map(|text| text.at).collect()
            };
            assert_eq!(at(&frame.x_label).len(), 1);
            let legend = scene.texts.iter().filter(|text| text.words.starts_with("scheduler-3"));
            assert_eq!(legend.count(), 1, "{count} panels");
            let places: Vec<(f64, f64)> = titles.iter().flat_map(|title| at(title)).collect();
            assert_eq!(places.len(), count);
            for (index, place) in places.iter().enumerate() {
                let (row, column) = (index / columns, index % columns);
                assert_eq!(place.1, places[row * columns].1, "one row");
                assert_eq!(place.0, places[column].0, "one column");
            }
            // Labels of y at the first of each row, of x where nothing is below.
            let labels = scene.texts.iter().filter(|text| text.anchor == Anchor::End);
            let labels: Vec<&scene::Text> = labels.collect();
            let rows = count.div_ceil(columns);
            let first = labels.iter().filter(|text| text.words == labels[0].words);
            assert_eq!(first.count(), rows, "{count} panels");
            assert!(labels.iter().all(|text| text.at.0 == labels[0].at.0));
            let below = scene.texts.iter().filter(|text| text.words == "100");
            assert_eq!(below.count(), columns, "{count} panels");
        }
    }
    Ok(())
}

fn tick_labels(scene: &Scene) -> Vec<&str> {
    let all = scene.texts.iter().filter(|text| text.anchor == Anchor::Middle);
    let ticks = all.filter(|text| text.face == style::TICK && !text.upright);
    ticks.map(|text| text.words.as_str()).collect()
}

fn line(label: &str, points: &[(f64, f64)]) -> Series {
    let flat = |&(x, y)| Point { x, x_low: x, x_high: x, y, low: y, high: y, ringed: false };
    Series { label: label.to_owned(), points: points.iter().map(flat).collect() }
}

#[test]
fn ticks_of_a_setting_stand_at_its_values_and_are_thinned_evenly() -> Result<(), DrawError> {
    let of = |values: &[f64], x_log| {
        let points: Vec<(f64, f64)> = values.iter().map(|x| (*x, x / 1e6)).collect();
        let chart = Chart { x_log, ..chart(ChartKind::Lines, vec![line("a", &points)]) };
        Ok::<_, DrawError>(scene_of(&chart)?.0)
    };
    assert_eq!(tick_labels(&of(&[1.0, 2.0, 4.0], false)?), ["1", "2", "4"]);
    let rates = [30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0];
    assert_eq!(tick_labels(&of(&rates, true)?), ["30", "100", "300", "1k", "3k", "10k"]);
    // On a linear axis low values meet.
    assert_eq!(tick_labels(&of(&rates, false)?), ["300", "1k", "3k", "10k"]);
    let many: Vec<f64> = (1..=24).map(|at| 1000.0 + f64::from(at)).collect();
    let shown = of(&many, false)?;
    let labels = tick_labels(&shown);
    let numbers: Vec<i32> = labels.iter().map(|label| label.parse().expect("whole")).collect();
    assert!((4..=12).contains(&numbers.len()), "{numbers:?}");
    assert!(numbers.windows(3).all(|n| n[1] - n[0] == n[2] - n[1]), "{numbers:?}");
    // The values without a label have a faint line.
    let lines = shown.shapes.iter().filter(|mark| {
        matches!(mark, Mark::Stroke { points, ink, .. }
            if *ink == style::FAINT && points[0].0 == points[1].0)
    });
    assert_eq!(lines.count(), 24 - numbers.len());
    Ok(())
}

/// Short slanting strokes, which only the break of an axis has.
fn breaks(scene: &Scene) -> usize {
    let slants = scene.shapes.iter().filter(|mark| match mark {
        Mark::Stroke { points, ink, width } => {
            let [(ax, ay), (bx, by)] = points[..] else { return false };
            *ink == style::BLACK && *width == style::THIN && ax != bx && ay != by
        }
        _ => false,
    });
    slants.count() / 2
}

#[test]
fn an_axis_that_does_not_begin_at_0_is_marked_and_cut_points_are_counted() -> Result<(), DrawError>
{
    let points = [(0.0, 0.95), (1.0, 0.9), (2.0, 0.5), (3.0, 0.91)];
    let base = Chart { x_log: false, ..chart(ChartKind::Lines, vec![line("a", &points)]) };
    let of = |y_range| Chart { y_range, ..base.clone() };
    assert_eq!(breaks(&scene_of(&of(Some((0.0, 1.0))))?.0), 0);
    assert_eq!(breaks(&scene_of(&of(None))?.0), 1);
    let cut = of(Some((0.89, 0.94)));
    assert_eq!(breaks(&scene_of(&cut)?.0), 1);
    let note = |chart: &Chart| -> Result<String, DrawError> {
        let words = scene_of(chart)?.0.texts.into_iter().map(|text| text.words);
        Ok(words.collect::<Vec<_>>().join(" "))
    };
    assert!(note(&cut)?.contains("Not shown of 4 points: 1 below and 1 above the axis."));
    assert!(!note(&of(Some((0.0, 1.0))))?.contains("Not shown"));
    // Points of metrics: both axes.
    let points = [(5.0, 0.95), (6.0, 0.9)];
    let far = Chart { x_log: false, ..chart(ChartKind::Scatter, vec![line("a", &points)]) };
    assert_eq!(breaks(&scene_of(&far)?.0), 2);
    Ok(())
}

#[test]
fn arrows_point_along_the_order_of_points() -> Result<(), DrawError> {
    let fonts = Fonts::load()?;
    let points = [(0.1, 0.2), (0.2, 0.2), (0.9, 0.2)];
    let shown = vec![line("sneakpeek", &points), line("edf", &[(0.5, 0.5)])];
    let chart = Chart { x_log: false, ..chart(ChartKind::Scatter, shown) };
    let triangles = |has_arrows| -> Result<Vec<Vec<(f64, f64)>>, DrawError> {
        let how = Presentation { has_arrows, ..Presentation::default() };
        let scene = draw::scene(&chart, &[("", &chart.series)], &how, &fonts)?;
        let areas = scene.shapes.into_iter().filter_map(|mark| match mark {
            Mark::Area { points, .. } if points.len() == 3 => Some(points),
            _ => None,
        });
        Ok(areas.collect())
    };
    assert!(triangles(false)?.is_empty());
    let [head] = &triangles(true)?[..] else { panic!("one line has a step") };
    // The tip is to the right of both other corners, and above none.
    assert!(head[0].0 > head[1].0 && head[0].0 > head[2].0);
    assert!(head[0].1 > head[1].1.min(head[2].1) && head[0].1 < head[1].1.max(head[2].1));
    Ok(())
}

#[test]
fn a_label_has_one_style_wherever_it_stands() -> Result<(), DrawError> {
    let curve = |label: &str, y| line(label, &[(1.0, y), (2.0, y)]);
    let inks = |labels: &[&str]| -> Result<Vec<style::Ink>, DrawError> {
        let series: Vec<Series> =
            labels.iter().enumerate().map(|(at, label)| curve(label, 0.1 * at as f64)).collect();
        let (scene, _) = scene_of(&chart(ChartKind::Lines, series))?;
        let strokes = scene.shapes.iter().filter_map(|mark| match mark {
            Mark::Stroke { ink, width, .. } if *width == style::LINE => Some(*ink),
            _ => None,
        });
        Ok(strokes.collect())
    };
    let blue = (0x00, 0x72, 0xb2);
    assert!(inks(&["sneakpeek", "edf"])?.contains(&blue));
    assert_eq!(inks(&["edf", "grouped", "sneakpeek"])?.last(), Some(&blue), "last in the legend");
    assert!(!inks(&["edf", "grouped"])?.contains(&blue));
    Ok(())
}

#[test]
fn figures_of_any_size_stay_on_their_page() -> Result<(), DrawError> {
    let fonts = Fonts::load()?;
    for (width, font) in [("40mm", 5.0), ("85mm", 8.0), ("85mm", 12.0), ("180mm", 8.0)] {
        let width = crate::experiment::Length::width(width).ok();
        let size = FigureSize::of(width, Some(font)).expect("a size");
        let how = Presentation { size, ..Presentation::default() };
        for count in [2, 12] {
            let chart = chart(ChartKind::Lines, many(count));
            for panels in [1, 6] {
                let panels = vec![("memory = 10 MB", &chart.series[..]); panels];
                let scene = draw::scene(&chart, &panels, &how, &fonts)?;
                assert_inside(&scene);
                assert_apart(&scene, &fonts);
                assert_eq!(scene.width, size.canvas());
            }
        }
    }
    Ok(())
}

#[test]
fn a_document_has_its_texts_and_the_same_bytes_each_time() -> Result<(), DrawError> {
    let chart = chart(ChartKind::Scatter, many(3));
    let panels: Panels<'_> = &[("", &chart.series)];
    let made = || super::pdf(&chart, panels, &Presentation::default());
    let bytes = made()?;
    assert_eq!(bytes, made()?);
    assert!(bytes.starts_with(b"%PDF-1."));
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains("/MediaBox [0 0 244.8 "), "{text}");
    // Two fonts, of which the parts in use are embedded: much less than the fonts themselves.
    assert_eq!(text.matches("/FontFile2 ").count(), 2);
    assert!(bytes.len() < 80_000, "{} bytes", bytes.len());
    Ok(())
}
