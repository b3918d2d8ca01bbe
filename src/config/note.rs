//! Notes to the user that are no errors.

/// A note. A command prints one note of each kind, however many settings give one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its kind; empty for a note without one.
    pub about: &'static str,
    /// A sentence without its full stop.
    pub text: String,
}

impl Note {
    /// A note of this kind.
    pub fn new(about: &'static str, text: impl Into<String>) -> Self {
        Self { about, text: text.into() }
    }

    /// The same, saying of which of several experiments it is.
    #[must_use]
    pub fn of(self, experiment: &str) -> Self {
        Self { text: format!("{experiment}: {}", self.text), ..self }
    }
}

/// The notes of a command, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// Each with the different ones of its kind that came later.
    all: Vec<(Note, Vec<String>)>,
}

impl Notes {
    /// Adds a note, unless it is there.
    pub fn add(&mut self, note: Note) {
        let same = |(first, _): &&mut (Note, Vec<String>)| {
            first.text == note.text || (first.about == note.about && !note.about.is_empty())
        };
        match self.all.iter_mut().find(same) {
            None => self.all.push((note, Vec::new())),
            Some((first, others)) => {
                if first.text != note.text && !others.contains(&note.text) {
                    others.push(note.text);
                }
            }
        }
    }

    /// A line for each kind: the first note of it, and how many more there are.
    pub fn lines(&self) -> Vec<String> {
        let line = |(first, others): &(Note, Vec<String>)| match others.len() {
            0 => first.text.clone(),
            more => format!("{} (and {more} more with other values)", first.text),
        };
        self.all.iter().map(line).collect()
    }
}

impl Extend<Note> for Notes {
    fn extend<T: IntoIterator<Item = Note>>(&mut self, notes: T) {
        notes.into_iter().for_each(|note| self.add(note));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_has_one_line() {
        let mut notes = Notes::default();
        for (about, text) in
            [("w", "w is 1"), ("", "b"), ("w", "w is 2"), ("w", "w is 1"), ("", "c"), ("", "b")]
        {
            notes.add(Note::new(about, text));
        }
        assert_eq!(notes.lines(), ["w is 1 (and 1 more with other values)", "b", "c"]);
        notes.extend([Note::new("w", "w is 3"), Note::new("w", "w is 2")]);
        assert_eq!(notes.lines()[0], "w is 1 (and 2 more with other values)");
    }
}
