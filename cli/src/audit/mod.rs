//! `deputize audit`: logs, looked at and checked.

mod anchors;
mod check;
mod checkpoint;
mod follow;
mod open;
mod read;
mod receipt;
mod records;
mod show;

pub(crate) use anchors::anchors;
pub(crate) use check::{KEEP, place};
pub(crate) use read::entries;
pub(crate) use records::Record;

use crate::args::{Audit, Filter};
use crate::report;
use crate::screen::{Failure, Screen};

/// So many entries.
pub(crate) fn entries_of(count: u64) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}

pub(crate) fn run(command: &Audit, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    match command {
        Audit::Verify(arguments) => check::run(arguments, screen),
        Audit::Show(arguments) => show::run(arguments, &Filter::default(), screen),
        Audit::Query(arguments) => show::run(&arguments.show, &arguments.filter, screen),
        Audit::Follow(arguments) => follow::run(arguments, screen),
        Audit::Open(arguments) => open::run(arguments, screen),
        Audit::Checkpoint(arguments) => checkpoint::run(arguments, screen),
        Audit::Receipt(arguments) => receipt::run(arguments, screen),
        Audit::VerifyReceipt(arguments) => receipt::verify(arguments, screen),
        Audit::Report(arguments) => report::run(arguments, screen),
    }
}
