//! Whether a constraint accepts a value.

use super::number::Number;
use super::{Constraint, Kind, Set, path};
use crate::cbor::Decoder;
use crate::limits;

/// Steps that may still be taken. Counted, never timed, so that a busy machine refuses nothing.
#[derive(Debug)]
pub(crate) struct Steps(u32);

impl Steps {
    pub(crate) const fn for_token() -> Self {
        Steps(limits::MAX_STEPS)
    }

    pub(crate) const fn for_decision() -> Self {
        Steps(limits::MAX_DECISION_STEPS)
    }

    /// Takes steps; false when they are used up.
    pub(crate) fn take(&mut self, steps: usize) -> bool {
        match u32::try_from(steps).ok().and_then(|steps| self.0.checked_sub(steps)) {
            Some(left) => {
                self.0 = left;
                true
            }
            None => {
                self.0 = 0;
                false
            }
        }
    }
}

impl Steps {
    pub(crate) const fn are_used_up(&self) -> bool {
        self.0 == 0
    }
}

impl Constraint {
    /// Whether the value with this encoding is accepted. False when the steps are used up.
    pub(crate) fn accepts_encoded(&self, encoding: &[u8], steps: &mut Steps) -> bool {
        if !steps.take(1) {
            return false;
        }
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
            Kind::Path(root) => Decoder::new(encoding).text().is_ok_and(|text| path::is_below(text, root)),
        }
    }
}

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
fn elements<'a>(encoding: &'a [u8], steps: &mut Steps) -> Option<impl Iterator<Item = &'a [u8]>> {
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
