//! Requests one by one in a file of any length, as `peeksim import` writes them.
//!
//! | column | content |
//! |---|---|
//! | `arrival_s` | seconds on the file's clock, never going backwards |
//! | `app` | the application |
//! | `class` | optional: the true class; by default drawn as for `poisson` |
//! | `budget_ms` | optional: deadline minus arrival; by default the application's |
//!
//! A file is read once to be checked, which takes memory for its names alone, and once by every
//! run, row by row. A run of a part of it at a rate takes one more reading of that part. Only runs
//! that draw blocks of it hold it in memory (`held.rs`).

mod held;

pub use held::RowsInMemory;

use crate::config::csv::{Header, Row};
use crate::config::rows::RowReader;
use crate::config::{Location, Problem, Problems};
use crate::core::units::{Span, Time, rate_rps};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Names of applications with those of classes; more are no names but numbers.
const MAX_NAMES: usize = 10_000;
/// Arrivals end here, some 30 years: 64 bits of nanoseconds must hold them many times over.
const MAX_ARRIVAL_NS: u64 = 1_000_000_000_000_000_000;
/// The longest budget, some 11 days.
const MAX_BUDGET_NS: u64 = 1_000_000_000_000_000;

/// What is known of a file that was read once.
#[derive(Debug)]
pub struct TraceFile {
    /// Its path.
    pub path: String,
    /// The SHA-256 of its decompressed bytes.
    pub sha256: String,
    /// How many requests it holds, at least one.
    pub requests: u64,
    /// When the first one arrives, on the file's clock.
    pub first: Time,
    /// By number of requests from the beginning, when the last of them arrives.
    lasts: Mutex<BTreeMap<u64, Time>>,
    /// Every pair of application and class, and where it stands first.
    names: Vec<Name>,
    /// Its rows, once they were asked for.
    held: OnceLock<Arc<RowsInMemory>>,
}

#[derive(Clone, Debug)]
struct Name {
    app: String,
    class: Option<String>,
    line: u64,
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

/// Where the columns are.
#[derive(Clone, Copy, Debug)]
struct Columns {
    arrival: usize,
    app: usize,
    class: Option<usize>,
    budget: Option<usize>,
}

impl Columns {
    fn find(head: &Header) -> Result<Self, Problem> {
        let names = ["arrival_s", "app", "class", "budget_ms"];
        head.distinct()?;
        match head.refuse_unknown(|name| names.contains(&name), &names) {
            Some(problem) => Err(problem),
            None => Ok(Self {
                arrival: head.column("arrival_s")?,
                app: head.column("app")?,
                class: head.optional("class"),
                budget: head.optional("budget_ms"),
            }),
        }
    }

    fn read<'r>(&self, row: Row<'r>, before: Time) -> Result<TraceRow<'r>, Problem> {
        let time = Time(row.decimal(self.arrival, 9)?);
        if time < before {
            return Err(row.problem(self.arrival, "time that does not go backwards"));
        }
        if time.0 > MAX_ARRIVAL_NS {
            return Err(row.problem(self.arrival, "at most 1e9 seconds, some 30 years"));
        }
        let app = row.text(self.app);
        if app.is_empty() {
            return Err(row.problem(self.app, "the name of an application"));
        }
        let budget = match self.budget {
            Some(column) => {
                let budget = row.decimal(column, 6)?;
                if budget == 0 || budget > MAX_BUDGET_NS {
                    return Err(row.problem(column, "more than 0 and at most 1e9 milliseconds"));
                }
                Some(Span(budget))
            }
            None => None,
        };
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

    /// Where the last row stands.
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
        let listing = self.columns.read(row, self.before)?;
        self.before = listing.time;
        Ok(Some(listing))
    }
}

impl TraceFile {
    /// Reads a file once and checks every row.
    pub fn check(path: &str) -> Result<Self, Problems> {
        let mut listings = TraceRowReader::new(RowReader::hashed(path)?)?;
        let (mut names, mut problems) = (Vec::<Name>::new(), Problems::default());
        let (mut requests, mut first, mut last, mut recent) = (0, None, Time::ZERO, 0);
        loop {
            let listing = match listings.next_listing() {
                Ok(None) => break,
                Ok(Some(listing)) => (listing.time, listing.app, listing.class),
                Err(problem) => {
                    problems.push(problem);
                    if problems.is_full() {
                        return Err(problems);
                    }
                    continue;
                }
            };
            let (time, app, class) = listing;
            (requests, last) = (requests + 1, time);
            first.get_or_insert(time);
            let same = |name: &Name| name.app == app && name.class.as_deref() == class;
            if names.get(recent).is_some_and(same) {
                continue;
            }
            recent = names.iter().position(same).unwrap_or(names.len());
            if recent == names.len() {
                let (app, class) = (app.to_owned(), class.map(str::to_owned));
                names.push(Name { app, class, line: listings.rows.lines().number() });
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
        let sha256 = listings.rows.lines().sha256().unwrap_or_default();
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
    pub fn span(&self, count: u64) -> Result<Span, Problem> {
        let known = |lasts: &BTreeMap<u64, Time>| lasts.get(&count).copied();
        let lasts = self.lasts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = known(&lasts) {
            return Ok(last.since(self.first));
        }
        drop(lasts);
        let mut listings = TraceRowReader::open(&self.path)?;
        let mut last = self.first;
        for _ in 0..count {
            match listings.next_listing()? {
                Some(listing) => last = listing.time,
                None => return Err(listings.changed("the end of the file")),
            }
        }
        let mut lasts = self.lasts.lock().unwrap_or_else(PoisonError::into_inner);
        lasts.insert(count, last);
        Ok(last.since(self.first))
    }

    /// Requests per second of the first `count`; `None` for one alone, or if all arrive at once.
    pub fn rate_rps(&self, count: u64) -> Result<Option<f64>, Problem> {
        Ok(rate_rps(count, self.span(count)?))
    }
}
