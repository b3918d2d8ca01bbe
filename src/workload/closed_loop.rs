//! A closed loop: `clients` send a request, wait for its answer (or refusal), think, and send the
//! next. Nobody has two requests at once, so overload slows the clients instead of filling a line.
//!
//! A request arrives when its client means to send it, think time after the end of the one before:
//! latency is counted from there, and nothing that delays it goes uncounted. Think times are
//! exponential with mean `think_ms`, or constant. All clients think first. Requests of one instant
//! arrive in the order of their clients' numbers. What a client's n-th
//! request is and how long it thinks before are drawn from a stream of the client's own: they do
//! not depend on the scheduler, only when it is sent does.

use super::trace_rows::RequestSampler;
use super::{ArrivalEntry, Arrivals, Process, RateSpec, WorkloadSpec};
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Problem, Setting};
use crate::core::ids::Arrival;
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

/// Whether think times are constant.
const THINK: [(&str, bool); 2] = [("exponential", false), ("constant", true)];

fn read(read: &mut Decoder<'_>) -> Process {
    let count = read.required_integer("clients", "how many send requests");
    let setting = Clients {
        count: count.unwrap_or(1) as u32,
        think: Span::from_ms(read.number("think_ms")),
        steady: read.choice("think", &THINK),
    };
    Process::Whole(Arc::new(move |plan, truth, rng| {
        Ok(Box::new(Closed::new(setting, plan, truth, rng)?))
    }))
}

/// Who sends requests in a closed loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clients {
    /// How many, at least 1.
    count: u32,
    /// Mean time between an answer and the next request.
    think: Span,
    /// Whether thinking always takes that long.
    steady: bool,
}

/// Who thinks, and whose answer is waited for. Every client has at most one request.
#[derive(Clone, Debug, Default)]
pub struct ClientPool {
    /// Who thinks, and until when.
    thinking: BinaryHeap<Reverse<(Time, u32)>>,
    /// Whose request each number is, while it has not ended.
    waiting: BTreeMap<u32, u32>,
    /// Requests handed out.
    sent: u32,
}

impl ClientPool {
    /// Lets a client think.
    pub fn think(&mut self, client: u32, until: Time) {
        self.thinking.push(Reverse((until, client)));
    }

    /// How many requests were handed out.
    pub fn sent(&self) -> u32 {
        self.sent
    }

    /// Whose request is next, and when.
    pub fn send(&mut self) -> Option<(Time, u32)> {
        let Reverse((time, client)) = self.thinking.pop()?;
        self.waiting.insert(self.sent, client);
        self.sent += 1;
        Some((time, client))
    }

    /// Whose request has ended.
    pub fn ended(&mut self, number: u32) -> Option<u32> {
        self.waiting.remove(&number)
    }

    /// Whether a client that thinks is to send before the one whose arrival was handed out last,
    /// which then goes back to the others: earlier, or at the same instant with a lower number.
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
    setting: Clients,
    requests: RequestSampler,
    clients: Vec<Client>,
    turns: ClientPool,
    most: u64,
}

struct Client {
    coins: ChaCha8Rng,
    budgets: ChaCha8Rng,
    /// What it will send next.
    next: Arrival,
}

impl Closed {
    fn new(
        setting: Clients,
        plan: &WorkloadSpec,
        truth: &Arc<GroundTruth>,
        rng: Rng,
    ) -> Result<Self, Problem> {
        if plan.pace != RateSpec::Own {
            let place = plan.place.clone().field("workload.rate_rps");
            let expected = "clients and think_ms: answers set the pace";
            return Err(Problem::new(place, "a rate for a closed loop", expected));
        }
        let mut closed = Self {
            setting,
            requests: RequestSampler::new(plan, truth, rng)?,
            clients: Vec::new(),
            turns: ClientPool::default(),
            most: plan.requests,
        };
        for client in 0..setting.count {
            let seed = rng.keyed(Label::Clients, u64::from(client), 0);
            let coins = ChaCha8Rng::seed_from_u64(seed);
            let mut budgets = coins.clone();
            budgets.set_stream(1);
            let next = closed.requests.draw(Time::ZERO);
            closed.clients.push(Client { coins, budgets, next });
            closed.think(client, Time::ZERO);
        }
        Ok(closed)
    }

    /// Lets a client think from `now` on.
    fn think(&mut self, client: u32, now: Time) {
        let Client { coins, budgets, next } = &mut self.clients[client as usize];
        let mean = self.setting.think;
        let part = exponential(coins.random());
        let until = now + if self.setting.steady { mean } else { mean.scale(part) };
        *next = Arrival { client, ..self.requests.draw_for(until, coins, budgets) };
        self.turns.think(client, until);
    }
}

impl Arrivals for Closed {
    fn next_arrival(&mut self) -> Option<Arrival> {
        if u64::from(self.turns.sent()) >= self.most {
            return None;
        }
        let (_, client) = self.turns.send()?;
        Some(self.clients[client as usize].next)
    }

    fn observes_completions(&self) -> bool {
        true
    }

    fn request_ended(&mut self, number: u32, at: Time, next: &mut Option<Arrival>) {
        let Some(client) = self.turns.ended(number) else { return };
        self.think(client, at);
        if self.turns.overtakes(*next) {
            *next = self.next_arrival();
        }
    }
}
