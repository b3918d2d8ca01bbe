//! JSON (RFC 8259) as the same tree as TOML, so that what is wrong with it is said in the same way.
//!
//! A key whose value is `null` is as if it were not there; a `null` in a list is refused.

use super::error::{Place, Problem};
use super::source::Source;
use super::toml::{Lines, Node, Value};

/// Lists and tables within each other; deeper ones are refused rather than overflow the stack.
const MAX_DEPTH: usize = 64;

/// Parses a file that holds one value.
pub fn parse(source: &Source) -> Result<Node, Problem> {
    let lines = Lines::new(&source.path, &source.text);
    let mut parser = Parser { text: &source.text, at: 0, lines, seen: (0, 1, 1), depth: 0 };
    parser.blanks();
    let node = parser.value("")?;
    parser.blanks();
    match (node, parser.at == source.text.len()) {
        (Some(node), true) => Ok(node),
        (None, true) => Err(Problem::new(Place::file(&source.path), "null", "a list or an object")),
        (_, false) => Err(parser.problem("", "the end of the file")),
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    lines: Lines<'a>,
    /// The last place asked for: byte, line, column.
    seen: (usize, u64, u64),
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Where this is, counted from the last place, so that long lines take linear time.
    fn place(&mut self, path: &str) -> Place {
        let (from, line, column) = self.seen;
        let piece = &self.text[from..self.at];
        let lines = piece.bytes().filter(|b| *b == b'\n').count() as u64;
        let rest = piece.rfind('\n').map_or(piece, |at| &piece[at + 1..]).chars().count() as u64;
        let column = if lines == 0 { column + rest } else { 1 + rest };
        self.seen = (self.at, line + lines, column);
        Place { line: line + lines, column, ..Place::file(self.lines.file).field(path) }
    }

    /// What stands here against what should.
    fn problem(&self, path: &str, expected: &str) -> Problem {
        let rest = self.text.get(self.at..).unwrap_or("");
        let found: String = rest.chars().take_while(|c| !c.is_whitespace()).take(20).collect();
        let found =
            if rest.is_empty() { "the end of the file".into() } else { format!("`{found}`") };
        Problem::new(self.lines.place(self.at).field(path), found, expected)
    }

    /// Takes `byte` and the blanks after it.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
            self.blanks();
        }
        found
    }

    /// A value; `None` for `null`.
    fn value(&mut self, path: &str) -> Result<Option<Node>, Problem> {
        let place = self.place(path);
        let value = match self.peek() {
            Some(b'{') => self.inner(path, Self::table)?,
            Some(b'[') => self.inner(path, Self::list)?,
            Some(b'"') => Value::Text(self.string(path)?),
            Some(b'-' | b'0'..=b'9') => self.number(path)?,
            _ => {
                let words = [("true", Some(true)), ("false", Some(false)), ("null", None)];
                let word = words.into_iter().find(|(w, _)| self.text[self.at..].starts_with(w));
                let Some((word, flag)) = word else {
                    return Err(self.problem(path, "a JSON value"));
                };
                self.at += word.len();
                let Some(flag) = flag else { return Ok(None) };
                Value::Bool(flag)
            }
        };
        Ok(Some(Node { place, value }))
    }

    fn inner(
        &mut self,
        path: &str,
        read: impl FnOnce(&mut Self, &str) -> Result<Value, Problem>,
    ) -> Result<Value, Problem> {
        if self.depth == MAX_DEPTH {
            return Err(self.problem(path, "at most 64 lists and objects within each other"));
        }
        self.depth += 1;
        self.at += 1;
        self.blanks();
        let value = read(self, path);
        self.depth -= 1;
        value
    }

    fn list(&mut self, path: &str) -> Result<Value, Problem> {
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            let inner = format!("{path}[{}]", items.len());
            let before = self.at;
            let Some(item) = self.value(&inner)? else {
                self.at = before;
                return Err(self.problem(&inner, "a value"));
            };
            items.push(item);
            self.blanks();
            if !self.take(b',') {
                break;
            }
        }
        if self.peek() != Some(b']') {
            return Err(self.problem(path, "`,` or `]`"));
        }
        self.at += 1;
        Ok(Value::Array(items))
    }

    fn table(&mut self, path: &str) -> Result<Value, Problem> {
        let mut entries: Vec<(String, Node)> = Vec::new();
        let mut keys = std::collections::BTreeSet::new();
        if self.take(b'}') {
            return Ok(Value::Table(entries));
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.problem(path, "a key in double quotes"));
            }
            let place = self.place("");
            let key = self.string(path)?;
            let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            if !keys.insert(key.clone()) {
                let found = "the same key twice";
                return Err(Problem::new(place.field(&inner), found, "distinct keys"));
            }
            self.blanks();
            if !self.take(b':') {
                return Err(self.problem(&inner, "`:`"));
            }
            if let Some(node) = self.value(&inner)? {
                entries.push((key, node));
            }
            self.blanks();
            if !self.take(b',') {
                break;
            }
        }
        if self.peek() != Some(b'}') {
            return Err(self.problem(path, "`,` or `}`"));
        }
        self.at += 1;
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Value::Table(entries))
    }

    fn number(&mut self, path: &str) -> Result<Value, Problem> {
        let start = self.at;
        let part = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E');
        while self.peek().is_some_and(part) {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let whole = text.parse().ok().map(Value::Integer);
        let float = || text.parse().ok().filter(|v: &f64| v.is_finite()).map(Value::Float);
        whole.or_else(float).ok_or_else(|| {
            let place = self.lines.place(start).field(path);
            Problem::new(place, format!("`{text}`"), "a finite number")
        })
    }

    fn string(&mut self, path: &str) -> Result<String, Problem> {
        let mut text = String::new();
        self.at += 1;
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ');
            let Some(plain) = plain else {
                self.at = self.text.len();
                return Err(self.problem(path, "a closing quote"));
            };
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape(path)?),
                _ => return Err(self.problem(path, "no line break or control within a string")),
            }
        }
    }

    fn escape(&mut self, path: &str) -> Result<char, Problem> {
        let name = self.text.as_bytes().get(self.at + 1).copied();
        let simple = match name {
            Some(c @ (b'"' | b'\\' | b'/')) => Some(char::from(c)),
            Some(b'b') => Some('\u{8}'),
            Some(b'f') => Some('\u{c}'),
            Some(b'n') => Some('\n'),
            Some(b'r') => Some('\r'),
            Some(b't') => Some('\t'),
            _ => None,
        };
        if let Some(c) = simple {
            self.at += 2;
            return Ok(c);
        }
        let unit = |at: usize| {
            let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
            let hex = digits.bytes().all(|b| b.is_ascii_hexdigit());
            u16::from_str_radix(digits, 16).ok().filter(|_| hex)
        };
        let units = [unit(self.at), unit(self.at + 6)];
        // A character beyond 16 bits is written as two escapes.
        let read = units.iter().flatten().copied();
        match char::decode_utf16(read).next() {
            Some(Ok(c)) if units[0].is_some() => {
                self.at += 6 * c.len_utf16();
                Ok(c)
            }
            _ => Err(self.problem(path, "an escape that JSON knows")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Problem> {
        let text = text.to_owned();
        parse(&Source { path: "x.json".into(), text, sha256: String::new() })
    }

    #[test]
    fn values_are_those_of_the_reference_parser() {
        let text = r#" { "b" : [1, -2.5e3, true, {}], "a": "x\"\\\/\n\u00e9\ud83d\ude00", "n": null,
            "empty": [ ], "zero": 0 } "#;
        let node = read(text).unwrap();
        let reference: serde_json::Value = serde_json::from_str(text).unwrap();
        let Some(Value::Text(found)) = node.get("a").map(|n| &n.value) else { panic!() };
        assert_eq!(found, reference["a"].as_str().unwrap());
        assert_eq!(node.get("b").unwrap().canonical(), "[1, -2500, true, {}]");
        assert!(node.get("n").is_none() && node.get("empty").is_some());
        assert_eq!(node.get("zero").unwrap().place.to_string(), "x.json:2:35: `zero`");
    }

    #[test]
    fn what_is_broken_is_said_with_its_place() {
        for (text, said) in [
            ("", "x.json:1:1: found the end of the file, expected a JSON value"),
            ("null", "x.json: found null, expected a list or an object"),
            ("[1,\n 2", "x.json:2:3: found the end of the file, expected `,` or `]`"),
            ("[1, null]", "x.json:1:5: `[1]`: found `null]`, expected a value"),
            ("{\"a\": 1, \"a\": 2}", "x.json:1:10: `a`: found the same key twice, expected"),
            ("{\"a\" 1}", "x.json:1:6: `a`: found `1}`, expected `:`"),
            ("{a: 1}", "x.json:1:2: found `a:`, expected a key in double quotes"),
            ("[\"a\\q\"]", "x.json:1:4: `[0]`: found `\\q\"]`, expected an escape"),
            ("[\"\\ud83d\"]", "x.json:1:3: `[0]`: found `\\ud83d\"]`, expected an escape"),
            ("[\"a", "x.json:1:4: `[0]`: found the end of the file, expected a closing quote"),
            ("[1e999]", "x.json:1:2: `[0]`: found `1e999`, expected a finite number"),
            ("[] x", "x.json:1:4: found `x`, expected the end of the file"),
        ] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{text:?}: {problem}");
        }
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
