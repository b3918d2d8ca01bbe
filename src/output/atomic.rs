//! Atomic writes: files are written under a temporary name in the same folder, then renamed.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub source: io::Error,
}

impl WriteError {
    /// Adds a path to an I/O error.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self { path: path.to_owned(), source }
    }
}

/// Writes `bytes` to `path`; on failure an earlier file stays as it was.
///
/// # Errors
///
/// If the file cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    with(path, |file| file.write_all(bytes))
}

/// Lets `fill` write to a temporary file that is then renamed to `path`.
///
/// # Errors
///
/// If the file cannot be written, or `fill` fails.
pub fn with(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), WriteError> {
    // A pipe or a device cannot be replaced.
    if !is_replaced(path) {
        let open = fs::OpenOptions::new().append(true).open(path);
        return open.and_then(|mut file| fill(&mut file)).map_err(WriteError::at(path));
    }
    let temporary = temporary_name(path);
    let result = (|| {
        let mut file = File::create(&temporary)?;
        // Keeps `remove_leftovers` from removing it; without file locks it removes nothing.
        let _ = file.try_lock();
        fill(&mut file)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if result.is_err() {
        // The first error is reported; a left-over temporary file does no harm.
        let _ = fs::remove_file(&temporary);
    }
    result.map_err(WriteError::at(path))
}

/// Whether a new file replaces what is at `path`: not a pipe, a device, or an open file of a
/// process such as `/dev/stdout`.
pub fn is_replaced(path: &Path) -> bool {
    let open = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc"];
    if open.iter().any(|open| path.starts_with(open)) {
        return false;
    }
    !fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// Makes a folder with these files, or none.
///
/// # Errors
///
/// If `path` exists, or a file cannot be written.
pub fn new_folder(path: &Path, files: &[(&str, String)]) -> Result<(), WriteError> {
    if path.exists() {
        return Err(WriteError::at(path)(io::ErrorKind::AlreadyExists.into()));
    }
    let temporary = temporary_name(path);
    let result = (|| {
        fs::create_dir_all(&temporary)?;
        for (name, text) in files {
            let mut file = File::create(temporary.join(name))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
        }
        fs::rename(&temporary, path)
    })();
    if result.is_err() {
        let _ = fs::remove_dir_all(&temporary);
    }
    result.map_err(WriteError::at(path))
}

/// Writes new files below a folder, which is made if need be; all of them, or none.
///
/// # Errors
///
/// If a file cannot be written. Then files and folders that were made are removed.
pub fn new_files(folder: &Path, files: &[(String, String)]) -> Result<(), WriteError> {
    let mut made = Vec::new();
    let result = files.iter().try_for_each(|(name, text)| {
        let path = folder.join(name);
        let above: Vec<&Path> =
            path.ancestors().skip(1).take_while(|path| !path.exists()).collect();
        for new in above.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
            fs::create_dir(new).map_err(WriteError::at(new))?;
            made.push(new.to_owned());
        }
        write(&path, text.as_bytes())?;
        made.push(path);
        Ok(())
    });
    if result.is_err() {
        for path in made.iter().rev() {
            // The first error is reported; what is left does no harm.
            let _ = if path.is_dir() { fs::remove_dir(path) } else { fs::remove_file(path) };
        }
    }
    result
}

/// Removes a file, if it exists.
///
/// # Errors
///
/// If it exists and cannot be removed.
pub fn remove(path: &Path) -> Result<(), WriteError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(WriteError::at(path)(error)),
        _ => Ok(()),
    }
}

/// Removes the temporary files in `folder` whose process was killed: they are not locked.
pub fn remove_leftovers(folder: &Path) {
    for path in files(folder).into_iter().filter(|path| is_temporary(path)) {
        let file = fs::OpenOptions::new().write(true).open(&path);
        if file.is_ok_and(|file| file.try_lock().is_ok()) {
            // A file that cannot be removed does no harm.
            let _ = fs::remove_file(&path);
        }
    }
}

/// The contents of a folder by name; nothing if it does not exist.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

/// Whether a file has a name that [`temporary_name`] gave it.
fn is_temporary(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let parts = name.strip_suffix(".tmp").and_then(|rest| rest.rsplit_once('.'));
    let Some((process, random)) = parts.and_then(|(_, end)| end.split_once('-')) else {
        return false;
    };
    process.parse::<u32>().is_ok() && random.len() == 16 && u64::from_str_radix(random, 16).is_ok()
}

/// Makes a folder within a results folder.
///
/// # Errors
///
/// If it cannot be made, or there is a link, which may lead elsewhere.
pub fn inner_folder(path: &Path) -> Result<(), WriteError> {
    refuse_link(path)?;
    folder(path)
}

/// Refuses to write through a link.
///
/// # Errors
///
/// If `path` is a link.
pub fn refuse_link(path: &Path) -> Result<(), WriteError> {
    if path.is_symlink() {
        let why = "a link, which may lead out of the folder of the results";
        return Err(WriteError::at(path)(io::Error::other(why)));
    }
    Ok(())
}

/// Makes a folder and its parents.
///
/// # Errors
///
/// If it cannot be made.
pub fn folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(WriteError::at(path))
}

/// A name in the folder of `path`, so that the rename stays within one file system, with a random
/// number, since two machines that share a folder may have processes of one number.
fn temporary_name(path: &Path) -> PathBuf {
    let process = std::process::id();
    let random = RandomState::new().hash_one(process);
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{process}-{random:016x}.tmp"));
    path.with_file_name(name)
}
