//! The tokens of well-known platforms.

use super::JwtAttestor;
use crate::constraint::Constraint;
use crate::{Code, Error, Result};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

impl JwtAttestor {
    /// For jobs of GitHub Actions in this repository (`owner/name`). Identities get the attributes `repository`, `ref` and `workflow_ref`. Require
    /// more (`["environment"]`, `["repository_id"]`) where not every workflow and branch of the repository may enrol. Errors as
    /// [`JwtAttestor::new`], and `config-invalid` for a repository that is none.
    pub fn github_actions(name: &str, audience: &str, repository: &str, jwks: &[u8]) -> Result<Self> {
        let is_part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if !repository.split_once('/').is_some_and(|(owner, name)| is_part(owner) && is_part(name)) {
            return Err(Error::named(Code::ConfigInvalid, "repository", repository));
        }
        let attestor = JwtAttestor::new(name, GITHUB, audience, Constraint::glob(&format!("repo:{repository}:**"))?, jwks)?;
        let attestor = attestor.require(["repository"], Constraint::exact(repository)?);
        Ok(attestor.attribute("repository", ["repository"]).attribute("ref", ["ref"]).attribute("workflow_ref", ["workflow_ref"]))
    }

    /// For pods of Kubernetes that run under this service account. Identities get the attributes `namespace` and `service_account`. Errors as
    /// [`JwtAttestor::new`], and `config-invalid` for a namespace or account that is no name of Kubernetes.
    pub fn kubernetes(name: &str, issuer: &str, audience: &str, namespace: &str, account: &str, jwks: &[u8]) -> Result<Self> {
        for part in [namespace, account] {
            let is_label = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'));
            if part.is_empty() || !is_label {
                return Err(Error::named(Code::ConfigInvalid, "not a name of Kubernetes:", part));
            }
        }
        let subject = Constraint::exact(format!("system:serviceaccount:{namespace}:{account}"))?;
        let (of_namespace, of_account) = (["kubernetes.io", "namespace"], ["kubernetes.io", "serviceaccount", "name"]);
        let attestor = JwtAttestor::new(name, issuer, audience, subject, jwks)?;
        let attestor = attestor.require(of_namespace, Constraint::exact(namespace)?).require(of_account, Constraint::exact(account)?);
        Ok(attestor.attribute("namespace", of_namespace).attribute("service_account", of_account))
    }

    /// For workloads of a SPIFFE trust domain, by JWT-SVID. It has no rule for `iss`; the trust domain is in `sub`, and the JWKS is that domain's.
    /// Errors as [`JwtAttestor::new`], and `config-invalid` for a trust domain that is none.
    pub fn spiffe(name: &str, trust_domain: &str, audience: &str, jwks: &[u8]) -> Result<Self> {
        let is_domain = trust_domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if trust_domain.is_empty() || !is_domain {
            return Err(Error::named(Code::ConfigInvalid, "trust domain", trust_domain));
        }
        let domain = trust_domain.replace('.', r"\.");
        let subjects = Constraint::regex(&format!(r"spiffe://{domain}(/[A-Za-z0-9_\-][A-Za-z0-9._\-]*)+"))?;
        JwtAttestor::of(name, None, audience, subjects, jwks)
    }
}
