//! `deputize audit report`: a page that says what happened, and in which nothing of a log means anything.

mod scene;

use std::path::{Path, PathBuf};
use std::process::Command;

use deputize::LogHead;
use deputize::os::{LogFile, LogOptions};
use scene::{Done, Folder, ORIGIN, at, deputize, key, note_key, story};

fn report(folder: &Folder, log: &Path, more: &[&dyn AsRef<Path>]) -> (Done, String) {
    let page = folder.path("report.html");
    let mut arguments: Vec<&dyn AsRef<Path>> = vec![&"audit", &"report", &log, &"-o", &page];
    arguments.extend(more);
    let done = deputize(&arguments);
    (done, std::fs::read_to_string(page).unwrap_or_default())
}

#[test]
fn a_report_says_who_did_what_for_whom_and_what_became_of_it() {
    let folder = Folder::new("report");
    let log = story(&folder);
    let (done, page) = report(&folder, &log, &[]);
    let said = format!("31 entries, unanchored: {}\n", folder.path("report.html").display());
    assert_eq!(done, Done { code: 0, output: said, error: String::new() });
    let text = without_tags(&page);
    for part in [
        "deployer called deploy on behalf of ana, approved by bo and cleo.",
        "no outcome recorded 2026-11-21 08:01:12 UTC, entry 30, reason: “ship it”, with {&quot;environment&quot;:&quot;staging&quot;}",
        "By way of: ana → planner → deployer → deploy",
        "Unanchored. 31 entries hold together",
        "3 of the denials: by callers without a proof",
        // Time to detect, to revoke, and to the first refused use.
        "coder key …c8rHPrf2ana5 s13 s3 s later",
        "coder was denied 7 times within 5 s",
        "coder …c8rHPrf2 revokedana47github.update_pr ×10, deploy ×1argument-refused ×6, tool-not-allowed ×1",
        "cleo …AhA3K19xyesdeploytests are greenentry 16",
        "coder called github.update_pr: 4 allowed, 6 denied",
        "planner gave authority to coder for github.update_pr",
        "unproven called deploy: 0 allowed, 1 denied",
        "argument-refused6 35.2 %an argument is outside its constraint",
        // The drawing in words.
        "plannergave authoritycoderfor github.update_pr",
        "codercalledgithub.update_pr4 allowed, 6 denied: argument-refused ×6",
        "unprovencalleddeploy1 denied: malformed ×1",
        "each bar 2 s, the highest 4 calls",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let (done, json) = (deputize(&[&"audit", &"report", &log, &"--json", &"-o", &folder.path("r.html")]), folder.path("r.html"));
    assert_eq!(done.output, format!("{{\"entries\":31,\"file\":\"{}\",\"state\":\"unanchored\"}}\n", json.display()));
    let itself = deputize(&[&"audit", &"report", &log, &"-o", &folder.path("./calls.log")]);
    assert!(
        itself.code == 1 && itself.error.contains("config-invalid") && itself.error.contains("this would replace the log"),
        "{itself:?}"
    );
    let printed = deputize(&[&"audit", &"report", &log, &"-o", &"-"]);
    assert_eq!((printed.code, printed.output == page), (0, true));
}

#[test]
fn a_report_says_whether_the_log_is_anchored_or_where_it_is_broken() {
    let folder = Folder::new("integrity");
    let log = story(&folder);
    let lines: Vec<String> = std::fs::read_to_string(&log).unwrap().split_inclusive('\n').map(ToOwned::to_owned).collect();
    let mut head = LogHead::default();
    for line in &lines[..20] {
        head.append(&line[line.find("\"record\":").unwrap() + 9..line.rfind(",\"sequence\":").unwrap()]).unwrap();
    }
    let note = folder.write("kept.note", head.checkpoint(ORIGIN).sign(&key(9)).unwrap());
    let (done, page) = report(&folder, &log, &[&"--checkpoint", &note, &"--key", &note_key()]);
    assert_eq!(done.code, 0, "{done:?}");
    let text = without_tags(&page);
    assert!(text.contains("Whole and anchored. 31 entries hold together, as the signed checkpoint "), "{text}");
    assert!(text.contains(" says of the first 20; those after it are not anchored yet.") && !text.contains("vouches"), "{text}");
    let (_, page) = report(&folder, &log, &[&"--checkpoint", &note]);
    let text = without_tags(&page);
    assert!(
        text.contains("as the checkpoint ") && text.contains("Its signature was not checked: whoever made this page vouches for it."),
        "{text}"
    );
    let broken = folder.write("broken.log", [&lines[..10], &lines[11..]].concat().concat());
    let (done, page) = report(&folder, &broken, &[]);
    assert!(done.code == 1 && done.error.starts_with("error: log-gap: "), "{done:?}");
    assert!(without_tags(&page).contains("Broken at entry 10. log-gap: "), "{page}");
    let (done, _) = report(&folder, &folder.path("none.log"), &[]);
    assert!(done.code == 1 && done.error.starts_with("error: audit-unavailable: "), "{done:?}");
}

/// Names and words that want to be something else, in every member that a report shows.
fn hostile(folder: &Folder) -> PathBuf {
    let path = folder.path("hostile.log");
    let log = LogFile::open(&path, ORIGIN, LogOptions::new(), at(0)).unwrap();
    let bad = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'--></style><svg onload=alert(1)>",
        "\u{1b}[2J\u{1b}]0;x\u{7}",
        "\u{202e}gpj.exe\u{2066}",
        "&lt;b&gt; {{7*7}} ${x}",
        "javascript:alert(1)//\u{2028}",
        "\u{5e9}\u{5dc}\u{5d5}\u{5dd}",
    ];
    for (n, bad) in bad.iter().enumerate() {
        let text = serde_json::Value::from(*bad).to_string();
        let time = at(1000 * n as u64).to_rfc3339();
        let long = "A".repeat(200_000);
        let chain = format!(r#"[{{"key":{text},"name":{text},"reason":{text},"token":{text}}}]"#);
        for record in [
            format!(
                r#"{{"approvals":[{{"approver":{text},"id":{text},"name":{text},"reason":{text}}}],"arguments":{{"a":{text},"long":"{long}"}},"arguments_digest":{text},"audience":{text},"chain":{chain},"code":{text},"decision":"allow","issuer":{text},"issuer_key":{text},"kind":"decision","mode":"on_behalf_of","principal":{text},"proof":{text},"session":{text},"time":"{time}","tool":{text},"version":1}}"#
            ),
            format!(
                r#"{{"chain":{chain},"code":{text},"decision":"deny","issuer":{text},"kind":"decision","principal":{text},"proof":{text},"session":{text},"time":{text},"tool":{text},"version":1}}"#
            ),
            format!(
                r#"{{"by":{text},"chain":{chain},"expires":{text},"issuer":{text},"kind":"issued","time":{text},"tools":[{text}],"version":1}}"#
            ),
            format!(
                r#"{{"by":{text},"id":{text},"kind":"approved","name":{text},"reason":{text},"request":{text},"time":{text},"tool":{text},"version":1}}"#
            ),
            format!(r#"{{"authority":{text},"count":9,"kind":"revoked","targets":[{text},"key:é"],"time":{text},"version":1}}"#),
            format!(r#"{{"entry":1,"kind":"signal","signal":{text},"text":{text},"time":{text},"version":1}}"#),
            format!(r#"{{"count":3,"kind":"suppressed","suppressed":{{{text}:3}},"time":{text},"version":1}}"#),
            format!(r#"{{"kind":{text},"time":{text}}}"#),
            r#"{"kind":1}"#.to_owned(),
        ] {
            log.append(&[record], at(0)).unwrap();
        }
    }
    let too_long = format!(r#"{{"arguments":{{"a":"{}"}}}}"#, "x".repeat(1_000_000));
    assert_eq!(log.append(&[too_long], at(0)).unwrap_err().code().as_str(), "log-malformed");
    path
}

#[test]
fn nothing_of_a_log_means_anything_in_a_report() {
    let folder = Folder::new("hostile");
    let (done, page) = report(&folder, &hostile(&folder), &[]);
    assert_eq!(done.code, 0, "{done:?}");
    let known = [
        "!doctype",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "header",
        "p",
        "h1",
        "h2",
        "bdi",
        "section",
        "strong",
        "span",
        "code",
        "dl",
        "div",
        "dt",
        "dd",
        "figure",
        "figcaption",
        "svg",
        "rect",
        "i",
        "g",
        "path",
        "text",
        "tspan",
        "table",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "small",
        "ol",
        "li",
        "footer",
    ];
    let names = [
        "lang",
        "charset",
        "http-equiv",
        "content",
        "name",
        "class",
        "role",
        "aria-label",
        "aria-hidden",
        "preserveaspectratio",
        "viewbox",
        "width",
        "height",
        "x",
        "y",
        "rx",
        "d",
        "data-head",
        "dir",
        "scope",
        "tabindex",
    ];
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag that ends");
        let tag = tag.trim_start_matches('/').to_lowercase();
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(known.contains(&name), "<{tag}>");
        for (at, part) in tag.split('"').enumerate().filter(|(at, _)| at % 2 == 0) {
            for attribute in part.split([' ', '=']).skip(usize::from(at == 0)).filter(|part| !part.is_empty() && *part != "/") {
                assert!(names.contains(&attribute) || (name == "!doctype" && attribute == "html"), "{attribute} in <{tag}>");
            }
        }
    }
    assert!(
        !page.chars().any(|c| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}'))
    );
    assert!(page.contains("<bdi>&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"));
    assert!(page.contains("default-src 'none'; style-src 'sha256-") && !page.contains("http:") && !page.contains("https:"));
    assert!(page.len() < 300_000, "{}", page.len());
}

#[test]
fn a_list_that_says_again_what_was_revoked_is_no_second_revocation() {
    let folder = Folder::new("again");
    let path = folder.path("calls.log");
    let log = LogFile::open(&path, ORIGIN, LogOptions::new(), at(0)).unwrap();
    let denied = |millis: u64| {
        let time = at(millis).to_rfc3339();
        format!(
            r#"{{"chain":[{{"key":"did:key:a","name":"coder","token":"01"}}],"code":"argument-refused","decision":"deny","kind":"decision","proof":"{millis:02x}","time":"{time}","tool":"t","version":1}}"#
        )
    };
    let listed = |sequence: u64, targets: &str| {
        let (count, time) = (targets.split(',').count(), at(10_000 * sequence).to_rfc3339());
        format!(
            r#"{{"authority":"ana","count":{count},"kind":"revoked","sequence":{sequence},"targets":[{targets}],"time":"{time}","version":1}}"#
        )
    };
    let both = r#""key:did:key:a","token:01""#;
    let records = [
        denied(0),
        listed(1, both),
        listed(2, both),
        listed(3, r#""key:did:key:a","token:01","suspended key:did:key:b""#),
        listed(4, r#""key:did:key:a","active key:did:key:b""#),
        listed(5, r#""suspended key:did:key:b""#),
    ];
    log.append(&records, at(0)).unwrap();
    let (_, page) = report(&folder, &path, &[]);
    let text = without_tags(&page);
    assert!(text.contains("revocations5"), "{text}");
    // One incident has one time to revoke, whatever ended it.
    for what in ["key …id:key:a", "token …01"] {
        assert!(text.contains(&format!("coder {what}ana–10 s–")), "{what} {text}");
    }
}

#[test]
fn a_log_of_counts_that_are_too_large_to_add_up_has_a_report() {
    let folder = Folder::new("counts");
    let path = folder.path("calls.log");
    let log = LogFile::open(&path, ORIGIN, LogOptions::new(), at(0)).unwrap();
    let most = (1_u64 << 53) - 1;
    let record = format!(
        r#"{{"count":{most},"kind":"suppressed","suppressed":{{"malformed":{most}}},"time":"2026-11-21T08:00:00.000Z","version":1}}"#
    );
    log.append(&vec![record; 3000], at(0)).unwrap();
    let (done, page) = report(&folder, &path, &[]);
    assert_eq!(done.code, 0, "{done:?}");
    assert!(without_tags(&page).contains(&u64::MAX.to_string()));
}

#[test]
fn nothing_of_a_log_reaches_a_terminal_unescaped() {
    let folder = Folder::new("terminal");
    let log = hostile(&folder);
    let terminal = deputize_cli::Terminal { width: 80, has_colours: false };
    for arguments in [
        &["show"][..],
        &["query", "--code", "\u{1b}[2J\u{1b}]0;x\u{7}"],
        &["show", "--json"],
        &["open"],
        &["open", "--json"],
        &["show", "--arguments"],
    ] {
        let mut all: Vec<&dyn AsRef<Path>> = vec![&"audit", &arguments[0], &log];
        all.extend(arguments[1..].iter().map(|one| one as &dyn AsRef<Path>));
        let done = scene::deputize_in(Some(terminal), b"", &all);
        assert!(done.code == 0 && !done.output.is_empty(), "{arguments:?}: {}", done.error);
        assert!(
            !done.output.chars().any(|c| c.is_control() && c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')),
            "{arguments:?}"
        );
        for line in done.output.lines().filter(|_| arguments.contains(&"--json")) {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
        assert!(arguments.contains(&"--json") || done.output.lines().all(|line| line.len() < 5000));
    }
}

#[test]
fn a_report_of_a_long_log_shows_the_latest_and_says_so() {
    let folder = Folder::new("long");
    let path = folder.path("long.log");
    let log = LogFile::open(&path, ORIGIN, LogOptions::new().rotate_at(1 << 20), at(0)).unwrap();
    let records: Vec<_> = (0..20_000_u64)
        .map(|n| {
            let (time, agent) = (at(n * 60_000).to_rfc3339(), n % 3000);
            let chain = format!(r#"[{{"key":"did:key:{agent}","name":"agent-{agent}","token":"{n:032x}"}}]"#);
            format!(r#"{{"chain":{chain},"code":"allowed","decision":"allow","issuer":"ana","kind":"decision","proof":"{n:032x}","time":"{time}","tool":"tool-{}","version":1}}"#, n % 700)
        })
        .collect();
    for part in records.chunks(1000) {
        log.append(part, at(0)).unwrap();
    }
    let (done, page) = report(&folder, &path, &[]);
    assert_eq!(done.code, 0);
    let text = without_tags(&page);
    // With those that begin each file.
    let all = format!("The latest 200 of {}.", done.output.split(' ').next().unwrap());
    for part in [&*all, "Those with the most calls, 100 of 3000.", "more with fewer calls are not drawn.", "without an outcome20000"] {
        assert!(text.contains(part), "{part}");
    }
    assert!(page.len() < 200_000, "{}", page.len());
}

fn without_tags(page: &str) -> String {
    let body = page.split_once("</style>").unwrap().1;
    let text: String = body.split('<').map(|part| part.split_once('>').map_or(part, |(_, text)| text)).collect();
    text
}

fn chromium() -> Option<&'static str> {
    let found =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| Command::new(name).arg("--version").output().is_ok());
    assert!(found.is_some() || std::env::var_os("DEPUTIZE_REQUIRE_CHROMIUM").is_none(), "there is no chromium");
    found
}

#[test]
fn a_browser_draws_the_report() {
    let Some(chromium) = chromium() else {
        eprintln!("skipped: there is no chromium");
        return;
    };
    let folder = Folder::new("browser");
    let mut sizes = Vec::new();
    for (name, log) in [("story", story(&folder)), ("hostile", hostile(&folder))] {
        let (_, _) = report(&folder, &log, &[]);
        for (size, scheme) in [("1150,1600", "1"), ("1150,1600", "0"), ("390,1600", "1")] {
            let picture = folder.path(&format!("{name}-{}-{scheme}.png", &size[..4]));
            let done = Command::new(chromium)
                .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"])
                .arg(format!("--user-data-dir={}", folder.path("profile").display()))
                .arg(format!("--blink-settings=preferredColorScheme={scheme}"))
                .args([format!("--window-size={size}"), format!("--screenshot={}", picture.display())])
                .arg(format!("file://{}", folder.path("report.html").display()))
                .output()
                .unwrap();
            assert!(done.status.success(), "{done:?}");
            let console = String::from_utf8_lossy(&done.stderr);
            assert!(!console.contains("Content Security Policy"), "{console}");
            let bytes = std::fs::read(&picture).unwrap();
            assert_eq!(bytes[..8], *b"\x89PNG\r\n\x1a\n");
            sizes.push(bytes.len());
            if let Some(kept) = std::env::var_os("DEPUTIZE_SCREENSHOTS") {
                std::fs::copy(&picture, Path::new(&kept).join(picture.file_name().unwrap())).unwrap();
            }
        }
    }
    // An empty page is a tenth of that.
    assert!(sizes.iter().all(|size| *size > 40_000), "{sizes:?}");
}
