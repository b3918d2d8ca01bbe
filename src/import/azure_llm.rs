//! Azure's LLM inference traces of 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens` with
//! dates, or `t_s,context_tokens,generated_tokens` with seconds.
//!
//! Source: Azure/AzurePublicDataset; Patel et al., Splitwise, ISCA 2024; Stojkovic et al.,
//! `DynamoLLM`, 2024.

use super::table::{RowDecoder, TraceTable};
use super::time::TimeUnit;
use super::time_reader::{TimeReader, UNITS, units};
use super::{ImportKind, ImportedRequest, ImporterEntry};
use crate::config::Problem;
use crate::config::csv::Header;
use crate::config::rows::{LAYOUT, TableLayout};

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "azure-llm",
    summary: "Azure LLM inference traces 2023 and 2024; a key per file",
    settings: &[LAYOUT, UNITS],
    form: ImportKind::Trace(|settings| {
        let (layout, [unit]) = (TableLayout::read(settings), units(settings, ["arrival"]));
        Box::new(move |path, _| TraceTable::open(path, layout, |head| columns(head, unit)))
    }),
};

fn columns(head: &Header, given: Option<TimeUnit>) -> Result<(TimeReader, RowDecoder), Problem> {
    let (unit, names) = if head.optional("t_s").is_some() {
        (TimeUnit::Decimal(9), ["t_s", "context_tokens", "generated_tokens"])
    } else {
        (TimeUnit::Date, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
    };
    let [time, context, generated] = head.columns(names)?;
    let decoder: RowDecoder = Box::new(move |row, clock| {
        for tokens in [context, generated] {
            row.integer(tokens, 0..=u64::MAX)?;
        }
        Ok((ImportedRequest::new(clock.cell(row, time)?, ""), 1))
    });
    Ok((TimeReader::new("arrival", given, unit), decoder))
}
