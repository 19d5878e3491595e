//! Prints random calls with the decision about each, one JSON object a line, for another implementation to agree with.
//!
//! `generate-chains COUNT SEED`

use deputize::{Arguments, Call, MemoryStore, Now, TrustAnchor, Verifier, VerifyingKey};
use deputize_tests::forge::public;
use deputize_tests::scenarios::{AUDIENCE, NOW};
use deputize_tests::{random, vector::hex};
use serde_json::json;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().expect("a number"));
    let (count, seed) = (numbers.next().unwrap_or(10_000u64), numbers.next().unwrap_or(1));
    let mut rng = fastrand::Rng::with_seed(seed);
    let created = Now::from_millis((NOW - 100) * 1000).expect("a time");
    let anchor = TrustAnchor::new("ana", &VerifyingKey::from_bytes(&public(1)).expect("a key")).expect("an anchor");
    for _ in 0..count {
        let case = random::case(&mut rng);
        let verifier = Verifier::new([anchor.clone()], AUDIENCE, MemoryStore::new(1, created).expect("a store")).expect("a verifier");
        let arguments = Arguments::decode(&case.arguments).expect("arguments");
        let call = Call { context: case.context.as_deref(), ..Call::new(&case.tool, &arguments) };
        let now = Now::from_millis(case.now_ms).expect("a time");
        let (decision, code, link) = match verifier.authorize(&case.presentation, &call, now) {
            Ok(_) => ("allow", None, None),
            Err(denied) => ("deny", Some(denied.code().as_str()), denied.link()),
        };
        println!(
            "{}",
            json!({
                "op": "authorize", "anchors": [{"name": "ana", "key_hex": hex(&public(1)), "may_impersonate": false}], "audience": AUDIENCE,
                "store_created_ms": created.millis(), "now_ms": case.now_ms, "presentation_hex": hex(&case.presentation), "tool": case.tool,
                "arguments_hex": hex(&case.arguments), "challenge_hex": null, "context": case.context,
                "expected": {"decision": decision, "code": code, "link": link},
            })
        );
    }
}
