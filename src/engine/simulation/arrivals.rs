//! Arrivals: drawn in blocks where no request depends on what happens in the run, and collected
//! while no worker is idle for a scheduler whose decisions wait for one.

use super::Simulation;
use crate::contract::{AccuracySource, Event, Observer};
use crate::core::units::Time;

/// Arrivals that are drawn at once, where they may be.
const BLOCK: usize = 256;

impl Simulation {
    /// Adds the requests that arrive before any other event. No decision depends on when the
    /// scheduler hears of them.
    pub(super) fn collect(&mut self, observer: &mut impl Observer) {
        if self.state.info == AccuracySource::Profiled && !self.closed {
            self.collect_block(observer);
            return;
        }
        while self.peeks.count == 0 && self.next_arrival() < self.queue.next_time().min(self.wake) {
            self.state.now = self.next_arrival();
            self.arrive(self.state.now, observer);
        }
    }

    /// The same where requests are ready when they arrive.
    fn collect_block(&mut self, observer: &mut impl Observer) {
        let until = self.queue.next_time().min(self.wake);
        while self.next_arrival() < until {
            let left = &self.drawn[self.taken..];
            let count = left.iter().take_while(|arrival| arrival.time < until).count();
            self.requests.clear();
            self.state.insert_pending(&left[..count], &mut self.requests);
            self.arrived.extend(self.requests.iter().map(|request| request.id));
            self.state.now = left[count - 1].time;
            observer.on_arrivals(&self.requests);
            self.counts.arrived += count as u64;
            self.taken += count;
            if self.taken == self.drawn.len() {
                self.draw_arrivals();
            }
        }
    }

    /// The time of the next arrival.
    #[inline]
    pub(super) fn next_arrival(&self) -> Time {
        self.drawn.get(self.taken).map_or(Time::MAX, |next| next.time)
    }

    /// Draws arrivals: a single one if later ones depend on how it ends.
    #[inline(never)]
    pub(super) fn draw_arrivals(&mut self) {
        let mut last = self.drawn.last().map_or(Time::ZERO, |last| last.time);
        self.drawn.clear();
        self.taken = 0;
        let most = if self.closed { 1 } else { BLOCK };
        self.arrivals.next_arrivals(most, &mut self.drawn);
        // An arrival before the last one would break the clock: it is moved to it.
        for next in &mut self.drawn {
            last = last.max(next.time);
            next.time = last;
        }
    }

    /// Adds every request that arrives at this instant.
    pub(super) fn arrive(&mut self, now: Time, observer: &mut impl Observer) {
        while self.next_arrival() == now {
            let arrival = self.drawn[self.taken];
            self.taken += 1;
            if self.taken == self.drawn.len() {
                self.draw_arrivals();
            }
            let id = self.state.insert(&arrival);
            self.counts.arrived += 1;
            observer.on(Event::Arrived { request: &arrival.request(id) });
            self.receive(arrival.app, id, observer);
        }
        self.peek_on_host(observer);
    }
}
