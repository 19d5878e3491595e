//! Errors: a stable [`Code`], where it happened, and what to do about it.

mod code;

use std::borrow::Cow;

pub use code::{Code, Family};

/// The longest context that an error carries, in characters.
const MAX_CONTEXT: usize = 200;

/// A refusal. Never carries bytes of keys or tokens.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub struct Error {
    code: Code,
    link: Option<u8>,
    entry: Option<u64>,
    context: Option<Cow<'static, str>>,
    hint: Option<Box<str>>,
}

/// The result of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with a code alone.
    #[must_use]
    pub const fn new(code: Code) -> Self {
        Error { code, link: None, entry: None, context: None, hint: None }
    }

    /// An error that says what it is about: a fixed text.
    #[must_use]
    pub const fn about(code: Code, context: &'static str) -> Self {
        Error { code, link: None, entry: None, context: Some(Cow::Borrowed(context)), hint: None }
    }

    /// An error about something that a user or peer named. The text is escaped and cut.
    #[must_use]
    pub fn named(code: Code, what: &str, name: &str) -> Self {
        Error { context: Some(Cow::Owned(format!("{what} `{}`", shown(name, MAX_CONTEXT)))), ..Error::new(code) }
    }

    /// An error that says what it is about, in words of this library. Cut, where it is long.
    #[must_use]
    pub(crate) fn of(code: Code, context: &str) -> Self {
        Error { context: Some(Cow::Owned(shown(context, MAX_CONTEXT))), ..Error::new(code) }
    }

    /// The same error with a hint, which stands before the help.
    #[must_use]
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.hint = Some(shown(hint, MAX_CONTEXT).into());
        self
    }

    /// The same error, at the token in this position (the root is 0). A link that is there already stays.
    #[must_use]
    pub fn at_link(mut self, link: usize) -> Self {
        if self.link.is_none() {
            self.link = u8::try_from(link).ok();
        }
        self
    }

    /// The same error, at this entry of an audit log (the first is 0).
    #[must_use]
    pub const fn at_entry(mut self, entry: u64) -> Self {
        self.entry = Some(entry);
        self
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The position of the token at fault, the root being 0.
    #[must_use]
    pub const fn link(&self) -> Option<usize> {
        match self.link {
            Some(link) => Some(link as usize),
            None => None,
        }
    }

    /// The sequence of the entry of an audit log that is at fault.
    #[must_use]
    pub const fn entry(&self) -> Option<u64> {
        self.entry
    }

    /// Which argument, claim or limit it is about.
    #[must_use]
    pub fn context(&self) -> Option<&str> {
        self.context.as_deref()
    }

    /// What to do about it; for a token that is wider than its parent after a value that shows it, where one was found.
    #[must_use]
    pub fn help(&self) -> Cow<'static, str> {
        match &self.hint {
            None => Cow::Borrowed(self.code.help()),
            Some(hint) => Cow::Owned(format!("{hint}; {}", self.code.help())),
        }
    }

    fn text(&self) -> String {
        let mut text = format!("{}: {}", self.code.as_str(), self.code.summary());
        if let Some(context) = self.context() {
            text.push_str(&format!(" ({context})"));
        }
        if let Some(link) = self.link {
            text.push_str(&format!(" at link {link}"));
        }
        if let Some(entry) = self.entry {
            text.push_str(&format!(" at entry {entry}"));
        }
        text
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Error::new(code)
    }
}

/// Whether a character must never be shown as it is, and never occurs in a name: controls, separators of lines, and
/// bidirectional controls (specification, encoding.md, "Names").
#[must_use]
pub(crate) const fn is_unsafe_char(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{61c}' | '\u{200e}' | '\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text from elsewhere, made safe to show on a terminal or in a line: characters that names refuse are escaped, and it is cut after `most` characters,
/// where `…` is put.
#[must_use]
pub fn shown(text: &str, most: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == most {
            out.push('…');
            break;
        }
        if is_unsafe_char(c) { out.extend(c.escape_unicode()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kebab_case_and_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for code in Code::ALL {
            let text = code.as_str();
            assert!(seen.insert(text), "{text} twice");
            assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{text}");
            assert!(!code.help().is_empty() && !code.summary().is_empty());
        }
    }

    #[test]
    fn names_are_escaped_and_cut_in_messages() {
        let error = Error::named(Code::ToolNotAllowed, "tool", &format!("a\n\u{202e}{}", "x".repeat(1 << 20)));
        let text = error.to_string();
        assert!(text.chars().count() <= 512, "{}", text.len());
        assert!(!text.contains('\n') && !text.contains('\u{202e}'), "{text}");
    }
}
