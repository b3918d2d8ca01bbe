//! The only place that writes files.

pub mod atomic;

pub mod packed;
