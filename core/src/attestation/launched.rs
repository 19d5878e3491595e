//! Attestors that take a launcher's word.

use std::collections::HashMap;

use super::enrol::Enrolment;
use super::failed;
use super::launch::{Launcher, Launchers};
use super::registrar::Attestor;
use crate::id::{Digest, is_name};
use crate::identity::IdentityGrant;
use crate::time::Now;
use crate::{Code, Error, Result};

/// The attribute that names the launcher.
const LAUNCHER: &str = "launcher";
/// The attribute with the measurement.
const MEASUREMENT: &str = "measurement";

/// Takes a launcher's word for an agent's name, which is below the launcher's: `runner` may start `runner/coder`. Identities get the attribute
/// `launcher`.
#[derive(Debug)]
pub struct ParentAttestor {
    name: String,
    launchers: Launchers,
}

impl ParentAttestor {
    /// An attestor of this name that trusts these launchers. `config-invalid` for none, and for two of one name.
    pub fn new(name: &str, launchers: impl IntoIterator<Item = Launcher>) -> Result<Self> {
        Ok(ParentAttestor { name: name.to_owned(), launchers: Launchers::new(launchers)? })
    }
}

impl Attestor for ParentAttestor {
    fn name(&self) -> &str {
        &self.name
    }

    fn attest(&self, enrolment: &Enrolment<'_>, now: Now) -> Result<IdentityGrant> {
        let launch = self.launchers.open(enrolment, now)?;
        if launch.measurement.is_some() {
            return Err(failed("a measurement, which this attestor does not judge"));
        }
        let below = launch.child.strip_prefix(launch.launcher).and_then(|rest| rest.strip_prefix('/'));
        if below.is_none_or(str::is_empty) {
            return Err(Error::named(Code::AttestationFailed, "not a name below the launcher's:", launch.child));
        }
        Ok(enrolment.grant(launch.child).attribute(LAUNCHER, launch.launcher))
    }
}

/// Takes a launcher's word for what code an agent was started from, and knows which agent that is. Identities get the attributes `launcher` and
/// `measurement`, in lower-case hex.
#[derive(Debug)]
pub struct CodeAttestor {
    name: String,
    launchers: Launchers,
    names: HashMap<Digest, String>,
}

impl CodeAttestor {
    /// An attestor of this name that trusts these launchers, and admits code of these digests under these names. `config-invalid` for no launchers,
    /// two of one name, no digests, one that is there twice, and a name that is none.
    pub fn new<'a>(
        name: &str,
        launchers: impl IntoIterator<Item = Launcher>,
        measurements: impl IntoIterator<Item = (Digest, &'a str)>,
    ) -> Result<Self> {
        let mut names = HashMap::new();
        for (digest, agent) in measurements {
            if !is_name(agent) || names.insert(digest, agent.to_owned()).is_some() {
                return Err(Error::named(Code::ConfigInvalid, "not a name, or a measurement that is there twice:", agent));
            }
        }
        if names.is_empty() {
            return Err(Error::about(Code::ConfigInvalid, "no measurements"));
        }
        Ok(CodeAttestor { name: name.to_owned(), launchers: Launchers::new(launchers)?, names })
    }
}

impl Attestor for CodeAttestor {
    fn name(&self) -> &str {
        &self.name
    }

    fn attest(&self, enrolment: &Enrolment<'_>, now: Now) -> Result<IdentityGrant> {
        let launch = self.launchers.open(enrolment, now)?;
        let measurement = launch.measurement.ok_or(failed("no measurement"))?;
        let name = self
            .names
            .get(&measurement)
            .ok_or_else(|| Error::named(Code::AttestationFailed, "not an admitted measurement:", &measurement.to_string()))?;
        if launch.child != name {
            return Err(Error::named(Code::AttestationFailed, "the measurement is not that of", launch.child));
        }
        Ok(enrolment.grant(name).attribute(LAUNCHER, launch.launcher).attribute(MEASUREMENT, measurement.to_string()))
    }
}
