//! Progress on stderr: a bar on a terminal, a plain line every tenth elsewhere.

use super::messages::{clear_bar, show_bar, status};
use crate::config::note::Note;
use crate::experiment::Progress;
use indicatif::{HumanDuration, ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Shows how many runs of a sweep are finished, and how long the others will take.
pub(super) struct SweepProgress {
    /// Locked while a line is written, so that lines come in order.
    course: Arc<Mutex<RunCourse>>,
    bar: Mutex<ProgressBar>,
    notes: Mutex<Vec<Note>>,
}

/// Runs so far.
#[derive(Clone, Copy, Debug, Default)]
struct RunCourse {
    total: usize,
    done: usize,
    /// Those that an earlier process finished, which say nothing about the speed of this one.
    reused: usize,
    begun: Option<Instant>,
    /// The seconds that the others will take, and since when this is so.
    left_s: Option<(f64, Instant)>,
}

impl RunCourse {
    /// The seconds that the others will take: as was said, or by the mean of those of this
    /// process; none before the first of these.
    fn left_s(&self) -> Option<f64> {
        if let Some((left_s, at)) = self.left_s {
            return Some((left_s - at.elapsed().as_secs_f64()).max(0.0));
        }
        let own = self.done.saturating_sub(self.reused);
        let passed = self.begun?.elapsed().as_secs_f64();
        let left = self.total.saturating_sub(self.done) as f64;
        (own > 0).then(|| left * passed / own as f64)
    }
}

impl SweepProgress {
    pub fn new() -> Self {
        let bar = Mutex::new(ProgressBar::hidden());
        Self { course: Arc::default(), bar, notes: Mutex::default() }
    }

    /// Removes the bar; what a user should know about the folder of the results.
    pub fn end(&self) -> Vec<Note> {
        clear_bar();
        std::mem::take(&mut *locked(&self.notes))
    }
}

/// The content of a mutex, also of one whose holder panicked.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A length of time in words, once it is known.
fn to_go(left_s: Option<f64>) -> String {
    left_s.map_or("…".to_owned(), |left_s| {
        HumanDuration(Duration::try_from_secs_f64(left_s.ceil()).unwrap_or(Duration::MAX))
            .to_string()
    })
}

impl Progress for SweepProgress {
    fn start(&self, total: usize, reused: usize) {
        if reused > 0 {
            status(&format!("{reused} of {total} runs were finished before by this build; reused"));
        }
        let begun = Some(Instant::now());
        *locked(&self.course) = RunCourse { total, done: reused, reused, begun, left_s: None };
        let template = "{bar:30} {pos}/{len} runs, {elapsed} passed, {left} to go";
        let Ok(style) = ProgressStyle::with_template(template) else { return };
        let course = Arc::clone(&self.course);
        let left = move |_: &ProgressState, text: &mut dyn fmt::Write| {
            // The text of a bar takes all that is written. No holder of the lock touches bars.
            let _ = write!(text, "{}", to_go(locked(&course).left_s()));
        };
        let bar = show_bar(total, style.with_key("left", left));
        bar.set_position(reused as u64);
        *locked(&self.bar) = bar;
    }

    fn restored(&self, folder: &Path) {
        let text =
            format!("{} was removed; it was made again with every finished run", folder.display());
        locked(&self.notes).push(Note::new("", text));
    }

    fn expect(&self, left_s: f64) {
        locked(&self.course).left_s = Some((left_s, Instant::now()));
    }

    fn step(&self) {
        let bar = locked(&self.bar).clone();
        let is_plain = bar.is_hidden();
        let mut course = locked(&self.course);
        course.done += 1;
        let RunCourse { done, total, .. } = *course;
        if !is_plain {
            drop(course);
            bar.set_position(done as u64);
        } else if done == total {
            status(&format!("{done}/{total} runs"));
        } else if done * 10 / total.max(1) > (done - 1) * 10 / total.max(1) {
            status(&format!("{done}/{total} runs, {} to go", to_go(course.left_s())));
        }
    }
}

/// Shows how many steps of some trainings are taken, and how long the others will take.
pub(super) struct TrainingProgress {
    shown: ProgressBar,
    /// Steps of all trainings.
    total: usize,
    begun: Instant,
    /// The steps taken; locked while a line is written, so that lines come in order.
    taken: Mutex<StepsTaken>,
}

/// Steps of all trainings so far.
#[derive(Clone, Copy, Debug, Default)]
struct StepsTaken {
    done: usize,
    /// Those that an earlier process took, which say nothing about the speed of this one.
    resumed: usize,
}

impl TrainingProgress {
    /// The progress of trainings with `total` steps in all.
    pub fn new(total: usize) -> Self {
        let template = "{bar:20} {pos}/{len} steps, {per_sec}, {eta} to go";
        let style =
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
        let per_s = |state: &ProgressState, text: &mut dyn fmt::Write| {
            // The text of a bar takes whatever is written.
            let _ = write!(text, "{:.0} steps/s", state.per_sec());
        };
        let shown = show_bar(total, style.with_key("per_sec", per_s));
        Self { shown, total, begun: Instant::now(), taken: Mutex::default() }
    }

    /// Counts the steps that a training took in an earlier process, and says so.
    pub fn resumed(&self, note: &str, steps: usize) {
        let mut taken = locked(&self.taken);
        taken.done += steps;
        taken.resumed += steps;
        status(note);
        self.shown.set_position(taken.done as u64);
        self.shown.reset_eta();
    }

    /// Counts steps that a training took.
    pub fn step(&self, steps: usize) {
        let mut taken = locked(&self.taken);
        let before = taken.done;
        taken.done += steps;
        if !self.shown.is_hidden() {
            self.shown.set_position(taken.done as u64);
        } else if let Some(line) =
            step_line(before, *taken, self.total, self.begun.elapsed().as_secs_f64())
        {
            status(&line);
        }
    }
}

/// The line that says how far trainings are, if `before` was in an earlier tenth of them. The steps
/// of this process took `seconds`.
fn step_line(before: usize, taken: StepsTaken, total: usize, seconds: f64) -> Option<String> {
    let StepsTaken { done, resumed } = taken;
    let tenth = |steps: usize| steps.saturating_mul(10) / total.max(1);
    if tenth(done) == tenth(before) {
        return None;
    }
    let own = (done - resumed) as f64;
    let per_s = own / seconds.max(1e-3);
    let left_s = total.saturating_sub(done) as f64 / per_s.max(1e-9);
    Some(format!("{done}/{total} steps, {per_s:.0} steps/s, {left_s:.0} s to go"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_for_every_tenth_and_counts_the_speed_of_this_process() {
        let line = |before, done, resumed, seconds| {
            step_line(before, StepsTaken { done, resumed }, 10_000, seconds)
        };
        assert_eq!(line(1000, 1999, 0, 2.0), None);
        let said = line(4999, 6000, 4000, 4.0).unwrap();
        assert_eq!(said, "6000/10000 steps, 500 steps/s, 8 s to go");
        assert_eq!(
            line(9000, 10_000, 0, 5.0).unwrap(),
            "10000/10000 steps, 2000 steps/s, 0 s to go"
        );
        assert_eq!(step_line(0, StepsTaken::default(), 0, 0.0), None);
    }
}
