//! Numbers and ranges of them, compared by their exact value.

use std::cmp::Ordering;

use crate::cbor::{Decoder, Type};
use crate::value::Value;
use crate::{Code, Error, Result};

/// An integer or a float with a fractional part.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A 64-bit signed integer.
    Integer(i64),
    /// A finite float with a fractional part.
    Float(f64),
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Number::Integer(value)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Number::Float(value)
    }
}

impl Number {
    /// The number with this encoding; booleans and text are none.
    pub(crate) fn of_encoding(encoding: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(encoding);
        match decoder.peek().ok()? {
            Type::Unsigned | Type::Negative => decoder.integer().ok().map(Number::Integer),
            Type::Float => decoder.float().ok().map(Number::Float),
            _ => None,
        }
    }

    pub(crate) fn to_value(self) -> Value {
        match self {
            Number::Integer(value) => Value::Integer(value),
            Number::Float(value) => Value::Float(value),
        }
    }

    /// A float with a fractional part is below 2^53 in magnitude, so its floor is an integer without loss.
    pub(crate) fn compare(self, other: Self) -> Ordering {
        match (self, other) {
            (Number::Integer(a), Number::Integer(b)) => a.cmp(&b),
            (Number::Float(a), Number::Float(b)) => a.total_cmp(&b),
            (Number::Integer(a), Number::Float(b)) => a.cmp(&(b.floor() as i64)).then(Ordering::Less),
            (Number::Float(_), Number::Integer(_)) => other.compare(self).reverse(),
        }
    }
}

impl Number {
    /// A number above the one and below the other, if there is one: first an integer, else a float between two neighbouring integers.
    pub(crate) fn between(low: Option<Number>, high: Option<Number>) -> Option<Number> {
        let integer = match (low, high) {
            (Some(low), _) => low.floor().checked_add(1),
            (None, Some(high)) => high.floor().checked_sub(1),
            (None, None) => Some(0),
        };
        let is_between =
            |number: &Number| low.is_none_or(|low| number.compare(low).is_gt()) && high.is_none_or(|high| number.compare(high).is_lt());
        let above = || match low? {
            // From here on, floats have no fractional part.
            Number::Integer(low) if low.unsigned_abs() > 1 << 53 => None,
            Number::Integer(low) => Some(Number::Float((low as f64).next_up())),
            Number::Float(low) => Some(Number::Float(low.next_up())),
        };
        let fraction = |number: &Number| matches!(number, Number::Float(value) if crate::cbor::is_fraction(*value));
        integer.map(Number::Integer).filter(is_between).or_else(|| above().filter(fraction).filter(is_between))
    }

    fn floor(self) -> i64 {
        match self {
            Number::Integer(value) => value,
            Number::Float(value) => value.floor() as i64,
        }
    }
}

/// Numbers between two bounds, each included unless it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Range {
    /// The least, or none.
    pub min: Option<Number>,
    /// The greatest, or none.
    pub max: Option<Number>,
    /// Whether the least is excluded.
    pub min_open: bool,
    /// Whether the greatest is excluded.
    pub max_open: bool,
}

impl Range {
    /// Both bounds included.
    #[must_use]
    pub fn between(min: impl Into<Number>, max: impl Into<Number>) -> Self {
        Range { min: Some(min.into()), max: Some(max.into()), ..Range::default() }
    }

    /// This number and above.
    #[must_use]
    pub fn at_least(min: impl Into<Number>) -> Self {
        Range { min: Some(min.into()), ..Range::default() }
    }

    /// This number and below.
    #[must_use]
    pub fn at_most(max: impl Into<Number>) -> Self {
        Range { max: Some(max.into()), ..Range::default() }
    }

    pub(crate) fn validate(&self) -> Result<()> {
        let bounds = [self.min, self.max];
        if bounds.iter().flatten().any(|bound| matches!(bound, Number::Float(f) if !crate::cbor::is_fraction(*f))) {
            return Err(Error::about(Code::ValueUnsupported, "a float without a fractional part as bound"));
        }
        if bounds == [None, None] {
            return Err(Error::about(Code::ConstraintInvalid, "a range without bounds"));
        }
        if (self.min.is_none() && self.min_open) || (self.max.is_none() && self.max_open) {
            return Err(Error::about(Code::ConstraintInvalid, "an open bound that is not there"));
        }
        if self.is_empty() { Err(Error::about(Code::ConstraintInvalid, "a range that nothing is in")) } else { Ok(()) }
    }

    /// Whether no number can be within, as an interval of real numbers.
    pub(crate) fn is_empty(&self) -> bool {
        match (self.min, self.max) {
            (Some(min), Some(max)) => match min.compare(max) {
                Ordering::Less => false,
                Ordering::Equal => self.min_open || self.max_open,
                Ordering::Greater => true,
            },
            _ => false,
        }
    }

    pub(crate) fn accepts(&self, number: Number) -> bool {
        let above = self.min.is_none_or(|min| match number.compare(min) {
            Ordering::Less => false,
            Ordering::Equal => !self.min_open,
            Ordering::Greater => true,
        });
        let below = self.max.is_none_or(|max| match number.compare(max) {
            Ordering::Less => true,
            Ordering::Equal => !self.max_open,
            Ordering::Greater => false,
        });
        above && below
    }

    /// Whether another range lies within this one, as intervals of real numbers.
    pub(crate) fn encloses(&self, other: &Range) -> bool {
        let above = match (self.min, other.min) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(outer), Some(inner)) => match inner.compare(outer) {
                Ordering::Less => false,
                Ordering::Equal => !self.min_open || other.min_open,
                Ordering::Greater => true,
            },
        };
        let below = match (self.max, other.max) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(outer), Some(inner)) => match inner.compare(outer) {
                Ordering::Less => true,
                Ordering::Equal => !self.max_open || other.max_open,
                Ordering::Greater => false,
            },
        };
        above && below
    }

    /// What is within both; it may be empty.
    pub(crate) fn intersection(&self, other: &Range) -> Range {
        let (min, min_open) = tighter((self.min, self.min_open), (other.min, other.min_open), Ordering::Greater);
        let (max, max_open) = tighter((self.max, self.max_open), (other.max, other.max_open), Ordering::Less);
        Range { min, max, min_open, max_open }
    }
}

type Bound = (Option<Number>, bool);

/// Of two bounds the one further inwards; at the same number an open one.
fn tighter(a: Bound, b: Bound, inwards: Ordering) -> Bound {
    match (a.0, b.0) {
        (None, _) => b,
        (_, None) => a,
        (Some(x), Some(y)) => match x.compare(y) {
            Ordering::Equal => (a.0, a.1 || b.1),
            order if order == inwards => a,
            _ => b,
        },
    }
}
