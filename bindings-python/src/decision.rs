//! What a verifier answers: a verified chain, an allowed call, the record of a decision.

use deputize::Code;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::convert::{self, map_to_python, text};
use crate::errors::entry;
use crate::token::claims_to_python;

/// A chain whose links, times and narrowing were checked.
#[pyclass(frozen, module = "deputize")]
pub struct VerifiedChain(pub deputize::VerifiedChain);

#[pymethods]
impl VerifiedChain {
    #[getter]
    fn caller(&self) -> String {
        self.0.caller()
    }

    #[getter]
    fn principal(&self) -> &str {
        self.0.principal()
    }

    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer().name()
    }

    /// The claims of every token, root first.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entry(|| claims_to_python(py, self.0.claims()))
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.0.leaf().expires.secs()
    }

    fn __repr__(&self) -> String {
        format!("VerifiedChain({:?} for {:?})", self.0.caller(), self.0.principal())
    }
}

/// An allowed call. Only a verifier makes one.
#[pyclass(frozen, module = "deputize")]
pub struct Authorized {
    pub inner: deputize::Authorized,
    pub record: Py<AuditRecord>,
}

#[pymethods]
impl Authorized {
    #[getter]
    fn caller(&self) -> String {
        self.inner.caller()
    }

    #[getter]
    fn on_behalf_of(&self) -> &str {
        self.inner.on_behalf_of()
    }

    #[getter]
    fn tool(&self) -> &str {
        self.inner.tool()
    }

    /// The arguments that were decided about, as a new dict each time.
    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        entry(|| Ok(map_to_python(py, self.inner.arguments().into_iter().flat_map(deputize::Arguments::iter))?))
    }

    #[getter]
    fn chain(&self) -> VerifiedChain {
        VerifiedChain(self.inner.chain().clone())
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.inner.expires().secs()
    }

    /// Checks another value of an argument as the one of the call was checked: where a redirect leads. Raises `DeputizeError`.
    fn check_value(&self, py: Python<'_>, argument: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let argument = text(argument, Code::ArgumentUnexpected, "the name of an argument is a text")?;
            let value = convert::value(value)?;
            Ok(py.detach(|| self.inner.check_value(&argument, &value))?)
        })
    }

    /// Checks the network address that the host of an argument resolved to, before it is connected to. Raises `DeputizeError`.
    fn check_address(&self, argument: &Bound<'_, PyAny>, address: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| {
            let argument = text(argument, Code::ArgumentUnexpected, "the name of an argument is a text")?;
            let address = text(address, Code::ArgumentRefused, "the address is not a text")?;
            Ok(self.inner.check_address(&argument, &address)?)
        })
    }

    /// Checks the partition of what a tool is about to read or write: the call's token allows it. Raises `DeputizeError`.
    fn check_context(&self, context: &Bound<'_, PyAny>) -> PyResult<()> {
        entry(|| Ok(self.inner.check_context(&text(context, Code::ContextMismatch, "the context is not a text")?)?))
    }

    /// Labels in the chain that carry no authority.
    #[getter]
    fn ignored(&self) -> Vec<i64> {
        self.inner.ignored()
    }

    #[getter]
    fn record(&self, py: Python<'_>) -> Py<AuditRecord> {
        self.record.clone_ref(py)
    }

    /// The record as one sentence.
    #[getter]
    fn audit(&self) -> String {
        self.inner.record().to_sentence()
    }

    fn __repr__(&self) -> String {
        format!("Authorized({:?})", self.inner.record().to_sentence())
    }
}

/// One decision.
#[pyclass(frozen, module = "deputize")]
pub struct AuditRecord(pub deputize::AuditRecord);

#[pymethods]
impl AuditRecord {
    #[getter]
    const fn kind(&self) -> &'static str {
        "decision"
    }

    /// One line of canonical JSON.
    #[pyo3(signature = (arguments=false))]
    fn json(&self, arguments: bool) -> PyResult<String> {
        entry(|| Ok(if arguments { self.0.to_json_with_arguments() } else { self.0.to_json() }))
    }

    #[getter]
    fn sentence(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_sentence()))
    }

    #[getter]
    fn allowed(&self) -> bool {
        self.0.is_allowed()
    }

    /// `allowed`, or the code of the denial.
    #[getter]
    fn code(&self) -> &'static str {
        self.0.code().map_or("allowed", Code::as_str)
    }

    /// The id of the call's proof, in hex, if that was verified.
    #[getter]
    fn proof(&self) -> Option<String> {
        self.0.proof().map(ToString::to_string)
    }

    #[getter]
    fn time_ms(&self) -> u64 {
        self.0.time().millis()
    }

    fn __str__(&self) -> PyResult<String> {
        self.sentence()
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("AuditRecord({:?})", self.0.to_sentence())))
    }
}
