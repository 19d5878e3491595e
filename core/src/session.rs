//! A session: what belongs together because it serves one task of one person or agent. Closed, everything in it stops.

use rand_core::TryCryptoRng;

use crate::Result;
use crate::id::{Digest, SessionId, sha256};
use crate::issue::{Grant, random};

/// A session that its issuer opened: a random id, and the task that it is for. It says nothing by itself; tokens carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    id: SessionId,
    task: Option<Digest>,
}

impl Session {
    /// A new session. `randomness-unavailable`.
    pub fn open<R: TryCryptoRng>(rng: &mut R) -> Result<Self> {
        Ok(Session { id: SessionId::from_bytes(random(rng)?), task: None })
    }

    /// A session that was opened elsewhere.
    #[must_use]
    pub const fn of(id: SessionId, task: Option<Digest>) -> Self {
        Session { id, task }
    }

    /// The same session, for a task: tokens carry the SHA-256 of these bytes, whatever describes the task where it was given.
    #[must_use]
    pub fn for_task(self, description: &[u8]) -> Self {
        Session { task: Some(sha256(description)), ..self }
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> SessionId {
        self.id
    }

    /// The digest of its task.
    #[must_use]
    pub const fn task(&self) -> Option<Digest> {
        self.task
    }
}

impl Grant {
    /// A root in this session, for its task.
    #[must_use]
    pub fn in_session(self, session: &Session) -> Self {
        let grant = self.session(session.id);
        match session.task {
            Some(task) => grant.task(task),
            None => grant,
        }
    }
}
