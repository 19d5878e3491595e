//! The command line of Deputize as a function: arguments and streams go in, the exit code comes out. The binary, the console script of the Python
//! package and the command of the npm package are thin shells of it.
//!
//! | code | when |
//! |---|---|
//! | 0 | done; of a check: whole and anchored |
//! | 1 | refused, broken, or not possible: the error is on the error output, with its code and what to do |
//! | 2 | not a usage |
//! | 3 | of a check of a log: whole, but unanchored |
#![forbid(unsafe_code)]

mod args;
mod audit;
mod explain;
mod files;
mod here;
mod inspect;
mod keygen;
mod report;
mod screen;
mod time;
mod verify;
mod visible;

use std::ffi::OsString;
use std::io::{Read, Write};

use clap::Parser as _;
use deputize::Now;

pub use here::run_here;

use args::{Arguments, Command};
use screen::{Failure, Screen};

/// Done; of a check: whole and anchored.
pub const DONE: u8 = 0;
/// Refused, broken, or not possible.
pub const REFUSED: u8 = 1;
/// Not a usage.
pub const USAGE: u8 = 2;
/// Of a check of a log: whole, but nothing says that it was not cut or written anew.
pub const UNANCHORED: u8 = 3;

/// Where a command reads and writes, and when.
pub struct Streams<'a> {
    /// Standard input.
    pub input: &'a mut dyn Read,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub error: &'a mut dyn Write,
    /// Of the output, if it is a terminal.
    pub terminal: Option<Terminal>,
    /// Of the error output, if it is a terminal.
    pub error_terminal: Option<Terminal>,
    /// The time.
    pub now: Now,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").field("terminal", &self.terminal).field("error_terminal", &self.error_terminal).finish_non_exhaustive()
    }
}

/// What a terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Columns.
    pub width: usize,
    /// Whether colours are wanted.
    pub has_colours: bool,
}

/// Runs a command, without the name of the program in front: its exit code. Nothing that comes from elsewhere reaches a terminal unescaped.
pub fn run(arguments: impl IntoIterator<Item = OsString>, streams: Streams<'_>) -> u8 {
    let arguments: Vec<OsString> = [OsString::from("deputize")].into_iter().chain(arguments).collect();
    let (is_json, parsed) = match Arguments::try_parse_from(&arguments) {
        Ok(arguments) => (arguments.json, Ok(arguments.command)),
        Err(error) => (arguments.iter().any(|argument| argument == "--json"), Err(error)),
    };
    let mut screen = Screen::new(streams, is_json);
    let done = match parsed {
        Ok(command) => dispatch(&command, &mut screen),
        Err(error) => usage(&error, &mut screen),
    };
    let is_said = matches!(done, Err(Failure::Output(_)));
    let code = match done {
        Ok(code) => code,
        Err(failure) => screen.fail(&failure),
    };
    match screen.finish() {
        Err(error) if !is_said => screen.fail(&Failure::Output(error)).max(code),
        _ => code,
    }
}

fn dispatch(command: &Command, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    match command {
        Command::Keygen(arguments) => keygen::run(arguments, screen),
        Command::Inspect(arguments) => inspect::run(arguments, screen),
        Command::Verify(arguments) => verify::run(arguments, screen),
        Command::Explain(arguments) => explain::run(arguments, screen),
        Command::Audit(command) => audit::run(command, screen),
    }
}

/// What clap says, for help on the output.
fn usage(error: &clap::Error, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let text = error.render().to_string();
    if error.use_stderr() {
        return Err(Failure::Usage(text));
    }
    for line in text.lines() {
        screen.text(line)?;
    }
    Ok(DONE)
}
