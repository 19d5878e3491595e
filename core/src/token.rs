//! A chain as bytes: decoded, not verified.

use std::sync::{Arc, OnceLock};

use crate::cbor::{Decoder, Encoder};
use crate::claims::Claims;
use crate::cose::{Envelope, ObjectKind};
use crate::id::Digest;
use crate::key::VerifyingKey;
use crate::text::{bytes_from_text, text_from_bytes};
use crate::{Code, Error, Result, limits};

/// A chain of tokens whose shape is right and whose signatures nobody has checked. Only a [`Verifier`](crate::Verifier) makes a
/// [`VerifiedChain`](crate::VerifiedChain) of it.
#[derive(Clone)]
pub struct UnverifiedChain {
    bytes: Vec<u8>,
    /// What the bytes of the last token say, once somebody asked: a holder delegates and proves with one chain again and again.
    leaf: OnceLock<Arc<Claims>>,
    leaf_hash: OnceLock<Digest>,
}

impl PartialEq for UnverifiedChain {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for UnverifiedChain {}

impl std::fmt::Debug for UnverifiedChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UnverifiedChain({} bytes)", self.bytes.len())
    }
}

impl UnverifiedChain {
    /// Reads the shape of a chain: size, number of tokens, envelopes.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let tokens = Tokens::read_all(bytes)?;
        for (link, token) in tokens.as_slice().iter().enumerate() {
            Envelope::read(token, ObjectKind::Token).map_err(|error| error.at_link(link))?;
        }
        Ok(UnverifiedChain { bytes: bytes.to_vec(), leaf: OnceLock::new(), leaf_hash: OnceLock::new() })
    }

    /// Reads the text form.
    pub fn from_text(text: &str) -> Result<Self> {
        UnverifiedChain::decode(&bytes_from_text(text, limits::MAX_CHAIN)?)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    /// The text form: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_from_bytes(&self.bytes)
    }

    /// The claims of every token, root first. Nobody has checked them: for display, and for one's own tokens.
    pub fn unverified_claims(&self) -> Result<Vec<Claims>> {
        let tokens = self.tokens()?;
        tokens.as_slice().iter().enumerate().map(|(link, token)| claims_of(token, link).map_err(|error| error.at_link(link))).collect()
    }

    /// The last token, its signature unchecked.
    pub(crate) fn unverified_leaf(&self) -> Result<Envelope<'_>> {
        let tokens = self.tokens()?;
        let leaf = tokens.as_slice().last().ok_or(Error::new(Code::Malformed))?;
        Envelope::read(leaf, ObjectKind::Token)
    }

    /// The claims of the last token, whose holder is likely to have this key.
    pub(crate) fn unverified_leaf_claims(&self, likely_holder: &VerifyingKey) -> Result<&Claims> {
        if let Some(claims) = self.leaf.get() {
            return Ok(claims);
        }
        let link = self.tokens()?.as_slice().len() - 1;
        let claims = Claims::decode_held_by(self.unverified_leaf()?.unverified_payload(), link, Some(likely_holder))?;
        Ok(self.leaf.get_or_init(|| Arc::new(claims)))
    }

    /// The hash of the last token.
    pub(crate) fn unverified_leaf_hash(&self) -> Result<Digest> {
        if let Some(hash) = self.leaf_hash.get() {
            return Ok(*hash);
        }
        let hash = self.unverified_leaf()?.unverified_hash();
        Ok(*self.leaf_hash.get_or_init(|| hash))
    }

    /// The bytes of each token, root first: one `COSE_Sign1` each.
    pub fn token_bytes(&self) -> Result<Vec<&[u8]>> {
        Ok(Tokens::read_all(&self.bytes)?.as_slice().to_vec())
    }

    pub(crate) fn tokens(&self) -> Result<Tokens<'_>> {
        Tokens::read_all(&self.bytes)
    }

    /// The chain with one more token, which has these claims.
    pub(crate) fn with(&self, token: &[u8], claims: Arc<Claims>) -> Result<Self> {
        let tokens = self.tokens()?;
        UnverifiedChain::of(tokens.as_slice().iter().copied().chain([token]), claims)
    }

    /// A chain of one token, which has these claims.
    pub(crate) fn root(token: &[u8], claims: Arc<Claims>) -> Result<Self> {
        UnverifiedChain::of([token].into_iter(), claims)
    }

    /// A chain of these tokens, the last with these claims. `too-many` and `too-large` beyond the limits.
    fn of<'a>(tokens: impl Iterator<Item = &'a [u8]> + Clone, leaf: Arc<Claims>) -> Result<Self> {
        const HEAD: usize = 3;
        let mut out = Encoder::with_capacity(tokens.clone().map(|token| HEAD + token.len()).sum::<usize>() + HEAD);
        let count = tokens.clone().count();
        if count > limits::MAX_TOKENS {
            return Err(Code::TooMany.into());
        }
        out.array(count);
        for token in tokens {
            out.bytes(token);
        }
        let bytes = out.into_bytes();
        if bytes.len() > limits::MAX_CHAIN {
            return Err(Code::TooLarge.into());
        }
        Ok(UnverifiedChain { bytes, leaf: OnceLock::from(leaf), leaf_hash: OnceLock::new() })
    }
}

fn claims_of(token: &[u8], link: usize) -> Result<Claims> {
    Claims::decode(Envelope::read(token, ObjectKind::Token)?.unverified_payload(), link)
}

/// The tokens of a chain, borrowed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    tokens: [&'a [u8]; limits::MAX_TOKENS],
    count: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn as_slice(&self) -> &[&'a [u8]] {
        &self.tokens[..self.count]
    }

    /// Reads a chain and nothing else.
    pub(crate) fn read_all(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_CHAIN {
            return Err(Error::about(Code::TooLarge, "chain"));
        }
        let mut decoder = Decoder::new(bytes);
        let tokens = Tokens::read(&mut decoder)?;
        decoder.finish()?;
        Ok(tokens)
    }

    /// Reads a chain where it stands.
    pub(crate) fn read(decoder: &mut Decoder<'a>) -> Result<Self> {
        let start = decoder.position();
        let count = decoder.array()?;
        if count == 0 {
            return Err(Error::about(Code::Malformed, "an empty chain"));
        }
        if count > limits::MAX_TOKENS {
            return Err(Error::about(Code::TooMany, "tokens"));
        }
        let mut tokens = [&[][..]; limits::MAX_TOKENS];
        for token in &mut tokens[..count] {
            *token = decoder.bytes()?;
        }
        if decoder.position() - start > limits::MAX_CHAIN {
            return Err(Error::about(Code::TooLarge, "chain"));
        }
        Ok(Tokens { tokens, count })
    }
}
