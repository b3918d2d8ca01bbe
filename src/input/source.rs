//! The only place that reads files.
//!
//! A path that does not exist on disk may name one of the files that ship inside the binary
//! (`profiles/…`, `traces/…`, `experiments/…`), so that an installed binary runs in an empty
//! folder. What is compressed with gzip or zstd is decompressed, whatever its name.

use super::error::{Place, Problem};
use super::unzip;
use include_dir::{Dir, include_dir};
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

static PROFILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/profiles");
static TRACES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/traces");
static EXPERIMENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/experiments");

/// A line longer than this is refused: it is not a table that a person made.
pub const MAX_LINE_BYTES: usize = 1 << 20;
/// A file larger than this is refused; what may be larger is opened as a [`Stream`].
const MAX_FILE_BYTES: u64 = 1 << 31;

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
    let mut bytes = Vec::new();
    limited(path, open(path)?, &mut bytes)?;
    decode(path, bytes)
}

/// Opens `path` on disk, or inside the binary.
pub fn open(path: &str) -> Result<Stream, Problem> {
    let compressed: Box<dyn Read + Send> = match fs::metadata(path) {
        Ok(meta) if meta.is_dir() => {
            return Err(Problem::new(Place::file(path), "a folder", "a file"));
        }
        Ok(_) => Box::new(fs::File::open(path).map_err(|error| missing(path, &error))?),
        Err(error) => match embedded(path) {
            Some(bytes) => Box::new(bytes),
            None => return Err(missing(path, &error)),
        },
    };
    let plain = unzip::plain(compressed).map_err(|error| broken(path, &error))?;
    let mut stream = BufReader::with_capacity(1 << 16, plain);
    let first = stream.fill_buf().map_err(|error| broken(path, &error))?;
    if let Some((found, expected)) = unzip::unreadable(first) {
        return Err(Problem::new(Place::file(path), found, expected));
    }
    Ok(Box::new(stream))
}

/// What two paths of one file have in common: links and `./` make no other file.
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

/// A file that ends early or cannot be decompressed.
pub(super) fn broken(path: &str, error: &std::io::Error) -> Problem {
    Problem::new(Place::file(path), format!("a broken file ({error})"), "a readable file")
}

/// Whether `path` is a file on disk or inside the binary.
pub fn exists(path: &str) -> bool {
    Path::new(path).is_file() || embedded(path).is_some()
}

/// The paths of the files inside the binary whose name ends in `suffix`, sorted.
pub fn embedded_paths(suffix: &str) -> Vec<String> {
    fn walk(folder: &str, dir: &Dir<'_>, suffix: &str, found: &mut Vec<String>) {
        for file in dir.files() {
            let path = format!("{folder}/{}", file.path().display());
            if path.ends_with(suffix) {
                found.push(path);
            }
        }
        dir.dirs().for_each(|inner| walk(folder, inner, suffix, found));
    }
    let mut found = Vec::new();
    for (folder, dir) in
        [("profiles", &PROFILES), ("traces", &TRACES), ("experiments", &EXPERIMENTS)]
    {
        walk(folder, dir, suffix, &mut found);
    }
    found.sort();
    found
}

/// The files below a folder whose name ends in `suffix`, sorted: those on disk, or those inside the
/// binary if there is no such folder.
pub fn below(folder: &str, suffix: &str) -> Vec<String> {
    fn walk(folder: &Path, suffix: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, suffix, found);
            } else if path.to_string_lossy().ends_with(suffix) {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    let prefix = format!("{}/", folder.trim_end_matches('/'));
    let mut found = Vec::new();
    if Path::new(folder).is_dir() {
        walk(Path::new(prefix.trim_end_matches('/')), suffix, &mut found);
        found.sort();
    } else {
        found = embedded_paths(suffix);
        found.retain(|path| path.starts_with(&prefix));
    }
    found
}

fn embedded(path: &str) -> Option<&'static [u8]> {
    let path = path.strip_prefix("./").unwrap_or(path);
    let (folder, rest) = path.split_once('/')?;
    // A profile is one thing: a user's own is never completed with files of the one that ships.
    if folder == "profiles" && Path::new(path).parent().is_some_and(Path::is_dir) {
        return None;
    }
    let dir = match folder {
        "profiles" => &PROFILES,
        "traces" => &TRACES,
        "experiments" => &EXPERIMENTS,
        _ => return None,
    };
    Some(dir.get_file(rest)?.contents())
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
        Problem::unknown(Place::default(), "file", &name, names.iter().map(String::as_str)).nearest
    });
    Problem { nearest: near, ..Problem::new(Place::file(path), found, "a readable file") }
}

/// Reads piece by piece, so that what is too large is refused before it fills the memory.
fn limited(path: &str, mut reader: impl Read, into: &mut Vec<u8>) -> Result<(), Problem> {
    let mut piece = vec![0; 1 << 16];
    let (mut line, mut length) = (1u64, 0usize);
    loop {
        let count = match reader.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(broken(path, &e)),
        };
        into.extend_from_slice(&piece[..count]);
        if into.len() as u64 > MAX_FILE_BYTES {
            return Err(Problem::new(Place::file(path), "more than 2 GiB", "a smaller file"));
        }
        for part in piece[..count].split_inclusive(|b| *b == b'\n') {
            let ends = part.ends_with(b"\n");
            length += part.len() - usize::from(ends);
            if length > MAX_LINE_BYTES {
                return Err(too_long(path, line));
            }
            if ends {
                (line, length) = (line + 1, 0);
            }
        }
    }
}

pub(super) fn too_long(path: &str, line: u64) -> Problem {
    Problem::new(Place::line(path, line), "a line longer than 1 MiB", "shorter lines")
}

fn decode(path: &str, bytes: Vec<u8>) -> Result<Source, Problem> {
    let sha256 = hex(&Sha256::digest(&bytes));
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|b| *b == b'\n').count() as u64;
        Problem::new(Place::line(path, line), "bytes that are not UTF-8", "UTF-8 text")
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    Ok(Source { path: path.to_owned(), text, sha256 })
}

/// The SHA-256 of a text, in hexadecimal.
pub fn hash(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
