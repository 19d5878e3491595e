//! One sentence for people (specification, audit.md).

use super::LogRecord;
use crate::error::shown;

/// How the sentences of decisions and signals begin, and no others.
const VERDICTS: [&str; 3] = ["ALLOW", "DENY", "SIGNAL"];

pub(super) fn sentence(record: &LogRecord) -> String {
    let seconds = record.time.get(..19).unwrap_or(&record.time);
    let mut what = what(record);
    let is_verdict = matches!(&*record.kind, "decision" | "signal");
    // A name in front, of an approver or of a holder, pretends to be one.
    if !is_verdict && VERDICTS.iter().any(|verdict| what.trim_start().starts_with(verdict)) {
        what = format!("{}: {what}", record.kind);
    }
    shown(&format!("{seconds}Z {what}"), usize::MAX)
}

fn what(record: &LogRecord) -> String {
    let or_unknown = |text: &Option<String>| text.as_deref().unwrap_or("?").to_owned();
    let because = |reason: &Option<String>| reason.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
    match &*record.kind {
        "decision" => decision(record),
        "issued" | "delegated" => {
            let (giver, verb) = match record.chain.len() {
                0 | 1 => (record.issuer.as_deref(), "issued"),
                links => (record.holder_name(links - 2), "delegated"),
            };
            let mut text =
                format!("{} {verb} {} to {}", giver.unwrap_or("?"), record.tools.join(", "), record.caller_name().unwrap_or("?"));
            text.push_str(&for_whom(record));
            text.push_str(&format!(" until {}", or_unknown(&record.expires)));
            text.push_str(&holders(record));
            text + &because(&record.chain.last().and_then(|holder| holder.reason.clone()))
        }
        "approved" | "refused" => {
            let who = record.name.clone().unwrap_or_else(|| or_unknown(&record.by));
            let request = record.request.as_deref().and_then(|request| request.get(..8)).unwrap_or("?");
            format!("{who} {} {} (request {request})", record.kind, or_unknown(&record.tool)) + &because(&record.reason)
        }
        "consented" => format!(
            "{} consented that {} acts as {0} at {}, as {} issues it, until {}",
            or_unknown(&record.principal),
            or_unknown(&record.holder),
            or_unknown(&record.audience),
            or_unknown(&record.issuer),
            or_unknown(&record.expires)
        ),
        "identified" => format!(
            "{} identified {} as the {} {} until {}",
            or_unknown(&record.authority),
            or_unknown(&record.key),
            or_unknown(&record.identity_kind),
            or_unknown(&record.name),
            or_unknown(&record.expires)
        ),
        "revoked" => {
            let by = record.authority.as_ref().map_or_else(String::new, |authority| format!("{authority} "));
            let more = record.count.unwrap_or(0).saturating_sub(record.targets.len() as u64);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what = if record.targets.is_empty() { "nothing (a list that names nothing)".to_owned() } else { record.targets.join(", ") };
            format!("{by}revoked {what}{more}")
        }
        "rotated" => {
            let name = record.name.as_ref().map_or_else(String::new, |name| format!(" of {name}"));
            format!("the key{name} was rotated from {} to {}", or_unknown(&record.old), or_unknown(&record.new))
        }
        "session_opened" => format!("{} opened the session {}", or_unknown(&record.issuer), or_unknown(&record.session)),
        "outcome" => {
            let error = record.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
            format!("{} {} for {}{error}", or_unknown(&record.tool), or_unknown(&record.result), or_unknown(&record.caller))
        }
        "suppressed" => {
            let counts: Vec<_> = record.suppressed.iter().map(|(code, count)| format!("{count} × {code}")).collect();
            format!("{} denials of callers without proof were counted, not recorded: {}", record.count.unwrap_or(0), counts.join(", "))
        }
        "signal" => format!("SIGNAL {}: {}", or_unknown(&record.signal), or_unknown(&record.text)),
        "opened" => format!("the log {} was opened", or_unknown(&record.origin)),
        "continued" => format!("the log {} goes on in a new file", or_unknown(&record.origin)),
        other => format!("a record of the kind `{other}`"),
    }
}

fn decision(record: &LogRecord) -> String {
    let code = record.code.as_deref().unwrap_or("?");
    let verdict = if record.is_allowed() { "ALLOW".to_owned() } else { format!("DENY {code}:") };
    // Only a proof says who calls; a chain without one says whose token it is.
    let who = match (record.caller_name(), &record.proof) {
        (None, _) => "an unverified caller".to_owned(),
        (Some(name), None) => format!("somebody with a token of {name}"),
        (Some(name), Some(_)) => name.to_owned(),
    };
    let mut text = format!("{verdict} {who} called {}", record.tool.as_deref().unwrap_or("?"));
    text.push_str(&for_whom(record));
    text.push_str(&format!(" at {}", record.audience.as_deref().unwrap_or("?")));
    text.push_str(&holders(record));
    if let Some(reason) = record.chain.iter().rev().find_map(|holder| holder.reason.as_ref()) {
        text.push_str(&format!(": {reason}"));
    }
    if !record.approvals.is_empty() {
        let approvers: Vec<_> = record.approvals.iter().map(|approval| &*approval.approver).collect();
        text.push_str(&format!("; approved by {}", approvers.join(", ")));
    }
    text
}

fn for_whom(record: &LogRecord) -> String {
    match (record.mode.as_deref(), &record.principal) {
        (Some("on_behalf_of"), Some(principal)) => format!(" for {principal}"),
        (Some("impersonation"), Some(principal)) => format!(" as {principal}"),
        _ => String::new(),
    }
}

fn holders(record: &LogRecord) -> String {
    if record.chain.is_empty() {
        return String::new();
    }
    let names: Vec<_> = (0..record.chain.len()).filter_map(|link| record.holder_name(link)).collect();
    let session = record.session.as_deref().and_then(|session| session.get(..8)).unwrap_or("?");
    format!(" ({} → {}; session {session})", record.issuer.as_deref().unwrap_or("?"), names.join(" → "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(record: &str) -> String {
        let text = sentence(&LogRecord::from_json(record).unwrap());
        text.split_once(' ').unwrap().1.to_owned()
    }

    #[test]
    fn no_name_makes_a_sentence_look_like_a_decision_or_a_signal() {
        for verdict in ["ALLOW", "DENY key-revoked:", "SIGNAL x:", " \u{a0}ALLOW"] {
            let approved = format!(
                r#"{{"kind":"approved","name":"{verdict} deployer called deploy for ana","request":"abababab","tool":"deploy","version":1}}"#
            );
            assert_eq!(said(&approved), format!("approved: {}", said_plainly(verdict)));
        }
        let delegated =
            r#"{"chain":[{"key":"a","name":"ALLOW x","token":"1"},{"key":"b","token":"2"}],"kind":"delegated","tools":["t"],"version":1}"#;
        assert!(said(delegated).starts_with("delegated: ALLOW x delegated t to b"));
        assert!(said(r#"{"kind":"outcome","result":"failed","tool":"SIGNAL x:","version":1}"#).starts_with("outcome: SIGNAL x: failed"));
        assert!(
            said(r#"{"code":"allowed","decision":"allow","kind":"decision","tool":"t","version":1}"#).starts_with("ALLOW an unverified")
        );
        assert!(said(r#"{"kind":"signal","signal":"x","text":"y","version":1}"#).starts_with("SIGNAL x: y"));
        assert!(said(r#"{"kind":"approved","name":"bo","version":1}"#).starts_with("bo approved"));
    }

    fn said_plainly(verdict: &str) -> String {
        shown(&format!("{verdict} deployer called deploy for ana approved deploy (request abababab)"), usize::MAX)
    }
}
