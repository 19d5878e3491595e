//! Sets of values, ordered by their encodings.

use crate::cbor::{Decoder, Encoder, Type};
use crate::value::Value;
use crate::{Code, Error, Result};

/// A value as its encoding, by which values are compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand {
    pub(crate) encoding: Box<[u8]>,
}

impl Operand {
    pub(crate) fn new(value: &Value) -> Result<Self> {
        Ok(Operand { encoding: value.encode()?.into() })
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let start = decoder.position();
        match decoder.peek()? {
            // By far the most are texts, and checking one takes no copy of it.
            Type::Text => drop(decoder.text()?),
            _ => drop(Value::read(decoder)?),
        }
        Ok(Operand { encoding: decoder.since(start).into() })
    }
}

/// Values in the ascending order of their encodings, without duplicates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set(Vec<Operand>);

impl Set {
    pub(crate) fn new<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        let operands = values.into_iter().map(|value| Operand::new(&value.into())).collect::<Result<_>>()?;
        Ok(Set::from_operands(operands))
    }

    pub(crate) fn from_operands(mut operands: Vec<Operand>) -> Self {
        operands.sort_unstable_by(|a, b| a.encoding.cmp(&b.encoding));
        operands.dedup_by(|a, b| a.encoding == b.encoding);
        Set(operands)
    }

    pub(crate) fn not_empty(self) -> Result<Self> {
        if self.0.is_empty() { Err(Error::about(Code::ConstraintInvalid, "an empty set")) } else { Ok(self) }
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.array()?;
        let mut operands = Vec::with_capacity(length.min(64));
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = decoder.position();
            let operand = Operand::read(decoder)?;
            decoder.ascending(&mut previous, start)?;
            operands.push(operand);
        }
        Ok(Set(operands))
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.array(self.0.len());
        for operand in &self.0 {
            out.raw(&operand.encoding);
        }
    }

    pub(crate) fn operands(&self) -> &[Operand] {
        &self.0
    }

    pub(crate) fn position(&self, encoding: &[u8]) -> Option<usize> {
        self.0.binary_search_by(|operand| operand.encoding.as_ref().cmp(encoding)).ok()
    }

    pub(crate) fn has(&self, encoding: &[u8]) -> bool {
        self.position(encoding).is_some()
    }

    pub(crate) fn is_subset_of(&self, other: &Set) -> bool {
        self.0.iter().all(|operand| other.has(&operand.encoding))
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        Set::from_operands(self.0.iter().chain(&other.0).cloned().collect())
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        Set(self.0.iter().filter(|operand| other.has(&operand.encoding)).cloned().collect())
    }
}
