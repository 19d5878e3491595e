//! Entries: constraints, and the natural values that stand for them; tools, which are made of entries.

use deputize::{ArgumentRules, Code, Constraint as Core, Error, Tools, limits};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyIterator, PyList, PyMemoryView, PyRange, PySet, PyString, PyTuple,
};

use super::{Constraint, OptionalArgument, constraint_of};
use crate::convert::{self, Reader, is_exactly, type_name};
use crate::errors::Result;

/// The most numbers of a range that stand for themselves one by one.
const MAX_RANGE: usize = 1000;

/// Reads entries that together stay within the bounds of one value, so that a small program cannot stand for a huge constraint.
#[derive(Default)]
pub struct Entries(Reader);

impl Entries {
    /// A constraint, or the natural value that stands for one.
    pub fn entry(&mut self, object: &Bound<'_, PyAny>) -> Result<Core> {
        self.entry_at(object, 1)
    }

    /// Constraints, and no plain values in their place.
    pub fn parts(&mut self, objects: &Bound<'_, PyTuple>) -> Result<Vec<Core>> {
        self.0.count(objects.len())?;
        objects.iter_borrowed().map(|object| self.part(constraint_of(&object)?)).collect()
    }

    /// `{name: entry}`, as for the arguments of a tool.
    pub fn rules(&mut self, entries: &Bound<'_, PyDict>) -> Result<ArgumentRules> {
        self.rules_at(entries, 1)
    }

    fn part(&mut self, constraint: &Core) -> Result<Core> {
        self.0.room(constraint.encode().len())?;
        Ok(constraint.clone())
    }

    fn entry_at(&mut self, object: &Bound<'_, PyAny>, depth: usize) -> Result<Core> {
        if let Ok(constraint) = object.cast::<Constraint>() {
            return self.part(&constraint.get().0);
        }
        if object.cast::<OptionalArgument>().is_ok() {
            return Err(
                Error::about(Code::ValueUnsupported, "optional(...) is for an argument or a field, and stands in no constraint").into()
            );
        }
        if let Ok(fields) = object.cast_exact::<PyDict>() {
            return Ok(Core::fields(self.rules_at(&copy(fields)?, depth)?)?);
        }
        if let Some(values) = elements(object)? {
            return Ok(Core::one_of(self.0.values(&values)?)?);
        }
        if is_plain(object) {
            return Ok(Core::exact(self.0.value(object)?)?);
        }
        if is_network(object)? {
            return Ok(Core::cidr(&convert::text(object.str()?.as_any(), Code::ConstraintInvalid, "a network")?)?);
        }
        Err(no_entry(object).into())
    }

    fn rules_at(&mut self, entries: &Bound<'_, PyDict>, depth: usize) -> Result<ArgumentRules> {
        if depth > limits::MAX_CONSTRAINT_DEPTH {
            return Err(Code::TooDeep.into());
        }
        self.0.count(entries.len())?;
        let mut rules = ArgumentRules::new();
        for (name, entry) in entries.iter() {
            let name = convert::text(&name, Code::NameInvalid, "the name of an argument or field: a text")?;
            self.0.room(name.len())?;
            rules = match entry.cast::<OptionalArgument>() {
                Ok(optional) => rules.optional(&name, self.part(&optional.get().0)?),
                Err(_) if name == "*" => rules.others(self.entry_at(&entry, depth + 1)?),
                Err(_) => rules.required(&name, self.entry_at(&entry, depth + 1)?),
            };
        }
        Ok(rules)
    }
}

/// The elements of a collection that stands for a choice, as a tuple that nobody can change; none for anything else.
pub fn elements<'py>(object: &Bound<'py, PyAny>) -> Result<Option<Bound<'py, PyTuple>>> {
    let is_range = object.cast_exact::<PyRange>().is_ok();
    let is_set = object.cast_exact::<PySet>().is_ok() || object.cast_exact::<PyFrozenSet>().is_ok();
    if !is_range && !is_set {
        return Ok(convert::sequence(object));
    }
    // A length that is no length of anything is that of a range.
    let length = object.len().unwrap_or(usize::MAX);
    if is_range && length > MAX_RANGE {
        return Err(Error::about(Code::ConstraintInvalid, "a range of more than 1,000 numbers; write between(first, last)").into());
    }
    if length > limits::MAX_ITEMS {
        return Err(Code::TooMany.into());
    }
    let tuple = object.py().get_type::<PyTuple>().call1((object,));
    let tuple = tuple.map_err(|_| Error::about(Code::ValueUnsupported, "a set that changes while it is read"))?;
    Ok(Some(tuple.cast_into::<PyTuple>().map_err(PyErr::from)?))
}

/// Whether an object is of a type that stands for one value.
fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    object.is_none()
        || object.cast_exact::<PyString>().is_ok()
        || object.cast_exact::<PyInt>().is_ok()
        || object.cast_exact::<PyBool>().is_ok()
        || object.cast_exact::<PyFloat>().is_ok()
        || object.cast_exact::<PyBytes>().is_ok()
        || object.cast_exact::<PyByteArray>().is_ok()
        || object.cast_exact::<PyMemoryView>().is_ok()
}

/// Whether an object is a network of the standard library.
pub fn is_network(object: &Bound<'_, PyAny>) -> Result<bool> {
    Ok(is_exactly(object, "ipaddress", "IPv4Network")? || is_exactly(object, "ipaddress", "IPv6Network")?)
}

/// Why an object is no entry, and what to write instead.
fn no_entry(object: &Bound<'_, PyAny>) -> Error {
    let what = if object.cast::<PyIterator>().is_ok() {
        "write one_of(*values) instead of an iterator of type"
    } else if object.cast::<PyDict>().is_ok() || object.cast::<PyList>().is_ok() || object.cast::<PyTuple>().is_ok() {
        "write a plain dict or list instead of type"
    } else if object.is_callable() {
        "write the constraint that it makes, with its arguments, instead of type"
    } else {
        "write a constraint or a plain value instead of type"
    };
    Error::named(Code::ValueUnsupported, what, &type_name(object))
}

/// Tools: `{tool: {argument: entry}}`.
pub fn tools_of(object: &Bound<'_, PyAny>) -> Result<Tools> {
    let mut entries = Entries::default();
    let mut tools = Tools::new();
    for (name, arguments) in dict_of(object, Code::ClaimInvalid, "tools: a dict of dicts")?.iter() {
        let name = convert::text(&name, Code::NameInvalid, "the name of a tool")?;
        let arguments = dict_of(&arguments, Code::ClaimInvalid, "the arguments of a tool: a dict")?;
        tools = tools.allow(&name, entries.rules(&arguments)?)?;
    }
    Ok(tools)
}

/// The same form, with constraints as objects.
pub fn tools_to_python<'py>(py: Python<'py>, tools: &Tools) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, rules) in tools.iter() {
        let arguments = PyDict::new(py);
        for (argument, constraint, optional) in rules.iter() {
            let constraint = constraint.clone();
            if optional {
                arguments.set_item(argument, OptionalArgument(constraint))?;
            } else {
                arguments.set_item(argument, Constraint(constraint))?;
            }
        }
        dict.set_item(name, arguments)?;
    }
    Ok(dict)
}

/// A copy of a dict, so that nobody changes it meanwhile.
pub fn dict_of<'py>(object: &Bound<'py, PyAny>, code: Code, what: &'static str) -> Result<Bound<'py, PyDict>> {
    copy(object.cast_exact::<PyDict>().map_err(|_| Error::about(code, what))?)
}

fn copy<'py>(dict: &Bound<'py, PyDict>) -> Result<Bound<'py, PyDict>> {
    if dict.len() > limits::MAX_ITEMS { Err(Code::TooMany.into()) } else { Ok(dict.copy()?) }
}
