//! The shape of a decision vector (tests/vectors/README.md).

use serde::{Deserialize, Serialize};

/// One scenario with its expected outcome.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// `decision`.
    pub kind: String,
    /// What it shows, as a sentence.
    pub why: String,
    /// The verifier.
    pub verifier: Config,
    /// The time, in milliseconds.
    pub now_ms: u64,
    /// The call.
    pub request: Request,
    /// Whether the same request was authorized just before, by the same verifier.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub presented_before: bool,
    /// Requests that the same verifier decided before, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub before: Vec<Earlier>,
    /// What comes out.
    pub expected: Expected,
}

/// A request that was decided before.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    /// The time, in milliseconds.
    pub now_ms: u64,
    /// The call.
    pub request: Request,
    /// The code of its denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// How a verifier is configured.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whom it trusts.
    pub anchors: Vec<Anchor>,
    /// What it is called.
    pub audience: String,
    /// When its store came to be.
    pub store_created_ms: u64,
    /// What it asks of the holders of a chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identities: Option<Identities>,
    /// What has to be approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Approvals>,
    /// Whose consents it can check, beside those of the trust anchors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub principals: Vec<Named>,
    /// What was revoked in its store, at `now_ms`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Mark>,
    /// What it knows of revocation lists and rotations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<Trust>,
}

/// A name and a key, in hex.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The name.
    pub name: String,
    /// The key, in hex.
    pub key: String,
}

/// Identity authorities and rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identities {
    /// Whose documents count.
    pub authorities: Vec<Named>,
    /// What is asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
}

/// What an identity of some holders has to be.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `all`, `leaf` or `root`.
    pub on: String,
    /// `human`, `agent`, `service` or `tool`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Attributes with their values, by the JSON mapping of audit.md.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub attributes: serde_json::Map<String, serde_json::Value>,
    /// The names of attestors, of which one is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attestors: Vec<String>,
}

/// A policy of approvals.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approvals {
    /// What tools need that are not listed.
    pub unlisted: Requirement,
    /// Tools that need none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub harmless: Vec<String>,
    /// Tools with requirements of their own.
    #[serde(default, skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub listed: std::collections::BTreeMap<String, Requirement>,
    /// Whether the tool's hint decides about tools that are not listed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_annotation: bool,
}

/// So many of these keys, in hex.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// How many.
    pub count: usize,
    /// Of whom.
    pub approvers: Vec<String>,
}

/// Something that is revoked in the store: the key of its mark, and what it is.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The key in the store, in hex.
    pub store_key: String,
    /// `token`, `key`, `session`, `task` or `approval`.
    pub what: String,
    /// Its id or key, in hex.
    pub id: String,
    /// Whose session or task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// Whose approval: the key, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
}

/// A trust state.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// Whose lists count.
    pub authorities: Vec<Authority>,
    /// Lists and rotations, in the order in which they came.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Update>,
}

/// A revocation authority.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    /// The name.
    pub name: String,
    /// The key, in hex.
    pub key: String,
    /// Whether its lists are about the chains of every trust anchor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub for_every_issuer: bool,
    /// Whether chains are judged by stale lists, or none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_stale: bool,
}

/// A list or rotation that came.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// When, in milliseconds.
    pub now_ms: u64,
    /// `list` or `rotation`.
    pub what: String,
    /// Its bytes, in hex.
    pub hex: String,
    /// What became of it: `accepted`, `unchanged`, or the code with which it was refused.
    pub outcome: String,
}

/// A trust anchor.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The name.
    pub name: String,
    /// The key, in hex.
    pub key: String,
    /// Whether it may impersonate.
    pub may_impersonate: bool,
    /// What its roots may give at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
}

/// What the roots of a trust anchor may give at most.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// Tools: for each the arguments, `constraint` (hex of its encoding) and `optional`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<std::collections::BTreeMap<String, std::collections::BTreeMap<String, Bound>>>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_lifetime: Option<u64>,
    /// Delegations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u8>,
}

/// The constraint on an argument.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// Its encoding, in hex.
    pub constraint: String,
    /// Whether the argument may be absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

/// A call as received.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The text form.
    pub presentation: String,
    /// The tool.
    pub tool: String,
    /// The arguments, by the JSON mapping of audit.md.
    pub arguments: serde_json::Value,
    /// The server's challenge, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub challenge: Option<String>,
    /// The partition of the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// What the tool does, as its server says: `destructive`, `additive` or `read_only`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The outcome.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// `allow` or `deny`.
    pub decision: String,
    /// The code of a denial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The link at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<usize>,
    /// What the store was asked, of an allowed call.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<Operation>,
    /// The audit record with arguments, one canonical line.
    pub record: String,
    /// The audit record as a sentence.
    pub sentence: String,
}

/// One operation of a commit: its name, its key in hex, and the numbers that it has.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// `claim`, `absent` or `spend`.
    pub name: String,
    /// The key, in hex.
    pub key: String,
    /// How much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<u64>,
    /// The most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Until when, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<u64>,
    /// When it was made that the operation is about, in milliseconds.
    pub since_ms: u64,
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes from hex.
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}
