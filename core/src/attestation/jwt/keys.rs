//! The keys of a JWKS (RFC 7517, RFC 7518): public ones for signatures, each with the one algorithm that it is for.

use p256::ecdsa::signature::Verifier as _;
use rsa::BoxedUint;
use sha2::{Digest as _, Sha256};

use super::super::failed;
use super::{member, text};
use crate::json::value_from_json;
use crate::key::VerifyingKey;
use crate::text::bytes_from_text;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// Bits of an RSA modulus, in whole bytes.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// Bytes of the public exponent: 65,537 to 2^32 − 1.
const EXPONENT_BYTES: std::ops::RangeInclusive<usize> = 3..=4;
/// Members that only private and symmetric keys have.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The algorithms that are accepted. None is symmetric, and none is `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Rs256,
    Ps256,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub(super) fn is_called(self, name: &str) -> bool {
        match self {
            Algorithm::Rs256 => name == "RS256",
            Algorithm::Ps256 => name == "PS256",
            Algorithm::Es256 => name == "ES256",
            Algorithm::Es384 => name == "ES384",
            // RFC 9864 gives EdDSA over this curve the second name.
            Algorithm::EdDsa => matches!(name, "EdDSA" | "Ed25519"),
        }
    }
}

#[derive(Debug)]
enum PublicKey {
    Rsa(rsa::RsaPublicKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Ed25519(VerifyingKey),
}

/// One key that can be used.
#[derive(Debug)]
pub(super) struct Key {
    id: Option<String>,
    algorithm: Algorithm,
    key: PublicKey,
}

impl Key {
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match (&self.key, self.algorithm) {
            (PublicKey::Rsa(key), Algorithm::Ps256) => {
                // RFC 7518 section 3.5: the salt is as long as the hash.
                key.verify(rsa::Pss::<Sha256>::new_with_salt(32), &Sha256::digest(message), signature).is_ok()
            }
            (PublicKey::Rsa(key), _) => key.verify(rsa::Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message), signature).is_ok(),
            (PublicKey::P256(key), _) => {
                p256::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            (PublicKey::P384(key), _) => {
                p384::ecdsa::Signature::from_slice(signature).is_ok_and(|signature| key.verify(message, &signature).is_ok())
            }
            (PublicKey::Ed25519(key), _) => signature.try_into().is_ok_and(|signature| key.verify(message, signature).is_ok()),
        }
    }

    /// The key, if it is one for signatures by an accepted algorithm. Others are passed over (RFC 7517 section 5), but a private or symmetric key
    /// is refused wherever it stands: whoever reads a JWKS could sign with it.
    fn read(jwk: &Value) -> Result<Option<Self>> {
        if PRIVATE.iter().any(|name| member(jwk, name).is_some()) {
            return Err(invalid("a JWKS with a private or symmetric key"));
        }
        // SPIFFE calls the use of keys of JWT-SVID so.
        let is_for_signatures = |usage: &str| matches!(usage, "sig" | "jwt-svid");
        if member(jwk, "use").is_some() && !text(jwk, &["use"]).is_some_and(is_for_signatures) {
            return Ok(None);
        }
        if let Some(operations) = member(jwk, "key_ops")
            && !matches!(operations, Value::List(list) if list.contains(&Value::from("verify")))
        {
            return Ok(None);
        }
        let algorithm = match (text(jwk, &["kty"]), text(jwk, &["crv"])) {
            (Some("RSA"), _) if text(jwk, &["alg"]) == Some("PS256") => Algorithm::Ps256,
            (Some("RSA"), _) => Algorithm::Rs256,
            (Some("EC"), Some("P-256")) => Algorithm::Es256,
            (Some("EC"), Some("P-384")) => Algorithm::Es384,
            (Some("OKP"), Some("Ed25519")) => Algorithm::EdDsa,
            _ => return Ok(None),
        };
        let key = match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => PublicKey::Rsa(rsa_key(jwk)?),
            Algorithm::Es256 => PublicKey::P256(point(jwk, 32, p256::ecdsa::VerifyingKey::from_sec1_bytes)?),
            Algorithm::Es384 => PublicKey::P384(point(jwk, 48, p384::ecdsa::VerifyingKey::from_sec1_bytes)?),
            Algorithm::EdDsa => PublicKey::Ed25519(VerifyingKey::try_from_slice(&bytes(jwk, "x")?).map_err(|_| not_a_key())?),
        };
        if member(jwk, "alg").is_some() && !text(jwk, &["alg"]).is_some_and(|name| algorithm.is_called(name)) {
            return Ok(None);
        }
        let id = match member(jwk, "kid") {
            None => None,
            Some(Value::Text(id)) => Some(id.clone()),
            Some(_) => return Err(invalid("a kid that is not text")),
        };
        Ok(Some(Key { id, algorithm, key }))
    }
}

/// The keys that can be used, of which there is at least one.
#[derive(Debug)]
pub(super) struct Keys(Vec<Key>);

impl Keys {
    pub(super) fn read(jwks: &[u8]) -> Result<Self> {
        if jwks.len() > limits::MAX_JWKS {
            return Err(Error::about(Code::TooLarge, "JWKS"));
        }
        let json = std::str::from_utf8(jwks).map_err(|_| Error::about(Code::Malformed, "a JWKS that is not text"))?;
        let set = value_from_json(json).map_err(|_| Error::about(Code::Malformed, "a JWKS that is not JSON, or has a member twice"))?;
        let Some(Value::List(list)) = member(&set, "keys") else {
            return Err(Error::about(Code::Malformed, "a JWKS without a list of keys"));
        };
        if list.len() > limits::MAX_JWKS_KEYS {
            return Err(Error::about(Code::TooMany, "keys in a JWKS"));
        }
        let mut keys: Vec<Key> = Vec::new();
        for jwk in list {
            if !matches!(jwk, Value::Map(_)) {
                return Err(Error::about(Code::Malformed, "a key of a JWKS that is no object"));
            }
            let Some(key) = Key::read(jwk)? else { continue };
            if key.id.is_some() && keys.iter().any(|other| other.id == key.id) {
                return Err(invalid("two keys of one kid"));
            }
            keys.push(key);
        }
        if keys.is_empty() { Err(invalid("a JWKS without a key that can be used")) } else { Ok(Keys(keys)) }
    }

    /// The key of this kid; without one, the only key.
    pub(super) fn select(&self, id: Option<&str>) -> Result<&Key> {
        match (id, &self.0[..]) {
            (None, [only]) => Ok(only),
            (None, _) => Err(failed("no kid, and more than one key")),
            (Some(id), keys) => {
                let found = keys.iter().find(|key| key.id.as_deref() == Some(id));
                found.ok_or_else(|| Error::named(Code::AttestationFailed, "no key of kid", id))
            }
        }
    }
}

const fn invalid(reason: &'static str) -> Error {
    Error::about(Code::ConfigInvalid, reason)
}

const fn not_a_key() -> Error {
    invalid("a JWKS with a key that is none")
}

fn bytes(jwk: &Value, name: &str) -> Result<Vec<u8>> {
    let text = text(jwk, &[name]).ok_or(not_a_key())?;
    bytes_from_text(text, RSA_BITS.end() / 8).map_err(|_| not_a_key())
}

fn rsa_key(jwk: &Value) -> Result<rsa::RsaPublicKey> {
    let (modulus, exponent) = (bytes(jwk, "n").map_err(|_| weak())?, bytes(jwk, "e")?);
    // RFC 7518 section 6.3.1.1: no leading zeros.
    let is_full = modulus.first().is_some_and(|first| first & 0x80 != 0);
    if !is_full || !RSA_BITS.contains(&(modulus.len() * 8)) {
        return Err(weak());
    }
    if !EXPONENT_BYTES.contains(&exponent.len()) || exponent.first() == Some(&0) {
        return Err(weak());
    }
    let number = |bytes: &[u8]| BoxedUint::from_be_slice(bytes, bytes.len() as u32 * 8).map_err(|_| weak());
    rsa::RsaPublicKey::new_with_size_limits(number(&modulus)?, number(&exponent)?, RSA_BITS).map_err(|_| weak())
}

const fn weak() -> Error {
    invalid("an RSA key that is not of 2,048 to 4,096 bits, in whole bytes, with an odd exponent of 65,537 to 2^32")
}

fn point<K, E>(jwk: &Value, size: usize, make: impl FnOnce(&[u8]) -> Result<K, E>) -> Result<K> {
    let (x, y) = (bytes(jwk, "x")?, bytes(jwk, "y")?);
    if x.len() != size || y.len() != size {
        return Err(not_a_key());
    }
    make(&[&[4], &x[..], &y[..]].concat()).map_err(|_| not_a_key())
}
