//! Globs, and the plain texts that they are about (specification, constraints.md, "Plain text" and "Glob").

use regex_syntax::hir::ClassUnicode;

use super::syntax::{Node, any_char, class};
use crate::error::is_unsafe_char;
use crate::steps::Steps;

/// Characters that become a separator, a dot, a colon or a percent sign under compatibility normalisation, or look like a slash.
pub(crate) const LOOKALIKES: [char; 15] = [
    '\u{2024}', '\u{2025}', '\u{2026}', '\u{2044}', '\u{2215}', '\u{29f8}', '\u{fe52}', '\u{fe55}', '\u{fe68}', '\u{fe6a}', '\u{ff05}',
    '\u{ff0e}', '\u{ff0f}', '\u{ff1a}', '\u{ff3c}',
];

fn is_plain_char(c: char) -> bool {
    match c {
        '\\' | '%' => false,
        ' '..='~' => true,
        _ => !is_unsafe_char(c) && !LOOKALIKES.contains(&c),
    }
}

/// Whether nothing in a text could be read as another text by a file system or a decoder.
pub(crate) fn is_plain(text: &str) -> bool {
    text.chars().all(is_plain_char) && !text.split('/').any(is_dotted)
}

fn is_dotted(segment: &str) -> bool {
    segment.contains('.') && segment.bytes().all(|byte| matches!(byte, b'.' | b' '))
}

/// The characters of plain texts.
pub(crate) fn plain_chars() -> ClassUnicode {
    let mut refused = class(LOOKALIKES.into_iter().chain(['\\', '%']).map(|c| (c, c)));
    // The ranges of `is_unsafe_char`.
    refused.union(&class([
        ('\0', '\u{1f}'),
        ('\u{7f}', '\u{9f}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{200e}', '\u{200f}'),
        ('\u{2028}', '\u{202e}'),
        ('\u{2066}', '\u{2069}'),
    ]));
    refused.negate();
    refused
}

/// A class without some of its characters.
pub(crate) fn without(mut class: ClassUnicode, refused: &[char]) -> ClassUnicode {
    class.difference(&super::class(refused.iter().map(|c| (*c, *c))));
    class
}

/// The language of plain texts.
pub(crate) fn plain() -> Node {
    let inner = without(plain_chars(), &['/']);
    let segment = || {
        let dotted = Node::any_number(class([('.', '.'), (' ', ' ')]));
        let other = Node::Class(without(inner.clone(), &['.', ' ']));
        let spaces = Node::any_number(class([(' ', ' ')]));
        Node::Alternation(vec![Node::Concat(vec![dotted, other, Node::any_number(inner.clone())]), spaces])
    };
    Node::Concat(vec![segment(), Node::Concat(vec![Node::literal("/"), segment()]).repeated(0, None)])
}

/// Why a text is no glob, or nothing.
pub(crate) fn check_glob(pattern: &str) -> Result<(), &'static str> {
    if pattern.is_empty() {
        return Err("an empty glob");
    }
    if pattern.contains(['[', ']', '{', '}', '\\']) {
        return Err("a glob with brackets, braces or a backslash");
    }
    if pattern.contains("***") {
        return Err("a glob with three stars in a row");
    }
    Ok(())
}

/// The language of a glob that [`check_glob`] accepts; plain or not, its wildcards stand for any character.
pub(crate) fn glob(pattern: &str) -> Node {
    let within = || without(any_char(), &['/']);
    let node = |symbol| match symbol {
        Symbol::Stars => Node::any_number(any_char()),
        Symbol::Star => Node::any_number(within()),
        Symbol::One => Node::Class(within()),
        Symbol::Char(c) => Node::Class(class([(c, c)])),
    };
    Node::Concat(symbols(pattern).into_iter().map(node).collect())
}

/// Whether each symbol of a glob stands for no more than the symbols of another that it is laid along: then every text that the one matches, the
/// other does. Quick, and true often enough that most globs need no automaton; false says nothing, and is the answer where looking further back
/// again and again would take long.
pub(crate) fn absorbs(parent: &str, child: &str, steps: &mut Steps) -> bool {
    let (parent, child): (Vec<Symbol>, Vec<Symbol>) = (symbols(parent), symbols(child));
    let most = TRIES * (parent.len() + child.len());
    if !steps.take(most) {
        return false;
    }
    let (mut at, mut read) = (0, 0);
    // Where to go on after the last `*`, and after the last `**`, with how much of the child they have absorbed.
    let mut star = None::<(usize, usize)>;
    let mut stars = None::<(usize, usize)>;
    for _ in 0..most {
        match (parent.get(at), child.get(read)) {
            (None, None) => return true,
            (Some(Symbol::Stars), _) => {
                at += 1;
                (stars, star) = (Some((at, read)), None);
                continue;
            }
            (Some(Symbol::Star), _) => {
                at += 1;
                star = Some((at, read));
                continue;
            }
            (Some(Symbol::One), Some(Symbol::One)) => {}
            (Some(Symbol::One), Some(Symbol::Char(c))) if *c != '/' => {}
            (Some(Symbol::Char(c)), Some(Symbol::Char(d))) if c == d => {}
            _ => {
                let more = |absorbed: usize| child.get(absorbed).is_some_and(|symbol| !matches!(symbol, Symbol::Char('/') | Symbol::Stars));
                (at, read) = match (star, stars) {
                    (Some((after, absorbed)), _) if more(absorbed) => {
                        star = Some((after, absorbed + 1));
                        (after, absorbed + 1)
                    }
                    (_, Some((after, absorbed))) if absorbed < child.len() => {
                        (stars, star) = (Some((after, absorbed + 1)), None);
                        (after, absorbed + 1)
                    }
                    _ => return false,
                };
                continue;
            }
        }
        (at, read) = (at + 1, read + 1);
    }
    false
}

/// How often a symbol is looked at, on average.
const TRIES: usize = 4;

/// The size of a glob, of which no node is made.
pub(crate) fn glob_size(pattern: &str) -> usize {
    symbols(pattern).len()
}

enum Symbol {
    Char(char),
    One,
    Star,
    Stars,
}

fn symbols(pattern: &str) -> Vec<Symbol> {
    let mut rest = pattern.chars().peekable();
    let mut symbols = Vec::with_capacity(pattern.len());
    while let Some(c) = rest.next() {
        symbols.push(match c {
            '*' if rest.next_if_eq(&'*').is_some() => Symbol::Stars,
            '*' => Symbol::Star,
            '?' => Symbol::One,
            c => Symbol::Char(c),
        });
    }
    symbols
}
