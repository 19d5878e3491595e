//! Approvals that a token requires: which tools, how many, whose keys. They may only grow from hop to hop.

use crate::cbor::{Decoder, Encoder};
use crate::id::is_name;
use crate::key::VerifyingKey;
use crate::value::key_order;
use crate::{Code, Error, Result, limits};

/// For each tool, what has to be approved before it runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApprovalRules(Vec<(Box<str>, Vec<Requirement>)>);

/// So many distinct approvers of these.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Requirement {
    count: usize,
    approvers: Vec<VerifyingKey>,
    encoding: Box<[u8]>,
}

impl ApprovalRules {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        ApprovalRules(Vec::new())
    }

    /// Adds a requirement: `count` distinct keys of `approvers`. `claim-invalid` unless 1 ≤ count ≤ approvers ≤ 16 and the keys are distinct.
    pub fn require(mut self, tool: &str, count: usize, approvers: &[VerifyingKey]) -> Result<Self> {
        if !is_name(tool) {
            return Err(Error::named(Code::NameInvalid, "tool", tool));
        }
        let requirement = Requirement::new(count, approvers)?;
        let at = match self.0.binary_search_by(|(name, _)| key_order(name, tool)) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (tool.into(), Vec::new()));
                at
            }
        };
        let requirements = &mut self.0[at].1;
        if let Err(place) = requirements.binary_search_by(|other| other.encoding.cmp(&requirement.encoding)) {
            requirements.insert(place, requirement);
        }
        if requirements.len() > limits::MAX_APPROVERS { Err(Code::TooMany.into()) } else { Ok(self) }
    }

    /// Whether nothing is required.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every requirement: the tool, how many approvals, and of whom.
    pub fn iter(&self) -> impl Iterator<Item = (&str, usize, &[VerifyingKey])> {
        self.0.iter().flat_map(|(tool, requirements)| requirements.iter().map(move |one| (&**tool, one.count, one.approvers.as_slice())))
    }

    /// Adds every requirement of another, so that the result is allowed below it.
    pub(crate) fn including(mut self, parent: &ApprovalRules) -> Self {
        for (tool, requirements) in &parent.0 {
            match self.0.binary_search_by(|(name, _)| key_order(name, tool)) {
                Err(at) => self.0.insert(at, (tool.clone(), requirements.clone())),
                Ok(at) => {
                    let own = &mut self.0[at].1;
                    own.extend(requirements.iter().cloned());
                    own.sort_by(|a, b| a.encoding.cmp(&b.encoding));
                    own.dedup_by(|a, b| a.encoding == b.encoding);
                }
            }
        }
        self
    }

    /// The tool of the first requirement of `self` that `child` lacks.
    pub(crate) fn dropped_by(&self, child: &ApprovalRules) -> Option<&str> {
        let lacks = |(tool, requirements): &&(Box<str>, Vec<Requirement>)| {
            let kept = child.of(tool);
            requirements.iter().any(|requirement| !kept.contains(requirement))
        };
        self.0.iter().find(lacks).map(|(tool, _)| &**tool)
    }

    /// Whether this key is an approver of anything.
    pub(crate) fn has_approver(&self, key: &VerifyingKey) -> bool {
        self.0.iter().flat_map(|(_, requirements)| requirements).any(|requirement| requirement.approvers.contains(key))
    }

    /// The requirements of one tool.
    pub(crate) fn of(&self, tool: &str) -> &[Requirement] {
        match self.0.binary_search_by(|(name, _)| key_order(name, tool)) {
            Ok(at) => &self.0[at].1,
            Err(_) => &[],
        }
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.map(self.0.len());
        for (tool, requirements) in &self.0 {
            out.text(tool).array(requirements.len());
            for requirement in requirements {
                out.raw(&requirement.encoding);
            }
        }
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.map()?;
        if length == 0 {
            return Err(Error::about(Code::ClaimInvalid, "approvals without a tool"));
        }
        if length > limits::MAX_TOOLS {
            return Err(Code::TooMany.into());
        }
        let mut rules = Vec::with_capacity(length);
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let tool = decoder.text_key(&mut previous)?;
            if !is_name(tool) {
                return Err(Error::named(Code::ClaimInvalid, "tool", tool));
            }
            rules.push((tool.into(), read_requirements(decoder)?));
        }
        Ok(ApprovalRules(rules))
    }
}

fn read_requirements(decoder: &mut Decoder<'_>) -> Result<Vec<Requirement>> {
    let length = decoder.array()?;
    if length > limits::MAX_APPROVERS {
        return Err(Code::TooMany.into());
    }
    if length == 0 {
        return Err(Error::about(Code::ClaimInvalid, "approvals without a requirement"));
    }
    let mut requirements = Vec::with_capacity(length);
    let mut previous: &[u8] = &[];
    for _ in 0..length {
        let start = decoder.position();
        requirements.push(Requirement::read(decoder)?);
        decoder.ascending(&mut previous, start)?;
    }
    Ok(requirements)
}

impl Requirement {
    /// So many of these keys. `claim-invalid` unless 1 ≤ count ≤ approvers ≤ 16 and the keys are distinct.
    pub(crate) fn new(count: usize, approvers: &[VerifyingKey]) -> Result<Self> {
        let mut keys: Vec<&[u8; 32]> = approvers.iter().map(VerifyingKey::as_bytes).collect();
        keys.sort_unstable();
        let mut out = Encoder::new();
        out.array(2).unsigned(count as u64).array(keys.len());
        for key in keys {
            out.bytes(key);
        }
        let encoding = out.into_bytes();
        Requirement::read(&mut Decoder::new(&encoding)).map_err(|_| Error::about(Code::ClaimInvalid, "approvers"))
    }

    /// How many, and of whom.
    pub(crate) fn parts(&self) -> (usize, &[VerifyingKey]) {
        (self.count, &self.approvers)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let start = decoder.position();
        if decoder.array()? != 2 {
            return Err(Code::Malformed.into());
        }
        let count = decoder.unsigned()?;
        let length = decoder.array()?;
        if length > limits::MAX_APPROVERS {
            return Err(Code::TooMany.into());
        }
        if count == 0 || count > length as u64 {
            return Err(Error::about(Code::ClaimInvalid, "a requirement that cannot be met"));
        }
        let mut approvers = Vec::with_capacity(length);
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = decoder.position();
            approvers.push(VerifyingKey::try_from_slice(decoder.bytes()?)?);
            decoder.ascending(&mut previous, start)?;
        }
        Ok(Requirement { count: count as usize, approvers, encoding: decoder.since(start).into() })
    }
}
