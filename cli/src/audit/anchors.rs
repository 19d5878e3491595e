//! What a log is checked against.

use std::path::{Path, PathBuf};

use deputize::{Checkpoint, CheckpointPolicy, Code, Error, NoteKey};

use crate::args::Anchors;
use crate::files::{beside, note_keys, open_regular, read_text, unavailable};
use crate::screen::{Failure, Screen};

/// Checkpoints, and which of them anchor.
#[derive(Debug, Default)]
pub(crate) struct Anchored {
    /// All that the log has to agree with.
    pub(crate) checkpoints: Vec<Checkpoint>,
    /// The largest size of one that is signed, or vouched for, as was asked for.
    size: Option<u64>,
    /// Where that one is.
    from: Option<PathBuf>,
    /// Whether that one lies beside the log.
    pub(crate) is_beside: bool,
}

impl Anchored {
    fn push(&mut self, checkpoint: Checkpoint, from: PathBuf, counts: bool, is_beside: bool) {
        if counts && self.size.is_none_or(|size| checkpoint.size() > size) {
            (self.size, self.from, self.is_beside) = (Some(checkpoint.size()), Some(from), is_beside);
        }
        self.checkpoints.push(checkpoint);
    }

    /// Up to which size a log that agrees with all of them is anchored. A checkpoint of nothing anchors nothing but an empty log.
    pub(crate) fn up_to(&self, size: u64) -> Option<u64> {
        self.size.filter(|anchored| *anchored > 0 || size == 0)
    }

    /// The checkpoint that anchors.
    pub(crate) fn from(&self) -> String {
        self.from.as_ref().map_or_else(String::new, |path| path.display().to_string())
    }
}

/// A policy of keys that were given; none without keys.
pub(crate) fn policy(keys: &[NoteKey], witnesses: &[String], count: Option<usize>) -> Result<Option<CheckpointPolicy>, Error> {
    if keys.is_empty() {
        return Ok(None);
    }
    let policy = CheckpointPolicy::new(keys.iter().cloned())?;
    let witnesses = note_keys(witnesses)?;
    if witnesses.is_empty() {
        return Ok(Some(policy));
    }
    let count = count.unwrap_or(witnesses.len());
    policy.with_witnesses(count, witnesses).map(Some)
}

/// The checkpoints that were given, and the one beside the log if its key was.
pub(crate) fn anchors(path: &Path, arguments: &Anchors, screen: &mut Screen<'_>) -> Result<Anchored, Failure> {
    let keys = note_keys(&arguments.key)?;
    let policy = policy(&keys, &arguments.witness, arguments.witnesses)?;
    let mut anchored = Anchored::default();
    for file in &arguments.checkpoint {
        let note = read_text(file, screen)?;
        let checkpoint = match &policy {
            Some(policy) => policy.verify(&note, screen.now)?,
            None => Checkpoint::unverified(&note)?,
        };
        anchored.push(checkpoint, file.clone(), true, false);
    }
    let here = beside(path, ".checkpoint");
    if let Some(policy) = &policy
        && here.try_exists().unwrap_or(true)
    {
        open_regular(&here).map_err(|error| unavailable("cannot be opened", &error, &here))?;
        let note = read_text(&here, screen)?;
        // The log signs it alone: where witnesses are asked for, it has to be right, and does not anchor.
        let witnessed = policy.verify(&note, screen.now);
        let counts = witnessed.is_ok();
        let checkpoint = match witnessed {
            Err(_) if !arguments.witness.is_empty() => CheckpointPolicy::new(keys)?.verify(&note, screen.now)?,
            verified => verified?,
        };
        anchored.push(checkpoint, here, counts, true);
    }
    if anchored.checkpoints.is_empty() && policy.is_none() {
        return Ok(anchored);
    }
    let origin = super::read::origin(path, screen).unwrap_or_default();
    let names = anchored.checkpoints.iter().map(Checkpoint::origin).chain(policy.as_ref().map(CheckpointPolicy::origin));
    match origin.as_deref().and_then(|origin| names.into_iter().find(|name| *name != origin)) {
        Some(other) => Err(Error::named(Code::CheckpointInvalid, "of another log:", other).into()),
        None => Ok(anchored),
    }
}
