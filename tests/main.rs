//! Every test outside `src`, as one program: one link rather than one a file. `README.md` says what
//! to read first; `cargo test faults` runs the tests of `engine/faults.rs`.

mod support;

mod cli;
mod engine;
mod experiment;
mod offloading;
mod repository;
mod schedulers;
mod statistics;
mod workload;
