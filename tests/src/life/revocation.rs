//! Bounds of trust anchors, and what is revoked in a verifier's store.

use super::{in_task, mark};
use crate::forge::{bytes, public};
use crate::scenarios::{Scenario, constraint, scenario, scenarios, texts};
use crate::vector::{Anchor, Bound, Bounds, Config, hex};

fn bounded(config: &mut Config, bounds: Bounds) {
    config.anchors[0].bounds = Some(bounds);
}

/// An issuer is known before anything of its own is closed.
fn trusting_eve(config: &mut Config) {
    config.anchors.push(Anchor { name: "eve".into(), key: hex(&public(66)), may_impersonate: false, bounds: None });
}

fn tools(repos: &[&str]) -> Bounds {
    let bound = |constraint| Bound { constraint: hex(&bytes(&constraint)), optional: false };
    let arguments = [("repo".into(), bound(constraint(3, &[texts(repos)]))), ("labels".into(), bound(constraint(0, &[])))];
    Bounds { tools: Some([("github.update_pr".into(), arguments.into())].into()), ..Bounds::default() }
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "allow-within-the-bounds-of-the-anchor", "a root at the edge of what its trust anchor may give" => None, None, |s| {
            s.config = |c| bounded(c, Bounds { max_lifetime: Some(3600), max_depth: Some(3), ..tools(&["acme/app", "acme/web"]) });
        }
        "deny-a-root-that-lives-too-long-for-its-anchor", "a trust anchor may give so many seconds" => Some("anchor-exceeded"), Some(0), |s| {
            s.config = |c| bounded(c, Bounds { max_lifetime: Some(3599), ..Bounds::default() });
        }
        "deny-a-root-that-is-too-deep-for-its-anchor", "a trust anchor may let delegate so often" => Some("anchor-exceeded"), Some(0), |s| {
            s.config = |c| bounded(c, Bounds { max_depth: Some(2), ..Bounds::default() });
        }
        "deny-a-tool-that-the-anchor-may-not-give", "a trust anchor may give some tools" => Some("anchor-exceeded"), Some(0), |s| {
            s.config = |c| bounded(c, Bounds { tools: Some([("deploy".into(), [].into())].into()), ..Bounds::default() });
        }
        "deny-arguments-that-the-anchor-may-not-give", "the whole root is judged, and not only the call" => Some("anchor-exceeded"), Some(0), |s| {
            s.config = |c| bounded(c, tools(&["acme/app"]));
        }
        "deny-narrowing-after-bounds", "the bounds come first" => Some("anchor-exceeded"), Some(0), |s| {
            s.child_capability = |c| { c.set(3, 4); };
            s.config = |c| bounded(c, Bounds { max_depth: Some(2), ..Bounds::default() });
        }

        "deny-session-closed", "a closed session stops everything in it" => Some("session-closed"), None, |s| {
            s.config = |c| c.revoked = vec![mark("session", &[0xa0; 16], Some("ana"), None)];
        }
        "allow-where-another-session-was-closed", "a session is known by its whole id" => None, None, |s| {
            s.config = |c| c.revoked = vec![mark("session", &[[0xa0; 15].as_slice(), &[0xa1]].concat(), Some("ana"), None)];
        }
        "allow-where-another-issuers-session-was-closed", "an issuer closes its own sessions" => None, None, |s| {
            s.config = |c| { trusting_eve(c); c.revoked = vec![mark("session", &[0xa0; 16], Some("eve"), None)]; };
        }
        "deny-task-closed", "a closed task stops everything for it" => Some("task-closed"), None, |s| {
            s.root_capability = in_task;
            s.child_capability = in_task;
            s.config = |c| c.revoked = vec![mark("task", &[0x77; 32], Some("ana"), None)];
        }
        "allow-in-a-task", "a task that was not closed" => None, None, |s| {
            s.root_capability = in_task;
            s.child_capability = in_task;
            s.config = |c| {
                trusting_eve(c);
                c.revoked = vec![mark("task", &[0x77; 32], Some("eve"), None), mark("task", &[0x78; 32], Some("ana"), None)];
            };
        }
        "deny-session-before-task", "the session is looked at first" => Some("session-closed"), None, |s| {
            s.root_capability = in_task;
            s.child_capability = in_task;
            s.config = |c| c.revoked = vec![mark("task", &[0x77; 32], Some("ana"), None), mark("session", &[0xa0; 16], Some("ana"), None)];
        }
        "deny-root-revoked", "a revoked token takes everything below it along" => Some("token-revoked"), Some(0), |s| {
            s.config = |c| c.revoked = vec![mark("token", &[0x11; 16], None, None)];
        }
        "deny-leaf-revoked", "a revoked leaf" => Some("token-revoked"), Some(1), |s| {
            s.config = |c| c.revoked = vec![mark("token", &[0x22; 16], None, None)];
        }
        "allow-where-a-sibling-was-revoked", "an id is revoked, and no other" => None, None, |s| {
            s.config = |c| c.revoked = vec![mark("token", &[0x23; 16], None, None), mark("token", &[0x33; 16], None, None)];
        }
        "deny-issuers-key-revoked", "a revoked trust anchor issues nothing" => Some("key-revoked"), Some(0), |s| {
            s.config = |c| c.revoked = vec![mark("key", &public(1), None, None)];
        }
        "deny-planners-key-revoked", "a revoked key delegates nothing" => Some("key-revoked"), Some(0), |s| {
            s.config = |c| c.revoked = vec![mark("key", &public(2), None, None)];
        }
        "deny-coders-key-revoked", "a revoked key calls nothing" => Some("key-revoked"), Some(1), |s| {
            s.config = |c| c.revoked = vec![mark("key", &public(3), None, None)];
        }
        "allow-where-anothers-key-was-revoked", "a key is revoked, and no other" => None, None, |s| {
            s.config = |c| c.revoked = vec![mark("key", &public(4), None, None)];
        }
        "deny-revoked-before-replayed", "what is revoked is refused before the proof is looked for" => Some("token-revoked"), Some(0), |s| {
            s.presented_before = true;
            s.config = |c| c.revoked = vec![mark("token", &[0x11; 16], None, None)];
        }
    }
}
