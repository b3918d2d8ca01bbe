//! Gives the binary a build id: the version and a hash of every source file, templates
//! and scripts of pages included.
//!
//! Results are reused only between equal builds. A hash of the sources says the same with or
//! without a git checkout, and differs for an edited tree.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    let mut files = ["Cargo.lock", "Cargo.toml", "build.rs"].map(PathBuf::from).to_vec();
    collect(Path::new("src"), &mut files);
    files.sort();
    let mut hash = Sha256::new();
    for file in &files {
        if let Ok(bytes) = fs::read(file) {
            hash.update(file.to_string_lossy().replace('\\', "/"));
            hash.update([0]);
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        }
    }
    let digest = hash.finalize();
    let short: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    println!("cargo:rustc-env=PEEKSIM_BUILD={version}+{short}");
    println!("cargo:rerun-if-changed=src");
    println!("cargo:rerun-if-changed=Cargo.lock");
    println!("cargo:rerun-if-changed=Cargo.toml");
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}
