//! The world of the benchmarks: keys, chains of any length, calls and their proofs. Nothing in it is random, and nothing is verified twice.

use core::convert::Infallible;
use core::hint::black_box;
use core::mem::MaybeUninit;

use deputize::*;
use rand_core::TryCryptoRng;

pub const AUDIENCE: &str = "https://tools.acme.example";
pub const TOOL: &str = "github.update_pr";
/// The depths that are measured: tokens in the chain.
pub const DEPTHS: [usize; 4] = [1, 2, 4, 8];

/// Calls `work` from so many frames further down. Where on the stack the vectors of a verification lie changes its time by up to a third, so every
/// measurement, also that of the unit, goes over many places.
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

/// Distinct bytes at no cost, so that the system's randomness is not what is measured.
pub struct Counter(u64);

impl rand_core::TryRng for Counter {
    type Error = Infallible;
    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|word| word as u32)
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok((self.0 ^ self.0 >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9))
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.try_next_u64()?.to_le_bytes()[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

/// Commits everything: what remains is the decision without the store.
pub struct NoStore;

impl Store for NoStore {
    fn commit(&self, _: &[Operation], _: Now) -> Outcome {
        Outcome::Committed
    }
}

pub fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

/// The key of a holder; 0 is the issuer's.
pub fn key(number: usize) -> SigningKey {
    SigningKey::from_seed(&[number as u8 + 1; 32]).unwrap()
}

/// A call of three arguments.
pub fn entries() -> Vec<(String, Value)> {
    vec![("repo".into(), "acme/app".into()), ("number".into(), 1719.into()), ("labels".into(), vec!["bug", "urgent"].into())]
}

/// What a hop in the middle may do: the rules are the same from hop to hop, as they mostly are, and one argument of three shrinks.
pub fn tools(hop: usize) -> Tools {
    let labels = ["bug", "urgent", "docs", "later", "a", "b", "c", "d", "e", "f"];
    let rules = ArgumentRules::new()
        .required("repo", Constraint::one_of(["acme/app", "acme/web"]).unwrap())
        .required("number", Constraint::range(Range::at_least(1)).unwrap())
        .optional("labels", Constraint::subset(labels[..labels.len() - hop].iter().copied()).unwrap());
    Tools::new().allow(TOOL, rules).unwrap().allow("github.read_file", ArgumentRules::new()).unwrap()
}

/// What the holder of this hop is given.
pub fn grant(hop: usize) -> Grant {
    let holder = Grant::to(key(hop + 1).verifying_key()).holder_name("planner").tools(tools(hop)).ttl(600);
    if hop == 0 { holder.max_depth(15).reason("fix the login bug") } else { holder }
}

/// Keys and randomness, from which chains and proofs are made; no two are the same.
pub struct Scene {
    keys: Vec<SigningKey>,
    grants: Vec<Grant>,
    rng: Counter,
    pub arguments: Arguments,
}

impl Scene {
    pub fn new() -> Self {
        let hops = 0..*DEPTHS.last().unwrap();
        Scene {
            keys: (0..=hops.end).map(key).collect(),
            grants: hops.map(grant).collect(),
            rng: Counter(1),
            arguments: Arguments::new(entries()).unwrap(),
        }
    }

    pub fn call(&self) -> Call<'_> {
        Call::new(TOOL, &self.arguments)
    }

    pub fn issue(&mut self) -> UnverifiedChain {
        self.issue_as("ana")
    }

    pub fn issue_as(&mut self, issuer: &str) -> UnverifiedChain {
        issue(&self.keys[0], issuer, &self.grants[0], &mut self.rng, now()).unwrap()
    }

    /// A chain one token longer, whose last token was of this hop.
    pub fn delegate(&mut self, chain: &UnverifiedChain, hop: usize) -> UnverifiedChain {
        delegate(&self.keys[hop + 1], chain, &self.grants[hop + 1], &mut self.rng, now()).unwrap()
    }

    /// A chain of that many tokens.
    pub fn chain(&mut self, depth: usize) -> UnverifiedChain {
        let root = self.issue();
        self.extend(root, depth)
    }

    pub fn extend(&mut self, root: UnverifiedChain, depth: usize) -> UnverifiedChain {
        (1..depth).fold(root, |chain, hop| self.delegate(&chain, hop - 1))
    }

    /// The proof of the call, for this audience, by the leaf's holder.
    pub fn prove(&mut self, chain: &UnverifiedChain, depth: usize) -> Presentation {
        self.prove_for(chain, depth, AUDIENCE, now())
    }

    pub fn prove_for(&mut self, chain: &UnverifiedChain, depth: usize, audience: &str, at: Now) -> Presentation {
        let call = Call::new(TOOL, &self.arguments);
        prove(&self.keys[depth], chain, &call, audience, &mut self.rng, at).unwrap()
    }
}

pub fn verifier(store: impl Store + 'static) -> Verifier {
    Verifier::new([TrustAnchor::new("ana", key(0).verifying_key()).unwrap()], AUDIENCE, store).unwrap()
}
