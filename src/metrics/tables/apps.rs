//! How each application fared.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::{AppId, Completion};
use crate::core::units::{NS_PER_MS, Span, Time};
use crate::metrics::column::{
    ARRIVED, COMPLETED, Cell, Column, LATE, TARDINESS, column, count, ratio, share, text,
};
use crate::metrics::latencies::Latencies;
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "apps",
    summary: "a row for each application",
    columns: COLUMNS,
    build: Some(|catalog, _| {
        let own = catalog.app_ids().map(|_| App::default()).collect();
        Box::new(Apps { catalog: Arc::clone(catalog), own })
    }),
};

const COLUMNS: &[Column] = &[
    text("app", "the application"),
    count("arrived", "requests that arrived"),
    count("completed", "requests answered, on time or late"),
    count("late", LATE),
    count("rejected", "requests refused by the scheduler"),
    count("unfinished", "requests never served"),
    share("utility_mean", "sum of correct × (1 − penalty) over all arrived").empty(ARRIVED),
    share("accuracy_mean", "share of completed requests answered correctly").empty(COMPLETED),
    share("effective_accuracy", "requests answered correctly and on time, over all arrived")
        .empty(ARRIVED),
    share("slo_attainment", "requests answered on time, over all arrived").empty(ARRIVED),
    column("latency_ms_mean", "mean of finish − arrival over completed").empty(COMPLETED),
    column("latency_ms_p50", "median latency").empty(COMPLETED),
    column("latency_ms_p95", "95th percentile of latency").empty(COMPLETED),
    column("latency_ms_p99", "99th percentile of latency").empty(COMPLETED),
    column("tardiness_ms_mean", TARDINESS).empty(COMPLETED),
];

#[derive(Default)]
struct App {
    arrived: u64,
    completed: u64,
    late: u64,
    rejected: u64,
    unfinished: u64,
    correct: u64,
    correct_on_time: u64,
    utility: f64,
    latencies: Latencies,
    latency_ns: u128,
    tardiness_ns: u128,
}

struct Apps {
    catalog: Arc<Catalog>,
    own: Vec<App>,
}

impl Apps {
    fn of(&mut self, app: AppId) -> &mut App {
        &mut self.own[app.index()]
    }

    fn complete(&mut self, completion: &Completion<'_>) {
        let request = completion.request;
        let late = self.catalog.penalty.tardiness(completion.finished, request.deadline);
        let latency = completion.finished.since(request.arrival);
        let gamma =
            self.catalog.penalty.gamma(completion.finished, request.deadline, request.budget());
        let app = self.of(request.app);
        app.completed += 1;
        app.late += u64::from(late > Span::ZERO);
        app.latencies.push(latency);
        app.latency_ns += u128::from(latency.0);
        app.tardiness_ns += u128::from(late.0);
        if completion.correct {
            app.correct += 1;
            app.correct_on_time += u64::from(late == Span::ZERO);
            app.utility += 1.0 - gamma;
        }
    }
}

impl Observer for Apps {
    fn on(&mut self, event: Event<'_>) {
        match event {
            Event::Arrived { request } => self.of(request.app).arrived += 1,
            Event::Rejected { request, .. } => self.of(request.app).rejected += 1,
            Event::Unfinished { request, .. } => self.of(request.app).unfinished += 1,
            Event::Completed(completion) => self.complete(completion),
            _ => {}
        }
    }
}

impl TableCollector for Apps {
    fn rows(&mut self, _: Time) -> Vec<Vec<String>> {
        let apps = self.catalog.app_ids().zip(&mut self.own);
        apps.map(|(id, app)| app.row(&self.catalog.app(id).name)).collect()
    }
}

impl App {
    fn row(&mut self, name: &str) -> Vec<String> {
        self.latencies.sort();
        let counts = [self.arrived, self.completed, self.late, self.rejected, self.unfinished];
        let of_arrived = |value: f64| ratio(value, self.arrived);
        let of_completed = |value: f64| ratio(value, self.completed);
        let mut cells = counts.map(Cell::Count).to_vec();
        cells.extend([
            of_arrived(self.utility),
            of_completed(self.correct as f64),
            of_arrived(self.correct_on_time as f64),
            of_arrived((self.completed - self.late) as f64),
            of_completed(self.latency_ns as f64 / NS_PER_MS as f64),
        ]);
        cells.extend([0.5, 0.95, 0.99].map(|q| Cell::from(self.latencies.quantile_ms(q))));
        cells.push(of_completed(self.tardiness_ns as f64 / NS_PER_MS as f64));
        std::iter::once(name.to_owned()).chain(cells.iter().map(Cell::to_string)).collect()
    }
}
