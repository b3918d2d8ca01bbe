//! Every registered scheduler with every source of accuracy it takes, in worlds drawn from seeds:
//! whatever it decides, the rules of the simulated world hold.
//!
//! The checkers (`common/check.rs`) read only what happened and what was asked and decided.

use crate::support::common::check::{self, Promise};
use crate::support::common::draw::{self, Case, Limits, Units};
use crate::support::common::recorder::Asked;
use crate::support::common::recounted_row::row;
use crate::support::common::{Happened, Log, Told};
use peeksim::contract::AccuracySource;

const SEEDS: u64 = 400;

/// Dispatchers whose line is never left waiting by an idle lane.
const WORKS: [&str; 3] = ["fcfs", "edf", "random"];

/// How often what the rules are about happened at all.
#[derive(Debug, Default)]
struct Seen {
    cases: usize,
    batches_of_many: usize,
    lanes_side_by_side: usize,
    evictions: usize,
    refusals: usize,
    /// Requests that became visible after they had arrived.
    peeks: usize,
    coincidences: usize,
    /// Batches whose way was taken when they were assigned.
    queues_on_the_way: usize,
    failures: usize,
    batches_lost: usize,
    loads_lost: usize,
    returns: usize,
    /// Payloads cut short or never begun, and answers that outlive their worker.
    sends_cut: usize,
    sends_lost: usize,
    answers_saved: usize,
    /// Late requests of which the scheduler had heard.
    drops: usize,
}

impl Seen {
    fn add(&mut self, log: &Log) {
        self.cases += 1;
        let (mut arrivals, mut down) = (Vec::new(), Vec::new());
        for event in &log.events {
            match event {
                Happened::Arrived { at, .. } => arrivals.push(*at),
                Happened::Visible { at, request } => {
                    self.peeks += usize::from(*at > arrivals[*request as usize]);
                }
                Happened::BatchStarted { lane, requests, .. } => {
                    self.batches_of_many += usize::from(requests.len() > 1);
                    self.lanes_side_by_side += usize::from(*lane > 0);
                }
                Happened::Evicted { .. } => self.evictions += 1,
                Happened::Rejected { .. } => self.refusals += 1,
                Happened::Sent { at, sending, .. } => {
                    self.queues_on_the_way += usize::from(sending.0 > *at);
                }
                Happened::WorkerFailed { at, worker, until } => {
                    self.failures += 1;
                    down.push((*worker, *at, *until));
                }
                Happened::SendLost { sending, at, bytes, .. } => {
                    self.sends_cut += usize::from(sending.0 == *at && *bytes > 0);
                    self.sends_lost += usize::from(sending.0 > *at);
                }
                Happened::Back { at, worker } => {
                    let gone = |(of, from, until): &(u16, u64, u64)| {
                        of == worker && from < at && at < until
                    };
                    self.answers_saved += usize::from(down.iter().any(gone));
                }
                Happened::BatchLost { .. } => self.batches_lost += 1,
                Happened::LoadLost { .. } => self.loads_lost += 1,
                Happened::Returned { .. } => self.returns += 1,
                _ => {}
            }
        }
        self.drops += log.asked.iter().map(|ask| ask.dropped.len()).sum::<usize>();
        let together = |ask: &&Asked| !ask.arrived.is_empty() && !ask.freed.is_empty();
        self.coincidences += log.asked.iter().filter(together).count();
    }

    /// Worlds in which nothing happens would show nothing.
    fn check(&self) {
        let Self { cases, batches_of_many, lanes_side_by_side, .. } = self;
        let Self { evictions, refusals, peeks, coincidences, queues_on_the_way, .. } = self;
        let Self { failures, batches_lost, loads_lost, returns, .. } = self;
        let Self { sends_cut, sends_lost, answers_saved, drops, .. } = self;
        let faults = [failures, batches_lost, loads_lost, returns];
        let both = [sends_cut, sends_lost, answers_saved];
        assert!(both.iter().all(|count| **count >= 200), "{self:?}");
        assert!(faults.iter().all(|count| **count >= 500), "{self:?}");
        let all = [batches_of_many, lanes_side_by_side, evictions, refusals, peeks, coincidences];
        let all = all.into_iter().chain([queues_on_the_way, drops]).collect::<Vec<_>>();
        assert!(*cases >= 500 && all.iter().all(|count| **count >= 500), "{self:?}");
    }
}

#[test]
fn the_rules_of_the_world_hold_for_every_scheduler() {
    let mut seen = Seen::default();
    for seed in 0..SEEDS {
        // Links in some worlds, failures in some, both in some.
        let (links, faults) = (seed % 3 != 0, seed % 3 != 1);
        let case = Case::draw(
            seed,
            Limits {
                links,
                faults,
                residents: seed % 2 == 0,
                shares: seed % 3 == 0,
                ..Limits::ALL
            },
        );
        for (at, entry) in (0u64..).zip(draw::built_in()) {
            let case = draw::for_entry(&case, entry);
            for source in draw::sources(entry) {
                let name = source.map(|(name, _)| name);
                let scheduler = draw::scheduler(seed * 100 + at, entry, name, Units::PLAIN);
                let promise = Promise {
                    works: WORKS.contains(&entry.name),
                    peeks: source.is_some_and(|(_, info)| info == AccuracySource::Posterior),
                };
                // Late requests are dropped in some worlds, once more.
                let drops = seed.is_multiple_of(5).then(|| case.with_drops(promise.peeks));
                for case in std::iter::once(&case).chain(&drops) {
                    let drops = case.world.setup.drop_late;
                    let _told = Told(format!("seed {seed}, {scheduler}, drops {drops}"));
                    let mut log = case.world.run(&scheduler);
                    let verdict = check::world(&case.facts, &log, promise)
                        .and_then(|()| check::little(&log))
                        .and_then(|()| row(case, &mut log));
                    verdict.unwrap_or_else(|why| panic!("{why}"));
                    assert_eq!(log.told_late, log.late, "late answers of completions");
                    seen.add(&log);
                }
            }
        }
    }
    println!("{seen:?}");
    seen.check();
}
