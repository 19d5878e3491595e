//! How a file below a root is opened on Unix.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fcntl_getfl, fcntl_setfl, open as open_path, openat, statat};
use rustix::io::{Errno, retry_on_intr};

use super::{FileAccess, Refused};

type Opened = Result<OwnedFd, Errno>;

/// A way to open what a relative path leads to below a folder. A link that leads out gives `XDEV` or `LOOP`.
pub(super) type Way = fn(&OwnedFd, &str, OFlags, Mode) -> Opened;

// A folder that is only walked through needs no right to be listed, where the system knows that difference.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

pub(super) fn open(root: &Path, inner: &str, access: FileAccess) -> Result<File, Refused> {
    #[cfg(target_os = "linux")]
    const WAY: Way = at_once;
    #[cfg(not(target_os = "linux"))]
    const WAY: Way = by_segments;
    open_by(WAY, root, inner, access)
}

pub(super) fn open_by(way: Way, root: &Path, inner: &str, access: FileAccess) -> Result<File, Refused> {
    if inner.is_empty() {
        return Err(irregular());
    }
    let root = retry_on_intr(|| open_path(root, FOLDER, Mode::empty())).map_err(|error| unavailable("the root", error))?;
    // Without NONBLOCK, opening a pipe would wait for its other end.
    let common = OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NONBLOCK;
    let (flags, mode) = match access.writes {
        false => (OFlags::RDONLY | common, Mode::empty()),
        true => (OFlags::WRONLY | OFlags::CREATE | common, Mode::from_raw_mode(0o666)),
    };
    let file = File::from(way(&root, inner, flags, mode).map_err(refusal)?);

    // Of the open file, not of its name: nothing can change between the check and the use.
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() {
        return Err(irregular());
    }
    if access.refuses_hard_links && about.nlink() > 1 {
        return Err(Refused::HardLink);
    }
    let blocking = fcntl_getfl(&file).and_then(|flags| fcntl_setfl(&file, flags - OFlags::NONBLOCK));
    blocking.map_err(|error| failed(error.into()))?;
    if access.truncates {
        file.set_len(0).map_err(failed)?;
    }
    Ok(file)
}

/// In one step of the kernel; by segments where it has no such step.
#[cfg(target_os = "linux")]
pub(super) fn at_once(root: &OwnedFd, inner: &str, flags: OFlags, mode: Mode) -> Opened {
    use rustix::fs::{ResolveFlags, openat2};
    const TRIES: usize = 64;
    let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..TRIES {
        match retry_on_intr(|| openat2(root, inner, flags, mode, beneath)) {
            // Something on the way was moved just now, and the kernel could not tell whether `..` led out.
            Err(Errno::AGAIN) => {}
            // PERM is also what sandboxes answer that do not know the call. A file that may not be opened gives it again.
            Err(Errno::NOSYS | Errno::PERM) => return by_segments(root, inner, flags, mode),
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// Folder by folder, none of which may be a link.
pub(super) fn by_segments(root: &OwnedFd, inner: &str, flags: OFlags, mode: Mode) -> Opened {
    let (folders, name) = inner.rsplit_once('/').unwrap_or(("", inner));
    let mut folder: Option<OwnedFd> = None;
    for segment in folders.split('/').filter(|segment| !segment.is_empty()) {
        folder = Some(step(folder.as_ref().unwrap_or(root), segment, FOLDER, Mode::empty())?);
    }
    step(folder.as_ref().unwrap_or(root), name, flags, mode)
}

fn step(folder: &OwnedFd, name: &str, flags: OFlags, mode: Mode) -> Opened {
    let opened = retry_on_intr(|| openat(folder.as_fd(), name, flags | OFlags::NOFOLLOW, mode));
    // Systems differ in what they answer for a link. It is refused already; this only finds the word for it.
    let is_link = || statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|about| FileType::from_raw_mode(about.st_mode).is_symlink());
    opened.map_err(|error| if is_link() { Errno::LOOP } else { error })
}

fn refusal(error: Errno) -> Refused {
    match error {
        Errno::XDEV | Errno::LOOP | Errno::MLINK => Refused::Link,
        // A pipe that nobody reads, a socket, a device that is not there.
        Errno::NXIO | Errno::ISDIR => irregular(),
        error => failed(error.into()),
    }
}

fn irregular() -> Refused {
    Refused::Unavailable("not a regular file".into())
}

fn failed(error: io::Error) -> Refused {
    Refused::Unavailable(error.kind().to_string())
}

fn unavailable(what: &str, error: Errno) -> Refused {
    Refused::Unavailable(format!("{what}: {}", io::Error::from(error).kind()))
}
