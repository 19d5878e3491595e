//! A pattern as an operand: its text, and its automaton once it is needed.

use std::sync::{Arc, OnceLock};

use super::path::is_path;
use crate::pattern::{Automaton, Node, check_glob, glob, glob_size, iregexp, iregexp_size, is_plain};
use crate::steps::Steps;
use crate::{Code, Error, Result, limits};

/// A glob or regular expression that was found valid.
#[derive(Clone, Debug)]
pub(crate) struct TextPattern {
    text: Box<str>,
    size: usize,
    parse: fn(&str) -> Node,
    /// Made when it is first needed and then kept: a chain that is verified once is compiled once.
    automaton: OnceLock<Arc<Automaton>>,
}

impl PartialEq for TextPattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl TextPattern {
    pub(super) fn glob(text: &str) -> Result<Self> {
        bounded(text)?;
        check_glob(text).map_err(invalid)?;
        if !is_in_domain(text, text) {
            return Err(invalid("a glob that nothing matches"));
        }
        TextPattern::new(text, glob_size(text), glob)
    }

    pub(super) fn regex(text: &str) -> Result<Self> {
        bounded(text)?;
        if text.is_empty() {
            return Err(invalid("an empty regular expression"));
        }
        let size = iregexp_size(text).map_err(|what| Error::of(Code::ConstraintInvalid, &format!("regex, RFC 9485: {what}")))?;
        // The text was parsed just now.
        TextPattern::new(text, size, |text| iregexp(text).unwrap_or_else(|_| Node::Alternation(Vec::new())))
    }

    /// The path of a url: a glob, in which the path of a URL can be.
    pub(super) fn url_path(text: &str) -> Result<Self> {
        bounded(text)?;
        check_glob(text).map_err(invalid)?;
        if !super::url::is_path_pattern(text) {
            return Err(Error::named(Code::ConstraintInvalid, "url path", text));
        }
        TextPattern::new(text, glob_size(text), glob)
    }

    fn new(text: &str, size: usize, parse: fn(&str) -> Node) -> Result<Self> {
        if size > limits::MAX_PATTERN_SIZE {
            return Err(Error::about(Code::TooLarge, "a pattern"));
        }
        Ok(TextPattern { text: text.into(), size, parse, automaton: OnceLock::new() })
    }

    /// Whether a glob is about paths; if not, it is about plain texts.
    pub(super) fn is_about_paths(&self) -> bool {
        self.text.starts_with('/')
    }

    /// Whether a text is one of those that a glob is about.
    pub(super) fn is_about(&self, text: &str) -> bool {
        is_in_domain(&self.text, text)
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    pub(super) fn node(&self) -> Node {
        (self.parse)(&self.text)
    }

    /// The automaton; none when the steps are used up before it is made. It is paid for even if it was made before, so that the holder who
    /// delegates and the verifier who sees the pattern for the first time come to the same answer.
    pub(super) fn automaton(&self, steps: &mut Steps) -> Option<&Arc<Automaton>> {
        let price = compile_steps(self.size) + CATEGORY * self.categories();
        steps.take_once(self.text.as_ptr().addr(), price).then(|| self.compiled())
    }

    /// How many categories of Unicode it names, at least.
    fn categories(&self) -> usize {
        self.text.matches("\\p").count() + self.text.matches("\\P").count()
    }

    fn compiled(&self) -> &Arc<Automaton> {
        self.automaton.get_or_init(|| Arc::new(Automaton::new(&self.node())))
    }

    /// Whether a text matches; none when the steps are used up before it is known. They do not pay for making the automaton, so that the answer does not
    /// depend on what was asked before; the limits on patterns bound that.
    pub(super) fn matches(&self, text: &str, steps: &mut Steps) -> Option<bool> {
        self.compiled().matches(text, steps)
    }
}

/// What looking up a category costs, with its hundreds of ranges.
const CATEGORY: usize = 3040;

/// What making an automaton of this size costs.
pub(super) const fn compile_steps(size: usize) -> usize {
    200 + 8 * size + size * size / 16
}

fn is_in_domain(glob: &str, text: &str) -> bool {
    if glob.starts_with('/') { is_path(text) } else { is_plain(text) }
}

fn bounded(text: &str) -> Result<()> {
    if text.len() > limits::MAX_PATTERN { Err(Error::about(Code::TooLarge, "a pattern")) } else { Ok(()) }
}

fn invalid(what: &'static str) -> Error {
    Error::about(Code::ConstraintInvalid, what)
}
