//! Key files: one unencrypted PKCS#8 PEM block that nobody but its owner can read, in a folder that nobody else can change.

use std::path::Path;

use crate::{Error, Result, SigningKey};

/// Writes the key to a new file that only its owner can read (mode 0600); its folder is made (mode 0700) if it is not there. The file
/// appears whole or not at all, and never in place of another.
///
/// # Errors
/// [`Code::KeyFileExists`](crate::Code::KeyFileExists) if there is anything at the path;
/// [`Code::KeyFileInsecure`](crate::Code::KeyFileInsecure) if others can write in the folder or own it;
/// [`Code::KeyFileUnwritable`](crate::Code::KeyFileUnwritable) if the system refuses to write.
pub fn save(path: impl AsRef<Path>, key: &SigningKey) -> Result<()> {
    system::save(path.as_ref(), key)
}

/// Reads the key from a file: at most 4 KiB, only from a regular file of the effective user that others have no access to, in a folder
/// that others cannot write. A symbolic link is not followed at the last step.
///
/// # Errors
/// [`Code::KeyFileInsecure`](crate::Code::KeyFileInsecure) if the file or its folder is open to others;
/// [`Code::KeyFileInvalid`](crate::Code::KeyFileInvalid) if there is no such file, or it holds something else.
pub fn load(path: impl AsRef<Path>) -> Result<SigningKey> {
    system::load(path.as_ref())
}

/// Reads the key from a file, or makes a new key and file if there is none. Of several processes that do this at once, one makes the
/// key and all get the same.
///
/// # Errors
/// As for [`load`] and [`save`], and [`Code::RandomnessUnavailable`](crate::Code::RandomnessUnavailable).
pub fn load_or_create(path: impl AsRef<Path>) -> Result<SigningKey> {
    system::load_or_create(path.as_ref())
}

fn refused(code: crate::Code, reason: impl std::fmt::Display, path: &Path) -> Error {
    Error::named(code, &format!("{reason}:"), &path.display().to_string())
}

#[cfg(unix)]
mod system {
    use std::ffi::OsStr;
    use std::fs::{DirBuilder, File};
    use std::io::{self, Read, Write};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt};
    use std::path::Path;

    use rustix::fs::{AtFlags, Mode, OFlags, linkat, open, openat, unlinkat};
    use rustix::io::Errno;
    use rustix::process::geteuid;
    use zeroize::Zeroizing;

    use super::refused;
    use crate::os::{fill, generate_key};
    use crate::{Code, Error, Result, SigningKey};

    /// The longest key file that is read, in bytes.
    const MAX_FILE: usize = 4096;

    pub(super) fn save(path: &Path, key: &SigningKey) -> Result<()> {
        Place::made(path)?.save(key)
    }

    pub(super) fn load(path: &Path) -> Result<SigningKey> {
        let found = match Place::found(path, Code::KeyFileInvalid)? {
            Some(place) => place.load()?,
            None => None,
        };
        found.ok_or_else(|| missing(path))
    }

    pub(super) fn load_or_create(path: &Path) -> Result<SigningKey> {
        let place = Place::made(path)?;
        if let Some(key) = place.load()? {
            return Ok(key);
        }
        let key = generate_key()?;
        match place.save(&key) {
            Err(error) if error.code() == Code::KeyFileExists => place.load()?.ok_or_else(|| missing(path)),
            saved => saved.map(|()| key),
        }
    }

    fn missing(path: &Path) -> Error {
        refused(Code::KeyFileInvalid, "no such file", path)
    }

    /// A name in a folder that is open and was checked: whatever happens to the path meanwhile, it stays the same folder.
    struct Place<'a> {
        path: &'a Path,
        folder: File,
        name: &'a OsStr,
    }

    impl<'a> Place<'a> {
        fn made(path: &'a Path) -> Result<Self> {
            const CODE: Code = Code::KeyFileUnwritable;
            if let Some(place) = Self::found(path, CODE)? {
                return Ok(place);
            }
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path));
            made.map_err(|error| failed(CODE, "the folder cannot be made", error, path))?;
            Self::found(path, CODE)?.ok_or_else(|| refused(CODE, "the folder is gone", path))
        }

        /// The place, if its folder is there; a folder that cannot be used is refused with the code.
        fn found(path: &'a Path, code: Code) -> Result<Option<Self>> {
            let name = path.file_name().ok_or_else(|| refused(code, "not the path of a file", path))?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let folder = match open(folder_of(path), flags, Mode::empty()) {
                Ok(folder) => File::from(folder),
                Err(Errno::NOENT) => return Ok(None),
                Err(error) => return Err(failed(code, "the folder cannot be opened", error, path)),
            };
            let about = folder.metadata().map_err(|error| failed(code, "the folder cannot be examined", error, path))?;
            if about.uid() != geteuid().as_raw() && about.uid() != 0 {
                return Err(refused(Code::KeyFileInsecure, "the folder belongs to another user", path));
            }
            if about.mode() & 0o022 != 0 {
                let reason = format!("others can write in the folder, its mode is {:04o}", about.mode() & 0o7777);
                return Err(refused(Code::KeyFileInsecure, reason, path));
            }
            Ok(Some(Place { path, folder, name }))
        }

        /// The key, if the file is there.
        fn load(&self) -> Result<Option<SigningKey>> {
            let invalid = |reason| Err(refused(Code::KeyFileInvalid, reason, self.path));
            let unreadable = |what, error: io::Error| failed(Code::KeyFileInvalid, what, error, self.path);
            // Without NONBLOCK, opening a pipe would wait for its writer.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
            let mut file = match openat(&self.folder, self.name, flags, Mode::empty()) {
                Ok(file) => File::from(file),
                Err(Errno::NOENT) => return Ok(None),
                Err(Errno::LOOP | Errno::MLINK) => return invalid("a symbolic link, not a file"),
                Err(error) => return Err(unreadable("the file cannot be opened", error.into())),
            };
            // Of the open file, not of its name: nothing can change between the check and the use.
            let about = file.metadata().map_err(|error| unreadable("the file cannot be examined", error))?;
            if !about.is_file() {
                return invalid("not a regular file");
            }
            if about.uid() != geteuid().as_raw() {
                return Err(refused(Code::KeyFileInsecure, "the file belongs to another user", self.path));
            }
            if about.mode() & 0o077 != 0 {
                let reason = format!("others have access to the file, its mode is {:04o}", about.mode() & 0o7777);
                return Err(refused(Code::KeyFileInsecure, reason, self.path));
            }
            if about.len() > MAX_FILE as u64 {
                return invalid("the file is longer than 4 KiB");
            }
            let mut buffer = Zeroizing::new([0; MAX_FILE]);
            let length = fill_from(&mut file, &mut buffer[..]).map_err(|error| unreadable("the file cannot be read", error))?;
            let Ok(text) = std::str::from_utf8(&buffer[..length]) else {
                return invalid("the file is not text");
            };
            match SigningKey::read_pem(text) {
                Ok(key) => Ok(Some(key)),
                Err(reason) => invalid(reason),
            }
        }

        /// Writes a draft under a name of its own and links it to the final name, which must be free: nobody sees half a file.
        fn save(&self, key: &SigningKey) -> Result<()> {
            let unwritable = |what, error: io::Error| failed(Code::KeyFileUnwritable, what, error, self.path);
            let mut random = [0; 8];
            fill(&mut random)?;
            let draft = format!(".deputize-{:016x}", u64::from_ne_bytes(random));
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&self.folder, &draft, flags, Mode::RUSR | Mode::WUSR);
            let mut file = File::from(file.map_err(|error| unwritable("the file cannot be made", error.into()))?);

            let written = file.write_all(key.to_pem().as_bytes()).and_then(|()| file.sync_all());
            let linked = written.and_then(|()| Ok(linkat(&self.folder, &draft, &self.folder, self.name, AtFlags::empty())?));
            let removed = unlinkat(&self.folder, &draft, AtFlags::empty());
            match linked {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    return Err(refused(Code::KeyFileExists, "there is something already", self.path));
                }
                linked => linked.map_err(|error| unwritable("the file cannot be written", error))?,
            }
            removed.map_err(|error| unwritable("the draft of the file cannot be removed", error.into()))?;
            // Not every file system can sync a folder; the file itself is on disk.
            let _ = self.folder.sync_all();
            Ok(())
        }
    }

    fn folder_of(path: &Path) -> &Path {
        path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    fn failed(code: Code, what: &str, error: impl Into<io::Error>, path: &Path) -> Error {
        refused(code, format_args!("{what}, {}", error.into()), path)
    }

    /// Reads until the end of the file or of the buffer.
    fn fill_from(file: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < buffer.len() {
            match file.read(&mut buffer[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }
}

#[cfg(not(unix))]
mod system {
    use std::path::Path;

    use super::refused;
    use crate::{Code, Error, Result, SigningKey};

    fn unsupported(path: &Path) -> Error {
        refused(Code::KeyFileInsecure, "key files are supported on Unix only", path)
    }

    pub(super) fn save(path: &Path, _key: &SigningKey) -> Result<()> {
        Err(unsupported(path))
    }

    pub(super) fn load(path: &Path) -> Result<SigningKey> {
        Err(unsupported(path))
    }

    pub(super) fn load_or_create(path: &Path) -> Result<SigningKey> {
        Err(unsupported(path))
    }
}
