//! The command `deputize`: what `deputize-cli` does, with the streams of this process.

use std::ffi::OsString;

use pyo3::prelude::*;

use crate::errors::entry;

/// Runs the command with the arguments of this process: the exit code.
#[pyfunction]
pub fn main(py: Python<'_>) -> PyResult<u8> {
    let arguments: Vec<OsString> = py.import("sys")?.getattr("argv")?.extract()?;
    // Python would only take note of an interrupt.
    let signal = py.import("signal")?;
    signal.call_method1("signal", (signal.getattr("SIGINT")?, signal.getattr("SIG_DFL")?))?;
    entry(|| Ok(py.detach(|| deputize_cli::run_here(arguments.into_iter().skip(1)))))
}
