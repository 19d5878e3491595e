//! Position automata (Glushkov 1961): one state for each class of the pattern, sets of them as bits.

use std::collections::BTreeMap;

use regex_syntax::hir::ClassUnicode;

use super::syntax::Node;
use crate::steps::Steps;

/// Words of a set of positions: room for the largest pattern ([`crate::limits::MAX_PATTERN_SIZE`]) and the start.
const WORDS: usize = 8;
const _: () = assert!(crate::limits::MAX_PATTERN_SIZE < WORDS * 64);

/// A set of positions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Positions([u64; WORDS]);

impl Positions {
    /// Where every match begins: position 0.
    pub(crate) const START: Positions = Positions([1, 0, 0, 0, 0, 0, 0, 0]);

    fn insert(&mut self, position: usize) {
        self.0[position / 64] |= 1 << (position % 64);
    }

    fn toggle(&mut self, position: usize) {
        self.0[position / 64] ^= 1 << (position % 64);
    }

    fn unite(&mut self, other: &Positions) {
        self.0.iter_mut().zip(other.0).for_each(|(own, more)| *own |= more);
    }

    fn iter(&self, words: usize) -> impl Iterator<Item = usize> {
        self.0[..words].iter().enumerate().flat_map(|(word, bits)| {
            std::iter::successors(Some(*bits), |bits| Some(bits & (bits.wrapping_sub(1))))
                .take_while(|bits| *bits != 0)
                .map(move |bits| word * 64 + bits.trailing_zeros() as usize)
        })
    }

    pub(crate) fn as_words(&self) -> &[u64; WORDS] {
        &self.0
    }

    pub(crate) fn from_words(words: &[u64]) -> Self {
        let mut positions = Positions::default();
        positions.0[..words.len()].copy_from_slice(words);
        positions
    }
}

/// The automaton of one pattern. Immutable, so that threads share it.
#[derive(Debug)]
pub(crate) struct Automaton {
    words: usize,
    follow: Vec<Positions>,
    last: Positions,
    /// The positions whose class has the characters from this one to the next entry.
    intervals: Vec<(char, u16)>,
    ascii: [u16; 128],
    masks: Vec<Positions>,
}

impl Automaton {
    /// The automaton of a pattern within the limit on its size.
    pub(crate) fn new(node: &Node) -> Self {
        let mut builder = Builder { follow: vec![Positions::default()], classes: Vec::new() };
        let whole = builder.build(node);
        builder.follow[0] = whole.first;
        let mut last = whole.last;
        if whole.empty {
            last.insert(0);
        }
        let (intervals, masks) = partition(&builder.classes);
        let mut ascii = [0; 128];
        for (first, class) in intervals.iter().filter(|(first, _)| first.is_ascii()) {
            ascii[*first as usize..].fill(*class);
        }
        Automaton { words: builder.follow.len().div_ceil(64), follow: builder.follow, last, intervals, ascii, masks }
    }

    /// How many words its sets of positions have.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// Where each interval of characters begins that it treats alike, and the class of the interval.
    pub(crate) fn intervals(&self) -> &[(char, u16)] {
        &self.intervals
    }

    /// How many classes there are.
    pub(crate) fn classes(&self) -> usize {
        self.masks.len()
    }

    pub(crate) fn class_of(&self, c: char) -> u16 {
        if c.is_ascii() { self.ascii[c as usize] } else { self.search_class(c) }
    }

    fn search_class(&self, c: char) -> u16 {
        let at = self.intervals.partition_point(|(first, _)| *first <= c);
        self.intervals[at - 1].1
    }

    /// Where any character leads from here, before [`Automaton::keep`] says which one it is.
    pub(crate) fn follow(&self, from: &Positions) -> Positions {
        let mut next = Positions::default();
        for position in from.iter(self.words) {
            let follow = &self.follow[position].0;
            (0..self.words).for_each(|word| next.0[word] |= follow[word]);
        }
        next
    }

    /// Of the positions that follow, those that a character of this class leads to, word by word.
    pub(crate) fn keep(&self, following: &[u64], class: u16, to: &mut [u64]) {
        let mask = &self.masks[usize::from(class)].0;
        to.iter_mut().zip(following).zip(mask).for_each(|((to, following), mask)| *to = following & mask);
    }

    /// What [`Automaton::follow`] costs from here.
    pub(crate) fn work(&self, from: &Positions) -> usize {
        let active: u32 = from.0[..self.words].iter().map(|word| word.count_ones()).sum();
        1 + active as usize * self.words / 4
    }

    pub(crate) fn accepts(&self, positions: &Positions) -> bool {
        (0..self.words).any(|word| positions.0[word] & self.last.0[word] != 0)
    }

    /// Whether it accepts a text; none when the steps are used up before it is known.
    pub(crate) fn matches(&self, text: &str, steps: &mut Steps) -> Option<bool> {
        let mut positions = Positions::START;
        for c in text.chars() {
            if !steps.take(self.work(&positions)) {
                return None;
            }
            let following = self.follow(&positions);
            self.keep(&following.0[..self.words], self.class_of(c), &mut positions.0[..self.words]);
            if positions == Positions::default() {
                return Some(false);
            }
        }
        Some(self.accepts(&positions))
    }
}

/// What a part of the pattern can begin and end with, and whether it can be empty.
#[derive(Clone, Copy)]
struct Part {
    empty: bool,
    first: Positions,
    last: Positions,
}

impl Part {
    const EMPTY: Part = Part { empty: true, first: Positions([0; WORDS]), last: Positions([0; WORDS]) };
}

struct Builder<'a> {
    follow: Vec<Positions>,
    /// The class of each position from 1.
    classes: Vec<&'a ClassUnicode>,
}

impl<'a> Builder<'a> {
    fn build(&mut self, node: &'a Node) -> Part {
        match node {
            Node::Class(class) | Node::Category(class) => {
                let mut only = Positions::default();
                only.insert(self.follow.len());
                self.follow.push(Positions::default());
                self.classes.push(class);
                Part { empty: false, first: only, last: only }
            }
            Node::Concat(parts) => parts.iter().fold(Part::EMPTY, |before, part| {
                let part = self.build(part);
                self.then(before, part)
            }),
            Node::Alternation(parts) => {
                let none = Part { empty: false, ..Part::EMPTY };
                parts.iter().fold(none, |mut all, part| {
                    let part = self.build(part);
                    all.empty |= part.empty;
                    all.first.unite(&part.first);
                    all.last.unite(&part.last);
                    all
                })
            }
            // Nothing repeated is nothing, however often it says.
            Node::Repeat(part, ..) if part.size() == 0 => Part::EMPTY,
            Node::Repeat(_, _, Some(0)) => Part::EMPTY,
            Node::Repeat(part, least, most) => self.repeat(part, *least, *most),
        }
    }

    /// From the end: `x{2,4}` is `x(x(x(x)?)?)`, so that what follows what stays linear.
    fn repeat(&mut self, part: &'a Node, least: u32, most: Option<u32>) -> Part {
        let mut tail = Part::EMPTY;
        let copies = most.unwrap_or(least.max(1));
        for copy in (0..copies).rev() {
            let mut part = self.build(part);
            if most.is_none() && copy == copies - 1 {
                self.connect(part.last, part.first);
            }
            part = self.then(part, tail);
            part.empty |= copy >= least;
            tail = part;
        }
        tail
    }

    fn then(&mut self, mut before: Part, after: Part) -> Part {
        self.connect(before.last, after.first);
        if before.empty {
            before.first.unite(&after.first);
        }
        let mut last = after.last;
        if after.empty {
            last.unite(&before.last);
        }
        Part { empty: before.empty && after.empty, first: before.first, last }
    }

    fn connect(&mut self, from: Positions, to: Positions) {
        for position in from.iter(WORDS) {
            self.follow[position].unite(&to);
        }
    }
}

/// Intervals of characters that the classes treat alike, and for each kind of interval the positions that it satisfies.
fn partition(classes: &[&ClassUnicode]) -> (Vec<(char, u16)>, Vec<Positions>) {
    // Where a position begins or ceases to be satisfied. The ranges of a class are apart, so that the one follows the other.
    let mut changes: Vec<(char, usize)> = vec![('\0', 0)];
    for (position, class) in classes.iter().enumerate() {
        for range in class.ranges() {
            changes.push((range.start(), position + 1));
            changes.extend(successor(range.end()).map(|after| (after, position + 1)));
        }
    }
    // Merges what is sorted already.
    changes.sort_by_key(|(c, _)| *c);
    let mut satisfied = Positions::default();
    let mut intervals: Vec<(char, u16)> = Vec::with_capacity(changes.len());
    let mut masks: Vec<Positions> = Vec::new();
    let mut known = BTreeMap::new();
    for same in changes.chunk_by(|a, b| a.0 == b.0) {
        same.iter().filter(|(_, position)| *position > 0).for_each(|(_, position)| satisfied.toggle(*position));
        // Mostly it is one of the last two.
        let recent = (masks.len().saturating_sub(2)..masks.len()).find(|at| masks[*at] == satisfied);
        let class = recent.unwrap_or_else(|| {
            *known.entry(satisfied.0).or_insert_with(|| {
                masks.push(satisfied);
                masks.len() - 1
            })
        });
        intervals.push((same[0].0, class as u16));
    }
    (intervals, masks)
}

/// The next character, surrogates left out.
pub(super) fn successor(c: char) -> Option<char> {
    match c {
        '\u{d7ff}' => Some('\u{e000}'),
        _ => char::from_u32(c as u32 + 1),
    }
}
