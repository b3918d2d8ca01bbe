//! Poisson arrivals whose rate depends on a random state: Markov-modulated (MMPP) with exponential
//! sojourns, on-off with two states of which one has no arrivals.
//!
//! States follow each other uniformly (two states alternate), so that each has a share of time as
//! its mean length has of their sum. For two states with rates λ and mean lengths 1/q the index of
//! dispersion of counts tends to
//! 1 + 2 q₁₂ q₂₁ (λ₁ − λ₂)² / ((q₁₂ + q₂₁)² (λ₁ q₂₁ + λ₂ q₁₂)) (Fischer and Meier-Hellstern 1993).

use super::steps::Steps;
use super::timed::{InterarrivalProcess, StartProcess, poisson_gap};
use super::{ArrivalEntry, Process};
use crate::config::settings::names;
use crate::config::{Decoder, Kind, Problem, Setting, decode};
use crate::core::rng::exponential;
use crate::core::units::{NS_PER_MS, NS_PER_S, Span, Time};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

pub(super) const MMPP: ArrivalEntry = ArrivalEntry {
    name: "mmpp",
    summary: "Poisson arrivals whose rate jumps between relative `rates`, after `sojourn_ms` each",
    settings: &[&[
        Setting::optional("rates", Kind::List(&Kind::Number(0.0, 1e12)), "[1, 9]")
            .means("The rate of each state, relative to each other."),
        Setting::optional("sojourn_ms", Kind::List(&Kind::Number(1e-3, 1e12)), "[900, 100]")
            .means("The mean time in each state."),
    ]],
    source: "Markov-modulated Poisson process; jumps as in AlpaServe (Li et al., OSDI 2023)",
    read: |fields| {
        let rates = list(fields, "rates", vec![1.0, 9.0]);
        let lengths_ms = list(fields, "sojourn_ms", vec![900.0, 100.0]);
        if rates.len() != lengths_ms.len() || rates.len() < 2 || rates.iter().all(|r| *r == 0.0) {
            let place = fields.place().clone();
            let found = format!("rates {rates:?} and sojourns {lengths_ms:?}");
            let expected = "one of each for every state, two states at least, a rate above 0";
            fields.problems().push(Problem::new(place, found, expected));
            return Process::Timed(on_off([1.0, 1.0], SojournDistribution::Fixed));
        }
        Process::Timed(start(rates, lengths_ms, SojournDistribution::Exponential))
    },
};

pub(super) const ON_OFF: ArrivalEntry = ArrivalEntry {
    name: "on-off",
    summary: "Poisson arrivals in on-phases, none between; `copies` of it at once",
    settings: &[&[
        Setting::number("on_ms", [1e-3, 1e12], 100.0).means("The mean length of an on-phase."),
        Setting::number("off_ms", [1e-3, 1e12], 900.0).means("The mean length of an off-phase."),
        Setting::choice("phases", &names(&PHASES))
            .means("The distribution of the lengths of phases."),
        Setting::number("alpha", [1.01, 100.0], PARETO_ALPHA)
            .means("The tail index of the lengths, for `phases = \"pareto\"`."),
        Setting::integer("copies", [1, 10_000], 1)
            .means("The number of independent processes that are superposed."),
    ]],
    source: "interrupted Poisson process; superposed Pareto phases are self-similar as in \
             Willinger et al. (SIGCOMM 1995)",
    read: |fields| {
        let lengths_ms = ["on_ms", "off_ms"].map(|key| fields.number(key));
        let mut sojourns = fields.choice("phases", &PHASES);
        if let SojournDistribution::Pareto(alpha) = &mut sojourns {
            *alpha = fields.number("alpha");
        }
        let copies = fields.integer("copies");
        Process::Timed(superposed(copies, on_off(lengths_ms, sojourns)))
    },
};

const PARETO_ALPHA: f64 = 1.5;
const PHASES: [(&str, SojournDistribution); 3] = [
    ("exponential", SojournDistribution::Exponential),
    ("pareto", SojournDistribution::Pareto(PARETO_ALPHA)),
    ("fixed", SojournDistribution::Fixed),
];

#[derive(Clone, Copy)]
enum SojournDistribution {
    Exponential,
    Pareto(f64),
    Fixed,
}

impl SojournDistribution {
    /// A length of mean 1.
    fn draw(self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Exponential => exponential(rng.random()),
            Self::Pareto(alpha) => {
                libm::exp(exponential(rng.random()) / alpha) * (alpha - 1.0) / alpha
            }
            Self::Fixed => 1.0,
        }
    }

    /// A typical length: with a heavy tail most are shorter than the mean.
    fn typical(self) -> f64 {
        match self {
            Self::Exponential | Self::Fixed => 1.0,
            Self::Pareto(alpha) => (alpha - 1.0) / alpha,
        }
    }
}

fn on_off(lengths_ms: [f64; 2], sojourns: SojournDistribution) -> StartProcess {
    start(vec![1.0, 0.0], lengths_ms.to_vec(), sojourns)
}

/// Starts processes with these relative rates; in the first state if lengths are fixed, otherwise
/// in one drawn by its share of time.
fn start(rates: Vec<f64>, lengths_ms: Vec<f64>, sojourns: SojournDistribution) -> StartProcess {
    let cycle: f64 = lengths_ms.iter().sum();
    let mean = rates.iter().zip(&lengths_ms).map(|(r, l)| r * l).sum::<f64>() / cycle;
    Arc::new(move |rate_rps, rng| {
        let gap = |rate: &f64| NS_PER_S as f64 * mean / (rate_rps * rate);
        let mut modulated = Modulated {
            gaps_ns: rates.iter().map(gap).collect(),
            lengths_ns: lengths_ms.iter().map(|ms| ms * NS_PER_MS as f64).collect(),
            sojourns,
            state: 0,
            now: Time::ZERO,
            until: Time::ZERO,
        };
        if !matches!(sojourns, SojournDistribution::Fixed) {
            let mut left = rng.random::<f64>() * cycle;
            let drawn = lengths_ms.iter().position(|ms| {
                left -= ms;
                left < 0.0
            });
            modulated.state = drawn.unwrap_or(0);
        }
        modulated.stay(rng);
        Box::new(modulated)
    })
}

/// Copies of a process that share the rate. With Pareto phases of 1 < α < 2 their counts tend to
/// self-similarity with Hurst parameter (3 − α) / 2.
fn superposed(copies: u64, one: StartProcess) -> StartProcess {
    if copies == 1 {
        return one;
    }
    Arc::new(move |rate_rps, _| {
        let (one, rate_rps) = (Arc::clone(&one), rate_rps / copies as f64);
        Box::new(Superposed { one, copies, rate_rps, heads: BinaryHeap::new(), each: Vec::new() })
    })
}

struct Superposed {
    one: StartProcess,
    copies: u64,
    /// Of each copy.
    rate_rps: f64,
    /// The next instant of each; empty before the first.
    heads: BinaryHeap<Reverse<(Time, u64)>>,
    each: Vec<Box<dyn InterarrivalProcess>>,
}

impl Superposed {
    fn begin(&mut self, rng: &mut ChaCha8Rng) {
        for at in 0..self.copies {
            let mut times = (self.one)(self.rate_rps, rng);
            self.heads.push(Reverse((times.next_time(rng), at)));
            self.each.push(times);
        }
    }
}

impl InterarrivalProcess for Superposed {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        if self.each.is_empty() {
            self.begin(rng);
        }
        let Some(mut head) = self.heads.peek_mut() else { return Time(u64::MAX) };
        let Reverse((now, at)) = *head;
        *head = Reverse((self.each[at as usize].next_time(rng), at));
        now
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        let copies = self.copies as f64;
        // The generator does not matter; each copy draws one more request than arrive.
        let copy = (self.one)(self.rate_rps, &mut ChaCha8Rng::seed_from_u64(0));
        let steps = copy.steps(requests / copies + 1.0)?;
        Some(Steps { count: steps.count * copies, ..steps })
    }
}

struct Modulated {
    /// Mean gap of each state; infinite where nothing arrives.
    gaps_ns: Vec<f64>,
    lengths_ns: Vec<f64>,
    sojourns: SojournDistribution,
    state: usize,
    now: Time,
    /// When the state ends.
    until: Time,
}

impl Modulated {
    fn stay(&mut self, rng: &mut ChaCha8Rng) {
        self.until =
            self.now + Span::from_ns(self.sojourns.draw(rng) * self.lengths_ns[self.state]);
    }
}

impl InterarrivalProcess for Modulated {
    fn next_time(&mut self, rng: &mut ChaCha8Rng) -> Time {
        loop {
            let next = self.now + poisson_gap(self.gaps_ns[self.state], rng);
            // Poisson arrivals are memoryless: a new gap is drawn when the state changes.
            if next < self.until {
                self.now = next;
                return next;
            }
            self.now = self.until;
            if self.now == Time::MAX {
                return self.now;
            }
            let others = self.gaps_ns.len() - 1;
            let step = if others == 1 { 1 } else { rng.random_range(1..=others) };
            self.state = (self.state + step) % (others + 1);
            self.stay(rng);
        }
    }

    fn steps(&self, requests: f64) -> Option<Steps> {
        // Requests of a cycle through all states, by their shares of time.
        let held: f64 = self.lengths_ns.iter().zip(&self.gaps_ns).map(|(l, gap)| l / gap).sum();
        let states = requests / held * self.gaps_ns.len() as f64 / self.sojourns.typical();
        let fewer = "longer states (`sojourn_ms`; `on_ms`, `off_ms`)";
        Some(Steps { count: requests + states, what: "changes of state", by_rate: true, fewer })
    }
}

fn list(read: &mut Decoder<'_>, key: &'static str, default: Vec<f64>) -> Vec<f64> {
    let Some(node) = read.take(key) else { return default };
    let items = decode::array(node, read.problems());
    let numbers: Vec<f64> = items.iter().filter_map(|item| read.number_at(key, item)).collect();
    // Problems of items have been reported.
    if numbers.len() < items.len() { default } else { numbers }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::rng::{Label, Rng};

    #[test]
    fn a_state_beyond_the_clock_is_the_last() {
        let mut rng = Rng::new(4, 0).stream(Label::Arrivals);
        let mut times =
            start(vec![1.0, 0.0], vec![1.0, 1e30], SojournDistribution::Fixed)(1e-27, &mut rng);
        let last = (0..1000).map(|_| times.next_time(&mut rng)).find(|time| *time == Time::MAX);
        assert!(last.is_some() && times.next_time(&mut rng) == Time::MAX);
    }
}
