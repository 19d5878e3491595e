//! Trust anchors, and what their roots may give at most.

use deputize::{Bounds, Code, Error};
use pyo3::prelude::*;

use crate::constraints::tools_of;
use crate::convert::{self, duration, text, unsigned, verifying_key};
use crate::errors::{Result, entry};

/// Someone whose roots a verifier accepts.
#[pyclass(frozen, module = "deputize")]
pub struct TrustAnchor {
    anchor: deputize::TrustAnchor,
    may_impersonate: bool,
    bounds: Bounds,
}

#[pymethods]
impl TrustAnchor {
    #[new]
    #[pyo3(signature = (name, key, may_impersonate=None, tools=None, max_lifetime=None, max_depth=None))]
    fn new(
        name: &Bound<'_, PyAny>,
        key: &Bound<'_, PyAny>,
        may_impersonate: Option<&Bound<'_, PyAny>>,
        tools: Option<&Bound<'_, PyAny>>,
        max_lifetime: Option<&Bound<'_, PyAny>>,
        max_depth: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let flag = |given| convert::boolean(given, Code::ConfigInvalid, "may_impersonate: a bool");
            let may_impersonate = may_impersonate.map_or(Ok(false), flag)?;
            let bounds = Bounds {
                tools: tools.map(tools_of).transpose()?,
                max_lifetime: max_lifetime.map(duration).transpose()?,
                max_depth: max_depth.map(depth).transpose()?,
            };
            let name = text(name, Code::NameInvalid, "the name of a trust anchor")?;
            let anchor = deputize::TrustAnchor::new(&name, &verifying_key(key, Code::KeyInvalid, "the key of a trust anchor")?)?;
            let anchor = if may_impersonate { anchor.allow_impersonation() } else { anchor };
            Ok(TrustAnchor { anchor: anchor.bounded(bounds.clone()), may_impersonate, bounds })
        })
    }

    #[getter]
    fn name(&self) -> &str {
        self.anchor.name()
    }

    #[getter]
    fn key(&self) -> crate::keys::VerifyingKey {
        crate::keys::VerifyingKey(self.anchor.key().clone())
    }

    #[getter]
    const fn may_impersonate(&self) -> bool {
        self.may_impersonate
    }

    /// Seconds that a root may live.
    #[getter]
    const fn max_lifetime(&self) -> Option<u64> {
        self.bounds.max_lifetime
    }

    #[getter]
    const fn max_depth(&self) -> Option<u8> {
        self.bounds.max_depth
    }

    fn __repr__(&self) -> PyResult<String> {
        entry(|| Ok(format!("TrustAnchor({:?}, {})", self.anchor.name(), self.anchor.key().did_key())))
    }
}

fn depth(object: &Bound<'_, PyAny>) -> deputize::Result<u8> {
    const WHAT: &str = "max_depth: 0 to 15";
    u8::try_from(unsigned(object, Code::ConfigInvalid, WHAT)?).map_err(|_| Error::about(Code::ConfigInvalid, WHAT))
}

/// A `TrustAnchor`, or an `Agent`: something with a name and a key.
pub fn anchor_of(object: &Bound<'_, PyAny>) -> Result<deputize::TrustAnchor> {
    if let Ok(known) = object.cast::<TrustAnchor>() {
        return Ok(known.get().anchor.clone());
    }
    const WHAT: &str = "trust: a list of TrustAnchor and Agent";
    let name = object.getattr("name").map_err(|_| Error::about(Code::ConfigInvalid, WHAT))?;
    let name = text(&name, Code::ConfigInvalid, WHAT)?;
    Ok(deputize::TrustAnchor::new(&name, &verifying_key(object, Code::ConfigInvalid, WHAT)?)?)
}
