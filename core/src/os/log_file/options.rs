//! How a log is kept.

use std::sync::Arc;

use crate::audit::{Disclosed, Disclosure, Salt};
use crate::key::Signer;
use crate::log::Checkpoint;
use crate::signals::Signals;

/// How a log is kept.
#[derive(Clone)]
#[must_use]
pub struct LogOptions {
    pub(super) is_synced: bool,
    pub(super) disclosure: Disclosure,
    pub(super) rotate_at: u64,
    pub(super) unproven: u64,
    pub(super) checkpoints: Option<(Arc<dyn Signer + Send + Sync>, u64)>,
    pub(super) expected: Vec<Checkpoint>,
    pub(super) signals: Option<Signals>,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            is_synced: false,
            disclosure: Disclosure::default(),
            rotate_at: 64 << 20,
            unproven: 1000,
            checkpoints: None,
            expected: Vec::new(),
            signals: None,
        }
    }
}

impl LogOptions {
    /// Not synced, without arguments, files of 64 MiB, 1,000 denials of unproven callers a minute, no checkpoints.
    pub fn new() -> Self {
        LogOptions::default()
    }

    /// Waits after each append until the system says that it is on the disk. Without it an entry survives the end of the process, and not always
    /// that of the machine.
    pub const fn synced(mut self, is_synced: bool) -> Self {
        self.is_synced = is_synced;
        self
    }

    /// Records the arguments of calls, not only their digest.
    pub fn with_arguments(mut self, with_arguments: bool) -> Self {
        self.disclosure.arguments = if with_arguments { Disclosed::Everything } else { Disclosed::Nothing };
        self
    }

    /// Records arguments of these names, whatever the tool, and the digest of all of them.
    pub fn disclosing(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.disclosure.arguments = Disclosed::Named(names.into_iter().collect());
        self
    }

    /// Salts the digests of arguments with a secret: whoever has it can still tell whether a digest is of some arguments, and nobody else can
    /// find arguments by trying what they may be.
    pub fn salted(mut self, salt: [u8; 32]) -> Self {
        self.disclosure.salt = Some(Salt(zeroize::Zeroizing::new(salt)));
        self
    }

    /// Begins a new file before one grows beyond so many bytes.
    pub const fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// How many denials a minute are recorded of callers without a verified proof; the rest is counted.
    pub const fn unproven_per_minute(mut self, most: u64) -> Self {
        self.unproven = most;
        self
    }

    /// Signs a checkpoint, with the key of the log, after so many entries and at the end, into the file with `.checkpoint` at its end. Where that
    /// fails, nothing more is written before it is done.
    pub fn checkpoints(mut self, signer: Arc<dyn Signer + Send + Sync>, every: u64) -> Self {
        self.checkpoints = Some((signer, every.max(1)));
        self
    }

    /// Refuses to go on with a log that is not what a checkpoint, kept elsewhere and verified, says.
    pub fn expected(mut self, checkpoint: Checkpoint) -> Self {
        self.expected.push(checkpoint);
        self
    }

    /// Watches the log: it feeds a copy of these with what is in it and with each record that is appended, and keeps their signals (specification,
    /// signals.md). Opening the log then reads all of it.
    pub fn signals(mut self, signals: Signals) -> Self {
        self.signals = Some(signals);
        self
    }
}

impl std::fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogOptions").field("is_synced", &self.is_synced).field("rotate_at", &self.rotate_at).finish_non_exhaustive()
    }
}
