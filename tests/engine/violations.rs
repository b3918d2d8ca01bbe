//! `peeksim::testing` finds entries that break what the simulator relies on: one broken on purpose
//! for each rule.

use peeksim::extensions::{ArrivalEntry, PenaltyEntry, PenaltyShape, Problem, Process};
use peeksim::prelude::*;
use peeksim::testing::{Violation, check_arrivals, check_penalty, check_scheduler};
use std::sync::atomic::{AtomicU64, Ordering};

/// A scheduler that serves the oldest request on a variant, and goes wrong in one way.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// Assigns a request that it assigned before.
    Twice,
    /// Picks variants by a counter that outlives the run.
    Memory,
    /// Says that it waits for idle workers, and counts how often it is asked.
    Counts,
    Panics,
}

struct Flawed {
    flaw: Flaw,
    asked: u64,
    served: Option<RequestId>,
}

/// Outlives runs.
static PICKS: AtomicU64 = AtomicU64::new(0);

impl Scheduler for Flawed {
    fn decide(&mut self, view: &View<'_>, _: Trigger<'_>, plan: &mut Plan) {
        self.asked += 1;
        assert!(self.flaw != Flaw::Panics || self.asked < 3, "it gives up");
        let mut waiting = view.pending();
        for worker in view.idle_workers() {
            let Some(request) = waiting.next() else { return };
            let variants: Vec<VariantId> = view.variants(worker, request.app).collect();
            let at = match self.flaw {
                Flaw::Memory => PICKS.fetch_add(1, Ordering::Relaxed),
                Flaw::Counts => self.asked,
                _ => 0,
            };
            let Some(variant) = variants.get(at as usize % variants.len().max(1)) else { continue };
            plan.assign(worker, *variant, [request.id]);
            if let Some(before) = self.served.filter(|_| self.flaw == Flaw::Twice) {
                plan.assign(worker, *variant, [before]);
            }
            self.served = Some(request.id);
        }
    }

    fn waits_for_idle_workers(&self) -> bool {
        self.flaw == Flaw::Counts
    }
}

const fn entry(
    build: fn(&mut Decoder<'_>, &BuildContext<'_>) -> Box<dyn Scheduler>,
) -> SchedulerEntry {
    let (name, summary, source) = ("flawed", "the oldest request", "a test");
    SchedulerEntry { name, summary, source, settings: &[], accuracy: None, build }
}

fn flawed(flaw: Flaw) -> Box<dyn Scheduler> {
    Box::new(Flawed { flaw, asked: 0, served: None })
}

fn rule(checked: Result<(), Violation>) -> String {
    checked.expect_err("a violation").to_string()
}

#[test]
fn schedulers_that_break_a_rule_are_found() {
    const SOUND: SchedulerEntry = entry(|_, _| flawed(Flaw::None));
    const TWICE: SchedulerEntry = entry(|_, _| flawed(Flaw::Twice));
    const MEMORY: SchedulerEntry = entry(|_, _| flawed(Flaw::Memory));
    const COUNTS: SchedulerEntry = entry(|_, _| flawed(Flaw::Counts));
    const PANICS: SchedulerEntry = entry(|_, _| flawed(Flaw::Panics));
    check_scheduler(&SOUND, 60).unwrap();
    let said = rule(check_scheduler(&TWICE, 60));
    assert!(said.contains("world ") && said.contains("is assigned already"), "{said}");
    let said = rule(check_scheduler(&MEMORY, 60));
    assert!(said.contains("a second run differs from event"), "{said}");
    let said = rule(check_scheduler(&COUNTS, 60));
    assert!(said.contains("it says that it waits for idle workers"), "{said}");
    let said = rule(check_scheduler(&PANICS, 60));
    assert!(said.contains("it panics: it gives up"), "{said}");
}

#[test]
fn descriptions_and_refusals_are_checked() {
    const SPEECHLESS: SchedulerEntry = SchedulerEntry {
        settings: &[&[Setting::flag("quick", true)]],
        ..entry(|settings, _| {
            settings.flag("quick");
            flawed(Flaw::None)
        })
    };
    const REFUSES: SchedulerEntry = entry(|settings, _| {
        let problem = Problem::new(settings.place().clone(), "several workers", "one");
        settings.problems().push(problem);
        flawed(Flaw::None)
    });
    let said = rule(check_scheduler(&SPEECHLESS, 5));
    assert!(said.contains("the setting `quick` needs a meaning"), "{said}");
    let said = rule(check_scheduler(&REFUSES, 5));
    assert!(said.contains("5 of 5 worlds: the scheduler refuses them"), "{said}");
}

/// Every second request is early.
const BACKWARDS: ArrivalEntry = ArrivalEntry {
    name: "backwards",
    summary: "every second request is a millisecond early",
    source: "a test",
    settings: &[],
    read: |_| {
        Process::timed(|_, _| {
            let mut given = 0;
            move |_: &mut _| {
                given += 1;
                Time(given * 5_000_000 + 9_000_000 * (given % 2))
            }
        })
    },
};

#[test]
fn penalties_and_arrivals_that_break_a_rule_are_found() {
    const fn penalty(build: fn(&mut Decoder<'_>) -> PenaltyShape) -> PenaltyEntry {
        let (name, summary, source) = ("flawed", "a penalty", "a test");
        PenaltyEntry { name, summary, source, settings: &[], build }
    }
    const FALLS: PenaltyEntry = penalty(|_| PenaltyShape::new("falls", |x| 1.0 / (1.0 + x)));
    const LARGE: PenaltyEntry = penalty(|_| PenaltyShape::new("large", |x| x));
    const NONE: PenaltyEntry = penalty(|_| PenaltyShape::new("none", |_| f64::NAN));
    const SOUND: PenaltyEntry = penalty(|_| PenaltyShape::new("sound", |x| x / (1.0 + x)));
    check_penalty(&SOUND, 3).unwrap();
    assert!(rule(check_penalty(&FALLS, 3)).contains("less than"));
    assert!(rule(check_penalty(&LARGE, 3)).contains("not within 0 and 1"));
    assert!(rule(check_penalty(&NONE, 3)).contains("not within 0 and 1"));
    let said = rule(check_arrivals(&BACKWARDS, 3));
    assert!(said.contains("comes before the one that was given first"), "{said}");
}
