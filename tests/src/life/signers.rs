//! Who signed what comes beside a proof: approvers and principals whose keys were revoked or rotated.

use super::consents::acting;
use super::mark;
use super::trust::{changed, listed, rotated};
use crate::evidence::{BEN, approval, consent};
use crate::forge::{Map, cnf, public};
use crate::scenarios::{Before, NOW, Scenario, approvals, knows_ben, scenario, scenarios};
use crate::vector::{Anchor, Config, hex};

fn one_of_two(capability: &mut Map) {
    capability.set(9, approvals("github.update_pr", 1, &[9, 10]));
}

fn two(capability: &mut Map) {
    capability.set(9, approvals("github.update_pr", 2, &[9, 10]));
}

fn no(approver: u8, leaf: [u8; 32]) -> Vec<u8> {
    approval(approver, leaf)
        .saying(|o| {
            o.set(3, 0);
        })
        .seal()
}

/// Nine says no, and then ten says yes.
fn no_and_yes(s: &mut Scenario, code: &'static str) {
    s.child_capability = one_of_two;
    s.evidence = |h| vec![approval(10, h.child).seal()];
    s.before = match code {
        "key-revoked" => {
            &[Before { change: |s| s.evidence = |h| vec![no(9, h.child), approval(10, h.child).seal()], code: Some("key-revoked") }]
        }
        "key-retired" => &[Before { change: |s| s.evidence = |h| vec![no(9, h.child)], code: Some("key-retired") }],
        "agent-suspended" => &[Before { change: |s| s.evidence = |h| vec![no(9, h.child)], code: Some("agent-suspended") }],
        "approval-withdrawn" => &[Before { change: |s| s.evidence = |h| vec![no(9, h.child)], code: Some("approval-withdrawn") }],
        _ => &[Before { change: |s| s.evidence = |h| vec![no(9, h.child)], code: Some("approval-denied") }],
    };
}

/// Ben acts, whose key has a successor since 30 seconds.
fn acting_for_rotated_ben(s: &mut Scenario, config: fn(&mut Config)) {
    acting(s);
    s.config = config;
}

fn rotated_ben(config: &mut Config, overlap: u64) {
    knows_ben(config);
    rotated(config, BEN, 32, overlap, 30);
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "deny-denial-by-a-listed-key", "a revoked key says nothing, not even no" => Some("key-revoked"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(10, h.child).seal(), no(9, h.child)];
            s.config = |c| listed(c, &[(1, &[&public(9)])]);
        }
        "allow-after-a-denial-by-a-listed-key", "a no that does not count is not remembered" => None, None, |s| {
            no_and_yes(s, "key-revoked");
            s.config = |c| listed(c, &[(1, &[&public(9)])]);
        }
        "allow-after-a-denial-by-a-retired-key", "a retired key says no to nothing" => None, None, |s| {
            no_and_yes(s, "key-retired");
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "allow-after-a-denial-by-a-suspended-key", "a suspended approver says no to nothing" => None, None, |s| {
            no_and_yes(s, "agent-suspended");
            s.config = |c| listed(c, &[(5, &[&public(9)])]);
        }
        "allow-after-a-denial-that-a-list-withdraws", "a no can be taken back" => None, None, |s| {
            no_and_yes(s, "approval-withdrawn");
            s.config = |c| listed(c, &[(4, &[&[0x49; 16]])]);
        }
        "allow-after-a-denial-by-a-key-that-the-store-revokes", "the store does not remember a no by a key that it knows to be revoked" => None, None, |s| {
            no_and_yes(s, "approval-denied");
            s.config = |c| c.revoked = vec![mark("key", &public(9), None, None)];
        }
        "allow-after-a-denial-that-was-withdrawn", "the store does not remember a no that was taken back" => None, None, |s| {
            no_and_yes(s, "approval-denied");
            s.config = |c| c.revoked = vec![mark("approval", &[0x49; 16], None, Some(9))];
        }
        "deny-after-a-denial-by-a-good-key", "a list that does not name the approver takes nothing from its no" => Some("approval-denied"), None, |s| {
            no_and_yes(s, "approval-denied");
            s.config = |c| listed(c, &[(1, &[&public(11)])]);
        }

        "allow-approval-by-the-approvers-successor", "an approver follows its rotations" => None, None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(19, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "allow-approval-by-the-approvers-old-key-within-the-overlap", "within the overlap both keys are good" => None, None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 31, 30);
        }
        "allow-approval-by-the-successor-of-one-of-two", "a successor and another approver are two" => None, None, |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(10, h.child).seal(), approval(19, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "deny-two-keys-of-one-approver", "an old key and a new one are one approver" => Some("approval-required"), Some(1), |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(19, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 60, 30);
        }
        "deny-two-keys-of-one-approver-where-both-are-named", "whoever names two keys of one approver has named one approver" => Some("approval-required"), Some(1), |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 2, &[9, 19])); };
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(19, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 60, 30);
        }
        "allow-the-approval-by-the-newer-of-two-keys", "of two approvals with two keys of one approver that by the newer key is spent" => None, None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(6, NOW + 1); }).seal(), approval(19, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 60, 30);
        }
        "deny-a-retired-approval-beside-its-successors", "nothing that is there is passed over" => Some("key-retired"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(19, h.child).seal(), approval(9, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "deny-approval-by-the-key-before-the-one-that-is-named", "a key stands for its successors, and never for the keys before it" => Some("approver-refused"), None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[19])); };
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| rotated(c, 9, 19, 60, 30);
        }
        "deny-approval-by-a-holders-successor", "nobody approves its own calls, with whichever key" => Some("approver-refused"), None, |s| {
            s.child_capability = |c| { c.set(9, approvals("github.update_pr", 1, &[13])); };
            s.evidence = |h| vec![approval(13, h.child).seal()];
            s.config = |c| rotated(c, 3, 13, 60, 30);
        }
        "deny-approval-by-a-successor-that-is-revoked", "a list names the successor" => Some("key-revoked"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(19, h.child).seal()];
            s.config = |c| {
                rotated(c, 9, 19, 60, 30);
                c.trust.as_mut().expect("a state").updates.push(changed(&[(1, &[&public(19)])], "accepted"));
            };
        }
        "deny-denied-by-the-approvers-successor", "a successor can say no" => Some("approval-denied"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(10, h.child).seal(), no(19, h.child)];
            s.config = |c| rotated(c, 9, 19, 0, 30);
        }
        "deny-listed-approver-before-missing-approvals", "each approval is judged before they are counted" => Some("key-revoked"), None, |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| listed(c, &[(1, &[&public(9)])]);
        }

        "allow-consent-by-the-principals-successor", "a principal follows its rotations" => None, None, |s| {
            acting_for_rotated_ben(s, |c| rotated_ben(c, 0));
            s.evidence = |_| vec![consent().signed_by(32).seal()];
        }
        "allow-consent-by-the-principals-old-key-within-the-overlap", "within the overlap both keys are good" => None, None, |s| {
            acting_for_rotated_ben(s, |c| rotated_ben(c, 31));
            s.evidence = |_| vec![consent().seal()];
        }
        "deny-consent-by-a-retired-key", "a retired key consents to nothing" => Some("key-retired"), None, |s| {
            acting_for_rotated_ben(s, |c| rotated_ben(c, 0));
            s.evidence = |_| vec![consent().seal()];
        }
        "deny-consent-by-a-key-that-nobody-rotated-to", "a successor is known by a rotation" => Some("consent-invalid"), None, |s| {
            acting_for_rotated_ben(s, |c| rotated_ben(c, 60));
            s.evidence = |_| vec![consent().signed_by(33).seal()];
        }
        "deny-consent-by-a-listed-key", "a list names the principal's key" => Some("key-revoked"), None, |s| {
            acting_for_rotated_ben(s, |c| { knows_ben(c); listed(c, &[(1, &[&public(BEN)])]); });
            s.evidence = |_| vec![consent().seal()];
        }
        "allow-consent-by-the-successor-of-a-trust-anchor", "a trust anchor that is impersonated follows its rotations too" => None, None, |s| {
            acting_for_rotated_ben(s, |c| {
                c.anchors.push(Anchor { name: "ben".into(), key: hex(&public(BEN)), may_impersonate: false, bounds: None });
                rotated(c, BEN, 32, 0, 30);
            });
            s.evidence = |_| vec![consent().signed_by(32).seal()];
        }
        "deny-consent-by-a-key-that-the-store-revokes", "the store knows the principal's key to be revoked" => Some("key-revoked"), None, |s| {
            acting_for_rotated_ben(s, |c| { knows_ben(c); c.revoked = vec![mark("key", &public(BEN), None, None)]; });
            s.evidence = |_| vec![consent().seal()];
        }
        "deny-consent-to-a-successor-of-the-holder", "a consent is to one key" => Some("consent-invalid"), None, |s| {
            acting_for_rotated_ben(s, |c| { knows_ben(c); rotated(c, 3, 13, 60, 30); });
            s.evidence = |_| vec![consent().with(|c| { c.set(8, cnf(&public(13))); }).seal()];
        }
    }
}
