//! Chains that were verified before, found by their exact bytes. Holds nothing that depends on time, and nothing unverified.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
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
    young: HashMap<Key, Arc<Link>>,
    old: HashMap<Key, Arc<Link>>,
    young_bytes: usize,
}

impl Cache {
    /// The link that ends exactly these tokens.
    pub(crate) fn find(&self, tokens: &[&[u8]]) -> Option<Arc<Link>> {
        let key = Key::of(tokens.last()?)?;
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
        let Some(key) = Key::of(&link.bytes) else { return };
        if let Some(Ok(mut shard)) = self.shard(&key).map(Mutex::lock) {
            shard.insert(key, link.clone());
        }
    }

    fn shard(&self, key: &Key) -> Option<&Mutex<Generations>> {
        self.shards.get(usize::from(key.0[0]) % SHARDS)
    }
}

impl Generations {
    fn insert(&mut self, key: Key, link: Arc<Link>) {
        if self.young.len() >= MAX_LINKS || self.young_bytes >= MAX_BYTES {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += link.bytes.len();
        self.young.insert(key, link);
    }
}

/// The last 64 bytes of a token: its signature, once its shape is known; before, they are any 64 bytes, and the comparison in full decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key([u8; 64]);

impl Key {
    fn of(token: &[u8]) -> Option<Self> {
        token.last_chunk().copied().map(Key)
    }
}

impl Hash for Key {
    /// Eight bytes of S (RFC 8032 section 5.1.6): whoever wants verified signatures that share them has to search for each.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from_le_bytes(self.0.as_chunks().0[4]));
    }
}
