//! Azure's LLM inference traces of 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens`, a
//! date each. The same with seconds, `t_s,context_tokens,generated_tokens`, is read, too.
//!
//! Source: Azure/AzurePublicDataset; Patel et al., Splitwise, ISCA 2024; Stojkovic et al.,
//! `DynamoLLM`, 2024.

use super::table::{Read, Table};
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
    form: ImportKind::Trace(|read| {
        let (layout, [unit]) = (TableLayout::read(read), units(read, ["arrival"]));
        Box::new(move |path, _| Table::open(path, layout, |head| columns(head, unit)))
    }),
};

fn columns(head: &Header, given: Option<TimeUnit>) -> Result<(TimeReader, Read), Problem> {
    let (unit, names) = if head.optional("t_s").is_some() {
        (TimeUnit::Decimal(9), ["t_s", "context_tokens", "generated_tokens"])
    } else {
        (TimeUnit::Date, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
    };
    let [time, context, generated] = names.map(|name| head.column(name));
    let (time, tokens) = (time?, [context?, generated?]);
    let clock = TimeReader::new("arrival", given, unit);
    let read: Read = Box::new(move |row, clock| {
        for column in tokens {
            row.integer(column, 0..=u64::MAX)?;
        }
        let time_ns = clock.cell(row, time)?;
        Ok((ImportedRequest { time_ns, key: String::new(), class: None, budget_ns: None }, 1))
    });
    Ok((clock, read))
}
