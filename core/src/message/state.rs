//! The memory of an inbox and of an outbox as bytes, so that they go on after a restart (specification, message.md, "Memory").

use std::collections::BTreeMap;

use super::inbox::{Inbox, Progress, Sender};
use super::outbox::Outbox;
use crate::cbor::{Decoder, Encoder};
use crate::claims::read_name;
use crate::id::SessionId;
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

const VERSION: u64 = 1;

impl Inbox {
    /// The state, to be stored after a message was received and before it is acted on. An older state lets messages be received again.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        out.array(6).unsigned(VERSION).text(&self.recipient).unsigned(self.began.millis()).unsigned(self.latest.millis());
        let remembered = || self.senders.iter().filter(|(_, sender)| !sender.sessions.is_empty());
        out.array(remembered().count());
        for (key, sender) in remembered() {
            out.array(2).bytes(key).array(sender.sessions.len());
            for (session, progress) in &sender.sessions {
                out.array(3).bytes(session.as_bytes()).unsigned(progress.next).unsigned(progress.expires);
            }
        }
        out.array(self.closed.len());
        for (session, until) in &self.closed {
            out.array(2).bytes(session.as_bytes()).unsigned(*until);
        }
        out.into_bytes()
    }

    /// An inbox that goes on from a state. It knows nobody until it is told. `config-invalid` for the state of another recipient and a capacity of 0;
    /// `malformed`, `not-canonical`, `version-unsupported`, `claim-invalid`, `clock-invalid`, `key-invalid`, `too-many`.
    pub fn decode(state: &[u8], recipient: &str, capacity: usize) -> Result<Self> {
        let mut decoder = Decoder::new(state);
        read_head(&mut decoder, 6)?;
        if read_name(&mut decoder, "recipient")? != recipient {
            return Err(Error::about(Code::ConfigInvalid, "the state of another recipient"));
        }
        let began = Now::from_millis(decoder.unsigned()?)?;
        let latest = Now::from_millis(decoder.unsigned()?)?;
        let mut inbox = Inbox::new(recipient, capacity, began)?;
        inbox.latest = latest.max(began);
        for_each(&mut decoder, limits::MAX_SENDERS, |decoder| {
            read_length(decoder, 2)?;
            let key = VerifyingKey::try_from_slice(decoder.bytes()?)?;
            let mut sessions = BTreeMap::new();
            for_each(decoder, usize::MAX, |decoder| {
                read_length(decoder, 3)?;
                let session = SessionId::from_bytes(decoder.fixed()?);
                let progress = Progress { next: decoder.unsigned()?, expires: Timestamp::from_secs(decoder.unsigned()?)?.secs() };
                once(progress.next <= limits::MAX_SEQUENCE + 1 && sessions.insert(session, progress).is_none())
            })?;
            once(inbox.senders.insert(*key.as_bytes(), Sender { is_known: false, sessions }).is_none())
        })?;
        for_each(&mut decoder, limits::MAX_SENDERS, |decoder| {
            read_length(decoder, 2)?;
            let session = SessionId::from_bytes(decoder.fixed()?);
            once(inbox.closed.insert(session, Timestamp::from_secs(decoder.unsigned()?)?.secs()).is_none())
        })?;
        decoder.finish()?;
        Ok(inbox)
    }
}

impl Outbox {
    /// The state, to be stored after a message was signed and before it is sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut entries: Vec<Vec<u8>> = self.next.iter().map(|((session, recipient), next)| entry(session, recipient, *next)).collect();
        entries.sort_unstable();
        let mut out = Encoder::new();
        out.array(3).unsigned(VERSION).bytes(self.sender.as_bytes()).array(entries.len());
        for entry in &entries {
            out.raw(entry);
        }
        out.into_bytes()
    }

    /// An outbox that goes on from a state. `malformed`, `not-canonical`, `version-unsupported`, `claim-invalid`, `key-invalid`, `too-many`.
    pub fn decode(state: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::new(state);
        read_head(&mut decoder, 3)?;
        let mut outbox = Outbox::new(&VerifyingKey::try_from_slice(decoder.bytes()?)?);
        for_each(&mut decoder, limits::MAX_SENDERS, |decoder| {
            read_length(decoder, 3)?;
            let peer = (SessionId::from_bytes(decoder.fixed()?), read_name(decoder, "recipient")?);
            let next = decoder.unsigned()?;
            once(next <= limits::MAX_SEQUENCE + 1 && outbox.next.insert(peer, next).is_none())
        })?;
        decoder.finish()?;
        Ok(outbox)
    }
}

fn entry(session: &SessionId, recipient: &str, next: u64) -> Vec<u8> {
    let mut out = Encoder::new();
    out.array(3).bytes(session.as_bytes()).text(recipient).unsigned(next);
    out.into_bytes()
}

fn read_head(decoder: &mut Decoder<'_>, length: usize) -> Result<()> {
    read_length(decoder, length)?;
    if decoder.unsigned()? == VERSION { Ok(()) } else { Err(Code::VersionUnsupported.into()) }
}

fn read_length(decoder: &mut Decoder<'_>, length: usize) -> Result<()> {
    if decoder.array()? == length { Ok(()) } else { Err(Error::about(Code::Malformed, "not a state of messages")) }
}

/// Reads a set of at most so many elements.
fn for_each<'a>(decoder: &mut Decoder<'a>, most: usize, mut read: impl FnMut(&mut Decoder<'a>) -> Result<()>) -> Result<()> {
    let length = decoder.array()?;
    if length > most {
        return Err(Code::TooMany.into());
    }
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let start = decoder.position();
        read(decoder)?;
        decoder.ascending(&mut previous, start)?;
    }
    Ok(())
}

/// Elements of a set can differ and still speak about one session twice.
fn once(is_new: bool) -> Result<()> {
    if is_new { Ok(()) } else { Err(Error::about(Code::ClaimInvalid, "a session given twice, or a sequence that cannot be")) }
}
