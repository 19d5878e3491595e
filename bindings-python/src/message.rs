//! Signed messages: the outbox of a sender, and the inbox of a recipient.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deputize::{Code, Digest, Error, Now, Outgoing, SessionId, limits, os};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::budget::session_of;
use crate::convert::{self, duration, sequence, unsigned, verifying_key};
use crate::errors::{Result, entry, unsupported};
use crate::given::{self, callback, id, read_clock, signer, system_now};
use crate::keys::{SigningKey, VerifyingKey};

const NOT_COPIED: &str = "an outbox is not copied or pickled, because it holds a key; encode has its state";
/// Sessions of each sender that an inbox has room for unless told otherwise.
const CAPACITY: usize = 1024;

fn locked<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

fn payload_of(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    convert::bytes_up_to(object, limits::MAX_PAYLOAD)?.ok_or(Error::about(Code::ValueUnsupported, "payload: bytes"))
}

fn session_id(object: &Bound<'_, PyAny>) -> deputize::Result<SessionId> {
    session_of(object).map(|(id, _)| id)
}

/// Numbers and signs the messages of one agent.
#[pyclass(frozen, module = "deputize")]
pub struct Outbox {
    outbox: Mutex<deputize::Outbox>,
    key: Py<SigningKey>,
}

#[pymethods]
impl Outbox {
    #[new]
    fn new(agent: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let (_, key) = signer(agent)?;
            Ok(Outbox { outbox: Mutex::new(deputize::Outbox::new(key.get().0.verifying_key())), key })
        })
    }

    /// The outbox of an agent that goes on from a state.
    #[staticmethod]
    fn decode(state: &Bound<'_, PyAny>, agent: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let (_, key) = signer(agent)?;
            let outbox = deputize::Outbox::decode(&state_of(state)?)?;
            Ok(Outbox { outbox: Mutex::new(outbox), key })
        })
    }

    /// The state, to be stored after a message was signed and before it is sent.
    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| Ok(PyBytes::new(py, &py.detach(|| locked(&self.outbox).encode()))))
    }

    /// Signs the next message of a session; the payload travels beside it.
    #[pyo3(signature = (payload, to, session, token=None, ttl=None))]
    fn send<'py>(
        &self,
        py: Python<'py>,
        payload: &Bound<'py, PyAny>,
        to: &Bound<'py, PyAny>,
        session: &Bound<'py, PyAny>,
        token: Option<&Bound<'py, PyAny>>,
        ttl: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| {
            let (payload, to) = (payload_of(payload)?, given::name(to, "to: the name of the recipient")?);
            let mut message = Outgoing::new(&payload, &to, session_id(session)?);
            if let Some(token) = token {
                message = message.token(Digest::from_bytes(id(token, "token: the 32 bytes of its hash")?));
            }
            if let Some(ttl) = ttl {
                message = message.ttl(duration(ttl)?);
            }
            let key = &self.key.get().0;
            let signed = py.detach(|| locked(&self.outbox).sign(key, &message, &mut os::SysRng, system_now()?))?;
            Ok(PyBytes::new(py, &signed))
        })
    }

    /// Forgets a session that is over.
    fn close(&self, py: Python<'_>, session: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let session = session_id(session)?;
            py.detach(|| locked(&self.outbox).close(session));
            Ok(())
        })
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("Outbox({})", self.key.get().0.verifying_key().did_key())))
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }
}

fn state_of(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    convert::bytes_up_to(object, usize::MAX)?.ok_or(Error::about(Code::Malformed, "a state is bytes"))
}

/// Takes the messages for one name, each once and in order.
#[pyclass(frozen, module = "deputize")]
pub struct Inbox {
    inbox: Mutex<deputize::Inbox>,
    clock: Option<Py<PyAny>>,
    process: u32,
}

#[pymethods]
impl Inbox {
    #[new]
    #[pyo3(signature = (name, know=None, capacity=None, clock=None))]
    fn new(
        py: Python<'_>,
        name: &Bound<'_, PyAny>,
        know: Option<&Bound<'_, PyAny>>,
        capacity: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (name, capacity) = (given::name(name, "the name of the recipient")?, capacity_of(capacity)?);
            let clock = callback(clock, "clock: a function")?;
            let inbox = deputize::Inbox::new(&name, capacity, read_clock(py, clock.as_ref())?)?;
            knowing(inbox, know, clock)
        })
    }

    /// The inbox that goes on from a state. It knows nobody until it is told.
    #[staticmethod]
    #[pyo3(signature = (state, name, know=None, capacity=None, clock=None))]
    fn decode(
        state: &Bound<'_, PyAny>,
        name: &Bound<'_, PyAny>,
        know: Option<&Bound<'_, PyAny>>,
        capacity: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (name, capacity) = (given::name(name, "the name of the recipient")?, capacity_of(capacity)?);
            let inbox = deputize::Inbox::decode(&state_of(state)?, &name, capacity)?;
            knowing(inbox, know, callback(clock, "clock: a function")?)
        })
    }

    /// The state, to be stored after a message was received and before it is acted on.
    fn encode<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| Ok(PyBytes::new(py, &py.detach(|| locked(&self.inbox).encode()))))
    }

    /// Knows a sender from now on.
    fn know(&self, py: Python<'_>, sender: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let sender = sender_of(sender)?;
            Ok(py.detach(|| locked(&self.inbox).know(&sender))?)
        })
    }

    /// Does not know a sender any more.
    fn forget(&self, py: Python<'_>, sender: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let sender = sender_of(sender)?;
            py.detach(|| locked(&self.inbox).forget(&sender));
            Ok(())
        })
    }

    /// Refuses a session from now on.
    fn close(&self, py: Python<'_>, session: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let (session, now) = (session_id(session)?, self.now(py)?);
            Ok(py.detach(|| locked(&self.inbox).close(session, now))?)
        })
    }

    /// Takes a message with the payload that came beside it, in the session that is expected, if one is.
    #[pyo3(signature = (message, payload, session=None))]
    fn receive(
        &self,
        py: Python<'_>,
        message: &Bound<'_, PyAny>,
        payload: &Bound<'_, PyAny>,
        session: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<ReceivedMessage> {
        entry(|| {
            if std::process::id() != self.process {
                return Err(Error::about(Code::StoreUnavailable, "a forked process has only a copy of the inbox").into());
            }
            let message = convert::bytes_up_to(message, limits::MAX_MESSAGE)?.ok_or(Error::about(Code::Malformed, "a message is bytes"))?;
            let (payload, session) = (payload_of(payload)?, session.map(session_id).transpose()?);
            let now = self.now(py)?;
            let received = py.detach(|| {
                let mut inbox = locked(&self.inbox);
                let received = inbox.receive(&message, &payload, session, now)?;
                Ok::<_, Error>(Received {
                    sender: received.sender().clone(),
                    session: received.session(),
                    sequence: received.sequence(),
                    id: received.id().to_string(),
                    token: received.token().map(|token| token.to_string()),
                    issued: received.issued().secs(),
                })
            })?;
            Ok(ReceivedMessage { payload: PyBytes::new(py, &payload).unbind(), received })
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.clock)
    }
}

impl Inbox {
    fn now(&self, py: Python<'_>) -> Result<Now> {
        read_clock(py, self.clock.as_ref())
    }
}

fn sender_of(object: &Bound<'_, PyAny>) -> deputize::Result<deputize::VerifyingKey> {
    verifying_key(object, Code::KeyInvalid, "sender: an Agent, a VerifyingKey or a VerifiedIdentity")
}

fn capacity_of(object: Option<&Bound<'_, PyAny>>) -> deputize::Result<usize> {
    const WHAT: &str = "capacity: a positive int";
    let Some(object) = object else { return Ok(CAPACITY) };
    usize::try_from(unsigned(object, Code::ConfigInvalid, WHAT)?).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))
}

fn knowing(mut inbox: deputize::Inbox, know: Option<&Bound<'_, PyAny>>, clock: Option<Py<PyAny>>) -> Result<Inbox> {
    if let Some(know) = know {
        const WHAT: &str = "know: a list of Agent, VerifyingKey and VerifiedIdentity";
        for sender in sequence(know).ok_or(Error::about(Code::ConfigInvalid, WHAT))?.iter_borrowed() {
            inbox.know(&sender_of(&sender)?)?;
        }
    }
    Ok(Inbox { inbox: Mutex::new(inbox), clock, process: std::process::id() })
}

struct Received {
    sender: deputize::VerifyingKey,
    session: SessionId,
    sequence: u64,
    id: String,
    token: Option<String>,
    issued: u64,
}

/// A message that was received: by a known sender, for this recipient, the next of its session.
#[pyclass(frozen, module = "deputize")]
pub struct ReceivedMessage {
    payload: Py<PyBytes>,
    received: Received,
}

#[pymethods]
impl ReceivedMessage {
    /// The payload that the sender signed.
    #[getter]
    fn payload(&self, py: Python<'_>) -> Py<PyBytes> {
        self.payload.clone_ref(py)
    }

    #[getter]
    fn sender(&self) -> VerifyingKey {
        VerifyingKey(self.received.sender.clone())
    }

    #[getter]
    fn session(&self) -> String {
        self.received.session.to_string()
    }

    /// Its place in the session, from 0.
    #[getter]
    const fn sequence(&self) -> u64 {
        self.received.sequence
    }

    #[getter]
    fn id(&self) -> &str {
        &self.received.id
    }

    /// The hash of the token that it is about. No authority.
    #[getter]
    fn token(&self) -> Option<&str> {
        self.received.token.as_deref()
    }

    #[getter]
    const fn issued(&self) -> u64 {
        self.received.issued
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("ReceivedMessage({} of {})", self.received.sequence, self.received.sender.did_key())))
    }
}
