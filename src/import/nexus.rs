//! Nexus' model profiles: mean latency and GPU memory for every batch size of a model on a GPU.
//!
//! As published, one file a model: its name, the GPU, `Forward latency`, a header, rows
//! `batch,latency(us),std(us),memory(B)`, then other sections. Or a table of all,
//! `model,batch,latency_us,std_us,gpu_memory_bytes`. Bytes are the memory that the largest batch
//! up to `max_batch` takes. Source: uwsampl/nexus; Shen et al., SOSP 2019.

use super::profile::{Folder, GIVEN, MODELS, Measured, TRIALS, batches, is_chosen, name};
use super::{ImportKind, ImporterEntry};
use crate::config::lines::LineReader;
use crate::config::rows::{LAYOUT, RowReader, TableLayout};
use crate::config::{Decoder, Location, Problem, Problems, Setting};
use crate::core::units::parse_decimal;
use crate::system::latency::MAX_BATCH;

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "nexus-profile",
    summary: "Nexus model profiles: latency and memory by batch size",
    settings: &[
        &[
            Setting::text("worker_class", "").means("The class of workers; without it, the GPU."),
            Setting::integer("max_batch", [1, MAX_BATCH], 32).means("The largest batch to import."),
            MODELS,
        ],
        LAYOUT,
        GIVEN,
    ],
    form: ImportKind::Profile(import),
};

/// The most memory of a model; a larger number is an error.
const MAX_BYTES: u64 = 1 << 50;

struct NexusPlan {
    worker_class: String,
    max_batch: u64,
    models: Vec<String>,
    layout: TableLayout,
}

impl NexusPlan {
    /// Adds a trial unless its batch is larger than was asked for.
    fn add(&self, into: &mut Measured, names: [&str; 2], batch: u64, ns: u64, bytes: u64) {
        if batch > self.max_batch {
            into.beyond += 1;
        } else {
            into.add(names, batch, ns, bytes);
        }
    }
}

fn import(files: &[String], settings: &mut Decoder<'_>) -> Option<Folder> {
    let worker_class = settings.text("worker_class");
    let max_batch = settings.integer("max_batch");
    let (models, layout) = (settings.texts("models"), TableLayout::read(settings));
    let plan = NexusPlan { worker_class, max_batch, models, layout };
    let measured =
        Measured::read(files, settings, ["no chosen model", "at least one"], |file, into| {
            let read_file = if is_table(file, plan.layout) { table } else { published };
            read_file(file, &plan, into)
        })?;
    let source = "uwsampl/nexus model profiles, BSD-3-Clause";
    measured.folder(["models profiled by Nexus", source, TRIALS], settings)
}

fn is_table(file: &str, layout: TableLayout) -> bool {
    RowReader::with_layout(file, layout).is_ok_and(|rows| rows.head().optional("model").is_some())
}

fn table(file: &str, plan: &NexusPlan, measured: &mut Measured) -> Result<(), Problems> {
    let mut rows = RowReader::with_layout(file, plan.layout)?;
    let names = ["model", "batch", "latency_us", "gpu_memory_bytes"];
    let [model, batch, latency, memory] = rows.head().columns(names)?;
    if plan.worker_class.is_empty() {
        let place = Location::file("--set").field("worker_class");
        let expected = "the GPU: `--set worker_class=titan-x-pascal`";
        return Err(Problem::new(place, "nothing", expected).into());
    }
    rows.each(|row| {
        let size = row.integer(batch, batches())?;
        let bytes = row.integer(memory, 1..=MAX_BYTES)?;
        let ns = row.decimal(latency, 3)?;
        if ns == 0 {
            return Err(row.problem(latency, "more than 0"));
        }
        if is_chosen(&plan.models, row.text(model)) {
            let variant = name(row.text(model));
            plan.add(measured, [&plan.worker_class, &variant], size, ns, bytes);
        }
        Ok(())
    })
}

fn published(file: &str, plan: &NexusPlan, measured: &mut Measured) -> Result<(), Problems> {
    let mut lines = LineReader::open(file)?;
    let mut head = || -> Result<String, Problem> {
        let line = lines.next_line()?.map(|line| line.trim().to_owned());
        line.ok_or_else(|| Problem::new(Location::file(file), "a short file", "a Nexus profile"))
    };
    let (model, gpu) = (head()?, head()?);
    let section = [head()?, head()?];
    let known = ["Forward latency", "batch,latency(us),std(us),memory(B)"];
    for (at, (found, expected)) in section.iter().zip(known).enumerate() {
        if found != expected && !found.starts_with(&format!("{expected},")) {
            let place = Location::line(file, at as u64 + 3);
            return Err(Problem::new(place, format!("`{found}`"), format!("`{expected}`")).into());
        }
    }
    // `caffe:vgg16:1` is a framework, a model and a version.
    let model = model.split(':').nth(1).unwrap_or(&model).to_owned();
    let class = match plan.worker_class.as_str() {
        "" => name(&gpu.replace('_', " ").to_lowercase()),
        given => given.to_owned(),
    };
    if !is_chosen(&plan.models, &model) {
        return Ok(());
    }
    let mut problems = Problems::default();
    let mut rows = 0;
    while let Some(line) = lines.next_line()?.map(str::to_owned) {
        if line.starts_with("Preprocess latency") {
            break;
        }
        rows += 1;
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let number = |at: usize, digits| cells.get(at).and_then(|cell| parse_decimal(cell, digits));
        let size = number(0, 0).filter(|size| batches().contains(size));
        let (ns, bytes) = (number(1, 3).filter(|ns| *ns > 0), number(3, 0));
        match (size, ns, bytes.filter(|bytes| (1..=MAX_BYTES).contains(bytes))) {
            (Some(size), Some(ns), Some(bytes)) => {
                plan.add(measured, [&class, &name(&model)], size, ns, bytes);
            }
            _ => {
                let expected = "batch, latency, deviation and memory";
                problems.push(Problem::new(lines.place(), format!("`{line}`"), expected));
            }
        }
    }
    if rows == 0 {
        problems.push(Problem::new(Location::file(file), "no batch", "a row for each batch size"));
    }
    problems.check(Some(()))
}
