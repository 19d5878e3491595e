//! Prints random pairs of constraints and a value with what is decided about them, one JSON object a line, for another implementation to agree with.
//!
//! `generate-pairs COUNT SEED`

use deputize::{Constraint, Value};
use deputize_tests::forge::bytes;
use deputize_tests::{random, vector::hex};
use serde_json::json;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().expect("a number"));
    let (count, seed) = (numbers.next().unwrap_or(100_000u64), numbers.next().unwrap_or(1));
    let mut rng = fastrand::Rng::with_seed(seed);
    for _ in 0..count {
        let [parent, child] = [2, 2].map(|depth| bytes(&random::any_constraint(&mut rng, depth)));
        let value = bytes(&random::value(&mut rng));
        let [above, below] = [&parent, &child].map(|bytes| Constraint::decode(bytes).expect("a constraint"));
        let of = Value::decode(&value).expect("a value");
        println!(
            "{}",
            json!({
                "parent": hex(&parent), "child": hex(&child), "narrower": above.subsumes(&below),
                "value": hex(&value), "parent_accepts": above.accepts(&of), "child_accepts": below.accepts(&of),
            })
        );
    }
}
