//! The same work with other libraries: mint, delegate, and bytes → decision, for chains that were not seen before.

use std::cell::RefCell;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use deputize_peers::{DEPTHS, Peer, biscuit::Biscuit, deeper, jwt::Jwt, ours::Ours, tenuo::Tenuo};
use ed25519_dalek::{Signer as _, Verifier as _};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Small, so that memory comes from the allocator and not from the operating system.
const BATCH: BatchSize = BatchSize::NumIterations(16);

/// Times `routine` alone.
fn measure<I, O>(group: &mut Group<'_>, name: &str, mut setup: impl FnMut() -> I, mut routine: impl FnMut(I) -> O) {
    let mut frames = 0;
    let mut spread = |input| {
        frames = (frames + 1) % 16;
        deeper(frames, || routine(input))
    };
    group.bench_function(name, |bencher| bencher.iter_batched(&mut setup, &mut spread, BATCH));
}

fn peer<P: Peer>(c: &mut Criterion, mut peer: P) {
    let mut group = c.benchmark_group(format!("peers/{}", P::NAME));
    unit(&mut group);
    measure(&mut group, "mint", || (), |()| peer.mint());
    let root = peer.mint();
    measure(&mut group, "delegate", || (), |()| peer.delegate(&root, 0));
    let peer = RefCell::new(peer);
    for depth in DEPTHS {
        let unseen = || {
            let mut peer = peer.borrow_mut();
            let chain = peer.chain(depth);
            peer.present(&chain, depth)
        };
        let decide = |presentation: Vec<u8>| {
            assert!(peer.borrow_mut().decide(&presentation));
            presentation
        };
        measure(&mut group, &depth.to_string(), unseen, decide);
    }
}

/// One Ed25519 verification with a parsed key, over as many bytes as one of our tokens has.
fn unit(group: &mut Group<'_>) {
    let signing = ed25519_dalek::SigningKey::from_bytes(&[7; 32]);
    let key = signing.verifying_key();
    let mut count = 0u32;
    let signed = || {
        let mut message = [5; 360];
        count += 1;
        message[..4].copy_from_slice(&count.to_le_bytes());
        (message, signing.sign(&message))
    };
    measure(group, "verification", signed, |(message, signature)| key.verify(&message, &signature).is_ok());
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
