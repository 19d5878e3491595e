//! The page.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deputize::{Code, Now};
use sha2::{Digest as _, Sha256};

use super::Integrity;
use super::chart::readable;
use super::gather::{Agent, Facts, Headline, Latest};
use super::graph::short;
use super::html::Html;
use crate::audit::{KEEP, entries_of, place};
use crate::time::span;

const STYLE: &str = include_str!("style.css");
/// Agents and codes that are listed.
const LISTED: usize = 100;

pub(super) fn page(facts: &Facts, integrity: &Integrity, root: Option<&str>, now: Now) -> String {
    let mut page = Html::default();
    // Nothing is loaded and nothing runs: the one style is known by its hash.
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-");
    page.plain(&hash)
        .raw("'; base-uri 'none'; form-action 'none'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    page.raw("Audit report of ").plain(origin(facts)).raw("</title>\n<style>").raw(STYLE).raw("</style>\n</head>\n<body>\n<main>\n");
    page.raw("<header><p class=\"kicker\">Audit report</p><h1>").text(origin(facts)).raw("</h1><p class=\"when\">");
    page.text(&readable(facts.first.as_deref().unwrap_or("no entries"))).raw(" – ").text(&readable(&facts.last)).raw(" UTC</p></header>\n");
    headline(&mut page, facts);
    banner(&mut page, facts, integrity);
    numbers(&mut page, facts);
    page.raw("<section><h2>Calls over time</h2>");
    facts.chart.draw(&mut page);
    page.raw("</section>\n<section><h2>Who gave what to whom</h2>");
    facts.graph.draw(&mut page);
    page.raw("</section>\n");
    signals(&mut page, facts);
    revocations(&mut page, facts);
    agents(&mut page, facts);
    codes(&mut page, facts);
    approvals(&mut page, facts);
    latest(&mut page, facts);
    footer(&mut page, facts, integrity, root, now);
    page.raw("</main>\n</body>\n</html>\n");
    page.finish()
}

fn origin(facts: &Facts) -> &str {
    facts.origin.as_deref().unwrap_or("a log without a name")
}

/// What somebody who reads one line has to know.
fn headline(page: &mut Html, facts: &Facts) {
    page.raw("<section class=\"headline\">");
    let Some(Headline { sequence, record, arguments, result }) = &facts.headline else {
        page.raw("<p class=\"lead\">No call was allowed.</p></section>\n");
        return;
    };
    page.raw("<p class=\"lead\"><strong>")
        .text(record.caller_name().unwrap_or("?"))
        .raw("</strong> called <strong class=\"tool\">")
        .text(record.tool.as_deref().unwrap_or("?"))
        .raw("</strong>");
    match (record.mode.as_deref(), &record.principal) {
        (Some("impersonation"), Some(principal)) => page.raw(" acting as <strong>").text(principal).raw("</strong>"),
        (Some("own_behalf"), _) => page.raw(" on its own behalf"),
        (_, Some(principal)) => page.raw(" on behalf of <strong>").text(principal).raw("</strong>"),
        _ => page,
    };
    if !record.approvals.is_empty() {
        page.raw(", approved by ");
        for (at, approval) in record.approvals.iter().enumerate() {
            page.raw(if at == 0 {
                ""
            } else if at + 1 == record.approvals.len() {
                " and "
            } else {
                ", "
            });
            page.raw("<strong>").text(approval.name.as_deref().unwrap_or(&short(&approval.approver))).raw("</strong>");
        }
    }
    page.raw(".</p><p class=\"sub\">");
    match result.as_deref() {
        Some("succeeded") => page.raw("<span class=\"badge allow\">succeeded</span> "),
        Some("failed") => page.raw("<span class=\"badge deny\">failed</span> "),
        _ => page.raw("<span class=\"badge open\">no outcome recorded</span> "),
    };
    page.plain(&readable(&record.time)).raw(" UTC, entry ").number(*sequence);
    if let Some(reason) = record.chain.iter().rev().find_map(|holder| holder.reason.as_ref()) {
        page.raw(", reason: “").text(reason).raw("”");
    }
    if let Some(arguments) = arguments {
        page.raw(", with <code>").text(arguments).raw("</code>");
    }
    page.raw("</p><p class=\"path\"><span class=\"sr\">By way of: </span><span class=\"chip issuer\">")
        .text(record.issuer.as_deref().unwrap_or("?"))
        .raw("</span>");
    for link in 0..record.chain.len() {
        page.raw(" <span class=\"arrow\">→</span> <span class=\"chip\">").text(record.holder_name(link).unwrap_or("?")).raw("</span>");
    }
    page.raw(" <span class=\"arrow\">→</span> <span class=\"chip tool\">").text(record.tool.as_deref().unwrap_or("?")).raw("</span></p>");
    let which = if record.approvals.is_empty() { "calls that were allowed." } else { "calls that took the most approvals." };
    page.raw("<p class=\"note\">The latest of the ").raw(which).raw("</p></section>\n");
}

fn entries_hold(count: u64) -> String {
    format!("{} {} together", entries_of(count), if count == 1 { "holds" } else { "hold" })
}

fn banner(page: &mut Html, facts: &Facts, integrity: &Integrity) {
    match integrity {
        Integrity::Anchored { size, from, is_signed, is_beside } => {
            page.raw("<section class=\"banner good\"><strong>Whole and anchored.</strong> ");
            page.plain(&format!("{}, as ", entries_hold(facts.entries)));
            page.raw(if *is_signed { "the signed checkpoint " } else { "the checkpoint " }).text(from).raw(" says");
            if *size < facts.entries {
                page.raw(" of the first ").number(*size).raw("; those after it are not anchored yet");
            }
            page.raw(".");
            if !is_signed {
                page.raw(" Its signature was not checked: whoever made this page vouches for it.");
            }
            if *is_beside {
                page.raw(" It lies beside the log: who can change both can go back to older ones.");
            }
        }
        Integrity::Unanchored => {
            page.raw("<section class=\"banner warn\"><strong>Unanchored.</strong> ").plain(&entries_hold(facts.entries));
            page.raw(", but nothing shows that the log was not cut or written anew. To know: ").plain(KEEP).raw(".");
        }
        Integrity::Broken(error) => {
            page.raw("<section class=\"banner bad\"><strong>Broken ").plain(&place(error)).raw(".</strong> ");
            page.plain(&error.to_string())
                .raw(". ")
                .plain(&error.help())
                .raw(". This page tells of what was read before that was found: ")
                .plain(&entries_of(facts.entries))
                .raw(".");
        }
    }
    page.raw("</section>\n");
}

fn numbers(page: &mut Html, facts: &Facts) {
    page.raw("<section class=\"numbers\"><h2 class=\"sr\">In numbers</h2><dl>");
    let agents = facts.agents.values().filter(|agent| agent.allowed + agent.denied > 0).count() as u64;
    for (class, label, number) in [
        ("allow", "allowed", facts.allowed),
        ("deny", "denied", facts.denied.saturating_add(facts.suppressed)),
        ("", "agents called", agents),
        ("", "approvals", facts.approvals.all),
        ("", "revocations", facts.revoked.all),
        ("", "signals", facts.signals.all),
        ("", "without an outcome", facts.open()),
    ] {
        page.raw("<div class=\"").raw(class).raw("\"><dt>").raw(label).raw("</dt><dd>").number(number).raw("</dd></div>");
    }
    page.raw("</dl>");
    if facts.unproven.saturating_add(facts.suppressed) > 0 {
        page.raw("<p class=\"note\">")
            .number(facts.unproven.saturating_add(facts.suppressed))
            .raw(" of the denials: by callers without a proof, so nobody can be blamed.");
        if facts.suppressed > 0 {
            page.raw(" ").number(facts.suppressed).raw(" of them were counted and not recorded one by one.");
        }
        page.raw("</p>");
    }
    page.raw("</section>\n");
}

pub(super) fn table(page: &mut Html, heads: &[&'static str]) {
    page.raw("<table><thead><tr>");
    for head in heads {
        page.raw("<th scope=\"col\">").raw(head).raw("</th>");
    }
    page.raw("</tr></thead><tbody>");
}

/// A cell, which on a small screen has its heading in front.
pub(super) fn cell<'a>(page: &'a mut Html, head: &'static str) -> &'a mut Html {
    page.raw("<td data-head=\"").raw(head).raw("\">")
}

fn left_out<T>(page: &mut Html, latest: &Latest<T>) {
    let shown = latest.rows.len() as u64;
    if shown < latest.all {
        page.raw("<p class=\"note\">The latest ").number(shown).raw(" of ").number(latest.all).raw(".</p>");
    }
}

fn signals(page: &mut Html, facts: &Facts) {
    if facts.signals.all == 0 {
        return;
    }
    page.raw("<section><h2>Signals</h2>");
    table(page, &["time", "signal", "what it says", "entry"]);
    for signal in facts.signals.rows.iter().rev() {
        let record = &signal.record;
        cell(page.raw("<tr>"), "time").plain(&readable(&record.time)).raw("</td>");
        cell(page, "signal").raw("<span class=\"badge warn\">").text(record.signal.as_deref().unwrap_or("?")).raw("</span></td>");
        cell(page, "what it says").sentence(record.text.as_deref().unwrap_or("")).raw("</td>");
        cell(page, "entry").number(record.entry.unwrap_or(signal.sequence)).raw("</td></tr>");
    }
    page.raw("</tbody></table>");
    left_out(page, &facts.signals);
    page.raw("</section>\n");
}

fn revocations(page: &mut Html, facts: &Facts) {
    if facts.revoked.all == 0 {
        return;
    }
    page.raw("<section><h2>Revocations</h2>");
    table(page, &["time", "what", "by", "time to detect", "time to revoke", "first refused use"]);
    for row in facts.revoked.rows.iter().rev() {
        cell(page.raw("<tr>"), "time").plain(&readable(&row.time)).raw(" <small>entry ").number(row.sequence).raw("</small></td>");
        cell(page, "what");
        match &row.name {
            Some(name) if !name.is_empty() => {
                page.raw("<strong>").text(name).raw("</strong> <small>").cut(&kind_of(&row.target), 40).raw("</small>")
            }
            _ => page.text(&row.target),
        };
        if row.more > 0 {
            page.raw(" and ").number(row.more).raw(" more");
        }
        cell(page.raw("</td>"), "by").text(row.by.as_deref().unwrap_or("?")).raw("</td>");
        for (head, after, millis) in
            [("time to detect", "", row.to_detect), ("time to revoke", "", row.to_revoke), ("first refused use", " later", row.to_refuse)]
        {
            cell(page, head);
            match millis {
                Some(millis) => page.plain(&span(millis)).raw(after),
                None => page.raw("–"),
            };
            page.raw("</td>");
        }
        page.raw("</tr>");
    }
    page.raw("</tbody></table>");
    left_out(page, &facts.revoked);
    page.raw("<p class=\"note\">Detection and revocation count from the agent’s first denied call of the incident; denials more than an hour apart are different incidents, and calls that only lacked approvals are none. A dash: the log does not say.</p></section>\n");
}

/// `key …x`, `suspended key …x`, `token …x`.
fn kind_of(target: &str) -> String {
    match target.split_once(':') {
        Some((kind, id)) => format!("{kind} {}", short(id)),
        None => target.to_owned(),
    }
}

fn agents(page: &mut Html, facts: &Facts) {
    page.raw("<section><h2>Agents</h2>");
    let mut agents: Vec<(&String, &Agent)> = facts.agents.iter().collect();
    agents.sort_by(|(key, agent), (other_key, other)| {
        (other.allowed + other.denied).cmp(&(agent.allowed + agent.denied)).then(key.cmp(other_key))
    });
    if agents.is_empty() {
        page.raw("<p class=\"empty\">The log names none.</p></section>\n");
        return;
    }
    table(page, &["agent", "for", "allowed", "denied", "tools", "why denied", "last call"]);
    for (key, agent) in agents.iter().take(LISTED) {
        cell(page.raw("<tr>"), "agent")
            .raw("<strong>")
            .text(&agent.name)
            .raw("</strong> <small class=\"id\">")
            .plain(&short(key))
            .raw("</small>");
        if agent.is_revoked {
            page.raw(" <span class=\"badge deny\">revoked</span>");
        }
        cell(page.raw("</td>"), "for").text(agent.principal.as_deref().unwrap_or("")).raw("</td>");
        cell(page, "allowed").raw("<span class=\"allow\">").number(agent.allowed).raw("</span></td>");
        cell(page, "denied")
            .raw(if agent.denied > 0 { "<span class=\"deny\">" } else { "<span>" })
            .number(agent.denied)
            .raw("</span></td>");
        cell(page, "tools");
        some(page, agent.tools.iter());
        cell(page.raw("</td>"), "why denied");
        some(page, agent.codes.iter());
        cell(page.raw("</td>"), "last call").plain(&readable(&agent.last)).raw("</td></tr>");
    }
    page.raw("</tbody></table>");
    if agents.len() > LISTED {
        page.raw("<p class=\"note\">Those with the most calls, ").number(LISTED).raw(" of ").number(agents.len()).raw(".</p>");
    }
    page.raw("</section>\n");
}

/// The names with the highest counts.
pub(super) fn some<'a>(page: &mut Html, counts: impl Iterator<Item = (&'a String, &'a u64)>) {
    let mut counts: Vec<_> = counts.collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (at, (name, count)) in counts.iter().take(4).enumerate() {
        page.raw(if at == 0 { "" } else { ", " }).text(name).raw(" <small>×").number(**count).raw("</small>");
    }
    if counts.len() > 4 {
        page.raw(", …");
    }
}

fn codes(page: &mut Html, facts: &Facts) {
    page.raw("<section><h2>Decisions by code</h2>");
    let mut codes: Vec<_> = facts.codes.iter().collect();
    codes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let most = codes.first().map_or(1, |(_, count)| **count).max(1);
    let all = codes.iter().fold(1, |all: u64, (_, count)| all.saturating_add(**count)).saturating_sub(1).max(1);
    table(page, &["code", "calls", "share", "what it means"]);
    for (code, count) in codes.iter().take(LISTED) {
        let known = Code::ALL.iter().find(|known| known.as_str() == **code);
        let class = if *code == "allowed" { "allow" } else { "deny" };
        cell(page.raw("<tr>"), "code").raw("<code>").text(code).raw("</code></td>");
        cell(page, "calls")
            .raw("<span class=\"")
            .raw(class)
            .raw("\">")
            .number(**count)
            .raw("</span> <svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"");
        page.raw(class)
            .raw("\" x=\"0\" y=\"0\" height=\"8\" width=\"")
            .number((count.saturating_mul(100) / most).max(1))
            .raw("\"/></svg></td>");
        let share = count.saturating_mul(1000) / all;
        cell(page, "share").number(share / 10).raw(".").number(share % 10).raw(" %</td>");
        cell(page, "what it means")
            .raw(known.map_or(if *code == "allowed" { "every check passed" } else { "" }, |known| known.summary()))
            .raw("</td></tr>");
    }
    page.raw("</tbody></table></section>\n");
}

fn approvals(page: &mut Html, facts: &Facts) {
    if facts.approvals.all == 0 {
        return;
    }
    page.raw("<section><h2>Approvals</h2>");
    table(page, &["time", "approver", "said", "tool", "reason", "counted for"]);
    for approval in facts.approvals.rows.iter().rev() {
        let record = &approval.record;
        let by = record.by.as_deref().map(short).unwrap_or_default();
        cell(page.raw("<tr>"), "time").plain(&readable(&record.time)).raw(" <small>entry ").number(approval.sequence).raw("</small></td>");
        cell(page, "approver")
            .raw("<strong>")
            .text(record.name.as_deref().unwrap_or("no name"))
            .raw("</strong> <small class=\"id\">")
            .plain(&by)
            .raw("</small></td>");
        let class = if record.kind == "approved" { "<span class=\"badge allow\">yes" } else { "<span class=\"badge deny\">no" };
        cell(page, "said").raw(class).raw("</span></td>");
        cell(page, "tool").text(record.tool.as_deref().unwrap_or("?")).raw("</td>");
        cell(page, "reason").text(record.reason.as_deref().unwrap_or("")).raw("</td>");
        cell(page, "counted for");
        match approval.used {
            Some(sequence) => page.raw("entry ").number(sequence),
            None => page.raw("–"),
        };
        page.raw("</td></tr>");
    }
    page.raw("</tbody></table>");
    left_out(page, &facts.approvals);
    page.raw("</section>\n");
}

fn latest(page: &mut Html, facts: &Facts) {
    page.raw("<section><h2>Timeline</h2>");
    left_out(page, &facts.latest);
    page.raw("<ol class=\"timeline\">");
    for row in facts.latest.rows.iter().rev() {
        page.raw("<li class=\"")
            .raw(row.kind)
            .raw("\"><span class=\"at\"><small>")
            .number(row.sequence)
            .raw("</small> ")
            .plain(&readable(&row.time))
            .raw("</span> ");
        let (first, rest) = match row.kind {
            "allow" | "deny" if row.sentence.starts_with(['A', 'D']) => row.sentence.split_once(' ').unwrap_or(("", &row.sentence)),
            _ => ("", &*row.sentence),
        };
        if !first.is_empty() {
            page.raw("<span class=\"badge ").raw(row.kind).raw("\">").plain(first).raw("</span> ");
        }
        page.raw("<span>").sentence(rest);
        if let Some(arguments) = row.arguments.as_ref().filter(|arguments| *arguments != "{}") {
            page.raw(" <code>").text(arguments).raw("</code>");
        }
        page.raw("</span></li>");
    }
    page.raw("</ol></section>\n");
}

fn footer(page: &mut Html, facts: &Facts, integrity: &Integrity, root: Option<&str>, now: Now) {
    page.raw("<footer><p>Made by deputize ")
        .raw(env!("CARGO_PKG_VERSION"))
        .raw(" on ")
        .plain(&readable(&now.to_rfc3339()))
        .raw(" UTC from ")
        .plain(&entries_of(facts.entries));
    page.raw(", ").raw(integrity.state());
    if let Some(root) = root {
        page.raw(", root <code>").plain(root).raw("</code>");
    }
    page.raw(". Names of agents are those that their givers or their identities gave them; reasons are the words of whoever wrote them. To check the log itself: <code>deputize audit verify</code>.</p></footer>\n");
}
