//! Maps on the tape, by the names of their members. JavaScript has checked what users gave; what does not fit here is a fault of this library.

use deputize::{Result, Value, VerifyingKey};

use crate::keys;
use crate::tape::{self, broken};

/// The members that were not taken yet.
pub(crate) struct Fields(Vec<(String, Value)>);

impl Fields {
    /// Of a tape that is one map.
    pub(crate) fn read(tape: &[u8]) -> Result<Self> {
        tape::read_map(tape).map(Fields)
    }

    /// Of a value that is a map.
    pub(crate) fn of(value: Value) -> Result<Self> {
        match value {
            Value::Map(members) => Ok(Fields(members)),
            _ => Err(broken()),
        }
    }

    /// A member that need not be there.
    pub(crate) fn optional<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T>) -> Result<Option<T>> {
        match self.0.iter().position(|(found, _)| found == name) {
            Some(at) => read(self.0.swap_remove(at).1).map(Some),
            None => Ok(None),
        }
    }

    /// A member that is there.
    pub(crate) fn required<T>(&mut self, name: &str, read: impl FnOnce(Value) -> Result<T>) -> Result<T> {
        self.optional(name, read)?.ok_or_else(broken)
    }

    /// A member that is true or left out.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool> {
        let read = |value| if let Value::Bool(flag) = value { Ok(flag) } else { Err(broken()) };
        Ok(self.optional(name, read)?.unwrap_or(false))
    }
}

pub(crate) fn text(value: Value) -> Result<String> {
    if let Value::Text(text) = value { Ok(text) } else { Err(broken()) }
}

pub(crate) fn bytes(value: Value) -> Result<Vec<u8>> {
    if let Value::Bytes(bytes) = value { Ok(bytes) } else { Err(broken()) }
}

pub(crate) fn number(value: Value) -> Result<u64> {
    if let Value::Integer(number) = value { u64::try_from(number).map_err(|_| broken()) } else { Err(broken()) }
}

pub(crate) fn key(value: Value) -> Result<VerifyingKey> {
    keys::public(&bytes(value)?)
}

/// A list, each element of which is read in the same way.
pub(crate) fn list<T>(read: impl FnMut(Value) -> Result<T>) -> impl FnOnce(Value) -> Result<Vec<T>> {
    |value| match value {
        Value::List(values) => values.into_iter().map(read).collect(),
        _ => Err(broken()),
    }
}

/// A list of exactly so many parts.
pub(crate) fn parts<const N: usize>(value: Value) -> Result<[Value; N]> {
    match value {
        Value::List(values) => values.try_into().map_err(|_| broken()),
        _ => Err(broken()),
    }
}

/// The members that are there, as a map.
pub(crate) fn map(members: Vec<(&str, Option<Value>)>) -> Value {
    Value::Map(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
}
