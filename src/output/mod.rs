//! Writes files; nothing else does, except the journal.

pub mod atomic;
pub mod packed;
