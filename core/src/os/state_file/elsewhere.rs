//! State files where the system has no files that are one user's alone: there are none.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::time::Now;
use crate::trust::{TrustState, Update};
use crate::{Code, Error, Result};

/// A file that keeps what a [`TrustState`] accepted: on Unix only.
#[derive(Debug)]
pub enum StateFile {}

impl StateFile {
    /// Refuses with [`Code::StateUnavailable`].
    pub fn create(path: impl AsRef<Path>, _state: Arc<TrustState>) -> Result<Self> {
        unsupported(path.as_ref())
    }

    /// Refuses with [`Code::StateUnavailable`].
    pub fn open(path: impl AsRef<Path>, _state: Arc<TrustState>, _now: Now) -> Result<Self> {
        unsupported(path.as_ref())
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> &Arc<TrustState> {
        match *self {}
    }

    /// Takes a list and keeps it.
    pub fn apply_list(&self, _list: impl Read, _now: Now) -> Result<Update> {
        match *self {}
    }

    /// Takes a rotation and keeps it.
    pub fn apply_rotation(&self, _rotation: &[u8], _now: Now) -> Result<Update> {
        match *self {}
    }

    /// Takes over what other processes put into the file since.
    pub fn refresh(&self, _now: Now) -> Result<()> {
        match *self {}
    }
}

fn unsupported(path: &Path) -> Result<StateFile> {
    Err(Error::named(Code::StateUnavailable, "state files are supported on Unix only:", &path.display().to_string()))
}
