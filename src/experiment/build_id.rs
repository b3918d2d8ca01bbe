//! The build of the program: results are reused only between equal builds.

use std::sync::OnceLock;

/// Version and hash of the sources of this library.
const LIBRARY: &str = env!("PEEKSIM_BUILD");

/// What tells this program from others on the same library.
static PROGRAM: OnceLock<String> = OnceLock::new();

/// The build of this program: version and hash of the sources of the library, and for a program
/// with entries of its own the hash of its executable, since results depend on both.
pub fn build_id() -> &'static str {
    PROGRAM.get().map_or(LIBRARY, String::as_str)
}

/// Adds the hash of the executable of a program with entries of its own; the first counts.
pub fn set_program(sha256: &str) {
    PROGRAM.get_or_init(|| format!("{LIBRARY}.{}", &sha256[..sha256.len().min(12)]));
}
