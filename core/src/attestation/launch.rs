//! The word of whoever started an agent.

use std::collections::HashMap;

use super::claims::LaunchClaims;
use super::enrol::{Enrolment, answering, unverified_challenge};
use super::failed;
use crate::claims::unverified_issuer;
use crate::cose::{Envelope, ObjectKind, seal};
use crate::id::{Digest, is_name};
use crate::key::{Signer, VerifyingKey};
use crate::time::Now;
use crate::{Code, Error, Result};

/// What a launcher says about an agent that it started.
#[derive(Clone, Debug)]
pub struct Launch {
    launcher: String,
    child: String,
    key: VerifyingKey,
    measurement: Option<Digest>,
}

impl Launch {
    /// The launcher of this name started an agent of that name, which has this key.
    #[must_use]
    pub fn new(launcher: &str, child: &str, key: &VerifyingKey) -> Self {
        Launch { launcher: launcher.to_owned(), child: child.to_owned(), key: key.clone(), measurement: None }
    }

    /// The same, from code and configuration of this digest.
    #[must_use]
    pub const fn measurement(mut self, measurement: Digest) -> Self {
        self.measurement = Some(measurement);
        self
    }
}

/// Signs what a launcher says, for one challenge: evidence for a [`ParentAttestor`](crate::ParentAttestor), or for a
/// [`CodeAttestor`](crate::CodeAttestor) if there is a measurement. `name-invalid`, `holder-repeated` for the launcher's own key, codes of encoding
/// and claims for a challenge that is none, `attestation-failed` for one that has expired, `signing-failed`.
pub fn vouch(signer: &dyn Signer, launch: &Launch, challenge: &[u8], now: Now) -> Result<Vec<u8>> {
    for (what, name) in [("launcher", &launch.launcher), ("agent", &launch.child)] {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, what, name));
        }
    }
    if launch.key == *signer.verifying_key() {
        return Err(Code::HolderRepeated.into());
    }
    let challenge = unverified_challenge(challenge, now)?;
    let claims = LaunchClaims {
        launcher: &launch.launcher,
        child: &launch.child,
        authority: challenge.authority,
        lifetime: answering(&challenge, now)?,
        key: launch.key.as_bytes(),
        nonce: challenge.nonce,
        measurement: launch.measurement,
    };
    seal(ObjectKind::Attestation, &claims.encode(&launch.key), signer)
}

/// Someone whose word about the agents that it starts is taken: a name and a key, from configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Launcher {
    name: String,
    key: VerifyingKey,
}

impl Launcher {
    /// A launcher. `name-invalid`.
    pub fn new(name: &str, key: &VerifyingKey) -> Result<Self> {
        if !is_name(name) {
            return Err(Error::named(Code::NameInvalid, "launcher", name));
        }
        Ok(Launcher { name: name.to_owned(), key: key.clone() })
    }
}

/// Launchers by their names.
#[derive(Debug)]
pub(super) struct Launchers(HashMap<String, VerifyingKey>);

impl Launchers {
    /// `config-invalid` for none, and for two of one name.
    pub(super) fn new(launchers: impl IntoIterator<Item = Launcher>) -> Result<Self> {
        let mut known = HashMap::new();
        for launcher in launchers {
            if known.insert(launcher.name.clone(), launcher.key).is_some() {
                return Err(Error::named(Code::ConfigInvalid, "two launchers called", &launcher.name));
            }
        }
        if known.is_empty() { Err(Error::about(Code::ConfigInvalid, "no launchers")) } else { Ok(Launchers(known)) }
    }

    /// What a launcher says in the evidence, if it is about this enrolment.
    pub(super) fn open<'a>(&self, enrolment: &Enrolment<'a>, now: Now) -> Result<LaunchClaims<'a>> {
        let envelope = Envelope::read(enrolment.evidence, ObjectKind::Attestation)?;
        let launcher = unverified_issuer(envelope.unverified_payload()).and_then(|name| self.0.get(name));
        let launcher = launcher.ok_or(failed("not by a known launcher"))?;
        let payload = envelope.open(launcher).map_err(|_| failed("not signed by its launcher"))?;
        let claims = LaunchClaims::decode(payload)?;
        if claims.authority != enrolment.authority {
            return Err(failed("the launcher speaks to another authority"));
        }
        if claims.nonce != *enrolment.nonce {
            return Err(failed("the launcher answers another challenge"));
        }
        if claims.key != enrolment.key.as_bytes() {
            return Err(failed("the launcher speaks of another key"));
        }
        if enrolment.key == launcher {
            return Err(failed("the launcher speaks of itself"));
        }
        claims.lifetime.hold(now, "the launcher's word is from the future", "the launcher's word has expired")?;
        Ok(claims)
    }
}
