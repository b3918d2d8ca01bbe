//! Dialogues between a device and the cloud.

mod dialogues;
mod guards;
mod policy_cache;
mod tmo;
