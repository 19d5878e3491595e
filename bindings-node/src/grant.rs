//! Issuing, delegating and proving: options from a tape, times and randomness from the system.

use deputize::{
    ApprovalRules, Call, Code, Digest, Error, Grant, Mode, Now, Presentation, SessionId, SigningKey, Timestamp, UnverifiedChain, Value,
    VerifyingKey, os,
};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::evidence::attached;
use crate::{budget, constraints, fields, keys, tape, values};

/// The system's time.
pub(crate) fn system_now() -> deputize::Result<Now> {
    os::now()
}

fn grant(options: &[u8]) -> deputize::Result<Grant> {
    let mut holder = None;
    let mut set: Vec<Box<dyn FnOnce(Grant) -> Grant>> = Vec::new();
    for (name, value) in tape::read_map(options)? {
        match (&*name, value) {
            ("to", Value::Bytes(key)) => holder = Some(keys::public(&key)?),
            ("holderName", Value::Text(text)) => set.push(Box::new(move |grant| grant.holder_name(&text))),
            ("tools", tools) => {
                let tools = constraints::tools(tools)?;
                set.push(Box::new(|grant| grant.tools(tools)));
            }
            ("ttl", Value::Integer(seconds)) => {
                let seconds = u64::try_from(seconds).map_err(|_| Error::about(Code::ClaimInvalid, "ttl: 1 second to 30 days"))?;
                set.push(Box::new(move |grant| grant.ttl(seconds)));
            }
            ("notBefore", Value::Integer(seconds)) => {
                let seconds = u64::try_from(seconds).map_err(|_| Error::about(Code::ClaimInvalid, "not_before"))?;
                let time = Timestamp::from_secs(seconds)?;
                set.push(Box::new(move |grant| grant.not_before(time)));
            }
            ("audience", Value::List(names)) => {
                let names = names.into_iter().map(fields::text).collect::<deputize::Result<Vec<String>>>()?;
                set.push(Box::new(|grant| grant.audience(names)));
            }
            ("maxDepth", Value::Integer(depth)) => {
                let depth = u8::try_from(depth).map_err(|_| Error::about(Code::ClaimInvalid, "max_depth: at most 15"))?;
                set.push(Box::new(move |grant| grant.max_depth(depth)));
            }
            ("approvals", Value::List(rules)) => {
                let rules = rules.into_iter().try_fold(ApprovalRules::new(), requirement)?;
                set.push(Box::new(|grant| grant.approvals(rules)));
            }
            ("budgets", list) => {
                let budgets = fields::list(budget::budget)(list)?;
                set.push(Box::new(|grant| grant.budgets(budgets)));
            }
            ("evidence", Value::Bytes(bytes)) => {
                let digest = Digest::try_from_slice(&bytes)?;
                set.push(Box::new(move |grant| grant.evidence(digest)));
            }
            ("reason", Value::Text(text)) => set.push(Box::new(move |grant| grant.reason(&text))),
            ("context", Value::Text(text)) => set.push(Box::new(move |grant| grant.context(&text))),
            ("subject", Value::Text(text)) => set.push(Box::new(move |grant| grant.subject(&text))),
            ("mode", Value::Text(name)) => {
                let mode = Mode::from_name(&name).ok_or_else(|| Error::named(Code::ClaimInvalid, "mode", &name))?;
                set.push(Box::new(move |grant| grant.mode(mode)));
            }
            ("session", Value::Bytes(bytes)) => {
                let session = SessionId::try_from_slice(&bytes)?;
                set.push(Box::new(move |grant| grant.session(session)));
            }
            ("task", Value::Bytes(bytes)) => {
                let task = Digest::try_from_slice(&bytes)?;
                set.push(Box::new(move |grant| grant.task(task)));
            }
            _ => return Err(tape::broken()),
        }
    }
    let holder = holder.ok_or_else(tape::broken)?;
    Ok(set.into_iter().fold(Grant::to(&holder), |grant, set| set(grant)))
}

/// One requirement: `[tool, count, [keys]]`.
fn requirement(rules: ApprovalRules, value: Value) -> deputize::Result<ApprovalRules> {
    let Value::List(parts) = value else { return Err(tape::broken()) };
    let [Value::Text(tool), Value::Integer(count), Value::List(approvers)] = parts.as_slice() else { return Err(tape::broken()) };
    let key = |value: &Value| match value {
        Value::Bytes(bytes) => keys::public(bytes),
        _ => Err(tape::broken()),
    };
    let approvers = approvers.iter().map(key).collect::<deputize::Result<Vec<VerifyingKey>>>()?;
    let count = usize::try_from(*count).map_err(|_| Error::about(Code::ClaimInvalid, "approvals: count"))?;
    rules.require(tool, count, &approvers)
}

fn bytes(chain: deputize::Result<UnverifiedChain>) -> Result<Buffer> {
    chain.map(|chain| chain.encode().to_vec().into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn issue(key: &External<SigningKey>, issuer: String, options: BufferSlice) -> Result<Buffer> {
    let signer: &SigningKey = key;
    bytes(grant(&options).and_then(|grant| deputize::issue(signer, &issuer, &grant, &mut os::SysRng, system_now()?)))
}

#[napi(catch_unwind)]
pub fn delegate(key: &External<SigningKey>, chain: BufferSlice, options: BufferSlice) -> Result<Buffer> {
    let signer: &SigningKey = key;
    let parent = UnverifiedChain::decode(&chain).map_err(thrown)?;
    bytes(grant(&options).and_then(|grant| deputize::delegate(signer, &parent, &grant, &mut os::SysRng, system_now()?)))
}

/// A presentation of one call, with evidence attached: a tape of a list of bytes.
#[napi(catch_unwind)]
pub fn prove(
    key: &External<SigningKey>,
    chain: BufferSlice,
    tool: String,
    arguments: BufferSlice,
    audience: String,
    challenge: Option<BufferSlice>,
    evidence: Option<BufferSlice>,
) -> Result<External<Presentation>> {
    let signer: &SigningKey = key;
    let presentation = || {
        let arguments = values::arguments(&arguments)?;
        let chain = UnverifiedChain::decode(&chain)?;
        let call = Call { challenge: challenge.as_deref(), ..Call::new(&tool, &arguments) };
        let presentation = deputize::prove(signer, &chain, &call, &audience, &mut os::SysRng, system_now()?)?;
        evidence.map_or(Ok(presentation.clone()), |evidence| attached(&presentation, &evidence))
    };
    presentation().map(External::new).map_err(thrown)
}
