//! Trace files: requests one by one in a file of any length, as `peeksim import` writes them.
//!
//! | column | content |
//! |---|---|
//! | `arrival_s` | seconds on the file's clock, never going backwards |
//! | `app` | the application |
//! | `class` | optional: the true class; by default drawn as for `poisson` |
//! | `budget_ms` | optional: deadline minus arrival; by default the application's |
//!
//! A file is read once to be checked, which takes memory for its names only, and once by every
//! run, row by row. A run of its first part at a given rate reads that part once more. Only runs
//! that draw blocks of it hold it in memory (`held.rs`).

mod held;

pub use held::RowsInMemory;

use crate::config::csv::{Header, Row};
use crate::config::rows::RowReader;
use crate::config::{Location, Problem, Problems};
use crate::core::units::{Span, Time, rate_rps};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The most pairs of application and class; a column with more distinct texts holds no names.
const MAX_NAMES: usize = 10_000;
/// Arrivals end here, some 30 years: 64 bits of nanoseconds must hold them many times over.
const MAX_ARRIVAL_NS: u64 = 1_000_000_000_000_000_000;
/// The longest budget, some 11 days.
const MAX_BUDGET_NS: u64 = 1_000_000_000_000_000;

/// A file that was read once and checked.
#[derive(Debug)]
pub struct TraceFile {
    /// Its path.
    pub path: String,
    /// The SHA-256 of its decompressed bytes.
    pub sha256: String,
    /// How many requests it holds, at least one.
    pub requests: u64,
    /// Arrival of the first one, on the file's clock.
    pub first: Time,
    /// Arrival of the last request of the first n, by n.
    lasts: Mutex<BTreeMap<u64, Time>>,
    /// Every pair of application and class, and its first line.
    names: Vec<Name>,
    /// Its rows, once they were needed.
    held: OnceLock<Arc<RowsInMemory>>,
}

#[derive(Clone, Debug)]
struct Name {
    app: String,
    class: Option<String>,
    line: u64,
}

/// The place of a pair of names, which most often is the `recent` one.
fn find_name(names: &[Name], recent: usize, app: &str, class: Option<&str>) -> Option<usize> {
    let same = |name: &Name| name.app == app && name.class.as_deref() == class;
    if names.get(recent).is_some_and(same) {
        return Some(recent);
    }
    names.iter().position(same)
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct TraceRow<'a> {
    /// When it arrives.
    pub time: Time,
    /// The name of its application.
    pub app: &'a str,
    /// The name of its true class.
    pub class: Option<&'a str>,
    /// Deadline minus arrival.
    pub budget: Option<Span>,
}

/// Places of the columns.
#[derive(Clone, Copy, Debug)]
struct Columns {
    arrival: usize,
    app: usize,
    class: Option<usize>,
    budget: Option<usize>,
}

impl Columns {
    fn find(head: &Header) -> Result<Self, Problem> {
        const NAMES: [&str; 4] = ["arrival_s", "app", "class", "budget_ms"];
        head.distinct()?;
        if let Some(problem) = head.refuse_unknown(|name| NAMES.contains(&name), &NAMES) {
            return Err(problem);
        }
        let [arrival, app] = head.columns([NAMES[0], NAMES[1]])?;
        let [class, budget] = [NAMES[2], NAMES[3]].map(|name| head.optional(name));
        Ok(Self { arrival, app, class, budget })
    }

    fn read<'r>(&self, row: Row<'r>, before: Time) -> Result<TraceRow<'r>, Problem> {
        let time = Time(row.decimal(self.arrival, 9)?);
        if time < before {
            return Err(row.problem(self.arrival, "time that does not go backwards"));
        }
        if time.0 > MAX_ARRIVAL_NS {
            return Err(row.problem(self.arrival, "at most 1e9 seconds, some 30 years"));
        }
        let app = row.filled(self.app, "the name of an application")?;
        let budget = self.budget.map(|column| match row.decimal(column, 6)? {
            ns @ 1..=MAX_BUDGET_NS => Ok(Span(ns)),
            _ => Err(row.problem(column, "more than 0 and at most 1e9 milliseconds")),
        });
        let budget = budget.transpose()?;
        Ok(TraceRow { time, app, class: self.class.map(|column| row.text(column)), budget })
    }
}

/// The rows of a file, read lazily.
pub struct TraceRowReader {
    rows: RowReader,
    columns: Columns,
    before: Time,
}

impl TraceRowReader {
    /// Opens a file.
    pub fn open(path: &str) -> Result<Self, Problem> {
        Self::new(RowReader::open(path)?)
    }

    fn new(rows: RowReader) -> Result<Self, Problem> {
        let columns = Columns::find(rows.head())?;
        Ok(Self { rows, columns, before: Time::ZERO })
    }

    /// The place of the last row.
    pub fn place(&self) -> Location {
        self.rows.lines().place()
    }

    /// The problem of a row that is not what it was when the file was checked.
    pub fn changed(&self, found: &str) -> Problem {
        Problem::new(self.place(), found, "the file as it was when it was checked")
    }

    /// The next row; `None` at the end.
    pub fn next_listing(&mut self) -> Result<Option<TraceRow<'_>>, Problem> {
        let Some(row) = self.rows.next_row()? else { return Ok(None) };
        let row = self.columns.read(row, self.before)?;
        self.before = row.time;
        Ok(Some(row))
    }
}

impl TraceFile {
    /// Reads a file once and checks every row.
    ///
    /// # Errors
    /// Lists the first bad rows.
    pub fn check(path: &str) -> Result<Self, Problems> {
        let mut reader = TraceRowReader::new(RowReader::hashed(path)?)?;
        let (mut names, mut problems) = (Vec::<Name>::new(), Problems::default());
        let (mut requests, mut first, mut last, mut recent) = (0, None, Time::ZERO, 0);
        loop {
            let (time, app, class) = match reader.next_listing() {
                Ok(None) => break,
                Ok(Some(row)) => (row.time, row.app, row.class),
                Err(problem) => {
                    problems.push(problem);
                    if problems.is_full() {
                        return Err(problems);
                    }
                    continue;
                }
            };
            (requests, last) = (requests + 1, time);
            first.get_or_insert(time);
            match find_name(&names, recent, app, class) {
                Some(at) => recent = at,
                None => {
                    recent = names.len();
                    let (app, class) = (app.to_owned(), class.map(str::to_owned));
                    names.push(Name { app, class, line: reader.rows.lines().number() });
                }
            }
            if names.len() > MAX_NAMES {
                let found = format!("more than {MAX_NAMES} applications and classes");
                problems.push(Problem::new(Location::file(path), found, "names that repeat"));
                return Err(problems);
            }
        }
        if requests == 0 && problems.is_empty() {
            problems.push(Problem::new(Location::file(path), "a header and no rows", "rows"));
        }
        let sha256 = reader.rows.lines().sha256().unwrap_or_default();
        let (path, first) = (path.to_owned(), first.unwrap_or(Time::ZERO));
        let lasts = Mutex::new(BTreeMap::from([(requests, last)]));
        let held = OnceLock::new();
        problems.check(Some(Self { path, sha256, requests, first, lasts, names, held }))
    }

    /// Checks the names of applications and classes; `apps` has a name and its classes each.
    pub fn check_names(&self, apps: &[(String, Vec<String>)], problems: &mut Problems) {
        for name in &self.names {
            let place = |field| Location::line(&self.path, name.line).field(field);
            let Some((_, classes)) = apps.iter().find(|(app, _)| *app == name.app) else {
                let known = apps.iter().map(|(app, _)| app.as_str());
                problems.push(Problem::unknown(place("app"), "application", &name.app, known));
                continue;
            };
            if let Some(class) = &name.class
                && !classes.contains(class)
            {
                let known = classes.iter().map(String::as_str);
                problems.push(Problem::unknown(place("class"), "class", class, known));
            }
        }
    }

    /// From the first request to the last of the first `count`.
    ///
    /// # Errors
    /// Says what changed in the file since it was checked.
    pub fn span(&self, count: u64) -> Result<Span, Problem> {
        let lasts = || self.lasts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lasts().get(&count).copied();
        if let Some(last) = known {
            return Ok(last.since(self.first));
        }
        let mut reader = TraceRowReader::open(&self.path)?;
        let mut last = self.first;
        for _ in 0..count {
            match reader.next_listing()? {
                Some(row) => last = row.time,
                None => return Err(reader.changed("the end of the file")),
            }
        }
        lasts().insert(count, last);
        Ok(last.since(self.first))
    }

    /// Requests per second of the first `count`; `None` for one alone, or if all arrive at once.
    pub fn rate_rps(&self, count: u64) -> Result<Option<f64>, Problem> {
        Ok(rate_rps(count, self.span(count)?))
    }
}
