//! Null, booleans, numbers and bytes: the operands cut these values into finitely many regions, and one value of each region is tried.

use std::collections::BTreeSet;

use super::narrower::{Verdict, Witness, by_value, kind};
use super::number::Number;
use super::{Constraint, Kind};
use crate::cbor::Encoder;
use crate::steps::Steps;
use crate::value::Value;

/// The operands of both constraints that are scalars.
#[derive(Default)]
struct Operands<'a> {
    numbers: Vec<Number>,
    bytes: Vec<&'a [u8]>,
}

pub(super) fn judge(parent: &Constraint, child: &Constraint, kinds: u8, steps: &mut Steps) -> Verdict {
    if kinds & kind::SCALAR == 0 {
        return Ok(());
    }
    let mut operands = Operands::default();
    if !(operands.collect(parent, steps) && operands.collect(child, steps)) {
        return Err(Witness(None));
    }
    let mut tried = |encoding: &[u8]| by_value(parent, &[child], encoding, steps);
    for simple in [Value::Null, Value::Bool(false), Value::Bool(true)] {
        tried(&encoded(&simple))?;
    }
    for number in representatives(operands.numbers) {
        tried(&encoded(&number.to_value()))?;
    }
    operands.bytes.iter().try_for_each(|bytes| tried(bytes))?;
    // Bytes that no operand is as long as.
    let lengths: BTreeSet<usize> = operands.bytes.iter().map(|bytes| bytes.len()).collect();
    let other = (0..).map(|length| encoded(&Value::Bytes(vec![0; length]))).find(|bytes| !lengths.contains(&bytes.len()));
    other.map_or(Ok(()), |bytes| tried(&bytes))
}

/// Scalars are within every limit.
fn encoded(value: &Value) -> Vec<u8> {
    value.encode().unwrap_or_else(|_| {
        let mut out = Encoder::new();
        out.null();
        out.into_bytes()
    })
}

impl<'a> Operands<'a> {
    /// False when the steps are used up.
    fn collect(&mut self, constraint: &'a Constraint, steps: &mut Steps) -> bool {
        match &constraint.0 {
            Kind::Exact(operand) => self.add(&operand.0),
            Kind::OneOf(set) | Kind::NotOneOf(set) => {
                if !steps.take(set.len()) {
                    return false;
                }
                set.iter().for_each(|operand| self.add(operand));
            }
            Kind::Range(range) => self.numbers.extend(range.min.into_iter().chain(range.max)),
            Kind::All(parts) | Kind::AnyOf(parts) => return steps.take(parts.len()) && parts.iter().all(|part| self.collect(part, steps)),
            _ => {}
        }
        true
    }

    fn add(&mut self, encoding: &'a [u8]) {
        match Number::of_encoding(encoding) {
            Some(number) => self.numbers.push(number),
            None if crate::cbor::Decoder::new(encoding).bytes().is_ok() => self.bytes.push(encoding),
            None => {}
        }
    }
}

/// Each of the numbers, and one between any two and beyond the ends, where there is one.
fn representatives(mut numbers: Vec<Number>) -> Vec<Number> {
    numbers.sort_by(|a, b| a.compare(*b));
    numbers.dedup_by(|a, b| a.compare(*b).is_eq());
    let mut all = Vec::with_capacity(2 * numbers.len() + 1);
    let mut below = None;
    for number in numbers.into_iter().map(Some).chain([None]) {
        all.extend(Number::between(below, number));
        all.extend(number);
        below = number;
    }
    all
}
