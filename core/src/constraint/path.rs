//! Paths: absolute, normalised, compared by whole segments.

use crate::error::is_unsafe_char;
use crate::id::is_at_or_below;
use crate::limits;

/// Whether a text is an absolute path without anything that a file system, a shell or a decoder could read as another path
/// (specification, constraints.md, "Path").
pub(crate) fn is_path(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('/') else { return false };
    text.len() <= limits::MAX_PATH && (rest.is_empty() || rest.split('/').all(is_segment))
}

pub(crate) fn is_below(path: &str, root: &str) -> bool {
    is_path(path) && is_at_or_below(path, root)
}

fn is_segment(segment: &str) -> bool {
    // `.` and `..` end in a dot; Windows drops dots and spaces at the end of a name.
    !segment.is_empty() && !segment.ends_with(['.', ' ']) && !segment.chars().any(is_refused)
}

fn is_refused(c: char) -> bool {
    match c {
        '\\' | '%' | ':' => true,
        '\0'..='~' => c < ' ',
        _ => is_unsafe_char(c) || LOOKALIKES.contains(&c),
    }
}

/// Characters that become a separator, a dot, a colon or a percent sign under compatibility normalisation, or look like a slash.
const LOOKALIKES: [char; 15] = [
    '\u{2024}', '\u{2025}', '\u{2026}', '\u{2044}', '\u{2215}', '\u{29f8}', '\u{fe52}', '\u{fe55}', '\u{fe68}', '\u{fe6a}', '\u{ff05}',
    '\u{ff0e}', '\u{ff0f}', '\u{ff1a}', '\u{ff3c}',
];
