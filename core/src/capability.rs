//! What a token allows: tools, and for each the arguments it may be called with.

use std::sync::Arc;

use crate::cbor::{Decoder, Encoder};
use crate::constraint::{ArgumentRules, Excess, OTHERS, Widened, Witness, value_text};
use crate::id::is_name;
use crate::steps::Steps;
use crate::value::{Arguments, key_order};
use crate::{Code, Error, Result, limits};

/// Tools and their arguments. Empty, it allows nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tools(Vec<(Arc<str>, ArgumentRules)>);

impl Tools {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Tools(Vec::new())
    }

    /// Adds a tool. `name-invalid` for a name that is none; `claim-invalid` for a tool or argument given twice; `too-many`.
    pub fn allow(mut self, tool: &str, arguments: ArgumentRules) -> Result<Self> {
        if !is_name(tool) {
            return Err(Error::named(Code::NameInvalid, "tool", tool));
        }
        match self.position(tool) {
            Ok(_) => return Err(Error::named(Code::ClaimInvalid, "given twice: tool", tool)),
            Err(at) => self.0.insert(at, (tool.into(), arguments.validated()?)),
        }
        if self.0.len() > limits::MAX_TOOLS { Err(Code::TooMany.into()) } else { self.bounded() }
    }

    /// The patterns of all tools together are bounded, because each takes memory once it is compiled.
    fn bounded(self) -> Result<Self> {
        let size: usize = self.0.iter().map(|(_, rules)| rules.pattern_size()).sum();
        if size > limits::MAX_PATTERNS_SIZE { Err(Error::about(Code::TooMany, "patterns")) } else { Ok(self) }
    }

    /// What these tools and the wanted ones both allow: the tools that both have, each with the arguments that both allow. So an orchestrator asks for
    /// what it wants and gets what it may give. A tool without any call that both allow is left out. `too-deep`, `too-many`.
    pub fn narrow(&self, wanted: &Tools) -> Result<Tools> {
        let mut met = Tools::new();
        for (name, rules) in &wanted.0 {
            if let Some((_, granted)) = self.find(name)
                && let Some(rules) = granted.meet(rules)?
            {
                met.0.push((name.clone(), rules));
            }
        }
        met.bounded()
    }

    /// The names of the tools.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// Each tool's name and the arguments it may be called with.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &ArgumentRules)> {
        self.0.iter().map(|(name, rules)| (&**name, rules))
    }

    /// Reads the tools of a token from their encoding, as [`Tools::encode`] writes it.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::new(bytes);
        let tools = Tools::read(&mut decoder)?;
        decoder.finish()?;
        Ok(tools)
    }

    /// The encoding, as in a token.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Whether these tools allow everything that `child` allows; the error says what keeps them from it: `tool-not-granted` or
    /// `not-provably-narrower`.
    pub fn subsumes(&self, child: &Tools) -> Result<()> {
        let mut steps = Steps::for_token();
        // Mostly both have the same tools, in the same places.
        let granted = |place: usize, tool: &str| self.0.get(place).filter(|(name, _)| **name == *tool).or_else(|| self.find(tool));
        if let Some((_, (name, _))) = child.0.iter().enumerate().find(|(place, (name, _))| granted(*place, name).is_none()) {
            return Err(Error::named(Code::ToolNotGranted, "tool", name));
        }
        for (place, (name, rules)) in child.0.iter().enumerate() {
            if let Some((_, granted)) = granted(place, name)
                && let Some(widened) = granted.widened_by(rules, &mut steps)
            {
                return Err(wider(name, granted, &widened));
            }
        }
        Ok(())
    }

    /// Whether a call is allowed: `tool-not-allowed`, `argument-missing`, `argument-refused`, `argument-unexpected`. That somebody may make it takes a
    /// proof and a [`Verifier`](crate::Verifier).
    pub fn check(&self, tool: &str, arguments: &Arguments) -> Result<()> {
        match self.find(tool) {
            Some((_, rules)) => rules.allow(arguments),
            None => Err(Error::named(Code::ToolNotAllowed, "tool", tool)),
        }
    }

    /// The rules for a tool's arguments.
    #[must_use]
    pub fn rules(&self, tool: &str) -> Option<&ArgumentRules> {
        self.find(tool).map(|(_, rules)| rules)
    }

    fn position(&self, tool: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(name, _)| key_order(name, tool))
    }

    fn find(&self, tool: &str) -> Option<&(Arc<str>, ArgumentRules)> {
        self.position(tool).ok().map(|at| &self.0[at])
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.map()?;
        if length > limits::MAX_TOOLS {
            return Err(Code::TooMany.into());
        }
        let mut tools = Vec::with_capacity(length);
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let name = decoder.text_key(&mut previous)?;
            if !is_name(name) {
                return Err(Error::named(Code::ClaimInvalid, "tool", name));
            }
            tools.push((name.into(), ArgumentRules::read(decoder)?));
        }
        Tools(tools).bounded()
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.map(self.0.len());
        for (name, rules) in &self.0 {
            rules.write(out.text(name));
        }
    }
}

/// Why a tool of a token is wider than its parent's, with a value that shows it.
fn wider(tool: &str, granted: &ArgumentRules, widened: &Widened<'_>) -> Error {
    let name = widened.name;
    let error = Error::named(Code::NotProvablyNarrower, "argument", &format!("{tool}.{name}"));
    let others = name == OTHERS;
    match (&widened.by, granted.constraint_on(name)) {
        (Excess::Missing, _) => error.with_hint(&format!("the child may leave `{name}` out, the parent needs it")),
        (Excess::Present, _) if others => error.with_hint("the child allows arguments that are not named, the parent does not"),
        (Excess::Present, _) => error.with_hint(&format!("the child allows `{name}`, the parent does not")),
        (Excess::Value(Witness(Some(value))), Some(allowed)) => {
            error.with_hint(&format!("the child allows {}, the parent only {allowed}", value_text(value)))
        }
        _ => error,
    }
}
