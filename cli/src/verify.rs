//! `deputize verify`: a chain, without a call.

use deputize::{Code, Error, MemoryStore, Mode, TrustAnchor, UnverifiedChain, Verifier};
use serde_json::json;

use crate::args::Verify;
use crate::files::public_key;
use crate::inspect::{approval_rules, budgets, object, rules};
use crate::screen::{Failure, Line, Screen, Style};
use crate::{DONE, time};

pub(crate) fn run(arguments: &Verify, screen: &mut Screen<'_>) -> Result<u8, Failure> {
    let now = arguments.at.as_deref().map_or(Ok(screen.now), |at| time::given(at).and_then(time::as_now))?;
    let mut anchors = Vec::new();
    for trust in &arguments.trust {
        let (name, key) = trust.split_once('=').ok_or(Error::named(Code::ConfigInvalid, "not NAME=KEY:", trust))?;
        let anchor = TrustAnchor::new(name, &public_key(key, screen)?)?;
        anchors.push(if arguments.may_impersonate { anchor.allow_impersonation() } else { anchor });
    }
    let chain = UnverifiedChain::decode(&object(&arguments.token, screen)?)?;
    let verifier = Verifier::new(anchors, &arguments.audience, MemoryStore::new(1, now)?)?;
    let chain = verifier.verify_chain(&chain, now)?;
    let leaf = chain.leaf();
    let givers: Vec<_> = chain.claims().map(|claims| claims.holder_name.clone().unwrap_or_else(|| claims.holder.did_key())).collect();
    let expires = leaf.expires.to_rfc3339();
    if screen.is_json {
        let tools: serde_json::Map<_, _> = leaf.tools.iter().map(|(tool, own)| (tool.to_owned(), json!(rules(own)))).collect();
        screen.json(&json!({
            "verified": true, "issuer": chain.issuer().name(), "principal": chain.principal(), "mode": leaf.mode.as_str(), "caller": chain.caller(),
            "key": leaf.holder.did_key(), "chain": givers, "audience": arguments.audience, "expires": expires, "tools": tools,
            "approvals": approval_rules(&leaf.approvals), "budgets": budgets(&leaf.budgets), "context": leaf.context,
        }))?;
        return Ok(DONE);
    }
    let whose = match leaf.mode {
        Mode::OwnBehalf => "on its own behalf".to_owned(),
        Mode::OnBehalfOf => format!("for {}", chain.principal()),
        Mode::Impersonation => format!("AS {}", chain.principal()),
    };
    let head = Line::styled(Style::Good, "verified").and(Style::Plain, ": ").and(Style::Bold, &chain.caller());
    let rest = format!(" may call, {whose}, at {}, until {expires} ({}):", arguments.audience, time::left(leaf.issued, leaf.expires, now));
    screen.line(&head.and(Style::Plain, &rest))?;
    let mut rows = Vec::new();
    for (tool, own) in leaf.tools.iter() {
        for (at, rule) in rules(own).iter().enumerate() {
            rows.push(vec![Line::styled(Style::Bold, if at == 0 { tool } else { "" }), Line::of(rule)]);
        }
    }
    if rows.is_empty() {
        rows.push(vec![Line::of("nothing")]);
    }
    screen.table(&rows)?;
    let optional = [
        ("needs approval", approval_rules(&leaf.approvals)),
        ("at most", budgets(&leaf.budgets)),
        ("context", leaf.context.clone().into_iter().collect()),
    ];
    for (label, texts) in optional {
        for text in texts {
            screen.line(&Line::styled(Style::Dim, label).and(Style::Plain, &format!(" {text}")))?;
        }
    }
    screen.line(&Line::styled(Style::Dim, &format!("by way of {} → {}", chain.issuer().name(), givers.join(" → "))))?;
    screen.line(&Line::styled(Style::Dim, &format!("each call takes a proof by {}", leaf.holder.did_key())))?;
    Ok(DONE)
}
