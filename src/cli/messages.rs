//! Messages on stderr while a command runs, and the last one when it is interrupted.

use crate::config::shown::shown_lines;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};
use std::process::exit;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The exit code of an interrupted command, as shells give it.
pub(super) const INTERRUPTED: u8 = 130;

/// Whether only errors are said.
static QUIET: AtomicBool = AtomicBool::new(false);
/// The progress bar on the terminal, if there is one.
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// From now on, only errors are said.
pub(super) fn silence() {
    QUIET.store(true, Ordering::Relaxed);
}

/// Prints an error.
pub(super) fn error(text: &str) {
    // If stderr is closed, nothing can be reported.
    let _ = writeln!(io::stderr(), "{}", shown_lines(text));
}

/// Prints a line about what happens now, above the progress bar; nothing with `--quiet`.
pub(super) fn status(text: &str) {
    if QUIET.load(Ordering::Relaxed) {
        return;
    }
    match &*shown() {
        Some(bar) => bar.suspend(|| error(text)),
        None => error(text),
    }
}

/// Shows a progress bar in this style; a hidden one where stderr is no terminal, or with `--quiet`.
pub(super) fn show_bar(total: usize, style: ProgressStyle) -> ProgressBar {
    if QUIET.load(Ordering::Relaxed) || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total as u64).with_style(style);
    if let Some(before) = shown().replace(bar.clone()) {
        before.finish_and_clear();
    }
    bar
}

/// Removes the progress bar.
pub(super) fn clear_bar() {
    if let Some(bar) = shown().take() {
        bar.finish_and_clear();
    }
}

fn shown() -> MutexGuard<'static, Option<ProgressBar>> {
    BAR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process with a message when the user interrupts it or the system asks it to end.
///
/// Whatever runs is simply left: finished runs are in a journal, which readers check line by line,
/// and other files appear whole or not at all.
pub(super) fn end_on_interrupt(resumes: bool) {
    let is_ending = AtomicBool::new(false);
    let handler = move || {
        if is_ending.swap(true, Ordering::Relaxed) {
            // The message may wait for a reader.
            exit(INTERRUPTED.into());
        }
        std::thread::spawn(move || {
            clear_bar();
            let goes_on = if resumes { "; the same command goes on where it stopped" } else { "" };
            error(&format!("interrupted{goes_on}"));
            exit(INTERRUPTED.into());
        });
    };
    // Without a handler, or where a signal is ignored (`nohup`), the system decides as always.
    let _ = ctrlc::try_set_handler(handler);
}
