//! Tokens that platforms give their workloads: JWT (RFC 7519) signed by a key of a JWKS (RFC 7517), bound to the agent's key.

mod keys;
mod shapes;
mod token;

use keys::Keys;
use token::Token;

use super::enrol::Enrolment;
use super::failed;
use super::registrar::Attestor;
use crate::constraint::Constraint;
use crate::id::is_name;
use crate::identity::IdentityGrant;
use crate::time::Now;
use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// Takes a JWT of a platform for who an agent is. The identity's name is the token's `sub`.
///
/// The token is bound to the agent's key: its one audience is `<audience>#<thumbprint of the key>` (RFC 7638), or it is `<audience>` and the claim
/// `cnf.jkt` is that thumbprint. The algorithm is that of the key in the JWKS.
#[derive(Debug)]
pub struct JwtAttestor {
    name: String,
    issuer: Option<String>,
    audience: String,
    keys: Keys,
    required: Vec<(Vec<String>, Constraint)>,
    attributes: Vec<(String, Vec<String>)>,
}

impl JwtAttestor {
    /// An attestor of this name, for tokens of this issuer to this audience, about these subjects, signed by a key of this JWKS.
    ///
    /// `config-invalid` for an issuer or audience that is no name, an audience with `#`, and a JWKS without a key that can be used, with a private
    /// key, with two keys of one `kid`, or with an RSA key that is not of 2,048 to 4,096 bits; `malformed`, `too-large`, `too-many` for the JWKS.
    pub fn new(name: &str, issuer: &str, audience: &str, subjects: Constraint, jwks: &[u8]) -> Result<Self> {
        if !is_name(issuer) {
            return Err(Error::named(Code::ConfigInvalid, "issuer", issuer));
        }
        JwtAttestor::of(name, Some(issuer), audience, subjects, jwks)
    }

    fn of(name: &str, issuer: Option<&str>, audience: &str, subjects: Constraint, jwks: &[u8]) -> Result<Self> {
        if !is_name(audience) || audience.contains('#') {
            return Err(Error::named(Code::ConfigInvalid, "audience", audience));
        }
        Ok(JwtAttestor {
            name: name.to_owned(),
            issuer: issuer.map(ToOwned::to_owned),
            audience: audience.to_owned(),
            keys: Keys::read(jwks)?,
            required: vec![(vec!["sub".to_owned()], subjects)],
            attributes: Vec::new(),
        })
    }

    /// The same; and the claim at this path, which goes from member to member, is there and satisfies this constraint.
    #[must_use]
    pub fn require<'a>(mut self, path: impl IntoIterator<Item = &'a str>, constraint: Constraint) -> Self {
        self.required.push((path.into_iter().map(ToOwned::to_owned).collect(), constraint));
        self
    }

    /// The same; and the claim at this path, which is text, a boolean or an integer, is this attribute of the identity.
    #[must_use]
    pub fn attribute<'a>(mut self, name: &str, path: impl IntoIterator<Item = &'a str>) -> Self {
        self.attributes.push((name.to_owned(), path.into_iter().map(ToOwned::to_owned).collect()));
        self
    }

    /// The issuer, the one audience, and the key that the token is bound to.
    fn hold_to(&self, claims: &Value, enrolment: &Enrolment<'_>) -> Result<()> {
        if let Some(issuer) = &self.issuer
            && text(claims, &["iss"]) != Some(issuer.as_str())
        {
            return Err(failed("the token is of another issuer"));
        }
        let audience = match member(claims, "aud") {
            Some(Value::Text(audience)) => Some(audience.as_str()),
            Some(Value::List(list)) => match &list[..] {
                [Value::Text(audience)] => Some(audience.as_str()),
                _ => return Err(failed("the token has not one audience")),
            },
            _ => None,
        };
        let rest = audience.and_then(|audience| audience.strip_prefix(self.audience.as_str()));
        let named = match rest {
            Some("") => None,
            Some(rest) if rest.starts_with('#') => Some(&rest[1..]),
            _ => return Err(failed("the token is for another audience")),
        };
        let confirmed = text(claims, &["cnf", "jkt"]);
        if member(claims, "cnf").is_some() && confirmed.is_none() {
            return Err(failed("the token is bound to something else than a key by its thumbprint"));
        }
        let bound = [named, confirmed];
        let thumbprint = enrolment.key.thumbprint();
        if bound.iter().flatten().any(|found| *found != thumbprint) {
            return Err(failed("the token is bound to another key"));
        }
        if bound == [None, None] { Err(failed("the token is not bound to a key")) } else { Ok(()) }
    }
}

impl Attestor for JwtAttestor {
    fn name(&self) -> &str {
        &self.name
    }

    fn attest(&self, enrolment: &Enrolment<'_>, now: Now) -> Result<IdentityGrant> {
        let token = Token::read(enrolment.evidence)?;
        let claims = token.verify(&self.keys)?;
        self.hold_to(&claims, enrolment)?;
        hold_times(&claims, now)?;
        for (path, constraint) in &self.required {
            let found = at(&claims, path).is_some_and(|value| constraint.accepts(value));
            if !found {
                return Err(Error::named(Code::AttestationFailed, "another value than is required, or none: claim", &path.join(".")));
            }
        }
        let subject = text(&claims, &["sub"]).filter(|subject| is_name(subject));
        let mut grant = enrolment.grant(subject.ok_or(failed("sub is not a name"))?);
        for (name, path) in &self.attributes {
            let value = at(&claims, path).filter(|value| matches!(value, Value::Text(_) | Value::Bool(_) | Value::Integer(_)));
            let lacks = || Error::named(Code::AttestationFailed, "not text, a boolean or an integer, or not there: claim", &path.join("."));
            grant = grant.attribute(name, value.ok_or_else(lacks)?.clone());
        }
        Ok(grant)
    }
}

/// exp and iat are there, nbf may be; the clocks of two organisations may differ.
fn hold_times(claims: &Value, now: Now) -> Result<()> {
    let time = |name| match member(claims, name) {
        None => Ok(None),
        Some(Value::Integer(seconds)) => u64::try_from(*seconds).map(Some).map_err(|_| failed("a time before 1970")),
        Some(Value::Float(seconds)) if *seconds >= 0.0 => Ok(Some(*seconds as u64)),
        Some(_) => Err(failed("a time that is no number")),
    };
    let expires = time("exp")?.ok_or(failed("no exp"))?;
    let issued = time("iat")?.ok_or(failed("no iat"))?;
    let latest = now.secs() + limits::LEEWAY;
    if issued > latest || time("nbf")?.is_some_and(|from| from > latest) {
        return Err(failed("the token is from the future"));
    }
    if expires <= issued {
        return Err(failed("exp is not after iat"));
    }
    if now.secs() >= expires.saturating_add(limits::LEEWAY) { Err(failed("the token has expired")) } else { Ok(()) }
}

fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(members) = value else { return None };
    members.iter().find(|(found, _)| found == name).map(|(_, value)| value)
}

fn at<'a, S: AsRef<str>>(value: &'a Value, path: &[S]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| member(value, name.as_ref()))
}

fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    match at(value, path) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}
