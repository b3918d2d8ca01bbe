//! Paths of keys, `workload.rate_rps`, written as TOML writes dotted keys: a part that holds a
//! point is quoted, `workers."llama-3.1".count`.

use toml::de::DeValue;

/// The parts of a path. Nothing if a quoted part has no end, or is followed by something else than
/// a point.
pub fn parts(path: &str) -> Option<Vec<String>> {
    let (parts, rest) = leading(path, &['.'])?;
    rest.is_empty().then_some(parts)
}

/// A path and what is assigned to it, `key=value`, split at the first `=` outside quotes.
pub fn assignment(text: &str) -> Option<(&str, &str)> {
    // If quotes have no end, or are followed by other text, the key is the text before the first
    // `=`, and is refused later.
    let rest = leading(text, &['.', '=']).map(|(_, rest)| rest);
    match rest.and_then(|rest| Some((rest, rest.strip_prefix('=')?))) {
        Some((rest, value)) => Some((text[..text.len() - rest.len()].trim(), value.trim())),
        None => text.split_once('='),
    }
}

/// The parts at the beginning of a text, and what follows them. A part without quotes ends before
/// one of `ends`, of which the point leads to the next part.
fn leading<'a>(text: &'a str, ends: &[char]) -> Option<(Vec<String>, &'a str)> {
    let (mut parts, mut rest) = (Vec::new(), text);
    loop {
        let (part, after) = part_of(rest.trim_start(), ends)?;
        parts.push(part);
        rest = after.trim_start();
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None => return Some((parts, rest)),
        }
    }
}

fn part_of<'a>(text: &'a str, ends: &[char]) -> Option<(String, &'a str)> {
    if let Some(literal) = text.strip_prefix('\'') {
        return literal.split_once('\'').map(|(part, rest)| (part.to_owned(), rest));
    }
    if let Some(inner) = text.strip_prefix('"') {
        let mut escaped = false;
        let end = inner.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        })?;
        let (quoted, rest) = text.split_at(end + 2);
        return match DeValue::parse(quoted).ok()?.get_ref() {
            DeValue::String(part) => Some((part.to_string(), rest)),
            _ => None,
        };
    }
    let (part, rest) = text.split_at(text.find(ends).unwrap_or(text.len()));
    Some((part.trim_end().to_owned(), rest))
}

/// A part, quoted if a path needs that.
pub fn part(key: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '.' | '=' | '"' | '\'');
    if key.is_empty() || key.trim() != key || key.contains(odd) {
        quote(key)
    } else {
        key.to_owned()
    }
}

/// The path of `key` within what a path names; `path` is empty at the top.
pub fn join(path: &str, key: &str) -> String {
    let key = part(key);
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

/// The canonical spelling of a path; a text that is no path is unchanged.
pub fn spelled(path: &str) -> String {
    if path.trim().is_empty() {
        return String::new();
    }
    let join = |before: String, key: &String| join(&before, key);
    parts(path).map_or_else(|| path.to_owned(), |parts| parts.iter().fold(String::new(), join))
}

/// The last part of a path: what a column that is named after a setting is about.
pub fn last(path: &str) -> String {
    parts(path).and_then(|mut parts| parts.pop()).unwrap_or_else(|| path.to_owned())
}

/// A TOML basic string on one line.
pub fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_split_at_points_outside_quotes() {
        for (path, found, spelling) in [
            ("workload.rate_rps", vec!["workload", "rate_rps"], "workload.rate_rps"),
            (" workload . rate_rps ", vec!["workload", "rate_rps"], "workload.rate_rps"),
            ("w.\"llama-3.1\".n", vec!["w", "llama-3.1", "n"], "w.\"llama-3.1\".n"),
            ("w.'llama-3.1' . n", vec!["w", "llama-3.1", "n"], "w.\"llama-3.1\".n"),
            ("\"a\"", vec!["a"], "a"),
            ("\"a\\\"b\\\\\".c", vec!["a\"b\\", "c"], "\"a\\\"b\\\\\".c"),
            ("a b.µ:0/x", vec!["a b", "µ:0/x"], "a b.µ:0/x"),
            ("''.x", vec!["", "x"], "\"\".x"),
            ("a..b", vec!["a", "", "b"], "a.\"\".b"),
        ] {
            assert_eq!(parts(path).unwrap(), found, "{path}");
            assert_eq!(spelled(path), spelling, "{path}");
            assert_eq!(spelled(spelling), spelling);
        }
        for path in ["w.\"a", "w.'a", "w.\"a\"b", "\"\\q\""] {
            assert_eq!(parts(path), None, "{path}");
            assert_eq!(spelled(path), path);
        }
        assert_eq!(spelled(" "), "");
        assert_eq!(last("workload.mix.\"llama-3.1\""), "llama-3.1");
    }

    #[test]
    fn assignments_are_split_outside_quotes() {
        for (text, found) in [
            ("a.b=1", Some(("a.b", "1"))),
            (" a.b = x=y ", Some(("a.b", "x=y"))),
            ("w.\"p=q\".n=2", Some(("w.\"p=q\".n", "2"))),
            ("w.\"p=q", Some(("w.\"p", "q"))),
            ("a.b", None),
            ("=1", Some(("", "1"))),
        ] {
            assert_eq!(assignment(text), found, "{text}");
        }
    }
}
