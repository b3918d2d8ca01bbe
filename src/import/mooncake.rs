//! Mooncake's traces: a JSON object a line with `timestamp` (milliseconds), `input_length`,
//! `output_length` and `hash_ids`.
//!
//! Source: kvcache-ai/Mooncake, `FAST25-release/traces`; Qin et al., FAST 2025.

use super::{Entry, Form, Request, Requests};
use crate::input::lines::Lines;
use crate::input::source::Source;
use crate::input::{Fields, Problem, Problems, fields, json};
use crate::units::Span;

/// The largest timestamp, some 30 years; decimals of milliseconds are exact to a microsecond.
const MAX_MS: f64 = 1e12;

pub(super) const ENTRY: Entry = Entry {
    name: "mooncake",
    summary: "Mooncake traces, a JSON object a line; a key per file",
    settings: "none",
    form: Form::Trace(|_| {
        Box::new(|path| {
            let lines = Lines::open(path)?.hashed();
            Ok(Box::new(Mooncake { lines, path: path.to_owned() }))
        })
    }),
};

struct Mooncake {
    lines: Lines,
    path: String,
}

fn read(source: &Source) -> Result<Request, Problem> {
    let node = json::parse(source)?;
    let mut problems = Problems::default();
    let mut read = Fields::new(&node, &mut problems);
    let time = read.require("timestamp", "milliseconds");
    let time = time.and_then(|node| fields::number(node, &(0.0..=MAX_MS), read.problems()));
    for tokens in ["input_length", "output_length"] {
        if let Some(node) = read.require(tokens, "a number of tokens") {
            fields::integer(node, &(0..=u64::MAX), read.problems());
        }
    }
    if let Some(problem) = problems.iter().next() {
        return Err(problem.clone());
    }
    let time_ns = Span::from_ms(time.unwrap_or(0.0)).0.cast_signed();
    Ok(Request { time_ns, key: String::new(), class: None, budget_ns: None })
}

impl Requests for Mooncake {
    fn next_request(&mut self) -> Result<Option<Request>, Problem> {
        let Some(text) = self.lines.next_line()? else { return Ok(None) };
        let (path, text) = (self.path.clone(), text.to_owned());
        let request = read(&Source { path, text, sha256: String::new() });
        request.map(Some).map_err(|mut problem| {
            problem.place.line = self.lines.number();
            problem
        })
    }

    fn lines(&self) -> &Lines {
        &self.lines
    }
}
