//! Requests in a random order, each batch on a random variant that its worker can run.
//!
//! A lower bound for any rule. It draws from its own stream: arrivals do not change.

use crate::contract::View;
use crate::core::ids::{Request, VariantId};
use crate::core::rng::Label;
use crate::scheduler::SchedulerEntry;
use crate::scheduler::dispatch::dispatcher::{
    BATCHING, Batching, DecisionContext, Dispatcher, VariantRule,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

pub const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "random",
    summary: "requests in random order, each batch on a random variant",
    source: "the floor that any rule must beat",
    settings: &[BATCHING],
    accuracy: None,
    build: |fields, context| {
        let (batching, rng) = (Batching::read(fields), context.rng);
        let key = move |_: &View<'_>, request: &Request| {
            rng.keyed(Label::Scheduler, u64::from(request.id.number()), 0)
        };
        let rule = RandomVariant(rng.stream(Label::Scheduler));
        Box::new(Dispatcher::new(context.catalog, key, rule, batching))
    },
};

struct RandomVariant(ChaCha8Rng);

impl VariantRule for RandomVariant {
    fn choose(&mut self, context: &DecisionContext<'_>) -> Option<VariantId> {
        let DecisionContext { view, worker, head, .. } = *context;
        let count = view.variants(worker, head.app).count();
        // No draw where no variant can run.
        let drawn = (count > 0).then(|| self.0.random_range(0..count))?;
        view.variants(worker, head.app).nth(drawn)
    }
}
