//! What a revocation list costs in memory: at most 20 bytes for an id, and while it is loaded little more than that.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use deputize::*;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counting bytes.
struct Counting;

fn add(size: usize) {
    let held = HELD.fetch_add(size, Ordering::Relaxed) + size;
    MOST.fetch_max(held, Ordering::Relaxed);
}

// SAFETY: every call goes to the system's allocator as it came; the counters are plain atomics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        unsafe { System.dealloc(memory, layout) }
    }
    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Not both at once: the system moves pages of what is large, and copies none.
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        add(size);
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

/// The bytes for an id of what is held, and of the most that was held while it was loaded.
fn measured(ids: u64) -> (f64, f64) {
    let key = SigningKey::from_seed(&[1; 32]).unwrap();
    let revoked = (0..ids).map(|n| {
        let mut id = [3; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        Target::Token(TokenId::from_bytes(id))
    });
    let list = RevocationList::full(1).revoke(revoked).sign(&key, "ana", 3600, now()).unwrap();
    let state = TrustState::new([Authority::new("ana", key.verifying_key()).unwrap()]).unwrap();
    let before = HELD.load(Ordering::Relaxed);
    MOST.store(before, Ordering::Relaxed);
    let mut loader = state.loader(now());
    list.chunks(64 * 1024).for_each(|chunk| loader.push(chunk).unwrap());
    loader.finish(now()).unwrap();
    let each = |bytes: usize| (bytes - before) as f64 / ids as f64;
    let result = (each(HELD.load(Ordering::Relaxed)), each(MOST.load(Ordering::Relaxed)));
    println!("{ids} ids: {:.2} bytes for each, {:.2} at most while loading", result.0, result.1);
    result
}

#[test]
fn an_id_takes_at_most_twenty_bytes() {
    let (held, most) = measured(1_000_000);
    assert!(held <= 20.0, "{held} bytes for an id");
    assert!(most <= 25.0, "{most} bytes for an id while loading");
}

#[test]
#[ignore = "takes half a gigabyte"]
fn an_id_of_ten_million_takes_at_most_twenty_bytes() {
    let (held, most) = measured(10_000_000);
    assert!(held <= 20.0, "{held} bytes for an id");
    assert!(most <= 21.0, "{most} bytes for an id while loading");
}
