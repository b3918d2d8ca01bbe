//! The files of a league.

use super::super::figure::DrawError;
use super::super::plots::FigureError;
use super::super::runs_csv::write_csv;
use crate::output::atomic;
use std::path::Path;

/// What the names of its files begin with.
const STEMS: [&str; 4] = ["league", "ranks", "knees", "matrix"];
/// How they end.
const ENDINGS: [&str; 6] = ["csv", "md", "tex", "svg", "pdf", "png"];

/// More settings than this are not drawn.
pub(super) const MOST_FIGURES: usize = 12;

/// A folder that is being filled.
#[derive(Debug)]
pub(super) struct Folder<'a> {
    path: &'a Path,
    written: Vec<String>,
}

impl<'a> Folder<'a> {
    pub fn new(path: &'a Path) -> Result<Self, FigureError> {
        atomic::inner_folder(path)?;
        Ok(Self { path, written: Vec::new() })
    }

    pub fn text(&mut self, name: &str, text: &str) -> Result<(), FigureError> {
        atomic::write(&self.path.join(name), text.as_bytes())?;
        self.written.push(name.to_owned());
        Ok(())
    }

    pub fn csv(
        &mut self,
        name: &str,
        head: &[&str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) -> Result<(), FigureError> {
        let head: Vec<String> = head.iter().map(|&name| name.to_owned()).collect();
        write_csv(&self.path.join(name), head, rows)?;
        self.written.push(name.to_owned());
        Ok(())
    }

    /// A figure as SVG, PDF and PNG.
    pub fn figure(
        &mut self,
        name: &str,
        svg: impl FnOnce() -> Result<String, DrawError>,
        pdf: impl FnOnce() -> Result<Vec<u8>, DrawError>,
        png: impl FnOnce() -> Result<Vec<u8>, DrawError>,
    ) -> Result<(), FigureError> {
        let fail = |source| FigureError::Draw { name: name.to_owned(), source };
        self.text(&format!("{name}.svg"), &svg().map_err(fail)?)?;
        for (ending, bytes) in [("pdf", pdf().map_err(fail)?), ("png", png().map_err(fail)?)] {
            let file = format!("{name}.{ending}");
            atomic::write(&self.path.join(&file), &bytes)?;
            self.written.push(file);
        }
        Ok(())
    }

    /// Removes the files of an earlier league that this one has not; the names of the files.
    pub fn end(self) -> Result<Vec<String>, FigureError> {
        remove(self.path, &self.written)?;
        Ok(self.written)
    }
}

/// Removes the files of a league but for those that are kept.
pub(super) fn remove(path: &Path, kept: &[String]) -> Result<(), FigureError> {
    for file in atomic::files(path) {
        let [name, stem, ending] = [file.file_name(), file.file_stem(), file.extension()]
            .map(|part| part.unwrap_or_default().to_string_lossy());
        let first = stem.split('-').next().unwrap_or_default();
        let own = STEMS.contains(&first) && ENDINGS.contains(&&*ending);
        if own && !kept.iter().any(|kept| *kept == name) {
            atomic::remove(&file)?;
        }
    }
    Ok(())
}
