//! Signs any claims, well-formed or not.

use ciborium::Value as Cbor;
use ed25519_dalek::{Signer as _, SigningKey};
use sha2::{Digest as _, Sha256};

/// A CBOR map under construction, in the order it will be written.
#[derive(Clone, Debug, Default)]
pub struct Map(pub Vec<(Cbor, Cbor)>);

impl Map {
    /// A map with integer keys.
    pub fn of(entries: impl IntoIterator<Item = (i64, Cbor)>) -> Self {
        Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
    }

    /// Sets an entry: in its place if the key is there, otherwise where deterministic order puts it.
    pub fn set(&mut self, key: i64, value: impl Into<Cbor>) -> &mut Self {
        let key = Cbor::from(key);
        let value = value.into();
        match self.0.iter_mut().find(|entry| entry.0 == key) {
            Some(entry) => entry.1 = value,
            None => {
                let at = self.0.iter().position(|entry| bytes(&entry.0) > bytes(&key)).unwrap_or(self.0.len());
                self.0.insert(at, (key, value));
            }
        }
        self
    }

    /// The map with one more entry.
    #[must_use]
    pub fn with(mut self, key: i64, value: impl Into<Cbor>) -> Self {
        self.set(key, value);
        self
    }

    /// Drops an entry.
    pub fn remove(&mut self, key: i64) -> &mut Self {
        self.0.retain(|entry| entry.0 != Cbor::from(key));
        self
    }

    /// The entry of a key.
    pub fn entry(&self, key: i64) -> &Cbor {
        &self.0.iter().find(|entry| entry.0 == Cbor::from(key)).expect("the key is there").1
    }
}

impl From<Map> for Cbor {
    fn from(map: Map) -> Self {
        Cbor::Map(map.0)
    }
}

/// The encoding of a value, in the order it is given.
pub fn bytes(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).expect("writing to memory");
    out
}

/// A signing key by its number: its seed is that byte, 32 times.
pub fn key(number: u8) -> SigningKey {
    SigningKey::from_bytes(&[number; 32])
}

/// The public key by number.
pub fn public(number: u8) -> [u8; 32] {
    key(number).verifying_key().to_bytes()
}

/// A COSE_Key in a `cnf` claim.
pub fn cnf(public: &[u8]) -> Cbor {
    let cose_key = Map::of([(1, 1.into()), (-1, 6.into()), (-2, Cbor::Bytes(public.to_vec()))]);
    Map::of([(1, cose_key.into())]).into()
}

/// The protected header of a kind.
pub fn header(kind: &str) -> Vec<u8> {
    bytes(&Map::of([(1, (-19).into()), (16, format!("application/deputize-{kind}+cwt").into())]).into())
}

/// RFC 9052 section 4.4.
pub fn sig_structure(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    bytes(&Cbor::Array(vec!["Signature1".into(), Cbor::Bytes(protected.to_vec()), Cbor::Bytes(vec![]), Cbor::Bytes(payload.to_vec())]))
}

/// SHA-256 of the Sig_structure.
pub fn hash(protected: &[u8], payload: &[u8]) -> [u8; 32] {
    Sha256::digest(sig_structure(protected, payload)).into()
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A signed object with any protected header and any payload.
pub fn seal(signer: &SigningKey, protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let signature = signer.sign(&sig_structure(protected, payload)).to_bytes();
    envelope(protected, Cbor::Map(vec![]), Cbor::Bytes(payload.to_vec()), &signature)
}

/// An envelope of any parts.
pub fn envelope(protected: &[u8], unprotected: Cbor, payload: Cbor, signature: &[u8]) -> Vec<u8> {
    let parts = vec![Cbor::Bytes(protected.to_vec()), unprotected, payload, Cbor::Bytes(signature.to_vec())];
    bytes(&Cbor::Tag(18, Box::new(Cbor::Array(parts))))
}

/// A presentation of these tokens and this proof.
pub fn presentation(tokens: &[Vec<u8>], proof: &[u8]) -> Vec<u8> {
    let chain = tokens.iter().map(|token| Cbor::Bytes(token.clone())).collect();
    bytes(&Cbor::Array(vec![Cbor::Array(chain), Cbor::Bytes(proof.to_vec())]))
}
