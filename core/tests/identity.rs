//! Identity documents: what is issued is accepted, and nothing else is.

mod forge;

use ciborium::Value as Cbor;
use deputize::os::SysRng;
use deputize::*;
use forge::{changed, claims_of, map, of, sealed};

const SECOND: u64 = 1_764_000_000;
const DETAILS: i64 = -65_541;

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn at(second: u64) -> Now {
    Now::from_millis(second * 1000).unwrap()
}

fn authority() -> SigningKey {
    key(1)
}

fn policy() -> IdentityPolicy {
    IdentityPolicy::new([IdentityAuthority::new("ids.acme.example", authority().verifying_key()).unwrap()]).unwrap()
}

fn grant(n: u8) -> IdentityGrant {
    IdentityGrant::new("acme/coder", key(n).verifying_key())
        .environment("production")
        .attribute("team", "payments")
        .attribute("trusted", true)
        .attribute("tier", 2)
        .attestor("ci")
        .evidence(Digest::from_bytes([9; 32]))
}

fn issued(grant: &IdentityGrant) -> Vec<u8> {
    issue_identity(&authority(), "ids.acme.example", grant, &mut SysRng, at(SECOND)).unwrap()
}

fn verified(grant: &IdentityGrant) -> VerifiedIdentity {
    policy().verify(&issued(grant), at(SECOND)).unwrap()
}

fn refused(bytes: &[u8], second: u64) -> Code {
    policy().verify(bytes, at(second)).unwrap_err().code()
}

#[test]
fn what_an_authority_says_is_what_a_verifier_reads() {
    let identity = verified(&grant(2));
    assert_eq!((identity.name(), identity.authority().name()), ("acme/coder", "ids.acme.example"));
    assert_eq!((identity.kind(), identity.state()), (IdentityKind::Agent, IdentityState::Active));
    assert_eq!(identity.key(), key(2).verifying_key());
    assert_eq!((identity.environment(), identity.attestor()), (Some("production"), Some("ci")));
    assert_eq!(identity.evidence(), Some(Digest::from_bytes([9; 32])));
    let attributes: Vec<_> = identity.attributes().map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let expected = [("team", Value::from("payments")), ("tier", 2.into()), ("trusted", true.into())];
    assert_eq!(attributes, expected.map(|(name, value)| (name.to_owned(), value)));
    assert_eq!((identity.issued().secs(), identity.expires().secs()), (SECOND, SECOND + DEFAULT_IDENTITY_TTL));
    for kind in [IdentityKind::Human, IdentityKind::Agent, IdentityKind::Service, IdentityKind::Tool] {
        assert_eq!(verified(&grant(2).kind(kind)).kind(), kind);
        assert_eq!(IdentityKind::from_name(kind.as_str()), Some(kind));
    }
}

#[test]
fn every_prefix_and_every_single_bit_flip_is_refused() {
    let document = issued(&grant(2));
    let policy = policy();
    // Also when the honest document is remembered.
    policy.verify(&document, at(SECOND)).unwrap();
    for end in 0..document.len() {
        assert!(policy.verify(&document[..end], at(SECOND)).is_err(), "{end}");
    }
    for bit in 0..document.len() * 8 {
        let mut flipped = document.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(policy.verify(&flipped, at(SECOND)).is_err(), "{bit}");
    }
    let longer = [&document[..], &[0]].concat();
    assert_eq!(policy.verify(&longer, at(SECOND)).unwrap_err().code(), Code::Malformed);
    assert_eq!(refused(&vec![0; limits::MAX_IDENTITY + 1], SECOND), Code::TooLarge);
}

#[test]
fn an_identity_lives_as_long_as_it_says_and_its_times_are_judged_anew_each_time() {
    let policy = policy();
    let document = issued(&grant(2).ttl(60));
    for (second, expected) in [
        (SECOND - 31, Some(Code::IdentityNotYetValid)),
        (SECOND - 30, None),
        (SECOND, None),
        (SECOND + 59, None),
        (SECOND + 60, Some(Code::IdentityExpired)),
        (SECOND + 59, None),
    ] {
        assert_eq!(policy.verify(&document, at(second)).err().map(|error| error.code()), expected, "{second}");
    }
}

#[test]
fn a_ttl_is_a_second_to_a_day() {
    for (ttl, allowed) in [(0, false), (1, true), (86_400, true), (86_401, false), (u64::MAX, false)] {
        let made = issue_identity(&authority(), "ids.acme.example", &grant(2).ttl(ttl), &mut SysRng, at(SECOND));
        assert_eq!(made.err().map(|error| error.code()), (!allowed).then_some(Code::ClaimInvalid), "{ttl}");
    }
}

#[test]
fn what_is_not_well_formed_is_not_issued() {
    let long = "x".repeat(257);
    let many = (0..33).fold(grant(2), |grant, n| grant.attribute(&format!("a{n}"), n));
    let large = (0..5).fold(grant(2), |grant, n| grant.attribute(&format!("a{n}"), "x".repeat(1000)));
    for (grant, expected) in [
        (IdentityGrant::new("", key(2).verifying_key()), Code::NameInvalid),
        (IdentityGrant::new("a\nb", key(2).verifying_key()), Code::NameInvalid),
        (grant(2).environment(&long), Code::NameInvalid),
        (grant(2).attestor("\u{202e}"), Code::NameInvalid),
        (grant(2).attribute("", 1), Code::NameInvalid),
        (grant(2).attribute("team", "other"), Code::ClaimInvalid),
        (grant(2).attribute("a", 1.5), Code::ClaimInvalid),
        (grant(2).attribute("a", Value::Null), Code::ClaimInvalid),
        (grant(2).attribute("a", "\u{7}"), Code::ClaimInvalid),
        (grant(2).attribute("a", "x".repeat(1025)), Code::ClaimInvalid),
        (many, Code::TooMany),
        (large, Code::TooLarge),
    ] {
        let error = issue_identity(&authority(), "ids.acme.example", &grant, &mut SysRng, at(SECOND)).unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
    }
    let error = issue_identity(&authority(), "", &grant(2), &mut SysRng, at(SECOND)).unwrap_err();
    assert_eq!(error.code(), Code::NameInvalid);
}

#[test]
fn each_field_has_its_rule() {
    let honest = claims_of(&issued(&grant(2)));
    let details = of(&honest, DETAILS);
    let detail = |key, value: Option<Cbor>| (DETAILS, Some(changed(&details, key, value)));
    let attributes = |entries: Vec<(Cbor, Cbor)>| detail(4, Some(Cbor::Map(entries)));
    let bytes = |length: usize| Some(Cbor::Bytes(vec![1; length]));
    let cnf = |x: Vec<u8>| Some(map([(1, map([(1, 1.into()), (-1, 6.into()), (-2, x.into())]))]));
    let cases = [
        ((1, None), Code::IdentityUntrusted),
        ((1, Some("ids.other.example".into())), Code::IdentityUntrusted),
        ((1, Some(7.into())), Code::IdentityUntrusted),
        ((2, None), Code::ClaimMissing),
        ((2, Some("".into())), Code::ClaimInvalid),
        ((2, Some(7.into())), Code::Malformed),
        ((3, Some("somebody".into())), Code::ClaimUnknown),
        ((5, Some(SECOND.into())), Code::ClaimUnknown),
        ((-100_001, Some(1.into())), Code::ClaimUnknown),
        ((4, None), Code::ClaimMissing),
        ((4, Some(SECOND.into())), Code::ClaimInvalid),
        ((4, Some((SECOND - 1).into())), Code::ClaimInvalid),
        ((4, Some((SECOND + 86_401).into())), Code::ClaimInvalid),
        ((4, Some((-1).into())), Code::ClaimInvalid),
        ((4, Some(u64::MAX.into())), Code::Malformed),
        ((6, None), Code::ClaimMissing),
        ((7, None), Code::ClaimMissing),
        ((7, bytes(15)), Code::ClaimInvalid),
        ((8, None), Code::ClaimMissing),
        ((8, cnf(vec![0; 32])), Code::KeyInvalid),
        ((8, cnf(vec![1; 31])), Code::KeyInvalid),
        ((8, Some(map([]))), Code::ClaimInvalid),
        ((DETAILS, None), Code::ClaimMissing),
        ((DETAILS, Some(map([]))), Code::ClaimMissing),
        (detail(0, None), Code::ClaimMissing),
        (detail(0, Some(2.into())), Code::VersionUnsupported),
        (detail(1, None), Code::ClaimMissing),
        (detail(1, Some(4.into())), Code::ClaimInvalid),
        (detail(1, Some((-1).into())), Code::ClaimInvalid),
        (detail(2, None), Code::ClaimMissing),
        (detail(2, Some(2.into())), Code::ClaimInvalid),
        (detail(3, Some("".into())), Code::ClaimInvalid),
        (attributes(vec![]), Code::ClaimInvalid),
        (attributes(vec![("".into(), 1.into())]), Code::ClaimInvalid),
        (attributes(vec![("a".into(), 1.5.into())]), Code::Malformed),
        (attributes(vec![("a".into(), Cbor::Null)]), Code::Malformed),
        (attributes(vec![("a".into(), "\n".into())]), Code::ClaimInvalid),
        (attributes(vec![("a".into(), 1.into()), ("a".into(), 1.into())]), Code::NotCanonical),
        (attributes(vec![("b".into(), 1.into()), ("a".into(), 1.into())]), Code::NotCanonical),
        (attributes((10..43).map(|n| (n.to_string().into(), n.into())).collect()), Code::TooMany),
        (detail(5, Some("".into())), Code::ClaimInvalid),
        (detail(6, bytes(31)), Code::ClaimInvalid),
        (detail(7, Some(1.into())), Code::ClaimUnknown),
    ];
    for ((label, value), expected) in cases {
        let forged = sealed("identity", &changed(&honest, label, value.clone()), &authority());
        assert_eq!(refused(&forged, SECOND), expected, "{label}: {value:?}");
    }
    policy().verify(&sealed("identity", &honest, &authority()), at(SECOND)).unwrap();
}

#[test]
fn an_object_of_another_kind_is_no_identity() {
    let claims = claims_of(&issued(&grant(2)));
    for kind in ["cap", "pop", "attestation", "approval"] {
        assert_eq!(refused(&sealed(kind, &claims, &authority()), SECOND), Code::KindMismatch, "{kind}");
    }
}

#[test]
fn only_the_authority_of_the_configuration_is_believed() {
    let other = |name| issue_identity(&key(7), name, &grant(2), &mut SysRng, at(SECOND)).unwrap();
    assert_eq!(refused(&other("ids.acme.example"), SECOND), Code::IdentityInvalid);
    assert_eq!(refused(&other("ids.other.example"), SECOND), Code::IdentityUntrusted);
    let same = || IdentityAuthority::new("ids.acme.example", authority().verifying_key()).unwrap();
    assert_eq!(IdentityPolicy::new([same(), same()]).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(IdentityPolicy::new([]).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(IdentityAuthority::new("", key(1).verifying_key()).unwrap_err().code(), Code::NameInvalid);
}

#[test]
fn a_document_that_another_policy_remembers_is_checked_here() {
    let foreign = IdentityPolicy::new([IdentityAuthority::new("ids.acme.example", key(7).verifying_key()).unwrap()]).unwrap();
    let document = issue_identity(&key(7), "ids.acme.example", &grant(2), &mut SysRng, at(SECOND)).unwrap();
    foreign.verify(&document, at(SECOND)).unwrap();
    foreign.verify(&document, at(SECOND)).unwrap();
    assert_eq!(refused(&document, SECOND), Code::IdentityInvalid);
}

#[test]
fn more_documents_than_are_remembered_are_verified_all_the_same() {
    let policy = policy();
    let documents: Vec<_> = (0..4500).map(|_| issued(&grant(2))).collect();
    for document in documents.iter().chain(&documents) {
        policy.verify(document, at(SECOND)).unwrap();
    }
}

// Rules.

/// The keys 2, 3 and 4 hold a chain; each of these has an identity.
fn judge(rule: Option<IdentityRule>, identities: &[VerifiedIdentity]) -> Result<Vec<Option<usize>>> {
    let holders = [key(2), key(3), key(4)];
    let holders: Vec<&VerifyingKey> = holders.iter().map(SigningKey::verifying_key).collect();
    match rule {
        None => policy().judge(&holders, identities),
        Some(rule) => policy().with_rule(rule).unwrap().judge(&holders, identities),
    }
}

fn refusal(rule: Option<IdentityRule>, identities: &[VerifiedIdentity]) -> (Code, Option<usize>) {
    let error = judge(rule, identities).unwrap_err();
    (error.code(), error.link())
}

#[test]
fn each_holder_is_given_its_identity_whatever_their_order() {
    assert_eq!(judge(None, &[]).unwrap(), [None, None, None]);
    assert_eq!(judge(None, &[verified(&grant(4)), verified(&grant(2))]).unwrap(), [Some(1), None, Some(0)]);
}

#[test]
fn a_rule_is_about_the_hops_that_it_names() {
    let [root, middle, leaf] = [2, 3, 4].map(|n| verified(&grant(n)));
    for (hops, enough, one_less, link) in [
        (Hops::All, vec![root.clone(), middle.clone(), leaf.clone()], vec![root.clone(), leaf.clone()], 1),
        (Hops::Leaf, vec![leaf.clone()], vec![root.clone(), middle.clone()], 2),
        (Hops::Root, vec![root.clone()], vec![middle, leaf], 0),
    ] {
        judge(Some(IdentityRule::new(hops)), &enough).unwrap();
        assert_eq!(refusal(Some(IdentityRule::new(hops)), &one_less), (Code::IdentityRequired, Some(link)), "{hops:?}");
    }
}

#[test]
fn each_condition_refuses_what_does_not_meet_it() {
    let rule = || IdentityRule::new(Hops::Leaf);
    let leaf = || vec![verified(&grant(4))];
    for met in [
        rule().kind(IdentityKind::Agent),
        rule().environment("production"),
        rule().attribute("tier", 2),
        rule().attribute("trusted", true).attribute("team", "payments"),
        rule().attestors(["launcher", "ci"]),
        rule().kind(IdentityKind::Agent).environment("production").attestors(["ci"]),
    ] {
        judge(Some(met), &leaf()).unwrap();
    }
    for broken in [
        rule().kind(IdentityKind::Human),
        rule().environment("Production"),
        rule().attribute("tier", "2"),
        rule().attribute("tier", 3),
        rule().attribute("trusted", 1),
        rule().attribute("absent", true),
        rule().attestors(["launcher"]),
        rule().kind(IdentityKind::Agent).environment("production").attestors(["launcher"]),
    ] {
        assert_eq!(refusal(Some(broken.clone()), &leaf()), (Code::IdentityRefused, Some(2)), "{broken:?}");
    }
    let bare = verified(&IdentityGrant::new("acme/coder", key(4).verifying_key()));
    for broken in [rule().environment("production"), rule().attestors(["ci"]), rule().attribute("team", "payments")] {
        assert_eq!(refusal(Some(broken), std::slice::from_ref(&bare)), (Code::IdentityRefused, Some(2)));
    }
}

#[test]
fn a_rule_that_nothing_could_meet_is_refused_at_once() {
    let rule = || IdentityRule::new(Hops::All);
    let twice = rule().attribute("a", 1).attribute("b", 1);
    policy().with_rule(twice.clone().attribute("a", 1)).unwrap();
    for rule in [
        rule().attestors([]),
        rule().attestors([""]),
        rule().environment(""),
        rule().attribute("", 1),
        rule().attribute("a", 1.5),
        rule().attribute("a", "a\nb"),
        rule().attribute("a", "x".repeat(1025)),
        twice.attribute("a", 2),
    ] {
        assert_eq!(policy().with_rule(rule).unwrap_err().code(), Code::ConfigInvalid);
    }
}

#[test]
fn an_identity_for_nobody_here_and_a_second_one_of_a_key_are_refused() {
    assert_eq!(refusal(None, &[verified(&grant(9))]), (Code::IdentityRefused, None));
    assert_eq!(refusal(None, &[verified(&grant(3)), verified(&grant(3))]), (Code::IdentityRefused, Some(1)));
}

#[test]
fn a_pending_identity_is_refused_where_none_is_asked_for() {
    let pending = verified(&grant(3).state(IdentityState::Pending));
    assert_eq!(pending.state(), IdentityState::Pending);
    assert_eq!(refusal(None, std::slice::from_ref(&pending)), (Code::AgentPending, Some(1)));
    assert_eq!(refusal(Some(IdentityRule::new(Hops::Leaf)), &[pending]), (Code::AgentPending, Some(1)));
}
