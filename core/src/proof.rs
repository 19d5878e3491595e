//! Proof of possession: the holder of the leaf makes this call, here, now (specification, proof.md).

use std::borrow::Cow;

use rand_core::TryCryptoRng;

use crate::cbor::{Decoder, Encoder};
use crate::claims::{AUD, CTI, EXP, IAT, read_time, unverified_holder};
use crate::cose::{Envelope, ObjectKind, seal};
use crate::hint::ToolHint;
use crate::id::{Digest, TokenId, is_name};
use crate::issue::random;
use crate::key::Signer;
use crate::text::{bytes_from_text, text_from_bytes};
use crate::time::{Now, Timestamp};
use crate::token::{Tokens, UnverifiedChain};
use crate::value::Arguments;
use crate::{Code, Error, Result, limits};

const NONCE: i64 = 10;
const CALL: i64 = -65_538;

/// A call that is to be proven, or was received.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The tool.
    pub tool: &'a str,
    /// The raw arguments, before a schema adds defaults.
    pub arguments: &'a Arguments,
    /// The server's challenge, if it set one: 1 to 64 bytes.
    pub challenge: Option<&'a [u8]>,
    /// For a verifier: the partition that the call is about, if the server has partitions.
    pub context: Option<&'a str>,
    /// For a verifier: what the tool does, as its own server says.
    pub hint: ToolHint,
}

impl<'a> Call<'a> {
    /// A call without challenge and context.
    #[must_use]
    pub const fn new(tool: &'a str, arguments: &'a Arguments) -> Self {
        Call { tool, arguments, challenge: None, context: None, hint: ToolHint::Unknown }
    }

    /// The same call, with the server's challenge.
    #[must_use]
    pub const fn challenge(mut self, challenge: &'a [u8]) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// The same call, of a tool that does this.
    #[must_use]
    pub const fn hint(mut self, hint: ToolHint) -> Self {
        self.hint = hint;
        self
    }

    /// The same call, about a partition.
    #[must_use]
    pub const fn context(mut self, context: &'a str) -> Self {
        self.context = Some(context);
        self
    }
}

/// A chain and a proof: what travels with a call. Evidence may be attached: identities, approvals, consents.
#[derive(Clone, PartialEq, Eq)]
pub struct Presentation {
    bytes: Vec<u8>,
}

impl std::fmt::Debug for Presentation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Presentation({} bytes)", self.bytes.len())
    }
}

impl Presentation {
    /// Puts a chain and a proof together.
    fn new(chain: &UnverifiedChain, proof: &[u8]) -> Self {
        let mut out = Encoder::with_capacity(chain.encode().len() + proof.len() + 8);
        out.array(2).raw(chain.encode()).bytes(proof);
        Presentation { bytes: out.into_bytes() }
    }

    /// The same chain and proof with evidence: identities, approvals, consents, each as its bytes, after what is attached already. `too-many` beyond
    /// 64 objects, `too-large`.
    pub fn attach<'e>(&'e self, evidence: impl IntoIterator<Item = &'e [u8]>) -> Result<Self> {
        let parts = Parts::read(&self.bytes)?;
        let evidence: Vec<&[u8]> = parts.evidence.iter().copied().chain(evidence).collect();
        if evidence.is_empty() {
            return Ok(self.clone());
        }
        if evidence.len() > limits::MAX_EVIDENCE {
            return Err(Error::about(Code::TooMany, "evidence"));
        }
        let tokens = parts.tokens.as_slice();
        let mut out = Encoder::with_capacity(self.bytes.len() + evidence.iter().map(|one| one.len() + 5).sum::<usize>());
        out.array(3).array(tokens.len());
        for token in tokens {
            out.bytes(token);
        }
        out.bytes(parts.proof).array(evidence.len());
        for one in evidence {
            out.bytes(one);
        }
        let bytes = out.into_bytes();
        if bytes.len() > limits::MAX_PRESENTATION { Err(Error::about(Code::TooLarge, "presentation")) } else { Ok(Presentation { bytes }) }
    }

    /// Reads size and shape. `proof-missing`, `too-large`, codes of the encoding, of envelopes and of the proof's claims. A verifier takes the bytes
    /// ([`Received`]) and needs none of this.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let presentation = Presentation { bytes: bytes.to_vec() };
        presentation.unverified_chain()?;
        presentation.unverified_proof()?;
        Ok(presentation)
    }

    /// From the text form, as [`Presentation::decode`]; `text-malformed`.
    pub fn from_text(text: &str) -> Result<Self> {
        Presentation::decode(&bytes_from_text(text, limits::MAX_PRESENTATION)?)
    }

    /// The chain, unverified.
    pub fn unverified_chain(&self) -> Result<UnverifiedChain> {
        let tokens = Parts::read(&self.bytes)?.tokens;
        let mut out = Encoder::with_capacity(self.bytes.len());
        out.array(tokens.as_slice().len());
        for token in tokens.as_slice() {
            out.bytes(token);
        }
        UnverifiedChain::decode(&out.into_bytes())
    }

    /// What the proof says. Nobody has checked it.
    pub fn unverified_proof(&self) -> Result<UnverifiedProof> {
        let envelope = Envelope::read(Parts::read(&self.bytes)?.proof, ObjectKind::Proof)?;
        let claims = ProofClaims::decode(envelope.unverified_payload())?;
        Ok(UnverifiedProof {
            id: claims.id,
            tool: claims.tool.to_owned(),
            arguments: claims.arguments,
            audience: claims.audience.to_owned(),
            issued: claims.issued,
            expires: claims.expires,
        })
    }

    /// The evidence: identities, approvals and consents, each as its bytes.
    pub fn evidence(&self) -> Result<Vec<&[u8]>> {
        Ok(Parts::read(&self.bytes)?.evidence)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// The text form, for MCP `_meta` and HTTP.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_from_bytes(&self.bytes)
    }
}

/// What a proof says, for display. A verifier decides by the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnverifiedProof {
    /// Its id: what names a call.
    pub id: TokenId,
    /// The tool.
    pub tool: String,
    /// The digest of the arguments.
    pub arguments: Digest,
    /// The verifier that it is for.
    pub audience: String,
    /// When it was made.
    pub issued: Timestamp,
    /// Valid while now is before this.
    pub expires: Timestamp,
}

/// A presentation as a verifier received it: nobody has looked at it yet.
#[derive(Clone, Copy, Debug)]
pub enum Received<'a> {
    /// Its bytes.
    Bytes(&'a [u8]),
    /// Its text form.
    Text(&'a str),
}

impl<'a> Received<'a> {
    /// The bytes. An empty text is `proof-missing`, as no bytes are.
    pub(crate) fn bytes(self) -> Result<Cow<'a, [u8]>> {
        match self {
            Received::Bytes(bytes) => Ok(Cow::Borrowed(bytes)),
            Received::Text(text) => bytes_from_text(text, limits::MAX_PRESENTATION).map(Cow::Owned),
        }
    }
}

impl<'a> From<&'a [u8]> for Received<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Received::Bytes(bytes)
    }
}

impl<'a> From<&'a Vec<u8>> for Received<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Received::Bytes(bytes)
    }
}

impl<'a> From<&'a str> for Received<'a> {
    fn from(text: &'a str) -> Self {
        Received::Text(text)
    }
}

impl<'a> From<&'a String> for Received<'a> {
    fn from(text: &'a String) -> Self {
        Received::Text(text)
    }
}

impl<'a> From<&'a Presentation> for Received<'a> {
    fn from(presentation: &'a Presentation) -> Self {
        Received::Bytes(&presentation.bytes)
    }
}

/// Proves a call with the leaf of a chain, whose holder the signer must be. Each attempt, also a retry, needs a new proof. `holder-mismatch`,
/// `name-invalid`, `claim-invalid` for a challenge that is empty or longer than 64 bytes, `randomness-unavailable`, `signing-failed`.
pub fn prove<R: TryCryptoRng>(
    signer: &dyn Signer,
    chain: &UnverifiedChain,
    call: &Call<'_>,
    audience: &str,
    rng: &mut R,
    now: Now,
) -> Result<Presentation> {
    for (what, name) in [("tool", call.tool), ("audience", audience)] {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, what, name));
        }
    }
    if call.challenge.is_some_and(|challenge| !is_challenge(challenge)) {
        return Err(Error::about(Code::ClaimInvalid, "challenge: 1 to 64 bytes"));
    }
    if unverified_holder(chain.unverified_leaf()?.unverified_payload())? != signer.verifying_key().as_bytes() {
        return Err(Code::HolderMismatch.into());
    }
    let claims = ProofClaims {
        audience,
        expires: Timestamp::from_secs(now.secs() + limits::MAX_PROOF_LIFETIME)?,
        issued: Timestamp::from_secs(now.secs())?,
        millisecond: (now.millis() % 1000) as u16,
        id: TokenId::from_bytes(random(rng)?),
        challenge: call.challenge,
        token: chain.unverified_leaf_hash()?,
        tool: call.tool,
        arguments: call.arguments.digest(),
    };
    Ok(Presentation::new(chain, &seal(ObjectKind::Proof, &claims.encode(), signer)?))
}

fn is_challenge(challenge: &[u8]) -> bool {
    (1..=limits::MAX_CHALLENGE).contains(&challenge.len())
}

/// The claims of a proof.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ProofClaims<'a> {
    pub(crate) audience: &'a str,
    pub(crate) expires: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) millisecond: u16,
    pub(crate) id: TokenId,
    pub(crate) challenge: Option<&'a [u8]>,
    pub(crate) token: Digest,
    pub(crate) tool: &'a str,
    pub(crate) arguments: Digest,
}

impl<'a> ProofClaims<'a> {
    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(256);
        out.map(if self.challenge.is_some() { 6 } else { 5 }).integer(AUD).text(self.audience);
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
        out.integer(CTI).bytes(self.id.as_bytes());
        if let Some(challenge) = self.challenge {
            out.integer(NONCE).bytes(challenge);
        }
        out.integer(CALL).map(4).unsigned(0).bytes(self.token.as_bytes()).unsigned(1).text(self.tool);
        out.unsigned(2).bytes(self.arguments.as_bytes()).unsigned(3).unsigned(self.millisecond.into());
        out.into_bytes()
    }

    pub(crate) fn decode(payload: &'a [u8]) -> Result<Self> {
        let (mut audience, mut expires, mut issued, mut id, mut challenge, mut call) = (None, None, None, None, None, None);
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                AUD => audience = Some(borrow_name(&mut decoder, "aud")?),
                EXP => expires = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                NONCE => challenge = Some(read_challenge(&mut decoder)?),
                CALL => call = Some(CallClaims::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let missing = |name| Error::about(Code::ClaimMissing, name);
        let call = call.ok_or(missing("call"))?;
        let claims = ProofClaims {
            audience: audience.ok_or(missing("aud"))?,
            expires: expires.ok_or(missing("exp"))?,
            issued: issued.ok_or(missing("iat"))?,
            millisecond: call.millisecond.ok_or(missing("millisecond"))?,
            id: id.ok_or(missing("cti"))?,
            challenge,
            token: call.token.ok_or(missing("token"))?,
            tool: call.tool.ok_or(missing("tool"))?,
            arguments: call.arguments.ok_or(missing("arguments"))?,
        };
        let (issued, expires) = (claims.issued.secs(), claims.expires.secs());
        if expires <= issued || expires - issued > limits::MAX_PROOF_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "a proof lives 1 to 60 seconds"));
        }
        Ok(claims)
    }

    /// When it was made.
    pub(crate) fn instant(&self) -> Result<Now> {
        Now::from_millis(self.issued.secs() * 1000 + u64::from(self.millisecond))
    }
}

#[derive(Default)]
struct CallClaims<'a> {
    token: Option<Digest>,
    tool: Option<&'a str>,
    arguments: Option<Digest>,
    millisecond: Option<u16>,
}

impl<'a> CallClaims<'a> {
    fn read(decoder: &mut Decoder<'a>) -> Result<Self> {
        let mut call = CallClaims::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => call.token = Some(Digest::from_bytes(decoder.fixed()?)),
                1 => call.tool = Some(borrow_name(decoder, "tool")?),
                2 => call.arguments = Some(Digest::from_bytes(decoder.fixed()?)),
                3 => call.millisecond = Some(decoder.at_most(999, "millisecond")? as u16),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(call)
    }
}

fn borrow_name<'a>(decoder: &mut Decoder<'a>, what: &'static str) -> Result<&'a str> {
    let name = decoder.text()?;
    if is_name(name) { Ok(name) } else { Err(Error::about(Code::ClaimInvalid, what)) }
}

fn read_challenge<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8]> {
    let challenge = decoder.bytes()?;
    if is_challenge(challenge) { Ok(challenge) } else { Err(Error::about(Code::ClaimInvalid, "nonce: 1 to 64 bytes")) }
}

/// The parts of a presentation, borrowed.
#[derive(Clone, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) tokens: Tokens<'a>,
    pub(crate) proof: &'a [u8],
    pub(crate) evidence: Vec<&'a [u8]>,
}

impl<'a> Parts<'a> {
    /// Size and outer shape.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        if bytes.is_empty() {
            return Err(Code::ProofMissing.into());
        }
        if bytes.len() > limits::MAX_PRESENTATION {
            return Err(Error::about(Code::TooLarge, "presentation"));
        }
        let mut decoder = Decoder::new(bytes);
        let parts = match decoder.array()? {
            parts @ (2 | 3) => parts,
            1 => return Err(Code::ProofMissing.into()),
            _ => return Err(Error::about(Code::Malformed, "not a presentation")),
        };
        let tokens = Tokens::read(&mut decoder)?;
        let proof = decoder.bytes()?;
        if proof.len() > limits::MAX_PROOF {
            return Err(Error::about(Code::TooLarge, "proof"));
        }
        let evidence = if parts == 3 { read_evidence(&mut decoder)? } else { Vec::new() };
        decoder.finish()?;
        Ok(Parts { tokens, proof, evidence })
    }
}

fn read_evidence<'a>(decoder: &mut Decoder<'a>) -> Result<Vec<&'a [u8]>> {
    match decoder.array()? {
        0 => Err(Error::about(Code::Malformed, "evidence without an object")),
        count if count > limits::MAX_EVIDENCE => Err(Error::about(Code::TooMany, "evidence")),
        count => (0..count).map(|_| decoder.bytes()).collect(),
    }
}
