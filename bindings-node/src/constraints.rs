//! Constraints and tools. JavaScript holds a constraint as its encoding.

use deputize::{ArgumentRules, Code, Constraint, Error, Number, Range, Timestamp, Tools, UrlRule, Value};
use napi::bindgen_prelude::{Buffer, BufferSlice};
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::tape;

/// Makes a constraint from its form on the tape.
#[napi(catch_unwind)]
pub fn constraint_make(form: BufferSlice) -> Result<Buffer> {
    tape::read(&form).and_then(constraint).map(|constraint| constraint.encode().into()).map_err(thrown)
}

/// A constraint from its form on the tape: its encoding, or `[name, operands]`.
pub(crate) fn constraint(form: Value) -> deputize::Result<Constraint> {
    match form {
        Value::Bytes(encoding) => Constraint::decode(&encoding),
        Value::List(parts) => match <[Value; 2]>::try_from(parts) {
            Ok([Value::Text(name), Value::List(operands)]) => make(&name, operands),
            _ => Err(tape::broken()),
        },
        _ => Err(tape::broken()),
    }
}

fn make(name: &str, mut operands: Vec<Value>) -> deputize::Result<Constraint> {
    match (name, operands.as_mut_slice()) {
        ("any", []) => Ok(Constraint::any()),
        ("exact", [value]) => Constraint::exact(take(value)),
        ("range", [min, max]) => Constraint::range(Range { min: bound(min)?, max: bound(max)?, min_open: false, max_open: false }),
        ("in_range", [options]) => Constraint::range(range(options)?),
        ("one_of", _) => Constraint::one_of(operands),
        ("not_one_of", _) => Constraint::not_one_of(operands),
        ("contains", _) => Constraint::contains(operands),
        ("subset", _) => Constraint::subset(operands),
        ("all_of", _) => Constraint::all(parts(operands)?),
        ("any_of", _) => Constraint::any_of(parts(operands)?),
        ("path", [Value::Text(root)]) => Constraint::path(root),
        ("glob", [Value::Text(pattern)]) => Constraint::glob(pattern),
        ("not_glob", [Value::Text(pattern)]) => Constraint::not_glob(pattern),
        ("regex", [Value::Text(pattern)]) => Constraint::regex(pattern),
        ("url", [hosts, options]) => Constraint::url(url(take(hosts), options)?),
        ("cidr", [Value::Text(network)]) => Constraint::cidr(network),
        ("email", _) => Constraint::email(texts(operands)?.iter().map(String::as_str)),
        ("each", [element]) => Constraint::each(constraint(take(element))?),
        ("length", [least, most]) => Constraint::length(count(least)?.ok_or_else(not_a_count)?, count(most)?),
        ("fields", [rules]) => Constraint::fields(self::rules(take(rules))?),
        ("time_window", [from, until]) => Constraint::time_window(time(from)?, time(until)?),
        _ => Err(Error::named(Code::ConstraintInvalid, "operands of another type for", name)),
    }
}

fn take(value: &mut Value) -> Value {
    std::mem::replace(value, Value::Null)
}

fn invalid(what: &'static str) -> Error {
    Error::about(Code::ConstraintInvalid, what)
}

fn bound(value: &Value) -> deputize::Result<Option<Number>> {
    match value {
        Value::Null => Ok(None),
        Value::Integer(value) => Ok(Some(Number::Integer(*value))),
        Value::Float(value) => Ok(Some(Number::Float(*value))),
        _ => Err(invalid("a bound that is not a number")),
    }
}

fn not_a_count() -> Error {
    invalid("a length is a count")
}

fn count(value: &Value) -> deputize::Result<Option<u64>> {
    match value {
        Value::Null => Ok(None),
        Value::Integer(count) => u64::try_from(*count).map(Some).map_err(|_| not_a_count()),
        _ => Err(not_a_count()),
    }
}

fn time(value: &Value) -> deputize::Result<Option<Timestamp>> {
    const WHAT: &str = "a bound of timeWindow is seconds since 1970, a timestamp of RFC 3339, a Date, or null";
    match value {
        Value::Null => Ok(None),
        Value::Integer(seconds) => {
            let seconds = u64::try_from(*seconds).map_err(|_| invalid(WHAT))?;
            Timestamp::from_secs(seconds).map(Some).map_err(|_| invalid(WHAT))
        }
        Value::Text(text) => {
            const NONE: &str = "no timestamp with a zone, on a whole second, from 1970 to 9999:";
            Timestamp::from_rfc3339(text).map(Some).map_err(|_| Error::named(Code::ConstraintInvalid, NONE, text))
        }
        _ => Err(invalid(WHAT)),
    }
}

fn flag(value: &Value) -> deputize::Result<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        _ => Err(invalid("true or false is expected")),
    }
}

fn texts(values: Vec<Value>) -> deputize::Result<Vec<String>> {
    let text = |value| match value {
        Value::Text(text) => Ok(text),
        _ => Err(invalid("a list of texts is expected")),
    };
    values.into_iter().map(text).collect()
}

/// The options of a constructor, each by its name.
fn options(options: &mut Value) -> deputize::Result<impl Iterator<Item = (&str, Value)>> {
    match options {
        Value::Map(entries) => Ok(entries.iter_mut().map(|(name, value)| (name.as_str(), take(value)))),
        _ => Err(invalid("options are a plain object")),
    }
}

fn no_option(of: &str, name: &str) -> Error {
    Error::named(Code::ConfigInvalid, &format!("{of} has no option"), name)
}

fn range(given: &mut Value) -> deputize::Result<Range> {
    let mut range = Range { min: None, max: None, min_open: false, max_open: false };
    for (name, value) in options(given)? {
        match name {
            "min" => range.min = bound(&value)?,
            "max" => range.max = bound(&value)?,
            "minOpen" => range.min_open = flag(&value)?,
            "maxOpen" => range.max_open = flag(&value)?,
            _ => return Err(no_option("inRange", name)),
        }
    }
    Ok(range)
}

fn url(hosts: Value, given: &mut Value) -> deputize::Result<UrlRule> {
    let mut rule = match hosts {
        Value::Text(host) => UrlRule::hosts([host]),
        Value::List(hosts) => UrlRule::hosts(texts(hosts)?),
        _ => return Err(invalid("hosts are a text or a list of texts")),
    };
    let mut ports = None;
    for (name, value) in options(given)? {
        match (name, value) {
            ("schemes", Value::List(schemes)) => rule.schemes = texts(schemes)?,
            ("schemes", _) => return Err(invalid("schemes are a list of texts")),
            ("ports", Value::Null) => ports = Some(None),
            ("ports", Value::List(given)) => ports = Some(Some(given.iter().map(port).collect::<deputize::Result<_>>()?)),
            ("ports", _) => return Err(invalid("ports are a list of numbers, or null for any")),
            ("path", Value::Null) => rule.path = None,
            ("path", Value::Text(path)) => rule.path = Some(path),
            ("path", _) => return Err(invalid("a path is a text, or null for any")),
            ("public", value) => rule.public = flag(&value)?,
            _ => return Err(no_option("url", name)),
        }
    }
    rule.ports = ports.unwrap_or_else(|| Some(UrlRule::default_ports(&rule.schemes)));
    Ok(rule)
}

fn port(value: &Value) -> deputize::Result<u16> {
    match value {
        Value::Integer(port) => u16::try_from(*port).map_err(|_| invalid("ports from 1 to 65535 are expected")),
        _ => Err(invalid("ports are a list of numbers, or null for any")),
    }
}

fn parts(forms: Vec<Value>) -> deputize::Result<Vec<Constraint>> {
    forms.into_iter().map(constraint).collect()
}

/// Refuses bytes that are no constraint.
#[napi(catch_unwind)]
pub fn constraint_check(encoding: BufferSlice) -> Result<()> {
    Constraint::decode(&encoding).map(drop).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn constraint_accepts(encoding: BufferSlice, value: BufferSlice) -> Result<bool> {
    let accepts = |constraint: Constraint| Ok(constraint.accepts(&tape::read(&value)?));
    Constraint::decode(&encoding).and_then(accepts).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn constraint_subsumes(parent: BufferSlice, child: BufferSlice) -> Result<bool> {
    let subsumes = |parent: Constraint| Ok(parent.subsumes(&Constraint::decode(&child)?));
    Constraint::decode(&parent).and_then(subsumes).map_err(thrown)
}

/// What a constraint says, as a sentence.
#[napi(catch_unwind)]
pub fn constraint_text(encoding: BufferSlice) -> Result<String> {
    Constraint::decode(&encoding).map(|constraint| constraint.to_string()).map_err(thrown)
}

/// A value that the child accepts and the parent does not, if there is one and it was found.
#[napi(catch_unwind)]
pub fn constraint_counterexample(parent: BufferSlice, child: BufferSlice) -> Result<Option<Buffer>> {
    let find = |parent: Constraint| Ok(parent.counterexample(&Constraint::decode(&child)?));
    let found = Constraint::decode(&parent).and_then(find).map_err(thrown)?;
    Ok(found.map(|value| tape::write(&value).into()))
}

#[napi(catch_unwind)]
pub fn constraint_narrow(granted: BufferSlice, wanted: BufferSlice) -> Result<Buffer> {
    let narrow = |granted: Constraint| granted.narrow(&Constraint::decode(&wanted)?);
    Constraint::decode(&granted).and_then(narrow).map(|constraint| constraint.encode().into()).map_err(thrown)
}

/// The context of what is made of data of these; nothing for data of no context.
#[napi(catch_unwind)]
pub fn join_contexts(contexts: Vec<Option<String>>) -> Result<Option<String>> {
    let joined = deputize::join_contexts(contexts.iter().map(Option::as_deref));
    joined.map(|context| context.map(str::to_owned)).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn is_public_address(text: String) -> bool {
    deputize::is_public_address(&text)
}

/// Tools from their form on the tape: `{tool: {argument: [optional, constraint]}}`.
pub(crate) fn tools(value: Value) -> deputize::Result<Tools> {
    let Value::Map(entries) = value else { return Err(tape::broken()) };
    entries.into_iter().try_fold(Tools::new(), |tools, (name, arguments)| tools.allow(&name, rules(arguments)?))
}

/// The rules for names: `{name: [optional, constraint]}`.
fn rules(value: Value) -> deputize::Result<ArgumentRules> {
    let Value::Map(entries) = value else { return Err(tape::broken()) };
    entries.into_iter().try_fold(ArgumentRules::new(), |rules, (name, entry)| {
        let Value::List(entry) = entry else { return Err(tape::broken()) };
        match <[Value; 2]>::try_from(entry) {
            Ok([Value::Bool(false), form]) => Ok(rules.required(&name, constraint(form)?)),
            Ok([Value::Bool(true), form]) => Ok(rules.optional(&name, constraint(form)?)),
            _ => Err(tape::broken()),
        }
    })
}

/// The same form, of tools.
pub(crate) fn tools_to_value(tools: &Tools) -> Value {
    let entry = |constraint: &Constraint, optional| Value::List(vec![Value::Bool(optional), Value::Bytes(constraint.encode())]);
    let rules = |rules: &ArgumentRules| {
        Value::Map(rules.iter().map(|(name, constraint, optional)| (name.to_owned(), entry(constraint, optional))).collect())
    };
    Value::Map(tools.iter().map(|(name, arguments)| (name.to_owned(), rules(arguments))).collect())
}

#[napi(catch_unwind)]
pub fn tools_encode(value: BufferSlice) -> Result<Buffer> {
    tape::read(&value).and_then(tools).map(|tools| tools.encode().into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn tools_decode(encoding: BufferSlice) -> Result<Buffer> {
    Tools::decode(&encoding).map(|tools| tape::write(&tools_to_value(&tools)).into()).map_err(thrown)
}

/// Refuses with what keeps the parent from allowing all that the child allows.
#[napi(catch_unwind)]
pub fn tools_subsume(parent: BufferSlice, child: BufferSlice) -> Result<()> {
    let read = |value: &[u8]| tape::read(value).and_then(tools);
    read(&parent).and_then(|parent| parent.subsumes(&read(&child)?)).map_err(thrown)
}
