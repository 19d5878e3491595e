//! Enrolment: an agent that proves its key and shows evidence comes to an identity, once, and nobody else does.

mod forge;

use ciborium::Value as Cbor;
use deputize::os::SysRng;
use deputize::*;
use forge::{changed, claims_of, map, of, sealed};

const SECOND: u64 = 1_764_000_000;
const DETAILS: i64 = -65_545;
const AUTHORITY: &str = "ids.acme.example";

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn at(second: u64) -> Now {
    Now::from_millis(second * 1000).unwrap()
}

fn measurement() -> Digest {
    Digest::from_bytes([5; 32])
}

/// The authority is key 1, the launcher key 2, the agent key 3.
fn registrar() -> Registrar {
    let launcher = || Launcher::new("runner", key(2).verifying_key()).unwrap();
    Registrar::new(IdentityAuthority::new(AUTHORITY, key(1).verifying_key()).unwrap())
        .with_attestor(ParentAttestor::new("parent", [launcher()]).unwrap())
        .unwrap()
        .with_attestor(CodeAttestor::new("code", [launcher()], [(measurement(), "acme/coder")]).unwrap())
        .unwrap()
}

fn store() -> MemoryStore {
    MemoryStore::new(100, at(SECOND - 100)).unwrap()
}

fn challenge() -> Vec<u8> {
    registrar().challenge(&key(1), 60, &mut SysRng, at(SECOND)).unwrap()
}

fn child() -> Launch {
    Launch::new("runner", "runner/coder", key(3).verifying_key())
}

fn measured() -> Launch {
    Launch::new("runner", "acme/coder", key(3).verifying_key()).measurement(measurement())
}

fn request(challenge: &[u8], attestor: &str, launch: &Launch) -> Vec<u8> {
    let evidence = vouch(&key(2), launch, challenge, at(SECOND)).unwrap();
    enrol(&key(3), AUTHORITY, challenge, attestor, &evidence, at(SECOND)).unwrap()
}

fn admitted(request: &[u8]) -> Result<IdentityGrant> {
    registrar().admit(request, &store(), at(SECOND))
}

fn refused(request: &[u8]) -> Code {
    admitted(request).unwrap_err().code()
}

/// The identity that follows from what was admitted.
fn identity(grant: &IdentityGrant) -> VerifiedIdentity {
    let document = issue_identity(&key(1), AUTHORITY, grant, &mut SysRng, at(SECOND)).unwrap();
    let authority = IdentityAuthority::new(AUTHORITY, key(1).verifying_key()).unwrap();
    IdentityPolicy::new([authority]).unwrap().verify(&document, at(SECOND)).unwrap()
}

#[test]
fn an_agent_whose_launcher_vouches_for_it_gets_an_identity() {
    let request = request(&challenge(), "parent", &child());
    let identity = identity(&admitted(&request).unwrap());
    assert_eq!((identity.name(), identity.attestor()), ("runner/coder", Some("parent")));
    assert_eq!(identity.key(), key(3).verifying_key());
    assert_eq!(identity.attribute("launcher"), Some(&"runner".into()));
    assert!(identity.evidence().is_some());
}

#[test]
fn an_agent_of_admitted_code_gets_the_name_of_that_code() {
    let identity = identity(&admitted(&request(&challenge(), "code", &measured())).unwrap());
    assert_eq!((identity.name(), identity.attestor()), ("acme/coder", Some("code")));
    assert_eq!(identity.attribute("measurement"), Some(&measurement().to_string().into()));
}

#[test]
fn code_that_is_not_on_the_list_or_under_another_name_is_refused() {
    let other = child().measurement(Digest::from_bytes([6; 32]));
    let renamed = child().measurement(measurement());
    for (attestor, launch) in [("code", other), ("code", renamed), ("code", child()), ("parent", measured()), ("absent", child())] {
        assert_eq!(refused(&request(&challenge(), attestor, &launch)), Code::AttestationFailed, "{attestor} {launch:?}");
    }
}

#[test]
fn a_launcher_names_only_what_is_below_it() {
    for name in ["runner", "runner/", "runner2/coder", "acme/coder", "run"] {
        let launch = Launch::new("runner", name, key(3).verifying_key());
        assert_eq!(refused(&request(&challenge(), "parent", &launch)), Code::AttestationFailed, "{name}");
    }
}

#[test]
fn a_challenge_is_answered_once() {
    let (registrar, store, challenge) = (registrar(), store(), challenge());
    let first = request(&challenge, "parent", &child());
    registrar.admit(&first, &store, at(SECOND)).unwrap();
    for again in [first, request(&challenge, "code", &measured())] {
        assert_eq!(registrar.admit(&again, &store, at(SECOND)).unwrap_err().code(), Code::AttestationFailed);
    }
}

#[test]
fn a_clock_that_runs_backwards_brings_no_answered_challenge_back() {
    let (registrar, store, challenge) = (registrar(), store(), challenge());
    let first = request(&challenge, "parent", &child());
    registrar.admit(&first, &store, at(SECOND)).unwrap();
    let later = registrar.challenge(&key(1), 60, &mut SysRng, at(SECOND + 100)).unwrap();
    let evidence = vouch(&key(2), &child(), &later, at(SECOND + 100)).unwrap();
    let second = enrol(&key(3), AUTHORITY, &later, "parent", &evidence, at(SECOND + 100)).unwrap();
    registrar.admit(&second, &store, at(SECOND + 100)).unwrap();
    assert_eq!(store.len(), 1, "the first claim has expired");
    assert_eq!(registrar.admit(&first, &store, at(SECOND)).unwrap_err().code(), Code::ClockBehind);
    assert_eq!(registrar.challenge(&key(1), 60, &mut SysRng, at(SECOND)).unwrap_err().code(), Code::ClockBehind);
    // A small step back counts as the latest time.
    assert_eq!(registrar.admit(&first, &store, at(SECOND + 40)).unwrap_err().code(), Code::AttestationFailed);
}

#[test]
fn a_request_that_is_refused_uses_nothing_up() {
    let (registrar, store, challenge) = (registrar(), store(), challenge());
    let wrong = request(&challenge, "code", &child());
    assert_eq!(registrar.admit(&wrong, &store, at(SECOND)).unwrap_err().code(), Code::AttestationFailed);
    assert!(store.is_empty());
    registrar.admit(&request(&challenge, "parent", &child()), &store, at(SECOND)).unwrap();
}

#[test]
fn what_the_store_cannot_remember_is_refused() {
    struct Answers(Outcome);
    impl Store for Answers {
        fn commit(&self, _: &[Operation], _: Now) -> Outcome {
            self.0
        }
    }
    let request = request(&challenge(), "parent", &child());
    for (outcome, expected) in [
        (Outcome::Full, Code::StoreFull),
        (Outcome::Unavailable, Code::StoreUnavailable),
        (Outcome::Predates(0), Code::TokenPredatesStore),
        (Outcome::Refused(0), Code::AttestationFailed),
    ] {
        let error = registrar().admit(&request, &Answers(outcome), at(SECOND)).unwrap_err();
        assert_eq!(error.code(), expected);
    }
    let younger = MemoryStore::new(10, Now::from_millis(SECOND * 1000 + 1).unwrap()).unwrap();
    assert_eq!(registrar().admit(&request, &younger, at(SECOND + 1)).unwrap_err().code(), Code::TokenPredatesStore);
}

#[test]
fn a_challenge_counts_from_its_millisecond_on() {
    let millis = |millis| Now::from_millis(SECOND * 1000 + millis).unwrap();
    let store = MemoryStore::new(10, millis(400)).unwrap();
    let challenge = registrar().challenge(&key(1), 60, &mut SysRng, millis(400)).unwrap();
    registrar().admit(&request(&challenge, "parent", &child()), &store, millis(500)).unwrap();
}

#[test]
fn a_challenge_lives_as_long_as_it_says() {
    for (ttl, allowed) in [(0, false), (1, true), (600, true), (601, false), (u64::MAX, false)] {
        let made = registrar().challenge(&key(1), ttl, &mut SysRng, at(SECOND));
        assert_eq!(made.err().map(|error| error.code()), (!allowed).then_some(Code::ClaimInvalid), "{ttl}");
    }
    let challenge = challenge();
    let request = request(&challenge, "parent", &child());
    for (second, expected) in [
        (SECOND - 31, Some(Code::AttestationFailed)),
        (SECOND - 30, None),
        (SECOND + 59, None),
        (SECOND + 60, Some(Code::AttestationFailed)),
    ] {
        let answer = registrar().admit(&request, &store(), at(second));
        assert_eq!(answer.err().map(|error| error.code()), expected, "{second}");
        let made = enrol(&key(3), AUTHORITY, &challenge, "parent", b"", at(second));
        assert_eq!(made.err().map(|error| error.code()), expected, "{second}");
        assert_eq!(vouch(&key(2), &child(), &challenge, at(second)).err().map(|error| error.code()), expected, "{second}");
    }
}

#[test]
fn a_challenge_of_another_authority_is_refused() {
    let same_name = Registrar::new(IdentityAuthority::new(AUTHORITY, key(7).verifying_key()).unwrap());
    let foreign = same_name.challenge(&key(7), 60, &mut SysRng, at(SECOND)).unwrap();
    assert_eq!(refused(&request(&foreign, "parent", &child())), Code::AttestationFailed);

    let same_key = Registrar::new(IdentityAuthority::new("ids.other.example", key(1).verifying_key()).unwrap());
    let foreign = same_key.challenge(&key(1), 60, &mut SysRng, at(SECOND)).unwrap();
    let made = enrol(&key(3), AUTHORITY, &foreign, "parent", b"", at(SECOND));
    assert_eq!(made.unwrap_err().code(), Code::AttestationFailed);
    let evidence = vouch(&key(2), &child(), &foreign, at(SECOND)).unwrap();
    let to_other = enrol(&key(3), "ids.other.example", &foreign, "parent", &evidence, at(SECOND)).unwrap();
    assert_eq!(refused(&to_other), Code::AttestationFailed);
    let readdressed = sealed("attestation", &changed(&claims_of(&to_other), 3, Some(AUTHORITY.into())), &key(3));
    assert_eq!(refused(&readdressed), Code::AttestationFailed);

    assert_eq!(registrar().challenge(&key(7), 60, &mut SysRng, at(SECOND)).unwrap_err().code(), Code::HolderMismatch);
}

#[test]
fn only_who_has_the_key_can_ask_for_it() {
    let challenge = challenge();
    let honest = claims_of(&request(&challenge, "parent", &child()));
    assert_eq!(refused(&sealed("attestation", &honest, &key(4))), Code::AttestationFailed);
    admitted(&sealed("attestation", &honest, &key(3))).unwrap();
    // Evidence about one key is none about another.
    let evidence = vouch(&key(2), &child(), &challenge, at(SECOND)).unwrap();
    let stolen = enrol(&key(4), AUTHORITY, &challenge, "parent", &evidence, at(SECOND)).unwrap();
    assert_eq!(refused(&stolen), Code::AttestationFailed);
}

#[test]
fn every_prefix_and_every_single_bit_flip_is_refused() {
    let request = request(&challenge(), "parent", &child());
    let (registrar, store) = (registrar(), store());
    for end in 0..request.len() {
        assert!(registrar.admit(&request[..end], &store, at(SECOND)).is_err(), "{end}");
    }
    for bit in 0..request.len() * 8 {
        let mut flipped = request.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(registrar.admit(&flipped, &store, at(SECOND)).is_err(), "{bit}");
    }
    assert!(store.is_empty());
    assert_eq!(refused(&vec![0; limits::MAX_ENROLMENT + 1]), Code::TooLarge);
    registrar.admit(&request, &store, at(SECOND)).unwrap();
}

#[test]
fn every_prefix_and_every_single_bit_flip_of_evidence_and_challenge_is_refused() {
    let challenge = challenge();
    let evidence = vouch(&key(2), &child(), &challenge, at(SECOND)).unwrap();
    let honest = claims_of(&request(&challenge, "parent", &child()));
    let (registrar, store) = (registrar(), store());
    for (place, bytes) in [(3, &evidence), (4, &challenge)] {
        let prefixes = (0..bytes.len()).map(|end| bytes[..end].to_vec());
        let flips = (0..bytes.len() * 8).map(|bit| {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            flipped
        });
        for wrong in prefixes.chain(flips) {
            let details = changed(&of(&honest, DETAILS), place, Some(Cbor::Bytes(wrong.clone())));
            let forged = sealed("attestation", &changed(&honest, DETAILS, Some(details)), &key(3));
            assert!(registrar.admit(&forged, &store, at(SECOND)).is_err(), "{place} {wrong:x?}");
        }
    }
    assert!(store.is_empty());
}

/// Each wrong field of an object, and the code for it.
type Case = ((i64, Option<Cbor>), Code);

fn detail(claims: &Cbor, key: i64, value: Option<Cbor>) -> (i64, Option<Cbor>) {
    (DETAILS, Some(changed(&of(claims, DETAILS), key, value)))
}

fn bytes(length: usize) -> Option<Cbor> {
    Some(Cbor::Bytes(vec![1; length]))
}

fn cnf(x: Vec<u8>) -> Option<Cbor> {
    Some(map([(1, map([(1, 1.into()), (-1, 6.into()), (-2, x.into())]))]))
}

/// What every object of an enrolment has.
fn common(honest: &Cbor) -> Vec<Case> {
    vec![
        ((4, None), Code::ClaimMissing),
        ((4, Some(SECOND.into())), Code::ClaimInvalid),
        ((4, Some((SECOND + 601).into())), Code::ClaimInvalid),
        ((4, Some("soon".into())), Code::Malformed),
        ((6, None), Code::ClaimMissing),
        ((6, Some((SECOND + 31).into())), Code::AttestationFailed),
        ((5, Some(SECOND.into())), Code::ClaimUnknown),
        ((-65_546, Some(1.into())), Code::ClaimUnknown),
        ((DETAILS, None), Code::ClaimMissing),
        ((DETAILS, Some(map([]))), Code::ClaimMissing),
        ((DETAILS, Some(1.into())), Code::Malformed),
        (detail(honest, 0, None), Code::ClaimMissing),
        (detail(honest, 0, Some(2.into())), Code::VersionUnsupported),
        (detail(honest, 1, None), Code::ClaimMissing),
        (detail(honest, 1, Some(3.into())), Code::KindMismatch),
        (detail(honest, 7, Some(1.into())), Code::ClaimUnknown),
    ]
}

#[test]
fn each_field_of_a_request_has_its_rule() {
    let challenge = challenge();
    let honest = claims_of(&request(&challenge, "parent", &child()));
    let own: Vec<Case> = vec![
        ((1, Some("runner".into())), Code::ClaimUnknown),
        ((3, None), Code::ClaimMissing),
        ((3, Some("ids.other.example".into())), Code::AttestationFailed),
        ((3, Some("".into())), Code::ClaimInvalid),
        ((6, Some((SECOND + 60).into())), Code::ClaimInvalid),
        ((7, bytes(16)), Code::ClaimUnknown),
        ((8, None), Code::ClaimMissing),
        ((8, cnf(vec![0; 32])), Code::KeyInvalid),
        ((8, Some(1.into())), Code::Malformed),
        (detail(&honest, 1, Some(1.into())), Code::KindMismatch),
        (detail(&honest, 1, Some(2.into())), Code::KindMismatch),
        (detail(&honest, 2, None), Code::ClaimMissing),
        (detail(&honest, 2, Some("other".into())), Code::AttestationFailed),
        (detail(&honest, 3, None), Code::ClaimMissing),
        (detail(&honest, 3, bytes(16 * 1024 + 1)), Code::TooLarge),
        (detail(&honest, 4, None), Code::ClaimMissing),
        (detail(&honest, 4, bytes(1025)), Code::TooLarge),
        (detail(&honest, 5, bytes(32)), Code::ClaimUnknown),
    ];
    for ((label, value), expected) in common(&honest).into_iter().chain(own) {
        let forged = sealed("attestation", &changed(&honest, label, value.clone()), &key(3));
        assert_eq!(refused(&forged), expected, "{label}: {value:?}");
    }
    assert_eq!(refused(&sealed("identity", &honest, &key(3))), Code::KindMismatch);
}

#[test]
fn each_field_of_a_launchers_word_has_its_rule() {
    let challenge = challenge();
    let evidence = vouch(&key(2), &child(), &challenge, at(SECOND)).unwrap();
    let honest = claims_of(&evidence);
    let own: Vec<Case> = vec![
        ((1, None), Code::AttestationFailed),
        ((1, Some("stranger".into())), Code::AttestationFailed),
        ((2, None), Code::ClaimMissing),
        ((2, Some("acme/coder".into())), Code::AttestationFailed),
        ((3, None), Code::ClaimMissing),
        ((3, Some("ids.other.example".into())), Code::AttestationFailed),
        ((8, None), Code::ClaimMissing),
        ((8, cnf(key(4).verifying_key().as_bytes().to_vec())), Code::AttestationFailed),
        ((10, None), Code::ClaimMissing),
        ((10, bytes(32)), Code::AttestationFailed),
        ((10, bytes(31)), Code::ClaimInvalid),
        (detail(&honest, 1, Some(0.into())), Code::KindMismatch),
        (detail(&honest, 5, bytes(32)), Code::AttestationFailed),
        (detail(&honest, 5, bytes(31)), Code::ClaimInvalid),
    ];
    let answer = |evidence: &[u8]| refused(&enrol(&key(3), AUTHORITY, &challenge, "parent", evidence, at(SECOND)).unwrap());
    for ((label, value), expected) in common(&honest).into_iter().chain(own) {
        let forged = sealed("attestation", &changed(&honest, label, value.clone()), &key(2));
        assert_eq!(answer(&forged), expected, "{label}: {value:?}");
    }
    assert_eq!(answer(&sealed("attestation", &honest, &key(4))), Code::AttestationFailed);
    assert_eq!(answer(&sealed("cap", &honest, &key(2))), Code::KindMismatch);
    assert_eq!(answer(b""), Code::Malformed);
}

#[test]
fn each_field_of_a_challenge_has_its_rule() {
    let honest = claims_of(&challenge());
    let own: Vec<Case> = vec![
        ((1, None), Code::ClaimMissing),
        ((1, Some("ids.other.example".into())), Code::AttestationFailed),
        ((3, Some(AUTHORITY.into())), Code::ClaimUnknown),
        ((10, None), Code::ClaimMissing),
        ((10, bytes(33)), Code::ClaimInvalid),
        (detail(&honest, 1, Some(0.into())), Code::KindMismatch),
        (detail(&honest, 6, None), Code::ClaimMissing),
        (detail(&honest, 6, Some(1000.into())), Code::ClaimInvalid),
        (detail(&honest, 6, Some((-1).into())), Code::ClaimInvalid),
    ];
    let request = claims_of(&request(&challenge(), "parent", &child()));
    for ((label, value), expected) in common(&honest).into_iter().chain(own) {
        let forged = sealed("attestation", &changed(&honest, label, value.clone()), &key(1));
        let details = changed(&of(&request, DETAILS), 4, Some(forged.into()));
        let asked = sealed("attestation", &changed(&request, DETAILS, Some(details)), &key(3));
        assert_eq!(refused(&asked), expected, "{label}: {value:?}");
    }
}

#[test]
fn a_launcher_does_not_vouch_for_itself() {
    let own = Launch::new("runner", "runner/coder", key(2).verifying_key());
    let challenge = challenge();
    assert_eq!(vouch(&key(2), &own, &challenge, at(SECOND)).unwrap_err().code(), Code::HolderRepeated);
    let honest = claims_of(&vouch(&key(2), &child(), &challenge, at(SECOND)).unwrap());
    let forged = changed(&honest, 8, cnf(key(2).verifying_key().as_bytes().to_vec()));
    let evidence = sealed("attestation", &forged, &key(2));
    let request = enrol(&key(2), AUTHORITY, &challenge, "parent", &evidence, at(SECOND)).unwrap();
    assert_eq!(refused(&request), Code::AttestationFailed);
}

#[test]
fn what_is_not_well_formed_is_not_signed() {
    let challenge = challenge();
    let ask =
        |authority, attestor, evidence: &[u8]| enrol(&key(3), authority, &challenge, attestor, evidence, at(SECOND)).unwrap_err().code();
    assert_eq!(ask("", "parent", b""), Code::NameInvalid);
    assert_eq!(ask(AUTHORITY, "\n", b""), Code::NameInvalid);
    assert_eq!(ask(AUTHORITY, "parent", &[0; 16 * 1024 + 1]), Code::TooLarge);
    assert_eq!(enrol(&key(3), AUTHORITY, b"", "parent", b"", at(SECOND)).unwrap_err().code(), Code::Malformed);
    assert_eq!(enrol(&key(3), AUTHORITY, &[0; 1025], "parent", b"", at(SECOND)).unwrap_err().code(), Code::TooLarge);
    for launch in [Launch::new("", "a", key(3).verifying_key()), Launch::new("runner", "", key(3).verifying_key())] {
        assert_eq!(vouch(&key(2), &launch, &challenge, at(SECOND)).unwrap_err().code(), Code::NameInvalid);
    }
}

#[test]
fn a_configuration_that_cannot_be_meant_is_refused() {
    let launcher = || Launcher::new("runner", key(2).verifying_key()).unwrap();
    let code = |result: Result<CodeAttestor>| result.unwrap_err().code();
    assert_eq!(Launcher::new("", key(2).verifying_key()).unwrap_err().code(), Code::NameInvalid);
    assert_eq!(ParentAttestor::new("parent", []).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(ParentAttestor::new("parent", [launcher(), launcher()]).unwrap_err().code(), Code::ConfigInvalid);
    assert_eq!(code(CodeAttestor::new("code", [launcher()], [])), Code::ConfigInvalid);
    assert_eq!(code(CodeAttestor::new("code", [], [(measurement(), "a")])), Code::ConfigInvalid);
    assert_eq!(code(CodeAttestor::new("code", [launcher()], [(measurement(), "a"), (measurement(), "b")])), Code::ConfigInvalid);
    assert_eq!(code(CodeAttestor::new("code", [launcher()], [(measurement(), "")])), Code::ConfigInvalid);
    for name in ["parent", ""] {
        let attestor = ParentAttestor::new(name, [launcher()]).unwrap();
        assert_eq!(registrar().with_attestor(attestor).unwrap_err().code(), Code::ConfigInvalid, "{name}");
    }
}

#[test]
fn an_attestor_of_ones_own_cannot_change_the_key() {
    struct Careless;
    impl Attestor for Careless {
        fn name(&self) -> &str {
            "careless"
        }
        fn attest(&self, enrolment: &Enrolment<'_>, _: Now) -> Result<IdentityGrant> {
            assert_eq!((enrolment.authority, enrolment.evidence), (AUTHORITY, &b"please"[..]));
            Ok(IdentityGrant::new("anybody", key(9).verifying_key()))
        }
    }
    let request = enrol(&key(3), AUTHORITY, &challenge(), "careless", b"please", at(SECOND)).unwrap();
    let grant = registrar().with_attestor(Careless).unwrap().admit(&request, &store(), at(SECOND)).unwrap();
    assert_eq!(identity(&grant).key(), key(3).verifying_key());
}
