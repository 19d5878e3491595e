//! The files of a log: how they are named, locked, written and put away.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::{Code, Error, Result};

const CODE: Code = Code::AuditUnavailable;
/// Bytes that are read at once.
pub(super) const PIECE: u64 = 256 * 1024;
/// The longest note that is kept beside a log.
const MAX_NOTE: u64 = 64 * 1024;
/// Digits of the size of the log in the name of a file that was put away.
const DIGITS: usize = 16;

pub(super) struct Place<'a> {
    path: &'a Path,
}

impl<'a> Place<'a> {
    pub(super) const fn new(path: &'a Path) -> Self {
        Place { path }
    }

    /// Whoever holds it is the only one who changes the files, of all processes. Whoever only reads makes none.
    pub(super) fn lock(&self, is_made: bool) -> Result<Lock> {
        let mut options = OpenOptions::new();
        let file = self.open_beside(options.read(true).write(is_made).create(is_made), ".lock", "the lock cannot be opened")?;
        file.lock().map_err(|error| failed("the lock cannot be taken", error, self.path))?;
        Ok(Lock(file))
    }

    pub(super) fn open(&self) -> Result<Option<File>> {
        match opened(OpenOptions::new().read(true).append(true), self.path, true) {
            Ok(file) => self.regular(file).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed("the log cannot be opened", error, self.path)),
        }
    }

    /// For reading only.
    pub(super) fn open_to_read(&self) -> Result<File> {
        let file = opened(OpenOptions::new().read(true), self.path, true);
        self.regular(file.map_err(|error| failed("the log cannot be opened", error, self.path))?)
    }

    /// The file of that name, which is on the disk before anything is in it, if that is asked for.
    pub(super) fn create(&self, is_synced: bool) -> Result<File> {
        let unusable = |error| failed("the log cannot be made", error, self.path);
        let file = opened(OpenOptions::new().read(true).append(true).create(true), self.path, true).map_err(unusable)?;
        match sync_folder(self.path) {
            Err(error) if is_synced => Err(unusable(error)),
            _ => self.regular(file),
        }
    }

    /// A pipe or a device is no log.
    fn regular(&self, file: File) -> Result<File> {
        match file.metadata() {
            Ok(about) if about.is_file() => Ok(file),
            Ok(_) => Err(Error::named(CODE, "not a regular file:", &self.path.display().to_string())),
            Err(error) => Err(failed("the log cannot be examined", error, self.path)),
        }
    }

    /// A file beside the log: never one that a link leads to.
    fn open_beside(&self, options: &mut OpenOptions, ending: &str, what: &'static str) -> Result<File> {
        let file = opened(options, &beside(self.path, ending), false).map_err(|error| failed(what, error, self.path))?;
        self.regular(file)
    }

    /// Whether this is still the file of that name.
    pub(super) fn is_same(&self, file: &File) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            let (Ok(open), Ok(named)) = (file.metadata(), std::fs::metadata(self.path)) else { return false };
            (open.dev(), open.ino()) == (named.dev(), named.ino())
        }
        #[cfg(not(unix))]
        {
            let _ = file;
            false
        }
    }

    pub(super) fn length(&self, file: &File) -> Result<u64> {
        file.metadata().map(|about| about.len()).map_err(|error| failed("the log cannot be examined", error, self.path))
    }

    /// Gives the bytes of a part of the file in pieces.
    pub(super) fn read(&self, file: &mut File, from: u64, to: u64, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let unreadable = |error| failed("the log cannot be read", error, self.path);
        file.seek(SeekFrom::Start(from)).map_err(unreadable)?;
        let mut piece = vec![0; PIECE.min(to - from) as usize];
        let mut left = to - from;
        while left > 0 {
            let wanted = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            match file.read(&mut piece[..wanted]) {
                Ok(0) => return Err(Error::about(CODE, "the log became shorter while it was read")),
                Ok(length) => {
                    each(&piece[..length])?;
                    left -= length as u64;
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        Ok(())
    }

    /// Writes at the end, all or nothing: what was written in part is taken back. The new length.
    pub(super) fn append(&self, file: &mut File, length: u64, bytes: &[u8], is_synced: bool) -> Result<u64> {
        let written = step()
            .and_then(|()| write_all(file, bytes))
            .and_then(|()| step())
            .and_then(|()| if is_synced { file.sync_data() } else { Ok(()) });
        if let Err(error) = written {
            // If this fails too, the file has another length, and whoever wrote it ends.
            let _ = step().and_then(|()| file.set_len(length));
            return Err(failed("the record cannot be written", error, self.path));
        }
        Ok(length + bytes.len() as u64)
    }

    /// Keeps what is after the last whole line in the file with `.torn` at its end, and cuts it off.
    pub(super) fn set_aside(&self, file: &mut File, from: u64, to: u64) -> Result<()> {
        let mut options = OpenOptions::new();
        let mut torn = self.open_beside(options.append(true).create(true), ".torn", "the torn line cannot be set aside")?;
        let unwritable = |error| failed("the torn line cannot be set aside", error, self.path);
        self.read(file, from, to, |piece| torn.write_all(piece).map_err(unwritable))?;
        torn.write_all(b"\n").and_then(|()| torn.sync_all()).map_err(unwritable)?;
        step().and_then(|()| file.set_len(from)).and_then(|()| file.sync_all()).map_err(unwritable)
    }

    /// Whatever was written before is on the disk.
    pub(super) fn sync(&self, file: &File) -> Result<()> {
        step().and_then(|()| file.sync_data()).map_err(|error| failed("the log cannot be synced", error, self.path))
    }

    /// Puts the file away under the size of the log at its end.
    pub(super) fn put_away(&self, size: u64) -> Result<()> {
        let to = beside(self.path, &format!(".{size:0DIGITS$}"));
        let moved = step().and_then(|()| match to.try_exists()? {
            true => Err(std::io::ErrorKind::AlreadyExists.into()),
            false => std::fs::rename(self.path, to),
        });
        moved.and_then(|()| step()).map_err(|error| failed("the log cannot be put away", error, self.path))
    }

    pub(super) fn read_checkpoint(&self) -> Result<Option<String>> {
        let path = beside(self.path, ".checkpoint");
        let unreadable = |error| failed("the checkpoint cannot be read", error, &path);
        let file = match opened(OpenOptions::new().read(true), &path, true) {
            Ok(file) => self.regular(file)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        let mut note = String::new();
        file.take(MAX_NOTE + 1).read_to_string(&mut note).map_err(unreadable)?;
        Ok(Some(note))
    }

    pub(super) fn write_checkpoint(&self, note: &str) -> Result<()> {
        let (path, new) = (beside(self.path, ".checkpoint"), beside(self.path, ".checkpoint.new"));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true);
        let mut file = self.open_beside(options, ".checkpoint.new", "the checkpoint cannot be written")?;
        let written = step().and_then(|()| file.write_all(note.as_bytes())).and_then(|()| file.sync_all()).and_then(|()| step());
        written.and_then(|()| std::fs::rename(&new, &path)).map_err(|error| failed("the checkpoint cannot be written", error, &path))
    }
}

/// Given back when it is dropped, also where a process that was forked meanwhile has the file too.
pub(super) struct Lock(pub(super) File);

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.0.unlock();
    }
}

/// Opens a file, which only its owner can read if it is made, and waits for nobody at the other end of a pipe.
fn opened(options: &mut OpenOptions, path: &Path, follows: bool) -> std::io::Result<File> {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY | if follows { OFlags::empty() } else { OFlags::NOFOLLOW };
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = follows;
    options.open(path)
}

/// With one call, as far as the system takes it: the lines of one append stay together.
fn write_all(file: &mut File, bytes: &[u8]) -> std::io::Result<()> {
    #[cfg(test)]
    if let Some(part) = tests_only::part(bytes.len()) {
        file.write_all(&bytes[..part])?;
        return Err(std::io::Error::other("cut"));
    }
    file.write_all(bytes)
}

/// The names in the folder are on the disk: without that a new file may be gone after the machine failed.
#[cfg(unix)]
fn sync_folder(path: &Path) -> std::io::Result<()> {
    use std::io::ErrorKind;
    match step().and_then(|()| File::open(folder_of(path))?.sync_all()) {
        // Not every file system can.
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

pub(super) fn failed(what: &str, error: std::io::Error, path: &Path) -> Error {
    Error::named(CODE, &format!("{what}, {error}:"), &path.display().to_string())
}

/// The files of a log in order: those that were put away, and the one that is written. None that is not there.
///
/// # Errors
/// [`Code::AuditUnavailable`] if the folder cannot be read.
pub fn log_files(path: impl AsRef<Path>) -> Result<Vec<PathBuf>> {
    let path = path.as_ref();
    let unreadable = |error| failed("the folder of the log cannot be read", error, path);
    let name = path.file_name().ok_or_else(|| Error::named(CODE, "not the path of a file:", &path.display().to_string()))?;
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder_of(path)).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.file_name();
        let size = entry.as_encoded_bytes().strip_prefix(name.as_encoded_bytes()).and_then(|rest| rest.strip_prefix(b"."));
        if size.is_some_and(|size| size.len() == DIGITS && size.iter().all(u8::is_ascii_digit)) {
            found.push(path.with_file_name(entry));
        }
    }
    found.sort();
    if path.try_exists().map_err(unreadable)? {
        found.push(path.to_owned());
    }
    Ok(found)
}

/// The size of the log at the end of a file that was put away, as its name says.
pub(super) fn size_at_end(put_away: &Path) -> Option<u64> {
    put_away.extension()?.to_str()?.parse().ok()
}

/// The files of a log, and how long each was while nobody wrote. Only the last is open: it may be put away, and the others stay what they are.
pub(super) fn snapshot(path: &Path) -> Result<Vec<(PathBuf, Option<File>, u64)>> {
    // Where there is no lock, nobody writes.
    let locked = Place::new(path).lock(false).ok();
    let files = log_files(path)?.into_iter().map(|file| {
        let place = Place::new(&file);
        let open = place.open_to_read()?;
        let length = place.length(&open)?;
        let is_last = file == path;
        Ok((file, is_last.then_some(open), length))
    });
    let files = files.collect::<Result<Vec<_>>>()?;
    drop(locked);
    if files.is_empty() {
        return Err(Error::named(CODE, "there is no log:", &path.display().to_string()));
    }
    Ok(files)
}

/// Stands before every change of the file system, so that a test can end the work there, as a crash would.
#[cfg(not(test))]
#[expect(clippy::unnecessary_wraps)]
const fn step() -> std::io::Result<()> {
    Ok(())
}

#[cfg(test)]
use tests_only::step;

#[cfg(test)]
pub(super) mod tests_only {
    use std::cell::Cell;

    thread_local! {
        /// How many steps are left before the crash; and, at the crash, what part of a write is done.
        static LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        /// Whether all goes well again after it.
        static ONCE: Cell<bool> = const { Cell::new(false) };
        static PART: Cell<Option<usize>> = const { Cell::new(None) };
    }

    pub(in super::super) fn crash_after(steps: Option<u64>, part: Option<usize>) {
        LEFT.set(steps);
        ONCE.set(false);
        PART.set(part);
    }

    /// Not a crash: one step fails, after so many.
    pub(in super::super) fn fail_after(steps: u64) {
        crash_after(Some(steps), None);
        ONCE.set(true);
    }

    pub(super) fn step() -> std::io::Result<()> {
        match LEFT.get() {
            None => Ok(()),
            Some(0) => {
                LEFT.set(if ONCE.get() { None } else { Some(0) });
                Err(std::io::Error::other("crash"))
            }
            Some(left) => {
                LEFT.set(Some(left - 1));
                Ok(())
            }
        }
    }

    pub(super) fn part(length: usize) -> Option<usize> {
        PART.get().filter(|part| *part < length)
    }
}
