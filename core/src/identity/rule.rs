//! What a verifier asks of the holders of a chain.

use super::claims::IdentityKind;
use super::policy::VerifiedIdentity;
use crate::id::{is_free_text, is_name};
use crate::value::Value;
use crate::{Code, Error, Result};

/// The holders that a rule is about. The issuer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hops {
    /// Every holder.
    All,
    /// The holder of the leaf, who calls.
    Leaf,
    /// The holder of the root.
    Root,
}

impl Hops {
    fn have(self, link: usize, count: usize) -> bool {
        match self {
            Hops::All => true,
            Hops::Leaf => link + 1 == count,
            Hops::Root => link == 0,
        }
    }
}

/// A rule: these holders have an identity, and it meets every condition.
#[derive(Clone, Debug)]
pub struct IdentityRule {
    hops: Hops,
    kind: Option<IdentityKind>,
    environment: Option<String>,
    attributes: Vec<(String, Value)>,
    attestors: Option<Vec<String>>,
}

impl IdentityRule {
    /// These holders have an identity.
    #[must_use]
    pub const fn new(hops: Hops) -> Self {
        IdentityRule { hops, kind: None, environment: None, attributes: Vec::new(), attestors: None }
    }

    /// It is of this kind.
    #[must_use]
    pub const fn kind(mut self, kind: IdentityKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// It is of this environment.
    #[must_use]
    pub fn environment(mut self, environment: &str) -> Self {
        self.environment = Some(environment.to_owned());
        self
    }

    /// It has this attribute with exactly this value: text, a boolean or an integer.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    /// Its evidence was judged by one of these attestors.
    #[must_use]
    pub fn attestors<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.attestors = Some(names.into_iter().map(ToOwned::to_owned).collect());
        self
    }

    /// A slip in a rule would refuse every call, and nobody would know why.
    pub(super) fn refuse_impossible(&self) -> Result<()> {
        let attestors = self.attestors.iter().flatten().map(|name| ("attestor", name));
        let environment = self.environment.iter().map(|name| ("environment", name));
        let attributes = self.attributes.iter().map(|(name, _)| ("attribute", name));
        if let Some((what, name)) = attestors.chain(environment).chain(attributes).find(|(_, name)| !is_name(name)) {
            return Err(Error::named(Code::ConfigInvalid, what, name));
        }
        if self.attestors.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::about(Code::ConfigInvalid, "a rule that no attestor meets"));
        }
        for (place, (name, value)) in self.attributes.iter().enumerate() {
            let is_possible = match value {
                Value::Text(text) => is_free_text(text),
                value => matches!(value, Value::Bool(_) | Value::Integer(_)),
            };
            if !is_possible {
                return Err(Error::named(Code::ConfigInvalid, "not text, a boolean or an integer: attribute", name));
            }
            if self.attributes[..place].iter().any(|(other, first)| other == name && first != value) {
                return Err(Error::named(Code::ConfigInvalid, "two values of one attribute:", name));
            }
        }
        Ok(())
    }

    /// What the identity lacks: the name of the condition.
    fn broken_by<'a>(&'a self, identity: &'a VerifiedIdentity) -> Option<(&'static str, &'a str)> {
        if let Some(kind) = self.kind.filter(|kind| *kind != identity.kind()) {
            return Some(("the kind is not", kind.as_str()));
        }
        if let Some(environment) = self.environment.as_deref().filter(|name| Some(*name) != identity.environment()) {
            return Some(("the environment is not", environment));
        }
        if let Some((name, _)) = self.attributes.iter().find(|(name, value)| identity.attribute(name) != Some(value)) {
            return Some(("another value, or none: attribute", name));
        }
        let accepts = |names: &Vec<String>| identity.attestor().is_some_and(|attestor| names.iter().any(|name| name == attestor));
        match &self.attestors {
            Some(names) if !accepts(names) => Some(("another attestor, or none: attestor", identity.attestor().unwrap_or_default())),
            _ => None,
        }
    }
}

/// Every rule, hop by hop from the root.
pub(super) fn judge(rules: &[IdentityRule], known: &[Option<&VerifiedIdentity>]) -> Result<()> {
    for (link, identity) in known.iter().enumerate() {
        for rule in rules.iter().filter(|rule| rule.hops.have(link, known.len())) {
            let identity = identity.ok_or_else(|| Error::new(Code::IdentityRequired).at_link(link))?;
            if let Some((what, name)) = rule.broken_by(identity) {
                return Err(Error::named(Code::IdentityRefused, what, name).at_link(link));
            }
        }
    }
    Ok(())
}
