//! Keys. A signing key has a fixed text, and cannot be copied or pickled.

use std::path::PathBuf;

use deputize::{Code, Error, os};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::convert;
use crate::errors::{Result, entry, unsupported};

const NOT_COPIED: &str = "a signing key is not copied or pickled; write it with save or to_pem";

/// An Ed25519 public key.
#[pyclass(frozen, module = "deputize")]
pub struct VerifyingKey(pub deputize::VerifyingKey);

#[pymethods]
impl VerifyingKey {
    #[staticmethod]
    fn from_bytes(data: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(VerifyingKey(deputize::VerifyingKey::try_from_slice(&key_bytes(data)?)?)))
    }

    #[staticmethod]
    fn from_did_key(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(VerifyingKey(deputize::VerifyingKey::from_did_key(&key_text(text)?)?)))
    }

    #[staticmethod]
    fn from_pem(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(VerifyingKey(deputize::VerifyingKey::from_pem(&key_text(text)?)?)))
    }

    #[staticmethod]
    fn from_jwk(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(VerifyingKey(deputize::VerifyingKey::from_jwk(&key_text(text)?)?)))
    }

    #[getter]
    fn bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.as_bytes())
    }

    #[getter]
    fn did_key(&self) -> PyResult<String> {
        entry(|| Ok(self.0.did_key()))
    }

    #[getter]
    fn thumbprint(&self) -> PyResult<String> {
        entry(|| Ok(self.0.thumbprint()))
    }

    fn to_pem(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_pem()))
    }

    fn to_jwk(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_jwk()))
    }

    /// Whether the signature is this key's over the message.
    fn verify(&self, py: Python<'_>, message: &Bound<'_, PyAny>, signature: &Bound<'_, PyAny>) -> PyResult<bool> {
        entry(|| {
            let read = |object, what| convert::bytes(object)?.ok_or(Error::about(Code::ValueUnsupported, what));
            let (message, signature) = (read(message, "message: bytes")?, read(signature, "signature: bytes")?);
            let Ok(signature) = <&[u8; 64]>::try_from(&*signature) else { return Ok(false) };
            Ok(py.detach(|| self.0.verify(&message, signature)).is_ok())
        })
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("VerifyingKey({})", self.0.did_key())))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<VerifyingKey>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __hash__(&self) -> u64 {
        self.0.as_bytes().first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        Ok((py.get_type::<VerifyingKey>().getattr("from_bytes")?, (self.bytes(py),)))
    }
}

/// An Ed25519 private key.
#[pyclass(frozen, module = "deputize")]
pub struct SigningKey(pub deputize::SigningKey);

#[pymethods]
impl SigningKey {
    #[staticmethod]
    fn generate(py: Python<'_>) -> PyResult<Self> {
        entry(|| Ok(SigningKey(py.detach(os::generate_key)?)))
    }

    #[staticmethod]
    fn from_seed(seed: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(SigningKey(deputize::SigningKey::try_from_seed_slice(&key_bytes(seed)?)?)))
    }

    #[staticmethod]
    fn from_pem(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(SigningKey(deputize::SigningKey::from_pem(&key_text(text)?)?)))
    }

    #[staticmethod]
    fn from_jwk(text: &Bound<'_, PyAny>) -> PyResult<Self> {
        entry(|| Ok(SigningKey(deputize::SigningKey::from_jwk(&key_text(text)?)?)))
    }

    #[staticmethod]
    fn load(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        entry(|| Ok(SigningKey(py.detach(|| os::load(&path))?)))
    }

    #[staticmethod]
    fn load_or_create(py: Python<'_>, path: PathBuf) -> PyResult<Self> {
        entry(|| Ok(SigningKey(py.detach(|| os::load_or_create(&path))?)))
    }

    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        entry(|| Ok(py.detach(|| os::save(&path, &self.0))?))
    }

    #[getter]
    fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key().clone())
    }

    fn to_seed<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        entry(|| Ok(PyBytes::new(py, &*self.0.to_seed())))
    }

    fn to_pem(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_pem().to_string()))
    }

    fn to_jwk(&self) -> PyResult<String> {
        entry(|| Ok(self.0.to_jwk().to_string()))
    }

    fn __repr__(&self) -> &'static str {
        "SigningKey(…)"
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }

    fn __reduce_ex__(&self, _protocol: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }

    fn __copy__(&self) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }

    fn __deepcopy__(&self, _memo: &Bound<'_, PyAny>) -> PyResult<()> {
        Err(unsupported(NOT_COPIED))
    }
}

/// The text of a key: `str`, or ASCII bytes, as other libraries write PEM.
fn key_text(object: &Bound<'_, PyAny>) -> Result<String> {
    const WHAT: &str = "the text of a key";
    if let Some(bytes) = convert::bytes(object)? {
        return Ok(String::from_utf8(bytes).map_err(|_| Error::about(Code::KeyInvalid, WHAT))?);
    }
    Ok(convert::text(object, Code::KeyInvalid, WHAT)?)
}

fn key_bytes(object: &Bound<'_, PyAny>) -> Result<Vec<u8>> {
    Ok(convert::bytes(object)?.ok_or(Error::about(Code::KeyInvalid, "the bytes of a key"))?)
}
