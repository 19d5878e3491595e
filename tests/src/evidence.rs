//! What comes beside a proof, or to a verifier by itself: approvals, consents, identities, messages, revocation lists and rotations, signed with any claims.

use ciborium::Value as Cbor;

use crate::forge::{Map, bytes, cnf, header, key, public, seal, sha256};
use crate::scenarios::{AUDIENCE, NOW, texts};

/// The key of the identity authority `registry`.
pub const REGISTRY: u8 = 20;
/// The key of ben, a principal.
pub const BEN: u8 = 30;
/// The key of the revocation authority for ana's chains.
pub const LISTS: u8 = 40;
/// The key of the revocation authority `security`, for every issuer.
pub const SECURITY: u8 = 41;

/// An object under construction: its claims, the map under its own label, and who signs it.
#[derive(Clone, Debug)]
pub struct Object {
    kind: &'static str,
    label: i64,
    claims: Map,
    own: Map,
    signer: u8,
}

impl Object {
    /// The object with other claims.
    #[must_use]
    pub fn with(mut self, edit: fn(&mut Map)) -> Self {
        edit(&mut self.claims);
        self
    }

    /// The object with another map under its label.
    #[must_use]
    pub fn saying(mut self, edit: fn(&mut Map)) -> Self {
        edit(&mut self.own);
        self
    }

    /// The object, signed by another key.
    #[must_use]
    pub fn signed_by(mut self, signer: u8) -> Self {
        self.signer = signer;
        self
    }

    /// The object with other claims and another map.
    #[must_use]
    pub fn edited(&self, edit: impl FnOnce(&mut Map, &mut Map)) -> Self {
        let mut object = self.clone();
        edit(&mut object.claims, &mut object.own);
        object
    }

    /// The object without the map of its kind.
    #[must_use]
    pub fn without_its_own(&self) -> Self {
        Object { own: Map::default(), ..self.clone() }
    }

    /// The labels of its claims, without that of its own map.
    #[must_use]
    pub fn labels(&self) -> Vec<i64> {
        integers(&self.claims)
    }

    /// The keys of its own map.
    #[must_use]
    pub fn keys(&self) -> Vec<i64> {
        integers(&self.own)
    }

    /// A value of its own map.
    #[must_use]
    pub fn own_entry(&self, key: i64) -> Cbor {
        self.own.entry(key).clone()
    }

    /// The payload.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let mut claims = self.claims.clone();
        if !self.own.0.is_empty() {
            claims.set(self.label, self.own.clone());
        }
        bytes(&claims.into())
    }

    /// The signed bytes.
    #[must_use]
    pub fn seal(&self) -> Vec<u8> {
        seal(&key(self.signer), &header(self.kind), &self.payload())
    }
}

fn integers(map: &Map) -> Vec<i64> {
    map.0.iter().filter_map(|(key, _)| key.as_integer().and_then(|key| i64::try_from(key).ok())).collect()
}

fn fixed(byte: u8, size: usize) -> Cbor {
    Cbor::Bytes(vec![byte; size])
}

/// An approver's yes to the story's call, with the leaf of this hash.
#[must_use]
pub fn approval(approver: u8, leaf: [u8; 32]) -> Object {
    let claims =
        [(3, AUDIENCE.into()), (4, (NOW + 300).into()), (6, NOW.into()), (7, fixed(0x40 + approver, 16)), (8, cnf(&public(approver)))];
    let arguments = Cbor::Map(vec![("repo".into(), "acme/app".into()), ("labels".into(), texts(&["bug"]))]);
    let own = [
        (0, Cbor::Bytes(leaf.to_vec())),
        (1, "github.update_pr".into()),
        (2, Cbor::Bytes(sha256(&bytes(&arguments)).to_vec())),
        (3, 1.into()),
        (4, fixed(0xa0, 16)),
        (8, 100.into()),
    ];
    Object { kind: "approval", label: -65_539, claims: Map::of(claims), own: Map::of(own), signer: approver }
}

/// Ben's consent to be impersonated by the coder, by a root of ana's.
#[must_use]
pub fn consent() -> Object {
    let claims =
        [(2, "ben".into()), (3, AUDIENCE.into()), (4, (NOW + 3600).into()), (6, NOW.into()), (7, fixed(0x50, 16)), (8, cnf(&public(3)))];
    Object { kind: "consent", label: -65_544, claims: Map::of(claims), own: Map::of([(0, 1.into()), (1, "ana".into())]), signer: BEN }
}

/// What the registry says of the holder of a key.
#[must_use]
pub fn identity(holder: u8, name: &str) -> Object {
    let claims = [
        (1, "registry".into()),
        (2, name.into()),
        (4, (NOW + 3600).into()),
        (6, NOW.into()),
        (7, fixed(0x60 + holder, 16)),
        (8, cnf(&public(holder))),
    ];
    let own = [(0, 1.into()), (1, 1.into()), (2, 1.into())];
    Object { kind: "identity", label: -65_541, claims: Map::of(claims), own: Map::of(own), signer: REGISTRY }
}

/// The planner's first message to the coder.
#[must_use]
pub fn message(payload: &[u8]) -> Object {
    let claims = [(3, "coder".into()), (4, (NOW + 60).into()), (6, NOW.into()), (7, fixed(0x70, 16)), (8, cnf(&public(2)))];
    let own = [(0, fixed(0xa0, 16)), (1, 0.into()), (2, Cbor::Bytes(sha256(payload).to_vec()))];
    Object { kind: "message", label: -65_543, claims: Map::of(claims), own: Map::of(own), signer: 2 }
}

/// The head of a full list of ana's authority.
#[must_use]
pub fn head(sequence: u64, parts: &[Vec<u8>]) -> Object {
    let claims = [(1, "ana".into()), (4, (NOW + 3600).into()), (6, (NOW - 60).into())];
    let digests = parts.iter().map(|part| Cbor::Bytes(sha256(part).to_vec())).collect();
    let own = [(0, 1.into()), (1, sequence.into()), (3, Cbor::Array(digests))];
    Object { kind: "revocation", label: -65_540, claims: Map::of(claims), own: Map::of(own), signer: LISTS }
}

/// The head of a change to the list before.
#[must_use]
pub fn change(sequence: u64, parts: &[Vec<u8>]) -> Object {
    let mut head = head(sequence, parts);
    head.own.set(2, sequence - 1);
    head
}

/// A part of a list: ids by section, in the order given.
#[must_use]
pub fn part(sections: &[(i64, &[&[u8]])]) -> Vec<u8> {
    bytes(&Map::of(sections.iter().map(|(section, ids)| (*section, Cbor::Bytes(ids.concat())))).into())
}

/// The bytes of a list: its head, then its parts as byte strings.
#[must_use]
pub fn list(head: &Object, parts: &[Vec<u8>]) -> Vec<u8> {
    let parts: Vec<u8> = parts.iter().flat_map(|part| bytes(&Cbor::Bytes(part.clone()))).collect();
    [head.seal(), parts].concat()
}

/// A full list that names these ids.
#[must_use]
pub fn listing(sequence: u64, sections: &[(i64, &[&[u8]])]) -> Vec<u8> {
    let parts = if sections.is_empty() { vec![] } else { vec![part(sections)] };
    list(&head(sequence, &parts), &parts)
}

/// That a key follows another, with an overlap in seconds, before both have signed it.
#[must_use]
pub fn succession(old: u8, new: u8, overlap: u64) -> Object {
    let claims = [(6, (NOW - 60).into()), (7, fixed(0x80, 16))];
    let keys = [old, new].map(|number| Cbor::Bytes(public(number).to_vec()));
    let [old_key, new_key] = keys;
    let own = [(0, 1.into()), (1, old_key), (2, new_key), (3, overlap.into())];
    Object { kind: "rotation", label: -65_542, claims: Map::of(claims), own: Map::of(own), signer: old }
}

/// A rotation, signed by these two.
#[must_use]
pub fn rotation(succession: &Object, signers: [u8; 2]) -> Vec<u8> {
    let signed = signers.map(|signer| Cbor::Bytes(succession.clone().signed_by(signer).seal()));
    bytes(&Cbor::Array(signed.to_vec()))
}
