//! Rotations: a key says who its successor is, and the successor agrees (specification, revocation.md).

use std::sync::Arc;

use rand_core::TryCryptoRng;

use crate::cbor::{Decoder, Encoder};
use crate::claims::{CTI, IAT, read_time};
use crate::cose::{Envelope, ObjectKind, seal};
use crate::id::{TokenId, is_name};
use crate::issue::random;
use crate::key::{Signer, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::{Code, Error, Result, limits};

const ROTATION: i64 = -65_542;
const VERSION: u64 = 1;

/// Signs that `new` follows `old`, with both keys. A verifier that accepts it takes the old key for `overlap` seconds more, counted from
/// there on its own clock. `name` is the authority's or agent's own, for whoever reads it; of an authority it has to be its name.
///
/// Keep the bytes until every verifier has taken them: the same rotation can be sent again and again.
///
/// # Errors
/// [`Code::RotationInvalid`] for a key that follows itself; [`Code::ClaimInvalid`] for an overlap above a day; [`Code::NameInvalid`];
/// [`Code::RandomnessUnavailable`]; [`Code::SigningFailed`].
pub fn rotate<R: TryCryptoRng>(
    old: &dyn Signer,
    new: &dyn Signer,
    overlap: u64,
    name: Option<&str>,
    rng: &mut R,
    now: Now,
) -> Result<Vec<u8>> {
    if let Some(name) = name.filter(|name| !is_name(name)) {
        return Err(Error::named(Code::NameInvalid, "name", name));
    }
    let claims = RotationClaims {
        issued: Timestamp::from_secs(now.secs())?,
        id: TokenId::from_bytes(random(rng)?),
        old: old.verifying_key().clone(),
        new: new.verifying_key().clone(),
        overlap,
        name: name.map(ToOwned::to_owned),
    };
    claims.hold()?;
    let payload = claims.encode();
    let by_old = seal(ObjectKind::Rotation, &payload, old)?;
    let by_new = seal(ObjectKind::Rotation, &payload, new)?;
    let mut out = Encoder::with_capacity(by_old.len() + by_new.len() + 8);
    out.array(2).bytes(&by_old).bytes(&by_new);
    Ok(out.into_bytes())
}

/// The claims of a rotation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RotationClaims {
    pub(super) issued: Timestamp,
    id: TokenId,
    pub(crate) old: VerifyingKey,
    pub(crate) new: VerifyingKey,
    pub(crate) overlap: u64,
    pub(crate) name: Option<String>,
}

impl RotationClaims {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(192);
        out.map(3).integer(IAT).unsigned(self.issued.secs()).integer(CTI).bytes(self.id.as_bytes()).integer(ROTATION);
        out.map(4 + usize::from(self.name.is_some())).unsigned(0).unsigned(VERSION);
        out.unsigned(1).bytes(self.old.as_bytes()).unsigned(2).bytes(self.new.as_bytes()).unsigned(3).unsigned(self.overlap);
        if let Some(name) = &self.name {
            out.unsigned(4).text(name);
        }
        out.into_bytes()
    }

    fn decode(payload: &[u8]) -> Result<Self> {
        let (mut issued, mut id, mut rotation) = (None, None, None);
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                ROTATION => rotation = Some(Described::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let missing = |name| Error::about(Code::ClaimMissing, name);
        let rotation = rotation.ok_or(missing("rotation"))?;
        if rotation.version.ok_or(missing("version"))? != VERSION {
            return Err(Code::VersionUnsupported.into());
        }
        let claims = RotationClaims {
            issued: issued.ok_or(missing("iat"))?,
            id: id.ok_or(missing("cti"))?,
            old: rotation.old.ok_or(missing("old key"))?,
            new: rotation.new.ok_or(missing("new key"))?,
            overlap: rotation.overlap.ok_or(missing("overlap"))?,
            name: rotation.name,
        };
        claims.hold()?;
        Ok(claims)
    }

    fn hold(&self) -> Result<()> {
        if self.overlap > limits::MAX_OVERLAP {
            return Err(Error::about(Code::ClaimInvalid, "an overlap above a day"));
        }
        if self.old == self.new {
            return Err(Error::about(Code::RotationInvalid, "a key does not follow itself"));
        }
        Ok(())
    }
}

#[derive(Default)]
struct Described {
    version: Option<u64>,
    old: Option<VerifyingKey>,
    new: Option<VerifyingKey>,
    overlap: Option<u64>,
    name: Option<String>,
}

impl Described {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut rotation = Described::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => rotation.version = Some(decoder.unsigned()?),
                1 => rotation.old = Some(VerifyingKey::from_bytes(&decoder.fixed()?)?),
                2 => rotation.new = Some(VerifyingKey::from_bytes(&decoder.fixed()?)?),
                3 => rotation.overlap = Some(decoder.unsigned()?),
                4 => rotation.name = Some(read_name(decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(rotation)
    }
}

fn read_name(decoder: &mut Decoder<'_>) -> Result<String> {
    let name = decoder.text()?;
    if is_name(name) { Ok(name.to_owned()) } else { Err(Error::about(Code::ClaimInvalid, "name")) }
}

/// A rotation that both keys signed.
#[derive(Clone, Debug)]
pub(crate) struct Rotation {
    pub(crate) claims: RotationClaims,
    pub(super) bytes: Arc<[u8]>,
}

impl Rotation {
    /// Reads a rotation and checks both signatures.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_ROTATION {
            return Err(Error::about(Code::TooLarge, "rotation"));
        }
        let mut decoder = Decoder::new(bytes);
        if decoder.array()? != 2 {
            return Err(Error::about(Code::Malformed, "not a rotation"));
        }
        let by_old = Envelope::read(decoder.bytes()?, ObjectKind::Rotation)?;
        let by_new = Envelope::read(decoder.bytes()?, ObjectKind::Rotation)?;
        decoder.finish()?;
        let payload = by_old.unverified_payload();
        if payload != by_new.unverified_payload() {
            return Err(Error::about(Code::RotationInvalid, "the two keys signed different rotations"));
        }
        // The keys that sign it are in it, so it is read first.
        let claims = RotationClaims::decode(payload)?;
        for (envelope, key, whose) in [(by_old, &claims.old, "of the old key"), (by_new, &claims.new, "of the new key")] {
            envelope.open(key).map_err(|error| Error::about(error.code(), whose))?;
        }
        Ok(Rotation { claims, bytes: bytes.into() })
    }
}
