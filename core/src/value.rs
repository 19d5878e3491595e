//! Values: what arguments of calls and operands of constraints are made of.

use std::sync::Arc;

use crate::cbor::{Decoder, Encoder, Type};
use crate::id::{Digest, is_name};
use crate::{Code, Error, Result, limits};

/// One value. All types are distinct: `1`, `true` and `"1"` are three values, and `1.0` is none (specification, encoding.md, "Values").
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// JSON null, None.
    Null,
    /// A boolean, never a number.
    Bool(bool),
    /// A 64-bit signed integer.
    Integer(i64),
    /// A finite float with a fractional part.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes, never equal to text.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Value>),
    /// A map, in any order here; its encoding is ordered, and values are the same when their encodings are.
    Map(Vec<(String, Value)>),
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}
impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Value::Integer(value.into())
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.into())
    }
}
impl From<String> for Value {
    fn from(value: String) -> Self {
        Value::Text(value)
    }
}
impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Value::List(values.into_iter().map(Into::into).collect())
    }
}

impl Value {
    /// The deterministic encoding. `value-unsupported` for floats without a fractional part and for a key given twice, `too-deep`, `too-many` and
    /// `too-large` beyond the limits.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let mut encoder = Encoder::new();
        let mut items = 0;
        self.write(&mut encoder, 1, &mut items)?;
        Ok(encoder.into_bytes())
    }

    fn write(&self, out: &mut Encoder, depth: usize, items: &mut usize) -> Result<()> {
        match self {
            Value::Null => drop(out.null()),
            Value::Bool(value) => drop(out.bool(*value)),
            Value::Integer(value) => drop(out.integer(*value)),
            Value::Float(value) if crate::cbor::is_fraction(*value) => drop(out.float(*value)),
            Value::Float(_) => return Err(Error::about(Code::ValueUnsupported, "a float without a fractional part")),
            Value::Text(value) => drop(out.text(value)),
            Value::Bytes(value) => drop(out.bytes(value)),
            Value::List(values) => {
                count(depth, items, values.len())?;
                out.array(values.len());
                for value in values {
                    value.write(out, depth + 1, items)?;
                }
            }
            Value::Map(entries) => {
                count(depth, items, entries.len())?;
                let mut order: Vec<&(String, Value)> = entries.iter().collect();
                order.sort_unstable_by(|a, b| key_order(&a.0, &b.0));
                if order.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    return Err(Error::about(Code::ValueUnsupported, "a map with a key given twice"));
                }
                out.map(order.len());
                for (key, value) in order {
                    value.write(out.text(key), depth + 1, items)?;
                }
            }
        }
        if out.len() > limits::MAX_VALUE { Err(Code::TooLarge.into()) } else { Ok(()) }
    }

    /// Reads one value and nothing else. Strict: `malformed`, `not-canonical`, `too-deep`, `too-many`, `too-large`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        if bytes.len() > limits::MAX_VALUE {
            return Err(Code::TooLarge.into());
        }
        let mut decoder = Decoder::new(bytes);
        let value = Value::read(&mut decoder)?;
        decoder.finish()?;
        Ok(value)
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        Value::read_at(decoder, 1, &mut 0)
    }

    fn read_at(decoder: &mut Decoder<'_>, depth: usize, items: &mut usize) -> Result<Self> {
        Ok(match decoder.peek()? {
            Type::Unsigned | Type::Negative => Value::Integer(decoder.integer()?),
            Type::Bytes => Value::Bytes(decoder.bytes()?.to_vec()),
            Type::Text => Value::Text(decoder.text()?.to_owned()),
            Type::Array => {
                let length = decoder.array()?;
                count(depth, items, length)?;
                let mut values = Vec::with_capacity(length);
                for _ in 0..length {
                    values.push(Value::read_at(decoder, depth + 1, items)?);
                }
                Value::List(values)
            }
            Type::Map => {
                let length = decoder.map()?;
                count(depth, items, length)?;
                let mut entries = Vec::with_capacity(length);
                let mut previous: &[u8] = &[];
                for _ in 0..length {
                    let key = decoder.text_key(&mut previous)?.to_owned();
                    entries.push((key, Value::read_at(decoder, depth + 1, items)?));
                }
                Value::Map(entries)
            }
            Type::Tag => {
                // The form of its head counts before its type.
                decoder.tag()?;
                return Err(Error::about(Code::Malformed, "a tag"));
            }
            Type::Bool => Value::Bool(decoder.bool()?),
            Type::Null => {
                decoder.null()?;
                Value::Null
            }
            Type::Float => Value::Float(decoder.float()?),
        })
    }
}

fn count(depth: usize, items: &mut usize, more: usize) -> Result<()> {
    if depth > limits::MAX_DEPTH {
        return Err(Code::TooDeep.into());
    }
    *items += more;
    if *items > limits::MAX_ITEMS { Err(Code::TooMany.into()) } else { Ok(()) }
}

/// The bytewise order of the encodings of two text keys: the shorter first, then by bytes.
pub(crate) fn key_order(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.as_bytes().cmp(b.as_bytes()))
}

/// The arguments of one call: frozen, encoded and digested once. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct Arguments(Arc<Frozen>);

#[derive(Debug)]
struct Frozen {
    entries: Vec<Argument>,
    encoding: Vec<u8>,
    digest: Digest,
}

/// One argument, with the encoding that sets compare by.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) encoding: std::ops::Range<usize>,
}

impl Arguments {
    /// Freezes the arguments of a call. `name-invalid` for a name that is none or is `*`; otherwise as [`Value::encode`].
    pub fn new(entries: Vec<(String, Value)>) -> Result<Self> {
        let mut entries = entries;
        entries.sort_unstable_by(|a, b| key_order(&a.0, &b.0));
        if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Error::about(Code::ValueUnsupported, "an argument given twice"));
        }
        let mut items = 0;
        count(1, &mut items, entries.len())?;
        let mut out = Encoder::with_capacity(64 + 32 * entries.len());
        out.map(entries.len());
        let mut frozen = Vec::with_capacity(entries.len());
        for (name, value) in entries {
            if !is_name(&name) || name == "*" {
                return Err(Error::named(Code::NameInvalid, "argument", &name));
            }
            let start = out.text(&name).len();
            value.write(&mut out, 2, &mut items)?;
            frozen.push(Argument { name, value, encoding: start..out.len() });
        }
        let encoding = out.into_bytes();
        let digest = crate::id::sha256(&encoding);
        Ok(Arguments(Arc::new(Frozen { entries: frozen, encoding, digest })))
    }

    /// Reads them from their deterministic encoding.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        match Value::decode(bytes)? {
            Value::Map(entries) => Arguments::new(entries),
            _ => Err(Error::about(Code::Malformed, "arguments that are not a map")),
        }
    }

    /// Their deterministic encoding.
    #[must_use]
    pub fn encoding(&self) -> &[u8] {
        &self.0.encoding
    }

    /// SHA-256 of the encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.0.digest
    }

    /// Names and values, in the order of the encoding.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.entries.iter().map(|argument| (argument.name.as_str(), &argument.value))
    }

    /// The value of one argument.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.find(name).map(|argument| &argument.value)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Argument> {
        let entries = &self.0.entries;
        entries.binary_search_by(|argument| key_order(&argument.name, name)).ok().map(|at| &entries[at])
    }

    pub(crate) fn entries(&self) -> &[Argument] {
        &self.0.entries
    }

    pub(crate) fn encoding_of(&self, argument: &Argument) -> &[u8] {
        &self.0.encoding[argument.encoding.clone()]
    }
}
