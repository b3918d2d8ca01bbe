//! The host lane that looks at requests before they are scheduled.
//!
//! Serial; when free it takes the application of its oldest waiting request and looks at as many
//! of that application as its table allows, in arrival order.

use crate::domain::{AppId, RequestId};
use crate::model::catalog::Catalog;
use crate::units::Span;
use std::collections::VecDeque;

/// The host lane.
#[derive(Debug, Default)]
pub(super) struct PeekLane {
    /// By application.
    waiting: Vec<VecDeque<RequestId>>,
    /// What it is looking at; empty when idle.
    looking: Vec<RequestId>,
}

impl PeekLane {
    pub fn new(apps: usize) -> Self {
        Self { waiting: vec![VecDeque::new(); apps], looking: Vec::new() }
    }

    pub fn push(&mut self, app: AppId, request: RequestId) {
        self.waiting[app.index()].push_back(request);
    }

    /// Starts the next look if the lane is idle and somebody waits; how long it will take.
    pub fn start(&mut self, catalog: &Catalog) -> Option<Span> {
        if !self.looking.is_empty() {
            return None;
        }
        let oldest = |at: &usize| self.waiting[*at].front().copied();
        let app = (0..self.waiting.len()).filter(|at| oldest(at).is_some()).min_by_key(oldest)?;
        let table = catalog.app(AppId(app as u16)).look.as_ref()?;
        let queue = &mut self.waiting[app];
        self.looking.extend(queue.drain(..queue.len().min(table.max_batch())));
        Some(table.latency(self.looking.len()))
    }

    /// Ends the look: its requests, oldest first.
    pub fn end(&mut self, into: &mut Vec<RequestId>) {
        into.append(&mut self.looking);
    }
}
