//! Which calls a verifier wants approved, whatever tokens say.

use std::collections::BTreeSet;

use crate::hint::ToolHint;
use crate::id::is_name;
use crate::key::VerifyingKey;
use crate::requirement::{ApprovalRules, Requirement};
use crate::{Code, Error, Result};

/// What has to be approved at this verifier. A tool that is not listed counts as destructive.
#[derive(Clone, Debug)]
pub struct ApprovalPolicy {
    unlisted: Requirement,
    by_annotation: bool,
    harmless: BTreeSet<Box<str>>,
    listed: ApprovalRules,
}

impl ApprovalPolicy {
    /// Every tool needs approvals by `count` distinct keys of `approvers`. `config-invalid` unless 1 ≤ count ≤ approvers ≤ 16 and the keys are
    /// distinct.
    pub fn new(count: usize, approvers: &[VerifyingKey]) -> Result<Self> {
        let unlisted = Requirement::new(count, approvers).map_err(|_| Error::about(Code::ConfigInvalid, "approvers"))?;
        Ok(ApprovalPolicy { unlisted, by_annotation: false, harmless: BTreeSet::new(), listed: ApprovalRules::new() })
    }

    /// These tools need no approval by this policy. `config-invalid` for a tool that is no name, or has a requirement of its own.
    pub fn harmless<'a>(mut self, tools: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        for tool in tools {
            if !is_name(tool) || !self.listed.of(tool).is_empty() {
                return Err(Error::named(Code::ConfigInvalid, "harmless tool", tool));
            }
            self.harmless.insert(tool.into());
        }
        Ok(self)
    }

    /// This tool needs approvals by `count` distinct keys of `approvers`, instead of what all need; given twice, both. `config-invalid` as for
    /// [`ApprovalPolicy::new`], for more than 16 requirements of a tool, and for a tool that is no name or was called harmless.
    pub fn require(mut self, tool: &str, count: usize, approvers: &[VerifyingKey]) -> Result<Self> {
        let refused = |_| Error::named(Code::ConfigInvalid, "approvers of tool", tool);
        if self.harmless.contains(tool) {
            return Err(Error::named(Code::ConfigInvalid, "harmless tool", tool));
        }
        self.listed = self.listed.require(tool, count, approvers).map_err(refused)?;
        Ok(self)
    }

    /// Of tools that are not listed, only those need approvals that are not annotated as read-only or additive.
    #[must_use]
    pub fn by_annotation(mut self) -> Self {
        self.by_annotation = true;
        self
    }

    /// What a call of this tool needs: how many approvals, and of whom.
    pub(crate) fn requirements_for<'a>(
        &'a self,
        tool: &str,
        hint: ToolHint,
    ) -> impl Iterator<Item = (usize, &'a [VerifyingKey])> + use<'a> {
        let listed = self.listed.of(tool);
        let requirements = if !listed.is_empty() {
            listed
        } else if self.harmless.contains(tool) || (self.by_annotation && hint.is_harmless()) {
            &[]
        } else {
            std::slice::from_ref(&self.unlisted)
        };
        requirements.iter().map(Requirement::parts)
    }
}
