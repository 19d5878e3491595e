//! What a verifier knows of revocation lists and rotations.

use super::in_task;
use crate::evidence::{LISTS, REGISTRY, SECURITY, approval, change, identity, list, listing, part, rotation, succession};
use crate::forge::public;
use crate::scenarios::{NOW, Scenario, approvals, scenario, scenarios};
use crate::vector::{Authority, Config, Identities, Named, Trust, Update, hex};

fn authority(name: &str, key: u8) -> Authority {
    Authority { name: name.into(), key: hex(&public(key)), for_every_issuer: false, allow_stale: false }
}

fn update(what: &str, bytes: &[u8], seconds_ago: u64, outcome: &str) -> Update {
    Update { now_ms: (NOW - seconds_ago) * 1000, what: what.into(), hex: hex(bytes), outcome: outcome.into() }
}

fn accepted(bytes: &[u8]) -> Update {
    update("list", bytes, 30, "accepted")
}

pub(super) fn knowing(config: &mut Config, updates: Vec<Update>) {
    config.trust = Some(Trust { authorities: vec![authority("ana", LISTS)], updates });
}

/// One full list of ana's.
pub(super) fn listed(config: &mut Config, sections: &[(i64, &[&[u8]])]) {
    knowing(config, vec![accepted(&listing(1, sections))]);
}

/// An empty list, and a rotation so many seconds ago.
pub(super) fn rotated(config: &mut Config, old: u8, new: u8, overlap: u64, seconds_ago: u64) {
    let rotation = rotation(&succession(old, new, overlap), [old, new]);
    knowing(config, vec![accepted(&listing(1, &[])), update("rotation", &rotation, seconds_ago, "accepted")]);
}

fn with_identity(config: &mut Config) {
    let authorities = vec![Named { name: "registry".into(), key: hex(&public(REGISTRY)) }];
    config.identities = Some(Identities { authorities, rules: vec![] });
}

pub(super) fn changed(sections: &[(i64, &[&[u8]])], outcome: &str) -> Update {
    let parts = [part(sections)];
    update("list", &list(&change(2, &parts), &parts), 20, outcome)
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "allow-with-a-fresh-list", "nothing is revoked, and that is known" => None, None, |s| { s.config = |c| listed(c, &[]); }
        "allow-what-a-list-does-not-name", "others are revoked" => None, None, |s| {
            s.config = |c| listed(c, &[(0, &[&[0x10; 16], &[0x23; 16]]), (1, &[&public(5)]), (2, &[&[0xa1; 16]]), (3, &[&[0x77; 32]]), (4, &[&[0x49; 16]])]);
        }
        "deny-without-a-list", "without a list nothing of an issuer is allowed" => Some("revocation-stale"), Some(0), |s| { s.config = |c| knowing(c, vec![]); }
        "deny-with-a-stale-list", "a list is stale at its exp" => Some("revocation-stale"), Some(0), |s| {
            s.now_ms = (NOW + 590) * 1000;
            s.proof = |c| { c.set(6, NOW + 560).set(4, NOW + 600); };
            s.config = |c| {
                let head = crate::evidence::head(1, &[]).with(|c| { c.set(4, NOW + 590); });
                knowing(c, vec![accepted(&list(&head, &[]))]);
            };
        }
        "allow-in-the-last-second-of-a-list", "a list is fresh while now is before its exp" => None, None, |s| {
            s.now_ms = (NOW + 590) * 1000 - 1;
            s.proof = |c| { c.set(6, NOW + 560).set(4, NOW + 600); };
            s.config = |c| {
                let head = crate::evidence::head(1, &[]).with(|c| { c.set(4, NOW + 590); });
                knowing(c, vec![accepted(&list(&head, &[]))]);
            };
        }
        "allow-without-a-list-where-that-is-configured", "a verifier may be told to go on without a list" => None, None, |s| {
            s.config = |c| { knowing(c, vec![]); c.trust.as_mut().expect("a state").authorities[0].allow_stale = true; };
        }
        "deny-where-no-authority-has-a-say", "an issuer of which no authority speaks is not known to be good" => Some("revocation-stale"), Some(0), |s| {
            s.config = |c| c.trust = Some(Trust { authorities: vec![authority("Ana", LISTS)], updates: vec![] });
        }
        "allow-by-an-authority-for-every-issuer", "an authority may speak about all" => None, None, |s| {
            s.config = |c| {
                let empty = list(&crate::evidence::head(1, &[]).with(|c| { c.set(1, "security"); }).signed_by(SECURITY), &[]);
                let authorities = vec![Authority { for_every_issuer: true, ..authority("security", SECURITY) }];
                c.trust = Some(Trust { authorities, updates: vec![accepted(&empty)] });
            };
        }
        "deny-by-an-authority-for-every-issuer", "what it revokes is revoked for all" => Some("key-revoked"), Some(1), |s| {
            s.config = |c| {
                let parts = [part(&[(1, &[&public(3)])])];
                let revoking = list(&crate::evidence::head(7, &parts).with(|c| { c.set(1, "security"); }).signed_by(SECURITY), &parts);
                let authorities = vec![authority("ana", LISTS), Authority { for_every_issuer: true, ..authority("security", SECURITY) }];
                c.trust = Some(Trust { authorities, updates: vec![accepted(&listing(1, &[])), accepted(&revoking)] });
            };
        }
        "deny-listed-root", "a list names the root" => Some("token-revoked"), Some(0), |s| { s.config = |c| listed(c, &[(0, &[&[0x11; 16]])]); }
        "deny-listed-leaf", "a list names the leaf" => Some("token-revoked"), Some(1), |s| { s.config = |c| listed(c, &[(0, &[&[0x22; 16]])]); }
        "deny-the-listed-token-nearest-to-the-root", "of several the one nearest to the root is named" => Some("key-revoked"), Some(0), |s| {
            s.config = |c| listed(c, &[(0, &[&[0x22; 16]]), (1, &[&public(2)])]);
        }
        "deny-listed-issuers-key", "a list names the trust anchor's key" => Some("key-revoked"), Some(0), |s| { s.config = |c| listed(c, &[(1, &[&public(1)])]); }
        "deny-listed-holders-key", "a list names the key that calls" => Some("key-revoked"), Some(1), |s| { s.config = |c| listed(c, &[(1, &[&public(3)])]); }
        "deny-listed-session", "a list closes the session" => Some("session-closed"), Some(0), |s| { s.config = |c| listed(c, &[(2, &[&[0xa0; 16]])]); }
        "deny-listed-task", "a list closes the task" => Some("task-closed"), Some(0), |s| {
            s.root_capability = in_task;
            s.child_capability = in_task;
            s.config = |c| listed(c, &[(3, &[&[0x77; 32]])]);
        }
        "deny-suspended", "a suspended agent does not act" => Some("agent-suspended"), Some(1), |s| { s.config = |c| listed(c, &[(5, &[&public(3)])]); }
        "deny-suspended-above", "what a suspended agent has delegated does not act" => Some("agent-suspended"), Some(0), |s| { s.config = |c| listed(c, &[(5, &[&public(2)])]); }
        "deny-listed-as-pending", "an agent that is not active yet" => Some("agent-pending"), Some(1), |s| { s.config = |c| listed(c, &[(6, &[&public(3)])]); }
        "deny-revoked-and-suspended", "revoked counts more than suspended" => Some("key-revoked"), Some(1), |s| {
            s.config = |c| listed(c, &[(1, &[&public(3)]), (5, &[&public(3)])]);
        }
        "allow-activated", "a change makes a suspended agent active again" => None, None, |s| {
            s.config = |c| knowing(c, vec![accepted(&listing(1, &[(5, &[&public(3)])])), changed(&[(7, &[&public(3)])], "accepted")]);
        }
        "deny-suspended-by-a-change", "a change suspends an agent" => Some("agent-suspended"), Some(1), |s| {
            s.config = |c| knowing(c, vec![accepted(&listing(1, &[])), changed(&[(5, &[&public(3)])], "accepted")]);
        }
        "deny-revoked-and-activated", "what is revoked is never active again" => Some("key-revoked"), Some(1), |s| {
            s.config = |c| knowing(c, vec![accepted(&listing(1, &[(1, &[&public(3)])])), changed(&[(7, &[&public(3)])], "accepted")]);
        }
        "allow-what-a-later-full-list-leaves-out", "a full list says everything anew" => None, None, |s| {
            s.config = |c| knowing(c, vec![accepted(&listing(1, &[(5, &[&public(3)])])), accepted(&listing(2, &[]))]);
        }
        "deny-issued-before-the-epoch", "an issuer takes back all of its older roots" => Some("issued-before-epoch"), Some(0), |s| {
            s.config = |c| {
                let head = crate::evidence::head(1, &[]).saying(|o| { o.set(4, NOW + 1); });
                knowing(c, vec![accepted(&list(&head, &[]))]);
            };
        }
        "allow-issued-at-the-epoch", "a root of the epoch's second is new enough" => None, None, |s| {
            s.config = |c| {
                let head = crate::evidence::head(1, &[]).saying(|o| { o.set(4, NOW); });
                knowing(c, vec![accepted(&list(&head, &[]))]);
            };
        }
        "deny-epoch-before-session", "the epoch is looked at before the session" => Some("issued-before-epoch"), Some(0), |s| {
            s.config = |c| {
                let parts = [part(&[(2, &[&[0xa0; 16]])])];
                let head = crate::evidence::head(1, &parts).saying(|o| { o.set(4, NOW + 1); });
                knowing(c, vec![accepted(&list(&head, &parts))]);
            };
        }
        "deny-revoked-before-stale", "what is known to be revoked is said, also by a stale list" => Some("token-revoked"), Some(0), |s| {
            s.config = |c| {
                let parts = [part(&[(0, &[&[0x11; 16]])])];
                let head = crate::evidence::head(1, &parts).with(|c| { c.set(4, NOW - 20); });
                knowing(c, vec![accepted(&list(&head, &parts))]);
            };
        }
        "deny-narrowing-before-revocation", "a chain that is no chain is refused for that" => Some("depth-exceeded"), Some(1), |s| {
            s.child_capability = |c| { c.set(3, 4); };
            s.config = |c| listed(c, &[(0, &[&[0x11; 16]])]);
        }
        "deny-revocation-before-audience", "a revoked chain is refused for that" => Some("token-revoked"), Some(0), |s| {
            s.root = |c| { c.set(3, crate::scenarios::texts(&["https://other.example"])); };
            s.config = |c| listed(c, &[(0, &[&[0x11; 16]])]);
        }
        "deny-list-before-store", "a list is looked at before the store" => Some("session-closed"), Some(0), |s| {
            s.config = |c| {
                listed(c, &[(2, &[&[0xa0; 16]])]);
                c.revoked = vec![super::mark("token", &[0x11; 16], None, None)];
            };
        }
        "allow-the-list-that-a-refused-one-would-replace", "a list that is refused changes nothing" => None, None, |s| {
            s.config = |c| knowing(c, vec![
                accepted(&listing(5, &[])),
                update("list", &listing(4, &[(1, &[&public(3)])]), 29, "revocation-rollback"),
                update("list", &listing(5, &[(1, &[&public(3)])]), 28, "revocation-equivocation"),
                update("list", &list(&crate::evidence::head(6, &[]).signed_by(66), &[]), 27, "signature-invalid"),
                update("list", &listing(5, &[]), 26, "unchanged"),
                changed(&[(1, &[&public(3)])], "revocation-rollback"),
            ]);
        }

        "allow-the-old-key-within-the-overlap", "within the overlap the old key is good" => None, None, |s| { s.config = |c| rotated(c, 3, 13, 31, 30); }
        "deny-the-old-key-after-the-overlap", "a retired key calls nothing" => Some("key-retired"), Some(1), |s| { s.config = |c| rotated(c, 3, 13, 30, 30); }
        "deny-a-planner-that-retired", "what a retired key delegated is of no use" => Some("key-retired"), Some(0), |s| { s.config = |c| rotated(c, 2, 12, 0, 30); }
        "deny-retired-and-suspended", "retired counts more than suspended" => Some("key-retired"), Some(1), |s| {
            s.config = |c| {
                rotated(c, 3, 13, 0, 30);
                c.trust.as_mut().expect("a state").updates.push(changed(&[(5, &[&public(3)])], "accepted"));
            };
        }
        "allow-the-new-key-of-an-agent", "the successor's own tokens are good" => None, None, |s| { s.config = |c| rotated(c, 13, 3, 0, 30); }
        "allow-a-root-by-the-anchors-successor", "a trust anchor follows its rotations" => None, None, |s| {
            s.signers = [11, 2, 3];
            s.config = |c| rotated(c, 1, 11, 0, 30);
        }
        "allow-a-root-by-the-anchors-old-key-within-the-overlap", "within the overlap both keys are good" => None, None, |s| { s.config = |c| rotated(c, 1, 11, 60, 30); }
        "deny-a-root-by-the-anchors-retired-key", "after the overlap the old key issues nothing" => Some("key-retired"), Some(0), |s| { s.config = |c| rotated(c, 1, 11, 0, 30); }
        "deny-a-root-by-a-key-that-nobody-rotated-to", "a successor is known by a rotation" => Some("signature-invalid"), Some(0), |s| {
            s.signers = [12, 2, 3];
            s.config = |c| rotated(c, 1, 11, 0, 30);
        }
        "deny-a-successor-as-holder", "the key that signed the root holds no token" => Some("holder-repeated"), Some(1), |s| {
            s.signers = [11, 2, 3];
            s.child = |c| { c.set(8, crate::forge::cnf(&public(11))); };
            s.config = |c| rotated(c, 1, 11, 60, 30);
        }
        "deny-a-successor-that-is-revoked", "a list names the successor" => Some("key-revoked"), Some(0), |s| {
            s.signers = [11, 2, 3];
            s.config = |c| {
                rotated(c, 1, 11, 60, 30);
                c.trust.as_mut().expect("a state").updates.push(changed(&[(1, &[&public(11)])], "accepted"));
            };
        }

        "deny-approval-by-a-listed-key", "a list names the approver's key" => Some("key-revoked"), None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[9])); };
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| listed(c, &[(1, &[&public(9)])]);
        }
        "deny-approval-by-a-retired-key", "a retired key approves nothing" => Some("key-retired"), None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[9])); };
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "deny-listed-approval", "a list withdraws the approval" => Some("approval-withdrawn"), None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[9])); };
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| listed(c, &[(4, &[&[0x49; 16]])]);
        }
        "allow-approved-with-a-fresh-list", "an approver that no list names" => None, None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[9])); };
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| listed(c, &[(0, &[&[0x49; 16]]), (1, &[&public(10)])]);
        }
        "deny-identity-by-a-listed-authority", "a list names the key of the identity authority" => Some("key-revoked"), None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").seal()];
            s.config = |c| { with_identity(c); listed(c, &[(1, &[&public(REGISTRY)])]); };
        }
        "allow-identified-with-a-fresh-list", "an authority that no list names" => None, None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").seal()];
            s.config = |c| { with_identity(c); listed(c, &[]); };
        }
        "allow-identity-by-the-authoritys-successor", "an identity authority follows its rotations" => None, None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").signed_by(21).seal()];
            s.config = |c| { with_identity(c); rotated(c, REGISTRY, 21, 0, 30); };
        }
        "allow-identity-by-the-authoritys-old-key-within-the-overlap", "within the overlap both keys are good" => None, None, |s| {
            s.evidence = |_| vec![identity(2, "acme/planner").signed_by(21).seal(), identity(3, "acme/coder").seal()];
            s.config = |c| { with_identity(c); rotated(c, REGISTRY, 21, 31, 30); };
        }
        "deny-identity-by-the-authoritys-retired-key", "after the overlap the old key vouches for nobody" => Some("key-retired"), None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").seal()];
            s.config = |c| { with_identity(c); rotated(c, REGISTRY, 21, 30, 30); };
        }
        "deny-identity-by-a-key-that-nobody-rotated-to", "a successor is known by a rotation" => Some("identity-invalid"), None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").signed_by(22).seal()];
            s.config = |c| { with_identity(c); rotated(c, REGISTRY, 21, 31, 30); };
        }
        "deny-identity-by-a-successor-that-is-revoked", "a list names the successor" => Some("key-revoked"), None, |s| {
            s.evidence = |_| vec![identity(3, "acme/coder").signed_by(21).seal()];
            s.config = |c| {
                with_identity(c);
                rotated(c, REGISTRY, 21, 31, 30);
                c.trust.as_mut().expect("a state").updates.push(changed(&[(1, &[&public(21)])], "accepted"));
            };
        }
    }
}
