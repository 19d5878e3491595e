//! The command `deputize`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(deputize_cli::run_here(std::env::args_os().skip(1)))
}
