//! JSON (RFC 8259) as the same tree as TOML, so that problems are reported in the same way.
//!
//! A key whose value is `null` is as if it were not there; a `null` in a list is refused.

use super::decode::whole;
use super::error::{Location, Problem};
use super::path::join;
use super::source::Source;
use super::toml::{ConfigNode, Lines, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// Lists and tables within each other; deeper ones are refused rather than overflow the stack.
const MAX_DEPTH: usize = 64;

/// Parses a file that holds one value.
pub fn parse(source: &Source) -> Result<ConfigNode, Problem> {
    let root: &RawValue = serde_json::from_str(&source.text).map_err(|error| {
        let (line, column) = (error.line() as u64, error.column() as u64);
        broken(Location { line, column, ..Location::file(&source.path) }, &error)
    })?;
    let tree = Tree { source, lines: Lines::new(&source.path, &source.text) };
    let node = tree.node(root, "", 0)?;
    node.ok_or_else(|| Problem::new(Location::file(&source.path), "null", "a list or an object"))
}

fn broken(place: Location, error: &serde_json::Error) -> Problem {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    Problem::new(place, format!("broken JSON ({said})"), "valid JSON")
}

/// The entries of an object, doubled keys included.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(All)
    }
}

/// Converts the values of one file.
struct Tree<'a> {
    source: &'a Source,
    lines: Lines<'a>,
}

impl<'a> Tree<'a> {
    fn place(&self, raw: &str, path: &str) -> Location {
        self.lines.place(raw.as_ptr().addr() - self.source.text.as_ptr().addr()).field(path)
    }

    /// A value; `None` for `null`.
    fn node(
        &self,
        raw: &'a RawValue,
        path: &str,
        depth: usize,
    ) -> Result<Option<ConfigNode>, Problem> {
        let raw = raw.get();
        let place = self.place(raw, path);
        if depth > MAX_DEPTH {
            let found = format!("more than {MAX_DEPTH} lists and objects within each other");
            return Err(Problem::new(place, found, "fewer"));
        }
        let fail = |error| broken(place.clone(), &error);
        let value = match raw.as_bytes().first() {
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(raw).map_err(fail)?;
                self.table(entries, path, depth)?
            }
            Some(b'[') => {
                let items = serde_json::from_str(raw).map_err(fail)?;
                self.list(items, path, depth)?
            }
            Some(b'"') => Value::Text(serde_json::from_str(raw).map_err(fail)?),
            Some(b't') => Value::Bool(true),
            Some(b'f') => Value::Bool(false),
            Some(b'n') => return Ok(None),
            _ => {
                let whole = raw.parse().ok().map(Value::Integer);
                let float = || raw.parse().ok().filter(|v: &f64| v.is_finite()).map(number_of);
                let number = whole.or_else(float);
                let bad = || Problem::new(place.clone(), format!("`{raw}`"), "a finite number");
                number.ok_or_else(bad)?
            }
        };
        Ok(Some(ConfigNode { place, value }))
    }

    fn list(&self, raw: Vec<&'a RawValue>, path: &str, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::with_capacity(raw.len());
        for (at, item) in raw.into_iter().enumerate() {
            let path = format!("{path}[{at}]");
            let Some(node) = self.node(item, &path, depth + 1)? else {
                return Err(Problem::new(self.place(item.get(), &path), "null", "a value"));
            };
            items.push(node);
        }
        Ok(Value::array(items))
    }

    fn table(
        &self,
        raw: Vec<(String, &'a RawValue)>,
        path: &str,
        depth: usize,
    ) -> Result<Value, Problem> {
        let mut entries: Vec<(String, ConfigNode)> = Vec::with_capacity(raw.len());
        let mut keys = std::collections::BTreeSet::new();
        for (key, value) in raw {
            let path = join(path, &key);
            if !keys.insert(key.clone()) {
                let place = self.place(value.get(), &path);
                return Err(Problem::new(place, "the same key twice", "distinct keys"));
            }
            if let Some(node) = self.node(value, &path, depth + 1)? {
                entries.push((key, node));
            }
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Value::table(entries))
    }
}

/// JSON has one kind of number: `512.0` and `5e2` are whole.
fn number_of(value: f64) -> Value {
    whole(value).map_or(Value::Float(value), Value::Integer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ConfigNode, Problem> {
        let text = text.to_owned();
        parse(&Source { path: "x.json".into(), text, sha256: String::new() })
    }

    #[test]
    fn values_and_their_places() {
        let text = r#" { "b" : [1, -2.5e3, true, {}], "a": "x\"\\\/\n\u00e9\ud83d\ude00", "n": null,
            "empty": [ ], "zero": 0 } "#;
        let node = read(text).unwrap();
        let Some(Value::Text(found)) = node.get("a").map(|n| &n.value) else { panic!() };
        assert_eq!(found, "x\"\\/\n\u{e9}\u{1f600}");
        assert_eq!(node.get("b").unwrap().canonical(), "[1, -2500, true, {}]");
        assert!(node.get("n").is_none() && node.get("empty").is_some());
        assert_eq!(node.get("zero").unwrap().place.to_string(), "x.json:2:35: `zero`");
        for (text, whole) in [("512.0", true), ("5.12e2", true), ("512.5", false), ("1e16", false)]
        {
            let node = read(&format!("[{text}]")).unwrap();
            let Value::Array(items) = node.value else { panic!() };
            assert_eq!(matches!(items[0].value, Value::Integer(_)), whole, "{text}");
        }
    }

    #[test]
    fn what_is_broken_is_said_with_its_place() {
        for (text, said) in [
            ("", "x.json:1: found broken JSON (EOF while parsing a value), expected valid JSON"),
            ("null", "x.json: found null, expected a list or an object"),
            ("[1,\n 2", "x.json:2:2: found broken JSON (EOF while parsing a list), expected"),
            ("[1, null]", "x.json:1:5: `[1]`: found null, expected a value"),
            ("{\"a\": 1, \"a\": 2}", "x.json:1:15: `a`: found the same key twice, expected"),
            ("{\"a\" 1}", "x.json:1:6: found broken JSON (expected `:`), expected"),
            ("{a: 1}", "x.json:1:2: found broken JSON (key must be a string), expected"),
            ("[\"a\\q\"]", "x.json:1:5: found broken JSON (invalid escape), expected"),
            ("[\"\\ud83d\"]", "x.json:1:2: `[0]`: found broken JSON (unexpected end of hex"),
            ("[\"a", "x.json:1:3: found broken JSON (EOF while parsing a string), expected"),
            ("[1e999]", "x.json:1:2: `[0]`: found `1e999`, expected a finite number"),
            ("[] x", "x.json:1:4: found broken JSON (trailing characters), expected"),
        ] {
            let problem = read(text).unwrap_err().to_string();
            assert!(problem.starts_with(said), "{text:?}: {problem}");
        }
        assert!(read(&"[".repeat(100_000)).is_err());
    }
}
