//! Text forms of keys: did:key, JWK and PEM. Whatever touches a private key takes no branch on it and leaves no copy of it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Reason, Seed};

/// The longest JWK or PEM text that is read, in bytes.
pub(crate) const MAX_TEXT: usize = 4096;

/// A private key as it was read: nothing checked yet, except its form.
pub(super) struct Private {
    pub(super) d: Seed,
    pub(super) x: Option<[u8; 32]>,
}

// did:key: multibase `z` (base58btc), multicodec 0xed (ed25519-pub) as a varint.

const DID_PREFIX: &str = "did:key:z";
const MULTICODEC: [u8; 2] = [0xed, 0x01];
/// Every Ed25519 key takes 47 digits after the prefix: 58^46 < 0xed01 · 2^256 and 0xed02 · 2^256 < 58^47.
const DID_LENGTH: usize = DID_PREFIX.len() + 47;

pub(super) fn did_key(x: &[u8; 32]) -> String {
    let mut bytes = [0; 34];
    bytes[..2].copy_from_slice(&MULTICODEC);
    bytes[2..].copy_from_slice(x);
    let mut text = String::with_capacity(DID_LENGTH);
    text.push_str(DID_PREFIX);
    text.extend(base58(&bytes).iter().skip_while(|digit| **digit == 0).map(|digit| char::from(BASE58[usize::from(*digit)])));
    text
}

const BASE58: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The digits of a number in base 58, with leading zeros. Five digits and four bytes at a time: an audit record has a key for each hop, and digit by
/// digit, as `bs58` works, each takes ten times as long.
fn base58(number: &[u8; 34]) -> [u8; 50] {
    const FIVE_DIGITS: u64 = 58u64.pow(5);
    let mut bytes = [0; 36];
    bytes[2..].copy_from_slice(number);
    let mut limbs = [0; 10];
    for word in bytes.as_chunks().0 {
        let mut carry = u64::from(u32::from_be_bytes(*word));
        for limb in limbs.iter_mut().rev() {
            carry += *limb << 32;
            *limb = carry % FIVE_DIGITS;
            carry /= FIVE_DIGITS;
        }
    }
    let mut digits = [0; 50];
    for (five, limb) in digits.as_chunks_mut::<5>().0.iter_mut().zip(limbs) {
        let mut rest = limb;
        for digit in five.iter_mut().rev() {
            *digit = (rest % 58) as u8;
            rest /= 58;
        }
    }
    digits
}

pub(super) fn key_of_did(text: &str) -> Result<[u8; 32], Reason> {
    const REASON: Reason = "not a did:key of an Ed25519 key";
    let digits = text.strip_prefix(DID_PREFIX).filter(|_| text.len() == DID_LENGTH).ok_or(REASON)?;
    let mut bytes = [0; 34];
    let length = bs58::decode(digits).onto(&mut bytes[..]).map_err(|_| REASON)?;
    match bytes.strip_prefix(&MULTICODEC).and_then(|x| x.try_into().ok()) {
        Some(x) if length == bytes.len() => Ok(x),
        _ => Err(REASON),
    }
}

// JWK (RFC 7517, RFC 8037).

pub(super) fn public_jwk(x: &[u8; 32]) -> String {
    format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, Base64UrlUnpadded::encode_string(x))
}

pub(super) fn thumbprint(x: &[u8; 32]) -> String {
    Base64UrlUnpadded::encode_string(&Sha256::digest(public_jwk(x)))
}

pub(super) fn private_jwk(d: &[u8; 32], x: &[u8; 32]) -> Zeroizing<String> {
    let d = Zeroizing::new(Base64UrlUnpadded::encode_string(d));
    secret_text(&[r#"{"crv":"Ed25519","d":""#, &d, r#"","kty":"OKP","x":""#, &Base64UrlUnpadded::encode_string(x), r#""}"#])
}

/// What a JWK says about an Ed25519 key.
pub(super) struct Jwk {
    pub(super) x: [u8; 32],
    pub(super) d: Option<Seed>,
}

pub(super) fn read_jwk(text: &str) -> Result<Jwk, Reason> {
    if text.len() > MAX_TEXT {
        return Err("the JWK is longer than 4 KiB");
    }
    let members: Members<'_> = serde_json::from_str(text)
        .map_err(|_| "not a JWK: not one JSON object, or a member of the wrong type, or one that occurs twice")?;
    if members.kty.as_deref() != Some("OKP") || members.crv.as_deref() != Some("Ed25519") {
        return Err("the JWK is not of an Ed25519 key: `kty` must be OKP and `crv` Ed25519");
    }
    if !matches!(members.alg.as_deref(), None | Some("EdDSA" | "Ed25519")) || !matches!(members.usage.as_deref(), None | Some("sig")) {
        return Err("the JWK is not for Ed25519 signatures, by its `alg` or `use`");
    }
    let mut x = [0; 32];
    decode_exactly(members.x.as_deref(), &mut x).ok_or("`x` is not 32 bytes in unpadded base64url")?;
    let d = match members.d.as_deref() {
        None => None,
        text => {
            let mut d = Seed::default();
            decode_exactly(text, &mut d).ok_or("`d` is not 32 bytes in unpadded base64url")?;
            Some(d)
        }
    };
    Ok(Jwk { x, d })
}

fn decode_exactly(text: Option<&str>, bytes: &mut [u8; 32]) -> Option<()> {
    let length = Base64UrlUnpadded::decode(text?, &mut bytes[..]).ok()?.len();
    (length == bytes.len()).then_some(())
}

/// The members of a JWK that matter, borrowed from its text.
#[derive(Default)]
struct Members<'a> {
    kty: Option<Cow<'a, str>>,
    crv: Option<Cow<'a, str>>,
    alg: Option<Cow<'a, str>>,
    usage: Option<Cow<'a, str>>,
    x: Option<Cow<'a, str>>,
    d: Option<Cow<'a, str>>,
}

#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Members::default();
        let mut seen = BTreeSet::new();
        while let Some(name) = map.next_key::<Text<'de>>()? {
            let place = match &*name.0 {
                "kty" => Some(&mut members.kty),
                "crv" => Some(&mut members.crv),
                "alg" => Some(&mut members.alg),
                "use" => Some(&mut members.usage),
                "x" => Some(&mut members.x),
                "d" => Some(&mut members.d),
                _ => None,
            };
            match place {
                Some(place) => *place = Some(map.next_value::<Text<'de>>()?.0),
                None => drop(map.next_value::<IgnoredAny>()?),
            }
            if !seen.insert(name) {
                return Err(A::Error::custom("a member occurs twice"));
            }
        }
        Ok(members)
    }
}

// PEM (RFC 7468) around the DER that RFC 8410 fixes for Ed25519: the lengths never vary, so a form is a prefix.

const PUBLIC_LABEL: &str = "PUBLIC KEY";
const PRIVATE_LABEL: &str = "PRIVATE KEY";

/// SubjectPublicKeyInfo: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }.
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// PKCS#8 version 0: SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING of 32 bytes } }.
const PKCS8_V0: [u8; 16] = [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// PKCS#8 version 1 (RFC 5958): the same with INTEGER 1, and after the seed
const PKCS8_V1: [u8; 16] = [0x30, 0x51, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
/// the public key: [1] IMPLICIT BIT STRING of 32 bytes.
const PKCS8_V1_PUBLIC: [u8; 3] = [0x81, 0x21, 0x00];

pub(super) fn public_pem(x: &[u8; 32]) -> String {
    let mut der = [0; SPKI.len() + 32];
    der[..SPKI.len()].copy_from_slice(&SPKI);
    der[SPKI.len()..].copy_from_slice(x);
    format!("-----BEGIN {PUBLIC_LABEL}-----\n{}\n-----END {PUBLIC_LABEL}-----\n", Base64::encode_string(&der))
}

pub(super) fn read_public_pem(text: &str) -> Result<[u8; 32], Reason> {
    let mut buffer = Zeroizing::new([0; MAX_TEXT]);
    let der = read_pem(text, PUBLIC_LABEL, &mut buffer)?;
    der.strip_prefix(&SPKI).and_then(|x| x.try_into().ok()).ok_or("the PEM block is not of an Ed25519 public key")
}

pub(super) fn private_pem(d: &[u8; 32]) -> Zeroizing<String> {
    let mut der = Zeroizing::new([0; PKCS8_V0.len() + 32]);
    der[..PKCS8_V0.len()].copy_from_slice(&PKCS8_V0);
    der[PKCS8_V0.len()..].copy_from_slice(d);
    // 48 bytes are 64 digits: exactly the one line that RFC 7468 allows.
    let digits = Zeroizing::new(Base64::encode_string(&der[..]));
    secret_text(&["-----BEGIN PRIVATE KEY-----\n", &digits, "\n-----END PRIVATE KEY-----\n"])
}

pub(super) fn read_private_pem(text: &str) -> Result<Private, Reason> {
    let mut buffer = Zeroizing::new([0; MAX_TEXT]);
    let der = read_pem(text, PRIVATE_LABEL, &mut buffer)?;
    split_pkcs8(der).ok_or("the PEM block is not of an Ed25519 private key in PKCS#8 (RFC 8410)")
}

fn split_pkcs8(der: &[u8]) -> Option<Private> {
    let mut d = Seed::default();
    let x = if let Some(seed) = der.strip_prefix(&PKCS8_V0) {
        d.copy_from_slice(<&[u8; 32]>::try_from(seed).ok()?);
        None
    } else {
        let (seed, rest) = der.strip_prefix(&PKCS8_V1)?.split_first_chunk::<32>()?;
        d.copy_from_slice(seed);
        Some(rest.strip_prefix(&PKCS8_V1_PUBLIC)?.try_into().ok()?)
    };
    Some(Private { d, x })
}

fn read_pem<'b>(text: &str, label: &str, buffer: &'b mut [u8; MAX_TEXT]) -> Result<&'b [u8], Reason> {
    if text.len() > MAX_TEXT {
        return Err("the PEM text is longer than 4 KiB");
    }
    // RFC 7468 allows text before the block; a key has no use for it.
    if !text.starts_with("-----BEGIN ") {
        return Err("the text does not begin with a PEM block");
    }
    match pem_rfc7468::decode_label(text.as_bytes()) {
        Ok("ENCRYPTED PRIVATE KEY") => return Err("the PEM block is encrypted"),
        Ok(found) if found != label => return Err("the PEM block has another label"),
        _ => {}
    }
    let (_, der) = pem_rfc7468::decode(text.as_bytes(), buffer).map_err(|_| "not exactly one well-formed PEM block")?;
    Ok(der)
}

/// The parts as one text, in one allocation that is wiped.
fn secret_text(parts: &[&str]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| text.push_str(part));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_of_bs58() {
        let mut generator = 1u64;
        let mut random = || {
            generator = generator.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            (generator >> 56) as u8
        };
        let keys = [[0; 32], [0xff; 32], [0x80; 32]].into_iter().chain((0..2000).map(|_| std::array::from_fn(|_| random())));
        for key in keys {
            let mut bytes = MULTICODEC.to_vec();
            bytes.extend(key);
            let text = did_key(&key);
            assert_eq!(text, format!("{DID_PREFIX}{}", bs58::encode(bytes).into_string()));
            assert_eq!((text.len(), key_of_did(&text)), (DID_LENGTH, Ok(key)));
        }
    }
}
