//! Approvals: of the leaf's requirements, and of the verifier's policy.

use ciborium::Value as Cbor;

use super::{another_proof, mark, of};
use crate::evidence::approval;
use crate::forge::{Map, bytes, cnf, header, key, public, seal};
use crate::scenarios::{Before, NOW, Scenario, approvals, scenario, scenarios, texts};
use crate::vector::{Approvals, Config};

fn one(capability: &mut Map) {
    capability.set(9, approvals("github.update_pr", 1, &[9]));
}

fn one_of_two(capability: &mut Map) {
    capability.set(9, approvals("github.update_pr", 1, &[9, 10]));
}

fn two(capability: &mut Map) {
    capability.set(9, approvals("github.update_pr", 2, &[9, 10]));
}

fn policy(config: &mut Config) {
    config.approvals = Some(Approvals { unlisted: of(1, &[9]), harmless: vec![], listed: [].into(), by_annotation: false });
}

fn by_annotation(config: &mut Config) {
    policy(config);
    config.approvals.as_mut().expect("a policy").by_annotation = true;
}

fn naming(approver: u8) -> Approvals {
    Approvals { unlisted: of(1, &[approver]), harmless: vec![], listed: [].into(), by_annotation: false }
}

fn later(capability: &mut Map) {
    capability.set(7, Cbor::Bytes(vec![0x01; 16])).set(6, NOW + 1);
}

pub(super) fn all() -> Vec<Scenario> {
    scenarios! {
        "allow-approved", "a call that one approver approved" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "allow-approved-by-two", "two distinct approvers, in any order" => None, None, |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(10, h.child).seal(), approval(9, h.child).seal()];
        }
        "allow-approved-with-words", "an approver may say its name and why" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(5, "carol").set(6, "looked at the diff"); }).seal()];
        }
        "allow-one-approval-for-two-requirements", "requirements are met independently of each other" => None, None, |s| {
            s.child_capability = |c| {
                let sets = |count: i64, keys: &[u8]| match approvals("github.update_pr", count, keys) {
                    Cbor::Map(mut entries) => match entries.remove(0).1 {
                        Cbor::Array(mut one) => one.remove(0),
                        _ => Cbor::Null,
                    },
                    _ => Cbor::Null,
                };
                let mut both = [sets(1, &[9]), sets(1, &[9, 10])];
                both.sort_by_key(bytes);
                c.set(9, Cbor::Map(vec![("github.update_pr".into(), Cbor::Array(both.to_vec()))]));
            };
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "allow-approved-by-the-policy", "the verifier asks for an approval by itself" => None, None, |s| {
            s.config = policy;
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "allow-approved-by-leaf-and-policy", "both have to be met" => None, None, |s| {
            s.child_capability = one;
            s.config = |c| c.approvals = Some(naming(10));
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(10, h.child).seal()];
        }
        "allow-a-harmless-tool", "the policy calls the tool harmless" => None, None, |s| {
            s.config = |c| { policy(c); c.approvals.as_mut().expect("a policy").harmless = vec!["github.update_pr".into()]; };
        }
        "allow-a-tool-with-a-requirement-of-its-own", "what is listed counts instead of what all need" => None, None, |s| {
            s.config = |c| { policy(c); c.approvals.as_mut().expect("a policy").listed = [("github.update_pr".into(), of(1, &[10]))].into(); };
            s.evidence = |h| vec![approval(10, h.child).seal()];
        }
        "allow-a-read-only-tool-by-annotation", "the policy believes the server's own annotation" => None, None, |s| {
            s.config = by_annotation;
            s.hint = Some("read_only");
        }
        "allow-an-additive-tool-by-annotation", "a tool that only adds needs no approval where annotations decide" => None, None, |s| {
            s.config = by_annotation;
            s.hint = Some("additive");
        }
        "deny-a-destructive-tool-by-annotation", "a destructive tool needs an approval" => Some("approval-required"), None, |s| {
            s.config = by_annotation;
            s.hint = Some("destructive");
        }
        "deny-an-unannotated-tool", "a tool of which nothing is said counts as destructive" => Some("approval-required"), None, |s| { s.config = by_annotation; }
        "deny-an-annotation-that-the-policy-does-not-ask-for", "without being told so the policy believes no annotation" => Some("approval-required"), None, |s| {
            s.config = policy;
            s.hint = Some("read_only");
        }
        "deny-a-listed-tool-by-annotation", "an annotation says nothing about a tool that is listed" => Some("approval-required"), None, |s| {
            s.config = |c| { by_annotation(c); c.approvals.as_mut().expect("a policy").listed = [("github.update_pr".into(), of(1, &[9]))].into(); };
            s.hint = Some("read_only");
        }
        "deny-unapproved-by-the-policy", "a tool that is not listed counts as destructive" => Some("approval-required"), None, |s| { s.config = policy; }
        "deny-approved-for-the-leaf-and-not-for-the-policy", "the policy's requirement is not met by the leaf's approver" => Some("approval-required"), Some(1), |s| {
            s.child_capability = one;
            s.config = |c| c.approvals = Some(naming(10));
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "deny-one-approval-of-two", "one approval is one too few" => Some("approval-required"), Some(1), |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "deny-two-approvals-by-one", "an approver counts once" => Some("approval-required"), Some(1), |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(9, h.child).with(|c| { c.set(7, Cbor::Bytes(vec![1; 16])); }).seal()];
        }
        "allow-the-later-of-two-approvals", "of two approvals by one approver the later one is spent" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(later).seal(), approval(9, h.child).seal()];
        }
        "allow-the-greater-id-of-two-approvals", "of two approvals in one instant the one with the greater id is spent" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(7, Cbor::Bytes(vec![1; 16])); }).seal(), approval(9, h.child).seal()];
        }
        "allow-approved-in-a-context", "an approval names the context of the call" => None, None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { one(c); c.set(12, "tenant:1"); };
            s.context = Some("tenant:1/task:7");
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(7, "tenant:1/task:7"); }).seal()];
        }
        "deny-approval-for-a-wider-context", "a context above the call's is another one" => Some("approval-mismatch"), None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { one(c); c.set(12, "tenant:1"); };
            s.context = Some("tenant:1/task:7");
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(7, "tenant:1"); }).seal()];
        }
        "deny-approval-with-a-context-that-the-call-has-not", "no context is not any context" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(7, "tenant:1"); }).seal()];
        }
        "deny-approval-for-another-token", "an approval is for one leaf" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.root).seal()];
        }
        "deny-approval-for-another-tool", "an approval is for one tool" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(1, "github.merge_pr"); }).seal()];
        }
        "deny-approval-for-other-arguments", "an approval is for exactly these arguments" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(2, Cbor::Bytes(vec![7; 32])); }).seal()];
        }
        "deny-approval-for-another-audience", "an approval is for one verifier" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(3, "https://other.example"); }).seal()];
        }
        "deny-approval-for-another-session", "an approval is for one session" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(4, Cbor::Bytes(vec![0xa1; 16])); }).seal()];
        }
        "deny-one-mismatch-among-enough-approvals", "nothing that is there is dropped" => Some("approval-mismatch"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(10, h.root).seal()];
        }
        "deny-approval-by-the-holder", "who calls does not approve, also where a policy names its key" => Some("approver-refused"), None, |s| {
            s.config = |c| c.approvals = Some(naming(3));
            s.evidence = |h| vec![approval(3, h.child).seal()];
        }
        "deny-approval-by-a-holder-above", "no holder of the chain approves" => Some("approver-refused"), None, |s| {
            s.config = |c| c.approvals = Some(naming(2));
            s.evidence = |h| vec![approval(2, h.child).seal()];
        }
        "allow-approval-by-the-issuer-that-is-named", "the issuer holds no token, and may be named" => None, None, |s| {
            s.config = |c| c.approvals = Some(naming(1));
            s.evidence = |h| vec![approval(1, h.child).seal()];
        }
        "deny-approval-by-the-issuer", "the issuer is no approver by itself" => Some("approver-refused"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(1, h.child).seal()];
        }
        "deny-approval-by-a-stranger", "an approver is named by a requirement" => Some("approver-refused"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(66, h.child).seal()];
        }
        "deny-approval-that-nothing-requires", "an approval that nobody asked for is not passed over" => Some("approver-refused"), None, |s| {
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "allow-approval-issued-30-seconds-ahead", "an iat up to 30 seconds ahead of now is accepted" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(6, NOW + 30); }).seal()];
        }
        "deny-approval-from-the-future", "an iat is at most 30 seconds ahead" => Some("approval-not-yet-valid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(6, NOW + 31); }).seal()];
        }
        "allow-approval-at-its-last-second", "an approval is valid while now is before exp" => None, None, |s| {
            s.child_capability = one;
            s.store_created_ms = (NOW - 100) * 1000;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(6, NOW - 60).set(4, NOW + 1); }).seal()];
        }
        "deny-approval-expired", "an approval is expired at exp" => Some("approval-expired"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(6, NOW - 60).set(4, NOW); }).seal()];
        }
        "deny-approval-by-another-signature", "the key in an approval signed it" => Some("approval-invalid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).signed_by(66).seal()];
        }
        "deny-approval-with-a-flipped-bit", "one bit of the signature is wrong" => Some("approval-invalid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| { let mut bytes = approval(9, h.child).seal(); let last = bytes.len() - 1; bytes[last] ^= 1; vec![bytes] };
        }
        "deny-approval-of-61-minutes", "an approval lives at most an hour" => Some("claim-invalid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(4, NOW + 3601); }).seal()];
        }
        "deny-approval-with-an-unknown-claim", "an unknown claim of an approval is refused" => Some("claim-unknown"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(9, 1); }).seal()];
        }
        "deny-approval-without-a-session", "an approval names its session" => Some("claim-missing"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.remove(4); }).seal()];
        }
        "deny-approval-that-is-true", "a wrong type is no decision" => Some("malformed"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(3, true); }).seal()];
        }
        "deny-approval-that-is-2", "a decision is yes or no" => Some("claim-invalid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(3, 2); }).seal()];
        }
        "deny-approval-by-a-key-that-is-none", "an approver's key is canonical" => Some("key-invalid"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).with(|c| { c.set(8, cnf(&[0xff; 32])); }).seal()];
        }
        "deny-approval-too-large", "an approval has at most 4 KiB" => Some("too-large"), None, |s| {
            s.child_capability = one;
            s.evidence = |_| vec![seal(&key(9), &header("approval"), &[0xa0; 4200])];
        }
        "deny-denied", "an approver says no" => Some("approval-denied"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(3, 0); }).seal()];
        }
        "deny-denied-by-one-of-two", "a no refuses the call, whatever others say" => Some("approval-denied"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(10, h.child).saying(|o| { o.set(3, 0); }).seal()];
        }
        "deny-denied-and-approved-by-one", "a no stands beside a later yes" => Some("approval-denied"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(3, 0); }).seal(), approval(9, h.child).with(later).seal()];
        }
        "deny-no-by-a-stranger", "only who may approve can say no" => Some("approver-refused"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(66, h.child).saying(|o| { o.set(3, 0); }).seal()];
        }
        "deny-denied-before", "a no stands where it is not shown again" => Some("approval-denied"), None, |s| {
            s.child_capability = one_of_two;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.before = &[Before { change: |s| s.evidence = |h| vec![approval(10, h.child).saying(|o| { o.set(3, 0); }).seal()], code: Some("approval-denied") }];
        }
        "allow-after-a-denial-has-expired", "a no stands until it expires" => None, None, |s| {
            s.child_capability = one_of_two;
            s.now_ms = (NOW + 30) * 1000;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.before = &[Before {
                change: |s| {
                    s.now_ms = NOW * 1000 + 500;
                    s.evidence = |h| vec![approval(10, h.child).with(|c| { c.set(4, NOW + 30); }).saying(|o| { o.set(3, 0); }).seal()];
                },
                code: Some("approval-denied"),
            }];
        }
        "allow-another-request-after-a-denial", "a no is about one request" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.before = &[Before {
                change: |s| {
                    s.arguments = r#"{"labels":[],"repo":"acme/app"}"#;
                    s.call = |c| { c.set(2, other_arguments()); };
                    s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(2, other_arguments()).set(3, 0); }).seal()];
                },
                code: Some("approval-denied"),
            }];
        }
        "allow-in-another-context-after-a-denial", "a no to a call in one context is no word on another" => None, None, |s| {
            s.root_capability = |c| { c.set(12, "tenant:1"); };
            s.child_capability = |c| { one(c); c.set(12, "tenant:1"); };
            s.context = Some("tenant:1/task:7");
            s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(7, "tenant:1/task:7"); }).seal()];
            s.before = &[Before {
                change: |s| {
                    s.context = Some("tenant:1/task:8");
                    s.evidence = |h| vec![approval(9, h.child).saying(|o| { o.set(7, "tenant:1/task:8").set(3, 0); }).seal()];
                },
                code: Some("approval-denied"),
            }];
        }
        "deny-approval-spent", "an approval is for one call" => Some("approval-spent"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.before = &[Before { change: another_proof, code: None }];
        }
        "allow-approval-of-a-call-that-was-refused", "what a refused call leaves of an approval can be used" => None, None, |s| {
            s.child_capability = two;
            s.evidence = |h| vec![approval(9, h.child).seal(), approval(10, h.child).seal()];
            s.before = &[Before { change: |s| { another_proof(s); s.evidence = |h| vec![approval(9, h.child).seal()]; }, code: Some("approval-required") }];
        }
        "allow-the-approval-that-was-not-spent", "of two approvals by one approver the earlier one is still there" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.before = &[Before {
                change: |s| { another_proof(s); s.evidence = |h| vec![approval(9, h.child).seal(), approval(9, h.child).with(later).seal()]; },
                code: None,
            }];
        }
        "deny-replayed-before-spent", "a replay is a replay, also with a spent approval" => Some("proof-replayed"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.presented_before = true;
        }
        "deny-approval-withdrawn", "an approver takes its approval back" => Some("approval-withdrawn"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| c.revoked = vec![mark("approval", &[0x49; 16], None, Some(9))];
        }
        "allow-approval-of-another-that-was-withdrawn", "an id is withdrawn by its own approver" => None, None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| c.revoked = vec![mark("approval", &[0x49; 16], None, Some(10))];
        }
        "deny-approval-by-a-revoked-key", "a revoked key approves nothing" => Some("key-revoked"), None, |s| {
            s.child_capability = one;
            s.evidence = |h| vec![approval(9, h.child).seal()];
            s.config = |c| c.revoked = vec![mark("key", &public(9), None, None)];
        }
        "deny-approval-from-before-the-store", "an approval that may have been used before is not taken for unused" => Some("token-predates-store"), None, |s| {
            s.child_capability = one;
            s.store_created_ms = NOW * 1000 + 101;
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "allow-approval-of-the-stores-first-instant", "an instant has milliseconds" => None, None, |s| {
            s.child_capability = one;
            s.store_created_ms = NOW * 1000 + 100;
            s.evidence = |h| vec![approval(9, h.child).seal()];
        }
        "deny-arguments-before-approvals", "nobody is asked about what is not allowed" => Some("tool-not-allowed"), Some(0), |s| {
            s.tool = "deploy";
            s.call = |c| { c.set(1, "deploy"); };
            s.config = policy;
        }
    }
}

fn other_arguments() -> Cbor {
    crate::scenarios::digest(Cbor::Map(vec![("repo".into(), "acme/app".into()), ("labels".into(), texts(&[]))]))
}
