//! Azure's LLM inference traces of 2023 and 2024: `TIMESTAMP,ContextTokens,GeneratedTokens`, a
//! date each. The same with seconds, `t_s,context_tokens,generated_tokens`, is read, too.
//!
//! Source: Azure/AzurePublicDataset; Patel et al., Splitwise, ISCA 2024; Stojkovic et al.,
//! `DynamoLLM`, 2024.

use super::clock::{Clock, units};
use super::table::{Read, Table};
use super::time::Unit;
use super::{Entry, Form, Request};
use crate::input::Problem;
use crate::input::csv::Head;
use crate::input::rows::Layout;

pub(super) const ENTRY: Entry = Entry {
    name: "azure-llm",
    summary: "Azure LLM inference traces 2023 and 2024; a key per file",
    settings: "unit = { arrival = date }",
    form: Form::Trace(|read| {
        let (layout, [unit]) = (Layout::read(read), units(read, ["arrival"]));
        Box::new(move |path, _| Table::open(path, layout, |head| columns(head, unit)))
    }),
};

fn columns(head: &Head, given: Option<Unit>) -> Result<(Clock, Read), Problem> {
    let (unit, names) = if head.optional("t_s").is_some() {
        (Unit::Decimal(9), ["t_s", "context_tokens", "generated_tokens"])
    } else {
        (Unit::Date, ["TIMESTAMP", "ContextTokens", "GeneratedTokens"])
    };
    let [time, context, generated] = names.map(|name| head.column(name));
    let (time, tokens) = (time?, [context?, generated?]);
    let clock = Clock::new("arrival", given, unit);
    let read: Read = Box::new(move |row, clock| {
        for column in tokens {
            row.integer(column, 0..=u64::MAX)?;
        }
        let time_ns = clock.cell(row, time)?;
        Ok((Request { time_ns, key: String::new(), class: None, budget_ns: None }, 1))
    });
    Ok((clock, read))
}
