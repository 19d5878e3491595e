//! The same work with other libraries: mint, delegate, and bytes → decision, for chains that were not seen before.

use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use deputize_peers::{DEPTHS, Peer, biscuit::Biscuit, jwt::Jwt, ours::Ours, tenuo::Tenuo};
use ed25519_dalek::{Signer as _, Verifier as _};

/// Small, so that memory comes from the allocator and not from the operating system.
const BATCH: BatchSize = BatchSize::NumIterations(16);

fn peer<P: Peer>(c: &mut Criterion, mut peer: P) {
    let mut group = c.benchmark_group(format!("peers/{}", P::NAME));
    unit(&mut group);
    group.bench_function("mint", |bencher| bencher.iter_batched(|| (), |()| peer.mint(), BATCH));
    let root = peer.mint();
    group.bench_function("delegate", |bencher| bencher.iter_batched(|| (), |()| peer.delegate(&root, 0), BATCH));
    let peer = std::cell::RefCell::new(peer);
    for depth in DEPTHS {
        let unseen = || {
            let mut peer = peer.borrow_mut();
            let chain = peer.chain(depth);
            peer.present(&chain, depth)
        };
        let decide = |presentation: Vec<u8>| assert!(peer.borrow_mut().decide(&presentation));
        group.bench_function(depth.to_string(), |bencher| bencher.iter_batched(unseen, decide, BATCH));
    }
}

/// One Ed25519 verification with a parsed key, over as many bytes as one of our tokens has.
fn unit(group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>) {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key();
    let mut count = 0u32;
    let mut signed = || {
        let mut message = [5; 360];
        count += 1;
        message[..4].copy_from_slice(&count.to_le_bytes());
        (message, signing.sign(&message))
    };
    let verify = |(message, signature): ([u8; 360], _)| key.verify(&message, &signature).is_ok();
    group.bench_function("verification", |bencher| bencher.iter_batched(&mut signed, verify, BATCH));
}

fn all(c: &mut Criterion) {
    peer(c, Ours::new());
    peer(c, Tenuo::new());
    peer(c, Biscuit::<false>::new());
    peer(c, Biscuit::<true>::new());
    peer(c, Jwt::new());
}

fn brief() -> Criterion {
    Criterion::default().sample_size(30).warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1))
}

criterion_group! { name = peers; config = brief(); targets = all }
criterion_main!(peers);
