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
        Type::Text => drop(decoder.text()?),
        _ => drop(Value::read(decoder)?),
    }
    Ok(decoder.since(start))
}

/// Values in the ascending order of their encodings, without duplicates: the encodings in a row, and where each ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    encodings: Box<[u8]>,
    ends: Vec<usize>,
}

impl Set {
    pub(crate) fn new<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Result<Self> {
        let encodings = values.into_iter().map(|value| value.into().encode()).collect::<Result<Vec<_>>>()?;
        Ok(Set::of(encodings.iter().map(Vec::as_slice).collect()))
    }

    pub(crate) fn of(mut encodings: Vec<&[u8]>) -> Self {
        encodings.sort_unstable();
        encodings.dedup();
        let ends = encodings.iter().scan(0, |end, encoding| {
            *end += encoding.len();
            Some(*end)
        });
        Set { ends: ends.collect(), encodings: encodings.concat().into() }
    }

    pub(crate) fn not_empty(self) -> Result<Self> {
        if self.ends.is_empty() { Err(Error::about(Code::ConstraintInvalid, "an empty set")) } else { Ok(self) }
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        let length = decoder.array()?;
        let first = decoder.position();
        let mut ends = Vec::with_capacity(length.min(64));
        let mut previous: &[u8] = &[];
        for _ in 0..length {
            let start = decoder.position();
            check(decoder)?;
            decoder.ascending(&mut previous, start)?;
            ends.push(decoder.position() - first);
        }
        Ok(Set { encodings: decoder.since(first).into(), ends })
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
        out.array(self.len()).raw(&self.encodings);
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
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
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.encodings[start..self.ends[at]]
    }

    pub(crate) fn position(&self, encoding: &[u8]) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = (low + high) / 2;
            match self.at(middle).cmp(encoding) {
                Ordering::Equal => return Some(middle),
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
            }
        }
        None
    }

    pub(crate) fn has(&self, encoding: &[u8]) -> bool {
        self.position(encoding).is_some()
    }

    pub(crate) fn is_subset_of(&self, other: &Set) -> bool {
        self.iter().all(|encoding| other.has(encoding))
    }

    pub(crate) fn union(&self, other: &Set) -> Set {
        Set::of(self.iter().chain(other.iter()).collect())
    }

    pub(crate) fn intersection(&self, other: &Set) -> Set {
        Set::of(self.iter().filter(|encoding| other.has(encoding)).collect())
    }
}
