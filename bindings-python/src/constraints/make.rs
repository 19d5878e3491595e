//! Making constraints: the functions of `deputize.constraints`.

use deputize::{Code, Constraint as Core, Error, Number, Range, Timestamp, UrlRule, Value};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyString, PyTuple};

use super::entry::{Entries, elements, is_network};
use super::{Constraint, OptionalArgument, dict_of};
use crate::convert::{self, Reader, is_exactly, type_name};
use crate::errors::{Failure, Result, entry, failed_callback};

fn made(make: impl FnOnce() -> Result<Core>) -> PyResult<Constraint> {
    entry(|| make().map(Constraint))
}

fn values(objects: &Bound<'_, PyTuple>) -> Result<Vec<Value>> {
    Ok(Reader::default().values(objects)?)
}

fn number(object: &Bound<'_, PyAny>) -> Result<Number> {
    match convert::value(object)? {
        Value::Integer(value) => Ok(Number::Integer(value)),
        Value::Float(value) => Ok(Number::Float(value)),
        _ => Err(Error::named(Code::ConstraintInvalid, "a bound of type", &type_name(object)).into()),
    }
}

fn bound(object: Option<&Bound<'_, PyAny>>) -> Result<Option<Number>> {
    object.map(number).transpose()
}

/// A text; `value-unsupported` for one that is none in the sense of Unicode.
fn text(object: &Bound<'_, PyAny>, what: &'static str) -> Result<String> {
    match object.cast_exact::<PyString>() {
        Ok(_) => Ok(convert::text(object, Code::ValueUnsupported, "a text with a lone surrogate")?),
        Err(_) => Err(Error::about(Code::ConstraintInvalid, what).into()),
    }
}

/// An integer; `value-unsupported` beyond 64 bits.
fn integer(object: &Bound<'_, PyAny>, what: &'static str) -> Result<i64> {
    match object.cast_exact::<PyInt>().map(|_| convert::value(object)) {
        Ok(Ok(Value::Integer(value))) => Ok(value),
        Ok(Err(error)) => Err(error.into()),
        _ => Err(Error::about(Code::ConstraintInvalid, what).into()),
    }
}

fn texts(objects: &Bound<'_, PyTuple>, what: &'static str) -> Result<Vec<String>> {
    objects.iter_borrowed().map(|object| text(&object, what)).collect()
}

/// Every value.
#[pyfunction]
pub fn anything() -> Constraint {
    Constraint(Core::any())
}

/// This value, of this type.
#[pyfunction]
pub fn exact(value: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::exact(convert::value(value)?)?))
}

/// This number and above.
#[pyfunction]
pub fn at_least(minimum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::range(Range::at_least(number(minimum)?))?))
}

/// This number and below.
#[pyfunction]
pub fn at_most(maximum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::range(Range::at_most(number(maximum)?))?))
}

/// Numbers between two bounds, both included.
#[pyfunction]
pub fn between(minimum: &Bound<'_, PyAny>, maximum: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::range(Range::between(number(minimum)?, number(maximum)?))?))
}

/// Numbers between two bounds, each of which may be missing or excluded.
#[pyfunction]
#[pyo3(signature = (min=None, max=None, min_open=None, max_open=None))]
pub fn in_range(
    min: Option<&Bound<'_, PyAny>>,
    max: Option<&Bound<'_, PyAny>>,
    min_open: Option<&Bound<'_, PyAny>>,
    max_open: Option<&Bound<'_, PyAny>>,
) -> PyResult<Constraint> {
    const WHAT: &str = "min_open, max_open: a bool";
    made(|| {
        let (min_open, max_open) = (flag(min_open, WHAT)?, flag(max_open, WHAT)?);
        Ok(Core::range(Range { min: bound(min)?, max: bound(max)?, min_open, max_open })?)
    })
}

/// False unless given.
fn flag(given: Option<&Bound<'_, PyAny>>, what: &'static str) -> deputize::Result<bool> {
    given.map_or(Ok(false), |flag| convert::boolean(flag, Code::ConstraintInvalid, what))
}

/// One of these values.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn one_of(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::one_of(self::values(values)?)?))
}

/// Every value but these.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn not_one_of(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::not_one_of(self::values(values)?)?))
}

/// Lists in which each of these occurs.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn contains(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::contains(self::values(values)?)?))
}

/// Lists whose elements are all among these.
#[pyfunction]
#[pyo3(signature = (*values))]
pub fn subset(values: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::subset(self::values(values)?)?))
}

/// Lists each of whose elements this entry accepts.
#[pyfunction]
pub fn each(entry: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::each(Entries::default().entry(entry)?)?))
}

/// Texts of so many characters, lists of so many elements.
#[pyfunction]
#[pyo3(signature = (min, max=None))]
pub fn length(min: &Bound<'_, PyAny>, max: Option<&Bound<'_, PyAny>>) -> PyResult<Constraint> {
    made(|| {
        const WHAT: &str = "a length: an int, 0 or more";
        let invalid = |_| Error::about(Code::ConstraintInvalid, WHAT);
        let count = |object| Ok::<_, Failure>(u64::try_from(integer(object, WHAT)?).map_err(invalid)?);
        Ok(Core::length(count(min)?, max.map(count).transpose()?)?)
    })
}

/// Maps of these names, with entries as for the arguments of a tool.
#[pyfunction]
pub fn fields(mapping: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| {
        let mapping = dict_of(mapping, Code::ConstraintInvalid, "fields: a dict of entries")?;
        Ok(Core::fields(Entries::default().rules(&mapping)?)?)
    })
}

/// Absolute paths equal to or below a root.
#[pyfunction]
pub fn path(root: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::path(&text(root, "path: a text")?)?))
}

/// Texts that match: `*` within a segment, `**` across segments, `?` one character.
#[pyfunction]
pub fn glob(pattern: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::glob(&text(pattern, "glob: a text")?)?))
}

/// Texts that do not match, but are as plain as those that a glob matches.
#[pyfunction]
pub fn not_glob(pattern: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::not_glob(&text(pattern, "not_glob: a text")?)?))
}

/// Texts that match an I-Regexp (RFC 9485) as a whole.
#[pyfunction]
pub fn regex(pattern: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::regex(&text(pattern, "regex: a text")?)?))
}

/// What was given for a parameter for which `None` means something.
pub enum Given<'py> {
    Default,
    Object(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Given<'py> {
    type Error = std::convert::Infallible;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> std::result::Result<Self, Self::Error> {
        Ok(Given::Object(object.to_owned()))
    }
}

/// Canonical URLs at these hosts: `https` unless schemes are given, at the default ports of the schemes unless ports are given (`None` is any).
#[pyfunction]
#[pyo3(signature = (*hosts, schemes=Given::Default, ports=Given::Default, path=None, public=None))]
pub fn url(
    hosts: &Bound<'_, PyTuple>,
    schemes: Given<'_>,
    ports: Given<'_>,
    path: Option<&Bound<'_, PyAny>>,
    public: Option<&Bound<'_, PyAny>>,
) -> PyResult<Constraint> {
    made(|| {
        let mut rule = UrlRule::hosts(texts(hosts, "hosts: texts, one by one")?);
        if let Given::Object(schemes) = schemes {
            const WHAT: &str = "schemes: a list of texts";
            let schemes = elements(&schemes)?.ok_or(Error::about(Code::ConstraintInvalid, WHAT))?;
            rule.schemes = texts(&schemes, WHAT)?;
        }
        rule.ports = match ports {
            Given::Default => Some(UrlRule::default_ports(&rule.schemes)),
            Given::Object(ports) if ports.is_none() => None,
            Given::Object(ports) => Some(ports_of(&ports)?),
        };
        rule.path = path.map(|path| text(path, "path: a text")).transpose()?;
        rule.public = flag(public, "public: a bool")?;
        Ok(Core::url(rule)?)
    })
}

fn ports_of(object: &Bound<'_, PyAny>) -> Result<Vec<u16>> {
    const WHAT: &str = "ports: a list of numbers from 1 to 65535, or None for any";
    let invalid = || Error::about(Code::ConstraintInvalid, WHAT);
    let ports = elements(object)?.ok_or_else(invalid)?;
    ports.iter_borrowed().map(|port| Ok(u16::try_from(integer(&port, WHAT)?).map_err(|_| invalid())?)).collect()
}

/// Addresses in a network, such as `10.0.0.0/8`.
#[pyfunction]
pub fn cidr(network: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    const WHAT: &str = "cidr: a text such as 10.0.0.0/8, or a network of ipaddress";
    made(|| {
        if is_network(network)? {
            return Entries::default().entry(network);
        }
        Ok(Core::cidr(&text(network, WHAT)?)?)
    })
}

/// E-mail addresses at these hosts: a domain, `*.` and a domain, or `*`.
#[pyfunction]
#[pyo3(signature = (*hosts))]
pub fn email(hosts: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::email(texts(hosts, "hosts: texts, one by one")?.iter().map(String::as_str))?))
}

/// Timestamps between two instants, both included; `None` is no bound.
#[pyfunction]
pub fn time_window(from_: &Bound<'_, PyAny>, until: &Bound<'_, PyAny>) -> PyResult<Constraint> {
    made(|| Ok(Core::time_window(instant(from_)?, instant(until)?)?))
}

/// An instant: seconds since 1970, a timestamp of RFC 3339, or a `datetime` with a zone; on a whole second.
fn instant(object: &Bound<'_, PyAny>) -> Result<Option<Timestamp>> {
    const WHAT: &str = "a bound of time_window: seconds since 1970, an RFC 3339 text, a datetime with a zone, or None";
    let invalid = || Error::about(Code::ConstraintInvalid, WHAT);
    if object.is_none() {
        return Ok(None);
    }
    if object.cast_exact::<PyInt>().is_ok() {
        let seconds = u64::try_from(integer(object, WHAT)?).map_err(|_| invalid())?;
        return Ok(Some(Timestamp::from_secs(seconds).map_err(|_| invalid())?));
    }
    if !is_exactly(object, "datetime", "datetime")? {
        return timestamp(object, WHAT).map(Some);
    }
    // Its zone is code of the program, which may raise.
    match object.call_method0("isoformat") {
        Ok(written) => timestamp(&written, WHAT).map(Some),
        Err(error) => {
            failed_callback(object.py(), error)?;
            Err(Error::about(Code::ConstraintInvalid, "a datetime whose zone raised an exception").into())
        }
    }
}

fn timestamp(object: &Bound<'_, PyAny>, what: &'static str) -> Result<Timestamp> {
    const NONE: &str = "no timestamp with a zone, on a whole second, from 1970 to 9999:";
    let text = text(object, what)?;
    Ok(Timestamp::from_rfc3339(&text).map_err(|_| Error::named(Code::ConstraintInvalid, NONE, &text))?)
}

/// What all of these accept.
#[pyfunction]
#[pyo3(signature = (*constraints))]
pub fn all_of(constraints: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::all(Entries::default().parts(constraints)?)?))
}

/// What at least one of these accepts.
#[pyfunction]
#[pyo3(signature = (*constraints))]
pub fn any_of(constraints: &Bound<'_, PyTuple>) -> PyResult<Constraint> {
    made(|| Ok(Core::any_of(Entries::default().parts(constraints)?)?))
}

/// The argument may be left out.
#[pyfunction]
pub fn optional(entry: &Bound<'_, PyAny>) -> PyResult<OptionalArgument> {
    crate::errors::entry(|| Ok(OptionalArgument(Entries::default().entry(entry)?)))
}
