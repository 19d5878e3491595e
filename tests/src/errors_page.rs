//! The page `docs/errors.md`, made of the table of codes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use deputize::{Code, Family};

const HEAD: &str = "\
# Codes

Each refusal carries one of these codes. They are the same in Rust (`error.code()`), Python (`error.code`), Node (`error.code`), audit records and
test vectors, and they are stable: a code never changes its meaning.

This page is made from the table in `core/src/error/code.rs` by `cargo run -p deputize-tests --bin generate-errors`. Do not edit it.
";

/// The root of the repository.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The page: families in the order in which a decision meets them, codes in the order of the table.
#[must_use]
pub fn render() -> String {
    let mut families: Vec<Family> = Code::ALL.iter().map(|code| code.family()).collect();
    families.sort_unstable();
    families.dedup();
    let mut page = HEAD.to_owned();
    for family in families {
        let _ = write!(page, "\n## {}\n\n| code | what was wrong | what to do |\n|---|---|---|\n", capitalized(family.as_str()));
        for code in Code::ALL.iter().filter(|code| code.family() == family) {
            let _ = writeln!(page, "| `{}` | {} | {} |", code.as_str(), cell(code.summary()), cell(code.help()));
        }
    }
    page
}

/// A cell of a table must not end early.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
