//! Verifiers as vectors describe them.

use std::sync::Arc;

use deputize::{
    ApprovalPolicy, ArgumentRules, Arguments, Authority, Bounds, Call, Constraint, Digest, Hops, IdentityAuthority, IdentityKind,
    IdentityPolicy, IdentityRule, MemoryStore, Now, Operation, Revocable, SessionId, TokenId, ToolHint, Tools, TrustAnchor, TrustState,
    Update, Value, Verifier, VerifyingKey, value_from_json,
};

use crate::vector::{self, Approvals, Config, Identities, Mark, Request, Requirement, Trust, hex, unhex};

fn key(text: &str) -> VerifyingKey {
    VerifyingKey::try_from_slice(&unhex(text)).expect("a key")
}

/// A time.
#[must_use]
pub fn at(ms: u64) -> Now {
    Now::from_millis(ms).expect("a time")
}

/// The verifier of a configuration. What is revoked in its store was revoked when the store came to be; every update of its trust state has the outcome
/// that it says.
#[must_use]
pub fn build(config: &Config) -> Verifier {
    let store = MemoryStore::new(100, at(config.store_created_ms)).expect("a store");
    let mut verifier = Verifier::new(config.anchors.iter().map(anchor), &config.audience, store).expect("a verifier");
    if let Some(described) = &config.identities {
        verifier = verifier.with_identities(identities(described));
    }
    if let Some(described) = &config.approvals {
        verifier = verifier.with_approvals(approvals(described));
    }
    for principal in &config.principals {
        verifier = verifier.with_principal(&principal.name, &key(&principal.key)).expect("a principal");
    }
    if let Some(described) = &config.trust {
        verifier = verifier.with_trust_state(Arc::new(trust(described)));
    }
    for mark in &config.revoked {
        revoke(&verifier, mark, at(config.store_created_ms));
    }
    verifier
}

fn anchor(described: &vector::Anchor) -> TrustAnchor {
    let anchor = TrustAnchor::new(&described.name, &key(&described.key)).expect("an anchor");
    let anchor = if described.may_impersonate { anchor.allow_impersonation() } else { anchor };
    let Some(bounds) = &described.bounds else { return anchor };
    let tools = bounds.tools.as_ref().map(|tools| {
        tools.iter().fold(Tools::new(), |allowed, (tool, arguments)| {
            let rules = arguments.iter().fold(ArgumentRules::new(), |rules, (name, bound)| {
                let constraint = Constraint::decode(&unhex(&bound.constraint)).expect("a constraint");
                if bound.optional { rules.optional(name, constraint) } else { rules.required(name, constraint) }
            });
            allowed.allow(tool, rules).expect("a tool")
        })
    });
    anchor.bounded(Bounds { tools, max_lifetime: bounds.max_lifetime, max_depth: bounds.max_depth })
}

fn identities(described: &Identities) -> IdentityPolicy {
    let authorities = described.authorities.iter().map(|one| IdentityAuthority::new(&one.name, &key(&one.key)).expect("an authority"));
    described.rules.iter().fold(IdentityPolicy::new(authorities).expect("a policy"), |policy, described| {
        let hops = match described.on.as_str() {
            "all" => Hops::All,
            "leaf" => Hops::Leaf,
            "root" => Hops::Root,
            other => panic!("hops {other}"),
        };
        let mut rule = IdentityRule::new(hops);
        if let Some(kind) = &described.kind {
            rule = rule.kind(IdentityKind::from_name(kind).expect("a kind"));
        }
        if let Some(environment) = &described.environment {
            rule = rule.environment(environment);
        }
        for (name, value) in &described.attributes {
            rule = rule.attribute(name, value_from_json(&value.to_string()).expect("a value"));
        }
        if !described.attestors.is_empty() {
            rule = rule.attestors(described.attestors.iter().map(String::as_str));
        }
        policy.with_rule(rule).expect("a rule")
    })
}

fn approvers(requirement: &Requirement) -> Vec<VerifyingKey> {
    requirement.approvers.iter().map(|text| key(text)).collect()
}

fn approvals(described: &Approvals) -> ApprovalPolicy {
    let policy = ApprovalPolicy::new(described.unlisted.count, &approvers(&described.unlisted)).expect("a policy");
    let policy = policy.harmless(described.harmless.iter().map(String::as_str)).expect("tools");
    let policy = described.listed.iter().fold(policy, |policy, (tool, requirement)| {
        policy.require(tool, requirement.count, &approvers(requirement)).expect("a requirement")
    });
    if described.by_annotation { policy.by_annotation() } else { policy }
}

/// A state that took the updates, each with the outcome that is described.
#[must_use]
pub fn trust(described: &Trust) -> TrustState {
    let authorities = described.authorities.iter().map(|one| {
        let authority = Authority::new(&one.name, &key(&one.key)).expect("an authority");
        let authority = if one.for_every_issuer { authority.for_every_issuer() } else { authority };
        if one.allow_stale { authority.danger_allow_stale() } else { authority }
    });
    let state = TrustState::new(authorities).expect("a state");
    for (place, update) in described.updates.iter().enumerate() {
        assert_eq!(outcome(&state, update), update.outcome, "update {place}");
    }
    state
}

/// What becomes of an update.
fn outcome(state: &TrustState, update: &vector::Update) -> &'static str {
    let (bytes, now) = (unhex(&update.hex), at(update.now_ms));
    let result = match update.what.as_str() {
        "list" => state.apply_list(&bytes, now),
        "rotation" => state.apply_rotation(&bytes, now),
        other => panic!("update {other}"),
    };
    match result {
        Ok(Update::Accepted) => "accepted",
        Ok(Update::Unchanged) => "unchanged",
        Err(error) => error.code().as_str(),
    }
}

fn revoke(verifier: &Verifier, mark: &Mark, now: Now) {
    let issuer = || mark.issuer.as_deref().expect("an issuer");
    let id = unhex(&mark.id);
    let (holder, approver) = match mark.what.as_str() {
        "key" => (Some(key(&mark.id)), None),
        "approval" => (None, mark.approver.as_deref().map(key)),
        _ => (None, None),
    };
    let target = match mark.what.as_str() {
        "token" => Revocable::Token(TokenId::try_from_slice(&id).expect("an id")),
        "key" => Revocable::Key(holder.as_ref().expect("a key")),
        "session" => Revocable::Session(issuer(), SessionId::try_from_slice(&id).expect("an id")),
        "task" => Revocable::Task(issuer(), Digest::try_from_slice(&id).expect("a digest")),
        "approval" => Revocable::Approval(approver.as_ref().expect("an approver"), TokenId::try_from_slice(&id).expect("an id")),
        other => panic!("mark of {other}"),
    };
    let Operation::Mark { key, .. } = verifier.mark(&target, now).expect("a mark") else { panic!("no mark") };
    assert_eq!(hex(key.as_bytes()), mark.store_key);
    verifier.revoke(&target, now).expect("a store");
}

/// The arguments of a request.
#[must_use]
pub fn arguments(request: &Request) -> Arguments {
    let Ok(Value::Map(entries)) = value_from_json(&request.arguments.to_string()) else { panic!("arguments {}", request.arguments) };
    Arguments::new(entries).expect("arguments")
}

/// The call of a request.
#[must_use]
pub fn call<'a>(request: &'a Request, arguments: &'a Arguments, challenge: Option<&'a [u8]>) -> Call<'a> {
    let hint = match request.hint.as_deref() {
        None => ToolHint::Unknown,
        Some("destructive") => ToolHint::Destructive,
        Some("additive") => ToolHint::Additive,
        Some("read_only") => ToolHint::ReadOnly,
        Some(other) => panic!("hint {other}"),
    };
    Call { tool: &request.tool, arguments, challenge, context: request.context.as_deref(), hint }
}

/// The operations as vectors have them.
#[must_use]
pub fn operations(transaction: &[Operation]) -> Vec<vector::Operation> {
    let described = |operation: &Operation| {
        let (name, key, amount, limit, expires, since) = match operation {
            Operation::Claim { key, expires, since } => ("claim", key, None, None, Some(expires.secs()), since),
            Operation::Absent { key, since } => ("absent", key, None, None, None, since),
            Operation::Spend { key, amount, limit, expires, since } => {
                ("spend", key, Some(*amount), Some(*limit), Some(expires.secs()), since)
            }
            other => panic!("a decision asks for no {other:?}"),
        };
        vector::Operation { name: name.into(), key: hex(key.as_bytes()), amount, limit, expires, since_ms: since.millis() }
    };
    transaction.iter().map(described).collect()
}
