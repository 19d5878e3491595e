//! What a verifier is made of, so that a forked process can make one of its own.

use std::sync::Arc;

use deputize::{Code, Error, VerifyingKey};
use pyo3::PyTypeInfo;
use pyo3::prelude::*;

use crate::approval::ApprovalPolicy;
use crate::constraints::dict_of;
use crate::convert::{text, verifying_key};
use crate::errors::Result;
use crate::identity::IdentityPolicy;
use crate::store::Kind;
use crate::trust::TrustState;

/// Everything but what is asked in Python.
pub struct Configuration {
    pub anchors: Vec<deputize::TrustAnchor>,
    pub audience: String,
    pub store: Kind,
    pub knowledge: Knowledge,
}

impl Configuration {
    pub fn verifier(&self) -> deputize::Result<deputize::Verifier> {
        let Knowledge { identities, approvals, principals, .. } = &self.knowledge;
        let mut verifier = deputize::Verifier::new(self.anchors.iter().cloned(), &self.audience, self.store.clone())?;
        if let Some(identities) = identities {
            verifier = verifier.with_identities(identities.get().made()?);
        }
        if let Some(approvals) = approvals {
            verifier = verifier.with_approvals(approvals.get().policy.clone());
        }
        for (name, key) in principals {
            verifier = verifier.with_principal(name, key)?;
        }
        match self.knowledge.trust_state()? {
            Some(state) => Ok(verifier.with_trust_state(state.clone())),
            None => Ok(verifier),
        }
    }
}

/// What a verifier knows and asks for beyond its trust anchors.
pub struct Knowledge {
    pub identities: Option<Py<IdentityPolicy>>,
    pub approvals: Option<Py<ApprovalPolicy>>,
    pub principals: Vec<(String, VerifyingKey)>,
    pub state: Option<Py<TrustState>>,
}

impl Knowledge {
    pub fn read(
        identities: Option<&Bound<'_, PyAny>>,
        approvals: Option<&Bound<'_, PyAny>>,
        principals: Option<&Bound<'_, PyAny>>,
        state: Option<&Bound<'_, PyAny>>,
    ) -> Result<Self> {
        Ok(Knowledge {
            identities: of_class(identities, "identities: an IdentityPolicy")?,
            approvals: of_class(approvals, "approvals: an ApprovalPolicy")?,
            principals: principals.map_or(Ok(Vec::new()), principals_of)?,
            state: of_class(state, "state: a TrustState")?,
        })
    }

    /// The trust state, in the process that it was made in.
    pub fn trust_state(&self) -> deputize::Result<Option<&Arc<deputize::TrustState>>> {
        self.state.as_ref().map(|state| state.get().own()).transpose()
    }
}

/// What is given as an object of this class, or nothing.
pub fn of_class<T: PyTypeInfo>(object: Option<&Bound<'_, PyAny>>, what: &'static str) -> Result<Option<Py<T>>> {
    let cast = |object: &Bound<'_, PyAny>| match object.cast::<T>() {
        Ok(object) => Ok(object.clone().unbind()),
        Err(_) => Err(Error::about(Code::ConfigInvalid, what).into()),
    };
    object.map(cast).transpose()
}

/// `{name: key}`.
fn principals_of(object: &Bound<'_, PyAny>) -> Result<Vec<(String, VerifyingKey)>> {
    const WHAT: &str = "principals: {name: key}";
    let mut principals = Vec::new();
    for (name, key) in dict_of(object, Code::ConfigInvalid, WHAT)?.iter() {
        principals.push((text(&name, Code::ConfigInvalid, WHAT)?, verifying_key(&key, Code::ConfigInvalid, WHAT)?));
    }
    Ok(principals)
}
