//! Deputize. Every presentation is one that its verifier has not seen.

use core::convert::Infallible;

use deputize::{
    ArgumentRules, Arguments, Call, Constraint, Grant, Now, Operation, Outcome, Range, SigningKey, Store, Tools, TrustAnchor,
    UnverifiedChain, Verifier, delegate, issue, prove,
};

use crate::{AUDIENCE, DEPTHS, Peer, TOOL, labels, seed};

/// Distinct bytes at no cost: randomness is not what is measured.
struct Counter(u64);

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

impl rand_core::TryCryptoRng for Counter {}

/// None of the others has a store of used proofs.
struct NoStore;

impl Store for NoStore {
    fn commit(&self, _: &[Operation], _: Now) -> Outcome {
        Outcome::Committed
    }
}

/// Keys, and what each holder is given.
pub struct Ours {
    keys: Vec<SigningKey>,
    grants: Vec<Grant>,
    verifier: Verifier,
    arguments: Arguments,
    rng: Counter,
}

fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

fn grant(hop: usize) -> Grant {
    let rules = ArgumentRules::new()
        .required("repo", Constraint::one_of(["acme/app", "acme/web"]).unwrap())
        .required("number", Constraint::range(Range::at_least(1)).unwrap())
        .required("labels", Constraint::subset(labels(hop).iter().copied()).unwrap());
    let key = SigningKey::from_seed(&seed(hop + 1)).unwrap();
    let grant = Grant::to(key.verifying_key()).tools(Tools::new().allow(TOOL, rules).unwrap()).ttl(600);
    if hop == 0 { grant.max_depth(15) } else { grant }
}

impl Ours {
    /// With a verifier that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        let hops = 0..DEPTHS[DEPTHS.len() - 1];
        let keys: Vec<SigningKey> = (0..=hops.end).map(|number| SigningKey::from_seed(&seed(number)).unwrap()).collect();
        let anchor = TrustAnchor::new("ana", keys[0].verifying_key()).unwrap();
        let arguments = Arguments::new(vec![
            ("repo".into(), "acme/app".into()),
            ("number".into(), 1719.into()),
            ("labels".into(), vec!["bug", "urgent"].into()),
        ]);
        Ours {
            keys,
            grants: hops.map(grant).collect(),
            verifier: Verifier::new([anchor], AUDIENCE, NoStore).unwrap(),
            arguments: arguments.unwrap(),
            rng: Counter(1),
        }
    }
}

impl Default for Ours {
    fn default() -> Self {
        Ours::new()
    }
}

impl Peer for Ours {
    type Chain = UnverifiedChain;

    const NAME: &'static str = "deputize";

    fn mint(&mut self) -> UnverifiedChain {
        issue(&self.keys[0], "ana", &self.grants[0], &mut self.rng, now()).unwrap()
    }

    fn delegate(&mut self, chain: &UnverifiedChain, hop: usize) -> UnverifiedChain {
        delegate(&self.keys[hop + 1], chain, &self.grants[hop + 1], &mut self.rng, now()).unwrap()
    }

    fn present(&mut self, chain: &UnverifiedChain, depth: usize) -> Vec<u8> {
        let call = Call::new(TOOL, &self.arguments);
        prove(&self.keys[depth], chain, &call, AUDIENCE, &mut self.rng, now()).unwrap().encode().to_vec()
    }

    fn decide(&mut self, presentation: &[u8]) -> bool {
        self.verifier.authorize(presentation, &Call::new(TOOL, &self.arguments), now()).is_ok()
    }
}
