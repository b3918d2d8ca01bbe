//! When turns arrive, merged with the requests of other applications on the device.
//!
//! Both kinds of requests have numbers of their own; the engine numbers all of them by arrival. The
//! engine holds one arrival that is still to come, which the end of a request may replace by an
//! earlier one. A turn goes before another request of the same instant.

use super::TurnPacing;
use crate::config::Problem;
use crate::core::ids::{AppId, Arrival, SourceId, TrueClass};
use crate::core::units::{Span, Time};
use crate::workload::{Arrivals, ClientPool};
use std::collections::BTreeMap;

/// The turns of all users.
struct Turns {
    pool: ClientPool,
    pacing: TurnPacing,
    /// By user: the number of turns left, the turn in flight of a closed loop included.
    left: Vec<usize>,
    /// The application of the dialogues.
    app: AppId,
}

impl Turns {
    /// The user's next turn, if one is left, arrives at `at`.
    fn schedule(&mut self, user: u32, at: Time) {
        if self.left[user as usize] > 0 {
            self.pool.think(user, at);
        }
    }

    fn next(&mut self) -> Option<Arrival> {
        let (time, client) = self.pool.send()?;
        if let TurnPacing::Open(gap) = self.pacing {
            self.left[client as usize] -= 1;
            self.schedule(client, time + gap);
        }
        let truth = TrueClass { class: 0, row: TrueClass::NO_ROW };
        let source = Some(SourceId::new(client));
        Some(Arrival { time, app: self.app, source, budget: Span(1), truth })
    }

    fn ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some(user) = self.pool.ended(number) else { return };
        let TurnPacing::Closed(think) = self.pacing else { return };
        self.left[user as usize] -= 1;
        self.schedule(user, at + think);
        if self.pool.overtakes(*next) {
            *next = self.next();
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Turn,
    Other,
}

/// The arrivals of a run.
pub(super) struct TurnArrivals {
    turns: Turns,
    others: Option<Box<dyn Arrivals>>,
    /// The next turn and the next other request.
    next_turn: Option<Arrival>,
    next_other: Option<Arrival>,
    /// Which of them the engine holds.
    held: Option<Origin>,
    /// The numbers of requests that have arrived: of all, of turns, of others.
    arrived: [u32; 3],
    /// By number among all, requests in flight: where they come from, with their number there.
    in_flight: BTreeMap<u32, (Origin, u32)>,
}

impl TurnArrivals {
    /// The turns of some users, by user their number, and `others`.
    pub fn new(
        turns_by_user: &[usize],
        pacing: TurnPacing,
        app: AppId,
        others: Option<Box<dyn Arrivals>>,
    ) -> Self {
        let users = turns_by_user.len() as u32;
        let left = turns_by_user.to_vec();
        let mut turns = Turns { pool: ClientPool::default(), pacing, left, app };
        for user in 0..users {
            let first = match pacing {
                TurnPacing::Closed(think) => think,
                TurnPacing::Open(gap) => gap.scale(f64::from(user) / f64::from(users)),
            };
            turns.schedule(user, Time::ZERO + first);
        }
        let mut arrivals = Self {
            next_turn: turns.next(),
            next_other: None,
            turns,
            others,
            held: None,
            arrived: [0; 3],
            in_flight: BTreeMap::new(),
        };
        arrivals.draw_other();
        arrivals
    }

    fn draw_other(&mut self) {
        self.next_other = self.others.as_mut().and_then(|others| others.next_arrival());
    }

    /// The arrival that the engine held has arrived.
    fn take_held(&mut self) {
        let Some(origin) = self.held.take() else { return };
        let [all, turns, others] = &mut self.arrived;
        let own = if origin == Origin::Turn { turns } else { others };
        self.in_flight.insert(*all, (origin, *own));
        (*all, *own) = (*all + 1, *own + 1);
        match origin {
            Origin::Turn => self.next_turn = self.turns.next(),
            Origin::Other => self.draw_other(),
        }
    }

    /// Gives the engine the earlier of both.
    fn hold(&mut self) -> Option<Arrival> {
        let (next, origin) = match (self.next_turn, self.next_other) {
            (Some(turn), Some(other)) if other.time < turn.time => (other, Origin::Other),
            (Some(turn), _) => (turn, Origin::Turn),
            (None, Some(other)) => (other, Origin::Other),
            (None, None) => {
                self.held = None;
                return None;
            }
        };
        self.held = Some(origin);
        Some(next)
    }
}

impl Arrivals for TurnArrivals {
    fn next_arrival(&mut self) -> Option<Arrival> {
        self.take_held();
        self.hold()
    }

    fn problem(&self) -> Option<&Problem> {
        self.others.as_ref().and_then(|others| others.problem())
    }

    fn observes_completions(&self) -> bool {
        true
    }

    fn request_ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some((origin, own)) = self.in_flight.remove(&number) else { return };
        match (origin, &mut self.others) {
            (Origin::Turn, _) => self.turns.ended(own, at, &mut self.next_turn),
            (Origin::Other, Some(others)) if others.observes_completions() => {
                others.request_ended(own, at, &mut self.next_other);
            }
            (Origin::Other, _) => return,
        }
        *next = self.hold();
    }
}
