//! Whether a constraint accepts a value.

use super::number::Number;
use super::{Constraint, Kind, Set, address, hosts, path, window};
use crate::cbor::{Decoder, Type};
use crate::steps::Steps;

impl Constraint {
    /// Whether the value with this encoding is accepted. False when the steps are used up.
    pub(crate) fn accepts_encoded(&self, encoding: &[u8], steps: &mut Steps) -> bool {
        if !steps.take(self.price(encoding)) {
            return false;
        }
        let text = || Decoder::new(encoding).text().ok();
        match &self.0 {
            Kind::Any => true,
            Kind::Exact(operand) => *operand.0 == *encoding,
            Kind::Range(range) => Number::of_encoding(encoding).is_some_and(|number| range.accepts(number)),
            Kind::OneOf(set) => set.has(encoding),
            // Running out of steps must not accept, so the negation stands on a search that takes none.
            Kind::NotOneOf(set) => !set.has(encoding),
            Kind::Contains(set) => contains(set, encoding, steps),
            Kind::Subset(set) => elements(encoding, steps).is_some_and(|mut elements| elements.all(|element| set.has(element))),
            Kind::All(parts) => parts.iter().all(|part| part.accepts_encoded(encoding, steps)),
            Kind::AnyOf(parts) => parts.iter().any(|part| part.accepts_encoded(encoding, steps)),
            Kind::Path(root) => text().is_some_and(|text| path::is_below(text, root)),
            Kind::Glob(pattern) => text().is_some_and(|text| pattern.is_about(text) && pattern.matches(text, steps) == Some(true)),
            Kind::NotGlob(pattern) => text().is_some_and(|text| pattern.is_about(text) && pattern.matches(text, steps) == Some(false)),
            Kind::Regex(pattern) => text().is_some_and(|text| pattern.matches(text, steps) == Some(true)),
            Kind::Url(url) => text().is_some_and(|text| url.accepts(text, steps)),
            Kind::Cidr(network) => text().and_then(address::parse).is_some_and(|address| network.has(address)),
            Kind::Email(allowed) => text().is_some_and(|text| is_email(text, allowed)),
            Kind::Each(element) => elements(encoding, steps).is_some_and(|mut all| all.all(|one| element.accepts_encoded(one, steps))),
            Kind::Length(least, most) => length(encoding).is_some_and(|length| length >= *least && most.is_none_or(|most| length <= most)),
            Kind::Fields(rules) => rules.accept_map(encoding, steps),
            Kind::TimeWindow(from, until) => text().is_some_and(|text| window::is_within(text, *from, *until)),
        }
    }

    /// The steps that this constraint takes for a value, without those of its parts, of elements and of matching: how much it looks through.
    fn price(&self, encoding: &[u8]) -> usize {
        let operands = match &self.0 {
            Kind::Any | Kind::Exact(_) | Kind::Range(_) | Kind::OneOf(_) | Kind::NotOneOf(_) | Kind::All(_) | Kind::AnyOf(_) => return 1,
            Kind::Url(url) => url.hosts.set.len(),
            Kind::Email(hosts) => hosts.set.len(),
            Kind::Fields(rules) => rules.iter().len() / LOOKED_THROUGH,
            _ => 0,
        };
        1 + operands + encoding.len() / LOOKED_THROUGH
    }
}

/// How much is looked through in one step: bytes of a value, names of a map.
pub(super) const LOOKED_THROUGH: usize = 16;

fn contains(set: &Set, encoding: &[u8], steps: &mut Steps) -> bool {
    let Some(elements) = elements(encoding, steps) else { return false };
    let mut found = vec![false; set.len()];
    for element in elements {
        if let Some(position) = set.position(element) {
            found[position] = true;
        }
    }
    found.into_iter().all(|found| found)
}

/// The encodings of a list's elements; none if it is no list, or longer than the steps that are left.
pub(super) fn elements<'a>(encoding: &'a [u8], steps: &mut Steps) -> Option<impl Iterator<Item = &'a [u8]> + use<'a>> {
    let mut decoder = Decoder::new(encoding);
    let length = decoder.array().ok()?;
    if !steps.take(length) {
        return None;
    }
    Some((0..length).map_while(move |_| {
        let start = decoder.position();
        decoder.skip().ok()?;
        Some(decoder.since(start))
    }))
}

/// The characters of a text, the elements of a list.
fn length(encoding: &[u8]) -> Option<u64> {
    let mut decoder = Decoder::new(encoding);
    Some(match decoder.peek().ok()? {
        Type::Text => decoder.text().ok()?.chars().count(),
        Type::Array => decoder.array().ok()?,
        _ => return None,
    } as u64)
}

/// An address at one of these hosts (RFC 5322, dot-atom).
fn is_email(text: &str, allowed: &hosts::Hosts) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| !atom.is_empty() && atom.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&b));
    if !local.split('.').all(is_atom) {
        return false;
    }
    let domain = domain.to_ascii_lowercase();
    hosts::is_domain(&domain) && allowed.accept(&domain)
}

/// The names and encoded values of a map; none if it is no map, or longer than the steps that are left.
pub(super) fn entries<'a>(encoding: &'a [u8], steps: &mut Steps) -> Option<impl Iterator<Item = (&'a str, &'a [u8])> + use<'a>> {
    let mut decoder = Decoder::new(encoding);
    let length = decoder.map().ok()?;
    if !steps.take(length) {
        return None;
    }
    Some((0..length).map_while(move |_| {
        let name = decoder.text().ok()?;
        let start = decoder.position();
        decoder.skip().ok()?;
        Some((name, decoder.since(start)))
    }))
}
