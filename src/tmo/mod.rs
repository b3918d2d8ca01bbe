//! Offloading of dialogues between a device-side and a cloud-side language model: for every turn,
//! where to answer it and which of the user's camera views to upload.
//!
//! The system is TMO of Yuan, Han, Wang and Brinton (MobiHoc 2025, arXiv 2502.11007); formulas and
//! constants are those of the authors' published code (`liangqiyuan/TMO`). What is ours is called
//! ours where it stands.

pub mod action;
mod bandit;
pub mod cost;
pub mod decisions;
pub mod estimator;
pub mod evaluate;
mod foresight;
pub mod generate;
mod guard;
pub mod import;
pub mod learned;
mod linucb;
pub mod optimum;
pub mod policy;
pub mod practice;
pub mod reproduce;
pub mod traffic;
pub mod workload;
pub mod world;

pub use action::Actions;
pub use cost::Costs;
pub use policy::{Moment, POLICIES, Policy};
pub use workload::{Dialogue, Split, Turn, Workload};
pub use world::{Resources, Rules, World};
