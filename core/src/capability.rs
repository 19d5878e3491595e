//! What a token allows: tools, and for each the arguments it may be called with.

use std::sync::Arc;

use crate::cbor::{Decoder, Encoder, Type};
use crate::constraint::{Constraint, Steps, narrower};
use crate::id::is_name;
use crate::value::{Arguments, key_order};
use crate::{Code, Error, Result, limits};

/// Marks an entry as optional on the wire.
const OPTIONAL: i64 = -1;
/// The entry for arguments that are not named.
const OTHERS: &str = "*";

/// The arguments that one tool may be called with.
///
/// Without any rule, every argument is allowed. With one, the map is closed: what is not named is refused, unless [`ArgumentRules::others`]
/// says what it may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgumentRules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    name: Box<str>,
    constraint: Constraint,
    optional: bool,
}

impl ArgumentRules {
    /// Any arguments at all.
    #[must_use]
    pub const fn new() -> Self {
        ArgumentRules(Vec::new())
    }

    /// This argument must be there and satisfy the constraint.
    #[must_use]
    pub fn required(self, name: &str, constraint: Constraint) -> Self {
        self.with(name, constraint, false)
    }

    /// This argument may be left out; if it is there it must satisfy the constraint.
    #[must_use]
    pub fn optional(self, name: &str, constraint: Constraint) -> Self {
        self.with(name, constraint, true)
    }

    /// Arguments that are not named are allowed if they satisfy the constraint.
    #[must_use]
    pub fn others(self, constraint: Constraint) -> Self {
        self.with(OTHERS, constraint, false)
    }

    /// Each argument's name, its constraint, and whether it may be left out. The others, if they are allowed, are called `*`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Constraint, bool)> {
        self.0.iter().map(|rule| (&*rule.name, &rule.constraint, rule.optional))
    }

    fn with(mut self, name: &str, constraint: Constraint, optional: bool) -> Self {
        self.0.push(Rule { name: name.into(), constraint, optional });
        self
    }

    fn validated(mut self) -> Result<Self> {
        self.0.sort_by(|a, b| key_order(&a.name, &b.name));
        if self.0.len() > limits::MAX_ARGUMENTS {
            return Err(Code::TooMany.into());
        }
        if let Some(pair) = self.0.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(Error::named(Code::ClaimInvalid, "given twice: argument", &pair[0].name));
        }
        self.0.iter().try_for_each(|rule| validate_name(&rule.name, rule.optional))?;
        Ok(self)
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.map()?;
        if length > limits::MAX_ARGUMENTS {
            return Err(Code::TooMany.into());
        }
        let mut rules = Vec::with_capacity(length);
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let name = decoder.text_key(&mut previous)?;
            let mut ahead = decoder.clone();
            let optional =
                ahead.array().is_ok_and(|length| length == 2) && ahead.peek() == Ok(Type::Negative) && ahead.integer() == Ok(OPTIONAL);
            if optional {
                *decoder = ahead;
            }
            validate_name(name, optional)?;
            rules.push(Rule { name: name.into(), constraint: Constraint::read(decoder)?, optional });
        }
        Ok(ArgumentRules(rules))
    }

    fn write(&self, out: &mut Encoder) {
        out.map(self.0.len());
        for rule in &self.0 {
            out.text(&rule.name);
            if rule.optional {
                out.array(2).integer(OPTIONAL);
            }
            rule.constraint.write(out);
        }
    }

    fn find(&self, name: &str) -> Option<&Rule> {
        self.0.binary_search_by(|rule| key_order(&rule.name, name)).ok().map(|at| &self.0[at])
    }

    /// The named rules, and the constraint on the others if they are allowed. A map without entries allows any others.
    fn split(&self) -> (impl Iterator<Item = &Rule>, Option<&Constraint>) {
        static ANY: Constraint = Constraint::any();
        let others = if self.0.is_empty() { Some(&ANY) } else { self.find(OTHERS).map(|rule| &rule.constraint) };
        (self.0.iter().filter(|rule| &*rule.name != OTHERS), others)
    }

    /// Whether a call may have these arguments.
    pub(crate) fn allow(&self, arguments: &Arguments) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut steps = Steps::for_decision();
        let (named, others) = self.split();
        let mut accepts = |constraint: &Constraint, argument: &crate::value::Argument| {
            if constraint.accepts_encoded(arguments.encoding_of(argument), &mut steps) {
                return Ok(());
            }
            Err(Error::named(Code::ArgumentRefused, "argument", &argument.name))
        };
        for rule in named {
            match arguments.find(&rule.name) {
                Some(argument) => accepts(&rule.constraint, argument)?,
                None if rule.optional => {}
                None => return Err(Error::named(Code::ArgumentMissing, "argument", &rule.name)),
            }
        }
        for argument in arguments.entries().iter().filter(|argument| self.find(&argument.name).is_none()) {
            match others {
                Some(constraint) => accepts(constraint, argument)?,
                None => return Err(Error::named(Code::ArgumentUnexpected, "argument", &argument.name)),
            }
        }
        Ok(())
    }

    /// The first argument that keeps the child's rules from being provably narrower than these (specification, constraints.md).
    fn widened_by<'a>(&'a self, child: &'a ArgumentRules, steps: &mut Steps) -> Option<&'a str> {
        let (named, others) = self.split();
        let (child_named, child_others) = child.split();
        for rule in named {
            let narrow = match child.find(&rule.name) {
                Some(by_child) => (rule.optional || !by_child.optional) && narrower(&rule.constraint, &by_child.constraint, steps),
                None => rule.optional && child_others.is_none_or(|others| narrower(&rule.constraint, others, steps)),
            };
            if !narrow {
                return Some(&rule.name);
            }
        }
        let within_others = |constraint: &Constraint, steps: &mut Steps| others.is_some_and(|others| narrower(others, constraint, steps));
        for rule in child_named {
            if self.find(&rule.name).is_none() && !within_others(&rule.constraint, steps) {
                return Some(&rule.name);
            }
        }
        match child_others {
            Some(constraint) if !within_others(constraint, steps) => Some(OTHERS),
            _ => None,
        }
    }
}

fn validate_name(name: &str, optional: bool) -> Result<()> {
    if !is_name(name) {
        return Err(Error::named(Code::ClaimInvalid, "argument", name));
    }
    if optional && name == OTHERS {
        return Err(Error::about(Code::ClaimInvalid, "`*` is never optional"));
    }
    Ok(())
}

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
        if self.0.len() > limits::MAX_TOOLS { Err(Code::TooMany.into()) } else { Ok(self) }
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
        if let Some((name, _)) = child.0.iter().find(|(name, _)| self.find(name).is_none()) {
            return Err(Error::named(Code::ToolNotGranted, "tool", name));
        }
        for (name, rules) in &child.0 {
            if let Some((_, granted)) = self.find(name)
                && let Some(argument) = granted.widened_by(rules, &mut steps)
            {
                return Err(Error::named(Code::NotProvablyNarrower, "argument", &format!("{name}.{argument}")));
            }
        }
        Ok(())
    }

    /// Whether a call is allowed.
    pub(crate) fn check(&self, tool: &str, arguments: &Arguments) -> Result<()> {
        match self.find(tool) {
            Some((_, rules)) => rules.allow(arguments),
            None => Err(Error::named(Code::ToolNotAllowed, "tool", tool)),
        }
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
        Ok(Tools(tools))
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.map(self.0.len());
        for (name, rules) in &self.0 {
            rules.write(out.text(name));
        }
    }
}
