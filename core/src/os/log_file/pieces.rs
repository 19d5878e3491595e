//! A log as it is at one moment, for whoever reads it while others write.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::files::{self, Place};
use crate::Result;

/// The bytes of a whole log, with all of its files, piece by piece. What is appended after it was opened is not in it, nor is half of a line that was
/// being written.
#[derive(Debug)]
pub struct LogPieces {
    /// Those that are left, the next last.
    files: Vec<(PathBuf, Option<File>, u64)>,
    at: u64,
    done: u64,
    all: u64,
}

impl LogPieces {
    /// Finds the files of a log.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if a file cannot be read, or there is none.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let mut files = files::snapshot(path.as_ref())?;
        files.reverse();
        let all = files.iter().map(|(_, _, length)| length).sum();
        Ok(LogPieces { files, at: 0, done: 0, all })
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// [`Code::AuditUnavailable`](crate::Code::AuditUnavailable) if a file cannot be read.
    pub fn next_piece(&mut self) -> Result<Option<Vec<u8>>> {
        while let Some((path, file, length)) = self.files.last_mut() {
            if self.at == *length {
                self.files.pop();
                self.at = 0;
                continue;
            }
            let place = Place::new(path);
            let file = match file {
                Some(file) => file,
                None => file.insert(place.open_to_read()?),
            };
            let end = (*length).min(self.at + files::PIECE);
            let mut piece = Vec::new();
            place.read(file, self.at, end, |part| {
                piece.extend_from_slice(part);
                Ok(())
            })?;
            self.done += end - self.at;
            self.at = end;
            return Ok(Some(piece));
        }
        Ok(None)
    }

    /// How many bytes were given, and how many there are in all.
    #[must_use]
    pub const fn progress(&self) -> (u64, u64) {
        (self.done, self.all)
    }
}

/// Gives the bytes of a whole log, each piece with how many bytes that makes and how many there are in all. Nothing is checked: for
/// [`LogProof`](crate::LogProof), and a [`LogCheck`](crate::LogCheck) of one's own.
///
/// # Errors
/// As [`LogPieces`]; those of `each`.
pub fn log_pieces(path: impl AsRef<Path>, mut each: impl FnMut(&[u8], u64, u64) -> Result<()>) -> Result<()> {
    let mut pieces = LogPieces::open(path)?;
    while let Some(piece) = pieces.next_piece()? {
        let (done, all) = pieces.progress();
        each(&piece, done, all)?;
    }
    Ok(())
}
