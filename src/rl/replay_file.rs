//! The file of the steps that a training stores, beside its checkpoint: their numbers one after the
//! other, in single precision, the lowest byte first.
//!
//! The file only grows, by what a segment stored, before the checkpoint of that segment is written.
//! A checkpoint holds the hash of all numbers up to it. What follows them in the file was written
//! after that checkpoint, whole or in part, and is cut off when the training is resumed.

use crate::config::{Location, Problem};
use crate::output::atomic::WriteError;
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Bytes of a number.
const WIDTH: usize = size_of::<f32>();

/// The file, open for more.
pub struct ReplayFile {
    path: PathBuf,
    /// Made with the first numbers.
    file: Option<File>,
    /// Of all bytes so far.
    hasher: Sha256,
}

impl ReplayFile {
    /// A file without numbers: an earlier one is replaced with the first ones.
    pub fn new(path: PathBuf) -> Self {
        Self { path, file: None, hasher: Sha256::new() }
    }

    /// Adds numbers.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn append(&mut self, numbers: &[f32]) -> Result<(), WriteError> {
        if numbers.is_empty() {
            return Ok(());
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        self.write(&bytes).map_err(WriteError::at(&self.path))?;
        self.hasher.update(&bytes);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(File::create(&self.path)?),
        };
        file.write_all(bytes)?;
        file.sync_data()
    }

    /// The hash of all numbers so far; none if there are none.
    pub fn hash(&self) -> Option<String> {
        self.file.as_ref()?;
        let digest = self.hasher.clone().finalize();
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads the first `count` numbers, whose hash is known, and cuts off all others.
    ///
    /// # Errors
    /// The file cannot be read, or does not begin with these numbers.
    pub fn restore(&mut self, count: usize, hash: Option<&str>) -> Result<Vec<f32>, Problem> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let expected = "the steps that the checkpoint beside it was written with";
        let differs = |found: String| {
            Problem::new(Location::file(&self.path.to_string_lossy()), found, expected)
        };
        let length = count.saturating_mul(WIDTH) as u64;
        let mut bytes = Vec::new();
        let file = (|| {
            let mut file = OpenOptions::new().read(true).write(true).open(&self.path)?;
            (&mut file).take(length).read_to_end(&mut bytes)?;
            Ok(file)
        })();
        let mut file = file.map_err(|error: io::Error| differs(error.to_string()))?;
        self.hasher.update(&bytes);
        if bytes.len() as u64 != length {
            return Err(differs(format!("{} bytes of {length}", bytes.len())));
        }
        let cut = file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(|error| differs(error.to_string()))?;
        self.file = Some(file);
        if self.hash().as_deref() != hash {
            return Err(differs("other numbers".to_owned()));
        }
        let words = bytes.chunks_exact(WIDTH);
        Ok(words.map(|word| f32::from_le_bytes([word[0], word[1], word[2], word[3]])).collect())
    }
}
