//! What travels beside a proof: presentations with evidence, approvals, consents.

use deputize::{Approval, Consent, ConsentGrant, Presentation, Result, SigningKey, VerifyingKey, consent, os};
use napi::bindgen_prelude::{Buffer, BufferSlice, External};
use napi_derive::napi;

use crate::chain::seconds;
use crate::errors::{self, thrown};
use crate::fields::{Fields, bytes, key, list, map, number, text};
use crate::grant::system_now;
use crate::tape;

/// A presentation with more evidence: a tape of a list of bytes.
pub(crate) fn attached(presentation: &Presentation, evidence: &[u8]) -> Result<Presentation> {
    let evidence = list(bytes)(tape::read(evidence)?)?;
    presentation.attach(evidence.iter().map(Vec::as_slice))
}

#[napi(catch_unwind)]
pub fn presentation_decode(encoding: BufferSlice) -> errors::Result<External<Presentation>> {
    Presentation::decode(&encoding).map(External::new).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn presentation_from_text(encoding: String) -> errors::Result<External<Presentation>> {
    Presentation::from_text(&encoding).map(External::new).map_err(thrown)
}

/// The bytes of the chain, which nobody has checked.
#[napi(catch_unwind)]
pub fn presentation_chain(presentation: &External<Presentation>) -> errors::Result<Buffer> {
    presentation.unverified_chain().map(|chain| chain.encode().to_vec().into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn presentation_bytes(presentation: &External<Presentation>) -> Buffer {
    presentation.encode().to_vec().into()
}

#[napi(catch_unwind)]
pub fn presentation_text(presentation: &External<Presentation>) -> String {
    presentation.to_text()
}

#[napi(catch_unwind)]
pub fn presentation_attach(presentation: &External<Presentation>, evidence: BufferSlice) -> errors::Result<External<Presentation>> {
    attached(presentation, &evidence).map(External::new).map_err(thrown)
}

/// The bytes of an approval from its text form.
#[napi(catch_unwind)]
pub fn approval_from_text(encoding: String) -> errors::Result<Buffer> {
    Approval::from_text(&encoding).map(|approval| approval.encode().to_vec().into()).map_err(thrown)
}

/// What an approval says, unverified.
#[napi(catch_unwind)]
pub fn approval_info(encoding: BufferSlice) -> errors::Result<Buffer> {
    let approval = Approval::decode(&encoding).map_err(thrown)?;
    let info = map(vec![
        ("approves", Some(deputize::Value::Bool(approval.approves()))),
        ("approver", Some(deputize::Value::Bytes(approval.approver().as_bytes().to_vec()))),
        ("expires", Some(seconds(approval.expires()))),
        ("id", Some(deputize::Value::Text(approval.id().to_string()))),
        ("request", Some(deputize::Value::Text(approval.request().to_string()))),
    ]);
    Ok(tape::write(&info).into())
}

/// Refuses bytes that are no consent.
#[napi(catch_unwind)]
pub fn consent_check(encoding: BufferSlice) -> errors::Result<()> {
    Consent::decode(&encoding).map(drop).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn consent_from_text(encoding: String) -> errors::Result<Buffer> {
    Consent::from_text(&encoding).map(|consent| consent.encode().to_vec().into()).map_err(thrown)
}

/// Consents, from `{holder, issuer, audience, tools, ttl}`.
#[napi(catch_unwind)]
pub fn consent_make(signer: &External<SigningKey>, principal: String, options: BufferSlice) -> errors::Result<Buffer> {
    let make = || -> Result<Consent> {
        let mut given = Fields::read(&options)?;
        let holder: VerifyingKey = given.required("holder", key)?;
        let (issuer, audience) = (given.required("issuer", text)?, given.required("audience", text)?);
        let grant = ConsentGrant::new(&principal, &holder, &issuer, &audience);
        let grant = match given.optional("tools", list(text))? {
            Some(tools) => grant.tools(tools),
            None => grant,
        };
        let grant = match given.optional("ttl", number)? {
            Some(ttl) => grant.ttl(ttl),
            None => grant,
        };
        let signer: &SigningKey = signer;
        consent(signer, &grant, &mut os::SysRng, system_now()?)
    };
    make().map(|consent| consent.encode().to_vec().into()).map_err(thrown)
}
