//! Private keys, and the trait behind which they may live elsewhere.

use std::fmt;

use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use rand_core::TryCryptoRng;
use sha2::Sha512;
use zeroize::Zeroizing;

use super::{Reason, Seed, Signature, VerifyingKey, encoding, invalid, leaving_nothing};
use crate::{Code, Error, Result};

/// Something that signs with one Ed25519 key: a [`SigningKey`], or a service or device that holds the key.
pub trait Signer {
    /// The public key that the signatures are of. It stays the same.
    fn verifying_key(&self) -> &VerifyingKey;

    /// Signs a message with Ed25519 (RFC 8032 section 5.1.6; not prehashed, without a context).
    ///
    /// # Errors
    /// [`Code::SigningFailed`].
    fn sign(&self, message: &[u8]) -> Result<Signature>;
}

const ZEROS: Reason = "the seed is all zeros";

/// An Ed25519 private key (RFC 8032). It cannot be cloned, shown or serialised by accident, and is wiped from memory when dropped.
pub struct SigningKey {
    seed: Seed,
    public: VerifyingKey,
}

impl SigningKey {
    /// The key of this seed, the 32 bytes that RFC 8032 section 5.1.5 calls the private key.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`] if all bytes are zero.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self> {
        Self::read_seed(seed).map_err(invalid)
    }

    /// The key of this seed, of a length that is not known yet.
    ///
    /// # Errors
    /// As for [`SigningKey::from_seed`], and for any other length than 32.
    pub fn try_from_seed_slice(seed: &[u8]) -> Result<Self> {
        let seed = seed.try_into().map_err(|_| invalid("a seed has 32 bytes"))?;
        Self::from_seed(seed)
    }

    fn read_seed(seed: &[u8; 32]) -> Result<Self, Reason> {
        let mut own = Seed::default();
        own.copy_from_slice(seed);
        Self::new(own).ok_or(ZEROS)
    }

    fn new(seed: Seed) -> Option<Self> {
        if seed.iter().fold(0, |all, byte| all | byte) == 0 {
            return None;
        }
        let public = leaving_nothing(|| VerifyingKey::of(&ExpandedSecretKey::from(&**seed)));
        Some(SigningKey { seed, public })
    }

    /// A new key, from a generator that the caller vouches for.
    ///
    /// # Errors
    /// [`Code::RandomnessUnavailable`] if the generator fails or gives zeros only.
    pub fn generate<R: TryCryptoRng + ?Sized>(rng: &mut R) -> Result<Self> {
        let mut seed = Seed::default();
        rng.try_fill_bytes(&mut seed[..]).map_err(|_| Error::about(Code::RandomnessUnavailable, "the generator failed"))?;
        Self::new(seed).ok_or(Error::about(Code::RandomnessUnavailable, "the generator gave zeros only"))
    }

    /// The seed of the key. Whoever has it can sign as this key.
    #[must_use]
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        (*self.seed).clone()
    }

    /// The key in one unencrypted PEM block `PRIVATE KEY` (PKCS#8, RFC 8410 section 7) of at most 4 KiB, with nothing around it:
    /// version 0 without a public key, or version 1 with the matching one. Attributes are refused.
    ///
    /// # Errors
    /// [`Code::KeyInvalid`].
    pub fn from_pem(text: &str) -> Result<Self> {
        Self::read_pem(text).map_err(invalid)
    }

    pub(crate) fn read_pem(text: &str) -> Result<Self, Reason> {
        let private = encoding::read_private_pem(text)?;
        Self::matching(private.d, private.x.as_ref(), "the public key in the PEM block is not that of the private key")
    }

    /// The key as a PEM block `PRIVATE KEY`, byte for byte as `openssl genpkey -algorithm ed25519` writes it (PKCS#8 version 0,
    /// RFC 8410 section 7).
    #[must_use]
    pub fn to_pem(&self) -> Zeroizing<String> {
        encoding::private_pem(&self.seed)
    }

    /// The key in a private JWK (RFC 8037 section 2) of at most 4 KiB. Members that are not known are ignored (RFC 7517 section 4).
    ///
    /// # Errors
    /// [`Code::KeyInvalid`]; also for a public JWK, one whose `x` does not match, a member that occurs twice, and a backslash anywhere:
    /// no member of a key needs an escape, and undoing one would leave a copy in memory.
    pub fn from_jwk(text: &str) -> Result<Self> {
        Self::read_jwk(text).map_err(invalid)
    }

    fn read_jwk(text: &str) -> Result<Self, Reason> {
        if text.contains('\\') {
            return Err("the JWK has an escape");
        }
        let jwk = encoding::read_jwk(text)?;
        let d = jwk.d.ok_or("the JWK has no `d`, so it is of a public key")?;
        Self::matching(d, Some(&jwk.x), "`x` is not the public key of `d`")
    }

    /// The key as a JWK with `d` (RFC 8037 section 2).
    #[must_use]
    pub fn to_jwk(&self) -> Zeroizing<String> {
        encoding::private_jwk(&self.seed, self.public.as_bytes())
    }

    fn matching(seed: Seed, public: Option<&[u8; 32]>, otherwise: Reason) -> Result<Self, Reason> {
        let key = Self::new(seed).ok_or(ZEROS)?;
        if public.is_some_and(|public| public != key.public.as_bytes()) { Err(otherwise) } else { Ok(key) }
    }

    /// The public key.
    #[must_use]
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }
}

impl Signer for SigningKey {
    fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Signature> {
        // `raw_sign` with the expansion of the seed and its own public key is RFC 8032 section 5.1.6; both come from `new` alone.
        leaving_nothing(|| {
            let secret = ExpandedSecretKey::from(&**self.seed);
            Ok(raw_sign::<Sha512>(&secret, message, self.public.inner()).to_bytes())
        })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.public)
    }
}
