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
    /// What comes out.
    pub expected: Expected,
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
    /// The audit record with arguments, one canonical line.
    pub record: String,
    /// The audit record as a sentence.
    pub sentence: String,
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// Bytes from hex.
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}
