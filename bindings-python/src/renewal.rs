//! Renewing tokens by a policy.

use deputize::{Code, Timestamp, UnverifiedChain, os};
use pyo3::gc::{PyTraverseError, PyVisit};
use pyo3::prelude::*;

use crate::configuration::of_class;
use crate::convert::{duration, unsigned, verifying_key};
use crate::errors::{Result, entry};
use crate::given::{callback, read_clock, signer};
use crate::log::tell;
use crate::token::{Chain, chain_of};
use crate::trust::TrustState;

/// When a token is renewed, and until when that goes on.
#[pyclass(frozen, module = "deputize")]
pub struct RenewalPolicy {
    policy: deputize::RenewalPolicy<'static>,
    state: Option<Py<TrustState>>,
    clock: Option<Py<PyAny>>,
}

#[pymethods]
impl RenewalPolicy {
    #[new]
    #[pyo3(signature = (before, until, state=None, clock=None))]
    fn new(
        before: &Bound<'_, PyAny>,
        until: &Bound<'_, PyAny>,
        state: Option<&Bound<'_, PyAny>>,
        clock: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        entry(|| {
            let until = Timestamp::from_secs(unsigned(until, Code::ClaimInvalid, "until: seconds since 1970")?)?;
            Ok(RenewalPolicy {
                policy: deputize::RenewalPolicy::new(duration(before)?, until),
                state: of_class(state, "state: a TrustState")?,
                clock: callback(clock, "clock: a function")?,
            })
        })
    }

    /// A fresh root instead of one that this agent issued and that ends soon; `None` while it is not due.
    fn renew_root(&self, py: Python<'_>, agent: &Bound<'_, PyAny>, chain: &Bound<'_, PyAny>) -> PyResult<Option<Chain>> {
        entry(|| {
            let ((issuer, key), chain, now) = (signer(agent)?, chain_of(chain)?, read_clock(py, self.clock.as_ref())?);
            let key = &key.get().0;
            self.renewed(agent, |policy| policy.renew_root(key, &issuer, &chain, &mut os::SysRng, now))
        })
    }

    /// A fresh token below `parent` instead of the leaf of `chain`, which this agent delegated and which ends soon; `None` while it is not due.
    fn renew(
        &self,
        py: Python<'_>,
        agent: &Bound<'_, PyAny>,
        parent: &Bound<'_, PyAny>,
        chain: &Bound<'_, PyAny>,
    ) -> PyResult<Option<Chain>> {
        entry(|| {
            let ((_, key), now) = (signer(agent)?, read_clock(py, self.clock.as_ref())?);
            let (key, parent, chain) = (&key.get().0, chain_of(parent)?, chain_of(chain)?);
            self.renewed(agent, |policy| policy.renew(key, &parent, &chain, &mut os::SysRng, now))
        })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> std::result::Result<(), PyTraverseError> {
        visit.call(&self.state)?;
        visit.call(&self.clock)
    }
}

impl RenewalPolicy {
    /// Recorded before anybody gets it, as what the agent issues and delegates by itself.
    fn renewed<F>(&self, agent: &Bound<'_, PyAny>, renew: F) -> Result<Option<Chain>>
    where
        F: Send + FnOnce(deputize::RenewalPolicy<'_>) -> deputize::Result<Option<UnverifiedChain>>,
    {
        let state = self.state.as_ref().map(|state| state.get().own()).transpose()?;
        let chain = agent.py().detach(|| match state {
            Some(state) => renew(self.policy.with_trust_state(state)),
            None => renew(self.policy),
        })?;
        let Some(chain) = chain else { return Ok(None) };
        tell(agent, |now| deputize::AuditEvent::issued(&chain, &verifying_key(agent, Code::KeyInvalid, "an Agent")?, now))?;
        Ok(Some(Chain(chain)))
    }
}
