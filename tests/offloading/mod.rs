//! Dialogues between a device and the cloud.

mod background;
mod dialogues;
mod guards;
mod hand;
mod policy_cache;
mod tmo;
mod users_of_a_link;
