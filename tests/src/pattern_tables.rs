//! Cases for constraints on texts and structures, written as JSON. The generator refuses to write what the library does not do.

use deputize::Constraint;
use serde_json::{Value as Json, json};

use crate::vector::hex;

fn encoding(json: &str) -> Vec<u8> {
    deputize::value_from_json(json).and_then(|value| value.encode()).expect(json)
}

/// Constraints, and the code with which each is refused.
pub fn constraints() -> Vec<Json> {
    let long = format!(r#"[11,"{}"]"#, "a".repeat(1025));
    let large = [r#"[11,"(a{100}){6}"]"#, r#"[11,"a{501}"]"#, &long];
    let nested = format!(r#"[11,"{}a{}"]"#, "(".repeat(33), ")".repeat(33));
    let deep = format!("{}[0]{}", "[15,".repeat(8), "]".repeat(8));
    let cases = [
        (r#"[10,"feature/*"]"#, None, "a glob"),
        (r#"[10,"**"]"#, None, "any plain text"),
        (r#"[10,""]"#, Some("constraint-invalid"), "GLB-02: an empty glob"),
        (r#"[10,"[!a]"]"#, Some("constraint-invalid"), "GLB-02: a bracket"),
        (r#"[10,"[z-a]"]"#, Some("constraint-invalid"), "GLB-02: a bracket"),
        (r#"[10,"{a,b}"]"#, Some("constraint-invalid"), "GLB-02: a brace"),
        (r#"[10,"a\\*"]"#, Some("constraint-invalid"), "a backslash"),
        (r#"[10,"a***"]"#, Some("constraint-invalid"), "three stars"),
        (r#"[10,"a/../*"]"#, Some("constraint-invalid"), "a segment that nothing matches"),
        (r#"[10,"%2e"]"#, Some("constraint-invalid"), "a percent sign"),
        (r#"[10,"/data/"]"#, Some("constraint-invalid"), "no path ends in a slash"),
        (r#"[10,"/a:b"]"#, Some("constraint-invalid"), "no path has a colon"),
        (r#"[10,"a:b"]"#, None, "a plain text may have a colon"),
        (r#"[10,1]"#, Some("malformed"), "a glob that is a number"),
        (r#"[10]"#, Some("constraint-unknown"), "a glob without a pattern"),
        (r#"[10,"a",1]"#, Some("constraint-unknown"), "a glob with an option"),
        (r#"[11,"[a-z]{1,3}|\\p{Lu}\\.x"]"#, None, "a regular expression"),
        (r#"[11,"a|"]"#, None, "a branch may be empty"),
        (r#"[11,"a{500}"]"#, None, "the largest"),
        (large[0], Some("too-large"), "repetitions multiply"),
        (large[1], Some("too-large"), "a repetition beyond the limit"),
        (large[2], Some("too-large"), "more than 1,024 bytes"),
        (&nested, Some("constraint-invalid"), "groups too deep"),
        (r#"[11,""]"#, Some("constraint-invalid"), "an empty regular expression"),
        (r#"[11,"^ok$"]"#, Some("constraint-invalid"), "GLB-03: anchors"),
        (r#"[11,"\\^ok[$]"]"#, None, "the characters of anchors"),
        (r#"[11,"(?=a)b"]"#, Some("constraint-invalid"), "look-ahead"),
        (r#"[11,"(?:a)"]"#, Some("constraint-invalid"), "a group with flags"),
        (r#"[11,"(a)\\1"]"#, Some("constraint-invalid"), "a back-reference"),
        (r#"[11,"\\d"]"#, Some("constraint-invalid"), "an escape of another dialect"),
        (r#"[11,"a*?"]"#, Some("constraint-invalid"), "a lazy quantifier"),
        (r#"[11,"a**"]"#, Some("constraint-invalid"), "a quantifier of a quantifier"),
        (r#"[11,"*a"]"#, Some("constraint-invalid"), "a quantifier of nothing"),
        (r#"[11,"a{3,2}"]"#, Some("constraint-invalid"), "a least above the most"),
        (r#"[11,"a{1001}"]"#, Some("constraint-invalid"), "a number above 1,000"),
        (r#"[11,"[z-a]"]"#, Some("constraint-invalid"), "a range the wrong way round"),
        (r#"[11,"[]"]"#, Some("constraint-invalid"), "an empty class"),
        (r#"[11,"[a-[b]]"]"#, Some("constraint-invalid"), "a class in a class"),
        (r#"[11,"[-a-c.-]"]"#, None, "hyphens at the ends of a class"),
        (r#"[11,"[a-c-e]"]"#, Some("constraint-invalid"), "a hyphen after a range"),
        (r#"[11,"(a"]"#, Some("constraint-invalid"), "an open group"),
        (r#"[11,"a)"]"#, Some("constraint-invalid"), "a group that was not opened"),
        (r#"[11,"\\p{Xx}"]"#, Some("constraint-invalid"), "no category"),
        (r#"[11,"\\p{Cs}"]"#, Some("constraint-invalid"), "surrogates are no characters"),
        (r#"[12,["https"],["x.io"],[443],null]"#, None, "a url"),
        (r#"[12,["http","https"],["*","[::1]","10.0.0.1","*.x.io"],null,"/v1/*"]"#, Some("not-canonical"), "a set out of order"),
        (r#"[12,["https"],["*"],null,"/v1/**",1]"#, None, "a public url"),
        (r#"[12,["https"],["*"],null,null,2]"#, Some("constraint-unknown"), "an unknown option"),
        (r#"[12,["https"],["*"],null]"#, Some("constraint-unknown"), "a url without a path"),
        (r#"[12,[],["*"],null,null]"#, Some("constraint-invalid"), "no scheme"),
        (r#"[12,["https"],[],null,null]"#, Some("constraint-invalid"), "no host"),
        (r#"[12,["https"],["*"],[],null]"#, Some("constraint-invalid"), "no port"),
        (r#"[12,["https"],["*"],[0],null]"#, Some("constraint-invalid"), "port 0"),
        (r#"[12,["https"],["*"],[65536],null]"#, Some("constraint-invalid"), "a port that is none"),
        (r#"[12,["file"],["*"],null,null]"#, Some("constraint-invalid"), "URL-05: a scheme without a host"),
        (r#"[12,["HTTPS"],["*"],null,null]"#, Some("constraint-invalid"), "URL-05: a scheme in upper case"),
        (r#"[12,["https"],["X.io"],null,null]"#, Some("constraint-invalid"), "a host in upper case"),
        (r#"[12,["https"],["x.io."],null,null]"#, Some("constraint-invalid"), "a dot at the end"),
        (r#"[12,["https"],["*x.io"],null,null]"#, Some("constraint-invalid"), "a star within a label"),
        (r#"[12,["https"],["a.*.io"],null,null]"#, Some("constraint-invalid"), "a star within a name"),
        (r#"[12,["https"],["0x7f.1"],null,null]"#, Some("constraint-invalid"), "an address in another spelling"),
        (r#"[12,["https"],["[::ffff:7f00:1]"],null,null]"#, Some("constraint-invalid"), "a mapped address"),
        (r#"[12,["https"],["127.0.0.1"],null,null,1]"#, Some("constraint-invalid"), "a public url at a private address"),
        (r#"[12,["https"],["*"],null,"v1"]"#, Some("constraint-invalid"), "a path without a slash"),
        (r#"[12,["https"],["*"],null,"/v1//x"]"#, Some("constraint-invalid"), "a path with an empty segment"),
        (r#"[12,["https"],["*"],null,"/%2e%2e/x"]"#, Some("constraint-invalid"), "a path with an encoded dot"),
        (r#"[12,["https"],["*"],null,"/a%20b/"]"#, None, "a path with an encoded space"),
        (r#"[12,"https",["*"],null,null]"#, Some("malformed"), "schemes that are no set"),
        (r#"[12,["https"],[1],null,null]"#, Some("malformed"), "a host that is a number"),
        (r#"[13,"10.0.0.0/8"]"#, None, "a network"),
        (r#"[13,"2001:db8::/32"]"#, None, "a network of IPv6"),
        (r#"[13,"10.0.0.1/8"]"#, Some("constraint-invalid"), "bits after the prefix"),
        (r#"[13,"10.0.0.0"]"#, Some("constraint-invalid"), "no prefix"),
        (r#"[13,"10.0.0.0/33"]"#, Some("constraint-invalid"), "a prefix that is too long"),
        (r#"[13,"10.0.0.0/08"]"#, Some("constraint-invalid"), "a prefix with a zero before"),
        (r#"[13,"::ffff:0.0.0.0/96"]"#, Some("constraint-invalid"), "mapped addresses"),
        (r#"[14,["x.io","*.x.io"]]"#, None, "two kinds of hosts"),
        (r#"[14,[]]"#, Some("constraint-invalid"), "no host"),
        (r#"[14,["10.0.0.1"]]"#, Some("constraint-invalid"), "an address as domain"),
        (r#"[15,[1,"a"]]"#, None, "each"),
        (&deep, Some("too-deep"), "each in each beyond the limit"),
        (r#"[16,0,null]"#, None, "any length"),
        (r#"[16,1,0]"#, Some("constraint-invalid"), "a least above the most"),
        (r#"[16,0,1048577]"#, Some("constraint-invalid"), "longer than values are"),
        (r#"[16,-1,5]"#, Some("malformed"), "a negative length"),
        (r#"[16,0]"#, Some("constraint-unknown"), "a length without a most"),
        (r#"[17,{}]"#, None, "any map"),
        (r#"[17,{"*":[0],"a":[-1,[1,1]]}]"#, None, "entries as those of arguments"),
        (r#"[17,{"*":[-1,[0]]}]"#, Some("claim-invalid"), "`*` is never optional"),
        (r#"[17,{"":[0]}]"#, Some("claim-invalid"), "a name that is none"),
        (r#"[17,[]]"#, Some("malformed"), "fields that are no map"),
        (r#"[18,0,null]"#, None, "from 1970"),
        (r#"[18,null,null]"#, Some("constraint-invalid"), "no bounds"),
        (r#"[18,2,1]"#, Some("constraint-invalid"), "it ends before it begins"),
        (r#"[18,0,253402300800]"#, Some("constraint-invalid"), "after the year 9999"),
        (r#"[18,-1,0]"#, Some("malformed"), "before 1970"),
        (r#"[19,"secret-*"]"#, None, "all but a glob"),
        (r#"[19,"{"]"#, Some("constraint-invalid"), "no glob"),
        (r#"[20,"a"]"#, Some("constraint-unknown"), "an unknown type"),
        (r#"[200,"a"]"#, Some("constraint-unknown"), "CHN-20: an unknown type"),
    ];
    let written = cases.into_iter().map(|(json, code, why)| {
        let bytes = encoding(json);
        let decoded = Constraint::decode(&bytes);
        assert_eq!(decoded.as_ref().err().map(|error| error.code().as_str()), code, "{why}: {json}");
        assert!(decoded.is_err() || decoded.is_ok_and(|constraint| constraint.encode() == bytes), "{why}");
        json!({"why": why, "hex": hex(&bytes), "code": code})
    });
    written.collect()
}

/// Constraints, texts that they accept, and texts that they refuse.
const TEXTS: &[(&str, &[&str], &[&str])] = &[
    (
        r#"[10,"feature/*"]"#,
        &["feature/", "feature/a", "feature/é b:c"],
        &["feature", "feature/a/b", "Feature/a", "feature/..", "feature/a%2fb", "feature/a\0", "feature/a\\b", "feature/ .. "],
    ),
    (r#"[10,"**"]"#, &["", "a", "a//b", "a...b", "  "], &[".", "..", "a/..", "a/. ", "\u{202e}", "a\u{ff0f}b", "%"]),
    (r#"[10,"a?c"]"#, &["abc", "aéc", "a\u{1f600}c"], &["ac", "a/c", "abbc", "a\nc"]),
    (
        r#"[10,"/data/*"]"#,
        &["/data/a", "/data/.a"],
        &["/data/a/b", "/data/../etc/passwd", "/data/", "/data", "/data/a:b", "/data/a.", "data/a"],
    ),
    (
        r#"[10,"/data/**/x.csv"]"#,
        &["/data/a/x.csv", "/data/a/b/x.csv"],
        &["/data/x.csv", "/data//x.csv", "/data/a/x.csv/", "/data/../x.csv"],
    ),
    (r#"[19,"secret-*"]"#, &["public", "", "secret"], &["secret-", "secret-a", "secret-a/..", "%73ecret-", "\n"]),
    (r#"[19,"/etc/**"]"#, &["/data/x", "/", "/etc"], &["/etc/passwd", "data", "/data/../etc/passwd", ""]),
    (r#"[11,"ok"]"#, &["ok"], &["ok\n", "ok\nevil", "xok", "okx", "OK", ""]),
    (r#"[11,"(a+)+"]"#, &["a", "aaaa"], &["", "aaab"]),
    (r#"[11,"."]"#, &["a", "é", "\u{1f600}", "\u{2028}"], &["", "\n", "\r", "ab"]),
    (r#"[11,"[^a-c]x{2,3}"]"#, &["dxx", "\nxxx"], &["axx", "dx", "dxxxx"]),
    (r#"[11,"\\p{Lu}\\P{L}*"]"#, &["A", "É1-", "Ω"], &["a", "Ab", "1"]),
    (r#"[11,"\\p{Zl}|\\p{Zp}"]"#, &["\u{2028}", "\u{2029}"], &["", " "]),
    (r#"[11,"[\\p{Nd}_-]+|\\(\\)"]"#, &["1_-", "٣", "()"], &["a", "(", ""]),
    (r#"[11,"(ab?){2}|"]"#, &["", "aa", "aba", "abab"], &["ab", "aaa"]),
    (
        r#"[12,["https"],["api.example.com"],[443],null]"#,
        &[
            "https://api.example.com/",
            "https://api.example.com",
            "https://api.example.com/a/b?c=d/?#e",
            "https://api.example.com/a%20b/",
            "https://api.example.com/~a/(b)@c:d",
        ],
        &[
            "http://api.example.com/",
            "https://api.example.com@evil.com/",
            "https://evil.com#@api.example.com/",
            "http:\\\\evil.com",
            "https:evil.com",
            "ht\ntps://api.example.com/",
            "https://api.example.com%2eevil.com/",
            "https://api.example.com/\t",
            " https://api.example.com/",
            "https://api.example.com./",
            "https://API.example.com/",
            "HTTPS://api.example.com/",
            "https://api.example.com:443/",
            "https://api.example.com:0443/",
            "https://api.example.com:8443/",
            "https://api.example.com:/",
            "https://\u{ad}api.example.com/",
            "https://api\u{3002}example.com/",
            "https://user:pass@api.example.com/",
            "https:///api.example.com/",
            "https://api.example.com?x=1",
            "https://api.example.com//",
            "https://api.example.com/a//b",
            "https://api.example.com/./a",
            "https://api.example.com/a/..",
            "https://api.example.com/%2E%2E/a",
            "https://api.example.com/.%2e/",
            "https://api.example.com/a;b",
            "https://api.example.com/a\\b",
            "https://api.example.com/%2F..%2Fadmin",
            "https://api.example.com/%zz",
            "https://api.example.com/%c3%a9",
            "https://api.example.com/a b",
            "https://api.example.com/?a b",
            "https://api.example.com/?%4",
            "https://api.example.com/#a#b",
            "",
        ],
    ),
    (
        r#"[12,["http"],["*.example.com"],null,null]"#,
        &["http://a.example.com/", "http://a.b.example.com:8080/", "http://xn--a-ecp.example.com/"],
        &[
            "http://example.com/",
            "http://evilexample.com/",
            "http://a.example.com:80/",
            "http://a.example.com:65536/",
            "http://a..example.com/",
            "http://-a.example.com/",
            "http://a_b-.example.com/",
        ],
    ),
    (
        r#"[12,["http"],["*"],null,null]"#,
        &["http://localhost/", "http://a/", "http://a.b/", "http://xn--a/"],
        &[
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://0/",
            "http://127.0.0.1/",
            "http://8.8.8.8/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://127\u{3002}0\u{3002}0\u{3002}1/",
            "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
            "http://169.254.169.254/",
            "http://a.1/",
            "http://xn--example-/",
            "http:///",
            "http://.a/",
        ],
    ),
    (
        r#"[12,["https"],["*","localhost"],null,null,1]"#,
        &["https://a.example/", "https://a.dev/"],
        &[
            "https://localhost/",
            "https://a.localhost/",
            "https://a.local/",
            "https://a/",
            "https://a.internal/",
            "https://a.home.arpa/",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
        ],
    ),
    (
        r#"[12,["http","https"],["10.0.0.1","[2001:db8::1]"],[80,8443],null]"#,
        &["http://10.0.0.1/", "https://10.0.0.1:8443/", "http://[2001:db8::1]/"],
        &[
            "https://10.0.0.1/",
            "http://10.0.0.2/",
            "http://010.0.0.1/",
            "http://[2001:DB8::1]/",
            "http://[2001:db8::1]:80/",
            "http://[2001:db8::1/",
        ],
    ),
    (
        r#"[12,["https"],["x.io"],[443],"/v1/*"]"#,
        &["https://x.io/v1/", "https://x.io/v1/a?b/c#d"],
        &[
            "https://x.io/v1",
            "https://x.io/v1/a/b",
            "https://x.io/v1/%2e%2e/admin",
            "https://x.io/v1/..;/admin",
            "https://x.io/v1\\..\\admin",
            "https://x.io//v1//",
            "https://x.io",
        ],
    ),
    (r#"[12,["https"],["x.io"],[443],"/**"]"#, &["https://x.io", "https://x.io/", "https://x.io/a/b"], &["https://x.io//"]),
    (
        r#"[13,"10.0.0.0/8"]"#,
        &["10.0.0.0", "10.255.255.255"],
        &["11.0.0.0", "9.255.255.255", "10.0.0.0/8", "010.0.0.1", "10.1", "::a00:1", "::ffff:10.0.0.1", "10.0.0.1 ", ""],
    ),
    (
        r#"[13,"2001:db8::/32"]"#,
        &["2001:db8::", "2001:db8:ffff::1"],
        &["2001:db9::", "2001:0db8::1", "2001:DB8::1", "2001:db8:0:0:0:0:0:1", "32.1.13.184"],
    ),
    (r#"[13,"::/0"]"#, &["::", "::1", "ffff::"], &["0.0.0.0", "::ffff:1.2.3.4", "::ffff:102:304", "fe80::1%1"]),
    (
        r#"[14,["acme.com"]]"#,
        &["ana@acme.com", "Ana.B+tag@ACME.com", "a!#$%&'*+/=?^_`{|}~-b@acme.com"],
        &[
            "ana@acme.com.evil.com",
            "ana@evil.com",
            "@acme.com",
            "ana@",
            "ana",
            "a@b@acme.com",
            ".a@acme.com",
            "a.@acme.com",
            "a..b@acme.com",
            "\"a\"@acme.com",
            "a b@acme.com",
            "a@acme.com\n",
            "a@acme.com,b@evil.com",
            "<a@acme.com>",
            "a@[10.0.0.1]",
            "a@sub.acme.com",
            "a@acme.com.",
            "é@acme.com",
            "a@acm\u{212a}.com",
        ],
    ),
    (r#"[14,["*.acme.com"]]"#, &["a@x.acme.com", "a@x.Y.acme.com"], &["a@acme.com", "a@xacme.com"]),
    (r#"[14,["*"]]"#, &["a@b", "a@b.c"], &["a@1", "a@b.1", "a@-b", "a@b_-"]),
    (r#"[16,1,3]"#, &["a", "abc", "\u{1f600}é\u{301}"], &["", "abcd"]),
    (
        r#"[18,0,10]"#,
        &["1970-01-01T00:00:00Z", "1970-01-01T00:00:10.000Z", "1970-01-01T02:00:05+02:00", "1969-12-31T23:00:05-01:00"],
        &[
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:10.000000001Z",
            "1970-01-01T00:00:05",
            "1970-01-01t00:00:05Z",
            "1970-01-01 00:00:05Z",
            "1970-02-30T00:00:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:05-00:00",
            "5",
            "",
        ],
    ),
    (r#"[18,null,951782400]"#, &["2000-02-29T00:00:00Z", "0000-01-01T00:00:00Z"], &["2000-02-29T00:00:00.1Z", "2001-02-29T00:00:00Z"]),
];

/// The same with other values, as JSON.
const VALUES: &[(&str, &[&str], &[&str])] = &[
    (r#"[10,"**"]"#, &[], &["1", "null", r#"["a"]"#, r#"{"$bytes":"YQ"}"#]),
    (r#"[19,"a"]"#, &[], &["1", "null", r#"["b"]"#, "{}"]),
    (r#"[15,[3,[1,2]]]"#, &["[]", "[1]", "[2,1,1]"], &["[3]", "1", "null", r#"{"a":1}"#, "[[1]]", "[true]"]),
    (r#"[15,[15,[10,"a*"]]]"#, &["[[]]", r#"[["a","ab"],[]]"#], &[r#"["a"]"#, r#"[["b"]]"#]),
    (r#"[16,1,2]"#, &["[1]", "[1,[2,3]]", r#""ab""#], &["[]", "[1,2,3]", "1", r#"{"a":1}"#, r#"{"$bytes":"YQ"}"#, "null"]),
    (r#"[17,{}]"#, &["{}", r#"{"a":1}"#], &["[]", "null", r#""a""#]),
    (
        r#"[17,{"a":[1,1],"b":[-1,[0]]}]"#,
        &[r#"{"a":1}"#, r#"{"a":1,"b":null}"#],
        &["{}", r#"{"a":2}"#, r#"{"a":1,"c":1}"#, r#"{"b":1}"#, r#"{"a":1,"*":1}"#],
    ),
    (r#"[17,{"*":[2,0,9],"a":[10,"x*"]}]"#, &[r#"{"a":"x"}"#, r#"{"a":"xy","b":9,"*":3}"#], &["{}", r#"{"a":"x","b":10}"#, r#"{"a":1}"#]),
];

/// Which values constraints accept.
pub fn accepts() -> Vec<Json> {
    let texts = TEXTS.iter().flat_map(|(constraint, good, bad)| {
        let one = move |expected: bool| move |text: &&str| (*constraint, deputize::value_to_json(&deputize::Value::from(*text)), expected);
        good.iter().map(one(true)).chain(bad.iter().map(one(false))).collect::<Vec<_>>()
    });
    let values = VALUES.iter().flat_map(|(constraint, good, bad)| {
        let one = move |expected: bool| move |json: &&str| (*constraint, (*json).to_owned(), expected);
        good.iter().map(one(true)).chain(bad.iter().map(one(false))).collect::<Vec<_>>()
    });
    let written = texts.chain(values).map(|(constraint, value, expected)| {
        let bytes = encoding(constraint);
        let accepted = Constraint::decode(&bytes).expect(constraint).accepts(&deputize::value_from_json(&value).expect("json"));
        assert_eq!(accepted, expected, "{constraint} {value}");
        json!({"constraint": hex(&bytes), "value": value, "accepts": expected})
    });
    written.collect()
}

/// Parent, child, whether it is narrower.
const PAIRS: &[(&str, &str, bool, &str)] = &[
    (r#"[10,"main-*"]"#, r#"[10,"main-x"]"#, true, "a glob without a star"),
    (r#"[1,"main"]"#, r#"[10,"main-*"]"#, false, "exact is no prefix"),
    (r#"[1,"main"]"#, r#"[10,"main"]"#, true, "a glob of one text"),
    (r#"[10,"/data/*"]"#, r#"[10,"/data/**"]"#, false, "CHN-12: two stars cross"),
    (r#"[10,"/data/**"]"#, r#"[10,"/data/*"]"#, true, "CHN-12: one star does not"),
    (r#"[10,"*"]"#, r#"[10,"*.pdf"]"#, true, "CHN-12: a suffix"),
    (r#"[10,"*.pdf"]"#, r#"[10,"*"]"#, false, "CHN-12: any segment"),
    (r#"[10,"a?c"]"#, r#"[10,"a*c"]"#, false, "CHN-12: a run is wider than one"),
    (r#"[10,"a*c"]"#, r#"[10,"a?c"]"#, true, "CHN-12: one of a run"),
    (r#"[10,"a*"]"#, r#"[10,"a*b*"]"#, true, "CHN-12: a longer pattern"),
    (r#"[10,"a*b*"]"#, r#"[10,"a*"]"#, false, "CHN-12: a shorter pattern"),
    (r#"[10,"*a*b*"]"#, r#"[10,"*ab*"]"#, true, "an automaton is not needed to see it"),
    (r#"[10,"*a*"]"#, r#"[8,[[10,"a*"],[10,"*a"]]]"#, true, "both parts"),
    (r#"[8,[[10,"a*"],[19,"a*"]]]"#, r#"[10,"**"]"#, true, "what has a slash is no match"),
    (r#"[8,[[10,"a**"],[19,"a**"]]]"#, r#"[10,"**"]"#, true, "a glob and what it leaves"),
    (r#"[9,"/data"]"#, r#"[10,"/data/reports/*.csv"]"#, true, "a glob below a path"),
    (r#"[9,"/data"]"#, r#"[10,"data/*"]"#, false, "a glob about no paths"),
    (r#"[9,"/data"]"#, r#"[10,"/data*"]"#, false, "beside the path"),
    (r#"[9,"/a*"]"#, r#"[10,"/a*/x"]"#, false, "a star in a path is a star"),
    (r#"[10,"/data/**"]"#, r#"[9,"/data"]"#, false, "the root itself"),
    (r#"[10,"/data**"]"#, r#"[9,"/data"]"#, true, "the root and all below"),
    (r#"[10,"**"]"#, r#"[9,"/"]"#, true, "paths are plain"),
    (r#"[10,"/**"]"#, r#"[9,"/"]"#, true, "all paths"),
    (r#"[9,"/"]"#, r#"[10,"/**"]"#, true, "nothing but paths"),
    (r#"[19,"/etc/**"]"#, r#"[9,"/data"]"#, true, "paths elsewhere"),
    (r#"[19,"/data/x*"]"#, r#"[9,"/data"]"#, false, "paths among those"),
    (r#"[19,"a*"]"#, r#"[19,"**"]"#, true, "nothing at all"),
    (r#"[19,"ab*"]"#, r#"[19,"a*"]"#, true, "less is left"),
    (r#"[19,"a*"]"#, r#"[19,"ab*"]"#, false, "more is left"),
    (r#"[19,"a*"]"#, r#"[3,["b","c"]]"#, true, "texts that do not match"),
    (r#"[11,"[a-z]+"]"#, r#"[11,"[a-f]{2,4}"]"#, true, "a part of a class"),
    (r#"[11,"[a-f]{2,4}"]"#, r#"[11,"[a-f]+"]"#, false, "more of it"),
    (r#"[11,"(a|b)*"]"#, r#"[11,"(a*b*)*"]"#, true, "the same language"),
    (r#"[11,"(a*b*)*"]"#, r#"[11,"(a|b)*"]"#, true, "the same language, the other way"),
    (r#"[11,"(aa)*"]"#, r#"[11,"(aaa)*"]"#, false, "threes are not twos"),
    (r#"[11,"(aa)*"]"#, r#"[11,"(aaaa)*"]"#, true, "fours are twos"),
    (r#"[11,"\\p{L}+"]"#, r#"[11,"\\p{Lu}\\p{Ll}*"]"#, true, "categories"),
    (r#"[11,"[^/]*"]"#, r#"[10,"*"]"#, true, "a glob within a regular expression"),
    (r#"[10,"*"]"#, r#"[11,"[^/]*"]"#, false, "not every text is plain"),
    (r#"[10,"*"]"#, r#"[11,"[a-z.]*z"]"#, true, "but these are"),
    (r#"[10,"*"]"#, r#"[11,"[a-z.]*"]"#, false, "and dots alone are not"),
    (r#"[3,["a","ab"]]"#, r#"[11,"ab?"]"#, true, "a finite language"),
    (r#"[3,["a","ab"]]"#, r#"[11,"ab*"]"#, false, "an infinite one"),
    (r#"[8,[[11,"a.*"],[11,".*b"]]]"#, r#"[11,"a.*b"]"#, true, "either"),
    (r#"[8,[[11,"a.*"],[11,"b.*"]]]"#, r#"[11,"[ab].*"]"#, true, "both together, and neither alone"),
    (r#"[11,"a+"]"#, r#"[7,[[11,"[ab]+"],[11,"[ac]+"]]]"#, true, "an intersection"),
    (r#"[11,"a+"]"#, r#"[7,[[11,"[ab]+"],[4,["b"]]]]"#, false, "less is excluded"),
    (r#"[11,"[a-z]+@[aA]cme\\.com"]"#, r#"[14,["acme.com"]]"#, false, "other cases of the domain"),
    (r#"[14,["acme.com"]]"#, r#"[11,"[a-z]+@[aA]cme\\.com"]"#, true, "addresses by a regular expression"),
    (r#"[14,["*.acme.com"]]"#, r#"[14,["x.acme.com","*.y.acme.com"]]"#, true, "hosts below"),
    (r#"[14,["*.acme.com"]]"#, r#"[14,["acme.com"]]"#, false, "the domain itself is not below"),
    (r#"[14,["acme.com"]]"#, r#"[14,["*"]]"#, false, "every domain"),
    (r#"[12,["http","https"],["*.x.io"],null,null]"#, r#"[12,["https"],["a.x.io"],[443],"/v1/*"]"#, true, "narrower in all"),
    (r#"[12,["https"],["a.x.io"],[443],null]"#, r#"[12,["https"],["*.x.io"],[443],null]"#, false, "URL-04: more hosts"),
    (r#"[12,["https"],["*.x.io"],[443],null]"#, r#"[12,["https"],["x.io"],[443],null]"#, false, "URL-04: the domain itself"),
    (r#"[12,["https"],["x.io"],[443],null]"#, r#"[12,["http"],["x.io"],[443],null]"#, false, "another scheme"),
    (r#"[12,["https"],["x.io"],[443],null]"#, r#"[12,["https"],["x.io"],null,null]"#, false, "any port"),
    (r#"[12,["https"],["x.io"],[443],"/v1/**"]"#, r#"[12,["https"],["x.io"],[443],null]"#, false, "any path"),
    (r#"[12,["https"],["x.io"],[443],"/**"]"#, r#"[12,["https"],["x.io"],[443],null]"#, true, "every path begins with a slash"),
    (r#"[12,["https"],["*"],[443],null,1]"#, r#"[12,["https"],["*"],[443],null]"#, false, "private names too"),
    (r#"[12,["https"],["*"],[443],null,1]"#, r#"[12,["https"],["x.io","*.y.io"],[443],null]"#, true, "public names only"),
    (r#"[12,["https"],["*"],[443],null,1]"#, r#"[12,["https"],["*.arpa"],[443],null]"#, false, "home.arpa is among them"),
    (r#"[12,["https"],["*"],[443],null]"#, r#"[12,["https"],["10.0.0.1"],[443],null]"#, false, "addresses are named"),
    (r#"[11,"https://x\\.io/.*"]"#, r#"[12,["https"],["x.io"],[443],null]"#, false, "a URL may end after the host"),
    (r#"[11,"https://x\\.io(/.*)?"]"#, r#"[12,["https"],["x.io"],[443],"/v1/*"]"#, false, "a query may follow at once, in the larger set"),
    (r#"[11,"https://x\\.io.*"]"#, r#"[12,["https"],["x.io"],[443],"/v1/*"]"#, true, "URLs at a prefix"),
    (r#"[12,["https"],["x.io"],[443],null]"#, r#"[1,"https://x.io/a"]"#, true, "one URL"),
    (r#"[12,["https"],["x.io"],[443],null]"#, r#"[11,"https://x\\.io/a"]"#, false, "only by value"),
    (r#"[13,"10.0.0.0/8"]"#, r#"[13,"10.1.0.0/16"]"#, true, "a longer prefix"),
    (r#"[13,"10.1.0.0/16"]"#, r#"[13,"10.0.0.0/8"]"#, false, "a shorter prefix"),
    (r#"[13,"::/0"]"#, r#"[13,"10.0.0.0/8"]"#, false, "the other family"),
    (r#"[10,"10.1.*"]"#, r#"[13,"10.1.0.0/16"]"#, true, "numbers that are fixed"),
    (r#"[10,"10.1.*"]"#, r#"[13,"10.0.0.0/15"]"#, false, "numbers that are not"),
    (r#"[18,0,10]"#, r#"[7,[[18,2,null],[18,null,9]]]"#, true, "windows together"),
    (r#"[18,0,10]"#, r#"[18,0,null]"#, false, "no end"),
    (r#"[4,["a"]]"#, r#"[18,0,10]"#, true, "no time is a"),
    (r#"[16,1,5]"#, r#"[11,"[a-z]{2,5}"]"#, true, "lengths of texts"),
    (r#"[16,1,5]"#, r#"[11,"[a-z]+"]"#, false, "longer texts"),
    (r#"[16,0,5]"#, r#"[7,[[10,"a*"],[16,0,4]]]"#, true, "a length within"),
    (r#"[16,1,null]"#, r#"[5,["a"]]"#, true, "a list that contains something has something"),
    (r#"[16,0,5]"#, r#"[6,["a"]]"#, false, "an element may come again"),
    (r#"[15,[10,"a*"]]"#, r#"[15,[10,"ab*"]]"#, true, "each is narrower"),
    (r#"[15,[3,["a","b"]]]"#, r#"[6,["a"]]"#, true, "a subset is each of a set"),
    (r#"[6,["a","b"]]"#, r#"[15,[11,"a|b"]]"#, true, "each of a finite language"),
    (r#"[6,["a"]]"#, r#"[7,[[15,[3,["a","b"]]],[15,[3,["a","c"]]]]]"#, true, "each and each"),
    (r#"[15,[1,"a"]]"#, r#"[7,[[15,[10,"*"]],[16,0,0]]]"#, true, "the empty list"),
    (r#"[15,[0]]"#, r#"[7,[[5,["a"]],[15,[1,"b"]]]]"#, true, "a contradiction"),
    (r#"[16,0,1]"#, r#"[7,[[5,["a","b"]],[16,0,1]]]"#, true, "another contradiction"),
    (r#"[17,{"a":[0]}]"#, r#"[17,{"a":[1,1]}]"#, true, "a field is narrower"),
    (r#"[17,{"a":[0]}]"#, r#"[17,{"a":[-1,[0]]}]"#, false, "a field may be missing"),
    (r#"[17,{"a":[0]}]"#, r#"[17,{"a":[0],"b":[0]}]"#, false, "a field more"),
    (r#"[17,{"*":[0],"a":[0]}]"#, r#"[17,{"a":[0],"b":[1,1]}]"#, true, "a field more under the star"),
    (r#"[17,{}]"#, r#"[17,{"*":[0]}]"#, true, "every map"),
    (r#"[17,{}]"#, r#"[4,[{}]]"#, false, "other values too"),
    (r#"[8,[[17,{}],[10,"**"]]]"#, r#"[8,[[17,{"a":[1,1]}],[9,"/"]]]"#, true, "kinds apart"),
    (r#"[8,[[2,0,5],[2,5,9]]]"#, r#"[2,1,8]"#, true, "ranges that meet"),
    (r#"[8,[[2,0,4],[2,5,9]]]"#, r#"[2,1,8]"#, false, "4.5 is between"),
    (r#"[8,[[2,null,0],[2,0,null]]]"#, r#"[2,-5,5]"#, true, "all numbers"),
    (r#"[3,[1,2]]"#, r#"[7,[[2,1,2],[4,[1.5]]]]"#, false, "there are more numbers between"),
    (r#"[8,[[1,1],[4,[1]]]]"#, r#"[0]"#, true, "a value and all others"),
    (r#"[4,["a"]]"#, r#"[7,[[0],[10,"b*"]]]"#, true, "any and a glob"),
    (r#"[7,[[10,"a*"],[16,0,9]]]"#, r#"[7,[[7,[[10,"a*"],[16,0,9]]],[4,["a"]]]]"#, true, "the parent and more"),
];

/// Which pairs are narrower.
pub fn narrower() -> Vec<Json> {
    let written = PAIRS.iter().map(|(parent, child, expected, why)| {
        let (parent, child) = (encoding(parent), encoding(child));
        let [above, below] = [&parent, &child].map(|bytes| Constraint::decode(bytes).expect(why));
        assert_eq!(above.subsumes(&below), *expected, "{why}: {below} within {above}: {:?}", above.counterexample(&below));
        json!({"why": why, "parent": hex(&parent), "child": hex(&child), "narrower": expected})
    });
    written.collect()
}

/// Two constraints, and what is narrower than both.
const MEETS: &[(&str, &str, &str)] = &[
    ("[0]", "[1,1]", "[1,1]"),
    (r#"[3,["a","b"]]"#, r#"[3,["b","c"]]"#, r#"[3,["b"]]"#),
    (r#"[10,"a*"]"#, r#"[3,["b","ab"]]"#, r#"[3,["ab"]]"#),
    (r#"[1,"a"]"#, r#"[10,"b*"]"#, "[3,[]]"),
    ("[2,0,5]", "[2,3,null]", "[2,3,5]"),
    ("[2,0,5]", "[2,5,9,1]", "[3,[]]"),
    (r#"[9,"/data"]"#, r#"[9,"/data/x"]"#, r#"[9,"/data/x"]"#),
    (r#"[9,"/data"]"#, r#"[9,"/etc"]"#, "[3,[]]"),
    (r#"[13,"10.0.0.0/8"]"#, r#"[13,"10.1.0.0/16"]"#, r#"[13,"10.1.0.0/16"]"#),
    (r#"[4,["a"]]"#, r#"[4,["b"]]"#, r#"[4,["a","b"]]"#),
    (r#"[5,["a"]]"#, r#"[5,["b"]]"#, r#"[5,["a","b"]]"#),
    (r#"[6,["a","b"]]"#, r#"[6,["b","c"]]"#, r#"[6,["b"]]"#),
    ("[16,0,5]", "[16,3,9]", "[16,3,5]"),
    ("[16,0,2]", "[16,3,9]", "[3,[]]"),
    ("[18,0,5]", "[18,3,null]", "[18,3,5]"),
    (r#"[15,[3,["a","b"]]]"#, r#"[15,[3,["b","c"]]]"#, r#"[15,[3,["b"]]]"#),
    (r#"[10,"a*"]"#, r#"[10,"*b"]"#, r#"[7,[[10,"a*"],[10,"*b"]]]"#),
    (r#"[8,[[9,"/a"],[9,"/b"]]]"#, r#"[9,"/a/x"]"#, r#"[9,"/a/x"]"#),
    (r#"[8,[[9,"/a/x"],[9,"/b"]]]"#, r#"[9,"/a"]"#, r#"[9,"/a/x"]"#),
    (r#"[17,{"a":[2,0,5]}]"#, r#"[17,{"a":[-1,[2,3,9]]}]"#, r#"[17,{"a":[2,3,5]}]"#),
    (r#"[17,{"*":[2,0,5],"a":[0]}]"#, r#"[17,{"a":[1,1],"b":[-1,[2,3,9]]}]"#, r#"[17,{"a":[1,1],"b":[-1,[2,3,5]]}]"#),
    (r#"[17,{"a":[0]}]"#, r#"[17,{"b":[0]}]"#, "[3,[]]"),
    (r#"[17,{"a":[-1,[0]]}]"#, r#"[17,{"b":[-1,[0]]}]"#, r#"[17,{"*":[3,[]]}]"#),
];

/// What two constraints both allow.
pub fn meets() -> Vec<Json> {
    let written = MEETS.iter().map(|(a, b, expected)| {
        let [a, b, expected] = [a, b, expected].map(|json| encoding(json));
        let met = Constraint::decode(&a).and_then(|a| a.narrow(&Constraint::decode(&b)?)).expect("a meet");
        assert_eq!(hex(&met.encode()), hex(&expected), "{met}");
        json!({"a": hex(&a), "b": hex(&b), "meet": hex(&expected)})
    });
    written.collect()
}
