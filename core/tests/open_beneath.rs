//! Files below a root: a token allows a name, and the file that is opened is below the root too. Cases are named as in the list of attacks.
#![cfg(all(unix, feature = "os"))]

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::time::Duration;

use deputize::os::{FileAccess, SysRng, generate_key, now, open_beneath};
use deputize::*;

/// A root with `notes.txt` and `docs/plan.txt`, and beside it `outside/secret.txt`.
struct World(PathBuf);

impl World {
    fn new(name: &str) -> Self {
        let world = World(std::env::temp_dir().join(format!("deputize-open-beneath-{}-{name}", std::process::id())));
        for folder in ["root/docs", "outside"] {
            fs::create_dir_all(world.0.join(folder)).unwrap();
        }
        for (file, text) in [("root/notes.txt", "notes"), ("root/docs/plan.txt", "plan"), ("outside/secret.txt", "secret")] {
            fs::write(world.0.join(file), text).unwrap();
        }
        world
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    /// The absolute path of something below the root.
    fn at(&self, name: &str) -> String {
        self.root().join(name).to_str().unwrap().to_owned()
    }

    fn secret(&self) -> String {
        self.0.join("outside/secret.txt").to_str().unwrap().to_owned()
    }

    fn read(&self, path: &str) -> Result<String> {
        Ok(io::read_to_string(open(&self.root(), path, FileAccess::read())?).unwrap())
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Opens, and fails if that does not come to an end.
fn open(root: &Path, path: &str, access: FileAccess) -> Result<File> {
    let (sender, receiver) = mpsc::channel();
    let (root, path) = (root.to_owned(), path.to_owned());
    std::thread::spawn(move || drop(sender.send(open_beneath(root, &path, access))));
    receiver.recv_timeout(Duration::from_secs(10)).expect("opening hangs")
}

fn refused<T: std::fmt::Debug>(code: Code, context: &str, result: Result<T>) {
    let error = result.expect_err(context);
    assert_eq!(error.code(), code, "{error}");
    assert!(error.to_string().contains(context), "{error}");
}

/// Every way to open the path is refused.
fn all_refused(world: &World, code: Code, context: &str, path: &str) {
    for access in [FileAccess::read(), FileAccess::write(), FileAccess::overwrite()] {
        refused(code, context, open(&world.root(), path, access));
    }
}

#[test]
fn a_file_below_the_root_is_opened_by_either_form_of_its_path() {
    let world = World::new("forms");
    for (name, text) in [("notes.txt", "notes"), ("docs/plan.txt", "plan")] {
        assert_eq!(world.read(name).unwrap(), text);
        assert_eq!(world.read(&world.at(name)).unwrap(), text);
    }
    // The root is the program's own, with whatever it has.
    symlink(world.root(), world.0.join("other-name")).unwrap();
    assert_eq!(io::read_to_string(open_beneath(world.0.join("other-name"), "notes.txt", FileAccess::read()).unwrap()).unwrap(), "notes");
    refused(Code::ArgumentRefused, "no path", open_beneath(world.0.join("other-name"), &world.at("notes.txt"), FileAccess::read()));
    refused(Code::ConfigInvalid, "the root is not an absolute path: `root`", open_beneath("root", "notes.txt", FileAccess::read()));
    refused(Code::ConfigInvalid, "the root is not an absolute path: ``", open_beneath("", "notes.txt", FileAccess::read()));
}

#[test]
fn pth_01_to_03_names_that_are_no_paths_below_the_root() {
    let world = World::new("names");
    for path in [
        "",
        "/",
        "/etc/passwd",
        "../outside/secret.txt",
        "docs/../notes.txt",
        "./notes.txt",
        "docs//plan.txt",
        "docs/",
        "notes.txt\0",
        "docs\\plan.txt",
        "..\\outside\\secret.txt",
        "%2e%2e/outside/secret.txt",
        "%252e%252e/outside/secret.txt",
        "docs\u{ff0f}plan.txt",
        "\u{2024}\u{2024}/outside/secret.txt",
        "C:",
        "C:/notes.txt",
        "notes.txt::$DATA",
        "notes.txt.",
        "notes.txt ",
        "notes\n.txt",
    ] {
        all_refused(&world, Code::ArgumentRefused, "no path at or below the root", path);
    }
    let root = world.root().to_str().unwrap().to_owned();
    for path in
        [format!("{root}-two/x"), format!("{root}/../outside/secret.txt"), format!("{root}//notes.txt"), format!("/{root}/notes.txt")]
    {
        all_refused(&world, Code::ArgumentRefused, "no path at or below the root", &path);
    }
    // Names that a shell would expand are names.
    for path in ["~/notes.txt", "$HOME", "notes.txt~1"] {
        refused(Code::FileUnavailable, "entity not found", world.read(path));
    }
    fs::write(world.root().join("$HOME"), "a name").unwrap();
    assert_eq!(world.read("$HOME").unwrap(), "a name");
}

#[test]
fn pth_04_a_symbolic_link_that_leads_out() {
    let world = World::new("out");
    for (target, name) in [("../outside/secret.txt", "file"), ("../outside", "folder"), ("../../outside", "docs/parent"), ("loop", "loop")]
    {
        symlink(target, world.root().join(name)).unwrap();
    }
    symlink(world.secret(), world.root().join("absolute")).unwrap();
    for path in ["file", "folder/secret.txt", "docs/parent/secret.txt", "absolute", "loop"] {
        assert!(path == "loop" || fs::read_to_string(world.root().join(path)).unwrap() == "secret", "{path}");
        all_refused(&world, Code::ArgumentRefused, "a link that leads out", path);
        all_refused(&world, Code::ArgumentRefused, "a link that leads out", &world.at(path));
    }
    assert_eq!(fs::read_to_string(world.secret()).unwrap(), "secret");
}

#[test]
fn pth_04_a_symbolic_link_that_stays_inside() {
    let world = World::new("in");
    symlink("docs/plan.txt", world.root().join("file")).unwrap();
    symlink("docs", world.root().join("folder")).unwrap();
    symlink("../notes.txt", world.root().join("docs/up")).unwrap();
    for (path, text) in [("file", "plan"), ("folder/plan.txt", "plan"), ("docs/up", "notes"), ("folder/up", "notes")] {
        if cfg!(target_os = "linux") {
            assert_eq!(world.read(path).unwrap(), text, "{path}");
        } else {
            refused(Code::ArgumentRefused, "a link that", world.read(path));
        }
    }
}

#[test]
fn pth_04_a_missing_leaf_below_a_link() {
    let world = World::new("leaf");
    symlink("../outside", world.root().join("folder")).unwrap();
    symlink("../outside/new.txt", world.root().join("dangling")).unwrap();
    for path in ["folder/new.txt", "folder/new/new.txt", "dangling"] {
        all_refused(&world, Code::ArgumentRefused, "a link that leads out", path);
    }
    assert_eq!(fs::read_dir(world.0.join("outside")).unwrap().count(), 1, "nothing was made");
    refused(Code::FileUnavailable, "entity not found", world.read("docs/new.txt"));
    refused(Code::FileUnavailable, "entity not found", open_beneath(world.root(), "none/new.txt", FileAccess::write()));
    open_beneath(world.root(), "docs/new.txt", FileAccess::write()).unwrap().write_all(b"new").unwrap();
    assert_eq!(world.read("docs/new.txt").unwrap(), "new");
}

#[test]
fn pth_04_a_hard_link() {
    let world = World::new("hard");
    fs::hard_link(world.secret(), world.root().join("twin")).unwrap();
    let root = world.root();
    assert_eq!(world.read("twin").unwrap(), "secret", "a hard link is the file");
    for access in [FileAccess::read(), FileAccess::write(), FileAccess::overwrite()] {
        refused(Code::ArgumentRefused, "more than one name", open(&root, "twin", access.refuse_hard_links()));
        open_beneath(&root, "docs/plan.txt", access.refuse_hard_links()).unwrap();
    }
    assert_eq!(fs::read_to_string(world.secret()).unwrap(), "secret");
}

#[cfg(target_os = "linux")]
#[test]
fn pth_04_links_of_proc() {
    let world = World::new("proc");
    symlink("/proc/self/root", world.root().join("slash")).unwrap();
    let inside = File::open(world.root().join("notes.txt")).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&inside);
    symlink(format!("/proc/self/fd/{number}"), world.root().join("descriptor")).unwrap();
    let through = format!("slash{}", world.secret());
    assert_eq!(fs::read_to_string(world.root().join(&through)).unwrap(), "secret");
    all_refused(&world, Code::ArgumentRefused, "a link that leads out", &through);
    all_refused(&world, Code::ArgumentRefused, "a link that leads out", "descriptor");
    let proc = Path::new("/proc");
    for path in [format!("/proc/self/root{}", world.secret()), format!("self/fd/{number}"), "thread-self/cwd/Cargo.toml".into()] {
        assert!(proc.join(&path).exists(), "{path}");
        refused(Code::ArgumentRefused, "a link that leads out", open(proc, &path, FileAccess::read()));
    }
    open_beneath(proc, "/proc/sys/kernel/ostype", FileAccess::read()).unwrap();
}

#[test]
fn pth_06_a_root_joined_with_an_absolute_path() {
    let world = World::new("join");
    assert_eq!(fs::read_to_string(world.root().join(world.secret())).unwrap(), "secret", "what `join` makes of it");
    all_refused(&world, Code::ArgumentRefused, "no path at or below the root", &world.secret());
    assert_eq!(world.read(&world.at("notes.txt")).unwrap(), "notes");
}

#[test]
fn only_regular_files_are_opened_and_none_is_waited_for() {
    let world = World::new("kinds");
    let made = Command::new("mkfifo").arg(world.root().join("pipe")).status().unwrap();
    assert!(made.success());
    for path in ["pipe", "docs", &world.at("docs"), &world.at("")[..world.at("").len() - 1]] {
        all_refused(&world, Code::FileUnavailable, "not a regular file", path);
    }
    // A pipe with somebody at its other end opens, and is no file either.
    let _held = fs::OpenOptions::new().read(true).write(true).open(world.root().join("pipe")).unwrap();
    all_refused(&world, Code::FileUnavailable, "not a regular file", "pipe");
    refused(Code::FileUnavailable, "not a regular file", open(Path::new("/dev"), "null", FileAccess::read()));
    refused(Code::FileUnavailable, "not a regular file", open(Path::new("/dev"), "/dev/null", FileAccess::overwrite()));
    refused(Code::FileUnavailable, "not a directory", world.read("notes.txt/x"));
    refused(Code::FileUnavailable, "the root: not a directory", open(&world.root().join("notes.txt"), "x", FileAccess::read()));
    refused(Code::FileUnavailable, "the root: entity not found", open(&world.root().join("none"), "x", FileAccess::read()));
}

#[test]
fn writing_keeps_what_is_there_unless_asked() {
    let world = World::new("write");
    let write = |access, text: &str| open(&world.root(), "docs/new.txt", access).unwrap().write_all(text.as_bytes()).unwrap();
    write(FileAccess::write(), "a long text");
    write(FileAccess::write(), "A");
    assert_eq!(world.read("docs/new.txt").unwrap(), "A long text");
    write(FileAccess::overwrite(), "short");
    assert_eq!(world.read("docs/new.txt").unwrap(), "short");
    // The same right as any new file has here.
    fs::write(world.root().join("ordinary"), "").unwrap();
    let mode = |name: &str| fs::metadata(world.root().join(name)).unwrap().mode();
    assert_eq!(mode("docs/new.txt"), mode("ordinary"));
    let mut reading = open(&world.root(), "notes.txt", FileAccess::read()).unwrap();
    assert!(reading.write_all(b"x").is_err());
}

/// The token decides about the name, the helper about the file: a call that is allowed does not read what is outside.
#[test]
fn an_allowed_name_that_is_a_link_is_not_opened() {
    let world = World::new("token");
    symlink(world.secret(), world.root().join("link.txt")).unwrap();
    let (ana, coder) = (generate_key().unwrap(), generate_key().unwrap());
    let rules = ArgumentRules::new().required("path", Constraint::path(world.root().to_str().unwrap()).unwrap());
    let tools = Tools::new().allow("read", rules).unwrap();
    let chain = issue(&ana, "ana", &Grant::to(coder.verifying_key()).tools(tools), &mut SysRng, now().unwrap()).unwrap();
    let store = MemoryStore::new(MemoryStore::DEFAULT_CAPACITY, now().unwrap()).unwrap();
    let verifier = Verifier::new([TrustAnchor::new("ana", ana.verifying_key()).unwrap()], "https://tools", store).unwrap();
    let read = |path: &str| {
        let arguments = Arguments::new(vec![("path".into(), path.into())])?;
        let call = Call::new("read", &arguments);
        let presentation = prove(&coder, &chain, &call, "https://tools", &mut SysRng, now()?)?;
        verifier.authorize(&presentation, &call, now()?).map_err(|denied| Error::new(denied.code()))?;
        world.read(path).map_err(|error| Error::named(error.code(), "opened", path))
    };
    assert_eq!(read(&world.at("notes.txt")).unwrap(), "notes");
    refused(Code::ArgumentRefused, "opened", read(&world.at("link.txt")));
    assert_eq!(read(&world.secret()).unwrap_err(), Error::new(Code::ArgumentRefused), "denied before anything is opened");
}
