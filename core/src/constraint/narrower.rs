//! When one constraint is narrower than another: the rules of constraints.md, in their order.
//!
//! The parent comes first. True means that every value the child accepts is accepted by the parent.

use super::check::Steps;
use super::number::Range;
use super::set::{Operand, Set};
use super::{Constraint, Kind};
use crate::id::is_at_or_below;

pub(crate) fn narrower(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> bool {
    if !steps.take(1) {
        return false;
    }
    // A range of one number is that number.
    if let Kind::Range(range) = &child.0
        && let Some(number) = range.single()
    {
        return Operand::new(&number.to_value()).is_ok_and(|operand| parent.accepts_encoded(&operand.0, steps));
    }
    match (&parent.0, &child.0) {
        (Kind::Any, _) => true,
        (_, Kind::Exact(operand)) => parent.accepts_encoded(&operand.0, steps),
        (_, Kind::OneOf(set)) => set.iter().all(|operand| parent.accepts_encoded(operand, steps)),
        (_, Kind::AnyOf(parts)) => parts.iter().all(|part| narrower(parent, part, steps)),
        (Kind::All(parts), _) => parts.iter().all(|part| narrower(part, child, steps)),
        (Kind::NotOneOf(set), _) => set.iter().all(|excluded| steps.take(1) && !may_accept(child, excluded, steps)),
        (_, Kind::All(parts)) if all_is_narrower(parent, parts, steps) => true,
        (Kind::AnyOf(parts), _) => parts.iter().any(|part| narrower(part, child, steps)),
        (Kind::Range(outer), Kind::Range(inner)) => outer.encloses(inner),
        (Kind::Contains(required), Kind::Contains(by_child)) => steps.take(parent.weight()) && required.is_subset_of(by_child),
        (Kind::Subset(allowed), Kind::Subset(by_child)) => steps.take(child.weight()) && by_child.is_subset_of(allowed),
        (Kind::Path(root), Kind::Path(below)) => is_at_or_below(below, root),
        _ => false,
    }
}

impl Constraint {
    /// The steps that working through its operands takes.
    fn weight(&self) -> usize {
        match &self.0 {
            Kind::OneOf(set) | Kind::NotOneOf(set) | Kind::Contains(set) | Kind::Subset(set) => 1 + set.len(),
            _ => 1,
        }
    }
}

/// Whether the constraint accepts the value, where running out of steps counts as yes.
fn may_accept(constraint: &Constraint, operand: &[u8], steps: &mut Steps) -> bool {
    constraint.accepts_encoded(operand, steps) || steps.are_used_up()
}

/// A child that is a conjunction: narrower if what its parts say together is.
fn all_is_narrower(parent: &Constraint, parts: &[Constraint], steps: &mut Steps) -> bool {
    let mut flat = Vec::new();
    flatten(parts, &mut flat);
    if !steps.take(flat.iter().map(|part| part.weight()).sum()) {
        return false;
    }
    if let Some(finite) = flat.iter().position(|part| matches!(part.0, Kind::Exact(_) | Kind::OneOf(_))) {
        let mut excluded_or_accepted =
            |operand: &[u8]| parent.accepts_encoded(operand, steps) || flat.iter().any(|part| !may_accept(part, operand, steps));
        return match &flat[finite].0 {
            Kind::Exact(operand) => excluded_or_accepted(&operand.0),
            Kind::OneOf(set) => set.iter().all(excluded_or_accepted),
            _ => false,
        };
    }
    match merge(&flat) {
        None => true,
        Some(merged) => merged.iter().any(|part| narrower(parent, part, steps)),
    }
}

fn flatten<'a>(parts: &'a [Constraint], flat: &mut Vec<&'a Constraint>) {
    for part in parts {
        match &part.0 {
            Kind::All(parts) => flatten(parts, flat),
            _ => flat.push(part),
        }
    }
}

/// One range, one contains, one subset, and the deepest paths instead of several; none if no value can be in all ranges.
fn merge(flat: &[&Constraint]) -> Option<Vec<Constraint>> {
    let (mut range, mut contains, mut subset) = (None::<Range>, None::<Set>, None::<Set>);
    let mut merged = Vec::new();
    for part in flat {
        match &part.0 {
            Kind::Range(other) => range = Some(range.map_or(*other, |range| range.intersection(other))),
            Kind::Contains(other) => contains = Some(contains.map_or_else(|| other.clone(), |set| set.union(other))),
            Kind::Subset(other) => subset = Some(subset.map_or_else(|| other.clone(), |set| set.intersection(other))),
            _ => merged.push((*part).clone()),
        }
    }
    if range.is_some_and(|range| range.is_empty()) {
        return None;
    }
    merged.extend(range.map(|range| Constraint(Kind::Range(range))));
    merged.extend(contains.map(|set| Constraint(Kind::Contains(set))));
    merged.extend(subset.map(|set| Constraint(Kind::Subset(set))));
    Some(merged)
}
