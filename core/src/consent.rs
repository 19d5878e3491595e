//! A principal's consent to be impersonated (specification, consent.md).

use rand_core::TryCryptoRng;

use crate::cbor::{Decoder, Encoder};
use crate::claims::{AUD, CNF, CTI, EXP, IAT, SUB, need, read_holder, read_name, read_time, write_holder};
use crate::cose::{Envelope, ObjectKind, seal};
use crate::id::{TokenId, is_name};
use crate::issue::random;
use crate::key::{Signer, VerifyingKey};
use crate::text::{bytes_from_text, text_from_bytes};
use crate::time::{Now, Timestamp};
use crate::value::key_order;
use crate::{Code, Error, Result, limits};

/// Seconds that a consent lives unless told otherwise: one hour.
pub const DEFAULT_CONSENT_TTL: u64 = 3600;

const CONSENT: i64 = -65_544;

/// What to consent to: that a holder acts as oneself.
#[derive(Clone, Debug)]
pub struct ConsentGrant {
    principal: String,
    holder: VerifyingKey,
    issuer: String,
    audience: String,
    tools: Option<Vec<String>>,
    ttl: u64,
}

impl ConsentGrant {
    /// That the holder of this key acts as the principal, at this verifier, with a token of this trust anchor: any tool that the token allows, for an hour.
    #[must_use]
    pub fn new(principal: &str, holder: &VerifyingKey, issuer: &str, audience: &str) -> Self {
        ConsentGrant {
            principal: principal.to_owned(),
            holder: holder.clone(),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            tools: None,
            ttl: DEFAULT_CONSENT_TTL,
        }
    }

    /// Only these tools: 1 to 256.
    #[must_use]
    pub fn tools(mut self, tools: Vec<String>) -> Self {
        self.tools = Some(tools);
        self
    }

    /// Seconds to live, from now: 1 to 86,400.
    #[must_use]
    pub fn ttl(mut self, ttl: u64) -> Self {
        self.ttl = ttl;
        self
    }

    fn refuse_bad_values(&self) -> Result<()> {
        let tools = self.tools.iter().flatten().map(|tool| ("tool", tool));
        for (what, name) in
            [("principal", &self.principal), ("issuer", &self.issuer), ("audience", &self.audience)].into_iter().chain(tools)
        {
            if !is_name(name) {
                return Err(Error::named(Code::NameInvalid, what, name));
            }
        }
        if self.ttl == 0 || self.ttl > limits::MAX_CONSENT_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "ttl: 1 second to 24 hours"));
        }
        match self.tools.as_ref().map(Vec::len) {
            Some(0) => Err(Error::about(Code::ClaimInvalid, "tools: at least one")),
            Some(1..=limits::MAX_TOOLS) | None => Ok(()),
            Some(_) => Err(Error::about(Code::TooMany, "tools")),
        }
    }
}

/// A principal's signed consent. Nobody has checked the signature: a verifier does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    bytes: Vec<u8>,
}

impl Consent {
    /// Reads size, envelope and claims. `too-large`, codes of the envelope and of claims.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        ConsentClaims::read(bytes)?;
        Ok(Consent { bytes: bytes.to_vec() })
    }

    /// Reads the text form. `text-malformed`, and as [`Consent::decode`].
    pub fn from_text(text: &str) -> Result<Self> {
        Consent::decode(&bytes_from_text(text, limits::MAX_CONSENT)?)
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn unverified_claims(&self) -> Result<ConsentClaims> {
        Ok(ConsentClaims::read(&self.bytes)?.1)
    }

    /// The text form: base64url without padding.
    #[must_use]
    pub fn to_text(&self) -> String {
        text_from_bytes(&self.bytes)
    }
}

/// Consents, with the principal's own key. `name-invalid`, `claim-invalid` for a ttl of 0 or more than a day and for no tools, `too-many`, `too-large`,
/// `randomness-unavailable`, `signing-failed`.
pub fn consent<R: TryCryptoRng>(signer: &dyn Signer, grant: &ConsentGrant, rng: &mut R, now: Now) -> Result<Consent> {
    grant.refuse_bad_values()?;
    let tools = grant.tools.clone().map(|mut tools| {
        tools.sort_by(|a, b| key_order(a, b));
        tools.dedup();
        tools
    });
    let claims = ConsentClaims {
        subject: grant.principal.clone(),
        audience: grant.audience.clone(),
        expires: Timestamp::from_secs(now.secs() + grant.ttl)?,
        issued: Timestamp::from_secs(now.secs())?,
        id: TokenId::from_bytes(random(rng)?),
        holder: grant.holder.clone(),
        issuer: grant.issuer.clone(),
        tools,
    };
    let bytes = seal(ObjectKind::Consent, &claims.encode(), signer)?;
    if bytes.len() > limits::MAX_CONSENT { Err(Error::about(Code::TooLarge, "consent")) } else { Ok(Consent { bytes }) }
}

/// A call in the mode of impersonation, as a verifier has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Impersonation<'a> {
    /// The principal's name.
    pub(crate) subject: &'a str,
    /// The trust anchor's name.
    pub(crate) issuer: &'a str,
    /// The key of the root's holder.
    pub(crate) holder: &'a VerifyingKey,
    pub(crate) tool: &'a str,
    /// The verifier's.
    pub(crate) audience: &'a str,
}

impl Impersonation<'_> {
    /// Whether a consent covers this call, signed with one of the principal's keys. Codes of size, envelope and claims; otherwise `consent-invalid`.
    pub(crate) fn consented(&self, bytes: &[u8], principal: &[VerifyingKey], now: Now) -> Result<GivenConsent> {
        let (envelope, claims) = ConsentClaims::read(bytes)?;
        let covered = [
            ("principal", claims.subject == self.subject),
            ("issuer", claims.issuer == self.issuer),
            ("holder", claims.holder == *self.holder),
            ("audience", claims.audience == self.audience),
            ("tool", claims.tools.as_ref().is_none_or(|tools| tools.iter().any(|tool| tool == self.tool))),
            ("not valid yet", claims.issued.secs() <= now.secs() + limits::LEEWAY),
            ("expired", now.secs() < claims.expires.secs()),
        ];
        if let Some((what, _)) = covered.into_iter().find(|(_, covers)| !covers) {
            return Err(Error::about(Code::ConsentInvalid, what));
        }
        let signer = principal.iter().find(|key| envelope.open(key).is_ok());
        let principal = signer.ok_or(Error::about(Code::ConsentInvalid, "signature"))?.clone();
        // The last instant at which it can have been signed.
        let issued = Now::from_millis(claims.issued.secs() * 1000 + 999)?;
        Ok(GivenConsent { id: claims.id, principal, issued })
    }
}

/// A consent that covers a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GivenConsent {
    pub(crate) id: TokenId,
    /// The key that signed it.
    pub(crate) principal: VerifyingKey,
    pub(crate) issued: Now,
}

/// The claims of a consent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ConsentClaims {
    pub(crate) subject: String,
    pub(crate) audience: String,
    pub(crate) expires: Timestamp,
    pub(crate) issued: Timestamp,
    pub(crate) id: TokenId,
    pub(crate) holder: VerifyingKey,
    pub(crate) issuer: String,
    pub(crate) tools: Option<Vec<String>>,
}

impl ConsentClaims {
    fn read(bytes: &[u8]) -> Result<(Envelope<'_>, Self)> {
        if bytes.len() > limits::MAX_CONSENT {
            return Err(Error::about(Code::TooLarge, "consent"));
        }
        let envelope = Envelope::read(bytes, ObjectKind::Consent)?;
        let claims = ConsentClaims::decode(envelope.unverified_payload())?;
        Ok((envelope, claims))
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::with_capacity(384);
        out.map(7).integer(SUB).text(&self.subject).integer(AUD).text(&self.audience);
        out.integer(EXP).unsigned(self.expires.secs()).integer(IAT).unsigned(self.issued.secs());
        out.integer(CTI).bytes(self.id.as_bytes());
        write_holder(&mut out, &self.holder);
        out.integer(CONSENT).map(if self.tools.is_some() { 3 } else { 2 });
        out.unsigned(0).unsigned(1).unsigned(1).text(&self.issuer);
        if let Some(tools) = &self.tools {
            out.unsigned(2).array(tools.len());
            for tool in tools {
                out.text(tool);
            }
        }
        out.into_bytes()
    }

    fn decode(payload: &[u8]) -> Result<Self> {
        let (mut subject, mut audience, mut expires, mut issued, mut id, mut holder) = (None, None, None, None, None, None);
        let mut terms = None;
        let mut decoder = Decoder::new(payload);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                SUB => subject = Some(read_name(&mut decoder, "sub")?),
                AUD => audience = Some(read_name(&mut decoder, "aud")?),
                EXP => expires = Some(read_time(&mut decoder)?),
                IAT => issued = Some(read_time(&mut decoder)?),
                CTI => id = Some(TokenId::from_bytes(decoder.fixed()?)),
                CNF => holder = Some(VerifyingKey::try_from_slice(read_holder(&mut decoder)?)?),
                CONSENT => terms = Some(Terms::read(&mut decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        decoder.finish()?;
        let terms = need(terms, "consent")?;
        need(terms.version, "version")?;
        let claims = ConsentClaims {
            subject: need(subject, "sub")?,
            audience: need(audience, "aud")?,
            expires: need(expires, "exp")?,
            issued: need(issued, "iat")?,
            id: need(id, "cti")?,
            holder: need(holder, "cnf")?,
            issuer: need(terms.issuer, "issuer")?,
            tools: terms.tools,
        };
        let (issued, expires) = (claims.issued.secs(), claims.expires.secs());
        if expires <= issued || expires - issued > limits::MAX_CONSENT_LIFETIME {
            return Err(Error::about(Code::ClaimInvalid, "a consent lives 1 second to 24 hours"));
        }
        Ok(claims)
    }
}

/// The map of the consent as it is read.
#[derive(Default)]
struct Terms {
    version: Option<()>,
    issuer: Option<String>,
    tools: Option<Vec<String>>,
}

impl Terms {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut terms = Terms::default();
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => match decoder.integer()? {
                    1 => terms.version = Some(()),
                    _ => return Err(Code::VersionUnsupported.into()),
                },
                1 => terms.issuer = Some(read_name(decoder, "issuer")?),
                2 => terms.tools = Some(read_tools(decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        Ok(terms)
    }
}

fn read_tools(decoder: &mut Decoder<'_>) -> Result<Vec<String>> {
    let length = decoder.array()?;
    if length == 0 {
        return Err(Error::about(Code::ClaimInvalid, "tools: at least one"));
    }
    if length > limits::MAX_TOOLS {
        return Err(Error::about(Code::TooMany, "tools"));
    }
    let mut tools = Vec::with_capacity(length);
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let start = decoder.position();
        tools.push(read_name(decoder, "tool")?);
        decoder.ascending(&mut previous, start)?;
    }
    Ok(tools)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SigningKey;

    const TIME: u64 = 1_764_000_000;

    fn key(n: u8) -> SigningKey {
        SigningKey::from_seed(&[n; 32]).unwrap()
    }

    fn at(secs: u64) -> Now {
        Now::from_millis(secs * 1000).unwrap()
    }

    fn claims() -> ConsentClaims {
        ConsentClaims {
            subject: "ana".into(),
            audience: "https://mail.example".into(),
            expires: Timestamp::from_secs(TIME + 3600).unwrap(),
            issued: Timestamp::from_secs(TIME).unwrap(),
            id: TokenId::from_bytes([7; 16]),
            holder: key(2).verifying_key().clone(),
            issuer: "acme".into(),
            tools: Some(vec!["read".into(), "send".into()]),
        }
    }

    fn signed(claims: &ConsentClaims, signer: u8) -> Vec<u8> {
        seal(ObjectKind::Consent, &claims.encode(), &key(signer)).unwrap()
    }

    fn judged(bytes: &[u8], change: impl Fn(&mut Impersonation<'_>), now: u64) -> Result<GivenConsent> {
        let holder = key(2);
        let mut call = Impersonation {
            subject: "ana",
            issuer: "acme",
            holder: holder.verifying_key(),
            tool: "send",
            audience: "https://mail.example",
        };
        change(&mut call);
        call.consented(bytes, &[key(9), key(1)].map(|key| key.verifying_key().clone()), at(now))
    }

    fn why(result: Result<GivenConsent>) -> (Code, String) {
        let error = result.unwrap_err();
        (error.code(), error.context().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_consent_covers_the_calls_that_it_names() {
        let bytes = signed(&claims(), 1);
        let given = GivenConsent {
            id: claims().id,
            principal: key(1).verifying_key().clone(),
            issued: Now::from_millis(TIME * 1000 + 999).unwrap(),
        };
        assert_eq!(judged(&bytes, |_| {}, TIME).unwrap(), given);
        judged(&bytes, |call| call.tool = "read", TIME + 3599).unwrap();
        let any = ConsentClaims { tools: None, ..claims() };
        judged(&signed(&any, 1), |call| call.tool = "delete", TIME).unwrap();
    }

    #[test]
    fn each_thing_that_a_consent_binds_has_to_be_the_same() {
        let bytes = signed(&claims(), 1);
        let stranger = key(3);
        let invalid = |result, what: &str| assert_eq!(why(result), (Code::ConsentInvalid, what.to_owned()));
        invalid(judged(&bytes, |call| call.subject = "anna", TIME), "principal");
        invalid(judged(&bytes, |call| call.issuer = "other", TIME), "issuer");
        invalid(judged(&bytes, |call| call.audience = "https://mail.example/", TIME), "audience");
        invalid(judged(&bytes, |call| call.tool = "Send", TIME), "tool");
        let other = ConsentClaims { holder: stranger.verifying_key().clone(), ..claims() };
        invalid(judged(&signed(&other, 1), |_| {}, TIME), "holder");
        invalid(judged(&bytes, |_| {}, TIME - 31), "not valid yet");
        judged(&bytes, |_| {}, TIME - 30).unwrap();
        invalid(judged(&bytes, |_| {}, TIME + 3600), "expired");
        for signer in [2, 3] {
            invalid(judged(&signed(&claims(), signer), |_| {}, TIME), "signature");
        }
    }

    #[test]
    fn every_prefix_and_every_changed_bit_of_a_consent_is_refused() {
        let bytes = signed(&claims(), 1);
        for length in 0..bytes.len() {
            judged(&bytes[..length], |_| {}, TIME).unwrap_err();
        }
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            judged(&changed, |_| {}, TIME).unwrap_err();
        }
    }

    #[test]
    fn claims_out_of_their_range_are_refused() {
        let late = |seconds: u64| Timestamp::from_secs(TIME + seconds).unwrap();
        let many = (0..257).map(|n| format!("{n:03}")).collect();
        for (bad, code) in [
            (ConsentClaims { expires: late(0), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { expires: late(86_401), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { expires: Timestamp::MAX, ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { subject: String::new(), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { issuer: "a\u{202e}".into(), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { tools: Some(vec![]), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { tools: Some(vec!["".into()]), ..claims() }, Code::ClaimInvalid),
            (ConsentClaims { tools: Some(vec!["send".into(), "read".into()]), ..claims() }, Code::NotCanonical),
            (ConsentClaims { tools: Some(vec!["read".into(), "read".into()]), ..claims() }, Code::NotCanonical),
            (ConsentClaims { tools: Some(many), ..claims() }, Code::TooMany),
        ] {
            assert_eq!(why(judged(&signed(&bad, 1), |_| {}, TIME)).0, code, "{bad:?}");
        }
        judged(&signed(&ConsentClaims { expires: late(86_400), ..claims() }, 1), |_| {}, TIME).unwrap();
        assert_eq!(why(judged(&vec![0; limits::MAX_CONSENT + 1], |_| {}, TIME)).0, Code::TooLarge);
        let token = seal(ObjectKind::Token, &claims().encode(), &key(1)).unwrap();
        assert_eq!(why(judged(&token, |_| {}, TIME)).0, Code::KindMismatch);
        let mut version = claims().encode();
        let place = version.windows(3).position(|window| window == [0xa3, 0x00, 0x01]).unwrap();
        version[place + 2] = 2;
        assert_eq!(ConsentClaims::decode(&version).unwrap_err().code(), Code::VersionUnsupported);
        version[place + 1] = 3;
        assert_eq!(ConsentClaims::decode(&version).unwrap_err().code(), Code::ClaimUnknown);
    }
}
