//! What a command says when it has something to say: its results on stdout, as text or as one JSON
//! document, and its notes on stderr, once each, under one heading at its end.

use super::{CliError, messages};
use crate::cli::terminal::Terminal;
use crate::config::note::{Note, Notes};
use crate::config::source;
use serde_json::{Map, Value, json};
use std::io::{self, StdoutLock, Write};
use std::path::Path;

/// The results and the notes of a command.
///
/// Text is written to it, and fields are set; `--json` decides which of the two is printed.
pub(super) struct Output {
    text: Terminal<StdoutLock<'static>>,
    /// With `--json`, what is printed at the end instead of the text.
    document: Option<Value>,
    pub(super) notes: Notes,
}

impl Output {
    pub(super) fn new(json: bool) -> Self {
        let text = Terminal::new(io::stdout().lock());
        Self { text, document: json.then_some(Value::Null), notes: Notes::default() }
    }

    /// Lines of JSON go here, with `--json` and without.
    pub(super) fn lines(&mut self) -> &mut impl Write {
        &mut self.text
    }

    /// Whether fields count, and not text.
    pub(super) fn is_json(&self) -> bool {
        self.document.is_some()
    }

    /// Sets a field of the document.
    pub(super) fn set(&mut self, field: &str, value: impl Into<Value>) {
        if let Some(document) = &mut self.document {
            // A document without fields yet becomes an object.
            document[field] = value.into();
        }
    }

    /// Adds to a list of the document.
    pub(super) fn push(&mut self, field: &str, value: impl Into<Value>) {
        let Some(document) = &mut self.document else { return };
        match &mut document[field] {
            Value::Array(list) => list.push(value.into()),
            field => *field = json!([value.into()]),
        }
    }

    /// Replaces the document.
    pub(super) fn set_all(&mut self, value: Value) {
        if let Some(document) = &mut self.document {
            *document = value;
        }
    }

    /// Says that a file was written, in a line and in the field `written`.
    pub(super) fn wrote(&mut self, path: &Path) -> io::Result<()> {
        self.push("written", path.to_string_lossy());
        writeln!(self, "wrote {}", path.display())
    }

    /// Keeps a note for the end.
    pub(super) fn note(&mut self, text: impl Into<String>) {
        self.notes.add(Note::new("", text));
    }

    /// Prints the document, then the notes, unless the input of the command was refused.
    pub(super) fn conclude(&mut self, done: Result<(), CliError>) -> Result<(), CliError> {
        if matches!(done, Err(CliError::Input(_))) {
            return done;
        }
        if let Some(document) = self.document.take().filter(|document| !document.is_null()) {
            // Text of JSON has its own way to write control characters.
            writeln!(self.text, "{}", escape(&format!("{document:#}")))?;
        }
        self.text.flush()?;
        let lines = self.notes.lines();
        if !lines.is_empty() {
            messages::status("Notes:");
        }
        lines.iter().for_each(|line| messages::status(&format!("- {line}")));
        done
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_json() { Ok(bytes.len()) } else { self.text.write(bytes) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.text.flush()
    }
}

/// JSON without the control characters that JSON leaves as they are, and a terminal obeys.
fn escape(json: &str) -> String {
    let of = |c: char| match c {
        '\u{7f}'..='\u{9f}' => format!("\\u{:04x}", u32::from(c)),
        c => c.to_string(),
    };
    json.chars().map(of).collect()
}

/// Columns that hold no numbers, even where all of their cells look like some.
const TEXTS: [&str; 2] = ["run_id", "config_hash"];

/// A CSV table as a list of objects. A column whose cells are all numbers has numbers; an empty
/// cell is null.
pub(super) fn rows_of(csv: &str) -> Value {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(csv.as_bytes());
    let Ok(head) = reader.headers().cloned() else { return json!([]) };
    let rows: Vec<csv::StringRecord> = reader.records().filter_map(Result::ok).collect();
    let is_number = |at: usize| {
        let mut cells = rows.iter().filter_map(|row| row.get(at)).filter(|cell| !cell.is_empty());
        !TEXTS.contains(&&head[at]) && cells.all(|cell| number(cell).is_some())
    };
    let numbers: Vec<bool> = (0..head.len()).map(is_number).collect();
    let value = |at: usize, cell: &str| match cell {
        "" => Value::Null,
        cell if numbers[at] => number(cell).unwrap_or_default(),
        cell => cell.into(),
    };
    let object = |row: &csv::StringRecord| -> Map<String, Value> {
        let cells = head.iter().zip(row).enumerate();
        cells.map(|(at, (name, cell))| (name.to_owned(), value(at, cell))).collect()
    };
    rows.iter().map(object).collect::<Vec<_>>().into()
}

/// A CSV file as a list of objects.
pub(super) fn rows_of_file(path: &Path) -> Result<Value, CliError> {
    Ok(rows_of(&source::read_own(&path.to_string_lossy())?.text))
}

/// A cell of a table that has a cell of its own kind in every row.
pub(super) fn cell_value(cell: &str) -> Value {
    let value = || number(cell).unwrap_or_else(|| cell.into());
    if cell.is_empty() { Value::Null } else { value() }
}

/// A finite number, whole where it is written so.
fn number(cell: &str) -> Option<Value> {
    let whole = cell.parse::<i64>().ok().map(Value::from);
    whole.or_else(|| cell.parse::<u64>().ok().map(Value::from)).or_else(|| {
        let value = cell.parse::<f64>().ok().filter(|value| value.is_finite());
        value.map(Value::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_numbers_have_numbers() {
        let rows = rows_of("run_id,a,b,c\n12,1,x,0.5\n34,,2,inf\n");
        let expected = json!([
            { "run_id": "12", "a": 1, "b": "x", "c": "0.5" },
            { "run_id": "34", "a": null, "b": "2", "c": "inf" },
        ]);
        assert_eq!(rows, expected);
        assert_eq!(rows_of("a\n1e-3\n18446744073709551615\n")[0]["a"], json!(0.001));
        assert_eq!(rows_of(""), json!([]));
    }

    #[test]
    fn a_terminal_gets_no_control_characters() {
        let text = json!({ "name": "a\u{1b}\u{7f}\u{9b}é" }).to_string();
        assert_eq!(escape(&text), r#"{"name":"a\u001b\u007f\u009bé"}"#);
        let read: Value = serde_json::from_str(&escape(&text)).expect("JSON");
        assert_eq!(read["name"], "a\u{1b}\u{7f}\u{9b}é");
    }
}
