//! What tests share: worlds of the engine, and a shell for the command.

pub mod common;
pub mod python;
pub mod shell;
