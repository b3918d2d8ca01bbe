//! Published bandwidth traces as the table of a link, `time_s,mbps`: from a table with a time and a
//! rate, of one trace or of several in one file (`trace,time_s,mbps`), or from a list with a rate
//! per line. Rates are kept; times are shifted to begin at 0.

use super::time::TimeUnit;
use super::time_reader::{RATES, TimeReader, UNIT, UNITS};
use super::{ImportKind, ImportNotes, ImportedProfile, ImporterEntry};
use crate::config::csv::Row;
use crate::config::rows::{LAYOUT, RowReader, TableLayout};
use crate::config::source::Source;
use crate::config::{ConfigNode, Decoder, Group, Kind, Location, Problem, Problems, Setting};
use crate::core::units::{NS_PER_S, Span, decimal};
use crate::system::link::{Bandwidth, COLUMNS, MBPS};
use std::collections::BTreeSet;

/// The most traces of a file that are listed by name.
const MAX_TRACES: usize = 10_000;
/// A row of a link's table holds for a day at most.
const MAX_STEP_NS: i64 = 86_400 * NS_PER_S.cast_signed();

const COLUMN: Group = Group::named("column").of(&[&[
    Setting::text("time", COLUMNS[0]).means("The column of the time."),
    Setting::text("rate", COLUMNS[1]).means("The column of the rate."),
    Setting::optional("trace", Kind::Text, "trace, if there is one")
        .means("The column of the trace."),
]]);

pub(super) const ENTRY: ImporterEntry = ImporterEntry {
    name: "bandwidth",
    summary: "rates over time, for a link's `uplink_mbps`: a table, or a list with a rate a line",
    settings: &[
        &[
            Setting::optional("trace", Kind::Text, "the only one").means("The trace of the file."),
            Setting::integer("skip_rows", [0, 1_000_000], 0).means("The rows to skip."),
            Setting::optional("interval_s", Kind::Number(1e-3, 86_400.0), "the file has times")
                .means("The time between the rates of a list."),
            Setting::optional("column", Kind::Table(&COLUMN), "as said there")
                .means("The columns (--column)."),
        ],
        UNITS,
        LAYOUT,
    ],
    form: ImportKind::Table(import),
};

struct BandwidthPlan {
    trace: Option<String>,
    skip_rows: u64,
    interval_ns: Option<u64>,
    names: [String; 3],
    /// Whether the column of traces must be there.
    traces: bool,
    unit: Option<TimeUnit>,
    per_mbps: f64,
    layout: TableLayout,
}

impl BandwidthPlan {
    fn read(settings: &mut Decoder<'_>) -> Self {
        let trace = settings.take("trace").map(ConfigNode::cell);
        let skip_rows = settings.integer("skip_rows");
        let interval_s = settings.optional_number("interval_s");
        let mut columns = settings.inner("column", &COLUMN);
        let (time, rate) = (columns.text("time"), columns.text("rate"));
        let name = columns.optional_text("trace");
        let traces = name.is_some();
        let names = [time, rate, name.unwrap_or("trace").to_owned()];
        columns.finish();
        let mut units = settings.inner("unit", &UNIT);
        let unit = units.optional_choice("time", &TimeUnit::ALL);
        let per_mbps = units.choice("rate", &RATES);
        units.finish();
        let interval_ns = interval_s.map(|seconds| Span::from_s(seconds).0);
        let layout = TableLayout::read(settings);
        Self { trace, skip_rows, interval_ns, names, traces, unit, per_mbps, layout }
    }
}

/// The rows of the table that is made.
struct Steps {
    text: String,
    rows: u64,
    /// The time of the first, and of the last.
    first: Option<i64>,
    last: i64,
}

impl Steps {
    /// Adds a row: when it begins, and its rate.
    fn add(&mut self, now: i64, mbps: f64) -> Option<()> {
        let first = *self.first.get_or_insert(now);
        let step = now.checked_sub(self.last)?;
        if self.rows > 0 && !(1..=MAX_STEP_NS).contains(&step) {
            return None;
        }
        (self.rows, self.last) = (self.rows + 1, now);
        let since = now.checked_sub(first)?.cast_unsigned();
        self.text.push_str(&format!("{},{mbps}\n", decimal(since, 9)));
        Some(())
    }
}

fn import(file: &str, settings: &mut Decoder<'_>) -> Option<ImportedProfile> {
    let plan = BandwidthPlan::read(settings);
    table(file, &plan).map_err(|problems| settings.problems().extend(problems)).ok()
}

fn table(file: &str, plan: &BandwidthPlan) -> Result<ImportedProfile, Problems> {
    let mut rows = RowReader::with_layout(file, plan.layout)?;
    let header = format!("{},{}\n", COLUMNS[0], COLUMNS[1]);
    let mut steps = Steps { text: header, rows: 0, first: None, last: 0 };
    let (mut facts, mut notes) = (Vec::new(), Vec::new());
    rows.demote_header(|cells| cells.iter().all(|cell| cell.parse::<f64>().is_ok()));
    if rows.head().names().count() == 1 {
        list(&mut rows, plan, &mut steps)?;
    } else {
        let mut clock = TimeReader::new("time", plan.unit, TimeUnit::Decimal(9));
        facts.extend(timed(&mut rows, plan, &mut clock, &mut steps)?);
        facts.extend(clock.fact());
        notes = clock.notes();
        if let Some(first) = steps.first.filter(|first| *first != 0) {
            facts.push(format!("{} s taken from every time", decimal(first.unsigned_abs(), 9)));
        }
    }
    if plan.skip_rows > 0 {
        facts.push(format!("without the first {} rows", plan.skip_rows));
    }
    facts.extend(rows.recognised());
    if steps.rows == 0 {
        return Err(Problem::new(Location::file(file), "no row", "at least one").into());
    }
    let source = Source { path: file.to_owned(), text: steps.text, sha256: String::new() };
    Bandwidth::parse(&source)?;
    let summary = format!("{} rows", steps.rows);
    Ok(ImportedProfile { text: source.text, summary, notes: ImportNotes { facts, notes } })
}

fn rate(row: Row<'_>, column: usize, plan: &BandwidthPlan) -> Result<f64, Problem> {
    let mbps = row.number(column)? / plan.per_mbps;
    let inside = MBPS.contains(&mbps);
    if inside { Ok(mbps) } else { Err(row.problem(column, "a rate from 0.001 to 1e9 Mbit/s")) }
}

/// A rate a line.
fn list(rows: &mut RowReader, plan: &BandwidthPlan, steps: &mut Steps) -> Result<(), Problems> {
    if plan.trace.is_some() || plan.traces {
        let found = "a list with a rate a line";
        return Err(Problem::new(rows.head().place(), found, "a column of traces").into());
    }
    let Some(interval) = plan.interval_ns else {
        let place = Location::file("--set").field("interval_s");
        let expected = "how long a rate of the list holds, in seconds";
        return Err(Problem::new(place, "nothing", expected).into());
    };
    let mut at = 0_u64;
    rows.each(|row| {
        let mbps = rate(row, 0, plan)?;
        at += 1;
        if at <= plan.skip_rows {
            return Ok(());
        }
        let now = interval.checked_mul(at - 1 - plan.skip_rows);
        let added = now.and_then(|now| steps.add(i64::try_from(now).ok()?, mbps));
        added.ok_or_else(|| row.problem(0, "a list that ends within 292 years"))
    })?;
    if rows.empty_lines() > 0 {
        let found = format!("{} empty lines between rates", rows.empty_lines());
        return Err(Problem::new(rows.head().place(), found, "a rate a line").into());
    }
    Ok(())
}

/// A time and a rate a row; the name of the trace, if the file has names.
fn timed(
    rows: &mut RowReader,
    plan: &BandwidthPlan,
    clock: &mut TimeReader,
    steps: &mut Steps,
) -> Result<Option<String>, Problems> {
    let head = rows.head();
    if plan.interval_ns.is_some() {
        let place = Location::file("--set").field("interval_s");
        let expected = "a list with a rate a line: this table has times";
        return Err(Problem::new(place, "an interval", expected).into());
    }
    let [time, mbps, name] = plan.names.each_ref().map(|name| head.column(name));
    let (time, mbps) = (time?, mbps?);
    let traces = plan.traces || plan.trace.is_some() || head.optional(&plan.names[2]).is_some();
    let name = if traces { Some(name?) } else { None };
    let place = head.place().field(&plan.names[2]);
    let (mut known, mut chosen, mut at) = (BTreeSet::new(), plan.trace.clone(), 0);
    rows.each(|row| {
        if let Some(name) = name {
            let text = row.text(name);
            if known.len() < MAX_TRACES && !known.contains(text) {
                known.insert(text.to_owned());
            }
            if chosen.get_or_insert_with(|| text.to_owned()) != text {
                return Ok(());
            }
        }
        at += 1;
        if at <= plan.skip_rows {
            return Ok(());
        }
        let rate = rate(row, mbps, plan)?;
        let added = steps.add(clock.cell(row, time)?, rate);
        added.ok_or_else(|| row.problem(time, "a later time, by a day at most"))
    })?;
    let names = known.iter().map(String::as_str);
    match (&plan.trace, known.len()) {
        (Some(trace), _) if !known.contains(trace) => {
            Err(Problem::unknown(place, "trace", trace, names).into())
        }
        (None, 2..) => {
            let found = format!("{} traces", known.len());
            let known = Problem::unknown(Location::default(), "trace", "", names).expected;
            Err(Problem::new(place, found, format!("`--set trace=NAME`, {known}")).into())
        }
        _ => Ok(chosen.map(|name| format!("trace {name}"))),
    }
}
