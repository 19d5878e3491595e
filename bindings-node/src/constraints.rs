//! Constraints and tools. JavaScript holds a constraint as its encoding.

use deputize::{ArgumentRules, Code, Constraint, Error, Number, Range, Tools, Value};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::errors::{Result, thrown};
use crate::tape;

/// Makes the constraint of this name from its operands.
#[napi(catch_unwind)]
pub fn constraint_make(name: String, operands: Buffer) -> Result<Buffer> {
    let made = tape::read_list(&operands).and_then(|operands| make(&name, operands));
    made.map(|constraint| constraint.encode().into()).map_err(thrown)
}

fn make(name: &str, mut operands: Vec<Value>) -> deputize::Result<Constraint> {
    match (name, operands.as_mut_slice()) {
        ("any", []) => Ok(Constraint::any()),
        ("exact", [value]) => Constraint::exact(std::mem::replace(value, Value::Null)),
        ("range", [min, max, Value::Bool(min_open), Value::Bool(max_open)]) => {
            Constraint::range(Range { min: bound(min)?, max: bound(max)?, min_open: *min_open, max_open: *max_open })
        }
        ("one_of", _) => Constraint::one_of(operands),
        ("not_one_of", _) => Constraint::not_one_of(operands),
        ("contains", _) => Constraint::contains(operands),
        ("subset", _) => Constraint::subset(operands),
        ("all_of", _) => Constraint::all(parts(&operands)?),
        ("any_of", _) => Constraint::any_of(parts(&operands)?),
        ("path", [Value::Text(root)]) => Constraint::path(root),
        _ => Err(tape::broken()),
    }
}

fn bound(value: &Value) -> deputize::Result<Option<Number>> {
    match value {
        Value::Null => Ok(None),
        Value::Integer(value) => Ok(Some(Number::Integer(*value))),
        Value::Float(value) => Ok(Some(Number::Float(*value))),
        _ => Err(Error::about(Code::ConstraintInvalid, "a bound that is not a number")),
    }
}

fn parts(operands: &[Value]) -> deputize::Result<Vec<Constraint>> {
    operands.iter().map(constraint).collect()
}

fn constraint(encoding: &Value) -> deputize::Result<Constraint> {
    match encoding {
        Value::Bytes(encoding) => Constraint::decode(encoding),
        _ => Err(tape::broken()),
    }
}

/// Refuses bytes that are no constraint.
#[napi(catch_unwind)]
pub fn constraint_check(encoding: Buffer) -> Result<()> {
    Constraint::decode(&encoding).map(drop).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn constraint_accepts(encoding: Buffer, value: Buffer) -> Result<bool> {
    let accepts = |constraint: Constraint| Ok(constraint.accepts(&tape::read(&value)?));
    Constraint::decode(&encoding).and_then(accepts).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn constraint_subsumes(parent: Buffer, child: Buffer) -> Result<bool> {
    let subsumes = |parent: Constraint| Ok(parent.subsumes(&Constraint::decode(&child)?));
    Constraint::decode(&parent).and_then(subsumes).map_err(thrown)
}

/// Tools from their form on the tape: `{tool: {argument: [optional, constraint]}}`.
pub(crate) fn tools(value: Value) -> deputize::Result<Tools> {
    let Value::Map(entries) = value else { return Err(tape::broken()) };
    entries.into_iter().try_fold(Tools::new(), |tools, (name, arguments)| {
        let Value::Map(arguments) = arguments else { return Err(tape::broken()) };
        tools.allow(&name, arguments.iter().try_fold(ArgumentRules::new(), argument)?)
    })
}

fn argument(rules: ArgumentRules, (name, entry): &(String, Value)) -> deputize::Result<ArgumentRules> {
    match entry {
        Value::List(entry) => match entry.as_slice() {
            [Value::Bool(false), encoding] => Ok(rules.required(name, constraint(encoding)?)),
            [Value::Bool(true), encoding] => Ok(rules.optional(name, constraint(encoding)?)),
            _ => Err(tape::broken()),
        },
        _ => Err(tape::broken()),
    }
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
pub fn tools_encode(value: Buffer) -> Result<Buffer> {
    tape::read(&value).and_then(tools).map(|tools| tools.encode().into()).map_err(thrown)
}

#[napi(catch_unwind)]
pub fn tools_decode(encoding: Buffer) -> Result<Buffer> {
    Tools::decode(&encoding).map(|tools| tape::write(&tools_to_value(&tools)).into()).map_err(thrown)
}

/// Refuses with what keeps the parent from allowing all that the child allows.
#[napi(catch_unwind)]
pub fn tools_subsume(parent: Buffer, child: Buffer) -> Result<()> {
    let read = |value: &Buffer| tape::read(value).and_then(tools);
    read(&parent).and_then(|parent| parent.subsumes(&read(&child)?)).map_err(thrown)
}
