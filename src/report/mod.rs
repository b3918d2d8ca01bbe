//! Results as files, tables and pictures.
pub mod figure;
