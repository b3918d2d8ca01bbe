//! The contents that a worker's memory may have while plans are imagined, each with a number, so
//! that searches compare and remember them cheaply.

use crate::contract::View;
use crate::core::ids::VariantId;
use crate::core::units::Span;
use crate::system::lru_memory::LruMemory;
use std::collections::BTreeMap;

/// Contents of memory: what is in it, least recently used first. `F` is what a search wants to know
/// of each.
pub(in crate::scheduler) struct MemoryStates<F> {
    known: Vec<(LruMemory, F)>,
    numbers: BTreeMap<Vec<VariantId>, u32>,
    /// By content and variant: the content after that variant ran; `u32::MAX` if not known yet.
    after: Vec<Vec<u32>>,
}

impl<F> MemoryStates<F> {
    /// Content 0 is what is resident when the plan begins.
    pub fn new(first: LruMemory, fact: impl FnOnce(&LruMemory) -> F) -> Self {
        let mut contents = Self { known: Vec::new(), numbers: BTreeMap::new(), after: Vec::new() };
        contents.number(first, fact);
        contents
    }

    fn number(&mut self, content: LruMemory, fact: impl FnOnce(&LruMemory) -> F) -> u32 {
        let fresh = self.known.len() as u32;
        let number = *self.numbers.entry(content.iter().collect()).or_insert(fresh);
        if number == fresh {
            let fact = fact(&content);
            self.known.push((content, fact));
            self.after.push(Vec::new());
        }
        number
    }

    /// What the search wants to know of a content.
    #[inline]
    pub fn fact(&self, content: u32) -> &F {
        &self.known[content as usize].1
    }

    /// The time it takes to load a variant, none if it is resident, and the content after it ran.
    /// The SneakPeek model answers without being loaded.
    #[inline]
    pub fn run(
        &mut self,
        view: &View<'_>,
        content: u32,
        (variant, load): (VariantId, Span),
        fact: impl FnOnce(&LruMemory) -> F,
    ) -> (Span, u32) {
        if view.catalog().is_peek(variant) {
            return (Span::ZERO, content);
        }
        let row = content as usize;
        let load = if self.known[row].0.contains(variant) { Span::ZERO } else { load };
        match self.after[row].get(variant.index()) {
            Some(after) if *after != u32::MAX => (load, *after),
            _ => (load, self.learn(view, content, variant, fact)),
        }
    }

    #[cold]
    fn learn(
        &mut self,
        view: &View<'_>,
        from: u32,
        variant: VariantId,
        fact: impl FnOnce(&LruMemory) -> F,
    ) -> u32 {
        let mut content = self.known[from as usize].0.clone();
        if content.contains(variant) {
            content.touch(variant);
        } else {
            content.load(variant, view.catalog().variant(variant).bytes, |_| {});
        }
        let after = self.number(content, fact);
        let row = &mut self.after[from as usize];
        if row.len() <= variant.index() {
            row.resize(variant.index() + 1, u32::MAX);
        }
        row[variant.index()] = after;
        after
    }
}
