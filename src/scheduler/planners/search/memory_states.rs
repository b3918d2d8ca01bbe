//! The contents that a worker's memory can have within a plan, each with a number, so that searches
//! compare and look them up cheaply.

use super::window_problem::{Part, VariantOption, WindowProblem};
use crate::core::ids::VariantId;
use crate::core::units::Span;
use crate::system::lru_memory::LruMemory;
use std::collections::BTreeMap;

/// A content of memory: what is in it, least recently used first.
struct MemoryState {
    content: LruMemory,
    /// By part, the least load before a batch of it.
    waits: Vec<Span>,
    /// The time in which any other content becomes this one, if one load always does.
    reach: Option<Span>,
    /// By variant, the number of the content after it ran; `u32::MAX` if not known yet.
    after: Vec<u32>,
}

/// All contents met so far; number 0 is what is resident when the plan begins.
pub struct MemoryStates {
    states: Vec<MemoryState>,
    numbers: BTreeMap<Vec<VariantId>, u32>,
}

impl MemoryStates {
    pub fn new(problem: &WindowProblem<'_>) -> Self {
        let mut states = Self { states: Vec::new(), numbers: BTreeMap::new() };
        states.number(problem, problem.backlog.memory().clone());
        states
    }

    fn number(&mut self, problem: &WindowProblem<'_>, content: LruMemory) -> u32 {
        let next = self.states.len() as u32;
        let number = *self.numbers.entry(content.iter().collect()).or_insert(next);
        if number == next {
            self.states.push(MemoryState {
                waits: waits(problem, &content),
                reach: reach(problem, &content),
                content,
                after: Vec::new(),
            });
        }
        number
    }

    /// By part, the least time that loading takes before a batch of it can begin.
    #[inline]
    pub fn waits(&self, memory: u32) -> &[Span] {
        &self.states[memory as usize].waits
    }

    /// The time in which any other content becomes this one, if one load always does.
    #[inline]
    pub fn reach(&self, memory: u32) -> Option<Span> {
        self.states[memory as usize].reach
    }

    /// The time it takes to load a variant, none if it is resident, and the content after it ran.
    /// The SneakPeek model answers without being loaded.
    #[inline]
    pub fn run(
        &mut self,
        problem: &WindowProblem<'_>,
        memory: u32,
        option: VariantOption,
    ) -> (Span, u32) {
        if problem.view.catalog().is_peek(option.variant) {
            return (Span::ZERO, memory);
        }
        let state = &self.states[memory as usize];
        let load = if state.content.contains(option.variant) { Span::ZERO } else { option.load };
        match state.after.get(option.variant.index()) {
            Some(after) if *after != u32::MAX => (load, *after),
            _ => (load, self.learn(problem, memory, option.variant)),
        }
    }

    #[cold]
    fn learn(&mut self, problem: &WindowProblem<'_>, from: u32, variant: VariantId) -> u32 {
        let mut content = self.states[from as usize].content.clone();
        if content.contains(variant) {
            content.touch(variant);
        } else {
            content.load(variant, problem.view.catalog().variant(variant).bytes, |_| {});
        }
        let number = self.number(problem, content);
        let after = &mut self.states[from as usize].after;
        if after.len() <= variant.index() {
            after.resize(variant.index() + 1, u32::MAX);
        }
        after[variant.index()] = number;
        number
    }
}

fn waits(problem: &WindowProblem<'_>, content: &LruMemory) -> Vec<Span> {
    let load = |option: &VariantOption| {
        if content.contains(option.variant) { Span::ZERO } else { option.load }
    };
    let wait = |part: &Part| part.options.iter().map(load).min().unwrap_or_default();
    problem.parts.iter().map(wait).collect()
}

/// Where no two variants fit together, loading one makes it the whole content.
fn reach(problem: &WindowProblem<'_>, content: &LruMemory) -> Option<Span> {
    let (catalog, worker) = (problem.view.catalog(), problem.worker);
    let bytes = |variant: VariantId| catalog.variant(variant).bytes;
    let loaded = catalog.variant_ids().filter(|variant| !catalog.is_peek(*variant));
    let least = loaded.map(bytes).min().unwrap_or(0);
    let room = catalog.worker(worker).memory_bytes;
    let only = content.iter().next().filter(|only| bytes(*only).saturating_add(least) > room);
    only.map(|only| problem.view.load_span(worker, only))
}
