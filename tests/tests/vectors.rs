//! Runs every vector in `tests/vectors/`; a file that is not known, an unexpected success and a wrong code fail.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use deputize::{
    Arguments, Authorized, Checkpoint, CheckpointPolicy, Code, Constraint, Denied, Digest, LogCheck, NoteKey, Signer, SigningKey, Value,
    Verifier, VerifyingKey, verify_receipt,
};
use deputize_tests::readers::Setting;
use deputize_tests::vector::{Decision, Request, Trust, hex, unhex};
use deputize_tests::verifier::{arguments, at, build, call, operations, trust};
use serde_json::{Value as Json, json};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

fn table(name: &str) -> Json {
    serde_json::from_str(&fs::read_to_string(folder().join(name)).unwrap()).unwrap()
}

fn cases(name: &str) -> Vec<Json> {
    let cases = table(name)["cases"].as_array().unwrap().clone();
    assert!(!cases.is_empty());
    cases
}

fn text<'a>(case: &'a Json, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_else(|| panic!("{member} in {case}"))
}

#[test]
fn every_file_of_the_folder_is_known() {
    let files: BTreeSet<String> = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let known = [
        "README.md",
        "accepts.json",
        "arguments.json",
        "codes.json",
        "constraints.json",
        "contexts.json",
        "decisions",
        "export.json",
        "keys.json",
        "log.json",
        "narrow.json",
        "narrower.json",
        "objects.json",
        "updates.json",
        "values.json",
    ];
    assert_eq!(files, known.into_iter().map(String::from).collect());
}

#[test]
fn every_decision_is_the_expected_one_cold_and_warm() {
    let mut count = 0;
    for entry in fs::read_dir(folder().join("decisions")).unwrap() {
        let path = entry.unwrap().path();
        let vector: Decision =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(vector.kind, "decision");
        decide(&vector, &path.display().to_string());
        count += 1;
    }
    assert!(count >= 400, "{count}");
}

fn decide(vector: &Decision, name: &str) {
    let verifier = after_what_was_before(vector, name);
    let authorize = || request(&verifier, &vector.request, vector.now_ms);
    if vector.presented_before {
        let _ = authorize();
    }
    let (record, code, link) = match authorize() {
        Ok(allowed) => (allowed.record().clone(), None, None),
        Err(denied) => (denied.record().clone(), Some(denied.code().as_str().to_owned()), denied.link()),
    };
    assert_eq!((code.clone(), link), (vector.expected.code.clone(), vector.expected.link), "{name}");
    assert_eq!(vector.expected.decision, if code.is_none() { "allow" } else { "deny" }, "{name}");
    assert_eq!(record.to_json_with_arguments(), vector.expected.record, "{name}");
    assert_eq!(record.to_sentence(), vector.expected.sentence, "{name}");
    // Again, now that whatever was verified is remembered: an allowed call is a replay, and every denial stays the same.
    let again = authorize().expect_err(name);
    assert_eq!(again.code().as_str(), code.as_deref().unwrap_or("proof-replayed"), "{name}: warm");
    if !vector.expected.operations.is_empty() {
        let verifier = after_what_was_before(vector, name);
        let arguments = arguments(&vector.request);
        let challenge = vector.request.challenge.as_deref().map(unhex);
        let call = call(&vector.request, &arguments, challenge.as_deref());
        let admissible = verifier.evaluate(&vector.request.presentation, &call, at(vector.now_ms)).expect(name);
        assert_eq!(operations(admissible.transaction()), vector.expected.operations, "{name}");
    }
}

fn request(verifier: &Verifier, request: &Request, now_ms: u64) -> Result<Authorized, Denied> {
    let arguments = arguments(request);
    let challenge = request.challenge.as_deref().map(unhex);
    verifier.authorize(&request.presentation, &call(request, &arguments, challenge.as_deref()), at(now_ms))
}

fn after_what_was_before(vector: &Decision, name: &str) -> Verifier {
    let verifier = build(&vector.verifier);
    for earlier in &vector.before {
        let code = request(&verifier, &earlier.request, earlier.now_ms).err().map(|denied| denied.code().as_str());
        assert_eq!(code, earlier.code.as_deref(), "{name}: before");
    }
    verifier
}

#[test]
fn signed_objects_are_read_or_refused_as_the_table_says() {
    let table = table("objects.json");
    for case in table["cases"].as_array().unwrap() {
        match Setting(&table).read(text(case, "object"), &unhex(text(case, "hex"))) {
            Ok(claims) => assert_eq!(Some(&claims), case.get("claims"), "{case}"),
            Err(error) => assert_eq!(Some(error.code().as_str()), case["code"].as_str(), "{case}"),
        }
    }
}

#[test]
fn a_trust_state_takes_or_refuses_each_update_as_the_table_says() {
    for case in cases("updates.json") {
        let described: Trust = serde_json::from_value(case["trust"].clone()).unwrap();
        assert!(!described.updates.is_empty());
        let _ = trust(&described);
    }
}

fn keys(case: &Json, member: &str) -> Vec<NoteKey> {
    case[member].as_array().into_iter().flatten().map(|key| NoteKey::from_text(key.as_str().unwrap()).unwrap()).collect()
}

#[test]
fn logs_are_checked_as_the_table_says() {
    for case in cases("log.json") {
        let anchors = case["checkpoints"].as_array().unwrap().iter();
        let anchors = anchors.map(|anchor| {
            let root = Digest::try_from_slice(&unhex(text(anchor, "root"))).unwrap();
            Checkpoint::new("acme.example/calls", anchor["size"].as_u64().unwrap(), root).unwrap()
        });
        let mut check = LogCheck::new(anchors);
        match check.push(text(&case, "log").as_bytes()).and_then(|()| check.finish()) {
            Ok(report) => {
                let root = report.head.root().to_string();
                let found = json!([report.head.size(), root, report.anchored, report.steps_back, report.first_step_back]);
                assert_eq!(
                    found,
                    json!([case["size"], case["root"], case["anchored"], case["steps_back"], case["first_step_back"]]),
                    "{case}"
                );
            }
            Err(error) => assert_eq!(json!([error.code().as_str(), error.entry()]), json!([case["code"], case["entry"]]), "{case}"),
        }
    }
}

#[test]
fn checkpoints_and_receipts_count_or_not_as_the_table_says() {
    let table = table("log.json");
    for case in table["notes"].as_array().unwrap() {
        let policy = CheckpointPolicy::new(keys(case, "keys")).unwrap();
        let policy = match case["count"].as_u64().unwrap() as usize {
            0 => policy,
            count => policy.with_witnesses(count, keys(case, "witnesses")).unwrap(),
        };
        match policy.verify(text(case, "note"), at(case["now_ms"].as_u64().unwrap())) {
            Ok(found) => {
                let found = json!([found.origin(), found.size(), found.root().to_string()]);
                assert_eq!(found, json!([case["origin"], case["size"], case["root"]]), "{case}");
            }
            Err(error) => assert_eq!(Some(error.code().as_str()), case["code"].as_str(), "{case}"),
        }
    }
    for case in table["receipts"].as_array().unwrap() {
        let policy = CheckpointPolicy::new(keys(case, "keys")).unwrap();
        let verified = verify_receipt(text(case, "receipt"), text(case, "line"), &policy, at(case["now_ms"].as_u64().unwrap()));
        assert_eq!(verified.err().map(|error| error.code().as_str()), case["code"].as_str(), "{case}");
    }
}

#[test]
fn values_decode_strictly_and_encode_to_the_same_bytes() {
    for case in cases("values.json") {
        let bytes = unhex(text(&case, "hex"));
        match (Value::decode(&bytes), case.get("json")) {
            (Ok(value), Some(json)) => {
                assert_eq!(deputize::value_to_json(&value), json.as_str().unwrap());
                assert_eq!(deputize::value_from_json(json.as_str().unwrap()).unwrap().encode().unwrap(), bytes, "{case}");
                assert_eq!(value.encode().unwrap(), bytes, "{case}");
            }
            (Err(error), None) => assert_eq!(error.code().as_str(), text(&case, "code"), "{case}"),
            (outcome, _) => panic!("{case}: {outcome:?}"),
        }
    }
}

#[test]
fn arguments_have_one_encoding_and_one_digest() {
    for case in cases("arguments.json") {
        let Value::Map(entries) = deputize::value_from_json(text(&case, "json")).unwrap() else { panic!("{case}") };
        match Arguments::new(entries) {
            Ok(arguments) => {
                assert_eq!(hex(arguments.encoding()), text(&case, "encoding"));
                assert_eq!(arguments.digest().to_string(), text(&case, "digest"));
            }
            Err(error) => assert_eq!(error.code().as_str(), text(&case, "code"), "{case}"),
        }
    }
}

#[test]
fn contexts_are_joined_as_the_table_says() {
    for case in cases("contexts.json") {
        match deputize::join_contexts(case["contexts"].as_array().unwrap().iter().map(serde_json::Value::as_str)) {
            Ok(joined) => assert!(case["code"].is_null() && case["joined"].as_str() == joined, "{case}"),
            Err(error) => assert_eq!(error.code().as_str(), text(&case, "code"), "{case}"),
        }
    }
}

#[test]
fn constraints_decode_accept_and_narrow_as_the_tables_say() {
    for case in cases("constraints.json") {
        let bytes = unhex(text(&case, "hex"));
        match Constraint::decode(&bytes) {
            Ok(constraint) => assert!(case["code"].is_null() && constraint.encode() == bytes, "{case}"),
            Err(error) => assert_eq!(Some(error.code().as_str()), case["code"].as_str(), "{case}"),
        }
    }
    for case in cases("accepts.json") {
        let constraint = Constraint::decode(&unhex(text(&case, "constraint"))).unwrap();
        let value = deputize::value_from_json(text(&case, "value")).unwrap();
        assert_eq!(constraint.accepts(&value), case["accepts"].as_bool().unwrap(), "{case}");
    }
    for case in cases("narrower.json") {
        let [parent, child] = ["parent", "child"].map(|side| Constraint::decode(&unhex(text(&case, side))).unwrap());
        assert_eq!(parent.subsumes(&child), case["narrower"].as_bool().unwrap(), "{case}");
        assert!(parent.subsumes(&parent) && child.subsumes(&child), "{case}");
    }
    for case in cases("narrow.json") {
        let [a, b] = ["a", "b"].map(|side| Constraint::decode(&unhex(text(&case, side))).unwrap());
        assert_eq!(hex(&a.narrow(&b).unwrap().encode()), text(&case, "meet"), "{case}");
    }
}

#[test]
fn keys_have_every_form_that_the_table_says() {
    for case in cases("keys.json") {
        let key = SigningKey::try_from_seed_slice(&unhex(text(&case, "seed"))).unwrap();
        let public = key.verifying_key();
        assert_eq!(hex(public.as_bytes()), text(&case, "public"));
        assert_eq!(public.did_key(), text(&case, "did_key"));
        assert_eq!(public.to_jwk(), text(&case, "jwk"));
        assert_eq!(public.thumbprint(), text(&case, "thumbprint"));
        assert_eq!(public.to_pem(), text(&case, "public_pem"));
        assert_eq!(key.to_pem().as_str(), text(&case, "pem"));
        assert_eq!(key.to_jwk().as_str(), text(&case, "private_jwk"));
        assert_eq!(hex(&key.sign(text(&case, "message").as_bytes()).unwrap()), text(&case, "signature"));
        for read in [
            VerifyingKey::from_did_key(text(&case, "did_key")),
            VerifyingKey::from_jwk(text(&case, "jwk")),
            VerifyingKey::from_pem(text(&case, "public_pem")),
            SigningKey::from_pem(text(&case, "pem")).map(|key| key.verifying_key().clone()),
            SigningKey::from_jwk(text(&case, "private_jwk")).map(|key| key.verifying_key().clone()),
        ] {
            assert_eq!(&read.unwrap(), public);
        }
    }
    for case in table("keys.json")["invalid"].as_array().unwrap() {
        assert_eq!(VerifyingKey::try_from_slice(&unhex(text(case, "hex"))).unwrap_err().code(), Code::KeyInvalid, "{case}");
    }
}

#[test]
fn the_table_of_codes_is_this_one() {
    let codes = table("codes.json");
    let listed: Vec<&str> = codes["codes"].as_array().unwrap().iter().map(|code| text(code, "code")).collect();
    assert_eq!(listed, Code::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>());
}
