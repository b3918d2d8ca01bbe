//! The end of the clock: time has 64 bits of nanoseconds, 584 years.
//!
//! Sums of time saturate at [`Time::MAX`], which is later than every event. A run with an arrival
//! or a queued event at that instant fails with a message that names it.

use super::Simulation;
use crate::core::ids::WorkerId;
use crate::core::units::Time;
use crate::engine::event_queue::EventKind;

impl Simulation {
    /// An event beyond the clock and the settings on which its time depends; `None` if there is
    /// none.
    #[cold]
    pub(super) fn beyond_the_clock(&mut self) -> Option<(String, String)> {
        if let Some(kind) = self.queue.pop_at(Time::MAX) {
            return Some(self.late(kind));
        }
        self.drawn.get(self.taken).map(|_| {
            let what = format!("request {} arrives later", self.counts.arrived);
            (what, "`workload`: its rate, and how gaps or phases vary".to_owned())
        })
    }

    fn late(&self, kind: EventKind) -> (String, String) {
        let name = |worker: WorkerId| self.state.catalog.worker(worker).name.as_str();
        match kind {
            EventKind::BatchEnd(worker, lane) => {
                let lane = &self.state.workers[worker.index()].lanes[usize::from(lane)];
                let variant = lane.as_ref().map(|lane| self.state.catalog.variant(lane.variant));
                let variant = variant.map_or("", |variant| &variant.name);
                let what = format!("a batch of {variant} on worker {} ends later", name(worker));
                (what, self.truth.slowed_by(worker))
            }
            EventKind::LoadEnd(worker) => {
                let what = format!("a load on worker {} ends later", name(worker));
                (what, "`speed`, and `load_ms` of the profile".to_owned())
            }
            EventKind::Ready(worker) => {
                let what = format!("worker {} can begin later", name(worker));
                let linked = self.state.catalog.worker(worker).link.is_some();
                let keys =
                    if linked { "`link.uplink_mbps`, `payload_bytes`" } else { "`failures`" };
                (what, keys.to_owned())
            }
            EventKind::Response(slot) => {
                let worker = self.responding(slot).map_or("", name);
                let keys = "`rtt_ms`, and the host's work in device.csv";
                (format!("answers of worker {worker} arrive later"), keys.to_owned())
            }
            EventKind::PeekEnd | EventKind::Answers => {
                ("a peek ends later".to_owned(), "`peek.latency_ms`".to_owned())
            }
            EventKind::Failure(worker, _) => {
                (format!("worker {} fails later", name(worker)), "`failures`".to_owned())
            }
        }
    }
}
