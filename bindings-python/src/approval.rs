//! Requests for approval, an approver's word, and what a verifier wants approved.

use deputize::{ApprovalGrant, Call, Code, Error, ToolHint, bytes_from_text, limits, os, text_from_bytes};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::constraints::dict_of;
use crate::convert::{self, duration, map_to_python, sequence, text, unsigned};
use crate::errors::{Result, entry};
use crate::given::{self, signer, system_now};
use crate::keys::VerifyingKey;
use crate::token::{Chain, chain_of, claims_to_python};

/// A call that somebody is asked to approve. The signatures of its chain are unverified.
#[pyclass(frozen, module = "deputize")]
pub struct ApprovalRequest(deputize::ApprovalRequest);

#[pymethods]
impl ApprovalRequest {
    #[new]
    #[pyo3(signature = (chain, tool, arguments, audience, context=None))]
    fn new(
        chain: &Bound<'_, PyAny>,
        tool: &Bound<'_, PyAny>,
        arguments: &Bound<'_, PyAny>,
        audience: &Bound<'_, PyAny>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let chain = chain_of(chain)?;
            let tool = text(tool, Code::NameInvalid, "the name of the tool")?;
            let arguments = convert::arguments(arguments)?;
            let audience = text(audience, Code::NameInvalid, "the audience")?;
            let context = context.map(|context| text(context, Code::ClaimInvalid, "context: a text")).transpose()?;
            let call = Call { context: context.as_deref(), ..Call::new(&tool, &arguments) };
            Ok(ApprovalRequest(deputize::ApprovalRequest::new(&chain, &call, &audience)?))
        })
    }

    #[staticmethod]
    fn decode(py: Python<'_>, data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let most = limits::MAX_APPROVAL_REQUEST;
            let data = convert::bytes_up_to(data, most)?.ok_or(Error::about(Code::Malformed, "a request for approval is bytes"))?;
            Ok(ApprovalRequest(py.detach(|| deputize::ApprovalRequest::decode(&data))?))
        })
    }

    /// Reads what `text_form` wrote.
    #[staticmethod]
    fn from_text(py: Python<'_>, text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let text = convert::text(text, Code::TextMalformed, "a request for approval is a text")?;
            let read = || deputize::ApprovalRequest::decode(&bytes_from_text(&text, limits::MAX_APPROVAL_REQUEST)?);
            Ok(ApprovalRequest(py.detach(read)?))
        })
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode())
    }

    /// The bytes as base64url, to be sent.
    #[getter]
    fn text_form(&self) -> String {
        text_from_bytes(self.0.encode())
    }

    /// What a person has to see before signing.
    #[getter]
    fn text(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_text()))
    }

    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    #[getter]
    fn chain(&self) -> Chain {
        Chain(self.0.chain().clone())
    }

    /// The claims of every token, root first. Nobody has checked them.
    fn unverified_claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entry(|| claims_to_python(py, self.0.unverified_claims().iter()))
    }

    #[getter]
    fn principal(&self) -> &str {
        self.0.principal()
    }

    #[getter]
    fn mode(&self) -> &'static str {
        self.0.mode().as_str()
    }

    /// The keys of the holders, root first. The last one calls.
    #[getter]
    fn holders(&self) -> Vec<VerifyingKey> {
        self.0.holders().cloned().map(VerifyingKey).collect()
    }

    #[getter]
    fn tool(&self) -> &str {
        self.0.tool()
    }

    /// The arguments, as a new dict each time.
    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        entry(|| Ok(map_to_python(py, self.0.arguments().iter())?))
    }

    #[getter]
    fn audience(&self) -> &str {
        self.0.audience()
    }

    #[getter]
    fn context(&self) -> Option<&str> {
        self.0.context()
    }

    #[getter]
    fn session(&self) -> String {
        self.0.session().to_string()
    }

    #[getter]
    fn reason(&self) -> Option<&str> {
        self.0.reason()
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.0.expires().secs()
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("ApprovalRequest({}, {:?})", self.0.id(), self.0.tool())))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<ApprovalRequest>().is_ok_and(|other| other.get().0.encode() == self.0.encode())
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.bytes(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<ApprovalRequest>().getattr("decode")?, (self.bytes(py),)))
    }
}

/// An approver's signed word on one request. Nobody has checked the signature.
#[pyclass(frozen, module = "deputize")]
pub struct Approval(pub deputize::Approval);

#[pymethods]
impl Approval {
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let data = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "an approval is bytes"))?;
            Ok(Approval(deputize::Approval::decode(&data)?))
        })
    }

    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Approval(deputize::Approval::from_text(&convert::text(text, Code::TextMalformed, "an approval is a text")?)?)))
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode())
    }

    #[getter]
    fn text(&self) -> String {
        self.0.to_text()
    }

    #[getter]
    fn id(&self) -> String {
        self.0.id().to_string()
    }

    /// Whether it says yes.
    #[getter]
    const fn approves(&self) -> bool {
        self.0.approves()
    }

    #[getter]
    fn approver(&self) -> VerifyingKey {
        VerifyingKey(self.0.approver().clone())
    }

    /// The id of the request that it answers.
    #[getter]
    fn request(&self) -> String {
        self.0.request().to_string()
    }

    #[getter]
    fn expires(&self) -> u64 {
        self.0.expires().secs()
    }

    fn __str__(&self) -> String {
        self.0.to_text()
    }

    fn __repr__(&self) -> String {
        format!("Approval({} of {})", if self.0.approves() { "approval" } else { "denial" }, self.0.request())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Approval>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.bytes(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Approval>().getattr("decode")?, (self.bytes(py),)))
    }
}

/// An agent approves one call.
#[pyfunction]
#[pyo3(signature = (agent, request, ttl=None, reason=None))]
pub fn approve(
    py: Python<'_>,
    agent: &Bound<'_, PyAny>,
    request: &Bound<'_, PyAny>,
    ttl: Option<&Bound<'_, PyAny>>,
    reason: Option<&Bound<'_, PyAny>>,
) -> PyResult<Approval> {
    entry(|| signed(py, agent, request, ttl, reason, true))
}

/// An agent says no to one call.
#[pyfunction]
#[pyo3(signature = (agent, request, ttl=None, reason=None))]
pub fn deny(
    py: Python<'_>,
    agent: &Bound<'_, PyAny>,
    request: &Bound<'_, PyAny>,
    ttl: Option<&Bound<'_, PyAny>>,
    reason: Option<&Bound<'_, PyAny>>,
) -> PyResult<Approval> {
    entry(|| signed(py, agent, request, ttl, reason, false))
}

fn signed(
    py: Python<'_>,
    agent: &Bound<'_, PyAny>,
    request: &Bound<'_, PyAny>,
    ttl: Option<&Bound<'_, PyAny>>,
    reason: Option<&Bound<'_, PyAny>>,
    approves: bool,
) -> Result<Approval> {
    let (name, key) = signer(agent)?;
    let request = request.cast::<ApprovalRequest>().map_err(|_| Error::about(Code::Malformed, "request: an ApprovalRequest"))?;
    let mut grant = ApprovalGrant::new().name(&name);
    if let Some(ttl) = ttl {
        grant = grant.ttl(duration(ttl)?);
    }
    if let Some(reason) = reason {
        grant = grant.reason(&text(reason, Code::ClaimInvalid, "reason: a text")?);
    }
    let (key, request) = (&key.get().0, &request.get().0);
    let sign = || match approves {
        true => deputize::approve(key, request, &grant, &mut os::SysRng, system_now()?),
        false => deputize::deny(key, request, &grant, &mut os::SysRng, system_now()?),
    };
    Ok(Approval(py.detach(sign)?))
}

/// What has to be approved at a verifier.
#[pyclass(frozen, module = "deputize")]
pub struct ApprovalPolicy {
    pub policy: deputize::ApprovalPolicy,
    by_annotation: bool,
}

#[pymethods]
impl ApprovalPolicy {
    #[new]
    #[pyo3(signature = (count, approvers, harmless=None, require=None, by_annotation=None))]
    fn new(
        count: &Bound<'_, PyAny>,
        approvers: &Bound<'_, PyAny>,
        harmless: Option<&Bound<'_, PyAny>>,
        require: Option<&Bound<'_, PyAny>>,
        by_annotation: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        const HARMLESS: &str = "harmless: a list of names of tools";
        entry(|| {
            let (count, approvers) = (count_of(count)?, given::keys(approvers, Code::ConfigInvalid, APPROVERS)?);
            let mut policy = deputize::ApprovalPolicy::new(count, &approvers)?;
            if let Some(harmless) = harmless {
                let tools = given::texts(harmless, Code::ConfigInvalid, HARMLESS)?;
                policy = policy.harmless(tools.iter().map(String::as_str))?;
            }
            if let Some(require) = require {
                policy = required(policy, require)?;
            }
            let flag = |given| convert::boolean(given, Code::ConfigInvalid, "by_annotation: a bool");
            let by_annotation = by_annotation.map_or(Ok(false), flag)?;
            let policy = if by_annotation { policy.by_annotation() } else { policy };
            Ok(ApprovalPolicy { policy, by_annotation })
        })
    }

    /// Whether the annotations of tools count.
    #[getter]
    const fn by_annotation(&self) -> bool {
        self.by_annotation
    }
}

const APPROVERS: &str = "approvers: a list of Agent and VerifyingKey";

fn count_of(object: &Bound<'_, PyAny>) -> deputize::Result<usize> {
    const WHAT: &str = "count: how many approvers are needed";
    usize::try_from(unsigned(object, Code::ConfigInvalid, WHAT)?).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))
}

/// `{tool: (count, approvers)}`, or a list of those for a tool.
fn required(mut policy: deputize::ApprovalPolicy, require: &Bound<'_, PyAny>) -> Result<deputize::ApprovalPolicy> {
    const WHAT: &str = "require: {tool: (count, approvers)}";
    for (tool, requirements) in dict_of(require, Code::ConfigInvalid, WHAT)?.iter() {
        let tool = text(&tool, Code::ConfigInvalid, WHAT)?;
        let list = match requirements.cast_exact::<PyTuple>() {
            Ok(_) => vec![requirements.clone()],
            Err(_) => sequence(&requirements).ok_or(Error::about(Code::ConfigInvalid, WHAT))?.iter().collect(),
        };
        if list.is_empty() {
            return Err(Error::about(Code::ConfigInvalid, WHAT).into());
        }
        for requirement in list {
            let pair = requirement.cast_exact::<PyTuple>().ok().and_then(given::pair_of);
            let (count, approvers) = pair.ok_or(Error::about(Code::ConfigInvalid, WHAT))?;
            policy = policy.require(&tool, count_of(&count)?, &given::keys(&approvers, Code::ConfigInvalid, APPROVERS)?)?;
        }
    }
    Ok(policy)
}

const HINTS: [(&str, ToolHint); 3] =
    [("destructive", ToolHint::Destructive), ("additive", ToolHint::Additive), ("read_only", ToolHint::ReadOnly)];

/// What a tool does, as its server says.
pub fn hint_of(object: Option<&Bound<'_, PyAny>>) -> deputize::Result<ToolHint> {
    let Some(object) = object else { return Ok(ToolHint::Unknown) };
    let word = text(object, Code::ConfigInvalid, "hint: destructive, additive or read_only")?;
    let known = HINTS.into_iter().find(|(known, _)| *known == word);
    known.map(|(_, hint)| hint).ok_or_else(|| Error::named(Code::ConfigInvalid, "hint: destructive, additive or read_only, not", &word))
}

/// The word for what the annotations of an MCP tool say; none if they say nothing.
#[pyfunction]
#[pyo3(signature = (read_only, destructive))]
pub fn hint_from_annotations<'py>(py: Python<'py>, read_only: Option<bool>, destructive: Option<bool>) -> Option<Bound<'py, PyString>> {
    let hint = ToolHint::from_annotations(read_only, destructive);
    HINTS.into_iter().find(|(_, known)| *known == hint).map(|(word, _)| PyString::new(py, word))
}
