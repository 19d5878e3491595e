//! Key files: one unencrypted PKCS#8 PEM block that nobody but its owner can read, in a folder that nobody else can change.

use std::path::Path;

use crate::{Result, SigningKey};

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

#[cfg(unix)]
mod system {
    use std::fs::{DirBuilder, File};
    use std::io::{self, Read, Write};
    use std::os::unix::fs::DirBuilderExt;
    use std::path::Path;

    use rustix::fs::{AtFlags, Mode, OFlags, linkat, openat, unlinkat};
    use zeroize::Zeroizing;

    use crate::os::place::{Place, failed, folder_of, refused};
    use crate::os::{fill, generate_key};
    use crate::{Code, Error, Result, SigningKey};

    /// The longest key file that is read, in bytes.
    const MAX_FILE: usize = 4096;

    pub(super) fn save(path: &Path, key: &SigningKey) -> Result<()> {
        save_at(&made(path)?, key)
    }

    pub(super) fn load(path: &Path) -> Result<SigningKey> {
        let found = match Place::found(path, Code::KeyFileInvalid, Code::KeyFileInsecure)? {
            Some(place) => load_at(&place)?,
            None => None,
        };
        found.ok_or_else(|| missing(path))
    }

    pub(super) fn load_or_create(path: &Path) -> Result<SigningKey> {
        let place = made(path)?;
        if let Some(key) = load_at(&place)? {
            return Ok(key);
        }
        let key = generate_key()?;
        match save_at(&place, &key) {
            Err(error) if error.code() == Code::KeyFileExists => load_at(&place)?.ok_or_else(|| missing(path)),
            saved => saved.map(|()| key),
        }
    }

    fn missing(path: &Path) -> Error {
        refused(Code::KeyFileInvalid, "no such file", path)
    }

    /// The place, with its folder, which is made if it is not there.
    fn made(path: &Path) -> Result<Place<'_>> {
        const CODE: Code = Code::KeyFileUnwritable;
        let found = || Place::found(path, CODE, Code::KeyFileInsecure);
        if let Some(place) = found()? {
            return Ok(place);
        }
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder_of(path));
        made.map_err(|error| failed(CODE, "the folder cannot be made", error, path))?;
        found()?.ok_or_else(|| refused(CODE, "the folder is gone", path))
    }

    /// The key, if the file is there.
    fn load_at(place: &Place<'_>) -> Result<Option<SigningKey>> {
        let invalid = |reason| Err(refused(Code::KeyFileInvalid, reason, place.path));
        let Some((mut file, length)) = place.open(Code::KeyFileInvalid)? else { return Ok(None) };
        if length > MAX_FILE as u64 {
            return invalid("the file is longer than 4 KiB");
        }
        let mut buffer = Zeroizing::new([0; MAX_FILE]);
        let read = fill_from(&mut file, &mut buffer[..]);
        let length = read.map_err(|error| failed(Code::KeyFileInvalid, "the file cannot be read", error, place.path))?;
        let Ok(text) = std::str::from_utf8(&buffer[..length]) else {
            return invalid("the file is not text");
        };
        match SigningKey::read_pem(text) {
            Ok(key) => Ok(Some(key)),
            Err(reason) => invalid(reason),
        }
    }

    /// Writes a draft under a name of its own and links it to the final name, which must be free: nobody sees half a file.
    fn save_at(place: &Place<'_>, key: &SigningKey) -> Result<()> {
        let unwritable = |what, error: io::Error| failed(Code::KeyFileUnwritable, what, error, place.path);
        let mut random = [0; 8];
        fill(&mut random)?;
        let draft = format!(".deputize-{:016x}", u64::from_ne_bytes(random));
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&place.folder, &draft, flags, Mode::RUSR | Mode::WUSR);
        let mut file = File::from(file.map_err(|error| unwritable("the file cannot be made", error.into()))?);

        let written = file.write_all(key.to_pem().as_bytes()).and_then(|()| file.sync_all());
        let linked = written.and_then(|()| Ok(linkat(&place.folder, &draft, &place.folder, place.name, AtFlags::empty())?));
        let removed = unlinkat(&place.folder, &draft, AtFlags::empty());
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(refused(Code::KeyFileExists, "there is something already", place.path));
            }
            linked => linked.map_err(|error| unwritable("the file cannot be written", error))?,
        }
        removed.map_err(|error| unwritable("the draft of the file cannot be removed", error.into()))?;
        // Not every file system can sync a folder; the file itself is on disk.
        let _ = place.folder.sync_all();
        Ok(())
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

    use crate::{Code, Error, Result, SigningKey};

    fn unsupported(path: &Path) -> Error {
        Error::named(Code::KeyFileInsecure, "key files are supported on Unix only:", &path.display().to_string())
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
