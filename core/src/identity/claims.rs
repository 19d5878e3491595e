//! The claims of an identity document: the only place that knows their labels.

use crate::cbor::{Decoder, Encoder, Type};
use crate::claims::{CNF, CTI, EXP, IAT, ISS, SUB, count, need, read_holder, read_name, read_text, read_time, write_holder};
use crate::id::{Digest, TokenId, is_free_text, is_name};
use crate::key::VerifyingKey;
use crate::time::Timestamp;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

const IDENTITY: i64 = -65_541;
const VERSION: u64 = 1;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $( $(#[$variant_doc:meta])* $variant:ident = $text:literal, )+ } $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $( $(#[$variant_doc])* $variant, )+
        }

        impl $name {
            const ALL: &[$name] = &[ $( $name::$variant, )+ ];

            /// The name, as in audit records.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( $name::$variant => $text, )+ }
            }

            /// The one of that name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|word| word.as_str() == name)
            }

            fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
                let number = decoder.integer()?;
                let word = usize::try_from(number).ok().and_then(|number| Self::ALL.get(number));
                word.copied().ok_or(Error::about(Code::ClaimInvalid, $what))
            }
        }
    };
}

words! {
    /// What somebody is.
    IdentityKind {
        /// A person.
        Human = "human",
        /// A program that acts on somebody's behalf.
        Agent = "agent",
        /// A program that serves others.
        Service = "service",
        /// A program that is called.
        Tool = "tool",
    } "kind"
}

words! {
    /// Whether an identity may be used.
    IdentityState {
        /// Known, and not allowed to act yet.
        Pending = "pending",
        /// Allowed to act.
        Active = "active",
    } "state"
}

/// The claims of one identity document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct IdentityClaims {
    pub(crate) authority: String,
    pub(crate) name: String,
    pub(crate) expires: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) id: TokenId,
    pub(crate) key: VerifyingKey,
    pub(crate) kind: IdentityKind,
    pub(crate) state: IdentityState,
    pub(crate) environment: Option<String>,
    pub(crate) attributes: Vec<(String, Value)>,
    pub(crate) attestor: Option<String>,
    pub(crate) evidence: Option<Digest>,
}

impl IdentityClaims {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut out = Encoder::with_capacity(320);
        out.map(7).integer(ISS).text(&self.authority).integer(SUB).text(&self.name);
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
        out.integer(CTI).bytes(self.id.as_bytes());
        write_holder(&mut out, &self.key);
        let optional = [self.environment.is_some(), !self.attributes.is_empty(), self.attestor.is_some(), self.evidence.is_some()];
        out.integer(IDENTITY).map(3 + count(&optional)).unsigned(0).unsigned(VERSION);
        out.unsigned(1).unsigned(self.kind as u64).unsigned(2).unsigned(self.state as u64);
        if let Some(environment) = &self.environment {
            out.unsigned(3).text(environment);
        }
        if !self.attributes.is_empty() {
            out.unsigned(4).map(self.attributes.len());
            for (name, value) in &self.attributes {
                out.text(name).raw(&value.encode()?);
            }
        }
        if let Some(attestor) = &self.attestor {
            out.unsigned(5).text(attestor);
        }
        if let Some(evidence) = &self.evidence {
            out.unsigned(6).bytes(evidence.as_bytes());
        }
        Ok(out.into_bytes())
    }

    pub(crate) fn decode(payload: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::new(payload);
        let (mut authority, mut name, mut expires, mut issued, mut id, mut key, mut details) = (None, None, None, None, None, None, None);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                ISS => authority = Some(read_name(&mut decoder, "iss")?),
                SUB => name = Some(read_name(&mut decoder, "sub")?),
                EXP => expires = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                CNF => key = Some(VerifyingKey::try_from_slice(read_holder(&mut decoder)?)?),
                IDENTITY => details = Some(Details::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let details = need(details, "identity")?;
        need(details.version, "version")?;
        let claims = IdentityClaims {
            authority: need(authority, "iss")?,
            name: need(name, "sub")?,
            expires: need(expires, "exp")?,
            issued: need(issued, "iat")?,
            id: need(id, "cti")?,
            key: need(key, "cnf")?,
            kind: need(details.kind, "kind")?,
            state: need(details.state, "state")?,
            environment: details.environment,
            attributes: details.attributes,
            attestor: details.attestor,
            evidence: details.evidence,
        };
        match claims.expires.secs().checked_sub(claims.issued.secs()) {
            Some(1..=limits::MAX_IDENTITY_LIFETIME) => Ok(claims),
            _ => Err(Error::about(Code::ClaimInvalid, "an identity lives 1 second to 24 hours")),
        }
    }
}

#[derive(Default)]
struct Details {
    version: Option<()>,
    kind: Option<IdentityKind>,
    state: Option<IdentityState>,
    environment: Option<String>,
    attributes: Vec<(String, Value)>,
    attestor: Option<String>,
    evidence: Option<Digest>,
}

impl Details {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut details = Details::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => match decoder.integer()? {
                    1 => details.version = Some(()),
                    _ => return Err(Code::VersionUnsupported.into()),
                },
                1 => details.kind = Some(IdentityKind::read(decoder)?),
                2 => details.state = Some(IdentityState::read(decoder)?),
                3 => details.environment = Some(read_name(decoder, "environment")?),
                4 => details.attributes = read_attributes(decoder)?,
                5 => details.attestor = Some(read_name(decoder, "attestor")?),
                6 => details.evidence = Some(Digest::from_bytes(decoder.fixed()?)),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(details)
    }
}

fn read_attributes(decoder: &mut Decoder<'_>) -> Result<Vec<(String, Value)>> {
    let length = decoder.map()?;
    if length == 0 {
        return Err(Error::about(Code::ClaimInvalid, "a map of attributes without any"));
    }
    if length > limits::MAX_ATTRIBUTES {
        return Err(Error::about(Code::TooMany, "attributes"));
    }
    let mut attributes = Vec::with_capacity(length);
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let name = decoder.text_key(&mut previous)?;
        if !is_name(name) {
            return Err(Error::about(Code::ClaimInvalid, "the name of an attribute"));
        }
        let value = match decoder.peek()? {
            Type::Bool => Value::Bool(decoder.bool()?),
            Type::Text => Value::Text(read_text(decoder, "an attribute", is_free_text)?),
            _ => Value::Integer(decoder.integer()?),
        };
        attributes.push((name.to_owned(), value));
    }
    Ok(attributes)
}
