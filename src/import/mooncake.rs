//! Mooncake's traces: a JSON object a line with `timestamp` (milliseconds), `input_length`,
//! `output_length` and `hash_ids`.
//!
//! Source: kvcache-ai/Mooncake, `FAST25-release/traces`; Qin et al., FAST 2025.

use super::clock::{Clock, units};
use super::jsonl::{JsonLines, find};
use super::time::Unit;
use super::{Entry, Form, Request};
use crate::input::{Node, Problem, Problems, Value, fields};

pub(super) const ENTRY: Entry = Entry {
    name: "mooncake",
    summary: "Mooncake traces, a JSON object a line; a key per file",
    settings: "unit = { arrival = ms }",
    form: Form::Trace(|read| {
        let [unit] = units(read, ["arrival"]);
        Box::new(move |path, _| {
            let clock = Clock::new("arrival", unit, Unit::Decimal(6));
            JsonLines::open(path, clock, Box::new(request))
        })
    }),
};

fn request(node: &Node, clock: &mut Clock) -> Result<Request, Problem> {
    let time = find(node, "timestamp")?;
    let text = match &time.value {
        Value::Array(_) | Value::Table(_) => return Err(fields::mismatch(time, "a time")),
        _ => time.cell(),
    };
    let mut problems = Problems::default();
    for tokens in ["input_length", "output_length"] {
        fields::integer(find(node, tokens)?, &(0..=u64::MAX), &mut problems);
    }
    if let Some(problem) = problems.iter().next() {
        return Err(problem.clone());
    }
    let time_ns = clock
        .read(&text, node.place.line)
        .map_err(|expected| Problem::new(time.place.clone(), time.canonical(), expected))?;
    Ok(Request { time_ns, key: String::new(), class: None, budget_ns: None })
}
