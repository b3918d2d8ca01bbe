//! `BurstGPT`: requests to GPT models on Azure, in whole seconds.
//!
//! `Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type`, in later releases with
//! `Session ID` and `Elapsed time`. Source: HPMLL/BurstGPT; Wang et al., arXiv 2401.17644.

use super::table::{RowDecoder, TraceTable};
use super::time::TimeUnit;
use super::time_reader::{TimeReader, UNITS, units};
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};
use crate::config::settings::names;
use crate::config::{Problem, Setting};

const KEYS: [(&str, &str); 2] = [("model", "Model"), ("log-type", "Log Type")];
const KEY: Setting = Setting::choice("key", &names(&KEYS)).means("What has a key of its own.");
const FAILURES: [(&str, bool); 2] = [("keep", false), ("drop", true)];
const FAILURE: Setting =
    Setting::choice("failures", &names(&FAILURES)).means("What becomes of failed requests.");

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "burstgpt",
    summary: "BurstGPT; a key per model, or per log type",
    settings: &[&[KEY, FAILURE], LAYOUT, UNITS],
    form: ImportKind::Trace(|settings| {
        let key = settings.choice("key", &KEYS);
        let drop_failed = settings.choice("failures", &FAILURES);
        let (layout, [unit]) = (TableLayout::read(settings), units(settings, ["arrival"]));
        Box::new(move |path, _| {
            let clock = TimeReader::new("arrival", unit, TimeUnit::Decimal(9));
            TraceTable::open(path, layout, |head| Ok((clock, columns(head, key, drop_failed)?)))
        })
    }),
};

fn columns(head: &Header, key: &str, drop_failed: bool) -> Result<RowDecoder, Problem> {
    let [time, key, asked, answered] =
        head.columns(["Timestamp", key, "Request tokens", "Response tokens"])?;
    Ok(Box::new(move |row, clock| {
        row.integer(asked, 0..=u64::MAX)?;
        let failed = row.integer(answered, 0..=u64::MAX)? == 0;
        let time_ns = clock.cell(row, time)?;
        let request = ImportedRequest::new(time_ns, row.filled(key, "a name")?);
        Ok((request, u64::from(!(failed && drop_failed))))
    }))
}
