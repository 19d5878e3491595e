//! Writes `tests/vectors/`. Keys, ids and times are fixed, so the files are the same every time; CI runs this and finds no difference.

use std::fs;
use std::path::Path;

use deputize::{Authorized, Denied, Verifier};
use deputize_tests::scenarios::{self, Scenario};
use deputize_tests::vector::{Decision, Earlier, Expected, Request, unhex};
use deputize_tests::verifier::{self, arguments, at, build, call};

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
    for (name, table) in deputize_tests::tables::all()
        .into_iter()
        .chain(deputize_tests::objects::all())
        .chain([deputize_tests::log::all(), deputize_tests::exports::all()])
    {
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
    let (config, request) = (scenario.config(), scenario.request());
    let verifier = build(&config);
    let mut before = Vec::new();
    for earlier in scenario.before {
        let mut other = scenario.clone();
        other.before = &[];
        (earlier.change)(&mut other);
        let request = other.request();
        match (authorize(&verifier, &request, other.now_ms), earlier.code) {
            (Err(denied), Some(code)) if denied.code().as_str() == code => {}
            (Ok(_), None) => {}
            (outcome, _) => return Err(format!("before: {}", told(&outcome))),
        }
        before.push(Earlier { now_ms: other.now_ms, request, code: earlier.code.map(Into::into) });
    }
    let mut operations = Vec::new();
    if scenario.with_operations && scenario.code.is_none() {
        let arguments = arguments(&request);
        let challenge = request.challenge.as_deref().map(unhex);
        match verifier.evaluate(&request.presentation, &call(&request, &arguments, challenge.as_deref()), at(scenario.now_ms)) {
            Ok(admissible) => operations = verifier::operations(admissible.transaction()),
            Err(denied) => return Err(denied.to_string()),
        }
    }
    if scenario.presented_before {
        let _ = authorize(&verifier, &request, scenario.now_ms);
    }
    let outcome = authorize(&verifier, &request, scenario.now_ms);
    let (code, link, record) = match &outcome {
        Ok(allowed) => (None, None, allowed.record()),
        Err(denied) => (Some(denied.code().as_str()), denied.link(), denied.record()),
    };
    if (code, link) != (scenario.code, scenario.link) {
        return Err(told(&outcome));
    }
    let expected = Expected {
        decision: if code.is_none() { "allow" } else { "deny" }.into(),
        code: code.map(Into::into),
        link,
        operations,
        record: record.to_json_with_arguments(),
        sentence: record.to_sentence(),
    };
    Ok(Decision {
        kind: "decision".into(),
        why: scenario.why.into(),
        verifier: config,
        now_ms: scenario.now_ms,
        request,
        presented_before: scenario.presented_before,
        before,
        expected,
    })
}

fn authorize(verifier: &Verifier, request: &Request, now_ms: u64) -> Result<Authorized, Denied> {
    let arguments = arguments(request);
    let challenge = request.challenge.as_deref().map(unhex);
    verifier.authorize(&request.presentation, &call(request, &arguments, challenge.as_deref()), at(now_ms))
}

fn told(outcome: &Result<Authorized, Denied>) -> String {
    outcome.as_ref().map_or_else(|denied| format!("{} {:?}: {denied}", denied.code().as_str(), denied.link()), |_| "allowed".into())
}
