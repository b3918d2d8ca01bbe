//! The way to workers elsewhere, worked out again from decisions: one batch after another goes up,
//! arrives half a round trip later, and its answers come back half a round trip after it was
//! computed.

use super::facts::{Facts, LinkFacts};
use std::collections::VecDeque;

/// Request, worker, variant, start of its batch.
pub type Ending = (u32, u16, u16, u64);

/// What is under way to one worker, and back.
#[derive(Debug)]
pub struct Way {
    link: Option<LinkFacts>,
    /// When everything assigned so far will have been sent.
    pub sent: u64,
    /// What must be announced: bytes, from when to when.
    announced: VecDeque<(u64, (u64, u64))>,
    /// What has been assigned, as long as it may matter.
    line: Vec<(u64, (u64, u64))>,
    /// What must be told to be lost.
    lost: VecDeque<(u64, (u64, u64))>,
    /// When answers are back, and whose.
    back: VecDeque<(u64, Vec<Ending>)>,
}

impl Way {
    pub fn all(facts: &Facts) -> Vec<Self> {
        let new = |link| Self {
            link,
            sent: 0,
            announced: VecDeque::new(),
            line: Vec::new(),
            lost: VecDeque::new(),
            back: VecDeque::new(),
        };
        facts.workers.iter().map(|worker| new(worker.link)).collect()
    }

    pub fn is_remote(&self) -> bool {
        self.link.is_some()
    }

    /// When a job assigned at `decided` may begin, and the instants at which the scheduler hears
    /// of it if they are not past.
    pub fn send(&mut self, decided: u64, bytes: u64) -> (u64, [u64; 2]) {
        let Some(link) = self.link else { return (decided, [decided; 2]) };
        let start = self.sent.max(decided);
        self.sent = start + link.sends(bytes);
        self.announced.push_back((bytes, (start, self.sent)));
        self.line.push((bytes, (start, self.sent)));
        let arrival = self.sent + link.one_way;
        (arrival, [self.sent, arrival])
    }

    /// What is announced next.
    pub fn announced(&mut self) -> Option<(u64, (u64, u64))> {
        self.announced.pop_front()
    }

    /// The worker fails: what has not been sent will not be, and the line is free.
    pub fn cut(&mut self, at: u64) {
        let Some(link) = self.link else { return };
        self.sent = at;
        for (bytes, (start, end)) in self.line.drain(..).filter(|(_, (_, end))| *end > at) {
            // ns of sending per byte, of which only whole ones have left.
            let whole =
                |bps: u64| (u128::from(at - start) * u128::from(bps) / 8_000_000_000) as u64;
            let sent = if start < at { link.bps.map_or(0, whole) } else { 0 };
            self.lost.push_back((bytes - sent.min(bytes), (start.max(at), end)));
        }
    }

    /// What is told to be lost next.
    pub fn lost(&mut self) -> Option<(u64, (u64, u64))> {
        self.lost.pop_front()
    }

    /// A batch was computed; its answers travel.
    pub fn leave(&mut self, at: u64, ending: impl Iterator<Item = Ending>) {
        let one_way = self.link.map_or(0, |link| link.one_way);
        self.back.push_back((at + one_way, ending.collect()));
    }

    /// The answers that are back.
    pub fn arrive(&mut self, at: u64) -> Option<Vec<Ending>> {
        let (when, _) = self.back.front()?;
        if *when == at { self.back.pop_front().map(|(_, ending)| ending) } else { None }
    }

    /// Whether something should have been told by `now`.
    pub fn is_overdue(&self, now: u64) -> bool {
        let told = self.announced.is_empty() && self.lost.is_empty();
        !told || self.back.front().is_some_and(|(at, _)| *at <= now)
    }
}
