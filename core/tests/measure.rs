//! The measurement of files: what is measured, and what is refused.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use deputize::os::measure;
use deputize::{Code, Digest};
use sha2::{Digest as _, Sha256};

/// A folder that is gone when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("deputize-measure-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("src/deep")).unwrap();
        for (file, content) in [("agent.toml", "model = 1"), ("src/main.py", "run()"), ("src/deep/a", ""), ("src.py", "x")] {
            fs::write(path.join(file), content).unwrap();
        }
        Folder(path)
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;
    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// By the words of the specification.
fn expected(files: &[(&str, &str)]) -> Digest {
    let mut bytes = Vec::new();
    for (path, content) in files {
        for part in [path, content] {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part.as_bytes());
        }
    }
    Digest::from_bytes(Sha256::digest(bytes).into())
}

fn refused(root: &Path, paths: &[&str]) -> Code {
    measure(root, paths).unwrap_err().code()
}

#[test]
fn the_measurement_is_the_digest_of_sorted_paths_and_contents() {
    let folder = Folder::new("digest");
    // `.` comes before `/`.
    let all = expected(&[("agent.toml", "model = 1"), ("src.py", "x"), ("src/deep/a", ""), ("src/main.py", "run()")]);
    assert_eq!(measure(&*folder, &["."]).unwrap(), all);
    assert_eq!(measure(&*folder, &["src", "src.py", "agent.toml", "src/main.py"]).unwrap(), all);
    assert_eq!(measure(&*folder, &["src/deep"]).unwrap(), expected(&[("src/deep/a", "")]));
    fs::write(folder.join("src/main.py"), "run(1)").unwrap();
    assert_ne!(measure(&*folder, &["."]).unwrap(), all);
}

#[test]
fn what_moves_between_a_name_and_a_content_changes_the_measurement() {
    let folder = Folder::new("moves");
    fs::write(folder.join("ab"), "c").unwrap();
    fs::write(folder.join("a"), "bc").unwrap();
    assert_ne!(measure(&*folder, &["ab"]).unwrap(), measure(&*folder, &["a"]).unwrap());
}

#[test]
fn links_are_not_followed() {
    let folder = Folder::new("links");
    symlink("agent.toml", folder.join("link")).unwrap();
    assert_eq!(refused(&folder, &["link"]), Code::FileUnavailable);
    assert_eq!(refused(&folder, &["."]), Code::FileUnavailable);
    fs::remove_file(folder.join("link")).unwrap();
    symlink("src", folder.join("link")).unwrap();
    for paths in [["link"], ["link/main.py"], ["."]] {
        assert_eq!(refused(&folder, &paths), Code::FileUnavailable, "{paths:?}");
    }
    measure(&*folder, &["src"]).unwrap();
}

#[test]
fn what_is_no_path_no_file_or_nothing_at_all_is_refused() {
    let folder = Folder::new("paths");
    for path in ["", "/", "/etc", "..", "src/..", "src//main.py", "./src", "src/", "absent", "src/main.py/x", "a\0b"] {
        assert_eq!(refused(&folder, &[path]), Code::FileUnavailable, "{path:?}");
    }
    assert_eq!(refused(&folder, &[]), Code::FileUnavailable);
    assert_eq!(refused(&folder.join("absent"), &["."]), Code::FileUnavailable);
    let _listener = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    assert_eq!(refused(&folder, &["."]), Code::FileUnavailable);
}

#[test]
fn folders_have_a_depth() {
    let folder = Folder::new("depth");
    let deepest: String = vec!["d"; 63].join("/");
    fs::create_dir_all(folder.join(&deepest)).unwrap();
    fs::write(folder.join(&deepest).join("f"), "x").unwrap();
    measure(&*folder, &["."]).unwrap();
    fs::create_dir(folder.join(&deepest).join("d")).unwrap();
    assert_eq!(refused(&folder, &["."]), Code::TooDeep);
}

#[test]
fn more_than_a_gibibyte_is_refused() {
    let folder = Folder::new("size");
    // A file with a hole takes no room.
    fs::File::create(folder.join("big")).unwrap().set_len((1 << 30) + 1).unwrap();
    assert_eq!(refused(&folder, &["big"]), Code::TooLarge);
}
