use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::files::tests_only::{crash_after, fail_after};
use super::*;
use crate::key::{Signer, SigningKey};

const ORIGIN: &str = "acme.example/calls";

fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("deputize-log-{}-{number}", std::process::id()));
    std::fs::create_dir(&folder).unwrap();
    folder
}

fn at(seconds: u64) -> Now {
    Now::from_millis((1_790_000_000 + seconds) * 1000).unwrap()
}

fn open(path: &Path, options: LogOptions) -> Result<LogFile> {
    LogFile::open(path, ORIGIN, options, at(0))
}

fn record(number: u64) -> String {
    format!(r#"{{"kind":"test","number":{number},"time":"2026-11-21T08:00:00.000Z"}}"#)
}

fn append(log: &LogFile, number: u64) -> Result<u64> {
    log.append(&[record(number)], at(1))
}

fn numbers(path: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    let each = |_, record: &str| {
        found.extend(
            record.strip_prefix(r#"{"kind":"test","number":"#).and_then(|rest| rest.split(',').next()).map(|n| n.parse::<u64>().unwrap()),
        );
        Ok(())
    };
    read_log(path, Vec::new(), each, |_, _| {}).unwrap();
    found
}

fn key() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_seed(&[1; 32]).unwrap())
}

fn policy() -> CheckpointPolicy {
    CheckpointPolicy::new([NoteKey::of_log(ORIGIN, key().verifying_key()).unwrap()]).unwrap()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(code: Code, result: Result<T>) {
    assert_eq!(result.unwrap_err().code(), code);
}

#[test]
fn a_log_goes_on_where_it_ended_through_restarts_and_rotations() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().rotate_at(1200);
    for run in 0..10 {
        let log = open(&path, options()).unwrap();
        for number in 0..5 {
            append(&log, run * 5 + number).unwrap();
        }
        assert_eq!(check_log(&path, vec![log.head().checkpoint(ORIGIN)], |_, _| {}).unwrap().anchored, Some(log.head().size()));
    }
    assert!(log_files(&path).unwrap().len() > 5);
    assert_eq!(numbers(&path), (0..50).collect::<Vec<_>>());
    for file in log_files(&path).unwrap() {
        assert!(std::fs::metadata(&file).unwrap().len() <= 1200, "{}", file.display());
    }
}

#[test]
fn the_pieces_of_a_log_are_its_files_one_after_another() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().rotate_at(1200)).unwrap();
    for number in 0..20 {
        append(&log, number).unwrap();
    }
    let files: Vec<u8> = log_files(&path).unwrap().iter().flat_map(|file| std::fs::read(file).unwrap()).collect();
    let (mut pieces, mut last) = (Vec::new(), (0, 0));
    let each = |piece: &[u8], done: u64, all: u64| {
        pieces.extend_from_slice(piece);
        last = (done, all);
        Ok(())
    };
    log_pieces(&path, each).unwrap();
    assert_eq!((pieces == files, last), (true, (files.len() as u64, files.len() as u64)));
    refused(Code::Internal, log_pieces(&path, |_, _, _| Err(Code::Internal.into())));
    refused(Code::AuditUnavailable, log_pieces(folder().join("none.log"), |_, _, _| Ok(())));
}

#[cfg(unix)]
#[test]
fn a_new_log_is_readable_by_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().checkpoints(key(), 1)).unwrap();
    log.close(at(1)).unwrap();
    for entry in std::fs::read_dir(path.parent().unwrap()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{}", entry.path().display());
    }
}

#[test]
fn a_crash_at_any_step_and_byte_loses_nothing_that_was_acknowledged() {
    for rotate_at in [u64::MAX, 700] {
        for part in [None, Some(0), Some(1), Some(100)] {
            for steps in 0..40 {
                let path = folder().join("calls.log");
                crash_after(Some(steps), None);
                let mut acknowledged = Vec::new();
                if let Ok(log) = open(&path, LogOptions::new().rotate_at(rotate_at).synced(true)) {
                    for number in 0..8 {
                        if number == steps / 4 {
                            crash_after(Some(steps), part);
                        }
                        if append(&log, number).is_ok() {
                            acknowledged.push(number);
                        }
                    }
                }
                // The process is gone: another one opens the log.
                crash_after(None, None);
                let log = open(&path, LogOptions::new().rotate_at(rotate_at)).unwrap();
                append(&log, 100).unwrap();
                acknowledged.push(100);
                let found = numbers(&path);
                let missing: Vec<_> = acknowledged.iter().filter(|number| !found.contains(number)).collect();
                assert!(missing.is_empty(), "{rotate_at} {part:?} {steps}: {missing:?} of {found:?}");
                std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
            }
        }
    }
}

#[test]
fn a_torn_line_is_set_aside_and_whole_lines_never_are() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new()).unwrap();
    append(&log, 1).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for end in 1..whole.len() {
        std::fs::write(&path, &whole[..end]).unwrap();
        let _ = std::fs::remove_file(path.with_extension("log.torn"));
        let log = LogFile::open(&path, ORIGIN, LogOptions::new(), at(2)).unwrap();
        append(&log, 2).unwrap();
        check_log(&path, Vec::new(), |_, _| {}).unwrap();
        let kept = whole[..end].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        assert!(std::fs::read(&path).unwrap().starts_with(&whole[..kept]));
        let torn = std::fs::read(path.with_extension("log.torn")).unwrap_or_default();
        assert_eq!(torn.strip_suffix(b"\n").unwrap_or(b""), &whole[kept..end]);
    }
    let damaged = String::from_utf8(whole).unwrap().replacen("\"time\":\"2", "\"time\":\"3", 1);
    std::fs::write(&path, &damaged).unwrap();
    refused(Code::LogChanged, open(&path, LogOptions::new()));
}

#[test]
fn a_log_that_is_behind_its_checkpoint_is_not_gone_on_with() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().checkpoints(key(), 4);
    let log = open(&path, options()).unwrap();
    for number in 0..10 {
        append(&log, number).unwrap();
    }
    log.close(at(2)).unwrap();
    let note = std::fs::read_to_string(path.with_extension("log.checkpoint")).unwrap();
    let checkpoint = policy().verify(&note, at(3)).unwrap();
    assert_eq!((checkpoint.size(), log.checkpoint().as_deref()), (11, Some(&*note)));
    let whole = std::fs::read_to_string(&path).unwrap();
    let cut = whole.lines().take(9).map(|line| format!("{line}\n")).collect::<String>();
    std::fs::write(&path, &cut).unwrap();
    refused(Code::LogTruncated, open(&path, options()));
    // With the checkpoint beside it gone too, only the one that was kept elsewhere tells.
    std::fs::remove_file(path.with_extension("log.checkpoint")).unwrap();
    refused(Code::LogTruncated, open(&path, LogOptions::new().expected(checkpoint.clone())));
    std::fs::remove_file(&path).unwrap();
    refused(Code::LogTruncated, open(&path, LogOptions::new().expected(checkpoint.clone())));
    assert!(!path.exists());
    let other = open(&path, LogOptions::new()).unwrap();
    for number in 0..10 {
        append(&other, number + 50).unwrap();
    }
    refused(Code::LogChanged, open(&path, LogOptions::new().expected(checkpoint)));
}

#[test]
fn a_log_that_shrinks_or_goes_away_under_its_process_is_not_gone_on_with() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new()).unwrap();
    append(&log, 1).unwrap();
    append(&log, 2).unwrap();
    let whole = std::fs::read(&path).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(200).unwrap();
    refused(Code::LogTruncated, append(&log, 3));
    std::fs::remove_file(&path).unwrap();
    refused(Code::LogTruncated, append(&log, 3));
    std::fs::write(&path, b"").unwrap();
    refused(Code::LogTruncated, append(&log, 3));
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(append(&log, 3).unwrap(), 3);
}

#[test]
fn another_log_or_another_file_is_foreign() {
    let folder = folder();
    let path = folder.join("calls.log");
    append(&open(&path, LogOptions::new()).unwrap(), 1).unwrap();
    refused(Code::LogForeign, LogFile::open(&path, "other.example/calls", LogOptions::new(), at(1)));
    for text in ["{\"a\":1}\n", "hello\n"] {
        std::fs::write(&path, text).unwrap();
        refused(Code::LogMalformed, open(&path, LogOptions::new()));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
    refused(Code::AuditUnavailable, open(&folder, LogOptions::new()));
    refused(Code::AuditUnavailable, open(&folder.join("none/calls.log"), LogOptions::new()));
    refused(Code::NameInvalid, LogFile::open(&path, "a b", LogOptions::new(), at(1)));
    refused(Code::NameInvalid, LogFile::open(&path, "", LogOptions::new(), at(1)));
    refused(Code::AuditUnavailable, check_log(folder.join("none.log"), Vec::new(), |_, _| {}));
}

#[test]
fn many_threads_and_handles_append_to_one_chain() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().rotate_at(20_000);
    std::thread::scope(|scope| {
        for handle in 0..4 {
            let log = Arc::new(open(&path, options()).unwrap());
            for thread in 0..4 {
                let log = log.clone();
                scope.spawn(move || (0..50).for_each(|n| assert!(append(&log, handle * 1000 + thread * 100 + n).is_ok())));
            }
        }
    });
    let mut found = numbers(&path);
    found.sort_unstable();
    let expected: Vec<u64> = (0..4).flat_map(|h| (0..4).flat_map(move |t| (0..50).map(move |n| h * 1000 + t * 100 + n))).collect();
    assert_eq!(found, expected);
    assert!(log_files(&path).unwrap().len() > 2);
}

#[test]
fn a_closed_log_takes_nothing() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new()).unwrap();
    log.close(at(1)).unwrap();
    log.close(at(1)).unwrap();
    refused(Code::AuditUnavailable, append(&log, 1));
    refused(Code::AuditUnavailable, log.sign_checkpoint(at(1)));
    refused(Code::ConfigInvalid, open(&path, LogOptions::new()).unwrap().sign_checkpoint(at(1)));
}

#[test]
fn arguments_are_disclosed_by_name_and_digests_are_salted() {
    use crate::value::{Arguments, Value};
    let arguments = Arguments::new(vec![("amount".to_owned(), Value::from(5)), ("iban".to_owned(), "DE00".into())]).unwrap();
    let record = || AuditRecord::new("pay", Some(arguments.clone()), "https://bank".into(), at(1));
    let recorded = |options: LogOptions| {
        let path = folder().join("calls.log");
        let log = open(&path, options).unwrap();
        log.record(&record()).unwrap();
        let line = std::fs::read_to_string(&path).unwrap().lines().last().unwrap().to_owned();
        serde_json::from_str::<serde_json::Value>(&line).unwrap()["record"].clone()
    };
    let plain = arguments.digest().to_string();
    let by_default = recorded(LogOptions::new());
    assert_eq!((by_default["arguments_digest"].as_str(), by_default.get("arguments")), (Some(&*plain), None));
    let named = recorded(LogOptions::new().disclosing(["amount".to_owned()]));
    assert_eq!((&named["arguments"], named["arguments_digest"].as_str()), (&serde_json::json!({ "amount": 5 }), Some(&*plain)));
    let [salted, again, other] = [1, 1, 2].map(|salt| recorded(LogOptions::new().salted([salt; 32])));
    assert_eq!((&salted["arguments_digest"], &salted["arguments_salted"]), (&again["arguments_digest"], &true.into()));
    assert_ne!(salted["arguments_digest"], other["arguments_digest"]);
    assert!(!salted.to_string().contains(&plain) && !format!("{:?}", LogOptions::new().salted([7; 32])).contains("7, 7"));
}

#[test]
fn an_append_that_begins_a_file_says_where_its_record_is() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().rotate_at(600)).unwrap();
    let appended: Vec<_> = (0..20).map(|number| (append(&log, number).unwrap(), number)).collect();
    let mut found = Vec::new();
    let each = |sequence, record: &str| {
        found.extend((0..20).filter(|number| record == self::record(*number)).map(|number| (sequence, number)));
        Ok(())
    };
    read_log(&path, Vec::new(), each, |_, _| {}).unwrap();
    assert_eq!(appended, found);
}

#[test]
fn a_file_without_a_whole_line_that_begins_no_log_is_left_as_it_is() {
    let path = folder().join("notes.txt");
    for text in ["hello", "{\"a\":1}", "\0\0\0", "{\"prev"] {
        std::fs::write(&path, text).unwrap();
        if text == "{\"prev" {
            append(&open(&path, LogOptions::new()).unwrap(), 1).unwrap();
        } else {
            refused(Code::LogForeign, open(&path, LogOptions::new()));
            assert_eq!((std::fs::read_to_string(&path).unwrap().as_str(), path.with_extension("txt.torn").exists()), (text, false));
        }
    }
}

#[test]
fn a_log_that_is_refused_is_left_as_it_is() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new()).unwrap();
    (0..5).for_each(|number| assert!(append(&log, number).is_ok()));
    let kept = log.head().checkpoint(ORIGIN);
    let whole = std::fs::read_to_string(&path).unwrap();
    // The last line without its newline, and half of the first.
    for end in [whole.len() - 1, 100] {
        std::fs::write(&path, &whole[..end]).unwrap();
        refused(Code::LogTruncated, open(&path, LogOptions::new().expected(kept.clone())));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole[..end]);
        assert!(!path.with_extension("log.torn").exists());
    }
}

#[test]
fn a_file_that_was_put_away_and_cut_is_not_gone_on_with() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().rotate_at(1)).unwrap();
    append(&log, 1).unwrap();
    drop(log);
    std::fs::remove_file(&path).unwrap();
    let last = log_files(&path).unwrap().pop().unwrap();
    let whole = std::fs::read_to_string(&last).unwrap();
    for cut in ["", "{\"previous\":\"0"] {
        std::fs::write(&last, cut).unwrap();
        refused(Code::LogTruncated, open(&path, LogOptions::new()));
        assert!(!path.exists());
    }
    std::fs::write(&last, whole).unwrap();
    assert_eq!(append(&open(&path, LogOptions::new()).unwrap(), 2).unwrap(), 2);
}

/// Signs so many times, and then no more.
struct Failing {
    key: Arc<SigningKey>,
    left: AtomicU64,
}

impl Signer for Failing {
    fn verifying_key(&self) -> &crate::VerifyingKey {
        self.key.verifying_key()
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
            Ok(_) => self.key.sign(message),
            Err(_) => Err(Code::SigningFailed.into()),
        }
    }
}

#[test]
fn a_record_that_is_written_is_acknowledged_and_no_more_are_until_the_checkpoint_is_signed() {
    let path = folder().join("calls.log");
    let signer = Arc::new(Failing { key: key(), left: AtomicU64::new(0) });
    let log = open(&path, LogOptions::new().checkpoints(signer.clone(), 3)).unwrap();
    assert_eq!([1, 2].map(|number| append(&log, number).unwrap()), [1, 2]);
    for number in [3, 4] {
        refused(Code::SigningFailed, append(&log, number));
    }
    assert_eq!(numbers(&path), [1, 2]);
    signer.left.store(u64::MAX, Ordering::Relaxed);
    assert_eq!(append(&log, 5).unwrap(), 3);
    signer.left.store(0, Ordering::Relaxed);
    refused(Code::SigningFailed, log.close(at(2)));
}

#[test]
fn processes_that_sign_at_once_leave_the_newest_checkpoint() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().checkpoints(key(), 1).rotate_at(5_000);
    std::thread::scope(|scope| {
        for handle in 0..4 {
            let log = open(&path, options()).unwrap();
            scope.spawn(move || (0..40).for_each(|n| assert!(append(&log, handle * 100 + n).is_ok())));
        }
    });
    let note = std::fs::read_to_string(path.with_extension("log.checkpoint")).unwrap();
    let report = check_log(&path, vec![policy().verify(&note, at(3)).unwrap()], |_, _| {}).unwrap();
    assert_eq!(report.anchored, Some(report.head.size()));
}

#[test]
fn what_was_counted_and_cannot_be_written_is_counted_still() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().unproven_per_minute(1)).unwrap();
    let denied = |second: u64| {
        let mut record = AuditRecord::new("deploy", None, "https://tools.acme.example".into(), at(second));
        record.refusal = Some(Code::Malformed.into());
        log.record(&record)
    };
    assert_eq!([denied(1), denied(2), denied(3)].map(Result::unwrap), [Some(1), None, None]);
    crash_after(Some(0), None);
    refused(Code::AuditUnavailable, denied(70));
    crash_after(None, None);
    log.close(at(80)).unwrap();
    let mut found = Vec::new();
    let each = |_, record: &str| {
        found.extend(crate::LogRecord::from_json(record)?.count);
        Ok(())
    };
    read_log(&path, Vec::new(), each, |_, _| {}).unwrap();
    assert_eq!(found, [2]);
}

#[test]
fn what_cannot_be_taken_back_ends_the_log_and_is_set_aside_by_the_next() {
    for is_synced in [false, true] {
        let path = folder().join("calls.log");
        let log = open(&path, LogOptions::new().synced(is_synced)).unwrap();
        append(&log, 1).unwrap();
        // The write is cut, and taking it back fails.
        crash_after(Some(1), Some(50));
        refused(Code::AuditUnavailable, append(&log, 2));
        crash_after(None, None);
        refused(Code::AuditUnavailable, append(&log, 3));
        refused(Code::AuditUnavailable, log.close(at(2)));
        assert_eq!(check_log(&path, Vec::new(), |_, _| {}).unwrap_err().code(), Code::LogTorn);
        append(&open(&path, LogOptions::new()).unwrap(), 4).unwrap();
        assert_eq!(numbers(&path), [1, 4]);
    }
}

#[test]
fn what_was_not_synced_is_taken_back_and_the_log_goes_on() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().synced(true)).unwrap();
    append(&log, 1).unwrap();
    let whole = std::fs::read(&path).unwrap();
    // Written whole, and the disk says no.
    fail_after(1);
    refused(Code::AuditUnavailable, append(&log, 2));
    crash_after(None, None);
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert_eq!(append(&log, 3).unwrap(), 2);
    assert_eq!(numbers(&path), [1, 3]);
}

#[test]
fn after_a_sync_of_what_was_acknowledged_failed_nothing_is_written() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().checkpoints(key(), 100);
    let log = open(&path, options()).unwrap();
    append(&log, 1).unwrap();
    fail_after(0);
    refused(Code::AuditUnavailable, log.sign_checkpoint(at(1)));
    refused(Code::AuditUnavailable, append(&log, 2));
    refused(Code::AuditUnavailable, log.sign_checkpoint(at(1)));
    assert!(!path.with_extension("log.checkpoint").exists());
    crash_after(None, None);
    open(&path, options()).unwrap().sign_checkpoint(at(2)).unwrap();
}

#[test]
fn a_lock_that_a_forked_process_has_too_is_given_back() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new()).unwrap();
    let lock = Place::new(&path).lock(true).unwrap();
    let forked = lock.0.try_clone().unwrap();
    drop(lock);
    append(&log, 1).unwrap();
    drop(forked);
}

#[test]
fn a_check_makes_no_file_where_there_is_no_log() {
    let folder = folder();
    refused(Code::AuditUnavailable, check_log(folder.join("none.log"), Vec::new(), |_, _| {}));
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[cfg(unix)]
#[test]
fn what_is_beside_a_log_is_never_a_pipe_or_a_link() {
    let make_pipe = |path: &Path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    let path = folder().join("calls.log");
    append(&open(&path, LogOptions::new().checkpoints(key(), 1)).unwrap(), 1).unwrap();
    let put_away = path.with_extension("log.0000000000000009");
    make_pipe(&put_away);
    refused(Code::AuditUnavailable, check_log(&path, Vec::new(), |_, _| {}));
    std::fs::remove_file(&put_away).unwrap();
    let checkpoint = path.with_extension("log.checkpoint");
    std::fs::remove_file(&checkpoint).unwrap();
    make_pipe(&checkpoint);
    refused(Code::AuditUnavailable, open(&path, LogOptions::new().checkpoints(key(), 1)));
    std::fs::remove_file(&checkpoint).unwrap();
    let [mine, new, torn] = ["mine", "log.checkpoint.new", "log.torn"].map(|ending| path.with_extension(ending));
    std::fs::write(&mine, "mine").unwrap();
    std::os::unix::fs::symlink(&mine, &new).unwrap();
    let log = open(&path, LogOptions::new().checkpoints(key(), 1));
    refused(Code::AuditUnavailable, log);
    std::fs::write(&path, [&std::fs::read(&path).unwrap()[..], b"{"].concat()).unwrap();
    std::os::unix::fs::symlink(&mine, &torn).unwrap();
    refused(Code::AuditUnavailable, open(&path, LogOptions::new()));
    std::fs::remove_file(&torn).unwrap();
    make_pipe(&torn);
    refused(Code::AuditUnavailable, open(&path, LogOptions::new()));
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine");
}

fn taken(log: &LogFile) -> Vec<Signal> {
    std::iter::from_fn(|| log.take_signal()).collect()
}

fn decided(agent: &str) -> String {
    let chain = format!(r#"[{{"key":"{agent}","token":"00"}}]"#);
    format!(
        r#"{{"chain":{chain},"code":"allowed","decision":"allow","issuer":"ana","kind":"decision","proof":"00","time":"2026-11-21T08:00:00.000Z","tool":"t"}}"#
    )
}

#[test]
fn a_log_that_is_watched_tells_each_signal_once_and_keeps_it() {
    let path = folder().join("calls.log");
    let options = || LogOptions::new().rotate_at(1500).signals(crate::Signals::new(crate::Thresholds::new().learning(0)).unwrap());
    let call = |log: &LogFile, agent: &str| {
        let at = log.append(&[decided(agent)], at(1)).unwrap();
        let told = taken(log);
        assert!(told.iter().all(|signal| signal.entry() == at), "{at} {told:?}");
        told.iter().map(|signal| signal.kind()).collect::<Vec<_>>()
    };
    let (one, other) = (open(&path, options()).unwrap(), open(&path, options()).unwrap());
    assert_eq!(call(&one, "k1"), ["new-agent"]);
    assert!(call(&other, "k1").is_empty());
    assert_eq!(call(&other, "k2"), ["new-agent"]);
    assert!(call(&one, "k2").is_empty());
    for _ in 0..10 {
        assert!(call(&one, "k1").is_empty());
    }
    let again = open(&path, options()).unwrap();
    assert!(call(&again, "k1").is_empty() && call(&again, "k2").is_empty());
    assert_eq!(call(&again, "k3"), ["new-agent"]);
    assert!(log_files(&path).unwrap().len() > 2);
    let mut kept = Vec::new();
    let each = |sequence, record: &str| {
        kept.extend(record.contains(r#""signal":"new-agent""#).then_some(sequence));
        Ok(())
    };
    read_log(&path, Vec::new(), each, |_, _| {}).unwrap();
    assert_eq!(kept.len(), 3);
    assert!(open(&path, LogOptions::new()).unwrap().append(&[decided("k4")], at(1)).is_ok() && call(&one, "k4").is_empty());
}

#[test]
fn signals_that_cannot_be_written_are_told_and_refuse_nothing() {
    let path = folder().join("calls.log");
    let log = open(&path, LogOptions::new().signals(crate::Signals::new(crate::Thresholds::new().learning(0)).unwrap())).unwrap();
    // A record is two steps; what comes after it fails.
    crash_after(Some(2), None);
    let appended = log.append(&[decided("k1")], at(1));
    crash_after(None, None);
    assert_eq!((appended.unwrap(), taken(&log).len()), (1, 1));
    assert_eq!(log.append(&[decided("k1")], at(1)).unwrap(), 2);
    assert_eq!(check_log(&path, Vec::new(), |_, _| {}).unwrap().head.size(), 3);
    assert!(taken(&log).is_empty());
}

#[test]
fn signals_that_nobody_takes_fill_no_memory() {
    let path = folder().join("calls.log");
    let log =
        open(&path, LogOptions::new().signals(crate::Signals::new(crate::Thresholds::new().learning(0).most_per_minute(10_000)).unwrap()))
            .unwrap();
    let records: Vec<_> = (0..2000).map(|number| decided(&format!("k{number}"))).collect();
    log.append(&records, at(1)).unwrap();
    let told = taken(&log);
    assert_eq!((told.len(), told.last().unwrap().entry()), (1024, 2000));
    assert_eq!(log.head().size(), 4001);
}
