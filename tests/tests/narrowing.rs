//! Narrowing is sound: what a child accepts, its parent accepts. Random pairs over few values that sit on each other's edges.

use deputize::{ArgumentRules, Arguments, Constraint, Range, Value};
use deputize_tests::forge::bytes;
use deputize_tests::random;

/// How many pairs: ten thousand in the usual run; a number in `NARROWING_PAIRS` makes it longer.
fn pairs() -> usize {
    std::env::var("NARROWING_PAIRS").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

fn universe(rng: &mut fastrand::Rng) -> Vec<Value> {
    (0..400).map(|_| Value::decode(&bytes(&random::value(rng))).unwrap()).collect()
}

fn any(rng: &mut fastrand::Rng, depth: usize) -> Constraint {
    Constraint::decode(&bytes(&random::any_constraint(rng, depth))).unwrap()
}

#[test]
fn no_value_passes_a_narrower_child_and_fails_its_parent() {
    let mut rng = fastrand::Rng::with_seed(11);
    let values = universe(&mut rng);
    let (mut narrower, mut counted, mut shown) = (0, 0, 0);
    for round in 0..pairs() {
        // Each two types in turn, then composed ones.
        let kinds = [round as i64 % random::TYPES, round as i64 / random::TYPES % random::TYPES];
        let [parent, child] = if round % 2 == 0 {
            kinds.map(|kind| Constraint::decode(&bytes(&random::constraint_of(&mut rng, kind, 2))).unwrap())
        } else {
            [any(&mut rng, 2), any(&mut rng, 2)]
        };
        assert!(parent.subsumes(&parent), "{parent:?}");
        let found = parent.counterexample(&child);
        if parent.subsumes(&child) {
            narrower += 1;
            for value in &values {
                counted += usize::from(child.accepts(value));
                assert!(parent.accepts(value) || !child.accepts(value), "{value:?}: {child} is not within {parent}");
            }
            assert_eq!(found, None);
        } else if let Some(value) = found {
            shown += 1;
            assert!(child.accepts(&value) && !parent.accepts(&value), "{value:?}: {child} {parent}");
        }
    }
    println!("{} pairs, {narrower} narrower, {shown} counterexamples, 0 disagreements", pairs());
    assert!(narrower > pairs() / 20 && counted > pairs() && shown > pairs() / 2, "{narrower} narrower, {counted} values, {shown} shown");
}

#[test]
fn all_of_the_parent_and_more_is_always_narrower_than_the_parent() {
    let mut rng = fastrand::Rng::with_seed(12);
    for _ in 0..pairs() {
        let (parent, more) = (any(&mut rng, 2), any(&mut rng, 1));
        let both = Constraint::all(vec![more, parent.clone()]).unwrap();
        assert!(parent.subsumes(&both), "{parent:?} {both:?}");
    }
}

#[test]
fn what_two_constraints_both_allow_is_within_both() {
    let mut rng = fastrand::Rng::with_seed(15);
    let values = universe(&mut rng);
    let mut both = 0;
    for _ in 0..pairs() {
        let (a, b) = (any(&mut rng, 1), any(&mut rng, 1));
        let met = a.narrow(&b).unwrap();
        assert!(a.subsumes(&met), "{a}: {met} of {b}: {:?}", a.counterexample(&met));
        assert!(b.subsumes(&met), "{b}: {met} of {a}: {:?}", b.counterexample(&met));
        for value in &values {
            both += usize::from(met.accepts(value));
            assert_eq!(met.accepts(value), a.accepts(value) && b.accepts(value), "{value:?}: {a} and {b}: {met}");
        }
    }
    assert!(both > pairs(), "{both}");
}

#[test]
fn narrowing_is_transitive_in_what_it_accepts() {
    let mut rng = fastrand::Rng::with_seed(13);
    let values = universe(&mut rng);
    let mut chains = 0;
    for _ in 0..pairs() * 3 {
        let [a, b, c] = [any(&mut rng, 1), any(&mut rng, 1), any(&mut rng, 1)];
        if a.subsumes(&b) && b.subsumes(&c) {
            chains += 1;
            assert!(values.iter().all(|value| a.accepts(value) || !c.accepts(value)), "{a:?} {b:?} {c:?}");
        }
    }
    assert!(chains > pairs() / 100, "{chains}");
}

#[test]
fn encodings_survive_decoding_and_agree_with_an_independent_encoder() {
    let mut rng = fastrand::Rng::with_seed(14);
    for _ in 0..pairs() {
        let value = bytes(&random::value(&mut rng));
        assert_eq!(Value::decode(&value).unwrap().encode().unwrap(), value);
        let constraint = bytes(&random::any_constraint(&mut rng, 3));
        assert_eq!(Constraint::decode(&constraint).unwrap().encode(), constraint);
        let arguments = random::case(&mut rng).arguments;
        assert_eq!(Arguments::decode(&arguments).unwrap().encoding(), arguments);
    }
}

#[test]
fn a_star_in_a_path_is_a_star_and_no_wildcard() {
    let (path, glob) = (Constraint::path("/a*").unwrap(), Constraint::glob("/a*/x").unwrap());
    assert!(!path.subsumes(&glob) && !glob.subsumes(&Constraint::path("/a*/x").unwrap()));
    assert!(Constraint::glob("/a*").unwrap().accepts(&Value::from("/a*")) && !path.accepts(&Value::from("/ab")));
}

#[test]
fn honest_hops_are_within_the_budget() {
    let regex = |pattern| Constraint::regex(pattern).unwrap();
    for (parent, child) in [
        (regex("[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"), regex("[A-Za-z0-9]{1,39}/[A-Za-z0-9._-]{1,99}")),
        (regex("[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}"), regex("acme/[a-z-]{1,40}")),
        (regex(r"[\p{L}\p{N}]+"), regex(r"\p{Lu}+")),
        (regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:]+Z)?"), regex(r"2026-1[12]-[0-3][0-9]")),
        (Constraint::email(["*"]).unwrap(), regex(r"[a-z]+(\.[a-z]+)*@acme\.(com|org)")),
    ] {
        assert!(parent.subsumes(&child), "{child} within {parent}");
    }
}

#[test]
fn bytes_of_any_length_are_told_from_those_that_are_named() {
    for length in [0, 1, 255, 65_536] {
        let child = Constraint::not_one_of([Value::Bytes(vec![0; length])]).unwrap();
        let parts = [
            Constraint::one_of([Value::Null, Value::Bool(true), Value::Bool(false)]).unwrap(),
            Constraint::range(Range::at_most(0)).unwrap(),
            Constraint::range(Range::at_least(0)).unwrap(),
            Constraint::length(0, None).unwrap(),
            Constraint::fields(ArgumentRules::new()).unwrap(),
        ];
        let parent = Constraint::any_of(parts.to_vec()).unwrap();
        let found = parent.counterexample(&child);
        assert!(matches!(&found, Some(value @ Value::Bytes(_)) if child.accepts(value) && !parent.accepts(value)), "{length}: {found:?}");
    }
}

#[test]
fn what_was_asked_before_changes_no_answer() {
    let [parent, child] = ["[ab]{300}", "a{300}"].map(|pattern| Constraint::regex(pattern).unwrap());
    let before = parent.subsumes(&child);
    for constraint in [&parent, &child] {
        assert!(constraint.accepts(&Value::from("a".repeat(300))));
    }
    assert_eq!((before, parent.subsumes(&child)), (false, false));
    // The two patterns are paid for once, however often they are met.
    let [parent, child] = ["[ab]{40}", "a{40}"].map(|pattern| Constraint::regex(pattern).unwrap());
    assert!(Constraint::all(vec![parent.clone(), parent.clone()]).unwrap().subsumes(&child) && parent.subsumes(&child));
}
