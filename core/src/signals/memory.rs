//! What signals remember, within fixed bounds.

use std::collections::{HashMap, HashSet, VecDeque};

use sha2::{Digest as _, Sha256};

/// The most agents or approvers whose latest denials or approvals are remembered.
const MAX_BURSTS: usize = 4096;
/// A minute, in milliseconds.
const MINUTE: u64 = 60_000;

/// Whatever is remembered, in 16 bytes that nobody can choose: half of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Name([u8; 16]);

impl Name {
    pub(super) fn of<const N: usize>(sort: &str, parts: [&str; N]) -> Self {
        let mut hash = Sha256::new();
        for part in [sort].into_iter().chain(parts) {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self::half(hash)
    }

    /// Names in a row.
    pub(super) fn joined(names: &[Name]) -> Self {
        let mut hash = Sha256::new();
        names.iter().for_each(|name| hash.update(name.0));
        Self::half(hash)
    }

    fn half(hash: Sha256) -> Self {
        let mut half = [0; 16];
        half.copy_from_slice(&hash.finalize()[..16]);
        Name(half)
    }
}

/// Names that were seen: those of late for certain, and of the others at least as many as fit.
#[derive(Clone, Debug)]
pub(super) struct Names {
    half: usize,
    young: HashSet<Name>,
    old: HashSet<Name>,
}

impl Names {
    pub(super) fn new(capacity: usize) -> Self {
        Names { half: capacity / 2, young: HashSet::new(), old: HashSet::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    pub(super) fn has(&self, name: Name) -> bool {
        self.young.contains(&name) || self.old.contains(&name)
    }

    /// Whether a name was not there; now it is.
    pub(super) fn is_new(&mut self, name: Name) -> bool {
        if self.young.contains(&name) {
            return false;
        }
        let is_new = !self.old.remove(&name);
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(name);
        is_new
    }

    pub(super) fn forget(&mut self, name: Name) {
        self.young.remove(&name);
        self.old.remove(&name);
    }
}

/// The latest times of something, for each name.
#[derive(Clone, Debug)]
pub(super) struct Bursts {
    count: usize,
    window: u64,
    young: HashMap<Name, VecDeque<u64>>,
    old: HashMap<Name, VecDeque<u64>>,
}

impl Bursts {
    pub(super) fn new(count: usize, window: u64) -> Self {
        Bursts { count, window, young: HashMap::new(), old: HashMap::new() }
    }

    /// Adds what happened now, so many times. Whether that makes a burst, which then begins anew.
    pub(super) fn add(&mut self, name: Name, now: u64, times: u64) -> bool {
        if !self.young.contains_key(&name) {
            let kept = self.old.remove(&name).unwrap_or_default();
            if self.young.len() >= MAX_BURSTS / 2 {
                self.old = std::mem::take(&mut self.young);
            }
            self.young.insert(name, kept);
        }
        let latest = self.young.entry(name).or_default();
        latest.retain(|time| time.abs_diff(now) <= self.window);
        latest.extend(std::iter::repeat_n(now, usize::try_from(times).unwrap_or(usize::MAX).min(self.count - latest.len())));
        let is_burst = latest.len() >= self.count;
        if is_burst {
            latest.clear();
        }
        is_burst
    }
}

/// How many signals of a kind there were in this minute.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    since: u64,
    told: u64,
    left_out: u64,
}

impl Pace {
    /// Takes one more: how many were left out since the last that was told. Nothing if this one is left out too.
    pub(super) fn take(&mut self, now: u64, most: u64) -> Option<u64> {
        if now.abs_diff(self.since) >= MINUTE {
            (self.since, self.told) = (now, 0);
        }
        if self.told >= most {
            self.left_out += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> Name {
        Name::of("test", [&*number.to_string()])
    }

    #[test]
    fn memory_never_grows_beyond_its_bound_and_keeps_the_latest_half() {
        let mut names = Names::new(100);
        for number in 0..10_000 {
            assert!(names.is_new(name(number)));
            assert!(names.young.len() + names.old.len() <= 100);
        }
        assert!((9_951..10_000).all(|number| names.has(name(number))));
        let mut bursts = Bursts::new(3, 1000);
        for number in 0..100_000 {
            assert!(!bursts.add(name(number), 1, 1));
            assert!(bursts.young.len() + bursts.old.len() <= MAX_BURSTS);
        }
    }

    #[test]
    fn a_name_in_use_is_not_forgotten() {
        let mut names = Names::new(100);
        for number in 0..10_000 {
            names.is_new(name(number));
            assert_eq!(names.is_new(name(usize::MAX)), number == 0, "{number}");
        }
    }

    #[test]
    fn a_burst_is_so_many_within_the_window_whichever_way_the_clock_goes() {
        let mut bursts = Bursts::new(3, 1000);
        let added = [0, 1000, 2001, 2002, 2003, 9000, 8500, 8000].map(|now| bursts.add(name(1), now, 1));
        assert_eq!(added, [false, false, false, false, true, false, false, true]);
        assert!(bursts.add(name(2), 0, u64::MAX));
    }

    #[test]
    fn parts_of_names_do_not_run_together() {
        assert_ne!(Name::of("a", ["b", "c"]), Name::of("a", ["bc", ""]));
        assert_ne!(Name::of("a", ["b"]), Name::of("ab", [""]));
    }
}
