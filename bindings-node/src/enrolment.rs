//! Enrolment: challenges, requests, a launcher's word, attestors, and measurements.

use std::sync::Mutex;

use deputize::{
    Attestor, Code, CodeAttestor, Digest, IdentityAuthority, IdentityGrant, JwtAttestor, Launch, Launcher, Now, Operation, Outcome,
    ParentAttestor, Registrar, Result, SigningKey, Store, Value, enrol, os, vouch,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::constraints::constraint;
use crate::errors::{self, thrown};
use crate::fields::{Fields, bytes, key, list, parts, text};
use crate::grant::system_now;
use crate::identity::{issued, with};
use crate::store::{Memory, answered, question};
use crate::tape;
use crate::verifier::time;

/// The agent's request: an answer to a challenge.
#[napi(catch_unwind)]
pub fn enrolment_request(
    signer: &External<SigningKey>,
    challenge: BufferSlice,
    authority: String,
    attestor: String,
    evidence: BufferSlice,
) -> errors::Result<Buffer> {
    let signer: &SigningKey = signer;
    let request = system_now().and_then(|now| enrol(signer, &authority, &challenge, &attestor, &evidence, now));
    request.map(Buffer::from).map_err(thrown)
}

/// A launcher's word about an agent that it started.
#[napi(catch_unwind)]
pub fn enrolment_vouch(
    signer: &External<SigningKey>,
    launcher: String,
    child: String,
    child_key: BufferSlice,
    challenge: BufferSlice,
    measurement: Option<BufferSlice>,
) -> errors::Result<Buffer> {
    let word = || {
        let signer: &SigningKey = signer;
        let launch = Launch::new(&launcher, &child, &crate::keys::public(&child_key)?);
        let launch = match measurement {
            Some(digest) => launch.measurement(Digest::try_from_slice(&digest)?),
            None => launch,
        };
        vouch(signer, &launch, &challenge, system_now()?)
    };
    word().map(Buffer::from).map_err(thrown)
}

/// The digest of files below a root.
#[napi(catch_unwind)]
pub fn measure(root: String, paths: Vec<String>) -> errors::Result<Buffer> {
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    os::measure(root, &paths).map(|digest| digest.as_bytes().to_vec().into()).map_err(thrown)
}

/// Refuses what is no attestor.
#[napi(catch_unwind)]
pub fn attestor_check(form: BufferSlice) -> errors::Result<()> {
    let authority = || IdentityAuthority::new("authority", os::generate_key()?.verifying_key());
    authority().and_then(|authority| attested_by(Registrar::new(authority), &form)).map(drop).map_err(thrown)
}

/// A registrar of the authority with this name and key, from a tape of each attestor.
#[napi(catch_unwind)]
pub fn registrar_new(signer: &External<SigningKey>, name: String, attestors: Vec<BufferSlice>) -> errors::Result<External<Registrar>> {
    let make = || {
        let authority = IdentityAuthority::new(&name, signer.verifying_key())?;
        attestors.iter().try_fold(Registrar::new(authority), |registrar, form| attested_by(registrar, form))
    };
    make().map(External::new).map_err(thrown)
}

/// The registrar with an attestor of `{attestor, name, …}`.
fn attested_by(registrar: Registrar, form: &[u8]) -> Result<Registrar> {
    let mut given = Fields::read(form)?;
    let name = given.required("name", text)?;
    match given.required("attestor", text)?.as_str() {
        "parent" => registrar.with_attestor(ParentAttestor::new(&name, launchers(&mut given)?)?),
        "code" => {
            let measurement = |value| {
                let [digest, agent] = parts(value)?;
                Ok((Digest::try_from_slice(&bytes(digest)?)?, text(agent)?))
            };
            let measurements = given.required("measurements", list(measurement))?;
            let named = measurements.iter().map(|(digest, agent)| (*digest, agent.as_str()));
            registrar.with_attestor(CodeAttestor::new(&name, launchers(&mut given)?, named)?)
        }
        "jwt" => registrar.with_attestor(jwt(&name, &mut given)?),
        _ => Err(tape::broken()),
    }
}

fn launchers(given: &mut Fields) -> Result<Vec<Launcher>> {
    let launcher = |value| {
        let [name, of] = parts(value)?;
        Launcher::new(&text(name)?, &key(of)?)
    };
    given.required("launchers", list(launcher))
}

/// An attestor for tokens of a platform, or of an issuer that is described.
fn jwt(name: &str, given: &mut Fields) -> Result<impl Attestor + use<>> {
    let audience = given.required("audience", text)?;
    let jwks = given.required("jwks", bytes)?;
    let attestor = match given.required("platform", text)?.as_str() {
        "github_actions" => JwtAttestor::github_actions(name, &audience, &given.required("repository", text)?, &jwks)?,
        "kubernetes" => {
            let (issuer, namespace) = (given.required("issuer", text)?, given.required("namespace", text)?);
            JwtAttestor::kubernetes(name, &issuer, &audience, &namespace, &given.required("account", text)?, &jwks)?
        }
        "spiffe" => JwtAttestor::spiffe(name, &given.required("trustDomain", text)?, &audience, &jwks)?,
        _ => {
            let subjects = given.required("subjects", constraint)?;
            JwtAttestor::new(name, &given.required("issuer", text)?, &audience, subjects, &jwks)?
        }
    };
    let path = |value: Value| list(text)(value);
    let required = |value: Value| {
        let [claim, form] = parts(value)?;
        Ok((path(claim)?, constraint(form)?))
    };
    let attribute = |value: Value| {
        let [attribute, claim] = parts(value)?;
        Ok((text(attribute)?, path(claim)?))
    };
    let attestor = given
        .required("require", list(required))?
        .into_iter()
        .fold(attestor, |attestor, (claim, constraint)| attestor.require(claim.iter().map(String::as_str), constraint));
    let attributes = given.required("attributes", list(attribute))?;
    Ok(attributes.iter().fold(attestor, |attestor, (name, claim)| attestor.attribute(name, claim.iter().map(String::as_str))))
}

#[napi(catch_unwind)]
pub fn registrar_challenge(
    registrar: &External<Registrar>,
    signer: &External<SigningKey>,
    ttl: f64,
    now_ms: Option<f64>,
) -> errors::Result<Buffer> {
    let signer: &SigningKey = signer;
    let challenge = time(now_ms).and_then(|now| registrar.challenge(signer, ttl as u64, &mut os::SysRng, now));
    challenge.map(Buffer::from).map_err(thrown)
}

/// Admits an agent; the challenge is claimed in a store in memory.
#[napi(catch_unwind)]
pub fn registrar_admit(
    registrar: &External<Registrar>,
    request: BufferSlice,
    store: &External<Memory>,
    now_ms: Option<f64>,
) -> errors::Result<External<IdentityGrant>> {
    time(now_ms).and_then(|now| registrar.admit(&request, &***store, now)).map(External::new).map_err(thrown)
}

/// Keeps what it is asked, and answers nothing.
#[derive(Default)]
struct Listening(Mutex<Option<Value>>);

impl Store for Listening {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        if let Ok(mut asked) = self.0.lock() {
            *asked = Some(question(transaction, now));
        }
        Outcome::Unavailable
    }
}

/// Gives the answer of a store in JavaScript.
struct Answered(Outcome);

impl Store for Answered {
    fn commit(&self, _: &[Operation], _: Now) -> Outcome {
        self.0
    }
}

/// What a store in JavaScript is asked before an agent is admitted; refuses whom no store would help.
#[napi(catch_unwind)]
pub fn registrar_question(registrar: &External<Registrar>, request: BufferSlice, now_ms: Option<f64>) -> errors::Result<Buffer> {
    let ask = || {
        let store = Listening::default();
        let error = match registrar.admit(&request, &store, time(now_ms)?) {
            Ok(_) => tape::broken(),
            Err(error) => error,
        };
        let asked = store.0.into_inner().ok().flatten();
        asked.filter(|_| error.code() == Code::StoreUnavailable).ok_or(error)
    };
    ask().map(|asked| tape::write(&asked).into()).map_err(thrown)
}

/// The same request at the same time, with the store's answer: it is judged again, in full.
#[napi(catch_unwind)]
pub fn registrar_answered(
    registrar: &External<Registrar>,
    request: BufferSlice,
    now_ms: f64,
    answer: String,
    index: f64,
) -> errors::Result<External<IdentityGrant>> {
    let store = Answered(answered(&answer, index));
    time(Some(now_ms)).and_then(|now| registrar.admit(&request, &store, now)).map(External::new).map_err(thrown)
}

/// The identity of an admitted agent, with what the authority adds.
#[napi(catch_unwind)]
pub fn admission_issue(
    admitted: &External<IdentityGrant>,
    signer: &External<SigningKey>,
    authority: String,
    options: BufferSlice,
) -> errors::Result<Buffer> {
    let issue = || {
        let mut given = Fields::read(&options)?;
        issued(signer, &authority, &with((**admitted).clone(), &mut given)?)
    };
    issue().map_err(thrown)
}
