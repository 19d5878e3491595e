//! The audit log: its file, its checks, checkpoints, witnesses and receipts.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use deputize::os::{self, LogFile, LogOptions, LogPieces};
use deputize::{Code, Digest, Error, Now, Revocable, Signature, Signer};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::approval::Approval;
use crate::budget::Session;
use crate::convert::{self, is_exactly, sequence, text, unsigned, verifying_key};
use crate::decision::{AuditRecord, Authorized};
use crate::errors::{Result, entry, failed_callback};
use crate::evidence::Consent;
use crate::given::{name, read_clock, signer, system_now};
use crate::identity::Identity;
use crate::keys::SigningKey;
use crate::signals;
use crate::token::Chain;

/// Something that happened, for the audit log.
#[pyclass(frozen, module = "deputize")]
pub struct AuditEvent(pub deputize::AuditEvent);

#[pymethods]
impl AuditEvent {
    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    #[getter]
    fn time_ms(&self) -> u64 {
        self.0.time().millis()
    }

    /// One line of canonical JSON. Events have no arguments of calls.
    #[pyo3(signature = (arguments=false))]
    fn json(&self, arguments: bool) -> &str {
        let _ = arguments;
        self.0.to_json()
    }

    #[getter]
    fn sentence(&self) -> PyResult<String> {
        entry(|| Ok(deputize::LogRecord::from_json(self.0.to_json())?.to_sentence()))
    }

    fn __repr__(&self) -> PyResult<String> {
        self.sentence().map(|sentence| format!("AuditEvent({sentence:?})"))
    }
}

/// Tells the audit sink of an agent, if it has one, what it signed, before anybody gets it.
pub fn tell(agent: &Bound<'_, PyAny>, event: impl FnOnce(Now) -> deputize::Result<deputize::AuditEvent>) -> Result<()> {
    let py = agent.py();
    if !is_exactly(agent, "deputize.agent", "Agent")? {
        return Ok(());
    }
    let audit = agent.getattr("audit")?;
    if audit.is_none() {
        return Ok(());
    }
    let event = Py::new(py, AuditEvent(event(system_now()?)?))?;
    if took(py, &audit, (event,))? { Ok(()) } else { Err(Code::AuditUnavailable.into()) }
}

/// What only runs, or ends, once somebody asks for it: coroutines, generators, futures.
const LATER: [&str; 4] = ["__await__", "__next__", "__anext__", "add_done_callback"];

/// Whether an answer is no more than the promise of one.
#[pyfunction]
pub fn puts_off(answer: &Bound<'_, PyAny>) -> PyResult<bool> {
    LATER.iter().try_fold(false, |later, name| Ok(later || answer.hasattr(*name)?))
}

/// Whether an audit sink took a record. One that answers with something that is yet to be done has not.
pub fn took<'py>(py: Python<'py>, audit: &Bound<'py, PyAny>, record: impl pyo3::call::PyCallArgs<'py>) -> Result<bool> {
    match audit.call1(record).and_then(|answer| puts_off(&answer)) {
        Ok(is_later) => Ok(!is_later),
        Err(error) => failed_callback(py, error).map(|()| false),
    }
}

/// Records what an agent signed or opened, before anybody gets it, if the agent has an audit sink.
#[pyfunction]
pub fn record_signed(agent: &Bound<'_, PyAny>, signed: &Bound<'_, PyAny>) -> PyResult<()> {
    entry(|| {
        tell(agent, |now| {
            let by = || verifying_key(agent, Code::KeyInvalid, "an Agent");
            if let Ok(chain) = signed.cast::<Chain>() {
                return deputize::AuditEvent::issued(&chain.get().0, &by()?, now);
            }
            if let Ok(approval) = signed.cast::<Approval>() {
                return Ok(deputize::AuditEvent::answered(&approval.get().0, now));
            }
            if let Ok(consent) = signed.cast::<Consent>() {
                return deputize::AuditEvent::consented(&consent.get().0, now);
            }
            if let Ok(identity) = signed.cast::<Identity>() {
                return Ok(deputize::AuditEvent::identified(&identity.get().0, now));
            }
            let session = signed.cast::<Session>().map_err(|_| Error::about(Code::ConfigInvalid, "nothing that an agent signs"))?;
            Ok(deputize::AuditEvent::opened(&session.get().0, &name(agent, "an Agent")?, &by()?, now))
        })
    })
}

pub fn outcome(call: &Authorized, error: Option<&str>, now: Now) -> AuditEvent {
    AuditEvent(deputize::AuditEvent::outcome(&call.inner, error, now))
}

pub fn revoked(what: &Revocable<'_>, now: Now) -> AuditEvent {
    AuditEvent(deputize::AuditEvent::revoked(what, now))
}

/// A key in Python's hands.
struct Held(Py<SigningKey>, deputize::VerifyingKey);

impl Signer for Held {
    fn verifying_key(&self) -> &deputize::VerifyingKey {
        &self.1
    }

    fn sign(&self, message: &[u8]) -> deputize::Result<Signature> {
        self.0.get().0.sign(message)
    }
}

fn held(agent: &Bound<'_, PyAny>) -> Result<Held> {
    let (_, key) = signer(agent)?;
    let public = key.get().0.verifying_key().clone();
    Ok(Held(key, public))
}

const DISCLOSED: &str = "arguments: a bool, or a list of names";

/// An audit log in a file.
#[pyclass(frozen, module = "deputize")]
pub struct AuditLog {
    file: LogFile,
    /// Whether an entry may wait: for the disk, or for a function that is told of signals.
    pub waits: bool,
    process: u32,
    clock: Option<Py<PyAny>>,
    on_signal: Option<Py<PyAny>>,
    /// Whether signals are being told. Those that come of it wait for whoever tells them.
    is_telling: Mutex<bool>,
}

#[pymethods]
impl AuditLog {
    #[new]
    #[pyo3(signature = (path, *, origin=None, key=None, checkpoint_every=None, expect=None, arguments=None, salt=None, sync=None, rotate_at=None, unproven_per_minute=None, clock=None, signals=None, on_signal=None))]
    #[allow(clippy::too_many_arguments, reason = "the options of a log")]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        origin: Option<&Bound<'_, PyAny>>,
        key: Option<&Bound<'_, PyAny>>,
        checkpoint_every: Option<&Bound<'_, PyAny>>,
        expect: Option<&Bound<'_, PyAny>>,
        arguments: Option<&Bound<'_, PyAny>>,
        salt: Option<&Bound<'_, PyAny>>,
        sync: Option<&Bound<'_, PyAny>>,
        rotate_at: Option<&Bound<'_, PyAny>>,
        unproven_per_minute: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
        signals: Option<&Bound<'_, PyAny>>,
        on_signal: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let flag =
                |given: Option<&Bound<'_, PyAny>>, what| given.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConfigInvalid, what));
            let number =
                |given: Option<&Bound<'_, PyAny>>, what| given.map(|number| unsigned(number, Code::ConfigInvalid, what)).transpose();
            let mut options = LogOptions::new();
            let synced = flag(sync, "sync: a bool")?;
            options = options.synced(synced);
            if let Some(names) = arguments.filter(|names| sequence(names).is_some()) {
                options = options.disclosing(crate::given::texts(names, Code::ConfigInvalid, DISCLOSED)?);
            } else {
                options = options.with_arguments(flag(arguments, DISCLOSED)?);
            }
            if let Some(salt) = salt {
                let salt = convert::bytes(salt)?.and_then(|salt| salt.try_into().ok());
                options = options.salted(salt.ok_or(Error::about(Code::ConfigInvalid, "salt: 32 bytes"))?);
            }
            if let Some(bytes) = number(rotate_at, "rotate_at: bytes")? {
                options = options.rotate_at(bytes);
            }
            if let Some(most) = number(unproven_per_minute, "unproven_per_minute: a number of records")? {
                options = options.unproven_per_minute(most);
            }
            let every = number(checkpoint_every, "checkpoint_every: a number of entries")?;
            match key {
                Some(key) => options = options.checkpoints(Arc::new(held(key)?), every.unwrap_or(1000)),
                None if every.is_some() => return Err(Error::about(Code::ConfigInvalid, "checkpoint_every: needs a key").into()),
                None => {}
            }
            if let Some(signals) = signals {
                options = options.signals(signals::watch_of(signals)?);
            } else if on_signal.is_some() {
                return Err(Error::about(Code::ConfigInvalid, "on_signal: needs signals").into());
            }
            let on_signal = crate::given::callback(on_signal, "on_signal: a function")?;
            for checkpoint in expect.map(checkpoints).transpose()?.unwrap_or_default() {
                options = options.expected(checkpoint);
            }
            let origin = match origin {
                Some(origin) => text(origin, Code::NameInvalid, "origin: a text")?,
                None => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            };
            let clock = crate::given::callback(clock, "clock: a function")?;
            let now = read_clock(py, clock.as_ref())?;
            let file = py.detach(|| LogFile::open(&path, &origin, options, now))?;
            let waits = synced || on_signal.is_some();
            Ok(AuditLog { file, waits, process: std::process::id(), clock, on_signal, is_telling: Mutex::new(false) })
        })
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.file.path().to_owned()
    }

    #[getter]
    fn origin(&self) -> &str {
        self.file.origin()
    }

    /// Records a decision or an event: its sequence; `None` for a denial that was only counted.
    fn append(&self, py: Python<'_>, record: &Bound<'_, PyAny>) -> PyResult<Option<u64>> {
        entry(|| {
            self.own()?;
            if let Ok(record) = record.cast::<AuditRecord>() {
                let record = record.get();
                return self.told(py, || self.file.record(&record.0));
            }
            let event =
                record.cast::<AuditEvent>().map_err(|_| Error::about(Code::ConfigInvalid, "an AuditRecord or an AuditEvent"))?.get();
            self.told(py, || self.file.event(&event.0).map(Some))
        })
    }

    fn __call__(&self, py: Python<'_>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        self.append(py, record).map(drop)
    }

    /// Puts records, which are canonical JSON, at the end with one write: the sequence of the first.
    fn append_json(&self, py: Python<'_>, records: &Bound<'_, PyAny>) -> PyResult<u64> {
        entry(|| {
            self.own()?;
            let records = crate::given::texts(records, Code::LogMalformed, "records: a list of texts")?;
            let now = read_clock(py, self.clock.as_ref())?;
            self.told(py, || self.file.append(&records, now))
        })
    }

    /// How many entries there are, as this process knows.
    #[getter]
    fn size(&self, py: Python<'_>) -> PyResult<u64> {
        entry(|| {
            self.own()?;
            Ok(py.detach(|| self.file.head().size()))
        })
    }

    /// A signed checkpoint of the log as it is. It is beside the log too.
    fn checkpoint(&self, py: Python<'_>) -> PyResult<String> {
        entry(|| {
            self.own()?;
            let now = read_clock(py, self.clock.as_ref())?;
            Ok(py.detach(|| self.file.sign_checkpoint(now))?)
        })
    }

    /// The latest checkpoint that was signed.
    #[getter]
    fn latest_checkpoint(&self, py: Python<'_>) -> PyResult<Option<String>> {
        entry(|| {
            self.own()?;
            Ok(py.detach(|| self.file.checkpoint()))
        })
    }

    /// Writes what is left, signs a checkpoint if there is a key for it, and ends.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        entry(|| {
            self.own()?;
            let now = read_clock(py, self.clock.as_ref())?;
            self.told(py, || self.file.close(now))
        })
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyAny>) -> PyResult<()> {
        self.close(py)
    }

    fn __repr__(&self) -> String {
        format!("AuditLog({:?})", self.file.path().display().to_string())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.clock)?;
        visit.call(&self.on_signal)
    }
}

impl AuditLog {
    /// A forked process has locks that nobody may ever release.
    fn own(&self) -> deputize::Result<()> {
        if std::process::id() == self.process {
            return Ok(());
        }
        Err(Error::about(Code::AuditUnavailable, "opened by another process; open the log in the one that writes it"))
    }

    /// Appends, and then tells what signals that gave. The lock of the log is held by nobody then, so that whoever is told may use it.
    fn told<T: Send>(&self, py: Python<'_>, append: impl Send + FnOnce() -> deputize::Result<T>) -> Result<T> {
        let appended = py.detach(append);
        if let Some(on_signal) = &self.on_signal {
            self.tell(on_signal.bind(py));
        }
        Ok(appended?)
    }

    /// One after another, by one thread. What the function raises is its own matter, and is reported as Python reports what nobody can catch.
    fn tell(&self, on_signal: &Bound<'_, PyAny>) {
        if std::mem::replace(&mut *self.telling(), true) {
            return;
        }
        while let Some(signal) = self.next_signal() {
            if let Err(error) = signals::to_python(on_signal.py(), &signal).and_then(|signal| on_signal.call1((signal,))) {
                error.write_unraisable(on_signal.py(), Some(on_signal));
            }
        }
    }

    /// Without one, whoever has the next tells it.
    fn next_signal(&self) -> Option<deputize::Signal> {
        let mut is_telling = self.telling();
        let signal = self.file.take_signal();
        *is_telling = signal.is_some();
        signal
    }

    fn telling(&self) -> MutexGuard<'_, bool> {
        self.is_telling.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The size of a log, and the root of its tree at that size.
#[pyclass(frozen, module = "deputize", eq)]
#[derive(Clone, PartialEq)]
pub struct Checkpoint(deputize::Checkpoint);

#[pymethods]
impl Checkpoint {
    #[new]
    fn new(origin: &Bound<'_, PyAny>, size: &Bound<'_, PyAny>, root: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let origin = text(origin, Code::CheckpointInvalid, "origin: a text")?;
            let size = unsigned(size, Code::CheckpointInvalid, "size: a number of entries")?;
            let root = hash(root)?;
            Ok(Checkpoint(deputize::Checkpoint::new(&origin, size, root)?))
        })
    }

    /// A checkpoint whose signatures nobody has checked.
    #[staticmethod]
    fn unverified(note: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Checkpoint(deputize::Checkpoint::unverified(&note_text(note)?)?)))
    }

    #[getter]
    fn origin(&self) -> &str {
        self.0.origin()
    }

    #[getter]
    fn size(&self) -> u64 {
        self.0.size()
    }

    /// In hex.
    #[getter]
    fn root(&self) -> String {
        self.0.root().to_string()
    }

    /// The note, signed by an agent with the log's key.
    fn sign(&self, agent: &Bound<'_, PyAny>) -> PyResult<String> {
        entry(|| Ok(self.0.sign(&held(agent)?)?))
    }

    fn __repr__(&self) -> String {
        format!("Checkpoint({:?}, {}, {:?})", self.0.origin(), self.0.size(), self.0.root().to_string())
    }
}

fn note_text(note: &Bound<'_, PyAny>) -> deputize::Result<String> {
    text(note, Code::CheckpointInvalid, "note: a text")
}

fn hash(object: &Bound<'_, PyAny>) -> deputize::Result<Digest> {
    crate::given::id(object, "a hash: 32 bytes, or their hex")
        .map(Digest::from_bytes)
        .map_err(|_| Error::about(Code::CheckpointInvalid, "root"))
}

fn checkpoints(list: &Bound<'_, PyAny>) -> deputize::Result<Vec<deputize::Checkpoint>> {
    const WHAT: &str = "a list of Checkpoint";
    let list = sequence(list).ok_or(Error::about(Code::ConfigInvalid, WHAT))?;
    let one = |object: Bound<'_, PyAny>| {
        object.cast::<Checkpoint>().map(|one| one.get().0.clone()).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))
    };
    list.iter().map(one).collect()
}

/// The key of a log or a witness, as notes name it.
#[pyclass(frozen, module = "deputize", eq)]
#[derive(Clone, PartialEq)]
pub struct NoteKey(deputize::NoteKey);

#[pymethods]
impl NoteKey {
    #[staticmethod]
    fn of_log(origin: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(NoteKey(deputize::NoteKey::of_log(&text(origin, Code::NameInvalid, "origin: a text")?, &note_key(key)?)?)))
    }

    #[staticmethod]
    fn of_witness(name: &Bound<'_, PyAny>, key: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(NoteKey(deputize::NoteKey::of_witness(&text(name, Code::NameInvalid, "name: a text")?, &note_key(key)?)?)))
    }

    #[staticmethod]
    fn from_text(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(NoteKey(deputize::NoteKey::from_text(&text(given, Code::CheckpointInvalid, "the text of a key")?)?)))
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    fn __str__(&self) -> String {
        self.0.to_text()
    }

    fn __repr__(&self) -> String {
        format!("NoteKey({:?})", self.0.to_text())
    }
}

fn note_key(key: &Bound<'_, PyAny>) -> deputize::Result<deputize::VerifyingKey> {
    verifying_key(key, Code::KeyInvalid, "key: an Agent or a VerifyingKey")
}

fn note_keys(list: &Bound<'_, PyAny>) -> deputize::Result<Vec<deputize::NoteKey>> {
    const WHAT: &str = "a list of NoteKey";
    let list = sequence(list).ok_or(Error::about(Code::ConfigInvalid, WHAT))?;
    let one = |object: Bound<'_, PyAny>| {
        object.cast::<NoteKey>().map(|one| one.get().0.clone()).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))
    };
    list.iter().map(one).collect()
}

/// Whose signatures make a checkpoint good.
#[pyclass(frozen, module = "deputize")]
#[derive(Clone)]
pub struct CheckpointPolicy(deputize::CheckpointPolicy);

#[pymethods]
impl CheckpointPolicy {
    #[new]
    #[pyo3(signature = (keys, witnesses=None, count=None))]
    fn new(keys: &Bound<'_, PyAny>, witnesses: Option<&Bound<'_, PyAny>>, count: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        entry(|| {
            let policy = deputize::CheckpointPolicy::new(note_keys(keys)?)?;
            let Some(witnesses) = witnesses else { return Ok(CheckpointPolicy(policy)) };
            let witnesses = note_keys(witnesses)?;
            let count =
                count.map_or(Ok(witnesses.len() as u64), |count| unsigned(count, Code::ConfigInvalid, "count: a number of witnesses"))?;
            Ok(CheckpointPolicy(policy.with_witnesses(usize::try_from(count).unwrap_or(usize::MAX), witnesses)?))
        })
    }

    /// The checkpoint, if its signatures are those that are asked for.
    #[pyo3(signature = (note, clock=None))]
    fn verify(&self, py: Python<'_>, note: &Bound<'_, PyAny>, clock: Option<Bound<'_, PyAny>>) -> PyResult<Checkpoint> {
        entry(|| {
            let now = now_of(py, clock)?;
            Ok(Checkpoint(self.0.verify(&note_text(note)?, now)?))
        })
    }
}

fn now_of(py: Python<'_>, clock: Option<Bound<'_, PyAny>>) -> Result<Now> {
    read_clock(py, crate::given::callback(clock, "clock: a function")?.as_ref())
}

/// A witness of one log.
#[pyclass(frozen, module = "deputize")]
pub struct Witness(Mutex<deputize::Witness>, Held);

#[pymethods]
impl Witness {
    #[new]
    #[pyo3(signature = (agent, policy, seen=None, clock=None))]
    fn new(
        py: Python<'_>,
        agent: &Bound<'_, PyAny>,
        policy: &Bound<'_, PyAny>,
        seen: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let (name, _) = signer(agent)?;
            let policy = policy.cast::<CheckpointPolicy>().map_err(|_| Error::about(Code::ConfigInvalid, "policy: a CheckpointPolicy"))?;
            let seen = seen.map(note_text).transpose()?;
            let witness = deputize::Witness::new(&name, policy.get().0.clone(), seen.as_deref(), now_of(py, clock)?)?;
            Ok(Witness(Mutex::new(witness), held(agent)?))
        })
    }

    /// The newest checkpoint that it saw, as a note.
    #[getter]
    fn seen(&self) -> Option<String> {
        self.witness().seen().map(ToOwned::to_owned)
    }

    /// Sees a checkpoint; the line that cosigns it.
    #[pyo3(signature = (note, proof=None, clock=None))]
    fn cosign(
        &self,
        py: Python<'_>,
        note: &Bound<'_, PyAny>,
        proof: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<String> {
        entry(|| {
            let wrong = || Error::about(Code::CheckpointInconsistent, "proof: a list of hashes");
            let list = proof.map(|proof| sequence(proof).ok_or_else(wrong)).transpose()?;
            let proof = list
                .into_iter()
                .flat_map(|list| list.iter())
                .map(|one| hash(&one).map_err(|_| wrong()))
                .collect::<deputize::Result<Vec<_>>>()?;
            let now = now_of(py, clock)?;
            Ok(self.witness().cosign(&note_text(note)?, &proof, &self.1, now)?)
        })
    }
}

impl Witness {
    fn witness(&self) -> MutexGuard<'_, deputize::Witness> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks a log that comes in pieces.
#[pyclass(frozen, module = "deputize")]
pub struct LogCheck(Mutex<Option<deputize::LogCheck>>);

#[pymethods]
impl LogCheck {
    #[new]
    #[pyo3(signature = (checkpoints=None))]
    fn new(checkpoints: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        entry(|| {
            let anchors = checkpoints.map(self::checkpoints).transpose()?.unwrap_or_default();
            Ok(LogCheck(Mutex::new(Some(deputize::LogCheck::new(anchors)))))
        })
    }

    /// The next piece: the records that it completes, as pairs of their sequence and canonical JSON.
    fn push(&self, py: Python<'_>, piece: &Bound<'_, PyAny>) -> PyResult<Vec<(u64, String)>> {
        entry(|| {
            let piece = match piece.cast_exact::<PyString>() {
                Ok(_) => text(piece, Code::LogMalformed, "a piece of a log")?.into_bytes(),
                Err(_) => convert::bytes(piece)?.ok_or(Error::about(Code::LogMalformed, "a piece of a log is bytes"))?,
            };
            let mut found = Vec::new();
            // Whoever waits for another thread's piece does not keep that thread from Python.
            py.detach(|| {
                let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                held.as_mut().ok_or(Error::about(Code::ConfigInvalid, OVER))?.push_each(&piece, |sequence, record| {
                    found.push((sequence, record.to_owned()));
                    Ok(())
                })
            })?;
            Ok(found)
        })
    }

    /// The end of the log.
    fn finish(&self, py: Python<'_>) -> PyResult<LogReport> {
        entry(|| {
            let check = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(LogReport(check.ok_or(Error::about(Code::ConfigInvalid, OVER))?.finish()?))
        })
    }
}

const OVER: &str = "the check is over";

/// The bytes of a log as it is, whatever is appended meanwhile.
#[pyclass(frozen, module = "deputize")]
pub struct LogReader(Mutex<LogPieces>);

#[pymethods]
impl LogReader {
    #[new]
    fn new(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        entry(|| Ok(LogReader(Mutex::new(py.detach(|| LogPieces::open(path))?))))
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyBytes>>> {
        entry(|| {
            let piece = py.detach(|| self.0.lock().unwrap_or_else(PoisonError::into_inner).next_piece())?;
            Ok(piece.map(|piece| PyBytes::new(py, &piece)))
        })
    }
}

/// What a whole log is like.
#[pyclass(frozen, module = "deputize")]
pub struct LogReport(deputize::LogReport);

#[pymethods]
impl LogReport {
    #[getter]
    fn size(&self) -> u64 {
        self.0.head.size()
    }

    /// In hex.
    #[getter]
    fn root(&self) -> String {
        self.0.head.root().to_string()
    }

    /// Up to which size it is what a checkpoint says; `None` without one: then it may have been cut, or written anew.
    #[getter]
    fn anchored(&self) -> Option<u64> {
        self.0.anchored
    }

    #[getter]
    fn steps_back(&self) -> u64 {
        self.0.steps_back
    }

    #[getter]
    fn first_step_back(&self) -> Option<u64> {
        self.0.first_step_back
    }

    fn __repr__(&self) -> String {
        let anchored = self.0.anchored.map_or("unanchored".to_owned(), |size| format!("anchored up to {size}"));
        format!("LogReport({} entries, {anchored})", self.0.head.size())
    }
}

/// Checks a whole log, with all of its files; `progress` is called with the bytes that are done and those in all.
#[pyfunction]
#[pyo3(signature = (path, checkpoints=None, progress=None))]
pub fn check_log(
    py: Python<'_>,
    path: PathBuf,
    checkpoints: Option<&Bound<'_, PyAny>>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<LogReport> {
    entry(|| {
        let anchors = checkpoints.map(self::checkpoints).transpose()?.unwrap_or_default();
        let progress = crate::given::callback(progress, "progress: a function")?;
        let (mut check, mut pieces) = (deputize::LogCheck::new(anchors), py.detach(|| LogPieces::open(path))?);
        let mut next = || -> deputize::Result<Option<(u64, u64)>> {
            let Some(piece) = pieces.next_piece()? else { return Ok(None) };
            check.push(&piece).map(|()| Some(pieces.progress()))
        };
        while let Some(done) = py.detach(&mut next)? {
            // A check that takes minutes can be interrupted.
            py.check_signals()?;
            if let Some(progress) = &progress {
                progress.call1(py, done)?;
            }
        }
        Ok(LogReport(check.finish()?))
    })
}

/// The files of a log, in order.
#[pyfunction]
pub fn log_files(path: PathBuf) -> PyResult<Vec<PathBuf>> {
    entry(|| Ok(os::log_files(path)?))
}

/// The receipt of an entry: that it is in the log, by a checkpoint of it.
#[pyfunction]
pub fn make_receipt(py: Python<'_>, path: PathBuf, sequence: &Bound<'_, PyAny>, note: &Bound<'_, PyAny>) -> PyResult<String> {
    entry(|| {
        let sequence = unsigned(sequence, Code::ConfigInvalid, "sequence: the number of an entry")?;
        let note = note_text(note)?;
        Ok(py.detach(|| os::make_receipt(path, sequence, &note))?)
    })
}

/// The hashes that show that the log at a checkpoint continues the log of an older size.
#[pyfunction]
pub fn prove_consistency<'py>(
    py: Python<'py>,
    path: PathBuf,
    size: &Bound<'py, PyAny>,
    checkpoint: &Bound<'py, PyAny>,
) -> PyResult<Vec<Bound<'py, PyBytes>>> {
    entry(|| {
        let size = unsigned(size, Code::ConfigInvalid, "size: a number of entries")?;
        let checkpoint =
            checkpoint.cast::<Checkpoint>().map_err(|_| Error::about(Code::ConfigInvalid, "checkpoint: a Checkpoint"))?.get().0.clone();
        let proof = py.detach(|| os::prove_consistency(path, size, &checkpoint))?;
        Ok(proof.iter().map(|hash| PyBytes::new(py, hash.as_bytes())).collect())
    })
}

/// That the entry of this line is in the log, by its receipt: the checkpoint that says so.
#[pyfunction]
#[pyo3(signature = (receipt, line, policy, clock=None))]
pub fn verify_receipt(
    py: Python<'_>,
    receipt: &Bound<'_, PyAny>,
    line: &Bound<'_, PyAny>,
    policy: &Bound<'_, PyAny>,
    clock: Option<Bound<'_, PyAny>>,
) -> PyResult<Checkpoint> {
    entry(|| {
        let receipt = text(receipt, Code::ReceiptInvalid, "receipt: a text")?;
        let line = text(line, Code::LogMalformed, "line: a text")?;
        let policy = policy.cast::<CheckpointPolicy>().map_err(|_| Error::about(Code::ConfigInvalid, "policy: a CheckpointPolicy"))?;
        let now = now_of(py, clock)?;
        Ok(Checkpoint(deputize::verify_receipt(&receipt, &line, &policy.get().0, now)?))
    })
}

/// A record of a log, as a sentence.
#[pyfunction]
pub fn record_sentence(record: &Bound<'_, PyAny>) -> PyResult<String> {
    entry(|| Ok(deputize::LogRecord::from_json(&text(record, Code::Malformed, "record: canonical JSON")?)?.to_sentence()))
}
