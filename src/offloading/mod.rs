//! Offloading of dialogues between a language model on a device and one in the cloud: for every
//! turn, where to answer it and which of the user's camera views to upload.
//!
//! The system is TMO of Yuan, Han, Wang and Brinton (MobiHoc 2025, arXiv 2502.11007); formulas and
//! constants are those of the authors' published code (`liangqiyuan/TMO`). Comments mark what is
//! ours.

pub mod action;
pub mod agent_cache;
pub mod agents;
mod bandit;
pub mod cost;
pub mod cost_file;
pub mod devices;
pub mod dialogue_row;
mod dialogue_rows;
pub mod dialogue_source;
pub mod estimator;
pub mod evaluate;
pub mod folds;
pub mod generate;
mod guard;
pub mod import;
pub mod import_dialogues;
mod linucb;
pub mod model;
pub mod multi_user;
pub mod network_policy;
pub mod optimum;
pub mod policies;
pub mod policy;
pub mod policy_spec;
pub mod recorded_policy;
pub mod training_env;
pub mod true_responses;
pub mod workload;

pub use action::{Action, ActionList, Actions};
pub use cost::{CallLink, Cost, Costs};
pub use devices::{CostFile, LocalFormula};
pub use evaluate::Scorer;
pub use folds::{Evaluation, Fold, FoldModels, FoldPlan, TEST_SHARE};
pub use model::{DialogueModel, ModelParams};
pub use policies::POLICIES;
pub use policy::{OffloadPolicy, TurnContext};
pub use workload::{Dialogue, Split, Turn, Workload};
