//! The common drop rule (`drop_late = true`): before the scheduler is asked, every pending request
//! that no worker could answer in time any more is rejected.
//!
//! A request is late if an answer after the shortest latency of its application would be: of any
//! batch of any variant on any worker, as schedulers see latencies. Loads, links, decision overhead
//! and what workers do now do not count, so that no request is dropped that could be in time. A
//! variant that answers at arrival takes no time.
//!
//! Pending requests are in a heap by deadline, and so are requests that are not pending any more:
//! those are removed when their deadline has come, or when they are most of the heap. O(log n) per
//! request.

use super::Simulation;
use crate::contract::state::State;
use crate::contract::{Observer, RejectReason, View};
use crate::core::ids::{AppId, Request, RequestId};
use crate::core::units::{Span, Time};
use crate::system::catalog::Catalog;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A heap is not searched for requests that have left before it has this many.
const SHORT: usize = 64;

pub(super) struct LateDrops {
    apps: Vec<AppDrops>,
    /// What the last drop took from the scheduler, the earliest deadline of an application first.
    pub dropped: Vec<Request>,
}

struct AppDrops {
    /// The shortest latency.
    shortest: Span,
    waiting: BinaryHeap<Reverse<(Time, RequestId)>>,
}

impl LateDrops {
    pub fn new(state: &State) -> Self {
        let app = |app| AppDrops { shortest: shortest(state, app), waiting: BinaryHeap::new() };
        Self { apps: state.catalog.app_ids().map(app).collect(), dropped: Vec::new() }
    }

    /// Adds a pending request, which may have been added before.
    pub fn add(&mut self, request: &Request) {
        let waiting = &mut self.apps[request.app.index()].waiting;
        waiting.push(Reverse((request.deadline, request.id)));
    }

    /// The first deadline that a request of the application can still keep.
    fn missed_before(&self, state: &State, app: usize) -> Time {
        state.catalog.penalty.missed_before(state.now + self.apps[app].shortest)
    }
}

/// The shortest latency of an application.
fn shortest(state: &State, app: AppId) -> Span {
    let catalog: &Catalog = &state.catalog;
    if state.peek_variant(app).is_some() {
        return Span::ZERO;
    }
    let latencies = catalog.worker_ids().flat_map(|worker| {
        let usable = catalog.variants_of(app).filter(move |v| catalog.usable(worker, *v));
        usable.map(move |variant| catalog.shortest(worker, variant, usize::MAX))
    });
    latencies.min().unwrap_or(Span::ZERO)
}

impl Simulation {
    /// Rejects late requests. Those that the scheduler does not know yet are taken out of the
    /// arrived ones; the others are the dropped ones of the trigger.
    #[cold]
    pub(super) fn drop_late(&mut self, observer: &mut impl Observer) {
        let Some(mut late) = self.late.take() else { return };
        late.dropped.clear();
        let mut arrived = std::mem::take(&mut self.arrived);
        arrived.retain(|id| {
            let Some(request) = View::new(&self.state).request(*id).copied() else { return true };
            let is_late = request.deadline < late.missed_before(&self.state, request.app.index());
            if is_late {
                self.reject(*id, RejectReason::Late, observer);
            } else {
                late.add(&request);
            }
            !is_late
        });
        self.arrived = arrived;
        for app in 0..late.apps.len() {
            let missed = late.missed_before(&self.state, app);
            let LateDrops { apps, dropped } = &mut *late;
            let waiting = &mut apps[app].waiting;
            while let Some(Reverse((deadline, id))) = waiting.peek().copied()
                && deadline < missed
            {
                waiting.pop();
                if let Some(request) = View::new(&self.state).request(id).copied() {
                    dropped.push(request);
                    self.reject(id, RejectReason::Late, observer);
                }
            }
            if waiting.len() > SHORT + 2 * self.state.pending_len() {
                let view = View::new(&self.state);
                waiting.retain(|Reverse((_, id))| view.request(*id).is_some());
            }
        }
        self.late = Some(late);
    }
}
