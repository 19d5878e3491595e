//! Making revocation lists and rotations.

use deputize::{Result, RevocationList, SessionId, SigningKey, Target, Timestamp, TokenId, Value, VerifyingKey, os, rotate};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::errors::{self, thrown};
use crate::fields::{Fields, key, list, number, text};
use crate::grant::system_now;
use crate::{keys, tape};

/// The text form of a target: a kind, and its id or key.
#[napi(catch_unwind)]
pub fn target_text(kind: String, id: BufferSlice) -> errors::Result<String> {
    let target = || {
        Ok(match kind.as_str() {
            "token" => Target::Token(TokenId::try_from_slice(&id)?),
            "key" => Target::Key(keys::public(&id)?),
            "session" => Target::Session(SessionId::try_from_slice(&id)?),
            "task" => Target::Task(deputize::Digest::try_from_slice(&id)?),
            "approval" => Target::Approval(TokenId::try_from_slice(&id)?),
            _ => return Err(tape::broken()),
        })
    };
    target().map(|target: Target| target.to_string()).map_err(thrown)
}

/// Refuses a text that is no target.
#[napi(catch_unwind)]
pub fn target_check(form: String) -> errors::Result<()> {
    Target::from_text(&form).map(drop).map_err(thrown)
}

/// Signs a list of `{sequence, base, epoch, revoke, suspend, pending, activate}` as an authority; fresh for so many seconds.
#[napi(catch_unwind)]
pub fn list_sign(
    signer: &External<SigningKey>,
    authority: String,
    members: BufferSlice,
    ttl: f64,
    now_ms: Option<f64>,
) -> errors::Result<Buffer> {
    let sign = || {
        let signer: &SigningKey = signer;
        listed(&members)?.sign(signer, &authority, ttl as u64, crate::verifier::time(now_ms)?)
    };
    sign().map(Buffer::from).map_err(thrown)
}

/// A list of these members.
pub(crate) fn listed(members: &[u8]) -> Result<RevocationList> {
    let mut given = Fields::read(members)?;
    let sequence = given.required("sequence", number)?;
    let made = match given.optional("base", number)? {
        Some(base) => RevocationList::change(base, sequence),
        None => RevocationList::full(sequence),
    };
    let made = match given.optional("epoch", number)? {
        Some(seconds) => made.epoch(Timestamp::from_secs(seconds)?),
        None => made,
    };
    let target = |value: Value| Target::from_text(&text(value)?);
    let made = made.revoke(given.required("revoke", list(target))?);
    let mut of = |name| -> Result<Vec<VerifyingKey>> { given.required(name, list(key)) };
    Ok(made.suspend(&of("suspend")?).pending(&of("pending")?).activate(&of("activate")?))
}

/// Signs with both keys that the new one follows the old one.
#[napi(catch_unwind)]
pub fn rotation_make(old: &External<SigningKey>, new: &External<SigningKey>, overlap: f64, name: Option<String>) -> errors::Result<Buffer> {
    let (old, new): (&SigningKey, &SigningKey) = (old, new);
    let made = system_now().and_then(|now| rotate(old, new, overlap as u64, name.as_deref(), &mut os::SysRng, now));
    made.map(Buffer::from).map_err(thrown)
}
