//! Requests counted by interval, as papers give the trace of Twitter: a whole number a line, or a
//! table with a column of counts. An empty line, or a bad one that is skipped, is an interval
//! without requests; where a column holds the time, gaps in it are.

use super::spread_counts::{MAX_AT_ONCE, SPREAD, Spread, draws, request_count};
use super::time::{TimeUnit, date};
use super::time_reader::{TimeReader, UNITS, units};
use super::{ImportKind, ImportNotes, ImportedRequest, ImporterEntry, RequestReader};
use crate::config::csv::{Header, Row};
use crate::config::lines::LineReader;
use crate::config::rows::{LAYOUT, RowReader, TableLayout};
use crate::config::settings::TEXTS;
use crate::config::{Decoder, Group, Kind, Problem, Setting, Value, decode};
use crate::core::rng::Rng;
use crate::core::units::{NS_PER_S, Span, decimal};
use std::collections::VecDeque;

/// The shortest and the longest interval, in seconds.
const INTERVAL_S: std::ops::RangeInclusive<f64> = 1e-3..=1e6;

const COLUMN: Group = Group::named("column").of(&[&[
    Setting::optional("count", Kind::OneOf(&[Kind::Text, TEXTS]), "all others")
        .means("The columns of counts."),
    Setting::optional("time", Kind::Text, "none").means("The column of the time."),
]]);

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "counts",
    summary: "requests per interval, a line each; a key per column, or per file",
    settings: &[
        &[
            Setting::optional(
                "interval_s",
                Kind::Number(*INTERVAL_S.start(), *INTERVAL_S.end()),
                "the first step of the time, or 1",
            )
            .means("The length of an interval."),
            Setting::optional("column", Kind::Table(&COLUMN), "all columns, and no time")
                .means("The columns (--column)."),
        ],
        SPREAD,
        LAYOUT,
        UNITS,
    ],
    form: ImportKind::Trace(|settings| {
        let plan = CountsPlan::read(settings);
        Box::new(move |path, nth| Ok(Box::new(Counts::open(path, nth, &plan)?)))
    }),
};

#[derive(Clone, Debug)]
struct CountsPlan {
    interval_ns: Option<u64>,
    spread: Spread,
    seed: u64,
    /// Columns of counts; none if the table has only one column of numbers.
    counts: Vec<String>,
    time: Option<String>,
    unit: Option<TimeUnit>,
    layout: TableLayout,
}

impl CountsPlan {
    fn read(settings: &mut Decoder<'_>) -> Self {
        let interval_s = settings.optional_number("interval_s");
        let spread = settings.choice("spread", &Spread::ALL);
        let seed = settings.integer("seed");
        let mut columns = settings.inner("column", &COLUMN);
        let counts = columns.take("count").map(|node| match &node.value {
            Value::Array(_) => decode::texts(node, columns.problems()),
            _ => decode::text(node, columns.problems()).map(str::to_owned).into_iter().collect(),
        });
        let time = columns.optional_text("time").map(str::to_owned);
        columns.finish();
        let (layout, [unit]) = (TableLayout::read(settings), units(settings, ["time"]));
        let interval_ns = interval_s.map(|seconds| Span::from_s(seconds).0);
        let counts = counts.unwrap_or_default();
        Self { interval_ns, spread, seed, counts, time, unit, layout }
    }
}

struct Counts {
    plan: CountsPlan,
    rng: Rng,
    rows: RowReader,
    /// Columns of counts, and their keys.
    columns: Vec<(usize, String)>,
    time: Option<usize>,
    clock: TimeReader,
    interval_ns: Option<u64>,
    /// Rows read so far, bad ones included.
    rows_read: u64,
    /// The time of the last good row.
    last: Option<i64>,
    /// Time and counts of the first row, held until the next one tells the interval.
    first: Option<(i64, Vec<u64>)>,
    /// The name of a column of dates that is not read.
    dates: Option<String>,
    /// The problem of a bad first row, reported as those of other rows are.
    bad: Option<Problem>,
    /// Time and column of requests that were read and not yet handed out.
    pending: VecDeque<(i64, u32)>,
}

/// Whether a cell is a number or a date, which names of columns are not.
fn is_value(cell: &str) -> bool {
    cell.parse::<f64>().is_ok() || date(cell).is_some()
}

impl Counts {
    fn open(path: &str, nth: usize, plan: &CountsPlan) -> Result<Self, Problem> {
        let rng = draws(plan.seed, path, nth);
        let mut rows = RowReader::with_layout(path, plan.layout)?;
        // A header may hold numbers, too, if it holds all names that were asked for.
        let named = plan.counts.iter().chain(&plan.time).collect::<Vec<_>>();
        rows.demote_header(|cells| {
            let values = cells.iter().filter(|cell| is_value(cell)).count();
            let asked = !named.is_empty() && named.iter().all(|n| cells.contains(&n.as_str()));
            values == cells.len() || (values > 0 && !asked)
        });
        let time = plan.time.as_ref().map(|name| rows.head().column(name)).transpose()?;
        let (columns, bad) = columns(&mut rows, plan, time)?;
        // After a bad row, peeking would read the next one.
        let dates = if time.is_none() && bad.is_none() { dates(&mut rows) } else { None };
        let clock = TimeReader::new("time", plan.unit, TimeUnit::Decimal(9));
        let interval_ns = plan.interval_ns.or((time.is_none()).then_some(NS_PER_S));
        Ok(Self {
            plan: plan.clone(),
            rng,
            rows,
            columns,
            time,
            clock,
            interval_ns,
            rows_read: 0,
            last: None,
            first: None,
            dates,
            bad,
            pending: VecDeque::new(),
        })
    }

    /// Reads the next row; `false` at the end.
    fn read_row(&mut self) -> Result<bool, Problem> {
        if let Some(problem) = self.bad.take() {
            self.rows_read += 1;
            return Err(problem);
        }
        let row = self.rows.next_row();
        self.rows_read += u64::from(!matches!(row, Ok(None)));
        let Some(row) = row? else { return self.finish() };
        let counts = counts(row, &self.columns)?;
        let Some(time) = self.time else {
            let index = self.rows_read - 1 + self.rows.empty_lines();
            let Some(start) = start_of(index, self.interval_ns.unwrap_or(NS_PER_S)) else {
                let found = "an interval centuries away";
                return Err(Problem::new(self.rows.lines().place(), found, "fewer lines"));
            };
            self.spread(index, start, &counts);
            return Ok(true);
        };
        let now = self.clock.cell(row, time)?;
        if let Some(last) = self.last {
            let step = now.saturating_sub(last);
            let interval = match self.interval_ns {
                Some(interval) => interval,
                None => step_as_interval(step).ok_or_else(|| {
                    row.problem(time, "a time from a millisecond to 11 days after the first")
                })?,
            };
            // Times that were rounded may be a little early.
            if (step as f64) < 0.9 * interval as f64 {
                let seconds = decimal(interval, 9);
                let expected = format!("a time {seconds} s, the interval, after the one before");
                return Err(row.problem(time, expected));
            }
            self.interval_ns = Some(interval);
        }
        self.last = Some(now);
        if let Some((start, counts)) = self.first.take() {
            self.spread(0, start, &counts);
        }
        if self.interval_ns.is_none() {
            self.first = Some((now, counts));
        } else {
            self.spread(self.rows_read - 1, now, &counts);
        }
        Ok(true)
    }

    fn finish(&mut self) -> Result<bool, Problem> {
        if self.first.take().is_none() {
            return Ok(false);
        }
        let place = self.rows.lines().place();
        Err(Problem::new(place, "one row alone", "`--set interval_s=…`, how long it counts"))
    }

    /// Puts the requests of an interval into their order.
    fn spread(&mut self, index: u64, start: i64, counts: &[u64]) {
        let length = self.interval_ns.unwrap_or(NS_PER_S).cast_signed();
        let columns = self.columns.iter().map(|(column, _)| *column as u32);
        let counts = columns.zip(counts.iter().copied());
        self.pending.extend(self.plan.spread.requests(self.rng, [start, length], index, counts));
    }
}

/// The counts of a row.
fn counts(row: Row<'_>, columns: &[(usize, String)]) -> Result<Vec<u64>, Problem> {
    let count = |(column, _): &(usize, String)| request_count(row, *column);
    let counts = columns.iter().map(count).collect::<Result<Vec<_>, _>>()?;
    let sum: u64 = counts.iter().sum();
    if sum > MAX_AT_ONCE {
        let place = row.place(0).field("");
        let found = format!("{sum} requests in an interval");
        return Err(Problem::new(place, found, format!("at most {MAX_AT_ONCE}")));
    }
    Ok(counts)
}

/// The beginning of an interval, `None` if it ends centuries away.
fn start_of(index: u64, length: u64) -> Option<i64> {
    let end = index.checked_add(1)?.checked_mul(length)?;
    Some(i64::try_from(end).ok()? - length.cast_signed())
}

fn step_as_interval(step: i64) -> Option<u64> {
    let seconds = step as f64 / NS_PER_S as f64;
    INTERVAL_S.contains(&seconds).then(|| step.cast_unsigned())
}

/// Columns of counts with their keys, and the problem of a bad first row.
type CountColumns = (Vec<(usize, String)>, Option<Problem>);

/// The columns of counts with their keys, and what is wrong with the first row.
fn columns(
    rows: &mut RowReader,
    plan: &CountsPlan,
    time: Option<usize>,
) -> Result<CountColumns, Problem> {
    let (first, bad) = match rows.peek_row() {
        Ok(row) => (row.map(|row| row.cells().map(str::to_owned).collect::<Vec<_>>()), None),
        Err(problem) => (None, Some(problem)),
    };
    let head = rows.head();
    let names: Vec<&str> = head.names().collect();
    let listed = head.is_numbered() && names.len() == 1;
    let key = |column: usize| {
        let name = if listed { String::new() } else { names[column].to_owned() };
        (column, name)
    };
    if !plan.counts.is_empty() {
        let found = plan.counts.iter().map(|name| head.column(name).map(key));
        return Ok((found.collect::<Result<_, _>>()?, bad));
    }
    let others: Vec<usize> = (0..names.len()).filter(|column| Some(*column) != time).collect();
    let is_number = |column: &&usize| {
        let cell = first.as_ref().map(|row| row[**column].as_str());
        cell.is_none_or(|cell| cell.is_empty() || cell.parse::<f64>().is_ok())
    };
    let numbers: Vec<usize> = others.iter().filter(is_number).copied().collect();
    match (others.as_slice(), numbers.as_slice()) {
        ([one], _) | (_, [one]) => Ok((vec![key(*one)], bad)),
        _ => Err(ambiguous(head, &numbers)),
    }
}

/// The first column that begins with a date.
fn dates(rows: &mut RowReader) -> Option<String> {
    let is_date = |cell: &str| {
        let bytes = cell.as_bytes();
        bytes.len() >= 10 && bytes[4] == b'-' && bytes[7] == b'-' && bytes[0].is_ascii_digit()
    };
    let row = rows.peek_row().ok()??;
    let at = row.cells().position(is_date)?;
    rows.head().names().nth(at).map(str::to_owned)
}

fn ambiguous(head: &Header, numbers: &[usize]) -> Problem {
    const LISTED: usize = 12;
    let names: Vec<String> = head.names().map(|name| format!("`{name}`")).collect();
    let mut listed: Vec<&str> = numbers.iter().take(LISTED).map(|at| names[*at].as_str()).collect();
    if numbers.len() > LISTED {
        listed.push("…");
    }
    let found = match numbers {
        [] => "no column of numbers".to_owned(),
        _ => format!("{} columns of numbers: {}", numbers.len(), listed.join(", ")),
    };
    let expected = "`--column count=NAME` for each that counts requests, `--column time=NAME` for \
                    the time";
    Problem::new(head.place(), found, expected)
}

impl RequestReader for Counts {
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem> {
        loop {
            if let Some((time_ns, column)) = self.pending.pop_front() {
                let key = self.columns.iter().find(|(known, _)| *known == column as usize);
                let key = key.map_or("", |(_, key)| key.as_str());
                return Ok(Some(ImportedRequest::new(time_ns, key)));
            }
            if !self.read_row()? {
                return Ok(None);
            }
        }
    }

    fn lines(&self) -> &LineReader {
        self.rows.lines()
    }

    fn notes(&self) -> ImportNotes {
        let found = self.interval_ns.filter(|_| self.plan.interval_ns.is_none());
        let interval = found.filter(|_| self.time.is_some());
        let interval =
            interval.map(|ns| format!("intervals of {} s, the first step", decimal(ns, 9)));
        let facts = self.clock.fact().into_iter().chain(interval).chain(self.rows.recognised());
        let dates = self.dates.iter().map(|name| {
            format!(
                "`{name}` holds dates, which are not read, so that gaps in them are none: \
                 `--column time={name}` reads them"
            )
        });
        let notes = self.clock.notes().into_iter().chain(dates).collect();
        ImportNotes { facts: facts.collect(), notes }
    }
}
