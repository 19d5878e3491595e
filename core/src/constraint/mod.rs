//! Constraints: what values an argument may have, and when one constraint is narrower than another.
//!
//! The first nine types follow section 4.5 of draft-niyikiza-oauth-attenuating-agent-tokens-02 (specification, constraints.md).

mod check;
mod codec;
mod narrower;
mod number;
mod path;
mod set;

pub(crate) use check::Steps;
pub(crate) use narrower::narrower;
pub use number::{Number, Range};
pub(crate) use set::Set;

use crate::value::Value;
use crate::{Code, Error, Result, limits};

/// What values an argument may have.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint(pub(crate) Kind);

/// The types, by their number on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Any,
    Exact(set::Operand),
    Range(Range),
    OneOf(Set),
    NotOneOf(Set),
    Contains(Set),
    Subset(Set),
    All(Vec<Constraint>),
    AnyOf(Vec<Constraint>),
    Path(String),
}

impl Constraint {
    /// Every value.
    #[must_use]
    pub const fn any() -> Self {
        Constraint(Kind::Any)
    }

    /// This value, of this type. Errors as [`Value::encode`].
    pub fn exact(value: impl Into<Value>) -> Result<Self> {
        Ok(Constraint(Kind::Exact(set::Operand::new(&value.into())?)))
    }

    /// Numbers within bounds. `constraint-invalid` if no number can be within.
    pub fn range(range: Range) -> Result<Self> {
        range.validate()?;
        Ok(Constraint(Kind::Range(range)))
    }

    /// One of these values; none at all accepts nothing.
    pub fn one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::OneOf(Set::new(values)?)))
    }

    /// Every value but these. `constraint-invalid` for none.
    pub fn not_one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::NotOneOf(Set::new(values)?.not_empty()?)))
    }

    /// Lists in which each of these occurs. `constraint-invalid` for none.
    pub fn contains<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::Contains(Set::new(values)?.not_empty()?)))
    }

    /// Lists whose elements are all among these.
    pub fn subset<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        Ok(Constraint(Kind::Subset(Set::new(values)?)))
    }

    /// What all of these accept. `constraint-invalid` for none, `too-deep` beyond the limit.
    pub fn all(parts: Vec<Constraint>) -> Result<Self> {
        Constraint(Kind::All(parts)).validate_parts()
    }

    /// What at least one of these accepts. `constraint-invalid` for none, `too-deep` beyond the limit.
    pub fn any_of(parts: Vec<Constraint>) -> Result<Self> {
        Constraint(Kind::AnyOf(parts)).validate_parts()
    }

    /// Absolute paths equal to or below `root`. `constraint-invalid` for a root that is not normalised.
    pub fn path(root: &str) -> Result<Self> {
        if !path::is_path(root) {
            return Err(Error::named(Code::ConstraintInvalid, "path", root));
        }
        Ok(Constraint(Kind::Path(root.to_owned())))
    }

    /// Whether a value is accepted. A value that cannot be encoded is not.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        value.encode().is_ok_and(|encoding| self.accepts_encoded(&encoding, &mut Steps::for_decision()))
    }

    /// Whether every value that `child` accepts is accepted by this constraint: sound always, exact for every pair of plain types
    /// (specification, constraints.md, "Narrower"). The same function decides when a token is made and when it is verified.
    #[must_use]
    pub fn subsumes(&self, child: &Constraint) -> bool {
        narrower(self, child, &mut Steps::for_token())
    }

    fn depth(&self) -> usize {
        match &self.0 {
            Kind::All(parts) | Kind::AnyOf(parts) => 1 + parts.iter().map(Constraint::depth).max().unwrap_or(0),
            _ => 1,
        }
    }

    fn validate_parts(self) -> Result<Self> {
        if let Kind::All(parts) | Kind::AnyOf(parts) = &self.0
            && parts.is_empty()
        {
            return Err(Error::about(Code::ConstraintInvalid, "no parts"));
        }
        if self.depth() > limits::MAX_CONSTRAINT_DEPTH { Err(Code::TooDeep.into()) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests;
