//! A process that is killed while it keeps its trust state, again and again: what it said it had kept is there.
#![cfg(all(unix, feature = "os"))]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use deputize::os::StateFile;
use deputize::*;

const CHILD: &str = "DEPUTIZE_TEST_STATE_FILE";
const TEST: &str = "a_process_that_is_killed_leaves_what_it_kept";
const KILLS: u64 = 60;

fn now() -> Now {
    Now::from_millis(1_764_000_000_000).unwrap()
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32]).unwrap()
}

fn state() -> Arc<TrustState> {
    Arc::new(TrustState::new([Authority::new("ana", key().verifying_key()).unwrap()]).unwrap())
}

fn list(sequence: u64) -> Vec<u8> {
    // A full list now and then; so large that it is not written in an instant.
    let list = if sequence % 8 == 1 { RevocationList::full(sequence) } else { RevocationList::change(sequence - 1, sequence) };
    let ids = (0..5000u64).map(|n| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(sequence * 5000 + n).to_be_bytes());
        Target::Token(TokenId::from_bytes(id))
    });
    list.revoke(ids).sign(&key(), "ana", 3600, now()).unwrap()
}

/// Keeps one list after another, and says so, until it is killed.
fn child(path: &Path) {
    let file = StateFile::open(path, state(), now()).unwrap();
    let first = file.state().held("ana").map_or(1, |held| held.sequence + 1);
    for sequence in first.. {
        file.apply_list(&*list(sequence), now()).unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "kept {sequence}").unwrap();
        out.flush().unwrap();
    }
}

#[test]
fn a_process_that_is_killed_leaves_what_it_kept() {
    if let Some(path) = std::env::var_os(CHILD) {
        return child(&PathBuf::from(path));
    }
    let folder = std::env::temp_dir().join(format!("deputize-kill-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    let path = folder.join("trust.state");
    StateFile::create(&path, state()).unwrap();
    let mut kept = 0;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--nocapture"])
            .env(CHILD, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let number = |line: String| line.split("kept ").nth(1).and_then(|number| number.parse::<u64>().ok());
        // Once it is at work, at an instant that is another each time.
        kept = lines.by_ref().find_map(number).expect("the child keeps a list");
        std::thread::sleep(Duration::from_micros(kill * 397 % 20_000));
        child.kill().unwrap();
        child.wait().unwrap();
        kept = lines.filter_map(number).last().unwrap_or(kept);
        let file = StateFile::open(&path, state(), now()).unwrap_or_else(|error| panic!("after {kill} kills: {error}"));
        let held = file.state().held("ana").unwrap().sequence;
        assert!(held == kept || held == kept + 1, "kept {kept}, held {held}");
    }
    assert!(kept >= KILLS);
    fs::remove_dir_all(folder).unwrap();
}
