//! Sets of values, ordered by their encodings.

use std::cmp::Ordering;

use crate::cbor::{Decoder, Encoder, Type};
use crate::value::Value;
use crate::{Code, Error, Result};

/// The encoding of a value, by which values are compared.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Operand(pub(crate) Box<[u8]>);

impl Operand {
    pub(crate) fn new(value: &Value) -> Result<Self> {
        Ok(Operand(value.encode()?.into()))
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        Ok(Operand(check(decoder)?.into()))
    }
}

/// Passes over one value, checked as when it is read, and gives its encoding.
fn check<'a>(decoder: &mut Decoder<'a>) -> Result<&'a [u8]> {
    let start = decoder.position();
    match decoder.peek()? {
        // By far the most are texts, and checking one takes no copy of it.
        Type::Text => decoder.skip_text()?,
        _ => drop(Value::read(decoder)?),
    }
    Ok(decoder.since(start))
}

/// Values in the ascending order of their encodings, without duplicates. In one piece of memory: where each encoding ends, and then the
/// encodings in a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    bytes: Vec<u8>,
    length: usize,
}

/// The bytes that say where an encoding ends, counted from the first encoding.
const END: usize = size_of::<usize>();
/// Bytes that are set aside for an encoding before it is read.
const LIKELY: usize = 16;

impl Set {
    pub(crate) fn new<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        let encodings = values.into_iter().map(|value| value.into().encode()).collect::<Result<Vec<_>>>()?;
        Ok(Set::of(encodings.iter().map(Vec::as_slice).collect()))
    }

    pub(crate) fn of(mut encodings: Vec<&[u8]>) -> Self {
        encodings.sort_unstable();
        encodings.dedup();
        let mut bytes = Vec::with_capacity(encodings.iter().map(|encoding| END + encoding.len()).sum());
        let mut end = 0;
        for encoding in &encodings {
            end += encoding.len();
            bytes.extend_from_slice(&end.to_ne_bytes());
        }
        encodings.iter().for_each(|encoding| bytes.extend_from_slice(encoding));
        Set { bytes, length: encodings.len() }
    }

    pub(crate) fn not_empty(self) -> Result<Self> {
        if self.length == 0 { Err(Error::about(Code::ConstraintInvalid, "an empty set")) } else { Ok(self) }
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.array()?;
        let first = decoder.position();
        let mut bytes = Vec::with_capacity(length.min(64) * (END + LIKELY));
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = decoder.position();
            check(decoder)?;
            decoder.ascending(&mut previous, start)?;
            bytes.extend_from_slice(&(decoder.position() - first).to_ne_bytes());
        }
        bytes.extend_from_slice(decoder.since(first));
        Ok(Set { bytes, length })
    }

    /// A set of texts; another element is `malformed`.
    pub(crate) fn read_texts(decoder: &mut Decoder<'_>) -> Result<Self> {
        let mut ahead = decoder.clone();
        for _ in 0..ahead.array()? {
            ahead.text()?;
        }
        Set::read(decoder)
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        out.array(self.len()).raw(self.encodings());
    }

    pub(crate) fn len(&self) -> usize {
        self.length
    }

    fn encodings(&self) -> &[u8] {
        &self.bytes[self.length * END..]
    }

    fn end(&self, at: usize) -> usize {
        usize::from_ne_bytes(self.bytes.as_chunks().0[at])
    }

    /// The encodings, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|at| self.at(at))
    }

    /// Those that are texts, ascending by bytes among those of one length.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &str> {
        self.iter().filter_map(|encoding| Decoder::new(encoding).text().ok())
    }

    pub(crate) fn has_text(&self, text: &str) -> bool {
        self.texts().any(|own| own == text)
    }

    fn at(&self, at: usize) -> &[u8] {
        let start = if at == 0 { 0 } else { self.end(at - 1) };
        &self.encodings()[start..self.end(at)]
    }

    pub(crate) fn position(&self, encoding: &[u8]) -> Option<usize> {
        self.position_between(0, self.len(), self.len() / 2, encoding)
    }

    fn position_between(&self, mut low: usize, mut high: usize, mut guess: usize, encoding: &[u8]) -> Option<usize> {
        while low < high {
            match self.at(guess).cmp(encoding) {
                Ordering::Equal => return Some(guess),
                Ordering::Less => low = guess + 1,
                Ordering::Greater => high = guess,
            }
            guess = low.midpoint(high);
        }
        None
    }

    pub(crate) fn has(&self, encoding: &[u8]) -> bool {
        self.position(encoding).is_some()
    }

    pub(crate) fn is_subset_of(&self, other: &Set) -> bool {
        // Both ascend, so an element is sought after the one before, and is mostly the next.
        let mut from = 0;
        self.iter().all(|encoding| {
            let found = other.position_between(from, other.len(), from, encoding);
            from = found.map_or(from, |at| at + 1);
            found.is_some()
        })
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        Set::of(self.iter().chain(other.iter()).collect())
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        Set::of(self.iter().filter(|encoding| other.has(encoding)).collect())
    }
}
