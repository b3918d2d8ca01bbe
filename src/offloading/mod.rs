//! Offloading of dialogues between a device-side and a cloud-side language model: for every turn,
//! where to answer it and which of the user's camera views to upload.
//!
//! The system is TMO of Yuan, Han, Wang and Brinton (MobiHoc 2025, arXiv 2502.11007); formulas and
//! constants are those of the authors' published code (`liangqiyuan/TMO`). What is ours is called
//! ours where it stands.

pub mod action;
mod bandit;
pub mod cost;
pub mod recorded_policy;
pub mod estimator;
pub mod evaluate;
mod lookahead;
pub mod generate;
mod guard;
pub mod import;
pub mod network_policy;
mod linucb;
pub mod optimum;
pub mod policy;
pub mod training_env;
pub mod reproduce;
pub mod multi_user;
pub mod workload;
pub mod model;

pub use action::Actions;
pub use cost::Costs;
pub use policy::{TurnContext, POLICIES, OffloadPolicy};
pub use workload::{Dialogue, Split, Turn, Workload};
pub use model::{Cost, ModelParams, DialogueModel};
