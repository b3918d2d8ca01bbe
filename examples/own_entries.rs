//! An arrival process, a penalty and an importer of one's own, with the whole command line:
//! `cargo run --release --example own_entries -- sweep quickstart --set workload.arrivals=sensors
//! --set penalty=grace`.

use peeksim::cli::{Extensions, main_with};
use peeksim::extensions::{
    ArrivalEntry, ImportKind, ImportNotes, ImportedRequest, ImporterEntry, LineReader,
    PenaltyEntry, PenaltyShape, Problem, Process, RequestReader,
};
use peeksim::prelude::{Setting, Time};
use std::process::ExitCode;

/// Sensors that report together: a number of requests at every instant, at regular intervals.
const SENSORS: ArrivalEntry = ArrivalEntry {
    name: "sensors",
    summary: "all sensors report at the same instants, at regular intervals",
    source: "own",
    settings: &[&[Setting::integer("sensors", [1, 1000], 4).means("The number of sensors.")]],
    read: |settings| {
        let sensors = settings.integer("sensors");
        Process::timed(move |rate_rps, _| {
            let interval_ns = sensors as f64 * 1e9 / rate_rps;
            let mut given = 0;
            move |_: &mut _| {
                given += 1;
                Time((((given - 1) / sensors) as f64 * interval_ns) as u64)
            }
        })
    },
};

/// Nothing is lost during a time of grace, everything after it.
const GRACE: PenaltyEntry = PenaltyEntry {
    name: "grace",
    summary: "0 until a share of the budget has passed after the deadline, then 1",
    source: "own",
    settings: &[&[Setting::number("share", [0.0, 1000.0], 0.5)
        .means("The time of grace, as a share of the budget.")]],
    build: |settings| {
        let share = settings.number("share");
        PenaltyShape::new(format!("grace {share}"), move |late| f64::from(late > share))
    },
};

/// A log of lines `<seconds> <application>`.
struct Log {
    lines: LineReader,
}

impl RequestReader for Log {
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem> {
        let Some(line) = self.lines.next_line()? else { return Ok(None) };
        let parts = line.split_once(' ').and_then(|(at, app)| Some((at.parse::<f64>().ok()?, app)));
        match parts.map(|(at_s, app)| ImportedRequest::new((at_s * 1e9) as i64, app)) {
            Some(request) => Ok(Some(request)),
            None => {
                let found = format!("`{line}`");
                Err(Problem::new(self.lines.place(), found, "<seconds> <application>"))
            }
        }
    }

    fn lines(&self) -> &LineReader {
        &self.lines
    }

    fn notes(&self) -> ImportNotes {
        ImportNotes::default()
    }
}

const LOG: ImporterEntry = ImporterEntry {
    name: "access-log",
    summary: "a log of lines `<seconds> <application>`",
    settings: &[],
    form: ImportKind::Trace(|_| {
        Box::new(|path, _| Ok(Box::new(Log { lines: LineReader::open(path)?.hashed() })))
    }),
};

fn main() -> ExitCode {
    main_with(Extensions {
        arrivals: &[SENSORS],
        penalties: &[GRACE],
        importers: &[LOG],
        ..Extensions::default()
    })
}

#[cfg(test)]
mod tests {
    use peeksim::testing::{Violation, check_arrivals, check_penalty};

    #[test]
    fn the_process_keeps_the_rules() -> Result<(), Violation> {
        check_arrivals(&super::SENSORS, 50)
    }

    #[test]
    fn the_penalty_keeps_the_rules() -> Result<(), Violation> {
        check_penalty(&super::GRACE, 50)
    }
}
