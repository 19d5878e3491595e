//! The table of records in the forms of other systems, and what the schema of OCSF says about the one of them.

use deputize::LogRecord;
use serde_json::{Value as Json, json};

use crate::log::jcs;

const ORIGIN: &str = "acme.example/calls";

/// The table, by the name of its file. What the forms say is this library's word; the reference makes `act` and `cloud_event` on its own, and the
/// test of OCSF checks by the rules of its schema.
#[must_use]
pub fn all() -> (&'static str, Json) {
    let mut cases: Vec<_> = records().into_iter().enumerate().map(|(at, record)| case(&jcs(&record), ORIGIN, at as u64 + 1)).collect();
    let odd = json!({ "kind": "opened", "origin": "//é:1/%", "time": "now", "version": 1 });
    cases.push(case(&jcs(&odd), "//é:1/%", 9_007_199_254_740_991));
    ("export.json", json!({ "kind": "export", "cases": cases }))
}

fn case(record: &str, origin: &str, sequence: u64) -> Json {
    let read = LogRecord::from_json(record).expect("a record");
    json!({
        "record": record, "origin": origin, "sequence": sequence,
        "act": read.to_act(),
        "cloud_event": LogRecord::cloud_event(record, origin, sequence).expect("a record"),
        "ocsf": read.to_ocsf(origin, sequence),
        "telemetry": read.to_telemetry(),
    })
}

const TIME: &str = "2026-11-21T08:00:00.123Z";
const AUDIENCE: &str = "https://tools.acme.example";

/// A key that is none: an export takes what the log says.
fn key(name: &str) -> String {
    format!("did:key:z6Mk{name}")
}

fn holder(name: Option<&str>, token: u8, reason: Option<&str>) -> Json {
    let mut holder = json!({ "key": key(name.unwrap_or("nameless")), "token": format!("{token:02x}").repeat(16) });
    if let Some(name) = name {
        holder["name"] = name.into();
    }
    if let Some(reason) = reason {
        holder["reason"] = reason.into();
    }
    holder
}

fn decision(more: Json) -> Json {
    let record = json!({
        "arguments_digest": "d0".repeat(32), "audience": AUDIENCE,
        "chain": [holder(Some("planner"), 1, Some("release 1.0")), holder(Some("coder"), 2, None)],
        "code": "allowed", "decision": "allow", "issuer": "ana", "issuer_key": key("ana"), "kind": "decision", "mode": "on_behalf_of",
        "principal": "ana", "proof": "0e".repeat(16), "session": "a0".repeat(16), "time": TIME, "tool": "github.update_pr", "version": 1,
    });
    merged(record, more)
}

/// With other members; a null takes one away.
fn merged(mut record: Json, more: Json) -> Json {
    let (Some(members), Json::Object(more)) = (record.as_object_mut(), more) else { return record };
    for (name, value) in more {
        if value.is_null() { drop(members.remove(&name)) } else { drop(members.insert(name, value)) }
    }
    record
}

fn event(kind: &str, more: Json) -> Json {
    merged(json!({ "kind": kind, "time": TIME, "version": 1 }), more)
}

fn records() -> Vec<Json> {
    let identity = |name: &str| json!({ "authority": "registry", "id": "1d".repeat(16), "kind": "agent", "name": name });
    let identified =
        |name: &str, token| merged(holder(Some("given"), token, None), json!({ "identity": identity(name), "key": key(name) }));
    let unproven = json!({ "proof": null, "code": "proof-signature-invalid", "decision": "deny" });
    let unverified = json!({ "chain": null, "issuer": null, "issuer_key": null, "mode": null, "principal": null, "session": null, "proof": null,
        "code": "signature-invalid", "decision": "deny" });
    let approved = json!([{ "approver": key("ben"), "id": "ab".repeat(16), "name": "Ben", "reason": "ok" }]);
    let three = [Some("planner"), Some("coder"), None].map(|name| holder(name, 3, Some("it is asked for")));
    vec![
        decision(json!({})),
        decision(
            json!({ "arguments": { "half": 0.5, "z": { "$bytes": "AQ" }, "é": null }, "context": "tenant:1", "task": "7a".repeat(32) }),
        ),
        decision(json!({ "chain": three, "approvals": approved })),
        decision(json!({ "by_identity": true, "chain": [identified("planner-7", 4), holder(Some("coder"), 5, None)] })),
        decision(json!({ "by_identity": true, "chain": [holder(None, 4, None), identified("coder-7", 5)] })),
        decision(json!({ "mode": "own_behalf", "principal": "planner", "chain": [holder(Some("planner"), 6, None)] })),
        decision(json!({ "mode": "own_behalf", "principal": "planner" })),
        decision(json!({ "mode": "impersonation", "chain": [holder(Some("planner"), 7, None)], "consent": "c0".repeat(16) })),
        decision(json!({ "code": "tool-not-allowed", "decision": "deny", "link": 1 })),
        decision(json!({ "code": "proof-replayed", "decision": "deny" })),
        decision(unproven),
        decision(unverified),
        decision(json!({ "tool": "a\"b\\ü\u{1f600}", "principal": "O'Neil, \"Ana\"" })),
        event(
            "issued",
            json!({ "by": key("ana"), "chain": [holder(Some("planner"), 1, None)], "expires": "2026-11-21T08:10:00Z", "issuer": "ana",
            "mode": "on_behalf_of", "principal": "ana", "session": "a0".repeat(16), "tools": ["read_file"] }),
        ),
        event(
            "delegated",
            json!({ "by": key("planner"), "chain": [holder(Some("planner"), 1, None), holder(Some("coder"), 2, Some("a part"))],
            "expires": "2026-11-21T08:10:00Z", "issuer": "ana", "mode": "on_behalf_of", "principal": "ana", "session": "a0".repeat(16), "tools": [] }),
        ),
        event(
            "approved",
            json!({ "arguments_digest": "d0".repeat(32), "audience": AUDIENCE, "by": key("ben"), "expires": "2026-11-21T08:05:00Z",
            "id": "ab".repeat(16), "name": "Ben", "reason": "ok", "request": "9e".repeat(32), "session": "a0".repeat(16), "tool": "deploy" }),
        ),
        event(
            "refused",
            json!({ "arguments_digest": "d0".repeat(32), "audience": AUDIENCE, "by": key("ben"), "expires": "2026-11-21T08:05:00Z",
            "id": "ac".repeat(16), "request": "9e".repeat(32), "session": "a0".repeat(16), "tool": "deploy" }),
        ),
        event(
            "consented",
            json!({ "audience": AUDIENCE, "expires": "2026-11-21T09:00:00Z", "holder": key("planner"), "id": "c0".repeat(16),
            "issuer": "ana", "principal": "ben" }),
        ),
        event(
            "identified",
            json!({ "authority": "registry", "expires": "2026-11-21T09:00:00Z", "id": "1d".repeat(16), "identity_kind": "agent",
            "key": key("coder-7"), "name": "coder-7", "state": "active" }),
        ),
        event(
            "revoked",
            json!({ "authority": "registry", "count": 2, "sequence": 7,
            "targets": [format!("token:{}", "01".repeat(16)), format!("suspended key:{}", key("coder"))] }),
        ),
        event("rotated", json!({ "name": "ana", "new": key("ana2"), "old": key("ana"), "overlap": 60 })),
        event("session_opened", json!({ "by": key("ana"), "issuer": "ana", "session": "a0".repeat(16) })),
        event(
            "outcome",
            json!({ "caller": key("coder"), "error": "timeout", "proof": "0e".repeat(16), "result": "failed",
            "session": "a0".repeat(16), "tool": "deploy" }),
        ),
        event("suppressed", json!({ "count": 12, "suppressed": { "malformed": 5, "signature-invalid": 7 } })),
        event("signal", json!({ "entry": 12, "signal": "proof-replay", "text": "coder sent a proof again" })),
        event("opened", json!({ "origin": ORIGIN })),
    ]
}

/// Whether an event keeps the rules of API Activity (6003) with the profile `ai_operation`, as far as this library writes them: names, requirements,
/// types and enums of `events/application/api_activity.json`, `events/base_event.json`, `profiles/ai_operation.json`, `dictionary.json` and the
/// objects named, of the schema's release 1.9.0. A member that the table does not have is refused, as one that the schema does not have.
///
/// # Errors
/// What is wrong, and where.
pub fn check_ocsf(event: &Json) -> Result<(), String> {
    check("event", event, "api_activity")?;
    let number = |name: &str| event[name].as_i64().unwrap_or(-1);
    if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
        return Err("type_uid is class_uid × 100 + activity_id".into());
    }
    if number("activity_id") == 99 && event["activity_name"].as_str().is_none_or(str::is_empty) {
        return Err("another activity without a name".into());
    }
    Ok(())
}

/// Name, whether it is required (`!`), and its type: `text`, `int`, `long`, `texts`, `any`, a list of allowed values, or an object's name.
type Attribute = (&'static str, &'static str);

const OBJECTS: [(&str, &[Attribute], &[&str]); 13] = [
    (
        "api_activity",
        &[
            ("activity_id!", "0 1 2 3 4 99"),
            ("activity_name", "text"),
            ("actor!", "actor"),
            ("ai_agent", "ai_agent"),
            ("api!", "api"),
            ("category_name", "text"),
            ("category_uid!", "6"),
            ("class_name", "text"),
            ("class_uid!", "6003"),
            ("count", "int"),
            ("delegation", "delegation"),
            ("message", "text"),
            ("metadata!", "metadata"),
            ("severity", "text"),
            ("severity_id!", "0 1 2 3 4 5 6 99"),
            ("src_endpoint!", "network_endpoint"),
            ("status", "text"),
            ("status_code", "text"),
            ("status_detail", "text"),
            ("status_id", "0 1 2 99"),
            ("time!", "long"),
            ("type_name", "text"),
            ("type_uid!", "600300 600301 600302 600303 600304 600399"),
            ("unmapped", "any"),
        ],
        &[],
    ),
    ("actor", &[("session", "session"), ("user", "user")], &["session", "user"]),
    ("ai_agent", &[("name", "text"), ("uid!", "text")], &[]),
    ("api", &[("operation!", "text"), ("request", "request"), ("service", "service")], &[]),
    ("delegation", &[("issuer_uid", "text"), ("parent_uid", "text"), ("uid!", "text")], &[]),
    (
        "metadata",
        &[
            ("event_code", "text"),
            ("log_name", "text"),
            ("original_time", "text"),
            ("product!", "product"),
            ("profiles", "texts"),
            ("uid", "text"),
            ("version!", "1.9.0"),
        ],
        &[],
    ),
    ("network_endpoint", &[("name", "text"), ("uid", "text")], &["name", "uid"]),
    ("product", &[("name", "text"), ("vendor_name", "text")], &["name"]),
    ("request", &[("uid!", "text")], &[]),
    ("service", &[("name", "text")], &["name"]),
    ("session", &[("issuer", "text"), ("uid", "text")], &[]),
    ("user", &[("name", "text"), ("uid", "text")], &["name", "uid"]),
    ("any", &[], &[]),
];

fn check(at: &str, value: &Json, kind: &str) -> Result<(), String> {
    let Some((_, attributes, at_least_one)) = OBJECTS.iter().find(|(name, ..)| *name == kind) else {
        let is_right = match kind {
            "text" => value.is_string(),
            "texts" => value.as_array().is_some_and(|texts| texts.iter().all(Json::is_string)),
            "int" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "long" => value.is_i64(),
            values => values.split(' ').any(|one| value.to_string().trim_matches('"') == one),
        };
        return if is_right { Ok(()) } else { Err(format!("{at}: {value} is not {kind}")) };
    };
    let members = value.as_object().ok_or_else(|| format!("{at}: {value} is no object"))?;
    if kind == "any" {
        return Ok(());
    }
    for (name, value) in members {
        let (_, kind) = attributes
            .iter()
            .find(|(known, _)| known.trim_end_matches('!') == name)
            .ok_or_else(|| format!("{at}: the schema has no {name}"))?;
        check(&format!("{at}.{name}"), value, kind)?;
    }
    for (name, _) in attributes.iter().filter(|(name, _)| name.ends_with('!')) {
        if !members.contains_key(name.trim_end_matches('!')) {
            return Err(format!("{at}: {name} is required"));
        }
    }
    if !at_least_one.is_empty() && !at_least_one.iter().any(|name| members.contains_key(*name)) {
        return Err(format!("{at}: none of {at_least_one:?}"));
    }
    Ok(())
}
