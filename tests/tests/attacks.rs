//! Attacks that take many inputs; the ones that take one are in `tests/vectors/`. Each test names the class that it stands for, and has its positive
//! twin: the same input without the defect is allowed.

use std::sync::atomic::{AtomicUsize, Ordering};

use ciborium::Value as Cbor;
use deputize::os::SysRng;
use deputize::*;
use deputize_tests::forge::{self, Map, public};
use deputize_tests::scenarios::{AUDIENCE, NOW, Scenario};

fn now() -> Now {
    Now::from_millis(NOW * 1000 + 500).unwrap()
}

fn anchor() -> TrustAnchor {
    TrustAnchor::new("ana", &VerifyingKey::from_bytes(&public(1)).unwrap()).unwrap()
}

fn verifier_with(store: impl Store + 'static) -> Verifier {
    Verifier::new([anchor()], AUDIENCE, store).unwrap()
}

fn memory(capacity: usize) -> MemoryStore {
    MemoryStore::new(capacity, Now::from_millis((NOW - 10) * 1000).unwrap()).unwrap()
}

fn verifier() -> Verifier {
    verifier_with(memory(1000))
}

/// Commits everything: for tests that send one proof many times.
struct Forgetful;

impl Store for Forgetful {
    fn commit(&self, _: &[Operation], _: Now) -> Outcome {
        Outcome::Committed
    }
}

fn arguments() -> Arguments {
    let Value::Map(entries) = value_from_json(deputize_tests::scenarios::ARGUMENTS).unwrap() else { panic!("a map") };
    Arguments::new(entries).unwrap()
}

fn good() -> Vec<u8> {
    Scenario::new("good", "the good story").presentation()
}

fn decide(verifier: &Verifier, presentation: &[u8]) -> Result<Authorized, Denied> {
    verifier.authorize(presentation, &Call::new("github.update_pr", &arguments()), now())
}

fn code(outcome: Result<Authorized, Denied>) -> Code {
    outcome.unwrap_err().code()
}

fn signing(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn chain_to(holder: u8, tools: Tools) -> UnverifiedChain {
    issue(&signing(1), "ana", &Grant::to(signing(holder).verifying_key()).tools(tools), &mut SysRng, now()).unwrap()
}

fn any_call(tool: &str) -> Tools {
    Tools::new().allow(tool, ArgumentRules::new()).unwrap()
}

#[test]
fn enc_09_every_proper_prefix_of_a_presentation_is_refused() {
    let (verifier, good) = (verifier_with(Forgetful), good());
    for length in 0..good.len() {
        assert!(decide(&verifier, &good[..length]).is_err(), "{length} bytes");
    }
    assert!(decide(&verifier, &good).is_ok());
}

#[test]
fn enc_10_every_single_bit_flip_of_a_presentation_is_refused_cold_and_warm() {
    let good = good();
    let warm = verifier_with(Forgetful);
    assert!(decide(&warm, &good).is_ok());
    let cold = verifier_with(Forgetful);
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(decide(&warm, &bad).is_err(), "byte {at} bit {bit}, warm");
            assert!(decide(&cold, &bad).is_err(), "byte {at} bit {bit}, cold");
        }
    }
    assert!(decide(&warm, &good).is_ok());
    assert!(decide(&cold, &good).is_ok());
}

#[test]
fn enc_12_deep_nesting_is_refused_on_a_small_stack() {
    let run = || {
        for head in [&[0x81u8][..], &[0xa1, 0x60], &[0xc1], &[0xd2]] {
            for depth in [10_000, 1_000_000] {
                let bytes = head.repeat(depth);
                assert!(matches!(Value::decode(&bytes).unwrap_err().code(), Code::TooDeep | Code::TooLarge | Code::Malformed));
                assert!(matches!(Constraint::decode(&bytes).unwrap_err().code(), Code::Malformed | Code::ConstraintUnknown));
                assert!(UnverifiedChain::decode(&bytes).is_err());
                assert!(decide(&verifier(), &bytes).is_err());
            }
        }
        let nested = [0x82u8, 0x07, 0x81].repeat(100_000);
        assert_eq!(Constraint::decode(&nested).unwrap_err().code(), Code::TooDeep);
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(run).unwrap().join().unwrap();
}

#[test]
fn enc_05_no_other_encoding_of_a_good_token_verifies() {
    // The payload's length, the signature's length and every text of the story in a longer form, with everything else as it was.
    let good = good();
    for at in 0..good.len() {
        for (head, longer) in [(0x58u8, 0x59u8), (0x78, 0x79)] {
            if good[at] == head {
                let bad = [&good[..at], &[longer, 0], &good[at + 1..]].concat();
                assert!(decide(&verifier(), &bad).is_err(), "byte {at}");
            }
        }
    }
    assert!(decide(&verifier(), &good).is_ok());
}

#[test]
fn enc_25_size_is_judged_before_any_signature() {
    // Each of these would cost thousands of verifications if any signature was checked: they end at once, without a trust anchor's look-up.
    let token = vec![0u8; 4];
    let many = forge::presentation(&vec![token; 10_000], &[]);
    assert_eq!(code(decide(&verifier(), &many)), Code::TooMany);
    let huge = forge::presentation(&[vec![0; 16 << 20]], &[]);
    assert_eq!(code(decide(&verifier(), &huge)), Code::TooLarge);
}

#[test]
fn pop_02_arguments_that_read_alike_have_different_digests() {
    let digest = |json: &str| {
        let Value::Map(entries) = value_from_json(json).unwrap() else { panic!("{json}") };
        Arguments::new(entries).unwrap().digest()
    };
    assert_ne!(digest(r#"{"a":{"b":1}}"#), digest(r#"{"a.b":1}"#));
    assert_ne!(digest(r#"{"x":[["a"],"b"]}"#), digest(r#"{"x":["a",["b"]]}"#));
    assert_ne!(digest(r#"{"x":null}"#), digest("{}"));
    assert_eq!(digest(r#"{"a":1,"b":2}"#), digest(r#"{"b":2,"a":1}"#));
}

#[test]
fn pop_05_of_a_thousand_threads_with_one_proof_exactly_one_is_allowed() {
    let (verifier, good) = (verifier(), good());
    let (allowed, replayed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..1000 {
            scope.spawn(|| match decide(&verifier, &good) {
                Ok(_) => allowed.fetch_add(1, Ordering::Relaxed),
                Err(denied) if denied.code() == Code::ProofReplayed => replayed.fetch_add(1, Ordering::Relaxed),
                Err(denied) => panic!("{denied}"),
            });
        }
    });
    assert_eq!((allowed.into_inner(), replayed.into_inner()), (1, 999));
}

#[test]
fn pop_08_bad_proofs_leave_nothing_in_the_store_and_do_not_use_up_a_nonce() {
    let store = std::sync::Arc::new(memory(10));
    let verifier = verifier_with(Shared(store.clone()));
    let good = good();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        assert!(decide(&verifier, &bad).is_err());
    }
    assert!(store.is_empty());
    assert!(decide(&verifier, &good).is_ok());
    assert_eq!(store.len(), 1);
}

struct Shared(std::sync::Arc<MemoryStore>);

impl Store for Shared {
    fn commit(&self, transaction: &[Operation], now: Now) -> Outcome {
        self.0.commit(transaction, now)
    }
}

/// Says that every random byte is 7.
struct Seven;

impl rand_core::TryRng for Seven {
    type Error = core::convert::Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(7)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(7)
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(7);
        Ok(())
    }
}

impl rand_core::TryCryptoRng for Seven {}

#[test]
fn pop_09_one_holder_cannot_use_up_the_nonce_of_another() {
    let (verifier, arguments) = (verifier(), arguments());
    let call = Call::new("t", &arguments);
    for holder in [5, 6] {
        let chain = chain_to(holder, any_call("t"));
        let proof = prove(&signing(holder), &chain, &call, AUDIENCE, &mut Seven, now()).unwrap();
        assert!(verifier.authorize(&proof, &call, now()).is_ok(), "holder {holder}");
        assert_eq!(verifier.authorize(&proof, &call, now()).unwrap_err().code(), Code::ProofReplayed);
    }
}

#[test]
fn pop_13_a_proof_has_a_time_that_can_be() {
    for (edit, expected) in [
        (
            (|c| {
                c.set(6, 0).set(4, 60);
            }) as fn(&mut Map),
            Code::ProofExpired,
        ),
        (
            |c| {
                c.set(6, -1);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(6, i64::MAX).set(4, i64::MAX);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(4, i64::MAX);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(6, u64::MAX).set(4, u64::MAX);
            },
            Code::Malformed,
        ),
        (
            |c| {
                c.set(6, NOW * 1000).set(4, NOW * 1000 + 60);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(6, 253_402_300_799u64).set(4, 253_402_300_800u64);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(6, NOW).set(4, NOW);
            },
            Code::ClaimInvalid,
        ),
        (
            |c| {
                c.set(6, NOW + 1).set(4, NOW);
            },
            Code::ClaimInvalid,
        ),
    ] {
        let story = Scenario::new("time", "a proof of another time").proven(edit);
        assert_eq!(code(decide(&verifier(), &story.presentation())), expected);
    }
    assert!(decide(&verifier(), &good()).is_ok());
}

#[test]
fn pop_15_an_audience_is_compared_byte_for_byte() {
    let arguments = arguments();
    let call = Call::new("t", &arguments);
    let proven_for = |chain: &UnverifiedChain, audience: &str| prove(&signing(5), chain, &call, audience, &mut SysRng, now()).unwrap();
    let any = chain_to(5, any_call("t"));
    for other in [
        format!("{AUDIENCE}.evil"),
        format!("{AUDIENCE}."),
        format!("{AUDIENCE}/"),
        format!(" {AUDIENCE}"),
        AUDIENCE.to_uppercase(),
        AUDIENCE[..AUDIENCE.len() - 1].to_owned(),
        AUDIENCE.replace("https", "http"),
        format!("{AUDIENCE},https://other.example"),
    ] {
        let denied = verifier().authorize(&proven_for(&any, &other), &call, now()).unwrap_err();
        assert_eq!(denied.code(), Code::AudienceMismatch, "{other}");
        let grant = Grant::to(signing(5).verifying_key()).tools(any_call("t")).audience(vec![other.clone()]);
        let chain = issue(&signing(1), "ana", &grant, &mut SysRng, now()).unwrap();
        let denied = verifier().authorize(&proven_for(&chain, AUDIENCE), &call, now()).unwrap_err();
        assert_eq!((denied.code(), denied.link()), (Code::AudienceMismatch, Some(0)), "{other}");
    }
    assert!(verifier().authorize(&proven_for(&any, AUDIENCE), &call, now()).is_ok());
}

#[test]
fn pop_17_a_proof_of_a_narrow_token_does_not_work_with_a_broad_one() {
    let (narrow, broad) = (chain_to(5, any_call("t")), chain_to(5, any_call("u").allow("t", ArgumentRules::new()).unwrap()));
    let arguments = arguments();
    let call = Call::new("t", &arguments);
    let proof = prove(&signing(5), &narrow, &call, AUDIENCE, &mut SysRng, now()).unwrap();
    let tail = &proof.encode()[1 + narrow.encode().len()..];
    let swapped = [&[0x82][..], broad.encode(), tail].concat();
    assert_eq!(verifier().authorize(&swapped, &call, now()).unwrap_err().code(), Code::ProofMismatch);
    assert!(verifier().authorize(&proof, &call, now()).is_ok());
}

#[test]
fn pop_18_a_proof_forwarded_to_another_service_is_refused_there() {
    let other = Verifier::new([anchor()], "https://other.acme.example", memory(10)).unwrap();
    assert_eq!(code(decide(&other, &good())), Code::AudienceMismatch);
    assert!(decide(&verifier(), &good()).is_ok());
}

#[test]
fn pop_23_a_nonce_has_its_size_and_is_for_one_request_of_its_key() {
    for edit in [
        (|c| {
            c.set(7, Cbor::Bytes(vec![]));
        }) as fn(&mut Map),
        |c| {
            c.set(7, Cbor::Bytes(vec![0x33; 7]));
        },
        |c| {
            c.set(7, Cbor::Bytes(vec![0x33; 17]));
        },
        |c| {
            c.set(7, "0123456789abcdef");
        },
    ] {
        let short = Scenario::new("short", "an id of another size").proven(edit);
        assert!(matches!(code(decide(&verifier(), &short.presentation())), Code::Malformed | Code::ClaimInvalid));
    }
    // The same id for another call of the same holder: the first one is the only one.
    let (verifier, chain) = (verifier(), chain_to(5, any_call("t").allow("u", ArgumentRules::new()).unwrap()));
    let arguments = arguments();
    let with = |tool: &str| {
        verifier.authorize(
            &prove(&signing(5), &chain, &Call::new(tool, &arguments), AUDIENCE, &mut Seven, now()).unwrap(),
            &Call::new(tool, &arguments),
            now(),
        )
    };
    assert!(with("t").is_ok());
    assert_eq!(with("u").unwrap_err().code(), Code::ProofReplayed);
}

#[test]
fn pop_24_a_signature_over_chosen_arguments_is_never_a_token() {
    // The arguments hold the whole Sig_structure of a token; the agent signs their digest in a proof, and nothing else.
    let chain = chain_to(5, any_call("t"));
    let wanted = forge::sig_structure(&forge::header("cap"), b"\xa0");
    let arguments = Arguments::new(vec![("x".into(), Value::Bytes(wanted))]).unwrap();
    let proof = prove(&signing(5), &chain, &Call::new("t", &arguments), AUDIENCE, &mut SysRng, now()).unwrap();
    let signature = proof.encode().last_chunk::<64>().unwrap();
    let forged = forge::envelope(&forge::header("cap"), Cbor::Map(vec![]), Cbor::Bytes(b"\xa0".to_vec()), signature);
    let tokens: Vec<Vec<u8>> = chain.token_bytes().unwrap().iter().map(|token| token.to_vec()).chain([forged]).collect();
    let bad = forge::presentation(&tokens, &forge::seal(&forge::key(5), &forge::header("pop"), b"\xa0"));
    let denied = verifier().authorize(&bad, &Call::new("t", &arguments), now()).unwrap_err();
    assert_eq!((denied.code(), denied.link()), (Code::SignatureInvalid, Some(1)));
    assert!(verifier().authorize(&proof, &Call::new("t", &arguments), now()).is_ok());
}

#[test]
fn pop_21_a_store_that_is_full_or_does_not_answer_denies() {
    struct Broken(Outcome);
    impl Store for Broken {
        fn commit(&self, _: &[Operation], _: Now) -> Outcome {
            self.0
        }
    }
    assert_eq!(code(decide(&verifier_with(Broken(Outcome::Unavailable)), &good())), Code::StoreUnavailable);
    assert_eq!(code(decide(&verifier_with(Broken(Outcome::Full)), &good())), Code::StoreFull);
    assert!(decide(&verifier_with(Broken(Outcome::Committed)), &good()).is_ok());
}

#[test]
fn app_06_of_many_calls_at_once_with_one_approval_exactly_one_runs() {
    let policy = ApprovalPolicy::new(1, &[signing(9).verifying_key().clone()]).unwrap();
    let (verifier, chain, arguments) = (verifier().with_approvals(policy), chain_to(5, any_call("t")), arguments());
    let call = Call::new("t", &arguments);
    let request = ApprovalRequest::new(&chain, &call, AUDIENCE).unwrap();
    let approval = approve(&signing(9), &request, &ApprovalGrant::new(), &mut SysRng, now()).unwrap();
    let (allowed, spent) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let proof = prove(&signing(5), &chain, &call, AUDIENCE, &mut SysRng, now()).unwrap();
                match verifier.authorize(&proof.attach([approval.encode()]).unwrap(), &call, now()) {
                    Ok(_) => allowed.fetch_add(1, Ordering::Relaxed),
                    Err(denied) if denied.code() == Code::ApprovalSpent => spent.fetch_add(1, Ordering::Relaxed),
                    Err(denied) => panic!("{denied}"),
                }
            });
        }
    });
    assert_eq!((allowed.into_inner(), spent.into_inner()), (1, 99));
}

#[test]
fn ctx_02_a_context_is_compared_by_whole_segments_and_by_its_bytes() {
    let arguments = arguments();
    let grant = Grant::to(signing(5).verifying_key()).tools(any_call("t")).context("caf\u{e9}:1");
    let chain = issue(&signing(1), "ana", &grant, &mut SysRng, now()).unwrap();
    let within = |context: Option<&str>| {
        let call = Call { context, ..Call::new("t", &arguments) };
        let proof = prove(&signing(5), &chain, &call, AUDIENCE, &mut SysRng, now()).unwrap();
        verifier().authorize(&proof, &call, now())
    };
    for other in [
        "caf\u{e9}:10",
        "caf\u{e9}",
        "CAF\u{c9}:1",
        "cafe\u{301}:1",
        "caf\u{e9}:1/../2",
        "caf\u{e9}:1/",
        "/caf\u{e9}:1",
        "caf\u{e9}:1//a",
        "caf\u{e9}:1/*",
        "*",
        "",
        "null",
    ] {
        assert_eq!(within(Some(other)).unwrap_err().code(), Code::ContextMismatch, "{other:?}");
    }
    assert_eq!(within(None).unwrap_err().code(), Code::ContextMismatch);
    for own in ["caf\u{e9}:1", "caf\u{e9}:1/task:7"] {
        let authorized = within(Some(own)).unwrap();
        authorized.check_context("caf\u{e9}:1/x").unwrap();
        assert_eq!(authorized.check_context("caf\u{e9}:10").unwrap_err().code(), Code::ContextMismatch);
    }
}

#[test]
fn ctx_05_an_agent_that_was_delegated_nothing_has_nothing() {
    // It runs beside the holder and knows its chain; that is no authority.
    let (chain, arguments) = (chain_to(5, any_call("t")), arguments());
    let call = Call::new("t", &arguments);
    assert_eq!(prove(&signing(6), &chain, &call, AUDIENCE, &mut SysRng, now()).unwrap_err().code(), Code::HolderMismatch);
    let forged = Scenario::new("forged", "signed by who holds no token").proven_by(6);
    assert_eq!(code(decide(&verifier(), &forged.presentation())), Code::ProofSignatureInvalid);
    assert!(decide(&verifier(), &good()).is_ok());
}

#[test]
fn tim_03_a_clock_that_goes_back_is_refused_and_a_small_step_is_the_latest_time() {
    let (verifier, good) = (verifier_with(Forgetful), good());
    let at = |millis: u64| verifier.authorize(&good, &Call::new("github.update_pr", &arguments()), Now::from_millis(millis).unwrap());
    assert!(at(NOW * 1000 + 59_000).is_ok());
    assert!(at(NOW * 1000).is_ok());
    assert_eq!(at(NOW * 1000 + 61_000).unwrap_err().code(), Code::ProofExpired);
    // The proof is expired now, and stays so when the clock steps back a little.
    assert_eq!(at(NOW * 1000 + 30_000).unwrap_err().code(), Code::ProofExpired);
    assert_eq!(at(NOW * 1000 - 86_400_000).unwrap_err().code(), Code::ClockBehind);
}

#[test]
fn key_16_a_corrupted_signature_is_denied_before_and_after_the_good_one_was_remembered() {
    let (verifier, good) = (verifier_with(Forgetful), good());
    let mut bad = good.clone();
    bad[400] ^= 1;
    for _ in 0..3 {
        assert!(decide(&verifier, &bad).is_err());
        assert!(decide(&verifier, &good).is_ok());
    }
}

#[test]
fn chn_27_a_key_holds_one_place_at_mint_as_at_verification() {
    let chain = chain_to(2, any_call("t"));
    for holder in [2, 1] {
        let made = delegate(&signing(2), &chain, &Grant::to(signing(holder).verifying_key()), &mut SysRng, now());
        match made {
            Err(error) => assert_eq!((holder, error.code()), (2, Code::HolderRepeated)),
            // The issuer's key is not in the chain, so only the verifier, who knows it, can tell.
            Ok(chain) => assert_eq!(verifier().verify_chain(&chain, now()).unwrap_err().code(), Code::HolderRepeated),
        }
    }
    let own = issue(&signing(1), "ana", &Grant::to(signing(1).verifying_key()), &mut SysRng, now());
    assert_eq!(own.unwrap_err().code(), Code::HolderRepeated);
    assert!(verifier().verify_chain(&chain, now()).is_ok());
}

#[test]
fn what_the_builder_refuses_is_what_the_verifier_refuses() {
    let rules = |constraint: Constraint| Tools::new().allow("t", ArgumentRules::new().required("x", constraint)).unwrap();
    let chain = chain_to(2, rules(Constraint::one_of(["a", "b"]).unwrap()));
    let child = signing(3);
    let to = || Grant::to(child.verifying_key());
    let wider = [
        (to().tools(any_call("u")), Code::ToolNotGranted),
        (to().tools(any_call("t")), Code::NotProvablyNarrower),
        (to().tools(rules(Constraint::one_of(["a", "c"]).unwrap())), Code::NotProvablyNarrower),
        (to().ttl(DEFAULT_TTL + 1), Code::LifetimeWidened),
        (to().max_depth(DEFAULT_MAX_DEPTH + 1), Code::DepthExceeded),
        (to().max_depth(0), Code::DepthExceeded),
        (to().context("tenant:1"), Code::ContextWidened),
        (to().subject("ben"), Code::InvariantChanged),
        (to().ttl(0), Code::ClaimInvalid),
        (to().ttl(u64::MAX), Code::ClaimInvalid),
    ];
    for (grant, code) in wider {
        assert_eq!(delegate(&signing(2), &chain, &grant, &mut SysRng, now()).unwrap_err().code(), code, "{grant:?}");
    }
    let stranger = delegate(&signing(9), &chain, &to(), &mut SysRng, now());
    assert_eq!(stranger.unwrap_err().code(), Code::HolderMismatch);
    let late = Now::from_millis((NOW + DEFAULT_TTL) * 1000 + 500).unwrap();
    assert_eq!(delegate(&signing(2), &chain, &to(), &mut SysRng, late).unwrap_err().code(), Code::TokenExpired);
    let narrower = delegate(&signing(2), &chain, &to().tools(rules(Constraint::exact("a").unwrap())).ttl(60), &mut SysRng, now()).unwrap();
    assert!(verifier().verify_chain(&narrower, now()).is_ok());
}

#[test]
fn a_chain_of_sixteen_tokens_is_valid_and_a_seventeenth_is_refused() {
    let mut chain =
        issue(&signing(1), "ana", &Grant::to(signing(2).verifying_key()).tools(any_call("t")).max_depth(15), &mut SysRng, now()).unwrap();
    for holder in 3..18 {
        chain = delegate(&signing(holder - 1), &chain, &Grant::to(signing(holder).verifying_key()), &mut SysRng, now()).unwrap();
    }
    assert_eq!(chain.token_bytes().unwrap().len(), 16);
    assert!(verifier().verify_chain(&chain, now()).is_ok());
    let more = delegate(&signing(17), &chain, &Grant::to(signing(18).verifying_key()), &mut SysRng, now());
    assert_eq!(more.unwrap_err().code(), Code::DepthExceeded);
}

#[test]
fn a_hop_with_one_tool_and_two_constraints_has_at_most_330_bytes() {
    let rules = ArgumentRules::new()
        .required("repo", Constraint::exact("acme/app").unwrap())
        .required("labels", Constraint::subset(["bug"]).unwrap());
    let tools = Tools::new().allow("github.update_pr", rules).unwrap();
    let root = chain_to(2, tools.clone());
    let child =
        delegate(&signing(2), &root, &Grant::to(signing(3).verifying_key()).tools(tools).holder_name("coder"), &mut SysRng, now()).unwrap();
    let hop = child.encode().len() - root.encode().len();
    assert!(hop <= 330, "{hop} bytes");
}

#[test]
fn dos_04_unauthenticated_traffic_stores_nothing() {
    let store = std::sync::Arc::new(memory(10));
    let verifier = verifier_with(Shared(store.clone()));
    let mut rng = fastrand::Rng::with_seed(1);
    for _ in 0..20_000 {
        let bytes: Vec<u8> = (0..rng.usize(..200)).map(|_| rng.u8(..)).collect();
        assert!(decide(&verifier, &bytes).is_err());
    }
    assert!(store.is_empty());
    assert!(decide(&verifier, &good()).is_ok());
}

#[test]
fn dos_05_ten_thousand_trust_anchors_are_one_look_up() {
    let strangers = (0..10_000).map(|number| TrustAnchor::new(&format!("issuer {number}"), anchor().key()).unwrap());
    let verifier = Verifier::new(strangers.chain([anchor()]), AUDIENCE, memory(10)).unwrap();
    assert!(decide(&verifier, &good()).is_ok());
}

#[test]
fn dos_06_what_a_constraint_looks_through_is_paid_for() {
    let long = Value::from(format!("/{}", "a".repeat(1_000_000)));
    let urls = Value::from(vec!["https://a.example/"; 50_000]);
    let list = Value::List(vec![Value::List(vec![Value::Integer(1); 60_000])]);
    let hosts = || (0..1000).map(|number| format!("*.h{number}.example"));
    let many = |part: Constraint| vec![part; 1000];
    let or_any = |mut parts: Vec<Constraint>| {
        parts.push(Constraint::any());
        Constraint::any_of(parts).unwrap()
    };
    // Each has a part that accepts, after what takes too long to get there.
    for (parts, value) in [
        (many(Constraint::path("/b").unwrap()), &long),
        (many(Constraint::glob("/b").unwrap()), &long),
        (many(Constraint::length(0, Some(1)).unwrap()), &long),
        (many(Constraint::subset([2]).unwrap()), &list),
        (vec![Constraint::each(or_any(vec![Constraint::url(UrlRule::hosts(hosts())).unwrap()])).unwrap()], &urls),
    ] {
        assert!(or_any(vec![Constraint::path("/b").unwrap()]).accepts(value));
        assert!(!or_any(parts).accepts(value));
    }
}

#[test]
fn dos_07_counterexamples_of_one_token_are_sought_in_so_many_steps() {
    let begin = std::time::Instant::now();
    let numbers = (0..300).map(|number| Constraint::each(Constraint::exact(number).unwrap()).unwrap()).collect();
    let parent = Constraint::any_of(numbers).unwrap();
    let element = Constraint::each(Constraint::exact("x".repeat(30_000)).unwrap()).unwrap();
    let child = Constraint::all(vec![element, Constraint::length(1000, Some(2000)).unwrap()]).unwrap();
    assert!(!parent.subsumes(&child));
    // It took half a minute.
    assert!(begin.elapsed() < std::time::Duration::from_secs(5), "{:?}", begin.elapsed());
    let short = Constraint::each(Constraint::exact("x").unwrap()).unwrap();
    assert_eq!(parent.counterexample(&short), Some(Value::from(vec!["x"])));
}

#[test]
fn a_verifier_without_anchors_or_with_two_of_one_name_is_not_made() {
    for (anchors, audience) in [(vec![], AUDIENCE), (vec![anchor(), anchor()], AUDIENCE), (vec![anchor()], ""), (vec![anchor()], "a\nb")] {
        assert_eq!(Verifier::new(anchors, audience, memory(1)).unwrap_err().code(), Code::ConfigInvalid);
    }
    assert_eq!(MemoryStore::new(0, now()).unwrap_err().code(), Code::ConfigInvalid);
}

#[test]
fn audit_records_of_garbage_are_small_and_escaped() {
    let tool = format!("a\n\u{202e}{}", "x".repeat(1 << 20));
    let denied = verifier().authorize(&good(), &Call::new(&tool, &arguments()), now()).unwrap_err();
    assert_eq!(denied.code(), Code::NameInvalid);
    for text in [denied.record().to_json(), denied.record().to_sentence(), denied.to_string()] {
        assert!(text.len() < 1024 && !text.contains('\n') && !text.contains('\u{202e}'), "{text}");
    }
}

/// A key that somebody else holds, such as a service or a device.
struct Remote {
    key: VerifyingKey,
    answer: Result<Signature, Error>,
}

impl Signer for Remote {
    fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    fn sign(&self, _: &[u8]) -> Result<Signature, Error> {
        self.answer.clone()
    }
}

#[test]
fn a_signer_that_fails_releases_nothing_and_one_that_lies_is_found_out() {
    let key = signing(1).verifying_key().clone();
    let grant = Grant::to(signing(2).verifying_key());
    let failing = Remote { key: key.clone(), answer: Err(Code::SigningFailed.into()) };
    assert_eq!(issue(&failing, "ana", &grant, &mut SysRng, now()).unwrap_err().code(), Code::SigningFailed);
    let chain = chain_to(2, any_call("t"));
    let holder = Remote { key: signing(2).verifying_key().clone(), answer: Err(Code::SigningFailed.into()) };
    let further = Grant::to(signing(3).verifying_key());
    assert_eq!(delegate(&holder, &chain, &further, &mut SysRng, now()).unwrap_err().code(), Code::SigningFailed);
    let arguments = arguments();
    let call = Call::new("t", &arguments);
    assert_eq!(prove(&holder, &chain, &call, AUDIENCE, &mut SysRng, now()).unwrap_err().code(), Code::SigningFailed);
    let lying = Remote { key, answer: Ok([7; 64]) };
    let forged = issue(&lying, "ana", &grant, &mut SysRng, now()).unwrap();
    assert_eq!(verifier().verify_chain(&forged, now()).unwrap_err().code(), Code::SignatureInvalid);
    assert!(verifier().verify_chain(&chain, now()).is_ok());
}

#[test]
fn url_07_a_holder_that_names_its_hosts_keeps_the_rule_about_public_addresses() {
    let public = || Constraint::url(UrlRule { public: true, ..UrlRule::hosts(["*"]) }).unwrap();
    let named = Constraint::exact("https://rebind.example/").unwrap();
    let under = |rule: Constraint| Tools::new().allow("fetch", ArgumentRules::new().required("url", rule)).unwrap();
    let arguments = Arguments::new(vec![("url".into(), "https://rebind.example/".into())]).unwrap();
    let call = Call::new("fetch", &arguments);
    let either = Constraint::any_of(vec![public(), Constraint::exact("https://intranet.acme.example/").unwrap()]).unwrap();
    for (root, asks) in [(public(), true), (either, true), (Constraint::any(), false)] {
        let chain = chain_to(5, under(root));
        let grant = Grant::to(signing(6).verifying_key()).tools(under(named.clone()));
        let chain = delegate(&signing(5), &chain, &grant, &mut SysRng, now()).unwrap();
        let proof = prove(&signing(6), &chain, &call, AUDIENCE, &mut SysRng, now()).unwrap();
        let allowed = verifier().authorize(&proof, &call, now()).unwrap();
        assert!(allowed.check_address("url", "93.184.216.34").is_ok());
        let inside = allowed.check_address("url", "169.254.169.254").map_err(|error| (error.code(), error.link()));
        assert_eq!(inside, if asks { Err((Code::ArgumentRefused, Some(0))) } else { Ok(()) });
    }
    let nested = Constraint::fields(ArgumentRules::new().required("u", public())).unwrap();
    assert!(!nested.allows_address("10.0.0.1") && nested.allows_address("8.8.8.8"));
}
