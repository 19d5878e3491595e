//! Key files: who may read them, and what is refused.
#![cfg(all(unix, feature = "os"))]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use deputize::{Code, Error, SigningKey, os};

/// A folder of mode 0700 that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deputize-key-files-{}-{name}", std::process::id()));
        fs::create_dir(&path).unwrap();
        set_mode(&path, 0o700);
        Folder(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("agent.pem")
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn key() -> SigningKey {
    SigningKey::from_seed(b"a seed that is used only in this").unwrap()
}

/// Loads, and fails if that does not come to an end.
fn load(path: &Path) -> Result<SigningKey, Error> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    std::thread::spawn(move || drop(sender.send(os::load(path))));
    receiver.recv_timeout(Duration::from_secs(10)).expect("loading hangs")
}

#[track_caller]
fn refused(code: Code, reason: &str, result: Result<SigningKey, Error>) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.context().unwrap_or_default().contains(reason), "{error}");
}

#[test]
fn a_saved_key_is_loaded_again_and_only_its_owner_can_read_it() {
    let folder = Folder::new("saved");
    os::save(folder.file(), &key()).unwrap();
    assert_eq!(mode(&folder.file()), 0o600);
    assert_eq!(folder.names(), ["agent.pem"]);
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), *key().to_pem());
    assert_eq!(load(&folder.file()).unwrap().to_seed(), key().to_seed());
}

#[test]
fn missing_folders_are_made_for_their_owner_only() {
    let folder = Folder::new("made");
    let path = folder.0.join("one/two/agent.pem");
    os::save(&path, &key()).unwrap();
    assert_eq!(mode(&folder.0.join("one")), 0o700);
    assert_eq!(mode(&folder.0.join("one/two")), 0o700);
    assert_eq!(load(&path).unwrap().to_seed(), key().to_seed());
}

#[test]
fn a_key_is_never_overwritten() {
    let folder = Folder::new("overwritten");
    os::save(folder.file(), &key()).unwrap();
    let other = os::generate_key().unwrap();
    assert_eq!(os::save(folder.file(), &other).unwrap_err().code(), Code::KeyFileExists);
    assert_eq!(load(&folder.file()).unwrap().to_seed(), key().to_seed());
    symlink("nowhere", folder.0.join("link")).unwrap();
    assert_eq!(os::save(folder.0.join("link"), &other).unwrap_err().code(), Code::KeyFileExists);
    assert_eq!(folder.names(), ["agent.pem", "link"]);
}

#[test]
fn a_file_that_others_have_access_to_is_refused() {
    let folder = Folder::new("access");
    os::save(folder.file(), &key()).unwrap();
    for open in [0o644, 0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
        set_mode(&folder.file(), open);
        refused(Code::KeyFileInsecure, &format!("{open:04o}"), load(&folder.file()));
        refused(Code::KeyFileInsecure, &format!("{open:04o}"), os::load_or_create(folder.file()));
    }
    for private in [0o600, 0o400] {
        set_mode(&folder.file(), private);
        assert!(load(&folder.file()).is_ok());
    }
}

#[test]
fn a_folder_that_others_can_write_in_is_refused() {
    let folder = Folder::new("folder");
    os::save(folder.file(), &key()).unwrap();
    for open in [0o777, 0o770, 0o702, 0o1777] {
        set_mode(&folder.0, open);
        refused(Code::KeyFileInsecure, "others can write in the folder", load(&folder.file()));
        let saved = os::save(folder.0.join("new.pem"), &key());
        assert_eq!(saved.unwrap_err().code(), Code::KeyFileInsecure);
    }
    set_mode(&folder.0, 0o755);
    assert!(load(&folder.file()).is_ok());
    assert_eq!(folder.names(), ["agent.pem"]);
}

#[test]
fn a_file_or_folder_of_another_user_is_refused() {
    let folder = Folder::new("other-user");
    os::save(folder.file(), &key()).unwrap();
    // Only root can give a file away; for anybody else a file of root's will do.
    if chown(folder.file(), Some(65534), None).is_ok() {
        refused(Code::KeyFileInsecure, "the file belongs to another user", load(&folder.file()));
        chown(&folder.0, Some(65534), None).unwrap();
        refused(Code::KeyFileInsecure, "the folder belongs to another user", load(&folder.file()));
    } else {
        refused(Code::KeyFileInsecure, "the file belongs to another user", load(Path::new("/etc/passwd")));
    }
}

#[test]
fn what_is_not_a_regular_file_is_refused_without_waiting() {
    let folder = Folder::new("not-regular");
    os::save(folder.file(), &key()).unwrap();
    let link = folder.0.join("link");
    symlink(folder.file(), &link).unwrap();
    refused(Code::KeyFileInvalid, "a symbolic link", load(&link));
    refused(Code::KeyFileInvalid, "a symbolic link", os::load_or_create(&link));

    let pipe = folder.0.join("pipe");
    assert!(Command::new("mkfifo").args(["-m", "600"]).arg(&pipe).status().unwrap().success());
    refused(Code::KeyFileInvalid, "not a regular file", load(&pipe));

    let inner = folder.0.join("inner");
    fs::create_dir(&inner).unwrap();
    refused(Code::KeyFileInvalid, "not a regular file", load(&inner));

    let socket = folder.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    refused(Code::KeyFileInvalid, "the file cannot be opened", load(&socket));
    assert_eq!(
        load(Path::new("/dev/zero")).unwrap_err().code(),
        if mode(Path::new("/dev")) & 0o022 == 0 { Code::KeyFileInvalid } else { Code::KeyFileInsecure }
    );
}

#[test]
fn what_is_not_there_is_refused_and_said_so() {
    let folder = Folder::new("missing");
    refused(Code::KeyFileInvalid, "no such file", load(&folder.file()));
    refused(Code::KeyFileInvalid, "no such file", load(&folder.0.join("no/such/agent.pem")));
    refused(Code::KeyFileInvalid, "not the path of a file", load(Path::new("/")));
    refused(Code::KeyFileInvalid, "not the path of a file", load(Path::new("")));
    refused(Code::KeyFileInvalid, "the folder cannot be opened", load(Path::new("a\0b/agent.pem")));
    assert!(folder.names().is_empty());
}

#[test]
fn what_cannot_be_written_is_refused_and_leaves_nothing() {
    let folder = Folder::new("unwritable");
    let file = folder.file();
    fs::write(&file, "a file, not a folder").unwrap();
    let (long, nowhere) = (folder.0.join("x".repeat(300)), folder.0.join("nowhere"));
    symlink("not there", &nowhere).unwrap();
    for (reason, path) in [
        ("not the path of a file", Path::new("/")),
        ("the folder cannot be opened", &file.join("agent.pem")),
        ("the folder cannot be opened", &file.join("no/such/agent.pem")),
        ("the folder cannot be made", &nowhere.join("agent.pem")),
        ("the file cannot be written", &long),
    ] {
        refused(Code::KeyFileUnwritable, reason, os::save(path, &key()).map(|()| key()));
    }
    refused(Code::KeyFileUnwritable, "the folder cannot be opened", os::load_or_create(file.join("agent.pem")));
    assert_eq!(folder.names(), ["agent.pem", "nowhere"]);
}

#[test]
fn a_file_that_does_not_hold_one_key_is_refused() {
    let folder = Folder::new("content");
    let good = key().to_pem();
    let long = format!("{}{}", *good, "\n".repeat(4097 - good.len()));
    for (content, reason) in [
        (&b""[..], "does not begin with a PEM block"),
        (&good.as_bytes()[..good.len() / 2], "PEM block"),
        (&[good.as_bytes(), b"x"].concat(), "PEM block"),
        (good.replace("PRIVATE", "PUBLIC").as_bytes(), "another label"),
        (good.replace("PRIVATE", "ENCRYPTED PRIVATE").as_bytes(), "encrypted"),
        (&[0xff; 64], "not text"),
        (long.as_bytes(), "longer than 4 KiB"),
        (&vec![b'-'; 1 << 20], "longer than 4 KiB"),
    ] {
        fs::write(folder.file(), content).unwrap();
        set_mode(&folder.file(), 0o600);
        refused(Code::KeyFileInvalid, reason, load(&folder.file()));
        refused(Code::KeyFileInvalid, reason, os::load_or_create(folder.file()));
        let text = load(&folder.file()).unwrap_err().to_string();
        assert!(!text.contains(&good.lines().nth(1).unwrap()[24..34]), "{text}");
    }
}

#[test]
fn load_or_create_makes_a_key_once() {
    let folder = Folder::new("create");
    let path = folder.0.join("keys/agent.pem");
    let first = os::load_or_create(&path).unwrap();
    assert_eq!(os::load_or_create(&path).unwrap().to_seed(), first.to_seed());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn all_who_create_at_once_get_the_same_key() {
    let folder = Folder::new("race");
    for round in 0..20 {
        let path = folder.0.join(format!("{round}/agent.pem"));
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| os::load_or_create(&path).unwrap())).collect();
            threads.into_iter().map(|thread| *thread.join().unwrap().to_seed()).collect()
        });
        assert!(keys.iter().all(|seed| *seed == keys[0]));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }
}

#[test]
fn keys_and_bytes_of_the_system_differ_each_time() {
    assert_ne!(os::generate_key().unwrap().verifying_key(), os::generate_key().unwrap().verifying_key());
    let (mut one, mut two) = ([0; 32], [0; 32]);
    os::fill(&mut one).unwrap();
    os::fill(&mut two).unwrap();
    assert_ne!(one, two);
}
