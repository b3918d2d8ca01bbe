//! One file a command: what it prints, writes and refuses.

mod calibrate;
mod check;
mod cluster;
mod command;
mod compare;
mod env;
mod explain;
mod extensions;
mod external;
mod help;
mod import;
mod init;
mod inspect;
#[cfg(target_os = "linux")]
mod interrupt;
mod json;
mod league;
mod list;
mod offload;
mod plot;
mod report;
mod reproduce;
mod reproduce_edge;
mod reproduce_tmo;
mod revision;
mod shard;
mod sweep;
mod train;
mod train_folds;
mod transcripts;
mod tune;
mod verify;
