//! The syntax tree of a pattern.

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// A language of texts, built from classes of characters.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Class(ClassUnicode),
    /// A class with a category of Unicode in it, which has very many ranges.
    Category(ClassUnicode),
    Concat(Vec<Node>),
    Alternation(Vec<Node>),
    /// So many times, without bound if there is no most.
    Repeat(Box<Node>, u32, Option<u32>),
}

/// A class of these ranges of characters, each with both ends.
pub(crate) fn class(ranges: impl IntoIterator<Item = (char, char)>) -> ClassUnicode {
    ClassUnicode::new(ranges.into_iter().map(|(first, last)| ClassUnicodeRange::new(first, last)))
}

pub(crate) fn any_char() -> ClassUnicode {
    class([('\0', char::MAX)])
}

impl Node {
    /// The empty text alone.
    pub(crate) fn empty() -> Self {
        Node::Concat(Vec::new())
    }

    pub(crate) fn literal(text: &str) -> Self {
        Node::Concat(text.chars().map(|c| Node::Class(class([(c, c)]))).collect())
    }

    pub(crate) fn any_number(class: ClassUnicode) -> Self {
        Node::Class(class).repeated(0, None)
    }

    pub(crate) fn repeated(self, least: u32, most: Option<u32>) -> Self {
        Node::Repeat(Box::new(self), least, most)
    }

    /// The same with each class changed.
    pub(crate) fn map(self, change: &impl Fn(ClassUnicode) -> ClassUnicode) -> Self {
        let all = |parts: Vec<Node>| parts.into_iter().map(|part| part.map(change)).collect();
        match self {
            Node::Class(class) => Node::Class(change(class)),
            Node::Category(class) => Node::Category(change(class)),
            Node::Concat(parts) => Node::Concat(all(parts)),
            Node::Alternation(parts) => Node::Alternation(all(parts)),
            Node::Repeat(part, least, most) => Node::Repeat(Box::new(part.map(change)), least, most),
        }
    }

    /// The size that limits speak of: how many classes there are once counted repetitions are written out.
    pub(crate) fn size(&self) -> usize {
        match self {
            Node::Class(_) => 1,
            Node::Category(_) => 10,
            Node::Concat(parts) | Node::Alternation(parts) => parts.iter().map(Node::size).fold(0, usize::saturating_add),
            Node::Repeat(part, least, most) => part.size().saturating_mul(most.unwrap_or((*least).max(1)) as usize),
        }
    }
}
