//! The sender's side: numbers the messages of each session.

use std::collections::BTreeMap;

use rand_core::TryCryptoRng;

use super::claims::MessageClaims;
use super::payload_digest;
use crate::cose::{ObjectKind, seal};
use crate::id::{Digest, SessionId, TokenId, is_name};
use crate::issue::random;
use crate::key::{Signer, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// Seconds that a message lives unless told otherwise: one minute.
pub const DEFAULT_MESSAGE_TTL: u64 = 60;

/// A message to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    payload: &'a [u8],
    recipient: &'a str,
    session: SessionId,
    token: Option<Digest>,
    ttl: u64,
}

impl<'a> Outgoing<'a> {
    /// A payload for a recipient, by the name that its inbox has, in a session.
    #[must_use]
    pub const fn new(payload: &'a [u8], recipient: &'a str, session: SessionId) -> Self {
        Outgoing { payload, recipient, session, token: None, ttl: DEFAULT_MESSAGE_TTL }
    }

    /// The hash of the leaf token that the message is about.
    #[must_use]
    pub const fn token(mut self, token: Digest) -> Self {
        self.token = Some(token);
        self
    }

    /// Seconds to live, from now: 1 to 3,600. A message that has to be sent again can be, as long as it lives.
    #[must_use]
    pub const fn ttl(mut self, ttl: u64) -> Self {
        self.ttl = ttl;
        self
    }
}

/// One sender's messages: knows the next sequence number for each recipient and session.
#[derive(Debug)]
pub struct Outbox {
    pub(super) sender: VerifyingKey,
    pub(super) next: BTreeMap<(SessionId, String), u64>,
}

impl Outbox {
    /// The outbox of a sender that has sent nothing.
    #[must_use]
    pub fn new(sender: &VerifyingKey) -> Self {
        Outbox { sender: sender.clone(), next: BTreeMap::new() }
    }

    /// Signs the next message of its session; the payload travels beside it. `holder-mismatch` for a signer that is not this sender, `name-invalid`,
    /// `claim-invalid` for a ttl of 0 or more than an hour and after 2^53 messages, `too-large` for a payload above 16 MiB, `too-many` beyond 65,536
    /// sessions, `randomness-unavailable`, `signing-failed`.
    pub fn sign<R: TryCryptoRng>(&mut self, signer: &dyn Signer, message: &Outgoing<'_>, rng: &mut R, now: Now) -> Result<Vec<u8>> {
        if *signer.verifying_key() != self.sender {
            return Err(Code::HolderMismatch.into());
        }
        if !is_name(message.recipient) {
            return Err(Error::named(Code::NameInvalid, "recipient", message.recipient));
        }
        if message.ttl == 0 || message.ttl > limits::MAX_MESSAGE_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "ttl: 1 second to 1 hour"));
        }
        let peer = (message.session, message.recipient.to_owned());
        let sequence = self.next.get(&peer).copied();
        if sequence.is_none() && self.next.len() >= limits::MAX_SENDERS {
            return Err(Error::about(Code::TooMany, "sessions"));
        }
        let sequence = sequence.unwrap_or(0);
        if sequence > limits::MAX_SEQUENCE {
            return Err(Error::about(Code::ClaimInvalid, "no sequence number is left in this session"));
        }
        let claims = MessageClaims {
            recipient: message.recipient.to_owned(),
            expires: Timestamp::from_secs(now.secs() + message.ttl)?,
            issued: Timestamp::from_secs(now.secs())?,
            id: TokenId::from_bytes(random(rng)?),
            sender: self.sender.clone(),
            session: message.session,
            sequence,
            payload: payload_digest(message.payload)?,
            token: message.token,
        };
        let bytes = seal(ObjectKind::Message, &claims.encode(), signer)?;
        self.next.insert(peer, sequence + 1);
        Ok(bytes)
    }

    /// Forgets a session that is over.
    pub fn close(&mut self, session: SessionId) {
        self.next.retain(|(other, _), _| *other != session);
    }
}
