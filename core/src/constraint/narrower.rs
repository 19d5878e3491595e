//! When one constraint is narrower than another (specification, constraints.md, "Narrower").
//!
//! The parent comes first. Each kind of value is decided apart: null, booleans, numbers and bytes by trying values (`scalars`), text by
//! automata (`texts`), lists and maps by rules (`structures`).

use super::text_pattern::TextPattern;
use super::{Constraint, Kind, scalars, structures, texts};
use crate::cbor::{Decoder, Type};
use crate::id::is_at_or_below;
use crate::pattern::absorbs;
use crate::steps::Steps;
use crate::value::Value;

/// A value that the child accepts and the parent does not, where one was found.
#[derive(Debug)]
pub(crate) struct Witness(pub(crate) Option<Value>);

/// Narrower, or why not.
pub(crate) type Verdict = Result<(), Witness>;

/// What comparing two constraints costs, whatever they are.
const JUDGE: usize = 10;

pub(crate) fn judge(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> Verdict {
    if !steps.take(JUDGE) {
        return Err(Witness(None));
    }
    if parent == child {
        return Ok(());
    }
    match (&parent.0, &child.0) {
        (Kind::Any, _) => return Ok(()),
        (_, Kind::Exact(operand)) => return by_value(parent, &[], &operand.0, steps),
        (_, Kind::OneOf(set)) => return set.iter().try_for_each(|operand| by_value(parent, &[], operand, steps)),
        (_, Kind::AnyOf(parts)) => return parts.iter().try_for_each(|part| judge(parent, part, steps)),
        (Kind::All(parts), _) => return parts.iter().try_for_each(|part| judge(part, child, steps)),
        (Kind::NotOneOf(set), _) => return set.iter().try_for_each(|excluded| by_value(parent, &[child], excluded, steps)),
        _ => {}
    }
    if is_narrower_by_operands(parent, child, steps) {
        return Ok(());
    }
    let parts = child.conjunction();
    match parts.iter().find_map(|part| part.finite()) {
        Some(Finite::One(operand)) => return by_value(parent, &parts, operand, steps),
        Some(Finite::Set(set)) => return set.iter().try_for_each(|operand| by_value(parent, &parts, operand, steps)),
        None => {}
    }
    if is_quickly_narrower(parent, &parts, steps) {
        return Ok(());
    }
    let kinds = child.kinds(steps);
    scalars::judge(parent, child, kinds, steps)?;
    if kinds & kind::TEXT != 0 {
        texts::judge(parent, child, steps)?;
    }
    if kinds & kind::LIST != 0 {
        structures::judge_lists(parent, child, steps)?;
    }
    if kinds & kind::MAP != 0 {
        structures::judge_maps(parent, child, steps)?;
    }
    Ok(())
}

/// Whether a value that all of these accept is accepted by the parent. Running out of steps counts as no.
pub(super) fn by_value(parent: &Constraint, parts: &[&Constraint], operand: &[u8], steps: &mut Steps) -> Verdict {
    if is_no_excess(parent, parts, operand, steps) {
        return Ok(());
    }
    Err(Witness(Value::decode(operand).ok().filter(|_| !steps.are_used_up())))
}

fn is_no_excess(parent: &Constraint, parts: &[&Constraint], operand: &[u8], steps: &mut Steps) -> bool {
    parent.accepts_encoded(operand, steps)
        || (!steps.are_used_up() && parts.iter().any(|part| !part.accepts_encoded(operand, steps)) && !steps.are_used_up())
}

/// Whether a value is accepted by the child and refused by the parent. Running out of steps counts as no.
pub(super) fn is_excess(parent: &Constraint, child: &Constraint, value: &Value, steps: &mut Steps) -> bool {
    value
        .encode()
        .is_ok_and(|encoding| child.accepts_encoded(&encoding, steps) && !parent.accepts_encoded(&encoding, steps) && !steps.are_used_up())
}

pub(super) enum Finite<'a> {
    One(&'a [u8]),
    Set(&'a super::Set),
}

/// Kinds of values, as bits.
pub(super) mod kind {
    pub(crate) const SCALAR: u8 = 1;
    pub(crate) const TEXT: u8 = 2;
    pub(crate) const LIST: u8 = 4;
    pub(crate) const MAP: u8 = 8;
    pub(crate) const ALL: u8 = 15;
}

pub(super) fn kind_of(encoding: &[u8]) -> u8 {
    match Decoder::new(encoding).peek() {
        Ok(Type::Text) => kind::TEXT,
        Ok(Type::Array) => kind::LIST,
        Ok(Type::Map) => kind::MAP,
        _ => kind::SCALAR,
    }
}

impl Constraint {
    /// The kinds of values that it may accept; all, when the steps are used up.
    pub(super) fn kinds(&self, steps: &mut Steps) -> u8 {
        if !steps.take(1) {
            return kind::ALL;
        }
        match &self.0 {
            Kind::Any | Kind::NotOneOf(_) => kind::ALL,
            Kind::Exact(operand) => kind_of(&operand.0),
            Kind::OneOf(set) => set.iter().map(kind_of).fold(0, |all, one| all | one),
            Kind::Range(_) => kind::SCALAR,
            Kind::Contains(_) | Kind::Subset(_) | Kind::Each(_) => kind::LIST,
            Kind::Fields(_) => kind::MAP,
            Kind::Length(..) => kind::TEXT | kind::LIST,
            Kind::All(parts) => parts.iter().map(|part| part.kinds(steps)).fold(kind::ALL, |all, one| all & one),
            Kind::AnyOf(parts) => parts.iter().map(|part| part.kinds(steps)).fold(0, |all, one| all | one),
            Kind::Path(_) | Kind::Glob(_) | Kind::NotGlob(_) | Kind::Regex(_) => kind::TEXT,
            Kind::Url(_) | Kind::Cidr(_) | Kind::Email(_) | Kind::TimeWindow(..) => kind::TEXT,
        }
    }

    /// What it is an `all` of, at any depth; itself, if it is none.
    pub(super) fn conjunction(&self) -> Vec<&Constraint> {
        match &self.0 {
            Kind::All(parts) => parts.iter().flat_map(Constraint::conjunction).collect(),
            _ => vec![self],
        }
    }

    /// Whether it is the empty set of values.
    pub(super) fn is_nothing(&self) -> bool {
        matches!(&self.0, Kind::OneOf(set) if set.len() == 0)
    }

    pub(super) fn finite(&self) -> Option<Finite<'_>> {
        match &self.0 {
            Kind::Exact(operand) => Some(Finite::One(&operand.0)),
            Kind::OneOf(set) => Some(Finite::Set(set)),
            _ => None,
        }
    }
}

/// What needs neither values nor automata: one part of the child is narrower by its operands.
fn is_quickly_narrower(parent: &Constraint, parts: &[&Constraint], steps: &mut Steps) -> bool {
    if !steps.take(JUDGE + 2 * parts.len()) {
        return false;
    }
    match &parent.0 {
        Kind::All(needed) => needed.iter().all(|parent| is_quickly_narrower(parent, parts, steps)),
        Kind::AnyOf(enough) => parts.contains(&parent) || enough.iter().any(|parent| is_quickly_narrower(parent, parts, steps)),
        Kind::TimeWindow(from, until) => is_within_window(*from, *until, parts),
        Kind::NotOneOf(set) => set.iter().all(|excluded| is_no_excess(parent, parts, excluded, steps)),
        _ => parts.iter().any(|part| *part == parent || is_narrower_by_operands(parent, part, steps)),
    }
}

fn is_narrower_by_operands(parent: &Constraint, child: &Constraint, steps: &mut Steps) -> bool {
    match (&parent.0, &child.0) {
        (Kind::Any, _) => true,
        (Kind::Range(outer), Kind::Range(inner)) => outer.encloses(inner),
        (Kind::Contains(outer), Kind::Contains(inner)) => steps.take(outer.len()) && outer.is_subset_of(inner),
        (Kind::Subset(outer), Kind::Subset(inner)) => steps.take(inner.len()) && inner.is_subset_of(outer),
        (Kind::Path(root), Kind::Path(below)) => is_at_or_below(below, root),
        // In a path, a star is a star.
        (Kind::Path(root), Kind::Glob(glob)) => glob.is_about_paths() && !root.contains(['*', '?']) && is_at_or_below(glob.text(), root),
        (Kind::Glob(glob), Kind::Path(root)) => {
            let below = if root == "/" { "/**".to_owned() } else { format!("{root}/**") };
            absorbs(glob.text(), root, steps) && absorbs(glob.text(), &below, steps)
        }
        (Kind::Glob(outer), Kind::Glob(inner)) => absorbs_glob(outer, inner, steps),
        // What matches less refuses more.
        (Kind::NotGlob(outer), Kind::NotGlob(inner)) if outer.is_about_paths() == inner.is_about_paths() => {
            absorbs_glob(inner, outer, steps)
        }
        (Kind::Cidr(outer), Kind::Cidr(inner)) => outer.encloses(inner),
        (Kind::Email(outer), Kind::Email(inner)) => steps.take(outer.set.len() * inner.set.len()) && outer.missing(inner, false).is_none(),
        (Kind::Url(outer), Kind::Url(inner)) => outer.widened_by(inner, steps).is_none(),
        (Kind::Length(least, most), Kind::Length(from, to)) => from >= least && most.is_none_or(|most| to.is_some_and(|to| to <= most)),
        _ => false,
    }
}

/// Paths are plain texts, so a glob about paths can be within one about plain texts.
fn absorbs_glob(outer: &TextPattern, inner: &TextPattern, steps: &mut Steps) -> bool {
    let within = inner.is_about_paths() || !outer.is_about_paths();
    within && absorbs(outer.text(), inner.text(), steps)
}

/// Whether the time windows among the parts leave nothing outside of this one.
fn is_within_window(from: Option<u64>, until: Option<u64>, parts: &[&Constraint]) -> bool {
    let (mut first, mut last) = (None::<u64>, None::<u64>);
    for part in parts {
        if let Kind::TimeWindow(from, until) = &part.0 {
            first = first.max(*from);
            last = match (last, *until) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
    }
    let empty = matches!((first, last), (Some(first), Some(last)) if first > last);
    let begins = from.is_none_or(|from| first.is_some_and(|first| first >= from));
    let ends = until.is_none_or(|until| last.is_some_and(|last| last <= until));
    empty || (begins && ends)
}
