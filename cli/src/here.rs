//! The streams of this process.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};

use crate::screen::{Failure, Screen};
use crate::{REFUSED, Streams, Terminal, run};

/// Columns of a terminal that does not say.
const WIDTH: usize = 80;

/// Runs a command with the streams and the clock of this process.
pub fn run_here(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    let (mut input, mut output, mut error) = (std::io::stdin().lock(), std::io::stdout().lock(), std::io::stderr().lock());
    let has_colours =
        std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()) && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    let terminal = output.is_terminal().then(|| Terminal { width: width(), has_colours });
    let error_terminal = error.is_terminal().then(|| Terminal { width: width(), has_colours });
    let now = match deputize::os::now() {
        Ok(now) => now,
        Err(refused) => {
            let line = Screen::error_text(&Failure::from(refused), None);
            let _ = error.write_all(line.as_bytes());
            return REFUSED;
        }
    };
    run(arguments, Streams { input: &mut input, output: &mut output, error: &mut error, terminal, error_terminal, now })
}

fn width() -> usize {
    let set = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    set.or_else(of_terminal).filter(|columns| *columns > 0).unwrap_or(WIDTH)
}

#[cfg(unix)]
fn of_terminal() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).or_else(|_| rustix::termios::tcgetwinsize(std::io::stderr()));
    size.ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn of_terminal() -> Option<usize> {
    None
}
