//! Which column or key holds the arrival and, where a source has them, application, class and
//! budget. Shared by tables and JSON lines.

use super::ImportedRequest;
use super::app_mapping::{NAME, is_name};
use super::time::TimeUnit;
use super::time_reader::{TimeReader, units};
use crate::config::{Decoder, Group, Kind, Setting, decode};

/// The longest budget that runs accept.
const MAX_BUDGET_NS: i64 = 1_000_000_000_000_000;

/// The names for `--column`.
pub(super) const WHAT: [&str; 4] = ["arrival", "app", "class", "budget"];

/// What `--column` and `--unit` say.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// By the order of [`WHAT`]; the first is always there.
    pub(super) names: [Option<String>; 4],
    unit: Option<TimeUnit>,
    budget: TimeUnit,
}

const COLUMN: Group = Group::named("column").of(&[&[
    Setting::required(WHAT[0], Kind::Text).means("The column with the time of arrival."),
    Setting::optional(WHAT[1], Kind::Text, "one application")
        .means("The column of the application."),
    Setting::optional(WHAT[2], Kind::Text, "not known").means("The column of the true class."),
    Setting::optional(WHAT[3], Kind::Text, "not known").means("The column of the deadline budget."),
]]);

/// The setting with the columns.
pub(super) const COLUMNS: &[Setting] =
    &[Setting::required("column", Kind::Table(&COLUMN)).means("The columns (--column).")];

impl Columns {
    /// Decodes them from the settings of a kind.
    pub(super) fn read(settings: &mut Decoder<'_>) -> Self {
        let mut columns = settings.inner("column", &COLUMN);
        let mut names = [const { None }; 4];
        for (at, what) in WHAT.into_iter().enumerate() {
            let node = match at {
                0 => columns.require(what, "the column with the time of arrival"),
                _ => columns.take(what),
            };
            let name = node.and_then(|node| decode::text(node, columns.problems()));
            names[at] = name.map(str::to_owned);
        }
        columns.finish();
        let [unit, budget] = units(settings, [WHAT[0], WHAT[3]]);
        Self { names, unit, budget: budget.unwrap_or(TimeUnit::Decimal(6)) }
    }

    /// The clock of one file.
    pub(super) fn clock(&self) -> TimeReader {
        TimeReader::new(WHAT[0], self.unit, TimeUnit::Decimal(9))
    }

    /// The request in these cells.
    ///
    /// # Errors
    /// Says which cell is bad, by its place in [`WHAT`], and what is expected.
    pub(super) fn request(
        &self,
        [arrival, app, class, budget]: [Option<&str>; 4],
        clock: &mut TimeReader,
        line: u64,
    ) -> Result<ImportedRequest, (usize, String)> {
        let time_ns = clock.read(arrival.unwrap_or(""), line).map_err(|expected| (0, expected))?;
        let key = match app {
            Some("") => return Err((1, "a name".to_owned())),
            app => app.unwrap_or("").to_owned(),
        };
        let class = match class {
            Some(class) if !is_name(class) => return Err((2, NAME.to_owned())),
            class => class.map(str::to_owned),
        };
        let budget_ns = match budget.map(|text| self.budget.parse(text)) {
            None => None,
            Some(Some(ns @ 1..=MAX_BUDGET_NS)) => Some(ns as u64),
            Some(Some(_)) => {
                return Err((3, "more than 0 and at most 1e9 milliseconds".to_owned()));
            }
            Some(None) => return Err((3, "a time ≥ 0".to_owned())),
        };
        Ok(ImportedRequest { time_ns, key, class, budget_ns })
    }
}
