//! The command `deputize`: what `deputize-cli` does, with the streams of this process.

use napi_derive::napi;

#[napi(catch_unwind)]
pub fn command_run(arguments: Vec<String>) -> u8 {
    deputize_cli::run_here(arguments.into_iter().map(Into::into))
}
