//! Mooncake's traces: a JSON object a line with `timestamp` (milliseconds), `input_length`,
//! `output_length` and `hash_ids`.
//!
//! Source: kvcache-ai/Mooncake, `FAST25-release/traces`; Qin et al., FAST 2025.

use super::jsonl::{JsonLines, find};
use super::time::TimeUnit;
use super::time_reader::{TimeReader, UNITS, units};
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::{ConfigNode, Problem, Problems, Value, decode};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "mooncake",
    summary: "Mooncake traces, a JSON object a line; a key per file",
    settings: &[UNITS],
    form: ImportKind::Trace(|settings| {
        let [unit] = units(settings, ["arrival"]);
        Box::new(move |path, _| {
            let clock = TimeReader::new("arrival", unit, TimeUnit::Decimal(6));
            JsonLines::open(path, clock, Box::new(request))
        })
    }),
};

fn request(node: &ConfigNode, clock: &mut TimeReader) -> Result<ImportedRequest, Problem> {
    let time = find(node, "timestamp")?;
    if matches!(time.value, Value::Array(_) | Value::Table(_)) {
        return Err(decode::mismatch(time, "a time"));
    }
    let mut problems = Problems::default();
    for tokens in ["input_length", "output_length"] {
        decode::integer(find(node, tokens)?, &(0..=u64::MAX), &mut problems);
    }
    if let Some(problem) = problems.iter().next() {
        return Err(problem.clone());
    }
    let time_ns = clock
        .read(&time.cell(), node.place.line)
        .map_err(|expected| Problem::new(time.place.clone(), time.canonical(), expected))?;
    Ok(ImportedRequest::new(time_ns, ""))
}
