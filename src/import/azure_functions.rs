//! Azure's function invocations of 2021: `app,func,end_timestamp,duration`, both in seconds. A
//! request arrives when its invocation began: end minus duration.
//!
//! Source: Azure/AzurePublicDataset; Zhang et al., SOSP 2021.

use super::table::{Read, Table};
use super::time::TimeUnit;
use super::time_reader::{TimeReader, UNITS, units};
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};
use crate::config::settings::names;
use crate::config::{Problem, Setting};

const KEYS: [(&str, bool); 2] = [("func", false), ("app", true)];
const KEY: Setting = Setting::choice("key", &names(&KEYS)).means("What has a key of its own.");

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "azure-functions-2021",
    summary: "Azure Functions invocation trace 2021; a key per function, or per application",
    settings: &[&[KEY], LAYOUT, UNITS],
    form: ImportKind::Trace(|read| {
        let by_app = read.choice("key", &KEYS);
        let (layout, units) = (TableLayout::read(read), units(read, ["arrival", "duration"]));
        Box::new(move |path, _| Table::open(path, layout, |head| columns(head, by_app, units)))
    }),
};

fn columns(
    head: &Header,
    by_app: bool,
    [unit, span]: [Option<TimeUnit>; 2],
) -> Result<(TimeReader, Read), Problem> {
    let (app, func) = (head.column("app")?, head.column("func")?);
    let (end, duration) = (head.column("end_timestamp")?, head.column("duration")?);
    let clock = TimeReader::new("arrival", unit, TimeUnit::Decimal(9));
    let read: Read = Box::new(move |row, clock| {
        for column in [app, func] {
            if row.text(column).is_empty() {
                return Err(row.problem(column, "an id"));
            }
        }
        let time_ns = clock.cell(row, end)? - clock.span(row, duration, span)?;
        // A function's id is unique within its application only.
        let key = if by_app {
            row.text(app).to_owned()
        } else {
            format!("{}/{}", row.text(app), row.text(func))
        };
        Ok((ImportedRequest { time_ns, key, class: None, budget_ns: None }, 1))
    });
    Ok((clock, read))
}
