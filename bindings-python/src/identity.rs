//! Identity documents: making them, and what a verifier asks of them.

use deputize::{Code, Digest, Error, Hops, IdentityAuthority, IdentityGrant, IdentityKind, IdentityState, UnverifiedIdentity, Value, os};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::convert::{self, duration, map_to_python, sequence, text, verifying_key};
use crate::errors::{Result, entry};
use crate::given::{self, callback, id, read_clock, signer, system_now};
use crate::keys::{SigningKey, VerifyingKey};

/// An identity document. Nobody has checked it: an `IdentityPolicy` does.
#[pyclass(frozen, module = "deputize")]
pub struct Identity(pub UnverifiedIdentity);

#[pymethods]
impl Identity {
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let data = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "an identity is bytes"))?;
            Ok(Identity(UnverifiedIdentity::decode(&data)?))
        })
    }

    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let text = convert::text(text, Code::TextMalformed, "an identity is a text")?;
            Ok(Identity(UnverifiedIdentity::from_text(&text)?))
        })
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode())
    }

    #[getter]
    fn text(&self) -> String {
        self.0.to_text()
    }

    /// What it says, as a dict; absent members are left out. Nobody has checked it.
    fn unverified_claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        entry(|| {
            let dict = PyDict::new(py);
            dict.set_item("authority", self.0.authority())?;
            dict.set_item("name", self.0.name())?;
            dict.set_item("key", VerifyingKey(self.0.key().clone()))?;
            dict.set_item("kind", self.0.kind().as_str())?;
            dict.set_item("state", self.0.state().as_str())?;
            for (name, text) in [("environment", self.0.environment()), ("attestor", self.0.attestor())] {
                if let Some(text) = text {
                    dict.set_item(name, text)?;
                }
            }
            dict.set_item("attributes", map_to_python(py, self.0.attributes())?)?;
            dict.set_item("id", self.0.id().to_string())?;
            dict.set_item("issued", self.0.issued().secs())?;
            dict.set_item("expires", self.0.expires().secs())?;
            Ok(dict)
        })
    }

    fn __str__(&self) -> String {
        self.0.to_text()
    }

    fn __repr__(&self) -> String {
        format!("Identity({:?}, unverified)", self.0.name())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Identity>().is_ok_and(|other| other.get().0.encode() == self.0.encode())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.bytes(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Identity>().getattr("decode")?, (self.bytes(py),)))
    }
}

fn identity_bytes(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    if let Ok(identity) = object.cast::<Identity>() {
        return Ok(identity.get().0.encode().to_vec());
    }
    convert::bytes(object)?.ok_or(Error::about(Code::Malformed, "an identity is an Identity or bytes"))
}

/// A grant with what is given of kind, state, environment, attributes, attestor, evidence, ttl.
pub fn described(mut grant: IdentityGrant, options: Option<&Bound<'_, PyDict>>) -> Result<IdentityGrant> {
    let Some(options) = options else { return Ok(grant) };
    for (name, value) in options.copy()?.iter().filter(|(_, value)| !value.is_none()) {
        let name = text(&name, Code::ConfigInvalid, "the name of an option")?;
        grant = match &*name {
            "kind" => grant.kind(kind(&value, Code::ClaimInvalid)?),
            "state" => {
                let word = text(&value, Code::ClaimInvalid, "state: a text")?;
                grant.state(IdentityState::from_name(&word).ok_or_else(|| Error::named(Code::ClaimInvalid, "state", &word))?)
            }
            "environment" => grant.environment(&text(&value, Code::NameInvalid, "environment: a text")?),
            "attributes" => attributes(&value)?.into_iter().fold(grant, |grant, (name, value)| grant.attribute(&name, value)),
            "attestor" => grant.attestor(&text(&value, Code::NameInvalid, "attestor: a text")?),
            "evidence" => grant.evidence(Digest::from_bytes(id(&value, "evidence: 32 bytes")?)),
            "ttl" => grant.ttl(duration(&value)?),
            _ => return Err(Error::named(Code::ConfigInvalid, "option", &name).into()),
        };
    }
    Ok(grant)
}

fn kind(object: &Bound<'_, PyAny>, code: Code) -> deputize::Result<IdentityKind> {
    let word = text(object, code, "kind: a text")?;
    IdentityKind::from_name(&word).ok_or_else(|| Error::named(code, "kind", &word))
}

fn attributes(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<(String, Value)>> {
    match convert::value(object)? {
        Value::Map(entries) => Ok(entries),
        _ => Err(Error::about(Code::ClaimInvalid, "attributes: a dict")),
    }
}

/// The document of a grant, by an authority.
pub fn issued(py: Python<'_>, key: &Py<SigningKey>, authority: &str, grant: &IdentityGrant) -> Result<Identity> {
    let key = &key.get().0;
    let issue = || UnverifiedIdentity::decode(&deputize::issue_identity(key, authority, grant, &mut os::SysRng, system_now()?)?);
    Ok(Identity(py.detach(issue)?))
}

/// An agent issues an identity document, as an authority of its name.
#[pyfunction]
pub fn issue_identity(
    py: Python<'_>,
    agent: &Bound<'_, PyAny>,
    name: &Bound<'_, PyAny>,
    key: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Identity> {
    entry(|| {
        let (authority, signing_key) = signer(agent)?;
        let name = text(name, Code::NameInvalid, "the name of an identity")?;
        let key = verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")?;
        issued(py, &signing_key, &authority, &described(IdentityGrant::new(&name, &key), Some(options))?)
    })
}

/// A rule: these holders have an identity, and it meets every condition.
#[pyclass(frozen, module = "deputize")]
pub struct IdentityRule(deputize::IdentityRule);

#[pymethods]
impl IdentityRule {
    #[new]
    #[pyo3(signature = (on, kind=None, environment=None, attributes=None, attestors=None))]
    fn new(
        on: &Bound<'_, PyAny>,
        kind: Option<&Bound<'_, PyAny>>,
        environment: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
        attestors: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            const HOPS: [(&str, Hops); 3] = [("all", Hops::All), ("leaf", Hops::Leaf), ("root", Hops::Root)];
            let word = text(on, Code::ConfigInvalid, "on: all, leaf or root")?;
            let hops = HOPS.into_iter().find(|(known, _)| *known == word);
            let (_, hops) = hops.ok_or_else(|| Error::named(Code::ConfigInvalid, "a rule is on all, leaf or root, not on", &word))?;
            let mut rule = deputize::IdentityRule::new(hops);
            if let Some(object) = kind {
                rule = rule.kind(self::kind(object, Code::ConfigInvalid)?);
            }
            if let Some(environment) = environment {
                rule = rule.environment(&text(environment, Code::ConfigInvalid, "environment: a text")?);
            }
            if let Some(object) = attributes {
                rule = self::attributes(object)?.into_iter().fold(rule, |rule, (name, value)| rule.attribute(&name, value));
            }
            if let Some(attestors) = attestors {
                let names = given::texts(attestors, Code::ConfigInvalid, "attestors: a list of names")?;
                rule = rule.attestors(names.iter().map(String::as_str));
            }
            Ok(IdentityRule(rule))
        })
    }
}

/// The authorities whose documents count, and the rules that holders have to meet.
#[pyclass(frozen, module = "deputize")]
pub struct IdentityPolicy {
    authorities: Vec<IdentityAuthority>,
    rules: Vec<deputize::IdentityRule>,
    policy: deputize::IdentityPolicy,
}

#[pymethods]
impl IdentityPolicy {
    #[new]
    #[pyo3(signature = (authorities, rules=None))]
    fn new(authorities: &Bound<'_, PyAny>, rules: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        const AUTHORITIES: &str = "authorities: a list of Agent and (name, key)";
        const RULES: &str = "rules: a list of IdentityRule";
        entry(|| {
            let authorities = given::named_keys(authorities, Code::ConfigInvalid, AUTHORITIES)?;
            let authorities = authorities.iter().map(|(name, key)| IdentityAuthority::new(name, key));
            let authorities = authorities.collect::<deputize::Result<Vec<_>>>()?;
            let mut known = Vec::new();
            if let Some(rules) = rules {
                for rule in sequence(rules).ok_or(Error::about(Code::ConfigInvalid, RULES))?.iter_borrowed() {
                    known.push(rule.cast::<IdentityRule>().map_err(|_| Error::about(Code::ConfigInvalid, RULES))?.get().0.clone());
                }
            }
            let policy = policy(&authorities, &known)?;
            Ok(IdentityPolicy { authorities, rules: known, policy })
        })
    }

    /// What a document says, if one of the authorities signed it and it is valid now. Raises `DeputizeError`.
    #[pyo3(signature = (identity, clock=None))]
    fn verify(&self, py: Python<'_>, identity: &Bound<'_, PyAny>, clock: Option<Bound<'_, PyAny>>) -> PyResult<VerifiedIdentity> {
        entry(|| {
            let document = identity_bytes(identity)?;
            let now = read_clock(py, callback(clock, "clock: a function")?.as_ref())?;
            Ok(VerifiedIdentity(py.detach(|| self.policy.verify(&document, now))?))
        })
    }
}

impl IdentityPolicy {
    /// The policy for one verifier, which has its own memory of documents.
    pub fn made(&self) -> deputize::Result<deputize::IdentityPolicy> {
        policy(&self.authorities, &self.rules)
    }
}

fn policy(authorities: &[IdentityAuthority], rules: &[deputize::IdentityRule]) -> deputize::Result<deputize::IdentityPolicy> {
    let policy = deputize::IdentityPolicy::new(authorities.iter().cloned())?;
    rules.iter().cloned().try_fold(policy, deputize::IdentityPolicy::with_rule)
}

/// An identity that an authority vouched for when it was checked.
#[pyclass(frozen, module = "deputize")]
pub struct VerifiedIdentity(deputize::VerifiedIdentity);

#[pymethods]
impl VerifiedIdentity {
    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn key(&self) -> VerifyingKey {
        VerifyingKey(self.0.key().clone())
    }

    /// The name of the authority.
    #[getter]
    fn authority(&self) -> &str {
        self.0.authority().name()
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind().as_str()
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.0.state().as_str()
    }

    #[getter]
    fn environment(&self) -> Option<&str> {
        self.0.environment()
    }

    /// The attributes, as a new dict each time.
    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        entry(|| Ok(map_to_python(py, self.0.attributes())?))
    }

    #[getter]
    fn attestor(&self) -> Option<&str> {
        self.0.attestor()
    }

    #[getter]
    fn evidence(&self) -> Option<String> {
        self.0.evidence().map(|digest| digest.to_string())
    }

    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    #[getter]
    fn issued(&self) -> u64 {
        self.0.issued().secs()
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.0.expires().secs()
    }

    fn __repr__(&self) -> String {
        format!("VerifiedIdentity({:?} by {:?})", self.0.name(), self.0.authority().name())
    }
}
