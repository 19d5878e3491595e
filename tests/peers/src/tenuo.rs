//! Tenuo: warrants in a stack, and a proof of possession over tool and arguments in windows of time. The proof names no audience.

use std::collections::HashMap;
use std::time::Duration;

use ::tenuo::{Authorizer, Constraint, ConstraintSet, ConstraintValue, OneOf, Range, Signature, SigningKey, Subset, Warrant, wire};

use crate::{DEPTHS, Peer, TOOL, labels, seed};

/// Keys, and what each holder is given.
pub struct Tenuo {
    keys: Vec<SigningKey>,
    rules: Vec<ConstraintSet>,
    authorizer: Authorizer,
    arguments: HashMap<String, ConstraintValue>,
}

fn rules(hop: usize) -> ConstraintSet {
    ConstraintSet::from_iter([
        ("repo".to_owned(), Constraint::from(OneOf::new(["acme/app", "acme/web"]))),
        ("number".to_owned(), Constraint::from(Range::min(1.0).unwrap())),
        ("labels".to_owned(), Constraint::from(Subset::new(labels(hop).iter().copied()))),
    ])
}

impl Tenuo {
    /// With an authorizer that trusts the issuer.
    #[must_use]
    pub fn new() -> Self {
        let hops = 0..DEPTHS[DEPTHS.len() - 1];
        let keys: Vec<SigningKey> = (0..=hops.end).map(|number| SigningKey::from_bytes(&seed(number))).collect();
        let set = ["bug", "urgent"].map(|label| ConstraintValue::String(label.to_owned()));
        let arguments = HashMap::from([
            ("repo".to_owned(), ConstraintValue::String("acme/app".to_owned())),
            ("number".to_owned(), ConstraintValue::Integer(1719)),
            ("labels".to_owned(), ConstraintValue::List(set.to_vec())),
        ]);
        let authorizer = Authorizer::new().with_trusted_root(keys[0].public_key());
        Tenuo { keys, rules: hops.map(rules).collect(), authorizer, arguments }
    }
}

impl Default for Tenuo {
    fn default() -> Self {
        Tenuo::new()
    }
}

impl Peer for Tenuo {
    type Chain = Vec<Warrant>;

    const NAME: &'static str = "tenuo";

    fn mint(&mut self) -> Vec<Warrant> {
        let builder = Warrant::builder().capability(TOOL, self.rules[0].clone()).ttl(Duration::from_secs(600));
        vec![builder.holder(self.keys[1].public_key()).build(&self.keys[0]).unwrap()]
    }

    fn delegate(&mut self, chain: &Vec<Warrant>, hop: usize) -> Vec<Warrant> {
        let child = chain.last().unwrap().attenuate().capability(TOOL, self.rules[hop + 1].clone());
        let child = child.holder(self.keys[hop + 2].public_key()).build(&self.keys[hop + 1]).unwrap();
        chain.iter().cloned().chain([child]).collect()
    }

    /// The stack, and after it the 64 bytes of the proof.
    fn present(&mut self, chain: &Vec<Warrant>, depth: usize) -> Vec<u8> {
        let proof = chain.last().unwrap().sign(&self.keys[depth], TOOL, &self.arguments).unwrap();
        let mut bytes = wire::to_vec(chain).unwrap();
        bytes.extend(proof.to_bytes());
        bytes
    }

    fn decide(&mut self, presentation: &[u8]) -> bool {
        let Some((stack, proof)) = presentation.split_last_chunk::<64>() else { return false };
        let (Ok(stack), Ok(proof)) = (wire::decode_stack(stack), Signature::from_bytes(proof)) else { return false };
        self.authorizer.check_chain(&stack.0, TOOL, &self.arguments, Some(&proof), &[]).is_ok()
    }
}
