//! Azure's function invocations of 2021: `app,func,end_timestamp,duration`, both in seconds. A
//! request arrives when its invocation began: end minus duration.
//!
//! Source: Azure/AzurePublicDataset; Zhang et al., SOSP 2021.

use super::table::{Read, Table};
use super::time::Unit;
use super::{Entry, Form, Request};
use crate::input::Problem;
use crate::input::csv::Head;

pub(super) const ENTRY: Entry = Entry {
    name: "azure-functions-2021",
    summary: "Azure Functions invocation trace 2021; a key per function, or per application",
    settings: "key = func | app",
    form: Form::Trace(|read| {
        let by_app = read.choice("key", &[("func", false), ("app", true)]);
        Box::new(move |path| Table::open(path, |head| columns(head, by_app)))
    }),
};

fn columns(head: &Head, by_app: bool) -> Result<Read, Problem> {
    let (app, func) = (head.column("app")?, head.column("func")?);
    let (end, duration) = (head.column("end_timestamp")?, head.column("duration")?);
    Ok(Box::new(move |row| {
        for column in [app, func] {
            if row.text(column).is_empty() {
                return Err(row.problem(column, "an id"));
            }
        }
        let seconds = Unit::Decimal(9);
        let time_ns = seconds.read(row, end)? - seconds.read(row, duration)?;
        // A function's id is unique within its application only.
        let key = if by_app {
            row.text(app).to_owned()
        } else {
            format!("{}/{}", row.text(app), row.text(func))
        };
        Ok((Request { time_ns, key, class: None, budget_ns: None }, 1))
    }))
}
