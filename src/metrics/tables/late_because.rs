//! Why answers were late: the part of the latency that decided.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::units::{Span, Time};
use crate::metrics::column::{Column, ColumnKind, column, count, text};
use crate::metrics::latency_breakdown::{LatencyBreakdowns, Part};
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "late_because",
    summary: "a row for each application and cause of late answers",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        Box::new(LateBecause {
            catalog: Arc::clone(catalog),
            breakdowns: LatencyBreakdowns::new(catalog),
            apps: vec![[Cause::default(); Part::ALL.len()]; catalog.app_ids().len()],
        })
    }),
};

/// The names of the parts of a latency.
const CAUSES: &[&str] = &{
    let mut names = [""; Part::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = Part::ALL[at].0;
        at += 1;
    }
    names
};

const COLUMNS: &[Column] = &[
    text("app", "the application"),
    text(
        "cause",
        "the longest part of the latency besides the service; the service if that alone exceeds \
         the budget",
    )
    .of(ColumnKind::Word(CAUSES)),
    count("late", "late answers with this cause"),
    column("delay_s_mean", "mean of this part of the latency over all late answers")
        .empty("no answer was late"),
];

/// The late answers with a cause, and the sum of that part over all late answers.
#[derive(Clone, Copy, Default)]
struct Cause {
    late: u64,
    delay_ns: u128,
}

struct LateBecause {
    catalog: Arc<Catalog>,
    breakdowns: LatencyBreakdowns,
    /// By application and part.
    apps: Vec<[Cause; Part::ALL.len()]>,
}

impl Observer for LateBecause {
    fn on(&mut self, event: Event<'_>) {
        let Event::Completed(completion) = event else { return };
        let (request, finished) = (completion.request, completion.finished);
        if self.catalog.penalty.tardiness(finished, request.deadline) == Span::ZERO {
            return;
        }
        let breakdown = self.breakdowns.ended(request, finished);
        let causes = &mut self.apps[request.app.index()];
        causes[breakdown.cause(request.budget()) as usize].late += 1;
        for (part, span) in breakdown.parts() {
            causes[part as usize].delay_ns += u128::from(span.0);
        }
    }
}

impl TableCollector for LateBecause {
    fn follow(&mut self, event: Event<'_>) {
        self.breakdowns.on(event);
    }

    fn rows(&mut self, _: Time) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for (app, causes) in self.catalog.app_ids().zip(&self.apps) {
            let late: u64 = causes.iter().map(|cause| cause.late).sum();
            for ((name, _), cause) in Part::ALL.iter().zip(causes) {
                let mean = (late > 0).then(|| cause.delay_ns as f64 / 1e9 / late as f64);
                rows.push(vec![
                    self.catalog.app(app).name.clone(),
                    (*name).to_owned(),
                    cause.late.to_string(),
                    mean.map_or(String::new(), |mean| mean.to_string()),
                ]);
            }
        }
        rows
    }
}
