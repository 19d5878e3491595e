//! A witness: it saw a log grow, and says so of no other history.

use super::checkpoint::{Checkpoint, CheckpointPolicy};
use super::note::{Note, cosignature};
use super::tree;
use crate::id::Digest;
use crate::key::Signer;
use crate::time::Now;
use crate::{Code, Error, Result};

/// What a witness knows of one log. Keep [`Witness::seen`] where it survives a restart, before the cosignature is given away.
#[derive(Clone, Debug)]
pub struct Witness {
    name: String,
    policy: CheckpointPolicy,
    seen: Option<(Checkpoint, String)>,
}

impl Witness {
    /// A witness of this name, of the log that the policy is about, that has seen this note last. `name-invalid`, `checkpoint-invalid`.
    pub fn new(name: &str, policy: CheckpointPolicy, seen: Option<&str>, now: Now) -> Result<Self> {
        if !super::note::is_origin(name) {
            return Err(Error::named(Code::NameInvalid, "the name of a witness", name));
        }
        let seen = seen.map(|note| policy.verify(note, now).map(|checkpoint| (checkpoint, note.to_owned()))).transpose()?;
        Ok(Witness { name: name.to_owned(), policy, seen })
    }

    /// The newest checkpoint that it saw, as a note.
    #[must_use]
    pub fn seen(&self) -> Option<&str> {
        self.seen.as_ref().map(|(_, note)| &**note)
    }

    /// Sees a checkpoint, and gives the line that cosigns it, to be put at the end of the note. The proof is the one from the checkpoint that was
    /// seen before; it is empty for the first. `checkpoint-invalid`, `checkpoint-rollback`, `checkpoint-equivocation` (the note and
    /// [`Witness::seen`] are the evidence), `checkpoint-inconsistent`, `signing-failed`; then it is what it was.
    pub fn cosign(&mut self, note: &str, proof: &[Digest], signer: &dyn Signer, now: Now) -> Result<String> {
        let checkpoint = self.policy.verify(note, now)?;
        if let Some((seen, _)) = &self.seen {
            if checkpoint.size() < seen.size() {
                return Err(Error::of(Code::CheckpointRollback, &format!("{} after {}", checkpoint.size(), seen.size())));
            }
            if checkpoint.size() == seen.size() && checkpoint.root() != seen.root() {
                return Err(Error::of(Code::CheckpointEquivocation, &format!("size {}", seen.size())));
            }
        }
        let empty = (0, &tree::empty_root());
        let old = self.seen.as_ref().map_or(empty, |(seen, _)| (seen.size(), seen.root()));
        if !tree::continues(old, (checkpoint.size(), checkpoint.root()), proof) {
            return Err(Error::of(Code::CheckpointInconsistent, &format!("from size {} to {}", old.0, checkpoint.size())));
        }
        let line = cosignature(&self.name, Note::read(note)?.text, signer, now)?;
        self.seen = Some((checkpoint, note.to_owned()));
        Ok(line)
    }
}
