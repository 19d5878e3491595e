//! The verifier.

use std::sync::OnceLock;

use deputize::{Call, Code, Error, Now, Received, Store as _};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::convert::{self, sequence, text, unsigned, verifying_key};
use crate::decision::{AuditRecord, Authorized, VerifiedChain};
use crate::errors::{Failure, Result, denial, entry, failed_callback};
use crate::store::{Kind, begin, commit, kind_of};
use crate::token::{Chain, Presentation, system_now};

const NO_STORE: &str =
    "store: one of several processes needs a store that they share, such as deputize.redis.RedisStore, or says so with MemoryStore()";

/// Someone whose roots a verifier accepts.
#[pyclass(frozen, module = "deputize")]
pub struct TrustAnchor {
    anchor: deputize::TrustAnchor,
    may_impersonate: bool,
}

#[pymethods]
impl TrustAnchor {
    #[new]
    #[pyo3(signature = (name, key, may_impersonate=None))]
    fn new(name: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>, may_impersonate: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        entry(|| {
            let flag = |given| convert::boolean(given, Code::ConfigInvalid, "may_impersonate: a bool");
            let may_impersonate = may_impersonate.map_or(Ok(false), flag)?;
            let anchor = anchor(name, key)?;
            let anchor = if may_impersonate { anchor.allow_impersonation() } else { anchor };
            Ok(TrustAnchor { anchor, may_impersonate })
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.anchor.name()
    }

    #[getter]
    fn key(&self) -> crate::keys::VerifyingKey {
        crate::keys::VerifyingKey(self.anchor.key().clone())
    }

    #[getter]
    const fn may_impersonate(&self) -> bool {
        self.may_impersonate
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("TrustAnchor({:?}, {})", self.anchor.name(), self.anchor.key().did_key())))
    }
}

fn anchor(name: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> Result<deputize::TrustAnchor> {
    let name = text(name, Code::NameInvalid, "the name of a trust anchor")?;
    Ok(deputize::TrustAnchor::new(&name, &verifying_key(key, Code::KeyInvalid, "the key of a trust anchor")?)?)
}

/// A `TrustAnchor`, or an `Agent`: something with a name and a key.
fn anchor_of(object: &Bound<'_, PyAny>) -> Result<deputize::TrustAnchor> {
    if let Ok(known) = object.cast::<TrustAnchor>() {
        return Ok(known.get().anchor.clone());
    }
    const WHAT: &str = "trust: a list of TrustAnchor and Agent";
    let name = object.getattr("name").map_err(|_| Error::about(Code::ConfigInvalid, WHAT))?;
    let name = text(&name, Code::ConfigInvalid, WHAT)?;
    Ok(deputize::TrustAnchor::new(&name, &verifying_key(object, Code::ConfigInvalid, WHAT)?)?)
}

/// The process that a verifier was made in; in a forked child, the memory is only a copy.
struct Configuration {
    anchors: Vec<deputize::TrustAnchor>,
    audience: String,
    store: Kind,
}

impl Configuration {
    fn verifier(&self) -> deputize::Result<deputize::Verifier> {
        deputize::Verifier::new(self.anchors.iter().cloned(), &self.audience, self.store.clone())
    }
}

/// Decides about calls.
#[pyclass(frozen, module = "deputize")]
pub struct Verifier {
    core: deputize::Verifier,
    configuration: Configuration,
    process: u32,
    /// The verifier of one forked child, with locks of its own: those of the parent may have been held when it forked.
    child: OnceLock<(u32, deputize::Verifier)>,
    /// A store that is written in Python; core has any other.
    store: Option<Py<PyAny>>,
    audit: Option<Py<PyAny>>,
    clock: Option<Py<PyAny>>,
}

#[pymethods]
impl Verifier {
    #[new]
    #[pyo3(signature = (trust, audience, audit=None, store=None, clock=None))]
    fn new(
        py: Python<'_>,
        trust: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        audit: Option<Bound<'_, PyAny>>,
        store: Option<Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let trust = sequence(trust).ok_or(Error::about(Code::ConfigInvalid, "trust: a list of TrustAnchor and Agent"))?;
            let anchors = trust.iter_borrowed().map(|anchor| anchor_of(&anchor)).collect::<Result<Vec<_>>>()?;
            let audience = text(audience, Code::ConfigInvalid, "audience: a text")?;
            for (callback, what) in [(&audit, "audit: an AuditLog or a function"), (&clock, "clock: a function")] {
                if callback.as_ref().is_some_and(|callback| !callback.is_callable()) {
                    return Err(Error::about(Code::ConfigInvalid, what).into());
                }
            }
            let clock = clock.map(Bound::unbind);
            if store.is_none() && is_worker(py)? {
                return Err(Error::about(Code::ConfigInvalid, NO_STORE).into());
            }
            let kind = kind_of(store.as_ref(), || read_clock(py, clock.as_ref()))?;
            let store = if matches!(kind, Kind::Python) { store } else { None };
            if let Some(store) = &store {
                begin(py, store, || read_clock(py, clock.as_ref()))?;
            }
            let store = store.map(Bound::unbind);
            let configuration = Configuration { anchors, audience, store: kind };
            let (core, process) = (configuration.verifier()?, std::process::id());
            Ok(Verifier { core, configuration, process, child: OnceLock::new(), store, audit: audit.map(Bound::unbind), clock })
        })
    }

    #[getter]
    fn audience(&self) -> &str {
        self.core.audience()
    }

    /// Decides about one attempt of a call; raises `Denied`.
    #[pyo3(signature = (presentation, tool, arguments, challenge=None, context=None))]
    fn authorize(
        &self,
        py: Python<'_>,
        presentation: &Bound<'_, PyAny>,
        tool: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyAny>,
        challenge: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Authorized> {
        entry(|| self.decide(py, presentation, tool, arguments, challenge, context))
    }

    /// Checks a chain without a call; raises `DeputizeError`.
    fn verify_chain(&self, py: Python<'_>, chain: &Bound<'_, PyAny>) -> PyResult<VerifiedChain> {
        entry(|| {
            let chain = chain.cast::<Chain>().map_err(|_| Error::about(Code::Malformed, "chain: a Chain"))?.get();
            let core = self.core().ok_or(Error::about(Code::StoreUnavailable, "a process that was forked twice"))?;
            let now = read_clock(py, self.clock.as_ref())?;
            Ok(VerifiedChain(py.detach(|| core.verify_chain(&chain.0, now))?))
        })
    }

    fn __repr__(&self) -> String {
        format!("Verifier({:?})", self.core.audience())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        for held in [&self.store, &self.audit, &self.clock] {
            visit.call(held)?;
        }
        Ok(())
    }
}

/// The call, as far as Python's objects could be read.
struct Read {
    presentation: Given,
    arguments: deputize::Arguments,
    challenge: Option<Vec<u8>>,
    context: Option<String>,
}

impl Verifier {
    fn decide(
        &self,
        py: Python<'_>,
        presentation: &Bound<'_, PyAny>,
        tool: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyAny>,
        challenge: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> Result<Authorized> {
        let now = match read_clock(py, self.clock.as_ref()) {
            Ok(now) => Ok(now),
            Err(Failure::Refused(error)) => Err(error),
            Err(raised) => return Err(raised),
        };
        let name = text(tool, Code::NameInvalid, "the name of the tool");
        let shown = name.as_deref().unwrap_or_default();
        let read = read(presentation, arguments, challenge, context);
        let (read, now) = match (&name, read, &now) {
            (Err(error), _, _) | (_, Ok(_), Err(error)) => return Err(self.refuse(py, shown, error.clone(), &now)),
            (_, Err(error), _) => return Err(self.refuse(py, shown, error, &now)),
            (_, Ok(read), Ok(now)) => (read, *now),
        };
        let unavailable = |what| self.refuse(py, shown, Error::about(Code::StoreUnavailable, what), &Ok(now));
        if self.is_forked() && self.store.is_none() {
            return Err(unavailable(
                "a forked process has only a copy of the memory; make the verifier after the fork, or share a RedisStore",
            ));
        }
        let Some(core) = self.core() else { return Err(unavailable("a process that was forked twice")) };
        let call = Call { tool: shown, arguments: &read.arguments, challenge: read.challenge.as_deref(), context: read.context.as_deref() };
        let admissible = match py.detach(|| core.evaluate(read.presentation.received(), &call, now)) {
            Ok(admissible) => admissible,
            Err(denied) => return Err(self.denied(py, denied)),
        };
        let outcome = match &self.store {
            None => py.detach(|| self.configuration.store.commit(admissible.transaction(), admissible.now())),
            Some(store) => commit(py, store, admissible.transaction(), admissible.now())?,
        };
        let authorized = match admissible.admit(outcome) {
            Ok(authorized) => authorized,
            Err(denied) => return Err(self.denied(py, denied)),
        };
        let record = Py::new(py, AuditRecord(authorized.record().clone()))?;
        if !self.written(py, &record)? {
            let denied = authorized.record().clone().refuse(Code::AuditUnavailable.into());
            return Err(denial(denied.error(), Py::new(py, AuditRecord(denied.record().clone()))?).into());
        }
        Ok(Authorized { inner: authorized, record })
    }

    fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    /// The verifier of this process: in a forked child, one of its own.
    fn core(&self) -> Option<&deputize::Verifier> {
        let process = std::process::id();
        if process == self.process {
            return Some(&self.core);
        }
        if self.child.get().is_none() {
            let _ = self.child.set((process, self.configuration.verifier().ok()?));
        }
        self.child.get().filter(|(owner, _)| *owner == process).map(|(_, verifier)| verifier)
    }

    /// A denial for a call that could not be read or timed.
    fn refuse(&self, py: Python<'_>, tool: &str, error: Error, now: &deputize::Result<Now>) -> Failure {
        let now = now.clone().or_else(|_| system_now()).or_else(|_| Now::from_millis(1));
        match now {
            Ok(now) => self.denied(py, self.core.refuse(tool, error, now)),
            Err(error) => error.into(),
        }
    }

    /// The record goes to the audit sink. A sink that fails changes nothing about a denial.
    fn denied(&self, py: Python<'_>, denied: deputize::Denied) -> Failure {
        let record = match Py::new(py, AuditRecord(denied.record().clone())) {
            Ok(record) => record,
            Err(error) => return error.into(),
        };
        match self.written(py, &record) {
            Ok(_) => denial(denied.error(), record).into(),
            Err(raised) => raised,
        }
    }

    /// Whether the audit sink took the record. A sink that answers with something to be awaited has not.
    fn written(&self, py: Python<'_>, record: &Py<AuditRecord>) -> Result<bool> {
        let Some(audit) = &self.audit else { return Ok(true) };
        match audit.bind(py).call1((record.clone_ref(py),)) {
            Ok(answer) => Ok(!answer.hasattr("__await__")?),
            Err(error) => failed_callback(py, error).map(|()| false),
        }
    }
}

/// What could be read of a call; the presentation last, because everything else is the program's own.
fn read(
    presentation: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyAny>,
    challenge: Option<&Bound<'_, PyAny>>,
    context: Option<&Bound<'_, PyAny>>,
) -> deputize::Result<Read> {
    let arguments = convert::arguments(arguments)?;
    let wrong = || Error::about(Code::ConfigInvalid, "challenge: bytes");
    let challenge = challenge.map(|challenge| convert::bytes(challenge)?.ok_or_else(wrong)).transpose()?;
    let context = context.map(|context| text(context, Code::ConfigInvalid, "context: a text")).transpose()?;
    Ok(Read { presentation: Given::of(presentation)?, arguments, challenge, context })
}

/// Whether `multiprocessing` started this process as one of several; servers with workers do. A module that is not there started none.
fn is_worker(py: Python<'_>) -> PyResult<bool> {
    let modules = py.import("sys")?.getattr("modules")?;
    match modules.call_method1("get", ("multiprocessing.process",))? {
        module if module.is_none() => Ok(false),
        module => Ok(!module.call_method0("parent_process")?.is_none()),
    }
}

/// A presentation as it was given.
enum Given {
    Bytes(Vec<u8>),
    Text(String),
}

impl Given {
    /// A `Presentation`, its bytes, or its text; nothing at all is a proof that is missing.
    fn of(object: &Bound<'_, PyAny>) -> deputize::Result<Self> {
        if object.is_none() {
            return Ok(Given::Bytes(Vec::new()));
        }
        if let Ok(presentation) = object.cast::<Presentation>() {
            return Ok(Given::Bytes(presentation.get().0.encode().to_vec()));
        }
        if object.cast_exact::<PyString>().is_ok() {
            return text(object, Code::TextMalformed, "a lone surrogate").map(Given::Text);
        }
        convert::bytes(object)?.map(Given::Bytes).ok_or(Error::about(Code::Malformed, "a presentation is a Presentation, a text or bytes"))
    }

    fn received(&self) -> Received<'_> {
        match self {
            Given::Bytes(bytes) => Received::Bytes(bytes),
            Given::Text(text) => Received::Text(text),
        }
    }
}

/// The clock: milliseconds since 1970, an `int` and nothing else.
fn read_clock(py: Python<'_>, clock: Option<&Py<PyAny>>) -> Result<Now> {
    let Some(clock) = clock else { return Ok(system_now()?) };
    const WHAT: &str = "the clock did not give an int of milliseconds";
    match clock.bind(py).call0() {
        Ok(answer) => Ok(Now::from_millis(unsigned(&answer, Code::ClockInvalid, WHAT)?)?),
        Err(error) => {
            failed_callback(py, error)?;
            Err(Error::about(Code::ClockInvalid, "the clock raised an exception").into())
        }
    }
}
