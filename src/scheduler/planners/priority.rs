//! Request priorities: the six forms of the SneakPeek authors' published code.
//!
//! Source: dndfrink/SERIF, commit bd12bb8 (scheduler types). Which form the paper prints is not
//! verified; form 1 is our default. Times are in seconds: the unit matters, since form 1 weighs a
//! variance against exp(−d). Larger goes first.

use crate::config::settings::names;
use crate::config::{Decoder, Problem, Setting, decode};
use crate::contract::View;
use crate::core::ids::{Request, VariantId, WorkerId};
use crate::core::rounding::rounded;
use crate::core::units::{NS_PER_S, Span};
use crate::scheduler::score::Score;
use crate::system::catalog::spread;

/// A form of priority; d is the time to the deadline in seconds, u the utility of a variant if
/// the request starts at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PriorityForm {
    AccDeadline,
    AccSlack,
    UtilDeadline,
    UtilRange,
    UtilMax,
    UtilRate,
}

#[derive(Clone, Copy, Debug)]
pub struct Priority {
    form: PriorityForm,
    /// Whether the variance is over the accuracies granted to the scheduler, not the profiled ones
    /// as in the published code.
    granted: bool,
}

const FORMS: [(&str, PriorityForm); 6] = [
    ("acc-deadline", PriorityForm::AccDeadline),
    ("acc-slack", PriorityForm::AccSlack),
    ("util-deadline", PriorityForm::UtilDeadline),
    ("util-range", PriorityForm::UtilRange),
    ("util-max", PriorityForm::UtilMax),
    ("util-rate", PriorityForm::UtilRate),
];
const ACCURACIES: [(&str, bool); 2] = [("profiled", false), ("scheduler", true)];

pub const PRIORITY: &[Setting] = &[
    Setting::choice("priority", &names(&FORMS)).means(
        "The formula of a request's priority; larger goes first. With d seconds to the deadline, \
         variance of accuracies V, and utility u of a variant that starts at once: (1 + \
         V)·exp(−d); (1 + V)·exp(shortest latency − d); mean u / d; max u − u of the fastest \
         variant; max u; Σ u / Σ latency.",
    ),
    Setting::choice("priority_accuracy", &names(&ACCURACIES))
        .means("Whether V is of the profiled accuracies, or of those that the scheduler sees."),
];

impl Priority {
    pub const DEFAULT: Self = Self { form: PriorityForm::AccDeadline, granted: false };

    /// Reads the parameters; those without effect are refused.
    pub fn read(fields: &mut Decoder<'_>, is_used: bool) -> Self {
        let (form, granted) = (fields.take("priority"), fields.take("priority_accuracy"));
        let problems = fields.problems();
        let mut priority = Self::DEFAULT;
        if let Some(form) = form.and_then(|node| decode::choice(node, &FORMS, problems)) {
            priority.form = form;
        }
        if let Some(granted) = granted.and_then(|n| decode::choice(n, &ACCURACIES, problems)) {
            priority.granted = granted;
        }
        if !is_used && let Some(node) = form.or(granted) {
            let found = "a priority where nothing is ordered by one";
            let expected = "order or group_order = \"priority\" beside it";
            problems.push(Problem::new(node.place.clone(), found, expected));
        } else if !priority.is_steady()
            && let Some(node) = granted
        {
            let found = "`priority_accuracy` of a priority that weighs no variance of accuracies";
            let expected = "priority = \"acc-deadline\" or \"acc-slack\" beside it";
            problems.push(Problem::new(node.place.clone(), found, expected));
        }
        priority
    }

    /// The priority of a request now. "At once" means on the first worker that can serve it, as if
    /// it were idle, after a load if the variant is not resident.
    pub fn of(self, view: &View<'_>, request: &Request) -> f64 {
        let d = view.remaining(request).as_s();
        let Some(worker) = first_worker(view, request) else { return 0.0 };
        let variants = || view.variants(worker, request.app);
        let latency = |v: VariantId| view.expected_latency(worker, v, 1);
        let utility = |v: VariantId| {
            let load =
                if view.worker(worker).holds(v) { Span::ZERO } else { view.load_span(worker, v) };
            view.utility(request, v, view.now() + load + latency(v))
        };
        let shortest = || shortest(view, request).as_s();
        match self.form {
            PriorityForm::AccDeadline => self.spread(view, request) * libm::exp(-d),
            PriorityForm::AccSlack => self.spread(view, request) * libm::exp(shortest() - d),
            PriorityForm::UtilDeadline => {
                let (sum, count) =
                    variants().fold((0.0, 0u32), |(s, n), v| (s + utility(v), n + 1));
                sum / f64::from(count) / d.max(1e-9)
            }
            PriorityForm::UtilRange => {
                let fastest = variants().min_by_key(|v| (latency(*v), *v)).map_or(0.0, utility);
                // A difference has no more digits than its operands.
                Score::of(variants().map(utility).fold(0.0, f64::max) - fastest).value()
            }
            PriorityForm::UtilMax => variants().map(utility).fold(0.0, f64::max),
            PriorityForm::UtilRate => {
                let total: f64 = variants().map(|v| latency(v).as_s()).sum();
                variants().map(utility).sum::<f64>() / total.max(1e-9)
            }
        }
    }

    pub fn is_steady(self) -> bool {
        matches!(self.form, PriorityForm::AccDeadline | PriorityForm::AccSlack)
    }

    /// The order of a steady form as one number, smaller first: −ln of the priority at the start of
    /// the run, in nanoseconds, with an offset of two days. Later all priorities fall by the same
    /// factor, except past the deadline, where d is not cut at zero here.
    fn key(self, view: &View<'_>, request: &Request) -> u64 {
        let spread = Span::from_s(libm::log(self.spread(view, request)));
        let slack = match self.form {
            PriorityForm::AccSlack => shortest(view, request),
            _ => Span::ZERO,
        };
        (request.deadline + TWO_DAYS).0.saturating_sub((spread + slack).0)
    }

    /// 1 + the sample variance of the application's accuracies (0 for a single variant).
    fn spread(self, view: &View<'_>, request: &Request) -> f64 {
        let catalog = view.catalog();
        if !self.granted {
            return catalog.app(request.app).accuracy_spread;
        }
        spread(catalog.variants_of(request.app).map(|v| view.accuracy(request.id, v)))
    }
}

/// More than any spread and latency.
const TWO_DAYS: Span = Span(2 * 24 * 3600 * NS_PER_S);

fn first_worker(view: &View<'_>, request: &Request) -> Option<WorkerId> {
    view.catalog().worker_ids().find(|w| view.variants(*w, request.app).next().is_some())
}

fn shortest(view: &View<'_>, request: &Request) -> Span {
    let shortest = |worker| {
        let variants = view.variants(worker, request.app);
        variants.map(|v| view.expected_latency(worker, v, 1)).min()
    };
    first_worker(view, request).and_then(shortest).unwrap_or_default()
}

/// How a planner orders requests.
#[derive(Clone, Copy, Debug)]
pub enum RequestOrder {
    Arrival,
    /// Earliest deadline first, ties by arrival.
    Deadline,
    /// Highest priority first, ties by deadline, then arrival.
    Priority(Priority),
}

impl RequestOrder {
    /// The order of requests as one number, smaller first; by deadline where the priority is not
    /// steady.
    pub fn key(self, view: &View<'_>, request: &Request) -> u64 {
        match self {
            Self::Arrival => u64::from(request.id.number()),
            Self::Priority(priority) if priority.is_steady() => priority.key(view, request),
            Self::Deadline | Self::Priority(_) => request.deadline.0,
        }
    }

    /// Sorts requests that are in arrival order. With `listed`, equal priorities are in reverse
    /// arrival order, as in the published code.
    pub fn sort(self, view: &View<'_>, requests: &mut [Request], listed: bool) {
        match self {
            Self::Arrival => {}
            Self::Deadline => requests.sort_by_key(|r| (r.deadline, r.id)),
            Self::Priority(priority) => {
                let keyed = requests.iter().map(|r| (rounded(priority.of(view, r)), *r));
                let mut keyed: Vec<(f64, Request)> = keyed.collect();
                keyed.sort_by(|(a_priority, a), (b_priority, b)| {
                    let by_priority = b_priority.total_cmp(a_priority);
                    by_priority.then_with(|| {
                        if listed {
                            b.id.cmp(&a.id)
                        } else {
                            (a.deadline, a.id).cmp(&(b.deadline, b.id))
                        }
                    })
                });
                requests.iter_mut().zip(keyed).for_each(|(into, (_, request))| *into = request);
            }
        }
    }
}
