//! Closed-world rules for names: the arguments of a tool, and the entries of a map.

use super::codec;
use super::narrower::{Witness, judge};
use super::{Constraint, check};
use crate::cbor::{Decoder, Encoder, Type};
use crate::id::is_name;
use crate::steps::Steps;
use crate::value::{Argument, Arguments, key_order};
use crate::{Code, Error, Result, limits};

/// Marks an entry as optional on the wire.
const OPTIONAL: i64 = -1;
/// The entry for names that have none of their own.
pub(crate) const OTHERS: &str = "*";

/// The arguments that one tool may be called with, or the entries that a map may have ([`Constraint::fields`]).
///
/// Without any rule, everything is allowed. With one, the map is closed: what is not named is refused, unless [`ArgumentRules::others`]
/// says what it may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ArgumentRules(Vec<Rule>);

#[derive(Clone, Debug, PartialEq)]
struct Rule {
    name: Box<str>,
    constraint: Constraint,
    optional: bool,
}

/// Why rules are not provably narrower than others.
#[derive(Debug)]
pub(crate) struct Widened<'a> {
    /// The argument.
    pub(crate) name: &'a str,
    /// What the child allows there and the parent does not.
    pub(crate) by: Excess,
}

/// What a child allows and its parent does not.
#[derive(Debug)]
pub(crate) enum Excess {
    /// Leaving the argument out.
    Missing,
    /// Having it at all.
    Present,
    /// This value of it, where one was found.
    Value(Witness),
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

    pub(super) fn with(mut self, name: &str, constraint: Constraint, optional: bool) -> Self {
        self.0.push(Rule { name: name.into(), constraint, optional });
        self
    }

    pub(crate) fn pattern_size(&self) -> usize {
        self.0.iter().map(|rule| rule.constraint.pattern_size()).sum()
    }

    pub(crate) fn validated(mut self) -> Result<Self> {
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

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        ArgumentRules::read_at(decoder, 1)
    }

    /// Reads rules whose constraints are at this depth.
    pub(super) fn read_at(decoder: &mut Decoder<'_>, depth: usize) -> Result<Self> {
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
            rules.push(Rule { name: name.into(), constraint: codec::read_at(decoder, depth)?, optional });
        }
        Ok(ArgumentRules(rules))
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
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

    /// The rule for a name of its own.
    fn named(&self, name: &str) -> Option<&Rule> {
        self.find(name).filter(|_| name != OTHERS)
    }

    /// The named rules, and the constraint on the others if they are allowed. A map without entries allows any others; where nothing is allowed as
    /// another, there are none.
    fn split(&self) -> (impl Iterator<Item = &Rule>, Option<&Constraint>) {
        static ANY: Constraint = Constraint::any();
        let others = if self.0.is_empty() {
            Some(&ANY)
        } else {
            self.find(OTHERS).map(|rule| &rule.constraint).filter(|constraint| !constraint.is_nothing())
        };
        (self.0.iter().filter(|rule| &*rule.name != OTHERS), others)
    }

    /// The names that have rules of their own.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|rule| &*rule.name).filter(|name| *name != OTHERS)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.named(name).is_some()
    }

    pub(super) fn constraint_on_others(&self) -> Option<&Constraint> {
        self.split().1
    }

    /// The constraint that a name has, its own or that of the others.
    pub(crate) fn constraint_on(&self, name: &str) -> Option<&Constraint> {
        match self.named(name) {
            Some(rule) => Some(&rule.constraint),
            None => self.split().1,
        }
    }

    pub(super) fn requires(&self, name: &str) -> bool {
        self.named(name).is_some_and(|rule| !rule.optional)
    }

    /// Whether a call may have these arguments.
    pub(crate) fn allow(&self, arguments: &Arguments) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut steps = Steps::for_arguments(arguments.encoding().len());
        let (named, others) = self.split();
        let mut accepts = |constraint: &Constraint, argument: &Argument| {
            if constraint.accepts_encoded(arguments.encoding_of(argument), &mut steps) {
                return Ok(());
            }
            Err(Error::of(Code::ArgumentRefused, &format!("argument `{}` must be {constraint}", argument.name)))
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

    /// Whether a value is a map that satisfies these rules. False when the steps are used up.
    pub(super) fn accept_map(&self, encoding: &[u8], steps: &mut Steps) -> bool {
        let Some(entries) = check::entries(encoding, steps) else { return false };
        let (named, others) = self.split();
        let mut missing = named.filter(|rule| !rule.optional).count();
        for (name, value) in entries {
            let constraint = match self.named(name) {
                Some(rule) => {
                    missing -= usize::from(!rule.optional);
                    Some(&rule.constraint)
                }
                None => others,
            };
            if !constraint.is_some_and(|constraint| constraint.accepts_encoded(value, steps)) {
                return false;
            }
        }
        missing == 0
    }

    /// What keeps the child's rules from being provably narrower than these (specification, constraints.md, "Narrower arguments").
    pub(crate) fn widened_by<'a>(&'a self, child: &'a ArgumentRules, steps: &mut Steps) -> Option<Widened<'a>> {
        let (named, others) = self.split();
        let (child_named, child_others) = child.split();
        let widened = |name, by| Some(Widened { name, by });
        for rule in named {
            let by_child = match child.named(&rule.name) {
                Some(by_child) if by_child.optional && !rule.optional => return widened(&rule.name, Excess::Missing),
                Some(by_child) => Some(&by_child.constraint),
                None if !rule.optional => return widened(&rule.name, Excess::Missing),
                None => child_others,
            };
            if let Some(Err(witness)) = by_child.map(|by_child| judge(&rule.constraint, by_child, steps)) {
                return widened(&rule.name, Excess::Value(witness));
            }
        }
        let more = child_named.filter(|rule| self.named(&rule.name).is_none()).map(|rule| (&*rule.name, &rule.constraint));
        for (name, constraint) in more.chain(child_others.map(|constraint| (OTHERS, constraint))) {
            match others.map(|others| judge(others, constraint, steps)) {
                None => return widened(name, Excess::Present),
                Some(Err(witness)) => return widened(name, Excess::Value(witness)),
                Some(Ok(())) => {}
            }
        }
        None
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
