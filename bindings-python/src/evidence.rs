//! Consents, and what travels beside a proof.

use deputize::{Code, ConsentGrant, Error, os};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::approval::Approval;
use crate::convert::{self, duration, text, verifying_key};
use crate::errors::{Result, entry};
use crate::given::{self, signer, system_now};
use crate::identity::Identity;

/// A principal's signed consent to be impersonated. Nobody has checked the signature.
#[pyclass(frozen, module = "deputize")]
pub struct Consent(pub deputize::Consent);

#[pymethods]
impl Consent {
    #[staticmethod]
    fn decode(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| {
            let data = convert::bytes(data)?.ok_or(Error::about(Code::Malformed, "a consent is bytes"))?;
            Ok(Consent(deputize::Consent::decode(&data)?))
        })
    }

    #[staticmethod]
    fn from_text(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(Consent(deputize::Consent::from_text(&convert::text(text, Code::TextMalformed, "a consent is a text")?)?)))
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

    fn __repr__(&self) -> String {
        format!("Consent({} bytes)", self.0.encode().len())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Consent>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.bytes(py).hash()
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<Consent>().getattr("decode")?, (self.bytes(py),)))
    }
}

/// An agent consents that a holder acts as itself.
#[pyfunction]
#[pyo3(signature = (agent, holder, issuer, audience, tools=None, ttl=None))]
pub fn consent(
    py: Python<'_>,
    agent: &Bound<'_, PyAny>,
    holder: &Bound<'_, PyAny>,
    issuer: &Bound<'_, PyAny>,
    audience: &Bound<'_, PyAny>,
    tools: Option<&Bound<'_, PyAny>>,
    ttl: Option<&Bound<'_, PyAny>>,
) -> PyResult<Consent> {
    entry(|| {
        let (principal, key) = signer(agent)?;
        let holder = verifying_key(holder, Code::KeyInvalid, "holder: an Agent or a VerifyingKey")?;
        let issuer = given::name(issuer, "issuer: the name of a trust anchor")?;
        let audience = text(audience, Code::NameInvalid, "audience: a text")?;
        let mut grant = ConsentGrant::new(&principal, &holder, &issuer, &audience);
        if let Some(tools) = tools {
            grant = grant.tools(given::texts(tools, Code::ClaimInvalid, "tools: a list of names of tools")?);
        }
        if let Some(ttl) = ttl {
            grant = grant.ttl(duration(ttl)?);
        }
        let key = &key.get().0;
        Ok(Consent(py.detach(|| deputize::consent(key, &grant, &mut os::SysRng, system_now()?))?))
    })
}

/// A presentation with more evidence: each an `Approval`, a `Consent`, an `Identity`, or bytes.
pub fn attached<'py>(
    presentation: &deputize::Presentation,
    evidence: impl Iterator<Item = Bound<'py, PyAny>>,
) -> Result<deputize::Presentation> {
    let evidence = evidence.map(|object| bytes_of(&object)).collect::<Result<Vec<_>>>()?;
    Ok(presentation.attach(evidence.iter().map(Vec::as_slice))?)
}

fn bytes_of(object: &Bound<'_, PyAny>) -> Result<Vec<u8>> {
    if let Ok(approval) = object.cast::<Approval>() {
        return Ok(approval.get().0.encode().to_vec());
    }
    if let Ok(consent) = object.cast::<Consent>() {
        return Ok(consent.get().0.encode().to_vec());
    }
    if let Ok(identity) = object.cast::<Identity>() {
        return Ok(identity.get().0.encode().to_vec());
    }
    Ok(convert::bytes(object)?.ok_or(Error::about(Code::Malformed, "evidence: an Approval, a Consent, an Identity, or bytes"))?)
}
