//! Lists and maps: rules instead of exact decisions (specification, constraints.md, "Rules for lists and maps").

use std::borrow::Cow;

use super::check::LOOKED_THROUGH;
use super::narrower::{Verdict, Witness, by_value, is_excess, judge, kind, kind_of};
use super::rules::{Excess, Widened};
use super::{ArgumentRules, Constraint, Kind, OTHERS, Set};
use crate::steps::Steps;
use crate::value::Value;

/// A kind of values, and what a parent that is not composed says about a child's values of that kind: none if the child has no such value.
struct Structure {
    kind: u8,
    rule: fn(&Constraint, &Constraint, &mut Steps) -> Option<Verdict>,
}

pub(super) fn judge_lists(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Verdict {
    Structure { kind: kind::LIST, rule: lists }.judge(parent, child, steps)
}

pub(super) fn judge_maps(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Verdict {
    Structure { kind: kind::MAP, rule: maps }.judge(parent, child, steps)
}

impl Structure {
    fn judge(&self, parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Verdict {
        if !steps.take(1) {
            return Err(Witness(None));
        }
        match (&parent.0, &child.0) {
            (_, Kind::Exact(operand)) => return self.by_value(parent, &[], &operand.0, steps),
            (_, Kind::OneOf(set)) => return set.iter().try_for_each(|operand| self.by_value(parent, &[], operand, steps)),
            (_, Kind::AnyOf(parts)) => return parts.iter().try_for_each(|part| self.judge(parent, part, steps)),
            (Kind::Any, _) => return Ok(()),
            (Kind::All(parts), _) => return parts.iter().try_for_each(|part| self.judge(part, child, steps)),
            (Kind::NotOneOf(set), _) => return set.iter().try_for_each(|excluded| self.by_value(parent, &[child], excluded, steps)),
            _ => {}
        }
        let Some(Err(witness)) = (self.rule)(parent, child, steps) else { return Ok(()) };
        if let Kind::AnyOf(parts) = &parent.0
            && parts.iter().any(|part| self.judge(part, child, steps).is_ok())
        {
            return Ok(());
        }
        // One of the child's choices, all of whose parts are narrower, is enough.
        for part in child.conjunction() {
            if let Kind::AnyOf(choice) = &part.0
                && choice.iter().all(|part| self.judge(parent, part, steps).is_ok())
            {
                return Ok(());
            }
        }
        Err(witness)
    }

    /// Values of another kind are decided elsewhere.
    fn by_value(&self, parent: &Constraint, parts: &[&Constraint], operand: &[u8], steps: &mut Steps) -> Verdict {
        if kind_of(operand) == self.kind { by_value(parent, parts, operand, steps) } else { Ok(()) }
    }
}

/// What the parts of a child say together about a list.
struct ListFacts<'a> {
    elements: Cow<'a, Constraint>,
    contains: Option<Set>,
    least: u64,
    most: Option<u64>,
}

impl<'a> ListFacts<'a> {
    /// None if no list can satisfy them all.
    fn of(child: &'a Constraint, steps: &mut Steps) -> Option<Self> {
        let (mut each, mut contains, mut least, mut most) = (Vec::new(), None::<Set>, 0, None::<u64>);
        for part in child.conjunction() {
            match &part.0 {
                Kind::Each(element) => each.push(Cow::Borrowed(&**element)),
                Kind::Subset(set) => each.push(Cow::Owned(Constraint(Kind::OneOf(set.clone())))),
                Kind::Contains(set) => contains = Some(contains.map_or_else(|| set.clone(), |other| other.union(set))),
                Kind::Length(from, to) => {
                    least = least.max(*from);
                    most = [most, *to].into_iter().flatten().min();
                }
                _ if part.kinds(steps) & kind::LIST == 0 => return None,
                _ => {}
            }
        }
        let elements = match each.len() {
            0 => Cow::Owned(Constraint::any()),
            1 => each.remove(0),
            _ => Cow::Owned(Constraint(Kind::All(each.into_iter().map(Cow::into_owned).collect()))),
        };
        if let Some(contains) = &contains {
            least = least.max(contains.len() as u64);
            if contains.iter().any(|operand| !elements.accepts_encoded(operand, steps) && !steps.are_used_up()) {
                return None;
            }
        }
        if most.is_some_and(|most| most < least) { None } else { Some(ListFacts { elements, contains, least, most }) }
    }

    /// A list that satisfies them and shows what it should, if one is found.
    fn example(&self, element: Option<Value>, shows: impl Fn(&Value, &mut Steps) -> bool, steps: &mut Steps) -> Option<Value> {
        let operands = || self.contains.iter().flat_map(Set::iter);
        if !steps.take(operands().map(price).sum()) {
            return None;
        }
        let contained: Vec<Value> = operands().filter_map(|operand| Value::decode(operand).ok()).collect();
        let filler = element.clone().or_else(|| example(&self.elements, steps));
        let of_filler = filler.as_ref().and_then(|filler| filler.encode().ok()).map_or(0, |encoding| price(&encoding));
        let with_element: Vec<Value> = contained.iter().cloned().chain(element).collect();
        let longest = self.most.unwrap_or(self.least + 1 + contained.len() as u64);
        [(contained.clone(), self.least), (with_element, self.least), (contained, longest)].into_iter().find_map(|(mut list, length)| {
            let missing = (length.min(1000) as usize).saturating_sub(list.len());
            if missing > 0 {
                let filler = filler.as_ref().filter(|_| steps.take(missing * of_filler))?;
                list.extend(std::iter::repeat_n(filler, missing).cloned());
            }
            Some(Value::List(list)).filter(|list| shows(list, steps))
        })
    }
}

/// What copying a value costs.
fn price(encoding: &[u8]) -> usize {
    1 + encoding.len() / LOOKED_THROUGH
}

fn lists(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Option<Verdict> {
    let facts = ListFacts::of(child, steps)?;
    let refused = |element: Option<Value>, steps: &mut Steps| {
        let shows = |list: &Value, steps: &mut Steps| is_excess(parent, child, list, steps);
        Err(Witness(steps.aside(|steps| facts.example(element, shows, steps))))
    };
    let elements = |allowed: &Constraint, steps: &mut Steps| match judge(allowed, &facts.elements, steps) {
        Err(Witness(element)) if facts.most != Some(0) => refused(element, steps),
        _ => Ok(()),
    };
    Some(match &parent.0 {
        Kind::Each(allowed) => elements(allowed, steps),
        Kind::Subset(set) => elements(&Constraint(Kind::OneOf(set.clone())), steps),
        Kind::Contains(set) if facts.contains.as_ref().is_some_and(|contains| set.is_subset_of(contains)) => Ok(()),
        Kind::Length(least, most) if facts.least >= *least && most.is_none_or(|most| facts.most.is_some_and(|to| to <= most)) => Ok(()),
        _ => refused(None, steps),
    })
}

fn maps(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Option<Verdict> {
    let parts = child.conjunction();
    if parts.iter().any(|part| part.kinds(steps) & kind::MAP == 0) {
        return None;
    }
    let Kind::Fields(allowed) = &parent.0 else { return Some(Err(Witness(None))) };
    let every = ArgumentRules::new();
    let mut rules: Vec<&ArgumentRules> = parts.iter().filter_map(|part| part.rules()).collect();
    if rules.is_empty() {
        rules.push(&every);
    }
    let mut found = None;
    for rules in rules {
        match allowed.widened_by(rules, steps) {
            None => return Some(Ok(())),
            Some(widened) => found = found.or_else(|| steps.aside(|steps| map_example(rules, &widened, steps))),
        }
    }
    Some(Err(Witness(steps.aside(|steps| found.filter(|map| is_excess(parent, child, map, steps))))))
}

impl Constraint {
    fn rules(&self) -> Option<&ArgumentRules> {
        match &self.0 {
            Kind::Fields(rules) => Some(rules),
            _ => None,
        }
    }
}

/// A map that the child's rules accept and that shows how they are wider.
fn map_example(child: &ArgumentRules, widened: &Widened<'_>, steps: &mut Steps) -> Option<Value> {
    let mut entries: Vec<(String, Value)> = Vec::new();
    for (name, constraint, optional) in child.iter() {
        if !optional && name != OTHERS && name != widened.name {
            entries.push((name.to_owned(), example(constraint, steps)?));
        }
    }
    let name = if widened.name == OTHERS { fresh_name(child) } else { widened.name.to_owned() };
    match &widened.by {
        Excess::Missing => {}
        Excess::Present => entries.push((name.clone(), example(child.constraint_on(&name)?, steps)?)),
        Excess::Value(Witness(value)) => entries.push((name, value.clone()?)),
    }
    Some(Value::Map(entries))
}

fn fresh_name(rules: &ArgumentRules) -> String {
    let mut name = "x".to_owned();
    while rules.iter().any(|(known, ..)| known == name) {
        name.push('x');
    }
    name
}

/// A value that a constraint accepts, if one is found.
fn example(constraint: &Constraint, steps: &mut Steps) -> Option<Value> {
    let nothing = Constraint(Kind::OneOf(Set::of(Vec::new())));
    judge(&nothing, constraint, steps).err()?.0
}
