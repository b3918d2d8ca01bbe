//! A TOML tree whose every value knows its line and column, and which can be changed by key path:
//! axes and `--set` replace values, and an error still points to where the value came from.

use super::error::{Location, Problem};
use super::path;
use super::source::Source;
use std::cell::Cell;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

pub use super::path::quote;

/// Longer settings are refused: a value in memory takes a hundred times the room of its digits.
const MAX_BYTES: usize = 1 << 20;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct ConfigNode {
    /// Where it was written.
    pub place: Location,
    /// What it is.
    pub value: Value,
}

/// A TOML value; table keys are sorted. Copies share lists and tables until one is changed, since
/// the points of a grid differ in a few settings only.
#[derive(Clone, Debug)]
pub enum Value {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a point or exponent.
    Float(f64),
    /// `true` or `false`.
    Bool(bool),
    /// A list.
    Array(Arc<Vec<ConfigNode>>),
    /// Keys and values, sorted by key.
    Table(Arc<Vec<(String, ConfigNode)>>),
}

impl Value {
    /// A list.
    pub fn array(items: Vec<ConfigNode>) -> Self {
        Self::Array(Arc::new(items))
    }

    /// A table of entries that are sorted by key.
    pub fn table(entries: Vec<(String, ConfigNode)>) -> Self {
        Self::Table(Arc::new(entries))
    }

    /// The items, to be changed; `None` if this is no list.
    pub fn items_mut(&mut self) -> Option<&mut Vec<ConfigNode>> {
        if let Self::Array(items) = self { Some(Arc::make_mut(items)) } else { None }
    }

    /// The entries, to be changed; `None` if this is no table.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(String, ConfigNode)>> {
        if let Self::Table(entries) = self { Some(Arc::make_mut(entries)) } else { None }
    }

    /// What kind of value this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::Array(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

impl ConfigNode {
    /// Parses settings, which are made by people: a mebibyte at most.
    pub fn parse(source: &Source) -> Result<Self, Problem> {
        let length = source.text.len();
        if length > MAX_BYTES {
            let found = format!("settings of {} KiB", length >> 10);
            let expected = format!("{} KiB at most; a long table is a CSV file", MAX_BYTES >> 10);
            return Err(Problem::new(Location::file(&source.path), found, expected));
        }
        Self::parse_long(source)
    }

    /// Parses a file of any length that this program wrote.
    pub fn parse_long(source: &Source) -> Result<Self, Problem> {
        parse(&source.path, &source.text)
    }

    /// Parses the right side of `--set key=value`: any TOML value, or else a bare string.
    pub fn parse_override(text: &str) -> Self {
        let wrapped = format!("value = {text}");
        let place = Location::file("--set");
        let value = match parse("--set", &wrapped).map(|node| node.value) {
            Ok(Value::Table(entries)) if entries.len() == 1 => entries[0].1.value.clone(),
            _ => Value::Text(text.to_owned()),
        };
        Self { place: place.clone(), value }.relocated(&place)
    }

    /// An empty table.
    pub fn empty(place: Location) -> Self {
        Self { place, value: Value::Table(Arc::default()) }
    }

    /// The value of `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Value::Table(entries) = &self.value else { return None };
        entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value of `key`, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let mut entries = self.value.entries_mut()?.iter_mut();
        entries.find(|(name, _)| name == key).map(|(_, node)| node)
    }

    /// The value at a [`path`] of keys, `workload.rate_rps`.
    pub fn find(&self, path: &str) -> Option<&Self> {
        path::parts(path)?.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Puts `value` at a [`path`] of keys, making the tables on the way; a value that is not a
    /// table and is in the way is replaced. Items of a list are addressed by position or `name`
    /// (`workers.0.lanes`, `workers.cloud.lanes`).
    ///
    /// # Errors
    /// No item or several items have the name.
    pub fn set(&mut self, path: &str, value: Self) -> Result<(), Problem> {
        let Some(parts) = path::parts(path) else {
            let expected = "a key such as `workload.rate_rps` or `workers.\"a.b\".count`";
            return Err(Problem::new(value.place, format!("`{path}`"), expected));
        };
        self.set_below("", &parts, value)
    }

    fn set_below(&mut self, before: &str, path: &[String], value: Self) -> Result<(), Problem> {
        let Some((key, rest)) = path.split_first() else {
            *self = value;
            return Ok(());
        };
        let node = match &mut self.value {
            Value::Array(items) => match item_at(items, key) {
                Ok(at) => &mut Arc::make_mut(items)[at],
                Err(meant) => return Err(no_item(items, key, meant, before, value.place)),
            },
            Value::Table(entries) => {
                let at = entries.binary_search_by(|(name, _)| name.cmp(key));
                let entries = Arc::make_mut(entries);
                let at = at.unwrap_or_else(|at| {
                    entries.insert(at, (key.clone(), Self::empty(value.place.clone())));
                    at
                });
                &mut entries[at].1
            }
            _ => {
                self.value = Value::Table(Arc::default());
                return self.set_below(before, path, value);
            }
        };
        node.set_below(&path::join(before, key), rest, value)
    }

    /// The same path with positions for names, as far as it leads: two spellings of one place are
    /// the same then.
    pub fn resolve(&self, path: &str) -> String {
        let mut node = Some(self);
        let mut part = |key: &str| {
            let at = match node.map(|node| &node.value) {
                Some(Value::Array(items)) => item_at(items, key).ok().map(|at| (at, &items[at])),
                _ => {
                    node = node.and_then(|node| node.get(key));
                    return key.to_owned();
                }
            };
            node = at.map(|(_, item)| item);
            at.map_or_else(|| key.to_owned(), |(at, _)| at.to_string())
        };
        let Some(parts) = path::parts(path) else { return path.to_owned() };
        parts.iter().fold(String::new(), |before, key| path::join(&before, &part(key)))
    }

    /// One line of TOML with sorted keys and shortest numbers: equal trees give equal text.
    pub fn canonical(&self) -> String {
        match &self.value {
            Value::Text(text) => quote(text),
            Value::Integer(number) => number.to_string(),
            // Without a point it would be read as a whole number, which ends at 64 bits.
            Value::Float(number) if number.abs() >= 1e15 => format!("{number:e}"),
            Value::Float(number) if number.is_nan() => "nan".to_owned(),
            Value::Float(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(Self::canonical).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Table(entries) if entries.is_empty() => "{}".to_owned(),
            Value::Table(entries) => {
                let items: Vec<String> = entries
                    .iter()
                    .map(|(key, node)| format!("{} = {}", bare_or_quoted(key), node.canonical()))
                    .collect();
                format!("{{ {} }}", items.join(", "))
            }
        }
    }

    /// The first key path at which two trees differ, and the value there in each.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let text = |node: Option<&Self>| node.map_or("nothing".to_owned(), Self::canonical);
        let (Value::Table(left), Value::Table(right)) = (&self.value, &other.value) else {
            let (left, right) = (self.canonical(), other.canonical());
            return (left != right).then(|| (String::new(), left, right));
        };
        let keys = left.iter().chain(right.iter()).map(|(key, _)| key);
        let keys: std::collections::BTreeSet<&String> = keys.collect();
        keys.into_iter().find_map(|key| match (self.get(key), other.get(key)) {
            (Some(left), Some(right)) => {
                let (path, left, right) = left.difference(right)?;
                let dot = if path.is_empty() { "" } else { "." };
                Some((format!("{}{dot}{path}", path::part(key)), left, right))
            }
            (left, right) => Some((path::part(key), text(left), text(right))),
        })
    }

    /// The text of a scalar as a person would write it in a table cell.
    pub fn cell(&self) -> String {
        match &self.value {
            Value::Text(text) => text.clone(),
            _ => self.canonical(),
        }
    }

    /// Renames the field `old`, and fields below it, in the places of the tree.
    pub fn rename(&mut self, old: &str, new: &str) {
        self.update_places(&mut |place| {
            if let Some(rest) = place.field.strip_prefix(old) {
                place.field = format!("{new}{rest}");
            }
        });
    }

    /// The same tree, as if all of it stood at `place`.
    pub fn relocated(mut self, place: &Location) -> Self {
        self.update_places(&mut |own| own.clone_from(place));
        self
    }

    fn update_places(&mut self, update: &mut dyn FnMut(&mut Location)) {
        update(&mut self.place);
        match &mut self.value {
            Value::Array(items) => {
                Arc::make_mut(items).iter_mut().for_each(|node| node.update_places(update));
            }
            Value::Table(entries) => {
                let nodes = Arc::make_mut(entries).iter_mut();
                nodes.for_each(|(_, node)| node.update_places(update));
            }
            _ => {}
        }
    }

    /// How many values the tree has, lists and tables themselves included.
    pub fn size(&self) -> u64 {
        1 + match &self.value {
            Value::Array(items) => items.iter().map(Self::size).sum(),
            Value::Table(entries) => entries.iter().map(|(_, node)| node.size()).sum(),
            _ => 0,
        }
    }
}

/// The item of a list at a position or of a `name`; else how many have the name, which is not one.
fn item_at(items: &[ConfigNode], key: &str) -> Result<usize, usize> {
    if let Some(at) = key.parse().ok().filter(|at| *at < items.len()) {
        return Ok(at);
    }
    let named = |item: &ConfigNode| item.get("name").is_some_and(|name| name.cell() == key);
    match items.iter().filter(|item| named(item)).count() {
        1 => Ok(items.iter().position(named).unwrap_or(0)),
        count => Err(count),
    }
}

fn no_item(items: &[ConfigNode], key: &str, meant: usize, list: &str, place: Location) -> Problem {
    if meant > 1 {
        let found = format!("`{key}`, the name of {meant} items of `{list}`");
        return Problem::new(place, found, format!("a position, 0 to {}", items.len() - 1));
    }
    let names = items.iter().filter_map(|item| item.get("name"));
    let names = names.map(|name| path::part(&name.cell()));
    let known: Vec<String> = (0..items.len()).map(|at| at.to_string()).chain(names).collect();
    Problem::unknown(place, "item", key, known.iter().map(String::as_str)).of(list)
}

fn bare_or_quoted(key: &str) -> String {
    let bare = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { quote(key) }
}

/// Turns byte offsets into lines and columns.
pub(super) struct Lines<'a> {
    file: &'a str,
    text: &'a str,
    starts: Vec<usize>,
    /// The last offset that was asked for, the start of its line and its column.
    last: Cell<(usize, usize, u64)>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(breaks).collect();
        Self { file, text, starts, last: Cell::new((0, 0, 1)) }
    }

    pub(super) fn place(&self, at: usize) -> Location {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts[line - 1];
        // Counted on from the last value: a list of a million on one line would take hours.
        let (from, columns) = match self.last.get() {
            (last, begin, column) if begin == start && last <= at => (last, column),
            _ => (start, 1),
        };
        let column = self.text.get(from..at).map_or(0, |t| t.chars().count() as u64 + columns);
        if column > 0 {
            self.last.set((at, start, column));
        }
        Location { file: self.file.to_owned(), line: line as u64, column, field: String::new() }
    }
}

fn parse(file: &str, text: &str) -> Result<ConfigNode, Problem> {
    let lines = Lines::new(file, text);
    let table = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or(Location::file(file), |span| lines.place(span.start));
        Problem::new(place, format!("broken TOML ({})", error.message().trim()), "valid TOML")
    })?;
    let value = convert_table(table.get_ref(), &lines, "")?;
    Ok(ConfigNode { place: Location::file(file), value })
}

fn convert_table(table: &DeTable<'_>, lines: &Lines<'_>, path: &str) -> Result<Value, Problem> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let key = key.get_ref().to_string();
        let path = path::join(path, &key);
        entries.push((key, convert(value, lines, &path)?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Value::table(entries))
}

/// Control characters that a terminal would obey; texts are printed.
fn is_unsafe_control(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

fn convert(
    value: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
    path: &str,
) -> Result<ConfigNode, Problem> {
    let place = lines.place(value.span().start).field(path);
    let bad = |found: &str, expected: &str| Problem::new(place.clone(), found, expected);
    let converted = match value.get_ref() {
        DeValue::String(text) => match text.chars().find(|c| is_unsafe_control(*c)) {
            None => Value::Text(text.to_string()),
            Some(control) => {
                let found = format!("the control character U+{:04X}", u32::from(control));
                return Err(bad(&found, "a text of letters, blanks, tabs and line ends"));
            }
        },
        DeValue::Integer(number) => Value::Integer(
            i64::from_str_radix(number.as_str(), number.radix())
                .map_err(|_| bad(number.as_str(), "a whole number of 64 bits"))?,
        ),
        DeValue::Float(number) => {
            Value::Float(number.as_str().parse().map_err(|_| bad(number.as_str(), "a number"))?)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(_) => return Err(bad("a date", "a number, string, list or table")),
        DeValue::Array(items) => {
            let items: Result<_, _> = items.iter().map(|item| convert(item, lines, path)).collect();
            Value::array(items?)
        }
        DeValue::Table(table) => convert_table(table, lines, path)?,
    };
    Ok(ConfigNode { place, value: converted })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(text: &str) -> ConfigNode {
        parse("x.toml", text).unwrap()
    }

    #[test]
    fn values_know_their_place_and_can_be_replaced() {
        let mut tree = node("a = 1\n[b]\nc = [1.50, \"x\"]\n");
        let c = tree.find("b.c").unwrap();
        assert_eq!(c.place.to_string(), "x.toml:3:5: `b.c`");
        tree.set("b.d.e", ConfigNode::parse_override("{ z = 1, y = 2.0 }")).unwrap();
        assert_eq!(
            tree.canonical(),
            "{ a = 1, b = { c = [1.5, \"x\"], d = { e = { y = 2, z = 1 } } } }"
        );
        assert_eq!(tree.find("b.d.e.z").unwrap().place.to_string(), "--set");
    }

    #[test]
    fn items_of_lists_go_by_position_or_name() {
        let text = "w = [{ name = 'a', n = 1 }, { name = 'b' }, { name = 'c' }, { name = 'c' }]\n";
        let mut tree = node(text);
        let mut set = |path: &str| {
            let value = ConfigNode::parse_override("7");
            tree.set(path, value).map(|()| tree.canonical()).map_err(|problem| problem.to_string())
        };
        assert!(set("w.0.n").unwrap().contains("{ n = 7, name = \"a\" }"));
        assert!(set("w.b.link.rtt").unwrap().contains("{ link = { rtt = 7 }, name = \"b\" }"));
        assert!(set("w.c.n").unwrap_err().contains("the name of 2 items of `w`"));
        assert!(
            set("w.d.n").unwrap_err().contains("unknown item `d` of `w`, expected one of 0, 1")
        );
        assert!(set("w.4").unwrap_err().contains("unknown item `4` of `w`"));
        assert!(set("w.2").unwrap().contains(", 7, { name = \"c\" }]"));
        // Then there is one of that name.
        assert!(set("w.c.n").unwrap().ends_with("{ n = 7, name = \"c\" }] }"));
        for (path, resolved) in [("w.b.link.rtt", "w.1.link.rtt"), ("w.d.n", "w.d.n")] {
            assert_eq!(tree.resolve(path), resolved);
        }
    }

    #[test]
    fn canonical_text_is_read_back() {
        for text in ["1e300", "-1e19", "1e-300", "0.1", "nan", "inf", "-9223372036854775808"] {
            let written = ConfigNode::parse_override(text).canonical();
            assert_eq!(node(&format!("a = {written}")).canonical(), format!("{{ a = {written} }}"));
        }
    }

    #[test]
    fn trees_differ_at_a_path() {
        let differ = |a: &str, b: &str| node(a).difference(&node(b));
        let some = |path: &str, a: &str, b: &str| Some((path.into(), a.into(), b.into()));
        assert_eq!(differ("a = 1\n[b]\nc = 2\n", "b = { c = 2 }\na = 1\n"), None);
        assert_eq!(differ("a = 1\n[b]\nc = 2\n", "a = 1\nb.c = 3\n"), some("b.c", "2", "3"));
        assert_eq!(differ("a = [1]\n", "a = [2]\n"), some("a", "[1]", "[2]"));
        assert_eq!(differ("", "b = 2\n"), some("b", "nothing", "2"));
    }

    #[test]
    fn overrides_may_be_bare_words() {
        assert_eq!(ConfigNode::parse_override("edf").canonical(), "\"edf\"");
        assert_eq!(ConfigNode::parse_override("3").canonical(), "3");
        assert_eq!(ConfigNode::parse_override("1\nb = 2").canonical(), "\"1\\nb = 2\"");
    }

    #[test]
    fn broken_toml_has_a_position() {
        let problem = parse("x.toml", "a = 1\nb = = 2\n").unwrap_err();
        assert_eq!(problem.place.line, 2);
    }
}
