//! The waiting requests of every application, in an order that can be walked.
//!
//! Queues of dispatchers are heaps: they have a first request and no second. Published rules look
//! at all requests, or at the last ones. O(log n) per request, O(1) per step of a walk.

use crate::contract::{Trigger, View};
use crate::core::ids::{AppId, Request, RequestId};
use crate::system::catalog::Catalog;
use std::collections::BTreeMap;
use std::ops::Bound;

/// The place of a request: its key, ties by arrival.
pub type LineKey = (u64, RequestId);

/// Requests by place.
type Line = BTreeMap<LineKey, Request>;

pub struct AppLines {
    lines: Vec<Line>,
    key: fn(&Request) -> u64,
}

impl AppLines {
    pub fn by_arrival(catalog: &Catalog) -> Self {
        Self::by(catalog, |request| request.arrival.0)
    }

    pub fn by_deadline(catalog: &Catalog) -> Self {
        Self::by(catalog, |request| request.deadline.0)
    }

    fn by(catalog: &Catalog, key: fn(&Request) -> u64) -> Self {
        Self { lines: catalog.app_ids().map(|_| Line::new()).collect(), key }
    }

    /// Adds what arrived, or returned from a worker that failed, and removes what was dropped.
    pub fn take_in(&mut self, view: &View<'_>, trigger: Trigger<'_>) {
        trigger.dropped.iter().for_each(|request| self.remove(request));
        trigger.arrived.iter().filter_map(|id| view.request(*id)).for_each(|r| self.add(r));
    }

    pub fn add(&mut self, request: &Request) {
        let key = self.key(request);
        self.lines[request.app.index()].insert(key, *request);
    }

    /// Removes a request, if it is here.
    pub fn remove(&mut self, request: &Request) {
        let key = self.key(request);
        self.lines[request.app.index()].remove(&key);
    }

    pub fn apps(&self) -> impl Iterator<Item = AppId> + use<> {
        (0..self.lines.len() as u16).map(AppId)
    }

    pub fn len(&self, app: AppId) -> usize {
        self.lines[app.index()].len()
    }

    pub fn first(&self, app: AppId) -> Option<&Request> {
        self.lines[app.index()].first_key_value().map(|(_, request)| request)
    }

    pub fn walk(&self, app: AppId) -> impl Iterator<Item = &Request> {
        self.lines[app.index()].values()
    }

    /// The place of a request.
    pub fn key(&self, request: &Request) -> LineKey {
        ((self.key)(request), request.id)
    }

    /// The requests behind a place, or all.
    pub fn walk_after(&self, app: AppId, after: Option<LineKey>) -> impl Iterator<Item = &Request> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.lines[app.index()].range((from, Bound::Unbounded)).map(|(_, request)| request)
    }

    pub fn pop(&mut self, app: AppId) -> Option<RequestId> {
        self.lines[app.index()].pop_first().map(|((_, id), _)| id)
    }

    /// Removes the requests of which `is_dropped` says so, and tells `told` of each.
    pub fn drop_where(
        &mut self,
        app: AppId,
        is_dropped: impl Fn(&Request) -> bool,
        mut told: impl FnMut(RequestId),
    ) {
        self.lines[app.index()].retain(|(_, id), request| {
            let stays = !is_dropped(request);
            if !stays {
                told(*id);
            }
            stays
        });
    }

    /// Takes the first `count` requests, or all if there are fewer.
    pub fn take(&mut self, app: AppId, count: usize) -> impl Iterator<Item = RequestId> {
        std::iter::from_fn(move || self.pop(app)).take(count)
    }

    /// Takes `count` requests behind the first `skip`, or what there is of them.
    pub fn take_behind(&mut self, app: AppId, skip: usize, count: usize) -> Vec<RequestId> {
        let line = &mut self.lines[app.index()];
        let keys: Vec<(u64, RequestId)> = line.keys().skip(skip).take(count).copied().collect();
        keys.into_iter()
            .map(|key| {
                line.remove(&key);
                key.1
            })
            .collect()
    }
}
