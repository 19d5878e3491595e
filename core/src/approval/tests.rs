//! What a verifier makes of approvals.

use super::claims::ApprovalClaims;
use super::*;
use crate::cose::{ObjectKind, seal};
use crate::hint::ToolHint;
use crate::id::{Digest, SessionId, TokenId};
use crate::key::{SigningKey, VerifyingKey};
use crate::time::{Now, Timestamp};
use crate::{ApprovalRules, Code, Error, Result, limits};

const TIME: u64 = 1_764_000_000;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn public(n: u8) -> VerifyingKey {
    key(n).verifying_key().clone()
}

fn at(secs: u64) -> Now {
    Now::from_millis(secs * 1000).unwrap()
}

fn secs(secs: u64) -> Timestamp {
    Timestamp::from_secs(secs).unwrap()
}

fn asked() -> Asked<'static> {
    Asked {
        token: Digest::from_bytes([1; 32]),
        tool: "pay",
        arguments: Digest::from_bytes([2; 32]),
        audience: "https://bank.example",
        session: SessionId::from_bytes([3; 16]),
        context: Some("tenant:1"),
    }
}

fn claims(approver: u8, id: u8) -> ApprovalClaims {
    let asked = asked();
    ApprovalClaims {
        audience: asked.audience.to_owned(),
        expires: secs(TIME + 300),
        issued: secs(TIME),
        millisecond: 0,
        id: TokenId::from_bytes([id; 16]),
        approver: public(approver),
        token: asked.token,
        tool: asked.tool.to_owned(),
        arguments: asked.arguments,
        approves: true,
        session: asked.session,
        name: Some("Ana".to_owned()),
        reason: Some("as agreed".to_owned()),
        context: asked.context.map(ToOwned::to_owned),
    }
}

fn signed(claims: &ApprovalClaims, signer: u8) -> Vec<u8> {
    seal(ObjectKind::Approval, &claims.encode(), &key(signer)).unwrap()
}

fn yes(approver: u8, id: u8) -> Vec<u8> {
    signed(&claims(approver, id), approver)
}

fn no(approver: u8, id: u8) -> Vec<u8> {
    signed(&ApprovalClaims { approves: false, ..claims(approver, id) }, approver)
}

fn judge(
    asked: &Asked<'_>,
    requirements: &[(usize, &[VerifyingKey])],
    holders: &[&VerifyingKey],
    approvals: &[&[u8]],
    now: Now,
) -> Result<Verdict> {
    Judge { asked: *asked, requirements, holders, known: None, now }.judge(approvals)
}

/// Approvers 11, 12 and 13; 1 and 2 hold the chain.
fn verdict_at(count: usize, approvals: &[Vec<u8>], now: Now) -> Result<Verdict> {
    let approvers = [11, 12, 13].map(public);
    let approvals: Vec<&[u8]> = approvals.iter().map(Vec::as_slice).collect();
    judge(&asked(), &[(count, &approvers)], &[&public(1), &public(2)], &approvals, now)
}

fn verdict(count: usize, approvals: &[Vec<u8>]) -> Result<Verdict> {
    verdict_at(count, approvals, at(TIME))
}

fn ids(verdict: Result<Verdict>) -> Vec<u8> {
    match verdict.unwrap() {
        Verdict::Approved(counted) => counted.iter().map(|approval| approval.id.as_bytes()[0]).collect(),
        denied => panic!("{denied:?}"),
    }
}

fn refused(verdict: Result<Verdict>) -> Error {
    verdict.unwrap_err()
}

#[test]
fn enough_approvers_allow_a_call_and_each_counts_once() {
    assert_eq!(ids(verdict(2, &[yes(11, 1), yes(12, 2)])), [1, 2]);
    let error = refused(verdict(2, &[yes(11, 1), yes(11, 2), yes(11, 3)]));
    assert_eq!(error.code(), Code::ApprovalRequired);
    assert_eq!(error.context(), Some(format!("1 of 2 approvals are missing, request {}", asked().id()).as_str()));
    assert_eq!(refused(verdict(3, &[])).context().unwrap()[..6], *"3 of 3");
}

#[test]
fn of_several_approvals_by_one_approver_the_latest_counts_in_any_order() {
    let later = signed(&ApprovalClaims { issued: secs(TIME + 1), ..claims(11, 1) }, 11);
    assert_eq!(ids(verdict(1, &[yes(11, 9), later.clone()])), [1]);
    assert_eq!(ids(verdict(1, &[later, yes(11, 9)])), [1]);
    assert_eq!(ids(verdict(1, &[yes(11, 9), yes(11, 8), yes(11, 9)])), [9]);
}

#[test]
fn a_verdict_says_who_approved_when_and_why() {
    let Verdict::Approved(counted) = verdict(1, &[yes(12, 7)]).unwrap() else { panic!() };
    let expected = CountedApproval {
        approver: public(12),
        id: TokenId::from_bytes([7; 16]),
        issued: Now::from_millis(TIME * 1000).unwrap(),
        expires: secs(TIME + 300),
        name: Some("Ana".into()),
        reason: Some("as agreed".into()),
    };
    assert_eq!(counted, [expected]);
}

#[test]
fn a_denial_blocks_whatever_its_place_and_whatever_else_was_signed() {
    let denied = |approvals: &[Vec<u8>]| match verdict(2, approvals).unwrap() {
        Verdict::Denied(denial) => denial.approver,
        approved => panic!("{approved:?}"),
    };
    for approvals in [
        vec![no(13, 3)],
        vec![no(13, 3), yes(11, 1), yes(12, 2)],
        vec![yes(11, 1), yes(12, 2), no(13, 3)],
        vec![yes(13, 1), yes(12, 2), no(13, 3)],
        vec![no(13, 3), yes(13, 4), yes(12, 2)],
        vec![no(13, 3), no(13, 3), yes(11, 1), yes(12, 2)],
    ] {
        assert_eq!(denied(&approvals), public(13));
    }
    let longer = ApprovalClaims { approves: false, expires: secs(TIME + 3600), ..claims(12, 1) };
    assert_eq!(denied(&[no(11, 1), signed(&longer, 12), no(13, 1)]), public(12));
}

#[test]
fn a_denial_by_a_stranger_or_of_another_request_is_refused_and_blocks_nothing() {
    assert_eq!(refused(verdict(1, &[no(14, 1), yes(11, 1)])).code(), Code::ApproverRefused);
    let other = ApprovalClaims { approves: false, tool: "refund".into(), ..claims(11, 1) };
    assert_eq!(refused(verdict(1, &[signed(&other, 11)])).code(), Code::ApprovalMismatch);
    assert_eq!(refused(verdict_at(1, &[no(11, 1)], at(TIME + 300))).code(), Code::ApprovalExpired);
}

#[test]
fn strangers_and_holders_may_not_approve_even_if_a_requirement_names_them() {
    assert_eq!(refused(verdict(1, &[yes(14, 1)])).code(), Code::ApproverRefused);
    assert_eq!(refused(verdict(1, &[yes(11, 1), yes(14, 1)])).code(), Code::ApproverRefused);
    for holder in [1, 2] {
        let named = [public(1), public(2), public(11)];
        let approval = yes(holder, 1);
        let verdict = judge(&asked(), &[(1, &named)], &[&public(1), &public(2)], &[&approval], at(TIME));
        assert_eq!(refused(verdict).code(), Code::ApproverRefused);
    }
}

#[test]
fn a_call_that_needs_no_approval_must_not_bring_one() {
    let approval = yes(11, 1);
    assert_eq!(refused(judge(&asked(), &[], &[], &[&approval], at(TIME))).code(), Code::ApproverRefused);
    assert_eq!(judge(&asked(), &[], &[], &[], at(TIME)).unwrap(), Verdict::Approved(Vec::new()));
}

#[test]
fn each_requirement_is_counted_by_itself() {
    let (left, right) = ([public(11), public(12)], [public(12), public(13)]);
    let judged = |approvals: &[Vec<u8>]| {
        let approvals: Vec<&[u8]> = approvals.iter().map(Vec::as_slice).collect();
        judge(&asked(), &[(1, &left), (2, &right)], &[], &approvals, at(TIME))
    };
    assert_eq!(ids(judged(&[yes(12, 1), yes(13, 2)])), [1, 2]);
    assert_eq!(refused(judged(&[yes(12, 1), yes(11, 2)])).context().unwrap()[..6], *"1 of 2");
    assert_eq!(refused(judged(&[yes(13, 1)])).context().unwrap()[..6], *"1 of 1");
}

#[test]
fn an_approval_of_anything_else_is_a_mismatch() {
    let approval = yes(11, 1);
    let approvers = [public(11)];
    let call = |asked: Asked<'_>| judge(&asked, &[(1, &approvers)], &[], &[&approval], at(TIME)).map(drop);
    call(asked()).unwrap();
    for (what, other) in [
        ("token", Asked { token: Digest::from_bytes([9; 32]), ..asked() }),
        ("tool", Asked { tool: "pay2", ..asked() }),
        ("arguments", Asked { arguments: Digest::from_bytes([9; 32]), ..asked() }),
        ("audience", Asked { audience: "https://bank.example/", ..asked() }),
        ("session", Asked { session: SessionId::from_bytes([9; 16]), ..asked() }),
        ("context", Asked { context: Some("tenant:10"), ..asked() }),
        ("context", Asked { context: Some("tenant:1/task:2"), ..asked() }),
        ("context", Asked { context: Some("TENANT:1"), ..asked() }),
        ("context", Asked { context: None, ..asked() }),
    ] {
        let error = call(other).unwrap_err();
        assert_eq!((error.code(), error.context()), (Code::ApprovalMismatch, Some(what)));
        assert_ne!(other.id(), asked().id());
    }
    let without = signed(&ApprovalClaims { context: None, ..claims(11, 1) }, 11);
    assert_eq!(refused(verdict(1, &[without])).code(), Code::ApprovalMismatch);
}

#[test]
fn of_two_approvals_one_for_another_request_refuses_the_call() {
    let other = signed(&ApprovalClaims { arguments: Digest::from_bytes([8; 32]), ..claims(12, 2) }, 12);
    assert_eq!(refused(verdict(2, &[yes(11, 1), other])).code(), Code::ApprovalMismatch);
}

#[test]
fn an_approval_lives_from_half_a_minute_before_it_was_signed_until_it_expires() {
    for (now, expected) in [
        (TIME - 31, Some(Code::ApprovalNotYetValid)),
        (TIME - 30, None),
        (TIME + 299, None),
        (TIME + 300, Some(Code::ApprovalExpired)),
        (TIME + 1_000_000, Some(Code::ApprovalExpired)),
    ] {
        assert_eq!(verdict_at(1, &[yes(11, 1)], at(now)).err().map(|error| error.code()), expected, "{now}");
    }
}

#[test]
fn an_approval_of_no_time_or_more_than_an_hour_is_invalid() {
    for (issued, expires, expected) in [
        (TIME, TIME + 1, None),
        (TIME, TIME + 3600, None),
        (TIME, TIME, Some(Code::ClaimInvalid)),
        (TIME, TIME - 1, Some(Code::ClaimInvalid)),
        (TIME, TIME + 3601, Some(Code::ClaimInvalid)),
        (0, Timestamp::MAX.secs(), Some(Code::ClaimInvalid)),
    ] {
        let claims = ApprovalClaims { issued: secs(issued), expires: secs(expires), ..claims(11, 1) };
        assert_eq!(verdict(1, &[signed(&claims, 11)]).err().map(|error| error.code()), expected, "{issued} {expires}");
    }
}

#[test]
fn an_approval_signed_with_another_key_is_invalid() {
    for signer in [1, 12, 14] {
        assert_eq!(refused(verdict(1, &[signed(&claims(11, 1), signer)])).code(), Code::ApprovalInvalid);
    }
}

#[test]
fn garbage_beside_good_approvals_is_refused_and_never_dropped() {
    let good = [yes(11, 1), yes(12, 2)];
    let claims = claims(13, 3);
    let kind = |kind| seal(kind, &claims.encode(), &key(13)).unwrap();
    for (garbage, code) in [
        (vec![], Code::Malformed),
        (vec![0], Code::Malformed),
        (b"not an approval".to_vec(), Code::Malformed),
        (vec![0; limits::MAX_APPROVAL + 1], Code::TooLarge),
        (kind(ObjectKind::Token), Code::KindMismatch),
        (kind(ObjectKind::Proof), Code::KindMismatch),
        (kind(ObjectKind::Consent), Code::KindMismatch),
        (seal(ObjectKind::Approval, &[0xa0], &key(13)).unwrap(), Code::ClaimMissing),
        (seal(ObjectKind::Approval, &[0x80], &key(13)).unwrap(), Code::Malformed),
    ] {
        for place in 0..=2 {
            let mut approvals = good.to_vec();
            approvals.insert(place, garbage.clone());
            assert_eq!(refused(verdict(2, &approvals)).code(), code);
        }
    }
}

#[test]
fn more_than_64_approvals_are_refused_before_any_is_read() {
    let approvals = vec![yes(11, 1); 64];
    assert_eq!(ids(verdict(1, &approvals)), [1]);
    for count in [65, 100_000] {
        assert_eq!(refused(verdict(1, &vec![Vec::new(); count])).code(), Code::TooMany);
    }
}

#[test]
fn every_prefix_and_every_changed_bit_of_an_approval_is_refused() {
    let approval = yes(11, 1);
    for length in 0..approval.len() {
        refused(verdict(1, &[approval[..length].to_vec()]));
    }
    refused(verdict(1, &[[&approval[..], &[0]].concat()]));
    for bit in 0..approval.len() * 8 {
        let mut changed = approval.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        refused(verdict(1, &[changed]));
    }
}

#[test]
fn claims_that_are_missing_unknown_or_out_of_their_range_are_refused() {
    let encoding = claims(11, 1).encode();
    assert_eq!(ApprovalClaims::decode(&encoding).unwrap(), claims(11, 1));
    let place = |needle: &[u8]| encoding.windows(needle.len()).position(|window| window == needle).unwrap();
    let with = |at: usize, byte: u8| {
        let mut changed = encoding.clone();
        changed[at] = byte;
        ApprovalClaims::decode(&changed).unwrap_err().code()
    };
    // Key 3, the decision, stands between the digest of the arguments and the session.
    let decision = place(&[0x03, 0x01, 0x04, 0x50]) + 1;
    assert_eq!(with(decision, 2), Code::ClaimInvalid);
    assert_eq!(with(decision, 0x20), Code::ClaimInvalid);
    assert_eq!(with(decision, 0xf5), Code::Malformed);
    assert_eq!(with(place(&[0x07, 0x68]), 0x09), Code::ClaimUnknown);
    assert_eq!(with(1, 0x02), Code::ClaimUnknown);
    for bad in [
        ApprovalClaims { tool: String::new(), ..claims(11, 1) },
        ApprovalClaims { tool: "a\nb".into(), ..claims(11, 1) },
        ApprovalClaims { audience: "x".repeat(257), ..claims(11, 1) },
        ApprovalClaims { name: Some("\u{202e}".into()), ..claims(11, 1) },
        ApprovalClaims { reason: Some("x".repeat(1025)), ..claims(11, 1) },
        ApprovalClaims { context: Some("tenant:1/../2".into()), ..claims(11, 1) },
        ApprovalClaims { context: Some(String::new()), ..claims(11, 1) },
        ApprovalClaims { context: Some("*".into()), ..claims(11, 1) },
    ] {
        assert_eq!(refused(verdict(1, &[signed(&bad, 11)])).code(), Code::ClaimInvalid, "{bad:?}");
    }
    let least = ApprovalClaims { name: None, reason: None, context: None, ..claims(11, 1) };
    assert_eq!(ApprovalClaims::decode(&least.encode()).unwrap(), least);
}

#[test]
fn the_largest_approval_fits() {
    let largest = ApprovalClaims {
        audience: "a".repeat(256),
        tool: "t".repeat(256),
        name: Some("n".repeat(256)),
        reason: Some("r".repeat(1024)),
        context: Some("c".repeat(256)),
        ..claims(11, 1)
    };
    let bytes = signed(&largest, 11);
    assert!(bytes.len() <= limits::MAX_APPROVAL);
    assert_eq!(ApprovalClaims::read(&bytes).unwrap().1, largest);
}

#[test]
fn what_is_not_listed_is_destructive() {
    let (chiefs, clerks) = ([public(11), public(12)], [public(13)]);
    let policy = ApprovalPolicy::new(2, &chiefs).unwrap().harmless(["read"]).unwrap().require("tag", 1, &clerks).unwrap();
    let counts =
        |policy: &ApprovalPolicy, tool: &str, hint| policy.requirements_for(tool, hint).map(|(count, _)| count).collect::<Vec<_>>();
    let hints = [ToolHint::Destructive, ToolHint::Additive, ToolHint::ReadOnly, ToolHint::Unknown];
    for hint in hints {
        assert_eq!(counts(&policy, "delete", hint), [2]);
        assert_eq!(counts(&policy, "Read", hint), [2]);
        assert!(counts(&policy, "read", hint).is_empty());
        assert_eq!(counts(&policy, "tag", hint), [1]);
    }
    let policy = policy.by_annotation();
    let expected = [vec![2], vec![], vec![], vec![2]];
    for (hint, expected) in hints.into_iter().zip(expected) {
        assert_eq!(counts(&policy, "delete", hint), expected);
        assert!(counts(&policy, "read", hint).is_empty());
        assert_eq!(counts(&policy, "tag", hint), [1]);
    }
    let both = policy.require("tag", 2, &chiefs).unwrap();
    assert_eq!(counts(&both, "tag", ToolHint::ReadOnly).len(), 2);
}

#[test]
fn a_tool_that_says_it_is_destructive_is() {
    for (read_only, destructive, hint) in [
        (None, None, ToolHint::Unknown),
        (Some(false), None, ToolHint::Unknown),
        (Some(true), None, ToolHint::ReadOnly),
        (Some(true), Some(false), ToolHint::ReadOnly),
        (Some(true), Some(true), ToolHint::Destructive),
        (None, Some(true), ToolHint::Destructive),
        (None, Some(false), ToolHint::Additive),
        (Some(false), Some(false), ToolHint::Additive),
    ] {
        assert_eq!(ToolHint::from_annotations(read_only, destructive), hint);
    }
}

#[test]
fn a_requirement_that_cannot_be_met_is_refused_when_it_is_made() {
    let keys: Vec<VerifyingKey> = (1..=17).map(public).collect();
    let twice = [public(1), public(1)];
    for (count, approvers) in [
        (0, &keys[..2]),
        (3, &keys[..2]),
        (0, &[]),
        (1, &[]),
        (1, &twice[..]),
        (2, &twice[..]),
        (256, &keys[..2]),
        (1 << 32, &keys[..2]),
        (1, &keys),
    ] {
        assert_eq!(ApprovalPolicy::new(count, approvers).unwrap_err().code(), Code::ConfigInvalid);
        let policy = ApprovalPolicy::new(1, &keys[..1]).unwrap();
        assert_eq!(policy.require("tool", count, approvers).unwrap_err().code(), Code::ConfigInvalid);
        assert_eq!(ApprovalRules::new().require("tool", count, approvers).unwrap_err().code(), Code::ClaimInvalid);
    }
    ApprovalPolicy::new(16, &keys[..16]).unwrap();
    let policy = || ApprovalPolicy::new(1, &keys[..1]).unwrap();
    for bad in ["", "a\n"] {
        assert_eq!(policy().harmless([bad]).unwrap_err().code(), Code::ConfigInvalid);
        assert_eq!(policy().require(bad, 1, &keys[..1]).unwrap_err().code(), Code::ConfigInvalid);
    }
    let both = policy().harmless(["a"]).unwrap().require("a", 1, &keys[..1]);
    assert_eq!(both.unwrap_err().code(), Code::ConfigInvalid);
    let both = policy().require("a", 1, &keys[..1]).unwrap().harmless(["a"]);
    assert_eq!(both.unwrap_err().code(), Code::ConfigInvalid);
}
