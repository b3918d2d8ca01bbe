//! What the time of a request between its arrival and its answer was spent on.
//!
//! The parts of a latency add up to it exactly, in nanoseconds. While a request waits for a
//! decision, each instant counts for what the workers that can serve its application do: if one of
//! them is idle, the scheduler held the request ([`Part::Window`]); else the instant is divided
//! equally among these workers, by what each of them does. Once the request is assigned, only its
//! own worker counts.
//!
//! Batches are numbered in the order in which they start, peeks left out.

mod clocks;
mod tracker;

pub use tracker::LatencyBreakdowns;

use crate::core::units::Span;

/// What a part of a latency was spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Its SneakPeek model looked at other requests, or at it.
    Peek,
    /// It waited for a decision although a worker was idle.
    Window,
    /// Workers computed other batches.
    Queue,
    /// Workers loaded variants, or waited for the end of batches to begin a load.
    Load,
    /// Workers were down, or its batch was lost with its worker.
    Failure,
    /// The scheduler ended its batch without a result.
    Preemption,
    /// Its payload or its answer was on the link, or waited for it; before the decision, the links
    /// to workers were taken by other batches.
    Link,
    /// The host worked before or after its batch; before the decision, on other batches.
    Host,
    /// The decision took time.
    Overhead,
    /// Its batch took longer than it would have taken alone.
    Batch,
    /// It was computed, as long as it takes alone.
    Service,
}

impl Part {
    /// All parts with their names, in order.
    pub const ALL: [(&'static str, Self); 11] = [
        ("peek", Self::Peek),
        ("window", Self::Window),
        ("queue", Self::Queue),
        ("load", Self::Load),
        ("failure", Self::Failure),
        ("preemption", Self::Preemption),
        ("link", Self::Link),
        ("host", Self::Host),
        ("overhead", Self::Overhead),
        ("batch", Self::Batch),
        ("service", Self::Service),
    ];

    /// The name in results.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].0
    }
}

/// The parts of a latency, and where the request was computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyBreakdown {
    parts: [Span; Part::ALL.len()],
    /// The lane of its batch, and the number of that batch.
    pub batch: Option<(usize, u64)>,
    /// Requests that waited when it arrived: arrived, and not yet computed.
    pub waiting: u64,
}

impl LatencyBreakdown {
    /// One part.
    pub fn part(&self, part: Part) -> Span {
        self.parts[part as usize]
    }

    /// All parts that are not zero, in order.
    pub fn parts(&self) -> impl Iterator<Item = (Part, Span)> + '_ {
        let all = Part::ALL.iter().map(|(_, part)| (*part, self.part(*part)));
        all.filter(|(_, span)| *span > Span::ZERO)
    }

    /// Why an answer came after its deadline: the longest part other than the service, the first
    /// of equals; the service if that alone exceeds the budget.
    pub fn cause(&self, budget: Span) -> Part {
        if self.part(Part::Service) > budget {
            return Part::Service;
        }
        let waits = self.parts().filter(|(part, _)| *part != Part::Service);
        let longest = waits.max_by_key(|(part, span)| (*span, std::cmp::Reverse(*part)));
        longest.map_or(Part::Service, |(part, _)| part)
    }

    fn add(&mut self, part: Part, span: Span) {
        self.parts[part as usize] += span;
    }
}
