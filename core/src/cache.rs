//! Chains that were verified before, found by their exact bytes. Holds nothing that depends on time, and nothing unverified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::chain::Link;

const SHARDS: usize = 8;
/// Links and bytes that one generation of one shard may hold; two generations live at a time.
const MAX_LINKS: usize = 512;
const MAX_BYTES: usize = 512 * 1024;

/// Links by their signature, which is where a hash of the bytes would start; the bytes of the whole chain are compared in full.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    shards: [Mutex<Generations>; SHARDS],
}

/// When the young are full, they become the old, and the old are dropped. What is used moves back to the young.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<[u8; 64], Arc<Link>>,
    old: HashMap<[u8; 64], Arc<Link>>,
    young_bytes: usize,
}

impl Cache {
    /// The link that ends exactly these tokens.
    pub(crate) fn find(&self, tokens: &[&[u8]]) -> Option<Arc<Link>> {
        let key = signature(tokens.last()?)?;
        let mut shard = self.shard(&key)?.lock().ok()?;
        let found = match shard.young.get(&key) {
            Some(link) => link.clone(),
            None => {
                let link = shard.old.remove(&key)?;
                shard.insert(key, link.clone());
                link
            }
        };
        drop(shard);
        let same =
            found.position + 1 == tokens.len() && found.upwards().zip(tokens.iter().rev()).all(|(link, token)| *link.bytes == **token);
        same.then_some(found)
    }

    /// Remembers a verified link.
    pub(crate) fn insert(&self, link: &Arc<Link>) {
        let Some(key) = signature(&link.bytes) else { return };
        if let Some(Ok(mut shard)) = self.shard(&key).map(Mutex::lock) {
            shard.insert(key, link.clone());
        }
    }

    fn shard(&self, key: &[u8; 64]) -> Option<&Mutex<Generations>> {
        self.shards.get(usize::from(key[0]) % SHARDS)
    }
}

impl Generations {
    fn insert(&mut self, key: [u8; 64], link: Arc<Link>) {
        if self.young.len() >= MAX_LINKS || self.young_bytes >= MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += link.bytes.len();
        self.young.insert(key, link);
    }
}

/// The last 64 bytes of a token are its signature, once its shape is known; before, they are any 64 bytes, and the comparison in full decides.
fn signature(token: &[u8]) -> Option<[u8; 64]> {
    token.last_chunk().copied()
}
