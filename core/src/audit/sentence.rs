//! One sentence for people.

use super::AuditRecord;
use crate::claims::Mode;
use crate::error::shown;

pub(super) fn sentence(record: &AuditRecord) -> String {
    let time = record.time.to_rfc3339();
    let verdict = match record.code() {
        None => "ALLOW".to_owned(),
        Some(code) => format!("DENY {}:", code.as_str()),
    };
    // Only a proof says who calls; a chain without one says whose token it is.
    let who = match (&record.chain, &record.proof) {
        (None, _) => "an unverified caller".to_owned(),
        (Some(_), None) => format!("somebody with a token of {}", record.caller()),
        (Some(_), Some(_)) => record.caller(),
    };
    let mut text = format!("{}Z {verdict} {who} called {}", &time[..19], record.tool);
    if let Some(chain) = &record.chain {
        match chain.leaf().mode {
            Mode::OwnBehalf => {}
            Mode::OnBehalfOf => text.push_str(&format!(" for {}", chain.principal())),
            Mode::Impersonation => text.push_str(&format!(" as {}", chain.principal())),
        }
    }
    text.push_str(&format!(" at {}", record.audience));
    if let Some(chain) = &record.chain {
        let holders: Vec<String> = chain.claims().enumerate().map(|(link, claims)| record.holder(link, claims)).collect();
        let session = chain.leaf().session.to_string();
        text.push_str(&format!(" ({} → {}; session {})", chain.issuer().name(), holders.join(" → "), &session[..8]));
        if let Some(reason) = chain.claims().rev().find_map(|claims| claims.reason.as_ref()) {
            text.push_str(&format!(": {reason}"));
        }
    }
    if !record.approvals.is_empty() {
        let approvers: Vec<String> = record.approvals.iter().map(|approval| approval.approver.did_key()).collect();
        text.push_str(&format!("; approved by {}", approvers.join(", ")));
    }
    shown(&text, usize::MAX)
}
