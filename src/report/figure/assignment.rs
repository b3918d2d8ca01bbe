//! Which series has which style: a label looks alike in all figures.
//!
//! A style is a colour, a dash pattern and a marker. Those of a label are, in this order:
//!
//! 1. what users fixed for it in `[style]`: never changed;
//! 2. of a registered scheduler or policy, the style of its place in [`REGISTERED`], a list to
//!    which names may be added at the end;
//! 3. of any other label, or a registered name that is not in the list, a style from a hash of its
//!    text (FNV-1a), which depends on nothing else.
//!
//! What users did not fix yields where two labels would be confused, once for all figures of an
//! experiment and not figure by figure, so that within an experiment a label never changes:
//!
//! * The colour. Labels are taken in the order of the list above: registered names in the order of
//!   [`REGISTERED`], others in the order of their axis. A label keeps its colour unless one before
//!   it, which is in a figure with it or beside it on the axis, has that colour. Then it gets the
//!   colour that the fewest labels beside it in a legend have, of several colours the one that the
//!   fewest of its figures have. So neighbours in a legend differ as far as seven colours allow.
//! * The marker, and then the dash pattern, where a label before it in a figure has all three.
//!
//! Between experiments a label may therefore change its colour as its company does. A file of
//! styles that they share prevents that.

use super::style::{INKS, Ink, MARKERS, Marker, SeriesStyle, pattern};
use crate::experiment::{DASHES, FixedStyle, SHAPES, Shape, Styles};
use std::collections::BTreeSet;

/// Schedulers and offloading policies in the order of their styles; another is added at the end.
/// The first seven, those that are compared most often, have all seven colours.
const REGISTERED: [&str; 51] = [
    "sneakpeek",
    "edf",
    "grouped",
    "lo-edf",
    "maxacc-edf",
    "lo-priority",
    "tmo-rl",
    "peek-plus",
    "shadow-price",
    "fcfs",
    "random",
    "minlat-edf",
    "exhaustive",
    "optimal-window",
    "batch-timeout",
    "longest-queue",
    "round-robin",
    "edgeserving-like",
    "symphony",
    "proteus-like",
    "slackfit-like",
    "clipper-like",
    "octopinf-like",
    "he-like",
    "das-like",
    "jellyfish-like",
    "alpaserve-like",
    "nexus-like",
    "clockwork-like",
    "infaas-like",
    "model-switching-like",
    "shepherd-like",
    "routebalance-like",
    "local",
    "cloud",
    "uniform",
    "always",
    "greedy-knn",
    "greedy-knn-association",
    "greedy-knn-guarded",
    "tmo-rl-plus",
    "epsilon-greedy",
    "ucb1",
    "thompson",
    "linucb",
    "optimum",
    "decisions",
    "learned",
    "a2c",
    "ppo",
    "dqn",
];

/// The number of different styles: the counts of colours, dashes and markers share no factor.
const COUNT: usize = INKS.len() * DASHES.len() * MARKERS.len();

/// The style of a place in a list; no two of the first 420 are alike.
fn of_place(place: usize) -> SeriesStyle {
    SeriesStyle {
        ink: INKS[place % INKS.len()],
        dash: DASHES[place % DASHES.len()].1,
        marker: MARKERS[place % MARKERS.len()],
    }
}

/// FNV-1a of 64 bits: the same on every machine.
fn hash(text: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    text.bytes().fold(0xcbf2_9ce4_8422_2325, step)
}

fn registered(label: &str) -> Option<usize> {
    REGISTERED.iter().position(|name| *name == label)
}

/// The style of a label for itself.
fn of_label(label: &str, fixed: FixedStyle) -> SeriesStyle {
    let own = of_place(registered(label).unwrap_or((hash(label) % COUNT as u64) as usize));
    SeriesStyle {
        ink: fixed.color.unwrap_or(own.ink),
        dash: fixed.dash.unwrap_or(own.dash),
        marker: Marker {
            shape: fixed.marker.unwrap_or(own.marker.shape),
            filled: fixed.filled.unwrap_or(own.marker.filled),
        },
    }
}

/// The styles of the labels of an axis; `charts` are the places in this list of the series of each
/// figure that shows some of them, in the order of its legend.
pub fn assign(labels: &[String], charts: &[Vec<usize>], styles: &Styles) -> Vec<SeriesStyle> {
    let fixed: Vec<FixedStyle> = labels.iter().map(|label| styles.of(label)).collect();
    let rank = |at: &usize| match (fixed[*at].color, registered(&labels[*at])) {
        (Some(_), _) => (0, *at),
        (None, Some(place)) => (1, place),
        (None, None) => (2, *at),
    };
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by_key(rank);
    let mut found: Vec<SeriesStyle> =
        labels.iter().zip(&fixed).map(|(label, fixed)| of_label(label, *fixed)).collect();
    let mut decided = BTreeSet::new();
    for at in order {
        let company = Company::of(at, labels.len(), charts, &decided);
        if fixed[at].color.is_none() {
            found[at].ink = company.ink(found[at].ink, &found);
        }
        found[at] = company.unlike(found[at], fixed[at], &found);
        decided.insert(at);
    }
    found
}

/// The labels with a style with which another must not be confused.
struct Company {
    /// Those beside it in the legend of a figure.
    neighbours: BTreeSet<usize>,
    /// Those in a figure with it.
    mates: BTreeSet<usize>,
    /// Those beside it on the axis.
    on_axis: BTreeSet<usize>,
}

impl Company {
    fn of(at: usize, count: usize, charts: &[Vec<usize>], decided: &BTreeSet<usize>) -> Self {
        let known = |at: &usize| *at < count && decided.contains(at);
        let mut on_axis: BTreeSet<usize> = [at.wrapping_sub(1), at + 1].into();
        let (mut neighbours, mut mates) = (BTreeSet::new(), BTreeSet::new());
        for chart in charts {
            let Some(place) = chart.iter().position(|own| *own == at) else { continue };
            neighbours.extend(place.checked_sub(1).map(|before| chart[before]));
            neighbours.extend(chart.get(place + 1));
            mates.extend(chart.iter().copied());
        }
        [&mut neighbours, &mut mates, &mut on_axis].into_iter().for_each(|set| set.retain(known));
        Self { neighbours, mates, on_axis }
    }

    /// The colour that the fewest neighbours, then the fewest others of its figures, and then the
    /// fewest on the axis have; of several the wanted one, or else the first after it.
    fn ink(&self, wanted: Ink, found: &[SeriesStyle]) -> Ink {
        let count = |ink: &Ink| {
            let sets = [&self.neighbours, &self.mates, &self.on_axis];
            sets.map(|set| set.iter().filter(|at| found[**at].ink == *ink).count())
        };
        let start = INKS.iter().position(|ink| *ink == wanted).unwrap_or(0);
        let after = (0..INKS.len()).map(|step| INKS[(start + step) % INKS.len()]);
        after.min_by_key(count).unwrap_or(wanted)
    }

    /// The style, or one that differs in what is not fixed, if another has the same.
    fn unlike(&self, own: SeriesStyle, fixed: FixedStyle, found: &[SeriesStyle]) -> SeriesStyle {
        let near = || self.on_axis.iter().chain(&self.mates).map(|at| found[*at]);
        let is_free = |style: &SeriesStyle| near().all(|other| !is_alike(*style, other));
        let marker = |marker: &&Marker| {
            fixed.marker.is_none_or(|shape| shape == marker.shape)
                && fixed.filled.is_none_or(|filled| filled == marker.filled)
        };
        let markers: Vec<Marker> = MARKERS.iter().filter(marker).copied().collect();
        let start = markers.iter().position(|marker| *marker == own.marker).unwrap_or(0);
        let turned = (0..markers.len()).map(|step| markers[(start + step) % markers.len()]);
        let turned: Vec<Marker> = [own.marker].into_iter().chain(turned).collect();
        let mut dashes = vec![own.dash];
        if fixed.dash.is_none() {
            dashes.extend(DASHES.iter().map(|(_, dash)| *dash));
        }
        let all = dashes.iter().flat_map(|dash| turned.iter().map(move |marker| (*dash, *marker)));
        let mut all = all.map(|(dash, marker)| SeriesStyle { dash, marker, ..own });
        all.find(is_free).unwrap_or(own)
    }
}

/// Whether two styles look alike.
fn is_alike(one: SeriesStyle, other: SeriesStyle) -> bool {
    let strokes = matches!(one.marker.shape, Shape::Plus | Shape::Cross);
    one.ink == other.ink
        && one.dash == other.dash
        && one.marker.shape == other.marker.shape
        && (strokes || one.marker.filled == other.marker.filled)
}

/// A style in words and numbers, for other pictures than those of this module.
#[derive(Clone, Debug, PartialEq)]
pub struct SeriesLook {
    /// The colour as `#rrggbb`.
    pub color: String,
    /// A colour of the same hue that can be read on a dark background.
    pub dark_color: String,
    /// Lengths of ink and gap in turn, in design pixels; empty for a solid line.
    pub dash: &'static [f64],
    /// The name of the marker, as in `[style]`.
    pub marker: &'static str,
    /// Whether the marker is filled.
    pub filled: bool,
}

/// The style of a label for itself.
pub fn look_of(label: &str, styles: &Styles) -> SeriesLook {
    of_label(label, styles.of(label)).look()
}

impl SeriesStyle {
    /// The style in words and numbers.
    pub fn look(&self) -> SeriesLook {
        let name = SHAPES.iter().find(|(_, shape)| *shape == self.marker.shape);
        SeriesLook {
            color: hexadecimal(self.ink),
            dark_color: hexadecimal(on_dark(self.ink)),
            dash: pattern(self.dash),
            marker: name.map_or("circle", |(name, _)| name),
            filled: self.marker.filled,
        }
    }
}

fn hexadecimal((red, green, blue): Ink) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}

/// The background that dark colours are made for.
const DARK: Ink = (0x1c, 0x1c, 0x1e);
/// The contrast of text that can be read, by WCAG 2.1.
const CONTRAST: f64 = 4.5;

/// The colour, mixed with as much white as it takes to be read on a dark background.
fn on_dark((red, green, blue): Ink) -> Ink {
    let mixed = |tenth: u32| {
        let part = |from: u8| ((u32::from(from) * (20 - tenth) + 255 * tenth + 10) / 20) as u8;
        (part(red), part(green), part(blue))
    };
    let readable = |ink: &Ink| (luminance(*ink) + 0.05) / (luminance(DARK) + 0.05) >= CONTRAST;
    (0..=20).map(mixed).find(readable).unwrap_or((255, 255, 255))
}

/// Relative luminance, by WCAG 2.1.
fn luminance((red, green, blue): Ink) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.040_45 { part / 12.92 } else { libm::pow((part + 0.055) / 1.055, 2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Dash;
    use crate::offloading::policy_spec::POLICY;
    use crate::scheduler::REGISTRY;

    fn labels(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    fn numbered(count: usize) -> Vec<String> {
        (0..count).map(|at| format!("edf[window_ms={at}]")).collect()
    }

    fn all(count: usize) -> Vec<usize> {
        (0..count).collect()
    }

    #[test]
    fn registered_names_are_listed_once_and_differ() {
        let mut known: BTreeSet<&str> = REGISTRY.iter().map(|entry| entry.name).collect();
        known.extend((POLICY.entries)().iter().map(|entry| entry.name));
        let listed: BTreeSet<&str> = REGISTERED.into_iter().collect();
        let extra: Vec<&&str> = listed.difference(&known).collect();
        assert!(extra.is_empty(), "{extra:?}");
        assert_eq!(listed.len(), REGISTERED.len());
        let styles: Vec<SeriesStyle> = (0..COUNT).map(of_place).collect();
        for (at, one) in styles.iter().enumerate() {
            assert!(styles[..at].iter().all(|other| !is_alike(*one, *other)), "{at}");
        }
    }

    #[test]
    fn a_label_alone_has_the_style_of_its_name_or_of_its_hash() {
        // By hand: FNV-1a of the empty text and of `a`.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        let none = Styles::default();
        let look = look_of("sneakpeek", &none);
        assert_eq!((look.color.as_str(), look.marker, look.filled), ("#0072b2", "circle", true));
        assert!(look.dash.is_empty());
        assert_eq!(look_of("edf", &none).color, "#d55e00");
        let one = assign(&labels(&["edf", "grouped"]), &[vec![0, 1]], &none);
        let other = assign(&labels(&["fcfs", "grouped", "random", "edf"]), &[all(4)], &none);
        assert_eq!((one[0], one[1]), (other[3], other[1]));
        assert_eq!(one[0].look(), look_of("edf", &none));
    }

    #[test]
    fn no_two_of_a_chart_are_alike_and_neighbours_differ_in_colour() {
        let names = [REGISTERED.map(str::to_owned)[..30].to_vec(), numbered(18)].concat();
        let styles = assign(&names, &[all(48)], &Styles::default());
        for (at, one) in styles.iter().enumerate() {
            assert!(styles[..at].iter().all(|other| !is_alike(*one, *other)), "{}", names[at]);
        }
        // Each style depends on those before it in the order of precedence, in a chart of many.
        assert!(styles.windows(2).all(|pair| pair[0].ink != pair[1].ink));
        let seven = assign(&numbered(7), &[all(7)], &Styles::default());
        let inks: BTreeSet<Ink> = seven.iter().map(|style| style.ink).collect();
        assert_eq!(inks.len(), 7);
    }

    #[test]
    fn neighbours_in_each_figure_differ_and_a_label_never_changes() {
        let names = numbered(20);
        let charts = [vec![0, 9, 3], vec![9, 4, 17, 0], all(20)];
        let styles = assign(&names, &charts, &Styles::default());
        for chart in &charts {
            for pair in chart.windows(2) {
                assert_ne!(styles[pair[0]].ink, styles[pair[1]].ink, "{chart:?}");
            }
        }
        assert_eq!(styles, assign(&names, &charts, &Styles::default()));
    }

    #[test]
    fn what_users_fixed_stays_and_others_give_way() {
        let text = "edf = { color = \"#0072b2\", marker = \"plus\" }\nx = { dash = \"long\" }\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("style.toml");
        std::fs::write(&path, text).unwrap();
        let styles = Styles::load(&path.to_string_lossy()).unwrap();
        // `sneakpeek` is blue by itself, but beside it users want another line blue.
        let names = labels(&["sneakpeek", "edf", "x"]);
        let found = assign(&names, &[all(3)], &styles);
        let edf = found[1].look();
        assert_eq!((edf.color.as_str(), edf.marker), ("#0072b2", "plus"));
        assert_ne!(found[0].look().color, "#0072b2");
        assert_eq!(found[2].dash, Dash::Long);
        let alone = assign(&names[..1], &[vec![0]], &styles);
        assert_eq!(alone[0].look().color, "#0072b2");
    }

    #[test]
    fn dark_colours_can_be_read() {
        for ink in INKS.into_iter().chain([(0, 0, 0x80), (0xff, 0xff, 0xff)]) {
            let dark = on_dark(ink);
            let contrast = (luminance(dark) + 0.05) / (luminance(DARK) + 0.05);
            assert!(contrast >= CONTRAST, "{ink:?} {contrast}");
        }
        assert_eq!(on_dark((0xe6, 0x9f, 0x00)), (0xe6, 0x9f, 0x00), "bright enough");
    }
}
