//! What a verifier knows of revocations, suspended agents and rotated keys.

use std::sync::{Arc, Mutex, PoisonError};

use deputize::{Code, Error, FirstDenial, Now, Revocation, RevocationObserver, Standing, TokenId, Update};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList};

use crate::convert::{self, sequence, text, unsigned, verifying_key};
use crate::errors::{Result, entry};
use crate::given::{self, callback, named_key, read_clock};
use crate::keys::VerifyingKey;
use crate::revocation::approval_id;

/// Who says what is revoked.
#[pyclass(frozen, module = "deputize")]
pub struct Authority(deputize::Authority);

#[pymethods]
impl Authority {
    #[new]
    #[pyo3(signature = (name, key, for_every_issuer=None, at_least=None, danger_allow_stale=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        for_every_issuer: Option<&Bound<'_, PyAny>>,
        at_least: Option<&Bound<'_, PyAny>>,
        danger_allow_stale: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let name = text(name, Code::NameInvalid, "the name of an authority")?;
            let mut authority = deputize::Authority::new(&name, &verifying_key(key, Code::KeyInvalid, "the key of an authority")?)?;
            if for_every_issuer.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConfigInvalid, "for_every_issuer: a bool"))? {
                authority = authority.for_every_issuer();
            }
            if danger_allow_stale.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConfigInvalid, "danger_allow_stale: a bool"))? {
                authority = authority.danger_allow_stale();
            }
            if let Some(sequence) = at_least {
                authority = authority.at_least(unsigned(sequence, Code::ConfigInvalid, "at_least: the number of a list")?);
            }
            Ok(Authority(authority))
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __repr__(&self) -> String {
        format!("Authority({:?})", self.0.name())
    }
}

/// An `Authority`, or an `Agent`, which is one for the chains of the trust anchor of its name.
fn authority_of(object: &Bound<'_, PyAny>) -> deputize::Result<deputize::Authority> {
    if let Ok(authority) = object.cast::<Authority>() {
        return Ok(authority.get().0.clone());
    }
    let (name, key) = named_key(object, Code::ConfigInvalid, "authorities: a list of Authority and Agent")?;
    deputize::Authority::new(&name, &key)
}

/// The functions that are told what lists change.
#[derive(Default)]
struct Observer {
    revoked: Option<Py<PyAny>>,
    revoked_more: Option<Py<PyAny>>,
    denied: Option<Py<PyAny>>,
}

impl Observer {
    /// What one of them raises is its own matter, and is reported as Python reports what nobody can catch.
    fn tell(callback: Option<&Py<PyAny>>, make: impl FnOnce(&Bound<'_, PyDict>) -> PyResult<()>) {
        let Some(callback) = callback else { return };
        Python::attach(|py| {
            let event = PyDict::new(py);
            let told = make(&event).and_then(|()| callback.bind(py).call1((event,)));
            if let Err(error) = told {
                error.write_unraisable(py, Some(callback.bind(py)));
            }
        });
    }
}

impl RevocationObserver for Observer {
    fn revoked(&self, revocation: &Revocation<'_>) {
        Observer::tell(self.revoked.as_ref(), |event| {
            event.set_item("target", revocation.target.to_string())?;
            event.set_item("standing", standing(revocation.standing))?;
            event.set_item("authority", revocation.authority)?;
            event.set_item("sequence", revocation.sequence)?;
            event.set_item("accepted_ms", revocation.accepted.millis())
        });
    }

    fn revoked_more(&self, authority: &str, sequence: u64, count: u64) {
        Observer::tell(self.revoked_more.as_ref(), |event| {
            event.set_item("authority", authority)?;
            event.set_item("sequence", sequence)?;
            event.set_item("count", count)
        });
    }

    fn denied(&self, denial: &FirstDenial<'_>) {
        Observer::tell(self.denied.as_ref(), |event| {
            event.set_item("target", denial.target.to_string())?;
            event.set_item("authority", denial.authority)?;
            event.set_item("accepted_ms", denial.accepted.millis())?;
            event.set_item("after_ms", denial.after)
        });
    }
}

const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Revoked => "revoked",
        Standing::Suspended => "suspended",
        Standing::Pending => "pending",
    }
}

/// The observer's functions, once for core and once for Python's garbage collector.
struct Shared(Arc<Observer>);

impl RevocationObserver for Shared {
    fn revoked(&self, revocation: &Revocation<'_>) {
        self.0.revoked(revocation);
    }

    fn revoked_more(&self, authority: &str, sequence: u64, count: u64) {
        self.0.revoked_more(authority, sequence, count);
    }

    fn denied(&self, denial: &FirstDenial<'_>) {
        self.0.denied(denial);
    }
}

/// What is known of revocations and rotations. It moves only forward.
#[pyclass(frozen, module = "deputize")]
pub struct TrustState {
    state: Arc<deputize::TrustState>,
    observer: Arc<Observer>,
    clock: Option<Py<PyAny>>,
    process: u32,
}

#[pymethods]
impl TrustState {
    #[new]
    #[pyo3(signature = (authorities, on_revoked=None, on_revoked_more=None, on_denied=None, clock=None))]
    fn new(
        authorities: &Bound<'_, PyAny>,
        on_revoked: Option<Bound<'_, PyAny>>,
        on_revoked_more: Option<Bound<'_, PyAny>>,
        on_denied: Option<Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let list = sequence(authorities).ok_or(Error::about(Code::ConfigInvalid, "authorities: a list of Authority and Agent"))?;
            let authorities = list.iter_borrowed().map(|one| authority_of(&one)).collect::<deputize::Result<Vec<_>>>()?;
            let is_observed = [&on_revoked, &on_revoked_more, &on_denied].into_iter().any(Option::is_some);
            let observer = Arc::new(Observer {
                revoked: callback(on_revoked, "on_revoked: a function")?,
                revoked_more: callback(on_revoked_more, "on_revoked_more: a function")?,
                denied: callback(on_denied, "on_denied: a function")?,
            });
            let state = deputize::TrustState::new(authorities)?;
            let state = if is_observed { state.with_observer(Shared(observer.clone())) } else { state };
            let clock = callback(clock, "clock: a function")?;
            Ok(TrustState { state: Arc::new(state), observer, clock, process: std::process::id() })
        })
    }

    /// Takes a list, in full or as a change: `accepted`, or `unchanged` if it was held already.
    fn apply_list(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        entry(|| {
            let bytes = convert::lent_bytes(data)?.ok_or(Error::about(Code::Malformed, "a list is bytes"))?;
            let (state, now) = (self.own()?, self.now(py)?);
            Ok(word(py.detach(|| state.apply_list(&bytes, now))?))
        })
    }

    /// Takes a rotation: `accepted`, or `unchanged` if it was accepted before.
    fn apply_rotation(&self, py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<&'static str> {
        entry(|| {
            let bytes = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "a rotation is bytes"))?;
            let (state, now) = (self.own()?, self.now(py)?);
            Ok(word(py.detach(|| state.apply_rotation(&bytes, now))?))
        })
    }

    /// A loader for a list that comes in chunks.
    fn loader(slf: Bound<'_, Self>) -> PyResult<ListLoader> {
        entry(|| {
            let state = slf.get();
            let loader = state.own()?.clone().shared_loader(state.now(slf.py())?);
            Ok(ListLoader { state: slf.clone().unbind(), loader: Mutex::new(Some(loader)) })
        })
    }

    /// What is held of an authority's lists, as a dict; `None` without a list.
    fn held<'py>(&self, py: Python<'py>, authority: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
        entry(|| {
            let authority = given::name(authority, "the name of an authority")?;
            let Some(held) = self.own()?.held(&authority) else { return Ok(None) };
            let dict = PyDict::new(py);
            dict.set_item("sequence", held.sequence)?;
            dict.set_item("next_update", held.next_update.secs())?;
            dict.set_item("accepted_ms", held.accepted.millis())?;
            dict.set_item("ids", held.ids)?;
            Ok(Some(dict))
        })
    }

    /// The equivocations that were seen: two signed objects each, which cannot both be true.
    #[getter]
    fn evidence<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entry(|| {
            let list = PyList::empty(py);
            for found in self.own()?.evidence() {
                let dict = PyDict::new(py);
                dict.set_item("code", found.code.as_str())?;
                dict.set_item("about", &found.about)?;
                dict.set_item("first", PyBytes::new(py, &found.first))?;
                dict.set_item("second", PyBytes::new(py, &found.second))?;
                list.append(dict)?;
            }
            Ok(list)
        })
    }

    /// A key and its successors, oldest first, each with whether its time is over.
    fn keys_of<'py>(&self, py: Python<'py>, key: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyList>> {
        entry(|| {
            let key = verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")?;
            let list = PyList::empty(py);
            for used in self.own()?.keys_of(&key, self.now(py)?) {
                let dict = PyDict::new(py);
                dict.set_item("key", VerifyingKey(used.key))?;
                dict.set_item("retired", used.retired)?;
                list.append(dict)?;
            }
            Ok(list)
        })
    }

    /// Raises `DeputizeError` unless a key is good for signing about chains of this issuer.
    fn judge_key(&self, py: Python<'_>, issuer: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let issuer = given::name(issuer, "issuer: the name of a trust anchor")?;
            let key = verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")?;
            let (state, now) = (self.own()?, self.now(py)?);
            Ok(py.detach(|| state.judge_key(&issuer, &key, now))?)
        })
    }

    /// Raises `DeputizeError` unless an approval of a call of this issuer's chain still stands.
    fn judge_approval(&self, py: Python<'_>, issuer: &Bound<'_, PyAny>, approval: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let issuer = given::name(issuer, "issuer: the name of a trust anchor")?;
            let approval: TokenId = approval_id(approval)?;
            let (state, now) = (self.own()?, self.now(py)?);
            Ok(py.detach(|| state.judge_approval(&issuer, &approval, now))?)
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        for held in [&self.observer.revoked, &self.observer.revoked_more, &self.observer.denied, &self.clock] {
            visit.call(held)?;
        }
        Ok(())
    }
}

impl TrustState {
    /// The state, in the process that it was made in: a forked one has a copy, which nobody keeps fresh and whose locks may be held by nobody.
    pub fn own(&self) -> deputize::Result<&Arc<deputize::TrustState>> {
        if std::process::id() == self.process {
            return Ok(&self.state);
        }
        Err(Error::about(Code::RevocationStale, "a forked process has only a copy of the trust state; make it after the fork"))
    }

    /// The time of its clock.
    pub fn now(&self, py: Python<'_>) -> Result<Now> {
        read_clock(py, self.clock.as_ref())
    }
}

/// What became of a list or rotation.
pub const fn word(update: Update) -> &'static str {
    match update {
        Update::Accepted => "accepted",
        Update::Unchanged => "unchanged",
    }
}

/// A list that is being loaded. Until `finish` nothing changes.
#[pyclass(frozen, module = "deputize")]
pub struct ListLoader {
    state: Py<TrustState>,
    loader: Mutex<Option<deputize::ListLoader<'static>>>,
}

#[pymethods]
impl ListLoader {
    /// Takes the next bytes of the list. What it refused once it refuses from then on.
    fn push(&self, py: Python<'_>, chunk: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let chunk = convert::lent_bytes(chunk)?.ok_or(Error::about(Code::Malformed, "a chunk is bytes"))?;
            self.state.get().own()?;
            py.detach(|| {
                let mut loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner);
                loader.as_mut().ok_or(Error::about(Code::ConfigInvalid, OVER))?.push(&chunk)
            })?;
            Ok(())
        })
    }

    /// The end of the list: `accepted`, or `unchanged`. The loader is used up.
    fn finish(&self, py: Python<'_>) -> PyResult<&'static str> {
        entry(|| {
            self.state.get().own()?;
            let now = self.state.get().now(py)?;
            let update = py.detach(|| {
                let loader = self.loader.lock().unwrap_or_else(PoisonError::into_inner).take();
                loader.ok_or(Error::about(Code::ConfigInvalid, OVER))?.finish(now)
            })?;
            Ok(word(update))
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.state)
    }
}

const OVER: &str = "a loader is for one list, and this one is finished";
