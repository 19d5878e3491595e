//! How often a decision asks for memory: at most five times for a chain that was seen before.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use deputize::*;

#[path = "../benches/scene/mod.rs"]
#[allow(dead_code)]
mod scene;
use scene::{NoStore, Scene, now, verifier};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// The system's allocator, counting what each thread asks it for.
struct Counting;

// SAFETY: every call goes to the system's allocator as it came; the counter is a plain cell that needs neither memory nor a destructor.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted<T>(work: impl FnOnce() -> T) -> (usize, T) {
    let before = COUNT.get();
    let result = work();
    (COUNT.get() - before, result)
}

#[test]
fn a_warm_decision_allocates_at_most_five_times() {
    let mut scene = Scene::new();
    for depth in scene::DEPTHS {
        let chain = scene.chain(depth);
        let verifier = verifier(NoStore);
        let mut decide = || {
            let presentation = scene.prove(&chain, depth);
            let (count, decision) = counted(|| verifier.authorize(presentation.encode(), &scene.call(), now()));
            assert!(decision.is_ok());
            count
        };
        let (cold, warm) = (decide(), decide());
        println!("{depth} tokens: {cold} allocations cold, {warm} warm");
        assert!(warm <= 5, "{warm} allocations for {depth} tokens");
    }
}

/// The store's own memory grows in steps, so it is counted over many calls.
#[test]
fn with_the_store_in_memory_it_is_five_on_average() {
    const CALLS: usize = 1000;
    let mut scene = Scene::new();
    let chain = scene.chain(2);
    let verifier = verifier(MemoryStore::new(10 * CALLS, now()).unwrap());
    let mut decide = || {
        let presentation = scene.prove(&chain, 2);
        counted(|| verifier.authorize(presentation.encode(), &scene.call(), now()).unwrap()).0
    };
    decide();
    let total: usize = (0..CALLS).map(|_| decide()).sum();
    println!("{} allocations per decision with the store", total as f64 / CALLS as f64);
    assert!(total <= 5 * CALLS, "{total} allocations for {CALLS} calls");
}

/// Who sends rubbish makes the verifier ask for no more memory than who calls properly.
#[test]
fn a_refusal_before_any_signature_allocates_at_most_five_times() {
    let mut scene = Scene::new();
    let root = scene.issue_as("mallory");
    let untrusted = scene.extend(root, 8);
    let untrusted = scene.prove(&untrusted, 8).encode().to_vec();
    let cut = untrusted[..untrusted.len() - 1].to_vec();
    let verifier = verifier(NoStore);
    for (bytes, code) in [
        (untrusted, Code::IssuerUntrusted),
        (cut, Code::Malformed),
        (vec![0x9b; 1000], Code::Malformed),
        (vec![0; limits::MAX_PRESENTATION + 1], Code::TooLarge),
    ] {
        let (count, denied) = counted(|| verifier.authorize(&bytes, &scene.call(), now()).unwrap_err());
        assert_eq!(denied.code(), code);
        assert!(count <= 5, "{count} allocations for {code:?}");
    }
}
