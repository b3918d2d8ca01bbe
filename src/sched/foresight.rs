//! What a plan leaves behind: the mean utility of those who will come while and after it runs.
//!
//! The windows that follow are imagined: at the pooled rates, requests gather until the worker is
//! through; they are served by the plan's variants in the plan's order, loads included; and so
//! on, until the horizon or [`WINDOWS`] windows. The oldest and the
//! newest of a batch speak for it. O(windows · groups · batches).
//! Source: ours.

use super::window::Window;
use crate::domain::{VariantId, WorkerId};
use crate::policy::{Cursor, View};
use crate::units::{Span, Time};

/// At most this many windows are imagined.
const WINDOWS: usize = 6;
/// At most this many batches of an application in one of them.
const BATCHES: usize = 16;

/// An application that a worker goes on serving.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub variant: VariantId,
    pub accuracy: f64,
    /// Requests per second.
    pub rate: f64,
    /// Their deadline budget.
    pub budget: Span,
    /// Requests that came and are not yet whole.
    pub waiting: f64,
}

/// (requests, summed utility) expected on a worker from the end of its plan to the horizon.
pub(super) fn outlook(
    view: &View<'_>,
    window: Window,
    worker: WorkerId,
    cursor: &mut Cursor,
    courses: &mut [Course],
    horizon: Time,
) -> (f64, f64) {
    let rate: f64 = courses.iter().map(|course| course.rate).sum();
    let (mut number, mut utility) = (0.0, 0.0);
    if rate <= 0.0 {
        return (number, utility);
    }
    // Fractions of requests add up over windows; the applications do not all come at once.
    let count = courses.len() as f64;
    for (at, course) in courses.iter_mut().enumerate() {
        course.waiting = at as f64 / count;
    }
    let mut from = view.now();
    for _ in 0..WINDOWS {
        // No window without a request.
        let due = from + Span::from_ms(1e3 / rate);
        let start = window.next_start(cursor.all_free_at().max(due));
        cursor.wait_until(start);
        let span = start.since(from);
        for course in courses.iter_mut() {
            course.waiting += course.rate * span.as_s();
            let whole = course.waiting.floor();
            course.waiting -= whole;
            let largest = window.largest(view, worker, course.variant).max(1);
            let came = (whole as usize).min(largest * BATCHES);
            number += whole;
            if came > 0 {
                let kept = serve(view, cursor, course, (from, span), came, largest);
                utility += whole * course.accuracy * kept;
            }
        }
        from = start;
        if from >= horizon {
            break;
        }
    }
    (number, utility)
}

/// Serves those who came in `span` from `from` on, oldest first, and returns their mean 1 − γ.
fn serve(
    view: &View<'_>,
    cursor: &mut Cursor,
    course: &Course,
    (from, span): (Time, Span),
    came: usize,
    largest: usize,
) -> f64 {
    let penalty = &view.catalog().penalty;
    let mut kept = 0.0;
    for first in (0..came).step_by(largest) {
        let batch = largest.min(came - first);
        let finish = view.append(cursor, course.variant, batch);
        let gamma = |nth: usize| {
            let arrival = from + span.scale(nth as f64 / came as f64);
            penalty.gamma(finish, arrival + course.budget, course.budget)
        };
        kept += batch as f64 * (1.0 - 0.5 * (gamma(first) + gamma(first + batch)));
    }
    kept / came as f64
}
