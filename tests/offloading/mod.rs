//! Dialogues between a device and the cloud.

mod background;
mod cost_files;
mod dialogues;
mod guards;
mod hand;
mod policy_cache;
mod tmo;
mod users_of_a_link;

use peeksim::offloading::{CostFile, Costs, LocalFormula};

/// The costs of a shipped device and network.
fn costs(formula: LocalFormula, device: &str, network: &str) -> Costs {
    let file = CostFile::shipped().expect("the shipped file");
    file.costs(formula, device, network, 0).expect("a device and a network")
}

/// The published costs of the Jetson TX2 and the wired network.
fn published() -> Costs {
    Costs::published().expect("the shipped file")
}

/// The same, local calls by operations per token.
fn physical() -> Costs {
    costs(LocalFormula::Physical, "Jetson TX2", "Wired")
}

/// The published sweep.
fn synthetic_costs(views: usize) -> Costs {
    Costs::synthetic(views).expect("the shipped file")
}
