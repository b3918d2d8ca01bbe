//! `BurstGPT`: requests to GPT models on Azure, in whole seconds.
//!
//! `Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type`, in later releases with
//! `Session ID` and `Elapsed time`. Source: HPMLL/BurstGPT; Wang et al., arXiv 2401.17644.

use super::clock::{Clock, units};
use super::table::{Read, Table};
use super::time::Unit;
use super::{Entry, Form, Request};
use crate::input::Problem;
use crate::input::csv::Head;
use crate::input::rows::Layout;

pub(super) const ENTRY: Entry = Entry {
    name: "burstgpt",
    summary: "BurstGPT; a key per model, or per log type",
    settings: "key = model | log-type, failures = keep | drop, unit = { arrival = s }",
    form: Form::Trace(|read| {
        let key = read.choice("key", &[("model", "Model"), ("log-type", "Log Type")]);
        let drop = read.choice("failures", &[("keep", false), ("drop", true)]);
        let (layout, [unit]) = (Layout::read(read), units(read, ["arrival"]));
        Box::new(move |path, _| {
            let clock = Clock::new("arrival", unit, Unit::Decimal(9));
            Table::open(path, layout, |head| Ok((clock, columns(head, key, drop)?)))
        })
    }),
};

fn columns(head: &Head, key: &str, drop: bool) -> Result<Read, Problem> {
    let (time, key) = (head.column("Timestamp")?, head.column(key)?);
    let (asked, answered) = (head.column("Request tokens")?, head.column("Response tokens")?);
    Ok(Box::new(move |row, clock| {
        row.integer(asked, 0..=u64::MAX)?;
        let failed = row.integer(answered, 0..=u64::MAX)? == 0;
        let time_ns = clock.cell(row, time)?;
        let name = row.text(key);
        if name.is_empty() {
            return Err(row.problem(key, "a name"));
        }
        let key = name.to_owned();
        let request = Request { time_ns, key, class: None, budget_ns: None };
        Ok((request, u64::from(!(failed && drop))))
    }))
}
