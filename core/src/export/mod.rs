//! Records of the audit log in the forms that other systems read (specification, export.md). Views: nothing is decided by them.

mod act;
mod cloud_event;
mod ocsf;
mod telemetry;

use crate::audit::{LogHolder, LogRecord};

impl LogRecord {
    /// Who called: the last holder of the chain, once a proof shows that it was it.
    pub(crate) fn proven_caller(&self) -> Option<&LogHolder> {
        self.chain.last().filter(|_| self.proof.is_some())
    }
}

/// An entry of a log: its origin and sequence, as one name.
fn entry_name(origin: &str, sequence: u64) -> String {
    format!("{origin}#{sequence}")
}
