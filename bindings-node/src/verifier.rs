//! The verifier.

use deputize::{Admissible, Arguments, Bounds, Call, Code, Error, Now, Received, ToolHint, TrustAnchor, UnverifiedChain, Value, Verifier};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{Result, about, thrown};
use crate::fields::{Fields, bytes, key, list, number, parts, text};
use crate::grant::system_now;
use crate::record::{Outcome, admissible, allowed, chain_to_value, denied};
use crate::store::{Elsewhere, Memory, Shared};
use crate::tape::{Reader, Run};
use crate::trust_state::State;
use crate::{approval, constraints, identity, keys, store, tape};

/// Milliseconds that JavaScript's clock gave, or else those of the system's.
pub(crate) fn time(millis: Option<f64>) -> deputize::Result<Now> {
    match millis {
        None => system_now(),
        Some(millis) if (1.0..=9_007_199_254_740_991.0).contains(&millis) && millis.fract() == 0.0 => Now::from_millis(millis as u64),
        Some(_) => Err(Error::about(Code::ClockInvalid, "milliseconds since 1970 are expected")),
    }
}

/// A time for the record of a decision that had no usable clock: the system's, or the first millisecond of 1970.
fn time_of_record(millis: Option<f64>) -> Result<Now> {
    time(millis).or_else(|_| system_now()).or_else(|_| Now::from_millis(1)).map_err(thrown)
}

/// A verifier from `{audience, anchors, principals, approvals, identities}`, the last two as tapes of their own; without a store, JavaScript has it.
#[napi(catch_unwind)]
pub fn verifier_new(config: BufferSlice, store: Option<&External<Memory>>, state: Option<&External<State>>) -> Result<External<Verifier>> {
    let make = || {
        let mut given = Fields::read(&config)?;
        let audience = given.required("audience", text)?;
        let anchors = given.required("anchors", list(anchor))?;
        let mut verifier = match store {
            Some(store) => Verifier::new(anchors, &audience, Shared::of(store))?,
            None => Verifier::new(anchors, &audience, Elsewhere)?,
        };
        for principal in given.required("principals", list(parts::<2>))? {
            let [name, of] = principal;
            verifier = verifier.with_principal(&text(name)?, &key(of)?)?;
        }
        if let Some(form) = given.optional("approvals", bytes)? {
            verifier = verifier.with_approvals(approval::policy(&form)?);
        }
        if let Some(form) = given.optional("identities", bytes)? {
            verifier = verifier.with_identities(identity::policy(&form)?);
        }
        Ok(match state {
            Some(state) => verifier.with_trust_state(state.shared()),
            None => verifier,
        })
    };
    make().map(External::new).map_err(thrown)
}

/// An anchor from a tape of `{name, key, mayImpersonate, tools, maxLifetime, maxDepth}`.
fn anchor(form: Value) -> deputize::Result<TrustAnchor> {
    let mut given = Fields::read(&bytes(form)?)?;
    let anchor = TrustAnchor::new(&given.required("name", text)?, &given.required("key", key)?)?;
    let depth = |value| u8::try_from(number(value)?).map_err(|_| Error::about(Code::ConfigInvalid, "max_depth: at most 15"));
    let bounds = Bounds {
        tools: given.optional("tools", constraints::tools)?,
        max_lifetime: given.optional("maxLifetime", number)?,
        max_depth: given.optional("maxDepth", depth)?,
    };
    let anchor = anchor.bounded(bounds);
    Ok(if given.flag("mayImpersonate")? { anchor.allow_impersonation() } else { anchor })
}

/// Refuses what is no trust anchor.
#[napi(catch_unwind)]
pub fn anchor_bounds_check(form: BufferSlice) -> Result<()> {
    anchor(Value::Bytes(form.to_vec())).map(drop).map_err(thrown)
}

/// Refuses a name or key that is no trust anchor's.
#[napi(catch_unwind)]
pub fn anchor_check(name: String, key: BufferSlice) -> Result<()> {
    keys::public(&key).and_then(|key| TrustAnchor::new(&name, &key)).map(drop).map_err(thrown)
}

/// Decides about a call: a tape of the arguments, the presentation, the tool, the challenge, the context and the hint. With `commit`, the store in
/// memory is asked; without, the outcome may be one that waits.
#[napi(catch_unwind)]
pub fn decide(verifier: &External<Verifier>, call: BufferSlice, now_ms: Option<f64>, commit: bool) -> Result<Outcome> {
    let mut reader = Reader::new(&call);
    let arguments = reader.map().map_err(thrown)?;
    let parts = [reader.run(), reader.run(), reader.run(), reader.run(), reader.run()];
    let [Ok(presentation), Ok(Run::Text(tool)), Ok(challenge), Ok(context), Ok(hint)] = parts else { return Err(thrown(tape::broken())) };
    let presentation = match presentation {
        Run::None => return Err(thrown(tape::broken())),
        Run::Text(text) => Received::Text(text),
        Run::Bytes(bytes) => Received::Bytes(bytes),
    };
    let challenge = if let Run::Bytes(bytes) = challenge { Some(bytes) } else { None };
    let context = if let Run::Text(text) = context { Some(text) } else { None };
    let hint = if let Run::Text(word) = hint { approval::hint(word) } else { Ok(ToolHint::Unknown) };
    let checked = Arguments::new(arguments).and_then(|arguments| Ok((arguments, hint?, time(now_ms)?)));
    let (arguments, hint, now) = match checked {
        Ok(checked) => checked,
        Err(error) => return Ok(denied(verifier.refuse(tool, error, time_of_record(now_ms)?))),
    };
    let call = Call { tool, arguments: &arguments, challenge, context, hint };
    Ok(if commit {
        verifier.authorize(presentation, &call, now).map_or_else(denied, allowed)
    } else {
        verifier.evaluate(presentation, &call, now).map_or_else(denied, admissible)
    })
}

/// The last step for a store in JavaScript, with its answer: a word, and which operation it is about.
#[napi(catch_unwind)]
pub fn admit(waiting: &mut External<Option<Admissible>>, answer: String, index: f64) -> Result<Outcome> {
    let admissible = waiting.take().ok_or_else(|| thrown(tape::broken()))?;
    Ok(admissible.admit(store::answered(&answer, index)).map_or_else(denied, allowed))
}

/// A denial, with its record, for what JavaScript refused.
#[napi(catch_unwind)]
pub fn refuse(
    verifier: &External<Verifier>,
    tool: String,
    code: String,
    what: String,
    name: String,
    now_ms: Option<f64>,
) -> Result<Outcome> {
    Ok(denied(verifier.refuse(&tool, about(&code, &what, &name), time_of_record(now_ms)?)))
}

/// A verified chain as a tape.
#[napi(catch_unwind)]
pub fn verify_chain(verifier: &External<Verifier>, chain: BufferSlice, now_ms: Option<f64>) -> Result<Buffer> {
    let verified = || {
        let chain = UnverifiedChain::decode(&chain)?;
        verifier.verify_chain(&chain, time(now_ms)?)
    };
    verified().map(|chain| tape::write(&chain_to_value(&chain)).into()).map_err(thrown)
}
