//! Signed notes and the keys that sign them (C2SP `signed-note`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::id::is_name;
use crate::key::{Signer, VerifyingKey};
use crate::time::Now;
use crate::{Code, Error, Result, limits};

/// The longest note, in bytes.
pub(crate) const MAX_NOTE: usize = 64 * 1024;

/// The most signature lines.
const MAX_SIGNATURES: usize = 32;

const DASH: &str = "\u{2014} ";

/// What a key signs: the type byte that its id commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum NoteKind {
    /// The note itself.
    Log = 1,
    /// That a checkpoint continues those before it, and when that was seen.
    Witness = 4,
}

/// A key that signs notes, by its name: of a log, or of a witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    key: VerifyingKey,
    kind: NoteKind,
}

impl NoteKey {
    /// The key of a log; its name is the origin. `name-invalid`.
    pub fn of_log(origin: &str, key: &VerifyingKey) -> Result<Self> {
        Self::new(origin, key, NoteKind::Log)
    }

    /// The key of a witness. `name-invalid`.
    pub fn of_witness(name: &str, key: &VerifyingKey) -> Result<Self> {
        Self::new(name, key, NoteKind::Witness)
    }

    fn new(name: &str, key: &VerifyingKey, kind: NoteKind) -> Result<Self> {
        if is_origin(name) {
            return Ok(NoteKey { name: name.to_owned(), key: key.clone(), kind });
        }
        Err(Error::named(Code::NameInvalid, "the name of a log or witness", name))
    }

    /// From `<name>+<key id>+<base64>`. `checkpoint-invalid`, `name-invalid`, `key-invalid`.
    pub fn from_text(text: &str) -> Result<Self> {
        let invalid = || Error::about(Code::CheckpointInvalid, "not a key of notes: <name>+<id>+<base64>");
        let (name, id, bytes) = match text.splitn(3, '+').collect::<Vec<_>>()[..] {
            [name, id, bytes] if text.len() <= limits::MAX_TEXT => (name, id, bytes),
            _ => return Err(invalid()),
        };
        let bytes = STANDARD.decode(bytes).map_err(|_| invalid())?;
        let (kind, key) = match &bytes[..] {
            [1, key @ ..] => (NoteKind::Log, key),
            [4, key @ ..] => (NoteKind::Witness, key),
            _ => return Err(invalid()),
        };
        let key = Self::new(name, &VerifyingKey::try_from_slice(key)?, kind)?;
        if crate::id::hex(&key.id()) == id { Ok(key) } else { Err(invalid()) }
    }

    /// `<name>+<key id>+<base64 of type and key>`.
    #[must_use]
    pub fn to_text(&self) -> String {
        let typed = [&[self.kind as u8], &self.key.as_bytes()[..]].concat();
        format!("{}+{}+{}", self.name, crate::id::hex(&self.id()), STANDARD.encode(typed))
    }

    /// The origin of the log, or the name of the witness.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The public key.
    #[must_use]
    pub const fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Whether it is a witness's.
    #[must_use]
    pub fn is_witness(&self) -> bool {
        self.kind == NoteKind::Witness
    }

    fn id(&self) -> [u8; 4] {
        let id = crate::id::sha256(&[self.name.as_bytes(), &[b'\n', self.kind as u8], &self.key.as_bytes()[..]].concat());
        let [a, b, c, d, ..] = *id.as_bytes();
        [a, b, c, d]
    }

    fn line(&self, signature: &[u8]) -> String {
        format!("{DASH}{} {}\n", self.name, STANDARD.encode([&self.id()[..], signature].concat()))
    }
}

/// Whether a text names a log or witness, and begins no other text that Ed25519 keys sign.
pub(crate) fn is_origin(text: &str) -> bool {
    is_name(text) && !text.contains(|c: char| c.is_whitespace() || c == '+') && !text.starts_with('"') && text != HEADER.trim_end()
}

const HEADER: &str = "cosignature/v1\n";

fn cosigned(text: &str, seconds: u64) -> Vec<u8> {
    format!("{HEADER}time {seconds}\n{text}").into_bytes()
}

/// Text of a log, signed.
pub(crate) fn signed(name: &str, text: &str, signer: &dyn Signer) -> Result<String> {
    let key = NoteKey::of_log(name, signer.verifying_key())?;
    Ok(format!("{text}\n{}", key.line(&signer.sign(text.as_bytes())?)))
}

/// The line by which a witness signs text of a log.
pub(crate) fn cosignature(name: &str, text: &str, signer: &dyn Signer, now: Now) -> Result<String> {
    let key = NoteKey::of_witness(name, signer.verifying_key())?;
    let signature = signer.sign(&cosigned(text, now.secs()))?;
    Ok(key.line(&[&now.secs().to_be_bytes()[..], &signature].concat()))
}

/// A note whose signatures nobody has checked.
pub(crate) struct Note<'a> {
    pub(crate) text: &'a str,
    signatures: Vec<Line<'a>>,
}

struct Line<'a> {
    name: &'a str,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// `too-large`, `checkpoint-invalid`.
    pub(crate) fn read(note: &'a str) -> Result<Self> {
        let invalid = |what| Error::about(Code::CheckpointInvalid, what);
        if note.len() > MAX_NOTE {
            return Err(Code::TooLarge.into());
        }
        if note.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(invalid("control characters in a note"));
        }
        let end = note.rfind("\n\n").ok_or(invalid("a note ends in a blank line and signatures"))? + 1;
        let (text, lines) = (&note[..end], &note[end + 1..]);
        let lines = lines.strip_suffix('\n').ok_or(invalid("a note ends with a newline"))?;
        let signatures: Vec<_> = lines.split('\n').take(MAX_SIGNATURES + 1).map(Line::read).collect();
        if signatures.len() > MAX_SIGNATURES {
            return Err(invalid("too many signatures"));
        }
        let signatures = signatures.into_iter().collect::<Option<_>>().ok_or(invalid("not a signature line"))?;
        Ok(Note { text, signatures })
    }

    /// Whether the key signed the note; a signature that says so and does not verify is `checkpoint-invalid`. What a witness signed for a time
    /// later than now, and the leeway, does not count.
    pub(crate) fn is_signed_by(&self, key: &NoteKey, now: Now) -> Result<bool> {
        let id = key.id();
        let mut is_signed = false;
        for line in self.signatures.iter().filter(|line| line.name == key.name && line.id == id) {
            let is_good = match (key.kind, &line.signature[..]) {
                (NoteKind::Log, signature) => key.verifies(self.text.as_bytes(), signature),
                (NoteKind::Witness, timed) => {
                    let Some((time, signature)) = timed.split_first_chunk() else { return Err(bad(key)) };
                    let seconds = u64::from_be_bytes(*time);
                    if seconds > now.secs() + limits::LEEWAY {
                        continue;
                    }
                    key.verifies(&cosigned(self.text, seconds), signature)
                }
            };
            if !is_good {
                return Err(bad(key));
            }
            is_signed = true;
        }
        Ok(is_signed)
    }
}

fn bad(key: &NoteKey) -> Error {
    Error::named(Code::CheckpointInvalid, "the signature does not verify, of", &key.name)
}

impl NoteKey {
    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        signature.try_into().is_ok_and(|signature| self.key.verify(message, signature).is_ok())
    }
}

impl<'a> Line<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (name, signature) = line.strip_prefix(DASH)?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let bytes = STANDARD.decode(signature).ok()?;
        let (id, signature) = bytes.split_first_chunk()?;
        Some(Line { name, id: *id, signature: signature.to_vec() })
    }
}
