//! What happened in a run, as plain numbers.

use super::event_record::Happened;
use super::recorder::Asked;
use crate::contract::{Event, Observer};
use crate::core::ids::VariantId;
use crate::core::units::Span;
use crate::engine::Counts;
use crate::metrics::{Cell, LatencyBreakdowns, Summary};
use crate::system::catalog::Catalog;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The events of a run and its row.
pub struct Log {
    pub events: Vec<Happened>,
    /// What the scheduler was asked and answered.
    pub asked: Vec<Asked>,
    /// Late answers of workers, as the scheduler was told when batches ended, and as they came.
    pub told_late: usize,
    pub late: usize,
    pub summary: Summary,
    pub counts: Counts,
    pub windows_solved_exactly: Option<u64>,
    /// Sum over completed requests of shown accuracy × (1 − penalty): what a planner believed.
    pub believed: f64,
    /// The accuracy that the scheduler was shown of the variant that answered, by request.
    pub shown: BTreeMap<u32, f64>,
    pub logged: Arc<AtomicUsize>,
    catalog: Arc<Catalog>,
    breakdowns: LatencyBreakdowns,
}

impl Log {
    pub fn new(catalog: &Arc<Catalog>) -> Self {
        Self {
            events: Vec::new(),
            asked: Vec::new(),
            told_late: 0,
            late: 0,
            summary: Summary::new(catalog),
            counts: Counts::default(),
            windows_solved_exactly: None,
            believed: 0.0,
            shown: BTreeMap::new(),
            logged: Arc::default(),
            catalog: Arc::clone(catalog),
            breakdowns: LatencyBreakdowns::new(catalog),
        }
    }

    /// A metric cell by column name.
    pub fn cell(&mut self, name: &str) -> Cell {
        self.summary.cell(name).unwrap_or_else(|| panic!("no column {name}"))
    }

    /// A metric as a number.
    pub fn number(&mut self, name: &str) -> f64 {
        let cell = self.cell(name);
        cell.number().unwrap_or_else(|| panic!("{name} is {cell:?}"))
    }

    /// The batches in order of start: (start ms, end ms, variant name, request numbers).
    pub fn timeline(&self) -> Vec<(f64, f64, String, Vec<u32>)> {
        let ms = |ns: u64| ns as f64 / 1e6;
        let mut open: Vec<(u64, u16, usize, u16, Vec<u32>)> = Vec::new();
        let mut done = Vec::new();
        for event in &self.events {
            match event {
                Happened::BatchStarted { at, worker, lane, variant, requests } => {
                    open.push((*at, *worker, *lane, *variant, requests.clone()));
                }
                Happened::BatchEnded { at, worker, lane, .. } => {
                    let place = open.iter().position(|o| o.1 == *worker && o.2 == *lane);
                    let (start, _, _, variant, requests) = open.remove(place.expect("a start"));
                    let name = self.catalog.variant(VariantId(variant)).name.clone();
                    done.push((ms(start), ms(*at), name, requests));
                }
                Happened::BatchLost { worker, lane, .. } => {
                    open.retain(|o| (o.1, o.2) != (*worker, *lane));
                }
                _ => {}
            }
        }
        done.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.3.cmp(&b.3)));
        done
    }
}

impl Observer for Log {
    #[expect(clippy::too_many_lines, reason = "an arm for every kind of event")]
    fn on(&mut self, event: Event<'_>) {
        self.summary.on(event);
        if let Event::Completed(c) = event {
            // What a latency was spent on is all of it.
            let breakdown = self.breakdowns.ended(c.request, c.finished);
            let parts: u64 = breakdown.parts().map(|(_, span)| span.0).sum();
            assert_eq!(parts, c.finished.since(c.request.arrival).0, "{breakdown:?}");
        }
        self.breakdowns.on(event);
        let happened = match event {
            Event::Arrived { request: r } => Happened::Arrived {
                at: r.arrival.0,
                request: r.id.number(),
                app: r.app.0,
                deadline: r.deadline.0,
            },
            Event::ReadyToSchedule { at, request } => {
                Happened::Visible { at: at.0, request: request.id.number() }
            }
            Event::LoadStarted { at, worker, variant, end } => {
                Happened::LoadStarted { at: at.0, worker: worker.0, variant: variant.0, end: end.0 }
            }
            Event::LoadEnded { at, worker, variant, .. } => {
                Happened::LoadEnded { at: at.0, worker: worker.0, variant: variant.0 }
            }
            Event::Evicted { at, worker, variant } => {
                Happened::Evicted { at: at.0, worker: worker.0, variant: variant.0 }
            }
            Event::UploadQueued { at, worker, bytes, start, end } => {
                Happened::Sent { at: at.0, worker: worker.0, bytes, sending: (start.0, end.0) }
            }
            Event::UploadAborted { at, worker, bytes, start, end } => {
                Happened::SendLost { at: at.0, worker: worker.0, bytes, sending: (start.0, end.0) }
            }
            Event::ResponseArrived { at, worker, .. } => {
                Happened::Back { at: at.0, worker: worker.0 }
            }
            Event::BatchStarted { at, worker, lane, variant, requests } => Happened::BatchStarted {
                at: at.0,
                worker: worker.0,
                lane,
                variant: variant.0,
                requests: requests.iter().map(|id| id.number()).collect(),
            },
            Event::BatchEnded { at, worker, lane, variant, started, batch } => {
                Happened::BatchEnded {
                    at: at.0,
                    worker: worker.0,
                    lane,
                    variant: variant.0,
                    started: started.0,
                    batch,
                }
            }
            Event::WorkerFailed { at, worker, until } => {
                Happened::WorkerFailed { at: at.0, worker: worker.0, until: until.0 }
            }
            Event::BatchLost { at, worker, lane, variant, started, requests } => {
                Happened::BatchLost {
                    at: at.0,
                    worker: worker.0,
                    lane,
                    variant: variant.0,
                    started: started.0,
                    requests: requests.iter().map(|id| id.number()).collect(),
                }
            }
            Event::LoadLost { at, worker, variant, end, .. } => {
                Happened::LoadLost { at: at.0, worker: worker.0, variant: variant.0, end: end.0 }
            }
            Event::RequestRequeued { at, request } => {
                Happened::Returned { at: at.0, request: request.id.number() }
            }
            Event::Completed(c) => {
                let penalty =
                    self.catalog.penalty.gamma(c.finished, c.request.deadline, c.request.budget());
                self.shown.insert(c.request.id.number(), c.estimated);
                let tardiness = self.catalog.penalty.tardiness(c.finished, c.request.deadline);
                self.late += usize::from(c.worker.is_some() && tardiness > Span::ZERO);
                self.believed += c.estimated * (1.0 - penalty);
                Happened::Completed {
                    at: c.finished.0,
                    request: c.request.id.number(),
                    worker: c.worker.map_or(u16::MAX, |worker| worker.0),
                    variant: c.variant.0,
                    started: c.started.0,
                    correct: c.correct,
                    class: c.truth.class,
                }
            }
            Event::Rejected { at, request, .. } => {
                Happened::Rejected { at: at.0, request: request.id.number() }
            }
            Event::Unfinished { at, request } => {
                Happened::Unfinished { at: at.0, request: request.id.number() }
            }
            _ => return,
        };
        self.events.push(happened);
        self.logged.store(self.events.len(), Ordering::Relaxed);
    }
}
