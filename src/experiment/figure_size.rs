//! The width of a figure on paper, and the size of its type.

use crate::config::settings::Kind;

/// Units of length with their points (1/72 inch).
const UNITS: [(&str, f64); 4] =
    [("mm", 72.0 / 25.4), ("cm", 72.0 / 2.54), ("in", 72.0), ("pt", 1.0)];
/// The least and the largest width, in millimetres.
const WIDTHS: [f64; 2] = [40.0, 300.0];
/// The least and the largest size of type, in points.
pub const FONT_SIZES: Kind = Kind::Number(4.0, 24.0);
/// The size of axis titles in design pixels; everything else is drawn in proportion.
pub const TITLE_PIXELS: f64 = 17.0;
/// The least and the largest width of a figure in design pixels: below, words do not fit; beyond,
/// type cannot be read.
const CANVAS: [f64; 2] = [300.0, 2400.0];

/// A length as it was written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Length {
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
}

impl Length {
    /// The length in points.
    pub fn points(self) -> f64 {
        let (_, points) =
            UNITS.into_iter().find(|(unit, _)| *unit == self.unit).unwrap_or(UNITS[3]);
        self.value * points
    }

    /// The width of a figure that a text says, or what is expected instead.
    ///
    /// # Errors
    /// What a width looks like.
    pub fn width(text: &str) -> Result<Self, String> {
        let split =
            UNITS.iter().find_map(|(unit, _)| Some((text.trim().strip_suffix(unit)?, *unit)));
        let length = split
            .and_then(|(number, unit)| Some(Self { value: number.trim().parse().ok()?, unit }));
        let in_range = |length: &Self| {
            let millimetres = length.points() / UNITS[0].1;
            (WIDTHS[0] - 1e-9..=WIDTHS[1] + 1e-9).contains(&millimetres)
        };
        let [least, most] = WIDTHS;
        let range = format!("from {least} mm to {most} mm");
        match length {
            Some(length) if in_range(&length) => Ok(length),
            Some(_) => Err(format!("a width {range}")),
            None => Err(format!("a width as 85mm, 8.5cm, 3.4in or 240pt, {range}")),
        }
    }
}

/// The size of a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FigureSize {
    width: Length,
    /// The size of axis titles in points.
    font: f64,
    /// Whether somebody asked for it.
    is_asked: bool,
}

/// A column of a paper: 3.4 inches, for 680 design pixels.
impl Default for FigureSize {
    fn default() -> Self {
        let width = Length { value: 3.4, unit: "in" };
        Self { width, font: TITLE_PIXELS * 0.36, is_asked: false }
    }
}

impl FigureSize {
    /// A size of which either may be absent, if words can be read at it.
    ///
    /// # Errors
    /// Which size of type is expected.
    pub fn of(width: Option<Length>, font: Option<f64>) -> Result<Self, String> {
        let usual = Self::default();
        let is_asked = width.is_some() || font.is_some();
        let size = Self {
            width: width.unwrap_or(usual.width),
            font: font.unwrap_or(usual.font),
            is_asked,
        };
        let [least, most] = CANVAS;
        // Sizes of type that make the figure so many design pixels wide, rounded inwards.
        let font = |canvas: f64| size.width.points() * TITLE_PIXELS / canvas;
        let (smallest, largest) = (font(most), font(least));
        if (smallest..=largest).contains(&size.font) {
            return Ok(size);
        }
        let (least, most) = FONT_SIZES.numbers().unwrap_or_default();
        let smallest = ((smallest * 10.0).ceil() / 10.0).max(least);
        let largest = ((largest * 10.0).floor() / 10.0).min(most);
        Err(format!(
            "a size of type from {smallest} to {largest} points in a figure {} wide",
            size.width
        ))
    }

    /// The width in design pixels.
    pub fn canvas(self) -> f64 {
        (self.width.points() / self.font * TITLE_PIXELS).round()
    }

    /// The points of a design pixel.
    pub fn point(self) -> f64 {
        self.width.points() / self.canvas()
    }

    /// The width and, for so many design pixels, the height as an SVG has them: in the unit that
    /// was asked for; in pixels of a screen if none was.
    pub fn shown(self, height: f64) -> [String; 2] {
        if !self.is_asked {
            return [self.canvas(), height].map(|pixels| pixels.to_string());
        }
        let height = self.width.value * height / self.canvas();
        let height = Length { value: (height * 1e4).round() / 1e4, ..self.width };
        [self.width, height].map(|length| length.to_string())
    }

    /// The points of the width.
    pub fn points(self) -> f64 {
        self.width.points()
    }
}

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.value, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_have_units_and_ends() {
        for (text, points) in [
            ("85mm", 240.944_881_889),
            ("8.5 cm", 240.944_881_889),
            ("3.4in", 244.8),
            ("240pt", 240.0),
        ] {
            assert!((Length::width(text).unwrap().points() - points).abs() < 1e-6, "{text}");
        }
        for text in ["8", "1km", "", "mm", "85 m", "nanmm", "0,5cm"] {
            let said = Length::width(text).unwrap_err();
            assert!(
                said.starts_with("a width as 85mm") || said.starts_with("a width from"),
                "{said}"
            );
        }
        for text in ["0mm", "-85mm", "infmm", "31cm", "2pt"] {
            assert_eq!(Length::width(text).unwrap_err(), "a width from 40 mm to 300 mm", "{text}");
        }
    }

    #[test]
    fn type_has_the_asked_size_at_the_asked_width() {
        let size = FigureSize::of(Length::width("85mm").ok(), Some(8.0)).unwrap();
        assert_eq!(size.canvas(), 512.0);
        assert!((size.point() * TITLE_PIXELS - 8.0).abs() < 0.01);
        assert!((size.point() * size.canvas() - 85.0 * 72.0 / 25.4).abs() < 1e-9);
        assert_eq!(size.shown(256.0), ["85mm", "42.5mm"]);
        let usual = FigureSize::default();
        assert_eq!((usual.canvas(), usual.shown(460.0)), (680.0, ["680".into(), "460".into()]));
        // Without a size of type the usual one, and without a width a column of a paper.
        let wide = FigureSize::of(Length::width("6.8in").ok(), None).unwrap();
        assert_eq!(wide.canvas(), 1360.0);
        assert_eq!(FigureSize::of(None, Some(12.24)).unwrap().canvas(), 340.0);
    }

    #[test]
    fn type_that_leaves_no_room_is_refused() {
        let said = FigureSize::of(Length::width("40mm").ok(), Some(12.0)).unwrap_err();
        assert_eq!(said, "a size of type from 4 to 6.4 points in a figure 40mm wide");
        assert!(FigureSize::of(Length::width("300mm").ok(), Some(4.0)).is_err());
        assert!(FigureSize::of(Length::width("300mm").ok(), None).is_ok());
    }
}
