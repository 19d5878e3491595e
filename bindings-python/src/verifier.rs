//! The verifier.

use std::sync::OnceLock;

use deputize::{Call, Code, Digest, Error, Now, Operation, Outcome, Received, Revocable, Store as _, ToolHint};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::anchor::anchor_of;
use crate::approval::{ApprovalPolicy, hint_of};
use crate::configuration::{Configuration, Knowledge};
use crate::convert::{self, sequence, text, verifying_key};
use crate::decision::{AuditRecord, Authorized, VerifiedChain};
use crate::errors::{Failure, Result, denial, entry};
use crate::given::{name, read_clock, system_now};
use crate::log::{AuditEvent, AuditLog, outcome, revoked, took};
use crate::revocation::{approval_id, session_id, task_digest, token_id};
use crate::store::{Kind, begin, commit, kind_of};
use crate::token::{Chain, Presentation};

const NO_STORE: &str =
    "store: one of several processes needs a store that they share, such as deputize.redis.RedisStore, or says so with MemoryStore()";

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
    allows_unrecorded: bool,
    clock: Option<Py<PyAny>>,
}

#[pymethods]
impl Verifier {
    #[new]
    #[pyo3(signature = (trust, audience, audit=None, store=None, clock=None, *, identities=None, approvals=None, principals=None, state=None, danger_allow_unrecorded=None))]
    #[allow(clippy::too_many_arguments, reason = "the options of a verifier")]
    fn new(
        py: Python<'_>,
        trust: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        audit: Option<Bound<'_, PyAny>>,
        store: Option<Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
        identities: Option<&Bound<'_, PyAny>>,
        approvals: Option<&Bound<'_, PyAny>>,
        principals: Option<&Bound<'_, PyAny>>,
        state: Option<&Bound<'_, PyAny>>,
        danger_allow_unrecorded: Option<&Bound<'_, PyAny>>,
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
            let unrecorded = danger_allow_unrecorded;
            let allows_unrecorded =
                unrecorded.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConfigInvalid, "danger_allow_unrecorded: a bool"))?;
            let knowledge = Knowledge::read(identities, approvals, principals, state)?;
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
            let configuration = Configuration { anchors, audience, store: kind, knowledge };
            let (core, process) = (configuration.verifier()?, std::process::id());
            Ok(Verifier {
                core,
                configuration,
                process,
                child: OnceLock::new(),
                store,
                audit: audit.map(Bound::unbind),
                allows_unrecorded,
                clock,
            })
        })
    }

    #[getter]
    fn audience(&self) -> &str {
        self.core.audience()
    }

    /// Whether a decision may wait: for a store or an audit sink that is written in Python, or for a log that is synced to the disk or tells of signals.
    #[getter]
    fn waits(&self, py: Python<'_>) -> bool {
        let waiting = |audit: &Py<PyAny>| audit.bind(py).cast::<AuditLog>().map_or(true, |log| log.get().waits);
        self.store.is_some() || self.audit.as_ref().is_some_and(waiting)
    }

    /// What has to be approved here, by policy.
    #[getter]
    fn approvals(&self, py: Python<'_>) -> Option<Py<ApprovalPolicy>> {
        self.configuration.knowledge.approvals.as_ref().map(|policy| policy.clone_ref(py))
    }

    /// Decides about one attempt of a call; raises `Denied`.
    #[pyo3(signature = (presentation, tool, arguments, challenge=None, context=None, hint=None))]
    #[allow(clippy::too_many_arguments, reason = "the parts of a call")]
    fn authorize(
        &self,
        py: Python<'_>,
        presentation: &Bound<'_, PyAny>,
        tool: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyAny>,
        challenge: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
        hint: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Authorized> {
        entry(|| self.decide(py, tool, || read(presentation, arguments, challenge, context, hint)))
    }

    /// Gives back what a call took from budgets, once; for a tool that failed.
    fn refund(&self, py: Python<'_>, authorized: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let authorized = authorized.cast::<Authorized>();
            let authorized = &authorized.map_err(|_| Error::about(Code::ConfigInvalid, "authorized: what authorize gave"))?.get().inner;
            let now = read_clock(py, self.clock.as_ref())?;
            let core = self.remembering()?;
            match &self.store {
                None => Ok(py.detach(|| core.refund(authorized, now))?),
                Some(_) => match authorized.refund(now).as_slice() {
                    [] => Ok(()),
                    back => settled(self.commit(py, back, now)?, true),
                },
            }
        })
    }

    /// Records what became of a call that was allowed: without an error it succeeded. An error is a word or two, and never what the tool answered.
    #[pyo3(signature = (authorized, error=None))]
    fn outcome(&self, py: Python<'_>, authorized: &Bound<'_, PyAny>, error: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        entry(|| {
            let authorized = authorized.cast::<Authorized>();
            let authorized = authorized.map_err(|_| Error::about(Code::ConfigInvalid, "authorized: what authorize gave"))?.get();
            let error = error.map(|error| text(error, Code::ConfigInvalid, "error: a text")).transpose()?;
            self.record(py, outcome(authorized, error.as_deref(), read_clock(py, self.clock.as_ref())?))
        })
    }

    /// Revokes a token and everything below it, at once, for every verifier that shares the store.
    fn revoke_token(&self, py: Python<'_>, id: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| self.revoke(py, &Revocable::Token(token_id(id)?)))
    }

    /// Revokes a key: every chain that it issued or holds a token of, and every approval and identity by it.
    fn revoke_key(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| self.revoke(py, &Revocable::Key(&verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")?)))
    }

    /// Closes a session of an issuer.
    fn close_session(&self, py: Python<'_>, issuer: &Bound<'_, PyAny>, session: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| self.revoke(py, &Revocable::Session(&name(issuer, ISSUER)?, session_id(session)?)))
    }

    /// Closes a task of an issuer.
    fn close_task(&self, py: Python<'_>, issuer: &Bound<'_, PyAny>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let task: Digest = task_digest(task)?;
            self.revoke(py, &Revocable::Task(&name(issuer, ISSUER)?, task))
        })
    }

    /// Takes back an approval, by its approver's key and its id.
    fn withdraw_approval(&self, py: Python<'_>, approver: &Bound<'_, PyAny>, id: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let approver = verifying_key(approver, Code::KeyInvalid, "approver: an Agent or a VerifyingKey")?;
            self.revoke(py, &Revocable::Approval(&approver, approval_id(id)?))
        })
    }

    /// Checks a chain without a call; raises `DeputizeError`.
    fn verify_chain(&self, py: Python<'_>, chain: &Bound<'_, PyAny>) -> PyResult<VerifiedChain> {
        entry(|| {
            let chain = chain.cast::<Chain>().map_err(|_| Error::about(Code::Malformed, "chain: a Chain"))?.get();
            let core = self.core()?;
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
        visit.call(&self.configuration.knowledge.state)
    }
}

/// The call, as far as Python's objects could be read.
struct Read {
    presentation: Given,
    arguments: deputize::Arguments,
    challenge: Option<Vec<u8>>,
    context: Option<String>,
    hint: ToolHint,
}

const ISSUER: &str = "issuer: the name of a trust anchor, or an Agent";

/// What a store's answer to a refund or revocation means.
fn settled(outcome: Outcome, may_be_refused: bool) -> Result<()> {
    match outcome {
        Outcome::Committed => Ok(()),
        Outcome::Refused(_) if may_be_refused => Ok(()),
        Outcome::Full => Err(Code::StoreFull.into()),
        Outcome::Refused(_) | Outcome::Predates(_) | Outcome::Unavailable => Err(Code::StoreUnavailable.into()),
    }
}

impl Verifier {
    fn revoke(&self, py: Python<'_>, target: &Revocable<'_>) -> Result<()> {
        let now = read_clock(py, self.clock.as_ref())?;
        let core = self.remembering()?;
        match &self.store {
            None => py.detach(|| core.revoke(target, now))?,
            Some(_) => settled(self.commit(py, &[core.mark(target, now)?], now)?, false)?,
        }
        self.record(py, revoked(target, now))
    }

    /// An event, which has happened already: where it cannot be recorded, that is an error all the same.
    fn record(&self, py: Python<'_>, event: AuditEvent) -> Result<()> {
        let Some(audit) = &self.audit else { return Ok(()) };
        if took(py, audit.bind(py), (Py::new(py, event)?,))? { Ok(()) } else { Err(Code::AuditUnavailable.into()) }
    }

    /// The verifier, for what only has an effect in a memory that others see too.
    fn remembering(&self) -> deputize::Result<&deputize::Verifier> {
        if self.is_forked() && self.store.is_none() {
            return Err(Error::about(Code::StoreUnavailable, "a forked process has only a copy of the memory"));
        }
        self.core()
    }

    fn commit(&self, py: Python<'_>, transaction: &[Operation], now: Now) -> Result<Outcome> {
        match &self.store {
            None => Ok(py.detach(|| self.configuration.store.commit(transaction, now))),
            Some(store) => commit(py, store, transaction, now),
        }
    }

    fn decide(&self, py: Python<'_>, tool: &Bound<'_, PyAny>, read: impl FnOnce() -> deputize::Result<Read>) -> Result<Authorized> {
        let now = match read_clock(py, self.clock.as_ref()) {
            Ok(now) => Ok(now),
            Err(Failure::Refused(error)) => Err(error),
            Err(raised) => return Err(raised),
        };
        let name = text(tool, Code::NameInvalid, "the name of the tool");
        let shown = name.as_deref().unwrap_or_default();
        let (read, now) = match (&name, read(), &now) {
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
        let core = match self.core() {
            Ok(core) => core,
            Err(error) => return Err(self.refuse(py, shown, error, &Ok(now))),
        };
        let (challenge, context) = (read.challenge.as_deref(), read.context.as_deref());
        let call = Call { tool: shown, arguments: &read.arguments, challenge, context, hint: read.hint };
        let admissible = match py.detach(|| core.evaluate(read.presentation.received(), &call, now)) {
            Ok(admissible) => admissible,
            Err(denied) => {
                if !denied.transaction().is_empty() {
                    // Refused either way. A store that does not take the mark leaves the approver's word with who presents it.
                    self.commit(py, denied.transaction(), denied.record().time())?;
                }
                return Err(self.denied(py, denied));
            }
        };
        let outcome = self.commit(py, admissible.transaction(), admissible.now())?;
        let authorized = match admissible.admit(outcome) {
            Ok(authorized) => authorized,
            Err(denied) => return Err(self.denied(py, denied)),
        };
        let record = Py::new(py, AuditRecord(authorized.record().clone()))?;
        if !self.written(py, &record)? && !self.allows_unrecorded {
            let denied = authorized.record().clone().refuse(Code::AuditUnavailable.into());
            return Err(denial(denied.error(), Py::new(py, AuditRecord(denied.record().clone()))?).into());
        }
        Ok(Authorized { inner: authorized, record })
    }

    fn is_forked(&self) -> bool {
        std::process::id() != self.process
    }

    /// The verifier of this process: in a forked child, one of its own.
    fn core(&self) -> deputize::Result<&deputize::Verifier> {
        let process = std::process::id();
        if process == self.process {
            self.configuration.knowledge.trust_state()?;
            return Ok(&self.core);
        }
        if self.child.get().is_none() {
            let _ = self.child.set((process, self.configuration.verifier()?));
        }
        match self.child.get() {
            Some((owner, verifier)) if *owner == process => Ok(verifier),
            _ => Err(Error::about(Code::StoreUnavailable, "a process that was forked twice")),
        }
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
        took(py, audit.bind(py), (record.clone_ref(py),))
    }
}

/// What could be read of a call; the presentation last, because everything else is the program's own.
fn read(
    presentation: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyAny>,
    challenge: Option<&Bound<'_, PyAny>>,
    context: Option<&Bound<'_, PyAny>>,
    hint: Option<&Bound<'_, PyAny>>,
) -> deputize::Result<Read> {
    let arguments = convert::arguments(arguments)?;
    let wrong = || Error::about(Code::ConfigInvalid, "challenge: bytes");
    let challenge = challenge.map(|challenge| convert::bytes(challenge)?.ok_or_else(wrong)).transpose()?;
    let context = context.map(|context| text(context, Code::ConfigInvalid, "context: a text")).transpose()?;
    let hint = hint_of(hint)?;
    Ok(Read { presentation: Given::of(presentation)?, arguments, challenge, context, hint })
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
