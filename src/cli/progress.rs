//! Progress on stderr: a bar on a terminal, a plain line every tenth elsewhere.

use super::print_note;
use crate::experiment::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

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
