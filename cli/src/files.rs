//! Small files and standard input.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use deputize::os::log_files;
use deputize::{Code, Error, NoteKey, Result, VerifyingKey};

use crate::screen::Screen;

/// Bytes of what is small: a note, a receipt, a line, a key.
pub(crate) const MAX_SMALL: usize = 512 * 1024;

/// The bytes of a file, or of standard input for `-`. `too-large`, `file-unavailable`.
pub(crate) fn read(path: &Path, most: usize, screen: &mut Screen<'_>) -> Result<Vec<u8>> {
    if path.as_os_str() == "-" {
        return take(&mut screen.input, most, path);
    }
    let mut file = File::open(path).map_err(|error| unavailable("cannot be opened", &error, path))?;
    take(&mut file, most, path)
}

fn take(from: &mut dyn Read, most: usize, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most as u64 + 1).read_to_end(&mut bytes).map_err(|error| unavailable("cannot be read", &error, path))?;
    if bytes.len() > most { Err(Error::named(Code::TooLarge, "file", &path.display().to_string())) } else { Ok(bytes) }
}

/// The same, as text. `malformed`.
pub(crate) fn read_text(path: &Path, screen: &mut Screen<'_>) -> Result<String> {
    let bytes = read(path, MAX_SMALL, screen)?;
    String::from_utf8(bytes).map_err(|_| Error::named(Code::Malformed, "not text:", &path.display().to_string()))
}

pub(crate) fn unavailable(what: &str, error: &std::io::Error, path: &Path) -> Error {
    Error::named(Code::FileUnavailable, &format!("{what}, {error}:"), &path.display().to_string())
}

/// A file that lies somewhere unasked for: a pipe in its place would be waited for.
pub(crate) fn open_regular(path: &Path) -> std::io::Result<File> {
    match std::fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(std::io::Error::other("not a regular file")),
    }
}

/// Puts a file in its place, whole or not at all, for nobody but its owner to read: it says what the log says. `config-invalid` for a file of the log that it was made from, for what is there and is no plain
/// file, such as a device or a link, and for `-`.
pub(crate) fn write(path: &Path, bytes: &[u8], log: &Path) -> Result<()> {
    if path.as_os_str() == "-" || std::fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        return Err(Error::named(Code::ConfigInvalid, "no plain file to put it in:", &path.display().to_string()));
    }
    let same = |one: &Path, other: &Path| one.canonicalize().is_ok_and(|one| other.canonicalize().is_ok_and(|other| one == other));
    if log_files(log)?.iter().any(|file| same(file, path)) {
        return Err(Error::named(Code::ConfigInvalid, "this would replace the log:", &path.display().to_string()));
    }
    // A name that is new: nobody else's file is written through it.
    let draft = beside(path, &format!(".{}.new", std::process::id()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        let put = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&draft, path));
        if put.is_err() {
            let _ = std::fs::remove_file(&draft);
        }
        put
    });
    written.map_err(|error| unavailable("cannot be written", &error, path))
}

/// The file of that name with something at its end.
pub(crate) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// A public key: a did:key, or a file with PEM.
pub(crate) fn public_key(text: &str, screen: &mut Screen<'_>) -> Result<VerifyingKey> {
    if text.starts_with("did:") {
        return VerifyingKey::from_did_key(text);
    }
    VerifyingKey::from_pem(&read_text(Path::new(text), screen)?)
}

pub(crate) fn note_keys(texts: &[String]) -> Result<Vec<NoteKey>> {
    texts.iter().map(|text| NoteKey::from_text(text)).collect()
}
