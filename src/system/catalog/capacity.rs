//! Lower bounds on the latency of a lone request, and the capacity of all workers.
//!
//! Both depend on the workers: their speed, memory and list of variants, and the links to them, at
//! the mean rate where it varies. Loads, noise, faults and peeks do not count.

use super::Catalog;
use crate::core::ids::{AppId, VariantId, WorkerId};
use crate::core::units::{NS_PER_S, Span, Time};
use crate::system::link::at_rate;

impl Catalog {
    /// How long a lone request takes from its arrival to its answer on an idle worker that holds
    /// the variant: the upload of its payload, the round trip, and a batch of one. `None` if the
    /// variant cannot run there.
    pub fn lone(&self, worker: WorkerId, variant: VariantId) -> Option<Span> {
        self.usable(worker, variant).then(|| {
            let transfer = self.worker(worker).link.as_ref().map_or(Span::ZERO, |link| {
                let upload = at_rate(link.mean_bps(), self.payload_bytes(variant, 1));
                upload + link.one_way() + link.one_way()
            });
            let host = self.host(worker, variant);
            transfer + host.before(1) + self.latency(worker, variant, 1) + host.after(1)
        })
    }

    /// The earliest answer to a request that arrives at `arrival`: as [`Self::lone`] but in the
    /// quickest batch, which is of one unless the table falls, with the rates of the link at that
    /// time, and not before the worker is available.
    pub fn quickest_from(
        &self,
        arrival: Time,
        worker: WorkerId,
        variant: VariantId,
    ) -> Option<Time> {
        self.usable(worker, variant).then(|| {
            let at = self.worker(worker);
            let host = self.host(worker, variant);
            let computed = self.shortest(worker, variant, usize::MAX);
            let latency = computed + host.after(1);
            let Some(link) = &at.link else {
                return (arrival + host.before(1)).max(at.ready) + latency;
            };
            let received = link.sent(arrival, self.payload_bytes(variant, 1)) + link.one_way();
            received.max(at.ready) + latency + link.one_way()
        })
    }

    /// The least lane time per request of the variant on the worker, over all batch sizes, in
    /// nanoseconds; infinite if it cannot run there.
    pub fn least_share_ns(&self, worker: WorkerId, variant: VariantId) -> f64 {
        let sizes = 1..=self.max_batch(worker, variant);
        let shares = sizes.map(|b| self.latency(worker, variant, b).0 as f64 / b as f64);
        shares.fold(f64::INFINITY, f64::min)
    }

    /// Requests of `app` per second that all workers together can answer if they serve nothing
    /// else, each lane with the variant and batch of least time per request, and each worker at
    /// most at the rates of its uplink with the least payload and of its host.
    pub fn capacity_rps(&self, app: AppId) -> f64 {
        let each = self.worker_ids().map(|worker| {
            let shares = self.variants_of(app).map(|v| self.least_share_ns(worker, v));
            let lanes = f64::from(self.worker(worker).lanes);
            let computes = lanes / shares.fold(f64::INFINITY, f64::min) * NS_PER_S as f64;
            let serial = |v| {
                let host = self.host(worker, v);
                host.before.max(host.after).0 as f64
            };
            let host = self.variants_of(app).filter(|v| self.usable(worker, *v)).map(serial);
            let prepares = NS_PER_S as f64 / host.fold(f64::INFINITY, f64::min);
            let computes = computes.min(prepares);
            let link = self.worker(worker).link.as_ref();
            let usable = self.variants_of(app).filter(|v| self.usable(worker, *v));
            let least = usable.map(|v| self.payload_bytes(v, 1)).min().unwrap_or(0);
            let bits = least.saturating_mul(8);
            match link.and_then(super::Link::mean_bps).filter(|_| bits > 0) {
                Some(bps) => computes.min(bps as f64 / bits as f64),
                None => computes,
            }
        });
        each.sum()
    }
}
