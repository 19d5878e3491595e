//! Chains as bytes, their text form, and their claims for display.

use deputize::{ApprovalRules, Claims, UnverifiedChain, Value, text_from_bytes};
use napi::bindgen_prelude::{Buffer, BufferSlice};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::{budget, constraints, tape};

/// Refuses bytes that have not the shape of a chain.
#[napi(catch_unwind)]
pub fn chain_check(bytes: BufferSlice) -> Result<()> {
    UnverifiedChain::decode(&bytes).map(drop).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn chain_from_text(text: String) -> Result<Buffer> {
    UnverifiedChain::from_text(&text).map(|chain| chain.encode().to_vec().into()).map_err(thrown)
}

/// The text form of any object.
#[napi(catch_unwind)]
pub fn to_text(bytes: BufferSlice) -> String {
    text_from_bytes(&bytes)
}

#[napi(catch_unwind)]
pub fn chain_tokens(bytes: BufferSlice) -> Result<Vec<Buffer>> {
    let tokens = |chain: UnverifiedChain| Ok(chain.token_bytes()?.into_iter().map(|token| token.to_vec().into()).collect());
    UnverifiedChain::decode(&bytes).and_then(tokens).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn chain_claims(bytes: BufferSlice) -> Result<Buffer> {
    let claims = UnverifiedChain::decode(&bytes).and_then(|chain| chain.unverified_claims()).map_err(thrown)?;
    Ok(tape::write(&Value::List(claims.iter().map(claims_to_value).collect())).into())
}

/// Of the tools that are asked for, what the leaf may give. Nothing is verified.
#[napi(catch_unwind)]
pub fn chain_narrow(bytes: BufferSlice, wanted: BufferSlice) -> Result<Buffer> {
    let narrow = |chain: UnverifiedChain| {
        let wanted = constraints::tools(tape::read(&wanted)?)?;
        let claims = chain.unverified_claims()?;
        claims.last().ok_or_else(tape::broken)?.tools.narrow(&wanted)
    };
    let tools = UnverifiedChain::decode(&bytes).and_then(narrow).map_err(thrown)?;
    Ok(tape::write(&constraints::tools_to_value(&tools)).into())
}

/// Seconds fit: no time in claims is after the year 9999.
pub(crate) fn seconds(time: deputize::Timestamp) -> Value {
    Value::Integer(time.secs() as i64)
}

/// The claims of a token by their names in JavaScript; what is absent is left out.
pub(crate) fn claims_to_value(claims: &Claims) -> Value {
    let text = |text: &String| Value::Text(text.clone());
    let members = [
        ("issuer", claims.issuer.as_ref().map(text)),
        ("subject", Some(text(&claims.subject))),
        ("audience", claims.audience.as_ref().map(|names| Value::List(names.iter().map(text).collect()))),
        ("expires", Some(seconds(claims.expires))),
        ("notBefore", claims.not_before.map(seconds)),
        ("issued", Some(seconds(claims.issued))),
        ("id", Some(Value::Text(claims.id.to_string()))),
        ("holder", Some(Value::Bytes(claims.holder.as_bytes().to_vec()))),
        ("mode", Some(Value::from(claims.mode.as_str()))),
        ("depth", Some(Value::Integer(claims.depth.into()))),
        ("maxDepth", Some(Value::Integer(claims.max_depth.into()))),
        ("parent", claims.parent.map(|parent| Value::Text(parent.to_string()))),
        ("tools", Some(constraints::tools_to_value(&claims.tools))),
        ("session", Some(Value::Text(claims.session.to_string()))),
        ("task", claims.task.map(|task| Value::Text(task.to_string()))),
        ("holderName", claims.holder_name.as_ref().map(text)),
        ("approvals", (!claims.approvals.is_empty()).then(|| approvals(&claims.approvals))),
        ("evidence", claims.evidence.map(|evidence| Value::Text(evidence.to_string()))),
        ("reason", claims.reason.as_ref().map(text)),
        ("context", claims.context.as_ref().map(text)),
        ("budgets", (!claims.budgets.is_empty()).then(|| budget::budgets_to_value(&claims.budgets))),
        ("ignored", Some(Value::List(claims.ignored.iter().copied().map(Value::Integer).collect()))),
    ];
    Value::Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}

/// Each requirement as `[tool, count, [keys]]`.
fn approvals(rules: &ApprovalRules) -> Value {
    let one = |(tool, count, approvers): (&str, usize, &[deputize::VerifyingKey])| {
        let keys = approvers.iter().map(|key| Value::Bytes(key.as_bytes().to_vec())).collect();
        Value::List(vec![Value::from(tool), Value::Integer(count as i64), Value::List(keys)])
    };
    Value::List(rules.iter().map(one).collect())
}
