//! Styles of series by their label: `[style]` of an experiment, and the file that several
//! experiments share.

use super::spelling::is_label;
use crate::config::settings::names;
use crate::config::source;
use crate::config::toml::quote;
use crate::config::{
    ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting, Value, decode,
};
use std::path::{Component, Path, PathBuf};

/// The pattern of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dash {
    /// Without gaps.
    Solid,
    /// Short strokes.
    Dashed,
    /// Dots.
    Dotted,
    /// Strokes and dots in turn.
    DashDot,
    /// Long strokes.
    Long,
}

/// The names of dash patterns.
pub const DASHES: [(&str, Dash); 5] = [
    ("solid", Dash::Solid),
    ("dashed", Dash::Dashed),
    ("dotted", Dash::Dotted),
    ("dash-dot", Dash::DashDot),
    ("long", Dash::Long),
];

/// The outline of a marker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    /// A circle.
    Circle,
    /// A square on its side.
    Square,
    /// A triangle that points up.
    Up,
    /// A triangle that points down.
    Down,
    /// A square on its corner.
    Diamond,
    /// An upright cross.
    Plus,
    /// A slanting cross.
    Cross,
}

/// The names of markers.
pub const SHAPES: [(&str, Shape); 7] = [
    ("circle", Shape::Circle),
    ("square", Shape::Square),
    ("up", Shape::Up),
    ("down", Shape::Down),
    ("diamond", Shape::Diamond),
    ("plus", Shape::Plus),
    ("cross", Shape::Cross),
];

/// `"sneakpeek" = { color = "#0072b2" }`
pub(super) const STYLE: Group = Group::named("style").of(&[&[
    Setting::optional("color", Kind::Text, "a colour that no neighbour has")
        .means("The colour of line, band and marker, as `#0072b2`: red, green and blue."),
    Setting::optional("dash", Kind::Choice(&names(&DASHES)), "by the label")
        .means("The pattern of the line."),
    Setting::optional("marker", Kind::Choice(&names(&SHAPES)), "by the label")
        .means("The marker at each point."),
    Setting::optional("filled", Kind::Flag, "by the label")
        .means("Whether the marker is filled; means nothing for `plus` and `cross`."),
]]);

/// A style, or the name of the shared file.
const ENTRY: [Kind; 2] = [Kind::Table(&STYLE), Kind::Text];

/// `style = "style.toml"`, or a table.
pub(super) const STYLE_KINDS: [Kind; 2] = [Kind::Text, Kind::ByName("label", &Kind::OneOf(&ENTRY))];

/// The key of the table that names the shared file.
const INCLUDE: &str = "include";

/// What is fixed about the style of a series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FixedStyle {
    /// Red, green and blue.
    pub color: Option<(u8, u8, u8)>,
    /// The pattern of the line.
    pub dash: Option<Dash>,
    /// The marker at each point.
    pub marker: Option<Shape>,
    /// Whether the marker is filled.
    pub filled: Option<bool>,
}

/// What users fixed about the styles of series, by label.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Styles {
    entries: Vec<(String, FixedStyle)>,
}

impl Styles {
    /// What is fixed for a label; nothing by default.
    pub fn of(&self, label: &str) -> FixedStyle {
        let mut entries = self.entries.iter();
        let found = entries.clone().find(|(own, _)| own == label);
        let found = found.or_else(|| entries.find(|(own, _)| is_label(label, own)));
        found.map_or_else(FixedStyle::default, |(_, style)| *style)
    }

    /// Reads a table of styles whose shared file is included already.
    pub(super) fn read(node: &ConfigNode, problems: &mut Problems) -> Self {
        let mut styles = Self::default();
        for (label, node) in decode::table(node, problems) {
            styles.entries.push((label.clone(), FixedStyle::read(node, problems)));
        }
        styles
    }

    /// Reads a file of styles.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn load(path: &str) -> Result<Self, Problems> {
        let node = ConfigNode::parse(&source::read(path)?)?;
        let mut problems = Problems::default();
        let styles = Self::read(&node, &mut problems);
        problems.check(Some(styles))
    }
}

impl FixedStyle {
    fn read(node: &ConfigNode, problems: &mut Problems) -> Self {
        let mut read = Decoder::new(node, &STYLE, problems);
        let color = read.take("color").and_then(|node| color(node, read.problems()));
        let dash = read.optional_choice("dash", &DASHES);
        let marker = read.optional_choice("marker", &SHAPES);
        let filled = read.take("filled").and_then(|node| match node.value {
            Value::Bool(filled) => Some(filled),
            _ => {
                read.problems().push(decode::mismatch(node, "true or false"));
                None
            }
        });
        read.finish();
        Self { color, dash, marker, filled }
    }
}

/// `"#0072b2"`.
fn color(node: &ConfigNode, problems: &mut Problems) -> Option<(u8, u8, u8)> {
    let text = decode::text(node, problems)?;
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6);
    let number = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = number.and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let Some(number) = number else {
        let expected = "a colour as \"#0072b2\": `#` and six hexadecimal digits";
        problems.push(Problem::new(node.place.clone(), quote(text), expected));
        return None;
    };
    let [_, red, green, blue] = number.to_be_bytes();
    Some((red, green, blue))
}

/// Replaces the name of the shared file, in the settings of the experiment at `path`, by what the
/// file holds. Styles of the experiment itself take precedence, key by key. The labels that the
/// experiment itself has styles for.
pub(super) fn include(
    experiment: &mut ConfigNode,
    path: &str,
) -> Result<Vec<(String, Location)>, Problems> {
    let Some(style) = experiment.get_mut("style") else { return Ok(Vec::new()) };
    let named = match &style.value {
        Value::Text(_) => Some(style.clone()),
        _ => style.get(INCLUDE).cloned(),
    };
    let mut own = match &style.value {
        Value::Table(entries) => entries.as_ref().clone(),
        _ => Vec::new(),
    };
    own.retain(|(label, node)| label != INCLUDE || matches!(node.value, Value::Table(_)));
    let labels = own.iter().map(|(label, node)| (label.clone(), node.place.clone())).collect();
    let Some(named) = named else { return Ok(labels) };
    let Value::Text(name) = &named.value else { return Ok(labels) };
    let source = source::read(&located(name, path)).map_err(|problem| Problem {
        place: named.place.clone(),
        found: format!("{}: {}", quote(name), problem.found),
        expected: "a file of styles beside the experiment".into(),
        nearest: problem.nearest,
    })?;
    let mut merged = ConfigNode::parse(&source)?;
    for (label, node) in own {
        let Some(entries) = merged.value.entries_mut() else { break };
        match entries.binary_search_by(|(known, _)| known.cmp(&label)) {
            Ok(at) => over(&mut entries[at].1, node),
            Err(at) => entries.insert(at, (label, node)),
        }
    }
    style.value = merged.value;
    Ok(labels)
}

/// Puts the keys of a style over those of another.
fn over(shared: &mut ConfigNode, own: ConfigNode) {
    let Value::Table(keys) = &own.value else {
        *shared = own;
        return;
    };
    let Some(known) = shared.value.entries_mut() else {
        *shared = own;
        return;
    };
    for (key, node) in keys.iter() {
        match known.binary_search_by(|(known, _)| known.cmp(key)) {
            Ok(at) => known[at].1 = node.clone(),
            Err(at) => known.insert(at, (key.clone(), node.clone())),
        }
    }
}

/// The path of a file that the experiment at `path` names.
fn located(name: &str, path: &str) -> String {
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut beside = PathBuf::new();
    for part in folder.join(name).components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if beside.file_name().is_some_and(|last| last != "..") => {
                beside.pop();
            }
            part => beside.push(part),
        }
    }
    beside.to_string_lossy().replace('\\', "/")
}

/// Reports styles of labels that an experiment with these labels does not have.
pub(super) fn check_labels(own: &[(String, Location)], labels: &[&str], problems: &mut Problems) {
    for (label, place) in own {
        if !labels.iter().any(|known| is_label(known, label)) {
            let known = labels.iter().copied();
            problems.push(Problem::unknown(place.clone(), "label", label, known));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::source::Source;

    fn node(path: &str, text: &str) -> ConfigNode {
        let source = Source { path: path.into(), text: text.into(), sha256: String::new() };
        ConfigNode::parse(&source).unwrap()
    }

    fn read(text: &str) -> Result<Styles, String> {
        let mut problems = Problems::default();
        let styles = Styles::read(&node("s.toml", text), &mut problems);
        problems.check(Some(styles)).map_err(|problems| problems.to_string())
    }

    #[test]
    fn styles_are_read_by_label() {
        let styles = read(
            "\"edf, batched\" = { color = \"#d55E00\", marker = \"up\" }\n\
             10 = { dash = \"dash-dot\", filled = false }",
        )
        .unwrap();
        let edf = styles.of("edf, batched");
        assert_eq!((edf.color, edf.marker), (Some((0xd5, 0x5e, 0x00)), Some(Shape::Up)));
        assert_eq!((edf.dash, edf.filled), (None, None));
        // Numbers are one label however they are written.
        let ten = styles.of("10.0");
        assert_eq!((ten.dash, ten.filled), (Some(Dash::DashDot), Some(false)));
        assert_eq!(styles.of("edf"), FixedStyle::default());
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, message) in [
            ("edf = { colour = \"#000000\" }", "did you mean `color`?"),
            ("edf = { color = \"#00f\" }", "found \"#00f\", expected a colour as \"#0072b2\""),
            ("edf = { color = \"#gg0000\" }", "six hexadecimal digits"),
            ("edf = { dash = \"dased\" }", "did you mean `dashed`?"),
            ("edf = { marker = \"squar\" }", "did you mean `square`?"),
            ("edf = { filled = 1 }", "expected true or false"),
            ("edf = \"#000000\"", "expected a table"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(message) && said.contains("s.toml:1:"), "{text}: {said}");
        }
    }

    #[test]
    fn files_are_found_beside_the_experiment() {
        assert_eq!(located("style.toml", "a/b.toml"), "a/style.toml");
        assert_eq!(located("../style.toml", "a/b/c.toml"), "a/style.toml");
        assert_eq!(located("./style.toml", "b.toml"), "style.toml");
        assert_eq!(located("../style.toml", "b.toml"), "../style.toml");
    }

    #[test]
    fn own_keys_go_over_those_of_the_shared_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        std::fs::write(
            at("style.toml"),
            "a = { color = \"#000001\", dash = \"dotted\" }\nb = { color = \"#000002\" }\n",
        )
        .unwrap();
        let own = "[style]\ninclude = \"style.toml\"\na = { dash = \"long\" }\nc = {}\n";
        for (text, labels) in [(own, vec!["a", "c"]), ("style = \"style.toml\"\n", vec![])] {
            let mut experiment = node(&at("e.toml"), text);
            let found = include(&mut experiment, &at("e.toml")).unwrap();
            assert_eq!(found.iter().map(|(label, _)| label.as_str()).collect::<Vec<_>>(), labels);
            let mut problems = Problems::default();
            let styles = Styles::read(experiment.get("style").unwrap(), &mut problems);
            assert!(problems.is_empty());
            let a = styles.of("a");
            let dash = if labels.is_empty() { Dash::Dotted } else { Dash::Long };
            assert_eq!((a.color, a.dash), (Some((0, 0, 1)), Some(dash)));
            assert_eq!(styles.of("b").color, Some((0, 0, 2)));
        }
        let mut experiment = node(&at("e.toml"), "style = \"styles.toml\"");
        let said = include(&mut experiment, &at("e.toml")).unwrap_err().to_string();
        assert!(said.contains("no such file") && said.contains("did you mean `style.toml`?"));
    }
}
