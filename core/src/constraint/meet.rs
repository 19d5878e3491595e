//! The tightest constraint that accepts only what two accept (specification, constraints.md, "Meet").

use super::narrower::judge;
use super::number::Range;
use super::rules::ArgumentRules;
use super::{Constraint, Kind, Set};
use crate::Result;
use crate::steps::Steps;

/// The meet, if it is provably within both; `all` of both, which always is, if not.
pub(super) fn narrow(a: &Constraint, b: &Constraint) -> Result<Constraint> {
    let met = meet(a, b, &mut Steps::for_token())?;
    if a.subsumes(&met) && b.subsumes(&met) { Ok(met) } else { both(a, b) }
}

fn meet(a: &Constraint, b: &Constraint, steps: &mut Steps) -> Result<Constraint> {
    if judge(a, b, steps).is_ok() {
        return Ok(b.clone());
    }
    if judge(b, a, steps).is_ok() {
        return Ok(a.clone());
    }
    let met = if steps.are_used_up() { both(a, b)? } else { by_type(a, b, steps)? };
    // Used up on the way, something may have been left out.
    if steps.are_used_up() { both(a, b) } else { Ok(met) }
}

fn by_type(a: &Constraint, b: &Constraint, steps: &mut Steps) -> Result<Constraint> {
    Ok(match (&a.0, &b.0) {
        (Kind::Exact(_), _) => nothing(),
        (_, Kind::Exact(_)) => nothing(),
        (Kind::OneOf(set), other) | (other, Kind::OneOf(set)) => {
            let other = Constraint(other.clone());
            Constraint(Kind::OneOf(Set::of(set.iter().filter(|operand| other.accepts_encoded(operand, steps)).collect())))
        }
        (Kind::AnyOf(parts), other) | (other, Kind::AnyOf(parts)) => {
            let other = Constraint(other.clone());
            let parts = parts.iter().map(|part| meet(part, &other, steps)).collect::<Result<Vec<_>>>()?;
            any_of(parts.into_iter().filter(|part| !part.is_nothing()).collect())?
        }
        (Kind::Range(x), Kind::Range(y)) => non_empty(x.intersection(y)),
        (Kind::NotOneOf(x), Kind::NotOneOf(y)) => Constraint(Kind::NotOneOf(x.union(y))),
        (Kind::Contains(x), Kind::Contains(y)) => Constraint(Kind::Contains(x.union(y))),
        (Kind::Subset(x), Kind::Subset(y)) => Constraint(Kind::Subset(x.intersection(y))),
        (Kind::Path(_), Kind::Path(_)) | (Kind::Cidr(_), Kind::Cidr(_)) => nothing(),
        (Kind::Each(x), Kind::Each(y)) => Constraint::each(meet(x, y, steps)?)?,
        (Kind::Length(a, b), Kind::Length(c, d)) => {
            let (least, most) = ((*a).max(*c), [*b, *d].into_iter().flatten().min());
            if most.is_some_and(|most| most < least) { nothing() } else { Constraint(Kind::Length(least, most)) }
        }
        (Kind::TimeWindow(a, b), Kind::TimeWindow(c, d)) => {
            let (from, until) = ((*a).max(*c), [*b, *d].into_iter().flatten().min());
            if from.zip(until).is_some_and(|(from, until)| from > until) { nothing() } else { Constraint(Kind::TimeWindow(from, until)) }
        }
        (Kind::Fields(x), Kind::Fields(y)) => match x.meet_in(y, steps)? {
            Some(rules) => Constraint(Kind::Fields(rules)),
            None => nothing(),
        },
        _ => both(a, b)?,
    })
}

fn both(a: &Constraint, b: &Constraint) -> Result<Constraint> {
    Constraint::all(a.conjunction().into_iter().chain(b.conjunction()).cloned().collect())
}

fn nothing() -> Constraint {
    Constraint(Kind::OneOf(Set::of(Vec::new())))
}

fn any_of(mut parts: Vec<Constraint>) -> Result<Constraint> {
    match parts.len() {
        0 => Ok(nothing()),
        1 => Ok(parts.remove(0)),
        _ => Constraint::any_of(parts),
    }
}

fn non_empty(range: Range) -> Constraint {
    if range.is_empty() { nothing() } else { Constraint(Kind::Range(range)) }
}

impl ArgumentRules {
    /// The rules that allow only what both allow; none if that is nothing at all.
    pub(crate) fn meet(&self, other: &ArgumentRules) -> Result<Option<ArgumentRules>> {
        self.meet_in(other, &mut Steps::for_token())
    }

    fn meet_in(&self, other: &ArgumentRules, steps: &mut Steps) -> Result<Option<ArgumentRules>> {
        let mut rules = ArgumentRules::new();
        let names = self.names().chain(other.names().filter(|name| !self.has(name)));
        for name in names {
            let required = self.requires(name) || other.requires(name);
            match (self.constraint_on(name), other.constraint_on(name)) {
                (Some(x), Some(y)) => rules = rules.with(name, meet(x, y, steps)?, !required),
                _ if required => return Ok(None),
                _ => {}
            }
        }
        match (self.constraint_on_others(), other.constraint_on_others()) {
            (Some(x), Some(y)) => rules = rules.others(meet(x, y, steps)?),
            // Without entries it would allow everything.
            _ if rules.iter().len() == 0 => rules = rules.others(nothing()),
            _ => {}
        }
        rules.validated().map(Some)
    }
}
