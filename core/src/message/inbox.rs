//! The recipient's side: takes each message once, in order.

use std::collections::BTreeMap;

use super::claims::MessageClaims;
use super::{payload_digest, refuse_large_payload};
use crate::id::{Digest, SessionId, TokenId, is_name};
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

/// A message that was received: signed by a known sender, for this recipient, the next of its session.
#[derive(Clone, Debug)]
pub struct ReceivedMessage<'a> {
    payload: &'a [u8],
    claims: MessageClaims,
}

impl<'a> ReceivedMessage<'a> {
    /// The payload that the sender signed.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The sender's key.
    #[must_use]
    pub const fn sender(&self) -> &VerifyingKey {
        &self.claims.sender
    }

    /// The session.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.claims.session
    }

    /// Its place in the session, from 0.
    #[must_use]
    pub const fn sequence(&self) -> u64 {
        self.claims.sequence
    }

    /// Its id.
    #[must_use]
    pub const fn id(&self) -> TokenId {
        self.claims.id
    }

    /// The hash of the leaf token that it is about. No authority: that takes a presentation and a verifier.
    #[must_use]
    pub const fn token(&self) -> Option<Digest> {
        self.claims.token
    }

    /// When it was signed, by the sender's clock.
    #[must_use]
    pub const fn issued(&self) -> Timestamp {
        self.claims.issued
    }
}

/// One recipient's messages: the senders it knows, and the next sequence number of each of their sessions.
#[derive(Debug)]
pub struct Inbox {
    pub(super) recipient: String,
    pub(super) capacity: usize,
    pub(super) began: Now,
    pub(super) latest: Now,
    pub(super) senders: BTreeMap<[u8; 32], Sender>,
    pub(super) closed: BTreeMap<SessionId, u64>,
}

/// A sender's sessions. They stay when it is not known any more.
#[derive(Debug, Default)]
pub(super) struct Sender {
    pub(super) is_known: bool,
    pub(super) sessions: BTreeMap<SessionId, Progress>,
}

/// How far a session is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) next: u64,
    /// When the last of the messages that were received expires.
    pub(super) expires: u64,
}

impl Inbox {
    /// The inbox of a recipient of this name, that knows nobody yet and has room for so many sessions of each sender. What was signed before now is
    /// refused. `name-invalid`; `config-invalid` for a capacity of 0.
    pub fn new(recipient: &str, capacity: usize, now: Now) -> Result<Self> {
        if !is_name(recipient) {
            return Err(Error::named(Code::NameInvalid, "recipient", recipient));
        }
        if capacity == 0 {
            return Err(Error::about(Code::ConfigInvalid, "an inbox without room"));
        }
        let (senders, closed) = (BTreeMap::new(), BTreeMap::new());
        Ok(Inbox { recipient: recipient.to_owned(), capacity, began: now, latest: now, senders, closed })
    }

    /// Knows a sender from now on: by configuration, or by an identity that was verified. `too-many` beyond 65,536 senders.
    pub fn know(&mut self, sender: &VerifyingKey) -> Result<()> {
        if self.senders.len() >= limits::MAX_SENDERS && !self.senders.contains_key(sender.as_bytes()) {
            let latest = self.latest.secs();
            self.senders.retain(|_, other| other.is_known || other.sessions.values().any(|session| latest < session.expires));
            if self.senders.len() >= limits::MAX_SENDERS {
                return Err(Error::about(Code::TooMany, "senders"));
            }
        }
        self.senders.entry(*sender.as_bytes()).or_default().is_known = true;
        Ok(())
    }

    /// Does not know a sender any more. Where its sessions are is remembered.
    pub fn forget(&mut self, sender: &VerifyingKey) {
        if let Some(sender) = self.senders.get_mut(sender.as_bytes()) {
            sender.is_known = false;
        }
    }

    /// Refuses a session from now on, for 30 days. `clock-behind`; `store-full` beyond 65,536 closed sessions: then it is not closed.
    pub fn close(&mut self, session: SessionId, now: Now) -> Result<()> {
        let now = self.advance(now)?.secs();
        self.closed.retain(|_, until| now < *until);
        if self.closed.len() >= limits::MAX_SENDERS && !self.closed.contains_key(&session) {
            return Err(Error::about(Code::StoreFull, "closed sessions"));
        }
        self.closed.insert(session, now + limits::MAX_LIFETIME);
        Ok(())
    }

    /// Receives a message with the payload that came beside it, in the session that is expected, if one is. The checks are those of the specification's
    /// message.md, in its order: `clock-behind`, `too-large`, codes of the envelope and of claims, `message-mismatch`, `sender-unknown`,
    /// `message-not-yet-valid`, `message-expired`, `signature-invalid`, `session-closed`, `message-replayed`, `message-out-of-order`, `store-full`.
    /// What is refused changes nothing.
    pub fn receive<'a>(&mut self, message: &[u8], payload: &'a [u8], session: Option<SessionId>, now: Now) -> Result<ReceivedMessage<'a>> {
        let now = self.advance(now)?.secs();
        refuse_large_payload(payload)?;
        let (envelope, claims) = MessageClaims::read(message)?;
        let mismatch = |what| Err(Error::about(Code::MessageMismatch, what));
        if claims.recipient != self.recipient {
            return mismatch("recipient");
        }
        let sender = match self.senders.get_mut(claims.sender.as_bytes()) {
            Some(sender) if sender.is_known => sender,
            _ => return Err(Code::SenderUnknown.into()),
        };
        if session.is_some_and(|session| session != claims.session) {
            return mismatch("session");
        }
        if claims.issued.secs() > now + limits::LEEWAY {
            return Err(Code::MessageNotYetValid.into());
        }
        if now >= claims.expires.secs() {
            return Err(Code::MessageExpired.into());
        }
        envelope.open(&claims.sender)?;
        if self.closed.get(&claims.session).is_some_and(|until| now < *until) {
            return Err(Code::SessionClosed.into());
        }
        if claims.issued.secs() < self.began.secs() {
            return Err(Error::about(Code::MessageReplayed, "signed before this inbox began"));
        }
        let before = sender.sessions.get(&claims.session).copied();
        let next = before.map_or(0, |session| session.next);
        if claims.sequence < next {
            return Err(Code::MessageReplayed.into());
        }
        if claims.sequence > next {
            return Err(Code::MessageOutOfOrder.into());
        }
        if before.is_none() && !sender.has_room(self.capacity, now) {
            return Err(Error::about(Code::StoreFull, "sessions of this sender"));
        }
        if claims.payload != payload_digest(payload)? {
            return mismatch("payload");
        }
        if before.is_none() {
            sender.make_room(self.capacity, now);
        }
        let expires = before.map_or(0, |session| session.expires).max(claims.expires.secs());
        sender.sessions.insert(claims.session, Progress { next: next + 1, expires });
        Ok(ReceivedMessage { payload, claims })
    }

    /// Time never runs backwards: a small step back counts as the latest time, a larger one is refused.
    fn advance(&mut self, now: Now) -> Result<Now> {
        if now.millis() + limits::MAX_STEP_BACK * 1000 < self.latest.millis() {
            return Err(Code::ClockBehind.into());
        }
        self.latest = self.latest.max(now);
        Ok(self.latest)
    }
}

impl Sender {
    fn has_room(&self, capacity: usize, now: u64) -> bool {
        self.sessions.len() < capacity || self.sessions.values().any(|session| session.expires <= now)
    }

    /// At capacity, forgets sessions of which nothing can be received again.
    fn make_room(&mut self, capacity: usize, now: u64) {
        if self.sessions.len() >= capacity {
            self.sessions.retain(|_, session| now < session.expires);
        }
    }
}
