//! Azure's function invocations of 2019: a row for every function of a day with its counts by
//! minute, `HashOwner,HashApp,HashFunction,Trigger,1,…,1440`. The day is that of the file's name
//! (`….d02.csv` begins 24 hours after `….d01.csv`).
//!
//! Rows are functions, requests leave by time: the counts of a file are held, 8 bytes for each
//! that is not 0. Source: Azure/AzurePublicDataset; Shahrad et al., USENIX ATC 2020.

use super::spread_counts::{MAX_AT_ONCE, SPREAD, Spread, draws, request_count};
use super::{ImportKind, ImportNotes, ImportedRequest, ImporterEntry, RequestReader, stem};
use crate::config::csv::Header;
use crate::config::lines::LineReader;
use crate::config::rows::{LAYOUT, RowReader, TableLayout};
use crate::config::settings::names;
use crate::config::{Location, Problem, Setting};
use crate::core::rng::Rng;
use crate::core::units::NS_PER_S;
use std::collections::VecDeque;

const MINUTE_NS: u64 = 60 * NS_PER_S;
/// The most counts other than 0 that are held: half a gigabyte, six times a published day.
const MAX_CELLS: usize = 1 << 26;
/// Columns of minutes; a day has 1440.
const MAX_MINUTES: usize = 100_000;

const KEYS: [(&str, &[&str]); 4] = [
    ("func", &["HashApp", "HashFunction"]),
    ("app", &["HashApp"]),
    ("owner", &["HashOwner"]),
    ("trigger", &["Trigger"]),
];
const KEY: Setting = Setting::choice("key", &names(&KEYS)).means("What has a key of its own.");

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "azure-functions-2019",
    summary: "Azure Functions invocations per minute 2019; a key per function, or coarser",
    settings: &[&[KEY], SPREAD, LAYOUT],
    form: ImportKind::Trace(|settings| {
        let key = settings.choice("key", &KEYS);
        let spread = settings.choice("spread", &Spread::ALL);
        let seed = settings.integer("seed");
        let layout = TableLayout::read(settings);
        Box::new(move |path, nth| {
            let rows = RowReader::with_layout(path, layout)?;
            let key = key.iter().map(|name| rows.head().column(name));
            let key = key.collect::<Result<_, _>>()?;
            let minutes = minutes(rows.head())?;
            Ok(Box::new(Invocations {
                spread,
                rng: draws(seed, path, nth),
                first: day(path) * 1440,
                key,
                counts: vec![Vec::new(); minutes.len()],
                minutes,
                rows,
                names: Vec::new(),
                held: 0,
                next: 0,
                is_complete: false,
                pending: VecDeque::new(),
            }))
        })
    }),
};

struct Invocations {
    rows: RowReader,
    spread: Spread,
    rng: Rng,
    /// The columns that make a key.
    key: Vec<usize>,
    /// The columns of minutes, in their order.
    minutes: Vec<usize>,
    /// The minute of the first of them.
    first: u64,
    /// By minute, the row and the count where it is not 0.
    counts: Vec<Vec<(u32, u32)>>,
    held: usize,
    /// By row, its key.
    names: Vec<String>,
    /// Whether all rows were read.
    is_complete: bool,
    /// Index of the next minute in `minutes`.
    next: usize,
    /// Time and row of requests that are not yet handed out.
    pending: VecDeque<(i64, u32)>,
}

/// The columns `1`, `2`, … in their order.
fn minutes(head: &Header) -> Result<Vec<usize>, Problem> {
    let names: Vec<&str> = head.names().collect();
    let first = head.column("1")?;
    let run = names[first..].iter().zip(1_u32..);
    let count = run.take_while(|(name, minute)| name.parse() == Ok(*minute)).count();
    if count > MAX_MINUTES {
        let found = format!("{count} columns of minutes");
        return Err(Problem::new(head.place(), found, format!("at most {MAX_MINUTES}")));
    }
    Ok((first..first + count).collect())
}

/// Days before that of a file's name, 0 if it has none.
fn day(path: &str) -> u64 {
    let name = stem(path);
    let number = name.rsplit_once(".d").and_then(|(_, day)| day.parse::<u64>().ok());
    number.filter(|day| (1..=10_000).contains(day)).map_or(0, |day| day - 1)
}

impl Invocations {
    /// Reads a row; `false` at the end.
    fn read_row(&mut self) -> Result<bool, Problem> {
        let Some(row) = self.rows.next_row()? else { return Ok(false) };
        let key = self.key.iter().map(|column| row.filled(*column, "a name"));
        let key = key.collect::<Result<Vec<_>, _>>()?;
        let number = self.names.len() as u32;
        // A bad row must not leave counts.
        let mut counts = Vec::new();
        for (minute, column) in self.minutes.iter().enumerate() {
            let count = request_count(row, *column)?;
            if count > 0 {
                counts.push((minute, count as u32));
            }
        }
        self.held += counts.len();
        if self.held > MAX_CELLS {
            let place = Location { field: String::new(), ..row.place(0) };
            let found = format!("more than {MAX_CELLS} counts that are not 0");
            return Err(Problem::new(place, found, "a file with fewer functions"));
        }
        counts.into_iter().for_each(|(minute, count)| self.counts[minute].push((number, count)));
        self.names.push(key.join("/"));
        Ok(true)
    }

    /// Spreads the requests of a minute.
    fn spread(&mut self, minute: usize) -> Result<(), Problem> {
        let counts = std::mem::take(&mut self.counts[minute]);
        let sum: u64 = counts.iter().map(|(_, count)| u64::from(*count)).sum();
        if sum > MAX_AT_ONCE {
            let place = self.rows.head().place().field(&(minute + 1).to_string());
            let found = format!("{sum} requests in a minute");
            return Err(Problem::new(place, found, format!("at most {MAX_AT_ONCE}")));
        }
        let index = self.first + minute as u64;
        let span = [index * MINUTE_NS, MINUTE_NS].map(u64::cast_signed);
        let counts = counts.into_iter().map(|(row, count)| (row, u64::from(count)));
        self.pending.extend(self.spread.requests(self.rng, span, index, counts));
        Ok(())
    }
}

impl RequestReader for Invocations {
    fn next_request(&mut self) -> Result<Option<ImportedRequest>, Problem> {
        while !self.is_complete {
            self.is_complete = !self.read_row()?;
        }
        loop {
            if let Some((time_ns, row)) = self.pending.pop_front() {
                let key = self.names[row as usize].clone();
                return Ok(Some(ImportedRequest::new(time_ns, key)));
            }
            if self.next == self.counts.len() {
                return Ok(None);
            }
            self.next += 1;
            self.spread(self.next - 1)?;
        }
    }

    fn lines(&self) -> &LineReader {
        self.rows.lines()
    }

    fn notes(&self) -> ImportNotes {
        let day = self.first / 1440 + 1;
        let fact = (self.first > 0).then(|| format!("day {day} by the file's name"));
        let facts = fact.into_iter().chain(self.rows.recognised()).collect();
        ImportNotes { facts, notes: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_stands_in_the_name() {
        assert_eq!(day("x/invocations_per_function_md.anon.d01.csv"), 0);
        assert_eq!(day("invocations_per_function_md.anon.d14.csv.gz"), 13);
        assert_eq!((day("a.csv"), day("a.d0.csv"), day("a.dx.csv")), (0, 0, 0));
    }
}
