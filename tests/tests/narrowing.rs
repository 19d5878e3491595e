//! Narrowing is sound: what a child accepts, its parent accepts. Random pairs over few values that sit on each other's edges.

use deputize::{Arguments, Constraint, Value};
use deputize_tests::forge::bytes;
use deputize_tests::random;

/// How many pairs: ten thousand in the usual run; a number in `NARROWING_PAIRS` makes it longer.
fn pairs() -> usize {
    std::env::var("NARROWING_PAIRS").ok().and_then(|number| number.parse().ok()).unwrap_or(10_000)
}

fn universe(rng: &mut fastrand::Rng) -> Vec<Value> {
    (0..60).map(|_| Value::decode(&bytes(&random::value(rng))).unwrap()).collect()
}

#[test]
fn no_value_passes_a_narrower_child_and_fails_its_parent() {
    let mut rng = fastrand::Rng::with_seed(11);
    let values = universe(&mut rng);
    let (mut narrower, mut counted) = (0, 0);
    for _ in 0..pairs() {
        let [parent, child] = [2, 2].map(|depth| Constraint::decode(&bytes(&random::any_constraint(&mut rng, depth))).unwrap());
        assert!(parent.subsumes(&parent), "{parent:?}");
        if !parent.subsumes(&child) {
            continue;
        }
        narrower += 1;
        for value in &values {
            counted += usize::from(child.accepts(value));
            assert!(parent.accepts(value) || !child.accepts(value), "{value:?}: {child:?} is not within {parent:?}");
        }
    }
    assert!(narrower > pairs() / 20 && counted > pairs(), "{narrower} narrower, {counted} values");
}

#[test]
fn all_of_the_parent_and_more_is_always_narrower_than_a_plain_parent() {
    let mut rng = fastrand::Rng::with_seed(12);
    for _ in 0..pairs() {
        let parent = Constraint::decode(&bytes(&random::any_constraint(&mut rng, 0))).unwrap();
        let more = Constraint::decode(&bytes(&random::any_constraint(&mut rng, 1))).unwrap();
        let both = Constraint::all(vec![parent.clone(), more]).unwrap();
        assert!(parent.subsumes(&both), "{parent:?} {both:?}");
    }
}

#[test]
fn narrowing_is_transitive_in_what_it_accepts() {
    let mut rng = fastrand::Rng::with_seed(13);
    let values = universe(&mut rng);
    let mut chains = 0;
    for _ in 0..pairs() * 3 {
        let [a, b, c] = [1, 1, 1].map(|depth| Constraint::decode(&bytes(&random::any_constraint(&mut rng, depth))).unwrap());
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
