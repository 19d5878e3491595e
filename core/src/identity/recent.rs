//! Documents that were verified before, found by their exact bytes. Holds nothing that depends on time, and nothing unverified.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::policy::Document;

/// Documents that one generation may hold; two generations live at a time, of at most 4 KiB a document.
const MAX_DOCUMENTS: usize = 2048;

type Generation = HashMap<[u8; 64], Arc<Document>>;

/// By the signature, which is at hand without a digest; the bytes are compared in full.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Generations>);

/// When the young are full, they become the old, and the old are dropped. What is used moves back to the young.
#[derive(Debug, Default)]
struct Generations {
    young: Generation,
    old: Generation,
}

impl Recent {
    /// The document of exactly these bytes.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Arc<Document>> {
        let key = bytes.last_chunk()?;
        let mut generations = self.0.lock().ok()?;
        let found = match generations.young.get(key) {
            Some(document) => document.clone(),
            None => {
                let document = generations.old.remove(key)?;
                generations.insert(*key, document.clone());
                document
            }
        };
        drop(generations);
        (*found.bytes == *bytes).then_some(found)
    }

    /// Remembers a verified document.
    pub(super) fn insert(&self, document: &Arc<Document>) {
        if let (Some(key), Ok(mut generations)) = (document.bytes.last_chunk(), self.0.lock()) {
            generations.insert(*key, document.clone());
        }
    }
}

impl Generations {
    fn insert(&mut self, key: [u8; 64], document: Arc<Document>) {
        if self.young.len() >= MAX_DOCUMENTS {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, document);
    }
}
