//! `deputize inspect`: what an object says. Nothing is verified.

mod chain;
mod words;

use std::path::Path;

use deputize::{
    Approval, ApprovalRequest, AuditEvent, Code, Consent, Error, LogRecord, Now, Presentation, Timestamp, UnverifiedChain,
    UnverifiedIdentity, bytes_from_text, limits, value_to_json,
};
use serde_json::json;

pub(crate) use words::{approval_rules, budgets, rules};

use crate::args::Inspect;
use crate::files::read;
use crate::screen::{Failure, Line, Screen, Style};
use crate::{DONE, time};

/// Bytes of the largest object.
const MOST: usize = limits::MAX_APPROVAL_REQUEST;

pub(crate) fn run(arguments: &Inspect, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let bytes = object(&arguments.token, screen)?;
    // What begins as each object does (specification, encoding.md).
    match (bytes.first(), bytes.get(1)) {
        (Some(0xd2), _) => signed(&bytes, screen)?,
        (Some(0x80..=0x9f), Some(0x80..=0x9f)) => presentation(&bytes, screen)?,
        (Some(0x80..=0x9f), Some(0x01)) => request(&bytes, screen)?,
        _ => {
            let chain = UnverifiedChain::decode(&bytes)?;
            heading("chain", &bytes, "`deputize verify` checks it", screen)?;
            chain::show(&chain, screen)?;
        }
    }
    Ok(DONE)
}

/// The bytes of an object: of its text form, of standard input, or of a file with either.
pub(crate) fn object(token: &str, screen: &mut Screen<'_>) -> Result<Vec<u8>, Error> {
    let path = match (token, token.strip_prefix('@')) {
        ("-", _) => token,
        (_, Some(path)) => path,
        _ => return bytes_from_text(token.trim(), MOST),
    };
    let bytes = read(Path::new(path), MOST * 4 / 3 + 4096, screen)?;
    // No object begins with a byte of ASCII.
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.is_ascii() => bytes_from_text(text.trim(), MOST),
        _ => Ok(bytes),
    }
}

fn heading(what: &str, bytes: &[u8], hint: &str, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if screen.is_json {
        return Ok(());
    }
    screen.line(&Line::styled(Style::Bold, what).and(Style::Dim, &format!(", {} bytes", bytes.len())))?;
    screen.line(&Line::styled(Style::Warn, "NOT VERIFIED").and(Style::Plain, &format!(": anybody can write what follows; {hint}")))
}

fn fields(rows: &[(&str, String)], screen: &mut Screen<'_>) -> Result<(), Failure> {
    let rows: Vec<_> = rows.iter().map(|(name, text)| vec![Line::styled(Style::Dim, name), Line::of(text)]).collect();
    screen.table(&rows)
}

fn presentation(bytes: &[u8], screen: &mut Screen<'_>) -> Result<(), Failure> {
    let presentation = Presentation::decode(bytes)?;
    let (proof, chain) = (presentation.unverified_proof()?, presentation.unverified_chain()?);
    let now = screen.now;
    if screen.is_json {
        screen.json(&json!({
            "object": "presentation", "verified": false, "chain": chain::json(&chain, now)?,
            "proof": {
                "id": proof.id.to_string(), "tool": proof.tool, "arguments_digest": proof.arguments.to_string(), "audience": proof.audience,
                "issued": proof.issued.to_rfc3339(), "expires": proof.expires.to_rfc3339(),
            },
            "evidence": presentation.evidence()?.into_iter().map(|one| evidence_json(one, now)).collect::<Vec<_>>(),
        }))?;
        return Ok(());
    }
    heading("presentation", bytes, "a verifier decides about it, once", screen)?;
    fields(
        &[
            ("calls", proof.tool),
            ("at", proof.audience),
            ("arguments", format!("SHA-256 {}", proof.arguments)),
            ("proof", proof.id.to_string()),
            ("made", format!("{} ({})", proof.issued.to_rfc3339(), time::left(proof.issued, proof.expires, now))),
        ],
        screen,
    )?;
    chain::show(&chain, screen)?;
    for one in presentation.evidence()? {
        screen.text("")?;
        if let Err(Failure::Refused(error)) = signed(one, screen) {
            screen.text(&format!("evidence that cannot be read: {error}"))?;
        }
    }
    Ok(())
}

fn request(bytes: &[u8], screen: &mut Screen<'_>) -> Result<(), Failure> {
    let request = ApprovalRequest::decode(bytes)?;
    if screen.is_json {
        let arguments: serde_json::Map<_, _> = request
            .arguments()
            .iter()
            .filter_map(|(name, value)| Some((name.to_owned(), serde_json::from_str(&value_to_json(value)).ok()?)))
            .collect();
        return screen.json(&json!({
            "object": "approval request", "verified": false, "id": request.id().to_string(), "tool": request.tool(), "arguments": arguments,
            "audience": request.audience(), "context": request.context(), "chain": chain::json(request.chain(), screen.now)?,
        }));
    }
    heading("request for approval", bytes, "an approver reads this text and signs it", screen)?;
    for line in request.to_text().lines() {
        screen.text(line)?;
    }
    chain::show(request.chain(), screen)
}

/// One object with a signature: what the log would record of it.
fn signed(bytes: &[u8], screen: &mut Screen<'_>) -> Result<(), Failure> {
    let (what, json) = signed_json(bytes, screen.now)?;
    if screen.is_json {
        let record: serde_json::Value = serde_json::from_str(&json).unwrap_or_default();
        return screen.json(&json!({ "object": what, "verified": false, "says": said(record) }));
    }
    heading(what, bytes, "a verifier checks it", screen)?;
    let record = LogRecord::from_json(&json)?;
    // Without the time, which is of now.
    let sentence = record.to_sentence();
    screen.text(sentence.split_once(' ').map_or("", |(_, sentence)| sentence))?;
    let optional = [
        ("id", record.id),
        ("request", record.request),
        ("by", record.by),
        ("at", record.audience),
        ("arguments", record.arguments_digest.map(|digest| format!("SHA-256 {digest}"))),
        ("session", record.session),
        ("context", record.context),
        ("state", if what == "identity" { Some(UnverifiedIdentity::decode(bytes)?.state().as_str().to_owned()) } else { None }),
        ("tools", (!record.tools.is_empty()).then(|| record.tools.join(", "))),
        ("until", record.expires.map(|until| with_rest(&until, screen))),
    ];
    let mut rows: Vec<_> = optional.into_iter().filter_map(|(name, text)| Some((name, text?))).collect();
    if what == "identity" {
        let identity = UnverifiedIdentity::decode(bytes)?;
        rows.extend(identity.attributes().map(|(name, value)| ("attribute", format!("{name} = {}", value_to_json(value)))));
    }
    fields(&rows, screen)
}

fn with_rest(until: &str, screen: &Screen<'_>) -> String {
    match Timestamp::from_rfc3339(until) {
        Ok(time) => format!("{until} ({})", time::left(Timestamp::from_secs(0).unwrap_or(time), time, screen.now)),
        Err(_) => until.to_owned(),
    }
}

/// What it is, and the record of it.
type Read = Result<(&'static str, String), Error>;

fn signed_json(bytes: &[u8], now: Now) -> Read {
    let read: [fn(&[u8], Now) -> Read; 3] = [
        |bytes, now| Ok(("approval", AuditEvent::answered(&Approval::decode(bytes)?, now).to_json().to_owned())),
        |bytes, now| Ok(("consent", AuditEvent::consented(&Consent::decode(bytes)?, now)?.to_json().to_owned())),
        |bytes, now| Ok(("identity", AuditEvent::identified(&UnverifiedIdentity::decode(bytes)?, now).to_json().to_owned())),
    ];
    for read in read {
        match read(bytes, now) {
            Err(error) if error.code() == Code::KindMismatch => {}
            answer => return answer,
        }
    }
    Err(Error::about(Code::KindMismatch, "neither an approval, a consent nor an identity"))
}

/// A record without what the log adds.
fn said(mut record: serde_json::Value) -> serde_json::Value {
    if let Some(members) = record.as_object_mut() {
        members.remove("time");
        members.remove("version");
    }
    record
}

fn evidence_json(bytes: &[u8], now: Now) -> serde_json::Value {
    match signed_json(bytes, now) {
        Ok((what, json)) => json!({ "object": what, "says": said(serde_json::from_str(&json).unwrap_or_default()) }),
        Err(error) => crate::screen::error_json(&error),
    }
}
