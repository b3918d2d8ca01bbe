//! `peeksim run`: one run in detail.

use super::{ExperimentArgs, Failure};
use crate::metrics::{COLUMNS, RequestLog, Summary};
use crate::output::atomic;
use crate::policy::{Event, Observer};
use crate::report::table::align;
use crate::sweep::{RunSpec, Sweep, simulate, summary};
use clap::Args;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// Which run, by its id or the beginning of it; the first by default.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Write a row for every request to this file; `.gz` compresses.
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// Run twice and name the first event that differs.
    #[arg(long)]
    check_determinism: bool,
}

pub(super) fn main(args: &RunArgs, out: &mut impl Write) -> Result<(), Failure> {
    let sweep = args.experiment.load()?;
    let spec = find(&sweep, args.run.as_deref())?;
    if args.check_determinism {
        return check_determinism(&sweep, spec, out);
    }
    let prepared = &sweep.prepared[spec.configuration];
    let mut summary = summary(prepared, sweep.rng(spec)).map_err(Failure::Failed)?;
    let exact = match &args.requests {
        Some(path) => with_log(&sweep, spec, path, &mut summary)?,
        None => simulate(prepared, sweep.rng(spec), &mut summary).map_err(Failure::Failed)?,
    };
    let keys = sweep.axis_keys();
    let labels = &sweep.configurations[spec.configuration].labels;
    let mut grid = vec![
        vec!["run_id".to_owned(), sweep.run_id(spec)],
        vec!["replicate".to_owned(), spec.replicate.to_string()],
    ];
    grid.extend(keys.iter().zip(labels).map(|(key, label)| vec![key.clone(), label.clone()]));
    grid.push(vec!["info".to_owned(), prepared.info.name().to_owned()]);
    let cells = summary.cells(exact);
    let metrics = COLUMNS.iter().zip(&cells);
    grid.extend(metrics.map(|(column, cell)| vec![column.name.to_owned(), cell.to_string()]));
    write!(out, "{}", align(&grid))?;
    if let Some(path) = &args.requests {
        writeln!(out, "wrote {}", path.display())?;
    }
    Ok(())
}

/// The run whose id begins with `id`.
pub(super) fn find(sweep: &Sweep, id: Option<&str>) -> Result<RunSpec, Failure> {
    let wanted = id.unwrap_or("");
    let mut matching = sweep.runs().filter(|spec| sweep.run_id(*spec).starts_with(wanted));
    let Some(first) = matching.next() else {
        let expected = "an id as `peeksim check` or runs.csv gives it";
        return Err(input(format!("no run `{wanted}`"), expected));
    };
    // Settings with two names are one run.
    let mut others = matching.filter(|spec| sweep.run_id(*spec) != sweep.run_id(first));
    if id.is_some() && others.next().is_some() {
        return Err(input(format!("several runs begin with `{wanted}`"), "a longer id"));
    }
    Ok(first)
}

fn input(found: String, expected: &str) -> Failure {
    let place = crate::input::Place::file("--run");
    Failure::from(crate::input::Problem::new(place, found, expected))
}

fn with_log(
    sweep: &Sweep,
    spec: RunSpec,
    path: &Path,
    summary: &mut Summary,
) -> Result<Option<u64>, Failure> {
    let prepared = &sweep.prepared[spec.configuration];
    let mut outcome = Ok(None);
    let mut fill = |file: &mut dyn Write| {
        let mut log = RequestLog::new(&prepared.catalog, file);
        outcome = simulate(prepared, sweep.rng(spec), &mut (&mut *summary, &mut log));
        log.finish()?.flush()?;
        outcome.as_ref().map_err(|error| io::Error::other(error.clone())).map(|_| ())
    };
    let written = atomic::with(path, |file| {
        if path.extension().is_some_and(|extension| extension == "gz") {
            // The end of a compressed file is written last; dropping it would hide a full disk.
            let mut gzip = GzEncoder::new(BufWriter::new(file), Compression::default());
            fill(&mut gzip)?;
            gzip.finish()?.flush()
        } else {
            fill(file)
        }
    });
    // A run that failed is the reason, not the file that therefore was not written.
    let exact = outcome.map_err(Failure::Failed)?;
    written?;
    Ok(exact)
}

/// Every event of a run as text, one after another.
#[derive(Default)]
struct EventLog(Vec<String>);

impl Observer for EventLog {
    fn on(&mut self, event: Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

fn check_determinism(sweep: &Sweep, spec: RunSpec, out: &mut impl Write) -> Result<(), Failure> {
    let mut logs = [EventLog::default(), EventLog::default()];
    for log in &mut logs {
        let prepared = &sweep.prepared[spec.configuration];
        simulate(prepared, sweep.rng(spec), log).map_err(Failure::Failed)?;
    }
    let [first, second] = logs;
    let differs = first.0.iter().zip(&second.0).position(|(a, b)| a != b);
    let differs =
        differs.or((first.0.len() != second.0.len()).then_some(first.0.len().min(second.0.len())));
    match differs {
        None => {
            writeln!(out, "{} events, the same in both runs", first.0.len())?;
            Ok(())
        }
        Some(at) => {
            let show = |log: &EventLog| log.0.get(at).cloned().unwrap_or("no event".into());
            Err(Failure::Failed(format!(
                "event {at} differs:\n  first:  {}\n  second: {}",
                show(&first),
                show(&second)
            )))
        }
    }
}
