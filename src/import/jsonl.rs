//! JSON lines: an object per line with any keys. `--column` says which key is what; points lead
//! into inner objects, after keys that contain the point have been tried.

use super::columns::{COLUMNS, Columns, WHAT};
use super::time_reader::{TimeReader, UNITS};
use super::{ImportKind, ImportNotes, ImportedRequest, ImporterEntry, RequestReader};
use crate::config::lines::LineReader;
use crate::config::source::Source;
use crate::config::{ConfigNode, Location, Problem, Value, json};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "jsonl",
    summary: "any JSON objects, one a line; keys by --column, units by --unit",
    settings: &[COLUMNS, UNITS],
    form: ImportKind::Trace(|settings| {
        let columns = Columns::read(settings);
        Box::new(move |path, _| {
            let (columns, clock) = (columns.clone(), columns.clock());
            let decoder = move |node: &_, clock: &mut _| request(node, &columns, clock);
            JsonLines::open(path, clock, Box::new(decoder))
        })
    }),
};

/// Makes a request of an object.
pub(super) type ObjectDecoder =
    Box<dyn FnMut(&ConfigNode, &mut TimeReader) -> Result<ImportedRequest, Problem>>;

/// The requests of a file of objects.
pub(super) struct JsonLines {
    lines: LineReader,
    path: String,
    clock: TimeReader,
    decoder: ObjectDecoder,
}

impl JsonLines {
    /// Opens a file.
    pub(super) fn open(
        path: &str,
        clock: TimeReader,
        decoder: ObjectDecoder,
    ) -> Result<Box<dyn RequestReader>, Problem> {
        let lines = LineReader::open(path)?.hashed();
        Ok(Box::new(Self { lines, path: path.to_owned(), clock, decoder }))
    }
}

/// The value at a key or a path of keys of an object.
///
/// # Errors
/// There is none, or this is no object.
pub fn find<'n>(node: &'n ConfigNode, key: &str) -> Result<&'n ConfigNode, Problem> {
    node.get(key).or_else(|| node.find(key)).ok_or_else(|| {
        let place = node.place.clone().field(key);
        match &node.value {
            Value::Table(entries) => {
                let known = entries.iter().map(|(name, _)| name.as_str());
                let nearest = Problem::unknown(Location::default(), "key", key, known).nearest;
                Problem { nearest, ..Problem::new(place, "nothing", "a value of this key") }
            }
            _ => Problem::new(place, node.value.kind(), "an object a line"),
        }
    })
}

fn request(
    node: &ConfigNode,
    columns: &Columns,
    clock: &mut TimeReader,
) -> Result<ImportedRequest, Problem> {
    let mut cells = [const { None }; 4];
    for (at, name) in columns.names.iter().enumerate() {
        let Some(name) = name else { continue };
        let node = find(node, name)?;
        if matches!(node.value, Value::Array(_) | Value::Table(_)) {
            let expected = format!("a number or a string, as {}", WHAT[at]);
            return Err(Problem::new(node.place.clone(), node.value.kind(), expected));
        }
        cells[at] = Some(node.cell());
    }
    let texts = cells.each_ref().map(Option::as_deref);
    columns.request(texts, clock, node.place.line).map_err(|(at, expected)| {
        let name = columns.names[at].as_deref().unwrap_or("");
        let place = find(node, name).map_or_else(|problem| problem.place, |n| n.place.clone());
        let found = texts[at].filter(|text| !text.is_empty());
        let found = found.map_or("an empty string".to_owned(), |text| format!("`{text}`"));
        Problem::new(place, found, expected)
    })
}

impl RequestReader for JsonLines {
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem> {
        let Some(text) = self.lines.next_line()? else { return Ok(None) };
        let (path, text) = (self.path.clone(), text.to_owned());
        let line = self.lines.number();
        let node = json::parse(&Source { path, text, sha256: String::new() });
        let request = node.and_then(|mut node| {
            node.place.line = line;
            (self.decoder)(&node, &mut self.clock)
        });
        request.map(Some).map_err(|mut problem| {
            problem.place.line = line;
            problem
        })
    }

    fn lines(&self) -> &LineReader {
        &self.lines
    }

    fn notes(&self) -> ImportNotes {
        ImportNotes { facts: self.clock.fact().into_iter().collect(), notes: self.clock.notes() }
    }
}
