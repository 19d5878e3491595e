//! `deputize audit follow`: the log as it grows, through rotations.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use deputize::os::log_files;
use deputize::{Code, Error};

use super::read::Reader;
use super::records::{Record, sentence_line};
use crate::DONE;
use crate::args::Follow;
use crate::files::{beside, open_regular, unavailable};
use crate::screen::{Failure, Line, Screen};

const PAUSE: Duration = Duration::from_millis(200);
/// Bytes that are read at once: more than the longest line.
const PIECE: u64 = 1024 * 1024;

pub(super) fn run(arguments: &Follow, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let path = &arguments.log.path;
    let mut following = Following { reader: Reader::new(Vec::new()), file: None };
    // What is there already: the last so many are shown.
    let mut last = VecDeque::new();
    let mut shown = 0;
    let read = following.read_on(
        path,
        &mut |line| {
            last.push_back(line);
            if last.len() > arguments.last {
                last.pop_front();
            }
            Ok(())
        },
        screen.is_json,
    );
    let limit = arguments.limit.unwrap_or(usize::MAX);
    for line in last.into_iter().take(limit) {
        put(&line, screen)?;
        shown += 1;
    }
    read?;
    while shown < limit {
        screen.flush()?;
        let before = shown;
        let is_json = screen.is_json;
        following.read_on(
            path,
            &mut |line| {
                if shown < limit {
                    put(&line, screen)?;
                    shown += 1;
                }
                Ok(())
            },
            is_json,
        )?;
        if shown == before {
            std::thread::sleep(PAUSE);
        }
    }
    Ok(DONE)
}

enum Out {
    Sentence(Line),
    Json(String),
}

fn put(out: &Out, screen: &mut Screen<'_>) -> Result<(), Failure> {
    match out {
        Out::Sentence(line) => screen.line(line),
        Out::Json(line) => screen.json_line(line),
    }
}

struct Following {
    reader: Reader,
    /// The file that is read, and how much of it was.
    file: Option<(File, u64)>,
}

impl Following {
    /// Reads what is there by now: whole lines only, since a torn one is cut off again.
    fn read_on(&mut self, path: &Path, each: &mut dyn FnMut(Out) -> Result<(), Failure>, is_json: bool) -> Result<(), Failure> {
        loop {
            if self.file.is_none() {
                let Some(next) = self.next_file(path)? else { return Ok(()) };
                match open_regular(&next) {
                    Ok(file) => self.file = Some((file, 0)),
                    // It was put away since.
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    Err(error) => return Err(unavailable("cannot be opened", &error, &next).into()),
                }
            }
            // A file that was put away is whole: whether it was is asked before it is read to its end.
            let size = self.reader.size();
            let is_read = self.read_lines(path, each, is_json)?;
            if is_read && self.reader.size() == size {
                if size == 0 || !put_away(path, size).exists() {
                    return Ok(());
                }
                self.file = None;
            }
        }
    }

    /// Whether there is nothing more.
    fn read_lines(&mut self, path: &Path, each: &mut dyn FnMut(Out) -> Result<(), Failure>, is_json: bool) -> Result<bool, Failure> {
        let Some((file, at)) = &mut self.file else { return Ok(true) };
        let unreadable = |error| Failure::Refused(unavailable("cannot be read", &error, path));
        if file.metadata().map_err(unreadable)?.len() < *at {
            return Err(Error::about(Code::LogTruncated, "the file is shorter than it was").at_entry(self.reader.size()).into());
        }
        file.seek(SeekFrom::Start(*at)).map_err(unreadable)?;
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes).map_err(unreadable)?;
        let is_full = bytes.len() as u64 == PIECE;
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        // A line that is longer than any may be is refused by the check.
        let taken = if whole == 0 && is_full { bytes.len() } else { whole };
        *at += taken as u64;
        self.reader.push(&bytes[..taken], &mut |entry| {
            each(match is_json {
                true => Out::Json(entry.line.to_owned()),
                false => Out::Sentence(sentence_line(entry.sequence, Record::of(entry).as_ref(), false)),
            })
        })?;
        Ok(!is_full)
    }

    /// The file that goes on where the reader is: the first that was put away at a larger size, otherwise the one that is written.
    fn next_file(&self, path: &Path) -> Result<Option<PathBuf>, Error> {
        let here = put_away(path, self.reader.size());
        let files = log_files(path)?;
        let next = files.iter().find(|file| **file != *path && **file > here).or_else(|| files.iter().find(|file| **file == *path));
        match next {
            None if self.reader.size() == 0 => Err(Error::named(Code::AuditUnavailable, "there is no log:", &path.display().to_string())),
            // Between two files there is none for an instant.
            next => Ok(next.cloned()),
        }
    }
}

/// The name of the file that ends at this size (specification, log.md).
fn put_away(path: &Path, size: u64) -> PathBuf {
    beside(path, &format!(".{size:016}"))
}
