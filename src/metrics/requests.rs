//! The log of requests: one flat row each, written when they end.
//!
//! Times are written by integer arithmetic; nothing is allocated per row.

#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "parquet")]
pub use parquet::RequestTable;

use super::column::{Column, ColumnKind, column, count, share, text};
use crate::contract::{Event, Observer};
use crate::core::units::NS_PER_S;
use crate::system::catalog::Catalog;
use std::io::{self, Write};
use std::sync::Arc;

/// The columns of the log.
pub const REQUEST_COLUMNS: &[Column] = &[
    count("request", "number of the request in order of arrival, from 0"),
    text("app", "its application"),
    column("arrival_s", "when it arrived"),
    column("deadline_s", "when its answer was due"),
    text("outcome", "how it ended").of(ColumnKind::Word(&["completed", "rejected", "unfinished"])),
    text("worker", "where it was served").empty("not served by a worker"),
    text("variant", "what answered").empty(UNSERVED),
    count("batch_size", "requests in its batch").empty(UNSERVED),
    column("start_s", "when its batch began to compute").empty(UNSERVED),
    column("finish_s", "when it was answered").empty(UNSERVED),
    column("latency_s", "finish − arrival").empty(UNSERVED),
    text("class", "its true class").empty(UNSERVED),
    text("correct", "1 if the answer was right, else 0")
        .of(ColumnKind::Word(&["0", "1"]))
        .empty(UNSERVED),
    share("accuracy_predicted", "accuracy the scheduler was shown of the variant").empty(UNSERVED),
    share("utility", "correct × (1 − penalty)"),
];

const UNSERVED: &str = "rejected or unfinished";

/// A cell of a row.
#[derive(Clone, Copy)]
enum RequestCell<'a> {
    Empty,
    Count(u64),
    /// A time in nanoseconds, written in seconds.
    Time(u64),
    Number(f64),
    Flag(bool),
    Text(&'a str),
}

/// The row of an event that ends a request, a cell for each of [`REQUEST_COLUMNS`].
fn row<'a>(
    catalog: &'a Catalog,
    event: &Event<'_>,
) -> Option<[RequestCell<'a>; REQUEST_COLUMNS.len()]> {
    use RequestCell::{Count, Empty, Flag, Number, Text, Time};
    let (request, outcome) = match event {
        Event::Completed(completion) => (completion.request, "completed"),
        Event::Rejected { request, .. } => (*request, "rejected"),
        Event::Unfinished { request, .. } => (*request, "unfinished"),
        _ => return None,
    };
    let app = catalog.app(request.app);
    let mut row = [Empty; REQUEST_COLUMNS.len()];
    row[0] = Count(u64::from(request.id.number()));
    row[1] = Text(&app.name);
    (row[2], row[3]) = (Time(request.arrival.0), Time(request.deadline.0));
    (row[4], row[14]) = (Text(outcome), Number(0.0));
    if let Event::Completed(completion) = event {
        let finished = completion.finished;
        let penalty = catalog.penalty.gamma(finished, request.deadline, request.budget());
        let worker = completion.worker.map(|worker| catalog.worker(worker).name.as_str());
        row[5..].copy_from_slice(&[
            worker.map_or(Empty, Text),
            Text(&catalog.variant(completion.variant).name),
            Count(u64::from(completion.batch)),
            Time(completion.started.0),
            Time(finished.0),
            Time(finished.since(request.arrival).0),
            Text(&app.classes[usize::from(completion.truth.class)]),
            Flag(completion.correct),
            Number(completion.estimated),
            Number(if completion.correct { 1.0 - penalty } else { 0.0 }),
        ]);
    }
    Some(row)
}

/// Rows are handed on in pieces of about this size: small enough to stay in a core's cache.
const CHUNK_BYTES: usize = 1 << 16;

/// Writes a row for every request that ends, as CSV.
pub struct RequestLog<W: Write> {
    catalog: Arc<Catalog>,
    out: W,
    buffer: Vec<u8>,
    error: Option<io::Error>,
    /// By column, the bits of the last time or number and its text: requests of a batch share some.
    last: Vec<(Option<u64>, Vec<u8>)>,
}

/// The digits of all numbers below 100.
const PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut at) = ([[0; 2]; 100], 0);
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// Appends nanoseconds as seconds, without trailing zeros.
fn push_seconds(text: &mut Vec<u8>, ns: u64) {
    text.extend_from_slice(itoa::Buffer::new().format(ns / NS_PER_S).as_bytes());
    let mut rest = (ns % NS_PER_S) as u32;
    if rest > 0 {
        let mut digits = [b'.'; 10];
        digits[9] = b'0' + (rest % 10) as u8;
        rest /= 10;
        for place in [7, 5, 3, 1] {
            [digits[place], digits[place + 1]] = PAIRS[(rest % 100) as usize];
            rest /= 100;
        }
        let used = digits.iter().rposition(|digit| *digit != b'0').unwrap_or(0);
        text.extend_from_slice(&digits[..=used]);
    }
}

impl<W: Write> RequestLog<W> {
    /// Writes to `out`, header first.
    pub fn new(catalog: &Arc<Catalog>, out: W) -> Self {
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + 4096);
        let names: Vec<&str> = REQUEST_COLUMNS.iter().map(|column| column.name).collect();
        buffer.extend_from_slice(names.join(",").as_bytes());
        buffer.push(b'\n');
        let last = vec![(None, Vec::new()); REQUEST_COLUMNS.len()];
        Self { catalog: Arc::clone(catalog), out, buffer, error: None, last }
    }

    /// Writes what is left and gives the sink back.
    ///
    /// # Errors
    /// The first error of writing.
    pub fn finish(mut self) -> io::Result<W> {
        self.flush_chunk(0);
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.out),
        }
    }

    fn flush_chunk(&mut self, least: usize) {
        if self.buffer.len() >= least && self.error.is_none() {
            self.error = self.out.write_all(&self.buffer).err();
        }
        if self.buffer.len() >= least {
            self.buffer.clear();
        }
    }

    fn integer(&mut self, value: u64) {
        self.buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Appends the text of a value, which is made unless it is the last one of its column.
    fn push(&mut self, column: usize, bits: u64, make: impl FnOnce(&mut Vec<u8>)) {
        let (last, text) = &mut self.last[column];
        if *last != Some(bits) {
            *last = Some(bits);
            text.clear();
            make(text);
        }
        self.buffer.extend_from_slice(text);
    }

    fn cell(&mut self, column: usize, cell: RequestCell<'_>) {
        match cell {
            RequestCell::Empty => {}
            RequestCell::Count(count) => self.integer(count),
            RequestCell::Time(ns) => self.push(column, ns, |text| push_seconds(text, ns)),
            RequestCell::Flag(flag) => self.buffer.push(b'0' + u8::from(flag)),
            RequestCell::Text(text) => self.buffer.extend_from_slice(text.as_bytes()),
            // Writing to a Vec cannot fail.
            RequestCell::Number(number) => {
                self.push(column, number.to_bits(), |text| drop(write!(text, "{number}")));
            }
        }
    }
}

impl<W: Write> Observer for RequestLog<W> {
    fn on(&mut self, event: Event<'_>) {
        let catalog = Arc::clone(&self.catalog);
        let Some(row) = row(&catalog, &event) else { return };
        for (at, cell) in row.into_iter().enumerate() {
            if at > 0 {
                self.buffer.push(b',');
            }
            self.cell(at, cell);
        }
        self.buffer.push(b'\n');
        self.flush_chunk(CHUNK_BYTES);
    }
}
