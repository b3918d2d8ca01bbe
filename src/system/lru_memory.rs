//! The variants in a worker's memory.
//!
//! Eviction is least recently used: the variant whose last batch (or load) began longest ago
//! leaves first. The content after a sequence of batches therefore depends on that sequence alone,
//! and a planner that replays its own plan sees exactly the loads of the engine.

use crate::core::ids::VariantId;

/// The variants in one memory, least recently used first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LruMemory {
    capacity: u64,
    used: u64,
    /// (variant, bytes), least recently used first.
    variants: Vec<(VariantId, u64)>,
}

impl LruMemory {
    /// An empty memory of `capacity` bytes.
    pub fn new(capacity: u64) -> Self {
        Self { capacity, used: 0, variants: Vec::new() }
    }

    /// Makes this a copy of `other` without allocation.
    pub fn copy_from(&mut self, other: &Self) {
        self.capacity = other.capacity;
        self.used = other.used;
        self.variants.clone_from(&other.variants);
    }

    /// Whether the variant is in memory.
    #[inline]
    pub fn contains(&self, variant: VariantId) -> bool {
        self.variants.iter().any(|(resident, _)| *resident == variant)
    }

    /// Marks a resident variant as just used.
    #[inline]
    pub fn touch(&mut self, variant: VariantId) {
        if self.variants.last().is_some_and(|(last, _)| *last == variant) {
            return;
        }
        if let Some(at) = self.variants.iter().position(|(resident, _)| *resident == variant) {
            self.variants[at..].rotate_left(1);
        }
    }

    /// Whether `bytes` bytes are free.
    pub fn fits(&self, bytes: u64) -> bool {
        self.used.saturating_add(bytes) <= self.capacity
    }

    /// The variants that have to leave before `bytes` bytes fit, least recently used first.
    pub fn victims(&self, bytes: u64) -> impl Iterator<Item = VariantId> + '_ {
        let mut excess = self.used.saturating_add(bytes).saturating_sub(self.capacity);
        let leaves = move |(_, freed): &&(VariantId, u64)| {
            let leaves = excess > 0;
            excess = excess.saturating_sub(*freed);
            leaves
        };
        self.variants.iter().take_while(leaves).map(|(variant, _)| *variant)
    }

    /// Loads `variant` of `bytes` ≤ capacity; least recently used variants leave until it fits, and
    /// `evicted` gets each of them.
    pub fn load(&mut self, variant: VariantId, bytes: u64, mut evicted: impl FnMut(VariantId)) {
        let leave = self.victims(bytes).count();
        for (oldest, freed) in self.variants.drain(..leave) {
            self.used -= freed;
            evicted(oldest);
        }
        self.variants.push((variant, bytes));
        self.used += bytes;
    }

    /// Removes a variant; false if it was not there.
    pub fn evict(&mut self, variant: VariantId) -> bool {
        let at = self.variants.iter().position(|(resident, _)| *resident == variant);
        if let Some(at) = at {
            self.used -= self.variants.remove(at).1;
        }
        at.is_some()
    }

    /// Bytes in use, never more than the capacity.
    pub fn used_bytes(&self) -> u64 {
        self.used
    }

    /// The resident variants, least recently used first.
    pub fn iter(&self) -> impl Iterator<Item = VariantId> + '_ {
        self.variants.iter().map(|(variant, _)| *variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves_first() {
        let [a, b, c] = [VariantId(0), VariantId(1), VariantId(2)];
        let mut memory = LruMemory::new(10);
        memory.load(a, 4, |_| panic!("nothing to evict"));
        memory.load(b, 4, |_| panic!("nothing to evict"));
        memory.touch(a);
        assert!(memory.fits(2) && !memory.fits(3));
        assert_eq!(memory.victims(2).count(), 0);
        assert_eq!(memory.victims(6).collect::<Vec<_>>(), [b]);
        assert_eq!(memory.victims(7).collect::<Vec<_>>(), [b, a]);
        let mut gone = Vec::new();
        memory.load(c, 5, |v| gone.push(v));
        assert_eq!(gone, [b]);
        assert_eq!(memory.iter().collect::<Vec<_>>(), [a, c]);
        assert_eq!(memory.used_bytes(), 9);
        assert!(memory.evict(a));
        assert!(!memory.evict(a));
        assert_eq!(memory.used_bytes(), 5);
    }
}
