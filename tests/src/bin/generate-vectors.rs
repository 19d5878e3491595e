//! Writes `tests/vectors/`. Keys, ids and times are fixed, so the files are the same every time; CI runs this and finds no difference.

use std::fs;
use std::path::Path;

use deputize::{Arguments, Call, MemoryStore, Now, TrustAnchor, Value, Verifier, VerifyingKey, value_from_json};
use deputize_tests::forge::public;
use deputize_tests::scenarios::{self, AUDIENCE, Scenario};
use deputize_tests::vector::{Anchor, Config, Decision, Expected, Request, hex};

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let decisions = folder.join("decisions");
    fs::create_dir_all(&decisions).expect("the folder");
    for entry in fs::read_dir(&decisions).expect("the folder") {
        fs::remove_file(entry.expect("an entry").path()).expect("an old vector");
    }
    let scenarios = scenarios::all();
    let mut failed = 0;
    for scenario in &scenarios {
        match decide(scenario) {
            Ok(vector) => write(&decisions.join(format!("{}.json", scenario.name)), &vector),
            Err(outcome) => {
                failed += 1;
                eprintln!("{}: {outcome}", scenario.name);
            }
        }
    }
    assert_eq!(failed, 0, "scenarios without their outcome");
    for (name, table) in deputize_tests::tables::all() {
        write(&folder.join(name), &table);
    }
    println!("{} decisions", scenarios.len());
}

fn write(path: &Path, vector: &impl serde::Serialize) {
    let text = serde_json::to_string_pretty(vector).expect("json") + "\n";
    assert!(
        !path.exists() || path.parent().is_some_and(|folder| folder.ends_with("vectors")),
        "two vectors of one name: {}",
        path.display()
    );
    fs::write(path, text).expect("the vector");
}

/// Runs the scenario, and refuses an outcome that is not the one it names.
fn decide(scenario: &Scenario) -> Result<Decision, String> {
    let text = scenario.text();
    let key = VerifyingKey::from_bytes(&public(1)).expect("a key");
    let anchor = TrustAnchor::new("ana", &key).expect("an anchor");
    let anchor = if scenario.may_impersonate { anchor.allow_impersonation() } else { anchor };
    let created = Now::from_millis(scenario.store_created_ms).expect("a time");
    let verifier = Verifier::new([anchor], AUDIENCE, MemoryStore::new(10, created).expect("a store")).expect("a verifier");
    let Ok(Value::Map(entries)) = value_from_json(scenario.arguments) else { panic!("{}: arguments", scenario.name) };
    let arguments = Arguments::new(entries).expect("arguments");
    let call = Call { tool: scenario.tool, arguments: &arguments, challenge: scenario.challenge, context: scenario.context };
    let now = Now::from_millis(scenario.now_ms).expect("a time");
    let authorize = || verifier.authorize(&text, &call, now).map(|allowed| allowed.record().clone());
    if scenario.presented_before {
        let _ = authorize();
    }
    let outcome = authorize();
    let (code, link, record) = match &outcome {
        Ok(record) => (None, None, record),
        Err(denied) => (Some(denied.code().as_str()), denied.link(), denied.record()),
    };
    if (code, link) != (scenario.code, scenario.link) {
        return Err(outcome.as_ref().map_or_else(ToString::to_string, |_| "allowed".into()));
    }
    Ok(Decision {
        kind: "decision".into(),
        why: scenario.why.into(),
        verifier: Config {
            anchors: vec![Anchor { name: "ana".into(), key: hex(&public(1)), may_impersonate: scenario.may_impersonate }],
            audience: AUDIENCE.into(),
            store_created_ms: scenario.store_created_ms,
        },
        now_ms: scenario.now_ms,
        request: Request {
            presentation: text,
            tool: scenario.tool.into(),
            arguments: serde_json::from_str(scenario.arguments).expect("json"),
            challenge: scenario.challenge.map(hex),
            context: scenario.context.map(Into::into),
        },
        presented_before: scenario.presented_before,
        expected: Expected {
            decision: if code.is_none() { "allow" } else { "deny" }.into(),
            code: code.map(Into::into),
            link,
            record: record.to_json_with_arguments(),
            sentence: record.to_sentence(),
        },
    })
}
