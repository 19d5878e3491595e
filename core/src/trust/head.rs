//! The head of a revocation list: its claims (specification, revocation.md).

use std::sync::Arc;

use crate::cbor::{Decoder, Encoder};
use crate::claims::{EXP, IAT, ISS, read_time};
use crate::cose::{Envelope, ObjectKind};
use crate::id::Digest;
use crate::key::VerifyingKey;
use crate::time::Timestamp;
use crate::{Code, Error, Result, limits};

const LIST: i64 = -65_540;
const VERSION: u64 = 1;

/// The claims of a head.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ListClaims {
    pub(super) authority: String,
    pub(super) next_update: Timestamp,
    pub(super) issued: Timestamp,
    pub(super) sequence: u64,
    /// The list that it changes, if it is a change.
    pub(super) base: Option<u64>,
    pub(super) parts: Vec<Digest>,
    pub(super) epoch: Option<Timestamp>,
}

impl ListClaims {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(128 + self.authority.len() + 34 * self.parts.len());
        out.map(4).integer(ISS).text(&self.authority).integer(EXP).unsigned(self.next_update.secs());
        out.integer(IAT).unsigned(self.issued.secs()).integer(LIST);
        out.map(3 + usize::from(self.base.is_some()) + usize::from(self.epoch.is_some()));
        out.unsigned(0).unsigned(VERSION).unsigned(1).unsigned(self.sequence);
        if let Some(base) = self.base {
            out.unsigned(2).unsigned(base);
        }
        out.unsigned(3).array(self.parts.len());
        for part in &self.parts {
            out.bytes(part.as_bytes());
        }
        if let Some(epoch) = self.epoch {
            out.unsigned(4).unsigned(epoch.secs());
        }
        out.into_bytes()
    }

    fn decode(payload: &[u8]) -> Result<Self> {
        let (mut authority, mut next_update, mut issued, mut list) = (None, None, None, None);
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                ISS => authority = Some(read_name(&mut decoder)?),
                EXP => next_update = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                LIST => list = Some(Described::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let missing = |name| Error::about(Code::ClaimMissing, name);
        let list = list.ok_or(missing("list"))?;
        if list.version.ok_or(missing("version"))? != VERSION {
            return Err(Code::VersionUnsupported.into());
        }
        let claims = ListClaims {
            authority: authority.ok_or(missing("iss"))?,
            next_update: next_update.ok_or(missing("exp"))?,
            issued: issued.ok_or(missing("iat"))?,
            sequence: list.sequence.ok_or(missing("sequence"))?,
            base: list.base,
            parts: list.parts.ok_or(missing("parts"))?,
            epoch: list.epoch,
        };
        claims.hold()?;
        Ok(claims)
    }

    /// The rules that both who makes and who reads a list keep.
    pub(super) fn hold(&self) -> Result<()> {
        let invalid = |what| Err(Error::about(Code::ClaimInvalid, what));
        if !(1..=limits::MAX_SEQUENCE).contains(&self.sequence) {
            return invalid("sequence");
        }
        if self.base.is_some_and(|base| base == 0 || base >= self.sequence) {
            return invalid("a change follows a list with a lower sequence");
        }
        let (issued, next_update) = (self.issued.secs(), self.next_update.secs());
        if next_update <= issued || next_update - issued > limits::MAX_LIST_LIFETIME {
            return invalid("a list lives 1 second to 30 days");
        }
        if self.parts.len() > self.most_parts() {
            return Err(Error::about(Code::TooMany, "parts of a list"));
        }
        Ok(())
    }

    const fn most_parts(&self) -> usize {
        if self.base.is_some() { limits::MAX_CHANGE_PARTS } else { limits::MAX_LIST_PARTS }
    }
}

#[derive(Default)]
struct Described {
    version: Option<u64>,
    sequence: Option<u64>,
    base: Option<u64>,
    parts: Option<Vec<Digest>>,
    epoch: Option<Timestamp>,
}

impl Described {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut list = Described::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => list.version = Some(decoder.unsigned()?),
                1 => list.sequence = Some(decoder.unsigned()?),
                2 => list.base = Some(decoder.unsigned()?),
                3 => list.parts = Some(read_parts(decoder)?),
                4 => list.epoch = Some(read_time(decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(list)
    }
}

fn read_parts(decoder: &mut Decoder<'_>) -> Result<Vec<Digest>> {
    let count = decoder.array()?;
    if count > limits::MAX_LIST_PARTS {
        return Err(Error::about(Code::TooMany, "parts of a list"));
    }
    (0..count).map(|_| decoder.fixed().map(Digest::from_bytes)).collect()
}

fn read_name(decoder: &mut Decoder<'_>) -> Result<String> {
    let name = decoder.text()?;
    if crate::id::is_name(name) { Ok(name.to_owned()) } else { Err(Error::about(Code::ClaimInvalid, "iss")) }
}

/// A head whose signature was checked.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) claims: ListClaims,
    pub(super) hash: Digest,
    pub(super) signer: VerifyingKey,
    pub(super) bytes: Arc<[u8]>,
    /// Which authority of the state it is by.
    pub(super) authority: usize,
}

impl Head {
    /// Opens a head with the first of these keys that signed it.
    pub(super) fn open(bytes: &[u8], authority: usize, keys: impl IntoIterator<Item = VerifyingKey>) -> Result<Self> {
        let envelope = Envelope::read(bytes, ObjectKind::Revocation)?;
        for key in keys {
            match envelope.open_and_hash(&key) {
                Ok((payload, hash)) => {
                    return Ok(Head { claims: ListClaims::decode(payload)?, hash, signer: key, bytes: bytes.into(), authority });
                }
                Err(error) if error.code() == Code::SignatureInvalid => {}
                Err(error) => return Err(error),
            }
        }
        Err(Code::SignatureInvalid.into())
    }
}
