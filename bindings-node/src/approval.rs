//! Requests for approval, an approver's word, and what a verifier wants approved.

use deputize::{
    Approval, ApprovalGrant, ApprovalPolicy, ApprovalRequest, Call, Code, Error, Result, SigningKey, ToolHint, UnverifiedChain, Value,
    VerifyingKey, approve, bytes_from_text, deny, limits, os,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{self, thrown};
use crate::fields::{Fields, key, list, map, number, parts, text};
use crate::grant::system_now;
use crate::{tape, values};

/// The request for a call that was refused because approvals are missing.
#[napi(catch_unwind)]
pub fn request_make(
    chain: BufferSlice,
    tool: String,
    arguments: BufferSlice,
    audience: String,
    context: Option<String>,
) -> errors::Result<External<ApprovalRequest>> {
    let make = || {
        let arguments = values::arguments(&arguments)?;
        let call = Call { context: context.as_deref(), ..Call::new(&tool, &arguments) };
        ApprovalRequest::new(&UnverifiedChain::decode(&chain)?, &call, &audience)
    };
    make().map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn request_decode(encoding: BufferSlice) -> errors::Result<External<ApprovalRequest>> {
    ApprovalRequest::decode(&encoding).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn request_from_text(encoding: String) -> errors::Result<External<ApprovalRequest>> {
    let bytes = bytes_from_text(&encoding, limits::MAX_APPROVAL_REQUEST);
    bytes.and_then(|bytes| ApprovalRequest::decode(&bytes)).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn request_bytes(request: &External<ApprovalRequest>) -> Buffer {
    request.encode().to_vec().into()
}

/// What a person has to see before signing.
#[napi(catch_unwind)]
pub fn request_text(request: &External<ApprovalRequest>) -> String {
    request.to_text()
}

/// What a request says, unverified.
#[napi(catch_unwind)]
pub fn request_info(request: &External<ApprovalRequest>) -> Buffer {
    let arguments = request.arguments().iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let info = map(vec![
        ("id", Some(Value::Text(request.id().to_string()))),
        ("principal", Some(Value::from(request.principal()))),
        ("mode", Some(Value::from(request.mode().as_str()))),
        ("tool", Some(Value::from(request.tool()))),
        ("arguments", Some(Value::Map(arguments))),
        ("audience", Some(Value::from(request.audience()))),
        ("context", request.context().map(Value::from)),
        ("session", Some(Value::Text(request.session().to_string()))),
        ("holders", Some(Value::List(request.holders().map(|key| Value::Bytes(key.as_bytes().to_vec())).collect()))),
        ("expires", Some(seconds(request.expires()))),
        ("reason", request.reason().map(Value::from)),
    ]);
    tape::write(&info).into()
}

/// An approver's word on a request, with `{ttl, reason}`.
#[napi(catch_unwind)]
pub fn request_decide(
    request: &External<ApprovalRequest>,
    signer: &External<SigningKey>,
    name: String,
    approves: bool,
    options: BufferSlice,
) -> errors::Result<Buffer> {
    let decide = || -> Result<Approval> {
        let mut given = Fields::read(&options)?;
        let grant = ApprovalGrant::new().name(&name);
        let grant = match given.optional("ttl", number)? {
            Some(ttl) => grant.ttl(ttl),
            None => grant,
        };
        let grant = match given.optional("reason", text)? {
            Some(reason) => grant.reason(&reason),
            None => grant,
        };
        let (signer, now): (&SigningKey, _) = (signer, system_now()?);
        if approves { approve(signer, request, &grant, &mut os::SysRng, now) } else { deny(signer, request, &grant, &mut os::SysRng, now) }
    };
    decide().map(|approval| approval.encode().to_vec().into()).map_err(thrown)
}

/// Refuses what is no policy.
#[napi(catch_unwind)]
pub fn approval_policy_check(form: BufferSlice) -> errors::Result<()> {
    policy(&form).map(drop).map_err(thrown)
}

/// A policy from `{unlisted, harmless, require, byAnnotation}`; a requirement is `[tool, count, [keys]]`.
pub(crate) fn policy(form: &[u8]) -> Result<ApprovalPolicy> {
    let mut given = Fields::read(form)?;
    let (_, count, approvers) = given.required("unlisted", requirement)?;
    let harmless = given.required("harmless", list(text))?;
    let policy = ApprovalPolicy::new(count, &approvers)?.harmless(harmless.iter().map(String::as_str))?;
    let required = given.required("require", list(requirement))?;
    let policy = required.into_iter().try_fold(policy, |policy, (tool, count, approvers)| policy.require(&tool, count, &approvers))?;
    Ok(if given.flag("byAnnotation")? { policy.by_annotation() } else { policy })
}

fn requirement(value: Value) -> Result<(String, usize, Vec<VerifyingKey>)> {
    let [tool, count, approvers] = parts(value)?;
    let count = usize::try_from(number(count)?).map_err(|_| tape::broken())?;
    Ok((text(tool)?, count, list(key)(approvers)?))
}

const HINTS: [(&str, ToolHint); 3] =
    [("destructive", ToolHint::Destructive), ("additive", ToolHint::Additive), ("read_only", ToolHint::ReadOnly)];

/// What a tool does, by its word.
pub(crate) fn hint(word: &str) -> Result<ToolHint> {
    let known = HINTS.into_iter().find(|(known, _)| *known == word);
    known.map(|(_, hint)| hint).ok_or_else(|| Error::named(Code::ConfigInvalid, "hint: destructive, additive or read_only, not", word))
}

/// The word for what the annotations of an MCP tool say; none if they say nothing.
#[napi(catch_unwind)]
pub fn hint_of(read_only: Option<bool>, destructive: Option<bool>) -> Option<String> {
    let hint = ToolHint::from_annotations(read_only, destructive);
    HINTS.into_iter().find(|(_, known)| *known == hint).map(|(word, _)| word.to_owned())
}
