//! Recorded requests: of one application with its data (`traces/<app>.csv`), and files of requests
//! of any length.

pub mod recorded;
pub mod trace_file;
