//! The log of requests: one flat row each, written when they end.
//!
//! Times are written by integer arithmetic; nothing is allocated per row.

#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "parquet")]
pub use parquet::RequestTable;

use super::column::{Column, ColumnKind, column, count, share, text};
use super::latency_breakdown::{LatencyBreakdown, LatencyBreakdowns, Part};
use crate::contract::{Event, Observer};
use crate::core::ids::{Answered, BatchAnswer};
use crate::core::units::NS_PER_S;
use crate::system::catalog::Catalog;
use std::io::{self, Write};
use std::sync::Arc;

/// The columns of the log; the last one only where requests have sources.
pub const REQUEST_COLUMNS: &[Column] = &[
    count("request", "number of the request in order of arrival, from 0"),
    text("app", "its application"),
    column("arrival_s", "when it arrived"),
    column("deadline_s", "when its answer was due"),
    count("queue_length", "requests that had arrived and were not yet computed when it arrived"),
    text("outcome", "how it ended").of(ColumnKind::Word(&["completed", "rejected", "unfinished"])),
    text("worker", "where it was served").empty(NO_WORKER),
    count("lane", "the lane of the worker that computed its batch, from 0").empty(NO_WORKER),
    text("variant", "what answered").empty(UNSERVED),
    count("batch", "number of its batch in order of start, from 0").empty(NO_WORKER),
    count("batch_size", "requests in its batch").empty(UNSERVED),
    column("decision_s", "when it was assigned to the worker").empty(UNSERVED),
    column("start_s", "when its batch began to compute").empty(UNSERVED),
    column("finish_s", "when it was answered").empty(UNSERVED),
    column("latency_s", "finish − arrival").empty(UNSERVED),
    column("load_wait_s", "part of the latency that workers spent on loads of variants")
        .empty(UNSERVED),
    text("class", "its true class").empty(UNSERVED),
    text("correct", "1 if the answer was right, else 0")
        .of(ColumnKind::Word(&["0", "1"]))
        .empty(UNSERVED),
    share("accuracy_predicted", "accuracy the scheduler was shown of the variant").empty(UNSERVED),
    share("utility", "correct × (1 − penalty)"),
    count("source", "which source of its application sent it, from 0; only with `sources`")
        .empty("its application has no sources"),
];

/// The columns of a run.
fn columns(has_sources: bool) -> &'static [Column] {
    &REQUEST_COLUMNS[..REQUEST_COLUMNS.len() - usize::from(!has_sources)]
}

const UNSERVED: &str = "rejected or unfinished";
const NO_WORKER: &str = "not served by a worker";

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
    breakdowns: &mut LatencyBreakdowns,
    event: &Event<'_>,
) -> Option<[RequestCell<'a>; REQUEST_COLUMNS.len()]> {
    use RequestCell::{Count, Empty, Flag, Number, Text, Time};
    let (request, outcome, at) = match event {
        Event::Completed(completion) => (completion.request, "completed", completion.finished),
        Event::Rejected { at, request, .. } => (*request, "rejected", *at),
        Event::Unfinished { at, request } => (*request, "unfinished", *at),
        _ => return None,
    };
    let app = catalog.app(request.app);
    let breakdown = breakdowns.ended(request, at);
    let mut row = [Empty; REQUEST_COLUMNS.len()];
    row[..6].copy_from_slice(&[
        Count(u64::from(request.id.number())),
        Text(&app.name),
        Time(request.arrival.0),
        Time(request.deadline.0),
        Count(breakdown.waiting),
        Text(outcome),
    ]);
    row[19] = Number(0.0);
    row[20] = request.source.map_or(Empty, |source| Count(u64::from(source.number())));
    if let Event::Completed(completion) = event {
        let finished = completion.finished;
        let penalty = catalog.penalty.gamma(finished, request.deadline, request.budget());
        let worker = completion.worker.map(|worker| catalog.worker(worker).name.as_str());
        row[6..20].copy_from_slice(&[
            worker.map_or(Empty, Text),
            breakdown.batch.map_or(Empty, |(lane, _)| Count(lane as u64)),
            Text(&catalog.variant(completion.variant).name),
            breakdown.batch.map_or(Empty, |(_, number)| Count(number)),
            Count(u64::from(completion.batch)),
            Time(completion.decided.0),
            Time(completion.started.0),
            Time(finished.0),
            Time(finished.since(request.arrival).0),
            Time(breakdown.part(Part::Load).0),
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
    breakdowns: LatencyBreakdowns,
    out: W,
    has_sources: bool,
    buffer: Vec<u8>,
    error: Option<io::Error>,
    /// The cells that the requests of a batch share.
    shared: Vec<u8>,
    /// The last accuracy that a scheduler was shown, and its cell.
    accuracy: (f64, Vec<u8>),
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
        Self::with_sources(false, catalog, out)
    }

    /// The same, with a column for the sources of requests if they have any.
    pub fn with_sources(has_sources: bool, catalog: &Arc<Catalog>, out: W) -> Self {
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + 4096);
        let names: Vec<&str> = columns(has_sources).iter().map(|column| column.name).collect();
        buffer.extend_from_slice(names.join(",").as_bytes());
        buffer.push(b'\n');
        let (shared, accuracy) = (Vec::new(), (f64::NAN, Vec::new()));
        let (breakdowns, catalog) = (LatencyBreakdowns::new(catalog), Arc::clone(catalog));
        Self { catalog, breakdowns, out, has_sources, buffer, error: None, shared, accuracy }
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

    fn cell(&mut self, cell: RequestCell<'_>) {
        match cell {
            RequestCell::Empty => {}
            RequestCell::Count(count) => self.integer(count),
            RequestCell::Time(ns) => push_seconds(&mut self.buffer, ns),
            RequestCell::Flag(flag) => self.buffer.push(b'0' + u8::from(flag)),
            RequestCell::Text(text) => self.buffer.extend_from_slice(text.as_bytes()),
            // Writing to a Vec cannot fail.
            RequestCell::Number(number) => drop(write!(self.buffer, "{number}")),
        }
    }

    /// Writes the rows of a batch, whose cells from `outcome` to `finish_s` are equal.
    fn answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        let catalog = Arc::clone(&self.catalog);
        let finished = batch.finished;
        for (at, answered) in answers.iter().enumerate() {
            let Answered { request, truth, correct, estimated } = *answered;
            let app = catalog.app(request.app);
            let breakdown = self.breakdowns.ended(&request, finished);
            if at == 0 {
                self.share(&catalog, batch, &breakdown);
            }
            self.integer(u64::from(request.id.number()));
            self.buffer.push(b',');
            self.buffer.extend_from_slice(app.name.as_bytes());
            for time in [request.arrival, request.deadline] {
                self.buffer.push(b',');
                push_seconds(&mut self.buffer, time.0);
            }
            self.buffer.push(b',');
            self.integer(breakdown.waiting);
            self.buffer.extend_from_slice(&self.shared);
            push_seconds(&mut self.buffer, finished.since(request.arrival).0);
            self.buffer.push(b',');
            push_seconds(&mut self.buffer, breakdown.part(Part::Load).0);
            self.buffer.push(b',');
            self.buffer.extend_from_slice(app.classes[usize::from(truth.class)].as_bytes());
            self.buffer.extend_from_slice(if correct { b",1," } else { b",0," });
            if estimated != self.accuracy.0 {
                self.accuracy.0 = estimated;
                self.accuracy.1.clear();
                drop(write!(self.accuracy.1, "{estimated},"));
            }
            self.buffer.extend_from_slice(&self.accuracy.1);
            let penalty = catalog.penalty.gamma(finished, request.deadline, request.budget());
            match if correct { 1.0 - penalty } else { 0.0 } {
                0.0 => self.buffer.push(b'0'),
                1.0 => self.buffer.push(b'1'),
                utility => drop(write!(self.buffer, "{utility}")),
            }
            if self.has_sources {
                self.buffer.push(b',');
                if let Some(source) = request.source {
                    self.integer(u64::from(source.number()));
                }
            }
            self.buffer.push(b'\n');
            self.flush_chunk(CHUNK_BYTES);
        }
    }

    /// Sets the cells that the requests of a batch share.
    fn share(&mut self, catalog: &Catalog, batch: &BatchAnswer, breakdown: &LatencyBreakdown) {
        let BatchAnswer { worker, variant, batch: size, decided, started, finished } = *batch;
        let worker = worker.map_or("", |worker| catalog.worker(worker).name.as_str());
        let variant = &catalog.variant(variant).name;
        let cells = &mut self.shared;
        cells.clear();
        drop(match breakdown.batch {
            Some((lane, number)) => {
                write!(cells, ",completed,{worker},{lane},{variant},{number},{size},")
            }
            None => write!(cells, ",completed,{worker},,{variant},,{size},"),
        });
        for time in [decided, started, finished] {
            push_seconds(cells, time.0);
            cells.push(b',');
        }
    }
}

impl<W: Write> Observer for RequestLog<W> {
    fn on(&mut self, event: Event<'_>) {
        if let Event::Completed(completion) = event {
            let (batch, answered) = completion.parts();
            self.answers(&batch, &[answered]);
            self.breakdowns.on(event);
            return;
        }
        if !matches!(event, Event::Rejected { .. } | Event::Unfinished { .. }) {
            return self.breakdowns.on(event);
        }
        let catalog = Arc::clone(&self.catalog);
        let row = row(&catalog, &mut self.breakdowns, &event);
        self.breakdowns.on(event);
        let Some(row) = row else { return };
        let cells = row.into_iter().take(columns(self.has_sources).len());
        for (at, cell) in cells.enumerate() {
            if at > 0 {
                self.buffer.push(b',');
            }
            self.cell(cell);
        }
        self.buffer.push(b'\n');
        self.flush_chunk(CHUNK_BYTES);
    }

    fn on_answers(&mut self, batch: &BatchAnswer, answers: &[Answered]) {
        self.answers(batch, answers);
        self.breakdowns.on_answers(batch, answers);
    }
}
