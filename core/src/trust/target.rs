//! What can be revoked.

use std::fmt;

use crate::id::{Digest, SessionId, TokenId, hex};
use crate::key::VerifyingKey;
use crate::{Code, Error, Result};

/// Something that a revocation is about. Its text form is one line, such as `token:` and 32 lower-case hex digits; there is no other
/// spelling.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Target {
    /// A token, and with it everything below it.
    Token(TokenId),
    /// A key: what it holds, what is below that, and what it signs from now on.
    Key(VerifyingKey),
    /// Every chain of a session.
    Session(SessionId),
    /// Every chain of a task.
    Task(Digest),
    /// An approval, by its id.
    Approval(TokenId),
}

impl Target {
    /// The target of a text form.
    ///
    /// # Errors
    /// [`Code::Malformed`] for any other spelling than the one of `Display`; [`Code::KeyInvalid`].
    pub fn from_text(text: &str) -> Result<Self> {
        let (kind, id) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "token" => bytes(id).map(|id| Target::Token(TokenId::from_bytes(id))),
            "key" => VerifyingKey::from_did_key(id).map(Target::Key),
            "session" => bytes(id).map(|id| Target::Session(SessionId::from_bytes(id))),
            "task" => bytes(id).map(|id| Target::Task(Digest::from_bytes(id))),
            "approval" => bytes(id).map(|id| Target::Approval(TokenId::from_bytes(id))),
            _ => Err(Error::named(Code::Malformed, "not a kind of target:", kind)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Token(id) => write!(f, "token:{id}"),
            Target::Key(key) => write!(f, "key:{}", key.did_key()),
            Target::Session(id) => write!(f, "session:{id}"),
            Target::Task(id) => write!(f, "task:{id}"),
            Target::Approval(id) => write!(f, "approval:{id}"),
        }
    }
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() == 2 * N {
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digit = |c: u8| char::from(c).to_digit(16).unwrap_or_default() as u8;
            *byte = digit(pair[0]) << 4 | digit(pair[1]);
        }
    }
    if hex(&bytes) == text { Ok(bytes) } else { Err(Error::about(Code::Malformed, "an id is lower-case hex of its whole length")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_one_spelling() {
        let key = crate::SigningKey::from_seed(&[1; 32]).unwrap().verifying_key().clone();
        let id = TokenId::from_bytes([0xab; 16]);
        for target in [
            Target::Token(id),
            Target::Key(key),
            Target::Session(SessionId::from_bytes([0; 16])),
            Target::Task(Digest::from_bytes([255; 32])),
            Target::Approval(id),
        ] {
            let text = target.to_string();
            assert_eq!(Target::from_text(&text).unwrap(), target);
            for other in
                [text.to_uppercase(), format!(" {text}"), format!("{text} "), format!("{text}00"), text[..text.len() - 2].to_owned()]
            {
                assert!(Target::from_text(&other).is_err(), "{other}");
            }
        }
        for text in
            ["", ":", "token", "token:", "tokens:ab", &format!("token:{}", "q6urq6urq6urq6urq6urqw"), &format!("token:{}", "é".repeat(16))]
        {
            assert_eq!(Target::from_text(text).unwrap_err().code(), Code::Malformed, "{text}");
        }
    }
}
