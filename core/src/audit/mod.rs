//! The audit record: who delegated what to whom, for which action, when and why (specification, audit.md).

mod json;
mod logged;
mod sentence;

#[cfg(feature = "os")]
pub(crate) use json::Salt;
pub(crate) use json::giving;
pub(crate) use json::{Disclosed, Disclosure};
pub use logged::{LogApproval, LogHolder, LogIdentity, LogRecord};

use std::sync::Arc;

use crate::approval::CountedApproval;
use crate::chain::VerifiedChain;
use crate::claims::Claims;
use crate::error::shown;
use crate::id::{RequestId, TokenId, is_name};
use crate::identity::VerifiedIdentity;
use crate::proof::Call;
use crate::store::Operation;
use crate::time::Now;
use crate::value::Arguments;
use crate::{Code, Error};

/// One decision. Made by a [`Verifier`](crate::Verifier) only; whatever it reports was verified.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    pub(crate) time: Now,
    pub(crate) refusal: Option<Error>,
    pub(crate) tool: String,
    pub(crate) arguments: Option<Arguments>,
    pub(crate) audience: Arc<str>,
    pub(crate) context: Option<String>,
    pub(crate) chain: Option<VerifiedChain>,
    pub(crate) proof: Option<TokenId>,
    /// For each holder, root first; empty where the verifier knows no identities, or did not come to them.
    pub(crate) identities: Vec<Option<VerifiedIdentity>>,
    pub(crate) approvals: Vec<CountedApproval>,
    pub(crate) consent: Option<TokenId>,
    /// Whether holders are named by identities only.
    pub(crate) by_identity: bool,
    /// What the store has to be told of a denied request.
    pub(crate) denial: Vec<Operation>,
}

impl AuditRecord {
    pub(crate) fn new(tool: &str, arguments: Option<Arguments>, audience: Arc<str>, time: Now) -> Self {
        let tool = if is_name(tool) { tool.to_owned() } else { shown(tool, 128) };
        AuditRecord {
            time,
            refusal: None,
            tool,
            arguments,
            audience,
            context: None,
            chain: None,
            proof: None,
            identities: Vec::new(),
            approvals: Vec::new(),
            consent: None,
            by_identity: false,
            denial: Vec::new(),
        }
    }

    /// What the holder at a link is called: by its verified identity; where the verifier knows no identities by the name that it was given; otherwise by
    /// its did:key.
    pub(crate) fn holder(&self, link: usize, claims: &Claims) -> String {
        match self.identities.get(link).and_then(Option::as_ref) {
            Some(identity) => identity.name().to_owned(),
            None if self.by_identity => claims.holder.did_key(),
            None => claims.holder_name.clone().unwrap_or_else(|| claims.holder.did_key()),
        }
    }

    /// What the leaf's holder is called; nobody without a verified chain.
    pub(crate) fn caller(&self) -> String {
        self.chain.as_ref().map_or_else(String::new, |chain| self.holder(chain.leaf_link().position, chain.leaf()))
    }

    /// Whether the call was allowed.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// The code of the denial; none if it was allowed.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.refusal.as_ref().map(Error::code)
    }

    /// What the request for approval is called, of a call that was refused with `approval-required`.
    #[must_use]
    pub fn request_id(&self) -> Option<RequestId> {
        let (Some(Code::ApprovalRequired), Some(chain), Some(arguments)) = (self.code(), &self.chain, &self.arguments) else { return None };
        let call = Call { context: self.context.as_deref(), ..Call::new(&self.tool, arguments) };
        Some(chain.asked(&call, &self.audience).id())
    }

    /// The id of the call's proof, if that was verified: whoever called knows it too.
    #[must_use]
    pub const fn proof(&self) -> Option<&TokenId> {
        self.proof.as_ref()
    }

    /// When it was decided.
    #[must_use]
    pub const fn time(&self) -> Now {
        self.time
    }

    /// One line of canonical JSON (RFC 8785), without the arguments.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::record(self, &Disclosure::default())
    }

    /// The same line with the arguments in it.
    #[must_use]
    pub fn to_json_with_arguments(&self) -> String {
        json::record(self, &Disclosure { arguments: Disclosed::Everything, salt: None })
    }

    /// The line that a log with this disclosure keeps.
    #[cfg(feature = "os")]
    pub(crate) fn to_json_disclosing(&self, disclosure: &Disclosure) -> String {
        json::record(self, disclosure)
    }

    /// One sentence for people.
    #[must_use]
    pub fn to_sentence(&self) -> String {
        LogRecord::from_json(&self.to_json()).map(|record| record.to_sentence()).unwrap_or_default()
    }

    pub(crate) fn ignored(&self) -> Vec<i64> {
        let mut labels: Vec<i64> =
            self.chain.iter().flat_map(VerifiedChain::claims).flat_map(|claims| claims.ignored.iter().copied()).collect();
        labels.sort_unstable_by(|a, b| b.cmp(a));
        labels.dedup();
        labels
    }
}

impl std::fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_sentence())
    }
}
