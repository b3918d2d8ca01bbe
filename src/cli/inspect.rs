//! `peeksim inspect`: one run in detail.

use super::output::cell_value;
use super::{CliError, ExperimentArgs, Output, gantt, milliseconds, wrong};
use crate::config::{Problem, source};
use crate::contract::{Event, Observer};
use crate::core::units::Span;
use crate::experiment::{RunSpec, Sweep, simulate, simulate_row, simulate_watched, summary};
use crate::inspection::TraceEvents;
use crate::metrics::{COLUMNS, RequestLog, Summary};
use crate::output::{atomic, packed};
use crate::report::console::align;
use crate::workload::RequestSources;
use clap::Args;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub(super) struct InspectArgs {
    #[command(flatten)]
    experiment: ExperimentArgs,
    /// Which run, by its id or the beginning of it; the first by default.
    #[arg(long, value_name = "ID")]
    run: Option<String>,
    /// Write a row for every request to this file, as CSV; `.gz` and `.zst` compress, `.parquet`
    /// is Parquet if built with `--features parquet`.
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// Write the timeline of the run to this file, in the Trace Event format that Perfetto opens;
    /// `.gz` and `.zst` compress.
    #[arg(long, value_name = "FILE")]
    timeline: Option<PathBuf>,
    /// Draw what workers did to this file, as `.svg`, `.png` or `.pdf`.
    #[arg(long, value_name = "FILE")]
    gantt: Option<PathBuf>,
    /// Where the excerpt of `--gantt` begins, as `1s` or `250ms`.
    #[arg(long, value_name = "TIME", requires = "gantt")]
    from: Option<String>,
    /// Where it ends; after some dozens of batches by default.
    #[arg(long, value_name = "TIME", requires = "gantt")]
    until: Option<String>,
    /// Run twice and name the first event that differs.
    #[arg(long)]
    check_determinism: bool,
}

pub(super) fn main(args: &InspectArgs, out: &mut Output) -> Result<(), CliError> {
    if let Some(path) = &args.requests {
        check_format(path)?;
    }
    if let Some(path) = &args.timeline {
        super::check_compression("--timeline", path)?;
    }
    if let Some(path) = &args.gantt {
        gantt::check_format(path)?;
    }
    let excerpt = excerpt(args)?;
    let files = [&args.requests, &args.timeline, &args.gantt];
    let files: Vec<&PathBuf> = files.into_iter().flatten().collect();
    if let Some(path) = files.iter().enumerate().find(|(at, path)| files[..*at].contains(path)) {
        let found =
            format!("`{}` for two of `--requests`, `--timeline`, `--gantt`", path.1.display());
        return Err(wrong("FILE", found, "a file for each").into());
    }
    let sweep = args.experiment.load()?;
    for (option, path) in
        [("--requests", &args.requests), ("--timeline", &args.timeline), ("--gantt", &args.gantt)]
    {
        if let Some(path) = path {
            check_target(&sweep, &args.experiment.experiment, (option, path))?;
        }
    }
    let spec = find(&sweep, args.run.as_deref())?;
    if args.check_determinism {
        return check_determinism(&sweep, spec, out);
    }
    let config = &sweep.scheduling()?[spec.configuration];
    let mut summary = summary(config, sweep.rng(spec)).map_err(CliError::Failed)?;
    let exact = match &args.requests {
        Some(path) => with_log(&sweep, spec, path, &mut summary)?,
        None => simulate_row(config, sweep.rng(spec), &mut summary).map_err(CliError::Failed)?,
    };
    let keys = sweep.axis_keys();
    let labels = &sweep.points[spec.configuration].labels;
    let mut grid = vec![
        vec!["run_id".to_owned(), sweep.run_id(spec)],
        vec!["replicate".to_owned(), spec.replicate.to_string()],
    ];
    grid.extend(keys.iter().zip(labels).map(|(key, label)| vec![key.clone(), label.clone()]));
    grid.push(vec!["accuracy_source".to_owned(), config.info.name().to_owned()]);
    let cells = summary.cells(exact);
    let metrics = COLUMNS.iter().zip(&cells);
    grid.extend(metrics.map(|(column, cell)| vec![column.name.to_owned(), cell.to_string()]));
    write!(out, "{}", align(&grid))?;
    for line in &grid {
        out.set(
            &line[0],
            if line[0] == "run_id" { line[1].as_str().into() } else { cell_value(&line[1]) },
        );
    }
    if let Some(path) = &args.timeline {
        write_timeline(&sweep, spec, path)?;
    }
    if let Some(path) = &args.gantt {
        gantt::write(&sweep, spec, path, excerpt)?;
    }
    for path in [&args.requests, &args.timeline, &args.gantt].into_iter().flatten() {
        out.wrote(path)?;
    }
    Ok(())
}

/// The ends of the excerpt of `--gantt`.
fn excerpt(args: &InspectArgs) -> Result<(Span, Option<Span>), Problem> {
    let time = |option: &str, text: &String| {
        let ms = milliseconds(option, text)?;
        if ms >= 0.0 { Ok(Span::from_ms(ms)) } else { Err(wrong(option, text, "a time from 0 on")) }
    };
    let from = args.from.as_ref().map(|text| time("--from", text)).transpose()?;
    let until = args.until.as_ref().map(|text| time("--until", text)).transpose()?;
    Ok((from.unwrap_or(Span::ZERO), until))
}

/// The run whose id begins with `id`.
pub(super) fn find(sweep: &Sweep, id: Option<&str>) -> Result<RunSpec, CliError> {
    let wanted = id.unwrap_or("");
    let mut matching = sweep.runs().filter(|spec| sweep.run_id(*spec).starts_with(wanted));
    let Some(first) = matching.next() else {
        let expected = "an id as `peeksim check` or runs.csv gives it, with the same `--set`";
        return Err(wrong("--run", format!("no run `{wanted}`"), expected).into());
    };
    // Equal configurations with two labels have one id.
    let mut others = matching.filter(|spec| sweep.run_id(*spec) != sweep.run_id(first));
    if id.is_some() && others.next().is_some() {
        let found = format!("several runs begin with `{wanted}`");
        return Err(wrong("--run", found, "a longer id").into());
    }
    Ok(first)
}

fn is(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension == ending)
}

/// Refuses a file that would replace an input.
fn check_target(
    sweep: &Sweep,
    experiment: &str,
    (option, path): (&str, &Path),
) -> Result<(), Problem> {
    let read = sweep.inputs.files().keys().map(String::as_str).chain([experiment]);
    let target = source::identity(path).filter(|_| path.is_file());
    let same = |read: &&str| target.is_some() && source::identity(Path::new(read)) == target;
    let Some(read) = read.into_iter().find(same) else { return Ok(()) };
    let found = format!("`{}`, which would replace {read}", path.display());
    Err(wrong(option, found, "another file"))
}

/// Refuses Parquet if it is not built in, and compressions that are not written.
fn check_format(path: &Path) -> Result<(), Problem> {
    super::check_compression("--requests", path)?;
    if cfg!(feature = "parquet") || !is(path, "parquet") {
        return Ok(());
    }
    let expected = "a CSV file: this peeksim was built without `--features parquet`";
    Err(wrong("--requests", format!("`{}`", path.display()), expected))
}

fn with_log(
    sweep: &Sweep,
    spec: RunSpec,
    path: &Path,
    summary: &mut Summary,
) -> Result<Option<u64>, CliError> {
    let config = &sweep.scheduling()?[spec.configuration];
    let has_sources = config.arrivals.request_sources != RequestSources::None;
    let mut outcome = Ok(None);
    let written = atomic::with(path, |file| {
        let failed = |error: &String| Err(io::Error::other(error.clone()));
        #[cfg(feature = "parquet")]
        if is(path, "parquet") {
            let mut log =
                crate::metrics::RequestTable::with_sources(has_sources, &config.catalog, file)?;
            outcome = simulate(config, sweep.rng(spec), &mut (&mut *summary, &mut log));
            log.finish()?;
            return outcome.as_ref().map_or_else(failed, |_| Ok(()));
        }
        packed::write(path, file, |file| {
            let mut log = RequestLog::with_sources(has_sources, &config.catalog, file);
            outcome = match summary.whole_run() {
                Some(whole) => simulate(config, sweep.rng(spec), &mut (whole, &mut log)),
                None => simulate(config, sweep.rng(spec), &mut (&mut *summary, &mut log)),
            };
            log.finish()?.flush()?;
            outcome.as_ref().map_or_else(failed, |_| Ok(()))
        })
    });
    // If the run failed, the file was not written for that reason.
    let exact = outcome.map_err(CliError::Failed)?;
    written?;
    Ok(exact)
}

/// Runs once more, with the timeline alone.
fn write_timeline(sweep: &Sweep, spec: RunSpec, path: &Path) -> Result<(), CliError> {
    let config = &sweep.scheduling()?[spec.configuration];
    let mut outcome = Ok(None);
    let written = atomic::with(path, |file| {
        packed::write(path, file, |file| {
            let mut timeline = TraceEvents::new(&config.catalog, file);
            outcome =
                simulate_watched(config, sweep.rng(spec), &mut timeline, TraceEvents::decided);
            timeline.finish()?.flush()?;
            outcome.as_ref().map_or_else(|error| Err(io::Error::other(error.clone())), |_| Ok(()))
        })
    });
    // If the run failed, the file was not written for that reason.
    outcome.map_err(CliError::Failed)?;
    Ok(written?)
}

/// A hash of every event of a run, in order.
#[derive(Default)]
struct EventHashes(Vec<u64>);

impl Observer for EventHashes {
    fn on(&mut self, event: Event<'_>) {
        self.0.push(hash(&format!("{event:?}")));
    }
}

/// Compares the events of a run with those of an earlier one.
struct EventCheck<'a> {
    first: &'a [u64],
    seen: usize,
    /// The first event that differs, and where.
    differs: Option<(usize, String)>,
}

impl Observer for EventCheck<'_> {
    fn on(&mut self, event: Event<'_>) {
        if self.differs.is_none() {
            let text = format!("{event:?}");
            if self.first.get(self.seen) != Some(&hash(&text)) {
                self.differs = Some((self.seen, text));
            }
        }
        self.seen += 1;
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

fn check_determinism(sweep: &Sweep, spec: RunSpec, out: &mut Output) -> Result<(), CliError> {
    let config = &sweep.scheduling()?[spec.configuration];
    let mut first = EventHashes::default();
    simulate(config, sweep.rng(spec), &mut first).map_err(CliError::Failed)?;
    let mut check = EventCheck { first: &first.0, seen: 0, differs: None };
    simulate(config, sweep.rng(spec), &mut check).map_err(CliError::Failed)?;
    let (count, seen) = (first.0.len(), check.seen);
    match check.differs {
        Some((at, text)) => {
            Err(CliError::Failed(format!("event {at} of the second run differs: {text}")))
        }
        None if seen < count => {
            Err(CliError::Failed(format!("the second run ends after {seen} of {count} events")))
        }
        None => {
            out.set("events", count);
            out.set("deterministic", true);
            Ok(writeln!(out, "{count} events, the same in both runs")?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::units::Time;

    /// Where a run of these counts of decisions departs from one of those.
    fn differs(first: &[usize], second: &[usize]) -> (usize, Option<(usize, String)>) {
        let event = |decisions: &usize| Event::Decided { at: Time::ZERO, decisions: *decisions };
        let mut hashes = EventHashes::default();
        first.iter().for_each(|count| hashes.on(event(count)));
        let mut check = EventCheck { first: &hashes.0, seen: 0, differs: None };
        second.iter().for_each(|count| check.on(event(count)));
        (check.seen, check.differs)
    }

    #[test]
    fn the_first_event_that_differs_is_named() {
        assert_eq!(differs(&[1, 2, 3], &[1, 2, 3]), (3, None));
        assert_eq!(differs(&[1, 2, 3], &[1, 2]), (2, None));
        for first in [&[1, 2, 3][..], &[1]] {
            let (at, text) = differs(first, &[1, 7, 8]).1.expect("a difference");
            assert!(at == 1 && text.contains("decisions: 7"), "{at}: {text}");
        }
    }
}
