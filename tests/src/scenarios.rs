//! The decision scenarios: one good story, and what may be wrong with it.

use ciborium::Value as Cbor;

use crate::evidence::{BEN, consent};
use crate::forge::{Map, bytes, cnf, envelope, hash, header, key, presentation, public, seal, sha256};
use crate::vector::{Anchor, Config, Named, Request, hex};

/// The second at which the story happens.
pub const NOW: u64 = 1_764_000_000;
/// The verifier's name.
pub const AUDIENCE: &str = "https://tools.acme.example";
/// The capability map's label.
pub const CAPABILITY: i64 = -65_537;
/// The label of the call in a proof.
pub const CALL: i64 = -65_538;

/// A change to a map.
pub type Edit = fn(&mut Map);
/// The hashes of the two tokens of the story.
#[derive(Clone, Copy, Debug)]
pub struct Hashes {
    /// The root.
    pub root: [u8; 32],
    /// The child, which is the leaf.
    pub child: [u8; 32],
}

/// A request before the one that counts: what is different, and the code of its denial.
#[derive(Clone, Copy)]
pub struct Before {
    /// What is different.
    pub change: fn(&mut Scenario),
    /// The code, or none if it is allowed.
    pub code: Option<&'static str>,
}

/// A change to bytes.
pub type Raw = fn(Vec<u8>) -> Vec<u8>;

/// Ana (key 1) issues to the planner (key 2), who delegates to the coder (key 3), who calls. Everything can be changed.
#[derive(Clone)]
pub struct Scenario {
    /// The file's name.
    pub name: &'static str,
    /// What it shows.
    pub why: &'static str,
    /// The expected code, or none if it is allowed.
    pub code: Option<&'static str>,
    /// The expected link.
    pub link: Option<usize>,
    pub(crate) root: Edit,
    pub(crate) root_capability: Edit,
    pub(crate) child: Edit,
    pub(crate) child_capability: Edit,
    pub(crate) proof: Edit,
    pub(crate) call: Edit,
    pub(crate) root_payload: Raw,
    pub(crate) child_payload: Raw,
    pub(crate) root_token: Raw,
    pub(crate) child_token: Raw,
    pub(crate) proof_token: Raw,
    pub(crate) tokens: fn(Vec<Vec<u8>>) -> Vec<Vec<u8>>,
    pub(crate) whole: Raw,
    pub(crate) text: fn(String) -> String,
    pub(crate) signers: [u8; 3],
    pub(crate) root_header: fn() -> Vec<u8>,
    pub(crate) proof_header: fn() -> Vec<u8>,
    /// The time of the decision, in milliseconds.
    pub now_ms: u64,
    /// The tool that is called.
    pub tool: &'static str,
    /// The arguments that are received, as JSON.
    pub arguments: &'static str,
    /// The challenge of the server.
    pub challenge: Option<&'static [u8]>,
    /// The context of the call.
    pub context: Option<&'static str>,
    /// Whether the anchor may impersonate.
    pub may_impersonate: bool,
    /// When the store came to be.
    pub store_created_ms: u64,
    /// Whether the request was authorized just before.
    pub presented_before: bool,
    /// What comes beside the proof.
    pub(crate) evidence: fn(Hashes) -> Vec<Vec<u8>>,
    /// How the verifier is configured beyond that.
    pub(crate) config: fn(&mut Config),
    /// What the tool does, as its server says.
    pub(crate) hint: Option<&'static str>,
    /// Requests before this one.
    pub before: &'static [Before],
    /// Whether the vector says what the store is asked.
    pub with_operations: bool,
}

/// The arguments that the story's proof is for.
pub const ARGUMENTS: &str = r#"{"labels":["bug"],"repo":"acme/app"}"#;

fn arguments() -> Cbor {
    Cbor::Map(vec![("repo".into(), "acme/app".into()), ("labels".into(), Cbor::Array(vec!["bug".into()]))])
}

/// `[type, operand…]`.
pub fn constraint(kind: i64, operands: &[Cbor]) -> Cbor {
    Cbor::Array(std::iter::once(kind.into()).chain(operands.iter().cloned()).collect())
}

/// A list of texts.
pub fn texts(values: &[&str]) -> Cbor {
    Cbor::Array(values.iter().map(|value| (*value).into()).collect())
}

/// Tools with one tool.
pub fn tool(name: &str, arguments: &[(&str, Cbor)]) -> Cbor {
    Cbor::Map(vec![(name.into(), Cbor::Map(arguments.iter().map(|(name, constraint)| ((*name).into(), constraint.clone())).collect()))])
}

/// The tools of the story, with an optional argument of nine patterns: eight of 500 and one as large as given.
fn patterns(last: usize) -> Cbor {
    let globs = [500; 8].into_iter().chain([last]).map(|size| constraint(10, &["a".repeat(size).into()])).collect();
    let optional = Cbor::Array(vec![(-1).into(), constraint(8, &[Cbor::Array(globs)])]);
    tool("github.update_pr", &[("repo", constraint(0, &[])), ("draft", optional), ("labels", constraint(0, &[]))])
}

fn root_claims() -> Map {
    Map::of([
        (1, "ana".into()),
        (2, "ana".into()),
        (4, (NOW + 3600).into()),
        (6, NOW.into()),
        (7, Cbor::Bytes(vec![0x11; 16])),
        (8, cnf(&public(2))),
    ])
}

fn root_capability() -> Map {
    let repos = constraint(3, &[texts(&["acme/app", "acme/web"])]);
    Map::of([
        (0, 1.into()),
        (1, 1.into()),
        (2, 0.into()),
        (3, 3.into()),
        (5, tool("github.update_pr", &[("repo", repos), ("labels", constraint(0, &[]))])),
        (6, Cbor::Bytes(vec![0xa0; 16])),
        (8, "planner".into()),
        (11, "fix the login bug".into()),
    ])
}

fn child_claims() -> Map {
    Map::of([(2, "ana".into()), (4, (NOW + 600).into()), (6, NOW.into()), (7, Cbor::Bytes(vec![0x22; 16])), (8, cnf(&public(3)))])
}

fn child_capability(parent: [u8; 32]) -> Map {
    let arguments = [("repo", constraint(1, &["acme/app".into()])), ("labels", constraint(6, &[texts(&["bug"])]))];
    Map::of([
        (0, 1.into()),
        (1, 1.into()),
        (2, 1.into()),
        (3, 3.into()),
        (4, Cbor::Bytes(parent.to_vec())),
        (5, tool("github.update_pr", &arguments)),
        (6, Cbor::Bytes(vec![0xa0; 16])),
        (8, "coder".into()),
    ])
}

fn proof_claims() -> Map {
    Map::of([(3, AUDIENCE.into()), (4, (NOW + 60).into()), (6, NOW.into()), (7, Cbor::Bytes(vec![0x33; 16]))])
}

fn call_claims(leaf: [u8; 32]) -> Map {
    Map::of([
        (0, Cbor::Bytes(leaf.to_vec())),
        (1, "github.update_pr".into()),
        (2, Cbor::Bytes(sha256(&bytes(&arguments())).to_vec())),
        (3, 250.into()),
    ])
}

impl Scenario {
    /// The good story.
    pub fn new(name: &'static str, why: &'static str) -> Self {
        Scenario {
            name,
            why,
            code: None,
            link: None,
            root: |_| {},
            root_capability: |_| {},
            child: |_| {},
            child_capability: |_| {},
            proof: |_| {},
            call: |_| {},
            root_payload: |b| b,
            child_payload: |b| b,
            root_token: |b| b,
            child_token: |b| b,
            proof_token: |b| b,
            tokens: |t| t,
            whole: |b| b,
            text: |t| t,
            signers: [1, 2, 3],
            root_header: || header("cap"),
            proof_header: || header("pop"),
            now_ms: NOW * 1000 + 500,
            tool: "github.update_pr",
            arguments: ARGUMENTS,
            challenge: None,
            context: None,
            may_impersonate: false,
            store_created_ms: (NOW - 10) * 1000,
            presented_before: false,
            evidence: |_| vec![],
            config: |_| {},
            hint: None,
            before: &[],
            with_operations: false,
        }
    }

    /// The scenario with other claims in its proof.
    #[must_use]
    pub fn proven(self, edit: fn(&mut Map)) -> Self {
        Scenario { proof: edit, ..self }
    }

    /// The scenario with its proof signed by another key.
    #[must_use]
    pub fn proven_by(self, signer: u8) -> Self {
        Scenario { signers: [self.signers[0], self.signers[1], signer], ..self }
    }

    /// The two tokens, the proof, and the presentation of them.
    pub fn presentation(&self) -> Vec<u8> {
        let mut capability = root_capability();
        (self.root_capability)(&mut capability);
        let mut root = root_claims();
        root.set(CAPABILITY, capability);
        (self.root)(&mut root);
        let root = (self.root_payload)(bytes(&root.into()));
        let root_header = (self.root_header)();
        let root_token = (self.root_token)(seal(&key(self.signers[0]), &root_header, &root));

        let mut capability = child_capability(hash(&root_header, &root));
        (self.child_capability)(&mut capability);
        let mut child = child_claims();
        child.set(CAPABILITY, capability);
        (self.child)(&mut child);
        let child = (self.child_payload)(bytes(&child.into()));
        let child_token = (self.child_token)(seal(&key(self.signers[1]), &header("cap"), &child));

        let mut call = call_claims(hash(&header("cap"), &child));
        (self.call)(&mut call);
        let mut proof = proof_claims();
        proof.set(CALL, call);
        (self.proof)(&mut proof);
        let proof = (self.proof_token)(seal(&key(self.signers[2]), &(self.proof_header)(), &bytes(&proof.into())));
        let evidence = (self.evidence)(Hashes { root: hash(&root_header, &root), child: hash(&header("cap"), &child) });
        let plain = presentation(&(self.tokens)(vec![root_token, child_token]), &proof);
        let evidence: Vec<&[u8]> = evidence.iter().map(Vec::as_slice).collect();
        (self.whole)(if evidence.is_empty() { plain } else { with_evidence(plain, &evidence) })
    }

    /// The verifier that decides.
    pub fn config(&self) -> Config {
        let mut config = Config {
            anchors: vec![Anchor { name: "ana".into(), key: hex(&public(1)), may_impersonate: self.may_impersonate, bounds: None }],
            audience: AUDIENCE.into(),
            store_created_ms: self.store_created_ms,
            identities: None,
            approvals: None,
            principals: vec![],
            revoked: vec![],
            trust: None,
        };
        (self.config)(&mut config);
        config
    }

    /// What is received.
    pub fn request(&self) -> Request {
        Request {
            presentation: self.text(),
            tool: self.tool.into(),
            arguments: serde_json::from_str(self.arguments).expect("json"),
            challenge: self.challenge.map(hex),
            context: self.context.map(Into::into),
            hint: self.hint.map(Into::into),
        }
    }

    /// The text form that is received.
    pub fn text(&self) -> String {
        use base64::Engine as _;
        (self.text)(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.presentation()))
    }
}

/// A chain of one token: ana to the coder, who calls. Edits of the child do not count.
pub(crate) fn single(name: &'static str, why: &'static str) -> Scenario {
    let mut scenario = Scenario::new(name, why);
    scenario.root = |claims| {
        claims.set(8, cnf(&public(3)));
    };
    scenario.tokens = |tokens| vec![tokens[0].clone()];
    scenario
}

/// The leaf hash that a proof over the root alone needs, given the same edits of the root.
pub(crate) fn root_hash(edit: Edit, edit_capability: Edit) -> Cbor {
    let mut capability = root_capability();
    edit_capability(&mut capability);
    let mut root = root_claims();
    root.set(CAPABILITY, capability);
    edit(&mut root);
    Cbor::Bytes(hash(&header("cap"), &bytes(&root.into())).to_vec())
}

pub(crate) fn one_audience(claims: &mut Map) {
    claims.set(3, texts(&[AUDIENCE]));
}

/// Issued 7 milliseconds into its second.
pub(crate) fn budgets(list: Vec<Map>) -> Cbor {
    Map::of([(0, 7.into()), (1, Cbor::Array(list.into_iter().map(Cbor::from).collect()))]).into()
}

pub(crate) fn budget(limit: u64, scope: u64) -> Map {
    Map::of([(0, limit.into()), (1, scope.into())])
}

/// The presentation with a third part.
pub(crate) fn with_evidence(presentation: Vec<u8>, evidence: &[&[u8]]) -> Vec<u8> {
    let evidence = Cbor::Array(evidence.iter().map(|one| Cbor::Bytes(one.to_vec())).collect());
    [&[0x83][..], &presentation[1..], &bytes(&evidence)].concat()
}

pub(crate) fn to_coder(claims: &mut Map) {
    claims.set(8, cnf(&public(3)));
}

fn own_behalf(capability: &mut Map) {
    capability.set(1, 0).set(8, "ana");
}

pub(crate) fn impersonating_claims(claims: &mut Map) {
    claims.set(2, "ben").set(3, texts(&[AUDIENCE])).set(8, cnf(&public(3)));
}

pub(crate) fn impersonating(capability: &mut Map) {
    capability.set(1, 2).set(3, 0).set(8, "coder");
}

fn flip(mut bytes: Vec<u8>, from_end: usize) -> Vec<u8> {
    let at = bytes.len() - 1 - from_end;
    bytes[at] ^= 1;
    bytes
}

/// Replaces one run of bytes by another.
fn replace(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).expect("the bytes are there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

fn with_key_bytes(claims: &mut Map, key: &[u8; 32]) {
    claims.set(8, cnf(key));
}

macro_rules! scenarios {
    ($( $name:literal, $why:literal => $code:expr, $link:expr, |$s:ident| $body:block )+) => {
        vec![ $( scenario($name, $why, $code, $link, |$s| $body), )+ ]
    };
}
pub(crate) use scenarios;

pub(crate) fn scenario(
    name: &'static str,
    why: &'static str,
    code: Option<&'static str>,
    link: Option<usize>,
    change: fn(&mut Scenario),
) -> Scenario {
    let mut scenario = Scenario { code, link, ..Scenario::new(name, why) };
    change(&mut scenario);
    scenario
}

/// Every scenario.
pub fn all() -> Vec<Scenario> {
    let mut all = scenarios! {
        "allow-delegated-call", "a call within a delegated token is allowed" => None, None, |_s| {}
        "allow-at-the-last-second", "a token is valid while now is before exp" => None, None, |s| {
            s.now_ms = (NOW + 599) * 1000;
            s.proof = |c| { c.set(6, NOW + 590).set(4, NOW + 620); };
        }
        "allow-issued-30-seconds-ahead", "an iat up to 30 seconds ahead of now is accepted" => None, None, |s| {
            s.now_ms = (NOW - 30) * 1000;
            s.store_created_ms = (NOW - 40) * 1000;
        }
        "allow-with-audience", "the verifier's audience is in the aud of every token" => None, None, |s| {
            s.root = |c| { c.set(3, texts(&["https://other.acme.example", AUDIENCE])); };
            s.child = |c| { c.set(3, texts(&[AUDIENCE])); };
        }
        "allow-with-challenge", "a proof that answers the challenge is accepted" => None, None, |s| {
            s.proof = |c| { c.set(10, Cbor::Bytes(b"nonce-1".to_vec())); };
            s.challenge = Some(b"nonce-1");
        }
        "allow-ignorable-claim", "a label below -100000 carries no authority and is listed as ignored" => None, None, |s| {
            s.child = |c| { c.set(-100_001, "note"); };
        }
        "allow-in-context", "a call below the context of the leaf is allowed" => None, None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { c.set(12, "tenant:1/task:7"); };
            s.context = Some("tenant:1/task:7/step:1");
        }
        "allow-optional-argument-left-out", "an optional argument may be absent" => None, None, |s| {
            s.root_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(0, &[])), ("draft", Cbor::Array(vec![(-1).into(), constraint(0, &[])])), ("labels", constraint(0, &[]))])); };
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(0, &[])), ("draft", Cbor::Array(vec![(-1).into(), constraint(1, &[true.into()])])), ("labels", constraint(0, &[]))])); };
        }
        "allow-new-argument-under-star", "a newly constrained argument under * is narrower" => None, None, |s| {
            s.root_capability = |c| { c.set(5, tool("github.update_pr", &[("*", constraint(0, &[]))])); };
        }
        "allow-patterns-of-4096", "the patterns of a token may be so large together" => None, None, |s| {
            s.root_capability = |c| { c.set(5, patterns(96)); };
        }
        "allow-approval-for-another-tool", "a requirement for one tool does not bind another" => None, None, |s| {
            s.root_capability = |c| { c.set(9, approvals("deploy", 1, &[9])); };
            s.child_capability = |c| { c.set(9, approvals("deploy", 1, &[9])); };
        }

        "allow-within-a-budget", "a call takes one from a budget of one" => None, None, |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0)])); };
        }
        "deny-budget-of-an-argument-that-is-no-number", "a sum counts integers" => Some("argument-refused"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(9, 0).with(2, "github.update_pr").with(3, "repo")])); };
        }
        "deny-budget-without-an-audience", "a budget is counted by one audience" => Some("claim-invalid"), Some(1), |s| {
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0)])); };
        }
        "deny-budget-of-a-root-with-two-audiences", "two audiences would each count for themselves" => Some("claim-invalid"), Some(0), |s| {
            s.root = |c| { c.set(3, texts(&["https://other.acme.example", AUDIENCE])); };
            s.root_capability = |c| { c.set(13, budgets(vec![budget(1, 0)])); };
        }
        "deny-budget-of-nothing", "a limit is 1 or more" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(0, 0)])); };
        }
        "deny-budget-beyond-exact-integers", "a limit is at most 2^53 - 1" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1 << 53, 0)])); };
        }
        "deny-budget-of-an-unknown-scope", "a scope is family or session" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 2)])); };
        }
        "deny-budget-of-an-argument-without-a-tool", "an argument belongs to a tool" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(3, "n")])); };
        }
        "deny-budget-with-an-empty-window", "a window is a second or more" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(4, 0)])); };
        }
        "deny-budget-with-an-unknown-key", "an unknown key of a budget is refused" => Some("claim-unknown"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0).with(5, 1)])); };
        }
        "deny-budget-without-a-limit", "a budget has a limit" => Some("claim-missing"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![Map::of([(1, 0.into())])])); };
        }
        "deny-no-budgets", "an empty list of budgets is refused" => Some("claim-invalid"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(Vec::new())); };
        }
        "deny-nine-budgets", "a token has at most 8 budgets" => Some("too-many"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0); 9])); };
        }
        "deny-budget-from-before-the-store", "what was counted before the store's memory is not counted from zero" => Some("token-predates-store"), Some(1), |s| {
            s.root = one_audience;
            s.child_capability = |c| { c.set(13, budgets(vec![budget(1, 0)])); };
            s.store_created_ms = NOW * 1000 + 8;
        }
        "deny-evidence-of-another-kind", "a token is no evidence" => Some("kind-mismatch"), None, |s| { s.whole = |b| with_evidence(b, &[&seal(&key(1), &header("cap"), b"x")]); }
        "deny-evidence-that-is-garbage", "evidence that cannot be read is not dropped" => Some("malformed"), None, |s| { s.whole = |b| with_evidence(b, &[b"x"]); }
        "deny-empty-evidence", "a list of evidence is not empty" => Some("malformed"), None, |s| { s.whole = |b| with_evidence(b, &[]); }
        "deny-65-pieces-of-evidence", "evidence is at most 64 objects" => Some("too-many"), None, |s| { s.whole = |b| with_evidence(b, &[&b"x"[..]; 65]); }

        "deny-empty-input", "an empty input has no proof" => Some("proof-missing"), None, |s| { s.text = |_| String::new(); }
        "deny-text-with-padding", "the text form has no padding" => Some("text-malformed"), None, |s| { s.text = |t| format!("{t}="); }
        "deny-text-with-space", "the text form has nothing around it" => Some("text-malformed"), None, |s| { s.text = |t| format!(" {t}"); }
        "deny-text-in-the-other-alphabet", "the text form uses the URL alphabet" => Some("text-malformed"), None, |s| { s.text = |t| format!("+{}", &t[1..]); }
        "deny-presentation-without-proof", "a chain alone is no call" => Some("proof-missing"), None, |s| {
            s.whole = |b| [&[0x81][..], &b[1..b.len() - proof_length(&b)]].concat();
        }
        "deny-presentation-too-large", "a presentation of more than 128 KiB is refused unread" => Some("too-large"), None, |s| { s.whole = |_| vec![0; 131_073]; }
        "deny-chain-too-large", "a chain of more than 64 KiB is refused" => Some("too-large"), None, |s| {
            s.tokens = |t| vec![t[0].clone(), vec![0; 66_000]];
        }
        "deny-seventeen-tokens", "a chain has at most 16 tokens" => Some("too-many"), None, |s| { s.tokens = |t| vec![t[0].clone(); 17]; }
        "deny-patterns-of-4097", "the patterns of a token are at most 4,096 large together" => Some("too-many"), Some(0), |s| {
            s.root_capability = |c| { c.set(5, patterns(97)); };
        }
        "deny-proof-too-large", "a proof has at most 2 KiB" => Some("too-large"), None, |s| { s.proof_token = |_| vec![0; 2049]; }
        "deny-empty-chain", "a chain has at least one token" => Some("malformed"), None, |s| { s.tokens = |_| vec![]; }
        "deny-trailing-byte", "nothing follows the presentation" => Some("malformed"), None, |s| { s.whole = |b| [b, vec![0]].concat(); }
        "deny-cut-off", "every prefix is refused" => Some("malformed"), None, |s| { s.whole = |b| b[..b.len() - 1].to_vec(); }
        "deny-indefinite-array", "indefinite lengths are not canonical" => Some("not-canonical"), None, |s| { s.whole = |b| [&[0x9f][..], &b[1..], &[0xff]].concat(); }
        "deny-token-with-trailing-byte", "nothing follows a token" => Some("malformed"), Some(1), |s| { s.child_token = |b| [b, vec![0]].concat(); }
        "deny-token-untagged", "the tag 18 is required" => Some("malformed"), Some(0), |s| { s.root_token = |b| b[1..].to_vec(); }
        "deny-token-with-another-tag", "tag 61 is not expected" => Some("malformed"), Some(0), |s| { s.root_token = |b| [&[0xd8, 61][..], &b].concat(); }
        "deny-nil-payload", "a detached payload is refused" => Some("malformed"), Some(0), |s| {
            s.root_token = |_| envelope(&header("cap"), Cbor::Map(vec![]), Cbor::Null, &[0; 64]);
        }
        "deny-empty-payload", "an empty payload is refused" => Some("malformed"), Some(0), |s| {
            s.root_token = |_| envelope(&header("cap"), Cbor::Map(vec![]), Cbor::Bytes(vec![]), &[0; 64]);
        }
        "deny-short-signature", "a signature has 64 bytes" => Some("malformed"), Some(0), |s| {
            s.root_token = |_| envelope(&header("cap"), Cbor::Map(vec![]), Cbor::Bytes(vec![0xa0]), &[0; 63]);
        }
        "deny-unprotected-header", "the unprotected header is empty" => Some("header-invalid"), Some(0), |s| {
            s.root_token = |_| envelope(&header("cap"), Map::of([(4, Cbor::Bytes(vec![1]))]).into(), Cbor::Bytes(vec![0xa0]), &[0; 64]);
        }
        "deny-empty-protected-header", "the algorithm is in the protected header" => Some("algorithm-unsupported"), Some(0), |s| { s.root_header = Vec::new; }
        "deny-algorithm-es256", "the algorithm is Ed25519" => Some("algorithm-unsupported"), Some(0), |s| {
            s.root_header = || bytes(&Map::of([(1, (-7).into()), (16, "application/deputize-cap+cwt".into())]).into());
        }
        "deny-algorithm-eddsa-text", "the algorithm is a number" => Some("algorithm-unsupported"), Some(0), |s| {
            s.root_header = || bytes(&Map::of([(1, "EdDSA".into()), (16, "application/deputize-cap+cwt".into())]).into());
        }
        "deny-duplicate-algorithm", "a label given twice is not canonical" => Some("not-canonical"), Some(0), |s| {
            s.root_header = || bytes(&Cbor::Map(vec![(1.into(), (-19).into()), (1.into(), (-19).into()), (16.into(), "application/deputize-cap+cwt".into())]));
        }
        "deny-critical-header", "a crit header is not known" => Some("header-invalid"), Some(0), |s| {
            s.root_header = || bytes(&Map::of([(1, (-19).into()), (2, Cbor::Array(vec![99.into()])), (16, "application/deputize-cap+cwt".into())]).into());
        }
        "deny-key-id-header", "a kid never selects a key" => Some("header-invalid"), Some(0), |s| {
            s.root_header = || bytes(&Map::of([(1, (-19).into()), (4, Cbor::Bytes(vec![7; 8])), (16, "application/deputize-cap+cwt".into())]).into());
        }
        "deny-token-as-proof", "a token is not a proof" => Some("kind-mismatch"), None, |s| { s.proof_header = || header("cap"); }
        "deny-proof-as-token", "a proof is not a token" => Some("kind-mismatch"), Some(0), |s| { s.root_header = || header("pop"); }

        "deny-unknown-issuer", "the root's issuer is not a trust anchor" => Some("issuer-untrusted"), Some(0), |s| { s.root = |c| { c.set(1, "eve"); }; }
        "deny-issuer-not-first", "a root without iss has no trust anchor" => Some("issuer-untrusted"), Some(0), |s| { s.root = |c| { c.remove(1); }; }
        "deny-self-signed-root", "an attacker signs a root in ana's name" => Some("signature-invalid"), Some(0), |s| { s.signers = [66, 2, 3]; }
        "deny-child-by-another-key", "an attacker signs a child of a stolen parent" => Some("signature-invalid"), Some(1), |s| { s.signers = [1, 66, 3]; }
        "deny-flipped-root-signature", "one bit of the signature is wrong" => Some("signature-invalid"), Some(0), |s| { s.root_token = |b| flip(b, 0); }
        "deny-flipped-payload", "one bit of the payload is wrong" => Some("signature-invalid"), Some(1), |s| { s.child_token = |b| flip(b, 100); }
        "deny-signature-of-another-link", "the signature of another link is put in" => Some("signature-invalid"), Some(0), |s| {
            s.tokens = |t| { let (a, b) = (&t[0], &t[1]); vec![[&a[..a.len() - 64], &b[b.len() - 64..]].concat(), b.clone()] };
        }
        "deny-reversed-chain", "the order of tokens is root first" => Some("issuer-untrusted"), Some(0), |s| { s.tokens = |t| vec![t[1].clone(), t[0].clone()]; }
        "deny-root-twice", "a token is not its own child" => Some("signature-invalid"), Some(1), |s| { s.tokens = |t| vec![t[0].clone(), t[0].clone()]; }
        "deny-leaf-dropped", "dropping the last link does not give the wider authority back" => Some("proof-signature-invalid"), None, |s| { s.tokens = |t| vec![t[0].clone()]; }
        "deny-spliced-parent", "a child binds the hash of its exact parent" => Some("parent-mismatch"), Some(1), |s| { s.child_capability = |c| { c.set(4, Cbor::Bytes(vec![7; 32])); }; }
        "deny-wrong-depth", "depth goes up by one" => Some("parent-mismatch"), Some(1), |s| { s.child_capability = |c| { c.set(2, 2); }; }
        "deny-repeated-id", "an id is unique in the chain" => Some("parent-mismatch"), Some(1), |s| { s.child = |c| { c.set(7, Cbor::Bytes(vec![0x11; 16])); }; }
        "deny-holder-is-issuer", "the trust anchor's key holds no token" => Some("holder-repeated"), Some(1), |s| { s.child = |c| { c.set(8, cnf(&public(1))); }; }
        "deny-holder-repeated", "a key holds one place in a chain" => Some("holder-repeated"), Some(1), |s| { s.child = |c| { c.set(8, cnf(&public(2))); }; }
        "deny-holder-approves", "a holder is not its own approver" => Some("holder-is-approver"), Some(0), |s| { s.root_capability = |c| { c.set(9, approvals("deploy", 1, &[2])); }; }
        "deny-small-order-holder", "the identity point is no key" => Some("key-invalid"), Some(1), |s| { s.child = |c| with_key_bytes(c, &IDENTITY); }
        "deny-non-canonical-holder", "a key is canonical" => Some("key-invalid"), Some(1), |s| { s.child = |c| with_key_bytes(c, &NON_CANONICAL); }

        "deny-duplicate-claim", "a claim given twice is not canonical, even if signed" => Some("not-canonical"), Some(0), |s| {
            s.root = |c| { c.0.insert(1, (1.into(), "ana".into())); };
        }
        "deny-claims-out-of-order", "keys ascend, even if signed" => Some("not-canonical"), Some(0), |s| { s.root = |c| { c.0.swap(2, 3); }; }
        "deny-long-integer", "integers have their shortest form, even if signed" => Some("not-canonical"), Some(0), |s| {
            s.root_payload = |b| replace(b, &[0x06, 0x1a], &[0x06, 0x1b, 0, 0, 0, 0]);
        }
        "deny-unknown-claim", "an unknown claim is refused" => Some("claim-unknown"), Some(1), |s| { s.child = |c| { c.set(9, 1); }; }
        "deny-unknown-capability-key", "an unknown key of the capability is refused" => Some("claim-unknown"), Some(1), |s| { s.child_capability = |c| { c.set(14, 1); }; }
        "deny-version-2", "another version is refused" => Some("version-unsupported"), Some(0), |s| { s.root_capability = |c| { c.set(0, 2); }; }
        "deny-version-0", "version 0 is refused" => Some("version-unsupported"), Some(0), |s| { s.root_capability = |c| { c.set(0, 0); }; }
        "deny-missing-exp", "exp is required" => Some("claim-missing"), Some(0), |s| { s.root = |c| { c.remove(4); }; }
        "deny-missing-session", "session is required" => Some("claim-missing"), Some(1), |s| { s.child_capability = |c| { c.remove(6); }; }
        "deny-missing-parent", "parent is required below the root" => Some("claim-missing"), Some(1), |s| { s.child_capability = |c| { c.remove(4); }; }
        "deny-iss-below-the-root", "iss is in the root only" => Some("claim-invalid"), Some(1), |s| { s.child = |c| { c.set(1, "ana"); }; }
        "deny-parent-in-the-root", "a root has no parent" => Some("claim-invalid"), Some(0), |s| { s.root_capability = |c| { c.set(4, Cbor::Bytes(vec![7; 32])); }; }
        "deny-exp-as-text", "a wrong type is not an absent claim" => Some("malformed"), Some(0), |s| { s.root = |c| { c.set(4, "1764003600"); }; }
        "deny-exp-as-float", "times are integers" => Some("malformed"), Some(0), |s| { s.root = |c| { c.set(4, 1_764_003_600.5); }; }
        "deny-exp-null", "null is not absent" => Some("malformed"), Some(0), |s| { s.root = |c| { c.set(4, Cbor::Null); }; }
        "deny-nbf-true", "a wrong type is not an absent claim" => Some("malformed"), Some(0), |s| { s.root = |c| { c.set(5, true); }; }
        "deny-exp-in-milliseconds", "times are seconds" => Some("claim-invalid"), Some(0), |s| { s.root = |c| { c.set(4, NOW * 1000); }; }
        "deny-exp-beyond-64-bits", "no integer wraps" => Some("malformed"), Some(0), |s| { s.root = |c| { c.set(4, u64::MAX); }; }
        "deny-negative-iat", "no time is before 1970" => Some("claim-invalid"), Some(0), |s| { s.root = |c| { c.set(6, -1); }; }
        "deny-exp-not-after-iat", "a token lives at least a second" => Some("claim-invalid"), Some(0), |s| { s.root = |c| { c.set(4, NOW); }; }
        "deny-lifetime-of-31-days", "a token lives at most 30 days" => Some("claim-invalid"), Some(0), |s| { s.root = |c| { c.set(4, NOW + 31 * 86_400); }; }
        "deny-max-depth-16", "max_depth is at most 15" => Some("claim-invalid"), Some(0), |s| { s.root_capability = |c| { c.set(3, 16); }; }
        "deny-short-id", "cti has 16 bytes" => Some("claim-invalid"), Some(0), |s| { s.root = |c| { c.set(7, Cbor::Bytes(vec![1; 7])); }; }
        "deny-name-with-newline", "a name has no control characters" => Some("claim-invalid"), Some(1), |s| { s.child_capability = |c| { c.set(8, "coder\nana"); }; }
        "deny-name-with-override", "a name has no bidirectional override" => Some("claim-invalid"), Some(1), |s| { s.child_capability = |c| { c.set(8, "\u{202e}redoc"); }; }
        "deny-mode-3", "there are three modes" => Some("claim-invalid"), Some(0), |s| { s.root_capability = |c| { c.set(1, 3); }; }
        "deny-unknown-constraint", "an unknown constraint is never no constraint" => Some("constraint-unknown"), Some(1), |s| {
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(200, &["x".into()])), ("labels", constraint(0, &[]))])); };
        }
        "deny-unknown-constraint-option", "an unknown option is never ignored" => Some("constraint-unknown"), Some(1), |s| {
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(1, &["x".into(), 1.into()])), ("labels", constraint(0, &[]))])); };
        }
        "deny-set-out-of-order", "sets ascend" => Some("not-canonical"), Some(0), |s| {
            s.root_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(3, &[texts(&["b", "a"])]))])); };
        }
        "deny-duplicate-tool", "a tool given twice is not canonical" => Some("not-canonical"), Some(0), |s| {
            s.root_capability = |c| { c.set(5, Cbor::Map(vec![("a".into(), Cbor::Map(vec![])), ("a".into(), Cbor::Map(vec![]))])); };
        }
        "deny-deep-constraint", "constraints nest at most 8 deep" => Some("too-deep"), Some(1), |s| { s.child_capability = |c| { c.set(5, tool("t", &[("x", nested(9))])); }; }
        "deny-unmeetable-approvals", "m is at most n" => Some("claim-invalid"), Some(0), |s| { s.root_capability = |c| { c.set(9, approvals("deploy", 2, &[9])); }; }
        "deny-approvals-of-nobody", "m is at least 1" => Some("claim-invalid"), Some(0), |s| { s.root_capability = |c| { c.set(9, approvals("deploy", 0, &[9])); }; }

        "deny-expired-leaf", "a token is expired at exp" => Some("token-expired"), Some(1), |s| { s.now_ms = (NOW + 600) * 1000; s.proof = |c| { c.set(6, NOW + 590).set(4, NOW + 620); }; }
        "deny-expired-root", "every link is checked" => Some("token-expired"), Some(0), |s| { s.now_ms = (NOW + 3600) * 1000; }
        "deny-issued-31-seconds-ahead", "an iat is at most 30 seconds ahead" => Some("token-not-yet-valid"), Some(0), |s| { s.now_ms = (NOW - 31) * 1000; }
        "deny-before-nbf", "nbf has no leeway" => Some("token-not-yet-valid"), Some(1), |s| { s.child = |c| { c.set(5, NOW + 1); }; }
        "deny-expired-before-widened", "times are checked before narrowing" => Some("token-expired"), Some(1), |s| {
            s.now_ms = (NOW + 600) * 1000;
            s.child_capability = |c| { c.set(5, tool("deploy", &[])); };
        }

        "deny-changed-subject", "the principal stays the same" => Some("invariant-changed"), Some(1), |s| { s.child = |c| { c.set(2, "ben"); }; }
        "deny-changed-session", "the session stays the same" => Some("invariant-changed"), Some(1), |s| { s.child_capability = |c| { c.set(6, Cbor::Bytes(vec![0xa1; 16])); }; }
        "deny-added-task", "the task stays the same" => Some("invariant-changed"), Some(1), |s| { s.child_capability = |c| { c.set(7, Cbor::Bytes(vec![5; 32])); }; }
        "deny-changed-mode", "the mode stays the same" => Some("invariant-changed"), Some(1), |s| { s.child_capability = |c| { c.set(1, 0); }; }
        "deny-raised-max-depth", "max_depth never rises" => Some("depth-exceeded"), Some(1), |s| { s.child_capability = |c| { c.set(3, 4); }; }
        "deny-delegated-beyond-max-depth", "a token that cannot be delegated has no child" => Some("depth-exceeded"), Some(1), |s| {
            s.root_capability = |c| { c.set(3, 0); };
            s.child_capability = |c| { c.set(3, 0); };
        }
        "deny-later-exp", "a child does not outlive its parent" => Some("lifetime-widened"), Some(1), |s| { s.child = |c| { c.set(4, NOW + 3601); }; }
        "deny-earlier-iat", "a child is not older than its parent" => Some("lifetime-widened"), Some(1), |s| { s.child = |c| { c.set(6, NOW - 1); }; }
        "deny-earlier-nbf", "a child does not begin before its parent" => Some("lifetime-widened"), Some(1), |s| {
            s.root = |c| { c.set(5, NOW); };
            s.child = |c| { c.set(5, NOW - 1); };
        }
        "deny-added-audience", "a child names only audiences of its parent" => Some("audience-widened"), Some(1), |s| {
            s.root = |c| { c.set(3, texts(&[AUDIENCE])); };
            s.child = |c| { c.set(3, texts(&["https://b.example", AUDIENCE])); };
        }
        "deny-added-context", "a context that the parent never had is wider" => Some("context-widened"), Some(1), |s| { s.child_capability = |c| { c.set(12, "tenant:1"); }; }
        "deny-dropped-context", "a context is not dropped" => Some("context-widened"), Some(1), |s| { s.root_capability = |c| { c.set(12, "tenant:1"); }; }
        "deny-sibling-context", "contexts compare by whole segments" => Some("context-widened"), Some(1), |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { c.set(12, "tenant:10"); };
        }
        "deny-context-with-dots", "a context has no `..`" => Some("claim-invalid"), Some(1), |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { c.set(12, "tenant:1/../2"); };
        }
        "deny-dropped-approval", "an approval is never dropped" => Some("approvals-dropped"), Some(1), |s| { s.root_capability = |c| { c.set(9, approvals("deploy", 1, &[9])); }; }
        "deny-weakened-approval", "an approval is never weakened" => Some("approvals-dropped"), Some(1), |s| {
            s.root_capability = |c| { c.set(9, approvals("deploy", 2, &[9, 10])); };
            s.child_capability = |c| { c.set(9, approvals("deploy", 1, &[9, 10])); };
        }
        "deny-moved-approval", "an approval stays with its tool" => Some("approvals-dropped"), Some(1), |s| {
            s.root_capability = |c| { c.set(9, approvals("deploy", 1, &[9])); };
            s.child_capability = |c| { c.set(9, approvals("Deploy", 1, &[9])); };
        }
        "deny-added-tool", "a child has only tools of its parent" => Some("tool-not-granted"), Some(1), |s| { s.child_capability = |c| { c.set(5, tool("deploy", &[])); }; }
        "deny-tool-in-other-case", "tools compare as exact strings" => Some("tool-not-granted"), Some(1), |s| { s.child_capability = |c| { c.set(5, tool("GitHub.update_pr", &[])); }; }
        "deny-tool-wildcard", "there is no wildcard of tools" => Some("tool-not-granted"), Some(1), |s| { s.child_capability = |c| { c.set(5, tool("*", &[])); }; }
        "deny-dropped-argument-rule", "a missing rule is wider" => Some("not-provably-narrower"), Some(1), |s| { s.child_capability = |c| { c.set(5, tool("github.update_pr", &[])); }; }
        "deny-only-star-kept", "a wildcard beside a named rule does not replace it" => Some("not-provably-narrower"), Some(1), |s| {
            s.root_capability = |c| { c.set(5, tool("github.update_pr", &[("*", constraint(0, &[])), ("repo", constraint(1, &["acme/app".into()]))])); };
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("*", constraint(0, &[]))])); };
        }
        "deny-required-made-optional", "what the parent requires stays required" => Some("not-provably-narrower"), Some(1), |s| {
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", Cbor::Array(vec![(-1).into(), constraint(1, &["acme/app".into()])])), ("labels", constraint(0, &[]))])); };
        }
        "deny-wider-value", "one value more is wider" => Some("not-provably-narrower"), Some(1), |s| {
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("repo", constraint(3, &[texts(&["acme/app", "acme/ops"])])), ("labels", constraint(0, &[]))])); };
        }

        "deny-other-audience", "a token for another audience" => Some("audience-mismatch"), Some(0), |s| { s.root = |c| { c.set(3, texts(&["https://other.example"])); }; }
        "deny-empty-audience", "an empty audience matches nobody" => Some("audience-mismatch"), Some(1), |s| { s.child = |c| { c.set(3, Cbor::Array(vec![])); }; }
        "deny-audience-by-prefix", "audiences match exactly" => Some("audience-mismatch"), Some(0), |s| { s.root = |c| { c.set(3, texts(&["https://tools.acme.example.evil"])); }; }
        "deny-context-not-given", "a token of a partition is for calls about it" => Some("context-mismatch"), None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { c.set(12, "tenant:1"); };
        }
        "deny-context-above", "a call above the leaf's context" => Some("context-mismatch"), None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { c.set(12, "tenant:1/task:7"); };
            s.context = Some("tenant:1");
        }
        "deny-context-without-partition", "a token without a partition reaches none" => Some("context-mismatch"), None, |s| { s.context = Some("tenant:1"); }

        "deny-proof-by-the-parent", "the parent's holder cannot prove for the leaf" => Some("proof-signature-invalid"), None, |s| { s.signers = [1, 2, 2]; }
        "deny-proof-by-the-issuer", "the issuer cannot prove for the leaf" => Some("proof-signature-invalid"), None, |s| { s.signers = [1, 2, 1]; }
        "deny-stolen-token", "without the key a token is worth nothing" => Some("proof-signature-invalid"), None, |s| { s.signers = [1, 2, 66]; }
        "deny-proof-unknown-claim", "an unknown claim of a proof is refused" => Some("claim-unknown"), None, |s| { s.proof = |c| { c.set(8, 1); }; }
        "deny-proof-without-audience", "a proof names its audience" => Some("claim-missing"), None, |s| { s.proof = |c| { c.remove(3); }; }
        "deny-proof-lifetime-61", "a proof lives at most 60 seconds" => Some("claim-invalid"), None, |s| { s.proof = |c| { c.set(4, NOW + 61); }; }
        "deny-proof-short-id", "a proof's id has 16 bytes" => Some("claim-invalid"), None, |s| { s.proof = |c| { c.set(7, Cbor::Bytes(vec![])); }; }
        "deny-proof-millisecond-1000", "a millisecond is below 1000" => Some("claim-invalid"), None, |s| { s.call = |c| { c.set(3, 1000); }; }
        "deny-proof-for-another-audience", "a proof for another server" => Some("audience-mismatch"), None, |s| { s.proof = |c| { c.set(3, "https://tools.acme.example."); }; }
        "deny-proof-from-the-future", "a proof's iat is at most 30 seconds ahead" => Some("proof-not-yet-valid"), None, |s| { s.proof = |c| { c.set(6, NOW + 31).set(4, NOW + 60); }; }
        "deny-proof-expired", "a proof is expired at exp" => Some("proof-expired"), None, |s| { s.now_ms = (NOW + 60) * 1000; }
        "deny-proof-before-the-store", "a proof from before the store's creation" => Some("proof-predates-store"), None, |s| { s.store_created_ms = NOW * 1000 + 251; }
        "deny-proof-for-another-token", "a proof made with another token" => Some("proof-mismatch"), None, |s| { s.call = |c| { c.set(0, Cbor::Bytes(vec![7; 32])); }; }
        "deny-proof-for-another-tool", "a proof for another tool" => Some("proof-mismatch"), None, |s| { s.call = |c| { c.set(1, "github.merge_pr"); }; }
        "deny-proof-for-other-arguments", "one argument differs" => Some("proof-mismatch"), None, |s| { s.arguments = r#"{"labels":["bug"],"repo":"acme/web"}"#; }
        "deny-proof-null-for-absent", "null is not an absent argument" => Some("proof-mismatch"), None, |s| { s.arguments = r#"{"labels":["bug"],"repo":"acme/app","x":null}"#; }
        "deny-challenge-not-answered", "the server's challenge is answered" => Some("challenge-mismatch"), None, |s| { s.challenge = Some(b"nonce-2"); }
        "deny-challenge-not-asked", "a nonce that nobody asked for" => Some("challenge-mismatch"), None, |s| { s.proof = |c| { c.set(10, Cbor::Bytes(b"nonce-1".to_vec())); }; }
        "deny-replayed", "a proof is accepted once" => Some("proof-replayed"), None, |s| { s.presented_before = true; }

        "deny-tool-not-in-leaf", "the leaf's tools count" => Some("tool-not-allowed"), Some(0), |s| { s.tool = "deploy"; s.call = |c| { c.set(1, "deploy"); }; }
        "deny-empty-tools", "an empty tools map allows nothing" => Some("tool-not-allowed"), Some(1), |s| { s.child_capability = |c| { c.set(5, Cbor::Map(vec![])); }; }
        "deny-argument-outside", "an argument outside its constraint" => Some("argument-refused"), Some(1), |s| {
            s.arguments = r#"{"labels":["bug"],"repo":"acme/web"}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("repo".into(), "acme/web".into()), ("labels".into(), texts(&["bug"]))]))); };
        }
        "deny-argument-missing", "a constrained argument is there" => Some("argument-missing"), Some(0), |s| {
            s.arguments = r#"{"repo":"acme/app"}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("repo".into(), "acme/app".into())]))); };
        }
        "deny-argument-unexpected", "arguments are closed-world" => Some("argument-unexpected"), Some(0), |s| {
            s.arguments = r#"{"force":true,"labels":["bug"],"repo":"acme/app"}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("repo".into(), "acme/app".into()), ("force".into(), true.into()), ("labels".into(), texts(&["bug"]))]))); };
        }
        "deny-argument-true-for-1", "true is not 1" => Some("argument-refused"), Some(0), |s| {
            s.root_capability = |c| { c.set(5, tool("github.update_pr", &[("n", constraint(1, &[1.into()]))])); };
            s.child_capability = |c| { c.set(5, tool("github.update_pr", &[("n", constraint(1, &[1.into()]))])); };
            s.arguments = r#"{"n":true}"#;
            s.call = |c| { c.set(2, digest(Cbor::Map(vec![("n".into(), true.into())]))); };
        }
        "deny-approval-required", "a tool that has to be approved" => Some("approval-required"), Some(1), |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[9])); };
        }
        "deny-denied-call-before-the-store", "the store is asked last" => Some("tool-not-allowed"), Some(0), |s| {
            s.tool = "deploy";
            s.call = |c| { c.set(1, "deploy"); };
            s.store_created_ms = NOW * 1000 + 251;
        }
        "deny-denied-call-is-not-a-replay", "a denied call leaves nothing in the store" => Some("tool-not-allowed"), Some(0), |s| {
            s.tool = "deploy";
            s.call = |c| { c.set(1, "deploy"); };
            s.presented_before = true;
        }
    };
    let mut own_key = single("deny-root-holder-is-issuer", "the trust anchor's key holds no token, not even the root");
    own_key.root = |c| {
        c.set(8, cnf(&public(1)));
    };
    all.push(Scenario { code: Some("holder-repeated"), link: Some(0), ..own_key });
    let mut below = Scenario::new("deny-impersonation-below-the-root", "impersonation is the root's");
    below.child_capability = |c| {
        c.set(1, 2);
    };
    all.push(Scenario { code: Some("claim-invalid"), link: Some(1), may_impersonate: true, ..below });
    let mut dotted = Scenario::new("deny-call-context-with-dots", "the context of a call is a path of plain segments");
    dotted.root_capability = |c| {
        c.set(12, "tenant:1");
    };
    dotted.child_capability = |c| {
        c.set(12, "tenant:1");
    };
    all.push(Scenario { code: Some("context-mismatch"), context: Some("tenant:1/../tenant:2"), ..dotted });
    let mut both = Scenario::new("deny-tool-before-arguments", "all tools are compared before any arguments");
    both.child_capability = |c| {
        c.set(5, Cbor::Map(vec![("z".into(), Cbor::Map(vec![])), ("github.update_pr".into(), Cbor::Map(vec![]))]));
    };
    all.push(Scenario { code: Some("tool-not-granted"), link: Some(1), ..both });
    let mut own = single("allow-own-behalf", "an agent with authority of its own");
    own.root_capability = own_behalf;
    own.call = |c| {
        c.set(0, root_hash(to_coder, own_behalf));
    };
    all.push(own);
    let mut wrong = single("deny-own-behalf-of-another", "own behalf is the subject's own");
    wrong.root_capability = |c| {
        c.set(1, 0);
    };
    all.push(Scenario { code: Some("claim-invalid"), link: Some(0), ..wrong });
    let mut acting = single("allow-impersonation", "a trust anchor that may lets the coder act as ben");
    acting.root = impersonating_claims;
    acting.root_capability = impersonating;
    acting.call = |c| {
        c.set(0, root_hash(impersonating_claims, impersonating));
    };
    acting.may_impersonate = true;
    let mut consented = acting.clone();
    consented.evidence = |_| vec![consent().seal()];
    consented.config = knows_ben;
    all.push(consented);
    let refused = Scenario {
        name: "deny-impersonation-by-an-anchor-that-may-not",
        why: "impersonation is the trust anchor's right",
        ..acting.clone()
    };
    all.push(Scenario { code: Some("impersonation-refused"), link: Some(0), may_impersonate: false, ..refused });
    let mut open = Scenario { name: "deny-impersonation-without-audience", why: "impersonation names its audience", ..acting.clone() };
    open.root = |c| {
        c.set(2, "ben").set(8, cnf(&public(3)));
    };
    all.push(Scenario { code: Some("claim-invalid"), link: Some(0), ..open });
    let mut deep = Scenario { name: "deny-impersonation-that-could-be-delegated", why: "impersonation is terminal", ..acting };
    deep.root_capability = |c| {
        c.set(1, 2).set(3, 1).set(8, "coder");
    };
    all.push(Scenario { code: Some("claim-invalid"), link: Some(0), ..deep });
    all.extend(crate::life::all());
    all
}

pub(crate) fn knows_ben(config: &mut Config) {
    config.principals = vec![Named { name: "ben".into(), key: hex(&public(BEN)) }];
}

const IDENTITY: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
};

/// 2^255 − 18, which is the encoding of y = 1 with p added.
const NON_CANONICAL: [u8; 32] = {
    let mut bytes = [0xff; 32];
    bytes[0] = 0xee;
    bytes[31] = 0x7f;
    bytes
};

pub(crate) fn approvals(tool: &str, count: i64, approvers: &[u8]) -> Cbor {
    let mut keys: Vec<[u8; 32]> = approvers.iter().map(|number| public(*number)).collect();
    keys.sort_unstable();
    let keys = keys.into_iter().map(|key| Cbor::Bytes(key.to_vec())).collect();
    Cbor::Map(vec![(tool.into(), Cbor::Array(vec![Cbor::Array(vec![count.into(), Cbor::Array(keys)])]))])
}

fn nested(depth: usize) -> Cbor {
    (1..depth).fold(constraint(0, &[]), |inner, _| constraint(7, &[Cbor::Array(vec![inner])]))
}

pub(crate) fn digest(arguments: Cbor) -> Cbor {
    Cbor::Bytes(sha256(&bytes(&arguments)).to_vec())
}

/// The length of the byte string that ends a presentation.
fn proof_length(bytes: &[u8]) -> usize {
    let marker = [0xd2, 0x84, 0x58, 0x22, 0xa2, 0x01, 0x32, 0x10, 0x78, 0x1c];
    let proof = bytes.windows(marker.len()).rposition(|window| window == marker).expect("a proof");
    let length = bytes.len() - proof;
    length + if length < 256 { 2 } else { 3 }
}
