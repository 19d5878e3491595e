//! The audit record: who delegated what to whom, for which action, when and why (specification, audit.md).

mod json;
mod sentence;

use std::sync::Arc;

use crate::chain::VerifiedChain;
use crate::error::shown;
use crate::id::{TokenId, is_name};
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
}

impl AuditRecord {
    pub(crate) fn new(tool: &str, arguments: Option<Arguments>, audience: Arc<str>, time: Now) -> Self {
        let tool = if is_name(tool) { tool.to_owned() } else { shown(tool, 128) };
        AuditRecord { time, refusal: None, tool, arguments, audience, context: None, chain: None, proof: None }
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

    /// When it was decided.
    #[must_use]
    pub const fn time(&self) -> Now {
        self.time
    }

    /// One line of canonical JSON (RFC 8785), without the arguments.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::record(self, false)
    }

    /// The same line with the arguments in it.
    #[must_use]
    pub fn to_json_with_arguments(&self) -> String {
        json::record(self, true)
    }

    /// One sentence for people.
    #[must_use]
    pub fn to_sentence(&self) -> String {
        sentence::sentence(self)
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
