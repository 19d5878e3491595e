//! Making revocation lists and rotations.

use deputize::{Code, Digest, Error, SessionId, Timestamp, TokenId, os};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::budget::session_of;
use crate::convert::{duration, sequence, text, unsigned, verifying_key};
use crate::errors::{Result, entry};
use crate::given::{self, id, signer, system_now};
use crate::keys::SigningKey;
use crate::log::tell;

/// Something that a revocation is about.
#[pyclass(frozen, module = "deputize")]
pub struct Target(deputize::Target);

#[pymethods]
impl Target {
    /// A token, and with it everything below it.
    #[staticmethod]
    fn token(id: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::Token(token_id(id)?))))
    }

    /// A key.
    #[staticmethod]
    fn key(key: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::Key(verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")?))))
    }

    /// Every chain of a session.
    #[staticmethod]
    fn session(session: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::Session(session_of(session)?.0))))
    }

    /// Every chain of a task.
    #[staticmethod]
    fn task(task: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::Task(task_digest(task)?))))
    }

    /// An approval.
    #[staticmethod]
    fn approval(id: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::Approval(approval_id(id)?))))
    }

    /// The target of a text form, which has one spelling.
    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Target(deputize::Target::from_text(&crate::convert::text(text, Code::Malformed, "a target is a text")?)?)))
    }

    fn __str__(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_string()))
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("Target({})", self.0)))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Target>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        PyString::new(py, &self.__str__()?).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<Target>().getattr("from_text")?, (self.__str__()?,)))
    }
}

/// The id of a token.
pub fn token_id(object: &Bound<'_, PyAny>) -> deputize::Result<TokenId> {
    id(object, "the id of a token: 16 bytes, or 32 digits of lower-case hex").map(TokenId::from_bytes)
}

/// The id of an approval, or the approval itself.
pub fn approval_id(object: &Bound<'_, PyAny>) -> deputize::Result<TokenId> {
    if let Ok(approval) = object.cast::<crate::approval::Approval>() {
        return Ok(approval.get().0.id());
    }
    id(object, "the id of an approval: 16 bytes, or 32 digits of lower-case hex").map(TokenId::from_bytes)
}

/// The digest of a task.
pub fn task_digest(object: &Bound<'_, PyAny>) -> deputize::Result<Digest> {
    id(object, "the digest of a task: 32 bytes, or 64 digits of lower-case hex").map(Digest::from_bytes)
}

/// The id of a session.
pub fn session_id(object: &Bound<'_, PyAny>) -> deputize::Result<SessionId> {
    session_of(object).map(|(id, _)| id)
}

/// What an authority says is revoked, suspended or pending: in full, or as a change to a list before.
#[pyclass(frozen, module = "deputize")]
pub struct RevocationList(deputize::RevocationList);

#[pymethods]
impl RevocationList {
    #[new]
    #[pyo3(signature = (sequence, base=None, epoch=None, revoke=None, suspend=None, pending=None, activate=None))]
    #[allow(clippy::too_many_arguments, reason = "the members of a list")]
    fn new(
        sequence: &Bound<'_, PyAny>,
        base: Option<&Bound<'_, PyAny>>,
        epoch: Option<&Bound<'_, PyAny>>,
        revoke: Option<&Bound<'_, PyAny>>,
        suspend: Option<&Bound<'_, PyAny>>,
        pending: Option<&Bound<'_, PyAny>>,
        activate: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let number = |object| unsigned(object, Code::ClaimInvalid, "the number of a list: 1 to 2^53 - 1");
            let mut list = match base {
                Some(base) => deputize::RevocationList::change(number(base)?, number(sequence)?),
                None => deputize::RevocationList::full(number(sequence)?),
            };
            if let Some(epoch) = epoch {
                list = list.epoch(Timestamp::from_secs(unsigned(epoch, Code::ClaimInvalid, "epoch: seconds since 1970")?)?);
            }
            if let Some(revoke) = revoke {
                list = list.revoke(targets(revoke)?);
            }
            let keys = |given: Option<&Bound<'_, PyAny>>| match given {
                Some(given) => given::keys(given, Code::KeyInvalid, "a list of Agent and VerifyingKey"),
                None => Ok(Vec::new()),
            };
            let list = list.suspend(&keys(suspend)?).pending(&keys(pending)?).activate(&keys(activate)?);
            Ok(RevocationList(list))
        })
    }

    /// Signs the list as this agent; it is fresh for so long.
    fn sign<'py>(&self, py: Python<'py>, agent: &Bound<'py, PyAny>, ttl: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| {
            let (authority, key) = signer(agent)?;
            let (key, ttl) = (&key.get().0, duration(ttl)?);
            let signed = py.detach(|| self.0.clone().sign(key, &authority, ttl, system_now()?))?;
            tell(agent, |now| Ok(deputize::AuditEvent::listed(&self.0, &authority, now)))?;
            Ok(PyBytes::new(py, &signed))
        })
    }
}

/// Targets, or their text forms.
fn targets(object: &Bound<'_, PyAny>) -> Result<Vec<deputize::Target>> {
    const WHAT: &str = "revoke: a list of Target";
    let list = sequence(object).ok_or(Error::about(Code::Malformed, WHAT))?;
    let target = |one: Borrowed<'_, '_, PyAny>| match one.cast::<Target>() {
        Ok(target) => Ok(target.get().0.clone()),
        Err(_) => Ok(deputize::Target::from_text(&text(&one, Code::Malformed, WHAT)?)?),
    };
    list.iter_borrowed().map(target).collect()
}

/// One key says which key follows it, and that key agrees. The old one is good for `overlap` more at each verifier.
#[pyfunction]
#[pyo3(signature = (old, new, overlap=None, name=None))]
pub fn rotate<'py>(
    py: Python<'py>,
    old: &Bound<'py, PyAny>,
    new: &Bound<'py, PyAny>,
    overlap: Option<&Bound<'py, PyAny>>,
    name: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyBytes>> {
    entry(|| {
        let agent = old;
        let (old, new) = (signing_key(old)?, signing_key(new)?);
        let overlap = overlap.map_or(Ok(0), duration)?;
        let name = name.map(|name| text(name, Code::NameInvalid, "name: a text")).transpose()?;
        let (old, new) = (&old.get().0, &new.get().0);
        let rotation = py.detach(|| deputize::rotate(old, new, overlap, name.as_deref(), &mut os::SysRng, system_now()?))?;
        tell(agent, |now| deputize::AuditEvent::rotated(&rotation, now))?;
        Ok(PyBytes::new(py, &rotation))
    })
}

/// The key of an `Agent`, or a `SigningKey`.
fn signing_key(object: &Bound<'_, PyAny>) -> Result<Py<SigningKey>> {
    match object.cast::<SigningKey>() {
        Ok(key) => Ok(key.clone().unbind()),
        Err(_) => signer(object).map(|(_, key)| key),
    }
}
