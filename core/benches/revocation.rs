//! The cost of revocation at ten million ids, beside one Ed25519 verification of the same run.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use deputize::*;
use ed25519_dalek::{Signer as _, Verifier as _};

const IDS: u64 = 10_000_000;
const LOADED: u64 = 1_000_000;

fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

fn authority() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).unwrap()
}

/// Ids that do not follow one another.
fn id(n: u64) -> [u8; 16] {
    let mut id = [3; 16];
    id[..8].copy_from_slice(&n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    id
}

fn list(ids: u64) -> Vec<u8> {
    let revoked = (0..ids).map(|n| Target::Token(TokenId::from_bytes(id(n))));
    RevocationList::full(1).revoke(revoked).sign(&authority(), "ana", 3600, now()).unwrap()
}

fn state() -> TrustState {
    TrustState::new([Authority::new("ana", authority().verifying_key()).unwrap()]).unwrap()
}

fn revocation(c: &mut Criterion) {
    let mut group = c.benchmark_group("revocation");
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key();
    let mut message = [5; 360];
    let mut signed = || {
        let [a, b, c, d, ..] = message;
        message[..4].copy_from_slice(&u32::from_le_bytes([a, b, c, d]).wrapping_add(1).to_le_bytes());
        (message, signing.sign(&message))
    };
    let verify = |(message, signature): ([u8; 360], _)| key.verify(&message, &signature).is_ok();
    group.bench_function("verification", |bencher| bencher.iter_batched(&mut signed, verify, BatchSize::NumIterations(16)));

    let million = list(LOADED);
    group.throughput(Throughput::Elements(LOADED)).sample_size(10);
    group.bench_function("load a million", |bencher| bencher.iter(|| state().apply_list(black_box(&million), now()).unwrap()));
    drop(million);
    group.throughput(Throughput::Elements(1)).sample_size(40);

    let state = state();
    state.apply_list(&list(IDS), now()).unwrap();
    let mut n = 0;
    // Far apart, so that no look-up finds in a cache what the one before it brought there.
    let mut next = |first: u64| {
        n = (n + 7_654_321) % IDS;
        TokenId::from_bytes(id(first + n))
    };
    let look_up = |token: &TokenId| state.judge_approval("ana", token, now()).is_ok();
    assert!(look_up(&next(0)));
    group.bench_function("look-up, miss", |bencher| {
        bencher.iter_batched(|| next(0), |token| look_up(&token), BatchSize::NumIterations(1000));
    });
    let holders: Vec<VerifyingKey> = (2..6).map(|n| SigningKey::from_seed(&[n; 32]).unwrap().verifying_key().clone()).collect();
    let (issuer, session, task) = (authority().verifying_key().clone(), SessionId::from_bytes([1; 16]), Digest::from_bytes([2; 32]));
    let facts = ChainFacts {
        issuer: "ana",
        issuer_key: &issuer,
        issued: Timestamp::from_secs(now().secs()).unwrap(),
        session: &session,
        task: Some(&task),
    };
    let judge = |tokens: &[TokenId]| {
        let links = tokens.iter().zip(&holders).enumerate();
        state.judge(&facts, links.map(|(position, (token, holder))| LinkFacts { position, token, holder }), now())
    };
    let hit = next(0);
    assert_eq!(judge(&[hit]).unwrap_err().code(), Code::TokenRevoked);
    group.bench_function("one token, hit", |bencher| {
        bencher.iter_batched(|| [next(0)], |tokens| judge(&tokens).is_err(), BatchSize::NumIterations(1000));
    });
    group.bench_function("one token, miss", |bencher| {
        bencher.iter_batched(|| [next(IDS)], |tokens| judge(&tokens).is_ok(), BatchSize::NumIterations(1000));
    });
    group.bench_function("chain of 4", |bencher| {
        bencher.iter_batched(|| [(); 4].map(|()| next(IDS)), |tokens| judge(&tokens).is_ok(), BatchSize::NumIterations(1000));
    });
}

fn brief() -> Criterion {
    Criterion::default().sample_size(40).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(1500))
}

criterion_group! { name = group; config = brief(); targets = revocation }
criterion_main!(group);
