//! The Merkle tree of RFC 6962 section 2.1: its root as it grows, and the proofs about it (RFC 9162 section 2.1).

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::id::Digest;

/// The root of a tree without leaves.
pub(crate) fn empty_root() -> Digest {
    crate::id::sha256(b"")
}

pub(crate) fn leaf_hash(leaf: &[u8]) -> Digest {
    let mut hash = Sha256::new();
    hash.update([0]);
    hash.update(leaf);
    Digest::from_bytes(hash.finalize().into())
}

fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [1; 65];
    bytes[1..33].copy_from_slice(left.as_bytes());
    bytes[33..].copy_from_slice(right.as_bytes());
    crate::id::sha256(&bytes)
}

/// What a tree has to remember to grow: the roots of its full subtrees, the largest first, one for each bit of its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// As many roots as the size has bits; none otherwise.
    pub(crate) fn from_roots(size: u64, roots: Vec<Digest>) -> Option<Self> {
        (roots.len() == size.count_ones() as usize).then_some(Frontier { size, roots })
    }

    pub(crate) fn roots(&self) -> &[Digest] {
        &self.roots
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    pub(crate) fn push(&mut self, leaf: Digest) {
        let mut root = leaf;
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().expect("a root for each bit of the size");
            root = node_hash(&left, &root);
        }
        self.roots.push(root);
        self.size += 1;
    }

    pub(crate) fn root(&self) -> Digest {
        let folded = self.roots.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
        folded.unwrap_or_else(empty_root)
    }
}

/// The largest power of two below a size of at least 2.
const fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}

/// The leaves whose subtrees' roots are the inclusion proof of a leaf, in the order of the proof.
pub(crate) fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let (mut ranges, mut tree) = (Vec::new(), 0..size);
    while tree.end - tree.start > 1 {
        let middle = tree.start + split(tree.end - tree.start);
        let (inner, sibling) = if index < middle { (tree.start..middle, middle..tree.end) } else { (middle..tree.end, tree.start..middle) };
        ranges.push(sibling);
        tree = inner;
    }
    ranges.reverse();
    ranges
}

/// The same for the consistency proof between two sizes. Nothing to show if the older is empty, or the same.
pub(crate) fn consistency_ranges(old: u64, size: u64) -> Vec<Range<u64>> {
    let (mut ranges, mut tree) = (Vec::new(), 0..size);
    if old == 0 || old >= size {
        return ranges;
    }
    while tree.end != old {
        let middle = tree.start + split(tree.end - tree.start);
        if old <= middle {
            ranges.push(middle..tree.end);
            tree.end = middle;
        } else {
            ranges.push(tree.start..middle);
            tree.start = middle;
        }
    }
    // The old tree itself needs no proof: whoever checks has its root.
    if tree.start != 0 {
        ranges.push(tree);
    }
    ranges.reverse();
    ranges
}

/// Collects the roots of ranges while leaves go by, so that a proof needs no tree in memory.
#[derive(Debug)]
pub(crate) struct Roots {
    wanted: Vec<(Range<u64>, usize)>,
    next: usize,
    frontier: Frontier,
    found: Vec<Digest>,
}

impl Roots {
    /// Ranges that do not overlap.
    pub(crate) fn of(ranges: Vec<Range<u64>>) -> Self {
        let found = vec![empty_root(); ranges.len()];
        let mut wanted: Vec<_> = ranges.into_iter().enumerate().map(|(at, range)| (range, at)).collect();
        wanted.sort_by_key(|(range, _)| range.start);
        Roots { wanted, next: 0, frontier: Frontier::default(), found }
    }

    pub(crate) fn leaf(&mut self, index: u64, leaf: Digest) {
        let Some((range, at)) = self.wanted.get(self.next) else { return };
        if !range.contains(&index) {
            return;
        }
        self.frontier.push(leaf);
        if index + 1 == range.end {
            self.found[*at] = self.frontier.root();
            self.frontier = Frontier::default();
            self.next += 1;
        }
    }

    pub(crate) fn finish(self) -> Option<Vec<Digest>> {
        (self.next == self.wanted.len()).then_some(self.found)
    }
}

/// The root that a leaf and its inclusion proof lead to (RFC 9162 section 2.1.3.2); none where the proof has another length.
pub(crate) fn included_in(leaf: Digest, index: u64, size: u64, proof: &[Digest]) -> Option<Digest> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut root) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            root = node_hash(sibling, &root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            root = node_hash(&root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(root)
}

/// Whether a tree continues an older one (RFC 9162 section 2.1.4.2).
pub(crate) fn continues(old: (u64, &Digest), new: (u64, &Digest), proof: &[Digest]) -> bool {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == 0 || old_size == new_size {
        return proof.is_empty() && (old_size == 0 || old_root == new_root);
    }
    if old_size > new_size {
        return false;
    }
    // An old tree that is one full subtree starts the path with its own root.
    let mut path = old_size.is_power_of_two().then_some(old_root).into_iter().chain(proof);
    let Some(first) = path.next() else { return false };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut older, mut newer) = (*first, *first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            newer = node_hash(&newer, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && older == *old_root && newer == *new_root
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(count: u64) -> Vec<Digest> {
        (0..count).map(|n| leaf_hash(&n.to_be_bytes())).collect()
    }

    /// MTH as RFC 6962 section 2.1 writes it.
    fn root_of(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                node_hash(&root_of(left), &root_of(right))
            }
        }
    }

    fn proof(ranges: Vec<Range<u64>>, leaves: &[Digest]) -> Vec<Digest> {
        let mut roots = Roots::of(ranges);
        for (index, leaf) in leaves.iter().enumerate() {
            roots.leaf(index as u64, *leaf);
        }
        roots.finish().expect("every range was there")
    }

    #[test]
    fn the_root_is_the_one_of_the_definition_at_every_size() {
        let leaves = leaves(130);
        let mut frontier = Frontier::default();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.root(), root_of(&leaves[..size]), "{size}");
            let same = Frontier::from_roots(size as u64, frontier.roots().to_vec());
            assert_eq!(same.as_ref(), Some(&frontier));
            assert_eq!(Frontier::from_roots(size as u64, leaves[..65].to_vec()), None);
            if let Some(leaf) = leaves.get(size) {
                frontier.push(*leaf);
            }
        }
    }

    #[test]
    fn every_leaf_is_included_and_nothing_else_is() {
        for size in 1..=40 {
            let leaves = leaves(size);
            let root = root_of(&leaves);
            for index in 0..size {
                let path = proof(inclusion_ranges(index, size), &leaves);
                let leaf = leaves[index as usize];
                assert_eq!(included_in(leaf, index, size, &path), Some(root));
                assert_ne!(included_in(leaf_hash(b"another"), index, size, &path), Some(root));
                for other in (0..=size).filter(|other| *other != index) {
                    assert_ne!(included_in(leaf, other, size, &path), Some(root), "{other} is not {index} of {size}");
                }
                let longer: Vec<_> = path.iter().copied().chain([root]).collect();
                assert_ne!(included_in(leaf, index, size, &longer), Some(root));
                for at in 0..path.len() {
                    let mut wrong = path.clone();
                    wrong[at] = leaf_hash(b"another");
                    assert_ne!(included_in(leaf, index, size, &wrong), Some(root));
                    assert_ne!(included_in(leaf, index, size, &path[..at]), Some(root));
                }
            }
        }
    }

    #[test]
    fn a_tree_continues_each_of_its_beginnings_and_no_other() {
        let leaves = leaves(40);
        let another = leaf_hash(b"another");
        for size in 0..=leaves.len() {
            let root = root_of(&leaves[..size]);
            for old in 0..=size {
                let path = proof(consistency_ranges(old as u64, size as u64), &leaves[..size]);
                let (old, new) = ((old as u64, &root_of(&leaves[..old])), (size as u64, &root));
                assert!(continues(old, new, &path), "{old:?} {size}");
                assert!(old.0 == 0 || !continues((old.0, &another), new, &path));
                assert!(old.0 == 0 || !continues(old, (new.0, &another), &path));
                assert!(old.0 == new.0 || !continues(new, old, &path));
                let longer: Vec<_> = path.iter().copied().chain([another]).collect();
                assert!(!continues(old, new, &longer));
                for at in 0..path.len() {
                    let mut wrong = path.clone();
                    wrong[at] = another;
                    assert!(!continues(old, new, &wrong) && !continues(old, new, &path[..at]));
                }
            }
        }
    }

    #[test]
    fn a_leaf_is_never_taken_for_a_node() {
        let [left, right] = [leaf_hash(b"left"), leaf_hash(b"right")];
        let node: Vec<u8> = [1].into_iter().chain(*left.as_bytes()).chain(*right.as_bytes()).collect();
        assert_ne!(leaf_hash(&node[1..]), node_hash(&left, &right));
        assert_ne!(leaf_hash(&node), node_hash(&left, &right));
    }
}
