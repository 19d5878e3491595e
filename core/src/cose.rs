//! The envelope: COSE_Sign1 (RFC 9052) with one fixed protected header for each kind of object.

use crate::cbor::{Decoder, Encoder, Type};
use crate::id::{Digest, sha256};
use crate::key::{Signer, VerifyingKey};
use crate::{Code, Error, Result};

macro_rules! kinds {
    ($( $(#[$doc:meta])* $kind:ident = $content_type:literal, $protected:literal; )+) => {
        /// What an object is. A kind never verifies as another, because its name is in the signed header.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ObjectKind {
            $( $(#[$doc])* $kind, )+
        }

        impl ObjectKind {
            #[cfg(test)]
            const ALL: &[ObjectKind] = &[ $( ObjectKind::$kind, )+ ];

            const fn content_type(self) -> &'static str {
                match self { $( ObjectKind::$kind => $content_type, )+ }
            }

            /// `{1: -19, 16: content type}`.
            pub(crate) const fn protected(self) -> &'static [u8] {
                match self { $( ObjectKind::$kind => $protected, )+ }
            }
        }
    };
}

kinds! {
    /// A token of a chain.
    Token = "application/deputize-cap+cwt", b"\xa2\x01\x32\x10\x78\x1capplication/deputize-cap+cwt";
    /// A proof of possession.
    Proof = "application/deputize-pop+cwt", b"\xa2\x01\x32\x10\x78\x1capplication/deputize-pop+cwt";
    /// An approver's word on one request.
    Approval = "application/deputize-approval+cwt", b"\xa2\x01\x32\x10\x78\x21application/deputize-approval+cwt";
    /// The head of a revocation list.
    Revocation = "application/deputize-revocation+cwt", b"\xa2\x01\x32\x10\x78\x23application/deputize-revocation+cwt";
    /// An identity document.
    Identity = "application/deputize-identity+cwt", b"\xa2\x01\x32\x10\x78\x21application/deputize-identity+cwt";
    /// One half of a rotation.
    Rotation = "application/deputize-rotation+cwt", b"\xa2\x01\x32\x10\x78\x21application/deputize-rotation+cwt";
    /// A message between agents.
    Message = "application/deputize-message+cwt", b"\xa2\x01\x32\x10\x78\x20application/deputize-message+cwt";
    /// A principal's consent to be impersonated.
    Consent = "application/deputize-consent+cwt", b"\xa2\x01\x32\x10\x78\x20application/deputize-consent+cwt";
    /// A request for an identity, or the word of whoever started the agent.
    Attestation = "application/deputize-attestation+cwt", b"\xa2\x01\x32\x10\x78\x24application/deputize-attestation+cwt";
}

const SIGN1: u64 = 18;
const ALGORITHM: i64 = 1;
const CONTENT_TYPE: i64 = 16;
const ED25519: i64 = -19;

/// An envelope of the right shape, whose signature is not checked yet.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Envelope<'a> {
    kind: ObjectKind,
    payload: &'a [u8],
    signature: &'a [u8; 64],
}

impl<'a> Envelope<'a> {
    /// Reads the shape of an object of this kind.
    pub(crate) fn read(bytes: &'a [u8], kind: ObjectKind) -> Result<Self> {
        let mut decoder = Decoder::new(bytes);
        if decoder.tag()? != SIGN1 || decoder.array()? != 4 {
            return Err(Error::about(Code::Malformed, "not a tagged COSE_Sign1"));
        }
        let protected = decoder.bytes()?;
        if protected != kind.protected() {
            return Err(why_refused(protected, kind));
        }
        if decoder.map()? != 0 {
            return Err(Error::about(Code::HeaderInvalid, "an unprotected header"));
        }
        let payload = decoder.bytes()?;
        if payload.is_empty() {
            return Err(Error::about(Code::Malformed, "an empty payload"));
        }
        let signature = decoder.bytes()?.try_into().map_err(|_| Error::about(Code::Malformed, "a signature that is not 64 bytes"))?;
        decoder.finish()?;
        Ok(Envelope { kind, payload, signature })
    }

    /// Reads the shape of an object that is of one of these kinds; `kind-mismatch` where it is of none.
    pub(crate) fn read_one_of(bytes: &'a [u8], kinds: &[ObjectKind]) -> Result<Self> {
        let mut refused = Error::new(Code::KindMismatch);
        for kind in kinds {
            match Envelope::read(bytes, *kind) {
                Err(error) if error.code() == Code::KindMismatch => refused = error,
                answer => return answer,
            }
        }
        Err(refused)
    }

    /// What it is.
    pub(crate) const fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// The payload, unverified.
    pub(crate) const fn unverified_payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Checks the signature, once, and gives the payload.
    pub(crate) fn open(&self, key: &VerifyingKey) -> Result<&'a [u8]> {
        self.verify(key).map(|_| self.payload)
    }

    /// The same, with the hash.
    pub(crate) fn open_and_hash(&self, key: &VerifyingKey) -> Result<(&'a [u8], Digest)> {
        self.verify(key).map(|message| (self.payload, sha256(&message)))
    }

    fn verify(&self, key: &VerifyingKey) -> Result<Vec<u8>> {
        let message = sig_structure(self.kind, self.payload);
        key.verify(&message, self.signature)?;
        Ok(message)
    }

    /// The hash without checking the signature: for one's own token, when delegating from it or proving with it.
    pub(crate) fn unverified_hash(&self) -> Digest {
        sha256(&sig_structure(self.kind, self.payload))
    }
}

/// Signs a payload.
pub(crate) fn seal(kind: ObjectKind, payload: &[u8], signer: &dyn Signer) -> Result<Vec<u8>> {
    let signature = signer.sign(&sig_structure(kind, payload))?;
    let mut out = Encoder::with_capacity(payload.len() + 112);
    out.tag(SIGN1).array(4).bytes(kind.protected()).map(0).bytes(payload).bytes(&signature);
    Ok(out.into_bytes())
}

/// RFC 9052 section 4.4.
fn sig_structure(kind: ObjectKind, payload: &[u8]) -> Vec<u8> {
    let mut out = Encoder::with_capacity(payload.len() + 64);
    out.array(4).text("Signature1").bytes(kind.protected()).bytes(&[]).bytes(payload);
    out.into_bytes()
}

/// The reason for refusing a protected header that is not the fixed one (specification, encoding.md, "Envelope").
fn why_refused(protected: &[u8], kind: ObjectKind) -> Error {
    match read_header(protected) {
        Err(error) => error,
        Ok((algorithm, _)) if algorithm != Some(ED25519) => Code::AlgorithmUnsupported.into(),
        Ok((_, content_type)) if content_type != Some(kind.content_type()) => Code::KindMismatch.into(),
        Ok(_) => Error::about(Code::HeaderInvalid, "a protected header that is not known"),
    }
}

type Header<'a> = (Option<i64>, Option<&'a str>);

fn read_header(protected: &[u8]) -> Result<Header<'_>> {
    if protected.is_empty() {
        return Ok((None, None));
    }
    let mut decoder = Decoder::new(protected);
    let (mut algorithm, mut content_type) = (None, None);
    let mut previous = None;
    for _ in 0..decoder.map()? {
        match (decoder.integer_key(&mut previous)?, decoder.peek()?) {
            (ALGORITHM, Type::Unsigned | Type::Negative) => algorithm = Some(decoder.integer()?),
            (CONTENT_TYPE, Type::Text) => content_type = Some(decoder.text()?),
            _ => read_header_value(&mut decoder, true)?,
        }
    }
    decoder.finish()?;
    Ok((algorithm, content_type))
}

/// Integers, text, byte strings, or an array of those.
fn read_header_value(decoder: &mut Decoder<'_>, arrays: bool) -> Result<()> {
    match decoder.peek()? {
        Type::Unsigned | Type::Negative => decoder.integer().map(drop),
        Type::Text => decoder.text().map(drop),
        Type::Bytes => decoder.bytes().map(drop),
        Type::Array if arrays => (0..decoder.array()?).try_for_each(|_| read_header_value(decoder, false)),
        _ => Err(Code::Malformed.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixed_headers_are_the_encoding_of_algorithm_and_type() {
        for kind in ObjectKind::ALL {
            let mut out = Encoder::new();
            out.map(2).integer(ALGORITHM).integer(ED25519).integer(CONTENT_TYPE).text(kind.content_type());
            assert_eq!(out.into_bytes(), kind.protected());
        }
    }
}
