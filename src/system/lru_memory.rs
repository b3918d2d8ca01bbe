//! The variants in a worker's memory.
//!
//! Variants that share their weights (early exits, the subnets of a supernet) are one entry: if one
//! of them is loaded all are resident, and they leave together. The entry bears the name of the
//! one that was loaded.
//!
//! Eviction is least recently used: the variant whose last batch (or load) began longest ago
//! leaves first. The content after a sequence of batches therefore depends on that sequence alone,
//! and a planner that replays its own plan sees exactly the loads of the engine.

use crate::core::ids::VariantId;
use std::sync::Arc;

/// By variant, the first one with the same weights; empty if each has its own.
pub type SharedWeights = Arc<[VariantId]>;

/// The variants in one memory, least recently used first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LruMemory {
    capacity: u64,
    used: u64,
    shared: SharedWeights,
    /// Least recently used first.
    held: Vec<Held>,
}

/// Weights in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// As which variant they were loaded.
    variant: VariantId,
    /// The first variant that has them.
    weights: VariantId,
    bytes: u64,
}

/// The first variant with the weights of this one: itself unless they are shared.
#[inline]
pub fn weights(shared: &SharedWeights, variant: VariantId) -> VariantId {
    shared.get(variant.index()).copied().unwrap_or(variant)
}

impl LruMemory {
    /// An empty memory of `capacity` bytes.
    pub fn new(capacity: u64, shared: &SharedWeights) -> Self {
        Self { capacity, used: 0, shared: Arc::clone(shared), held: Vec::new() }
    }

    /// Makes this a copy of `other` without allocation.
    pub fn copy_from(&mut self, other: &Self) {
        self.capacity = other.capacity;
        self.used = other.used;
        if !Arc::ptr_eq(&self.shared, &other.shared) {
            self.shared = Arc::clone(&other.shared);
        }
        self.held.clone_from(&other.held);
    }

    /// The first variant with the weights of this one: itself unless they are shared.
    #[inline]
    pub fn weights(&self, variant: VariantId) -> VariantId {
        weights(&self.shared, variant)
    }

    /// Where the weights of a variant are in the list.
    #[inline]
    fn place(&self, variant: VariantId) -> Option<usize> {
        let weights = self.weights(variant);
        self.held.iter().position(|held| held.weights == weights)
    }

    /// Whether the variant is in memory.
    #[inline]
    pub fn contains(&self, variant: VariantId) -> bool {
        self.place(variant).is_some()
    }

    /// Marks a resident variant as just used.
    #[inline]
    pub fn touch(&mut self, variant: VariantId) {
        if let Some(at) = self.place(variant) {
            self.held[at..].rotate_left(1);
        }
    }

    /// Whether `bytes` bytes are free.
    pub fn fits(&self, bytes: u64) -> bool {
        self.used.saturating_add(bytes) <= self.capacity
    }

    /// The variants that have to leave before `bytes` bytes fit, least recently used first.
    pub fn victims(&self, bytes: u64) -> impl Iterator<Item = VariantId> + '_ {
        let mut excess = self.used.saturating_add(bytes).saturating_sub(self.capacity);
        let leaves = move |held: &&Held| {
            let leaves = excess > 0;
            excess = excess.saturating_sub(held.bytes);
            leaves
        };
        self.held.iter().take_while(leaves).map(|held| held.variant)
    }

    /// Loads `variant` of `bytes` ≤ capacity; least recently used variants leave until it fits, and
    /// `evicted` gets each of them.
    pub fn load(&mut self, variant: VariantId, bytes: u64, mut evicted: impl FnMut(VariantId)) {
        let leave = self.victims(bytes).count();
        for oldest in self.held.drain(..leave) {
            self.used -= oldest.bytes;
            evicted(oldest.variant);
        }
        let weights = self.weights(variant);
        self.held.push(Held { variant, weights, bytes });
        self.used += bytes;
    }

    /// Removes the weights of a variant: as which they were loaded; `None` if they were not there.
    pub fn evict(&mut self, variant: VariantId) -> Option<VariantId> {
        let held = self.held.remove(self.place(variant)?);
        self.used -= held.bytes;
        Some(held.variant)
    }

    /// Bytes in use, never more than the capacity.
    pub fn used_bytes(&self) -> u64 {
        self.used
    }

    /// The variants that were loaded, least recently used first.
    pub fn iter(&self) -> impl Iterator<Item = VariantId> + '_ {
        self.held.iter().map(|held| held.variant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_leaves_first() {
        let [a, b, c] = [VariantId(0), VariantId(1), VariantId(2)];
        let mut memory = LruMemory::new(10, &SharedWeights::default());
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
        assert_eq!(memory.evict(a), Some(a));
        assert_eq!(memory.evict(a), None);
        assert_eq!(memory.used_bytes(), 5);
    }

    #[test]
    fn shared_weights_are_one_entry() {
        let [a, b, c] = [VariantId(0), VariantId(1), VariantId(2)];
        let mut memory = LruMemory::new(10, &[a, a, c].into());
        memory.load(b, 6, |_| panic!("nothing to evict"));
        memory.load(c, 4, |_| panic!("nothing to evict"));
        assert!(memory.contains(a) && memory.contains(b));
        assert_eq!(memory.used_bytes(), 10);
        memory.touch(a);
        assert_eq!(memory.iter().collect::<Vec<_>>(), [c, b]);
        assert_eq!(memory.evict(a), Some(b));
        assert!(!memory.contains(a) && !memory.contains(b));
        assert_eq!(memory.used_bytes(), 4);
    }
}
