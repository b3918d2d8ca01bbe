//! Messages between this program and another over a pipe: one JSON value a line. Each side begins
//! with the version of the messages that it speaks.

use super::source::MAX_LINE_BYTES;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::io::{self, BufRead, Read};

/// The version of all messages; it changes when one of them does.
pub const VERSION: u32 = 1;

/// The characters of a line that a message shows.
const EXCERPT: usize = 60;

/// The first message of the other side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Greeting {
    version: u32,
}

/// Reads the next line into `line`, without its end; `false` at the end of the stream.
///
/// # Errors
/// What the stream reports, and a line that is too long.
pub fn read_line(stream: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<bool> {
    line.clear();
    let read = stream.take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', line)?;
    if line.len() > MAX_LINE_BYTES {
        return Err(io::Error::other("a line longer than 1 MiB"));
    }
    line.truncate(line.trim_ascii_end().len());
    Ok(read > 0)
}

/// Sets `line` to a message with its line end.
///
/// # Errors
/// A value that JSON does not have.
pub fn write_line(message: &impl Serialize, line: &mut Vec<u8>) -> Result<(), String> {
    line.clear();
    serde_json::to_writer(&mut *line, message).map_err(|error| error.to_string())?;
    line.push(b'\n');
    Ok(())
}

/// The message of a line.
///
/// # Errors
/// What was found instead, for a person.
pub fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    // Lists would stand for objects without the names of their fields.
    let object: Map<String, Value> = serde_json::from_slice(line)
        .map_err(|_| format!("{}, which is no JSON object in a line", excerpt(line)))?;
    T::deserialize(Value::Object(object)).map_err(|error| {
        let said = error.to_string().replace("unknown variant", "unknown name");
        format!("another message, {} ({said})", excerpt(line))
    })
}

/// The beginning of a line, in quotes.
fn excerpt(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    match text.char_indices().nth(EXCERPT) {
        _ if text.trim().is_empty() => "an empty line".to_owned(),
        Some((end, _)) => format!("`{}…`", &text[..end]),
        None => format!("`{text}`"),
    }
}

/// Checks the first message of the other side.
///
/// # Errors
/// What was found instead, for a person.
pub fn check_version(line: &[u8]) -> Result<(), String> {
    let Greeting { version } = parse(line)?;
    if version == VERSION { Ok(()) } else { Err(format!("version {version}")) }
}

/// The first message that is expected of the other side.
pub fn greeting() -> String {
    format!("{{\"version\": {VERSION}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_one_by_one_and_long_ones_refused() {
        let long = "x".repeat(MAX_LINE_BYTES + 1);
        let text = format!("{{}}\r\n\nlast\n{long}");
        let (mut stream, mut line) = (text.as_bytes(), Vec::new());
        for expected in ["{}", "", "last"] {
            assert!(read_line(&mut stream, &mut line).unwrap());
            assert_eq!(line, expected.as_bytes());
        }
        let refused = read_line(&mut stream, &mut line).unwrap_err();
        assert_eq!(refused.to_string(), "a line longer than 1 MiB");
        assert!(!read_line(&mut io::empty(), &mut line).unwrap());
    }

    #[test]
    fn what_is_no_greeting_is_said() {
        let said = |line: &str| check_version(line.as_bytes()).unwrap_err();
        assert_eq!(check_version(greeting().as_bytes()), Ok(()));
        assert_eq!(said("{\"version\": 2}"), "version 2");
        assert_eq!(said("hello"), "`hello`, which is no JSON object in a line");
        assert_eq!(said("[1]"), "`[1]`, which is no JSON object in a line");
        assert_eq!(said(" "), "an empty line, which is no JSON object in a line");
        let long = said(&"x".repeat(100));
        assert_eq!(long, format!("`{}…`, which is no JSON object in a line", "x".repeat(60)));
        let unknown = said("{\"version\": 1, \"x\": 0}");
        assert!(unknown.starts_with("another message, `{"), "{unknown}");
        assert!(unknown.contains("(unknown field `x`"), "{unknown}");
        assert!(said("{\"version\": 1.5}").contains("floating point `1.5`, expected u32"));
    }
}
