//! A rule that an entry breaks.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The rule that an entry breaks, and the case in which it does. Its debug form is its text, so
/// that a test which returns it prints the text.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: {rule}")]
pub struct Violation {
    /// The world and the settings, which the same call draws again.
    pub case: String,
    /// What is wrong.
    pub rule: String,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The rule that `check` finds broken in a case; a panic breaks one, too.
pub(super) fn check(
    case: impl Into<String>,
    check: impl FnOnce() -> Result<(), String>,
) -> Result<(), Violation> {
    let found = catch_unwind(AssertUnwindSafe(check));
    let found = found.unwrap_or_else(|panic| Err(format!("it panics: {}", text(&*panic))));
    found.map_err(|rule| Violation { case: case.into(), rule })
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}
