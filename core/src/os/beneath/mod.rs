//! Files below a root: a path that a token allows is a name, and a symbolic link can lead from that name to anywhere.

#[cfg(unix)]
mod system;
#[cfg(all(test, unix))]
mod tests;

use std::fs::File;
use std::path::Path;

use crate::constraint::is_path;
use crate::{Code, Error, Result};

/// What a file is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAccess {
    writes: bool,
    truncates: bool,
    refuses_hard_links: bool,
}

impl FileAccess {
    /// Reading a file that is there.
    #[must_use]
    pub const fn read() -> Self {
        FileAccess { writes: false, truncates: false, refuses_hard_links: false }
    }

    /// Writing, from the start of the file. If there is no file it is made, with mode 0666 less the umask; its folder has to be there.
    #[must_use]
    pub const fn write() -> Self {
        FileAccess { writes: true, ..FileAccess::read() }
    }

    /// Writing, as [`FileAccess::write`], and what was in the file is gone. It goes last: a file that is refused keeps its content.
    #[must_use]
    pub const fn overwrite() -> Self {
        FileAccess { truncates: true, ..FileAccess::write() }
    }

    /// The same, but not of a file that has more than one name when it is opened: one of them may be outside of the root, and which one
    /// was there first cannot be known.
    #[must_use]
    pub const fn refuse_hard_links(self) -> Self {
        FileAccess { refuses_hard_links: true, ..self }
    }
}

/// Opens a file that a token allows: the path is at or below the root by its name, and so is what it leads to.
///
/// The path is the text of the argument, as it was decided about; or a relative one, which is read below the root. It is a path by the
/// rules of a path constraint (specification, constraints.md, "Path"). The root is an absolute path that the program chose: links in the
/// root itself are followed.
///
/// - On Linux, `openat2` with `RESOLVE_BENEATH` and `RESOLVE_NO_MAGICLINKS` opens the file in one step: relative links are followed as
///   long as they stay below the root at every step, even if folders are moved meanwhile. A link with an absolute target is refused,
///   wherever it leads.
/// - On other Unix, and where a kernel before 5.6 or a sandbox does not have that call, each folder on the way is opened in turn, and every
///   symbolic link is refused.
/// - On Windows, every call is refused.
///
/// Only regular files are opened. A folder, device, socket or pipe is refused, and nothing waits for the other end of a pipe. A file system
/// that is mounted below the root is below the root. A hard link cannot be told from the file, it *is* the file: whoever can link files into
/// the root decides what is in it, unless they are refused ([`FileAccess::refuse_hard_links`]).
///
/// ```
/// use deputize::Code;
/// use deputize::os::{FileAccess, open_beneath};
///
/// # #[cfg(unix)]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = std::env::temp_dir().join(format!("deputize-open-beneath-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder)?;
/// # std::os::unix::fs::symlink("/etc", folder.join("link"))?;
/// let root = folder.as_path();
/// std::fs::write(root.join("notes.txt"), "buy milk")?;
///
/// let notes = std::io::read_to_string(open_beneath(root, "notes.txt", FileAccess::read())?)?;
/// assert_eq!(notes, "buy milk");
///
/// for path in ["../notes.txt", "/etc/passwd", "link/passwd"] {
///     assert_eq!(open_beneath(root, path, FileAccess::read()).unwrap_err().code(), Code::ArgumentRefused);
/// }
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok(())
/// # }
/// # #[cfg(not(unix))]
/// # fn main() {}
/// ```
///
/// # Errors
/// [`Code::ArgumentRefused`] if the path is no path, is not at or below the root, or a link leads out or is one that is not followed;
/// [`Code::FileUnavailable`] if there is no such file, it is not a regular one, or the system refuses to open it (the context says why);
/// [`Code::ConfigInvalid`] if the root is not an absolute path.
pub fn open_beneath(root: impl AsRef<Path>, path: &str, access: FileAccess) -> Result<File> {
    let root = root.as_ref();
    if !root.is_absolute() {
        return Err(Error::named(Code::ConfigInvalid, "the root is not an absolute path:", &root.display().to_string()));
    }
    let inner = below(root, path).ok_or_else(|| Error::named(Code::ArgumentRefused, "no path at or below the root:", path))?;
    system::open(root, inner, access).map_err(|refused| match refused {
        Refused::Link => Error::named(Code::ArgumentRefused, "a link that leads out of the root or is not followed:", path),
        Refused::HardLink => Error::named(Code::ArgumentRefused, "a file with more than one name:", path),
        Refused::Unavailable(why) => Error::named(Code::FileUnavailable, &format!("{why}:"), path),
    })
}

/// Why a file is not opened.
#[cfg_attr(not(unix), allow(dead_code))]
enum Refused {
    Link,
    HardLink,
    Unavailable(String),
}

/// The part of the path that is below the root, without the slash that it would begin with.
fn below<'a>(root: &Path, path: &'a str) -> Option<&'a str> {
    if !path.starts_with('/') {
        return Some(path).filter(|path| !path.is_empty() && is_path(&format!("/{path}")));
    }
    if is_path(path) { Path::new(path).strip_prefix(root).ok()?.to_str() } else { None }
}

#[cfg(not(unix))]
mod system {
    use std::fs::File;
    use std::path::Path;

    use super::{FileAccess, Refused};

    pub(super) fn open(_root: &Path, _inner: &str, _access: FileAccess) -> Result<File, Refused> {
        Err(Refused::Unavailable("files below a root are opened on Unix only".into()))
    }
}
