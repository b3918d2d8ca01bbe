//! The only place that reads files.
//!
//! A path that does not exist on disk may name one of the files that ship inside the binary
//! (`profiles/…`, `traces/…`, `experiments/…`, kept claims in `results/…`), so that an installed
//! binary runs in an empty folder. What is compressed with gzip or zstd is decompressed, whatever
//! its name.

use super::decompress;
use super::error::{Location, Problem};
use include_dir::{Dir, DirEntry, include_dir};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");
static TRACES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/traces");
static EXPERIMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/experiments");
/// The verdicts that a reproduction is held against, by their path.
static CLAIMS: [(&str, &[u8]); 1] = [(
    "results/sneakpeek/claims.csv",
    include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/results/sneakpeek/claims.csv")),
)];

/// A line longer than this is refused: it is not a table that a person made.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// What a file may hold that is read as a whole, decompressed: each line and each cell takes many
/// times its bytes. What may be larger is opened as a [`Stream`].
struct Limit {
    mebibytes: usize,
    lines: usize,
    /// Commas and line ends.
    cells: usize,
}

/// Files of users.
const INPUT: Limit = Limit { mebibytes: 256, lines: 4_000_000, cells: 32_000_000 };
/// Files that this program wrote: a sweep may have millions of rows.
const OWN: Limit = Limit { mebibytes: 2048, lines: usize::MAX, cells: usize::MAX };

/// A file's content and the hash that names it in a manifest.
#[derive(Clone, Debug)]
pub struct Source {
    /// The path as asked for.
    pub path: String,
    /// UTF-8 text, decompressed.
    pub text: String,
    /// SHA-256 of the decompressed text, in hexadecimal.
    pub sha256: String,
}

/// The decompressed bytes of a file, piece by piece.
pub type Stream = Box<dyn BufRead + Send>;

/// Reads `path` from disk, or from the files inside the binary.
pub fn read(path: &str) -> Result<Source, Problem> {
    read_within(path, &INPUT)
}

/// Reads a file inside the binary, whatever is on disk.
pub fn read_shipped(path: &str) -> Result<Source, Problem> {
    let file = shipped(path).and_then(|(dir, rest)| dir.get_file(rest));
    let missing = || Problem::new(Location::file(path), "no such file", "a file that ships");
    decode(path, file.ok_or_else(missing)?.contents().to_vec())
}

/// Reads a file that this program wrote.
pub fn read_own(path: &str) -> Result<Source, Problem> {
    read_within(path, &OWN)
}

fn read_within(path: &str, limit: &Limit) -> Result<Source, Problem> {
    let mut bytes = Vec::new();
    limited(path, open(path)?, limit, &mut bytes)?;
    decode(path, bytes)
}

/// Opens `path` on disk, or inside the binary.
pub fn open(path: &str) -> Result<Stream, Problem> {
    let compressed: Box<dyn Read + Send> = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            return Err(Problem::new(Location::file(path), "a folder", "a file"));
        }
        Ok(meta) if !is_readable(&meta) => {
            return Err(Problem::new(Location::file(path), "a device", "a file or a pipe"));
        }
        Ok(_) => Box::new(fs::File::open(path).map_err(|error| missing(path, &error))?),
        Err(error) => match embedded(path) {
            Some(bytes) => Box::new(bytes),
            None => return Err(missing(path, &error)),
        },
    };
    let plain = decompress::plain(compressed).map_err(|error| broken(path, &error))?;
    let mut stream = BufReader::with_capacity(1 << 16, plain);
    let first = stream.fill_buf().map_err(|error| broken(path, &error))?;
    if let Some((found, expected)) = decompress::unreadable(first) {
        return Err(Problem::new(Location::file(path), found, expected));
    }
    Ok(Box::new(stream))
}

/// The identity of a file, whatever path or link leads to it.
pub fn identity(path: &Path) -> Option<String> {
    let path = fs::canonicalize(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::metadata(&path).ok().filter(fs::Metadata::is_file);
        if let Some(meta) = meta {
            return Some(format!("{} {}", meta.dev(), meta.ino()));
        }
    }
    Some(path.to_string_lossy().into_owned())
}

/// The path without the ending of a compression that readers know.
pub fn without_compression(path: &str) -> &str {
    path.strip_suffix(".gz").or_else(|| path.strip_suffix(".zst")).unwrap_or(path)
}

/// Devices may have no end.
fn is_readable(meta: &fs::Metadata) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        meta.is_file() || meta.file_type().is_fifo() || meta.file_type().is_socket()
    }
    #[cfg(not(unix))]
    meta.is_file()
}

/// A file that ends early or cannot be decompressed.
pub(super) fn broken(path: &str, error: &std::io::Error) -> Problem {
    Problem::new(Location::file(path), format!("a broken file ({error})"), "a readable file")
}

/// Whether `path` is a file on disk or inside the binary.
pub fn exists(path: &str) -> bool {
    Path::new(path).is_file() || embedded(path).is_some()
}

/// Files of this name hold the styles of figures; among experiments they are not listed.
pub const STYLES: &str = "style.toml";

/// The folders inside the binary, by name.
static SHIPPED: [(&str, &Dir<'_>); 3] =
    [("profiles", &PROFILES), ("traces", &TRACES), ("experiments", &EXPERIMENTS)];

/// The paths of the files inside the binary whose name ends in `suffix`, sorted; without
/// [`STYLES`].
pub fn embedded_paths(suffix: &str) -> Vec<String> {
    fn walk(folder: &str, dir: &Dir<'_>, suffix: &str, found: &mut Vec<String>) {
        let paths = dir.files().map(|file| format!("{folder}/{}", file.path().display()));
        found.extend(paths.filter(|path| is_listed(path, suffix)));
        dir.dirs().for_each(|inner| walk(folder, inner, suffix, found));
    }
    let mut found = Vec::new();
    SHIPPED.iter().for_each(|(folder, dir)| walk(folder, dir, suffix, &mut found));
    found.sort();
    found
}

/// Whether a file of this path is listed among those whose name ends in `suffix`.
fn is_listed(path: &str, suffix: &str) -> bool {
    path.ends_with(suffix) && path.rsplit('/').next() != Some(STYLES)
}

/// The files below a folder whose name ends in `suffix`, sorted, without [`STYLES`]: those on disk,
/// or those inside the binary if there is no such folder.
pub fn below(folder: &str, suffix: &str) -> Vec<String> {
    fn walk(folder: &Path, suffix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, suffix, found);
            } else {
                let path = path.to_string_lossy().replace('\\', "/");
                found.extend(Some(path).filter(|path| is_listed(path, suffix)));
            }
        }
    }
    let folder = folder.trim_end_matches('/');
    if !Path::new(folder).is_dir() {
        let prefix = format!("{folder}/");
        return embedded_paths(suffix).into_iter().filter(|p| p.starts_with(&prefix)).collect();
    }
    let mut found = Vec::new();
    walk(Path::new(folder), suffix, &mut found);
    found.sort();
    found
}

fn embedded(path: &str) -> Option<&'static [u8]> {
    let inner = path.strip_prefix("./").unwrap_or(path);
    let folder = inner.split('/').next().unwrap_or_default();
    // A profile is one thing, and so are results: a user's own are never completed with files of
    // those that ship.
    if ["profiles", "results"].contains(&folder)
        && Path::new(path).parent().is_some_and(Path::is_dir)
    {
        return None;
    }
    if let Some((_, bytes)) = CLAIMS.iter().find(|(own, _)| *own == inner) {
        return Some(bytes);
    }
    let (dir, rest) = shipped(path)?;
    Some(dir.get_file(rest)?.contents())
}

/// The folder inside the binary that a path leads into, and the rest of the path.
fn shipped(path: &str) -> Option<(&'static Dir<'static>, &str)> {
    let (folder, rest) = path.strip_prefix("./").unwrap_or(path).split_once('/')?;
    let (_, dir) = SHIPPED.iter().find(|(name, _)| *name == folder)?;
    Some((dir, rest))
}

/// Whether two paths lead to one file or folder on disk.
pub fn is_same(one: &Path, other: &Path) -> bool {
    let [one, other] = [one, other].map(|path| fs::canonicalize(path).ok());
    one.is_some() && one == other
}

/// Whether a file or folder of this name is inside the binary.
pub fn is_shipped(name: &str) -> bool {
    shipped(name).is_some_and(|(dir, rest)| dir.get_entry(rest).is_some())
}

/// Whether the file or folder at `path` holds something else than the one of this `name` inside
/// the binary; also if there is none.
pub fn differs_from_shipped(path: &str, name: &str) -> bool {
    let Some(entry) = shipped(name).and_then(|(dir, rest)| dir.get_entry(rest)) else {
        return true;
    };
    let same = |path: &Path, bytes: &[u8]| fs::read(path).is_ok_and(|own| own == bytes);
    let path = Path::new(path);
    match entry {
        DirEntry::File(file) => !same(path, file.contents()),
        DirEntry::Dir(dir) => dir.files().any(|file| {
            let name = file.path().file_name().unwrap_or_default();
            !same(&path.join(name), file.contents())
        }),
    }
}

fn missing(path: &str, error: &std::io::Error) -> Problem {
    let found = match error.kind() {
        std::io::ErrorKind::NotFound => "no such file".to_owned(),
        _ => format!("a file that cannot be read ({error})"),
    };
    let name = Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned());
    let near = name.and_then(|name| {
        let folder = Path::new(path).parent().filter(|p| !p.as_os_str().is_empty());
        let listed = fs::read_dir(folder.unwrap_or(Path::new("."))).into_iter().flatten();
        let names: Vec<String> =
            listed.flatten().map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        Problem::unknown(Location::default(), "file", &name, names.iter().map(String::as_str))
            .nearest
    });
    Problem { nearest: near, ..Problem::new(Location::file(path), found, "a readable file") }
}

/// Reads piece by piece, so that a file that is too large is refused before it fills the memory.
fn limited(
    path: &str,
    mut reader: impl Read,
    limit: &Limit,
    into: &mut Vec<u8>,
) -> Result<(), Problem> {
    let mut piece = vec![0; 1 << 16];
    let (mut line, mut length, mut commas) = (1u64, 0usize, 0usize);
    loop {
        let count = match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(broken(path, &e)),
        };
        into.extend_from_slice(&piece[..count]);
        commas += piece[..count].iter().filter(|byte| **byte == b',').count();
        let counts = [
            (into.len() >> 20, limit.mebibytes, "MiB"),
            (line as usize, limit.lines, "lines"),
            (line as usize + commas, limit.cells, "cells"),
        ];
        if let Some((_, most, what)) = counts.iter().find(|(count, most, _)| count > most) {
            let (found, expected) = (format!("more than {most} {what}"), "a smaller file");
            return Err(Problem::new(Location::file(path), found, expected));
        }
        for part in piece[..count].split_inclusive(|b| *b == b'\n') {
            let ends = part.ends_with(b"\n");
            length += part.len() - usize::from(ends);
            if length > MAX_LINE_BYTES {
                let place = Location::line(path, line);
                return Err(Problem::new(place, "a line longer than 1 MiB", "shorter lines"));
            }
            if ends {
                (line, length) = (line + 1, 0);
            }
        }
    }
}

fn decode(path: &str, bytes: Vec<u8>) -> Result<Source, Problem> {
    let sha256 = hex(&Sha256::digest(&bytes));
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count() as u64;
        Problem::new(Location::line(path, line), "bytes that are not UTF-8", "UTF-8 text")
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Source { path: path.to_owned(), text, sha256 })
}

/// The SHA-256 of a file on disk as it is, of any size, in hexadecimal.
///
/// # Errors
/// A file that cannot be read.
pub fn file_hash(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    std::io::copy(&mut fs::File::open(path)?, &mut hash)?;
    Ok(hex(&hash.finalize()))
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
