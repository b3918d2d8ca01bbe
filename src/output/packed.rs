//! Compression of files by the ending of their path: gzip for `.gz`, zstd for `.zst`. The same text
//! gives the same bytes, which hold neither a time nor a file name.

use flate2::Compression;
use flate2::write::GzEncoder;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Bytes of text in a frame of zstd.
const FRAME_BYTES: usize = 1 << 22;
/// Endings of compressions that are not written.
const OTHERS: [&str; 8] = ["xz", "bz2", "zip", "7z", "rar", "lz4", "br", "tgz"];

/// The ending of a path if it is that of a compression that is not written.
pub fn unknown(path: &Path) -> Option<&str> {
    path.extension()?.to_str().filter(|ending| OTHERS.contains(ending))
}

/// Lets `fill` write text to `out`, compressed by the ending of `path`.
///
/// # Errors
///
/// If `out` cannot be written, or `fill` fails.
pub fn write(
    path: &Path,
    out: &mut impl Write,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let out = BufWriter::new(out);
    // Finished explicitly: dropping the encoder would hide a full disk.
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => {
            let mut gzip = GzEncoder::new(out, Compression::default());
            fill(&mut gzip)?;
            gzip.finish()?.flush()
        }
        Some("zst") => {
            let mut zstd = Zstd { out, text: Vec::new() };
            fill(&mut zstd)?;
            zstd.frame()?;
            zstd.out.flush()
        }
        _ => {
            let mut out = out;
            fill(&mut out)?;
            out.flush()
        }
    }
}

/// Text in frames of [`FRAME_BYTES`].
struct Zstd<W> {
    out: W,
    text: Vec<u8>,
}

impl<W: Write> Zstd<W> {
    fn frame(&mut self) -> io::Result<()> {
        self.out.write_all(&compress_to_vec(&self.text[..], CompressionLevel::Fastest))?;
        self.text.clear();
        Ok(())
    }
}

impl<W: Write> Write for Zstd<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.text.len() >= FRAME_BYTES {
            self.frame()?;
        }
        let count = bytes.len().min(FRAME_BYTES);
        self.text.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
