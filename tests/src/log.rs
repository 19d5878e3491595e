//! The tables of the audit log: logs, checkpoints and receipts, made without the library.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use serde_json::{Value as Json, json};

use crate::forge::{key, public, sha256};
use crate::scenarios::NOW;
use crate::vector::hex;

const ORIGIN: &str = "acme.example/calls";
const LOG: u8 = 30;
const WITNESSES: [(&str, u8); 2] = [("w1.example", 31), ("w2.example", 32)];

/// The table, by the name of its file.
#[must_use]
pub fn all() -> (&'static str, Json) {
    let table = json!({ "kind": "log", "cases": logs(), "notes": notes(), "receipts": receipts() });
    ("log.json", table)
}

fn records() -> Vec<Json> {
    let time = |seconds: u32| format!("2026-11-21T08:00:{seconds:02}.000Z");
    vec![
        json!({ "kind": "opened", "origin": ORIGIN, "time": time(0), "version": 1 }),
        json!({ "a": null, "bb": [true, false, -1, 24, 65_536], "kind": "test", "time": time(1) }),
        json!({ "$$bytes": 1, "é": "\n\"\\\u{1}", "kind": "test", "time": time(2), "half": 0.5, "tiny": 1e-7, "z": { "$bytes": "AQ" } }),
        json!({ "\u{1f600}": 1, "\u{fb33}": { "$integer": "9007199254740993" }, "kind": "test", "time": time(1) }),
        json!({ "kind": "test", "long": "x".repeat(300), "time": time(5) }),
    ]
}

/// RFC 8785, of what the records have.
pub(crate) fn jcs(value: &Json) -> String {
    match value {
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(name, _)| name.encode_utf16().collect::<Vec<_>>());
            let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{}", Json::from(name.as_str()), jcs(value))).collect();
            format!("{{{}}}", members.join(","))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(jcs).collect::<Vec<_>>().join(",")),
        _ => value.to_string(),
    }
}

/// Deterministic CBOR of a value, by the mapping of audit.md.
fn cbor(value: &Json) -> Vec<u8> {
    let of = |value: ciborium::Value| {
        let mut out = Vec::new();
        ciborium::into_writer(&value, &mut out).expect("CBOR");
        out
    };
    let head = |major: u8, length: usize| {
        let mut out = of(ciborium::Value::from(length as u64));
        out[0] |= major << 5;
        out
    };
    match value {
        Json::Null => of(ciborium::Value::Null),
        Json::Bool(value) => of((*value).into()),
        Json::Number(number) => of(number.as_i64().map_or_else(|| number.as_f64().expect("a float").into(), ciborium::Value::from)),
        Json::String(text) => of(text.as_str().into()),
        Json::Array(items) => [head(4, items.len())].into_iter().chain(items.iter().map(cbor)).flatten().collect(),
        Json::Object(members) => match members.iter().next() {
            Some((name, Json::String(text))) if name == "$bytes" => of(STANDARD.decode(format!("{text}==")).expect("base64").into()),
            Some((name, Json::String(text))) if name == "$integer" => of(text.parse::<i64>().expect("an integer").into()),
            _ => {
                let name = |name: &str| of(name.strip_prefix('$').unwrap_or(name).into());
                let mut entries: Vec<_> = members.iter().map(|(key, value)| (name(key), cbor(value))).collect();
                entries.sort();
                [head(5, entries.len())].into_iter().chain(entries.into_iter().flat_map(|(key, value)| [key, value])).flatten().collect()
            }
        },
    }
}

type Hash = [u8; 32];

fn leaf(entry: &Json) -> Hash {
    sha256(&[&[0], &cbor(entry)[..]].concat())
}

/// MTH of RFC 6962 section 2.1.
fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha256(&[&[1], &root(left)[..], &root(right)].concat())
        }
    }
}

fn split(size: usize) -> usize {
    size.next_power_of_two() / 2
}

/// PATH of RFC 6962 section 2.1.1.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut inner, sibling) = if index < left.len() { (path(index, left), right) } else { (path(index - left.len(), right), left) };
    inner.push(root(sibling));
    inner
}

struct Log {
    lines: Vec<String>,
    leaves: Vec<Hash>,
}

impl Log {
    fn of(records: impl IntoIterator<Item = Json>) -> Self {
        let mut log = Log { lines: Vec::new(), leaves: Vec::new() };
        records.into_iter().for_each(|record| log.push(&record));
        log
    }

    fn push(&mut self, record: &Json) {
        let previous = self.leaves.last().copied().unwrap_or_default();
        let entry = json!({ "previous": hex(&previous), "record": record, "sequence": self.leaves.len() });
        self.lines.push(jcs(&entry) + "\n");
        self.leaves.push(leaf(&entry));
    }

    fn text(&self) -> String {
        self.lines.concat()
    }

    fn anchor(&self, size: usize) -> Json {
        json!({ "size": size, "root": hex(&root(&self.leaves[..size])) })
    }

    fn note(&self, size: usize) -> String {
        signed(&checkpoint(ORIGIN, &size.to_string(), &root(&self.leaves[..size])), ORIGIN, LOG)
    }
}

/// The line with another record.
fn with_record(line: &str, record: &str) -> String {
    let (before, rest) = line.split_once("\"record\":").expect("a record");
    let (_, after) = rest.rsplit_once(",\"sequence\"").expect("a sequence");
    format!("{before}\"record\":{record},\"sequence\"{after}")
}

fn logs() -> Vec<Json> {
    let log = Log::of(records());
    let (lines, whole) = (&log.lines, log.text());
    let mut cases = Vec::new();
    let mut good = |why: &str, text: &str, anchors: Vec<Json>, anchored: Option<usize>| {
        let size = text.lines().count();
        cases.push(json!({ "why": why, "log": text, "checkpoints": anchors, "size": size, "root": hex(&root(&log.leaves[..size])), "anchored": anchored, "steps_back": u32::from(size > 3), "first_step_back": (size > 3).then_some(3) }));
    };
    good("nothing is a log", "", vec![], None);
    for size in 1..=lines.len() {
        good("whole, and not anchored", &lines[..size].concat(), vec![], None);
    }
    good("anchored to its end", &whole, vec![log.anchor(5)], Some(5));
    good("anchored to a part of it", &whole, vec![log.anchor(0), log.anchor(3), log.anchor(2)], Some(3));
    let mut refused = |why: &str, text: &str, anchors: Vec<Json>, code: &str, entry: usize| {
        cases.push(json!({ "why": why, "log": text, "checkpoints": anchors, "code": code, "entry": entry }));
    };
    let edited = |at: usize, from: &str, to: &str| {
        let mut lines = lines.clone();
        let line = lines[at].replacen(from, to, 1);
        assert_ne!(line, lines[at], "{from}");
        lines[at] = line;
        lines.concat()
    };
    refused("an entry was edited", &edited(1, "-1", "-2"), vec![], "log-changed", 1);
    refused(
        "what an entry says of the one before was edited",
        &edited(2, "\"previous\":\"", "\"previous\":\"0").replacen("0\",\"record\":{\"$$", "\",\"record\":{\"$$", 1),
        vec![],
        "log-malformed",
        2,
    );
    let other_previous = lines[2].replacen(&lines[2][13..77], &"5".repeat(64), 1);
    refused(
        "another entry before",
        &[&lines[0], &lines[1], &other_previous, &lines[3], &lines[4]].map(String::as_str).concat(),
        vec![],
        "log-changed",
        2,
    );
    refused("the last entry was edited", &edited(4, "xxx", "xyx"), vec![log.anchor(5)], "log-changed", 0);
    refused("edited after the last checkpoint that agreed", &edited(4, "xxx", "xyx"), vec![log.anchor(4), log.anchor(5)], "log-changed", 4);
    refused("the first entry follows something", &edited(0, "0000", "0001"), vec![], "log-changed", 0);
    let order = |order: &[usize]| order.iter().map(|at| lines[*at].as_str()).collect::<String>();
    refused("an entry is missing", &order(&[0, 1, 3, 4]), vec![], "log-gap", 2);
    refused("an entry is there twice", &order(&[0, 1, 1, 2]), vec![], "log-gap", 2);
    refused("two entries were swapped", &order(&[0, 2, 1, 3]), vec![], "log-gap", 1);
    refused("the first entry is missing", &order(&[1, 2, 3]), vec![], "log-gap", 0);
    refused("the end was cut off", &order(&[0, 1, 2]), vec![log.anchor(5)], "log-truncated", 3);
    refused("everything was cut off", "", vec![log.anchor(5)], "log-truncated", 0);
    refused("the last line does not end", whole.trim_end(), vec![], "log-torn", 4);
    refused("a torn line after whole ones", &format!("{whole}{{\"prev"), vec![], "log-torn", 5);
    let anew = Log::of(records().into_iter().take(3).chain([json!({ "kind": "other" }), json!({ "kind": "other" })]));
    refused("the end was written anew, with its hashes", &anew.text(), vec![log.anchor(3), log.anchor(5)], "log-changed", 3);
    let two = Log::of(records().into_iter().take(2));
    for (why, bad) in [
        ("an empty line", "\n".to_owned()),
        ("white space", lines[1].replace(":[", ": [")),
        ("a carriage return", lines[1].replace('\n', "\r\n")),
        (
            "members in another order",
            lines[1].replace("\"a\":null,\"bb\":[true,false,-1,24,65536]", "\"bb\":[true,false,-1,24,65536],\"a\":null"),
        ),
        ("a member twice", lines[1].replace("\"a\":null", "\"a\":null,\"a\":null")),
        ("a number in another spelling", lines[1].replace("65536", "65536.0")),
        ("minus zero", lines[1].replace("-1", "-0")),
        ("a number that JSON does not keep", lines[1].replace("65536", "9007199254740992")),
        ("an escape that is not needed", lines[1].replace("test", "t\\u0065st")),
        ("half of a surrogate pair", lines[1].replace("test", "\\ud800")),
        ("a surrogate pair", lines[1].replace("test", "\\ud83d\\ude00")),
        ("an escape in another spelling", lines[1].replace("test", "t\\u000ast")),
        ("a member too many", lines[1].replace(",\"sequence\"", ",\"s\":1,\"sequence\"")),
        ("a sequence that is no number", lines[1].replace("\"sequence\":1", "\"sequence\":\"1\"")),
        ("a sequence with a zero in front", lines[1].replace("\"sequence\":1", "\"sequence\":01")),
        ("a record that is no object", lines[1].replace("\"record\":{", "\"record\":[{").replace("Z\"}", "Z\"}]")),
        ("a record that is bytes", with_record(&two.lines[1], r#"{"$bytes":"AQ"}"#)),
        ("a record that is an integer", with_record(&two.lines[1], r#"{"$integer":"9007199254740993"}"#)),
        ("a file that goes on from no tree", with_record(&two.lines[1], r#"{"kind":"continued","origin":"acme.example/calls"}"#)),
        (
            "a file that goes on from what is no hash",
            with_record(&two.lines[1], &format!(r#"{{"kind":"continued","roots":["{}"]}}"#, "A".repeat(64))),
        ),
        ("hex in upper case", lines[1].replacen(&lines[1][13..77], &"A".repeat(64), 1)),
        ("a line that is too long", lines[1].replace("test", &"x".repeat(262_144))),
    ] {
        refused(why, &[&two.lines[0], &bad].map(String::as_str).concat(), vec![], "log-malformed", 1);
    }
    let mut continued = Log::of(records());
    let roots = [&continued.leaves[..4], &continued.leaves[4..5]].map(|part| hex(&root(part)));
    let record = |roots: &[String]| json!({ "kind": "continued", "origin": ORIGIN, "roots": roots, "time": "2026-11-21T08:00:09.000Z", "version": 1 });
    let mut forged = Log::of(records());
    continued.push(&record(&roots));
    forged.push(&record(&[roots[1].clone(), roots[0].clone()]));
    refused("a file that goes on from another tree", &forged.text(), vec![], "log-changed", 5);
    let mut short = Log::of(records());
    short.push(&record(&roots[..1]));
    refused("a file that goes on from a tree of another size", &short.text(), vec![], "log-malformed", 5);
    let mut timeless = Log::of(records().into_iter().take(2));
    timeless.push(&json!({ "kind": "test" }));
    timeless.push(&json!({ "kind": "test", "time": 5 }));
    timeless.push(&json!({ "kind": "continued" }));
    cases.push(json!({ "why": "records without a time step nowhere, and a kind alone continues nothing", "log": timeless.text(), "checkpoints": [], "size": 5, "root": hex(&root(&timeless.leaves)), "anchored": null, "steps_back": 0, "first_step_back": null }));
    cases.push(json!({ "why": "a file that goes on", "log": continued.text(), "checkpoints": [], "size": 6, "root": hex(&root(&continued.leaves)), "anchored": null, "steps_back": 1, "first_step_back": 3 }));
    cases
}

fn id(name: &str, kind: u8, number: u8) -> [u8; 4] {
    let hash = sha256(&[name.as_bytes(), b"\n", &[kind], &public(number)].concat());
    [hash[0], hash[1], hash[2], hash[3]]
}

fn vkey(name: &str, kind: u8, number: u8) -> String {
    format!("{name}+{}+{}", hex(&id(name, kind, number)), STANDARD.encode([&[kind], &public(number)[..]].concat()))
}

fn checkpoint(origin: &str, size: &str, root: &Hash) -> String {
    format!("{origin}\n{size}\n{}\n", STANDARD.encode(root))
}

fn line(name: &str, id: [u8; 4], signature: &[u8]) -> String {
    format!("\u{2014} {name} {}\n", STANDARD.encode([&id, signature].concat()))
}

fn signed(text: &str, name: &str, number: u8) -> String {
    format!("{text}\n{}", line(name, id(name, 1, number), &key(number).sign(text.as_bytes()).to_bytes()))
}

fn cosigned(text: &str, name: &str, number: u8, seconds: u64) -> String {
    let signature = key(number).sign(format!("cosignature/v1\ntime {seconds}\n{text}").as_bytes()).to_bytes();
    line(name, id(name, 4, number), &[&seconds.to_be_bytes()[..], &signature].concat())
}

fn notes() -> Vec<Json> {
    let log = Log::of(records());
    let top = root(&log.leaves);
    let text = checkpoint(ORIGIN, "5", &top);
    let good = signed(&text, ORIGIN, LOG);
    let [first, second] = WITNESSES.map(|(name, number)| cosigned(&text, name, number, NOW));
    let mut cases = Vec::new();
    let mut push = |why: &str, note: &str, count: usize, code: Option<&str>| {
        let mut case = json!({ "why": why, "note": note, "keys": [vkey(ORIGIN, 1, LOG)], "witnesses": WITNESSES.map(|(name, number)| vkey(name, 4, number)), "count": count, "now_ms": NOW * 1000 });
        match code {
            Some(code) => case["code"] = code.into(),
            None => (case["origin"], case["size"], case["root"]) = (ORIGIN.into(), 5.into(), hex(&top).into()),
        }
        cases.push(case);
    };
    push("signed by the log", &good, 0, None);
    push(
        "with a signature of somebody else",
        &format!("{good}{}", signed(&text, "else.example", 33).split("\n\n").nth(1).unwrap_or_default()),
        0,
        None,
    );
    push("cosigned by one", &format!("{good}{first}"), 1, None);
    push("cosigned by both", &format!("{good}{second}{first}"), 2, None);
    let extended = format!("{text}of others\n");
    push("with an extension line", &signed(&extended, ORIGIN, LOG), 0, None);
    let invalid = Some("checkpoint-invalid");
    push("cosigned by too few", &format!("{good}{first}"), 2, invalid);
    push("cosigned by one twice", &format!("{good}{first}{first}"), 2, invalid);
    push("cosigned in the future", &format!("{good}{}", cosigned(&text, "w1.example", 31, NOW + 31)), 1, invalid);
    push("cosigned within the leeway", &format!("{good}{}", cosigned(&text, "w1.example", 31, NOW + 30)), 1, None);
    push("another text was cosigned", &format!("{good}{}", cosigned(&checkpoint(ORIGIN, "4", &top), "w1.example", 31, NOW)), 1, invalid);
    push("signed by a key of another", &signed(&text, ORIGIN, 33), 0, invalid);
    push("of another log", &signed(&checkpoint("other.example", "5", &top), ORIGIN, LOG), 0, invalid);
    push("another text was signed", &good.replacen("\n5\n", "\n4\n", 1), 0, invalid);
    for (why, size) in
        [("a zero in front", "05"), ("a sign", "+5"), ("no number", "five"), ("beyond 2^53", "9007199254740992"), ("a fraction", "5.0")]
    {
        push(&format!("a size with {why}"), &signed(&checkpoint(ORIGIN, size, &top), ORIGIN, LOG), 0, invalid);
    }
    push("an empty log with a root", &signed(&checkpoint(ORIGIN, "0", &top), ORIGIN, LOG), 0, invalid);
    push("a root of 31 bytes", &signed(&format!("{ORIGIN}\n5\n{}\n", STANDARD.encode(&top[1..])), ORIGIN, LOG), 0, invalid);
    push("a root without padding", &signed(&text.replace('=', ""), ORIGIN, LOG), 0, invalid);
    push("two lines only", &signed(&format!("{ORIGIN}\n5\n"), ORIGIN, LOG), 0, invalid);
    push("an empty extension line", &signed(&format!("{text}\nx\n"), ORIGIN, LOG), 0, invalid);
    push("a control character", &signed(&format!("{text}x\u{7}\n"), ORIGIN, LOG), 0, invalid);
    push("no signature", &text, 0, invalid);
    push("no newline at the end", good.trim_end(), 0, invalid);
    push("a hyphen for the dash", &good.replace('\u{2014}', "-"), 0, invalid);
    push("too many signatures", &format!("{good}{}", first.repeat(32)), 0, invalid);
    push("too long", &format!("{}{good}", "x\n".repeat(33_000)), 0, Some("too-large"));
    cases
}

fn receipts() -> Vec<Json> {
    let log = Log::of(records());
    let note = log.note(5);
    let receipt = |index: usize, size: usize, note: &str| {
        let hashes: String = path(index, &log.leaves[..size]).iter().map(|hash| STANDARD.encode(hash) + "\n").collect();
        format!("c2sp.org/tlog-proof@v1\nindex {index}\n{hashes}\n{note}")
    };
    let mut cases = Vec::new();
    let mut push = |why: &str, receipt: &str, line: &str, code: Option<&str>| {
        let mut case =
            json!({ "why": why, "receipt": receipt, "line": line.trim_end(), "keys": [vkey(ORIGIN, 1, LOG)], "now_ms": NOW * 1000 });
        if let Some(code) = code {
            case["code"] = code.into();
        }
        cases.push(case);
    };
    for index in 0..5 {
        push("of this entry", &receipt(index, 5, &note), &log.lines[index], None);
    }
    push("of a log of one entry", &receipt(0, 1, &log.note(1)), &log.lines[0], None);
    let invalid = Some("receipt-invalid");
    let good = receipt(2, 5, &note);
    push("of another entry", &good, &log.lines[1], invalid);
    push("of an entry that was edited", &good, &log.lines[2].replace("0.5", "1.5"), invalid);
    push("with another index", &good.replace("index 2", "index 3"), &log.lines[2], invalid);
    push("with an index in another spelling", &good.replace("index 2", "index 02"), &log.lines[2], invalid);
    push("of another size", &receipt(2, 4, &note), &log.lines[2], invalid);
    push("with a hash too many", &good.replacen("\n\n", &format!("\n{}\n\n", STANDARD.encode([0; 32])), 1), &log.lines[2], invalid);
    push("of another version", &good.replace("@v1", "@v2"), &log.lines[2], invalid);
    push("with extra data", &good.replace("index", "extra AAAA\nindex"), &log.lines[2], invalid);
    push(
        "with a checkpoint by somebody else",
        &receipt(2, 5, &signed(&checkpoint(ORIGIN, "5", &root(&log.leaves)), ORIGIN, 33)),
        &log.lines[2],
        Some("checkpoint-invalid"),
    );
    push("of what is no entry", &good, "{}", Some("log-malformed"));
    cases
}
