//! A process that ends at any step, and files that are cut, flipped or exchanged.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::sync::OnceLock;

use rustix::fs::{FlockOperation, flock};

use super::file::crash;
use super::*;
use crate::os::SysRng;
use crate::{Authority, Revocation, RevocationList, RevocationObserver, SigningKey, Target, TokenId, rotate};

const START: u64 = 1_764_000_000;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deputize-state-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("trust.state")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn at(seconds: u64) -> Now {
    Now::from_millis((START + seconds) * 1000).unwrap()
}

fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32]).unwrap()
}

fn state() -> Arc<TrustState> {
    Arc::new(TrustState::new(["ana", "bob"].map(|name| Authority::new(name, key(name.as_bytes()[0]).verifying_key()).unwrap())).unwrap())
}

fn signed(name: &str, list: RevocationList) -> Vec<u8> {
    list.sign(&key(name.as_bytes()[0]), name, 3600, at(0)).unwrap()
}

fn full(name: &str, sequence: u64) -> Vec<u8> {
    signed(name, RevocationList::full(sequence).revoke([token(sequence)]))
}

fn change(name: &str, base: u64) -> Vec<u8> {
    signed(name, RevocationList::change(base, base + 1).revoke([token(base + 1)]))
}

fn token(n: u64) -> Target {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&n.to_be_bytes());
    Target::Token(TokenId::from_bytes(id))
}

fn turn(old: u8, new: u8) -> Vec<u8> {
    rotate(&key(old), &key(new), 60, None, &mut SysRng, at(0)).unwrap()
}

fn sequences(state: &TrustState) -> [Option<u64>; 2] {
    ["ana", "bob"].map(|name| state.held(name).map(|held| held.sequence))
}

fn opened(path: &Path) -> Result<[Option<u64>; 2]> {
    StateFile::open(path, state(), at(1)).map(|file| sequences(file.state()))
}

fn code<T>(result: Result<T>) -> Code {
    result.err().unwrap().code()
}

/// A file with lists, a change, a rotation and evidence.
fn filled(path: &Path) -> StateFile {
    let file = StateFile::create(path, state()).unwrap();
    file.apply_list(&*full("ana", 1), at(0)).unwrap();
    file.apply_list(&*full("bob", 5), at(0)).unwrap();
    file.apply_list(&*change("ana", 1), at(0)).unwrap();
    assert_eq!(code(file.apply_list(&*signed("bob", RevocationList::full(5)), at(0))), Code::RevocationEquivocation);
    file.apply_rotation(&turn(11, 12), at(0)).unwrap();
    assert_eq!(code(file.apply_rotation(&turn(11, 13), at(0))), Code::RotationEquivocation);
    file
}

#[test]
fn what_was_accepted_is_there_again() {
    let folder = Folder::new("again");
    let file = filled(&folder.file());
    assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let again = StateFile::open(folder.file(), state(), at(1)).unwrap();
    assert_eq!(sequences(again.state()), [Some(2), Some(5)]);
    assert_eq!(again.state().evidence(), file.state().evidence());
    assert_eq!(again.state().evidence().len(), 2);
    assert_eq!(code(again.state().judge_key("ana", key(11).verifying_key(), at(60))), Code::KeyRetired);
    assert_eq!(*file.index(), *again.index());
    // A full list replaces what was before it.
    let entries = again.index().entries.len();
    again.apply_list(&*full("ana", 9), at(1)).unwrap();
    assert_eq!(again.index().entries.len(), entries - 1);
    assert_eq!(opened(&folder.file()).unwrap(), [Some(9), Some(5)]);
}

#[test]
fn nothing_is_written_for_what_is_held_or_refused() {
    let folder = Folder::new("unchanged");
    let file = filled(&folder.file());
    let before = fs::read(folder.file()).unwrap();
    assert_eq!(file.apply_list(&*full("bob", 5), at(1)), Ok(Update::Unchanged));
    assert_eq!(code(file.apply_list(&*full("bob", 4), at(1))), Code::RevocationRollback);
    assert_eq!(code(file.apply_list(&full("bob", 6)[..190], at(1))), Code::RevocationIncomplete);
    assert_eq!(code(file.apply_list(&*signed("bob", RevocationList::full(5)), at(1))), Code::RevocationEquivocation);
    assert_eq!(file.apply_rotation(&turn(11, 12), at(1)), Ok(Update::Unchanged));
    assert_eq!(fs::read(folder.file()).unwrap(), before);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "the file and its lock");
}

#[test]
fn a_change_that_is_one_too_many_is_not_kept() {
    let folder = Folder::new("many");
    let file = StateFile::create(folder.file(), state()).unwrap();
    let most = limits::MAX_LIST_IDS as u64;
    file.apply_list(&*signed("ana", RevocationList::full(1).revoke((1..most).map(token))), at(0)).unwrap();
    let change = |base, ids: &[u64]| signed("ana", RevocationList::change(base, base + 1).revoke(ids.iter().copied().map(token)));
    file.apply_list(&*change(1, &[most]), at(0)).unwrap();
    let before = fs::read(folder.file()).unwrap();
    assert_eq!(code(file.apply_list(&*change(2, &[0]), at(0))), Code::TooMany);
    assert!(fs::read(folder.file()).unwrap() == before);
    assert_eq!(opened(&folder.file()).unwrap(), [Some(2), None]);
}

#[test]
fn a_process_that_ends_at_any_step_leaves_the_old_or_the_new_state() {
    let folder = Folder::new("steps");
    let path = folder.file();
    type Change = Box<dyn Fn(&StateFile) -> Result<Update>>;
    let mut changes: Vec<(&str, Change)> = Vec::new();
    changes.push(("a full list", Box::new(|file| file.apply_list(&*full("ana", 8), at(1)))));
    changes.push(("a change", Box::new(|file| file.apply_list(&*change("ana", 2), at(1)))));
    let rotation = turn(21, 22);
    changes.push(("a rotation", Box::new(move |file| file.apply_rotation(&rotation, at(1)))));
    for (what, change) in changes {
        let mut outcomes = Vec::new();
        for steps in 0.. {
            let _ = fs::remove_file(&path);
            let file = filled(&path);
            let old = fs::read(&path).unwrap();
            crash::LEFT.set(Some(steps));
            let result = change(&file);
            crash::LEFT.set(None);
            let memory = sequences(file.state());
            drop(file);
            let is_new = fs::read(&path).unwrap() != old;
            let file = StateFile::open(&path, state(), at(1)).unwrap_or_else(|error| panic!("{what}, {steps} steps: {error}"));
            assert!(result.is_err() || is_new, "{what}: what was reported is on disk");
            assert!(is_new || sequences(file.state()) == memory, "memory is never ahead of the file");
            outcomes.push(is_new);
            // The next process goes on, whatever the one before left.
            assert!(file.apply_list(&*full("bob", 6), at(1)).is_ok());
            if result.is_ok() {
                break;
            }
        }
        assert!(outcomes.len() > 8 && !outcomes[0] && outcomes.is_sorted(), "{what}: {outcomes:?}");
    }
}

#[test]
fn every_cut_of_the_draft_leaves_the_old_state_and_every_cut_of_the_file_is_refused() {
    let folder = Folder::new("cuts");
    let path = folder.file();
    drop(filled(&path));
    let old = fs::read(&path).unwrap();
    let next = StateFile::open(&path, state(), at(1)).unwrap();
    next.apply_list(&*full("ana", 8), at(1)).unwrap();
    let new = fs::read(&path).unwrap();
    for end in 0..=new.len() {
        fs::write(&path, &old).unwrap();
        fs::write(folder.0.join(".trust.state.new"), &new[..end]).unwrap();
        assert_eq!(opened(&path).unwrap(), [Some(2), Some(5)], "{end}");
    }
    let file = StateFile::open(&path, state(), at(1)).unwrap();
    assert_eq!(file.apply_list(&*full("ana", 8), at(1)), Ok(Update::Accepted), "over the draft that was left");
    for end in 0..new.len() {
        fs::write(&path, &new[..end]).unwrap();
        assert_eq!(code(opened(&path)), Code::StateUnavailable, "{end}");
    }
}

#[test]
fn every_flipped_bit_is_refused() {
    let folder = Folder::new("bits");
    let path = folder.file();
    drop(filled(&path));
    let good = fs::read(&path).unwrap();
    for (at_byte, bit) in (0..good.len()).map(|at| (at, at % 8)) {
        let mut changed = good.clone();
        changed[at_byte] ^= 1 << bit;
        fs::write(&path, &changed).unwrap();
        assert_eq!(code(opened(&path)), Code::StateUnavailable, "byte {at_byte}, bit {bit}");
    }
    fs::write(&path, &good).unwrap();
    assert_eq!(opened(&path).unwrap(), [Some(2), Some(5)]);
}

#[test]
fn rev_06_a_file_that_is_gone_empty_or_another_is_never_nothing_revoked() {
    let folder = Folder::new("gone");
    let path = folder.file();
    let file = filled(&path);
    let good = fs::read(&path).unwrap();
    for bytes in [vec![], vec![0; 4096], b"hello".to_vec(), full("ana", 3), turn(11, 12), vec![0xff; 64], [&good[..], &[0]].concat()] {
        fs::write(&path, bytes).unwrap();
        assert_eq!(code(opened(&path)), Code::StateUnavailable);
        assert_eq!(code(file.refresh(at(1))), Code::StateUnavailable);
        assert_eq!(code(file.apply_list(&*full("ana", 8), at(1))), Code::StateUnavailable);
        assert_eq!(sequences(file.state()), [Some(2), Some(5)], "memory stays");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(code(opened(&path)), Code::StateUnavailable);
    assert_eq!(code(file.apply_list(&*full("ana", 8), at(1))), Code::StateUnavailable);
    assert_eq!(code(StateFile::open(folder.0.join("no/such"), state(), at(1))), Code::StateUnavailable);
    fs::create_dir(&path).unwrap();
    assert_eq!(code(opened(&path)), Code::StateUnavailable);
    fs::remove_dir(&path).unwrap();
    let elsewhere = folder.0.join("elsewhere");
    fs::write(&elsewhere, &good).unwrap();
    fs::set_permissions(&elsewhere, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&elsewhere, &path).unwrap();
    assert_eq!(code(opened(&path)), Code::StateUnavailable);
    fs::remove_file(&path).unwrap();
    fs::rename(&elsewhere, &path).unwrap();
    assert_eq!(opened(&path).unwrap(), [Some(2), Some(5)]);
    for mode in [0o640, 0o604, 0o602] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(code(opened(&path)), Code::StateUnavailable);
    }
}

#[test]
fn rev_06_an_older_copy_is_refused_while_the_state_knows_better_and_by_a_least_sequence_afterwards() {
    let folder = Folder::new("older");
    let path = folder.file();
    let file = filled(&path);
    let old = fs::read(&path).unwrap();
    file.apply_list(&*full("ana", 8), at(1)).unwrap();
    fs::write(&path, &old).unwrap();
    assert_eq!(code(file.refresh(at(1))), Code::RevocationRollback);
    assert_eq!(code(file.apply_list(&*full("ana", 9), at(1))), Code::RevocationRollback);
    let knows = state();
    knows.apply_list(&full("ana", 8), at(1)).unwrap();
    assert_eq!(code(StateFile::open(&path, knows, at(1))), Code::RevocationRollback);
    let ana = Authority::new("ana", key(b'a').verifying_key()).unwrap().at_least(8);
    let bob = Authority::new("bob", key(b'b').verifying_key()).unwrap();
    let knows = Arc::new(TrustState::new([ana, bob]).unwrap());
    assert_eq!(code(StateFile::open(&path, knows, at(1))), Code::RevocationRollback);
    // Without either, the time of the next update still bounds it.
    let state = StateFile::open(&path, state(), at(3600)).unwrap().state().clone();
    assert_eq!(code(state.judge_key("ana", key(50).verifying_key(), at(3600))), Code::RevocationStale);
}

#[test]
fn a_file_is_made_once_and_for_an_empty_state() {
    let folder = Folder::new("create");
    let file = filled(&folder.file());
    assert_eq!(code(StateFile::create(folder.file(), state())), Code::StateUnavailable);
    assert_eq!(code(StateFile::create(folder.0.join("other"), file.state().clone())), Code::ConfigInvalid);
    let others = TrustState::new([Authority::new("eve", key(9).verifying_key()).unwrap()]).unwrap();
    assert_eq!(code(StateFile::open(folder.file(), Arc::new(others), at(1))), Code::StateUnavailable);
    let forged = TrustState::new(["ana", "bob"].map(|name| Authority::new(name, key(9).verifying_key()).unwrap())).unwrap();
    assert_eq!(code(StateFile::open(folder.file(), Arc::new(forged), at(1))), Code::StateUnavailable);
}

#[test]
fn what_would_come_into_memory_alone_is_refused_where_a_file_keeps_the_state() {
    let folder = Folder::new("kept");
    let state = state();
    assert_eq!(code(StateFile::open(folder.file(), state.clone(), at(0))), Code::StateUnavailable);
    assert_eq!(code(StateFile::create(folder.0.join("no/such"), state.clone())), Code::StateUnavailable);
    let mut loader = state.loader(at(0));
    loader.push(&full("ana", 1)).unwrap();
    let file = StateFile::create(folder.file(), state.clone()).unwrap();
    assert_eq!(code(loader.push(&[])), Code::ConfigInvalid);
    assert_eq!(code(loader.finish(at(0))), Code::ConfigInvalid);
    assert_eq!(code(state.apply_list(&full("ana", 1), at(0))), Code::ConfigInvalid);
    assert_eq!(code(state.apply_rotation(&turn(11, 12), at(0))), Code::ConfigInvalid);
    assert!(state.holds_nothing());
    ["ana", "bob"].iter().for_each(|name| assert!(file.apply_list(&*full(name, 1), at(0)).is_ok()));
    file.apply_rotation(&turn(11, 12), at(0)).unwrap();
    assert_eq!(code(StateFile::open(folder.file(), state.clone(), at(1))), Code::ConfigInvalid, "and one file is enough");
    drop(file);
    assert_eq!(code(state.apply_list(&full("ana", 2), at(1))), Code::ConfigInvalid, "also when the program let it go");
    assert_eq!(opened(&folder.file()).unwrap(), [Some(1), Some(1)]);
}

/// Uses the file that it is told about.
#[derive(Clone, Default)]
struct Curious {
    file: Arc<OnceLock<StateFile>>,
    told: Arc<Mutex<Vec<Update>>>,
}

impl RevocationObserver for Curious {
    fn revoked(&self, revocation: &Revocation<'_>) {
        let file = self.file.get().unwrap();
        file.refresh(at(1)).unwrap();
        let update = file.apply_list(&*full("bob", revocation.sequence), at(1)).unwrap();
        self.told.lock().unwrap().push(update);
    }
}

#[test]
fn an_observer_may_use_the_file() {
    let folder = Folder::new("observer");
    let curious = Curious::default();
    let state = Arc::try_unwrap(state()).unwrap().with_observer(curious.clone());
    let file = curious.file.get_or_init(|| StateFile::create(folder.file(), Arc::new(state)).unwrap());
    assert_eq!(file.apply_list(&*full("ana", 7), at(1)), Ok(Update::Accepted));
    // Of ana's list, and within that of bob's.
    assert_eq!(*curious.told.lock().unwrap(), [Update::Unchanged, Update::Accepted]);
    assert_eq!(opened(&folder.file()).unwrap(), [Some(7), Some(7)]);
}

#[test]
fn the_lock_is_free_when_it_is_left_though_a_forked_process_has_a_copy_of_it() {
    let folder = Folder::new("lock");
    let path = folder.file();
    let place = found(&path).unwrap();
    let locked = lock(&place).unwrap();
    let copy = locked.0.try_clone().unwrap();
    drop(locked);
    let other = fs::File::open(folder.0.join(".trust.state.lock")).unwrap();
    assert_eq!(flock(&other, FlockOperation::NonBlockingLockExclusive), Ok(()));
    drop(copy);
}

#[test]
fn a_clock_before_the_file_is_refused() {
    let folder = Folder::new("clock");
    drop(filled(&folder.file()));
    let before = Now::from_millis(START * 1000 - 31_000).unwrap();
    assert_eq!(code(StateFile::open(folder.file(), state(), before)), Code::ClockBehind);
}

#[test]
fn several_share_a_file_and_none_loses_what_another_wrote() {
    let folder = Folder::new("share");
    let path = folder.file();
    let one = filled(&path);
    let two = StateFile::open(&path, state(), at(1)).unwrap();
    one.apply_list(&*full("ana", 8), at(1)).unwrap();
    two.apply_list(&*full("bob", 9), at(1)).unwrap();
    assert_eq!(sequences(two.state()), [Some(8), Some(9)]);
    assert_eq!(sequences(one.state()), [Some(8), Some(5)]);
    one.refresh(at(1)).unwrap();
    assert_eq!(sequences(one.state()), [Some(8), Some(9)]);
    std::thread::scope(|scope| {
        for (file, name) in [(&one, "ana"), (&two, "bob")] {
            scope.spawn(move || (10..60).for_each(|sequence| assert!(file.apply_list(&*full(name, sequence), at(2)).is_ok())));
        }
    });
    assert_eq!(opened(&path).unwrap(), [Some(59), Some(59)]);
}
