//! A file of one's own: a name in a folder that nobody else can change.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open, openat};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::{Code, Error, Result};

/// A name in a folder that is open and was checked: whatever happens to the path meanwhile, it stays the same folder.
pub(super) struct Place<'a> {
    pub(super) path: &'a Path,
    pub(super) folder: File,
    pub(super) name: &'a OsStr,
    insecure: Code,
}

impl<'a> Place<'a> {
    /// The place, if its folder is there; a folder that cannot be used is refused with the first code, one that others can change with the
    /// second.
    pub(super) fn found(path: &'a Path, unusable: Code, insecure: Code) -> Result<Option<Self>> {
        let name = path.file_name().ok_or_else(|| refused(unusable, "not the path of a file", path))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = match open(folder_of(path), flags, Mode::empty()) {
            Ok(folder) => File::from(folder),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(failed(unusable, "the folder cannot be opened", error, path)),
        };
        let about = folder.metadata().map_err(|error| failed(unusable, "the folder cannot be examined", error, path))?;
        if about.uid() != geteuid().as_raw() && about.uid() != 0 {
            return Err(refused(insecure, "the folder belongs to another user", path));
        }
        if about.mode() & 0o022 != 0 {
            let reason = format!("others can write in the folder, its mode is {:04o}", about.mode() & 0o7777);
            return Err(refused(insecure, reason, path));
        }
        Ok(Some(Place { path, folder, name, insecure }))
    }

    /// The file, open for reading, and its length; none where there is none. What is no regular file is refused with the code.
    pub(super) fn open(&self, unusable: Code) -> Result<Option<(File, u64)>> {
        let unreadable = |what, error: io::Error| failed(unusable, what, error, self.path);
        // Without NONBLOCK, opening a pipe would wait for its writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = match openat(&self.folder, self.name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::MLINK) => return Err(refused(unusable, "a symbolic link, not a file", self.path)),
            Err(error) => return Err(unreadable("the file cannot be opened", error.into())),
        };
        // Of the open file, not of its name: nothing can change between the check and the use.
        let about = file.metadata().map_err(|error| unreadable("the file cannot be examined", error))?;
        if !about.is_file() {
            return Err(refused(unusable, "not a regular file", self.path));
        }
        if about.uid() != geteuid().as_raw() {
            return Err(refused(self.insecure, "the file belongs to another user", self.path));
        }
        if about.mode() & 0o077 != 0 {
            let reason = format!("others have access to the file, its mode is {:04o}", about.mode() & 0o7777);
            return Err(refused(self.insecure, reason, self.path));
        }
        Ok(Some((file, about.len())))
    }
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn refused(code: Code, reason: impl std::fmt::Display, path: &Path) -> Error {
    Error::named(code, &format!("{reason}:"), &path.display().to_string())
}

pub(super) fn failed(code: Code, what: &str, error: impl Into<io::Error>, path: &Path) -> Error {
    refused(code, format_args!("{what}, {}", error.into()), path)
}
