//! A chain as a tree.

use deputize::{Claims, Now, Result, UnverifiedChain};
use serde_json::{Value as Json, json};

use super::words::{self, Difference};
use crate::screen::{Failure, Line, Screen, Style};
use crate::time;

struct Hop {
    claims: Claims,
    difference: Option<Difference>,
}

/// Each token, with how it differs from the one before.
fn hops(chain: &UnverifiedChain) -> Result<Vec<Hop>> {
    let claims = chain.unverified_claims()?;
    let mut hops: Vec<Hop> = Vec::with_capacity(claims.len());
    let mut audience: Option<Vec<String>> = None;
    for own in claims {
        let difference = hops.last().map(|parent| words::difference(&parent.claims, &own, audience.as_deref()));
        audience = own.audience.clone().or(audience);
        hops.push(Hop { claims: own, difference });
    }
    Ok(hops)
}

pub(super) fn json(chain: &UnverifiedChain, now: Now) -> Result<Json> {
    Ok(hops(chain)?.iter().map(|hop| hop_json(hop, now)).collect())
}

fn hop_json(hop: &Hop, now: Now) -> Json {
    let claims = &hop.claims;
    let tools: serde_json::Map<_, _> = claims
        .tools
        .iter()
        .map(|(tool, rules)| {
            let rules = rules
                .iter()
                .map(|(name, constraint, optional)| json!({ "name": name, "must_be": constraint.to_string(), "optional": optional }));
            (tool.to_owned(), rules.collect())
        })
        .collect();
    json!({
        "holder": claims.holder.did_key(), "name": claims.holder_name, "token": claims.id.to_string(), "issuer": claims.issuer,
        "principal": claims.subject, "mode": claims.mode.as_str(), "session": claims.session.to_string(), "task": claims.task.map(|task| task.to_string()),
        "reason": claims.reason, "context": claims.context, "audiences": claims.audience, "tools": tools,
        "issued": claims.issued.to_rfc3339(), "not_before": claims.not_before.map(deputize::Timestamp::to_rfc3339), "expires": claims.expires.to_rfc3339(),
        "seconds_left": claims.expires.secs().saturating_sub(now.secs()), "depth": claims.depth, "max_depth": claims.max_depth,
        "approvals": words::approval_rules(&claims.approvals), "budgets": words::budgets(&claims.budgets), "ignored": claims.ignored,
        "removed": hop.difference.as_ref().map(|difference| &difference.removed), "wider": hop.difference.as_ref().map(|difference| &difference.wider),
    })
}

pub(super) fn show(chain: &UnverifiedChain, screen: &mut Screen<'_>) -> Result<(), Failure> {
    if screen.is_json {
        let value = json!({ "object": "chain", "verified": false, "tokens": json(chain, screen.now)? });
        return screen.json(&value);
    }
    let hops = hops(chain)?;
    if let Some(Hop { claims: root, .. }) = hops.first() {
        let behalf = match root.mode {
            deputize::Mode::OwnBehalf => "on its own behalf".to_owned(),
            deputize::Mode::OnBehalfOf => format!("on behalf of {}", root.subject),
            deputize::Mode::Impersonation => format!("acting AS {}", root.subject),
        };
        let line = Line::styled(Style::Bold, root.issuer.as_deref().unwrap_or("?")).and(Style::Plain, &format!(" issued it, {behalf}"));
        screen.line(&line.and(Style::Dim, &format!("; session {}", root.session)))?;
        if let Some(task) = root.task {
            screen.line(&Line::styled(Style::Dim, &format!("task {task}")))?;
        }
    }
    for (link, hop) in hops.iter().enumerate() {
        let indent = " ".repeat(3 * link);
        let claims = &hop.claims;
        let name = claims.holder_name.as_deref().unwrap_or("(no name)");
        let head = Line::of(&format!("{indent}└─ ")).and(Style::Bold, name).and(Style::Dim, &format!("  {}", claims.holder.did_key()));
        screen.line(&head)?;
        for (label, style, texts) in facts(hop, screen.now) {
            for (at, text) in texts.iter().enumerate() {
                let label = if at == 0 { label } else { "" };
                screen.line(&Line::of(&format!("{indent}   ")).and(Style::Dim, &format!("{label:<9} ")).and(style, text))?;
            }
        }
    }
    Ok(())
}

fn facts(hop: &Hop, now: Now) -> Vec<(&'static str, Style, Vec<String>)> {
    let Hop { claims, difference } = hop;
    let mut tools = Vec::new();
    for (tool, rules) in claims.tools.iter() {
        tools.push(tool.to_owned());
        tools.extend(words::rules(rules).into_iter().map(|rule| format!("  {rule}")));
    }
    if tools.is_empty() {
        tools.push("none".to_owned());
    }
    let from = claims.not_before.map_or(claims.issued, |time| time.max(claims.issued));
    let valid = format!("{} until {} ({})", from.to_rfc3339(), claims.expires.to_rfc3339(), time::left(from, claims.expires, now));
    let hops = claims.max_depth.saturating_sub(claims.depth);
    let optional = |text: &Option<String>| text.iter().cloned().collect::<Vec<_>>();
    let mut facts = vec![
        ("token", Style::Plain, vec![claims.id.to_string()]),
        ("reason", Style::Plain, optional(&claims.reason)),
        ("tools", Style::Plain, tools),
        ("audience", Style::Plain, claims.audience.iter().map(|names| words::audience(Some(names))).collect()),
        ("context", Style::Plain, optional(&claims.context)),
        ("approvals", Style::Plain, words::approval_rules(&claims.approvals)),
        ("budgets", Style::Plain, words::budgets(&claims.budgets)),
        ("valid", Style::Plain, vec![valid]),
        ("depth", Style::Plain, vec![words::handed_on(hops)]),
    ];
    if let Some(Difference { removed, wider }) = difference {
        let removed = if removed.is_empty() { vec!["nothing: it can do what its giver can".to_owned()] } else { removed.clone() };
        facts.push(("removed", Style::Good, removed));
        facts.push(("WIDER", Style::Bad, wider.clone()));
    }
    facts
}
