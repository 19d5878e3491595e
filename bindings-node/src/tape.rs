//! Values in one run of bytes: a letter for the type, then the content. Lengths are u32, numbers 64 bits, all little-endian. The twin is
//! `lib/tape.cjs`. This is no encoding that anybody signs or stores; that one is core's.

use deputize::{Code, Error, Result, Value};

/// Deeper than any value or option goes.
const MAX_DEPTH: usize = 64;

/// Reads one value and nothing else.
pub(crate) fn read(tape: &[u8]) -> Result<Value> {
    let mut reader = Reader::new(tape);
    let value = reader.value(0)?;
    reader.end()?;
    Ok(value)
}

/// Reads a map and nothing else.
pub(crate) fn read_map(tape: &[u8]) -> Result<Vec<(String, Value)>> {
    let mut reader = Reader::new(tape);
    let map = reader.map()?;
    reader.end()?;
    Ok(map)
}

/// Writes one value.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    write_to(&mut out, value);
    out
}

/// What the two sides do not agree about is a fault of this library.
pub(crate) fn broken() -> Error {
    Error::about(Code::Internal, "tape")
}

/// Nothing, a text or bytes, where they lie on the tape.
pub(crate) enum Run<'a> {
    None,
    Text(&'a str),
    Bytes(&'a [u8]),
}

/// Reads one value after the other.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(tape: &'a [u8]) -> Self {
        Reader { rest: tape }
    }

    /// Refuses what is left.
    pub(crate) fn end(&self) -> Result<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(broken()) }
    }

    /// The next value, which is a map.
    pub(crate) fn map(&mut self) -> Result<Vec<(String, Value)>> {
        match self.value(0)? {
            Value::Map(entries) => Ok(entries),
            _ => Err(Error::about(Code::ValueUnsupported, "arguments that are not a map")),
        }
    }

    /// The next value, which is nothing, a text or bytes.
    pub(crate) fn run(&mut self) -> Result<Run<'a>> {
        let [kind] = self.fixed()?;
        Ok(match kind {
            b'N' => Run::None,
            b'S' => Run::Text(self.text()?),
            b'B' => Run::Bytes(self.bytes()?),
            _ => return Err(broken()),
        })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| broken())
    }

    fn length(&mut self) -> Result<usize> {
        Ok(u32::from_le_bytes(self.fixed()?) as usize)
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Error::about(Code::ValueUnsupported, "text that is not well-formed"))
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(Code::TooDeep.into());
        }
        let [kind] = self.fixed()?;
        Ok(match kind {
            b'N' => Value::Null,
            b'T' => Value::Bool(true),
            b'F' => Value::Bool(false),
            b'I' => Value::Integer(i64::from_le_bytes(self.fixed()?)),
            b'D' => Value::Float(f64::from_le_bytes(self.fixed()?)),
            b'S' => Value::Text(self.text()?.to_owned()),
            b'B' => Value::Bytes(self.bytes()?.to_vec()),
            b'L' => {
                let length = self.length()?;
                Value::List((0..length).map(|_| self.value(depth + 1)).collect::<Result<_>>()?)
            }
            b'M' => {
                let length = self.length()?;
                Value::Map((0..length).map(|_| Ok((self.text()?.to_owned(), self.value(depth + 1)?))).collect::<Result<_>>()?)
            }
            _ => return Err(broken()),
        })
    }
}

fn write_to(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.push(b'N'),
        Value::Bool(value) => out.push(if *value { b'T' } else { b'F' }),
        Value::Integer(value) => {
            out.push(b'I');
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Float(value) => {
            out.push(b'D');
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Text(text) => {
            out.push(b'S');
            write_run(out, text.as_bytes());
        }
        Value::Bytes(bytes) => {
            out.push(b'B');
            write_run(out, bytes);
        }
        Value::List(values) => {
            out.push(b'L');
            write_length(out, values.len());
            values.iter().for_each(|value| write_to(out, value));
        }
        Value::Map(entries) => {
            out.push(b'M');
            write_length(out, entries.len());
            for (key, value) in entries {
                write_run(out, key.as_bytes());
                write_to(out, value);
            }
        }
    }
}

fn write_run(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// Every run and container here is bounded far below 4 GiB by the limits of core.
fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_le_bytes());
}
