//! Requests counted by interval, as papers give the trace of Twitter: a whole number a line, or a
//! table with a column of counts per key. An empty line, or a bad one that is skipped, is an
//! interval without requests.

use super::spread::Spread;
use super::{Entry, Form, Request, Requests, stem};
use crate::input::lines::Lines;
use crate::input::{Fields, Node, Place, Problem, fields};
use crate::rng::{Rng, name_key};
use crate::units::Span;
use std::collections::VecDeque;

/// More requests in an interval than that are no count.
const MAX_COUNT: u64 = 1_000_000;

pub(super) const ENTRY: Entry = Entry {
    name: "counts",
    summary: "requests per interval, a line each; a key per column, or per file",
    settings: "interval_s = 1, spread = even | uniform | start, seed = 0, column = { count }",
    form: Form::Trace(|read| {
        let interval_ns = Span::from_s(read.number("interval_s", 1e-3..=1e6, 1.0)).0;
        let spread = read.choice("spread", &Spread::ALL);
        let seed = read.integer("seed", 0..=u64::MAX, 0);
        let empty = Node::empty(Place::file("--column"));
        let columns = read.take("column").unwrap_or(&empty);
        let mut columns = Fields::new(columns, read.problems());
        let chosen = columns.take("count");
        let chosen = chosen.and_then(|node| fields::text(node, columns.problems()));
        let chosen = chosen.map(str::to_owned);
        columns.finish();
        let plan = Plan { interval_ns, spread, seed, chosen };
        Box::new(move |path| Ok(Box::new(Counts::open(path, &plan)?)))
    }),
};

#[derive(Clone, Debug)]
struct Plan {
    interval_ns: u64,
    spread: Spread,
    seed: u64,
    chosen: Option<String>,
}

struct Counts {
    plan: Plan,
    rng: Rng,
    lines: Lines,
    /// The line of the first interval.
    first: u64,
    /// The key of each column; `None` for one that was not chosen.
    keys: Vec<Option<String>>,
    /// Time and column of requests read but not yet given out.
    pending: VecDeque<(i64, usize)>,
}

fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    text.strip_suffix(".0").unwrap_or(text).parse().ok().filter(|count| *count <= MAX_COUNT)
}

impl Counts {
    fn open(path: &str, plan: &Plan) -> Result<Self, Problem> {
        let (plan, rng) = (plan.clone(), Rng::new(plan.seed, name_key(&[stem(path)])));
        let (lines, pending) = (Lines::open(path)?.hashed(), VecDeque::new());
        let mut counts = Self { plan, rng, lines, first: 1, keys: Vec::new(), pending };
        let Some(line) = counts.lines.next_line()?.map(str::to_owned) else {
            return Err(Problem::new(Place::file(path), "an empty file", "a count a line"));
        };
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        let named = cells.iter().all(|cell| cell.parse::<f64>().is_err());
        let key = |(at, cell): (usize, &&str)| match (named, cells.len()) {
            (true, _) => (*cell).to_owned(),
            (false, 1) => String::new(),
            (false, _) => (at + 1).to_string(),
        };
        let keys: Vec<String> = cells.iter().enumerate().map(key).collect();
        if let Some(chosen) = &counts.plan.chosen
            && !keys.contains(chosen)
        {
            let known = keys.iter().map(String::as_str);
            return Err(Problem::unknown(counts.lines.place(), "column", chosen, known));
        }
        let chosen = |key: &String| counts.plan.chosen.as_ref().is_none_or(|name| name == key);
        counts.keys = keys.into_iter().map(|key| Some(key).filter(chosen)).collect();
        counts.first = counts.lines.number() + u64::from(named);
        if !named {
            counts.take(&line)?;
        }
        Ok(counts)
    }

    /// Takes in the counts of a line.
    fn take(&mut self, line: &str) -> Result<(), Problem> {
        let place = self.lines.place();
        let cells: Vec<&str> = line.split(',').collect();
        if cells.len() != self.keys.len() {
            let (found, expected) = (format!("{} cells", cells.len()), self.keys.len().to_string());
            return Err(Problem::new(place, found, expected));
        }
        let interval = place.line.saturating_sub(self.first);
        let length = self.plan.interval_ns;
        let end = interval.checked_add(1).and_then(|next| next.checked_mul(length));
        let Some(end) = end.and_then(|end| i64::try_from(end).ok()) else {
            return Err(Problem::new(place, "an interval centuries away", "fewer lines"));
        };
        let start = end - length.cast_signed();
        let mut requests = Vec::new();
        for (column, cell) in cells.iter().enumerate() {
            if self.keys[column].is_none() {
                continue;
            }
            let Some(count) = count(cell) else {
                let expected = format!("a whole number of requests up to {MAX_COUNT}");
                return Err(Problem::new(place, format!("`{}`", cell.trim()), expected));
            };
            let about = [interval, column as u64];
            let offsets = self.plan.spread.offsets(count, length, self.rng, about);
            let time = |offset: u64| (start + offset.cast_signed(), column);
            requests.extend(offsets.into_iter().map(time));
        }
        requests.sort_unstable();
        self.pending.extend(requests);
        Ok(())
    }
}

impl Requests for Counts {
    fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        loop {
            if let Some((time_ns, column)) = self.pending.pop_front() {
                let key = self.keys[column].clone().unwrap_or_default();
                return Ok(Some(Request { time_ns, key, class: None, budget_ns: None }));
            }
            let Some(line) = self.lines.next_line()?.map(str::to_owned) else { return Ok(None) };
            self.take(&line)?;
        }
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}
