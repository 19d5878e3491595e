//! The same story told with other libraries: an issuer lets an agent update pull requests, each agent hands a part of that to the next, and a
//! server decides about a call from bytes alone. Used by the benchmarks only.

use std::hint::black_box;
use std::mem::MaybeUninit;

pub mod biscuit;
pub mod jwt;
pub mod ours;
pub mod tenuo;

/// The tool that is called.
pub const TOOL: &str = "github.update_pr";
/// The server that is called.
pub const AUDIENCE: &str = "https://tools.acme.example";
/// The depths that are measured: signed links in a chain.
pub const DEPTHS: [usize; 4] = [1, 2, 4, 8];
/// The labels that the first holder may set. Each hop takes one away.
pub const LABELS: [&str; 10] = ["bug", "urgent", "docs", "later", "a", "b", "c", "d", "e", "f"];

/// The labels of a hop.
#[must_use]
pub fn labels(hop: usize) -> &'static [&'static str] {
    &LABELS[..LABELS.len() - hop]
}

/// The seed of a holder's key; 0 is the issuer's.
#[must_use]
pub fn seed(number: usize) -> [u8; 32] {
    [number as u8 + 1; 32]
}

/// Calls `work` from so many frames further down: where on the stack the vectors of a verification lie changes its time by up to a third, so every
/// measurement goes over many places.
#[inline(never)]
pub fn deeper<T>(frames: usize, work: impl FnOnce() -> T) -> T {
    let room = MaybeUninit::<[u8; 240]>::uninit();
    black_box(&room);
    let result = if frames == 0 { work() } else { deeper_again(frames, work) };
    black_box(&room);
    result
}

#[inline(never)]
fn deeper_again<T>(frames: usize, work: impl FnOnce() -> T) -> T {
    deeper(frames - 1, work)
}

/// One library under measurement: it makes chains and presentations, and decides about presentations. Keys are parsed before, as those of the
/// issuer and of the holders themselves can be; everything that arrives is bytes.
pub trait Peer {
    /// A chain as its holder keeps it.
    type Chain;

    /// The name in the table.
    const NAME: &'static str;

    /// A root.
    fn mint(&mut self) -> Self::Chain;

    /// A chain one link longer, made by the holder that hop number `hop` gave it to (the root is hop 0).
    fn delegate(&mut self, chain: &Self::Chain, hop: usize) -> Self::Chain;

    /// What travels with a call: the chain, and a proof if the library has one.
    fn present(&mut self, chain: &Self::Chain, depth: usize) -> Vec<u8>;

    /// Bytes in, decision out.
    fn decide(&mut self, presentation: &[u8]) -> bool;

    /// A chain of that many links.
    fn chain(&mut self, depth: usize) -> Self::Chain {
        let root = self.mint();
        (1..depth).fold(root, |chain, hop| self.delegate(&chain, hop - 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Allows the call at every depth; refuses it when a byte of the presentation changed.
    fn tells_the_story<P: Peer>(mut peer: P) {
        for depth in DEPTHS {
            let chain = peer.chain(depth);
            let presentation = peer.present(&chain, depth);
            assert!(peer.decide(&presentation), "{} {depth}", P::NAME);
            for at in [presentation.len() / 3, presentation.len() / 2, presentation.len() - 9] {
                let mut changed = presentation.clone();
                changed[at] ^= 1;
                assert!(!peer.decide(&changed), "{} {depth}, byte {at}", P::NAME);
            }
            println!("{} {depth}: {} bytes", P::NAME, presentation.len());
        }
    }

    #[test]
    fn every_peer_tells_the_same_story() {
        tells_the_story(ours::Ours::new());
        tells_the_story(tenuo::Tenuo::new());
        tells_the_story(biscuit::Biscuit::<false>::new());
        tells_the_story(biscuit::Biscuit::<true>::new());
        tells_the_story(jwt::Jwt::new());
    }
}
