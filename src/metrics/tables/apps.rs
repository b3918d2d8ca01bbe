//! How each application fared.

use super::{TableCollector, TableEntry};
use crate::contract::{Event, Observer};
use crate::core::ids::{AppId, Completion};
use crate::core::units::{NS_PER_MS, Span, Time};
use crate::metrics::column::{
    ARRIVED, COMPLETED, Column, LATE, TARDINESS, column, count, ratio, share, text,
};
use crate::metrics::latencies::Latencies;
use crate::system::catalog::Catalog;
use std::sync::Arc;

pub(super) const ENTRY: TableEntry = TableEntry {
    name: "apps",
    summary: "a row for each application",
    columns: COLUMNS,
    build: |catalog, _| {
        let own = catalog.app_ids().map(|_| App::default()).collect();
        Box::new(Apps { catalog: Arc::clone(catalog), own })
    },
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
        let row = |(id, app): (AppId, &mut App)| {
            app.latencies.sort();
            let counts = [app.arrived, app.completed, app.late, app.rejected, app.unfinished];
            let arrived = |value: f64| ratio(value, app.arrived).to_string();
            let completed = |value: f64| ratio(value, app.completed).to_string();
            let quantile =
                |q| app.latencies.quantile_ms(q).map_or(String::new(), |v| v.to_string());
            let mut row = vec![self.catalog.app(id).name.clone()];
            row.extend(counts.map(|count| count.to_string()));
            row.extend([
                arrived(app.utility),
                completed(app.correct as f64),
                arrived(app.correct_on_time as f64),
                arrived((app.completed - app.late) as f64),
                completed(app.latency_ns as f64 / NS_PER_MS as f64),
            ]);
            row.extend([0.5, 0.95, 0.99].map(quantile));
            row.push(completed(app.tardiness_ns as f64 / NS_PER_MS as f64));
            row
        };
        self.catalog.app_ids().zip(&mut self.own).map(row).collect()
    }
}
