//! The cost of a decision and of its parts, beside one Ed25519 verification. Each group measures its own unit, so that a ratio compares what ran
//! within seconds of each other, and every iteration sees bytes that no iteration before it saw.

use std::hint::black_box;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use deputize::*;
use ed25519_dalek::{Signer as _, Verifier as _};

mod scene;
use scene::{DEPTHS, NoStore, Scene, TOOL, deeper, entries, now, tools, verifier};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Times `routine` alone: what `setup` makes is new each time, and what comes out is dropped later. Batches are small, so that memory comes from
/// the allocator and not from the operating system.
fn measure<I, O>(group: &mut Group<'_>, name: &str, setup: impl FnMut() -> I, routine: impl FnMut(I) -> O) {
    let (mut setup, mut routine, mut frames) = (setup, routine, 0);
    let mut spread = |input| {
        frames = (frames + 1) % 16;
        deeper(frames, || routine(input))
    };
    group.bench_function(name, |bencher| bencher.iter_batched(&mut setup, &mut spread, BatchSize::NumIterations(16)));
}

/// A group, and in it the unit: one verification of a signature over as many bytes as a token's, with a parsed key.
fn group<'a>(c: &'a mut Criterion, name: &str) -> Group<'a> {
    let mut group = c.benchmark_group(name);
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key();
    let mut message = message();
    let signed = || {
        next(&mut message);
        (message, signing.sign(&message))
    };
    measure(&mut group, "verification", signed, |(message, signature)| key.verify(&message, &signature).is_ok());
    group
}

fn message() -> [u8; 360] {
    [5; 360]
}

fn next(message: &mut [u8; 360]) {
    let [a, b, c, d, ..] = message;
    let count = u32::from_le_bytes([*a, *b, *c, *d]).wrapping_add(1);
    message[..4].copy_from_slice(&count.to_le_bytes());
}

fn signature(group: &mut Group<'_>) {
    let key = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let mut message = message();
    let messages = || {
        next(&mut message);
        message
    };
    measure(group, "signature", messages, |message| key.sign(&message));
}

fn store() -> MemoryStore {
    MemoryStore::new(10_000_000, now()).unwrap()
}

/// What no verifier can leave out for a chain of that many tokens: a signature for each and one for the proof, and the key of each holder. Measured
/// right before the decisions that it is compared with, because machines slow down and speed up within a minute.
fn floor(group: &mut Group<'_>, depth: usize) {
    let keys: Vec<_> = (0..=depth).map(|number| ed25519_dalek::SigningKey::from_bytes(&[number as u8 + 1; 32])).collect();
    let mut message = message();
    let signed = || {
        next(&mut message);
        keys.iter().map(|key| (key.verifying_key(), key.verifying_key().to_bytes(), message, key.sign(&message))).collect::<Vec<_>>()
    };
    measure(group, &format!("floor {depth}"), signed, |all| {
        all.iter().all(|(key, _, message, signature)| key.verify(message, signature).is_ok())
            && all[1..].iter().all(|(_, bytes, ..)| ed25519_dalek::VerifyingKey::from_bytes(black_box(bytes)).is_ok())
    });
}

/// Chains that the verifier has not seen.
fn cold(c: &mut Criterion) {
    let mut group = group(c, "cold");
    let mut scene = Scene::new();
    let arguments = scene.arguments.clone();
    let call = Call::new(TOOL, &arguments);
    for depth in DEPTHS {
        floor(&mut group, depth);
        let verifier = verifier(NoStore);
        let unseen = || {
            let chain = scene.chain(depth);
            scene.prove(&chain, depth)
        };
        measure(&mut group, &depth.to_string(), unseen, |one| verifier.authorize(one.encode(), &call, now()).unwrap());
    }
}

/// Chains that the verifier has seen, each time with another proof.
fn warm(c: &mut Criterion) {
    let mut group = group(c, "warm");
    let mut scene = Scene::new();
    let arguments = scene.arguments.clone();
    let call = Call::new(TOOL, &arguments);
    for depth in DEPTHS {
        let chain = scene.chain(depth);
        let verifier = verifier(NoStore);
        measure(
            &mut group,
            &depth.to_string(),
            || scene.prove(&chain, depth),
            |one| verifier.authorize(one.encode(), &call, now()).unwrap(),
        );
    }
    let chain = scene.chain(2);
    let verifier = verifier(store());
    measure(&mut group, "2 with store", || scene.prove(&chain, 2), |one| verifier.authorize(one.encode(), &call, now()).unwrap());
    let of_text = |one: String| {
        let bytes = bytes_from_text(&one, limits::MAX_PRESENTATION).unwrap();
        verifier.authorize(&bytes, &call, now()).unwrap()
    };
    measure(&mut group, "2 from text", || scene.prove(&chain, 2).to_text(), of_text);
}

fn make(c: &mut Criterion) {
    let mut group = group(c, "make");
    signature(&mut group);
    let mut scene = Scene::new();
    measure(&mut group, "issue", || (), |()| scene.issue());
    // From the chain that a holder has, as it delegates to one agent after another.
    for depth in [1, 7] {
        let chain = scene.chain(depth);
        measure(&mut group, &format!("delegate {}", depth + 1), || (), |()| scene.delegate(&chain, depth - 1));
    }
    for depth in [2, 8] {
        let chain = scene.chain(depth);
        measure(&mut group, &format!("prove {depth}"), || (), |()| scene.prove(&chain, depth));
    }
}

/// What is refused, beside what is accepted. The chains are of 8 tokens that the verifier has not seen, or of 2 that it has.
fn refuse(c: &mut Criterion) {
    let mut group = group(c, "refuse");
    let mut scene = Scene::new();
    let arguments = scene.arguments.clone();
    let call = Call::new(TOOL, &arguments);
    let verifier = verifier(NoStore);
    let other_call = Arguments::new(vec![("repo".into(), "acme/web".into())]).unwrap();
    let other_call = Call::new(TOOL, &other_call);

    let refused = |bytes: &[u8], call: &Call<'_>, at: Now, code: Code| {
        let denied = verifier.authorize(bytes, call, at).unwrap_err();
        assert_eq!(denied.code(), code);
        denied
    };
    let chain = scene.chain(8);
    let whole = scene.prove(&chain, 8).encode().to_vec();
    let (mut cut, mut large, mut tail) = (whole.clone(), whole.clone(), whole.clone());
    cut.truncate(whole.len() - 70);
    large.resize(limits::MAX_PRESENTATION + 1, 0);
    tail.push(0);
    for (name, bytes, code) in [
        ("malformed, cut off", &cut, Code::Malformed),
        ("malformed, not a presentation", &vec![0x84; 3000], Code::Malformed),
        ("malformed, a byte too many", &tail, Code::Malformed),
        ("oversize", &large, Code::TooLarge),
    ] {
        measure(&mut group, name, || (), |()| refused(black_box(bytes), &call, now(), code));
    }
    let untrusted = || {
        let root = scene.issue_as("mallory");
        let chain = scene.extend(root, 8);
        scene.prove(&chain, 8)
    };
    measure(&mut group, "untrusted issuer", untrusted, |one| refused(one.encode(), &call, now(), Code::IssuerUntrusted));

    for (depth, seen) in [(8, false), (2, true)] {
        let known = scene.chain(depth);
        let mut accepted = |name: &str, audience: &str, change: &dyn Fn(&mut Vec<u8>), call: &Call<'_>, at: Now, code: Option<Code>| {
            let made = || {
                let chain = if seen { known.clone() } else { scene.chain(depth) };
                let mut bytes = scene.prove_for(&chain, depth, audience, now()).encode().to_vec();
                change(&mut bytes);
                bytes
            };
            let name = format!("{} {depth}, {name}", if seen { "warm" } else { "cold" });
            measure(&mut group, &name, made, |bytes| {
                let decision = verifier.authorize(&bytes, call, at);
                assert_eq!(decision.as_ref().err().map(Denied::code), code);
                decision
            });
        };
        let same = |_: &mut Vec<u8>| {};
        let forge = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
        accepted("accept", scene::AUDIENCE, &same, &call, now(), None);
        accepted("wrong proof", scene::AUDIENCE, &forge, &call, now(), Some(Code::ProofSignatureInvalid));
        accepted("another call", scene::AUDIENCE, &same, &other_call, now(), Some(Code::ProofMismatch));
        accepted("wrong audience", "https://other.example", &same, &call, now(), Some(Code::AudienceMismatch));
    }
    let late = Now::from_millis(now().millis() + 900_000).unwrap();
    let ended = scene::verifier(NoStore);
    measure(
        &mut group,
        "cold 8, expired",
        || {
            let chain = scene.chain(8);
            scene.prove(&chain, 8)
        },
        |one| ended.authorize(one.encode(), &call, late).unwrap_err(),
    );
    let chain = scene.chain(2);
    let replaying = scene::verifier(store());
    let once = scene.prove(&chain, 2);
    replaying.authorize(once.encode(), &call, now()).unwrap();
    measure(&mut group, "warm 2, replayed", || (), |()| replaying.authorize(black_box(once.encode()), &call, now()).unwrap_err());
}

/// The parts, for finding where time goes.
fn parts(c: &mut Criterion) {
    let mut group = group(c, "parts");
    let key = scene::key(1);
    let bytes = *key.verifying_key().as_bytes();
    measure(&mut group, "key decoding", || bytes, |bytes| VerifyingKey::from_bytes(&bytes).unwrap());
    measure(&mut group, "arguments", entries, |entries| Arguments::new(entries).unwrap());
    let tools_of = [tools(3), tools(4)];
    measure(&mut group, "subsumes", || (), |()| black_box(&tools_of[0]).subsumes(black_box(&tools_of[1])).unwrap());
    let arguments = Arguments::new(entries()).unwrap();
    let (_, rules) = tools_of[0].iter().find(|(name, _)| *name == TOOL).unwrap();
    let check = || rules.iter().all(|(name, constraint, _)| arguments.value(name).is_some_and(|value| constraint.accepts(value)));
    assert!(check());
    measure(&mut group, "constraints of three arguments", || (), |()| black_box(check()));
    let mut scene = Scene::new();
    let mut parents = Scene::new();
    measure(&mut group, "delegate 2, from a chain just made", || parents.issue(), |chain| scene.delegate(&chain, 0));
    let received = || UnverifiedChain::decode(parents.issue().encode()).unwrap();
    measure(&mut group, "delegate 2, from a chain just read", received, |chain| scene.delegate(&chain, 0));
    for depth in DEPTHS {
        let presentation = scene.chain(depth);
        let presentation = scene.prove(&presentation, depth);
        let allowed = verifier(NoStore).authorize(presentation.encode(), &scene.call(), now()).unwrap();
        measure(&mut group, &format!("audit record as JSON, tokens: {depth}"), || (), |()| black_box(&allowed).record().to_json());
    }
    measure(&mut group, "did:key", || (), |()| black_box(key.verifying_key()).did_key());
}

fn brief() -> Criterion {
    Criterion::default().sample_size(40).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500))
}

criterion_group! { name = decision; config = brief(); targets = cold, warm, make, refuse, parts }
criterion_main!(decision);
