//! The decoder reads one item at a time from a slice, borrows text and bytes, and refuses every form but the deterministic one.

use crate::{Code, Error, Result};

/// What the next item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Unsigned,
    Negative,
    Bytes,
    Text,
    Array,
    Map,
    Tag,
    Bool,
    Null,
    Float,
}

/// A position in some bytes.
#[derive(Clone, Debug)]
pub(crate) struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

const MALFORMED: Error = Error::new(Code::Malformed);
const NOT_UTF8: Error = Error::about(Code::Malformed, "text that is not UTF-8");
const OUT_OF_ORDER: Error = Error::about(Code::NotCanonical, "keys or elements out of order");

impl<'a> Decoder<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Decoder { bytes, at: 0 }
    }

    /// How far it has read.
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// The bytes between two positions.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        &self.bytes[start..self.at]
    }

    /// Refuses bytes after the end.
    pub(crate) fn finish(self) -> Result<()> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(Error::about(Code::Malformed, "bytes after the end")) }
    }

    /// The type of the next item, without reading it.
    pub(crate) fn peek(&self) -> Result<Type> {
        let first = *self.bytes.get(self.at).ok_or(MALFORMED)?;
        Ok(match first >> 5 {
            0 => Type::Unsigned,
            1 => Type::Negative,
            2 => Type::Bytes,
            3 => Type::Text,
            4 => Type::Array,
            5 => Type::Map,
            6 => Type::Tag,
            _ => match first & 31 {
                20 | 21 => Type::Bool,
                22 => Type::Null,
                25..=27 => Type::Float,
                _ => return Err(MALFORMED),
            },
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if count > rest.len() {
            return Err(Error::about(Code::Malformed, "ends early"));
        }
        self.at += count;
        Ok(&rest[..count])
    }

    fn take_array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// The head of an item: its major type and argument, in the shortest form. Of a simple value or float, all of it.
    #[inline(always)]
    fn head(&mut self) -> Result<(u8, u64)> {
        match self.bytes.get(self.at) {
            // By far the most arguments stand in the first byte.
            Some(&first) if first < 0xe0 && first & 31 < 24 => {
                self.at += 1;
                Ok((first >> 5, u64::from(first & 31)))
            }
            _ => self.long_head(),
        }
    }

    #[inline(never)]
    fn long_head(&mut self) -> Result<(u8, u64)> {
        if matches!(self.peek()?, Type::Float) {
            self.float()?;
            return Ok((7, 0));
        }
        let first = self.take(1)?[0];
        let (major, low) = (first >> 5, first & 31);
        let (argument, least) = match low {
            0..=23 => return Ok((major, u64::from(low))),
            24 => (u64::from(self.take(1)?[0]), 24),
            25 => (u64::from(u16::from_be_bytes(self.take_array()?)), 1 << 8),
            26 => (u64::from(u32::from_be_bytes(self.take_array()?)), 1 << 16),
            27 => (u64::from_be_bytes(self.take_array()?), 1 << 32),
            31 if (2..=5).contains(&major) => return Err(Error::about(Code::NotCanonical, "indefinite length")),
            _ => return Err(MALFORMED),
        };
        if argument < least {
            return Err(Error::about(Code::NotCanonical, "a number in a longer form than it needs"));
        }
        Ok((major, argument))
    }

    /// The form of a head counts before its type.
    #[inline]
    fn expect(&mut self, major: u8) -> Result<u64> {
        match self.head()? {
            (found, argument) if found == major => Ok(argument),
            _ => Err(MALFORMED),
        }
    }

    /// A length of bytes, text, array or map; it cannot be longer than the bytes that are left.
    fn length(&mut self, major: u8) -> Result<usize> {
        let length = self.expect(major)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() - self.at => Ok(length),
            _ => Err(Error::about(Code::Malformed, "ends early")),
        }
    }

    pub(crate) fn unsigned(&mut self) -> Result<u64> {
        self.expect(0)
    }

    /// An integer within 64 signed bits.
    #[inline]
    pub(crate) fn integer(&mut self) -> Result<i64> {
        match self.head()? {
            (0, argument) => i64::try_from(argument).map_err(|_| MALFORMED),
            (1, argument) => i64::try_from(argument).map(|n| -1 - n).map_err(|_| MALFORMED),
            _ => Err(MALFORMED),
        }
    }

    /// An integer from 0 to `most`; another one is `claim-invalid`.
    pub(crate) fn at_most(&mut self, most: u64, what: &'static str) -> Result<u64> {
        match u64::try_from(self.integer()?) {
            Ok(value) if value <= most => Ok(value),
            _ => Err(Error::about(Code::ClaimInvalid, what)),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length(2)?;
        self.take(length)
    }

    /// Bytes of a fixed length; another length is `claim-invalid`.
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.bytes()?.try_into().map_err(|_| Error::about(Code::ClaimInvalid, "bytes of another length"))
    }

    pub(crate) fn text(&mut self) -> Result<&'a str> {
        let length = self.length(3)?;
        std::str::from_utf8(self.take(length)?).map_err(|_| NOT_UTF8)
    }

    /// Passes over a text, which is checked all the same.
    pub(crate) fn skip_text(&mut self) -> Result<()> {
        let length = self.length(3)?;
        let text = self.take(length)?;
        if text.is_ascii() || std::str::from_utf8(text).is_ok() { Ok(()) } else { Err(NOT_UTF8) }
    }

    pub(crate) fn array(&mut self) -> Result<usize> {
        self.length(4)
    }

    pub(crate) fn map(&mut self) -> Result<usize> {
        self.length(5)
    }

    pub(crate) fn tag(&mut self) -> Result<u64> {
        self.expect(6)
    }

    pub(crate) fn null(&mut self) -> Result<()> {
        if self.take(1)?[0] == 0xf6 { Ok(()) } else { Err(MALFORMED) }
    }

    pub(crate) fn bool(&mut self) -> Result<bool> {
        match self.take(1)?[0] {
            0xf4 => Ok(false),
            0xf5 => Ok(true),
            _ => Err(MALFORMED),
        }
    }

    /// A float: finite, with a fractional part, in the shortest of the three forms that keeps it.
    pub(crate) fn float(&mut self) -> Result<f64> {
        let (value, width) = match self.take(1)?[0] {
            0xf9 => (half_to_f64(u16::from_be_bytes(self.take_array()?)), 2),
            0xfa => (f64::from(f32::from_be_bytes(self.take_array()?)), 4),
            0xfb => (f64::from_be_bytes(self.take_array()?), 8),
            _ => return Err(MALFORMED),
        };
        if !super::encode::is_fraction(value) {
            return Err(Error::about(Code::NotCanonical, "a float without a fractional part"));
        }
        if super::encode::float_width(value) != width {
            return Err(Error::about(Code::NotCanonical, "a number in a longer form than it needs"));
        }
        Ok(value)
    }

    /// Passes over one value.
    pub(crate) fn skip(&mut self) -> Result<()> {
        let mut left = 1usize;
        while left > 0 {
            left -= 1;
            match self.peek()? {
                Type::Unsigned | Type::Negative | Type::Bool | Type::Null | Type::Float => drop(self.head()?),
                Type::Bytes => drop(self.bytes()?),
                Type::Text => self.skip_text()?,
                Type::Array => left += self.array()?,
                Type::Map => left += 2 * self.map()?,
                Type::Tag => return Err(MALFORMED),
            }
        }
        Ok(())
    }

    /// Reads a map's text keys in order: `previous` is the encoding of the last key.
    pub(crate) fn text_key(&mut self, previous: &mut &'a [u8]) -> Result<&'a str> {
        let start = self.at;
        let key = self.text()?;
        self.ascending(previous, start)?;
        Ok(key)
    }

    /// Reads a map's integer keys in order: `previous` is the place of the last key.
    pub(crate) fn integer_key(&mut self, previous: &mut Option<u64>) -> Result<i64> {
        let key = self.integer()?;
        let place = Some(place(key));
        if *previous >= place {
            return Err(OUT_OF_ORDER);
        }
        *previous = place;
        Ok(key)
    }

    /// Holds the order of sets and keys: what was just read, from `start`, comes after `previous` bytewise.
    pub(crate) fn ascending(&self, previous: &mut &'a [u8], start: usize) -> Result<()> {
        let current = self.since(start);
        if *previous >= current {
            return Err(OUT_OF_ORDER);
        }
        *previous = current;
        Ok(())
    }
}

/// The place of an integer in the bytewise order of encodings: 0, 1, 2 and so on, then −1, −2 and so on.
fn place(key: i64) -> u64 {
    if key < 0 { 1 << 63 | !key as u64 } else { key as u64 }
}

/// IEEE 754 half to double.
fn half_to_f64(bits: u16) -> f64 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T: std::fmt::Debug>(result: Result<T>) -> Code {
        result.unwrap_err().code()
    }

    #[test]
    fn integers_in_a_longer_form_are_not_canonical() {
        for bytes in [&[0x18, 0x17][..], &[0x19, 0, 0xff], &[0x1a, 0, 0, 0xff, 0xff], &[0x1b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]] {
            assert_eq!(code(Decoder::new(bytes).unsigned()), Code::NotCanonical, "{bytes:x?}");
        }
        assert_eq!(Decoder::new(&[0x18, 0x18]).unsigned().unwrap(), 24);
    }

    #[test]
    fn the_places_of_integers_are_the_order_of_their_encodings() {
        let edges = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 1 << 32, i64::MAX - 1, i64::MAX];
        let mut keys: Vec<i64> = edges.into_iter().chain(edges.map(|edge| -1 - edge)).collect();
        let encoding = |key: i64| {
            let mut out = crate::cbor::Encoder::new();
            out.integer(key);
            out.into_bytes()
        };
        keys.sort_by_key(|key| encoding(*key));
        assert!(keys.is_sorted_by(|a, b| place(*a) < place(*b)), "{keys:?}");
        for key in keys {
            let bytes = encoding(key).repeat(2);
            let (mut decoder, mut previous) = (Decoder::new(&bytes), None);
            assert_eq!(decoder.integer_key(&mut previous).unwrap(), key);
            assert_eq!(code(decoder.integer_key(&mut previous)), Code::NotCanonical);
        }
    }

    #[test]
    fn huge_lengths_end_early_before_anything_is_allocated() {
        for first in [0x5b, 0x7b, 0x9b, 0xbb] {
            let bytes = [first, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
            let mut decoder = Decoder::new(&bytes);
            let result = match first {
                0x5b => decoder.bytes().map(|_| ()),
                0x7b => decoder.text().map(|_| ()),
                0x9b => decoder.array().map(|_| ()),
                _ => decoder.map().map(|_| ()),
            };
            assert_eq!(code(result), Code::Malformed);
        }
    }

    #[test]
    fn floats_keep_their_shortest_form() {
        assert_eq!(Decoder::new(&[0xf9, 0x3e, 0x00]).float().unwrap(), 1.5);
        assert_eq!(Decoder::new(&[0xf9, 0x00, 0x01]).float().unwrap(), 2f64.powi(-24));
        assert_eq!(code(Decoder::new(&[0xfa, 0x3f, 0xc0, 0, 0]).float()), Code::NotCanonical);
        for whole in [&[0xf9, 0x3c, 0x00][..], &[0xf9, 0x80, 0x00], &[0xf9, 0x7e, 0x00], &[0xf9, 0x7c, 0x00], &[0xf9, 0xfc, 0x00]] {
            assert_eq!(code(Decoder::new(whole).float()), Code::NotCanonical, "{whole:x?}");
        }
    }
}
