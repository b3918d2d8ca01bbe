//! Progress on stderr: a bar on a terminal, a plain line every tenth elsewhere.

use super::print_note;
use crate::experiment::Progress;
use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use std::fmt;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Shows how many runs of a sweep are finished.
pub(super) struct SweepProgress {
    shown: ProgressBar,
    terminal: bool,
    total: AtomicUsize,
    /// The finished runs; locked while a line is written, so that lines come in order.
    done: Mutex<usize>,
}

impl SweepProgress {
    pub fn new() -> Self {
        Self {
            shown: ProgressBar::hidden(),
            terminal: std::io::stderr().is_terminal(),
            total: AtomicUsize::new(0),
            done: Mutex::new(0),
        }
    }

    pub fn end(&self) {
        self.shown.finish_and_clear();
    }
}

impl Progress for SweepProgress {
    fn start(&self, total: usize, reused: usize) {
        if reused > 0 {
            print_note(&format!(
                "{reused} of {total} runs were finished before by this build; reused"
            ));
        }
        self.total.store(total, Ordering::Relaxed);
        *self.done.lock().unwrap_or_else(PoisonError::into_inner) = reused;
        if self.terminal {
            let template = "{bar:30} {pos}/{len} runs, {elapsed} passed, {eta} to go";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.shown.set_style(style);
            }
            self.shown.set_draw_target(indicatif::ProgressDrawTarget::stderr());
            self.shown.set_length(total as u64);
            self.shown.set_position(reused as u64);
        }
    }

    fn restored(&self, folder: &Path) {
        print_note(&format!(
            "note: {} was removed; it was made again with every finished run",
            folder.display()
        ));
    }

    fn step(&self) {
        let mut counted = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *counted += 1;
        let done = *counted;
        let total = self.total.load(Ordering::Relaxed).max(1);
        if self.terminal {
            self.shown.set_position(done as u64);
        } else if done * 10 / total > (done - 1) * 10 / total {
            print_note(&format!("{done}/{total} runs"));
        }
    }
}

/// Shows how many steps of some trainings are taken, and how long the others will take.
pub(super) struct TrainingProgress {
    shown: ProgressBar,
    terminal: bool,
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
        let terminal = std::io::stderr().is_terminal();
        let shown = if terminal { ProgressBar::new(total as u64) } else { ProgressBar::hidden() };
        let template = "{bar:20} {pos}/{len} steps, {per_sec}, {eta} to go";
        if let Ok(style) = ProgressStyle::with_template(template) {
            let per_s = |state: &ProgressState, text: &mut dyn fmt::Write| {
                // The text of a bar takes whatever is written.
                let _ = write!(text, "{:.0} steps/s", state.per_sec());
            };
            shown.set_style(style.with_key("per_sec", per_s));
        }
        Self { shown, terminal, total, begun: Instant::now(), taken: Mutex::default() }
    }

    /// Counts the steps that a training took in an earlier process, and says so.
    pub fn resumed(&self, note: &str, steps: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.done += steps;
        taken.resumed += steps;
        self.shown.suspend(|| print_note(note));
        self.shown.set_position(taken.done as u64);
        self.shown.reset_eta();
    }

    /// Counts steps that a training took.
    pub fn step(&self, steps: usize) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = taken.done;
        taken.done += steps;
        if self.terminal {
            self.shown.set_position(taken.done as u64);
        } else if let Some(line) =
            step_line(before, *taken, self.total, self.begun.elapsed().as_secs_f64())
        {
            print_note(&line);
        }
    }

    /// Removes the bar.
    pub fn end(&self) {
        self.shown.finish_and_clear();
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
