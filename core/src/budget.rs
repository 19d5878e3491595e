//! Budgets of a token: how many calls, or how much of a numeric argument, all together or in each window of time (specification, budget.md).

use crate::cbor::{Decoder, Encoder};
use crate::id::{Digest, is_name};
use crate::value::{Arguments, Value};
use crate::{Code, Error, Result, limits};

/// What is counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The token and everything below it.
    Family,
    /// Every chain of the issuer in this session.
    Session,
}

/// A limit on calls, or on the sum of an argument. It is counted by the verifier's store, in the moment of the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    limit: u64,
    scope: Scope,
    tool: Option<String>,
    argument: Option<String>,
    window: Option<u64>,
}

impl Budget {
    /// So many calls of the token and everything below it. `claim-invalid` unless 1 ≤ limit ≤ 2^53 − 1.
    pub fn calls(limit: u64) -> Result<Self> {
        Budget { limit, scope: Scope::Family, tool: None, argument: None, window: None }.bounded()
    }

    /// So much of an argument of a tool, summed over its calls. The argument then has to be an integer of 0 or more. `name-invalid`, `claim-invalid`.
    pub fn sum(limit: u64, tool: &str, argument: &str) -> Result<Self> {
        let named = Budget { argument: Some(argument.to_owned()), ..Budget::calls(limit)? };
        if !is_name(argument) {
            return Err(Error::named(Code::NameInvalid, "argument", argument));
        }
        named.of_tool(tool)
    }

    /// Counts calls of this tool only. `name-invalid`.
    pub fn of_tool(mut self, tool: &str) -> Result<Self> {
        if !is_name(tool) {
            return Err(Error::named(Code::NameInvalid, "tool", tool));
        }
        self.tool = Some(tool.to_owned());
        Ok(self)
    }

    /// Counts over the session instead of the token's family.
    #[must_use]
    pub const fn over_session(mut self) -> Self {
        self.scope = Scope::Session;
        self
    }

    /// A rate: counts anew in each window of so many seconds; windows begin at multiples of their length since 1970. `claim-invalid` unless
    /// 1 ≤ seconds ≤ 30 days.
    pub fn per(mut self, seconds: u64) -> Result<Self> {
        self.window = Some(seconds);
        self.bounded()
    }

    fn bounded(self) -> Result<Self> {
        let window = self.window.is_none_or(|seconds| (1..=limits::MAX_LIFETIME).contains(&seconds));
        if !(1..=limits::MAX_AMOUNT).contains(&self.limit) {
            return Err(Error::about(Code::ClaimInvalid, "a budget's limit: 1 to 2^53 - 1"));
        }
        if window { Ok(self) } else { Err(Error::about(Code::ClaimInvalid, "a budget's window: 1 second to 30 days")) }
    }

    /// The most that it allows.
    #[must_use]
    pub const fn limit(&self) -> u64 {
        self.limit
    }

    /// What is counted together.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// The tool, if it is about one.
    #[must_use]
    pub fn tool(&self) -> Option<&str> {
        self.tool.as_deref()
    }

    /// The argument that is summed, if it does not count calls.
    #[must_use]
    pub fn argument(&self) -> Option<&str> {
        self.argument.as_deref()
    }

    /// Seconds of a window, if it is a rate.
    #[must_use]
    pub const fn window(&self) -> Option<u64> {
        self.window
    }

    /// How much a call takes; none if the budget is not about its tool. `argument-refused` for an argument that cannot be summed; one that is not
    /// there takes nothing.
    pub(crate) fn amount(&self, tool: &str, arguments: &Arguments) -> Result<Option<u64>> {
        if self.tool.as_deref().is_some_and(|own| own != tool) {
            return Ok(None);
        }
        let Some(name) = &self.argument else { return Ok(Some(1)) };
        match arguments.value(name) {
            None => Ok(Some(0)),
            Some(Value::Integer(amount)) if u64::try_from(*amount).is_ok_and(|amount| amount <= limits::MAX_AMOUNT) => {
                Ok(Some(*amount as u64))
            }
            Some(_) => Err(Error::named(Code::ArgumentRefused, "a budget counts integers from 0 to 2^53 - 1: argument", name)),
        }
    }

    /// What tells it from other budgets of a session: everything but the limit.
    pub(crate) fn subject(&self) -> Digest {
        let mut out = Encoder::new();
        self.write_subject(out.map(self.subject_length()));
        crate::id::sha256(&out.into_bytes())
    }

    fn subject_length(&self) -> usize {
        [self.tool.is_some(), self.argument.is_some(), self.window.is_some()].into_iter().filter(|there| *there).count()
    }

    fn write_subject(&self, out: &mut Encoder) {
        if let Some(tool) = &self.tool {
            out.unsigned(2).text(tool);
        }
        if let Some(argument) = &self.argument {
            out.unsigned(3).text(argument);
        }
        if let Some(window) = self.window {
            out.unsigned(4).unsigned(window);
        }
    }

    fn write(&self, out: &mut Encoder) {
        out.map(2 + self.subject_length()).unsigned(0).unsigned(self.limit).unsigned(1).unsigned(self.scope as u64);
        self.write_subject(out);
    }

    fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let (mut limit, mut scope, mut tool, mut argument, mut window) = (None, None, None, None, None);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => limit = Some(decoder.at_most(limits::MAX_AMOUNT, "a budget's limit")?),
                1 => scope = Some(if decoder.at_most(1, "a budget's scope")? == 0 { Scope::Family } else { Scope::Session }),
                2 => tool = Some(read_name(decoder)?),
                3 => argument = Some(read_name(decoder)?),
                4 => window = Some(decoder.at_most(limits::MAX_LIFETIME, "a budget's window")?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        let missing = |name| Error::about(Code::ClaimMissing, name);
        if argument.is_some() && tool.is_none() {
            return Err(Error::about(Code::ClaimInvalid, "a budget of an argument without its tool"));
        }
        let (limit, scope) = (limit.ok_or(missing("limit"))?, scope.ok_or(missing("scope"))?);
        Budget { limit, scope, tool, argument, window }.bounded()
    }
}

fn read_name(decoder: &mut Decoder<'_>) -> Result<String> {
    let name = decoder.text()?;
    if is_name(name) { Ok(name.to_owned()) } else { Err(Error::about(Code::ClaimInvalid, "a name in a budget")) }
}

/// The budgets of a token, and the millisecond within its `iat`: what was issued before a store's memory is not counted there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    pub(crate) millisecond: u16,
    pub(crate) list: Vec<Budget>,
}

impl Budgets {
    /// Each budget.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Budget> {
        self.list.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.map(2).unsigned(0).unsigned(self.millisecond.into()).unsigned(1).array(self.list.len());
        self.list.iter().for_each(|budget| budget.write(out));
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let (mut millisecond, mut list) = (None, None);
        let mut previous = None;
        for _ in 0..decoder.map()? {
            match decoder.integer_key(&mut previous)? {
                0 => millisecond = Some(decoder.at_most(999, "millisecond")? as u16),
                1 => list = Some(read_list(decoder)?),
                _ => return Err(Code::ClaimUnknown.into()),
            }
        }
        let missing = |name| Error::about(Code::ClaimMissing, name);
        Ok(Budgets { millisecond: millisecond.ok_or(missing("millisecond"))?, list: list.ok_or(missing("budgets"))? })
    }
}

fn read_list(decoder: &mut Decoder<'_>) -> Result<Vec<Budget>> {
    match decoder.array()? {
        0 => Err(Error::about(Code::ClaimInvalid, "budgets without a budget")),
        length if length > limits::MAX_BUDGETS => Err(Error::about(Code::TooMany, "budgets")),
        length => (0..length).map(|_| Budget::read(decoder)).collect(),
    }
}
