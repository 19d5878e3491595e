//! Identifiers: fixed-size bytes, shown as lower-case hex; and the rules of names.

use sha2::{Digest as _, Sha256};

use crate::error::is_unsafe_char;
use crate::{Code, Error, Result, limits};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $size:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $size]);

        impl $name {
            /// From its bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; $size]) -> Self {
                $name(bytes)
            }

            /// From bytes of unknown length; another length is `claim-invalid`.
            pub fn try_from_slice(bytes: &[u8]) -> Result<Self> {
                bytes.try_into().map($name).map_err(|_| Error::about(Code::ClaimInvalid, concat!(stringify!($name), " of another length")))
            }

            /// Its bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; $size] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&hex(&self.0))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

id!(/// The id of a token or proof (claim cti): random, never an authority by itself.
    TokenId, 16);
id!(/// The session that a chain belongs to.
    SessionId, 16);
id!(/// What a request for approval is called: the same for whoever asks, approves and verifies. Never an authority by itself.
    RequestId, 16);
id!(/// A SHA-256 digest: of a task, of arguments, of evidence, of a Sig_structure.
    Digest, 32);

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Whether a text is a name (specification, encoding.md, "Names").
#[must_use]
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::MAX_NAME && !has_unsafe(text)
}

/// Whether a text is free text.
#[must_use]
pub(crate) fn is_free_text(text: &str) -> bool {
    text.len() <= limits::MAX_TEXT && !has_unsafe(text)
}

fn has_unsafe(text: &str) -> bool {
    !is_printable_ascii(text.as_bytes()) && text.chars().any(is_unsafe_char)
}

/// By far the usual case; it needs no decoding, and eight bytes are looked at together.
fn is_printable_ascii(bytes: &[u8]) -> bool {
    let printable = |all: bool, byte: &u8| all & matches!(byte, 0x20..=0x7e);
    let (eights, rest) = bytes.as_chunks::<8>();
    eights.iter().all(|eight| eight.iter().fold(true, printable)) && rest.iter().fold(true, printable)
}

/// Whether a text is a context (specification, token.md).
#[must_use]
pub(crate) fn is_context(text: &str) -> bool {
    is_name(text)
        && text.split('/').count() <= limits::MAX_CONTEXT_SEGMENTS
        && text.split('/').all(|segment| !matches!(segment, "" | "." | ".." | "*"))
}

/// Whether a path of segments is equal to or below another, by whole segments. The path `/` is above every absolute path.
#[must_use]
pub(crate) fn is_at_or_below(path: &str, root: &str) -> bool {
    root == "/" || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The context of data that was made of data of these contexts: the nearest one that all of them are equal to or below, so that whoever may read it
/// may read them all. Data of no context takes that of the others (specification, token.md, "Data of several contexts"). `context-mismatch` for what is
/// no context, and where no context is above all of them.
pub fn join_contexts<'a>(contexts: impl IntoIterator<Item = Option<&'a str>>) -> Result<Option<&'a str>> {
    let mut joined: Option<&'a str> = None;
    for context in contexts.into_iter().flatten() {
        if !is_context(context) {
            return Err(Error::named(Code::ContextMismatch, "no context:", context));
        }
        joined = match joined {
            None => Some(context),
            Some(other) => Some(shared(other, context).ok_or_else(|| Error::named(Code::ContextMismatch, "no context is above", context))?),
        };
    }
    Ok(joined)
}

/// The segments that two contexts begin with.
fn shared<'a>(one: &'a str, other: &str) -> Option<&'a str> {
    let ends = one.match_indices('/').map(|(at, _)| at).chain([one.len()]);
    ends.take_while(|end| is_at_or_below(other, &one[..*end])).last().map(|end| &one[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_refuse_controls_bidirectional_overrides_and_lengths() {
        for bad in ["", "a\0", "a\n", "\u{85}", "\u{202e}x", "\u{2066}", "\u{200f}", "\u{2028}", &"x".repeat(257)] {
            assert!(!is_name(bad), "{bad:?}");
        }
        for good in ["a", "github.update_pr", "é", "工具", " x ", &"x".repeat(256)] {
            assert!(is_name(good), "{good:?}");
        }
    }

    #[test]
    fn contexts_are_paths_of_plain_segments() {
        for bad in ["", "/", "a//b", "a/", "/a", "a/../b", ".", "*", "a/*", "x\u{7}"] {
            assert!(!is_context(bad), "{bad:?}");
        }
        assert!(is_context("tenant:1/task:7"));
        assert!(is_at_or_below("tenant:1/task:7", "tenant:1"));
        assert!(!is_at_or_below("tenant:10", "tenant:1"));
        assert!(!is_at_or_below("tenant:1", "tenant:1/task:7"));
    }

    #[test]
    fn a_join_is_a_least_upper_bound() {
        let known = [None, Some("a"), Some("a/b"), Some("a/c"), Some("a/b/c"), Some("ab"), Some("a/bc")];
        for one in known {
            assert_eq!(join_contexts([one, one, None]).unwrap(), one);
            for other in known {
                let joined = join_contexts([one, other]);
                assert_eq!(joined, join_contexts([other, one]).map_err(|_| joined.clone().unwrap_err()));
                let above = |top: &str| [one, other].into_iter().flatten().all(|below| is_at_or_below(below, top));
                let least = known.into_iter().flatten().filter(|top| above(top)).max_by_key(|top| top.len());
                match joined {
                    Ok(joined) if one.or(other).is_some() => assert_eq!(joined, least, "{one:?} {other:?}"),
                    Ok(joined) => assert_eq!(joined, None),
                    Err(error) => assert_eq!((error.code(), least), (Code::ContextMismatch, None), "{one:?} {other:?}"),
                }
                for third in known {
                    let left = joined_with(join_contexts([one, other]), third);
                    let right = joined_with(join_contexts([other, third]), one);
                    assert_eq!(left.ok(), right.ok(), "{one:?} {other:?} {third:?}");
                }
            }
        }
    }

    fn joined_with<'a>(joined: Result<Option<&'a str>>, other: Option<&'a str>) -> Result<Option<&'a str>> {
        join_contexts([joined?, other])
    }
}
