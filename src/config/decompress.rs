//! Compressed streams, known by their first bytes: gzip (RFC 1952) and zstd (RFC 8878), each with
//! any number of members or frames. What is damaged or cut short is an error, never a short text.
//! Other archives and encodings are named.

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use std::io::{self, BufRead, BufReader, Cursor, Read};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// The stream without its compression, if it has one.
pub(super) fn plain(mut stream: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut first = Vec::new();
    stream.by_ref().take(KNOWN_BYTES).read_to_end(&mut first)?;
    let (gzip, zstd) = (first.starts_with(&GZIP), first.starts_with(&ZSTD));
    let whole = Cursor::new(first).chain(stream);
    Ok(match (gzip, zstd) {
        (true, _) => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
        (_, true) => Box::new(Zstd::new(BufReader::new(whole))),
        _ => Box::new(whole),
    })
}

/// The format of a file that is no text, by its first bytes, and what is expected instead.
pub(super) fn unreadable(first: &[u8]) -> Option<(&'static str, &'static str)> {
    let formats: [(&[u8], &str, &str); 10] = [
        (
            b"\xfd7zXZ\0",
            "a file compressed with xz",
            "gzip, zstd or plain text: `xz -d` unpacks it",
        ),
        (
            b"PK\x03\x04",
            "a zip archive or a workbook",
            "one of its tables: `unzip`, or save as CSV",
        ),
        (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "the file within: `7z x` unpacks it"),
        (b"Rar!\x1a\x07", "a RAR archive", "the file within: `unrar x` unpacks it"),
        (b"\x04\x22\x4d\x18", "a file compressed with lz4", "gzip, zstd or plain text: `lz4 -d`"),
        (b"PAR1\x15", "a Parquet file", "CSV or JSON lines"),
        (b"\xff\xfe\0\0", "text in UTF-32", "UTF-8: `iconv -f UTF-32 -t UTF-8`"),
        (b"\0\0\xfe\xff", "text in UTF-32", "UTF-8: `iconv -f UTF-32 -t UTF-8`"),
        (b"\xff\xfe", "text in UTF-16", UTF8),
        (b"\xfe\xff", "text in UTF-16", UTF8),
    ];
    if let Some((_, found, expected)) = formats.iter().find(|(magic, ..)| first.starts_with(magic))
    {
        return Some((found, expected));
    }
    if first.starts_with(b"BZh") && first.get(4..10) == Some(b"1AY&SY") {
        let expected = "gzip, zstd or plain text: `bzip2 -d` unpacks it";
        return Some(("a file compressed with bzip2", expected));
    }
    // Text of Western letters in UTF-16 without a mark: every other byte is 0.
    let zeros = |odd: usize| first.len() >= 4 && first[odd] == 0 && first[odd + 2] == 0;
    if zeros(0) != zeros(1) {
        return Some(("text in UTF-16", UTF8));
    }
    let tar = first.get(257..262) == Some(b"ustar");
    tar.then_some(("a tar archive", "the file within: `tar -xf` unpacks it"))
}

const UTF8: &str = "UTF-8: `iconv -f UTF-16 -t UTF-8`";
/// Bytes that identify the format; the magic number of a tar archive ends there.
const KNOWN_BYTES: u64 = 262;

/// The decompressed frames of a stream, one after another.
struct Zstd<R> {
    source: R,
    decoder: FrameDecoder,
    /// Whether a frame is being read.
    within: bool,
}

impl<R: BufRead> Zstd<R> {
    fn new(source: R) -> Self {
        Self { source, decoder: FrameDecoder::new(), within: false }
    }

    /// Goes to the next frame; `false` at the end.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.source.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.source) {
                Ok(()) => {
                    self.within = true;
                    return Ok(true);
                }
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let length = u64::from(length);
                    let skipped = io::copy(&mut (&mut self.source).take(length), &mut io::sink())?;
                    if skipped < length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while !into.is_empty() && (self.within || self.next_frame()?) {
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
                self.decoder
                    .decode_blocks(&mut self.source, BlockDecodingStrategy::UptoBlocks(1))
                    .map_err(io::Error::other)?;
            }
            let count = self.decoder.read(into)?;
            if count > 0 {
                return Ok(count);
            }
            self.within = false;
            let (told, found) =
                (self.decoder.get_checksum_from_data(), self.decoder.get_calculated_checksum());
            if told.is_some() && told != found {
                return Err(io::Error::other("the checksum of a zstd frame is another"));
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn read(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        plain(Box::new(Cursor::new(bytes.to_vec())))?.read_to_string(&mut text)?;
        Ok(text)
    }

    fn zstd(text: &str) -> Vec<u8> {
        compress_to_vec(text.as_bytes(), CompressionLevel::Fastest)
    }

    #[test]
    fn other_formats_are_named() {
        let mut tar = vec![b'a'; 600];
        tar[257..262].copy_from_slice(b"ustar");
        let utf16: Vec<u8> = "a,b\n".encode_utf16().flat_map(u16::to_be_bytes).collect();
        let cases: [(&[u8], &str); 5] = [
            (b"\xfd7zXZ\0\0\x04", "a file compressed with xz"),
            (&tar, "a tar archive"),
            (&utf16, "text in UTF-16"),
            (b"PK\x03\x04\x14\0", "a zip archive or a workbook"),
            (b"BZh91AY&SY", "a file compressed with bzip2"),
        ];
        for (bytes, name) in cases {
            assert_eq!(unreadable(bytes).map(|(found, _)| found), Some(name));
        }
        for text in ["", "a", "a,b\n", "PK,BZ\n", "\u{feff}a,b\n", "\0\0\0\0"] {
            assert_eq!(unreadable(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn frames_and_what_is_to_be_skipped_between_them() {
        let long = "0123456789 all work and no play\n".repeat(20_000);
        let mut bytes = zstd(&long);
        bytes.extend([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        bytes.extend(zstd("the end"));
        assert_eq!(read(&bytes).unwrap(), format!("{long}the end"));
        assert_eq!(read(b"").unwrap(), "");
        assert_eq!(read(b"(\xb5").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn every_cut_and_every_flipped_bit_is_an_error_or_the_same_text() {
        let text = "a,b\n1,2\n3,4\n".repeat(30);
        let bytes = zstd(&text);
        for end in 4..bytes.len() {
            assert!(read(&bytes[..end]).is_err(), "cut to {end}");
        }
        for at in 4..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                assert!(read(&damaged).is_ok_and(|read| read == text) || read(&damaged).is_err());
            }
        }
    }
}
