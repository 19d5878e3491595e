//! What a list says, by keyed fingerprints: 17 bytes for an id, and for most that are not there one line of a small filter to look at.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::Arc;

/// What a list says of an id: bits, of which a key may have several.
pub(super) type Status = u8;
/// Of a key, in a change: neither suspended nor pending any longer.
pub(super) const ACTIVE: Status = 0;
pub(super) const REVOKED: Status = 1;
pub(super) const SUSPENDED: Status = 2;
pub(super) const PENDING: Status = 4;

/// The lowest bits of an entry are the status, the others the fingerprint.
const STATUS: u128 = 7;
/// Ids for each bucket, on average: eight bits of its filter for each.
const PER_BUCKET: usize = 64;
/// Bits that an id sets in the filter of its bucket.
const FILTER_BITS: u32 = 5;
/// Ids that changes may name before they are merged into the table.
const MAX_OVERLAY: usize = 65_536;

/// The secrets of the fingerprints: nobody outside can choose ids that fall together.
#[derive(Clone, Debug)]
pub(super) struct Fingerprints {
    first: RandomState,
    second: RandomState,
}

impl Fingerprints {
    pub(super) fn new() -> Self {
        Fingerprints { first: RandomState::new(), second: RandomState::new() }
    }

    /// An id of a kind, ready to be looked for.
    pub(super) fn probe<'a>(&'a self, kind: u8, id: &'a [u8]) -> Probe<'a> {
        Probe { secret: &self.second, kind, id, first: half(&self.first, kind, id), whole: OnceCell::new() }
    }

    /// The entry of an id that has this status.
    pub(super) fn entry(&self, kind: u8, id: &[u8], status: Status) -> u128 {
        self.probe(kind, id).fingerprint() | u128::from(status)
    }
}

fn half(secret: &RandomState, kind: u8, id: &[u8]) -> u64 {
    let mut hasher = secret.build_hasher();
    hasher.write(id);
    hasher.write_u8(kind);
    hasher.finish()
}

/// An id that is looked for. The second half of its fingerprint is computed only where the first one is found.
pub(super) struct Probe<'a> {
    secret: &'a RandomState,
    kind: u8,
    id: &'a [u8],
    first: u64,
    whole: OnceCell<u128>,
}

impl Probe<'_> {
    /// The fingerprint; its lowest bits are clear.
    pub(super) fn fingerprint(&self) -> u128 {
        *self.whole.get_or_init(|| (u128::from(self.first) << 64 | u128::from(half(self.secret, self.kind, self.id))) & !STATUS)
    }
}

/// The fingerprint of an entry.
pub(super) const fn fingerprint_of(entry: u128) -> u128 {
    entry & !STATUS
}

/// The status of an entry.
pub(super) const fn status_of(entry: u128) -> Status {
    (entry & STATUS) as Status
}

/// Entries in order, in buckets by their first bits. Of each bucket there is its start, and a filter that most ids which are not in it do
/// not pass: it is small enough to stay near the processor.
#[derive(Debug, Default)]
pub(super) struct Table {
    entries: Box<[u128]>,
    starts: Box<[u32]>,
    filters: Box<[Filter]>,
}

/// One line of a cache.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Filter([u64; 8]);

impl Filter {
    /// The bits of an id: nine bits of the fingerprint say which, and none of them says which bucket it is.
    fn bits(first: u64) -> impl Iterator<Item = (usize, u64)> {
        (0..FILTER_BITS).map(move |turn| (first >> (9 * turn)) as usize & 511).map(|bit| (bit / 64, 1 << (bit % 64)))
    }

    fn add(&mut self, first: u64) {
        Self::bits(first).for_each(|(word, bit)| self.0[word] |= bit);
    }

    fn may_have(&self, first: u64) -> bool {
        Self::bits(first).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

impl Table {
    /// A table of these entries; those of one id become one.
    pub(super) fn new(mut entries: Vec<u128>) -> Self {
        entries.sort_unstable();
        entries.dedup_by(|next, kept| {
            let same = fingerprint_of(*next) == fingerprint_of(*kept);
            if same {
                *kept |= *next & STATUS;
            }
            same
        });
        let entries = entries.into_boxed_slice();
        let buckets = entries.len().div_ceil(PER_BUCKET);
        let mut starts = Vec::with_capacity(buckets + 1);
        let mut filters = vec![Filter::default(); buckets].into_boxed_slice();
        for (at, entry) in entries.iter().enumerate() {
            let (bucket, _) = place_of(first_of(*entry), buckets);
            while starts.len() <= bucket {
                starts.push(at as u32);
            }
            filters[bucket].add(first_of(*entry));
        }
        starts.resize(buckets + 1, entries.len() as u32);
        Table { entries, starts: starts.into_boxed_slice(), filters }
    }

    fn status(&self, probe: &Probe<'_>) -> Status {
        let first = probe.first;
        let (bucket, within) = place_of(first, self.filters.len());
        if !self.filters.get(bucket).is_some_and(|filter| filter.may_have(first)) {
            return 0;
        }
        let (start, end) = (self.starts[bucket] as usize, self.starts[bucket + 1] as usize);
        let entries = &self.entries[start..end];
        // Fingerprints are spread evenly, so this is a few entries off.
        let mut at = ((u128::from(within) * entries.len() as u128) >> 64) as usize;
        while at > 0 && first_of(entries[at - 1]) >= first {
            at -= 1;
        }
        let same_first = entries[at..].iter().skip_while(|entry| first_of(**entry) < first).take_while(|entry| first_of(**entry) == first);
        same_first.copied().find(|entry| fingerprint_of(*entry) == probe.fingerprint()).map_or(0, status_of)
    }
}

const fn first_of(entry: u128) -> u64 {
    (entry >> 64) as u64
}

/// The bucket of the first half of a fingerprint, and where in it, as a fraction. Both grow with it.
fn place_of(first: u64, buckets: usize) -> (usize, u64) {
    let place = u128::from(first) * buckets as u128;
    ((place >> 64) as usize, place as u64)
}

/// A fingerprint is a hash already.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, fingerprint: u128) {
        self.0 = (fingerprint >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

type ByFingerprint = HashMap<u128, Status, BuildHasherDefault<AsItIs>>;

/// A full list with its changes: what they name stands over the table.
#[derive(Clone, Debug)]
pub(super) struct Contents {
    table: Arc<Table>,
    changed: ByFingerprint,
}

impl Contents {
    pub(super) fn new(table: Table) -> Self {
        Contents { table: Arc::new(table), changed: HashMap::default() }
    }

    pub(super) fn status(&self, probe: &Probe<'_>) -> Status {
        if !self.changed.is_empty()
            && let Some(status) = self.changed.get(&probe.fingerprint())
        {
            return *status;
        }
        self.table.status(probe)
    }

    /// What it says of a fingerprint, for ids that are gone already.
    pub(super) fn of(&self, fingerprint: u128) -> Status {
        self.changed.get(&fingerprint).copied().unwrap_or_else(|| {
            let at = self.table.entries.partition_point(|entry| fingerprint_of(*entry) < fingerprint);
            self.table.entries.get(at).filter(|entry| fingerprint_of(**entry) == fingerprint).map_or(0, |entry| status_of(*entry))
        })
    }

    /// The same with a change: what was revoked stays so.
    pub(super) fn changed_by(&self, entries: &[u128]) -> Self {
        let mut contents = self.clone();
        for entry in entries {
            let (fingerprint, said) = (fingerprint_of(*entry), status_of(*entry));
            let before = contents.of(fingerprint);
            let after = if said == ACTIVE { before & REVOKED } else { before | said };
            contents.changed.insert(fingerprint, after);
        }
        if contents.changed.len() > MAX_OVERLAY { contents.merged() } else { contents }
    }

    fn merged(&self) -> Self {
        let kept = self.table.entries.iter().filter(|entry| !self.changed.contains_key(&fingerprint_of(**entry)));
        let changed = self.changed.iter().filter(|(_, status)| **status != 0);
        let mut entries = Vec::with_capacity(self.table.entries.len() + self.changed.len());
        entries.extend(kept.copied().chain(changed.map(|(fingerprint, status)| fingerprint | u128::from(*status))));
        Contents::new(Table::new(entries))
    }

    /// How many ids it names; an id that a change names again counts twice until both are merged.
    pub(super) fn len(&self) -> usize {
        self.table.entries.len() + self.changed.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(fingerprints: &Fingerprints, ids: impl Iterator<Item = u64>) -> Table {
        Table::new(ids.map(|id| fingerprints.entry(b'T', &id.to_be_bytes(), REVOKED)).collect())
    }

    #[test]
    fn every_id_that_is_in_is_found_and_no_other() {
        let fingerprints = Fingerprints::new();
        for count in [0, 1, 2, 3, 4, 5, 7, 100, 10_007] {
            let table = table(&fingerprints, 0..count);
            for id in 0..count + 100 {
                let status = table.status(&fingerprints.probe(b'T', &id.to_be_bytes()));
                assert_eq!(status, if id < count { REVOKED } else { 0 }, "{id} of {count}");
                assert_eq!(table.status(&fingerprints.probe(b'K', &id.to_be_bytes())), 0);
            }
        }
    }

    #[test]
    fn an_id_that_comes_twice_is_one_entry_with_both_states() {
        let fingerprints = Fingerprints::new();
        let table = Table::new([REVOKED, SUSPENDED, REVOKED, PENDING].map(|status| fingerprints.entry(b'K', b"k", status)).to_vec());
        assert_eq!(table.entries.len(), 1);
        assert_eq!(table.status(&fingerprints.probe(b'K', b"k")), REVOKED | SUSPENDED | PENDING);
    }

    #[test]
    fn a_change_stands_over_the_table_before_and_after_it_is_merged() {
        let fingerprints = Fingerprints::new();
        let entry = |id: u32, status| fingerprints.entry(b'K', &id.to_be_bytes(), status);
        let status = |contents: &Contents, id: u32| contents.status(&fingerprints.probe(b'K', &id.to_be_bytes()));
        let full = Contents::new(Table::new(vec![entry(1, SUSPENDED), entry(2, REVOKED), entry(3, SUSPENDED | REVOKED)]));
        let changes = [entry(1, ACTIVE), entry(2, ACTIVE), entry(3, ACTIVE), entry(4, PENDING)];
        let changed = full.changed_by(&changes);
        let many: Vec<u128> = (100..100 + MAX_OVERLAY as u32).map(|id| entry(id, REVOKED)).collect();
        let merged = changed.changed_by(&many);
        assert!(merged.changed.is_empty() && !changed.changed.is_empty());
        for contents in [changed, merged] {
            assert_eq!([1, 2, 3, 4, 5].map(|id| status(&contents, id)), [0, REVOKED, REVOKED, PENDING, 0]);
        }
        assert_eq!(status(&full, 1), SUSPENDED);
    }
}
