//! `samples.csv` of an offloading study: what its statistics are made of.
//!
//! Where all replicates test the same dialogues, splits of one data set are no independent sample:
//! an interval over them would shrink with every further split, however few dialogues there are. A
//! sample is then a dialogue: the mean over the replicates and the trainings that tested it. Where
//! every replicate draws dialogues of its own, a sample is a replicate, since its dialogues share
//! their estimators. Differences are paired by sample, so that resampling them is the paired
//! bootstrap of clusters.

use super::results::{SAMPLE_HEAD, SAMPLES};
use super::runs_csv::{names, write_csv};
use crate::experiment::{Configs, OffloadingConfig, RunRecord, Sweep};
use crate::metrics::{Cell, DIALOGUE_COLUMNS};
use crate::output::atomic::{self, WriteError};
use std::collections::BTreeMap;
use std::path::Path;

/// Cells of a row of a dialogue before its numbers.
const BEFORE: usize = 4;

/// Sums over the rows of a sample.
#[derive(Default)]
struct Sums {
    dialogue: String,
    rows: u64,
    /// By column: sum and number of the cells that are not empty.
    numbers: Vec<(f64, f64)>,
}

impl Sums {
    fn add<'a>(&mut self, cells: impl Iterator<Item = &'a String>) {
        self.rows += 1;
        self.numbers.resize(DIALOGUE_COLUMNS.len(), (0.0, 0.0));
        for ((sum, count), cell) in self.numbers.iter_mut().zip(cells) {
            if let Ok(number) = cell.parse::<f64>() {
                *sum += number;
                *count += 1.0;
            }
        }
    }

    fn means(&self) -> impl Iterator<Item = String> {
        let mean = |(sum, count): &(f64, f64)| (*count > 0.0).then(|| sum / count);
        self.numbers.iter().map(move |number| Cell::from(mean(number)).to_string())
    }
}

/// Writes the samples of an offloading study; of another experiment removes an earlier file.
///
/// # Errors
/// Says why it could not be written.
pub fn write_samples(sweep: &Sweep, runs: &[RunRecord], folder: &Path) -> Result<(), WriteError> {
    let path = folder.join(SAMPLES);
    let Configs::Offloading(configs) = &sweep.configs else { return atomic::remove(&path) };
    let mut rows: Vec<Vec<String>> = Vec::new();
    for own in runs.chunk_by(|a, b| a.spec.configuration == b.spec.configuration) {
        let Some(first) = own.first() else { continue };
        let at = first.spec.configuration;
        for (sample, sums) in samples(&configs[at], own) {
            let Sums { dialogue, rows: count, .. } = &sums;
            let mut row = vec![sweep.config_hash(at).to_owned(), sample.to_string()];
            row.extend([dialogue.clone(), count.to_string()]);
            row.extend(sweep.points[at].labels.iter().cloned());
            row.push(sweep.configs.source(at).to_owned());
            row.extend(sums.means());
            row.push(String::new());
            rows.push(row);
        }
    }
    let source = [sweep.experiment.study.source().name.to_owned()];
    let error = ["error".to_owned()];
    let head = [names(&SAMPLE_HEAD), sweep.axis_keys(), source.to_vec(), names(DIALOGUE_COLUMNS)];
    write_csv(&path, [head.concat(), error.to_vec()].concat(), rows)
}

/// The samples of a configuration, in order.
fn samples(config: &OffloadingConfig, runs: &[RunRecord]) -> BTreeMap<u64, Sums> {
    let mut samples: BTreeMap<u64, Sums> = BTreeMap::new();
    for run in runs.iter().filter(|run| !run.failed()) {
        let result = &run.entry.result;
        if !config.dialogues.is_fixed() {
            samples.entry(run.spec.replicate).or_default().add(result.cells.iter());
            continue;
        }
        for row in result.tables.first().into_iter().flatten() {
            // A damaged journal may have other rows.
            let [name, index, ..] = row.as_slice() else { continue };
            let Ok(index) = index.parse() else { continue };
            let sums = samples.entry(index).or_default();
            sums.dialogue.clone_from(name);
            sums.add(row.iter().skip(BEFORE).take(DIALOGUE_COLUMNS.len() - 1));
        }
    }
    samples
}
