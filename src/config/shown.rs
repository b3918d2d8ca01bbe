//! Text of files, made safe for a terminal.

use std::borrow::Cow;

/// More characters than this are cut: a message is read by a person.
const MAX_CHARS: usize = 1000;

/// The text without control characters, cut if it is very long.
pub fn shown(text: &str) -> Cow<'_, str> {
    let odd = |c: char| c.is_control() || is_direction(c);
    if text.len() <= MAX_CHARS && !text.contains(odd) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::new();
    for c in text.chars().take(MAX_CHARS) {
        if odd(c) { safe.extend(c.escape_unicode()) } else { safe.push(c) }
    }
    let left = text.chars().count().saturating_sub(MAX_CHARS);
    if left > 0 {
        safe.push_str(&format!("… ({left} more characters)"));
    }
    Cow::Owned(safe)
}

/// As [`shown`], for a text of several lines.
pub fn shown_lines(text: &str) -> String {
    text.split('\n').map(shown).collect::<Vec<_>>().join("\n")
}

/// Characters that change the order in which others are shown.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_get_text_only() {
        assert_eq!(shown("plain é 😀"), "plain é 😀");
        assert_eq!(shown("\u{1b}[2J\u{202e}x"), "\\u{1b}[2J\\u{202e}x");
        assert_eq!(shown_lines("a\nb\rc"), "a\nb\\u{d}c");
        let long = "é".repeat(MAX_CHARS + 7);
        assert!(shown(&long).ends_with("é… (7 more characters)"));
    }
}
