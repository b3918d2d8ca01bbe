//! The contents that a worker's memory can have within a plan, each with a number, so that searches
//! compare and find them cheaply.

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
        // As which variant shared weights were loaded makes no difference.
        let weights = content.iter().map(|variant| content.weights(variant));
        let number = *self.numbers.entry(weights.collect()).or_insert(next);
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

    /// The time of a load before a batch of the variant, and the content after it.
    #[inline]
    pub fn run(
        &mut self,
        problem: &WindowProblem<'_>,
        memory: u32,
        option: VariantOption,
    ) -> (Span, u32) {
        (self.load(problem, memory, option), self.after(problem, memory, option))
    }

    /// The time of a load before a batch of the variant.
    #[inline]
    pub fn load(&self, problem: &WindowProblem<'_>, memory: u32, option: VariantOption) -> Span {
        load(problem, &self.states[memory as usize].content, option)
    }

    /// The content after a batch of the variant.
    #[inline]
    pub fn after(
        &mut self,
        problem: &WindowProblem<'_>,
        memory: u32,
        option: VariantOption,
    ) -> u32 {
        match self.states[memory as usize].after.get(option.variant.index()) {
            Some(after) if *after != u32::MAX => *after,
            _ => self.learn(problem, memory, option.variant),
        }
    }

    #[cold]
    fn learn(&mut self, problem: &WindowProblem<'_>, from: u32, variant: VariantId) -> u32 {
        let mut content = self.states[from as usize].content.clone();
        if problem.view.needs_load(&content, variant) {
            content.load(variant, problem.view.catalog().variant(variant).bytes, |_| {});
        } else {
            content.touch(variant);
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

#[inline]
fn load(problem: &WindowProblem<'_>, content: &LruMemory, option: VariantOption) -> Span {
    let needs_load = problem.view.needs_load(content, option.variant);
    if needs_load { option.load } else { Span::ZERO }
}

fn waits(problem: &WindowProblem<'_>, content: &LruMemory) -> Vec<Span> {
    let wait = |part: &Part| {
        let loads = part.options.iter().map(|option| load(problem, content, *option));
        loads.min().unwrap_or_default()
    };
    problem.parts.iter().map(wait).collect()
}

/// Where no two variants fit together, a load makes its variant the whole content.
fn reach(problem: &WindowProblem<'_>, content: &LruMemory) -> Option<Span> {
    let (catalog, worker) = (problem.view.catalog(), problem.worker);
    let bytes = |variant: VariantId| catalog.variant(variant).bytes;
    let loaded = catalog.app_ids().flat_map(|app| catalog.variants_of(app));
    let least = loaded.map(bytes).min().unwrap_or(0);
    let room = catalog.worker(worker).memory_bytes;
    let only = content.iter().next().filter(|only| bytes(*only).saturating_add(least) > room);
    only.map(|only| problem.view.load_span(worker, only))
}
