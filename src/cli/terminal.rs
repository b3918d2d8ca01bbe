//! What a terminal may be sent: names and titles come from files, and a terminal obeys control
//! characters.

use std::io::{self, Write};

/// Passes text on, with `\u{…}` for every control character but tabs and line ends.
pub(super) struct Terminal<W> {
    out: W,
    /// Whether the last byte began a control character of two bytes (U+0080 to U+009F).
    within: bool,
    safe: Vec<u8>,
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, within: false, safe: Vec::new() }
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.safe.clear();
        for byte in bytes {
            let within = std::mem::take(&mut self.within);
            match byte {
                b'\n' | b'\t' => self.safe.push(*byte),
                0xc2 => self.within = true,
                0..0x20 | 0x7f => self.safe.extend(format!("\\u{{{byte:x}}}").bytes()),
                0x80..0xa0 if within => self.safe.extend(format!("\\u{{{byte:x}}}").bytes()),
                _ if within => self.safe.extend([0xc2, *byte]),
                _ => self.safe.push(*byte),
            }
        }
        self.out.write_all(&self.safe).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_written_out_however_the_text_is_cut() {
        let text = "±\ta\u{1b}[2J\n\r\u{7f}\u{9b}é\u{a0}·";
        let expected = "±\ta\\u{1b}[2J\n\\u{d}\\u{7f}\\u{9b}é\u{a0}·";
        for size in [1, 2, 3, 100] {
            let mut out = Terminal::new(Vec::new());
            text.as_bytes().chunks(size).for_each(|piece| out.write_all(piece).unwrap());
            assert_eq!(String::from_utf8(out.out).unwrap(), expected, "{size}");
        }
    }
}
