//! The wire form `[type, …]`.

use super::address::Network;
use super::hosts::Hosts;
use super::number::{Number, Range};
use super::set::{Operand, Set};
use super::text_pattern::TextPattern;
use super::url::Url;
use super::{ArgumentRules, Constraint, Kind, path, window};
use crate::cbor::{Decoder, Encoder, Type};
use crate::{Code, Error, Result, limits};

impl Constraint {
    /// The deterministic encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        self.write(&mut out);
        out.into_bytes()
    }

    /// Reads one constraint and nothing else: `malformed`, `not-canonical`, `too-deep`, `constraint-unknown`, `constraint-invalid`.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let mut decoder = Decoder::new(bytes);
        let constraint = Constraint::read(&mut decoder)?;
        decoder.finish()?;
        Ok(constraint)
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self> {
        read_at(decoder, 1)
    }

    pub(crate) fn write(&self, out: &mut Encoder) {
        match &self.0 {
            Kind::Any => {
                out.array(1).unsigned(0);
            }
            Kind::Exact(operand) => {
                out.array(2).unsigned(1).raw(&operand.0);
            }
            Kind::Range(range) => {
                let open = u64::from(range.min_open) | u64::from(range.max_open) << 1;
                out.array(if open == 0 { 3 } else { 4 }).unsigned(2);
                write_bound(out, range.min);
                write_bound(out, range.max);
                if open != 0 {
                    out.unsigned(open);
                }
            }
            Kind::OneOf(set) => set.write(out.array(2).unsigned(3)),
            Kind::NotOneOf(set) => set.write(out.array(2).unsigned(4)),
            Kind::Contains(set) => set.write(out.array(2).unsigned(5)),
            Kind::Subset(set) => set.write(out.array(2).unsigned(6)),
            Kind::All(parts) => write_parts(out, 7, parts),
            Kind::AnyOf(parts) => write_parts(out, 8, parts),
            Kind::Path(root) => drop(out.array(2).unsigned(9).text(root)),
            Kind::Glob(pattern) => drop(out.array(2).unsigned(10).text(pattern.text())),
            Kind::Regex(pattern) => drop(out.array(2).unsigned(11).text(pattern.text())),
            Kind::Url(url) => url.write(out),
            Kind::Cidr(network) => drop(out.array(2).unsigned(13).text(network.text())),
            Kind::Email(hosts) => hosts.set.write(out.array(2).unsigned(14)),
            Kind::Each(element) => element.write(out.array(2).unsigned(15)),
            Kind::Length(least, most) => write_optional(out.array(3).unsigned(16).unsigned(*least), *most),
            Kind::Fields(rules) => rules.write(out.array(2).unsigned(17)),
            Kind::TimeWindow(from, until) => {
                write_optional(out.array(3).unsigned(18), *from);
                write_optional(out, *until);
            }
            Kind::NotGlob(pattern) => drop(out.array(2).unsigned(19).text(pattern.text())),
        }
    }
}

fn write_parts(out: &mut Encoder, kind: u64, parts: &[Constraint]) {
    out.array(2).unsigned(kind).array(parts.len());
    for part in parts {
        part.write(out);
    }
}

fn write_bound(out: &mut Encoder, bound: Option<Number>) {
    match bound {
        None => out.null(),
        Some(Number::Integer(value)) => out.integer(value),
        Some(Number::Float(value)) => out.float(value),
    };
}

fn write_optional(out: &mut Encoder, number: Option<u64>) {
    match number {
        None => out.null(),
        Some(number) => out.unsigned(number),
    };
}

fn read_optional(decoder: &mut Decoder<'_>) -> Result<Option<u64>> {
    match decoder.peek()? {
        Type::Null => decoder.null().map(|()| None),
        _ => decoder.unsigned().map(Some),
    }
}

fn read_bound(decoder: &mut Decoder<'_>) -> Result<Option<Number>> {
    match decoder.peek()? {
        Type::Null => decoder.null().map(|()| None),
        Type::Float => decoder.float().map(|value| Some(Number::Float(value))),
        _ => decoder.integer().map(|value| Some(Number::Integer(value))),
    }
}

pub(super) fn read_at(decoder: &mut Decoder<'_>, depth: usize) -> Result<Constraint> {
    let length = decoder.array()?;
    if depth > limits::MAX_CONSTRAINT_DEPTH {
        return Err(Code::TooDeep.into());
    }
    if length == 0 {
        return Err(Code::ConstraintUnknown.into());
    }
    let kind = decoder.integer()?;
    let fits = match kind {
        0 => length == 1,
        2 => length == 3 || length == 4,
        1 | 3..=11 | 13..=15 | 17 | 19 => length == 2,
        12 => length == 5 || length == 6,
        16 | 18 => length == 3,
        _ => false,
    };
    if !fits {
        return Err(Code::ConstraintUnknown.into());
    }
    Ok(Constraint(match kind {
        0 => Kind::Any,
        1 => Kind::Exact(Operand::read(decoder)?),
        2 => Kind::Range(read_range(decoder, length)?),
        3 => Kind::OneOf(Set::read(decoder)?),
        4 => Kind::NotOneOf(Set::read(decoder)?.not_empty()?),
        5 => Kind::Contains(Set::read(decoder)?.not_empty()?),
        6 => Kind::Subset(Set::read(decoder)?),
        7 => Kind::All(read_parts(decoder, depth)?),
        8 => Kind::AnyOf(read_parts(decoder, depth)?),
        9 => {
            let root = decoder.text()?;
            path::check_root(root)?;
            Kind::Path(root.to_owned())
        }
        10 => Kind::Glob(TextPattern::glob(decoder.text()?)?),
        11 => Kind::Regex(TextPattern::regex(decoder.text()?)?),
        12 => Kind::Url(Box::new(Url::read(decoder, length)?)),
        13 => Kind::Cidr(Network::new(decoder.text()?)?),
        14 => Kind::Email(Hosts::read(decoder, false)?),
        15 => Kind::Each(Box::new(read_at(decoder, depth + 1)?)),
        16 => return Constraint::length(decoder.unsigned()?, read_optional(decoder)?),
        17 => Kind::Fields(ArgumentRules::read_at(decoder, depth + 1)?),
        18 => {
            let (from, until) = (read_optional(decoder)?, read_optional(decoder)?);
            window::check_window(from, until)?;
            Kind::TimeWindow(from, until)
        }
        _ => Kind::NotGlob(TextPattern::glob(decoder.text()?)?),
    }))
}

fn read_range(decoder: &mut Decoder<'_>, length: usize) -> Result<Range> {
    let (min, max) = (read_bound(decoder)?, read_bound(decoder)?);
    let open = if length == 4 { decoder.unsigned()? } else { 0 };
    if length == 4 && !(1..=3).contains(&open) {
        return Err(Code::ConstraintUnknown.into());
    }
    let range = Range { min, max, min_open: open & 1 != 0, max_open: open & 2 != 0 };
    range.validate()?;
    Ok(range)
}

fn read_parts(decoder: &mut Decoder<'_>, depth: usize) -> Result<Vec<Constraint>> {
    let length = decoder.array()?;
    if length == 0 {
        return Err(Error::about(Code::ConstraintInvalid, "no parts"));
    }
    (0..length).map(|_| read_at(decoder, depth + 1)).collect()
}
