//! Signals: each rule by itself, and all of them on 100,000 calls with events that were planted.

use std::time::Instant;

use deputize::{Code, LogRecord, Signal, Signals, Thresholds};
use deputize_tests::errors_page::root;
use fastrand::Rng;
use serde_json::{Value as Json, json};

const START: u64 = 1_795_248_000_000;

fn time(millis: u64) -> String {
    deputize::Now::from_millis(START + millis).unwrap().to_rfc3339()
}

fn call(at: u64, agent: &str, tool: &str) -> Json {
    json!({
        "audience": "https://tools.acme.example", "code": "allowed", "decision": "allow", "issuer": "ana", "issuer_key": "did:key:ana",
        "chain": [{ "key": "did:key:planner", "name": "planner", "token": "01" }, { "key": format!("did:key:{agent}"), "name": agent, "token": "02" }],
        "kind": "decision", "mode": "on_behalf_of", "principal": "ana", "proof": "0e", "session": "a0", "time": time(at), "tool": tool, "version": 1,
    })
}

fn with(mut record: Json, members: Json) -> Json {
    for (name, value) in members.as_object().unwrap() {
        if value.is_null() { drop(record.as_object_mut().unwrap().remove(name)) } else { record[name] = value.clone() }
    }
    record
}

fn denied(at: u64, agent: &str, code: &str) -> Json {
    with(call(at, agent, "deploy"), json!({ "code": code, "decision": "deny" }))
}

fn unproven(at: u64) -> Json {
    with(denied(at, "x", "signature-invalid"), json!({ "chain": null, "proof": null }))
}

fn approved(at: u64, by: &str) -> Json {
    json!({ "by": by, "kind": "approved", "time": time(at), "tool": "deploy", "version": 1 })
}

fn observe(signals: &mut Signals, record: &Json, sequence: u64) -> Vec<Signal> {
    signals.observe(&LogRecord::from_json(&record.to_string()).unwrap(), sequence)
}

fn kinds(thresholds: Thresholds, records: &[Json]) -> Vec<(u64, &'static str)> {
    let mut signals = Signals::new(thresholds).unwrap();
    let found = records.iter().enumerate().flat_map(|(at, record)| observe(&mut signals, record, at as u64));
    found.collect::<Vec<_>>().iter().map(|signal| (signal.entry(), signal.kind())).collect()
}

fn at_once() -> Thresholds {
    Thresholds::new().learning(0)
}

#[test]
fn an_agent_a_path_and_a_tool_are_new_once() {
    let other_path = with(call(4, "coder", "read"), json!({ "issuer": "ben" }));
    let refused = with(call(5, "coder", "drop"), json!({ "code": "tool-not-allowed", "decision": "deny" }));
    let records = [
        call(0, "coder", "read"),
        call(1, "coder", "read"),
        call(2, "coder", "write"),
        call(3, "coder", "write"),
        other_path.clone(),
        other_path,
        refused.clone(),
        refused,
        call(6, "coder", "drop"),
    ];
    assert_eq!(kinds(at_once(), &records), [(0, "new-agent"), (2, "new-tool"), (4, "new-path"), (8, "new-tool")]);
}

#[test]
fn nothing_is_new_among_the_calls_that_are_learnt_from() {
    let records = [call(0, "a", "read"), call(1, "b", "read"), call(2, "a", "write"), call(3, "b", "read"), call(4, "b", "write")];
    assert_eq!(kinds(Thresholds::new().learning(3), &records), [(4, "new-tool")]);
}

#[test]
fn an_agent_with_a_new_key_is_the_same_by_its_identity() {
    let identified = |key: &str, name: &str| {
        let identity = json!({ "authority": "registry", "id": "1d", "kind": "agent", "name": name });
        with(call(0, "x", "read"), json!({ "by_identity": true, "chain": [{ "key": key, "token": "01", "identity": identity }] }))
    };
    let records = [identified("did:key:1", "coder"), identified("did:key:2", "coder"), identified("did:key:2", "tester")];
    assert_eq!(kinds(at_once(), &records), [(0, "new-agent"), (2, "new-agent")]);
}

#[test]
fn callers_who_proved_nothing_are_never_new() {
    let copied = with(denied(0, "coder", "proof-signature-invalid"), json!({ "proof": null }));
    assert_eq!(kinds(at_once(), &[copied, unproven(1)]), []);
}

#[test]
fn a_burst_is_told_once_and_counts_each_agent_by_itself_and_the_unproven_together() {
    let thresholds = || Thresholds::new().denials(3, 10);
    let of = |times: &[(u64, &str)]| times.iter().map(|(at, agent)| denied(at * 1000, agent, "argument-refused")).collect::<Vec<_>>();
    assert_eq!(kinds(thresholds(), &of(&[(0, "a"), (1, "b"), (2, "a"), (3, "a"), (4, "a"), (5, "a")])), [(3, "denial-burst")]);
    assert_eq!(kinds(thresholds(), &of(&[(0, "a"), (5, "a"), (11, "a"), (16, "a"), (22, "a")])), []);
    assert_eq!(kinds(thresholds(), &[unproven(0), denied(1, "a", "argument-refused"), unproven(2), unproven(3)]), [(3, "denial-burst")]);
    let suppressed = json!({ "count": 50, "kind": "suppressed", "suppressed": { "malformed": 50 }, "time": time(0), "version": 1 });
    assert_eq!(kinds(thresholds(), &[suppressed]), [(0, "denial-burst")]);
}

#[test]
fn a_replay_and_each_use_of_what_was_revoked_are_told() {
    let revoked = |targets: &[&str]| json!({ "count": 1, "kind": "revoked", "targets": targets, "time": time(0), "version": 1 });
    let records = [
        denied(0, "a", "proof-replayed"),
        denied(0, "a", "token-revoked"),
        denied(0, "a", "session-closed"),
        revoked(&["pending key:did:key:b", "suspended key:did:key:c", "token:77"]),
        call(1, "a", "read"),
        call(1, "b", "read"),
        call(1, "c", "read"),
        revoked(&["active key:did:key:c", "session:a0"]),
        with(call(2, "c", "read"), json!({ "session": "b1" })),
        call(2, "c", "read"),
    ];
    let used = "use-after-revocation";
    assert_eq!(kinds(Thresholds::new(), &records), [(0, "proof-replay"), (1, used), (2, used), (6, used), (9, used)]);
}

#[test]
fn approvals_of_one_approver_that_come_too_fast_are_told() {
    let records =
        [approved(0, "x"), approved(1000, "y"), approved(2000, "x"), approved(12_001, "x"), approved(12_002, "x"), approved(12_003, "x")];
    assert_eq!(kinds(Thresholds::new(), &records), [(5, "rapid-approvals")]);
    assert_eq!(kinds(Thresholds::new().approvals(2, 2), &records), [(2, "rapid-approvals"), (4, "rapid-approvals")]);
}

#[test]
fn more_signals_than_the_pace_are_counted_in_the_next() {
    let mut signals = Signals::new(Thresholds::new().most_per_minute(2).denials(256, 1)).unwrap();
    let mut told = Vec::new();
    for at in 0..10 {
        told.extend(observe(&mut signals, &denied(at, "a", "proof-replayed"), at));
    }
    assert_eq!(told.len(), 2);
    let next = observe(&mut signals, &denied(60_000, "a", "proof-replayed"), 10);
    assert!(next[0].text().ends_with("; 8 more of these were not told before"), "{}", next[0].text());
}

#[test]
fn a_signal_is_a_record_of_its_kind() {
    let mut signals = Signals::new(at_once()).unwrap();
    let hostile = call(0, "a\u{202e}\"\n", "read");
    let found = observe(&mut signals, &hostile, 7);
    let line = found[0].to_json();
    assert_eq!(
        line,
        format!(
            r#"{{"entry":7,"kind":"signal","signal":"new-agent","text":"a\\u{{202e}}\"\\u{{a}} never called before; now it called read","time":"{}","version":1}}"#,
            time(0)
        )
    );
    let read = LogRecord::from_json(&line).unwrap();
    assert_eq!((read.entry, read.signal.as_deref(), read.text.as_deref()), (Some(7), Some("new-agent"), Some(found[0].text())));
    assert_eq!(observe(&mut signals, &serde_json::from_str(&line).unwrap(), 8), []);
}

#[test]
fn thresholds_outside_their_bounds_are_refused() {
    for thresholds in [
        Thresholds::new().capacity(15),
        Thresholds::new().capacity((1 << 20) + 1),
        Thresholds::new().denials(1, 60),
        Thresholds::new().denials(257, 60),
        Thresholds::new().approvals(3, 0),
        Thresholds::new().approvals(3, 86_401),
        Thresholds::new().most_per_minute(0),
        Thresholds::new().most_per_minute(10_001),
    ] {
        assert_eq!(Signals::new(thresholds).unwrap_err().code(), Code::ConfigInvalid);
    }
}

#[test]
fn records_that_make_no_sense_make_no_trouble() {
    let mut signals = Signals::new(at_once()).unwrap();
    for record in ["{}", r#"{"kind":"decision"}"#, r#"{"kind":"approved"}"#, r#"{"kind":"revoked","targets":["","active "]}"#] {
        for record in [record.to_owned(), record.replace('}', r#","time":"0000-01-01T00:00:00Z"}"#).replace("{,", "{")] {
            signals.observe(&LogRecord::from_json(&record).unwrap(), u64::MAX);
        }
    }
}

/// A day of forty agents, with their habits; what is planted is in it once each.
struct Trace {
    rng: Rng,
    now: u64,
    records: Vec<Json>,
    /// What has to be told, and about which entries.
    planted: Vec<(&'static str, std::ops::Range<u64>)>,
}

impl Trace {
    fn push(&mut self, record: Json) -> u64 {
        self.records.push(record);
        self.records.len() as u64 - 1
    }

    fn plant(&mut self, kind: &'static str, records: Vec<Json>) {
        let first = self.records.len() as u64;
        self.records.extend(records);
        self.planted.push((kind, first..self.records.len() as u64));
    }

    /// One of its five tools, the first ones more often; seldom one that any agent may use.
    fn habit(&mut self) -> Json {
        let agent = self.rng.usize(..40);
        let tool =
            if self.rng.usize(..5000) == 0 { self.rng.usize(..30) } else { (agent + self.rng.usize(..5).min(self.rng.usize(..5))) % 30 };
        let mut record = call(self.now, &format!("agent-{agent}"), &format!("tool-{tool}"));
        if self.rng.usize(..4) == 0 {
            record["issuer"] = "ben".into();
        }
        match self.rng.usize(..200) {
            0 | 1 => with(record, json!({ "code": "argument-refused", "decision": "deny" })),
            2 => unproven(self.now),
            _ => record,
        }
    }

    /// What is just within the thresholds, or looks like something and is nothing: whatever is told of it is a false alarm.
    fn ordinary(&mut self, number: usize) {
        let (now, name) = (self.now, format!("ordinary-{number}"));
        let agent = format!("agent-{}", self.rng.usize(..40));
        let revoked = |target: String| json!({ "count": 1, "kind": "revoked", "targets": [target], "time": time(now), "version": 1 });
        let records: Vec<_> = match number % 6 {
            0 => (0..15).map(|at| denied(now + at * 1000, &agent, "argument-refused")).collect(),
            1 => (0..30).map(|at| denied(now + at * 3500, &agent, "argument-refused")).collect(),
            2 => (0..15).map(|at| unproven(now + at * 1000)).collect(),
            3 => (0..6).map(|at| approved(now + at * 6000, "did:key:cleo")).collect(),
            4 => vec![with(call(now, &agent, &name), json!({ "code": "tool-not-allowed", "decision": "deny" }))],
            _ => {
                let session = format!("session:{name}");
                let used = with(call(now, "agent-1", "tool-1"), json!({ "session": name }));
                vec![revoked(format!("suspended {session}")), revoked(format!("active {session}")), used]
            }
        };
        self.now += [15_000, 105_000, 15_000, 36_000, 0, 0][number % 6];
        self.records.extend(records);
    }

    fn plant_one(&mut self, number: usize) {
        let (now, new) = (self.now, format!("planted-{number}"));
        let agent = format!("agent-{}", self.rng.usize(..40));
        match number % 8 {
            0 => self.plant("new-agent", vec![call(now, &new, "tool-1")]),
            1 => self.plant(
                "new-path",
                vec![with(call(now, &agent, "tool-1"), json!({ "issuer": new, "code": "argument-refused", "decision": "deny" }))],
            ),
            2 => self.plant("new-tool", vec![call(now, &agent, &new)]),
            3 => {
                let records = (0..22).map(|at| denied(now + at * 1000, &agent, "argument-refused")).collect();
                self.plant("denial-burst", records);
                self.now += 22_000;
            }
            4 => self.plant("proof-replay", vec![denied(now, &agent, "proof-replayed")]),
            5 => self.plant("use-after-revocation", vec![denied(now, &agent, "token-revoked")]),
            6 => {
                self.push(json!({ "count": 1, "kind": "revoked", "targets": [format!("session:{new}")], "time": time(now), "version": 1 }));
                self.plant("use-after-revocation", vec![with(call(now + 1, "agent-1", "tool-1"), json!({ "session": new }))]);
            }
            _ => self.plant("rapid-approvals", (0..3).map(|at| approved(now + at * 2000, "did:key:ben")).collect()),
        }
    }
}

#[test]
fn everything_that_was_planted_among_100_000_calls_is_found_and_little_else() {
    const CALLS: usize = 100_000;
    let mut trace = Trace { rng: Rng::with_seed(1), now: 0, records: Vec::new(), planted: Vec::new() };
    for number in 0..CALLS {
        trace.now += trace.rng.u64(..2000);
        let record = trace.habit();
        trace.push(record);
        if number % 500 == 499 && number > 5000 {
            trace.plant_one(number / 500);
        }
        if number % 500 == 249 && number > 5000 {
            trace.ordinary(number / 500);
        }
        if number % 400 == 0 {
            let by = format!("did:key:approver-{}", trace.rng.usize(..3));
            let record = approved(trace.now, &by);
            trace.push(record);
        }
    }
    let lines: Vec<String> = trace.records.iter().map(Json::to_string).collect();

    let mut signals = Signals::new(Thresholds::new()).unwrap();
    let began = Instant::now();
    let records: Vec<_> = lines.iter().map(|line| LogRecord::from_json(line).unwrap()).collect();
    let read = began.elapsed();
    let began = Instant::now();
    let told: Vec<_> = records.iter().enumerate().flat_map(|(at, record)| signals.observe(record, at as u64)).collect();
    let watched = began.elapsed();

    let is_planted =
        |signal: &Signal| trace.planted.iter().any(|(kind, entries)| *kind == signal.kind() && entries.contains(&signal.entry()));
    let missed: Vec<_> = trace
        .planted
        .iter()
        .filter(|(kind, entries)| !told.iter().any(|signal| signal.kind() == *kind && entries.contains(&signal.entry())))
        .collect();
    let mut false_alarms = std::collections::BTreeMap::<_, usize>::new();
    for signal in told.iter().filter(|signal| !is_planted(signal)) {
        *false_alarms.entry(signal.kind()).or_default() += 1;
    }
    let all: usize = false_alarms.values().sum();
    let rate = |elapsed: std::time::Duration| (lines.len() as f64 / elapsed.as_secs_f64()) as u64;
    println!("{} records/s read, {} records/s watched", rate(read), rate(watched));
    assert!(trace.planted.len() > 180);
    assert_eq!(missed, Vec::<&(&str, std::ops::Range<u64>)>::new());
    assert!(all * 1000 <= CALLS, "more than one false alarm in a thousand calls: {false_alarms:?}");
    // The figures are in the specification: whoever changes a rule or a threshold sees what it costs.
    let kinds: Vec<_> = false_alarms.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    let figures = format!("{} records, {} planted, 0 missed, {all} false alarms ({})", lines.len(), trace.planted.len(), kinds.join(", "));
    let page = std::fs::read_to_string(root().join("docs/spec/signals.md")).unwrap();
    assert!(page.contains(&figures), "signals.md does not say: {figures}");
}
