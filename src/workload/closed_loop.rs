//! A closed loop: `clients` send a request, wait for its answer (or refusal), think, and send the
//! next. No client has two requests at once, so overload slows the clients instead of growing a
//! queue.
//!
//! A request arrives one think time after the end of the client's last one, and latency is counted
//! from there. Think times are exponential with mean `think_ms`, or constant. All clients think
//! first. Requests of one instant arrive in the order of their clients' numbers. A client's n-th
//! request and think time are drawn from the client's own stream: they do not depend on the
//! scheduler, only the instant of sending does.

use super::request_sources::{SourceSampler, check_budgets};
use super::trace_rows::RequestSampler;
use super::{ArrivalEntry, Arrivals, Process, RateSpec, RequestSources, WorkloadSpec};
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Problem, Setting};
use crate::core::ids::{Arrival, SourceId};
use crate::core::rng::{Label, Rng, exponential};
use crate::core::units::{Span, Time};
use crate::system::ground_truth::GroundTruth;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

pub(super) const ENTRY: ArrivalEntry = ArrivalEntry {
    name: "closed",
    summary: "`clients` that wait for their answer and think before they send again",
    settings: &[&[
        Setting::required("clients", Kind::Integer(1, 1_000_000)).means(
            "The number of clients, each of which waits for its answer before it sends again.",
        ),
        Setting::number("think_ms", [0.0, 1e9], 1000.0)
            .means("The mean time from an answer to the next request of its client."),
        Setting::choice("think", &names(&THINK)).means("The distribution of that time."),
    ]],
    source: "machine repair model (Kleinrock, Queueing Systems, volume 1, 1975, section 3.8)",
    read,
};

const THINK: [(&str, bool); 2] = [("exponential", false), ("constant", true)];

fn read(read: &mut Decoder<'_>) -> Process {
    let count = read.required_integer("clients", "how many send requests");
    let clients = ClientSpec {
        count: count.unwrap_or(1) as u32,
        think: Span::from_ms(read.number("think_ms")),
        steady: read.choice("think", &THINK),
    };
    Process::Whole(Arc::new(move |spec, truth, rng| {
        Ok(Box::new(Closed::new(clients, spec, truth, rng)?))
    }))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct ClientSpec {
    /// Their number, at least 1.
    count: u32,
    think: Span,
    steady: bool,
}

/// The clients that think, and those that wait for an answer. Every client has at most one request.
#[derive(Clone, Debug, Default)]
pub struct ClientPool {
    /// (end of think time, client).
    thinking: BinaryHeap<Reverse<(Time, u32)>>,
    /// Clients by the arrival number of their request.
    waiting: BTreeMap<u32, u32>,
    /// Requests sent.
    sent: u32,
}

impl ClientPool {
    /// Starts the think time of a client.
    pub fn think(&mut self, client: u32, until: Time) {
        self.thinking.push(Reverse((until, client)));
    }

    /// The number of requests sent.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Sends the next request: its instant and client.
    pub fn send(&mut self) -> Option<(Time, u32)> {
        let Reverse((time, client)) = self.thinking.pop()?;
        self.waiting.insert(self.sent, client);
        self.sent += 1;
        Some((time, client))
    }

    /// The client of a request that has ended.
    pub fn ended(&mut self, number: u32) -> Option<u32> {
        self.waiting.remove(&number)
    }

    /// Whether a thinking client sends before the client of `next`, the last arrival given:
    /// earlier, or at the same instant with a lower number. Then the latter thinks again.
    pub fn overtakes(&mut self, next: Option<Arrival>) -> bool {
        let Some(Reverse((until, client))) = self.thinking.peek() else { return false };
        let Some(held) = next else { return true };
        let holder = self.sent.checked_sub(1).and_then(|last| self.waiting.get(&last));
        if (held.time, holder) <= (*until, Some(client)) {
            return false;
        }
        if let Some(client) = self.waiting.remove(&(self.sent - 1)) {
            self.sent -= 1;
            self.think(client, held.time);
        }
        true
    }
}

struct Closed {
    spec: ClientSpec,
    requests: RequestSampler,
    clients: Vec<Client>,
    pool: ClientPool,
    /// The number of requests of the run.
    requests_total: u64,
    /// Whether clients are the sources of their requests.
    has_sources: bool,
}

struct Client {
    rng: ChaCha8Rng,
    budgets: ChaCha8Rng,
    /// The request that it sends next.
    next: Arrival,
}

impl Closed {
    fn new(
        clients: ClientSpec,
        spec: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        if spec.pace != RateSpec::Own {
            let expected = "clients and think_ms: answers set the pace";
            return Err(spec.problem("workload.rate_rps", "a rate for a closed loop", expected));
        }
        if matches!(spec.request_sources, RequestSources::Drawn(_)) {
            let expected = "`own`: the clients of a closed loop are its sources";
            return Err(spec.problem("workload.sources", "sources that are drawn", expected));
        }
        let has_sources = spec.request_sources == RequestSources::Own;
        let count = if has_sources { clients.count as usize } else { 0 };
        for app in truth.catalog().app_ids() {
            check_budgets(spec, truth, app, count)?;
        }
        let drawn = SourceSampler::default();
        let mut closed = Self {
            spec: clients,
            has_sources,
            requests: RequestSampler::with_sources(drawn, spec, truth, rng)?,
            clients: Vec::new(),
            pool: ClientPool::default(),
            requests_total: spec.requests,
        };
        for client in 0..clients.count {
            let seed = rng.keyed(Label::Clients, u64::from(client), 0);
            let rng = ChaCha8Rng::seed_from_u64(seed);
            let mut budgets = rng.clone();
            budgets.set_stream(1);
            let next = closed.requests.draw(Time::ZERO);
            closed.clients.push(Client { rng, budgets, next });
            closed.think(client, Time::ZERO);
        }
        Ok(closed)
    }

    /// Starts the think time of a client.
    fn think(&mut self, client: u32, now: Time) {
        let Client { rng, budgets, next } = &mut self.clients[client as usize];
        let mean = self.spec.think;
        let factor = exponential(rng.random());
        let until = now + if self.spec.steady { mean } else { mean.scale(factor) };
        let source = self.has_sources.then(|| SourceId::new(client));
        *next = self.requests.draw_for(until, source, rng, budgets);
        self.pool.think(client, until);
    }
}

impl Arrivals for Closed {
    fn next_arrival(&mut self) -> Option<Arrival> {
        if u64::from(self.pool.sent()) >= self.requests_total {
            return None;
        }
        let (_, client) = self.pool.send()?;
        Some(self.clients[client as usize].next)
    }

    fn observes_completions(&self) -> bool {
        true
    }

    fn request_ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some(client) = self.pool.ended(number) else { return };
        self.think(client, at);
        if self.pool.overtakes(*next) {
            *next = self.next_arrival();
        }
    }
}
