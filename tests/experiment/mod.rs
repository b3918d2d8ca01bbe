//! Experiment files, results and their descriptions.

mod attacks;
mod bad_input;
mod capacity_search;
mod dataframes;
mod dictionary;
mod fuzz_parsers;
mod golden;
mod kubernetes;
mod notes;
mod offloading_study;
#[cfg(feature = "parquet")]
mod request_table;
mod spelling;
mod tables;
