use super::*;
use crate::key::SigningKey;
use crate::time::Now;
use crate::{Code, Digest, Error};

const ORIGIN: &str = "acme.example/calls";

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32]).unwrap()
}

fn now() -> Now {
    Now::from_millis(1_790_000_000_000).unwrap()
}

fn policy() -> CheckpointPolicy {
    CheckpointPolicy::new([NoteKey::of_log(ORIGIN, key(1).verifying_key()).unwrap()]).unwrap()
}

fn record(number: u64) -> String {
    format!(r#"{{"kind":"test","number":{number},"time":"2026-11-21T08:00:{:02}.000Z"}}"#, number % 60)
}

/// A log of so many records, as lines, and the head at each size.
fn log(size: u64) -> (Vec<String>, Vec<LogHead>) {
    let mut heads = vec![LogHead::default()];
    let lines = (0..size)
        .map(|number| {
            let mut head = heads.last().unwrap().clone();
            let line = head.append(&record(number)).unwrap();
            heads.push(head);
            line
        })
        .collect();
    (lines, heads)
}

fn check<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>, checkpoints: &[Checkpoint]) -> Result<LogReport, Error> {
    let mut check = LogCheck::new(checkpoints.to_vec());
    for line in lines {
        check.push(line.as_ref())?;
    }
    check.finish()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(code: Code, entry: Option<u64>, result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert_eq!((error.code(), error.entry()), (code, entry), "{error}");
}

#[test]
fn a_whole_log_is_anchored_where_a_checkpoint_says_so_and_otherwise_not() {
    let (lines, heads) = log(100);
    let report = check(&lines, &[]).unwrap();
    assert_eq!((report.head.size(), report.anchored, report.head.root()), (100, None, heads[100].root()));
    let checkpoints: Vec<_> = [60, 0, 100, 60].map(|size: usize| heads[size].checkpoint(ORIGIN)).into();
    assert_eq!(check(&lines, &checkpoints).unwrap().anchored, Some(100));
    assert_eq!(check(&lines, &checkpoints[..1]).unwrap().anchored, Some(60));
    assert_eq!(check::<&str>([], &[]).unwrap().anchored, None);
    assert_eq!(check::<&str>([], &checkpoints[1..2]).unwrap().anchored, Some(0));
}

#[test]
fn pieces_of_any_size_make_the_same_log() {
    let (lines, _) = log(20);
    let whole = lines.concat();
    let expected = check(&lines, &[]).unwrap();
    for size in [1, 2, 7, 64, 1000, whole.len()] {
        assert_eq!(check(whole.as_bytes().chunks(size), &[]).unwrap(), expected);
    }
    let mut check = LogCheck::new([]);
    let mut seen = Vec::new();
    for piece in whole.as_bytes().chunks(5) {
        check
            .push_each(piece, |sequence, record| {
                seen.push((sequence, record.to_owned()));
                Ok(())
            })
            .unwrap();
    }
    assert_eq!(seen, (0..20).map(|number| (number, record(number))).collect::<Vec<_>>());
}

#[test]
fn each_way_to_change_a_log_is_named_with_its_place() {
    let (lines, heads) = log(50);
    let anchor = [heads[50].checkpoint(ORIGIN)];
    for at in [0, 1, 25, 48, 49] {
        let mut edited = lines.clone();
        edited[at] = edited[at].replace("\"number\":", "\"number\":1");
        let without_anchor = check(&edited, &[]);
        if at == 49 {
            without_anchor.unwrap();
            refused(Code::LogChanged, Some(0), check(&edited, &anchor));
            refused(Code::LogChanged, Some(40), check(&edited, &[heads[40].checkpoint(ORIGIN), anchor[0].clone()]));
        } else {
            refused(Code::LogChanged, Some(at as u64), without_anchor);
        }
        let mut dropped = lines.clone();
        dropped.remove(at);
        match at {
            49 => refused(Code::LogTruncated, Some(49), check(&dropped, &anchor)),
            _ => refused(Code::LogGap, Some(at as u64), check(&dropped, &[])),
        }
        let mut twice = lines.clone();
        twice.insert(at, lines[at].clone());
        refused(Code::LogGap, Some(at as u64 + 1), check(&twice, &[]));
        if at < 49 {
            let mut swapped = lines.clone();
            swapped.swap(at, at + 1);
            refused(Code::LogGap, Some(at as u64), check(&swapped, &[]));
        }
        // An edit of what an entry says about the one before it is an edit of that entry.
        let mut unchained = lines.clone();
        unchained[at] = format!("{{\"previous\":\"{}{}", "5".repeat(64), &lines[at][77..]);
        if at < 49 {
            refused(Code::LogChanged, Some(at as u64), check(&unchained, &[]));
        } else {
            refused(Code::LogChanged, Some(48), check(&unchained, &[]));
        }
    }
    for cut in [1, 10, 50] {
        let short = &lines[..50 - cut];
        assert_eq!(check(short, &[]).unwrap().anchored, None, "unanchored, never plain ok");
        refused(Code::LogTruncated, Some(50 - cut as u64), check(short, &anchor));
    }
}

#[test]
fn a_suffix_written_anew_with_its_hashes_is_told_by_the_root() {
    let (lines, heads) = log(50);
    let mut head = heads[30].clone();
    let anew = (30..50).map(|number| head.append(&record(number + 1000)).unwrap());
    let forged: Vec<_> = lines[..30].iter().cloned().chain(anew).collect();
    assert_eq!(check(&forged, &[]).unwrap().anchored, None);
    refused(Code::LogChanged, Some(20), check(&forged, &[heads[20].checkpoint(ORIGIN), heads[50].checkpoint(ORIGIN)]));
    refused(Code::LogChanged, Some(30), check(&forged, &[heads[30].checkpoint(ORIGIN), heads[40].checkpoint(ORIGIN)]));
}

#[test]
fn every_single_flipped_bit_is_noticed() {
    let (lines, heads) = log(4);
    let (whole, anchor) = (lines.concat().into_bytes(), [heads[4].checkpoint(ORIGIN)]);
    for bit in 0..8 * whole.len() {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let error = check([&flipped], &anchor).unwrap_err();
        let place = whole[..bit / 8].iter().filter(|byte| **byte == b'\n').count() as u64;
        assert!(error.entry().is_some_and(|entry| entry <= place), "{bit}: {error}");
    }
}

#[test]
fn a_torn_end_is_no_entry() {
    let (lines, heads) = log(5);
    let whole = lines.concat();
    for end in 1..whole.len() {
        let torn = &whole[..end];
        let complete = torn.matches('\n').count() as u64;
        match torn.ends_with('\n') {
            true => refused(Code::LogTruncated, Some(complete), check([torn], &[heads[5].checkpoint(ORIGIN)])),
            false => refused(Code::LogTorn, Some(complete), check([torn], &[])),
        }
    }
}

#[test]
fn what_is_no_entry_is_malformed() {
    let (lines, _) = log(2);
    for bad in [
        "\n".to_owned(),
        "{}\n".to_owned(),
        format!(" {}", lines[1]),
        lines[1].replace("{\"kind\"", "{ \"kind\""),
        lines[1].replace("\"sequence\":1", "\"sequence\":01"),
        lines[1].replace("\"sequence\":1", "\"sequence\":1.0"),
        lines[1].replace("\"sequence\":1", "\"sequence\":-1"),
        lines[1].replace("}\n", ",\"z\":1}\n"),
        lines[1].replace("}\n", "}\r\n"),
        lines[1].replace("\"record\":{", "\"record\":[").replace("Z\"}", "Z\"]"),
        lines[1].to_uppercase(),
    ] {
        refused(Code::LogMalformed, Some(1), check([&lines[0], &bad], &[]));
    }
    refused(Code::LogMalformed, Some(1), check([lines[0].as_bytes(), b"\xff\n"], &[]));
    let mut check = LogCheck::new([]);
    refused(Code::LogMalformed, Some(0), check.push(&vec![b'x'; 300_000]));
    refused(Code::LogMalformed, Some(0), check.push(b"\n"));
    refused(Code::LogMalformed, Some(0), check.finish());
}

#[test]
fn only_a_whole_canonical_object_becomes_an_entry() {
    let mut head = LogHead::default();
    for bad in ["", "1", "[]", "{} ", r#"{"b":1,"a":2}"#, r#"{},"sequence":0}"#, r#"{"a":1},"x":{"b":2}"#, "{\"a\":\"\n\"}"] {
        refused(Code::LogMalformed, None, head.append(bad));
    }
    refused(Code::LogMalformed, None, head.append(&format!("{{\"a\":\"{}\"}}", "x".repeat(262_144))));
    assert_eq!(head, LogHead::default());
    let hostile = crate::value_to_json(&crate::Value::Map([("a".to_owned(), "\u{1b}[2J\n\0{\"x\":\"".into())].into()));
    let line = head.append(&hostile).unwrap();
    assert_eq!(line.matches('\n').count(), 1);
    check([line], &[]).unwrap();
}

#[test]
fn a_record_is_a_map_and_no_other_value() {
    for bad in [r#"{"$bytes":"AQ"}"#, r#"{"$integer":"9007199254740993"}"#, r#"{"$bytes":""}"#] {
        refused(Code::LogMalformed, None, LogHead::default().append(bad));
        let line = format!("{{\"previous\":\"{}\",\"record\":{bad},\"sequence\":0}}\n", "0".repeat(64));
        refused(Code::LogMalformed, Some(0), check([line], &[]));
    }
}

#[test]
fn a_record_that_a_check_would_refuse_is_not_appended() {
    let (_, heads) = log(3);
    let mut head = heads[3].clone();
    let good = heads[3].continued(ORIGIN, now());
    let root = good.split('"').find(|part| part.len() == 64).unwrap();
    let (other, no_hash) = (good.replace(root, &"0".repeat(64)), good.replace(root, &root.to_uppercase()));
    for bad in [r#"{"kind":"continued","roots":[]}"#, r#"{"kind":"continued","x":1}"#, &heads[2].continued(ORIGIN, now()), &other, &no_hash]
    {
        assert_eq!(head.append(bad).unwrap_err().code(), Code::LogMalformed);
    }
    assert_eq!(head, heads[3]);
    head.append(&good).unwrap();
}

#[test]
fn a_clock_that_steps_back_is_told_and_breaks_nothing() {
    let mut head = LogHead::default();
    let lines: Vec<_> = ["22", "23", "21", "22", "23", "24"]
        .map(|day| head.append(&format!(r#"{{"time":"2026-11-{day}T08:00:00.000Z"}}"#)).unwrap())
        .into();
    let report = check(&lines, &[]).unwrap();
    assert_eq!((report.steps_back, report.first_step_back), (2, Some(2)));
}

#[test]
fn a_log_goes_on_in_a_new_file_and_its_roots_are_checked() {
    let (mut lines, heads) = log(11);
    let mut head = heads[11].clone();
    lines.push(head.append(&head.clone().continued(ORIGIN, now())).unwrap());
    check(&lines, &[]).unwrap();
    let other = heads[10].continued(ORIGIN, now()).replace(ORIGIN, "x");
    lines[11] = line::write(heads[11].last(), &other, 11);
    refused(Code::LogMalformed, Some(11), check(&lines, &[]));
    lines[11] = line::write(heads[11].last(), &log(13).1[7].continued(ORIGIN, now()), 11);
    refused(Code::LogChanged, Some(11), check(&lines, &[]));
}

/// The examples of C2SP `signed-note` and `tlog-cosignature`, and the keys that their ids are of are not printed there: what is known is their form.
const PRINTED: &str = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\u{2014} example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\u{2014} witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";

#[test]
fn the_printed_checkpoint_is_read_as_it_is_printed() {
    let checkpoint = Checkpoint::unverified(PRINTED).unwrap();
    assert_eq!((checkpoint.origin(), checkpoint.size()), ("example.com/behind-the-sofa", 20_852_163));
    assert_eq!(checkpoint.text(), &PRINTED[..PRINTED.find("\n\n").unwrap() + 1]);
}

#[test]
fn a_checkpoint_counts_when_the_log_signed_it() {
    let (_, heads) = log(3);
    let note = heads[3].checkpoint(ORIGIN).sign(&key(1)).unwrap();
    assert_eq!(policy().verify(&note, now()).unwrap(), heads[3].checkpoint(ORIGIN));
    let stranger = heads[3].checkpoint(ORIGIN).sign(&key(2)).unwrap();
    refused(Code::CheckpointInvalid, None, policy().verify(&stranger, now()));
    let foreign = heads[3].checkpoint("other.example/calls").sign(&key(1)).unwrap();
    refused(Code::CheckpointInvalid, None, policy().verify(&foreign, now()));
    for (from, to) in [
        ("\n3\n", "\n4\n"),
        ("\n3\n", "\n03\n"),
        ("\n3\n", "\n-3\n"),
        ("\n3\n", "\n9007199254740992\n"),
        ("=\n\n", "=\n\n\n"),
        ("\u{2014}", "-"),
        ("=\n\n", "\n\n"),
    ] {
        let changed = note.replacen(from, to, 1);
        assert_ne!(changed, note);
        refused(Code::CheckpointInvalid, None, policy().verify(&changed, now()));
    }
    for end in 0..note.len() {
        if let Some(cut) = note.get(..end) {
            refused(Code::CheckpointInvalid, None, policy().verify(cut, now()));
        }
    }
    refused(Code::CheckpointInvalid, None, policy().verify(&note.replace('3', "3\r"), now()));
    refused(Code::TooLarge, None, policy().verify(&format!("{}{note}", "x\n".repeat(40_000)), now()));
    refused(Code::CheckpointInvalid, None, policy().verify(&format!("{note}{}", note.split("\n\n").nth(1).unwrap().repeat(40)), now()));
    let empty_with_entries = Checkpoint::of(ORIGIN, 0, heads[3].root()).sign(&key(1)).unwrap();
    refused(Code::CheckpointInvalid, None, policy().verify(&empty_with_entries, now()));
    // A key beside the log's whose signature is not known is passed over; one by the log's own key that is wrong is not.
    let line = stranger.split("\n\n").nth(1).unwrap();
    policy().verify(&format!("{note}{line}"), now()).unwrap();
    let bad = heads[2].checkpoint(ORIGIN).sign(&key(1)).unwrap();
    refused(Code::CheckpointInvalid, None, policy().verify(&format!("{note}{}", bad.split("\n\n").nth(1).unwrap()), now()));
}

#[test]
fn a_checkpoint_that_was_kept_by_its_parts_is_held_to_the_same_rules() {
    let (_, heads) = log(3);
    assert_eq!(Checkpoint::new(ORIGIN, 3, heads[3].root()).unwrap(), heads[3].checkpoint(ORIGIN));
    for (origin, size) in [("a b", 3), ("", 3), (ORIGIN, 1 << 53), (ORIGIN, 0), ("x\n3", 3)] {
        refused(Code::CheckpointInvalid, None, Checkpoint::new(origin, size, heads[3].root()));
    }
}

#[test]
fn a_log_with_a_new_key_is_checked_with_the_new_one() {
    let (_, heads) = log(3);
    let rotated = CheckpointPolicy::new([NoteKey::of_log(ORIGIN, key(2).verifying_key()).unwrap()]).unwrap();
    refused(Code::CheckpointInvalid, None, rotated.verify(&heads[3].checkpoint(ORIGIN).sign(&key(1)).unwrap(), now()));
    rotated.verify(&heads[3].checkpoint(ORIGIN).sign(&key(2)).unwrap(), now()).unwrap();
}

#[test]
fn keys_of_notes_have_one_text_and_names_that_begin_nothing_else() {
    for key in [NoteKey::of_log(ORIGIN, key(1).verifying_key()), NoteKey::of_witness("w.example", key(2).verifying_key())] {
        let key = key.unwrap();
        assert_eq!(NoteKey::from_text(&key.to_text()).unwrap(), key);
        let text = key.to_text();
        let id = text.split('+').nth(1).unwrap().to_owned();
        for bad in [
            text.replace(&id, "00000000"),
            text.replace(&id, &id.to_uppercase()),
            text.replacen('+', "", 1),
            format!("{text}="),
            format!("{text}\n"),
        ] {
            if bad != text {
                refused(Code::CheckpointInvalid, None, NoteKey::from_text(&bad));
            }
        }
    }
    for name in ["", "a b", "a+b", "a\u{a0}b", "\"@method\"", "cosignature/v1", "a\nb"] {
        refused(Code::NameInvalid, None, NoteKey::of_log(name, key(1).verifying_key()));
    }
    // golang.org/x/mod/sumdb/note prints this key in its documentation.
    let printed = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    assert_eq!(NoteKey::from_text(printed).unwrap().to_text(), printed);
}

#[test]
fn a_note_that_another_implementation_signed_verifies() {
    // From the documentation of golang.org/x/mod/sumdb/note.
    let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
    let note = format!(
        "{text}\n\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    );
    let key = NoteKey::from_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW").unwrap();
    assert!(note::Note::read(&note).unwrap().is_signed_by(&key, now()).unwrap());
    let changed = note.replace("answer", "question");
    refused(Code::CheckpointInvalid, None, note::Note::read(&changed).unwrap().is_signed_by(&key, now()));
}

fn consistency(lines: &[String], from: u64, checkpoint: &Checkpoint) -> Vec<Digest> {
    let mut proof = LogProof::of_consistency(from, checkpoint).unwrap();
    proof.push(lines.concat().as_bytes()).unwrap();
    proof.finish().unwrap()
}

#[test]
fn a_witness_cosigns_one_history_only() {
    let (lines, heads) = log(30);
    let note = |size: usize| heads[size].checkpoint(ORIGIN).sign(&key(1)).unwrap();
    let mut witness = Witness::new("w1.example", policy(), None, now()).unwrap();
    let first = witness.cosign(&note(10), &[], &key(5), now()).unwrap();
    let proof = consistency(&lines, 10, &heads[30].checkpoint(ORIGIN));
    refused(Code::CheckpointInconsistent, None, witness.cosign(&note(30), &proof[1..], &key(5), now()));
    refused(Code::CheckpointInconsistent, None, witness.cosign(&note(30), &[], &key(5), now()));
    witness.cosign(&note(30), &proof, &key(5), now()).unwrap();
    witness.cosign(&note(30), &[], &key(5), now()).unwrap();
    refused(Code::CheckpointRollback, None, witness.cosign(&note(10), &[], &key(5), now()));
    let forked = Checkpoint::of(ORIGIN, 30, heads[29].root()).sign(&key(1)).unwrap();
    refused(Code::CheckpointEquivocation, None, witness.cosign(&forked, &[], &key(5), now()));
    refused(Code::CheckpointInvalid, None, witness.cosign(&forked.replace(ORIGIN, "other"), &[], &key(5), now()));
    assert_eq!(witness.seen(), Some(&*note(30)));
    let mut restarted = Witness::new("w1.example", policy(), witness.seen(), now()).unwrap();
    refused(Code::CheckpointEquivocation, None, restarted.cosign(&forked, &[], &key(5), now()));

    let names = ["w1.example", "w2.example"];
    let keys = [5, 6].map(|number| key(number).verifying_key().clone());
    let known = || names.iter().zip(&keys).map(|(name, key)| NoteKey::of_witness(name, key).unwrap());
    let two = policy().with_witnesses(2, known()).unwrap();
    let one = policy().with_witnesses(1, known()).unwrap();
    let cosigned = format!("{}{first}", note(10));
    one.verify(&cosigned, now()).unwrap();
    refused(Code::CheckpointInvalid, None, two.verify(&cosigned, now()));
    refused(Code::CheckpointInvalid, None, two.verify(&format!("{cosigned}{first}"), now()));
    let second = Witness::new("w2.example", policy(), None, now()).unwrap().cosign(&note(10), &[], &key(6), now()).unwrap();
    two.verify(&format!("{cosigned}{second}"), now()).unwrap();
    // Of another checkpoint; for later than now; a log's line by a witness.
    refused(Code::CheckpointInvalid, None, one.verify(&format!("{}{first}", note(30)), now()));
    let early = Now::from_millis(now().millis() - 31_000).unwrap();
    refused(Code::CheckpointInvalid, None, one.verify(&cosigned, early));
    one.verify(&cosigned, Now::from_millis(now().millis() - 30_000).unwrap()).unwrap();
}

#[test]
fn witnesses_are_distinct_and_not_the_log() {
    let of = |name: &str, number: u8| NoteKey::of_witness(name, key(number).verifying_key()).unwrap();
    for (count, witnesses) in [
        (1, vec![]),
        (0, vec![of("a", 5)]),
        (2, vec![of("a", 5)]),
        (1, vec![of("a", 5), of("a", 6)]),
        (1, vec![of("a", 5), of("b", 5)]),
        (1, vec![of("a", 1)]),
    ] {
        refused(Code::ConfigInvalid, None, policy().with_witnesses(count, witnesses));
    }
    let log = |name: &str| NoteKey::of_log(name, key(1).verifying_key()).unwrap();
    refused(Code::ConfigInvalid, None, policy().with_witnesses(1, [log("x")]));
    refused(Code::ConfigInvalid, None, CheckpointPolicy::new([]));
    refused(Code::ConfigInvalid, None, CheckpointPolicy::new([of("a", 5)]));
    refused(Code::ConfigInvalid, None, CheckpointPolicy::new([log("a"), log("b")]));
}

#[test]
fn a_receipt_is_of_exactly_its_entry() {
    let (lines, heads) = log(13);
    let checkpoint = heads[13].checkpoint(ORIGIN);
    let note = checkpoint.sign(&key(1)).unwrap();
    let receipts: Vec<_> = (0..13)
        .map(|index| {
            let mut proof = LogProof::of_entry(index, &checkpoint).unwrap();
            proof.push(lines.concat().as_bytes()).unwrap();
            proof.finish_receipt(index, &note).unwrap()
        })
        .collect();
    for (at, receipt) in receipts.iter().enumerate() {
        for (other, line) in lines.iter().enumerate() {
            let result = verify_receipt(receipt, line.trim_end(), &policy(), now());
            if at == other { assert_eq!(result.unwrap(), checkpoint) } else { refused(Code::ReceiptInvalid, None, result) }
        }
        let line = lines[at].trim_end();
        refused(Code::ReceiptInvalid, None, verify_receipt(&receipt.replace("\nindex ", "\nindex 0"), line, &policy(), now()));
        refused(Code::ReceiptInvalid, None, verify_receipt(&receipt.replace("@v1", "@v2"), line, &policy(), now()));
        refused(Code::LogMalformed, None, verify_receipt(receipt, "{}", &policy(), now()));
        let edited = lines[at].trim_end().replace("\"kind\":\"test\"", "\"kind\":\"best\"");
        refused(Code::ReceiptInvalid, None, verify_receipt(receipt, &edited, &policy(), now()));
    }
    refused(Code::ConfigInvalid, None, LogProof::of_entry(13, &checkpoint));
    let mut short = LogProof::of_entry(1, &checkpoint).unwrap();
    short.push(lines[..12].concat().as_bytes()).unwrap();
    refused(Code::LogTruncated, Some(12), short.finish());
}

#[test]
fn a_public_key_of_small_order_is_no_key_of_notes() {
    let text = format!("x+00000000+{}", "AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    refused(Code::KeyInvalid, None, NoteKey::from_text(&text));
}
