//! I-Regexp, the interoperable regular expressions of RFC 9485.

use std::iter::Peekable;
use std::str::Chars;

use regex_syntax::hir::{ClassUnicode, HirKind};

use super::syntax::{Node, any_char, class};

/// Groups in groups.
const MAX_NESTING: usize = 32;
/// The most that a quantifier may say.
const MAX_COUNT: u32 = 1000;

type Result<T> = std::result::Result<T, &'static str>;

/// The syntax tree of a pattern, or what is wrong with it.
pub(crate) fn iregexp(pattern: &str) -> Result<Node> {
    parse(pattern, true)
}

/// The size of a pattern, or what is wrong with it. The characters of categories are not looked up, which takes long.
pub(crate) fn iregexp_size(pattern: &str) -> Result<usize> {
    parse(pattern, false).map(|node| node.size())
}

fn parse(pattern: &str, with_categories: bool) -> Result<Node> {
    let mut parser = Parser { rest: pattern.chars().peekable(), with_categories };
    let node = parser.alternation(0)?;
    match parser.rest.next() {
        None => Ok(node),
        Some(_) => Err("a closing parenthesis without an opening one"),
    }
}

struct Parser<'a> {
    rest: Peekable<Chars<'a>>,
    with_categories: bool,
}

impl Parser<'_> {
    fn alternation(&mut self, depth: usize) -> Result<Node> {
        if depth > MAX_NESTING {
            return Err("groups that nest too deep");
        }
        let mut branches = vec![self.branch(depth)?];
        while self.rest.next_if_eq(&'|').is_some() {
            branches.push(self.branch(depth)?);
        }
        Ok(if branches.len() == 1 { branches.remove(0) } else { Node::Alternation(branches) })
    }

    fn branch(&mut self, depth: usize) -> Result<Node> {
        let mut pieces = Vec::new();
        while let Some(c) = self.rest.next_if(|c| !matches!(c, '|' | ')')) {
            let atom = self.atom(c, depth)?;
            pieces.push(self.quantified(atom)?);
        }
        Ok(Node::Concat(pieces))
    }

    fn atom(&mut self, c: char, depth: usize) -> Result<Node> {
        Ok(Node::Class(match c {
            '(' => return self.group(depth),
            '[' => return self.bracketed(),
            '\\' if matches!(self.rest.peek(), Some('p' | 'P')) => return self.escape().map(Node::Category),
            '\\' => self.escape()?,
            '.' => {
                let mut set = class([('\n', '\n'), ('\r', '\r')]);
                set.negate();
                set
            }
            '^' | '$' => return Err("an anchor: the pattern is matched as a whole; for the characters write \\^ or [$]"),
            '*' | '+' | '?' | '{' => return Err("a quantifier without anything before it"),
            '}' | ']' => return Err("a closing bracket or brace without an opening one"),
            _ => class([(c, c)]),
        }))
    }

    fn group(&mut self, depth: usize) -> Result<Node> {
        if self.rest.peek() == Some(&'?') {
            return Err("look-around, named or flagged groups: RFC 9485 has plain groups only");
        }
        let node = self.alternation(depth + 1)?;
        match self.rest.next() {
            Some(')') => Ok(node),
            _ => Err("a group that is not closed"),
        }
    }

    fn quantified(&mut self, atom: Node) -> Result<Node> {
        let (least, most) = match self.rest.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                self.rest.next();
                let bounds = self.bounds()?;
                return self.quantified_once(atom, bounds);
            }
            _ => return Ok(atom),
        };
        self.rest.next();
        self.quantified_once(atom, (least, most))
    }

    fn quantified_once(&mut self, atom: Node, (least, most): (u32, Option<u32>)) -> Result<Node> {
        match self.rest.peek() {
            Some('*' | '+' | '?' | '{') => Err("a lazy, possessive or doubled quantifier: RFC 9485 has one for each atom"),
            _ => Ok(atom.repeated(least, most)),
        }
    }

    /// What stands between `{` and `}`, and the brace.
    fn bounds(&mut self) -> Result<(u32, Option<u32>)> {
        let least = self.number()?.ok_or("a quantifier without a number")?;
        let most = match self.rest.next_if_eq(&',') {
            None => Some(least),
            Some(_) => self.number()?,
        };
        if self.rest.next() != Some('}') {
            return Err("a quantifier that is not closed");
        }
        if most.is_some_and(|most| most < least) {
            return Err("a quantifier whose least is above its most");
        }
        Ok((least, most))
    }

    fn number(&mut self) -> Result<Option<u32>> {
        let mut number = None;
        while let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(10)) {
            self.rest.next();
            let value = number.unwrap_or(0) * 10 + digit;
            if value > MAX_COUNT {
                return Err("a quantifier above 1,000");
            }
            number = Some(value);
        }
        Ok(number)
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Result<ClassUnicode> {
        let c = match self.rest.next() {
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(c @ ('('..='+' | '-' | '.' | '?' | '['..='^' | '{'..='}')) => c,
            Some('p') => return self.category(),
            Some('P') => {
                let mut set = self.category()?;
                set.negate();
                return Ok(set);
            }
            Some('1'..='9' | 'k') => return Err("a back-reference: RFC 9485 has none"),
            Some(_) => return Err("an escape that RFC 9485 does not have: for \\d write [0-9], for \\w [A-Za-z0-9_]"),
            None => return Err("a backslash at the end"),
        };
        Ok(class([(c, c)]))
    }

    /// `{Lu}` after `\p` or `\P`.
    fn category(&mut self) -> Result<ClassUnicode> {
        const UNKNOWN: &str = "a category that RFC 9485 does not have";
        if self.rest.next() != Some('{') {
            return Err(UNKNOWN);
        }
        let mut name = String::new();
        loop {
            match self.rest.next() {
                Some('}') => break,
                Some(c) if c.is_ascii_alphabetic() && name.len() < 2 => name.push(c),
                _ => return Err(UNKNOWN),
            }
        }
        let subs = match name.get(..1).unwrap_or_default() {
            "L" => "lmotu",
            "M" => "cen",
            "N" => "dlo",
            "P" => "cdefios",
            "Z" => "lps",
            "S" => "ckmo",
            // Without Cs: surrogates are no characters.
            "C" => "cfno",
            _ => return Err(UNKNOWN),
        };
        if name.len() == 2 && !subs.contains(&name[1..]) {
            return Err(UNKNOWN);
        }
        if !self.with_categories {
            return Ok(any_char());
        }
        match regex_syntax::parse(&format!("\\p{{{name}}}")).map(regex_syntax::hir::Hir::into_kind) {
            Ok(HirKind::Class(regex_syntax::hir::Class::Unicode(set))) => Ok(set),
            // A category of one character, such as Zl.
            Ok(HirKind::Literal(only)) => match std::str::from_utf8(&only.0).ok().and_then(|text| text.chars().next()) {
                Some(c) => Ok(class([(c, c)])),
                None => Err(UNKNOWN),
            },
            _ => Err(UNKNOWN),
        }
    }

    /// What follows `[`, and the closing bracket.
    fn bracketed(&mut self) -> Result<Node> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        let mut set = class([]);
        let (mut empty, mut category) = (true, false);
        if self.rest.next_if_eq(&'-').is_some() {
            set.union(&class([('-', '-')]));
            empty = false;
        }
        loop {
            let first = match self.rest.next() {
                None => return Err("a class that is not closed"),
                Some(']') if empty => return Err("an empty class"),
                Some(']') => break,
                Some('-') if self.rest.next_if_eq(&']').is_some() => {
                    set.union(&class([('-', '-')]));
                    break;
                }
                Some('-') => return Err("a hyphen inside a class: write it first, last or as \\-"),
                Some('[') => return Err("a bracket inside a class: write \\["),
                Some('\\') if matches!(self.rest.peek(), Some('p' | 'P')) => {
                    set.union(&self.escape()?);
                    (empty, category) = (false, true);
                    continue;
                }
                Some(c) => self.class_char(c)?,
            };
            let last = self.range_end()?.unwrap_or(first);
            if last < first {
                return Err("a range whose first character is above its last");
            }
            set.union(&class([(first, last)]));
            empty = false;
        }
        if negated {
            set.negate();
        }
        Ok(if category { Node::Category(set) } else { Node::Class(set) })
    }

    fn class_char(&mut self, c: char) -> Result<char> {
        match c {
            '\\' => Ok(self.escape()?.ranges()[0].start()),
            _ => Ok(c),
        }
    }

    /// `-x` after the first character of a range; a hyphen before the closing bracket is left there.
    fn range_end(&mut self) -> Result<Option<char>> {
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || ahead.peek() == Some(&']') {
            return Ok(None);
        }
        self.rest.next();
        match self.rest.next() {
            Some('[' | '-') | None => Err("a range without an end"),
            Some('\\') if matches!(self.rest.peek(), Some('p' | 'P')) => Err("a category as the end of a range"),
            Some(c) => self.class_char(c).map(Some),
        }
    }
}
