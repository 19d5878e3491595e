//! Signed objects with any claims, also wrong ones.

#![allow(dead_code, reason = "each test file uses a part of it")]

use ciborium::Value as Cbor;
use deputize::{Signer, SigningKey};

/// An envelope of this kind around these claims, signed with this key.
pub fn sealed(kind: &str, claims: &Cbor, key: &SigningKey) -> Vec<u8> {
    let content_type = format!("application/deputize-{kind}+cwt");
    let protected = encoded(&map([(1, Cbor::from(-19)), (16, Cbor::from(content_type))]));
    let payload = encoded(claims);
    let structure = Cbor::Array(vec!["Signature1".into(), protected.clone().into(), Cbor::Bytes(Vec::new()), payload.clone().into()]);
    let signature = key.sign(&encoded(&structure)).unwrap();
    let parts = vec![protected.into(), Cbor::Map(Vec::new()), payload.into(), signature.to_vec().into()];
    encoded(&Cbor::Tag(18, Box::new(Cbor::Array(parts))))
}

/// The claims of an envelope.
pub fn claims_of(object: &[u8]) -> Cbor {
    let Cbor::Tag(18, parts) = ciborium::from_reader(object).unwrap() else { panic!("not an envelope") };
    let payload = parts.into_array().unwrap().remove(2).into_bytes().unwrap();
    ciborium::from_reader(&payload[..]).unwrap()
}

pub fn map<const N: usize>(entries: [(i64, Cbor); N]) -> Cbor {
    Cbor::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

/// The same map with another value for a key, or without it; in the order of its encoding.
pub fn changed(claims: &Cbor, key: i64, value: Option<Cbor>) -> Cbor {
    let mut entries = claims.clone().into_map().unwrap();
    entries.retain(|(found, _)| *found != Cbor::from(key));
    entries.extend(value.map(|value| (key.into(), value)));
    entries.sort_by_key(|(key, _)| encoded(key));
    Cbor::Map(entries)
}

/// The value of a key.
pub fn of(claims: &Cbor, key: i64) -> Cbor {
    claims.as_map().unwrap().iter().find(|(found, _)| *found == Cbor::from(key)).unwrap().1.clone()
}

pub fn encoded(value: &Cbor) -> Vec<u8> {
    let mut out = Vec::new();
    ciborium::into_writer(value, &mut out).unwrap();
    out
}
