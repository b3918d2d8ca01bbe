//! Profiles of real devices from runs under load, and how well they predict other runs.
//!
//! [`loads`] reads the measurements, [`fit`] finds service time and overhead in closed form,
//! [`predict`](predict::predict) simulates every measured run, and [`Assessment`] compares. The
//! error of a prediction stands beside the difference of a measured run from its own repeats,
//! which no model can fall below.

mod assess;
pub mod choice;
pub mod constants;
pub mod edge;
pub mod fit;
pub mod loads;
pub mod predict;
pub mod profile;
mod tables;

pub use assess::{Assessment, CellAssessment, FitPlan, LoadAssessment, METRICS, Medians, assess};
pub use tables::{charts, fits_csv, medians_csv, predictions_csv};
