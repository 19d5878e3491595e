//! The first nine types beside section 4.5 of draft-niyikiza-oauth-attenuating-agent-tokens-02: whatever its table calls a valid derived constraint is
//! narrower here, cell by cell; what is narrower here and not there is so in truth.

use std::collections::BTreeMap;

use ciborium::Value as Cbor;
use deputize::{Constraint, Value};
use deputize_tests::forge::bytes;
use deputize_tests::random;

const NAMES: [&str; 9] = ["wildcard", "exact", "range", "one_of", "not_one_of", "contains", "subset", "all", "any"];

fn parts(constraint: &Cbor) -> (usize, &[Cbor]) {
    let array = constraint.as_array().expect("an array");
    let kind = i128::from(array[0].as_integer().expect("a type"));
    (kind as usize, &array[1..])
}

fn elements(set: &Cbor) -> &[Cbor] {
    set.as_array().expect("a set")
}

fn is_subset(inner: &Cbor, outer: &Cbor) -> bool {
    elements(inner).iter().all(|value| elements(outer).contains(value))
}

fn number(value: &Cbor) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|integer| i128::from(integer) as f64))
}

/// Bounds as the draft has them: a missing one, or a number and whether it is included.
fn bounds(operands: &[Cbor]) -> [Option<(f64, bool)>; 2] {
    let open = operands.get(2).and_then(Cbor::as_integer).map_or(0, i128::from);
    [number(&operands[0]).map(|min| (min, open & 1 == 0)), number(&operands[1]).map(|max| (max, open & 2 == 0))]
}

fn tighter(inner: Option<(f64, bool)>, outer: Option<(f64, bool)>, sign: f64) -> bool {
    match (inner, outer) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some((inner, inner_in)), Some((outer, outer_in))) => {
            let beyond = sign * (inner - outer);
            beyond > 0.0 || (beyond == 0.0 && (outer_in || !inner_in))
        }
    }
}

/// The table of section 4.5: whether a parent subsumes a derived constraint.
fn draft(parent: &Cbor, derived: &Cbor) -> bool {
    let ((kind, operands), (below, given)) = (parts(parent), parts(derived));
    match (NAMES[kind], NAMES[below]) {
        ("wildcard", _) => true,
        ("exact", "exact") => operands == given,
        ("range", "range") => {
            let ([min, max], [least, most]) = (bounds(operands), bounds(given));
            tighter(least, min, 1.0) && tighter(most, max, -1.0)
        }
        ("range", "exact") => number(&given[0]).is_some_and(|value| {
            let [min, max] = bounds(operands);
            tighter(Some((value, true)), min, 1.0) && tighter(Some((value, true)), max, -1.0)
        }),
        ("one_of", "one_of") => !elements(&given[0]).is_empty() && is_subset(&given[0], &operands[0]),
        ("one_of", "exact") => elements(&operands[0]).contains(&given[0]),
        ("not_one_of", "not_one_of") | ("contains", "contains") => is_subset(&operands[0], &given[0]),
        ("subset", "subset") => is_subset(&given[0], &operands[0]),
        ("all", "all") => elements(&operands[0]).iter().all(|clause| elements(&given[0]).iter().any(|derived| draft(clause, derived))),
        ("any", "any") => elements(&given[0]).iter().all(|derived| elements(&operands[0]).iter().any(|clause| draft(clause, derived))),
        _ => false,
    }
}

/// A constraint of this type of the draft, with parts of the draft only.
fn constraint(rng: &mut fastrand::Rng, kind: usize) -> Cbor {
    loop {
        let made = random::constraint_of(rng, kind as i64, 1);
        let (_, operands) = parts(&made);
        if kind < 7 || elements(&operands[0]).iter().all(|part| parts(part).0 < 7) {
            return made;
        }
    }
}

#[test]
fn what_the_draft_allows_is_narrower_here() {
    let mut rng = fastrand::Rng::with_seed(45);
    let values: Vec<Value> = (0..200).map(|_| Value::decode(&bytes(&random::value(&mut rng))).unwrap()).collect();
    let mut cells: BTreeMap<(usize, usize), (usize, usize)> = BTreeMap::new();
    for round in 0..81 * 150 {
        let (row, column) = (round % 9, round / 9 % 9);
        let (parent, derived) = (constraint(&mut rng, row), constraint(&mut rng, column));
        // The same operands often, so that both answers are frequent.
        let derived = if row == column && round % 5 == 0 { parent.clone() } else { derived };
        let [above, below] = [&parent, &derived].map(|made| Constraint::decode(&bytes(made)).unwrap());
        let cell = cells.entry((row, column)).or_default();
        if draft(&parent, &derived) {
            cell.0 += 1;
            assert!(above.subsumes(&below), "{} {}: {below} within {above}", NAMES[row], NAMES[column]);
        } else if above.subsumes(&below) {
            cell.1 += 1;
            assert!(values.iter().all(|value| above.accepts(value) || !below.accepts(value)), "{below} within {above}");
        }
    }
    assert_eq!(cells.len(), 81);
    for (row, column) in (0..9).map(|at| (at, at)).chain((0..9).map(|at| (0, at))).chain([(2, 1), (3, 1)]) {
        assert!(cells[&(row, column)].0 > 0, "no valid pair of {} and {}", NAMES[row], NAMES[column]);
    }
    let (valid, more) = cells.values().fold((0, 0), |(valid, more), cell| (valid + cell.0, more + cell.1));
    println!("81 cells: {valid} pairs valid in the draft and here, {more} here alone");
}
