//! One run in detail: its timeline, and why a request ended as it did.

mod explanation;
mod json;
mod record;
mod timeline;

pub use explanation::{Alternative, Cause, Explanation};
pub use record::{Candidate, Choice, End, Followed, Latest, Occupation, Record, Verdict, Work};
pub use timeline::TraceEvents;
