//! Chains and presentations: making them.

use deputize::{ApprovalRules, Call, Claims, Code, Digest, Error, Grant, Mode, Timestamp, UnverifiedChain, os};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString, PyTuple};

use crate::budget::{budgets_of, budgets_to_python, session_of};
use crate::constraints::{dict_of, tools_of, tools_to_python};
use crate::convert::{self, sequence, text, unsigned, verifying_key};
use crate::errors::{Result, entry};
use crate::evidence::attached;
use crate::given::system_now;
use crate::keys::{SigningKey, VerifyingKey};

/// A chain of tokens whose signatures nobody has checked.
#[pyclass(frozen, module = "deputize")]
pub struct Chain(pub UnverifiedChain);

#[pymethods]
impl Chain {
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let data = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "a chain is bytes"))?;
            Ok(Chain(UnverifiedChain::decode(&data)?))
        })
    }

    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Chain(UnverifiedChain::from_text(&convert::text(text, Code::TextMalformed, "a chain is a text")?)?)))
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode())
    }

    #[getter]
    fn text(&self) -> String {
        self.0.to_text()
    }

    /// One COSE_Sign1 for each token, root first.
    #[getter]
    fn tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entry(|| {
            let tokens = self.0.token_bytes()?;
            Ok(PyList::new(py, tokens.into_iter().map(|token| PyBytes::new(py, token)))?)
        })
    }

    /// The claims of every token, root first. Nobody has checked them.
    fn unverified_claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        entry(|| claims_to_python(py, self.0.unverified_claims()?.iter()))
    }

    /// Of the wanted tools what the leaf may give, for `delegate(tools=…)`. Nobody has checked the chain.
    fn narrow<'py>(&self, py: Python<'py>, tools: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        entry(|| {
            let wanted = tools_of(tools)?;
            let narrowed = py.detach(|| match self.0.unverified_claims()?.last() {
                Some(leaf) => leaf.tools.narrow(&wanted),
                None => Err(Code::Malformed.into()),
            })?;
            Ok(tools_to_python(py, &narrowed)?)
        })
    }

    fn __str__(&self) -> String {
        self.0.to_text()
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("Chain({} tokens)", self.0.token_bytes()?.len())))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Chain>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__<'py>(&self, py: Python<'py>) -> PyResult<isize> {
        self.bytes(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Chain>().getattr("decode")?, (self.bytes(py),)))
    }
}

/// A chain and a proof: what travels with one attempt of a call.
#[pyclass(frozen, module = "deputize")]
pub struct Presentation(pub deputize::Presentation);

#[pymethods]
impl Presentation {
    /// Reads size and shape. A verifier takes the bytes or the text, and needs none of this.
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let data = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "a presentation is bytes"))?;
            Ok(Presentation(deputize::Presentation::decode(&data)?))
        })
    }

    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let text = convert::text(text, Code::TextMalformed, "a presentation is a text")?;
            Ok(Presentation(deputize::Presentation::from_text(&text)?))
        })
    }

    /// The chain, which nobody has checked.
    fn unverified_chain(&self) -> PyResult<Chain> {
        entry(|| Ok(Chain(self.0.unverified_chain()?)))
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.encode())
    }

    #[getter]
    fn text(&self) -> String {
        self.0.to_text()
    }

    fn __str__(&self) -> String {
        self.0.to_text()
    }

    /// The same, with evidence after what is attached already: each an `Approval`, a `Consent`, an `Identity`, or bytes.
    #[pyo3(signature = (*evidence))]
    fn attach(&self, evidence: &Bound<'_, PyTuple>) -> PyResult<Self> {
        entry(|| Ok(Presentation(attached(&self.0, evidence.iter())?)))
    }

    fn __repr__(&self) -> String {
        format!("Presentation({} bytes)", self.0.encode().len())
    }
}

/// Claims of tokens as dicts, for display; absent ones are left out. Ids are lower-case hex.
pub fn claims_to_python<'py, 'a>(py: Python<'py>, claims: impl Iterator<Item = &'a Claims>) -> Result<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for claims in claims {
        let dict = PyDict::new(py);
        if let Some(issuer) = &claims.issuer {
            dict.set_item("issuer", issuer)?;
        }
        dict.set_item("subject", &claims.subject)?;
        if let Some(audience) = &claims.audience {
            dict.set_item("audience", audience)?;
        }
        dict.set_item("expires", claims.expires.secs())?;
        if let Some(not_before) = claims.not_before {
            dict.set_item("not_before", not_before.secs())?;
        }
        dict.set_item("issued", claims.issued.secs())?;
        dict.set_item("id", claims.id.to_string())?;
        dict.set_item("holder", VerifyingKey(claims.holder.clone()))?;
        dict.set_item("mode", claims.mode.as_str())?;
        dict.set_item("depth", claims.depth)?;
        dict.set_item("max_depth", claims.max_depth)?;
        for (name, digest) in [("parent", claims.parent), ("task", claims.task), ("evidence", claims.evidence)] {
            if let Some(digest) = digest {
                dict.set_item(name, digest.to_string())?;
            }
        }
        dict.set_item("tools", tools_to_python(py, &claims.tools)?)?;
        dict.set_item("session", claims.session.to_string())?;
        for (name, text) in [("holder_name", &claims.holder_name), ("reason", &claims.reason), ("context", &claims.context)] {
            if let Some(text) = text {
                dict.set_item(name, text)?;
            }
        }
        if !claims.approvals.is_empty() {
            dict.set_item("approvals", approvals_to_python(py, &claims.approvals)?)?;
        }
        if !claims.budgets.is_empty() {
            dict.set_item("budgets", budgets_to_python(py, &claims.budgets)?)?;
        }
        dict.set_item("ignored", &claims.ignored)?;
        list.append(dict)?;
    }
    Ok(list)
}

/// `{tool: [{"count": m, "approvers": [keys]}]}`.
fn approvals_to_python<'py>(py: Python<'py>, rules: &ApprovalRules) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (tool, count, approvers) in rules.iter() {
        let list = match dict.get_item(tool)? {
            Some(list) => list.cast_into::<PyList>()?,
            None => PyList::empty(py),
        };
        let requirement = PyDict::new(py);
        requirement.set_item("count", count)?;
        let keys = approvers.iter().map(|key| Py::new(py, VerifyingKey(key.clone()))).collect::<PyResult<Vec<_>>>()?;
        requirement.set_item("approvers", keys)?;
        list.append(requirement)?;
        dict.set_item(tool, list)?;
    }
    Ok(dict)
}

/// Issues a root.
#[pyfunction]
pub fn issue(
    py: Python<'_>,
    key: &SigningKey,
    issuer: &Bound<'_, PyAny>,
    to: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Chain> {
    entry(|| {
        let issuer = text(issuer, Code::NameInvalid, "the issuer's name")?;
        let grant = grant(to, options)?;
        let chain = py.detach(|| deputize::issue(&key.0, &issuer, &grant, &mut os::SysRng, system_now()?))?;
        Ok(Chain(chain))
    })
}

/// Delegates from the leaf of a chain.
#[pyfunction]
pub fn delegate(
    py: Python<'_>,
    key: &SigningKey,
    chain: &Bound<'_, PyAny>,
    to: &Bound<'_, PyAny>,
    options: &Bound<'_, PyDict>,
) -> PyResult<Chain> {
    entry(|| {
        let chain = chain_of(chain)?;
        let grant = grant(to, options)?;
        let chain = py.detach(|| deputize::delegate(&key.0, &chain, &grant, &mut os::SysRng, system_now()?))?;
        Ok(Chain(chain))
    })
}

/// Proves one attempt of a call.
#[pyfunction]
#[pyo3(signature = (key, chain, tool, arguments, audience, challenge=None, evidence=None))]
#[allow(clippy::too_many_arguments, reason = "as many as a call has parts")]
pub fn prove(
    py: Python<'_>,
    key: &SigningKey,
    chain: &Bound<'_, PyAny>,
    tool: &Bound<'_, PyAny>,
    arguments: &Bound<'_, PyAny>,
    audience: &Bound<'_, PyAny>,
    challenge: Option<&Bound<'_, PyAny>>,
    evidence: Option<&Bound<'_, PyAny>>,
) -> PyResult<Presentation> {
    entry(|| {
        let chain = chain_of(chain)?;
        let tool = text(tool, Code::NameInvalid, "the name of the tool")?;
        let arguments = convert::arguments(arguments)?;
        let audience = text(audience, Code::NameInvalid, "the audience")?;
        let challenge = challenge.map(challenge_of).transpose()?;
        let call = Call { challenge: challenge.as_deref(), ..Call::new(&tool, &arguments) };
        let made = py.detach(|| deputize::prove(&key.0, &chain, &call, &audience, &mut os::SysRng, system_now()?))?;
        let Some(evidence) = evidence else { return Ok(Presentation(made)) };
        let evidence = sequence(evidence).ok_or(Error::about(Code::Malformed, "evidence: a list"))?;
        Ok(Presentation(attached(&made, evidence.iter())?))
    })
}

/// The server's challenge.
pub fn challenge_of(object: &Bound<'_, PyAny>) -> deputize::Result<Vec<u8>> {
    convert::bytes(object)?.ok_or(Error::about(Code::ClaimInvalid, "challenge: 1 to 64 bytes"))
}

/// The bytes of a `Chain`.
pub fn chain_of(object: &Bound<'_, PyAny>) -> Result<UnverifiedChain> {
    Ok(object.cast::<Chain>().map_err(|_| Error::about(Code::Malformed, "chain: a Chain"))?.get().0.clone())
}

/// What to give, from the options of `issue` and `delegate`.
fn grant(to: &Bound<'_, PyAny>, options: &Bound<'_, PyDict>) -> Result<Grant> {
    let mut grant = Grant::to(&verifying_key(to, Code::KeyInvalid, "to: an Agent or a VerifyingKey")?);
    for (name, value) in options.copy()?.iter() {
        let name = text(&name, Code::ConfigInvalid, "the name of an option")?;
        grant = match &*name {
            "holder_name" => grant.holder_name(&text(&value, Code::NameInvalid, "holder_name: a text")?),
            "tools" => grant.tools(tools_of(&value)?),
            "ttl" => grant.ttl(convert::duration(&value)?),
            "not_before" => {
                grant.not_before(Timestamp::from_secs(unsigned(&value, Code::ClaimInvalid, "not_before: seconds since 1970")?)?)
            }
            "audience" => grant.audience(audience_of(&value)?),
            "max_depth" => {
                let depth = unsigned(&value, Code::ClaimInvalid, "max_depth: 0 to 15")?;
                grant.max_depth(u8::try_from(depth).map_err(|_| Error::about(Code::ClaimInvalid, "max_depth: 0 to 15"))?)
            }
            "approvals" => grant.approvals(approvals_of(&value)?),
            "evidence" => grant.evidence(Digest::try_from_slice(&id_bytes(&value, "evidence: 32 bytes")?)?),
            "reason" => grant.reason(&text(&value, Code::ClaimInvalid, "reason: a text")?),
            "context" => grant.context(&text(&value, Code::ClaimInvalid, "context: a text")?),
            "subject" => grant.subject(&text(&value, Code::NameInvalid, "subject: a text")?),
            "mode" => {
                let mode = text(&value, Code::ClaimInvalid, "mode: a text")?;
                grant.mode(Mode::from_name(&mode).ok_or_else(|| Error::named(Code::ClaimInvalid, "mode", &mode))?)
            }
            "budgets" => grant.budgets(budgets_of(&value)?),
            "session" => {
                let (session, task) = session_of(&value)?;
                match task {
                    Some(_) if options.contains("task")? => {
                        return Err(Error::about(Code::ClaimInvalid, "task: the session has one").into());
                    }
                    Some(task) => grant.session(session).task(task),
                    None => grant.session(session),
                }
            }
            "task" => grant.task(Digest::try_from_slice(&id_bytes(&value, "task: 32 bytes")?)?),
            _ => return Err(Error::named(Code::ConfigInvalid, "option", &name).into()),
        };
    }
    Ok(grant)
}

fn id_bytes(object: &Bound<'_, PyAny>, what: &'static str) -> Result<Vec<u8>> {
    Ok(convert::bytes(object)?.ok_or(Error::about(Code::ClaimInvalid, what))?)
}

fn audience_of(object: &Bound<'_, PyAny>) -> Result<Vec<String>> {
    const WHAT: &str = "audience: a text or a list of texts";
    if object.cast_exact::<PyString>().is_ok() {
        return Ok(vec![text(object, Code::NameInvalid, WHAT)?]);
    }
    let names = sequence(object).ok_or(Error::about(Code::NameInvalid, WHAT))?;
    names.iter_borrowed().map(|name| Ok(text(&name, Code::NameInvalid, WHAT)?)).collect()
}

/// `{tool: {"count": m, "approvers": [keys]}}`, or a list of those for a tool.
fn approvals_of(object: &Bound<'_, PyAny>) -> Result<ApprovalRules> {
    let mut rules = ApprovalRules::new();
    for (tool, required) in dict_of(object, Code::ClaimInvalid, "approvals: a dict")?.iter() {
        let tool = text(&tool, Code::NameInvalid, "the name of a tool")?;
        const WHAT: &str = "approvals: {tool: {\"count\": m, \"approvers\": [keys]}}";
        let list = sequence(&required).map_or_else(|| vec![required.clone()], |list| list.iter().collect());
        if list.is_empty() {
            return Err(Error::about(Code::ClaimInvalid, WHAT).into());
        }
        for requirement in list {
            let requirement = dict_of(&requirement, Code::ClaimInvalid, WHAT)?;
            let (Some(count), Some(approvers), 2) = (requirement.get_item("count")?, requirement.get_item("approvers")?, requirement.len())
            else {
                return Err(Error::about(Code::ClaimInvalid, WHAT).into());
            };
            let count = usize::try_from(unsigned(&count, Code::ClaimInvalid, WHAT)?).map_err(|_| Error::about(Code::ClaimInvalid, WHAT))?;
            let keys = sequence(&approvers).ok_or(Error::about(Code::ClaimInvalid, WHAT))?;
            let keys = keys.iter_borrowed().map(|key| verifying_key(&key, Code::ClaimInvalid, WHAT));
            rules = rules.require(&tool, count, &keys.collect::<deputize::Result<Vec<_>>>()?)?;
        }
    }
    Ok(rules)
}
