//! What variants cost on workers: latency, load times, the host's work, power.

use super::{Catalog, ClassCost};
use crate::core::ids::{VariantId, WorkerId};
use crate::core::units::Span;
use crate::system::device::{HostTimes, Power};
use crate::system::lru_memory::{self, SharedWeights};

impl Catalog {
    /// Whether the host of any worker has work before or after batches.
    #[inline]
    pub(crate) fn has_host(&self) -> bool {
        self.devices.host
    }

    /// Whether the power of any worker depends on the variant.
    #[inline]
    pub(crate) fn has_power(&self) -> bool {
        self.devices.power
    }

    /// The largest batch of the variant on the worker; 0 if it cannot run there.
    #[inline]
    pub fn max_batch(&self, worker: WorkerId, variant: VariantId) -> usize {
        if self.variant(variant).bytes > self.worker(worker).memory_bytes {
            return 0;
        }
        self.cost(worker, variant).map_or(0, |cost| cost.latency.max_batch())
    }

    /// Expected latency of a batch of 1 ≤ `batch` ≤ [`Self::max_batch`].
    #[inline]
    pub fn latency(&self, worker: WorkerId, variant: VariantId, batch: usize) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.latency.latency(batch))
    }

    /// The shortest expected latency of a batch of at most `most` requests, 1 ≤ `most`: that of one
    /// request, unless the table falls.
    #[inline]
    pub fn shortest(&self, worker: WorkerId, variant: VariantId, most: usize) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.latency.shortest(most))
    }

    /// Whether some batch of the variant takes less time on the worker than a smaller one.
    #[inline]
    pub fn falls(&self, worker: WorkerId, variant: VariantId) -> bool {
        self.cost(worker, variant).is_some_and(|cost| cost.latency.falls())
    }

    /// Time to load the variant into the worker's memory.
    #[inline]
    pub fn load(&self, worker: WorkerId, variant: VariantId) -> Span {
        self.cost(worker, variant).map_or(Span(u64::MAX), |cost| cost.load)
    }

    /// Means of the host's work for the variant on the worker.
    #[inline]
    pub fn host(&self, worker: WorkerId, variant: VariantId) -> HostTimes {
        if !self.devices.host {
            return HostTimes::default();
        }
        self.cost(worker, variant).map_or(HostTimes::default(), |cost| cost.host)
    }

    /// Power of the worker while it computes the variant, where the profile says it, and what the
    /// host adds.
    #[inline]
    pub fn power(&self, worker: WorkerId, variant: VariantId) -> Power {
        self.cost(worker, variant).map_or(Power::default(), |cost| cost.power)
    }

    /// The first variant with the weights of this one: itself unless they are shared. Variants with
    /// the same weights are resident together, are loaded by one load and leave together.
    #[inline]
    pub fn weights(&self, variant: VariantId) -> VariantId {
        lru_memory::weights(&self.shared, variant)
    }

    /// Which variants share their weights, for memories.
    pub(crate) fn shared_weights(&self) -> &SharedWeights {
        &self.shared
    }

    /// Workers with one index have the same latencies and load times.
    pub fn class_index(&self, worker: WorkerId) -> usize {
        self.workers[worker.index()].class_index
    }

    #[inline]
    pub(super) fn cost(&self, worker: WorkerId, variant: VariantId) -> Option<&ClassCost> {
        self.costs[self.cost_index(worker, variant)].as_ref()
    }

    /// The index of a variant on a class of workers.
    #[inline]
    pub(in crate::system) fn cost_index(&self, worker: WorkerId, variant: VariantId) -> usize {
        self.class_index(worker) * self.variants.len() + variant.index()
    }
}
