//! The log of requests: one flat CSV row each, as they end.
//!
//! Times are written by integer arithmetic; nothing is allocated per row.

#[cfg(feature = "parquet")]
mod parquet;

#[cfg(feature = "parquet")]
pub use parquet::RequestTable;

use super::column::{Column, ColumnKind, column, count, share, text};
use crate::contract::{Event, Observer};
use crate::core::ids::{Completion, Request, VariantId, WorkerId};
use crate::core::units::{NS_PER_S, Time};
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

/// What an answer was worth.
fn utility(catalog: &Catalog, completion: &Completion<'_>) -> f64 {
    let request = completion.request;
    let penalty = catalog.penalty.gamma(completion.finished, request.deadline, request.budget());
    if completion.correct { 1.0 - penalty } else { 0.0 }
}

const UNSERVED: &str = "rejected or unfinished";

/// Rows are handed on in pieces of about this size: small enough to stay in a core's cache.
const CHUNK_BYTES: usize = 1 << 16;

/// Writes a row for every request that ends.
pub struct RequestLog<W: Write> {
    catalog: Arc<Catalog>,
    out: W,
    buffer: Vec<u8>,
    error: Option<io::Error>,
    /// The batch of the row before, and its cells from `outcome` to `finish_s`.
    batch: Option<BatchKey>,
    batch_cells: Vec<u8>,
    /// The accuracy of the row before, and its cell.
    accuracy: f64,
    accuracy_cell: Vec<u8>,
}

/// What the cells of a batch depend on.
type BatchKey = (Option<WorkerId>, VariantId, u32, Time, Time);

/// The digits of all numbers below 100.
const PAIRS: [[u8; 2]; 100] = {
    let (mut pairs, mut at) = ([[0; 2]; 100], 0);
    while at < 100 {
        pairs[at] = [b'0' + (at / 10) as u8, b'0' + (at % 10) as u8];
        at += 1;
    }
    pairs
};

/// Nanoseconds as seconds, without trailing zeros, and a comma.
fn push_seconds(buffer: &mut Vec<u8>, ns: u64) {
    buffer.extend_from_slice(itoa::Buffer::new().format(ns / NS_PER_S).as_bytes());
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
        buffer.extend_from_slice(&digits[..=used]);
    }
    buffer.push(b',');
}

impl<W: Write> RequestLog<W> {
    /// Writes to `out`, header first.
    pub fn new(catalog: &Arc<Catalog>, out: W) -> Self {
        let mut buffer = Vec::with_capacity(CHUNK_BYTES + 4096);
        let names: Vec<&str> = REQUEST_COLUMNS.iter().map(|column| column.name).collect();
        buffer.extend_from_slice(names.join(",").as_bytes());
        buffer.push(b'\n');
        Self {
            catalog: Arc::clone(catalog),
            out,
            buffer,
            error: None,
            batch: None,
            batch_cells: Vec::new(),
            accuracy: f64::NAN,
            accuracy_cell: Vec::new(),
        }
    }

    /// Writes what is left and gives the sink back, or the first error met on the way.
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

    fn text(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
        self.buffer.push(b',');
    }

    fn integer(&mut self, value: u64) {
        self.buffer.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    fn head(&mut self, request: &Request) {
        self.integer(u64::from(request.id.number()));
        self.buffer.push(b',');
        let catalog = Arc::clone(&self.catalog);
        self.text(&catalog.app(request.app).name);
        push_seconds(&mut self.buffer, request.arrival.0);
        push_seconds(&mut self.buffer, request.deadline.0);
    }

    fn unserved(&mut self, request: &Request, outcome: &str) {
        self.head(request);
        self.text(outcome);
        self.buffer.extend_from_slice(b",,,,,,,,,0\n");
        self.flush_chunk(CHUNK_BYTES);
    }

    fn completed(&mut self, completion: &Completion<'_>) {
        let request = completion.request;
        self.head(request);
        self.push_batch(completion);
        let catalog = Arc::clone(&self.catalog);
        push_seconds(&mut self.buffer, completion.finished.since(request.arrival).0);
        self.text(&catalog.app(request.app).classes[usize::from(completion.truth.class)]);
        self.text(if completion.correct { "1" } else { "0" });
        if completion.estimated != self.accuracy {
            self.accuracy = completion.estimated;
            self.accuracy_cell.clear();
            // Writing to a Vec cannot fail.
            let _ = write!(self.accuracy_cell, "{},", completion.estimated);
        }
        self.buffer.extend_from_slice(&self.accuracy_cell);
        match utility(&catalog, completion) {
            0.0 => self.buffer.extend_from_slice(b"0\n"),
            1.0 => self.buffer.extend_from_slice(b"1\n"),
            utility => _ = writeln!(self.buffer, "{utility}"),
        }
        self.flush_chunk(CHUNK_BYTES);
    }

    /// The cells that all requests of a batch have alike, which are written one after the other.
    fn push_batch(&mut self, completion: &Completion<'_>) {
        let Completion { worker, variant, batch, started, finished, .. } = *completion;
        let key = Some((worker, variant, batch, started, finished));
        if self.batch != key {
            self.batch = key;
            let worker = worker.map_or("", |worker| self.catalog.worker(worker).name.as_str());
            let variant = &self.catalog.variant(variant).name;
            self.batch_cells.clear();
            let _ = write!(self.batch_cells, "completed,{worker},{variant},{batch},");
            push_seconds(&mut self.batch_cells, started.0);
            push_seconds(&mut self.batch_cells, finished.0);
        }
        self.buffer.extend_from_slice(&self.batch_cells);
    }
}

impl<W: Write> Observer for RequestLog<W> {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Completed(completion) => self.completed(completion),
            Event::Rejected { request, .. } => self.unserved(request, "rejected"),
            Event::Unfinished { request, .. } => self.unserved(request, "unfinished"),
            _ => {}
        }
    }
}
