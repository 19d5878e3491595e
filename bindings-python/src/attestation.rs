//! Enrolment: attestors, the authority's registrar, the agent's request, a launcher's word, and measurements.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use deputize::{
    Attestor, Code, Digest, Enrolment, Error, IdentityAuthority, IdentityGrant, Launch, Launcher, Now, Operation, Outcome, Store, limits,
    os,
};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::constraints::{Entries, dict_of};
use crate::convert::{self, duration, sequence, text, verifying_key};
use crate::errors::{Failure, Result, entry, unsupported};
use crate::given::{self, id, signer, system_now};
use crate::identity::{Identity, described, issued};
use crate::keys::SigningKey;
use crate::log::tell;
use crate::store::{MemoryStore, commit};

const NOT_COPIED: &str = "a registrar is not copied or pickled, because it holds a key";
const LAUNCHERS: &str = "launchers: a list of Agent and (name, key)";

/// An attestor of any kind, which several registrars may share.
#[derive(Clone)]
struct Shared(Arc<dyn Attestor>);

impl Attestor for Shared {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn attest(&self, enrolment: &Enrolment<'_>, now: Now) -> deputize::Result<IdentityGrant> {
        self.0.attest(enrolment, now)
    }
}

fn launchers(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<Launcher>> {
    let known = given::named_keys(object, Code::ConfigInvalid, LAUNCHERS)?;
    known.iter().map(|(name, key)| Launcher::new(name, key)).collect()
}

fn own_name(object: &Bound<'_, PyAny>) -> deputize::Result<String> {
    text(object, Code::ConfigInvalid, "the name of an attestor")
}

/// Takes a launcher's word for the name of an agent below it.
#[pyclass(frozen, module = "deputize")]
pub struct ParentAttestor(Shared);

#[pymethods]
impl ParentAttestor {
    #[new]
    fn new(name: &Bound<'_, PyAny>, launchers: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(ParentAttestor(Shared(Arc::new(deputize::ParentAttestor::new(&own_name(name)?, self::launchers(launchers)?)?)))))
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }
}

/// Takes a launcher's word for what code an agent was started from, and knows which agent that is.
#[pyclass(frozen, module = "deputize")]
pub struct CodeAttestor(Shared);

#[pymethods]
impl CodeAttestor {
    #[new]
    fn new(name: &Bound<'_, PyAny>, launchers: &Bound<'_, PyAny>, measurements: &Bound<'_, PyAny>) -> PyResult<Self> {
        const WHAT: &str = "measurements: {digest: name of the agent}";
        entry(|| {
            let mut known = Vec::new();
            for (digest, agent) in dict_of(measurements, Code::ConfigInvalid, WHAT)?.iter() {
                let digest = id(&digest, WHAT).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))?;
                known.push((Digest::from_bytes(digest), text(&agent, Code::ConfigInvalid, WHAT)?));
            }
            let measurements = known.iter().map(|(digest, agent)| (*digest, agent.as_str()));
            let attestor = deputize::CodeAttestor::new(&own_name(name)?, self::launchers(launchers)?, measurements)?;
            Ok(CodeAttestor(Shared(Arc::new(attestor))))
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }
}

/// Takes a JWT of a platform for who an agent is.
#[pyclass(frozen, module = "deputize")]
pub struct JwtAttestor(Shared);

#[pymethods]
impl JwtAttestor {
    #[new]
    #[pyo3(signature = (name, issuer, audience, subjects, jwks, require=None, attributes=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        issuer: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        subjects: &Bound<'_, PyAny>,
        jwks: &Bound<'_, PyAny>,
        require: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let subjects = Entries::default().entry(subjects)?;
            let (issuer, audience) = (configured(issuer)?, configured(audience)?);
            let attestor = deputize::JwtAttestor::new(&own_name(name)?, &issuer, &audience, subjects, &key_set(jwks)?)?;
            completed(attestor, require, attributes)
        })
    }

    /// For jobs of GitHub Actions in a repository.
    #[staticmethod]
    #[pyo3(signature = (name, audience, repository, jwks, require=None, attributes=None))]
    fn github_actions(
        name: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        repository: &Bound<'_, PyAny>,
        jwks: &Bound<'_, PyAny>,
        require: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (audience, repository) = (configured(audience)?, configured(repository)?);
            let attestor = deputize::JwtAttestor::github_actions(&own_name(name)?, &audience, &repository, &key_set(jwks)?)?;
            completed(attestor, require, attributes)
        })
    }

    /// For pods of Kubernetes that run under a service account.
    #[staticmethod]
    #[pyo3(signature = (name, issuer, audience, namespace, account, jwks, require=None, attributes=None))]
    #[allow(clippy::too_many_arguments, reason = "as many as the platform has names")]
    fn kubernetes(
        name: &Bound<'_, PyAny>,
        issuer: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        namespace: &Bound<'_, PyAny>,
        account: &Bound<'_, PyAny>,
        jwks: &Bound<'_, PyAny>,
        require: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (name, issuer, audience) = (own_name(name)?, configured(issuer)?, configured(audience)?);
            let (namespace, account) = (configured(namespace)?, configured(account)?);
            let attestor = deputize::JwtAttestor::kubernetes(&name, &issuer, &audience, &namespace, &account, &key_set(jwks)?)?;
            completed(attestor, require, attributes)
        })
    }

    /// For workloads of a SPIFFE trust domain, by JWT-SVID.
    #[staticmethod]
    #[pyo3(signature = (name, trust_domain, audience, jwks, require=None, attributes=None))]
    fn spiffe(
        name: &Bound<'_, PyAny>,
        trust_domain: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        jwks: &Bound<'_, PyAny>,
        require: Option<&Bound<'_, PyAny>>,
        attributes: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (trust_domain, audience) = (configured(trust_domain)?, configured(audience)?);
            let attestor = deputize::JwtAttestor::spiffe(&own_name(name)?, &trust_domain, &audience, &key_set(jwks)?)?;
            completed(attestor, require, attributes)
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }
}

fn configured(object: &Bound<'_, PyAny>) -> deputize::Result<String> {
    text(object, Code::ConfigInvalid, "a text is expected")
}

/// A JWKS: bytes or a text.
fn key_set(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    match convert::bytes_up_to(object, limits::MAX_JWKS)? {
        Some(bytes) => Ok(bytes),
        None => Ok(text(object, Code::ConfigInvalid, "jwks: bytes or a text")?.into_bytes()),
    }
}

/// The attestor with `{path: entry}` that tokens satisfy, and `{attribute: path}` that identities get.
fn completed(
    mut attestor: deputize::JwtAttestor,
    require: Option<&Bound<'_, PyAny>>,
    attributes: Option<&Bound<'_, PyAny>>,
) -> Result<JwtAttestor> {
    if let Some(require) = require {
        for (claim, entry) in dict_of(require, Code::ConfigInvalid, "require: {claim: constraint}")?.iter() {
            let (path, constraint) = (path(&claim)?, Entries::default().entry(&entry)?);
            attestor = attestor.require(path.iter().map(String::as_str), constraint);
        }
    }
    if let Some(attributes) = attributes {
        const WHAT: &str = "attributes: {name: claim}";
        for (name, claim) in dict_of(attributes, Code::ConfigInvalid, WHAT)?.iter() {
            let (name, path) = (text(&name, Code::ConfigInvalid, WHAT)?, path(&claim)?);
            attestor = attestor.attribute(&name, path.iter().map(String::as_str));
        }
    }
    Ok(JwtAttestor(Shared(Arc::new(attestor))))
}

/// A claim: its name, or a tuple of names that leads to it.
fn path(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<String>> {
    const WHAT: &str = "a claim: its name, or a tuple of names";
    if object.cast_exact::<PyString>().is_ok() {
        return Ok(vec![text(object, Code::ConfigInvalid, WHAT)?]);
    }
    given::texts(object, Code::ConfigInvalid, WHAT)
}

fn attestor_of(object: &Bound<'_, PyAny>) -> deputize::Result<Shared> {
    if let Ok(attestor) = object.cast::<ParentAttestor>() {
        return Ok(attestor.get().0.clone());
    }
    if let Ok(attestor) = object.cast::<CodeAttestor>() {
        return Ok(attestor.get().0.clone());
    }
    if let Ok(attestor) = object.cast::<JwtAttestor>() {
        return Ok(attestor.get().0.clone());
    }
    Err(Error::about(Code::ConfigInvalid, "attestors: a list of ParentAttestor, CodeAttestor and JwtAttestor"))
}

/// Lets agents enrol with one authority.
#[pyclass(frozen, module = "deputize")]
pub struct Registrar {
    registrar: deputize::Registrar,
    agent: Py<PyAny>,
    authority: String,
    key: Py<SigningKey>,
}

#[pymethods]
impl Registrar {
    #[new]
    fn new(agent: &Bound<'_, PyAny>, attestors: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let (authority, key) = signer(agent)?;
            let own = IdentityAuthority::new(&authority, key.get().0.verifying_key())?;
            let mut registrar = deputize::Registrar::new(own);
            let list = sequence(attestors).ok_or(Error::about(Code::ConfigInvalid, "attestors: a list"))?;
            for attestor in list.iter_borrowed() {
                registrar = registrar.with_attestor(attestor_of(&attestor)?)?;
            }
            Ok(Registrar { registrar, agent: agent.clone().unbind(), authority, key })
        })
    }

    /// A challenge that one request can answer.
    #[pyo3(signature = (ttl=None))]
    fn challenge<'py>(&self, py: Python<'py>, ttl: Option<&Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| {
            let ttl = ttl.map_or(Ok(60), duration)?;
            let challenge = self.registrar.challenge(&self.key.get().0, ttl, &mut os::SysRng, system_now()?)?;
            Ok(PyBytes::new(py, &challenge))
        })
    }

    /// Judges a request, and claims its challenge in the store.
    fn admit(&self, request: &Bound<'_, PyAny>, store: &Bound<'_, PyAny>) -> PyResult<Admitted> {
        entry(|| self.admitted(request, store).map(Admitted))
    }

    /// The identity of an agent that was admitted, with what the authority says of it.
    #[pyo3(signature = (admitted, **options))]
    fn issue(&self, py: Python<'_>, admitted: &Bound<'_, PyAny>, options: Option<&Bound<'_, PyDict>>) -> PyResult<Identity> {
        entry(|| {
            let admitted = admitted.cast::<Admitted>().map_err(|_| Error::about(Code::ConfigInvalid, "admitted: what admit gave"))?;
            refuse_judged(options)?;
            self.issued(py, &described(admitted.get().0.clone(), options)?)
        })
    }

    /// Admits an agent, and issues its identity.
    #[pyo3(signature = (request, store, **options))]
    fn enrol(
        &self,
        py: Python<'_>,
        request: &Bound<'_, PyAny>,
        store: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Identity> {
        entry(|| {
            refuse_judged(options)?;
            self.issued(py, &described(self.admitted(request, store)?, options)?)
        })
    }

    fn __repr__(&self) -> String {
        format!("Registrar({:?})", self.authority)
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.agent)
    }
}

impl Registrar {
    /// Recorded before anybody gets it, as what the agent issues by itself.
    fn issued(&self, py: Python<'_>, grant: &IdentityGrant) -> Result<Identity> {
        let identity = issued(py, &self.key, &self.authority, grant)?;
        tell(self.agent.bind(py), |now| Ok(deputize::AuditEvent::identified(&identity.0, now)))?;
        Ok(identity)
    }

    fn admitted(&self, request: &Bound<'_, PyAny>, store: &Bound<'_, PyAny>) -> Result<IdentityGrant> {
        let request = convert::bytes(request)?.ok_or(Error::about(Code::Malformed, "a request is bytes"))?;
        let now = system_now()?;
        if let Ok(memory) = store.cast::<MemoryStore>() {
            return Ok(self.registrar.admit(&request, &*memory.get().begun()?, now)?);
        }
        if !store.getattr("commit").is_ok_and(|commit| commit.is_callable()) {
            return Err(Error::about(Code::ConfigInvalid, "store: a MemoryStore, or a store with a method commit").into());
        }
        let asked = Asked { store: store.clone().unbind(), raised: Mutex::default() };
        let admitted = self.registrar.admit(&request, &asked, now);
        match asked.raised.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(raised) => Err(raised),
            None => Ok(admitted?),
        }
    }
}

/// Who an agent is, and by what evidence, is for the attestor to say. Refused before the challenge is used up.
fn refuse_judged(options: Option<&Bound<'_, PyDict>>) -> deputize::Result<()> {
    const ADDED: [&str; 5] = ["kind", "state", "environment", "attributes", "ttl"];
    for name in options.iter().flat_map(|options| options.keys().iter().collect::<Vec<_>>()) {
        let name = text(&name, Code::ConfigInvalid, "the name of an option")?;
        if !ADDED.contains(&&*name) {
            return Err(Error::named(Code::ConfigInvalid, "option", &name));
        }
    }
    Ok(())
}

/// A store that is written in Python, and what it raised to end the program.
struct Asked {
    store: Py<PyAny>,
    raised: Mutex<Option<Failure>>,
}

impl Store for Asked {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        Python::attach(|py| match commit(py, &self.store, transaction, now) {
            Ok(outcome) => outcome,
            Err(raised) => {
                *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(raised);
                Outcome::Unavailable
            }
        })
    }
}

/// An agent that a registrar admitted: who it is, by the attestor's judgement.
#[pyclass(frozen, module = "deputize")]
pub struct Admitted(IdentityGrant);

/// An agent asks an authority for an identity of its key.
#[pyfunction]
pub fn enrol<'py>(
    py: Python<'py>,
    agent: &Bound<'py, PyAny>,
    challenge: &Bound<'py, PyAny>,
    authority: &Bound<'py, PyAny>,
    attestor: &Bound<'py, PyAny>,
    evidence: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| {
        let (_, key) = signer(agent)?;
        let challenge = challenge_of(challenge)?;
        let authority = given::name(authority, "authority: a name, or an Agent")?;
        let attestor = text(attestor, Code::NameInvalid, "attestor: a name")?;
        let evidence = match convert::bytes(evidence)? {
            Some(bytes) => bytes,
            None => text(evidence, Code::Malformed, "evidence: bytes or a text")?.into_bytes(),
        };
        Ok(PyBytes::new(py, &deputize::enrol(&key.get().0, &authority, &challenge, &attestor, &evidence, system_now()?)?))
    })
}

/// A launcher's word about an agent that it started.
#[pyfunction]
#[pyo3(signature = (agent, child_name, child_key, challenge, measurement=None))]
pub fn vouch<'py>(
    py: Python<'py>,
    agent: &Bound<'py, PyAny>,
    child_name: &Bound<'py, PyAny>,
    child_key: &Bound<'py, PyAny>,
    challenge: &Bound<'py, PyAny>,
    measurement: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| {
        let (launcher, key) = signer(agent)?;
        let child = text(child_name, Code::NameInvalid, "the name of the agent")?;
        let mut launch = Launch::new(&launcher, &child, &verifying_key(child_key, Code::KeyInvalid, "the key of the agent")?);
        if let Some(measurement) = measurement {
            launch = launch.measurement(Digest::from_bytes(id(measurement, "measurement: 32 bytes")?));
        }
        Ok(PyBytes::new(py, &deputize::vouch(&key.get().0, &launch, &challenge_of(challenge)?, system_now()?)?))
    })
}

fn challenge_of(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    convert::bytes(object)?.ok_or(Error::about(Code::Malformed, "a challenge is bytes"))
}

/// The digest of the files at these paths below a root.
#[pyfunction]
pub fn measure<'py>(py: Python<'py>, root: PathBuf, paths: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| {
        let paths = given::texts(paths, Code::FileUnavailable, "paths: a list of texts")?;
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        Ok(PyBytes::new(py, py.detach(|| os::measure(root, &paths))?.as_bytes()))
    })
}
