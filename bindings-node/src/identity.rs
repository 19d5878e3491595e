//! Identity documents: making them, and what a verifier asks of them.

use deputize::{
    Code, Digest, Error, Hops, IdentityAuthority, IdentityGrant, IdentityKind, IdentityPolicy, IdentityRule, IdentityState, Result,
    SigningKey, UnverifiedIdentity, Value, VerifiedIdentity, issue_identity, os,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{self, thrown};
use crate::fields::{Fields, bytes, key, list, map, number, parts, text};
use crate::grant::system_now;
use crate::tape;
use crate::verifier::time;

/// A grant with what is given of `{kind, state, environment, attributes, attestor, evidence, ttl}`.
pub(crate) fn with(mut grant: IdentityGrant, given: &mut Fields) -> Result<IdentityGrant> {
    if let Some(kind) = given.optional("kind", kind)? {
        grant = grant.kind(kind);
    }
    if let Some(word) = given.optional("state", text)? {
        let state = IdentityState::from_name(&word).ok_or_else(|| Error::named(Code::ClaimInvalid, "state", &word))?;
        grant = grant.state(state);
    }
    if let Some(environment) = given.optional("environment", text)? {
        grant = grant.environment(&environment);
    }
    for (name, value) in given.optional("attributes", attributes)?.into_iter().flatten() {
        grant = grant.attribute(&name, value);
    }
    if let Some(attestor) = given.optional("attestor", text)? {
        grant = grant.attestor(&attestor);
    }
    if let Some(evidence) = given.optional("evidence", bytes)? {
        grant = grant.evidence(Digest::try_from_slice(&evidence)?);
    }
    Ok(match given.optional("ttl", number)? {
        Some(ttl) => grant.ttl(ttl),
        None => grant,
    })
}

fn kind(value: Value) -> Result<IdentityKind> {
    let word = text(value)?;
    IdentityKind::from_name(&word).ok_or_else(|| Error::named(Code::ClaimInvalid, "kind", &word))
}

fn attributes(value: Value) -> Result<Vec<(String, Value)>> {
    if let Value::Map(members) = value { Ok(members) } else { Err(tape::broken()) }
}

/// An identity document in the authority's name, for `{name, key}` and what `with` reads.
#[napi(catch_unwind)]
pub fn identity_issue(signer: &External<SigningKey>, authority: String, options: BufferSlice) -> errors::Result<Buffer> {
    let issue = || {
        let mut given = Fields::read(&options)?;
        let grant = IdentityGrant::new(&given.required("name", text)?, &given.required("key", key)?);
        issued(signer, &authority, &with(grant, &mut given)?)
    };
    issue().map_err(thrown)
}

/// The document of a grant.
pub(crate) fn issued(signer: &SigningKey, authority: &str, grant: &IdentityGrant) -> Result<Buffer> {
    issue_identity(signer, authority, grant, &mut os::SysRng, system_now()?).map(Buffer::from)
}

/// A policy from `{authorities: [[name, key]], rules}`.
pub(crate) fn policy(form: &[u8]) -> Result<IdentityPolicy> {
    let mut given = Fields::read(form)?;
    let authority = |value| {
        let [name, of] = parts(value)?;
        IdentityAuthority::new(&text(name)?, &key(of)?)
    };
    let policy = IdentityPolicy::new(given.required("authorities", list(authority))?)?;
    let rules = given.required("rules", list(rule))?;
    rules.into_iter().try_fold(policy, IdentityPolicy::with_rule)
}

/// A rule from `{on, kind, environment, attributes, attestors}`.
fn rule(value: Value) -> Result<IdentityRule> {
    let mut given = Fields::of(value)?;
    let on = given.required("on", text)?;
    let hops = [("all", Hops::All), ("leaf", Hops::Leaf), ("root", Hops::Root)].into_iter().find(|(word, _)| *word == on);
    let (_, hops) = hops.ok_or_else(|| Error::named(Code::ConfigInvalid, "a rule is on all, leaf or root, not on", &on))?;
    let mut rule = IdentityRule::new(hops);
    if let Some(word) = given.optional("kind", text)? {
        let kind = IdentityKind::from_name(&word).ok_or_else(|| Error::named(Code::ConfigInvalid, "kind", &word))?;
        rule = rule.kind(kind);
    }
    if let Some(environment) = given.optional("environment", text)? {
        rule = rule.environment(&environment);
    }
    for (name, value) in given.optional("attributes", attributes)?.into_iter().flatten() {
        rule = rule.attribute(&name, value);
    }
    Ok(match given.optional("attestors", list(text))? {
        Some(names) => rule.attestors(names.iter().map(String::as_str)),
        None => rule,
    })
}

#[napi(catch_unwind)]
pub fn identity_policy_new(form: BufferSlice) -> errors::Result<External<IdentityPolicy>> {
    policy(&form).map(External::new).map_err(thrown)
}

/// What a document says, if an authority of the policy signed it and it is valid now.
#[napi(catch_unwind)]
pub fn identity_verify(policy: &External<IdentityPolicy>, document: BufferSlice, now_ms: Option<f64>) -> errors::Result<Buffer> {
    let verified = time(now_ms).and_then(|now| policy.verify(&document, now)).map_err(thrown)?;
    Ok(tape::write(&identity_to_value(&verified)).into())
}

fn identity_to_value(identity: &VerifiedIdentity) -> Value {
    let attributes = identity.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    map(vec![
        ("authority", Some(Value::from(identity.authority().name()))),
        ("name", Some(Value::from(identity.name()))),
        ("key", Some(Value::Bytes(identity.key().as_bytes().to_vec()))),
        ("kind", Some(Value::from(identity.kind().as_str()))),
        ("state", Some(Value::from(identity.state().as_str()))),
        ("environment", identity.environment().map(Value::from)),
        ("attributes", Some(Value::Map(attributes))),
        ("attestor", identity.attestor().map(Value::from)),
        ("evidence", identity.evidence().map(|digest| Value::Text(digest.to_string()))),
        ("id", Some(Value::Text(identity.id().to_string()))),
        ("issued", Some(seconds(identity.issued()))),
        ("expires", Some(seconds(identity.expires()))),
    ])
}

#[napi(catch_unwind)]
pub fn identity_from_text(encoding: String) -> errors::Result<Buffer> {
    UnverifiedIdentity::from_text(&encoding).map(|identity| identity.encode().to_vec().into()).map_err(thrown)
}

/// What a document says, unverified.
#[napi(catch_unwind)]
pub fn identity_info(document: BufferSlice) -> errors::Result<Buffer> {
    let identity = UnverifiedIdentity::decode(&document).map_err(thrown)?;
    let attributes = identity.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let info = map(vec![
        ("authority", Some(Value::from(identity.authority()))),
        ("name", Some(Value::from(identity.name()))),
        ("key", Some(Value::Bytes(identity.key().as_bytes().to_vec()))),
        ("kind", Some(Value::from(identity.kind().as_str()))),
        ("state", Some(Value::from(identity.state().as_str()))),
        ("environment", identity.environment().map(Value::from)),
        ("attributes", Some(Value::Map(attributes))),
        ("attestor", identity.attestor().map(Value::from)),
        ("id", Some(Value::Text(identity.id().to_string()))),
        ("issued", Some(seconds(identity.issued()))),
        ("expires", Some(seconds(identity.expires()))),
    ]);
    Ok(tape::write(&info).into())
}
