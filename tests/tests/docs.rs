//! What the documentation and the sources promise: the page of codes, links between pages, the order of modules, the length of files,
//! and a core without clock, files, network, processes, threads or output.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use deputize::Code;
use deputize_tests::errors_page::{render, root};

/// The modules of core, each of which uses only those before it. `ARCHITECTURE.md` says what they are for.
const ORDER: [&str; 42] = [
    "limits",
    "error",
    "steps",
    "text",
    "time",
    "id",
    "cbor",
    "key",
    "cose",
    "value",
    "json",
    "pattern",
    "constraint",
    "capability",
    "hint",
    "requirement",
    "budget",
    "claims",
    "token",
    "narrowing",
    "issue",
    "session",
    "proof",
    "trust",
    "identity",
    "approval",
    "consent",
    "message",
    "chain",
    "cache",
    "store",
    "redis_store",
    "attestation",
    "renew",
    "plan",
    "verify",
    "audit",
    "authorize",
    "log",
    "export",
    "signals",
    "os",
];

/// Lines that a file of core may have, tests and the table of codes apart.
const MAX_LINES: usize = 500;

#[test]
fn the_page_of_codes_is_that_of_the_table() {
    let page = read(&root().join("docs/errors.md"));
    for code in Code::ALL {
        assert!(page.contains(&format!("| `{}` |", code.as_str())), "docs/errors.md lacks {}", code.as_str());
    }
    assert!(page == render(), "docs/errors.md is not what `cargo run -p deputize-tests --bin generate-errors` writes");
}

#[test]
fn every_relative_link_of_every_page_resolves() {
    let root = root();
    let mut broken = Vec::new();
    let pages = files(&root, "md");
    assert!(pages.len() > 10, "the pages were not found");
    for page in &pages {
        let text = read(page);
        for link in links(&text) {
            if !resolves(page, &text, &link) {
                broken.push(format!("{}: {link}", page.strip_prefix(&root).unwrap_or(page).display()));
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_module_uses_only_those_before_it() {
    let core = core();
    let library = without_comments(&read(&core.join("lib.rs")));
    let declared: BTreeSet<&str> =
        library.lines().filter_map(|line| line.trim_start().trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';')).collect();
    assert_eq!(declared, ORDER.into_iter().collect(), "the modules of lib.rs and those of the order");
    let exports = exports(&library);
    let mut wrong = Vec::new();
    for file in files(&core, "rs") {
        let inside = file.strip_prefix(&core).expect("a file of core");
        let first = inside.components().next().and_then(|part| part.as_os_str().to_str()).expect("a name");
        let module = first.trim_end_matches(".rs");
        if module == "lib" {
            continue;
        }
        let place = position(module).unwrap_or_else(|| panic!("{module} is not in the order"));
        let source = production(&read(&file));
        for name in roots_used(&source, "crate::") {
            let used = exports.get(&name).map_or(name.as_str(), String::as_str);
            match position(used) {
                Some(other) if other <= place => {}
                Some(_) => wrong.push(format!("{} uses {used}, which comes after it", inside.display())),
                None => wrong.push(format!("{} uses crate::{name}, which is no module and no export", inside.display())),
            }
        }
        // In a module of one file, `super` is the crate.
        if inside.components().count() == 1 && source.contains("super::") {
            wrong.push(format!("{} says `super::` where it means `crate::`", inside.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_on_architecture_lists_the_modules_in_order() {
    let page = read(&root().join("ARCHITECTURE.md"));
    let table = page.split("| module | what |").nth(1).expect("the table of modules");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let listed: Vec<&str> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert_eq!(listed, ORDER);
}

#[test]
fn no_file_of_core_is_long() {
    let core = core();
    for file in files(&core, "rs") {
        let inside = file.strip_prefix(&core).expect("a file of core");
        if inside.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let lines = production(&read(&file)).lines().count();
        assert!(lines <= MAX_LINES || inside == Path::new("error/code.rs"), "{} has {lines} lines", inside.display());
    }
}

#[test]
fn core_outside_os_is_pure() {
    let core = core();
    let mut found = Vec::new();
    let is_pure = |file: &&PathBuf| !file.starts_with(core.join("os")) && !file.ends_with("redis_store.rs");
    for file in files(&core, "rs").iter().filter(is_pure) {
        let source = without_comments(&production(&read(file)));
        found.extend(impurities(&source).into_iter().map(|what| format!("{}: {what}", file.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn impurities_are_found() {
    for source in [
        "use std::time::SystemTime;",
        "use std::time::{Duration, Instant};",
        "use std::{fmt, fs};",
        "let t = std::time::Instant::now();",
        "std::thread::spawn(f);",
        "use std::{env as e};",
        "println!(\"x\");",
        "eprintln!(\"x\");",
        "dbg!(x);",
        "static mut COUNT: u8 = 0;",
        "log::info!(\"x\");",
        "use tracing::info;",
    ] {
        assert!(!impurities(source).is_empty(), "{source}");
    }
    for source in ["use std::time::Duration;", "self.instant()", "fn println(x: u8) {}", "catalog::x()", "let filesystem = 1;"] {
        assert!(impurities(source).is_empty(), "{source}: {:?}", impurities(source));
    }
}

#[test]
fn tests_are_taken_out_of_sources() {
    let source = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
    assert_eq!(production(source), "fn a() {}\nfn c() {}\nfn d() {}\n");
    assert_eq!(
        roots_used("use crate::{Code, cbor::{A, B}, limits};\nuse crate::value::Value;", "crate::"),
        ["Code", "cbor", "limits", "value"]
    );
}

// Files.

fn core() -> PathBuf {
    root().join("core/src")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file with this ending below a folder, in order. What tools make and what is hidden is left out.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_made = name.starts_with('.') || matches!(name, "target" | "node_modules" | "__pycache__" | "demo-output");
        if is_made || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found
}

// Pages.

/// The text without fenced blocks and code spans.
fn prose(text: &str) -> String {
    let mut out = String::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            for (index, part) in line.split('`').enumerate() {
                out.push_str(if index % 2 == 0 { part } else { "code" });
            }
            out.push('\n');
        }
    }
    out
}

/// The targets of links that stay within the repository.
fn links(text: &str) -> Vec<String> {
    let prose = prose(text);
    let targets = prose.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next());
    let definitions = prose.lines().filter(|line| line.starts_with('[')).filter_map(|line| Some(line.split_once("]: ")?.1.trim()));
    let is_relative = |target: &&str| !target.contains("://") && !target.starts_with("mailto:");
    targets.chain(definitions).filter(is_relative).map(ToOwned::to_owned).collect()
}

fn resolves(page: &Path, text: &str, link: &str) -> bool {
    let (path, fragment) = link.split_once('#').map_or((link, None), |(path, fragment)| (path, Some(fragment)));
    let target = if path.is_empty() { page.to_path_buf() } else { page.with_file_name("").join(path) };
    match fragment {
        None => target.exists(),
        Some(fragment) if path.is_empty() => anchors(text).contains(fragment),
        Some(fragment) => target.is_file() && anchors(&read(&target)).contains(fragment),
    }
}

/// The anchors of the headings: lower case, spaces as hyphens, without punctuation.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) {
            let keep = |c: &char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ');
            let slug: String = heading.trim_start_matches('#').trim().to_lowercase().chars().filter(keep).collect();
            found.insert(slug.replace(' ', "-"));
        }
    }
    found
}

// Sources.

/// The source without what follows `#[cfg(test)]`.
fn production(source: &str) -> String {
    let mut out = String::new();
    let mut lines = source.lines();
    while let Some(line) = lines.next() {
        if line.trim() != "#[cfg(test)]" {
            out.push_str(line);
            out.push('\n');
            continue;
        }
        let indent = line.len() - line.trim_start().len();
        let Some(item) = lines.find(|line| !line.trim_start().starts_with("#[")) else { break };
        if !item.trim_end().ends_with([';', '}']) {
            lines.find(|line| line.trim_end().starts_with(&format!("{}}}", " ".repeat(indent))));
        }
    }
    out
}

/// The source without comments. What looks like a comment in a text is taken for one.
fn without_comments(source: &str) -> String {
    source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn position(module: &str) -> Option<usize> {
    ORDER.iter().position(|name| *name == module)
}

/// What the crate exports: each name, and the module that it comes from.
fn exports(library: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for statement in library.split(';').filter_map(|statement| statement.trim().strip_prefix("pub use ")) {
        let (module, names) = statement.split_once("::").expect("a path");
        for name in names.trim_matches(['{', '}']).split(',') {
            let name = name.trim().rsplit(" as ").next().unwrap_or_default();
            found.insert(name.to_owned(), module.to_owned());
        }
    }
    found
}

/// The first segment of each path after a prefix, groups included.
fn roots_used(source: &str, prefix: &str) -> Vec<String> {
    let source = without_comments(source);
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = Vec::new();
    for rest in source.split(prefix).skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            found.push(word(rest));
            continue;
        };
        let (mut depth, mut item) = (0, String::new());
        for c in group.chars() {
            match c {
                '}' if depth == 0 => break,
                ',' if depth == 0 => found.push(word(std::mem::take(&mut item).trim())),
                _ => {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    item.push(c);
                }
            }
        }
        found.push(word(item.trim()));
    }
    found.retain(|name| !name.is_empty());
    found
}

/// What a pure source must not have.
fn impurities(source: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    let system = roots_used(source, "std::");
    for module in ["fs", "net", "env", "process", "thread"] {
        if system.iter().any(|name| name == module) {
            found.push(module);
        }
    }
    let words: Vec<&str> = source.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '!'))).collect();
    for word in ["SystemTime", "Instant", "println!", "eprintln!", "print!", "eprint!", "dbg!", "thread_local!", "tracing"] {
        if words.contains(&word) {
            found.push(word);
        }
    }
    if source.contains("static mut ") {
        found.push("static mut");
    }
    // The crate, and not the module of that name.
    let starts_path = |(at, _): (usize, &str)| {
        let before = &source[..at];
        !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':')) && !before.ends_with("pub use ")
    };
    if source.match_indices("log::").any(starts_path) {
        found.push("log");
    }
    found
}
