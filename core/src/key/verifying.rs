//! Public keys, and the one rule by which signatures are accepted.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use ed25519_dalek::Verifier as _;

use super::{Reason, encoding, invalid};
use crate::{Code, Error, Result};

/// The canonical encodings of the eight points of small order. Other encodings of them need no place here: `R` is compared with the
/// encoding of a computed point, which is canonical.
const SMALL_ORDER: [[u8; 32]; 8] = {
    const fn with_ends(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }
    const fn with_sign(mut bytes: [u8; 32]) -> [u8; 32] {
        bytes[31] |= 0x80;
        bytes
    }
    const EIGHT_A: [u8; 32] = [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6,
        0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ];
    const EIGHT_B: [u8; 32] = [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39,
        0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ];
    [
        with_ends(1, 0, 0),          // order 1
        with_ends(0xec, 0xff, 0x7f), // order 2
        with_ends(0, 0, 0),          // order 4
        with_ends(0, 0, 0x80),
        EIGHT_A, // order 8
        with_sign(EIGHT_A),
        EIGHT_B,
        with_sign(EIGHT_B),
    ]
};

/// An Ed25519 public key (RFC 8032): 32 bytes that are the canonical encoding of a point which is not of small order.
///
/// Equality, order and hash are those of the 32 bytes.
#[derive(Clone)]
pub struct VerifyingKey {
    key: ed25519_dalek::VerifyingKey,
}

impl VerifyingKey {
    /// The key with this encoding (RFC 8032 section 5.1.5).
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] if the encoding is not canonical, does not decode, or decodes to a point of small order.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self> {
        Self::decode(bytes).map_err(invalid)
    }

    /// The key with this encoding, of a length that is not known yet.
    ///
    /// # Errors
    /// As for [`VerifyingKey::from_bytes`], and for any other length than 32.
    pub fn try_from_slice(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| invalid("a public key has 32 bytes"))?;
        Self::from_bytes(bytes)
    }

    fn decode(bytes: &[u8; 32]) -> Result<Self, Reason> {
        if !is_canonical(bytes) {
            return Err("the encoding of the public key is not canonical");
        }
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| "the public key is not a point of the curve")?;
        if is_small_order(bytes) {
            return Err("the public key is a point of small order");
        }
        Ok(VerifyingKey { key })
    }

    pub(super) fn of(secret: &ed25519_dalek::hazmat::ExpandedSecretKey) -> Self {
        VerifyingKey { key: ed25519_dalek::VerifyingKey::from(secret) }
    }

    pub(super) fn inner(&self) -> &ed25519_dalek::VerifyingKey {
        &self.key
    }

    /// The 32 bytes of the key.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// The key as a `did:key:z…` identifier.
    #[must_use]
    pub fn did_key(&self) -> String {
        encoding::did_key(self.as_bytes())
    }

    /// The key in a `did:key:z…` identifier; without a fragment.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`].
    pub fn from_did_key(text: &str) -> Result<Self> {
        encoding::key_of_did(text).and_then(|bytes| Self::decode(&bytes)).map_err(invalid)
    }

    /// The key as a JWK (RFC 8037 section 2), in the canonical form that its thumbprint is taken of.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        encoding::public_jwk(self.as_bytes())
    }

    /// The key in a public JWK (RFC 8037 section 2) of at most 4 KiB. Members that are not known are ignored (RFC 7517 section 4).
    ///
    /// # Errors
    /// [`Code::KeyInvalid`]; also for a private JWK and for a member that occurs twice.
    pub fn from_jwk(text: &str) -> Result<Self> {
        Self::read_jwk(text).map_err(invalid)
    }

    fn read_jwk(text: &str) -> Result<Self, Reason> {
        let jwk = encoding::read_jwk(text)?;
        if jwk.d.is_some() {
            return Err("the JWK is of a private key where a public one is expected");
        }
        Self::decode(&jwk.x)
    }

    /// The key as a PEM block `PUBLIC KEY`: a SubjectPublicKeyInfo (RFC 8410 section 4).
    #[must_use]
    pub fn to_pem(&self) -> String {
        encoding::public_pem(self.as_bytes())
    }

    /// The key in one PEM block `PUBLIC KEY` (RFC 7468, RFC 8410 section 4) of at most 4 KiB, with nothing around it.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`].
    pub fn from_pem(text: &str) -> Result<Self> {
        encoding::read_public_pem(text).and_then(|bytes| Self::decode(&bytes)).map_err(invalid)
    }

    /// The JWK thumbprint (RFC 7638, RFC 8037 appendix A.3): base64url of a SHA-256.
    #[must_use]
    pub fn thumbprint(&self) -> String {
        encoding::thumbprint(self.as_bytes())
    }

    /// Whether this signature over this message is of this key: `S < L`, `R` is canonical and not of small order, and the cofactorless
    /// equation holds (RFC 8032 section 5.1.7; docs/spec/encoding.md, "Keys").
    ///
    /// # Errors
    /// [`Code::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<()> {
        let small_order = SMALL_ORDER.iter().any(|r| signature.starts_with(r));
        if small_order || self.key.verify(message, &ed25519_dalek::Signature::from_bytes(signature)).is_err() {
            return Err(Error::new(Code::SignatureInvalid));
        }
        Ok(())
    }
}

/// Whether a canonical encoding is of a point of small order: the table has all their y, and no other point shares one.
fn is_small_order(bytes: &[u8; 32]) -> bool {
    let mut y = *bytes;
    y[31] &= 0x7f;
    SMALL_ORDER.contains(&y)
}

/// Whether y, which is the encoding without its sign bit, is below p = 2^255 − 19.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    *first < 0xed || last & 0x7f != 0x7f || middle.iter().any(|&byte| byte != 0xff)
}

impl PartialEq for VerifyingKey {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for VerifyingKey {}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for VerifyingKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.did_key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_exactly_the_points_of_small_order() {
        let weak = |bytes: &[u8; 32]| ed25519_dalek::VerifyingKey::from_bytes(bytes).is_ok_and(|key| key.is_weak());
        assert!(SMALL_ORDER.iter().all(|bytes| weak(bytes) && is_canonical(bytes)));
        assert_eq!(SMALL_ORDER.iter().collect::<std::collections::BTreeSet<_>>().len(), 8);
    }

    #[test]
    fn a_key_is_of_small_order_by_the_table_exactly_if_it_is_by_computation() {
        let mut refused = 0;
        for table in SMALL_ORDER {
            for (at, bit) in (0..32).flat_map(|at| (0..8).map(move |bit| (at, bit))) {
                let mut bytes = table;
                bytes[at] ^= 1 << bit;
                if let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(&bytes)
                    && is_canonical(&bytes)
                {
                    assert_eq!(is_small_order(&bytes), key.is_weak(), "{bytes:x?}");
                    refused += usize::from(key.is_weak());
                }
            }
            assert!(is_small_order(&table));
        }
        assert!(refused >= 8, "{refused}");
    }

    #[test]
    fn canonical_ends_below_p() {
        let mut bytes = [0xff; 32];
        for (first, last, canonical) in
            [(0xec, 0x7f, true), (0xed, 0x7f, false), (0xff, 0xff, false), (0xec, 0xff, true), (0xff, 0x7e, true)]
        {
            (bytes[0], bytes[31]) = (first, last);
            assert_eq!(is_canonical(&bytes), canonical, "{first:x} {last:x}");
        }
        bytes[31] = 0x7f;
        bytes[17] = 0xfe;
        assert!(is_canonical(&bytes));
    }
}
