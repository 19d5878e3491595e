//! The measurement of code and configuration: one digest over files below a folder.

use std::path::Path;

use crate::{Digest, Error, Result};

/// Files that are measured at once.
#[cfg(unix)]
const MAX_FILES: usize = 65_536;
/// Bytes of all of them together: 1 GiB.
#[cfg(unix)]
const MAX_BYTES: u64 = 1 << 30;
/// Folders in folders.
#[cfg(unix)]
const MAX_DEPTH: usize = 64;

/// The digest of the files at these paths below a root: what a [`CodeAttestor`](crate::CodeAttestor) has on its list. A path is relative and names a
/// file, or a folder and everything in it; `.` is the root. SHA-256 over the files in the order of their paths as bytes, of each: the length of its
/// path, the path, the length of its content, the content (specification, identity.md, "Measurement").
///
/// No symbolic link is followed below the root. The digest is of what was read; whoever starts code from these files sees to it that nobody
/// changes them in between.
///
/// # Errors
/// [`Code::FileUnavailable`](crate::Code::FileUnavailable) for a path that is none, that leads to a link or to anything else than files and folders,
/// for no files at all, for a file that changes while it is read, and where the system refuses;
/// [`Code::TooMany`](crate::Code::TooMany) for more than 65,536 files and folders, [`Code::TooDeep`](crate::Code::TooDeep) for more than 64 folders in
/// each other, [`Code::TooLarge`](crate::Code::TooLarge) for more than 1 GiB.
pub fn measure(root: impl AsRef<Path>, paths: &[&str]) -> Result<Digest> {
    system::measure(root.as_ref(), paths)
}

fn unavailable(why: &str, path: &str) -> Error {
    Error::named(crate::Code::FileUnavailable, &format!("{why}:"), path)
}

#[cfg(unix)]
mod system {
    use std::collections::BTreeSet;
    use std::fs::File;
    use std::io::{self, Read};
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, open, openat, statat};
    use rustix::io::retry_on_intr;
    use sha2::{Digest as _, Sha256};

    use super::{MAX_BYTES, MAX_DEPTH, MAX_FILES, unavailable};
    use crate::{Code, Digest, Error, Result};

    const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
    // Without NONBLOCK, opening a pipe would wait for its writer.
    const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

    pub(super) fn measure(root: &Path, paths: &[&str]) -> Result<Digest> {
        let shown = root.display().to_string();
        let folder = retry_on_intr(|| open(root, FOLDER, Mode::empty())).map_err(|error| failed(error, &shown))?;
        let mut walk = Walk { root: folder, found: BTreeSet::new(), seen: 0 };
        for path in paths {
            walk.add(path)?;
        }
        walk.digest()
    }

    /// What was found so far, by its path below the root.
    struct Walk {
        root: OwnedFd,
        found: BTreeSet<Vec<u8>>,
        seen: usize,
    }

    impl Walk {
        fn add(&mut self, path: &str) -> Result<()> {
            if path == "." {
                let root = self.root.try_clone().map_err(|error| failed(error, path))?;
                return self.add_folder(&root, b"", 1);
            }
            if path.contains('\0') || path.split('/').any(|part| matches!(part, "" | "." | "..")) {
                return Err(unavailable("not a path below the root", path));
            }
            let (folder, name) = self.parent(path.as_bytes())?;
            let depth = path.split('/').count();
            self.add_entry(&folder, path.as_bytes(), &name, depth)
        }

        fn add_folder(&mut self, folder: &OwnedFd, path: &[u8], depth: usize) -> Result<()> {
            let here = || String::from_utf8_lossy(path).into_owned();
            if depth > MAX_DEPTH {
                return Err(Error::named(Code::TooDeep, "folder", &here()));
            }
            let entries = Dir::read_from(folder).map_err(|error| failed(error, &here()))?;
            for entry in entries {
                let entry = entry.map_err(|error| failed(error, &here()))?;
                let name = entry.file_name().to_bytes();
                if matches!(name, b"." | b"..") {
                    continue;
                }
                let inner = if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() };
                self.add_entry(folder, &inner, name, depth)?;
            }
            Ok(())
        }

        fn add_entry(&mut self, folder: &OwnedFd, path: &[u8], name: &[u8], depth: usize) -> Result<()> {
            let here = || String::from_utf8_lossy(path).into_owned();
            self.seen += 1;
            if self.seen > MAX_FILES {
                return Err(Error::named(Code::TooMany, "files, at", &here()));
            }
            let about = retry_on_intr(|| statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)).map_err(|error| failed(error, &here()))?;
            match FileType::from_raw_mode(about.st_mode) {
                FileType::RegularFile => {
                    self.found.insert(path.to_vec());
                    Ok(())
                }
                FileType::Directory => {
                    let flags = FOLDER | OFlags::NOFOLLOW;
                    let inner = retry_on_intr(|| openat(folder, name, flags, Mode::empty())).map_err(|error| failed(error, &here()))?;
                    self.add_folder(&inner, path, depth + 1)
                }
                _ => Err(unavailable("not a file or folder", &here())),
            }
        }

        /// The folder that a path is in, none of whose folders is a link, and its last name.
        fn parent(&self, path: &[u8]) -> Result<(OwnedFd, Vec<u8>)> {
            let here = || String::from_utf8_lossy(path).into_owned();
            let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
            let name = parts.pop().unwrap_or_default().to_vec();
            let mut folder = self.root.try_clone().map_err(|error| failed(error, &here()))?;
            for part in parts {
                let flags = FOLDER | OFlags::NOFOLLOW;
                folder = retry_on_intr(|| openat(&folder, part, flags, Mode::empty())).map_err(|error| failed(error, &here()))?;
            }
            Ok((folder, name))
        }

        fn digest(&self) -> Result<Digest> {
            if self.found.is_empty() {
                return Err(unavailable("nothing to measure", "."));
            }
            let (mut hasher, mut left) = (Sha256::new(), MAX_BYTES);
            for path in &self.found {
                let here = String::from_utf8_lossy(path);
                let (folder, name) = self.parent(path)?;
                let file = retry_on_intr(|| openat(&folder, &name[..], FILE, Mode::empty())).map_err(|error| failed(error, &here))?;
                let mut file = File::from(file);
                let about = file.metadata().map_err(|error| failed(error, &here))?;
                if !about.is_file() {
                    return Err(unavailable("not a regular file", &here));
                }
                left = left.checked_sub(about.len()).ok_or_else(|| Error::named(Code::TooLarge, "files, at", &here))?;
                hasher.update((path.len() as u64).to_be_bytes());
                hasher.update(path);
                hasher.update(about.len().to_be_bytes());
                let read = add_content(&mut file, &mut hasher, about.len()).map_err(|error| failed(error, &here))?;
                if read != about.len() {
                    return Err(unavailable("a file that changed while it was read", &here));
                }
            }
            Ok(Digest::from_bytes(hasher.finalize().into()))
        }
    }

    /// Reads the file to its end, or to one byte more than it should have.
    fn add_content(file: &mut File, hasher: &mut Sha256, length: u64) -> io::Result<u64> {
        let mut file = file.take(length + 1);
        let (mut buffer, mut total) = (vec![0; 64 * 1024], 0);
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(total),
                Ok(read) => {
                    hasher.update(&buffer[..read]);
                    total += read as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn failed(error: impl Into<io::Error>, path: &str) -> Error {
        unavailable(&error.into().kind().to_string(), path)
    }
}

#[cfg(not(unix))]
mod system {
    use std::path::Path;

    use super::unavailable;
    use crate::{Digest, Result};

    pub(super) fn measure(root: &Path, _paths: &[&str]) -> Result<Digest> {
        Err(unavailable("files are measured on Unix only", &root.display().to_string()))
    }
}
