//! One of several processes that race for the same proofs, approvals and last units: see tests/redis/test_race.py.

use std::io::BufRead;

use deputize::{
    Arguments, Call, Code, Now, Operation, Outcome, RedisStore, Store, StoreKey, Timestamp, TrustAnchor, Verifier, VerifyingKey,
};
use serde_json::{Value, json};

fn main() {
    let words: Vec<String> = std::env::args().collect();
    let [_, address, path] = words.as_slice() else { panic!("an address and a scene") };
    let scene: Value = serde_json::from_slice(&std::fs::read(path).expect("the scene")).expect("json");
    let text = |name: &str| scene[name].as_str().expect(name).to_owned();
    let now = Now::from_millis(scene["now_ms"].as_u64().expect("now_ms")).expect("a time");
    let expires = Timestamp::from_secs(now.secs() + 60).expect("a time");
    let store = || RedisStore::new(address).expect("an address").begin(now);
    let issuer = VerifyingKey::from_did_key(&text("issuer")).expect("a key");
    let anchor = TrustAnchor::new("ana", &issuer).expect("an anchor");
    let (verifier, store) = (Verifier::new([anchor], &text("audience"), store()).expect("a verifier"), store());
    let arguments = Arguments::new(vec![]).expect("arguments");
    println!("ready");
    std::io::stdin().lock().lines().next();
    let (mut proofs, mut approvals, mut units) = (Vec::new(), Vec::new(), Vec::new());
    for (at, presentation) in scene["presentations"].as_array().expect("a list").iter().enumerate() {
        match verifier.authorize(presentation.as_str().expect("a text"), &Call::new("t", &arguments), now) {
            Ok(_) => proofs.push(at),
            Err(denied) => assert_eq!(denied.code(), Code::ProofReplayed, "{denied}"),
        }
        let key = |letter: u8, size: usize| {
            let mut bytes = vec![0; size];
            bytes[0] = letter;
            bytes[size - 4..].copy_from_slice(&(at as u32).to_be_bytes());
            StoreKey::from_bytes(&bytes).expect("a key")
        };
        let claim = Operation::Claim { key: key(b'a', 49), expires, since: now };
        let spend = Operation::Spend { key: key(b'b', 34), amount: 1, limit: 3, expires, since: now };
        for (won, operation) in [(&mut approvals, claim), (&mut units, spend)] {
            match store.commit(&[operation], now) {
                Outcome::Committed => won.push(at),
                answer => assert_eq!(answer, Outcome::Refused(0)),
            }
        }
    }
    println!("{}", json!({ "proofs": proofs, "approvals": approvals, "units": units }));
}
