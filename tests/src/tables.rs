//! Tables of cases: values, arguments, constraints, keys. Each names what it expects; the generator refuses to write what the library does not do.

use ciborium::Value as Cbor;
use serde_json::{Value as Json, json};

use crate::forge::{bytes, key};
use crate::pattern_tables;
use crate::scenarios::{constraint, texts};
use crate::vector::{hex, unhex};

/// The folder's tables by file name.
pub fn all() -> Vec<(&'static str, Json)> {
    vec![
        ("values.json", json!({"kind": "values", "cases": values()})),
        ("arguments.json", json!({"kind": "arguments", "cases": arguments()})),
        ("constraints.json", json!({"kind": "constraints", "cases": both(constraints(), pattern_tables::constraints())})),
        ("accepts.json", json!({"kind": "accepts", "cases": both(accepts(), pattern_tables::accepts())})),
        ("narrower.json", json!({"kind": "narrower", "cases": both(narrower(), pattern_tables::narrower())})),
        ("narrow.json", json!({"kind": "narrow", "cases": pattern_tables::meets()})),
        ("contexts.json", json!({"kind": "contexts", "cases": contexts()})),
        ("keys.json", json!({"kind": "keys", "cases": keys(), "invalid": invalid_keys()})),
        ("codes.json", json!({"kind": "codes", "codes": codes()})),
    ]
}

fn both(mut first: Vec<Json>, more: Vec<Json>) -> Vec<Json> {
    first.extend(more);
    first
}

/// What data of several contexts belongs to; null is no context.
fn contexts() -> Vec<Json> {
    let long = vec!["s"; 17].join("/");
    let joined: [(&[Option<&str>], Option<&str>); 10] = [
        (&[], None),
        (&[None, None], None),
        (&[Some("tenant:1")], Some("tenant:1")),
        (&[None, Some("tenant:1/task:7"), None], Some("tenant:1/task:7")),
        (&[Some("tenant:1/task:7"), Some("tenant:1/task:7")], Some("tenant:1/task:7")),
        (&[Some("tenant:1/task:7"), Some("tenant:1")], Some("tenant:1")),
        (&[Some("tenant:1/task:7"), Some("tenant:1/task:8")], Some("tenant:1")),
        (&[Some("tenant:1/task:1"), Some("tenant:1/task:10")], Some("tenant:1")),
        (&[Some("a/b/c/d"), None, Some("a/b/c"), Some("a/b/x/d")], Some("a/b")),
        (&[Some("caf\u{e9}/1"), Some("caf\u{e9}/2")], Some("caf\u{e9}")),
    ];
    let apart: [&[Option<&str>]; 10] = [
        &[Some("tenant:1"), Some("tenant:2")],
        &[Some("tenant:1"), Some("tenant:10")],
        &[Some("tenant:1/a"), None, Some("tenant:2/a")],
        &[Some("tenant"), Some("Tenant")],
        &[Some("caf\u{e9}"), Some("cafe\u{301}")],
        &[Some("")],
        &[Some("/")],
        &[Some("a"), Some("a/../b")],
        &[Some("a/*")],
        &[Some(&long)],
    ];
    let good = joined.into_iter().map(|(contexts, joined)| {
        assert_eq!(deputize::join_contexts(contexts.iter().copied()).expect("a join"), joined);
        json!({"contexts": contexts, "joined": joined})
    });
    let bad = apart.into_iter().map(|contexts| {
        let code = deputize::join_contexts(contexts.iter().copied()).expect_err("no join").code();
        json!({"contexts": contexts, "code": code.as_str()})
    });
    good.chain(bad).collect()
}

fn codes() -> Vec<Json> {
    deputize::Code::ALL
        .iter()
        .map(|code| json!({"code": code.as_str(), "family": code.family().as_str(), "summary": code.summary(), "help": code.help()}))
        .collect()
}

fn values() -> Vec<Json> {
    let good = [
        ("f6", "null"),
        ("f5", "true"),
        ("00", "0"),
        ("17", "23"),
        ("1818", "24"),
        ("1b001fffffffffffff", "9007199254740991"),
        ("1b0020000000000000", r#"{"$integer":"9007199254740992"}"#),
        ("1b7fffffffffffffff", r#"{"$integer":"9223372036854775807"}"#),
        ("3b7fffffffffffffff", r#"{"$integer":"-9223372036854775808"}"#),
        ("20", "-1"),
        ("f93e00", "1.5"),
        ("f90001", "5.960464477539063e-8"),
        ("fa3dcccccd", "0.10000000149011612"),
        ("fb3fb999999999999a", "0.1"),
        ("fb0000000000000001", "5e-324"),
        ("60", r#""""#),
        ("62c3a9", "\"é\""),
        ("6100", r#""\u0000""#),
        ("40", r#"{"$bytes":""}"#),
        ("4101", r#"{"$bytes":"AQ"}"#),
        ("80", "[]"),
        ("83010203", "[1,2,3]"),
        ("a0", "{}"),
        ("a26162016261610a", r#"{"aa":10,"b":1}"#),
        ("a1695f5f70726f746f5f5f01", r#"{"__proto__":1}"#),
        ("a166246279746573614a", r#"{"$$bytes":"J"}"#),
    ];
    let bad = [
        ("", "malformed", "nothing"),
        ("1801", "not-canonical", "an integer in a longer form"),
        ("190018", "not-canonical", "an integer in a longer form"),
        ("1a00000018", "not-canonical", "an integer in a longer form"),
        ("1b0000000000000018", "not-canonical", "an integer in a longer form"),
        ("1b8000000000000000", "malformed", "an integer beyond 64 signed bits"),
        ("3b8000000000000000", "malformed", "an integer beyond 64 signed bits"),
        ("c249010000000000000000", "malformed", "a big number"),
        ("c11a514b67b0", "malformed", "a tag"),
        ("f7", "malformed", "undefined"),
        ("f0", "malformed", "a simple value"),
        ("f820", "malformed", "a simple value"),
        ("ff", "malformed", "a break alone"),
        ("1c", "malformed", "reserved additional information"),
        ("f93c00", "not-canonical", "1.0 has no fractional part"),
        ("f98000", "not-canonical", "-0.0 has no fractional part"),
        ("f97e00", "not-canonical", "NaN"),
        ("f97c00", "not-canonical", "infinity"),
        ("fa3fc00000", "not-canonical", "a float in a longer form"),
        ("fb3ff8000000000000", "not-canonical", "a float in a longer form"),
        ("fb7e37e43c8800759c", "not-canonical", "1e300 has no fractional part"),
        ("5f4101ff", "not-canonical", "indefinite bytes"),
        ("7f6161ff", "not-canonical", "indefinite text"),
        ("9f01ff", "not-canonical", "an indefinite list"),
        ("bf616101ff", "not-canonical", "an indefinite map"),
        ("61ff", "malformed", "text that is not UTF-8"),
        ("63eda080", "malformed", "a surrogate in UTF-8"),
        ("62c0af", "malformed", "an overlong form in UTF-8"),
        ("6261", "malformed", "ends early"),
        ("8201", "malformed", "ends early"),
        ("a16161", "malformed", "ends early"),
        ("5b7fffffffffffffff", "malformed", "a length that is not there"),
        ("9bffffffffffffffff", "malformed", "a length that is not there"),
        ("bb00ffffffffffffff", "malformed", "a length that is not there"),
        ("0000", "malformed", "bytes after the end"),
        ("a10101", "malformed", "a key that is no text"),
        ("a2616101616102", "not-canonical", "a key given twice"),
        ("a2626161016162 02", "not-canonical", "keys out of order"),
    ];
    let mut cases: Vec<Json> = good.iter().map(|(hex, json)| json!({"hex": hex, "json": json})).collect();
    cases.extend(bad.iter().map(|(hex, code, why)| json!({"why": why, "hex": hex.replace(' ', ""), "code": code})));
    // All of the systematic items, but not 255 times the same byte after another.
    let written: std::collections::BTreeSet<String> = bad.iter().map(|(hex, ..)| hex.replace(' ', "")).collect();
    let more = crate::items::all().into_iter().filter(|item| item.bytes[0] != 0xf8 || item.bytes.get(1).is_none_or(|value| *value <= 32));
    let more = more.map(|item| (hex(&item.bytes), item)).filter(|(hex, _)| !written.contains(hex));
    cases.extend(more.map(|(hex, item)| json!({"why": item.why, "hex": hex, "code": item.code.as_str()})));
    let deep = |depth: usize| "81".repeat(depth) + "00";
    cases.push(json!({"why": "16 lists deep", "hex": deep(16), "json": format!("{}0{}", "[".repeat(16), "]".repeat(16))}));
    cases.push(json!({"why": "17 lists deep", "hex": deep(17), "code": "too-deep"}));
    cases.push(json!({"why": "10,000 lists deep", "hex": deep(10_000), "code": "too-deep"}));
    for case in &cases {
        let decoded = deputize::Value::decode(&unhex(case["hex"].as_str().unwrap_or_default()));
        match (case.get("json").and_then(Json::as_str), decoded) {
            (Some(json), Ok(value)) => assert_eq!(deputize::value_to_json(&value), json),
            (None, Err(error)) => assert_eq!(Some(error.code().as_str()), case["code"].as_str(), "{case}"),
            (_, other) => panic!("{case}: {other:?}"),
        }
    }
    cases
}

fn arguments() -> Vec<Json> {
    let all = [
        "{}",
        r#"{"x":null}"#,
        r#"{"x":true}"#,
        r#"{"x":1}"#,
        r#"{"x":"1"}"#,
        r#"{"x":{"$bytes":"MQ"}}"#,
        r#"{"x":1.5}"#,
        r#"{"x":[]}"#,
        r#"{"x":{}}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"a.b":1}"#,
        r#"{"a":["b","c"]}"#,
        r#"{"a":[["b"],"c"]}"#,
        r#"{"path":"/data/q3.pdf","amount":{"$integer":"9007199254740993"},"constructor":"x","labels":["bug","é"]}"#,
    ];
    let mut digests = std::collections::BTreeSet::new();
    let good = all.iter().map(|json| {
        let deputize::Value::Map(entries) = deputize::value_from_json(json).expect("json") else { panic!("{json}") };
        let arguments = deputize::Arguments::new(entries).expect("arguments");
        assert!(digests.insert(arguments.digest()), "two calls of one digest: {json}");
        json!({"json": json, "encoding": hex(arguments.encoding()), "digest": arguments.digest().to_string()})
    });
    let mut cases: Vec<Json> = good.collect();
    for (json, code) in [(r#"{"*":1}"#, "name-invalid"), (r#"{"":1}"#, "name-invalid"), (r#"{"a\n":1}"#, "name-invalid")] {
        let deputize::Value::Map(entries) = deputize::value_from_json(json).expect("json") else { panic!("{json}") };
        assert_eq!(deputize::Arguments::new(entries).unwrap_err().code().as_str(), code);
        cases.push(json!({"json": json, "code": code}));
    }
    cases
}

fn encoded(kind: i64, operands: &[Cbor]) -> Vec<u8> {
    bytes(&constraint(kind, operands))
}

fn constraints() -> Vec<Json> {
    let none = Cbor::Null;
    let parts = |parts: &[Cbor]| Cbor::Array(parts.to_vec());
    let any = constraint(0, &[]);
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("any", encoded(0, &[]), None),
        ("exact null", encoded(1, std::slice::from_ref(&none)), None),
        ("one_of nothing", encoded(3, &[parts(&[])]), None),
        ("subset of nothing", encoded(6, &[parts(&[])]), None),
        ("a half-open range", encoded(2, &[0.into(), 1.into(), 2.into()]), None),
        ("not an array", vec![0], Some("malformed")),
        ("a type that is a text", bytes(&parts(&["any".into()])), Some("malformed")),
        ("no type", bytes(&parts(&[])), Some("constraint-unknown")),
        ("an unknown type", encoded(20, &[]), Some("constraint-unknown")),
        ("the mark of optional arguments is no type", encoded(-1, std::slice::from_ref(&any)), Some("constraint-unknown")),
        ("any with an operand", encoded(0, &[1.into()]), Some("constraint-unknown")),
        ("exact without a value", encoded(1, &[]), Some("constraint-unknown")),
        ("a range with an unknown option", encoded(2, &[0.into(), 1.into(), 4.into()]), Some("constraint-unknown")),
        ("a range with option 0", encoded(2, &[0.into(), 1.into(), 0.into()]), Some("constraint-unknown")),
        ("a range without bounds", encoded(2, &[none.clone(), none.clone()]), Some("constraint-invalid")),
        ("a range that nothing is in", encoded(2, &[5.into(), 0.into()]), Some("constraint-invalid")),
        ("an open range of one number", encoded(2, &[5.into(), 5.into(), 1.into()]), Some("constraint-invalid")),
        ("an open bound that is not there", encoded(2, &[none.clone(), 5.into(), 1.into()]), Some("constraint-invalid")),
        ("a range of texts", encoded(2, &["a".into(), "b".into()]), Some("malformed")),
        ("a range of booleans", encoded(2, &[false.into(), true.into()]), Some("malformed")),
        ("a range to NaN", encoded(2, &[0.into(), f64::NAN.into()]), Some("not-canonical")),
        ("not_one_of nothing", encoded(4, &[parts(&[])]), Some("constraint-invalid")),
        ("contains nothing", encoded(5, &[parts(&[])]), Some("constraint-invalid")),
        ("a set out of order", encoded(3, &[texts(&["b", "a"])]), Some("not-canonical")),
        ("a set with a value twice", encoded(3, &[texts(&["a", "a"])]), Some("not-canonical")),
        ("all of nothing", encoded(7, &[parts(&[])]), Some("constraint-invalid")),
        ("any_of nothing", encoded(8, &[parts(&[])]), Some("constraint-invalid")),
        ("a relative root", encoded(9, &["data".into()]), Some("constraint-invalid")),
        ("a root with a slash at its end", encoded(9, &["/data/".into()]), Some("constraint-invalid")),
        ("a root with dots", encoded(9, &["/data/..".into()]), Some("constraint-invalid")),
        ("trailing bytes", [encoded(0, &[]), vec![0]].concat(), Some("malformed")),
    ];
    let cases = cases.into_iter().map(|(why, bytes, code)| {
        let decoded = deputize::Constraint::decode(&bytes);
        assert_eq!(decoded.as_ref().err().map(|error| error.code().as_str()), code, "{why}");
        if let Ok(constraint) = decoded {
            assert_eq!(constraint.encode(), bytes, "{why}");
        }
        json!({"why": why, "hex": hex(&bytes), "code": code})
    });
    cases.collect()
}

fn json_value(json: &str) -> deputize::Value {
    deputize::value_from_json(json).expect("json")
}

fn accepts() -> Vec<Json> {
    let list = |values: &[Cbor]| Cbor::Array(values.to_vec());
    let huge = Cbor::from(1u64 << 60);
    let above = format!(r#"{{"$integer":"{}"}}"#, (1u64 << 60) + 1);
    let table: Vec<(Vec<u8>, Vec<&str>, Vec<&str>)> = vec![
        (encoded(0, &[]), vec!["null", "1", "[]", r#"{"a":1}"#], vec![]),
        (encoded(1, &[1.into()]), vec!["1"], vec!["true", r#""1""#, "1.5", "null", r#"{"$bytes":"MQ"}"#, "[1]"]),
        (encoded(1, &[true.into()]), vec!["true"], vec!["1", "false", r#""true""#]),
        (encoded(1, &[Cbor::Null]), vec!["null"], vec!["0", "false", r#""""#]),
        (encoded(1, &["a".into()]), vec![r#""a""#], vec![r#""A""#, r#""a ""#, r#"{"$bytes":"YQ"}"#]),
        (encoded(1, &["é".into()]), vec!["\"é\""], vec!["\"e\u{301}\""]),
        (encoded(2, &[0.into(), 100.into()]), vec!["0", "100", "99.5"], vec!["-1", "101", "100.25", r#""50""#, "true", "null"]),
        (encoded(2, &[0.into(), 100.into(), 3.into()]), vec!["1", "0.5", "99.5"], vec!["0", "100"]),
        (encoded(2, &[Cbor::Null, huge]), vec!["-5", r#"{"$integer":"1152921504606846976"}"#], vec![above.as_str()]),
        (encoded(2, &[0.1.into(), Cbor::Null]), vec!["0.1", "1"], vec!["0", "0.05"]),
        (encoded(3, &[list(&[1.into(), "a".into()])]), vec!["1", r#""a""#], vec!["true", r#""1""#, r#"["a"]"#]),
        (encoded(3, &[list(&[])]), vec![], vec!["null", "[]"]),
        (encoded(4, &[list(&[1.into(), "a".into()])]), vec!["true", r#""b""#, "[1]"], vec!["1", r#""a""#]),
        (
            encoded(5, &[texts(&["a", "b"])]),
            vec![r#"["b","c","a"]"#, r#"["a","a","b"]"#],
            vec![r#"["a"]"#, "[]", r#""ab""#, r#"{"a":"b"}"#],
        ),
        (encoded(6, &[texts(&["a", "b"])]), vec!["[]", r#"["a"]"#, r#"["b","a","b"]"#], vec![r#"["c"]"#, r#""a""#, r#"[["a"]]"#, "null"]),
        (encoded(7, &[list(&[constraint(2, &[0.into(), 9.into()]), constraint(4, &[list(&[5.into()])])])]), vec!["4"], vec!["5", "10"]),
        (encoded(8, &[list(&[constraint(1, &[1.into()]), constraint(1, &["a".into()])])]), vec!["1", r#""a""#], vec!["2"]),
        (encoded(9, &["/".into()]), vec![r#""/""#, r#""/a""#], vec![r#""""#, r#""a""#]),
        (
            encoded(9, &["/data".into()]),
            vec![r#""/data""#, r#""/data/x""#, r#""/data/a b/.hidden""#, r#""/data/工""#],
            vec![
                r#""/database/x""#,
                r#""/data/../etc/passwd""#,
                r#""data/x""#,
                r#""""#,
                r#""/""#,
                r#""/data//../..""#,
                r#""/data/.""#,
                r#""/data/""#,
                r#""~/x""#,
                r#""$HOME""#,
                r#""/data/a\u0000b""#,
                r#""/data/%2e%2e/x""#,
                r#""/data/%252e""#,
                r#""/data/..\\x""#,
                r#""/data/..\uff0fx""#,
                r#""/data/\u2024\u2024/x""#,
                r#""/data/\uff0e\uff0e/x""#,
                r#""C:/data/x""#,
                r#""C:\\data""#,
                r#""\\\\?\\data""#,
                r#""/data/file::$DATA""#,
                r#""/data/a. ""#,
                r#""/data/a.""#,
                r#""/data/x/...""#,
                "1",
                "null",
                r#"["/data/x"]"#,
            ],
        ),
        (encoded(9, &["/donn\u{e9}es".into()]), vec!["\"/donn\u{e9}es/x\""], vec!["\"/donne\u{301}es/x\""]),
    ];
    let mut cases = Vec::new();
    for (bytes, good, bad) in table {
        let constraint = deputize::Constraint::decode(&bytes).expect("a constraint");
        for (values, accepts) in [(good, true), (bad, false)] {
            for value in values {
                assert_eq!(constraint.accepts(&json_value(value)), accepts, "{} {value}", hex(&bytes));
                cases.push(json!({"constraint": hex(&bytes), "value": value, "accepts": accepts}));
            }
        }
    }
    cases
}

fn narrower() -> Vec<Json> {
    let list = |values: &[Cbor]| Cbor::Array(values.to_vec());
    let any = constraint(0, &[]);
    let exact = |value: Cbor| constraint(1, &[value]);
    let range = |min: Cbor, max: Cbor| constraint(2, &[min, max]);
    let one_of = |values: &[Cbor]| constraint(3, &[list(values)]);
    let not_one_of = |values: &[Cbor]| constraint(4, &[list(values)]);
    let contains = |values: &[&str]| constraint(5, &[texts(values)]);
    let subset = |values: &[&str]| constraint(6, &[texts(values)]);
    let all_of = |parts: &[Cbor]| constraint(7, &[list(parts)]);
    let any_of = |parts: &[Cbor]| constraint(8, &[list(parts)]);
    let path = |root: &str| constraint(9, &[root.into()]);
    let (a, b) = (Cbor::from("a"), Cbor::from("b"));
    let zero_to = |max: Cbor| range(0.into(), max);
    let table: Vec<(Cbor, Cbor, bool, &str)> = vec![
        (any.clone(), any.clone(), true, "anything in anything"),
        (any.clone(), not_one_of(&[1.into()]), true, "anything holds all"),
        (exact(1.into()), any.clone(), false, "any is wider than a value"),
        (range(0.into(), 9.into()), any.clone(), false, "any is wider than a range"),
        (not_one_of(&[1.into()]), any.clone(), false, "any is wider than an exclusion"),
        (path("/"), any.clone(), false, "any is wider than every path"),
        (all_of(std::slice::from_ref(&any)), any.clone(), true, "all of any is any"),
        (any_of(&[exact(1.into()), any.clone()]), any.clone(), true, "any is among the parts"),
        (exact(1.into()), exact(1.into()), true, "the same value"),
        (exact(1.into()), exact(true.into()), false, "true is not 1"),
        (exact("a".into()), exact("ab".into()), false, "exact is no prefix"),
        (one_of(&[a.clone(), b.clone()]), exact("a".into()), true, "one of them"),
        (one_of(&[a.clone(), b.clone()]), exact("c".into()), false, "none of them"),
        (one_of(&[a.clone(), b.clone()]), one_of(std::slice::from_ref(&b)), true, "fewer of them"),
        (one_of(std::slice::from_ref(&a)), one_of(&[a.clone(), b.clone()]), false, "more of them"),
        (one_of(std::slice::from_ref(&a)), one_of(&[]), true, "nothing is within everything"),
        (one_of(&[a.clone(), b.clone()]), not_one_of(std::slice::from_ref(&b)), false, "an exclusion is wider than a list"),
        (exact("a".into()), not_one_of(std::slice::from_ref(&b)), false, "an exclusion is wider than a value"),
        (not_one_of(std::slice::from_ref(&a)), not_one_of(std::slice::from_ref(&b)), false, "another exclusion"),
        (not_one_of(std::slice::from_ref(&a)), not_one_of(&[a.clone(), b.clone()]), true, "a longer exclusion"),
        (not_one_of(std::slice::from_ref(&a)), exact("b".into()), true, "a value that is not excluded"),
        (not_one_of(std::slice::from_ref(&a)), one_of(&[a.clone(), b.clone()]), false, "a list with an excluded value"),
        (not_one_of(&[5.into()]), range(6.into(), 9.into()), true, "a range beside the excluded value"),
        (not_one_of(&[5.into()]), range(5.into(), 9.into()), false, "a range with the excluded value"),
        (not_one_of(&["/etc".into()]), path("/data"), true, "paths beside the excluded one"),
        (not_one_of(&["/data/x".into()]), path("/data"), false, "paths with the excluded one"),
        (not_one_of(&[texts(&["a"])]), contains(&["b"]), true, "lists that are not the excluded one"),
        (not_one_of(&[texts(&["a"])]), subset(&["a"]), false, "lists that may be the excluded one"),
        (zero_to(100.into()), zero_to(100.into()), true, "the same range"),
        (zero_to(100.into()), zero_to(100.5.into()), false, "half more"),
        (zero_to(100.5.into()), zero_to(100.into()), true, "half less"),
        (zero_to(100.into()), range(Cbor::Null, 100.into()), false, "an absent bound is wider"),
        (range(Cbor::Null, 100.into()), zero_to(100.into()), true, "one bound more"),
        (zero_to(100.into()), constraint(2, &[0.into(), 100.into(), 3.into()]), true, "open is within closed"),
        (constraint(2, &[0.into(), 100.into(), 1.into()]), zero_to(100.into()), false, "closed is not within open"),
        (zero_to((1u64 << 53).into()), zero_to(((1u64 << 53) + 1).into()), false, "neighbours beyond 2^53 are two numbers"),
        (zero_to(100.into()), exact(50.into()), true, "a number within"),
        (zero_to(100.into()), exact("50".into()), false, "a text is no number"),
        (zero_to(100.into()), one_of(&[1.into(), 2.into()]), true, "numbers within"),
        (exact(5.into()), range(5.into(), 5.into()), true, "a range of one number is that number"),
        (one_of(&[5.into(), 6.into()]), range(5.into(), 6.into()), false, "5.5 is between"),
        (zero_to(100.into()), subset(&["a"]), false, "lists are no numbers"),
        (contains(&["a"]), contains(&["a", "b"]), true, "more is required"),
        (contains(&["a", "b"]), contains(&["a"]), false, "less is required"),
        (contains(&["a"]), exact(texts(&["a", "c"])), true, "a list with it"),
        (contains(&["a"]), subset(&["a"]), false, "the empty list is a subset"),
        (subset(&["a", "b"]), subset(&["a"]), true, "fewer are allowed"),
        (subset(&["a"]), subset(&["a", "b"]), false, "more are allowed"),
        (subset(&["a", "b"]), one_of(&[texts(&[]), texts(&["b"])]), true, "lists of allowed elements"),
        (subset(&["a"]), contains(&["a"]), false, "contains allows others"),
        (path("/data"), path("/data"), true, "the same root"),
        (path("/data"), path("/data/a"), true, "a root below"),
        (path("/data/a"), path("/data"), false, "a root above"),
        (path("/data"), path("/database"), false, "segments are whole"),
        (path("/"), path("/data"), true, "below the root of all"),
        (path("/data"), exact("/data/x".into()), true, "a path below"),
        (path("/data"), exact("/data/../x".into()), false, "a text that is no path"),
        (path("/data"), one_of(&["/etc".into(), "/data/x".into()]), false, "one path beside"),
        (all_of(&[zero_to(100.into()), not_one_of(&[5.into()])]), range(6.into(), 9.into()), true, "within every part"),
        (all_of(&[zero_to(100.into()), not_one_of(&[5.into()])]), range(1.into(), 9.into()), false, "outside one part"),
        (
            range(0.into(), 10.into()),
            all_of(&[range(Cbor::Null, 10.into()), range(0.into(), Cbor::Null)]),
            true,
            "two half ranges make one",
        ),
        (contains(&["a", "b"]), all_of(&[contains(&["a"]), contains(&["b"])]), true, "requirements add up"),
        (subset(&["b"]), all_of(&[subset(&["a", "b"]), subset(&["b", "c"])]), true, "allowances intersect"),
        (
            exact("a".into()),
            all_of(&[one_of(&[a.clone(), b.clone()]), not_one_of(std::slice::from_ref(&b))]),
            true,
            "what is left of a list",
        ),
        (exact("a".into()), all_of(&[range(5.into(), Cbor::Null), range(Cbor::Null, 4.into())]), true, "nothing is left"),
        (zero_to(9.into()), all_of(&[zero_to(9.into()), path("/x")]), true, "a part of the parent and more"),
        (path("/data"), all_of(&[path("/data"), any.clone()]), true, "the parent and more"),
        (any_of(&[exact(1.into()), exact(2.into())]), any_of(&[exact(2.into()), exact(1.into())]), true, "the same parts"),
        (any_of(&[exact(1.into()), zero_to(9.into())]), zero_to(5.into()), true, "within one part"),
        (exact(1.into()), any_of(&[exact(1.into()), exact(2.into())]), false, "one part more"),
        (any_of(&[zero_to(5.into()), range(5.into(), 9.into())]), zero_to(9.into()), true, "the union of two ranges"),
    ];
    let case = |(parent, child, narrower, why): (Cbor, Cbor, bool, &str)| {
        let (parent, child) = (bytes(&parent), bytes(&child));
        let decode = |bytes: &[u8]| deputize::Constraint::decode(bytes).unwrap_or_else(|error| panic!("{why}: {error}"));
        assert_eq!(decode(&parent).subsumes(&decode(&child)), narrower, "{why}");
        assert!(decode(&parent).subsumes(&decode(&parent)) && decode(&child).subsumes(&decode(&child)), "{why}");
        json!({"why": why, "parent": hex(&parent), "child": hex(&child), "narrower": narrower})
    };
    table.into_iter().map(case).collect()
}

fn keys() -> Vec<Json> {
    // The secret keys of RFC 8032 section 7.1, tests 1 and 2, of RFC 8037 appendix A, and of the stories.
    let rfc = [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    ];
    let seeds = rfc.iter().map(|seed| unhex(seed)).chain((1..=3).map(|number| key(number).to_bytes().to_vec()));
    let case = |seed: Vec<u8>| {
        let key = deputize::SigningKey::try_from_seed_slice(&seed).expect("a seed");
        let public = key.verifying_key();
        let signature = deputize::Signer::sign(&key, b"deputize").expect("a signature");
        json!({
            "seed": hex(&seed), "public": hex(public.as_bytes()), "did_key": public.did_key(), "jwk": public.to_jwk(), "thumbprint": public.thumbprint(),
            "pem": key.to_pem().as_str(), "public_pem": public.to_pem(), "private_jwk": key.to_jwk().as_str(), "message": "deputize", "signature": hex(&signature),
        })
    };
    seeds.map(case).collect()
}

fn invalid_keys() -> Vec<Json> {
    let cases = [
        ("0100000000000000000000000000000000000000000000000000000000000000", "the identity"),
        ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "order 2"),
        ("0000000000000000000000000000000000000000000000000000000000000000", "order 4"),
        ("0000000000000000000000000000000000000000000000000000000000000080", "order 4"),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", "order 8"),
        ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", "order 8"),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", "order 8"),
        ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", "order 8"),
        ("0100000000000000000000000000000000000000000000000000000000000080", "the identity with a sign"),
        ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "y = p"),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "y = p + 1"),
        ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", "y = p + 1 with a sign"),
        ("0200000000000000000000000000000000000000000000000000000000000000", "no point"),
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751", "31 bytes"),
        ("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00", "33 bytes"),
        ("", "no bytes"),
    ];
    for (bytes, why) in cases {
        let error = deputize::VerifyingKey::try_from_slice(&unhex(bytes)).expect_err(why);
        assert_eq!(error.code(), deputize::Code::KeyInvalid, "{why}");
    }
    cases.iter().map(|(hex, why)| json!({"why": why, "hex": hex, "code": "key-invalid"})).collect()
}
