//! Records as they are read from a log.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{Code, Error, Result};

/// A record of an audit log, of any kind: what is in it is what was written (specification, audit.md). Members that the kind does not have are absent.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogRecord {
    /// What is recorded: `decision`, `issued`, `delegated`, `approved` …
    pub kind: String,
    /// When, in RFC 3339.
    pub time: String,
    /// `allow` or `deny`.
    pub decision: Option<String>,
    /// `allowed`, or the code of the denial.
    pub code: Option<String>,
    /// The link at fault.
    pub link: Option<u64>,
    /// The tool of a call.
    pub tool: Option<String>,
    /// The tools of a token.
    pub tools: Vec<String>,
    /// Of the arguments, in hex.
    pub arguments_digest: Option<String>,
    /// Whether the digest is salted with a secret of the log.
    pub arguments_salted: bool,
    /// Where the call was decided.
    pub audience: Option<String>,
    /// The audiences of a token.
    pub audiences: Vec<String>,
    /// For whom.
    pub principal: Option<String>,
    /// The trust anchor.
    pub issuer: Option<String>,
    /// The trust anchor's key.
    pub issuer_key: Option<String>,
    /// Whose authority is used.
    pub mode: Option<String>,
    /// The session.
    pub session: Option<String>,
    /// The digest of the task.
    pub task: Option<String>,
    /// The partition.
    pub context: Option<String>,
    /// The holders, root first.
    pub chain: Vec<LogHolder>,
    /// Whether holders are named by identities only.
    pub by_identity: bool,
    /// The id of the proof: what names a call.
    pub proof: Option<String>,
    /// The approvals that counted.
    pub approvals: Vec<LogApproval>,
    /// The id of the consent.
    pub consent: Option<String>,
    /// The did:key of whoever signed.
    pub by: Option<String>,
    /// The did:key of the holder who called.
    pub caller: Option<String>,
    /// `succeeded` or `failed`.
    pub result: Option<String>,
    /// What the tool said of its failure.
    pub error: Option<String>,
    /// Until when, in RFC 3339.
    pub expires: Option<String>,
    /// The id of what was signed.
    pub id: Option<String>,
    /// The request that was answered.
    pub request: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// A name: of the approver, of the identified.
    pub name: Option<String>,
    /// Who keeps a list, or issued an identity.
    pub authority: Option<String>,
    /// What was identified, or consents to be impersonated by: a did:key.
    pub key: Option<String>,
    /// The did:key of the impersonator.
    pub holder: Option<String>,
    /// The kind of an identity.
    pub identity_kind: Option<String>,
    /// The number of a revocation list.
    pub sequence: Option<u64>,
    /// How many.
    pub count: Option<u64>,
    /// What was revoked.
    pub targets: Vec<String>,
    /// The key that was replaced.
    pub old: Option<String>,
    /// Its successor.
    pub new: Option<String>,
    /// The log.
    pub origin: Option<String>,
    /// How many denials were not recorded one by one, by code.
    pub suppressed: BTreeMap<String, u64>,
    /// What a signal is about.
    pub signal: Option<String>,
    /// What a signal says.
    pub text: Option<String>,
    /// The entry that a signal is about.
    pub entry: Option<u64>,
}

/// A holder of a chain.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogHolder {
    /// The did:key.
    pub key: String,
    /// What its giver called it.
    pub name: Option<String>,
    /// Why it was given authority.
    pub reason: Option<String>,
    /// The id of its token.
    pub token: String,
    /// Its verified identity.
    pub identity: Option<LogIdentity>,
}

/// A verified identity.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogIdentity {
    /// Who says so.
    pub authority: String,
    /// The attestor.
    pub attestor: Option<String>,
    /// Where it runs.
    pub environment: Option<String>,
    /// The id of the document.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// The name.
    pub name: String,
}

/// An approval that counted.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct LogApproval {
    /// The approver's did:key.
    pub approver: String,
    /// The id of the approval.
    pub id: String,
    /// What the approver calls itself.
    pub name: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

impl LogRecord {
    /// Reads a record, as a log has it. `malformed`.
    pub fn from_json(record: &str) -> Result<Self> {
        // A list would be read as the members in their order.
        let object = Some(record).filter(|record| record.trim_start().starts_with('{'));
        object.and_then(|record| serde_json::from_str(record).ok()).ok_or(Error::about(Code::Malformed, "not a record of a log"))
    }

    /// What the holder at a link is called: by its verified identity; where identities are known and it has none by its did:key; otherwise by
    /// the name that it was given.
    #[must_use]
    pub fn holder_name(&self, link: usize) -> Option<&str> {
        let holder = self.chain.get(link)?;
        Some(match (&holder.identity, &holder.name) {
            (Some(identity), _) => &identity.name,
            (None, Some(name)) if !self.by_identity => name,
            _ => &holder.key,
        })
    }

    /// What the last holder of the chain is called.
    #[must_use]
    pub fn caller_name(&self) -> Option<&str> {
        self.holder_name(self.chain.len().checked_sub(1)?)
    }

    /// Whether a call was allowed.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.decision.as_deref() == Some("allow")
    }

    /// One sentence for people, without characters that could be taken for something else.
    #[must_use]
    pub fn to_sentence(&self) -> String {
        super::sentence::sentence(self)
    }
}
