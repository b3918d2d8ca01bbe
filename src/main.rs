//! The `peeksim` command; see `peeksim --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    peeksim::cli::main()
}
