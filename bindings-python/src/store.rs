//! The store in memory, and stores that are written in Python.

use std::sync::{Arc, OnceLock};

use deputize::{Code, Error, Now, Operation, Outcome, Store};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyInt, PyList, PyString, PyTuple};

use crate::convert::unsigned;
use crate::errors::{Result, entry, failed_callback};
use crate::given::system_now;

/// The bounded store in memory. It begins with the first verifier that uses it, by that verifier's clock.
#[pyclass(frozen, module = "deputize")]
pub struct MemoryStore {
    capacity: usize,
    made: Now,
    process: u32,
    store: OnceLock<Arc<deputize::MemoryStore>>,
}

#[pymethods]
impl MemoryStore {
    #[new]
    #[pyo3(signature = (capacity=None))]
    fn new(capacity: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        const WHAT: &str = "capacity: a positive int";
        entry(|| {
            let capacity = match capacity {
                None => deputize::MemoryStore::DEFAULT_CAPACITY,
                Some(capacity) => {
                    usize::try_from(unsigned(capacity, Code::ConfigInvalid, WHAT)?).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))?
                }
            };
            if capacity == 0 {
                return Err(Error::about(Code::ConfigInvalid, WHAT).into());
            }
            Ok(MemoryStore { capacity, made: system_now()?, process: std::process::id(), store: OnceLock::new() })
        })
    }

    #[getter]
    const fn capacity(&self) -> usize {
        self.capacity
    }

    /// How many keys it remembers.
    fn __len__(&self) -> usize {
        self.store.get().map_or(0, |store| store.len())
    }
}

impl MemoryStore {
    fn begin(&self, now: Now) -> deputize::Result<Arc<deputize::MemoryStore>> {
        let made = Arc::new(deputize::MemoryStore::new(self.capacity, now)?);
        Ok(self.store.get_or_init(|| made).clone())
    }

    /// The store for an authority, whose clock is the system's: it remembers since it was made. A forked process has only a copy of it.
    pub fn begun(&self) -> deputize::Result<Arc<deputize::MemoryStore>> {
        if std::process::id() != self.process {
            return Err(Error::about(Code::StoreUnavailable, "a forked process has only a copy of the memory"));
        }
        self.begin(self.made)
    }
}

/// What the verifier in core is given for a store: the one in memory, or one that Python is asked about after core has decided.
#[derive(Clone)]
pub enum Kind {
    Memory(Arc<deputize::MemoryStore>),
    Python,
}

impl Store for Kind {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        match self {
            Kind::Memory(store) => store.commit(transaction, now),
            Kind::Python => Outcome::Unavailable,
        }
    }
}

/// The store that an option stands for; without one, a store in memory that begins now.
pub fn kind_of(store: Option<&Bound<'_, PyAny>>, now: impl FnOnce() -> Result<Now>) -> Result<Kind> {
    let Some(store) = store else {
        return Ok(Kind::Memory(Arc::new(deputize::MemoryStore::new(deputize::MemoryStore::DEFAULT_CAPACITY, now()?)?)));
    };
    match store.cast::<MemoryStore>() {
        Ok(memory) => Ok(Kind::Memory(memory.get().begin(now()?)?)),
        Err(_) if store.getattr("commit").is_ok_and(|commit| commit.is_callable()) => Ok(Kind::Python),
        Err(_) => Err(Error::about(Code::ConfigInvalid, "store: a MemoryStore, or a store with a method commit").into()),
    }
}

/// Tells a store that has a method for it that a verifier has taken it. One that fails is asked again at each decision.
pub fn begin(py: Python<'_>, store: &Bound<'_, PyAny>, now: impl FnOnce() -> Result<Now>) -> Result<()> {
    let Ok(begin) = store.getattr("begin") else { return Ok(()) };
    match begin.call1((now()?.millis(),)) {
        Ok(_) => Ok(()),
        Err(error) => failed_callback(py, error),
    }
}

/// Asks a store that is written in Python: only `True` itself is a commit, and what is no answer is no store.
pub fn commit(py: Python<'_>, store: &Py<PyAny>, transaction: &[Operation], now: Now) -> Result<Outcome> {
    let operations = transaction.iter().map(|operation| to_python(py, operation)).collect::<PyResult<Vec<_>>>()?;
    match store.bind(py).call_method1("commit", (PyList::new(py, operations)?, now.millis())) {
        Ok(answer) => Ok(outcome(&answer).unwrap_or(Outcome::Unavailable)),
        Err(error) => failed_callback(py, error).map(|()| Outcome::Unavailable),
    }
}

fn to_python<'py>(py: Python<'py>, operation: &Operation) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |key: &deputize::StoreKey| PyBytes::new(py, key.as_bytes());
    match operation {
        Operation::Claim { key, expires, since } => ("claim", bytes(key), expires.secs(), since.millis()).into_pyobject(py),
        Operation::Absent { key, since } => ("absent", bytes(key), since.millis()).into_pyobject(py),
        Operation::Mark { key, expires } => ("mark", bytes(key), expires.secs()).into_pyobject(py),
        Operation::Spend { key, amount, limit, expires, since } => {
            ("spend", bytes(key), *amount, *limit, expires.secs(), since.millis()).into_pyobject(py)
        }
        Operation::Refund { key, amount } => ("refund", bytes(key), *amount).into_pyobject(py),
    }
}

fn outcome(answer: &Bound<'_, PyAny>) -> Option<Outcome> {
    if let Ok(answer) = answer.cast_exact::<PyBool>() {
        return answer.is_true().then_some(Outcome::Committed);
    }
    if let Ok(answer) = answer.cast_exact::<PyString>() {
        return (answer.to_str().ok()? == "full").then_some(Outcome::Full);
    }
    let answer = answer.cast_exact::<PyTuple>().ok().filter(|answer| answer.len() == 2)?;
    let (word, index) = (answer.get_borrowed_item(0).ok()?, answer.get_borrowed_item(1).ok()?);
    let index = index.cast_exact::<PyInt>().ok()?.extract::<usize>().ok()?;
    match word.cast_exact::<PyString>().ok()?.to_str().ok()? {
        "refused" => Some(Outcome::Refused(index)),
        "predates" => Some(Outcome::Predates(index)),
        _ => None,
    }
}
