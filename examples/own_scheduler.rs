//! A scheduler of one's own, with the whole command line of peeksim:
//! `cargo run --release --example own_scheduler -- sweep quickstart --set scheduler=own-scheduler`.

use peeksim::cli::{Extensions, main_with};
use peeksim::prelude::*;
use std::process::ExitCode;

/// The earliest deadline first, in batches, on the variant of the highest expected utility.
struct OwnScheduler {
    max_batch: usize,
}

impl Scheduler for OwnScheduler {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        let mut waiting: Vec<&Request> = view.pending().collect();
        waiting.sort_by_key(|request| (request.deadline, request.id));
        let mut timeline = Timeline::default();
        for worker in view.idle_workers() {
            view.backlog_end(worker, &mut timeline);
            let best = |request: &&Request| {
                let at = |variant| view.finish(&timeline, variant, 1);
                let utility = |variant| view.utility(request, variant, at(variant));
                let variants = view.variants(worker, request.app);
                variants.max_by(|a, b| utility(*a).total_cmp(&utility(*b)))
            };
            let choice = waiting.iter().find_map(|first| Some((first.app, best(first)?)));
            let Some((app, variant)) = choice else { continue };
            let most = view.max_batch(worker, variant).clamp(1, self.max_batch);
            let same = waiting.iter().filter(|request| request.app == app);
            let batch: Vec<RequestId> = same.take(most).map(|request| request.id).collect();
            waiting.retain(|request| !batch.contains(&request.id));
            plan.assign(worker, variant, batch);
        }
    }
}

const ENTRY: SchedulerEntry = SchedulerEntry {
    name: "own-scheduler",
    summary: "earliest deadline first, in batches, on the variant of the highest expected utility",
    source: "own",
    settings: &[&[Setting::integer("max_batch", [1, 4096], 8)
        .means("The most requests of a batch; the profile of a variant may allow fewer.")]],
    accuracy: Some(AccuracySource::Profiled),
    build: |settings, _| {
        Box::new(OwnScheduler { max_batch: settings.integer("max_batch") as usize })
    },
};

fn main() -> ExitCode {
    main_with(Extensions { schedulers: &[ENTRY], ..Extensions::default() })
}

#[cfg(test)]
mod tests {
    use peeksim::testing::{Violation, check_scheduler};

    #[test]
    fn the_scheduler_keeps_the_rules() -> Result<(), Violation> {
        check_scheduler(&super::ENTRY, 100)
    }
}
