//! Languages of texts: patterns, the automata that decide them, and the search for a text that one has and another lacks.
//!
//! Nothing here knows constraints.

mod automaton;
mod glob;
mod iregexp;
mod search;
mod syntax;

pub(crate) use automaton::Automaton;
pub(crate) use glob::{LOOKALIKES, absorbs, check_glob, glob, glob_size, is_plain, plain, plain_chars, without};
pub(crate) use iregexp::{iregexp, iregexp_size};
pub(crate) use search::{Atom, Formula, Found, search};
pub(crate) use syntax::{Node, class};

#[cfg(test)]
mod tests;
