//! `deputize audit`: what it prints, and how it ends.

mod scene;

use std::path::Path;

use deputize::{Checkpoint, CheckpointPolicy, LogHead, NoteKey, Witness};
use deputize_cli::{Streams, Terminal, run};
use scene::{Done, Folder, ORIGIN, deputize, deputize_in, is_as_written, key, note_key, story};

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().split_inclusive('\n').map(ToOwned::to_owned).collect()
}

/// The note of the first so many entries, signed by the log.
fn note(lines: &[String]) -> String {
    let mut head = LogHead::default();
    for line in lines {
        let record = &line[line.find("\"record\":").unwrap() + 9..line.rfind(",\"sequence\":").unwrap()];
        assert_eq!(head.append(record).unwrap(), *line);
    }
    head.checkpoint(ORIGIN).sign(&key(9)).unwrap()
}

fn done(code: u8, output: &str, error: &str) -> Done {
    Done { code, output: output.into(), error: error.into() }
}

#[test]
fn a_whole_log_is_anchored_by_a_checkpoint_kept_elsewhere_and_unanchored_without() {
    let folder = Folder::new("whole");
    let log = story(&folder);
    let lines = lines(&log);
    let root = Checkpoint::unverified(&note(&lines)).unwrap().root().to_string();
    let unanchored = deputize(&[&"audit", &"verify", &log]);
    let size = lines.len();
    let said = format!(
        "UNANCHORED: {size} entries hold together, and nothing says that they are all, or the first that were written\n\
         what to do: keep a signed checkpoint elsewhere and give it with --checkpoint, or the log's key with --key\nroot {root}\n"
    );
    assert_eq!(unanchored, done(3, &said, ""));
    let all = folder.write("all.note", note(&lines));
    let some = folder.write("some.note", note(&lines[..10]));
    let said = format!("WHOLE: {size} entries, anchored up to {size} by {}\nroot {root}\n", all.display());
    assert_eq!(deputize(&[&"audit", &"verify", &log, &"--checkpoint", &all]), done(0, &said, ""));
    assert_eq!(
        deputize(&[&"audit", &"verify", &log, &"--checkpoint", &all, &"--checkpoint", &some, &"--key", &note_key()]),
        done(0, &said, "")
    );
    let said = format!(
        "WHOLE: {size} entries, anchored up to 10 by {}\nentries 10 to {} came after that checkpoint: they hold together, and are not anchored\nroot {root}\n",
        some.display(),
        size - 1
    );
    assert_eq!(deputize(&[&"audit", &"verify", &log, &"--checkpoint", &some]), done(0, &said, ""));
    let json = deputize(&[&"audit", &"verify", &log, &"--json", &"--checkpoint", &some]);
    let said = format!(
        "{{\"anchored\":10,\"checkpoint\":\"{}\",\"first_step_back\":null,\"root\":\"{root}\",\"size\":{size},\"state\":\"anchored\",\"steps_back\":0}}\n",
        some.display()
    );
    assert_eq!(json, done(0, &said, ""));
}

#[test]
fn the_checkpoint_beside_the_log_counts_when_its_key_is_given() {
    let folder = Folder::new("beside");
    let log = story(&folder);
    let lines = lines(&log);
    folder.write("calls.log.checkpoint", note(&lines));
    assert_eq!(deputize(&[&"audit", &"verify", &log]).code, 3);
    let checked = deputize(&[&"audit", &"verify", &log, &"--key", &note_key()]);
    assert_eq!(checked.code, 0, "{checked:?}");
    assert!(checked.error.starts_with("note: this checkpoint lies beside the log: who can change both"), "{checked:?}");
    // A newer one than the log: an old copy was put in its place.
    folder.write("calls.log", lines[..5].concat());
    let said = format!(
        "error: log-truncated: the log is shorter than a checkpoint says (5 entries, and a checkpoint of size {}) at entry 5\n\
         help: take the log from a copy that is whole; its end was cut off\n",
        lines.len()
    );
    assert_eq!(deputize(&[&"audit", &"verify", &log, &"--key", &note_key()]), done(1, "BROKEN at entry 5: log-truncated\n", &said));
    folder.write("calls.log.checkpoint", note(&lines[..5]).replace("\n5\n", "\n4\n"));
    let refused = deputize(&[&"audit", &"verify", &log, &"--key", &note_key()]);
    assert!(refused.code == 1 && refused.error.contains("checkpoint-invalid"), "{refused:?}");
}

#[test]
fn whatever_was_changed_is_named_with_its_position() {
    let folder = Folder::new("changed");
    let log = story(&folder);
    let lines = lines(&log);
    let all = folder.write("all.note", note(&lines));
    let flipped = {
        let mut lines = lines.clone();
        lines[5] = lines[5].replacen("acme/app", "acme/abp", 1);
        lines.concat()
    };
    assert!(flipped != lines.concat());
    let order = |order: &[usize]| order.iter().map(|at| lines[*at].as_str()).collect::<String>();
    let cases = [
        (flipped, "log-changed", 5),
        (lines[..lines.len() - 1].concat(), "log-truncated", lines.len() - 1),
        (order(&[0, 1, 3, 4]), "log-gap", 2),
        (order(&[0, 2, 1, 3]), "log-gap", 1),
        (lines.concat().trim_end().to_owned(), "log-torn", lines.len() - 1),
        (lines.concat().replacen("\"kind\":\"issued\"", "\"kind\": \"issued\"", 1), "log-malformed", 2),
        (String::new(), "log-truncated", 0),
    ];
    for (text, code, entry) in cases {
        let broken = folder.write("broken.log", text);
        let checked = deputize(&[&"audit", &"verify", &broken, &"--checkpoint", &all]);
        assert_eq!((checked.code, &*checked.output), (1, &*format!("BROKEN at entry {entry}: {code}\n")), "{checked:?}");
        assert!(
            checked.error.starts_with(&format!("error: {code}: ")) && checked.error.contains(&format!(" at entry {entry}\nhelp: ")),
            "{checked:?}"
        );
        let json = deputize(&[&"audit", &"verify", &broken, &"--json", &"--checkpoint", &all]);
        assert!(
            json.output.contains(&format!("\"code\":\"{code}\",\"entry\":{entry},")) && json.code == 1 && json.error.is_empty(),
            "{json:?}"
        );
    }
}

#[test]
fn where_only_a_checkpoint_says_so_the_fault_is_somewhere_before_it() {
    let folder = Folder::new("somewhere");
    let log = story(&folder);
    let lines = lines(&log);
    let all = folder.write("all.note", note(&lines));
    let some = folder.write("some.note", note(&lines[..20]));
    let changed = folder.write("changed.log", lines.concat().replace("staging", "testing"));
    let checked = deputize(&[&"audit", &"verify", &changed, &"--checkpoint", &all]);
    assert_eq!((checked.code, &*checked.output), (1, "BROKEN somewhere in entries 0 to 30: log-changed\n"));
    let checked = deputize(&[&"audit", &"verify", &changed, &"--checkpoint", &all, &"--checkpoint", &some]);
    assert_eq!((checked.code, &*checked.output), (1, "BROKEN somewhere in entries 20 to 30: log-changed\n"));
}

#[test]
fn a_log_of_another_origin_or_none_at_all_is_refused() {
    let folder = Folder::new("other");
    let log = story(&folder);
    let lines = lines(&log);
    let other = folder.write("other.note", note(&lines).replacen(ORIGIN, "other.example", 1));
    let refused = deputize(&[&"audit", &"verify", &log, &"--checkpoint", &other]);
    assert!(refused.code == 1 && refused.error.contains("checkpoint-invalid") && refused.error.contains("`other.example`"), "{refused:?}");
    let none = deputize(&[&"audit", &"verify", &folder.path("none.log")]);
    assert!(none.code == 1 && none.error.starts_with("error: audit-unavailable: "), "{none:?}");
    let usage = deputize(&[&"audit", &"verify"]);
    assert!(usage.code == 2 && usage.error.contains("<LOG>"), "{usage:?}");
    let witness = deputize(&[&"audit", &"verify", &log, &"--witness", &"x"]);
    assert_eq!(witness.code, 2, "{witness:?}");
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_log_or_of_what_is_written_is_refused_without_waiting() {
    let folder = Folder::new("pipe");
    let log = story(&folder);
    let note = folder.write("all.note", note(&lines(&log)));
    let pipe = folder.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for arguments in
        [&["verify"][..], &["show"], &["open"], &["follow", "--limit", "1"], &["receipt", "1", "--note", note.to_str().unwrap()]]
    {
        let mut all: Vec<&dyn AsRef<Path>> = vec![&"audit", &arguments[0], &pipe];
        all.extend(arguments[1..].iter().map(|one| one as &dyn AsRef<Path>));
        let refused = deputize(&all);
        assert!(refused.code == 1 && refused.error.contains("not a regular file"), "{arguments:?} {refused:?}");
    }
    std::fs::copy(&log, folder.path("other.log")).unwrap();
    std::fs::rename(&pipe, folder.path("other.log.checkpoint")).unwrap();
    let refused = deputize(&[&"audit", &"verify", &folder.path("other.log"), &"--key", &note_key()]);
    assert!(refused.code == 1 && refused.error.contains("not a regular file"), "{refused:?}");
    // A report takes the place of no device and of no link, such as that of standard output.
    let pipe = folder.path("other.log.checkpoint");
    let link = folder.path("link");
    std::os::unix::fs::symlink(&note, &link).unwrap();
    for output in [&pipe, &link] {
        let refused = deputize(&[&"audit", &"report", &log, &"-o", output]);
        assert!(refused.code == 1 && refused.error.contains("no plain file to put it in"), "{refused:?}");
    }
    assert!(link.is_symlink());
}

#[test]
fn following_ends_after_so_many_whatever_was_there_already() {
    let folder = Folder::new("limit");
    let log = story(&folder);
    for (last, limit, shown) in [("10", "3", 3), ("2", "2", 2), ("5", "0", 0)] {
        let followed = deputize(&[&"audit", &"follow", &log, &"--last", &last, &"--limit", &limit]);
        assert_eq!((followed.code, followed.output.lines().count()), (0, shown), "{followed:?}");
    }
}

#[cfg(unix)]
#[test]
fn what_is_made_of_a_log_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new("owner");
    let log = story(&folder);
    let (page, note, line) = (folder.path("report.html"), folder.write("all.note", note(&lines(&log))), folder.path("entry.json"));
    assert_eq!(deputize(&[&"audit", &"report", &log, &"-o", &page]).code, 0);
    assert_eq!(deputize(&[&"audit", &"receipt", &log, &"1", &"--note", &note, &"--line", &line]).code, 0);
    for file in [page, line] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn who_only_reads_a_log_makes_no_file() {
    let folder = Folder::new("reads");
    let log = folder.write("calls.log", std::fs::read(story(&Folder::new("reads-from"))).unwrap());
    assert_eq!(deputize(&[&"audit", &"verify", &log]).code, 3);
    assert_eq!(deputize(&[&"audit", &"show", &log]).code, 0);
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 1);
}

#[test]
fn one_entry_is_told_of_as_one() {
    let folder = Folder::new("one");
    let log = folder.write("calls.log", &lines(&story(&folder))[0]);
    let checked = deputize(&[&"audit", &"verify", &log]);
    assert!(
        checked.output.starts_with("UNANCHORED: 1 entry holds together, and nothing says that it is all, or the first "),
        "{checked:?}"
    );
    let page = folder.path("report.html");
    assert_eq!(deputize(&[&"audit", &"report", &log, &"-o", &page]).output, format!("1 entry, unanchored: {}\n", page.display()));
}

#[test]
fn what_is_not_a_usage_is_said_in_json_where_json_is_asked_for() {
    let bad = deputize(&[&"audit", &"verify", &"--json"]);
    assert_eq!((bad.code, &*bad.output), (2, ""));
    let said: serde_json::Value = serde_json::from_str(&bad.error).unwrap();
    assert_eq!(said["code"], "config-invalid");
    assert_eq!(said["message"], "the following required arguments were not provided:");
    assert!(said["help"].as_str().unwrap().starts_with("Usage: deputize audit verify"), "{said}");
}

#[test]
fn witnesses_that_are_asked_for_have_to_have_cosigned() {
    let folder = Folder::new("witness");
    let log = story(&folder);
    let lines = lines(&log);
    let (plain, keys) =
        (note(&lines), [11, 12].map(|n| NoteKey::of_witness(&format!("w{n}.example"), key(n).verifying_key()).unwrap().to_text()));
    let log_key = NoteKey::of_log(ORIGIN, key(9).verifying_key()).unwrap();
    let mut witness = Witness::new("w11.example", CheckpointPolicy::new([log_key]).unwrap(), None, scene::at(100)).unwrap();
    let line = witness.cosign(&plain, &[], &key(11), scene::at(100)).unwrap();
    let cosigned = folder.write("cosigned.note", format!("{plain}{line}"));
    let verify = |more: &[&dyn AsRef<Path>]| {
        let own = note_key();
        let mut arguments: Vec<&dyn AsRef<Path>> = vec![&"audit", &"verify", &log, &"--key", &own];
        arguments.extend(more);
        deputize(&arguments)
    };
    assert_eq!(verify(&[&"--checkpoint", &cosigned, &"--witness", &keys[0]]).code, 0);
    assert_eq!(verify(&[&"--checkpoint", &cosigned, &"--witness", &keys[0], &"--witness", &keys[1], &"--witnesses", &"1"]).code, 0);
    let too_few = verify(&[&"--checkpoint", &cosigned, &"--witness", &keys[0], &"--witness", &keys[1]]);
    assert!(too_few.code == 1 && too_few.error.contains("cosigned by 1 of 2 witnesses"), "{too_few:?}");
    assert_eq!(verify(&[]).code, 3);
    // What lies beside the log is signed by the log alone: it has to be right, and does not anchor.
    folder.write("calls.log.checkpoint", &plain);
    assert_eq!(verify(&[&"--witness", &keys[0]]).code, 3);
    assert_eq!(verify(&[]).code, 0);
}

#[test]
fn an_output_that_cannot_be_written_is_no_success() {
    struct Full(std::io::ErrorKind);
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let folder = Folder::new("full");
    let log = story(&folder);
    for (kind, said) in
        [(std::io::ErrorKind::StorageFull, "error: the output cannot be written: no storage space\n"), (std::io::ErrorKind::BrokenPipe, "")]
    {
        let (mut input, mut output, mut error) = (&b""[..], Full(kind), Vec::new());
        let streams =
            Streams { input: &mut input, output: &mut output, error: &mut error, terminal: None, error_terminal: None, now: scene::at(0) };
        let code = run(["audit".into(), "show".into(), log.clone().into()], streams);
        assert_eq!((code, &*String::from_utf8(error).unwrap()), (1, said));
        // Not twice, where it does not wait until the end.
        let (mut output, mut error) = (Full(kind), Vec::new());
        let streams =
            Streams { input: &mut input, output: &mut output, error: &mut error, terminal: None, error_terminal: None, now: scene::at(0) };
        run(["audit".into(), "report".into(), log.clone().into(), "-o".into(), "-".into()], streams);
        assert_eq!(String::from_utf8(error).unwrap(), said);
    }
}

#[test]
fn records_are_shown_as_sentences_and_as_the_lines_that_they_are() {
    let folder = Folder::new("show");
    let log = story(&folder);
    let shown = deputize(&[&"audit", &"show", &log]);
    assert_eq!((shown.code, &*shown.error), (0, ""));
    is_as_written("show.txt", &shown.output);
    let json = deputize(&[&"audit", &"show", &log, &"--json"]);
    assert_eq!(json.output, lines(&log).concat());
    let last = deputize(&[&"audit", &"show", &log, &"--limit", &"1", &"--arguments"]);
    assert_eq!(last.output, format!("{} with {{\"environment\":\"staging\"}}\n", shown.output.lines().last().unwrap()));
    let colours = Terminal { width: 80, has_colours: true };
    let coloured = deputize_in(Some(colours), b"", &[&"audit", &"show", &log, &"--limit", &"1"]);
    assert!(coloured.output.contains("\x1b[32mALLOW\x1b[0m deployer called deploy for ana"), "{coloured:?}");
}

#[test]
fn a_query_gives_what_fits_all_that_it_asks_for() {
    let folder = Folder::new("query");
    let log = story(&folder);
    let count = |filter: &[&str]| {
        let mut arguments: Vec<&dyn AsRef<Path>> = vec![&"audit", &"query", &log];
        arguments.extend(filter.iter().map(|one| one as &dyn AsRef<Path>));
        let done = deputize(&arguments);
        assert_eq!(done.code, 0, "{done:?}");
        done.output.lines().count()
    };
    for (filter, expected) in [
        (&["--code", "argument-refused"][..], 6),
        (&["--code", "argument-refused", "--limit", "2"], 2),
        (&["--tool", "deploy", "--code", "allowed"], 2),
        (&["--kind", "revoked"], 2),
        (&["--principal", "ana", "--kind", "decision"], 16),
        (&["--principal", "bo"], 0),
        (&["--agent", "deployer", "--kind", "decision"], 3),
        (&["--agent", &key(3).verifying_key().did_key(), "--code", "allowed"], 4),
        (&["--since", "2026-11-21T08:01:00Z"], 3),
        (&["--since", "2026-11-21", "--until", "2026-11-21T08:00:01Z"], 2),
        (&["--until", "2026-11-21"], 0),
        (&["--session", "0"], 0),
    ] {
        assert_eq!(count(filter), expected, "{filter:?}");
    }
    let bad = deputize(&[&"audit", &"query", &log, &"--since", &"yesterday"]);
    assert!(bad.code == 1 && bad.error.starts_with("error: config-invalid: "), "{bad:?}");
    let none = deputize(&[&"audit", &"query", &log, &"--principal", &"bo"]);
    assert_eq!(none, done(0, "", "note: no record fits\n"));
}

#[test]
fn what_holds_together_of_a_broken_log_is_shown_before_the_fault() {
    let folder = Folder::new("partly");
    let log = story(&folder);
    let lines = lines(&log);
    let broken = folder.write("broken.log", [&lines[..2], &lines[3..]].concat().concat());
    for limit in [&["--limit", "9"][..], &[]] {
        let mut arguments: Vec<&dyn AsRef<Path>> = vec![&"audit", &"show", &broken];
        arguments.extend(limit.iter().map(|one| one as &dyn AsRef<Path>));
        let shown = deputize(&arguments);
        assert_eq!((shown.code, shown.output.lines().count()), (1, 2), "{shown:?}");
        assert!(shown.error.starts_with("error: log-gap: ") && shown.error.contains("at entry 2"), "{shown:?}");
    }
}

#[test]
fn calls_without_an_outcome_are_open() {
    let folder = Folder::new("open");
    let log = story(&folder);
    let open = deputize(&[&"audit", &"open", &log]);
    assert_eq!(open.code, 0);
    assert_eq!(open.output.lines().count(), 1, "{open:?}");
    assert!(open.output.contains("ALLOW deployer called deploy for ana"), "{open:?}");
}

#[test]
fn checkpoints_are_signed_of_logs_that_are_whole_and_never_go_back() {
    let folder = Folder::new("checkpoint");
    let log = story(&folder);
    let lines = lines(&log);
    let pem = folder.path("keys/log.pem");
    deputize::os::save(&pem, &key(9)).unwrap();
    let printed = deputize(&[&"audit", &"checkpoint", &log, &"--key", &pem, &"--origin", &ORIGIN]);
    assert_eq!(printed, done(0, &note(&lines), ""));
    let out = folder.path("kept.note");
    let kept = deputize(&[&"audit", &"checkpoint", &log, &"--key", &pem, &"--origin", &ORIGIN, &"-o", &out]);
    let said = format!(
        "signed {} entries of {ORIGIN} into {}; keep it where the log is not\nits key: {}\n",
        lines.len(),
        out.display(),
        note_key()
    );
    assert_eq!(kept, done(0, &said, ""));
    assert_eq!(std::fs::read_to_string(&out).unwrap(), note(&lines));
    let foreign = deputize(&[&"audit", &"checkpoint", &log, &"--key", &pem, &"--origin", &"other.example"]);
    assert!(foreign.code == 1 && foreign.error.starts_with("error: log-foreign: "), "{foreign:?}");
    folder.write("calls.log", lines[..4].concat());
    let shorter = deputize(&[&"audit", &"checkpoint", &log, &"--key", &pem, &"--origin", &ORIGIN, &"-o", &out]);
    assert!(shorter.code == 1 && shorter.error.starts_with("error: log-truncated: "), "{shorter:?}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), note(&lines));
}

#[test]
fn a_receipt_shows_that_an_entry_is_in_the_log_without_the_log() {
    let folder = Folder::new("receipt");
    let log = story(&folder);
    let lines = lines(&log);
    let kept = folder.write("kept.note", note(&lines));
    let line = folder.path("entry.json");
    let made = deputize(&[&"audit", &"receipt", &log, &"6", &"--note", &kept, &"--line", &line]);
    assert_eq!((made.code, &*made.error), (0, ""));
    assert!(made.output.starts_with("c2sp.org/tlog-proof@v1\nindex 6\n"), "{made:?}");
    assert_eq!(std::fs::read_to_string(&line).unwrap(), lines[6]);
    let receipt = folder.write("receipt", &made.output);
    let checked = deputize(&[&"audit", &"verify-receipt", &receipt, &"--line", &line, &"--key", &note_key()]);
    let sentence = deputize(&[&"audit", &"show", &log]).output.lines().nth(6).unwrap().split_once(' ').unwrap().1.to_owned();
    assert_eq!(checked, done(0, &format!("verified: entry 6 of {ORIGIN}, as it was at {} entries:\n{sentence}\n", lines.len()), ""));
    let from_input =
        deputize_in(None, made.output.as_bytes(), &[&"audit", &"verify-receipt", &"-", &"--line", &line, &"--key", &note_key()]);
    assert_eq!(from_input, checked);
    let other = folder.write("other.json", &lines[7]);
    let refused = deputize(&[&"audit", &"verify-receipt", &receipt, &"--line", &other, &"--key", &note_key()]);
    assert!(refused.code == 1 && refused.error.starts_with("error: receipt-invalid: "), "{refused:?}");
    let late = deputize(&[&"audit", &"receipt", &log, &"999", &"--note", &kept]);
    assert!(late.code == 1 && late.error.starts_with("error: config-invalid: "), "{late:?}");
}

#[test]
fn a_log_is_followed_through_rotations() {
    use deputize::os::{LogFile, LogOptions};
    let folder = Folder::new("follow");
    let path = folder.path("calls.log");
    let record = |n: u64| format!(r#"{{"kind":"test","n":{n},"time":"2026-11-21T08:00:00.000Z","version":1}}"#);
    let log = LogFile::open(&path, ORIGIN, LogOptions::new().rotate_at(1000), scene::at(0)).unwrap();
    for n in 0..20 {
        log.append(&[record(n)], scene::at(n)).unwrap();
    }
    assert!(deputize::os::log_files(&path).unwrap().len() > 3);
    let follower = std::thread::spawn({
        let path = path.clone();
        move || deputize(&[&"audit", &"follow", &path, &"--last", &"2", &"--limit", &"30"])
    });
    for n in 20..60 {
        std::thread::sleep(std::time::Duration::from_millis(10));
        log.append(&[record(n)], scene::at(n)).unwrap();
    }
    let followed = follower.join().unwrap();
    assert_eq!((followed.code, followed.output.lines().count()), (0, 30), "{followed:?}");
    let sequences: Vec<u64> = followed.output.lines().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    assert!(sequences.windows(2).all(|pair| pair[1] == pair[0] + 1), "{sequences:?}");
}
