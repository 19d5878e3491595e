//! Values across the boundary, strictly: exact types only, so that nothing is signed that Python and the other side read differently.

use std::borrow::Cow;

use deputize::{Arguments, Code, Error, Result, Value, VerifyingKey, limits};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMemoryView, PyString, PyTuple};

use crate::constraints::{Constraint, OptionalArgument};

/// Reads one value, bounded in depth, items and bytes before anything is copied.
pub struct Reader {
    items: usize,
    bytes: usize,
    most: usize,
}

impl Default for Reader {
    fn default() -> Self {
        Reader { items: 0, bytes: 0, most: limits::MAX_VALUE }
    }
}

impl Reader {
    /// One of several values.
    pub fn value(&mut self, object: &Bound<'_, PyAny>) -> Result<Value> {
        self.value_at(object, 1)
    }

    /// Several values.
    pub fn values(&mut self, objects: &Bound<'_, PyTuple>) -> Result<Vec<Value>> {
        self.count(objects.len())?;
        objects.iter_borrowed().map(|object| self.value(&object)).collect()
    }

    fn value_at(&mut self, object: &Bound<'_, PyAny>, depth: usize) -> Result<Value> {
        if object.is_none() {
            return Ok(Value::Null);
        }
        if let Ok(value) = object.cast_exact::<PyBool>() {
            return Ok(Value::Bool(value.is_true()));
        }
        if let Ok(value) = object.cast_exact::<PyInt>() {
            let value = value.extract().map_err(|_| Error::about(Code::ValueUnsupported, "an int beyond 64 bits"));
            return value.map(Value::Integer);
        }
        if let Ok(value) = object.cast_exact::<PyFloat>() {
            return Ok(Value::Float(value.value()));
        }
        if let Ok(value) = object.cast_exact::<PyString>() {
            return self.text(value).map(Value::Text);
        }
        if let Some(bytes) = self.bytes(object)? {
            return Ok(Value::Bytes(bytes));
        }
        if let Ok(list) = object.cast_exact::<PyList>() {
            self.enter(depth, list.len())?;
            return self.list(&list.to_tuple(), depth);
        }
        if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            self.enter(depth, tuple.len())?;
            return self.list(tuple, depth);
        }
        if let Ok(dict) = object.cast_exact::<PyDict>() {
            return self.map(dict, depth).map(Value::Map);
        }
        Err(unsupported(object))
    }

    fn list(&mut self, values: &Bound<'_, PyTuple>, depth: usize) -> Result<Value> {
        self.count(values.len())?;
        let values = values.iter_borrowed().map(|value| self.value_at(&value, depth + 1));
        values.collect::<Result<_>>().map(Value::List)
    }

    /// The entries of a dict, of a copy that nobody else can change meanwhile.
    fn map(&mut self, dict: &Bound<'_, PyDict>, depth: usize) -> Result<Vec<(String, Value)>> {
        self.enter(depth, dict.len())?;
        let dict = dict.copy().map_err(|_| Error::new(Code::ValueUnsupported))?;
        self.count(dict.len())?;
        let mut entries = Vec::with_capacity(dict.len());
        for (key, value) in dict.iter() {
            let Ok(key) = key.cast_exact::<PyString>() else {
                return Err(Error::named(Code::ValueUnsupported, "a key of type", &type_name(&key)));
            };
            entries.push((self.text(key)?, self.value_at(&value, depth + 1)?));
        }
        Ok(entries)
    }

    fn text(&mut self, text: &Bound<'_, PyString>) -> Result<String> {
        let text = text.to_str().map_err(|_| Error::about(Code::ValueUnsupported, "a text with a lone surrogate"))?;
        self.room(text.len())?;
        Ok(text.to_owned())
    }

    fn bytes(&mut self, object: &Bound<'_, PyAny>) -> Result<Option<Vec<u8>>> {
        if let Ok(bytes) = object.cast_exact::<PyBytes>() {
            self.room(bytes.as_bytes().len())?;
            return Ok(Some(bytes.as_bytes().to_vec()));
        }
        if let Ok(bytes) = object.cast_exact::<PyByteArray>() {
            self.room(bytes.len())?;
            return Ok(Some(bytes.to_vec()));
        }
        if let Ok(view) = object.cast_exact::<PyMemoryView>() {
            let size = view.getattr("nbytes").and_then(|size| size.extract()).map_err(|_| unsupported(object))?;
            self.room(size)?;
            let format: String = view.getattr("format").and_then(|format| format.extract()).map_err(|_| unsupported(object))?;
            if !matches!(&*format, "B" | "b" | "c") {
                return Err(Error::about(Code::ValueUnsupported, "a memoryview of something other than bytes"));
            }
            let bytes = view.call_method0("tobytes").map_err(|_| unsupported(object))?;
            return bytes.extract().map(Some).map_err(|_| unsupported(object));
        }
        Ok(None)
    }

    /// Refuses a container before it is copied.
    fn enter(&self, depth: usize, length: usize) -> Result<()> {
        if depth > limits::MAX_DEPTH {
            return Err(Code::TooDeep.into());
        }
        if self.items + length > limits::MAX_ITEMS { Err(Code::TooMany.into()) } else { Ok(()) }
    }

    /// Counts elements and entries.
    pub fn count(&mut self, length: usize) -> Result<()> {
        self.items += length;
        if self.items > limits::MAX_ITEMS { Err(Code::TooMany.into()) } else { Ok(()) }
    }

    /// Counts bytes.
    pub fn room(&mut self, size: usize) -> Result<()> {
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.most { Err(Code::TooLarge.into()) } else { Ok(()) }
    }
}

/// A value from Python.
pub fn value(object: &Bound<'_, PyAny>) -> Result<Value> {
    Reader::default().value(object)
}

/// The arguments of a call: a dict.
pub fn arguments(object: &Bound<'_, PyAny>) -> Result<Arguments> {
    let Ok(dict) = object.cast_exact::<PyDict>() else {
        return Err(Error::named(Code::ValueUnsupported, "arguments that are no dict but", &type_name(object)));
    };
    Arguments::new(Reader::default().map(dict, 1)?)
}

/// Bytes: `bytes`, `bytearray`, `memoryview`.
pub fn bytes(object: &Bound<'_, PyAny>) -> Result<Option<Vec<u8>>> {
    Reader::default().bytes(object)
}

/// The same, where more or less than a value may have is allowed: so many of them. `too-large`.
pub fn bytes_up_to(object: &Bound<'_, PyAny>, most: usize) -> Result<Option<Vec<u8>>> {
    Reader { most, ..Reader::default() }.bytes(object)
}

/// Bytes of any number, which are lent where nobody can change them.
pub fn lent_bytes<'a>(object: &'a Bound<'_, PyAny>) -> Result<Option<Cow<'a, [u8]>>> {
    match object.cast_exact::<PyBytes>() {
        Ok(bytes) => Ok(Some(Cow::Borrowed(bytes.as_bytes()))),
        Err(_) => Ok(bytes_up_to(object, usize::MAX)?.map(Cow::Owned)),
    }
}

/// A text, or the given code.
pub fn text(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> Result<String> {
    let text = object.cast_exact::<PyString>().map_err(|_| Error::about(code, what))?;
    text.to_str().map(ToOwned::to_owned).map_err(|_| Error::about(code, what))
}

/// An integer that is no `bool` and no subclass, or the given code.
pub fn unsigned(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> Result<u64> {
    let number = object.cast_exact::<PyInt>().map_err(|_| Error::about(code, what))?;
    number.extract().map_err(|_| Error::about(code, what))
}

/// `True` or `False` and nothing else, or the given code.
pub fn boolean(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> Result<bool> {
    object.cast_exact::<PyBool>().map(|value| value.is_true()).map_err(|_| Error::about(code, what))
}

/// Seconds: an integer, or a text such as `90s`, `10m`, `1h`, `7d`.
pub fn duration(object: &Bound<'_, PyAny>) -> Result<u64> {
    const WHAT: &str = "ttl: seconds, or a text such as 90s, 10m, 1h, 7d";
    let invalid = || Error::about(Code::ClaimInvalid, WHAT);
    if object.cast_exact::<PyInt>().is_ok() {
        return unsigned(object, Code::ClaimInvalid, WHAT);
    }
    let text = text(object, Code::ClaimInvalid, WHAT)?;
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3600,
        Some(b'd') => 86_400,
        _ => return Err(invalid()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    digits.parse::<u64>().ok().and_then(|count| count.checked_mul(unit)).ok_or_else(invalid)
}

/// A list or tuple, as a tuple that nobody can change.
pub fn sequence<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyTuple>> {
    match object.cast_exact::<PyList>() {
        Ok(list) => Some(list.to_tuple()),
        Err(_) => object.cast_exact::<PyTuple>().ok().cloned(),
    }
}

/// The public key of a `VerifyingKey`, or of an object with one as `key` (an `Agent`).
pub fn verifying_key(object: &Bound<'_, PyAny>, code: Code, what: &'static str) -> Result<VerifyingKey> {
    if let Ok(key) = object.cast::<crate::keys::VerifyingKey>() {
        return Ok(key.get().0.clone());
    }
    let key = object.getattr("key").map_err(|_| Error::about(code, what))?;
    let key = key.cast::<crate::keys::VerifyingKey>().map_err(|_| Error::about(code, what))?;
    Ok(key.get().0.clone())
}

/// A value as plain Python objects, new each time.
pub fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Integer(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => PyFloat::new(py, *value).into_any(),
        Value::Text(text) => PyString::new(py, text).into_any(),
        Value::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Value::List(values) => {
            let values = values.iter().map(|value| to_python(py, value)).collect::<PyResult<Vec<_>>>()?;
            PyList::new(py, values)?.into_any()
        }
        Value::Map(entries) => map_to_python(py, entries.iter().map(|(key, value)| (key.as_str(), value)))?.into_any(),
    })
}

/// Entries as a dict.
pub fn map_to_python<'py, 'a>(py: Python<'py>, entries: impl Iterator<Item = (&'a str, &'a Value)>) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in entries {
        dict.set_item(key, to_python(py, value)?)?;
    }
    Ok(dict)
}

/// Whether an object is of a class in a module of the standard library, and of no subclass.
pub fn is_exactly(object: &Bound<'_, PyAny>, module: &str, class: &str) -> PyResult<bool> {
    Ok(object.get_type().is(&object.py().import(module)?.getattr(class)?))
}

fn unsupported(object: &Bound<'_, PyAny>) -> Error {
    if object.cast::<Constraint>().is_ok() || object.cast::<OptionalArgument>().is_ok() {
        return Error::about(Code::ValueUnsupported, "a constraint where a value is expected; any_of(...) takes constraints");
    }
    Error::named(Code::ValueUnsupported, "type", &type_name(object))
}

/// The name of an object's type, as far as Python can tell it.
pub fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map(|name| name.to_string()).unwrap_or_default()
}
