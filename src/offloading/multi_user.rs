//! Dialogues of many users at once on one device and one cloud: every turn is a request to the
//! simulation engine.
//!
//! Device and cloud are workers of the engine: lanes, speed, slowdowns, failures, and a link to the
//! cloud, whose uplink sends one payload after the other. Both serve first come, first served.
//! Dialogue i belongs to user i modulo the number of users, and the dialogues of a user are
//! consecutive. In a closed loop a turn arrives a think time after the answer to the previous one;
//! in an open loop turns arrive at a fixed interval. Latency counts from a turn's arrival and
//! includes the waiting time, in the budget and in the reward, whose latency term is normalised
//! over the kinds of calls and not clipped. A single user in a closed loop on a system without
//! anything else never waits: that is the published setting. Turns that arrive at the same instant
//! are decided and queued in the order of user numbers.
//!
//! Service times are those of the cost table. What a call takes beyond it is the difference to the
//! simulated clock, in whole nanoseconds. The spent budget that a policy sees counts answered turns
//! only. A policy is told how much longer than the table a call of each kind would take. That is
//! exact, since later calls queue behind it, unless the rate of the uplink changes, a worker fails,
//! or it becomes slower.
//!
//! When a worker fails, the turns that it had are decided again; nothing is paid for the lost
//! calls. A turn is never answered if it is sent to a worker that never comes back, or the run ends
//! before: its response is 0, and its latency lasts up to the end of the run. In a closed loop its
//! user sends no more.
//!
//! Users travel with requests ([`Request::source`](crate::core::ids::Request::source)); all other
//! state of dialogues is in `Session`, which drives the step machine of the engine.

mod arrivals;
mod background;
mod session;
mod system;
mod workers;

pub use background::Background;

use super::cost::{Cost, Costs};
use super::evaluate::{DialogueResult, Scorer};
use super::model::DialogueModel;
use super::policy::OffloadPolicy;
use crate::config::{Location, Problem, Problems};
use crate::contract::AccuracySource;
use crate::core::rng::Rng;
use crate::core::units::{Span, Time};
use crate::engine::Simulation;
use crate::system::catalog::WorkerSpec;
use arrivals::TurnArrivals;
use session::Session;
use std::sync::Arc;
use system::System;

/// Concurrent users, their pacing, the system, and what policies are told.
#[derive(Clone, Debug)]
pub struct MultiUserSpec {
    /// Number of concurrent users, at least 1.
    pub users: u32,
    /// When a user's next turn arrives.
    pub pacing: TurnPacing,
    /// Whether policies are told how long calls would wait; otherwise that none does.
    pub queue_info: bool,
    /// The device: one worker without a link. Its class is that of the measurements of background
    /// applications.
    pub device: WorkerSpec,
    /// The cloud: one worker. Its link replaces that of the costs, which must be those of a link.
    pub cloud: WorkerSpec,
    /// Memory of the device's language model, in bytes, and the time of its load.
    pub device_model: (u64, Span),
    /// Other applications on the device.
    pub background: Option<Background>,
    /// The end of the run; `None` if it ends with the last turn that can be answered.
    pub until: Option<Time>,
    /// The root of the random numbers of background requests.
    pub rng: Rng,
}

impl MultiUserSpec {
    /// Users on a device of one lane and a cloud of some, and nothing else. Models are resident and
    /// take no memory; policies are told how long calls would wait.
    pub fn new(users: u32, pacing: TurnPacing, cloud_lanes: u16) -> Self {
        Self {
            users,
            pacing,
            queue_info: true,
            device: WorkerSpec::new("device"),
            cloud: WorkerSpec { lanes: cloud_lanes, ..WorkerSpec::new("cloud") },
            device_model: (0, Span::ZERO),
            background: None,
            until: None,
            rng: Rng::new(0, 0),
        }
    }

    /// Whether these costs fit: a cloud behind a link needs costs by bytes.
    ///
    /// # Errors
    /// They do not, there is no user, or device and cloud are not one worker each.
    pub fn check(&self, costs: &Costs) -> Result<(), Problem> {
        let refuse = |worker: &WorkerSpec, found: String, expected: &str| {
            Err(Problem::new(worker.place.clone(), found, expected))
        };
        if self.users == 0 {
            return Err(Problem::new(Location::file("users"), "no user", "one user or more"));
        }
        for (worker, what) in [(&self.device, "device"), (&self.cloud, "cloud")] {
            if worker.count != 1 || worker.lanes == 0 {
                let found = format!("{} workers of {} lanes", worker.count, worker.lanes);
                return refuse(worker, found, &format!("one {what} of one lane or more"));
            }
        }
        if self.device.link.is_some() {
            let expected = "a device where the turns arrive, without a link";
            return refuse(&self.device, "a device behind a link".to_owned(), expected);
        }
        if self.cloud.link.is_some() && costs.link.is_none() {
            let expected = "costs by bytes and link: the latencies of a cost table have the \
                            network in them";
            return refuse(&self.cloud, "a link and a table of latencies".to_owned(), expected);
        }
        Ok(())
    }
}

/// When a user's next turn arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnPacing {
    /// This long after the answer to the previous turn.
    Closed(Span),
    /// This long after the previous turn; first turns are spread evenly over the first interval.
    Open(Span),
}

/// The time that the costs of a kind of call say, in whole nanoseconds.
fn service(model: &DialogueModel, kind: usize) -> Span {
    Span::from_s(model.params.costs.latency_s[kind]).max(Span(1))
}

/// Runs each of `dialogues` once, concurrently by user. Results are in the order of `dialogues`.
///
/// # Errors
/// The system cannot be built, or the simulation failed.
pub fn evaluate(
    model: &DialogueModel,
    scorer: Scorer<'_>,
    dialogues: &[usize],
    policy: &mut dyn OffloadPolicy,
    budget: Cost,
    spec: &MultiUserSpec,
) -> Result<Vec<DialogueResult>, String> {
    let said = |problems: Problems| problems.to_string();
    let system = System::new(model, spec).map_err(said)?;
    let others = spec.background.as_ref();
    let others = others.map(|others| others.arrivals(&spec.device, spec.rng));
    let others = others.transpose().map_err(said)?;
    let truth = Arc::clone(&system.truth);
    let app = system.app;
    let mut session = Session::new((model, scorer), dialogues, policy, budget, (spec, system));
    let arrivals = TurnArrivals::new(&session.turns_by_user(), spec.pacing, app, others);
    let granted = AccuracySource::Profiled;
    let mut sim = Simulation::new(truth, Box::new(arrivals), granted, spec.rng, "dialogues");
    session.run(&mut sim).map_err(|error| error.to_string())?;
    Ok(session.into_results(sim.view().now()))
}
