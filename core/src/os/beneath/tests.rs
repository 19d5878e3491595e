//! Both ways to open a file below a root, by the same cases. `core/tests/open_beneath.rs` has those of the public function.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::system::{Way, by_segments, open_by};
use super::*;

#[cfg(target_os = "linux")]
const WAYS: [(&str, Way); 2] = [("at once", system::at_once), ("by segments", by_segments)];
#[cfg(not(target_os = "linux"))]
const WAYS: [(&str, Way); 1] = [("by segments", by_segments)];

/// `root` and `outside`, next to each other.
struct World(PathBuf);

impl World {
    fn new(name: &str) -> Self {
        let world = World(std::env::temp_dir().join(format!("deputize-beneath-{}-{name}", std::process::id())));
        for folder in ["root/a/b", "outside"] {
            fs::create_dir_all(world.0.join(folder)).unwrap();
        }
        for (file, content) in [("root/a/b/file", "inside"), ("outside/file", "outside")] {
            fs::write(world.0.join(file), content).unwrap();
        }
        world
    }

    fn root(&self) -> PathBuf {
        self.0.join("root")
    }

    fn link(&self, target: &str, at: &str) {
        symlink(target, self.root().join(at)).unwrap();
    }

    fn read(&self, way: Way, path: &str) -> Result<String, Refused> {
        let mut text = String::new();
        open_by(way, &self.root(), path, FileAccess::read())?.read_to_string(&mut text).unwrap();
        Ok(text)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn is_link<T>(result: Result<T, Refused>) -> bool {
    matches!(result, Err(Refused::Link))
}

fn is_unavailable<T>(result: Result<T, Refused>, why: &str) -> bool {
    matches!(result, Err(Refused::Unavailable(reason)) if reason.contains(why))
}

#[test]
fn a_link_that_leads_out_is_refused_both_ways() {
    let world = World::new("out");
    world.link("../outside", "folder");
    world.link("../outside/file", "file");
    world.link("../../../outside", "a/b/deep");
    world.link("/", "slash");
    world.link("/proc/self/root", "magic");
    world.link("round", "round");
    let outside = world.0.join("outside/file").to_str().unwrap()[1..].to_owned();
    for (name, way) in WAYS {
        for path in ["folder/file", "file", "a/b/deep/file", "folder/none", "round", "round/file"] {
            assert!(is_link(world.read(way, path)), "{name}: {path}");
            assert!(is_link(open_by(way, &world.root(), path, FileAccess::overwrite())), "{name}: {path}");
        }
        for path in [format!("slash/{outside}"), format!("magic/{outside}")] {
            assert!(is_link(world.read(way, &path)), "{name}: {path}");
        }
        assert_eq!(world.read(way, "a/b/file").ok().as_deref(), Some("inside"), "{name}");
    }
    assert_eq!(fs::read_to_string(world.0.join("outside/file")).unwrap(), "outside");
    assert!(!world.0.join("outside/none").exists());
}

#[test]
fn a_link_that_stays_inside_is_followed_at_once_and_refused_by_segments() {
    let world = World::new("in");
    world.link("a/b", "folder");
    world.link("../a/b/file", "a/file");
    world.link(&world.root().join("a").to_string_lossy(), "absolute");
    for path in ["folder/file", "a/file"] {
        #[cfg(target_os = "linux")]
        assert_eq!(world.read(system::at_once, path).ok().as_deref(), Some("inside"), "{path}");
        assert!(is_link(world.read(by_segments, path)), "{path}");
    }
    for (name, way) in WAYS {
        assert!(is_link(world.read(way, "absolute/b/file")), "{name}: an absolute target, wherever it leads");
    }
}

#[test]
fn what_is_no_regular_file_is_refused_both_ways() {
    let world = World::new("kinds");
    let _socket = std::os::unix::net::UnixListener::bind(world.root().join("socket")).unwrap();
    for (name, way) in WAYS {
        for access in [FileAccess::read(), FileAccess::write()] {
            for path in ["", "a", "a/b", "socket"] {
                assert!(is_unavailable(open_by(way, &world.root(), path, access), "not a regular file"), "{name}: {path}");
            }
            assert!(is_unavailable(open_by(way, &world.root(), "a/b/file/x", access), "not a directory"), "{name}");
            assert!(is_unavailable(open_by(way, &world.0.join("none"), "file", access), "the root: entity not found"), "{name}");
            assert!(is_unavailable(open_by(way, &world.root(), &"x".repeat(300), access), "invalid filename"), "{name}");
        }
        assert!(is_unavailable(world.read(way, "none"), "entity not found"), "{name}");
        assert!(is_unavailable(world.read(way, "none/none"), "entity not found"), "{name}");
    }
}

#[test]
fn files_are_made_and_overwritten_both_ways() {
    let world = World::new("write");
    for (name, way) in WAYS {
        let open = |access| open_by(way, &world.root(), "a/new", access);
        for (access, text, expected) in [
            (FileAccess::write(), "a long text", "a long text"),
            (FileAccess::write(), "A", "A long text"),
            (FileAccess::overwrite(), "short", "short"),
        ] {
            open(access).unwrap_or_else(|_| panic!("{name}")).write_all(text.as_bytes()).unwrap();
            assert_eq!(world.read(way, "a/new").ok().as_deref(), Some(expected), "{name}");
        }
        fs::hard_link(world.root().join("a/new"), world.root().join("twin")).unwrap();
        assert!(matches!(open(FileAccess::overwrite().refuse_hard_links()), Err(Refused::HardLink)), "{name}");
        assert_eq!(world.read(way, "a/new").ok().as_deref(), Some("short"), "{name}: it keeps its content");
        for file in ["twin", "a/new"] {
            fs::remove_file(world.root().join(file)).unwrap();
        }
        assert!(open(FileAccess::write().refuse_hard_links()).is_ok(), "{name}");
        fs::remove_file(world.root().join("a/new")).unwrap();
        assert!(is_unavailable(open_by(way, &world.root(), "none/new", FileAccess::write()), "entity not found"), "{name}");
    }
}

#[test]
fn a_folder_need_not_be_listable() {
    let world = World::new("listable");
    let folder = world.root().join("a");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o311)).unwrap();
    for (name, way) in WAYS {
        if cfg!(target_os = "linux") {
            assert_eq!(world.read(way, "a/b/file").ok().as_deref(), Some("inside"), "{name}");
        }
    }
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn below_is_by_whole_segments() {
    for (root, path, inner) in [
        ("/data", "/data/x", "x"),
        ("/data", "/data/x/y", "x/y"),
        ("/data/", "/data/x", "x"),
        ("/data/./", "/data/x", "x"),
        ("/data", "/data", ""),
        ("/", "/x", "x"),
        ("/", "/", ""),
        ("/data", "x/y", "x/y"),
        ("/data", "data/x", "data/x"),
        ("/data/../x", "y", "y"),
    ] {
        assert_eq!(below(Path::new(root), path), Some(inner), "{root} {path}");
    }
    for (root, path) in [
        ("/data", "/database/x"),
        ("/data", "/"),
        ("/data", ""),
        ("/data", "/Data/x"),
        ("/data", "/etc/passwd"),
        ("/data", "//data/x"),
        ("/data", "/data//x"),
        ("/data", "/data/x/"),
        ("/data", "x/"),
        ("/data", "x//y"),
        ("/data", "./x"),
        ("/data", "../x"),
        ("/data", "x/../../y"),
        ("/data/../x", "/x/y"),
    ] {
        assert_eq!(below(Path::new(root), path), None, "{root} {path}");
    }
}

/// PTH-04: a folder and a link take each other's place while files are opened. Opening without help shows that the race is one.
#[test]
fn a_folder_that_becomes_a_link_meanwhile_never_leads_out() {
    const OPENS: usize = 2000;
    let world = World::new("race");
    world.link("../outside", "link");
    fs::create_dir(world.root().join("folder")).unwrap();
    fs::write(world.root().join("folder/file"), "inside").unwrap();
    let at = |name: &str| world.root().join(name);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                for (from, to) in [("folder", "aside"), ("link", "folder"), ("folder", "link"), ("aside", "folder")] {
                    fs::rename(at(from), at(to)).unwrap();
                }
            }
        });
        let end = Instant::now() + Duration::from_secs(60);
        let (mut naive, mut inside, mut links, mut gone) = (0, [0; 2], [0; 2], [0; 2]);
        let mut opens = 0;
        let is_seen = |counts: &[u32; 2]| counts[..WAYS.len()].iter().all(|count| *count > 0);
        while opens < OPENS || !(naive > 0 && is_seen(&inside) && is_seen(&links)) {
            opens += 1;
            naive += u32::from(fs::read_to_string(at("folder/file")).is_ok_and(|text| text == "outside"));
            for (index, (name, way)) in WAYS.iter().enumerate() {
                match world.read(*way, "folder/file") {
                    Ok(text) if text == "inside" => inside[index] += 1,
                    Ok(text) => break_off(&done, format!("{name} reads {text}")),
                    Err(Refused::Link) => links[index] += 1,
                    // It was there neither as the one nor as the other, or was a link when it was opened and is none any more.
                    Err(Refused::Unavailable(why)) if ["entity not found", "not a directory"].contains(&why.as_str()) => gone[index] += 1,
                    Err(_) => break_off(&done, format!("{name} is refused for another reason")),
                }
            }
            if Instant::now() > end {
                break_off(&done, format!("in {opens} opens the race was not met: {naive} {inside:?} {links:?} {gone:?}"));
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Ends the other thread too.
fn break_off(done: &AtomicBool, why: String) {
    done.store(true, Ordering::Relaxed);
    panic!("{why}");
}
