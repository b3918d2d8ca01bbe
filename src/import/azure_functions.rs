//! Azure's function invocations of 2021: `app,func,end_timestamp,duration`, both in seconds. A
//! request arrives when its invocation began: end minus duration.
//!
//! Source: Azure/AzurePublicDataset; Zhang et al., SOSP 2021.

use super::table::{RowDecoder, TraceTable};
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
    form: ImportKind::Trace(|settings| {
        let by_app = settings.choice("key", &KEYS);
        let layout = TableLayout::read(settings);
        let [unit, duration] = units(settings, ["arrival", "duration"]);
        Box::new(move |path, _| {
            let clock = TimeReader::new("arrival", unit, TimeUnit::Decimal(9));
            TraceTable::open(path, layout, |head| Ok((clock, columns(head, by_app, duration)?)))
        })
    }),
};

fn columns(head: &Header, by_app: bool, unit: Option<TimeUnit>) -> Result<RowDecoder, Problem> {
    let [app, func, end, duration] = head.columns(["app", "func", "end_timestamp", "duration"])?;
    Ok(Box::new(move |row, clock| {
        let (app, func) = (row.filled(app, "an id")?, row.filled(func, "an id")?);
        let time_ns = clock.cell(row, end)? - clock.span(row, duration, unit)?;
        // A function's id is unique within its application only.
        let key = if by_app { app.to_owned() } else { format!("{app}/{func}") };
        Ok((ImportedRequest::new(time_ns, key), 1))
    }))
}
