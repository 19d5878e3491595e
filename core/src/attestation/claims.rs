//! The claims of the three objects of an enrolment: the only place that knows their labels.

use crate::cbor::{Decoder, Encoder};
use crate::claims::{AUD, CNF, EXP, IAT, ISS, SUB, count, need, read_holder, read_time, write_holder};
use crate::id::{Digest, is_name};
use crate::key::VerifyingKey;
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

const NONCE: i64 = 10;
const ATTESTATION: i64 = -65_545;
const VERSION: u64 = 1;

/// What an object of kind `attestation` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Request,
    Launch,
    Challenge,
}

impl Role {
    const fn labels(self) -> &'static [i64] {
        match self {
            Role::Request => &[AUD, EXP, IAT, CNF, ATTESTATION],
            Role::Launch => &[ISS, SUB, AUD, EXP, IAT, CNF, NONCE, ATTESTATION],
            Role::Challenge => &[ISS, EXP, IAT, NONCE, ATTESTATION],
        }
    }

    /// Keys of the attestation map beside version and role.
    const fn keys(self) -> &'static [i64] {
        match self {
            Role::Request => &[2, 3, 4],
            Role::Launch => &[5],
            Role::Challenge => &[6],
        }
    }
}

/// From when and until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lifetime {
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
}

impl Lifetime {
    pub(super) fn starting(now: Now, seconds: u64) -> Result<Self> {
        Ok(Lifetime { issued: Timestamp::from_secs(now.secs())?, expires: Timestamp::from_secs(now.secs() + seconds)? })
    }

    /// Whether it is over, or has not begun.
    pub(super) fn hold(&self, now: Now, early: &'static str, late: &'static str) -> Result<()> {
        if self.issued.secs() > now.secs() + limits::LEEWAY {
            return Err(super::failed(early));
        }
        if now.secs() >= self.expires.secs() { Err(super::failed(late)) } else { Ok(()) }
    }

    fn write(&self, out: &mut Encoder) {
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
    }
}

/// 32 random bytes by an authority, to be answered by one request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Challenge<'a> {
    pub(super) authority: &'a str,
    pub(super) lifetime: Lifetime,
    pub(super) nonce: [u8; 32],
    pub(super) millisecond: u16,
}

impl<'a> Challenge<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(128);
        out.map(5).integer(ISS).text(self.authority);
        self.lifetime.write(&mut out);
        out.integer(NONCE).bytes(&self.nonce);
        write_head(&mut out, Role::Challenge, 1).unsigned(6).unsigned(self.millisecond.into());
        out.into_bytes()
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self> {
        let draft = Draft::read(payload, Role::Challenge)?;
        Ok(Challenge {
            authority: need(draft.issuer, "iss")?,
            lifetime: draft.lifetime()?,
            nonce: need(draft.nonce, "nonce")?,
            millisecond: need(draft.millisecond, "millisecond")?,
        })
    }

    /// When it was made.
    pub(super) fn instant(&self) -> Result<Now> {
        Now::from_millis(self.lifetime.issued.secs() * 1000 + u64::from(self.millisecond))
    }
}

/// A request for an identity, signed by the key that it is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request<'a> {
    pub(super) authority: &'a str,
    pub(super) lifetime: Lifetime,
    pub(super) key: &'a [u8],
    pub(super) attestor: &'a str,
    pub(super) evidence: &'a [u8],
    pub(super) challenge: &'a [u8],
}

impl<'a> Request<'a> {
    pub(super) fn encode(&self, key: &VerifyingKey) -> Vec<u8> {
        let mut out = Encoder::with_capacity(512 + self.evidence.len());
        out.map(5).integer(AUD).text(self.authority);
        self.lifetime.write(&mut out);
        write_holder(&mut out, key);
        write_head(&mut out, Role::Request, 3).unsigned(2).text(self.attestor).unsigned(3).bytes(self.evidence);
        out.unsigned(4).bytes(self.challenge);
        out.into_bytes()
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self> {
        let draft = Draft::read(payload, Role::Request)?;
        let request = Request {
            authority: need(draft.audience, "aud")?,
            lifetime: draft.lifetime()?,
            key: need(draft.key, "cnf")?,
            attestor: need(draft.attestor, "attestor")?,
            evidence: need(draft.evidence, "evidence")?,
            challenge: need(draft.challenge, "challenge")?,
        };
        if request.evidence.len() > limits::MAX_ENROLMENT_EVIDENCE { Err(Error::about(Code::TooLarge, "evidence")) } else { Ok(request) }
    }
}

/// What whoever started an agent says about its key.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LaunchClaims<'a> {
    pub(super) launcher: &'a str,
    pub(super) child: &'a str,
    pub(super) authority: &'a str,
    pub(super) lifetime: Lifetime,
    pub(super) key: &'a [u8],
    pub(super) nonce: [u8; 32],
    pub(super) measurement: Option<Digest>,
}

impl<'a> LaunchClaims<'a> {
    pub(super) fn encode(&self, key: &VerifyingKey) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        out.map(8).integer(ISS).text(self.launcher).integer(SUB).text(self.child).integer(AUD).text(self.authority);
        self.lifetime.write(&mut out);
        write_holder(&mut out, key);
        out.integer(NONCE).bytes(&self.nonce);
        write_head(&mut out, Role::Launch, count(&[self.measurement.is_some()]));
        if let Some(measurement) = &self.measurement {
            out.unsigned(5).bytes(measurement.as_bytes());
        }
        out.into_bytes()
    }

    pub(super) fn decode(payload: &'a [u8]) -> Result<Self> {
        let draft = Draft::read(payload, Role::Launch)?;
        Ok(LaunchClaims {
            launcher: need(draft.issuer, "iss")?,
            child: need(draft.subject, "sub")?,
            authority: need(draft.audience, "aud")?,
            lifetime: draft.lifetime()?,
            key: need(draft.key, "cnf")?,
            nonce: need(draft.nonce, "nonce")?,
            measurement: draft.measurement,
        })
    }
}

/// The start of the attestation map, for so many more entries.
fn write_head(out: &mut Encoder, role: Role, more: usize) -> &mut Encoder {
    out.integer(ATTESTATION).map(2 + more).unsigned(0).unsigned(VERSION).unsigned(1).unsigned(role as u64)
}

/// Claims as they are read: nothing is required yet.
#[derive(Default)]
struct Draft<'a> {
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audience: Option<&'a str>,
    expires: Option<Timestamp>,
    issued: Option<Timestamp>,
    key: Option<&'a [u8]>,
    nonce: Option<[u8; 32]>,
    attestation: Option<()>,
    version: Option<()>,
    role: Option<()>,
    attestor: Option<&'a str>,
    evidence: Option<&'a [u8]>,
    challenge: Option<&'a [u8]>,
    measurement: Option<Digest>,
    millisecond: Option<u16>,
}

impl<'a> Draft<'a> {
    fn read(payload: &'a [u8], role: Role) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        let mut draft = Draft::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            let label = decoder.integer_key(&mut previous)?;
            if !role.labels().contains(&label) {
                return Err(Code::ClaimUnknown.into());
            }
            draft.read_claim(label, role, &mut decoder)?;
        }
        decoder.finish()?;
        need(draft.attestation, "attestation")?;
        need(draft.version, "version")?;
        need(draft.role, "role")?;
        Ok(draft)
    }

    fn read_claim(&mut self, label: i64, role: Role, decoder: &mut Decoder<'a>) -> Result<()> {
        match label {
            ISS => self.issuer = Some(borrow_name(decoder, "iss")?),
            SUB => self.subject = Some(borrow_name(decoder, "sub")?),
            AUD => self.audience = Some(borrow_name(decoder, "aud")?),
            EXP => self.expires = Some(read_time(decoder)?),
            IAT => self.issued = Some(read_time(decoder)?),
            CNF => self.key = Some(read_holder(decoder)?),
            NONCE => self.nonce = Some(decoder.fixed()?),
            _ => {
                self.read_attestation(role, decoder)?;
                self.attestation = Some(());
            }
        }
        Ok(())
    }

    fn read_attestation(&mut self, role: Role, decoder: &mut Decoder<'a>) -> Result<()> {
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => match decoder.integer()? {
                    1 => self.version = Some(()),
                    _ => return Err(Code::VersionUnsupported.into()),
                },
                1 if decoder.integer()? == role as i64 => self.role = Some(()),
                1 => return Err(Error::about(Code::KindMismatch, "role")),
                key if !role.keys().contains(&key) => return Err(Code::ClaimUnknown.into()),
                2 => self.attestor = Some(borrow_name(decoder, "attestor")?),
                3 => self.evidence = Some(decoder.bytes()?),
                4 => self.challenge = Some(decoder.bytes()?),
                5 => self.measurement = Some(Digest::from_bytes(decoder.fixed()?)),
                _ => self.millisecond = Some(read_millisecond(decoder)?),
            }
        }
        Ok(())
    }

    fn lifetime(&self) -> Result<Lifetime> {
        let lifetime = Lifetime { expires: need(self.expires, "exp")?, issued: need(self.issued, "iat")? };
        match lifetime.expires.secs().checked_sub(lifetime.issued.secs()) {
            Some(1..=limits::MAX_ENROLMENT_LIFETIME) => Ok(lifetime),
            _ => Err(Error::about(Code::ClaimInvalid, "what is part of an enrolment lives 1 to 600 seconds")),
        }
    }
}

fn borrow_name<'a>(decoder: &mut Decoder<'a>, what: &'static str) -> Result<&'a str> {
    let name = decoder.text()?;
    if is_name(name) { Ok(name) } else { Err(Error::about(Code::ClaimInvalid, what)) }
}

fn read_millisecond(decoder: &mut Decoder<'_>) -> Result<u16> {
    match u16::try_from(decoder.integer()?) {
        Ok(millisecond) if millisecond < 1000 => Ok(millisecond),
        _ => Err(Error::about(Code::ClaimInvalid, "millisecond")),
    }
}
