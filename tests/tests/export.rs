//! The forms of other systems: the table, the rules of OCSF's schema, and that no form says more than the record.

use deputize::{Code, LogRecord};
use deputize_tests::errors_page::root;
use deputize_tests::exports::check_ocsf;
use serde_json::{Value as Json, json};

fn cases() -> Vec<Json> {
    let table: Json = serde_json::from_str(&std::fs::read_to_string(root().join("tests/vectors/export.json")).unwrap()).unwrap();
    let cases = table["cases"].as_array().unwrap().clone();
    assert!(cases.len() > 20);
    cases
}

fn text<'a>(case: &'a Json, member: &str) -> &'a str {
    case[member].as_str().unwrap_or_else(|| panic!("{member} in {case}"))
}

#[test]
fn every_record_has_the_forms_that_the_table_says() {
    for case in cases() {
        let (line, origin, sequence) = (text(&case, "record"), text(&case, "origin"), case["sequence"].as_u64().unwrap());
        let record = LogRecord::from_json(line).unwrap();
        let found = json!([
            record.to_act(),
            LogRecord::cloud_event(line, origin, sequence).unwrap(),
            record.to_ocsf(origin, sequence),
            record.to_telemetry()
        ]);
        assert_eq!(found, json!([case["act"], case["cloud_event"], case["ocsf"], case["telemetry"]]), "{line}");
    }
}

#[test]
fn every_form_is_canonical_json() {
    for case in cases() {
        for form in ["act", "cloud_event", "ocsf", "telemetry"] {
            let Some(text) = case[form].as_str() else { continue };
            assert_eq!(deputize::value_to_json(&deputize::value_from_json(text).unwrap()), text, "{form}");
        }
    }
}

#[test]
fn every_event_of_ocsf_keeps_the_rules_of_the_schema() {
    let mut kinds = std::collections::BTreeSet::new();
    for case in cases() {
        let record = LogRecord::from_json(text(&case, "record")).unwrap();
        let Some(event) = case["ocsf"].as_str() else {
            assert!(matches!(&*record.kind, "opened" | "signal"), "{case}");
            continue;
        };
        check_ocsf(&serde_json::from_str(event).unwrap()).unwrap_or_else(|error| panic!("{error}: {event}"));
        kinds.insert(record.kind);
    }
    assert_eq!(kinds.len(), 12);
}

#[test]
fn the_check_of_the_schema_refuses_what_it_should() {
    let event: Json = serde_json::from_str(text(&cases()[0], "ocsf")).unwrap();
    let with = |path: &str, value: Json| {
        let mut event = event.clone();
        *event.pointer_mut(path).unwrap() = value;
        check_ocsf(&event).unwrap_err()
    };
    assert!(with("/severity_id", json!(7)).contains("severity_id"));
    assert!(with("/time", json!("2026")).contains("time"));
    assert!(with("/actor", json!({})).contains("none of"));
    assert!(with("/type_uid", json!(600_301)).contains("type_uid"));
    assert!(with("/api", json!({ "operation": "a", "verb": "b" })).contains("no verb"));
    assert!(with("/metadata/product", json!({})).contains("none of"));
    let mut without = event;
    without.as_object_mut().unwrap().remove("src_endpoint");
    assert!(check_ocsf(&without).unwrap_err().contains("required"));
}

#[test]
fn nobody_is_named_as_the_actor_of_a_call_that_no_proof_is_of() {
    for case in cases() {
        let record: Json = serde_json::from_str(text(&case, "record")).unwrap();
        if record["kind"] != "decision" || record.get("proof").is_some() {
            continue;
        }
        assert!(case["act"].is_null());
        let event: Json = serde_json::from_str(text(&case, "ocsf")).unwrap();
        assert_eq!((&event["actor"]["user"], &event["src_endpoint"]), (&json!({ "name": "unknown" }), &json!({ "name": "unknown" })));
        assert!(event.get("ai_agent").is_none());
        let telemetry: Json = serde_json::from_str(text(&case, "telemetry")).unwrap();
        assert_eq!(telemetry["span"], "authorize");
        for name in ["enduser.id", "gen_ai.agent.id", "gen_ai.agent.name"] {
            assert!(telemetry["attributes"].get(name).is_none(), "{name}");
        }
    }
}

#[test]
fn what_is_no_record_is_malformed() {
    for record in [
        "",
        "[]",
        r#"["decision"]"#,
        "{}",
        r#"{"kind":1}"#,
        r#"{"kind":"x","kind":"y"}"#,
        r#"{"kind":"x","a":1,"a":2}"#,
        r#"{"kind":"x"} "#.repeat(2).as_str(),
    ] {
        assert_eq!(LogRecord::cloud_event(record, "o", 1).unwrap_err().code(), Code::Malformed, "{record}");
    }
    assert_eq!(LogRecord::cloud_event(r#"{"kind":"x"}"#, "", 1).unwrap_err().code(), Code::Malformed);
}

#[test]
fn a_record_with_more_holders_than_a_chain_has_is_no_act_and_ends_nothing() {
    let record = |holders: usize| {
        let chain = vec![json!({ "key": "k", "token": "t" }); holders];
        LogRecord::from_json(&json!({ "chain": chain, "decision": "allow", "kind": "decision", "proof": "p" }).to_string()).unwrap()
    };
    assert!(record(16).to_act().is_some());
    for holders in [17, 100_000] {
        let record = record(holders);
        assert_eq!(record.to_act(), None);
        assert!(record.to_ocsf("o", 1).is_none() && !record.to_telemetry().is_empty() && !record.to_sentence().is_empty());
    }
}

#[test]
fn a_proof_without_a_chain_proves_nobody() {
    let text = json!({ "decision": "allow", "kind": "decision", "principal": "ana", "proof": "p", "time": "2026-11-21T08:00:00.000Z", "tool": "deploy" });
    let record = LogRecord::from_json(&text.to_string()).unwrap();
    let event: Json = serde_json::from_str(&record.to_ocsf("o", 1).unwrap()).unwrap();
    assert_eq!(event["actor"]["user"], json!({ "name": "unknown" }));
    let telemetry: Json = serde_json::from_str(&record.to_telemetry()).unwrap();
    assert_eq!((&telemetry["span"], telemetry["attributes"].get("enduser.id")), (&"authorize".into(), None));
    assert!(record.to_sentence().contains("an unverified caller"));
}
