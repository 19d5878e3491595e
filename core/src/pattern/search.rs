//! The search for a text that one language has and another lacks: a walk through the product of their automata, built on the way.

use std::sync::Arc;

use super::automaton::{Automaton, Positions, successor};
use crate::steps::Steps;

/// What it costs to put a character into the alphabet, to follow one, and to come to a new state.
const LETTER: usize = 2;
const TRANSITION: usize = 10;
const STATE: usize = 10;

/// A language of texts that others are built of.
#[derive(Debug)]
pub(crate) enum Atom<'a> {
    /// What a pattern matches.
    Pattern(Arc<Automaton>),
    /// These texts, ascending by bytes.
    Words(Vec<&'a str>),
    /// Texts of so many characters.
    Length(u64, Option<u64>),
}

/// A language built of atoms, each by its place in a list.
#[derive(Debug)]
pub(crate) enum Formula {
    Constant(bool),
    Atom(usize),
    Not(Box<Formula>),
    All(Vec<Formula>),
    Any(Vec<Formula>),
}

impl Formula {
    fn size(&self) -> usize {
        match self {
            Formula::Constant(_) | Formula::Atom(_) => 1,
            Formula::Not(inner) => 1 + inner.size(),
            Formula::All(parts) | Formula::Any(parts) => parts.iter().fold(1, |size, part| size + part.size()),
        }
    }

    /// Its truth, where the closure knows that of the atoms; `negated` knows that of an atom under [`Formula::Not`].
    fn holds(&self, atom: &impl Fn(usize) -> bool, negated: &impl Fn(usize) -> bool) -> bool {
        match self {
            Formula::Constant(value) => *value,
            Formula::Atom(at) => atom(*at),
            Formula::Not(inner) => match &**inner {
                Formula::Atom(at) => negated(*at),
                inner => !inner.holds(atom, negated),
            },
            Formula::All(parts) => parts.iter().all(|part| part.holds(atom, negated)),
            Formula::Any(parts) => parts.iter().any(|part| part.holds(atom, negated)),
        }
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    /// There is none.
    None,
    /// This one, the shortest.
    Text(String),
    /// The steps were used up.
    Unknown,
}

/// Looks for a text that is in `wanted` and not in `allowed`. `Not` stands before atoms only.
pub(crate) fn search(atoms: &[Atom<'_>], wanted: &Formula, allowed: &Formula, steps: &mut Steps) -> Found {
    let Some(alphabet) = alphabet(atoms, steps) else { return Found::Unknown };
    let offsets: Vec<usize> = atoms
        .iter()
        .scan(0, |end, atom| {
            let start = *end;
            *end += atom.words();
            Some(start)
        })
        .collect();
    let product = Product { atoms, offsets };
    let mut states = States::new(&product.start());
    let width = states.width;
    let (mut key, mut following, mut next) = (vec![0; width], vec![0; width], vec![0; width]);
    // What is looked at in each state, and for each letter.
    let sizes = wanted.size() + allowed.size();
    let looked_at = atoms.len() + wanted.size() / 2;
    let mut at = 0;
    while at < states.len() {
        key.copy_from_slice(states.key(at));
        let accepts = |atom: usize| product.accepts(&key, atom);
        let refuses = |atom: usize| !accepts(atom);
        if wanted.holds(&accepts, &refuses) && !allowed.holds(&accepts, &refuses) {
            return Found::Text(states.text(at));
        }
        let work = product.follow(&key, &mut following);
        if !steps.take(work + sizes + alphabet.len() * looked_at) {
            return Found::Unknown;
        }
        for letter in &alphabet {
            product.step(&following, letter, &mut next);
            // A state from which nothing wanted can be reached is not worth a visit.
            if !wanted.holds(&|atom| product.is_alive(&next, atom), &|_| true) {
                continue;
            }
            let price = if states.add(&next, at, letter.shown) { TRANSITION + STATE + width } else { TRANSITION };
            if !steps.take(price) {
                return Found::Unknown;
            }
        }
        at += 1;
    }
    Found::None
}

/// The states that were reached, in the order in which they were, each with the state and the character that led to it.
struct States {
    width: usize,
    keys: Vec<u64>,
    reached: Vec<(usize, char)>,
    /// Where to look for a key, by its hash: the number of a state, and one more.
    slots: Vec<u32>,
}

impl States {
    fn new(start: &[u64]) -> Self {
        let mut states = States { width: start.len(), keys: Vec::new(), reached: Vec::new(), slots: vec![0; 64] };
        states.add(start, 0, '\0');
        states
    }

    fn len(&self) -> usize {
        self.reached.len()
    }

    fn key(&self, at: usize) -> &[u64] {
        &self.keys[at * self.width..(at + 1) * self.width]
    }

    /// Adds a state, unless it is there.
    fn add(&mut self, key: &[u64], before: usize, by: char) -> bool {
        let mut slot = self.hash(key);
        while self.slots[slot] != 0 {
            if self.key(self.slots[slot] as usize - 1) == key {
                return false;
            }
            slot = (slot + 1) % self.slots.len();
        }
        self.keys.extend_from_slice(key);
        self.reached.push((before, by));
        self.slots[slot] = self.reached.len() as u32;
        if self.reached.len() * 2 > self.slots.len() {
            self.grow();
        }
        true
    }

    fn grow(&mut self) {
        self.slots = vec![0; self.slots.len() * 4];
        for at in 0..self.len() {
            let mut slot = self.hash(self.key(at));
            while self.slots[slot] != 0 {
                slot = (slot + 1) % self.slots.len();
            }
            self.slots[slot] = at as u32 + 1;
        }
    }

    /// Multiplies and folds. Whoever makes keys collide makes the search slow, but there are few keys within the steps.
    fn hash(&self, key: &[u64]) -> usize {
        let mixed = key.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |hash, word| {
            let product = u128::from(hash ^ word) * 0xd6e8_feb8_6659_fd93_u128;
            product as u64 ^ (product >> 64) as u64
        });
        mixed as usize % self.slots.len()
    }

    /// The text that led to a state.
    fn text(&self, mut at: usize) -> String {
        let mut text = Vec::new();
        while at != 0 {
            let (before, by) = self.reached[at];
            text.push(by);
            at = before;
        }
        text.iter().rev().collect()
    }
}

/// Characters that every atom treats alike.
struct Letter {
    /// One of them, as readable as there is.
    shown: char,
    /// The class of each atom that is a pattern.
    classes: Box<[u16]>,
}

fn alphabet(atoms: &[Atom<'_>], steps: &mut Steps) -> Option<Vec<Letter>> {
    let mut starts = vec!['\0', ' ', '0', ':', 'A', '[', 'a', '{', '\u{7f}', '\u{a0}'];
    let mut spelled = Vec::new();
    for atom in atoms {
        match atom {
            Atom::Pattern(automaton) => starts.extend(automaton.intervals().iter().map(|(first, _)| *first)),
            Atom::Words(words) => spelled.extend(words.iter().flat_map(|word| word.chars())),
            Atom::Length(..) => {}
        }
    }
    if !steps.take(LETTER * (starts.len() + spelled.len())) {
        return None;
    }
    spelled.sort_unstable();
    spelled.dedup();
    starts.extend(spelled.iter().flat_map(|c| [Some(*c), successor(*c)]).flatten());
    // Merges what is sorted already.
    starts.sort();
    starts.dedup();
    // A character of a word is a kind of its own; each pattern divides the kinds further.
    let mut kinds: Vec<usize> = starts.iter().map(|c| spelled.binary_search(c).map_or(0, |at| at + 1)).collect();
    for atom in atoms {
        if let Atom::Pattern(automaton) = atom {
            divide(&mut kinds, &starts, automaton);
        }
    }
    // Of those that are alike the one that reads best is shown.
    let mut shown: Vec<(u8, char)> = Vec::new();
    for (kind, start) in kinds.into_iter().zip(starts) {
        shown.resize(shown.len().max(kind + 1), (u8::MAX, '\0'));
        if shown[kind].0 > READABLE {
            shown[kind] = shown[kind].min((rank(start), start));
        }
    }
    shown.sort_unstable();
    Some(shown.into_iter().map(|(_, shown)| Letter { shown, classes: atoms.iter().map(|atom| atom.class_of(shown)).collect() }).collect())
}

/// Numbers the kinds anew, so that characters are of one kind if they were and the automaton treats them alike.
fn divide(kinds: &mut [usize], starts: &[char], automaton: &Automaton) {
    let classes = automaton.classes();
    let mut known = vec![usize::MAX; classes * kinds.iter().max().map_or(0, |most| most + 1)];
    let (mut count, mut at) = (0, 0);
    let intervals = automaton.intervals();
    for (kind, start) in kinds.iter_mut().zip(starts) {
        while intervals.get(at + 1).is_some_and(|(first, _)| first <= start) {
            at += 1;
        }
        let number = &mut known[*kind * classes + usize::from(intervals[at].1)];
        if *number == usize::MAX {
            *number = count;
            count += 1;
        }
        *kind = *number;
    }
}

/// The rank of the worst that is printable and of ASCII: there is no need to look for a better one.
const READABLE: u8 = 4;

/// How well a character reads: the lower the better.
fn rank(c: char) -> u8 {
    match c {
        'a'..='z' => 0,
        '0'..='9' => 1,
        'A'..='Z' => 2,
        '!'..='~' => 3,
        ' ' => 4,
        c if !crate::error::is_unsafe_char(c) => 5,
        _ => 6,
    }
}

struct Product<'a> {
    atoms: &'a [Atom<'a>],
    offsets: Vec<usize>,
}

/// No word begins like this.
const DEAD: u64 = u64::MAX;

impl Product<'_> {
    fn start(&self) -> Box<[u64]> {
        let mut key = Vec::new();
        for atom in self.atoms {
            match atom {
                Atom::Pattern(automaton) => key.extend_from_slice(&Positions::START.as_words()[..automaton.words()]),
                Atom::Words(_) | Atom::Length(..) => key.push(0),
            }
        }
        key.into()
    }

    fn of<'k>(&self, key: &'k [u64], atom: usize) -> &'k [u64] {
        &key[self.offsets[atom]..self.offsets[atom] + self.atoms[atom].words()]
    }

    /// For patterns the positions that follow, for other atoms what there is; and how much work that was.
    fn follow(&self, key: &[u64], following: &mut [u64]) -> usize {
        let mut work = 0;
        for (at, atom) in self.atoms.iter().enumerate() {
            let from = self.of(key, at);
            let to = &mut following[self.offsets[at]..self.offsets[at] + from.len()];
            match atom {
                Atom::Pattern(automaton) => {
                    let positions = Positions::from_words(from);
                    work += automaton.work(&positions);
                    to.copy_from_slice(&automaton.follow(&positions).as_words()[..to.len()]);
                }
                Atom::Words(_) | Atom::Length(..) => to.copy_from_slice(from),
            }
        }
        work
    }

    fn step(&self, following: &[u64], letter: &Letter, next: &mut [u64]) {
        for (at, atom) in self.atoms.iter().enumerate() {
            let from = self.of(following, at);
            let to = &mut next[self.offsets[at]..self.offsets[at] + from.len()];
            match atom {
                Atom::Pattern(automaton) => automaton.keep(from, letter.classes[at], to),
                Atom::Words(words) => to[0] = word_step(words, from[0], letter.shown),
                Atom::Length(least, most) => to[0] = (from[0] + 1).min(most.map_or(*least, |most| most + 1)),
            }
        }
    }

    fn accepts(&self, key: &[u64], atom: usize) -> bool {
        let state = self.of(key, atom);
        match &self.atoms[atom] {
            Atom::Pattern(automaton) => automaton.accepts(&Positions::from_words(state)),
            Atom::Words(words) => {
                state[0] != DEAD && {
                    let (first, depth) = (state[0] >> 32, state[0] & 0xffff_ffff);
                    words.get(first as usize).is_some_and(|word| word.len() as u64 == depth)
                }
            }
            Atom::Length(least, most) => state[0] >= *least && most.is_none_or(|most| state[0] <= most),
        }
    }

    /// Whether the atom may accept what it has read, or more.
    fn is_alive(&self, key: &[u64], atom: usize) -> bool {
        let state = self.of(key, atom);
        match &self.atoms[atom] {
            Atom::Pattern(_) => state.iter().any(|word| *word != 0),
            Atom::Words(words) => state[0] != DEAD && !words.is_empty(),
            Atom::Length(_, most) => most.is_none_or(|most| state[0] <= most),
        }
    }
}

/// From the first word that begins as read so far, and how many bytes that are, to the same with one more character.
fn word_step(words: &[&str], state: u64, c: char) -> u64 {
    if state == DEAD {
        return DEAD;
    }
    let (first, depth) = ((state >> 32) as usize, (state & 0xffff_ffff) as usize);
    let Some(read) = words.get(first).map(|word| &word.as_bytes()[..depth]) else { return DEAD };
    let mut buffer = [0; 4];
    let more = c.encode_utf8(&mut buffer).as_bytes();
    let end = first + words[first..].partition_point(|word| word.as_bytes().starts_with(read));
    let within = &words[first..end];
    let at = within.partition_point(|word| &word.as_bytes()[depth..] < more);
    match within.get(at) {
        Some(word) if word.as_bytes()[depth..].starts_with(more) => (((first + at) as u64) << 32) | (depth + more.len()) as u64,
        _ => DEAD,
    }
}

impl Atom<'_> {
    fn words(&self) -> usize {
        match self {
            Atom::Pattern(automaton) => automaton.words(),
            Atom::Words(_) | Atom::Length(..) => 1,
        }
    }

    fn class_of(&self, c: char) -> u16 {
        match self {
            Atom::Pattern(automaton) => automaton.class_of(c),
            Atom::Words(_) | Atom::Length(..) => 0,
        }
    }
}
