//! Any CSV table with a request a row: `--column` says which column is what, `--unit` how it
//! counts.

use super::keys::{NAME, is_name};
use super::table::{Read, Table};
use super::time::Unit;
use super::{Entry, Form, Request};
use crate::input::csv::Head;
use crate::input::{Fields, Node, Place, Problem, fields};

/// The longest budget that runs accept.
const MAX_BUDGET_NS: i64 = 1_000_000_000_000_000;

pub(super) const ENTRY: Entry = Entry {
    name: "csv",
    summary: "any table with a request a row; columns by --column, units by --unit",
    settings: "column = { arrival, app, class, budget }, unit = { arrival = s, budget = ms }",
    form: Form::Trace(|read| {
        let empty = Node::empty(Place::file("--column"));
        let columns = read.take("column").unwrap_or(&empty);
        let mut columns = Fields::new(columns, read.problems());
        let arrival = columns.require("arrival", "the column with the time of arrival");
        let arrival = arrival.and_then(|node| fields::text(node, columns.problems()));
        let arrival = arrival.unwrap_or_default().to_owned();
        let mut optional = |key| {
            let node = columns.take(key)?;
            fields::text(node, columns.problems()).map(str::to_owned)
        };
        let names = [optional("app"), optional("class"), optional("budget")];
        columns.finish();
        let empty = Node::empty(Place::file("--unit"));
        let units = read.take("unit").unwrap_or(&empty);
        let mut units = Fields::new(units, read.problems());
        let time = units.choice("arrival", &Unit::ALL);
        let budget = units.choice_or("budget", &Unit::ALL[..4], Unit::Decimal(6));
        units.finish();
        Box::new(move |path| {
            Table::open(path, |head| find(head, &arrival, names.each_ref(), [time, budget]))
        })
    }),
};

fn find(
    head: &Head,
    arrival: &str,
    names: [&Option<String>; 3],
    [time, span]: [Unit; 2],
) -> Result<Read, Problem> {
    let arrival = head.column(arrival)?;
    let [app, class, budget] =
        names.map(|name| name.as_ref().map(|name| head.column(name)).transpose());
    let (app, class, budget) = (app?, class?, budget?);
    Ok(Box::new(move |row| {
        let name = |column: usize| match row.text(column) {
            "" => Err(row.problem(column, "a name")),
            text => Ok(text.to_owned()),
        };
        let time_ns = time.read(row, arrival)?;
        let key = app.map(name).transpose()?.unwrap_or_default();
        let class = class.map(|column| match row.text(column) {
            text if is_name(text) => Ok(text.to_owned()),
            _ => Err(row.problem(column, NAME)),
        });
        let class = class.transpose()?;
        let budget_ns = budget.map(|column| match span.read(row, column)? {
            ns @ 1..=MAX_BUDGET_NS => Ok(ns as u64),
            _ => Err(row.problem(column, "more than 0 and at most 1e9 milliseconds")),
        });
        Ok((Request { time_ns, key, class, budget_ns: budget_ns.transpose()? }, 1))
    }))
}
